/*
 * Who wrote the mail that an agent forwards (desk.md 15): the block of header lines that mail
 * programs put above it, in the languages that lib/mail/phrases.h knows, or the mail itself where
 * it was attached. Pure.
 */
#ifndef LK_DESK_FORWARD_H
#define LK_DESK_FORWARD_H

#include "lib/base/clock.h"
#include "lib/mail/mail.h"

typedef struct {
	char *name;    /* as shown, or NULL */
	char *address; /* sane, or NULL: Outlook prints colleagues by name only */
	char *subject; /* or NULL */
	char *date;    /* as written, or NULL */
	lk_time at;    /* the same where it could be read, else LK_TIME_NONE */
	size_t start;  /* where in the text the block starts, */
	size_t words;  /* and where the words below it do */
	bool has_mark; /* "Forwarded message" stands above it */
} lk_forward;
void lk_forward_clear(lk_forward *forward);

/*
 * The first block at or after `from` (0, or words of the block before). False: there is none.
 * Linear in the text, of which it looks at the first 256 kB.
 */
bool lk_forward_find(const char *text, size_t from, lk_forward *ret_forward);

/* The same from the header of an attached mail; start and words are 0. */
bool lk_forward_read(const char *header, size_t n, lk_forward *ret_forward);

/* Does the subject begin with what a forward begins with ("VL:", "VB:", "Fwd:")? */
bool lk_forward_subject(const char *subject);

#endif
