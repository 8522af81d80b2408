#include "lib/base/io.h"

#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/path.h"
#include "lib/base/sd.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void test_spool(void)
{
	lk_autofd int fd = -1;
	g_autoptr(GError) error = NULL;
	char back[6] = "";
	uint64_t size = 0;
	g_autofree char *dir = g_dir_make_tmp("luukku-XXXXXX", NULL);
	g_assert_true(lk_spool_open(dir, &fd, &error));
	g_assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	g_assert_true(lk_write_all(fd, "hello world", 11, &error));
	g_assert_true(lk_file_size(fd, &size, &error));
	g_assert_cmpuint(size, ==, 11);
	g_assert_true(lk_pread_all(fd, back, 5, 6, &error));
	g_assert_cmpstr(back, ==, "world");
	g_assert_false(lk_pread_all(fd, back, 5, 7, &error));
	g_assert_true(lk_err_is(error, LK_ERR_DATA));
	g_clear_error(&error);
	g_assert_false(lk_pread_all(fd, back, 5, UINT64_MAX, &error));
	g_assert_true(lk_err_is(error, LK_ERR_DATA));
	g_assert_cmpint(rmdir(dir), ==, 0); /* nothing was left in it */
}

static void test_spool_nowhere(void)
{
	int fd = -1;
	g_autoptr(GError) error = NULL;
	g_assert_false(lk_spool_open("/nowhere/at/all", &fd, &error));
	g_assert_true(lk_err_is(error, LK_ERR_RETRY));
	g_assert_nonnull(strstr(error->message, "/nowhere/at/all"));
	g_assert_cmpint(fd, ==, -1);
}

static void test_write_failure(void)
{
	lk_autofd int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	g_autoptr(GError) error = NULL;
	g_assert_false(lk_write_all(full, "x", 1, &error));
	g_assert_true(lk_err_is(error, LK_ERR_RETRY));
	g_assert_nonnull(strstr(error->message, "free some space"));
}

static void test_close_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int kept = fd;
	errno = ENOENT;
	lk_close_fd(&fd);
	g_assert_cmpint(fd, ==, -1);
	g_assert_cmpint(errno, ==, ENOENT);
	g_assert_cmpint(fcntl(kept, F_GETFD), ==, -1);
	lk_close_fd(&fd);
}

static void test_read_file(void)
{
	g_autofree char *dir = g_dir_make_tmp("luukku-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "f", NULL);
	g_autoptr(GString) content = NULL;
	g_autoptr(GString) none = NULL;
	g_autoptr(GError) error = NULL;
	g_assert_true(lk_write_file(path, "a\0b", 3, 0640, &error));
	g_assert_true(lk_read_file(path, 3, &content, &error));
	g_assert_cmpuint(content->len, ==, 3);
	g_assert_cmpint(memcmp(content->str, "a\0b", 4), ==, 0);
	g_assert_false(lk_read_file(path, 2, &none, &error));
	g_assert_true(lk_err_is(error, LK_ERR_DATA));
	g_assert_nonnull(strstr(error->message, path));
	g_clear_error(&error);
	unlink(path);
	g_assert_false(lk_read_file(path, 3, &none, &error));
	g_assert_true(lk_err_is(error, LK_ERR_NOINPUT));
	g_clear_error(&error);
	g_assert_false(lk_read_file(dir, 3, &none, &error));
	g_assert_true(lk_err_is(error, LK_ERR_NOINPUT));
	g_assert_null(none);
	rmdir(dir);
}

static void test_read_large_file(void)
{
	enum { N = 300000 };
	g_autofree char *dir = g_dir_make_tmp("luukku-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "f", NULL);
	g_autofree char *bytes = g_strnfill(N, 'q');
	g_autoptr(GString) content = NULL;
	g_assert_true(lk_write_file(path, bytes, N, 0600, NULL));
	g_assert_true(lk_read_file(path, SIZE_MAX, &content, NULL));
	g_assert_cmpuint(content->len, ==, N);
	g_assert_cmpstr(content->str, ==, bytes);
	unlink(path);
	rmdir(dir);
}

static void test_write_file(void)
{
	g_autofree char *dir = g_dir_make_tmp("luukku-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "f", NULL);
	g_autofree char *below = g_build_filename(dir, "none", "f", NULL);
	g_autoptr(GError) error = NULL;
	struct stat st;
	g_assert_true(lk_write_file(path, "old", 3, 0644, NULL));
	g_assert_true(lk_write_file(path, "new", 3, 0600, NULL));
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpint((int)(st.st_mode & 0777), ==, 0600);
	g_autoptr(GString) content = NULL;
	g_assert_true(lk_read_file(path, 10, &content, NULL));
	g_assert_cmpstr(content->str, ==, "new");
	g_assert_false(lk_write_file(below, "x", 1, 0600, &error));
	g_assert_true(lk_err_is(error, LK_ERR_RETRY));
	unlink(path);
	g_assert_cmpint(rmdir(dir), ==, 0); /* no temporary file left */
}

/* The values are those of RFC 7693's reference implementation (Python's hashlib). */
static void test_hash(void)
{
	uint8_t digest[LK_HASH_BYTES];
	uint8_t key[LK_KEY_HASH_BYTES];
	g_autoptr(lk_hash) hash = lk_hash_new();
	lk_hash_add(hash, "a", 1);
	lk_hash_add(hash, "bc", 2);
	lk_hash_end(hash, digest);
	g_autofree char *hex = lk_hex(digest, sizeof digest);
	g_assert_cmpstr(hex, ==,
			"bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
	lk_key_hash("abc", key);
	g_autofree char *key_hex = lk_hex(key, sizeof key);
	g_assert_cmpstr(key_hex, ==, "cf4ab791c62b8d2b2109c90275287816");
	g_autofree char *nothing = lk_hex(NULL, 0);
	g_assert_cmpstr(nothing, ==, "");
}

static int listen_at(const char *name, socklen_t n)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, name, n);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&address,
			     (socklen_t)offsetof(struct sockaddr_un, sun_path) + n),
			==, 0);
	return fd;
}

