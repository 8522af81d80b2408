/* Commands that only answer: #list, #history, #search, #more, #help; and #away. */
#include "lib/desk/execute-private.h"

#include "lib/base/hash.h"
#include "lib/base/text.h"
#include "lib/desk/absence.h"
#include "lib/desk/hours.h"
#include "lib/desk/search.h"
#include "lib/desk/term.h"
#include "lib/desk/timer.h"
#include "lib/desk/when.h"

#include <string.h>

/* Queues that the agent sees; NULL (the command line): all. */
static void param_queues(lk_params *params, const lk_run *run, GPtrArray **ret_queues)
{
	if (!run->how->agent) {
		lk_param_null(params);
		return;
	}
	*ret_queues = lk_sight_queues(run->policy, run->how->agent);
	lk_param_texts(params, *ret_queues);
}

static void param_agent(lk_params *params, const lk_run *run)
{
	lk_param_text(params, run->how->agent ? run->how->agent->address : NULL);
}

/* The answer of the receipt: kind, and rows to come. Borrowed. */
lk_json *lk_run_answer(lk_run *run, const char *kind)
{
	lk_json *answer = lk_json_object();

	g_autofree char *section = g_strconcat("is_", kind, NULL);

	lk_json_set_text(answer, "kind", kind);
	lk_json_set_bool(answer, section, true);
	lk_json_set_bool(answer, "more", false);
	lk_json_take(answer, "rows", lk_json_array());
	lk_json_take(run->receipt->json, "answer", answer);
	return answer;
}

static void set_time(const lk_run *run, lk_json *row, const char *key, const lk_rows *rows,
		     size_t i)
{
	g_autofree char *exact = NULL;
	g_autofree char *shown = NULL;
	g_autofree char *shown_key = g_strconcat(key, "_shown", NULL);
	lk_time at = lk_row_time(rows, i, key);

	exact = lk_time_format(at);
	shown = lk_when(run->policy, run->how->language, at);
	lk_json_set_text(row, key, exact);
	lk_json_set_text(row, shown_key, shown);
}

static void show_tickets(lk_run *run, lk_json *answer, const lk_rows *rows)
{
	static const char *const columns[] = {"subject", "status",	   "queue",    "priority",
					      "owner",	 "requester_name", "requester"};
	size_t n = lk_rows_count(rows);

	lk_json_set_bool(answer, "more", n > LK_LOOK_UP_ROWS);
	for (size_t i = 0; i < MIN(n, LK_LOOK_UP_ROWS); i++) {
		g_autofree char *reference = lk_reference(run->policy, lk_row_int(rows, i, "id"));
		lk_json *row = lk_json_object();

		lk_json_set_text(row, "reference", reference);
		for (unsigned k = 0; k < G_N_ELEMENTS(columns); k++)
			lk_json_set_text(row, columns[k], lk_row_text(rows, i, columns[k]));
		lk_json_set_bool(row, "is_ticket", true);
		lk_json_set_text(
			row, "status_shown",
			lk_term_status(lk_row_text(rows, i, "status"), run->how->language));
		lk_json_set_text(
			row, "priority_shown",
			lk_term_priority(lk_row_text(rows, i, "priority"), run->how->language));
		set_time(run, row, "due_at", rows, i);
		set_time(run, row, "opened_at", rows, i);
		lk_json_push(lk_json_get(answer, "rows"), row);
	}
}

/* For #more. query borrowed; offset of what was shown now. */
static bool remember(lk_run *run, const lk_json *query, int64_t offset, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autofree char *text = lk_json_dump(query, false);

	if (!run->how->agent)
		return true;
	lk_param_text(params, run->how->agent->address);
	lk_param_text(params, text);
	lk_param_int(params, offset + LK_LOOK_UP_ROWS);
	lk_param_time(params, run->how->now);
	return lk_db_run(run->db, LK_Q_COMMAND_LOOK_UP_SET, params, NULL, error);
}

