#include "lib/conf/check.h"

#include "lib/conf/form.h"

#include <string.h>

/* A rule's set.skill. Borrowed. */
typedef struct {
	const lk_conf_rule *rule;
	const lk_conf_set *set;
} wish;

static void add_wishes(GArray *wishes, const GPtrArray *rules)
{
	for (unsigned i = 0; i < rules->len; i++) {
		const lk_conf_rule *rule = g_ptr_array_index(rules, i);

		for (unsigned j = 0; j < rule->set->len; j++) {
			wish one = {rule, g_ptr_array_index(rule->set, j)};

			if (strcmp(one.set->name, "skill") == 0 && one.set->values->len > 0)
				g_array_append_val(wishes, one);
		}
	}
}

static const char *skill_of(const wish *one)
{
	return g_ptr_array_index(one->set->values, 0);
}

static bool has_word(GPtrArray *words, const char *word)
{
	return g_ptr_array_find_with_equal_func(words, word, g_str_equal, NULL);
}

/* Everything an agent can; their languages count. Elements borrowed; caller unrefs. */
static GPtrArray *skills_of_all(const lk_conf *conf)
{
	GPtrArray *all = g_ptr_array_new();

	for (unsigned i = 0; i < conf->agents->len; i++) {
		const lk_conf_agent *agent = g_ptr_array_index(conf->agents, i);

		for (unsigned j = 0; j < agent->skills->len; j++)
			g_ptr_array_add(all, g_ptr_array_index(agent->skills, j));
		for (unsigned j = 0; j < agent->languages->len; j++)
			g_ptr_array_add(all, g_ptr_array_index(agent->languages, j));
	}
	return all;
}

static bool is_wished(const GArray *wishes, const char *skill)
{
	for (unsigned i = 0; i < wishes->len; i++)
		if (strcmp(skill_of(&g_array_index(wishes, wish, i)), skill) == 0)
			return true;
	return false;
}

void lk_check_skills(const lk_findings *findings, const lk_conf *conf)
{
	g_autoptr(GArray) wishes = g_array_new(FALSE, FALSE, sizeof(wish));
	g_autoptr(GPtrArray) all = skills_of_all(conf);

	add_wishes(wishes, conf->rules);
	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		add_wishes(wishes, queue->rules);
	}
	for (unsigned i = 0; i < wishes->len; i++) {
		const wish *one = &g_array_index(wishes, wish, i);
		g_autofree char *near = NULL;

		if (has_word(all, skill_of(one)))
			continue;
		near = lk_did_you_mean(skill_of(one), (const char *const *)all->pdata, all->len);
		lk_find_warning(findings, one->set->at,
				"rules[%s].set.skill: no agent has the skill \"%s\"%s",
				one->rule->name ? one->rule->name : "", skill_of(one), near);
	}
	for (unsigned i = 0; i < conf->agents->len; i++) {
		const lk_conf_agent *agent = g_ptr_array_index(conf->agents, i);

		for (unsigned j = 0; j < agent->skills->len; j++) {
			const char *skill = g_ptr_array_index(agent->skills, j);

			if (!is_wished(wishes, skill))
				lk_find_warning(findings, agent->at,
						"agents[%s].skills: no rule asks for \"%s\" "
						"(set: { skill = \"%s\"; })",
						agent->name ? agent->name : "", skill, skill);
		}
	}
}
