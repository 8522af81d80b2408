/* Commands that move a ticket: wait, open, resolve, reopen, close, spam. */
#include "lib/desk/execute-private.h"

#include "lib/base/text.h"
#include "lib/desk/hours.h"
#include "lib/desk/timer.h"
#include "lib/desk/when.h"

#include <string.h>

static const char *text_of(const lk_run *run)
{
	return lk_commands_text_owner(run->commands) == run->command ? run->commands->text : "";
}

/* desk.md 5: written before the customer's newest words, it is shown them first. */
static bool check_stale(lk_run *run, bool *ret_ok, GError **error)
{
	bool is_stale = false;

	if (!lk_run_is_stale(run, &is_stale, error))
		return false;
	*ret_ok = !is_stale;
	return *ret_ok ||
	       lk_run_problem(run, LK_PROBLEM_STALE, lk_command_name(run->command->kind), NULL);
}

/* Mails that the status before has made pointless. templates NULL: all to customers. */
static bool cancel_waiting(lk_run *run, const char *const *templates, unsigned n,
			   const char *reason, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_params) cancel = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));

	for (unsigned i = 0; i < n; i++)
		g_ptr_array_add(names, (void *)templates[i]);
	lk_param_int(params, run->ticket);
	if (n > 0)
		lk_param_texts(params, names);
	else
		lk_param_null(params);
	if (!lk_db_run(run->db, LK_Q_COMMAND_WAITING_MAIL, params, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		int64_t id = lk_row_int(rows, i, "id");
		g_array_append_val(ids, id);
	}
	if (ids->len == 0)
		return true;
	lk_param_ints(cancel, (const int64_t *)(void *)ids->data, ids->len);
	lk_param_text(cancel, reason);
	return lk_db_run(run->db, LK_Q_COMMAND_CANCEL_MAIL, cancel, NULL, error);
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* Did an answer go out since the customer last wrote? The mail's own words count as one. */
static bool has_asked(const lk_run *run)
{
	/* Words that a note or a question to others takes do not reach the customer. */
	return (*run->commands->text && !lk_commands_text_owner(run->commands)) ||
	       lk_row_int(run->row, 0, "answer_message") >
		       lk_row_int(run->row, 0, "customer_message");
}

/* What follows the wait's end begins anew: it was told to wait for another time. */
static bool restart_reminders(lk_run *run, GError **error)
{
	lk_timer_row row = {.kind = LK_TIMER_CUSTOMER_REMINDER,
			    .ticket = run->ticket,
			    .status = lk_status_name(LK_STATUS_WAITING_CUSTOMER),
			    .due_at = run->how->now};

	return !run->queue || run->queue->customer_reminders->len == 0 ||
	       lk_timer_set(run->db, &row, error);
}

static bool wait_customer(lk_run *run, GError **error)
{
	const lk_span *span = &run->command->span;
	bool was_waiting = lk_run_status(run) == LK_STATUS_WAITING_CUSTOMER;
	bool is_ok = false;

	if (!has_asked(run))
		return lk_run_problem(run, LK_PROBLEM_NO_QUESTION, "wait", NULL);
	if (!lk_run_move(run, LK_EVENT_WAIT_CUSTOMER, "waits for the customer's answer", 0, &is_ok,
			 error))
		return false;
	if (!is_ok)
		return true;
	/* The day that was given to the wait before is not this one's. */
	if (!span->seconds && !span->open_days)
		return was_waiting || lk_row_is_null(run->row, 0, "answer_by") ||
		       lk_run_change_text(run, "answer_by", NULL, error);
	lk_time at = lk_hours_add(lk_hours_of_queue(run->policy, run->queue), run->how->now, span);
	g_autofree char *text = lk_time_format(at);
	return lk_run_change_text(run, "answer_by", text, error) &&
	       (!was_waiting || restart_reminders(run, error));
}

/* desk.md 9: one neutral mail, that it waits for others or until when. Consumes variables. */
static bool tell_waiting(lk_run *run, lk_json *variables, GError **error)
{
	if (!run->queue || !run->queue->tell_on_wait) {
		lk_json_unref(variables);
		return true;
	}
	return lk_run_tell_requester(run, "waiting", variables,
				     "the ticket waits for others (tell_on_wait)", error);
}

static bool wait_supplier(lk_run *run, GError **error)
{
	const char *word = run->command->text;
	const char *near = NULL;
	const char *name = word ? word : lk_run_text(run, "supplier");
	const lk_supplier *supplier = name ? lk_run_find_supplier(run, name, &near) : NULL;
	bool was_waiting = lk_run_status(run) == LK_STATUS_WAITING_SUPPLIER;
	bool is_ok = false;

	if (!name)
		return lk_run_problem(run, LK_PROBLEM_NO_SUPPLIER, "wait", NULL);
	if (!supplier)
		return lk_run_problem(run, LK_PROBLEM_SUPPLIER, name, near);
	if (!lk_run_move(run, LK_EVENT_WAIT_SUPPLIER, "waits for the supplier", 0, &is_ok, error))
		return false;
	if (!is_ok)
		return true;
	if (!lk_run_change_text(run, "supplier", supplier->name, error))
		return false;
	if (was_waiting)
		return true;
	lk_json *variables = lk_json_object();
	lk_json_set_bool(variables, "is_supplier", true);
	lk_json_set_text(variables, "supplier", supplier->public_name);
	return tell_waiting(run, variables, error);
}

static bool wait_until(lk_run *run, GError **error)
{
	lk_day day = run->command->day;
	lk_time at = lk_day_start(run->policy->timezone, day);
	/* The ticket comes back when the desk opens that day. */
	lk_time open = lk_calendar_next_open(lk_hours_of_queue(run->policy, run->queue), at);
	bool is_ok = false;

	if (open != LK_TIME_NONE)
		at = open;
	if (!lk_run_move(run, LK_EVENT_WAIT_UNTIL, "waits until a date", at, &is_ok, error))
		return false;
	if (!is_ok)
		return true;
	g_autofree char *shown = lk_when_day(run->policy, lk_run_language(run), at);
	lk_json *variables = lk_json_object();
	lk_json_set_bool(variables, "is_until", true);
	lk_json_set_text(variables, "until", shown);
	return tell_waiting(run, variables, error);
}

bool lk_run_wait(lk_run *run, GError **error)
{
	bool is_ok = false;

	if (!check_stale(run, &is_ok, error))
		return false;
	if (!is_ok)
		return true;
	switch (run->command->wait) {
	case LK_WAIT_CUSTOMER:
		return wait_customer(run, error);
	case LK_WAIT_SUPPLIER:
		return wait_supplier(run, error);
	case LK_WAIT_UNTIL:
		return wait_until(run, error);
	}
	g_assert_not_reached();
}

bool lk_run_open(lk_run *run, GError **error)
{
	bool is_ok = false;

	return lk_run_move(run, LK_EVENT_OPEN, "opened by an agent", 0, &is_ok, error);
}

bool lk_run_reopen(lk_run *run, GError **error)
{
	bool is_ok = false;

	return lk_run_move(run, LK_EVENT_REOPEN, "opened again by an agent", 0, &is_ok, error);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Fields that the queue asks for and nothing has filled; false: a problem was noted. */
static bool check_missing(lk_run *run, bool *ret_ok, GError **error)
{
	g_autoptr(lk_json) fields = NULL;
	const char *text = lk_run_text(run, "fields");

	if (!lk_json_parse(text, strlen(text), &fields, error))
		return false;
	g_autoptr(GPtrArray) missing = lk_run_missing(run, fields);
	*ret_ok = missing->len == 0 || run->command->is_anyway;
	if (*ret_ok)
		return true;
	const char *first = g_ptr_array_index(missing, 0);
	g_ptr_array_add(missing, NULL);
	g_autofree char *list = g_strjoinv(", ", (char **)missing->pdata);
	return lk_run_problem(run, LK_PROBLEM_MISSING, list, first);
}

static bool set_resolution(lk_run *run, const char *text, bool is_workaround, GError **error)
{
	lk_json *detail = lk_json_object();

	lk_json_set_bool(detail, "is_workaround", is_workaround);
	/* Who was told nothing is not asked about it either. */
	if (run->command->is_silent)
		lk_json_set_bool(detail, "is_silent", true);
	return (!*text || lk_run_change_text(run, "resolution", text, error)) &&
	       lk_run_event(run, "resolution",
			    is_workaround ? "resolved by a workaround" : "resolved by an agent",
			    detail, error);
}

/* The customer is told: the agent's words to all, or that it is resolved to the requester. */
static bool tell_resolved(lk_run *run, const char *text, bool is_workaround, int64_t message,
			  GError **error)
{
	lk_json *variables = lk_json_object();

	lk_json_set_bool(variables, "is_workaround", is_workaround);
	if (*text)
		return lk_run_tell_people(run, "resolution", text, message, variables,
					  "the ticket was resolved", error) &&
		       lk_run_responded(run, message, error);
	lk_json_set_text(variables, "text", "");
	return lk_run_tell_requester(run, "resolution", variables, "the ticket was resolved",
				     error);
}

static bool resolve_one(lk_run *run, const char *text, const char *reason, bool *ret_ok,
			GError **error)
{
	static const char *const reminders[] = {"customer-reminder", "still-working",
						"supplier-reminder", "waiting"};
	const lk_command *c = run->command;
	bool was_resolved = lk_run_status(run) == LK_STATUS_RESOLVED;
	int64_t message = 0;

	if (!lk_run_move(run, LK_EVENT_RESOLVE, reason, 0, ret_ok, error))
		return false;
	if (!*ret_ok)
		return true;
	if (*text && !lk_run_message(run, c->is_silent ? "note" : "out", text, &message, error))
		return false;
	if (!set_resolution(run, text, c->is_workaround, error) ||
	    !cancel_waiting(run, reminders, G_N_ELEMENTS(reminders), "the ticket was resolved",
			    error))
		return false;
	if (c->is_silent || (was_resolved && !*text))
		return true;
	return tell_resolved(run, text, c->is_workaround, message, error);
}

/* Resolving a parent resolves and tells its children, each in its own language. */
static bool resolve_children(lk_run *run, int64_t parent, const char *text, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autofree char *reference = lk_reference(run->policy, parent);
	g_autofree char *reason = g_strdup_printf("its parent %s was resolved", reference);

	lk_param_int(params, parent);
	if (!lk_db_run(run->db, LK_Q_COMMAND_CHILDREN, params, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		bool is_ok = false;
		if (!lk_run_enter(run, lk_row_int(rows, i, "id"), error) ||
		    !resolve_one(run, text, reason, &is_ok, error))
			return false;
	}
	return true;
}

bool lk_run_resolve(lk_run *run, GError **error)
{
	const char *text = text_of(run);
	int64_t ticket = run->ticket;
	bool is_ok = false;

	if (!check_stale(run, &is_ok, error) || (is_ok && !check_missing(run, &is_ok, error)))
		return false;
	if (!is_ok)
		return true;
	if (run->how->agent && !lk_run_text(run, "owner") &&
	    lk_agent_serves(run->policy, run->how->agent, run->queue) &&
	    lk_status_is_open(lk_run_status(run)) &&
	    !lk_run_set_owner(run, run->how->agent, "resolved the ticket", error))
		return false;
	return resolve_one(run, text, "resolved by an agent", &is_ok, error) &&
	       (!is_ok || resolve_children(run, ticket, text, error));
}

bool lk_run_close(lk_run *run, GError **error)
{
	bool is_ok = false;

	if (!check_stale(run, &is_ok, error))
		return false;
	if (!is_ok)
		return true;
	return lk_run_move(run, LK_EVENT_CLOSE, "closed by an agent", 0, &is_ok, error);
}

bool lk_run_spam(lk_run *run, GError **error)
{
	bool is_ok = false;

	if (!lk_run_move(run, LK_EVENT_SPAM, "marked as spam by an agent", 0, &is_ok, error))
		return false;
	return !is_ok || cancel_waiting(run, NULL, 0, "the ticket is spam", error);
}
