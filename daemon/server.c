#include "daemon/server.h"

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/net/oauth.h"

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

/* The last access token; a program logs in to one server. */
static struct {
	char *endpoint;
	lk_secret *token;
	int64_t until_ms; /* monotonic */
} kept;

void lk_server_forget_token(void)
{
	g_clear_pointer(&kept.endpoint, g_free);
	g_clear_pointer(&kept.token, lk_secret_free);
}

static lk_secret *copy(const lk_secret *secret)
{
	return lk_secret_new(lk_secret_text(secret), lk_secret_size(secret));
}

static bool read_token(const lk_conf_oauth2 *conf, const char *ca_file, int stop_fd,
		       lk_secret **ret_token, GError **error)
{
	enum { MARGIN_S = 60 }; /* a login takes a while, and clocks differ */
	g_autofree char *endpoint = g_strjoin("\n", conf->token_url, conf->client_id,
					      conf->scope ? conf->scope : "", NULL);
	g_autoptr(lk_secret) secret = NULL;
	int64_t seconds = 0;

	if (kept.token && lk_monotonic_ms() < kept.until_ms &&
	    g_str_equal(kept.endpoint, endpoint)) {
		*ret_token = copy(kept.token);
		return true;
	}
	lk_server_forget_token();
	if (!lk_conf_secret_read(&conf->client_secret, &secret, error))
		return false;

	lk_oauth oauth = {.token_url = conf->token_url,
			  .client_id = conf->client_id,
			  .client_secret = secret,
			  .scope = conf->scope,
			  .ca_file = ca_file,
			  .wake_fd = stop_fd};
	if (!lk_oauth_token(&oauth, ret_token, &seconds, error))
		return false;
	if (seconds > MARGIN_S) {
		kept.endpoint = g_steal_pointer(&endpoint);
		kept.token = copy(*ret_token);
		kept.until_ms = lk_monotonic_ms() + (seconds - MARGIN_S) * 1000;
	}
	return true;
}

/* What a mailbox and the way out have in common. */
typedef struct {
	const lk_conf_origin *at;
	const lk_conf_secret *password;
	const lk_conf_oauth2 *oauth2;
	const char *ca_file;
	int stop_fd;
} login;

static bool read_secret(const login *way, lk_auth_method auth, lk_secret **ret_secret,
			GError **error)
{
	*ret_secret = NULL;
	if (auth == LK_AUTH_NONE)
		return true;
	if (auth == LK_AUTH_XOAUTH2)
		return read_token(way->oauth2, way->ca_file, way->stop_fd, ret_secret, error);
	if (!lk_conf_secret_is_set(way->password)) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "%s:%d: there is no password: set password_file, password_command or "
			    "password_sealed",
			    way->at->file, way->at->line);
		return false;
	}
	return lk_conf_secret_read(way->password, ret_secret, error);
}

bool lk_server_of_mailbox(const lk_conf_mailbox *mailbox, int stop_fd, lk_server *ret_server,
			  lk_secret **ret_secret, GError **error)
{
	lk_auth_method auth = auth_of[mailbox->auth];
	login way = {&mailbox->at, &mailbox->password, &mailbox->oauth2, mailbox->ca_file, stop_fd};

	if (!read_secret(&way, auth, ret_secret, error))
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
	login way = {&smtp->at, &smtp->password, &smtp->oauth2, smtp->ca_file, stop_fd};
	/* Tests of a server that hangs do not wait for minutes. */
	bool is_impatient = lk_fault_mode("smtp-impatient");

	if (!read_secret(&way, auth, ret_secret, error))
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
		.connect_timeout_ms = is_impatient ? 1000 : 0,
		.io_timeout_ms = is_impatient ? 1000 : 0,
	};
	return true;
}
