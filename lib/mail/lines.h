/* Lines of a file or of memory, of any length, read with bounded memory. */
#ifndef LK_MAIL_LINES_H
#define LK_MAIL_LINES_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
	int fd; /* -1: memory only */
	uint64_t offset;
	uint64_t left;
	const char *bytes;
	size_t n, at;
	char *buffer;
	bool cr_ends; /* bare CR ends a line */
} lk_lines;

/* At most max_bytes of the file from offset; or n bytes of memory, borrowed. */
void lk_lines_open(lk_lines *lines, int fd, uint64_t offset, uint64_t max_bytes);
void lk_lines_open_memory(lk_lines *lines, const char *bytes, size_t n);
void lk_lines_clear(lk_lines *lines);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lk_lines, lk_lines_clear)

/* Of the next line. */
uint64_t lk_lines_position(const lk_lines *lines);

/* Goes to a position that lk_lines_position gave. */
void lk_lines_seek(lk_lines *lines, uint64_t position);

/* Passes the lines that do not start with first, as far as whole ones are at hand. */
void lk_lines_skip_to(lk_lines *lines, char first);

/*
 * Replaces `line` by the next one, its end included, cut at `most` bytes. False at the end.
 * *ret_was_cut, where not NULL, is set to true for a cut line and otherwise left alone.
 */
bool lk_lines_next(lk_lines *lines, GString *line, size_t most, bool *ret_was_cut);

#endif
