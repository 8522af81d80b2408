/* Rules that can never match: tests that exclude each other, and rules above that stop. */
#include "lib/conf/check.h"

#include "lib/base/calendar.h"
#include "lib/base/clock.h"
#include "lib/base/pattern.h"
#include "lib/base/units.h"

#include <string.h>

/* Glob, pattern or one exact text; exact: the only text that it holds for. */
static bool is_exact(const char *value)
{
	return *value != '/' && !strpbrk(value, "*?");
}

static bool all_exact(const lk_conf_test *test)
{
	for (unsigned i = 0; i < test->values->len; i++)
		if (!is_exact(g_ptr_array_index(test->values, i)))
			return false;
	return test->values->len > 0 && !test->negated;
}

static bool value_holds(const char *value, const char *text)
{
	size_t n = 0;
	size_t unused = 0;
	g_autofree char *folded = lk_fold(text, strlen(text), &n);

	if (*value == '/') {
		g_autoptr(lk_pattern) pattern = NULL;

		return !lk_pattern_new_slashed(value, LK_PATTERN_ONCE, &pattern, NULL) ||
		       lk_pattern_match(pattern, text, strlen(text)) != LK_MATCH_NO;
	}
	g_autofree char *glob = lk_fold(value, strlen(value), &unused);
	return lk_glob_match(glob, folded, n);
}

/* Does any value of the test hold for the text? */
static bool test_holds(const lk_conf_test *test, const char *text)
{
	for (unsigned i = 0; i < test->values->len; i++)
		if (value_holds(g_ptr_array_index(test->values, i), text))
			return true;
	return false;
}

/* --- tests that exclude each other -------------------------------------------------------------
 */

static bool has_name(const lk_conf_test *test, const char *name)
{
	return strcmp(test->name, name) == 0;
}

/* ">10M" as a number with its sign. */
typedef struct {
	bool is_greater;
	bool or_equal;
	double number;
} bound;

static bool read_bound(const char *text, bound *ret_bound)
{
	int64_t size = 0;

	ret_bound->is_greater = *text == '>';
	if (*text != '<' && *text != '>')
		return false;
	text++;
	ret_bound->or_equal = *text == '=';
	text += ret_bound->or_equal;
	if (lk_parse_size(text, &size, NULL)) {
		ret_bound->number = (double)size;
		return true;
	}
	return lk_parse_decimal(text, &ret_bound->number, NULL);
}

static bool bounds_meet(const bound *a, const bound *b)
{
	const bound *above = a->is_greater ? a : b;
	const bound *below = a->is_greater ? b : a;

	if (a->is_greater == b->is_greater || above->number < below->number)
		return true;
	return above->or_equal && below->or_equal && above->number <= below->number;
}

static bool numbers_exclude(const lk_conf_test *a, const lk_conf_test *b)
{
	for (unsigned i = 0; i < a->values->len; i++)
		for (unsigned j = 0; j < b->values->len; j++) {
			bound left = {0};
			bound right = {0};

			if (!read_bound(g_ptr_array_index(a->values, i), &left) ||
			    !read_bound(g_ptr_array_index(b->values, j), &right) ||
			    bounds_meet(&left, &right))
				return false;
		}
	return a->values->len > 0 && b->values->len > 0;
}

static bool has_value(const lk_conf_test *test, const char *value)
{
	for (unsigned i = 0; i < test->values->len; i++)
		if (g_ascii_strcasecmp(g_ptr_array_index(test->values, i), value) == 0)
			return true;
	return false;
}

/* Every value of a is one of b's. */
static bool is_within(const lk_conf_test *a, const lk_conf_test *b)
{
	for (unsigned i = 0; i < a->values->len; i++)
		if (!has_value(b, g_ptr_array_index(a->values, i)))
			return false;
	return true;
}

/* Exact texts of a thing that has one: none of them suits the other test. */
static bool texts_exclude(const lk_conf_test *a, const lk_conf_test *b)
{
	if (!all_exact(a) || b->negated)
		return false;
	for (unsigned i = 0; i < a->values->len; i++)
		if (test_holds(b, g_ptr_array_index(a->values, i)))
			return false;
	return true;
}

static bool domain_excludes(const lk_conf_test *from, const lk_conf_test *domain)
{
	if (!all_exact(from))
		return false;
	for (unsigned i = 0; i < from->values->len; i++) {
		const char *at = strrchr(g_ptr_array_index(from->values, i), '@');

		if (!at || test_holds(domain, at + 1))
			return false;
	}
	return true;
}

