/*
 * Each t/conf/bad/NAME.conf has its mistakes, and t/conf/bad/NAME.expect is what is said about
 * them, whole and in order. CONF/ stands for the folder that everything is copied to.
 */
#include "lib/conf/conf.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *copy_dir;

/* Modes matter to what is tested, and a checkout may have any. */
static void copy_folder(const char *from, const char *to)
{
	g_autoptr(GDir) folder = g_dir_open(from, 0, NULL);
	const char *name = NULL;

	g_assert_nonnull(folder);
	g_assert_cmpint(g_mkdir_with_parents(to, 0755), ==, 0);
	while ((name = g_dir_read_name(folder))) {
		g_autofree char *source = g_build_filename(from, name, NULL);
		g_autofree char *target = g_build_filename(to, name, NULL);
		g_autofree char *bytes = NULL;
		size_t n = 0;

		if (g_file_test(source, G_FILE_TEST_IS_DIR)) {
			copy_folder(source, target);
			continue;
		}
		g_assert_true(g_file_get_contents(source, &bytes, &n, NULL));
		g_assert_true(g_file_set_contents(target, bytes, (gssize)n, NULL));
		g_assert_cmpint(chmod(target, 0644), ==, 0);
	}
}

static void remove_folder(const char *path)
{
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	const char *name = NULL;

	while (folder && (name = g_dir_read_name(folder))) {
		g_autofree char *item = g_build_filename(path, name, NULL);

		if (g_file_test(item, G_FILE_TEST_IS_DIR))
			remove_folder(item);
		else
			unlink(item);
	}
	rmdir(path);
}

static char *report(const GPtrArray *problems)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *folder = g_strconcat(copy_dir, "/", NULL);

	for (unsigned i = 0; i < problems->len; i++) {
		g_autofree char *line = lk_conf_problem_format(g_ptr_array_index(problems, i));

		g_string_append_printf(out, "%s\n", line);
	}
	g_string_replace(out, folder, "CONF/", 0);
	return g_strdup(out->str);
}

static void test_file(const void *data)
{
	const char *name = data;
	g_autofree char *base = g_strndup(name, strlen(name) - strlen(".conf"));
	g_autofree char *expect_name = g_strconcat(base, ".expect", NULL);
	g_autofree char *expected = NULL;
	g_autofree char *said = NULL;
	g_autoptr(GPtrArray) problems = NULL;
	lk_conf *conf = NULL;

	g_assert_true(g_file_get_contents(expect_name, &expected, NULL, NULL));
	g_assert_false(lk_conf_load(name, &conf, &problems));
	g_assert_null(conf);
	said = report(problems);
	g_assert_cmpstr(said, ==, expected);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(int argc, char **argv)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) folder = NULL;
	const char *name = NULL;
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	copy_dir = g_dir_make_tmp("luukku-conf-XXXXXX", NULL);
	copy_folder(LUUKKU_TEST_DIR "/conf", copy_dir);
	g_assert_cmpint(chdir(copy_dir), ==, 0);
	g_assert_cmpint(chdir("bad"), ==, 0);
	folder = g_dir_open(".", 0, NULL);
	while ((name = g_dir_read_name(folder)))
		if (g_str_has_suffix(name, ".conf"))
			g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_names);
	g_assert_cmpuint(names->len, >, 80);
	for (unsigned i = 0; i < names->len; i++) {
		g_autofree char *path =
			g_strdup_printf("/conf/bad/%s", (char *)g_ptr_array_index(names, i));

		g_test_add_data_func(path, g_ptr_array_index(names, i), test_file);
	}
	status = g_test_run();
	g_assert_cmpint(chdir("/"), ==, 0);
	remove_folder(copy_dir);
	g_free(copy_dir);
	return status;
}
