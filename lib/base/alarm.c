#include "lib/base/alarm.h"

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/proc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

static bool fail(GError **error, const char *command, const char *why)
{
	g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
		    "the alarm command %s did not do its work: %s; run it by hand to see why",
		    command, why);
	return false;
}

/* The text as a file without a name, at its beginning; -1 with errno. */
static int file_of(const char *text)
{
	size_t n = strlen(text);
	int fd = memfd_create("luukku-alarm", MFD_CLOEXEC);

	if (fd >= 0 && (write(fd, text, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* False when the time is up; then it lives no more either. */
static bool wait_for(pid_t pid, int timeout_ms, int *ret_status)
{
	lk_autofd int pidfd = pidfd_open(pid, 0);
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	int64_t until = lk_monotonic_ms() + timeout_ms;
	bool has_ended = false;

	while (pidfd >= 0 && !has_ended && lk_monotonic_ms() < until)
		has_ended = poll(&end, 1, (int)(until - lk_monotonic_ms())) > 0;
	if (!has_ended)
		kill(-pid, SIGKILL);
	while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
		;
	return has_ended;
}

bool lk_alarm_run(const char *command, const char *text, int timeout_ms, GError **error)
{
	g_auto(GStrv) argv = NULL;
	int status = 0;
	pid_t pid = 0;

	if (!g_shell_parse_argv(command, NULL, &argv, NULL))
		return fail(error, command, "its words cannot be told apart");
	lk_autofd int input = file_of(text);
	if (input < 0)
		return fail(error, argv[0], g_strerror(errno));
	int failed = lk_proc_start(argv, input, -1, &pid);
	if (failed)
		return fail(error, argv[0], g_strerror(failed));
	if (!wait_for(pid, timeout_ms, &status))
		return fail(error, argv[0], "it did not end in time");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return fail(error, argv[0], "it ended with an error");
	return true;
}
