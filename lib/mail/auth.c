#include "lib/mail/auth.h"

#include "lib/base/text.h"
#include "lib/mail/answer.h"
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

/* What one result says about its domain. Owned. */
typedef struct {
	char *from; /* header.from */
	char *d;    /* header.d */
	char *i;    /* header.i: its domain, where there is no header.d */
} properties;

static void properties_clear(properties *p)
{
	g_clear_pointer(&p->from, g_free);
	g_clear_pointer(&p->d, g_free);
	g_clear_pointer(&p->i, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(properties, properties_clear)

/* Of a property given twice the first counts: what follows may be the sender's own words. */
static void note_property(properties *p, const char *name, const char *value)
{
	char **into = strcmp(name, "header.from") == 0 ? &p->from
		      : strcmp(name, "header.d") == 0  ? &p->d
		      : strcmp(name, "header.i") == 0  ? &p->i
						       : NULL;

	if (into && !*into)
		*into = g_strdup(value);
}

/* Properties and reasons of a result; a ';' in quotes or comments is theirs. */
static void take_properties(const char **at, properties *ret)
{
	const char *p = *at;

	while (*p && *p != ';') {
		g_autofree char *name = take_value(&p);
		if (!name && *p && *p != ';')
			p++;
		if (!name || *p != '=')
			continue;
		p++;
		g_autofree char *value = take_value(&p);
		if (value)
			note_property(ret, name, value);
	}
	*at = p;
}

/* The domain of "example.fi", "@example.fi" or "aino@example.fi"; NULL when it is none. */
static const char *domain_of(const char *value)
{
	const char *at = value ? strrchr(value, '@') : NULL;
	const char *domain = at ? at + 1 : value;
	size_t n = domain ? strlen(domain) : 0;

	if (n == 0 || n > LK_DOMAIN_BYTES_MOST || *domain == '.' || domain[n - 1] == '.' ||
	    strstr(domain, "..") || strspn(domain, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != n)
		return NULL;
	return domain;
}

static void note_signer(lk_auth *auth, const properties *p)
{
	const char *domain = domain_of(p->d ? p->d : p->i);

	if (domain && auth->signers->len < LK_SIGNERS_MOST)
		g_ptr_array_add(auth->signers, g_strdup(domain));
}

static void take_result(const char *method, const char *result, const properties *p, lk_auth *auth)
{
	if (strcmp(method, "spf") == 0) {
		note_result(&auth->spf, result);
	} else if (strcmp(method, "dkim") == 0) {
		note_result(&auth->dkim, result);
		if (strcmp(result, "pass") == 0)
			note_signer(auth, p);
	} else if (strcmp(method, "dmarc") == 0) {
		note_result(&auth->dmarc, result);
		if (!auth->dmarc_domain)
			auth->dmarc_domain = g_strdup(domain_of(p->from));
	}
}

static void take_results(const char *p, lk_auth *auth)
{
	while (*p == ';') {
		g_auto(properties) about = {0};
		g_autofree char *result = NULL;
		p++;
		g_autofree char *method = take_value(&p);
		if (method && *p == '=') {
			p++;
			result = take_value(&p);
		}
		take_properties(&p, &about);
		if (!result)
			continue;
		method[strcspn(method, "/")] = 0; /* method version */
		take_result(method, result, &about, auth);
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

/* Why a header does not count; NULL: it does. */
static const char *reason_against(const char *id, bool is_listed_one, bool is_further,
				  bool is_outside, bool has_span)
{
	if (!id)
		return "it cannot be read";
	if (!is_listed_one)
		return "its authserv-id is not in site.authserv";
	if (is_outside)
		return has_span ? "it stands below what a relay of site.relays wrote: the sender "
				  "may "
				  "have put it there"
				: "no relay of site.relays wrote the topmost Received";
	return is_further ? "one of this id above it counts" : NULL;
}

/* One header after the other, the first of them that may be believed. */
void lk_auth_read(lk_gather *gather, const char *const *authserv, const char *const *relays)
{
	const GPtrArray *fields = gather->fields->fields;
	GPtrArray *trail = gather->mail->auth_trail;
	bool has_relays = relays && *relays;
	unsigned end = fields->len;

	if (has_relays)
		trusted_span(gather->fields, relays, &end);
	for (unsigned i = 0; i < fields->len; i++) {
		const lk_field *field = g_ptr_array_index(fields, i);
		if (g_ascii_strcasecmp(field->name, "Authentication-Results") != 0)
			continue;
		g_autofree char *line = lk_words_unfold(field->value->str, field->value->len);
		const char *p = line;
		g_autofree char *id = take_authserv(&p);
		bool is_ours = id && is_listed(id, authserv);
		const char *against =
			reason_against(id, is_ours, gather->mail->auth != NULL, i >= end, end > 0);
		if (trail->len < LK_AUTH_TRAIL_MOST)
			g_ptr_array_add(trail,
					g_strdup_printf("%.100s: %s%s", id ? id : "?",
							against ? "not believed: " : "believed",
							against ? against : ""));
		if (is_ours && against)
			lk_gather_defect(gather,
					 "a further Authentication-Results of %s was ignored", id);
		if (against)
			continue;
		gather->mail->auth = lk_auth_new();
		take_results(p, gather->mail->auth);
	}
}
