#include "lib/net/imap.h"

#include "lib/base/text.h"
#include "lib/net/imap-private.h"
#include "lib/net/sasl.h"

#include <string.h>

enum {
	GOODBYE_MS = 2000,
	MOST_LINES_BEFORE_PLUS = 200,
	IDLE_ROUND_MS = 25 * 60 * 1000, /* servers may log out who idles for 30 minutes: RFC 2177 */
	GREETING_LINE_BYTES = 8192,
	IDLE_LINE_BYTES = 1 << 20,
	IDLE_END_MS = 15000
};

bool lk_imap_is_alive(const lk_imap *imap)
{
	return !lk_stream_is_dead(imap->stream);
}

/* The parser and its stream; nothing is said to the server. */
static void drop_parser(mailimap *m)
{
	if (m->imap_stream)
		mailstream_close(m->imap_stream);
	m->imap_stream = NULL; /* else mailimap_free would log out, and wait */
	mailimap_free(m);
}

void lk_imap_free(lk_imap *imap)
{
	if (!imap)
		return;
	if (lk_imap_is_alive(imap) && imap->m->imap_stream) {
		lk_stream_set_wake(imap->stream, -1);
		bool ok;
		lk_stream_begin(imap->stream, GOODBYE_MS, LK_IMAP_SMALL_BYTES);
		if (mailimap_send_current_tag(imap->m) == MAILIMAP_NO_ERROR &&
		    mailstream_write(imap->m->imap_stream, "LOGOUT\r\n", 8) == 8 &&
		    mailstream_flush(imap->m->imap_stream) == 0)
			(void)lk_imap_await(imap, &ok, NULL);
	}
	drop_parser(imap->m);
	lk_stream_free(imap->stream);
	g_string_free(imap->bye, TRUE);
	g_clear_error(&imap->fetch_error);
	g_free(imap);
}

/* Ends the session for what libetpan made of the answer. */
static bool session_lost(lk_imap *imap, GError **error)
{
	g_autofree char *bye = lk_net_quote(imap->bye->str, NULL);
	g_autofree char *reason = NULL;
	if (*bye)
		reason = g_strdup_printf("the server said goodbye: %s", bye);
	else if (imap->result == MAILIMAP_ERROR_PROTOCOL && imap->m->imap_response) {
		g_autofree char *words = lk_imap_words(imap);
		reason = g_strdup_printf("the server did not understand us: %s", words);
	} else if (!lk_stream_is_dead(imap->stream))
		reason = g_strdup_printf("the server's answer cannot be read (error %d)",
					 imap->result);
	if (reason)
		lk_stream_kill(imap->stream, reason);
	if (*bye) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY, "%s: %s", lk_stream_name(imap->stream),
			    reason);
		return false;
	}
	return lk_stream_fail(imap->stream, NULL, error);
}

bool lk_imap_send(lk_imap *imap, uint64_t most_bytes, const char *line, GError **error)
{
	imap->result = MAILIMAP_ERROR_STREAM;
	if (!lk_imap_is_alive(imap))
		return session_lost(imap, error);
	lk_stream_begin(imap->stream, 0, most_bytes);
	size_t n = strlen(line);
	if (mailimap_send_current_tag(imap->m) != MAILIMAP_NO_ERROR ||
	    mailstream_write(imap->m->imap_stream, line, n) < 0 ||
	    mailstream_write(imap->m->imap_stream, "\r\n", 2) < 0 ||
	    mailstream_flush(imap->m->imap_stream) < 0)
		return session_lost(imap, error);
	return true;
}

bool lk_imap_await_from(lk_imap *imap, bool *ret_ok, GError **error)
{
	struct mailimap_response *response = NULL;
	imap->result = mailimap_parse_response(imap->m, &response);
	if (imap->result != MAILIMAP_NO_ERROR)
		return session_lost(imap, error);
	const struct mailimap_response_done *done = response->rsp_resp_done;
	*ret_ok =
		done->rsp_data.rsp_tagged->rsp_cond_state->rsp_type == MAILIMAP_RESP_COND_STATE_OK;
	mailimap_response_free(response);
	return true;
}

bool lk_imap_await(lk_imap *imap, bool *ret_ok, GError **error)
{
	imap->result = MAILIMAP_ERROR_STREAM;
	if (!mailimap_read_line(imap->m))
		return session_lost(imap, error);
	return lk_imap_await_from(imap, ret_ok, error);
}