static bool look_list(lk_run *run, const lk_json *query, int64_t offset, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(GPtrArray) queues = NULL;
	g_autoptr(lk_rows) rows = NULL;

	param_queues(params, run, &queues);
	param_agent(params, run);
	lk_param_text(params, lk_json_get_text(query, "queue"));
	lk_param_time(params, run->how->now);
	lk_param_int(params, offset);
	lk_param_int(params, LK_LOOK_UP_ROWS + 1);
	g_autofree char *today = lk_day_format(lk_execute_today(run->policy, run->how->now));
	lk_param_text(params, today);
	if (!lk_db_run(run->db, LK_Q_COMMAND_LIST, params, &rows, error))
		return false;
	show_tickets(run, lk_run_answer(run, "list"), rows);
	return remember(run, query, offset, error);
}

static bool look_search(lk_run *run, const lk_json *query, int64_t offset, GError **error)
{
	const char *words = lk_json_get_text(query, "words");
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(GPtrArray) queues = NULL;
	g_autoptr(lk_rows) rows = NULL;
	uint8_t hash[LK_KEY_HASH_BYTES];

	param_queues(params, run, &queues);
	param_agent(params, run);
	lk_search_params(params, run->policy->prefix, words, hash);
	lk_param_int(params, offset);
	lk_param_int(params, LK_LOOK_UP_ROWS + 1);
	if (!lk_db_run(run->db, LK_Q_COMMAND_SEARCH, params, &rows, error))
		return false;
	lk_json *answer = lk_run_answer(run, "search");
	lk_json_set_text(answer, "words", words);
	show_tickets(run, answer, rows);
	return remember(run, query, offset, error);
}

/* The ticket is the current one, or one that was looked up before and is seen still. */
static bool look_history(lk_run *run, const lk_json *query, int64_t offset, GError **error)
{
	return lk_run_show_history(run, lk_json_get_int(query, "ticket", 0), offset, error) &&
	       remember(run, query, offset, error);
}

static bool look(lk_run *run, const lk_json *query, int64_t offset, GError **error)
{
	const char *kind = lk_json_get_text(query, "kind");

	if (g_strcmp0(kind, "history") == 0)
		return look_history(run, query, offset, error);
	if (g_strcmp0(kind, "search") == 0)
		return look_search(run, query, offset, error);
	return look_list(run, query, offset, error);
}

bool lk_run_list(lk_run *run, GError **error)
{
	g_autoptr(lk_json) query = lk_json_object();
	const char *name = run->command->text;

	/* A queue out of sight has no tickets, as one that does not exist. */
	lk_json_set_text(query, "kind", "list");
	lk_json_set_text(query, "queue", name);
	if (name && !lk_policy_queue(run->policy, name))
		return lk_run_problem(run, LK_PROBLEM_QUEUE, name, NULL);
	return look(run, query, 0, error);
}

bool lk_run_search(lk_run *run, GError **error)
{
	g_autoptr(lk_json) query = lk_json_object();

	lk_json_set_text(query, "kind", "search");
	lk_json_set_text(query, "words", run->command->text);
	return look(run, query, 0, error);
}

bool lk_run_history(lk_run *run, GError **error)
{
	g_autoptr(lk_json) query = lk_json_object();

	lk_json_set_text(query, "kind", "history");
	lk_json_set_int(query, "ticket", run->ticket);
	return look(run, query, 0, error);
}

