#include "lib/desk/fields.h"

#include "lib/base/pattern.h"
#include "lib/base/text.h"
#include "lib/desk/phrase-lists.h"
#include "lib/desk/phrases.h"

#include <string.h>

enum { MOST_LINES = 2000, LONGEST_LABEL = 120, LONGEST_ALONE = 60, MOST_WORDS_ALONE = 4 };

const char *lk_field_source_words(lk_field_source source)
{
	static const char *const words[] = {
		"in the subject", "in the new words", "behind its name, in the new words",
		"as the answer to the question", "as the only words of the answer"};

	g_assert((unsigned)source < G_N_ELEMENTS(words));
	return words[source];
}

void lk_fields_clear(lk_fields *fields)
{
	g_clear_pointer(&fields->found, g_ptr_array_unref);
	g_clear_pointer(&fields->missing, g_ptr_array_unref);
}

static void found_free(void *data)
{
	lk_field_found *found = data;

	g_free(found->value);
	g_free(found);
}

/* --- questions -------------------------------------------------------------------------------- */

/* A question as mails show it: "Room:" for "Room". Caller frees. */
static char *question(const char *ask)
{
	g_autofree char *text = lk_text_squeeze(ask);
	size_t n = strlen(text);

	if (n == 0 || strchr(":?.", text[n - 1]))
		return g_steal_pointer(&text);
	return g_strconcat(text, ":", NULL);
}

lk_json *lk_fields_questions(const lk_policy *policy, const GPtrArray *missing)
{
	lk_json *all = lk_json_array();

	for (unsigned i = 0; i < missing->len; i++) {
		const lk_required *required = g_ptr_array_index(missing, i);
		lk_json *one = lk_json_object();
		lk_json *ask = lk_json_object();

		for (unsigned lang = 0; lang < LK_N_LANGS; lang++) {
			const char *given =
				lk_text_in(&required->ask, (lk_lang)lang, policy->language);
			g_autofree char *text = question(*given ? given : required->field);

			lk_json_set_text(ask, lk_lang_code((lk_lang)lang), text);
		}
		lk_json_set_text(one, "field", required->field);
		lk_json_take(one, "ask", ask);
		lk_json_push(all, one);
	}
	return all;
}

/* The question as the name of what is known: "Device id" for "Device id (e.g. PC12345)?". */
static char *label(const char *ask)
{
	g_autofree char *text = lk_text_squeeze(ask);
	char *bracket = strchr(text, '(');

	if (bracket && bracket > text)
		*bracket = '\0';
	g_strchomp(text);
	for (size_t n = strlen(text); n > 1 && strchr(":?.", text[n - 1]); n--)
		text[n - 1] = '\0';
	return g_strchomp(g_steal_pointer(&text));
}

lk_json *lk_fields_answers(const lk_policy *policy, const GPtrArray *found)
{
	lk_json *all = lk_json_array();

	for (unsigned i = 0; i < found->len; i++) {
		const lk_field_found *one = g_ptr_array_index(found, i);
		lk_json *labels = lk_json_object();
		lk_json *row = lk_json_object();

		for (unsigned lang = 0; lang < LK_N_LANGS; lang++) {
			const char *ask =
				lk_text_in(&one->required->ask, (lk_lang)lang, policy->language);
			g_autofree char *text = label(*ask ? ask : one->required->field);

			lk_json_set_text(labels, lk_lang_code((lk_lang)lang), text);
		}
		lk_json_take(row, "label", labels);
		lk_json_set_text(row, "value", one->value);
		lk_json_push(all, row);
	}
	return all;
}

/* What a question is called when "(e.g. PC12345)" behind it is left out, folded. Caller frees. */
static char *name_of(const char *ask)
{
	g_autofree char *bare = g_strndup(ask, strcspn(ask, "("));
	g_autofree char *folded = lk_words_fold(bare);

	return *folded ? g_steal_pointer(&folded) : lk_words_fold(ask);
}

