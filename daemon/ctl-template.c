/* `luukkuctl template preview`: a mail as it would be, with sample data. */
#include "daemon/ctl.h"

#include "daemon/ctl-sample.h"
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/units.h"
#include "lib/desk/render.h"
#include "lib/desk/template.h"

#include <stdio.h>
#include <string.h>

enum { MOST_DATA = 4 * 1024 * 1024 };

typedef struct {
	const char *mail;
	const char *name; /* of the case */
	lk_lang language;
	bool is_bilingual;
	lk_json *samples;
	lk_json *values;
	char *subject;
	char *text;
	char *html; /* or NULL */
} preview;

static void preview_clear(preview *p)
{
	g_clear_pointer(&p->samples, lk_json_unref);
	g_clear_pointer(&p->values, lk_json_unref);
	g_free(p->subject);
	g_free(p->text);
	g_free(p->html);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(preview, preview_clear)

static bool list(const lk_json *samples, bool json)
{
	g_autoptr(GPtrArray) mails = lk_samples_mails(samples);
	static const char *const headings[] = {"TEMPLATE", "CASES", NULL};
	g_autoptr(lk_ctl_table) table = lk_ctl_table_new(headings, 1);
	lk_json *all = json ? lk_json_array() : NULL;

	for (unsigned i = 0; i < mails->len; i++) {
		const char *mail = g_ptr_array_index(mails, i);
		g_autoptr(GPtrArray) cases = lk_samples_cases(samples, mail);
		g_autoptr(GString) names = g_string_new(NULL);
		lk_json *list = json ? lk_json_array() : NULL;
		lk_json *one = NULL;

		for (unsigned k = 0; k < cases->len; k++) {
			const char *name = g_ptr_array_index(cases, k);
			g_string_append_printf(names, "%s%s", k > 0 ? ", " : "", name);
			if (json)
				lk_json_push_text(list, name);
		}
		lk_ctl_table_add(table, mail);
		lk_ctl_table_add(table, names->str);
		if (!json)
			continue;
		one = lk_json_object();
		lk_json_set_text(one, "name", mail);
		lk_json_take(one, "cases", list);
		lk_json_push(all, one);
	}
	if (json)
		lk_ctl_print_json(all);
	else
		lk_ctl_table_print(table);
	return true;
}

/* One of the words, or an error that names the nearest. */
static bool choose(const GPtrArray *words, const char *given, const char *what, GError **error)
{
	const char *near = NULL;

	for (unsigned i = 0; i < words->len; i++)
		if (strcmp(g_ptr_array_index(words, i), given) == 0)
			return true;
	near = lk_nearest_word(given, (const char *const *)words->pdata, words->len);
	g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
		    "there is no %s \"%s\"%s%s%s; `luukkuctl template preview` lists them", what,
		    given, near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return false;
}

/*
 * A template of the site's own, which a rule names, has the values of an acknowledgement: it is
 * sent in its place.
 */
static bool find_mail(lk_ctl *ctl, const lk_render *render, preview *p, GError **error)
{
	const char *name = lk_ctl_value(ctl, "case");
	g_autoptr(GPtrArray) mails = lk_samples_mails(p->samples);
	bool has_sample = g_ptr_array_find_with_equal_func(mails, p->mail, g_str_equal, NULL);
	const char *sample = has_sample ? p->mail : "acknowledgement";
	g_autofree char *path = lk_template_find(render->templates_dir, render->queue->name,
						 lk_lang_code(p->language), p->mail, "txt");
	g_autoptr(GPtrArray) cases = lk_samples_cases(p->samples, sample);

	if (!has_sample && !path && !choose(mails, p->mail, "template", error))
		return false;
	if (name && !choose(cases, name, "case", error))
		return false;
	p->name = name ? name : g_ptr_array_index(cases, 0);
	p->values = lk_samples_values(p->samples, sample, p->name, p->language);
	return true;
}

/* "fi", or "fi,sv" for a mail in both languages. */
static bool find_language(lk_ctl *ctl, const lk_queue *queue, lk_policy *policy, preview *p,
			  GError **error)
{
	const char *given = lk_ctl_value(ctl, "language");
	g_auto(GStrv) codes = g_strsplit(given ? given : lk_lang_code(queue->language), ",", 4);

	for (unsigned i = 0; codes[i]; i++) {
		lk_lang language = LK_LANG_FI;
		if (!lk_lang_parse(codes[i], &language)) {
			g_set_error(
				error, LK_ERROR, LK_ERR_USAGE,
				"\"%s\" is none of fi, sv and en (\"fi,sv\" for both in a mail)",
				codes[i]);
			return false;
		}
		if (i == 0) {
			p->language = language;
			memset(policy->bilingual, 0, sizeof(policy->bilingual));
		}
		policy->bilingual[language] = true;
		p->is_bilingual = i > 0;
	}
	return true;
}

/* Values of a file in place of those of the sample. */
static bool add_data(lk_ctl *ctl, preview *p, GError **error)
{
	const char *path = lk_ctl_value(ctl, "data");
	g_autoptr(GString) text = NULL;
	g_autoptr(lk_json) data = NULL;

	if (!path)
		return true;
	if (!lk_read_file(path, MOST_DATA, &text, error))
		return false;
	if (!lk_json_parse(text->str, text->len, &data, error)) {
		g_prefix_error(error, "%s: ", path);
		return false;
	}
	g_autoptr(GPtrArray) keys = lk_json_keys(data);
	for (unsigned i = 0; i < keys->len; i++) {
		const char *key = g_ptr_array_index(keys, i);
		lk_json_take(p->values, key, lk_json_ref(lk_json_get(data, key)));
	}
	return true;
}

static void make_subject(preview *p)
{
	const char *reference = lk_json_get_text(p->values, "reference");
	const char *subject = lk_json_get_text(p->values, "subject");

	p->subject = g_strdup_printf("[%s] %s", reference ? reference : "", subject ? subject : "");
}

static void print(lk_ctl *ctl, const lk_queue *queue, const preview *p)
{
	lk_json *json = NULL;

	if (!lk_ctl_has(ctl, "json")) {
		fputs(lk_ctl_has(ctl, "html") ? p->html : p->text, stdout);
		return;
	}
	json = lk_json_object();
	lk_json_set_text(json, "name", p->mail);
	lk_json_set_text(json, "case", p->name);
	lk_json_set_text(json, "queue", queue->name);
	lk_json_set_text(json, "language", lk_lang_code(p->language));
	lk_json_set_text(json, "subject", p->subject);
	lk_json_set_text(json, "text", p->text);
	lk_json_set_text(json, "html", p->html);
	lk_ctl_print_json(json);
}

static bool show(lk_ctl *ctl, const lk_ctl_desk *desk, preview *p, GError **error)
{
	const char *name = lk_ctl_value(ctl, "queue");
	const lk_queue *queue = name ? lk_policy_queue(desk->policy, name)
				     : g_ptr_array_index(desk->policy->queues, 0);
	lk_render render = {.policy = desk->policy,
			    .templates_dir = desk->policy->templates_dir,
			    .queue = queue,
			    .template_name = p->mail};

	if (!queue) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT, "there is no queue \"%s\"", name);
		return false;
	}
	if (!find_language(ctl, queue, desk->policy, p, error) ||
	    !find_mail(ctl, &render, p, error) || !add_data(ctl, p, error))
		return false;
	make_subject(p);
	render.title = p->subject;
	lk_render_choose(&render, p->language, p->is_bilingual);
	if (!lk_render_mail(&render, p->values, &p->text, &p->html, error))
		return false;
	if (lk_ctl_has(ctl, "html") && !p->html) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
			    "%s is sent as plain text alone: it has no HTML", p->mail);
		return false;
	}
	print(ctl, queue, p);
	return true;
}

