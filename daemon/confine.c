#include "daemon/confine.h"

#include "lib/base/log.h"

#include <glib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

void lk_confine(int keep_fd)
{
	struct rlimit no_core = {0, 0};
	g_autoptr(GString) missing = g_string_new(NULL);

	if (close_range((unsigned)keep_fd + 1, ~0U, 0) != 0)
		g_string_append(missing, " close_range");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		g_string_append(missing, " no_new_privs");
	if (setrlimit(RLIMIT_CORE, &no_core) != 0)
		g_string_append(missing, " no_core");
#ifdef LUUKKU_SANITIZE
	/* The leak checker reads this process by ptrace when it ends. */
	g_string_append(missing, " not_dumpable(sanitizer)");
#else
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		g_string_append(missing, " not_dumpable");
#endif
	(void)umask(077);
	lk_debug("confine.done", "missing=\"%s\"", missing->len > 0 ? missing->str + 1 : "");
}
