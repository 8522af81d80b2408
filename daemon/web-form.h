/* Fields of a query or of a form (application/x-www-form-urlencoded), from strangers. */
#ifndef LK_DAEMON_WEB_FORM_H
#define LK_DAEMON_WEB_FORM_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct lk_web_form lk_web_form;

enum { LK_WEB_FIELDS = 20, LK_WEB_FIELD_NAME = 40, LK_WEB_FORM_BYTES = 64 * 1024 };

/*
 * Decodes. Values become valid UTF-8 without controls but TAB and LF. LK_ERR_DATA for more than
 * LK_WEB_FIELDS fields, a field given twice, a bad name, an escape that is none, or more bytes than
 * LK_WEB_FORM_BYTES. n 0 is an empty form.
 */
bool lk_web_form_parse(const char *bytes, size_t n, lk_web_form **ret_form, GError **error);
void lk_web_form_free(lk_web_form *form);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_web_form, lk_web_form_free)

/* The value, or NULL when the field is not there. Borrowed. */
const char *lk_web_form_get(const lk_web_form *form, const char *name);

#endif
