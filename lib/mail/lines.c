#include "lib/mail/lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK_BYTES = 64 * 1024 };

static bool fill(lk_lines *lines)
{
	if (lines->fd < 0 || lines->left == 0)
		return false;
	ssize_t got;
	do
		got = pread(lines->fd, lines->buffer, MIN(CHUNK_BYTES, lines->left),
			    (off_t)lines->offset);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return false;
	lines->offset += (uint64_t)got;
	lines->left -= (uint64_t)got;
	lines->bytes = lines->buffer;
	lines->n = (size_t)got;
	lines->at = 0;
	return true;
}

/* A mail of old Mac programs has CR and no LF at all in its first block. */
static bool ends_in_cr(const char *bytes, size_t n)
{
	return n > 0 && memchr(bytes, '\r', n) && !memchr(bytes, '\n', n);
}

void lk_lines_open(lk_lines *lines, int fd, uint64_t offset, uint64_t max_bytes)
{
	*lines = (lk_lines){.fd = fd, .offset = offset, .left = max_bytes};
	lines->buffer = g_malloc(CHUNK_BYTES);
	if (fill(lines))
		lines->cr_ends = ends_in_cr(lines->bytes, lines->n);
}

void lk_lines_open_memory(lk_lines *lines, const char *bytes, size_t n)
{
	*lines = (lk_lines){.fd = -1, .bytes = bytes, .n = n};
	lines->cr_ends = ends_in_cr(bytes, MIN(n, CHUNK_BYTES));
}

void lk_lines_clear(lk_lines *lines)
{
	g_clear_pointer(&lines->buffer, g_free);
}

uint64_t lk_lines_position(const lk_lines *lines)
{
	return lines->fd < 0 ? lines->at : lines->offset - (lines->n - lines->at);
}

void lk_lines_seek(lk_lines *lines, uint64_t position)
{
	if (lines->fd < 0) {
		lines->at = (size_t)position;
		return;
	}
	uint64_t end = lines->offset + lines->left;
	lines->offset = position;
	lines->left = end - position;
	lines->n = lines->at = 0;
}

void lk_lines_skip_to(lk_lines *lines, char first)
{
	char newline = lines->cr_ends ? '\r' : '\n';

	while (lines->at < lines->n && lines->bytes[lines->at] != first) {
		const char *p = lines->bytes + lines->at;
		const char *end = memchr(p, newline, lines->n - lines->at);
		if (!end)
			return;
		lines->at += (size_t)(end - p) + 1;
	}
}

bool lk_lines_next(lk_lines *lines, GString *line, size_t most, bool *ret_was_cut)
{
	char newline = lines->cr_ends ? '\r' : '\n';
	bool any = false;

	g_string_truncate(line, 0);
	for (;;) {
		if (lines->at == lines->n && !fill(lines))
			return any;
		const char *p = lines->bytes + lines->at;
		size_t have = lines->n - lines->at;
		const char *end = memchr(p, newline, have);
		size_t take = end ? (size_t)(end - p) + 1 : have;
		size_t room = most - line->len;
		g_string_append_len(line, p, (gssize)MIN(take, room));
		if (take > room && ret_was_cut)
			*ret_was_cut = true;
		lines->at += take;
		any = true;
		if (end) {
			if (line->len > 0 && line->str[line->len - 1] == '\r')
				line->str[line->len - 1] = '\n';
			return true;
		}
	}
}