static bool has_word(const char *words, const char *word)
{
	g_auto(GStrv) all = g_strsplit(words, " ", -1);

	return g_strv_contains((const char *const *)all, word);
}

/* --- values ----------------------------------------------------------------------------------- */

/* One look for all required fields of one mail. */
typedef struct {
	const lk_fields_facts *facts;
	GPtrArray *wanted; /* const lk_required * */
	lk_fields *fields;
	char *words; /* new words without our own questions */
} search;

/* What people write who do not know. */
static bool is_no_answer(const char *value)
{
	static const char *const phrases[] = {
		"en tieda",    "ei tietoa", "ei tiedossa", "en muista", "en osaa sanoa", "ei ole",
		"ei",	       "vet ej",    "vet inte",	   "har ingen", "finns inte",	 "nej",
		"i dont know", "dont know", "do not know", "not sure",	"no idea",	 "none",
		"no",	       "unknown",   "n a",	   "na",	"i do not know", ""};
	g_autofree char *folded = lk_words_fold(value);

	for (unsigned i = 0; i < G_N_ELEMENTS(phrases); i++)
		if (strcmp(folded, phrases[i]) == 0)
			return true;
	return false;
}

static char *tidy(const char *value)
{
	g_autofree char *squeezed = lk_text_squeeze(value);

	return lk_text_cut(squeezed, LK_FIELD_BYTES);
}

/* "huone A12." and "(huone A12)": marks of the sentence around it are not the value's. */
static void trim_marks(char *value)
{
	size_t n = strlen(value);

	while (n > 0 &&
	       (strchr(".,;:!?\"' ", value[n - 1]) || (value[n - 1] == ')' && !strchr(value, '('))))
		value[--n] = '\0';
}

static bool add_value(search *s, const lk_required *required, const char *value,
		      lk_field_source source)
{
	g_autofree char *clean = value ? tidy(value) : NULL;
	lk_field_found *found = NULL;

	if (clean)
		trim_marks(clean);
	if (!clean || !*clean)
		return false;
	found = g_new0(lk_field_found, 1);
	found->required = required;
	found->value = g_steal_pointer(&clean);
	found->source = source;
	g_ptr_array_add(s->fields->found, found);
	return true;
}

static lk_pattern *compile(const lk_required *required)
{
	lk_pattern *pattern = NULL;

	if (!required->pattern ||
	    !lk_pattern_new(required->pattern, LK_PATTERN_ONCE, &pattern, NULL))
		return NULL;
	return pattern;
}

static bool has_group(const lk_pattern *pattern)
{
	return lk_pattern_has_group(pattern, "value") || lk_pattern_groups(pattern) > 0;
}

/* What the pattern catches in the text, or NULL. Caller frees. */
static char *caught(search *s, lk_pattern *pattern, const char *text)
{
	g_autofree char *value = NULL;
	lk_match match = pattern && text && *text ? lk_pattern_match(pattern, text, strlen(text))
						  : LK_MATCH_NO;

	if (match == LK_MATCH_LIMIT)
		s->fields->is_given_up = true;
	if (match != LK_MATCH_YES)
		return NULL;
	value = lk_pattern_group_named(pattern, "value");
	if (!value || !*value) {
		g_free(value);
		value = lk_pattern_group(pattern, 1);
	}
	if (!value || !*value) {
		g_free(value);
		value = lk_pattern_group(pattern, 0);
	}
	return g_steal_pointer(&value);
}

/*
 * The value in an answer to this very question. is_direct: the whole question stands before it,
 * not a word of it only.
 */
static char *answered(search *s, const lk_required *required, const char *label, const char *answer,
		      bool is_direct)
{
	g_autoptr(lk_pattern) pattern = compile(required);
	g_autofree char *value = caught(s, pattern, answer);
	g_autofree char *both = g_strconcat(label, " ", answer, NULL);
	g_autofree char *around = NULL;

	if (value)
		return g_steal_pointer(&value);
	if (pattern && !has_group(pattern))
		return NULL;
	around = caught(s, pattern, both);
	if ((around || is_direct || !pattern) && !is_no_answer(answer))
		return g_strdup(answer);
	return NULL;
}

