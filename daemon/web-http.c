/*
 * HTTP by libmicrohttpd, on its epoll descriptor and without a thread of its own. One request a
 * connection: a proxy stands before us, and what ends needs no timer. All limits are here.
 */
#include "daemon/web.h"

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/units.h"

#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MOST_CONNECTIONS = 128,
	MOST_HEADERS = 60,
	CONNECTION_BYTES = 16 * 1024, /* request line and headers, and the answer's headers */
	IDLE_S = 10,
	WHOLE_MS = 20 * 1000 /* a connection, however slowly it drips */
};

typedef struct {
	int fd;
	int64_t until_ms;
} connection;

struct lk_web_server {
	lk_web *web;
	lk_web_site site;
	struct MHD_Daemon *http;
	GPtrArray *connections; /* connection * */
};

/* From the request line to the end of the answer. */
typedef struct {
	char *uri; /* as it came */
	GString *body;
	bool is_begun;
	bool is_refused; /* answered before its body came */
} exchange;

static void *exchange_begin(void *data, const char *uri, struct MHD_Connection *http)
{
	exchange *x = g_new0(exchange, 1);

	x->uri = g_strdup(uri);
	x->body = g_string_new(NULL);
	return x;
}

static void exchange_end(void *data, struct MHD_Connection *http, void **state,
			 enum MHD_RequestTerminationCode how)
{
	exchange *x = *state;

	*state = NULL;
	if (!x)
		return;
	g_free(x->uri);
	g_string_free(x->body, TRUE);
	g_free(x);
}

static void connection_changed(void *data, struct MHD_Connection *http, void **state,
			       enum MHD_ConnectionNotificationCode what)
{
	lk_web_server *server = data;
	connection *one = *state;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		one = g_new0(connection, 1);
		one->fd = MHD_get_connection_info(http, MHD_CONNECTION_INFO_CONNECTION_FD)
				  ->connect_fd;
		one->until_ms = lk_monotonic_ms() + WHOLE_MS;
		g_ptr_array_add(server->connections, one);
		*state = one;
	} else if (one) {
		(void)g_ptr_array_remove(server->connections, one);
		*state = NULL;
	}
}

/* --- the answer ----------------------------------------------------------------------------- */

