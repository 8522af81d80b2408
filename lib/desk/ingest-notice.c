/* Who of the team hears of the mail that came. */
#include "lib/desk/intake.h"

#include "lib/desk/notice.h"

#include <string.h>

/* Is it a mail that the team wants to see at once? NULL kind: no, with the reason in words. */
static const char *quiet_because(const lk_work *work)
{
	const lk_plan *plan = &work->plan;
	const char *status = work->route.rules.status;

	if (plan->outcome != LK_OUTCOME_TICKET)
		return "it is on no ticket";
	if (work->intake->is_silent)
		return "it is from before the first contact with the mailbox";
	if (plan->ticket == 0)
		return status && strcmp(status, "junk") == 0 ? "a rule says it is junk" : NULL;
	if (lk_work_moved_to(work))
		return NULL;
	if (work->mail->kind == LK_KIND_AUTO_REPLY)
		return "an automatic mail on a ticket is an event alone";
	if (plan->writer == LK_WRITER_AGENT || plan->writer == LK_WRITER_MANAGER)
		return "one of the team wrote it";
	if (work->thread.is_chase)
		return "it only asks how it goes";
	if (work->thread.is_thanks && work->thread.is_ended)
		return "it only says thanks";
	return NULL;
}

static lk_notice_kind kind_of(const lk_work *work)
{
	if (work->plan.ticket == 0)
		return LK_NOTICE_NEW;
	if (lk_work_moved_to(work))
		return LK_NOTICE_TRANSFERRED;
	if (work->plan.writer == LK_WRITER_SUPPLIER)
		return LK_NOTICE_SUPPLIER;
	if (work->plan.writer == LK_WRITER_CONSULTED)
		return LK_NOTICE_CONSULTED;
	return work->plan.is_note ? LK_NOTICE_NOTE : LK_NOTICE_ANSWER;
}

/* A rule speaks for the team of the ticket, not for another one that the mail is to as well. */
static lk_notify notify_of(const lk_work *work, const lk_queue *queue)
{
	const lk_rule_result *rules = &work->route.rules;
	bool is_beside = work->plan.ticket == 0 && queue != work->route.queue;

	return rules->has_notify && !is_beside ? rules->notify : queue->notify;
}

static lk_work_team *team_new(const lk_work *work, const lk_queue *queue)
{
	lk_work_team *team = g_new0(lk_work_team, 1);

	team->notice = (lk_notice){.kind = kind_of(work),
				   .queue = queue,
				   .notify = notify_of(work, queue),
				   .doer = work->from,
				   .reason = lk_work_moved_to(work)
						     ? "a rule moved the ticket to this queue"
					     : work->plan.ticket ? "somebody wrote to the ticket"
								 : "a new ticket in the queue"};
	if (work->plan.writer == LK_WRITER_REQUESTER && work->mail->from)
		team->notice.customer = work->mail->from->name && *work->mail->from->name
						? work->mail->from->name
						: work->from;
	return team;
}

void lk_work_team_free(void *data)
{
	lk_work_team *team = data;

	g_free(team->also);
	g_clear_pointer(&team->agents, g_ptr_array_unref);
	g_free(team);
}

static const char *title_of(const lk_work *work, const lk_queue *queue)
{
	const char *title =
		lk_text_in(&queue->title, work->policy->language, work->policy->language);

	return *title ? title : queue->name;
}

/* A mail to two of our queues is one ticket; each team hears of it and of the other. */
static void add_also(const lk_work *work, lk_work_team *team)
{
	g_autoptr(GString) names = g_string_new(NULL);
	const GPtrArray *others = work->route.others;

	if (team->notice.queue != work->route.queue)
		g_string_append(names, title_of(work, work->route.queue));
	for (unsigned i = 0; i < others->len; i++) {
		const lk_queue *other = g_ptr_array_index(others, i);
		if (other != team->notice.queue)
			g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "",
					       title_of(work, other));
	}
	if (names->len > 0)
		team->also = g_string_free(g_steal_pointer(&names), FALSE);
	team->notice.also = team->also;
}

