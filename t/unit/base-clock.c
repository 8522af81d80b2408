#include "lib/base/clock.h"

#include "lib/base/backoff.h"

#include <stdlib.h>
#include <unistd.h>

static void test_format_and_parse(void)
{
	static const struct {
		const char *text;
		int64_t seconds;
		int64_t us;
	} cases[] = {{"1970-01-01T00:00:00Z", 0, 0},
		     {"2026-03-27T15:50:00Z", 1774626600, 0},
		     {"2026-03-27T17:50:00+02:00", 1774626600, 0},
		     {"2026-03-27T10:20:00-05:30", 1774626600, 0},
		     {"2026-03-27T15:50:00.25Z", 1774626600, 250000},
		     {"2026-03-27T15:50:00.123456789Z", 1774626600, 123456},
		     {"1969-12-31T23:59:59Z", -1, 0},
		     {"2000-02-29T00:00:00Z", 951782400, 0},
		     {"0001-01-01T00:00:00Z", -INT64_C(62135596800), 0},
		     {"9999-12-31T23:59:59Z", INT64_C(253402300799), 0}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		lk_time at = 0;
		g_test_message("%s", cases[i].text);
		g_assert_true(lk_time_parse(cases[i].text, &at));
		g_assert_cmpint(at, ==, cases[i].seconds * LK_SECOND + cases[i].us);
		g_autofree char *back = lk_time_format(at);
		lk_time again = 0;
		g_assert_true(lk_time_parse(back, &again));
		g_assert_cmpint(again, ==, cases[i].seconds * LK_SECOND);
	}
	g_assert_null(lk_time_format(LK_TIME_NONE));
	g_autofree char *before = lk_time_format(-1);
	g_assert_cmpstr(before, ==, "1969-12-31T23:59:59Z");
}

static void test_parse_strict(void)
{
	static const char *const bad[] = {NULL,
					  "",
					  "2026-03-27",
					  "2026-03-27T15:50:00",
					  "2026-03-27 15:50:00Z",
					  "2026-3-27T15:50:00Z",
					  "2026-13-01T00:00:00Z",
					  "2026-00-01T00:00:00Z",
					  "2026-02-29T00:00:00Z",
					  "1900-02-29T00:00:00Z",
					  "2026-04-31T00:00:00Z",
					  "2026-01-00T00:00:00Z",
					  "0000-01-01T00:00:00Z",
					  "2026-03-27T24:00:00Z",
					  "2026-03-27T15:60:00Z",
					  "2026-03-27T15:50:60Z",
					  "2026-03-27T15:50:00.Z",
					  "2026-03-27T15:50:00z",
					  "2026-03-27T15:50:00ZZ",
					  "2026-03-27T15:50:00+2:00",
					  "2026-03-27T15:50:00+0200",
					  "2026-03-27T15:50:00+24:00",
					  "2026-03-27T15:50:00+02:60",
					  " 2026-03-27T15:50:00Z"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		lk_time at = 42;
		g_test_message("%s", bad[i] ? bad[i] : "NULL");
		g_assert_false(lk_time_parse(bad[i], &at));
		g_assert_cmpint(at, ==, 42);
	}
}

/* Every day of four centuries goes out and back. */
static void test_all_days(void)
{
	for (int64_t day = -146097; day < 146097; day++) {
		g_autofree char *text = lk_time_format(day * 86400 * LK_SECOND);
		lk_time at = 0;
		if (!lk_time_parse(text, &at) || at != day * 86400 * LK_SECOND)
			g_test_fail_printf("%s", text);
	}
}

static void test_now(void)
{
	if (g_test_subprocess()) {
		lk_time start = 0;
		g_assert_true(lk_time_parse("2026-03-27T15:50:00Z", &start));
		lk_time first = lk_now();
		g_assert_cmpint(first, ==, start);
		int64_t before = lk_monotonic_ms();
		while (lk_monotonic_ms() < before + 20)
			g_usleep(1000);
		lk_time second = lk_now();
		g_assert_cmpint(second, >=, start + 15 * 1000);
		g_assert_cmpint(second, <, start + 600 * LK_SECOND);
		/* A program that it starts is told the same clock, not to begin again. */
		g_assert_true(g_str_has_prefix(g_getenv("LUUKKU_NOW"), "2026-03-27T15:50:00Z@"));
		return;
	}
	g_setenv("LUUKKU_NOW", "2026-03-27T15:50:00Z", TRUE);
	g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
	g_unsetenv("LUUKKU_NOW");
	g_test_trap_assert_passed();
	lk_time real = lk_now();
	g_assert_cmpint(ABS(real - g_get_real_time()), <, 60 * LK_SECOND);
}