bool lk_imap_next_line(lk_imap *imap, const char **ret_line, GError **error)
{
	imap->result = MAILIMAP_ERROR_STREAM;
	if (!mailimap_read_line(imap->m))
		return session_lost(imap, error);
	*ret_line = imap->m->imap_stream_buffer->str;
	return true;
}

bool lk_imap_command(lk_imap *imap, uint64_t most_bytes, bool *ret_ok, GError **error,
		     const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *line = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	return lk_imap_send(imap, most_bytes, line, error) && lk_imap_await(imap, ret_ok, error);
}

char *lk_imap_words(const lk_imap *imap)
{
	return lk_net_quote(imap->m->imap_response, NULL);
}

/* RFC 5530: does the NO say that the same command may work later? */
static bool passes_by_itself(const lk_imap *imap)
{
	static const char *const codes[] = {"UNAVAILABLE", "INUSE", "SERVERBUG", "LIMIT"};
	const struct mailimap_response_info *info = imap->m->imap_response_info;
	for (size_t i = 0; info && info->rsp_atom && i < G_N_ELEMENTS(codes); i++)
		if (g_ascii_strcasecmp(info->rsp_atom, codes[i]) == 0)
			return true;
	return false;
}

bool lk_imap_refused(const lk_imap *imap, lk_err code, GError **error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_autofree char *words = lk_imap_words(imap);
	g_set_error(error, LK_ERROR, (int)(passes_by_itself(imap) ? LK_ERR_RETRY : code),
		    "%s: %s (server: %s)", lk_stream_name(imap->stream), what, words);
	return false;
}

/* --- opening -----------------------------------------------------------------------------------
 */

static bool has_capability(const lk_imap *imap, int type, const char *name)
{
	const struct mailimap_connection_info *info = imap->m->imap_connection_info;
	if (!info || !info->imap_capability)
		return false;
	clist *list = info->imap_capability->cap_list;
	for (clistiter *i = clist_begin(list); i; i = clist_next(i)) {
		const struct mailimap_capability *one = clist_content(i);
		/* cap_name and cap_auth_type share their place */
		if (one->cap_type == type && one->cap_data.cap_name &&
		    g_ascii_strcasecmp(one->cap_data.cap_name, name) == 0)
			return true;
	}
	return false;
}

static bool can(const lk_imap *imap, const char *name)
{
	return has_capability(imap, MAILIMAP_CAPABILITY_NAME, name);
}

/* What was announced before TLS or before the login does not hold after it. */
static void forget_capabilities(lk_imap *imap)
{
	struct mailimap_connection_info *info = imap->m->imap_connection_info;
	if (!info || !info->imap_capability)
		return;
	mailimap_capability_data_free(info->imap_capability);
	info->imap_capability = NULL;
}

/* Asks unless the server has told of itself, as most do with the answer to the login. */
static bool learn_capabilities(lk_imap *imap, GError **error)
{
	bool ok;
	if (imap->m->imap_connection_info && imap->m->imap_connection_info->imap_capability)
		return true;
	return lk_imap_command(imap, LK_IMAP_SMALL_BYTES, &ok, error, "CAPABILITY");
}

/*
 * The greeting, read by ourselves: libetpan leaks and hides the words of a server that turns us
 * away. What it may say of its capabilities is asked anew.
 */
static bool greet(lk_imap *imap, const lk_server *server, bool *ret_is_authenticated,
		  GError **error)
{
	g_autoptr(GString) line = g_string_new(NULL);
	lk_stream_begin(imap->stream, 0, LK_IMAP_SMALL_BYTES);
	imap->result = MAILIMAP_ERROR_STREAM;
	if (!lk_stream_read_line(imap->stream, GREETING_LINE_BYTES, line))
		return session_lost(imap, error);
	if (g_ascii_strncasecmp(line->str, "* BYE", 5) == 0) {
		g_string_assign(imap->bye, line->str + 5);
		return session_lost(imap, error);
	}
	*ret_is_authenticated = g_ascii_strncasecmp(line->str, "* PREAUTH", 9) == 0;
	if (!*ret_is_authenticated && g_ascii_strncasecmp(line->str, "* OK", 4) != 0) {
		lk_stream_kill(imap->stream, "the server does not greet as IMAP: check the port");
		return session_lost(imap, error);
	}
	imap->m->imap_stream = lk_etpan_new(imap->stream, imap->bye);
	imap->m->imap_connection_info = mailimap_connection_info_new();
	imap->m->imap_state = MAILIMAP_STATE_NON_AUTHENTICATED;
	if (*ret_is_authenticated && server->tls == LK_TLS_STARTTLS) {
		/* RFC 2595 2.3: nobody may begin TLS then, so somebody may be in between */
		g_set_error(error, LK_ERROR, LK_ERR_MAILBOX,
			    "%s: the server greets as already logged in, so STARTTLS is not "
			    "possible; use tls = \"implicit\"",
			    lk_stream_name(imap->stream));
		return false;
	}
	return true;
}

