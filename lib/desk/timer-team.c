/* What is done each morning, and on days that have come: the team hears, the pace is measured. */
#include "lib/desk/timer-private.h"

#include "lib/desk/authority.h"
#include "lib/desk/command.h"
#include "lib/desk/hours.h"
#include "lib/desk/notice.h"

/* Nobody of the team has touched it for so many open days. */
static const lk_span untouched = {.open_days = 5};
static const lk_span unanswered = {.open_days = 1};

/* --- the day of #wait until --------------------------------------------------------------------
 */

static bool tell_of_day(lk_round *round, const lk_job *job, GError **error)
{
	lk_notice notice = {.kind = LK_NOTICE_DATE,
			    .ticket = job->ticket,
			    .queue = job->queue,
			    .owner = lk_job_text(job, "owner"),
			    .reason = "the day it waited for has come"};

	if (!job->queue || lk_row_bool(job->tickets, job->row, "is_silent"))
		return true;
	notice.notify = job->queue->managers->len > 0 ? LK_NOTIFY_MANAGERS : LK_NOTIFY_AGENTS;
	return lk_notice_send(round->db, round->policy, round->now, &notice, error);
}

bool lk_job_wait_until(lk_round *round, const lk_job *job, lk_job_end *end, GError **error)
{
	lk_time until = lk_job_time(job, "waiting_until");
	bool is_moved = false;

	if (until != LK_TIME_NONE && until > round->now) {
		end->again_at = until;
		return true;
	}
	return lk_job_move(round, job, LK_EVENT_DATE_REACHED, "the day it waited for has come",
			   &is_moved, error) &&
	       (!is_moved || tell_of_day(round, job, error));
}

/* --- tickets that nobody handles ---------------------------------------------------------------
 */

/* When the queue opens on the next of its days; a desk that never closes is reminded at eight. */
static lk_time next_morning(const lk_policy *policy, const lk_queue *queue, lk_time now)
{
	const lk_calendar *calendar = lk_hours_of_queue(policy, queue);
	lk_time midnight = lk_day_start(policy->timezone,
					lk_day_at(policy->timezone, now + 86400 * LK_SECOND));
	lk_time open = LK_TIME_NONE;

	/* Where a day has 25 hours, that may be today's. */
	if (midnight <= now)
		midnight = lk_day_start(policy->timezone,
					lk_day_at(policy->timezone, now + 90000 * LK_SECOND));
	open = lk_calendar_next_open(calendar, midnight);
	if (open == midnight)
		open = lk_calendar_next_open(calendar, midnight + 8 * 3600 * LK_SECOND);
	return open;
}

static bool add_line(lk_round *round, const lk_queue *queue, const lk_rows *rows, size_t row,
		     GError **error)
{
	const char *owner = lk_row_text(rows, row, "owner");
	g_autoptr(GPtrArray) people = NULL;
	lk_alarm_line line = {.kind = LK_ALARM_REMINDER,
			      .ticket = lk_row_int(rows, row, "id"),
			      .queue = queue,
			      .subject = lk_row_text(rows, row, "subject"),
			      .priority = lk_row_text(rows, row, "priority"),
			      .owner = owner,
			      .why = lk_row_bool(rows, row, "is_asked") ? "is_unanswered"
									: "is_untouched",
			      .at = lk_row_time(rows, row, "since")};

	if (lk_owner_of(round->policy, owner, queue)) {
		people = g_ptr_array_new();
		g_ptr_array_add(people, (gpointer)owner);
	} else {
		people = lk_alarm_managers(round, queue);
	}
	return lk_alarm_tell(round, &line, people, NULL, error);
}

