/* Patterns and globs: what they match, and that nothing makes them stall. */
#include "lib/base/pattern.h"

#include "lib/base/err.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

static lk_pattern *pattern_of(const char *slashed)
{
	lk_pattern *pattern = NULL;
	g_autoptr(GError) error = NULL;

	if (!lk_pattern_new_slashed(slashed, 0, &pattern, &error))
		g_error("%s: %s", slashed, error->message);
	return pattern;
}

static lk_match match(const char *slashed, const char *text)
{
	g_autoptr(lk_pattern) pattern = pattern_of(slashed);

	return lk_pattern_match(pattern, text, strlen(text));
}

static void test_match(void)
{
	static const struct {
		const char *pattern;
		const char *text;
		lk_match match;
	} rows[] = {
		{"/tulostin/", "uusi tulostin tuli", LK_MATCH_YES},
		{"/tulostin/", "uusi TULOSTIN tuli", LK_MATCH_NO},
		{"/tulostin/i", "uusi TULOSTIN tuli", LK_MATCH_YES},
		{"/HÄIRIÖ/i", "käyttöhäiriö", LK_MATCH_YES},
		{"/\\bhäiriö\\b/", "käyttöhäiriö", LK_MATCH_NO},
		{"/^b$/", "a\nb\nc", LK_MATCH_NO},
		{"/^b$/m", "a\nb\nc", LK_MATCH_YES},
		{"/^$/", "", LK_MATCH_YES},
		{"/a/b/", "xa/bx", LK_MATCH_YES},
		{"/\\w{4}/", "åäö", LK_MATCH_NO},
		{"/\\w{3}/", "åäö", LK_MATCH_YES},
		{"/\xef\xbf\xbd/", "bad \xff byte", LK_MATCH_YES},
	};

	for (unsigned jit = 0; jit < 2; jit++) {
		lk_pattern_use_jit(jit == 1);
		for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
			lk_match got = match(rows[i].pattern, rows[i].text);
			if (got != rows[i].match)
				g_test_message("%s on \"%s\": %d", rows[i].pattern, rows[i].text,
					       (int)got);
			g_assert_cmpint(got, ==, rows[i].match);
		}
	}
	/* A match that lies behind the first stretch of starting points, and across many of them.
	 */
	g_autoptr(GString) text = g_string_new(NULL);
	for (unsigned i = 0; i < 60000; i++)
		g_string_append(text, "ä ");
	g_string_append(text, "loppu");
	g_assert_cmpint(match("/ä loppu/", text->str), ==, LK_MATCH_YES);
	g_assert_cmpint(match("/(?<=ä )loppu$/", text->str), ==, LK_MATCH_YES);
	g_assert_cmpint(match("/^ä ä/", text->str), ==, LK_MATCH_YES);
	g_assert_cmpint(match("/^loppu/", text->str), ==, LK_MATCH_NO);
	g_assert_cmpint(match("/alku/", text->str), ==, LK_MATCH_NO);
}

