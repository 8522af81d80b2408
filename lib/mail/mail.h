/* One mail as luukku sees it: what the parser says about the bytes of a stranger. */
#ifndef LK_MAIL_MAIL_H
#define LK_MAIL_MAIL_H

#include "lib/base/clock.h"
#include "lib/base/hash.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
	LK_KIND_NORMAL,
	LK_KIND_AUTO_REPLY,
	LK_KIND_BOUNCE,
	LK_KIND_LIST,
	LK_KIND_CALENDAR
} lk_kind;

typedef enum { LK_IMPORTANCE_NORMAL, LK_IMPORTANCE_HIGH, LK_IMPORTANCE_LOW } lk_importance;

typedef struct {
	char *name;    /* decoded, or NULL */
	char *address; /* as written, without <> */
} lk_address;

typedef struct {
	char *name;  /* as written */
	char *value; /* unfolded, RFC 2047 decoded, at most 2048 bytes */
} lk_header;

typedef struct {
	char *filename;	    /* decoded, basename only, no controls or bidi overrides; or NULL */
	char *content_type; /* type/subtype, lower case */
	char *content_id;   /* without <>, or NULL */
	bool is_inline;
	uint64_t offset; /* of its decoded bytes in the parts file */
	uint64_t size;
	uint8_t hash[LK_HASH_BYTES]; /* computed on luukku's side of the sandbox */
} lk_attachment;

typedef struct {
	GPtrArray *recipients; /* char *: addresses that failed or wait, as told to us */
	GPtrArray *states;     /* char *, of each: "failed 5.1.1", "delayed", "" where not told */
	bool permanent;
	char *status;		   /* RFC 3463 "5.1.1", or NULL */
	char *diagnostic;	   /* or NULL */
	char *original_message_id; /* of the returned mail, without <>, or NULL */
} lk_bounce;

/* Results of a believed Authentication-Results header (RFC 8601); NULL when there is none. */
typedef struct {
	char *spf;
	char *dkim;
	char *dmarc;
	char *dmarc_domain; /* that dmarc was looked up for (header.from), or NULL */
	GPtrArray *signers; /* char *: domains whose dkim signature passed, lower case */
} lk_auth;
lk_auth *lk_auth_new(void);
void lk_auth_free(lk_auth *auth);

/* All text is valid UTF-8 without NUL. Lists are never NULL. The struct owns everything in it. */
typedef struct {
	char *message_id;	 /* without <>, or NULL */
	lk_time date;		 /* LK_TIME_NONE when absent or unreadable */
	lk_time received;	 /* of the topmost Received line, or LK_TIME_NONE */
	lk_address *from;	 /* or NULL */
	unsigned from_headers;	 /* how many From headers, and how many addresses they hold: */
	unsigned from_addresses; /* acting as an agent needs exactly one of each; groups, routes
				    and encoded addresses count for none */
	lk_address *sender;	 /* or NULL */
	char *return_path;	 /* "" for the null path <>, NULL when absent */
	GPtrArray *reply_to;	 /* lk_address * */
	GPtrArray *to;
	GPtrArray *cc;
	GPtrArray *delivered_to; /* char *: Delivered-To, X-Original-To, Resent-To addresses */
	char *subject;		 /* decoded; "" when absent */
	char *in_reply_to;	 /* first id, without <>, or NULL */
	GPtrArray *references;	 /* char *: header order, at most 100 (the newest are kept) */
	lk_kind kind;
	char *kind_reason;     /* which header or part says so */
	bool is_vacation;      /* an auto_reply that answers a mail (not one a machine starts) */
	bool suppress_reply;   /* no acknowledgement, auto-reply or survey to this mail */
	char *suppress_reason; /* or NULL */
	char *text;
	char *reply_text;
	char *language; /* ISO 639-1, or NULL */
	lk_importance importance;
	GPtrArray *attachments; /* lk_attachment * */
	lk_bounce *bounce;	/* or NULL */
	lk_auth *auth;		/* or NULL */
	GPtrArray *auth_trail;	/* char *: each Authentication-Results, and why it counts or not */
	GPtrArray *headers;	/* lk_header *: header order, at most 500 */
	GPtrArray *defects;	/* char *: what was broken and how it was read */
	bool is_unparsed;	/* the parser died on it: only a minimal header reading */
	bool is_incomplete; /* beyond a limit: what was readable is here, the raw mail has more */
	bool has_no_room;   /* inside luukku-parse only: its file could not be written, try again */
} lk_mail;

lk_mail *lk_mail_new(void);
void lk_mail_free(lk_mail *mail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_mail, lk_mail_free)

lk_address *lk_address_new(const char *name, const char *address);
void lk_address_free(lk_address *address);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_address, lk_address_free)

/* "normal", "auto_reply", ... as in the command-line contract. */
const char *lk_kind_name(lk_kind kind);
const char *lk_importance_name(lk_importance importance);

/* The first header of that name (ASCII case-insensitive), or NULL. Borrowed. */
const char *lk_mail_header(const lk_mail *mail, const char *name);

/* The `parse` JSON of the command-line contract. Caller unrefs. */
struct lk_json *lk_mail_json(const lk_mail *mail);

/*
 * BLAKE2b-256 over Message-ID, From address, Date and decoded text, each with its length: the same
 * mail in two mailboxes has the same one, whatever Received lines were added on the way.
 */
void lk_mail_content_hash(const lk_mail *mail, uint8_t ret_hash[LK_HASH_BYTES]);

#endif
