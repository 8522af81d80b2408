/* Tests made ready to be run. */
#include "lib/desk/rule-private.h"

#include "lib/base/err.h"
#include "lib/base/units.h"
#include "lib/desk/hours.h"

#include <string.h>

static const char *const fact_names[LK_N_FACTS] = {
	[LK_FACT_ALL] = "all",
	[LK_FACT_ANY] = "any",
	[LK_FACT_NONE] = "none",
	[LK_FACT_PERSON] = "person",
	[LK_FACT_FROM] = "from",
	[LK_FACT_FROM_DOMAIN] = "from_domain",
	[LK_FACT_ORGANISATION] = "organisation",
	[LK_FACT_TO] = "to",
	[LK_FACT_CC] = "cc",
	[LK_FACT_RECIPIENT] = "recipient",
	[LK_FACT_MAILBOX] = "mailbox",
	[LK_FACT_QUEUE] = "queue",
	[LK_FACT_SUBJECT] = "subject",
	[LK_FACT_BODY] = "body",
	[LK_FACT_TEXT] = "text",
	[LK_FACT_HEADER] = "header",
	[LK_FACT_ATTACHMENT] = "attachment",
	[LK_FACT_ATTACHMENT_TYPE] = "attachment_type",
	[LK_FACT_SIZE] = "size",
	[LK_FACT_LANGUAGE] = "language",
	[LK_FACT_KIND] = "kind",
	[LK_FACT_TYPE] = "type",
	[LK_FACT_PRIORITY] = "priority",
	[LK_FACT_IMPORTANCE] = "importance",
	[LK_FACT_AUTH] = "auth",
	[LK_FACT_SPAM_SCORE] = "spam_score",
	[LK_FACT_TIME] = "time",
	[LK_FACT_IS_REPLY] = "is_reply",
	[LK_FACT_AGENT] = "agent",
	[LK_FACT_SUPPLIER] = "supplier",
};

static void value_clear(void *data)
{
	lk_value *value = data;

	g_free(value->folded);
	g_clear_pointer(&value->pattern, lk_pattern_free);
	g_clear_pointer(&value->needles, g_array_unref);
}

void lk_test_free(lk_test *test)
{
	if (!test)
		return;
	g_array_unref(test->values);
	g_ptr_array_unref(test->children);
	g_ptr_array_unref(test->order);
	g_free(test);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_test, lk_test_free)

static bool refuse(GError **error, const lk_rule_test *from, const char *value, const char *why)
{
	g_set_error(error, LK_ERROR, LK_ERR_CONFIG, "%s:%d: %s = \"%s\": %s", from->file,
		    from->line, from->name, value, why);
	return false;
}

/* ">10M", "<=2.5" */
static bool read_number(const lk_test *test, lk_value *value, GError **error)
{
	const char *p = value->written;
	const char *end = NULL;
	int64_t size = 0;

	value->kind = LK_VALUE_NUMBER;
	value->is_greater = *p == '>';
	if (*p != '<' && *p != '>')
		return refuse(error, test->from, value->written, "begin with > or <");
	p++;
	value->or_equal = *p == '=';
	p += value->or_equal;
	if (test->fact == LK_FACT_SIZE) {
		if (!lk_parse_size(p, &size, error))
			return false;
		value->number = (double)size;
		return true;
	}
	return (lk_parse_decimal(p, &value->number, &end) && *end == '\0') ||
	       refuse(error, test->from, value->written, "this is no number");
}

static bool find_calendar(const lk_rules *rules, const lk_test *test, lk_value *value,
			  GError **error)
{
	value->kind = LK_VALUE_CALENDAR;
	value->calendar = lk_hours_named(rules->policy, value->written);
	return value->calendar ||
	       refuse(error, test->from, value->written, "there is no such calendar");
}

/* Has the fact texts long enough to look for the parts of many values at once? */
static void set_needles(lk_rules *rules, const lk_test *test, lk_value *value)
{
	g_autoptr(GPtrArray) texts = NULL;

	if (!rules->scans[test->fact])
		return;
	if (value->kind == LK_VALUE_PATTERN)
		texts = lk_literals_of_pattern(value->written);
	else
		texts = lk_literals_of_glob(value->folded);
	if (!texts)
		return;
	value->needles = g_array_new(FALSE, FALSE, sizeof(unsigned));
	for (unsigned i = 0; i < texts->len; i++) {
		unsigned needle =
			lk_scan_add(rules->scans[test->fact], g_ptr_array_index(texts, i));
		g_array_append_val(value->needles, needle);
	}
}

