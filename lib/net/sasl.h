/* What the login mechanisms send (RFC 4616, XOAUTH2), made in locked memory. */
#ifndef LK_NET_SASL_H
#define LK_NET_SASL_H

#include "lib/base/secret.h"

/* Base64 of NUL user NUL password. Caller frees. */
lk_secret *lk_sasl_plain(const char *user, const lk_secret *password);

/* Base64 of "user=" USER ^A "auth=Bearer " TOKEN ^A ^A. Caller frees. */
lk_secret *lk_sasl_xoauth2(const char *user, const lk_secret *token);

/* Base64 of a text. Caller frees. */
lk_secret *lk_sasl_base64(const char *bytes, size_t n);

/* "before" + the secret + "after": a command line with a secret in it. Caller frees. */
lk_secret *lk_sasl_line(const char *before, const lk_secret *secret, const char *after);

/* An IMAP quoted string (RFC 3501 4.3) of a secret. Caller frees. */
lk_secret *lk_sasl_imap_quoted(const lk_secret *secret);

#endif
