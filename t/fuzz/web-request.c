/*
 * luukku-web on what anybody may send: forms, queries, headers and routes, without a database. The
 * input: one byte for the site, then method, target, headers and body with a NUL between.
 */
#include "daemon/web.h"
#include "lib/base/log.h"
#include "lib/base/secret.h"

#include <string.h>

enum { N_TEXTS = 9 };

static lk_program program;
static lk_web web;

static void prepare(void)
{
	static lk_conf conf;
	uint8_t key[32] = {1};
	g_autoptr(lk_keys) keys = NULL;

	lk_sodium_init();
	lk_log_init("fuzz", LK_LOG_ERROR);
	keys = lk_keys_from_bytes(key, 1, "example.fi");
	conf.web.public_url = g_strdup("https://a.example");
	program.conf = &conf;
	program.keys = lk_keys_only(keys, LK_PURPOSE_SURVEY);
	program.policy = lk_policy_new();
	for (int i = 0; i < LK_N_LANGS; i++)
		program.policy->languages[i] = true;
	web.program = &program;
	/* Never tried. */
	web.db_at_ms = INT64_MAX;
	web.board_token = lk_secret_new("secret", 6);
}

static void check_form(const char *bytes, size_t n)
{
	g_autoptr(lk_web_form) form = NULL;
	g_autoptr(GError) error = NULL;
	const char *value = NULL;

	g_assert(lk_web_form_parse(bytes, n, &form, &error) == (error == NULL));
	g_assert((form != NULL) == (error == NULL));
	value = form ? lk_web_form_get(form, "comment") : NULL;
	g_assert(!value || g_utf8_validate(value, -1, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *texts[N_TEXTS] = {NULL};
	lk_web_request request = {0};
	g_auto(lk_web_reply) reply = {0};
	size_t at = 1;

	if (n == 0)
		return 0;
	if (!web.program)
		prepare();
	for (unsigned i = 0; i < N_TEXTS; i++) {
		const uint8_t *end = at < n ? memchr(data + at, 0, n - at) : NULL;
		size_t length = at >= n ? 0 : end ? (size_t)(end - data) - at : n - at;

		texts[i] = g_strndup(at < n ? (const char *)data + at : "", length);
		at += length + 1;
	}
	request = (lk_web_request){.site = data[0] & 1 ? LK_WEB_INTERNAL : LK_WEB_PUBLIC,
				   .method = texts[0],
				   .path = texts[1],
				   .query = data[0] & 2 ? texts[2] : NULL,
				   .accept_language = data[0] & 4 ? texts[3] : NULL,
				   .authorization = data[0] & 8 ? texts[4] : NULL,
				   .content_type = data[0] & 16 ? texts[5] : NULL,
				   .origin = data[0] & 32 ? texts[6] : NULL,
				   .host = data[0] & 64 ? texts[7] : NULL,
				   .body = texts[8],
				   .n_body = strlen(texts[8])};
	lk_web_answer(&web, &request, &reply);
	g_assert(reply.status >= 200 && reply.status <= 599 && reply.body && reply.type);
	g_autofree char *policy = lk_web_policy(reply.body);
	g_assert(g_str_has_prefix(policy, "default-src 'none'"));
	check_form((const char *)data, n);
	for (unsigned i = 0; i < N_TEXTS; i++)
		g_free(texts[i]);
	return 0;
}
