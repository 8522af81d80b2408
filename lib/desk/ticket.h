/* The names a ticket's state has in the database, and the one function that changes it. */
#ifndef LK_DESK_TICKET_H
#define LK_DESK_TICKET_H

#include "lib/base/json.h"
#include "lib/db/db.h"
#include "lib/desk/policy.h"

typedef enum {
	LK_STATUS_NEW,
	LK_STATUS_OPEN,
	LK_STATUS_WAITING_CUSTOMER,
	LK_STATUS_WAITING_SUPPLIER,
	LK_STATUS_ON_HOLD,
	LK_STATUS_RESOLVED,
	LK_STATUS_CLOSED,
	LK_STATUS_JUNK,
	LK_STATUS_MERGED,
	LK_N_STATUSES
} lk_status;

const char *lk_status_name(lk_status status);
bool lk_status_parse(const char *name, lk_status *ret_status);

typedef enum {
	LK_WRITER_REQUESTER,
	LK_WRITER_PARTICIPANT,
	LK_WRITER_GUEST,
	LK_WRITER_AGENT,
	LK_WRITER_MANAGER,
	LK_WRITER_SUPPLIER,
	LK_WRITER_CONSULTED,
	LK_WRITER_MACHINE,
	LK_WRITER_STRANGER
} lk_writer;
const char *lk_writer_name(lk_writer writer);

typedef enum {
	LK_EVIDENCE_NONE,
	LK_EVIDENCE_TOKEN,
	LK_EVIDENCE_MESSAGE_ID,
	LK_EVIDENCE_REFERENCE,
	LK_EVIDENCE_SUBJECT,
	LK_EVIDENCE_SUPPLIER_REFERENCE,
	LK_EVIDENCE_DUPLICATE
} lk_evidence;
const char *lk_evidence_name(lk_evidence evidence);

/* One line of history. Everything borrowed; ticket and message 0: none; detail NULL: none. */
typedef struct {
	int64_t ticket;
	int64_t message;
	lk_time at;
	const char *actor;
	const char *event;
	const char *reason;
	const lk_json *detail;
} lk_event;
bool lk_event_add(lk_db *db, const lk_event *event, GError **error);

/* A ticket into a status; what led there is looked up in status.h. Everything borrowed. */
typedef struct {
	int64_t ticket;
	lk_status status;
	lk_time at;
	const char *actor;
	const char *reason;
	int64_t message; /* 0: none */
	lk_time until;	 /* of on_hold: the day it waits for; 0: none */
} lk_move;

/*
 * The one place where a ticket's status changes: the ticket, its stage with the open time it took,
 * the event with the reason, its due times and what is to be done later. Nothing happens when it
 * has that status already, but that a new `until` is taken. *ret_was may be NULL.
 */
bool lk_ticket_move(lk_db *db, const lk_policy *policy, const lk_move *move, lk_status *ret_was,
		    GError **error);

typedef enum {
	LK_CHANGE_QUEUE,
	LK_CHANGE_PRIORITY,
	LK_CHANGE_TYPE,
	LK_CHANGE_ORGANISATION
} lk_change_what;

/* What the service level hangs on. Everything borrowed; value NULL: none (type, organisation). */
typedef struct {
	int64_t ticket;
	lk_change_what what;
	const char *value; /* as the configuration writes it, checked by the caller */
	lk_time at;
	const char *actor;
	const char *reason;
	int64_t message; /* 0: none */
} lk_change;

/*
 * The one place where these change: the field, the event ("queue", "priority", ...), a new stage
 * when it is the queue, the required fields of the new queue or type (ticket-fields.h), and the due
 * times with the reason. *ret_is_changed (may be NULL) false: it had that value.
 */
bool lk_ticket_change(lk_db *db, const lk_policy *policy, const lk_change *change,
		      bool *ret_is_changed, GError **error);

/* The first answer by a person went out: its clock stops. Later answers change nothing. */
bool lk_ticket_responded(lk_db *db, const lk_policy *policy, int64_t ticket, lk_time at,
			 const char *actor, int64_t message, GError **error);

/*
 * Works out the due times of a new ticket and what is to be done later; luukku-sched does it for
 * tickets that nobody called this for. Calling it again does no harm, and follows a change of the
 * configuration.
 */
bool lk_ticket_start_clocks(lk_db *db, const lk_policy *policy, int64_t ticket, lk_time at,
			    const char *actor, int64_t message, GError **error);

/* Links two tickets; an existing link stays as it is. relation as in ticket_link. */
bool lk_ticket_link(lk_db *db, int64_t ticket, int64_t other, const char *relation,
		    const char *reason, lk_time at, GError **error);

/* "customer:ADDRESS", the actor of a mail from outside; caller frees. */
char *lk_actor_customer(const char *address);

#endif
