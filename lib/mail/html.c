#include "lib/mail/html.h"

#include <libxml/HTMLparser.h>
#include <string.h>

enum {
	FEED_BYTES = 32 * 1024,
	LINK_BYTES_MOST = 1000,
	QUOTE_DEPTH_MOST = 20,
	LIST_DEPTH_MOST = 50,
	TEXT_BYTES_MOST = 4 * 1024 * 1024
};

typedef struct {
	GString *out;
	unsigned newlines; /* owed before the next word */
	bool space;	   /* owed before the next word */
	bool has_word;	   /* on the current line */
	unsigned depth;	   /* of open elements */
	unsigned hidden;   /* depth of the element that hides, 0 when none does */
	unsigned skipped;  /* the same for script, style and their like */
	bool shows_hidden;
	bool hid_something;
	unsigned quotes;
	unsigned last_quotes; /* of the last line with words */
	unsigned pre;
	unsigned lists;
	int items[LIST_DEPTH_MOST]; /* next number of an ordered list, -1 for a bullet */
	char *href;
	size_t link_start;
	char mark; /* owed before the next word */
} renderer;

static const char *attribute(const xmlChar **attributes, const char *name)
{
	for (size_t i = 0; attributes && attributes[i]; i += 2)
		if (g_ascii_strcasecmp((const char *)attributes[i], name) == 0)
			return attributes[i + 1] ? (const char *)attributes[i + 1] : "";
	return NULL;
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (g_ascii_strcasecmp(name, *names) == 0)
			return true;
	return false;
}

static void owe(renderer *r, unsigned newlines)
{
	if (newlines == 0)
		return;
	r->newlines = MAX(r->newlines, newlines);
	r->space = false;
}

static void start_word(renderer *r)
{
	bool starts_line = r->out->len == 0;

	if (r->newlines > 0 && r->out->len > 0) {
		for (unsigned i = 0; i < r->newlines; i++) {
			g_string_append_c(r->out, '\n');
			/* An empty line inside a quote is part of it. */
			for (unsigned q = 0;
			     i + 1 < r->newlines && q < MIN(r->quotes, r->last_quotes); q++)
				g_string_append_c(r->out, '>');
		}
		starts_line = true;
	}
	r->newlines = 0;
	if (r->mark) {
		g_string_append_c(r->out, r->mark);
		r->mark = 0;
	}
	if (starts_line) {
		for (unsigned i = 0; i < r->quotes; i++)
			g_string_append(r->out, "> ");
		r->last_quotes = r->quotes;
		r->has_word = false;
	}
	if (r->space && r->has_word)
		g_string_append_c(r->out, ' ');
	r->space = false;
	r->has_word = true;
}

static void add_text(renderer *r, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		if (c == '\n' && r->pre > 0) {
			if (r->newlines > 0 || r->has_word)
				r->newlines++;
			else
				r->newlines = 1;
			r->space = false;
		} else if (r->pre > 0 && (c == ' ' || c == '\t')) {
			if (r->newlines > 0)
				start_word(r);
			g_string_append_c(r->out, c);
		} else if (g_ascii_isspace(c)) {
			r->space = true;
		} else if (c != LK_HTML_MARK_ATTRIBUTION && c != LK_HTML_MARK_OLD_MAIL) {
			size_t j = i;
			while (j < n && !g_ascii_isspace(text[j]) &&
			       text[j] != LK_HTML_MARK_ATTRIBUTION &&
			       text[j] != LK_HTML_MARK_OLD_MAIL)
				j++;
			start_word(r);
			g_string_append_len(r->out, text + i, (gssize)(j - i));
			i = j - 1;
		}
	}
}

static bool style_hides(const char *style)
{
	g_autoptr(GString) folded = g_string_new(NULL);

	for (const char *p = style; *p && folded->len < 2000; p++)
		if (!g_ascii_isspace(*p))
			g_string_append_c(folded, g_ascii_tolower(*p));
	return strstr(folded->str, "display:none") || strstr(folded->str, "visibility:hidden") ||
	       strstr(folded->str, "mso-hide:all");
}

/* Containers by which mail programs set apart what is answered to. */
static char mark_of(const char *name, const xmlChar **attributes)
{
	static const char *const old_mail_ids[] = {"divRplyFwdMsg",
						   "x_divRplyFwdMsg",
						   "mail-editor-reference-message-container",
						   "OLK_SRC_BODY_SECTION",
						   "reply-intro",
						   NULL};
	static const char *const attribution_classes[] = {
		"gmail_quote",		 "gmail_attr",
		"moz-cite-prefix",	 "moz-email-headers-table",
		"yahoo_quoted",		 "protonmail_quote",
		"tutanota_quote",	 "zmail_extra",
		"gmail_quote_container", "WordSection_quote",
		"moz-forward-container", NULL};
	const char *id = attribute(attributes, "id");
	const char *class = attribute(attributes, "class");

	if (id && is_one_of(id, old_mail_ids))
		return LK_HTML_MARK_OLD_MAIL;
	if (!class || g_ascii_strcasecmp(name, "blockquote") == 0)
		return 0;
	g_auto(GStrv) classes = g_strsplit_set(class, " \t\r\n", 20);
	for (unsigned i = 0; classes[i]; i++) {
		if (g_ascii_strcasecmp(classes[i], "OutlookMessageHeader") == 0)
			return LK_HTML_MARK_OLD_MAIL;
		if (is_one_of(classes[i], attribution_classes))
			return LK_HTML_MARK_ATTRIBUTION;
	}
	return 0;
}

