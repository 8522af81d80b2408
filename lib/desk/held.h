/*
 * The two places where a mail can wait for a person: the outbox and the quarantine. Each function
 * runs inside the transaction that the caller has opened and writes an event with its actor.
 */
#ifndef LK_DESK_HELD_H
#define LK_DESK_HELD_H

#include "lib/db/db.h"
#include "lib/desk/policy.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Sends a waiting, held, failed, suppressed or cancelled mail as soon as luukku-send gets to it,
 * and rings its bell. One that may have arrived (uncertain) keeps its bytes and Message-ID.
 * LK_ERR_NOINPUT: there is none of that number; LK_ERR_DATA: it is being sent or was sent.
 */
bool lk_held_retry(lk_db *db, int64_t outbox, lk_time now, const char *actor, GError **error);

/* Never sends it. Errors as above. */
bool lk_held_cancel(lk_db *db, int64_t outbox, lk_time now, const char *actor, GError **error);

/*
 * Makes the mail of a quarantine row a ticket like any other, as if its kind had been one that
 * opens tickets: routed by the rules, assigned, its team told. Its sender gets no acknowledgement.
 * LK_ERR_NOINPUT: no such row; LK_ERR_DATA: decided already.
 */
bool lk_held_release(lk_db *db, const lk_policy *policy, int64_t quarantine, lk_time now,
		     const char *actor, int64_t *ret_ticket, GError **error);

/* Leaves the mail where it is for good: it stays stored and traceable. Errors as above. */
bool lk_held_drop(lk_db *db, int64_t quarantine, lk_time now, const char *actor, GError **error);

#endif
