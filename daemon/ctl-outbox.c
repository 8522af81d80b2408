#include "daemon/ctl.h"

#include "lib/base/err.h"
#include "lib/desk/held.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DEFAULT_ROWS = 100 };

/* The keys that the list and show of the outbox share. */
static lk_json *mail_json(lk_ctl *ctl, const lk_rows *rows, size_t row)
{
	lk_json *json = lk_json_object();
	int64_t ticket = lk_row_int(rows, row, "ticket_id");
	g_autofree char *ref = ticket != 0 ? lk_ctl_reference(ctl, ticket) : NULL;

	lk_json_set_int(json, "id", lk_row_int(rows, row, "id"));
	lk_json_set_text(json, "ref", ref);
	lk_json_set_text(json, "template", lk_row_text(rows, row, "template"));
	lk_json_set_text(json, "recipient", lk_row_text(rows, row, "recipient"));
	lk_json_set_text(json, "state", lk_row_text(rows, row, "state"));
	lk_json_set_text(json, "reason", lk_row_text(rows, row, "reason"));
	lk_ctl_json_time(json, "created_at", lk_row_time(rows, row, "created_at"));
	lk_ctl_json_time(json, "due_at", lk_row_time(rows, row, "due_at"));
	lk_json_set_int(json, "attempts", lk_row_int(rows, row, "attempts"));
	if (lk_row_is_null(rows, row, "last_code"))
		lk_json_set_null(json, "last_code");
	else
		lk_json_set_int(json, "last_code", lk_row_int(rows, row, "last_code"));
	lk_json_set_text(json, "last_reply", lk_row_text(rows, row, "last_reply"));
	return json;
}

static void print_list(lk_ctl *ctl, const lk_rows *rows, size_t n)
{
	static const char *const headings[] = {"MAIL", "STATE", "TICKET", "TO", "WHAT",
					       "DUE",  "TRIES", "ANSWER", NULL};
	g_autoptr(lk_ctl_table) table = lk_ctl_table_new(headings, 7);

	for (size_t i = 0; i < n; i++) {
		int64_t ticket = lk_row_int(rows, i, "ticket_id");
		g_autofree char *ref = ticket != 0 ? lk_ctl_reference(ctl, ticket) : NULL;
		g_autofree char *id = g_strdup_printf("%" PRId64, lk_row_int(rows, i, "id"));
		g_autofree char *due = lk_ctl_local_time(lk_row_time(rows, i, "due_at"));
		g_autofree char *tries =
			g_strdup_printf("%" PRId64, lk_row_int(rows, i, "attempts"));
		const char *words = lk_row_text(rows, i, "last_reply");

		lk_ctl_table_add(table, id);
		lk_ctl_table_add(table, lk_row_text(rows, i, "state"));
		lk_ctl_table_add(table, ref);
		lk_ctl_table_add(table, lk_row_text(rows, i, "recipient"));
		lk_ctl_table_add(table, lk_row_text(rows, i, "template"));
		lk_ctl_table_add(table, due);
		lk_ctl_table_add(table, tries);
		lk_ctl_table_add(table, words != NULL ? words : lk_row_text(rows, i, "reason"));
	}
	lk_ctl_table_print(table);
}

static bool run_outbox_list(lk_ctl *ctl, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	bool json = lk_ctl_has(ctl, "json");
	lk_db *db = NULL;
	int64_t limit = 0;
	size_t n = 0;

	if (!lk_ctl_limit(ctl, json ? 0 : DEFAULT_ROWS, &limit, error))
		return false;
	lk_param_bool(params, lk_ctl_has(ctl, "all"));
	if (limit > 0)
		lk_param_int(params, limit + 1);
	else
		lk_param_null(params);
	if (!lk_ctl_db(ctl, &db, error) ||
	    !lk_db_run(db, LK_Q_CTL_OUTBOX_LIST, params, &rows, error))
		return false;
	n = lk_rows_count(rows);
	if (limit > 0)
		n = MIN(n, (size_t)limit);
	if (json) {
		lk_json *array = lk_json_array();

		for (size_t i = 0; i < n; i++)
			lk_json_push(array, mail_json(ctl, rows, i));
		lk_ctl_print_json(array);
		return true;
	}
	if (n == 0) {
		printf("the outbox is empty%s\n",
		       lk_ctl_has(ctl, "all") ? "" : " (`--all` shows what was sent, too)");
		return true;
	}
	print_list(ctl, rows, n);
	if (n < lk_rows_count(rows))
		printf("... and more: `--limit 0` shows all\n");
	return true;
}

static lk_json *attempts_json(const lk_rows *rows)
{
	lk_json *array = lk_json_array();

	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		lk_json *one = lk_json_object();

		lk_ctl_json_time(one, "at", lk_row_time(rows, i, "at"));
		lk_json_set_text(one, "state", lk_row_text(rows, i, "state"));
		if (lk_row_is_null(rows, i, "code"))
			lk_json_set_null(one, "code");
		else
			lk_json_set_int(one, "code", lk_row_int(rows, i, "code"));
		lk_json_set_text(one, "status", lk_row_text(rows, i, "status"));
		lk_json_set_text(one, "reply", lk_row_text(rows, i, "reply"));
		lk_json_push(array, one);
	}
	return array;
}

