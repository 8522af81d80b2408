/* LMTP (RFC 2033): the server side, by hand, one connection at a time. */
#include "lib/net/lmtp.h"

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/base/units.h"
#include "lib/net/dots.h"
#include "lib/net/stream.h"

#include <string.h>
#include <unistd.h>

enum {
	LINE_BYTES = 4096,
	MOST_RECIPIENTS = 1000,
	MOST_ERRORS = 50, /* then the client is no mail server */
	MOST_REPLY = 400
};

typedef struct {
	lk_stream *stream;
	const lk_lmtp_options *options;
	GString *line;
	char *from;	       /* NULL: no MAIL yet */
	GPtrArray *recipients; /* of char *; without its NULL at the end */
	bool has_greeted;
	int errors;
} session;

static void forget_mail(session *s)
{
	g_clear_pointer(&s->from, g_free);
	g_ptr_array_set_size(s->recipients, 0);
}

/* A reply of one line; an error answer counts. False: the connection is lost. */
static bool say(session *s, int code, const char *text)
{
	g_autofree char *clean = lk_text_clean(text ? text : "", text ? strlen(text) : 0);
	g_autofree char *squeezed = lk_text_squeeze(clean);
	g_autofree char *cut = lk_text_cut(squeezed, MOST_REPLY);
	g_autofree char *line = g_strdup_printf("%d %s\r\n", code, cut);
	if (code >= 500)
		s->errors++;
	return lk_stream_write(s->stream, line, strlen(line));
}

static bool greet(session *s, const char *name)
{
	if (*name == '\0')
		return say(s, 501, "5.5.4 LHLO needs a name");
	s->has_greeted = true;
	forget_mail(s);
	g_autofree char *lines =
		g_strdup_printf("250-%s\r\n250-PIPELINING\r\n"
				"250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n"
				"250-SMTPUTF8\r\n250 SIZE %" G_GUINT64_FORMAT "\r\n",
				s->options->host_name, s->options->max_size);
	return lk_stream_write(s->stream, lines, strlen(lines));
}

/* "<path> parameters" into its two parts, a source route dropped. False: malformed. */
static bool split_path(char *rest, char **ret_path, char **ret_parameters)
{
	char *end = *rest == '<' ? strchr(rest, '>') : NULL;
	if (!end || (end[1] != '\0' && end[1] != ' '))
		return false;
	*end = '\0';
	char *path = rest + 1;
	char *colon = *path == '@' ? strchr(path, ':') : NULL;
	*ret_path = colon ? colon + 1 : path;
	*ret_parameters = g_strstrip(end + 1);
	return true;
}

/* SIZE= of the MAIL command against what we take. */
static bool is_too_large(const session *s, const char *parameters)
{
	g_auto(GStrv) words = g_strsplit(parameters, " ", -1);
	for (size_t i = 0; words[i]; i++) {
		int64_t size;
		if (g_ascii_strncasecmp(words[i], "SIZE=", 5) == 0 &&
		    lk_parse_int(words[i] + 5, 0, INT64_MAX, &size, NULL))
			return (uint64_t)size > s->options->max_size;
	}
	return false;
}

static bool take_mail(session *s, char *rest)
{
	char *path, *parameters;
	if (!s->has_greeted)
		return say(s, 503, "5.5.1 LHLO first");
	if (s->from)
		return say(s, 503, "5.5.1 one MAIL at a time");
	if (!split_path(rest, &path, &parameters) || (*path && !lk_address_is_sane(path)))
		return say(s, 501, "5.1.7 malformed sender");
	if (is_too_large(s, parameters))
		return say(s, 552, "5.3.4 the mail is too large");
	s->from = g_strdup(path);
	return say(s, 250, "2.1.0 ok");
}

static bool take_recipient(session *s, char *rest)
{
	char *path, *parameters;
	if (!s->from)
		return say(s, 503, "5.5.1 MAIL first");
	if (s->recipients->len >= MOST_RECIPIENTS)
		return say(s, 452, "4.5.3 too many recipients");
	if (!split_path(rest, &path, &parameters) || !lk_address_is_sane(path))
		return say(s, 501, "5.1.3 malformed recipient");
	if (s->options->accept && !s->options->accept(path, s->options->data))
		return say(s, 550, "5.1.1 no such mailbox here");
	g_ptr_array_add(s->recipients, g_strdup(path));
	return say(s, 250, "2.1.5 ok");
}

/* The same answer for every recipient. */
static bool say_to_all(session *s, int code, const char *text)
{
	for (guint i = 0; i < s->recipients->len; i++)
		if (!say(s, code, text))
			return false;
	return true;
}

/* Hands a complete mail over and answers once for each recipient. */
static bool deliver(session *s, int fd, uint64_t size)
{
	size_t n = s->recipients->len;
	g_ptr_array_add(s->recipients, NULL);
	g_autofree lk_lmtp_reply *replies = g_new0(lk_lmtp_reply, n);
	lk_lmtp_mail mail = {.from = s->from,
			     .recipients = (const char *const *)(void *)s->recipients->pdata,
			     .n_recipients = n,
			     .fd = fd,
			     .size = size};
	bool is_good = lseek(fd, 0, SEEK_SET) == 0;
	if (is_good)
		s->options->deliver(&mail, replies, s->options->data);
	g_ptr_array_set_size(s->recipients, (int)n);
	lk_stream_begin(s->stream, 0, LINE_BYTES * (uint64_t)MOST_RECIPIENTS);
	bool is_alive = true;
	for (size_t i = 0; i < n; i++) {
		bool has_reply = is_good && replies[i].code >= 200;
		is_alive = is_alive && say(s, has_reply ? replies[i].code : 451,
					   has_reply ? replies[i].text : "4.3.0 try again later");
		g_free(replies[i].text);
	}
	return is_alive;
}

