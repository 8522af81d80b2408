/* BLAKE2b, for content and for indexes that never hold a stranger's text. */
#ifndef LK_BASE_HASH_H
#define LK_BASE_HASH_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

enum { LK_HASH_BYTES = 32, LK_KEY_HASH_BYTES = 16 };

/* BLAKE2b-256 of content. */
typedef struct lk_hash lk_hash;
lk_hash *lk_hash_new(void);
void lk_hash_add(lk_hash *hash, const void *bytes, size_t n);
/* Writes the digest; the hash cannot be added to afterwards. */
void lk_hash_end(lk_hash *hash, uint8_t ret_digest[LK_HASH_BYTES]);
void lk_hash_free(lk_hash *hash);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_hash, lk_hash_free)

/* BLAKE2b-128 of a text, for unique and lookup indexes. */
void lk_key_hash(const char *text, uint8_t ret_digest[LK_KEY_HASH_BYTES]);

/* Lower-case hex; caller frees. */
char *lk_hex(const uint8_t *bytes, size_t n);

#endif
