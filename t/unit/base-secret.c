#include "lib/base/secret.h"

#include "lib/base/clock.h"
#include "lib/base/err.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
	char *dir;
	char *path;
} fixture;

static void set_up(fixture *f, const void *data)
{
	f->dir = g_dir_make_tmp("luukku-XXXXXX", NULL);
	f->path = g_build_filename(f->dir, "secret", NULL);
}

static void tear_down(fixture *f, const void *data)
{
	unlink(f->path);
	rmdir(f->dir);
	g_free(f->path);
	g_free(f->dir);
}

static void write_secret(const fixture *f, const char *content, size_t n, int mode)
{
	unlink(f->path);
	g_assert_true(g_file_set_contents(f->path, content, (gssize)n, NULL));
	g_assert_cmpint(chmod(f->path, (mode_t)mode), ==, 0);
}

static void test_memory(void)
{
	g_autoptr(lk_secret) secret = lk_secret_new("with\0nul", 8);
	g_assert_cmpuint(lk_secret_size(secret), ==, 8);
	g_assert_cmpint(memcmp(lk_secret_text(secret), "with\0nul", 9), ==, 0);
	g_autoptr(lk_secret) empty = lk_secret_new(NULL, 0);
	g_assert_cmpstr(lk_secret_text(empty), ==, "");
	lk_secret_free(NULL);
}

/* Reading behind the end and writing into a secret both end the process. */
static void test_guarded(void)
{
	if (g_test_subprocess()) {
		g_autoptr(lk_secret) secret = lk_secret_new("x", 1);
		signal(SIGSEGV, SIG_DFL);
		((char *)(uintptr_t)lk_secret_text(secret))[0] = 'y';
		return;
	}
	g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
	g_test_trap_assert_failed();
}

static void test_file_content(fixture *f, const void *data)
{
	static const struct {
		const char *content;
		size_t n; /* 0: strlen */
		const char *secret;
		const char *error;
	} cases[] = {{"hunter2\n", 0, "hunter2", NULL},
		     {"hunter2", 0, "hunter2", NULL},
		     {"hunter2\r\nnote to self\n", 0, "hunter2", NULL},
		     {" blanks stay \n", 0, " blanks stay ", NULL},
		     {"päsä\n", 0, "päsä", NULL},
		     {"", 0, NULL, "empty"},
		     {"\nsecond\n", 0, NULL, "empty"},
		     {"\r\n", 0, NULL, "empty"},
		     {"a\rb\n", 0, NULL, "control character"},
		     {"a\tb\n", 0, NULL, "control character"},
		     {"a\x7f\n", 0, NULL, "control character"},
		     {"a\0b\n", 4, NULL, "control character"}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(lk_secret) secret = NULL;
		g_autoptr(GError) error = NULL;
		g_test_message("case %zu", i);
		write_secret(f, cases[i].content,
			     cases[i].n ? cases[i].n : strlen(cases[i].content), 0600);
		bool ok = lk_secret_from_file(f->path, &secret, &error);
		g_assert_true(ok == (cases[i].secret != NULL));
		if (ok) {
			g_assert_cmpstr(lk_secret_text(secret), ==, cases[i].secret);
			continue;
		}
		g_assert_true(lk_err_is(error, LK_ERR_CONFIG));
		g_assert_nonnull(strstr(error->message, f->path));
		g_assert_nonnull(strstr(error->message, cases[i].error));
	}
}

static void test_file_length(fixture *f, const void *data)
{
	g_autofree char *longest = g_strnfill(4096, 'x');
	g_autofree char *line = g_strconcat(longest, "\r\n", NULL);
	g_autofree char *too_long = g_strconcat(longest, "x\n", NULL);
	g_autoptr(lk_secret) secret = NULL;
	g_autoptr(GError) error = NULL;
	write_secret(f, line, strlen(line), 0600);
	g_assert_true(lk_secret_from_file(f->path, &secret, &error));
	g_assert_cmpuint(lk_secret_size(secret), ==, 4096);
	write_secret(f, too_long, strlen(too_long), 0600);
	lk_secret *none = NULL;
	g_assert_false(lk_secret_from_file(f->path, &none, &error));
	g_assert_null(none);
	g_assert_nonnull(strstr(error->message, "4096"));
	g_assert_null(strstr(error->message, "xxx"));
}

static void test_file_modes(fixture *f, const void *data)
{
	static const int modes[] = {0400, 0600, 0700, 0640, 0604, 0660, 0602, 0610, 0444};
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_autoptr(lk_secret) secret = NULL;
		g_autoptr(GError) error = NULL;
		write_secret(f, "s\n", 2, modes[i]);
		bool is_private = (modes[i] & 077) == 0;
		g_test_message("%o", (unsigned)modes[i]);
		g_assert_true(lk_secret_from_file(f->path, &secret, &error) == is_private);
		g_assert_true(is_private || strstr(error->message, "chmod 600"));
	}
}

static void assert_refused(const char *path, const char *why)
{
	lk_secret *secret = NULL;
	g_autoptr(GError) error = NULL;
	g_assert_false(lk_secret_from_file(path, &secret, &error));
	g_assert_true(lk_err_is(error, LK_ERR_CONFIG));
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, why));
	lk_secret_free(secret);
}

