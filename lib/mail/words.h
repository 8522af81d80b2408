/* Header text: unfolding, RFC 2047 encoded words, raw 8-bit, message ids. */
#ifndef LK_MAIL_WORDS_H
#define LK_MAIL_WORDS_H

#include <glib.h>
#include <stddef.h>

/* One line of clean UTF-8 out of a raw header value. Caller frees. */
char *lk_words_decode(const char *value, size_t n);

/* The value without its line breaks, otherwise as it is. Caller frees. */
char *lk_words_unfold(const char *value, size_t n);

/*
 * The ids of a References, In-Reply-To or Message-ID value in order, without <>, each once; the
 * newest `most` are kept. Text without any <> falls back to its words that hold an '@'.
 */
GPtrArray *lk_words_ids(const char *value, unsigned most);

/* Base64 without the reader's patience for anything but the alphabet; appends. */
void lk_base64_append(const char *text, size_t n, GString *out);

#endif
