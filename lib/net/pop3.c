#include "lib/net/pop3.h"

#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/io.h"
#include "lib/base/units.h"
#include "lib/net/dots.h"
#include "lib/net/etpan.h"
#include "lib/net/sasl.h"

#include <string.h>

enum {
	LINE_BYTES = 4096, /* an answer; RFC 2449 allows 512 */
	SMALL_BYTES = 65536,
	LIST_BYTES = 128 << 20,
	MOST_MAILS = 1000000,
	MOST_UIDL = 70,
	MOST_PASSWORD = 480, /* libetpan's command buffer has 512 bytes and cuts silently */
	MAIL_SLACK_BYTES = 1 << 20
};

struct lk_pop3 {
	lk_stream *stream;
	GString *line; /* the last answer or line */
};

void lk_pop3_free(lk_pop3 *pop3)
{
	if (!pop3)
		return;
	lk_stream_free(pop3->stream); /* without QUIT, so that no DELE takes effect */
	g_string_free(pop3->line, TRUE);
	g_free(pop3);
}

/* --- opening: libetpan greets, upgrades and logs in; then its parser is never used again ---------
 */

static void drop_parser(mailpop3 *p)
{
	if (p->pop3_stream)
		mailstream_close(p->pop3_stream);
	p->pop3_stream = NULL; /* else mailpop3_free would QUIT, and wait */
	mailpop3_free(p);
}

/* RFC 2449 8, RFC 3206: does the -ERR say that the same may work later? */
static bool passes_by_itself(const char *words)
{
	static const char *const codes[] = {"[IN-USE]", "[LOGIN-DELAY]", "[SYS/TEMP]"};
	for (size_t i = 0; words && i < G_N_ELEMENTS(codes); i++)
		if (g_ascii_strncasecmp(words, codes[i], strlen(codes[i])) == 0)
			return true;
	return false;
}

/* The error of a step that libetpan says failed: lost connection or a -ERR. */
static bool step_failed(const lk_pop3 *pop3, const mailpop3 *p, int result, const char *what,
			const lk_secret *secret, GError **error)
{
	const char *name = lk_stream_name(pop3->stream);
	if (lk_stream_is_dead(pop3->stream))
		return lk_stream_fail(pop3->stream, NULL, error);
	g_autofree char *words = lk_net_quote(p->pop3_response, secret);
	lk_err code = passes_by_itself(words) ? LK_ERR_RETRY : LK_ERR_MAILBOX;
	if (result == MAILPOP3_ERROR_UNAUTHORIZED || result == MAILPOP3_ERROR_STREAM)
		code = LK_ERR_RETRY; /* a greeting that is none, a connection that broke */
	g_set_error(error, LK_ERROR, (int)code, "%s: %s (server: %s)", name, what, words);
	return false;
}

static bool start_tls(lk_pop3 *pop3, mailpop3 *p, GError **error)
{
	lk_stream_begin(pop3->stream, 0, SMALL_BYTES);
	int result = mailpop3_stls(p);
	if (result == MAILPOP3_ERROR_SSL || p->pop3_stream->read_buffer_len > 0) {
		lk_stream_kill(pop3->stream, "plain text behind the STLS answer");
		g_set_error(error, LK_ERROR, LK_ERR_MAILBOX,
			    "%s: the server, or somebody in between, sent plain text behind its "
			    "STLS answer: the connection cannot be trusted",
			    lk_stream_name(pop3->stream));
		return false;
	}
	if (result != MAILPOP3_NO_ERROR)
		return step_failed(pop3, p, result,
				   "the server does not offer STARTTLS (STLS), or somebody in "
				   "between hides it; nothing was sent. Use tls = \"implicit\" or "
				   "ask the server's administrator",
				   NULL, error);
	return lk_stream_start_tls(pop3->stream, error);
}

static bool refused_login(const lk_pop3 *pop3, const lk_server *server, const char *answer,
			  GError **error)
{
	g_autofree char *words = lk_net_quote(answer, server->password);
	g_set_error(error, LK_ERROR, (int)(passes_by_itself(words) ? LK_ERR_RETRY : LK_ERR_MAILBOX),
		    "%s: login refused for %s: check user and %s (server: %s)",
		    lk_stream_name(pop3->stream), server->user,
		    server->auth == LK_AUTH_XOAUTH2 ? "the oauth2 settings" : "the password file",
		    words);
	return false;
}