static lk_json *show_json(lk_ctl *ctl, const lk_rows *mail, const lk_rows *attempts)
{
	lk_json *json = mail_json(ctl, mail, 0);

	lk_json_set_text(json, "purpose", lk_row_text(mail, 0, "purpose"));
	lk_json_set_text(json, "queue", lk_row_text(mail, 0, "queue"));
	lk_json_set_text(json, "language", lk_row_text(mail, 0, "language"));
	lk_json_set_text(json, "message_id", lk_row_text(mail, 0, "header_message_id"));
	lk_json_set_text(json, "envelope_from", lk_row_text(mail, 0, "envelope_from"));
	lk_json_set_text(json, "claimed_by", lk_row_text(mail, 0, "claimed_by"));
	lk_ctl_json_time(json, "sent_at", lk_row_time(mail, 0, "sent_at"));
	lk_json_set_text(json, "subject", lk_row_text(mail, 0, "subject"));
	lk_json_set_text(json, "text", lk_row_text(mail, 0, "text"));
	lk_json_take(json, "deliveries", attempts_json(attempts));
	return json;
}

static void print_time(const char *name, lk_time at)
{
	g_autofree char *text = NULL;

	if (at == LK_TIME_NONE)
		return;
	text = lk_ctl_local_time(at);
	lk_ctl_print_field(name, text);
}

static void print_show(lk_ctl *ctl, const lk_rows *mail, const lk_rows *attempts)
{
	int64_t ticket = lk_row_int(mail, 0, "ticket_id");
	g_autofree char *ref = ticket != 0 ? lk_ctl_reference(ctl, ticket) : NULL;

	lk_ctl_print_field("State", lk_row_text(mail, 0, "state"));
	lk_ctl_print_field("Reason", lk_row_text(mail, 0, "reason"));
	lk_ctl_print_field("Ticket", ref);
	lk_ctl_print_field("Template", lk_row_text(mail, 0, "template"));
	lk_ctl_print_field("To", lk_row_text(mail, 0, "recipient"));
	lk_ctl_print_field("Envelope from", lk_row_text(mail, 0, "envelope_from"));
	lk_ctl_print_field("Message-ID", lk_row_text(mail, 0, "header_message_id"));
	print_time("Decided", lk_row_time(mail, 0, "created_at"));
	print_time("Not before", lk_row_time(mail, 0, "due_at"));
	print_time("Sent", lk_row_time(mail, 0, "sent_at"));
	lk_ctl_print_field("Last answer", lk_row_text(mail, 0, "last_reply"));
	for (size_t i = 0; i < lk_rows_count(attempts); i++) {
		g_autofree char *at = lk_ctl_local_time(lk_row_time(attempts, i, "at"));
		g_autofree char *reply = lk_ctl_printable(lk_row_text(attempts, i, "reply"), false);

		printf("%s  %s  %s\n", at, lk_row_text(attempts, i, "state"), reply);
	}
	if (lk_row_is_null(mail, 0, "text")) {
		printf("\nnot composed yet\n");
		return;
	}
	lk_ctl_print_field("Subject", lk_row_text(mail, 0, "subject"));
	putchar('\n');
	lk_ctl_print_text(lk_row_text(mail, 0, "text"), "    ");
}

static bool run_outbox_show(lk_ctl *ctl, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) mail = NULL;
	g_autoptr(lk_rows) attempts = NULL;
	lk_db *db = NULL;
	int64_t id = 0;

	if (!lk_ctl_id(ctl->operands[0], &id, error))
		return false;
	lk_param_int(params, id);
	if (!lk_ctl_db(ctl, &db, error) ||
	    !lk_db_run(db, LK_Q_CTL_OUTBOX_SHOW, params, &mail, error) ||
	    !lk_db_run(db, LK_Q_CTL_OUTBOX_ATTEMPTS, params, &attempts, error))
		return false;
	if (lk_rows_count(mail) == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
			    "there is no mail %" PRId64 " in the outbox", id);
		return false;
	}
	if (lk_ctl_has(ctl, "json"))
		lk_ctl_print_json(show_json(ctl, mail, attempts));
	else
		print_show(ctl, mail, attempts);
	return true;
}

static bool run_outbox_retry(lk_ctl *ctl, GError **error)
{
	return lk_ctl_change_all(ctl, lk_held_retry, "queued", error);
}

static bool run_outbox_cancel(lk_ctl *ctl, GError **error)
{
	return lk_ctl_change_all(ctl, lk_held_cancel, "cancelled", error);
}

static const lk_ctl_option list_options[] = {
	{"all", 0, NULL, "also what was sent, suppressed or cancelled"},
	{"limit", 0, "N", "at most N; 0: all"},
	{"json", 0, NULL, "one JSON array"},
	{NULL, 0, NULL, NULL},
};

static const lk_ctl_option show_options[] = {
	{"json", 0, NULL, "one JSON object"},
	{NULL, 0, NULL, NULL},
};

const lk_ctl_command lk_ctl_outbox_commands[] = {
	{.name = "outbox list",
	 .operands = "",
	 .options = list_options,
	 .run = run_outbox_list,
	 .summary = "mails out that wait, have failed or are held"},
	{.name = "outbox show",
	 .operands = "N",
	 .least = 1,
	 .most = 1,
	 .options = show_options,
	 .run = run_outbox_show,
	 .summary = "one mail out and each attempt to deliver it"},
	{.name = "outbox retry",
	 .operands = "N...",
	 .least = 1,
	 .most = G_MAXUINT,
	 .run = run_outbox_retry,
	 .summary = "send it now",
	 .more = "For mails that wait, failed, are held, were suppressed or cancelled. Nothing is "
		 "changed\nunless all the numbers can be."},
	{.name = "outbox cancel",
	 .operands = "N...",
	 .least = 1,
	 .most = G_MAXUINT,
	 .run = run_outbox_cancel,
	 .summary = "never send it",
	 .more = "Nothing is changed unless all the numbers can be."},
	{.name = NULL},
};
