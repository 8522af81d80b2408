/* The decoded bytes of a text part into lines for people. */
#ifndef LK_MAIL_TEXT_H
#define LK_MAIL_TEXT_H

#include "lib/mail/charset.h"
#include "lib/mail/params.h"

#include <glib.h>
#include <stddef.h>

/* Charset and format=flowed (RFC 3676) undone, clean. Caller frees. */
char *lk_text_plain(const char *bytes, size_t n, const lk_mime_params *type,
		    lk_charset_reading *ret_reading);

/* The same for HTML: as text with the marks of html.h. */
char *lk_text_html(const char *bytes, size_t n, const lk_mime_params *type,
		   lk_charset_reading *ret_reading);

#endif
