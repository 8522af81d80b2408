#include "daemon/policy.h"

#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/desk/hours.h"
#include "lib/desk/rules.h"

#include <string.h>

G_STATIC_ASSERT((int)LK_LANG_FI == (int)LK_CONF_FI && (int)LK_LANG_SV == (int)LK_CONF_SV &&
		(int)LK_LANG_EN == (int)LK_CONF_EN && (int)LK_N_LANGS == (int)LK_CONF_N_LANGS);
G_STATIC_ASSERT((int)LK_MACHINE_TICKET == (int)LK_CONF_MACHINE_TICKET &&
		(int)LK_MACHINE_RULE == (int)LK_CONF_MACHINE_RULE &&
		(int)LK_MACHINE_QUARANTINE == (int)LK_CONF_MACHINE_QUARANTINE);

G_STATIC_ASSERT((int)LK_NOTIFY_NONE == (int)LK_CONF_NOTIFY_NONE &&
		(int)LK_NOTIFY_MANAGERS == (int)LK_CONF_NOTIFY_MANAGERS &&
		(int)LK_ASSIGN_ROUND_ROBIN == (int)LK_CONF_ASSIGN_ROUND_ROBIN &&
		(int)LK_ASSIGN_LEAST_LOADED == (int)LK_CONF_ASSIGN_LEAST_LOADED &&
		(int)LK_ASSIGN_SKILL == (int)LK_CONF_ASSIGN_SKILL &&
		(int)LK_SURVEY_RESOLVED == (int)LK_CONF_SURVEY_RESOLVED &&
		(int)LK_SURVEY_CLOSED == (int)LK_CONF_SURVEY_CLOSED &&
		(int)LK_URGENT == (int)LK_CONF_URGENT && (int)LK_LOW == (int)LK_CONF_LOW &&
		LK_FOREVER == LK_CONF_FOREVER);

static void copy_texts(GPtrArray *to, const GPtrArray *from)
{
	for (unsigned i = 0; i < from->len; i++)
		g_ptr_array_add(to, g_strdup(g_ptr_array_index(from, i)));
}

static void copy_local(lk_text *to, const lk_conf_text *from)
{
	for (int i = 0; i < LK_N_LANGS; i++) {
		g_free(to->in[i]);
		to->in[i] = g_strdup(from->in[i]);
	}
}

static void add_required(lk_queue *queue, const lk_conf_required *from)
{
	lk_required *required = g_new0(lk_required, 1);

	required->field = g_strdup(from->field);
	required->pattern = g_strdup(from->pattern);
	required->when = g_strdup(from->when);
	copy_local(&required->ask, &from->ask);
	g_ptr_array_add(queue->required, required);
}

static lk_span span_of(const lk_conf_span *from)
{
	return (lk_span){from->seconds, from->open_days};
}

static void copy_spans(GArray *to, const GArray *from)
{
	for (unsigned i = 0; i < from->len; i++) {
		lk_span span = span_of(&g_array_index(from, lk_conf_span, i));

		g_array_append_val(to, span);
	}
}

static const char *keep(lk_policy *policy, const char *text)
{
	return text ? g_string_chunk_insert_const(policy->strings, text) : NULL;
}

static void keep_all(lk_policy *policy, GPtrArray *to, const GPtrArray *from)
{
	for (unsigned i = 0; i < from->len; i++)
		g_ptr_array_add(to, (char *)keep(policy, g_ptr_array_index(from, i)));
}

static lk_rule_test *copy_test(lk_policy *policy, const lk_conf_test *from)
{
	lk_rule_test *test = lk_rule_test_new();

	test->file = keep(policy, from->at.file);
	test->line = from->at.line;
	test->name = keep(policy, from->name);
	test->argument = keep(policy, from->argument);
	test->negated = from->negated;
	keep_all(policy, test->values, from->values);
	for (unsigned i = 0; i < from->children->len; i++)
		g_ptr_array_add(test->children,
				copy_test(policy, g_ptr_array_index(from->children, i)));
	return test;
}

static void add_rule(lk_policy *policy, GPtrArray *to, const lk_conf_rule *from)
{
	lk_rule *rule = lk_rule_new();

	rule->file = keep(policy, from->at.file);
	rule->line = from->at.line;
	rule->name = keep(policy, from->name);
	rule->on_reply = from->on == LK_CONF_ON_REPLY;
	rule->match = copy_test(policy, from->match);
	rule->stop = from->stop;
	for (unsigned i = 0; i < from->set->len; i++) {
		const lk_conf_set *given = g_ptr_array_index(from->set, i);
		lk_rule_set *set = lk_rule_set_new();

		set->file = keep(policy, given->at.file);
		set->line = given->at.line;
		set->name = keep(policy, given->name);
		set->argument = keep(policy, given->argument);
		keep_all(policy, set->values, given->values);
		g_ptr_array_add(rule->set, set);
	}
	g_ptr_array_add(to, rule);
}

static void add_rules(lk_policy *policy, GPtrArray *to, const GPtrArray *from)
{
	for (unsigned i = 0; i < from->len; i++)
		add_rule(policy, to, g_ptr_array_index(from, i));
}

