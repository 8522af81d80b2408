/* A mail server to talk to and the rules for trusting it. */
#ifndef LK_NET_SERVER_H
#define LK_NET_SERVER_H

#include "lib/base/secret.h"
#include "lib/net/dialogue.h"

#include <stdbool.h>

typedef enum { LK_TLS_NONE, LK_TLS_STARTTLS, LK_TLS_IMPLICIT } lk_tls;
typedef enum { LK_AUTH_NONE, LK_AUTH_PLAIN, LK_AUTH_LOGIN, LK_AUTH_XOAUTH2 } lk_auth_method;

/* All borrowed. */
typedef struct {
	const char *host; /* a name, an address, or the path of a unix socket ("/...") */
	int port;
	lk_tls tls;	     /* LK_TLS_NONE only to loopback or a unix socket */
	const char *ca_file; /* NULL or "": the system's CAs */
	/*
	 * NULL, "" or "sha256:HEX" of the server's public key (SubjectPublicKeyInfo, DER). A pin
	 * replaces the CA, name and expiry checks: it is how a self-signed server is used safely.
	 */
	const char *pin;
	lk_auth_method auth;
	const char *user;
	const lk_secret *password; /* or the access token for XOAUTH2 */
	int connect_timeout_ms;	   /* 0: 30 s, TLS handshake included */
	int io_timeout_ms;	   /* 0: 60 s for each wait */
	int command_timeout_ms;	   /* 0: 300 s for one whole command, however the bytes drip */
	int wake_fd;		   /* readable: give up at once; -1 for none */
	lk_dialogue *dialogue;	   /* is told what both sides say; NULL: nobody listens */
} lk_server;

#endif
