#include "lib/mail/rtf.h"

#include "lib/base/text.h"
#include "lib/mail/charset.h"
#include "lib/mail/html.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { DEPTH_MOST = 1000, FONTS_MOST = 2000, LINK_BYTES_MOST = 1000, WORD_BYTES_MOST = 32 };

/* What the text of a group is for. */
typedef enum {
	FOR_READER,
	FOR_NOBODY,
	FOR_FONTS,
	FOR_HTML, /* \htmltag: HTML as it was */
	FOR_LINK, /* \fldinst: HYPERLINK "..." */
	FOR_LINKED
} purpose;

typedef struct {
	purpose what;
	bool is_rtf_only; /* \htmlrtf: made up for readers of RTF */
	int skips;	  /* \uc: characters behind \u that say the same */
	int font;
} group;

typedef struct {
	const char *p, *end;
	GString *out; /* UTF-8 */
	GString *raw; /* bytes of the codepage, not converted yet */
	GString *link;
	GArray *groups;
	GHashTable *fonts; /* number -> codepage */
	group now;
	unsigned too_deep;
	int codepage, raw_codepage;
	int font; /* being defined */
	int to_skip;
	unsigned high; /* first half of a surrogate pair */
	bool is_html, is_ignorable;
} reader;

static void flush(reader *to)
{
	g_autofree char *label = g_strdup_printf("cp%d", to->raw_codepage);

	if (to->raw->len == 0)
		return;
	lk_charset_decode(to->raw_codepage == 10000 ? "macintosh" : label, to->raw->str,
			  to->raw->len, to->out, NULL);
	g_string_truncate(to->raw, 0);
}

static bool is_shown(const reader *to)
{
	if (to->too_deep > 0)
		return false;
	if (to->is_html)
		return to->now.what == FOR_HTML ||
		       (to->now.what == FOR_READER && !to->now.is_rtf_only);
	return to->now.what == FOR_READER || to->now.what == FOR_LINKED;
}

static void put_byte(reader *to, char c)
{
	if (to->to_skip > 0) {
		to->to_skip--;
		return;
	}
	if (to->now.what == FOR_LINK && to->link->len < LINK_BYTES_MOST)
		g_string_append_c(to->link, c);
	if (!is_shown(to))
		return;
	gpointer known = NULL;
	int codepage = to->codepage;
	if (to->now.what != FOR_HTML &&
	    g_hash_table_lookup_extended(to->fonts, GINT_TO_POINTER(to->now.font), NULL, &known))
		codepage = GPOINTER_TO_INT(known);
	if (codepage != to->raw_codepage)
		flush(to);
	to->raw_codepage = codepage;
	g_string_append_c(to->raw, c);
}

static void put_text(reader *to, const char *text)
{
	if (to->to_skip > 0) {
		to->to_skip--;
		return;
	}
	if (!is_shown(to))
		return;
	flush(to);
	g_string_append(to->out, text);
}

/* UTF-16 in signed numbers. */
static void put_unicode(reader *to, int number)
{
	unsigned unit = (unsigned)number & 0xffff, high = to->high;

	to->high = 0;
	to->to_skip = 0;
	if (is_shown(to)) {
		flush(to);
		if (unit >= 0xd800 && unit < 0xdc00)
			to->high = unit;
		else if (unit >= 0xdc00 && unit < 0xe000 && high)
			g_string_append_unichar(to->out, 0x10000 + ((high - 0xd800) << 10) +
								 (unit - 0xdc00));
		else
			g_string_append_unichar(to->out,
						unit >= 0xdc00 && unit < 0xe000 ? 0xfffd : unit);
	}
	to->to_skip = to->now.skips;
}

/* The codepage of a font's \fcharset. */
static int codepage_of(int charset)
{
	static const int known[][2] = {{0, 1252},   {77, 10000}, {128, 932},  {129, 949},
				       {134, 936},  {136, 950},	 {161, 1253}, {162, 1254},
				       {163, 1258}, {177, 1255}, {178, 1256}, {186, 1257},
				       {204, 1251}, {222, 874},	 {238, 1250}};

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (known[i][0] == charset)
			return known[i][1];
	return 0;
}

typedef enum {
	DO_NOTHING,
	DO_TEXT,
	DO_PURPOSE,
	DO_UNICODE,
	DO_SKIPS,
	DO_FONT,
	DO_FONT_CHARSET,
	DO_CODEPAGE,
	DO_FROM_HTML,
	DO_RTF_ONLY,
	DO_BINARY
} action;

