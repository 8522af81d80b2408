#include "lib/net/connect.h"

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/net/stream-private.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	SHARE_MS = 5000, /* an address is given at least this much of the time that is left */
	KEEPALIVE_IDLE_S = 120,
	KEEPALIVE_INTERVAL_S = 30,
	KEEPALIVE_COUNT = 4,
	UNACKNOWLEDGED_MS = 120000
};

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	}
	if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
		return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
		       (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) && in6->sin6_addr.s6_addr[12] == 127);
	}
	return false;
}

/* A peer that vanishes without a FIN is noticed although an idle session sends nothing. */
static void watch_the_peer(int fd)
{
	const struct {
		int level, name, value;
	} options[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
		{IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
		{IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
				 sizeof options[i].value);
}

/* Waits until a non-blocking connect has ended. Returns an errno, 0 when it is connected. */
static int finish_connect(lk_stream *stream, int fd, int64_t until)
{
	for (;;) {
		int64_t left = until - lk_monotonic_ms();
		if (left <= 0)
			return ETIMEDOUT;
		struct pollfd polled[] = {{.fd = fd, .events = POLLOUT},
					  {.fd = stream->wake_fd, .events = POLLIN}};
		int n = poll(polled, stream->wake_fd >= 0 ? 2 : 1, (int)left);
		if (n < 0 && errno != EINTR)
			return errno;
		if (n <= 0)
			continue;
		if (polled[1].revents)
			return ECANCELED;
		int result = 0;
		socklen_t size = sizeof result;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size) < 0)
			return errno;
		return result;
	}
}

/* One address. Returns an errno; 0 leaves the socket in the stream. */
static int try_address(lk_stream *stream, const struct sockaddr *address, socklen_t size,
		       int64_t until)
{
	lk_autofd int fd =
		socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	int result = 0;
	if (connect(fd, address, size) < 0)
		result = errno == EINPROGRESS || errno == EINTR ? finish_connect(stream, fd, until)
								: errno;
	if (result != 0)
		return result;
	if (address->sa_family != AF_UNIX)
		watch_the_peer(fd);
	stream->fd = fd;
	fd = -1;
	return 0;
}

static bool unreachable(const lk_stream *stream, const char *why, GError **error)
{
	g_set_error(error, LK_ERROR, LK_ERR_RETRY,
		    "cannot reach %s: %s; check host, port and the network", stream->name, why);
	return false;
}

static bool connect_unix(lk_stream *stream, const char *path, GError **error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	if (n >= sizeof address.sun_path) {
		g_set_error(error, LK_ERROR, LK_ERR_MAILBOX,
			    "%s: the path is too long for a unix socket; use a shorter one", path);
		return false;
	}
	memcpy(address.sun_path, path, n + 1);
	int result = try_address(stream, (const struct sockaddr *)(const void *)&address,
				 sizeof address, stream->deadline);
	return result == 0 || unreachable(stream, g_strerror(result), error);
}

static bool resolve(const lk_stream *stream, const lk_server *server,
		    struct addrinfo **ret_addresses, GError **error)
{
	/* No AI_ADDRCONFIG: it hides loopback on a machine that has nothing else. */
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	g_autofree char *port = g_strdup_printf("%d", server->port);
	int result = getaddrinfo(server->host, port, &hints, ret_addresses);
	if (result == 0)
		return true;
	return unreachable(stream, result == EAI_SYSTEM ? g_strerror(errno) : gai_strerror(result),
			   error);
}

bool lk_connect(lk_stream *stream, const lk_server *server, GError **error)
{
	if (server->host[0] == '/')
		return connect_unix(stream, server->host, error);
	struct addrinfo *addresses = NULL;
	if (!resolve(stream, server, &addresses, error))
		return false;
	int64_t left = 0;
	int result = 0;
	bool tried = false;
	for (struct addrinfo *a = addresses; a && result != ECANCELED; a = a->ai_next) {
		if (server->tls == LK_TLS_NONE && !is_loopback(a->ai_addr))
			continue;
		tried = true;
		left = stream->deadline - lk_monotonic_ms();
		int64_t share = a->ai_next ? MIN(left, MAX(left / 2, SHARE_MS)) : left;
		result = try_address(stream, a->ai_addr, a->ai_addrlen, lk_monotonic_ms() + share);
		if (result == 0)
			break;
	}
	freeaddrinfo(addresses);
	if (!tried) {
		g_set_error(error, LK_ERROR, LK_ERR_MAILBOX,
			    "%s: tls = \"none\" is only for this machine itself and would show "
			    "password and mail to the network; use \"implicit\" or \"starttls\"",
			    stream->name);
		return false;
	}
	if (result != 0)
		return unreachable(stream, g_strerror(result), error);
	return true;
}
