/* Mustache: the cases in t/mustache, and the templates that are installed. */
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/secret.h"
#include "lib/desk/template.h"

#include <glib/gstdio.h>
#include <string.h>

/* {"name","template","data","expected" or "error","partials","html"} in a list a file. */
static char *load_partial(const char *name, void *data)
{
	const lk_json *partials = data;

	return g_strdup(lk_json_get_text(partials, name));
}

static void check_case(const lk_json *c)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	const char *expected = lk_json_get_text(c, "expected");
	lk_template_options options = {
		.is_html = lk_json_get_bool(c, "html", true),
		.loader = load_partial,
		.loader_data = lk_json_get(c, "partials"),
	};
	bool done = lk_template_render(lk_json_get_text(c, "template"), lk_json_get(c, "data"),
				       &options, &text, &error);

	g_test_message("%s", lk_json_get_text(c, "name"));
	if (expected) {
		g_assert_no_error(error);
		g_assert_true(done);
		g_assert_cmpstr(text, ==, expected);
		return;
	}
	g_assert_false(done);
	g_assert_error(error, LK_ERROR, LK_ERR_DATA);
	if (error)
		g_assert_nonnull(strstr(error->message, lk_json_get_text(c, "error")));
}

static void check_file(const void *name)
{
	g_autofree char *path = g_build_filename(LUUKKU_TEST_DIR, "mustache", name, NULL);
	g_autoptr(GString) text = NULL;
	g_autoptr(lk_json) cases = NULL;

	g_assert_true(lk_read_file(path, 1024 * 1024, &text, NULL));
	g_assert_true(lk_json_parse(text->str, text->len, &cases, NULL));
	g_assert_cmpuint(lk_json_size(cases), >, 0);
	for (size_t i = 0; i < lk_json_size(cases); i++)
		check_case(lk_json_at(cases, i));
}

/* A partial that includes itself without end, and a section a thousand deep. */
static void test_depth(void)
{
	g_autoptr(lk_json) values = lk_json_object();
	g_autoptr(lk_json) partials = lk_json_object();
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) deep = g_string_new(NULL);
	g_autofree char *text = NULL;
	lk_template_options options = {.loader = load_partial, .loader_data = partials};

	lk_json_set_text(partials, "me", "{{> me}}");
	g_assert_false(lk_template_render("{{> me}}", values, &options, &text, &error));
	g_assert_error(error, LK_ERROR, LK_ERR_DATA);
	g_clear_error(&error);
	for (unsigned i = 0; i < 1000; i++)
		g_string_append(deep, "{{#a}}");
	for (unsigned i = 0; i < 1000; i++)
		g_string_append(deep, "{{/a}}");
	g_assert_false(lk_template_render(deep->str, values, &options, &text, &error));
	g_assert_error(error, LK_ERROR, LK_ERR_DATA);
}

/* Loops within loops over a long list stop at the bound. */
static void test_output_bound(void)
{
	g_autoptr(lk_json) values = lk_json_object();
	lk_json *list = lk_json_array();
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	lk_template_options options = {.is_html = false};

	for (unsigned i = 0; i < 1000; i++)
		lk_json_push_text(list, "0123456789");
	lk_json_take(values, "l", list);
	g_assert_false(lk_template_render("{{#l}}{{#l}}{{.}}{{/l}}{{/l}}", values, &options, &text,
					  &error));
	g_assert_error(error, LK_ERROR, LK_ERR_DATA);
}

/* Partials that call each other twice, thirty deep, without a letter of output. */
static void test_steps(void)
{
	g_autoptr(lk_json) values = lk_json_object();
	g_autoptr(lk_json) partials = lk_json_object();
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	lk_template_options options = {.loader = load_partial, .loader_data = partials};

	for (unsigned i = 0; i < 30; i++) {
		g_autofree char *name = g_strdup_printf("p%u", i);
		g_autofree char *both = g_strdup_printf("{{> p%u}}{{> p%u}}", i + 1, i + 1);
		lk_json_set_text(partials, name, both);
	}
	g_assert_false(lk_template_render("{{> p0}}", values, &options, &text, &error));
	g_assert_error(error, LK_ERROR, LK_ERR_DATA);
	g_assert_nonnull(strstr(error->message, "steps"));
}

