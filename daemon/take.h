/*
 * Taking a mail in: parsed by luukku-parse, stored by lk_ingest, committed. luukku-fetch and
 * luukku-lmtp share it. Under backlog several mails go into one transaction; when that fails, each
 * of them is tried alone, so that a bad one stops nothing but itself.
 */
#ifndef LK_DAEMON_TAKE_H
#define LK_DAEMON_TAKE_H

#include "daemon/program.h"
#include "lib/desk/ingest.h"
#include "lib/mail/mail.h"

#include <glib.h>

/* One mail on its way. Owns everything in it. */
typedef struct {
	char *folder; /* "" for POP3 and LMTP */
	int64_t uidvalidity;
	char *uid;
	uint32_t dealt; /* IMAP: every UID up to this one is dealt with once this mail is stored */
	char *server_action;
	lk_time received_at; /* LK_TIME_NONE: as its topmost Received line says, or now */
	bool is_backlog;     /* decided by the caller; turned into is_silent of the intake */
	bool is_too_large;
	char **recipients; /* envelope recipients, or NULL */
	int mail_fd;
	bool is_pooled; /* mail_fd is of lk_take_spool */
	uint64_t size;
	/* From the parser. */
	lk_mail *mail;
	int parts_fd;
	/* From lk_ingest; is_refused: it could not be stored in any form. */
	lk_ingest_result result;
	bool is_refused;
	char *refusal;
} lk_take_mail;

lk_take_mail *lk_take_mail_new(void);
void lk_take_mail_free(lk_take_mail *mail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_take_mail, lk_take_mail_free)

/* All borrowed for the life of the lk_take. */
typedef struct {
	lk_program *program; /* renewed before a mail is routed */
	const lk_conf_mailbox *mailbox;
	bool has_lease; /* each transaction checks (mailbox, host, epoch) */
	int64_t epoch;
	bool waits; /* wait for a database that is away (fetch), or fail at once (LMTP) */
	/* In each transaction before its commit, with the last mail of it. May be NULL. */
	bool (*bookkeep)(lk_db *db, const lk_take_mail *last, void *data, GError **error);
	/* After the commit, or after everything failed (is_refused), for each mail. May be NULL. */
	void (*done)(const lk_take_mail *mail, void *data);
	void *data;
} lk_take_options;

typedef struct lk_take lk_take;
lk_take *lk_take_new(const lk_take_options *options);
void lk_take_free(lk_take *take); /* rolls back what is not committed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_take, lk_take_free)

/*
 * An empty file for the mail's bytes: one of a mail that was stored, where there is one, as making
 * and removing files costs more than filling them. LK_ERR_RETRY.
 */
bool lk_take_spool(lk_take *take, lk_take_mail *mail, GError **error);

/*
 * The parser reads the mail while the caller does something else; at most one is under way. The
 * parser is started on demand. LK_ERR_RETRY.
 */
bool lk_take_parse_begin(lk_take *take, const lk_take_mail *mail, GError **error);
/* Fills mail and parts_fd. A mail that kills the parser comes back marked unparsed. */
bool lk_take_parse_end(lk_take *take, lk_take_mail *mail, GError **error);

/*
 * Stores the mail in the open transaction (begun on demand), consuming it. LK_ERR_RETRY: nothing
 * of the group is stored; an uncertain commit is resolved within.
 */
bool lk_take_add(lk_take *take, lk_take_mail *mail, GError **error);

/* Should the group be committed now (16 mails, 1 s, 4 MB)? */
bool lk_take_is_full(const lk_take *take);
size_t lk_take_count(const lk_take *take);

/* Commits the group; nothing to do is no error. */
bool lk_take_commit(lk_take *take, GError **error);

/* The database, opened on demand. LK_ERR_RETRY also when asked to stop while it is away. */
bool lk_take_db(lk_take *take, lk_db **ret_db, GError **error);

/* Has another host taken the mailbox over? Then nothing can be stored by this process any more. */
bool lk_take_lost_lease(const lk_take *take);

/* Lets go of the database and the parser; they come back on demand. */
void lk_take_rest(lk_take *take);
bool lk_take_is_resting(const lk_take *take);

#endif
