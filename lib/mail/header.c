#include "lib/mail/header.h"

#include "lib/mail/lines.h"
#include "lib/mail/words.h"

#include <string.h>

/* The length of the field name when the line is "Name: ...", else 0. */
static size_t name_length(const char *line, size_t n)
{
	size_t i = 0;

	/* RFC 5322 allows more, but "(2001:db8::1) by" is no field. */
	if (n == 0 || !g_ascii_isalnum(*line))
		return 0;
	while (i < n && i < 256 && line[i] > 0x20 && line[i] < 0x7f && line[i] != ':')
		i++;
	size_t end = i;
	while (i < n && (line[i] == ' ' || line[i] == '\t'))
		i++;
	return end > 0 && i < n && line[i] == ':' ? end : 0;
}

static bool is_blank(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (line[i] != '\r' && line[i] != '\n')
			return false;
	return true;
}

static void field_free(gpointer data)
{
	lk_field *field = data;

	g_free(field->name);
	g_string_free(field->value, TRUE);
	g_free(field);
}

static void trim_end(GString *value)
{
	while (value->len > 0 && strchr("\r\n", value->str[value->len - 1]))
		g_string_truncate(value, value->len - 1);
}

static lk_field *field_new(const char *line, size_t n, size_t name_n)
{
	lk_field *field = g_new0(lk_field, 1);
	const char *colon = memchr(line + name_n, ':', n - name_n);
	size_t start = (size_t)(colon - line) + 1;

	while (start < n && (line[start] == ' ' || line[start] == '\t'))
		start++;
	field->name = g_strndup(line, name_n);
	field->value = g_string_new_len(line + start, (gssize)(n - start));
	return field;
}

static bool is_known_name(const char *name, size_t n)
{
	static const char *const names[] = {
		"subject",    "date",	      "to",	      "from",	  "cc",
		"message-id", "mime-version", "content-type", "received", "reply-to",
		"references", "in-reply-to",  "return-path",  "sender"};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (strlen(names[i]) == n && g_ascii_strncasecmp(name, names[i], n) == 0)
			return true;
	return false;
}

/* A blank got before the first field: nothing is there that its line could go on. */
static void drop_indent(GString *line)
{
	size_t indent = strspn(line->str, " \t");
	size_t n = name_length(line->str + indent, line->len - indent);

	if (indent > 0 && n > 0 && is_known_name(line->str + indent, n))
		g_string_erase(line, 0, (gssize)indent);
}

/*
 * Does the header go on behind a line that is none? Only when a name that headers have follows at
 * once or behind a folded line: the first words of a text may hold a colon too.
 */
static bool goes_on(lk_lines *in)
{
	g_autoptr(GString) line = g_string_new(NULL);
	uint64_t position = lk_lines_position(in);
	bool found = false;

	for (unsigned i = 0; i < 3 && !found; i++) {
		if (!lk_lines_next(in, line, 512, NULL))
			break;
		if (*line->str == ' ' || *line->str == '\t')
			continue;
		size_t n = name_length(line->str, line->len);
		found = n > 0 && is_known_name(line->str, n);
		break;
	}
	lk_lines_seek(in, position);
	return found;
}

/* Names that mail systems write and nobody begins a line of text with. */
static bool is_machine_name(const char *name, size_t n)
{
	static const char *const names[] = {
		"received",    "message-id",	 "mime-version",	  "content-type",
		"return-path", "dkim-signature", "auto-submitted",	  "received-spf",
		"references",  "thread-index",	 "authentication-results"};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (strlen(names[i]) == n && g_ascii_strncasecmp(name, names[i], n) == 0)
			return true;
	return n > 3 && g_ascii_strncasecmp(name, "x-", 2) == 0;
}

/*
 * Headers copied out of a window have lost the indent of their folded lines. Of how many lines,
 * this one included, is that so? 0 when no field that only machines write follows before an empty
 * line.
 */
static unsigned unindented(lk_lines *in)
{
	enum { LINES_MOST = 60 };
	g_autoptr(GString) line = g_string_new(NULL);
	uint64_t position = lk_lines_position(in);
	unsigned n = 0;

	for (unsigned i = 1; i < LINES_MOST && n == 0; i++) {
		if (!lk_lines_next(in, line, 512, NULL) || is_blank(line->str, line->len))
			break;
		size_t name_n = name_length(line->str, line->len);
		if (name_n > 0 && is_machine_name(line->str, name_n))
			n = i;
	}
	lk_lines_seek(in, position);
	return n;
}

static void append_folded(lk_fields *fields, lk_field *last, const GString *line)
{
	size_t room = LK_FIELD_BYTES - MIN(last->value->len, LK_FIELD_BYTES);

	fields->was_cut |= line->len > room;
	g_string_append_len(last->value, line->str, (gssize)MIN(line->len, room));
}

