#include "lib/base/fault.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
	char *dir;
	char *passed;
	char *killed;
} fixture;

static char *self;

static void set_up(fixture *f, const void *data)
{
	f->dir = g_dir_make_tmp("luukku-XXXXXX", NULL);
	f->passed = g_build_filename(f->dir, "passed", NULL);
	f->killed = g_build_filename(f->dir, "killed", NULL);
	g_setenv("LUUKKU_FAULT_DIR", f->dir, TRUE);
}

static void tear_down(fixture *f, const void *data)
{
	g_unsetenv("LUUKKU_FAULT_DIR");
	g_unsetenv("LUUKKU_FAULT");
	unlink(f->passed);
	unlink(f->killed);
	rmdir(f->dir);
	g_free(f->passed);
	g_free(f->killed);
	g_free(f->dir);
}

/* Starts this program again; it passes the named points in order and exits with 7. */
static pid_t start(const char *points)
{
	pid_t pid = fork();
	if (pid == 0) {
		execl(self, self, "--pass", points, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static int end_of(pid_t pid)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int run(const char *points)
{
	return end_of(start(points));
}

static void assert_passed(const fixture *f, const char *wanted)
{
	g_autofree char *content = NULL;
	g_file_get_contents(f->passed, &content, NULL, NULL);
	g_assert_cmpstr(content, ==, wanted);
}

static bool is_killed(const fixture *f)
{
	return access(f->killed, F_OK) == 0;
}

static void test_counts(fixture *f, const void *data)
{
	g_assert_cmpint(run("one two"), ==, 7);
	g_assert_cmpint(run("one"), ==, 7);
	assert_passed(f, "base-fault one\nbase-fault two\nbase-fault one\n");
	g_assert_false(is_killed(f));
}

static void test_off(fixture *f, const void *data)
{
	g_unsetenv("LUUKKU_FAULT_DIR");
	g_setenv("LUUKKU_FAULT", "one:1", TRUE);
	g_assert_cmpint(run("one"), ==, 7);
	g_assert_cmpint(access(f->passed, F_OK), ==, -1);
}

static void test_kills_once(fixture *f, const void *data)
{
	g_setenv("LUUKKU_FAULT", "two:2", TRUE);
	g_assert_cmpint(run("one two one"), ==, 7);
	g_assert_cmpint(run("one two one"), ==, -SIGKILL); /* counted over both processes */
	g_assert_true(is_killed(f));
	assert_passed(f, "base-fault one\nbase-fault two\nbase-fault one\n"
			 "base-fault one\nbase-fault two\n");
	g_assert_cmpint(run("two two two"), ==, 7);
	unlink(f->passed);
	g_assert_cmpint(run("two two two"), ==, 7); /* DIR/killed is there: never again */
}

/* A name is not its own beginning or end. */
static void test_whole_names(fixture *f, const void *data)
{
	g_setenv("LUUKKU_FAULT", "commit:2", TRUE);
	g_assert_cmpint(run("commit-after commit before-commit commi"), ==, 7);
	g_assert_false(is_killed(f));
	g_assert_cmpint(run("commit"), ==, -SIGKILL);
}

static void test_malformed(fixture *f, const void *data)
{
	static const char *const settings[] = {"",	"one",	  "one:", "one:0",
					       "one:x", "one:-1", ":1",	  "one:1 "};
	for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
		g_setenv("LUUKKU_FAULT", settings[i], TRUE);
		unlink(f->passed);
		g_assert_cmpint(run("one"), ==, 7);
		g_assert_false(is_killed(f));
	}
}

/* However many pass at once, the N-th exists exactly once. */
static void test_many_at_once(fixture *f, const void *data)
{
	enum { N = 8 };
	pid_t pids[N];
	int n_killed = 0;
	g_setenv("LUUKKU_FAULT", "x:5", TRUE);
	for (int i = 0; i < N; i++)
		pids[i] = start("x");
	for (int i = 0; i < N; i++) {
		int end = end_of(pids[i]);
		g_assert_true(end == 7 || end == -SIGKILL);
		n_killed += end == -SIGKILL;
	}
	g_assert_cmpint(n_killed, ==, 1);
	g_autofree char *content = NULL;
	g_file_get_contents(f->passed, &content, NULL, NULL);
	g_assert_cmpuint(strlen(content), ==, N * strlen("base-fault x\n"));
}

static void test_mode(void)
{
	g_unsetenv("LUUKKU_FAULT_MODE");
	g_assert_false(lk_fault_mode("hang"));
	g_setenv("LUUKKU_FAULT_MODE", "hang,slow-parse", TRUE);
	g_assert_true(lk_fault_mode("hang"));
	g_assert_true(lk_fault_mode("slow-parse"));
	g_assert_false(lk_fault_mode("slow"));
	g_assert_false(lk_fault_mode(""));
	g_unsetenv("LUUKKU_FAULT_MODE");
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--pass") == 0) {
		g_auto(GStrv) points = g_strsplit(argv[2], " ", -1);
		for (char **point = points; *point; point++)
			lk_fault(*point);
		return 7;
	}
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	self = g_file_read_link("/proc/self/exe", NULL);
	g_test_add("/fault/counts", fixture, NULL, set_up, test_counts, tear_down);
	g_test_add("/fault/off", fixture, NULL, set_up, test_off, tear_down);
	g_test_add("/fault/kills-once", fixture, NULL, set_up, test_kills_once, tear_down);
	g_test_add("/fault/whole-names", fixture, NULL, set_up, test_whole_names, tear_down);
	g_test_add("/fault/malformed", fixture, NULL, set_up, test_malformed, tear_down);
	g_test_add("/fault/many-at-once", fixture, NULL, set_up, test_many_at_once, tear_down);
	g_test_add_func("/fault/mode", test_mode);
	int status = g_test_run();
	g_free(self);
	return status;
}
