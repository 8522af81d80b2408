/* lib/desk/authority from a table: who may act, what is forged, who sees what. */
#include "lib/base/units.h"
#include "lib/desk/authority.h"

#include <string.h>

#define NOW (INT64_C(1780000000) * LK_SECOND)
#define DAY (INT64_C(86400) * LK_SECOND)

static lk_policy *policy;

/* One attempt. Words of `how`, each setting facts; see facts_of. */
typedef struct {
	const char *name;
	const char *how;
	lk_authority authority;
	lk_proof proof;
} attempt;

static const attempt attempts[] = {
	{"a customer", "from=maija@x.example", LK_AUTHORITY_NOT, 0},
	{"an agent's reply to a notice", "token", LK_AUTHORITY_PROVEN, LK_PROOF_TOKEN},
	{"from an alias", "from=aino.aalto@example.fi token", LK_AUTHORITY_PROVEN, LK_PROOF_TOKEN},
	{"from an alias in capitals", "from=Aino.AALTO@Example.FI token", LK_AUTHORITY_PROVEN,
	 LK_PROOF_TOKEN},
	{"no proof at all", "", LK_AUTHORITY_HELD, 0},
	{"dmarc alone proves a domain", "dmarc=pass", LK_AUTHORITY_HELD, 0},
	{"dmarc and verified senders", "dmarc=pass verified", LK_AUTHORITY_PROVEN, LK_PROOF_DMARC},
	{"verified senders without results", "verified", LK_AUTHORITY_HELD, 0},
	{"verified senders, dmarc none", "verified dmarc=none", LK_AUTHORITY_HELD, 0},
	{"aligned dkim", "verified dkim=pass aligned", LK_AUTHORITY_PROVEN, LK_PROOF_DMARC},
	{"dkim of somebody else", "verified dkim=pass", LK_AUTHORITY_HELD, 0},
	{"dmarc of another domain", "verified dmarc=pass other", LK_AUTHORITY_HELD, 0},
	{"dmarc of another domain, dkim of its own", "verified dmarc=pass other dkim=pass aligned",
	 LK_AUTHORITY_PROVEN, LK_PROOF_DMARC},
	{"aligned dkim alone proves a domain", "dkim=pass aligned", LK_AUTHORITY_HELD, 0},
	{"spf alone", "verified spf=pass", LK_AUTHORITY_HELD, 0},
	{"dmarc in capitals", "dmarc=PASS verified", LK_AUTHORITY_PROVEN, LK_PROOF_DMARC},

	/* Forgeries. */
	{"a token, but dmarc fails", "token dmarc=fail", LK_AUTHORITY_REFUSED, 0},
	{"a token, but dkim fails", "token dkim=fail", LK_AUTHORITY_REFUSED, 0},
	{"a token, but spf fails", "token spf=fail", LK_AUTHORITY_REFUSED, 0},
	{"spf softfail is no fail", "token spf=softfail", LK_AUTHORITY_PROVEN, LK_PROOF_TOKEN},
	{"a second From header", "token headers=2 addresses=2", LK_AUTHORITY_REFUSED, 0},
	{"two addresses in From", "token addresses=2", LK_AUTHORITY_REFUSED, 0},
	{"a second From header, same address", "token headers=2 addresses=1", LK_AUTHORITY_REFUSED,
	 0},
	{"a second From header with verified senders", "verified dmarc=pass headers=2",
	 LK_AUTHORITY_REFUSED, 0},
	{"no From header counts for nobody", "headers=0 addresses=0 token", LK_AUTHORITY_REFUSED,
	 0},
	{"a token for another agent", "token=other", LK_AUTHORITY_HELD, 0},
	{"a token of another ticket", "token ticket=1043", LK_AUTHORITY_HELD, 0},
	{"commands about other tickets by a token of this one", "token others", LK_AUTHORITY_HELD,
	 0},
	{"the same with verified senders", "token others verified dmarc=pass", LK_AUTHORITY_PROVEN,
	 LK_PROOF_DMARC},
	{"a revoked token", "token=revoked", LK_AUTHORITY_HELD, 0},
	{"a customer's token", "token=customer", LK_AUTHORITY_HELD, 0},
	{"a note token", "token=note", LK_AUTHORITY_HELD, 0},
	{"a supplier's token", "token=supplier", LK_AUTHORITY_HELD, 0},
	{"a consult token", "token=consult", LK_AUTHORITY_HELD, 0},
	{"an action token", "token=action", LK_AUTHORITY_HELD, 0},
	{"a token forwarded to a stranger", "from=eve@x.example token=other", LK_AUTHORITY_NOT, 0},
	{"a look-alike domain", "from=aino@examp1e.fi token", LK_AUTHORITY_NOT, 0},
	{"a look-alike letter", "from=\xD0\xB0ino@example.fi token", LK_AUTHORITY_NOT, 0},
	{"a longer domain", "from=aino@example.fi.evil.example token", LK_AUTHORITY_NOT, 0},
	{"a plus detail is another address", "from=aino+x@example.fi token", LK_AUTHORITY_NOT, 0},
	{"the agent's address as a display name", "from=eve@x.example token", LK_AUTHORITY_NOT, 0},

	/* trust_internal (desk.md 12). */
	{"internal on a trusting mailbox", "internal auth-as=Internal", LK_AUTHORITY_PROVEN,
	 LK_PROOF_INTERNAL},
	{"internal without the setting", "auth-as=Internal", LK_AUTHORITY_HELD, 0},
	{"internal given twice", "internal auth-as=Internal n-auth-as=2", LK_AUTHORITY_HELD, 0},
	{"anonymous", "internal auth-as=Anonymous", LK_AUTHORITY_HELD, 0},
	{"internal, but dmarc fails", "internal auth-as=Internal dmarc=fail", LK_AUTHORITY_REFUSED,
	 0},
	{"internal with more behind it", "internal auth-as=Internal;x", LK_AUTHORITY_HELD, 0},

	/* Closing and leaving. */
	{"a token of a resolved ticket", "token status=resolved ended=100d", LK_AUTHORITY_PROVEN,
	 LK_PROOF_TOKEN},
	{"a token within the grace", "token status=closed ended=13d", LK_AUTHORITY_PROVEN,
	 LK_PROOF_TOKEN},
	{"a token after the grace", "token status=closed ended=15d", LK_AUTHORITY_HELD, 0},
	{"after the grace with verified senders",
	 "token status=closed ended=15d verified dmarc=pass", LK_AUTHORITY_PROVEN, LK_PROOF_DMARC},
	{"a token after leaving the queue", "token sight=none", LK_AUTHORITY_REFUSED, 0},
	{"a revoked token after leaving the queue", "token=revoked sight=none",
	 LK_AUTHORITY_REFUSED, 0},
	{"taking back what moved it", "token sight=none undo", LK_AUTHORITY_PROVEN, LK_PROOF_TOKEN},
	{"taking back by a revoked token", "token=revoked sight=none undo", LK_AUTHORITY_REFUSED,
	 0},
	{"taking back by a token of others", "token=other sight=none undo", LK_AUTHORITY_NOT, 0},
	{"a token of others for a ticket out of sight", "token=other sight=none", LK_AUTHORITY_NOT,
	 0},
	{"verified, but out of sight", "verified dmarc=pass sight=none", LK_AUTHORITY_NOT, 0},
	{"out of sight is not held either", "sight=none", LK_AUTHORITY_NOT, 0},
	{"asked about it", "token sight=asked", LK_AUTHORITY_PROVEN, LK_PROOF_TOKEN},
	{"a look-up about no ticket", "ticket=0", LK_AUTHORITY_HELD, 0},
	{"no ticket, verified", "ticket=0 verified dmarc=pass", LK_AUTHORITY_PROVEN,
	 LK_PROOF_DMARC},
	{"an agent token counts on its ticket only", "ticket=0 token", LK_AUTHORITY_HELD, 0},

	/* Agents as customers. */
	{"an agent's own matter", "part", LK_AUTHORITY_NOT, 0},
	{"an agent's own matter by the customer token", "part token=customer", LK_AUTHORITY_NOT, 0},
	{"an agent's own matter by the notice", "part token", LK_AUTHORITY_PROVEN, LK_PROOF_TOKEN},
	{"verified and a customer of that ticket", "part verified dmarc=pass", LK_AUTHORITY_NOT, 0},
};

