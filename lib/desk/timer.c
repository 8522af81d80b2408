#include "lib/desk/timer.h"

#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/text.h"
#include "lib/desk/hours.h"
#include "lib/desk/timer-private.h"

#include <string.h>

static const char actor[] = "sched";

/* --- rows ------------------------------------------------------------------------------------- */

static void param_id(lk_params *params, int64_t id)
{
	if (id)
		lk_param_int(params, id);
	else
		lk_param_null(params);
}

bool lk_timer_set(lk_db *db, const lk_timer_row *row, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autofree char *detail = row->detail ? lk_json_dump(row->detail, false) : g_strdup("{}");

	lk_param_text(params, row->kind);
	param_id(params, row->ticket);
	lk_param_text(params, row->key ? row->key : "");
	lk_param_text(params, row->status);
	lk_param_time(params, row->due_at);
	lk_param_int(params, row->step);
	lk_param_text(params, detail);
	return lk_db_run(db, LK_Q_TIMER_SET, params, NULL, error);
}

bool lk_timer_drop(lk_db *db, int64_t ticket, const char *kind, const char *key, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	param_id(params, ticket);
	lk_param_text(params, kind);
	lk_param_text(params, key ? key : "");
	return lk_db_run(db, LK_Q_TIMER_DROP, params, NULL, error);
}

bool lk_timers_next(lk_db *db, lk_time *ret_at, GError **error)
{
	g_autoptr(lk_rows) rows = NULL;

	if (!lk_db_run(db, LK_Q_TIMER_NEXT, NULL, &rows, error))
		return false;
	*ret_at = lk_row_time(rows, 0, "at");
	return true;
}

/* --- jobs ------------------------------------------------------------------------------------- */

lk_time lk_job_time(const lk_job *job, const char *column)
{
	return lk_row_time(job->tickets, job->row, column);
}

const char *lk_job_text(const lk_job *job, const char *column)
{
	return lk_row_text(job->tickets, job->row, column);
}

lk_time lk_job_at(const lk_round *round, const lk_job *job)
{
	return MIN(round->now, MAX(job->due_at, lk_job_time(job, "changed_at")));
}

bool lk_job_move(lk_round *round, const lk_job *job, lk_status_event event, const char *reason,
		 bool *ret_moved, GError **error)
{
	lk_move move = {.ticket = job->ticket,
			.at = lk_job_at(round, job),
			.actor = actor,
			.reason = reason};
	bool moves = lk_status_next(job->status, event, &move.status) == LK_STEP_MOVE;

	if (ret_moved)
		*ret_moved = moves;
	/* It stays: somebody was quicker. */
	return !moves || lk_ticket_move(round->db, round->policy, &move, NULL, error);
}

bool lk_job_waits_for_opening(const lk_round *round, const lk_job *job, lk_job_end *end)
{
	const lk_calendar *calendar = lk_hours_of_queue(round->policy, job->queue);
	lk_time open = lk_calendar_next_open(calendar, round->now);

	if (open == LK_TIME_NONE || open <= round->now)
		return false;
	end->again_at = open;
	end->step = job->step;
	return true;
}

/* So long, and two visits, a mailbox may be away before anybody waits for it. */
static const int64_t unread_s = 3600;

bool lk_job_waits_for_intake(const lk_round *round, const lk_job *job, lk_job_end *end,
			     bool *ret_waits, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	int64_t poll_s = 0;

	for (unsigned i = 0; i < round->policy->mailboxes->len; i++) {
		const lk_desk_mailbox *mailbox = g_ptr_array_index(round->policy->mailboxes, i);

		g_ptr_array_add(names, mailbox->name);
		poll_s = MAX(poll_s, mailbox->poll_s);
	}
	lk_param_int(params, job->ticket);
	lk_param_texts(params, names);
	lk_param_time(params, round->now - (unread_s + 2 * poll_s) * LK_SECOND);
	if (!lk_db_run(round->db, LK_Q_TIMER_UNREAD, params, &rows, error))
		return false;
	*ret_waits = lk_row_bool(rows, 0, "is_unread");
	if (*ret_waits)
		lk_job_wait_for_budget(round, job, end);
	return true;
}

void lk_job_wait_for_budget(const lk_round *round, const lk_job *job, lk_job_end *end)
{
	end->again_at = round->now + 600 * LK_SECOND;
	end->step = job->step;
}

bool lk_job_tell(lk_round *round, const lk_job *job, const char *event, const char *reason,
		 lk_json *detail, GError **error)
{
	g_autoptr(lk_json) owned = detail;
	lk_event row = {.ticket = job->ticket,
			.at = round->now,
			.actor = actor,
			.event = event,
			.reason = reason,
			.detail = owned};

	return lk_event_add(round->db, &row, error);
}

static bool close_after(lk_round *round, const lk_job *job, lk_job_end *end, GError **error)
{
	return lk_job_move(round, job, LK_EVENT_CLOSE_AFTER,
			   "resolved, and nobody wrote within close_after of the queue", NULL,
			   error);
}

