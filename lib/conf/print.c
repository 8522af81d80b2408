#include "lib/conf/print.h"

#include "lib/base/hash.h"
#include "lib/conf/check.h"
#include "lib/conf/read.h"

#include <string.h>
#include <sys/stat.h>

typedef void (*visitor)(const lk_setting *setting, const char *label, const void *object,
			void *data);

/* Every setting of an object and of those in it, in the order of the table. */
static void walk(const char *group, const char *label, void *object, visitor visit, void *data)
{
	unsigned n = 0;
	const lk_setting *const *all = lk_settings_of(group, &n);

	for (unsigned i = 0; i < n; i++) {
		const lk_setting *setting = all[i];
		g_autofree char *full = NULL;
		g_autofree char *members = NULL;
		GPtrArray *objects = NULL;

		if (setting->type == LK_SET_VALUES)
			continue;
		full = lk_label(label, lk_setting_name(setting));
		if (setting->type == LK_SET_GROUP) {
			walk(setting->path, full, lk_setting_place(setting, object), visit, data);
			continue;
		}
		if (setting->type != LK_SET_OBJECTS) {
			visit(setting, full, object, data);
			continue;
		}
		members = lk_setting_group(setting);
		objects = *(GPtrArray **)lk_setting_place(setting, object);
		for (unsigned j = 0; j < objects->len; j++) {
			const lk_named *named = g_ptr_array_index(objects, j);
			bool has_name = lk_setting_find(members, "name") != NULL;
			g_autofree char *item =
				has_name ? g_strdup_printf("%s[%s]", full, named->name)
					 : g_strdup_printf("%s[%u]", full, j + 1);

			walk(members, item, g_ptr_array_index(objects, j), visit, data);
		}
	}
}

/* What lk_conf_print_settings works with. */
typedef struct {
	const lk_conf *conf;
	lk_conf_print_mode mode;
	GString *out;
} printer;

/* The default read as the file would be, so that "600/m" is "600/1m". */
static char *default_value(const lk_conf *conf, const lk_setting *setting)
{
	/* Larger than any single value; the struct it stands in is not there. */
	union {
		int64_t number;
		void *pointer;
		lk_conf_rate rate;
		lk_conf_text text;
		lk_conf_after after;
		lk_conf_secret secret;
	} value = {0};
	lk_setting alone = *setting;
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	lk_conf scratch = {.dir = conf->dir, .given = conf->given};
	lk_reader reader = {{files, problems, NULL}, &scratch, false};
	char *printed = NULL;

	alone.offset = 0;
	lk_read_default(&reader, &alone, &value);
	printed = lk_setting_print(&alone, &value);
	lk_setting_clear_one(&alone, &value);
	return printed;
}

static void print_one(const lk_setting *setting, const char *label, const void *object, void *data)
{
	printer *p = data;
	g_autofree char *value = NULL;
	g_autofree char *fallback = NULL;

	if (p->mode == LK_CONF_PRINT_RESTART && !(setting->flags & LK_SETTING_RESTART))
		return;
	value = lk_setting_print(setting, object);
	if (p->mode == LK_CONF_PRINT_DIFF) {
		if (!g_hash_table_contains(p->conf->given, (const char *)object + setting->offset))
			return;
		fallback = default_value(p->conf, setting);
		if (strcmp(value, fallback) == 0)
			return;
	}
	g_string_append_printf(p->out, "%s = %s\n", label, value);
}

static void print_default(GString *out, const lk_setting *setting)
{
	g_autofree char *value = lk_setting_print_default(setting);
	const char *shown = value;

	if (setting->type == LK_SET_GROUP || setting->type == LK_SET_OBJECTS ||
	    setting->type == LK_SET_MATCH || setting->type == LK_SET_SETS)
		return;
	if (!shown && (setting->flags & LK_SETTING_REQUIRED))
		shown = "(must be given)";
	if (!shown && (setting->flags & LK_SETTING_DERIVED))
		shown = "(follows)";
	if (!shown && setting->type == LK_SET_VALUES)
		shown = "(no test, or not set)";
	if (!shown)
		shown = setting->type == LK_SET_LIST || setting->type == LK_SET_SPANS ? "()"
										      : "(none)";
	g_string_append_printf(out, "%s = %s   # %s%s\n", setting->path, shown, setting->prose,
			       setting->flags & LK_SETTING_RESTART ? "; a change restarts" : "");
}