static const struct {
	const char *word;
	action what;
	const char *text;
	int number; /* purpose, or codepage where the word itself says it */
} words[] = {
	{"par", DO_TEXT, "\n", 0},
	{"line", DO_TEXT, "\n", 0},
	{"sect", DO_TEXT, "\n", 0},
	{"page", DO_TEXT, "\n", 0},
	{"row", DO_TEXT, "\n", 0},
	{"nestrow", DO_TEXT, "\n", 0},
	{"tab", DO_TEXT, "\t", 0},
	{"cell", DO_TEXT, "\t", 0},
	{"nestcell", DO_TEXT, "\t", 0},
	{"emdash", DO_TEXT, "\xe2\x80\x94", 0},
	{"endash", DO_TEXT, "\xe2\x80\x93", 0},
	{"lquote", DO_TEXT, "\xe2\x80\x98", 0},
	{"rquote", DO_TEXT, "\xe2\x80\x99", 0},
	{"ldblquote", DO_TEXT, "\xe2\x80\x9c", 0},
	{"rdblquote", DO_TEXT, "\xe2\x80\x9d", 0},
	{"bullet", DO_TEXT, "\xe2\x80\xa2", 0},
	{"u", DO_UNICODE, NULL, 0},
	{"uc", DO_SKIPS, NULL, 0},
	{"f", DO_FONT, NULL, 0},
	{"fcharset", DO_FONT_CHARSET, NULL, 0},
	{"ansicpg", DO_CODEPAGE, NULL, 0},
	{"mac", DO_CODEPAGE, NULL, 10000},
	{"pc", DO_CODEPAGE, NULL, 437},
	{"pca", DO_CODEPAGE, NULL, 850},
	{"fromhtml", DO_FROM_HTML, NULL, 0},
	{"htmlrtf", DO_RTF_ONLY, NULL, 0},
	{"bin", DO_BINARY, NULL, 0},
	{"htmltag", DO_PURPOSE, NULL, FOR_HTML},
	{"fonttbl", DO_PURPOSE, NULL, FOR_FONTS},
	{"fldinst", DO_PURPOSE, NULL, FOR_LINK},
	{"fldrslt", DO_PURPOSE, NULL, FOR_LINKED},
	{"colortbl", DO_PURPOSE, NULL, FOR_NOBODY},
	{"stylesheet", DO_PURPOSE, NULL, FOR_NOBODY},
	{"listtable", DO_PURPOSE, NULL, FOR_NOBODY},
	{"info", DO_PURPOSE, NULL, FOR_NOBODY},
	{"pict", DO_PURPOSE, NULL, FOR_NOBODY},
	{"objdata", DO_PURPOSE, NULL, FOR_NOBODY},
	{"header", DO_PURPOSE, NULL, FOR_NOBODY},
	{"headerl", DO_PURPOSE, NULL, FOR_NOBODY},
	{"headerr", DO_PURPOSE, NULL, FOR_NOBODY},
	{"headerf", DO_PURPOSE, NULL, FOR_NOBODY},
	{"footer", DO_PURPOSE, NULL, FOR_NOBODY},
	{"footerl", DO_PURPOSE, NULL, FOR_NOBODY},
	{"footerr", DO_PURPOSE, NULL, FOR_NOBODY},
	{"footerf", DO_PURPOSE, NULL, FOR_NOBODY},
	{"nonshppict", DO_PURPOSE, NULL, FOR_NOBODY},
	{"xe", DO_PURPOSE, NULL, FOR_NOBODY},
	{"tc", DO_PURPOSE, NULL, FOR_NOBODY},
};

static void set_purpose(reader *to, purpose what)
{
	if (to->now.what == FOR_NOBODY || (what == FOR_HTML && !to->is_html))
		what = FOR_NOBODY;
	if (what == FOR_LINK)
		g_string_truncate(to->link, 0);
	to->now.what = what;
}

static void obey(reader *to, size_t i, bool has_number, int number)
{
	switch (words[i].what) {
	case DO_TEXT:
		put_text(to, words[i].text);
		break;
	case DO_PURPOSE:
		set_purpose(to, (purpose)words[i].number);
		break;
	case DO_UNICODE:
		put_unicode(to, number);
		break;
	case DO_SKIPS:
		to->now.skips = CLAMP(number, 0, 100);
		break;
	case DO_FONT:
		to->font = number;
		to->now.font = number;
		break;
	case DO_FONT_CHARSET:
		if (to->now.what == FOR_FONTS && codepage_of(number) &&
		    g_hash_table_size(to->fonts) < FONTS_MOST)
			g_hash_table_insert(to->fonts, GINT_TO_POINTER(to->font),
					    GINT_TO_POINTER(codepage_of(number)));
		break;
	case DO_CODEPAGE:
		to->codepage = words[i].number ? words[i].number : CLAMP(number, 0, 65535);
		break;
	case DO_FROM_HTML:
		to->is_html = true;
		break;
	case DO_RTF_ONLY:
		to->now.is_rtf_only = !has_number || number != 0;
		break;
	case DO_BINARY:
		to->p += MIN((size_t)MAX(number, 0), (size_t)(to->end - to->p));
		break;
	case DO_NOTHING:
		break;
	}
}

