#include "lib/desk/execute.h"

#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/desk/execute-private.h"
#include "lib/desk/term.h"

#include <string.h>

void lk_receipt_free(lk_receipt *receipt)
{
	if (!receipt)
		return;
	g_ptr_array_unref(receipt->problems);
	lk_json_unref(receipt->json);
	g_free(receipt);
}

static void problem_free(void *data)
{
	lk_problem_free(data);
}

static lk_receipt *receipt_new(void)
{
	lk_receipt *receipt = g_new0(lk_receipt, 1);

	receipt->problems = g_ptr_array_new_with_free_func(problem_free);
	receipt->json = lk_json_object();
	lk_json_set_bool(receipt->json, "has_run", false);
	lk_json_take(receipt->json, "problems", lk_json_array());
	lk_json_take(receipt->json, "tickets", lk_json_array());
	lk_json_take(receipt->json, "remarks", lk_json_array());
	lk_json_take(receipt->json, "mails", lk_json_array());
	return receipt;
}

lk_day lk_execute_today(const lk_policy *policy, lk_time now)
{
	return lk_day_at(policy->timezone, now);
}

/* --- helpers of the commands ------------------------------------------------------------------ */

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

static bool final_ticket(lk_run *run, int64_t named, int64_t *ret_ticket, GError **error)
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

static bool no_ticket(lk_run *run, int64_t named)
{
	g_autofree char *reference = lk_reference(run->policy, named);

	return lk_run_problem(run, LK_PROBLEM_NO_TICKET, reference, NULL);
}

bool lk_run_reference(lk_run *run, int64_t named, int64_t *ret_ticket, GError **error)
{
	lk_sight sight = LK_SIGHT_NONE;

	if (!final_ticket(run, named, ret_ticket, error) ||
	    (*ret_ticket && !lk_run_sight(run, *ret_ticket, &sight, error)))
		return false;
	if (*ret_ticket && sight == LK_SIGHT_FULL)
		return true;
	*ret_ticket = 0;
	return no_ticket(run, named);
}

