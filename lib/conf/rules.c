#include "lib/conf/rules.h"

#include "lib/conf/form.h"

#include <string.h>

static const char match_group[] = "rules[].match";

/* any, all and none may nest this deep. */
enum { MOST_DEPTH = 8 };

static lk_conf_test *read_all(lk_reader *reader, const char *label, const lk_node *node, int depth);

void lk_conf_test_free(lk_conf_test *test)
{
	if (!test)
		return;
	g_free(test->name);
	g_free(test->argument);
	g_ptr_array_unref(test->values);
	g_ptr_array_unref(test->children);
	g_free(test);
}

void lk_conf_set_free(lk_conf_set *set)
{
	if (!set)
		return;
	g_free(set->name);
	g_free(set->argument);
	g_ptr_array_unref(set->values);
	g_free(set);
}

static lk_conf_test *test_new(const char *name, lk_conf_origin at)
{
	lk_conf_test *test = g_new0(lk_conf_test, 1);

	test->at = at;
	test->name = g_strdup(name);
	test->values = g_ptr_array_new_with_free_func(g_free);
	test->children = g_ptr_array_new_with_free_func((GDestroyNotify)lk_conf_test_free);
	return test;
}

static lk_conf_set *set_new(const char *name, const char *argument, lk_conf_origin at)
{
	lk_conf_set *set = g_new0(lk_conf_set, 1);

	set->at = at;
	set->name = g_strdup(name);
	set->argument = g_strdup(argument);
	set->values = g_ptr_array_new_with_free_func(g_free);
	return set;
}

/* One value of a test or setting, added to values when it is right. */
static void read_element(lk_reader *reader, const lk_setting *setting, const char *label,
			 const lk_node *node, GPtrArray *values)
{
	bool may_be_bool =
		setting->form == LK_FORM_BOOL || setting->form == LK_FORM_BOOL_OR_MATCHER;
	char *why = NULL;
	char *value = NULL;

	if (node->kind == LK_NODE_BOOL && may_be_bool) {
		g_ptr_array_add(values, g_strdup(node->is_true ? "true" : "false"));
		return;
	}
	if (setting->form == LK_FORM_BOOL) {
		lk_find_wrong_kind(reader, label, node, "true or false without quotes");
		return;
	}
	if (node->kind != LK_NODE_TEXT) {
		lk_find_wrong_kind(reader, label, node,
				   may_be_bool ? "true, false or a string" : "a string in quotes");
		return;
	}
	if (*node->text == '\0') {
		lk_find_error(&reader->findings, node->at, "%s is empty", label);
		return;
	}
	value = lk_form_read(setting, node->text, reader->conf->dir, &why);
	if (!value) {
		lk_find_error(&reader->findings, node->at, "%s: %s", label, why);
		g_free(why);
		return;
	}
	g_ptr_array_add(values, value);
}

static void read_values(lk_reader *reader, const lk_setting *setting, const char *label,
			const lk_node *node, GPtrArray *values)
{
	if (node->kind != LK_NODE_LIST) {
		read_element(reader, setting, label, node, values);
		return;
	}
	if (node->items->len == 0)
		lk_find_error(&reader->findings, node->at, "%s is empty: it could never hold",
			      label);
	for (unsigned i = 0; i < node->items->len; i++)
		read_element(reader, setting, label, g_ptr_array_index(node->items, i), values);
}

/* "!office": the sign goes to the test, the same for all its values. */
static void read_negation(lk_reader *reader, const char *label, lk_conf_test *test)
{
	unsigned n = 0;

	for (unsigned i = 0; i < test->values->len; i++)
		n += *(char *)g_ptr_array_index(test->values, i) == '!';
	if (n == 0)
		return;
	if (n != test->values->len)
		lk_find_error(&reader->findings, test->at,
			      "%s: either all values begin with ! or none does", label);
	test->negated = true;
	for (unsigned i = 0; i < test->values->len; i++) {
		char *value = g_ptr_array_index(test->values, i);

		if (*value == '!')
			memmove(value, value + 1, strlen(value));
	}
}

