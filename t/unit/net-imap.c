/* The IMAP client against servers that break the protocol: the way in, bodies. */
#include "lib/net/imap.h"

#include "lib/base/clock.h"
#include "t/unit/net-imap-peer.h"

/* --- reading bodies -----------------------------------------------------------------------------
 */

typedef struct {
	bool good;
	bool found;
	GError *error;
	GString *content;
} fetched;

static fetched fetch(fixture *f, uint64_t max_bytes)
{
	fetched r = {0};
	lk_autofd int fd = temporary_file();
	r.good = lk_imap_fetch(f->imap, 5, false, max_bytes, fd, &r.found, &r.error);
	r.content = content_of(fd);
	return r;
}

static void fetched_clear(fetched *r)
{
	g_clear_error(&r->error);
	g_string_free(r->content, TRUE);
}

static void play_literal(script *s)
{
	select_folder(s);
	hear(s, "UID FETCH 5 (UID BODY.PEEK[])");
	say_constant(s, "* 1 FETCH (UID 5 BODY[] {11}\r\nnul:\0\r\nbare");
	say(s, ")\r\n%T OK done\r\n");
	hear(s, "LOGOUT");
}

static void test_literal(void)
{
	fixture f = {0};
	open_folder(&f, play_literal);
	fetched r = fetch(&f, 100);
	g_assert_no_error(r.error);
	g_assert_true(r.good && r.found);
	g_assert_cmpmem(r.content->str, r.content->len, "nul:\0\r\nbare", 11);
	fetched_clear(&r);
	close_folder(&f);
}

static void play_uid_behind(script *s)
{
	select_folder(s);
	hear(s, "UID FETCH");
	say(s,
	    "* 2 FETCH (FLAGS (\\Seen))\r\n* 1 FETCH (BODY[] {5}\r\nhello UID 5)\r\n* 4 EXISTS\r\n"
	    "%T OK done\r\n");
	hear(s, "LOGOUT");
}

static void test_uid_behind_the_body(void)
{
	fixture f = {0};
	open_folder(&f, play_uid_behind);
	fetched r = fetch(&f, 100);
	g_assert_true(r.good && r.found);
	g_assert_cmpstr(r.content->str, ==, "hello");
	fetched_clear(&r);
	close_folder(&f);
}

static void play_quoted(script *s)
{
	select_folder(s);
	hear(s, "UID FETCH");
	say(s, "* 1 FETCH (UID 5 BODY[] \"a \\\"b\\\"\")\r\n%T OK done\r\n");
	hear(s, "UID FETCH");
	say(s, "* 1 FETCH (UID 5 BODY[] NIL)\r\n%T OK done\r\n");
	hear(s, "LOGOUT");
}

static void test_quoted_and_nil(void)
{
	fixture f = {0};
	open_folder(&f, play_quoted);
	fetched r = fetch(&f, 100);
	g_assert_true(r.good && r.found);
	g_assert_cmpstr(r.content->str, ==, "a \"b\"");
	fetched_clear(&r);
	r = fetch(&f, 100);
	g_assert_true(r.good && r.found);
	g_assert_cmpuint(r.content->len, ==, 0);
	fetched_clear(&r);
	close_folder(&f);
}

static void play_eof(script *s)
{
	select_folder(s);
	hear(s, "UID FETCH");
	say(s, "* 1 FETCH (UID 5 BODY[] {100000}\r\nabc");
}

/* libetpan's own streams spin for ever here. */
static void test_end_in_literal(void)
{
	fixture f = {0};
	open_folder(&f, play_eof);
	int64_t begun = lk_monotonic_ms();
	fetched r = fetch(&f, 1000000);
	g_assert_false(r.good);
	assert_code(r.error, LK_ERR_RETRY);
	g_assert_nonnull(strstr(r.error->message, "the server closed the connection"));
	g_assert_cmpint(lk_monotonic_ms() - begun, <, 15000);
	g_assert_false(lk_imap_is_alive(f.imap));
	fetched_clear(&r);
	close_folder(&f);
}

static void play_huge(script *s)
{
	select_folder(s);
	hear(s, "UID FETCH");
	say(s, "* 1 FETCH (UID 5 BODY[] {4294967290}\r\n");
	char piece[4096];
	memset(piece, 'x', sizeof piece);
	for (;;)
		say_bytes(s, piece, sizeof piece);
}

static void test_huge_literal(void)
{
	fixture f = {0};
	open_folder(&f, play_huge);
	reset_peak();
	long before = peak_kb();
	fetched r = fetch(&f, 100000);
	g_assert_false(r.good);
	assert_code(r.error, LK_ERR_MESSAGE);
	g_assert_nonnull(strstr(r.error->message, "longer than 100000 bytes"));
	g_assert_cmpint(peak_kb() - before, <, 16384);
	fetched_clear(&r);
	close_folder(&f);
}

