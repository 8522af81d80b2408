#include "lib/mail/bounce-parts.h"

#include "lib/base/text.h"
#include "lib/mail/answer.h"

#include <string.h>

void lk_findings_clear(lk_findings *findings)
{
	g_clear_pointer(&findings->recipients, g_ptr_array_unref);
	g_clear_pointer(&findings->states, g_hash_table_unref);
	g_clear_pointer(&findings->status, g_free);
	g_clear_pointer(&findings->diagnostic, g_free);
	g_clear_pointer(&findings->message_id, g_free);
}

bool lk_findings_add(lk_findings *findings, const char *address, size_t n)
{
	g_autofree char *copy = g_strndup(address, n);
	char *start = copy;

	while (*start && strchr("<'\"([{: \t", *start))
		start++;
	size_t length = strlen(start);
	while (length > 0 && strchr(">'\")]},.;: \t\r\n", start[length - 1]))
		start[--length] = 0;
	g_autofree char *folded = lk_address_fold(start);
	const char *at = strrchr(folded, '@');
	if (!at || at == folded || !at[1] || strpbrk(folded, " \t\r\n<>"))
		return false;
	if (!findings->recipients)
		findings->recipients = g_ptr_array_new_with_free_func(g_free);
	for (unsigned i = 0; i < findings->recipients->len; i++)
		if (strcmp(g_ptr_array_index(findings->recipients, i), folded) == 0)
			return true;
	if (findings->recipients->len < LK_BOUNCE_RECIPIENTS_MOST)
		g_ptr_array_add(findings->recipients, g_steal_pointer(&folded));
	return true;
}

char *lk_status_in(const char *text)
{
	for (const char *p = text; (p = strpbrk(p, "245")); p++) {
		if (p[1] != '.' || (p > text && (g_ascii_isalnum(p[-1]) || p[-1] == '.')))
			continue;
		size_t subject = strspn(p + 2, "0123456789");
		const char *detail = p + 2 + subject + 1;
		if (subject == 0 || subject > 3 || detail[-1] != '.')
			continue;
		size_t n = strspn(detail, "0123456789");
		/* Not an address of the Internet, a version or a date. */
		if (n == 0 || n > 3 || (detail[n] == '.' && g_ascii_isdigit(detail[n + 1])) ||
		    g_ascii_isalpha(detail[n]))
			continue;
		return g_strndup(p, (size_t)(detail + n - p));
	}
	return NULL;
}

int lk_reply_class_in(const char *text)
{
	for (const char *p = text; (p = strpbrk(p, "45")); p++) {
		if (!g_ascii_isdigit(p[1]) || p[1] > '5' || !g_ascii_isdigit(p[2]) ||
		    g_ascii_isalnum(p[3]) || (p[3] == '.' && g_ascii_isdigit(p[4])))
			continue;
		if (p > text && (g_ascii_isalnum(p[-1]) || strchr(".-[/:_=@", p[-1])) &&
		    !(p > text + 1 && p[-1] == ':' && g_ascii_isalpha(p[-2])))
			continue;
		/* Ports, counts and lengths are followed by their unit. */
		if (p[3] == '-' || p[3] == ' ' || p[3] == '\n' || p[3] == 0 ||
		    strchr(":;,)]#<'\"", p[3]))
			return *p - '0';
	}
	return 0;
}

/* One recipient's group while its lines come. */
typedef struct {
	char *final, *original, *action, *status, *diagnostic;
} group;

static void group_clear(group *now)
{
	g_free(now->final);
	g_free(now->original);
	g_free(now->action);
	g_free(now->status);
	g_free(now->diagnostic);
	*now = (group){0};
}

/* What a report says of one of several; what failed counts before what is late. */
static void add_state(lk_findings *findings, const char *address, size_t n, const char *state)
{
	g_autoptr(GPtrArray) before = g_steal_pointer(&findings->recipients);
	const char *known = NULL;

	/* Trimmed and folded as the recipients are. */
	if (lk_findings_add(findings, address, n)) {
		char *key = g_strdup(g_ptr_array_index(findings->recipients, 0));

		if (!findings->states)
			findings->states =
				g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
		known = g_hash_table_lookup(findings->states, key);
		if (known && g_str_has_prefix(known, "failed"))
			g_free(key);
		else
			g_hash_table_replace(findings->states, key, g_strdup(state));
	}
	g_clear_pointer(&findings->recipients, g_ptr_array_unref);
	findings->recipients = g_steal_pointer(&before);
}

