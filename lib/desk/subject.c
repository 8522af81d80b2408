#include "lib/desk/subject.h"

#include "lib/base/text.h"
#include "lib/desk/phrases.h"

#include <string.h>

static const char *const reply_prefixes[] = {"re", "vs", "sv", "aw", "antw", NULL};
static const char *const forward_prefixes[] = {"fwd", "fw", "vl", "vb", "wg", "tr", NULL};

static bool is_word_byte(char c)
{
	return g_ascii_isalnum(c) || c == '_' || (unsigned char)c >= 0x80;
}

/*
 * The length of a prefix such as "Re:", "RE[2] :" or "SV(3):" and the blanks behind it at the
 * start of text; 0 for none.
 */
static size_t prefix_length(const char *text, const char *const *prefixes)
{
	for (unsigned i = 0; prefixes[i]; i++) {
		size_t n = strlen(prefixes[i]);
		if (g_ascii_strncasecmp(text, prefixes[i], n) != 0)
			continue;
		if (text[n] == '[' || text[n] == '(' || text[n] == '^') {
			size_t digits = strspn(text + n + 1, "0123456789");
			if (digits > 0 && digits < 4)
				n += 1 + digits +
				     (text[n + 1 + digits] == ']' || text[n + 1 + digits] == ')');
		}
		n += strspn(text + n, " ");
		if (g_str_has_prefix(text + n, "\xef\xbc\x9a")) /* full-width colon */
			n += 3;
		else if (text[n] == ':')
			n++;
		else
			continue;
		return n + strspn(text + n, " ");
	}
	return 0;
}

/* The length of a reference ("TUKI-1042") at the start of text; 0 for none. */
static size_t reference_length(const lk_policy *policy, const char *text, int64_t *ret_ticket)
{
	size_t prefix = strlen(policy->prefix);

	if (g_ascii_strncasecmp(text, policy->prefix, prefix) != 0 || text[prefix] != '-')
		return 0;
	size_t n = prefix + 1 + strspn(text + prefix + 1, "0123456789");
	g_autofree char *reference = g_strndup(text, n);
	return lk_reference_parse(policy, reference, ret_ticket) ? n : 0;
}

/* The length of a tag ("[TUKI-1042]", blanks inside allowed) at the start of text; 0 for none. */
static size_t tag_length(const lk_policy *policy, const char *text, int64_t *ret_ticket)
{
	if (text[0] != '[')
		return 0;
	size_t n = 1 + strspn(text + 1, " ");
	size_t reference = reference_length(policy, text + n, ret_ticket);
	if (reference == 0)
		return 0;
	n += reference;
	n += strspn(text + n, " ");
	return text[n] == ']' ? n + 1 : 0;
}

static void add_once(GArray *tickets, int64_t ticket)
{
	for (unsigned i = 0; i < tickets->len; i++)
		if (g_array_index(tickets, int64_t, i) == ticket)
			return;
	if (tickets->len < LK_SUBJECT_TAGS)
		g_array_append_val(tickets, ticket);
}

GArray *lk_subject_tickets(const lk_policy *policy, const char *subject)
{
	g_autofree char *text = lk_text_squeeze(subject);
	GArray *tickets = g_array_new(FALSE, FALSE, sizeof(int64_t));
	int64_t ticket = 0;

	for (const char *p = text; *p; p++)
		if (tag_length(policy, p, &ticket) > 0)
			add_once(tickets, ticket);
	for (const char *p = text; *p; p++) {
		if (p > text && (is_word_byte(p[-1]) || p[-1] == '-'))
			continue;
		size_t n = reference_length(policy, p, &ticket);
		if (n > 0 && !is_word_byte(p[n]))
			add_once(tickets, ticket);
	}
	return tickets;
}

