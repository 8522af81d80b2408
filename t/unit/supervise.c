#include "daemon/supervise.h"

#include <glib.h>
#include <inttypes.h>
#include <sysexits.h>

/* Wait statuses as the kernel makes them. */
static int exited(int status)
{
	return status << 8;
}

static int killed(int signo)
{
	return signo;
}

static void test_classes(void)
{
	g_assert_cmpint(lk_supervise_class(exited(0)), ==, LK_END_DONE);
	g_assert_cmpint(lk_supervise_class(exited(EX_TEMPFAIL)), ==, LK_END_RETRY);
	g_assert_cmpint(lk_supervise_class(exited(EX_NOPERM)), ==, LK_END_MAILBOX);
	g_assert_cmpint(lk_supervise_class(exited(EX_CONFIG)), ==, LK_END_CONFIG);
	g_assert_cmpint(lk_supervise_class(exited(EX_USAGE)), ==, LK_END_CONFIG);
	g_assert_cmpint(lk_supervise_class(exited(EX_SOFTWARE)), ==, LK_END_CRASH);
	g_assert_cmpint(lk_supervise_class(exited(127)), ==, LK_END_CRASH);
	g_assert_cmpint(lk_supervise_class(killed(11)), ==, LK_END_CRASH);
}

static void test_retry_ladder(void)
{
	static const int64_t whole[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
	lk_history longest = {0}, shortest = {0};

	for (unsigned i = 0; i < G_N_ELEMENTS(whole); i++) {
		lk_verdict most = lk_supervise_decide(exited(75), &longest, 1000, 999);
		lk_verdict least = lk_supervise_decide(exited(75), &shortest, 1000, 0);

		g_assert_false(most.is_refused);
		g_assert_cmpint(most.wait_ms, ==, whole[i]);
		g_assert_cmpint(least.wait_ms, ==, whole[i] / 2);
	}
	g_assert_cmpuint(longest.restarts, ==, G_N_ELEMENTS(whole));
}

static void test_mailbox_waits_long(void)
{
	lk_history history = {0};
	int64_t last = 0;

	g_assert_cmpint(lk_supervise_decide(exited(77), &history, 0, 999).wait_ms, ==, 60000);
	for (int i = 0; i < 10; i++)
		last = lk_supervise_decide(exited(77), &history, 0, 999).wait_ms;
	g_assert_cmpint(last, ==, 15 * 60000);
}

/* A reload starts it at once, but nobody reloads because a right in the database came back. */
static void test_config_is_tried_again(void)
{
	lk_history history = {0};
	lk_verdict verdict = lk_supervise_decide(exited(78), &history, 0, 999);

	g_assert_true(verdict.is_refused);
	g_assert_cmpint(verdict.wait_ms, ==, 10000);
	for (int i = 0; i < 10; i++)
		verdict = lk_supervise_decide(exited(78), &history, 0, 999);
	g_assert_true(verdict.is_refused);
	g_assert_cmpint(verdict.wait_ms, ==, 5 * 60000);
}

/* Dying before the first cycle keeps climbing, however long it took to die. */
static void test_first_cycle(void)
{
	lk_history history = {0};

	for (int i = 0; i < 5; i++) {
		history.started_ms = i * 600000;
		(void)lk_supervise_decide(killed(9), &history, history.started_ms + 500000, 999);
	}
	g_assert_cmpuint(history.failures, ==, 5);
	/* A cycle done and a long life: what failed before has passed. */
	history.started_ms = 0;
	history.did_cycle = true;
	g_assert_cmpint(lk_supervise_decide(killed(9), &history, 130000, 999).wait_ms, ==, 1000);
	g_assert_false(history.did_cycle);
	/* A cycle done and a short life: a crash loop. */
	history.started_ms = 0;
	history.did_cycle = true;
	g_assert_cmpint(lk_supervise_decide(killed(9), &history, 3000, 999).wait_ms, ==, 2000);
}

/* A mailbox error after crashes starts its own ladder. */
static void test_class_change(void)
{
	lk_history history = {0};

	for (int i = 0; i < 6; i++)
		(void)lk_supervise_decide(exited(75), &history, 0, 999);
	g_assert_cmpint(lk_supervise_decide(exited(77), &history, 0, 999).wait_ms, ==, 60000);
	g_assert_cmpint(lk_supervise_decide(exited(75), &history, 0, 999).wait_ms, ==, 1000);
}

static void test_worse(void)
{
	g_assert_cmpint(lk_supervise_worse(0, 77), ==, 77);
	g_assert_cmpint(lk_supervise_worse(77, 75), ==, 77);
	g_assert_cmpint(lk_supervise_worse(75, 78), ==, 78);
	g_assert_cmpint(lk_supervise_worse(70, 78), ==, 70);
	g_assert_cmpint(lk_supervise_worse(0, 0), ==, 0);
}

static void collect(const char *mailbox, int64_t epoch, void *data)
{
	g_string_append_printf(data, "[%s=%" PRId64 "]", mailbox, epoch);
}

static void test_leases(void)
{
	static const struct {
		const char *text;
		bool is_good;
		const char *seen;
	} cases[] = {
		{"ict:17,hr:4", true, "[ict=17][hr=4]"},
		{"a:b:3", true, "[a:b=3]"},
		{"", true, ""},
		{"ict", false, ""},
		{"ict:17,hr", false, ""},
		{":4", false, ""},
		{"ict:-1", false, ""},
		{"ict:99999999999999999999", false, ""},
		{"ict:17,", false, ""},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) seen = g_string_new(NULL);

		g_assert_cmpint(lk_supervise_leases(cases[i].text, collect, seen), ==,
				cases[i].is_good);
		g_assert_cmpstr(seen->str, ==, cases[i].seen);
	}
}

static void test_describe(void)
{
	g_autofree char *mailbox = lk_supervise_describe(exited(77));
	g_autofree char *kill9 = lk_supervise_describe(killed(9));

	g_assert_cmpstr(mailbox, ==, "exit 77 (login, certificate or folder)");
	g_assert_true(g_str_has_prefix(kill9, "signal 9 ("));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/supervise/classes", test_classes);
	g_test_add_func("/supervise/retry-ladder", test_retry_ladder);
	g_test_add_func("/supervise/mailbox-waits-long", test_mailbox_waits_long);
	g_test_add_func("/supervise/config-is-tried-again", test_config_is_tried_again);
	g_test_add_func("/supervise/first-cycle", test_first_cycle);
	g_test_add_func("/supervise/class-change", test_class_change);
	g_test_add_func("/supervise/worse", test_worse);
	g_test_add_func("/supervise/leases", test_leases);
	g_test_add_func("/supervise/describe", test_describe);
	return g_test_run();
}
