#include "lib/desk/assign.h"

#include <inttypes.h>
#include <string.h>

void lk_assignment_clear(lk_assignment *assign)
{
	g_clear_pointer(&assign->reason, g_free);
}

static bool has_word(const GPtrArray *words, const char *word)
{
	for (unsigned i = 0; i < words->len; i++)
		if (g_ascii_strcasecmp(g_ptr_array_index(words, i), word) == 0)
			return true;
	return false;
}

static bool is_away(const lk_assign_facts *facts, const lk_agent *agent)
{
	return facts->away && g_hash_table_contains(facts->away, agent->address);
}

static int64_t open_of(const lk_assign_facts *facts, const lk_agent *agent)
{
	const int64_t *n = facts->open ? g_hash_table_lookup(facts->open, agent->address) : NULL;

	return n ? *n : 0;
}

/* The queue's agents who are there and have the skill, in the configuration's order. */
static GPtrArray *candidates(const lk_policy *policy, const lk_assign_facts *facts,
			     unsigned *ret_away, unsigned *ret_unskilled)
{
	GPtrArray *all = g_ptr_array_new();
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	for (unsigned i = 0; i < facts->queue->agents->len; i++) {
		const lk_agent *agent =
			lk_policy_agent(policy, g_ptr_array_index(facts->queue->agents, i));

		if (!agent || !g_hash_table_add(seen, (void *)agent))
			continue;
		if (is_away(facts, agent))
			(*ret_away)++;
		else if (facts->skill && !has_word(agent->skills, facts->skill) &&
			 !has_word(agent->languages, facts->skill))
			(*ret_unskilled)++;
		else
			g_ptr_array_add(all, (void *)agent);
	}
	return all;
}

/* Only those who speak the language, where anybody does. True when that leaves somebody out. */
static bool keep_speakers(const lk_assign_facts *facts, GPtrArray *all)
{
	unsigned before = all->len;
	unsigned speakers = 0;

	for (unsigned i = 0; facts->language && i < all->len; i++) {
		const lk_agent *agent = g_ptr_array_index(all, i);

		speakers += has_word(agent->languages, facts->language);
	}
	for (unsigned i = all->len; speakers > 0 && i-- > 0;) {
		const lk_agent *agent = g_ptr_array_index(all, i);

		if (!has_word(agent->languages, facts->language))
			g_ptr_array_remove_index(all, i);
	}
	return all->len < before;
}

static void keep_least_loaded(const lk_assign_facts *facts, GPtrArray *all)
{
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < all->len; i++)
		least = MIN(least, open_of(facts, g_ptr_array_index(all, i)));
	for (unsigned i = all->len; i-- > 0;)
		if (open_of(facts, g_ptr_array_index(all, i)) > least)
			g_ptr_array_remove_index(all, i);
}

/* The place of an address among the queue's agents; their number when it is none of theirs. */
static unsigned place_of(const lk_policy *policy, const lk_queue *queue, const char *address)
{
	unsigned i = 0;

	for (; i < queue->agents->len; i++) {
		const lk_agent *agent =
			lk_policy_agent(policy, g_ptr_array_index(queue->agents, i));

		if (agent && strcmp(agent->address, address) == 0)
			break;
	}
	return i;
}

/* The first behind the last one, around the end; the first of all when the last one has left. */
static const lk_agent *next_in_turn(const lk_policy *policy, const lk_assign_facts *facts,
				    const GPtrArray *all)
{
	unsigned last = place_of(policy, facts->queue, facts->last ? facts->last : "");

	for (unsigned i = 0; last < facts->queue->agents->len && i < all->len; i++) {
		const lk_agent *agent = g_ptr_array_index(all, i);

		if (place_of(policy, facts->queue, agent->address) > last)
			return agent;
	}
	return g_ptr_array_index(all, 0);
}

/* "; 2 are away, 1 lacks the skill"; "" when all could be chosen from. Caller frees. */
static char *left_out(unsigned away, unsigned unskilled, const char *skill)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (away > 0)
		g_string_append_printf(text, "; away: %u of its agents", away);
	if (unskilled > 0)
		g_string_append_printf(text, "; without skill \"%s\": %u", skill, unskilled);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static void explain(const lk_assign_facts *facts, lk_assignment *assign, unsigned n,
		    bool by_language, const char *others)
{
	const char *after = facts->last && *facts->last ? facts->last : "nobody";
	const char *skill = facts->skill ? facts->skill : "";
	g_autofree char *with =
		facts->skill ? g_strdup_printf(" with skill \"%s\"", skill) : g_strdup("");
	g_autofree char *speaks =
		by_language ? g_strdup_printf(" who speak %s", facts->language) : g_strdup("");
	g_autofree char *equals =
		n > 1 ? g_strdup_printf(", the turn after %s", after) : g_strdup("");

	if (facts->queue->assign == LK_ASSIGN_ROUND_ROBIN)
		assign->reason = g_strdup_printf("queue %s assigns in turn%s: the turn after %s%s",
						 facts->queue->name, with, after, others);
	else
		assign->reason = g_strdup_printf(
			"queue %s assigns to the agent%s%s with the fewest open tickets (%" PRId64
			")%s%s",
			facts->queue->name, with, speaks, open_of(facts, assign->agent), equals,
			others);
}

