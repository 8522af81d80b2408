/* The hashes that name stored bytes: digests made by another program, in pieces of every length. */
#include "lib/base/hash.h"

#include <string.h>

enum { BYTES = 70000 };

static uint8_t bytes[BYTES];

static void assert_digest(const uint8_t *digest, size_t n, const char *expected)
{
	g_autofree char *hex = lk_hex(digest, n);

	g_assert_cmpstr(hex, ==, expected);
}

static void test_pieces(void)
{
	static const size_t steps[] = {1, 63, 128, 129, 4096, BYTES};

	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		g_autoptr(lk_hash) hash = lk_hash_new();
		uint8_t digest[LK_HASH_BYTES];
		for (size_t done = 0; done < BYTES; done += MIN(steps[i], BYTES - done))
			lk_hash_add(hash, bytes + done, MIN(steps[i], BYTES - done));
		lk_hash_end(hash, digest);
		assert_digest(digest, LK_HASH_BYTES,
			      "58eecbd3b232298fd5bf0443acd4d712668d9ec24bdecf5fa69ec4014ff8b9f7");
	}
}

static void test_key(void)
{
	uint8_t digest[LK_KEY_HASH_BYTES];

	lk_key_hash("abc", digest);
	assert_digest(digest, LK_KEY_HASH_BYTES, "cf4ab791c62b8d2b2109c90275287816");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 8));
	g_test_add_func("/hash/pieces", test_pieces);
	g_test_add_func("/hash/key", test_key);
	return g_test_run();
}
