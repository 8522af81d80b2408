#include "lib/base/token.h"

#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/secret.h"
#include "lib/base/text.h"

#include <sodium.h>
#include <string.h>

enum {
	KEY_BYTES = 32,
	MOST_KEYS = 16,
	TOKEN_BYTES = 22,
	TOKEN_SIGNED = 12, /* purpose, epoch, number, tag */
	TOKEN_MAC = 10,
	ID_BYTES = 20,
	ID_SIGNED = 11, /* purpose, ticket, outbox id */
	ID_MAC = 9,
	ID_CHARS = 32,
	NUMBER_BYTES = 5,
	LONGEST_MAC = 16,
};

/* Numbers of the subkeys beside the purposes' own; once given, never another meaning. */
enum { SUBKEY_MESSAGE_ID = 256, SUBKEY_RECIPIENT = 257, SUBKEY_FINGERPRINT = 258 };

G_STATIC_ASSERT(TOKEN_SIGNED + TOKEN_MAC == TOKEN_BYTES);
G_STATIC_ASSERT(ID_SIGNED + ID_MAC == ID_BYTES);
G_STATIC_ASSERT(KEY_BYTES == crypto_kdf_KEYBYTES);

struct lk_keys {
	lk_secret *raw; /* n keys of KEY_BYTES each */
	unsigned n;
	char *domain; /* lower case */
	/* Not NONE: raw holds the subkeys of this purpose, not the site keys. */
	lk_purpose only;
};

static bool is_purpose(unsigned value)
{
	return value >= LK_PURPOSE_CUSTOMER && value <= LK_PURPOSE_APART;
}

lk_keys *lk_keys_from_bytes(const uint8_t *bytes, unsigned n, const char *domain)
{
	g_assert(n >= 1 && n <= MOST_KEYS);
	lk_keys *keys = g_new0(lk_keys, 1);
	keys->raw = lk_secret_new(bytes, (size_t)n * KEY_BYTES);
	keys->n = n;
	keys->domain = lk_address_fold(domain);
	return keys;
}

void lk_keys_free(lk_keys *keys)
{
	if (!keys)
		return;
	lk_secret_free(keys->raw);
	g_free(keys->domain);
	g_free(keys);
}

/* One line of the key file. *ret_is_key: it holds a key (and no comment). */
static bool read_key_line(const char *line, size_t n, uint8_t *ret_key, bool *ret_is_key)
{
	while (n > 0 && g_ascii_isspace(line[n - 1]))
		n--;
	while (n > 0 && g_ascii_isspace(*line)) {
		line++;
		n--;
	}
	*ret_is_key = n > 0 && *line != '#';
	if (!*ret_is_key)
		return true;
	size_t length = 0;
	return n == 2 * (size_t)KEY_BYTES &&
	       sodium_hex2bin(ret_key, KEY_BYTES, line, n, NULL, &length, NULL) == 0 &&
	       length == KEY_BYTES;
}

/* Fills `raw` (room for MOST_KEYS); the error names a line and never shows one. */
static bool read_keys(const lk_secret *file, const char *path, uint8_t *raw, unsigned *ret_n,
		      GError **error)
{
	const char *line = lk_secret_text(file);
	const char *end = line + lk_secret_size(file);
	unsigned n = 0;
	for (int number = 1; line < end; number++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *stop = newline ? newline : end;
		uint8_t key[KEY_BYTES];
		bool is_key;
		if (!read_key_line(line, (size_t)(stop - line), key, &is_key)) {
			g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
				    "%s:%d: not a key of 64 hexadecimal digits; make one with "
				    "luukkuctl key new",
				    path, number);
			return false;
		}
		if (is_key && n == MOST_KEYS) {
			g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
				    "%s:%d: more than %d keys; retire the oldest", path, number,
				    MOST_KEYS);
			return false;
		}
		if (is_key)
			memcpy(raw + (size_t)KEY_BYTES * n++, key, KEY_BYTES);
		sodium_memzero(key, sizeof key);
		line = stop + 1;
	}
	*ret_n = n;
	return true;
}

