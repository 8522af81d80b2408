#include "lib/desk/command.h"

#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/desk/command-private.h"

#include <string.h>

enum { MAX_LINES = 20000 };

static void command_free(void *data)
{
	lk_command *command = data;

	if (!command)
		return;
	g_free(command->line);
	g_array_unref(command->tickets);
	g_free(command->text);
	g_free(command->name);
	g_free(command->deputy);
	g_ptr_array_unref(command->add);
	g_ptr_array_unref(command->remove);
	g_free(command);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_command, command_free)

static lk_command *command_new(lk_command_kind kind, const char *line)
{
	lk_command *command = g_new0(lk_command, 1);

	command->kind = kind;
	command->line = g_strdup(line);
	command->tickets = g_array_new(FALSE, FALSE, sizeof(int64_t));
	command->add = g_ptr_array_new_with_free_func(g_free);
	command->remove = g_ptr_array_new_with_free_func(g_free);
	return command;
}

static void problem_free(void *data)
{
	lk_problem_free(data);
}

static lk_commands *commands_new(void)
{
	lk_commands *commands = g_new0(lk_commands, 1);

	commands->commands = g_ptr_array_new_with_free_func(command_free);
	commands->problems = g_ptr_array_new_with_free_func(problem_free);
	return commands;
}

void lk_commands_free(lk_commands *commands)
{
	if (!commands)
		return;
	g_ptr_array_unref(commands->commands);
	g_ptr_array_unref(commands->problems);
	g_free(commands->text);
	g_free(commands);
}

static void add_problem(lk_commands *out, lk_problem_code code, const char *line, const char *word,
			const char *hint)
{
	g_ptr_array_add(out->problems, lk_problem_new(code, line, word, hint));
}

/* --- one line --------------------------------------------------------------------------------- */

/* The references before the #: NULL when anything else stands there, so that it is prose. */
static GArray *read_references(const lk_policy *policy, const char *before)
{
	g_autofree char *plain = lk_command_plain(before);
	g_auto(GStrv) words = g_strsplit_set(plain, " ,;:[]()&+", -1);
	g_autoptr(GArray) tickets = g_array_new(FALSE, FALSE, sizeof(int64_t));

	for (unsigned i = 0; words[i]; i++) {
		int64_t ticket = 0;

		if (!*words[i])
			continue;
		if (!lk_reference_parse(policy, words[i], &ticket))
			return NULL;
		g_array_append_val(tickets, ticket);
	}
	return g_steal_pointer(&tickets);
}

/* A line taken apart. Borrowed from the line, but for word and tickets. */
typedef struct {
	GArray *tickets;
	char *word; /* the name as written */
	const char *argument;
	bool is_apart; /* a blank stands between # and the name */
} parts;

