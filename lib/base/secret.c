#include "lib/base/secret.h"

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_SECRET = 4096 };

struct lk_secret {
	char *bytes; /* sodium_malloc, read-only */
	size_t n;
};

void lk_sodium_init(void)
{
	if (sodium_init() < 0)
		g_error("libsodium cannot start: the system gives no randomness");
}

/* Guarded memory; that it could not be locked too (RLIMIT_MEMLOCK) is no error. */
static char *guarded_new(size_t n)
{
	char *bytes = sodium_malloc(n);
	if (!bytes)
		g_error("out of memory for a secret of %zu bytes", n);
	return bytes;
}

lk_secret *lk_secret_new(const void *bytes, size_t n)
{
	lk_secret *secret = g_new0(lk_secret, 1);
	secret->bytes = guarded_new(n + 1);
	if (n > 0)
		memcpy(secret->bytes, bytes, n);
	secret->bytes[n] = '\0';
	secret->n = n;
	sodium_mprotect_readonly(secret->bytes);
	return secret;
}

void lk_secret_free(lk_secret *secret)
{
	if (!secret)
		return;
	sodium_free(secret->bytes); /* zeroes first */
	g_free(secret);
}

const char *lk_secret_text(const lk_secret *secret)
{
	return secret->bytes;
}

size_t lk_secret_size(const lk_secret *secret)
{
	return secret->n;
}

static bool fail(GError **error, lk_err code, const char *source, const char *why)
{
	g_set_error(error, LK_ERROR, (int)code, "%s: %s", source, why);
	return false;
}

/* The path of "credential:NAME" (systemd's LoadCredential), or a copy. */
static char *resolve_path(const char *path, bool *ret_is_credential, GError **error)
{
	static const char prefix[] = "credential:";
	*ret_is_credential = g_str_has_prefix(path, prefix);
	if (!*ret_is_credential)
		return g_strdup(path);
	const char *name = path + strlen(prefix);
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	if (!*name || strchr(name, '/') || *name == '.') {
		fail(error, LK_ERR_CONFIG, path, "not the name of a credential");
		return NULL;
	}
	if (!dir || !*dir) {
		fail(error, LK_ERR_CONFIG, path,
		     "no $CREDENTIALS_DIRECTORY: add LoadCredential= to the systemd unit");
		return NULL;
	}
	return g_build_filename(dir, name, NULL);
}

static bool open_private(const char *path, bool is_credential, int *ret_fd, GError **error)
{
	/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
	lk_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	if (fd < 0 && errno == ELOOP)
		return fail(error, LK_ERR_CONFIG, path, "is a symbolic link; name the file itself");
	if (fd < 0 || fstat(fd, &st) != 0)
		return fail(error, LK_ERR_CONFIG, path, g_strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(error, LK_ERR_CONFIG, path, "is not a regular file");
	/* systemd gives a credential to its user by an ACL, whose mask shows as the group's bits.
	 */
	if (st.st_mode & (is_credential ? 0007u : 0077u))
		return fail(error, LK_ERR_CONFIG, path, "is open to group or others; chmod 600 it");
	*ret_fd = fd;
	fd = -1;
	return true;
}

/* Fills guarded memory from fd up to the end or `most` bytes. */
static bool read_up_to(int fd, char *bytes, size_t most, size_t *ret_n)
{
	size_t n = 0;
	while (n < most) {
		ssize_t done = read(fd, bytes + n, most - n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		if (done == 0)
			break;
		n += (size_t)done;
	}
	*ret_n = n;
	return true;
}

bool lk_secret_whole_file(const char *path, size_t max_bytes, lk_secret **ret_secret,
			  GError **error)
{
	bool is_credential;
	g_autofree char *real = resolve_path(path, &is_credential, error);
	lk_autofd int fd = -1;
	if (!real || !open_private(real, is_credential, &fd, error))
		return false;
	char *bytes = guarded_new(max_bytes + 1);
	size_t n = 0;
	bool ok = read_up_to(fd, bytes, max_bytes + 1, &n) ||
		  fail(error, LK_ERR_CONFIG, path, g_strerror(errno));
	if (ok && n > max_bytes)
		ok = fail(error, LK_ERR_CONFIG, path, "is too large to be what it should be");
	if (ok)
		*ret_secret = lk_secret_new(bytes, n);
	sodium_free(bytes);
	return ok;
}

/* The first of n bytes' lines as a secret; `source` names it in errors. */
static bool first_line(const char *bytes, size_t n, const char *source, lk_secret **ret_secret,
		       GError **error)
{
	const char *newline = n > 0 ? memchr(bytes, '\n', n) : NULL;
	size_t length = newline ? (size_t)(newline - bytes) : n;
	if (newline && length > 0 && bytes[length - 1] == '\r')
		length--;
	if (length > MOST_SECRET)
		return fail(error, LK_ERR_CONFIG, source,
			    "the first line is longer than 4096 bytes");
	if (length == 0)
		return fail(error, LK_ERR_CONFIG, source,
			    "the first line is empty; write the secret there");
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7F)
			return fail(error, LK_ERR_CONFIG, source,
				    "the first line holds a control character");
	}
	*ret_secret = lk_secret_new(bytes, length);
	return true;
}

