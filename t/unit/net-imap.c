/* The IMAP client against servers that break the protocol. */
#include "lib/net/imap.h"

#include "lib/base/clock.h"
#include "t/unit/net-peer.h"

#define CAPABILITIES "IMAP4rev1 IDLE MOVE UIDPLUS SASL-IR AUTH=PLAIN"

/* --- scripts ------------------------------------------------------------------------------------
 */

static void greet(script *s, const char *capabilities)
{
	say(s, "* OK hi\r\n");
	hear(s, "CAPABILITY");
	g_autofree char *answer =
		g_strdup_printf("* CAPABILITY %s\r\n%%T OK done\r\n", capabilities);
	say(s, answer);
}

static void log_in(script *s)
{
	greet(s, CAPABILITIES);
	hear(s, "AUTHENTICATE PLAIN AHVzZXIAc2VjcmV0");
	say(s, "%T OK [CAPABILITY " CAPABILITIES "] in\r\n");
}

static void select_folder(script *s)
{
	log_in(s);
	hear(s, "SELECT \"INBOX\"");
	say(s, "* 3 EXISTS\r\n* OK [UIDVALIDITY 77] x\r\n* OK [UIDNEXT 12] x\r\n"
	       "%T OK [READ-WRITE] done\r\n");
}

typedef struct {
	peer p;
	lk_imap *imap;
	lk_imap_folder folder;
} fixture;

/* A session with INBOX selected; the script has played select_folder. */
static void open_folder(fixture *f, play run)
{
	GError *error = NULL;
	f->p = peer_start(run);
	g_assert_true(lk_imap_open(&f->p.server, &f->imap, &error));
	g_assert_no_error(error);
	g_assert_true(lk_imap_select(f->imap, "INBOX", &f->folder, &error));
	g_assert_no_error(error);
}

static void close_folder(fixture *f)
{
	lk_imap_free(f->imap);
	g_assert_true(peer_stop(&f->p));
}

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
	g_assert_cmpint(lk_monotonic_ms() - begun, <, 1000);
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
	g_assert_cmpint(took, <, 6000);
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

/* --- lists --------------------------------------------------------------------------------------
 */

static void play_search(script *s)
{
	select_folder(s);
	hear(s, "UID SEARCH UID 6:*");
	/* the trap of n:*, a UID beyond 32 bits, disorder, a double */
	say(s, "* SEARCH 5 9 7 9\r\n* SEARCH 8\r\n%T OK done\r\n");
	hear(s, "UID SEARCH UID 6:*");
	say(s, "* SEARCH 5\r\n%T OK done\r\n");
	hear(s, "UID SEARCH UID 6:*");
	say(s, "%T OK done\r\n");
	hear(s, "LOGOUT");
}

static void test_search(void)
{
	fixture f = {0};
	open_folder(&f, play_search);
	g_autoptr(GArray) uids = NULL;
	g_assert_cmpuint(f.folder.uidvalidity, ==, 77);
	g_assert_true(lk_imap_search(f.imap, 5, 2, &uids, NULL));
	g_assert_cmpuint(uids->len, ==, 2);
	g_assert_cmpuint(g_array_index(uids, uint32_t, 0), ==, 7);
	g_assert_cmpuint(g_array_index(uids, uint32_t, 1), ==, 8);
	for (int i = 0; i < 2; i++) {
		g_array_unref(g_steal_pointer(&uids));
		g_assert_true(lk_imap_search(f.imap, 5, 2, &uids, NULL));
		g_assert_cmpuint(uids->len, ==, 0);
	}
	close_folder(&f);
}

static void play_windows(script *s)
{
	log_in(s);
	hear(s, "SELECT");
	say(s, "* 3 EXISTS\r\n* OK [UIDVALIDITY 77] x\r\n* OK [UIDNEXT 100000] x\r\n%T OK x\r\n");
	hear(s, "UID SEARCH UID 1:4096");
	say(s, "* SEARCH 17\r\n%T OK done\r\n");
	hear(s, "UID SEARCH UID 4097:20480");
	say(s, "* SEARCH\r\n%T OK done\r\n");
	hear(s, "UID SEARCH UID 20481:86016");
	say(s, "* SEARCH 80000\r\n%T OK done\r\n");
	hear(s, "UID SEARCH UID 86017:*");
	say(s, "* SEARCH 99999\r\n%T OK done\r\n");
	hear(s, "LOGOUT");
}

static void test_search_in_windows(void)
{
	fixture f = {0};
	open_folder(&f, play_windows);
	g_autoptr(GArray) uids = NULL;
	g_assert_true(lk_imap_search(f.imap, 0, 1000, &uids, NULL));
	g_assert_cmpuint(uids->len, ==, 3);
	g_assert_cmpuint(g_array_index(uids, uint32_t, 2), ==, 99999);
	close_folder(&f);
}