/* "rfc822; joe@example.org" */
static void add_recipient(lk_findings *findings, const char *value, const char *state)
{
	if (!value)
		return;
	const char *semicolon = strchr(value, ';');
	const char *address = semicolon ? semicolon + 1 : value;
	const char *at = strchr(address, '@');
	if (!at)
		return;
	/* "<joe@example.org> (comment)" */
	const char *open = strchr(address, '<');
	if (open && open < at)
		address = open + 1;
	address += strspn(address, " \t");
	size_t n = strcspn(address, ">");
	const char *blank = strpbrk(address, " \t(");
	if (blank && blank > at && (size_t)(blank - address) < n)
		n = (size_t)(blank - address);
	add_state(findings, address, n, state);
	lk_findings_add(findings, address, n);
}

static void end_group(group *now, lk_findings *findings)
{
	g_autofree char *action = now->action ? g_ascii_strdown(now->action, -1) : g_strdup("");
	g_autofree char *status = now->status ? lk_status_in(now->status) : NULL;

	if (!now->final && !now->original && !now->action) {
		group_clear(now);
		return;
	}
	if (g_str_has_prefix(action, "deliver") || g_str_has_prefix(action, "relay") ||
	    g_str_has_prefix(action, "expand") || (!*action && status && *status == '2')) {
		findings->has_success = true;
		group_clear(now);
		return;
	}
	bool is_delay = g_str_has_prefix(action, "delay") || g_str_has_prefix(action, "defer") ||
			g_str_has_prefix(action, "temp");
	/* What failed for good counts before what is only late. */
	if (!is_delay && !findings->has_failure) {
		g_clear_pointer(&findings->status, g_free);
		g_clear_pointer(&findings->diagnostic, g_free);
		findings->smtp_class = 0;
	}
	findings->has_delay |= is_delay;
	findings->has_failure |= !is_delay;
	g_autofree char *code = status		  ? g_strdup(status)
				: now->diagnostic ? lk_status_in(now->diagnostic)
						  : NULL;
	g_autofree char *state = g_strjoin(code ? " " : NULL, is_delay ? "delayed" : "failed",
					   code ? code : NULL, NULL);
	add_recipient(findings, now->final, state);
	add_recipient(findings, now->original, state);
	if (!findings->diagnostic && now->diagnostic)
		findings->diagnostic = g_strdup(now->diagnostic);
	if (!findings->status)
		findings->status = g_steal_pointer(&code);
	if (!findings->smtp_class && now->diagnostic)
		findings->smtp_class = lk_reply_class_in(now->diagnostic);
	group_clear(now);
}

static void take_field(group *now, const char *name, char *value, lk_findings *findings)
{
	bool is_final = strcmp(name, "final-recipient") == 0;
	bool is_original =
		strcmp(name, "original-recipient") == 0 || strcmp(name, "x-actual-recipient") == 0;
	char **into = is_final				     ? &now->final
		      : is_original			     ? &now->original
		      : strcmp(name, "action") == 0	     ? &now->action
		      : strcmp(name, "status") == 0	     ? &now->status
		      : strcmp(name, "diagnostic-code") == 0 ? &now->diagnostic
							     : NULL;

	/* Some reports leave out the empty line between recipients. */
	if (is_final && now->final)
		end_group(now, findings);
	if (into && !*into)
		*into = value;
	else
		g_free(value);
}

void lk_status_read(const char *text, lk_findings *findings)
{
	group now = {0};

	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n");
		if (n == 0) {
			end_group(&now, findings);
			p++;
			continue;
		}
		size_t name_n = strcspn(p, ":\n");
		if (p[name_n] != ':' || *p == ' ' || *p == '\t') {
			p += n + (p[n] == '\n');
			continue;
		}
		GString *value = g_string_new_len(p + name_n + 1, (gssize)(n - name_n - 1));
		const char *next = p + n + (p[n] == '\n');
		while (*next == ' ' || *next == '\t') { /* folded */
			size_t more = strcspn(next, "\n");
			size_t skip = strspn(next, " \t");
			g_string_append_c(value, ' ');
			g_string_append_len(value, next + skip, (gssize)(more - MIN(skip, more)));
			next += more + (next[more] == '\n');
		}
		g_autofree char *name = g_ascii_strdown(p, (gssize)name_n);
		take_field(&now, g_strstrip(name), g_strstrip(g_string_free(value, FALSE)),
			   findings);
		p = next;
	}
	end_group(&now, findings);
}
