/* Figures as a table for a terminal, with what each column means below. */
#include "daemon/ctl-report.h"

#include "daemon/ctl.h"

#include <string.h>

enum { MOST_BESIDE = 9, NO_TERMINAL = 100, GAP = 2 };

/* A table as it is printed: `first` columns on the left name the row, the others are to the right.
 */
typedef struct {
	GPtrArray *cells; /* char *, row by row, headings first */
	unsigned columns;
	unsigned first;
} grid;

static const lk_report_column *column_of(const lk_report *report, unsigned i)
{
	return g_ptr_array_index(report->columns, i);
}

static const char *cell_of(const lk_report *report, unsigned row, unsigned column)
{
	return g_ptr_array_index((GPtrArray *)g_ptr_array_index(report->rows, row), column);
}

static bool is_named(const lk_report *report, unsigned i, const char *name)
{
	return strcmp(column_of(report, i)->name, name) == 0;
}

/* Is it the share of the figure before it? Then it stands in its cell. */
static bool is_share(const lk_report *report, unsigned i)
{
	g_autofree char *name = NULL;

	if (i == 0)
		return false;
	name = g_strconcat(column_of(report, i - 1)->name, "_percent", NULL);
	return is_named(report, i, name);
}

static bool is_key(const lk_report *report, unsigned i)
{
	return column_of(report, i)->is_text && !is_named(report, i, "period_from") &&
	       !is_named(report, i, "period_to") && !is_named(report, i, "grouped_by") &&
	       (!is_named(report, i, "group_value") || lk_report_cell(report, 0, "grouped_by"));
}

static bool is_figure(const lk_report *report, unsigned i)
{
	return !column_of(report, i)->is_text && !is_share(report, i) &&
	       !lk_report_is_empty(report, i);
}

static char *shown(const lk_report *report, unsigned row, unsigned i)
{
	g_autofree char *figure = lk_report_shown(column_of(report, i), cell_of(report, row, i));
	const char *share = i + 1 < report->columns->len && is_share(report, i + 1)
				    ? cell_of(report, row, i + 1)
				    : NULL;

	if (share)
		return g_strdup_printf("%s (%s %%)", figure, share);
	return g_steal_pointer(&figure);
}

/* "type" for the column of groups. */
static char *key_heading(const lk_report *report, unsigned i)
{
	return is_named(report, i, "group_value")
		       ? g_strdup(lk_report_cell(report, 0, "grouped_by"))
		       : lk_report_heading(column_of(report, i));
}

static char *key_text(const lk_report *report, unsigned row, unsigned i)
{
	const char *cell = cell_of(report, row, i);

	if (cell && strcmp(cell, "*") == 0)
		return g_strdup("all");
	return cell && *cell ? lk_ctl_printable(cell, false) : g_strdup("-");
}

static unsigned count(const lk_report *report, bool (*is)(const lk_report *, unsigned))
{
	unsigned n = 0;

	for (unsigned i = 0; i < report->columns->len; i++)
		n += is(report, i);
	return n;
}

/* --- printing --------------------------------------------------------------------------------- */

static void add_cell(GString *out, const char *text, int width, bool is_left)
{
	int blanks = MAX(width - lk_ctl_text_width(text), 0);

	if (is_left)
		g_string_append(out, text);
	for (int i = 0; i < blanks; i++)
		g_string_append_c(out, ' ');
	if (!is_left)
		g_string_append(out, text);
}

static void print_grid(GString *out, const grid *g)
{
	g_autofree int *widths = g_new0(int, g->columns);

	g_return_if_fail(g->columns > 0);
	for (unsigned i = 0; i < g->cells->len; i++) {
		int width = lk_ctl_text_width(g_ptr_array_index(g->cells, i));
		widths[i % g->columns] = MAX(widths[i % g->columns], width);
	}
	for (unsigned i = 0; i < g->cells->len; i++) {
		unsigned k = i % g->columns;

		add_cell(out, g_ptr_array_index(g->cells, i), widths[k], k < g->first);
		if (k + 1 < g->columns) {
			g_string_append(out, "  ");
			continue;
		}
		while (out->str[out->len - 1] == ' ')
			g_string_truncate(out, out->len - 1);
		g_string_append_c(out, '\n');
	}
}

