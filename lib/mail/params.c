#include "lib/mail/params.h"

#include "lib/base/text.h"
#include "lib/mail/charset.h"
#include "lib/mail/words.h"

#include <string.h>

enum { PARAMS_MOST = 200, FILENAME_CHARS_MOST = 120, EXTENSION_CHARS_MOST = 12 };

typedef struct {
	char *name; /* lower case, without *N and * */
	int index;  /* RFC 2231 piece, -1 for none */
	bool is_extended;
	char *value;
} param;

static void param_free(gpointer data)
{
	param *one = data;

	g_free(one->name);
	g_free(one->value);
	g_free(one);
}

static const char *skip_blanks(const char *p)
{
	for (;;) {
		while (g_ascii_isspace(*p))
			p++;
		if (*p != '(')
			return p;
		const char *close = strchr(p, ')');
		if (!close)
			return p;
		p = close + 1;
	}
}

/* Of the "=?charset?Q?text?=" at p, which holds no blank; 0 when none stands there. */
static size_t encoded_word_length(const char *p)
{
	if (p[0] != '=' || p[1] != '?')
		return 0;
	size_t charset = strcspn(p + 2, "? \t;");
	const char *encoding = p + 2 + charset;
	if (encoding[0] != '?' || !encoding[1] || encoding[2] != '?')
		return 0;
	size_t room = strcspn(encoding + 3, " \t");
	const char *end = g_strstr_len(encoding + 3, (gssize)room, "?=");
	return end ? (size_t)(end + 2 - p) : 0;
}

static char *take_value(const char **at)
{
	GString *value = g_string_new(NULL);
	const char *p = *at;

	if (*p == '"') {
		for (p++; *p && *p != '"'; p++) {
			if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
				p++;
			g_string_append_c(value, *p);
		}
		/* name="a".pdf: what follows without a blank belongs to it; the rest to nobody. */
		if (*p == '"')
			p++;
		while (*p && *p != ';' && !g_ascii_isspace(*p) && *p != '(')
			g_string_append_c(value, *p++);
		p += strcspn(p, ";");
	} else {
		/* Encoded words may hold a ';' of their own. */
		while (*p && *p != ';') {
			size_t n = encoded_word_length(p);
			n = MAX(n, 1);
			g_string_append_len(value, p, (gssize)n);
			p += n;
		}
	}
	*at = p;
	return g_strstrip(g_string_free(value, FALSE));
}

static param *param_new(const char *name, size_t n, char *value)
{
	param *one = g_new0(param, 1);
	char *star;

	one->name = g_strstrip(g_ascii_strdown(name, (gssize)n));
	one->value = value;
	one->index = -1;
	n = strlen(one->name);
	if (n > 1 && one->name[n - 1] == '*') {
		one->is_extended = true;
		one->name[n - 1] = 0;
	}
	star = strchr(one->name, '*');
	if (star && g_ascii_isdigit(star[1]) && strlen(star) <= 4) {
		one->index = 0;
		for (const char *p = star + 1; g_ascii_isdigit(*p); p++)
			one->index = one->index * 10 + (*p - '0');
		*star = 0;
	}
	return one;
}

char *lk_mime_params_mend(const char *line)
{
	const char *blanks = line + strspn(line, " \t");

	blanks += strcspn(blanks, " \t;=\"(");
	const char *name = blanks + strspn(blanks, " \t");
	size_t n = strcspn(name, " \t;=\"(");
	if (name == blanks || n == 0 || name[n] != '=')
		return g_strdup(line);
	return g_strdup_printf("%.*s; %s", (int)(blanks - line), line, name);
}

lk_mime_params *lk_mime_params_parse(const char *value)
{
	lk_mime_params *params = g_new0(lk_mime_params, 1);
	g_autoptr(GString) head = g_string_new(NULL);
	g_autofree char *unfolded = lk_words_unfold(value ? value : "", value ? strlen(value) : 0);
	g_autofree char *line = lk_mime_params_mend(unfolded);
	const char *p = skip_blanks(line);

	params->params = g_ptr_array_new_with_free_func(param_free);
	/* Content-Disposition: filename="x" */
	size_t n = strcspn(p, ";=\"");
	if (p[n] != '=') {
		for (; *p && *p != ';'; p++) {
			const char *behind = skip_blanks(p);
			if (behind > p) {
				p = behind - 1;
				continue;
			}
			if (*p != '"')
				g_string_append_c(head, g_ascii_tolower(*p));
		}
		p += strcspn(p, ";");
	}
	params->head = lk_text_clean(head->str, head->len);
	while (*p && params->params->len < PARAMS_MOST) {
		while (*p == ';' || g_ascii_isspace(*p))
			p++;
		p = skip_blanks(p);
		const char *name = p;
		n = strcspn(p, "=;");
		p += n;
		if (*p != '=')
			continue;
		if (n == 0) { /* "; =x": no name */
			p++;
			continue;
		}
		p = p + 1 + strspn(p + 1, " \t");
		char *text = take_value(&p);
		g_ptr_array_add(params->params, param_new(name, n, text));
	}
	return params;
}

