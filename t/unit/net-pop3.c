/* The POP3 client against servers that break the protocol. */
#include "lib/net/pop3.h"

#include "lib/base/clock.h"
#include "t/unit/net-peer.h"

static void log_in(script *s)
{
	say(s, "+OK hi\r\n");
	hear(s, "USER user");
	say(s, "+OK\r\n");
	hear(s, "PASS secret");
	say(s, "+OK in\r\n");
}

typedef struct {
	peer p;
	lk_pop3 *pop3;
} fixture;

static void open_session(fixture *f, play run)
{
	GError *error = NULL;
	f->p = peer_start(run);
	g_assert_true(lk_pop3_open(&f->p.server, &f->pop3, &error));
	g_assert_no_error(error);
}

static void close_session(fixture *f)
{
	lk_pop3_free(f->pop3);
	g_assert_true(peer_stop(&f->p));
}

/* --- mails --------------------------------------------------------------------------------------
 */

#define ODD "..dot\r\n.\r\nnul:\0after\r\nbare\nlf\rcr\n.\r\n\r\n"

static void play_mail(script *s)
{
	log_in(s);
	hear(s, "RETR 1");
	/* a lone LF . CR LF is no end: only after CR LF is a dot special */
	static const char wire[] = "+OK\r\n...dot\r\n..\r\nnul:\0after\r\nbare\nlf\rcr\n.\r\n\r\n"
				   ".\r\n";
	say_bytes(s, wire, sizeof wire - 1);
	hear(s, "TOP 1 0");
	say(s, "+OK\r\nSubject: x\r\n\r\n.\r\n");
	hear(s, "RETR 2");
	say(s, "-ERR no such message\r\n");
	hear_end(s, "QUIT"); /* never unless asked: it would delete */
}

static void test_bytes(void)
{
	fixture f = {0};
	lk_autofd int fd = temporary_file();
	GError *error = NULL;
	open_session(&f, play_mail);
	g_assert_true(lk_pop3_fetch(f.pop3, 1, false, 1000, fd, &error));
	g_assert_no_error(error);
	g_autoptr(GString) got = content_of(fd);
	g_assert_cmpmem(got->str, got->len, ODD, sizeof ODD - 1);
	lk_autofd int head_fd = temporary_file();
	g_assert_true(lk_pop3_fetch(f.pop3, 1, true, 1000, head_fd, &error));
	g_autoptr(GString) head = content_of(head_fd);
	g_assert_cmpstr(head->str, ==, "Subject: x\r\n\r\n");
	g_assert_false(lk_pop3_fetch(f.pop3, 2, false, 1000, fd, &error));
	assert_code(error, LK_ERR_MESSAGE);
	g_clear_error(&error);
	close_session(&f);
}

static void play_bare_lf(script *s)
{
	log_in(s);
	hear(s, "RETR 1");
	say(s, "+OK");
	wait_until_read(s);
	say(s, "\nSubject: x\n\n..\nend\n.\n");
	hear_end(s, NULL);
}

/* A server that ends all its lines in LF is understood. */
static void test_bare_lf(void)
{
	fixture f = {0};
	lk_autofd int fd = temporary_file();
	open_session(&f, play_bare_lf);
	g_assert_true(lk_pop3_fetch(f.pop3, 1, false, 1000, fd, NULL));
	g_autoptr(GString) got = content_of(fd);
	g_assert_cmpstr(got->str, ==, "Subject: x\n\n.\nend\n");
	close_session(&f);
}

static void play_eof(script *s)
{
	log_in(s);
	hear(s, "RETR 1");
	say(s, "+OK 100\r\nSubject: a\r\n\r\nbody");
}

static void play_drip(script *s)
{
	log_in(s);
	hear(s, "RETR 1");
	say(s, "+OK\r\n");
	drip(s, 'x', 20);
}

static void play_flood(script *s)
{
	log_in(s);
	hear(s, "RETR 1");
	say(s, "+OK\r\n");
	char piece[4096];
	memset(piece, 'x', sizeof piece); /* one line without an end */
	for (;;)
		say_bytes(s, piece, sizeof piece);
}

