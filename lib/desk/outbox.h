/* All mail out. lk_outbox_add is the one function that every mail passes, breaker included. */
#ifndef LK_DESK_OUTBOX_H
#define LK_DESK_OUTBOX_H

#include "lib/base/json.h"
#include "lib/db/db.h"
#include "lib/desk/policy.h"

/* Smaller goes first. */
enum { LK_RANK_ANSWER = 1, LK_RANK_ACKNOWLEDGEMENT = 3, LK_RANK_REMINDER = 5, LK_RANK_SURVEY = 7 };

/* Somebody whom To or Cc show. Borrowed. */
typedef struct {
	const char *name; /* or NULL */
	const char *address;
} lk_outbox_person;

/* Everything borrowed. What is left 0 or NULL makes an automatic mail in the queue's name. */
typedef struct {
	int64_t ticket; /* 0: none */
	int64_t cause;	/* message that causes it; 0: none */
	const char *template_name;
	lk_purpose purpose;
	const lk_queue *queue;
	lk_lang language;
	const char *recipient;
	const char *recipient_name; /* or NULL */
	int rank;		    /* smaller goes first */
	const char *reason;
	const lk_json *variables;
	bool is_personal;	    /* a person's words: no headers of automatic mail */
	bool is_bulk;		    /* acknowledgement, reminder, digest: Precedence: bulk */
	const char *from_name;	    /* "Aino Aalto"; NULL: the queue's title */
	const lk_outbox_person *to; /* all that To shows; NULL: the recipient alone */
	unsigned n_to;
	const lk_outbox_person *cc; /* all that Cc shows */
	unsigned n_cc;
	int64_t attach;	 /* message whose attachments go along; 0: none */
	int64_t message; /* message out that it carries; 0: made when it is composed */
	lk_time due_at;	 /* not before; 0: at once */
	bool is_receipt; /* to an agent, for a mail that was proven to be theirs */
	bool is_patient; /* where the breaker would hold it, there is no row: it is asked again */
} lk_outbox_mail;

typedef enum { LK_OUTBOX_QUEUED, LK_OUTBOX_SUPPRESSED, LK_OUTBOX_HELD } lk_outbox_verdict;

/*
 * Adds the row, or adds it held or suppressed with the reason as an event: breaker budgets per
 * address and ticket, three times as much per address; automatic answers also ten times per ticket,
 * twenty per domain, ten per fingerprint (template and subject); receipts by themselves, six times
 * per address; addresses of ours, suppressed addresses. A breaker that trips is told of in a
 * digest. Inside the caller's transaction.
 */
bool lk_outbox_add(lk_db *db, const lk_policy *policy, lk_time now, const lk_outbox_mail *mail,
		   lk_outbox_verdict *ret_verdict, int64_t *ret_outbox, GError **error);

/* What the breaker said, in the language; NULL: it is no reason of the breaker. Caller frees. */
char *lk_outbox_held_words(const char *english, lk_lang lang);

/* One claimed row with the bytes to send; strings owned by the struct. */
typedef struct {
	int64_t id;
	int64_t ticket; /* 0: none */
	char *recipient;
	char *envelope_from;
	char *header_message_id;
	GBytes *wire;
	lk_time created_at;
	int attempts;	/* this one included */
	bool is_repeat; /* the bytes were claimed before: sent again as they were */
} lk_outbox_claim;
void lk_outbox_claim_free(lk_outbox_claim *claim);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_outbox_claim, lk_outbox_claim_free)

/*
 * Claims up to `most` due rows (FOR UPDATE SKIP LOCKED), composes those that have no bytes yet,
 * and commits the claim. Rows whose claimer's time has run out are claimed again with their bytes.
 * A row that cannot be composed becomes failed with the reason; one for somebody of the team who is
 * of it no more is cancelled, bytes or not. claimer: lk_proc_name. Runs its own
 * transaction. GPtrArray of lk_outbox_claim; empty when nothing is due.
 */
bool lk_outbox_claim_due(lk_db *db, const lk_policy *policy, const char *templates_dir,
			 const char *claimer, lk_time now, unsigned most, GPtrArray **ret_claims,
			 GError **error);

/* What SMTP made of it (lib/net/smtp.h, told apart by the daemon). */
typedef enum { LK_SEND_SENT, LK_SEND_RETRY, LK_SEND_FAILED, LK_SEND_UNCERTAIN } lk_send_outcome;

/* Records the outcome of a claim, sets the next time by the retry schedule (up to 5 days). */
bool lk_outbox_record(lk_db *db, lk_time now, const lk_outbox_claim *claim, lk_send_outcome outcome,
		      int code, const char *status, const char *reply, GError **error);

/*
 * The server takes no mail of this size: it goes again without its attachments, naming them.
 * *ret_done false: there are none that could be left out; record the outcome.
 */
bool lk_outbox_shrink(lk_db *db, lk_time now, const lk_outbox_claim *claim, int code,
		      const char *status, const char *reply, bool *ret_done, GError **error);

/*
 * Frees the claims of processes of this host that have died, so that their rows need not wait for
 * the claim's time to run out. For the start of luukku-send. host as in lk_proc_name.
 */
bool lk_outbox_recover(lk_db *db, const char *host, GError **error);

/* Frees what the claimer holds. For a claimer that has died, or that knows of no claim of its own.
 */
bool lk_outbox_release(lk_db *db, const char *claimer, GError **error);

/*
 * Makes mails due that are set for later than a try ever is: the clock was wrong when they were
 * set. *ret_did: how many there were.
 */
enum { LK_OUTBOX_LATEST_S = 6 * 3600 };
bool lk_outbox_hurry(lk_db *db, lk_time now, int64_t *ret_did, GError **error);

/* When the next row becomes due: LK_TIME_NONE for none. */
bool lk_outbox_next_due(lk_db *db, lk_time now, lk_time *ret_at, GError **error);

#endif
