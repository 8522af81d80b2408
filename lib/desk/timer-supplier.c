/* Reminders to suppliers, firmer by step; the managers hear of the last one. */
#include "lib/desk/timer-private.h"

#include "lib/base/json.h"
#include "lib/desk/hours.h"
#include "lib/desk/outbox.h"
#include "lib/desk/standing.h"

#include <string.h>

static bool read_rows(lk_round *round, const lk_job *job, lk_query query, lk_rows **ret_rows,
		      GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, job->ticket);
	return lk_db_run(round->db, query, params, ret_rows, error);
}

static lk_time time_or(const lk_rows *rows, const char *column, lk_time other)
{
	return lk_row_is_null(rows, 0, column) ? other : lk_row_time(rows, 0, column);
}

/* A chase by the customer brings it forward: then it does not wait for its day. */
static bool is_forced(const lk_job *job)
{
	g_autoptr(lk_json) detail = NULL;

	return job->detail && lk_json_parse(job->detail, strlen(job->detail), &detail, NULL) &&
	       lk_json_get_bool(detail, "is_forced", false);
}

static bool tell_managers(lk_round *round, const lk_job *job, lk_time since, GError **error)
{
	g_autoptr(GPtrArray) managers = lk_alarm_managers(round, job->queue);
	lk_alarm_line line = {.kind = LK_ALARM_REMINDER,
			      .ticket = job->ticket,
			      .queue = job->queue,
			      .subject = lk_job_text(job, "subject"),
			      .priority = lk_job_text(job, "priority"),
			      .owner = lk_job_text(job, "owner"),
			      .why = "is_supplier",
			      .at = since};

	return lk_alarm_tell(round, &line, managers, NULL, error);
}

/*
 * In the thread of the mail that it reminds of, and to whom that went. *ret_held: not now, that
 * address gets too much.
 */
static bool remind(lk_round *round, const lk_job *job, const lk_rows *look, const lk_rows *asked,
		   unsigned n_steps, bool *ret_held, GError **error)
{
	unsigned step = (unsigned)job->step;
	g_autofree char *reference = lk_reference(round->policy, job->ticket);
	g_autofree char *reason = g_strdup_printf(
		"the supplier has not answered: reminder %u of %u", step + 1, n_steps);
	g_autoptr(lk_json) variables = lk_json_object();
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
	int64_t outbox = 0;
	lk_lang language = job->queue->language;
	lk_json *detail = NULL;

	lk_lang_parse(lk_row_text(asked, 0, "language"), &language);
	lk_json_set_text(variables, "reference", reference);
	lk_json_set_text(variables, "subject", lk_row_text(look, 0, "subject"));
	lk_json_set_bool(variables, "is_first", step == 0);
	lk_json_set_bool(variables, "is_repeated", step > 0 && step + 1 < n_steps);
	lk_json_set_bool(variables, "is_last", step > 0 && step + 1 >= n_steps);
	lk_standing_set_times(variables, round->policy, "asked", lk_row_time(asked, 0, "at"));
	lk_outbox_mail mail = {.ticket = job->ticket,
			       .template_name = "supplier-reminder",
			       .purpose = LK_PURPOSE_SUPPLIER,
			       .queue = job->queue,
			       .language = language,
			       .recipient = lk_row_text(asked, 0, "recipient"),
			       .recipient_name = lk_row_text(asked, 0, "recipient_name"),
			       .rank = LK_RANK_REMINDER,
			       .is_bulk = true,
			       .reason = reason,
			       .variables = variables,
			       .is_patient = true};
	if (!lk_outbox_add(round->db, round->policy, round->now, &mail, &verdict, &outbox, error))
		return false;
	*ret_held = verdict == LK_OUTBOX_HELD;
	if (*ret_held)
		return true;
	detail = lk_json_object();
	lk_json_set_text(detail, "supplier", lk_row_text(look, 0, "supplier"));
	lk_json_set_int(detail, "step", step + 1);
	return lk_job_tell(round, job, "supplier_reminded", reason, detail, error);
}

bool lk_job_supplier_reminder(lk_round *round, const lk_job *job, lk_job_end *end, GError **error)
{
	g_autoptr(lk_rows) look = NULL;
	g_autoptr(lk_rows) asked = NULL;
	const lk_calendar *calendar = lk_hours_of_queue(round->policy, job->queue);
	const lk_supplier *supplier = NULL;
	lk_time at = LK_TIME_NONE;
	unsigned step = (unsigned)job->step;
	bool is_held = false;
	bool waits = false;

	if (job->status != LK_STATUS_WAITING_SUPPLIER || !job->queue)
		return true;
	if (!read_rows(round, job, LK_Q_TIMER_LOOK, &look, error) ||
	    !read_rows(round, job, LK_Q_TIMER_SUPPLIER, &asked, error))
		return false;
	supplier = lk_policy_supplier(round->policy, lk_row_text(look, 0, "supplier"));
	/* Whom the desk reached otherwise than by its own mail, an agent reminds. */
	if (!supplier || step >= supplier->remind->len || lk_rows_count(asked) == 0)
		return true;
	at = MAX(lk_row_time(look, 0, "since"), lk_row_time(asked, 0, "at"));
	at = MAX(at, time_or(asked, "reminded_at", at));
	at = lk_hours_add(calendar, at, &g_array_index(supplier->remind, lk_span, step));
	if (at == LK_TIME_NONE)
		return true;
	if (at > round->now && !is_forced(job)) {
		end->again_at = at;
		end->step = job->step;
		return true;
	}
	if (lk_job_waits_for_opening(round, job, end))
		return true;
	if (!lk_job_waits_for_intake(round, job, end, &waits, error) || waits)
		return waits;
	if (!remind(round, job, look, asked, supplier->remind->len, &is_held, error))
		return false;
	if (is_held) {
		lk_job_wait_for_budget(round, job, end);
		return true;
	}
	if (step + 1 >= supplier->remind->len)
		return tell_managers(round, job, lk_row_time(asked, 0, "at"), error);
	end->again_at = lk_hours_add(calendar, round->now,
				     &g_array_index(supplier->remind, lk_span, step + 1));
	end->step = job->step + 1;
	end->detail = g_strdup("{}");
	return true;
}
