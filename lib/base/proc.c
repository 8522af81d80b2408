#include "lib/base/proc.h"

#include "lib/base/units.h"

#include <glib.h>
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
