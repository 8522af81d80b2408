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

static const char *const priority_names[LK_N_PRIORITIES] = {"urgent", "high", "normal", "low"};

bool lk_priority_parse(const char *name, lk_priority *ret_priority)
{
	for (unsigned i = 0; name && i < LK_N_PRIORITIES; i++)
		if (g_ascii_strcasecmp(name, priority_names[i]) == 0) {
			*ret_priority = (lk_priority)i;
			return true;
		}
	return false;
}

const char *lk_priority_name(lk_priority priority)
{
	g_assert((unsigned)priority < LK_N_PRIORITIES);
	return priority_names[priority];
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

bool lk_policy_is_of_team(const lk_policy *policy, const char *address)
{
	g_autofree char *folded = lk_address_fold(address ? address : "");

	if (!*folded)
		return false;
	if (lk_policy_agent(policy, folded) || has_text(policy->admins, folded) ||
	    has_text(policy->incident_managers, folded))
		return true;
	for (unsigned i = 0; i < policy->queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(policy->queues, i);
		if (has_text(queue->agents, folded) || has_text(queue->managers, folded))
			return true;
	}
	return false;
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

/* How well addresses and domains fit: 0 not at all, SIZE_MAX by address, else by domain length. */
static size_t fit_of(const GPtrArray *addresses, const GPtrArray *domains, const char *folded,
		     const char *domain)
{
	size_t best = 0;

	if (has_text(addresses, folded))
		return SIZE_MAX;
	for (unsigned i = 0; domain && i < domains->len; i++) {
		const char *whole = g_ptr_array_index(domains, i);
		if (domain_is_within(domain, whole))
			best = MAX(best, strlen(whole));
	}
	return best;
}

const lk_organisation *lk_policy_organisation(const lk_policy *policy, const char *address)
{
	g_autofree char *folded = lk_address_fold(address ? address : "");
	const char *domain = lk_address_domain(folded);
	const lk_organisation *best = NULL;
	size_t best_fit = 0;

	for (unsigned i = 0; *folded && i < policy->organisations->len; i++) {
		const lk_organisation *organisation = g_ptr_array_index(policy->organisations, i);
		size_t fit = fit_of(organisation->addresses, organisation->domains, folded, domain);
		if (fit > best_fit) {
			best = organisation;
			best_fit = fit;
		}
	}
	return best;
}

const lk_organisation *lk_policy_organisation_named(const lk_policy *policy, const char *name)
{
	for (unsigned i = 0; name && i < policy->organisations->len; i++) {
		const lk_organisation *organisation = g_ptr_array_index(policy->organisations, i);
		if (strcmp(organisation->name, name) == 0)
			return organisation;
	}
	return NULL;
}

const lk_supplier *lk_policy_supplier_by_address(const lk_policy *policy, const char *address)
{
	g_autofree char *folded = lk_address_fold(address ? address : "");
	const char *domain = lk_address_domain(folded);
	const lk_supplier *best = NULL;
	size_t best_fit = 0;

	for (unsigned i = 0; *folded && i < policy->suppliers->len; i++) {
		const lk_supplier *supplier = g_ptr_array_index(policy->suppliers, i);
		size_t fit = fit_of(supplier->addresses, supplier->domains, folded, domain);
		if (fit > best_fit) {
			best = supplier;
			best_fit = fit;
		}
	}
	return best;
}

const lk_supplier *lk_policy_supplier(const lk_policy *policy, const char *name)
{
	for (unsigned i = 0; name && i < policy->suppliers->len; i++) {
		const lk_supplier *supplier = g_ptr_array_index(policy->suppliers, i);
		if (g_ascii_strcasecmp(supplier->name, name) == 0)
			return supplier;
	}
	return NULL;
}

const lk_calendar_text *lk_policy_calendar(const lk_policy *policy, const char *name)
{
	for (unsigned i = 0; name && i < policy->calendars->len; i++) {
		const lk_calendar_text *calendar = g_ptr_array_index(policy->calendars, i);
		if (strcmp(calendar->name, name) == 0)
			return calendar;
	}
	return NULL;
}

const lk_sla *lk_policy_sla(const lk_policy *policy, const char *name)
{
	for (unsigned i = 0; name && i < policy->slas->len; i++) {
		const lk_sla *sla = g_ptr_array_index(policy->slas, i);
		if (strcmp(sla->name, name) == 0)
			return sla;
	}
	return NULL;
}

const lk_desk_mailbox *lk_policy_mailbox(const lk_policy *policy, const char *name)
{
	for (unsigned i = 0; name && i < policy->mailboxes->len; i++) {
		const lk_desk_mailbox *mailbox = g_ptr_array_index(policy->mailboxes, i);
		if (strcmp(mailbox->name, name) == 0)
			return mailbox;
	}
	return NULL;
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
	return lk_reference_read(policy->prefix, text, ret_ticket);
}

bool lk_reference_read(const char *prefix, const char *text, int64_t *ret_ticket)
{
	size_t n = strlen(prefix);

	if (!text || g_ascii_strncasecmp(text, prefix, n) != 0 || text[n] != '-' ||
	    !g_ascii_isdigit(text[n + 1]))
		return false;
	/* Numbers of tokens have 40 bits; a longer one can be no ticket of ours. */
	return lk_parse_int(text + n + 1, 1, (INT64_C(1) << 40) - 1, ret_ticket, NULL);
}
