#include "lib/net/smtp.h"

#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/text.h"
#include "lib/base/units.h"
#include "lib/net/dots.h"
#include "lib/net/sasl.h"
#include "lib/net/smtp-reply.h"

#include <string.h>

enum { REPLY_BYTES = 1 << 20, PIECE_BYTES = 16384, MOST_REPLY = 500, GOODBYE_MS = 1000 };

struct lk_smtp {
	lk_stream *stream;
	lk_smtp_reply reply; /* the last one */
	uint64_t max_size;
	GString *mechanisms; /* of AUTH, with a blank around each */
	bool can_start_tls;
	bool can_size;
	bool can_pipeline;
	bool can_utf8;
	bool needs_reset; /* the server still holds an envelope that was not used */
};

bool lk_smtp_is_alive(const lk_smtp *smtp)
{
	return !lk_stream_is_dead(smtp->stream);
}

bool lk_smtp_check(lk_smtp *smtp)
{
	/* A server has nothing to say between mails but goodbye. */
	if (lk_stream_wait(smtp->stream, 0) == LK_WAIT_READABLE)
		lk_stream_kill(smtp->stream, "the server has closed the idle connection");
	return lk_smtp_is_alive(smtp);
}

uint64_t lk_smtp_max_size(const lk_smtp *smtp)
{
	return smtp->max_size;
}

void lk_smtp_free(lk_smtp *smtp)
{
	if (!smtp)
		return;
	if (lk_smtp_is_alive(smtp)) {
		lk_stream_set_wake(smtp->stream, -1);
		lk_stream_begin(smtp->stream, GOODBYE_MS, REPLY_BYTES);
		if (lk_smtp_say(smtp->stream, "QUIT"))
			(void)lk_smtp_reply_read(smtp->stream, &smtp->reply);
	}
	lk_smtp_reply_clear(&smtp->reply);
	g_string_free(smtp->mechanisms, TRUE);
	lk_stream_free(smtp->stream);
	g_free(smtp);
}

void lk_smtp_result_clear(lk_smtp_result *result)
{
	g_clear_pointer(&result->status, g_free);
	g_clear_pointer(&result->reply, g_free);
	result->code = 0;
	result->class = LK_SMTP_TEMPORARY;
}

/* --- opening ------------------------------------------------------------------------------------
 */

static bool lost(const lk_smtp *smtp, const char *what, GError **error)
{
	return lk_stream_fail(smtp->stream, what, error);
}

/* Sends a command and reads its reply. False: the connection is lost. */
static bool command(lk_smtp *smtp, const char *line, GError **error)
{
	lk_stream_begin(smtp->stream, 0, REPLY_BYTES);
	if (!lk_smtp_say(smtp->stream, line) || !lk_smtp_reply_read(smtp->stream, &smtp->reply))
		return lost(smtp, NULL, error);
	if (smtp->reply.code == 421) { /* RFC 5321 3.8: and closes */
		g_autofree char *words = lk_net_quote(smtp->reply.text->str, NULL);
		g_autofree char *reason = g_strdup_printf("the server said goodbye: 421 %s", words);
		lk_stream_kill(smtp->stream, reason);
	}
	return true;
}

/* The error for a refusing reply: 4xx passes by itself, for 5xx a person must do something. */
static bool refused(const lk_smtp *smtp, const char *what, const lk_secret *secret, GError **error)
{
	g_autofree char *words = lk_net_quote(smtp->reply.text->str, secret);
	bool passes = smtp->reply.code / 100 == 4;
	g_set_error(error, LK_ERROR, (int)(passes ? LK_ERR_RETRY : LK_ERR_CONFIG),
		    "%s: %s (server: %d %s)", lk_stream_name(smtp->stream), what, smtp->reply.code,
		    words);
	return false;
}

