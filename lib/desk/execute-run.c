/* What commands find out of the desk, and how they change a ticket so that it can be undone. */
#include "lib/desk/execute-private.h"

#include <string.h>

bool lk_run_problem(lk_run *run, lk_problem_code code, const char *word, const char *hint)
{
	const char *line = run->command ? run->command->line : "";

	g_ptr_array_add(run->receipt->problems, lk_problem_new(code, line, word, hint));
	return true;
}

const char *lk_run_text(const lk_run *run, const char *column)
{
	return lk_row_text(run->row, 0, column);
}

lk_status lk_run_status(const lk_run *run)
{
	lk_status status = LK_STATUS_OPEN;

	lk_status_parse(lk_run_text(run, "status"), &status);
	return status;
}

lk_lang lk_run_language(const lk_run *run)
{
	lk_lang lang = run->queue ? run->queue->language : run->policy->language;

	if (!lk_lang_parse(lk_run_text(run, "requester_language"), &lang))
		lk_lang_parse(lk_run_text(run, "language"), &lang);
	return lang;
}

static bool read_ticket(lk_run *run, int64_t ticket, lk_rows **ret_row, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, ticket);
	lk_param_text(params, run->how->agent ? run->how->agent->address : NULL);
	return lk_db_run(run->db, LK_Q_COMMAND_TICKET, params, ret_row, error);
}

bool lk_run_enter(lk_run *run, int64_t ticket, GError **error)
{
	g_clear_pointer(&run->row, lk_rows_free);
	run->ticket = ticket;
	run->queue = NULL;
	if (!ticket)
		return true;
	if (!read_ticket(run, ticket, &run->row, error))
		return false;
	run->queue = lk_policy_queue(run->policy, lk_run_text(run, "queue"));
	return true;
}

bool lk_run_final(lk_run *run, int64_t named, int64_t *ret_ticket, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	*ret_ticket = 0;
	lk_param_int(params, named);
	if (!lk_db_run(run->db, LK_Q_COMMAND_FINAL, params, &rows, error))
		return false;
	if (lk_rows_count(rows) > 0)
		*ret_ticket = lk_row_int(rows, 0, "id");
	return true;
}

static int64_t *key_of(int64_t ticket)
{
	int64_t *key = g_new(int64_t, 1);

	*key = ticket;
	return key;
}

/* What the agent may know of a ticket, as it was when the run began. */
bool lk_run_sight(lk_run *run, int64_t ticket, lk_sight *ret_sight, GError **error)
{
	void *known = NULL;
	g_autoptr(lk_rows) row = NULL;
	g_autoptr(GPtrArray) also = NULL;

	if (g_hash_table_lookup_extended(run->sight, &ticket, NULL, &known)) {
		*ret_sight = (lk_sight)GPOINTER_TO_INT(known);
		return true;
	}
	if (!read_ticket(run, ticket, &row, error))
		return false;
	if (lk_rows_count(row) == 0) {
		*ret_sight = LK_SIGHT_NONE;
	} else if (!run->how->agent) {
		*ret_sight = LK_SIGHT_FULL;
	} else {
		also = lk_row_is_null(row, 0, "also") ? NULL : lk_row_texts(row, 0, "also");
		*ret_sight = lk_sight_of(run->policy, run->how->agent, lk_row_text(row, 0, "queue"),
					 also, lk_row_bool(row, 0, "is_asked"));
	}
	g_hash_table_insert(run->sight, key_of(ticket), GINT_TO_POINTER((int)*ret_sight));
	return true;
}

bool lk_run_no_ticket(lk_run *run, int64_t named)
{
	g_autofree char *reference = lk_reference(run->policy, named);

	return lk_run_problem(run, LK_PROBLEM_NO_TICKET, reference, NULL);
}

bool lk_run_reference(lk_run *run, int64_t named, int64_t *ret_ticket, GError **error)
{
	lk_sight sight = LK_SIGHT_NONE;

	if (!lk_run_final(run, named, ret_ticket, error) ||
	    (*ret_ticket && !lk_run_sight(run, *ret_ticket, &sight, error)))
		return false;
	if (*ret_ticket && sight == LK_SIGHT_FULL)
		return true;
	*ret_ticket = 0;
	return lk_run_no_ticket(run, named);
}

bool lk_run_sees(lk_run *run, int64_t named, bool *ret_sees, GError **error)
{
	int64_t ticket = 0;
	lk_sight sight = LK_SIGHT_NONE;

	if (!lk_run_final(run, named, &ticket, error) ||
	    (ticket && !lk_run_sight(run, ticket, &sight, error)))
		return false;
	*ret_sees = ticket && (sight == LK_SIGHT_FULL || sight == LK_SIGHT_ASKED);
	return true;
}

void lk_run_touch(lk_run *run, int64_t ticket)
{
	GPtrArray *lines = g_hash_table_lookup(run->lines, &ticket);

	if (!lines) {
		lines = g_ptr_array_new_with_free_func(g_free);
		g_hash_table_insert(run->lines, key_of(ticket), lines);
		g_array_append_val(run->touched, ticket);
	}
	if (run->command && (lines->len == 0 || strcmp(g_ptr_array_index(lines, lines->len - 1),
						       run->command->line) != 0))
		g_ptr_array_add(lines, g_strdup(run->command->line));
}

