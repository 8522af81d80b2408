#include "lib/mail/bounce-parts.h"

#include "lib/base/text.h"
#include "lib/mail/charset.h"
#include "lib/mail/mail.h"
#include "lib/mail/phrases.h"

#include <string.h>

enum { NOTICE_BYTES_MOST = 64 * 1024, LINE_BYTES_MOST = 2000 };

static bool contains_any(const char *folded, const char *const *words)
{
	for (; *words; words++)
		if (strstr(folded, *words))
			return true;
	return false;
}

/* The line without what quotes and bullets put before it. */
static const char *skip_ornament(const char *line)
{
	return line + strspn(line, " \t>*|-=+#.");
}

static bool ends_announcing(const char *bare, size_t n)
{
	static const char *const ends[] = {"follow",	      "follows",   "following",
					   "attached",	      "below",	   "is as follows",
					   "below this line", "(in part)", "adjunto"};
	g_autofree char *line = g_strndup(bare, n);

	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++)
		if (g_str_has_suffix(line, ends[i]))
			return true;
	return false;
}

/* Does the returned mail, or the announcement of it, begin with this line? */
static bool is_return_marker(const char *line, const char *folded)
{
	const char *bare = skip_ornament(folded);

	if (g_str_has_prefix(bare, "received: from ") || g_str_has_prefix(bare, "received: by ") ||
	    g_str_has_prefix(bare, "received: (") || g_str_has_prefix(bare, "return-path: <"))
		return true;
	if (strstr(bare, "transcript"))
		return false;
	bool is_ruled = strncmp(line + strspn(line, " \t|"), "--", 2) == 0 || strstr(line, "----");
	size_t n = strlen(bare);
	while (n > 0 && strchr(" \t-=|.:", bare[n - 1]))
		n--;
	/* A rule around it, or nothing else in the line: not a sentence about the message. */
	return contains_any(folded, lk_returned_words) && (is_ruled || ends_announcing(bare, n));
}

char *lk_notice_of(const char *text, const char **ret_returned)
{
	const char *p = text;

	*ret_returned = NULL;
	while (*p && p - text < NOTICE_BYTES_MOST) {
		size_t n = strcspn(p, "\n");
		g_autofree char *line = g_strndup(p, MIN(n, LINE_BYTES_MOST));
		g_autofree char *folded = lk_lower(line, strlen(line));
		if (is_return_marker(line, g_strchomp(folded))) {
			*ret_returned = p;
			break;
		}
		p += n + (p[n] == '\n');
	}
	return g_strndup(text, (size_t)(p - text));
}

static bool is_local_char(char c)
{
	return g_ascii_isalnum(c) || (c && strchr("._%+=&'*/!#$?^`{|}~-", c)) ||
	       (unsigned char)c >= 0x80;
}

