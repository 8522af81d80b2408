#include "daemon/ctl.h"

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/seal.h"
#include "lib/base/secret.h"
#include "lib/base/token.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Above each key that `key rotate` writes: since when it signs. */
static const char mark[] = "# signs since ";

enum { MOST_FILE = 65536, MARGIN_S = 86400 }; /* until the last daemon has taken it over */

/* The key file, read and written whole. */
typedef struct {
	const char *path;
	lk_secret *text;
	lk_keys *keys;
} key_file;

static void key_file_clear(key_file *file)
{
	g_clear_pointer(&file->text, lk_secret_free);
	g_clear_pointer(&file->keys, lk_keys_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(key_file, key_file_clear)

static bool open_key_file(const lk_conf *conf, key_file *file, GError **error)
{
	file->path = conf->site.key_file;
	if (!lk_keys_load(file->path, conf->site.domain, &file->keys, error))
		return false;
	if (g_str_has_prefix(file->path, "credential:")) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "%s is handed over by systemd: change the file it comes from, with a "
			    "line of `luukkuctl key new` on top",
			    file->path);
		return false;
	}
	return lk_secret_whole_file(file->path, MOST_FILE, &file->text, error);
}

/* Writes first (or nothing) and then n bytes of what is there now. */
static bool write_key_file(const key_file *file, const GString *first, const char *bytes, size_t n,
			   GError **error)
{
	size_t n_first = first ? first->len : 0;
	char *all = g_malloc(n_first + n + 1);

	if (first)
		memcpy(all, first->str, n_first);
	memcpy(all + n_first, bytes, n);
	bool ok = lk_write_file(file->path, all, n_first + n, 0600, error);
	explicit_bzero(all, n_first + n);
	g_free(all);
	return ok;
}

static bool run_rotate(lk_ctl *ctl, GError **error)
{
	g_autoptr(lk_secret) key = lk_key_generate();
	g_autofree char *now = lk_time_format(lk_now());
	g_auto(key_file) file = {0};
	const lk_conf *conf = NULL;

	if (!lk_ctl_conf(ctl, &conf, error) || !open_key_file(conf, &file, error))
		return false;
	/* Large enough at once: growing would leave a copy of the key behind. */
	GString *first = g_string_sized_new(256);
	g_string_append_printf(first, "%s%s\n%s", mark, now, lk_secret_text(key));
	bool ok = write_key_file(&file, first, lk_secret_text(file.text), lk_secret_size(file.text),
				 error);
	explicit_bzero(first->str, first->len);
	g_string_free(first, TRUE);
	if (!ok)
		return false;
	printf("%s: a new key signs, %u verify what was mailed before; keep a copy in a safe "
	       "place\n"
	       "luukkuctl reload has the daemons take it over\n",
	       file.path, lk_keys_count(file.keys));
	return true;
}

/* --- retire ------------------------------------------------------------------------------------
 */

/* The last two keys of a file. */
typedef struct {
	size_t cut;    /* where the oldest begins, with the mark above it */
	lk_time since; /* when the next one began to sign; LK_TIME_NONE: not known */
} oldest_key;

static bool is_key_line(const char *line, size_t n)
{
	while (n > 0 && g_ascii_isspace(line[0]))
		line++, n--;
	return n > 0 && g_ascii_isxdigit(line[0]);
}

static oldest_key find_oldest(const lk_secret *text)
{
	const char *all = lk_secret_text(text);
	oldest_key found = {.since = LK_TIME_NONE};
	lk_time since = LK_TIME_NONE;	   /* by the mark above the line that is read */
	lk_time last_since = LK_TIME_NONE; /* of the last key seen */
	size_t began = 0;

	for (size_t at = 0; at < lk_secret_size(text);) {
		size_t n = strcspn(all + at, "\n");

		if (strncmp(all + at, mark, sizeof mark - 1) == 0) {
			g_autofree char *when =
				g_strndup(all + at + sizeof mark - 1, n - MIN(n, sizeof mark - 1));
			began = at;
			since = LK_TIME_NONE;
			(void)lk_time_parse(g_strstrip(when), &since);
		} else if (is_key_line(all + at, n)) {
			found.cut = since != LK_TIME_NONE ? began : at;
			found.since = last_since;
			last_since = since;
			since = LK_TIME_NONE;
		}
		at += n + 1;
	}
	return found;
}

/* Nothing says since when the next key signs: not later than the last change of the file. */
static lk_time file_changed(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? (lk_time)status.st_mtime * LK_SECOND : lk_now();
}

