/* A ticket's due times and timers, kept in step with what happens to it. For ticket.c alone. */
#ifndef LK_DESK_CLOCKS_H
#define LK_DESK_CLOCKS_H

#include "lib/db/db.h"
#include "lib/desk/policy.h"

/* What happened. Everything borrowed. */
typedef struct {
	int64_t ticket;
	lk_time at;
	const char *actor;
	const char *why; /* said where it moves a due time; NULL: a new ticket */
	int64_t message; /* 0: none */
	bool is_moved;	 /* it has another status since */
	int64_t stage;	 /* that it ended; 0: none */
	const char *stage_queue;
	lk_time stage_from;
	lk_time stage_to;
} lk_clock_cause;

bool lk_clocks_update(lk_db *db, const lk_policy *policy, const lk_clock_cause *cause,
		      GError **error);

#endif
