#include "lib/base/hash.h"

#include <sodium.h>
#include <string.h>

struct lk_hash {
	crypto_generichash_state state;
};

lk_hash *lk_hash_new(void)
{
	/* libsodium wants its state on a 64-byte boundary, which malloc does not promise. */
	lk_hash *hash = g_aligned_alloc0(1, sizeof *hash, 64);
	crypto_generichash_init(&hash->state, NULL, 0, LK_HASH_BYTES);
	return hash;
}

void lk_hash_add(lk_hash *hash, const void *bytes, size_t n)
{
	crypto_generichash_update(&hash->state, bytes, n);
}

void lk_hash_end(lk_hash *hash, uint8_t ret_digest[LK_HASH_BYTES])
{
	crypto_generichash_final(&hash->state, ret_digest, LK_HASH_BYTES);
}

void lk_hash_free(lk_hash *hash)
{
	g_aligned_free(hash);
}

void lk_key_hash(const char *text, uint8_t ret_digest[LK_KEY_HASH_BYTES])
{
	crypto_generichash(ret_digest, LK_KEY_HASH_BYTES, (const unsigned char *)text, strlen(text),
			   NULL, 0);
}

char *lk_hex(const uint8_t *bytes, size_t n)
{
	char *hex = g_malloc(2 * n + 1);
	sodium_bin2hex(hex, 2 * n + 1, bytes, n);
	return hex;
}
