#include "lib/base/hash.h"

#include "lib/base/blake2b.h"

#include <sodium.h>
#include <string.h>

struct lk_hash {
	lk_blake2b state;
};

lk_hash *lk_hash_new(void)
{
	lk_hash *hash = g_new(lk_hash, 1);

	lk_blake2b_begin(&hash->state, LK_HASH_BYTES);
	return hash;
}

void lk_hash_add(lk_hash *hash, const void *bytes, size_t n)
{
	lk_blake2b_add(&hash->state, bytes, n);
}

void lk_hash_end(lk_hash *hash, uint8_t ret_digest[LK_HASH_BYTES])
{
	lk_blake2b_end(&hash->state, ret_digest);
}

void lk_hash_free(lk_hash *hash)
{
	g_free(hash);
}

void lk_key_hash(const char *text, uint8_t ret_digest[LK_KEY_HASH_BYTES])
{
	lk_blake2b hash;

	lk_blake2b_begin(&hash, LK_KEY_HASH_BYTES);
	lk_blake2b_add(&hash, text, strlen(text));
	lk_blake2b_end(&hash, ret_digest);
}

char *lk_hex(const uint8_t *bytes, size_t n)
{
	char *hex = g_malloc(2 * n + 1);
	sodium_bin2hex(hex, 2 * n + 1, bytes, n);
	return hex;
}
