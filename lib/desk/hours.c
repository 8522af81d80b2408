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

char *lk_hours_text(const lk_policy *policy, lk_time at, lk_lang lang)
{
	static const char *const days[LK_N_LANGS][7] = {
		[LK_LANG_FI] = {"ma", "ti", "ke", "to", "pe", "la", "su"},
		[LK_LANG_SV] = {"mån", "tis", "ons", "tors", "fre", "lör", "sön"},
		[LK_LANG_EN] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"},
	};
	static const char *const months[] = {"January",	  "February", "March",	  "April",
					     "May",	  "June",     "July",	  "August",
					     "September", "October",  "November", "December"};
	g_autoptr(GTimeZone) zone =
		policy->timezone ? g_time_zone_new_identifier(policy->timezone) : NULL;
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(at / LK_SECOND);
	g_autoptr(GDateTime) local = utc && zone ? g_date_time_to_timezone(utc, zone) : NULL;
	GDateTime *time = local ? local : utc;

	if (!time)
		return g_strdup("");
	const char *day = days[lang][g_date_time_get_day_of_week(time) - 1];
	if (lang == LK_LANG_EN)
		return g_strdup_printf(
			"%s %d %s %d, %02d:%02d", day, g_date_time_get_day_of_month(time),
			months[g_date_time_get_month(time) - 1], g_date_time_get_year(time),
			g_date_time_get_hour(time), g_date_time_get_minute(time));
	return g_strdup_printf("%s %d.%d.%d %s %d.%02d", day, g_date_time_get_day_of_month(time),
			       g_date_time_get_month(time), g_date_time_get_year(time),
			       lang == LK_LANG_FI ? "klo" : "kl.", g_date_time_get_hour(time),
			       g_date_time_get_minute(time));
}
