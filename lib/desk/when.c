#include "lib/desk/when.h"

static const char *const weekdays[LK_N_LANGS][7] = {
	[LK_LANG_FI] = {"ma", "ti", "ke", "to", "pe", "la", "su"},
	[LK_LANG_SV] = {"mån", "tis", "ons", "tors", "fre", "lör", "sön"},
	[LK_LANG_EN] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"},
};

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
				     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static GDateTime *local_of(const lk_policy *policy, lk_time at)
{
	g_autoptr(GTimeZone) zone =
		policy->timezone ? g_time_zone_new_identifier(policy->timezone) : NULL;
	g_autoptr(GDateTime) utc = NULL;

	if (at == LK_TIME_NONE)
		return NULL;
	utc = g_date_time_new_from_unix_utc(at / LK_SECOND);
	if (!utc || !zone)
		return g_steal_pointer(&utc);
	return g_date_time_to_timezone(utc, zone);
}

static char *day_of(GDateTime *local, lk_lang lang)
{
	const char *weekday = weekdays[lang][g_date_time_get_day_of_week(local) - 1];

	if (lang == LK_LANG_EN)
		return g_strdup_printf("%s %d %s %d", weekday, g_date_time_get_day_of_month(local),
				       months[g_date_time_get_month(local) - 1],
				       g_date_time_get_year(local));
	return g_strdup_printf("%s %d.%d.%d", weekday, g_date_time_get_day_of_month(local),
			       g_date_time_get_month(local), g_date_time_get_year(local));
}

char *lk_when_day(const lk_policy *policy, lk_lang lang, lk_time at)
{
	g_autoptr(GDateTime) local = local_of(policy, at);

	return local ? day_of(local, lang) : NULL;
}

char *lk_when(const lk_policy *policy, lk_lang lang, lk_time at)
{
	g_autoptr(GDateTime) local = local_of(policy, at);
	g_autofree char *day = local ? day_of(local, lang) : NULL;

	if (!local)
		return NULL;
	switch (lang) {
	case LK_LANG_FI:
		return g_strdup_printf("%s klo %d.%02d", day, g_date_time_get_hour(local),
				       g_date_time_get_minute(local));
	case LK_LANG_SV:
		return g_strdup_printf("%s kl. %d.%02d", day, g_date_time_get_hour(local),
				       g_date_time_get_minute(local));
	default:
		return g_strdup_printf("%s at %d:%02d", day, g_date_time_get_hour(local),
				       g_date_time_get_minute(local));
	}
}

/* --- promises --------------------------------------------------------------------------------- */

static const char *const on_weekday[LK_N_LANGS][7] = {
	[LK_LANG_FI] = {"maanantaina", "tiistaina", "keskiviikkona", "torstaina", "perjantaina",
			"lauantaina", "sunnuntaina"},
	[LK_LANG_SV] = {"på måndag", "på tisdag", "på onsdag", "på torsdag", "på fredag",
			"på lördag", "på söndag"},
	[LK_LANG_EN] = {"on Monday", "on Tuesday", "on Wednesday", "on Thursday", "on Friday",
			"on Saturday", "on Sunday"},
};

static const char *const today[LK_N_LANGS] = {
	[LK_LANG_FI] = "tänään", [LK_LANG_SV] = "i dag", [LK_LANG_EN] = "today"};

static int64_t day_number(GDateTime *local)
{
	GDate date;

	g_date_clear(&date, 1);
	g_date_set_dmy(&date, (GDateDay)g_date_time_get_day_of_month(local),
		       (GDateMonth)g_date_time_get_month(local),
		       (GDateYear)g_date_time_get_year(local));
	return g_date_get_julian(&date);
}

static char *promised_day(GDateTime *then, lk_lang lang, int64_t days)
{
	const char *weekday = on_weekday[lang][g_date_time_get_day_of_week(then) - 1];
	int day = g_date_time_get_day_of_month(then);
	int month = g_date_time_get_month(then);

	if (days == 0)
		return g_strdup(today[lang]);
	if (days < 7)
		return g_strdup(weekday);
	if (lang == LK_LANG_EN)
		return g_strdup_printf("%s %d %s", weekday, day, months[month - 1]);
	return g_strdup_printf("%s %d.%d.", weekday, day, month);
}

char *lk_when_before(const lk_policy *policy, lk_lang lang, lk_time now, lk_time at)
{
	g_autoptr(GDateTime) here = local_of(policy, now);
	/* Up to the full hour, midnight being the 24 of the day before. */
	g_autoptr(GDateTime) then = at == LK_TIME_NONE ? NULL : local_of(policy, at - LK_SECOND);
	g_autofree char *day = NULL;
	int hour = 0;

	if (!here || !then)
		return NULL;
	hour = g_date_time_get_hour(then) + 1;
	day = promised_day(then, lang, day_number(then) - day_number(here));
	switch (lang) {
	case LK_LANG_FI:
		return g_strdup_printf("%s ennen klo %d", day, hour);
	case LK_LANG_SV:
		return g_strdup_printf("%s före kl. %d", day, hour);
	default:
		return g_strdup_printf("%s before %d:00", day, hour);
	}
}
