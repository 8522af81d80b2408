#include "lib/conf/read.h"

#include "lib/base/units.h"
#include "lib/conf/form.h"
#include "lib/conf/rules.h"

#include <string.h>

void *lk_setting_place(const lk_setting *setting, void *object)
{
	return (char *)object + setting->offset;
}

char *lk_label(const char *label, const char *name)
{
	return *label ? g_strconcat(label, ".", name, NULL) : g_strdup(name);
}

void lk_find_unknown(const lk_reader *reader, const char *group, const char *label,
		     const lk_node *item)
{
	g_autoptr(GPtrArray) names = lk_setting_names(group);
	g_autofree char *full = lk_label(label, item->name);
	g_autofree char *near =
		lk_did_you_mean(item->name, (const char *const *)names->pdata, names->len);

	lk_find_error(&reader->findings, item->at, "%s: there is no such setting%s", full, near);
}

void lk_find_wrong_kind(const lk_reader *reader, const char *label, const lk_node *node,
			const char *should)
{
	lk_find_error(&reader->findings, node->at, "%s should be %s, not %s", label, should,
		      lk_node_kind_name(node->kind));
}

/* The fallback of the table as the file would have it. */
static lk_node *fallback_node(const lk_setting *setting)
{
	lk_conf_origin nowhere = {"", 0};
	g_autoptr(lk_node) node = lk_node_new(LK_NODE_TEXT, nowhere);
	g_auto(GStrv) words = NULL;

	node->text = g_strdup(setting->fallback);
	switch (setting->type) {
	case LK_SET_BOOL:
		node->kind = LK_NODE_BOOL;
		node->is_true = strcmp(setting->fallback, "true") == 0;
		break;
	case LK_SET_INT:
		node->kind = LK_NODE_INT;
		if (!lk_parse_int(setting->fallback, setting->low, setting->high, &node->number,
				  NULL))
			g_assert_not_reached();
		break;
	case LK_SET_LIST:
	case LK_SET_SPANS:
	case LK_SET_RATES:
		node->kind = LK_NODE_LIST;
		words = g_strsplit(setting->fallback, " ", 0);
		for (unsigned i = 0; words[i]; i++) {
			lk_node *item = lk_node_new(LK_NODE_TEXT, nowhere);

			item->text = g_strdup(words[i]);
			g_ptr_array_add(node->items, item);
		}
		break;
	default:
		break;
	}
	return g_steal_pointer(&node);
}

void lk_read_default(lk_reader *reader, const lk_setting *setting, void *place)
{
	g_autoptr(lk_node) node = NULL;

	switch (setting->type) {
	case LK_SET_LIST:
		*(GPtrArray **)place = g_ptr_array_new_with_free_func(g_free);
		break;
	case LK_SET_OBJECTS:
		*(GPtrArray **)place = g_ptr_array_new();
		return;
	case LK_SET_SPANS:
		*(GArray **)place = g_array_new(FALSE, FALSE, sizeof(lk_conf_span));
		break;
	case LK_SET_RATES:
		*(GArray **)place = g_array_new(FALSE, FALSE, sizeof(lk_conf_rate));
		break;
	case LK_SET_GROUP:
		lk_read_group(reader, setting->path, "", NULL, place);
		return;
	case LK_SET_MATCH:
		*(lk_conf_test **)place = lk_read_match(reader, "", NULL);
		return;
	case LK_SET_SETS:
		*(GPtrArray **)place = lk_read_sets(reader, setting->path, "", NULL);
		return;
	default:
		break;
	}
	if (!setting->fallback)
		return;
	node = fallback_node(setting);
	lk_read_value(reader, setting, setting->path, node, place);
}

static bool is_secret_name(const lk_setting *setting, const char *name,
			   lk_conf_secret_form *ret_form)
{
	static const char *const endings[] = {NULL, "_file", "_command", "_sealed", ""};
	const char *base = lk_setting_name(setting);

	if (setting->type != LK_SET_SECRET || !g_str_has_prefix(name, base))
		return false;
	for (int i = LK_CONF_SECRET_FILE; i <= LK_CONF_SECRET_PLAIN; i++) {
		if (strcmp(name + strlen(base), endings[i]) == 0) {
			*ret_form = (lk_conf_secret_form)i;
			return true;
		}
	}
	return false;
}

