/* What every connection has: deadlines, a way out, checked arguments, dots. */
#include "lib/net/stream.h"

#include "lib/base/clock.h"
#include "lib/net/dots.h"
#include "t/unit/net-peer.h"

static void play_silence(script *s)
{
	keep_silent(s);
}

static void play_lines(script *s)
{
	say(s, "one\r\ntwo\n\r\nthree");
}

static void test_lines(void)
{
	static const char *const lines[] = {"one", "two", ""};
	peer p = peer_start(play_lines);
	g_autoptr(lk_stream) stream = NULL;
	g_autoptr(GString) line = g_string_new(NULL);
	GError *error = NULL;
	g_assert_true(lk_stream_open(&p.server, &stream, &error));
	g_assert_no_error(error);
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
		g_assert_true(lk_stream_read_line(stream, 100, line));
		g_assert_cmpstr(line->str, ==, lines[i]);
	}
	/* what has no end is no line, and the end stays the end */
	char byte;
	g_assert_false(lk_stream_read_line(stream, 100, line));
	g_assert_cmpint(lk_stream_read(stream, &byte, 1), ==, -1);
	g_assert_false(lk_stream_fail(stream, "reading", &error));
	assert_code(error, LK_ERR_RETRY);
	g_assert_nonnull(strstr(error->message, "/s: reading: the server closed the connection"));
	g_clear_error(&error);
	g_assert_true(peer_stop(&p));
}

static void test_timeouts(void)
{
	peer p = peer_start(play_silence);
	g_autoptr(lk_stream) stream = NULL;
	char byte;
	p.server.io_timeout_ms = 300;
	g_assert_true(lk_stream_open(&p.server, &stream, NULL));
	g_assert_cmpint(lk_stream_wait(stream, 50), ==, LK_WAIT_TIMEOUT);
	g_assert_false(lk_stream_is_dead(stream));
	int64_t begun = lk_monotonic_ms();
	g_assert_cmpint(lk_stream_read(stream, &byte, 1), ==, -1);
	g_assert_cmpint(lk_monotonic_ms() - begun, >=, 290);
	g_assert_cmpint(lk_monotonic_ms() - begun, <, 15000);
	g_assert_true(lk_stream_is_dead(stream));
	g_clear_pointer(&stream, lk_stream_free);
	g_assert_true(peer_stop(&p));
}

static void test_deadline_of_a_command(void)
{
	peer p = peer_start(play_silence);
	g_autoptr(lk_stream) stream = NULL;
	char byte;
	p.server.io_timeout_ms = 20000;
	g_assert_true(lk_stream_open(&p.server, &stream, NULL));
	lk_stream_begin(stream, 200, 100);
	int64_t begun = lk_monotonic_ms();
	g_assert_cmpint(lk_stream_read(stream, &byte, 1), ==, -1);
	g_assert_cmpint(lk_monotonic_ms() - begun, <, 15000);
	g_clear_pointer(&stream, lk_stream_free);
	g_assert_true(peer_stop(&p));
}

static void play_100(script *s)
{
	g_autofree char *bytes = g_strnfill(100, 'x');
	say_bytes(s, bytes, 100);
	keep_silent(s);
}

static void test_budget(void)
{
	for (int i = 0; i < 2; i++) {
		peer p = peer_start(play_100);
		g_autoptr(lk_stream) stream = NULL;
		char bytes[100];
		size_t got = 0;
		g_assert_true(lk_stream_open(&p.server, &stream, NULL));
		lk_stream_begin(stream, 0, i == 0 ? 100 : 99);
		for (ssize_t n = 0; got < 100 && n >= 0; got += n > 0 ? (size_t)n : 0)
			n = lk_stream_read(stream, bytes, sizeof bytes - got);
		g_assert_true((got == 100) == (i == 0));
		g_assert_true(lk_stream_is_dead(stream) == (i == 1));
		g_clear_pointer(&stream, lk_stream_free);
		g_assert_true(peer_stop(&p));
	}
}

static void test_wake(void)
{
	int ends[2];
	char byte;
	GError *error = NULL;
	peer p = peer_start(play_silence);
	g_autoptr(lk_stream) stream = NULL;
	g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
	p.server.wake_fd = ends[0];
	g_assert_true(lk_stream_open(&p.server, &stream, NULL));
	g_assert_cmpint(write(ends[1], "x", 1), ==, 1);
	int64_t begun = lk_monotonic_ms();
	g_assert_cmpint(lk_stream_wait(stream, 20000), ==, LK_WAIT_WOKEN);
	g_assert_false(lk_stream_is_dead(stream));
	g_assert_cmpint(lk_stream_read(stream, &byte, 1), ==, -1);
	g_assert_cmpint(lk_monotonic_ms() - begun, <, 15000);
	lk_stream_fail(stream, NULL, &error);
	g_assert_nonnull(strstr(error->message, "interrupted"));
	g_clear_error(&error);
	g_clear_pointer(&stream, lk_stream_free);
	g_assert_true(peer_stop(&p));
	/* and connecting */
	lk_server far = {.host = "127.0.0.1", .port = 1, .tls = LK_TLS_NONE, .wake_fd = ends[0]};
	g_assert_false(lk_stream_open(&far, &stream, &error));
	assert_code(error, LK_ERR_RETRY);
	g_clear_error(&error);
	close(ends[0]);
	close(ends[1]);
}

static void play_reads_late(script *s)
{
	(void)poll(NULL, 0, 100);
	keep_silent(s);
}