void lk_mime_params_free(lk_mime_params *params)
{
	if (!params)
		return;
	g_free(params->head);
	g_ptr_array_unref(params->params);
	g_free(params);
}

static const param *piece(const lk_mime_params *params, const char *name, int index,
			  bool is_extended)
{
	for (unsigned i = 0; i < params->params->len; i++) {
		const param *one = g_ptr_array_index(params->params, i);
		if (one->index == index && (index >= 0 || one->is_extended == is_extended) &&
		    strcmp(one->name, name) == 0)
			return one;
	}
	return NULL;
}

static void percent_append(const char *text, GString *out)
{
	for (const char *p = text; *p; p++) {
		if (*p == '%' && g_ascii_isxdigit(p[1]) && g_ascii_isxdigit(p[2])) {
			g_string_append_c(out, (char)(g_ascii_xdigit_value(p[1]) << 4 |
						      g_ascii_xdigit_value(p[2])));
			p += 2;
		} else {
			g_string_append_c(out, *p);
		}
	}
}

/* "charset'language'text"; without the quotes it is all text. */
static const char *take_charset(const char *text, char **ret_charset)
{
	const char *first = strchr(text, '\'');
	const char *second = first ? strchr(first + 1, '\'') : NULL;

	if (!second || first - text > 40)
		return text;
	*ret_charset = g_strndup(text, (size_t)(first - text));
	return second + 1;
}

static char *finish(const GString *bytes, const char *charset)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (strstr(bytes->str, "=?"))
		return lk_words_decode(bytes->str, bytes->len);
	lk_charset_decode(charset, bytes->str, bytes->len, text, NULL);
	g_autofree char *clean = lk_text_clean(text->str, text->len);
	return g_strdup(g_strstrip(clean));
}

char *lk_mime_params_get(const lk_mime_params *params, const char *name)
{
	g_autoptr(GString) bytes = g_string_new(NULL);
	g_autofree char *charset = NULL;
	const param *one = piece(params, name, 0, false);

	if (!one)
		one = piece(params, name, 1, false); /* some count from one */
	if (one) {
		for (int i = one->index; one && i < PARAMS_MOST;
		     one = piece(params, name, ++i, false)) {
			const char *text = one->value;
			if (one->is_extended && !charset && bytes->len == 0)
				text = take_charset(text, &charset);
			if (one->is_extended)
				percent_append(text, bytes);
			else
				g_string_append(bytes, text);
		}
		return finish(bytes, charset);
	}
	one = piece(params, name, -1, true);
	if (one) {
		percent_append(take_charset(one->value, &charset), bytes);
		return finish(bytes, charset);
	}
	one = piece(params, name, -1, false);
	if (!one)
		return NULL;
	g_string_append(bytes, one->value);
	return finish(bytes, NULL);
}

char *lk_mime_params_get_raw(const lk_mime_params *params, const char *name)
{
	const param *one = piece(params, name, -1, false);

	if (!one)
		one = piece(params, name, 0, false);
	return one ? g_strdup(one->value) : NULL;
}

static bool is_direction_override(gunichar c)
{
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
	       c == 0x200f || c == 0xfeff;
}

char *lk_safe_filename(const char *name)
{
	g_autoptr(GString) safe = g_string_new(NULL);
	const char *base = name;

	for (const char *p = name; *p; p++)
		if ((*p == '/' || *p == '\\') && p[1])
			base = p + 1;
	for (const char *p = base; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		if (g_unichar_iscntrl(c) || is_direction_override(c) || c == '/' || c == '\\')
			continue;
		g_string_append_unichar(safe, c);
	}
	g_strstrip(safe->str);
	if (!*safe->str || strcmp(safe->str, ".") == 0 || strcmp(safe->str, "..") == 0)
		return NULL;
	long chars = g_utf8_strlen(safe->str, -1);
	if (chars <= FILENAME_CHARS_MOST)
		return g_strdup(safe->str);
	const char *dot = strrchr(safe->str, '.');
	if (!dot || g_utf8_strlen(dot, -1) > EXTENSION_CHARS_MOST)
		dot = "";
	g_autofree char *front =
		g_utf8_substring(safe->str, 0, FILENAME_CHARS_MOST - g_utf8_strlen(dot, -1));
	return g_strconcat(front, dot, NULL);
}