static void test_refused(void)
{
	static const struct {
		const char *slashed;
		const char *words;
	} rows[] = {
		{"/(/", "*character 2*"},   {"/a", "*ends with a slash*"}, {"/a/x", "*only i*"},
		{"//", "*empty pattern*"},  {"/ää[/", "*character 4*"},	   {"/\\C/", "*"},
		{"/(?C1)\\K(?=\\K)/", "*"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(rows) - 1; i++) {
		lk_pattern *pattern = NULL;
		g_autoptr(GError) error = NULL;
		g_assert_false(lk_pattern_new_slashed(rows[i].slashed, 0, &pattern, &error));
		g_assert_true(lk_err_is(error, LK_ERR_CONFIG));
		if (!g_pattern_match_simple(rows[i].words, error->message))
			g_error("%s: %s", rows[i].slashed, error->message);
	}
	g_autofree char *many = g_strnfill(3 * 101, '(');
	for (unsigned i = 0; i < 101; i++)
		memcpy(many + (size_t)i * 3, "(a)", 3);
	lk_pattern *pattern = NULL;
	g_autoptr(GError) error = NULL;
	g_assert_false(lk_pattern_new(many, 0, &pattern, &error));
}

static void test_groups(void)
{
	g_autoptr(lk_pattern) pattern = pattern_of("/(?<what>\\w+) (\\d+)?(x)?/");
	g_autoptr(lk_pattern) other = pattern_of("/a/");
	static const char text[] = "laite 42";

	g_assert_cmpint(lk_pattern_groups(pattern), ==, 3);
	g_assert_true(lk_pattern_has_group(pattern, "what"));
	g_assert_false(lk_pattern_has_group(pattern, "who"));
	g_assert_cmpint(lk_pattern_match(pattern, text, strlen(text)), ==, LK_MATCH_YES);
	g_autofree char *whole = lk_pattern_group(pattern, 0);
	g_autofree char *what = lk_pattern_group_named(pattern, "what");
	g_autofree char *number = lk_pattern_group(pattern, 2);
	g_assert_cmpstr(whole, ==, "laite 42");
	g_assert_cmpstr(what, ==, "laite");
	g_assert_cmpstr(number, ==, "42");
	g_assert_null(lk_pattern_group(pattern, 3));
	g_assert_null(lk_pattern_group(pattern, 4));
	g_assert_null(lk_pattern_group(other, 0));
	lk_pattern_match(other, text, strlen(text));
	g_assert_null(lk_pattern_group(pattern, 0));
}

/* Patterns that take for ever, on texts made for them: each ends soon and says that it gave up. */
static void test_bounded(void)
{
	static const struct {
		const char *pattern;
		const char *core;
		const char *tail;
		unsigned repeats;
		bool gives_up;
	} rows[] = {
		{"/(a+)+$/", "a", "!", 30, true},
		{"/(a+)+$/", "a", "!", 100000, true},
		{"/(a|aa)+$/", "a", "!", 60000, true},
		{"/^(\\w+\\s?)*$/", "sana ", "!", 2000, true},
		{"/(x+x+)+y/", "x", "z y", 4000, true},
		{"/a*a*a*a*a*b/", "a", "c b", 60000, true},
		{"/a*a*b/", "a", "c b", 20000, false},
		{"/(.*)*x$/", "a", "xy", 100000, true},
		{"/((((a*)*)*)*)*b$/", "a", "cbd", 60000, true},
		{"/(?:(?=(a+))\\1)+$/", "a", "!", 60000, false},
		{"/(\\((?:[^()]|(?1))*\\))/", "(", "", 60000, false},
		{"/(.)(.*)\\2\\1$/", "ab", "", 60000, false},
	};

	for (unsigned jit = 0; jit < 2; jit++) {
		lk_pattern_use_jit(jit == 1);
		for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
			g_autoptr(GString) text = g_string_new(NULL);
			for (unsigned j = 0; j < rows[i].repeats; j++)
				g_string_append(text, rows[i].core);
			g_string_append(text, rows[i].tail);
			clock_t begun = clock();
			lk_match got = match(rows[i].pattern, text->str);
			int64_t took = (clock() - begun) / (CLOCKS_PER_SEC / 1000);
			g_test_message("%s jit %u: %d, %" G_GINT64_FORMAT " ms", rows[i].pattern,
				       jit, (int)got, took);
			g_assert_cmpint(took, <, 5000);
			if (rows[i].gives_up)
				g_assert_cmpint(got, ==, LK_MATCH_LIMIT);
		}
	}
}

static void stand_still(int signal)
{
	(void)signal;
	poll(NULL, 0, 60);
}

/*
 * Other programs have the machine for nearly all of the time: texts get longer until one takes far
 * longer by the clock on the wall than a match may take of the processor's time.
 */
static void test_busy_machine(void)
{
	g_autoptr(lk_pattern) pattern = pattern_of("/(?:(?=(a+))\\1)+$/");
	struct sigaction action = {.sa_handler = stand_still, .sa_flags = SA_RESTART};
	struct itimerval often = {{0, 4000}, {0, 4000}};
	struct itimerval never = {{0, 0}, {0, 0}};
	int64_t took_ms = 0;

	g_assert_cmpint(sigaction(SIGVTALRM, &action, NULL), ==, 0);
	g_assert_cmpint(setitimer(ITIMER_VIRTUAL, &often, NULL), ==, 0);
	for (size_t n = 1000; took_ms < 500 && !g_test_failed(); n = n * 3 / 2) {
		g_autofree char *text = g_strnfill(n, 'a');
		int64_t begun = g_get_monotonic_time();
		lk_match got = LK_MATCH_LIMIT;

		text[n - 1] = '!';
		got = lk_pattern_match_valid(pattern, text, n);
		took_ms = (g_get_monotonic_time() - begun) / 1000;
		g_test_message("%zu bytes: %" G_GINT64_FORMAT " ms", n, took_ms);
		g_assert_cmpint(got, ==, LK_MATCH_NO);
	}
	g_assert_cmpint(setitimer(ITIMER_VIRTUAL, &never, NULL), ==, 0);
}