static const struct {
	const char *kind;
	lk_job_run run;
} jobs[] = {
	{LK_TIMER_RESPOND_WARNING, lk_job_sla},
	{LK_TIMER_RESPOND_BREACH, lk_job_sla},
	{LK_TIMER_RESOLVE_WARNING, lk_job_sla},
	{LK_TIMER_RESOLVE_BREACH, lk_job_sla},
	{LK_TIMER_WAIT_UNTIL, lk_job_wait_until},
	{LK_TIMER_CLOSE_AFTER, close_after},
	{LK_TIMER_CUSTOMER_REMINDER, lk_job_customer_reminder},
	{LK_TIMER_SUPPLIER_REMINDER, lk_job_supplier_reminder},
	{LK_TIMER_STILL_WORKING, lk_job_still_working},
	{LK_TIMER_TEAM_REMINDER, lk_job_team_reminder},
	{LK_TIMER_SURVEY, lk_job_survey},
	{LK_TIMER_SURVEY_ANSWER, lk_job_survey_answer},
	{LK_TIMER_HAND_OVER, lk_job_hand_over},
	{LK_TIMER_DELIVERY_FAILED, lk_job_delivery_failed},
	{LK_TIMER_BREAKER_DIGEST, lk_job_breaker_digest},
	{LK_TIMER_DIGEST, lk_job_digest},
	{LK_TIMER_INCIDENT_DIGEST, lk_job_incident_digest},
};

static lk_job_run find_job(const char *kind)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(jobs); i++)
		if (strcmp(jobs[i].kind, kind) == 0)
			return jobs[i].run;
	return NULL;
}

/* --- a round ---------------------------------------------------------------------------------- */

/* Minutes until the next try, the last for good: what fails does not go away unseen. */
static const int64_t waits[] = {1, 5, 15, 60, 240, 1440};

static bool fail(lk_round *round, int64_t timer, int64_t attempts, const GError *why,
		 GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autofree char *text = lk_text_cut(why->message, 1000);
	int64_t minutes = waits[CLAMP(attempts, 0, (int64_t)G_N_ELEMENTS(waits) - 1)];

	lk_param_int(params, timer);
	lk_param_time(params, round->now + minutes * 60 * LK_SECOND);
	lk_param_text(params, text);
	return lk_db_run(round->db, LK_Q_TIMER_FAILED, params, NULL, error);
}

static bool again(lk_round *round, const lk_job *job, const lk_job_end *end, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, job->id);
	lk_param_time(params, end->again_at);
	lk_param_int(params, end->step);
	lk_param_text(params, end->detail);
	return lk_db_run(round->db, LK_Q_TIMER_AGAIN, params, NULL, error);
}

static bool run_job(lk_round *round, const lk_job *job, lk_job_end *end, GError **error)
{
	lk_job_run run = find_job(job->kind);

	if (!run) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "this version of luukku-sched knows no work of kind %s", job->kind);
		return false;
	}
	return run(round, job, end, error);
}

/* One job by itself: if it cannot be done, it is marked and the others go on. */
static bool do_job(lk_round *round, const lk_job *job, int64_t attempts, GArray *done,
		   GError **error)
{
	g_autoptr(GError) why = NULL;
	lk_job_end end = {.again_at = LK_TIME_NONE};
	unsigned n_alarms = round->alarms->len;
	bool is_well = false;

	if (!lk_db_savepoint(round->db, error))
		return false;
	is_well = run_job(round, job, &end, &why) &&
		  (end.again_at == LK_TIME_NONE || again(round, job, &end, &why));
	g_free(end.detail);
	if (is_well) {
		if (end.again_at == LK_TIME_NONE)
			g_array_append_val(done, job->id);
		return lk_db_release(round->db, error);
	}
	if (lk_err_is(why, LK_ERR_RETRY) || lk_err_is(why, LK_ERR_UNCERTAIN)) {
		g_propagate_error(error, g_steal_pointer(&why));
		return false;
	}
	g_ptr_array_set_size(round->alarms, (int)n_alarms);
	return lk_db_rollback_to(round->db, error) && fail(round, job->id, attempts, why, error);
}

static bool lock_tickets(lk_round *round, const lk_rows *timers, lk_rows **ret_tickets,
			 GError **error)
{
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_autoptr(lk_params) params = lk_params_new();

	for (size_t i = 0; i < lk_rows_count(timers); i++) {
		int64_t id = lk_row_int(timers, i, "ticket");

		if (id)
			g_array_append_val(ids, id);
	}
	lk_param_ints(params, (const int64_t *)(void *)ids->data, ids->len);
	return lk_db_run(round->db, LK_Q_TIMER_TICKETS, params, ret_tickets, error);
}

