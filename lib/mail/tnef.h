/* winmail.dat (application/ms-tnef): the files and the text that Outlook hides in it. */
#ifndef LK_MAIL_TNEF_H
#define LK_MAIL_TNEF_H

#include "lib/mail/walk.h"

enum { LK_TNEF_BYTES_MOST = 32 * 1024 * 1024 };

/*
 * Attaches the members of n bytes of TNEF. *ret_text is its text, with the marks of html.h, or
 * NULL; caller frees. False when the bytes cannot be read; what came before is attached.
 */
bool lk_tnef_read(lk_gather *gather, lk_parts *parts, const char *bytes, size_t n, char **ret_text);

#endif
