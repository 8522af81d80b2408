#include "lib/desk/authority.h"

#include "lib/base/text.h"

#include <string.h>

static const char *const proofs[] = {"none", "token", "dmarc", "internal", "action"};

const char *lk_proof_name(lk_proof proof)
{
	g_assert((unsigned)proof < G_N_ELEMENTS(proofs));
	return proofs[proof];
}

bool lk_proof_parse(const char *name, lk_proof *ret_proof)
{
	for (unsigned i = 0; name && i < G_N_ELEMENTS(proofs); i++)
		if (strcmp(name, proofs[i]) == 0) {
			*ret_proof = (lk_proof)i;
			return true;
		}
	return false;
}

const char *lk_authority_name(lk_authority authority)
{
	static const char *const names[] = {"not", "proven", "held", "refused"};

	g_assert((unsigned)authority < G_N_ELEMENTS(names));
	return names[authority];
}

/* --- sight ------------------------------------------------------------------------------------ */

static bool has_text(const GPtrArray *texts, const char *text)
{
	for (unsigned i = 0; texts && text && i < texts->len; i++)
		if (strcmp(g_ptr_array_index(texts, i), text) == 0)
			return true;
	return false;
}

/* Queues name agents by their address; an alias there counts too. */
static bool names_agent(const GPtrArray *addresses, const lk_agent *agent)
{
	if (has_text(addresses, agent->address))
		return true;
	for (unsigned i = 0; i < agent->aliases->len; i++)
		if (has_text(addresses, g_ptr_array_index(agent->aliases, i)))
			return true;
	return false;
}

bool lk_agent_manages(const lk_policy *policy, const lk_agent *agent, const lk_queue *queue)
{
	return names_agent(policy->incident_managers, agent) ||
	       (queue && names_agent(queue->managers, agent));
}

bool lk_agent_serves(const lk_policy *policy, const lk_agent *agent, const lk_queue *queue)
{
	return lk_agent_manages(policy, agent, queue) ||
	       (queue && names_agent(queue->agents, agent));
}

/* The agents of the queues named in shares_with see the tickets of this one. */
static bool is_shared_with(const lk_policy *policy, const lk_agent *agent, const lk_queue *queue)
{
	for (unsigned i = 0; queue && i < queue->shares_with->len; i++) {
		const lk_queue *other =
			lk_policy_queue(policy, g_ptr_array_index(queue->shares_with, i));
		if (other && lk_agent_serves(policy, agent, other))
			return true;
	}
	return false;
}

lk_sight lk_sight_of(const lk_policy *policy, const lk_agent *agent, const char *queue,
		     const GPtrArray *also, bool is_asked)
{
	const lk_queue *known = lk_policy_queue(policy, queue);

	if (lk_agent_serves(policy, agent, known) || is_shared_with(policy, agent, known))
		return LK_SIGHT_FULL;
	if (is_asked)
		return LK_SIGHT_ASKED;
	for (unsigned i = 0; also && i < also->len; i++) {
		const lk_queue *other = lk_policy_queue(policy, g_ptr_array_index(also, i));
		if (other && lk_agent_serves(policy, agent, other))
			return LK_SIGHT_SPLIT;
	}
	return LK_SIGHT_NONE;
}

GPtrArray *lk_sight_queues(const lk_policy *policy, const lk_agent *agent)
{
	GPtrArray *names = g_ptr_array_new();

	for (unsigned i = 0; i < policy->queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(policy->queues, i);
		if (lk_sight_of(policy, agent, queue->name, NULL, false) == LK_SIGHT_FULL)
			g_ptr_array_add(names, queue->name);
	}
	return names;
}

/* --- acting ----------------------------------------------------------------------------------- */

static bool is_result(const char *result, const char *word)
{
	return result && g_ascii_strcasecmp(result, word) == 0;
}

static lk_authority_decision say(lk_authority authority, lk_proof proof, const char *reason)
{
	return (lk_authority_decision){authority, proof, reason};
}

static bool is_below(const char *domain, const char *above)
{
	size_t n = strlen(domain);
	size_t m = strlen(above);

	return n > m + 1 && domain[n - m - 1] == '.' &&
	       g_ascii_strcasecmp(domain + n - m, above) == 0;
}

bool lk_domain_is_aligned(const char *address, const char *domain)
{
	const char *at = address ? strrchr(address, '@') : NULL;

	if (!at || !domain || !strchr(at + 1, '.') || !strchr(domain, '.'))
		return false;
	return g_ascii_strcasecmp(at + 1, domain) == 0 || is_below(at + 1, domain) ||
	       is_below(domain, at + 1);
}

/* Of the tokens, those made to act on this very ticket. *ret_why: why the last one does not count.
 */
