/*
 * Shared by the files of luukku-web only. web-http.c is the one that knows libmicrohttpd: it makes
 * a lk_web_request of what came and sends the lk_web_reply. web-routes.c finds the route and checks
 * who asks; the pages themselves are web-survey.c, web-metrics.c, web-health.c, one function a
 * page.
 *
 * To add a page: write its lk_web_handler, declare it below and put a line into the table of
 * web-routes.c. A page is a template of conf/templates that includes {{> web-head}}, filled by
 * lk_web_page. Its style stands in <style> elements: the Content-Security-Policy names their
 * hashes. Style attributes, scripts, pictures and anything from elsewhere do not work, inline SVG
 * does.
 */
#ifndef LK_DAEMON_WEB_H
#define LK_DAEMON_WEB_H

#include "daemon/program.h"
#include "daemon/web-form.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/secret.h"
#include "lib/db/db.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The listeners: customers reach the first by a proxy; the second is for the house. */
typedef enum { LK_WEB_PUBLIC, LK_WEB_INTERNAL, LK_N_WEB_SITES } lk_web_site;

/* Who may see a page. */
typedef enum {
	LK_WEB_ANYBODY, /* the path itself may hold a token */
	LK_WEB_BOARD	/* who has web.board_token: as bearer, as password, or as ?token= */
} lk_web_auth;

enum { LK_WEB_GET = 1, LK_WEB_POST = 2 }; /* HEAD is GET without the body */

/* What /metrics counts (web-metrics.c). */
typedef struct lk_web_counters lk_web_counters;
lk_web_counters *lk_web_counters_new(void);
void lk_web_counters_free(lk_web_counters *counters);

/* One program's state; changed by one loop. */
typedef struct {
	const lk_program *program; /* borrowed; conf, policy and keys (of surveys only) are in it */
	lk_db *db;		   /* NULL: away */
	int64_t db_at_ms;	   /* monotonic: not tried again before */
	lk_backoff db_backoff;
	lk_secret *board_token; /* NULL: no board */
	lk_time since;
	int64_t answers[6]; /* by hundreds of the status */
	lk_web_counters *counters;
} lk_web;

/* What was asked. Everything borrowed for the call; texts are bytes of strangers. */
typedef struct {
	lk_web_site site;
	const char *method; /* "GET", "HEAD", "POST", or anything */
	const char *path;   /* as it came, not decoded, without the query */
	const char *query;  /* what stands behind the '?', or NULL */
	const char *body;   /* or NULL */
	size_t n_body;
	/* Headers, or NULL. */
	const char *accept_language;
	const char *authorization;
	const char *content_type;
	const char *fetch_site; /* Sec-Fetch-Site */
	const char *host;
	const char *origin;
	/* Set by lk_web_answer before the handler runs. */
	const char *rest;	 /* of the path behind the route's */
	const lk_web_form *args; /* the query decoded, never NULL */
	const lk_web_form *form; /* the body decoded; NULL for GET */
} lk_web_request;

typedef struct {
	unsigned status;
	const char *type; /* Content-Type, static */
	GString *body;
	const char *allow;     /* of a 405, static; or NULL */
	bool wants_login;      /* 401 */
	int64_t retry_after_s; /* of a 503; 0: none */
	int64_t refresh_s;     /* the page shows itself anew after that; 0: never */
} lk_web_reply;
void lk_web_reply_clear(lk_web_reply *reply);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lk_web_reply, lk_web_reply_clear)

/*
 * Fills the reply. False with an error: LK_ERR_RETRY becomes a 503, anything else is logged with
 * the route's path and becomes a 500.
 */
typedef bool (*lk_web_handler)(lk_web *web, const lk_web_request *request, lk_web_reply *reply,
			       GError **error);

typedef struct {
	lk_web_site site;
	const char *path; /* ends in '/': everything below, at most LK_WEB_REST bytes of it */
	unsigned methods; /* LK_WEB_GET | LK_WEB_POST */
	lk_web_auth auth;
	bool needs_db; /* 503 while the database is away; web->db is alive otherwise */
	lk_web_handler handler;
} lk_web_route;

enum { LK_WEB_REST = 64 };

/* --- web-routes.c --------------------------------------------------------------------------- */

/* Finds the route and runs it. Always fills the reply. */
void lk_web_answer(lk_web *web, lk_web_request *request, lk_web_reply *reply);

/* Is the database there? Tries to open it, but not more often than the backoff says. */
bool lk_web_ensure_db(lk_web *web);

/* --- web-reply.c ---------------------------------------------------------------------------- */

/* Text is copied. */
void lk_web_text(lk_web_reply *reply, unsigned status, const char *text);

/* The HTML template of that name; queue "" or a queue's, whose own templates come first. */
bool lk_web_page(const lk_web *web, lk_web_reply *reply, unsigned status, const char *queue,
		 lk_lang lang, const char *template_name, const lk_json *values, GError **error);

/*
 * The page of something that went wrong, in the language that the browser asks for; on the internal
 * site a line of text. what: "unknown", "method", "large", "form", "foreign", "away", "failed".
 */
void lk_web_problem(const lk_web *web, const lk_web_request *request, lk_web_reply *reply,
		    unsigned status, const char *what);

/* ?lang= or lang in the form, else what Accept-Language likes best, else fallback. */
lk_lang lk_web_language(const lk_web *web, const lk_web_request *request, lk_lang fallback);
/* The first half of that: somebody chose it. */
bool lk_web_chosen_language(const lk_web_request *request, lk_lang *ret_lang);

/* What every page of the public site is filled with: names, and links to the other languages. */
lk_json *lk_web_values(const lk_web *web, lk_lang lang);

/* The header's value for this page: the hashes of its <style> elements. Caller frees. */
char *lk_web_policy(const GString *html);

/* --- pages ---------------------------------------------------------------------------------- */

bool lk_web_healthz(lk_web *web, const lk_web_request *request, lk_web_reply *reply,
		    GError **error);
bool lk_web_readyz(lk_web *web, const lk_web_request *request, lk_web_reply *reply, GError **error);
bool lk_web_metrics(lk_web *web, const lk_web_request *request, lk_web_reply *reply,
		    GError **error);
/* The path's rest is the token. Only a POST records. */
bool lk_web_survey(lk_web *web, const lk_web_request *request, lk_web_reply *reply, GError **error);

bool lk_web_board(lk_web *web, const lk_web_request *request, lk_web_reply *reply, GError **error);

/* --- web-http.c ----------------------------------------------------------------------------- */

/* One listener. */
typedef struct lk_web_server lk_web_server;
/* Takes the descriptor over. LK_ERR_RETRY. */
bool lk_web_server_open(lk_web *web, lk_web_site site, int fd, lk_web_server **ret_server,
			GError **error);
void lk_web_server_close(lk_web_server *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_web_server, lk_web_server_close)
/* Readable when it has something to do. */
int lk_web_server_fd(const lk_web_server *server);
/* Milliseconds until it wants to run by itself; -1: never. */
int lk_web_server_wait_ms(const lk_web_server *server);
/* Accepts, reads, answers and sends what it can without waiting. */
void lk_web_server_run(lk_web_server *server);

/* --- web-confine.c -------------------------------------------------------------------------- */

/* Gives up what it will not need: programs, files to write, new listeners. Logs web.confined. */
bool lk_web_confine(GError **error);

#endif
