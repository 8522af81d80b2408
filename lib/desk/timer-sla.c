/* Targets that are near or have passed. */
#include "lib/desk/timer-private.h"

#include "lib/base/json.h"
#include "lib/desk/authority.h"
#include "lib/desk/status.h"

#include <string.h>

/* Whom a ticket's alarm is for: the managers, and the owner with a warning or without managers. */
static GPtrArray *people_of(const lk_round *round, const lk_job *job, bool is_breach)
{
	GPtrArray *people = g_ptr_array_new();
	const char *owner = lk_job_text(job, "owner");
	g_autoptr(GPtrArray) managers = NULL;

	if (!job->queue)
		return people;
	if (lk_owner_of(round->policy, owner, job->queue) &&
	    (!is_breach || job->queue->managers->len == 0))
		g_ptr_array_add(people, (gpointer)owner);
	if (people->len > 0 && job->queue->managers->len == 0)
		return people;
	managers = lk_alarm_managers(round, job->queue);
	for (unsigned i = 0; i < managers->len; i++)
		g_ptr_array_add(people, g_ptr_array_index(managers, i));
	return people;
}

/* Adds the ticket to everybody's mail, each person once. *ret_told: how many they are. */
static bool tell(lk_round *round, const lk_job *job, bool is_respond, bool is_breach, lk_time due,
		 int64_t *ret_told, GError **error)
{
	g_autoptr(GPtrArray) people = people_of(round, job, is_breach);
	lk_alarm_line line = {.kind = is_breach ? LK_ALARM_BREACH : LK_ALARM_WARNING,
			      .ticket = job->ticket,
			      .queue = job->queue,
			      .subject = lk_job_text(job, "subject"),
			      .priority = lk_job_text(job, "priority"),
			      .owner = lk_job_text(job, "owner"),
			      .why = is_respond ? "is_respond" : "is_resolve",
			      .at = due};

	return lk_alarm_tell(round, &line, people, ret_told, error);
}

static bool record(lk_round *round, const lk_job *job, const char *reason, lk_time due,
		   int64_t told, GError **error)
{
	g_autoptr(lk_json) detail = lk_json_object();
	g_autofree char *when = lk_time_format(due);
	lk_event event = {.ticket = job->ticket,
			  .at = lk_job_at(round, job),
			  .actor = "sched",
			  .event = job->kind,
			  .reason = reason,
			  .detail = detail};

	lk_json_set_text(detail, "due", when);
	lk_json_set_int(detail, "told", told);
	return lk_event_add(round->db, &event, error);
}

bool lk_job_sla(lk_round *round, const lk_job *job, lk_job_end *end, GError **error)
{
	bool is_respond = strcmp(job->kind, LK_TIMER_RESPOND_WARNING) == 0 ||
			  strcmp(job->kind, LK_TIMER_RESPOND_BREACH) == 0;
	bool is_breach = strcmp(job->kind, LK_TIMER_RESPOND_BREACH) == 0 ||
			 strcmp(job->kind, LK_TIMER_RESOLVE_BREACH) == 0;
	const char *what = is_respond ? "the first answer" : "the resolution";
	lk_time due = lk_job_time(job, is_respond ? "due_respond" : "due_resolve");
	g_autofree char *reason = NULL;
	int64_t told = 0;

	/* The row should have gone with what it was for. */
	if (due == LK_TIME_NONE || !lk_status_is_open(job->status) ||
	    lk_job_time(job, "paused_at") != LK_TIME_NONE ||
	    (is_respond && lk_job_time(job, "first_response_at") != LK_TIME_NONE))
		return true;
	if (is_breach && due > round->now) {
		end->again_at = due;
		return true;
	}
	if (!is_breach && due <= round->now) {
		reason = g_strdup_printf("outdated: the target of %s itself has passed", what);
		return record(round, job, reason, due, 0, error);
	}
	if (!tell(round, job, is_respond, is_breach, due, &told, error))
		return false;
	reason =
		g_strdup_printf("the target of %s %s%s", what, is_breach ? "has passed" : "is near",
				told > 0 ? "" : "; there is nobody to tell");
	return record(round, job, reason, due, told, error);
}
