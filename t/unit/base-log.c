#include "lib/base/log.h"

#include "lib/base/err.h"

#include <string.h>

static void test_quote(void)
{
	static const struct {
		const char *value;
		const char *quoted;
	} cases[] = {{"plain", "\"plain\""},
		     {"", "\"\""},
		     {NULL, "-"},
		     {"say \"hi\" \\ bye", "\"say \\\"hi\\\" \\\\ bye\""},
		     {"a\nb\r\tc", "\"a\\nb\\r\\tc\""},
		     {"\x1b[31m\x01\x7f", "\"\\x1b[31m\\x01\\x7f\""},
		     {"päivää", "\"päivää\""},
		     {"p\xe4", "\"p\xEF\xBF\xBD\""},
		     {"\xe2\x80\xaegnp.exe", "\"\\u{202e}gnp.exe\""},
		     {"\xe2\x80\xa8line", "\"\\u{2028}line\""}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *quoted = lk_log_quote(cases[i].value);
		g_assert_cmpstr(quoted, ==, cases[i].quoted);
	}
}

static void test_quote_cut(void)
{
	static const char *const fills[] = {"x", "ä", "\n", "\xff", "\xf0\x9f\x98\x80"};
	for (size_t f = 0; f < G_N_ELEMENTS(fills); f++) {
		g_autoptr(GString) value = g_string_new(NULL);
		for (int i = 0; i < 100000; i++)
			g_string_append(value, fills[f]);
		g_autofree char *quoted = lk_log_quote(value->str);
		g_assert_cmpuint(strlen(quoted), <=, 220);
		g_assert_cmpuint(strlen(quoted), >, 190);
		g_assert_true(g_utf8_validate(quoted, -1, NULL));
		g_assert_true(g_str_has_suffix(quoted, "...\""));
	}
}

static void write_lines(void)
{
	lk_log_init("luukku-test", LK_LOG_INFO);
	lk_info("fetch.stored", "uid=%d subject=%s", 7, "\"x\"");
	lk_log_context("mailbox", "ict");
	lk_log_context("host", "two words");
	lk_warning("fetch.slow", "seconds=3");
	lk_log_context("mailbox", "hr");
	lk_log_context("host", NULL);
	lk_error("fetch.failed", "%s", "first line\nforged: line\x1b[2J");
	lk_debug("fetch.detail", "not=shown");
	lk_info("fetch.bare", "%s", "");
}

/* Behind a pipe each line has its priority, and what a caller forgot to quote stays on it. */
static void test_lines(void)
{
	if (g_test_subprocess()) {
		write_lines();
		return;
	}
	g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
	g_test_trap_assert_passed();
	g_test_trap_assert_stderr("*<6>luukku-test: fetch.stored uid=7 subject=\"x\"\n"
				  "<4>luukku-test: fetch.slow mailbox=ict host=\"two words\" "
				  "seconds=3\n"
				  "<3>luukku-test: fetch.failed mailbox=hr first line\\nforged: "
				  "line\\x1b[2J\n"
				  "<6>luukku-test: fetch.bare mailbox=hr\n");
	g_test_trap_assert_stderr_unmatched("*not=shown*");
}

static void test_expect(void)
{
	lk_log_expect(LK_LOG_WARNING, "a.one");
	lk_log_expect(LK_LOG_ERROR, "a.two");
	lk_warning("a.one", "k=v");
	lk_debug("a.aside", "k=v");
	lk_error("a.two", "k=v");
	g_assert_true(lk_log_expect_end());
	lk_log_expect(LK_LOG_WARNING, "a.one");
	g_assert_false(lk_log_expect_end()); /* missing */
	g_assert_true(lk_log_expect_end());  /* and forgotten */
}

static void test_expect_unexpected(void)
{
	lk_log_expect(LK_LOG_INFO, "a.one");
	lk_warning("a.surprise", "k=v");
	lk_info("a.one", "k=v");
	g_assert_false(lk_log_expect_end());
	lk_log_expect(LK_LOG_INFO, "a.one");
	lk_log_expect(LK_LOG_INFO, "a.two");
	lk_info("a.two", "k=v"); /* the wrong order */
	lk_info("a.one", "k=v");
	g_assert_false(lk_log_expect_end());
}

static void test_exit_status(void)
{
	static const struct {
		lk_err code;
		int status;
	} cases[] = {{LK_ERR_RETRY, 75},   {LK_ERR_MESSAGE, 65},   {LK_ERR_MAILBOX, 77},
		     {LK_ERR_CONFIG, 78},  {LK_ERR_UNCERTAIN, 75}, {LK_ERR_USAGE, 64},
		     {LK_ERR_NOINPUT, 66}, {LK_ERR_DATA, 65},	   {LK_ERR_PERMISSION, 77}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = g_error_new(LK_ERROR, (int)cases[i].code, "x");
		g_assert_cmpint(lk_exit_status(error), ==, cases[i].status);
		g_assert_true(lk_err_is(error, cases[i].code));
		g_assert_false(lk_err_is(error, (lk_err)(cases[i].code + 1)));
	}
	g_autoptr(GError) foreign = g_error_new(G_FILE_ERROR, G_FILE_ERROR_IO, "x");
	g_assert_cmpint(lk_exit_status(foreign), ==, 70);
	g_assert_false(lk_err_is(foreign, (lk_err)G_FILE_ERROR_IO));
	g_assert_cmpint(lk_exit_status(NULL), ==, 0);
	g_assert_false(lk_err_is(NULL, LK_ERR_RETRY));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/log/quote", test_quote);
	g_test_add_func("/log/quote-cut", test_quote_cut);
	g_test_add_func("/log/lines", test_lines);
	g_test_add_func("/log/expect", test_expect);
	g_test_add_func("/log/expect-unexpected", test_expect_unexpected);
	g_test_add_func("/err/exit-status", test_exit_status);
	return g_test_run();
}
