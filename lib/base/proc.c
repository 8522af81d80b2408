#include "lib/base/proc.h"

#include "lib/base/units.h"

#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

/* Field 22 of /proc/PID/stat (proc(5)), counted behind the name, which may hold anything. */
static bool read_start(int64_t pid, int64_t *ret_start)
{
	enum { FIELDS_FROM_STATE_TO_START = 19 };
	g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/stat", pid);
	g_autofree char *stat = NULL;
	if (!g_file_get_contents(path, &stat, NULL, NULL))
		return false;
	const char *after_name = strrchr(stat, ')');
	if (!after_name || after_name[1] != ' ')
		return false;
	g_auto(GStrv) fields = g_strsplit(after_name + 2, " ", FIELDS_FROM_STATE_TO_START + 2);
	return g_strv_length(fields) > FIELDS_FROM_STATE_TO_START &&
	       lk_parse_int(fields[FIELDS_FROM_STATE_TO_START], 0, INT64_MAX, ret_start, NULL);
}

char *lk_proc_name(const char *host)
{
	int64_t start = 0;
	(void)read_start(getpid(), &start);
	return g_strdup_printf("%s/%d/%" G_GINT64_FORMAT, host, (int)getpid(), start);
}

bool lk_proc_has_died(const char *host, const char *name)
{
	size_t n = strlen(host);
	if (strncmp(name, host, n) != 0 || name[n] != '/')
		return false;
	g_auto(GStrv) parts = g_strsplit(name + n + 1, "/", 3);
	int64_t pid;
	int64_t start;
	int64_t now;
	if (g_strv_length(parts) != 2 || !lk_parse_int(parts[0], 1, G_MAXINT32, &pid, NULL) ||
	    !lk_parse_int(parts[1], 0, INT64_MAX, &start, NULL))
		return false;
	return !read_start(pid, &now) || now != start;
}

static void set_stream(posix_spawn_file_actions_t *actions, int from, int to, int flags)
{
	if (from >= 0)
		posix_spawn_file_actions_adddup2(actions, from, to);
	else
		posix_spawn_file_actions_addopen(actions, to, "/dev/null", flags, 0);
}

int lk_proc_start(char **argv, int input, int output, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	sigset_t all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	set_stream(&actions, input, STDIN_FILENO, O_RDONLY);
	set_stream(&actions, output, STDOUT_FILENO, O_WRONLY);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	int failed = posix_spawnp(ret_pid, argv[0], &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return failed;
}
