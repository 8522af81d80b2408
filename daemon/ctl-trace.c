#include "daemon/ctl.h"

#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/token.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The Message-ID without <> and blanks around. Caller frees. */
static char *bare_id(const char *text)
{
	g_autofree char *id = g_strstrip(g_strdup(text));
	size_t n = strlen(id);

	if (n >= 2 && id[0] == '<' && id[n - 1] == '>')
		return g_strndup(id + 1, n - 2);
	return g_steal_pointer(&id);
}

/* The row that tells most: the first that is no duplicate. */
static size_t main_arrival(const lk_rows *arrivals)
{
	for (size_t i = 0; i < lk_rows_count(arrivals); i++)
		if (strcmp(lk_row_text(arrivals, i, "outcome"), "duplicate") != 0)
			return i;
	return 0;
}

static bool load_caused(lk_db *db, const lk_rows *arrivals, lk_rows **ret_mails, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(GArray) ids = g_array_new(false, false, sizeof(int64_t));

	for (size_t i = 0; i < lk_rows_count(arrivals); i++) {
		int64_t id = lk_row_int(arrivals, i, "message_id");

		if (id != 0)
			g_array_append_val(ids, id);
	}
	lk_param_ints(params, (const int64_t *)(const void *)ids->data, ids->len);
	return lk_db_run(db, LK_Q_CTL_TRACE_CAUSED, params, ret_mails, error);
}

static lk_json *mails_json(const lk_rows *mails)
{
	lk_json *array = lk_json_array();

	for (size_t i = 0; i < lk_rows_count(mails); i++) {
		lk_json *one = lk_json_object();

		lk_json_set_text(one, "recipient", lk_row_text(mails, i, "recipient"));
		lk_json_set_text(one, "message_id", lk_row_text(mails, i, "header_message_id"));
		lk_json_set_text(one, "state", lk_row_text(mails, i, "state"));
		lk_ctl_json_time(one, "at", lk_row_time(mails, i, "at"));
		lk_json_push(array, one);
	}
	return array;
}

static lk_json *trace_json(lk_ctl *ctl, const char *id, const lk_rows *arrivals,
			   const lk_rows *mails)
{
	size_t first = main_arrival(arrivals);
	int64_t ticket = lk_row_int(arrivals, first, "ticket_id");
	g_autofree char *ref = ticket != 0 ? lk_ctl_reference(ctl, ticket) : NULL;
	lk_json *json = lk_json_object();
	lk_json *seen = lk_json_array();

	for (size_t i = 0; i < lk_rows_count(arrivals); i++) {
		lk_json *one = lk_json_object();

		lk_json_set_text(one, "mailbox", lk_row_text(arrivals, i, "mailbox"));
		lk_json_set_text(one, "uid", lk_row_text(arrivals, i, "uid"));
		lk_ctl_json_time(one, "at", lk_row_time(arrivals, i, "fetched_at"));
		lk_json_set_text(one, "server", lk_row_text(arrivals, i, "server"));
		lk_json_push(seen, one);
	}
	lk_json_set_text(json, "message_id", id);
	lk_json_take(json, "seen", seen);
	lk_json_set_text(json, "outcome", lk_row_text(arrivals, first, "outcome"));
	lk_json_set_text(json, "ref", ref);
	lk_json_set_text(json, "reason", lk_row_text(arrivals, first, "reason"));
	lk_json_take(json, "explain", lk_ctl_row_json(arrivals, first, "explain"));
	lk_json_take(json, "mails", mails_json(mails));
	return json;
}

static void print_mails(const lk_rows *mails)
{
	for (size_t i = 0; i < lk_rows_count(mails); i++) {
		g_autofree char *at = lk_ctl_local_time(lk_row_time(mails, i, "at"));
		g_autofree char *to = lk_ctl_printable(lk_row_text(mails, i, "recipient"), false);
		g_autofree char *why = lk_ctl_printable(lk_row_text(mails, i, "reason"), false);

		printf("%s  mail %" PRId64 " (%s) to %s: %s\n    because: %s\n    <%s>\n", at,
		       lk_row_int(mails, i, "id"), lk_row_text(mails, i, "template"), to,
		       lk_row_text(mails, i, "state"), why,
		       lk_row_text(mails, i, "header_message_id"));
	}
}

static void print_arrivals(lk_ctl *ctl, const lk_rows *arrivals)
{
	for (size_t i = 0; i < lk_rows_count(arrivals); i++) {
		g_autofree char *at = lk_ctl_local_time(lk_row_time(arrivals, i, "fetched_at"));
		g_autofree char *why = lk_ctl_printable(lk_row_text(arrivals, i, "reason"), false);
		g_autofree char *uid = lk_ctl_printable(lk_row_text(arrivals, i, "uid"), false);
		g_autofree char *words =
			lk_ctl_printable(lk_row_text(arrivals, i, "server_error"), false);
		int64_t ticket = lk_row_int(arrivals, i, "ticket_id");
		g_autofree char *ref = ticket != 0 ? lk_ctl_reference(ctl, ticket) : NULL;
		const char *folder = lk_row_text(arrivals, i, "folder");

		printf("%s  fetched from %s%s%s, UID %s\n", at, lk_row_text(arrivals, i, "mailbox"),
		       *folder ? " " : "", folder, uid);
		printf("    became: %s%s%s\n    because: %s\n", lk_row_text(arrivals, i, "outcome"),
		       ref != NULL ? ", " : "", ref != NULL ? ref : "", why);
		printf("    mail server: %s%s%s\n", lk_row_text(arrivals, i, "server"),
		       *words ? ": " : "", words);
	}
}

