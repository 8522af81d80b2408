#include "lib/net/etpan.h"

#include <stdlib.h>
#include <string.h>

enum { READ_BUFFER_BYTES = 8192, BYE_BYTES = 400 };

static const char bye_mark[] = "* BYE ";
enum { BYE_MARK = sizeof bye_mark - 1, OTHER_LINE = BYE_MARK + 1 };

typedef struct {
	lk_stream *stream; /* borrowed */
	GString *bye;	   /* borrowed */
	int matched;	   /* bytes of the mark that this line began with, or OTHER_LINE */
} glue;

/* The line may come in pieces. */
static void note_bye(glue *data, const char *bytes, size_t n)
{
	const char *end = bytes + n;
	for (const char *p = bytes; p < end; p++) {
		if (data->matched == OTHER_LINE) {
			p = memchr(p, '\n', (size_t)(end - p));
			if (!p)
				return;
			data->matched = 0;
			continue;
		}
		if (*p == '\n')
			data->matched = 0;
		else if (data->matched == BYE_MARK) {
			if (*p != '\r' && data->bye->len < BYE_BYTES)
				g_string_append_c(data->bye, *p);
		} else if (*p != bye_mark[data->matched])
			data->matched = OTHER_LINE;
		else if (++data->matched == BYE_MARK)
			g_string_truncate(data->bye, 0);
	}
}

/* libetpan tests for exactly -1; a 0 would make its loops spin for ever. */
static ssize_t low_read(mailstream_low *low, void *buffer, size_t n)
{
	glue *data = low->data;
	ssize_t got = lk_stream_read(data->stream, buffer, n);
	if (got > 0 && data->bye)
		note_bye(data, buffer, (size_t)got);
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