static const char *value(char **words, const char *key, const char *fallback)
{
	size_t n = strlen(key);

	for (unsigned i = 0; words[i]; i++)
		if (strncmp(words[i], key, n) == 0 && words[i][n] == '=')
			return words[i] + n + 1;
	return fallback;
}

static bool flag(char **words, const char *name)
{
	return g_strv_contains((const char *const *)words, name);
}

static void token_of(char **words, lk_authority_facts *facts, lk_authority_token *token)
{
	const char *kind = value(words, "token", flag(words, "token") ? "agent" : NULL);

	if (!kind)
		return;
	token->ticket = 1042;
	token->is_for_agent = strcmp(kind, "other") != 0;
	token->is_revoked = strcmp(kind, "revoked") == 0;
	token->purpose = strcmp(kind, "customer") == 0	 ? LK_PURPOSE_CUSTOMER
			 : strcmp(kind, "note") == 0	 ? LK_PURPOSE_NOTE
			 : strcmp(kind, "supplier") == 0 ? LK_PURPOSE_SUPPLIER
			 : strcmp(kind, "consult") == 0	 ? LK_PURPOSE_CONSULT
			 : strcmp(kind, "action") == 0	 ? LK_PURPOSE_ACTION
							 : LK_PURPOSE_AGENT;
	facts->tokens = token;
	facts->n_tokens = 1;
}

