/* What stands behind a command's name, read by the command's kind. */
#include "lib/desk/command-private.h"

#include "lib/base/text.h"
#include "lib/base/units.h"

#include <string.h>

enum { MAX_TAG_BYTES = 60, MAX_VALUE_BYTES = 500, MAX_NEXT = 50 };

typedef struct {
	const lk_command_context *context;
	lk_command *command;
	const char *raw;  /* the argument as it was written */
	const char *text; /* the same in plain characters */
	GPtrArray *problems;
} reader;

static bool wrong(reader *r, lk_problem_code code, const char *word, const char *hint)
{
	g_ptr_array_add(r->problems, lk_problem_new(code, r->command->line, word, hint));
	return false;
}

static bool needs(reader *r)
{
	return wrong(r, LK_PROBLEM_NEEDS, lk_command_name(r->command->kind),
		     lk_command_form(r->command->kind, LK_LANG_EN));
}

static bool read_nothing(reader *r)
{
	if (!*r->text)
		return true;
	return wrong(r, LK_PROBLEM_TOO_MUCH, lk_command_name(r->command->kind),
		     lk_command_form(r->command->kind, LK_LANG_EN));
}

static char *cut_value(const char *text)
{
	return lk_text_cut(text, MAX_VALUE_BYTES);
}

/* A name or address in one piece: "bo", "Bo Berg", "bo@example.fi". */
static bool read_name(reader *r)
{
	if (!*r->text)
		return needs(r);
	r->command->text = cut_value(r->text);
	return true;
}

static bool read_name_or_none(reader *r)
{
	r->command->is_none = lk_command_is_word(r->text, LK_WORD_NONE);
	return r->command->is_none || read_name(r);
}

static bool read_optional(reader *r)
{
	return !*r->text || read_name(r);
}

/* Words that stay as they were written, quotes and dashes too. */
static bool read_words(reader *r)
{
	if (!*r->raw)
		return needs(r);
	r->command->text = cut_value(r->raw);
	return true;
}

static bool read_optional_words(reader *r)
{
	r->command->text = *r->raw ? g_strdup(r->raw) : NULL;
	return true;
}

static bool read_count(reader *r)
{
	if (!*r->text)
		return true;
	if (!lk_parse_int(r->text, 1, MAX_NEXT, &r->command->number, NULL))
		return wrong(r, LK_PROBLEM_NUMBER, r->text, "1-50");
	return true;
}

static bool read_message_number(reader *r)
{
	const char *digits = *r->text == '#' ? r->text + 1 : r->text;

	if (!*r->text)
		return true;
	if (!lk_parse_int(digits, 1, INT64_MAX, &r->command->number, NULL))
		return wrong(r, LK_PROBLEM_NUMBER, r->text, NULL);
	return true;
}

static bool read_priority(reader *r)
{
	const char *near = NULL;

	if (!*r->text)
		return needs(r);
	if (!lk_command_priority(r->text, &r->command->priority, &near))
		return wrong(r, LK_PROBLEM_PRIORITY, r->text, near);
	return true;
}

static bool is_tag(const char *word)
{
	if (!*word || strlen(word) > MAX_TAG_BYTES)
		return false;
	for (const char *p = word; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		if (!g_unichar_isalnum(c) && !strchr("-_.:/", (int)c))
			return false;
	}
	return true;
}

/* "+a -b", "a, b": what is added and what goes. item: the one word checked and made comparable. */
static bool read_list(reader *r, char *(*item)(const char *word), lk_problem_code code)
{
	g_auto(GStrv) words = g_strsplit_set(r->text, " ,;", -1);
	char sign = '+';
	unsigned n = 0;

	for (unsigned i = 0; words[i]; i++) {
		const char *word = words[i];

		if (*word == '+' || *word == '-')
			sign = *word++;
		if (!*word)
			continue;
		char *made = item(word);
		if (!made)
			return wrong(r, code, word, NULL);
		g_ptr_array_add(sign == '+' ? r->command->add : r->command->remove, made);
		sign = '+';
		n++;
	}
	return n > 0 || needs(r);
}

