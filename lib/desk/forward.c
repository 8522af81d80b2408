#include "lib/desk/forward.h"

#include "lib/base/text.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"
#include "lib/mail/phrases.h"

#include <string.h>

enum {
	LOOKED_AT_BYTES = 256 * 1024,
	LABEL_BYTES = 40,
	VALUE_BYTES = 1000,
	CONTINUATIONS = 12, /* lines of a long list of recipients */
	MARK_LINES = 4	    /* between "Forwarded message" and the block */
};

void lk_forward_clear(lk_forward *forward)
{
	g_clear_pointer(&forward->name, g_free);
	g_clear_pointer(&forward->address, g_free);
	g_clear_pointer(&forward->subject, g_free);
	g_clear_pointer(&forward->date, g_free);
}

/* --- lines ------------------------------------------------------------------------------------ */

/* A line without its end, quote marks, emphasis and blanks around it; borrowed from the text. */
typedef struct {
	const char *start;
	size_t n;
	size_t next; /* offset of the next line */
} line;

static bool is_dressing(char c)
{
	return c == ' ' || c == '\t' || c == '>' || c == '*' || c == '|' || c == '\r' || c == '_';
}

/* The line at offset; false at the end. */
static bool line_at(const char *text, size_t n, size_t offset, line *ret_line)
{
	if (offset >= n)
		return false;
	const char *start = text + offset;
	const char *end = memchr(start, '\n', n - offset);
	ret_line->next = end ? (size_t)(end - text) + 1 : n;
	if (!end)
		end = text + n;
	for (;;) {
		if (start < end && is_dressing(*start))
			start++;
		else if (end - start >= 2 && memcmp(start, "\xc2\xa0", 2) == 0)
			start += 2;
		else
			break;
	}
	while (end > start && is_dressing(end[-1]))
		end--;
	ret_line->start = start;
	ret_line->n = (size_t)(end - start);
	return true;
}

/* Which label the line begins with; its value in *ret_value, borrowed from the line. */
static int label_of(const line *l, line *ret_value)
{
	const char *colon = memchr(l->start, ':', MIN(l->n, LABEL_BYTES));
	size_t wide = 0;

	if (!colon) {
		colon = g_strstr_len(l->start, (gssize)MIN(l->n, LABEL_BYTES), "\xef\xbc\x9a");
		wide = 2;
	}
	if (!colon || colon == l->start)
		return LK_LABEL_NONE;
	g_autofree char *given = g_strndup(l->start, (size_t)(colon - l->start));
	g_autofree char *folded = g_utf8_strdown(given, -1);
	g_autofree char *whole = g_utf8_normalize(folded, -1, G_NORMALIZE_ALL_COMPOSE);
	if (!whole)
		return LK_LABEL_NONE;
	char *word = g_strstrip(whole);
	size_t n = strlen(word);
	while (n > 0 && (word[n - 1] == '*' || word[n - 1] == '_'))
		word[--n] = '\0';
	for (unsigned i = 0; lk_header_labels[i].word; i++) {
		if (strcmp(word, lk_header_labels[i].word) != 0)
			continue;
		const char *value = colon + 1 + wide;
		const char *end = l->start + l->n;
		while (value < end && is_dressing(*value))
			value++;
		*ret_value = (line){.start = value, .n = (size_t)(end - value)};
		return lk_header_labels[i].label;
	}
	return LK_LABEL_NONE;
}

static bool is_mark(const line *l)
{
	const char *start = l->start;
	size_t n = l->n;

	while (n > 0 && (*start == '-' || *start == ' ' || *start == '='))
		start++, n--;
	g_autofree char *given = g_strndup(start, MIN(n, 80));
	g_autofree char *folded = g_utf8_strdown(given, -1);
	for (unsigned i = 0; lk_forward_words[i]; i++)
		if (g_str_has_prefix(folded, lk_forward_words[i]))
			return true;
	return g_str_has_prefix(folded, "alku edelleenlähetetylle") ||
	       g_str_has_prefix(folded, "början på vidarebefordrat");
}

