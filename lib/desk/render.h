/* A mail's words: its templates filled in, as text and as HTML, in one language or in several. */
#ifndef LK_DESK_RENDER_H
#define LK_DESK_RENDER_H

#include "lib/base/json.h"
#include "lib/desk/policy.h"

/* Everything borrowed. */
typedef struct {
	const lk_policy *policy;
	const char *templates_dir; /* of the site's own templates, or NULL */
	const lk_queue *queue;
	const char *template_name;
	const char *title; /* of the HTML page: the mail's subject */
	lk_lang languages[LK_N_LANGS];
	unsigned n_languages;
	const GPtrArray *pictures; /* char *: content ids that stand in the words, or NULL */
} lk_render;

/*
 * Fills in the languages: the mail's own, and those of site.bilingual beside it where the
 * customer's is not known.
 */
void lk_render_choose(lk_render *render, lk_lang language, bool is_bilingual);

/*
 * Renders both. Adds to the variables what every mail has (queue_title, queue_address, site_name,
 * language, paragraphs of `text`), and beside each list whether there is anything in it
 * ("has_tickets"). *ret_html NULL: a language has the template as text only, or the words are too
 * long for HTML. Callers free.
 */
bool lk_render_mail(const lk_render *render, lk_json *variables, char **ret_text, char **ret_html,
		    GError **error);

#endif
