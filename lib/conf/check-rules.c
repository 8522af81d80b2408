#include "lib/conf/check.h"

#include "lib/conf/form.h"

#include <string.h>

/* A name, and no glob or pattern of names. */
static bool is_exact(const char *value)
{
	return *value != '/' && !strpbrk(value, "*?[");
}

/* Types of all queues; NULL where one of them takes any. */
static GPtrArray *known_types(const lk_conf *conf)
{
	g_autoptr(GPtrArray) types = g_ptr_array_new();

	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		if (queue->types->len == 0)
			return NULL;
		for (unsigned j = 0; j < queue->types->len; j++)
			g_ptr_array_add(types, g_ptr_array_index(queue->types, j));
	}
	return g_steal_pointer(&types);
}

static void check_type(const lk_findings *findings, const lk_conf *conf, lk_conf_origin at,
		       const char *what, const char *type)
{
	g_autoptr(GPtrArray) types = known_types(conf);
	g_autofree char *near = NULL;

	if (!types || g_ptr_array_find_with_equal_func(types, type, g_str_equal, NULL))
		return;
	near = lk_did_you_mean(type, (const char *const *)types->pdata, types->len);
	lk_find_error(findings, at, "%s: no queue has the type \"%s\"%s", what, type, near);
}

/* What a named thing must be one of; NULL for names that refer to nothing. */
static const GPtrArray *objects_of(const lk_conf *conf, const char *name, const char **ret_kind)
{
	const struct {
		const char *name;
		const char *kind;
		const GPtrArray *objects;
	} lists[] = {{"queue", "queue", conf->queues},
		     {"mailbox", "mailbox", conf->mailboxes},
		     {"organisation", "organisation", conf->organisations},
		     {"supplier", "supplier", conf->suppliers},
		     {"sla", "service level", conf->slas},
		     {"time", "calendar", conf->calendars}};

	for (unsigned i = 0; i < G_N_ELEMENTS(lists); i++) {
		if (strcmp(lists[i].name, name) == 0) {
			*ret_kind = lists[i].kind;
			return lists[i].objects;
		}
	}
	return NULL;
}

static void check_named(const lk_findings *findings, const lk_conf *conf, lk_conf_origin at,
			const char *what, const char *name, const char *value)
{
	const char *kind = NULL;
	const GPtrArray *objects = objects_of(conf, name, &kind);

	if (objects)
		lk_check_reference(findings, at, what, kind, objects, value);
	else if (strcmp(name, "type") == 0)
		check_type(findings, conf, at, what, value);
	else if (strcmp(name, "owner") == 0)
		lk_check_agent(findings, at, what, conf, value);
}

