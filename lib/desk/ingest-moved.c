/* A rule for replies that moves the ticket to another queue, as #queue of an agent does. */
#include "lib/desk/intake.h"

#include "lib/base/text.h"
#include "lib/desk/authority.h"
#include "lib/desk/outbox.h"

#include <string.h>

bool lk_work_look_at_ticket(lk_work *work, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, work->plan.ticket);
	g_clear_pointer(&work->ticket_now, lk_rows_free);
	return lk_db_run(work->db, LK_Q_INGEST_TICKET_NOW, params, &work->ticket_now, error);
}

static const char *now_text(const lk_work *work, const char *column)
{
	return work->ticket_now && lk_rows_count(work->ticket_now) > 0
		       ? lk_row_text(work->ticket_now, 0, column)
		       : NULL;
}

const lk_queue *lk_work_moved_to(const lk_work *work)
{
	const lk_queue *queue = work->route.rules.queue;
	const char *was = now_text(work, "queue");

	return work->plan.ticket && queue && was && strcmp(was, queue->name) != 0 ? queue : NULL;
}

/* Who does not serve the new queue cannot own its tickets; whom the rules name does. */
static bool is_disowned(const lk_work *work)
{
	const lk_queue *queue = lk_work_moved_to(work);
	const char *owner = now_text(work, "owner");
	const lk_agent *agent = owner ? lk_policy_agent(work->policy, owner) : NULL;

	return queue && owner && !work->route.rules.owner &&
	       (!agent || !lk_agent_serves(work->policy, agent, queue));
}

const char *lk_work_owner_after(const lk_work *work)
{
	if (work->route.rules.owner)
		return work->route.rules.owner;
	return is_disowned(work) ? NULL : now_text(work, "owner");
}

static bool disown(lk_work *work, int64_t ticket, int64_t message, GError **error)
{
	const lk_rule *rule = work->route.rules.queue_rule;
	g_autofree char *actor = g_strconcat("rule:", rule->name, NULL);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_json) detail = lk_json_object();
	lk_event event = {.ticket = ticket,
			  .message = message,
			  .at = work->at,
			  .actor = actor,
			  .event = "owner",
			  .reason = "its owner does not serve the new queue",
			  .detail = detail};

	lk_json_set_text(detail, "from", now_text(work, "owner"));
	lk_json_set_null(detail, "to");
	lk_param_int(params, ticket);
	lk_param_text(params, "{\"owner\": null}");
	lk_param_time(params, work->at);
	return lk_db_run(work->db, LK_Q_COMMAND_CHANGE, params, NULL, error) &&
	       lk_event_add(work->db, &event, error);
}

/* Of a mail that nobody may answer nothing is told: it could come back for ever. */
static bool may_tell(const lk_work *work)
{
	const char *requester = now_text(work, "requester");
	g_autofree char *refusal = lk_work_unanswerable(work);

	return !refusal && requester && lk_address_is_sane(requester) &&
	       !lk_row_bool(work->ticket_now, 0, "is_unheard") &&
	       !lk_row_bool(work->ticket_now, 0, "is_machine");
}

static bool tell_customer(lk_work *work, const lk_queue *queue, int64_t message, GError **error)
{
	g_autofree char *reference = lk_reference(work->policy, work->plan.ticket);
	g_autoptr(lk_json) variables = lk_json_object();
	lk_lang language = queue->language;

	if (!lk_lang_parse(work->route.rules.language, &language))
		lk_lang_parse(now_text(work, "language"), &language);
	lk_json_set_text(variables, "reference", reference);
	lk_json_set_text(variables, "subject", now_text(work, "subject"));
	lk_json_set_text(variables, "queue_title",
			 lk_text_in(&queue->title, language, work->policy->language));
	lk_outbox_mail mail = {
		.ticket = work->plan.ticket,
		.cause = message,
		.template_name = "transfer",
		.purpose = LK_PURPOSE_CUSTOMER,
		.queue = queue,
		.language = language,
		.recipient = now_text(work, "requester"),
		.recipient_name = now_text(work, "requester_name"),
		.rank = LK_RANK_ACKNOWLEDGEMENT,
		.reason = "a rule moved the ticket to another queue (tell_on_transfer)",
		.variables = variables,
	};
	return lk_work_send(work, &mail, error);
}

bool lk_work_moved(lk_work *work, int64_t ticket, int64_t message, GError **error)
{
	const lk_queue *queue = lk_work_moved_to(work);

	if (!queue)
		return true;
	if (!work->is_dry && is_disowned(work) && !disown(work, ticket, message, error))
		return false;
	return !queue->tell_on_transfer || !may_tell(work) ||
	       tell_customer(work, queue, message, error);
}
