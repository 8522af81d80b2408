#include "daemon/supervise-desk.h"

#include "lib/base/hash.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_FILES = 2000, MOST_DEPTH = 5 };

/*
 * What its policy alone holds the others take over while they run; luukku-web, which strangers talk
 * to, has locked itself up by then.
 */
bool lk_child_takes_over(const lk_child *child)
{
	return child->kind != LK_CHILD_WEB;
}

/* Does this line of the settings (of LK_CONF_PRINT_RESTART where it takes over) concern the child?
 */
static bool concerns(const lk_child *child, const char *line)
{
	g_autofree char *own = NULL;

	if (child->kind == LK_CHILD_WEB)
		return !g_str_has_prefix(line, "mailboxes[") && !g_str_has_prefix(line, "lmtp.") &&
		       !g_str_has_prefix(line, "smtp.") && !g_str_has_prefix(line, "reload_limit");
	if (g_str_has_prefix(line, "web."))
		return false;
	switch (child->kind) {
	case LK_CHILD_SCHED:
		/* Of the mailboxes it holds leases, by name. */
		if (g_str_has_prefix(line, "mailboxes["))
			return strstr(line, "].name = ") != NULL ||
			       strstr(line, "].protocol = ") != NULL;
		return !g_str_has_prefix(line, "smtp.") && !g_str_has_prefix(line, "lmtp.");
	case LK_CHILD_SEND:
		return !g_str_has_prefix(line, "mailboxes[") && !g_str_has_prefix(line, "lmtp.");
	case LK_CHILD_LMTP:
		return !g_str_has_prefix(line, "smtp.");
	case LK_CHILD_FETCH:
	case LK_CHILD_WEB:
		break;
	}
	own = g_strdup_printf("mailboxes[%s].", child->mailbox);
	return !g_str_has_prefix(line, "smtp.") && !g_str_has_prefix(line, "lmtp.") &&
	       (!g_str_has_prefix(line, "mailboxes[") || g_str_has_prefix(line, own));
}

static void add_text(lk_hash *hash, const char *text)
{
	if (text != NULL)
		lk_hash_add(hash, text, strlen(text) + 1);
}

static void add_file(lk_hash *hash, const char *path)
{
	struct stat at;
	g_autofree char *identity = NULL;

	if (stat(path, &at) != 0)
		return;
	identity = g_strdup_printf("%s %ju %jd %jd.%09ld", path, (uintmax_t)at.st_ino,
				   (intmax_t)at.st_size, (intmax_t)at.st_mtim.tv_sec,
				   at.st_mtim.tv_nsec);
	add_text(hash, identity);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The templates: by name, size and time, so that nothing has to be read. */
static void add_tree(lk_hash *hash, const char *path, int depth, int *left)
{
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const char *name;

	add_file(hash, path);
	if (folder == NULL || depth >= MOST_DEPTH)
		return;
	while ((name = g_dir_read_name(folder)) != NULL && (*left)-- > 0)
		g_ptr_array_add(names, g_build_filename(path, name, NULL));
	g_ptr_array_sort(names, compare_names);
	for (unsigned i = 0; i < names->len; i++)
		add_tree(hash, g_ptr_array_index(names, i), depth + 1, left);
}

/* The lines show where a secret is kept; the sections' digests see a secret that changed. */
static void add_section(lk_hash *hash, const lk_conf *conf, const char *section, const char *name)
{
	g_autofree char *digest = lk_conf_section_hash(conf, section, name);

	add_text(hash, digest);
}

char *lk_child_needs(const lk_supervisor *supervisor, const lk_child *child)
{
	const lk_conf *conf = supervisor->conf;
	g_autoptr(lk_hash) hash = lk_hash_new();
	g_autofree char *settings = lk_conf_print_settings(
		conf, lk_child_takes_over(child) ? LK_CONF_PRINT_RESTART : LK_CONF_PRINT_ALL);
	g_auto(GStrv) lines = g_strsplit(settings, "\n", -1);
	uint8_t digest[LK_HASH_BYTES];
	int left = MOST_FILES;

	for (char **line = lines; *line != NULL; line++) {
		if (concerns(child, *line))
			add_text(hash, *line);
	}
	add_section(hash, conf, "database", NULL);
	if (child->kind == LK_CHILD_FETCH)
		add_section(hash, conf, "mailboxes", child->mailbox);
	if (child->kind == LK_CHILD_SEND)
		add_section(hash, conf, "smtp", NULL);
	if (child->kind == LK_CHILD_WEB) {
		add_section(hash, conf, "web", NULL);
		if (conf->templates != NULL)
			add_tree(hash, conf->templates, 0, &left);
	}
	add_file(hash, conf->site.key_file);
	lk_hash_end(hash, digest);
	return lk_hex(digest, sizeof digest);
}
