/*
 * A mail server for unit tests: a child process that plays a script on a unix socket, so that a
 * client can be given what no real server would send.
 */
#ifndef T_UNIT_NET_PEER_H
#define T_UNIT_NET_PEER_H

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/net/server.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* The script's side, in the child. */
typedef struct {
	int fd;
	char line[65536]; /* the last line heard */
	char tag[64];	  /* its first word */
} script;

typedef void (*play)(script *s);

/* The test's side. */
typedef struct {
	char *dir;
	char *path;
	pid_t pid;
	lk_secret *password;
	lk_server server;
} peer;

G_GNUC_UNUSED static void say_bytes(script *s, const void *bytes, size_t n)
{
	const char *p = bytes;
	while (n > 0) {
		ssize_t done = send(s->fd, p, n, MSG_NOSIGNAL);
		if (done <= 0)
			_exit(0); /* the client has had enough */
		p += done;
		n -= (size_t)done;
	}
}

/* A string constant, NULs and all. */
#define say_constant(s, text) say_bytes((s), (text), sizeof(text) - 1)

/* "%T" in the text stands for the tag of the last line heard. */
G_GNUC_UNUSED static void say(script *s, const char *text)
{
	for (const char *p = text; *p;) {
		if (p[0] == '%' && p[1] == 'T') {
			say_bytes(s, s->tag, strlen(s->tag));
			p += 2;
		} else
			say_bytes(s, p++, 1);
	}
}

/* Until the client has read all that was said: what is said next comes to it apart. */
G_GNUC_UNUSED static void wait_until_read(script *s)
{
	int unread = 1;
	while (ioctl(s->fd, SIOCOUTQ, &unread) == 0 && unread > 0)
		(void)poll(NULL, 0, 1);
}

/* The next line, which must hold the word. The child fails the test otherwise. */
G_GNUC_UNUSED static void hear(script *s, const char *word)
{
	size_t n = 0;
	while (n + 1 < sizeof s->line) {
		ssize_t got = read(s->fd, s->line + n, 1);
		if (got <= 0) {
			fprintf(stderr, "# the client left; expected: %s\n", word);
			_exit(1);
		}
		if (s->line[n++] == '\n')
			break;
	}
	s->line[n] = '\0';
	size_t tag = MIN(strcspn(s->line, " \r\n"), sizeof s->tag - 1);
	memcpy(s->tag, s->line, tag);
	s->tag[tag] = '\0';
	if (!strstr(s->line, word)) {
		fprintf(stderr, "# expected: %s, heard: %s", word, s->line);
		_exit(1);
	}
}

/* Everything up to the end of the connection; fails when the word is in it. */
G_GNUC_UNUSED static void hear_end(script *s, const char *never)
{
	GString *rest = g_string_new(NULL);
	char piece[1024];
	ssize_t n;
	while ((n = read(s->fd, piece, sizeof piece)) > 0)
		g_string_append_len(rest, piece, n);
	bool is_bad = never && strstr(rest->str, never);
	if (is_bad)
		fprintf(stderr, "# the client said %s\n", never);
	g_string_free(rest, TRUE);
	if (is_bad)
		_exit(1);
}

/* Keeps the connection open without a word until the client leaves. */
G_GNUC_UNUSED static void keep_silent(script *s)
{
	hear_end(s, NULL);
}

/* One byte every interval, for ever. */
G_GNUC_UNUSED static void drip(script *s, char byte, int interval_ms)
{
	for (;;) {
		say_bytes(s, &byte, 1);
		(void)poll(NULL, 0, interval_ms);
	}
}

G_GNUC_UNUSED static peer peer_start(play run)
{
	peer p = {0};
	p.dir = g_dir_make_tmp("luukku-peer-XXXXXX", NULL);
	g_assert_nonnull(p.dir);
	p.path = g_build_filename(p.dir, "s", NULL);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	g_strlcpy(address.sun_path, p.path, sizeof address.sun_path);
	g_assert_cmpint(
		bind(listener, (const struct sockaddr *)(const void *)&address, sizeof address), ==,
		0);
	g_assert_cmpint(listen(listener, 4), ==, 0);
	p.pid = fork();
	g_assert_cmpint(p.pid, >=, 0);
	if (p.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		script *s = g_new0(script, 1);
		s->fd = accept(listener, NULL, NULL);
		run(s);
		_exit(0);
	}
	close(listener);
	p.password = lk_secret_new("secret", 6);
	p.server = (lk_server){.host = p.path,
			       .tls = LK_TLS_NONE,
			       .auth = LK_AUTH_PLAIN,
			       .user = "user",
			       .password = p.password,
			       .connect_timeout_ms = 5000,
			       .io_timeout_ms = 1000,
			       .command_timeout_ms = 2000,
			       .wake_fd = -1};
	return p;
}

/* Ends the child; false when it heard what it should not have. */
G_GNUC_UNUSED static bool peer_stop(peer *p)
{
	int status = 0;
	for (int i = 0; i < 500 && waitpid(p->pid, &status, WNOHANG) == 0; i++)
		(void)poll(NULL, 0, 10);
	if (kill(p->pid, 0) == 0) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, &status, 0);
	}
	g_unlink(p->path);
	g_rmdir(p->dir);
	g_free(p->path);
	g_free(p->dir);
	lk_secret_free(p->password);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

G_GNUC_UNUSED static void assert_code(const GError *error, lk_err code)
{
	g_assert_nonnull(error);
	if (error && !lk_err_is(error, code))
		g_test_message("%s", error->message);
	g_assert_true(lk_err_is(error, code));
}

/* What a file descriptor holds; caller frees. */
G_GNUC_UNUSED static GString *content_of(int fd)
{
	uint64_t size = 0;
	g_assert_true(lk_file_size(fd, &size, NULL));
	GString *content = g_string_sized_new(size);
	g_string_set_size(content, size);
	g_assert_true(lk_pread_all(fd, content->str, size, 0, NULL));
	return content;
}

G_GNUC_UNUSED static int temporary_file(void)
{
	int fd = -1;
	g_assert_true(lk_spool_open(NULL, &fd, NULL));
	return fd;
}

/* The peak of this process's memory in kB since the last reset_peak. */
G_GNUC_UNUSED static void reset_peak(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		g_assert_cmpint(write(fd, "5", 1), ==, 1);
		close(fd);
	}
}

G_GNUC_UNUSED static long peak_kb(void)
{
	g_autofree char *status = NULL;
	g_assert_true(g_file_get_contents("/proc/self/status", &status, NULL, NULL));
	const char *line = strstr(status, "VmHWM:");
	return line ? (long)g_ascii_strtoll(line + 6, NULL, 10) : 0;
}

#endif
