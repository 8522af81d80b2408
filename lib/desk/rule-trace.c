/* What explain shows of the rules: each test with the value seen and the verdict. */
#include "lib/desk/rule-private.h"

#include "lib/base/text.h"

#include <string.h>

enum { SEEN_BYTES = 120, MOST_SEEN = 5 };

static char *cut(const char *text, size_t most)
{
	g_autofree char *head = lk_text_cut(text, most * 4);
	g_autofree char *squeezed = lk_text_squeeze(head);
	g_autofree char *short_text = lk_text_cut(squeezed, most);

	if (strlen(short_text) == strlen(squeezed) && strlen(head) == strlen(text))
		return g_steal_pointer(&short_text);
	return g_strconcat(short_text, "...", NULL);
}

static char *values_of(const lk_test *test)
{
	GString *values = g_string_new(NULL);

	for (unsigned i = 0; i < test->values->len; i++) {
		const lk_value *value = &g_array_index(test->values, lk_value, i);
		g_string_append_printf(values, "%s%s%s", i ? ", " : "",
				       test->from->negated ? "!" : "", value->written);
	}
	return g_string_free(values, FALSE);
}

/* The place in a long text where a pattern matched, else all texts, cut. */
static char *seen_texts(lk_rule_mail *mail, const lk_test *test)
{
	GArray *texts = NULL;
	GString *all = NULL;

	for (unsigned i = 0; i < test->values->len; i++) {
		lk_value *value = &g_array_index(test->values, lk_value, i);
		lk_seen *seen = NULL;

		if (value->kind == LK_VALUE_PATTERN && value->pattern &&
		    lk_value_match(mail, test, value, &seen) == LK_MATCH_YES &&
		    seen->n > SEEN_BYTES) {
			g_autofree char *match = lk_pattern_group(value->pattern, 0);
			return cut(match ? match : "", SEEN_BYTES);
		}
	}
	texts = lk_rule_texts(mail, test);
	all = g_string_new(NULL);
	for (unsigned i = 0; i < texts->len; i++) {
		g_autofree char *one = cut(g_array_index(texts, lk_seen, i).text, SEEN_BYTES);
		if (i == MOST_SEEN) {
			g_string_append_printf(all, ", and %u more", texts->len - MOST_SEEN);
			break;
		}
		g_string_append_printf(all, "%s%s", i ? ", " : "", one);
	}
	return g_string_free(all, FALSE);
}

static char *seen_of(lk_rule_mail *mail, const lk_test *test)
{
	double score = 0;

	switch (test->fact) {
	case LK_FACT_SIZE:
		return g_strdup_printf("%" G_GUINT64_FORMAT " bytes", mail->facts->size);
	case LK_FACT_SPAM_SCORE:
		return lk_rule_score(mail, &score) ? g_strdup_printf("%.2f", score)
						   : g_strdup("no score");
	case LK_FACT_TIME:
		return lk_time_format(mail->facts->at);
	case LK_FACT_IS_REPLY:
		return g_strdup(mail->facts->is_reply ? "true" : "false");
	default:
		return seen_texts(mail, test);
	}
}

static const char *verdict(lk_match match)
{
	switch (match) {
	case LK_MATCH_YES:
		return "holds";
	case LK_MATCH_NO:
		return "does not hold";
	default:
		return "was given up: matching took too long";
	}
}

/* Leaves one by one, each named by its way down: "any[2].subject", "header X-Spam-Flag". */
static void trace_tests(lk_rule_mail *mail, const lk_test *test, const char *path, lk_json *tests)
{
	for (unsigned i = 0; i < test->children->len; i++) {
		const lk_test *child = g_ptr_array_index(test->children, i);
		bool is_numbered = test->fact != LK_FACT_ALL;
		g_autofree char *name =
			is_numbered ? g_strdup_printf("%s[%u]", path, i + 1)
				    : g_strdup_printf(
					      "%s%s%s%s%s", path, *path ? "." : "",
					      child->from->name, child->from->argument ? " " : "",
					      child->from->argument ? child->from->argument : "");
		g_autofree char *value = NULL;
		g_autofree char *seen = NULL;
		lk_match holds = LK_MATCH_NO;
		lk_json *one = NULL;

		if (child->fact <= LK_FACT_NONE) {
			trace_tests(mail, child, name, tests);
			continue;
		}
		value = values_of(child);
		holds = lk_test_match(mail, child);
		one = lk_json_object();
		lk_json_set_text(one, "test", name);
		lk_json_set_text(one, "value", value);
		if (mail->is_explained) {
			seen = seen_of(mail, child);
			lk_json_set_text(one, "seen", seen);
		}
		if (holds == LK_MATCH_LIMIT)
			lk_json_set_null(one, "holds");
		else
			lk_json_set_bool(one, "holds", holds == LK_MATCH_YES);
		lk_json_push(tests, one);
	}
}

/* The first test that does not hold, in the order in which they are looked at. */
char *lk_trace_because(lk_rule_mail *mail, const lk_compiled_rule *rule)
{
	for (unsigned i = 0; i < rule->match->order->len; i++) {
		const lk_test *test = g_ptr_array_index(rule->match->order, i);
		lk_match holds = lk_test_match(mail, test);
		g_autofree char *value = NULL;

		if (holds == LK_MATCH_YES)
			continue;
		if (test->fact == LK_FACT_ANY)
			return g_strdup(holds == LK_MATCH_NO ? "none of its any holds"
							     : "any was given up");
		if (test->fact == LK_FACT_NONE)
			return g_strdup(holds == LK_MATCH_NO ? "one of its none holds"
							     : "none was given up");
		if (test->fact == LK_FACT_ALL)
			return g_strdup("one of its all does not hold");
		value = values_of(test);
		return g_strdup_printf(
			"%s%s%s = \"%s\" %s", test->from->name, test->from->argument ? " " : "",
			test->from->argument ? test->from->argument : "", value, verdict(holds));
	}
	return g_strdup("its tests do not hold together");
}

void lk_trace_rule(lk_rule_mail *mail, const lk_compiled_rule *rule, bool matched,
		   const char *because, bool with_tests)
{
	bool is_short = !mail->is_explained && !matched;
	lk_json *one = NULL;
	lk_json *tests = NULL;

	if (is_short && mail->n_missed++ >= LK_RULES_KEPT) {
		mail->result->left_out++;
		return;
	}
	one = lk_json_object();
	lk_json_set_text(one, "name", rule->from->name);
	lk_json_set_text(one, "file", rule->from->file);
	lk_json_set_int(one, "line", rule->from->line);
	lk_json_set_bool(one, "matched", matched);
	lk_json_set_text(one, "because", because);
	if (!is_short) {
		tests = lk_json_array();
		if (with_tests)
			trace_tests(mail, rule->match, "", tests);
		lk_json_take(one, "tests", tests);
	}
	lk_json_push(mail->result->explained, one);
}
