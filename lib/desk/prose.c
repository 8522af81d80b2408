#include "lib/desk/prose.h"

#include <string.h>

/* HTML grows with each paragraph and span; what comes later is one plain span a line. */
enum { MOST_LINES = 20000, MOST_URL = 2000 };

typedef struct {
	const GPtrArray *pictures;
	GHashTable *shown; /* ids of pictures that the text names */
	lk_json *paragraphs;
	lk_json *lines; /* of the open paragraph, borrowed; or NULL */
	bool is_quote;
	unsigned n_lines;
} writer;

static void add_span(lk_json *spans, const char *text, size_t n, const char *url, const char *image)
{
	g_autofree char *words = g_strndup(text, n);
	lk_json *span = lk_json_object();

	/* Every key, so that none is looked up further out. */
	lk_json_set_text(span, "text", words);
	lk_json_set_text(span, "url", url ? url : "");
	lk_json_set_text(span, "image", image ? image : "");
	lk_json_set_bool(span, "plain", !url && !image);
	lk_json_push(spans, span);
}

static bool is_url_char(char c)
{
	return (unsigned char)c > ' ' && (unsigned char)c != 0x7f && !strchr("<>\"'\\^`{|}", c);
}

/* Bytes of the http or https address at p; 0: none begins here. */
static size_t url_at(const char *p, const char *end)
{
	size_t scheme = g_str_has_prefix(p, "https://")	 ? 8
			: g_str_has_prefix(p, "http://") ? 7
							 : 0;
	const char *q = p + scheme;
	unsigned open = 0;

	if (scheme == 0 || q >= end || !g_ascii_isalnum(*q))
		return 0;
	for (; q < end && is_url_char(*q); q++) {
		open += *q == '(';
		if (*q == ')' && open-- == 0)
			break;
	}
	while (q > p && strchr(".,;:!?", q[-1]))
		q--;
	return (size_t)(q - p) <= MOST_URL ? (size_t)(q - p) : 0;
}

/* The picture that "[cid:ID]" at p names; NULL: none of this mail. Borrowed. */
static const char *picture_at(const writer *w, const char *p, const char *end, size_t *ret_length)
{
	const char *close = NULL;

	if (!w->pictures || !g_str_has_prefix(p, "[cid:"))
		return NULL;
	close = memchr(p, ']', (size_t)MIN(end - p, 300));
	for (unsigned i = 0; close && i < w->pictures->len; i++) {
		const char *id = g_ptr_array_index(w->pictures, i);
		size_t n = (size_t)(close - p) - 5;
		if (strlen(id) == n && strncmp(id, p + 5, n) == 0) {
			*ret_length = (size_t)(close - p) + 1;
			return id;
		}
	}
	return NULL;
}

static lk_json *spans_of(writer *w, const char *line, const char *end)
{
	lk_json *spans = lk_json_array();
	const char *start = line;

	for (const char *p = line; p < end;) {
		size_t n = 0;
		const char *image = *p == '[' ? picture_at(w, p, end, &n) : NULL;
		if (!image && *p == 'h')
			n = p == line || !g_ascii_isalnum(p[-1]) ? url_at(p, end) : 0;
		if (n == 0) {
			p++;
			continue;
		}
		if (p > start)
			add_span(spans, start, (size_t)(p - start), NULL, NULL);
		if (image) {
			g_hash_table_add(w->shown, (void *)image);
			add_span(spans, "", 0, NULL, image);
		} else {
			g_autofree char *url = g_strndup(p, n);
			add_span(spans, p, n, url, NULL);
		}
		p += n;
		start = p;
	}
	if (end > start)
		add_span(spans, start, (size_t)(end - start), NULL, NULL);
	return spans;
}

static void open_paragraph(writer *w, bool is_quote)
{
	lk_json *paragraph = lk_json_object();

	w->lines = lk_json_array();
	w->is_quote = is_quote;
	lk_json_set_bool(paragraph, "is_quote", is_quote);
	lk_json_take(paragraph, "lines", w->lines);
	lk_json_push(w->paragraphs, paragraph);
}

static void add_line(writer *w, const char *line, const char *end)
{
	const char *first = line;
	bool is_quote = false;
	lk_json *one = NULL;

	while (end > line && g_ascii_isspace(end[-1]))
		end--;
	while (first < end && g_ascii_isspace(*first))
		first++;
	if (first == end) {
		w->lines = NULL;
		return;
	}
	is_quote = *first == '>';
	while (is_quote && first < end && (*first == '>' || *first == ' '))
		first++;
	if (!w->lines || w->is_quote != is_quote)
		open_paragraph(w, is_quote);
	else
		lk_json_set_bool(lk_json_at(w->lines, lk_json_size(w->lines) - 1), "has_more",
				 true);
	one = lk_json_object();
	lk_json_take(one, "spans", spans_of(w, is_quote ? first : line, end));
	lk_json_set_bool(one, "has_more", false);
	lk_json_push(w->lines, one);
}

static void add_pictures(writer *w)
{
	for (unsigned i = 0; w->pictures && i < w->pictures->len; i++) {
		const char *id = g_ptr_array_index(w->pictures, i);
		lk_json *line = NULL;
		lk_json *spans = NULL;
		if (g_hash_table_contains(w->shown, id))
			continue;
		open_paragraph(w, false);
		line = lk_json_object();
		spans = lk_json_array();
		add_span(spans, "", 0, NULL, id);
		lk_json_take(line, "spans", spans);
		lk_json_set_bool(line, "has_more", false);
		lk_json_push(w->lines, line);
	}
}

lk_json *lk_prose(const char *text, const GPtrArray *pictures)
{
	g_autoptr(GHashTable) shown = g_hash_table_new(g_str_hash, g_str_equal);
	writer w = {.pictures = pictures, .shown = shown, .paragraphs = lk_json_array()};
	const char *line = text;

	while (*line && w.n_lines < MOST_LINES) {
		const char *end = strchr(line, '\n');
		if (!end)
			end = line + strlen(line);
		add_line(&w, line, end);
		w.n_lines++;
		line = *end ? end + 1 : end;
	}
	if (*line)
		add_line(&w, line, line + strlen(line));
	add_pictures(&w);
	return w.paragraphs;
}
