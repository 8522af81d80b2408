/* What mail clients do to a line, undone; and where the words end and a signature begins. */
#include "lib/desk/command.h"

#include "lib/base/text.h"

#include <string.h>

enum { MAX_SIGNATURE_LINES = 12, MAX_SIGNATURE_CHARS = 120, MAX_CLOSING_CHARS = 60 };

/* Soft hyphen, zero width blanks and joiners, bidi marks, variation selectors, byte order mark. */
static bool is_invisible(gunichar c)
{
	return c == 0xAD || c == 0x34F || c == 0x61C || (c >= 0x200B && c <= 0x200F) ||
	       (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) ||
	       (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF || c == 0x180E ||
	       c == 0x20E3; /* of the key #, as telephones write it */
}

char *lk_command_clean(const char *line, size_t n)
{
	g_autofree char *valid = lk_text_clean(line, n);
	g_autoptr(GString) clean = g_string_sized_new(strlen(valid));
	bool is_blank = false;

	for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (is_invisible(c))
			continue;
		if (g_unichar_isspace(c) || c == 0x2800 || c == 0x3164) {
			is_blank = true;
			continue;
		}
		if (is_blank && clean->len > 0)
			g_string_append_c(clean, ' ');
		is_blank = false;
		/* FULLWIDTH NUMBER SIGN, SMALL NUMBER SIGN, MUSIC SHARP SIGN */
		bool is_hash = c == 0xFF03 || c == 0xFE5F || c == 0x266F;
		g_string_append_unichar(clean, is_hash ? '#' : c);
	}
	return g_string_free(g_steal_pointer(&clean), FALSE);
}

