/*
 * IMAP4rev1 (RFC 3501) as a client, over libetpan on our own verified stream. Blocking, one
 * command at a time. After any error but those said otherwise the session is dead: free it.
 *
 * Errors: LK_ERR_RETRY (network, BYE, time-out), LK_ERR_MAILBOX (login refused, certificate,
 * folder), LK_ERR_MESSAGE (this mail only; the session lives unless said otherwise).
 */
#ifndef LK_NET_IMAP_H
#define LK_NET_IMAP_H

#include "lib/base/clock.h"
#include "lib/net/server.h"

#include <glib.h>
#include <stdint.h>

typedef struct lk_imap lk_imap;

typedef struct {
	uint32_t uidvalidity; /* never 0 */
	uint32_t uidnext;     /* 0 when the server does not say */
	uint32_t exists;
} lk_imap_folder;

typedef struct {
	uint32_t uid;
	uint64_t size;
	lk_time internal_date; /* LK_TIME_NONE when unreadable */
	bool seen;
} lk_imap_item;

/* Connects, verifies chain and host name, and only then logs in. */
bool lk_imap_open(const lk_server *server, lk_imap **ret_imap, GError **error);

/* Says LOGOUT when the session is alive, then frees. */
void lk_imap_free(lk_imap *imap);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_imap, lk_imap_free)

/* Folder names are UTF-8 in all calls (converted to modified UTF-7 here). */
bool lk_imap_select(lk_imap *imap, const char *folder, lk_imap_folder *ret_folder, GError **error);

/* UIDs above `after` in ascending order, at most `most` of them; GArray of uint32_t. */
bool lk_imap_search(lk_imap *imap, uint32_t after, size_t most, GArray **ret_uids, GError **error);

/*
 * Size and INTERNALDATE of the given UIDs, in their order; UIDs that have gone meanwhile are left
 * out. GArray of lk_imap_item.
 */
bool lk_imap_list(lk_imap *imap, const uint32_t *uids, size_t n, GArray **ret_items,
		  GError **error);

/*
 * BODY.PEEK[] of one mail into fd from its current offset on, or with header_only
 * BODY.PEEK[HEADER]. More than max_bytes is LK_ERR_MESSAGE. *ret_found false: expunged meanwhile.
 * A reply that libetpan cannot parse is LK_ERR_MESSAGE and leaves the session dead.
 */
bool lk_imap_fetch(lk_imap *imap, uint32_t uid, bool header_only, uint64_t max_bytes, int fd,
		   bool *ret_found, GError **error);
bool lk_imap_is_alive(const lk_imap *imap);

/* What happens to mails after their transaction has committed. UIDs that have gone are no error. */
bool lk_imap_set_seen(lk_imap *imap, const uint32_t *uids, size_t n, GError **error);
/* \Deleted, then UID EXPUNGE of these alone; without UIDPLUS they are only marked \Deleted. */
bool lk_imap_delete(lk_imap *imap, const uint32_t *uids, size_t n, GError **error);
/* MOVE (RFC 6851), or COPY and lk_imap_delete. Creates and subscribes the folder when missing. */
bool lk_imap_move(lk_imap *imap, const uint32_t *uids, size_t n, const char *folder,
		  GError **error);

/*
 * Waits for new mail in the selected folder by IDLE (RFC 2177) or, without that capability, until
 * the time has passed; then NOOP. *ret_news: the server reported something, or the time is over.
 * Returns early when wake_fd is readable (*ret_news false), which stands in for that of the server
 * while nothing is asked of it.
 */
bool lk_imap_wait(lk_imap *imap, int timeout_ms, int wake_fd, bool use_idle, bool *ret_news,
		  GError **error);

#endif
