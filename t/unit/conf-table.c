/* The table of settings, luukku.conf(5) and the sample name the same settings. */
#include "lib/conf/node.h"
#include "lib/conf/schema.h"

#include <string.h>
#include <unistd.h>

static GHashTable *table_paths(void)
{
	GHashTable *paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	unsigned n = 0;
	const lk_setting *all = lk_settings(&n);

	for (unsigned i = 0; i < n; i++)
		g_assert_true(g_hash_table_add(paths, g_strdup(all[i].path)));
	return paths;
}

/* Says each path of one that the other lacks. */
static void compare(GHashTable *one, GHashTable *other, const char *where)
{
	GHashTableIter iter;
	void *path = NULL;

	g_hash_table_iter_init(&iter, one);
	while (g_hash_table_iter_next(&iter, &path, NULL)) {
		if (g_hash_table_contains(other, path))
			continue;
		g_test_message("%s lacks %s", where, (char *)path);
		g_test_fail();
	}
}

static void test_table(void)
{
	g_autoptr(GHashTable) paths = table_paths();
	unsigned n = 0;
	const lk_setting *all = lk_settings(&n);

	g_assert_cmpuint(n, >, 200);
	for (unsigned i = 0; i < n; i++) {
		g_assert_true(all[i].prose && *all[i].prose);
		g_assert_false(g_str_has_suffix(all[i].prose, "."));
		if (all[i].type == LK_SET_INT || all[i].type == LK_SET_DURATION ||
		    all[i].type == LK_SET_SIZE)
			g_assert_cmpint(all[i].low, <, all[i].high);
		if (all[i].type == LK_SET_ENUM || all[i].form == LK_FORM_CHOICE)
			g_assert_nonnull(all[i].choices);
	}
}

static void test_manual(void)
{
	g_autoptr(GHashTable) table = table_paths();
	g_autoptr(GHashTable) manual = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	g_assert_true(
		g_file_get_contents(LUUKKU_TEST_DIR "/../conf/luukku.conf.5", &text, NULL, NULL));
	lines = g_strsplit(text, "\n", 0);
	for (unsigned i = 0; lines[i]; i++)
		if (g_str_has_prefix(lines[i], ".It Cm "))
			g_assert_true(
				g_hash_table_add(manual, g_strdup(lines[i] + strlen(".It Cm "))));
	compare(table, manual, "luukku.conf.5");
	compare(manual, table, "the table");
}

/* The manual page names each default as it is. */
static void test_manual_defaults(void)
{
	g_autofree char *text = NULL;
	unsigned n = 0;
	const lk_setting *all = lk_settings(&n);

	g_assert_true(
		g_file_get_contents(LUUKKU_TEST_DIR "/../conf/luukku.conf.5", &text, NULL, NULL));
	for (unsigned i = 0; i < n; i++) {
		g_autofree char *item = g_strdup_printf("\n.It Cm %s\n", all[i].path);
		const char *start = strstr(text, item);
		const char *end = start ? strstr(start + 1, "\n.It ") : NULL;
		g_autofree char *entry =
			start ? g_strndup(start, end ? (size_t)(end - start) : strlen(start))
			      : NULL;
		g_auto(GStrv) words = g_strsplit(all[i].fallback ? all[i].fallback : "", " ", 0);

		for (unsigned j = 0; entry && words[j]; j++) {
			if (strstr(entry, words[j]))
				continue;
			g_test_message("luukku.conf.5 lacks the default of %s", all[i].path);
			g_test_fail();
		}
	}
}

static void collect(const lk_node *node, const char *group, GHashTable *paths);

static void collect_members(const lk_setting *setting, const lk_node *node, GHashTable *paths)
{
	g_autofree char *group = lk_setting_group(setting);

	if (setting->type == LK_SET_GROUP || setting->type == LK_SET_MATCH ||
	    setting->type == LK_SET_SETS)
		collect(node, group, paths);
	if (setting->type == LK_SET_OBJECTS)
		for (unsigned i = 0; i < node->items->len; i++)
			collect(g_ptr_array_index(node->items, i), group, paths);
	/* any, all and none hold tests again. */
	if (g_str_has_prefix(setting->path, "rules[].match.") && node->kind == LK_NODE_LIST)
		for (unsigned i = 0; i < node->items->len; i++)
			collect(g_ptr_array_index(node->items, i), "rules[].match", paths);
}

static void collect(const lk_node *node, const char *group, GHashTable *paths)
{
	static const char *const endings[] = {"", "_file", "_command", "_sealed"};

	for (unsigned i = 0; i < node->items->len; i++) {
		const lk_node *item = g_ptr_array_index(node->items, i);
		const lk_setting *setting = NULL;

		for (unsigned j = 0; item->name && !setting && j < G_N_ELEMENTS(endings); j++) {
			g_autofree char *name = g_strdup(item->name);

			if (!g_str_has_suffix(name, endings[j]))
				continue;
			name[strlen(name) - strlen(endings[j])] = '\0';
			setting = lk_setting_find(group, name);
		}
		if (!setting)
			continue;
		g_hash_table_add(paths, g_strdup(setting->path));
		collect_members(setting, item, paths);
	}
}

/* The sample with the lines that it leaves out ("#:") put in. */
static void test_sample(void)
{
	g_autoptr(GHashTable) table = table_paths();
	g_autoptr(GHashTable) sample = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) problems = lk_problems_new();
	const lk_findings findings = {files, problems, NULL};
	g_autofree char *text = NULL;
	g_autofree char *path = NULL;
	g_autoptr(lk_node) root = NULL;
	g_autoptr(GString) whole = NULL;
	bool stopped = true;
	int fd = g_file_open_tmp("luukku-sample-XXXXXX", &path, NULL);

	g_assert_cmpint(fd, >=, 0);
	close(fd);
	g_assert_true(
		g_file_get_contents(LUUKKU_TEST_DIR "/../conf/luukku.conf", &text, NULL, NULL));
	whole = g_string_new(text);
	g_assert_cmpuint(g_string_replace(whole, "\n#:", "\n", 0), >, 5);
	g_assert_true(g_file_set_contents(path, whole->str, -1, NULL));
	g_assert_true(lk_node_read(&findings, path, NULL, &root, &stopped));
	g_assert_false(stopped);
	collect(root, "", sample);
	compare(table, sample, "the sample");
	unlink(path);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/conf/table/complete", test_table);
	g_test_add_func("/conf/table/manual", test_manual);
	g_test_add_func("/conf/table/manual-defaults", test_manual_defaults);
	g_test_add_func("/conf/table/sample", test_sample);
	return g_test_run();
}
