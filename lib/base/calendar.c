#include "lib/base/calendar.h"

#include "lib/base/calendar-private.h"
#include "lib/base/err.h"

#include <string.h>

enum {
	FIRST_YEAR = 1970,
	LAST_YEAR = 2199,
	N_YEARS = LAST_YEAR - FIRST_YEAR + 1,
	/* Without an opening for so long there is none. */
	PATIENCE_YEARS = 10,
	MAX_DAYS = 366,
	JULIAN_1970 = 719163, /* as GDate counts */
	DAY_S = 86400
};

typedef struct {
	lk_time from;
	lk_time to;
	int64_t before; /* open microseconds of the year before it */
} interval;

/* One year of local days, worked out when it is first asked for. */
typedef struct {
	int n_days;
	int64_t first_day;	      /* days since 1970-01-01 */
	lk_time starts[MAX_DAYS + 1]; /* of each day, and of the year behind */
	unsigned first[MAX_DAYS + 1]; /* each day's first interval */
	bool is_holiday[MAX_DAYS];
	GArray *intervals;
	int64_t total; /* open microseconds */
	int free_weekdays;
} year_table;

/* Behind a pointer: what a const calendar may change. */
typedef struct {
	year_table *years[N_YEARS];
} year_cache;

struct lk_calendar {
	GTimeZone *zone;
	GArray *week[7];   /* lk_stretch */
	GArray *holidays;  /* lk_day */
	GPtrArray *shorts; /* lk_short_day * */
	year_cache *cache;
};

/* --- years ------------------------------------------------------------------------------------ */

static int64_t day_number(int year, int month, int day)
{
	GDate date;

	g_date_clear(&date, 1);
	g_date_set_dmy(&date, (GDateDay)day, (GDateMonth)month, (GDateYear)year);
	return (int64_t)g_date_get_julian(&date) - JULIAN_1970;
}

/* 1970-01-01 was a Thursday; 0 is Monday. */
static int weekday_of(int64_t day)
{
	return (int)(((day + 3) % 7 + 7) % 7);
}

/* Easter Sunday of the Gregorian calendar (the anonymous computus of 1876). */
static int64_t easter_of(int year)
{
	int a = year % 19;
	int b = year / 100;
	int c = year % 100;
	int d = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
	int e = (32 + 2 * (b % 4) + 2 * (c / 4) - d - c % 4) % 7;
	int m = (a + 11 * d + 22 * e) / 451;
	int n = d + e - 7 * m + 114;

	return day_number(year, n / 31, n % 31 + 1);
}

/* The first moment of a local time; one that a clock change leaves out is the change itself. */
static lk_time to_utc(const lk_calendar *calendar, int64_t local_s)
{
	gint64 at = local_s;
	int i = g_time_zone_adjust_time(calendar->zone, G_TIME_TYPE_DAYLIGHT, &at);

	return (at - g_time_zone_get_offset(calendar->zone, i)) * LK_SECOND;
}

static int64_t floor_seconds(lk_time at)
{
	return at / LK_SECOND - (at % LK_SECOND < 0 ? 1 : 0);
}

/* Wall clock of a time, in seconds since 1970-01-01T00:00 local. */
static int64_t to_local(const lk_calendar *calendar, lk_time at)
{
	int64_t seconds = floor_seconds(at);
	int i = g_time_zone_find_interval(calendar->zone, G_TIME_TYPE_UNIVERSAL, seconds);

	return seconds + g_time_zone_get_offset(calendar->zone, i);
}

/* Calls back for each day of the year that is meant, as its index. */
static void each_day(const year_table *table, int year, const lk_day *day,
		     void (*found)(int index, void *data), void *data)
{
	int64_t first = table->first_day;
	int64_t at = -1;

	switch (day->kind) {
	case LK_DAY_DATED:
	case LK_DAY_YEARLY:
		if ((day->kind == LK_DAY_DATED && day->year != year) ||
		    !g_date_valid_dmy((GDateDay)day->day, (GDateMonth)day->month, (GDateYear)year))
			return;
		at = day_number(year, day->month, day->day) - first;
		break;
	case LK_DAY_EASTER:
		for (int y = year - 1; y <= year + 1; y++) {
			at = easter_of(y) + day->offset - first;
			if (at >= 0 && at < table->n_days)
				found((int)at, data);
		}
		return;
	case LK_DAY_FLOATING: {
		/* 02-29 of a year without one is 03-01, so that the stretch keeps its ends. */
		bool is_leap = table->n_days == MAX_DAYS;
		bool moves = !is_leap && day->month == 2 && day->day == 29;
		bool ends_early = !is_leap && day->last_month == 2 && day->last_day == 29;
		int64_t from =
			moves ? day_number(year, 3, 1) : day_number(year, day->month, day->day);
		int64_t to = ends_early ? day_number(year, 2, 28)
					: day_number(year, day->last_month, day->last_day);

		at = from + (day->weekday - weekday_of(from) + 7) % 7;
		if (at > to)
			return;
		at -= first;
		break;
	}
	}
	found((int)at, data);
}

