/* "type/subtype; name=value" headers (RFC 2045, 2183, 2231) as strangers write them. */
#ifndef LK_MAIL_PARAMS_H
#define LK_MAIL_PARAMS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct {
	char *head;	   /* before the first ';', lower case, no comments or blanks */
	GPtrArray *params; /* of our own type */
} lk_mime_params;

/*
 * The unfolded value of a Content- field with the ';' that some programs leave out before the first
 * parameter ("application/pdf name=x"); as it is where none is missing. Caller frees.
 */
char *lk_mime_params_mend(const char *line);

/* value may be NULL: no head (""), no parameters. At most 200 parameters are read. */
lk_mime_params *lk_mime_params_parse(const char *value);
void lk_mime_params_free(lk_mime_params *params);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_mime_params, lk_mime_params_free)

/*
 * A parameter as clean UTF-8: RFC 2231 pieces joined and decoded, before the plain form; RFC 2047
 * words decoded although they may not stand there. NULL when there is none. Caller frees.
 */
char *lk_mime_params_get(const lk_mime_params *params, const char *name);

/* As lk_mime_params_get, but the bytes as they stand (boundaries). Caller frees. */
char *lk_mime_params_get_raw(const lk_mime_params *params, const char *name);

/* A name that can be a file's: no folders, controls or direction overrides, at most 120
 * characters with its extension kept; NULL when nothing is left. Caller frees. */
char *lk_safe_filename(const char *name);

#endif
