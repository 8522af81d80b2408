#include "daemon/policy.h"

#include "lib/base/err.h"
#include "lib/base/text.h"

#include <string.h>

G_STATIC_ASSERT((int)LK_LANG_FI == (int)LK_CONF_FI && (int)LK_LANG_SV == (int)LK_CONF_SV &&
		(int)LK_LANG_EN == (int)LK_CONF_EN && (int)LK_N_LANGS == (int)LK_CONF_N_LANGS);
G_STATIC_ASSERT((int)LK_MACHINE_TICKET == (int)LK_CONF_MACHINE_TICKET &&
		(int)LK_MACHINE_RULE == (int)LK_CONF_MACHINE_RULE &&
		(int)LK_MACHINE_QUARANTINE == (int)LK_CONF_MACHINE_QUARANTINE);

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

static void add_queue(lk_policy *policy, const lk_conf_queue *from)
{
	lk_queue *queue = lk_queue_new();

	queue->name = g_strdup(from->name);
	copy_local(&queue->title, &from->title);
	copy_texts(queue->addresses, from->addresses);
	queue->from = g_strdup(from->from);
	copy_texts(queue->agents, from->agents);
	copy_texts(queue->managers, from->managers);
	queue->language = (lk_lang)from->language;
	queue->default_type = g_strdup(from->default_type);
	queue->default_priority = g_strdup(lk_conf_priority_name(from->default_priority));
	for (unsigned i = 0; i < from->required->len; i++)
		add_required(queue, g_ptr_array_index(from->required, i));
	queue->acknowledge = from->acknowledge;
	queue->machine_mail = (lk_machine_mail)from->machine_mail;
	queue->reopen_s = from->reopen_s;
	g_ptr_array_add(policy->queues, queue);
}

static void add_agent(lk_policy *policy, const lk_conf_agent *from)
{
	lk_agent *agent = lk_agent_new();

	agent->name = g_strdup(from->name);
	agent->address = g_strdup(from->address);
	copy_texts(agent->aliases, from->aliases);
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

	g_ptr_array_add(policy->mailboxes, lk_desk_mailbox_new(from->name, queue->name));
}

static void copy_site(lk_policy *policy, const lk_conf *conf)
{
	policy->site_name = g_strdup(conf->site.name);
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
	policy->keys = keys;
	for (unsigned i = 0; i < conf->queues->len; i++)
		add_queue(policy, g_ptr_array_index(conf->queues, i));
	for (unsigned i = 0; i < conf->agents->len; i++)
		add_agent(policy, g_ptr_array_index(conf->agents, i));
	for (unsigned i = 0; i < conf->organisations->len; i++)
		add_organisation(policy, g_ptr_array_index(conf->organisations, i));
	for (unsigned i = 0; i < conf->mailboxes->len; i++)
		add_mailbox(policy, conf, g_ptr_array_index(conf->mailboxes, i));
	*ret_policy = g_steal_pointer(&policy);
	return true;
}