static bool log_in(lk_pop3 *pop3, mailpop3 *p, const lk_server *server, GError **error)
{
	if (lk_secret_size(server->password) > MOST_PASSWORD) {
		g_set_error(error, LK_ERROR, LK_ERR_MAILBOX,
			    "%s: the password is too long for POP3 (%d bytes at most)",
			    lk_stream_name(pop3->stream), MOST_PASSWORD);
		return false;
	}
	lk_stream_begin(pop3->stream, 0, SMALL_BYTES);
	int result = mailpop3_login(p, server->user, lk_secret_text(server->password));
	if (result == MAILPOP3_NO_ERROR)
		return true;
	if (lk_stream_is_dead(pop3->stream))
		return lk_stream_fail(pop3->stream, NULL, error);
	return refused_login(pop3, server, p->pop3_response, error);
}

/* --- by hand from here --------------------------------------------------------------------------
 */

/* Ends the session: after any error a DELE must not take effect. */
static bool session_lost(lk_pop3 *pop3, const char *what, GError **error)
{
	return lk_stream_fail(pop3->stream, what, error);
}

static bool read_answer(lk_pop3 *pop3, bool *ret_ok, GError **error)
{
	if (!lk_stream_read_line(pop3->stream, LINE_BYTES, pop3->line))
		return session_lost(pop3, NULL, error);
	*ret_ok = g_str_has_prefix(pop3->line->str, "+OK");
	if (*ret_ok || g_str_has_prefix(pop3->line->str, "-ERR"))
		return true;
	lk_stream_kill(pop3->stream, "the server's answer is not POP3");
	return session_lost(pop3, NULL, error);
}

/* Sends a line and reads its +OK or -ERR into pop3->line. */
static bool command(lk_pop3 *pop3, uint64_t most_bytes, const char *line, bool *ret_ok,
		    GError **error)
{
	lk_stream_begin(pop3->stream, 0, most_bytes);
	g_autofree char *bytes = g_strconcat(line, "\r\n", NULL);
	if (!lk_stream_write(pop3->stream, bytes, strlen(bytes)))
		return session_lost(pop3, NULL, error);
	return read_answer(pop3, ret_ok, error);
}

static bool refused(const lk_pop3 *pop3, lk_err code, const char *what, GError **error)
{
	g_autofree char *words = lk_net_quote(pop3->line->str, NULL);
	g_set_error(error, LK_ERROR, (int)code, "%s: %s (server: %s)", lk_stream_name(pop3->stream),
		    what, words);
	return false;
}

/* The form in two lines: some servers know no other. */
static bool log_in_xoauth2(lk_pop3 *pop3, const lk_server *server, GError **error)
{
	g_autoptr(lk_secret) message = lk_sasl_xoauth2(server->user, server->password);
	g_autoptr(lk_secret) line = lk_sasl_line("", message, "\r\n");
	lk_stream_begin(pop3->stream, 0, SMALL_BYTES);
	static const char auth[] = "AUTH XOAUTH2\r\n";
	bool is_sent = lk_stream_write(pop3->stream, auth, sizeof auth - 1);
	for (int challenges = 0; is_sent && challenges < 3; challenges++) {
		if (!lk_stream_read_line(pop3->stream, LINE_BYTES, pop3->line))
			break;
		if (g_str_has_prefix(pop3->line->str, "+OK"))
			return true;
		if (pop3->line->str[0] != '+')
			return refused_login(pop3, server, pop3->line->str, error);
		/* A second challenge is an error report, to be answered with an empty line. */
		is_sent = challenges == 0 ? lk_stream_write(pop3->stream, lk_secret_text(line),
							    lk_secret_size(line))
					  : lk_stream_write(pop3->stream, "\r\n", 2);
	}
	lk_stream_kill(pop3->stream, "the login does not come to an end");
	return session_lost(pop3, NULL, error);
}

