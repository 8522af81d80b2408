/*
 * What ties a mail to a ticket. Three steps: the clues that the mail itself holds (pure), the
 * tickets they lead to (the database's part), the decision (pure). No I/O, no clock in this file;
 * explain, replay and the tests call the same code.
 */
#ifndef LK_DESK_THREAD_H
#define LK_DESK_THREAD_H

#include "lib/base/hash.h"
#include "lib/base/token.h"
#include "lib/desk/policy.h"
#include "lib/desk/ticket.h"
#include "lib/mail/mail.h"

enum { LK_THREAD_IDS = 101, LK_THREAD_TOKENS = 20 };

/* A valid token of ours in a recipient address, in the order of To, Cc, Delivered-To, envelope. */
typedef struct {
	lk_purpose purpose;
	uint8_t epoch;
	int64_t number; /* ticket, or outbox row for LK_PURPOSE_BOUNCE */
	bool is_for_sender;
} lk_clue_token;

/* An id that the mail answers: In-Reply-To first, then References newest first. */
typedef struct {
	char *id;
	uint8_t hash[LK_KEY_HASH_BYTES];
	bool is_ours; /* signed by us; then: */
	lk_purpose purpose;
	int64_t ticket;
	int64_t outbox;
	bool is_own; /* the mail's own Message-ID */
} lk_clue_id;

typedef struct {
	GArray *tokens; /* lk_clue_token */
	GArray *ids;	/* lk_clue_id; the own Message-ID stands last */
	GArray *tags;	/* int64_t: tickets named in the subject */
} lk_clues;

/* recipients: envelope recipients, NULL-terminated, or NULL. */
lk_clues *lk_clues_find(const lk_policy *policy, const lk_mail *mail,
			const char *const *recipients);
void lk_clues_free(lk_clues *clues);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_clues, lk_clues_free)

/*
 * The valid token in one address, wherever the separator stands; false for none. Also finds tokens
 * made while another separator was configured.
 */
bool lk_clue_token_in(const lk_policy *policy, const char *address, lk_token *ret_token);

/* Does the mail refer to a mail of ours beyond doubt (valid token or signed Message-ID)? */
bool lk_clues_name_us(const lk_clues *clues);

/* A ticket that a clue leads to. named: as the clue says; ticket: with merges followed. */
typedef struct {
	int64_t named;
	uint8_t named_epoch; /* of the named ticket: its tokens of other epochs are revoked */
	int64_t ticket;
	lk_status status;
	lk_time resolved_at; /* or closed; LK_TIME_NONE: neither */
	int64_t reopen_s;
	bool sender_is_requester;
	bool sender_takes_part; /* is a participant; the requester is one */
} lk_thread_ticket;

/* That a stored or named Message-ID belongs to a ticket. */
typedef struct {
	unsigned id;	/* index in lk_clues.ids */
	int64_t named;	/* ticket, as in lk_thread_ticket.named */
	bool is_stored; /* a stored message has this id; else it is only named by others */
} lk_thread_hit;

/* What a mail of ours (an outbox row) was about. */
typedef struct {
	int64_t outbox;
	int64_t ticket; /* 0: none */
	lk_purpose purpose;
} lk_thread_sent;

typedef struct {
	GArray *tickets; /* lk_thread_ticket */
	GArray *hits;	 /* lk_thread_hit */
	GArray *sent;	 /* lk_thread_sent, for bounce tokens */
	bool has_sender;
	bool sender_is_agent;
	bool dmarc_fails;
	lk_kind kind;
	lk_time received_at;
} lk_thread_facts;
void lk_thread_facts_init(lk_thread_facts *facts);
void lk_thread_facts_clear(lk_thread_facts *facts);

typedef struct {
	int64_t ticket;
	const char *relation; /* "continues", "related" */
	char *reason;
} lk_thread_link;

typedef struct {
	int64_t ticket; /* the one it joins; 0: none */
	lk_evidence evidence;
	char *reason;	   /* why, for people */
	lk_writer writer;  /* of a mail that joins */
	bool is_note;	   /* kept inside: never shown to or sent on to a customer */
	char *note_reason; /* or NULL */
	bool is_own_token; /* by the token made for its very sender, who takes part */
	bool moves;	   /* a customer's message: ends waits, opens again */
	bool may_reopen;   /* within the queue's time */
	bool is_ended;	   /* the ticket it joins is resolved or closed */
	GArray *links;	   /* lk_thread_link: of the new ticket, or of the one it joins */
} lk_thread_decision;
void lk_thread_decision_clear(lk_thread_decision *decision);

/* The order of the mail contract; the first that holds wins. */
void lk_thread_decide(const lk_policy *policy, const lk_clues *clues, const lk_thread_facts *facts,
		      lk_thread_decision *ret_decision);

#endif