/* Groups below each other, figures beside each other. */
static void print_rows(GString *out, const lk_report *report)
{
	g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);
	grid g = {.cells = cells};

	for (unsigned i = 0; i < report->columns->len; i++)
		if (is_key(report, i) || is_figure(report, i)) {
			g_ptr_array_add(cells, key_heading(report, i));
			g.columns++;
			g.first += is_key(report, i);
		}
	for (unsigned row = 0; row < report->rows->len; row++)
		for (unsigned i = 0; i < report->columns->len; i++)
			if (is_key(report, i))
				g_ptr_array_add(cells, key_text(report, row, i));
			else if (is_figure(report, i))
				g_ptr_array_add(cells, shown(report, row, i));
	print_grid(out, &g);
}

static char *group_heading(const lk_report *report, unsigned row)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < report->columns->len; i++)
		if (is_key(report, i)) {
			g_autofree char *key = key_text(report, row, i);
			g_string_append_printf(text, "%s%s", text->len ? " / " : "", key);
		}
	return g_string_free(text, FALSE);
}

static int group_width(const lk_report *report, unsigned row)
{
	g_autofree char *heading = group_heading(report, row);
	int widest = lk_ctl_text_width(heading);

	for (unsigned i = 0; i < report->columns->len; i++)
		if (is_figure(report, i)) {
			g_autofree char *text = shown(report, row, i);
			widest = MAX(widest, lk_ctl_text_width(text));
		}
	return widest;
}

/* Figures below each other, groups from `first` up to `end` beside each other. */
static void print_block(GString *out, const lk_report *report, unsigned first, unsigned end)
{
	g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);
	grid g = {.cells = cells, .columns = 1 + end - first, .first = 1};

	g_ptr_array_add(cells, g_strdup(""));
	for (unsigned row = first; row < end; row++)
		g_ptr_array_add(cells, group_heading(report, row));
	for (unsigned i = 0; i < report->columns->len; i++) {
		if (!is_figure(report, i))
			continue;
		g_ptr_array_add(cells, lk_report_heading(column_of(report, i)));
		for (unsigned row = first; row < end; row++)
			g_ptr_array_add(cells, shown(report, row, i));
	}
	print_grid(out, &g);
}

static void print_blocks(GString *out, const lk_report *report, int width)
{
	unsigned first = 0;
	int left = 0;

	for (unsigned i = 0; i < report->columns->len; i++)
		if (is_figure(report, i)) {
			g_autofree char *heading = lk_report_heading(column_of(report, i));
			left = MAX(left, lk_ctl_text_width(heading));
		}
	while (first < report->rows->len) {
		unsigned end = first;
		int used = left;

		do
			used += GAP + group_width(report, end++);
		while (end < report->rows->len && used + GAP + group_width(report, end) <= width);
		print_block(out, report, first, end);
		if (end < report->rows->len)
			g_string_append_c(out, '\n');
		first = end;
	}
}

/* used: columns of the line that are taken. */
static void add_wrapped(GString *out, const char *text, int used, int indent, int width)
{
	g_auto(GStrv) words = g_strsplit(text, " ", 0);

	for (unsigned i = 0; words[i]; i++) {
		int n = lk_ctl_text_width(words[i]);

		if (i && used + 1 + n > width) {
			g_string_append_printf(out, "\n%*s", indent, "");
			used = indent;
		} else if (i) {
			g_string_append_c(out, ' ');
			used++;
		}
		g_string_append(out, words[i]);
		used += n;
	}
	g_string_append_c(out, '\n');
}

static void print_meanings(GString *out, const lk_report *report, int width)
{
	g_string_append(out, "\nWhat they mean:\n");
	for (unsigned i = 0; i < report->columns->len; i++) {
		const lk_report_column *column = column_of(report, i);
		g_autofree char *heading = NULL;

		if (!is_key(report, i) && !is_figure(report, i))
			continue;
		heading = key_heading(report, i);
		g_string_append_printf(out, "  %s: ", heading);
		add_wrapped(out, column->meaning ? column->meaning : "",
			    lk_ctl_text_width(heading) + 4, 4, width);
	}
}

char *lk_report_text(const lk_report *report, const lk_report_head *head, int width)
{
	GString *out = g_string_new(NULL);
	int columns = width > 0 ? width : NO_TERMINAL;

	g_string_append_printf(out, "%s: %s, %s%s%s\n\n", head->site, head->title, head->period,
			       head->limits ? ", " : "", head->limits ? head->limits : "");
	if (report->rows->len == 0) {
		g_string_append(out, "There is nothing to count in that period.\n");
		return g_string_free(out, FALSE);
	}
	if (count(report, is_figure) > MOST_BESIDE)
		print_blocks(out, report, columns);
	else
		print_rows(out, report);
	print_meanings(out, report, MIN(columns, 80));
	return g_string_free(out, FALSE);
}
