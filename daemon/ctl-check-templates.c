#include "daemon/ctl-check.h"

#include "lib/base/io.h"
#include "lib/base/path.h"
#include "lib/base/units.h"
#include "lib/desk/template.h"

#include <string.h>

enum { MOST_DEPTH = 5, MOST_BYTES = 1024 * 1024 };

typedef struct {
	const lk_conf *conf;
	const lk_findings *findings;
	const char *installed;
	GPtrArray
		*names; /* const char *: of all templates that are installed or that a rule names */
} walk;

/* --- sample data --------------------------------------------------------------------------------
 */

/*
 * Every name that the template mentions, as a text: that shows each variable and enters each
 * section, and an inverted one is read all the same.
 */
static lk_json *sample(const char *text)
{
	lk_json *values = lk_json_object();
	const char *p = text;

	while ((p = strstr(p, "{{")) != NULL) {
		const char *name = p + 2 + strspn(p + 2, "{#^/&! \t\n");
		size_t n = strcspn(name, ".}> \t\n=");
		g_autofree char *key = g_strndup(name, n);

		if (n > 0)
			lk_json_set_text(values, key, "Esimerkki & Söner <info@example.fi>");
		p = name;
	}
	return values;
}

static char *partial(const char *name, void *data)
{
	return g_strdup("");
}

static void render(const walk *w, const char *path)
{
	lk_conf_origin at = {path, 0};
	g_autoptr(GString) text = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(lk_json) values = NULL;
	g_autofree char *unused = NULL;
	const lk_template_options options = {.is_html = g_str_has_suffix(path, ".html"),
					     .loader = partial};

	if (!lk_read_file(path, MOST_BYTES, &text, &error)) {
		lk_find_error(w->findings, at, "the template cannot be read: %s", error->message);
		return;
	}
	values = sample(text->str);
	if (!lk_template_render(text->str, values, &options, &unused, &error))
		lk_find_error(w->findings, at, "the template cannot be used: %s", error->message);
}

/* --- which templates there are --------------------------------------------------------------- */

static bool is_template(const char *file)
{
	return g_str_has_suffix(file, ".txt") || g_str_has_suffix(file, ".html");
}

static char *name_of(const char *file)
{
	return g_strndup(file, (size_t)(strrchr(file, '.') - file));
}

static void add_name(GPtrArray *names, const char *name)
{
	if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
		g_ptr_array_add(names, g_strdup(name));
}

static bool is_quick(const char *dir);
static void visit(walk *w, const char *dir, int depth, bool is_own);

/* One of our own templates needs a name that some mail uses. */
static void visit_file(walk *w, const char *dir, const char *file, bool is_own)
{
	g_autofree char *path = g_build_filename(dir, file, NULL);
	g_autofree char *name = NULL;
	const char *near = NULL;

	if (!is_template(file))
		return;
	name = name_of(file);
	if (is_quick(dir)) {
		render(w, path);
		return;
	}
	if (!is_own) {
		add_name(w->names, name);
	} else if (!g_ptr_array_find_with_equal_func(w->names, name, g_str_equal, NULL)) {
		near = lk_nearest_word(name, (const char *const *)w->names->pdata, w->names->len);
		lk_find_warning(w->findings, (lk_conf_origin){path, 0},
				"no mail uses a template of this name%s%s%s",
				near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
				near != NULL ? "\"?" : "");
	}
	render(w, path);
}

/* Texts of the agents' own for #template: of any name. */
static bool is_quick(const char *dir)
{
	g_autofree char *folder = g_path_get_basename(dir);

	return strcmp(folder, "quick") == 0;
}

static void visit(walk *w, const char *dir, int depth, bool is_own)
{
	g_autoptr(GDir) folder = g_dir_open(dir, 0, NULL);
	const char *name = NULL;

	while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
		g_autofree char *path = g_build_filename(dir, name, NULL);

		if (g_file_test(path, G_FILE_TEST_IS_DIR) && depth < MOST_DEPTH && *name != '.')
			visit(w, path, depth + 1, is_own);
		else if (depth > 0)
			visit_file(w, dir, name, is_own);
	}
}

/* --- what rules name -----------------------------------------------------------------------------
 */

static void add_named(walk *w, const GPtrArray *rules)
{
	for (unsigned i = 0; i < rules->len; i++) {
		const lk_conf_rule *rule = g_ptr_array_index(rules, i);

		for (unsigned k = 0; k < rule->set->len; k++) {
			const lk_conf_set *set = g_ptr_array_index(rule->set, k);

			if (strcmp(set->name, "template") == 0 && set->values->len > 0)
				add_name(w->names, g_ptr_array_index(set->values, 0));
		}
	}
}

void lk_ctl_check_templates(const lk_conf *conf, const lk_findings *findings)
{
	g_autofree char *installed = lk_data_path("templates");
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	walk w = {conf, findings, installed, names};

	add_named(&w, conf->rules);
	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		add_named(&w, queue->rules);
	}
	visit(&w, installed, 0, false);
	if (conf->templates != NULL)
		visit(&w, conf->templates, 0, true);
}
