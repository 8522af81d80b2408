#include "lib/mail/words.h"

#include "lib/base/text.h"
#include "lib/mail/charset.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

void lk_base64_append(const char *text, size_t n, GString *out)
{
	unsigned have = 0;
	uint32_t bits = 0;

	for (size_t i = 0; i < n; i++) {
		int c = (unsigned char)text[i], six;
		if (c >= 'A' && c <= 'Z')
			six = c - 'A';
		else if (c >= 'a' && c <= 'z')
			six = c - 'a' + 26;
		else if (c >= '0' && c <= '9')
			six = c - '0' + 52;
		else if (c == '+' || c == '-')
			six = 62;
		else if (c == '/' || c == '_')
			six = 63;
		else if (c == '=') { /* words of one charset may be joined with padding inside */
			have = 0;
			bits = 0;
			continue;
		} else {
			continue;
		}
		bits = bits << 6 | (uint32_t)six;
		have += 6;
		if (have >= 8) {
			have -= 8;
			g_string_append_c(out, (char)(bits >> have & 0xff));
		}
	}
}

static void q_append(const char *text, size_t n, GString *out)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '_') {
			g_string_append_c(out, ' ');
		} else if (text[i] == '=' && i + 2 < n && g_ascii_isxdigit(text[i + 1]) &&
			   g_ascii_isxdigit(text[i + 2])) {
			g_string_append_c(out, (char)(g_ascii_xdigit_value(text[i + 1]) << 4 |
						      g_ascii_xdigit_value(text[i + 2])));
			i += 2;
		} else {
			g_string_append_c(out, text[i]);
		}
	}
}

char *lk_words_unfold(const char *value, size_t n)
{
	GString *line = g_string_sized_new(n);

	for (size_t i = 0; i < n; i++) {
		size_t plain = i;
		while (plain < n && (unsigned char)value[plain] >= ' ')
			plain++;
		g_string_append_len(line, value + i, (gssize)(plain - i));
		i = plain;
		if (i == n)
			break;
		if (value[i] == '\r' || value[i] == '\n') {
			/* The blank that starts the folded line is part of the value. */
			if (i + 1 == n || (value[i + 1] != ' ' && value[i + 1] != '\t' &&
					   value[i + 1] != '\n' && value[i + 1] != '\r'))
				g_string_append_c(line, ' ');
		} else {
			g_string_append_c(line, value[i] == '\t' || value[i] == 0 ? ' ' : value[i]);
		}
	}
	return g_strstrip(g_string_free(line, FALSE));
}

/* One "=?charset?B?text?=", by offsets into the line. */
typedef struct {
	const char *charset;
	size_t charset_n;
	char encoding;
	const char *text;
	size_t text_n;
	const char *end;
} word;

static bool word_at(const char *p, const char *end, word *ret)
{
	const char *charset = p + 2, *q = charset;

	while (q < end && q - charset < 60 && *q != '?' && !g_ascii_isspace(*q))
		q++;
	if (q == charset || q + 3 > end || *q != '?' || q[2] != '?' || !strchr("bBqQ", q[1]))
		return false;
	const char *text = q + 3;
	const char *stop = text;
	for (;;) {
		stop = memchr(stop, '?', (size_t)(end - stop));
		if (!stop || stop + 1 >= end)
			return false;
		if (stop[1] == '=')
			break;
		stop++;
	}
	*ret = (word){charset, (size_t)(q - charset), g_ascii_toupper(q[1]),
		      text,    (size_t)(stop - text), stop + 2};
	return true;
}

/* Bytes of adjacent words of one charset: some senders split letters between words. */
typedef struct {
	GString *bytes;
	char *charset;
	GString *out;
} pending;

static void flush(pending *state)
{
	if (state->bytes->len > 0)
		lk_charset_decode(state->charset, state->bytes->str, state->bytes->len, state->out,
				  NULL);
	g_string_truncate(state->bytes, 0);
	g_clear_pointer(&state->charset, g_free);
}

