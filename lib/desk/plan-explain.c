/* The decision on one mail as explain shows it and as arrival.explain keeps it. */
#include "lib/desk/plan.h"

#include "lib/base/text.h"

static void set_or_null(lk_json *json, const char *key, const char *value, bool is_known)
{
	if (is_known && value)
		lk_json_set_text(json, key, value);
	else
		lk_json_set_null(json, key);
}

static lk_json *texts_json(const GPtrArray *texts)
{
	lk_json *json = lk_json_array();

	for (unsigned i = 0; i < texts->len; i++)
		lk_json_push_text(json, g_ptr_array_index(texts, i));
	return json;
}

/* What was made for explain or for keeping, else the rules that matched. */
static lk_json *rules_json(const lk_rule_result *rules)
{
	lk_json *json = NULL;

	if (rules->explained)
		return lk_json_ref(rules->explained);
	json = lk_json_array();
	for (unsigned i = 0; i < rules->hits->len; i++) {
		const lk_rule_hit *hit = g_ptr_array_index(rules->hits, i);
		lk_json *one = lk_json_object();

		lk_json_set_text(one, "name", hit->rule->name);
		lk_json_set_text(one, "file", hit->rule->file);
		lk_json_set_int(one, "line", hit->rule->line);
		lk_json_set_bool(one, "matched", true);
		lk_json_set_text(one, "because", "all its tests hold");
		lk_json_push(json, one);
	}
	return json;
}

static lk_json *fields_json(const lk_rule_result *rules)
{
	lk_json *json = lk_json_object();

	for (unsigned i = 0; i < rules->fields->len; i++) {
		const lk_rule_field *field = g_ptr_array_index(rules->fields, i);

		lk_json_set_text(json, field->name, field->value);
	}
	return json;
}

static void add_mail(lk_json *mails, const char *to, const char *name, const char *reason)
{
	lk_json *one = lk_json_object();

	lk_json_set_text(one, "to", to);
	lk_json_set_text(one, "template", name);
	lk_json_set_text(one, "reason", reason);
	lk_json_push(mails, one);
}

static lk_json *mails_json(const lk_intake *intake, const lk_route *route, const lk_plan *plan)
{
	const lk_mail *mail = intake->mail;
	bool hands_on = plan->outcome == LK_OUTCOME_TICKET && !intake->is_silent;
	lk_json *mails = lk_json_array();

	if (plan->acknowledge)
		add_mail(mails, lk_mail_sender(mail), plan->template_name,
			 plan->acknowledge_reason);
	for (unsigned i = 0; hands_on && i < route->rules.forward->len; i++)
		add_mail(mails, g_ptr_array_index(route->rules.forward, i), "forward",
			 "a rule forwards it");
	if (hands_on && route->rules.supplier && route->rules.supplier->addresses->len > 0)
		add_mail(mails, g_ptr_array_index(route->rules.supplier->addresses, 0), "forward",
			 "a rule hands it to the supplier");
	return mails;
}

static const char *notify_name(lk_notify notify)
{
	static const char *const names[] = {"agents", "managers", "none"};

	return names[notify];
}

static void set_ticket(lk_json *json, const lk_route *route, const lk_plan *plan)
{
	const lk_rule_result *rules = &route->rules;
	bool opens = plan->outcome == LK_OUTCOME_TICKET && plan->ticket == 0;
	bool joins = plan->outcome == LK_OUTCOME_TICKET && plan->ticket != 0;
	bool waits = rules->supplier && rules->supplier->addresses->len > 0;
	const char *status =
		rules->status ? rules->status
			      : lk_status_name(waits ? LK_STATUS_WAITING_SUPPLIER : LK_STATUS_NEW);

	/* Of a mail that joins, what the rules change of its ticket. */
	set_or_null(json, "queue", rules->queue ? rules->queue->name : NULL, joins);
	set_or_null(json, "queue_reason", route->reason, opens);
	set_or_null(json, "type", rules->type, joins);
	set_or_null(json, "priority", rules->priority, joins);
	set_or_null(json, "status", rules->status, joins);
	if (opens) {
		lk_json_set_text(json, "queue", route->queue->name);
		set_or_null(json, "type", route->type, true);
		lk_json_set_text(json, "priority", route->priority);
		lk_json_set_text(json, "status", status);
	}
	set_or_null(json, "owner", rules->owner, opens || joins);
	lk_json_take(json, "tags", texts_json(rules->tags));
	lk_json_take(json, "fields", fields_json(rules));
	set_or_null(json, "subject", rules->title, opens || joins);
	set_or_null(json, "skill", rules->skill, opens || joins);
	set_or_null(json, "sla", rules->sla, opens || joins);
	set_or_null(json, "supplier", rules->supplier ? rules->supplier->name : NULL,
		    opens || joins);
	lk_json_take(json, "cc", texts_json(rules->cc));
	lk_json_take(json, "forward", texts_json(rules->forward));
	set_or_null(json, "template", plan->template_name, plan->acknowledge);
	set_or_null(json, "notify", notify_name(plan->notify),
		    opens || (joins && rules->has_notify));
}

lk_json *lk_plan_explain(const lk_policy *policy, const lk_intake *intake,
			 const lk_thread_decision *thread, const lk_route *route,
			 const lk_plan *plan)
{
	const lk_mail *mail = intake->mail;
	g_autofree char *reference = plan->ticket ? lk_reference(policy, plan->ticket) : NULL;
	const lk_organisation *organisation = lk_policy_organisation(policy, lk_mail_sender(mail));
	lk_json *json = lk_json_object();

	lk_json_set_text(json, "kind", lk_kind_name(mail->kind));
	lk_json_set_text(json, "kind_reason", mail->kind_reason);
	set_or_null(json, "ticket", reference, true);
	lk_json_set_text(json, "evidence",
			 lk_evidence_name(plan->ticket ? plan->evidence : thread->evidence));
	lk_json_set_text(json, "evidence_reason", thread->reason);
	lk_json_set_bool(json, "joins", plan->ticket != 0);
	lk_json_set_text(json, "writer", lk_writer_name(plan->writer));
	lk_json_take(json, "rules", rules_json(&route->rules));
	if (route->ruleless)
		lk_json_set_text(json, "rules_reason", route->ruleless);
	if (route->rules.left_out > 0)
		lk_json_set_int(json, "rules_left_out", route->rules.left_out);
	set_ticket(json, route, plan);
	set_or_null(json, "organisation", organisation ? organisation->name : NULL, true);
	lk_json_set_text(json, "language", lk_lang_code(plan->language));
	lk_json_take(json, "missing_fields", lk_json_array());
	lk_json_set_bool(json, "acknowledge", plan->acknowledge);
	lk_json_set_text(json, "acknowledge_reason", plan->acknowledge_reason);
	lk_json_take(json, "mails", mails_json(intake, route, plan));
	lk_json_take(json, "commands", lk_json_array());
	set_or_null(json, "quarantine", plan->quarantine, true);
	lk_json_set_text(json, "reason", plan->reason);
	return json;
}
