#include "lib/conf/schema.h"

#include "lib/conf/rules.h"

#include <string.h>

const char *lk_setting_name(const lk_setting *setting)
{
	const char *dot = strrchr(setting->path, '.');

	return dot ? dot + 1 : setting->path;
}

/* The table by groups: a configuration of a thousand rules asks for the same few ever again. */
static GHashTable *index_groups(void)
{
	GHashTable *groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
						   (GDestroyNotify)g_ptr_array_unref);
	unsigned n = 0;
	const lk_setting *all = lk_settings(&n);

	for (unsigned i = 0; i < n; i++) {
		const char *dot = strrchr(all[i].path, '.');
		char *group = g_strndup(all[i].path, dot ? (size_t)(dot - all[i].path) : 0);
		GPtrArray *members = g_hash_table_lookup(groups, group);

		if (members) {
			g_free(group);
		} else {
			members = g_ptr_array_new();
			g_hash_table_insert(groups, group, members);
		}
		g_ptr_array_add(members, (void *)&all[i]);
	}
	return groups;
}

const lk_setting *const *lk_settings_of(const char *group, unsigned *ret_n)
{
	static GHashTable *groups;
	const GPtrArray *members = NULL;

	if (!groups)
		groups = index_groups();
	members = g_hash_table_lookup(groups, group);
	*ret_n = members ? members->len : 0;
	return members ? (const lk_setting *const *)members->pdata : NULL;
}

const lk_setting *lk_setting_find(const char *group, const char *name)
{
	unsigned n = 0;
	const lk_setting *const *members = lk_settings_of(group, &n);

	for (unsigned i = 0; i < n; i++)
		if (strcmp(lk_setting_name(members[i]), name) == 0)
			return members[i];
	return NULL;
}

char *lk_setting_group(const lk_setting *setting)
{
	if (setting->type != LK_SET_OBJECTS)
		return g_strdup(setting->path);
	if (strcmp(setting->path, "queues[].rules") == 0)
		return g_strdup("rules[]");
	return g_strdup_printf("%s[]", setting->path);
}

GPtrArray *lk_setting_names(const char *group)
{
	static const char *const endings[] = {"_file", "_command", "_sealed", ""};
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	unsigned n = 0;
	const lk_setting *const *members = lk_settings_of(group, &n);

	for (unsigned i = 0; i < n; i++) {
		if (members[i]->type != LK_SET_SECRET) {
			g_ptr_array_add(names, g_strdup(lk_setting_name(members[i])));
			continue;
		}
		for (unsigned j = 0; j < G_N_ELEMENTS(endings); j++)
			g_ptr_array_add(names,
					g_strconcat(lk_setting_name(members[i]), endings[j], NULL));
	}
	return names;
}

static void clear_secret(lk_conf_secret *secret)
{
	g_clear_pointer(&secret->where, g_free);
	g_clear_pointer(&secret->plain, lk_secret_free);
	secret->form = LK_CONF_SECRET_NONE;
}

static void clear_objects(const lk_setting *setting, GPtrArray **place)
{
	g_autofree char *group = lk_setting_group(setting);

	if (!*place)
		return;
	for (unsigned i = 0; i < (*place)->len; i++) {
		lk_setting_clear(group, g_ptr_array_index(*place, i));
		g_free(g_ptr_array_index(*place, i));
	}
	g_clear_pointer(place, g_ptr_array_unref);
}

void lk_setting_clear_one(const lk_setting *setting, void *object)
{
	void *place = (char *)object + setting->offset;

	switch (setting->type) {
	case LK_SET_TEXT:
		g_clear_pointer((char **)place, g_free);
		break;
	case LK_SET_AFTER:
		g_clear_pointer(&((lk_conf_after *)place)->folder, g_free);
		break;
	case LK_SET_LOCAL:
		for (int i = 0; i < LK_CONF_N_LANGS; i++)
			g_clear_pointer(&((lk_conf_text *)place)->in[i], g_free);
		break;
	case LK_SET_LIST:
	case LK_SET_SETS:
		g_clear_pointer((GPtrArray **)place, g_ptr_array_unref);
		break;
	case LK_SET_SPANS:
	case LK_SET_RATES:
		g_clear_pointer((GArray **)place, g_array_unref);
		break;
	case LK_SET_SECRET:
		clear_secret(place);
		break;
	case LK_SET_GROUP:
		lk_setting_clear(setting->path, place);
		break;
	case LK_SET_OBJECTS:
		clear_objects(setting, place);
		break;
	case LK_SET_MATCH:
		g_clear_pointer((lk_conf_test **)place, lk_conf_test_free);
		break;
	default:
		break;
	}
}

void lk_setting_clear(const char *group, void *object)
{
	unsigned n = 0;
	const lk_setting *const *members = lk_settings_of(group, &n);

	for (unsigned i = 0; i < n; i++)
		lk_setting_clear_one(members[i], object);
}
