/*
 * What becomes of one mail: pure, over what the mail says, what the database knows and what thread
 * and route decided. ingest carries the plan out; explain only shows it.
 */
#ifndef LK_DESK_PLAN_H
#define LK_DESK_PLAN_H

#include "lib/desk/ingest.h"
#include "lib/desk/route.h"
#include "lib/desk/thread.h"

/* What the database knows of the sender. Everything borrowed. */
typedef struct {
	bool is_blocked;
	bool is_suppressed;		   /* a proven hard bounce: no mail goes there yet */
	const char *suppressed_reason;	   /* or NULL */
	const char *language;		   /* of the person, else of the organisation; or NULL */
	const char *organisation;	   /* imported, else by the configuration, else as before */
	const char *organisation_language; /* or NULL */
	const char *organisation_sla;	   /* or NULL */
	int64_t machine_repeat; /* open ticket of the same machine and subject; 0: none */
} lk_plan_sender;

typedef struct {
	lk_outcome outcome;
	const char *quarantine; /* a quarantine reason of the contract, or NULL */
	char *reason;		/* for people; no personal data */
	int64_t ticket;		/* joins this one; 0: opens one (LK_OUTCOME_TICKET) */
	lk_evidence evidence;	/* of a mail that joins */
	lk_writer writer;
	bool is_machine; /* the new ticket is a machine's */
	bool is_note;
	bool is_out; /* an answer of the desk's that was written elsewhere */
	bool moves;
	bool frees_sender; /* its coming shows that the suppressed address works */
	lk_lang language;
	bool is_bilingual; /* language is only the queue's: both texts where configured */
	bool acknowledge;
	char *acknowledge_reason;
	const char *template_name; /* of the acknowledgement; borrowed */
	lk_notify notify;	   /* who hears of the new ticket */
} lk_plan;
void lk_plan_clear(lk_plan *plan);

/*
 * The ticket that the mail will join, or 0: known before the rules run, which look at replies and
 * new tickets differently.
 */
int64_t lk_plan_joins(const lk_mail *mail, const lk_clues *clues, const lk_thread_decision *thread,
		      const lk_plan_sender *sender);

/* For every mail that is neither known nor a control mail. */
void lk_plan_decide(const lk_policy *policy, const lk_intake *intake, const lk_clues *clues,
		    const lk_thread_decision *thread, const lk_route *route,
		    const lk_plan_sender *sender, lk_plan *ret_plan);

/*
 * A stored mail that a person made a ticket: it opens one, whatever its kind and whatever a rule
 * drops. unanswered: why it is not acknowledged all the same, or NULL.
 */
void lk_plan_open(const lk_policy *policy, const lk_intake *intake, const lk_route *route,
		  const lk_plan_sender *sender, const char *why, const char *unanswered,
		  lk_plan *ret_plan);

/*
 * Why nothing automatic may answer the writer of this mail, whatever it became; NULL: it may.
 * Caller frees.
 */
char *lk_plan_unanswerable(const lk_policy *policy, const lk_intake *intake,
			   const lk_plan_sender *sender, const lk_plan *plan);

/* Did the trusted results say that the From address failed? */
bool lk_mail_fails_dmarc(const lk_mail *mail);

/* The sender's address when it can be written to, else NULL. Borrowed. */
const char *lk_mail_sender(const lk_mail *mail);

/* plan-explain.c: the decision as explain shows it; ticket as in the plan. Caller unrefs. */
lk_json *lk_plan_explain(const lk_policy *policy, const lk_intake *intake,
			 const lk_thread_decision *thread, const lk_route *route,
			 const lk_plan *plan);

#endif