static void learn_extension(lk_smtp *smtp, const char *line)
{
	g_autofree char *upper = g_ascii_strup(line, -1);
	if (strcmp(upper, "STARTTLS") == 0)
		smtp->can_start_tls = true;
	else if (strcmp(upper, "PIPELINING") == 0)
		smtp->can_pipeline = true;
	else if (strcmp(upper, "SMTPUTF8") == 0)
		smtp->can_utf8 = true;
	else if (g_str_has_prefix(upper, "SIZE") && (upper[4] == '\0' || upper[4] == ' ')) {
		int64_t size;
		smtp->can_size = true;
		if (upper[4] == ' ' && lk_parse_int(upper + 5, 0, INT64_MAX, &size, NULL))
			smtp->max_size = (uint64_t)size;
	} else if (g_str_has_prefix(upper, "AUTH ") || g_str_has_prefix(upper, "AUTH="))
		g_string_append_printf(smtp->mechanisms, " %s ", upper + 5);
}

/* EHLO; what was announced before TLS does not hold after it. */
static bool greet(lk_smtp *smtp, const char *helo, GError **error)
{
	smtp->max_size = 0;
	smtp->can_start_tls = smtp->can_size = smtp->can_pipeline = smtp->can_utf8 = false;
	g_string_truncate(smtp->mechanisms, 0);
	g_autofree char *line = g_strdup_printf("EHLO %s", helo);
	if (!command(smtp, line, error))
		return false;
	if (smtp->reply.code / 100 != 2)
		return refused(smtp, "the server refuses EHLO: check site.domain and the server",
			       NULL, error);
	g_auto(GStrv) lines = g_strsplit(smtp->reply.text->str, "\n", -1);
	for (size_t i = 1; lines[0] && lines[i]; i++)
		learn_extension(smtp, g_strstrip(lines[i]));
	return true;
}

static bool start_tls(lk_smtp *smtp, const char *helo, GError **error)
{
	if (!smtp->can_start_tls) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "%s: the server does not offer STARTTLS, or somebody in between hides "
			    "it; nothing was sent. Use tls = \"implicit\" or ask the server's "
			    "administrator",
			    lk_stream_name(smtp->stream));
		return false;
	}
	if (!command(smtp, "STARTTLS", error))
		return false;
	if (smtp->reply.code != 220)
		return refused(smtp, "the server refuses STARTTLS: ask its administrator", NULL,
			       error);
	return lk_stream_start_tls(smtp->stream, error) && greet(smtp, helo, error);
}

/* A line of the login dialogue. */
static bool say_secret(lk_smtp *smtp, const lk_secret *line, GError **error)
{
	lk_stream_begin(smtp->stream, 0, REPLY_BYTES);
	if (!lk_stream_write(smtp->stream, lk_secret_text(line), lk_secret_size(line)) ||
	    !lk_smtp_reply_read(smtp->stream, &smtp->reply))
		return lost(smtp, "logging in", error);
	return true;
}

static bool auth_login(lk_smtp *smtp, const lk_server *server, GError **error)
{
	g_autoptr(lk_secret) user = lk_sasl_base64(server->user, strlen(server->user));
	g_autoptr(lk_secret) password =
		lk_sasl_base64(lk_secret_text(server->password), lk_secret_size(server->password));
	g_autoptr(lk_secret) user_line = lk_sasl_line("", user, "\r\n");
	g_autoptr(lk_secret) password_line = lk_sasl_line("", password, "\r\n");
	if (!command(smtp, "AUTH LOGIN", error))
		return false;
	if (smtp->reply.code == 334 && !say_secret(smtp, user_line, error))
		return false;
	return smtp->reply.code != 334 || say_secret(smtp, password_line, error);
}

/* One message of ours behind the command; a challenge to it is an error report: answered empty. */
static bool auth_at_once(lk_smtp *smtp, const char *mechanism, const lk_secret *message,
			 GError **error)
{
	g_autofree char *before = g_strdup_printf("AUTH %s ", mechanism);
	g_autoptr(lk_secret) line = lk_sasl_line(before, message, "\r\n");
	if (!say_secret(smtp, line, error))
		return false;
	return smtp->reply.code != 334 || command(smtp, "", error);
}

