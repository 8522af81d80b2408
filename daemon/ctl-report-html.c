/* Figures as one HTML page: no script, nothing from elsewhere, light and dark, for screen readers.
 */
#include "daemon/ctl-report.h"

#include <string.h>

static const char style[] =
	":root{color-scheme:light dark}"
	"body{font:1rem/1.5 system-ui,sans-serif;margin:1.5rem;color:#1a1a1a;background:#fff;"
	"overflow-wrap:anywhere}"
	"h1{font-size:1.4rem}"
	".wide{overflow-x:auto}"
	"table{border-collapse:collapse;margin:1rem 0}"
	"caption{text-align:left;font-weight:bold;padding-bottom:.5rem}"
	"th,td{border:1px solid #767676;padding:.3rem .6rem;text-align:right;white-space:nowrap}"
	"th{background:#f0f0f0}"
	"th[scope=row],thead th:first-child{text-align:left}"
	".words th,.words td{text-align:left;vertical-align:top;white-space:pre-line}"
	"dt{font-weight:bold}dd{margin:0 0 .5rem 1.5rem}"
	"@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}"
	"th{background:#2a2a2a}th,td{border-color:#8a8a8a}}"
	"@media print{.wide{overflow:visible}}";

static const lk_report_column *column_of(const lk_report *report, unsigned i)
{
	return g_ptr_array_index(report->columns, i);
}

static void add(GString *out, const char *before, const char *text, const char *after)
{
	g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);
	g_autofree char *escaped = g_markup_escape_text(valid, -1);

	g_string_append(out, before);
	g_string_append(out, escaped);
	g_string_append(out, after);
}

/* The period stands above; a column without any value is left out, but for what names the rows. */
static bool is_shown(const lk_report *report, unsigned i)
{
	const char *name = column_of(report, i)->name;

	if (g_str_has_prefix(name, "period_") || strcmp(name, "grouped_by") == 0)
		return false;
	return !lk_report_is_empty(report, i) ||
	       (column_of(report, i)->is_text && strcmp(name, "group_value") != 0);
}

/* The figures of a group in a column: a row names a figure, as there are more of them. */
static void add_table(GString *out, const lk_report *report, const lk_report_head *head)
{
	bool is_head = true;

	g_string_append(out, "<div class=\"wide\" tabindex=\"0\" role=\"region\" "
			     "aria-labelledby=\"caption\"><table>\n");
	add(out, "<caption id=\"caption\">", head->title, "");
	add(out, ", ", head->period, "</caption>\n<thead>\n");
	for (unsigned i = 0; i < report->columns->len; i++) {
		const lk_report_column *column = column_of(report, i);
		bool is_group = strcmp(column->name, "group_value") == 0;
		g_autofree char *heading =
			is_group ? g_strdup(lk_report_cell(report, 0, "grouped_by"))
				 : lk_report_heading(column);

		if (!is_shown(report, i))
			continue;
		if (is_head && !column->is_text) {
			g_string_append(out, "</thead>\n<tbody>\n");
			is_head = false;
		}
		add(out, "<tr><th scope=\"row\">", heading, "</th>");
		for (unsigned row = 0; row < report->rows->len; row++) {
			const GPtrArray *cells = g_ptr_array_index(report->rows, row);
			const char *cell = g_ptr_array_index(cells, i);
			g_autofree char *shown = is_head && g_strcmp0(cell, "*") == 0
							 ? g_strdup("all")
							 : lk_report_shown(column, cell);

			add(out, is_head ? "<th scope=\"col\">" : "<td>", shown,
			    is_head ? "</th>" : "</td>");
		}
		g_string_append(out, "</tr>\n");
	}
	g_string_append(out, is_head ? "</thead></table></div>\n" : "</tbody></table></div>\n");
}

static bool has_figures(const lk_report *report)
{
	for (unsigned i = 0; i < report->columns->len; i++)
		if (is_shown(report, i) && !column_of(report, i)->is_text)
			return true;
	return false;
}

/* Words alone (comments): a row names its own, which may be long. */
static void add_words(GString *out, const lk_report *report, const lk_report_head *head)
{
	add(out, "<table class=\"words\">\n<caption>", head->title, "");
	add(out, ", ", head->period, "</caption>\n<thead><tr>");
	for (unsigned i = 0; i < report->columns->len; i++) {
		g_autofree char *heading = lk_report_heading(column_of(report, i));

		if (is_shown(report, i))
			add(out, "<th scope=\"col\">", heading, "</th>");
	}
	g_string_append(out, "</tr></thead>\n<tbody>\n");
	for (unsigned row = 0; row < report->rows->len; row++) {
		const GPtrArray *cells = g_ptr_array_index(report->rows, row);

		g_string_append(out, "<tr>");
		for (unsigned i = 0; i < report->columns->len; i++)
			if (is_shown(report, i))
				add(out, "<td>", g_ptr_array_index(cells, i), "</td>");
		g_string_append(out, "</tr>\n");
	}
	g_string_append(out, "</tbody></table>\n");
}

static void add_meanings(GString *out, const lk_report *report)
{
	g_string_append(out, "<h2>What they mean</h2>\n<dl>\n");
	for (unsigned i = 0; i < report->columns->len; i++) {
		const lk_report_column *column = column_of(report, i);
		g_autofree char *heading = lk_report_heading(column);

		if (!is_shown(report, i))
			continue;
		add(out, "<dt>", heading, "</dt>");
		add(out, "<dd>", column->meaning, "</dd>\n");
	}
	g_string_append(out, "</dl>\n");
}

char *lk_report_html(const lk_report *report, const lk_report_head *head)
{
	GString *out = g_string_new("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
				    "<meta charset=\"utf-8\">\n"
				    "<meta name=\"viewport\" content=\"width=device-width, "
				    "initial-scale=1\">\n");

	add(out, "<title>", head->site, ": ");
	add(out, "", head->title, ", ");
	add(out, "", head->period, "</title>\n<style>");
	g_string_append(out, style);
	g_string_append(out, "</style>\n</head>\n<body>\n<main>\n");
	add(out, "<h1>", head->site, ": ");
	add(out, "", head->title, "</h1>\n");
	add(out, "<p>", head->period, "");
	add(out, head->limits ? ", " : "", head->limits, "</p>\n");
	if (report->rows->len == 0) {
		g_string_append(out, "<p>There is nothing to count in that period.</p>\n");
	} else {
		if (has_figures(report))
			add_table(out, report, head);
		else
			add_words(out, report, head);
		add_meanings(out, report);
	}
	g_string_append(out, "</main>\n</body>\n</html>\n");
	return g_string_free(out, FALSE);
}