static bool add_team(lk_work *work, const lk_queue *queue, const char *owner, GError **error)
{
	lk_work_team *team = team_new(work, queue);

	g_ptr_array_add(work->teams, team);
	if (work->plan.ticket == 0)
		add_also(work, team);
	team->notice.owner = owner;
	return lk_notice_find(work->db, work->policy, work->now, &team->notice, &team->agents,
			      error);
}

/* Owner and queue that the ticket has once the rules are done with the mail that joins it. */
static bool add_team_of_ticket(lk_work *work, GError **error)
{
	const lk_queue *queue = lk_work_moved_to(work);

	if (!queue && lk_rows_count(work->ticket_now) > 0)
		queue = lk_policy_queue(work->policy, lk_row_text(work->ticket_now, 0, "queue"));
	if (!queue)
		return true;
	return add_team(work, queue, lk_work_owner_after(work), error) &&
	       lk_work_add_askers(work, g_ptr_array_index(work->teams, work->teams->len - 1),
				  error);
}

/* A new mail to several queues that joins a ticket: of a team that the ticket has not been to? */
static bool is_new_team(const lk_work *work, const lk_queue *queue)
{
	const char *own = lk_row_text(work->ticket_now, 0, "queue");
	g_autoptr(GPtrArray) also = lk_row_texts(work->ticket_now, 0, "also");

	return g_strcmp0(own, queue->name) != 0 && !g_ptr_array_find(work->also, queue, NULL) &&
	       !g_ptr_array_find_with_equal_func(also, queue->name, g_str_equal, NULL);
}

/* That team hears of it as of a new ticket, with the name of the other. */
static bool add_team_beside(lk_work *work, const lk_queue *queue, GError **error)
{
	const lk_queue *own =
		lk_policy_queue(work->policy, lk_row_text(work->ticket_now, 0, "queue"));
	lk_work_team *team = team_new(work, queue);

	team->notice.kind = LK_NOTICE_NEW;
	team->notice.notify = queue->notify;
	team->notice.reason = "the mail is to this queue too, and joined a ticket of another";
	team->also = own ? g_strdup(title_of(work, own)) : NULL;
	team->notice.also = team->also;
	g_ptr_array_add(work->teams, team);
	g_ptr_array_add(work->also, (void *)queue);
	return lk_notice_find(work->db, work->policy, work->now, &team->notice, &team->agents,
			      error);
}

/* Only a mail written anew says by its addresses whom it is for; a reply carries those of before.
 */
static bool add_teams_beside(lk_work *work, GError **error)
{
	const GPtrArray *others = work->route.others;

	if (work->plan.outcome != LK_OUTCOME_TICKET || !work->plan.ticket ||
	    work->plan.evidence != LK_EVIDENCE_DUPLICATE || work->mail->kind != LK_KIND_NORMAL ||
	    work->intake->is_silent)
		return true;
	if (lk_rows_count(work->ticket_now) == 0)
		return true;
	if (is_new_team(work, work->route.queue) &&
	    !add_team_beside(work, work->route.queue, error))
		return false;
	for (unsigned i = 0; i < others->len; i++)
		if (is_new_team(work, g_ptr_array_index(others, i)) &&
		    !add_team_beside(work, g_ptr_array_index(others, i), error))
			return false;
	return true;
}

/* Who is of several teams hears of the mail once, by the ticket's own team if they are of it. */
static void tell_once(lk_work *work)
{
	bool is_last = work->plan.ticket != 0; /* the own team; of a new ticket it is the first */

	for (unsigned i = 1; i < work->teams->len; i++)
		for (unsigned k = 0; k < i; k++) {
			lk_work_team *kept = g_ptr_array_index(work->teams, is_last ? i : k);
			lk_work_team *other = g_ptr_array_index(work->teams, is_last ? k : i);
			for (unsigned n = 0; n < kept->agents->len; n++)
				g_ptr_array_remove(other->agents,
						   g_ptr_array_index(kept->agents, n));
		}
}

