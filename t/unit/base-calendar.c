/* Open hours as a table worked out by hand. Times are local, with their offset. */
#include "lib/base/calendar.h"

#include "lib/base/err.h"

#include <string.h>
#include <time.h>

typedef struct {
	const char *name;
	const char *timezone;
	const char *hours;
	const char *holidays[8];
	const char *short_days[4];
} desk;

static const desk desks[] = {
	{"office",
	 "Europe/Helsinki",
	 "Mon-Fri 08:00-16:00",
	 {"fi", "2026-12-31"},
	 {"easter-3 08:00-14:00", "12-31 08:00-12:00"}},
	{"always", "Europe/Helsinki", "Mon-Sun 00:00-24:00", {NULL}, {NULL}},
	{"clinic",
	 "Europe/Helsinki",
	 "Mon-Thu 08:00-11:30 12:00-16:00, Fri 08:00-14:00",
	 {"fi"},
	 {NULL}},
	{"night", "Europe/Helsinki", "Sun 02:00-05:00", {NULL}, {NULL}},
	{"gap", "Europe/Helsinki", "Sun 03:00-04:00", {NULL}, {NULL}},
	/* It has hours, and every day of the year is a holiday (add_all_days). */
	{"never", "Europe/Helsinki", "Fri 08:00-09:00", {NULL}, {NULL}},
	{"utc", NULL, "Mon-Fri 09:00-17:00", {"easter+1", "02-29"}, {NULL}},
	{"sydney", "Australia/Sydney", "Mon-Fri 09:00-17:00", {"01-26"}, {NULL}},
};

static GPtrArray *list_of(const char *const *texts, unsigned n)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);

	for (unsigned i = 0; i < n && texts[i]; i++)
		g_ptr_array_add(list, g_strdup(texts[i]));
	return list;
}

