/* Which page is it, who asks, and by which method. */
#include "daemon/web.h"

#include "daemon/process.h"
#include "lib/base/err.h"
#include "lib/base/log.h"

#include <string.h>

static const lk_web_route routes[] = {
	{LK_WEB_PUBLIC, "/s/", LK_WEB_GET | LK_WEB_POST, LK_WEB_ANYBODY, true, lk_web_survey},
	{LK_WEB_INTERNAL, "/board", LK_WEB_GET, LK_WEB_BOARD, false, lk_web_board},
	{LK_WEB_INTERNAL, "/metrics", LK_WEB_GET, LK_WEB_ANYBODY, true, lk_web_metrics},
	{LK_WEB_INTERNAL, "/healthz", LK_WEB_GET, LK_WEB_ANYBODY, false, lk_web_healthz},
	{LK_WEB_INTERNAL, "/readyz", LK_WEB_GET, LK_WEB_ANYBODY, false, lk_web_readyz},
};

/* Who asked waits for no second try after the first took so long. */
enum { AWAY_RETRY_S = 30, AGAIN_MS = 6000 };

bool lk_web_ensure_db(lk_web *web)
{
	g_autoptr(GError) failed = NULL;

	if (lk_db_is_alive(web->db))
		return true;
	g_clear_pointer(&web->db, lk_db_close);
	if (lk_monotonic_ms() < web->db_at_ms)
		return false;
	if (lk_program_try_db(web->program, &web->db, &failed)) {
		if (web->db_backoff.last_ms > 0)
			lk_info("db.back", "waited_ms=%d", (int)web->db_backoff.last_ms);
		lk_backoff_reset(&web->db_backoff);
		lk_program_tell_ok(web->program, 0);
		return true;
	}
	g_autofree char *text = lk_process_error_text(failed);
	if (web->db_backoff.last_ms == 0)
		lk_warning("db.away", "error=\"%s\"", text);
	lk_program_tell_error(web->program, failed);
	web->db_at_ms = lk_monotonic_ms() + lk_backoff_next(&web->db_backoff);
	return false;
}

static const lk_web_route *find_route(lk_web_request *request)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(routes); i++) {
		const lk_web_route *route = &routes[i];
		size_t n = strlen(route->path);
		bool is_below = n > 1 && route->path[n - 1] == '/';

		if (route->site != request->site || strncmp(request->path, route->path, n) != 0)
			continue;
		request->rest = request->path + n;
		if (is_below ? strnlen(request->rest, LK_WEB_REST + 1) <= LK_WEB_REST
			     : *request->rest == '\0')
			return route;
	}
	return NULL;
}

/* The token, in the same time whatever was sent. */
static bool is_token(const lk_web *web, const char *given)
{
	const char *wanted = lk_secret_text(web->board_token);
	size_t n_given = given ? strlen(given) : 0;
	size_t n = lk_secret_size(web->board_token);
	unsigned differs = n_given != n;

	for (size_t i = 0; i < n; i++)
		differs |=
			(unsigned char)wanted[i] ^ (unsigned char)(i < n_given ? given[i] : '\0');
	return differs == 0;
}

/* Basic: any user, the token as password. A browser asks for it by itself. */
static bool is_basic_token(const lk_web *web, const char *encoded)
{
	gsize n = 0;
	g_autofree unsigned char *plain = g_base64_decode(encoded, &n);
	g_autofree char *text = g_strndup((const char *)plain, n);
	const char *colon = strchr(text, ':');

	return colon && is_token(web, colon + 1);
}

static bool may_see_board(const lk_web *web, const lk_web_request *request)
{
	const char *authorization = request->authorization;

	if (!web->board_token)
		return false;
	if (authorization && g_ascii_strncasecmp(authorization, "Bearer ", 7) == 0)
		return is_token(web, authorization + 7);
	if (authorization && g_ascii_strncasecmp(authorization, "Basic ", 6) == 0)
		return is_basic_token(web, authorization + 6);
	return is_token(web, lk_web_form_get(request->args, "token"));
}

static bool is_form(const char *content_type)
{
	static const char form[] = "application/x-www-form-urlencoded";
	size_t n = strlen(form);

	return content_type && g_ascii_strncasecmp(content_type, form, n) == 0 &&
	       (!content_type[n] || content_type[n] == ';' || content_type[n] == ' ');
}

/*
 * A page of elsewhere that posts here without its reader's doing. The token in the path is what
 * counts, this is for browsers that have been led to it. Origin "null" is a page without one (a
 * mail program's window, our own no-referrer): nothing said.
 */
