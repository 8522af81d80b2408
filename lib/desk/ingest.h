/*
 * A parsed mail becomes exactly one of: a message on a ticket, a known duplicate, a control mail,
 * a quarantine row. Everything happens inside the transaction that the caller has opened.
 */
#ifndef LK_DESK_INGEST_H
#define LK_DESK_INGEST_H

#include "lib/base/json.h"
#include "lib/db/db.h"
#include "lib/desk/policy.h"
#include "lib/mail/mail.h"

/* One mail as it was fetched. Everything borrowed. */
typedef struct {
	const char *mailbox;
	const char *folder; /* "" for POP3 and LMTP */
	int64_t uidvalidity;
	const char *uid;
	const char *server_action; /* what follows the commit: "keep", "seen", ... */
	lk_time received_at;
	bool is_silent;		       /* backlog: a ticket without any mail out */
	bool is_too_large;	       /* only the header was fetched */
	const char *const *recipients; /* envelope recipients (LMTP), NULL-terminated, or NULL */
	const lk_mail *mail;
	int mail_fd; /* the bytes as fetched */
	uint64_t mail_size;
	int parts_fd; /* decoded attachments; -1 when there are none */
} lk_intake;

typedef enum {
	LK_OUTCOME_TICKET,
	LK_OUTCOME_DUPLICATE,
	LK_OUTCOME_CONTROL,
	LK_OUTCOME_QUARANTINE
} lk_outcome;

typedef struct {
	lk_outcome outcome;
	bool is_seen; /* (mailbox, folder, uidvalidity, uid) was taken before: nothing written */
	bool is_new_ticket;
	int64_t arrival;
	int64_t message;   /* 0: none */
	int64_t ticket;	   /* 0: none */
	char *reason;	   /* for people and the log (no personal data) */
	char *rule_limits; /* "FILE:LINE ..." of patterns that took too long; NULL: none */
} lk_ingest_result;
void lk_ingest_result_clear(lk_ingest_result *result);

/*
 * LK_ERR_MESSAGE: this mail cannot be stored as it is (the caller rolls back and tries it as
 * unparsed); LK_ERR_RETRY: the database is away. The caller commits.
 */
bool lk_ingest(lk_db *db, const lk_policy *policy, lk_time now, const lk_intake *intake,
	       lk_ingest_result *ret_result, GError **error);

/*
 * What would happen to the mail, as the explain JSON of the command line; only reads.
 * Caller unrefs.
 */
bool lk_ingest_explain(lk_db *db, const lk_policy *policy, lk_time now, const lk_intake *intake,
		       lk_json **ret_explain, GError **error);

#endif
