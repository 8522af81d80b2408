/*
 * Which queue a mail is for and what the rules make of it. Pure: no I/O, no clock; explain and
 * replay call the same code.
 */
#ifndef LK_DESK_ROUTE_H
#define LK_DESK_ROUTE_H

#include "lib/base/clock.h"
#include "lib/desk/policy.h"
#include "lib/desk/rules.h"
#include "lib/mail/mail.h"

/* What the rules look at besides the mail. Everything borrowed. */
typedef struct {
	const lk_mail *mail;
	const char *const *recipients; /* envelope recipients, NULL-terminated, or NULL */
	const char *mailbox;	       /* name of the mailbox it came in */
	uint64_t size;		       /* of the mail in bytes */
	lk_time at;		       /* when the mail server received it */
	const char *standing;	       /* of its sender: "vip", ..., or NULL */
	const char *organisation;      /* its sender's, or NULL */
	bool is_reply;		       /* it joins a ticket; of that: */
	const lk_queue *ticket_queue;  /* or NULL: not known */
	const char *ticket_type;       /* or NULL */
	const char *ticket_priority;   /* or NULL */
	const char *ruleless;	       /* why no rule has a say, or NULL */
	bool is_explained;	       /* rules.explained is wanted */
	bool is_kept;		       /* a short one that is stored, without words of the mail */
} lk_route_facts;

typedef struct {
	const lk_queue *queue; /* borrowed from the policy; never NULL */
	char *reason;
	GPtrArray *others;    /* const lk_queue *: addressed too */
	const char *priority; /* borrowed */
	const char *type;     /* borrowed, or NULL */
	const char *ruleless; /* why no rule has a say, or NULL; borrowed */
	lk_rule_result
		rules; /* what the rules set; queue, priority and type are taken over above */
} lk_route;
void lk_route_clear(lk_route *route);

/* What the rules set is forgotten: the mail goes its own way, by no rule. why: borrowed. */
void lk_route_forget_rules(lk_route *route, const char *why);

/* Whose mail that is, for people. */
#define LK_RULELESS_GUEST "a guest's mail changes nothing of a ticket"
#define LK_RULELESS_AGENT "what an agent writes to the desk is carried out as written"
#define LK_RULELESS_CONTROL "what becomes of it depends on no rule"

/*
 * The first recipient that is a queue's address (envelope, To, Cc, Delivered-To; subaddress
 * ignored), else the mailbox's queue, else the first queue there is; then the rules. Of a mail that
 * joins a ticket, queue stays the addressed one, and rules.queue is where the ticket shall go.
 */
void lk_route_decide(const lk_policy *policy, const lk_route_facts *facts, lk_route *ret_route);

#endif