/* --- labels: "Room: 123" ---------------------------------------------------------------------- */

typedef enum { NO_NAME, PART_OF_NAME, WHOLE_NAME } name_fit;

static name_fit fit_of(const lk_required *required, const char *label)
{
	g_autofree char *field = lk_words_fold(required->field);
	name_fit best = strcmp(field, label) == 0 ? WHOLE_NAME : NO_NAME;

	for (unsigned lang = 0; lang < LK_N_LANGS && best != WHOLE_NAME; lang++) {
		const char *ask = required->ask.in[lang];
		g_autofree char *name = ask ? name_of(ask) : NULL;
		g_autofree char *whole = ask ? lk_words_fold(ask) : NULL;

		if (!ask)
			continue;
		if (strcmp(name, label) == 0 || strcmp(whole, label) == 0)
			best = WHOLE_NAME;
		else if (strlen(label) >= 3 && has_word(name, label))
			best = PART_OF_NAME;
	}
	return best;
}

/* The one field that the label names; a word that two questions have names neither. */
static const lk_required *named(const search *s, const char *label, bool *ret_is_whole)
{
	const lk_required *part = NULL;
	unsigned parts = 0;

	for (unsigned i = 0; i < s->wanted->len; i++) {
		const lk_required *required = g_ptr_array_index(s->wanted, i);
		name_fit fit = fit_of(required, label);

		if (fit == WHOLE_NAME) {
			*ret_is_whole = true;
			return required;
		}
		if (fit == PART_OF_NAME) {
			part = required;
			parts++;
		}
	}
	*ret_is_whole = false;
	return parts == 1 ? part : NULL;
}

/* Where the marks of quoting and of lists end. */
static const char *skip_marks(const char *line, bool *ret_is_quoted)
{
	const char *p = line;

	for (; *p && strchr("> \t", *p); p++)
		*ret_is_quoted |= *p == '>';
	if (strchr("-*", *p) && p[0] && (p[1] == ' ' || p[1] == '\t'))
		p += 2;
	else if (g_str_has_prefix(p, "\xe2\x80\xa2")) /* bullet */
		p += 3;
	return p + strspn(p, " \t");
}

/* The answer that this line of the new words holds, if it is one. */
static void read_label(search *s, const char *line)
{
	bool is_quoted = false;
	bool is_whole = false;
	const char *begin = skip_marks(line, &is_quoted);
	const char *colon = strpbrk(begin, ":=");

	if (!colon || colon == begin || colon - begin > LONGEST_LABEL)
		return;
	g_autofree char *given = g_strndup(begin, (size_t)(colon - begin));
	g_autofree char *label = lk_words_fold(given);
	g_autofree char *answer = tidy(colon + 1);
	const lk_required *required = *label && *answer ? named(s, label, &is_whole) : NULL;
	g_autofree char *value = required ? answered(s, required, given, answer, is_whole) : NULL;

	if (value && add_value(s, required, value, LK_FIELD_LABELLED))
		g_ptr_array_remove(s->wanted, (void *)required);
}

static void read_labels(search *s)
{
	g_auto(GStrv) lines = g_strsplit(s->facts->words ? s->facts->words : "", "\n", MOST_LINES);

	for (char **line = lines; *line && s->wanted->len > 0; line++)
		read_label(s, *line);
}

/* --- below our own questions ------------------------------------------------------------------ */

/* Does the line begin with the question in some language? Where its answer would begin, or NULL. */
static const char *behind_question(const lk_required *required, const char *begin)
{
	for (unsigned lang = 0; lang < LK_N_LANGS; lang++) {
		g_autofree char *asked =
			required->ask.in[lang] ? question(required->ask.in[lang]) : NULL;

		if (asked && *asked && g_str_has_prefix(begin, asked))
			return begin + strlen(asked);
	}
	return NULL;
}