/* "\word-12 ": p stands at the first letter. */
static void read_word(reader *to)
{
	char word[WORD_BYTES_MOST];
	size_t n = 0;
	int64_t number = 0;
	bool is_ignorable = to->is_ignorable;

	to->is_ignorable = false;
	for (; to->p < to->end && g_ascii_isalpha(*to->p); to->p++)
		if (n < sizeof word - 1)
			word[n++] = *to->p;
	word[n] = 0;
	bool is_negative = to->end - to->p > 1 && *to->p == '-' && g_ascii_isdigit(to->p[1]);
	to->p += is_negative;
	const char *digits = to->p;
	for (; to->p < to->end && g_ascii_isdigit(*to->p); to->p++)
		number = MIN(number * 10 + (*to->p - '0'), INT32_MAX);
	bool has_number = to->p > digits;
	if (to->p < to->end && *to->p == ' ')
		to->p++;
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strcmp(word, words[i].word) == 0) {
			obey(to, i, has_number, (int)(is_negative ? -number : number));
			return;
		}
	if (is_ignorable)
		set_purpose(to, FOR_NOBODY);
}

static void read_symbol(reader *to)
{
	char c = *to->p++;

	switch (c) {
	case '\'':
		if (to->end - to->p >= 2 && g_ascii_isxdigit(to->p[0]) &&
		    g_ascii_isxdigit(to->p[1])) {
			put_byte(to, (char)(g_ascii_xdigit_value(to->p[0]) << 4 |
					    g_ascii_xdigit_value(to->p[1])));
			to->p += 2;
		}
		break;
	case '*':
		to->is_ignorable = true;
		break;
	case '~':
		put_text(to, "\xc2\xa0");
		break;
	case '_':
		put_text(to, "-");
		break;
	case '\r':
	case '\n':
		put_text(to, "\n");
		break;
	case '\\':
	case '{':
	case '}':
		put_byte(to, c);
		break;
	default:
		break;
	}
}

static void open_group(reader *to)
{
	to->to_skip = 0;
	if (to->too_deep > 0 || to->groups->len >= DEPTH_MOST)
		to->too_deep++;
	else
		g_array_append_val(to->groups, to->now);
}

/* What a link leads to stands behind its words, as in HTML. */
static void close_link(reader *to)
{
	const char *quote = strchr(to->link->str, '"');

	if (!quote || !strstr(to->link->str, "HYPERLINK"))
		return;
	flush(to);
	g_autofree char *target = g_strndup(quote + 1, strcspn(quote + 1, "\""));
	g_autofree char *clean = lk_text_clean(target, strlen(target));
	if (*clean && !g_str_has_suffix(to->out->str, clean))
		g_string_append_printf(to->out, " <%s>", clean);
	g_string_truncate(to->link, 0);
}

static void close_group(reader *to)
{
	to->to_skip = 0;
	if (to->too_deep > 0) {
		to->too_deep--;
		return;
	}
	if (to->groups->len == 0)
		return;
	group outer = g_array_index(to->groups, group, to->groups->len - 1);
	if (to->now.what == FOR_LINKED && outer.what != FOR_LINKED && !to->is_html)
		close_link(to);
	to->now = outer;
	g_array_set_size(to->groups, to->groups->len - 1);
}

static void read_all(reader *to)
{
	while (to->p < to->end) {
		char c = *to->p++;
		if (c == '{')
			open_group(to);
		else if (c == '}')
			close_group(to);
		else if (c == '\\' && to->p < to->end && g_ascii_isalpha(*to->p))
			read_word(to);
		else if (c == '\\' && to->p < to->end)
			read_symbol(to);
		else if (c != '\r' && c != '\n' && c != '\0' && c != '\\')
			put_byte(to, c);
	}
	flush(to);
}

char *lk_rtf_to_text(const char *rtf, size_t n)
{
	if (n < 5 || memcmp(rtf, "{\\rtf", 5) != 0)
		return NULL;
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GString) raw = g_string_new(NULL);
	g_autoptr(GString) link = g_string_new(NULL);
	g_autoptr(GArray) groups = g_array_new(FALSE, FALSE, sizeof(group));
	g_autoptr(GHashTable) fonts = g_hash_table_new(NULL, NULL);
	reader to = {.p = rtf,
		     .end = rtf + MIN(n, LK_RTF_BYTES_MOST),
		     .out = out,
		     .raw = raw,
		     .link = link,
		     .groups = groups,
		     .fonts = fonts,
		     .now = {.what = FOR_READER, .skips = 1, .font = -1},
		     .codepage = 1252,
		     .raw_codepage = 1252};

	read_all(&to);
	g_autofree char *clean = lk_text_clean(out->str, out->len);
	return to.is_html ? lk_html_to_text(clean, MIN(strlen(clean), LK_HTML_BYTES_MOST))
			  : g_steal_pointer(&clean);
}
