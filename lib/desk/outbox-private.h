/* Shared by the files of the outbox only. */
#ifndef LK_DESK_OUTBOX_PRIVATE_H
#define LK_DESK_OUTBOX_PRIVATE_H

#include "lib/base/hash.h"
#include "lib/desk/outbox.h"
#include "lib/mail/compose.h"

/* What stands against a mail: its number, why it may not go, and what it is counted by. */
typedef struct {
	int64_t id;
	lk_outbox_verdict verdict;
	char *reason;
	uint8_t recipient[LK_KEY_HASH_BYTES];
	bool is_answer; /* a machine's to a mail: the next two count */
	uint8_t domain[LK_KEY_HASH_BYTES];
	bool has_fingerprint;
	uint8_t fingerprint[LK_KEY_HASH_BYTES];
} lk_outbox_check;
void lk_outbox_check_clear(lk_outbox_check *check);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lk_outbox_check, lk_outbox_check_clear)

/* outbox-breaker.c: the breaker, and everything else that keeps a mail from going out. */
bool lk_outbox_check_mail(lk_db *db, const lk_policy *policy, lk_time now,
			  const lk_outbox_mail *mail, lk_outbox_check *ret_check, GError **error);
/* Domain and fingerprint, or nulls. */
void lk_outbox_check_params(const lk_outbox_check *check, lk_params *params);

/* An acknowledgement older than this says why, or is left out when the answer has gone. */
enum { LK_OUTBOX_LATE_S = 4 * 3600 };

/* "customer", "agent", ... as in outbox.purpose; NONE is "admin". */
const char *lk_outbox_purpose_name(lk_purpose purpose);
lk_purpose lk_outbox_purpose(const char *name);

/* The plain address, or with a token behind the separator where subaddresses work. Caller frees. */
char *lk_outbox_address(const lk_policy *policy, const char *plain, lk_purpose purpose,
			uint8_t epoch, int64_t number, const char *recipient);

/* Numbers of action tokens are those of held mails (epoch 0) or of the table action. */
enum { LK_ACTION_EPOCH = 1 };

enum { LK_OUTBOX_HEADERS = 10 };

/* outbox.form as it is read: how one mail is composed. */
typedef struct {
	bool is_personal;
	bool is_bulk;
	bool is_bare; /* too large for the server: attachments are named alone */
	bool is_for_team;
	char *from_name; /* or NULL */
	lk_json *to;	 /* all that To shows, or NULL */
	lk_json *cc;	 /* or NULL */
	GArray *more_to; /* lk_compose_address, borrowed from to */
	GArray *more_cc;
	GPtrArray *bytes;    /* GByteArray * of the parts */
	GArray *parts;	     /* lk_compose_part */
	lk_rows *rows;	     /* of the attachments; owns their names */
	GPtrArray *left_out; /* char *: names of attachments too large to go along */
} lk_outbox_form;

/*
 * Reads the form and the attachments that go along; what goes beyond 20 MiB together is left out
 * and named; mails of the desk's own go to agents alone. LK_ERR_RETRY, LK_ERR_DATA.
 */
bool lk_outbox_form_read(lk_db *db, const lk_policy *policy, const char *form, lk_purpose purpose,
			 lk_outbox_form *ret_form, GError **error);
void lk_outbox_form_clear(lk_outbox_form *form);

/* Does a mail of that purpose stay within the team? */
bool lk_outbox_is_inside(lk_purpose purpose);

/* The names left out, for the templates. Caller unrefs. */
lk_json *lk_outbox_form_left_out(const lk_outbox_form *form);

/* What the mail is about. Everything borrowed. */
typedef struct {
	const lk_policy *policy;
	const lk_queue *queue;
	lk_purpose purpose;
	const char *reference; /* or NULL */
	bool is_answer;	       /* to somebody's mail (RFC 3834 auto-replied) */
	lk_lang language;
} lk_outbox_about;

/* The headers that its class of mail has; returns how many. *ret_list_id (caller frees) backs one.
 */
unsigned lk_outbox_form_headers(const lk_outbox_form *form, const lk_outbox_about *about,
				lk_compose_header headers[LK_OUTBOX_HEADERS], char **ret_list_id);

/* People and parts of the form into the mail, which borrows them. */
void lk_outbox_form_fill(const lk_outbox_form *form, lk_compose *mail);

/*
 * Fills the claim with the bytes of one claimed row and stores them, the message out and its id.
 * LK_ERR_RETRY: the database is away; any other: this row cannot be composed.
 */
bool lk_outbox_compose(lk_db *db, const lk_policy *policy, const char *templates_dir, lk_time now,
		       const lk_rows *rows, size_t row, lk_outbox_claim *claim, GError **error);

#endif
