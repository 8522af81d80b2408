#include "lib/desk/phrases.h"

#include "lib/base/text.h"
#include "lib/desk/phrase-lists.h"

#include <string.h>

enum {
	MAX_TEXT_BYTES = 2000,
	MAX_WORDS = 80,
	MAX_SENTENCE_WORDS = 30,
	MAX_SIGNATURE_LINES = 14,
	MAX_SIGNATURE_WORDS = 9,
	MAX_GAP = 3,
	SHORT_LINE_CHARS = 40
};

const char *lk_words_name(lk_words words)
{
	static const char *const names[] = {"other", "none", "chase", "thanks"};

	g_assert((unsigned)words < G_N_ELEMENTS(names));
	return names[words];
}

/* --- folding ---------------------------------------------------------------------------------- */

static bool is_apostrophe(gunichar c)
{
	return c == '\'' || c == 0x2019 || c == 0x2018 || c == 0x00b4 || c == '`';
}

char *lk_words_fold(const char *text)
{
	g_autofree char *folded = g_utf8_casefold(text ? text : "", -1);
	g_autofree char *apart = g_utf8_normalize(folded, -1, G_NORMALIZE_ALL);
	GString *words = g_string_new(NULL);

	for (const char *p = apart ? apart : ""; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		if (c == 0xf8) /* has no decomposition */
			c = 'o';
		if (g_unichar_ismark(c) || is_apostrophe(c))
			continue;
		if (g_unichar_isalnum(c))
			g_string_append_unichar(words, c);
		else if (words->len > 0 && words->str[words->len - 1] != ' ')
			g_string_append_c(words, ' ');
	}
	if (words->len > 0 && words->str[words->len - 1] == ' ')
		g_string_truncate(words, words->len - 1);
	return g_string_free(words, FALSE);
}

/* --- phrases ---------------------------------------------------------------------------------- */

/* Does the word fit the piece of a phrase that begins at *phrase? Moves *phrase behind it. */
static bool fits_word(const char **phrase, const char *word)
{
	const char *piece = *phrase;
	size_t n = strcspn(piece, " ");
	bool is_open = n > 0 && piece[n - 1] == '*';

	*phrase = piece + n + (piece[n] == ' ');
	if (is_open)
		return strncmp(word, piece, n - 1) == 0;
	return strncmp(word, piece, n) == 0 && word[n] == '\0';
}

/*
 * How many words the phrase takes at words[0]; 0: it does not stand there. A gap is tried from
 * short to long, so the cost is bounded by MAX_GAP to the number of gaps, which are two at most.
 */
static unsigned fits(const char *phrase, char **words)
{
	unsigned n = 0;

	while (*phrase) {
		if (strcmp(phrase, "**") == 0)
			return n + g_strv_length(words + n);
		if (phrase[0] == '_' && phrase[1] == ' ') {
			for (unsigned gap = 0; gap <= MAX_GAP; gap++) {
				unsigned rest = fits(phrase + 2, words + n + gap);
				if (rest > 0)
					return n + gap + rest;
				if (!words[n + gap])
					return 0;
			}
			return 0;
		}
		if (!words[n] || !fits_word(&phrase, words[n]))
			return 0;
		n++;
	}
	return n;
}

/* The longest phrase of the list at words[0]; 0: none. */
static unsigned longest(const char *const *list, char **words)
{
	unsigned best = 0;

	for (unsigned i = 0; list[i]; i++) {
		unsigned n = fits(list[i], words);
		if (n > best)
			best = n;
	}
	return best;
}

/* --- sentences -------------------------------------------------------------------------------- */

typedef enum { SENTENCE_NEUTRAL, SENTENCE_CHASE, SENTENCE_THANKS, SENTENCE_OTHER } sentence;

/* What the words of a sentence belong to. */
typedef struct {
	bool has_chase;
	bool has_weak;
	bool has_context;
	bool has_thanks;
	bool has_new_matter;
	bool has_denial;
	bool has_code; /* a word of letters and digits, such as a device */
	unsigned unknown;
} tally;

static bool is_number(const char *word)
{
	return word[strspn(word, "0123456789")] == '\0' && strlen(word) <= 6;
}

static bool has_digit(const char *word)
{
	return word[strcspn(word, "0123456789")] != '\0';
}

