#include "lib/mail/address.h"

#include "lib/base/text.h"
#include "lib/mail/words.h"

#include <string.h>

/* One address being read. */
typedef struct {
	GString *phrase; /* outside <>, comments and quotes taken off */
	GString *angle;	 /* inside <> */
	GString *comment;
	size_t before; /* bytes of the phrase that stand before <> */
	bool has_angle;
	bool is_quoted; /* the phrase holds a quoted string: a ':' in it opens no group */
} item;

bool lk_address_is_usable(const lk_address *address)
{
	const char *at = address ? strrchr(address->address, '@') : NULL;

	return at && at > address->address && at[1];
}

/* An address as people wrap it: "mailto:", <>, quotes around it, a route before it. */
static char *bare_address(const char *text)
{
	g_autofree char *decoded = strstr(text, "=?") ? lk_words_decode(text, strlen(text))
						      : lk_text_clean(text, strlen(text));
	g_autoptr(GString) bare = g_string_new(NULL);
	const char *p = g_strstrip(decoded);

	if (*p == '@' && strchr(p, ':')) /* RFC 5322 obs-route */
		p = strchr(p, ':') + 1;
	if (g_ascii_strncasecmp(p, "mailto:", 7) == 0)
		p += 7;
	bool is_quoted = false;
	unsigned depth = 0; /* of comments */
	const char *last_close = strrchr(p, ')');
	for (; *p; p++) {
		if (*p == '"' && depth == 0)
			is_quoted = !is_quoted;
		if (!is_quoted && *p == '(' && last_close && p < last_close) {
			depth++;
			continue;
		}
		if (depth > 0) {
			depth -= *p == ')' ? 1 : 0;
			continue;
		}
		if (!is_quoted && (g_ascii_isspace(*p) || strchr("<>,;", *p)))
			continue;
		g_string_append_c(bare, *p);
	}
	while (bare->len > 1 && strchr("'.`", bare->str[bare->len - 1]))
		g_string_truncate(bare, bare->len - 1);
	if (bare->len > 1 && (*bare->str == '\'' || *bare->str == '`'))
		g_string_erase(bare, 0, 1);
	if (bare->len > 2 && *bare->str == '"' && bare->str[bare->len - 1] == '"') {
		g_string_truncate(bare, bare->len - 1);
		g_string_erase(bare, 0, 1);
	}
	return g_strndup(bare->str, bare->len);
}

static char *display_name(const char *text, size_t n)
{
	g_autofree char *decoded = lk_words_decode(text, n);
	g_autofree char *name = lk_text_squeeze(decoded);
	size_t length = strlen(name);

	while (length >= 2 && ((*name == '"' && name[length - 1] == '"') ||
			       (*name == '\'' && name[length - 1] == '\''))) {
		memmove(name, name + 1, length - 2);
		name[length -= 2] = 0;
	}
	return *name ? g_strdup(name) : NULL;
}

/* "Name addr@example.org" without <>: the word with the '@' is the address. */
static void split_phrase(const char *phrase, char **ret_name, char **ret_address)
{
	const char *at = strrchr(phrase, '@');

	if (!at) {
		/* An encoded word may hold name and address both: parsed again when decoded. */
		*ret_address = strpbrk(phrase, " \t") || strstr(phrase, "=?")
				       ? NULL
				       : bare_address(phrase);
		*ret_name = *ret_address ? NULL : display_name(phrase, strlen(phrase));
		return;
	}
	const char *start = at, *end = at;
	while (start > phrase && g_ascii_isspace(start[-1])) /* "joe @ example.org" */
		start--;
	if (start > phrase && start[-1] == '"') /* "a b"@example.org: not b@example.org */
		for (start--; start > phrase && *--start != '"';)
			;
	while (start > phrase && !g_ascii_isspace(start[-1]) && start[-1] != '[')
		start--;
	end++;
	end += strspn(end, " \t");
	end += strcspn(end, " \t]");
	g_autofree char *address = g_strndup(start, (size_t)(end - start));
	g_autoptr(GString) rest = g_string_new_len(phrase, start - phrase);
	if (strchr(phrase, '[') && rest->len > 0 && rest->str[rest->len - 1] == '[')
		g_string_truncate(rest, rest->len - 1);
	*ret_address = bare_address(address);
	*ret_name = display_name(rest->str, rest->len);
}

static void item_end(item *now, GPtrArray *addresses)
{
	g_autofree char *name = NULL;
	g_autofree char *address = NULL;

	g_strstrip(now->phrase->str);
	now->phrase->len = strlen(now->phrase->str);
	if (now->has_angle && now->angle->len > 0 &&
	    (strchr(now->angle->str, '@') || !strchr(now->phrase->str, '@'))) {
		address = bare_address(now->angle->str);
		name = display_name(now->phrase->str, now->phrase->len);
	} else if (now->phrase->len > 0) {
		split_phrase(now->phrase->str, &name, &address);
	}
	if (!name && now->comment->len > 0)
		name = display_name(now->comment->str, now->comment->len);
	if ((address && *address) || (name && now->has_angle))
		g_ptr_array_add(addresses, lk_address_new(name, address ? address : ""));
	g_string_truncate(now->phrase, 0);
	g_string_truncate(now->angle, 0);
	g_string_truncate(now->comment, 0);
	now->has_angle = now->is_quoted = false;
}

