#include "lib/conf/check.h"

#include "lib/base/pattern.h"
#include "lib/base/units.h"
#include "lib/conf/form.h"

#include <string.h>

/* A name, and no glob or pattern of names. */
static bool is_exact(const char *value)
{
	return *value != '/' && !strpbrk(value, "*?");
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

/* Persons are imported with organisations that stand nowhere here; what is nearly one that does is
 * a slip. */
static void check_organisation(const lk_findings *findings, const lk_conf *conf,
			       const lk_conf_test *test, const char *what, const char *value)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *near = NULL;

	for (unsigned i = 0; i < conf->organisations->len; i++) {
		const lk_conf_organisation *one = g_ptr_array_index(conf->organisations, i);

		/* A rule looks at names in any case. */
		if (!one->name || g_ascii_strcasecmp(one->name, value) == 0)
			return;
		g_ptr_array_add(names, one->name);
	}
	near = lk_did_you_mean(value, (const char *const *)names->pdata, names->len);
	if (*near)
		lk_find_error(findings, test->at, "%s: there is no organisation \"%s\"%s", what,
			      value, near);
	else
		lk_find_warning(findings, test->at,
				"%s: there is no organisation \"%s\" here: it holds for persons "
				"imported with it alone",
				what, value);
}

/* "aino" where a whole address is looked at, "@example.fi" where a domain is. */
static void check_form(const lk_findings *findings, const lk_conf_test *test, const char *what,
		       const char *value)
{
	static const char *const addresses[] = {"from", "to", "cc", "recipient", NULL};

	if (g_strv_contains(addresses, test->name) && !strchr(value, '@'))
		lk_find_warning(findings, test->at,
				"%s: \"%s\" holds for no address; write \"%s@*\" or \"*@%s\"", what,
				value, value, value);
	else if (strcmp(test->name, "from_domain") == 0 && strchr(value, '@'))
		lk_find_warning(findings, test->at, "%s: \"%s\" holds for no domain; write \"%s\"",
				what, value, strrchr(value, '@') + 1);
}

