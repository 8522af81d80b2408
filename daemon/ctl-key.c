#include "daemon/ctl.h"

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/secret.h"
#include "lib/base/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
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
	{.name = NULL},
};
