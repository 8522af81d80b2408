/* LMTP as a client: hands one mail to luukku's own socket. */
#include "lib/net/lmtp.h"

#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/net/dots.h"
#include "lib/net/smtp-reply.h"
#include "lib/net/stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 16384, REPLY_BYTES = 1 << 20 };

/* A reply of another class than wanted as an error. */
static bool check(const lk_stream *stream, const lk_smtp_reply *reply, int wanted, const char *what,
		  GError **error)
{
	if (reply->code / 100 == wanted)
		return true;
	g_autofree char *words = lk_net_quote(reply->text->str, NULL);
	g_set_error(error, LK_ERROR, (int)(reply->code / 100 == 5 ? LK_ERR_DATA : LK_ERR_RETRY),
		    "%s: %s: %d %s", lk_stream_name(stream), what, reply->code, words);
	return false;
}

static bool command(lk_stream *stream, lk_smtp_reply *reply, int wanted, const char *line,
		    const char *what, GError **error)
{
	lk_stream_begin(stream, 0, REPLY_BYTES);
	if (!lk_smtp_say(stream, line) || !lk_smtp_reply_read(stream, reply))
		return lk_stream_fail(stream, what, error);
	return check(stream, reply, wanted, what, error);
}

static bool send_file(lk_stream *stream, int fd, GError **error)
{
	lk_dots_writer writer = {0};
	g_autoptr(GString) out = g_string_sized_new(2 * PIECE_BYTES);
	g_autofree char *piece = g_malloc(PIECE_BYTES);
	for (;;) {
		ssize_t n = read(fd, piece, PIECE_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			g_set_error(error, LK_ERROR, LK_ERR_RETRY, "reading the mail: %s",
				    g_strerror(errno));
			return false;
		}
		if (n == 0)
			break;
		g_string_truncate(out, 0);
		lk_dots_append(&writer, piece, (size_t)n, out);
		if (!lk_stream_write(stream, out->str, out->len))
			return lk_stream_fail(stream, "sending the mail", error);
	}
	g_string_truncate(out, 0);
	lk_dots_finish(&writer, out);
	g_string_append(out, ".\r\n");
	return lk_stream_write(stream, out->str, out->len) ||
	       lk_stream_fail(stream, "sending the mail", error);
}

static bool check_addresses(const char *from, const char *const *recipients, GError **error)
{
	for (size_t i = 0; recipients[i]; i++)
		if (!lk_address_is_sane(recipients[i])) {
			g_set_error(error, LK_ERROR, LK_ERR_DATA,
				    "recipient %zu is not a mail address", i + 1);
			return false;
		}
	if (*from && !lk_address_is_sane(from)) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA, "the sender is not a mail address");
		return false;
	}
	return true;
}

static bool talk(lk_stream *stream, lk_smtp_reply *reply, const char *from,
		 const char *const *recipients, int fd, GError **error)
{
	g_autofree char *mail = g_strdup_printf("MAIL FROM:<%s>", from);
	size_t n = 0;
	if (!lk_smtp_reply_read(stream, reply))
		return lk_stream_fail(stream, "greeting", error);
	if (!check(stream, reply, 2, "greeting", error) ||
	    !command(stream, reply, 2, "LHLO localhost", "greeting", error) ||
	    !command(stream, reply, 2, mail, "sender", error))
		return false;
	for (; recipients[n]; n++) {
		g_autofree char *line = g_strdup_printf("RCPT TO:<%s>", recipients[n]);
		if (!command(stream, reply, 2, line, "recipient", error))
			return false;
	}
	if (!command(stream, reply, 3, "DATA", "DATA", error) || !send_file(stream, fd, error))
		return false;
	/* One answer a recipient; the first that is not good is the answer to all. */
	g_autoptr(GError) worst = NULL;
	for (size_t i = 0; i < n; i++) {
		if (!lk_smtp_reply_read(stream, reply))
			return lk_stream_fail(stream, "the answer", error);
		if (!worst)
			(void)check(stream, reply, 2, "not taken", &worst);
	}
	/* What it says to that changes nothing, but leaving before it would look like a lost line.
	 */
	if (lk_smtp_say(stream, "QUIT"))
		(void)lk_smtp_reply_read(stream, reply);
	if (!worst)
		return true;
	g_propagate_error(error, g_steal_pointer(&worst));
	return false;
}

bool lk_lmtp_send(const char *path, const char *from, const char *const *recipients, int fd,
		  GError **error)
{
	g_assert(path[0] == '/' && recipients[0]);
	if (!check_addresses(from, recipients, error))
		return false;
	lk_server server = {.host = path, .tls = LK_TLS_NONE, .wake_fd = -1};
	g_autoptr(lk_stream) stream = NULL;
	if (!lk_stream_open(&server, &stream, error))
		return false;
	lk_smtp_reply reply = {0};
	bool is_good = talk(stream, &reply, from, recipients, fd, error);
	lk_smtp_reply_clear(&reply);
	return is_good;
}