static void check_test(const lk_findings *findings, const lk_conf *conf, const char *rule,
		       const lk_conf_test *test)
{
	g_autofree char *what = g_strdup_printf("rules[%s].match.%s", rule, test->name);

	for (unsigned i = 0; i < test->values->len; i++) {
		const char *value = g_ptr_array_index(test->values, i);

		if (!is_exact(value) || strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
			continue;
		check_form(findings, test, what, value);
		if (strcmp(test->name, "organisation") == 0)
			check_organisation(findings, conf, test, what, value);
		else
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

/* Mail to ourselves comes back, and no person reads it. */
static void check_own(const lk_findings *findings, const lk_conf *conf, const lk_conf_set *set,
		      const char *what, const char *value)
{
	const char *at = strrchr(value, '@');
	const char *detail = *conf->site.subaddress ? strstr(value, conf->site.subaddress) : NULL;
	size_t n = detail && at && detail < at ? (size_t)(detail - value) : 0;
	g_autofree char *head = g_strndup(value, n);
	g_autofree char *plain = n > 0 ? g_strconcat(head, at, NULL) : g_strdup(value);

	if (g_ascii_strcasecmp(plain, conf->smtp.envelope_from) == 0)
		lk_find_error(
			findings, set->at,
			"%s: %s is the address that our own mail comes from, which nobody reads",
			what, value);
	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		for (unsigned j = 0; j < queue->addresses->len; j++)
			if (g_ascii_strcasecmp(plain, g_ptr_array_index(queue->addresses, j)) == 0)
				lk_find_error(findings, set->at,
					      "%s: %s is an address of queue \"%s\"; to move the "
					      "ticket there write queue = \"%s\"",
					      what, value, queue->name, queue->name);
	}
}

static void check_owns(const lk_findings *findings, const lk_conf *conf, const lk_conf_rule *rule,
		       const char *label)
{
	for (unsigned i = 0; i < rule->set->len; i++) {
		const lk_conf_set *set = g_ptr_array_index(rule->set, i);
		g_autofree char *what = g_strdup_printf("%s.set.%s", label, set->name);

		if (strcmp(set->name, "forward") != 0 && strcmp(set->name, "cc") != 0)
			continue;
		for (unsigned j = 0; j < set->values->len; j++)
			check_own(findings, conf, set, what, g_ptr_array_index(set->values, j));
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

/* "$1", "${name}": is there a pattern in the rule that could have caught it? */
static bool is_caught(const lk_conf_test *test, const char *name, int64_t number)
{
	for (unsigned i = 0; strcmp(test->name, "none") != 0 && i < test->values->len; i++) {
		const char *value = g_ptr_array_index(test->values, i);
		g_autoptr(lk_pattern) pattern = NULL;

		if (*value != '/' ||
		    !lk_pattern_new_slashed(value, LK_PATTERN_ONCE, &pattern, NULL))
			continue;
		if (number >= 0 ? number <= lk_pattern_groups(pattern)
				: lk_pattern_has_group(pattern, name))
			return true;
	}
	for (unsigned i = 0; strcmp(test->name, "none") != 0 && i < test->children->len; i++)
		if (is_caught(g_ptr_array_index(test->children, i), name, number))
			return true;
	return false;
}

static void check_capture(const lk_findings *findings, const lk_conf_rule *rule,
			  const lk_conf_set *set, const char *label, const char *name)
{
	int64_t number = -1;

	if (lk_parse_int(name, 0, 99, &number, NULL)) {
		if (!is_caught(rule->match, NULL, number))
			lk_find_error(findings, set->at,
				      "%s.set.%s: $%s: no pattern of the rule has so many groups",
				      label, set->name, name);
	} else if (!is_caught(rule->match, name, -1)) {
		lk_find_error(findings, set->at,
			      "%s.set.%s: ${%s}: no pattern of the rule has a group of this name "
			      "((?<%s>...))",
			      label, set->name, name, name);
	}
}

static void check_captures(const lk_findings *findings, const lk_conf_rule *rule,
			   const lk_conf_set *set, const char *label, const char *value)
{
	for (const char *p = strchr(value, '$'); p; p = strchr(p, '$')) {
		const char *close = p[1] == '{' ? strchr(p, '}') : NULL;
		g_autofree char *name = NULL;

		if (close && close > p + 2)
			name = g_strndup(p + 2, (size_t)(close - p - 2));
		else if (g_ascii_isdigit(p[1]))
			name = g_strndup(p + 1, 1);
		if (name)
			check_capture(findings, rule, set, label, name);
		p += p[1] == '$' ? 2 : 1;
	}
}

/* A field that nobody asks for may be right; one that is nearly a known one is not. */
static void check_field(const lk_findings *findings, const lk_conf *conf, lk_conf_origin at,
			const char *label, const char *field, bool must_exist)
{
	g_autoptr(GPtrArray) known = g_ptr_array_new();
	g_autofree char *near = NULL;

	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		for (unsigned j = 0; j < queue->required->len; j++) {
			const lk_conf_required *required = g_ptr_array_index(queue->required, j);
			if (required->field)
				g_ptr_array_add(known, required->field);
		}
	}
	if (g_ptr_array_find_with_equal_func(known, field, g_str_equal, NULL))
		return;
	near = lk_did_you_mean(field, (const char *const *)known->pdata, known->len);
	if (must_exist)
		lk_find_error(findings, at, "%s: no queue asks for the field \"%s\"%s", label,
			      field, near);
	else if (*near)
		lk_find_warning(findings, at, "%s: no queue asks for the field \"%s\"%s", label,
				field, near);
}

static void check_captured_sets(const lk_findings *findings, const lk_conf *conf,
				const lk_conf_rule *rule, const char *label)
{
	for (unsigned i = 0; i < rule->set->len; i++) {
		const lk_conf_set *set = g_ptr_array_index(rule->set, i);
		bool is_field = strcmp(set->name, "fields") == 0;

		if (!is_field && strcmp(set->name, "subject") != 0 &&
		    strcmp(set->name, "tags") != 0)
			continue;
		if (is_field && set->argument) {
			g_autofree char *what = g_strconcat(label, ".set.fields", NULL);
			check_field(findings, conf, set->at, what, set->argument, false);
		}
		for (unsigned j = 0; j < set->values->len; j++)
			check_captures(findings, rule, set, label,
				       g_ptr_array_index(set->values, j));
	}
}

static bool is_in_team(const lk_conf_queue *queue, const lk_conf_agent *agent)
{
	const GPtrArray *lists[] = {queue->agents, queue->managers};

	for (unsigned l = 0; l < G_N_ELEMENTS(lists); l++)
		for (unsigned i = 0; i < lists[l]->len; i++) {
			const char *address = g_ptr_array_index(lists[l], i);

			if (g_strcmp0(agent->address, address) == 0 ||
			    g_ptr_array_find_with_equal_func(agent->aliases, address, g_str_equal,
							     NULL))
				return true;
		}
	return false;
}

/* The rule's own queue, else any: an owner who cannot see the ticket is none. */
static void check_owner(const lk_findings *findings, const lk_conf *conf, const lk_conf_rule *rule,
			const char *label)
{
	const lk_conf_set *owner = find_set(rule->set, "owner");
	const lk_conf_set *queue_set = find_set(rule->set, "queue");
	const lk_conf_agent *agent = NULL;
	const char *name = NULL;

	if (!owner || owner->values->len != 1)
		return;
	agent = lk_conf_find_agent(conf, g_ptr_array_index(owner->values, 0));
	if (queue_set && queue_set->values->len == 1)
		name = g_ptr_array_index(queue_set->values, 0);
	for (unsigned i = 0; agent && i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		if ((!name || g_strcmp0(queue->name, name) == 0) && is_in_team(queue, agent))
			return;
	}
	if (agent)
		lk_find_warning(findings, owner->at, "%s.set.owner: %s is no agent of %s%s", label,
				agent->address, name ? "queue " : "any queue", name ? name : "");
}

static void check_rule(const lk_findings *findings, const lk_conf *conf, const lk_conf_rule *rule,
		       const char *label)
{
	const char *name = rule->name ? rule->name : "";
	g_autofree char *set_label = g_strconcat(label, ".set", NULL);

	check_test(findings, conf, name, rule->match);
	check_sets(findings, conf, set_label, rule->set);
	check_type_of_queue(findings, conf, rule, label);
	check_captured_sets(findings, conf, rule, label);
	check_owner(findings, conf, rule, label);
	check_owns(findings, conf, rule, label);
	if (!g_hash_table_contains(conf->given, &rule->set) && !rule->stop)
		lk_find_warning(findings, rule->at, "%s sets nothing and stops nothing", label);
	if (find_set(rule->set, "drop") && rule->set->len > 1)
		lk_find_warning(findings, rule->at,
				"%s drops the mail: what else it sets has no effect", label);
}

static void check_list(const lk_findings *findings, const lk_conf *conf, const GPtrArray *rules)
{
	for (unsigned i = 0; i < rules->len; i++) {
		const lk_conf_rule *rule = g_ptr_array_index(rules, i);
		g_autofree char *label = g_strdup_printf("rules[%s]", rule->name ? rule->name : "");

		check_rule(findings, conf, rule, label);
	}
}

/* One whose name is wrong there may be the one that is missed here. */
static bool teams_are_known(const lk_conf *conf)
{
	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		for (unsigned j = 0; j < queue->agents->len; j++)
			if (!lk_conf_find_agent(conf, g_ptr_array_index(queue->agents, j)))
				return false;
	}
	return true;
}

/* Who gets no ticket. */
static void check_idle_agents(const lk_findings *findings, const lk_conf *conf)
{
	if (!teams_are_known(conf))
		return;
	for (unsigned i = 0; i < conf->agents->len; i++) {
		const lk_conf_agent *agent = g_ptr_array_index(conf->agents, i);
		bool has_work = !agent->address ||
				g_ptr_array_find_with_equal_func(conf->site.incident_managers,
								 agent->address, g_str_equal, NULL);

		for (unsigned j = 0; !has_work && j < conf->queues->len; j++)
			has_work = is_in_team(g_ptr_array_index(conf->queues, j), agent);
		if (!has_work)
			lk_find_warning(findings, agent->at,
					"agents: %s is in the agents or managers of no queue",
					agent->address);
	}
}

/* Fields that an example expects to be missing are asked for by somebody. */
static void check_expected(const lk_findings *findings, const lk_conf *conf,
			   const lk_conf_example *example)
{
	const lk_conf_set *missing = find_set(example->expect, "missing_fields");

	check_sets(findings, conf, "tests[].expect", example->expect);
	for (unsigned i = 0; missing && i < missing->values->len; i++)
		check_field(findings, conf, missing->at, "tests[].expect.missing_fields",
			    g_ptr_array_index(missing->values, i), true);
}

void lk_check_rules(const lk_findings *findings, const lk_conf *conf)
{
	check_list(findings, conf, conf->rules);
	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		check_list(findings, conf, queue->rules);
	}
	for (unsigned i = 0; i < conf->tests->len; i++)
		check_expected(findings, conf, g_ptr_array_index(conf->tests, i));
	check_idle_agents(findings, conf);
	lk_check_matches(findings, conf);
}