static void mark_holiday(int index, void *data)
{
	((year_table *)data)->is_holiday[index] = true;
}

typedef struct {
	const lk_short_day *day;
	const lk_short_day **of; /* by index */
} short_mark;

static void mark_short(int index, void *data)
{
	const short_mark *mark = data;

	mark->of[index] = mark->day;
}

static void add_interval(year_table *table, lk_time from, lk_time to)
{
	interval one = {from, to, table->total};

	if (from >= to) /* all of it fell into a clock change */
		return;
	g_array_append_val(table->intervals, one);
	table->total += to - from;
}

static void add_day(const lk_calendar *calendar, year_table *table, int index,
		    const lk_short_day *short_day)
{
	int64_t day = table->first_day + index;
	const GArray *stretches = calendar->week[weekday_of(day)];
	int64_t midnight_s = day * DAY_S;
	lk_time start = table->starts[index];
	bool is_plain = table->starts[index + 1] - start == DAY_S * LK_SECOND;

	if (table->is_holiday[index]) {
		table->free_weekdays += stretches->len > 0;
		return;
	}
	if (short_day && stretches->len > 0)
		stretches = short_day->stretches;
	for (unsigned i = 0; i < stretches->len; i++) {
		const lk_stretch *one = &g_array_index(stretches, lk_stretch, i);

		if (is_plain)
			add_interval(table, start + one->from * 60 * LK_SECOND,
				     start + one->to * 60 * LK_SECOND);
		else
			add_interval(table, to_utc(calendar, midnight_s + one->from * INT64_C(60)),
				     to_utc(calendar, midnight_s + one->to * INT64_C(60)));
	}
}

static year_table *build_year(const lk_calendar *calendar, int year)
{
	year_table *table = g_new0(year_table, 1);
	const lk_short_day *shorts[MAX_DAYS] = {NULL};

	table->first_day = day_number(year, 1, 1);
	table->n_days = (int)(day_number(year + 1, 1, 1) - table->first_day);
	table->intervals = g_array_new(false, false, sizeof(interval));
	for (unsigned i = 0; i < calendar->holidays->len; i++)
		each_day(table, year, &g_array_index(calendar->holidays, lk_day, i), mark_holiday,
			 table);
	for (unsigned i = 0; i < calendar->shorts->len; i++) {
		short_mark mark = {g_ptr_array_index(calendar->shorts, i), shorts};

		each_day(table, year, &mark.day->day, mark_short, &mark);
	}
	for (int i = 0; i <= table->n_days; i++)
		table->starts[i] = to_utc(calendar, (table->first_day + i) * DAY_S);
	for (int i = 0; i < table->n_days; i++) {
		table->first[i] = table->intervals->len;
		add_day(calendar, table, i, shorts[i]);
	}
	table->first[table->n_days] = table->intervals->len;
	return table;
}

/* NULL outside the years there are. */
static const year_table *table_of(const lk_calendar *calendar, int year)
{
	year_table **slot = NULL;

	if (year < FIRST_YEAR || year > LAST_YEAR)
		return NULL;
	slot = &calendar->cache->years[year - FIRST_YEAR];
	if (!*slot)
		*slot = build_year(calendar, year);
	return *slot;
}

/* The local year of a time, one beyond either end for what lies outside. */
static int year_of(const lk_calendar *calendar, lk_time at)
{
	const lk_time mean = INT64_C(31556952) * LK_SECOND;
	int year = FIRST_YEAR - 1;

	if (at < -mean)
		return year;
	year = (int)MIN(FIRST_YEAR + at / mean, LAST_YEAR + 1);
	for (const year_table *table = NULL; (table = table_of(calendar, year));) {
		if (at < table->starts[0])
			year--;
		else if (at >= table->starts[table->n_days])
			year++;
		else
			break;
	}
	return year;
}

