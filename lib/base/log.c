#include "lib/base/log.h"

#include "lib/base/io.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
	char *key;
	char *value; /* quoted if it needs to be */
} pair;

typedef struct {
	lk_log_level level;
	char *event;
} expectation;

static struct {
	char *program;
	lk_log_level most;
	bool is_journal;
	bool is_terminal;
	GPtrArray *context; /* pair * */
	GQueue *expected;   /* expectation *; NULL outside of a test */
	bool is_unexpected;
} state = {.most = LK_LOG_INFO};

static void pair_free(void *data)
{
	pair *p = data;
	g_free(p->key);
	g_free(p->value);
	g_free(p);
}

static void expectation_free(void *data)
{
	expectation *e = data;
	g_free(e->event);
	g_free(e);
}

void lk_log_init(const char *program, lk_log_level most)
{
	g_free(state.program);
	state.program = g_strdup(program);
	state.most = most;
	state.is_journal = g_log_writer_is_journald(STDERR_FILENO);
	state.is_terminal = isatty(STDERR_FILENO) == 1;
}

/* Appends one character in a form that cannot end a line or a quoted value. */
static void append_escaped(GString *out, gunichar c)
{
	if (c == '"' || c == '\\')
		g_string_append_printf(out, "\\%c", (char)c);
	else if (c == '\n')
		g_string_append(out, "\\n");
	else if (c == '\r')
		g_string_append(out, "\\r");
	else if (c == '\t')
		g_string_append(out, "\\t");
	else if (c < 0x20 || c == 0x7F)
		g_string_append_printf(out, "\\x%02x", (unsigned)c);
	else if (!g_unichar_isprint(c) || c == 0x2028 || c == 0x2029)
		g_string_append_printf(out, "\\u{%x}", (unsigned)c); /* bidi, line separators */
	else
		g_string_append_unichar(out, c);
}

char *lk_log_quote(const char *value)
{
	enum { MOST = 200 };
	if (!value)
		return g_strdup("-");
	GString *out = g_string_new("\"");
	size_t n = strnlen(value, MOST + 4);
	g_autofree char *valid = g_utf8_make_valid(value, (gssize)n);
	for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
		if (out->len > MOST) {
			g_string_append(out, "...");
			break;
		}
		append_escaped(out, g_utf8_get_char(p));
	}
	g_string_append_c(out, '"');
	return g_string_free(out, FALSE);
}

/* Can the value stand after "key=" as it is? */
static bool is_plain(const char *value)
{
	if (!*value)
		return false;
	for (const char *p = value; *p; p++) {
		if (!g_ascii_isgraph(*p) || *p == '"' || *p == '\\')
			return false;
	}
	return strlen(value) <= 200;
}

void lk_log_context(const char *key, const char *value)
{
	if (!state.context)
		state.context = g_ptr_array_new_with_free_func(pair_free);
	unsigned i = 0;
	while (i < state.context->len &&
	       strcmp(((const pair *)state.context->pdata[i])->key, key) != 0)
		i++;
	if (i < state.context->len)
		g_ptr_array_remove_index(state.context, i);
	if (!value)
		return;
	pair *p = g_new0(pair, 1);
	p->key = g_strdup(key);
	p->value = is_plain(value) ? g_strdup(value) : lk_log_quote(value);
	g_ptr_array_insert(state.context, (int)i, p);
}

/* The end of the value that begins at p: a quoted text or a word. */
static const char *value_end(const char *p)
{
	if (*p != '"') {
		while (*p && *p != ' ')
			p++;
		return p;
	}
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
	}
	return *p ? p + 1 : p;
}

/* "LUUKKU_MAILBOX" of "mailbox"; journald allows capitals, digits and underscores only. */
static char *field_name(const char *key, size_t n)
{
	GString *name = g_string_new("LUUKKU_");
	for (size_t i = 0; i < n && i < 48; i++) {
		char c = g_ascii_toupper(key[i]);
		g_string_append_c(name, g_ascii_isalnum(c) ? c : '_');
	}
	return g_string_free(name, FALSE);
}

static void add_field(GArray *fields, const char *key, const char *value)
{
	GLogField field = {.key = key, .value = value, .length = -1};
	g_array_append_val(fields, field);
}