static void mark(const char *const *list, char **words, bool *is_known, bool *ret_found)
{
	for (unsigned i = 0; words[i]; i++) {
		unsigned n = longest(list, words + i);
		for (unsigned k = i; k < i + n; k++)
			is_known[k] = true;
		if (n > 0)
			*ret_found = true;
	}
}

/* Like mark, but words that a phrase took already do not count. */
static void look_for(const char *const *list, char **words, const bool *is_known, bool *ret_found)
{
	for (unsigned i = 0; words[i]; i++)
		if (!is_known[i] && longest(list, words + i) > 0)
			*ret_found = true;
}

static tally count(char **words)
{
	tally t = {0};
	bool is_known[MAX_SENTENCE_WORDS + 1] = {false};
	bool is_neutral = false;

	mark(lk_chase_phrases, words, is_known, &t.has_chase);
	mark(lk_thanks_phrases, words, is_known, &t.has_thanks);
	look_for(lk_new_matter_words, words, is_known, &t.has_new_matter);
	look_for(lk_denials, words, is_known, &t.has_denial);
	mark(lk_weak_chase_phrases, words, is_known, &t.has_weak);
	mark(lk_chase_context, words, is_known, &t.has_context);
	mark(lk_neutral_words, words, is_known, &is_neutral);
	for (unsigned i = 0; words[i]; i++) {
		if (is_known[i] || is_number(words[i]))
			continue;
		t.unknown++;
		t.has_code |= has_digit(words[i]);
	}
	return t;
}

static sentence judge(char **words, unsigned n)
{
	if (n > MAX_SENTENCE_WORDS)
		return SENTENCE_OTHER;
	tally t = count(words);
	if (t.has_new_matter || t.has_code)
		return SENTENCE_OTHER;
	if (t.has_chase)
		return t.unknown <= 2 ? SENTENCE_CHASE : SENTENCE_OTHER;
	if (t.has_thanks && !t.has_denial)
		return t.unknown <= 2 ? SENTENCE_THANKS : SENTENCE_OTHER;
	if (t.has_weak)
		return t.unknown <= 1 ? SENTENCE_CHASE : SENTENCE_OTHER;
	if (t.has_context)
		return t.unknown <= 5 ? SENTENCE_NEUTRAL : SENTENCE_OTHER;
	return t.unknown == 0 ? SENTENCE_NEUTRAL : SENTENCE_OTHER;
}

/* --- texts ------------------------------------------------------------------------------------ */

/* A text on its way: what was found, and the sentence that is being gathered. */
typedef struct {
	GString *pending;
	unsigned words;
	unsigned chases;
	unsigned thanks;
	bool is_other;
} reader;

static char **words_of(const char *text, unsigned *ret_n)
{
	g_autofree char *folded = lk_words_fold(text);
	char **words = g_strsplit(folded, " ", -1);

	*ret_n = g_strv_length(words);
	return words;
}

/* Dates and times stand anywhere in a sentence and say nothing. */
static unsigned drop_numbers(char **words, unsigned n)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		if (is_number(words[i]))
			g_free(words[i]);
		else
			words[kept++] = words[i];
	}
	words[kept] = NULL;
	return kept;
}

static void end_sentence(reader *r)
{
	unsigned n = 0;
	g_auto(GStrv) words = words_of(r->pending->str, &n);

	g_string_truncate(r->pending, 0);
	n = drop_numbers(words, n);
	if (n == 0)
		return;
	r->words += n;
	switch (judge(words, n)) {
	case SENTENCE_CHASE:
		r->chases++;
		break;
	case SENTENCE_THANKS:
		r->thanks++;
		break;
	case SENTENCE_OTHER:
		r->is_other = true;
		break;
	case SENTENCE_NEUTRAL:
		break;
	}
}

/* "12.3." and "t.ex." end no sentence. */
static bool ends_here(const char *line, const char *p)
{
	if (strchr("!?;", *p))
		return true;
	return *p == '.' && (p[1] == '\0' || p[1] == ' ' || p[1] == '.') &&
	       (p == line || !g_ascii_isdigit(p[-1]));
}

static void add_line(reader *r, const char *line)
{
	const char *start = line;

	for (const char *p = line; *p; p++) {
		if (!ends_here(line, p))
			continue;
		g_string_append_len(r->pending, start, p - start);
		end_sentence(r);
		start = p + 1;
	}
	g_string_append(r->pending, start);
	g_string_append_c(r->pending, ' ');
}

