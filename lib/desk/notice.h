/*
 * What the team is told: a new ticket, an answer, a ticket given to them. The rows are written with
 * the mail that causes them; what a notice says is looked up when it is composed, so that the
 * intake waits for nothing.
 */
#ifndef LK_DESK_NOTICE_H
#define LK_DESK_NOTICE_H

#include "lib/base/json.h"
#include "lib/desk/outbox.h"

typedef enum {
	LK_NOTICE_NEW,	       /* a new ticket */
	LK_NOTICE_ANSWER,      /* the customer wrote again */
	LK_NOTICE_ASSIGNED,    /* it is theirs now */
	LK_NOTICE_TRANSFERRED, /* it came from another queue */
	LK_NOTICE_SUPPLIER,    /* a supplier answered */
	LK_NOTICE_CONSULTED,   /* somebody who was asked answered */
	LK_NOTICE_NOTE,	       /* somebody else's words, kept inside */
	LK_NOTICE_CHASED,      /* the customer asks how it goes */
	LK_NOTICE_DATE,	       /* the day it waited for has come */
	LK_NOTICE_URGENT,      /* an urgent incident, for the incident managers */
	LK_N_NOTICES
} lk_notice_kind;

/* "new", "answer", ... as the template's section is_NAME. */
const char *lk_notice_name(lk_notice_kind kind);

/* Everything borrowed. */
typedef struct {
	lk_notice_kind kind;
	int64_t ticket;
	int64_t message; /* whose words it shows; 0: none */
	const lk_queue *queue;
	const char *owner;    /* then only the owner hears; or NULL */
	lk_notify notify;     /* whom without an owner: the queue's, or a rule's */
	const char *also;     /* title of another team that got it too, or NULL */
	const char *doer;     /* address of who did it: not told, or NULL */
	const char *customer; /* display name or address for "MAIJA via QUEUE", or NULL */
	const char *reason;
} lk_notice;

/*
 * Who of the team is to hear of it, deputies in place of those who are away. GPtrArray of const
 * lk_agent *. Needs LK_QG_COMMAND.
 */
bool lk_notice_find(lk_db *db, const lk_policy *policy, lk_time now, const lk_notice *notice,
		    GPtrArray **ret_agents, GError **error);

/*
 * Writes a notice for each of them. Inside the caller's transaction. Needs LK_QG_OUTBOX and
 * LK_QG_COMMAND.
 */
bool lk_notice_send(lk_db *db, const lk_policy *policy, lk_time now, const lk_notice *notice,
		    GError **error);

/* One notice to one agent, whoever else hears of it. */
bool lk_notice_send_to(lk_db *db, const lk_policy *policy, lk_time now, const lk_notice *notice,
		       const lk_agent *agent, GError **error);

/* Whom a notice goes to, and about what. Borrowed. */
typedef struct {
	int64_t ticket;
	int64_t message; /* whose words it shows; 0: none */
	lk_lang lang;
	const char *recipient;
	const char *reply_to; /* or NULL: no links */
} lk_notice_reader;

/* What a notice says, added to its variables. For the composing of the outbox. */
bool lk_notice_fill(lk_db *db, const lk_policy *policy, lk_time now, const lk_notice_reader *reader,
		    lk_json *variables, GError **error);

#endif
