/* libetpan on our own streams. Used by imap*.c and pop3.c only. */
#ifndef LK_NET_ETPAN_H
#define LK_NET_ETPAN_H

#include "lib/net/stream.h"

#include <libetpan/libetpan.h>

/*
 * A libetpan stream that reads and writes through ours, which stays the caller's: closing it, or a
 * libetpan session that closes it, leaves ours open. The words of a "* BYE" line that goes by are
 * kept in `bye` (may be NULL), because libetpan does not tell them; borrowed as well.
 */
mailstream *lk_etpan_new(lk_stream *stream, GString *bye);

#endif
