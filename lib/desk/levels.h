/*
 * Service levels and calendars that changed in the configuration: the due times of open tickets are
 * worked out anew by them. For luukku-sched.
 */
#ifndef LK_DESK_LEVELS_H
#define LK_DESK_LEVELS_H

#include "lib/db/db.h"
#include "lib/desk/policy.h"

/* The open tickets whose due times are to be looked at. */
typedef struct lk_levels lk_levels;
void lk_levels_free(lk_levels *levels);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_levels, lk_levels_free)

/*
 * Is the configuration another one than that by which they were worked out last, as far as due
 * times hang on it? *ret_levels is NULL when it is not, or when nothing was noted yet (now it is).
 */
bool lk_levels_begin(lk_db *db, const lk_policy *policy, lk_levels **ret_levels, GError **error);

/*
 * Does some of them, in a transaction of its own. *ret_more false: that was all, and is noted; one
 * that ends before begins anew, which changes nothing that was done.
 */
bool lk_levels_step(lk_db *db, const lk_policy *policy, lk_time now, lk_levels *levels,
		    int64_t *ret_did, bool *ret_more, GError **error);

#endif
