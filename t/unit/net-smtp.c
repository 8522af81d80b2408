/* The SMTP client against servers that break the protocol, at each moment of a mail. */
#include "lib/net/smtp.h"

#include "lib/base/clock.h"
#include "t/unit/net-peer.h"

#define MAIL "Subject: x\r\n\r\nhello\r\n"

static void greet(script *s)
{
	say(s, "220 hi\r\n");
	hear(s, "EHLO probe.test");
	say(s, "250-me\r\n250-SIZE 1000\r\n250-AUTH LOGIN PLAIN XOAUTH2\r\n250 8BITMIME\r\n");
	hear(s, "AUTH PLAIN AHVzZXIAc2VjcmV0");
	say(s, "235 2.7.0 in\r\n");
}

static void envelope(script *s)
{
	greet(s);
	hear(s, "MAIL FROM:<a@b.fi> SIZE=21");
	say(s, "250 ok\r\n");
	hear(s, "RCPT TO:<c@d.fi>");
	say(s, "250 ok\r\n");
	hear(s, "DATA");
	say(s, "354 go\r\n");
	hear(s, "Subject");
	hear(s, "\r\n");
	hear(s, "hello");
	hear(s, ".\r\n");
}

static lk_smtp_result send_mail(play run, bool *ret_alive)
{
	static const char *const recipients[] = {"c@d.fi", NULL};
	lk_smtp_result result = {0};
	GError *error = NULL;
	lk_smtp *smtp = NULL;
	peer p = peer_start(run);
	g_assert_true(lk_smtp_open(&p.server, "probe.test", &smtp, &error));
	g_assert_no_error(error);
	lk_smtp_send(smtp, "a@b.fi", recipients, 1, MAIL, strlen(MAIL), &result);
	*ret_alive = lk_smtp_is_alive(smtp);
	lk_smtp_free(smtp);
	g_assert_true(peer_stop(&p));
	return result;
}

static void play_good(script *s)
{
	envelope(s);
	say(s, "250-2.0.0 queued\r\n250 2.0.0 as 123\r\n");
	hear(s, "QUIT");
	say(s, "221 bye\r\n");
}

static void play_half_answer(script *s)
{
	envelope(s);
	say(s, "250-2.0.0 queu");
}

static void play_other_code(script *s)
{
	envelope(s);
	say(s, "250-2.0.0 queued\r\n550 2.0.0 no\r\n");
	keep_silent(s);
}

static void play_answer_drips(script *s)
{
	envelope(s);
	drip(s, '2', 50);
}

static void play_answer_floods(script *s)
{
	envelope(s);
	for (;;)
		say(s, "250-more and more and more and more and more\r\n");
}

static void play_odd_words(script *s)
{
	envelope(s);
	say_constant(s, "554 5.7.1 \xff\x1b[31m nul:\0 <x@y> \xc3\xa4\r\n");
	hear(s, "QUIT");
}

static void test_answers_to_the_dot(void)
{
	static const struct {
		play run;
		lk_smtp_class class;
		int code;
		const char *status;
		bool alive;
	} cases[] = {
		{play_good, LK_SMTP_SENT, 250, "2.0.0", true},
		{play_half_answer, LK_SMTP_UNCERTAIN, 0, NULL, false},
		{play_other_code, LK_SMTP_UNCERTAIN, 0, NULL, false},
		{play_answer_drips, LK_SMTP_UNCERTAIN, 0, NULL, false},
		{play_answer_floods, LK_SMTP_UNCERTAIN, 0, NULL, false},
		{play_odd_words, LK_SMTP_PERMANENT, 554, "5.7.1", true},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		bool alive;
		int64_t begun = lk_monotonic_ms();
		lk_smtp_result r = send_mail(cases[i].run, &alive);
		g_test_message("%zu: %s", i, r.reply);
		g_assert_cmpint(r.class, ==, cases[i].class);
		g_assert_cmpint(r.code, ==, cases[i].code);
		g_assert_cmpstr(r.status, ==, cases[i].status);
		g_assert_true(alive == cases[i].alive);
		g_assert_true(g_utf8_validate(r.reply, -1, NULL));
		g_assert_null(strchr(r.reply, '\x1b'));
		g_assert_cmpint(lk_monotonic_ms() - begun, <, 15000);
		lk_smtp_result_clear(&r);
	}
}

static void play_gone_at_mail(script *s)
{
	greet(s);
	hear(s, "MAIL");
}

static void play_gone_in_data(script *s)
{
	greet(s);
	hear(s, "MAIL");
	say(s, "250 ok\r\n");
	hear(s, "RCPT");
	say(s, "250 ok\r\n");
	hear(s, "DATA");
	/* no 354 */
}

static void play_odd_data(script *s)
{
	greet(s);
	hear(s, "MAIL");
	say(s, "250 ok\r\n");
	hear(s, "RCPT");
	say(s, "250 ok\r\n");
	hear(s, "DATA");
	say(s, "250 what data?\r\n");
	hear_end(s, "hello");
}

static void test_lost_before_the_dot(void)
{
	static const play runs[] = {play_gone_at_mail, play_gone_in_data, play_odd_data};
	for (size_t i = 0; i < G_N_ELEMENTS(runs); i++) {
		bool alive;
		lk_smtp_result r = send_mail(runs[i], &alive);
		g_assert_cmpint(r.class, ==, LK_SMTP_TEMPORARY);
		g_assert_cmpint(r.code, ==, 0);
		g_assert_false(alive);
		lk_smtp_result_clear(&r);
	}
}

