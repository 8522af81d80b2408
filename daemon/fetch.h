/*
 * luukku-fetch from inside: the state of one mailbox and what its two protocols have in common.
 * luukku-fetch.c holds the program and fetch_one; fetch-imap.c and fetch-pop3.c one visit each;
 * fetch-status.c what people are told.
 */
#ifndef LK_DAEMON_FETCH_H
#define LK_DAEMON_FETCH_H

#include "daemon/program.h"
#include "daemon/take.h"
#include "lib/net/imap.h"
#include "lib/net/pop3.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A mail on the server that is to be taken. */
typedef struct {
	uint32_t number; /* IMAP UID, or POP3 number in this session */
	const char *uid; /* as the arrival has it; borrowed */
	uint64_t size;
	lk_time received_at; /* INTERNALDATE, or LK_TIME_NONE */
} lk_fetch_item;

typedef struct {
	lk_program *program;
	const lk_conf_mailbox *mailbox;
	lk_take *take;
	lk_imap *imap;	      /* or NULL: no session */
	const char *selected; /* folder selected in it, or NULL */
	int64_t selected_uidvalidity;
	lk_pop3 *pop3;
	/* First contact. */
	bool knows_contact;
	lk_time backlog_before;
	/* The folder under way; "" and 0 for POP3. */
	const char *folder;
	bool is_sent;	  /* it is the one of sent mail: read only, nothing old is taken */
	bool misses_sent; /* it was said that there is none */
	int64_t uidvalidity;
	int64_t last_uid; /* as the table says */
	uint32_t dealt;	  /* every UID up to this one is stored or left */
	int64_t left_count;
	int64_t backlog_count; /* old mails found in this visit, for the message about it */
	/* One visit. */
	lk_take_mail *parsing; /* at the parser */
	int64_t did;	       /* mails taken */
	int64_t waiting;       /* listed and not yet taken */
	lk_time oldest;	       /* of them */
	int64_t pending;       /* stored, server not told */
	char *trouble;	       /* what is wrong though the visit went on; or NULL */
	GHashTable *poison;    /* UIDs of this process's life that could not be read: char * set */
	GHashTable *left;      /* POP3: UIDLs of backlog that is left alone: char * set */
	GArray *refused;       /* IMAP: uint32_t UIDs that go where `failed` says, without a row */
	/* So that an idle mailbox needs no database. */
	GHashTable *known; /* IMAP: folder name -> lk_fetch_folder * */
	GHashTable *taken; /* POP3: UIDLs that have a row: char * set */
	/* The bytes of one mail. *ret_found false: gone meanwhile. */
	bool (*body)(void *fetch, const lk_fetch_item *item, bool header_only, int fd,
		     bool *ret_found, GError **error);
	/* Tells the server about stored mails and marks them. */
	bool (*settle)(void *fetch, GError **error);
	int64_t told_ms; /* when the mailbox row was last written */
} lk_fetch;

/* What is remembered of a folder between visits. */
typedef struct {
	int64_t uidvalidity;
	int64_t last_uid;
	int64_t left_count;
} lk_fetch_folder;

/* luukku-fetch.c */
bool lk_fetch_one(lk_fetch *fetch, const lk_fetch_item *item, GError **error);
/* An IMAP mail that is left alone or has gone: the mark may pass it. */
void lk_fetch_skip(lk_fetch *fetch, uint32_t uid);
/* Stores and commits what is under way and tells the server. */
bool lk_fetch_flush(lk_fetch *fetch, GError **error);
/* "move:Luukku/Done" and so on, of the mailbox's `after` or `failed`; "keep" where people file what
 * they sent. Caller frees. */
char *lk_fetch_action(const lk_fetch *fetch, bool has_failed);

/* fetch-imap.c, fetch-pop3.c: everything that is new, once. */
bool lk_fetch_visit_imap(lk_fetch *fetch, GError **error);
bool lk_fetch_visit_pop3(lk_fetch *fetch, GError **error);
/* Waits for the server's word (*ret_news) or the time. */
bool lk_fetch_wait_imap(lk_fetch *fetch, int timeout_ms, bool *ret_news, GError **error);
bool lk_fetch_bookkeep_imap(lk_db *db, const lk_take_mail *last, void *data, GError **error);

/* fetch-status.c */
bool lk_fetch_contact(lk_fetch *fetch, GError **error);
bool lk_fetch_is_backlog(const lk_fetch *fetch, lk_time received_at);
/* What becomes of backlog in the folder under way. */
lk_conf_on_backlog lk_fetch_on_backlog(const lk_fetch *fetch);
void lk_fetch_tell_backlog(lk_fetch *fetch);
void lk_fetch_trouble(lk_fetch *fetch, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The row of the mailbox and luukkud hear how it goes. */
void lk_fetch_tell_ok(lk_fetch *fetch, bool at_end);
void lk_fetch_tell_error(lk_fetch *fetch, const GError *failed);
bool lk_fetch_mark(lk_fetch *fetch, const int64_t *arrivals, size_t n, const GError *failed,
		   GError **error);

#endif