/* With many rules compiling patterns here would take longer than all the rest. */
static bool has_pattern(const lk_conf_test *test)
{
	for (unsigned i = 0; i < test->values->len; i++)
		if (*(char *)g_ptr_array_index(test->values, i) == '/')
			return true;
	return false;
}

/* Exact addresses, all of them of these domains. */
static bool domain_is_within(const lk_conf_test *from, const lk_conf_test *domain)
{
	if (!all_exact(from))
		return false;
	for (unsigned i = 0; i < from->values->len; i++) {
		const char *at = strrchr(g_ptr_array_index(from->values, i), '@');

		if (!at || has_pattern(domain) || !test_holds(domain, at + 1))
			return false;
	}
	return true;
}

/* agent = false: by nobody whom a name or true could mean. */
static bool is_denied(const lk_conf_test *test)
{
	return test->values->len == 1 && has_value(test, "false");
}

static bool exclude(const lk_conf_test *a, const lk_conf_test *b)
{
	static const char *const single[] = {"queue",	   "mailbox", "kind",	  "priority",
					     "type",	   "auth",    "person",	  "organisation",
					     "importance", "from",    "language", "from_domain",
					     "subject",	   NULL};

	if (has_name(a, "from") && has_name(b, "from_domain"))
		return domain_excludes(a, b);
	if (!has_name(a, b->name))
		return false;
	if (has_name(a, "size") || has_name(a, "spam_score"))
		return numbers_exclude(a, b);
	if (has_name(a, "time"))
		return !a->negated && b->negated && b->values->len == 1 && is_within(a, b);
	if (has_name(a, "agent") || has_name(a, "supplier"))
		return is_denied(a) && !has_value(b, "false");
	if (has_name(a, "is_reply"))
		return !is_within(a, b) && a->values->len == 1 && b->values->len == 1;
	return g_strv_contains(single, a->name) && texts_exclude(a, b);
}

static char *test_text(const lk_conf_test *test)
{
	GString *text = g_string_new(test->name);

	g_string_append(text, " = ");
	for (unsigned i = 0; i < test->values->len; i++)
		g_string_append_printf(text, "%s\"%s%s\"", i ? ", " : "", test->negated ? "!" : "",
				       (char *)g_ptr_array_index(test->values, i));
	return g_string_free(text, FALSE);
}

/* Tests that must all hold, junctions included. */
static void collect_leaves(const lk_conf_test *all, GPtrArray *leaves)
{
	for (unsigned i = 0; i < all->children->len; i++) {
		lk_conf_test *test = g_ptr_array_index(all->children, i);

		if (has_name(test, "all"))
			collect_leaves(test, leaves);
		else
			g_ptr_array_add(leaves, test);
	}
}

static bool is_implied(const lk_conf_test *test, const GPtrArray *given);

/* Whatever holds for all of `given` holds for these. */
static bool are_implied(const GPtrArray *tests, const GPtrArray *given)
{
	for (unsigned i = 0; i < tests->len; i++)
		if (!is_implied(g_ptr_array_index(tests, i), given))
			return false;
	return true;
}

static bool branch_is_implied(const lk_conf_test *all, const GPtrArray *given)
{
	g_autoptr(GPtrArray) leaves = g_ptr_array_new();

	collect_leaves(all, leaves);
	return are_implied(leaves, given);
}

static bool is_same_tree(const lk_conf_test *a, const lk_conf_test *b)
{
	if (!has_name(a, b->name) || g_strcmp0(a->argument, b->argument) != 0 ||
	    a->negated != b->negated || a->children->len != b->children->len || !is_within(a, b) ||
	    !is_within(b, a))
		return false;
	for (unsigned i = 0; i < a->children->len; i++)
		if (!is_same_tree(g_ptr_array_index(a->children, i),
				  g_ptr_array_index(b->children, i)))
			return false;
	return true;
}

/* Does `given` hold only where `test` does too? */
static bool leaf_implies(const lk_conf_test *given, const lk_conf_test *test)
{
	if (given->values->len + given->children->len > 0 && is_same_tree(given, test))
		return true;
	if (has_name(given, "from") && has_name(test, "from_domain"))
		return domain_is_within(given, test);
	if (!has_name(given, test->name) || given->values->len == 0 || given->negated ||
	    test->negated || g_strcmp0(given->argument, test->argument) != 0)
		return false;
	if (is_within(given, test))
		return true;
	if (!all_exact(given) || has_name(test, "size") || has_name(test, "spam_score") ||
	    has_name(test, "time"))
		return false;
	if (has_pattern(test))
		return false;
	for (unsigned i = 0; i < given->values->len; i++)
		if (!test_holds(test, g_ptr_array_index(given->values, i)))
			return false;
	return true;
}

