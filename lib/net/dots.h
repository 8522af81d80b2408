/* The end of a mail and its doubled dots (RFC 5321 4.5.2, RFC 1939 3), on a stream of bytes. */
#ifndef LK_NET_DOTS_H
#define LK_NET_DOTS_H

#include "lib/net/stream.h"

#include <glib.h>

typedef enum {
	LK_DOTS_STRICT, /* only CR LF . CR LF ends a mail: anything else could smuggle a second one
			 */
	LK_DOTS_LENIENT /* LF . LF too, for a server that ends its own lines so */
} lk_dots_mode;

typedef enum { LK_DOTS_END, LK_DOTS_TOO_LONG, LK_DOTS_WRITE_FAILED, LK_DOTS_LOST } lk_dots_result;

/*
 * Reads a mail up to and with its final dot into fd, dots undoubled, every other byte as it came.
 * fd -1: nowhere. What does not fit into max_bytes, or cannot be written (error is set), is read
 * to the end all the same when `read_on`, so that the session goes on. *ret_size: bytes of the
 * mail so far.
 */
lk_dots_result lk_dots_read(lk_stream *stream, lk_dots_mode mode, uint64_t max_bytes, bool read_on,
			    int fd, uint64_t *ret_size, GError **error);

/*
 * A mail as it goes over the wire, in pieces: lines end in CRLF whatever they ended in, leading
 * dots are doubled. Piece by piece with the same state; lk_dots_finish ends the last line.
 */
typedef struct {
	bool was_cr;
	bool in_line;
} lk_dots_writer;
void lk_dots_append(lk_dots_writer *writer, const char *bytes, size_t n, GString *out);
void lk_dots_finish(lk_dots_writer *writer, GString *out);

#endif
