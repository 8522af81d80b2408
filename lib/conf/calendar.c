/* The small language of calendars; names of days and months in English, times in 24 hours. */
#include "lib/conf/form.h"

#include "lib/base/units.h"

#include <string.h>

static const char *const day_names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static bool day_index(const char *name, size_t n, int *ret_day)
{
	for (int i = 0; i < 7; i++)
		if (n == 3 && g_ascii_strncasecmp(day_names[i], name, 3) == 0) {
			*ret_day = i;
			return true;
		}
	return false;
}

/* Two digits. */
static bool two(const char *text, int low, int high, int *ret_number)
{
	int number = 0;

	if (!g_ascii_isdigit(text[0]) || !g_ascii_isdigit(text[1]))
		return false;
	number = (text[0] - '0') * 10 + (text[1] - '0');
	if (number < low || number > high)
		return false;
	*ret_number = number;
	return true;
}

/* "08:00"; 24:00 only as an end. */
static bool clock_minutes(const char *text, bool is_end, int *ret_minutes)
{
	int hour = 0;
	int minute = 0;

	if (strlen(text) != 5 || text[2] != ':' || !two(text, 0, is_end ? 24 : 23, &hour) ||
	    !two(text + 3, 0, 59, &minute) || (hour == 24 && minute > 0))
		return false;
	*ret_minutes = hour * 60 + minute;
	return true;
}

/* "08:00-16:00" */
static char *stretch_check(const char *text, int *ret_from, int *ret_to)
{
	g_auto(GStrv) ends = g_strsplit(text, "-", 0);

	if (g_strv_length(ends) != 2 || !clock_minutes(ends[0], false, ret_from) ||
	    !clock_minutes(ends[1], true, ret_to))
		return g_strdup_printf("\"%s\" is no stretch of time such as 08:00-16:00", text);
	if (*ret_from >= *ret_to)
		return g_strdup_printf("%s ends before it begins; over midnight write two "
				       "stretches",
				       text);
	return NULL;
}

/* "08:00-11:30 12:00-16:00" from words[first] on, in order. */
static char *stretches_check(char **words, unsigned first)
{
	int last = -1;

	if (!words[first])
		return g_strdup("hours are missing, such as 08:00-16:00");
	for (unsigned i = first; words[i]; i++) {
		int from = 0;
		int to = 0;
		char *why = stretch_check(words[i], &from, &to);

		if (why)
			return why;
		if (from < last)
			return g_strdup_printf("%s begins before the stretch in front of it ends",
					       words[i]);
		last = to;
	}
	return NULL;
}

/* "Mon-Fri", "Sat": bits of days, 0 when it is neither. */
static unsigned days_of(const char *text)
{
	const char *dash = strchr(text, '-');
	int first = 0;
	int last = 0;
	unsigned bits = 0;

	if (!day_index(text, dash ? (size_t)(dash - text) : strlen(text), &first))
		return 0;
	last = first;
	if (dash && !day_index(dash + 1, strlen(dash + 1), &last))
		return 0;
	for (int i = first;; i = (i + 1) % 7) {
		bits |= 1U << i;
		if (i == last)
			return bits;
	}
}

/* Words of a text, runs of blanks as one. */
static char **words_of(const char *text)
{
	g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) parts = g_strsplit(text, " ", 0);

	for (unsigned i = 0; parts[i]; i++)
		if (*parts[i] != '\0')
			g_ptr_array_add(kept, g_strdup(parts[i]));
	g_ptr_array_add(kept, NULL);
	return (char **)g_ptr_array_steal(kept, NULL);
}

