#include "lib/desk/notice.h"

#include "lib/base/text.h"
#include "lib/desk/absence.h"
#include "lib/desk/authority.h"

#include <string.h>

static const char *const names[LK_N_NOTICES] = {
	[LK_NOTICE_NEW] = "new",	   [LK_NOTICE_ANSWER] = "answer",
	[LK_NOTICE_ASSIGNED] = "assigned", [LK_NOTICE_TRANSFERRED] = "transferred",
	[LK_NOTICE_SUPPLIER] = "supplier", [LK_NOTICE_CONSULTED] = "consulted",
	[LK_NOTICE_NOTE] = "note",	   [LK_NOTICE_CHASED] = "chased",
	[LK_NOTICE_DATE] = "date",	   [LK_NOTICE_URGENT] = "urgent",
};

const char *lk_notice_name(lk_notice_kind kind)
{
	g_assert((unsigned)kind < LK_N_NOTICES);
	return names[kind];
}

/* "Maija via ICT-palvelupiste": clients show whose words these are. */
static char *from_name_of(const lk_policy *policy, const lk_notice *notice, lk_lang lang)
{
	const char *title = lk_text_in(&notice->queue->title, lang, policy->language);
	g_autofree char *who = notice->customer ? lk_text_squeeze(notice->customer) : NULL;
	g_autofree char *cut = who ? lk_text_cut(who, 100) : NULL;

	if (!cut || !*cut)
		return NULL;
	return g_strdup_printf("%s via %s", cut, *title ? title : notice->queue->name);
}

static lk_lang language_of(const lk_policy *policy, const lk_agent *agent)
{
	lk_lang lang = policy->language;

	if (agent->languages->len > 0)
		lk_lang_parse(g_ptr_array_index(agent->languages, 0), &lang);
	return lang;
}

bool lk_notice_send_to(lk_db *db, const lk_policy *policy, lk_time now, const lk_notice *notice,
		       const lk_agent *agent, GError **error)
{
	lk_lang lang = language_of(policy, agent);
	g_autofree char *from_name = from_name_of(policy, notice, lang);
	g_autofree char *section = g_strconcat("is_", lk_notice_name(notice->kind), NULL);
	g_autoptr(lk_json) variables = lk_json_object();
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
	int64_t outbox = 0;

	lk_json_set_bool(variables, section, true);
	lk_json_set_text(variables, "also", notice->also ? notice->also : "");
	lk_outbox_mail mail = {.ticket = notice->ticket,
			       .cause = notice->message,
			       .template_name = "notice",
			       .purpose = LK_PURPOSE_AGENT,
			       .queue = notice->queue,
			       .language = lang,
			       .recipient = agent->address,
			       .recipient_name = agent->name,
			       .rank = LK_RANK_ACKNOWLEDGEMENT,
			       .reason = notice->reason,
			       .variables = variables,
			       .from_name = from_name,
			       .attach = notice->message};
	return lk_outbox_add(db, policy, now, &mail, &verdict, &outbox, error);
}

static void add_agent(const lk_policy *policy, const lk_notice *notice, GPtrArray *to,
		      const char *address)
{
	const lk_agent *agent = lk_policy_agent(policy, address);

	if (!agent || g_ptr_array_find(to, agent, NULL) ||
	    (notice->doer && lk_policy_agent(policy, notice->doer) == agent))
		return;
	g_ptr_array_add(to, (void *)agent);
}

/* Nobody takes a ticket that has an owner: of one who has left somebody must hear all the same. */
static const GPtrArray *team_without(const lk_notice *notice)
{
	const lk_queue *queue = notice->queue;

	switch (notice->notify) {
	case LK_NOTIFY_AGENTS:
		return queue->agents;
	case LK_NOTIFY_MANAGERS:
		return queue->managers;
	case LK_NOTIFY_NONE:
		break;
	}
	if (!notice->owner)
		return NULL;
	return queue->managers->len > 0 ? queue->managers : queue->agents;
}

/* Only the owner once there is one who sees the ticket; else the team as the queue says. */
static GPtrArray *team_of(const lk_policy *policy, const lk_notice *notice)
{
	GPtrArray *to = g_ptr_array_new();
	const GPtrArray *team = NULL;

	if (lk_owner_of(policy, notice->owner, notice->queue)) {
		add_agent(policy, notice, to, notice->owner);
		return to;
	}
	team = team_without(notice);
	for (unsigned i = 0; team && i < team->len; i++)
		add_agent(policy, notice, to, g_ptr_array_index(team, i));
	return to;
}

/*
 * Deputies in place of those who are away, as far as they see the queue; the team as it is when
 * nobody of them is there.
 */
static bool stand_in(lk_db *db, const lk_policy *policy, lk_time now, const lk_queue *queue,
		     GPtrArray **to, GError **error)
{
	g_autoptr(GPtrArray) addresses = g_ptr_array_new();
	g_autoptr(GPtrArray) there = g_ptr_array_new();
	g_autoptr(GHashTable) away = NULL;

	for (unsigned i = 0; i < (*to)->len; i++)
		g_ptr_array_add(addresses, ((const lk_agent *)g_ptr_array_index(*to, i))->address);
	if (!lk_absence_find(db, policy, (const char *const *)(void *)addresses->pdata,
			     addresses->len, now, &away, error))
		return false;
	if (g_hash_table_size(away) == 0)
		return true;
	for (unsigned i = 0; i < (*to)->len; i++) {
		const lk_agent *agent = g_ptr_array_index(*to, i);
		if (g_hash_table_contains(away, agent->address) &&
		    !lk_absence_stand_in(db, policy, agent, now, &agent, NULL, error))
			return false;
		bool sees = agent &&
			    lk_sight_of(policy, agent, queue->name, NULL, false) == LK_SIGHT_FULL;
		if ((sees || agent == g_ptr_array_index(*to, i)) &&
		    !g_ptr_array_find(there, agent, NULL))
			g_ptr_array_add(there, (void *)agent);
	}
	if (there->len > 0) {
		g_ptr_array_unref(*to);
		*to = g_steal_pointer(&there);
	}
	return true;
}

bool lk_notice_find(lk_db *db, const lk_policy *policy, lk_time now, const lk_notice *notice,
		    GPtrArray **ret_agents, GError **error)
{
	g_autoptr(GPtrArray) to = team_of(policy, notice);

	if (to->len > 0 && !stand_in(db, policy, now, notice->queue, &to, error))
		return false;
	*ret_agents = g_steal_pointer(&to);
	return true;
}

bool lk_notice_send(lk_db *db, const lk_policy *policy, lk_time now, const lk_notice *notice,
		    GError **error)
{
	g_autoptr(GPtrArray) to = NULL;

	if (!lk_notice_find(db, policy, now, notice, &to, error))
		return false;
	for (unsigned i = 0; i < to->len; i++)
		if (!lk_notice_send_to(db, policy, now, notice, g_ptr_array_index(to, i), error))
			return false;
	return true;
}
