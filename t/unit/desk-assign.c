/* Who gets a new ticket: every way of a queue, over facts in a table. */
#include "lib/desk/assign.h"

#include <string.h>

static void add_agent(lk_policy *policy, const char *name, const char *skills,
		      const char *languages)
{
	lk_agent *agent = lk_agent_new();
	g_auto(GStrv) skill = g_strsplit(skills, " ", -1);
	g_auto(GStrv) language = g_strsplit(languages, " ", -1);

	agent->name = g_strdup(name);
	agent->address = g_strdup_printf("%s@example.fi", name);
	g_ptr_array_add(agent->aliases, g_strdup_printf("%s.alias@example.fi", name));
	for (unsigned i = 0; skill[i] && *skill[i]; i++)
		g_ptr_array_add(agent->skills, g_strdup(skill[i]));
	for (unsigned i = 0; language[i] && *language[i]; i++)
		g_ptr_array_add(agent->languages, g_strdup(language[i]));
	g_ptr_array_add(policy->agents, agent);
}

static lk_policy *make_policy(void)
{
	lk_policy *policy = lk_policy_new();
	lk_queue *queue = lk_queue_new();

	add_agent(policy, "aino", "printer network", "fi en");
	add_agent(policy, "bo", "payroll", "sv");
	add_agent(policy, "carl", "printer", "");
	add_agent(policy, "dora", "", "");
	queue->name = g_strdup("ict");
	g_ptr_array_add(queue->agents, g_strdup("aino@example.fi"));
	g_ptr_array_add(queue->agents, g_strdup("bo.alias@example.fi"));
	g_ptr_array_add(queue->agents, g_strdup("carl@example.fi"));
	g_ptr_array_add(queue->agents, g_strdup("aino.alias@example.fi"));
	g_ptr_array_add(queue->agents, g_strdup("gone@example.fi"));
	g_ptr_array_add(policy->queues, queue);
	return policy;
}

/* "aino bo" as a set of addresses. */
static GHashTable *set_of(const char *names)
{
	GHashTable *set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_auto(GStrv) all = g_strsplit(names, " ", -1);

	for (unsigned i = 0; all[i] && *all[i]; i++)
		g_hash_table_add(set, g_strdup_printf("%s@example.fi", all[i]));
	return set;
}

/* "aino=2 bo=0". */
static GHashTable *loads_of(const char *text)
{
	GHashTable *loads = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_auto(GStrv) all = g_strsplit(text, " ", -1);

	for (unsigned i = 0; all[i] && *all[i]; i++) {
		char *number = strchr(all[i], '=');
		int64_t *n = g_new(int64_t, 1);

		*n = number[1] - '0';
		*number = '\0';
		g_hash_table_insert(loads, g_strdup_printf("%s@example.fi", all[i]), n);
	}
	return loads;
}

static const struct {
	lk_assign way;
	const char *skill;
	const char *language;
	const char *owner;
	const char *last;
	const char *away;
	const char *open;
	const char *expected; /* name, "-" for nobody; "!" behind: takes a turn */
	const char *reason;   /* holds this */
} cases[] = {
	{LK_ASSIGN_NONE, NULL, "fi", NULL, "", "", "", "-", "leaves new tickets to"},
	{LK_ASSIGN_NONE, NULL, "fi", "dora", "", "", "", "dora", "a rule names"},
	{LK_ASSIGN_NONE, NULL, "fi", "dora", "", "dora", "", "-",
	 "dora@example.fi) is away; queue ict leaves"},
	{LK_ASSIGN_NONE, NULL, "fi", "nobody", "", "", "", "-", "is no agent; queue ict"},
	{LK_ASSIGN_ROUND_ROBIN, NULL, NULL, NULL, "", "", "", "aino!",
	 "in turn: the turn after nobody"},
	{LK_ASSIGN_ROUND_ROBIN, NULL, NULL, NULL, "aino", "", "", "bo!",
	 "the turn after aino@example.fi"},
	{LK_ASSIGN_ROUND_ROBIN, NULL, NULL, NULL, "bo", "", "", "carl!", ""},
	{LK_ASSIGN_ROUND_ROBIN, NULL, NULL, NULL, "carl", "", "", "aino!", ""},
	{LK_ASSIGN_ROUND_ROBIN, NULL, NULL, NULL, "left", "", "", "aino!", ""},
	{LK_ASSIGN_ROUND_ROBIN, NULL, NULL, NULL, "aino", "bo", "", "carl!",
	 "away: 1 of its agents"},
	{LK_ASSIGN_ROUND_ROBIN, NULL, NULL, NULL, "aino", "bo carl", "", "aino!", "away: 2"},
	{LK_ASSIGN_ROUND_ROBIN, NULL, NULL, NULL, "aino", "aino bo carl", "", "-",
	 "nobody to assign it to; away: 3"},
	{LK_ASSIGN_ROUND_ROBIN, NULL, NULL, NULL, "aino", "aino", "", "bo!", ""},
	{LK_ASSIGN_ROUND_ROBIN, "printer", NULL, NULL, "aino", "", "", "carl!",
	 "with skill \"printer\": the turn after aino@example.fi; without skill "
	 "\"printer\": 1"},
	{LK_ASSIGN_ROUND_ROBIN, NULL, NULL, "dora", "aino", "", "", "dora", "a rule names"},
	{LK_ASSIGN_ROUND_ROBIN, NULL, NULL, "dora", "aino", "dora", "", "bo!",
	 "dora@example.fi) is away; queue ict assigns in turn"},
	{LK_ASSIGN_LEAST_LOADED, NULL, NULL, NULL, "", "", "aino=2 bo=1 carl=3", "bo!",
	 "fewest open tickets (1)"},
	{LK_ASSIGN_LEAST_LOADED, NULL, NULL, NULL, "", "", "aino=2 bo=1", "carl!", "(0)"},
	{LK_ASSIGN_LEAST_LOADED, NULL, NULL, NULL, "aino", "", "aino=1 bo=2 carl=1", "carl!",
	 "(1), the turn after aino@example.fi"},
	{LK_ASSIGN_LEAST_LOADED, NULL, NULL, NULL, "carl", "", "aino=1 bo=2 carl=1", "aino!", ""},
	{LK_ASSIGN_LEAST_LOADED, NULL, "sv", NULL, "", "carl", "aino=1 bo=2", "aino!", ""},
	{LK_ASSIGN_LEAST_LOADED, "payroll", NULL, NULL, "", "", "bo=9", "bo!", "(9)"},
	{LK_ASSIGN_SKILL, "printer", "fi", NULL, "", "", "aino=3", "aino!",
	 "with skill \"printer\" who speak fi"},
	{LK_ASSIGN_SKILL, "printer", "de", NULL, "", "", "aino=3", "carl!", "(0)"},
	{LK_ASSIGN_SKILL, "Printer", NULL, NULL, "", "carl", "aino=3", "aino!", "away: 1"},
	{LK_ASSIGN_SKILL, "sv", NULL, NULL, "", "", "bo=4", "bo!", "with skill \"sv\""},
	{LK_ASSIGN_SKILL, "welding", "fi", NULL, "", "", "", "-",
	 "nobody to assign it to; without skill \"welding\": 3"},
	{LK_ASSIGN_SKILL, NULL, "sv", NULL, "", "", "bo=9", "bo!", "who speak sv"},
	{LK_ASSIGN_SKILL, NULL, "sv", NULL, "", "bo", "aino=1", "carl!", "away: 1"},
	{LK_ASSIGN_SKILL, NULL, NULL, NULL, "aino", "", "", "bo!", "(0), the turn after"},
};

