/*
 * The decision on one mail as explain shows it, over what the caller says the database knows: for
 * replay, for the tests of a configuration, and where the database is away. Pure: no I/O, no clock.
 */
#ifndef LK_DESK_DRY_H
#define LK_DESK_DRY_H

#include "lib/desk/plan.h"

/* What the database knows, or knew. Everything borrowed. */
typedef struct {
	const lk_thread_decision *thread;
	const lk_plan_sender *sender;
	const char *standing;	  /* of the sender, or NULL */
	const char *organisation; /* of the person; NULL: that of the configuration */
	const lk_queue *queue;	  /* of the ticket that it joins; NULL: not known */
	const char *type;	  /* or NULL */
	const char *priority;	  /* or NULL */
	bool is_explained;	  /* each test of each rule is wanted */
} lk_dry_facts;

/*
 * Route, plan and fields over that. Whose turn it would be is not decided: owner is the one that a
 * rule names. Caller unrefs.
 */
lk_json *lk_dry_explain(const lk_policy *policy, const lk_intake *intake,
			const lk_dry_facts *facts);

/* The same, each test explained, for a mail that comes to an empty database. Caller unrefs. */
lk_json *lk_dry_explain_first(const lk_policy *policy, const lk_intake *intake);

/* Where the language of a sender comes from when the person has none: the configuration. */
const char *lk_dry_language(const lk_policy *policy, const char *address);

#endif
