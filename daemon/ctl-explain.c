#include "daemon/ctl-mail.h"

#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/text.h"
#include "lib/desk/dry.h"

#include <stdio.h>

/* The mailbox that was named, else the likely one. */
static bool find_mailbox(lk_ctl *ctl, const lk_ctl_desk *desk, int fd,
			 const lk_conf_mailbox **ret_mailbox, GError **error)
{
	const char *given = lk_ctl_value(ctl, "mailbox");

	*ret_mailbox = given != NULL
			       ? lk_conf_find_mailbox(desk->conf, given)
			       : lk_ctl_mail_mailbox(desk, lk_ctl_value(ctl, "recipient"), fd);
	if (*ret_mailbox != NULL)
		return true;
	g_set_error(error, LK_ERROR, LK_ERR_USAGE,
		    "--mailbox: the configuration has no mailbox \"%s\"", given);
	return false;
}

static bool check_recipient(const char *recipient, GError **error)
{
	if (recipient == NULL || lk_address_is_sane(recipient))
		return true;
	g_set_error(error, LK_ERROR, LK_ERR_USAGE, "--recipient: \"%s\" is no mail address",
		    recipient);
	return false;
}

/* A mail that was taken before is a known duplicate; what is explained is how it would go anew. */
static bool tell_known(lk_db *db, const lk_mail *mail, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	uint8_t hash[LK_KEY_HASH_BYTES];

	if (mail->message_id == NULL)
		return true;
	lk_key_hash(mail->message_id, hash);
	lk_param_bytes(params, hash, sizeof hash);
	if (!lk_db_run(db, LK_Q_CTL_TRACE_ARRIVALS, params, &rows, error))
		return false;
	if (lk_rows_count(rows) > 0)
		fprintf(stderr, "luukkuctl: a mail with this Message-ID was taken before "
				"(luukkuctl trace tells "
				"of it); the same mail again is a known duplicate\n");
	return true;
}

/* In a transaction that cannot write. */
static bool explain_with(lk_db *db, const lk_ctl_desk *desk, const lk_intake *intake,
			 lk_json **ret_explain, GError **error)
{
	bool done = false;

	if (!lk_db_begin(db, error))
		return false;
	done = lk_db_run(db, LK_Q_DB_READ_ONLY, NULL, NULL, error) &&
	       tell_known(db, intake->mail, error) &&
	       lk_ingest_explain(db, desk->policy, lk_now(), intake, ret_explain, error);
	lk_db_rollback(db);
	return done;
}

/*
 * A database that is away leaves what rules say to be told: as if the sender were new and no ticket
 * there. The exit status says so.
 */
static bool explain(lk_ctl *ctl, const lk_ctl_desk *desk, const lk_intake *intake,
		    lk_json **ret_explain, GError **error)
{
	g_autoptr(GError) away = NULL;
	lk_db *db = NULL;

	if (lk_ctl_db(ctl, &db, &away))
		return explain_with(db, desk, intake, ret_explain, error);
	if (!lk_err_is(away, LK_ERR_RETRY)) {
		g_propagate_error(error, g_steal_pointer(&away));
		return false;
	}
	ctl->status = EX_UNAVAILABLE;
	fprintf(stderr,
		"luukkuctl: %s\nluukkuctl: without the database: the sender counts as unknown, "
		"and whether the mail belongs to a ticket is not known\n",
		away->message);
	*ret_explain = lk_dry_explain_first(desk->policy, intake);
	return true;
}

bool lk_ctl_explain(lk_ctl *ctl, GError **error)
{
	g_auto(lk_ctl_mail) mail = LK_CTL_MAIL_NONE;
	g_auto(lk_ctl_desk) desk = {0};
	g_autoptr(lk_json) json = NULL;
	const char *recipients[] = {lk_ctl_value(ctl, "recipient"), NULL};
	const lk_conf_mailbox *mailbox = NULL;
	const lk_conf *conf = NULL;
	lk_intake intake = {0};

	if (!lk_ctl_conf(ctl, &conf, error) || !check_recipient(recipients[0], error) ||
	    !lk_ctl_desk_open(conf, true, &desk, error) ||
	    !lk_ctl_mail_open(ctl->operands[0], &mail.fd, error) ||
	    !find_mailbox(ctl, &desk, mail.fd, &mailbox, error) ||
	    !lk_ctl_mail_parse(conf, mailbox, &mail, error))
		return false;
	lk_ctl_mail_intake(&mail, mailbox->name, recipients[0] != NULL ? recipients : NULL,
			   lk_now(), &intake);
	if (!explain(ctl, &desk, &intake, &json, error))
		return false;
	if (lk_ctl_has(ctl, "json")) {
		lk_ctl_print_json(g_steal_pointer(&json));
		return true;
	}
	lk_ctl_print_field("Mailbox", mailbox->name);
	lk_ctl_print_explain(json, true);
	return true;
}

const lk_ctl_option lk_ctl_explain_options[] = {
	{"mailbox", 0, "M", "the mailbox it comes in at"},
	{"recipient", 0, "A", "its envelope recipient"},
	{"json", 0, NULL, "one JSON object"},
	{NULL, 0, NULL, NULL},
};