static const lk_setting *find_member(const char *group, const char *name,
				     lk_conf_secret_form *ret_form)
{
	unsigned n = 0;
	const lk_setting *const *members = lk_settings_of(group, &n);

	for (unsigned i = 0; i < n; i++) {
		if (is_secret_name(members[i], name, ret_form))
			return members[i];
		if (members[i]->type != LK_SET_SECRET &&
		    strcmp(lk_setting_name(members[i]), name) == 0)
			return members[i];
	}
	return NULL;
}

static void find_missing(const lk_reader *reader, const char *group, const char *label,
			 const lk_node *node, void *object)
{
	unsigned n = 0;
	const lk_setting *const *members = lk_settings_of(group, &n);

	for (unsigned i = 0; i < n; i++) {
		const lk_setting *setting = members[i];
		g_autofree char *full = NULL;

		if (!(setting->flags & LK_SETTING_REQUIRED) ||
		    g_hash_table_contains(reader->conf->given, lk_setting_place(setting, object)))
			continue;
		full = lk_label(label, lk_setting_name(setting));
		lk_find_error(&reader->findings, node->at, "%s%s is missing: %s", full,
			      setting->type == LK_SET_SECRET ? "_file" : "", setting->prose);
	}
}

void lk_read_group(lk_reader *reader, const char *group, const char *label, const lk_node *node,
		   void *object)
{
	unsigned n = 0;
	const lk_setting *const *members = lk_settings_of(group, &n);

	for (unsigned i = 0; i < n; i++)
		if (members[i]->type != LK_SET_VALUES)
			lk_read_default(reader, members[i], lk_setting_place(members[i], object));
	if (!node)
		return;
	for (unsigned i = 0; i < node->items->len; i++) {
		const lk_node *item = g_ptr_array_index(node->items, i);
		lk_conf_secret_form form = LK_CONF_SECRET_NONE;
		const lk_setting *setting = find_member(group, item->name, &form);
		g_autofree char *full = lk_label(label, item->name);
		void *place = NULL;

		if (!setting) {
			lk_find_unknown(reader, group, label, item);
			continue;
		}
		place = lk_setting_place(setting, object);
		g_hash_table_add(reader->conf->given, place);
		if (setting->type == LK_SET_SECRET)
			lk_read_secret(reader, setting, form, full, item, place);
		else
			lk_read_value(reader, setting, full, item, place);
	}
	if (!reader->stopped)
		find_missing(reader, group, label, node, object);
}

/* "mailboxes[ict]" where it has a name, else its number from 1. */
static char *object_label(const char *label, const lk_node *node, unsigned index)
{
	const lk_node *name = NULL;

	if (node->kind == LK_NODE_GROUP)
		name = lk_node_get(node, "name");
	if (name && name->kind == LK_NODE_TEXT && *name->text != '\0') {
		g_autofree char *cut =
			g_utf8_substring(name->text, 0, MIN(g_utf8_strlen(name->text, -1), 40));

		return g_strdup_printf("%s[%s]", label, cut);
	}
	return g_strdup_printf("%s[%u]", label, index + 1);
}

void lk_read_objects(lk_reader *reader, const lk_setting *setting, const char *label,
		     const lk_node *node, GPtrArray **place)
{
	g_autofree char *group = lk_setting_group(setting);

	if (!*place)
		*place = g_ptr_array_new();
	if (node->kind != LK_NODE_LIST) {
		lk_find_wrong_kind(reader, label, node, "a list of groups, ( { }, { } )");
		return;
	}
	if (node->items->len == 0 && (setting->flags & LK_SETTING_FILLED))
		lk_find_error(&reader->findings, node->at, "%s is empty; it needs at least one",
			      label);
	for (unsigned i = 0; i < node->items->len; i++) {
		const lk_node *item = g_ptr_array_index(node->items, i);
		g_autofree char *full = object_label(label, item, i);
		void *object = NULL;

		if (item->kind != LK_NODE_GROUP) {
			lk_find_wrong_kind(reader, full, item, "a group { }");
			continue;
		}
		object = g_malloc0(setting->size);
		g_ptr_array_add(*place, object);
		*(lk_conf_origin *)object = item->at;
		lk_read_group(reader, group, full, item, object);
	}
}
