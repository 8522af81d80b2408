#include "lib/desk/banner.h"

#include "lib/base/pattern.h"

#include <stdbool.h>
#include <string.h>

/* Of one setting in one text; a banner stands there once or twice. */
enum { MOST_REMOVED = 20 };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Takes n bytes at offset out, with the blanks around them, and the line when nothing is left. */
static void take_out(GString *text, size_t at, size_t n)
{
	size_t start = at;
	size_t end = at + n;

	while (start > 0 && is_blank(text->str[start - 1]))
		start--;
	while (end < text->len && is_blank(text->str[end]))
		end++;
	bool begins = start == 0 || text->str[start - 1] == '\n';
	bool ends = end == text->len || text->str[end] == '\n';
	if (begins && ends && end < text->len)
		end++;
	g_string_erase(text, (gssize)start, (gssize)(end - start));
	if (!begins && !ends)
		g_string_insert_c(text, (gssize)start, ' ');
}

/* Where the words stand, in any case; NULL: nowhere. ASCII letters only change their bytes. */
static const char *find_words(const char *text, const char *words)
{
	size_t n = strlen(words);

	for (const char *p = text; *p; p++)
		if (g_ascii_strncasecmp(p, words, n) == 0)
			return p;
	return NULL;
}

static bool strip_words(GString *text, const char *words)
{
	bool removed = false;

	for (unsigned i = 0; *words && i < MOST_REMOVED; i++) {
		const char *at = find_words(text->str, words);
		if (!at)
			break;
		take_out(text, (size_t)(at - text->str), strlen(words));
		removed = true;
	}
	return removed;
}

static bool strip_pattern(GString *text, const char *slashed)
{
	g_autoptr(lk_pattern) pattern = NULL;
	bool removed = false;

	if (!lk_pattern_new_slashed(slashed, LK_PATTERN_ONCE, &pattern, NULL))
		return false;
	for (unsigned i = 0; i < MOST_REMOVED; i++) {
		if (lk_pattern_match(pattern, text->str, text->len) != LK_MATCH_YES)
			break;
		g_autofree char *whole = lk_pattern_group(pattern, 0);
		const char *at = whole && *whole ? strstr(text->str, whole) : NULL;
		if (!at)
			break;
		take_out(text, (size_t)(at - text->str), strlen(whole));
		removed = true;
	}
	return removed;
}

char *lk_banner_strip(const GPtrArray *strip, const char *text)
{
	g_autoptr(GString) bare = g_string_new(text ? text : "");
	bool removed = false;

	for (unsigned i = 0; i < strip->len; i++) {
		const char *one = g_ptr_array_index(strip, i);
		removed |= *one == '/' ? strip_pattern(bare, one) : strip_words(bare, one);
	}
	if (!removed)
		return NULL;
	/* A banner above the words leaves blank lines there. */
	size_t lead = strspn(bare->str, "\n");
	g_string_erase(bare, 0, (gssize)lead);
	return g_string_free(g_steal_pointer(&bare), FALSE);
}
