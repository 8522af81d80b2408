#include "daemon/listen.h"

#include "lib/base/err.h"
#include "lib/base/io.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

static bool fail(const char *setting, const char *where, GError **error)
{
	g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
		    "%s %s: %s; give it an address of this host and a port where no other program "
		    "listens",
		    setting, where, g_strerror(errno));
	return false;
}

bool lk_listen_tcp(const char *setting, const char *where, int *ret_fd, GError **error)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	const char *colon = strrchr(where, ':');
	g_autofree char *host = g_strndup(where, colon != NULL ? (size_t)(colon - where) : 0);
	struct addrinfo *found = NULL;
	lk_autofd int fd = -1;
	bool is_bound;
	int on = 1;

	g_strdelimit(host, "[]", ' ');
	errno = EADDRNOTAVAIL;
	if (colon == NULL || getaddrinfo(g_strstrip(host), colon + 1, &hints, &found) != 0)
		return fail(setting, where, error);
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	is_bound = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 &&
		   listen(fd, LK_LISTEN_BACKLOG) == 0;
	freeaddrinfo(found);
	if (!is_bound)
		return fail(setting, where, error);
	*ret_fd = fd;
	fd = -1;
	return true;
}
