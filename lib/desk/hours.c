#include "lib/desk/hours.h"

static bool open_calendar(const lk_policy *policy, lk_calendar_text *text, GError **error)
{
	return text->made || lk_calendar_new(policy->timezone, text->hours, text->holidays,
					     text->short_days, &text->made, error);
}

bool lk_policy_open_calendars(const lk_policy *policy, GError **error)
{
	for (unsigned i = 0; i < policy->calendars->len; i++) {
		lk_calendar_text *text = g_ptr_array_index(policy->calendars, i);

		if (!open_calendar(policy, text, error)) {
			g_prefix_error(error, "calendars[%s]: ", text->name);
			return false;
		}
	}
	return open_calendar(policy, policy->always, error);
}

static const lk_calendar *always(const lk_policy *policy)
{
	lk_calendar_text *text = policy->always;

	if (!open_calendar(policy, text, NULL)) {
		/* The hours are ours and right, so it is the time zone. */
		bool is_open = lk_calendar_new(NULL, text->hours, NULL, NULL, &text->made, NULL);

		g_assert(is_open);
	}
	return text->made;
}

static const lk_calendar *opened(const lk_policy *policy, lk_calendar_text *text)
{
	return open_calendar(policy, text, NULL) ? text->made : always(policy);
}

const lk_calendar *lk_hours_named(const lk_policy *policy, const char *name)
{
	for (unsigned i = 0; name && i < policy->calendars->len; i++) {
		lk_calendar_text *text = g_ptr_array_index(policy->calendars, i);

		if (g_str_equal(text->name, name))
			return opened(policy, text);
	}
	return NULL;
}

const lk_calendar *lk_hours_of_sla(const lk_policy *policy, const lk_sla *sla)
{
	const lk_calendar *named = sla ? lk_hours_named(policy, sla->calendar) : NULL;

	if (named)
		return named;
	return policy->calendars->len > 0 ? opened(policy, g_ptr_array_index(policy->calendars, 0))
					  : always(policy);
}

const lk_calendar *lk_hours_of_queue(const lk_policy *policy, const lk_queue *queue)
{
	return lk_hours_of_sla(policy, queue ? lk_policy_sla(policy, queue->sla) : NULL);
}

lk_time lk_hours_add(const lk_calendar *calendar, lk_time at, const lk_span *span)
{
	return span->open_days > 0 ? lk_calendar_add_days(calendar, at, span->open_days)
				   : lk_calendar_add_seconds(calendar, at, span->seconds);
}