static void copy_service(lk_queue *queue, const lk_conf_queue *from)
{
	queue->sla = g_strdup(from->sla);
	queue->tell_on_transfer = from->tell_on_transfer;
	queue->tell_on_wait = from->tell_on_wait;
	queue->tell_every = span_of(&from->tell_every);
	queue->close_after_s = from->close_after_s;
	copy_spans(queue->customer_reminders, from->customer_reminders);
	queue->close_unanswered = from->close_unanswered;
	queue->survey.send = (lk_survey_send)from->survey.send;
	queue->survey.delay_s = from->survey.delay_s;
	copy_texts(queue->survey.skip_if, from->survey.skip_if);
	queue->survey.every_s = from->survey.every_s;
	queue->survey.reopen_below = from->survey.reopen_below;
	queue->keep_text_s = from->retention.text_s;
	queue->keep_attachments_s = from->retention.attachments_s;
}

static void copy_team(lk_queue *queue, const lk_conf_queue *from)
{
	copy_texts(queue->agents, from->agents);
	copy_texts(queue->managers, from->managers);
	queue->notify = (lk_notify)from->notify;
	queue->assign = (lk_assign)from->assign;
	queue->digest = g_strdup(from->digest);
	copy_texts(queue->shares_with, from->shares_with);
	queue->hold_stale_replies = from->hold_stale_replies;
	queue->mass.people = from->mass.people;
	queue->mass.within_s = from->mass.within_s;
	queue->mass.similarity = from->mass.similarity;
}

static void add_queue(lk_policy *policy, const lk_conf_queue *from)
{
	lk_queue *queue = lk_queue_new();

	queue->name = g_strdup(from->name);
	copy_local(&queue->title, &from->title);
	copy_texts(queue->addresses, from->addresses);
	queue->from = g_strdup(from->from);
	queue->language = (lk_lang)from->language;
	copy_texts(queue->types, from->types);
	queue->default_type = g_strdup(from->default_type);
	queue->default_priority = g_strdup(lk_conf_priority_name(from->default_priority));
	for (unsigned i = 0; i < from->required->len; i++)
		add_required(queue, g_ptr_array_index(from->required, i));
	queue->acknowledge = from->acknowledge;
	queue->machine_mail = (lk_machine_mail)from->machine_mail;
	queue->reopen_s = from->reopen_s;
	queue->duplicate_window_s = from->duplicate_window_s;
	copy_team(queue, from);
	copy_service(queue, from);
	add_rules(policy, queue->rules, from->rules);
	g_ptr_array_add(policy->queues, queue);
}

static void add_agent(lk_policy *policy, const lk_conf_agent *from)
{
	lk_agent *agent = lk_agent_new();

	agent->name = g_strdup(from->name);
	agent->address = g_strdup(from->address);
	copy_texts(agent->aliases, from->aliases);
	copy_texts(agent->skills, from->skills);
	copy_texts(agent->languages, from->languages);
	g_ptr_array_add(policy->agents, agent);
}

static void add_organisation(lk_policy *policy, const lk_conf_organisation *from)
{
	lk_organisation *organisation = lk_organisation_new();

	organisation->name = g_strdup(from->name);
	copy_texts(organisation->domains, from->domains);
	copy_texts(organisation->addresses, from->addresses);
	organisation->language = g_strdup(from->language);
	organisation->sla = g_strdup(from->sla);
	g_ptr_array_add(policy->organisations, organisation);
}

/* The queue with the mailbox's login as address, else of its name, else the first. */
static const lk_conf_queue *fallback_queue(const lk_conf *conf, const lk_conf_mailbox *mailbox)
{
	g_autofree char *user = mailbox->user ? lk_address_fold(mailbox->user) : NULL;
	const lk_conf_queue *named = lk_conf_find_queue(conf, mailbox->name);

	for (unsigned i = 0; user && i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		if (g_ptr_array_find_with_equal_func(queue->addresses, user, g_str_equal, NULL))
			return queue;
	}
	return named ? named : g_ptr_array_index(conf->queues, 0);
}

static void add_mailbox(lk_policy *policy, const lk_conf *conf, const lk_conf_mailbox *from)
{
	const lk_conf_queue *queue = fallback_queue(conf, from);
	lk_desk_mailbox *mailbox = lk_desk_mailbox_new(from->name, queue->name);

	copy_texts(mailbox->own_lists, from->own_lists);
	copy_texts(mailbox->strip, from->strip);
	mailbox->sent = g_strdup(from->sent);
	mailbox->poll_s = from->poll_s;
	mailbox->trust_internal = from->trust_internal;
	g_ptr_array_add(policy->mailboxes, mailbox);
}

static void add_supplier(lk_policy *policy, const lk_conf_supplier *from)
{
	lk_supplier *supplier = lk_supplier_new();

	supplier->name = g_strdup(from->name);
	copy_texts(supplier->addresses, from->addresses);
	copy_texts(supplier->domains, from->domains);
	supplier->reference = g_strdup(from->reference);
	copy_spans(supplier->remind, from->remind);
	supplier->public_name = g_strdup(from->public_name);
	g_ptr_array_add(policy->suppliers, supplier);
}

