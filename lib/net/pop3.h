/*
 * POP3 (RFC 1939, RFC 2449, RFC 2595) as a client. libetpan connects and logs in; listing and
 * bytes are read by ourselves, with bounds. Errors as in lib/net/imap.h; any error ends the
 * session without QUIT, so that no DELE takes effect.
 */
#ifndef LK_NET_POP3_H
#define LK_NET_POP3_H

#include "lib/net/server.h"

#include <glib.h>
#include <stdint.h>

typedef struct lk_pop3 lk_pop3;

typedef struct {
	uint32_t number;
	uint64_t size;
	char uidl[71]; /* RFC 1939: 1 to 70 characters 0x21-0x7e */
} lk_pop3_item;

bool lk_pop3_open(const lk_server *server, lk_pop3 **ret_pop3, GError **error);

/* Drops the connection; nothing marked is deleted. */
void lk_pop3_free(lk_pop3 *pop3);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_pop3, lk_pop3_free)

/* All mails (UIDL and LIST), at most 1,000,000; GArray of lk_pop3_item. */
bool lk_pop3_list(lk_pop3 *pop3, GArray **ret_items, GError **error);

/* RETR, or TOP n 0 with header_only; byte for byte with dot-stuffing removed. */
bool lk_pop3_fetch(lk_pop3 *pop3, uint32_t number, bool header_only, uint64_t max_bytes, int fd,
		   GError **error);

/* DELE: takes effect at lk_pop3_commit. */
bool lk_pop3_delete(lk_pop3 *pop3, uint32_t number, GError **error);

/* QUIT: deletes what was marked and ends the session. */
bool lk_pop3_commit(lk_pop3 *pop3, GError **error);

#endif
