#include "lib/net/stream.h"

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/net/connect.h"
#include "lib/net/stream-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BUFFER_BYTES = 16384,
	CONNECT_MS = 30000,
	IO_MS = 60000,
	COMMAND_MS = 300000,
	BYTES_PER_MS = 16, /* a link slower than this is taken for a server that drips */
	GREETING_BYTES = 65536,
	QUOTE_BYTES = 300
};

static lk_stream *new_stream(int fd, const char *name)
{
	lk_stream *stream = g_new0(lk_stream, 1);
	stream->fd = fd;
	stream->wake_fd = -1;
	stream->name = g_strdup(name);
	stream->buffer = g_malloc(BUFFER_BYTES);
	return stream;
}

void lk_stream_free(lk_stream *stream)
{
	if (!stream)
		return;
	if (stream->tls) {
		/* One try: the other side may have gone, and nothing depends on its answer. */
		if (!stream->reason)
			gnutls_bye(stream->tls, GNUTLS_SHUT_WR);
		gnutls_deinit(stream->tls);
	}
	lk_close_fd(&stream->fd);
	g_free(stream->name);
	g_free(stream->host);
	g_free(stream->ca_file);
	g_free(stream->pin);
	g_free(stream->buffer);
	g_free(stream->reason);
	g_free(stream);
}

lk_stream *lk_stream_from_fd(int fd, const char *name, int io_timeout_ms, int wake_fd)
{
	lk_stream *stream = new_stream(fd, name);
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		lk_stream_kill(stream, g_strerror(errno));
	stream->wake_fd = wake_fd;
	stream->io_ms = io_timeout_ms > 0 ? io_timeout_ms : IO_MS;
	stream->command_ms = COMMAND_MS;
	lk_stream_begin(stream, 0, GREETING_BYTES);
	return stream;
}

bool lk_stream_open(const lk_server *server, lk_stream **ret_stream, GError **error)
{
	g_autofree char *name = server->host[0] == '/'
					? g_strdup(server->host)
					: g_strdup_printf("%s:%d", server->host, server->port);
	g_autoptr(lk_stream) stream = new_stream(-1, name);
	stream->host = g_strdup(server->host[0] == '/' ? "localhost" : server->host);
	stream->ca_file = g_strdup(server->ca_file ? server->ca_file : "");
	stream->pin = g_strdup(server->pin ? server->pin : "");
	stream->wake_fd = server->wake_fd;
	stream->dialogue = server->dialogue;
	stream->connect_ms =
		server->connect_timeout_ms > 0 ? server->connect_timeout_ms : CONNECT_MS;
	stream->io_ms = server->io_timeout_ms > 0 ? server->io_timeout_ms : IO_MS;
	stream->command_ms =
		server->command_timeout_ms > 0 ? server->command_timeout_ms : COMMAND_MS;
	/* One deadline for all of it: name, addresses, handshake. */
	lk_stream_begin(stream, stream->connect_ms, GREETING_BYTES);
	if (!lk_connect(stream, server, error))
		return false;
	if (server->tls == LK_TLS_IMPLICIT && !lk_stream_start_tls(stream, error))
		return false;
	lk_stream_begin(stream, 0, GREETING_BYTES);
	*ret_stream = g_steal_pointer(&stream);
	return true;
}

void lk_stream_begin(lk_stream *stream, int timeout_ms, uint64_t most_bytes)
{
	stream->deadline = lk_monotonic_ms() + (timeout_ms > 0 ? timeout_ms : stream->command_ms);
	stream->budget = most_bytes;
}

bool lk_stream_kill(lk_stream *stream, const char *reason)
{
	if (!stream->reason)
		stream->reason = g_strdup(reason);
	return false;
}

bool lk_stream_is_dead(const lk_stream *stream)
{
	return stream->reason != NULL;
}

const char *lk_stream_name(const lk_stream *stream)
{
	return stream->name;
}

bool lk_stream_fail(const lk_stream *stream, const char *what, GError **error)
{
	g_set_error(error, LK_ERROR, LK_ERR_RETRY, "%s: %s%s%s", stream->name, what ? what : "",
		    what ? ": " : "", stream->reason ? stream->reason : "the session has ended");
	return false;
}

int lk_stream_set_wake(lk_stream *stream, int wake_fd)
{
	int before = stream->wake_fd;
	stream->wake_fd = wake_fd;
	return before;
}