static unsigned count(char **words, const char *key, const char *fallback)
{
	int64_t n = 0;
	g_autofree char *digits = g_strdup(value(words, key, fallback));

	digits[strspn(digits, "0123456789")] = 0;
	g_assert_true(lk_parse_int(digits, 0, 1000000, &n, NULL));
	return (unsigned)n;
}

static void test_attempts(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(attempts); i++) {
		g_auto(GStrv) words = g_strsplit(attempts[i].how, " ", -1);
		lk_authority_token token = {0};
		const char *sight = value(words, "sight", "full");
		const char *status = value(words, "status", "open");
		unsigned days = count(words, "ended", "0");
		lk_authority_facts facts = {
			.from_headers = count(words, "headers", "1"),
			.from_addresses = count(words, "addresses", "1"),
			.from = value(words, "from", "aino@example.fi"),
			.spf = value(words, "spf", NULL),
			.dkim = value(words, "dkim", NULL),
			.dmarc = value(words, "dmarc", NULL),
			.is_dkim_aligned = flag(words, "aligned"),
			.is_dmarc_other = flag(words, "other"),
			.senders_verified = flag(words, "verified"),
			.trust_internal = flag(words, "internal"),
			.auth_as = value(words, "auth-as", NULL),
			.n_auth_as = count(words, "n-auth-as",
					   strstr(attempts[i].how, "auth-as") ? "1" : "0"),
			.ticket = count(words, "ticket", "1042"),
			.at = NOW,
			.ended_at = days ? NOW - days * DAY : LK_TIME_NONE,
			.sight = strcmp(sight, "none") == 0    ? LK_SIGHT_NONE
				 : strcmp(sight, "asked") == 0 ? LK_SIGHT_ASKED
							       : LK_SIGHT_FULL,
			.takes_part = flag(words, "part"),
			.only_undoes = flag(words, "undo"),
			.names_others = flag(words, "others"),
		};
		facts.agent = lk_policy_agent(policy, facts.from);
		g_assert_true(lk_status_parse(status, &facts.status));
		token_of(words, &facts, &token);
		lk_authority_decision decision = lk_authority_decide(&facts);
		g_test_message("%s: %s", attempts[i].name, decision.reason);
		g_assert_nonnull(decision.reason);
		if (decision.authority != attempts[i].authority ||
		    decision.proof != attempts[i].proof)
			g_test_message("FAILED %s", attempts[i].name);
		g_assert_cmpstr(lk_authority_name(decision.authority), ==,
				lk_authority_name(attempts[i].authority));
		g_assert_cmpstr(lk_proof_name(decision.proof), ==,
				lk_proof_name(attempts[i].proof));
	}
}

static void test_alignment(void)
{
	static const struct {
		const char *address;
		const char *domain;
		bool is_aligned;
	} table[] = {
		{"aino@example.fi", "example.fi", true},
		{"aino@example.fi", "EXAMPLE.fi", true},
		{"aino@it.example.fi", "example.fi", true},
		{"aino@example.fi", "mail.example.fi", true},
		{"aino@example.fi", "example.com", false},
		{"aino@example.fi", "notexample.fi", false},
		{"aino@example.fi", "example.fi.evil.example", false},
		{"aino@good.co.uk", "evil.co.uk", false},
		{"aino@a.example.fi", "b.example.fi", false},
		{"aino@example.fi", "fi", false},
		{"aino@example.fi", "", false},
		{"aino@example.fi", NULL, false},
		{"aino@localhost", "localhost", false},
		{"aino", "example.fi", false},
		{"evil@x@example.fi", "x", false},
		{NULL, "example.fi", false},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		g_test_message("%s by %s", table[i].address, table[i].domain);
		g_assert_cmpint(lk_domain_is_aligned(table[i].address, table[i].domain), ==,
				table[i].is_aligned);
	}
}

