/*
 * Who may act as an agent. From: is not proof. Pure decisions over plain facts: no I/O, no clock.
 */
#ifndef LK_DESK_AUTHORITY_H
#define LK_DESK_AUTHORITY_H

#include "lib/base/clock.h"
#include "lib/desk/policy.h"
#include "lib/desk/ticket.h"

/* What an agent may know of a ticket. */
typedef enum {
	LK_SIGHT_NONE,
	LK_SIGHT_SPLIT, /* the mail also names an address of their queue: #split alone */
	LK_SIGHT_ASKED, /* a colleague's question is open: they see it and may answer */
	LK_SIGHT_FULL
} lk_sight;

/* Whether an agent is a manager of a queue; incident managers are of every queue. */
bool lk_agent_manages(const lk_policy *policy, const lk_agent *agent, const lk_queue *queue);
/* Whether an agent is agent or manager of a queue. queue NULL (gone): incident managers alone. */
bool lk_agent_serves(const lk_policy *policy, const lk_agent *agent, const lk_queue *queue);
/*
 * The owner of a ticket of the queue, by address. NULL: nobody, or somebody who does not see it any
 * more: they have left, the queue or the desk, and others must hear of it.
 */
const lk_agent *lk_owner_of(const lk_policy *policy, const char *owner, const lk_queue *queue);

/*
 * By queue, manager, shares_with, #ask. also: names of the other queues the opening mail was for,
 * or NULL. A queue that left the configuration is seen by incident managers alone.
 */
lk_sight lk_sight_of(const lk_policy *policy, const lk_agent *agent, const char *queue,
		     const GPtrArray *also, bool is_asked);

/* Names of the queues whose tickets the agent sees. GPtrArray of const char *; caller unrefs. */
GPtrArray *lk_sight_queues(const lk_policy *policy, const lk_agent *agent);

/* A valid token of ours in a recipient header. */
typedef struct {
	lk_purpose purpose;
	int64_t ticket;
	bool is_for_agent; /* made for the agent of From (address on file) */
	bool is_revoked;
} lk_authority_token;

/* Everything borrowed. */
typedef struct {
	unsigned from_headers;
	unsigned from_addresses;
	const char *from;      /* the From address, or NULL */
	const lk_agent *agent; /* by address or alias, or NULL */
	const char *spf;       /* trusted results, or NULL */
	const char *dkim;
	const char *dmarc;
	bool is_dkim_aligned;  /* dkim=pass was of the From domain */
	bool is_dmarc_other;   /* dmarc was looked up for another domain than that of From */
	bool senders_verified; /* site.senders_verified */
	bool trust_internal;   /* the mailbox's */
	unsigned n_auth_as;    /* X-MS-Exchange-Organization-AuthAs headers, and the first one's */
	const char *auth_as;
	int64_t ticket; /* whose the mail is; 0: none */
	lk_status status;
	lk_time ended_at;  /* resolved or closed; LK_TIME_NONE: open */
	lk_time at;	   /* when the mail came */
	lk_sight sight;	   /* of that ticket */
	bool takes_part;   /* the writer is its requester or was copied */
	bool names_others; /* its command lines begin with references to other tickets */
	bool only_undoes;  /* #undo and nothing else: also of what took the ticket out of sight */
	const lk_authority_token *tokens;
	unsigned n_tokens;
} lk_authority_facts;

typedef enum {
	LK_AUTHORITY_NOT, /* no agent, or an agent who writes as a customer */
	LK_AUTHORITY_PROVEN,
	LK_AUTHORITY_HELD,   /* an agent without proof: asked at the address on file */
	LK_AUTHORITY_REFUSED /* the mail shows signs of forgery: told at the address on file */
} lk_authority;

typedef enum {
	LK_PROOF_NONE,
	LK_PROOF_TOKEN,	   /* an agent token of this ticket made for that agent */
	LK_PROOF_DMARC,	   /* dmarc=pass or aligned dkim=pass, senders_verified */
	LK_PROOF_INTERNAL, /* trust_internal and AuthAs: Internal */
	LK_PROOF_ACTION	   /* the mail was confirmed by its action link */
} lk_proof;
const char *lk_proof_name(lk_proof proof);
bool lk_proof_parse(const char *name, lk_proof *ret_proof);

typedef struct {
	lk_authority authority;
	lk_proof proof;
	const char *reason; /* for the history; static */
	unsigned because;   /* the same, for lk_authority_reason */
	bool is_bare;	    /* held for want of any proof: there is no more to say */
	bool has_left;	    /* refused because the ticket went out of the agent's sight */
} lk_authority_decision;

/* Rights of agents, suppliers and those asked go on this long after the ticket was closed. */
#define LK_TOKEN_GRACE (INT64_C(14) * 86400 * LK_SECOND)
/* Are they over? closed_at LK_TIME_NONE: it is not closed. */
bool lk_token_is_over(lk_time closed_at, lk_time at);

lk_authority_decision lk_authority_decide(const lk_authority_facts *facts);

/* The reason in the agent's language. Static. */
const char *lk_authority_reason(const lk_authority_decision *decision, lk_lang lang);
/* A reason of the history in that language; NULL: it is none of ours. Static. */
const char *lk_authority_words(const char *english, lk_lang lang);

/* May the agent be told of the facts' ticket: by sight, or because they had it before? */
bool lk_authority_knows(const lk_authority_facts *facts);

/* "not", "proven", "held", "refused". */
const char *lk_authority_name(lk_authority authority);

/*
 * Relaxed alignment of RFC 7489 3.1: is the domain that of the address, above it or below it? Two
 * domains below a third one are not aligned: whether that is an organisation or a registry only the
 * public suffix list knows. A domain without a dot is nobody's.
 */
bool lk_domain_is_aligned(const char *address, const char *domain);

/*
 * Must the agent token that a mail came by be revoked once the mail is done? So it must when To or
 * Cc names an address that is neither ours nor an agent's: whoever has it got the token.
 */
bool lk_authority_leaks(const lk_policy *policy, const char *const *addresses, unsigned n);

#endif