char *lk_hours_check(const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, ",", 0);
	unsigned seen = 0;

	for (unsigned i = 0; parts[i]; i++) {
		g_auto(GStrv) words = words_of(parts[i]);
		unsigned days = words[0] ? days_of(words[0]) : 0;
		char *why = NULL;

		if (days == 0)
			return g_strdup_printf("\"%s\" does not begin with days such as Mon-Fri or "
					       "Sat (Mon Tue Wed Thu Fri Sat Sun)",
					       g_strstrip(parts[i]));
		if (days & seen)
			return g_strdup_printf("the days %s stand here a second time; write all "
					       "stretches of a day behind one another",
					       words[0]);
		seen |= days;
		why = stretches_check(words, 1);
		if (why)
			return why;
	}
	return parts[0] ? NULL : g_strdup("hours are missing, such as Mon-Fri 08:00-16:00");
}

static bool month_day(const char *text, int *ret_month, int *ret_day)
{
	static const int most[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return strlen(text) == 5 && text[2] == '-' && two(text, 1, 12, ret_month) &&
	       two(text + 3, 1, most[*ret_month - 1], ret_day);
}

bool lk_holiday_date(const char *text, int *ret_year, int *ret_month, int *ret_day)
{
	int century = 0;
	int year = 0;

	if (strlen(text) != 10 || text[4] != '-' || !two(text, 19, 21, &century) ||
	    !two(text + 2, 0, 99, &year) || !month_day(text + 5, ret_month, ret_day))
		return false;
	*ret_year = century * 100 + year;
	return g_date_valid_dmy((GDateDay)*ret_day, (GDateMonth)*ret_month, (GDateYear)*ret_year);
}

/* "easter", "easter-2", "easter+39" */
static bool is_easter(const char *text)
{
	int64_t days = 0;

	if (!g_str_has_prefix(text, "easter"))
		return false;
	text += strlen("easter");
	return *text == '\0' ||
	       ((*text == '+' || *text == '-') && lk_parse_int(text + 1, 0, 200, &days, NULL));
}

/* "Fri 06-19..06-25": the Friday between these dates */
static bool is_floating(const char *text)
{
	int day = 0;
	int month[2] = {0, 0};
	int date[2] = {0, 0};
	g_autofree char *from = NULL;

	if (strlen(text) != 16 || text[3] != ' ' || !day_index(text, 3, &day) ||
	    strncmp(text + 9, "..", 2) != 0)
		return false;
	from = g_strndup(text + 4, 5);
	return month_day(from, &month[0], &date[0]) && month_day(text + 11, &month[1], &date[1]) &&
	       month[0] * 100 + date[0] <= month[1] * 100 + date[1];
}

static bool is_day(const char *text)
{
	int year = 0;
	int month = 0;
	int day = 0;

	return month_day(text, &month, &day) || lk_holiday_date(text, &year, &month, &day) ||
	       is_easter(text) || is_floating(text);
}

char *lk_holiday_check(const char *text)
{
	if (strcmp(text, "fi") == 0 || is_day(text))
		return NULL;
	return g_strdup_printf("\"%s\" is no holiday; write \"2026-12-31\", \"12-25\", "
			       "\"easter-2\", \"Fri 06-19..06-25\" or \"fi\"",
			       text);
}

char *lk_short_day_check(const char *text)
{
	g_auto(GStrv) words = words_of(text);
	g_autofree char *floating = NULL;
	unsigned first = 1;

	if (words[0] && words[1]) {
		floating = g_strdup_printf("%s %s", words[0], words[1]);
		if (is_floating(floating))
			first = 2;
	}
	if (first == 1 && (!words[0] || !is_day(words[0])))
		return g_strdup_printf("\"%s\" is no short day; write a day and its hours, such as "
				       "\"easter-3 08:00-14:00\" or \"12-31 08:00-12:00\"",
				       text);
	return stretches_check(words, first);
}

char *lk_digest_check(const char *text)
{
	g_auto(GStrv) words = words_of(text);
	int minutes = 0;

	if (!words[0] || days_of(words[0]) == 0 || !words[1] ||
	    !clock_minutes(words[1], false, &minutes) || words[2])
		return g_strdup_printf(
			"\"%s\" is no time for a digest; write days and a time, such "
			"as \"Mon-Fri 07:45\"",
			text);
	return NULL;
}
