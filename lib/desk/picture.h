/*
 * The picture of the day: how some queues are at one moment. Digests are written from it. All
 * strings are borrowed from the picture's rows or from the policy.
 */
#ifndef LK_DESK_PICTURE_H
#define LK_DESK_PICTURE_H

#include "lib/db/db.h"
#include "lib/desk/absence.h"
#include "lib/desk/policy.h"
#include "lib/desk/ticket.h"

/* Days of the past week that are counted, today not among them. */
enum { LK_PICTURE_DAYS = 7 };

typedef struct {
	int64_t id;
	const lk_queue *queue;
	lk_status status;
	lk_priority priority;
	const char *type;  /* or NULL */
	const char *owner; /* or NULL */
	const char *subject;
	const char *language; /* or NULL */
	const char *supplier; /* or NULL */
	const char *requester;
	lk_time opened_at;
	lk_time due_at;	 /* the next target; LK_TIME_NONE: none, or it stands still */
	lk_time told_at; /* last mail to the customer; LK_TIME_NONE: none, or it waits for them */
	lk_time reminded_at; /* last reminder of the supplier it waits for; LK_TIME_NONE: none */
	lk_time waiting_until;
	int64_t chased;
	int64_t epoch; /* of addresses made for agents, but for those in picture.epochs */
	bool is_vip;   /* its requester */
	bool is_machine;
	bool is_silent;
	bool is_back; /* it waited for a day, which is today */
	bool is_not_in_order;
} lk_picture_ticket;

typedef struct {
	lk_db *db;
	const lk_policy *policy;
	lk_time now;
	lk_time today; /* its first moment, in the site's time zone */
	lk_time tomorrow;
	lk_time since;			   /* first moment of the last day of work before today */
	lk_time days[LK_PICTURE_DAYS + 1]; /* first moments, the last is today */
	GPtrArray *queues;		   /* const lk_queue * */
	GArray *tickets;		   /* lk_picture_ticket: open ones, the most urgent first */
	GHashTable *absences;		   /* address on file -> lk_absence * */
	GHashTable *epochs;		   /* "TICKET AGENT" -> epoch */
	GHashTable *load;		   /* address on file -> open tickets of theirs */
	lk_rows *flow;			   /* picture_flow */
	lk_rows *stuck;			   /* picture_stuck */
	lk_rows *quarantine;		   /* picture_quarantine */
	lk_rows *unacknowledged;	   /* picture_unacknowledged */
	lk_rows *held;			   /* picture_held */
	lk_rows *mailboxes;		   /* picture_mailboxes */
	lk_rows *starts;		   /* picture_starts */
	lk_rows *lists;			   /* picture_lists */
	lk_time sending_since;		   /* LK_TIME_NONE: no mail out is late */
	lk_rows *open;			   /* backs tickets */
} lk_picture;

/* queues: const lk_queue *. In the caller's transaction. */
bool lk_picture_load(lk_db *db, const lk_policy *policy, const GPtrArray *queues, lk_time now,
		     lk_picture **ret_picture, GError **error);
void lk_picture_free(lk_picture *picture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_picture, lk_picture_free)

/* The parts of a digest that list tickets, in desk.md's order. */
typedef enum {
	LK_SECTION_URGENT,   /* urgent, and nobody's */
	LK_SECTION_DUE,	     /* breached, or due today */
	LK_SECTION_CHASED,   /* the customer asked twice, or said that it is not in order */
	LK_SECTION_UNTOLD,   /* no mail to the customer for five open days */
	LK_SECTION_SUPPLIER, /* the supplier does not answer a reminder */
	LK_SECTION_BACK,     /* the day it waited for has come */
	LK_N_SECTIONS
} lk_section;

/* Does the ticket belong there? Pure. */
bool lk_section_has(const lk_picture *picture, lk_section section, const lk_picture_ticket *ticket);

/* Is the agent of this address there today? */
bool lk_picture_is_present(const lk_picture *picture, const char *agent);

/*
 * Who of the queue's team is there and has the fewest open tickets, other than these two (or NULL).
 * NULL: nobody.
 */
const lk_agent *lk_picture_free_agent(const lk_picture *picture, const lk_queue *queue,
				      const char *not_this, const char *nor_this);

/* The queue that a row of the quarantine is about. */
const lk_queue *lk_picture_queue_of_held(const lk_picture *picture, size_t row);

/* In and out of the queues on each day, 0 the oldest; the sums since picture->since. */
typedef struct {
	int64_t in[LK_PICTURE_DAYS];
	int64_t out[LK_PICTURE_DAYS];
	int64_t in_since;
	int64_t out_since;
} lk_flow;
void lk_picture_flow(const lk_picture *picture, const GPtrArray *queues, lk_flow *ret_flow);

#endif
