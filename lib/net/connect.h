/* From a host name to a connected socket. Used by lib/net/stream.c only. */
#ifndef LK_NET_CONNECT_H
#define LK_NET_CONNECT_H

#include "lib/net/stream.h"

/*
 * Gives the stream a connected, non-blocking socket: a unix socket, or the first address of the
 * host that answers before the stream's deadline. With LK_TLS_NONE only loopback addresses are
 * tried. LK_ERR_RETRY, LK_ERR_MAILBOX.
 */
bool lk_connect(lk_stream *stream, const lk_server *server, GError **error);

#endif