/* What was rendered before stands as it is, in the page alone, and is no template. */
static void test_content(void)
{
	g_autoptr(lk_json) values = lk_json_object();
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	lk_template_options options = {.is_html = true, .content = "<p>{{x}} &lt;</p>"};

	lk_json_set_text(values, "x", "no");
	lk_json_set_text(values, "content", "no");
	g_assert_true(lk_template_render("<b>{{> content}}</b>{{content}}", values, &options, &text,
					 &error));
	g_assert_no_error(error);
	g_assert_cmpstr(text, ==, "<b><p>{{x}} &lt;</p></b>no");
}

static void test_names(void)
{
	g_autoptr(GPtrArray) names = NULL;
	g_autoptr(GPtrArray) none = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) all = g_string_new(NULL);
	unsigned line = 0;

	g_assert_true(lk_template_names("{{a}}\n{{! x }}\n{{#b.c}}\n{{> p}}\n{{^d}}\n{{.}}"
					"{{/d}}\n{{/b.c}}\n{{e}}",
					true, &names, &line, &error));
	g_assert_no_error(error);
	for (unsigned i = 0; i < names->len; i++) {
		const lk_template_name *name = g_ptr_array_index(names, i);
		g_string_append_printf(all, "%s%s:%u ", name->is_partial ? ">" : "", name->name,
				       name->line);
	}
	g_assert_cmpstr(all->str, ==, "a:1 b.c:3 >p:4 d:5 .:6 e:8 ");
	g_assert_false(lk_template_names("a\nb\n{{#c}}", true, &none, &line, &error));
	g_assert_error(error, LK_ERROR, LK_ERR_DATA);
	g_assert_cmpuint(line, ==, 3);
}

/* What is installed renders in each language, escapes in HTML only, and loads nothing remote. */
static void test_installed(void)
{
	static const char *const languages[] = {"fi", "sv", "en"};
	static const char *const suffixes[] = {"txt", "html"};
	g_autofree char *dir = g_build_filename(LUUKKU_TEST_DIR, "..", "conf", "templates", NULL);
	g_autoptr(lk_json) values = lk_json_object();

	lk_json_set_text(values, "reference", "TUKI-1042");
	lk_json_set_text(values, "subject", "<b>Tulostin & paperi</b>");
	lk_json_set_text(values, "queue_title", "ICT");
	lk_json_set_text(values, "queue_address", "ict@example.fi");
	lk_json_set_text(values, "site_name", "Esimerkki Oy");
	for (unsigned i = 0; i < G_N_ELEMENTS(languages); i++)
		for (unsigned f = 0; f < G_N_ELEMENTS(suffixes); f++) {
			g_autoptr(GError) error = NULL;
			g_autofree char *text = NULL;

			g_assert_true(lk_template_fill(dir, "ict", languages[i], "acknowledgement",
						       suffixes[f], values, &text, &error));
			g_assert_no_error(error);
			g_assert_nonnull(strstr(text, "TUKI-1042"));
			g_assert_nonnull(strstr(text, "ict@example.fi"));
			g_assert_nonnull(strstr(text, f ? "&lt;b&gt;Tulostin &amp; paperi"
							: "<b>Tulostin & paperi</b>"));
			g_assert_null(strstr(text, "{{"));
			g_assert_null(strstr(text, "http"));
			g_assert_null(strstr(text, "src="));
		}
}