/* Owners hear of their tickets, the managers of those without one. */
static bool tell_of_unhandled(lk_round *round, const lk_queue *queue, GError **error)
{
	const lk_calendar *calendar = lk_hours_of_queue(round->policy, queue);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_text(params, queue->name);
	lk_param_time(params, round->now - 86400 * LK_SECOND);
	lk_param_time(params, round->now - 5 * 86400 * LK_SECOND);
	if (!lk_db_run(round->db, LK_Q_TIMER_UNHANDLED, params, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		bool is_asked = lk_row_bool(rows, i, "is_asked");
		lk_time due = lk_hours_add(calendar, lk_row_time(rows, i, "since"),
					   is_asked ? &unanswered : &untouched);

		if (due != LK_TIME_NONE && due <= round->now &&
		    !add_line(round, queue, rows, i, error))
			return false;
	}
	return true;
}

/* --- how long first answers take lately (desk.md 11) --------------------------------------------
 */

enum { PACE_DAYS = 20, PACE_TICKETS = 5, PACE_MOST_DAYS = 200 };

/* When the queue's last 20 open days began. */
static lk_time pace_since(const lk_policy *policy, const lk_calendar *calendar, lk_time now)
{
	const lk_time day = 86400 * LK_SECOND;
	lk_time at = now;

	for (unsigned i = 1, open = 0; i < PACE_MOST_DAYS && open < PACE_DAYS; i++) {
		lk_time next = LK_TIME_NONE;

		at = lk_day_start(policy->timezone, lk_day_at(policy->timezone, now - i * day));
		next = lk_calendar_next_open(calendar, at);
		open += next != LK_TIME_NONE && next < at + day;
	}
	return at;
}

static int compare_seconds(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a;
	int64_t right = *(const int64_t *)b;

	return left < right ? -1 : left > right;
}

/* The open time within which four of five were answered; of a handful nothing is said. */
static bool measure_pace(lk_round *round, const lk_queue *queue, GError **error)
{
	const lk_calendar *calendar = lk_hours_of_queue(round->policy, queue);
	g_autoptr(lk_params) look = lk_params_new();
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GArray) seconds = g_array_new(FALSE, FALSE, sizeof(int64_t));

	lk_param_text(look, queue->name);
	lk_param_time(look, pace_since(round->policy, calendar, round->now));
	if (!lk_db_run(round->db, LK_Q_TIMER_ANSWERS, look, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		int64_t took =
			lk_calendar_seconds_between(calendar, lk_row_time(rows, i, "opened_at"),
						    lk_row_time(rows, i, "first_response_at"));

		g_array_append_val(seconds, took);
	}
	g_array_sort(seconds, compare_seconds);
	lk_param_text(params, queue->name);
	if (seconds->len < PACE_TICKETS)
		lk_param_null(params);
	else
		lk_param_int(params,
			     g_array_index(seconds, int64_t, (seconds->len * 4 + 4) / 5 - 1));
	lk_param_int(params, seconds->len);
	lk_param_time(params, round->now);
	return lk_db_run(round->db, LK_Q_TIMER_PACE, params, NULL, error);
}

bool lk_job_team_reminder(lk_round *round, const lk_job *job, lk_job_end *end, GError **error)
{
	const lk_queue *queue = lk_policy_queue(round->policy, job->key);
	lk_job open = *job;

	if (!queue)
		return true;
	open.queue = queue;
	if (lk_job_waits_for_opening(round, &open, end))
		return true;
	end->again_at = next_morning(round->policy, queue, round->now);
	return measure_pace(round, queue, error) && tell_of_unhandled(round, queue, error);
}

/* What is never set for later than an hour was set by a clock that was wrong. */
static bool hurry(lk_db *db, lk_time now, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_time(params, now);
	lk_param_time(params, now + 2 * 3600 * LK_SECOND);
	return lk_db_run(db, LK_Q_TIMER_HURRY, params, NULL, error);
}

bool lk_timers_prepare(lk_db *db, const lk_policy *policy, lk_time now, GError **error)
{
	for (unsigned i = 0; i < policy->queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(policy->queues, i);
		g_autoptr(lk_params) params = lk_params_new();
		lk_time due = next_morning(policy, queue, now);

		if (due == LK_TIME_NONE)
			continue;
		lk_param_text(params, LK_TIMER_TEAM_REMINDER);
		lk_param_text(params, queue->name);
		lk_param_time(params, due);
		if (!lk_db_run(db, LK_Q_TIMER_BEGIN_SOONER, params, NULL, error))
			return false;
	}
	return hurry(db, now, error) && lk_timers_prepare_digests(db, policy, now, error);
}
