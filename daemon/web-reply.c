/* What goes back: pages from templates, and their Content-Security-Policy. */
#include "daemon/web.h"

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/desk/template.h"

#include <string.h>

static const char html_type[] = "text/html; charset=utf-8";
static const char text_type[] = "text/plain; charset=utf-8";

void lk_web_reply_clear(lk_web_reply *reply)
{
	if (reply->body)
		g_string_free(reply->body, TRUE);
	reply->body = NULL;
}

static void set_body(lk_web_reply *reply, unsigned status, const char *type, const char *text)
{
	lk_web_reply_clear(reply);
	reply->status = status;
	reply->type = type;
	reply->body = g_string_new(text);
}

void lk_web_text(lk_web_reply *reply, unsigned status, const char *text)
{
	set_body(reply, status, text_type, text);
}

bool lk_web_page(const lk_web *web, lk_web_reply *reply, unsigned status, const char *queue,
		 lk_lang lang, const char *template_name, const lk_json *values, GError **error)
{
	g_autofree char *html = NULL;

	if (!lk_template_fill(web->program->policy->templates_dir, queue, lk_lang_code(lang),
			      template_name, "html", values, &html, error))
		return false;
	set_body(reply, status, html_type, html);
	return true;
}

lk_json *lk_web_values(const lk_web *web, lk_lang lang)
{
	static const char *const names[LK_N_LANGS] = {"Suomeksi", "På svenska", "In English"};
	const lk_policy *policy = web->program->policy;
	lk_json *values = lk_json_object();
	lk_json *languages = lk_json_array();

	for (int i = 0; i < LK_N_LANGS; i++) {
		lk_json *one = NULL;

		if (i == (int)lang || !policy->languages[i])
			continue;
		one = lk_json_object();
		lk_json_set_text(one, "code", lk_lang_code((lk_lang)i));
		lk_json_set_text(one, "name", names[i]);
		lk_json_push(languages, one);
	}
	lk_json_take(values, "languages", languages);
	lk_json_set_text(values, "language", lk_lang_code(lang));
	lk_json_set_text(values, "site_name", policy->site_name);
	lk_json_set_text(values, "accessibility_url", policy->accessibility_url);
	return values;
}

/* What somebody wrote, so that the page can send it once more. */
static void keep_form(lk_json *values, const lk_web_form *form)
{
	static const char *const names[] = {"in_order", "score", "comment"};
	lk_json *fields = lk_json_array();

	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
		const char *value = lk_web_form_get(form, names[i]);
		lk_json *one = NULL;

		if (!value)
			continue;
		one = lk_json_object();
		lk_json_set_text(one, "name", names[i]);
		lk_json_set_text(one, "value", value);
		lk_json_push(fields, one);
	}
	lk_json_set_bool(values, "has_form", lk_json_size(fields) > 0);
	lk_json_take(values, "fields", fields);
}

void lk_web_problem(const lk_web *web, const lk_web_request *request, lk_web_reply *reply,
		    unsigned status, const char *what)
{
	const lk_policy *policy = web->program->policy;
	lk_lang lang = lk_web_language(web, request, policy->language);
	g_autoptr(lk_json) values = lk_web_values(web, lang);
	g_autofree char *key = g_strconcat("is_", what, NULL);
	g_autofree char *line = g_strconcat(what, "\n", NULL);
	g_autoptr(GError) failed = NULL;

	lk_json_set_bool(values, key, true);
	if (request->form)
		keep_form(values, request->form);
	if (request->site == LK_WEB_PUBLIC &&
	    lk_web_page(web, reply, status, "", lang, "web-problem", values, &failed))
		return;
	if (failed)
		lk_warning("web.template", "error=\"%s\"", failed->message);
	lk_web_text(reply, status, line);
}

/* The quality that an Accept-Language header gives a language, in thousandths. */
static int quality_of(const char *header, const char *code)
{
	g_auto(GStrv) parts = g_strsplit(header, ",", 20);
	int best = 0;

	for (unsigned i = 0; parts[i]; i++) {
		const char *part = g_strstrip(parts[i]);
		const char *q = strstr(part, ";q=");
		size_t n = strlen(code);
		int value = 1000;

		if (g_ascii_strncasecmp(part, code, n) != 0 ||
		    (part[n] && part[n] != '-' && part[n] != ';'))
			continue;
		if (q && q[3] == '0')
			value = q[4] == '.' && g_ascii_isdigit(q[5]) ? (q[5] - '0') * 100 : 0;
		best = MAX(best, value);
	}
	return best;
}

bool lk_web_chosen_language(const lk_web_request *request, lk_lang *ret_lang)
{
	const char *asked = NULL;

	if (request->form)
		asked = lk_web_form_get(request->form, "lang");
	if (!asked && request->args)
		asked = lk_web_form_get(request->args, "lang");
	return asked && lk_lang_parse(asked, ret_lang);
}

lk_lang lk_web_language(const lk_web *web, const lk_web_request *request, lk_lang fallback)
{
	const lk_policy *policy = web->program->policy;
	lk_lang lang = fallback;
	int best = 0;

	if (lk_web_chosen_language(request, &lang))
		return lang;
	for (int i = 0; request->accept_language && i < LK_N_LANGS; i++) {
		int quality = quality_of(request->accept_language, lk_lang_code((lk_lang)i));

		if (policy->languages[i] && quality > best) {
			best = quality;
			lang = (lk_lang)i;
		}
	}
	return lang;
}

char *lk_web_policy(const GString *html)
{
	static const char open[] = "<style>";
	g_autoptr(GString) styles = g_string_new(NULL);
	const char *at = html->str;

	while ((at = strstr(at, open))) {
		uint8_t digest[32];
		gsize n = sizeof digest;
		const char *end = strstr(at, "</style>");
		g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
		g_autofree char *text = NULL;

		at += strlen(open);
		if (!end)
			break;
		g_checksum_update(sum, (const uint8_t *)at, end - at);
		g_checksum_get_digest(sum, digest, &n);
		text = g_base64_encode(digest, n);
		g_string_append_printf(styles, " 'sha256-%s'", text);
		at = end;
	}
	return g_strdup_printf("default-src 'none'; style-src%s; form-action 'self'; "
			       "frame-ancestors 'none'; base-uri 'none'",
			       styles->len > 0 ? styles->str : " 'none'");
}