/*
 * Skips a quoted string and appends what it says; a quote that never ends is a letter. A local part
 * that needs its quotes keeps them: without, its last word would be somebody else's address.
 */
static size_t take_quoted(const char *text, size_t i, size_t n, GString *out)
{
	size_t start = out->len;

	for (size_t j = i + 1; j < n; j++) {
		if (text[j] == '"') {
			if (j + 1 < n && text[j + 1] == '@' &&
			    strpbrk(out->str + start, " \t,;:<>@")) {
				g_string_insert_c(out, (gssize)start, '"');
				g_string_append_c(out, '"');
			}
			return j;
		}
		if (text[j] == '\\' && j + 1 < n)
			j++;
		g_string_append_c(out, text[j]);
	}
	g_string_truncate(out, start);
	return i;
}

static size_t take_comment(const char *text, size_t i, size_t n, GString *out)
{
	unsigned depth = 0;

	for (size_t j = i; j < n; j++) {
		if (text[j] == '\\' && j + 1 < n) {
			j++;
		} else if (text[j] == '(') {
			if (depth++ == 0)
				continue;
		} else if (text[j] == ')' && --depth == 0) {
			return j;
		}
		g_string_append_c(out, text[j]);
	}
	g_string_truncate(out, 0);
	return i;
}

static size_t take_angle(const char *text, size_t i, size_t n, item *now)
{
	size_t j = i + 1;

	while (j < n && text[j] == '<')
		j++;
	size_t start = j;
	while (j < n && text[j] != '>' && text[j] != '<' && text[j] != '"' &&
	       !(text[j] == ',' && memchr(text + start, '@', j - start) && text[start] != '@'))
		j++;
	if (j < n && text[j] == '"') {
		const char *close = memchr(text + j, '>', n - j);
		j = close ? (size_t)(close - text) : n;
	}
	if (now->angle->len == 0)
		g_string_append_len(now->angle, text + start, (gssize)(j - start));
	now->has_angle = true;
	while (j < n && text[j] == '>')
		j++;
	return j - 1;
}

/* "Joe <joe@example.org> Jane <jane@example.org>": the comma between them is missing. */
static void part_joined(item *now, GPtrArray *addresses)
{
	const char *more = now->phrase->str + MIN(now->before, now->phrase->len);

	if (!now->has_angle || !strchr(now->angle->str, '@') || !*(more + strspn(more, " \t")))
		return;
	g_autofree char *next = g_strdup(more);
	g_string_truncate(now->phrase, now->before);
	item_end(now, addresses);
	g_string_append(now->phrase, next);
}

static void parse_line(const char *text, size_t n, GPtrArray *addresses)
{
	item now = {.phrase = g_string_new(NULL),
		    .angle = g_string_new(NULL),
		    .comment = g_string_new(NULL)};
	/* Unclosed quotes and comments would be looked for again and again. */
	bool quotes_end = true, comments_end = true;

	for (size_t i = 0; i < n && addresses->len < LK_ADDRESSES_MOST; i++) {
		char c = text[i];
		size_t was = i;
		if (c == '"' && quotes_end) {
			i = take_quoted(text, i, n, now.phrase);
			quotes_end = i != was;
			now.is_quoted |= quotes_end;
		} else if (c == '(' && comments_end) {
			g_string_truncate(now.comment, 0);
			i = take_comment(text, i, n, now.comment);
			comments_end = i != was;
		} else if (c == '<') {
			part_joined(&now, addresses);
			i = take_angle(text, i, n, &now);
			now.before = now.phrase->len;
		} else if (c == ',' || c == ';') {
			item_end(&now, addresses);
		} else if (c == ':' && !now.has_angle && !now.is_quoted &&
			   !strchr(now.phrase->str, '@') &&
			   !(now.phrase->len >= 6 &&
			     g_ascii_strcasecmp(now.phrase->str + now.phrase->len - 6, "mailto") ==
				     0)) {
			g_string_truncate(now.phrase, 0);
		} else if (c != '"' && c != '>') {
			g_string_append_c(now.phrase, c);
		}
	}
	item_end(&now, addresses);
	g_string_free(now.phrase, TRUE);
	g_string_free(now.angle, TRUE);
	g_string_free(now.comment, TRUE);
}

bool lk_addresses_parse(const char *value, size_t n, GPtrArray *addresses)
{
	g_autofree char *line = lk_words_unfold(value, n);
	unsigned before = addresses->len;

	parse_line(line, strlen(line), addresses);
	/* Some programs encode the whole header, address and all. */
	if (addresses->len <= before + 1 && strstr(line, "=?")) {
		const lk_address *only =
			addresses->len > before ? g_ptr_array_index(addresses, before) : NULL;
		if (!only || !lk_address_is_usable(only)) {
			g_autofree char *decoded = lk_words_decode(value, n);
			if (strchr(decoded, '@')) {
				g_ptr_array_set_size(addresses, (int)before);
				parse_line(decoded, strlen(decoded), addresses);
			}
		}
	}
	return addresses->len < LK_ADDRESSES_MOST;
}
