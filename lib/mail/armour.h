/* PGP written into the text itself (RFC 9580 6 and 7). */
#ifndef LK_MAIL_ARMOUR_H
#define LK_MAIL_ARMOUR_H

#include <stdbool.h>

/* Does a line of the text begin an encrypted message? */
bool lk_armour_has_encrypted(const char *text);

/*
 * The text without the armour of clear signatures: the lines around the signed words, and the
 * dashes put before some of them. Armour that does not end stays. NULL when the text has none.
 */
char *lk_armour_strip(const char *text);

#endif