/* The explanation as it was stored with the mail; what it really caused stands behind it. */
static void print_decision(const lk_rows *arrivals)
{
	g_autoptr(lk_json) explain = lk_ctl_row_json(arrivals, main_arrival(arrivals), "explain");

	if (lk_json_get(explain, "kind") == NULL)
		return;
	printf("\n");
	lk_ctl_print_explain(explain, false);
	printf("\n");
}

/* A Message-ID that we made ourselves: what became of that mail. */
static bool trace_own(lk_ctl *ctl, lk_db *db, const char *id, int64_t outbox, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) mails = NULL;
	lk_json *json = NULL;
	int64_t ticket = 0;
	g_autofree char *ref = NULL;

	lk_param_int(params, outbox);
	if (!lk_db_run(db, LK_Q_CTL_TRACE_OWN, params, &mails, error))
		return false;
	if (lk_rows_count(mails) == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
			    "<%s> is signed by this site, but its mail %" PRId64
			    " is not in this database",
			    id, outbox);
		return false;
	}
	ticket = lk_row_int(mails, 0, "ticket_id");
	ref = ticket != 0 ? lk_ctl_reference(ctl, ticket) : NULL;
	if (!lk_ctl_has(ctl, "json")) {
		printf("sent by luukku%s%s\n", ref != NULL ? " about " : "",
		       ref != NULL ? ref : "");
		print_mails(mails);
		return true;
	}
	json = lk_json_object();
	lk_json_set_text(json, "message_id", id);
	lk_json_take(json, "seen", lk_json_array());
	lk_json_set_null(json, "outcome");
	lk_json_set_text(json, "ref", ref);
	lk_json_set_text(json, "reason", lk_row_text(mails, 0, "reason"));
	lk_json_take(json, "explain", lk_json_object());
	lk_json_take(json, "mails", mails_json(mails));
	lk_ctl_print_json(json);
	return true;
}

/* The outbox id in a Message-ID of ours; 0 when it is not ours or the key cannot be read. */
static int64_t own_outbox_id(const lk_conf *conf, const char *id)
{
	g_autoptr(lk_keys) keys = NULL;
	lk_purpose purpose = LK_PURPOSE_NONE;
	uint64_t ticket = 0;
	uint64_t outbox = 0;

	if (!lk_keys_load(conf->site.key_file, conf->site.domain, &keys, NULL) ||
	    !lk_message_id_verify(keys, id, &purpose, &ticket, &outbox))
		return 0;
	return (int64_t)outbox;
}

static bool run_trace(lk_ctl *ctl, GError **error)
{
	g_autofree char *id = bare_id(ctl->operands[0]);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) arrivals = NULL;
	g_autoptr(lk_rows) mails = NULL;
	uint8_t hash[LK_KEY_HASH_BYTES];
	lk_db *db = NULL;
	int64_t outbox = 0;

	lk_key_hash(id, hash);
	lk_param_bytes(params, hash, sizeof hash);
	if (!lk_ctl_db(ctl, &db, error) ||
	    !lk_db_run(db, LK_Q_CTL_TRACE_ARRIVALS, params, &arrivals, error))
		return false;
	if (lk_rows_count(arrivals) == 0) {
		outbox = own_outbox_id(ctl->conf, id);
		if (outbox != 0)
			return trace_own(ctl, db, id, outbox, error);
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
			    "no mail with the Message-ID <%s> was ever fetched; is it still on the "
			    "mail server, or in a folder that is not polled?",
			    id);
		return false;
	}
	if (!load_caused(db, arrivals, &mails, error))
		return false;
	if (lk_ctl_has(ctl, "json")) {
		lk_ctl_print_json(trace_json(ctl, id, arrivals, mails));
		return true;
	}
	print_arrivals(ctl, arrivals);
	print_decision(arrivals);
	print_mails(mails);
	return true;
}

static const lk_ctl_option trace_options[] = {
	{"json", 0, NULL, "one JSON object"},
	{NULL, 0, NULL, NULL},
};

const lk_ctl_command lk_ctl_trace_commands[] = {
	{.name = "trace",
	 .operands = "MESSAGE-ID",
	 .least = 1,
	 .most = 1,
	 .options = trace_options,
	 .run = run_trace,
	 .summary = "what became of a mail: where fetched, which ticket, mails caused"},
	{.name = "explain",
	 .operands = "FILE",
	 .least = 1,
	 .most = 1,
	 .options = lk_ctl_explain_options,
	 .run = lk_ctl_explain,
	 .summary = "what would become of a mail, and why (\"-\": standard input)",
	 .more = "Writes nothing. Without --mailbox the mail counts as coming in at the mailbox "
		 "of the queue\nthat the recipient or its To names. Where the database is away, "
		 "the sender counts as\nunknown, tickets are not looked for, and the exit status "
		 "is 69."},
	{.name = "replay",
	 .operands = "",
	 .options = lk_ctl_replay_options,
	 .run = lk_ctl_replay,
	 .summary = "what changed rules would do with the mail of a time",
	 .more = "Routes stored mail again under --rules FILE, or under the configuration as the "
		 "file stands\nnow, and lists what would go another way than under the "
		 "configuration that luukkud runs on.\nWhere no luukkud runs, it compares with "
		 "the file of -c, or, without --rules, with what was\ndecided then. Writes "
		 "nothing."},
	{.name = NULL},
};