bool lk_run_event(lk_run *run, const char *event, const char *reason, lk_json *detail,
		  GError **error)
{
	g_autoptr(lk_json) more = detail ? detail : lk_json_object();

	if (run->how->os_user)
		lk_json_set_text(more, "os_user", run->how->os_user);
	lk_event line = {.ticket = run->ticket,
			 .message = run->how->message,
			 .at = run->how->now,
			 .actor = run->how->actor,
			 .event = event,
			 .reason = reason,
			 .detail = more};
	lk_run_touch(run, run->ticket);
	return lk_event_add(run->db, &line, error);
}

static bool is_list(const char *key)
{
	return strcmp(key, "tags") == 0 || strcmp(key, "missing_fields") == 0;
}

static bool is_number(const char *key)
{
	return strcmp(key, "merged_into") == 0 || strcmp(key, "reopened") == 0;
}

static bool is_time(const char *key)
{
	return g_str_has_suffix(key, "_at") || strcmp(key, "answer_by") == 0;
}

void lk_run_keep(const lk_run *run, lk_json *old, const char *key)
{
	const char *text = lk_run_text(run, key);
	lk_json *parsed = NULL;

	if (!text) {
		lk_json_set_null(old, key);
	} else if (is_list(key)) {
		g_autoptr(GPtrArray) texts = lk_row_texts(run->row, 0, key);
		lk_json *list = lk_json_array();
		for (unsigned i = 0; i < texts->len; i++)
			lk_json_push_text(list, g_ptr_array_index(texts, i));
		lk_json_take(old, key, list);
	} else if (is_number(key)) {
		lk_json_set_int(old, key, lk_row_int(run->row, 0, key));
	} else if (is_time(key)) {
		g_autofree char *at = lk_time_format(lk_row_time(run->row, 0, key));
		lk_json_set_text(old, key, at);
	} else if (strcmp(key, "fields") == 0 && lk_json_parse(text, strlen(text), &parsed, NULL)) {
		lk_json_take(old, key, parsed);
	} else {
		lk_json_set_text(old, key, text);
	}
}

bool lk_run_change(lk_run *run, lk_json *changes, GError **error)
{
	g_autoptr(lk_json) owned = changes;
	g_autoptr(GPtrArray) keys = lk_json_keys(changes);
	g_autofree char *text = lk_json_dump(changes, false);
	g_autoptr(lk_params) params = lk_params_new();
	lk_json *old = lk_json_object();

	for (unsigned i = 0; i < keys->len; i++)
		lk_run_keep(run, old, g_ptr_array_index(keys, i));
	lk_json *step = lk_run_step(run, "change");
	lk_json_take(step, "values", old);
	lk_json_take(step, "left", lk_json_ref(changes));
	lk_param_int(params, run->ticket);
	lk_param_text(params, text);
	lk_param_time(params, run->how->now);
	lk_run_touch(run, run->ticket);
	return lk_db_run(run->db, LK_Q_COMMAND_CHANGE, params, NULL, error);
}

bool lk_run_change_text(lk_run *run, const char *key, const char *value, GError **error)
{
	lk_json *changes = lk_json_object();

	lk_json_set_text(changes, key, value);
	return lk_run_change(run, changes, error);
}

bool lk_run_change_level(lk_run *run, lk_change_what what, const char *value, const char *reason,
			 GError **error)
{
	static const char *const columns[] = {"queue", "priority", "type", "organisation"};
	lk_change change = {.ticket = run->ticket,
			    .what = what,
			    .value = value,
			    .at = run->how->now,
			    .actor = run->how->actor,
			    .reason = reason,
			    .message = run->how->message};
	lk_json *step = lk_run_step(run, "level");

	lk_json_set_int(step, "what", what);
	lk_json_set_text(step, "value", lk_run_text(run, columns[what]));
	lk_json_set_text(step, "left", value);
	lk_run_touch(run, run->ticket);
	return lk_ticket_change(run->db, run->policy, &change, NULL, error);
}

bool lk_run_move(lk_run *run, lk_status_event event, const char *reason, lk_time until,
		 bool *ret_ok, GError **error)
{
	lk_status was = lk_run_status(run);
	lk_move move = {.ticket = run->ticket,
			.at = run->how->now,
			.actor = run->how->actor,
			.reason = reason,
			.message = run->how->message,
			.until = until};
	lk_status_step next = lk_status_next(was, event, &move.status);

	*ret_ok = next != LK_STEP_REFUSED;
	if (!*ret_ok)
		return lk_run_problem(run, LK_PROBLEM_STATUS,
				      run->command ? lk_command_name(run->command->kind) : "",
				      lk_status_name(was));
	lk_run_touch(run, run->ticket);
	if (next == LK_STEP_STAY && !until)
		return true;
	lk_json *step = lk_run_step(run, "status");
	lk_json *old = lk_json_object();
	static const char *const kept[] = {"resolved_at", "closed_at", "waiting_until", "reopened"};
	for (unsigned i = 0; i < G_N_ELEMENTS(kept); i++)
		lk_run_keep(run, old, kept[i]);
	lk_json_set_text(step, "status", lk_status_name(was));
	lk_json_set_text(step, "left", lk_status_name(move.status));
	if (until) {
		g_autofree char *at = lk_time_format(until);
		lk_json_set_text(step, "until", at);
	}
	lk_json_take(step, "values", old);
	return lk_ticket_move(run->db, run->policy, &move, NULL, error);
}