static char *make_tag(const char *word)
{
	const char *bare = *word == '#' ? word + 1 : word;

	return is_tag(bare) ? g_utf8_strdown(bare, -1) : NULL;
}

static char *make_address(const char *word)
{
	g_autofree char *folded = lk_address_fold(word);

	return lk_address_is_sane(folded) ? g_steal_pointer(&folded) : NULL;
}

static bool read_tags(reader *r)
{
	return read_list(r, make_tag, LK_PROBLEM_TAG);
}

/* Display names have blanks in them: only the addresses of "Maija <maija@x>" count. */
static bool read_addresses(reader *r)
{
	g_autoptr(GString) bare = g_string_new(NULL);
	g_auto(GStrv) words = g_strsplit_set(r->text, " ,;", -1);

	for (unsigned i = 0; words[i]; i++) {
		const char *word = words[i];
		const char *open = strchr(word, '<');
		char sign = *word == '-' ? '-' : '+';

		if (open) {
			g_string_append_printf(bare, "%c%.*s ", sign, (int)strcspn(open + 1, ">"),
					       open + 1);
		} else if (strchr(word, '@') || !strchr(r->text, '<')) {
			g_string_append_printf(bare, "%s ", word);
		}
	}
	r->text = bare->str;
	return read_list(r, make_address, LK_PROBLEM_ADDRESS);
}

/* "customer@x", "Maija <customer@x>" */
static bool read_address(reader *r)
{
	const char *open = strrchr(r->text, '<');
	g_autofree char *bare =
		open ? g_strndup(open + 1, strcspn(open + 1, ">")) : g_strdup(r->text);
	char *address = make_address(bare);

	if (!*r->text)
		return needs(r);
	if (!address)
		return wrong(r, LK_PROBLEM_ADDRESS, r->text, NULL);
	r->command->text = address;
	return true;
}

static bool is_field_name(const char *name)
{
	if (!*name || strlen(name) > 60)
		return false;
	for (const char *p = name; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		if (!g_unichar_isalnum(c) && c != '_' && c != '-')
			return false;
	}
	return true;
}

/* "device=PC1234", "device: PC1234"; an empty value takes the field away. */
static bool read_field(reader *r)
{
	size_t n = strcspn(r->text, "=:");
	g_autofree char *name = g_strndup(r->text, n);

	g_strstrip(name);
	if (!*r->text || !r->text[n])
		return needs(r);
	if (!is_field_name(name))
		return wrong(r, LK_PROBLEM_FIELD, name, NULL);
	g_autofree char *value = lk_command_plain(r->text + n + 1);
	r->command->name = g_steal_pointer(&name);
	r->command->text = cut_value(value);
	return true;
}

/* The first word of the text and what stands behind it. Caller frees the word. */
static char *take_word(const char **text)
{
	size_t n = strcspn(*text, " ");
	char *word = g_strndup(*text, n);

	*text += n + strspn(*text + n, " ");
	return word;
}

static bool read_day(reader *r, const char *text, lk_day *ret_day)
{
	size_t used = 0;

	if (!lk_day_read(text, r->context->today, ret_day, &used) ||
	    text[used + strspn(text + used, " .")] != '\0')
		return wrong(r, LK_PROBLEM_DATE, text, NULL);
	if (lk_day_compare(*ret_day, r->context->today) < 0)
		return wrong(r, LK_PROBLEM_PAST, text, NULL);
	return true;
}

/* "3d", "8h": open days, or open hours of the queue's calendar. */
static bool read_span(reader *r, const char *text, lk_span *ret_span)
{
	size_t n = strlen(text);
	int64_t seconds = 0;

	if (!lk_parse_duration(text, &seconds, NULL) || seconds <= 0 ||
	    seconds > 366 * INT64_C(86400))
		return wrong(r, LK_PROBLEM_DATE, text, NULL);
	if (text[n - 1] == 'd' || text[n - 1] == 'w')
		/* A week has five open days. */
		ret_span->open_days = text[n - 1] == 'd' ? seconds / 86400 : seconds / 604800 * 5;
	else
		ret_span->seconds = seconds;
	return true;
}

