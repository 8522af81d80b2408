#include "daemon/ctl.h"

#include "lib/base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct lk_ctl_table {
	GPtrArray *cells; /* char * */
	unsigned columns;
	unsigned wide;
};

int lk_ctl_width(void)
{
	struct winsize size;
	const char *columns = NULL;
	int64_t n = 0;

	if (!isatty(STDOUT_FILENO))
		return 0;
	columns = getenv("COLUMNS");
	if (columns != NULL && lk_parse_int(columns, 20, 10000, &n, NULL))
		return (int)n;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
		return size.ws_col;
	return 80;
}

static int char_width(gunichar c)
{
	if (g_unichar_iszerowidth(c))
		return 0;
	return g_unichar_iswide(c) ? 2 : 1;
}

int lk_ctl_text_width(const char *text)
{
	int width = 0;

	for (; *text != '\0'; text = g_utf8_next_char(text))
		width += char_width(g_utf8_get_char(text));
	return width;
}

/* Would a terminal or the bidirectional algorithm act on it instead of showing it? */
static bool is_control(gunichar c)
{
	if (c < 0x20 || (c >= 0x7f && c <= 0x9f))
		return true;
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x2028 ||
	       c == 0x2029 || c == 0xfeff;
}

char *lk_ctl_printable(const char *text, bool lines)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *valid = g_utf8_make_valid(text != NULL ? text : "", -1);

	for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (!is_control(c) || (lines && (c == '\n' || c == '\t')))
			g_string_append_unichar(out, c);
		else if (c == '\n' || c == '\t' || c == '\r')
			g_string_append_c(out, ' ');
		else
			g_string_append_unichar(out, 0xfffd);
	}
	return g_string_free(g_steal_pointer(&out), false);
}

char *lk_ctl_local_time(lk_time at)
{
	g_autoptr(GDateTime) local = NULL;

	if (at != LK_TIME_NONE)
		local = g_date_time_new_from_unix_local(at / LK_SECOND);
	if (local == NULL)
		return g_strdup("-");
	return g_date_time_format(local, "%Y-%m-%d %H:%M");
}

char *lk_ctl_span(int64_t seconds)
{
	if (seconds < 120)
		return g_strdup_printf("%" PRId64 " s", MAX(seconds, 0));
	if (seconds < 2 * 3600)
		return g_strdup_printf("%" PRId64 " min", seconds / 60);
	if (seconds < 2 * 86400)
		return g_strdup_printf("%" PRId64 " h", seconds / 3600);
	return g_strdup_printf("%" PRId64 " d", seconds / 86400);
}

char *lk_ctl_size(int64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	int64_t tenths = bytes;
	unsigned unit = 0;

	if (bytes < 1024)
		return g_strdup_printf("%" PRId64 " B", bytes);
	for (tenths = bytes * 10 / 1024; tenths >= 10240 && unit < G_N_ELEMENTS(units) - 1; unit++)
		tenths /= 1024;
	return g_strdup_printf("%" PRId64 ".%" PRId64 " %s", tenths / 10, tenths % 10, units[unit]);
}

lk_ctl_table *lk_ctl_table_new(const char *const *headings, unsigned wide)
{
	lk_ctl_table *table = g_new0(lk_ctl_table, 1);

	table->cells = g_ptr_array_new_with_free_func(g_free);
	table->columns = g_strv_length((char **)headings);
	table->wide = wide;
	for (unsigned i = 0; i < table->columns; i++)
		g_ptr_array_add(table->cells, g_strdup(headings[i]));
	return table;
}

void lk_ctl_table_free(lk_ctl_table *table)
{
	if (table == NULL)
		return;
	g_ptr_array_unref(table->cells);
	g_free(table);
}

void lk_ctl_table_add(lk_ctl_table *table, const char *cell)
{
	char *shown = lk_ctl_printable(cell, false);

	if (*shown == '\0') {
		g_free(shown);
		shown = g_strdup("-");
	}
	g_ptr_array_add(table->cells, shown);
}

/* Prints at most `most` columns of a text and pads it to `pad` columns. */
static void print_cell(const char *text, int most, int pad)
{
	int width = lk_ctl_text_width(text);
	int used = 0;

	if (width <= most) {
		fputs(text, stdout);
		used = width;
	} else {
		for (; used + char_width(g_utf8_get_char(text)) < most;
		     text = g_utf8_next_char(text)) {
			fwrite(text, 1, (size_t)(g_utf8_next_char(text) - text), stdout);
			used += char_width(g_utf8_get_char(text));
		}
		fputs("…", stdout);
		used++;
	}
	for (; used < pad; used++)
		fputc(' ', stdout);
}

/*
 * Narrows columns until a row fits the terminal: first the wide one down to LEAST_WIDE, then always
 * the widest but the first (it names the row), none below LEAST_COLUMN.
 */
static void fit(const lk_ctl_table *table, int *widths, int terminal)
{
	enum { LEAST_WIDE = 24, LEAST_COLUMN = 8, GAP = 2 };
	int excess = -terminal - GAP;

	for (unsigned i = 0; i < table->columns; i++)
		excess += widths[i] + GAP;
	if (excess > 0 && widths[table->wide] > LEAST_WIDE) {
		int less = MIN(excess, widths[table->wide] - LEAST_WIDE);

		widths[table->wide] -= less;
		excess -= less;
	}
	for (; excess > 0; excess--) {
		unsigned widest = 1;

		for (unsigned i = 2; i < table->columns; i++)
			if (widths[i] > widths[widest])
				widest = i;
		if (widest >= table->columns || widths[widest] <= LEAST_COLUMN)
			return;
		widths[widest]--;
	}
}

void lk_ctl_table_print(const lk_ctl_table *table)
{
	g_autofree int *widths = g_new0(int, table->columns);
	int terminal = lk_ctl_width();

	for (unsigned i = 0; i < table->cells->len; i++) {
		int width = lk_ctl_text_width(g_ptr_array_index(table->cells, i));

		widths[i % table->columns] = MAX(widths[i % table->columns], width);
	}
	if (terminal > 0)
		fit(table, widths, terminal);
	for (unsigned i = 0; i < table->cells->len; i++) {
		unsigned column = i % table->columns;
		bool is_last = column == table->columns - 1;

		print_cell(g_ptr_array_index(table->cells, i), widths[column],
			   is_last ? 0 : widths[column] + 2);
		if (is_last)
			fputc('\n', stdout);
	}
}

void lk_ctl_print_field(const char *name, const char *value)
{
	g_autofree char *shown = lk_ctl_printable(value, false);

	if (*shown == '\0')
		return;
	printf("%s:%*s %s\n", name, MAX(0, 14 - lk_ctl_text_width(name)), "", shown);
}

void lk_ctl_print_text(const char *text, const char *indent)
{
	g_autofree char *shown = lk_ctl_printable(text, true);
	g_auto(GStrv) lines = NULL;

	g_strchomp(shown);
	lines = g_strsplit(shown, "\n", -1);
	for (char **line = lines; *line != NULL; line++) {
		if (**line == '\0')
			fputc('\n', stdout);
		else
			printf("%s%s\n", indent, *line);
	}
}