static void take_word(pending *state, const word *found)
{
	g_autofree char *charset = g_strndup(found->charset, found->charset_n);

	if (!state->charset || g_ascii_strcasecmp(charset, state->charset) != 0) {
		flush(state);
		state->charset = g_steal_pointer(&charset);
	}
	if (found->encoding == 'B')
		lk_base64_append(found->text, found->text_n, state->bytes);
	else
		q_append(found->text, found->text_n, state->bytes);
}

static void decode_line(const char *line, size_t n, GString *out)
{
	pending state = {g_string_new(NULL), NULL, out};
	const char *p = line, *end = line + n, *literal = line;
	bool after_word = false;
	word found;

	while (p < end) {
		p = memchr(p, '=', (size_t)(end - p));
		if (!p || p + 6 > end)
			break;
		if (p[1] != '?' || !word_at(p, end, &found)) {
			p++;
			continue;
		}
		bool is_blank = true;
		for (const char *q = literal; q < p; q++)
			is_blank &= *q == ' ';
		if (!is_blank || !after_word) {
			flush(&state);
			lk_charset_decode(NULL, literal, (size_t)(p - literal), out, NULL);
		}
		take_word(&state, &found);
		after_word = true;
		p = literal = found.end;
	}
	flush(&state);
	lk_charset_decode(NULL, literal, (size_t)(end - literal), out, NULL);
	g_string_free(state.bytes, TRUE);
}

/* Neither encoded words nor bytes that any charset or cleaning would change, as most lines are. */
static bool is_as_it_reads(const char *line)
{
	for (const char *p = line; *p; p++)
		if (*p < ' ' || *p > '~' || (*p == '=' && p[1] == '?'))
			return false;
	return true;
}

char *lk_words_decode(const char *value, size_t n)
{
	g_autofree char *line = lk_words_unfold(value, n);

	if (is_as_it_reads(line))
		return g_steal_pointer(&line);
	g_autoptr(GString) text = g_string_sized_new(n);
	decode_line(line, strlen(line), text);
	g_autofree char *clean = lk_text_clean(text->str, text->len);
	for (char *p = clean; *p; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	return g_strdup(g_strstrip(clean));
}

static void take_id(GPtrArray *ids, GHashTable *seen, const char *start, const char *end)
{
	GString *id = g_string_new(NULL);

	for (const char *p = start; p < end && id->len < 2000; p++)
		if (!g_ascii_isspace(*p) && (unsigned char)*p > 0x20)
			g_string_append_c(id, *p);
	g_autofree char *raw = g_string_free(id, FALSE);
	char *clean = lk_text_clean(raw, strlen(raw));
	if (!*clean || g_hash_table_contains(seen, clean)) {
		g_free(clean);
		return;
	}
	g_hash_table_add(seen, clean);
	g_ptr_array_add(ids, clean);
}

GPtrArray *lk_words_ids(const char *value, unsigned most)
{
	GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	const char *p = value;

	while (p && (p = strchr(p, '<'))) {
		size_t n = strcspn(p + 1, "<>");
		if (p[1 + n] != '>') { /* "<a <b@c>" or a cut header: only whole ids count */
			p += 1 + n;
			continue;
		}
		take_id(ids, seen, p + 1, p + 1 + n);
		p += n + 2;
	}
	if (ids->len == 0 && value) {
		g_auto(GStrv) texts = g_strsplit_set(value, " \t\r\n,;", -1);
		for (unsigned i = 0; texts[i]; i++) {
			const char *text = texts[i] + (*texts[i] == '<');
			size_t n = strcspn(text, "<>");
			if (memchr(text, '@', n))
				take_id(ids, seen, text, text + n);
		}
	}
	if (ids->len > most)
		g_ptr_array_remove_range(ids, 0, ids->len - most);
	return ids;
}
