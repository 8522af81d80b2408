/* The policy's structs made and freed. */
#include "lib/desk/policy.h"

#include "lib/desk/rules.h"

static GPtrArray *strings_new(void)
{
	return g_ptr_array_new_with_free_func(g_free);
}

static void text_clear(lk_text *text)
{
	for (unsigned i = 0; i < LK_N_LANGS; i++)
		g_free(text->in[i]);
}

static void required_free(void *data)
{
	lk_required *required = data;

	g_free(required->field);
	g_free(required->pattern);
	text_clear(&required->ask);
	g_free(required->when);
	g_free(required);
}

static void rule_test_free(void *data)
{
	lk_rule_test *test = data;

	g_ptr_array_unref(test->values);
	g_ptr_array_unref(test->children);
	g_free(test);
}

static void rule_set_free(void *data)
{
	lk_rule_set *set = data;

	g_ptr_array_unref(set->values);
	g_free(set);
}

lk_rule_test *lk_rule_test_new(void)
{
	lk_rule_test *test = g_new0(lk_rule_test, 1);

	test->values = g_ptr_array_new();
	test->children = g_ptr_array_new_with_free_func(rule_test_free);
	return test;
}

lk_rule_set *lk_rule_set_new(void)
{
	lk_rule_set *set = g_new0(lk_rule_set, 1);

	set->values = g_ptr_array_new();
	return set;
}

lk_rule *lk_rule_new(void)
{
	lk_rule *rule = g_new0(lk_rule, 1);

	rule->set = g_ptr_array_new_with_free_func(rule_set_free);
	return rule;
}

void lk_rule_free(lk_rule *rule)
{
	if (!rule)
		return;
	if (rule->match)
		rule_test_free(rule->match);
	g_ptr_array_unref(rule->set);
	g_free(rule);
}

static GPtrArray *rules_new(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)lk_rule_free);
}

lk_queue *lk_queue_new(void)
{
	lk_queue *queue = g_new0(lk_queue, 1);

	queue->addresses = strings_new();
	queue->agents = strings_new();
	queue->managers = strings_new();
	queue->required = g_ptr_array_new_with_free_func(required_free);
	queue->acknowledge = true;
	queue->machine_mail = LK_MACHINE_TICKET;
	queue->reopen_s = LK_DEFAULT_REOPEN_S;
	queue->types = strings_new();
	queue->customer_reminders = g_array_new(FALSE, FALSE, sizeof(lk_span));
	queue->survey.skip_if = strings_new();
	queue->shares_with = strings_new();
	queue->keep_text_s = LK_FOREVER;
	queue->keep_attachments_s = LK_FOREVER;
	queue->rules = rules_new();
	return queue;
}

static void queue_free(void *data)
{
	lk_queue *queue = data;

	g_free(queue->name);
	text_clear(&queue->title);
	g_ptr_array_unref(queue->addresses);
	g_free(queue->from);
	g_ptr_array_unref(queue->agents);
	g_ptr_array_unref(queue->managers);
	g_free(queue->default_type);
	g_free(queue->default_priority);
	g_ptr_array_unref(queue->required);
	g_free(queue->sla);
	g_ptr_array_unref(queue->types);
	g_array_unref(queue->customer_reminders);
	g_ptr_array_unref(queue->survey.skip_if);
	g_free(queue->digest);
	g_ptr_array_unref(queue->shares_with);
	g_ptr_array_unref(queue->rules);
	g_free(queue);
}

lk_agent *lk_agent_new(void)
{
	lk_agent *agent = g_new0(lk_agent, 1);

	agent->aliases = strings_new();
	agent->skills = strings_new();
	agent->languages = strings_new();
	return agent;
}

static void agent_free(void *data)
{
	lk_agent *agent = data;

	g_free(agent->name);
	g_free(agent->address);
	g_ptr_array_unref(agent->aliases);
	g_ptr_array_unref(agent->skills);
	g_ptr_array_unref(agent->languages);
	g_free(agent);
}

lk_organisation *lk_organisation_new(void)
{
	lk_organisation *organisation = g_new0(lk_organisation, 1);

	organisation->domains = strings_new();
	organisation->addresses = strings_new();
	return organisation;
}

static void organisation_free(void *data)
{
	lk_organisation *organisation = data;

	g_free(organisation->name);
	g_ptr_array_unref(organisation->domains);
	g_ptr_array_unref(organisation->addresses);
	g_free(organisation->language);
	g_free(organisation->sla);
	g_free(organisation);
}

lk_supplier *lk_supplier_new(void)
{
	lk_supplier *supplier = g_new0(lk_supplier, 1);

	supplier->addresses = strings_new();
	supplier->domains = strings_new();
	supplier->remind = g_array_new(FALSE, FALSE, sizeof(lk_span));
	return supplier;
}

