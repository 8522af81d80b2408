/* Outcomes of lib/desk/plan, routes and the look-ups of the policy, as tables. */
#include "lib/base/secret.h"
#include "lib/desk/plan.h"

#include <string.h>

static lk_policy *policy;

static lk_queue *add_queue(const char *name, const char *address)
{
	lk_queue *queue = lk_queue_new();

	queue->name = g_strdup(name);
	queue->from = g_strdup(address);
	queue->language = LK_LANG_FI;
	g_ptr_array_add(queue->addresses, g_strdup(address));
	g_ptr_array_add(policy->queues, queue);
	return queue;
}

static void add_organisation(const char *name, const char *domain, const char *address)
{
	lk_organisation *organisation = lk_organisation_new();

	organisation->name = g_strdup(name);
	if (domain)
		g_ptr_array_add(organisation->domains, g_strdup(domain));
	if (address)
		g_ptr_array_add(organisation->addresses, g_strdup(address));
	g_ptr_array_add(policy->organisations, organisation);
}

static void make_policy(void)
{
	static const uint8_t key[32] = {3};
	lk_agent *agent = lk_agent_new();
	lk_queue *queue = NULL;

	policy = lk_policy_new();
	policy->prefix = g_strdup("TUKI");
	policy->subaddress = g_strdup("+");
	policy->envelope_from = g_strdup("bounces@example.fi");
	policy->keys = lk_keys_from_bytes(key, 1, "example.fi");
	add_queue("ict", "ict@example.fi");
	queue = add_queue("hr", "hr@example.fi");
	queue->default_type = g_strdup("request");
	g_ptr_array_add(queue->addresses, g_strdup("palkka+a@example.fi"));
	queue = add_queue("quiet", "quiet@example.fi");
	queue->acknowledge = false;
	queue->machine_mail = LK_MACHINE_QUARANTINE;
	queue = add_queue("ruled", "ruled@example.fi");
	queue->machine_mail = LK_MACHINE_RULE;
	agent->name = g_strdup("Aino");
	agent->address = g_strdup("aino@example.fi");
	g_ptr_array_add(agent->aliases, g_strdup("aino.aalto@example.fi"));
	g_ptr_array_add(policy->agents, agent);
	add_organisation("whole", "example.org", NULL);
	add_organisation("ward", "ward.example.org", NULL);
	add_organisation("one", NULL, "chief@ward.example.org");
	g_ptr_array_add(policy->mailboxes, lk_desk_mailbox_new("hr", "hr"));
	g_ptr_array_add(policy->mailboxes, lk_desk_mailbox_new("lost", "no-such-queue"));
}

static void test_own(void)
{
	static const char *const own[] = {"ict@example.fi",	"ICT@Example.FI",
					  "ict+x@example.fi",	"<hr@example.fi>",
					  "bounces@example.fi", "bounces+abc@example.fi",
					  "palkka+a@example.fi"};
	static const char *const other[] = {"",
					    "ict",
					    "ict@example.org",
					    "aino@example.fi",
					    "+@x",
					    "palkka@example.fi",
					    "ictx@example.fi",
					    "@example.fi"};

	for (unsigned i = 0; i < G_N_ELEMENTS(own); i++)
		g_assert_true(lk_policy_is_own_address(policy, own[i]));
	for (unsigned i = 0; i < G_N_ELEMENTS(other); i++)
		g_assert_false(lk_policy_is_own_address(policy, other[i]));
	g_assert_false(lk_policy_is_own_address(policy, NULL));
	g_assert_null(lk_policy_queue_by_address(policy, "bounces@example.fi"));
	g_assert_cmpstr(lk_policy_queue_by_address(policy, "Palkka+A@example.fi")->name, ==, "hr");
}

