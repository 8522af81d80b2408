#include "lib/net/sasl.h"

#include <string.h>

/* Everything on the way is zeroed; what leaves is in locked memory. */
static lk_secret *take(char *bytes, size_t n)
{
	lk_secret *secret = lk_secret_new(bytes, n);
	explicit_bzero(bytes, n);
	g_free(bytes);
	return secret;
}

lk_secret *lk_sasl_base64(const char *bytes, size_t n)
{
	char *text = g_base64_encode((const guchar *)bytes, n);
	return take(text, strlen(text));
}

/* Joins pieces of given lengths and encodes them. */
static lk_secret *encode(const char *const *pieces, const size_t *sizes, size_t n_pieces)
{
	size_t n = 0;
	for (size_t i = 0; i < n_pieces; i++)
		n += sizes[i];
	char *bytes = g_malloc(n + 1);
	size_t at = 0;
	for (size_t i = 0; i < n_pieces; at += sizes[i], i++)
		memcpy(bytes + at, pieces[i], sizes[i]);
	lk_secret *encoded = lk_sasl_base64(bytes, n);
	explicit_bzero(bytes, n);
	g_free(bytes);
	return encoded;
}

lk_secret *lk_sasl_plain(const char *user, const lk_secret *password)
{
	const char *pieces[] = {"\0", user, "\0", lk_secret_text(password)};
	size_t sizes[] = {1, strlen(user), 1, lk_secret_size(password)};
	return encode(pieces, sizes, G_N_ELEMENTS(pieces));
}

lk_secret *lk_sasl_xoauth2(const char *user, const lk_secret *token)
{
	static const char before[] = "user=", between[] = "\001auth=Bearer ", after[] = "\001\001";
	const char *pieces[] = {before, user, between, lk_secret_text(token), after};
	size_t sizes[] = {sizeof before - 1, strlen(user), sizeof between - 1,
			  lk_secret_size(token), sizeof after - 1};
	return encode(pieces, sizes, G_N_ELEMENTS(pieces));
}

lk_secret *lk_sasl_line(const char *before, const lk_secret *secret, const char *after)
{
	size_t n_before = strlen(before), n = lk_secret_size(secret), n_after = strlen(after);
	char *bytes = g_malloc(n_before + n + n_after + 1);
	memcpy(bytes, before, n_before);
	memcpy(bytes + n_before, lk_secret_text(secret), n);
	memcpy(bytes + n_before + n, after, n_after);
	return take(bytes, n_before + n + n_after);
}

lk_secret *lk_sasl_imap_quoted(const lk_secret *secret)
{
	size_t n = lk_secret_size(secret), at = 0;
	const char *text = lk_secret_text(secret);
	char *quoted = g_malloc(2 * n + 3);
	quoted[at++] = '"';
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '"' || text[i] == '\\')
			quoted[at++] = '\\';
		quoted[at++] = text[i];
	}
	quoted[at++] = '"';
	return take(quoted, at);
}
