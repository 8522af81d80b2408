/*
 * The yardstick of t/bench/parse: GMime reads each mail and decodes each part, text to UTF-8 and
 * the rest to nowhere. No sandbox, no judgement, no answer. Names come on standard input, each
 * ended by NUL.
 */
#include <fcntl.h>
#include <gmime/gmime.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t bytes;

static void take_part(GMimeObject *parent, GMimeObject *object, void *data)
{
	if (GMIME_IS_TEXT_PART(object)) {
		char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(object));
		bytes += text ? strlen(text) : 0;
		g_free(text);
	} else if (GMIME_IS_PART(object)) {
		GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(object));
		GMimeStream *nowhere = g_mime_stream_null_new();
		if (content)
			bytes += (uint64_t)g_mime_data_wrapper_write_to_stream(content, nowhere);
		g_object_unref(nowhere);
	}
}

static bool read_mail(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		perror(name);
		return false;
	}
	GMimeStream *stream = g_mime_stream_fs_new(fd);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	if (message) {
		const char *subject = g_mime_message_get_subject(message);
		bytes += subject ? strlen(subject) : 0;
		bytes += (unsigned)internet_address_list_length(g_mime_message_get_from(message));
		g_mime_message_foreach(message, take_part, NULL);
		g_object_unref(message);
	}
	g_object_unref(parser);
	g_object_unref(stream);
	return true;
}

int main(void)
{
	char *name = NULL;
	size_t room = 0;
	unsigned mails = 0;

	g_mime_init();
	while (getdelim(&name, &room, '\0', stdin) > 0)
		mails += read_mail(name) ? 1 : 0;
	free(name);
	printf("%u mails, %" G_GUINT64_FORMAT " bytes\n", mails, bytes);
	return 0;
}
