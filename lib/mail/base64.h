/* Base64 as nearly all mails have it: whole groups of four letters, broken only between them. */
#ifndef LK_MAIL_BASE64_H
#define LK_MAIL_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Decodes such groups from the start of text, up to the first one that is not whole; out has room
 * for 3 * n / 4 bytes. Returns the bytes made; *ret_used says how much of the text they took, line
 * ends included.
 */
size_t lk_base64_groups(const char *text, size_t n, char *out, size_t *ret_used);

/*
 * Do the first bytes of a text that is labelled base64 show that it is none, but plain words? True
 * only when its first line could not be base64 and no line after it plainly is.
 */
bool lk_base64_is_none(const char *bytes, size_t n);

#endif
