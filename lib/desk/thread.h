/*
 * What ties a mail to a ticket. Three steps: the clues that the mail itself holds (pure), the
 * tickets they lead to (the database's part), the decision (pure). No I/O, no clock in this file;
 * explain, replay and the tests call the same code.
 */
#ifndef LK_DESK_THREAD_H
#define LK_DESK_THREAD_H

#include "lib/base/hash.h"
#include "lib/base/token.h"
#include "lib/desk/phrases.h"
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
	lk_time closed_at;   /* LK_TIME_NONE: it is not */
	int64_t reopen_s;
	bool sender_is_requester;
	bool sender_takes_part;	 /* is a participant; the requester is one */
	bool sender_is_supplier; /* that the ticket was handed to */
	bool is_referenced;	 /* by the supplier's own reference, in the supplier's mail */
	bool is_hidden;		 /* from its sender, an agent of other queues */
	bool is_orphaned;	 /* the configuration has no queue of its name any more */
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

/*
 * An open ticket whose requester is the sender, and how much the mail is like it, in percent of
 * pg_trgm: its subject by the words of lk_subject_words, its new words by what the requester wrote
 * first and last.
 */
typedef struct {
	int64_t ticket;
	lk_status status;
	int subject;
	int words;
	bool names_more;  /* the mail has a word with a digit that the ticket does not */
	int64_t age_s;	  /* since the requester's newest mail on it */
	int64_t window_s; /* of its queue; 0: nothing joins */
} lk_thread_similar;

typedef struct {
	GArray *tickets; /* lk_thread_ticket */
	GArray *hits;	 /* lk_thread_hit */
	GArray *sent;	 /* lk_thread_sent, for bounce tokens */
	GArray *similar; /* lk_thread_similar, newest ticket first */
	lk_words words;	 /* what the new words come to */
	bool subject_is_generic;
	bool subject_is_chase;
	bool sender_is_shared; /* a mailbox of many people with many matters */
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
	bool is_over;	   /* by a supplier's or consult address whose right has ended */
	bool is_own_token; /* by the token made for its very sender, who takes part */
	bool moves;	   /* a customer's message: ends waits, opens again */
	bool may_reopen;   /* within the queue's time */
	bool is_ended;	   /* the ticket it joins is resolved or closed */
	bool is_chase;	   /* a customer asks for progress: ends no wait, is answered */
	bool is_thanks;	   /* a customer only thanks: opens nothing again */
	GArray *links;	   /* lk_thread_link: of the new ticket, or of the one it joins */
} lk_thread_decision;
void lk_thread_decision_clear(lk_thread_decision *decision);

/*
 * May the mail be a duplicate, so that facts.similar is worth looking up? Only a mail that nothing
 * else ties to a ticket, of a sender who can be believed, under a subject that names a matter.
 */
bool lk_thread_wants_similar(const lk_thread_facts *facts, const lk_thread_decision *decision);

/* The order of the mail contract; the first that holds wins. */
void lk_thread_decide(const lk_policy *policy, const lk_clues *clues, const lk_thread_facts *facts,
		      lk_thread_decision *ret_decision);

#endif
