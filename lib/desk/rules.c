#include "lib/desk/rules.h"

#include "lib/desk/rule-private.h"

#include <string.h>

/* --- compiling -------------------------------------------------------------------------------- */

static guint header_hash(gconstpointer name)
{
	guint hash = 5381;

	for (const char *p = name; *p; p++)
		hash = hash * 33 + (guint)g_ascii_tolower(*p);
	return hash;
}

static gboolean header_equal(gconstpointer a, gconstpointer b)
{
	return g_ascii_strcasecmp(a, b) == 0;
}

static void compiled_rule_free(void *data)
{
	lk_compiled_rule *rule = data;

	lk_test_free(rule->match);
	g_array_unref(rule->sets);
	g_free(rule);
}

static void rule_list_free(void *data)
{
	lk_rule_list *list = data;

	g_ptr_array_unref(list->rules);
	g_free(list);
}

void lk_rules_free(lk_rules *rules)
{
	if (!rules)
		return;
	g_ptr_array_unref(rules->lists);
	g_hash_table_unref(rules->headers);
	for (unsigned i = 0; i < LK_N_FACTS; i++)
		lk_scan_free(rules->scans[i]);
	g_free(rules);
}

static bool compile_rule(lk_rules *rules, const lk_rule *from, GPtrArray *to, GError **error)
{
	lk_compiled_rule *rule = g_new0(lk_compiled_rule, 1);

	rule->from = from;
	rule->sets = g_array_new(FALSE, FALSE, sizeof(lk_set));
	g_ptr_array_add(to, rule);
	rule->match = lk_test_compile(rules, from->match, error);
	if (!rule->match)
		return false;
	for (unsigned i = 0; i < from->set->len; i++) {
		lk_set set;
		if (!lk_set_compile(rules->policy, g_ptr_array_index(from->set, i), &set, error))
			return false;
		g_array_append_val(rule->sets, set);
	}
	rules->has_reply |= from->on_reply;
	return true;
}

static bool compile_list(lk_rules *rules, const lk_queue *queue, const GPtrArray *from,
			 GError **error)
{
	lk_rule_list *list = g_new0(lk_rule_list, 1);

	list->queue = queue;
	list->rules = g_ptr_array_new_with_free_func(compiled_rule_free);
	g_ptr_array_add(rules->lists, list);
	for (unsigned i = 0; i < from->len; i++)
		if (!compile_rule(rules, g_ptr_array_index(from, i), list->rules, error))
			return false;
	return true;
}

bool lk_rules_compile(const lk_policy *policy, lk_rules **ret_rules, GError **error)
{
	static const lk_fact scanned[] = {LK_FACT_SUBJECT, LK_FACT_BODY, LK_FACT_TEXT};
	g_autoptr(lk_rules) rules = g_new0(lk_rules, 1);

	rules->policy = policy;
	rules->lists = g_ptr_array_new_with_free_func(rule_list_free);
	rules->headers = g_hash_table_new(header_hash, header_equal);
	for (unsigned i = 0; i < G_N_ELEMENTS(scanned); i++)
		rules->scans[scanned[i]] = lk_scan_new();
	if (!compile_list(rules, NULL, policy->rules, error))
		return false;
	for (unsigned i = 0; i < policy->queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(policy->queues, i);
		if (!compile_list(rules, queue, queue->rules, error))
			return false;
	}
	for (unsigned i = 0; i < G_N_ELEMENTS(scanned); i++)
		lk_scan_build(rules->scans[scanned[i]]);
	*ret_rules = g_steal_pointer(&rules);
	return true;
}

bool lk_rules_have_reply(const lk_rules *rules)
{
	return rules->has_reply;
}

/* --- the result ------------------------------------------------------------------------------- */

static void field_free(void *data)
{
	lk_rule_field *field = data;

	g_free(field->name);
	g_free(field->value);
	g_free(field);
}

static void hit_free(void *data)
{
	lk_rule_hit *hit = data;

	g_free(hit->did);
	g_free(hit);
}

void lk_rule_result_init(lk_rule_result *result)
{
	memset(result, 0, sizeof(*result));
	result->tags = g_ptr_array_new_with_free_func(g_free);
	result->fields = g_ptr_array_new_with_free_func(field_free);
	result->cc = g_ptr_array_new();
	result->forward = g_ptr_array_new();
	result->hits = g_ptr_array_new_with_free_func(hit_free);
	result->limits = g_ptr_array_new_with_free_func(g_free);
}

