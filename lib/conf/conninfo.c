/* libpq connection strings: finding the password in them, so that it is not shown. */
#include "lib/conf/form.h"

#include <string.h>

/* Behind "password=" at p: where the value ends; quotes and backslashes as libpq has them. */
static const char *value_end(const char *p, const char *stops)
{
	bool quoted = *p == '\'';

	if (quoted)
		p++;
	while (*p && (quoted ? *p != '\'' : !strchr(stops, *p)))
		p += *p == '\\' && p[1] ? 2 : 1;
	return quoted && *p ? p + 1 : p;
}

static bool is_uri(const char *text)
{
	return g_str_has_prefix(text, "postgresql://") || g_str_has_prefix(text, "postgres://");
}

/* Behind "password", blanks and "=": the value, or NULL. */
static const char *password_value(const char *p)
{
	if (!g_str_has_prefix(p, "password"))
		return NULL;
	p += strlen("password");
	p += strspn(p, " \t");
	if (*p != '=')
		return NULL;
	p++;
	return p + strspn(p, " \t");
}

/* "user:PASSWORD@" of a URI: from and to of the password. */
static bool uri_password(const char *text, const char **ret_from, const char **ret_to)
{
	const char *rest = strstr(text, "://") + 3;
	const char *end = rest + strcspn(rest, "/?");
	const char *at = memrchr(rest, '@', (size_t)(end - rest));
	const char *colon = at ? memchr(rest, ':', (size_t)(at - rest)) : NULL;

	if (!colon)
		return false;
	*ret_from = colon + 1;
	*ret_to = at;
	return true;
}

char *lk_conninfo_mask(const char *text, bool *ret_has_password)
{
	GString *out = g_string_new(NULL);
	const char *p = text;
	const char *from = NULL;
	const char *to = NULL;
	bool uri = is_uri(text);

	*ret_has_password = false;
	if (uri && uri_password(text, &from, &to)) {
		g_string_append_len(out, text, from - text);
		g_string_append(out, "***");
		*ret_has_password = true;
		p = to;
	}
	while (*p) {
		bool starts = p == text || strchr(uri ? "?&" : " \t\n", p[-1]);
		const char *value = starts ? password_value(p) : NULL;

		if (!value) {
			g_string_append_c(out, *p++);
			continue;
		}
		g_string_append(out, "password=***");
		*ret_has_password = true;
		p = value_end(value, uri ? "&" : " \t\n");
	}
	return g_string_free(out, FALSE);
}
