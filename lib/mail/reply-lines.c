#include "lib/mail/reply-lines.h"

#include "lib/mail/charset.h"
#include "lib/mail/phrases.h"

#include <glib.h>
#include <string.h>

enum { FOLD_BYTES_MOST = 600, ATTRIBUTION_LINES_MOST = 6, HEADER_LINES_MOST = 12 };

static char *fold(const char *start, size_t n)
{
	n = MIN(n, FOLD_BYTES_MOST);
	while (n > 0 && ((unsigned char)start[n] & 0xc0) == 0x80)
		n--;
	return lk_lower(start, n);
}

bool lk_line_is_blank(const lk_line *line)
{
	return line->n == 0;
}

bool lk_line_is_quote(const lk_line *line)
{
	size_t i = 0;

	while (i < line->n && i < 4 && (line->start[i] == ' ' || line->start[i] == '\t'))
		i++;
	return i < line->n && line->start[i] == '>';
}

/* Without dashes, blanks and the like at both ends; says how many dashes led. */
static char *bare_words(const lk_line *line, size_t *ret_dashes)
{
	static const char ornaments[] = "-_=*~# \t>";
	size_t start = 0, end = line->n, dashes = 0;

	while (start < end && strchr(ornaments, line->start[start])) {
		dashes += strchr("-_=", line->start[start]) != NULL;
		start++;
	}
	while (end > start && strchr("-_=*~# \t:", line->start[end - 1]))
		end--;
	*ret_dashes = dashes;
	return fold(line->start + start, end - start);
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

bool lk_line_is_divider(const lk_line *line)
{
	size_t dashes = 0;

	/* Both a ruled divider and "reply above this line" begin with an ornament. */
	if (line->n < 4 || line->n > 120 || !strchr("-_=*~# \t>", *line->start))
		return false;
	g_autofree char *folded = bare_words(line, &dashes);
	if (strstr(folded, "reply above this line") ||
	    strstr(folded, "vastaa tämän rivin yläpuolelle") ||
	    strstr(folded, "svara ovanför denna rad"))
		return true;
	return dashes >= 2 && is_one_of(folded, lk_divider_words);
}

bool lk_line_is_forward(const lk_line *line)
{
	size_t dashes = 0;

	if (line->n < 4 || line->n > 160 ||
	    (line->start[line->n - 1] != ':' && !strchr("-_=*~# \t>", *line->start)))
		return false;
	g_autofree char *folded = bare_words(line, &dashes);
	for (size_t i = 0; lk_forward_words[i]; i++)
		if (g_str_has_prefix(folded, lk_forward_words[i]) &&
		    (dashes >= 2 || line->start[line->n - 1] == ':'))
			return true;
	return false;
}

bool lk_line_is_mobile_signature(const lk_line *line)
{
	if (line->n < 6 || line->n > 90)
		return false;
	g_autofree char *folded = fold(line->start, line->n);
	const char *bare = folded + strspn(folded, " \t*_[(<");
	unsigned blanks = 0;
	for (const char *p = bare; *p; p++)
		blanks += *p == ' ';
	/* A sentence that happens to begin so goes on. */
	if (strchr(bare, ',') || blanks > 9)
		return false;
	for (size_t i = 0; lk_mobile_signatures[i]; i++)
		if (g_str_has_prefix(bare, lk_mobile_signatures[i]))
			return !g_str_has_suffix(bare, ":");
	return false;
}

bool lk_line_is_signature_start(const lk_line *line)
{
	return (line->n == 2 && memcmp(line->start, "--", 2) == 0) ||
	       (line->n == 3 && memcmp(line->start, "—", 3) == 0);
}

bool lk_line_is_dashed_name(const lk_line *line)
{
	unsigned words = 0;
	size_t i = strspn(line->start, "-");

	if (line->n > 40 || i == 0 || i > 2 || i >= line->n)
		return false;
	while (i < line->n) {
		while (i < line->n && line->start[i] == ' ')
			i++;
		if (i < line->n && !g_ascii_isupper(line->start[i]) &&
		    (unsigned char)line->start[i] < 0x80)
			return false;
		while (i < line->n && line->start[i] != ' ') {
			char c = line->start[i++];
			if (!g_ascii_isalpha(c) && (unsigned char)c < 0x80 && !strchr(".'-", c))
				return false;
		}
		words++;
	}
	return words <= 3;
}

bool lk_line_is_rule(const lk_line *line)
{
	size_t i = 0, count = 0;

	for (; i < line->n && strchr("-_=*~ \t", line->start[i]); i++)
		count += !g_ascii_isspace(line->start[i]);
	return i == line->n && count >= 5;
}

/* --- header blocks ------------------------------------------------------------------------- */

int lk_line_label(const lk_line *line)
{
	size_t i = 0, end;

	while (i < line->n && strchr(" \t*_>|", line->start[i]))
		i++;
	const char *colon = memchr(line->start + i, ':', MIN(line->n - i, 40));
	const char *wide = NULL; /* the full-width colon of East Asia */
	for (size_t j = i; !colon && j + 2 < line->n && j < i + 40; j++)
		if (memcmp(line->start + j, "：", 3) == 0) {
			wide = line->start + j;
			break;
		}
	if (!colon && !wide)
		return LK_LABEL_NONE;
	end = (size_t)((colon ? colon : wide) - line->start);
	while (end > i && strchr(" \t*_", line->start[end - 1]))
		end--;
	g_autofree char *word = fold(line->start + i, end - i);
	char *nbsp;
	while ((nbsp = strstr(word, "\xc2\xa0")))
		memmove(nbsp, nbsp + 2, strlen(nbsp + 2) + 1);
	for (size_t j = 0; lk_header_labels[j].word; j++)
		if (strcmp(lk_header_labels[j].word, word) == 0)
			return lk_header_labels[j].label;
	return LK_LABEL_NONE;
}

bool lk_lines_are_header_block(const lk_line *lines, size_t n)
{
	int first = lines[0].label;
	bool seen[LK_LABEL_SUBJECT + 1] = {false};
	bool has_at = false;
	unsigned kinds = 0, strangers = 0;

	if (first == LK_LABEL_NONE || first == LK_LABEL_CC)
		return false;
	for (size_t i = 0; i < n && i < HEADER_LINES_MOST && strangers < 3; i++) {
		int label = lines[i].label;
		if (label == LK_LABEL_NONE) {
			strangers++; /* folded addresses, empty lines between */
			has_at |= kinds > 0 && kinds < 3 && memchr(lines[i].start, '@', lines[i].n);
			continue;
		}
		strangers = 0;
		has_at |= memchr(lines[i].start, '@', lines[i].n) != NULL;
		kinds += !seen[label];
		seen[label] = true;
	}
	if (!seen[LK_LABEL_FROM] && !(seen[LK_LABEL_DATE] && has_at))
		return false;
	/* "From: Helsinki, To: Oulu, Date: Monday" is somebody's words. */
	return (kinds >= 2 && has_at) ||
	       (kinds >= 3 && seen[LK_LABEL_SUBJECT] && seen[LK_LABEL_DATE]);
}

/* --- attributions -------------------------------------------------------------------------- */

static unsigned digit_groups(const char *text)
{
	unsigned groups = 0;

	for (const char *p = text; *p; p++)
		groups += g_ascii_isdigit(*p) && !(p > text && g_ascii_isdigit(p[-1]));
	return groups;
}

/* Does a verb stand in the text as a word of its own? Its offset, or -1. */
static long verb_at(const char *folded)
{
	for (size_t i = 0; lk_attribution_verbs[i]; i++) {
		size_t n = strlen(lk_attribution_verbs[i]);
		bool is_ascii = (unsigned char)lk_attribution_verbs[i][0] < 0x80;
		for (const char *p = folded; (p = strstr(p, lk_attribution_verbs[i])); p += n) {
			/* "<joe@example.org>wrote:" */
			bool starts = p == folded || !is_ascii || !g_ascii_isalpha(p[-1]);
			bool ends = !g_ascii_isalpha(p[n]) ||
				    (unsigned char)lk_attribution_verbs[i][0] >= 0xe3;
			if (starts && ends)
				return (long)(p - folded);
		}
	}
	return -1;
}

static bool ends_as_attribution(const char *folded)
{
	return g_str_has_suffix(folded, ":") || g_str_has_suffix(folded, "：") ||
	       g_str_has_suffix(folded, ": *") || g_str_has_suffix(folded, ":*");
}

static bool opens_as_attribution(const char *folded)
{
	if (g_ascii_isdigit(*folded))
		return true;
	for (size_t i = 0; lk_attribution_openers[i]; i++)
		if (g_str_has_prefix(folded, lk_attribution_openers[i]))
			return true;
	return false;
}

/* The verdict over the joined words of the lines. */
static lk_attribution judge(const char *folded, bool is_ruled)
{
	bool has_at = strchr(folded, '@') != NULL;
	unsigned groups = digit_groups(folded);
	long verb = verb_at(folded);

	/* "---- Joe wrote ----" */
	if (is_ruled && verb >= 0)
		return LK_ATTRIBUTION_STRONG;
	if (!ends_as_attribution(folded))
		return g_ascii_isdigit(*folded) && has_at && groups >= 3 &&
				       g_str_has_suffix(folded, ">")
			       ? LK_ATTRIBUTION_WEAK
			       : LK_ATTRIBUTION_NONE;
	if (verb < 0) {
		/* "2014-10-17 11:28 GMT+03:00 Joe <joe@example.org>:" */
		if (g_ascii_isdigit(*folded) && has_at && groups >= 4 &&
		    g_str_has_suffix(folded, ">:"))
			return LK_ATTRIBUTION_STRONG;
		return has_at || groups >= 3 ? LK_ATTRIBUTION_WEAK : LK_ATTRIBUTION_NONE;
	}
	if (groups >= 2 && (opens_as_attribution(folded) || has_at))
		return LK_ATTRIBUTION_STRONG;
	/* "Sent from Mobile <joe@example.org> wrote:" */
	if (has_at && strlen(folded) - (size_t)verb < 16)
		return LK_ATTRIBUTION_STRONG;
	return LK_ATTRIBUTION_WEAK;
}

/* "thanks On Wed, Apr 4, 2012 at 3:59 PM, joe@example.org wrote:": bytes before "On", or 0. */
static size_t words_before(const lk_line *line)
{
	for (size_t i = 1; i + 6 < line->n; i++) {
		if (strncmp(line->start + i, "On ", 3) != 0 || !strchr(" -", line->start[i - 1]))
			continue;
		g_autofree char *rest = fold(line->start + i, line->n - i);
		if (g_str_has_suffix(rest, "wrote:") && digit_groups(rest) >= 2) {
			while (i > 0 && strchr("- \t", line->start[i - 1]))
				i--;
			return i;
		}
	}
	return 0;
}

static bool could_begin(const lk_line *line, const char *folded)
{
	return opens_as_attribution(folded) || memchr(line->start, '<', line->n) ||
	       memchr(line->start, '@', line->n) || verb_at(folded) >= 0 ||
	       (line->n > 0 && line->start[line->n - 1] == ':');
}

lk_attribution lk_lines_attribution(const lk_line *lines, size_t n, size_t *ret_count,
				    size_t *ret_words)
{
	g_autoptr(GString) joined = g_string_new(NULL);
	lk_attribution best = LK_ATTRIBUTION_NONE;
	size_t dashes = 0;
	unsigned blanks = 0;

	*ret_words = 0;
	if (lines[0].n == 0 || lines[0].n > 400 || lk_line_is_quote(&lines[0]))
		return LK_ATTRIBUTION_NONE;
	g_autofree char *first = bare_words(&lines[0], &dashes);
	if (!could_begin(&lines[0], first))
		return LK_ATTRIBUTION_NONE;
	for (size_t i = 0; i < n && i < ATTRIBUTION_LINES_MOST; i++) {
		if (lk_line_is_quote(&lines[i]) && lines[i].n > 2 && i > 0 &&
		    !memchr(lines[i].start, ':', lines[i].n))
			break;
		if (lines[i].n == 0) {
			/* One broken line between: only inside what clearly began as one. */
			if (++blanks > 1 || !opens_as_attribution(first) ||
			    digit_groups(first) < 2 || ends_as_attribution(joined->str))
				break;
			continue;
		}
		g_autofree char *line = fold(lines[i].start, lines[i].n);
		const char *bare = i == 0 ? line + strspn(line, "-*_ \t") : line;
		if (joined->len + strlen(bare) > 500)
			break;
		if (joined->len > 0)
			g_string_append_c(joined, ' ');
		g_string_append(joined, bare);
		bool is_ruled = i == 0 && dashes >= 2 && lines[0].start[lines[0].n - 1] == '-';
		lk_attribution now = judge(joined->str, is_ruled);
		if (now > best) {
			best = now;
			*ret_count = i + 1;
		}
		if (best == LK_ATTRIBUTION_STRONG || ends_as_attribution(joined->str))
			break;
	}
	if (best == LK_ATTRIBUTION_STRONG && *ret_count == 1 && !opens_as_attribution(first))
		*ret_words = words_before(&lines[0]);
	return best;
}