/* An override of the queue goes before one of the language, that before the installed one. */
static void test_override(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *dir = g_dir_make_tmp("luukku-XXXXXX", NULL);
	g_autofree char *queues = g_build_filename(dir, "queues", NULL);
	g_autofree char *queue = g_build_filename(queues, "hr", NULL);
	g_autofree char *of_queue = g_build_filename(queue, "fi", NULL);
	g_autofree char *of_all = g_build_filename(dir, "fi", NULL);
	g_autofree char *queue_file = g_build_filename(of_queue, "x.txt", NULL);
	g_autofree char *all_file = g_build_filename(of_all, "x.txt", NULL);
	g_autofree char *of_common = g_build_filename(queue, "common", NULL);
	g_autofree char *all_html = g_build_filename(of_all, "x.html", NULL);
	g_autofree char *common_html = g_build_filename(of_common, "x.html", NULL);
	g_autofree char *html = NULL;
	g_autofree char *hr = NULL;
	g_autofree char *ict = NULL;
	g_autofree char *text = NULL;
	g_autoptr(lk_json) values = lk_json_object();

	g_assert_cmpint(g_mkdir_with_parents(of_queue, 0755), ==, 0);
	g_assert_cmpint(g_mkdir_with_parents(of_all, 0755), ==, 0);
	g_assert_cmpint(g_mkdir_with_parents(of_common, 0755), ==, 0);
	g_assert_true(g_file_set_contents(queue_file, "hr {{name}}", -1, NULL));
	g_assert_true(g_file_set_contents(all_file, "all", -1, NULL));
	hr = lk_template_find(dir, "hr", "fi", "x", "txt");
	ict = lk_template_find(dir, "ict", "fi", "x", "txt");
	g_assert_cmpstr(hr, ==, queue_file);
	g_assert_cmpstr(ict, ==, all_file);
	g_assert_false(lk_template_has_html(dir, "hr", "fi", "x"));
	g_assert_true(g_file_set_contents(all_html, "<p>all", -1, NULL));
	g_assert_true(lk_template_has_html(dir, "ict", "fi", "x"));
	g_assert_false(lk_template_has_html(dir, "hr", "fi", "x"));
	g_assert_true(g_file_set_contents(common_html, "<p>hr", -1, NULL));
	html = lk_template_find(dir, "hr", "sv", "x", "html");
	g_assert_cmpstr(html, ==, common_html);
	g_assert_true(lk_template_has_html(dir, "hr", "sv", "x"));
	g_assert_null(lk_template_find(dir, "ict", "sv", "x", "txt"));
	g_assert_null(lk_template_find(dir, "..", "fi", "x", "pdf"));
	g_assert_null(lk_template_find(dir, "ict", "fi", "../fi/x", "txt"));
	g_assert_null(lk_template_find(dir, "../queues/hr", "sv", "x", "txt"));

	lk_json_set_text(values, "name", "Maija");
	g_assert_true(lk_template_fill(dir, "hr", "fi", "x", "txt", values, &text, &error));
	g_assert_cmpstr(text, ==, "hr Maija");
	g_assert_false(lk_template_fill(dir, "hr", "sv", "x", "txt", values, &text, &error));
	g_assert_error(error, LK_ERROR, LK_ERR_NOINPUT);
	g_assert_nonnull(strstr(error->message, "sv/x.txt"));
	const char *const made[] = {queue_file, all_file, all_html, common_html, of_queue,
				    of_common,	of_all,	  queue,    queues,	 dir};
	for (unsigned i = 0; i < G_N_ELEMENTS(made); i++)
		g_assert_cmpint(g_remove(made[i]), ==, 0);
}

int main(int argc, char **argv)
{
	static const char *const files[] = {"values.json", "sections.json", "partials.json",
					    "delimiters.json", "errors.json"};

	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	lk_sodium_init();
	for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *name = g_strdup_printf("/desk/template/%s", files[i]);
		g_test_add_data_func(name, files[i], check_file);
	}
	g_test_add_func("/desk/template/depth", test_depth);
	g_test_add_func("/desk/template/output-bound", test_output_bound);
	g_test_add_func("/desk/template/steps", test_steps);
	g_test_add_func("/desk/template/content", test_content);
	g_test_add_func("/desk/template/names", test_names);
	g_test_add_func("/desk/template/installed", test_installed);
	g_test_add_func("/desk/template/override", test_override);
	return g_test_run();
}
