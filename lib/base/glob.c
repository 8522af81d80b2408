/* Globs and the folded form of text that they compare. */
#include "lib/base/pattern.h"

#include <string.h>

/* The long s and the sign of the kelvin differ from a letter in case only. */
static gunichar fold_char(gunichar c)
{
	return c == 0x17f ? 's' : g_unichar_tolower(c);
}

char *lk_fold(const char *text, size_t n, size_t *ret_n)
{
	GString *folded = g_string_sized_new(n + 1);
	const char *end = text + n;

	for (const char *p = text; p < end;) {
		const char *run = p;
		gsize at = folded->len;

		while (p < end && (unsigned char)*p < 0x80)
			p++;
		if (p > run) {
			g_string_set_size(folded, at + (gsize)(p - run));
			for (gsize i = 0; i < (gsize)(p - run); i++)
				folded->str[at + i] = g_ascii_tolower(run[i]);
			continue;
		}
		gunichar c = g_utf8_get_char_validated(p, end - p);
		if (c == (gunichar)-1 || c == (gunichar)-2) {
			g_string_append(folded, "\xef\xbf\xbd");
			p++;
			continue;
		}
		g_string_append_unichar(folded, fold_char(c));
		p = g_utf8_next_char(p);
	}
	*ret_n = folded->len;
	return g_string_free(folded, FALSE);
}

/* Bytes of the text that a stretch without * takes when it stands at p; 0: it does not (or is "").
 */
static bool stretch_at(const char *stretch, size_t m, const char *p, const char *end,
		       const char **ret_behind)
{
	const char *stop = stretch + m;

	while (stretch < stop) {
		if (p >= end)
			return false;
		if (*stretch == '?') {
			p = g_utf8_next_char(p);
			stretch++;
		} else if (*stretch++ != *p++) {
			return false;
		}
	}
	*ret_behind = MIN(p, end);
	return true;
}

/* The first place at or behind p where the stretch stands. */
static bool stretch_from(const char *stretch, size_t m, const char *p, const char *end,
			 const char **ret_behind)
{
	if (!memchr(stretch, '?', m)) {
		const char *found = memmem(p, (size_t)(end - p), stretch, m);
		*ret_behind = found ? found + m : NULL;
		return found != NULL;
	}
	for (; p <= end; p = g_utf8_next_char(p))
		if (stretch_at(stretch, m, p, end, ret_behind))
			return true;
	return false;
}

/* Does the text end with the stretch, no earlier than at p? */
static bool stretch_ends(const char *stretch, size_t m, const char *p, const char *end)
{
	const char *behind = NULL;
	long chars = g_utf8_strlen(stretch, (gssize)m);
	const char *at = end;

	while (chars-- > 0) {
		if (at <= p)
			return false;
		at = g_utf8_prev_char(at);
	}
	return at >= p && stretch_at(stretch, m, at, end, &behind) && behind == end;
}

bool lk_glob_match(const char *glob, const char *text, size_t n)
{
	const char *end = text + n;
	const char *p = text;
	size_t m = strcspn(glob, "*");

	if (!stretch_at(glob, m, p, end, &p))
		return false;
	if (glob[m] == '\0')
		return p == end;
	for (glob += m + 1;; glob += m + 1) {
		m = strcspn(glob, "*");
		if (glob[m] == '\0')
			return stretch_ends(glob, m, p, end);
		if (!stretch_from(glob, m, p, end, &p))
			return false;
	}
}
