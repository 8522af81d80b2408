#include "lib/desk/policy.h"

#include "lib/base/text.h"
#include "lib/base/units.h"

#include <string.h>

static const char *const lang_codes[LK_N_LANGS] = {"fi", "sv", "en"};

bool lk_lang_parse(const char *code, lk_lang *ret_lang)
{
	for (unsigned i = 0; code && i < LK_N_LANGS; i++)
		if (g_ascii_strcasecmp(code, lang_codes[i]) == 0) {
			*ret_lang = (lk_lang)i;
			return true;
		}
	return false;
}

const char *lk_lang_code(lk_lang lang)
{
	g_assert((unsigned)lang < LK_N_LANGS);
	return lang_codes[lang];
}

const char *lk_text_in(const lk_text *text, lk_lang lang, lk_lang fallback)
{
	if (text->in[lang])
		return text->in[lang];
	if (text->in[fallback])
		return text->in[fallback];
	for (unsigned i = 0; i < LK_N_LANGS; i++)
		if (text->in[i])
			return text->in[i];
	return "";
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

lk_queue *lk_queue_new(void)
{
	lk_queue *queue = g_new0(lk_queue, 1);

	queue->addresses = g_ptr_array_new_with_free_func(g_free);
	queue->agents = g_ptr_array_new_with_free_func(g_free);
	queue->managers = g_ptr_array_new_with_free_func(g_free);
	queue->required = g_ptr_array_new_with_free_func(required_free);
	queue->acknowledge = true;
	queue->machine_mail = LK_MACHINE_TICKET;
	queue->reopen_s = LK_DEFAULT_REOPEN_S;
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
	g_free(queue);
}

lk_agent *lk_agent_new(void)
{
	lk_agent *agent = g_new0(lk_agent, 1);

	agent->aliases = g_ptr_array_new_with_free_func(g_free);
	return agent;
}

static void agent_free(void *data)
{
	lk_agent *agent = data;

	g_free(agent->name);
	g_free(agent->address);
	g_ptr_array_unref(agent->aliases);
	g_free(agent);
}

lk_organisation *lk_organisation_new(void)
{
	lk_organisation *organisation = g_new0(lk_organisation, 1);

	organisation->domains = g_ptr_array_new_with_free_func(g_free);
	organisation->addresses = g_ptr_array_new_with_free_func(g_free);
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

lk_desk_mailbox *lk_desk_mailbox_new(const char *name, const char *queue)
{
	lk_desk_mailbox *mailbox = g_new0(lk_desk_mailbox, 1);

	mailbox->name = g_strdup(name);
	mailbox->queue = g_strdup(queue);
	return mailbox;
}

static void desk_mailbox_free(void *data)
{
	lk_desk_mailbox *mailbox = data;

	g_free(mailbox->name);
	g_free(mailbox->queue);
	g_free(mailbox);
}

lk_policy *lk_policy_new(void)
{
	lk_policy *policy = g_new0(lk_policy, 1);

	policy->queues = g_ptr_array_new_with_free_func(queue_free);
	policy->agents = g_ptr_array_new_with_free_func(agent_free);
	policy->organisations = g_ptr_array_new_with_free_func(organisation_free);
	policy->mailboxes = g_ptr_array_new_with_free_func(desk_mailbox_free);
	policy->breaker = g_array_new(FALSE, FALSE, sizeof(lk_budget));
	policy->send = true;
	policy->keep_raw = true;
	return policy;
}

void lk_policy_free(lk_policy *policy)
{
	if (!policy)
		return;
	g_free(policy->site_name);
	g_free(policy->prefix);
	g_free(policy->domain);
	g_free(policy->subaddress);
	g_free(policy->envelope_from);
	g_ptr_array_unref(policy->queues);
	g_ptr_array_unref(policy->agents);
	g_ptr_array_unref(policy->organisations);
	g_ptr_array_unref(policy->mailboxes);
	g_array_unref(policy->breaker);
	g_free(policy);
}

char *lk_policy_plain_address(const lk_policy *policy, const char *address)
{
	g_autofree char *folded = lk_address_fold(address ? address : "");
	const char *separator = policy->subaddress;
	char *at = strrchr(folded, '@');

	if (!at || !separator || !*separator)
		return g_steal_pointer(&folded);
	char *detail = strstr(folded, separator);
	if (!detail || detail >= at || detail == folded)
		return g_steal_pointer(&folded);
	return g_strdup_printf("%.*s%s", (int)(detail - folded), folded, at);
}

const lk_queue *lk_policy_queue(const lk_policy *policy, const char *name)
{
	for (unsigned i = 0; name && i < policy->queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(policy->queues, i);
		if (strcmp(queue->name, name) == 0)
			return queue;
	}
	return NULL;
}

static bool has_text(const GPtrArray *texts, const char *text)
{
	for (unsigned i = 0; i < texts->len; i++)
		if (strcmp(g_ptr_array_index(texts, i), text) == 0)
			return true;
	return false;
}

/* As written first: a queue may own an address that has the separator in it. */
const lk_queue *lk_policy_queue_by_address(const lk_policy *policy, const char *address)
{
	g_autofree char *folded = lk_address_fold(address ? address : "");
	g_autofree char *plain = lk_policy_plain_address(policy, address);

	if (!*folded)
		return NULL;
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < policy->queues->len; i++) {
			const lk_queue *queue = g_ptr_array_index(policy->queues, i);
			if (has_text(queue->addresses, pass == 0 ? folded : plain))
				return queue;
		}
	return NULL;
}

const lk_agent *lk_policy_agent(const lk_policy *policy, const char *address)
{
	g_autofree char *folded = lk_address_fold(address ? address : "");

	for (unsigned i = 0; *folded && i < policy->agents->len; i++) {
		const lk_agent *agent = g_ptr_array_index(policy->agents, i);
		if (strcmp(agent->address, folded) == 0 || has_text(agent->aliases, folded))
			return agent;
	}
	return NULL;
}

/* Is the domain that one, or below it? */
static bool domain_is_within(const char *domain, const char *whole)
{
	size_t n = strlen(domain);
	size_t m = strlen(whole);

	if (m == 0 || n < m || strcmp(domain + n - m, whole) != 0)
		return false;
	return n == m || domain[n - m - 1] == '.';
}

const lk_organisation *lk_policy_organisation(const lk_policy *policy, const char *address)
{
	g_autofree char *folded = lk_address_fold(address ? address : "");
	const char *domain = lk_address_domain(folded);
	const lk_organisation *best = NULL;
	size_t best_length = 0;

	for (unsigned i = 0; *folded && i < policy->organisations->len; i++) {
		const lk_organisation *organisation = g_ptr_array_index(policy->organisations, i);
		if (has_text(organisation->addresses, folded))
			return organisation;
		for (unsigned k = 0; domain && k < organisation->domains->len; k++) {
			const char *whole = g_ptr_array_index(organisation->domains, k);
			if (strlen(whole) > best_length && domain_is_within(domain, whole)) {
				best = organisation;
				best_length = strlen(whole);
			}
		}
	}
	return best;
}

bool lk_policy_is_own_address(const lk_policy *policy, const char *address)
{
	g_autofree char *folded = lk_address_fold(address ? address : "");
	g_autofree char *plain = lk_policy_plain_address(policy, address);

	if (!*folded)
		return false;
	if (lk_policy_queue_by_address(policy, address))
		return true;
	const char *const ours[] = {policy->envelope_from, NULL};
	for (unsigned i = 0; ours[i]; i++) {
		g_autofree char *own = lk_address_fold(ours[i]);
		if (strcmp(own, folded) == 0 || strcmp(own, plain) == 0)
			return true;
	}
	for (unsigned i = 0; i < policy->queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(policy->queues, i);
		g_autofree char *from = lk_address_fold(queue->from ? queue->from : "");
		if (strcmp(from, folded) == 0 || strcmp(from, plain) == 0)
			return true;
	}
	return false;
}

char *lk_reference(const lk_policy *policy, int64_t ticket)
{
	return g_strdup_printf("%s-%" G_GINT64_FORMAT, policy->prefix, ticket);
}

bool lk_reference_parse(const lk_policy *policy, const char *text, int64_t *ret_ticket)
{
	size_t n = strlen(policy->prefix);

	if (!text || g_ascii_strncasecmp(text, policy->prefix, n) != 0 || text[n] != '-' ||
	    !g_ascii_isdigit(text[n + 1]))
		return false;
	/* Numbers of tokens have 40 bits; a longer one can be no ticket of ours. */
	return lk_parse_int(text + n + 1, 1, (INT64_C(1) << 40) - 1, ret_ticket, NULL);
}