static void test_now_malformed(void)
{
	if (g_test_subprocess()) {
		lk_now();
		return;
	}
	g_setenv("LUUKKU_NOW", "yesterday", TRUE);
	g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
	g_unsetenv("LUUKKU_NOW");
	g_test_trap_assert_failed();
	g_test_trap_assert_stderr("*LUUKKU_NOW=yesterday*");
}

static void test_backoff(void)
{
	for (int round = 0; round < 200; round++) {
		lk_backoff backoff = {.first_ms = 1000, .most_ms = 60000};
		int64_t last = lk_backoff_next(&backoff);
		g_assert_cmpint(last, >=, 500);
		g_assert_cmpint(last, <=, 1000);
		for (int i = 0; i < 30; i++) {
			int64_t next = lk_backoff_next(&backoff);
			g_assert_cmpint(next, >=, 500);
			g_assert_cmpint(next, <=, MIN(60000, 3 * last));
			last = next;
		}
		lk_backoff_reset(&backoff);
		g_assert_cmpint(lk_backoff_next(&backoff), <=, 1000);
	}
}

/* It does grow: the mean of late waits is well above the first. */
static void test_backoff_grows(void)
{
	int64_t sum = 0;
	for (int round = 0; round < 200; round++) {
		lk_backoff backoff = {.first_ms = 1000, .most_ms = 60000};
		for (int i = 0; i < 15; i++)
			lk_backoff_next(&backoff);
		sum += backoff.last_ms;
	}
	g_assert_cmpint(sum / 200, >, 8000);
}

static void test_backoff_extremes(void)
{
	lk_backoff zero = {0};
	g_assert_cmpint(lk_backoff_next(&zero), ==, 1);
	lk_backoff tight = {.first_ms = 1000, .most_ms = 10};
	for (int i = 0; i < 20; i++) {
		int64_t wait = lk_backoff_next(&tight);
		g_assert_cmpint(wait, >=, 500);
		g_assert_cmpint(wait, <=, 1000);
	}
	lk_backoff huge = {.first_ms = INT64_MAX / 2, .most_ms = INT64_MAX};
	for (int i = 0; i < 20; i++)
		g_assert_cmpint(lk_backoff_next(&huge), >=, INT64_MAX / 4);
}

static void test_jitter(void)
{
	int seen[5] = {0};
	for (int i = 0; i < 5000; i++) {
		int64_t r = lk_jitter(-2, 2);
		g_assert_cmpint(r, >=, -2);
		g_assert_cmpint(r, <=, 2);
		if (r >= -2 && r <= 2)
			seen[r + 2]++;
	}
	for (int i = 0; i < 5; i++)
		g_assert_cmpint(seen[i], >, 700); /* 1000 expected, sigma 28 */
	g_assert_cmpint(lk_jitter(7, 7), ==, 7);
	g_assert_cmpint(lk_jitter(7, 3), ==, 7);
	bool is_high = false;
	bool is_low = false;
	for (int i = 0; i < 200; i++) {
		int64_t r = lk_jitter(INT64_MIN, INT64_MAX);
		is_high = is_high || r > 0;
		is_low = is_low || r < 0;
	}
	g_assert_true(is_high && is_low);
}

static void test_set_back(void)
{
	const struct {
		int64_t s; /* of the clock */
		int64_t ms;
		int64_t back_s;
	} steps[] = {{1000, 5, 0},
		     {1010, 10005, 0},
		     {5000, 11005, 0},
		     {4990, 12005, 0},
		     {4900, 13005, 91},
		     {4901, 14005, 0},
		     {100, 14005, 4801},
		     {100, 73005, 0},
		     {100, 133005, 60},
		     {4102444800, 133006, 0},
		     {1785740400, 133007, 4102444800 - 1785740400}};
	lk_clock_watch watch = {0};

	for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
		int64_t back_s = -1;
		bool is_back =
			lk_clock_is_back(&watch, steps[i].s * LK_SECOND, steps[i].ms, &back_s);

		g_assert_cmpint(is_back, ==, steps[i].back_s > 0);
		g_assert_cmpint(back_s, ==, steps[i].back_s);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/clock/format-and-parse", test_format_and_parse);
	g_test_add_func("/clock/parse-strict", test_parse_strict);
	g_test_add_func("/clock/all-days", test_all_days);
	g_test_add_func("/clock/now", test_now);
	g_test_add_func("/clock/now-malformed", test_now_malformed);
	g_test_add_func("/clock/set-back", test_set_back);
	g_test_add_func("/backoff/bounds", test_backoff);
	g_test_add_func("/backoff/grows", test_backoff_grows);
	g_test_add_func("/backoff/extremes", test_backoff_extremes);
	g_test_add_func("/backoff/jitter", test_jitter);
	return g_test_run();
}