static bool is_domain_char(char c)
{
	return g_ascii_isalnum(c) || c == '.' || c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

/* The address around the '@' at `at` within the line; false when it is none. */
static bool address_at(const char *line, const char *at, const char **ret_start,
		       const char **ret_end)
{
	const char *start = at, *end = at + 1;

	while (start > line && is_local_char(start[-1]))
		start--;
	if (start == at && start > line && start[-1] == '"') { /* "john smith"@example.org */
		const char *quote = start - 1;
		while (quote > line && quote[-1] != '"')
			quote--;
		if (quote > line)
			start = quote - 1;
	}
	while (is_domain_char(*end))
		end++;
	while (end > at + 1 && strchr(".-_", end[-1]))
		end--;
	while (start < at && strchr("'`.*-=#!/", *start))
		start++;
	if (start == at || end == at + 1)
		return false;
	/* "SMTP=JOE@EXAMPLE.ORG", "dda:SMTP=..." */
	for (const char *p = start; p < at; p++)
		if (g_ascii_strncasecmp(p, "smtp=", 5) == 0)
			start = p + 5;
	*ret_start = start;
	*ret_end = end;
	return start < at && memchr(at, '.', (size_t)(end - at));
}

static bool is_service_address(const char *folded)
{
	static const char *const locals[] = {
		"postmaster@", "mailer-daemon@", "mailerdaemon@", "abuse@",    "hostmaster@",
		"webmaster@",  "root@",		 "mail-daemon@",  "helpdesk@", "listmaster@",
		NULL};

	for (const char *const *local = locals; *local; local++)
		if (g_str_has_prefix(folded, *local))
			return true;
	return false;
}

static bool is_party(const char *folded, const lk_notice_parties *parties)
{
	if ((parties->from && strcmp(parties->from, folded) == 0) ||
	    (parties->sender && strcmp(parties->sender, folded) == 0))
		return true;
	for (unsigned i = 0; parties->to && i < parties->to->len; i++) {
		const lk_address *to = g_ptr_array_index(parties->to, i);
		g_autofree char *other = lk_address_fold(to->address);
		if (strcmp(other, folded) == 0)
			return true;
	}
	return false;
}

/*
 * How sure a line is about its address: 3 it stands where recipients stand, 2 a header-like line
 * names it as such, 1 it is merely mentioned, 0 it is somebody else.
 */
static int weigh(const char *line, const char *folded, const char *start, const char *end)
{
	const char *bare = skip_ornament(line);
	const char *first = bare + strspn(bare, "<\"'([");
	bool opens = first >= start && first <= end;

	if (opens) {
		const char *behind = end + strspn(end, ">\"')],");
		behind += strspn(behind, " \t");
		/* Alone, or followed by what became of it. */
		if (!*behind || strchr(":;(.-[", *behind) || behind > end + 1 ||
		    g_ascii_strncasecmp(behind, "on ", 3) == 0)
			return 3;
		return 3;
	}
	const char *q = start;
	while (q > line && strchr(" \t<\"'([:=", q[-1]) && !(q[-1] == ':' || q[-1] == '='))
		q--;
	g_autofree char *before = g_strndup(folded, (size_t)(q - line));
	for (size_t i = 0; lk_recipient_leads[i]; i++) {
		if (!g_str_has_suffix(before, lk_recipient_leads[i]))
			continue;
		size_t n = strlen(before) - strlen(lk_recipient_leads[i]);
		if (n == 0 || !g_ascii_isalnum(before[n - 1]))
			return 3;
	}
	if (g_str_has_prefix(g_strchug(before), "to:"))
		return 2;
	return contains_any(folded, lk_other_addresses) ? 0 : 1;
}

typedef struct {
	char *address;
	int weight;
} mention;

static void mention_free(gpointer data)
{
	mention *one = data;

	g_free(one->address);
	g_free(one);
}

static void read_line(const char *line, const lk_notice_parties *parties, GPtrArray *mentions)
{
	/* ASCII folding keeps every offset. */
	g_autofree char *folded = g_ascii_strdown(line, -1);
	unsigned seen = 0;

	for (const char *at = line; (at = strchr(at, '@')) && seen < 20; at++) {
		const char *start, *end;
		if (!address_at(line, at, &start, &end))
			continue;
		g_autofree char *copy = g_strndup(start, (size_t)(end - start));
		g_autofree char *address = lk_address_fold(copy);
		int weight = weigh(line, folded, start, end);
		seen++;
		if (weight == 0 || is_service_address(address) || is_party(address, parties))
			continue;
		mention *one = g_new0(mention, 1);
		one->address = g_steal_pointer(&address);
		one->weight = weight;
		g_ptr_array_add(mentions, one);
	}
}

/* "The following recipients could not be reached:" and then a bare name of the host's own. */
static char *bare_name(const char *notice, const char *from)
{
	const char *domain = from ? lk_address_domain(from) : NULL;
	g_auto(GStrv) lines = g_strsplit(notice, "\n", 200);
	bool after_colon = false;

	for (unsigned i = 0; domain && lines[i]; i++) {
		char *line = g_strstrip(lines[i]);
		if (!*line)
			continue;
		if (after_colon && strlen(line) < 64 && !strpbrk(line, " \t:@/"))
			return g_strdup_printf("%s@%s", line, domain);
		after_colon = g_str_has_suffix(line, ":") &&
			      (strstr(line, "recipient") || strstr(line, "address"));
	}
	return NULL;
}

void lk_notice_read(const char *notice, const lk_notice_parties *parties, lk_findings *findings)
{
	g_autoptr(GPtrArray) mentions = g_ptr_array_new_with_free_func(mention_free);
	int best = 0;

	for (const char *p = notice; *p && mentions->len < 2000;) {
		size_t n = strcspn(p, "\n");
		g_autofree char *line = g_strndup(p, MIN(n, LINE_BYTES_MOST));
		read_line(line, parties, mentions);
		p += n + (p[n] == '\n');
	}
	for (unsigned i = 0; i < mentions->len; i++) {
		const mention *one = g_ptr_array_index(mentions, i);
		best = MAX(best, one->weight);
	}
	for (unsigned i = 0; i < mentions->len; i++) {
		const mention *one = g_ptr_array_index(mentions, i);
		if (one->weight == best)
			lk_findings_add(findings, one->address, strlen(one->address));
		if (best == 1 && findings->recipients)
			break; /* mere mentions: the first */
	}
	findings->is_mention = findings->recipients && best == 1;
	if (!findings->recipients) {
		g_autofree char *name = bare_name(notice, parties->from);
		if (name)
			lk_findings_add(findings, name, strlen(name));
	}
	findings->status = lk_status_in(notice);
	findings->smtp_class = lk_reply_class_in(notice);
}
