/* Reminders to customers: who does not answer, and who has not heard for long. */
#include "lib/desk/timer-private.h"

#include "lib/base/text.h"
#include "lib/desk/hours.h"
#include "lib/desk/outbox.h"
#include "lib/desk/standing.h"

#include <string.h>

/* More often than this nobody wants to read that work goes on. */
enum { MOST_STILL_WORKING = 3 };

/* A job and what timer_look knows of its ticket. */
typedef struct {
	lk_round *round;
	const lk_job *job;
	const lk_calendar *calendar;
	lk_rows *rows;
} reminder;

static void reminder_clear(reminder *r)
{
	g_clear_pointer(&r->rows, lk_rows_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(reminder, reminder_clear)

static lk_time time_of(const reminder *r, const char *column)
{
	return lk_row_time(r->rows, 0, column);
}

static bool look(reminder *r, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	r->calendar = lk_hours_of_queue(r->round->policy, r->job->queue);
	lk_param_int(params, r->job->ticket);
	return lk_db_run(r->round->db, LK_Q_TIMER_LOOK, params, &r->rows, error);
}

/* Automatic mail goes to people alone, and to nobody whose mail said that they want none. */
static bool may_be_told(const reminder *r)
{
	const char *requester =
		lk_rows_count(r->rows) > 0 ? lk_row_text(r->rows, 0, "requester") : NULL;

	return requester && lk_address_is_sane(requester) &&
	       !lk_row_bool(r->rows, 0, "is_blocked") &&
	       !lk_row_bool(r->rows, 0, "is_unanswerable");
}

/* Has the queue a customer there whom the desk writes to by itself? */
static bool has_customer(const lk_job *job)
{
	bool is_unheard = lk_row_bool(job->tickets, job->row, "is_silent") &&
			  lk_job_time(job, "first_response_at") == LK_TIME_NONE;

	return job->queue && !lk_row_bool(job->tickets, job->row, "is_machine") && !is_unheard;
}

static lk_json *variables_of(const reminder *r)
{
	const lk_policy *policy = r->round->policy;
	g_autofree char *reference = lk_reference(policy, r->job->ticket);
	g_autofree char *days =
		g_strdup_printf("%" G_GINT64_FORMAT, (r->job->queue->reopen_s + 86399) / 86400);
	bool is_bilingual = false;
	lk_json *json = lk_json_object();

	for (unsigned i = 0; i < LK_N_LANGS; i++)
		is_bilingual |= policy->bilingual[i];
	lk_json_set_text(json, "reference", reference);
	lk_json_set_text(json, "subject", lk_row_text(r->rows, 0, "subject"));
	lk_json_set_bool(json, "is_bilingual",
			 is_bilingual && lk_row_bool(r->rows, 0, "is_language_unknown"));
	lk_standing_add(json, policy, r->round->now, r->rows);
	if (r->job->queue->reopen_s > 0 && r->job->queue->reopen_s != LK_FOREVER) {
		lk_json_set_text(json, "reopen_days", days);
		lk_json_set_bool(json, "is_one_day", strcmp(days, "1") == 0);
	}
	return json;
}

/* Consumes variables. LK_OUTBOX_SUPPRESSED: nothing goes out, the history says why. */
static bool tell(const reminder *r, const char *template_name, const char *reason,
		 lk_json *variables, lk_outbox_verdict *ret_verdict, GError **error)
{
	g_autoptr(lk_json) owned = variables;
	int64_t outbox = 0;
	lk_lang language = r->job->queue->language;

	lk_lang_parse(lk_row_text(r->rows, 0, "language"), &language);
	lk_outbox_mail mail = {.ticket = r->job->ticket,
			       .template_name = template_name,
			       .purpose = LK_PURPOSE_CUSTOMER,
			       .queue = r->job->queue,
			       .language = language,
			       .recipient = lk_row_text(r->rows, 0, "requester"),
			       .recipient_name = lk_row_text(r->rows, 0, "requester_name"),
			       .rank = LK_RANK_REMINDER,
			       .is_bulk = true,
			       .reason = reason,
			       .variables = owned,
			       .is_patient = true};
	return lk_outbox_add(r->round->db, r->round->policy, r->round->now, &mail, ret_verdict,
			     &outbox, error);
}

/* --- who does not answer ---------------------------------------------------------------------- */

/*
 * The next step comes so long after the last mail to the customer, whatever it was. The first one
 * by #wait customer 3d, where the agent said how long.
 */
static lk_time customer_due(const reminder *r, const lk_span *span)
{
	lk_time since = time_of(r, "since");
	lk_time told = time_of(r, "told_at");
	lk_time answer_by = time_of(r, "answer_by");

	if (r->job->step == 0 && answer_by != LK_TIME_NONE && answer_by > since)
		return answer_by;
	return lk_hours_add(r->calendar, MAX(since, told == LK_TIME_NONE ? since : told), span);
}

static bool close_unanswered(const reminder *r, lk_job_end *end, GError **error)
{
	static const char why[] = "the customer did not answer the last reminder";
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;

	/* Nobody is closed without a word. */
	if (!tell(r, "closed-unanswered", why, variables_of(r), &verdict, error))
		return false;
	if (verdict == LK_OUTBOX_HELD)
		lk_job_wait_for_budget(r->round, r->job, end);
	if (verdict != LK_OUTBOX_QUEUED)
		return true;
	return lk_job_move(r->round, r->job, LK_EVENT_CLOSE_UNANSWERED, why, NULL, error) &&
	       lk_job_tell(r->round, r->job, "closed_unanswered", why, NULL, error);
}

static bool remind(const reminder *r, lk_job_end *end, GError **error)
{
	const GArray *spans = r->job->queue->customer_reminders;
	unsigned next = (unsigned)r->job->step + 1;
	bool is_last = next >= spans->len;
	const lk_span *span = &g_array_index(spans, lk_span, is_last ? spans->len - 1 : next);
	g_autofree char *reason = g_strdup_printf(
		"the customer has not answered: reminder %u of %u", next, spans->len);
	lk_json *variables = variables_of(r);
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;

	lk_json_set_bool(variables, "is_last", is_last);
	lk_json_set_bool(variables, "is_closing", is_last && r->job->queue->close_unanswered);
	if (!tell(r, "customer-reminder", reason, variables, &verdict, error))
		return false;
	if (verdict == LK_OUTBOX_HELD)
		lk_job_wait_for_budget(r->round, r->job, end);
	/* Who cannot be reached is not closed for being silent. */
	if (verdict != LK_OUTBOX_QUEUED)
		return true;
	if (!lk_job_tell(r->round, r->job, "customer_reminded", reason, NULL, error))
		return false;
	if (is_last && !r->job->queue->close_unanswered)
		return true;
	end->again_at = lk_hours_add(r->calendar, r->round->now, span);
	end->step = next;
	return true;
}

bool lk_job_customer_reminder(lk_round *round, const lk_job *job, lk_job_end *end, GError **error)
{
	g_auto(reminder) r = {.round = round, .job = job};
	const GArray *spans = NULL;
	lk_time due = LK_TIME_NONE;
	bool waits = false;

	if (job->status != LK_STATUS_WAITING_CUSTOMER || !has_customer(job))
		return true;
	spans = job->queue->customer_reminders;
	if (spans->len == 0)
		return true;
	if (!look(&r, error))
		return false;
	if (!may_be_told(&r))
		return true;
	due = customer_due(
		&r, &g_array_index(spans, lk_span, MIN((unsigned)job->step, spans->len - 1)));
	if (due == LK_TIME_NONE)
		return true;
	if (due > round->now) {
		end->again_at = due;
		end->step = job->step;
		return true;
	}
	if (lk_job_waits_for_opening(round, job, end))
		return true;
	if (!lk_job_waits_for_intake(round, job, end, &waits, error) || waits)
		return waits;
	/* Nobody can have answered what has not gone out yet. */
	if (round->policy->send && lk_row_bool(r.rows, 0, "is_mail_waiting")) {
		lk_job_wait_for_budget(round, job, end);
		return true;
	}
	if (job->step > 0 && lk_row_bool(r.rows, 0, "is_unreached"))
		return lk_job_tell(round, job, "reminders_ended",
				   "the last reminder did not reach the customer: who cannot be "
				   "reached is not closed for being silent",
				   NULL, error);
	if (job->step < spans->len)
		return remind(&r, end, error);
	return !job->queue->close_unanswered || close_unanswered(&r, end, error);
}

/* --- who has not heard for long --------------------------------------------------------------- */

static bool tell_managers(const reminder *r, lk_time since, GError **error)
{
	g_autoptr(GPtrArray) managers = lk_alarm_managers(r->round, r->job->queue);
	lk_alarm_line line = {.kind = LK_ALARM_REMINDER,
			      .ticket = r->job->ticket,
			      .queue = r->job->queue,
			      .subject = lk_job_text(r->job, "subject"),
			      .priority = lk_job_text(r->job, "priority"),
			      .owner = lk_job_text(r->job, "owner"),
			      .why = "is_stalled",
			      .at = since};

	return lk_alarm_tell(r->round, &line, managers, NULL, error) &&
	       lk_job_tell(r->round, r->job, "stalled",
			   "the customer was told three times that work goes on; the managers hear",
			   NULL, error);
}

static lk_time last_heard(const reminder *r)
{
	lk_time at = lk_job_time(r->job, "opened_at");

	at = MAX(at, time_of(r, "told_at") == LK_TIME_NONE ? at : time_of(r, "told_at"));
	return MAX(at, time_of(r, "answered_at") == LK_TIME_NONE ? at : time_of(r, "answered_at"));
}

/* Since when the customer has had no words of a person. */
static lk_time last_words(const reminder *r)
{
	lk_time at = time_of(r, "answered_at");

	return at == LK_TIME_NONE ? lk_job_time(r->job, "opened_at") : at;
}

bool lk_job_still_working(lk_round *round, const lk_job *job, lk_job_end *end, GError **error)
{
	static const char why[] = "the customer has heard nothing for tell_every of the queue";
	g_auto(reminder) r = {.round = round, .job = job};
	lk_time due = LK_TIME_NONE;
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;

	if (!lk_status_is_open(job->status) || job->status == LK_STATUS_WAITING_CUSTOMER ||
	    !has_customer(job) ||
	    (job->queue->tell_every.seconds <= 0 && job->queue->tell_every.open_days <= 0))
		return true;
	if (!look(&r, error))
		return false;
	if (!may_be_told(&r))
		return true;
	due = lk_hours_add(r.calendar, last_heard(&r), &job->queue->tell_every);
	if (due == LK_TIME_NONE)
		return true;
	if (due > round->now) {
		end->again_at = due;
		return true;
	}
	if (lk_job_waits_for_opening(round, job, end))
		return true;
	end->again_at = lk_hours_add(r.calendar, round->now, &job->queue->tell_every);
	if (lk_row_int(r.rows, 0, "n_still") >= MOST_STILL_WORKING)
		return tell_managers(&r, last_words(&r), error);
	if (!tell(&r, "still-working", why, variables_of(&r), &verdict, error))
		return false;
	if (verdict == LK_OUTBOX_HELD)
		lk_job_wait_for_budget(round, job, end);
	return verdict != LK_OUTBOX_QUEUED ||
	       lk_job_tell(round, job, "customer_told", why, NULL, error);
}
