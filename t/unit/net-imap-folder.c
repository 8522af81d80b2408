/* The IMAP client against odd servers: lists, waiting, what happens to mails afterwards. */
#include "lib/net/imap.h"

#include "lib/base/clock.h"
#include "t/unit/net-imap-peer.h"

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

static void play_bad_date(script *s)
{
	select_folder(s);
	hear(s, "UID FETCH 5 (UID RFC822.SIZE FLAGS INTERNALDATE)");
	say(s, "* 1 FETCH (UID 5 RFC822.SIZE 50 FLAGS () INTERNALDATE \"never\")\r\n%T OK x\r\n");
	keep_silent(s);
}

static void play_without_dates(script *s)
{
	select_folder(s);
	hear(s, "UID FETCH 5 (UID RFC822.SIZE FLAGS)");
	say(s, "* 1 FETCH (UID 5 RFC822.SIZE 50 FLAGS ())\r\n%T OK done\r\n");
	hear(s, "LOGOUT");
}

/* In a process of its own: it is remembered for good. */
static void test_bad_dates(void)
{
	if (!g_test_subprocess()) {
		g_test_trap_subprocess(NULL, 0, 0);
		g_test_trap_assert_passed();
		return;
	}
	const uint32_t uid = 5;
	for (int i = 0; i < 4; i++) {
		fixture f = {0};
		GError *error = NULL;
		g_autoptr(GArray) items = NULL;
		open_folder(&f, i < 3 ? play_bad_date : play_without_dates);
		bool is_good = lk_imap_list(f.imap, &uid, 1, &items, &error);
		g_assert_true(is_good == (i == 3));
		if (is_good) {
			g_assert_cmpuint(items->len, ==, 1);
			g_assert_cmpint(g_array_index(items, lk_imap_item, 0).internal_date, ==,
					LK_TIME_NONE);
		} else
			assert_code(error, LK_ERR_RETRY);
		g_clear_error(&error);
		close_folder(&f);
	}
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
	g_assert_true(lk_imap_wait(f.imap, 20000, f.p.server.wake_fd, true, &news, NULL));
	g_assert_true(news);
	g_assert_true(lk_imap_wait(f.imap, 20000, f.p.server.wake_fd, true, &news, NULL));
	g_assert_true(news);
	g_assert_cmpint(lk_monotonic_ms() - begun, <, 15000);
	begun = lk_monotonic_ms();
	g_assert_true(lk_imap_wait(f.imap, 300, f.p.server.wake_fd, true, &news, NULL));
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
		g_assert_true(lk_imap_wait(f.imap, 20000, f.p.server.wake_fd, true, &news, NULL));
		g_assert_false(news);
		g_assert_true(lk_imap_is_alive(f.imap));
	}
	g_assert_cmpint(lk_monotonic_ms() - begun, <, 15000);
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
	g_assert_true(lk_imap_wait(f.imap, 20000, f.p.server.wake_fd, true, &news, NULL));
	g_assert_true(news);
	g_assert_cmpint(lk_monotonic_ms() - begun, <, 15000);
	close_folder(&f);
}

static void play_idle_end(script *s)
{
	select_folder(s);
	hear(s, "IDLE");
	say(s, "+ idling\r\n* BY");
	wait_until_read(s);
	say(s, "E Server shut");
	wait_until_read(s);
	say(s, "ting down\r\n");
}

static void test_idle_ends(void)
{
	fixture f = {0};
	bool news = false;
	GError *error = NULL;
	open_folder(&f, play_idle_end);
	g_assert_false(lk_imap_wait(f.imap, 20000, f.p.server.wake_fd, true, &news, &error));
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
	g_test_add_func("/imap/search", test_search);
	g_test_add_func("/imap/search-in-windows", test_search_in_windows);
	g_test_add_func("/imap/list", test_list);
	g_test_add_func("/imap/list-nonsense", test_list_nonsense);
	g_test_add_func("/imap/bad-dates", test_bad_dates);
	g_test_add_func("/imap/endless-line", test_endless_line);
	g_test_add_func("/imap/idle", test_idle);
	g_test_add_func("/imap/idle-is-woken", test_idle_is_woken);
	g_test_add_func("/imap/told-before", test_told_before);
	g_test_add_func("/imap/idle-ends", test_idle_ends);
	g_test_add_func("/imap/move-leaves-some", test_move_leaves_some);
	g_test_add_func("/imap/copy-of-some", test_copy_of_some);
	g_test_add_func("/imap/flag-of-a-gone-mail", test_flag_of_a_gone_mail);
	return g_test_run();
}