bool lk_run_more(lk_run *run, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(lk_json) query = NULL;
	int64_t ticket = 0;

	if (!run->how->agent)
		return lk_run_problem(run, LK_PROBLEM_NO_SELF, "more", NULL);
	lk_param_text(params, run->how->agent->address);
	if (!lk_db_run(run->db, LK_Q_COMMAND_LOOK_UP, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return lk_run_problem(run, LK_PROBLEM_NOTHING, "more", NULL);
	const char *text = lk_row_text(rows, 0, "query");
	if (!lk_json_parse(text, strlen(text), &query, error))
		return false;
	/* The ticket may have gone out of sight since. */
	ticket = lk_json_get_int(query, "ticket", 0);
	if (ticket) {
		int64_t seen = 0;
		if (!lk_run_reference(run, ticket, &seen, error))
			return false;
		if (!seen)
			return true;
	}
	return look(run, query, lk_row_int(rows, 0, "shown"), error);
}

bool lk_run_help(lk_run *run, GError **error)
{
	lk_json *answer = lk_run_answer(run, "help");

	(void)error;
	for (int kind = 0; kind < LK_N_COMMANDS; kind++) {
		lk_json *row = lk_json_object();
		lk_json_set_text(row, "name", lk_command_name((lk_command_kind)kind));
		lk_json_set_bool(row, "is_form", true);
		lk_json_set_text(row, "form",
				 lk_command_form((lk_command_kind)kind, run->how->language));
		lk_json_push(lk_json_get(answer, "rows"), row);
	}
	return true;
}

/* --- away ------------------------------------------------------------------------------------- */

static bool manages_any(const lk_run *run)
{
	for (unsigned i = 0; i < run->policy->queues->len; i++)
		if (lk_agent_manages(run->policy, run->how->agent,
				     g_ptr_array_index(run->policy->queues, i)))
			return true;
	return false;
}

/* Whose absence it is; NULL: a problem was noted. Managers may write it for anyone. */
static const lk_agent *whose(lk_run *run)
{
	const char *name = run->command->name;
	const lk_agent *agent = name ? lk_agent_named(run->policy, name) : run->how->agent;

	if (!agent)
		lk_run_problem(run, name ? LK_PROBLEM_AGENT : LK_PROBLEM_NO_SELF,
			       name ? name : "away", NULL);
	else if (run->how->agent && agent != run->how->agent && !manages_any(run))
		lk_run_problem(run, LK_PROBLEM_MANAGERS, "away", NULL);
	else
		return agent;
	return NULL;
}

static bool end_absences(lk_run *run, const lk_agent *agent, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autofree char *today = lk_day_format(lk_execute_today(run->policy, run->how->now));

	lk_param_text(params, agent->address);
	lk_param_text(params, today);
	lk_param_time(params, run->how->now);
	if (!lk_db_run(run->db, LK_Q_COMMAND_ABSENCE_END, params, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++)
		lk_json_set_int(lk_run_step(run, "absence_ended"), "absence",
				lk_row_int(rows, i, "id"));
	return lk_run_remark(run, LK_REMARK_NOT_AWAY, agent->address, NULL);
}

/* The deputy gets the list of what is left to them, as the desk opens on the first day. */
static bool hand_over(lk_run *run, const lk_agent *agent, int64_t absence, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	const lk_queue *queue = NULL;
	lk_time at = lk_day_start(run->policy->timezone, run->command->day);

	for (unsigned i = 0; !queue && i < run->policy->queues->len; i++)
		if (lk_agent_serves(run->policy, agent, g_ptr_array_index(run->policy->queues, i)))
			queue = g_ptr_array_index(run->policy->queues, i);
	lk_time open = lk_calendar_next_open(lk_hours_of_queue(run->policy, queue),
					     MAX(at, run->how->now));
	lk_param_text(params, LK_TIMER_HAND_OVER);
	lk_param_int(params, absence);
	lk_param_time(params, open != LK_TIME_NONE ? open : at);
	return lk_db_run(run->db, LK_Q_COMMAND_HAND_OVER, params, NULL, error);
}

bool lk_run_away(lk_run *run, GError **error)
{
	const lk_command *c = run->command;
	const lk_agent *agent = whose(run);
	const lk_agent *deputy = c->deputy ? lk_agent_named(run->policy, c->deputy) : NULL;
	int64_t id = 0;

	if (!agent)
		return true;
	if (c->is_none)
		return end_absences(run, agent, error);
	if (c->deputy && (!deputy || deputy == agent))
		return lk_run_problem(run, LK_PROBLEM_AGENT, c->deputy, NULL);
	lk_absence_entry entry = {.agent = agent,
				  .first_day = c->day,
				  .last_day = c->until,
				  .deputy = deputy,
				  .actor = run->how->actor,
				  .message = run->how->message,
				  .at = run->how->now};
	if (!lk_absence_add(run->db, &entry, &id, error))
		return false;
	lk_json_set_int(lk_run_step(run, "absence"), "absence", id);
	if (deputy && !hand_over(run, agent, id, error))
		return false;
	g_autofree char *first = lk_day_format(c->day);
	g_autofree char *last = lk_day_format(c->until);
	g_autofree char *when = g_strconcat(first, "..", last, NULL);
	g_autofree char *who = g_strconcat(agent->address, " ", when, NULL);
	return deputy ? lk_run_remark(run, LK_REMARK_AWAY_DEPUTY, who, deputy->address)
		      : lk_run_remark(run, LK_REMARK_AWAY, agent->address, when);
}