/* What stands in the next line that says something, when that one is not quoted. */
static const char *next_own_line(char *const *lines)
{
	for (; *lines; lines++) {
		bool is_quoted = false;
		const char *begin = skip_marks(*lines, &is_quoted);

		if (is_quoted)
			return NULL;
		if (*begin)
			return begin;
	}
	return NULL;
}

/*
 * Behind the question on its line; or below it, where the question is quoted and the answer not.
 * A client that does not mark what it quotes leaves no way to tell an answer from our next line.
 */
static bool read_below(search *s, const lk_required *required, char *const *lines)
{
	for (; *lines; lines++) {
		bool is_quoted = false;
		const char *begin = skip_marks(*lines, &is_quoted);
		const char *behind = behind_question(required, begin);
		g_autofree char *answer = behind ? tidy(behind) : NULL;

		if (!behind)
			continue;
		if (!*answer && is_quoted) {
			const char *own = next_own_line(lines + 1);
			g_free(answer);
			answer = tidy(own ? own : "");
		}
		g_autofree char *value = *answer ? answered(s, required, "", answer, true) : NULL;
		if (value && add_value(s, required, value, LK_FIELD_BELOW))
			return true;
	}
	return false;
}

static void read_questions(search *s)
{
	g_auto(GStrv) lines = NULL;

	if (!s->facts->text)
		return;
	lines = g_strsplit(s->facts->text, "\n", MOST_LINES);
	for (unsigned i = s->wanted->len; i-- > 0;)
		if (read_below(s, g_ptr_array_index(s->wanted, i), lines))
			g_ptr_array_remove_index(s->wanted, i);
}

/* --- patterns --------------------------------------------------------------------------------- */

static void read_patterns(search *s)
{
	for (unsigned i = 0; i < s->wanted->len;) {
		const lk_required *required = g_ptr_array_index(s->wanted, i);
		g_autoptr(lk_pattern) pattern = compile(required);
		g_autofree char *by_subject = caught(s, pattern, s->facts->subject);
		g_autofree char *by_words = by_subject ? NULL : caught(s, pattern, s->words);

		if (add_value(s, required, by_subject, LK_FIELD_IN_SUBJECT) ||
		    add_value(s, required, by_words, LK_FIELD_IN_WORDS))
			g_ptr_array_remove_index(s->wanted, i);
		else
			i++;
	}
}

/* --- nothing but the value -------------------------------------------------------------------- */

static bool is_closing(const char *line)
{
	g_autofree char *folded = lk_words_fold(line);

	for (unsigned i = 0; lk_closings[i]; i++) {
		size_t n = strcspn(lk_closings[i], "*");

		if (strncmp(folded, lk_closings[i], n) == 0 &&
		    (lk_closings[i][n] == '*' || folded[n] == ' ' || folded[n] == '\0'))
			return true;
	}
	return false;
}

static bool has_digit(const char *text)
{
	return text[strcspn(text, "0123456789")] != '\0';
}

/* The one line that is neither greeting, thanks nor farewell; NULL when there are more. */
static const char *only_line(char *const *lines)
{
	const char *only = NULL;

	for (; *lines; lines++) {
		const char *line = g_strstrip(*lines);
		lk_words words = lk_words_classify(line);
		bool says_nothing = words == LK_WORDS_NONE || words == LK_WORDS_THANKS;

		if (!*line || strcmp(line, "--") == 0)
			continue;
		if (is_closing(line))
			break;
		if (says_nothing && !has_digit(line))
			continue;
		if (only || words == LK_WORDS_CHASE)
			return NULL;
		only = line;
	}
	return only;
}

static unsigned count_words(const char *line)
{
	g_auto(GStrv) words = g_strsplit_set(line, " \t", -1);
	unsigned n = 0;

	for (char **word = words; *word; word++)
		n += **word ? 1 : 0;
	return n;
}

