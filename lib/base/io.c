#include "lib/base/io.h"

#include "lib/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void lk_close_fd(int *fd)
{
	if (*fd < 0)
		return;
	int saved = errno;
	close(*fd);
	errno = saved;
	*fd = -1;
}

/* The last error number as an LK_ERROR. */
static bool fail_errno(lk_err code, const char *what, const char *next, GError **error)
{
	g_set_error(error, LK_ERROR, (int)code, "%s: %s%s%s", what, g_strerror(errno),
		    next ? "; " : "", next ? next : "");
	return false;
}

bool lk_spool_open(const char *dir, int *ret_fd, GError **error)
{
	const char *where = dir && *dir ? dir : "/tmp";
	lk_autofd int fd = open(where, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		g_autofree char *path = g_build_filename(where, "luukku-XXXXXX", NULL);
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			unlink(path);
	}
	if (fd < 0) {
		g_autofree char *what =
			g_strdup_printf("cannot make a temporary file in %s", where);
		return fail_errno(LK_ERR_RETRY, what,
				  "check that the directory exists, is writable and has room",
				  error);
	}
	*ret_fd = fd;
	fd = -1;
	return true;
}

/* "free some space in DIR"; caller frees. */
static char *room_advice(int fd)
{
	g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
	g_autofree char *path = g_file_read_link(link, NULL);
	g_autofree char *dir = path && *path == '/' ? g_path_get_dirname(path) : NULL;

	return dir ? g_strdup_printf("free some space in %s", dir) : g_strdup("free some space");
}

bool lk_write_all(int fd, const void *bytes, size_t n, GError **error)
{
	const char *p = bytes;
	while (n > 0) {
		ssize_t done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN) {
			struct pollfd wait = {.fd = fd, .events = POLLOUT};
			poll(&wait, 1, -1);
			continue;
		}
		if (done < 0) {
			int saved = errno;
			g_autofree char *advice = saved == ENOSPC ? room_advice(fd) : NULL;
			errno = saved;
			return fail_errno(LK_ERR_RETRY, "cannot write", advice, error);
		}
		p += done;
		n -= (size_t)done;
	}
	return true;
}

bool lk_pread_all(int fd, void *bytes, size_t n, uint64_t offset, GError **error)
{
	char *p = bytes;
	if (offset > INT64_MAX || n > INT64_MAX - offset) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA, "offset beyond any file");
		return false;
	}
	while (n > 0) {
		ssize_t done = pread(fd, p, n, (off_t)offset);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return fail_errno(LK_ERR_RETRY, "cannot read", NULL, error);
		if (done == 0) {
			g_set_error(error, LK_ERROR, LK_ERR_DATA,
				    "the file ends %zu bytes too early", n);
			return false;
		}
		p += done;
		n -= (size_t)done;
		offset += (uint64_t)done;
	}
	return true;
}

bool lk_file_size(int fd, uint64_t *ret_size, GError **error)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return fail_errno(LK_ERR_RETRY, "cannot tell a file's size", NULL, error);
	*ret_size = (uint64_t)st.st_size;
	return true;
}

/* Reads to the end into content, at most max_bytes + 1. */
static bool read_to_end(int fd, size_t max_bytes, GString *content)
{
	enum { STEP = 65536 };
	while (content->len <= max_bytes) {
		gsize old = content->len;
		size_t want = MIN((size_t)STEP, max_bytes - old + 1);
		g_string_set_size(content, old + want);
		ssize_t done = read(fd, content->str + old, want);
		int saved = errno;
		g_string_set_size(content, old + (done > 0 ? (gsize)done : 0));
		errno = saved;
		if (done == 0)
			return true;
		if (done < 0 && errno != EINTR)
			return false;
	}
	return true;
}

bool lk_read_file(const char *path, size_t max_bytes, GString **ret_content, GError **error)
{
	lk_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(LK_ERR_NOINPUT, path, NULL, error);
	g_autoptr(GString) content = g_string_new(NULL);
	if (!read_to_end(fd, MIN(max_bytes, SIZE_MAX / 4), content))
		return fail_errno(LK_ERR_NOINPUT, path, NULL, error);
	if (content->len > max_bytes) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA, "%s: larger than %zu bytes", path,
			    max_bytes);
		return false;
	}
	*ret_content = g_steal_pointer(&content);
	return true;
}

/* A rename is durable once its directory is. */
static void sync_directory(const char *path)
{
	g_autofree char *dir = g_path_get_dirname(path);
	lk_autofd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		fsync(fd);
}

static bool replace_file(const char *path, const char *content, size_t n, int mode, bool is_durable,
			 GError **error)
{
	g_autofree char *temporary = g_strconcat(path, ".XXXXXX", NULL);
	lk_autofd int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return fail_errno(LK_ERR_RETRY, path, "cannot be written", error);
	if (!lk_write_all(fd, content, n, error)) {
		g_prefix_error(error, "%s: ", path);
		unlink(temporary);
		return false;
	}
	/* Root may, and then has to: a daemon would find its own file closed to it. */
	struct stat before;
	if (stat(path, &before) == 0 && fchown(fd, before.st_uid, before.st_gid) != 0 &&
	    before.st_uid != geteuid()) {
		fail_errno(LK_ERR_RETRY, path, "belongs to another user: run this as them", error);
		unlink(temporary);
		return false;
	}
	if (fchmod(fd, (mode_t)mode) != 0 || (is_durable && fsync(fd) != 0) ||
	    rename(temporary, path) != 0) {
		fail_errno(LK_ERR_RETRY, path, "cannot be written", error);
		unlink(temporary);
		return false;
	}
	if (is_durable)
		sync_directory(path);
	return true;
}

bool lk_write_file(const char *path, const char *content, size_t n, int mode, GError **error)
{
	return replace_file(path, content, n, mode, true, error);
}

bool lk_write_file_loosely(const char *path, const char *content, size_t n, int mode,
			   GError **error)
{
	return replace_file(path, content, n, mode, false, error);
}
