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

const lk_agent *lk_owner_of(const lk_policy *policy, const char *owner, const lk_queue *queue)
{
	const lk_agent *agent = owner ? lk_policy_agent(policy, owner) : NULL;

	if (!agent || lk_agent_serves(policy, agent, queue) || is_shared_with(policy, agent, queue))
		return agent;
	return NULL;
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

/* Why an agent may act or not: a reason for the history and for the agent; fi, sv, en. */
typedef enum {
	WHY_NO_AGENT,
	WHY_TAKES_PART,
	WHY_FROM,
	WHY_FAILED,
	WHY_TOKEN,
	WHY_LEFT,
	WHY_OUT_OF_SIGHT,
	WHY_VERIFIED,
	WHY_INTERNAL,
	WHY_NOTHING,
	WHY_OTHER_AGENT,
	WHY_OTHER_TICKET,
	WHY_OTHER_TICKETS,
	WHY_REVOKED,
	WHY_OVER,
	WHY_TWICE,
	WHY_NOT_INTERNAL,
	WHY_DOMAIN,
	WHY_OTHER_DOMAIN,
	WHY_N
} why;

static const char *const reasons[WHY_N][LK_N_LANGS] = {
	[WHY_NO_AGENT] = {"sen lähettäjä ei ole käsittelijä", "avsändaren är ingen handläggare",
			  "its sender is no agent"},
	[WHY_TAKES_PART] = {"käsittelijä on tukipyynnössä asiakkaana",
			    "handläggaren är kund i ärendet",
			    "the agent takes part in the ticket as a customer"},
	[WHY_FROM] = {"siinä ei ole täsmälleen yhtä From-kenttää, jossa on täsmälleen yksi osoite",
		      "det har inte precis ett From-fält med precis en adress",
		      "it has not exactly one From header with exactly one address"},
	[WHY_FAILED] = {"postipalvelimemme totesi, ettei se tule sieltä mistä se väittää tulevansa",
			"vår e-postserver fann att det inte kommer därifrån det påstår",
			"our mail server found that it does not come from where it says"},
	[WHY_TOKEN] =
		{"se tuli tälle käsittelijälle ja tukipyynnölle tehtyyn vastausosoitteeseen",
		 "det kom till svarsadressen som gjorts för denna handläggare och detta ärende",
		 "it came to the reply address made for this agent and ticket"},
	[WHY_LEFT] = {"tukipyyntö on siirtynyt jonoon, jota et palvele",
		      "ärendet har flyttats till en kö som du inte sköter",
		      "the ticket has moved to a queue that the agent does not serve"},
	[WHY_OUT_OF_SIGHT] = {"tukipyyntö ei ole käsittelijän nähtävissä",
			      "handläggaren ser inte ärendet",
			      "the ticket is out of the agent's sight"},
	[WHY_VERIFIED] = {"postipalvelimemme varmisti lähettäjän (senders_verified)",
			  "vår e-postserver har bekräftat avsändaren (senders_verified)",
			  "our mail server verified its sender (senders_verified)"},
	[WHY_INTERNAL] =
		{"postijärjestelmämme mukaan se lähetettiin talon sisällä (trust_internal)",
		 "vårt e-postsystem säger att det skickades internt (trust_internal)",
		 "our mail system says that it was sent inside (trust_internal)"},
	[WHY_NOTHING] = {"mikään ei todista, että käsittelijä kirjoitti sen",
			 "inget bevisar att handläggaren skrev det",
			 "nothing proves that the agent wrote it"},
	[WHY_OTHER_AGENT] = {"vastausosoite tehtiin toiselle käsittelijälle",
			     "svarsadressen gjordes för en annan handläggare",
			     "the reply address was made for another agent"},
	[WHY_OTHER_TICKET] = {"vastausosoite tehtiin toiselle tukipyynnölle",
			      "svarsadressen gjordes för ett annat ärende",
			      "the reply address was made for another ticket"},
	[WHY_OTHER_TICKETS] =
		{"sen vastausosoite pätee vain omaan tukipyyntöönsä, ja komennot nimeävät muita",
		 "svarsadressen gäller bara sitt eget ärende, och kommandona nämner andra",
		 "its reply address counts for its own ticket alone, and the commands name others"},
	[WHY_REVOKED] = {"vastausosoite mitätöitiin, koska se oli päätynyt muille",
			 "svarsadressen återkallades, eftersom den hade gått till andra",
			 "the reply address was revoked, because it had gone to others"},
	[WHY_OVER] = {"tukipyynnön sulkemisesta on liian kauan, jotta sen vastausosoite kelpaisi",
		      "ärendet stängdes för länge sedan för att svarsadressen ska gälla",
		      "the ticket was closed too long ago for its reply address"},
	[WHY_TWICE] = {"otsake, joka sanoo viestin sisäiseksi, on siinä useammin kuin kerran",
		       "huvudet som säger att mejlet är internt finns mer än en gång",
		       "the header that says the mail is internal is there more than once"},
	[WHY_NOT_INTERNAL] = {"postijärjestelmämme ei sano viestiä sisäiseksi",
			      "vårt e-postsystem säger inte att mejlet är internt",
			      "our mail system does not say that the mail is internal"},
	[WHY_DOMAIN] = {"postipalvelimemme todistaa vain verkkotunnuksen, ei kirjoittajaa "
			"(senders_verified ei ole päällä)",
			"vår e-postserver bevisar bara domänen, inte skribenten (senders_verified "
			"är inte på)",
			"our mail server proves its domain only, not its writer (senders_verified "
			"is not set)"},
	[WHY_OTHER_DOMAIN] = {"sen on allekirjoittanut muu verkkotunnus kuin lähettäjän",
			      "det är signerat av en annan domän än avsändarens",
			      "it is signed by another domain than that of its From"},
};

static bool is_result(const char *result, const char *word)
{
	return result && g_ascii_strcasecmp(result, word) == 0;
}

static lk_authority_decision say(lk_authority authority, lk_proof proof, why because)
{
	return (lk_authority_decision){.authority = authority,
				       .proof = proof,
				       .reason = reasons[because][LK_LANG_EN],
				       .because = because,
				       .is_bare = because == WHY_NOTHING,
				       .has_left = because == WHY_LEFT};
}

const char *lk_authority_reason(const lk_authority_decision *decision, lk_lang lang)
{
	return reasons[decision->because][lang];
}

const char *lk_authority_words(const char *english, lk_lang lang)
{
	for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++)
		if (g_strcmp0(reasons[i][LK_LANG_EN], english) == 0)
			return reasons[i][lang];
	return NULL;
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

bool lk_token_is_over(lk_time closed_at, lk_time at)
{
	return closed_at != LK_TIME_NONE && at > closed_at + LK_TOKEN_GRACE;
}

/* Of the tokens, those made to act on this very ticket. *ret_why: why the last one does not count.
 */
static bool has_token(const lk_authority_facts *f, why *ret_why)
{
	bool is_over = f->status == LK_STATUS_CLOSED && lk_token_is_over(f->ended_at, f->at);

	for (unsigned i = 0; i < f->n_tokens; i++) {
		const lk_authority_token *token = &f->tokens[i];

		if (token->purpose != LK_PURPOSE_AGENT)
			continue;
		if (!token->is_for_agent)
			*ret_why = WHY_OTHER_AGENT;
		else if (token->ticket != f->ticket)
			*ret_why = WHY_OTHER_TICKET;
		else if (token->is_revoked)
			*ret_why = WHY_REVOKED;
		else if (is_over)
			*ret_why = WHY_OVER;
		else if (f->names_others)
			*ret_why = WHY_OTHER_TICKETS;
		else if (f->sight == LK_SIGHT_NONE && !f->only_undoes)
			*ret_why = WHY_LEFT;
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

/* Was the agent told of this very ticket, whatever became of it since? */
static bool had_ticket(const lk_authority_facts *f)
{
	for (unsigned i = 0; i < f->n_tokens; i++)
		if (f->tokens[i].purpose == LK_PURPOSE_AGENT && f->tokens[i].is_for_agent &&
		    f->tokens[i].ticket == f->ticket)
			return true;
	return false;
}

bool lk_authority_knows(const lk_authority_facts *f)
{
	return f->ticket && (f->sight != LK_SIGHT_NONE || had_ticket(f));
}

/* What proves the agent, whatever the ticket. */
static lk_proof proof_of(const lk_authority_facts *f, why *ret_why)
{
	bool is_domain_proven = (is_result(f->dmarc, "pass") && !f->is_dmarc_other) ||
				(is_result(f->dkim, "pass") && f->is_dkim_aligned);

	if (f->senders_verified && is_domain_proven)
		return LK_PROOF_DMARC;
	if (f->trust_internal && f->n_auth_as == 1 && is_result(f->auth_as, "Internal"))
		return LK_PROOF_INTERNAL;
	if (*ret_why == WHY_NOTHING && f->trust_internal && f->n_auth_as > 1)
		*ret_why = WHY_TWICE;
	if (*ret_why == WHY_NOTHING && f->trust_internal && f->n_auth_as == 1)
		*ret_why = WHY_NOT_INTERNAL;
	if (*ret_why == WHY_NOTHING && is_domain_proven)
		*ret_why = WHY_DOMAIN;
	if (*ret_why == WHY_NOTHING && (is_result(f->dmarc, "pass") || is_result(f->dkim, "pass")))
		*ret_why = WHY_OTHER_DOMAIN;
	return LK_PROOF_NONE;
}

lk_authority_decision lk_authority_decide(const lk_authority_facts *f)
{
	why because = WHY_NOTHING;
	lk_proof proof = LK_PROOF_NONE;

	if (!f->agent)
		return say(LK_AUTHORITY_NOT, LK_PROOF_NONE, WHY_NO_AGENT);
	/* Agents are customers, too: of other desks, and of their own. */
	if (f->ticket && f->takes_part && !has_agent_token(f))
		return say(LK_AUTHORITY_NOT, LK_PROOF_NONE, WHY_TAKES_PART);
	if (f->from_headers != 1 || f->from_addresses != 1)
		return say(LK_AUTHORITY_REFUSED, LK_PROOF_NONE, WHY_FROM);
	if (is_result(f->dmarc, "fail") || is_result(f->dkim, "fail") || is_result(f->spf, "fail"))
		return say(LK_AUTHORITY_REFUSED, LK_PROOF_NONE, WHY_FAILED);
	if (f->ticket && has_token(f, &because))
		return say(LK_AUTHORITY_PROVEN, LK_PROOF_TOKEN, WHY_TOKEN);
	/* Who had the ticket knows of it, and must hear that the answer did not go out. */
	if (f->ticket && f->sight == LK_SIGHT_NONE && had_ticket(f))
		return say(LK_AUTHORITY_REFUSED, LK_PROOF_NONE, WHY_LEFT);
	if (f->ticket && f->sight == LK_SIGHT_NONE)
		return say(LK_AUTHORITY_NOT, LK_PROOF_NONE,
			   because == WHY_NOTHING ? WHY_OUT_OF_SIGHT : because);
	proof = proof_of(f, &because);
	if (proof == LK_PROOF_DMARC)
		return say(LK_AUTHORITY_PROVEN, proof, WHY_VERIFIED);
	if (proof == LK_PROOF_INTERNAL)
		return say(LK_AUTHORITY_PROVEN, proof, WHY_INTERNAL);
	return say(LK_AUTHORITY_HELD, LK_PROOF_NONE, because);
}

bool lk_authority_leaks(const lk_policy *policy, const char *const *addresses, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!lk_policy_is_own_address(policy, addresses[i]) &&
		    !lk_policy_agent(policy, addresses[i]))
			return true;
	return false;
}