static void test_people(void)
{
	g_assert_nonnull(lk_policy_agent(policy, "Aino.Aalto@example.fi"));
	g_assert_null(lk_policy_agent(policy, "aino+x@example.fi"));
	g_assert_null(lk_policy_agent(policy, NULL));
	g_assert_cmpstr(lk_policy_organisation(policy, "a@example.org")->name, ==, "whole");
	g_assert_cmpstr(lk_policy_organisation(policy, "a@b.example.org")->name, ==, "whole");
	g_assert_cmpstr(lk_policy_organisation(policy, "a@ward.example.org")->name, ==, "ward");
	g_assert_cmpstr(lk_policy_organisation(policy, "Chief@ward.example.org")->name, ==, "one");
	g_assert_null(lk_policy_organisation(policy, "a@badexample.org"));
	g_assert_null(lk_policy_organisation(policy, NULL));
}

static void test_languages(void)
{
	lk_text text = {.in = {NULL, (char *)"svenska", (char *)"english"}};
	lk_text none = {{NULL, NULL, NULL}};
	lk_lang lang = LK_LANG_FI;

	g_assert_cmpstr(lk_text_in(&text, LK_LANG_SV, LK_LANG_EN), ==, "svenska");
	g_assert_cmpstr(lk_text_in(&text, LK_LANG_FI, LK_LANG_EN), ==, "english");
	g_assert_cmpstr(lk_text_in(&text, LK_LANG_FI, LK_LANG_FI), ==, "svenska");
	g_assert_cmpstr(lk_text_in(&none, LK_LANG_FI, LK_LANG_FI), ==, "");
	g_assert_true(lk_lang_parse("EN", &lang));
	g_assert_cmpint(lang, ==, LK_LANG_EN);
	g_assert_false(lk_lang_parse("de", &lang));
	g_assert_false(lk_lang_parse(NULL, &lang));
}

static void test_route(void)
{
	static const struct {
		const char *envelope;
		const char *to;
		const char *cc;
		const char *delivered;
		const char *mailbox;
		const char *queue;
		unsigned others;
	} table[] = {
		{NULL, "ict@example.fi", NULL, NULL, "hr", "ict", 0},
		{NULL, "x@example.org", "hr@example.fi", NULL, NULL, "hr", 0},
		{NULL, "hr@example.fi", "ict@example.fi", NULL, NULL, "hr", 1},
		{NULL, "hr@example.fi", "hr+abc@example.fi", NULL, NULL, "hr", 0},
		{"ict@example.fi", "hr@example.fi", NULL, NULL, NULL, "ict", 1},
		{NULL, "x@example.org", NULL, "hr@example.fi", NULL, "hr", 0},
		{NULL, "x@example.org", NULL, NULL, "hr", "hr", 0},
		{NULL, NULL, NULL, NULL, "lost", "ict", 0},
		{NULL, NULL, NULL, NULL, NULL, "ict", 0},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autoptr(lk_mail) mail = lk_mail_new();
		const char *const recipients[] = {table[i].envelope, NULL};
		lk_route_facts facts = {
			.mail = mail, .recipients = recipients, .mailbox = table[i].mailbox};
		lk_route route = {0};

		if (table[i].to)
			g_ptr_array_add(mail->to, lk_address_new(NULL, table[i].to));
		if (table[i].cc)
			g_ptr_array_add(mail->cc, lk_address_new(NULL, table[i].cc));
		if (table[i].delivered)
			g_ptr_array_add(mail->delivered_to, g_strdup(table[i].delivered));
		lk_route_decide(policy, &facts, &route);
		g_assert_cmpstr(route.queue->name, ==, table[i].queue);
		g_assert_cmpuint(route.others->len, ==, table[i].others);
		g_assert_true(route.reason && *route.reason);
		g_assert_cmpstr(route.priority, ==, "normal");
		lk_route_clear(&route);
	}
}