/* libetpan may have read ahead; a server that says more than it was asked is not to be trusted. */
static bool take_over(lk_pop3 *pop3, const mailpop3 *p, GError **error)
{
	if (p->pop3_stream && p->pop3_stream->read_buffer_len == 0)
		return true;
	lk_stream_kill(pop3->stream, "the server says more than it was asked");
	return session_lost(pop3, NULL, error);
}

static bool open_session(lk_pop3 *pop3, mailpop3 *p, const lk_server *server, GError **error)
{
	lk_stream_begin(pop3->stream, 0, SMALL_BYTES);
	int result = mailpop3_connect(p, lk_etpan_new(pop3->stream, NULL));
	if (result != MAILPOP3_NO_ERROR)
		return step_failed(pop3, p, result, "the server does not greet as POP3", NULL,
				   error);
	if (server->tls == LK_TLS_STARTTLS && !start_tls(pop3, p, error))
		return false;
	if (server->auth != LK_AUTH_XOAUTH2 && !log_in(pop3, p, server, error))
		return false;
	return take_over(pop3, p, error);
}

bool lk_pop3_open(const lk_server *server, lk_pop3 **ret_pop3, GError **error)
{
	g_assert(server->user && server->password);
	if (!lk_net_check_argument("user name", server->user, error) ||
	    !lk_net_check_argument("password", lk_secret_text(server->password), error))
		return false;
	g_autoptr(lk_stream) stream = NULL;
	if (!lk_stream_open(server, &stream, error))
		return false;
	g_autoptr(lk_pop3) pop3 = g_new0(lk_pop3, 1);
	pop3->stream = g_steal_pointer(&stream);
	pop3->line = g_string_new(NULL);
	mailpop3 *p = mailpop3_new(0, NULL);
	if (!p)
		g_error("out of memory");
	bool is_open = open_session(pop3, p, server, error);
	drop_parser(p);
	if (!is_open || (server->auth == LK_AUTH_XOAUTH2 && !log_in_xoauth2(pop3, server, error)))
		return false;
	*ret_pop3 = g_steal_pointer(&pop3);
	return true;
}

/* --- listing ------------------------------------------------------------------------------------
 */

/* Called with the number and the rest of one line. False: the line breaks the protocol. */
typedef bool (*line_reader)(GHashTable *by_number, uint32_t number, const char *rest);

static bool read_uidl(GHashTable *by_number, uint32_t number, const char *rest)
{
	size_t n = strlen(rest);
	if (n == 0 || n > MOST_UIDL || g_hash_table_contains(by_number, GUINT_TO_POINTER(number)))
		return false;
	for (size_t i = 0; i < n; i++)
		if (rest[i] < 0x21 || rest[i] > 0x7e)
			return false;
	lk_pop3_item *item = g_new0(lk_pop3_item, 1);
	item->number = number;
	memcpy(item->uidl, rest, n + 1);
	g_hash_table_insert(by_number, GUINT_TO_POINTER(number), item);
	return true;
}

static bool read_size(GHashTable *by_number, uint32_t number, const char *rest)
{
	lk_pop3_item *item = g_hash_table_lookup(by_number, GUINT_TO_POINTER(number));
	g_autofree char *digits = g_strndup(rest, strcspn(rest, " ")); /* more may follow */
	int64_t size;
	if (!lk_parse_int(digits, 0, INT64_MAX, &size, NULL))
		return false;
	if (item) /* one that UIDL did not name has no identity: left for the next session */
		item->size = (uint64_t)size;
	return true;
}

/* A multi-line answer of "number rest" lines. */
static bool read_lines(lk_pop3 *pop3, GHashTable *by_number, line_reader read_one, GError **error)
{
	for (unsigned lines = 0; lines <= MOST_MAILS; lines++) {
		if (!lk_stream_read_line(pop3->stream, LINE_BYTES, pop3->line))
			return session_lost(pop3, NULL, error);
		const char *line = pop3->line->str;
		if (strcmp(line, ".") == 0)
			return true;
		size_t digits = strspn(line, "0123456789");
		g_autofree char *number_text = g_strndup(line, digits);
		int64_t number;
		if (line[digits] != ' ' || strlen(line) != pop3->line->len ||
		    !lk_parse_int(number_text, 1, UINT32_MAX, &number, NULL) ||
		    !read_one(by_number, (uint32_t)number, line + digits + 1)) {
			lk_stream_kill(pop3->stream, "the server's list of mails is malformed");
			return session_lost(pop3, NULL, error);
		}
	}
	lk_stream_kill(pop3->stream, "the mailbox holds more than 1,000,000 mails");
	return session_lost(pop3, NULL, error);
}

