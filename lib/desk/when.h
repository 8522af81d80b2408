/* Times as people read them, in the site's time zone and the reader's language. */
#ifndef LK_DESK_WHEN_H
#define LK_DESK_WHEN_H

#include "lib/base/clock.h"
#include "lib/desk/policy.h"

/*
 * "ma 23.11.2026 klo 9.05", "mån 23.11.2026 kl. 9.05", "Mon 23 Nov 2026 at 9:05". NULL for
 * LK_TIME_NONE. Caller frees.
 */
char *lk_when(const lk_policy *policy, lk_lang lang, lk_time at);

/* The same without the hour: "ma 23.11.2026". */
char *lk_when_day(const lk_policy *policy, lk_lang lang, lk_time at);

#endif