bool lk_work_find_teams(lk_work *work, GError **error)
{
	const lk_agent *owner = work->assign.agent;

	g_ptr_array_set_size(work->teams, 0);
	g_ptr_array_set_size(work->also, 0);
	if (work->plan.outcome == LK_OUTCOME_TICKET && work->plan.ticket &&
	    !lk_work_look_at_ticket(work, error))
		return false;
	work->quiet_because = quiet_because(work);
	if (!add_teams_beside(work, error))
		return false;
	if (work->quiet_because)
		return true;
	if (work->plan.ticket) {
		if (!add_team_of_ticket(work, error))
			return false;
		tell_once(work);
		return true;
	}
	if (!add_team(work, work->route.queue, owner ? owner->address : NULL, error))
		return false;
	for (unsigned i = 0; i < work->route.others->len; i++)
		if (!add_team(work, g_ptr_array_index(work->route.others, i), NULL, error))
			return false;
	tell_once(work);
	return true;
}

void lk_explain_mail(lk_json *explain, const char *to, const char *template_name,
		     const char *reason)
{
	lk_json *one = lk_json_object();

	lk_json_set_text(one, "to", to);
	lk_json_set_text(one, "template", template_name);
	lk_json_set_text(one, "reason", reason);
	lk_json_push(lk_json_get(explain, "mails"), one);
}

bool lk_work_send(lk_work *work, const lk_outbox_mail *mail, GError **error)
{
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
	int64_t outbox = 0;

	if (!work->is_dry)
		return lk_outbox_add(work->db, work->policy, work->now, mail, &verdict, &outbox,
				     error);
	lk_explain_mail(work->explain, mail->recipient, mail->template_name, mail->reason);
	return true;
}

/* Why nobody of the team hears of it; NULL: somebody does. Caller frees. */
static char *unheard_because(const lk_work *work)
{
	const lk_rule *rule = lk_rule_result_setter(&work->route.rules, "notify");
	const lk_notice *first = NULL;

	if (work->quiet_because)
		return g_strdup(work->quiet_because);
	if (work->teams->len == 0)
		return g_strdup("the queue is no longer in the configuration");
	for (unsigned t = work->teams->len; t-- > 0;) {
		const lk_work_team *team = g_ptr_array_index(work->teams, t);
		if (team->agents->len > 0)
			return NULL;
		first = &team->notice;
	}
	if (first->notify == LK_NOTIFY_NONE && rule)
		return g_strdup_printf("rule \"%s\" (%s:%d) says notify = \"none\"", rule->name,
				       rule->file, rule->line);
	if (first->notify == LK_NOTIFY_NONE)
		return g_strdup_printf(
			"queue %s says notify = \"none\", and nobody owns the ticket",
			first->queue->name);
	return g_strdup_printf("queue %s has nobody to tell but who wrote it", first->queue->name);
}

void lk_work_explain_teams(const lk_work *work, lk_json *explain)
{
	g_autofree char *reason = unheard_because(work);

	lk_json_set_text(explain, "notify_reason", reason);
	for (unsigned t = 0; t < work->teams->len; t++) {
		const lk_work_team *team = g_ptr_array_index(work->teams, t);
		for (unsigned i = 0; i < team->agents->len; i++) {
			const lk_agent *agent = g_ptr_array_index(team->agents, i);
			lk_explain_mail(explain, agent->address, "notice", team->notice.reason);
		}
	}
}

bool lk_work_notify(lk_work *work, int64_t ticket, int64_t message, GError **error)
{
	for (unsigned t = 0; t < work->teams->len; t++) {
		lk_work_team *team = g_ptr_array_index(work->teams, t);

		team->notice.ticket = ticket;
		team->notice.message = message;
		for (unsigned i = 0; i < team->agents->len; i++)
			if (!lk_notice_send_to(work->db, work->policy, work->now, &team->notice,
					       g_ptr_array_index(team->agents, i), error))
				return false;
	}
	return true;
}