static void play_drip_body(script *s)
{
	select_folder(s);
	hear(s, "UID FETCH");
	say(s, "* 1 FETCH (UID 5 BODY[] {100000}\r\n");
	drip(s, 'x', 20);
}

static void test_dripping_body(void)
{
	fixture f = {0};
	open_folder(&f, play_drip_body);
	int64_t begun = lk_monotonic_ms();
	fetched r = fetch(&f, 1000000);
	g_assert_false(r.good);
	assert_code(r.error, LK_ERR_RETRY);
	int64_t took = lk_monotonic_ms() - begun;
	g_assert_cmpint(took, >=, 1900); /* the whole command, not each byte */
	g_assert_cmpint(took, <, 15000);
	fetched_clear(&r);
	close_folder(&f);
}

static void play_no(script *s)
{
	select_folder(s);
	hear(s, "UID FETCH");
	say(s, "* 2 FETCH (UID 6 FLAGS (\\Seen))\r\n"
	       "%T NO [SERVERBUG] Some messages could not be FETCHed\r\n");
	hear(s, "UID SEARCH UID 5");
	say(s, "* SEARCH 5\r\n%T OK done\r\n");
	hear(s, "UID FETCH");
	say(s, "%T NO no such message\r\n");
	hear(s, "UID SEARCH UID 5");
	say(s, "* SEARCH\r\n%T OK done\r\n");
	hear(s, "UID FETCH");
	say(s, "* 2 FETCH (UID 6 FLAGS (\\Seen))\r\n%T OK done\r\n");
	hear(s, "UID SEARCH UID 5");
	say(s, "* SEARCH 5\r\n%T OK done\r\n");
	hear(s, "UID FETCH");
	say(s, "%T NO cannot be read\r\n");
	hear(s, "UID SEARCH UID 5");
	say(s, "* SEARCH 5\r\n%T OK done\r\n");
	hear(s, "LOGOUT");
}

/* libetpan says OK when any FETCH stands before a NO. */
static void test_no_behind_fetch(void)
{
	fixture f = {0};
	open_folder(&f, play_no);
	fetched r = fetch(&f, 100);
	g_assert_false(r.good);
	assert_code(r.error, LK_ERR_RETRY);
	g_assert_nonnull(strstr(r.error->message, "could not be FETCHed"));
	g_assert_true(lk_imap_is_alive(f.imap));
	fetched_clear(&r);
	r = fetch(&f, 100);
	g_assert_true(r.good && !r.found);
	fetched_clear(&r);
	r = fetch(&f, 100);
	assert_code(r.error, LK_ERR_MESSAGE);
	g_assert_nonnull(strstr(r.error->message, "lists mail 5 but does not give it"));
	fetched_clear(&r);
	r = fetch(&f, 100);
	assert_code(r.error, LK_ERR_MESSAGE);
	g_assert_nonnull(strstr(r.error->message, "cannot be read"));
	fetched_clear(&r);
	close_folder(&f);
}

static void play_nonsense(script *s)
{
	select_folder(s);
	hear(s, "UID FETCH");
	say(s, "* 1 FETCH (UID 5 BODY[] xyz)\r\n%T OK done\r\n");
	keep_silent(s);
}

static void test_nonsense(void)
{
	fixture f = {0};
	open_folder(&f, play_nonsense);
	fetched r = fetch(&f, 100);
	assert_code(r.error, LK_ERR_MESSAGE);
	g_assert_false(lk_imap_is_alive(f.imap));
	fetched_clear(&r);
	close_folder(&f);
}

static void test_full_disk(void)
{
	fixture f = {0};
	open_folder(&f, play_literal);
	lk_autofd int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	bool found;
	GError *error = NULL;
	g_assert_false(lk_imap_fetch(f.imap, 5, false, 100, fd, &found, &error));
	assert_code(error, LK_ERR_RETRY);
	g_clear_error(&error);
	lk_imap_free(f.imap);
	(void)peer_stop(&f.p);
}

/* --- the way in ---------------------------------------------------------------------------------
 */

static GError *failing_open(play run)
{
	GError *error = NULL;
	lk_imap *imap = NULL;
	peer p = peer_start(run);
	g_assert_false(lk_imap_open(&p.server, &imap, &error));
	g_assert_true(peer_stop(&p));
	return error;
}

static void play_bye(script *s)
{
	say(s, "* BYE too many connections\r\n");
}

static void play_bye_later(script *s)
{
	greet(s, CAPABILITIES);
	hear(s, "AUTHENTICATE");
	say(s, "* BYE going down\r\n");
}

static void play_silence(script *s)
{
	keep_silent(s);
}