static unsigned newlines_of(const char *name, const xmlChar **attributes)
{
	static const char *const paragraphs[] = {"p",	"h1", "h2",	"h3", "h4",	    "h5",
						 "h6",	"ul", "ol",	"dl", "blockquote", "table",
						 "pre", "hr", "center", NULL};
	static const char *const lines[] = {"div",     "tr",	     "li",	"dt",	  "dd",
					    "address", "section",    "article", "header", "footer",
					    "form",    "fieldset",   "main",	"nav",	  "aside",
					    "figure",  "figcaption", "caption", "thead",  "tbody",
					    "tfoot",   "legend",     "body",	"option", NULL};
	const char *class = attributes ? attribute(attributes, "class") : NULL;

	/* Word writes each line as a paragraph without a margin. */
	if (class && strncmp(class, "Mso", 3) == 0)
		return 1;
	return is_one_of(name, paragraphs) ? 2 : is_one_of(name, lines) ? 1 : 0;
}

static void start_item(renderer *r)
{
	int *next = r->lists > 0 ? &r->items[MIN(r->lists, LIST_DEPTH_MOST) - 1] : NULL;
	g_autofree char *bullet =
		next && *next >= 0 ? g_strdup_printf("%d.", (*next)++) : g_strdup("*");

	add_text(r, bullet, strlen(bullet));
	r->space = true;
}

static void start_image(renderer *r, const xmlChar **attributes)
{
	const char *alt = attribute(attributes, "alt");

	if (alt && *alt && strlen(alt) < 500) {
		r->space = true;
		add_text(r, "[", 1);
		add_text(r, alt, strlen(alt));
		g_string_append_c(r->out, ']');
		r->space = true;
	}
}

static void start_element(void *data, const xmlChar *tag, const xmlChar **attributes)
{
	static const char *const skipped[] = {"script",	  "style",    "head",	"title",
					      "noscript", "template", "object", "svg",
					      "math",	  "iframe",   NULL};
	renderer *r = data;
	const char *name = (const char *)tag;
	const char *style = attribute(attributes, "style");

	r->depth++;
	if (r->skipped || r->hidden)
		return;
	/* Quote marks can make the text many times longer than the HTML. */
	if (is_one_of(name, skipped) || r->out->len > TEXT_BYTES_MOST) {
		r->skipped = r->depth;
		return;
	}
	if ((style && style_hides(style)) || attribute(attributes, "hidden")) {
		r->hid_something = true;
		if (!r->shows_hidden) {
			r->hidden = r->depth;
			return;
		}
	}
	char mark = mark_of(name, attributes);
	if (mark) {
		owe(r, 1);
		r->mark = mark;
	}
	if (g_ascii_strcasecmp(name, "br") == 0) {
		/* The first ends a line of words, each further one makes an empty line. */
		r->newlines = r->newlines > 0 || r->has_word ? MIN(r->newlines + 1, 3) : 1;
		r->space = false;
		return;
	}
	owe(r, newlines_of(name, attributes));
	if (g_ascii_strcasecmp(name, "blockquote") == 0) {
		r->quotes = MIN(r->quotes + 1, QUOTE_DEPTH_MOST);
	} else if (g_ascii_strcasecmp(name, "pre") == 0) {
		r->pre++;
	} else if (g_ascii_strcasecmp(name, "ul") == 0 || g_ascii_strcasecmp(name, "ol") == 0) {
		if (r->lists < LIST_DEPTH_MOST)
			r->items[r->lists] = g_ascii_strcasecmp(name, "ol") == 0 ? 1 : -1;
		r->lists++;
	} else if (g_ascii_strcasecmp(name, "li") == 0) {
		start_item(r);
	} else if (g_ascii_strcasecmp(name, "td") == 0 || g_ascii_strcasecmp(name, "th") == 0) {
		if (r->has_word && r->newlines == 0) {
			g_string_append_c(r->out, '\t');
			r->space = false;
		}
	} else if (g_ascii_strcasecmp(name, "img") == 0) {
		start_image(r, attributes);
	} else if (g_ascii_strcasecmp(name, "hr") == 0) {
		add_text(r, "________________________________", 32);
		owe(r, 1);
	} else if (g_ascii_strcasecmp(name, "a") == 0) {
		const char *href = attribute(attributes, "href");
		g_free(r->href);
		r->href = g_strdup(href);
		r->link_start = r->out->len;
	}
}