bool lk_secret_from_file(const char *path, lk_secret **ret_secret, GError **error)
{
	bool is_credential;
	g_autofree char *real = resolve_path(path, &is_credential, error);
	lk_autofd int fd = -1;
	if (!real || !open_private(real, is_credential, &fd, error))
		return false;
	enum { ROOM = MOST_SECRET + 2 }; /* a line end of two bytes */
	char *bytes = guarded_new(ROOM);
	size_t n = 0;
	bool ok = read_up_to(fd, bytes, ROOM, &n)
			  ? first_line(bytes, n, path, ret_secret, error)
			  : fail(error, LK_ERR_CONFIG, path, g_strerror(errno));
	sodium_free(bytes);
	return ok;
}

static bool start_command(char **argv, int output, pid_t *ret_pid, GError **error)
{
	int failed = lk_proc_start(argv, -1, output, ret_pid);

	return failed == 0 || fail(error, LK_ERR_CONFIG, argv[0], g_strerror(failed));
}

/* What the pipe holds now; what does not fit is read and dropped. False at its end. */
static bool drain(int fd, char *bytes, size_t room, size_t *n)
{
	for (;;) {
		char rest[512];
		bool is_full = *n == room;
		ssize_t done =
			is_full ? read(fd, rest, sizeof rest) : read(fd, bytes + *n, room - *n);
		if (done < 0 && errno == EINTR)
			continue;
		sodium_memzero(rest, sizeof rest);
		if (done <= 0)
			return done < 0 && errno == EAGAIN;
		if (!is_full)
			*n += (size_t)done;
	}
}

/* Reads until the command has ended; false when the time is up. */
static bool collect(int fd, int pidfd, int64_t deadline, char *bytes, size_t room, size_t *ret_n)
{
	struct pollfd wait[2] = {{.fd = fd, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
	for (;;) {
		int64_t left = deadline - lk_monotonic_ms();
		if (left <= 0)
			return false;
		if (poll(wait, 2, (int)MIN(left, INT32_MAX)) < 0 && errno != EINTR)
			return false;
		/* Looked at before the pipe is emptied: what the command wrote is in it by now. */
		bool has_ended = wait[1].revents != 0;
		if (wait[0].fd >= 0 && !drain(fd, bytes, room, ret_n))
			wait[0].fd = -1;
		if (has_ended)
			return true;
	}
}

static bool run_command(char **argv, int timeout_ms, char *bytes, size_t room, size_t *ret_n,
			GError **error)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return fail(error, LK_ERR_RETRY, argv[0], g_strerror(errno));
	lk_autofd int in = ends[0];
	lk_autofd int out = ends[1];
	pid_t pid;
	if (fcntl(in, F_SETFL, O_NONBLOCK) != 0 || !start_command(argv, out, &pid, error))
		return error && *error ? false
				       : fail(error, LK_ERR_RETRY, argv[0], g_strerror(errno));
	lk_close_fd(&out);
	lk_autofd int pidfd = pidfd_open(pid, 0);
	bool in_time = pidfd >= 0 &&
		       collect(in, pidfd, lk_monotonic_ms() + timeout_ms, bytes, room, ret_n);
	if (!in_time)
		kill(-pid, SIGKILL);
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!in_time)
		return fail(error, LK_ERR_RETRY, argv[0],
			    "did not end in time; run it by hand to see why");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "%s: ended with %s %d; run it by hand to see why", argv[0],
			    WIFEXITED(status) ? "status" : "signal",
			    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		return false;
	}
	return true;
}

bool lk_secret_from_command(const char *command, int timeout_ms, lk_secret **ret_secret,
			    GError **error)
{
	g_auto(GStrv) argv = NULL;
	g_autoptr(GError) syntax = NULL;
	if (!g_shell_parse_argv(command, NULL, &argv, &syntax)) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG, "the command cannot be split: %s",
			    syntax->message);
		return false;
	}
	enum { ROOM = MOST_SECRET + 2 };
	char *bytes = guarded_new(ROOM);
	size_t n = 0;
	bool ok = run_command(argv, timeout_ms, bytes, ROOM, &n, error) &&
		  first_line(bytes, n, argv[0], ret_secret, error);
	sodium_free(bytes);
	return ok;
}
