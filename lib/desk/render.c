#include "lib/desk/render.h"

#include "lib/desk/prose.h"
#include "lib/desk/template.h"

#include <string.h>

enum { MAX_HTML_WORDS = 256 * 1024, MAX_JSON_DEPTH = 8 };

/* "has_NAME" beside each list, for the heading that a list of nothing has not. */
static void tell_lists(lk_json *json, unsigned depth)
{
	if (depth > MAX_JSON_DEPTH)
		return;
	for (size_t i = 0; lk_json_is_array(json) && i < lk_json_size(json); i++)
		tell_lists(lk_json_at(json, i), depth + 1);
	if (!lk_json_is_object(json))
		return;
	g_autoptr(GPtrArray) keys = lk_json_keys(json);
	for (unsigned i = 0; i < keys->len; i++) {
		const char *key = g_ptr_array_index(keys, i);
		lk_json *value = lk_json_get(json, key);
		g_autofree char *has = g_strconcat("has_", key, NULL);
		if (lk_json_is_array(value))
			lk_json_set_bool(json, has, lk_json_size(value) > 0);
		tell_lists(value, depth + 1);
	}
}

/* --- text and HTML ---------------------------------------------------------------------------- */

void lk_render_choose(lk_render *render, lk_lang language, bool is_bilingual)
{
	const bool *both = render->policy->bilingual;

	render->n_languages = 0;
	if (!is_bilingual || both[language])
		render->languages[render->n_languages++] = language;
	for (unsigned i = 0; is_bilingual && i < LK_N_LANGS; i++)
		if (both[i] && i != language)
			render->languages[render->n_languages++] = (lk_lang)i;
	if (render->n_languages == 0)
		render->languages[render->n_languages++] = language;
}

static bool fill(const lk_render *r, lk_lang language, const char *suffix, const lk_json *values,
		 char **ret_text, GError **error)
{
	return lk_template_fill(r->templates_dir, r->queue->name, lk_lang_code(language),
				r->template_name, suffix, values, ret_text, error);
}

static void set_names(const lk_render *r, lk_lang language, lk_json *variables)
{
	const char *title = lk_text_in(&r->queue->title, language, r->policy->language);

	lk_json_set_text(variables, "queue_title", *title ? title : r->queue->name);
	lk_json_set_text(variables, "queue_address", r->queue->from);
	lk_json_set_text(variables, "site_name", r->policy->site_name);
	lk_json_set_text(variables, "prefix", r->policy->prefix);
	lk_json_set_text(variables, "language", lk_lang_code(language));
}

static bool render_text(const lk_render *r, lk_json *variables, char **ret_text, GError **error)
{
	g_autoptr(GString) all = g_string_new(NULL);

	for (unsigned i = 0; i < r->n_languages; i++) {
		g_autofree char *text = NULL;
		set_names(r, r->languages[i], variables);
		if (!fill(r, r->languages[i], "txt", variables, &text, error))
			return false;
		if (i > 0)
			g_string_append(all, "\n* * *\n\n");
		g_string_append(all, text);
	}
	*ret_text = g_string_free(g_steal_pointer(&all), FALSE);
	return true;
}

/* One language's part of the page. */
static bool add_part(const lk_render *r, unsigned i, lk_json *variables, GString *parts,
		     GError **error)
{
	const char *code = lk_lang_code(r->languages[i]);
	g_autoptr(lk_json) frame = lk_json_object();
	g_autofree char *html = NULL;
	g_autofree char *part = NULL;

	set_names(r, r->languages[i], variables);
	if (!fill(r, r->languages[i], "html", variables, &html, error))
		return false;
	lk_json_set_text(frame, "language", code);
	lk_json_set_bool(frame, "is_later", i > 0);
	if (!lk_template_wrap(r->templates_dir, r->queue->name, code, "part", html, frame, &part,
			      error))
		return false;
	g_string_append(parts, part);
	return true;
}

static bool render_html(const lk_render *r, lk_json *variables, char **ret_html, GError **error)
{
	g_autoptr(lk_json) frame = lk_json_object();
	g_autoptr(GString) parts = g_string_new(NULL);
	const char *first = lk_lang_code(r->languages[0]);

	for (unsigned i = 0; i < r->n_languages; i++)
		if (!lk_template_has_html(r->templates_dir, r->queue->name,
					  lk_lang_code(r->languages[i]), r->template_name))
			return true;
	for (unsigned i = 0; i < r->n_languages; i++)
		if (!add_part(r, i, variables, parts, error))
			return false;
	lk_json_set_text(frame, "language", first);
	lk_json_set_text(frame, "title", r->title);
	return lk_template_wrap(r->templates_dir, r->queue->name, first, "page", parts->str, frame,
				ret_html, error);
}

bool lk_render_mail(const lk_render *render, lk_json *variables, char **ret_text, char **ret_html,
		    GError **error)
{
	const char *words = lk_json_get_text(variables, "text");
	bool is_long = words && strlen(words) > MAX_HTML_WORDS;

	*ret_html = NULL;
	if (words && !is_long)
		lk_json_take(variables, "paragraphs", lk_prose(words, render->pictures));
	tell_lists(variables, 0);
	return render_text(render, variables, ret_text, error) &&
	       (is_long || render_html(render, variables, ret_html, error));
}