static bool has_token(const lk_authority_facts *f, const char **ret_why)
{
	bool is_over = f->status == LK_STATUS_CLOSED && f->ended_at != LK_TIME_NONE &&
		       f->at > f->ended_at + LK_TOKEN_GRACE;

	for (unsigned i = 0; i < f->n_tokens; i++) {
		const lk_authority_token *token = &f->tokens[i];

		if (token->purpose != LK_PURPOSE_AGENT)
			continue;
		if (!token->is_for_agent)
			*ret_why = "the reply address was made for another agent";
		else if (token->ticket != f->ticket)
			*ret_why = "the reply address was made for another ticket";
		else if (token->is_revoked)
			*ret_why = "the reply address was revoked, because it had gone to others";
		else if (is_over)
			*ret_why = "the ticket was closed too long ago for its reply address";
		else if (f->sight == LK_SIGHT_NONE)
			*ret_why = "the agent has left the ticket's queue";
		else
			return true;
	}
	return false;
}

static bool has_agent_token(const lk_authority_facts *f)
{
	for (unsigned i = 0; i < f->n_tokens; i++)
		if (f->tokens[i].purpose == LK_PURPOSE_AGENT && f->tokens[i].is_for_agent)
			return true;
	return false;
}

/* What proves the agent, whatever the ticket. */
static lk_proof proof_of(const lk_authority_facts *f, const char **ret_why)
{
	bool is_domain_proven = (is_result(f->dmarc, "pass") && !f->is_dmarc_other) ||
				(is_result(f->dkim, "pass") && f->is_dkim_aligned);

	if (f->senders_verified && is_domain_proven)
		return LK_PROOF_DMARC;
	if (f->trust_internal && f->n_auth_as == 1 && is_result(f->auth_as, "Internal"))
		return LK_PROOF_INTERNAL;
	if (!*ret_why && f->trust_internal && f->n_auth_as > 1)
		*ret_why = "the header that says the mail is internal is there more than once";
	if (!*ret_why && f->trust_internal && f->n_auth_as == 1)
		*ret_why = "our mail system does not say that the mail is internal";
	if (!*ret_why && is_domain_proven)
		*ret_why = "our mail server proves its domain only, not its writer "
			   "(senders_verified is not set)";
	if (!*ret_why && (is_result(f->dmarc, "pass") || is_result(f->dkim, "pass")))
		*ret_why = "it is signed by another domain than that of its From";
	return LK_PROOF_NONE;
}

lk_authority_decision lk_authority_decide(const lk_authority_facts *f)
{
	const char *why = NULL;
	lk_proof proof = LK_PROOF_NONE;

	if (!f->agent)
		return say(LK_AUTHORITY_NOT, LK_PROOF_NONE, "its sender is no agent");
	/* Agents are customers, too: of other desks, and of their own. */
	if (f->ticket && f->takes_part && !has_agent_token(f))
		return say(LK_AUTHORITY_NOT, LK_PROOF_NONE,
			   "the agent takes part in the ticket as a customer");
	if (f->from_headers != 1 || f->from_addresses != 1)
		return say(LK_AUTHORITY_REFUSED, LK_PROOF_NONE,
			   "it has not exactly one From header with exactly one address");
	if (is_result(f->dmarc, "fail") || is_result(f->dkim, "fail") || is_result(f->spf, "fail"))
		return say(LK_AUTHORITY_REFUSED, LK_PROOF_NONE,
			   "our mail server found that it does not come from where it says");
	if (f->ticket && has_token(f, &why))
		return say(LK_AUTHORITY_PROVEN, LK_PROOF_TOKEN,
			   "it came to the reply address made for this agent and ticket");
	if (f->ticket && f->sight == LK_SIGHT_NONE)
		return say(LK_AUTHORITY_NOT, LK_PROOF_NONE,
			   why ? why : "the ticket is out of the agent's sight");
	proof = proof_of(f, &why);
	if (proof == LK_PROOF_DMARC)
		return say(LK_AUTHORITY_PROVEN, proof,
			   "our mail server verified its sender (senders_verified)");
	if (proof == LK_PROOF_INTERNAL)
		return say(LK_AUTHORITY_PROVEN, proof,
			   "our mail system says that it was sent inside (trust_internal)");
	return say(LK_AUTHORITY_HELD, LK_PROOF_NONE,
		   why ? why : "nothing proves that the agent wrote it");
}

bool lk_authority_leaks(const lk_policy *policy, const char *const *addresses, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!lk_policy_is_own_address(policy, addresses[i]) &&
		    !lk_policy_agent(policy, addresses[i]))
			return true;
	return false;
}