static bool read_wait(reader *r)
{
	const char *rest = r->text;
	g_autofree char *who = take_word(&rest);
	lk_command *c = r->command;

	if (lk_command_is_word(who, LK_WORD_CUSTOMER)) {
		c->wait = LK_WAIT_CUSTOMER;
		return !*rest || read_span(r, rest, &c->span);
	}
	if (lk_command_is_word(who, LK_WORD_SUPPLIER)) {
		c->wait = LK_WAIT_SUPPLIER;
		c->text = *rest ? cut_value(rest) : NULL;
		return true;
	}
	if (lk_command_is_word(who, LK_WORD_UNTIL)) {
		c->wait = LK_WAIT_UNTIL;
		return *rest ? read_day(r, rest, &c->day) : needs(r);
	}
	/* "1.12. asti", and a date alone. */
	c->wait = LK_WAIT_UNTIL;
	g_autofree char *day = g_strdup(r->text);
	char *last = strrchr(day, ' ');
	if (last && lk_command_is_word(last + 1, LK_WORD_UNTIL))
		*last = '\0';
	size_t used = 0;
	lk_day unused = {0};
	if (!lk_day_read(day, r->context->today, &unused, &used))
		return needs(r);
	return read_day(r, day, &c->day);
}

static bool read_resolve(reader *r)
{
	g_auto(GStrv) words = g_strsplit_set(r->text, " ,", -1);

	for (unsigned i = 0; words[i]; i++) {
		if (!*words[i])
			continue;
		if (lk_command_is_word(words[i], LK_WORD_WORKAROUND))
			r->command->is_workaround = true;
		else if (lk_command_is_word(words[i], LK_WORD_SILENT))
			r->command->is_silent = true;
		else if (lk_command_is_word(words[i], LK_WORD_ANYWAY))
			r->command->is_anyway = true;
		else
			return wrong(r, LK_PROBLEM_TOO_MUCH, lk_command_name(r->command->kind),
				     lk_command_form(r->command->kind, LK_LANG_EN));
	}
	return true;
}

static bool parse_reference(const reader *r, const char *text, int64_t *ret_ticket)
{
	g_autofree char *bare = g_strdup(text);

	if (*bare == '[' && g_str_has_suffix(bare, "]")) {
		bare[strlen(bare) - 1] = '\0';
		return lk_reference_parse(r->context->policy, bare + 1, ret_ticket);
	}
	return lk_reference_parse(r->context->policy, bare, ret_ticket);
}

static bool read_reference(reader *r)
{
	if (!*r->text)
		return needs(r);
	if (!parse_reference(r, r->text, &r->command->ticket))
		return wrong(r, LK_PROBLEM_REFERENCE, r->text, r->context->policy->prefix);
	return true;
}

static bool read_reference_or_none(reader *r)
{
	r->command->is_none = lk_command_is_word(r->text, LK_WORD_NONE);
	return r->command->is_none || read_reference(r);
}

static bool read_optional_reference(reader *r)
{
	return !*r->text || read_reference(r);
}

static bool read_survey(reader *r)
{
	const char *rest = r->raw;
	g_autofree char *word = take_word(&rest);

	if (!lk_command_is_word(word, LK_WORD_EXCLUDE) || !*rest)
		return needs(r);
	r->command->text = cut_value(rest);
	return true;
}

