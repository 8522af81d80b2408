/* Bytes of a mail into UTF-8: labels that lie, labels nobody knows, bytes that fit neither. */
#ifndef LK_MAIL_CHARSET_H
#define LK_MAIL_CHARSET_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct {
	const char *used; /* the charset the bytes were read as; static */
	bool is_guess;	  /* not the one the label names */
	size_t bad;	  /* bytes that had to be replaced by U+FFFD */
} lk_charset_reading;

/*
 * Appends the bytes as UTF-8. label is a MIME charset name of a stranger, or NULL. Never fails:
 * what cannot be read becomes U+FFFD. NUL and control characters are left to lk_text_clean.
 */
void lk_charset_decode(const char *label, const char *bytes, size_t n, GString *out,
		       lk_charset_reading *ret_reading);

/*
 * Opens a conversion descriptor for every charset that mail is found in and keeps it: iconv opens
 * its tables at iconv_open, which a sandbox forbids later.
 */
void lk_charset_open_all(void);

/* Lower case of valid UTF-8, fast for ASCII, which most lines are. Caller frees. */
char *lk_lower(const char *text, size_t n);

/* Is every byte below 0x80? */
bool lk_is_ascii(const char *bytes, size_t n);

#endif