static void test_notify(void)
{
	g_autofree char *dir = g_dir_make_tmp("luukku-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "notify", NULL);
	g_autofree char *abstract = g_strdup_printf("@luukku-test-%d", getpid());
	char got[64] = "";
	g_unsetenv("NOTIFY_SOCKET");
	g_assert_false(lk_sd_notify("READY=1"));
	lk_autofd int fd = listen_at(path, (socklen_t)strlen(path));
	g_setenv("NOTIFY_SOCKET", path, TRUE);
	g_assert_true(lk_sd_notify("READY=1\nSTATUS=%s", "up"));
	g_assert_cmpint(recv(fd, got, sizeof got - 1, 0), ==, 17);
	g_assert_cmpstr(got, ==, "READY=1\nSTATUS=up");
	unlink(path);
	g_assert_false(lk_sd_notify("READY=1"));
	g_autofree char *name = g_strdup(abstract);
	name[0] = '\0';
	lk_autofd int other = listen_at(name, (socklen_t)strlen(abstract));
	g_setenv("NOTIFY_SOCKET", abstract, TRUE);
	g_assert_true(lk_sd_notify("WATCHDOG=1"));
	g_assert_cmpint(recv(other, got, sizeof got, 0), ==, 10);
	g_setenv("NOTIFY_SOCKET", "relative", TRUE);
	g_assert_false(lk_sd_notify("READY=1"));
	g_unsetenv("NOTIFY_SOCKET");
	rmdir(dir);
}

static void test_watchdog(void)
{
	g_autofree char *own = g_strdup_printf("%d", getpid());
	static const struct {
		const char *usec;
		int wanted;
	} cases[] = {{NULL, 0},
		     {"30000000", 15000},
		     {"1", 1},
		     {"0", 0},
		     {"x", 0},
		     {"-5", 0},
		     {"9223372036854775807", INT32_MAX}};
	g_unsetenv("WATCHDOG_PID");
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		if (cases[i].usec)
			g_setenv("WATCHDOG_USEC", cases[i].usec, TRUE);
		else
			g_unsetenv("WATCHDOG_USEC");
		g_assert_cmpint(lk_sd_watchdog_ms(), ==, cases[i].wanted);
	}
	g_setenv("WATCHDOG_USEC", "30000000", TRUE);
	g_setenv("WATCHDOG_PID", own, TRUE);
	g_assert_cmpint(lk_sd_watchdog_ms(), ==, 15000);
	g_setenv("WATCHDOG_PID", "1", TRUE);
	g_assert_cmpint(lk_sd_watchdog_ms(), ==, 0);
	g_unsetenv("WATCHDOG_PID");
	g_unsetenv("WATCHDOG_USEC");
}

static void test_paths(void)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *name = g_path_get_basename(self);
	g_autofree char *found = lk_program_path(name);
	g_assert_cmpstr(found, ==, self);
	g_autofree char *data = lk_data_path(name);
	g_assert_cmpstr(data, ==, self);
	g_autofree char *absent = lk_program_path("luukku-no-such-program");
	g_assert_true(g_str_has_suffix(absent, "/luukku/luukku-no-such-program"));
	g_autofree char *no_data = lk_data_path("no-such-data");
	g_assert_true(g_str_has_suffix(no_data, "/share/luukku/no-such-data"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/io/spool", test_spool);
	g_test_add_func("/io/spool-nowhere", test_spool_nowhere);
	g_test_add_func("/io/write-failure", test_write_failure);
	g_test_add_func("/io/close-fd", test_close_fd);
	g_test_add_func("/io/read-file", test_read_file);
	g_test_add_func("/io/read-large-file", test_read_large_file);
	g_test_add_func("/io/write-file", test_write_file);
	g_test_add_func("/hash/known", test_hash);
	g_test_add_func("/sd/notify", test_notify);
	g_test_add_func("/sd/watchdog", test_watchdog);
	g_test_add_func("/path/both", test_paths);
	return g_test_run();
}
