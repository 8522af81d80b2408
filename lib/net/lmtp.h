/* LMTP (RFC 2033) as a server for one connection, and as the client of `luukkuctl deliver`. */
#ifndef LK_NET_LMTP_H
#define LK_NET_LMTP_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One mail in a session; everything borrowed for the call. */
typedef struct {
	const char *from;	       /* "" for the null path */
	const char *const *recipients; /* NULL-terminated */
	size_t n_recipients;
	int fd; /* the mail, CRLF as received, dot-unstuffed; offset at its start */
	uint64_t size;
} lk_lmtp_mail;

/* The answer for one recipient: an SMTP reply such as 250 "2.0.0 taken", 451 "4.3.0 ...". */
typedef struct {
	int code;
	char *text;
} lk_lmtp_reply;

/* Takes the mail and fills replies[0..n_recipients-1]; the answers go out after it returns. */
typedef void (*lk_lmtp_deliver)(const lk_lmtp_mail *mail, lk_lmtp_reply *replies, void *data);

typedef struct {
	const char *host_name;
	const char *spool_dir;
	uint64_t max_size;
	int io_timeout_ms;
	int wake_fd; /* readable: 421 and out at the next command; -1 for none */
	/* May a mail to this recipient be taken? NULL: any sane address. */
	bool (*accept)(const char *recipient, void *data);
	lk_lmtp_deliver deliver;
	void *data;
} lk_lmtp_options;

/* Serves one connected socket until QUIT, time-out or wake_fd. Closes it. LK_ERR_RETRY. */
bool lk_lmtp_serve(int fd, const lk_lmtp_options *options, GError **error);

/*
 * Hands the mail in fd (read from its current offset to its end; bare LF becomes CRLF) to the LMTP
 * server at the unix socket `path`. LK_ERR_RETRY when nobody answers or it says 4xx, LK_ERR_DATA
 * when it says 5xx.
 */
bool lk_lmtp_send(const char *path, const char *from, const char *const *recipients, int fd,
		  GError **error);

#endif
