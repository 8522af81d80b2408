#include "daemon/take.h"

#include "daemon/process.h"
#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/path.h"
#include "lib/db/lease.h"
#include "lib/mail/parser.h"

#include <inttypes.h>
#include <unistd.h>

/* When a group is committed, and how often one mail is tried while the database lives. */
enum {
	GROUP_MAILS = 16,
	GROUP_MS = 1000,
	GROUP_BYTES = 4 * 1024 * 1024,
	TRIES = 3,
	SPOOLS_MOST = GROUP_MAILS + 2 /* beside the group one is parsed and one comes in */
};

struct lk_take {
	lk_take_options options;
	lk_db *db;
	lk_parser *parser;
	char *parser_program;
	GPtrArray *authserv; /* NULL-terminated, elements borrowed */
	GPtrArray *relays;
	GPtrArray *own_lists;
	GPtrArray *strip;
	GPtrArray *group; /* lk_take_mail *: ingested, not committed */
	GArray *spools;	  /* int: emptied files */
	bool lost_lease;
	bool is_open; /* a transaction */
	int64_t opened_ms;
	uint64_t bytes;
};

lk_take_mail *lk_take_mail_new(void)
{
	lk_take_mail *mail = g_new0(lk_take_mail, 1);

	mail->mail_fd = -1;
	mail->parts_fd = -1;
	mail->received_at = LK_TIME_NONE;
	return mail;
}

void lk_take_mail_free(lk_take_mail *mail)
{
	if (mail == NULL)
		return;
	lk_close_fd(&mail->mail_fd);
	lk_close_fd(&mail->parts_fd);
	lk_mail_free(mail->mail);
	lk_ingest_result_clear(&mail->result);
	g_strfreev(mail->recipients);
	g_free(mail->folder);
	g_free(mail->uid);
	g_free(mail->server_action);
	g_free(mail->refusal);
	g_free(mail);
}

static void spool_clear(gpointer fd)
{
	lk_close_fd(fd);
}

static GPtrArray *terminated(const GPtrArray *texts)
{
	GPtrArray *list = g_ptr_array_new();

	for (unsigned i = 0; i < texts->len; i++)
		g_ptr_array_add(list, g_ptr_array_index(texts, i));
	g_ptr_array_add(list, NULL);
	return list;
}

lk_take *lk_take_new(const lk_take_options *options)
{
	const lk_conf *conf = options->program->conf;
	lk_take *take = g_new0(lk_take, 1);

	take->options = *options;
	take->parser_program = lk_program_path("luukku-parse");
	take->authserv = terminated(conf->site.authserv);
	take->relays = terminated(conf->site.relays);
	take->own_lists = terminated(options->mailbox->own_lists);
	take->strip = terminated(options->mailbox->strip);
	take->group = g_ptr_array_new_with_free_func((GDestroyNotify)lk_take_mail_free);
	take->spools = g_array_new(FALSE, FALSE, sizeof(int));
	g_array_set_clear_func(take->spools, spool_clear);
	return take;
}

static void abandon(lk_take *take)
{
	if (take->is_open && take->db != NULL)
		lk_db_rollback(take->db);
	take->is_open = false;
}

void lk_take_rest(lk_take *take)
{
	g_assert(!take->is_open);
	g_clear_pointer(&take->db, lk_db_close);
	g_clear_pointer(&take->parser, lk_parser_free);
	g_array_set_size(take->spools, 0);
}

bool lk_take_is_resting(const lk_take *take)
{
	return take->db == NULL && take->parser == NULL;
}

void lk_take_free(lk_take *take)
{
	if (take == NULL)
		return;
	abandon(take);
	lk_take_rest(take);
	g_ptr_array_unref(take->group);
	g_array_unref(take->spools);
	g_ptr_array_unref(take->authserv);
	g_ptr_array_unref(take->relays);
	g_ptr_array_unref(take->own_lists);
	g_ptr_array_unref(take->strip);
	g_free(take->parser_program);
	g_free(take);
}

/* --- files --------------------------------------------------------------------------------- */

