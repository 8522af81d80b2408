#include "lib/net/oauth.h"

#include "lib/base/err.h"
#include "lib/base/json.h"
#include "lib/net/stream-private.h"

#include <curl/curl.h>
#include <poll.h>
#include <string.h>

enum { TIMEOUT_MS = 30000, ANSWER_MOST = 64 << 10, TOKEN_MOST = 16 << 10 };

/* A year; what a server claims beyond that is no promise to build on. */
enum { SECONDS_MOST = 365 * 86400 };

typedef struct {
	CURL *curl;
	struct curl_slist *headers;
	char *form; /* holds the secret: zeroed */
	char *answer;
	size_t answer_n;
	bool is_too_long;
	int wake_fd;
	char why[CURL_ERROR_SIZE];
} request;

static void request_clear(request *r)
{
	curl_easy_cleanup(r->curl);
	curl_slist_free_all(r->headers);
	if (r->form) {
		explicit_bzero(r->form, strlen(r->form));
		g_free(r->form);
	}
	if (r->answer) {
		explicit_bzero(r->answer, ANSWER_MOST);
		g_free(r->answer);
	}
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(request, request_clear)

static size_t take_answer(char *bytes, size_t size, size_t n, void *data)
{
	request *r = data;

	if (n > ANSWER_MOST - r->answer_n) {
		r->is_too_long = true;
		return 0;
	}
	memcpy(r->answer + r->answer_n, bytes, n);
	r->answer_n += n;
	return n;
}

/* libcurl asks once a second, and whenever bytes move. */
static int is_woken(void *data, curl_off_t to_get, curl_off_t got, curl_off_t to_send,
		    curl_off_t sent)
{
	const request *r = data;
	struct pollfd wake = {.fd = r->wake_fd, .events = POLLIN};

	return r->wake_fd >= 0 && poll(&wake, 1, 0) > 0;
}

/* Appends "&name=value"; every copy of a value is zeroed by whoever made it. */
static void add_field(CURL *curl, GString *form, const char *name, const char *value)
{
	char *escaped = curl_easy_escape(curl, value, 0);

	g_string_append_printf(form, "%s%s=", form->len > 0 ? "&" : "", name);
	if (escaped) {
		g_string_append(form, escaped);
		explicit_bzero(escaped, strlen(escaped));
	}
	curl_free(escaped);
}

/* The credentials go in the form, as section 2.3.1 allows and Microsoft and Google document. */
static char *make_form(CURL *curl, const lk_oauth *oauth)
{
	/* Large enough for all of it: growing would leave a copy of the secret behind. */
	size_t most = 3 * (strlen(oauth->client_id) + lk_secret_size(oauth->client_secret) +
			   strlen(oauth->scope ? oauth->scope : "")) +
		      128;
	GString *form = g_string_sized_new(most);

	add_field(curl, form, "grant_type", "client_credentials");
	add_field(curl, form, "client_id", oauth->client_id);
	if (oauth->scope && *oauth->scope)
		add_field(curl, form, "scope", oauth->scope);
	add_field(curl, form, "client_secret", lk_secret_text(oauth->client_secret));
	return g_string_free(form, FALSE);
}

static bool prepare(request *r, const lk_oauth *oauth)
{
	long timeout = oauth->timeout_ms > 0 ? oauth->timeout_ms : TIMEOUT_MS;

	r->curl = curl_easy_init();
	if (!r->curl)
		return false;
	r->wake_fd = oauth->wake_fd;
	r->form = make_form(r->curl, oauth);
	r->answer = g_malloc0(ANSWER_MOST + 1);
	r->headers = curl_slist_append(NULL, "Accept: application/json");
	(void)curl_easy_setopt(r->curl, CURLOPT_URL, oauth->token_url);
	(void)curl_easy_setopt(r->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(r->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(r->curl, CURLOPT_POSTFIELDS, r->form);
	(void)curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, r->headers);
	(void)curl_easy_setopt(r->curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(r->curl, CURLOPT_TIMEOUT_MS, timeout);
	(void)curl_easy_setopt(r->curl, CURLOPT_WRITEFUNCTION, take_answer);
	(void)curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, r);
	(void)curl_easy_setopt(r->curl, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(r->curl, CURLOPT_XFERINFOFUNCTION, is_woken);
	(void)curl_easy_setopt(r->curl, CURLOPT_XFERINFODATA, r);
	(void)curl_easy_setopt(r->curl, CURLOPT_ERRORBUFFER, r->why);
	/* The file stands beside the system's folder of CAs: both are loaded. */
	return !oauth->ca_file || !*oauth->ca_file ||
	       curl_easy_setopt(r->curl, CURLOPT_CAINFO, oauth->ca_file) == CURLE_OK;
}

/* What the server says of a refusal (section 5.2), made fit to show; never NULL. Caller frees. */
static char *refusal_text(const lk_json *answer, const lk_secret *secret)
{
	const char *code = lk_json_get_text(answer, "error");
	const char *words = lk_json_get_text(answer, "error_description");
	g_autofree char *all = g_strjoin(": ", code ? code : "no reason given", words, NULL);

	return lk_net_quote(all, secret);
}

static bool refuse(const lk_oauth *oauth, long status, const lk_json *answer, GError **error)
{
	g_autofree char *text = refusal_text(answer, oauth->client_secret);
	bool is_passing = status >= 500 || status == 429;

	g_set_error(error, LK_ERROR, is_passing ? LK_ERR_RETRY : LK_ERR_MAILBOX,
		    "%s answered %ld (%s): %s", oauth->token_url, status, text,
		    is_passing ? "it is asked again later"
			       : "check oauth2.client_id, client_secret and scope with whoever "
				 "administers it");
	return false;
}

static bool read_answer(const lk_oauth *oauth, const request *r, lk_secret **ret_token,
			int64_t *ret_seconds, GError **error)
{
	g_autoptr(lk_json) answer = NULL;
	long status = 0;

	(void)curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
	bool is_json = lk_json_parse(r->answer, r->answer_n, &answer, NULL);
	if (status != 200)
		return refuse(oauth, status, is_json ? answer : NULL, error);

	const char *token = lk_json_get_text(answer, "access_token");
	const char *type = lk_json_get_text(answer, "token_type");
	if (!token || !*token || strlen(token) > TOKEN_MOST ||
	    (type && g_ascii_strcasecmp(type, "Bearer") != 0)) {
		g_set_error(error, LK_ERROR, LK_ERR_MAILBOX,
			    "%s answered, but with no bearer token: check oauth2.token_url",
			    oauth->token_url);
		return false;
	}
	for (const char *p = token; *p; p++)
		if (*p <= 0x20 || *p >= 0x7f) {
			g_set_error(error, LK_ERROR, LK_ERR_MAILBOX,
				    "%s answered with a token that holds characters RFC 6750 does "
				    "not allow: check oauth2.token_url",
				    oauth->token_url);
			return false;
		}
	*ret_seconds = CLAMP(lk_json_get_int(answer, "expires_in", 0), 0, SECONDS_MOST);
	*ret_token = lk_secret_new(token, strlen(token));
	return true;
}

bool lk_oauth_token(const lk_oauth *oauth, lk_secret **ret_token, int64_t *ret_seconds,
		    GError **error)
{
	g_auto(request) r = {.wake_fd = -1};

	*ret_token = NULL;
	if (!prepare(&r, oauth)) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY,
			    "%s: a connection cannot be prepared: is there memory, and can "
			    "ca_file be read?",
			    oauth->token_url);
		return false;
	}
	CURLcode done = curl_easy_perform(r.curl);
	if (done == CURLE_OK)
		return read_answer(oauth, &r, ret_token, ret_seconds, error);

	bool is_distrusted = done == CURLE_PEER_FAILED_VERIFICATION ||
			     done == CURLE_UNSUPPORTED_PROTOCOL || done == CURLE_URL_MALFORMAT ||
			     done == CURLE_SSL_CACERT_BADFILE;
	g_autofree char *why = lk_net_quote(r.is_too_long ? "its answer is too long"
					    : *r.why	  ? r.why
							  : curl_easy_strerror(done),
					    NULL);
	g_set_error(error, LK_ERROR, is_distrusted ? LK_ERR_MAILBOX : LK_ERR_RETRY,
		    "no access token from %s: %s%s", oauth->token_url, why,
		    is_distrusted ? ": check oauth2.token_url, and that its certificate is one "
				    "this machine trusts"
				  : "");
	return false;
}