static bool log_in(lk_smtp *smtp, const lk_server *server, GError **error)
{
	static const char *const names[] = {[LK_AUTH_PLAIN] = "PLAIN",
					    [LK_AUTH_LOGIN] = "LOGIN",
					    [LK_AUTH_XOAUTH2] = "XOAUTH2"};
	const char *name = names[server->auth];
	g_autofree char *word = g_strdup_printf(" %s ", name);
	g_assert(server->user && server->password);
	if (!strstr(smtp->mechanisms->str, word)) {
		g_autofree char *offers = lk_net_quote(smtp->mechanisms->str, NULL);
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "%s: the server does not offer the login %s (it offers: %s): set auth "
			    "to one of these",
			    lk_stream_name(smtp->stream), name, *offers ? offers : "none");
		return false;
	}
	bool is_done;
	if (server->auth == LK_AUTH_LOGIN)
		is_done = auth_login(smtp, server, error);
	else {
		g_autoptr(lk_secret) message =
			server->auth == LK_AUTH_PLAIN
				? lk_sasl_plain(server->user, server->password)
				: lk_sasl_xoauth2(server->user, server->password);
		is_done = auth_at_once(smtp, name, message, error);
	}
	if (!is_done || smtp->reply.code == 235)
		return is_done;
	g_autofree char *what = g_strdup_printf(
		"login refused for %s: check user and %s", server->user,
		server->auth == LK_AUTH_XOAUTH2 ? "the oauth2 settings" : "the password file");
	return refused(smtp, what, server->password, error);
}

static bool begin_session(lk_smtp *smtp, const lk_server *server, const char *helo, GError **error)
{
	if (!lk_smtp_reply_read(smtp->stream, &smtp->reply))
		return lost(smtp, NULL, error);
	if (smtp->reply.code != 220) {
		g_autofree char *words = lk_net_quote(smtp->reply.text->str, NULL);
		g_set_error(error, LK_ERROR, LK_ERR_RETRY,
			    "%s: the server takes no mail now (server: %d %s)",
			    lk_stream_name(smtp->stream), smtp->reply.code, words);
		return false;
	}
	if (!greet(smtp, helo, error))
		return false;
	if (server->tls == LK_TLS_STARTTLS && !start_tls(smtp, helo, error))
		return false;
	return server->auth == LK_AUTH_NONE || log_in(smtp, server, error);
}

/* A person must edit the configuration for what a mailbox would call its own trouble. */
static bool as_configuration(GError *failure, GError **error)
{
	if (lk_err_is(failure, LK_ERR_MAILBOX))
		failure->code = LK_ERR_CONFIG;
	g_propagate_error(error, failure);
	return false;
}

bool lk_smtp_open(const lk_server *server, const char *helo, lk_smtp **ret_smtp, GError **error)
{
	GError *failure = NULL;
	g_autoptr(lk_stream) stream = NULL;
	if (!lk_net_check_argument("host name for EHLO", helo, &failure) ||
	    (server->user && !lk_net_check_argument("user name", server->user, &failure)) ||
	    !lk_stream_open(server, &stream, &failure))
		return as_configuration(failure, error);
	g_autoptr(lk_smtp) smtp = g_new0(lk_smtp, 1);
	smtp->stream = g_steal_pointer(&stream);
	smtp->mechanisms = g_string_new(NULL);
	if (!begin_session(smtp, server, helo, &failure))
		return as_configuration(failure, error);
	*ret_smtp = g_steal_pointer(&smtp);
	return true;
}

/* The code of a result that is still to come: this recipient was not refused so far. */
enum { OPEN = -1 };

/* --- one mail -----------------------------------------------------------------------------------
 */

static void set_result(lk_smtp_result *result, lk_smtp_class class, int code, char *status,
		       const char *words)
{
	lk_smtp_result_clear(result);
	result->class = class;
	result->code = code;
	result->status = status;
	g_autofree char *clean = lk_text_clean(words, strlen(words));
	g_autofree char *line = lk_text_squeeze(clean);
	result->reply = lk_text_cut(line, MOST_REPLY);
}

/* The result a reply stands for. */
static void set_from_reply(const lk_smtp *smtp, lk_smtp_result *result)
{
	int code = smtp->reply.code;
	lk_smtp_class class = code / 100 == 2	? LK_SMTP_SENT
			      : code / 100 == 5 ? LK_SMTP_PERMANENT
						: LK_SMTP_TEMPORARY;
	set_result(result, class, code, lk_smtp_reply_status(&smtp->reply), smtp->reply.text->str);
}

