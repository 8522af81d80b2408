/*
 * BLAKE2b (RFC 7693) without a key. libsodium's own picks vector code that runs at half the speed
 * of plain C on processors with slow gathers and permutes, and hashing is a good part of what a
 * mail with attachments costs; the digests are the same.
 */
#ifndef LK_BASE_BLAKE2B_H
#define LK_BASE_BLAKE2B_H

#include <stddef.h>
#include <stdint.h>

enum { LK_BLAKE2B_BLOCK = 128 };

typedef struct {
	uint64_t h[8];
	uint64_t bytes; /* hashed so far, without those that wait */
	uint8_t waiting[LK_BLAKE2B_BLOCK];
	size_t n_waiting; /* the last block is hashed differently: a full one may wait */
	size_t digest_bytes;
} lk_blake2b;

/* A digest of 1 to 64 bytes. */
void lk_blake2b_begin(lk_blake2b *hash, size_t digest_bytes);
void lk_blake2b_add(lk_blake2b *hash, const void *bytes, size_t n);
/* Writes digest_bytes; the hash cannot be added to afterwards. */
void lk_blake2b_end(lk_blake2b *hash, uint8_t *ret_digest);

#endif