static bool is_foreign(const lk_web *web, const lk_web_request *request)
{
	const char *own = web->program->conf->web.public_url;
	const char *origin = request->origin;
	size_t n = origin ? strlen(origin) : 0;
	const char *host = origin ? strstr(origin, "://") : NULL;

	if (request->fetch_site && strcmp(request->fetch_site, "same-origin") != 0 &&
	    strcmp(request->fetch_site, "none") != 0)
		return true;
	if (!origin || strcmp(origin, "null") == 0)
		return false;
	if (own && g_ascii_strncasecmp(own, origin, n) == 0 && (!own[n] || own[n] == '/'))
		return false;
	return !host || !request->host || g_ascii_strcasecmp(host + 3, request->host) != 0;
}

/*
 * Did it fail only because of what may have passed already: a connection that ended while nobody
 * asked, a deadlock? COMMIT's lost answer is among them: an answer that is given twice is one.
 */
static bool is_passing(const GError *failed)
{
	return lk_err_is(failed, LK_ERR_RETRY) || lk_err_is(failed, LK_ERR_UNCERTAIN);
}

/* Nobody is told of a failure that is over at once. */
static bool run_handler(lk_web *web, const lk_web_route *route, const lk_web_request *request,
			lk_web_reply *reply, GError **error)
{
	int64_t start_ms = lk_monotonic_ms();
	g_autoptr(GError) failed = NULL;

	if (route->handler(web, request, reply, &failed))
		return true;
	if (!is_passing(failed) || lk_monotonic_ms() - start_ms > AGAIN_MS ||
	    !lk_web_ensure_db(web)) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	g_autofree char *text = lk_process_error_text(failed);
	lk_info("web.again", "page=%s error=\"%s\"", route->path, text);
	return route->handler(web, request, reply, error);
}

/* *ret_args and *ret_form back the request. */
static void run_route(lk_web *web, const lk_web_route *route, lk_web_request *request,
		      lk_web_reply *reply)
{
	g_autoptr(GError) failed = NULL;

	if (route->needs_db && !lk_web_ensure_db(web)) {
		reply->retry_after_s = AWAY_RETRY_S;
		lk_web_problem(web, request, reply, 503, "away");
		return;
	}
	if (run_handler(web, route, request, reply, &failed))
		return;
	g_autofree char *text = lk_process_error_text(failed);
	/* The route's path, not the request's: a token may stand in that. */
	lk_warning("web.failed", "page=%s error=\"%s\"", route->path, text);
	if (is_passing(failed)) {
		reply->retry_after_s = AWAY_RETRY_S;
		lk_web_problem(web, request, reply, 503, "away");
	} else {
		lk_web_problem(web, request, reply, 500, "failed");
	}
}

static void answer(lk_web *web, lk_web_request *request, lk_web_reply *reply, lk_web_form **args,
		   lk_web_form **form)
{
	bool is_get = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
	bool is_post = strcmp(request->method, "POST") == 0;
	const char *query = request->query ? request->query : "";
	bool is_readable = lk_web_form_parse(query, strlen(query), args, NULL);
	const lk_web_route *route = find_route(request);

	if (!is_readable)
		(void)lk_web_form_parse("", 0, args, NULL);
	request->args = *args;
	if (!route) {
		lk_web_problem(web, request, reply, 404, "unknown");
	} else if (!(is_get && (route->methods & LK_WEB_GET)) &&
		   !(is_post && (route->methods & LK_WEB_POST))) {
		reply->allow = route->methods & LK_WEB_POST ? "GET, HEAD, POST" : "GET, HEAD";
		lk_web_problem(web, request, reply, 405, "method");
	} else if (!is_readable) {
		lk_web_problem(web, request, reply, 400, "form");
	} else if (route->auth == LK_WEB_BOARD && !may_see_board(web, request)) {
		reply->wants_login = true;
		lk_web_problem(web, request, reply, 401, "login");
	} else if (is_post && is_foreign(web, request)) {
		lk_web_problem(web, request, reply, 403, "foreign");
	} else if (is_post && !is_form(request->content_type)) {
		lk_web_problem(web, request, reply, 415, "form");
	} else if (is_post && !lk_web_form_parse(request->body ? request->body : "",
						 request->n_body, form, NULL)) {
		lk_web_problem(web, request, reply, 400, "form");
	} else {
		request->form = *form;
		run_route(web, route, request, reply);
	}
}

void lk_web_answer(lk_web *web, lk_web_request *request, lk_web_reply *reply)
{
	g_autoptr(lk_web_form) args = NULL;
	g_autoptr(lk_web_form) form = NULL;

	answer(web, request, reply, &args, &form);
	request->args = request->form = NULL;
	if (reply->status / 100 < G_N_ELEMENTS(web->answers))
		web->answers[reply->status / 100]++;
}