static void play_list(script *s)
{
	select_folder(s);
	hear(s, "UID FETCH 5:7,9 (UID RFC822.SIZE FLAGS INTERNALDATE)");
	say(s, "* 3 FETCH (UID 7 RFC822.SIZE 70 FLAGS (\\Seen foo]bar $x) "
	       "INTERNALDATE \" 1-Feb-2026 12:00:00 +0230\")\r\n"
	       "* 1 FETCH (UID 5 RFC822.SIZE 50 FLAGS () "
	       "INTERNALDATE \"31-Dec-2025 23:00:00 -0130\")\r\n"
	       "* 9 FETCH (UID 4294967301 RFC822.SIZE 1 FLAGS () "
	       "INTERNALDATE \"31-Dec-2025 23:00:00 -0130\")\r\n"
	       "* 8 FETCH (UID 88 RFC822.SIZE 1 FLAGS () INTERNALDATE \"31-Dec-2025 23:00:00 "
	       "+0000\")\r\n"
	       "* 4 FETCH (FLAGS (\\Seen) UID 9)\r\n* X EXISTS\r\n");
	keep_silent(s);
}

static void play_list_ok(script *s)
{
	select_folder(s);
	hear(s, "UID FETCH 5:7,9 (UID RFC822.SIZE FLAGS INTERNALDATE)");
	say(s, "* 3 FETCH (UID 7 RFC822.SIZE 70 FLAGS (\\Seen foo]bar $x) "
	       "INTERNALDATE \" 1-Feb-2026 12:00:00 +0230\")\r\n"
	       "* 1 FETCH (UID 5 RFC822.SIZE 50 FLAGS () "
	       "INTERNALDATE \"31-Dec-2025 23:00:00 -0130\")\r\n"
	       "* 8 FETCH (UID 88 RFC822.SIZE 1 FLAGS () INTERNALDATE \"31-Dec-2025 23:00:00 "
	       "+0000\")\r\n"
	       "* 4 FETCH (FLAGS (\\Seen) UID 9)\r\n"
	       "%T NO [SERVERBUG] Some messages could not be FETCHed\r\n");
	hear(s, "UID SEARCH UID 6,9");
	say(s, "* SEARCH 9\r\n%T OK done\r\n");
	hear(s, "LOGOUT");
}