/* --- people ----------------------------------------------------------------------------------- */

static bool is_address_byte(char c)
{
	return g_ascii_isalnum(c) || strchr("@.!#$%&'*+/=?^_`{|}~-", c) || (unsigned char)c >= 0x80;
}

/* The first thing with an '@' in the value that mail can be sent to. */
static char *address_in(const char *value, size_t *ret_at)
{
	for (const char *at = strchr(value, '@'); at; at = strchr(at + 1, '@')) {
		const char *start = at;
		const char *end = at;
		while (start > value && is_address_byte(start[-1]) && start[-1] != '@')
			start--;
		while (*end && is_address_byte(*end))
			end++;
		while (end > at && strchr(".,'`", end[-1]))
			end--;
		while (start < at && strchr("'`", *start))
			start++;
		g_autofree char *address = g_strndup(start, (size_t)(end - start));
		if (!lk_address_is_sane(address))
			continue;
		*ret_at = (size_t)(start - value);
		return g_steal_pointer(&address);
	}
	return NULL;
}

/* "Maija Meikäläinen" of "'Maija Meikäläinen' <maija@..>", "[mailto:..]", "(HUS)" and their kin. */
static char *name_in(const char *value, size_t n)
{
	g_autofree char *cut = g_strndup(value, n);
	g_autofree char *squeezed = lk_text_squeeze(cut);
	char *start = squeezed;

	for (char *p = squeezed; *p; p++)
		if (*p == '<' || *p == '[') {
			*p = '\0';
			break;
		}
	while (*start && strchr(" \"'*,;<[(", *start))
		start++;
	size_t length = strlen(start);
	while (length > 0 && strchr(" \"'*,;<[(:", start[length - 1]))
		length--;
	if (g_ascii_strncasecmp(start, "mailto", length) == 0)
		length = 0;
	return length > 0 ? g_strndup(start, length) : NULL;
}

static void read_from(lk_forward *forward, const line *value)
{
	g_autofree char *cut = g_strndup(value->start, MIN(value->n, VALUE_BYTES));
	g_autofree char *clean = lk_text_clean(cut, strlen(cut));
	size_t at = strlen(clean);

	forward->address = address_in(clean, &at);
	forward->name = name_in(clean, at);
}

static char *value_of(const line *value)
{
	g_autofree char *cut = g_strndup(value->start, MIN(value->n, VALUE_BYTES));
	g_autofree char *clean = lk_text_clean(cut, strlen(cut));
	char *squeezed = lk_text_squeeze(clean);

	if (!*squeezed)
		g_clear_pointer(&squeezed, g_free);
	return squeezed;
}

/* --- blocks ----------------------------------------------------------------------------------- */

/* What a block of labels has; counts each label once. */
typedef struct {
	bool has[LK_LABEL_SUBJECT + 1];
	unsigned n;
	int last;
	unsigned continued;
} block;

static void take_label(block *b, lk_forward *forward, int label, const line *value)
{
	b->last = label;
	b->continued = 0;
	if (b->has[label])
		return;
	b->has[label] = true;
	b->n++;
	if (label == LK_LABEL_FROM)
		read_from(forward, value);
	else if (label == LK_LABEL_SUBJECT)
		forward->subject = value_of(value);
	else if (label == LK_LABEL_DATE)
		forward->date = value_of(value);
}

/* Recipients go on over lines; every other value ends with its line. */
static bool goes_on(block *b, const line *l)
{
	if (b->last != LK_LABEL_TO && b->last != LK_LABEL_CC)
		return false;
	if (++b->continued > CONTINUATIONS)
		return false;
	return memchr(l->start, '@', l->n) || memchr(l->start, ';', l->n);
}

