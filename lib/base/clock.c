#include "lib/base/clock.h"

#include "lib/base/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t read_clock_us(clockid_t id)
{
	struct timespec ts;
	if (clock_gettime(id, &ts) != 0)
		g_error("clock_gettime: the system has no clock %d", (int)id);
	return (int64_t)ts.tv_sec * LK_SECOND + ts.tv_nsec / 1000;
}

/* "2026-03-27T15:50:00Z": from now on. With "@US": that it was when the system's clock was at US.
 */
static bool read_start(const char *text, int64_t now, lk_time *ret_at, int64_t *ret_was)
{
	g_auto(GStrv) parts = g_strsplit(text, "@", 2);
	*ret_was = now;
	return parts[0] && lk_time_parse(parts[0], ret_at) &&
	       (!parts[1] || lk_parse_int(parts[1], 0, INT64_MAX, ret_was, NULL));
}

lk_time lk_now(void)
{
	static bool is_started;
	static int64_t offset_us;
	int64_t now = read_clock_us(CLOCK_REALTIME);
	if (!is_started) {
		const char *start = getenv("LUUKKU_NOW");
		if (start && *start) {
			lk_time at = 0;
			int64_t was = 0;
			if (!read_start(start, now, &at, &was))
				g_error("LUUKKU_NOW=%s: not of the form 2026-03-27T15:50:00Z",
					start);
			offset_us = at - was;
			if (!strchr(start, '@')) {
				/* One clock for all that this program starts. */
				g_autofree char *shared =
					g_strdup_printf("%s@%" PRId64, start, was);
				g_setenv("LUUKKU_NOW", shared, TRUE);
			}
		}
		is_started = true;
	}
	return now + offset_us;
}

bool lk_clock_is_back(lk_clock_watch *watch, lk_time now, int64_t now_ms, int64_t *ret_back_s)
{
	int64_t back_us = watch->at + (now_ms - watch->ms) * (LK_SECOND / 1000) - now;
	bool is_back = watch->is_set && back_us >= 60 * LK_SECOND;

	*ret_back_s = is_back ? back_us / LK_SECOND : 0;
	*watch = (lk_clock_watch){.at = now, .ms = now_ms, .is_set = true};
	return is_back;
}

int64_t lk_monotonic_ms(void)
{
	return read_clock_us(CLOCK_MONOTONIC) / 1000;
}

int64_t lk_processor_ms(void)
{
	return read_clock_us(CLOCK_PROCESS_CPUTIME_ID) / 1000;
}

char *lk_time_format(lk_time at)
{
	if (at == LK_TIME_NONE)
		return NULL;
	int64_t seconds = at / LK_SECOND - (at % LK_SECOND < 0 ? 1 : 0);
	time_t t = (time_t)seconds;
	struct tm tm;
	if (!gmtime_r(&t, &tm))
		return NULL;
	return g_strdup_printf("%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
			       tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Reads exactly n digits and moves on. */
static bool read_digits(const char **p, int n, int *ret_value)
{
	int value = 0;
	for (int i = 0; i < n; i++) {
		if (!g_ascii_isdigit((*p)[i]))
			return false;
		value = value * 10 + ((*p)[i] - '0');
	}
	*p += n;
	*ret_value = value;
	return true;
}

static bool read_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t days_from_civil(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t m = month <= 2 ? month + 9 : month - 3; /* March is 0: the leap day comes last */
	int64_t day_of_year = (153 * m + 2) / 5 + day - 1;
	return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

static bool read_date(const char **p, int64_t *ret_days)
{
	int year;
	int month;
	int day;
	if (!read_digits(p, 4, &year) || !read_char(p, '-') || !read_digits(p, 2, &month) ||
	    !read_char(p, '-') || !read_digits(p, 2, &day))
		return false;
	if (year < 1 || month < 1 || month > 12 || day < 1 ||
	    day > g_date_get_days_in_month((GDateMonth)month, (GDateYear)year))
		return false;
	*ret_days = days_from_civil(year, month, day);
	return true;
}

static bool read_fraction(const char **p, int64_t *ret_us)
{
	*ret_us = 0;
	if (!read_char(p, '.'))
		return true;
	int64_t weight = LK_SECOND / 10;
	int n = 0;
	for (; g_ascii_isdigit(**p) && n < 18; (*p)++, n++) {
		*ret_us += weight * (**p - '0');
		weight /= 10;
	}
	return n > 0;
}

static bool read_offset(const char **p, int64_t *ret_seconds)
{
	*ret_seconds = 0;
	if (read_char(p, 'Z'))
		return true;
	int sign = **p == '+' ? 1 : -1;
	int hours;
	int minutes;
	if (!read_char(p, '+') && !read_char(p, '-'))
		return false;
	if (!read_digits(p, 2, &hours) || !read_char(p, ':') || !read_digits(p, 2, &minutes) ||
	    hours > 23 || minutes > 59)
		return false;
	*ret_seconds = sign * (hours * INT64_C(3600) + minutes * INT64_C(60));
	return true;
}

bool lk_time_parse(const char *text, lk_time *ret_at)
{
	if (!text)
		return false;
	const char *p = text;
	int64_t days;
	int hour;
	int minute;
	int second;
	int64_t fraction;
	int64_t offset;
	if (!read_date(&p, &days) || !read_char(&p, 'T') || !read_digits(&p, 2, &hour) ||
	    !read_char(&p, ':') || !read_digits(&p, 2, &minute) || !read_char(&p, ':') ||
	    !read_digits(&p, 2, &second) || !read_fraction(&p, &fraction) ||
	    !read_offset(&p, &offset) || *p != '\0')
		return false;
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	int64_t seconds = days * 86400 + hour * INT64_C(3600) + minute * INT64_C(60) + second;
	*ret_at = (seconds - offset) * LK_SECOND + fraction;
	return true;
}