static bool is_implied(const lk_conf_test *test, const GPtrArray *given)
{
	for (unsigned i = 0; i < given->len; i++)
		if (leaf_implies(g_ptr_array_index(given, i), test))
			return true;
	for (unsigned i = 0; has_name(test, "any") && i < test->children->len; i++)
		if (branch_is_implied(g_ptr_array_index(test->children, i), given))
			return true;
	return false;
}

/* Why tests that must all hold cannot; NULL: they can. Caller frees. */
static char *why_never(const GPtrArray *leaves, int depth)
{
	for (unsigned i = 0; i < leaves->len; i++) {
		const lk_conf_test *a = g_ptr_array_index(leaves, i);

		for (unsigned j = 0; j < leaves->len; j++) {
			const lk_conf_test *b = g_ptr_array_index(leaves, j);

			if (i == j || !exclude(a, b))
				continue;
			g_autofree char *left = test_text(a);
			g_autofree char *right = test_text(b);
			return g_strdup_printf("%s and %s exclude each other", left, right);
		}
		for (unsigned j = 0; has_name(a, "none") && j < a->children->len; j++)
			if (branch_is_implied(g_ptr_array_index(a->children, j), leaves))
				return g_strdup_printf("none (line %d) forbids what the other "
						       "tests ask for",
						       a->at.line);
	}
	/* Each way through an any, together with the rest. */
	for (unsigned i = 0; depth < 2 && i < leaves->len; i++) {
		const lk_conf_test *any = g_ptr_array_index(leaves, i);
		unsigned dead = 0;

		for (unsigned j = 0; has_name(any, "any") && j < any->children->len; j++) {
			g_autoptr(GPtrArray) both =
				g_ptr_array_copy((GPtrArray *)leaves, NULL, NULL);
			g_ptr_array_remove(both, (void *)any);
			collect_leaves(g_ptr_array_index(any->children, j), both);
			g_autofree char *why = why_never(both, depth + 1);
			dead += why != NULL;
		}
		if (dead > 0 && dead == any->children->len)
			return g_strdup_printf("each part of any (line %d) excludes another test",
					       any->at.line);
	}
	return NULL;
}

static void check_reply(const lk_findings *findings, const lk_conf_rule *rule, const char *label,
			const GPtrArray *leaves)
{
	for (unsigned i = 0; i < leaves->len; i++) {
		const lk_conf_test *test = g_ptr_array_index(leaves, i);

		if (rule->on == LK_CONF_ON_NEW && has_name(test, "is_reply") &&
		    has_value(test, "true") && !has_value(test, "false"))
			lk_find_warning(findings, test->at,
					"%s can never match: is_reply needs on = \"reply\"", label);
	}
}

/* Is the calendar open (or closed) in no second of the years to come? */
static bool is_empty_time(const lk_conf *conf, const char *name, bool negated)
{
	static const int64_t years = INT64_C(3) * 366 * 86400;
	lk_time now = lk_now();

	for (unsigned i = 0; i < conf->calendars->len; i++) {
		const lk_conf_calendar *text = g_ptr_array_index(conf->calendars, i);
		g_autoptr(lk_calendar) calendar = NULL;
		int64_t open = 0;

		if (g_strcmp0(text->name, name) != 0 || !text->hours ||
		    !lk_calendar_new(conf->site.timezone, text->hours, text->holidays,
				     text->short_days, &calendar, NULL))
			continue;
		open = lk_calendar_seconds_between(calendar, now, now + years * LK_SECOND);
		return negated ? open == years : open == 0;
	}
	return false;
}

static void check_times(const lk_findings *findings, const lk_conf *conf, const char *label,
			const GPtrArray *leaves)
{
	for (unsigned i = 0; i < leaves->len; i++) {
		const lk_conf_test *test = g_ptr_array_index(leaves, i);

		if (!has_name(test, "time") || test->values->len != 1)
			continue;
		const char *name = g_ptr_array_index(test->values, 0);
		if (is_empty_time(conf, name, test->negated))
			lk_find_warning(findings, test->at,
					"%s can never match: calendar \"%s\" is %s open", label,
					name, test->negated ? "always" : "never");
	}
}

