/* Who gets a new ticket of a queue: a pure decision over what one look at the database tells. */
#ifndef LK_DESK_ASSIGN_H
#define LK_DESK_ASSIGN_H

#include "lib/db/db.h"
#include "lib/desk/policy.h"

/* Everything borrowed. */
typedef struct {
	const lk_queue *queue;
	const char *skill;    /* a rule's, or NULL */
	const char *language; /* of the customer, ISO 639-1; NULL: not known */
	const char *owner;    /* a rule's, or NULL */
	const char *last;     /* address of whoever got the queue's last ticket; "": nobody */
	GHashTable *away;     /* address on file -> anything, or NULL */
	GHashTable *open;     /* address on file -> int64_t *: open tickets; who is missing has 0 */
} lk_assign_facts;

typedef struct {
	const lk_agent *agent; /* borrowed from the policy; NULL: nobody */
	bool by_rule;	       /* the owner that a rule named */
	bool takes_turn;       /* it is now the queue's last */
	char *reason;	       /* for people; no personal data beside agents' addresses */
} lk_assignment;
void lk_assignment_clear(lk_assignment *assign);

/*
 * A rule's owner who is there comes first. Then the queue's way over those of its agents who are
 * there and have the skill, where one is needed (their languages count as skills). round_robin: the
 * next one in the configuration's order. least_loaded and skill: whoever has the fewest open
 * tickets, the next in turn among equals; skill looks first at those who speak the customer's
 * language, where anybody does.
 */
void lk_assign_decide(const lk_policy *policy, const lk_assign_facts *facts,
		      lk_assignment *ret_assign);

/* Does a decision need what lk_assign_look reads? */
bool lk_assign_needs_look(const lk_assign_facts *facts);

/*
 * Whose turn it is and who has how much, into last (caller frees) and open (caller unrefs).
 * takes_turn: locks the queue's turn until the transaction ends, so that two intakes never give the
 * same one twice.
 */
bool lk_assign_look(lk_db *db, const lk_policy *policy, const lk_queue *queue, bool takes_turn,
		    char **ret_last, GHashTable **ret_open, GError **error);

/* The queue's last ticket went to that agent. */
bool lk_assign_took(lk_db *db, const lk_queue *queue, const lk_agent *agent, GError **error);

#endif
