#include "lib/mail/header.h"

#include <string.h>

/* What the words of a date said so far; -1 is not said. */
typedef struct {
	int year, month, day, hour, minute, second;
	int zone; /* minutes east of Greenwich */
	bool has_zone, is_pm, is_am;
} parts;

static int month_of(const char *word, size_t n)
{
	static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
					     "jul", "aug", "sep", "oct", "nov", "dec"};

	if (n < 3)
		return -1;
	for (int i = 0; i < 12; i++)
		if (g_ascii_strncasecmp(word, months[i], 3) == 0)
			return i + 1;
	return -1;
}

static bool zone_of(const char *word, size_t n, int *ret_minutes)
{
	static const struct {
		const char *name;
		int minutes;
	} zones[] = {{"UT", 0},	    {"UTC", 0},	   {"GMT", 0},	  {"Z", 0},	  {"WET", 0},
		     {"BST", 60},   {"CET", 60},   {"MET", 60},	  {"CEST", 120},  {"MEST", 120},
		     {"EET", 120},  {"EEST", 180}, {"MSK", 180},  {"JST", 540},	  {"KST", 540},
		     {"EST", -300}, {"EDT", -240}, {"CST", -360}, {"CDT", -300},  {"MST", -420},
		     {"MDT", -360}, {"PST", -480}, {"PDT", -420}, {"AKST", -540}, {"HST", -600},
		     {"AEST", 600}, {"AEDT", 660}, {"NZST", 720}, {"NZDT", 780},  {"IST", 330}};

	for (size_t i = 0; i < G_N_ELEMENTS(zones); i++)
		if (strlen(zones[i].name) == n &&
		    g_ascii_strncasecmp(word, zones[i].name, n) == 0) {
			*ret_minutes = zones[i].minutes;
			return true;
		}
	return false;
}

/* Reads digits from *p and moves it on; at most nine, so that nothing overflows. */
static int digits(const char **p, int *ret_count)
{
	int value = 0, count = 0;

	while (g_ascii_isdigit(**p) && count < 9) {
		value = value * 10 + (**p - '0');
		(*p)++;
		count++;
	}
	*ret_count = count;
	return value;
}

static const char *take_zone(const char *p, parts *date)
{
	int sign = *p == '-' ? -1 : 1, count = 0;
	const char *q = p + 1;
	int value = digits(&q, &count);

	if (*q == ':' && count <= 2 && g_ascii_isdigit(q[1])) {
		int more = 0;
		q++;
		value = value * 100 + digits(&q, &more);
		count = 4;
	}
	if (count == 1 || count == 2)
		value *= 100;
	if (count > 0 && count <= 4 && value / 100 <= 15 && value % 100 < 60) {
		date->zone = sign * (value / 100 * 60 + value % 100);
		date->has_zone = true;
	}
	return q;
}

static const char *take_time(const char *q, int hour, char colon, parts *date)
{
	int count = 0;

	date->hour = hour;
	date->minute = digits(&q, &count);
	date->second = 0;
	if (*q == colon && g_ascii_isdigit(q[1])) {
		q++;
		date->second = digits(&q, &count);
		if ((*q == '.' || *q == ',') && g_ascii_isdigit(q[1])) { /* a fraction */
			q++;
			digits(&q, &count);
		}
	}
	return q;
}

static void take_year(int value, int count, parts *date)
{
	if (count == 2)
		value += value < 50 ? 2000 : 1900;
	else if (count == 3)
		value += 1900;
	date->year = value;
}

/* "2006-01-02", "02-Jan-2006", "02/01/2006": the number before the first separator was read. */
static const char *take_dashed(const char *q, int first, int first_count, parts *date)
{
	char separator = *q++;
	int count = 0, month = -1, last, last_count = 0;

	if (g_ascii_isalpha(*q)) {
		size_t n = strspn(q, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
		month = month_of(q, n);
		q += n;
	} else {
		month = digits(&q, &count);
	}
	if (*q == separator)
		q++;
	last = digits(&q, &last_count);
	date->month = month;
	if (first_count == 4) {
		date->year = first;
		date->day = last;
	} else {
		date->day = first;
		take_year(last, last_count, date);
	}
	if (*q == 'T' && g_ascii_isdigit(q[1]))
		q++;
	return q;
}

static const char *take_number(const char *p, parts *date)
{
	const char *q = p;
	int count = 0, value = digits(&q, &count);

	if (*q == ':' && count <= 2 && date->hour < 0)
		return take_time(q + 1, value, ':', date);
	if (*q == '.' && count <= 2 && date->hour < 0 && date->month > 0 && date->day > 0 &&
	    g_ascii_isdigit(q[1]))
		return take_time(q + 1, value, '.', date);
	if ((*q == '-' || *q == '/') && date->day < 0 && (g_ascii_isalnum(q[1])))
		return take_dashed(q, value, count, date);
	if (count <= 2 && date->day < 0 && value >= 1 && value <= 31)
		date->day = value;
	else if (date->year < 0 && count >= 2 && count <= 4)
		take_year(value, count, date);
	return q;
}

static const char *take_word(const char *p, parts *date)
{
	size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	int zone = 0;

	if (n == 2 && g_ascii_strncasecmp(p, "PM", 2) == 0)
		date->is_pm = true;
	else if (n == 2 && g_ascii_strncasecmp(p, "AM", 2) == 0)
		date->is_am = true;
	else if (date->hour >= 0 && !date->has_zone && zone_of(p, n, &zone)) {
		date->zone = zone;
		date->has_zone = true;
	} else if (date->month < 0 && month_of(p, n) > 0) {
		date->month = month_of(p, n);
	}
	return p + n;
}

static lk_time assemble(parts *date)
{
	if (date->is_pm && date->hour < 12)
		date->hour += 12;
	if (date->is_am && date->hour == 12)
		date->hour = 0;
	if (date->hour < 0)
		date->hour = date->minute = date->second = 0;
	if (date->second == 60)
		date->second = 59;
	if (date->year < 1900 || date->year > 9998 || date->month < 1 || date->month > 12 ||
	    date->day < 1 || date->hour > 23 || date->minute > 59 || date->second > 59 ||
	    !g_date_valid_dmy((GDateDay)date->day, (GDateMonth)date->month, (GDateYear)date->year))
		return LK_TIME_NONE;
	g_autoptr(GDateTime) at = g_date_time_new_utc(date->year, date->month, date->day,
						      date->hour, date->minute, date->second);
	if (!at)
		return LK_TIME_NONE;
	return (g_date_time_to_unix(at) - (int64_t)date->zone * 60) * LK_SECOND;
}

lk_time lk_date_parse(const char *text)
{
	parts date = {-1, -1, -1, -1, -1, -1, 0, false, false, false};
	const char *p = text;
	unsigned depth = 0, steps = 0;

	while (p && *p && steps++ < 400) {
		if (*p == '(')
			depth++;
		else if (*p == ')' && depth > 0)
			depth--;
		if (depth > 0 || *p == ')' || (!g_ascii_isalnum(*p) && *p != '+' && *p != '-'))
			p++;
		else if ((*p == '+' || *p == '-') && date.hour >= 0 && g_ascii_isdigit(p[1]))
			p = take_zone(p, &date);
		else if (g_ascii_isdigit(*p))
			p = take_number(p, &date);
		else if (g_ascii_isalpha(*p))
			p = take_word(p, &date);
		else
			p++;
	}
	return assemble(&date);
}