static void test_broken_mails(void)
{
	static const struct {
		play run;
		lk_err code;
		const char *words;
		int64_t most_ms;
	} cases[] = {
		{play_eof, LK_ERR_RETRY, "the server closed the connection", 15000},
		{play_drip, LK_ERR_RETRY, "", 15000},
		{play_flood, LK_ERR_MESSAGE, "longer than 100000 bytes", 15000},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		fixture f = {0};
		lk_autofd int fd = temporary_file();
		GError *error = NULL;
		open_session(&f, cases[i].run);
		reset_peak();
		long before = peak_kb();
		int64_t begun = lk_monotonic_ms();
		g_assert_false(lk_pop3_fetch(f.pop3, 1, false, 100000, fd, &error));
		assert_code(error, cases[i].code);
		g_assert_nonnull(strstr(error->message, cases[i].words));
		g_assert_cmpint(lk_monotonic_ms() - begun, <, cases[i].most_ms);
		g_assert_cmpint(peak_kb() - before, <, 8192);
		g_clear_error(&error);
		close_session(&f);
	}
}

/* --- lists --------------------------------------------------------------------------------------
 */

static void play_list(script *s)
{
	log_in(s);
	hear(s, "UIDL");
	say(s, "+OK\r\n7 c!~\r\n1 a\r\n5 b\r\n.\r\n");
	hear(s, "LIST");
	say(s, "+OK 3 messages\r\n1 100\r\n5 5000000000\r\n7 70 and more\r\n9 1\r\n.\r\n");
	hear(s, "DELE 5");
	say(s, "+OK\r\n");
	hear(s, "QUIT");
	say(s, "+OK bye\r\n");
}

