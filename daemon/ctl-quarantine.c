#include "daemon/ctl.h"

#include "daemon/policy.h"
#include "lib/base/err.h"
#include "lib/desk/held.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DEFAULT_ROWS = 100 };

static lk_json *held_json(lk_ctl *ctl, const lk_rows *rows, size_t row)
{
	lk_json *json = lk_json_object();
	int64_t ticket = lk_row_int(rows, row, "ticket_id");
	g_autofree char *ref = ticket != 0 ? lk_ctl_reference(ctl, ticket) : NULL;
	lk_json *from = lk_ctl_person_json(lk_row_text(rows, row, "from_name"),
					   lk_row_text(rows, row, "from_address"));

	lk_json_set_int(json, "id", lk_row_int(rows, row, "id"));
	lk_json_set_text(json, "mailbox", lk_row_text(rows, row, "mailbox"));
	lk_json_set_text(json, "reason", lk_row_text(rows, row, "reason"));
	lk_json_set_text(json, "detail", lk_row_text(rows, row, "detail"));
	lk_ctl_json_time(json, "at", lk_row_time(rows, row, "at"));
	lk_json_set_text(json, "state", lk_row_text(rows, row, "state"));
	lk_ctl_json_time(json, "decided_at", lk_row_time(rows, row, "decided_at"));
	lk_json_set_text(json, "decided_by", lk_row_text(rows, row, "decided_by"));
	if (from != NULL)
		lk_json_take(json, "from", from);
	else
		lk_json_set_null(json, "from");
	lk_json_set_text(json, "subject", lk_row_text(rows, row, "subject"));
	lk_json_set_text(json, "message_id", lk_row_text(rows, row, "message_id"));
	lk_json_set_text(json, "ref", ref);
	return json;
}

static void print_list(const lk_rows *rows, size_t n)
{
	static const char *const headings[] = {"N",	"SINCE", "MAILBOX", "REASON",
					       "STATE", "FROM",	 "SUBJECT", NULL};
	g_autoptr(lk_ctl_table) table = lk_ctl_table_new(headings, 6);

	for (size_t i = 0; i < n; i++) {
		g_autofree char *id = g_strdup_printf("%" PRId64, lk_row_int(rows, i, "id"));
		g_autofree char *at = lk_ctl_local_time(lk_row_time(rows, i, "at"));

		lk_ctl_table_add(table, id);
		lk_ctl_table_add(table, at);
		lk_ctl_table_add(table, lk_row_text(rows, i, "mailbox"));
		lk_ctl_table_add(table, lk_row_text(rows, i, "reason"));
		lk_ctl_table_add(table, lk_row_text(rows, i, "state"));
		lk_ctl_table_add(table, lk_row_text(rows, i, "from_address"));
		lk_ctl_table_add(table, lk_row_text(rows, i, "subject"));
	}
	lk_ctl_table_print(table);
}

static bool run_quarantine_list(lk_ctl *ctl, GError **error)
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
	    !lk_db_run(db, LK_Q_CTL_QUARANTINE_LIST, params, &rows, error))
		return false;
	n = lk_rows_count(rows);
	if (limit > 0)
		n = MIN(n, (size_t)limit);
	if (json) {
		lk_json *array = lk_json_array();

		for (size_t i = 0; i < n; i++)
			lk_json_push(array, held_json(ctl, rows, i));
		lk_ctl_print_json(array);
		return true;
	}
	if (n == 0) {
		printf("the quarantine is empty%s\n",
		       lk_ctl_has(ctl, "all") ? "" : " (`--all` shows what was decided on, too)");
		return true;
	}
	print_list(rows, n);
	if (n < lk_rows_count(rows))
		printf("... and more: `--limit 0` shows all\n");
	return true;
}

static void print_show(lk_ctl *ctl, const lk_rows *rows)
{
	int64_t ticket = lk_row_int(rows, 0, "ticket_id");
	g_autofree char *ref = ticket != 0 ? lk_ctl_reference(ctl, ticket) : NULL;
	g_autofree char *at = lk_ctl_local_time(lk_row_time(rows, 0, "at"));

	lk_ctl_print_field("State", lk_row_text(rows, 0, "state"));
	lk_ctl_print_field("Decided by", lk_row_text(rows, 0, "decided_by"));
	lk_ctl_print_field("Reason", lk_row_text(rows, 0, "reason"));
	lk_ctl_print_field("Because", lk_row_text(rows, 0, "detail"));
	lk_ctl_print_field("Kind", lk_row_text(rows, 0, "kind"));
	lk_ctl_print_field("Ticket", ref);
	lk_ctl_print_field("Mailbox", lk_row_text(rows, 0, "mailbox"));
	lk_ctl_print_field("Since", at);
	lk_ctl_print_field("From", lk_row_text(rows, 0, "from_address"));
	lk_ctl_print_field("Name", lk_row_text(rows, 0, "from_name"));
	lk_ctl_print_field("Message-ID", lk_row_text(rows, 0, "message_id"));
	lk_ctl_print_field("Subject", lk_row_text(rows, 0, "subject"));
	putchar('\n');
	lk_ctl_print_text(lk_row_text(rows, 0, "text"), "    ");
}

