#include "lib/net/etpan.h"

#include <stdlib.h>
#include <string.h>

enum { READ_BUFFER_BYTES = 8192, BYE_BYTES = 400 };

typedef struct {
	lk_stream *stream; /* borrowed */
	GString *bye;	   /* borrowed */
} glue;

static void note_bye(GString *bye, const char *bytes, size_t n)
{
	static const char mark[] = "* BYE ";
	for (const char *p = bytes; p && n - (size_t)(p - bytes) >= sizeof mark - 1;) {
		if (memcmp(p, mark, sizeof mark - 1) == 0) {
			const char *words = p + sizeof mark - 1;
			size_t left = n - (size_t)(words - bytes);
			const char *end = memchr(words, '\r', left);
			size_t size = end ? (size_t)(end - words) : left;
			g_string_truncate(bye, 0);
			g_string_append_len(bye, words, (gssize)MIN(size, BYE_BYTES));
			return;
		}
		const char *newline = memchr(p, '\n', n - (size_t)(p - bytes));
		p = newline ? newline + 1 : NULL;
	}
}

/* libetpan tests for exactly -1; a 0 would make its loops spin for ever. */
static ssize_t low_read(mailstream_low *low, void *buffer, size_t n)
{
	const glue *data = low->data;
	ssize_t got = lk_stream_read(data->stream, buffer, n);
	if (got > 0 && data->bye)
		note_bye(data->bye, buffer, (size_t)got);
	return got;
}

static ssize_t low_write(mailstream_low *low, const void *bytes, size_t n)
{
	const glue *data = low->data;
	return lk_stream_write(data->stream, bytes, n) ? (ssize_t)n : -1;
}

static int low_close(mailstream_low *low)
{
	return 0; /* the owner of the stream closes it */
}

static int low_get_fd(mailstream_low *low)
{
	return -1; /* libetpan needs it for its own waiting only, which we do ourselves */
}

static void low_free(mailstream_low *low)
{
	g_free(low->data);
	free(low);
}

static void low_cancel(mailstream_low *low)
{
}

static mailstream_low_driver driver = {
	.mailstream_read = low_read,
	.mailstream_write = low_write,
	.mailstream_close = low_close,
	.mailstream_get_fd = low_get_fd,
	.mailstream_free = low_free,
	.mailstream_cancel = low_cancel,
};

mailstream *lk_etpan_new(lk_stream *stream, GString *bye)
{
	glue *data = g_new0(glue, 1);
	data->stream = stream;
	data->bye = bye;
	mailstream_low *low = mailstream_low_new(data, &driver);
	mailstream *wrapped = low ? mailstream_new(low, READ_BUFFER_BYTES) : NULL;
	if (!wrapped)
		g_error("out of memory");
	return wrapped;
}