static void choose(const lk_policy *policy, const lk_assign_facts *facts, lk_assignment *assign)
{
	unsigned away = 0;
	unsigned unskilled = 0;
	g_autoptr(GPtrArray) all = candidates(policy, facts, &away, &unskilled);
	g_autofree char *others = left_out(away, unskilled, facts->skill);
	bool by_language = false;

	if (all->len == 0) {
		assign->reason = g_strdup_printf("queue %s has nobody to assign it to%s",
						 facts->queue->name, others);
		return;
	}
	if (facts->queue->assign == LK_ASSIGN_SKILL)
		by_language = keep_speakers(facts, all);
	if (facts->queue->assign != LK_ASSIGN_ROUND_ROBIN)
		keep_least_loaded(facts, all);
	assign->agent = next_in_turn(policy, facts, all);
	assign->takes_turn = true;
	explain(facts, assign, all->len, by_language, others);
}

void lk_assign_decide(const lk_policy *policy, const lk_assign_facts *facts,
		      lk_assignment *ret_assign)
{
	const lk_agent *owner = facts->owner ? lk_policy_agent(policy, facts->owner) : NULL;

	memset(ret_assign, 0, sizeof(*ret_assign));
	if (owner && !is_away(facts, owner)) {
		ret_assign->agent = owner;
		ret_assign->by_rule = true;
		ret_assign->reason = g_strdup("a rule names the owner");
		return;
	}
	if (facts->queue->assign == LK_ASSIGN_NONE)
		ret_assign->reason = g_strdup_printf("queue %s leaves new tickets to whoever takes "
						     "them",
						     facts->queue->name);
	else
		choose(policy, facts, ret_assign);
	if (!facts->owner)
		return;
	g_autofree char *reason = g_steal_pointer(&ret_assign->reason);
	ret_assign->reason = g_strdup_printf("the owner that a rule names (%s) is %s; %s",
					     facts->owner, owner ? "away" : "no agent", reason);
}

bool lk_assign_needs_look(const lk_assign_facts *facts)
{
	return facts->queue->assign != LK_ASSIGN_NONE && facts->queue->agents->len > 0;
}

static bool read_turn(lk_db *db, const lk_queue *queue, bool takes_turn, char **ret_last,
		      GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_text(params, queue->name);
	if (!lk_db_run(db, takes_turn ? LK_Q_ASSIGN_LOCK : LK_Q_ASSIGN_PEEK, params, &rows, error))
		return false;
	*ret_last = g_strdup(lk_rows_count(rows) > 0 ? lk_row_text(rows, 0, "last") : "");
	return true;
}

/* The queue's agents by their addresses on file, as owners are stored. Borrowed. */
static GPtrArray *owners_of(const lk_policy *policy, const lk_queue *queue)
{
	GPtrArray *owners = g_ptr_array_new();

	for (unsigned i = 0; i < queue->agents->len; i++) {
		const lk_agent *agent =
			lk_policy_agent(policy, g_ptr_array_index(queue->agents, i));

		if (agent)
			g_ptr_array_add(owners, agent->address);
	}
	return owners;
}

bool lk_assign_look(lk_db *db, const lk_policy *policy, const lk_queue *queue, bool takes_turn,
		    char **ret_last, GHashTable **ret_open, GError **error)
{
	g_autoptr(GPtrArray) owners = owners_of(policy, queue);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GHashTable) open = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autofree char *last = NULL;

	/* The turn first: then the counts hold what its holder before has committed. */
	if (!read_turn(db, queue, takes_turn, &last, error))
		return false;
	if (queue->assign != LK_ASSIGN_ROUND_ROBIN) {
		lk_param_texts(params, owners);
		if (!lk_db_run(db, LK_Q_ASSIGN_LOADS, params, &rows, error))
			return false;
	}
	for (size_t i = 0; rows && i < lk_rows_count(rows); i++) {
		int64_t *n = g_new(int64_t, 1);

		*n = lk_row_int(rows, i, "n");
		g_hash_table_insert(open, g_strdup(lk_row_text(rows, i, "owner")), n);
	}
	*ret_last = g_steal_pointer(&last);
	*ret_open = g_steal_pointer(&open);
	return true;
}

bool lk_assign_took(lk_db *db, const lk_queue *queue, const lk_agent *agent, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_text(params, queue->name);
	lk_param_text(params, agent->address);
	return lk_db_run(db, LK_Q_ASSIGN_TOOK, params, NULL, error);
}
