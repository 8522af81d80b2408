#include "lib/conf/form.h"

#include "lib/base/pattern.h"

char *lk_pattern_check(const char *pattern, unsigned flags)
{
	g_autoptr(lk_pattern) compiled = NULL;
	g_autoptr(GError) error = NULL;

	if (lk_pattern_new(pattern, flags | LK_PATTERN_ONCE, &compiled, &error))
		return NULL;
	return g_strdup(error->message);
}

bool lk_slashed_check(const char *text, char **ret_why)
{
	g_autofree char *pattern = NULL;
	g_autoptr(GError) error = NULL;
	unsigned flags = 0;

	if (*text != '/')
		return true;
	if (!lk_pattern_split(text, &pattern, &flags, &error)) {
		*ret_why = g_strdup(error->message);
		return false;
	}
	*ret_why = lk_pattern_check(pattern, flags);
	return !*ret_why;
}