bool lk_stream_poll(lk_stream *stream, short events)
{
	int64_t until = MIN(lk_monotonic_ms() + stream->io_ms, stream->deadline);
	for (;;) {
		int64_t left = until - lk_monotonic_ms();
		if (left <= 0)
			return lk_stream_kill(
				stream, "no answer in time; check the server and the network");
		struct pollfd polled[] = {{.fd = stream->fd, .events = events},
					  {.fd = stream->wake_fd, .events = POLLIN}};
		int n = poll(polled, stream->wake_fd >= 0 ? 2 : 1, (int)MIN(left, INT32_MAX));
		if (n < 0 && errno != EINTR)
			return lk_stream_kill(stream, g_strerror(errno));
		if (n <= 0)
			continue;
		if (polled[1].revents)
			return lk_stream_kill(stream, "interrupted");
		return true;
	}
}

/* What a receive or send that did not move bytes means: try again after poll(), or dead. */
static bool tls_must_wait(lk_stream *stream, ssize_t result, bool *ret_again)
{
	*ret_again = false;
	if (result == GNUTLS_E_AGAIN)
		return true;
	if (result == GNUTLS_E_INTERRUPTED || result == GNUTLS_E_REHANDSHAKE ||
	    result == GNUTLS_E_WARNING_ALERT_RECEIVED) {
		*ret_again = true; /* renegotiation is not answered: RFC 5246 7.4.1.1 allows that */
		return true;
	}
	if (result == 0 || result == GNUTLS_E_PREMATURE_TERMINATION)
		return lk_stream_kill(stream, "the server closed the connection");
	g_autofree char *reason = g_strdup_printf("TLS: %s", gnutls_strerror((int)result));
	return lk_stream_kill(stream, reason);
}

static bool plain_must_wait(lk_stream *stream, ssize_t result, bool *ret_again)
{
	*ret_again = result < 0 && errno == EINTR;
	if (result == 0)
		return lk_stream_kill(stream, "the server closed the connection");
	if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)
		return true;
	return lk_stream_kill(stream, g_strerror(errno));
}

/* Receives what is there into the empty buffer. *ret_n 0: nothing yet. False: dead. */
static bool receive(lk_stream *stream, short *ret_events, size_t *ret_n)
{
	if (stream->reason)
		return false;
	bool again = true;
	while (again) {
		ssize_t n = stream->tls
				    ? gnutls_record_recv(stream->tls, stream->buffer, BUFFER_BYTES)
				    : recv(stream->fd, stream->buffer, BUFFER_BYTES, 0);
		if (n > 0) {
			stream->start = 0;
			stream->end = (size_t)n;
			*ret_n = (size_t)n;
			return true;
		}
		if (stream->tls ? !tls_must_wait(stream, n, &again)
				: !plain_must_wait(stream, n, &again))
			return false;
	}
	*ret_n = 0;
	*ret_events = stream->tls && gnutls_record_get_direction(stream->tls) ? POLLOUT : POLLIN;
	return true;
}

/* At least one byte in the buffer, within the command's bounds. */
static bool fill(lk_stream *stream)
{
	size_t n = stream->end - stream->start;
	if (n > 0)
		return true;
	short events = POLLIN;
	while (receive(stream, &events, &n)) {
		if (n == 0) {
			if (!lk_stream_poll(stream, events))
				return false;
			continue;
		}
		/* Checked here too: a server that always has bytes never lets us reach poll(). */
		if (lk_monotonic_ms() > stream->deadline)
			return lk_stream_kill(stream, "the answer took too long");
		if (n > stream->budget)
			return lk_stream_kill(stream, "the answer is longer than it may be");
		stream->budget -= n;
		stream->deadline += (int64_t)n / BYTES_PER_MS;
		if (stream->dialogue)
			lk_dialogue_said(stream->dialogue, false, stream->buffer + stream->start,
					 n);
		return true;
	}
	return false;
}

bool lk_stream_peek(lk_stream *stream, const char **ret_bytes, size_t *ret_n)
{
	if (!fill(stream))
		return false;
	*ret_bytes = stream->buffer + stream->start;
	*ret_n = stream->end - stream->start;
	return true;
}

void lk_stream_consume(lk_stream *stream, size_t n)
{
	g_assert(n <= stream->end - stream->start);
	stream->start += n;
}

