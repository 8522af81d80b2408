#include "lib/desk/render.h"

#include "lib/base/err.h"
#include "lib/base/secret.h"

#include <glib/gstdio.h>
#include <string.h>

/* A folder of templates, gone at the end of the test. */
typedef struct {
	char *dir;
	GPtrArray *made; /* char *: what to remove, in this order */
} folder;

static void put(folder *f, const char *place, const char *file, const char *text)
{
	g_autofree char *dir = g_build_filename(f->dir, place, NULL);
	char *path = g_build_filename(dir, file, NULL);

	g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	g_ptr_array_add(f->made, path);
}

static folder folder_new(void)
{
	folder f = {g_dir_make_tmp("luukku-XXXXXX", NULL), g_ptr_array_new_with_free_func(g_free)};

	put(&f, "common", "page.html",
	    "<html lang=\"{{language}}\" title=\"{{title}}\">{{> content}}");
	put(&f, "common", "part.html",
	    "{{#is_later}}<hr>{{/is_later}}<div lang=\"{{language}}\">{{> content}}</div>");
	put(&f, "fi", "m.txt", "{{queue_title}}/{{site_name}}: {{x}}\n");
	put(&f, "sv", "m.txt", "{{queue_title}}/{{site_name}}: {{x}}\n");
	put(&f, "fi", "m.html", "<p>{{x}}</p>");
	put(&f, "sv", "m.html", "<b>{{x}}</b>");
	return f;
}

