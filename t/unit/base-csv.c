/* CSV as RFC 4180 and spreadsheets write it. */
#include "lib/base/csv.h"
#include "lib/base/err.h"

#include <string.h>

/* All rows as "LINE:a|b|c", errors as "!LINE"; rows joined by blanks. */
static char *read_all(const char *text, size_t n)
{
	g_autoptr(lk_csv) csv = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) all = g_string_new(NULL);

	if (!lk_csv_open(text, n, &csv, &error))
		return g_strdup_printf("refused: %s", error->message);
	for (unsigned guard = 0; guard < 1000; guard++) {
		const GPtrArray *fields = NULL;
		unsigned line = 0;

		if (lk_csv_next(csv, &fields, &line, &error)) {
			g_string_append_printf(all, "%s%u:", all->len ? " " : "", line);
			for (unsigned i = 0; i < fields->len; i++)
				g_string_append_printf(all, "%s%s", i ? "|" : "",
						       (char *)g_ptr_array_index(fields, i));
		} else if (error) {
			g_assert_true(lk_err_is(error, LK_ERR_DATA));
			g_string_append_printf(all, "%s!%u:%s", all->len ? " " : "", line,
					       error->message);
			g_clear_error(&error);
		} else {
			break;
		}
	}
	return g_string_free(g_steal_pointer(&all), FALSE);
}

static void test_rows(void)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{"", ""},
		{"a,b\n1,2\n", "1:a|b 2:1|2"},
		{"a,b\r\n1,2", "1:a|b 2:1|2"},
		{"a,b\r1,2\r", "1:a|b 2:1|2"},
		{"\xef\xbb\xbf"
		 "a;b\n1;2,5\n",
		 "1:a|b 2:1|2,5"},
		{"a\tb\n1\t2\n", "1:a|b 2:1|2"},
		{"\"x,y,z\";b\n1;2\n", "1:x,y,z|b 2:1|2"},
		{"a,b\n\n , \n1,2\n", "1:a|b 4:1|2"},
		{"a,b\n\"1 \"\"one\"\"\",\"x\ny\"\n3,4\n", "1:a|b 2:1 \"one\"|x\ny 4:3|4"},
		{"a,b\n1,\n,2\n", "1:a|b 2:1| 3:|2"},
		{"a,b\n1,\"two\n3,4\n", "1:a|b !2:a quote begins here and does not end 3:3|4"},
		{"a,b\n\"1\"x,2\n3,4\n",
		 "1:a|b !2:text stands behind a closing quote; a quote within quotes is "
		 "written twice 3:3|4"},
		{"a,b\n1\"x,2\n", "1:a|b 2:1\"x|2"},
		{"address\nx@y\n", "1:address 2:x@y"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = read_all(cases[i].text, strlen(cases[i].text));

		g_assert_cmpstr(got, ==, cases[i].expected);
	}
}

static void test_refused(void)
{
	g_autofree char *utf16 = read_all("\xff\xfe"
					  "a\0",
					  4);
	g_autofree char *latin = read_all("a,b\nM\xe4kinen,2\n", 15);
	g_autofree char *nul = read_all("a,b\n1\0,2\n", 9);

	g_assert_nonnull(strstr(utf16, "refused: the file is UTF-16"));
	g_assert_nonnull(strstr(latin, "refused: line 2: not UTF-8"));
	g_assert_nonnull(strstr(nul, "refused: line 2: not UTF-8"));
}

static void test_limits(void)
{
	g_autoptr(GString) wide = g_string_new("a,b\n");
	g_autoptr(GString) quoted = g_string_new("a,b\n\"");
	g_autofree char *got_wide = NULL;
	g_autofree char *got_quoted = NULL;

	for (unsigned i = 0; i < 300; i++)
		g_string_append(wide, "x,");
	g_string_append(wide, "\n1,2\n");
	got_wide = read_all(wide->str, wide->len);
	g_assert_cmpstr(got_wide, ==,
			"1:a|b !2:a row goes beyond 200 fields or 64 kB a field 3:1|2");
	for (unsigned i = 0; i < LK_CSV_MOST_BYTES + 2; i++)
		g_string_append_c(quoted, 'x');
	g_string_append(quoted, "\",2\n1,2\n");
	got_quoted = read_all(quoted->str, quoted->len);
	g_assert_cmpstr(got_quoted, ==, "1:a|b !2:a quote begins here and does not end 3:1|2");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/csv/rows", test_rows);
	g_test_add_func("/csv/refused", test_refused);
	g_test_add_func("/csv/limits", test_limits);
	return g_test_run();
}
