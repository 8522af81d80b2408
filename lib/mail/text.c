#include "lib/mail/text.h"

#include "lib/base/text.h"
#include "lib/mail/charset.h"
#include "lib/mail/html.h"

#include <string.h>

static char *decode(const char *label, const char *bytes, size_t n, lk_charset_reading *ret_reading)
{
	g_autoptr(GString) text = g_string_sized_new(n);

	lk_charset_decode(label, bytes, n, text, ret_reading);
	return lk_text_clean(text->str, text->len);
}

/* Lines that end in a blank go on in the next one of the same quote depth (RFC 3676 4.1). */
static char *unflow(const char *text, bool deletes_space)
{
	g_autoptr(GString) out = g_string_sized_new(strlen(text));
	bool goes_on = false;
	size_t last_depth = 0;

	while (*text) {
		size_t n = strcspn(text, "\n");
		size_t depth = strspn(text, ">");
		const char *line = text + depth;
		size_t length = n - MIN(n, depth);
		text += n + (text[n] == '\n');
		if (depth > n)
			depth = n;
		if (length > 0 && *line == ' ') { /* space-stuffed */
			line++;
			length--;
		}
		bool is_signature = length == 3 && strncmp(line, "-- ", 3) == 0;
		if (goes_on && (depth != last_depth || is_signature)) {
			g_string_append_c(out, '\n');
			goes_on = false;
		}
		if (!goes_on && depth > 0) {
			for (size_t i = 0; i < depth; i++)
				g_string_append_c(out, '>');
			g_string_append_c(out, ' ');
		}
		goes_on = length > 0 && line[length - 1] == ' ' && !is_signature;
		g_string_append_len(out, line, (gssize)(length - (goes_on && deletes_space)));
		if (!goes_on)
			g_string_append_c(out, '\n');
		last_depth = depth;
	}
	return g_strndup(out->str, out->len);
}

char *lk_text_plain(const char *bytes, size_t n, const lk_mime_params *type,
		    lk_charset_reading *ret_reading)
{
	g_autofree char *charset = lk_mime_params_get(type, "charset");
	g_autofree char *format = lk_mime_params_get(type, "format");
	g_autofree char *text = decode(charset, bytes, n, ret_reading);

	if (format && g_ascii_strcasecmp(format, "flowed") == 0) {
		g_autofree char *delsp = lk_mime_params_get(type, "delsp");
		return unflow(text, delsp && g_ascii_strcasecmp(delsp, "yes") == 0);
	}
	return g_steal_pointer(&text);
}

/* The charset that the HTML itself names near its start, or NULL. */
static char *meta_charset(const char *bytes, size_t n)
{
	g_autofree char *start = g_ascii_strdown(bytes, (gssize)MIN(n, 2048));
	const char *found = strstr(start, "charset=");

	if (!found || !strstr(start, "<meta"))
		return NULL;
	found += 8;
	found += strspn(found, "\"' ");
	return g_strndup(found, strspn(found, "abcdefghijklmnopqrstuvwxyz0123456789-_"));
}

char *lk_text_html(const char *bytes, size_t n, const lk_mime_params *type,
		   lk_charset_reading *ret_reading)
{
	g_autofree char *charset = lk_mime_params_get(type, "charset");

	if (!charset || !*charset || g_ascii_strcasecmp(charset, "us-ascii") == 0) {
		g_free(charset);
		charset = meta_charset(bytes, n);
	}
	g_autofree char *html = decode(charset, bytes, n, ret_reading);
	return lk_html_to_text(html, strlen(html));
}
