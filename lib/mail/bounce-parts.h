/* The two readers of delivery reports that bounce.c joins: status parts, and notices in words. */
#ifndef LK_MAIL_BOUNCE_PARTS_H
#define LK_MAIL_BOUNCE_PARTS_H

#include <glib.h>
#include <stdbool.h>

/* What a reader found. All owned; lk_report_clear. */
typedef struct {
	GPtrArray *recipients; /* char *, each once; NULL until the first */
	GHashTable *states;    /* char * address -> char * "failed 5.1.1"; NULL until the first */
	char *status;	       /* "5.1.1" of the first failed recipient */
	char *diagnostic;
	char *message_id; /* of the returned mail */
	int smtp_class;	  /* of the first reply code seen: 4 or 5, else 0 */
	bool is_mention;  /* the only recipient is an address that a sentence mentions */
	bool has_failure;
	bool has_delay;
	bool has_success; /* delivered, relayed or expanded */
} lk_findings;

void lk_findings_clear(lk_findings *findings);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lk_findings, lk_findings_clear)

/* Adds an address, trimmed of what surrounds it, unless it is there; false when it is none. */
bool lk_findings_add(lk_findings *findings, const char *address, size_t n);

/* RFC 3464 groups, as clean text. */
void lk_status_read(const char *text, lk_findings *findings);

/* The first "5.1.1" that stands alone in the text, or NULL. Caller frees. */
char *lk_status_in(const char *text);

/* 4 or 5 when an SMTP reply code of that class stands in the text, else 0. */
int lk_reply_class_in(const char *text);

/*
 * The part of a text above the returned mail. *ret_returned points to where that begins (NULL
 * when it does not). Caller frees the notice.
 */
char *lk_notice_of(const char *text, const char **ret_returned);

/* Who writes the notice and who gets it: never the ones it failed for. Folded, may be NULL. */
typedef struct {
	const char *from;
	GPtrArray *to;	    /* lk_address * */
	const char *sender; /* of the returned mail */
} lk_notice_parties;

/* Recipients that a notice names. */
void lk_notice_read(const char *notice, const lk_notice_parties *parties, lk_findings *findings);

#endif
