#include "lib/desk/scrub.h"

#include <string.h>

/* Runs longer than this (encoded data) are looked at at their ends only: cost stays linear. */
enum { LONGEST_RUN = LK_TOKEN_CHARS + 4 };

static bool is_token_byte(char c)
{
	return g_ascii_isalpha(c) || (c >= '2' && c <= '7');
}

static bool is_token(const lk_policy *policy, const char *at)
{
	g_autofree char *text = g_strndup(at, LK_TOKEN_CHARS);
	lk_token token = {0};

	return lk_token_verify(policy->keys, text, &token);
}

/* Where in the run a token begins; NULL: nowhere. */
static const char *find_token(const lk_policy *policy, const char *run, size_t length)
{
	if (length < LK_TOKEN_CHARS)
		return NULL;
	size_t last = length - LK_TOKEN_CHARS;
	for (size_t i = 0; i <= last; i++) {
		bool is_end = i == 0 || i == last;
		if ((is_end || length <= LONGEST_RUN) && is_token(policy, run + i))
			return run + i;
	}
	return NULL;
}

/* Takes the separator off the end of what was written so far. */
static void drop_separator(const lk_policy *policy, GString *out)
{
	const char *const forms[] = {"+",      "%2b",	 "%2B", "&#43;",  "&#043;",
				     "&#x2b;", "&#x2B;", "=2B", "&plus;", policy->subaddress};

	for (unsigned i = 0; i < G_N_ELEMENTS(forms); i++) {
		const char *form = forms[i];
		if (!form || !*form || !g_str_has_suffix(out->str, form))
			continue;
		g_string_truncate(out, out->len - strlen(form));
		return;
	}
}

char *lk_scrub(const lk_policy *policy, const char *text)
{
	g_autoptr(GString) out = g_string_new(NULL);

	for (const char *p = text; *p;) {
		if (!is_token_byte(*p)) {
			g_string_append_c(out, *p++);
			continue;
		}
		const char *end = p;
		while (is_token_byte(*end))
			end++;
		const char *token = find_token(policy, p, (size_t)(end - p));
		if (!token) {
			g_string_append_len(out, p, end - p);
			p = end;
			continue;
		}
		g_string_append_len(out, p, token - p);
		drop_separator(policy, out);
		p = token + LK_TOKEN_CHARS;
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

static lk_json *scrub_value(const lk_policy *policy, const lk_json *value);

static lk_json *scrub_object(const lk_policy *policy, const lk_json *object)
{
	lk_json *copy = lk_json_object();
	g_autoptr(GPtrArray) keys = lk_json_keys(object);

	for (unsigned i = 0; i < keys->len; i++) {
		const char *key = g_ptr_array_index(keys, i);
		lk_json *value = lk_json_get(object, key);
		bool is_ours = strcmp(key, "actions") == 0;

		if (lk_json_is_text(value) && !is_ours) {
			g_autofree char *text = lk_scrub(policy, lk_json_text(value));
			lk_json_set_text(copy, key, text);
		} else {
			lk_json_take(copy, key,
				     is_ours ? lk_json_ref(value) : scrub_value(policy, value));
		}
	}
	return copy;
}

static lk_json *scrub_array(const lk_policy *policy, const lk_json *array)
{
	lk_json *copy = lk_json_array();

	for (size_t i = 0; i < lk_json_size(array); i++) {
		lk_json *value = lk_json_at(array, i);

		if (lk_json_is_text(value)) {
			g_autofree char *text = lk_scrub(policy, lk_json_text(value));
			lk_json_push_text(copy, text);
		} else {
			lk_json_push(copy, scrub_value(policy, value));
		}
	}
	return copy;
}

/* Depth is that of the JSON, which lk_json_parse bounds. */
static lk_json *scrub_value(const lk_policy *policy, const lk_json *value)
{
	if (lk_json_is_object(value))
		return scrub_object(policy, value);
	if (lk_json_is_array(value))
		return scrub_array(policy, value);
	return lk_json_ref((lk_json *)value);
}

lk_json *lk_scrub_json(const lk_policy *policy, const lk_json *json)
{
	return scrub_value(policy, json);
}
