/*
 * Possible mass incidents: several people name the same thing to one queue within a short time, far
 * more of them than usual. Pure: which tickets belong together; mass-find.c asks the database and
 * tells the managers.
 */
#ifndef LK_DESK_MASS_H
#define LK_DESK_MASS_H

#include "lib/desk/policy.h"

/* How far back the usual is looked up, and by how many tickets at most. */
enum { LK_MASS_USUAL_DAYS = 28, LK_MASS_USUAL_TICKETS = 3000 };

/* A ticket of the window that somebody else opened. Borrowed. */
typedef struct {
	int64_t ticket;
	int64_t person;
	int64_t mass;	    /* that it is part of already; 0: none */
	GPtrArray *subject; /* lk_mass_words of the subject alone */
	GPtrArray *words;   /* and of all */
} lk_mass_ticket;

/* What was usual in the queue before the window. */
typedef struct {
	GHashTable
		*counts; /* const char *word -> GUINT: in how many tickets; a missing one: none */
	int64_t tickets;
	int64_t seconds; /* from the oldest of them to the window */
} lk_mass_usual;

typedef enum {
	LK_MASS_NONE,
	LK_MASS_JOINS,	 /* the possible incident *ret_mass, silently */
	LK_MASS_PROPOSES /* the managers are told */
} lk_mass_verdict;

/* The verdict with its evidence. members: indexes (unsigned) into others. */
typedef struct {
	lk_mass_verdict verdict;
	int64_t mass;
	GArray *members;
	char *word;	 /* that they all share */
	unsigned people; /* the new one's requester included */
	int64_t usual;	 /* how many would be usual within the time, at a busy hour */
} lk_mass_finding;
void lk_mass_finding_clear(lk_mass_finding *finding);

/*
 * The words that tell matters apart, by their beginnings (languages inflect): folded, once each,
 * without greetings, pleasantries, numbers and what follows a closing. Those of the subject first.
 * List of char *; caller unrefs.
 */
GPtrArray *lk_mass_words(const char *subject, const char *text);

/* Do enough people share a word with the new ticket, so that it is worth looking what is usual? */
bool lk_mass_may_be(const lk_mass_policy *policy, const lk_mass_ticket *ticket,
		    const GArray *others);

/*
 * others: lk_mass_ticket, the window's tickets of other people, newest first. A ticket is alike
 * when the words that both have weigh enough, rare words and those of subjects weighing more.
 * Proposes when many of the alike share one word, far above what is usual for it.
 */
void lk_mass_decide(const lk_mass_policy *policy, const lk_mass_ticket *ticket,
		    const GArray *others, const lk_mass_usual *usual, lk_mass_finding *ret_finding);

#endif
