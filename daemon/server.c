#include "daemon/server.h"

#include "lib/base/err.h"

static const lk_tls tls_of[] = {
	[LK_CONF_TLS_NONE] = LK_TLS_NONE,
	[LK_CONF_TLS_STARTTLS] = LK_TLS_STARTTLS,
	[LK_CONF_TLS_IMPLICIT] = LK_TLS_IMPLICIT,
};

static const lk_auth_method auth_of[] = {
	[LK_CONF_AUTH_NONE] = LK_AUTH_NONE,
	[LK_CONF_AUTH_PLAIN] = LK_AUTH_PLAIN,
	[LK_CONF_AUTH_LOGIN] = LK_AUTH_LOGIN,
	[LK_CONF_AUTH_XOAUTH2] = LK_AUTH_XOAUTH2,
};

static bool read_secret(const lk_conf_origin *at, const lk_conf_secret *conf, lk_auth_method auth,
			lk_secret **ret_secret, GError **error)
{
	if (auth == LK_AUTH_NONE) {
		*ret_secret = NULL;
		return true;
	}
	if (!lk_conf_secret_is_set(conf)) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG, "%s:%d: %s", at->file, at->line,
			    auth == LK_AUTH_XOAUTH2
				    ? "auth = \"xoauth2\" needs password_command, a program that "
				      "prints an access token"
				    : "there is no password: set password_file, password_command "
				      "or password_sealed");
		return false;
	}
	return lk_conf_secret_read(conf, ret_secret, error);
}

bool lk_server_of_mailbox(const lk_conf_mailbox *mailbox, int stop_fd, lk_server *ret_server,
			  lk_secret **ret_secret, GError **error)
{
	lk_auth_method auth = auth_of[mailbox->auth];

	if (!read_secret(&mailbox->at, &mailbox->password, auth, ret_secret, error))
		return false;
	*ret_server = (lk_server){
		.host = mailbox->host,
		.port = (int)mailbox->port,
		.tls = tls_of[mailbox->tls],
		.ca_file = mailbox->ca_file,
		.pin = mailbox->pin,
		.auth = auth,
		.user = mailbox->user,
		.password = *ret_secret,
		.wake_fd = stop_fd,
	};
	return true;
}

bool lk_server_of_smtp(const lk_conf_smtp *smtp, int stop_fd, lk_server *ret_server,
		       lk_secret **ret_secret, GError **error)
{
	lk_auth_method auth = auth_of[smtp->auth];

	if (!read_secret(&smtp->at, &smtp->password, auth, ret_secret, error))
		return false;
	*ret_server = (lk_server){
		.host = smtp->host,
		.port = (int)smtp->port,
		.tls = tls_of[smtp->tls],
		.ca_file = smtp->ca_file,
		.pin = smtp->pin,
		.auth = auth,
		.user = smtp->user,
		.password = *ret_secret,
		.wake_fd = stop_fd,
	};
	return true;
}
