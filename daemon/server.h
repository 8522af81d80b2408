/* From the configuration of a server to what lib/net wants to know of it. */
#ifndef LK_DAEMON_SERVER_H
#define LK_DAEMON_SERVER_H

#include "lib/conf/conf.h"
#include "lib/net/server.h"

#include <stdbool.h>

/*
 * Reads the secret now, so that a changed password file counts at the next login. The lk_server
 * borrows from conf and from *ret_secret (NULL when none is needed), which the caller frees after
 * the session has been opened. For xoauth2 the secret is the access token: it is asked for at
 * oauth2.token_url and kept until shortly before it expires. Errors name the section and line.
 * LK_ERR_CONFIG, LK_ERR_RETRY, LK_ERR_MAILBOX.
 */
bool lk_server_of_mailbox(const lk_conf_mailbox *mailbox, int stop_fd, lk_server *ret_server,
			  lk_secret **ret_secret, GError **error);
bool lk_server_of_smtp(const lk_conf_smtp *smtp, int stop_fd, lk_server *ret_server,
		       lk_secret **ret_secret, GError **error);

/* The login failed: an access token that was kept may have been revoked. */
void lk_server_forget_token(void);

#endif