static void set_headers(struct MHD_Response *out, const lk_web_reply *reply)
{
	static const struct {
		const char *name;
		const char *value;
	} always[] = {
		{"Cache-Control", "no-store"},
		{"Connection", "close"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Referrer-Policy", "no-referrer"},
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
		{"X-Robots-Tag", "noindex, nofollow"},
	};
	g_autofree char *policy = lk_web_policy(reply->body);

	for (unsigned i = 0; i < G_N_ELEMENTS(always); i++)
		(void)MHD_add_response_header(out, always[i].name, always[i].value);
	(void)MHD_add_response_header(out, "Content-Type", reply->type);
	(void)MHD_add_response_header(out, "Content-Security-Policy", policy);
	if (reply->allow)
		(void)MHD_add_response_header(out, "Allow", reply->allow);
	if (reply->wants_login)
		(void)MHD_add_response_header(out, "WWW-Authenticate",
					      "Basic realm=\"luukku\", charset=\"UTF-8\"");
	if (reply->refresh_s > 0) {
		g_autofree char *seconds = g_strdup_printf("%d", (int)reply->refresh_s);
		(void)MHD_add_response_header(out, "Refresh", seconds);
	}
	if (reply->retry_after_s > 0) {
		g_autofree char *seconds = g_strdup_printf("%d", (int)reply->retry_after_s);
		(void)MHD_add_response_header(out, "Retry-After", seconds);
	}
}

static enum MHD_Result send_reply(struct MHD_Connection *http, const lk_web_reply *reply)
{
	struct MHD_Response *out = MHD_create_response_from_buffer(
		reply->body->len, reply->body->str, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_NO;

	if (!out)
		return MHD_NO;
	set_headers(out, reply);
	result = MHD_queue_response(http, reply->status, out);
	MHD_destroy_response(out);
	return result;
}

static const char *header(struct MHD_Connection *http, const char *name)
{
	return MHD_lookup_connection_value(http, MHD_HEADER_KIND, name);
}

static void read_request(struct MHD_Connection *http, const char *method, exchange *x,
			 lk_web_request *request)
{
	char *question = strchr(x->uri, '?');

	if (question)
		*question = '\0';
	request->method = method;
	request->path = x->uri;
	request->query = question ? question + 1 : NULL;
	request->body = x->body->str;
	request->n_body = x->body->len;
	request->accept_language = header(http, "Accept-Language");
	request->authorization = header(http, "Authorization");
	request->content_type = header(http, "Content-Type");
	request->fetch_site = header(http, "Sec-Fetch-Site");
	request->host = header(http, "Host");
	request->origin = header(http, "Origin");
}

static enum MHD_Result refuse(lk_web_server *server, struct MHD_Connection *http,
			      const char *method, exchange *x, unsigned status, const char *what)
{
	lk_web_request request = {.site = server->site};
	g_auto(lk_web_reply) reply = {0};

	x->is_refused = true;
	read_request(http, method, x, &request);
	lk_web_problem(server->web, &request, &reply, status, what);
	server->web->answers[status / 100]++;
	return send_reply(http, &reply);
}

/* What its head says is wrong with it: a status, or 0. */
static unsigned judge_head(struct MHD_Connection *http)
{
	const char *length = header(http, "Content-Length");
	int64_t n = 0;

	if (MHD_get_connection_values(http, MHD_HEADER_KIND, NULL, NULL) > MOST_HEADERS)
		return MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
	if (!length)
		return 0;
	/* A proxy and we might not agree on where this request ends. */
	if (header(http, "Transfer-Encoding") || !lk_parse_int(length, 0, INT64_MAX, &n, NULL))
		return MHD_HTTP_BAD_REQUEST;
	return n > LK_WEB_FORM_BYTES ? MHD_HTTP_CONTENT_TOO_LARGE : 0;
}

/* Called with the head, then with each piece of the body, then at its end. */
static enum MHD_Result handle(void *data, struct MHD_Connection *http, const char *url,
			      const char *method, const char *version, const char *bytes, size_t *n,
			      void **state)
{
	lk_web_server *server = data;
	exchange *x = *state;
	lk_web_request request = {.site = server->site};
	g_auto(lk_web_reply) reply = {0};

	if (!x->is_begun) {
		unsigned status = judge_head(http);

		x->is_begun = true;
		return status == 0 ? MHD_YES
				   : refuse(server, http, method, x, status,
					    status == MHD_HTTP_BAD_REQUEST ? "form" : "large");
	}
	if (*n > 0) {
		/* Without a Content-Length the end comes as a surprise: nothing can be said. */
		if (!x->is_refused && x->body->len + *n > LK_WEB_FORM_BYTES)
			return MHD_NO;
		if (!x->is_refused)
			g_string_append_len(x->body, bytes, (gssize)*n);
		*n = 0;
		return MHD_YES;
	}
	if (x->is_refused)
		return MHD_YES;
	read_request(http, method, x, &request);
	lk_web_answer(server->web, &request, &reply);
	return send_reply(http, &reply);
}

/* --- the listener --------------------------------------------------------------------------- */

bool lk_web_server_open(lk_web *web, lk_web_site site, int fd, lk_web_server **ret_server,
			GError **error)
{
	g_autoptr(lk_web_server) server = g_new0(lk_web_server, 1);

	server->web = web;
	server->site = site;
	server->connections = g_ptr_array_new_with_free_func(g_free);
	server->http = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, handle, server, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)MOST_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_URI_LOG_CALLBACK, exchange_begin,
		NULL, MHD_OPTION_NOTIFY_COMPLETED, exchange_end, NULL, MHD_OPTION_NOTIFY_CONNECTION,
		connection_changed, server, MHD_OPTION_END);
	if (!server->http) {
		(void)close(fd);
		g_set_error(error, LK_ERROR, LK_ERR_RETRY,
			    "libmicrohttpd does not take the listener: %s", g_strerror(errno));
		return false;
	}
	*ret_server = g_steal_pointer(&server);
	return true;
}

void lk_web_server_close(lk_web_server *server)
{
	if (!server)
		return;
	if (server->http)
		MHD_stop_daemon(server->http);
	g_ptr_array_unref(server->connections);
	g_free(server);
}

int lk_web_server_fd(const lk_web_server *server)
{
	return MHD_get_daemon_info(server->http, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int lk_web_server_wait_ms(const lk_web_server *server)
{
	int64_t wait_ms = INT64_MAX;
	MHD_UNSIGNED_LONG_LONG own = 0;

	if (MHD_get_timeout(server->http, &own) == MHD_YES)
		wait_ms = (int64_t)MIN(own, (MHD_UNSIGNED_LONG_LONG)WHOLE_MS);
	for (unsigned i = 0; i < server->connections->len; i++) {
		const connection *one = g_ptr_array_index(server->connections, i);

		if (one->fd >= 0)
			wait_ms = MIN(wait_ms, MAX(one->until_ms - lk_monotonic_ms(), 0));
	}
	return wait_ms == INT64_MAX ? -1 : (int)wait_ms;
}

void lk_web_server_run(lk_web_server *server)
{
	int64_t now_ms = lk_monotonic_ms();
	unsigned n_before = 0;

	for (unsigned i = 0; i < server->connections->len; i++) {
		connection *one = g_ptr_array_index(server->connections, i);

		if (one->fd < 0 || one->until_ms > now_ms)
			continue;
		/* libmicrohttpd sees the end and closes it. */
		(void)shutdown(one->fd, SHUT_RDWR);
		one->fd = -1;
	}
	/*
	 * When it is full it stops listening to its listener, and begins again in the first run
	 * after a connection went: nothing else would wake it.
	 */
	do {
		n_before = server->connections->len;
		(void)MHD_run(server->http);
	} while (server->connections->len < n_before);
}
