/* Which queue a mail is for. Pure: no I/O, no clock; explain and replay call the same code. */
#ifndef LK_DESK_ROUTE_H
#define LK_DESK_ROUTE_H

#include "lib/desk/policy.h"
#include "lib/mail/mail.h"

/* What the rules look at besides the mail. Everything borrowed. */
typedef struct {
	const lk_mail *mail;
	const char *const *recipients; /* envelope recipients, NULL-terminated, or NULL */
	const char *mailbox;	       /* name of the mailbox it came in */
	bool is_reply;		       /* it joins a ticket */
} lk_route_facts;

typedef struct {
	const lk_queue *queue; /* borrowed from the policy; never NULL */
	char *reason;
	GPtrArray *others;    /* const lk_queue *: addressed too */
	const char *priority; /* borrowed */
	const char *type;     /* borrowed, or NULL */
} lk_route;
void lk_route_clear(lk_route *route);

/*
 * The first recipient that is a queue's address (envelope, To, Cc, Delivered-To; subaddress
 * ignored), else the mailbox's queue, else the first queue there is.
 */
void lk_route_decide(const lk_policy *policy, const lk_route_facts *facts, lk_route *ret_route);

#endif
