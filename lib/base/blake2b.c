#include "lib/base/blake2b.h"

#include <glib.h>
#include <string.h>

/* The fractions of the square roots of the first eight primes, as in SHA-512. */
static const uint64_t start[8] = {UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b),
				  UINT64_C(0x3c6ef372fe94f82b), UINT64_C(0xa54ff53a5f1d36f1),
				  UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
				  UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179)};

static inline uint64_t rotate(uint64_t value, unsigned bits)
{
	return value >> bits | value << (64 - bits);
}

/* The order of the words in each round is RFC 7693's SIGMA; as literals they stay in registers. */
#define MIX(a, b, c, d, x, y)                                                                      \
	do {                                                                                       \
		a += b + m[x];                                                                     \
		d = rotate(d ^ a, 32);                                                             \
		c += d;                                                                            \
		b = rotate(b ^ c, 24);                                                             \
		a += b + m[y];                                                                     \
		d = rotate(d ^ a, 16);                                                             \
		c += d;                                                                            \
		b = rotate(b ^ c, 63);                                                             \
	} while (0)

#define ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15)                \
	do {                                                                                       \
		MIX(v0, v4, v8, v12, s0, s1);                                                      \
		MIX(v1, v5, v9, v13, s2, s3);                                                      \
		MIX(v2, v6, v10, v14, s4, s5);                                                     \
		MIX(v3, v7, v11, v15, s6, s7);                                                     \
		MIX(v0, v5, v10, v15, s8, s9);                                                     \
		MIX(v1, v6, v11, v12, s10, s11);                                                   \
		MIX(v2, v7, v8, v13, s12, s13);                                                    \
		MIX(v3, v4, v9, v14, s14, s15);                                                    \
	} while (0)

static void take_block(lk_blake2b *hash, const uint8_t *block, uint64_t last)
{
	uint64_t m[16], *h = hash->h;
	uint64_t v0 = h[0], v1 = h[1], v2 = h[2], v3 = h[3], v4 = h[4], v5 = h[5], v6 = h[6],
		 v7 = h[7], v8 = start[0], v9 = start[1], v10 = start[2], v11 = start[3],
		 v12 = start[4] ^ hash->bytes, v13 = start[5], v14 = start[6] ^ last,
		 v15 = start[7];

	memcpy(m, block, sizeof m);
	for (unsigned i = 0; G_BYTE_ORDER == G_BIG_ENDIAN && i < 16; i++)
		m[i] = GUINT64_FROM_LE(m[i]);
	ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
	ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);
	ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);
	ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);
	ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);
	ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);
	ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);
	ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);
	ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);
	ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
	h[0] ^= v0 ^ v8;
	h[1] ^= v1 ^ v9;
	h[2] ^= v2 ^ v10;
	h[3] ^= v3 ^ v11;
	h[4] ^= v4 ^ v12;
	h[5] ^= v5 ^ v13;
	h[6] ^= v6 ^ v14;
	h[7] ^= v7 ^ v15;
}

void lk_blake2b_begin(lk_blake2b *hash, size_t digest_bytes)
{
	memset(hash, 0, sizeof *hash);
	memcpy(hash->h, start, sizeof start);
	hash->h[0] ^= UINT64_C(0x01010000) ^ digest_bytes;
	hash->digest_bytes = digest_bytes;
}

void lk_blake2b_add(lk_blake2b *hash, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	if (n == 0)
		return;
	if (hash->n_waiting > 0) {
		size_t room = LK_BLAKE2B_BLOCK - hash->n_waiting, more = MIN(n, room);
		memcpy(hash->waiting + hash->n_waiting, p, more);
		hash->n_waiting += more;
		p += more;
		n -= more;
		if (n == 0)
			return;
		hash->bytes += LK_BLAKE2B_BLOCK;
		take_block(hash, hash->waiting, 0);
		hash->n_waiting = 0;
	}
	for (; n > LK_BLAKE2B_BLOCK; p += LK_BLAKE2B_BLOCK, n -= LK_BLAKE2B_BLOCK) {
		hash->bytes += LK_BLAKE2B_BLOCK;
		take_block(hash, p, 0);
	}
	memcpy(hash->waiting, p, n);
	hash->n_waiting = n;
}

void lk_blake2b_end(lk_blake2b *hash, uint8_t *ret_digest)
{
	uint64_t words[8];

	memset(hash->waiting + hash->n_waiting, 0, LK_BLAKE2B_BLOCK - hash->n_waiting);
	hash->bytes += hash->n_waiting;
	take_block(hash, hash->waiting, UINT64_MAX);
	for (unsigned i = 0; i < 8; i++)
		words[i] = GUINT64_TO_LE(hash->h[i]);
	memcpy(ret_digest, words, hash->digest_bytes);
}