/* The ticket's row; false: somebody else holds it. Rows are in order of their ids. */
static bool find_ticket(const lk_rows *tickets, int64_t ticket, size_t *ret_row)
{
	size_t low = 0;
	size_t high = lk_rows_count(tickets);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int64_t id = lk_row_int(tickets, middle, "id");

		if (id == ticket) {
			*ret_row = middle;
			return true;
		}
		if (id < ticket)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool finish(lk_db *db, const GArray *done, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_ints(params, (const int64_t *)(void *)done->data, done->len);
	return done->len == 0 || lk_db_run(db, LK_Q_TIMER_DONE, params, NULL, error);
}

/*
 * A round holds the rows of its tickets, and mail for them is tried again until it has ended: it
 * ends some time even where everything is slow. Long enough for a night's work, as what one person
 * is told in a round is one mail. *ret_cut: jobs are left.
 */
enum { ROUND_MS = 15000 };

static bool do_jobs(lk_round *round, const lk_rows *timers, const lk_rows *tickets,
		    int64_t *ret_did, bool *ret_cut, GError **error)
{
	g_autoptr(GArray) done = g_array_new(FALSE, FALSE, sizeof(int64_t));
	int64_t begin_ms = lk_monotonic_ms();

	for (size_t i = 0; i < lk_rows_count(timers); i++) {
		lk_job job = {
			.id = lk_row_int(timers, i, "id"),
			.kind = lk_row_text(timers, i, "kind"),
			.ticket = lk_row_int(timers, i, "ticket"),
			.key = lk_row_text(timers, i, "key"),
			.due_at = lk_row_time(timers, i, "due_at"),
			.step = lk_row_int(timers, i, "step"),
			.detail = lk_row_text(timers, i, "detail"),
		};

		if (job.ticket) {
			if (!find_ticket(tickets, job.ticket, &job.row))
				continue;
			job.tickets = tickets;
			if (!lk_status_parse(lk_job_text(&job, "status"), &job.status))
				job.status = LK_STATUS_OPEN;
			job.queue = lk_policy_queue(round->policy, lk_job_text(&job, "queue"));
		}
		if (!do_job(round, &job, lk_row_int(timers, i, "attempts"), done, error))
			return false;
		++*ret_did;
		if (lk_monotonic_ms() - begin_ms >= ROUND_MS) {
			*ret_cut = true;
			break;
		}
	}
	return lk_alarms_send(round, error) && lk_digests_send(round, error) &&
	       finish(round->db, done, error);
}

static bool run_round(lk_round *round, unsigned most, int64_t *ret_did, bool *ret_more,
		      GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) timers = NULL;
	g_autoptr(lk_rows) tickets = NULL;
	bool is_cut = false;

	lk_param_time(params, round->now);
	lk_param_int(params, most);
	if (!lk_db_run(round->db, LK_Q_TIMER_CLAIM, params, &timers, error))
		return false;
	if (lk_rows_count(timers) == 0)
		return true;
	if (!lock_tickets(round, timers, &tickets, error) ||
	    !do_jobs(round, timers, tickets, ret_did, &is_cut, error))
		return false;
	*ret_more = is_cut || (lk_rows_count(timers) == most && *ret_did > 0);
	lk_fault("timer.done");
	return true;
}

bool lk_timers_run(lk_db *db, const lk_policy *policy, lk_time now, unsigned most, int64_t *ret_did,
		   bool *ret_more, GError **error)
{
	lk_round round = {.db = db, .policy = policy, .now = now};
	bool is_well = false;

	*ret_did = 0;
	*ret_more = false;
	if (!lk_db_begin(db, error))
		return false;
	round.alarms = g_ptr_array_new_with_free_func(lk_alarm_free);
	round.stand_ins = g_hash_table_new(NULL, NULL);
	round.digests = g_ptr_array_new();
	is_well = run_round(&round, most, ret_did, ret_more, error);
	g_ptr_array_unref(round.alarms);
	g_hash_table_unref(round.stand_ins);
	g_ptr_array_unref(round.digests);
	if (!is_well) {
		lk_db_rollback(db);
		return false;
	}
	return lk_db_commit(db, error);
}

static bool adopt(lk_db *db, const lk_policy *policy, lk_time now, const lk_rows *rows,
		  GError **error)
{
	for (size_t i = 0; i < lk_rows_count(rows); i++)
		if (!lk_ticket_start_clocks(db, policy, lk_row_int(rows, i, "id"), now, actor, 0,
					    error))
			return false;
	return true;
}

bool lk_timers_adopt(lk_db *db, const lk_policy *policy, lk_time now, unsigned most,
		     int64_t *ret_did, bool *ret_more, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	*ret_did = 0;
	*ret_more = false;
	lk_param_int(params, most);
	if (!lk_db_begin(db, error))
		return false;
	if (!lk_db_run(db, LK_Q_TIMER_UNCLOCKED, params, &rows, error) ||
	    !adopt(db, policy, now, rows, error)) {
		lk_db_rollback(db);
		return false;
	}
	if (!lk_db_commit(db, error))
		return false;
	*ret_did = (int64_t)lk_rows_count(rows);
	*ret_more = *ret_did == most;
	return true;
}