static void test_file_kinds(fixture *f, const void *data)
{
	g_autofree char *link = g_build_filename(f->dir, "link", NULL);
	g_autofree char *fifo = g_build_filename(f->dir, "fifo", NULL);
	write_secret(f, "s\n", 2, 0600);
	g_assert_cmpint(symlink("secret", link), ==, 0);
	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	assert_refused(link, "symbolic link");
	assert_refused(fifo, "regular");
	assert_refused(f->dir, "regular");
	assert_refused("/nowhere/at/all", "No such file");
	unlink(link);
	unlink(fifo);
}

static void test_credential(fixture *f, const void *data)
{
	write_secret(f, "from systemd\n", 13, 0440); /* the group bits are the mask of an ACL */
	g_unsetenv("CREDENTIALS_DIRECTORY");
	assert_refused("credential:secret", "LoadCredential");
	g_setenv("CREDENTIALS_DIRECTORY", f->dir, TRUE);
	g_autoptr(lk_secret) secret = NULL;
	g_autoptr(GError) error = NULL;
	g_assert_true(lk_secret_from_file("credential:secret", &secret, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(lk_secret_text(secret), ==, "from systemd");
	assert_refused("credential:", "not the name");
	assert_refused("credential:../secret", "not the name");
	assert_refused("credential:.hidden", "not the name");
	assert_refused("credential:none", "No such file");
	write_secret(f, "s\n", 2, 0444);
	assert_refused("credential:secret", "chmod 600");
	g_unsetenv("CREDENTIALS_DIRECTORY");
}

static void test_command(void)
{
	static const struct {
		const char *command;
		const char *secret;
		const char *error;
	} cases[] = {
		{"echo hunter2", "hunter2", NULL},
		{"printf 'two  words\\nmore\\n'", "two  words", NULL},
		{"sh -c 'echo \"$0\"' \"a b\"", "a b", NULL},
		{"echo $HOME *", "$HOME *", NULL},
		/* many lines behind the first, more than a pipe holds */
		{"sh -c 'echo first; seq 100000'", "first", NULL},
		/* standard input is closed: reading it ends at once */
		{"sh -c 'cat; echo done'", "done", NULL},
		/* a child left behind that holds the pipe does not keep us waiting */
		{"sh -c 'sleep 60 2>/dev/null & echo left; exit 0'", "left", NULL},
		{"true", NULL, "empty"},
		{"sh -c 'echo s; exit 3'", NULL, "status 3"},
		{"sh -c 'echo s; kill -9 $$'", NULL, "signal 9"},
		{"/nowhere/program", NULL, "No such file"},
		{"echo 'open", NULL, "cannot be split"},
		{"", NULL, "cannot be split"},
		{"sh -c 'head -c 5000 /dev/zero | tr \"\\0\" x'", NULL, "longer than 4096"},
		{"printf 'a\\033b'", NULL, "control character"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(lk_secret) secret = NULL;
		g_autoptr(GError) error = NULL;
		g_test_message("%s", cases[i].command);
		int64_t start = lk_monotonic_ms();
		bool ok = lk_secret_from_command(cases[i].command, 30000, &secret, &error);
		g_assert_cmpint(lk_monotonic_ms() - start, <, 25000);
		g_assert_true(ok == (cases[i].secret != NULL));
		if (ok) {
			g_assert_cmpstr(lk_secret_text(secret), ==, cases[i].secret);
			continue;
		}
		g_assert_true(lk_err_is(error, LK_ERR_CONFIG));
		g_assert_nonnull(strstr(error->message, cases[i].error));
	}
}

static void test_command_timeout(void)
{
	static const char *const slow[] = {"sleep 60", "sh -c 'echo early; sleep 60'",
					   "sh -c 'trap \"\" TERM; sleep 60 & wait'", "yes"};
	for (size_t i = 0; i < G_N_ELEMENTS(slow); i++) {
		lk_secret *secret = NULL;
		g_autoptr(GError) error = NULL;
		int64_t start = lk_monotonic_ms();
		g_assert_false(lk_secret_from_command(slow[i], 200, &secret, &error));
		g_assert_cmpint(lk_monotonic_ms() - start, <, 20000);
		g_assert_true(lk_err_is(error, LK_ERR_RETRY));
		g_assert_nonnull(strstr(error->message, "in time"));
		g_assert_null(secret);
	}
}

/* The command starts with no signal blocked, whatever its parent blocks. */
static void test_command_signals(void)
{
	sigset_t blocked;
	sigset_t old;
	sigfillset(&blocked);
	sigprocmask(SIG_BLOCK, &blocked, &old);
	g_autoptr(lk_secret) mask = NULL;
	g_assert_true(lk_secret_from_command("sed -n 's/^SigBlk:.//p' /proc/self/status", 30000,
					     &mask, NULL));
	sigprocmask(SIG_SETMASK, &old, NULL);
	g_assert_cmpstr(mask ? lk_secret_text(mask) : NULL, ==, "0000000000000000");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	lk_sodium_init();
	g_test_add_func("/secret/memory", test_memory);
	g_test_add_func("/secret/guarded", test_guarded);
	g_test_add("/secret/file-content", fixture, NULL, set_up, test_file_content, tear_down);
	g_test_add("/secret/file-length", fixture, NULL, set_up, test_file_length, tear_down);
	g_test_add("/secret/file-modes", fixture, NULL, set_up, test_file_modes, tear_down);
	g_test_add("/secret/file-kinds", fixture, NULL, set_up, test_file_kinds, tear_down);
	g_test_add("/secret/credential", fixture, NULL, set_up, test_credential, tear_down);
	g_test_add_func("/secret/command", test_command);
	g_test_add_func("/secret/command-timeout", test_command_timeout);
	g_test_add_func("/secret/command-signals", test_command_signals);
	return g_test_run();
}
