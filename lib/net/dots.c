#include "lib/net/dots.h"

#include "lib/base/io.h"

#include <string.h>

enum { PIECE_BYTES = 16384 };

/* Where in a line the next byte stands. */
typedef enum {
	AT_START,     /* of a line */
	AFTER_DOT,    /* the line so far is "." */
	AFTER_DOT_CR, /* ".\r" */
	IN_LINE,
	AFTER_CR
} place;

typedef struct {
	lk_dots_mode mode;
	place at;
	GString *out;
} reader;

static void put(reader *r, char c)
{
	g_string_append_c(r->out, c);
}

/* One byte in the middle of a line, or its end. */
static place step_in_line(reader *r, char c)
{
	place before = r->at;
	put(r, c);
	if (c == '\r')
		return AFTER_CR;
	if (c == '\n' && (before == AFTER_CR || r->mode == LK_DOTS_LENIENT))
		return AT_START;
	return IN_LINE;
}

/* Takes one byte; true: it was the last one of the mail. */
static bool step(reader *r, char c)
{
	switch (r->at) {
	case AT_START:
		if (c == '.')
			r->at = AFTER_DOT;
		else
			r->at = step_in_line(r, c);
		return false;
	case AFTER_DOT:
		if (c == '\r') {
			r->at = AFTER_DOT_CR;
			return false;
		}
		if (c == '\n' && r->mode == LK_DOTS_LENIENT)
			return true;
		r->at = IN_LINE;
		r->at = step_in_line(r, c);
		return false;
	case AFTER_DOT_CR:
		if (c == '\n')
			return true;
		put(r, '\r'); /* the dot was a doubled one, or stray: RFC 5321 drops it */
		r->at = AFTER_CR;
		r->at = step_in_line(r, c);
		return false;
	case IN_LINE:
	case AFTER_CR:
		r->at = step_in_line(r, c);
		return false;
	}
	return false;
}

lk_dots_result lk_dots_read(lk_stream *stream, lk_dots_mode mode, uint64_t max_bytes, bool read_on,
			    int fd, uint64_t *ret_size, GError **error)
{
	g_autoptr(GString) out = g_string_sized_new(PIECE_BYTES);
	reader r = {.mode = mode, .at = AT_START, .out = out};
	lk_dots_result result = LK_DOTS_END;
	uint64_t size = 0;
	for (bool ended = false; !ended;) {
		const char *bytes;
		size_t n, used = 0;
		if (!lk_stream_peek(stream, &bytes, &n)) {
			*ret_size = size;
			return LK_DOTS_LOST;
		}
		g_string_truncate(out, 0);
		while (used < n && !ended)
			ended = step(&r, bytes[used++]);
		lk_stream_consume(stream, used);
		size += out->len;
		if (result == LK_DOTS_END && size > max_bytes)
			result = LK_DOTS_TOO_LONG;
		if (result == LK_DOTS_END && fd >= 0 &&
		    !lk_write_all(fd, out->str, out->len, error))
			result = LK_DOTS_WRITE_FAILED;
		if (result != LK_DOTS_END && !read_on)
			break;
	}
	*ret_size = size;
	return result;
}

void lk_dots_append(lk_dots_writer *writer, const char *bytes, size_t n, GString *out)
{
	for (size_t i = 0; i < n; i++) {
		char c = bytes[i];
		bool ends_crlf = c == '\n' && writer->was_cr;
		writer->was_cr = c == '\r';
		if (ends_crlf)
			continue; /* written with its CR */
		if (c == '\r' || c == '\n') {
			g_string_append(out, "\r\n");
			writer->in_line = false;
			continue;
		}
		if (c == '.' && !writer->in_line)
			g_string_append_c(out, '.');
		writer->in_line = true;
		g_string_append_c(out, c);
	}
}

void lk_dots_finish(lk_dots_writer *writer, GString *out)
{
	if (writer->in_line)
		g_string_append(out, "\r\n");
	writer->in_line = false;
}