bool lk_keys_load(const char *path, const char *domain, lk_keys **ret_keys, GError **error)
{
	enum { MOST_FILE = 65536 };
	g_autoptr(lk_secret) file = NULL;
	if (!lk_secret_whole_file(path, MOST_FILE, &file, error))
		return false;
	uint8_t raw[MOST_KEYS * KEY_BYTES];
	unsigned n = 0;
	bool ok = read_keys(file, path, raw, &n, error);
	if (ok && n == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "%s: holds no key; make one with luukkuctl key new", path);
		ok = false;
	}
	if (ok)
		*ret_keys = lk_keys_from_bytes(raw, n, domain);
	sodium_memzero(raw, sizeof raw);
	return ok;
}

lk_secret *lk_key_generate(void)
{
	uint8_t key[KEY_BYTES];
	char text[2 * KEY_BYTES + 2];
	crypto_kdf_keygen(key);
	sodium_bin2hex(text, sizeof text, key, sizeof key);
	text[2 * KEY_BYTES] = '\n';
	lk_secret *secret = lk_secret_new(text, 2 * KEY_BYTES + 1);
	sodium_memzero(key, sizeof key);
	sodium_memzero(text, sizeof text);
	return secret;
}

static void derive(const lk_keys *keys, unsigned key, uint64_t subkey_id,
		   uint8_t ret_subkey[KEY_BYTES])
{
	static const char context[crypto_kdf_CONTEXTBYTES + 1] = "luukkutk";
	const uint8_t *raw = (const uint8_t *)lk_secret_text(keys->raw) + (size_t)key * KEY_BYTES;

	if (keys->only == LK_PURPOSE_NONE) {
		crypto_kdf_derive_from_key(ret_subkey, KEY_BYTES, subkey_id, context, raw);
		return;
	}
	g_assert(subkey_id == keys->only);
	memcpy(ret_subkey, raw, KEY_BYTES);
}

lk_keys *lk_keys_only(const lk_keys *keys, lk_purpose purpose)
{
	g_assert(is_purpose(purpose) && keys->only == LK_PURPOSE_NONE);
	uint8_t raw[MOST_KEYS * KEY_BYTES];
	for (unsigned i = 0; i < keys->n; i++)
		derive(keys, i, purpose, raw + (size_t)i * KEY_BYTES);
	lk_keys *narrow = lk_keys_from_bytes(raw, keys->n, keys->domain);
	narrow->only = purpose;
	sodium_memzero(raw, sizeof raw);
	return narrow;
}

/* Keyed BLAKE2b under the subkey: of the bytes, then of the text without its NUL. */
static void compute_mac(const lk_keys *keys, unsigned key, uint64_t subkey_id, const uint8_t *bytes,
			size_t n_bytes, const char *text, uint8_t ret_mac[LONGEST_MAC])
{
	uint8_t subkey[KEY_BYTES];
	crypto_generichash_state state;
	derive(keys, key, subkey_id, subkey);
	crypto_generichash_init(&state, subkey, sizeof subkey, LONGEST_MAC);
	crypto_generichash_update(&state, bytes, n_bytes);
	crypto_generichash_update(&state, (const uint8_t *)text, strlen(text));
	crypto_generichash_final(&state, ret_mac, LONGEST_MAC);
	sodium_memzero(subkey, sizeof subkey);
	sodium_memzero(&state, sizeof state);
}

unsigned lk_keys_count(const lk_keys *keys)
{
	return keys->n;
}

char *lk_keys_fingerprint(const lk_keys *keys, unsigned key)
{
	enum { SHOWN = 8 };
	uint8_t mac[LONGEST_MAC];
	g_assert(key < keys->n);
	compute_mac(keys, key, SUBKEY_FINGERPRINT, NULL, 0, "", mac);
	return lk_hex(mac, SHOWN);
}

