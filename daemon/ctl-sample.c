#include "daemon/ctl-sample.h"

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/path.h"

#include <string.h>

enum { MOST_BYTES = 1024 * 1024, MOST_DEPTH = 16 };

bool lk_samples_load(lk_json **ret_samples, GError **error)
{
	g_autofree char *folder = lk_data_path("templates");
	g_autofree char *path = g_build_filename(folder, "sample.json", NULL);
	g_autoptr(GString) text = NULL;

	if (!lk_read_file(path, MOST_BYTES, &text, error))
		return false;
	if (!lk_json_parse(text->str, text->len, ret_samples, error)) {
		g_prefix_error(error, "%s (reinstall luukku): ", path);
		return false;
	}
	return true;
}

GPtrArray *lk_samples_mails(const lk_json *samples)
{
	return lk_json_keys(lk_json_get(samples, "mails"));
}

GPtrArray *lk_samples_cases(const lk_json *samples, const char *mail)
{
	return lk_json_keys(lk_json_get(lk_json_get(samples, "mails"), mail));
}

/* A copy with each {"in": {"fi", "sv", "en"}} replaced by the text of the language. */
static lk_json *spoken(lk_json *value, const char *language, unsigned depth)
{
	lk_json *words = lk_json_get(value, "in");
	lk_json *copy = NULL;

	if (lk_json_is_object(words))
		return lk_json_ref(lk_json_get(words, language));
	if (depth > MOST_DEPTH || (!lk_json_is_object(value) && !lk_json_is_array(value)))
		return lk_json_ref(value);
	if (lk_json_is_array(value)) {
		copy = lk_json_array();
		for (size_t i = 0; i < lk_json_size(value); i++)
			lk_json_push(copy, spoken(lk_json_at(value, i), language, depth + 1));
		return copy;
	}
	g_autoptr(GPtrArray) keys = lk_json_keys(value);
	copy = lk_json_object();
	for (unsigned i = 0; i < keys->len; i++) {
		const char *key = g_ptr_array_index(keys, i);
		lk_json_take(copy, key, spoken(lk_json_get(value, key), language, depth + 1));
	}
	return copy;
}

lk_json *lk_samples_values(const lk_json *samples, const char *mail, const char *name,
			   lk_lang language)
{
	const char *code = lk_lang_code(language);
	lk_json *all = lk_json_get(samples, "common");
	lk_json *own = lk_json_get(lk_json_get(lk_json_get(samples, "mails"), mail), name);
	lk_json *values = lk_json_is_object(all) ? spoken(all, code, 0) : lk_json_object();
	g_autoptr(GPtrArray) keys = lk_json_keys(own);

	for (unsigned i = 0; i < keys->len; i++) {
		const char *key = g_ptr_array_index(keys, i);
		lk_json_take(values, key, spoken(lk_json_get(own, key), code, 1));
	}
	return values;
}

/* A list has its "has_NAME" too (render.h). */
static void add_names(GHashTable *names, lk_json *value, unsigned depth)
{
	g_autoptr(GPtrArray) keys = lk_json_keys(value);

	for (size_t i = 0; lk_json_is_array(value) && i < lk_json_size(value); i++)
		add_names(names, lk_json_at(value, i), depth + 1);
	for (unsigned i = 0; depth < MOST_DEPTH && i < keys->len; i++) {
		const char *key = g_ptr_array_index(keys, i);

		g_hash_table_add(names, g_strdup(key));
		if (lk_json_is_array(lk_json_get(value, key)))
			g_hash_table_add(names, g_strconcat("has_", key, NULL));
		add_names(names, lk_json_get(value, key), depth + 1);
	}
}

GHashTable *lk_samples_names(const lk_json *samples, const char *mail)
{
	GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	lk_json *mails = lk_json_get(samples, "mails");
	lk_json *made = lk_json_get(samples, "made");

	add_names(names, lk_json_get(samples, "common"), 0);
	add_names(names, mail ? lk_json_get(mails, mail) : mails, 0);
	for (size_t i = 0; i < lk_json_size(made); i++) {
		const char *name = lk_json_text(lk_json_at(made, i));

		g_hash_table_add(names, g_strdup(name));
		g_hash_table_add(names, g_strconcat("has_", name, NULL));
	}
	return names;
}
