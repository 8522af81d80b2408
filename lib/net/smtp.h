/*
 * SMTP submission (RFC 5321, 3207, 4954) as a client. Several mails a connection.
 * Errors of the connection: LK_ERR_RETRY, or LK_ERR_CONFIG (login refused, certificate, TLS).
 */
#ifndef LK_NET_SMTP_H
#define LK_NET_SMTP_H

#include "lib/net/server.h"

#include <glib.h>
#include <stdint.h>

typedef struct lk_smtp lk_smtp;

typedef enum {
	LK_SMTP_SENT,	   /* 250 after the final dot */
	LK_SMTP_TEMPORARY, /* 4xx, or the connection was lost before the final dot */
	LK_SMTP_PERMANENT, /* 5xx, or the server lacks what this mail needs */
	LK_SMTP_UNCERTAIN  /* the final dot was sent and its answer lost */
} lk_smtp_class;

typedef struct {
	lk_smtp_class class;
	int code;     /* SMTP reply code, 0 when there was none */
	char *status; /* RFC 3463 code at the start of the reply, or NULL */
	char *reply;  /* the server's words, cleaned, at most 500 bytes; or our own */
} lk_smtp_result;

void lk_smtp_result_clear(lk_smtp_result *result);

/* helo: our host name for EHLO. */
bool lk_smtp_open(const lk_server *server, const char *helo, lk_smtp **ret_smtp, GError **error);
void lk_smtp_free(lk_smtp *smtp); /* QUIT when alive */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_smtp, lk_smtp_free)
bool lk_smtp_is_alive(const lk_smtp *smtp);

/*
 * For a connection that has been idle: is it still good? Notices a server that has closed it or
 * said goodbye, without waiting. (It may close the very next moment: see LK_SMTP_TEMPORARY.)
 */
bool lk_smtp_check(lk_smtp *smtp);

/* SIZE of the EHLO answer, 0 when there is none. */
uint64_t lk_smtp_max_size(const lk_smtp *smtp);

/*
 * Sends one mail to n recipients in one transaction and fills results[0..n-1]; from may be "" for
 * the null path. bytes: CRLF line ends, ending in CRLF. Never sets an error: what happened is in
 * the results; afterwards lk_smtp_is_alive tells whether the connection can be used again.
 */
void lk_smtp_send(lk_smtp *smtp, const char *from, const char *const *recipients, size_t n,
		  const char *bytes, size_t n_bytes, lk_smtp_result *results);

#endif