static void test_list(void)
{
	fixture f = {0};
	const uint32_t uids[] = {9, 7, 6, 5};
	g_autoptr(GArray) items = NULL;
	GError *error = NULL;
	open_folder(&f, play_list_ok);
	g_assert_true(lk_imap_list(f.imap, uids, 4, &items, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(items->len, ==, 3);
	const lk_imap_item *item = (const lk_imap_item *)(const void *)items->data;
	/* in the order asked; 9 is there, but the server would not describe it */
	g_assert_cmpuint(item[0].uid, ==, 9);
	g_assert_cmpint(item[0].internal_date, ==, LK_TIME_NONE);
	g_assert_cmpuint(item[1].uid, ==, 7);
	g_assert_cmpuint(item[1].size, ==, 70);
	g_assert_true(item[1].seen);
	g_autofree char *seven = lk_time_format(item[1].internal_date);
	g_assert_cmpstr(seven, ==, "2026-02-01T09:30:00Z");
	g_assert_cmpuint(item[2].uid, ==, 5);
	g_assert_false(item[2].seen);
	g_autofree char *five = lk_time_format(item[2].internal_date);
	g_assert_cmpstr(five, ==, "2026-01-01T00:30:00Z");
	close_folder(&f);
}

static void test_list_nonsense(void)
{
	fixture f = {0};
	const uint32_t uids[] = {5, 6, 7, 9};
	GArray *items = NULL;
	GError *error = NULL;
	open_folder(&f, play_list);
	g_assert_false(lk_imap_list(f.imap, uids, 4, &items, &error));
	assert_code(error, LK_ERR_RETRY);
	g_assert_false(lk_imap_is_alive(f.imap));
	g_clear_error(&error);
	close_folder(&f);
}

static void play_endless(script *s)
{
	select_folder(s);
	hear(s, "UID FETCH");
	char piece[4096];
	memset(piece, 'A', sizeof piece);
	for (;;)
		say_bytes(s, piece, sizeof piece);
}

static void test_endless_line(void)
{
	fixture f = {0};
	const uint32_t uids[] = {5};
	GArray *items = NULL;
	GError *error = NULL;
	open_folder(&f, play_endless);
	reset_peak();
	long before = peak_kb();
	g_assert_false(lk_imap_list(f.imap, uids, 1, &items, &error));
	assert_code(error, LK_ERR_RETRY);
	g_assert_nonnull(strstr(error->message, "longer than it may be"));
	g_assert_cmpint(peak_kb() - before, <, 32768);
	g_clear_error(&error);
	close_folder(&f);
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

/* --- waiting ------------------------------------------------------------------------------------
 */

static void play_idle(script *s)
{
	select_folder(s);
	char tag[64];
	hear(s, "IDLE");
	g_strlcpy(tag, s->tag, sizeof tag);
	say(s, "* OK still here\r\n* 9 EXISTS\r\n* 2 EXPUNGE\r\n+ [X-FOO bar] idling\r\n");
	hear(s, "DONE");
	say(s, tag);
	say(s, " OK done\r\n");
	/* this time the news comes in one piece with the "+" */
	hear(s, "IDLE");
	g_strlcpy(tag, s->tag, sizeof tag);
	say_constant(s, "+ idling\r\n* 10 EXISTS\r\n");
	hear(s, "DONE");
	say(s, tag);
	say(s, " OK done\r\n");
	/* and now not at all */
	hear(s, "IDLE");
	g_strlcpy(tag, s->tag, sizeof tag);
	say(s, "* 1 FETCH (FLAGS (\\Seen))\r\n+ idling\r\n* OK still here\r\n* 0 RECENT\r\n");
	hear(s, "DONE");
	say(s, tag);
	say(s, " OK done\r\n");
	hear(s, "NOOP");
	say(s, "%T OK done\r\n");
	hear(s, "LOGOUT");
}

static void test_idle(void)
{
	fixture f = {0};
	bool news = false;
	open_folder(&f, play_idle);
	int64_t begun = lk_monotonic_ms();
	/* libetpan's own hangs when an untagged line comes before the "+" */
	g_assert_true(lk_imap_wait(f.imap, 20000, true, &news, NULL));
	g_assert_true(news);
	g_assert_true(lk_imap_wait(f.imap, 20000, true, &news, NULL));
	g_assert_true(news);
	g_assert_cmpint(lk_monotonic_ms() - begun, <, 5000);
	begun = lk_monotonic_ms();
	g_assert_true(lk_imap_wait(f.imap, 300, true, &news, NULL));
	g_assert_true(news); /* the time is over */
	g_assert_cmpint(lk_monotonic_ms() - begun, >=, 300);
	close_folder(&f);
}

static int wake_pipe[2]; /* the script has the writing end too */

static void play_idle_wake(script *s)
{
	select_folder(s);
	hear(s, "IDLE");
	char tag[64];
	g_strlcpy(tag, s->tag, sizeof tag);
	say(s, "+ idling\r\n");
	g_assert_cmpint(write(wake_pipe[1], "x", 1), ==, 1);
	hear(s, "DONE");
	say(s, tag);
	say(s, " OK done\r\n");
	hear(s, "LOGOUT"); /* the second wait does not even begin */
}

static void test_idle_is_woken(void)
{
	fixture f = {0};
	bool news = true;
	g_assert_cmpint(pipe2(wake_pipe, O_CLOEXEC), ==, 0);
	f.p = peer_start(play_idle_wake);
	f.p.server.wake_fd = wake_pipe[0];
	g_assert_true(lk_imap_open(&f.p.server, &f.imap, NULL));
	g_assert_true(lk_imap_select(f.imap, "INBOX", &f.folder, NULL));
	int64_t begun = lk_monotonic_ms();
	for (int i = 0; i < 2; i++) {
		news = true;
		g_assert_true(lk_imap_wait(f.imap, 20000, true, &news, NULL));
		g_assert_false(news);
		g_assert_true(lk_imap_is_alive(f.imap));
	}
	g_assert_cmpint(lk_monotonic_ms() - begun, <, 3000);
	close_folder(&f);
	close(wake_pipe[0]);
	close(wake_pipe[1]);
}

static void play_told_before(script *s)
{
	select_folder(s);
	hear(s, "UID STORE 5 +FLAGS.SILENT (\\Seen)");
	say(s, "* 4 EXISTS\r\n%T OK done\r\n");
	hear(s, "LOGOUT");
}

/* News that came with the answer to another command is not waited for. */
static void test_told_before(void)
{
	fixture f = {0};
	bool news = false;
	uint32_t uid = 5;
	open_folder(&f, play_told_before);
	g_assert_true(lk_imap_set_seen(f.imap, &uid, 1, NULL));
	int64_t begun = lk_monotonic_ms();
	g_assert_true(lk_imap_wait(f.imap, 20000, true, &news, NULL));
	g_assert_true(news);
	g_assert_cmpint(lk_monotonic_ms() - begun, <, 1000);
	close_folder(&f);
}

static void play_idle_end(script *s)
{
	select_folder(s);
	hear(s, "IDLE");
	say(s, "+ idling\r\n* BYE Server shutting down\r\n");
}

static void test_idle_ends(void)
{
	fixture f = {0};
	bool news = false;
	GError *error = NULL;
	open_folder(&f, play_idle_end);
	g_assert_false(lk_imap_wait(f.imap, 20000, true, &news, &error));
	assert_code(error, LK_ERR_RETRY);
	g_assert_nonnull(strstr(error->message, "Server shutting down"));
	g_clear_error(&error);
	close_folder(&f);
}

/* --- after-actions ------------------------------------------------------------------------------
 */

static void play_move(script *s)
{
	select_folder(s);
	hear(s, "UID MOVE 5:6 \"Done\"");
	say(s, "%T NO [TRYCREATE] no such folder\r\n");
	hear(s, "CREATE \"Done\"");
	say(s, "%T OK done\r\n");
	hear(s, "SUBSCRIBE \"Done\"");
	say(s, "%T OK done\r\n");
	hear(s, "UID MOVE 5:6 \"Done\"");
	say(s, "* OK [COPYUID 1 5 1] x\r\n* 1 EXPUNGE\r\n%T OK done\r\n");
	hear(s, "UID SEARCH UID 5:6");
	say(s, "* SEARCH 6\r\n%T OK done\r\n");
	hear(s, "LOGOUT");
}

static void test_move_leaves_some(void)
{
	fixture f = {0};
	const uint32_t uids[] = {5, 6};
	GError *error = NULL;
	open_folder(&f, play_move);
	g_assert_false(lk_imap_move(f.imap, uids, 2, "Done", &error));
	assert_code(error, LK_ERR_RETRY);
	g_assert_nonnull(strstr(error->message, "left 1 of 2 mails behind"));
	g_clear_error(&error);
	close_folder(&f);
}

static void play_copy(script *s)
{
	greet(s, "IMAP4rev1 UIDPLUS SASL-IR AUTH=PLAIN");
	hear(s, "AUTHENTICATE");
	say(s, "%T OK [CAPABILITY IMAP4rev1 UIDPLUS] in\r\n");
	hear(s, "SELECT");
	say(s, "* 3 EXISTS\r\n* OK [UIDVALIDITY 77] x\r\n%T OK x\r\n");
	hear(s, "UID COPY 5:6 \"Done\"");
	say(s, "%T OK [COPYUID 1 5 1] only one\r\n");
	hear(s, "UID STORE 5 +FLAGS.SILENT (\\Deleted)");
	say(s, "%T OK done\r\n");
	hear(s, "UID EXPUNGE 5");
	say(s, "%T OK done\r\n");
	hear(s, "LOGOUT");
}

/* What was not copied is not deleted. */
static void test_copy_of_some(void)
{
	fixture f = {0};
	const uint32_t uids[] = {6, 5};
	open_folder(&f, play_copy);
	g_assert_true(lk_imap_move(f.imap, uids, 2, "Done", NULL));
	close_folder(&f);
}

static void play_store_no(script *s)
{
	select_folder(s);
	hear(s, "UID STORE 5:6 +FLAGS.SILENT (\\Seen)");
	say(s, "%T NO Some of the messages no longer exist.\r\n");
	hear(s, "UID STORE 5 +FLAGS.SILENT (\\Seen)");
	say(s, "%T NO Some of the messages no longer exist.\r\n");
	hear(s, "UID SEARCH UID 5");
	say(s, "* SEARCH\r\n%T OK done\r\n");
	hear(s, "UID STORE 6 +FLAGS.SILENT (\\Seen)");
	say(s, "%T OK done\r\n");
	hear(s, "LOGOUT");
}

static void test_flag_of_a_gone_mail(void)
{
	fixture f = {0};
	const uint32_t uids[] = {5, 6};
	open_folder(&f, play_store_no);
	g_assert_true(lk_imap_set_seen(f.imap, uids, 2, NULL));
	close_folder(&f);
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
	g_test_add_func("/imap/search", test_search);
	g_test_add_func("/imap/search-in-windows", test_search_in_windows);
	g_test_add_func("/imap/list", test_list);
	g_test_add_func("/imap/list-nonsense", test_list_nonsense);
	g_test_add_func("/imap/endless-line", test_endless_line);
	g_test_add_func("/imap/refusals", test_refusals);
	g_test_add_func("/imap/xoauth2", test_xoauth2);
	g_test_add_func("/imap/no-uidvalidity", test_no_uidvalidity);
	g_test_add_func("/imap/idle", test_idle);
	g_test_add_func("/imap/idle-is-woken", test_idle_is_woken);
	g_test_add_func("/imap/told-before", test_told_before);
	g_test_add_func("/imap/idle-ends", test_idle_ends);
	g_test_add_func("/imap/move-leaves-some", test_move_leaves_some);
	g_test_add_func("/imap/copy-of-some", test_copy_of_some);
	g_test_add_func("/imap/flag-of-a-gone-mail", test_flag_of_a_gone_mail);
	return g_test_run();
}
