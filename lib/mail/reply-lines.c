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

static unsigned digit_groups(const char *text)
{
	unsigned groups = 0;

	for (const char *p = text; *p; p++)
		groups += g_ascii_isdigit(*p) && !(p > text && g_ascii_isdigit(p[-1]));
	return groups;
}

/* ">>> Joe <joe@example.org> 4/4/2018 3:57 PM >>>": so GroupWise introduces what it does not quote.
 */
static bool is_ruled_by_quotes(const lk_line *line)
{
	if (line->n < 16 || line->n > 200 || memcmp(line->start, ">>> ", 4) != 0 ||
	    memcmp(line->start + line->n - 4, " >>>", 4) != 0)
		return false;
	g_autofree char *inside = g_strndup(line->start + 4, line->n - 8);
	return digit_groups(inside) >= 4;
}

bool lk_line_is_quote(const lk_line *line)
{
	size_t i = 0;

	while (i < line->n && i < 4 && (line->start[i] == ' ' || line->start[i] == '\t'))
		i++;
	return i < line->n && line->start[i] == '>' && !is_ruled_by_quotes(line);
}

/* Is the character of three bytes at p one of Unicode's dashes and rules? */
static bool is_wide_dash(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return u[0] == 0xe2 && ((u[1] == 0x80 && u[2] >= 0x90 && u[2] <= 0x95) ||
				(u[1] == 0x94 && (u[2] == 0x80 || u[2] == 0x81)));
}

/* The length of the dash, star, blank or the like at p, 0 when none stands there. */
static size_t ornament_length(const char *p, size_t n)
{
	if (n == 0)
		return 0;
	if (*p && strchr("-_=*~# \t>", *p))
		return 1;
	return n >= 3 && is_wide_dash(p) ? 3 : 0;
}

