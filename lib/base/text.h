/* Bytes of strangers made fit for PostgreSQL, JSON and people. */
#ifndef LK_BASE_TEXT_H
#define LK_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Valid UTF-8 without NUL and without C0 controls but TAB and LF: bad bytes become U+FFFD, CRLF
 * and bare CR become LF. Caller frees.
 */
char *lk_text_clean(const char *bytes, size_t n);

/* At most max_bytes of valid UTF-8, cut between characters. Caller frees. */
char *lk_text_cut(const char *text, size_t max_bytes);

/* Runs of white space (NBSP included) become one blank, ends trimmed. Caller frees. */
char *lk_text_squeeze(const char *text);

/* An address for comparing: trimmed, lower case (ASCII and UTF-8), no <>. Caller frees. */
char *lk_address_fold(const char *address);

/* The part behind the last '@', borrowed, or NULL. */
const char *lk_address_domain(const char *address);

/* The local part without "+detail" and the detail (NULL when none); caller frees both. */
void lk_address_split(const char *address, const char *separator, char **ret_base,
		      char **ret_detail);

/* One address that can stand in an SMTP command: local@domain, no controls, blanks, <> or comma. */
bool lk_address_is_sane(const char *address);

#endif