static void play_nothing(script *s)
{
	greet(s);
	hear(s, "QUIT");
	say(s, "221 bye\r\n");
}

/* What can be known without asking is not asked. */
static void test_local_refusals(void)
{
	static const char *const recipients[] = {"no at sign", "two@x.fi\r\nDATA", "ä@x.fi", NULL};
	lk_smtp_result results[3] = {{0}};
	lk_smtp *smtp = NULL;
	peer p = peer_start(play_nothing);
	g_assert_true(lk_smtp_open(&p.server, "probe.test", &smtp, NULL));
	g_assert_cmpuint(lk_smtp_max_size(smtp), ==, 1000);
	lk_smtp_send(smtp, "", recipients, 3, MAIL, strlen(MAIL), results);
	g_assert_cmpint(results[0].class, ==, LK_SMTP_PERMANENT);
	g_assert_cmpstr(results[0].status, ==, "5.1.3");
	g_assert_cmpint(results[1].class, ==, LK_SMTP_PERMANENT);
	g_assert_cmpint(results[2].class, ==, LK_SMTP_PERMANENT);
	g_assert_cmpstr(results[2].status, ==, "5.6.7");
	for (int i = 0; i < 3; i++)
		lk_smtp_result_clear(&results[i]);
	g_autofree char *large = g_strnfill(1001, 'x');
	lk_smtp_send(smtp, "", (const char *const[]){"a@b.fi", NULL}, 1, large, 1001, results);
	g_assert_cmpint(results[0].class, ==, LK_SMTP_PERMANENT);
	g_assert_cmpstr(results[0].status, ==, "5.3.4");
	lk_smtp_result_clear(&results[0]);
	lk_smtp_free(smtp);
	g_assert_true(peer_stop(&p));
}

/* --- the way in ---------------------------------------------------------------------------------
 */

static void play_flood(script *s)
{
	say(s, "220 hi\r\n");
	hear(s, "EHLO");
	for (;;)
		say(s,
		    "250-"
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n");
}

static void play_endless(script *s)
{
	char piece[4096];
	memset(piece, 'x', sizeof piece);
	for (;;)
		say_bytes(s, piece, sizeof piece);
}

static void play_http(script *s)
{
	say(s, "HTTP/1.1 400 Bad Request\r\n");
	hear_end(s, "secret");
}

static void play_wrong(script *s)
{
	say(s, "220 hi\r\n");
	hear(s, "EHLO");
	say(s, "250-me\r\n250 AUTH PLAIN\r\n");
	hear(s, "AUTH PLAIN");
	say(s, "535 5.7.8 secret is wrong\r\n");
	hear(s, "QUIT");
}

static void test_refusals(void)
{
	static const struct {
		play run;
		lk_err code;
		const char *words;
	} cases[] = {
		{play_flood, LK_ERR_RETRY, "answer does not end"},
		{play_endless, LK_ERR_RETRY, "too long"},
		{play_http, LK_ERR_RETRY, "is not SMTP"},
		{play_wrong, LK_ERR_CONFIG, "login refused for user"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		GError *error = NULL;
		lk_smtp *smtp = NULL;
		peer p = peer_start(cases[i].run);
		g_assert_false(lk_smtp_open(&p.server, "probe.test", &smtp, &error));
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
	say(s, "220 hi\r\n");
	hear(s, "EHLO");
	say(s, "250-me\r\n250 AUTH XOAUTH2\r\n");
	hear(s, "AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHNlY3JldAEB\r\n");
	say(s, "334 eyJzdGF0dXMiOiI0MDAifQ==\r\n");
	hear(s, "\r\n");
	say(s, "535 5.7.8 expired\r\n");
	hear(s, "QUIT");
}

static void test_xoauth2(void)
{
	GError *error = NULL;
	lk_smtp *smtp = NULL;
	peer p = peer_start(play_xoauth2);
	p.server.auth = LK_AUTH_XOAUTH2;
	g_assert_false(lk_smtp_open(&p.server, "probe.test", &smtp, &error));
	assert_code(error, LK_ERR_CONFIG);
	g_assert_nonnull(strstr(error->message, "check user and the oauth2 settings"));
	g_clear_error(&error);
	g_assert_true(peer_stop(&p));
}

static void play_idle_end(script *s)
{
	greet(s);
	say(s, "421 4.4.2 idle too long\r\n");
}

/* A connection that the server has closed while nobody looked is noticed before it is used. */
static void test_idle_connection(void)
{
	lk_smtp *smtp = NULL;
	peer p = peer_start(play_idle_end);
	g_assert_true(lk_smtp_open(&p.server, "probe.test", &smtp, NULL));
	bool alive = true;
	for (int i = 0; alive && i < 500; i++) {
		alive = lk_smtp_check(smtp);
		(void)poll(NULL, 0, alive ? 10 : 0);
	}
	g_assert_false(alive);
	lk_smtp_free(smtp);
	g_assert_true(peer_stop(&p));
}

int main(int argc, char **argv)
{
	lk_sodium_init();
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/smtp/answers-to-the-dot", test_answers_to_the_dot);
	g_test_add_func("/smtp/lost-before-the-dot", test_lost_before_the_dot);
	g_test_add_func("/smtp/local-refusals", test_local_refusals);
	g_test_add_func("/smtp/refusals", test_refusals);
	g_test_add_func("/smtp/xoauth2", test_xoauth2);
	g_test_add_func("/smtp/idle-connection", test_idle_connection);
	return g_test_run();
}
