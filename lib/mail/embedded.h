/* Files that old programs write into the text itself: uuencode and yEnc. */
#ifndef LK_MAIL_EMBEDDED_H
#define LK_MAIL_EMBEDDED_H

#include "lib/mail/walk.h"

/*
 * Attaches every complete block of a text's bytes and takes it out of them. A block that does not
 * end, or holds a line that cannot be, stays in the text.
 */
void lk_embedded_take(lk_gather *gather, lk_parts *parts, GString *bytes);

#endif