bool lk_take_spool(lk_take *take, lk_take_mail *mail, GError **error)
{
	if (take->spools->len > 0) {
		int *last = &g_array_index(take->spools, int, take->spools->len - 1);
		mail->mail_fd = *last;
		*last = -1;
		g_array_set_size(take->spools, take->spools->len - 1);
	} else if (!lk_spool_open(take->options.program->conf->site.spool_dir, &mail->mail_fd,
				  error)) {
		return false;
	}
	mail->is_pooled = true;
	return true;
}

/* Nobody reads the files of a mail any more that is stored. */
static void keep_files(lk_take *take, lk_take_mail *mail)
{
	if (take->parser != NULL)
		lk_parser_give_back(take->parser, &mail->parts_fd);
	if (!mail->is_pooled || take->spools->len >= SPOOLS_MOST ||
	    ftruncate(mail->mail_fd, 0) != 0 || lseek(mail->mail_fd, 0, SEEK_SET) != 0)
		return;
	g_array_append_val(take->spools, mail->mail_fd);
	mail->mail_fd = -1;
}

/* --- parsing ------------------------------------------------------------------------------- */

bool lk_take_parse_begin(lk_take *take, const lk_take_mail *mail, GError **error)
{
	if (take->parser == NULL) {
		const lk_parser_options how = {
			.program = take->parser_program,
			.authserv = (const char *const *)take->authserv->pdata,
			.relays = (const char *const *)take->relays->pdata,
			.own_lists = (const char *const *)take->own_lists->pdata,
			.strip = (const char *const *)take->strip->pdata,
			.spool_dir = take->options.program->conf->site.spool_dir,
		};

		take->parser = lk_parser_new(&how);
	}
	return lk_parser_start(take->parser, mail->mail_fd, error);
}

/* What the parser died of, in words of ours. */
static const char *last_defect(const lk_mail *mail)
{
	unsigned n = mail->defects->len;

	return n > 0 ? g_ptr_array_index(mail->defects, n - 1) : "";
}

bool lk_take_parse_end(lk_take *take, lk_take_mail *mail, GError **error)
{
	if (!lk_parser_finish(take->parser, &mail->mail, &mail->parts_fd, error))
		return false;
	if (mail->mail->is_unparsed)
		lk_error("mail.unparsed", "uid=\"%s\" bytes=%" PRIu64 " error=\"%s\"", mail->uid,
			 mail->size, last_defect(mail->mail));
	return true;
}

/* --- the transaction ----------------------------------------------------------------------- */

bool lk_take_db(lk_take *take, lk_db **ret_db, GError **error)
{
	if (take->db != NULL && !lk_db_is_alive(take->db))
		g_clear_pointer(&take->db, lk_db_close);
	if (take->db == NULL) {
		bool is_open = take->options.waits
				       ? lk_program_open_db(take->options.program, &take->db, error)
				       : lk_program_try_db(take->options.program, &take->db, error);

		if (!is_open)
			return false;
		if (take->db == NULL) {
			g_set_error(error, LK_ERROR, LK_ERR_RETRY,
				    "asked to stop while the database is away");
			return false;
		}
	}
	*ret_db = take->db;
	return true;
}

static bool open_transaction(lk_take *take, GError **error)
{
	lk_db *db;

	if (take->is_open)
		return true;
	if (!lk_take_db(take, &db, error) || !lk_db_begin(db, error))
		return false;
	take->is_open = true;
	take->opened_ms = lk_monotonic_ms();
	take->bytes = 0;
	if (take->options.has_lease &&
	    !lk_lease_check(db, take->options.mailbox->name, take->options.program->host,
			    take->options.epoch, error)) {
		take->lost_lease = lk_db_is_alive(db);
		abandon(take);
		return false;
	}
	return true;
}

/* The mail's own word about when it came in is believed only where the server has none. */
static lk_time arrival_time(const lk_take_mail *mail, lk_time now)
{
	if (mail->received_at != LK_TIME_NONE)
		return mail->received_at;
	if (mail->mail->received != LK_TIME_NONE && mail->mail->received < now)
		return mail->mail->received;
	return now;
}