static bool refuse_while_in_use(lk_ctl *ctl, const key_file *file, lk_time since, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_db *db = NULL;

	lk_param_time(params, since + MARGIN_S * LK_SECOND);
	lk_param_text(params, ctl->conf->site.prefix);
	if (!lk_ctl_db(ctl, &db, error) ||
	    !lk_db_run(db, LK_Q_CTL_KEY_IN_USE, params, &rows, error))
		return false;
	int64_t n = lk_row_int(rows, 0, "n");
	if (n == 0)
		return true;
	g_set_error(error, LK_ERROR, LK_ERR_PERMISSION,
		    "%s: %" PRId64 " tickets that are not closed were mailed under the oldest key "
		    "(%s%s): replies to them would no longer be recognised. Close them first, or "
		    "wait",
		    file->path, n, lk_row_text(rows, 0, "refs"), n > 5 ? ", .." : "");
	return false;
}

static bool opens_without(const lk_conf_secret *secret, const char *kept, GError **error)
{
	g_autoptr(lk_secret) opened = NULL;

	if (secret->form != LK_CONF_SECRET_SEALED)
		return true;
	if (lk_unseal(kept, secret->where, &opened, NULL))
		return true;
	g_set_error(error, LK_ERROR, LK_ERR_PERMISSION,
		    "%s:%d: this value is sealed under the oldest key: seal it anew with "
		    "`luukkuctl seal`, then retire the key",
		    secret->at.file, secret->at.line);
	return false;
}

/* Do all sealed values open with the keys of this file? */
static bool all_open(const lk_conf *conf, const char *kept, GError **error)
{
	if (!opens_without(&conf->smtp.password, kept, error) ||
	    !opens_without(&conf->smtp.oauth2.client_secret, kept, error) ||
	    !opens_without(&conf->web.board_token, kept, error))
		return false;
	for (unsigned i = 0; i < conf->mailboxes->len; i++) {
		const lk_conf_mailbox *mailbox = g_ptr_array_index(conf->mailboxes, i);

		if (!opens_without(&mailbox->password, kept, error) ||
		    !opens_without(&mailbox->oauth2.client_secret, kept, error))
			return false;
	}
	return true;
}

/* Tried in a file beside it, so that the keys in force stay until all is well. */
static bool check_sealed(const lk_conf *conf, const key_file *file, size_t n, GError **error)
{
	g_autofree char *beside = g_strconcat(file->path, ".kept", NULL);

	if (!lk_write_file(beside, lk_secret_text(file->text), n, 0600, error))
		return false;
	bool ok = all_open(conf, beside, error);
	(void)remove(beside);
	return ok;
}

static bool run_retire(lk_ctl *ctl, GError **error)
{
	g_auto(key_file) file = {0};
	const lk_conf *conf = NULL;

	if (!lk_ctl_conf(ctl, &conf, error) || !open_key_file(conf, &file, error))
		return false;
	unsigned n = lk_keys_count(file.keys);
	if (n < 2) {
		g_set_error(error, LK_ERROR, LK_ERR_PERMISSION,
			    "%s holds one key: make a new one with `luukkuctl key rotate` before "
			    "this one can be retired",
			    file.path);
		return false;
	}
	oldest_key oldest = find_oldest(file.text);
	lk_time since = oldest.since == LK_TIME_NONE ? file_changed(file.path) : oldest.since;
	if (!refuse_while_in_use(ctl, &file, since, error) ||
	    !check_sealed(conf, &file, oldest.cut, error) ||
	    !write_key_file(&file, NULL, lk_secret_text(file.text), oldest.cut, error))
		return false;
	g_autofree char *fingerprint = lk_keys_fingerprint(file.keys, n - 1);
	printf("%s: %s is retired, %u left\nluukkuctl reload has the daemons forget it\n",
	       file.path, fingerprint, n - 1);
	return true;
}

const lk_ctl_command lk_ctl_key_file_commands[] = {
	{.name = "key rotate",
	 .operands = "",
	 .run = run_rotate,
	 .summary = "put a new key on top of the key file; the others go on verifying"},
	{.name = "key retire",
	 .operands = "",
	 .run = run_retire,
	 .summary = "take the oldest key out of the site's key file",
	 .more = "Refused while a ticket that is not closed was mailed under it, or a value of "
		 "the\n"
		 "configuration is sealed under it."},
	{.name = NULL},
};