static bool start_tls(lk_imap *imap, GError **error)
{
	bool ok;
	if (!learn_capabilities(imap, error))
		return false;
	if (!can(imap, "STARTTLS")) {
		g_set_error(error, LK_ERROR, LK_ERR_MAILBOX,
			    "%s: the server does not offer STARTTLS, or somebody in between hides "
			    "it; nothing was sent. Use tls = \"implicit\" or ask the server's "
			    "administrator",
			    lk_stream_name(imap->stream));
		return false;
	}
	if (!lk_imap_command(imap, LK_IMAP_SMALL_BYTES, &ok, error, "STARTTLS"))
		return false;
	if (!ok)
		return lk_imap_refused(imap, LK_ERR_MAILBOX, error,
				       "the server refuses STARTTLS: ask its administrator");
	if (imap->m->imap_stream->read_buffer_len > 0) {
		lk_stream_kill(imap->stream, "plain text behind the STARTTLS answer");
		g_set_error(error, LK_ERROR, LK_ERR_MAILBOX,
			    "%s: the server, or somebody in between, sent plain text behind its "
			    "STARTTLS answer: the connection cannot be trusted",
			    lk_stream_name(imap->stream));
		return false;
	}
	forget_capabilities(imap);
	return lk_stream_start_tls(imap->stream, error) && learn_capabilities(imap, error);
}

/* Sends a secret past libetpan's buffers, which are not zeroed. */
static bool send_secret(lk_imap *imap, const lk_secret *line, GError **error)
{
	if (mailstream_flush(imap->m->imap_stream) < 0 ||
	    !lk_stream_write(imap->stream, lk_secret_text(line), lk_secret_size(line)))
		return session_lost(imap, error);
	return true;
}

/* AUTHENTICATE with one message of ours; a second challenge is an error report: answered empty. */
static bool authenticate(lk_imap *imap, const char *mechanism, const lk_secret *message,
			 bool *ret_ok, GError **error)
{
	bool at_once = can(imap, "SASL-IR");
	lk_stream_begin(imap->stream, 0, LK_IMAP_SMALL_BYTES);
	g_autofree char *command = g_strdup_printf("AUTHENTICATE %s", mechanism);
	g_autoptr(lk_secret) initial = lk_sasl_line(" ", message, "\r\n");
	g_autoptr(lk_secret) later = lk_sasl_line("", message, "\r\n");
	g_autoptr(lk_secret) nothing = lk_secret_new("\r\n", 2);
	forget_capabilities(imap);
	if (mailimap_send_current_tag(imap->m) != MAILIMAP_NO_ERROR ||
	    mailstream_write(imap->m->imap_stream, command, strlen(command)) < 0)
		return session_lost(imap, error);
	if (!send_secret(imap, at_once ? initial : nothing, error))
		return false;
	bool is_sent = at_once;
	for (int i = 0; i < MOST_LINES_BEFORE_PLUS; i++) {
		const char *line = NULL;
		if (!lk_imap_next_line(imap, &line, error))
			return false;
		if (line[0] != '+')
			return lk_imap_await_from(imap, ret_ok, error);
		if (!send_secret(imap, is_sent ? nothing : later, error))
			return false;
		is_sent = true;
	}
	lk_stream_kill(imap->stream, "the login does not come to an end");
	return session_lost(imap, error);
}

static bool login_command(lk_imap *imap, const lk_server *server, bool *ret_ok, GError **error)
{
	g_autoptr(lk_secret) user = lk_secret_new(server->user, strlen(server->user));
	g_autoptr(lk_secret) quoted_user = lk_sasl_imap_quoted(user);
	g_autoptr(lk_secret) quoted = lk_sasl_imap_quoted(server->password);
	g_autofree char *before = g_strdup_printf("LOGIN %s ", lk_secret_text(quoted_user));
	g_autoptr(lk_secret) line = lk_sasl_line(before, quoted, "\r\n");
	lk_stream_begin(imap->stream, 0, LK_IMAP_SMALL_BYTES);
	forget_capabilities(imap);
	if (mailimap_send_current_tag(imap->m) != MAILIMAP_NO_ERROR)
		return session_lost(imap, error);
	return send_secret(imap, line, error) && lk_imap_await(imap, ret_ok, error);
}