/* Gaps crash libetpan's own listing. */
static void test_list(void)
{
	fixture f = {0};
	g_autoptr(GArray) items = NULL;
	GError *error = NULL;
	open_session(&f, play_list);
	g_assert_true(lk_pop3_list(f.pop3, &items, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(items->len, ==, 3);
	const lk_pop3_item *item = (const lk_pop3_item *)(const void *)items->data;
	g_assert_cmpuint(item[0].number, ==, 1);
	g_assert_cmpuint(item[1].number, ==, 5);
	g_assert_cmpuint(item[1].size, ==, G_GUINT64_CONSTANT(5000000000));
	g_assert_cmpuint(item[2].number, ==, 7);
	g_assert_cmpuint(item[2].size, ==, 70);
	g_assert_cmpstr(item[2].uidl, ==, "c!~");
	g_assert_true(lk_pop3_delete(f.pop3, 5, &error));
	g_assert_true(lk_pop3_commit(f.pop3, &error));
	g_assert_no_error(error);
	close_session(&f);
}

static const char *uidl_answer;

static void play_uidl(script *s)
{
	log_in(s);
	hear(s, "UIDL");
	say(s, uidl_answer);
	keep_silent(s);
}

static void test_bad_lists(void)
{
	static const char *const answers[] = {
		"+OK\r\n0 zero\r\n.\r\n",
		"+OK\r\n4294967296 x\r\n.\r\n",
		"+OK\r\n1 a\r\n1 b\r\n.\r\n",
		"+OK\r\n1 with blank\r\n.\r\n",
		"+OK\r\n1 \r\n.\r\n",
		"+OK\r\n-1 a\r\n.\r\n",
		"+OK\r\nx a\r\n.\r\n",
		"+OK\r\n1\r\n.\r\n",
		"+OK\r\n1 \xc3\xa4\r\n.\r\n",
		"garbage\r\n",
		("+OK\r\n1 "
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n."
		 "\r\n"),
	};
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		fixture f = {0};
		GArray *items = NULL;
		GError *error = NULL;
		uidl_answer = answers[i];
		open_session(&f, play_uidl);
		if (lk_pop3_list(f.pop3, &items, &error))
			g_test_message("taken: %s", answers[i]);
		assert_code(error, LK_ERR_RETRY);
		g_clear_error(&error);
		close_session(&f);
	}
}

static void test_no_uidl(void)
{
	fixture f = {0};
	GArray *items = NULL;
	GError *error = NULL;
	uidl_answer = "-ERR unknown command\r\n";
	open_session(&f, play_uidl);
	g_assert_false(lk_pop3_list(f.pop3, &items, &error));
	assert_code(error, LK_ERR_MAILBOX);
	g_assert_nonnull(strstr(error->message, "gives no UIDL"));
	g_clear_error(&error);
	close_session(&f);
}

/* --- the way in ---------------------------------------------------------------------------------
 */

static void play_in_use(script *s)
{
	say(s, "+OK hi\r\n");
	hear(s, "USER");
	say(s, "+OK\r\n");
	hear(s, "PASS");
	say(s, "-ERR [IN-USE] somebody else is reading\r\n");
	hear_end(s, "QUIT");
}

static void play_wrong(script *s)
{
	say(s, "+OK hi\r\n");
	hear(s, "USER");
	say(s, "+OK\r\n");
	hear(s, "PASS");
	say(s, "-ERR [AUTH] not secret\r\n");
	hear_end(s, "QUIT");
}

static void play_http(script *s)
{
	say(s, "HTTP/1.1 400 Bad Request\r\n");
	hear_end(s, "secret");
}

static void play_ahead(script *s)
{
	say(s, "+OK hi\r\n");
	hear(s, "USER");
	say(s, "+OK\r\n");
	hear(s, "PASS");
	say_constant(s, "+OK in\r\n+OK\r\n1 a\r\n.\r\n");
	keep_silent(s);
}

static void test_refusals(void)
{
	static const struct {
		play run;
		lk_err code;
		const char *words;
	} cases[] = {
		{play_in_use, LK_ERR_RETRY, "somebody else is reading"},
		{play_wrong, LK_ERR_MAILBOX, "login refused for user: check user and the password"},
		{play_http, LK_ERR_RETRY, "does not greet as POP3"},
		{play_ahead, LK_ERR_RETRY, "says more than it was asked"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		GError *error = NULL;
		lk_pop3 *pop3 = NULL;
		peer p = peer_start(cases[i].run);
		g_assert_false(lk_pop3_open(&p.server, &pop3, &error));
		assert_code(error, cases[i].code);
		if (!strstr(error->message, cases[i].words))
			g_test_message("%s", error->message);
		g_assert_nonnull(strstr(error->message, cases[i].words));
		g_assert_null(strstr(error->message, "secret"));
		g_clear_error(&error);
		g_assert_true(peer_stop(&p));
	}
}

static void play_xoauth2(script *s)
{
	say(s, "+OK hi\r\n");
	hear(s, "AUTH XOAUTH2\r\n");
	say(s, "+ \r\n");
	hear(s, "dXNlcj11c2VyAWF1dGg9QmVhcmVyIHNlY3JldAEB\r\n");
	say(s, "+OK in\r\n");
	hear(s, "QUIT");
	say(s, "+OK\r\n");
}

static void play_xoauth2_refused(script *s)
{
	say(s, "+OK hi\r\n");
	hear(s, "AUTH XOAUTH2\r\n");
	say(s, "+ \r\n");
	hear(s, "dXNlcj11c2VyAWF1dGg9QmVhcmVyIHNlY3JldAEB\r\n");
	say(s, "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n");
	hear(s, "\r\n");
	say(s, "-ERR [AUTH] expired\r\n");
	hear_end(s, NULL);
}

static void test_xoauth2(void)
{
	GError *error = NULL;
	lk_pop3 *pop3 = NULL;
	peer p = peer_start(play_xoauth2);
	p.server.auth = LK_AUTH_XOAUTH2;
	g_assert_true(lk_pop3_open(&p.server, &pop3, &error));
	g_assert_no_error(error);
	g_assert_true(lk_pop3_commit(pop3, NULL));
	lk_pop3_free(pop3);
	g_assert_true(peer_stop(&p));
	p = peer_start(play_xoauth2_refused);
	p.server.auth = LK_AUTH_XOAUTH2;
	g_assert_false(lk_pop3_open(&p.server, &pop3, &error));
	assert_code(error, LK_ERR_MAILBOX);
	g_assert_nonnull(strstr(error->message, "check user and the oauth2 settings"));
	g_clear_error(&error);
	g_assert_true(peer_stop(&p));
}

int main(int argc, char **argv)
{
	lk_sodium_init();
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/pop3/bytes", test_bytes);
	g_test_add_func("/pop3/bare-lf", test_bare_lf);
	g_test_add_func("/pop3/broken-mails", test_broken_mails);
	g_test_add_func("/pop3/list", test_list);
	g_test_add_func("/pop3/bad-lists", test_bad_lists);
	g_test_add_func("/pop3/no-uidl", test_no_uidl);
	g_test_add_func("/pop3/refusals", test_refusals);
	g_test_add_func("/pop3/xoauth2", test_xoauth2);
	return g_test_run();
}
