/* Days as people write them in Finnish, Swedish and English. */
#include "lib/desk/command.h"

#include <string.h>

static const char *const months[12][9] = {
	{"tammikuuta", "tammikuun", "tammikuu", "januari", "january", "jan"},
	{"helmikuuta", "helmikuun", "helmikuu", "februari", "february", "feb"},
	{"maaliskuuta", "maaliskuun", "maaliskuu", "mars", "march", "mar"},
	{"huhtikuuta", "huhtikuun", "huhtikuu", "april", "apr"},
	{"toukokuuta", "toukokuun", "toukokuu", "maj", "may"},
	{"kesakuuta", "kesakuun", "kesakuu", "juni", "june", "jun"},
	{"heinakuuta", "heinakuun", "heinakuu", "juli", "july", "jul"},
	{"elokuuta", "elokuun", "elokuu", "augusti", "august", "aug"},
	{"syyskuuta", "syyskuun", "syyskuu", "september", "sept", "sep"},
	{"lokakuuta", "lokakuun", "lokakuu", "oktober", "october", "okt", "oct"},
	{"marraskuuta", "marraskuun", "marraskuu", "november", "nov"},
	{"joulukuuta", "joulukuun", "joulukuu", "december", "dec"},
};

bool lk_day_is_set(lk_day day)
{
	return day.year != 0;
}

int lk_day_compare(lk_day a, lk_day b)
{
	int64_t left = ((int64_t)a.year * 100 + a.month) * 100 + a.day;
	int64_t right = ((int64_t)b.year * 100 + b.month) * 100 + b.day;

	return left < right ? -1 : left > right;
}

char *lk_day_format(lk_day day)
{
	return g_strdup_printf("%04d-%02d-%02d", day.year, day.month, day.day);
}

bool lk_day_is_valid(lk_day day)
{
	return day.year >= 1970 && day.year <= 2199 && day.month >= 1 && day.month <= 12 &&
	       day.day >= 1 && day.day <= 31 &&
	       g_date_valid_dmy((GDateDay)day.day, (GDateMonth)day.month, (GDateYear)day.year);
}

/* Up to four digits; how many there were. */
static size_t read_number(const char *text, int *ret_number)
{
	size_t n = 0;

	*ret_number = 0;
	while (n < 4 && g_ascii_isdigit(text[n]))
		*ret_number = *ret_number * 10 + (text[n++] - '0');
	return g_ascii_isdigit(text[n]) ? 0 : n;
}

static size_t blanks(const char *text)
{
	return strspn(text, " ");
}

/* The bytes of a month's name at the beginning of the text, 0 for none. */
static size_t read_month(const char *text, int *ret_month)
{
	const char *end = text;

	while (*end && g_unichar_isalpha(g_utf8_get_char(end)))
		end = g_utf8_next_char(end);
	g_autofree char *word = g_strndup(text, (size_t)(end - text));
	g_autofree char *folded = lk_command_fold(word);
	for (int month = 0; *folded && month < 12; month++)
		for (unsigned i = 0; i < G_N_ELEMENTS(months[month]) && months[month][i]; i++)
			if (strcmp(folded, months[month][i]) == 0) {
				*ret_month = month + 1;
				return (size_t)(end - text) + (*end == '.' ? 1 : 0);
			}
	return 0;
}

/* A year behind a day and month: " 2026", ", 2026"; four digits only. */
static size_t read_year(const char *text, int *ret_year)
{
	size_t at = blanks(text);

	if (text[at] == ',')
		at += 1 + blanks(text + at + 1);
	size_t n = read_number(text + at, ret_year);
	if (n != 4 || *ret_year < 1970)
		return 0;
	return at + n;
}

/* Of the year of `from`, or of the next one in which the day is not over. */
static void guess_year(lk_day *day, lk_day from)
{
	day->year = from.year;
	if (lk_day_compare(*day, from) < 0)
		day->year++;
	/* 29 February without a year. */
	for (int i = 0; i < 8 && day->month == 2 && day->day == 29 && !lk_day_is_valid(*day); i++)
		day->year++;
}

