/* Figures as JSON and CSV, and what text and HTML share. */
#include "daemon/ctl-report.h"

#include "lib/base/json.h"
#include "lib/base/units.h"

#include <inttypes.h>
#include <string.h>

static const lk_report_column *column_of(const lk_report *report, unsigned i)
{
	return g_ptr_array_index(report->columns, i);
}

bool lk_report_is_empty(const lk_report *report, unsigned column)
{
	for (unsigned i = 0; i < report->rows->len; i++)
		if (g_ptr_array_index((GPtrArray *)g_ptr_array_index(report->rows, i), column))
			return false;
	return true;
}

static bool is_seconds(const char *name)
{
	return g_str_has_suffix(name, "_median") || g_str_has_suffix(name, "_p90") ||
	       g_str_has_suffix(name, "_sum");
}

char *lk_report_heading(const lk_report_column *column)
{
	static const struct {
		const char *ending;
		const char *words;
	} endings[] = {{"_percent", ", %"},
		       {"_median", ", median"},
		       {"_p90", ", 9 of 10 within"},
		       {"_sum", ", together"}};
	g_autofree char *name = g_strdup(column->name);
	const char *words = "";

	for (unsigned i = 0; i < G_N_ELEMENTS(endings); i++)
		if (g_str_has_suffix(name, endings[i].ending)) {
			name[strlen(name) - strlen(endings[i].ending)] = '\0';
			words = endings[i].words;
		}
	g_strdelimit(name, "_", ' ');
	return g_strconcat(name, words, NULL);
}

/* "45 s", "12 min", "3 h 05 min": open hours have no days. */
static char *span_text(int64_t seconds)
{
	int64_t minutes = (seconds + 30) / 60;

	if (seconds < 60)
		return g_strdup_printf("%" PRId64 " s", seconds);
	if (minutes < 60)
		return g_strdup_printf("%" PRId64 " min", minutes);
	return g_strdup_printf("%" PRId64 " h %02" PRId64 " min", minutes / 60, minutes % 60);
}

char *lk_report_shown(const lk_report_column *column, const char *cell)
{
	int64_t n = 0;

	if (!cell)
		return g_strdup("-");
	if (is_seconds(column->name) && lk_parse_int(cell, INT64_MIN + 1, INT64_MAX, &n, NULL))
		return span_text(n);
	if (g_str_has_suffix(column->name, "_percent"))
		return g_strdup_printf("%s %%", cell);
	return g_strdup(cell);
}

/* --- machines --------------------------------------------------------------------------------- */

/* Numbers go out as the database wrote them: 33.3 stays 33.3. */
static void add_value(GString *out, const lk_report_column *column, const char *cell)
{
	g_autoptr(lk_json) array = NULL;
	g_autofree char *text = NULL;

	if (!cell) {
		g_string_append(out, "null");
		return;
	}
	if (!column->is_text) {
		g_string_append(out, cell);
		return;
	}
	array = lk_json_array();
	lk_json_push_text(array, cell);
	text = lk_json_dump(array, false);
	g_string_append_len(out, text + 1, (gssize)strlen(text) - 2);
}

char *lk_report_json(const lk_report *report)
{
	GString *out = g_string_new("[");

	for (unsigned i = 0; i < report->rows->len; i++) {
		const GPtrArray *cells = g_ptr_array_index(report->rows, i);

		g_string_append(out, i ? ",\n  {" : "\n  {");
		for (unsigned k = 0; k < report->columns->len; k++) {
			g_string_append_printf(out, "%s\n    \"%s\": ", k ? "," : "",
					       column_of(report, k)->name);
			add_value(out, column_of(report, k), g_ptr_array_index(cells, k));
		}
		g_string_append(out, "\n  }");
	}
	g_string_append(out, report->rows->len ? "\n]\n" : "]\n");
	return g_string_free(out, FALSE);
}

static void add_field(GString *out, const lk_report_column *column, const char *cell)
{
	bool is_formula = column && column->is_text && cell && *cell && strchr("=+-@\t\r", *cell);
	const char *text = cell ? cell : "";

	if (!is_formula && !strpbrk(text, ",\"\r\n")) {
		g_string_append(out, text);
		return;
	}
	g_string_append(out, is_formula ? "\"'" : "\"");
	for (; *text; text++) {
		if (*text == '"')
			g_string_append_c(out, '"');
		g_string_append_c(out, *text);
	}
	g_string_append_c(out, '"');
}

char *lk_report_csv(const lk_report *report)
{
	GString *out = g_string_new(NULL);

	for (unsigned k = 0; k < report->columns->len; k++) {
		g_string_append(out, k ? "," : "");
		add_field(out, NULL, column_of(report, k)->name);
	}
	g_string_append(out, "\r\n");
	for (unsigned i = 0; i < report->rows->len; i++) {
		const GPtrArray *cells = g_ptr_array_index(report->rows, i);

		for (unsigned k = 0; k < report->columns->len; k++) {
			g_string_append(out, k ? "," : "");
			add_field(out, column_of(report, k), g_ptr_array_index(cells, k));
		}
		g_string_append(out, "\r\n");
	}
	return g_string_free(out, FALSE);
}