/* Reads the block that begins at offset; false when it is none. */
static bool read_block(const char *text, size_t n, size_t offset, lk_forward *forward)
{
	block b = {.last = LK_LABEL_NONE};
	line l = {0};
	line value = {0};
	size_t at = offset;
	size_t end = offset;

	while (line_at(text, n, at, &l)) {
		line next = {0};
		int label = l.n > 0 ? label_of(&l, &value) : LK_LABEL_NONE;
		if (label == LK_LABEL_FROM && b.has[LK_LABEL_FROM])
			break; /* the next block */
		if (label != LK_LABEL_NONE)
			take_label(&b, forward, label, &value);
		else if (l.n == 0 && (!line_at(text, n, l.next, &next) ||
				      label_of(&next, &value) == LK_LABEL_NONE))
			break; /* a blank line may stand between labels, where HTML was */
		else if (l.n > 0 && !goes_on(&b, &l))
			break;
		at = l.next;
		end = at;
	}
	while (line_at(text, n, end, &l) && l.n == 0)
		end = l.next;
	forward->start = offset;
	forward->words = end;
	return b.has[LK_LABEL_FROM] && (forward->name || forward->address) &&
	       (b.has[LK_LABEL_DATE] || b.has[LK_LABEL_SUBJECT]) && b.n >= 2 &&
	       (forward->has_mark || b.n >= 3);
}

bool lk_forward_find(const char *text, size_t from, lk_forward *ret_forward)
{
	size_t n = text ? strnlen(text, LOOKED_AT_BYTES) : 0;
	unsigned since_mark = MARK_LINES + 1;
	line l = {0};
	line value = {0};

	memset(ret_forward, 0, sizeof(*ret_forward));
	ret_forward->at = LK_TIME_NONE;
	for (size_t at = from; line_at(text, n, at, &l); at = l.next) {
		if (l.n == 0)
			continue;
		since_mark++;
		if (is_mark(&l)) {
			since_mark = 0;
			continue;
		}
		if (label_of(&l, &value) == LK_LABEL_NONE)
			continue;
		ret_forward->has_mark = since_mark <= MARK_LINES;
		if (read_block(text, n, at, ret_forward)) {
			if (ret_forward->date)
				ret_forward->at = lk_date_parse(ret_forward->date);
			return true;
		}
		/* What was read of it is no other block either: cost stays linear. */
		l.next = MAX(l.next, ret_forward->words);
		lk_forward_clear(ret_forward);
		memset(ret_forward, 0, sizeof(*ret_forward));
		ret_forward->at = LK_TIME_NONE;
	}
	return false;
}

/* --- attached mails --------------------------------------------------------------------------- */

bool lk_forward_read(const char *header, size_t n, lk_forward *ret_forward)
{
	g_autoptr(lk_fields) fields = lk_fields_parse(header, n);
	g_autoptr(lk_mail) people = lk_mail_new(); /* for its list */
	const lk_field *from = lk_fields_get(fields, "From");

	memset(ret_forward, 0, sizeof(*ret_forward));
	ret_forward->at = LK_TIME_NONE;
	if (!from)
		return false;
	lk_addresses_parse(from->value->str, MIN(from->value->len, 8192), people->to);
	if (people->to->len == 0)
		return false;
	const lk_address *first = g_ptr_array_index(people->to, 0);
	if (first->address && lk_address_is_sane(first->address))
		ret_forward->address = g_strdup(first->address);
	if (first->name && *first->name)
		ret_forward->name = lk_text_cut(first->name, VALUE_BYTES);
	ret_forward->subject = lk_fields_text(fields, "Subject");
	ret_forward->date = lk_fields_line(fields, "Date");
	if (ret_forward->date)
		ret_forward->at = lk_date_parse(ret_forward->date);
	if (ret_forward->address || ret_forward->name)
		return true;
	lk_forward_clear(ret_forward);
	return false;
}

bool lk_forward_subject(const char *subject)
{
	static const char *const prefixes[] = {"fwd", "fw", "vl", "vb", "wg", "tr"};
	g_autofree char *squeezed = lk_text_squeeze(subject ? subject : "");

	for (unsigned i = 0; i < G_N_ELEMENTS(prefixes); i++) {
		size_t n = strlen(prefixes[i]);
		if (g_ascii_strncasecmp(squeezed, prefixes[i], n) == 0 &&
		    squeezed[n + strspn(squeezed + n, " ")] == ':')
			return true;
	}
	return false;
}
