#include "lib/conf/node.h"

#include <libconfig.h>
#include <string.h>

/* libconfig itself ends a deeper nesting with "memory exhausted". */
enum { MOST_DEPTH = 64 };

typedef struct {
	const lk_findings *findings;
	const lk_source *source;
} converter;

lk_node *lk_node_new(lk_node_kind kind, lk_conf_origin at)
{
	lk_node *node = g_new0(lk_node, 1);

	node->kind = kind;
	node->at = at;
	node->items = g_ptr_array_new_with_free_func((GDestroyNotify)lk_node_free);
	return node;
}

void lk_node_free(lk_node *node)
{
	if (!node)
		return;
	g_free(node->name);
	g_free(node->text);
	g_ptr_array_unref(node->items);
	g_free(node);
}

const lk_node *lk_node_get(const lk_node *group, const char *name)
{
	for (unsigned i = 0; i < group->items->len; i++) {
		const lk_node *item = g_ptr_array_index(group->items, i);

		if (item->name && strcmp(item->name, name) == 0)
			return item;
	}
	return NULL;
}

const char *lk_node_kind_name(lk_node_kind kind)
{
	switch (kind) {
	case LK_NODE_TEXT:
		return "a string";
	case LK_NODE_INT:
		return "a whole number";
	case LK_NODE_FLOAT:
		return "a number with a decimal point";
	case LK_NODE_BOOL:
		return "true or false";
	case LK_NODE_GROUP:
		return "a group { }";
	case LK_NODE_LIST:
		return "a list ( )";
	}
	return "something else";
}

/* Controls but TAB and LF never belong here; those two only into texts for people (form.c). */
static char *checked_text(const converter *conv, lk_conf_origin at, const char *text)
{
	const char *end = NULL;

	if (!g_utf8_validate(text, -1, &end)) {
		lk_find_error(conv->findings, at, "this string is not UTF-8 (byte 0x%02x)",
			      (unsigned)(unsigned char)*end);
		return g_utf8_make_valid(text, -1);
	}
	return g_strdup(text);
}

static bool kind_of(const config_setting_t *setting, lk_node_kind *ret_kind)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		*ret_kind = LK_NODE_GROUP;
		return true;
	case CONFIG_TYPE_LIST:
	case CONFIG_TYPE_ARRAY:
		*ret_kind = LK_NODE_LIST;
		return true;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		*ret_kind = LK_NODE_INT;
		return true;
	case CONFIG_TYPE_FLOAT:
		*ret_kind = LK_NODE_FLOAT;
		return true;
	case CONFIG_TYPE_STRING:
		*ret_kind = LK_NODE_TEXT;
		return true;
	case CONFIG_TYPE_BOOL:
		*ret_kind = LK_NODE_BOOL;
		return true;
	default: /* a name whose value the syntax error cut off */
		return false;
	}
}

static lk_node *convert(const converter *conv, const config_setting_t *setting, int depth)
{
	lk_node_kind kind = LK_NODE_GROUP;
	g_autoptr(lk_node) node = NULL;

	if (depth > MOST_DEPTH || !kind_of(setting, &kind))
		return NULL;
	node = lk_node_new(
		kind, lk_source_origin(conv->source, (int)config_setting_source_line(setting)));
	node->name = g_strdup(config_setting_name(setting));
	if (kind == LK_NODE_TEXT)
		node->text = checked_text(conv, node->at, config_setting_get_string(setting));
	if (kind == LK_NODE_INT)
		node->number = config_setting_type(setting) == CONFIG_TYPE_INT
				       ? config_setting_get_int(setting)
				       : config_setting_get_int64(setting);
	if (kind == LK_NODE_BOOL)
		node->is_true = config_setting_get_bool(setting) == CONFIG_TRUE;
	if (!config_setting_is_aggregate(setting))
		return g_steal_pointer(&node);
	for (int i = 0; i < config_setting_length(setting); i++) {
		lk_node *item =
			convert(conv, config_setting_get_elem(setting, (unsigned)i), depth + 1);

		if (item)
			g_ptr_array_add(node->items, item);
	}
	return g_steal_pointer(&node);
}

static void find_parse_error(const lk_findings *findings, const lk_source *source,
			     const config_t *config)
{
	lk_conf_origin at = lk_source_origin(source, config_error_line(config));
	const char *text = config_error_text(config);

	if (text && strstr(text, "duplicate"))
		lk_find_error(findings, at,
			      "this name stands here for the second time in its group; remove one "
			      "of them (reading stopped here, what follows was not checked)");
	else if (text && strstr(text, "mismatched element type"))
		lk_find_error(findings, at,
			      "the elements of [ ] must be of one type; write ( ) (reading stopped "
			      "here, what follows was not checked)");
	else
		lk_find_error(findings, at,
			      "%s: look for a missing ; or quote, a comma after the last element "
			      "of ( ), or an odd name here or just above (reading stopped here, "
			      "what follows was not checked)",
			      text ? text : "syntax error");
}

bool lk_node_read(const lk_findings *findings, const char *path, const lk_conf_origin *at,
		  lk_node **ret_root, bool *ret_stopped)
{
	g_autoptr(lk_source) source = NULL;
	config_t config;
	converter conv = {findings, NULL};

	if (!lk_source_read(findings, path, at, &source))
		return false;
	conv.source = source;
	config_init(&config);
	/* Includes are in the text already; none may be opened behind our back. */
	config_set_include_dir(&config, "/dev/null");
	*ret_stopped = !lk_source_is_whole(source);
	if (config_read_string(&config, lk_source_text(source)) != CONFIG_TRUE) {
		*ret_stopped = true;
		find_parse_error(findings, source, &config);
	}
	*ret_root = convert(&conv, config_root_setting(&config), 0);
	config_destroy(&config);
	return true;
}
