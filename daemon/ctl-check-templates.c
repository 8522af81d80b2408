#include "daemon/ctl-check.h"

#include "daemon/ctl-sample.h"
#include "lib/base/io.h"
#include "lib/base/path.h"
#include "lib/base/units.h"
#include "lib/desk/render.h"
#include "lib/desk/template.h"

#include <string.h>

enum { MOST_DEPTH = 5, MOST_BYTES = 256 * 1024 };

typedef struct {
	const lk_ctl_desk *desk;
	const lk_findings *findings;
	const char *installed;
	lk_json *samples;
	GHashTable *names; /* char *: of all templates that are installed or that a rule names */
	GHashTable *asked; /* char *: those that a rule names; mails besides those of the samples */
	bool is_broken;	   /* a file cannot be read as a template */
} walk;

/* --- one file --------------------------------------------------------------------------------- */

static const char *nearest(const char *word, GHashTable *words)
{
	g_autofree const char **keys = (const char **)g_hash_table_get_keys_as_array(words, NULL);

	return lk_nearest_word(word, keys, g_hash_table_size(words));
}

static void find_unknown(const walk *w, const char *path, const lk_template_name *name,
			 GHashTable *known, const char *what)
{
	const char *near = nearest(name->name, known);

	lk_find_warning(w->findings, (lk_conf_origin){path, (int)name->line},
			"%s \"%s\": it stays empty%s%s%s", what, name->name,
			near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* Whose values the template may use: its mail's, or any mail's where it is a partial. */
static GHashTable *names_of(const walk *w, const char *mail)
{
	g_autoptr(GPtrArray) cases = lk_samples_cases(w->samples, mail);

	if (cases->len > 0)
		return lk_samples_names(w->samples, mail);
	return lk_samples_names(w->samples,
				g_hash_table_contains(w->asked, mail) ? "acknowledgement" : NULL);
}

/* Of one of the site's own: what it mentions and no mail has. */
static void look_at_names(const walk *w, const char *path, const char *mail, const GPtrArray *names)
{
	g_autoptr(GHashTable) known = names_of(w, mail);

	for (unsigned i = 0; i < names->len; i++) {
		const lk_template_name *name = g_ptr_array_index(names, i);
		g_autofree char *first = g_strndup(name->name, strcspn(name->name, "."));

		if (name->is_partial && !g_hash_table_contains(w->names, name->name) &&
		    strcmp(name->name, LK_TEMPLATE_CONTENT) != 0)
			find_unknown(w, path, name, w->names, "there is no partial");
		else if (!name->is_partial && *first && !g_hash_table_contains(known, first))
			find_unknown(w, path, name, known, "the mail has no");
	}
}

/* Pages of luukku-web have values of their own. */
static bool is_page(const char *name)
{
	return g_str_has_prefix(name, "web-") || g_str_has_prefix(name, "board-") ||
	       strcmp(name, "survey-page") == 0;
}

/* mail: whose names are looked at; NULL: only whether it can be read. */
static void read_template(walk *w, const char *path, const char *mail)
{
	lk_conf_origin at = {path, 0};
	g_autoptr(GString) text = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) names = NULL;
	unsigned line = 0;

	if (!lk_read_file(path, MOST_BYTES, &text, &error)) {
		lk_find_error(w->findings, at, "the template cannot be read: %s", error->message);
		w->is_broken = true;
		return;
	}
	if (!lk_template_names(text->str, g_str_has_suffix(path, ".html"), &names, &line, &error)) {
		at.line = (int)line;
		lk_find_error(w->findings, at, "the template cannot be used: %s", error->message);
		w->is_broken = true;
		return;
	}
	if (mail != NULL && !is_page(mail))
		look_at_names(w, path, mail, names);
}

/* --- which templates there are ---------------------------------------------------------------- */

static bool is_template(const char *file)
{
	return g_str_has_suffix(file, ".txt") || g_str_has_suffix(file, ".html");
}

/* Texts of the agents' own for #template: of any name, with values of their own. */
static bool is_quick(const char *dir)
{
	g_autofree char *folder = g_path_get_basename(dir);

	return strcmp(folder, "quick") == 0;
}

/* One of the site's own needs a name that some mail uses. */
static void visit_own(walk *w, const char *path, const char *name)
{
	const char *near = NULL;

	if (g_hash_table_contains(w->names, name)) {
		read_template(w, path, name);
		return;
	}
	near = nearest(name, w->names);
	lk_find_warning(w->findings, (lk_conf_origin){path, 0},
			"no mail uses a template of this name%s%s%s",
			near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
			near != NULL ? "\"?" : "");
	read_template(w, path, NULL);
}

static void visit_file(walk *w, const char *dir, const char *file, bool is_own)
{
	g_autofree char *path = g_build_filename(dir, file, NULL);
	g_autofree char *name = NULL;

	if (!is_template(file))
		return;
	name = g_strndup(file, (size_t)(strrchr(file, '.') - file));
	if (is_own && !is_quick(dir)) {
		visit_own(w, path, name);
		return;
	}
	if (!is_own && !is_quick(dir))
		g_hash_table_add(w->names, g_strdup(name));
	read_template(w, path, NULL);
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

/* --- every mail ------------------------------------------------------------------------------- */

static void render_case(const walk *w, lk_render *render, const char *sample, const char *name)
{
	lk_lang language = render->languages[0];
	g_autoptr(lk_json) values = lk_samples_values(w->samples, sample, name, language);
	g_autofree char *path =
		lk_template_find(render->templates_dir, render->queue->name, lk_lang_code(language),
				 render->template_name, "txt");
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	g_autofree char *html = NULL;

	render->title = lk_json_get_text(values, "subject");
	if (!lk_render_mail(render, values, &text, &html, &error))
		lk_find_error(w->findings, (lk_conf_origin){path ? path : w->installed, 0},
			      "%s as \"%s\" in %s cannot be made: %s", render->template_name, name,
			      lk_lang_code(language), error->message);
}

/* One mail with each case of its sample data, in each language of the site. */
static void render_all(const walk *w, const lk_queue *queue, const char *mail, const char *sample)
{
	g_autoptr(GPtrArray) cases = lk_samples_cases(w->samples, sample);
	const lk_policy *policy = w->desk->policy;
	lk_render render = {.policy = policy,
			    .templates_dir = policy->templates_dir,
			    .queue = queue,
			    .template_name = mail};

	for (unsigned lang = 0; lang < LK_N_LANGS; lang++) {
		if (!policy->languages[lang])
			continue;
		lk_render_choose(&render, (lk_lang)lang, false);
		for (unsigned i = 0; i < cases->len; i++)
			render_case(w, &render, sample, g_ptr_array_index(cases, i));
	}
}

static bool has_own(const lk_policy *policy, const lk_queue *queue)
{
	g_autofree char *folder =
		policy->templates_dir
			? g_build_filename(policy->templates_dir, "queues", queue->name, NULL)
			: NULL;

	return folder != NULL && g_file_test(folder, G_FILE_TEST_IS_DIR);
}

/* As each queue sends them; those without templates of their own send the same ones. */
static void render_mails(const walk *w)
{
	const GPtrArray *queues = w->desk->policy->queues;
	g_autoptr(GPtrArray) mails = lk_samples_mails(w->samples);

	for (unsigned i = 0; i < queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(queues, i);
		GHashTableIter asked;
		void *name = NULL;

		if (i > 0 && !has_own(w->desk->policy, queue))
			continue;
		for (unsigned k = 0; k < mails->len; k++)
			render_all(w, queue, g_ptr_array_index(mails, k),
				   g_ptr_array_index(mails, k));
		g_hash_table_iter_init(&asked, w->asked);
		while (g_hash_table_iter_next(&asked, &name, NULL))
			if (!g_ptr_array_find_with_equal_func(mails, name, g_str_equal, NULL))
				render_all(w, queue, name, "acknowledgement");
	}
}

/* --- what rules name -------------------------------------------------------------------------- */

static void find_missing(const walk *w, const lk_conf_set *set, const char *queue, const char *name)
{
	const lk_policy *policy = w->desk->policy;

	for (unsigned lang = 0; lang < LK_N_LANGS; lang++) {
		const char *code = lk_lang_code((lk_lang)lang);
		g_autofree char *path = NULL;

		if (!policy->languages[lang])
			continue;
		path = lk_template_find(policy->templates_dir, queue, code, name, "txt");
		if (path == NULL)
			lk_find_error(w->findings, set->at,
				      "there is no template %s/%s.txt: put one into %s", code, name,
				      policy->templates_dir ? policy->templates_dir
							    : "a directory that `templates` names");
	}
}

/* queue: whose rules they are, or NULL. */
static void add_asked(walk *w, const char *queue, const GPtrArray *rules)
{
	for (unsigned i = 0; i < rules->len; i++) {
		const lk_conf_rule *rule = g_ptr_array_index(rules, i);

		for (unsigned k = 0; k < rule->set->len; k++) {
			const lk_conf_set *set = g_ptr_array_index(rule->set, k);
			const char *name = NULL;

			if (strcmp(set->name, "template") != 0 || set->values->len == 0)
				continue;
			name = g_ptr_array_index(set->values, 0);
			g_hash_table_add(w->names, g_strdup(name));
			g_hash_table_add(w->asked, g_strdup(name));
			find_missing(w, set, queue, name);
		}
	}
}

void lk_ctl_check_templates(const lk_ctl_desk *desk, const lk_findings *findings)
{
	const lk_conf *conf = desk->conf;
	g_autofree char *installed = lk_data_path("templates");
	g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GHashTable) asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(lk_json) samples = NULL;
	g_autoptr(GError) error = NULL;
	walk w = {.desk = desk,
		  .findings = findings,
		  .installed = installed,
		  .names = names,
		  .asked = asked};

	if (!lk_samples_load(&samples, &error)) {
		lk_find_error(findings, (lk_conf_origin){installed, 0}, "%s", error->message);
		return;
	}
	w.samples = samples;
	add_asked(&w, NULL, conf->rules);
	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		add_asked(&w, queue->name, queue->rules);
	}
	visit(&w, installed, 0, false);
	if (conf->templates != NULL)
		visit(&w, conf->templates, 0, true);
	if (!w.is_broken) {
		lk_template_remember(true);
		render_mails(&w);
		lk_template_remember(false);
	}
}