static void parts_clear(parts *p)
{
	g_clear_pointer(&p->tickets, g_array_unref);
	g_clear_pointer(&p->word, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(parts, parts_clear)

static bool is_name_char(gunichar c)
{
	return g_unichar_isalpha(c) || g_unichar_ismark(c) || c == '-' || c == 0x2010 ||
	       c == 0x2011;
}

/* Does the line look like a command: references or nothing, #, a word of letters? */
static bool take_apart(const lk_policy *policy, const char *line, parts *ret)
{
	const char *hash = strchr(line, '#');

	if (!hash)
		return false;
	g_autofree char *before = g_strndup(line, (size_t)(hash - line));
	ret->tickets = read_references(policy, before);
	if (!ret->tickets)
		return false;
	const char *name = hash + 1;
	ret->is_apart = *name == ' ';
	name += strspn(name, " ");
	const char *end = name;
	while (*end && is_name_char(g_utf8_get_char(end)))
		end = g_utf8_next_char(end);
	if (!g_unichar_isalpha(g_utf8_get_char(name)))
		return false;
	/* "#take." and "#note:" are meant; "#take2" and "#c++" are other words. */
	if (*end && !strchr(" .:,;!=", *end))
		return false;
	ret->word = g_strndup(name, (size_t)(end - name));
	if (*end == '.' || *end == ':' || *end == ',' || *end == ';' || *end == '!' || *end == '=')
		end++;
	ret->argument = end + strspn(end, " ");
	return true;
}

typedef enum { LINE_WORDS, LINE_BLANK, LINE_COMMAND, LINE_WRONG } line_kind;

/*
 * What the line is. A # and a word that is no command is a mistake, not text: what was meant for
 * the desk must not reach a customer. Only "# Word", as headings are written, must be near a name.
 */
static line_kind kind_of(const lk_policy *policy, const char *line)
{
	g_auto(parts) p = {0};
	lk_command_kind kind = LK_COMMAND_NOTE;
	const char *near = NULL;

	if (!*line)
		return LINE_BLANK;
	if (!take_apart(policy, line, &p))
		return LINE_WORDS;
	if (lk_command_find(p.word, &kind, &near))
		return LINE_COMMAND;
	return p.is_apart && !near ? LINE_WORDS : LINE_WRONG;
}

static bool is_command_line(const lk_policy *policy, const char *line)
{
	line_kind kind = kind_of(policy, line);

	return kind == LINE_COMMAND || kind == LINE_WRONG;
}

static void read_line(const lk_command_context *context, const char *line, lk_commands *out)
{
	g_auto(parts) p = {0};
	lk_command_kind kind = LK_COMMAND_NOTE;
	const char *near = NULL;
	g_autofree char *shown = lk_text_cut(line, LK_MAX_COMMAND_LINE);

	if (!take_apart(context->policy, line, &p) || !lk_command_find(p.word, &kind, &near)) {
		add_problem(out, LK_PROBLEM_UNKNOWN, shown, p.word ? p.word : line, near);
		return;
	}
	if (out->commands->len >= LK_MAX_COMMANDS || p.tickets->len > LK_MAX_COMMAND_TICKETS) {
		if (out->problems->len == 0)
			add_problem(out, LK_PROBLEM_TOO_MANY, shown, lk_command_name(kind), NULL);
		return;
	}
	g_autoptr(lk_command) command = command_new(kind, shown);
	g_array_append_vals(command->tickets, p.tickets->data, p.tickets->len);
	if (lk_command_argument(context, command, p.argument, out->problems))
		g_ptr_array_add(out->commands, g_steal_pointer(&command));
}

/* --- the whole mail --------------------------------------------------------------------------- */

bool lk_command_takes_text(const lk_command *command)
{
	switch (command->kind) {
	case LK_COMMAND_NOTE:
		return !command->text; /* its text may stand behind it */
	case LK_COMMAND_RESOLVE:
	case LK_COMMAND_SUPPLIER:
	case LK_COMMAND_ASK:
		return true;
	default:
		return false;
	}
}

bool lk_command_only_answers(lk_command_kind kind)
{
	return kind == LK_COMMAND_LIST || kind == LK_COMMAND_HISTORY || kind == LK_COMMAND_SEARCH ||
	       kind == LK_COMMAND_MORE || kind == LK_COMMAND_HELP;
}

bool lk_command_keeps_inside(lk_command_kind kind)
{
	return kind == LK_COMMAND_NOTE || kind == LK_COMMAND_ASK || kind == LK_COMMAND_SUPPLIER;
}

const lk_command *lk_commands_text_owner(const lk_commands *commands)
{
	for (unsigned i = 0; i < commands->commands->len; i++) {
		const lk_command *command = g_ptr_array_index(commands->commands, i);
		if (lk_command_takes_text(command))
			return command;
	}
	return NULL;
}

/* What no line shows alone. */
static void check_together(lk_commands *out)
{
	const lk_command *owner = lk_commands_text_owner(out);

	for (unsigned i = 0; i < out->commands->len; i++) {
		const lk_command *command = g_ptr_array_index(out->commands, i);
		bool stands_alone = command->kind == LK_COMMAND_UNDO ||
				    command->kind == LK_COMMAND_SEND ||
				    command->kind == LK_COMMAND_DROP;

		if (stands_alone && out->commands->len > 1)
			add_problem(out, LK_PROBLEM_ALONE, command->line,
				    lk_command_name(command->kind), NULL);
		if (command != owner && lk_command_takes_text(command) && *out->text)
			add_problem(out, LK_PROBLEM_TWO_TEXTS, command->line,
				    lk_command_name(command->kind), lk_command_name(owner->kind));
	}
}

/* The lines of a text: cleaned for reading, and as they are. */
typedef struct {
	char **raw;
	GPtrArray *clean; /* char * */
	size_t n;
} text_lines;

static void text_lines_clear(text_lines *t)
{
	g_clear_pointer(&t->raw, g_strfreev);
	g_clear_pointer(&t->clean, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(text_lines, text_lines_clear)

/* What a list begins with: a bullet or dash, or a number with a dot or bracket. */
static const char *skip_bullet(const char *line)
{
	const char *p = line + strspn(line, "0123456789");
	gunichar c = g_utf8_get_char(line);

	if (p > line && p - line <= 2 && (*p == '.' || *p == ')'))
		p++;
	else if (*line &&
		 (strchr("*+-", *line) || c == 0xB7 || c == 0x2013 || c == 0x2014 || c == 0x2022 ||
		  c == 0x2023 || c == 0x2043 || c == 0x2219 || (c >= 0x25A0 && c <= 0x25FF)))
		p = g_utf8_next_char(line);
	else
		return line;
	return *p == ' ' ? p + 1 : line;
}

/* Of a bold, slanted, quoted or escaped word. */
static bool is_emphasis(gunichar c)
{
	return c == '*' || c == '_' || c == '`' || c == '"' || c == '\'' || c == '\\' ||
	       (c >= 0x2018 && c <= 0x201F);
}

/*
 * "*#note*", "- #note", "1. #note": a command as clients dress it. NULL: it is none, or stands
 * bare. Caller frees.
 */
static char *undressed(const lk_policy *policy, const char *line)
{
	const char *p = skip_bullet(line);
	g_autoptr(GString) bare = NULL;
	g_auto(parts) apart = {0};
	lk_command_kind kind = LK_COMMAND_NOTE;
	bool is_dressed = false;

	while (is_emphasis(g_utf8_get_char(p))) {
		p = g_utf8_next_char(p);
		is_dressed = true;
	}
	if (p == line || *p != '#')
		return NULL;
	bare = g_string_new("#");
	for (p++; is_name_char(g_utf8_get_char(p)); p = g_utf8_next_char(p))
		g_string_append_unichar(bare, g_utf8_get_char(p));
	while (is_dressed && is_emphasis(g_utf8_get_char(p)))
		p = g_utf8_next_char(p);
	g_string_append(bare, p);
	for (const char *end = bare->str + bare->len; is_dressed;) {
		end = g_utf8_find_prev_char(bare->str, end);
		if (!end || !is_emphasis(g_utf8_get_char(end)))
			break;
		g_string_truncate(bare, (size_t)(end - bare->str));
	}
	if (!take_apart(policy, bare->str, &apart) || apart.is_apart ||
	    !lk_command_find(apart.word, &kind, NULL))
		return NULL;
	return g_string_free(g_steal_pointer(&bare), FALSE);
}

static char *clean_line(const lk_policy *policy, const char *raw)
{
	g_autofree char *clean = lk_command_clean(raw, strlen(raw));
	char *bare = strchr(clean, '#') ? undressed(policy, clean) : NULL;

	return bare ? bare : g_steal_pointer(&clean);
}

static void split_lines(const lk_policy *policy, const char *words, text_lines *ret)
{
	g_autofree char *valid = lk_text_clean(words, strlen(words));

	/* An empty text has one empty line, not none. */
	ret->raw = g_strsplit(*valid ? valid : "\n", "\n", MAX_LINES);
	ret->n = g_strv_length(ret->raw);
	ret->clean = g_ptr_array_new_full((guint)ret->n, g_free);
	for (size_t i = 0; i < ret->n; i++)
		g_ptr_array_add(ret->clean, clean_line(policy, ret->raw[i]));
}

static const char *line_at(const text_lines *t, size_t i)
{
	return g_ptr_array_index(t->clean, i);
}

/* Command lines, with blank ones between them; the number of lines up to the last command. */
static size_t top_block(const lk_policy *policy, const text_lines *t, size_t end)
{
	size_t top = 0;

	for (size_t i = 0; i < end; i++) {
		if (!*line_at(t, i))
			continue;
		if (!is_command_line(policy, line_at(t, i)))
			break;
		top = i + 1;
	}
	return top;
}

static size_t bottom_block(const lk_policy *policy, const text_lines *t, size_t from, size_t end)
{
	size_t bottom = end;

	for (size_t i = end; i-- > from;) {
		if (!*line_at(t, i))
			continue;
		if (!is_command_line(policy, line_at(t, i)))
			break;
		bottom = i;
	}
	return bottom;
}

static char *join_lines(const text_lines *t, size_t from, size_t to)
{
	g_autoptr(GString) text = g_string_new(NULL);

	while (from < to && !*line_at(t, from))
		from++;
	while (to > from && !*line_at(t, to - 1))
		to--;
	for (size_t i = from; i < to; i++)
		g_string_append_printf(text, "%s%s", i > from ? "\n" : "", t->raw[i]);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Does the rest of the line, however long, belong to the command? */
static bool takes_words(const lk_policy *policy, const char *line)
{
	g_auto(parts) p = {0};
	lk_command_kind kind = LK_COMMAND_TAKE;

	return take_apart(policy, line, &p) && lk_command_find(p.word, &kind, NULL) &&
	       (kind == LK_COMMAND_NOTE || kind == LK_COMMAND_SUBJECT || kind == LK_COMMAND_FIELD ||
		kind == LK_COMMAND_SURVEY || kind == LK_COMMAND_SEARCH);
}

/* Did a client break a line of the text here, because the next word was too much? */
static bool is_wrapped(const char *line, const char *next)
{
	enum { WRAP = 72 };
	g_autofree char *word = g_strndup(next, strcspn(next, " "));

	return g_utf8_strlen(line, -1) + 1 + g_utf8_strlen(word, -1) > WRAP;
}

/* What clients wrap off a command is no text for a customer. */
static void unwrap(const lk_policy *policy, text_lines *t)
{
	for (size_t i = 0; i + 1 < t->n; i++) {
		size_t next = i + 1;
		g_autoptr(GString) line = NULL;

		if (!strchr(line_at(t, i), '#') || !takes_words(policy, line_at(t, i)))
			continue;
		line = g_string_new(line_at(t, i));
		while (next < t->n && kind_of(policy, line_at(t, next)) == LINE_WORDS &&
		       is_wrapped(line_at(t, next - 1), line_at(t, next)) &&
		       line->len < LK_MAX_COMMAND_LINE) {
			g_string_append_printf(line, " %s", line_at(t, next));
			next++;
		}
		for (size_t k = i + 1; k < next; k++) {
			*t->raw[k] = '\0';
			*(char *)g_ptr_array_index(t->clean, k) = '\0';
		}
		g_free(g_ptr_array_index(t->clean, i));
		g_ptr_array_index(t->clean, i) = g_string_free(g_steal_pointer(&line), FALSE);
	}
}

/* Would the line be run where commands stand? */
static bool is_whole(const lk_command_context *context, const char *line)
{
	g_autoptr(lk_commands) one = commands_new();

	if (*line != '#' || kind_of(context->policy, line) != LINE_COMMAND)
		return false;
	read_line(context, line, one);
	return one->problems->len == 0;
}

/* Does nothing but commands stand in the paragraph? */
static bool is_all_commands(const lk_command_context *context, const text_lines *t, size_t from,
			    size_t to)
{
	for (size_t i = from; i < to; i++)
		if (!is_whole(context, line_at(t, i)))
			return false;
	return true;
}

static void add_misplaced(const char *line, lk_command_kind kind, lk_commands *out)
{
	g_autofree char *shown = lk_text_cut(line, LK_MAX_COMMAND_LINE);

	add_problem(out, LK_PROBLEM_MISPLACED, shown, lk_command_name(kind), NULL);
}

/*
 * "Hello, / #note / ...": it is no command there, and still no text for a customer. Nor is a
 * paragraph of nothing but commands, above which or below which a mail server has put something.
 */
static void find_misplaced(const lk_command_context *context, const text_lines *t, size_t from,
			   size_t to, lk_commands *out)
{
	for (size_t i = from; i < to && !lk_commands_text_owner(out); i++) {
		g_auto(parts) p = {0};
		lk_command_kind kind = LK_COMMAND_TAKE;
		size_t end = i;

		if (*line_at(t, i) != '#' || !take_apart(context->policy, line_at(t, i), &p) ||
		    p.is_apart || !lk_command_find(p.word, &kind, NULL))
			continue;
		while (end < to && *line_at(t, end))
			end++;
		bool begins = i == from || !*line_at(t, i - 1);
		if (lk_command_keeps_inside(kind) ||
		    (begins && is_all_commands(context, t, i, end))) {
			add_misplaced(line_at(t, i), kind, out);
			return;
		}
	}
}

/*
 * "#note Called them." above more words: all of it is the note. Only where another command takes
 * the text, or the text stands above, does such a note stand alone.
 */
static void give_text_to_note(lk_commands *out, unsigned n_top)
{
	unsigned n = *out->text ? n_top : out->commands->len;
	lk_command *note = NULL;

	for (unsigned i = 0; i < n && !note; i++) {
		lk_command *command = g_ptr_array_index(out->commands, i);
		if (command->kind == LK_COMMAND_NOTE && command->text)
			note = command;
	}
	if (!note || lk_commands_text_owner(out))
		return;
	g_autofree char *text = g_steal_pointer(&out->text);
	g_autofree char *line = g_steal_pointer(&note->text);
	char *all = g_strconcat(line, *text ? "\n" : "", text, NULL);
	if (note->tickets->len > 0) {
		note->text = all;
		out->text = g_strdup("");
		return;
	}
	out->text = all;
	g_free(note->line);
	note->line = g_strdup("#note");
}

lk_commands *lk_commands_read(const lk_command_context *context, const char *words)
{
	g_autoptr(lk_commands) out = commands_new();
	g_auto(text_lines) t = {0};
	unsigned n_top = 0;

	split_lines(context->policy, words ? words : "", &t);
	unwrap(context->policy, &t);
	/* Commands stand above the signature, or below it by who writes at the very end. */
	size_t last = bottom_block(context->policy, &t, 0, t.n);
	size_t end = lk_command_signature((const char *const *)t.clean->pdata, last,
					  context->agent_name);
	size_t top = top_block(context->policy, &t, end);
	size_t bottom = bottom_block(context->policy, &t, top, end);

	for (size_t i = 0; i < t.n; i++) {
		bool is_read = i < top || (i >= bottom && i < end) || i >= last;
		if (is_read && *line_at(&t, i))
			read_line(context, line_at(&t, i), out);
		if (i < top)
			n_top = out->commands->len;
	}
	/* A signature may also stand between the words and the commands below them. */
	size_t words_end = top + lk_command_signature((const char *const *)t.clean->pdata + top,
						      MAX(bottom, top) - top, context->agent_name);
	out->text = join_lines(&t, top, words_end);
	if (out->commands->len + out->problems->len > 0 && lk_command_is_closing(out->text))
		*out->text = '\0';
	give_text_to_note(out, n_top);
	find_misplaced(context, &t, top, words_end, out);
	check_together(out);
	return g_steal_pointer(&out);
}

lk_commands *lk_commands_read_lines(const lk_command_context *context, const char *const *lines,
				    unsigned n, const char *text)
{
	g_autoptr(lk_commands) out = commands_new();

	for (unsigned i = 0; i < n; i++) {
		g_autofree char *clean = lk_command_clean(lines[i], strlen(lines[i]));
		g_autofree char *line =
			strchr(clean, '#') && is_command_line(context->policy, clean)
				? g_strdup(clean)
				: g_strdup_printf("#%s", clean);
		read_line(context, line, out);
	}
	out->text = lk_text_clean(text ? text : "", text ? strlen(text) : 0);
	g_strstrip(out->text);
	check_together(out);
	return g_steal_pointer(&out);
}