/* More than any socket buffer holds goes out whole. */
static void test_write(void)
{
	peer p = peer_start(play_reads_late);
	g_autoptr(lk_stream) stream = NULL;
	g_autofree char *bytes = g_strnfill(8 << 20, 'x');
	g_assert_true(lk_stream_open(&p.server, &stream, NULL));
	g_assert_true(lk_stream_write(stream, bytes, 8 << 20));
	g_clear_pointer(&stream, lk_stream_free);
	g_assert_true(peer_stop(&p));
}

static void play_closes(script *s)
{
	close(s->fd);
}

static void test_write_to_nobody(void)
{
	peer p = peer_start(play_closes);
	g_autoptr(lk_stream) stream = NULL;
	g_autofree char *bytes = g_strnfill(8 << 20, 'x');
	g_assert_true(lk_stream_open(&p.server, &stream, NULL));
	g_assert_false(lk_stream_write(stream, bytes, 8 << 20)); /* and no SIGPIPE */
	g_assert_true(lk_stream_is_dead(stream));
	g_clear_pointer(&stream, lk_stream_free);
	g_assert_true(peer_stop(&p));
}

static void test_nobody_there(void)
{
	g_autofree char *long_path = g_strnfill(200, '/');
	const struct {
		lk_server server;
		lk_err code;
		const char *words;
	} cases[] = {
		{{.host = "127.0.0.1", .port = 1, .tls = LK_TLS_NONE, .wake_fd = -1},
		 LK_ERR_RETRY,
		 "cannot reach 127.0.0.1:1: Connection refused"},
		{{.host = "::1", .port = 1, .tls = LK_TLS_NONE, .wake_fd = -1},
		 LK_ERR_RETRY,
		 "cannot reach ::1:1"},
		{{.host = "/nonexistent/s", .tls = LK_TLS_NONE, .wake_fd = -1},
		 LK_ERR_RETRY,
		 "cannot reach /nonexistent/s: No such file"},
		{{.host = long_path, .tls = LK_TLS_NONE, .wake_fd = -1},
		 LK_ERR_MAILBOX,
		 "too long for a unix socket"},
		{{.host = "192.0.2.1", .port = 143, .tls = LK_TLS_NONE, .wake_fd = -1},
		 LK_ERR_MAILBOX,
		 "tls = \"none\" is only for this machine itself"},
		{{.host = "name.invalid", .port = 143, .tls = LK_TLS_IMPLICIT, .wake_fd = -1},
		 LK_ERR_RETRY,
		 "cannot reach name.invalid:143"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		lk_stream *stream = NULL;
		GError *error = NULL;
		g_assert_false(lk_stream_open(&cases[i].server, &stream, &error));
		assert_code(error, cases[i].code);
		if (!strstr(error->message, cases[i].words))
			g_test_message("%s", error->message);
		g_assert_nonnull(strstr(error->message, cases[i].words));
		g_clear_error(&error);
	}
}

static void test_words_of_servers(void)
{
	g_autoptr(lk_secret) secret = lk_secret_new("hush", 4);
	g_autofree char *a = lk_net_quote("NO  you said\thush, \x1b[31mhush\r\nA1 OK \xff", secret);
	g_assert_null(strstr(a, "hush"));
	g_assert_null(strchr(a, '\x1b'));
	g_assert_null(strchr(a, '\n'));
	g_assert_true(g_str_has_prefix(a, "NO you said ***, "));
	g_assert_true(g_utf8_validate(a, -1, NULL));
	g_autofree char *many = g_strnfill(10000, 'x');
	g_autofree char *cut = lk_net_quote(many, NULL);
	g_assert_cmpuint(strlen(cut), ==, 300);
	g_autofree char *none = lk_net_quote(NULL, NULL);
	g_assert_cmpstr(none, ==, "");
}

static void test_arguments(void)
{
	g_assert_true(lk_net_check_argument("x", "Käsitelty & \"muut\"\\", NULL));
	static const char *const bad[] = {"a\r\nb", "a\n", "\t", "\x7f"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		GError *error = NULL;
		g_assert_false(lk_net_check_argument("user name", bad[i], &error));
		assert_code(error, LK_ERR_MAILBOX);
		g_clear_error(&error);
	}
}

/* A mail through the writer in pieces of every size gives the same bytes. */
static void test_dots(void)
{
	static const char in[] = ".a\n.\r\n..\rb\r\n\r\n.\nend";
	static const char out[] = "..a\r\n..\r\n...\r\nb\r\n\r\n..\r\nend\r\n";
	for (size_t piece = 1; piece < sizeof in; piece++) {
		lk_dots_writer writer = {0};
		g_autoptr(GString) got = g_string_new(NULL);
		for (size_t at = 0; at < sizeof in - 1; at += piece)
			lk_dots_append(&writer, in + at, MIN(piece, sizeof in - 1 - at), got);
		lk_dots_finish(&writer, got);
		g_assert_cmpstr(got->str, ==, out);
	}
	lk_dots_writer writer = {0};
	g_autoptr(GString) nothing = g_string_new(NULL);
	lk_dots_finish(&writer, nothing);
	g_assert_cmpstr(nothing->str, ==, "");
}

int main(int argc, char **argv)
{
	lk_sodium_init();
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/stream/lines", test_lines);
	g_test_add_func("/stream/timeouts", test_timeouts);
	g_test_add_func("/stream/deadline-of-a-command", test_deadline_of_a_command);
	g_test_add_func("/stream/budget", test_budget);
	g_test_add_func("/stream/wake", test_wake);
	g_test_add_func("/stream/write", test_write);
	g_test_add_func("/stream/write-to-nobody", test_write_to_nobody);
	g_test_add_func("/stream/nobody-there", test_nobody_there);
	g_test_add_func("/stream/words-of-servers", test_words_of_servers);
	g_test_add_func("/stream/arguments", test_arguments);
	g_test_add_func("/stream/dots", test_dots);
	return g_test_run();
}