static void supplier_free(void *data)
{
	lk_supplier *supplier = data;

	g_free(supplier->name);
	g_ptr_array_unref(supplier->addresses);
	g_ptr_array_unref(supplier->domains);
	g_free(supplier->reference);
	g_array_unref(supplier->remind);
	g_free(supplier->public_name);
	g_free(supplier);
}

lk_calendar_text *lk_calendar_text_new(void)
{
	lk_calendar_text *calendar = g_new0(lk_calendar_text, 1);

	calendar->holidays = strings_new();
	calendar->short_days = strings_new();
	return calendar;
}

static void calendar_text_free(void *data)
{
	lk_calendar_text *calendar = data;

	g_free(calendar->name);
	g_free(calendar->hours);
	g_ptr_array_unref(calendar->holidays);
	g_ptr_array_unref(calendar->short_days);
	lk_calendar_free(calendar->made);
	g_free(calendar);
}

static void typed_free(void *data)
{
	lk_sla_typed *typed = data;

	g_free(typed->type);
	g_free(typed);
}

lk_sla_typed *lk_sla_typed_new(const char *type, lk_priority priority)
{
	lk_sla_typed *typed = g_new0(lk_sla_typed, 1);

	typed->type = g_strdup(type);
	typed->priority = priority;
	return typed;
}

lk_sla *lk_sla_new(void)
{
	lk_sla *sla = g_new0(lk_sla, 1);

	sla->typed = g_ptr_array_new_with_free_func(typed_free);
	return sla;
}

static void sla_free(void *data)
{
	lk_sla *sla = data;

	g_free(sla->name);
	g_free(sla->calendar);
	g_ptr_array_unref(sla->typed);
	g_free(sla);
}

lk_desk_mailbox *lk_desk_mailbox_new(const char *name, const char *queue)
{
	lk_desk_mailbox *mailbox = g_new0(lk_desk_mailbox, 1);

	mailbox->name = g_strdup(name);
	mailbox->queue = g_strdup(queue);
	mailbox->own_lists = strings_new();
	mailbox->strip = strings_new();
	return mailbox;
}

static void desk_mailbox_free(void *data)
{
	lk_desk_mailbox *mailbox = data;

	g_free(mailbox->name);
	g_free(mailbox->queue);
	g_ptr_array_unref(mailbox->own_lists);
	g_ptr_array_unref(mailbox->strip);
	g_free(mailbox->sent);
	g_free(mailbox);
}

lk_policy *lk_policy_new(void)
{
	lk_policy *policy = g_new0(lk_policy, 1);

	policy->queues = g_ptr_array_new_with_free_func(queue_free);
	policy->agents = g_ptr_array_new_with_free_func(agent_free);
	policy->organisations = g_ptr_array_new_with_free_func(organisation_free);
	policy->mailboxes = g_ptr_array_new_with_free_func(desk_mailbox_free);
	policy->suppliers = g_ptr_array_new_with_free_func(supplier_free);
	policy->calendars = g_ptr_array_new_with_free_func(calendar_text_free);
	policy->always = lk_calendar_text_new();
	policy->always->hours = g_strdup("Mon-Sun 00:00-24:00");
	policy->slas = g_ptr_array_new_with_free_func(sla_free);
	policy->rules = rules_new();
	policy->strings = g_string_chunk_new(4096);
	policy->admins = strings_new();
	policy->incident_managers = strings_new();
	policy->breaker = g_array_new(FALSE, FALSE, sizeof(lk_budget));
	policy->send = true;
	policy->keep_raw = true;
	return policy;
}

void lk_policy_free(lk_policy *policy)
{
	if (!policy)
		return;
	lk_rules_free(policy->compiled);
	g_free(policy->site_name);
	g_free(policy->templates_dir);
	g_free(policy->prefix);
	g_free(policy->domain);
	g_free(policy->subaddress);
	g_free(policy->envelope_from);
	g_free(policy->timezone);
	g_free(policy->alarm_command);
	g_free(policy->public_url);
	g_free(policy->accessibility_url);
	g_ptr_array_unref(policy->queues);
	g_ptr_array_unref(policy->agents);
	g_ptr_array_unref(policy->organisations);
	g_ptr_array_unref(policy->mailboxes);
	g_ptr_array_unref(policy->suppliers);
	g_ptr_array_unref(policy->calendars);
	calendar_text_free(policy->always);
	g_ptr_array_unref(policy->slas);
	g_ptr_array_unref(policy->rules);
	g_string_chunk_free(policy->strings);
	g_ptr_array_unref(policy->admins);
	g_ptr_array_unref(policy->incident_managers);
	g_array_unref(policy->breaker);
	g_free(policy);
}
