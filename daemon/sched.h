/* The jobs of luukku-sched, one step each: what time does behind the intake. */
#ifndef LK_DAEMON_SCHED_H
#define LK_DAEMON_SCHED_H

#include "lib/base/clock.h"
#include "lib/db/db.h"
#include "lib/desk/policy.h"

#include <stdbool.h>
#include <stdint.h>

/* How far the search index has come in this process. */
typedef struct {
	int64_t position;
	bool is_sweeping; /* a look at everything since search_from, late commits included */
} lk_sched_index;

/* Begins a sweep: at the start, and every LK_SCHED_SWEEP_S seconds. */
enum { LK_SCHED_SWEEP_S = 600 };
bool lk_sched_index_sweep(lk_db *db, lk_sched_index *index, GError **error);

/*
 * Indexes one batch. *ret_did: messages added; *ret_more: call again at once. A message whose text
 * PostgreSQL refuses gets an empty index.
 */
bool lk_sched_index_step(lk_db *db, lk_sched_index *index, int64_t *ret_did, bool *ret_more,
			 GError **error);

/* Drops original mails that were fetched before a time, with the content nobody else uses. */
bool lk_sched_raw_step(lk_db *db, lk_time before, int64_t *ret_did, bool *ret_more, GError **error);

/*
 * Forgets files and words of tickets that have been done for as long as their queue's retention
 * says, one batch of each queue. What figures are made of stays. *ret_did: tickets.
 */
bool lk_sched_retention_step(lk_db *db, const lk_policy *policy, lk_time now, int64_t *ret_did,
			     bool *ret_more, GError **error);

/* Deletes content that nothing refers to, a stretch of ids at a time. *position starts at 0. */
bool lk_sched_blob_step(lk_db *db, int64_t *position, int64_t *ret_did, bool *ret_more,
			GError **error);

#endif
