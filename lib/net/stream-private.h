/* The inside of a stream, shared by stream.c (bytes) and tls.c (handshake). */
#ifndef LK_NET_STREAM_PRIVATE_H
#define LK_NET_STREAM_PRIVATE_H

#include "lib/net/stream.h"

#include <gnutls/gnutls.h>

struct lk_stream {
	int fd;
	int wake_fd;	       /* borrowed */
	lk_dialogue *dialogue; /* borrowed, or NULL */
	gnutls_session_t tls;  /* NULL: plain */
	char *name;
	char *host;
	char *ca_file;
	char *pin;
	int connect_ms;
	int io_ms;
	int command_ms;
	int64_t deadline; /* monotonic ms, of the command */
	uint64_t budget;  /* bytes the command may still receive */
	char *buffer;	  /* received, not yet read: [start, end) */
	size_t start;
	size_t end;
	bool ended_in_lf; /* the last line read, without CR */
	char *reason;	  /* why it is dead; NULL while it lives */
	bool pin_refused; /* by the verify callback, which can return only a number */
};

/* Waits for the socket within the command's deadline and the io time-out. False: dead. */
bool lk_stream_poll(lk_stream *stream, short events);

#endif
