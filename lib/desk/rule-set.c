/* What rules set: made ready, and carried out. */
#include "lib/desk/rule-private.h"

#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/base/units.h"

#include <string.h>

enum { TAG_BYTES = 64, FIELD_BYTES = 1000, TITLE_BYTES = 250, MOST_TAGS = 50 };

static const char *const set_names[LK_N_SETS] = {
	[LK_SET_QUEUE] = "queue",
	[LK_SET_OWNER] = "owner",
	[LK_SET_SKILL] = "skill",
	[LK_SET_TYPE] = "type",
	[LK_SET_PRIORITY] = "priority",
	[LK_SET_STATUS] = "status",
	[LK_SET_TAGS] = "tags",
	[LK_SET_FIELDS] = "fields",
	[LK_SET_SUBJECT] = "subject",
	[LK_SET_LANGUAGE] = "language",
	[LK_SET_ACKNOWLEDGE] = "acknowledge",
	[LK_SET_NOTIFY] = "notify",
	[LK_SET_CC] = "cc",
	[LK_SET_FORWARD] = "forward",
	[LK_SET_SUPPLIER] = "supplier",
	[LK_SET_TEMPLATE] = "template",
	[LK_SET_SLA] = "sla",
	[LK_SET_OPEN] = "open",
	[LK_SET_DROP] = "drop",
};

static const char *value_of(const lk_set *set)
{
	return g_ptr_array_index(set->from->values, 0);
}

static bool refuse(GError **error, const lk_rule_set *from, const char *why)
{
	g_set_error(error, LK_ERROR, LK_ERR_CONFIG, "%s:%d: set.%s = \"%s\": %s", from->file,
		    from->line, from->name,
		    from->values->len ? (char *)g_ptr_array_index(from->values, 0) : "", why);
	return false;
}

static bool compile_notify(lk_set *set, GError **error)
{
	static const char *const names[] = {"agents", "managers", "none"};

	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcmp(value_of(set), names[i]) == 0) {
			set->notify = (lk_notify)i;
			return true;
		}
	return refuse(error, set->from, "write \"agents\", \"managers\" or \"none\"");
}

bool lk_set_compile(const lk_policy *policy, const lk_rule_set *from, lk_set *ret_set,
		    GError **error)
{
	lk_set set = {.from = from, .kind = LK_N_SETS};

	for (unsigned i = 0; i < LK_N_SETS; i++)
		if (strcmp(set_names[i], from->name) == 0)
			set.kind = (lk_set_kind)i;
	if (set.kind == LK_N_SETS || from->values->len == 0)
		return refuse(error, from, "a rule cannot set this");
	set.yes = strcmp(value_of(&set), "true") == 0;
	if (set.kind == LK_SET_QUEUE && !(set.queue = lk_policy_queue(policy, value_of(&set))))
		return refuse(error, from, "there is no such queue");
	if (set.kind == LK_SET_SUPPLIER &&
	    !(set.supplier = lk_policy_supplier(policy, value_of(&set))))
		return refuse(error, from, "there is no such supplier");
	if (set.kind == LK_SET_NOTIFY && !compile_notify(&set, error))
		return false;
	*ret_set = set;
	return true;
}

bool lk_set_has_captures(const lk_set *set)
{
	if (set->kind != LK_SET_TAGS && set->kind != LK_SET_FIELDS && set->kind != LK_SET_SUBJECT)
		return false;
	for (unsigned i = 0; i < set->from->values->len; i++)
		if (strchr(g_ptr_array_index(set->from->values, i), '$'))
			return true;
	return false;
}

/* --- captures --------------------------------------------------------------------------------- */

/*
 * What the group caught: of the first pattern of the rule, as they stand in the file, that holds
 * and whose group took part. Matched again: few rules that match want it. Caller frees.
 */