static int compare_numbers(const void *a, const void *b)
{
	const lk_pop3_item *x = a, *y = b;
	return (x->number > y->number) - (x->number < y->number);
}

bool lk_pop3_list(lk_pop3 *pop3, GArray **ret_items, GError **error)
{
	g_autoptr(GHashTable) by_number = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	bool ok;
	if (!command(pop3, LIST_BYTES, "UIDL", &ok, error))
		return false;
	if (!ok)
		return refused(pop3, LK_ERR_MAILBOX,
			       "the server gives no UIDL, so mails cannot be told apart; use IMAP",
			       error);
	if (!read_lines(pop3, by_number, read_uidl, error))
		return false;
	if (!command(pop3, LIST_BYTES, "LIST", &ok, error))
		return false;
	if (!ok)
		return refused(pop3, LK_ERR_RETRY, "the server does not list the mailbox", error);
	if (!read_lines(pop3, by_number, read_size, error))
		return false;
	GArray *items = g_array_new(FALSE, FALSE, sizeof(lk_pop3_item));
	GHashTableIter i;
	void *item;
	g_hash_table_iter_init(&i, by_number);
	while (g_hash_table_iter_next(&i, NULL, &item))
		g_array_append_vals(items, item, 1);
	g_array_sort(items, compare_numbers);
	*ret_items = items;
	return true;
}

/* --- mails --------------------------------------------------------------------------------------
 */

bool lk_pop3_fetch(lk_pop3 *pop3, uint32_t number, bool header_only, uint64_t max_bytes, int fd,
		   GError **error)
{
	g_autofree char *line = header_only ? g_strdup_printf("TOP %u 0", number)
					    : g_strdup_printf("RETR %u", number);
	bool ok;
	/* Doubled dots at worst double the bytes on the wire. */
	uint64_t budget = max_bytes > UINT64_MAX / 4 ? max_bytes : 2 * max_bytes + MAIL_SLACK_BYTES;
	if (!command(pop3, budget, line, &ok, error))
		return false;
	if (!ok)
		return refused(pop3, LK_ERR_MESSAGE, "the server does not give the mail", error);
	uint64_t size;
	switch (lk_dots_read(pop3->stream,
			     lk_stream_ended_in_lf(pop3->stream) ? LK_DOTS_LENIENT : LK_DOTS_STRICT,
			     max_bytes, false, fd, &size, error)) {
	case LK_DOTS_END:
		lk_fault("pop3.fetched");
		return true;
	case LK_DOTS_TOO_LONG:
		lk_stream_kill(pop3->stream, "a mail was left in the middle");
		g_set_error(error, LK_ERROR, LK_ERR_MESSAGE,
			    "%s: mail %u is longer than %" G_GUINT64_FORMAT
			    " bytes: raise max_size to take it",
			    lk_stream_name(pop3->stream), number, max_bytes);
		return false;
	case LK_DOTS_WRITE_FAILED:
		lk_stream_kill(pop3->stream, "a mail was left in the middle");
		return false;
	case LK_DOTS_LOST:
	default:
		return session_lost(pop3, "fetching a mail", error);
	}
}

bool lk_pop3_delete(lk_pop3 *pop3, uint32_t number, GError **error)
{
	g_autofree char *line = g_strdup_printf("DELE %u", number);
	bool ok;
	if (!command(pop3, SMALL_BYTES, line, &ok, error))
		return false;
	return ok || refused(pop3, LK_ERR_RETRY, "the server does not delete the mail", error);
}

bool lk_pop3_commit(lk_pop3 *pop3, GError **error)
{
	bool ok;
	if (!command(pop3, SMALL_BYTES, "QUIT", &ok, error))
		return false;
	lk_stream_kill(pop3->stream, "the session has been closed");
	return ok ||
	       refused(pop3, LK_ERR_RETRY, "the server has not deleted all marked mails", error);
}