static bool may_be_yes_no(lk_fact fact)
{
	return fact == LK_FACT_IS_REPLY || fact == LK_FACT_AGENT || fact == LK_FACT_SUPPLIER;
}

static bool compile_value(lk_rules *rules, const lk_test *test, lk_value *value, GError **error)
{
	const char *written = value->written;

	if (test->fact == LK_FACT_SIZE || test->fact == LK_FACT_SPAM_SCORE)
		return read_number(test, value, error);
	if (test->fact == LK_FACT_TIME)
		return find_calendar(rules, test, value, error);
	value->yes = strcmp(written, "true") == 0;
	if (may_be_yes_no(test->fact) && (value->yes || strcmp(written, "false") == 0)) {
		value->kind = LK_VALUE_YES_NO;
		return true;
	}
	if (*written == '/') {
		value->kind = LK_VALUE_PATTERN;
		if (!lk_pattern_new_slashed(written, 0, &value->pattern, error)) {
			g_prefix_error(error, "%s:%d: %s: ", test->from->file, test->from->line,
				       test->from->name);
			return false;
		}
	} else {
		value->kind = strpbrk(written, "*?") ? LK_VALUE_GLOB : LK_VALUE_EXACT;
		value->folded = lk_fold(written, strlen(written), &value->n);
	}
	set_needles(rules, test, value);
	return true;
}

static unsigned header_slot(lk_rules *rules, const char *name)
{
	unsigned slot = GPOINTER_TO_UINT(g_hash_table_lookup(rules->headers, name));

	if (slot == 0) {
		slot = ++rules->n_headers;
		g_hash_table_insert(rules->headers, (void *)name, GUINT_TO_POINTER(slot));
	}
	return slot - 1;
}

/* Tests that look at body or text go last: the others may settle it without them. */
static void put_in_order(lk_test *test)
{
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < test->children->len; i++) {
			lk_test *child = g_ptr_array_index(test->children, i);
			if (child->reads_text == (pass == 1))
				g_ptr_array_add(test->order, child);
			test->reads_text |= child->reads_text;
		}
}

static bool find_fact(const lk_rule_test *from, lk_fact *ret_fact, GError **error)
{
	for (unsigned i = 0; i < LK_N_FACTS; i++)
		if (strcmp(fact_names[i], from->name) == 0) {
			*ret_fact = (lk_fact)i;
			return true;
		}
	g_set_error(error, LK_ERROR, LK_ERR_CONFIG, "%s:%d: there is no test \"%s\"", from->file,
		    from->line, from->name);
	return false;
}

lk_test *lk_test_compile(lk_rules *rules, const lk_rule_test *from, GError **error)
{
	g_autoptr(lk_test) test = g_new0(lk_test, 1);

	test->from = from;
	test->values = g_array_new(FALSE, FALSE, sizeof(lk_value));
	g_array_set_clear_func(test->values, value_clear);
	test->children = g_ptr_array_new_with_free_func((GDestroyNotify)lk_test_free);
	test->order = g_ptr_array_new();
	if (!find_fact(from, &test->fact, error))
		return NULL;
	test->reads_text = test->fact == LK_FACT_BODY || test->fact == LK_FACT_TEXT;
	if (test->fact == LK_FACT_HEADER)
		test->slot = header_slot(rules, from->argument);
	for (unsigned i = 0; i < from->values->len; i++) {
		lk_value value = {.written = g_ptr_array_index(from->values, i)};
		bool done = compile_value(rules, test, &value, error);
		g_array_append_val(test->values, value);
		if (!done)
			return NULL;
	}
	for (unsigned i = 0; i < from->children->len; i++) {
		lk_test *child =
			lk_test_compile(rules, g_ptr_array_index(from->children, i), error);
		if (!child)
			return NULL;
		g_ptr_array_add(test->children, child);
	}
	put_in_order(test);
	return g_steal_pointer(&test);
}
