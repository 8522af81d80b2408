/* The board: how the desk is just now. It shows itself anew by a header, without a script. */
#include "daemon/web.h"

#include "lib/desk/board.h"

#include <string.h>

enum { REFRESH_S = 30 };

/* Where the same page is without showing itself anew, or with. The token stays in it. */
static char *link_of(const lk_web_request *request, bool stands_still, lk_lang lang)
{
	const char *token = lk_web_form_get(request->args, "token");
	g_autofree char *escaped = token ? g_uri_escape_string(token, NULL, FALSE) : NULL;

	return g_strdup_printf("board?lang=%s%s%s%s", lk_lang_code(lang),
			       stands_still ? "&still=1" : "", token ? "&token=" : "",
			       token ? escaped : "");
}

bool lk_web_board(lk_web *web, const lk_web_request *request, lk_web_reply *reply, GError **error)
{
	const lk_policy *policy = web->program->policy;
	lk_lang lang = lk_web_language(web, request, policy->language);
	bool stands_still = lk_web_form_get(request->args, "still") != NULL;
	g_autofree char *link = link_of(request, !stands_still, lang);
	g_autoptr(lk_json) values = NULL;

	/* A wall gets over an outage by itself. */
	reply->refresh_s = stands_still ? 0 : REFRESH_S;
	if (!lk_web_ensure_db(web)) {
		reply->retry_after_s = REFRESH_S;
		lk_web_problem(web, request, reply, 503, "away");
		return true;
	}
	if (!lk_board_fill(web->db, policy, lang, lk_now(), &values, error))
		return false;
	lk_json_set_text(values, "link", link);
	lk_json_set_bool(values, "stands_still", stands_still);
	lk_json_set_int(values, "seconds", REFRESH_S);
	return lk_web_page(web, reply, 200, "", lang, "web-board", values, error);
}