static bool take_data(session *s)
{
	if (s->recipients->len == 0)
		return say(s, 503, "5.5.1 RCPT first");
	lk_autofd int fd = -1;
	g_autoptr(GError) trouble = NULL;
	if (!lk_spool_open(s->options->spool_dir, &fd, &trouble))
		return say(s, 451, "4.3.1 no room for a mail now");
	if (!say(s, 354, "go on"))
		return false;
	/* Too large or no room: read on, so that the refusal reaches a client that first writes. */
	uint64_t size;
	uint64_t most = s->options->max_size;
	lk_stream_begin(s->stream, 0, most > UINT64_MAX / 8 ? UINT64_MAX : 4 * most + LINE_BYTES);
	lk_dots_result result =
		lk_dots_read(s->stream, LK_DOTS_STRICT, most, true, fd, &size, &trouble);
	bool is_alive = result != LK_DOTS_LOST;
	if (result == LK_DOTS_END)
		is_alive = deliver(s, fd, size);
	else if (result == LK_DOTS_TOO_LONG)
		is_alive = say_to_all(s, 552, "5.3.4 the mail is too large");
	else if (result == LK_DOTS_WRITE_FAILED)
		is_alive = say_to_all(s, 451, "4.3.1 no room for the mail now");
	forget_mail(s);
	return is_alive;
}

/* "VERB:" and what follows, any case and with blanks, as clients write it. */
static char *argument_of(char *line, const char *verb)
{
	size_t n = strlen(verb);
	if (g_ascii_strncasecmp(line, verb, n) != 0)
		return NULL;
	return g_strstrip(line + n);
}

/* One command. False: the connection ends. */
static bool serve_command(session *s, bool *ret_quit)
{
	char *line = s->line->str;
	char *rest;
	if (strlen(line) != s->line->len)
		return say(s, 500, "5.5.2 no NUL in commands");
	if ((rest = argument_of(line, "LHLO")))
		return greet(s, rest);
	if ((rest = argument_of(line, "MAIL FROM:")))
		return take_mail(s, rest);
	if ((rest = argument_of(line, "RCPT TO:")))
		return take_recipient(s, rest);
	if (g_ascii_strcasecmp(line, "DATA") == 0) {
		/* A mail on its way is taken and answered even when we are to leave. */
		int wake_fd = lk_stream_set_wake(s->stream, -1);
		bool is_alive = take_data(s);
		lk_stream_set_wake(s->stream, wake_fd);
		return is_alive;
	}
	if (g_ascii_strcasecmp(line, "RSET") == 0) {
		forget_mail(s);
		return say(s, 250, "2.0.0 ok");
	}
	if (argument_of(line, "NOOP"))
		return say(s, 250, "2.0.0 ok");
	if (argument_of(line, "VRFY"))
		return say(s, 252, "2.5.0 try it");
	if (g_ascii_strcasecmp(line, "QUIT") == 0) {
		*ret_quit = true;
		(void)say(s, 221, "2.0.0 bye");
		return true;
	}
	return say(s, 500, "5.5.2 this is LMTP, and that is no command of it");
}

static bool serve(session *s, GError **error)
{
	bool quit = false;
	g_autofree char *greeting = g_strdup_printf("%s LMTP", s->options->host_name);
	bool is_alive = true;
	/* A monitor that only knocks is gone by now. */
	if (!say(s, 220, greeting))
		return true;
	while (is_alive && !quit) {
		if (s->errors > MOST_ERRORS) {
			(void)say(s, 421, "4.7.0 too many errors");
			return true;
		}
		lk_wait waited = lk_stream_wait(s->stream, s->options->io_timeout_ms);
		if (waited == LK_WAIT_WOKEN || waited == LK_WAIT_TIMEOUT) {
			(void)say(s, 421,
				  waited == LK_WAIT_WOKEN ? "4.3.2 closing down"
							  : "4.4.2 too slow");
			return true;
		}
		lk_stream_begin(s->stream, 0, 2 * LINE_BYTES + 65536);
		bool has_line = waited == LK_WAIT_READABLE &&
				lk_stream_read_line(s->stream, LINE_BYTES, s->line);
		/* Who leaves between two mails leaves nothing open. */
		if (!has_line && s->line->len == 0 && lk_stream_pending(s->stream) == 0 &&
		    s->recipients->len == 0)
			return true;
		is_alive = has_line && serve_command(s, &quit);
	}
	return is_alive || lk_stream_fail(s->stream, NULL, error);
}

bool lk_lmtp_serve(int fd, const lk_lmtp_options *options, GError **error)
{
	g_autoptr(lk_stream) stream =
		lk_stream_from_fd(fd, "lmtp client", options->io_timeout_ms, options->wake_fd);
	session s = {.stream = stream,
		     .options = options,
		     .line = g_string_new(NULL),
		     .recipients = g_ptr_array_new_with_free_func(g_free)};
	bool is_good = serve(&s, error);
	forget_mail(&s);
	g_ptr_array_unref(s.recipients);
	g_string_free(s.line, TRUE);
	return is_good;
}