static void compute_tag(const lk_keys *keys, unsigned key, const char *address,
			uint8_t ret_tag[LK_TOKEN_TAG_BYTES])
{
	g_autofree char *folded = lk_address_fold(address);
	uint8_t mac[LONGEST_MAC];
	compute_mac(keys, key, SUBKEY_RECIPIENT, NULL, 0, folded, mac);
	memcpy(ret_tag, mac, LK_TOKEN_TAG_BYTES);
}

/* The index of the key whose MAC stands behind the signed bytes, or -1. */
static int find_key(const lk_keys *keys, uint64_t subkey_id, const uint8_t *bytes, size_t n_signed,
		    size_t n_mac)
{
	int found = -1;
	for (unsigned i = 0; i < keys->n; i++) {
		uint8_t mac[LONGEST_MAC];
		compute_mac(keys, i, subkey_id, bytes, n_signed, keys->domain, mac);
		if (sodium_memcmp(mac, bytes + n_signed, n_mac) == 0 && found < 0)
			found = (int)i;
	}
	return found;
}

static void put_number(uint8_t *bytes, uint64_t number)
{
	g_assert(number < UINT64_C(1) << (8 * NUMBER_BYTES));
	for (int i = NUMBER_BYTES - 1; i >= 0; i--) {
		bytes[i] = (uint8_t)number;
		number >>= 8;
	}
}

static uint64_t get_number(const uint8_t *bytes)
{
	uint64_t number = 0;
	for (int i = 0; i < NUMBER_BYTES; i++)
		number = number << 8 | bytes[i];
	return number;
}

/* RFC 4648 base32 in lower case, without padding. */
static char *base32_encode(const uint8_t *bytes, size_t n)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	GString *out = g_string_sized_new(n * 8 / 5 + 2);
	unsigned pool = 0;
	int bits = 0;
	for (size_t i = 0; i < n; i++) {
		pool = (pool << 8 | bytes[i]) & 0xFFF;
		for (bits += 8; bits >= 5; bits -= 5)
			g_string_append_c(out, alphabet[pool >> (bits - 5) & 31]);
	}
	if (bits > 0)
		g_string_append_c(out, alphabet[pool << (5 - bits) & 31]);
	return g_string_free(out, FALSE);
}

static int base32_digit(char c)
{
	c = g_ascii_tolower(c);
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= '2' && c <= '7')
		return c - '2' + 26;
	return -1;
}

/* Exactly n_chars digits for n bytes; bits left over must be zero, so that a token is unique. */
static bool base32_decode(const char *text, size_t n_chars, uint8_t *ret_bytes, size_t n)
{
	unsigned pool = 0;
	int bits = 0;
	size_t done = 0;
	for (size_t i = 0; i < n_chars; i++) {
		int digit = base32_digit(text[i]);
		if (digit < 0)
			return false;
		pool = (pool << 5 | (unsigned)digit) & 0xFFF;
		bits += 5;
		if (bits < 8)
			continue;
		bits -= 8;
		if (done == n)
			return false;
		ret_bytes[done++] = (uint8_t)(pool >> bits);
	}
	return done == n && (pool & ((1u << bits) - 1)) == 0;
}

char *lk_token_sign(const lk_keys *keys, lk_purpose purpose, uint8_t epoch, uint64_t number,
		    const char *recipient)
{
	g_assert(is_purpose(purpose));
	uint8_t bytes[TOKEN_SIGNED + LONGEST_MAC] = {(uint8_t)purpose, epoch};
	put_number(bytes + 2, number);
	compute_tag(keys, 0, recipient, bytes + 2 + NUMBER_BYTES);
	compute_mac(keys, 0, purpose, bytes, TOKEN_SIGNED, keys->domain, bytes + TOKEN_SIGNED);
	return base32_encode(bytes, TOKEN_BYTES);
}

