#include "daemon/ctl.h"

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/base/units.h"
#include "lib/db/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_NAME_BYTES = 120, MAX_COPIES = 10000 };

/*
 * A name that stays in its folder, shows as it is and hides nothing: no slash, backslash, control
 * or bidi character, no dot or dash in front. Caller frees.
 */
static char *safe_name(const char *filename, int64_t n)
{
	g_autofree char *name = lk_ctl_printable(filename, false);
	const char *base = name;
	const char *dot = NULL;

	for (char *p = name; *p != '\0'; p++)
		if (*p == '/' || *p == '\\')
			base = p + 1;
	while (*base == '.' || *base == '-' || *base == ' ')
		base++;
	if (*base == '\0')
		return g_strdup_printf("attachment-%" PRId64, n);
	if (strlen(base) <= MAX_NAME_BYTES)
		return g_strchomp(g_strdup(base));
	dot = strrchr(base, '.');
	if (dot != NULL && strlen(dot) <= 20) {
		g_autofree char *stem = lk_text_cut(base, MAX_NAME_BYTES - strlen(dot));

		return g_strconcat(stem, dot, NULL);
	}
	return lk_text_cut(base, MAX_NAME_BYTES);
}

/* Makes a new file of that name, or of the name with -1, -2, ... before its ending. */
static bool create(const char *dir, const char *name, int *ret_fd, char **ret_path, GError **error)
{
	const char *dot = strrchr(name, '.');
	size_t stem = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);

	for (int copy = 0; copy < MAX_COPIES; copy++) {
		g_autofree char *suffix = copy > 0 ? g_strdup_printf("-%d", copy) : g_strdup("");
		g_autofree char *file =
			g_strdup_printf("%.*s%s%s", (int)stem, name, suffix, name + stem);
		g_autofree char *path = g_build_filename(dir, file, NULL);
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd >= 0) {
			*ret_fd = fd;
			*ret_path = g_steal_pointer(&path);
			return true;
		}
		if (errno != EEXIST) {
			g_set_error(error, LK_ERROR,
				    errno == ENOSPC ? LK_ERR_RETRY : LK_ERR_PERMISSION, "%s: %s",
				    path, g_strerror(errno));
			return false;
		}
	}
	g_set_error(error, LK_ERROR, LK_ERR_USAGE, "%s/%s: there are too many files of that name",
		    dir, name);
	return false;
}

static bool save_one(lk_db *db, const lk_rows *rows, size_t i, const char *dir, GError **error)
{
	g_autofree char *name =
		safe_name(lk_row_text(rows, i, "filename"), lk_row_int(rows, i, "n"));
	g_autofree char *path = NULL;
	lk_autofd int fd = -1;

	if (!create(dir, name, &fd, &path, error))
		return false;
	if (!lk_blob_load(db, lk_row_int(rows, i, "blob_id"), fd, error)) {
		unlink(path);
		g_prefix_error(error, "%s: ", path);
		return false;
	}
	puts(path);
	return true;
}

bool lk_ctl_save(lk_ctl *ctl, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	const char *dir = lk_ctl_value(ctl, "directory");
	lk_db *db = NULL;
	int64_t ticket = 0;
	int64_t wanted = 0;
	int64_t saved = 0;

	if (!lk_ctl_ticket(ctl, ctl->operands[0], &ticket, error))
		return false;
	if (ctl->n_operands > 1 && !lk_parse_int(ctl->operands[1], 1, INT32_MAX, &wanted, NULL)) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "\"%s\" is no number of an attachment; `luukkuctl show %s` lists them",
			    ctl->operands[1], ctl->operands[0]);
		return false;
	}
	lk_param_int(params, ticket);
	if (!lk_ctl_db(ctl, &db, error) ||
	    !lk_db_run(db, LK_Q_CTL_ATTACHMENTS, params, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		if (wanted != 0 && lk_row_int(rows, i, "n") != wanted)
			continue;
		if (!save_one(db, rows, i, dir != NULL ? dir : ".", error))
			return false;
		saved++;
	}
	if (saved == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
			    "%s has no such attachment, or there "
			    "is no such ticket; `luukkuctl show %s` tells",
			    ctl->operands[0], ctl->operands[0]);
		return false;
	}
	return true;
}