static void test_sight(void)
{
	static const struct {
		const char *agent;
		const char *queue;
		const char *also;
		bool asked;
		lk_sight sight;
	} table[] = {
		{"aino@example.fi", "ict", NULL, false, LK_SIGHT_FULL},
		{"bo@example.fi", "ict", NULL, false, LK_SIGHT_FULL}, /* manager */
		{"aino@example.fi", "hr", NULL, false, LK_SIGHT_NONE},
		{"aino@example.fi", "hr", "ict", false, LK_SIGHT_SPLIT},
		{"aino@example.fi", "hr", "talous", false, LK_SIGHT_NONE},
		{"aino@example.fi", "hr", NULL, true, LK_SIGHT_ASKED},
		{"cia@example.fi", "hr", NULL, false, LK_SIGHT_FULL},
		{"cia@example.fi", "ict", NULL, false, LK_SIGHT_NONE},
		{"aino@example.fi", "talous", NULL, false, LK_SIGHT_FULL}, /* shares_with ict */
		{"cia@example.fi", "talous", NULL, false, LK_SIGHT_NONE},
		{"dan@example.fi", "hr", NULL, false, LK_SIGHT_FULL}, /* incident manager */
		{"dan@example.fi", "gone", NULL, false, LK_SIGHT_FULL},
		{"aino@example.fi", "gone", NULL, false, LK_SIGHT_NONE},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		const lk_agent *agent = lk_policy_agent(policy, table[i].agent);
		g_autoptr(GPtrArray) also = g_ptr_array_new();

		if (table[i].also)
			g_ptr_array_add(also, (void *)table[i].also);
		g_assert_nonnull(agent);
		g_test_message("%s sees %s", table[i].agent, table[i].queue);
		g_assert_cmpint(lk_sight_of(policy, agent, table[i].queue, also, table[i].asked),
				==, table[i].sight);
	}
	g_autoptr(GPtrArray) seen =
		lk_sight_queues(policy, lk_policy_agent(policy, "aino@example.fi"));
	g_assert_cmpuint(seen->len, ==, 2);
	g_assert_true(lk_agent_manages(policy, lk_policy_agent(policy, "bo@example.fi"),
				       lk_policy_queue(policy, "ict")));
	g_assert_false(lk_agent_manages(policy, lk_policy_agent(policy, "aino@example.fi"),
					lk_policy_queue(policy, "ict")));
}

static void test_leaks(void)
{
	static const char *const inside[] = {"ict@example.fi", "ict+token@example.fi",
					     "aino@example.fi", "Aino.Aalto@example.fi"};
	static const char *const outside[] = {"ict@example.fi", "maija@x.example"};

	g_assert_false(lk_authority_leaks(policy, inside, G_N_ELEMENTS(inside)));
	g_assert_true(lk_authority_leaks(policy, outside, G_N_ELEMENTS(outside)));
	g_assert_false(lk_authority_leaks(policy, NULL, 0));
}

static void add_agent(const char *address, const char *alias)
{
	lk_agent *agent = lk_agent_new();

	agent->name = g_strdup(address);
	agent->address = g_strdup(address);
	if (alias)
		g_ptr_array_add(agent->aliases, g_strdup(alias));
	g_ptr_array_add(policy->agents, agent);
}

static lk_queue *add_queue(const char *name, const char *agent)
{
	lk_queue *queue = lk_queue_new();

	queue->name = g_strdup(name);
	g_ptr_array_add(queue->addresses, g_strdup_printf("%s@example.fi", name));
	g_ptr_array_add(queue->agents, g_strdup(agent));
	g_ptr_array_add(policy->queues, queue);
	return queue;
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	policy = lk_policy_new();
	policy->subaddress = g_strdup("+");
	add_agent("aino@example.fi", "aino.aalto@example.fi");
	add_agent("bo@example.fi", NULL);
	add_agent("cia@example.fi", NULL);
	add_agent("dan@example.fi", NULL);
	g_ptr_array_add(policy->incident_managers, g_strdup("dan@example.fi"));
	g_ptr_array_add(add_queue("ict", "aino@example.fi")->managers, g_strdup("bo@example.fi"));
	add_queue("hr", "cia@example.fi");
	g_ptr_array_add(add_queue("talous", "bo@example.fi")->shares_with, g_strdup("ict"));
	g_test_add_func("/desk/authority/attempts", test_attempts);
	g_test_add_func("/desk/authority/sight", test_sight);
	g_test_add_func("/desk/authority/alignment", test_alignment);
	g_test_add_func("/desk/authority/leaks", test_leaks);
	int status = g_test_run();
	lk_policy_free(policy);
	return status;
}