static void set_lost(const lk_smtp *smtp, lk_smtp_result *result, lk_smtp_class class)
{
	g_autoptr(GError) failure = NULL;
	lk_stream_fail(smtp->stream,
		       class == LK_SMTP_UNCERTAIN ? "the mail was sent but its answer was lost"
						  : NULL,
		       &failure);
	set_result(result, class, 0, NULL, failure->message);
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* What can be known without asking. False: the result is set. */
static bool can_address(const lk_smtp *smtp, const char *from, const char *to,
			lk_smtp_result *result)
{
	if (!lk_address_is_sane(to) || (*from && !lk_address_is_sane(from))) {
		set_result(result, LK_SMTP_PERMANENT, 0, g_strdup("5.1.3"),
			   "the address cannot stand in an SMTP command");
		return false;
	}
	if (!smtp->can_utf8 && !(is_ascii(from) && is_ascii(to))) {
		set_result(result, LK_SMTP_PERMANENT, 0, g_strdup("5.6.7"),
			   "the server does not take addresses outside ASCII (SMTPUTF8)");
		return false;
	}
	return true;
}

static void settle_open(const lk_smtp *smtp, lk_smtp_result *results, size_t n, bool is_lost,
			lk_smtp_class class_if_lost)
{
	for (size_t i = 0; i < n; i++) {
		if (results[i].code != OPEN)
			continue;
		if (is_lost)
			set_lost(smtp, &results[i], class_if_lost);
		else
			set_from_reply(smtp, &results[i]);
	}
}

/* MAIL, and with PIPELINING (RFC 2920) every RCPT behind it in one go. */
static bool say_envelope(lk_smtp *smtp, const char *from, const char *const *recipients, size_t n,
			 const lk_smtp_result *results, size_t n_bytes)
{
	g_autoptr(GString) lines = g_string_new(NULL);
	bool needs_utf8 = !is_ascii(from);
	for (size_t i = 0; i < n; i++)
		needs_utf8 = needs_utf8 || (results[i].code == OPEN && !is_ascii(recipients[i]));
	g_string_append_printf(lines, "MAIL FROM:<%s>", from);
	if (smtp->can_size)
		g_string_append_printf(lines, " SIZE=%zu", n_bytes);
	g_string_append_printf(lines, "%s\r\n", needs_utf8 ? " SMTPUTF8 BODY=8BITMIME" : "");
	for (size_t i = 0; smtp->can_pipeline && i < n; i++)
		if (results[i].code == OPEN)
			g_string_append_printf(lines, "RCPT TO:<%s>\r\n", recipients[i]);
	return lk_stream_write(smtp->stream, lines->str, lines->len);
}

/* MAIL was refused: the answers to the RCPTs behind it say nothing new, but must be read. */
static bool drop_pipelined(lk_smtp *smtp, const lk_smtp_result *results, size_t n)
{
	lk_smtp_reply dropped = {0};
	bool is_good = true;
	for (size_t i = 0; is_good && smtp->can_pipeline && i < n; i++)
		if (results[i].code == OPEN)
			is_good = lk_smtp_reply_read(smtp->stream, &dropped);
	lk_smtp_reply_clear(&dropped);
	return is_good;
}

/* The envelope; refused recipients get their results. False: the connection is lost. */
static bool send_envelope(lk_smtp *smtp, const char *from, const char *const *recipients, size_t n,
			  size_t n_bytes, lk_smtp_result *results)
{
	if (!say_envelope(smtp, from, recipients, n, results, n_bytes) ||
	    !lk_smtp_reply_read(smtp->stream, &smtp->reply))
		return false;
	if (smtp->reply.code / 100 != 2) {
		bool is_good = drop_pipelined(smtp, results, n);
		settle_open(smtp, results, n, false, LK_SMTP_TEMPORARY);
		return is_good;
	}
	for (size_t i = 0; i < n; i++) {
		if (results[i].code != OPEN)
			continue;
		g_autofree char *line = g_strdup_printf("RCPT TO:<%s>", recipients[i]);
		if (!smtp->can_pipeline && !lk_smtp_say(smtp->stream, line))
			return false;
		if (!lk_smtp_reply_read(smtp->stream, &smtp->reply))
			return false;
		if (smtp->reply.code / 100 != 2)
			set_from_reply(smtp, &results[i]);
	}
	return true;
}

/* The bytes in pieces; the final dot goes with the last one. *ret_dotted: it may have got out. */
static bool send_bytes(lk_smtp *smtp, const char *bytes, size_t n_bytes, bool *ret_dotted)
{
	lk_dots_writer writer = {0};
	g_autoptr(GString) out = g_string_sized_new(PIECE_BYTES + PIECE_BYTES / 8);
	for (size_t at = 0; at < n_bytes; at += PIECE_BYTES) {
		size_t n = MIN(n_bytes - at, PIECE_BYTES);
		lk_dots_append(&writer, bytes + at, n, out);
		if (at + n < n_bytes) {
			if (!lk_stream_write(smtp->stream, out->str, out->len))
				return false;
			g_string_truncate(out, 0);
		}
	}
	lk_dots_finish(&writer, out);
	g_string_append(out, ".\r\n");
	lk_fault("smtp.dot");
	*ret_dotted = true;
	return lk_stream_write(smtp->stream, out->str, out->len);
}

/*
 * DATA and the answer to it, for all open recipients. Once the final dot may have been sent,
 * nothing but its answer tells what happened: no wake interrupts the wait for it.
 */
static void send_data(lk_smtp *smtp, const char *bytes, size_t n_bytes, lk_smtp_result *results,
		      size_t n)
{
	bool is_dotted = false;
	lk_fault("smtp.data");
	lk_stream_begin(smtp->stream, 0, REPLY_BYTES);
	bool is_good =
		lk_smtp_say(smtp->stream, "DATA") && lk_smtp_reply_read(smtp->stream, &smtp->reply);
	if (is_good && smtp->reply.code != 354) {
		if (smtp->reply.code / 100 < 4) /* neither go on nor a refusal: cannot go on */
			is_good = lk_stream_kill(smtp->stream, "the answer to DATA is not SMTP");
		settle_open(smtp, results, n, !is_good, LK_SMTP_TEMPORARY);
		smtp->needs_reset = true;
		return;
	}
	if (is_good) {
		int wake_fd = lk_stream_set_wake(smtp->stream, -1);
		is_good = send_bytes(smtp, bytes, n_bytes, &is_dotted) &&
			  lk_smtp_reply_read(smtp->stream, &smtp->reply);
		lk_stream_set_wake(smtp->stream, wake_fd);
	}
	if (is_good)
		lk_fault("smtp.answered");
	settle_open(smtp, results, n, !is_good, is_dotted ? LK_SMTP_UNCERTAIN : LK_SMTP_TEMPORARY);
}

static bool any_open(const lk_smtp_result *results, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (results[i].code == OPEN)
			return true;
	return false;
}

/* After a mail that did not end with a final dot the server still holds its envelope. */
static bool reset(lk_smtp *smtp)
{
	if (!smtp->needs_reset)
		return true;
	smtp->needs_reset = false;
	g_autoptr(GError) failure = NULL;
	if (!command(smtp, "RSET", &failure))
		return false;
	return smtp->reply.code / 100 == 2 ||
	       lk_stream_kill(smtp->stream, "the server refuses RSET");
}

void lk_smtp_send(lk_smtp *smtp, const char *from, const char *const *recipients, size_t n,
		  const char *bytes, size_t n_bytes, lk_smtp_result *results)
{
	for (size_t i = 0; i < n; i++) {
		results[i] = (lk_smtp_result){.class = LK_SMTP_TEMPORARY, .code = OPEN};
		(void)can_address(smtp, from, recipients[i], &results[i]);
	}
	if (smtp->max_size > 0 && n_bytes > smtp->max_size)
		for (size_t i = 0; i < n; i++)
			set_result(&results[i], LK_SMTP_PERMANENT, 0, g_strdup("5.3.4"),
				   "the mail is larger than the server takes (SIZE)");
	if (!any_open(results, n))
		return;
	lk_fault("smtp.mail");
	lk_stream_begin(smtp->stream, 0, REPLY_BYTES);
	bool is_good = reset(smtp) && send_envelope(smtp, from, recipients, n, n_bytes, results);
	if (!is_good)
		settle_open(smtp, results, n, true, LK_SMTP_TEMPORARY);
	else if (any_open(results, n))
		send_data(smtp, bytes, n_bytes, results, n);
	else
		smtp->needs_reset = true;
	if (smtp->reply.code == 421)
		lk_stream_kill(smtp->stream, "the server said goodbye: 421");
}
