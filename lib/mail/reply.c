#include "lib/mail/reply.h"

#include "lib/mail/armour.h"
#include "lib/mail/html.h"
#include "lib/mail/reply-lines.h"

#include <glib.h>
#include <string.h>

enum { SIGNATURE_LINES_MOST = 25, FOOTER_LINES_MOST = 8, LOOKS_MOST = 5000 };

typedef struct {
	const lk_line *lines;
	size_t n;
	bool *kept;
	size_t *cut;	 /* bytes of a kept line that count, 0 for all */
	unsigned budget; /* looks at what may be an attribution; a text of nothing else ends it */
	bool was_quoted; /* an introduced quote has been cut above */
} trimming;

static GArray *split(const char *text)
{
	GArray *lines = g_array_new(FALSE, FALSE, sizeof(lk_line));
	char mark = 0;

	while (*text) {
		size_t n = strcspn(text, "\n");
		const char *next = text + n + (text[n] == '\n');
		lk_line line = {text, n, 0, 0};
		while (line.n > 0 && (*line.start == LK_HTML_MARK_ATTRIBUTION ||
				      *line.start == LK_HTML_MARK_OLD_MAIL)) {
			mark = MAX(mark, *line.start);
			line.start++;
			line.n--;
		}
		while (line.n > 0 && strchr(" \t\r", line.start[line.n - 1]))
			line.n--;
		if (line.n > 0) {
			line.mark = mark;
			mark = 0;
			line.label = lk_line_label(&line);
		}
		g_array_append_val(lines, line);
		text = next;
	}
	return lines;
}

static lk_attribution attribution_at(trimming *now, size_t i, size_t *ret_count, size_t *ret_words)
{
	*ret_count = *ret_words = 0;
	if (now->budget == 0)
		return LK_ATTRIBUTION_NONE;
	if (!lk_line_is_blank(&now->lines[i]))
		now->budget--;
	return lk_lines_attribution(now->lines + i, now->n - i, ret_count, ret_words);
}

static size_t next_words(const trimming *now, size_t i)
{
	while (i < now->n && lk_line_is_blank(&now->lines[i]))
		i++;
	return i;
}

/* Where a run of quote lines (empty lines inside it included) ends. */
static size_t quote_end(const trimming *now, size_t i)
{
	size_t end = i;

	for (; i < now->n; i++) {
		if (lk_line_is_quote(&now->lines[i]))
			end = i + 1;
		else if (!lk_line_is_blank(&now->lines[i]))
			break;
	}
	return end;
}

/*
 * A link or a long line that the sender's program broke inside the quote: between two quote lines
 * without an empty line, and the quote before it has an open bracket or the line is a bare link.
 */
static bool is_broken_quote(const trimming *now, size_t i)
{
	const lk_line *line = &now->lines[i];
	const lk_line *before = i > 0 ? &now->lines[i - 1] : NULL;

	if (!before || i + 1 >= now->n || !lk_line_is_quote(before) ||
	    !lk_line_is_quote(&now->lines[i + 1]))
		return false;
	g_autofree char *words = g_strndup(line->start, line->n);
	g_strstrip(words);
	if (g_str_has_prefix(words, "(http") || g_str_has_prefix(words, "<http") ||
	    g_str_has_prefix(words, "http"))
		return !strchr(words, ' ') || g_str_has_suffix(words, ">") ||
		       g_str_has_suffix(words, ")");
	g_autofree char *quote = g_strndup(before->start, before->n);
	const char *open = g_strrstr(quote, "(http");
	const char *angle = g_strrstr(quote, "<http");
	return (open && !strchr(open, ')') && strchr(words, ')')) ||
	       (angle && !strchr(angle, '>') && strchr(words, '>'));
}

/* Does nothing of the sender's stand at or behind line i before the quote or the end? */
static bool is_tail(trimming *now, size_t i)
{
	size_t next = next_words(now, i);
	size_t count, words;

	return next >= now->n || lk_line_is_quote(&now->lines[next]) ||
	       lk_line_is_divider(&now->lines[next]) || lk_line_is_rule(&now->lines[next]) ||
	       lk_line_is_signature_start(&now->lines[next]) ||
	       now->lines[next].mark == LK_HTML_MARK_OLD_MAIL ||
	       lk_lines_are_header_block(now->lines + next, now->n - next) ||
	       attribution_at(now, next, &count, &words) == LK_ATTRIBUTION_STRONG;
}