static bool ingest(lk_take *take, lk_take_mail *mail, GError **error)
{
	lk_program *program = take->options.program;
	lk_time now = lk_now();
	bool is_new = false;
	const lk_intake intake = {
		.mailbox = take->options.mailbox->name,
		.folder = mail->folder,
		.uidvalidity = mail->uidvalidity,
		.uid = mail->uid,
		.server_action = mail->server_action,
		.received_at = arrival_time(mail, now),
		.is_silent = mail->is_backlog,
		.is_too_large = mail->is_too_large,
		.recipients = (const char *const *)mail->recipients,
		.mail = mail->mail,
		.mail_fd = mail->mail_fd,
		.mail_size = mail->size,
		.parts_fd = mail->parts_fd,
	};

	lk_ingest_result_clear(&mail->result);
	mail->result = (lk_ingest_result){0};
	/* Whatever was accepted, announced or parsed before: it goes by the rules in force now. */
	if (!lk_program_renew(program, &is_new, error))
		return false;
	return lk_ingest(take->db, program->policy, now, &intake, &mail->result, error);
}

static bool end_transaction(lk_take *take, const lk_take_mail *last, GError **error)
{
	if (take->options.bookkeep != NULL &&
	    !take->options.bookkeep(take->db, last, take->options.data, error)) {
		abandon(take);
		return false;
	}
	lk_fault("take.before-commit");
	take->is_open = false;
	if (!lk_db_commit(take->db, error))
		return false;
	lk_fault("take.after-commit");
	return true;
}

static void tell_done(lk_take *take)
{
	static const char *const outcomes[] = {
		[LK_OUTCOME_TICKET] = "ticket",
		[LK_OUTCOME_DUPLICATE] = "duplicate",
		[LK_OUTCOME_CONTROL] = "control",
		[LK_OUTCOME_QUARANTINE] = "quarantine",
	};

	for (unsigned i = 0; i < take->group->len; i++) {
		lk_take_mail *mail = g_ptr_array_index(take->group, i);

		if (!mail->is_refused)
			lk_info("mail.taken",
				"mailbox=%s uid=\"%s\" outcome=%s ticket=%" PRId64
				" new=%d seen=%d bytes=%" PRIu64 " reason=\"%s\"",
				take->options.mailbox->name, mail->uid,
				outcomes[mail->result.outcome], mail->result.ticket,
				mail->result.is_new_ticket, mail->result.is_seen, mail->size,
				mail->result.reason != NULL ? mail->result.reason : "");
		if (!mail->is_refused && mail->result.rule_limits != NULL)
			lk_warning("rule.gave_up", "mailbox=%s uid=\"%s\" rules=\"%s\"",
				   take->options.mailbox->name, mail->uid,
				   mail->result.rule_limits);
		if (take->options.done != NULL)
			take->options.done(mail, take->options.data);
		keep_files(take, mail);
	}
	g_ptr_array_set_size(take->group, 0);
}

/* --- when a group fails: each mail alone --------------------------------------------------- */

/* One mail in a transaction of its own. */
static bool take_alone(lk_take *take, lk_take_mail *mail, GError **error)
{
	if (!open_transaction(take, error))
		return false;
	if (!ingest(take, mail, error)) {
		abandon(take);
		return false;
	}
	return end_transaction(take, mail, error);
}

/*
 * The same with patience: after an uncertain commit or a conflict it is run again (the unique key
 * of arrival tells whether it was stored); a database that is away is waited for.
 */