static bool log_in(lk_imap *imap, const lk_server *server, GError **error)
{
	bool ok = false;
	bool is_done;
	if (server->auth == LK_AUTH_XOAUTH2) {
		g_autoptr(lk_secret) message = lk_sasl_xoauth2(server->user, server->password);
		is_done = authenticate(imap, "XOAUTH2", message, &ok, error);
	} else if (has_capability(imap, MAILIMAP_CAPABILITY_AUTH_TYPE, "PLAIN")) {
		/* Unlike LOGIN it carries any character. */
		g_autoptr(lk_secret) message = lk_sasl_plain(server->user, server->password);
		is_done = authenticate(imap, "PLAIN", message, &ok, error);
	} else if (can(imap, "LOGINDISABLED")) {
		g_set_error(error, LK_ERROR, LK_ERR_MAILBOX,
			    "%s: the server takes no passwords here: check tls, or use auth = "
			    "\"xoauth2\"",
			    lk_stream_name(imap->stream));
		return false;
	} else
		is_done = login_command(imap, server, &ok, error);
	if (!is_done)
		return false;
	if (ok)
		return true;
	g_autofree char *words = lk_net_quote(imap->m->imap_response, server->password);
	g_set_error(error, LK_ERROR, (int)(passes_by_itself(imap) ? LK_ERR_RETRY : LK_ERR_MAILBOX),
		    "%s: login refused for %s: check user and %s (server: %s)",
		    lk_stream_name(imap->stream), server->user,
		    server->auth == LK_AUTH_XOAUTH2 ? "the oauth2 settings" : "the password file",
		    words);
	return false;
}

bool lk_imap_open(const lk_server *server, lk_imap **ret_imap, GError **error)
{
	g_assert(server->user && server->password);
	if (!lk_net_check_argument("user name", server->user, error) ||
	    !lk_net_check_argument("password", lk_secret_text(server->password), error))
		return false;
	g_autoptr(lk_stream) stream = NULL;
	if (!lk_stream_open(server, &stream, error))
		return false;
	g_autoptr(lk_imap) imap = g_new0(lk_imap, 1);
	imap->stream = g_steal_pointer(&stream);
	imap->bye = g_string_new(NULL);
	imap->m = mailimap_new(0, NULL);
	if (!imap->m)
		g_error("out of memory");
	mailimap_set_msg_body_handler(imap->m, lk_imap_take_body, imap);
	bool is_authenticated;
	if (!greet(imap, server, &is_authenticated, error) ||
	    (server->tls == LK_TLS_STARTTLS && !start_tls(imap, error)) ||
	    !learn_capabilities(imap, error))
		return false;
	if (!is_authenticated && (!log_in(imap, server, error) || !learn_capabilities(imap, error)))
		return false;
	imap->can_idle = can(imap, "IDLE");
	imap->can_move = can(imap, "MOVE");
	imap->can_uidplus = can(imap, "UIDPLUS");
	*ret_imap = g_steal_pointer(&imap);
	return true;
}

/* --- waiting -----------------------------------------------------------------------------------
 */

/* Is there new mail in this line? EXPUNGE, RECENT, flags and "* OK still here" are none. */
static bool is_news(const char *line)
{
	const char *word = line[0] == '*' && line[1] == ' ' ? line + 2 : "";
	size_t digits = strspn(word, "0123456789");
	if (digits == 0 || word[digits] != ' ')
		return false;
	return g_ascii_strncasecmp(word + digits + 1, "EXISTS", 6) == 0;
}

/* Has the server told of new mail since the last search, between other answers? */
static bool was_told(const lk_imap *imap)
{
	const struct mailimap_selection_info *info = imap->m->imap_selection_info;
	return info && info->sel_has_exists;
}

/*
 * IDLE up to the "+". libetpan's own stops for good when an untagged line comes first. *ret_idles
 * false: the server will not.
 */
static bool try_idle(lk_imap *imap, bool *ret_idles, bool *ret_news, GError **error)
{
	*ret_idles = false;
	if (!lk_imap_send(imap, LK_IMAP_SMALL_BYTES, "IDLE", error))
		return false;
	for (int i = 0; i < MOST_LINES_BEFORE_PLUS; i++) {
		const char *line = NULL;
		if (!lk_imap_next_line(imap, &line, error))
			return false;
		if (line[0] == '+') {
			*ret_idles = true;
			return true;
		}
		if (line[0] != '*') {
			bool ok;
			imap->can_idle = false;
			return lk_imap_await_from(imap, &ok, error);
		}
		*ret_news = *ret_news || is_news(line);
	}
	lk_stream_kill(imap->stream, "IDLE does not begin");
	return session_lost(imap, error);
}

