#include "lib/base/csv.h"

#include "lib/base/err.h"

#include <string.h>

struct lk_csv {
	const char *at;
	const char *end;
	unsigned line;
	char separator;
	GPtrArray *fields; /* char * */
	GString *field;
};

static unsigned line_of(const char *bytes, const char *at)
{
	unsigned line = 1;

	for (const char *p = bytes; p < at; p++)
		line += *p == '\n';
	return line;
}

static bool check_text(const char *bytes, size_t n, GError **error)
{
	const char *bad = NULL;

	if (n >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0)) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "the file is UTF-16; save it as \"CSV UTF-8\"");
		return false;
	}
	if (g_utf8_validate_len(bytes, n, &bad))
		return true;
	g_set_error(error, LK_ERROR, LK_ERR_DATA,
		    "line %u: not UTF-8 text; save the file as \"CSV UTF-8\"", line_of(bytes, bad));
	return false;
}

static char find_separator(const char *bytes, const char *end)
{
	static const char known[] = ",;\t";
	unsigned counts[sizeof(known) - 1] = {0};
	bool is_quoted = false;
	unsigned best = 0;

	for (const char *p = bytes; p < end && (is_quoted || (*p != '\n' && *p != '\r')); p++) {
		if (*p == '"')
			is_quoted = !is_quoted;
		for (unsigned i = 0; !is_quoted && i < G_N_ELEMENTS(counts); i++)
			counts[i] += *p == known[i];
	}
	for (unsigned i = 1; i < G_N_ELEMENTS(counts); i++)
		if (counts[i] > counts[best])
			best = i;
	return known[best];
}

bool lk_csv_open(const char *bytes, size_t n, lk_csv **ret_csv, GError **error)
{
	lk_csv *csv = NULL;

	if (!check_text(bytes, n, error))
		return false;
	csv = g_new0(lk_csv, 1);
	csv->end = bytes + n;
	csv->at = n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? bytes + 3 : bytes;
	csv->line = 1;
	csv->separator = find_separator(csv->at, csv->end);
	csv->fields = g_ptr_array_new_with_free_func(g_free);
	csv->field = g_string_new(NULL);
	*ret_csv = csv;
	return true;
}

void lk_csv_free(lk_csv *csv)
{
	if (!csv)
		return;
	g_ptr_array_unref(csv->fields);
	g_string_free(csv->field, TRUE);
	g_free(csv);
}

static bool is_line_end(const lk_csv *csv)
{
	return csv->at >= csv->end || *csv->at == '\n' || *csv->at == '\r';
}

static void skip_line_end(lk_csv *csv)
{
	if (csv->at < csv->end && *csv->at == '\r')
		csv->at++;
	if (csv->at < csv->end && *csv->at == '\n')
		csv->at++;
	csv->line++;
}

/* Leaves the reader behind the bad line. */
static bool fail(lk_csv *csv, GError **error, const char *what)
{
	while (!is_line_end(csv))
		csv->at++;
	skip_line_end(csv);
	g_set_error_literal(error, LK_ERROR, LK_ERR_DATA, what);
	return false;
}

/* What stands between quotes; the reader ends behind the closing one. */
static bool read_quoted(lk_csv *csv, GError **error)
{
	const char *begin = csv->at;
	unsigned line = csv->line;

	for (csv->at++; csv->at < csv->end; csv->at++) {
		if (*csv->at == '"' && csv->at + 1 < csv->end && csv->at[1] == '"') {
			csv->at++;
		} else if (*csv->at == '"') {
			csv->at++;
			return is_line_end(csv) || *csv->at == csv->separator ||
			       fail(csv, error,
				    "text stands behind a closing quote; a quote within quotes is "
				    "written twice");
		}
		csv->line += *csv->at == '\n';
		if (csv->field->len >= LK_CSV_MOST_BYTES)
			break;
		g_string_append_c(csv->field, *csv->at);
	}
	csv->at = begin;
	csv->line = line;
	return fail(csv, error, "a quote begins here and does not end");
}

static bool read_field(lk_csv *csv, GError **error)
{
	g_string_truncate(csv->field, 0);
	if (csv->at < csv->end && *csv->at == '"') {
		if (!read_quoted(csv, error))
			return false;
	} else {
		const char *begin = csv->at;

		while (!is_line_end(csv) && *csv->at != csv->separator)
			csv->at++;
		g_string_append_len(csv->field, begin, csv->at - begin);
	}
	if (csv->field->len > LK_CSV_MOST_BYTES || csv->fields->len >= LK_CSV_MOST_FIELDS)
		return fail(csv, error, "a row goes beyond 200 fields or 64 kB a field");
	g_ptr_array_add(csv->fields, g_strndup(csv->field->str, csv->field->len));
	return true;
}

static bool is_blank(const lk_csv *csv)
{
	for (unsigned i = 0; i < csv->fields->len; i++) {
		const char *field = g_ptr_array_index(csv->fields, i);

		if (field[strspn(field, " \t")] != '\0')
			return false;
	}
	return true;
}

static bool read_row(lk_csv *csv, unsigned *ret_line, GError **error)
{
	g_ptr_array_set_size(csv->fields, 0);
	*ret_line = csv->line;
	for (;;) {
		if (!read_field(csv, error))
			return false;
		if (is_line_end(csv))
			break;
		csv->at++;
	}
	skip_line_end(csv);
	return true;
}

bool lk_csv_next(lk_csv *csv, const GPtrArray **ret_fields, unsigned *ret_line, GError **error)
{
	while (csv->at < csv->end) {
		if (!read_row(csv, ret_line, error))
			return false;
		if (is_blank(csv))
			continue;
		*ret_fields = csv->fields;
		return true;
	}
	return false;
}