static void test_may_stall(void)
{
	static const char *const bad[] = {
		"(a+)+$",	  "(a|aa)+$", "^(\\w+\\s?)*$",	  "(x+x+)+y",
		"vika (\\w+)* z", "(.*)*x",   "(?:[a-z]+\\d*)+:", "([A-Za-z0-9]+[._-]?)+@x",
	};
	static const char *const good[] = {
		"\\b(häiriö|outage|störning)\\b",
		"palkka(lasku|laskelma)",
		"\\bINC[0-9]{7}\\b",
		"(?i)huone\\s+(\\S+)",
		"^(?:\\w+\\s+)*x$",
		"(?:[^,]*,)*end",
		"(a++)+$",
		".*foo.*bar",
		"[(]+x)?",
		"(?:ab|cd)+",
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++)
		if (!lk_pattern_may_stall(bad[i], 0))
			g_error("%s is not found", bad[i]);
	for (unsigned i = 0; i < G_N_ELEMENTS(good); i++)
		if (lk_pattern_may_stall(good[i], LK_PATTERN_IGNORE_CASE))
			g_error("%s is found", good[i]);
}

static bool glob(const char *pattern, const char *text)
{
	size_t n = 0;
	g_autofree char *folded_glob = lk_fold(pattern, strlen(pattern), &n);
	g_autofree char *folded = lk_fold(text, strlen(text), &n);

	return lk_glob_match(folded_glob, folded, n);
}

static void test_glob(void)
{
	static const struct {
		const char *glob;
		const char *text;
		bool holds;
	} rows[] = {
		{"abc", "ABC", true},
		{"abc", "abcd", false},
		{"abc", "ab", false},
		{"*", "", true},
		{"*", "mitä vain", true},
		{"*tulostin*", "Uusi TULOSTIN.", true},
		{"a*", "abc", true},
		{"*c", "abc", true},
		{"a*c", "ac", true},
		{"a*bc*c", "abc", false},
		{"a*b*c", "axxbyyc", true},
		{"a?c", "äac", false},
		{"a?c", "aäc", true},
		{"?", "ä", true},
		{"??", "ä", false},
		{"*?", "", false},
		{"*?", "ä", true},
		{"?*?", "ä", false},
		{"a*?c", "ac", false},
		{"*ab", "aab", true},
		{"*a?b", "aaab", true},
		{"ÄITI*", "äitiyslomalla", true},
		{"*@example.fi", "aino@example.fi", true},
		{"[tuki]*", "[TUKI] x", true},
		{"a**b", "ab", true},
		{"", "", true},
		{"", "a", false},
		{"*.example.fi", "x.example.fi", true},
		{"stra\xc3\x9f*",
		 "STRA\xe1\xba\x9e"
		 "E",
		 true},
		{"*\xff*", "x", false},
		{"\xe2\x84\xaa", "k", true},
		{"*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
		if (glob(rows[i].glob, rows[i].text) != rows[i].holds)
			g_error("%s on %s", rows[i].glob, rows[i].text);
	/* Linear: a megabyte and many stars. */
	g_autofree char *text = g_strnfill(1 << 20, 'a');
	clock_t begun = clock();
	g_assert_false(glob("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b*", text));
	g_assert_cmpint(clock() - begun, <, 2 * CLOCKS_PER_SEC);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/pattern/match", test_match);
	g_test_add_func("/pattern/refused", test_refused);
	g_test_add_func("/pattern/groups", test_groups);
	g_test_add_func("/pattern/bounded", test_bounded);
	g_test_add_func("/pattern/busy-machine", test_busy_machine);
	g_test_add_func("/pattern/may-stall", test_may_stall);
	g_test_add_func("/pattern/glob", test_glob);
	return g_test_run();
}
