#include "lib/base/text.h"

#include <glib.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* Appends valid UTF-8 without what a text must not hold. *was_cr: the last byte was a CR. */
static void append_clean(GString *out, const char *text, size_t n, bool *was_cr)
{
	size_t start = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c >= 0x20 || c == '\t' || (c == '\n' && !*was_cr)) {
			*was_cr = false;
			continue;
		}
		g_string_append_len(out, text + start, (gssize)(i - start));
		start = i + 1;
		if (c == '\r')
			g_string_append_c(out, '\n');
		*was_cr = c == '\r';
	}
	g_string_append_len(out, text + start, (gssize)(n - start));
}

char *lk_text_clean(const char *bytes, size_t n)
{
	GString *out = g_string_sized_new(n);
	bool was_cr = false;
	while (n > 0) {
		const char *end;
		bool is_valid = g_utf8_validate_len(bytes, n, &end);
		size_t good = (size_t)(end - bytes);
		append_clean(out, bytes, good, &was_cr);
		if (is_valid)
			break;
		if (*end != '\0')
			g_string_append(out, REPLACEMENT);
		was_cr = false;
		bytes += good + 1;
		n -= good + 1;
	}
	return g_string_free(out, FALSE);
}

/* The largest length <= max_bytes that ends between characters. */
static size_t boundary_before(const char *text, size_t max_bytes)
{
	size_t n = strnlen(text, max_bytes);
	if (n < max_bytes || text[n] == '\0')
		return n;
	for (int back = 0; back < 3 && n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80; back++)
		n--;
	return n;
}

char *lk_text_cut(const char *text, size_t max_bytes)
{
	if (!text)
		return NULL;
	char *cut = g_utf8_make_valid(text, (gssize)boundary_before(text, max_bytes));
	cut[boundary_before(cut, max_bytes)] = '\0'; /* U+FFFD is longer than what it replaces */
	return cut;
}

char *lk_text_squeeze(const char *text)
{
	if (!text)
		return NULL;
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *out = g_string_sized_new(strlen(valid));
	bool is_gap = false;
	for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
		if (g_unichar_isspace(g_utf8_get_char(p))) {
			is_gap = true;
			continue;
		}
		if (is_gap && out->len > 0)
			g_string_append_c(out, ' ');
		is_gap = false;
		g_string_append_len(out, p, (gssize)(g_utf8_next_char(p) - p));
	}
	return g_string_free(out, FALSE);
}

char *lk_address_fold(const char *address)
{
	if (!address)
		return NULL;
	g_autofree char *valid = g_utf8_make_valid(address, -1);
	char *inner = g_strstrip(valid);
	size_t n = strlen(inner);
	if (n >= 2 && inner[0] == '<' && inner[n - 1] == '>') {
		inner[n - 1] = '\0';
		inner = g_strstrip(inner + 1);
	}
	GString *out = g_string_sized_new(n);
	/* Not g_utf8_strdown: that one follows the locale, and Turkish has two letters I. */
	for (const char *p = inner; *p; p = g_utf8_next_char(p))
		g_string_append_unichar(out, g_unichar_tolower(g_utf8_get_char(p)));
	return g_string_free(out, FALSE);
}

const char *lk_address_domain(const char *address)
{
	const char *at = address ? strrchr(address, '@') : NULL;
	return at && at[1] ? at + 1 : NULL;
}

void lk_address_split(const char *address, const char *separator, char **ret_base,
		      char **ret_detail)
{
	const char *at = strrchr(address, '@');
	g_autofree char *local =
		at ? g_strndup(address, (size_t)(at - address)) : g_strdup(address);
	const char *found = separator && *separator ? strstr(local, separator) : NULL;
	if (!found || found == local) {
		*ret_base = g_steal_pointer(&local);
		*ret_detail = NULL;
		return;
	}
	*ret_base = g_strndup(local, (size_t)(found - local));
	*ret_detail = g_strdup(found + strlen(separator));
}

static bool is_sane_local(const char *local, size_t n)
{
	if (n == 0)
		return false;
	/* A quoted local part must not hold what would end it early. */
	bool is_quoted = n >= 3 && local[0] == '"' && local[n - 1] == '"';
	size_t first = is_quoted ? 1 : 0;
	size_t end = is_quoted ? n - 1 : n;
	for (size_t i = first; i < end; i++) {
		unsigned char c = (unsigned char)local[i];
		if (c <= 0x20 || c == 0x7F || strchr("<>,@\"\\", c))
			return false;
	}
	return true;
}

static bool is_sane_domain(const char *domain)
{
	if (domain[0] == '\0' || domain[0] == '.' || domain[0] == '-')
		return false;
	for (const char *p = domain; *p; p++) {
		unsigned char c = (unsigned char)*p;
		if (c < 0x80 && !g_ascii_isalnum((char)c) && !strchr("-._[]:", c))
			return false;
		if (c == '.' && (p[1] == '.' || p[1] == '\0'))
			return false;
	}
	return true;
}

bool lk_address_is_sane(const char *address)
{
	enum { LONGEST = 320 };
	const char *domain = lk_address_domain(address);
	if (!domain || strlen(address) > LONGEST || !g_utf8_validate(address, -1, NULL))
		return false;
	/* C1 controls and Unicode blanks are as unfit for a command line as their ASCII cousins. */
	for (const char *p = address; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		if (g_unichar_isspace(c) || g_unichar_iscntrl(c))
			return false;
	}
	return is_sane_local(address, (size_t)(domain - 1 - address)) && is_sane_domain(domain);
}
