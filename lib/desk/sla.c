#include "lib/desk/sla.h"

#include "lib/base/units.h"
#include "lib/desk/hours.h"
#include "lib/desk/status.h"

#include <string.h>

void lk_sla_choice_clear(lk_sla_choice *choice)
{
	g_clear_pointer(&choice->reason, g_free);
}

static const lk_organisation *organisation_named(const lk_policy *policy, const char *name)
{
	for (unsigned i = 0; name && i < policy->organisations->len; i++) {
		const lk_organisation *organisation = g_ptr_array_index(policy->organisations, i);

		if (strcmp(organisation->name, name) == 0)
			return organisation;
	}
	return NULL;
}

static char *span_text(const lk_span *span)
{
	return span->open_days > 0 ? g_strdup_printf("%" G_GINT64_FORMAT "d", span->open_days)
				   : lk_format_duration(span->seconds);
}

/* The level, and whose it is; NULL for none. *ret_whose is for the caller to free. */
static const lk_sla *find_sla(const lk_policy *policy, const lk_sla_question *question,
			      char **ret_whose)
{
	const lk_organisation *organisation = organisation_named(policy, question->organisation);
	const lk_queue *queue = lk_policy_queue(policy, question->queue);
	const lk_sla *sla = lk_policy_sla(policy, question->rule_sla);

	if (sla) {
		*ret_whose = g_strdup("a rule");
		return sla;
	}
	sla = organisation ? lk_policy_sla(policy, organisation->sla) : NULL;
	if (sla) {
		*ret_whose = g_strdup_printf("organisation %s", organisation->name);
		return sla;
	}
	sla = queue ? lk_policy_sla(policy, queue->sla) : NULL;
	if (sla)
		*ret_whose = g_strdup_printf("queue %s", queue->name);
	return sla;
}

/* The targets of the priority, those for the type first. */
static const lk_sla_target *find_target(const lk_sla *sla, lk_priority priority, const char *type,
					bool *ret_is_typed)
{
	*ret_is_typed = false;
	for (unsigned i = 0; type && i < sla->typed->len; i++) {
		const lk_sla_typed *typed = g_ptr_array_index(sla->typed, i);

		if (typed->priority == priority && strcmp(typed->type, type) == 0) {
			*ret_is_typed = true;
			return &typed->target;
		}
	}
	return &sla->targets[priority];
}

void lk_sla_choose(const lk_policy *policy, const lk_sla_question *question,
		   lk_sla_choice *ret_choice)
{
	g_autofree char *whose = NULL;
	g_autofree char *respond = NULL;
	g_autofree char *resolve = NULL;
	lk_priority priority = LK_NORMAL;
	const lk_sla_target *target = NULL;
	bool is_typed = false;

	memset(ret_choice, 0, sizeof(*ret_choice));
	ret_choice->sla = find_sla(policy, question, &whose);
	ret_choice->calendar = lk_hours_of_sla(policy, ret_choice->sla);
	if (!ret_choice->sla) {
		ret_choice->calendar =
			lk_hours_of_queue(policy, lk_policy_queue(policy, question->queue));
		ret_choice->reason = g_strdup("no service level");
		return;
	}
	lk_priority_parse(question->priority, &priority);
	target = find_target(ret_choice->sla, priority, question->type, &is_typed);
	ret_choice->respond = target->respond;
	ret_choice->resolve = target->resolve;
	respond = span_text(&target->respond);
	resolve = span_text(&target->resolve);
	ret_choice->reason = g_strdup_printf(
		"service level %s of %s: priority %s%s%s, respond within %s, resolve within %s",
		ret_choice->sla->name, whose, lk_priority_name(priority), is_typed ? ", type " : "",
		is_typed ? question->type : "", respond, resolve);
}

bool lk_sla_is_paused(const lk_sla *sla, lk_status status)
{
	return status == LK_STATUS_WAITING_CUSTOMER || !lk_status_is_open(status) ||
	       (status == LK_STATUS_WAITING_SUPPLIER && sla && sla->pauses_on_supplier);
}

/*
 * Open seconds that the target stood still before `until`. What follows the resolution is no
 * standing still until somebody opens the ticket again: its due time stays as it was met.
 */
static int64_t paused_before(const lk_sla_choice *choice, const lk_sla_history *history,
			     lk_time until)
{
	size_t n = history->n_stages;
	int64_t seconds = 0;

	while (n > 0 && !lk_status_is_open(history->stages[n - 1].status))
		n--;
	for (size_t i = 0; i < n; i++) {
		const lk_sla_stage *stage = &history->stages[i];
		lk_time to = stage->to == LK_TIME_NONE ? until : MIN(stage->to, until);

		if (lk_sla_is_paused(choice->sla, stage->status))
			seconds += lk_calendar_seconds_between(choice->calendar, stage->from, to);
	}
	return seconds;
}

/* The status of the stage that lasts; closed when none does. */
static lk_status current_status(const lk_sla_history *history)
{
	for (size_t i = 0; i < history->n_stages; i++)
		if (history->stages[i].to == LK_TIME_NONE)
			return history->stages[i].status;
	return LK_STATUS_CLOSED;
}

static void compute_clock(const lk_sla_choice *choice, const lk_sla_history *history,
			  const lk_span *target, lk_time until, lk_sla_clock *ret_clock)
{
	const lk_calendar *calendar = choice->calendar;
	lk_time plain = LK_TIME_NONE;
	int64_t whole = 0;

	memset(ret_clock, 0, sizeof(*ret_clock));
	ret_clock->due = ret_clock->warn = LK_TIME_NONE;
	if (target->seconds == 0 && target->open_days == 0)
		return;
	plain = lk_hours_add(calendar, history->opened_at, target);
	if (plain == LK_TIME_NONE)
		return;
	whole = lk_calendar_seconds_between(calendar, history->opened_at, plain);
	ret_clock->paused_s = paused_before(choice, history, until);
	ret_clock->due = lk_calendar_add_seconds(calendar, plain, ret_clock->paused_s);
	ret_clock->warn =
		lk_calendar_add_seconds(calendar, history->opened_at,
					whole * choice->sla->warn_at / 100 + ret_clock->paused_s);
}

void lk_sla_compute(const lk_sla_choice *choice, const lk_sla_history *history, lk_time now,
		    lk_sla_times *ret_times)
{
	bool is_answered = history->first_response_at != LK_TIME_NONE;
	bool is_paused = lk_sla_is_paused(choice->sla, current_status(history));

	memset(ret_times, 0, sizeof(*ret_times));
	ret_times->respond.due = ret_times->respond.warn = LK_TIME_NONE;
	ret_times->resolve.due = ret_times->resolve.warn = LK_TIME_NONE;
	if (!choice->sla)
		return;
	compute_clock(choice, history, &choice->respond,
		      is_answered ? MIN(history->first_response_at, now) : now,
		      &ret_times->respond);
	compute_clock(choice, history, &choice->resolve, now, &ret_times->resolve);
	ret_times->respond.is_running = !is_answered && !is_paused;
	ret_times->resolve.is_running = !is_paused;
}