static void test_decide(void)
{
	g_autoptr(lk_policy) policy = make_policy();
	lk_queue *queue = g_ptr_array_index(policy->queues, 0);

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GHashTable) away = set_of(cases[i].away);
		g_autoptr(GHashTable) open = loads_of(cases[i].open);
		g_autofree char *owner =
			cases[i].owner ? g_strdup_printf("%s@example.fi", cases[i].owner) : NULL;
		g_autofree char *last =
			*cases[i].last ? g_strdup_printf("%s@example.fi", cases[i].last) : NULL;
		lk_assignment got = {0};
		lk_assign_facts facts = {.queue = queue,
					 .skill = cases[i].skill,
					 .language = cases[i].language,
					 .owner = owner,
					 .last = last,
					 .away = away,
					 .open = open};
		queue->assign = cases[i].way;
		lk_assign_decide(policy, &facts, &got);
		g_autofree char *text = g_strdup_printf("%s%s", got.agent ? got.agent->name : "-",
							got.takes_turn ? "!" : "");
		g_autofree char *label = g_strdup_printf("case %u: %s", i, text);
		g_autofree char *wanted = g_strdup_printf("case %u: %s", i, cases[i].expected);
		g_assert_cmpstr(label, ==, wanted);
		g_assert_nonnull(got.reason);
		if (!strstr(got.reason, cases[i].reason))
			g_error("case %u: \"%s\" is not in \"%s\"", i, cases[i].reason, got.reason);
		g_assert_true(got.by_rule == (got.agent && !got.takes_turn));
		g_assert_true(lk_assign_needs_look(&facts) == (queue->assign != LK_ASSIGN_NONE));
		lk_assignment_clear(&got);
	}
}

/* Everybody gets as many, whoever comes and goes. */
static void test_fair(void)
{
	g_autoptr(lk_policy) policy = make_policy();
	lk_queue *queue = g_ptr_array_index(policy->queues, 0);
	g_autoptr(GHashTable) got = g_hash_table_new(g_str_hash, g_str_equal);
	const char *last = "";

	queue->assign = LK_ASSIGN_ROUND_ROBIN;
	for (unsigned i = 0; i < 300; i++) {
		lk_assign_facts facts = {.queue = queue, .last = last};
		lk_assignment assignment = {0};

		lk_assign_decide(policy, &facts, &assignment);
		g_assert_nonnull(assignment.agent);
		last = assignment.agent->address;
		g_hash_table_insert(
			got, (void *)last,
			GUINT_TO_POINTER(GPOINTER_TO_UINT(g_hash_table_lookup(got, last)) + 1));
		lk_assignment_clear(&assignment);
	}
	g_assert_cmpuint(g_hash_table_size(got), ==, 3);
	g_assert_cmpuint(GPOINTER_TO_UINT(g_hash_table_lookup(got, "bo@example.fi")), ==, 100);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/assign/decide", test_decide);
	g_test_add_func("/assign/fair", test_fair);
	return g_test_run();
}
