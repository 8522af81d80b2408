#include "lib/db/private.h"

#include <string.h>
#include <time.h>

lk_rows *lk_rows_take(PGresult *result)
{
	lk_rows *rows = g_new0(lk_rows, 1);

	rows->result = result;
	rows->owned = g_ptr_array_new_with_free_func(g_free);
	return rows;
}

void lk_rows_free(lk_rows *rows)
{
	if (rows == NULL)
		return;
	PQclear(rows->result);
	g_ptr_array_unref(rows->owned);
	g_free(rows);
}

size_t lk_rows_count(const lk_rows *rows)
{
	return (size_t)PQntuples(rows->result);
}

/* Any bigint; without the price of lk_parse_int, which explains what is wrong to people. */
static bool whole_number(const char *text, int64_t *ret_n)
{
	const char *c = text;
	bool is_negative = *c == '-';
	int64_t n = 0;

	if (is_negative)
		c++;
	if (*c == '\0')
		return false;
	for (; *c != '\0'; c++) {
		int64_t digit = *c - '0';

		if (!g_ascii_isdigit(*c) || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, is_negative ? -digit : digit, &n))
			return false;
	}
	*ret_n = n;
	return true;
}

int64_t lk_rows_affected(const lk_rows *rows)
{
	const char *text = PQcmdTuples(rows->result);
	int64_t n = 0;

	return whole_number(text, &n) ? n : 0;
}

/* An unknown row or column is a bug of ours and not the world's. */
static int find(const lk_rows *rows, size_t row, const char *column)
{
	int n = PQnfields(rows->result);

	if (row >= lk_rows_count(rows))
		g_error("row %zu of %zu", row, lk_rows_count(rows));
	for (int i = 0; i < n; i++)
		if (strcmp(PQfname(rows->result, i), column) == 0)
			return i;
	g_error("no column \"%s\" in the result", column);
}

bool lk_row_is_null(const lk_rows *rows, size_t row, const char *column)
{
	return PQgetisnull(rows->result, (int)row, find(rows, row, column)) != 0;
}

const char *lk_row_text(const lk_rows *rows, size_t row, const char *column)
{
	int i = find(rows, row, column);

	if (PQgetisnull(rows->result, (int)row, i))
		return NULL;
	return PQgetvalue(rows->result, (int)row, i);
}

int64_t lk_row_int(const lk_rows *rows, size_t row, const char *column)
{
	const char *text = lk_row_text(rows, row, column);
	int64_t n = 0;

	if (text != NULL && !whole_number(text, &n))
		g_error("column \"%s\" is no whole number", column);
	return n;
}

bool lk_row_bool(const lk_rows *rows, size_t row, const char *column)
{
	const char *text = lk_row_text(rows, row, column);

	return text != NULL && strcmp(text, "t") == 0;
}

/* A run of digits; false when there is none. */
static bool digits(const char **c, int64_t *ret_n)
{
	int64_t n = 0;

	if (!g_ascii_isdigit(**c))
		return false;
	for (; g_ascii_isdigit(**c) && n < INT64_C(1000000000); (*c)++)
		n = n * 10 + (**c - '0');
	*ret_n = n;
	return true;
}

static bool skip(const char **c, char expected)
{
	if (**c != expected)
		return false;
	(*c)++;
	return true;
}

/* ".123" as microseconds. */
static int64_t fraction(const char **c)
{
	int64_t micros = 0;

	if (!skip(c, '.'))
		return 0;
	for (int64_t unit = LK_SECOND / 10; g_ascii_isdigit(**c); (*c)++, unit /= 10)
		micros += unit * (**c - '0');
	return micros;
}

/* "+02", "-03:30", "+01:02:03" as seconds east. */
static int64_t offset(const char **c)
{
	int64_t hours = 0, minutes = 0, seconds = 0;
	bool is_west = **c == '-';

	if (**c != '+' && **c != '-')
		return 0;
	(*c)++;
	digits(c, &hours);
	if (skip(c, ':'))
		digits(c, &minutes);
	if (skip(c, ':'))
		digits(c, &seconds);
	seconds += hours * 3600 + minutes * 60;
	return is_west ? -seconds : seconds;
}

