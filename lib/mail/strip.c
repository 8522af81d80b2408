#include "lib/mail/strip.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

/* How many bytes at p the folded banner takes, 0 when it does not stand there. */
static size_t match_at(const char *p, const char *folded)
{
	const char *start = p;

	while (*folded) {
		if (!*p || g_unichar_tolower(g_utf8_get_char(p)) != g_utf8_get_char(folded))
			return 0;
		p = g_utf8_next_char(p);
		folded = g_utf8_next_char(folded);
	}
	return (size_t)(p - start);
}

static char *fold(const char *banner)
{
	GString *folded = g_string_new(NULL);

	for (const char *p = banner; *p; p = g_utf8_next_char(p))
		g_string_append_unichar(folded, g_unichar_tolower(g_utf8_get_char(p)));
	return g_string_free(folded, FALSE);
}

static char *strip_one(const char *text, const char *banner)
{
	g_autofree char *folded = fold(banner);
	g_autoptr(GString) out = g_string_sized_new(strlen(text));
	size_t line_start = 0;
	bool removed = false;

	for (const char *p = text; *p;) {
		size_t n = match_at(p, folded);
		if (n > 0) {
			p += n;
			p += strspn(p, " \t");
			removed = true;
			continue;
		}
		if (*p == '\n') {
			bool is_empty =
				strspn(out->str + line_start, " \t") == out->len - line_start;
			if (removed && is_empty)
				g_string_truncate(out, line_start);
			else
				g_string_append_c(out, '\n');
			removed = false;
			line_start = out->len;
			p++;
			continue;
		}
		const char *next = g_utf8_next_char(p);
		g_string_append_len(out, p, next - p);
		p = next;
	}
	return g_strndup(out->str, out->len);
}

char *lk_strip_banners(const char *text, const char *const *banners)
{
	g_autofree char *now = g_strdup(text);

	for (; banners && *banners; banners++) {
		if (!**banners || !g_utf8_validate(*banners, -1, NULL))
			continue;
		char *next = strip_one(now, *banners);
		g_free(now);
		now = next;
	}
	return g_steal_pointer(&now);
}