/* One line of the table of outcomes. */
typedef struct {
	const char *name;
	lk_kind kind;
	bool vacation, unparsed, silent, suppress, null_path, dmarc_fails;
	bool blocked, suppressed, names_us;
	const char *from;
	const char *queue;    /* "ict" when NULL */
	lk_evidence evidence; /* of a ticket it ties to; NONE: to none */
	bool ended;	      /* that ticket */
	int64_t repeat;	      /* machine_repeat */
	lk_outcome outcome;
	const char *quarantine; /* NULL: none */
	int64_t ticket;
	bool acknowledge;
} plan_case;

#define M "maija@example.org"
#define T LK_OUTCOME_TICKET
#define Q LK_OUTCOME_QUARANTINE
static const plan_case plan_cases[] = {
	{.name = "a new mail", .from = M, .outcome = T, .acknowledge = true},
	{.name = "a reply", .from = M, .evidence = LK_EVIDENCE_TOKEN, .outcome = T, .ticket = 7},
	{.name = "from nobody", .outcome = T},
	{.name = "from no address", .from = "Maija", .outcome = T},
	{.name = "from ourselves", .from = "ict+x@example.fi", .outcome = T},
	{.name = "from the bounce address", .from = "bounces@example.fi", .outcome = T},
	{.name = "from an agent", .from = "aino@example.fi", .outcome = T, .acknowledge = true},
	{.name = "with a null path", .from = M, .null_path = true, .outcome = T},
	{.name = "that asks for silence", .from = M, .suppress = true, .outcome = T},
	{.name = "that failed dmarc", .from = M, .dmarc_fails = true, .outcome = T},
	{.name = "of the backlog", .from = M, .silent = true, .outcome = T},
	{.name = "unparsed", .from = M, .unparsed = true, .outcome = T},
	{.name = "unparsed with a token",
	 .from = M,
	 .unparsed = true,
	 .evidence = LK_EVIDENCE_TOKEN,
	 .outcome = T},
	{.name = "to a quiet queue", .from = M, .queue = "quiet", .outcome = T},
	{.name = "from the blocked",
	 .from = M,
	 .blocked = true,
	 .outcome = Q,
	 .quarantine = "blocked"},
	{.name = "a reply of the blocked",
	 .from = M,
	 .blocked = true,
	 .evidence = LK_EVIDENCE_TOKEN,
	 .outcome = Q,
	 .quarantine = "blocked"},
	{.name = "from a bounced address",
	 .from = M,
	 .suppressed = true,
	 .outcome = T,
	 .acknowledge = true},
	{.name = "from a bounced address that failed dmarc",
	 .from = M,
	 .suppressed = true,
	 .dmarc_fails = true,
	 .outcome = T},
	{.name = "a vacation answer",
	 .kind = LK_KIND_AUTO_REPLY,
	 .vacation = true,
	 .from = M,
	 .outcome = Q,
	 .quarantine = "auto_reply"},
	{.name = "a vacation answer that ties",
	 .kind = LK_KIND_AUTO_REPLY,
	 .vacation = true,
	 .from = M,
	 .evidence = LK_EVIDENCE_REFERENCE,
	 .ended = true,
	 .outcome = T,
	 .ticket = 7},
	{.name = "an automatic answer to us that ties to nothing",
	 .kind = LK_KIND_AUTO_REPLY,
	 .names_us = true,
	 .from = M,
	 .outcome = Q,
	 .quarantine = "auto_reply"},
	{.name = "an automatic answer to us",
	 .kind = LK_KIND_AUTO_REPLY,
	 .names_us = true,
	 .from = M,
	 .evidence = LK_EVIDENCE_MESSAGE_ID,
	 .ended = true,
	 .outcome = T,
	 .ticket = 7},
	{.name = "an alarm", .kind = LK_KIND_AUTO_REPLY, .from = M, .outcome = T},
	{.name = "an alarm again",
	 .kind = LK_KIND_AUTO_REPLY,
	 .from = M,
	 .repeat = 9,
	 .outcome = T,
	 .ticket = 9},
	{.name = "an alarm that refers to an open one",
	 .kind = LK_KIND_AUTO_REPLY,
	 .from = M,
	 .evidence = LK_EVIDENCE_REFERENCE,
	 .outcome = T,
	 .ticket = 7},
	{.name = "an alarm that refers to a finished one",
	 .kind = LK_KIND_AUTO_REPLY,
	 .from = M,
	 .evidence = LK_EVIDENCE_REFERENCE,
	 .ended = true,
	 .outcome = T},
	{.name = "an alarm to a queue that quarantines",
	 .kind = LK_KIND_AUTO_REPLY,
	 .from = M,
	 .queue = "quiet",
	 .outcome = Q,
	 .quarantine = "machine_mail"},
	{.name = "an alarm that no rule takes",
	 .kind = LK_KIND_AUTO_REPLY,
	 .from = M,
	 .queue = "ruled",
	 .outcome = Q,
	 .quarantine = "machine_mail"},
	{.name = "a report that proves nothing",
	 .kind = LK_KIND_BOUNCE,
	 .from = M,
	 .outcome = Q,
	 .quarantine = "unproven_bounce"},
	{.name = "a report that ties but proves nothing",
	 .kind = LK_KIND_BOUNCE,
	 .from = M,
	 .evidence = LK_EVIDENCE_TOKEN,
	 .outcome = Q,
	 .quarantine = "unproven_bounce"},
	{.name = "list mail", .kind = LK_KIND_LIST, .from = M, .outcome = Q, .quarantine = "list"},
	{.name = "list mail by token",
	 .kind = LK_KIND_LIST,
	 .from = M,
	 .evidence = LK_EVIDENCE_TOKEN,
	 .outcome = T,
	 .ticket = 7},
	{.name = "list mail by subject",
	 .kind = LK_KIND_LIST,
	 .from = M,
	 .evidence = LK_EVIDENCE_SUBJECT,
	 .outcome = Q,
	 .quarantine = "list"},
	{.name = "an invitation",
	 .kind = LK_KIND_CALENDAR,
	 .from = M,
	 .outcome = Q,
	 .quarantine = "calendar"},
	{.name = "an invitation by reference",
	 .kind = LK_KIND_CALENDAR,
	 .from = M,
	 .evidence = LK_EVIDENCE_REFERENCE,
	 .outcome = T,
	 .ticket = 7},
};