static bool is_header_name(const char *name)
{
	for (const char *p = name; *p; p++)
		if (*p <= 0x20 || *p >= 0x7f || *p == ':')
			return false;
	return *name != '\0';
}

static void add_header(lk_reader *reader, const lk_setting *setting, const char *label,
		       const char *name, const lk_node *value, GPtrArray *tests)
{
	static const lk_setting matcher = {.form = LK_FORM_MATCHER};
	lk_conf_test *test = NULL;

	if (!is_header_name(name)) {
		lk_find_error(&reader->findings, value->at, "%s: \"%s\" is no name of a header",
			      label, name);
		return;
	}
	test = test_new(lk_setting_name(setting), value->at);
	test->argument = g_strdup(name);
	read_values(reader, &matcher, label, value, test->values);
	g_ptr_array_add(tests, test);
}

/* { X-Spam-Flag = "YES"; }, or ( { name = "X.Odd"; value = "*"; } ) */
static void read_headers(lk_reader *reader, const lk_setting *setting, const char *label,
			 const lk_node *node, GPtrArray *tests)
{
	if (node->kind != LK_NODE_GROUP && node->kind != LK_NODE_LIST) {
		lk_find_wrong_kind(
			reader, label, node,
			"{ NAME = \"value\"; } or ( { name = \"..\"; value = \"..\"; } )");
		return;
	}
	for (unsigned i = 0; i < node->items->len; i++) {
		const lk_node *item = g_ptr_array_index(node->items, i);
		const lk_node *name = NULL;
		const lk_node *value = NULL;

		if (node->kind == LK_NODE_GROUP) {
			g_autofree char *full = lk_label(label, item->name);

			add_header(reader, setting, full, item->name, item, tests);
			continue;
		}
		if (item->kind == LK_NODE_GROUP) {
			name = lk_node_get(item, "name");
			value = lk_node_get(item, "value");
		}
		if (!name || name->kind != LK_NODE_TEXT || !value || item->items->len != 2)
			lk_find_error(&reader->findings, item->at,
				      "%s: each element is { name = \"X.Odd\"; value = \"..\"; }",
				      label);
		else
			add_header(reader, setting, label, name->text, value, tests);
	}
}

static void read_junction(lk_reader *reader, const char *label, const lk_node *node,
			  GPtrArray *tests, int depth)
{
	lk_conf_test *test = NULL;

	if (node->kind == LK_NODE_GROUP && strcmp(node->name, "all") == 0) {
		g_ptr_array_add(tests, read_all(reader, label, node, depth + 1));
		return;
	}
	if (node->kind != LK_NODE_LIST || node->items->len == 0) {
		lk_find_error(&reader->findings, node->at,
			      "%s should be a list of groups of tests: %s = ( { .. }, { .. } )",
			      label, node->name);
		return;
	}
	test = test_new(node->name, node->at);
	g_ptr_array_add(tests, test);
	for (unsigned i = 0; i < node->items->len; i++) {
		const lk_node *item = g_ptr_array_index(node->items, i);
		g_autofree char *full = g_strdup_printf("%s[%u]", label, i + 1);

		if (item->kind != LK_NODE_GROUP)
			lk_find_wrong_kind(reader, full, item, "a group { } of tests");
		else if (item->items->len == 0)
			lk_find_error(&reader->findings, item->at, "%s has no tests", full);
		else
			g_ptr_array_add(test->children, read_all(reader, full, item, depth + 1));
	}
}

static void read_test(lk_reader *reader, const char *label, const lk_node *item, GPtrArray *tests,
		      int depth)
{
	const lk_setting *setting = lk_setting_find(match_group, item->name);
	lk_conf_test *test = NULL;

	if (strcmp(item->name, "header") == 0) {
		read_headers(reader, setting, label, item, tests);
		return;
	}
	if (setting->form == LK_FORM_NAMED) {
		read_junction(reader, label, item, tests, depth);
		return;
	}
	test = test_new(item->name, item->at);
	g_ptr_array_add(tests, test);
	read_values(reader, setting, label, item, test->values);
	if (setting->form == LK_FORM_OFFICE)
		read_negation(reader, label, test);
}