/* Not to be interrupted: a wake ends the waiting, not the session. */
static bool begin_idle(lk_imap *imap, bool *ret_idles, bool *ret_news, GError **error)
{
	int wake_fd = lk_stream_set_wake(imap->stream, -1);
	bool is_good = try_idle(imap, ret_idles, ret_news, error);
	lk_stream_set_wake(imap->stream, wake_fd);
	return is_good;
}

static bool end_idle(lk_imap *imap, GError **error)
{
	int wake_fd = lk_stream_set_wake(imap->stream, -1);
	lk_stream_begin(imap->stream, IDLE_END_MS, LK_IMAP_SMALL_BYTES);
	bool ok;
	bool is_good = mailstream_write(imap->m->imap_stream, "DONE\r\n", 6) == 6 &&
		       mailstream_flush(imap->m->imap_stream) == 0;
	is_good = is_good ? lk_imap_await(imap, &ok, error) : session_lost(imap, error);
	lk_stream_set_wake(imap->stream, wake_fd);
	return is_good;
}

/* Nothing of the server is under way: who waits may be woken by what must not cut a command short.
 */
static lk_wait rest(lk_imap *imap, int timeout_ms, int wake_fd)
{
	int before = lk_stream_set_wake(imap->stream, wake_fd);
	lk_wait waited = lk_stream_wait(imap->stream, timeout_ms);
	lk_stream_set_wake(imap->stream, before);
	return waited;
}

/* Reads what an idling server says until there is news, the time is over or we are woken. */
static bool listen_idle(lk_imap *imap, int timeout_ms, int wake_fd, bool *ret_news, bool *ret_woken,
			GError **error)
{
	int64_t until = lk_monotonic_ms() + timeout_ms;
	while (!*ret_news) {
		if (imap->m->imap_stream->read_buffer_len == 0) {
			int64_t left = MAX(until - lk_monotonic_ms(), 0);
			lk_wait waited = rest(imap, (int)left, wake_fd);
			*ret_woken = waited == LK_WAIT_WOKEN;
			if (waited == LK_WAIT_FAILED)
				return session_lost(imap, error);
			if (waited != LK_WAIT_READABLE)
				return true;
		}
		const char *line = NULL;
		lk_stream_begin(imap->stream, 0, IDLE_LINE_BYTES);
		if (!lk_imap_next_line(imap, &line, error))
			return false;
		*ret_news = is_news(line);
		if (g_ascii_strncasecmp(line, "* BYE", 5) == 0)
			return session_lost(imap, error);
		if (g_str_has_suffix(line, "}\r\n"))
			return true; /* a literal follows: let the parser read it, after DONE */
	}
	return true;
}

static bool noop(lk_imap *imap, GError **error)
{
	bool ok;
	return lk_imap_command(imap, LK_IMAP_SMALL_BYTES, &ok, error, "NOOP");
}

/* Without IDLE: the time passes; only the end of the connection cuts it short. */
static bool sit_out(lk_imap *imap, int timeout_ms, int wake_fd, bool *ret_news, GError **error)
{
	lk_wait waited = rest(imap, timeout_ms, wake_fd);
	if (waited == LK_WAIT_FAILED)
		return session_lost(imap, error);
	if (waited == LK_WAIT_WOKEN)
		return true;
	*ret_news = true;
	return noop(imap, error);
}

bool lk_imap_wait(lk_imap *imap, int timeout_ms, int wake_fd, bool use_idle, bool *ret_news,
		  GError **error)
{
	bool news = was_told(imap);
	bool is_woken = !news && rest(imap, 0, wake_fd) == LK_WAIT_WOKEN;
	int64_t until = lk_monotonic_ms() + timeout_ms;
	while (!news && !is_woken) {
		int64_t left = until - lk_monotonic_ms();
		bool idles = false;
		if (left <= 0) {
			/* A server that forgot to tell is asked after all. */
			if (!noop(imap, error))
				return false;
			news = true;
			break;
		}
		if (use_idle && imap->can_idle && !begin_idle(imap, &idles, &news, error))
			return false;
		if (!idles) {
			if (!sit_out(imap, (int)left, wake_fd, &news, error))
				return false;
			break;
		}
		if (!listen_idle(imap, (int)MIN(left, IDLE_ROUND_MS), wake_fd, &news, &is_woken,
				 error) ||
		    !end_idle(imap, error))
			return false;
		news = news || was_told(imap);
	}
	*ret_news = news;
	return true;
}
