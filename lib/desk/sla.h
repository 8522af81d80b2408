/*
 * Service levels: which target a ticket has, and when it is due. Pure, over plain structs; ticket.h
 * keeps a ticket's clocks by it.
 *
 * A target counts open time of the service level's calendar from the moment the ticket was opened.
 * It stands still while the ticket waits for its customer (for a supplier where the service level
 * says so) and from a resolution to a reopening; waiting for a date stops nothing.
 */
#ifndef LK_DESK_SLA_H
#define LK_DESK_SLA_H

#include "lib/desk/policy.h"
#include "lib/desk/ticket.h"

/* What the choice is made by. Everything borrowed; NULL where there is none. */
typedef struct {
	const char *rule_sla;	  /* by a rule's `sla` */
	const char *organisation; /* name */
	const char *queue;
	const char *priority;
	const char *type;
} lk_sla_question;

typedef struct {
	const lk_sla *sla;	     /* NULL: the ticket has no targets */
	const lk_calendar *calendar; /* never NULL */
	lk_span respond;
	lk_span resolve;
	char *reason; /* "service level standard of queue ict: high, respond 2h, resolve 8h" */
} lk_sla_choice;
void lk_sla_choice_clear(lk_sla_choice *choice);

/*
 * A rule's service level goes before the organisation's, and that before the queue's; within it
 * the priority decides, and of its targets that for the ticket's type goes first. Names that the
 * configuration no longer knows count as none.
 */
void lk_sla_choose(const lk_policy *policy, const lk_sla_question *question,
		   lk_sla_choice *ret_choice);

/* A stretch in one status; to is LK_TIME_NONE for the one that lasts. */
typedef struct {
	lk_status status;
	lk_time from;
	lk_time to;
} lk_sla_stage;

typedef struct {
	lk_time opened_at;
	lk_time first_response_at; /* LK_TIME_NONE: none yet */
	const lk_sla_stage *stages;
	size_t n_stages;
} lk_sla_history;

typedef struct {
	lk_time due; /* LK_TIME_NONE: no target */
	lk_time warn;
	int64_t paused_s; /* open seconds the target stood still so far */
	bool is_running;  /* false: it stands still, or has been met */
} lk_sla_clock;

typedef struct {
	lk_sla_clock respond;
	lk_sla_clock resolve;
} lk_sla_times;

/* As things stand at `now`: while the clock stands still, as if it went on now. */
void lk_sla_compute(const lk_sla_choice *choice, const lk_sla_history *history, lk_time now,
		    lk_sla_times *ret_times);

/* Do the clocks of that level (NULL: of none) stand still in this status? */
bool lk_sla_is_paused(const lk_sla *sla, lk_status status);

#endif
