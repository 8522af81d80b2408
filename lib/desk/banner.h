/* Banners that mail gateways put into subjects and texts ("[EXTERNAL]"; desk.md 15). Pure. */
#ifndef LK_DESK_BANNER_H
#define LK_DESK_BANNER_H

#include <glib.h>

/*
 * The text without what the strip settings of a mailbox name: char *, each a text (case does not
 * matter) or a /pattern/. Blanks at the seams become one; a line that held nothing else goes. NULL
 * when none of them stands in the text. A pattern that gives up, or is wrong, takes nothing away.
 * Caller frees.
 */
char *lk_banner_strip(const GPtrArray *strip, const char *text);

#endif