static void folder_clear(folder *f)
{
	static const char *const dirs[] = {"common", "fi", "sv", "."};

	for (unsigned i = 0; i < f->made->len; i++)
		g_remove(g_ptr_array_index(f->made, i));
	for (unsigned i = 0; i < G_N_ELEMENTS(dirs); i++) {
		g_autofree char *dir = g_build_filename(f->dir, dirs[i], NULL);
		g_rmdir(dir);
	}
	g_rmdir(f->dir);
	g_free(f->dir);
	g_ptr_array_unref(f->made);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(folder, folder_clear)

static lk_policy *policy_new(void)
{
	lk_policy *policy = lk_policy_new();
	lk_queue *queue = lk_queue_new();

	g_free(policy->site_name);
	policy->site_name = g_strdup("Sairaala");
	queue->name = g_strdup("ict");
	queue->title.in[LK_LANG_FI] = g_strdup("ICT-tuki");
	queue->title.in[LK_LANG_SV] = g_strdup("IKT-stöd");
	queue->from = g_strdup("ict@example.fi");
	g_ptr_array_add(policy->queues, queue);
	return policy;
}

static lk_render render_of(const lk_policy *policy, const folder *f)
{
	return (lk_render){.policy = policy,
			   .templates_dir = f->dir,
			   .queue = g_ptr_array_index(policy->queues, 0),
			   .template_name = "m",
			   .title = "[TUKI-1] <Hei>"};
}

/* Which languages, by the customer's and by site.bilingual. */
static void test_choose(void)
{
	g_autoptr(lk_policy) policy = policy_new();
	lk_render render = {.policy = policy};
	static const struct {
		bool both[LK_N_LANGS];
		lk_lang language;
		bool is_bilingual;
		unsigned n;
		lk_lang expected[LK_N_LANGS];
	} table[] = {
		{{false, false, false}, LK_LANG_SV, false, 1, {LK_LANG_SV}},
		{{false, false, false}, LK_LANG_SV, true, 1, {LK_LANG_SV}},
		{{true, true, false}, LK_LANG_SV, false, 1, {LK_LANG_SV}},
		{{true, true, false}, LK_LANG_SV, true, 2, {LK_LANG_SV, LK_LANG_FI}},
		{{true, true, false}, LK_LANG_FI, true, 2, {LK_LANG_FI, LK_LANG_SV}},
		{{true, true, true}, LK_LANG_EN, true, 3, {LK_LANG_EN, LK_LANG_FI, LK_LANG_SV}},
		/* The queue's own language is none of them: they are what is sure to be read. */
		{{true, true, false}, LK_LANG_EN, true, 2, {LK_LANG_FI, LK_LANG_SV}},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		memcpy(policy->bilingual, table[i].both, sizeof(policy->bilingual));
		lk_render_choose(&render, table[i].language, table[i].is_bilingual);
		g_assert_cmpuint(render.n_languages, ==, table[i].n);
		for (unsigned k = 0; k < table[i].n; k++)
			g_assert_cmpint(render.languages[k], ==, table[i].expected[k]);
	}
}

static void test_both(void)
{
	g_auto(folder) f = folder_new();
	g_autoptr(lk_policy) policy = policy_new();
	lk_render render = render_of(policy, &f);
	g_autoptr(lk_json) variables = lk_json_object();
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	g_autofree char *html = NULL;

	policy->bilingual[LK_LANG_FI] = policy->bilingual[LK_LANG_SV] = true;
	lk_render_choose(&render, LK_LANG_SV, true);
	lk_json_set_text(variables, "x", "<{{queue_title}}>");
	g_assert_true(lk_render_mail(&render, variables, &text, &html, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(text, ==,
			"IKT-stöd/Sairaala: <{{queue_title}}>\n\n* * *\n\n"
			"ICT-tuki/Sairaala: <{{queue_title}}>\n");
	g_assert_cmpstr(html, ==,
			"<html lang=\"sv\" title=\"[TUKI-1] &lt;Hei&gt;\">"
			"<div lang=\"sv\"><b>&lt;{{queue_title}}&gt;</b></div>"
			"<hr><div lang=\"fi\"><p>&lt;{{queue_title}}&gt;</p></div>");
}

/* No HTML where one of the languages has none of its own, and where the words are too long. */
static void test_text_alone(void)
{
	g_auto(folder) f = folder_new();
	g_autoptr(lk_policy) policy = policy_new();
	lk_render render = render_of(policy, &f);
	g_autoptr(lk_json) variables = lk_json_object();
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	g_autofree char *html = NULL;
	g_autofree char *long_words = g_strnfill(300 * 1024, 'x');

	put(&f, "fi", "t.txt", "{{text}}");
	put(&f, "sv", "t.txt", "{{text}}");
	put(&f, "sv", "t.html", "{{#paragraphs}}<p>{{/paragraphs}}");
	render.template_name = "t";
	lk_json_set_text(variables, "text", "a\n\nb");
	lk_render_choose(&render, LK_LANG_SV, false);
	g_assert_true(lk_render_mail(&render, variables, &text, &html, &error));
	g_assert_nonnull(strstr(html, "<p><p></div>"));
	g_clear_pointer(&html, g_free);
	g_clear_pointer(&text, g_free);
	policy->bilingual[LK_LANG_FI] = policy->bilingual[LK_LANG_SV] = true;
	lk_render_choose(&render, LK_LANG_SV, true);
	g_assert_true(lk_render_mail(&render, variables, &text, &html, &error));
	g_assert_null(html);
	g_clear_pointer(&text, g_free);
	lk_render_choose(&render, LK_LANG_SV, false);
	lk_json_set_text(variables, "text", long_words);
	g_assert_true(lk_render_mail(&render, variables, &text, &html, &error));
	g_assert_null(html);
	g_assert_cmpuint(strlen(text), ==, strlen(long_words));
}

/* Whether there is anything in a list, at every depth. */
static void test_lists(void)
{
	g_auto(folder) f = folder_new();
	g_autoptr(lk_policy) policy = policy_new();
	lk_render render = render_of(policy, &f);
	g_autoptr(lk_json) variables = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	g_autofree char *html = NULL;
	const char *json = "{\"tickets\": [{\"status\": \"on_hold\", \"priority\": \"high\"},"
			   "{\"status\": \"odd\"}], \"none\": [], \"a\": {\"l\": [1]}}";

	put(&f, "fi", "w.txt",
	    "{{#has_tickets}}yes{{/has_tickets}}{{^has_none}} no{{/has_none}}"
	    "{{#tickets}} {{status}}{{/tickets}}{{#a.has_l}} l{{/a.has_l}}");
	render.template_name = "w";
	g_assert_true(lk_json_parse(json, strlen(json), &variables, NULL));
	lk_render_choose(&render, LK_LANG_FI, false);
	g_assert_true(lk_render_mail(&render, variables, &text, &html, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(text, ==, "yes no on_hold odd l");
}

static void test_missing(void)
{
	g_auto(folder) f = folder_new();
	g_autoptr(lk_policy) policy = policy_new();
	lk_render render = render_of(policy, &f);
	g_autoptr(lk_json) variables = lk_json_object();
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	g_autofree char *html = NULL;

	lk_render_choose(&render, LK_LANG_EN, false);
	g_assert_false(lk_render_mail(&render, variables, &text, &html, &error));
	g_assert_error(error, LK_ERROR, LK_ERR_NOINPUT);
	g_assert_nonnull(strstr(error->message, "en/m.txt is missing"));
	g_clear_error(&error);
	put(&f, "fi", "r.txt", "x");
	put(&f, "fi", "r.html", "<p>{{{x}}}</p>");
	render.template_name = "r";
	lk_render_choose(&render, LK_LANG_FI, false);
	g_assert_false(lk_render_mail(&render, variables, &text, &html, &error));
	g_assert_error(error, LK_ERROR, LK_ERR_DATA);
	g_assert_nonnull(strstr(error->message, "fi/r.html: line 1 of the template"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	lk_sodium_init();
	g_test_add_func("/desk/render/choose", test_choose);
	g_test_add_func("/desk/render/both", test_both);
	g_test_add_func("/desk/render/text-alone", test_text_alone);
	g_test_add_func("/desk/render/lists", test_lists);
	g_test_add_func("/desk/render/missing", test_missing);
	return g_test_run();
}
