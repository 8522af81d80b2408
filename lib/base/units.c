#include "lib/base/units.h"

#include "lib/base/err.h"

#include <string.h>

/* A longer duration is a slip of the pen, and its microseconds would not fit. */
#define MOST_SECONDS (INT64_C(36525) * 86400)

static bool fail(lk_err code, GError **error, const char *text, const char *wanted)
{
	g_autofree char *shown = g_strndup(text ? text : "", 40);
	g_autofree char *valid = g_utf8_make_valid(shown, -1);
	g_set_error(error, LK_ERROR, (int)code, "\"%s\" is not %s", valid, wanted);
	return false;
}

/* Digits up to the first other character; false when there are none or they do not fit. */
static bool read_number(const char **p, int64_t *ret_number)
{
	if (!*p || !g_ascii_isdigit(**p))
		return false;
	int64_t number = 0;
	for (; g_ascii_isdigit(**p); (*p)++) {
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, **p - '0', &number))
			return false;
	}
	*ret_number = number;
	return true;
}

static int64_t unit_seconds(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return INT64_C(7) * 86400;
	default:
		return 0;
	}
}

bool lk_parse_duration(const char *text, int64_t *ret_seconds, GError **error)
{
	static const char wanted[] =
		"a duration: write a whole number and one of s, m, h, d, w, such as \"15m\", of at "
		"most 100 years";
	const char *p = text;
	int64_t number;
	if (!read_number(&p, &number))
		return fail(LK_ERR_CONFIG, error, text, wanted);
	if (strcmp(text, "0") == 0) {
		*ret_seconds = 0;
		return true;
	}
	int64_t unit = unit_seconds(*p);
	int64_t seconds;
	if (unit == 0 || p[1] != '\0' || __builtin_mul_overflow(number, unit, &seconds) ||
	    seconds > MOST_SECONDS)
		return fail(LK_ERR_CONFIG, error, text, wanted);
	*ret_seconds = seconds;
	return true;
}

bool lk_parse_size(const char *text, int64_t *ret_bytes, GError **error)
{
	static const char wanted[] =
		"a size: write a whole number of bytes, or one with K, M or G, such as \"50M\"";
	const char *p = text;
	int64_t number;
	if (!read_number(&p, &number))
		return fail(LK_ERR_CONFIG, error, text, wanted);
	int64_t unit = 1;
	switch (*p) {
	case 'K':
		unit = INT64_C(1) << 10;
		break;
	case 'M':
		unit = INT64_C(1) << 20;
		break;
	case 'G':
		unit = INT64_C(1) << 30;
		break;
	default:
		break;
	}
	if (unit != 1)
		p++;
	int64_t bytes;
	if (*p != '\0' || __builtin_mul_overflow(number, unit, &bytes))
		return fail(LK_ERR_CONFIG, error, text, wanted);
	*ret_bytes = bytes;
	return true;
}

bool lk_parse_int(const char *text, int64_t low, int64_t high, int64_t *ret_number, GError **error)
{
	g_autofree char *wanted = g_strdup_printf(
		"a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, low, high);
	const char *p = text;
	bool is_negative = p && *p == '-';
	if (is_negative)
		p++;
	int64_t number;
	if (!read_number(&p, &number) || *p != '\0')
		return fail(LK_ERR_DATA, error, text, wanted);
	if (is_negative)
		number = -number;
	if (number < low || number > high)
		return fail(LK_ERR_DATA, error, text, wanted);
	*ret_number = number;
	return true;
}

bool lk_parse_decimal(const char *text, double *ret_number, const char **ret_end)
{
	bool is_negative = *text == '-';
	double number = 0;
	double step = 1;
	int digits = 0;

	text += is_negative;
	for (; g_ascii_isdigit(*text) && digits < 9; digits++)
		number = number * 10 + (*text++ - '0');
	if (digits == 0 || g_ascii_isdigit(*text))
		return false;
	if (*text == '.' && g_ascii_isdigit(text[1]))
		for (text++; g_ascii_isdigit(*text); text++)
			number += (*text - '0') * (step /= 10);
	*ret_number = is_negative ? -number : number;
	if (ret_end)
		*ret_end = text;
	return true;
}

bool lk_parse_rate(const char *text, int64_t *ret_count, int64_t *ret_seconds, GError **error)
{
	static const char wanted[] =
		"a rate: write a count and the time it holds for, such as \"10/10m\" or \"600/m\"";
	const char *p = text;
	int64_t count;
	if (!read_number(&p, &count) || *p != '/' || count < 1)
		return fail(LK_ERR_CONFIG, error, text, wanted);
	p++;
	int64_t seconds = unit_seconds(*p);
	bool is_bare_unit = seconds != 0 && p[1] == '\0';
	if (!is_bare_unit && (!lk_parse_duration(p, &seconds, NULL) || seconds < 1))
		return fail(LK_ERR_CONFIG, error, text, wanted);
	*ret_count = count;
	*ret_seconds = seconds;
	return true;
}

char *lk_format_duration(int64_t seconds)
{
	static const char units[] = "wdhms";
	if (seconds == 0)
		return g_strdup("0");
	size_t i = 0;
	while (seconds % unit_seconds(units[i]) != 0)
		i++;
	return g_strdup_printf("%" G_GINT64_FORMAT "%c", seconds / unit_seconds(units[i]),
			       units[i]);
}

enum { LONGEST_WORD = 64 };

/* Edit distance with swaps of neighbours as one edit, over three rows. */
static unsigned edit_distance(const char *a, const char *b)
{
	size_t na = strlen(a);
	size_t nb = strlen(b);
	unsigned rows[3][LONGEST_WORD + 1];
	unsigned *before = rows[0];
	unsigned *above = rows[1];
	unsigned *row = rows[2];
	for (size_t j = 0; j <= nb; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned change = g_ascii_tolower(a[i - 1]) != g_ascii_tolower(b[j - 1]);
			unsigned best = MIN(above[j] + 1, row[j - 1] + 1);
			best = MIN(best, above[j - 1] + change);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = MIN(best, before[j - 2] + 1);
			row[j] = best;
		}
		unsigned *oldest = before;
		before = above;
		above = row;
		row = oldest;
	}
	return above[nb];
}

const char *lk_nearest_word(const char *word, const char *const *candidates, unsigned n)
{
	size_t length = strlen(word);
	if (length == 0 || length > LONGEST_WORD)
		return NULL;
	const char *nearest = NULL;
	unsigned nearest_distance = (unsigned)(length < 3 ? 1 : length / 3 + 1);
	nearest_distance++;
	for (unsigned i = 0; i < n; i++) {
		size_t other = strlen(candidates[i]);
		if (other == 0 || other > LONGEST_WORD)
			continue;
		unsigned distance = edit_distance(word, candidates[i]);
		/* A distance that changes all of the shorter word says nothing. */
		if (distance < nearest_distance && distance < MIN(length, other)) {
			nearest = candidates[i];
			nearest_distance = distance;
		}
	}
	return nearest;
}