static bool run_quarantine_show(lk_ctl *ctl, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_db *db = NULL;
	int64_t id = 0;

	if (!lk_ctl_id(ctl->operands[0], &id, error))
		return false;
	lk_param_int(params, id);
	if (!lk_ctl_db(ctl, &db, error) ||
	    !lk_db_run(db, LK_Q_CTL_QUARANTINE_SHOW, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
			    "there is no number %" PRId64 " in the quarantine", id);
		return false;
	}
	if (lk_ctl_has(ctl, "json")) {
		lk_json *json = held_json(ctl, rows, 0);

		lk_json_take(json, "to", lk_ctl_row_array(rows, 0, "recipients_to"));
		lk_json_take(json, "cc", lk_ctl_row_array(rows, 0, "recipients_cc"));
		lk_json_set_text(json, "kind", lk_row_text(rows, 0, "kind"));
		lk_json_set_text(json, "kind_reason", lk_row_text(rows, 0, "kind_reason"));
		lk_json_set_text(json, "text", lk_row_text(rows, 0, "text"));
		lk_ctl_print_json(json);
		return true;
	}
	print_show(ctl, rows);
	return true;
}

/* Opens the database and its transaction for a decision by this user. */
static bool begin(lk_ctl *ctl, lk_db **ret_db, GError **error)
{
	return lk_ctl_db(ctl, ret_db, error) && lk_db_begin(*ret_db, error);
}

static bool release_all(lk_ctl *ctl, lk_db *db, const lk_policy *policy, int64_t *ret_tickets,
			GError **error)
{
	g_autofree char *actor = lk_ctl_actor(ctl);
	lk_time now = lk_now();

	for (unsigned i = 0; i < ctl->n_operands; i++) {
		int64_t id = 0;

		if (!lk_ctl_id(ctl->operands[i], &id, error) ||
		    !lk_held_release(db, policy, id, now, actor, &ret_tickets[i], error))
			return false;
	}
	return true;
}

static bool run_quarantine_release(lk_ctl *ctl, GError **error)
{
	g_autofree int64_t *tickets = g_new0(int64_t, ctl->n_operands);
	g_autoptr(lk_keys) keys = NULL;
	g_autoptr(lk_policy) policy = NULL;
	const lk_conf *conf = NULL;
	lk_db *db = NULL;

	if (!lk_ctl_conf(ctl, &conf, error) ||
	    !lk_keys_load(conf->site.key_file, conf->site.domain, &keys, error) ||
	    !lk_policy_from_conf(conf, keys, &policy, error) || !begin(ctl, &db, error))
		return false;
	if (!release_all(ctl, db, policy, tickets, error)) {
		lk_db_rollback(db);
		return false;
	}
	if (!lk_db_commit(db, error))
		return false;
	for (unsigned i = 0; i < ctl->n_operands; i++) {
		g_autofree char *ref = lk_ctl_reference(ctl, tickets[i]);

		printf("%s: %s\n", ctl->operands[i], ref);
	}
	return true;
}

static bool run_quarantine_drop(lk_ctl *ctl, GError **error)
{
	return lk_ctl_change_all(ctl, lk_held_drop, "dropped", error);
}

static const lk_ctl_option list_options[] = {
	{"all", 0, NULL, "also what was released or dropped"},
	{"limit", 0, "N", "at most N; 0: all"},
	{"json", 0, NULL, "one JSON array"},
	{NULL, 0, NULL, NULL},
};

static const lk_ctl_option show_options[] = {
	{"json", 0, NULL, "one JSON object"},
	{NULL, 0, NULL, NULL},
};

const lk_ctl_command lk_ctl_quarantine_commands[] = {
	{.name = "quarantine list",
	 .operands = "",
	 .options = list_options,
	 .run = run_quarantine_list,
	 .summary = "mails that were kept but made no ticket"},
	{.name = "quarantine show",
	 .operands = "N",
	 .least = 1,
	 .most = 1,
	 .options = show_options,
	 .run = run_quarantine_show,
	 .summary = "one of them with its text and the reason"},
	{.name = "quarantine release",
	 .operands = "N...",
	 .least = 1,
	 .most = G_MAXUINT,
	 .run = run_quarantine_release,
	 .summary = "make it a ticket after all",
	 .more = "Its sender gets no acknowledgement. Nothing is changed unless all the numbers "
		 "can be."},
	{.name = "quarantine drop",
	 .operands = "N...",
	 .least = 1,
	 .most = G_MAXUINT,
	 .run = run_quarantine_drop,
	 .summary = "leave it for good: stored, and no ticket",
	 .more = "Nothing is changed unless all the numbers can be."},
	{.name = NULL},
};
