#include "lib/mail/armour.h"

#include <glib.h>
#include <string.h>

static const char begin_signed[] = "-----BEGIN PGP SIGNED MESSAGE-----";
static const char begin_signature[] = "-----BEGIN PGP SIGNATURE-----";
static const char end_signature[] = "-----END PGP SIGNATURE-----";
static const char begin_message[] = "-----BEGIN PGP MESSAGE-----";

/* The next line at or behind p that is this word and nothing else but blanks; NULL: none. */
static const char *line_of(const char *text, const char *p, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = p; (at = strstr(at, word)); at += n) {
		size_t rest = strspn(at + n, " \t\r");
		if ((at == text || at[-1] == '\n') && (!at[n + rest] || at[n + rest] == '\n'))
			return at;
	}
	return NULL;
}

static const char *next_line(const char *p)
{
	const char *end = strchr(p, '\n');

	return end ? end + 1 : p + strlen(p);
}

bool lk_armour_has_encrypted(const char *text)
{
	return line_of(text, text, begin_message) != NULL;
}

/* The words behind "Hash: SHA256" and the like, and the empty line that ends those. */
static const char *behind_headers(const char *p)
{
	while (*p) {
		const char *next = next_line(p);
		size_t blanks = strspn(p, " \t\r");
		if (p[blanks] == '\n')
			return next;
		const char *colon = memchr(p, ':', (size_t)(next - p));
		if (!colon || next - p > 200)
			return p;
		p = next;
	}
	return p;
}

static void append_undashed(GString *out, const char *p, const char *end)
{
	while (p < end) {
		const char *next = MIN(next_line(p), end);
		if (g_str_has_prefix(p, "- "))
			p += 2;
		g_string_append_len(out, p, next - p);
		p = next;
	}
}

char *lk_armour_strip(const char *text)
{
	g_autoptr(GString) out = NULL;
	const char *p = text, *begin;

	while ((begin = line_of(text, p, begin_signed))) {
		const char *words = behind_headers(next_line(begin));
		const char *signature = line_of(text, words, begin_signature);
		const char *end = signature ? line_of(text, signature, end_signature) : NULL;
		if (!end)
			break;
		if (!out)
			out = g_string_sized_new(strlen(text));
		g_string_append_len(out, p, begin - p);
		append_undashed(out, words, signature);
		p = next_line(end);
	}
	if (!out)
		return NULL;
	g_string_append(out, p);
	return g_string_free(g_steal_pointer(&out), FALSE);
}