/* Without our tags wherever they stand, and without the prefixes that lead it. */
static char *strip(const lk_policy *policy, const char *subject, bool forwards_too)
{
	g_autofree char *cut = lk_text_cut(subject ? subject : "", 16 * 1024);
	g_autofree char *text = lk_text_squeeze(cut);
	g_autoptr(GString) words = g_string_new(NULL);
	int64_t ticket = 0;

	for (const char *p = text; *p;) {
		size_t n = tag_length(policy, p, &ticket);
		if (n == 0) {
			g_string_append_c(words, *p++);
			continue;
		}
		p += n;
		if (*p == ' ' && (words->len == 0 || words->str[words->len - 1] == ' '))
			p++;
	}
	const char *start = words->str;
	for (;;) {
		start += strspn(start, " ");
		size_t n = prefix_length(start, reply_prefixes);
		if (n == 0 && forwards_too)
			n = prefix_length(start, forward_prefixes);
		if (n == 0)
			break;
		start += n;
	}
	return lk_text_squeeze(start);
}

char *lk_subject_base(const lk_policy *policy, const char *subject)
{
	g_autofree char *words = strip(policy, subject, false);

	return lk_text_cut(words, LK_SUBJECT_BYTES);
}

char *lk_subject_out(const lk_policy *policy, int64_t ticket, const char *base, bool is_reply)
{
	g_autofree char *words = lk_subject_base(policy, base);
	g_autofree char *reference = lk_reference(policy, ticket);

	return g_strdup_printf("%s[%s]%s%s", is_reply ? "Re: " : "", reference, *words ? " " : "",
			       words);
}

static char *folded(const lk_policy *policy, const char *subject)
{
	g_autofree char *words = strip(policy, subject, true);

	return g_utf8_casefold(words, -1);
}

void lk_subject_hash(const lk_policy *policy, const char *subject,
		     uint8_t ret_hash[LK_KEY_HASH_BYTES])
{
	g_autofree char *words = folded(policy, subject);

	lk_key_hash(words, ret_hash);
}

/* "10.1.2.3" names a machine, where every other number is a measure, a date or a counter. */
static char *join_addresses(const char *words)
{
	g_autoptr(GString) out = g_string_new(NULL);

	for (const char *p = words; *p;) {
		size_t n = strspn(p, "0123456789.");
		unsigned dots = 0;
		for (size_t i = 0; i < n; i++)
			dots += p[i] == '.' && i + 1 < n && g_ascii_isdigit(p[i + 1]);
		for (size_t i = 0; i < n; i++)
			g_string_append_c(out, dots == 3 && p[i] == '.' ? 'x' : p[i]);
		p += n;
		if (*p && n == 0)
			g_string_append_c(out, *p++);
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* "91", "5min", "10gb", "1st"; "mon" and "nov" of dates. But "srv12" is another machine. */
static bool is_measure(const char *word)
{
	static const char *const dates[] = {
		"mon", "tue", "wed", "thu", "fri", "sat", "sun", "jan", "feb",	"mar", "apr", "may",
		"jun", "jul", "aug", "sep", "oct", "nov", "dec", "ma",	"ti",	"ke",  "to",  "pe",
		"la",  "su",  "am",  "pm",  "klo", "kl",  "utc", "eet", "eest", NULL};
	size_t digits = strspn(word, "0123456789");

	if (digits > 0)
		return strspn(word + digits, "abcdefghijklmnopqrstuvwxyz") ==
			       strlen(word + digits) &&
		       strlen(word + digits) <= 3;
	return g_strv_contains(dates, word);
}

bool lk_subject_machine_hash(const lk_policy *policy, const char *subject,
			     uint8_t ret_hash[LK_KEY_HASH_BYTES])
{
	g_autofree char *words = folded(policy, subject);
	g_autofree char *joined = join_addresses(words);
	g_autofree char *plain = lk_words_fold(joined);
	g_auto(GStrv) each = g_strsplit(plain, " ", -1);
	g_autoptr(GString) kept = g_string_new("machine:");
	size_t empty = kept->len;

	for (unsigned i = 0; each[i]; i++)
		if (*each[i] && !is_measure(each[i]))
			g_string_append_printf(kept, "%s ", each[i]);
	lk_key_hash(kept->str, ret_hash);
	return kept->len > empty;
}