static void play_echo(script *s)
{
	greet(s, "IMAP4rev1");
	hear(s, "LOGIN \"user\" \"secret\"");
	say(s, "%T NO [AUTHENTICATIONFAILED] no: LOGIN user secret\r\n");
	hear(s, "LOGOUT");
}

static void play_unavailable(script *s)
{
	greet(s, CAPABILITIES);
	hear(s, "AUTHENTICATE");
	say(s, "%T NO [UNAVAILABLE] try later\r\n");
	hear(s, "LOGOUT");
}

static void play_disabled(script *s)
{
	greet(s, "IMAP4rev1 LOGINDISABLED");
	hear_end(s, "secret");
}

static void test_refusals(void)
{
	static const struct {
		play run;
		lk_err code;
		const char *words;
	} cases[] = {
		{play_bye, LK_ERR_RETRY, "too many connections"},
		{play_bye_later, LK_ERR_RETRY, "the server said goodbye: going down"},
		{play_silence, LK_ERR_RETRY, "no answer in time"},
		{play_echo, LK_ERR_MAILBOX, "login refused for user: check user and the password"},
		{play_unavailable, LK_ERR_RETRY, "try later"},
		{play_disabled, LK_ERR_MAILBOX, "takes no passwords here"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		GError *error = failing_open(cases[i].run);
		assert_code(error, cases[i].code);
		if (!strstr(error->message, cases[i].words))
			g_test_message("%s", error->message);
		g_assert_nonnull(strstr(error->message, cases[i].words));
		g_assert_null(strstr(error->message, "secret"));
		g_error_free(error);
	}
}

static void play_xoauth2(script *s)
{
	greet(s, "IMAP4rev1 AUTH=XOAUTH2");
	hear(s, "AUTHENTICATE XOAUTH2\r\n");
	char tag[64];
	g_strlcpy(tag, s->tag, sizeof tag);
	say(s, "+ \r\n");
	hear(s, "dXNlcj11c2VyAWF1dGg9QmVhcmVyIHNlY3JldAEB"); /* user=user^Aauth=Bearer secret^A^A */
	say(s, "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n");
	hear(s, "\r\n");
	g_strlcpy(s->tag, tag, sizeof s->tag);
	say(s, "%T NO [AUTHENTICATIONFAILED] expired\r\n");
	hear(s, "LOGOUT");
}

static void test_xoauth2(void)
{
	GError *error = NULL;
	lk_imap *imap = NULL;
	peer p = peer_start(play_xoauth2);
	p.server.auth = LK_AUTH_XOAUTH2;
	g_assert_false(lk_imap_open(&p.server, &imap, &error));
	assert_code(error, LK_ERR_MAILBOX);
	g_assert_nonnull(strstr(error->message, "check user and the oauth2 settings"));
	g_clear_error(&error);
	g_assert_true(peer_stop(&p));
}

static void play_no_uidvalidity(script *s)
{
	log_in(s);
	hear(s, "SELECT");
	say(s, "* 1 EXISTS\r\n%T OK [READ-WRITE] done\r\n");
	hear(s, "LOGOUT");
}

static void test_no_uidvalidity(void)
{
	GError *error = NULL;
	lk_imap_folder folder;
	peer p = peer_start(play_no_uidvalidity);
	lk_imap *imap = NULL;
	g_assert_true(lk_imap_open(&p.server, &imap, NULL));
	g_assert_false(lk_imap_select(imap, "INBOX", &folder, &error));
	assert_code(error, LK_ERR_MAILBOX);
	g_clear_error(&error);
	g_assert_false(lk_imap_select(imap, "a\r\nX LOGOUT", &folder, &error));
	assert_code(error, LK_ERR_MAILBOX);
	g_clear_error(&error);
	lk_imap_free(imap);
	g_assert_true(peer_stop(&p));
}

int main(int argc, char **argv)
{
	lk_sodium_init();
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/imap/literal", test_literal);
	g_test_add_func("/imap/uid-behind-the-body", test_uid_behind_the_body);
	g_test_add_func("/imap/quoted-and-nil", test_quoted_and_nil);
	g_test_add_func("/imap/end-in-literal", test_end_in_literal);
	g_test_add_func("/imap/huge-literal", test_huge_literal);
	g_test_add_func("/imap/dripping-body", test_dripping_body);
	g_test_add_func("/imap/no-behind-fetch", test_no_behind_fetch);
	g_test_add_func("/imap/nonsense", test_nonsense);
	g_test_add_func("/imap/full-disk", test_full_disk);
	g_test_add_func("/imap/refusals", test_refusals);
	g_test_add_func("/imap/xoauth2", test_xoauth2);
	g_test_add_func("/imap/no-uidvalidity", test_no_uidvalidity);
	return g_test_run();
}