/* "th", "st", "nd", "rd" of an English ordinal, ":e" of a Swedish one. */
static size_t ordinal(const char *text)
{
	static const char *const endings[] = {"th", "st", "nd", "rd", ":e", ":a"};

	for (unsigned i = 0; i < G_N_ELEMENTS(endings); i++)
		if (g_ascii_strncasecmp(text, endings[i], 2) == 0 && !g_ascii_isalpha(text[2]))
			return 2;
	return 0;
}

/* "2026-12-01" */
static size_t read_iso(const char *text, lk_day *day)
{
	size_t n = read_number(text, &day->year);

	if (n != 4 || text[4] != '-')
		return 0;
	size_t m = read_number(text + 5, &day->month);
	if (m != 2 || text[7] != '-')
		return 0;
	size_t d = read_number(text + 8, &day->day);
	return d == 2 ? 10 : 0;
}

/* "1.12.2026", "1.12.", "1. 12. 2026", "1.12" */
static size_t read_dotted(const char *text, lk_day *day)
{
	size_t at = read_number(text, &day->day);

	if (at == 0 || at > 2 || text[at] != '.')
		return 0;
	at += 1 + blanks(text + at + 1);
	size_t n = read_number(text + at, &day->month);
	if (n == 0 || n > 2)
		return 0;
	at += n;
	if (text[at] != '.')
		return at;
	at++;
	n = read_year(text + at, &day->year);
	/* "3.8.." of "3.8..5.8." is a day and the two dots of the stretch. */
	if (n == 0 && text[at] == '.' && text[at + 1] != '.')
		return at - 1;
	return at + n;
}

/* "4 augusti", "4. elokuuta 2026", "4th of August", "4th August" */
static size_t read_day_first(const char *text, lk_day *day)
{
	size_t at = read_number(text, &day->day);

	if (at == 0 || at > 2)
		return 0;
	at += ordinal(text + at);
	if (text[at] == '.')
		at++;
	at += blanks(text + at);
	if (g_ascii_strncasecmp(text + at, "of ", 3) == 0)
		at += 3;
	size_t n = read_month(text + at, &day->month);
	if (n == 0)
		return 0;
	at += n;
	return at + read_year(text + at, &day->year);
}

/* "August 4", "Aug 4th, 2026" */
static size_t read_month_first(const char *text, lk_day *day)
{
	size_t at = read_month(text, &day->month);

	if (at == 0)
		return 0;
	at += blanks(text + at);
	size_t n = read_number(text + at, &day->day);
	if (n == 0 || n > 2)
		return 0;
	at += n;
	at += ordinal(text + at);
	return at + read_year(text + at, &day->year);
}

bool lk_day_read(const char *text, lk_day from, lk_day *ret_day, size_t *ret_used)
{
	size_t (*const forms[])(const char *, lk_day *) = {read_iso, read_dotted, read_day_first,
							   read_month_first};

	for (unsigned i = 0; i < G_N_ELEMENTS(forms); i++) {
		lk_day day = {0};
		size_t used = forms[i](text, &day);

		if (used == 0)
			continue;
		if (day.year == 0)
			guess_year(&day, from);
		if (!lk_day_is_valid(day))
			continue;
		*ret_day = day;
		*ret_used = used;
		return true;
	}
	return false;
}

static GTimeZone *zone_of(const char *zone_name)
{
	GTimeZone *zone = zone_name ? g_time_zone_new_identifier(zone_name) : NULL;

	return zone ? zone : g_time_zone_new_utc();
}

lk_day lk_day_at(const char *zone_name, lk_time at)
{
	g_autoptr(GTimeZone) zone = zone_of(zone_name);
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(at / LK_SECOND);
	g_autoptr(GDateTime) local = utc ? g_date_time_to_timezone(utc, zone) : NULL;
	lk_day day = {0};

	if (local)
		g_date_time_get_ymd(local, &day.year, &day.month, &day.day);
	return day;
}

lk_time lk_day_start(const char *zone_name, lk_day day)
{
	g_autoptr(GTimeZone) zone = zone_of(zone_name);
	g_autoptr(GDateTime) start = g_date_time_new(zone, day.year, day.month, day.day, 0, 0, 0);

	return start ? g_date_time_to_unix(start) * LK_SECOND : LK_TIME_NONE;
}