static void fill_mail(const plan_case *c, lk_mail *mail)
{
	mail->kind = c->kind;
	mail->is_vacation = c->vacation;
	mail->is_unparsed = c->unparsed;
	mail->suppress_reply = c->suppress;
	if (c->from)
		mail->from = lk_address_new(NULL, c->from);
	if (c->null_path)
		mail->return_path = g_strdup("");
	if (c->dmarc_fails) {
		mail->auth = lk_auth_new();
		mail->auth->dmarc = g_strdup("FAIL");
	}
}

static void check_plan(const void *data)
{
	const plan_case *c = data;
	g_autoptr(lk_mail) mail = lk_mail_new();
	lk_intake intake = {.mailbox = "ict", .is_silent = c->silent, .mail = mail};
	lk_thread_decision thread = {.ticket = c->evidence ? 7 : 0,
				     .evidence = c->evidence,
				     .reason = g_strdup("a reason"),
				     .is_ended = c->ended};
	lk_route route = {.queue = lk_policy_queue(policy, c->queue ? c->queue : "ict"),
			  .reason = g_strdup("a route"),
			  .others = g_ptr_array_new(),
			  .priority = "normal"};
	lk_plan_sender sender = {.is_blocked = c->blocked,
				 .is_suppressed = c->suppressed,
				 .machine_repeat = c->repeat};
	g_autofree char *id = lk_message_id_sign(policy->keys, LK_PURPOSE_CUSTOMER, 7, 1);
	lk_plan plan = {0};

	lk_rule_result_init(&route.rules);
	fill_mail(c, mail);
	if (c->names_us)
		mail->in_reply_to = g_strdup(id);
	g_autoptr(lk_clues) clues = lk_clues_find(policy, mail, NULL);
	lk_plan_decide(policy, &intake, clues, &thread, &route, &sender, &plan);
	g_assert_cmpint(plan.outcome, ==, c->outcome);
	g_assert_cmpstr(plan.quarantine, ==, c->quarantine);
	g_assert_cmpint(plan.ticket, ==, c->ticket);
	g_assert_cmpint(plan.acknowledge, ==, c->acknowledge);
	g_assert_true(plan.reason && *plan.reason);
	g_assert_true(plan.acknowledge_reason && *plan.acknowledge_reason);
	g_assert_null(strstr(plan.reason, "maija"));

	g_autoptr(lk_json) explain = lk_plan_explain(policy, &intake, &thread, &route, &plan);
	static const char *const keys[] = {"kind",
					   "kind_reason",
					   "ticket",
					   "evidence",
					   "evidence_reason",
					   "joins",
					   "rules",
					   "queue",
					   "type",
					   "priority",
					   "owner",
					   "status",
					   "tags",
					   "fields",
					   "language",
					   "organisation",
					   "missing_fields",
					   "acknowledge",
					   "mails",
					   "commands",
					   "writer",
					   "acknowledge_reason"};
	for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++)
		g_assert_nonnull(lk_json_get(explain, keys[i]));
	g_assert_cmpuint(lk_json_size(lk_json_get(explain, "mails")), ==, c->acknowledge ? 1 : 0);
	lk_plan_clear(&plan);
	lk_thread_decision_clear(&thread);
	lk_route_clear(&route);
}

