/* Sample data for the templates of mails, installed beside them as sample.json. */
#ifndef LK_CTL_SAMPLE_H
#define LK_CTL_SAMPLE_H

#include "lib/base/json.h"
#include "lib/desk/policy.h"

/* LK_ERR_NOINPUT, LK_ERR_DATA. Caller unrefs. */
bool lk_samples_load(lk_json **ret_samples, GError **error);

/* The mails that there are samples of, and the cases of one. GPtrArray of const char *, borrowed
 * from the samples; a mail that is not there has no cases. Caller unrefs. */
GPtrArray *lk_samples_mails(const lk_json *samples);
GPtrArray *lk_samples_cases(const lk_json *samples, const char *mail);

/* The values of a case in one language, as a mail would have them. Caller unrefs. */
lk_json *lk_samples_values(const lk_json *samples, const char *mail, const char *name,
			   lk_lang language);

/*
 * All names that templates of the mail may use (NULL: those of any mail). A set of char *; caller
 * unrefs.
 */
GHashTable *lk_samples_names(const lk_json *samples, const char *mail);

#endif