/*
 * Only what says how the mail is built is joined: a line of a stranger's must not go on what our
 * own servers wrote above it (Authentication-Results, Received).
 */
static void take_unindented(lk_fields *fields, lk_field *last, GString *line)
{
	fields->had_unindented = true;
	if (g_ascii_strncasecmp(last->name, "content-", 8) != 0)
		return;
	g_string_prepend_c(line, ' ');
	append_folded(fields, last, line);
}

/*
 * Some gateways put lines without a colon between fields ("From joe Mon Jan..." and ">From ..." of
 * mbox files, or text). Above the first field, or where the header plainly goes on, they are
 * skipped; else they end it.
 */
static void read_fields(lk_lines *in, lk_fields *fields)
{
	g_autoptr(GString) line = g_string_new(NULL);
	lk_field *last = NULL;
	uint64_t start = lk_lines_position(in);
	unsigned junk = 0, lost = 0; /* lines known to have lost their indent */

	for (;;) {
		uint64_t before = lk_lines_position(in);
		if (!lk_lines_next(in, line, LK_FIELD_BYTES, &fields->was_cut)) {
			fields->body = before;
			fields->had_no_end = true;
			break;
		}
		if (is_blank(line->str, line->len)) {
			fields->body = lk_lines_position(in);
			if (!last && junk < 20) { /* blank lines above the header */
				junk++;
				continue;
			}
			break;
		}
		if (!last)
			drop_indent(line);
		size_t name_n = name_length(line->str, line->len);
		if (last && (*line->str == ' ' || *line->str == '\t')) {
			append_folded(fields, last, line);
		} else if (name_n > 0) {
			lk_field *field = field_new(line->str, line->len, name_n);
			if (last)
				trim_end(last->value);
			last = field;
			lost = 0;
			if (fields->fields->len < LK_FIELDS_MOST) {
				g_ptr_array_add(fields->fields, field);
			} else {
				fields->was_cut = true;
				field_free(field);
				last = g_ptr_array_index(fields->fields, fields->fields->len - 1);
			}
		} else if (g_str_has_prefix(line->str, "From ") ||
			   g_str_has_prefix(line->str, ">From ")) {
			continue;
		} else if (last &&
			   (fields->had_unindented ||
			    is_machine_name(last->name, strlen(last->name))) &&
			   (lost > 0 || (lost = unindented(in)) > 0)) {
			lost--;
			take_unindented(fields, last, line);
		} else if ((!last && junk < 20) || (last && junk < 20 && goes_on(in))) {
			junk++;
			fields->had_junk = true;
		} else {
			fields->body = before;
			fields->had_no_end = true;
			break;
		}
	}
	if (last)
		trim_end(last->value);
	if (fields->fields->len == 0) {
		fields->body = start;
		fields->had_junk = false;
	}
}

static lk_fields *fields_new(void)
{
	lk_fields *fields = g_new0(lk_fields, 1);

	fields->fields = g_ptr_array_new_with_free_func(field_free);
	return fields;
}

lk_fields *lk_fields_read(int fd, uint64_t offset, uint64_t max_bytes)
{
	lk_fields *fields = fields_new();
	g_auto(lk_lines) lines = {.fd = -1};

	lk_lines_open(&lines, fd, offset, max_bytes);
	fields->has_bare_cr = lines.cr_ends;
	read_fields(&lines, fields);
	return fields;
}

lk_fields *lk_fields_parse(const char *bytes, size_t n)
{
	lk_fields *fields = fields_new();
	g_auto(lk_lines) lines = {.fd = -1};

	lk_lines_open_memory(&lines, bytes, n);
	fields->has_bare_cr = lines.cr_ends;
	read_fields(&lines, fields);
	return fields;
}

void lk_fields_free(lk_fields *fields)
{
	if (!fields)
		return;
	g_ptr_array_unref(fields->fields);
	g_free(fields);
}

const lk_field *lk_fields_get(const lk_fields *fields, const char *name)
{
	for (unsigned i = 0; i < fields->fields->len; i++) {
		const lk_field *field = g_ptr_array_index(fields->fields, i);
		if (g_ascii_strcasecmp(field->name, name) == 0)
			return field;
	}
	return NULL;
}

char *lk_fields_line(const lk_fields *fields, const char *name)
{
	const lk_field *field = lk_fields_get(fields, name);

	return field ? lk_words_unfold(field->value->str, field->value->len) : NULL;
}

char *lk_fields_text(const lk_fields *fields, const char *name)
{
	const lk_field *field = lk_fields_get(fields, name);

	return field ? lk_words_decode(field->value->str, field->value->len) : NULL;
}
