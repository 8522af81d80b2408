/* Shared by the files of the intake only. */
#ifndef LK_DESK_PRIVATE_H
#define LK_DESK_PRIVATE_H

#include "lib/desk/assign.h"
#include "lib/desk/fields.h"
#include "lib/desk/plan.h"

enum {
	LK_MAX_NAME_BYTES = 200,
	LK_MAX_ADDRESS_BYTES = 320,
	LK_MAX_ID_BYTES = 998,
	LK_MAX_RECIPIENTS = 100,
	LK_MAX_HEADER_BLOCK = 64 * 1024
};

/* An event that is written together with the message. ticket 0: the mail is on none. */
typedef struct {
	int64_t ticket;
	char *actor; /* NULL: the mail's */
	char *event;
	char *reason;
	char *detail; /* JSON, or NULL */
} lk_told;

/* People as the database takes them: three lists of one length. */
typedef struct {
	GByteArray *hashes; /* LK_KEY_HASH_BYTES each */
	GPtrArray *addresses;
	GPtrArray *names; /* with NULLs */
} lk_people;

/* One mail on its way. Borrowed: the first five. */
typedef struct {
	lk_db *db;
	const lk_policy *policy;
	lk_time now;
	const lk_intake *intake;
	const lk_mail *mail;

	lk_time at;	  /* when the mail server received it; never later than now */
	const char *from; /* the sender's address when it can be written to, or NULL; borrowed */
	bool has_from;
	uint8_t from_hash[LK_KEY_HASH_BYTES];
	bool has_id;
	uint8_t id_hash[LK_KEY_HASH_BYTES];
	bool has_content;
	uint8_t content[LK_HASH_BYTES];
	char *actor;

	lk_rows *known; /* the one row of ingest_look */
	lk_clues *clues;
	lk_thread_facts facts;
	lk_thread_decision thread;
	lk_route route;
	lk_plan_sender sender;
	lk_plan plan;
	lk_fields fields; /* ingest-fields.c */
	lk_assignment assign;
	GPtrArray *told; /* lk_told * */
	lk_json *explain;
	int64_t stored;	       /* the mail is this message of the database; 0: it just came */
	int64_t apart_message; /* that its sender wants taken off apart_ticket; 0: none */
	int64_t apart_ticket;
	lk_rows *survey;	   /* that its sender may answer by it, or NULL */
	int64_t held_command;	   /* that its sender's action link runs; 0: none */
	int64_t action;		   /* of the table action, likewise */
	bool is_dry;		   /* explain: nothing is written */
	bool is_sent;		   /* lay in the mailbox's folder of sent mail (ingest-sent.c) */
	GPtrArray *teams;	   /* lk_work_team *: who hears of it (ingest-notice.c) */
	const char *quiet_because; /* nobody does, or NULL */
	GPtrArray *also;       /* const lk_queue *: named by a mail that joins, new to its ticket */
	lk_rows *ticket_now;   /* backs the teams' owner; or NULL */
	lk_intake bare_intake; /* intake and mail without banners of gateways, */
	lk_mail bare;	       /* where there were any; its new texts are: */
	char *bare_subject;
	char *bare_words;
	const lk_supplier *supplier;	/* that the sender is, or NULL */
	GPtrArray *supplier_references; /* char *: what it names, as in the database */
	char *unknown_customer;		/* whose mail an agent forwarded, by name only; or NULL */
} lk_work;

void lk_work_init(lk_work *work, lk_db *db, const lk_policy *policy, lk_time now,
		  const lk_intake *intake);
void lk_work_clear(lk_work *work);

/* ingest-look.c: takes the turn of this mail, then reads what is known of it and its sender. */
bool lk_work_look(lk_work *work, bool take_turn, GError **error);
/* The tickets that the clues lead to; then thread, route and plan. */
bool lk_work_decide(lk_work *work, GError **error);
/* A stored mail that a person made a ticket: the route decides which, as for any other. */
bool lk_work_decide_open(lk_work *work, const char *why, const char *unanswered, GError **error);

/* The explain JSON made anew, after the plan was changed. */
void lk_work_explain(lk_work *work);

/*
 * Overrides plan and rules for a mail that goes its own way: control mail, what pretends to be, and
 * what the desk itself wrote. Of one on a ticket the caller completes the plan.
 */
void lk_work_settle(lk_work *work, lk_outcome outcome, const char *quarantine, const char *reason);

/* Remembers an event for lk_work_store. detail (consumed) may be NULL. */
void lk_work_tell(lk_work *work, int64_t ticket, const char *event, const char *reason,
		  lk_json *detail);

/* The same by another actor ("rule:NAME"). */
void lk_work_tell_as(lk_work *work, const char *actor, int64_t ticket, const char *event,
		     const char *reason, lk_json *detail);

/* The recipients of the mail who are customers: sane, once each, not ours, no agents. */
void lk_work_people(const lk_work *work, bool with_to, lk_people *ret_people);
/* The same of plain addresses (const char *). */
void lk_work_people_of(const lk_work *work, const GPtrArray *addresses, lk_people *ret_people);
void lk_people_clear(lk_people *people);

/*
 * ingest-store.c: blobs, message, attachments, ids, events, arrival, quarantine. ticket: whose the
 * message is (0: none); concerns: the ticket of the arrival (0: none).
 */
bool lk_work_store(lk_work *work, lk_outcome outcome, const char *reason, const char *quarantine,
		   int64_t ticket, int64_t concerns, lk_ingest_result *result, GError **error);

/* ingest-store.c: the same of a mail that is stored: it goes to the ticket, the events with it. */
bool lk_work_move_stored(lk_work *work, int64_t ticket, lk_ingest_result *result, GError **error);

/* ingest-ticket.c: the mail opens a ticket; ingest-join.c: it joins the plan's. */
bool lk_work_open(lk_work *work, lk_ingest_result *result, GError **error);
bool lk_work_join(lk_work *work, lk_ingest_result *result, GError **error);

/* ingest-ticket.c: the mail is to this queue, too. */
void lk_work_tell_also(lk_work *work, int64_t ticket, const lk_queue *queue);

/* ingest.c, for both of them. Not every mail is answered; the history says why not. */
void lk_work_tell_unanswered(lk_work *work, int64_t ticket);
/* A new mail from a suppressed address shows that it works, where the plan says so. */
bool lk_work_free_sender(lk_work *work, int64_t ticket, GError **error);
/* The links that threading found. */
bool lk_work_link(lk_work *work, int64_t ticket, bool is_new, GError **error);

/* bounce.c: a delivery report; *ret_done false: it proves nothing. */
bool lk_work_bounce(lk_work *work, lk_ingest_result *result, bool *ret_done, GError **error);

#endif