/* The first interval that ends after `at`, or how many there are. */
static unsigned find_interval(const year_table *table, lk_time at)
{
	unsigned low = 0;
	unsigned high = table->intervals->len;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (g_array_index(table->intervals, interval, middle).to > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Open microseconds of the year before `at`. */
static int64_t open_before(const year_table *table, lk_time at)
{
	unsigned i = find_interval(table, at);
	const interval *one = NULL;

	if (i == table->intervals->len)
		return table->total;
	one = &g_array_index(table->intervals, interval, i);
	return one->before + MAX(at - one->from, 0);
}

/* The day of the year that a time of that year is in. */
static int find_day(const year_table *table, lk_time at)
{
	int low = 0;
	int high = table->n_days;

	while (high - low > 1) {
		int middle = low + (high - low) / 2;

		if (table->starts[middle] <= at)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* --- the calendar ----------------------------------------------------------------------------- */

static bool refuse(char *why, GError **error)
{
	g_set_error(error, LK_ERROR, LK_ERR_CONFIG, "calendar: %s", why);
	g_free(why);
	return false;
}

static bool read_lists(lk_calendar *calendar, const GPtrArray *holidays,
		       const GPtrArray *short_days, GError **error)
{
	for (unsigned i = 0; holidays && i < holidays->len; i++) {
		char *why = lk_holiday_read(g_ptr_array_index(holidays, i), calendar->holidays);

		if (why)
			return refuse(why, error);
	}
	for (unsigned i = 0; short_days && i < short_days->len; i++) {
		lk_short_day *day = NULL;
		char *why = lk_short_day_read(g_ptr_array_index(short_days, i), &day);

		if (why)
			return refuse(why, error);
		g_ptr_array_add(calendar->shorts, day);
	}
	return true;
}

static void free_short_day(void *day)
{
	lk_short_day_free(day);
}

bool lk_calendar_new(const char *zone_name, const char *hours, const GPtrArray *holidays,
		     const GPtrArray *short_days, lk_calendar **ret_calendar, GError **error)
{
	g_autoptr(lk_calendar) calendar = g_new0(lk_calendar, 1);
	char *why = NULL;

	for (unsigned day = 0; day < 7; day++)
		calendar->week[day] = g_array_new(false, false, sizeof(lk_stretch));
	calendar->holidays = g_array_new(false, false, sizeof(lk_day));
	calendar->shorts = g_ptr_array_new_with_free_func(free_short_day);
	calendar->cache = g_new0(year_cache, 1);
	calendar->zone = zone_name ? g_time_zone_new_identifier(zone_name) : g_time_zone_new_utc();
	if (!calendar->zone)
		return refuse(g_strdup_printf("there is no time zone \"%s\" on this system; write "
					      "an IANA name such as Europe/Helsinki",
					      zone_name),
			      error);
	why = lk_hours_read(hours, calendar->week);
	if (why)
		return refuse(why, error);
	if (!read_lists(calendar, holidays, short_days, error))
		return false;
	*ret_calendar = g_steal_pointer(&calendar);
	return true;
}

void lk_calendar_free(lk_calendar *calendar)
{
	if (!calendar)
		return;
	for (unsigned day = 0; day < 7; day++)
		g_array_unref(calendar->week[day]);
	g_array_unref(calendar->holidays);
	g_ptr_array_unref(calendar->shorts);
	for (unsigned i = 0; i < N_YEARS; i++)
		if (calendar->cache->years[i]) {
			g_array_unref(calendar->cache->years[i]->intervals);
			g_free(calendar->cache->years[i]);
		}
	g_free(calendar->cache);
	if (calendar->zone)
		g_time_zone_unref(calendar->zone);
	g_free(calendar);
}

bool lk_calendar_is_open(const lk_calendar *calendar, lk_time at)
{
	const year_table *table = table_of(calendar, year_of(calendar, at));
	unsigned i = table ? find_interval(table, at) : 0;

	return table && i < table->intervals->len &&
	       g_array_index(table->intervals, interval, i).from <= at;
}

bool lk_calendar_stretch(const lk_calendar *calendar, lk_time at, lk_time *ret_from,
			 lk_time *ret_to)
{
	int first = year_of(calendar, at);

	for (int year = MAX(first, FIRST_YEAR); year <= first + PATIENCE_YEARS; year++) {
		const year_table *table = table_of(calendar, year);
		unsigned i = table ? find_interval(table, at) : 0;

		if (!table)
			break;
		if (i < table->intervals->len) {
			*ret_from = g_array_index(table->intervals, interval, i).from;
			*ret_to = g_array_index(table->intervals, interval, i).to;
			return true;
		}
	}
	return false;
}

lk_time lk_calendar_next_open(const lk_calendar *calendar, lk_time at)
{
	lk_time from = 0;
	lk_time to = 0;

	return lk_calendar_stretch(calendar, at, &from, &to) ? MAX(at, from) : LK_TIME_NONE;
}

int64_t lk_calendar_seconds_between(const lk_calendar *calendar, lk_time from, lk_time to)
{
	int first = 0;
	int last = 0;
	int64_t open = 0;

	if (to <= from)
		return 0;
	first = year_of(calendar, from);
	last = year_of(calendar, to);
	for (int year = MAX(first, FIRST_YEAR); year <= MIN(last, LAST_YEAR); year++) {
		const year_table *table = table_of(calendar, year);

		open += year == last ? open_before(table, to) : table->total;
		if (year == first)
			open -= open_before(table, from);
	}
	return open / LK_SECOND;
}

/* The moment of the year by which `open` microseconds of it, more than 0, have passed. */
static lk_time moment_of(const year_table *table, int64_t open)
{
	unsigned low = 0;
	unsigned high = table->intervals->len - 1;
	const interval *one = NULL;

	while (low < high) {
		unsigned middle = low + (high - low + 1) / 2;

		if (g_array_index(table->intervals, interval, middle).before < open)
			low = middle;
		else
			high = middle - 1;
	}
	one = &g_array_index(table->intervals, interval, low);
	return one->from + (open - one->before);
}

lk_time lk_calendar_add_seconds(const lk_calendar *calendar, lk_time at, int64_t seconds)
{
	int year = 0;
	int idle = 0;
	int64_t left = 0;

	if (seconds <= 0)
		return at;
	if (seconds > N_YEARS * INT64_C(366) * DAY_S)
		return LK_TIME_NONE;
	year = year_of(calendar, at);
	left = seconds * LK_SECOND;
	if (table_of(calendar, year))
		left += open_before(table_of(calendar, year), at);
	for (year = MAX(year, FIRST_YEAR); idle <= PATIENCE_YEARS; year++) {
		const year_table *table = table_of(calendar, year);

		if (!table)
			break;
		if (left <= table->total)
			return moment_of(table, left);
		left -= table->total;
		idle = table->total > 0 ? 0 : idle + 1;
	}
	return LK_TIME_NONE;
}

/* The time of day (`rest`: its microseconds) kept within the open time of a day that has some. */
static lk_time within_day(const lk_calendar *calendar, const year_table *table, int day,
			  int64_t second, int64_t rest)
{
	lk_time at = to_utc(calendar, (table->first_day + day) * DAY_S + second) + rest;

	for (unsigned i = table->first[day]; i < table->first[day + 1]; i++) {
		const interval *one = &g_array_index(table->intervals, interval, i);

		if (at <= one->to)
			return MAX(at, one->from);
	}
	return g_array_index(table->intervals, interval, table->first[day + 1] - 1).to;
}

lk_time lk_calendar_add_days(const lk_calendar *calendar, lk_time at, int64_t days)
{
	lk_time start = lk_calendar_next_open(calendar, at);
	const year_table *table = NULL;
	int64_t second = 0;
	int year = 0;
	int day = 0;
	int idle = 0;

	if (days <= 0)
		return at;
	if (start == LK_TIME_NONE)
		return LK_TIME_NONE;
	year = year_of(calendar, start);
	table = table_of(calendar, year);
	day = find_day(table, start);
	second = to_local(calendar, start) - (table->first_day + day) * DAY_S;
	while (idle <= PATIENCE_YEARS * MAX_DAYS) {
		if (++day == table->n_days) {
			table = table_of(calendar, ++year);
			day = 0;
			if (!table)
				break;
		}
		idle = table->first[day] < table->first[day + 1] ? 0 : idle + 1;
		if (idle == 0 && --days == 0)
			return within_day(calendar, table, day, second, start % LK_SECOND);
	}
	return LK_TIME_NONE;
}

int lk_calendar_free_weekdays(const lk_calendar *calendar, int year)
{
	const year_table *table = table_of(calendar, year);

	return table ? table->free_weekdays : 0;
}

lk_time lk_calendar_next_digest(const lk_calendar *calendar, unsigned days, int minutes,
				lk_time after)
{
	int first = MAX(year_of(calendar, after), FIRST_YEAR);
	const year_table *table = table_of(calendar, first);
	int day = table && after >= table->starts[0] ? find_day(table, after) : 0;

	for (int year = first; table && year <= first + PATIENCE_YEARS;
	     table = table_of(calendar, ++year), day = 0)
		for (; day < table->n_days; day++) {
			int64_t number = table->first_day + day;
			lk_time at = to_utc(calendar, number * DAY_S + minutes * INT64_C(60));

			if (at > after && !table->is_holiday[day] &&
			    (days & (1U << weekday_of(number))))
				return at;
		}
	return LK_TIME_NONE;
}