bool lk_token_verify(const lk_keys *keys, const char *text, lk_token *ret_token)
{
	uint8_t bytes[TOKEN_BYTES];
	if (!text || strnlen(text, LK_TOKEN_CHARS + 1) != LK_TOKEN_CHARS ||
	    !base32_decode(text, LK_TOKEN_CHARS, bytes, sizeof bytes) || !is_purpose(bytes[0]) ||
	    (keys->only != LK_PURPOSE_NONE && keys->only != bytes[0]))
		return false;
	int key = find_key(keys, bytes[0], bytes, TOKEN_SIGNED, TOKEN_MAC);
	if (key < 0)
		return false;
	ret_token->purpose = (lk_purpose)bytes[0];
	ret_token->epoch = bytes[1];
	ret_token->number = get_number(bytes + 2);
	memcpy(ret_token->tag, bytes + 2 + NUMBER_BYTES, LK_TOKEN_TAG_BYTES);
	ret_token->key = (unsigned)key;
	return true;
}

bool lk_token_is_for(const lk_keys *keys, const lk_token *token, const char *address)
{
	if (!address || token->key >= keys->n || keys->only != LK_PURPOSE_NONE)
		return false;
	uint8_t tag[LK_TOKEN_TAG_BYTES];
	compute_tag(keys, token->key, address, tag);
	return sodium_memcmp(tag, token->tag, sizeof tag) == 0;
}

char *lk_message_id_sign(const lk_keys *keys, lk_purpose purpose, uint64_t ticket,
			 uint64_t outbox_id)
{
	g_assert(is_purpose(purpose));
	uint8_t bytes[ID_SIGNED + LONGEST_MAC] = {(uint8_t)purpose};
	put_number(bytes + 1, ticket);
	put_number(bytes + 1 + NUMBER_BYTES, outbox_id);
	compute_mac(keys, 0, SUBKEY_MESSAGE_ID, bytes, ID_SIGNED, keys->domain, bytes + ID_SIGNED);
	g_autofree char *local = base32_encode(bytes, ID_BYTES);
	return g_strdup_printf("lk.%s@%s", local, keys->domain);
}

/* The 32 digits of "lk.DIGITS@domain", with or without <>, or NULL. Borrowed. */
static const char *id_digits(const lk_keys *keys, const char *text)
{
	static const char prefix[] = "lk.";
	size_t n_prefix = sizeof prefix - 1;
	bool has_angles = *text == '<';
	if (has_angles)
		text++;
	if (g_ascii_strncasecmp(text, prefix, n_prefix) != 0)
		return NULL;
	const char *digits = text + n_prefix;
	if (strnlen(digits, ID_CHARS + 1) <= ID_CHARS || digits[ID_CHARS] != '@')
		return NULL;
	const char *domain = digits + ID_CHARS + 1;
	size_t n_domain = strlen(keys->domain);
	if (g_ascii_strncasecmp(domain, keys->domain, n_domain) != 0)
		return NULL;
	return strcmp(domain + n_domain, has_angles ? ">" : "") == 0 ? digits : NULL;
}

bool lk_message_id_verify(const lk_keys *keys, const char *text, lk_purpose *ret_purpose,
			  uint64_t *ret_ticket, uint64_t *ret_outbox_id)
{
	const char *digits = text ? id_digits(keys, text) : NULL;
	uint8_t bytes[ID_BYTES];
	if (!digits || keys->only != LK_PURPOSE_NONE ||
	    !base32_decode(digits, ID_CHARS, bytes, sizeof bytes) || !is_purpose(bytes[0]) ||
	    find_key(keys, SUBKEY_MESSAGE_ID, bytes, ID_SIGNED, ID_MAC) < 0)
		return false;
	*ret_purpose = (lk_purpose)bytes[0];
	*ret_ticket = get_number(bytes + 1);
	*ret_outbox_id = get_number(bytes + 1 + NUMBER_BYTES);
	return true;
}
