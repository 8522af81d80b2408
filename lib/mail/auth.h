/* Authentication-Results (RFC 8601): whose to believe and what they say. */
#ifndef LK_MAIL_AUTH_H
#define LK_MAIL_AUTH_H

#include "lib/mail/gather.h"

/* Sets gather->mail->auth when a believed header is there; the lists may be NULL. */
void lk_auth_read(lk_gather *gather, const char *const *authserv, const char *const *relays);

#endif