void lk_rule_result_clear(lk_rule_result *result)
{
	g_clear_pointer(&result->tags, g_ptr_array_unref);
	g_clear_pointer(&result->fields, g_ptr_array_unref);
	g_clear_pointer(&result->title, g_free);
	g_clear_pointer(&result->cc, g_ptr_array_unref);
	g_clear_pointer(&result->forward, g_ptr_array_unref);
	g_clear_pointer(&result->hits, g_ptr_array_unref);
	g_clear_pointer(&result->limits, g_ptr_array_unref);
	g_clear_pointer(&result->explained, lk_json_unref);
}

const lk_rule *lk_rule_result_setter(const lk_rule_result *result, const char *name)
{
	for (unsigned i = result->hits->len; i-- > 0;) {
		const lk_rule_hit *hit = g_ptr_array_index(result->hits, i);

		for (unsigned j = 0; j < hit->rule->set->len; j++) {
			const lk_rule_set *set = g_ptr_array_index(hit->rule->set, j);
			if (strcmp(set->name, name) == 0)
				return hit->rule;
		}
	}
	return NULL;
}

const char *lk_rule_result_field(const lk_rule_result *result, const char *name)
{
	for (unsigned i = 0; i < result->fields->len; i++) {
		const lk_rule_field *field = g_ptr_array_index(result->fields, i);
		if (strcmp(field->name, name) == 0)
			return field->value;
	}
	return NULL;
}

/* --- running ---------------------------------------------------------------------------------- */

/* The test below which matching was given up. */
static const lk_test *limited_test(lk_rule_mail *mail, const lk_test *test)
{
	for (unsigned i = 0; i < test->children->len; i++) {
		const lk_test *child = g_ptr_array_index(test->children, i);
		if (lk_test_match(mail, child) == LK_MATCH_LIMIT)
			return limited_test(mail, child);
	}
	return test;
}

static void tell_limit(lk_rule_mail *mail, const lk_compiled_rule *rule)
{
	lk_rule_limit *limit = g_new0(lk_rule_limit, 1);

	limit->rule = rule->from;
	limit->test = limited_test(mail, rule->match)->from;
	g_ptr_array_add(mail->result->limits, limit);
}

/* False: the rule ends the list. */
static bool run_rule(lk_rule_mail *mail, const lk_compiled_rule *rule)
{
	lk_match holds = LK_MATCH_NO;

	if (mail->facts->is_reply && !rule->from->on_reply) {
		if (mail->result->explained)
			lk_trace_rule(mail, rule, false,
				      "it is for new tickets, and this mail joins one", false);
		return true;
	}
	holds = lk_test_match(mail, rule->match);
	if (holds == LK_MATCH_LIMIT)
		tell_limit(mail, rule);
	if (mail->result->explained) {
		g_autofree char *because =
			holds == LK_MATCH_YES ? NULL : lk_trace_because(mail, rule);
		lk_trace_rule(mail, rule, holds == LK_MATCH_YES,
			      because ? because : "all its tests hold", true);
	}
	if (holds != LK_MATCH_YES)
		return true;
	lk_rule_apply(mail, rule);
	return !rule->from->stop;
}

/* False: a rule ended it all. */
static bool run_list(lk_rule_mail *mail, const lk_rule_list *list)
{
	bool goes_on = true;

	for (unsigned i = 0; i < list->rules->len; i++) {
		const lk_compiled_rule *rule = g_ptr_array_index(list->rules, i);

		if (goes_on)
			goes_on = run_rule(mail, rule);
		else if (mail->result->explained)
			lk_trace_rule(mail, rule, false, "a rule above it stopped", false);
		else
			break;
	}
	return goes_on;
}

static const lk_rule_list *list_of(const lk_rules *rules, const lk_queue *queue)
{
	for (unsigned i = 1; i < rules->lists->len; i++) {
		const lk_rule_list *list = g_ptr_array_index(rules->lists, i);
		if (list->queue == queue)
			return list;
	}
	return NULL;
}

void lk_rules_run(const lk_rules *rules, const lk_rule_facts *facts, bool is_explained,
		  lk_rule_result *ret_result)
{
	lk_rule_mail mail;
	g_autoptr(GPtrArray) done = g_ptr_array_new();
	bool goes_on = true;

	lk_rule_result_init(ret_result);
	if (is_explained || facts->is_kept)
		ret_result->explained = lk_json_array();
	lk_rule_mail_init(&mail, rules, facts, is_explained, ret_result);
	goes_on = run_list(&mail, g_ptr_array_index(rules->lists, 0));
	while (goes_on) {
		const lk_queue *queue = lk_rule_queue(&mail);
		const lk_rule_list *list = list_of(rules, queue);

		if (!list || g_ptr_array_find(done, queue, NULL))
			break;
		g_ptr_array_add(done, (void *)queue);
		goes_on = run_list(&mail, list);
	}
	lk_rule_mail_clear(&mail);
}