static void end_link(renderer *r)
{
	g_autofree char *href = g_steal_pointer(&r->href);
	const char *shown = href;
	bool is_web = href && (g_ascii_strncasecmp(href, "http://", 7) == 0 ||
			       g_ascii_strncasecmp(href, "https://", 8) == 0);
	bool is_mail = href && g_ascii_strncasecmp(href, "mailto:", 7) == 0;

	if ((!is_web && !is_mail) || strlen(href) > LINK_BYTES_MOST ||
	    r->link_start >= r->out->len || strpbrk(href, " <>\n"))
		return;
	/* What the words themselves say is not said again. */
	if (is_mail) {
		shown += 7;
		if (strcspn(shown, "?") < strlen(shown))
			return;
	} else {
		shown += href[4] == 's' || href[4] == 'S' ? 8 : 7;
		if (g_ascii_strncasecmp(shown, "www.", 4) == 0)
			shown += 4;
	}
	g_autofree char *bare = g_strdup(shown);
	while (*bare && bare[strlen(bare) - 1] == '/')
		bare[strlen(bare) - 1] = 0;
	g_autofree char *words = g_ascii_strdown(r->out->str + r->link_start, -1);
	g_autofree char *folded = g_ascii_strdown(bare, -1);
	if (strstr(words, folded))
		return;
	r->space = true;
	start_word(r);
	g_string_append_printf(r->out, "<%s>", is_mail ? shown : href);
}

static void end_element(void *data, const xmlChar *tag)
{
	renderer *r = data;
	const char *name = (const char *)tag;
	unsigned depth = r->depth;

	if (r->depth > 0)
		r->depth--;
	if (r->skipped || r->hidden) {
		if (depth <= MAX(r->skipped, r->hidden))
			r->skipped = r->hidden = 0;
		return;
	}
	if (g_ascii_strcasecmp(name, "a") == 0)
		end_link(r);
	/* Behind a paragraph only the next paragraph makes room: Word's lines are paragraphs too.
	 */
	owe(r, g_ascii_strcasecmp(name, "p") == 0 ? 1 : newlines_of(name, NULL));
	if (g_ascii_strcasecmp(name, "blockquote") == 0) {
		if (r->quotes > 0)
			r->quotes--;
	} else if (g_ascii_strcasecmp(name, "pre") == 0) {
		if (r->pre > 0)
			r->pre--;
	} else if (g_ascii_strcasecmp(name, "ul") == 0 || g_ascii_strcasecmp(name, "ol") == 0) {
		if (r->lists > 0)
			r->lists--;
	}
}

static void characters(void *data, const xmlChar *text, int n)
{
	renderer *r = data;

	if (!r->skipped && !r->hidden && n > 0)
		add_text(r, (const char *)text, (size_t)n);
}

static void render(const char *html, size_t n, renderer *r)
{
	htmlSAXHandler handler = {.startElement = start_element,
				  .endElement = end_element,
				  .characters = characters,
				  .ignorableWhitespace = characters};
	htmlParserCtxtPtr context =
		htmlCreatePushParserCtxt(&handler, r, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);

	if (!context)
		return;
	htmlCtxtUseOptions(context, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
					    HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
	for (size_t at = 0; at < n; at += FEED_BYTES)
		htmlParseChunk(context, html + at, (int)MIN(FEED_BYTES, n - at), 0);
	htmlParseChunk(context, NULL, 0, 1);
	htmlFreeParserCtxt(context);
	g_clear_pointer(&r->href, g_free);
}

/* NBSP to blank and no blanks at line ends; quoting prefixes stay. */
static char *tidy(const GString *text)
{
	g_autoptr(GString) tidied = g_string_sized_new(text->len);

	for (size_t i = 0; i < text->len; i++) {
		if (i + 1 < text->len && memcmp(text->str + i, "\xc2\xa0", 2) == 0) {
			g_string_append_c(tidied, ' ');
			i++;
			continue;
		}
		if (text->str[i] == '\n')
			while (tidied->len > 0 && strchr(" \t", tidied->str[tidied->len - 1]))
				g_string_truncate(tidied, tidied->len - 1);
		g_string_append_c(tidied, text->str[i]);
	}
	return g_strdup(tidied->str);
}

char *lk_html_to_text(const char *html, size_t n)
{
	g_autoptr(GString) out = g_string_new(NULL);
	renderer r = {.out = out};

	n = MIN(n, LK_HTML_BYTES_MOST);
	render(html, n, &r);
	/* A mail that hides everything is read as if it hid nothing. */
	if (r.hid_something && strspn(out->str, " \t\r\n") == out->len) {
		g_string_truncate(out, 0);
		r = (renderer){.out = out, .shows_hidden = true};
		render(html, n, &r);
	}
	return tidy(out);
}

char *lk_html_unmark(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++)
		if (*from != LK_HTML_MARK_ATTRIBUTION && *from != LK_HTML_MARK_OLD_MAIL)
			*to++ = *from;
	*to = 0;
	return text;
}