bool lk_run_sees(lk_run *run, int64_t named, bool *ret_sees, GError **error)
{
	int64_t ticket = 0;
	lk_sight sight = LK_SIGHT_NONE;

	if (!final_ticket(run, named, &ticket, error) ||
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

/* --- the driver ------------------------------------------------------------------------------- */

typedef struct {
	bool (*run)(lk_run *run, GError **error);
	bool on_none;	  /* needs no ticket */
	bool when_asked;  /* also for a colleague who was asked */
	bool when_also;	  /* also where the mail was for the agent's queue as well */
	bool may_be_none; /* of a ticket, but without one it has a use, too */
} run_kind;

static const run_kind handlers[LK_N_COMMANDS] = {
	[LK_COMMAND_NOTE] = {.run = lk_run_note, .when_asked = true},
	[LK_COMMAND_TAKE] = {.run = lk_run_take},
	[LK_COMMAND_ASSIGN] = {.run = lk_run_assign},
	[LK_COMMAND_NEXT] = {.run = lk_run_next, .on_none = true},
	[LK_COMMAND_QUEUE] = {.run = lk_run_queue},
	[LK_COMMAND_PRIORITY] = {.run = lk_run_priority},
	[LK_COMMAND_TYPE] = {.run = lk_run_type},
	[LK_COMMAND_TAG] = {.run = lk_run_tag},
	[LK_COMMAND_FIELD] = {.run = lk_run_field},
	[LK_COMMAND_SUBJECT] = {.run = lk_run_subject},
	[LK_COMMAND_CC] = {.run = lk_run_cc},
	[LK_COMMAND_ORGANISATION] = {.run = lk_run_organisation},
	[LK_COMMAND_WAIT] = {.run = lk_run_wait},
	[LK_COMMAND_OPEN] = {.run = lk_run_open},
	[LK_COMMAND_RESOLVE] = {.run = lk_run_resolve},
	[LK_COMMAND_REOPEN] = {.run = lk_run_reopen},
	[LK_COMMAND_CLOSE] = {.run = lk_run_close},
	[LK_COMMAND_SPAM] = {.run = lk_run_spam},
	[LK_COMMAND_UNDO] = {.run = lk_run_undo, .on_none = true},
	[LK_COMMAND_SEND] = {.run = lk_run_send, .on_none = true},
	[LK_COMMAND_DROP] = {.run = lk_run_drop, .on_none = true},
	[LK_COMMAND_SUPPLIER] = {.run = lk_run_supplier},
	[LK_COMMAND_ASK] = {.run = lk_run_ask},
	[LK_COMMAND_MERGE] = {.run = lk_run_merge},
	[LK_COMMAND_SPLIT] = {.run = lk_run_split, .when_also = true},
	[LK_COMMAND_LINK] = {.run = lk_run_link},
	[LK_COMMAND_PARENT] = {.run = lk_run_parent},
	[LK_COMMAND_TEMPLATE] = {.run = lk_run_template, .on_none = true},
	[LK_COMMAND_SURVEY] = {.run = lk_run_survey},
	[LK_COMMAND_AWAY] = {.run = lk_run_away, .on_none = true},
	[LK_COMMAND_FOR] = {.run = lk_run_for},
	[LK_COMMAND_LIST] = {.run = lk_run_list, .on_none = true},
	[LK_COMMAND_HISTORY] = {.run = lk_run_history, .when_asked = true},
	[LK_COMMAND_SEARCH] = {.run = lk_run_search, .on_none = true},
	[LK_COMMAND_MORE] = {.run = lk_run_more, .on_none = true},
	[LK_COMMAND_HELP] = {.run = lk_run_help, .on_none = true},
};

static bool may_run(const run_kind *handler, lk_sight sight)
{
	return sight == LK_SIGHT_FULL || (sight == LK_SIGHT_ASKED && handler->when_asked) ||
	       (sight == LK_SIGHT_SPLIT && handler->when_also);
}

static bool run_on(lk_run *run, const run_kind *handler, int64_t named, GError **error)
{
	int64_t ticket = 0;
	lk_sight sight = LK_SIGHT_NONE;

	if (!final_ticket(run, named, &ticket, error) ||
	    (ticket && !lk_run_sight(run, ticket, &sight, error)))
		return false;
	if (!ticket || !may_run(handler, sight))
		return no_ticket(run, named);
	if (!lk_run_enter(run, ticket, error))
		return false;
	if (!run->queue && lk_run_needs_queue(run))
		return lk_run_problem(run, LK_PROBLEM_LOST_QUEUE, lk_run_text(run, "queue"), NULL);
	return handler->run(run, error);
}

static bool run_command(lk_run *run, const lk_command *command, GError **error)
{
	const run_kind *handler = &handlers[command->kind];

	run->command = command;
	if (!handler->run)
		return lk_run_problem(run, LK_PROBLEM_NOTHING, lk_command_name(command->kind),
				      NULL);
	if (handler->on_none)
		return lk_run_enter(run, 0, error) && handler->run(run, error);
	if (command->kind == LK_COMMAND_HISTORY && command->ticket)
		return run_on(run, handler, command->ticket, error);
	if (command->tickets->len == 0 && !run->how->ticket)
		return lk_run_problem(run, LK_PROBLEM_WHICH_TICKET, lk_command_name(command->kind),
				      NULL);
	if (command->tickets->len == 0)
		return run_on(run, handler, run->how->ticket, error);
	for (unsigned i = 0; i < command->tickets->len; i++)
		if (!run_on(run, handler, g_array_index(command->tickets, int64_t, i), error))
			return false;
	return true;
}

static int compare_tickets(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a;
	int64_t right = *(const int64_t *)b;

	return left < right ? -1 : left > right;
}

/* Two mails that name the same tickets in another order must not wait for each other. */
static bool lock_all(lk_run *run, GError **error)
{
	g_autoptr(GArray) tickets = g_array_new(FALSE, FALSE, sizeof(int64_t));

	if (run->how->ticket)
		g_array_append_val(tickets, run->how->ticket);
	for (unsigned i = 0; i < run->commands->commands->len; i++) {
		const lk_command *command = g_ptr_array_index(run->commands->commands, i);
		g_array_append_vals(tickets, command->tickets->data, command->tickets->len);
		if (command->ticket)
			g_array_append_val(tickets, command->ticket);
	}
	for (unsigned i = 0; i < tickets->len; i++)
		if (!final_ticket(run, g_array_index(tickets, int64_t, i),
				  &g_array_index(tickets, int64_t, i), error))
			return false;
	g_array_sort(tickets, compare_tickets);
	for (unsigned i = 0; i < tickets->len; i++) {
		lk_sight sight = LK_SIGHT_NONE;
		if (!lk_run_sight(run, g_array_index(tickets, int64_t, i), &sight, error))
			return false;
	}
	return true;
}

/* What has no owner among the commands is an answer to the customer. */
static bool run_text(lk_run *run, GError **error)
{
	static const run_kind reply = {lk_run_reply, .when_asked = true};

	run->command = NULL;
	if (!*run->commands->text && !run->how->has_files)
		return true;
	if (lk_commands_text_owner(run->commands))
		return true;
	if (!run->how->ticket) {
		run->receipt->is_text_unused = *run->commands->text != '\0';
		return true;
	}
	return run_on(run, &reply, run->how->ticket, error);
}

static bool run_all(lk_run *run, GError **error)
{
	if (!lock_all(run, error) || !lk_run_fill_text(run, error) || !run_text(run, error))
		return false;
	for (unsigned i = 0; i < run->commands->commands->len; i++)
		if (!run_command(run, g_ptr_array_index(run->commands->commands, i), error))
			return false;
	return true;
}

/* --- the receipt ------------------------------------------------------------------------------ */

static void show_problems(lk_run *run)
{
	lk_json *list = lk_json_get(run->receipt->json, "problems");

	for (unsigned i = 0; i < run->receipt->problems->len; i++) {
		const lk_problem *problem = g_ptr_array_index(run->receipt->problems, i);
		g_autofree char *words = lk_problem_words(problem, run->how->language);
		lk_json *one = lk_json_object();

		lk_json_set_text(one, "line", problem->line);
		lk_json_set_text(one, "problem", lk_problem_name(problem->code));
		lk_json_set_text(one, "word", problem->word);
		lk_json_set_text(one, "words", words);
		lk_json_push(list, one);
	}
}

static lk_json *texts_json(const GPtrArray *texts)
{
	lk_json *list = lk_json_array();

	for (unsigned i = 0; texts && i < texts->len; i++)
		lk_json_push_text(list, g_ptr_array_index(texts, i));
	return list;
}

static bool show_ticket(lk_run *run, int64_t ticket, GError **error)
{
	static const char *const columns[] = {"status", "queue", "priority", "type", "owner"};
	g_autofree char *reference = lk_reference(run->policy, ticket);
	lk_sight sight = LK_SIGHT_NONE;

	/* A child of another queue was resolved with its parent: it is nothing to tell. */
	if (!lk_run_sight(run, ticket, &sight, error) || !lk_run_enter(run, ticket, error))
		return false;
	if (sight == LK_SIGHT_NONE)
		return true;
	lk_json *one = lk_json_object();
	lk_json_push(lk_json_get(run->receipt->json, "tickets"), one);
	const char *title = lk_run_text(run, "title");
	g_autoptr(GPtrArray) tags = lk_row_texts(run->row, 0, "tags");
	g_autoptr(GPtrArray) missing = lk_row_texts(run->row, 0, "missing_fields");
	g_autofree char *until = lk_time_format(lk_row_time(run->row, 0, "waiting_until"));
	lk_json *fields = NULL;
	const char *text = lk_run_text(run, "fields");
	if (!lk_json_parse(text, strlen(text), &fields, error))
		return false;
	lk_json_set_text(one, "reference", reference);
	lk_json_set_text(one, "subject", title ? title : lk_run_text(run, "subject"));
	for (unsigned i = 0; i < G_N_ELEMENTS(columns); i++)
		lk_json_set_text(one, columns[i], lk_run_text(run, columns[i]));
	lk_json_set_text(one, "status_shown",
			 lk_term_status(lk_run_text(run, "status"), run->how->language));
	lk_json_set_text(one, "priority_shown",
			 lk_term_priority(lk_run_text(run, "priority"), run->how->language));
	lk_json_take(one, "fields", fields);
	lk_json_take(one, "tags", texts_json(tags));
	lk_json_take(one, "missing", texts_json(missing));
	lk_json_set_text(one, "waiting_until", until);
	lk_json_take(one, "done", texts_json(g_hash_table_lookup(run->lines, &ticket)));
	return true;
}

static bool show_tickets(lk_run *run, GError **error)
{
	run->command = NULL;
	for (unsigned i = 0; i < run->touched->len; i++)
		if (!show_ticket(run, g_array_index(run->touched, int64_t, i), error))
			return false;
	return true;
}

/* So that #undo can take it back. Look-ups leave nothing behind. */
static bool store_run(lk_run *run, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autofree char *steps = lk_json_dump(run->steps, false);

	if (lk_json_size(run->steps) == 0)
		return true;
	lk_param_time(params, run->how->now);
	lk_param_text(params, run->how->actor);
	run->how->message ? lk_param_int(params, run->how->message) : lk_param_null(params);
	lk_param_ints(params, (const int64_t *)(void *)run->touched->data, run->touched->len);
	lk_param_text(params, steps);
	if (!lk_db_run(run->db, LK_Q_COMMAND_RUN_ADD, params, &rows, error))
		return false;
	lk_json_set_int(run->receipt->json, "run", lk_row_int(rows, 0, "id"));
	return true;
}

static bool only_stale(const GPtrArray *problems)
{
	for (unsigned i = 0; i < problems->len; i++) {
		const lk_problem *problem = g_ptr_array_index(problems, i);
		if (problem->code != LK_PROBLEM_STALE)
			return false;
	}
	return problems->len > 0;
}

/* Nothing of a run with a problem stays; what the receipt said of it is forgotten. */
static bool finish(lk_run *run, GError **error)
{
	lk_receipt *receipt = run->receipt;

	if (receipt->problems->len > 0) {
		lk_json_take(receipt->json, "mails", lk_json_array());
		lk_json_take(receipt->json, "remarks", lk_json_array());
		show_problems(run);
		receipt->is_stale = only_stale(receipt->problems);
		return lk_db_rollback_to(run->db, error);
	}
	receipt->has_run = true;
	lk_json_set_bool(receipt->json, "has_run", true);
	return store_run(run, error) && show_tickets(run, error) && lk_db_release(run->db, error);
}

static void copy_problems(const lk_commands *commands, lk_receipt *receipt)
{
	for (unsigned i = 0; i < commands->problems->len; i++) {
		const lk_problem *p = g_ptr_array_index(commands->problems, i);
		g_ptr_array_add(receipt->problems,
				lk_problem_new(p->code, p->line, p->word, p->hint));
	}
}

static void free_lines(void *data)
{
	g_ptr_array_unref(data);
}

bool lk_execute(lk_db *db, const lk_policy *policy, const lk_execution *how,
		const lk_commands *commands, lk_receipt **ret_receipt, GError **error)
{
	g_autoptr(lk_receipt) receipt = receipt_new();
	g_autoptr(GHashTable) sight =
		g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	g_autoptr(GHashTable) lines =
		g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_lines);
	g_autoptr(GArray) touched = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_autoptr(lk_json) steps = lk_json_array();
	lk_run run = {.db = db,
		      .policy = policy,
		      .how = how,
		      .commands = commands,
		      .receipt = receipt,
		      .sight = sight,
		      .lines = lines,
		      .touched = touched,
		      .steps = steps};

	copy_problems(commands, receipt);
	bool done = lk_db_savepoint(db, error) && run_all(&run, error) && finish(&run, error);
	g_clear_pointer(&run.row, lk_rows_free);
	g_clear_pointer(&run.filled.text, g_free);
	if (done)
		*ret_receipt = g_steal_pointer(&receipt);
	return done;
}
