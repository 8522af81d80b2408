/*
 * luukku-web: survey pages for customers on one listener; board, metrics and health for the house
 * on the other. Of the site's keys it holds what verifies survey tokens, and nothing else.
 */
#include "daemon/listen.h"
#include "daemon/process.h"
#include "daemon/web.h"
#include "lib/base/err.h"
#include "lib/base/log.h"

#include <poll.h>

/* Who asked for a page is told of a slow database before the connection's time is over. */
enum { TELL_MS = 30 * 1000, STATEMENT_MS = 10 * 1000 };

static void web_clear(lk_web *web)
{
	g_clear_pointer(&web->db, lk_db_close);
	g_clear_pointer(&web->board_token, lk_secret_free);
	g_clear_pointer(&web->counters, lk_web_counters_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lk_web, web_clear)

static bool open_site(lk_web *web, lk_web_site site, lk_web_server **ret_server, GError **error)
{
	const lk_conf_web *conf = &web->program->conf->web;
	const char *where = site == LK_WEB_PUBLIC ? conf->listen : conf->internal;
	const char *setting = site == LK_WEB_PUBLIC ? "web.listen" : "web.internal";
	int fd = -1;

	if (!where)
		return true;
	if (!lk_listen_tcp(setting, where, &fd, error) ||
	    !lk_web_server_open(web, site, fd, ret_server, error))
		return false;
	lk_info("web.listening", "site=%s listen=\"%s\"",
		site == LK_WEB_PUBLIC ? "public" : "internal", where);
	return true;
}

static int sooner(int a, int b)
{
	return a < 0 ? b : b < 0 ? a : MIN(a, b);
}

static void serve(lk_web *web, lk_web_server *const *servers)
{
	struct pollfd watch[LK_N_WEB_SITES + 1] = {{.fd = web->program->stop_fd, .events = POLLIN}};
	int64_t tell_ms = lk_monotonic_ms();

	for (int i = 0; i < LK_N_WEB_SITES; i++)
		watch[i + 1] = (struct pollfd){.fd = servers[i] ? lk_web_server_fd(servers[i]) : -1,
					       .events = POLLIN};
	while (!lk_program_is_stopping(web->program)) {
		int wait_ms = 0;

		if (lk_monotonic_ms() >= tell_ms) {
			if (lk_web_ensure_db(web))
				lk_program_tell_ok(web->program, 0);
			tell_ms = lk_monotonic_ms() + TELL_MS;
		}
		/* Back before somebody asks. */
		if (!lk_db_is_alive(web->db))
			tell_ms = MIN(tell_ms, web->db_at_ms);
		wait_ms = (int)CLAMP(tell_ms - lk_monotonic_ms(), 0, TELL_MS);
		for (int i = 0; i < LK_N_WEB_SITES; i++)
			if (servers[i])
				wait_ms = sooner(wait_ms, lk_web_server_wait_ms(servers[i]));
		(void)poll(watch, G_N_ELEMENTS(watch), wait_ms);
		for (int i = 0; i < LK_N_WEB_SITES; i++)
			if (servers[i])
				lk_web_server_run(servers[i]);
	}
}

static bool run(lk_program *program, GError **error)
{
	g_auto(lk_web) web = {.program = program,
			      .db_backoff = {.first_ms = 1000, .most_ms = 5000},
			      .since = lk_now(),
			      .counters = lk_web_counters_new()};
	lk_web_server *servers[LK_N_WEB_SITES] = {NULL};
	bool is_well = true;

	if (!program->conf->web.listen && !program->conf->web.internal) {
		g_set_error(
			error, LK_ERROR, LK_ERR_CONFIG,
			"neither web.listen nor web.internal is set: there is nothing to serve");
		return false;
	}
	if (lk_conf_secret_is_set(&program->conf->web.board_token) &&
	    !lk_conf_secret_read(&program->conf->web.board_token, &web.board_token, error))
		return false;
	for (int i = 0; is_well && i < LK_N_WEB_SITES; i++)
		is_well = open_site(&web, (lk_web_site)i, &servers[i], error);
	if (is_well)
		is_well = lk_web_confine(error);
	if (is_well) {
		lk_program_ready(program);
		serve(&web, servers);
	}
	for (int i = 0; i < LK_N_WEB_SITES; i++)
		lk_web_server_close(servers[i]);
	return is_well;
}

int main(int argc, char **argv)
{
	static const lk_query_group groups[] = {LK_QG_SURVEY, LK_QG_WEB, LK_QG_BOARD};
	static const lk_program_spec spec = {
		.name = "luukku-web",
		.role = "luukku_web",
		.groups = groups,
		.n_groups = G_N_ELEMENTS(groups),
		.needs_keys = true,
		.only = LK_PURPOSE_SURVEY,
		.statement_timeout_ms = STATEMENT_MS,
		.run = run,
	};

	return lk_program_main(&spec, argc, argv);
}