/* Each key=value of the line becomes a field of its own; `kept` owns the texts. */
static void add_pairs(GArray *fields, GPtrArray *kept, const char *line)
{
	enum { MOST_FIELDS = 64 };
	for (const char *p = line; *p && fields->len < MOST_FIELDS;) {
		const char *end = p + strcspn(p, " =");
		if (*end != '=') {
			p = *end ? end + 1 : end;
			continue;
		}
		const char *value = end + 1;
		const char *after = value_end(value);
		bool is_quoted = *value == '"' && after - value >= 2;
		char *name = field_name(p, (size_t)(end - p));
		char *text = is_quoted ? g_strndup(value + 1, (size_t)(after - value - 2))
				       : g_strndup(value, (size_t)(after - value));
		g_ptr_array_add(kept, name);
		g_ptr_array_add(kept, text);
		add_field(fields, name, text);
		p = *after == ' ' ? after + 1 : after;
	}
}

static const char *priority_digit(lk_log_level level)
{
	static const char *const digits[] = {"3", "4", "6", "7"};
	return digits[level];
}

static void write_journal(lk_log_level level, const char *event, const char *line)
{
	g_autoptr(GArray) fields = g_array_new(FALSE, FALSE, sizeof(GLogField));
	g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func(g_free);
	add_field(fields, "PRIORITY", priority_digit(level));
	add_field(fields, "SYSLOG_IDENTIFIER", state.program ? state.program : "luukku");
	add_field(fields, "MESSAGE", line);
	add_field(fields, "LUUKKU_EVENT", event);
	add_pairs(fields, kept, line);
	g_log_writer_journald(G_LOG_LEVEL_MESSAGE, (const GLogField *)(void *)fields->data,
			      fields->len, NULL);
}

/* One write a line, so that lines of several processes do not mix. */
static void write_stderr(lk_log_level level, const char *line)
{
	g_autoptr(GString) out = g_string_new(NULL);
	if (!state.is_terminal)
		g_string_append_printf(out, "<%s>", priority_digit(level));
	g_string_append_printf(out, "%s: %s\n", state.program ? state.program : "luukku", line);
	(void)lk_write_all(STDERR_FILENO, out->str, out->len, NULL);
}

/* A line stays a line whatever a caller forgot to quote. */
static void append_message(GString *line, const char *message)
{
	g_autofree char *valid = g_utf8_make_valid(message, -1);
	for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		if (c == '"' || c == '\\')
			g_string_append_c(line, (char)c);
		else
			append_escaped(line, c);
	}
}

/* In a test: is the line the next one expected? Notes an unexpected warning or error. */
static bool take_expected(lk_log_level level, const char *event)
{
	if (!state.expected)
		return false;
	expectation *next = g_queue_peek_head(state.expected);
	if (next && next->level == level && strcmp(next->event, event) == 0) {
		expectation_free(g_queue_pop_head(state.expected));
		return true;
	}
	if (level <= LK_LOG_WARNING)
		state.is_unexpected = true;
	return false;
}

void lk_log(lk_log_level level, const char *event, const char *format, ...)
{
	if (take_expected(level, event) || level > state.most)
		return;
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	g_autoptr(GString) line = g_string_new(event);
	for (unsigned i = 0; state.context && i < state.context->len; i++) {
		const pair *p = state.context->pdata[i];
		g_string_append_printf(line, " %s=%s", p->key, p->value);
	}
	if (*message)
		g_string_append_c(line, ' ');
	append_message(line, message);
	if (state.is_journal)
		write_journal(level, event, line->str);
	else
		write_stderr(level, line->str);
}

void lk_log_expect(lk_log_level level, const char *event)
{
	if (!state.expected) {
		state.expected = g_queue_new();
		state.is_unexpected = false;
	}
	expectation *e = g_new0(expectation, 1);
	e->level = level;
	e->event = g_strdup(event);
	g_queue_push_tail(state.expected, e);
}

bool lk_log_expect_end(void)
{
	bool is_good =
		!state.expected || (g_queue_is_empty(state.expected) && !state.is_unexpected);
	if (state.expected)
		g_queue_free_full(state.expected, expectation_free);
	state.expected = NULL;
	state.is_unexpected = false;
	return is_good;
}
