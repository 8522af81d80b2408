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

/*
 * A promise, rounded up to the full hour: "maanantaina ennen klo 12", "på måndag före kl. 12", "on
 * Monday before 12:00"; today is said so, and from a week on the day is named: "maanantaina 30.11.
 * ennen klo 12". Caller frees; NULL for LK_TIME_NONE.
 */
char *lk_when_before(const lk_policy *policy, lk_lang lang, lk_time now, lk_time at);

#endif
