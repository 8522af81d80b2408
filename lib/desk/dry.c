#include "lib/desk/dry.h"

#include "lib/desk/fields.h"
#include "lib/desk/subject.h"

const char *lk_dry_language(const lk_policy *policy, const char *address)
{
	const lk_organisation *organisation = lk_policy_organisation(policy, address);

	return organisation != NULL ? organisation->language : NULL;
}

/* What the mail tells of the queue's required fields, beside what rules have filled. */
static void find_fields(const lk_policy *policy, const lk_mail *mail, const lk_route *route,
			lk_json *explain)
{
	lk_json *known = lk_json_get(explain, "fields");
	g_autofree char *subject = lk_subject_base(policy, mail->subject);
	const lk_fields_facts facts = {
		.queue = route->queue,
		.type = route->type,
		.known = known,
		.subject = subject,
		.words = *mail->reply_text != '\0' ? mail->reply_text : mail->text,
	};
	lk_json *missing = lk_json_array();
	lk_fields fields = {0};

	lk_fields_find(&facts, &fields);
	for (unsigned i = 0; i < fields.found->len; i++) {
		const lk_field_found *found = g_ptr_array_index(fields.found, i);

		lk_json_set_text(known, found->required->field, found->value);
	}
	for (unsigned i = 0; i < fields.missing->len; i++) {
		const lk_required *required = g_ptr_array_index(fields.missing, i);

		lk_json_push_text(missing, required->field);
	}
	lk_json_take(explain, "missing_fields", missing);
	lk_fields_clear(&fields);
}

/* Who writes to a ticket by a way that no rule leads; an agent without proof is a stranger. */
static const char *ruleless(const lk_mail *mail, lk_writer writer)
{
	if (writer == LK_WRITER_GUEST)
		return LK_RULELESS_GUEST;
	return mail->kind == LK_KIND_NORMAL &&
			       (writer == LK_WRITER_AGENT || writer == LK_WRITER_MANAGER ||
				writer == LK_WRITER_STRANGER)
		       ? LK_RULELESS_AGENT
		       : NULL;
}

lk_json *lk_dry_explain(const lk_policy *policy, const lk_intake *intake, const lk_dry_facts *facts)
{
	const lk_thread_decision *thread = facts->thread;
	const lk_organisation *organisation =
		lk_policy_organisation(policy, lk_mail_sender(intake->mail));
	g_autoptr(lk_clues) clues = lk_clues_find(policy, intake->mail, intake->recipients);
	bool joins = lk_plan_joins(intake->mail, clues, thread, facts->sender) != 0;
	const lk_route_facts about = {
		.mail = intake->mail,
		.recipients = intake->recipients,
		.mailbox = intake->mailbox,
		.size = intake->mail_size,
		.at = intake->received_at,
		.standing = facts->standing,
		.organisation = facts->organisation != NULL ? facts->organisation
				: organisation != NULL	    ? organisation->name
							    : NULL,
		.is_reply = joins,
		.ticket_queue = facts->queue,
		.ticket_type = facts->type,
		.ticket_priority = facts->priority,
		.ruleless = joins ? ruleless(intake->mail, thread->writer) : NULL,
		.is_explained = facts->is_explained,
	};
	lk_route route = {0};
	lk_plan plan = {0};
	lk_json *explain = NULL;

	lk_route_decide(policy, &about, &route);
	lk_plan_decide(policy, intake, clues, thread, &route, facts->sender, &plan);
	explain = lk_plan_explain(policy, intake, thread, &route, &plan);
	lk_json_set_text(explain, "organisation", about.organisation);
	if (plan.outcome == LK_OUTCOME_TICKET && plan.ticket == 0)
		find_fields(policy, intake->mail, &route, explain);
	lk_plan_clear(&plan);
	lk_route_clear(&route);
	return explain;
}

lk_json *lk_dry_explain_first(const lk_policy *policy, const lk_intake *intake)
{
	const char *address = lk_mail_sender(intake->mail);
	g_autoptr(lk_clues) clues = lk_clues_find(policy, intake->mail, intake->recipients);
	lk_plan_sender sender = {.language = lk_dry_language(policy, address)};
	lk_thread_decision thread = {0};
	lk_dry_facts known = {.thread = &thread, .sender = &sender, .is_explained = true};
	lk_thread_facts facts = {0};
	lk_json *explain = NULL;

	lk_thread_facts_init(&facts);
	facts.has_sender = address != NULL;
	facts.sender_is_agent = lk_policy_agent(policy, address) != NULL;
	facts.dmarc_fails = lk_mail_fails_dmarc(intake->mail);
	facts.kind = intake->mail->kind;
	facts.received_at = intake->received_at;
	lk_thread_decide(policy, clues, &facts, &thread);
	explain = lk_dry_explain(policy, intake, &known);
	lk_thread_decision_clear(&thread);
	lk_thread_facts_clear(&facts);
	return explain;
}
