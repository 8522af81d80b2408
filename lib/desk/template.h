/*
 * Mustache templates (mustache.5 without lambdas) over JSON: variables, sections, inverted
 * sections, comments, partials, set delimiters. Templates are the admin's; values are anybody's,
 * and are never read as a template.
 */
#ifndef LK_DESK_TEMPLATE_H
#define LK_DESK_TEMPLATE_H

#include "lib/base/json.h"

/* Gives the text of a partial, or NULL when there is none. Caller frees. */
typedef char *(*lk_template_loader)(const char *name, void *data);

typedef struct {
	bool is_html;		   /* values are escaped; {{{x}}} and {{&x}} are errors */
	lk_template_loader loader; /* or NULL: partials are empty */
	void *loader_data;
	const char *content; /* what {{> content}} writes as it stands: HTML made here; or NULL */
} lk_template_options;

/* The partial whose place the content takes. */
#define LK_TEMPLATE_CONTENT "content"

/*
 * LK_ERR_DATA with the line for a tag or section that does not end, sections or partials nested
 * deeper than 32, output above 4 MiB, more than a million steps. Caller frees.
 */
bool lk_template_render(const char *text, const lk_json *values, const lk_template_options *options,
			char **ret_text, GError **error);

/* A name that a template mentions. */
typedef struct {
	char *name;
	unsigned line;
	bool is_partial;
} lk_template_name;

/*
 * The names of a template's tags in their order; delimiters and comments have none. LK_ERR_DATA as
 * above, *ret_line being its line. GPtrArray of lk_template_name *; caller unrefs.
 */
bool lk_template_names(const char *text, bool is_html, GPtrArray **ret_names, unsigned *ret_line,
		       GError **error);

/*
 * Finds NAME.SUFFIX: in override_dir (or NULL) under queues/QUEUE/LANGUAGE, queues/QUEUE/common,
 * LANGUAGE, then common (what has no words of any language); then among the installed ones. Caller
 * frees; NULL when there is none.
 */
char *lk_template_find(const char *override_dir, const char *queue, const char *language,
		       const char *name, const char *suffix);

/*
 * Is there HTML to the text? Not where the text was found nearer: HTML with other words than those
 * of a site that writes its own text alone would be wrong.
 */
bool lk_template_has_html(const char *override_dir, const char *queue, const char *language,
			  const char *name);

/* Partials that stand in an attribute: "style-h1". */
#define LK_TEMPLATE_STYLE "style-"

/* Texts of the agents' own, for #template NAME: templates of the name "quick/NAME". */
#define LK_TEMPLATE_QUICK "quick/"
enum { LK_TEMPLATE_QUICKS = 200 };

/* Their names without "quick/", sorted; as found by lk_template_find, but for common. Caller
 * unrefs. */
GPtrArray *lk_template_quick_names(const char *override_dir, const char *queue,
				   const char *language);

/*
 * From now on each file is looked for and read once, however many mails want it; off forgets them.
 * For a look at all templates: a daemon has to see when one changes.
 */
void lk_template_remember(bool on);

/* A found template rendered. LK_ERR_NOINPUT names the file that is missing. Caller frees. */
bool lk_template_fill(const char *override_dir, const char *queue, const char *language,
		      const char *name, const char *suffix, const lk_json *values, char **ret_text,
		      GError **error);

/* The same with `content` for {{> content}}: a page around what was rendered before. */
bool lk_template_wrap(const char *override_dir, const char *queue, const char *language,
		      const char *name, const char *content, const lk_json *values, char **ret_html,
		      GError **error);

#endif