static bool take_alone_patiently(lk_take *take, lk_take_mail *mail, GError **error)
{
	for (int tries = 1;; tries++) {
		g_autoptr(GError) failed = NULL;
		bool again;

		if (take_alone(take, mail, &failed))
			return true;
		again = lk_err_is(failed, LK_ERR_UNCERTAIN) || lk_err_is(failed, LK_ERR_RETRY);
		if (!again || tries >= TRIES || lk_program_is_stopping(take->options.program)) {
			if (lk_err_is(failed, LK_ERR_UNCERTAIN))
				failed->code = LK_ERR_RETRY;
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
		if (!lk_program_pause(take->options.program, 50 * tries))
			continue;
	}
}

/* As it is; then with nothing of the parser in it but From and Subject; then not at all. */
static bool take_at_any_cost(lk_take *take, lk_take_mail *mail, GError **error)
{
	g_autoptr(GError) failed = NULL, failed_again = NULL;
	g_autofree char *text = NULL;

	if (take_alone_patiently(take, mail, &failed))
		return true;
	if (!lk_err_is(failed, LK_ERR_MESSAGE)) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	text = lk_process_error_text(failed);
	lk_error("mail.unstorable", "mailbox=%s uid=\"%s\" next=minimal error=\"%s\"",
		 take->options.mailbox->name, mail->uid, text);
	lk_mail_free(mail->mail);
	mail->mail = lk_mail_minimal(mail->mail_fd);
	mail->mail->is_unparsed = true;
	lk_close_fd(&mail->parts_fd);
	mail->parts_fd = -1;
	if (take_alone_patiently(take, mail, &failed_again))
		return true;
	if (!lk_err_is(failed_again, LK_ERR_MESSAGE)) {
		g_propagate_error(error, g_steal_pointer(&failed_again));
		return false;
	}
	mail->is_refused = true;
	mail->refusal = lk_process_error_text(failed_again);
	lk_error("mail.refused", "mailbox=%s uid=\"%s\" error=\"%s\"", take->options.mailbox->name,
		 mail->uid, mail->refusal);
	return true;
}

/* Everything of the group again, one by one. What was not reached stays on the server. */
static bool take_each(lk_take *take, GError **error)
{
	g_autoptr(GPtrArray) mails = g_steal_pointer(&take->group);

	take->group = g_ptr_array_new_with_free_func((GDestroyNotify)lk_take_mail_free);
	while (mails->len > 0) {
		lk_take_mail *mail = g_ptr_array_steal_index(mails, 0);

		g_ptr_array_add(take->group, mail);
		if (!take_at_any_cost(take, mail, error)) {
			g_ptr_array_set_size(take->group, 0);
			return false;
		}
		tell_done(take);
	}
	return true;
}

/*
 * A lost connection, a conflict, a poison mail: all are dealt with by trying each mail alone, but
 * not when waiting is all that helps.
 */
static bool recover(lk_take *take, GError *failed, GError **error)
{
	g_autofree char *text = lk_process_error_text(failed);
	bool is_hopeless = lk_err_is(failed, LK_ERR_CONFIG) || lk_err_is(failed, LK_ERR_MAILBOX);

	abandon(take);
	lk_warning("take.group_failed", "mails=%u error=\"%s\"", take->group->len, text);
	if (is_hopeless || lk_program_is_stopping(take->options.program)) {
		g_ptr_array_set_size(take->group, 0);
		g_propagate_error(error, g_error_copy(failed));
		return false;
	}
	return take_each(take, error);
}

/* --- a group ------------------------------------------------------------------------------- */

bool lk_take_add(lk_take *take, lk_take_mail *mail, GError **error)
{
	g_autoptr(GError) failed = NULL;

	g_ptr_array_add(take->group, mail);
	if (open_transaction(take, &failed) && ingest(take, mail, &failed)) {
		lk_fault("take.ingested");
		take->bytes += mail->size;
		return true;
	}
	return recover(take, failed, error);
}

bool lk_take_is_full(const lk_take *take)
{
	return take->is_open && (take->group->len >= GROUP_MAILS || take->bytes >= GROUP_BYTES ||
				 lk_monotonic_ms() - take->opened_ms >= GROUP_MS);
}

bool lk_take_lost_lease(const lk_take *take)
{
	return take->lost_lease;
}

size_t lk_take_count(const lk_take *take)
{
	return take->group->len;
}

bool lk_take_commit(lk_take *take, GError **error)
{
	g_autoptr(GError) failed = NULL;

	if (take->group->len == 0)
		return true;
	if (end_transaction(take, g_ptr_array_index(take->group, take->group->len - 1), &failed)) {
		tell_done(take);
		return true;
	}
	return recover(take, failed, error);
}