static bool begins_upper(const char *line)
{
	return g_unichar_isupper(g_utf8_get_char(line));
}

/* "Maija", "Maija Meikäläinen": nothing but a few words that begin with a capital. */
static bool is_name(const char *line)
{
	g_auto(GStrv) words = g_strsplit(line, " ", -1);
	unsigned n = g_strv_length(words);

	if (n == 0 || n > 3)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (!begins_upper(words[i]) || has_digit(words[i]) || strpbrk(words[i], "?!:;/@"))
			return false;
	return true;
}

static bool is_closing(const char *line)
{
	unsigned n = 0;
	g_auto(GStrv) words = words_of(line, &n);

	if (n == 0 || n > 7)
		return false;
	unsigned taken = longest(lk_closings, words);
	if (taken == 0)
		return false;
	/* "Best regards, Maija": what follows the closing is a name. */
	return n - taken <= 4 && !strchr(line, '?');
}

/* Names, titles and numbers below a closing: short lines that ask and add nothing. */
static bool is_signature(char **lines)
{
	unsigned seen = 0;

	for (unsigned i = 0; lines[i]; i++) {
		unsigned n = 0;
		g_auto(GStrv) words = words_of(lines[i], &n);
		if (n == 0)
			continue;
		if (++seen > MAX_SIGNATURE_LINES || n > MAX_SIGNATURE_WORDS ||
		    strchr(lines[i], '?') || longest(lk_new_matter_words, words) > 0)
			return false;
	}
	return true;
}

/* The lines squeezed, blank ones kept; what follows a closing or is a name at the end cut off. */
static char **lines_of(const char *text)
{
	char **lines = g_strsplit(text, "\n", -1);
	unsigned n = g_strv_length(lines);

	for (unsigned i = 0; i < n; i++) {
		char *squeezed = lk_text_squeeze(lines[i]);
		g_free(lines[i]);
		lines[i] = squeezed;
	}
	while (n > 0 && !*lines[n - 1])
		g_clear_pointer(&lines[--n], g_free);
	for (unsigned i = 0; i < n; i++) {
		if (!is_closing(lines[i]) || !is_signature(lines + i + 1))
			continue;
		/* "Kiittäen" both thanks and closes; a closing alone says nothing. */
		for (unsigned k = i + 1; k < n; k++)
			g_clear_pointer(&lines[k], g_free);
		unsigned words = 0;
		g_auto(GStrv) closing = words_of(lines[i], &words);
		bool thanks = false;
		bool unused[MAX_SENTENCE_WORDS + 1] = {false};
		mark(lk_thanks_phrases, closing, unused, &thanks);
		g_free(lines[i]);
		lines[i] = g_strdup(thanks ? "kiitos" : "");
		return lines;
	}
	if (n > 1 && is_name(lines[n - 1]) && lines[n - 2]) {
		unsigned words = 0;
		g_auto(GStrv) name = words_of(lines[n - 1], &words);
		bool says =
			longest(lk_thanks_phrases, name) > 0 || longest(lk_chase_phrases, name) > 0;
		if (!says)
			g_clear_pointer(&lines[n - 1], g_free);
	}
	return lines;
}

/* Does the sentence go on in the next line? Mail programs break long lines anywhere. */
static bool goes_on(const char *line, const char *next)
{
	return next && *next && g_utf8_strlen(line, -1) >= SHORT_LINE_CHARS && !begins_upper(next);
}

/* A thumb, a heart, a smile: thanks, where there are no words. */
static bool is_cheer(const char *text)
{
	for (const char *p = text; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		if (c == 0x1f44d || c == 0x1f44c || c == 0x1f44f || c == 0x1f64f || c == 0x1f64c ||
		    c == 0x2764 || c == 0x2665 || c == 0x1f389 || (c >= 0x1f600 && c <= 0x1f60d))
			return true;
	}
	return strstr(text, ":)") || strstr(text, ":-)");
}

