/*
 * Work that becomes due: rows of the table timer, done by luukku-sched. A job and the end of its
 * row are one transaction, so each is done once; rows that another luukku-sched works on are left
 * out.
 */
#ifndef LK_DESK_TIMER_H
#define LK_DESK_TIMER_H

#include "lib/base/json.h"
#include "lib/db/db.h"
#include "lib/desk/policy.h"

/* Kinds. Those of the service level are also the events that say that it was done. */
#define LK_TIMER_RESPOND_WARNING "sla_respond_warning"
#define LK_TIMER_RESPOND_BREACH "sla_respond_breach"
#define LK_TIMER_RESOLVE_WARNING "sla_resolve_warning"
#define LK_TIMER_RESOLVE_BREACH "sla_resolve_breach"
#define LK_TIMER_WAIT_UNTIL "wait_until"
#define LK_TIMER_CLOSE_AFTER "close_after"
#define LK_TIMER_CUSTOMER_REMINDER "customer_reminder" /* and close_unanswered behind it */
#define LK_TIMER_SUPPLIER_REMINDER "supplier_reminder"
#define LK_TIMER_STILL_WORKING "still_working"
#define LK_TIMER_SURVEY "survey"
#define LK_TIMER_SURVEY_ANSWER "survey_answer"	   /* the key is the survey */
#define LK_TIMER_DELIVERY_FAILED "delivery_failed" /* the key is the outbox row */
#define LK_TIMER_BREAKER_DIGEST "breaker-digest"   /* of no ticket; also its template */
#define LK_TIMER_HAND_OVER "hand_over"		   /* of no ticket; the key is an absence */
#define LK_TIMER_TEAM_REMINDER "team_reminder"	   /* of no ticket; the key is a queue */
#define LK_TIMER_DIGEST "digest"		   /* of no ticket; the key is a queue */
#define LK_TIMER_INCIDENT_DIGEST "incident_digest" /* of no ticket */

/* Everything borrowed. */
typedef struct {
	const char *kind;
	int64_t ticket;	    /* 0: none */
	const char *key;    /* which of several; NULL: the only one */
	const char *status; /* it goes when the ticket leaves this status; NULL: it stays */
	lk_time due_at;
	int64_t step;
	const lk_json *detail; /* or NULL */
} lk_timer_row;

/* Sets a timer, or sets it anew. In the caller's transaction. */
bool lk_timer_set(lk_db *db, const lk_timer_row *row, GError **error);
/* Drops it, if it is there. key NULL: "". */
bool lk_timer_drop(lk_db *db, int64_t ticket, const char *kind, const char *key, GError **error);

/*
 * Does what is due, the oldest first and at most so much, in a transaction of its own; mails of one
 * kind to one person become one mail. *ret_did: jobs done; *ret_more: call again at once.
 */
bool lk_timers_run(lk_db *db, const lk_policy *policy, lk_time now, unsigned most, int64_t *ret_did,
		   bool *ret_more, GError **error);

/* Works out the due times of tickets that have none yet. As above. */
bool lk_timers_adopt(lk_db *db, const lk_policy *policy, lk_time now, unsigned most,
		     int64_t *ret_did, bool *ret_more, GError **error);

/* Sets what every queue has and is not set yet. For the start of luukku-sched. */
bool lk_timers_prepare(lk_db *db, const lk_policy *policy, lk_time now, GError **error);

/* When the next one becomes due; LK_TIME_NONE: none is set. */
bool lk_timers_next(lk_db *db, lk_time *ret_at, GError **error);

#endif