static bool is_dash(gunichar c)
{
	return (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xFE58 || c == 0xFE63 ||
	       c == 0xFF0D || c == 0x2043;
}

/* Of any language: “x”, ”x”, „x“, «x», ‘x’, "x", 'x'. */
static bool is_quote(gunichar c)
{
	return c == '"' || c == '\'' || c == '`' || (c >= 0x2018 && c <= 0x201F) || c == 0xAB ||
	       c == 0xBB || c == 0x2039 || c == 0x203A || c == 0x2032 || c == 0x2033 || c == 0xB4;
}

/* "bo@x<mailto:bo@x>" and "<mailto:bo@x>", as HTML clients write an address. */
static char *without_mailto(const char *text)
{
	g_autoptr(GString) out = g_string_new(NULL);
	const char *p = text;

	while (*p) {
		const char *start = strchr(p, '<');
		const char *end = start ? strchr(start, '>') : NULL;
		bool is_link = end && g_ascii_strncasecmp(start, "<mailto:", 8) == 0;

		if (!is_link) {
			size_t take = start ? (size_t)(start - p) + 1 : strlen(p);
			g_string_append_len(out, p, (gssize)take);
			p += take;
			continue;
		}
		g_string_append_len(out, p, start - p);
		g_string_truncate(out, strlen(g_strchomp(out->str)));
		size_t before = out->len;
		while (before > 0 && out->str[before - 1] != ' ')
			before--;
		/* The address stands before its link as a rule; alone, it is the address. */
		if (!strchr(out->str + before, '@') && out->len > before &&
		    out->str[out->len - 1] != '+' && out->str[out->len - 1] != '-')
			g_string_append_c(out, ' ');
		if (!strchr(out->str + before, '@'))
			g_string_append_len(out, start + 8, end - start - 8);
		p = end + 1;
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* Quotes stand around a whole argument: those inside belong to it. */
static void unquote(GString *text)
{
	for (bool again = true; again && text->len > 0;) {
		const char *last = g_utf8_find_prev_char(text->str, text->str + text->len);
		size_t first = (size_t)(g_utf8_next_char(text->str) - text->str);
		again = last && last > text->str && is_quote(g_utf8_get_char(text->str)) &&
			is_quote(g_utf8_get_char(last));
		if (!again)
			break;
		g_string_truncate(text, (size_t)(last - text->str));
		g_string_erase(text, 0, (gssize)first);
		g_strstrip(text->str);
		text->len = strlen(text->str);
	}
}

char *lk_command_plain(const char *argument)
{
	g_autofree char *linkless = without_mailto(argument);
	g_autofree char *compat = g_utf8_normalize(linkless, -1, G_NORMALIZE_ALL_COMPOSE);
	g_autoptr(GString) plain = g_string_new(NULL);

	for (const char *p = compat ? compat : ""; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		/* U+2026 has become three dots by now; people who write two get three. */
		if (strncmp(p, "...", 3) == 0) {
			g_string_append(plain, "..");
			p += 2;
		} else if (is_dash(c)) {
			g_string_append_c(plain, '-');
		} else {
			g_string_append_unichar(plain, c);
		}
	}
	g_strstrip(plain->str);
	plain->len = strlen(plain->str);
	unquote(plain);
	return g_string_free(g_steal_pointer(&plain), FALSE);
}

char *lk_command_fold(const char *word)
{
	g_autofree char *apart = g_utf8_normalize(word, -1, G_NORMALIZE_ALL);
	g_autofree char *lower = g_utf8_strdown(apart ? apart : "", -1);
	g_autoptr(GString) folded = g_string_new(NULL);

	for (const char *p = lower; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (g_unichar_ismark(c))
			continue;
		if (is_dash(c))
			c = '-';
		g_string_append_unichar(folded, c);
	}
	return g_string_free(g_steal_pointer(&folded), FALSE);
}

/* --- signatures ------------------------------------------------------------------------------- */

static const char *const closings[] = {
	"terveisin",
	"terv",
	"t",
	"yst terv",
	"ystavallisin terveisin",
	"parhain terveisin",
	"kiitos",
	"kiitoksin",
	"kiittaen",
	"mvh",
	"med vanlig halsning",
	"med vanliga halsningar",
	"vanliga halsningar",
	"halsningar",
	"hals",
	"halsning",
	"vanligen",
	"tack",
	"regards",
	"best regards",
	"kind regards",
	"kindest regards",
	"best",
	"br",
	"rgds",
	"sincerely",
	"yours sincerely",
	"cheers",
	"thanks",
	"many thanks",
	"thank you",
	"yst",
	"ystavallisesti",
	"kunnioittavasti",
};

static const char *const devices[] = {
	"sent from my ",  "sent from outlook", "get outlook for ", "lahetetty ",
	"hamta outlook ", "skickat fran ",     "skickades fran ",  "hanki outlook ",
	"sent via ",	  "sent with ",	       "skaffa outlook ",  "enviado desde ",
};

/* The letters of a line, folded, other characters as single blanks. Caller frees. */
static char *letters_of(const char *line)
{
	g_autofree char *folded = lk_command_fold(line);
	g_autoptr(GString) letters = g_string_new(NULL);

	for (const char *p = folded; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (g_unichar_isalpha(c))
			g_string_append_unichar(letters, c);
		else if (letters->len > 0 && letters->str[letters->len - 1] != ' ')
			g_string_append_c(letters, ' ');
	}
	g_strchomp(letters->str);
	return g_string_free(g_steal_pointer(&letters), FALSE);
}

/*
 * The name, or its first word, alone or with a title behind a comma or rule: "Aino Aalto, ICT".
 * "Aino Aalto will call you" is a sentence.
 */
static bool is_name(const char *line, const char *name)
{
	g_autofree char *folded = lk_command_fold(line);
	g_autofree char *whole = lk_command_fold(name ? name : "");
	const char *at = folded;
	size_t first = strcspn(whole, " ");

	while (*at && !g_unichar_isalpha(g_utf8_get_char(at)))
		at = g_utf8_next_char(at);
	if (!*whole)
		return false;
	const char *rest = g_str_has_prefix(at, whole)			 ? at + strlen(whole)
			   : strncmp(at, whole, first) == 0 && first > 0 ? at + first
									 : NULL;
	if (!rest)
		return false;
	rest += strspn(rest, " ");
	return !*rest || (!g_unichar_isalnum(g_utf8_get_char(rest)) && rest[0] != '\'');
}

/* "--", and what autocorrection makes of it. */
static bool is_separator(const char *line)
{
	static const char *const all[] = {"--", "---", "\xE2\x80\x94", "\xE2\x80\x93",
					  "\xE2\x80\x93\xE2\x80\x93"};

	for (unsigned i = 0; i < G_N_ELEMENTS(all); i++)
		if (strcmp(line, all[i]) == 0)
			return true;
	return false;
}

typedef enum { SIGN_NOT, SIGN_CLOSING, SIGN_CERTAIN } sign;

/* Is the line nothing but "Best regards"? *ret_rest is what stands behind such words. */
static bool is_closing(const char *line, const char **ret_rest)
{
	g_autofree char *letters = letters_of(line);

	for (unsigned i = 0; i < G_N_ELEMENTS(closings); i++)
		if (strcmp(letters, closings[i]) == 0)
			return true;
	/* "Terveisin, Aino": the words up to the first comma. */
	const char *comma = strchr(line, ',');
	if (!comma || !comma[1])
		return false;
	g_autofree char *head = g_strndup(line, (size_t)(comma - line));
	const char *unused = NULL;
	if (!is_closing(head, &unused))
		return false;
	*ret_rest = comma + 1;
	return true;
}

bool lk_command_is_closing(const char *line)
{
	const char *rest = NULL;

	return is_closing(line, &rest) && !rest;
}

/* Does a signature begin with this line? A closing needs the name to be one. */
static sign sign_of(const char *line, const char *name)
{
	g_autofree char *letters = letters_of(line);
	const char *rest = NULL;

	if (is_separator(line))
		return SIGN_CERTAIN;
	if (g_utf8_strlen(line, -1) > MAX_CLOSING_CHARS || !*letters)
		return SIGN_NOT;
	for (unsigned i = 0; i < G_N_ELEMENTS(devices); i++)
		if (g_str_has_prefix(letters, devices[i]))
			return SIGN_CERTAIN;
	if (is_closing(line, &rest))
		return !rest ? SIGN_CLOSING : is_name(rest, name) ? SIGN_CERTAIN : SIGN_NOT;
	for (const char *p = strchr(line, ' '); p; p = strchr(p + 1, ' ')) {
		g_autofree char *head = g_strndup(line, (size_t)(p - line));
		if (lk_command_is_closing(head) && is_name(p + 1, name))
			return SIGN_CERTAIN;
	}
	return is_name(line, name) ? SIGN_CERTAIN : SIGN_NOT;
}

size_t lk_command_signature(const char *const *lines, size_t n, const char *agent_name)
{
	size_t start = n;
	size_t words = 0;
	bool is_certain = false;

	for (size_t i = n; i-- > 0;) {
		if (!*lines[i])
			continue;
		if (++words > MAX_SIGNATURE_LINES || *lines[i] == '#' ||
		    g_utf8_strlen(lines[i], -1) > MAX_SIGNATURE_CHARS)
			break;
		sign s = sign_of(lines[i], agent_name);
		/* "Kiitos" counts only with a name below it. */
		if (s == SIGN_CERTAIN || (s == SIGN_CLOSING && is_certain)) {
			start = i;
			is_certain = true;
		}
	}
	while (start > 0 && !*lines[start - 1])
		start--;
	return start;
}