lk_words lk_words_classify(const char *text)
{
	reader r = {0};

	if (!text || strnlen(text, MAX_TEXT_BYTES + 1) > MAX_TEXT_BYTES)
		return text ? LK_WORDS_OTHER : LK_WORDS_NONE;
	if (strstr(text, "://") || strstr(text, "www."))
		return LK_WORDS_OTHER;
	g_auto(GStrv) lines = lines_of(text);
	r.pending = g_string_new(NULL);
	for (unsigned i = 0; lines[i]; i++) {
		add_line(&r, lines[i]);
		if (!goes_on(lines[i], lines[i + 1]))
			end_sentence(&r);
	}
	g_string_free(r.pending, TRUE);
	if (r.is_other || r.words > MAX_WORDS)
		return LK_WORDS_OTHER;
	if (r.chases > 0)
		return LK_WORDS_CHASE;
	if (r.thanks > 0 || (r.words == 0 && is_cheer(text)))
		return LK_WORDS_THANKS;
	return LK_WORDS_NONE;
}

lk_words lk_mail_words(const lk_mail *mail)
{
	for (unsigned i = 0; i < mail->attachments->len; i++) {
		const lk_attachment *attachment = g_ptr_array_index(mail->attachments, i);
		if (g_strcmp0(attachment->content_type, "text/vnd.google.email-reaction+json") == 0)
			return LK_WORDS_THANKS;
	}
	for (unsigned i = 0; i < mail->attachments->len; i++) {
		const lk_attachment *attachment = g_ptr_array_index(mail->attachments, i);
		if (!attachment->is_inline)
			return LK_WORDS_OTHER;
	}
	return lk_words_classify(mail->reply_text);
}

/* --- subjects --------------------------------------------------------------------------------- */

bool lk_subject_is_generic(const char *base)
{
	unsigned n = 0;
	g_auto(GStrv) words = words_of(base, &n);
	bool is_known[MAX_SENTENCE_WORDS + 1] = {false};
	bool unused = false;

	if (n > MAX_SENTENCE_WORDS)
		return false;
	mark(lk_generic_subjects, words, is_known, &unused);
	mark(lk_closings, words, is_known, &unused);
	mark(lk_neutral_words, words, is_known, &unused);
	for (unsigned i = 0; i < n; i++)
		if (!is_known[i] && !is_number(words[i]) && strlen(words[i]) > 1)
			return false;
	return true;
}

bool lk_subject_is_chase(const char *base)
{
	return lk_words_classify(base) == LK_WORDS_CHASE;
}

bool lk_subject_asks_status(const char *base, lk_lang *ret_lang)
{
	g_autofree char *words = lk_words_fold(base);

	if (strcmp(words, "tila") == 0)
		*ret_lang = LK_LANG_FI;
	else if (strcmp(words, "lage") == 0)
		*ret_lang = LK_LANG_SV;
	else
		return strcmp(words, "status") == 0;
	return true;
}

char *lk_subject_words(const char *base)
{
	unsigned n = 0;
	g_auto(GStrv) words = words_of(base, &n);
	unsigned from = 0;

	/* A subject of nothing but such words keeps them: it is then its own. */
	for (unsigned taken; from < n && (taken = longest(lk_chase_leads, words + from)) > 0;)
		from += taken;
	return g_strjoinv(" ", words + (from < n ? from : 0));
}

static void add_content(GString *out, const char *line)
{
	unsigned n = 0;
	g_auto(GStrv) words = words_of(line, &n);

	for (unsigned i = 0; i < n;) {
		unsigned taken =
			MAX(longest(lk_neutral_words, words + i), is_number(words[i]) ? 1 : 0);
		if (taken == 0 || longest(lk_matter_words, words + i) > 0) {
			g_string_append_printf(out, "%s%s", out->len ? " " : "", words[i]);
			taken = 1;
		}
		i += taken;
	}
}

char *lk_words_content(const char *text)
{
	g_autofree char *cut = lk_text_cut(text ? text : "", MAX_TEXT_BYTES);
	g_auto(GStrv) lines = lines_of(cut);
	GString *out = g_string_new(NULL);

	for (unsigned i = 0; lines[i]; i++)
		add_content(out, lines[i]);
	return g_string_free(out, FALSE);
}

bool lk_words_name_more(const char *newer, const char *older)
{
	g_auto(GStrv) words = g_strsplit(newer, " ", -1);
	g_auto(GStrv) known = g_strsplit(older, " ", -1);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (unsigned i = 0; known[i]; i++)
		g_hash_table_add(seen, known[i]);
	for (unsigned i = 0; words[i]; i++)
		if (has_digit(words[i]) && !g_hash_table_contains(seen, words[i]))
			return true;
	return false;
}
