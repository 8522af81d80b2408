/* LMTP: our server against good and bad clients, our client against good and bad servers. */
#include "lib/net/lmtp.h"

#include "lib/base/clock.h"
#include "lib/base/secret.h"
#include "t/unit/net-peer.h"

#include <stdlib.h>

/* --- the server ---------------------------------------------------------------------------------
 */

typedef struct {
	GString *seen; /* "from -> a,b: bytes\n" for each mail */
	int code;
} mailbox;

static void deliver(const lk_lmtp_mail *mail, lk_lmtp_reply *replies, void *data)
{
	mailbox *box = data;
	g_autoptr(GString) bytes = content_of(mail->fd);
	g_string_append_printf(box->seen, "%s -> ", mail->from);
	for (size_t i = 0; i < mail->n_recipients; i++) {
		g_string_append_printf(box->seen, "%s,", mail->recipients[i]);
		replies[i].code = i == 0 ? box->code : 250;
		replies[i].text = g_strdup("2.0.0 words");
	}
	g_assert_cmpuint(bytes->len, ==, mail->size);
	g_assert_null(mail->recipients[mail->n_recipients]);
	g_string_append(box->seen, ": ");
	g_string_append_len(box->seen, bytes->str, (gssize)bytes->len);
	g_string_append(box->seen, "|");
}

static bool accept_known(const char *recipient, void *data)
{
	return !g_str_has_prefix(recipient, "unknown");
}

/* Everything the client says at once (our server takes pipelining). The mails taken; caller frees.
 */
static GString *converse(const char *said, size_t n)
{
	int ends[2];
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		script s = {.fd = ends[1]};
		say_bytes(&s, said, n);
		hear_end(&s, NULL);
		_exit(0);
	}
	close(ends[1]);
	GError *error = NULL;
	mailbox box = {.seen = g_string_new(NULL), .code = 250};
	lk_lmtp_options options = {.host_name = "desk.test",
				   .max_size = 1000,
				   .io_timeout_ms = 1000,
				   .wake_fd = -1,
				   .deliver = deliver,
				   .data = &box};
	g_assert_true(lk_lmtp_serve(ends[0], &options, &error));
	g_assert_no_error(error);
	waitpid(pid, NULL, 0);
	return box.seen;
}

/* A server in a child, a client here that reads answers. */
typedef struct {
	int fd;
	pid_t pid;
} session;

static session begin(int code, uint64_t max_size, const char *spool_dir)
{
	int ends[2];
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
	session s = {.fd = ends[0], .pid = fork()};
	if (s.pid == 0) {
		close(ends[0]);
		mailbox box = {.seen = g_string_new(NULL), .code = code};
		lk_lmtp_options options = {.host_name = "desk.test",
					   .max_size = max_size,
					   .spool_dir = spool_dir,
					   .io_timeout_ms = 1000,
					   .wake_fd = -1,
					   .accept = accept_known,
					   .deliver = deliver,
					   .data = &box};
		_exit(lk_lmtp_serve(ends[1], &options, NULL) ? 0 : 1);
	}
	close(ends[1]);
	return s;
}

/* Says something and returns the code of the (last line of the) answer. */
static int ask(session *s, const char *said)
{
	script io = {.fd = s->fd};
	/* A server that has closed already may still have something to read. */
	if (said)
		(void)send(s->fd, said, strlen(said), MSG_NOSIGNAL);
	do {
		size_t n = 0;
		while (n < sizeof io.line - 1 && read(s->fd, io.line + n, 1) == 1)
			if (io.line[n++] == '\n')
				break;
		io.line[n] = '\0';
		if (n == 0)
			return 0;
	} while (io.line[3] == '-');
	return atoi(io.line);
}

