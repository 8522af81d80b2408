#define PCRE2_CODE_UNIT_WIDTH 8
#include "lib/conf/form.h"

#include <pcre2.h>
#include <string.h>

enum { MOST_BYTES = 10000 };

char *lk_pattern_check(const char *pattern, bool ignore_case, bool many_lines)
{
	uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
	int code = 0;
	size_t at = 0;
	pcre2_code *compiled = NULL;
	unsigned char words[256] = "";

	if (*pattern == '\0')
		return g_strdup("an empty pattern would match everything");
	if (strlen(pattern) > MOST_BYTES)
		return g_strdup_printf("the pattern is longer than %d bytes", MOST_BYTES);
	if (ignore_case)
		options |= PCRE2_CASELESS;
	if (many_lines)
		options |= PCRE2_MULTILINE;
	compiled = pcre2_compile((PCRE2_SPTR)pattern, strlen(pattern), options, &code, &at, NULL);
	if (compiled) {
		pcre2_code_free(compiled);
		return NULL;
	}
	pcre2_get_error_message(code, words, sizeof(words));
	return g_strdup_printf("bad pattern at character %ld: %s",
			       g_utf8_strlen(pattern, (gssize)MIN(at, strlen(pattern))) + 1,
			       (char *)words);
}

bool lk_slashed_check(const char *text, char **ret_why)
{
	const char *end = *text == '/' ? strrchr(text + 1, '/') : NULL;
	g_autofree char *pattern = NULL;

	if (*text != '/')
		return true;
	if (!end) {
		*ret_why = g_strdup("a pattern ends with a slash too: \"/pattern/\" or "
				    "\"/pattern/i\"");
		return false;
	}
	if (strspn(end + 1, "im") != strlen(end + 1)) {
		*ret_why = g_strdup_printf("\"%s\" behind a pattern; only i (ignore case) and m (^ "
					   "and $ at every line) may stand there",
					   end + 1);
		return false;
	}
	pattern = g_strndup(text + 1, (size_t)(end - text - 1));
	*ret_why = lk_pattern_check(pattern, strchr(end + 1, 'i'), strchr(end + 1, 'm'));
	return !*ret_why;
}
