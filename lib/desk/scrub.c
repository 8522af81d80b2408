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
