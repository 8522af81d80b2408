/* The hashes that name stored bytes: digests made by another program, in pieces of every length. */
#include "lib/base/blake2b.h"
#include "lib/base/hash.h"

#include <string.h>

enum { BYTES = 70000, LENGTHS = 600 };

static uint8_t bytes[BYTES];

static void assert_digest(const uint8_t *digest, size_t n, const char *expected)
{
	g_autofree char *hex = lk_hex(digest, n);

	g_assert_cmpstr(hex, ==, expected);
}

static void test_rfc(void)
{
	uint8_t digest[64];
	lk_blake2b hash;

	lk_blake2b_begin(&hash, sizeof digest);
	lk_blake2b_add(&hash, "abc", 3);
	lk_blake2b_end(&hash, digest);
	assert_digest(digest, sizeof digest,
		      "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
		      "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
}

/* The digest of the digests of every length up to LENGTHS, each added in two pieces. */
static void assert_lengths(size_t size, const char *expected)
{
	uint8_t digest[64];
	lk_blake2b all;

	lk_blake2b_begin(&all, size);
	for (size_t n = 0; n < LENGTHS; n++) {
		size_t cut = n * 5 / 13;
		lk_blake2b one;
		lk_blake2b_begin(&one, size);
		lk_blake2b_add(&one, bytes, cut);
		lk_blake2b_add(&one, bytes + cut, n - cut);
		lk_blake2b_end(&one, digest);
		lk_blake2b_add(&all, digest, size);
	}
	lk_blake2b_end(&all, digest);
	assert_digest(digest, size, expected);
}

static void test_lengths(void)
{
	assert_lengths(16, "fa189b9c0fcfb8f5a5be2a3e033119e2");
	assert_lengths(32, "2ee9c57b6b2d700c578f3dd6e74e31b729f9724c07dd1c1e24c9635352dc46fa");
	assert_lengths(64, "d60086ca4e092930762f8e08a32e4e0eecf8cbda22f82ab01f7a91dfa8a467f0"
			   "90b8459ab40c9c9b4439860afe7df51614fd0af9a24b79210172ebb43c58e168");
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
	g_test_add_func("/hash/rfc", test_rfc);
	g_test_add_func("/hash/lengths", test_lengths);
	g_test_add_func("/hash/pieces", test_pieces);
	g_test_add_func("/hash/key", test_key);
	return g_test_run();
}
