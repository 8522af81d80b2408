/* #send and #drop: what was held for its writer is run, or forgotten. */

#include "lib/desk/execute-private.h"

#include <string.h>

static bool find_held(lk_run *run, lk_rows **ret_rows, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	const GArray *named = run->command->tickets;
	int64_t ticket = named->len > 0 ? g_array_index(named, int64_t, 0) : run->how->ticket;

	lk_param_null(params);
	lk_param_text(params, run->how->agent->address);
	lk_param_time(params, run->how->now);
	ticket ? lk_param_int(params, ticket) : lk_param_null(params);
	return lk_db_run(run->db, LK_Q_COMMAND_HELD, params, ret_rows, error);
}

static bool decide(lk_run *run, const lk_rows *held, const char *state, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	lk_event event = {.ticket = lk_row_int(held, 0, "ticket_id"),
			  .message = lk_row_int(held, 0, "message_id"),
			  .at = run->how->now,
			  .actor = run->how->actor,
			  .event = strcmp(state, "run") == 0 ? "held_sent" : "held_dropped",
			  .reason = "its writer decided on a held mail"};

	lk_param_int(params, lk_row_int(held, 0, "id"));
	lk_param_text(params, state);
	lk_param_time(params, run->how->now);
	lk_param_text(params, run->how->actor);
	return lk_db_run(run->db, LK_Q_COMMAND_HELD_DECIDE, params, NULL, error) &&
	       lk_event_add(run->db, &event, error);
}

/* Held words that send what is held could only send themselves, without end. */
static bool sends_held(const lk_commands *commands)
{
	for (unsigned i = 0; i < commands->commands->len; i++) {
		const lk_command *command = g_ptr_array_index(commands->commands, i);
		if (command->kind == LK_COMMAND_SEND || command->kind == LK_COMMAND_DROP)
			return true;
	}
	return false;
}

/* The held words run as a run of their own; its receipt becomes ours. */
static bool run_words(lk_run *run, const lk_rows *held, GError **error)
{
	lk_command_context context = {
		.policy = run->policy,
		.agent_name = run->how->agent->name,
		.today = lk_execute_today(run->policy, lk_row_time(held, 0, "at"))};
	g_autoptr(lk_commands) commands = lk_commands_read(&context, lk_row_text(held, 0, "words"));
	g_autoptr(lk_receipt) inner = NULL;
	lk_execution how = *run->how;

	if (sends_held(commands))
		return lk_run_problem(run, LK_PROBLEM_NOTHING, lk_command_name(run->command->kind),
				      NULL);
	how.ticket = lk_row_int(held, 0, "ticket_id");
	how.message = lk_row_int(held, 0, "message_id");
	how.is_confirmed = true;
	how.has_files = lk_row_bool(held, 0, "has_files");
	if (!lk_execute(run->db, run->policy, &how, commands, &inner, error))
		return false;
	for (unsigned i = 0; i < inner->problems->len; i++) {
		const lk_problem *p = g_ptr_array_index(inner->problems, i);
		g_ptr_array_add(run->receipt->problems,
				lk_problem_new(p->code, p->line, p->word, p->hint));
	}
	if (how.ticket)
		lk_run_touch(run, how.ticket);
	lk_json_take(run->receipt->json, "mails", lk_json_ref(lk_json_get(inner->json, "mails")));
	return true;
}

static bool with_held(lk_run *run, bool is_send, GError **error)
{
	g_autoptr(lk_rows) held = NULL;

	if (!run->how->agent)
		return lk_run_problem(run, LK_PROBLEM_NO_SELF, lk_command_name(run->command->kind),
				      NULL);
	if (!find_held(run, &held, error))
		return false;
	if (lk_rows_count(held) == 0)
		return lk_run_problem(run, LK_PROBLEM_NOTHING, lk_command_name(run->command->kind),
				      NULL);
	if (is_send && !run_words(run, held, error))
		return false;
	return decide(run, held, is_send ? "run" : "dropped", error);
}

bool lk_run_send(lk_run *run, GError **error)
{
	return with_held(run, true, error);
}

bool lk_run_drop(lk_run *run, GError **error)
{
	return with_held(run, false, error);
}