/* Every day of the year, so that the calendar has hours and is never open. */
static void add_all_days(GPtrArray *holidays)
{
	static const int most[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	for (int month = 1; month <= 12; month++)
		for (int day = 1; day <= most[month - 1]; day++)
			g_ptr_array_add(holidays, g_strdup_printf("%02d-%02d", month, day));
}

static const lk_calendar *calendar_of(const char *name)
{
	static GHashTable *made;

	if (!made)
		made = g_hash_table_new(g_str_hash, g_str_equal);
	if (g_hash_table_contains(made, name))
		return g_hash_table_lookup(made, name);
	for (unsigned i = 0; i < G_N_ELEMENTS(desks); i++) {
		const desk *d = &desks[i];
		g_autoptr(GError) error = NULL;
		lk_calendar *calendar = NULL;

		if (strcmp(d->name, name) != 0)
			continue;
		g_autoptr(GPtrArray) holidays = list_of(d->holidays, G_N_ELEMENTS(d->holidays));
		g_autoptr(GPtrArray) shorts = list_of(d->short_days, G_N_ELEMENTS(d->short_days));
		if (strcmp(name, "never") == 0)
			add_all_days(holidays);
		lk_calendar_new(d->timezone, d->hours, holidays, shorts, &calendar, &error);
		g_assert_no_error(error);
		g_hash_table_insert(made, (gpointer)d->name, calendar);
		return calendar;
	}
	g_assert_not_reached();
}

static lk_time at(const char *text)
{
	lk_time result = LK_TIME_NONE;

	if (text && !lk_time_parse(text, &result))
		g_error("%s is no time", text);
	return result;
}

static void assert_time(const char *what, lk_time seen, const char *wanted)
{
	g_autofree char *is = lk_time_format(seen);
	g_autofree char *should = lk_time_format(at(wanted));

	if (seen != at(wanted))
		g_test_message("%s: %s instead of %s", what, is ? is : "never",
			       should ? should : "never");
	g_assert_cmpint(seen, ==, at(wanted));
}

static void test_is_open(void)
{
	static const struct {
		const char *calendar;
		const char *at;
		bool is_open;
	} cases[] = {
		{"office", "2026-03-27T07:59:59+02:00", false},
		{"office", "2026-03-27T08:00:00+02:00", true},
		{"office", "2026-03-27T15:59:59.999+02:00", true},
		{"office", "2026-03-27T16:00:00+02:00", false},
		{"office", "2026-03-28T10:00:00+02:00", false}, /* Saturday */
		{"office", "2026-03-30T08:00:00+03:00", true},	/* summer time */
		{"office", "2026-03-30T07:30:00+03:00", false},
		{"office", "2026-04-02T13:59:00+03:00", true}, /* short day before Good Friday */
		{"office", "2026-04-02T14:00:00+03:00", false},
		{"office", "2026-04-03T10:00:00+03:00", false},
		{"office", "2026-04-06T10:00:00+03:00", false},
		{"office", "2026-05-14T10:00:00+03:00", false},
		{"office", "2026-06-19T10:00:00+03:00", false},
		{"office", "2026-06-26T10:00:00+03:00", true},
		{"office", "2026-12-31T09:00:00+02:00", false}, /* holiday and short: closed */
		{"office", "2027-12-31T09:00:00+02:00", true},
		{"office", "2027-12-31T12:00:00+02:00", false},
		{"office", "2028-12-31T09:00:00+02:00", false}, /* short, but a Sunday */
		{"clinic", "2026-01-07T11:45:00+02:00", false},
		{"clinic", "2026-01-07T12:00:00+02:00", true},
		{"clinic", "2026-01-09T14:00:00+02:00", false},
		{"always", "2026-03-29T04:00:00+03:00", true},
		{"always", "2026-12-31T23:59:59+02:00", true},
		{"always", "2027-01-01T00:00:00+02:00", true},
		{"never", "2026-01-02T08:30:00+02:00", false},
		{"utc", "2028-02-29T10:00:00Z", false},
		{"utc", "2029-03-01T10:00:00Z", true},
		{"sydney", "2026-01-26T10:00:00+11:00", false},
		{"sydney", "2026-12-31T16:59:00+11:00", true},
		{"office", "1969-06-02T10:00:00+02:00", false}, /* outside the years there are */
		{"always", "2200-06-02T10:00:00+03:00", false},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		bool seen = lk_calendar_is_open(calendar_of(cases[i].calendar), at(cases[i].at));

		if (seen != cases[i].is_open)
			g_test_message("%s at %s", cases[i].calendar, cases[i].at);
		g_assert_cmpint(seen, ==, cases[i].is_open);
	}
}

static void test_next_open(void)
{
	static const struct {
		const char *calendar;
		const char *at;
		const char *next;
	} cases[] = {
		{"office", "2026-03-27T12:34:56+02:00", "2026-03-27T12:34:56+02:00"},
		{"office", "2026-03-27T16:00:00+02:00", "2026-03-30T08:00:00+03:00"},
		{"office", "2026-04-02T14:00:00+03:00", "2026-04-07T08:00:00+03:00"},
		{"office", "2026-12-30T16:00:00+02:00", "2027-01-04T08:00:00+02:00"},
		{"clinic", "2026-01-07T11:30:00+02:00", "2026-01-07T12:00:00+02:00"},
		{"gap", "2026-03-28T12:00:00+02:00", "2026-04-05T03:00:00+03:00"},
		{"night", "2026-10-25T04:00:00+02:00", "2026-10-25T04:00:00+02:00"},
		{"never", "2026-03-28T12:00:00+02:00", NULL},
		{"always", "2199-12-30T12:00:00+02:00", "2199-12-30T12:00:00+02:00"},
		{"office", "2250-01-01T00:00:00Z", NULL},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_time(cases[i].at,
			    lk_calendar_next_open(calendar_of(cases[i].calendar), at(cases[i].at)),
			    cases[i].next);
}

static void test_between(void)
{
	static const struct {
		const char *calendar;
		const char *from;
		const char *to;
		int64_t seconds;
	} cases[] = {
		{"office", "2026-03-27T15:50:00+02:00", "2026-03-30T08:20:00+03:00", 1800},
		{"office", "2026-03-28T15:50:00+02:00", "2026-03-29T08:20:00+03:00", 0},
		{"office", "2026-03-30T09:00:00+03:00", "2026-03-30T08:00:00+03:00", 0},
		/* The week of Easter: 8 + 8 + 8 + 6 hours; the next one 4 days. */
		{"office", "2026-03-30T00:00:00+03:00", "2026-04-06T00:00:00+03:00", 30 * 3600},
		{"office", "2026-04-06T00:00:00+03:00", "2026-04-13T00:00:00+03:00", 32 * 3600},
		{"always", "2026-03-29T00:00:00+02:00", "2026-03-30T00:00:00+03:00", 23 * 3600},
		{"always", "2026-10-25T00:00:00+03:00", "2026-10-26T00:00:00+02:00", 25 * 3600},
		{"always", "2026-01-01T00:00:00+02:00", "2027-01-01T00:00:00+02:00",
		 365 * INT64_C(86400)},
		{"always", "2024-01-01T00:00:00+02:00", "2029-01-01T00:00:00+02:00",
		 1827 * INT64_C(86400)},
		{"night", "2026-03-29T00:00:00+02:00", "2026-03-30T00:00:00+03:00", 2 * 3600},
		{"night", "2026-10-25T00:00:00+03:00", "2026-10-26T00:00:00+02:00", 4 * 3600},
		{"gap", "2026-03-23T00:00:00+02:00", "2026-03-30T00:00:00+03:00", 0},
		{"gap", "2026-03-30T00:00:00+03:00", "2026-04-06T00:00:00+03:00", 3600},
		/* 4 days of 7.5 hours and a Friday of 6. */
		{"clinic", "2026-01-12T00:00:00+02:00", "2026-01-19T00:00:00+02:00", 36 * 3600},
		{"clinic", "2026-01-12T11:00:00+02:00", "2026-01-12T12:15:00+02:00", 2700},
		/* 365 days: 261 weekdays, 9 free ones, New Year's Eve, 2 hours before Easter. */
		{"office", "2026-01-01T00:00:00+02:00", "2027-01-01T00:00:00+02:00",
		 (261 - 10) * 8 * INT64_C(3600) - 7200},
		{"never", "1970-01-01T00:00:00Z", "2199-01-01T00:00:00Z", 0},
		{"always", "1900-01-01T00:00:00Z", "1960-01-01T00:00:00Z", 0},
		{"utc", "2026-04-06T09:00:00Z", "2026-04-07T09:30:00Z", 1800},
		{"sydney", "2026-04-03T16:00:00+11:00", "2026-04-06T10:00:00+10:00", 7200},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		int64_t seen = lk_calendar_seconds_between(calendar_of(cases[i].calendar),
							   at(cases[i].from), at(cases[i].to));

		if (seen != cases[i].seconds)
			g_test_message("%s from %s to %s", cases[i].calendar, cases[i].from,
				       cases[i].to);
		g_assert_cmpint(seen, ==, cases[i].seconds);
	}
}

static void test_add_seconds(void)
{
	static const struct {
		const char *calendar;
		const char *at;
		int64_t seconds;
		const char *then;
	} cases[] = {
		{"office", "2026-03-27T15:50:00+02:00", 600, "2026-03-27T16:00:00+02:00"},
		{"office", "2026-03-27T15:50:00+02:00", 601, "2026-03-30T08:00:01+03:00"},
		{"office", "2026-03-27T15:50:00+02:00", 1800, "2026-03-30T08:20:00+03:00"},
		{"office", "2026-03-28T12:00:00+02:00", 1800, "2026-03-30T08:30:00+03:00"},
		{"office", "2026-04-02T12:00:00+03:00", 8 * 3600, "2026-04-07T14:00:00+03:00"},
		/* 40 hours from Friday before Easter week: 10 min, then 8+8+8+6, then 9:50. */
		{"office", "2026-03-27T15:50:00+02:00", 40 * 3600, "2026-04-08T09:50:00+03:00"},
		{"office", "2026-12-30T15:00:00+02:00", 2 * 3600, "2027-01-04T09:00:00+02:00"},
		{"office", "2026-03-27T15:50:00+02:00", 0, "2026-03-27T15:50:00+02:00"},
		{"office", "2026-03-28T15:50:00+02:00", -5, "2026-03-28T15:50:00+02:00"},
		{"office", "2026-03-27T15:50:00.25+02:00", 600, "2026-03-30T08:00:00.25+03:00"},
		{"always", "2026-03-28T12:00:00+02:00", 86400, "2026-03-29T13:00:00+03:00"},
		{"always", "2026-10-24T12:00:00+03:00", 86400, "2026-10-25T11:00:00+02:00"},
		{"night", "2026-03-28T00:00:00+02:00", 2 * 3600, "2026-03-29T05:00:00+03:00"},
		{"night", "2026-10-24T00:00:00+03:00", 3 * 3600, "2026-10-25T04:00:00+02:00"},
		{"clinic", "2026-01-07T11:00:00+02:00", 3600, "2026-01-07T12:30:00+02:00"},
		{"clinic", "2026-01-07T11:00:00+02:00", 1800, "2026-01-07T11:30:00+02:00"},
		{"clinic", "2026-01-09T13:00:00+02:00", 7200, "2026-01-12T09:00:00+02:00"},
		{"never", "2026-01-09T13:00:00+02:00", 1, NULL},
		{"office", "2026-01-09T13:00:00+02:00", INT64_MAX, NULL},
		{"always", "2199-12-31T13:00:00+02:00", 86400, NULL},
		{"always", "1969-12-31T12:00:00Z", 3600, "1970-01-01T01:00:00+02:00"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_time(cases[i].at,
			    lk_calendar_add_seconds(calendar_of(cases[i].calendar), at(cases[i].at),
						    cases[i].seconds),
			    cases[i].then);
}

static void test_add_days(void)
{
	static const struct {
		const char *calendar;
		const char *at;
		int64_t days;
		const char *then;
	} cases[] = {
		{"office", "2026-03-27T15:50:00+02:00", 1, "2026-03-30T15:50:00+03:00"},
		{"office", "2026-03-27T15:50:00+02:00", 2, "2026-03-31T15:50:00+03:00"},
		{"office", "2026-03-28T10:00:00+02:00", 1, "2026-03-31T08:00:00+03:00"},
		{"office", "2026-03-27T16:00:00+02:00", 1, "2026-03-31T08:00:00+03:00"},
		{"office", "2026-04-01T15:50:00+03:00", 1, "2026-04-02T14:00:00+03:00"},
		{"office", "2026-04-01T15:50:00+03:00", 2, "2026-04-07T15:50:00+03:00"},
		{"office", "2026-12-30T09:00:00+02:00", 1, "2027-01-04T09:00:00+02:00"},
		{"office", "2026-12-30T09:00:00+02:00", 0, "2026-12-30T09:00:00+02:00"},
		{"clinic", "2026-01-08T15:00:00+02:00", 1, "2026-01-09T14:00:00+02:00"},
		{"always", "2026-03-28T03:30:00+02:00", 1, "2026-03-29T04:00:00+03:00"},
		{"always", "2026-10-23T12:00:00.5+03:00", 3, "2026-10-26T12:00:00.5+02:00"},
		{"never", "2026-10-23T12:00:00+03:00", 3, NULL},
		{"office", "2026-10-23T12:00:00+03:00", INT64_MAX, NULL},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_time(cases[i].at,
			    lk_calendar_add_days(calendar_of(cases[i].calendar), at(cases[i].at),
						 cases[i].days),
			    cases[i].then);
}

/* desk.md 19 */
static void test_finland(void)
{
	static const struct {
		int year;
		int free_weekdays;
		const char *days[12];
	} years[] = {
		{2026,
		 9,
		 {"01-01", "01-06", "04-03", "04-06", "05-01", "05-14", "06-19", "12-24", "12-25"}},
		{2027, 8, {"01-01", "01-06", "03-26", "03-29", "05-06", "06-25", "12-06", "12-24"}},
		{2028,
		 9,
		 {"01-06", "04-14", "04-17", "05-01", "05-25", "06-23", "12-06", "12-25", "12-26"}},
		{2029,
		 10,
		 {"01-01", "03-30", "04-02", "05-01", "05-10", "06-22", "12-06", "12-24", "12-25",
		  "12-26"}},
	};
	g_autoptr(GPtrArray) holidays = g_ptr_array_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(lk_calendar) calendar = NULL;

	g_ptr_array_add(holidays, (gpointer) "fi");
	lk_calendar_new("Europe/Helsinki", "Mon-Fri 08:00-16:00", holidays, NULL, &calendar,
			&error);
	g_assert_no_error(error);
	for (unsigned i = 0; i < G_N_ELEMENTS(years); i++) {
		g_autoptr(GString) seen = g_string_new(NULL);
		unsigned n = 0;
		GDate date;

		g_assert_cmpint(lk_calendar_free_weekdays(calendar, years[i].year), ==,
				years[i].free_weekdays);
		g_date_clear(&date, 1);
		g_date_set_dmy(&date, 1, G_DATE_JANUARY, (GDateYear)years[i].year);
		for (; g_date_get_year(&date) == years[i].year; g_date_add_days(&date, 1)) {
			g_autofree char *noon = g_strdup_printf(
				"%d-%02d-%02dT10:00:00Z", g_date_get_year(&date),
				(int)g_date_get_month(&date), g_date_get_day(&date));

			if (g_date_get_weekday(&date) >= G_DATE_SATURDAY ||
			    lk_calendar_is_open(calendar, at(noon)))
				continue;
			g_assert_cmpuint(n, <, G_N_ELEMENTS(years[i].days));
			g_assert_nonnull(years[i].days[n]);
			g_assert_true(strncmp(noon + 5, years[i].days[n], 5) == 0);
			g_string_append_printf(seen, " %.5s", noon + 5);
			n++;
		}
		g_test_message("\"fi\" closes these weekdays of %d:%s; %u, and by the rules %d",
			       years[i].year, seen->str, n, years[i].free_weekdays);
		g_assert_cmpint((int)n, ==, years[i].free_weekdays);
	}
}

static void test_easter(void)
{
	static const char *const sundays[] = {
		"2000-04-23", "2008-03-23", "2011-04-24", "2019-04-21", "2024-03-31", "2025-04-20",
		"2026-04-05", "2027-03-28", "2028-04-16", "2029-04-01", "2035-03-25", "2038-04-25"};
	static const char *const easter[] = {"easter"};
	g_autoptr(GPtrArray) holidays = list_of(easter, 1);
	g_autoptr(GError) error = NULL;
	g_autoptr(lk_calendar) calendar = NULL;

	lk_calendar_new(NULL, "Sun 00:00-24:00", holidays, NULL, &calendar, &error);
	g_assert_no_error(error);
	for (unsigned i = 0; i < G_N_ELEMENTS(sundays); i++) {
		g_autofree char *noon = g_strconcat(sundays[i], "T12:00:00Z", NULL);
		const lk_time week = 7 * 86400 * LK_SECOND;

		g_assert_false(lk_calendar_is_open(calendar, at(noon)));
		g_assert_true(lk_calendar_is_open(calendar, at(noon) - week));
		g_assert_true(lk_calendar_is_open(calendar, at(noon) + week));
	}
}

/* Days counted from Easter that lie in another year, and a floating day that some years lack. */
static void test_odd_days(void)
{
	static const char *const texts[] = {"easter-200", "Mon 02-27..02-29"};
	g_autoptr(GPtrArray) holidays = list_of(texts, 2);
	g_autoptr(GError) error = NULL;
	g_autoptr(lk_calendar) calendar = NULL;

	lk_calendar_new(NULL, "Mon-Sun 00:00-24:00", holidays, NULL, &calendar, &error);
	g_assert_no_error(error);
	/* Easter 2026-04-05 less 200 days. */
	g_assert_false(lk_calendar_is_open(calendar, at("2025-09-17T12:00:00Z")));
	g_assert_true(lk_calendar_is_open(calendar, at("2025-09-18T12:00:00Z")));
	/* 2023-02-27 is a Monday; 2026 has none within; 2028-02-28 is one. */
	g_assert_false(lk_calendar_is_open(calendar, at("2023-02-27T12:00:00Z")));
	g_assert_cmpint(lk_calendar_free_weekdays(calendar, 2026), ==, 1);
	g_assert_false(lk_calendar_is_open(calendar, at("2028-02-28T12:00:00Z")));
}

/* Adding what lies between comes out where it began, at any hour of a year with both changes. */
static void test_agrees(void)
{
	static const char *const names[] = {"office", "always", "clinic", "night", "sydney"};
	lk_time start = at("2026-01-01T00:00:00Z");

	for (unsigned n = 0; n < G_N_ELEMENTS(names); n++) {
		const lk_calendar *calendar = calendar_of(names[n]);

		for (int i = 0; i < 2000; i++) {
			lk_time from = start + i * INT64_C(16543) * LK_SECOND;
			int64_t seconds = 1 + (i * INT64_C(7919)) % 400000;
			lk_time then = lk_calendar_add_seconds(calendar, from, seconds);

			g_assert_cmpint(lk_calendar_seconds_between(calendar, from, then), ==,
					seconds);
			/* The moment before it is open: nothing earlier would do. */
			g_assert_true(lk_calendar_is_open(calendar, then - 1));
		}
	}
}

static void test_next_digest(void)
{
	static const struct {
		const char *digest;
		const char *after;
		const char *next;
	} cases[] = {
		{"Mon-Fri 07:45", "2026-03-27T07:44:59+02:00", "2026-03-27T07:45:00+02:00"},
		{"Mon-Fri 07:45", "2026-03-27T07:45:00+02:00", "2026-03-30T07:45:00+03:00"},
		{"Mon-Fri 07:45", "2026-04-02T08:00:00+03:00", "2026-04-07T07:45:00+03:00"},
		{"Sat 09:00", "2026-04-02T08:00:00+03:00", "2026-04-04T09:00:00+03:00"},
		{"Mon-Fri 07:45", "2026-12-30T08:00:00+02:00", "2027-01-04T07:45:00+02:00"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		unsigned days = 0;
		int minutes = 0;

		lk_digest_parse(cases[i].digest, &days, &minutes, &error);
		g_assert_no_error(error);
		assert_time(cases[i].after,
			    lk_calendar_next_digest(calendar_of("office"), days, minutes,
						    at(cases[i].after)),
			    cases[i].next);
	}
	assert_time("never",
		    lk_calendar_next_digest(calendar_of("never"), 0x7f, 60,
					    at("2026-12-30T08:00:00+02:00")),
		    NULL);
}

static void test_refused(void)
{
	static const struct {
		const char *timezone;
		const char *hours;
		const char *holiday;
		const char *short_day;
		const char *says;
	} cases[] = {
		{"Europe/Helsinky", "Mon 08:00-16:00", NULL, NULL, "Europe/Helsinky"},
		{NULL, "", NULL, NULL, "hours are missing"},
		{NULL, "Mon", NULL, NULL, "hours are missing"},
		{NULL, "Mon-Fry 08:00-16:00", NULL, NULL, "does not begin with days"},
		{NULL, "Mon 8:00-16:00", NULL, NULL, "no stretch of time"},
		{NULL, "Mon 24:00-24:00", NULL, NULL, "no stretch of time"},
		{NULL, "Mon 16:00-08:00", NULL, NULL, "ends before it begins"},
		{NULL, "Mon 08:00-12:00 11:00-16:00", NULL, NULL, "begins before the stretch"},
		{NULL, "Mon-Wed 08:00-12:00, Tue 13:00-14:00", NULL, NULL, "a second time"},
		{NULL, "Mon 08:00-16:00", "2026-02-29", NULL, "no holiday"},
		{NULL, "Mon 08:00-16:00", "02-30", NULL, "no holiday"},
		{NULL, "Mon 08:00-16:00", "easter+201", NULL, "no holiday"},
		{NULL, "Mon 08:00-16:00", "Fri 06-25..06-19", NULL, "no holiday"},
		{NULL, "Mon 08:00-16:00", "se", NULL, "no holiday"},
		{NULL, "Mon 08:00-16:00", NULL, "easter-3", "hours are missing"},
		{NULL, "Mon 08:00-16:00", NULL, "fi 08:00-12:00", "no short day"},
		{NULL, "Mon 08:00-16:00", NULL, "12-31 08:00", "no stretch of time"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) holidays = list_of(&cases[i].holiday, 1);
		g_autoptr(GPtrArray) shorts = list_of(&cases[i].short_day, 1);
		g_autoptr(GError) error = NULL;
		lk_calendar *calendar = NULL;

		g_assert_false(lk_calendar_new(cases[i].timezone, cases[i].hours, holidays, shorts,
					       &calendar, &error));
		g_assert_error(error, LK_ERROR, LK_ERR_CONFIG);
		g_assert_nonnull(strstr(error->message, cases[i].says));
		g_assert_null(calendar);
	}
}

/* Microseconds each, however far: the work of a year is done once. */
static void test_is_fast(void)
{
	const lk_calendar *calendar = calendar_of("clinic");
	lk_time start = at("2026-01-01T00:00:00Z");
	lk_time sum = lk_calendar_add_seconds(calendar, start, 5000 * INT64_C(3600));
	clock_t before = clock();
	clock_t took = 0;

	for (int i = 0; i < 20000; i++)
		sum ^= lk_calendar_add_seconds(calendar, start + i * INT64_C(60) * LK_SECOND,
					       1000 * INT64_C(3600));
	took = (clock() - before) / (CLOCKS_PER_SEC / 1000000);
	g_test_message("%.2f us each (%d)", (double)took / 20000, (int)(sum & 1));
	g_assert_cmpint(took / 20000, <, 100);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/calendar/is-open", test_is_open);
	g_test_add_func("/calendar/next-open", test_next_open);
	g_test_add_func("/calendar/between", test_between);
	g_test_add_func("/calendar/add-seconds", test_add_seconds);
	g_test_add_func("/calendar/add-days", test_add_days);
	g_test_add_func("/calendar/finland", test_finland);
	g_test_add_func("/calendar/easter", test_easter);
	g_test_add_func("/calendar/odd-days", test_odd_days);
	g_test_add_func("/calendar/agrees", test_agrees);
	g_test_add_func("/calendar/next-digest", test_next_digest);
	g_test_add_func("/calendar/refused", test_refused);
	g_test_add_func("/calendar/is-fast", test_is_fast);
	return g_test_run();
}