lk_time lk_pg_time_parse(const char *text)
{
	const char *c = text;
	int64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;

	if (strcmp(text, "infinity") == 0)
		return INT64_MAX;
	if (strcmp(text, "-infinity") == 0)
		return LK_TIME_NONE;
	if (!digits(&c, &year) || !skip(&c, '-') || !digits(&c, &month) || !skip(&c, '-') ||
	    !digits(&c, &day) || !skip(&c, ' ') || !digits(&c, &hour) || !skip(&c, ':') ||
	    !digits(&c, &minute) || !skip(&c, ':') || !digits(&c, &second))
		g_error("no timestamp: %s", text);
	int64_t micros = fraction(&c);
	int64_t east = offset(&c);

	if (strcmp(c, " BC") == 0)
		year = 1 - year;
	struct tm tm = {.tm_year = (int)year - 1900,
			.tm_mon = (int)month - 1,
			.tm_mday = (int)day,
			.tm_hour = (int)hour,
			.tm_min = (int)minute,
			.tm_sec = (int)second};
	int64_t seconds = (int64_t)timegm(&tm) - east;

	/* PostgreSQL reaches year 294276, microseconds in 64 bits no farther than that. */
	return CLAMP(seconds, INT64_C(-9000000000000), INT64_C(9000000000000)) * LK_SECOND + micros;
}

lk_time lk_row_time(const lk_rows *rows, size_t row, const char *column)
{
	const char *text = lk_row_text(rows, row, column);

	return text ? lk_pg_time_parse(text) : LK_TIME_NONE;
}

const uint8_t *lk_row_bytes(const lk_rows *rows, size_t row, const char *column, size_t *ret_n)
{
	int i = find(rows, row, column);

	*ret_n = 0;
	if (PQgetisnull(rows->result, (int)row, i))
		return NULL;
	const char *value = PQgetvalue(rows->result, (int)row, i);
	size_t length = (size_t)PQgetlength(rows->result, (int)row, i);

	if (PQfformat(rows->result, i) == 1) {
		*ret_n = length;
		return (const uint8_t *)value;
	}
	if (length < 2 || length % 2 != 0 || value[0] != '\\' || value[1] != 'x')
		g_error("column \"%s\" is no bytea", column);
	size_t n = length / 2 - 1;
	uint8_t *bytes = g_malloc(n + 1);

	for (size_t k = 0; k < n; k++)
		bytes[k] = (uint8_t)(g_ascii_xdigit_value(value[2 + 2 * k]) << 4 |
				     g_ascii_xdigit_value(value[3 + 2 * k]));
	bytes[n] = '\0';
	g_ptr_array_add(rows->owned, bytes);
	*ret_n = n;
	return bytes;
}

/* One element of "{a,"b\"c",NULL}"; leaves *c behind it. */
static char *array_element(const char **c)
{
	g_autoptr(GString) element = g_string_new(NULL);
	bool is_quoted = skip(c, '"');

	while (**c != '\0') {
		if (is_quoted ? **c == '"' : (**c == ',' || **c == '}'))
			break;
		if (**c == '\\' && (*c)[1] != '\0')
			(*c)++;
		g_string_append_c(element, *(*c)++);
	}
	if (is_quoted)
		skip(c, '"');
	else if (strcmp(element->str, "NULL") == 0)
		return NULL;
	return g_string_free(g_steal_pointer(&element), false);
}

GPtrArray *lk_row_texts(const lk_rows *rows, size_t row, const char *column)
{
	GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
	const char *c = lk_row_text(rows, row, column);

	if (c == NULL || strcmp(c, "{}") == 0)
		return texts;
	if (!skip(&c, '{'))
		g_error("column \"%s\" is no array of one dimension", column);
	do
		g_ptr_array_add(texts, array_element(&c));
	while (skip(&c, ','));
	return texts;
}
