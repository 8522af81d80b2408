/* The small language of calendars; names of days and months in English, times in 24 hours. */
#include "lib/base/calendar-private.h"

#include "lib/base/err.h"
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
static char *read_stretch(const char *text, lk_stretch *ret_stretch)
{
	g_auto(GStrv) ends = g_strsplit(text, "-", 0);

	if (g_strv_length(ends) != 2 || !clock_minutes(ends[0], false, &ret_stretch->from) ||
	    !clock_minutes(ends[1], true, &ret_stretch->to))
		return g_strdup_printf("\"%s\" is no stretch of time such as 08:00-16:00", text);
	if (ret_stretch->from >= ret_stretch->to)
		return g_strdup_printf("%s ends before it begins; over midnight write two "
				       "stretches",
				       text);
	return NULL;
}

/* "08:00-11:30 12:00-16:00" from words[first] on, in order. */
static char *read_stretches(char **words, unsigned first, GArray *stretches)
{
	int last = -1;

	if (!words[first])
		return g_strdup("hours are missing, such as 08:00-16:00");
	for (unsigned i = first; words[i]; i++) {
		lk_stretch stretch = {0};
		char *why = read_stretch(words[i], &stretch);

		if (why)
			return why;
		if (stretch.from < last)
			return g_strdup_printf("%s begins before the stretch in front of it ends",
					       words[i]);
		last = stretch.to;
		g_array_append_val(stretches, stretch);
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

/* "Mon-Thu 08:00-11:30 12:00-16:00"; *seen: days that already have hours. */
static char *read_days(char *part, unsigned *seen, GArray *const *week)
{
	g_auto(GStrv) words = words_of(part);
	unsigned days = words[0] ? days_of(words[0]) : 0;
	g_autoptr(GArray) stretches = g_array_new(false, false, sizeof(lk_stretch));
	char *why = NULL;

	if (days == 0)
		return g_strdup_printf("\"%s\" does not begin with days such as Mon-Fri or "
				       "Sat (Mon Tue Wed Thu Fri Sat Sun)",
				       g_strstrip(part));
	if (days & *seen)
		return g_strdup_printf("the days %s stand here a second time; write all "
				       "stretches of a day behind one another",
				       words[0]);
	*seen |= days;
	why = read_stretches(words, 1, stretches);
	for (unsigned day = 0; !why && day < 7; day++)
		if (days & (1U << day))
			g_array_append_vals(week[day], stretches->data, stretches->len);
	return why;
}

char *lk_hours_read(const char *text, GArray *const *week)
{
	g_auto(GStrv) parts = g_strsplit(text, ",", 0);
	unsigned seen = 0;

	for (unsigned i = 0; parts[i]; i++) {
		char *why = read_days(parts[i], &seen, week);

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
static bool read_easter(const char *text, lk_day *ret_day)
{
	int64_t days = 0;

	if (!g_str_has_prefix(text, "easter"))
		return false;
	text += strlen("easter");
	if (*text != '\0' &&
	    ((*text != '+' && *text != '-') || !lk_parse_int(text + 1, 0, 200, &days, NULL)))
		return false;
	ret_day->kind = LK_DAY_EASTER;
	ret_day->offset = (int)(*text == '-' ? -days : days);
	return true;
}

/* "Fri 06-19..06-25": the Friday between these dates */
static bool read_floating(const char *text, lk_day *ret_day)
{
	lk_day day = {.kind = LK_DAY_FLOATING};
	g_autofree char *from = NULL;

	if (strlen(text) != 16 || text[3] != ' ' || !day_index(text, 3, &day.weekday) ||
	    strncmp(text + 9, "..", 2) != 0)
		return false;
	from = g_strndup(text + 4, 5);
	if (!month_day(from, &day.month, &day.day) ||
	    !month_day(text + 11, &day.last_month, &day.last_day) ||
	    day.month * 100 + day.day > day.last_month * 100 + day.last_day)
		return false;
	*ret_day = day;
	return true;
}

static bool read_day(const char *text, lk_day *ret_day)
{
	lk_day day = {.kind = LK_DAY_YEARLY};

	if (lk_holiday_date(text, &day.year, &day.month, &day.day))
		day.kind = LK_DAY_DATED;
	else if (!month_day(text, &day.month, &day.day) && !read_easter(text, &day) &&
		 !read_floating(text, &day))
		return false;
	*ret_day = day;
	return true;
}

/* The public holidays of Finland that fall on weekdays, and the eves nobody works on (desk.md 19).
 */
static const char *const set_fi[] = {"01-01", "01-06",	   "easter-2",	      "easter+1",
				     "05-01", "easter+39", "12-06",	      "12-24",
				     "12-25", "12-26",	   "Fri 06-19..06-25"};

char *lk_holiday_read(const char *text, GArray *days)
{
	lk_day day = {0};

	if (strcmp(text, "fi") == 0) {
		for (unsigned i = 0; i < G_N_ELEMENTS(set_fi); i++) {
			bool is_right = read_day(set_fi[i], &day);

			g_assert(is_right);
			g_array_append_val(days, day);
		}
		return NULL;
	}
	if (!read_day(text, &day))
		return g_strdup_printf("\"%s\" is no holiday; write \"2026-12-31\", \"12-25\", "
				       "\"easter-2\", \"Fri 06-19..06-25\" or \"fi\"",
				       text);
	g_array_append_val(days, day);
	return NULL;
}

void lk_short_day_free(lk_short_day *day)
{
	if (!day)
		return;
	g_array_unref(day->stretches);
	g_free(day);
}

char *lk_short_day_read(const char *text, lk_short_day **ret_day)
{
	g_autoptr(lk_short_day) day = g_new0(lk_short_day, 1);
	g_auto(GStrv) words = words_of(text);
	g_autofree char *floating = NULL;
	unsigned first = 1;
	char *why = NULL;

	day->stretches = g_array_new(false, false, sizeof(lk_stretch));
	if (words[0] && words[1]) {
		floating = g_strdup_printf("%s %s", words[0], words[1]);
		if (read_floating(floating, &day->day))
			first = 2;
	}
	if (first == 1 && (!words[0] || !read_day(words[0], &day->day)))
		return g_strdup_printf("\"%s\" is no short day; write a day and its hours, such as "
				       "\"easter-3 08:00-14:00\" or \"12-31 08:00-12:00\"",
				       text);
	why = read_stretches(words, first, day->stretches);
	if (!why)
		*ret_day = g_steal_pointer(&day);
	return why;
}

char *lk_hours_check(const char *text)
{
	GArray *week[7];
	char *why = NULL;

	for (unsigned day = 0; day < 7; day++)
		week[day] = g_array_new(false, false, sizeof(lk_stretch));
	why = lk_hours_read(text, week);
	for (unsigned day = 0; day < 7; day++)
		g_array_unref(week[day]);
	return why;
}

char *lk_holiday_check(const char *text)
{
	g_autoptr(GArray) days = g_array_new(false, false, sizeof(lk_day));

	return lk_holiday_read(text, days);
}

char *lk_short_day_check(const char *text)
{
	g_autoptr(lk_short_day) day = NULL;

	return lk_short_day_read(text, &day);
}

/* "Mon-Fri 07:45" */
static char *read_digest(const char *text, unsigned *ret_days, int *ret_minutes)
{
	g_auto(GStrv) words = words_of(text);

	*ret_days = words[0] ? days_of(words[0]) : 0;
	if (*ret_days != 0 && words[1] && clock_minutes(words[1], false, ret_minutes) && !words[2])
		return NULL;
	return g_strdup_printf("\"%s\" is no time for a digest; write days and a time, such "
			       "as \"Mon-Fri 07:45\"",
			       text);
}

char *lk_digest_check(const char *text)
{
	unsigned days = 0;
	int minutes = 0;

	return read_digest(text, &days, &minutes);
}

bool lk_digest_parse(const char *text, unsigned *ret_days, int *ret_minutes, GError **error)
{
	g_autofree char *why = read_digest(text, ret_days, ret_minutes);

	if (why)
		g_set_error_literal(error, LK_ERROR, LK_ERR_CONFIG, why);
	return !why;
}