static char *capture(lk_rule_mail *mail, const lk_test *test, const char *name, unsigned number)
{
	char *text = NULL;

	if (test->fact == LK_FACT_NONE)
		return NULL;
	for (unsigned i = 0; i < test->values->len && !text; i++) {
		lk_value *value = &g_array_index(test->values, lk_value, i);
		lk_seen *seen = NULL;

		if (value->kind != LK_VALUE_PATTERN ||
		    lk_value_match(mail, test, value, &seen) != LK_MATCH_YES)
			continue;
		text = name ? lk_pattern_group_named(value->pattern, name)
			    : lk_pattern_group(value->pattern, number);
	}
	for (unsigned i = 0; i < test->children->len && !text; i++)
		text = capture(mail, g_ptr_array_index(test->children, i), name, number);
	return text;
}

/* Reads one reference behind a $; gives what is behind it. */
static const char *expand_one(lk_rule_mail *mail, const lk_compiled_rule *rule, const char *p,
			      GString *out)
{
	g_autofree char *text = NULL;
	const char *close = *p == '{' ? strchr(p, '}') : NULL;
	int64_t number = 0;

	if (*p == '$') {
		g_string_append_c(out, '$');
		return p + 1;
	}
	if (close && close > p + 1) {
		g_autofree char *name = g_strndup(p + 1, (size_t)(close - p - 1));
		if (lk_parse_int(name, 0, 99, &number, NULL))
			text = capture(mail, rule->match, NULL, (unsigned)number);
		else
			text = capture(mail, rule->match, name, 0);
		p = close + 1;
	} else if (g_ascii_isdigit(*p)) {
		text = capture(mail, rule->match, NULL, (unsigned)(*p - '0'));
		p++;
	} else {
		g_string_append_c(out, '$');
		return p;
	}
	g_string_append(out, text ? text : "");
	return p;
}

/* With captures put in, on one line, cut. Caller frees. */
static char *expand(lk_rule_mail *mail, const lk_compiled_rule *rule, const char *written,
		    size_t most)
{
	g_autoptr(GString) out = g_string_new(NULL);

	for (const char *p = written; *p;) {
		size_t n = strcspn(p, "$");
		g_string_append_len(out, p, (gssize)n);
		p += n;
		if (*p == '$')
			p = expand_one(mail, rule, p + 1, out);
	}
	g_autofree char *squeezed = lk_text_squeeze(out->str);
	return lk_text_cut(squeezed, most);
}

/* --- carrying out ----------------------------------------------------------------------------- */

static void add_once(GPtrArray *texts, const char *text)
{
	for (unsigned i = 0; i < texts->len; i++)
		if (strcmp(g_ptr_array_index(texts, i), text) == 0)
			return;
	g_ptr_array_add(texts, (void *)text);
}

static void add_tags(lk_rule_mail *mail, const lk_compiled_rule *rule, const lk_set *set)
{
	GPtrArray *tags = mail->result->tags;

	for (unsigned i = 0; i < set->from->values->len && tags->len < MOST_TAGS; i++) {
		g_autofree char *tag =
			expand(mail, rule, g_ptr_array_index(set->from->values, i), TAG_BYTES);
		if (*tag && !g_ptr_array_find_with_equal_func(tags, tag, g_str_equal, NULL))
			g_ptr_array_add(tags, g_steal_pointer(&tag));
	}
}

static void set_field(lk_rule_mail *mail, const lk_compiled_rule *rule, const lk_set *set)
{
	const char *name = set->from->argument;
	g_autofree char *value = expand(mail, rule, value_of(set), FIELD_BYTES);
	lk_rule_field *field = NULL;

	if (!name || !*value)
		return;
	for (unsigned i = 0; i < mail->result->fields->len && !field; i++) {
		lk_rule_field *known = g_ptr_array_index(mail->result->fields, i);
		if (strcmp(known->name, name) == 0)
			field = known;
	}
	if (!field) {
		field = g_new0(lk_rule_field, 1);
		field->name = g_strdup(name);
		g_ptr_array_add(mail->result->fields, field);
	}
	g_free(field->value);
	field->value = g_steal_pointer(&value);
}