/* The end of a signature that begins at line i, or i when it is too long to be one. */
static size_t signature_end(trimming *now, size_t i)
{
	size_t j = i + 1, count, words;

	for (; j < now->n && j - i <= SIGNATURE_LINES_MOST; j++) {
		if (lk_line_is_quote(&now->lines[j]) || lk_line_is_divider(&now->lines[j]) ||
		    lk_line_is_forward(&now->lines[j]) || now->lines[j].mark ||
		    lk_lines_are_header_block(now->lines + j, now->n - j) ||
		    attribution_at(now, j, &count, &words) == LK_ATTRIBUTION_STRONG)
			return j;
	}
	return j >= now->n ? now->n : i;
}

/* What a mailing list puts below every mail: a rule and a few lines about the list. */
static bool is_list_footer(const trimming *now, size_t i)
{
	if (!lk_line_is_rule(&now->lines[i]) || now->n - i > FOOTER_LINES_MOST)
		return false;
	for (size_t j = i + 1; j < now->n; j++) {
		g_autofree char *line =
			g_ascii_strdown(now->lines[j].start, (gssize)now->lines[j].n);
		if (strstr(line, "mailing list") || strstr(line, "listinfo") ||
		    strstr(line, "unsubscribe"))
			return true;
	}
	return false;
}

/* A quote that nobody introduces: one line alone between words may be somebody's arrow. */
static bool is_real_quote(const trimming *now, size_t i, size_t end)
{
	bool was_introduced = i == 0 || now->was_quoted;

	for (size_t j = i; j > 0 && !was_introduced; j--) {
		if (lk_line_is_blank(&now->lines[j - 1]))
			continue;
		was_introduced = !now->kept[j - 1];
		break;
	}
	return was_introduced || end - i >= 2 || next_words(now, end) >= now->n;
}

/* Drops the line above a quote that introduces it in a language we do not know. */
static void drop_introduction(trimming *now, size_t quote)
{
	size_t i = quote;

	while (i > 0 && lk_line_is_blank(&now->lines[i - 1]) && quote - i < 2)
		i--;
	if (i == 0 || !now->kept[i - 1] || now->cut[i - 1])
		return;
	const lk_line *line = &now->lines[i - 1];
	size_t count, words;
	if (line->n > 0 && line->n < 300 && line->start[line->n - 1] == ':' &&
	    lk_lines_attribution(line, 1, &count, &words) != LK_ATTRIBUTION_NONE)
		now->kept[i - 1] = false;
}

/* Drops rules and empty lines right above line i: they belong to what is cut there. */
static void drop_rule_above(trimming *now, size_t i)
{
	while (i > 0 &&
	       (lk_line_is_blank(&now->lines[i - 1]) || lk_line_is_rule(&now->lines[i - 1])))
		now->kept[--i] = false;
}

/* "Matti Malli ---27.03.2026 09:40:00---First words": Notes sums a mail up above its header. */
static void drop_summary_above(trimming *now, size_t i)
{
	while (i > 0 && lk_line_is_blank(&now->lines[i - 1]))
		i--;
	if (i == 0 || now->cut[i - 1] || now->lines[i - 1].n > 300)
		return;
	g_autofree char *line = g_strndup(now->lines[i - 1].start, now->lines[i - 1].n);
	const char *open = strstr(line, " ---");
	if (open && g_ascii_isdigit(open[4]) && strstr(open + 4, "---"))
		now->kept[i - 1] = false;
}

/*
 * Takes an attribution at line i, if there is one. Returns the line to go on at: i when there is
 * none, n when all below is old.
 */
static size_t take_attribution(trimming *now, size_t i)
{
	size_t count = 0, words = 0;
	lk_attribution found = attribution_at(now, i, &count, &words);

	if (found == LK_ATTRIBUTION_NONE && now->lines[i].mark == LK_HTML_MARK_ATTRIBUTION) {
		/* The HTML says so; the words say it in a way we do not know. */
		size_t quote = i;
		while (quote < now->n && quote - i < 5 && !lk_line_is_quote(&now->lines[quote]))
			quote++;
		if (quote < now->n && quote > i && lk_line_is_quote(&now->lines[quote])) {
			found = LK_ATTRIBUTION_WEAK;
			count = quote - i;
		}
	}
	if (found == LK_ATTRIBUTION_NONE)
		return i;
	size_t next = next_words(now, i + count);
	bool is_quoted = next < now->n && lk_line_is_quote(&now->lines[next]);
	if (found == LK_ATTRIBUTION_WEAK && !is_quoted)
		return i;
	for (size_t j = i; j < i + count; j++)
		now->kept[j] = false;
	if (words > 0) {
		now->kept[i] = true;
		now->cut[i] = words;
	}
	if (is_quoted)
		return i + count;
	for (size_t j = i + count; j < now->n; j++)
		now->kept[j] = false;
	return now->n;
}