/* A sentence is no value: "it happened again at 12" tells no room. */
static void read_alone(search *s)
{
	const lk_required *required = NULL;
	g_auto(GStrv) lines = NULL;
	const char *only = NULL;

	if (!s->facts->asked || s->facts->asked->len != 1 || s->wanted->len != 1)
		return;
	required = g_ptr_array_index(s->wanted, 0);
	lines = g_strsplit(s->words, "\n", MOST_LINES);
	only = only_line(lines);
	if (!only || strlen(only) > LONGEST_ALONE || !has_digit(only) ||
	    count_words(only) > MOST_WORDS_ALONE)
		return;
	g_autofree char *value = answered(s, required, "", only, true);
	if (add_value(s, required, value, LK_FIELD_ALONE))
		g_ptr_array_remove_index(s->wanted, 0);
}

/* --- all of it -------------------------------------------------------------------------------- */

static bool holds(const lk_required *required, const char *type)
{
	const char *wanted = required->when;

	if (!wanted)
		return true;
	if (g_str_has_prefix(wanted, "type:"))
		wanted += strlen("type:");
	return type && g_ascii_strcasecmp(wanted, type) == 0;
}

static bool is_asked(const GPtrArray *asked, const char *field)
{
	for (unsigned i = 0; asked && i < asked->len; i++)
		if (strcmp(g_ptr_array_index(asked, i), field) == 0)
			return true;
	return !asked;
}

static bool is_listed(const GPtrArray *wanted, const char *field)
{
	for (unsigned i = 0; i < wanted->len; i++) {
		const lk_required *required = g_ptr_array_index(wanted, i);

		if (strcmp(required->field, field) == 0)
			return true;
	}
	return false;
}

static GPtrArray *wanted_of(const lk_fields_facts *facts)
{
	GPtrArray *wanted = g_ptr_array_new();

	for (unsigned i = 0; i < facts->queue->required->len; i++) {
		const lk_required *required = g_ptr_array_index(facts->queue->required, i);
		const char *known =
			facts->known ? lk_json_get_text(facts->known, required->field) : NULL;

		if (holds(required, facts->type) && is_asked(facts->asked, required->field) &&
		    !(known && *known) && !is_listed(wanted, required->field))
			g_ptr_array_add(wanted, (void *)required);
	}
	return wanted;
}

/* The examples in our own questions are no values: "(e.g. PC12345)". Caller frees. */
static char *without_questions(const GPtrArray *wanted, const char *words)
{
	g_autoptr(GString) rest = g_string_new(words ? words : "");

	for (unsigned i = 0; i < wanted->len; i++) {
		const lk_required *required = g_ptr_array_index(wanted, i);

		for (unsigned lang = 0; lang < LK_N_LANGS; lang++)
			if (required->ask.in[lang] && *required->ask.in[lang])
				g_string_replace(rest, required->ask.in[lang], " ", 0);
	}
	return g_string_free(g_steal_pointer(&rest), FALSE);
}

static int by_place(const void *a, const void *b, void *data)
{
	const lk_field_found *const *one = a;
	const lk_field_found *const *other = b;
	const GPtrArray *required = data;
	unsigned first = 0;
	unsigned second = 0;

	g_ptr_array_find((GPtrArray *)required, (*one)->required, &first);
	g_ptr_array_find((GPtrArray *)required, (*other)->required, &second);
	return first < second ? -1 : first > second;
}

void lk_fields_find(const lk_fields_facts *facts, lk_fields *ret_fields)
{
	search s = {.facts = facts, .fields = ret_fields};

	memset(ret_fields, 0, sizeof(*ret_fields));
	ret_fields->found = g_ptr_array_new_with_free_func(found_free);
	s.wanted = wanted_of(facts);
	s.words = without_questions(s.wanted, facts->words);
	if (s.wanted->len > 0) {
		read_labels(&s);
		read_questions(&s);
		read_patterns(&s);
		read_alone(&s);
		g_ptr_array_sort_with_data(ret_fields->found, by_place, facts->queue->required);
	}
	ret_fields->missing = s.wanted;
	g_free(s.words);
}
