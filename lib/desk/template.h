/*
 * Mustache templates (mustache.5 without lambdas) over JSON: variables, sections, inverted
 * sections, comments, partials, set delimiters. Templates are the admin's; values are anybody's.
 */
#ifndef LK_DESK_TEMPLATE_H
#define LK_DESK_TEMPLATE_H

#include "lib/base/json.h"

/* Gives the text of a partial, or NULL when there is none. Caller frees. */
typedef char *(*lk_template_loader)(const char *name, void *data);

typedef struct {
	bool is_html;		   /* {{x}} is escaped; {{{x}}} and {{&x}} never are */
	lk_template_loader loader; /* or NULL: partials are empty */
	void *loader_data;
} lk_template_options;

/*
 * LK_ERR_DATA with the line for a tag or section that does not end, sections or partials nested
 * deeper than 32, output above 4 MiB. Caller frees.
 */
bool lk_template_render(const char *text, const lk_json *values, const lk_template_options *options,
			char **ret_text, GError **error);

/*
 * Finds NAME.SUFFIX: in override_dir (or NULL) under queues/QUEUE/LANGUAGE, then LANGUAGE, then
 * common (what has no words of any language); then among the installed ones. Caller frees; NULL
 * when there is none.
 */
char *lk_template_find(const char *override_dir, const char *queue, const char *language,
		       const char *name, const char *suffix);

/* Texts of the agents' own, for #template NAME: templates of the name "quick/NAME". */
#define LK_TEMPLATE_QUICK "quick/"
enum { LK_TEMPLATE_QUICKS = 200 };

/* Their names without "quick/", sorted; as found by lk_template_find, but for common. Caller
 * unrefs. */
GPtrArray *lk_template_quick_names(const char *override_dir, const char *queue,
				   const char *language);

/* A found template rendered. LK_ERR_NOINPUT names the file that is missing. Caller frees. */
bool lk_template_fill(const char *override_dir, const char *queue, const char *language,
		      const char *name, const char *suffix, const lk_json *values, char **ret_text,
		      GError **error);

#endif
