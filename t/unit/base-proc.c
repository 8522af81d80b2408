#include "lib/base/proc.h"

#include <glib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_alive(void)
{
	g_autofree char *name = lk_proc_name("desk.example.fi");
	g_assert_true(g_str_has_prefix(name, "desk.example.fi/"));
	g_assert_false(lk_proc_has_died("desk.example.fi", name));
}

static void test_other_host(void)
{
	g_assert_false(lk_proc_has_died("desk.example.fi", "other.example.fi/999999999/1"));
	g_assert_false(lk_proc_has_died("desk", "desk.example.fi/999999999/1"));
}

static void test_malformed(void)
{
	static const char *const names[] = {"h", "h/", "h/1", "h/x/1", "h/1/", "h/0/1", "h/1/2/3"};
	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
		g_assert_false(lk_proc_has_died("h", names[i]));
}

static void test_ended(void)
{
	pid_t pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0)
		_exit(0);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	g_autofree char *name = g_strdup_printf("h/%d/1", (int)pid);
	g_assert_true(lk_proc_has_died("h", name));
}

/* The pid lives, but it is another process than the one that bore the name. */
static void test_pid_again(void)
{
	g_autofree char *name = g_strdup_printf("h/%d/1", (int)getpid());
	g_assert_true(lk_proc_has_died("h", name));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/proc/alive", test_alive);
	g_test_add_func("/proc/other-host", test_other_host);
	g_test_add_func("/proc/malformed", test_malformed);
	g_test_add_func("/proc/ended", test_ended);
	g_test_add_func("/proc/pid-again", test_pid_again);
	return g_test_run();
}
