/*
 * Digests: the picture of the day by mail, for agents, managers and incident managers (desk.md 18).
 * luukku-sched writes them when a queue's `digest` says, on the days of its calendar; and it tells
 * the incident managers of an urgent incident at once.
 */
#ifndef LK_DESK_DIGEST_H
#define LK_DESK_DIGEST_H

#include "lib/db/db.h"
#include "lib/desk/policy.h"

/* Templates. */
#define LK_DIGEST_MANAGERS "digest-managers"
#define LK_DIGEST_AGENTS "digest-agents"
#define LK_DIGEST_INCIDENTS "digest-incidents"

/*
 * Writes the digests of these queues (const lk_queue *): each person one mail about all of theirs.
 * In the caller's transaction. *ret_mails (may be NULL): how many.
 */
bool lk_digests_write(lk_db *db, const lk_policy *policy, const GPtrArray *queues, lk_time now,
		      int64_t *ret_mails, GError **error);

/* The incident managers' one over all queues. As above. */
bool lk_digest_write_incidents(lk_db *db, const lk_policy *policy, lk_time now, int64_t *ret_mails,
			       GError **error);

/*
 * Tells the incident managers of urgent incidents that they have not heard of, in a transaction of
 * its own. *ret_did: incidents.
 */
bool lk_digest_tell_incidents(lk_db *db, const lk_policy *policy, lk_time now, int64_t *ret_did,
			      GError **error);

/*
 * The moment of today's digest of the queue if it has come, else LK_TIME_NONE; *ret_next the next
 * one after now (LK_TIME_NONE: none). False: the queue has none. Pure.
 */
bool lk_digest_when(const lk_policy *policy, const lk_queue *queue, lk_time now, lk_time *ret_today,
		    lk_time *ret_next);

#endif
