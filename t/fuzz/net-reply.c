/* Replies of SMTP servers, and mails up to their final dot, as any server may send them. */
#include "lib/net/dots.h"
#include "lib/net/smtp-reply.h"
#include "lib/net/stream.h"

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_BYTES = 65536 };

/* A stream from which these bytes, and then the end, can be read; NULL when they do not fit. */
static lk_stream *stream_of(const uint8_t *data, size_t n)
{
	int ends[2];
	int room = 4 * MOST_BYTES;
	if (n > MOST_BYTES || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return NULL;
	g_assert(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
	bool fits = send(ends[1], data, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n;
	close(ends[1]);
	lk_stream *stream = lk_stream_from_fd(ends[0], "fuzz", 100, -1);
	if (fits)
		return stream;
	lk_stream_free(stream);
	return NULL;
}

static void read_replies(const uint8_t *data, size_t n)
{
	g_autoptr(lk_stream) stream = stream_of(data, n);
	lk_smtp_reply reply = {0};
	while (stream && lk_smtp_reply_read(stream, &reply)) {
		g_autofree char *status = lk_smtp_reply_status(&reply);
		g_autofree char *words = lk_net_quote(reply.text->str, NULL);
		g_assert(reply.code >= 200 && reply.code < 600);
		g_assert(!status || (strlen(status) >= 5 && strlen(status) <= 9));
		g_assert(g_utf8_validate(words, -1, NULL));
	}
	g_assert(!stream || lk_stream_is_dead(stream));
	lk_smtp_reply_clear(&reply);
}

static void read_mails(const uint8_t *data, size_t n)
{
	for (int mode = LK_DOTS_STRICT; mode <= LK_DOTS_LENIENT; mode++) {
		g_autoptr(lk_stream) stream = stream_of(data, n);
		uint64_t size = 0, total = 0;
		while (stream && lk_dots_read(stream, (lk_dots_mode)mode, 4096, true, -1, &size,
					      NULL) != LK_DOTS_LOST)
			total += size;
		g_assert(total <= n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	read_replies(data, n);
	read_mails(data, n);
	return 0;
}
