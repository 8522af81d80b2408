#include "lib/base/seal.h"

#include "lib/base/err.h"

#include <sodium.h>
#include <string.h>

static const char prefix[] = "sealed1:";
/* Once used, never for anything else. */
static const char context[crypto_kdf_CONTEXTBYTES + 1] = "lk-seal1";

enum { KEY_BYTES = 32, MOST_KEY_FILE = 65536, MOST_SECRET = 4096, MOST_BOX = 8192 };

G_STATIC_ASSERT(KEY_BYTES == crypto_kdf_KEYBYTES);
G_STATIC_ASSERT(KEY_BYTES == crypto_secretbox_KEYBYTES);

/* The next key line at *at, made into the key that seals; false at the end of the file. */
static bool next_key(const lk_secret *file, size_t *at, uint8_t *ret_key)
{
	const char *text = lk_secret_text(file);
	size_t size = lk_secret_size(file);
	uint8_t site_key[KEY_BYTES];
	bool found = false;

	while (*at < size && !found) {
		const char *line = text + *at;
		const char *newline = memchr(line, '\n', size - *at);
		size_t n = newline ? (size_t)(newline - line) : size - *at;
		size_t length = 0;
		const char *end = NULL;

		*at += n + 1;
		/* Blanks are skipped on both sides; a comment is no hex and gives nothing. */
		found = sodium_hex2bin(site_key, sizeof(site_key), line, n, " \t\r", &length,
				       &end) == 0 &&
			length == KEY_BYTES;
	}
	if (found)
		crypto_kdf_derive_from_key(ret_key, KEY_BYTES, 1, context, site_key);
	sodium_memzero(site_key, sizeof(site_key));
	return found;
}

bool lk_seal(const char *key_file, const lk_secret *secret, char **ret_sealed, GError **error)
{
	g_autoptr(lk_secret) file = NULL;
	size_t n = lk_secret_size(secret);
	size_t n_box = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + n;
	g_autofree uint8_t *box = NULL;
	g_autofree char *text = NULL;
	uint8_t key[KEY_BYTES];
	size_t at = 0;

	if (n == 0 || n > MOST_SECRET) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA, "a secret has 1 to %d bytes",
			    MOST_SECRET);
		return false;
	}
	if (!lk_secret_whole_file(key_file, MOST_KEY_FILE, &file, error))
		return false;
	if (!next_key(file, &at, key)) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "%s holds no key; make one with luukkuctl key new", key_file);
		return false;
	}
	box = g_malloc(n_box);
	randombytes_buf(box, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES,
			      (const uint8_t *)lk_secret_text(secret), n, box, key);
	sodium_memzero(key, sizeof(key));
	text = g_base64_encode(box, n_box);
	*ret_sealed = g_strconcat(prefix, text, NULL);
	return true;
}

static bool decode(const char *sealed, uint8_t *box, size_t *ret_n)
{
	const char *end = NULL;

	if (!g_str_has_prefix(sealed, prefix))
		return false;
	sealed += strlen(prefix);
	return sodium_base642bin(box, MOST_BOX, sealed, strlen(sealed), NULL, ret_n, &end,
				 sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       *end == '\0' &&
	       *ret_n > (size_t)crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
}

bool lk_unseal(const char *key_file, const char *sealed, lk_secret **ret_secret, GError **error)
{
	g_autoptr(lk_secret) file = NULL;
	g_autofree uint8_t *box = g_malloc(MOST_BOX);
	uint8_t key[KEY_BYTES];
	uint8_t *opened = NULL;
	size_t n = 0;
	size_t n_opened = 0;
	size_t at = 0;
	bool ok = false;

	if (!decode(sealed, box, &n)) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "this is no sealed value; make one with luukkuctl seal");
		return false;
	}
	if (!lk_secret_whole_file(key_file, MOST_KEY_FILE, &file, error))
		return false;
	n -= crypto_secretbox_NONCEBYTES;
	n_opened = n - crypto_secretbox_MACBYTES;
	opened = sodium_malloc(n_opened);
	g_assert(opened);
	while (!ok && next_key(file, &at, key))
		ok = crypto_secretbox_open_easy(opened, box + crypto_secretbox_NONCEBYTES, n, box,
						key) == 0;
	sodium_memzero(key, sizeof(key));
	if (ok)
		*ret_secret = lk_secret_new(opened, n_opened);
	else
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "no key of %s opens this sealed value; seal it again with luukkuctl "
			    "seal",
			    key_file);
	sodium_free(opened);
	return ok;
}
