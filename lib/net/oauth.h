/*
 * Access tokens for XOAUTH2, asked for at the token endpoint of an authorisation server: the
 * client credentials grant (RFC 6749 section 4.4), over HTTPS and libcurl.
 */
#ifndef LK_NET_OAUTH_H
#define LK_NET_OAUTH_H

#include "lib/base/secret.h"

#include <stdbool.h>
#include <stdint.h>

/* All borrowed. */
typedef struct {
	const char *token_url; /* https, or http to this machine: the caller has checked */
	const char *client_id;
	const lk_secret *client_secret;
	const char *scope;   /* NULL or "": none is asked for */
	const char *ca_file; /* trusted besides the system's CAs; NULL or "": none */
	int timeout_ms;	     /* 0: 30 s in all */
	int wake_fd;	     /* readable: give up at once; -1 for none */
} lk_oauth;

/*
 * One request; no redirect is followed. *ret_seconds: how long the token is good for, 0 when the
 * server does not say. LK_ERR_RETRY (network, time-out, 5xx and 429), LK_ERR_MAILBOX (refused, or
 * an answer that holds no bearer token).
 */
bool lk_oauth_token(const lk_oauth *oauth, lk_secret **ret_token, int64_t *ret_seconds,
		    GError **error);

#endif
