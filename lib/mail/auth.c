#include "lib/mail/auth.h"

#include "lib/base/text.h"
#include "lib/mail/words.h"

#include <string.h>

/* White space and nested comments (RFC 8601 2.2, CFWS). */
static const char *skip_cfws(const char *p)
{
	for (;;) {
		while (g_ascii_isspace(*p))
			p++;
		if (*p != '(')
			return p;
		unsigned depth = 0;
		do {
			if (*p == '\\' && p[1])
				p++;
			else if (*p == '(')
				depth++;
			else if (*p == ')')
				depth--;
			p++;
		} while (*p && depth > 0);
	}
}

static bool is_token(char c)
{
	return (unsigned char)c > 0x20 && c != 0x7f && !strchr("()<>,;\"=", c);
}

/* A token or quoted string, lower case; NULL when none stands there. */
static char *take_value(const char **at)
{
	GString *value = g_string_new(NULL);
	const char *p = skip_cfws(*at);

	if (*p == '"') {
		for (p++; *p && *p != '"'; p++) {
			if (*p == '\\' && p[1])
				p++;
			g_string_append_c(value, g_ascii_tolower(*p));
		}
		if (*p == '"')
			p++;
	} else {
		while (is_token(*p))
			g_string_append_c(value, g_ascii_tolower(*p++));
	}
	*at = skip_cfws(p);
	if (value->len == 0) {
		g_string_free(value, TRUE);
		return NULL;
	}
	return g_string_free(value, FALSE);
}

/* The id, and behind it an optional version; *at ends at the first ';' or the end. */
static char *take_authserv(const char **at)
{
	char *id = take_value(at);

	if (id && g_ascii_isdigit(**at)) {
		g_autofree char *version = take_value(at);
		if (strcmp(version, "1") != 0) /* another grammar: nothing of it can be believed */
			g_clear_pointer(&id, g_free);
	}
	return id;
}

/* Several signatures give several results: one that passes is a pass. */
static void note_result(char **into, const char *result)
{
	if (*into && (strcmp(*into, "pass") == 0 || strcmp(result, "pass") != 0))
		return;
	g_free(*into);
	*into = lk_text_clean(result, MIN(strlen(result), 30));
}

static void take_results(const char *p, lk_auth *auth)
{
	while (*p == ';') {
		p++;
		g_autofree char *method = take_value(&p);
		if (method && *p == '=') {
			p++;
			g_autofree char *result = take_value(&p);
			method[strcspn(method, "/")] = 0; /* method version */
			if (!result)
				;
			else if (strcmp(method, "spf") == 0)
				note_result(&auth->spf, result);
			else if (strcmp(method, "dkim") == 0)
				note_result(&auth->dkim, result);
			else if (strcmp(method, "dmarc") == 0)
				note_result(&auth->dmarc, result);
		}
		/* Properties and reasons of the result; a ';' in quotes or comments is theirs. */
		while (*p && *p != ';') {
			g_autofree char *word = take_value(&p);
			if (!word && *p && *p != ';')
				p++;
		}
	}
}

static bool is_listed(const char *id, const char *const *list)
{
	for (; list && *list; list++)
		if (g_ascii_strcasecmp(id, *list) == 0)
			return true;
	return false;
}

/* Does a Received value say that one of the relays wrote it ("... by HOST ...")? */
static bool is_by_relay(const char *received, const char *const *relays)
{
	const char *p = received;

	/* The "from" clause is the client's word: a "by" in its comment does not count. */
	while (*p) {
		const char *was = p;
		g_autofree char *word = take_value(&p);
		if (word && strcmp(word, "by") == 0) {
			g_autofree char *host = take_value(&p);
			return host && is_listed(host, relays);
		}
		if (p == was)
			p++;
	}
	return false;
}

/*
 * Which fields count: those above the topmost Received of a relay of ours, and those directly
 * below it, before any other Received.
 */
static void trusted_span(const lk_fields *fields, const char *const *relays, unsigned *ret_end)
{
	bool below = false;

	*ret_end = 0;
	for (unsigned i = 0; i < fields->fields->len; i++) {
		const lk_field *field = g_ptr_array_index(fields->fields, i);
		bool is_received = g_ascii_strcasecmp(field->name, "Received") == 0;
		if (below) {
			if (g_ascii_strcasecmp(field->name, "Authentication-Results") != 0)
				return;
			*ret_end = i + 1;
			continue;
		}
		if (!is_received)
			continue;
		g_autofree char *line = lk_words_unfold(field->value->str, field->value->len);
		if (!is_by_relay(line, relays))
			return; /* a foreign line on top: nothing below it is ours */
		*ret_end = i + 1;
		below = true;
	}
	*ret_end = below ? *ret_end : 0;
}

void lk_auth_read(lk_gather *gather, const char *const *authserv, const char *const *relays)
{
	const GPtrArray *fields = gather->fields->fields;
	bool has_relays = relays && *relays;
	unsigned end = fields->len;
	g_autofree char *believed = NULL;

	if (!authserv || !*authserv)
		return;
	if (has_relays)
		trusted_span(gather->fields, relays, &end);
	for (unsigned i = 0; i < fields->len; i++) {
		const lk_field *field = g_ptr_array_index(fields, i);
		if (g_ascii_strcasecmp(field->name, "Authentication-Results") != 0)
			continue;
		g_autofree char *line = lk_words_unfold(field->value->str, field->value->len);
		const char *p = line;
		g_autofree char *id = take_authserv(&p);
		if (!id || !is_listed(id, authserv))
			continue;
		if (believed || i >= end) {
			lk_gather_defect(gather,
					 "a further Authentication-Results of %s was ignored", id);
			continue;
		}
		believed = g_steal_pointer(&id);
		gather->mail->auth = g_new0(lk_auth, 1);
		take_results(p, gather->mail->auth);
	}
}
