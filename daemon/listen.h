/* Listening on the addresses of the configuration. */
#ifndef LK_DAEMON_LISTEN_H
#define LK_DAEMON_LISTEN_H

#include <glib.h>
#include <stdbool.h>

/* Connections that wait to be accepted. */
enum { LK_LISTEN_BACKLOG = 64 };

/*
 * "ADDRESS:PORT", the address a number ("[::1]:80" for IPv6). The descriptor does not block and is
 * closed by an exec. setting is its name ("web.listen"), for the error. LK_ERR_CONFIG.
 */
bool lk_listen_tcp(const char *setting, const char *where, int *ret_fd, GError **error);

#endif