static void set_title(lk_rule_mail *mail, const lk_compiled_rule *rule, const lk_set *set)
{
	g_autofree char *title = expand(mail, rule, value_of(set), TITLE_BYTES);

	if (!*title)
		return;
	g_free(mail->result->title);
	mail->result->title = g_steal_pointer(&title);
}

static void apply_mail_set(lk_rule_mail *mail, const lk_compiled_rule *rule, const lk_set *set)
{
	lk_rule_result *result = mail->result;

	switch (set->kind) {
	case LK_SET_ACKNOWLEDGE:
		result->has_acknowledge = true;
		result->acknowledge = set->yes;
		result->acknowledge_rule = rule->from;
		return;
	case LK_SET_NOTIFY:
		result->has_notify = true;
		result->notify = set->notify;
		return;
	case LK_SET_CC:
	case LK_SET_FORWARD:
		for (unsigned i = 0; i < set->from->values->len; i++)
			add_once(set->kind == LK_SET_CC ? result->cc : result->forward,
				 g_ptr_array_index(set->from->values, i));
		return;
	case LK_SET_SUPPLIER:
		result->supplier = set->supplier;
		return;
	case LK_SET_TEMPLATE:
		result->template_name = value_of(set);
		return;
	case LK_SET_OPEN:
		result->open_rule = set->yes ? rule->from : NULL;
		return;
	case LK_SET_DROP:
		result->drop_rule = rule->from;
		result->drop = value_of(set);
		return;
	default:
		g_assert_not_reached();
	}
}

static void apply_set(lk_rule_mail *mail, const lk_compiled_rule *rule, const lk_set *set)
{
	lk_rule_result *result = mail->result;

	switch (set->kind) {
	case LK_SET_QUEUE:
		result->queue = set->queue;
		result->queue_rule = rule->from;
		return;
	case LK_SET_OWNER:
		result->owner = value_of(set);
		return;
	case LK_SET_SKILL:
		result->skill = value_of(set);
		return;
	case LK_SET_TYPE:
		result->type = value_of(set);
		return;
	case LK_SET_PRIORITY:
		result->priority = value_of(set);
		return;
	case LK_SET_STATUS:
		result->status = value_of(set);
		return;
	case LK_SET_TAGS:
		add_tags(mail, rule, set);
		return;
	case LK_SET_FIELDS:
		set_field(mail, rule, set);
		return;
	case LK_SET_SUBJECT:
		set_title(mail, rule, set);
		return;
	case LK_SET_LANGUAGE:
		result->language = value_of(set);
		return;
	case LK_SET_SLA:
		result->sla = value_of(set);
		return;
	default:
		apply_mail_set(mail, rule, set);
		return;
	}
}

/* "queue hr, tags a b" as the file says it. */
static char *words_of(const lk_compiled_rule *rule)
{
	GString *words = g_string_new(NULL);

	for (unsigned i = 0; i < rule->sets->len; i++) {
		const lk_set *set = &g_array_index(rule->sets, lk_set, i);

		g_string_append_printf(words, "%s%s", i ? ", " : "", set->from->name);
		if (set->from->argument)
			g_string_append_printf(words, " %s =", set->from->argument);
		for (unsigned j = 0; j < set->from->values->len; j++)
			g_string_append_printf(words, " %s",
					       (char *)g_ptr_array_index(set->from->values, j));
	}
	if (rule->sets->len == 0)
		g_string_append(words, "nothing");
	return g_string_free(words, FALSE);
}

void lk_rule_apply(lk_rule_mail *mail, const lk_compiled_rule *rule)
{
	lk_rule_hit *hit = g_new0(lk_rule_hit, 1);

	for (unsigned i = 0; i < rule->sets->len; i++)
		apply_set(mail, rule, &g_array_index(rule->sets, lk_set, i));
	hit->rule = rule->from;
	hit->did = words_of(rule);
	g_ptr_array_add(mail->result->hits, hit);
}