static int end(session *s)
{
	int status;
	close(s->fd);
	waitpid(s->pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_dialogue(void)
{
	session s = begin(451, 1000, NULL);
	g_assert_cmpint(ask(&s, NULL), ==, 220);
	g_assert_cmpint(ask(&s, "MAIL FROM:<a@b.fi>\r\n"), ==, 503);
	g_assert_cmpint(ask(&s, "EHLO me\r\n"), ==, 500);
	g_assert_cmpint(ask(&s, "lhlo me\r\n"), ==, 250);
	g_assert_cmpint(ask(&s, "RCPT TO:<a@b.fi>\r\n"), ==, 503);
	g_assert_cmpint(ask(&s, "DATA\r\n"), ==, 503);
	g_assert_cmpint(ask(&s, "MAIL FROM:<a b@c.fi>\r\n"), ==, 501);
	g_assert_cmpint(ask(&s, "MAIL FROM:<a@b.fi> SIZE=1001\r\n"), ==, 552);
	g_assert_cmpint(ask(&s, "MAIL FROM:<> BODY=8BITMIME SIZE=1000\r\n"), ==, 250);
	g_assert_cmpint(ask(&s, "MAIL FROM:<a@b.fi>\r\n"), ==, 503);
	g_assert_cmpint(ask(&s, "RCPT TO:<unknown@b.fi>\r\n"), ==, 550);
	g_assert_cmpint(ask(&s, "RCPT TO:nobody\r\n"), ==, 501);
	g_assert_cmpint(ask(&s, "rcpt to: <one@b.fi>\r\n"), ==, 250);
	g_assert_cmpint(ask(&s, "RCPT TO:<@relay.fi:two@b.fi> NOTIFY=NEVER\r\n"), ==, 250);
	g_assert_cmpint(ask(&s, "DATA\r\n"), ==, 354);
	/* one answer for each recipient */
	g_assert_cmpint(ask(&s, "Subject: x\r\n\r\n..\r\n.\r\n"), ==, 451);
	g_assert_cmpint(ask(&s, NULL), ==, 250);
	g_assert_cmpint(ask(&s, "DATA\r\n"), ==, 503);
	g_assert_cmpint(ask(&s, "RSET\r\n"), ==, 250);
	g_assert_cmpint(ask(&s, "NOOP\r\n"), ==, 250);
	g_assert_cmpint(ask(&s, "VRFY x\r\n"), ==, 252);
	g_assert_cmpint(ask(&s, "QUIT\r\n"), ==, 221);
	g_assert_cmpint(end(&s), ==, 0);
}

static void test_bytes(void)
{
	static const char said[] = "LHLO me\r\nMAIL FROM:<a@b.fi>\r\nRCPT TO:<c@d.fi>\r\nDATA\r\n"
				   "S: x\r\n\r\n..dot\r\nnul:\0\r\nbare\n.\nlf\n.\r\ncr\r.\r\r\n"
				   ".\r\n"
				   "MAIL FROM:<>\r\nRCPT TO:<e@f.fi>\r\nDATA\r\n.\r\nQUIT\r\n";
	g_autoptr(GString) seen = converse(said, sizeof said - 1);
	/* bare line ends smuggle no second mail */
	static const char taken[] =
		"a@b.fi -> c@d.fi,: S: x\r\n\r\n.dot\r\nnul:\0\r\nbare\n.\nlf\n.\r\ncr\r.\r\r\n|"
		" -> e@f.fi,: |";
	g_assert_cmpmem(seen->str, seen->len, taken, sizeof taken - 1);
}

static void test_bounds(void)
{
	session s = begin(250, 100, NULL);
	g_autofree char *mail = g_strnfill(5000, 'x');
	g_assert_cmpint(ask(&s, NULL), ==, 220);
	g_assert_cmpint(ask(&s, "LHLO me\r\n"), ==, 250);
	for (int i = 0; i < 2; i++) {
		g_assert_cmpint(ask(&s, "MAIL FROM:<a@b.fi>\r\n"), ==, 250);
		g_assert_cmpint(ask(&s, "RCPT TO:<c@d.fi>\r\n"), ==, 250);
		g_assert_cmpint(ask(&s, "DATA\r\n"), ==, 354);
		script io = {.fd = s.fd};
		say_bytes(&io, mail, i == 0 ? 300 : 50);
		/* too long is said after the end, and the session goes on */
		g_assert_cmpint(ask(&s, "\r\n.\r\n"), ==, i == 0 ? 552 : 250);
	}
	/* a line without an end */
	script io = {.fd = s.fd};
	say_bytes(&io, mail, 5000);
	g_assert_cmpint(ask(&s, NULL), ==, 0);
	g_assert_cmpint(end(&s), ==, 1);
	/* a mail far beyond what may come is cut off */
	s = begin(250, 100, NULL);
	(void)ask(&s, NULL);
	(void)ask(&s, "LHLO me\r\n");
	(void)ask(&s, "MAIL FROM:<a@b.fi>\r\n");
	(void)ask(&s, "RCPT TO:<c@d.fi>\r\n");
	g_assert_cmpint(ask(&s, "DATA\r\n"), ==, 354);
	for (int i = 0; i < 100; i++)
		if (send(s.fd, mail, 5000, MSG_NOSIGNAL) < 0)
			break;
	g_assert_cmpint(end(&s), ==, 1);
}

static void test_no_room(void)
{
	session s = begin(250, 1000, "/nonexistent");
	(void)ask(&s, NULL);
	(void)ask(&s, "LHLO me\r\n");
	(void)ask(&s, "MAIL FROM:<a@b.fi>\r\n");
	(void)ask(&s, "RCPT TO:<c@d.fi>\r\n");
	g_assert_cmpint(ask(&s, "DATA\r\n"), ==, 451);
	g_assert_cmpint(ask(&s, "QUIT\r\n"), ==, 221);
	g_assert_cmpint(end(&s), ==, 0);
}

static void test_impatience(void)
{
	session s = begin(250, 1000, NULL);
	int64_t begun = lk_monotonic_ms();
	(void)ask(&s, NULL);
	g_assert_cmpint(ask(&s, NULL), ==, 421);
	g_assert_cmpint(lk_monotonic_ms() - begun, <, 15000);
	g_assert_cmpint(end(&s), ==, 0);
	/* someone who talks another protocol */
	s = begin(250, 1000, NULL);
	(void)ask(&s, NULL);
	int code = 500;
	for (int i = 0; i < 100 && code == 500; i++)
		code = ask(&s, "GET / HTTP/1.1\r\n");
	g_assert_cmpint(code, ==, 421);
	g_assert_cmpint(end(&s), ==, 0);
}

/* Between two mails nothing is open: no error, with QUIT or without, heard or not. */
static void test_leaving(void)
{
	session s = begin(250, 1000, NULL);
	g_assert_cmpint(end(&s), ==, 0);
	s = begin(250, 1000, NULL);
	(void)ask(&s, NULL);
	g_assert_cmpint(end(&s), ==, 0);
	s = begin(250, 1000, NULL);
	(void)ask(&s, NULL);
	(void)send(s.fd, "QUIT\r\n", 6, MSG_NOSIGNAL);
	g_assert_cmpint(end(&s), ==, 0);
	s = begin(250, 1000, NULL);
	(void)ask(&s, NULL);
	(void)ask(&s, "LHLO x\r\n");
	(void)ask(&s, "MAIL FROM:<a@b.fi>\r\n");
	(void)ask(&s, "RCPT TO:<c@d.fi>\r\n");
	g_assert_cmpint(end(&s), ==, 1);
}

/* --- the client ---------------------------------------------------------------------------------
 */

static void hear_mail(script *s)
{
	say(s, "220 hi\r\n");
	hear(s, "LHLO");
	say(s, "250-me\r\n250 SIZE\r\n");
	hear(s, "MAIL FROM:<>");
	say(s, "250 ok\r\n");
	hear(s, "RCPT TO:<a@b.fi>");
	say(s, "250 ok\r\n");
	hear(s, "RCPT TO:<c@d.fi>");
	say(s, "250 ok\r\n");
	hear(s, "DATA");
	say(s, "354 go\r\n");
	hear(s, "Subject: x\r\n");
	hear(s, "\r\n");
	hear(s, "..\r\n");
	hear(s, "end\r\n");
	hear(s, ".\r\n");
}

static void play_taken(script *s)
{
	hear_mail(s);
	say(s, "250 2.0.0 ok\r\n250 2.0.0 ok\r\n");
	hear(s, "QUIT");
}

static void play_not_for_one(script *s)
{
	hear_mail(s);
	say(s, "250 2.0.0 ok\r\n451 4.3.0 database away\r\n");
	hear(s, "QUIT");
}

static void play_refused(script *s)
{
	say(s, "220 hi\r\n");
	hear(s, "LHLO");
	say(s, "250 me\r\n");
	hear(s, "MAIL");
	say(s, "250 ok\r\n");
	hear(s, "RCPT");
	say(s, "550 5.1.1 no such mailbox here\r\n");
	hear_end(s, "DATA");
}

static void play_gone(script *s)
{
	hear_mail(s);
}

static void test_client(void)
{
	static const struct {
		play run;
		int code; /* -1: good */
		const char *words;
	} cases[] = {
		{play_taken, -1, NULL},
		{play_not_for_one, LK_ERR_RETRY, "451 4.3.0 database away"},
		{play_refused, LK_ERR_DATA, "no such mailbox here"},
		{play_gone, LK_ERR_RETRY, "the server closed the connection"},
	};
	static const char *const recipients[] = {"a@b.fi", "c@d.fi", NULL};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		GError *error = NULL;
		lk_autofd int fd = temporary_file();
		static const char mail[] = "Subject: x\n\n.\nend";
		g_assert_cmpint(write(fd, mail, sizeof mail - 1), ==, sizeof mail - 1);
		g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
		peer p = peer_start(cases[i].run);
		bool is_good = lk_lmtp_send(p.path, "", recipients, fd, &error);
		g_assert_true(is_good == (cases[i].code < 0));
		if (!is_good) {
			assert_code(error, (lk_err)cases[i].code);
			g_assert_nonnull(strstr(error->message, cases[i].words));
		}
		g_clear_error(&error);
		g_assert_true(peer_stop(&p));
	}
}

static void test_client_without_server(void)
{
	static const char *const good[] = {"a@b.fi", NULL};
	static const char *const bad[] = {"a@b.fi\r\nDATA", NULL};
	GError *error = NULL;
	g_assert_false(lk_lmtp_send("/nonexistent/lmtp", "", good, 0, &error));
	assert_code(error, LK_ERR_RETRY);
	g_clear_error(&error);
	g_assert_false(lk_lmtp_send("/nonexistent/lmtp", "", bad, 0, &error));
	assert_code(error, LK_ERR_DATA);
	g_clear_error(&error);
}

int main(int argc, char **argv)
{
	lk_sodium_init();
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/lmtp/dialogue", test_dialogue);
	g_test_add_func("/lmtp/bytes", test_bytes);
	g_test_add_func("/lmtp/bounds", test_bounds);
	g_test_add_func("/lmtp/no-room", test_no_room);
	g_test_add_func("/lmtp/impatience", test_impatience);
	g_test_add_func("/lmtp/leaving", test_leaving);
	g_test_add_func("/lmtp/client", test_client);
	g_test_add_func("/lmtp/client-without-server", test_client_without_server);
	return g_test_run();
}