/* Where a stretch of days begins: behind the name of an agent, if one stands first. */
static bool find_days(reader *r, const char **ret_start)
{
	size_t used = 0;

	for (const char *p = r->text; *p;) {
		if (lk_day_read(p, r->context->today, &r->command->day, &used)) {
			*ret_start = p + used;
			g_autofree char *name = g_strndup(r->text, (size_t)(p - r->text));
			g_strstrip(name);
			r->command->name = *name ? g_steal_pointer(&name) : NULL;
			return true;
		}
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	return false;
}

/* "#away", "#away none", "#away bo none": ends the absence. */
static bool read_away_end(reader *r)
{
	g_autofree char *text = g_strdup(r->text);
	char *last = strrchr(text, ' ');

	if (!lk_command_is_word(last ? last + 1 : text, LK_WORD_NONE))
		return needs(r);
	r->command->is_none = true;
	if (last) {
		*last = '\0';
		r->command->name = cut_value(text);
	}
	return true;
}

/* "[AGENT] FROM..TO [to AGENT]"; one day alone is a stretch of one. */
static bool read_away(reader *r)
{
	lk_command *c = r->command;
	const char *rest = NULL;
	size_t used = 0;

	if (!find_days(r, &rest))
		return read_away_end(r);
	c->until = c->day;
	rest += strspn(rest, " ");
	bool is_stretch = strncmp(rest, "..", 2) == 0 || *rest == '-';
	if (is_stretch) {
		rest += *rest == '-' ? 1 : 2;
		rest += strspn(rest, ". ");
		if (!lk_day_read(rest, c->day, &c->until, &used))
			return wrong(r, LK_PROBLEM_DATE, rest, NULL);
		rest += used;
		rest += strspn(rest, " ");
	}
	if (lk_day_compare(c->until, c->day) < 0)
		return wrong(r, LK_PROBLEM_ORDER, r->text, NULL);
	if (lk_day_compare(c->until, r->context->today) < 0)
		return wrong(r, LK_PROBLEM_PAST, r->text, NULL);
	if (!*rest)
		return true;
	g_autofree char *to = take_word(&rest);
	if (!lk_command_is_word(to, LK_WORD_TO) || !*rest)
		return needs(r);
	c->deputy = cut_value(rest);
	return true;
}

bool lk_command_argument(const lk_command_context *context, lk_command *command,
			 const char *argument, GPtrArray *problems)
{
	static bool (*const readers[LK_N_COMMANDS])(reader *) = {
		[LK_COMMAND_NOTE] = read_optional_words,
		[LK_COMMAND_TAKE] = read_nothing,
		[LK_COMMAND_ASSIGN] = read_name_or_none,
		[LK_COMMAND_NEXT] = read_count,
		[LK_COMMAND_QUEUE] = read_name,
		[LK_COMMAND_PRIORITY] = read_priority,
		[LK_COMMAND_TYPE] = read_name,
		[LK_COMMAND_TAG] = read_tags,
		[LK_COMMAND_FIELD] = read_field,
		[LK_COMMAND_SUBJECT] = read_words,
		[LK_COMMAND_CC] = read_addresses,
		[LK_COMMAND_ORGANISATION] = read_name_or_none,
		[LK_COMMAND_WAIT] = read_wait,
		[LK_COMMAND_OPEN] = read_nothing,
		[LK_COMMAND_RESOLVE] = read_resolve,
		[LK_COMMAND_REOPEN] = read_nothing,
		[LK_COMMAND_CLOSE] = read_nothing,
		[LK_COMMAND_SPAM] = read_nothing,
		[LK_COMMAND_UNDO] = read_nothing,
		[LK_COMMAND_SEND] = read_nothing,
		[LK_COMMAND_DROP] = read_nothing,
		[LK_COMMAND_SUPPLIER] = read_name,
		[LK_COMMAND_ASK] = read_name,
		[LK_COMMAND_MERGE] = read_reference,
		[LK_COMMAND_SPLIT] = read_message_number,
		[LK_COMMAND_LINK] = read_reference,
		[LK_COMMAND_PARENT] = read_reference_or_none,
		[LK_COMMAND_TEMPLATE] = read_optional,
		[LK_COMMAND_SURVEY] = read_survey,
		[LK_COMMAND_AWAY] = read_away,
		[LK_COMMAND_FOR] = read_address,
		[LK_COMMAND_LIST] = read_optional,
		[LK_COMMAND_HISTORY] = read_optional_reference,
		[LK_COMMAND_SEARCH] = read_words,
		[LK_COMMAND_MORE] = read_nothing,
		[LK_COMMAND_HELP] = read_optional,
	};
	g_autofree char *plain = lk_command_plain(argument);
	reader r = {.context = context,
		    .command = command,
		    .raw = argument,
		    .text = plain,
		    .problems = problems};

	return readers[command->kind](&r);
}