/* Without dashes, blanks and the like at both ends; says how many dashes led. */
static char *bare_words(const lk_line *line, size_t *ret_dashes)
{
	size_t start = 0, end = line->n, dashes = 0, n;

	while ((n = ornament_length(line->start + start, end - start)) > 0) {
		dashes += n == 3 || strchr("-_=", line->start[start]) != NULL;
		start += n;
	}
	for (;;) {
		if (end > start && strchr("-_=*~# \t:", line->start[end - 1]))
			end--;
		else if (end >= start + 3 && is_wide_dash(line->start + end - 3))
			end -= 3;
		else
			break;
	}
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

/* "-------- Original message --------From: Joe <joe@example.org> Date: ...": Samsung's, in one
 * line. */
static bool is_divider_and_header(const lk_line *line)
{
	enum { BYTES_MOST = 600 };
	size_t dashes = strspn(line->start, "-");

	if (dashes < 4 || dashes >= line->n || line->n > BYTES_MOST)
		return false;
	const char *rule = g_strstr_len(line->start + dashes, (gssize)(line->n - dashes), "----");
	if (!rule)
		return false;
	size_t behind = (size_t)(rule - line->start);
	lk_line divider = {.start = line->start, .n = behind};
	while (behind < line->n && line->start[behind] == '-')
		behind++;
	lk_line header = {.start = line->start + behind, .n = line->n - behind};
	return header.n > 0 && lk_line_label(&header) != LK_LABEL_NONE &&
	       lk_line_is_divider(&divider);
}

bool lk_line_is_divider(const lk_line *line)
{
	size_t dashes = 0;

	if (is_divider_and_header(line))
		return true;

	/* Both a ruled divider and "reply above this line" begin with an ornament. */
	if (line->n < 4 || line->n > 120 || ornament_length(line->start, line->n) == 0)
		return is_ruled_by_quotes(line);
	g_autofree char *folded = bare_words(line, &dashes);
	if (is_ruled_by_quotes(line) || strstr(folded, "reply above this line") ||
	    strstr(folded, "write below this line") ||
	    strstr(folded, "vastaa tämän rivin yläpuolelle") ||
	    strstr(folded, "svara ovanför denna rad"))
		return true;
	return dashes >= 2 && is_one_of(folded, lk_divider_words);
}

bool lk_line_is_forward(const lk_line *line)
{
	size_t dashes = 0;

	if (line->n < 4 || line->n > 160 ||
	    (line->start[line->n - 1] != ':' && ornament_length(line->start, line->n) == 0))
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

	for (size_t n; i < line->n; i += n) {
		n = ornament_length(line->start + i, line->n - i);
		if (n == 0 || strchr("#>", line->start[i]))
			return false;
		count += !g_ascii_isspace(line->start[i]);
	}
	return count >= 5;
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

/* "15:57", "klo 13.45" */
static bool has_clock(const char *folded)
{
	for (const char *p = folded; (p = strchr(p, ':')); p++)
		if (p > folded && g_ascii_isdigit(p[-1]) && g_ascii_isdigit(p[1]) &&
		    g_ascii_isdigit(p[2]))
			return true;
	return strstr(folded, "klo ") || strstr(folded, "kello ") || strstr(folded, "kell ");
}

/* Do only names stand between the date and the address, no words of a sentence? */
static bool are_names(const char *start, const char *end)
{
	static const char *const particles[] = {"from", "via", "van", "von", "der", "den",
						"del",	"bin", "ben", "par", "por", NULL};
	g_autofree char *words = g_strndup(start, (size_t)(end - start));
	g_auto(GStrv) each = g_strsplit_set(words, " \t\",.()", -1);

	for (unsigned i = 0; each[i]; i++) {
		gunichar first = g_utf8_get_char_validated(each[i], -1);
		if (first < (gunichar)-2 && g_unichar_islower(first) &&
		    g_utf8_strlen(each[i], -1) > 2 && !is_one_of(each[i], particles))
			return false;
	}
	return true;
}

/* "ср, 4 апр. 2018 г. в 15:57, Иван Иванов <ivan@example.ru>:", in one line or two. */
static bool is_dated_address(const lk_line *lines, size_t count, const char *folded)
{
	if (count > 2 || strlen(folded) > 200 || !has_clock(folded) ||
	    !opens_as_attribution(folded) || digit_groups(folded) < 4 ||
	    !(g_str_has_suffix(folded, ">:") || g_str_has_suffix(folded, ">):")))
		return false;
	g_autoptr(GString) raw = g_string_new_len(lines[0].start, (gssize)lines[0].n);
	for (size_t i = 1; i < count; i++) {
		g_string_append_c(raw, ' ');
		g_string_append_len(raw, lines[i].start, (gssize)lines[i].n);
	}
	const char *end = strrchr(raw->str, '<');
	const char *start = end;
	while (start && start > raw->str && !g_ascii_isdigit(start[-1]))
		start--;
	return end && strchr(end, '@') && are_names(start, end);
}

/*
 * "Matti Malli kirjoitti 5.4.2019 klo 13.45:": nobody's address, but a first and a last name before
 * the verb. "As you wrote on 5 April at 13:45:" is the sender's own.
 */
static bool is_named_and_dated(const lk_line *line, const char *folded)
{
	size_t at = 0, names = 0;

	if (line->n > 120 || verb_at(folded) < 0 || digit_groups(folded) < 4 ||
	    !has_clock(folded) || !ends_as_attribution(folded))
		return false;
	while (at < line->n && names < 5) {
		gunichar c = g_utf8_get_char_validated(line->start + at, (gssize)(line->n - at));
		if (c >= (gunichar)-2 || !g_unichar_isupper(c))
			break;
		names++;
		while (at < line->n && line->start[at] != ' ')
			at++;
		while (at < line->n && line->start[at] == ' ')
			at++;
	}
	g_autofree char *rest = fold(line->start + at, line->n - at);
	return names >= 2 && names <= 4 && (verb_at(rest) == 0 || g_str_has_prefix(rest, "on "));
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
	/* "Joe <joe@example.org> skrev: (4 april 2018 15:57:12 CEST)" */
	if (verb >= 0 && has_at && groups >= 4 && g_str_has_suffix(folded, ")") &&
	    strstr(folded + verb, ": ("))
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
		if (now == LK_ATTRIBUTION_WEAK &&
		    ((i == 0 && is_named_and_dated(&lines[0], joined->str)) ||
		     is_dated_address(lines, i + 1, joined->str)))
			now = LK_ATTRIBUTION_STRONG;
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
