#include "lib/desk/execute.h"

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

static const run_kind reply = {lk_run_reply, .when_asked = true};

static bool may_run(const run_kind *handler, lk_sight sight)
{
	return sight == LK_SIGHT_FULL || (sight == LK_SIGHT_ASKED && handler->when_asked) ||
	       (sight == LK_SIGHT_SPLIT && handler->when_also);
}

bool lk_execute_takes_words(lk_sight sight)
{
	return may_run(&reply, sight);
}

static bool run_on(lk_run *run, const run_kind *handler, int64_t named, GError **error)
{
	int64_t ticket = 0;
	lk_sight sight = LK_SIGHT_NONE;

	if (!lk_run_final(run, named, &ticket, error) ||
	    (ticket && !lk_run_sight(run, ticket, &sight, error)))
		return false;
	if (!ticket || !may_run(handler, sight))
		return lk_run_no_ticket(run, named);
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
		if (!lk_run_final(run, g_array_index(tickets, int64_t, i),
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
