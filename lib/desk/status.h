/*
 * What moves a ticket (desk.md 5-7): one table of status x event. Pure; lk_ticket_move carries out
 * what it says.
 */
#ifndef LK_DESK_STATUS_H
#define LK_DESK_STATUS_H

#include "lib/desk/ticket.h"

typedef enum {
	/* Mail that comes in. */
	LK_EVENT_CUSTOMER,	/* requester or participant, within `reopen` when it is resolved */
	LK_EVENT_CUSTOMER_LATE, /* after `reopen`: the mail opens a new, linked ticket */
	LK_EVENT_THANKS,	/* says nothing but thanks */
	LK_EVENT_CHASE,		/* asks for progress and nothing else (desk.md 10) */
	LK_EVENT_GUEST,		/* somebody who takes no part */
	LK_EVENT_SUPPLIER,	/* a supplier's answer */
	LK_EVENT_CONSULTED,	/* a colleague's answer to #ask */
	LK_EVENT_AUTOMATIC,	/* automatic reply, delivery report, list, calendar, machine */
	LK_EVENT_DISSATISFIED,	/* the survey: not in order, or a score under reopen_below */
	/* What agents do. */
	LK_EVENT_REPLY,
	LK_EVENT_NOTE,
	LK_EVENT_ASK,
	LK_EVENT_SUPPLIER_MAIL, /* #supplier: words to the supplier */
	LK_EVENT_TAKE,
	LK_EVENT_ASSIGN,
	LK_EVENT_QUEUE,
	LK_EVENT_WAIT_CUSTOMER,
	LK_EVENT_WAIT_SUPPLIER,
	LK_EVENT_WAIT_UNTIL,
	LK_EVENT_OPEN,
	LK_EVENT_RESOLVE,
	LK_EVENT_CLOSE,
	LK_EVENT_REOPEN,
	LK_EVENT_SPAM,
	LK_EVENT_MERGE,
	/* What time does. */
	LK_EVENT_DATE_REACHED,	   /* the day of #wait until has come */
	LK_EVENT_CLOSE_AFTER,	   /* close_after has passed since it was resolved */
	LK_EVENT_CLOSE_UNANSWERED, /* the customer did not answer the last reminder */
	LK_N_EVENTS
} lk_status_event;

/* "customer", "#resolve", "close_after": as people know it. */
const char *lk_status_event_name(lk_status_event event);

typedef enum {
	LK_STEP_STAY,	/* nothing changes */
	LK_STEP_MOVE,	/* to *ret_next */
	LK_STEP_REFUSED /* a command that makes no sense now: an error to its writer */
} lk_status_step;

/* *ret_next: the status afterwards, the same one unless it moves. */
lk_status_step lk_status_next(lk_status status, lk_status_event event, lk_status *ret_next);

/*
 * Why a command is refused in that status and what to write instead, for the agent who wrote it:
 * "the ticket is closed; write #reopen first". NULL when it is not refused. Borrowed.
 */
const char *lk_status_refusal(lk_status status, lk_status_event event);

/* Is somebody of the desk, or of those it asked, still at work on it? */
bool lk_status_is_open(lk_status status);

/* The whole table as text, a row for each event, as the man page shows it. Caller frees. */
char *lk_status_table(void);

#endif