static bool run_preview(lk_ctl *ctl, GError **error)
{
	g_auto(preview) p = {.mail = ctl->n_operands > 0 ? ctl->operands[0] : NULL};
	g_auto(lk_ctl_desk) desk = {0};
	const lk_conf *conf = NULL;

	if (lk_ctl_has(ctl, "html") + lk_ctl_has(ctl, "text") + lk_ctl_has(ctl, "json") > 1) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "--text, --html and --json: give one of them");
		return false;
	}
	if (!lk_samples_load(&p.samples, error))
		return false;
	if (!p.mail)
		return list(p.samples, lk_ctl_has(ctl, "json"));
	return lk_ctl_conf(ctl, &conf, error) && lk_ctl_desk_open(conf, false, &desk, error) &&
	       show(ctl, &desk, &p, error);
}

static const lk_ctl_option preview_options[] = {
	{"language", 0, "L", "fi, sv or en; \"fi,sv\": both in one mail"},
	{"queue", 0, "Q", "with this queue's own templates; the first queue when left out"},
	{"case", 0, "C", "another case of the sample data"},
	{"data", 0, "FILE", "values (a JSON object) in place of those of the sample"},
	{"text", 0, NULL, "the plain text (what is shown when nothing is asked for)"},
	{"html", 0, NULL, "the HTML"},
	{"json", 0, NULL, "one JSON document with both"},
	{NULL, 0, NULL, NULL},
};

const lk_ctl_command lk_ctl_template_commands[] = {
	{.name = "template preview",
	 .operands = "[NAME]",
	 .most = 1,
	 .options = preview_options,
	 .summary = "a mail with sample data; without a name: the mails there are",
	 .run = run_preview},
	{.name = NULL},
};