static void add_calendar(lk_policy *policy, const lk_conf_calendar *from)
{
	lk_calendar_text *calendar = lk_calendar_text_new();

	calendar->name = g_strdup(from->name);
	calendar->hours = g_strdup(from->hours);
	copy_texts(calendar->holidays, from->holidays);
	copy_texts(calendar->short_days, from->short_days);
	g_ptr_array_add(policy->calendars, calendar);
}

static void add_sla(lk_policy *policy, const lk_conf_sla *from)
{
	lk_sla *sla = lk_sla_new();

	sla->name = g_strdup(from->name);
	sla->calendar = g_strdup(from->calendar);
	sla->warn_at = from->warn_at;
	sla->pauses_on_supplier = from->pause_on_supplier;
	for (unsigned i = 0; i < from->targets->len; i++) {
		const lk_conf_target *target = g_ptr_array_index(from->targets, i);
		lk_sla_target *into = &sla->targets[target->priority];

		if (target->type) {
			lk_sla_typed *typed =
				lk_sla_typed_new(target->type, (lk_priority)target->priority);

			g_ptr_array_add(sla->typed, typed);
			into = &typed->target;
		}
		into->respond = span_of(&target->respond);
		into->resolve = span_of(&target->resolve);
	}
	g_ptr_array_add(policy->slas, sla);
}

static void copy_people(lk_policy *policy, const lk_conf *conf)
{
	copy_texts(policy->admins, conf->site.admins);
	copy_texts(policy->incident_managers, conf->site.incident_managers);
	policy->senders_verified = conf->site.senders_verified;
	policy->agent_reports = conf->site.agent_reports;
	for (unsigned i = 0; i < conf->site.languages->len; i++) {
		lk_lang lang = LK_LANG_FI;

		if (lk_lang_parse(g_ptr_array_index(conf->site.languages, i), &lang))
			policy->languages[lang] = true;
	}
	policy->timezone = g_strdup(conf->site.timezone);
	policy->alarm_command = g_strdup(conf->site.alarm_command);
	policy->public_url = g_strdup(conf->web.public_url);
	policy->accessibility_url = g_strdup(conf->web.accessibility_url);
}

static void copy_site(lk_policy *policy, const lk_conf *conf)
{
	policy->site_name = g_strdup(conf->site.name);
	policy->templates_dir = g_strdup(conf->templates);
	policy->prefix = g_strdup(conf->site.prefix);
	policy->domain = g_strdup(conf->site.domain);
	policy->language = (lk_lang)conf->site.language;
	for (unsigned i = 0; i < conf->site.bilingual->len; i++) {
		lk_lang lang = LK_LANG_FI;

		if (lk_lang_parse(g_ptr_array_index(conf->site.bilingual, i), &lang))
			policy->bilingual[lang] = true;
	}
	policy->subaddress = g_strdup(conf->site.subaddress);
	policy->envelope_from = g_strdup(conf->smtp.envelope_from);
	policy->send = conf->smtp.send;
	policy->keep_raw = conf->database.keep_raw_s != 0;
	for (unsigned i = 0; i < conf->breaker->len; i++) {
		const lk_conf_rate *rate = &g_array_index(conf->breaker, lk_conf_rate, i);
		lk_budget budget = {rate->count, rate->seconds};

		g_array_append_val(policy->breaker, budget);
	}
}

bool lk_policy_from_conf(const lk_conf *conf, lk_keys *keys, lk_policy **ret_policy, GError **error)
{
	g_autoptr(lk_policy) policy = lk_policy_new();

	if (conf->queues->len == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "%s: queues is empty; mail needs a queue to go to", conf->path);
		return false;
	}
	copy_site(policy, conf);
	copy_people(policy, conf);
	policy->keys = keys;
	for (unsigned i = 0; i < conf->queues->len; i++)
		add_queue(policy, g_ptr_array_index(conf->queues, i));
	for (unsigned i = 0; i < conf->agents->len; i++)
		add_agent(policy, g_ptr_array_index(conf->agents, i));
	for (unsigned i = 0; i < conf->organisations->len; i++)
		add_organisation(policy, g_ptr_array_index(conf->organisations, i));
	for (unsigned i = 0; i < conf->suppliers->len; i++)
		add_supplier(policy, g_ptr_array_index(conf->suppliers, i));
	for (unsigned i = 0; i < conf->calendars->len; i++)
		add_calendar(policy, g_ptr_array_index(conf->calendars, i));
	for (unsigned i = 0; i < conf->slas->len; i++)
		add_sla(policy, g_ptr_array_index(conf->slas, i));
	add_rules(policy, policy->rules, conf->rules);
	for (unsigned i = 0; i < conf->mailboxes->len; i++)
		add_mailbox(policy, conf, g_ptr_array_index(conf->mailboxes, i));
	if (!lk_policy_open_calendars(policy, error) ||
	    !lk_rules_compile(policy, &policy->compiled, error))
		return false;
	*ret_policy = g_steal_pointer(&policy);
	return true;
}
