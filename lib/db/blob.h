/* Content stored once by its BLAKE2b-256, in chunks of 256 KiB, streamed both ways. */
#ifndef LK_DB_BLOB_H
#define LK_DB_BLOB_H

#include "lib/base/hash.h"
#include "lib/db/db.h"

/*
 * Stores `size` bytes of fd from offset, unless they are there already, in the open transaction.
 * The hash is computed from the bytes read. ret_hash may be NULL. A read that comes short is
 * LK_ERR_DATA.
 */
bool lk_blob_store(lk_db *db, int fd, uint64_t offset, uint64_t size, int64_t *ret_blob,
		   uint8_t ret_hash[LK_HASH_BYTES], GError **error);

/* Writes a blob to fd and checks its hash on the way. LK_ERR_NOINPUT, LK_ERR_DATA. */
bool lk_blob_load(lk_db *db, int64_t blob, int fd, GError **error);

#endif
