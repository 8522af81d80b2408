#include "lib/net/smtp-reply.h"

#include <string.h>

enum { LINE_BYTES = 8192, MOST_LINES = 200, MOST_TEXT = 65536 };

bool lk_smtp_reply_read(lk_stream *stream, lk_smtp_reply *reply)
{
	g_autoptr(GString) line = g_string_new(NULL);
	if (!reply->text)
		reply->text = g_string_new(NULL);
	g_string_truncate(reply->text, 0);
	reply->code = 0;
	int first = 0;
	for (int lines = 0; lines < MOST_LINES; lines++) {
		if (!lk_stream_read_line(stream, LINE_BYTES, line))
			return false;
		const char *l = line->str;
		int code = 0;
		for (int i = 0; i < 3 && g_ascii_isdigit(l[i]); i++)
			code = 10 * code + (l[i] - '0');
		bool is_last = l[0] && l[1] && l[2] && (l[3] == ' ' || l[3] == '\0');
		if (code < 200 || code > 599 || (!is_last && l[3] != '-') ||
		    (lines > 0 && code != first))
			return lk_stream_kill(stream, "the server's answer is not SMTP");
		first = code;
		if (reply->text->len + line->len < MOST_TEXT)
			g_string_append_printf(reply->text, "%s%s", lines > 0 ? "\n" : "",
					       l[3] ? l + 4 : "");
		if (is_last) {
			reply->code = code;
			return true;
		}
	}
	return lk_stream_kill(stream, "the server's answer does not end");
}

void lk_smtp_reply_clear(lk_smtp_reply *reply)
{
	if (reply->text)
		g_string_free(reply->text, TRUE);
	reply->text = NULL;
	reply->code = 0;
}

char *lk_smtp_reply_status(const lk_smtp_reply *reply)
{
	const char *p = reply->text->str;
	if (strchr("245", p[0]) == NULL || p[0] == '\0' || p[0] - '0' != reply->code / 100)
		return NULL;
	size_t n = 1;
	for (int part = 0; part < 2; part++) {
		size_t digits = p[n] == '.' ? strspn(p + n + 1, "0123456789") : 0;
		if (digits < 1 || digits > 3)
			return NULL;
		n += 1 + digits;
	}
	return p[n] == '\0' || p[n] == ' ' || p[n] == '\n' ? g_strndup(p, n) : NULL;
}

bool lk_smtp_say(lk_stream *stream, const char *line)
{
	g_autofree char *bytes = g_strconcat(line, "\r\n", NULL);
	return lk_stream_write(stream, bytes, strlen(bytes));
}