/* The line to go on at, having decided about line i and perhaps some more. */
static size_t take_line(trimming *now, size_t i)
{
	const lk_line *line = &now->lines[i];

	if (lk_line_is_blank(line))
		return i + 1;
	if (lk_line_is_quote(line)) {
		size_t end = quote_end(now, i);
		if (is_real_quote(now, i, end)) {
			drop_introduction(now, i);
			now->was_quoted = true;
			for (size_t j = i; j < end; j++)
				now->kept[j] = false;
		}
		return end;
	}
	if (lk_line_is_forward(line))
		return now->n;
	if (line->mark == LK_HTML_MARK_OLD_MAIL || lk_line_is_divider(line) ||
	    lk_lines_are_header_block(line, now->n - i) || is_list_footer(now, i)) {
		drop_rule_above(now, i);
		drop_summary_above(now, i);
		for (size_t j = i; j < now->n; j++)
			now->kept[j] = false;
		return now->n;
	}
	if (lk_line_is_signature_start(line)) {
		size_t end = signature_end(now, i);
		for (size_t j = i; j < end; j++)
			now->kept[j] = false;
		return MAX(end, i + 1);
	}
	size_t behind = take_attribution(now, i);
	if (behind > i)
		return behind;
	if (is_broken_quote(now, i) ||
	    ((lk_line_is_mobile_signature(line) || (i > 0 && lk_line_is_dashed_name(line))) &&
	     is_tail(now, i + 1)))
		now->kept[i] = false;
	return i + 1;
}

static bool is_forward_subject(const char *subject)
{
	static const char *const prefixes[] = {
		"fwd:", "fw:",	"vl:",	   "vb:", "wg:",	  "tr:",   "i:",
		"rv:",	"enc:", "doorst:", "pd:", "videresendt:", "edasi:"};

	for (size_t i = 0; subject && i < G_N_ELEMENTS(prefixes); i++)
		if (g_ascii_strncasecmp(subject, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static char *assemble(const trimming *now)
{
	g_autoptr(GString) out = g_string_new(NULL);
	unsigned blanks = 0;

	for (size_t i = 0; i < now->n; i++) {
		if (!now->kept[i])
			continue;
		size_t n = now->cut[i] ? now->cut[i] : now->lines[i].n;
		blanks = n == 0 ? blanks + 1 : 0;
		if (blanks > 2 || (n == 0 && out->len == 0))
			continue;
		g_string_append_len(out, now->lines[i].start, (gssize)n);
		g_string_append_c(out, '\n');
	}
	while (out->len > 0 && strchr(" \t\n", out->str[out->len - 1]))
		g_string_truncate(out, out->len - 1);
	return g_strdup(out->str);
}

static void trim_from(trimming *now, size_t i)
{
	for (size_t j = 0; j < now->n; j++) {
		now->kept[j] = true;
		now->cut[j] = 0;
	}
	while (i < now->n)
		i = take_line(now, i);
}

/* Behind a header block that the text begins with: it introduces all there is. 0 for none. */
static size_t behind_first_block(const trimming *now)
{
	size_t i = next_words(now, 0);

	if (i >= now->n || !lk_lines_are_header_block(now->lines + i, now->n - i))
		return 0;
	while (i < now->n && !lk_line_is_blank(&now->lines[i]))
		i++;
	return i;
}

char *lk_reply_text(const char *text, const char *subject)
{
	g_autofree char *bare = lk_armour_strip(text);
	g_autoptr(GArray) lines = split(bare ? bare : text);
	g_autofree bool *kept = g_new(bool, lines->len + 1);
	g_autofree size_t *cut = g_new0(size_t, lines->len + 1);
	trimming now = {
		(const lk_line *)(void *)lines->data, lines->len, kept, cut, LOOKS_MOST, false};

	trim_from(&now, is_forward_subject(subject) ? now.n : 0);
	g_autofree char *trimmed = assemble(&now);
	size_t behind = *trimmed ? 0 : behind_first_block(&now);
	if (behind > 0) {
		trim_from(&now, behind);
		g_free(trimmed);
		trimmed = assemble(&now);
	}
	if (*trimmed)
		return lk_html_unmark(g_steal_pointer(&trimmed));
	return g_strchomp(lk_html_unmark(g_strdup(bare ? bare : text)));
}