static void check_tests(const lk_findings *findings, const lk_conf *conf, const lk_conf_rule *rule,
			const char *label)
{
	g_autoptr(GPtrArray) leaves = g_ptr_array_new();
	g_autofree char *why = NULL;

	collect_leaves(rule->match, leaves);
	why = why_never(leaves, 0);
	if (why)
		lk_find_warning(findings, rule->at, "%s can never match: %s", label, why);
	check_reply(findings, rule, label, leaves);
	check_times(findings, conf, label, leaves);
}

/* --- rules above that stop ---------------------------------------------------------------------
 */

static bool sets(const lk_conf_rule *rule, const char *name)
{
	for (unsigned i = 0; i < rule->set->len; i++) {
		const lk_conf_set *set = g_ptr_array_index(rule->set, i);

		if (strcmp(set->name, name) == 0)
			return true;
	}
	return false;
}

/* Do tests below this one look at something that rules may have changed in between? */
static bool looks_at(const lk_conf_test *test, const char *name)
{
	if (has_name(test, name))
		return true;
	for (unsigned i = 0; i < test->children->len; i++)
		if (looks_at(g_ptr_array_index(test->children, i), name))
			return true;
	return false;
}

/* Is what the stopping rule saw still so at the later one? */
static bool is_steady(const GPtrArray *rules, unsigned from, unsigned to, const lk_conf_rule *rule)
{
	static const char *const moving[] = {"queue", "type", "priority", "language"};

	for (unsigned i = from; i < to; i++)
		for (unsigned j = 0; j < G_N_ELEMENTS(moving); j++)
			if (looks_at(rule->match, moving[j]) &&
			    (sets(g_ptr_array_index(rules, i), moving[j]) ||
			     sets(g_ptr_array_index(rules, i), "queue")))
				return false;
	return true;
}

static void check_above(const lk_findings *findings, const GPtrArray *rules,
			const GPtrArray *leaves, unsigned at, const char *label)
{
	const lk_conf_rule *rule = g_ptr_array_index(rules, at);
	const GPtrArray *given = g_ptr_array_index(leaves, at);

	for (unsigned i = 0; i < at; i++) {
		const lk_conf_rule *above = g_ptr_array_index(rules, i);

		if (!above->stop || (rule->on == LK_CONF_ON_REPLY && above->on == LK_CONF_ON_NEW) ||
		    !are_implied(g_ptr_array_index(leaves, i), given) ||
		    !is_steady(rules, i, at, above))
			continue;
		if (above->match->children->len == 0)
			lk_find_warning(findings, rule->at,
					"%s is never reached: a rule above it always holds and "
					"stops (%s, line %d)",
					label, above->name ? above->name : "", above->at.line);
		else
			lk_find_warning(findings, rule->at,
					"%s can never match: whatever it matches, rule \"%s\" "
					"(%s:%d) matches before it and stops",
					label, above->name ? above->name : "", above->at.file,
					above->at.line);
		return;
	}
}

static void check_list(const lk_findings *findings, const lk_conf *conf, const GPtrArray *rules,
		       unsigned from)
{
	g_autoptr(GPtrArray) leaves =
		g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

	for (unsigned i = 0; i < rules->len; i++) {
		const lk_conf_rule *rule = g_ptr_array_index(rules, i);
		GPtrArray *mine = g_ptr_array_new();

		collect_leaves(rule->match, mine);
		g_ptr_array_add(leaves, mine);
	}
	for (unsigned i = from; i < rules->len; i++) {
		const lk_conf_rule *rule = g_ptr_array_index(rules, i);
		g_autofree char *label = g_strdup_printf("rules[%s]", rule->name ? rule->name : "");

		check_tests(findings, conf, rule, label);
		check_above(findings, rules, leaves, i, label);
	}
}

void lk_check_matches(const lk_findings *findings, const lk_conf *conf)
{
	check_list(findings, conf, conf->rules, 0);
	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);
		g_autoptr(GPtrArray) both = g_ptr_array_copy(conf->rules, NULL, NULL);

		g_ptr_array_set_free_func(both, NULL); /* the copy owns no rule */
		g_ptr_array_extend(both, queue->rules, NULL, NULL);
		check_list(findings, conf, both, conf->rules->len);
	}
}
