/*
 * Possible mass incidents: several people write nearly the same to one queue within a short time.
 * Pure: which of the tickets belong together; mass.c asks the database and tells the managers.
 */
#ifndef LK_DESK_MASS_H
#define LK_DESK_MASS_H

#include "lib/desk/policy.h"

/* A ticket of the window that somebody else opened, and how alike the new one is, in percent. */
typedef struct {
	int64_t ticket;
	int64_t person;
	int64_t mass; /* that it is part of already; 0: none */
	int alike;
} lk_mass_ticket;

typedef enum {
	LK_MASS_NONE,
	LK_MASS_JOINS,	 /* the possible incident *ret_mass, silently */
	LK_MASS_PROPOSES /* the managers are told */
} lk_mass_verdict;

/*
 * others: lk_mass_ticket, each a person's ticket of the window, the new ticket's requester left
 * out. *ret_members: indexes (unsigned) of those that belong to the new one; caller unrefs.
 */
lk_mass_verdict lk_mass_decide(const lk_mass_policy *policy, const GArray *others,
			       int64_t *ret_mass, GArray **ret_members);

/*
 * The words that tell matters apart: folded, without greetings, pleasantries, numbers and what
 * follows a closing; cut to what is worth comparing. Caller frees.
 */
char *lk_mass_words(const char *subject, const char *text);

#endif
