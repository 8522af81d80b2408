/* A customer who is away is reminded when they are back (desk.md 14). */
#include "lib/desk/intake.h"

#include "lib/desk/absence.h"
#include "lib/desk/hours.h"

/* Where the answer names no day, or one that nobody will believe. */
static const lk_span unnamed = {.open_days = 10};
static const lk_time most_away = 200 * INT64_C(86400) * LK_SECOND;

static const lk_calendar *calendar_of(const lk_work *work)
{
	const lk_queue *queue = work->route.queue;

	return lk_hours_of_queue(work->policy, queue);
}

/* The reminder keeps the open time that it had left, counted from when they are back. */
static lk_time moved(const lk_work *work, lk_time due, bool *ret_is_named)
{
	const lk_calendar *calendar = calendar_of(work);
	const char *zone = work->policy->timezone;
	const char *words = *work->mail->reply_text ? work->mail->reply_text : work->mail->text;
	lk_day last = {0};
	lk_time back = LK_TIME_NONE;

	*ret_is_named = words && lk_absence_read(words, lk_day_at(zone, work->at), &last);
	if (*ret_is_named)
		back = lk_day_start(zone, last) + 86400 * LK_SECOND;
	if (back == LK_TIME_NONE || back <= work->at || back > work->at + most_away) {
		*ret_is_named = false;
		return lk_hours_add(calendar, MAX(due, work->now), &unnamed);
	}
	/* A day of 25 hours ends an hour later: the next opening is the same. */
	back = lk_calendar_next_open(calendar, back);
	if (back == LK_TIME_NONE)
		return due;
	return MAX(due,
		   lk_calendar_add_seconds(calendar, back,
					   lk_calendar_seconds_between(calendar, work->now, due)));
}

static bool tell(const lk_work *work, int64_t ticket, int64_t message, lk_time due, bool is_named,
		 GError **error)
{
	g_autoptr(lk_json) detail = lk_json_object();
	g_autofree char *when = lk_time_format(due);
	lk_event event = {.ticket = ticket,
			  .message = message,
			  .at = work->at,
			  .actor = work->actor,
			  .event = "reminders_moved",
			  .reason =
				  is_named ? "the customer is away: reminders wait for their return"
					   : "the customer is away and does not say until when: "
					     "reminders wait for 10 open days",
			  .detail = detail};

	lk_json_set_text(detail, "until", when);
	return lk_event_add(work->db, &event, error);
}

bool lk_work_vacation(lk_work *work, int64_t ticket, int64_t message, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_params) move = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_time due = LK_TIME_NONE;
	bool is_named = false;

	if (work->mail->kind != LK_KIND_AUTO_REPLY || !work->mail->is_vacation || !work->has_from)
		return true;
	lk_param_int(params, ticket);
	lk_param_bytes(params, work->from_hash, sizeof(work->from_hash));
	if (!lk_db_run(work->db, LK_Q_INTAKE_REMINDER, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return true;
	due = moved(work, lk_row_time(rows, 0, "due_at"), &is_named);
	if (due == LK_TIME_NONE)
		return true;
	lk_param_int(move, ticket);
	lk_param_time(move, due);
	return lk_db_run(work->db, LK_Q_INTAKE_REMINDER_MOVE, move, NULL, error) &&
	       tell(work, ticket, message, due, is_named, error);
}