/* Language: person, detection, queue; both texts only when nothing but the queue tells. */
static void test_plan_language(void)
{
	static const struct {
		const char *person;
		const char *detected;
		lk_lang language;
		bool is_bilingual;
	} table[] = {
		{"sv", "en", LK_LANG_SV, false},
		{NULL, "en", LK_LANG_EN, false},
		{NULL, NULL, LK_LANG_FI, true},
		{"de", "nl", LK_LANG_FI, true},
	};

	policy->bilingual[LK_LANG_FI] = policy->bilingual[LK_LANG_SV] = true;
	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autoptr(lk_mail) mail = lk_mail_new();
		lk_intake intake = {.mailbox = "ict", .mail = mail};
		lk_thread_decision thread = {.reason = g_strdup("x")};
		lk_route route = {.queue = lk_policy_queue(policy, "ict"), .reason = g_strdup("x")};
		lk_plan_sender sender = {.language = table[i].person};
		lk_plan plan = {0};

		lk_rule_result_init(&route.rules);
		mail->language = g_strdup(table[i].detected);
		g_autoptr(lk_clues) clues = lk_clues_find(policy, mail, NULL);
		lk_plan_decide(policy, &intake, clues, &thread, &route, &sender, &plan);
		g_assert_cmpint(plan.language, ==, table[i].language);
		g_assert_cmpint(plan.is_bilingual, ==, table[i].is_bilingual);
		lk_plan_clear(&plan);
		lk_thread_decision_clear(&thread);
		lk_route_clear(&route);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	lk_sodium_init();
	make_policy();
	g_test_add_func("/desk/policy/own", test_own);
	g_test_add_func("/desk/policy/people", test_people);
	g_test_add_func("/desk/policy/languages", test_languages);
	g_test_add_func("/desk/route", test_route);
	for (unsigned i = 0; i < G_N_ELEMENTS(plan_cases); i++) {
		g_autofree char *name = g_strdup_printf("/desk/plan/%s", plan_cases[i].name);
		g_test_add_data_func(name, &plan_cases[i], check_plan);
	}
	g_test_add_func("/desk/plan-language", test_plan_language);
	int status = g_test_run();
	lk_keys_free(policy->keys);
	lk_policy_free(policy);
	return status;
}