ssize_t lk_stream_read(lk_stream *stream, void *buffer, size_t n)
{
	const char *bytes;
	size_t there;
	if (n == 0 || !lk_stream_peek(stream, &bytes, &there))
		return -1;
	there = MIN(there, n);
	memcpy(buffer, bytes, there);
	lk_stream_consume(stream, there);
	return (ssize_t)there;
}

bool lk_stream_read_line(lk_stream *stream, size_t most_bytes, GString *line)
{
	g_string_truncate(line, 0);
	const char *bytes;
	size_t n;
	while (lk_stream_peek(stream, &bytes, &n)) {
		const char *end = memchr(bytes, '\n', n);
		size_t take = end ? (size_t)(end - bytes) + 1 : n;
		if (line->len + take > most_bytes)
			return lk_stream_kill(stream, "the server sent a line that is too long");
		g_string_append_len(line, bytes, (gssize)take);
		lk_stream_consume(stream, take);
		if (!end)
			continue;
		g_string_truncate(line, line->len - 1);
		stream->ended_in_lf = line->len == 0 || line->str[line->len - 1] != '\r';
		if (!stream->ended_in_lf)
			g_string_truncate(line, line->len - 1);
		return true;
	}
	return false;
}

bool lk_stream_ended_in_lf(const lk_stream *stream)
{
	return stream->ended_in_lf;
}

size_t lk_stream_pending(const lk_stream *stream)
{
	return stream->end - stream->start;
}

bool lk_stream_write(lk_stream *stream, const void *bytes, size_t n)
{
	const char *p = bytes;
	while (n > 0) {
		if (stream->reason)
			return false;
		ssize_t done = stream->tls ? gnutls_record_send(stream->tls, p, n)
					   : send(stream->fd, p, n, MSG_NOSIGNAL);
		if (done > 0) {
			if (stream->dialogue)
				lk_dialogue_said(stream->dialogue, true, p, (size_t)done);
			p += done;
			n -= (size_t)done;
			stream->deadline += done / BYTES_PER_MS;
			if (lk_monotonic_ms() > stream->deadline)
				return lk_stream_kill(stream, "sending took too long");
			continue;
		}
		bool again;
		if (stream->tls ? !tls_must_wait(stream, done, &again)
				: !plain_must_wait(stream, done, &again))
			return false;
		short events =
			stream->tls && !gnutls_record_get_direction(stream->tls) ? POLLIN : POLLOUT;
		if (!again && !lk_stream_poll(stream, events))
			return false;
	}
	return true;
}

lk_wait lk_stream_wait(lk_stream *stream, int timeout_ms)
{
	int64_t until = lk_monotonic_ms() + timeout_ms;
	while (stream->start == stream->end) {
		size_t n;
		short events = POLLIN;
		if (!receive(stream, &events, &n))
			return LK_WAIT_FAILED;
		if (n > 0)
			break;
		int64_t left = until - lk_monotonic_ms();
		struct pollfd polled[] = {{.fd = stream->fd, .events = events},
					  {.fd = stream->wake_fd, .events = POLLIN}};
		int ready =
			poll(polled, stream->wake_fd >= 0 ? 2 : 1, (int)CLAMP(left, 0, INT32_MAX));
		if (ready < 0 && errno != EINTR) {
			lk_stream_kill(stream, g_strerror(errno));
			return LK_WAIT_FAILED;
		}
		if (ready > 0 && polled[1].revents)
			return LK_WAIT_WOKEN;
		if (ready == 0 && left <= 0)
			return LK_WAIT_TIMEOUT;
	}
	return LK_WAIT_READABLE;
}

char *lk_net_quote(const char *words, const lk_secret *secret)
{
	g_autoptr(GString) text = g_string_new(words ? words : "");
	if (secret && lk_secret_size(secret) > 0)
		g_string_replace(text, lk_secret_text(secret), "***", 0);
	g_autofree char *clean = lk_text_clean(text->str, text->len);
	g_autofree char *line = lk_text_squeeze(clean);
	return lk_text_cut(line, QUOTE_BYTES);
}

bool lk_net_check_argument(const char *what, const char *value, GError **error)
{
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			g_set_error(error, LK_ERROR, LK_ERR_MAILBOX,
				    "the %s holds a control character; remove it", what);
			return false;
		}
	return true;
}