char *lk_conf_print_settings(const lk_conf *conf, lk_conf_print_mode mode)
{
	printer p = {conf, mode, g_string_new(NULL)};
	unsigned n = 0;
	const lk_setting *all = lk_settings(&n);

	if (mode != LK_CONF_PRINT_DEFAULTS) {
		walk("", "", (void *)conf, print_one, &p);
		return g_string_free(p.out, FALSE);
	}
	for (unsigned i = 0; i < n; i++)
		print_default(p.out, &all[i]);
	return g_string_free(p.out, FALSE);
}

/* What a digest is made with; with secrets for lk_conf_section_hash alone. */
typedef struct {
	lk_hash *hash;
	bool with_secrets;
} digester;

static void digest_text(lk_hash *hash, const char *text)
{
	lk_hash_add(hash, text, strlen(text) + 1);
}

static void digest_secret(lk_hash *hash, const lk_conf_secret *secret)
{
	g_autofree char *identity = NULL;
	struct stat st;

	if (secret->form == LK_CONF_SECRET_SEALED && secret->where)
		digest_text(hash, secret->where);
	if (secret->form == LK_CONF_SECRET_PLAIN && secret->plain)
		lk_hash_add(hash, lk_secret_text(secret->plain), lk_secret_size(secret->plain) + 1);
	if (secret->form != LK_CONF_SECRET_FILE || !secret->where || stat(secret->where, &st) != 0)
		return;
	identity =
		g_strdup_printf("%lld %lld %lld.%09ld", (long long)st.st_ino, (long long)st.st_size,
				(long long)st.st_mtim.tv_sec, (long)st.st_mtim.tv_nsec);
	digest_text(hash, identity);
}

static void digest_one(const lk_setting *setting, const char *label, const void *object, void *data)
{
	digester *d = data;
	g_autofree char *value = lk_setting_print(setting, object);

	digest_text(d->hash, label);
	digest_text(d->hash, value);
	if (d->with_secrets && setting->form == LK_FORM_CONNINFO)
		digest_text(d->hash, *(char *const *)((const char *)object + setting->offset));
	if (d->with_secrets && setting->type == LK_SET_SECRET)
		digest_secret(d->hash,
			      (const lk_conf_secret *)((const char *)object + setting->offset));
}

static char *digest_end(lk_hash *hash)
{
	uint8_t digest[LK_HASH_BYTES];

	lk_hash_end(hash, digest);
	return lk_hex(digest, sizeof(digest));
}

char *lk_digest_conf(const lk_conf *conf)
{
	g_autoptr(lk_hash) hash = lk_hash_new();
	digester d = {hash, false};

	walk("", "", (void *)conf, digest_one, &d);
	return digest_end(hash);
}

char *lk_conf_section_hash(const lk_conf *conf, const char *section, const char *name)
{
	const lk_setting *setting = lk_setting_find("", section);
	g_autoptr(lk_hash) hash = lk_hash_new();
	digester d = {hash, true};
	g_autofree char *group = NULL;
	GPtrArray *objects = NULL;

	if (!setting || setting->type == LK_SET_VALUES)
		return NULL;
	if (setting->type != LK_SET_OBJECTS && setting->type != LK_SET_GROUP) {
		digest_one(setting, section, conf, &d);
		return digest_end(hash);
	}
	group = lk_setting_group(setting);
	if (setting->type == LK_SET_GROUP) {
		walk(group, section, lk_setting_place(setting, (void *)conf), digest_one, &d);
		return digest_end(hash);
	}
	objects = *(GPtrArray **)lk_setting_place(setting, (void *)conf);
	for (unsigned i = 0; i < objects->len; i++) {
		const lk_named *object = g_ptr_array_index(objects, i);

		if (name && g_strcmp0(object->name, name) != 0)
			continue;
		walk(group, section, g_ptr_array_index(objects, i), digest_one, &d);
		if (name)
			return digest_end(hash);
	}
	return name ? NULL : digest_end(hash);
}