static lk_conf_test *read_all(lk_reader *reader, const char *label, const lk_node *node, int depth)
{
	lk_conf_test *all = test_new("all", node->at);

	if (depth > MOST_DEPTH) {
		lk_find_error(&reader->findings, node->at,
			      "%s: tests nest deeper than %d; make several rules of it", label,
			      MOST_DEPTH);
		return all;
	}
	for (unsigned i = 0; i < node->items->len; i++) {
		const lk_node *item = g_ptr_array_index(node->items, i);
		g_autofree char *full = lk_label(label, item->name);

		if (lk_setting_find(match_group, item->name))
			read_test(reader, full, item, all->children, depth);
		else
			lk_find_unknown(reader, match_group, label, item);
	}
	return all;
}

lk_conf_test *lk_read_match(lk_reader *reader, const char *label, const lk_node *node)
{
	lk_conf_origin nowhere = {"", 0};

	if (!node)
		return test_new("all", nowhere);
	if (node->kind != LK_NODE_GROUP) {
		lk_find_wrong_kind(reader, label, node, "a group { } of tests");
		return test_new("all", node->at);
	}
	return read_all(reader, label, node, 0);
}

/* fields: { device = "$1"; } */
static void read_fields(lk_reader *reader, const lk_setting *setting, const char *label,
			const lk_node *node, GPtrArray *sets)
{
	static const lk_setting any = {.form = LK_FORM_ANY};

	if (node->kind != LK_NODE_GROUP) {
		lk_find_wrong_kind(reader, label, node, "a group { FIELD = \"value\"; }");
		return;
	}
	for (unsigned i = 0; i < node->items->len; i++) {
		const lk_node *item = g_ptr_array_index(node->items, i);
		g_autofree char *full = lk_label(label, item->name);
		lk_conf_set *set = set_new(lk_setting_name(setting), item->name, item->at);

		g_ptr_array_add(sets, set);
		read_element(reader, &any, full, item, set->values);
	}
}

/* Settings that add up or name several; all others have one value. */
static bool is_plural(const lk_setting *setting)
{
	static const char *const names[] = {"tags", "cc", "forward", "missing_fields"};

	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcmp(lk_setting_name(setting), names[i]) == 0)
			return true;
	return false;
}

static void read_set(lk_reader *reader, const lk_setting *setting, const char *label,
		     const lk_node *item, GPtrArray *sets)
{
	lk_conf_set *set = NULL;

	if (setting->form == LK_FORM_NAMED) {
		read_fields(reader, setting, label, item, sets);
		return;
	}
	set = set_new(item->name, NULL, item->at);
	g_ptr_array_add(sets, set);
	/* That nothing is missing can be expected. */
	if (strcmp(item->name, "missing_fields") == 0 && item->kind == LK_NODE_LIST &&
	    item->items->len == 0)
		return;
	if (is_plural(setting))
		read_values(reader, setting, label, item, set->values);
	else
		read_element(reader, setting, label, item, set->values);
}

GPtrArray *lk_read_sets(lk_reader *reader, const char *group, const char *label,
			const lk_node *node)
{
	GPtrArray *sets = g_ptr_array_new_with_free_func((GDestroyNotify)lk_conf_set_free);

	if (!node)
		return sets;
	if (node->kind != LK_NODE_GROUP) {
		lk_find_wrong_kind(reader, label, node, "a group { }");
		return sets;
	}
	for (unsigned i = 0; i < node->items->len; i++) {
		const lk_node *item = g_ptr_array_index(node->items, i);
		const lk_setting *setting = lk_setting_find(group, item->name);
		g_autofree char *full = lk_label(label, item->name);

		if (setting)
			read_set(reader, setting, full, item, sets);
		else
			lk_find_unknown(reader, group, label, item);
	}
	return sets;
}
