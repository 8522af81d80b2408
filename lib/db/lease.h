/* Which host polls a mailbox, by the database's clock. */
#ifndef LK_DB_LEASE_H
#define LK_DB_LEASE_H

#include "lib/db/db.h"

typedef struct {
	char *mailbox;
	int64_t epoch;
} lk_lease;
void lk_lease_free(lk_lease *lease);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_lease, lk_lease_free)

/*
 * Renews the leases that this (host, instance) holds on these mailboxes in one statement, then
 * tries for those it lacks: a free, expired or own one, or one of another instance on this host (a
 * restarted luukkud). Each new holder gets a greater epoch. GPtrArray of lk_lease, by mailbox: what
 * is held now. Outside any transaction.
 */
bool lk_lease_renew(lk_db *db, const char *host, const char *instance, const GPtrArray *mailboxes,
		    int lease_s, GPtrArray **ret_leases, GError **error);

/*
 * In the transaction of an ingest: is the lease still ours? It stays so until the commit.
 * LK_ERR_RETRY "lease lost" when another holder has taken it.
 */
bool lk_lease_check(lk_db *db, const char *mailbox, const char *host, int64_t epoch,
		    GError **error);

#endif
