#include "lib/conf/snapshot.h"

#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/units.h"

#include <string.h>

/*
 * The file: a line "luukku configuration 1", then for each file "file SIZE PATH", the bytes and a
 * newline, then for each of rule_files "rules 0 PATH". Paths are absolute.
 */
static const char magic[] = "luukku configuration 1\n";

enum { MOST_BYTES = 64 << 20 };

struct lk_snapshot {
	GHashTable *files; /* char *: absolute path -> GString * */
	GPtrArray *order;  /* the keys of files, as they were read; borrowed */
	GPtrArray *rules;  /* char * */
	bool is_source;
};

static void free_bytes(void *bytes)
{
	g_string_free(bytes, TRUE);
}

lk_snapshot *lk_snapshot_new(void)
{
	lk_snapshot *snapshot = g_new0(lk_snapshot, 1);

	snapshot->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_bytes);
	snapshot->order = g_ptr_array_new();
	snapshot->rules = g_ptr_array_new_with_free_func(g_free);
	return snapshot;
}

void lk_snapshot_free(lk_snapshot *snapshot)
{
	if (!snapshot)
		return;
	g_ptr_array_unref(snapshot->order);
	g_ptr_array_unref(snapshot->rules);
	g_hash_table_unref(snapshot->files);
	g_free(snapshot);
}

bool lk_snapshot_is_source(const lk_snapshot *snapshot)
{
	return snapshot->is_source;
}

const GString *lk_snapshot_find(const lk_snapshot *snapshot, const char *path)
{
	g_autofree char *absolute = g_canonicalize_filename(path, NULL);

	return g_hash_table_lookup(snapshot->files, absolute);
}

void lk_snapshot_add(lk_snapshot *snapshot, const char *path, const GString *bytes)
{
	char *absolute = g_canonicalize_filename(path, NULL);

	if (g_hash_table_contains(snapshot->files, absolute)) {
		g_free(absolute);
		return;
	}
	g_hash_table_insert(snapshot->files, absolute,
			    g_string_new_len(bytes->str, (gssize)bytes->len));
	g_ptr_array_add(snapshot->order, absolute);
}

const GPtrArray *lk_snapshot_rules(const lk_snapshot *snapshot)
{
	return snapshot->rules;
}

void lk_snapshot_add_rules(lk_snapshot *snapshot, const char *path)
{
	g_ptr_array_add(snapshot->rules, g_strdup(path));
}

static GString *to_bytes(const lk_snapshot *snapshot)
{
	GString *out = g_string_new(magic);

	for (unsigned i = 0; i < snapshot->order->len; i++) {
		const char *name = g_ptr_array_index(snapshot->order, i);
		const GString *bytes = g_hash_table_lookup(snapshot->files, name);

		g_string_append_printf(out, "file %zu %s\n", bytes->len, name);
		g_string_append_len(out, bytes->str, (gssize)bytes->len);
		g_string_append_c(out, '\n');
	}
	for (unsigned i = 0; i < snapshot->rules->len; i++)
		g_string_append_printf(out, "rules 0 %s\n",
				       (const char *)g_ptr_array_index(snapshot->rules, i));
	return out;
}

char *lk_snapshot_digest(const lk_snapshot *snapshot)
{
	g_autoptr(GString) bytes = to_bytes(snapshot);
	g_autoptr(lk_hash) hash = lk_hash_new();
	uint8_t digest[LK_HASH_BYTES];

	lk_hash_add(hash, bytes->str, bytes->len);
	lk_hash_end(hash, digest);
	return lk_hex(digest, sizeof(digest));
}

bool lk_snapshot_write(const lk_snapshot *snapshot, const char *path, GError **error)
{
	g_autoptr(GString) out = to_bytes(snapshot);

	return lk_write_file_loosely(path, out->str, out->len, 0600, error);
}

/* One entry from *at on; false when it is none. */
static bool read_entry(lk_snapshot *snapshot, const char **at, const char *end)
{
	const char *newline = memchr(*at, '\n', (size_t)(end - *at));
	int64_t size = 0;

	if (!newline)
		return false;
	g_autofree char *line = g_strndup(*at, (size_t)(newline - *at));
	g_auto(GStrv) words = g_strsplit(line, " ", 3);
	if (g_strv_length(words) != 3 || !lk_parse_int(words[1], 0, end - newline - 1, &size, NULL))
		return false;
	*at = newline + 1;
	if (strcmp(words[0], "rules") == 0) {
		lk_snapshot_add_rules(snapshot, words[2]);
		return true;
	}
	if (strcmp(words[0], "file") != 0 || (*at)[size] != '\n')
		return false;
	g_autoptr(GString) bytes = g_string_new_len(*at, (gssize)size);
	lk_snapshot_add(snapshot, words[2], bytes);
	*at += size + 1;
	return true;
}

bool lk_snapshot_open(const char *path, lk_snapshot **ret_snapshot, GError **error)
{
	g_autoptr(lk_snapshot) snapshot = lk_snapshot_new();
	g_autoptr(GString) content = NULL;

	if (!lk_read_file(path, MOST_BYTES, &content, error))
		return false;
	const char *at = content->str + strlen(magic);
	const char *end = content->str + content->len;
	bool is_good = g_str_has_prefix(content->str, magic);
	while (is_good && at < end)
		is_good = read_entry(snapshot, &at, end);
	if (!is_good) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "%s is no configuration that luukkud has kept; run `luukkuctl reload`",
			    path);
		return false;
	}
	snapshot->is_source = true;
	*ret_snapshot = g_steal_pointer(&snapshot);
	return true;
}
