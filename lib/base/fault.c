#include "lib/base/fault.h"

#include "lib/base/io.h"
#include "lib/base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* How many lines of DIR/passed end with this point's name. The file is ours and small. */
static int64_t count_passings(const char *path, const char *name)
{
	g_autofree char *content = NULL;
	if (!g_file_get_contents(path, &content, NULL, NULL))
		g_error("%s: cannot be read: %s", path, g_strerror(errno));
	int64_t count = 0;
	for (char *line = content; *line;) {
		char *end = strchr(line, '\n');
		if (!end)
			break;
		*end = '\0';
		const char *point = strchr(line, ' ');
		if (point && strcmp(point + 1, name) == 0)
			count++;
		line = end + 1;
	}
	return count;
}

/* The lock makes the number of a passing exact however many processes pass at once. */
static int64_t record_passing(const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(dir, "passed", NULL);
	g_autofree char *line = g_strdup_printf("%s %s\n", program_invocation_short_name, name);
	lk_autofd int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || flock(fd, LOCK_EX) != 0 || !lk_write_all(fd, line, strlen(line), NULL))
		g_error("%s: cannot be written: %s", path, g_strerror(errno));
	return getenv("LUUKKU_FAULT") ? count_passings(path, name) : 0;
}

/* LUUKKU_FAULT=name:N, for this name? */
static bool is_wanted(const char *name, int64_t *ret_n)
{
	const char *wanted = getenv("LUUKKU_FAULT");
	const char *colon = wanted ? strrchr(wanted, ':') : NULL;
	if (!colon)
		return false;
	if ((size_t)(colon - wanted) != strlen(name) || strncmp(wanted, name, strlen(name)) != 0)
		return false;
	return lk_parse_int(colon + 1, 1, INT64_MAX, ret_n, NULL);
}

void lk_fault(const char *name)
{
	static const char *dir;
	static bool is_read;
	if (!is_read) {
		dir = getenv("LUUKKU_FAULT_DIR");
		is_read = true;
	}
	if (!dir)
		return;
	int64_t passing = record_passing(dir, name);
	int64_t n;
	if (!is_wanted(name, &n) || passing != n)
		return;
	g_autofree char *killed = g_build_filename(dir, "killed", NULL);
	lk_autofd int fd = open(killed, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd >= 0)
		kill(getpid(), SIGKILL);
}

bool lk_fault_mode(const char *name)
{
	const char *modes = getenv("LUUKKU_FAULT_MODE");
	if (!modes)
		return false;
	g_auto(GStrv) list = g_strsplit(modes, ",", -1);
	return g_strv_contains((const char *const *)list, name);
}
