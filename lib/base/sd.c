#include "lib/base/sd.h"

#include "lib/base/io.h"
#include "lib/base/units.h"

#include <glib.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool lk_sd_notify(const char *format, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (!path || (path[0] != '/' && path[0] != '@') || !path[1] ||
	    strlen(path) >= sizeof address.sun_path)
		return false;
	memcpy(address.sun_path, path, strlen(path));
	if (path[0] == '@') /* an abstract name, written the way systemd does */
		address.sun_path[0] = '\0';
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	lk_autofd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	ssize_t sent = sendto(fd, message, strlen(message), MSG_NOSIGNAL,
			      (const struct sockaddr *)&address, n);
	return sent == (ssize_t)strlen(message);
}

int lk_sd_watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	int64_t value;
	if (!usec || !lk_parse_int(usec, 1, INT64_MAX, &value, NULL))
		return 0;
	int64_t for_pid;
	if (pid && (!lk_parse_int(pid, 1, INT32_MAX, &for_pid, NULL) || for_pid != getpid()))
		return 0;
	return (int)CLAMP(value / 2000, 1, INT32_MAX);
}
