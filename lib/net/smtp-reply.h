/* SMTP replies (RFC 5321 4.2) as the client reads them; LMTP's are the same. */
#ifndef LK_NET_SMTP_REPLY_H
#define LK_NET_SMTP_REPLY_H

#include "lib/net/stream.h"

#include <glib.h>

typedef struct {
	int code;      /* 200 to 599; 0: none was read */
	GString *text; /* its lines without their codes, joined by LF */
} lk_smtp_reply;

/* Reads one reply, however many lines. False: the stream is dead. text is made when NULL. */
bool lk_smtp_reply_read(lk_stream *stream, lk_smtp_reply *reply);
void lk_smtp_reply_clear(lk_smtp_reply *reply);

/* The enhanced status code (RFC 3463) at the start, or NULL. Caller frees. */
char *lk_smtp_reply_status(const lk_smtp_reply *reply);

/* Sends one command line without its CRLF. False: the stream is dead. */
bool lk_smtp_say(lk_stream *stream, const char *line);

#endif
