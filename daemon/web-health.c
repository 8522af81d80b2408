/* Does it live, and can it serve: for whatever watches the host. */
#include "daemon/web.h"

bool lk_web_healthz(lk_web *web, const lk_web_request *request, lk_web_reply *reply, GError **error)
{
	lk_web_text(reply, 200, "ok\n");
	return true;
}

bool lk_web_readyz(lk_web *web, const lk_web_request *request, lk_web_reply *reply, GError **error)
{
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GError) failed = NULL;

	if (lk_web_ensure_db(web) && lk_db_run(web->db, LK_Q_WEB_READY, NULL, &rows, &failed))
		lk_web_text(reply, 200, "ready\n");
	else
		lk_web_text(reply, 503, "the database is away\n");
	return true;
}