static void check_test(const lk_findings *findings, const lk_conf *conf, const char *rule,
		       const lk_conf_test *test)
{
	g_autofree char *what = g_strdup_printf("rules[%s].match.%s", rule, test->name);

	for (unsigned i = 0; i < test->values->len; i++) {
		const char *value = g_ptr_array_index(test->values, i);

		if (is_exact(value) && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
			check_named(findings, conf, test->at, what, test->name, value);
	}
	for (unsigned i = 0; i < test->children->len; i++)
		check_test(findings, conf, rule, g_ptr_array_index(test->children, i));
}

static void check_sets(const lk_findings *findings, const lk_conf *conf, const char *label,
		       const GPtrArray *sets)
{
	for (unsigned i = 0; i < sets->len; i++) {
		const lk_conf_set *set = g_ptr_array_index(sets, i);
		g_autofree char *what = g_strdup_printf("%s.%s", label, set->name);

		for (unsigned j = 0; j < set->values->len; j++)
			check_named(findings, conf, set->at, what, set->name,
				    g_ptr_array_index(set->values, j));
	}
}

static const lk_conf_set *find_set(const GPtrArray *sets, const char *name)
{
	for (unsigned i = 0; i < sets->len; i++) {
		const lk_conf_set *set = g_ptr_array_index(sets, i);

		if (strcmp(set->name, name) == 0)
			return set;
	}
	return NULL;
}

/* A type that the queue set by the same rule does not have. */
static void check_type_of_queue(const lk_findings *findings, const lk_conf *conf,
				const lk_conf_rule *rule, const char *label)
{
	const lk_conf_set *queue_set = find_set(rule->set, "queue");
	const lk_conf_set *type_set = find_set(rule->set, "type");
	const lk_conf_queue *queue = NULL;

	if (!queue_set || !type_set || queue_set->values->len != 1 || type_set->values->len != 1)
		return;
	queue = lk_conf_find_queue(conf, g_ptr_array_index(queue_set->values, 0));
	if (queue && queue->types->len > 0 &&
	    !g_ptr_array_find_with_equal_func(queue->types, g_ptr_array_index(type_set->values, 0),
					      g_str_equal, NULL))
		lk_find_warning(findings, type_set->at, "%s: queue \"%s\" has no type \"%s\"",
				label, queue->name, (char *)g_ptr_array_index(type_set->values, 0));
}

static void collect_leaves(const lk_conf_test *all, GPtrArray *leaves)
{
	for (unsigned i = 0; i < all->children->len; i++) {
		lk_conf_test *test = g_ptr_array_index(all->children, i);

		if (strcmp(test->name, "all") == 0)
			collect_leaves(test, leaves);
		else
			g_ptr_array_add(leaves, test);
	}
}

/* The one exact value that this test wants, or NULL. */
static const char *only_value(const lk_conf_test *test)
{
	const char *value = NULL;

	if (test->values->len == 1 && !test->negated)
		value = g_ptr_array_index(test->values, 0);
	return value && is_exact(value) ? value : NULL;
}

/* Tests that must all hold and want different values of a thing that has one. */
static void check_contradiction(const lk_findings *findings, const char *label,
				const lk_conf_test *all)
{
	static const char *const single[] = {"queue", "mailbox",    "kind",	"priority",
					     "type",  "importance", "language", NULL};
	g_autoptr(GPtrArray) leaves = g_ptr_array_new();

	collect_leaves(all, leaves);
	for (unsigned i = 0; i < leaves->len; i++) {
		const lk_conf_test *a = g_ptr_array_index(leaves, i);
		const char *mine = only_value(a);

		for (unsigned j = 0; mine && g_strv_contains(single, a->name) && j < i; j++) {
			const lk_conf_test *b = g_ptr_array_index(leaves, j);
			const char *other = only_value(b);

			if (other && strcmp(a->name, b->name) == 0 &&
			    g_ascii_strcasecmp(mine, other) != 0)
				lk_find_warning(findings, a->at,
						"%s can never match: %s cannot be both \"%s\" and "
						"\"%s\"",
						label, a->name, other, mine);
		}
	}
}

static void check_rule(const lk_findings *findings, const lk_conf *conf, const lk_conf_rule *rule,
		       const char *label)
{
	const char *name = rule->name ? rule->name : "";
	g_autofree char *set_label = g_strconcat(label, ".set", NULL);

	check_test(findings, conf, name, rule->match);
	check_contradiction(findings, label, rule->match);
	check_sets(findings, conf, set_label, rule->set);
	check_type_of_queue(findings, conf, rule, label);
	if (!g_hash_table_contains(conf->given, &rule->set) && !rule->stop)
		lk_find_warning(findings, rule->at, "%s sets nothing and stops nothing", label);
	if (find_set(rule->set, "drop") && rule->set->len > 1)
		lk_find_warning(findings, rule->at,
				"%s drops the mail: what else it sets has no effect", label);
}

static void check_list(const lk_findings *findings, const lk_conf *conf, const GPtrArray *rules)
{
	bool new_stopped = false;
	bool replies_stopped = false;

	for (unsigned i = 0; i < rules->len; i++) {
		const lk_conf_rule *rule = g_ptr_array_index(rules, i);
		g_autofree char *label = g_strdup_printf("rules[%s]", rule->name ? rule->name : "");

		check_rule(findings, conf, rule, label);
		if (new_stopped && (rule->on == LK_CONF_ON_NEW || replies_stopped))
			lk_find_warning(findings, rule->at,
					"%s is never reached: a rule above it always holds and "
					"stops",
					label);
		if (!rule->stop || rule->match->children->len > 0)
			continue;
		new_stopped = true;
		replies_stopped = replies_stopped || rule->on == LK_CONF_ON_REPLY;
	}
}

void lk_check_rules(const lk_findings *findings, const lk_conf *conf)
{
	check_list(findings, conf, conf->rules);
	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		check_list(findings, conf, queue->rules);
	}
	for (unsigned i = 0; i < conf->tests->len; i++) {
		const lk_conf_example *example = g_ptr_array_index(conf->tests, i);

		check_sets(findings, conf, "tests[].expect", example->expect);
	}
}
