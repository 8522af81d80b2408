#include "daemon/ctl.h"

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/seal.h"
#include "lib/base/secret.h"
#include "lib/base/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* A new file that only its owner can read; the error says what to do when it exists. */
static bool create(const char *path, int *ret_fd, GError **error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0 && fchmod(fd, 0600) == 0) {
		*ret_fd = fd;
		return true;
	}
	if (fd < 0 && errno == EEXIST)
		g_set_error(error, LK_ERROR, LK_ERR_PERMISSION,
			    "%s exists and stays as it is: replies to what was mailed under its "
			    "keys could no longer be recognised. Name another file, or put a line "
			    "of `luukkuctl key new` on top of this one",
			    path);
	else
		g_set_error(error, LK_ERROR, LK_ERR_PERMISSION, "%s: %s", path, g_strerror(errno));
	lk_close_fd(&fd);
	return false;
}

static bool run_key_new(lk_ctl *ctl, GError **error)
{
	const char *path = ctl->n_operands > 0 ? ctl->operands[0] : NULL;
	g_autoptr(lk_secret) key = lk_key_generate();
	lk_autofd int fd = -1;

	if (path == NULL) {
		fputs(lk_secret_text(key), stdout);
		return true;
	}
	if (!create(path, &fd, error))
		return false;
	if (!lk_write_all(fd, lk_secret_text(key), lk_secret_size(key), error)) {
		unlink(path);
		return false;
	}
	if (fsync(fd) != 0) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY, "%s: %s", path, g_strerror(errno));
		unlink(path);
		return false;
	}
	printf("%s: a new site key; keep a copy in a safe place\n", path);
	return true;
}

static bool run_key_list(lk_ctl *ctl, GError **error)
{
	static const char *const headings[] = {"KEY", "USE", NULL};
	g_autoptr(lk_ctl_table) table = NULL;
	g_autoptr(lk_keys) keys = NULL;
	const lk_conf *conf = NULL;

	if (!lk_ctl_conf(ctl, &conf, error) ||
	    !lk_keys_load(conf->site.key_file, conf->site.domain, &keys, error))
		return false;
	table = lk_ctl_table_new(headings, 1);
	for (unsigned i = 0; i < lk_keys_count(keys); i++) {
		g_autofree char *fingerprint = lk_keys_fingerprint(keys, i);

		lk_ctl_table_add(table, fingerprint);
		lk_ctl_table_add(table, i == 0 ? "signs and verifies" : "verifies");
	}
	lk_ctl_table_print(table);
	return true;
}

enum { LONGEST_SECRET = 4096 };

/* The first line of standard input, at most LONGEST_SECRET bytes; the buffer is wiped. */
static lk_secret *read_line(void)
{
	char *buffer = g_malloc0(LONGEST_SECRET + 2);
	lk_secret *secret = NULL;
	size_t n = 0;
	ssize_t got = 0;

	while (n <= LONGEST_SECRET && memchr(buffer, '\n', n) == NULL &&
	       ((got = read(STDIN_FILENO, buffer + n, LONGEST_SECRET + 1 - n)) > 0 ||
		(got < 0 && errno == EINTR)))
		n += (size_t)MAX(got, 0);
	n = strcspn(buffer, "\n");
	if (n > 0 && n <= LONGEST_SECRET)
		secret = lk_secret_new(buffer, n);
	explicit_bzero(buffer, LONGEST_SECRET + 2);
	g_free(buffer);
	return secret;
}

/* The same, asked for without an echo when standard input is a terminal. */
static lk_secret *ask_secret(void)
{
	struct termios before;
	struct termios silent;
	lk_secret *secret = NULL;

	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return read_line();
	fputs("secret: ", stderr);
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	secret = read_line();
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return secret;
}

static bool run_seal(lk_ctl *ctl, GError **error)
{
	g_autoptr(lk_secret) secret = NULL;
	g_autofree char *sealed = NULL;
	const lk_conf *conf = NULL;

	if (!lk_ctl_conf(ctl, &conf, error))
		return false;
	secret = ask_secret();
	if (secret == NULL) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "standard input has to hold the secret in its first line, of 1 to %d "
			    "bytes",
			    LONGEST_SECRET);
		return false;
	}
	if (!lk_seal(conf->site.key_file, secret, &sealed, error))
		return false;
	puts(sealed);
	return true;
}

const lk_ctl_command lk_ctl_key_commands[] = {
	{.name = "key new",
	 .operands = "[FILE]",
	 .most = 1,
	 .run = run_key_new,
	 .summary = "a new site key, printed or written to a new file"},
	{.name = "key list",
	 .operands = "",
	 .run = run_key_list,
	 .summary = "the keys of the site by fingerprint, the one that signs first"},
	{.name = "seal",
	 .operands = "",
	 .run = run_seal,
	 .summary = "a secret from standard input, as the value of a setting ..._sealed",
	 .more = "It opens with the site's key file only, so that the configuration may be backed "
		 "up or kept\nunder version control."},
	{.name = NULL},
};
