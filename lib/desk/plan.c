#include "lib/desk/plan.h"

#include "lib/base/text.h"

#include <string.h>

void lk_plan_clear(lk_plan *plan)
{
	g_clear_pointer(&plan->reason, g_free);
	g_clear_pointer(&plan->acknowledge_reason, g_free);
}

bool lk_mail_fails_dmarc(const lk_mail *mail)
{
	return mail->auth && mail->auth->dmarc &&
	       g_ascii_strcasecmp(mail->auth->dmarc, "fail") == 0;
}

const char *lk_mail_sender(const lk_mail *mail)
{
	if (!mail->from || !mail->from->address || !lk_address_is_sane(mail->from->address))
		return NULL;
	return mail->from->address;
}

static void hold(lk_plan *plan, const char *quarantine, const char *reason)
{
	plan->outcome = LK_OUTCOME_QUARANTINE;
	plan->quarantine = quarantine;
	plan->reason = g_strdup(reason);
	plan->writer = LK_WRITER_STRANGER;
	plan->ticket = 0;
}

static void join(lk_plan *plan, const lk_thread_decision *thread)
{
	plan->outcome = LK_OUTCOME_TICKET;
	plan->ticket = thread->ticket;
	plan->evidence = thread->evidence;
	plan->writer = thread->writer;
	plan->is_note = thread->is_note;
	plan->moves = thread->moves;
	plan->reason = g_strdup_printf("joins: %s", thread->reason);
}

static void open_ticket(lk_plan *plan, const lk_thread_decision *thread, const lk_route *route)
{
	plan->outcome = LK_OUTCOME_TICKET;
	plan->writer = plan->is_machine ? LK_WRITER_MACHINE : LK_WRITER_REQUESTER;
	plan->reason = g_strdup_printf("new ticket: %s; %s", thread->reason, route->reason);
}

/* Alarms, scanners, payroll systems: mail that a machine starts (desk.md 1). */
static void plan_machine(lk_plan *plan, const lk_thread_decision *thread, const lk_route *route,
			 const lk_plan_sender *sender)
{
	plan->is_machine = true;
	if (sender->machine_repeat) {
		plan->outcome = LK_OUTCOME_TICKET;
		plan->ticket = sender->machine_repeat;
		plan->evidence = LK_EVIDENCE_DUPLICATE;
		plan->writer = LK_WRITER_MACHINE;
		plan->reason = g_strdup("joins: the same machine wrote a near-identical subject "
					"and that ticket is open");
	} else if (route->queue->machine_mail == LK_MACHINE_TICKET) {
		open_ticket(plan, thread, route);
	} else if (route->queue->machine_mail == LK_MACHINE_RULE) {
		hold(plan, "machine_mail",
		     "a machine started it and no rule of the queue takes it (machine_mail = "
		     "\"rule\")");
	} else {
		hold(plan, "machine_mail",
		     "a machine started it and the queue quarantines such mail (machine_mail = "
		     "\"quarantine\")");
	}
}

/* Does an automatic mail join what it ties to? An alarm must not vanish in a finished ticket. */
static bool automatic_joins(const lk_mail *mail, const lk_clues *clues,
			    const lk_thread_decision *thread)
{
	if (!thread->ticket)
		return false;
	return mail->is_vacation || lk_clues_name_us(clues) || !thread->is_ended;
}

static void plan_automatic(lk_plan *plan, const lk_mail *mail, const lk_clues *clues,
			   const lk_thread_decision *thread, const lk_route *route,
			   const lk_plan_sender *sender)
{
	if (automatic_joins(mail, clues, thread))
		join(plan, thread);
	else if (mail->is_vacation)
		hold(plan, "auto_reply", "an automatic reply opens no ticket");
	else if (lk_clues_name_us(clues))
		hold(plan, "auto_reply", "an automatic answer to a mail of ours opens no ticket");
	else
		plan_machine(plan, thread, route, sender);
}

static void plan_kind(lk_plan *plan, const lk_mail *mail, const lk_clues *clues,
		      const lk_thread_decision *thread, const lk_route *route,
		      const lk_plan_sender *sender)
{
	bool is_strong = thread->ticket && thread->evidence != LK_EVIDENCE_SUBJECT;

	switch (mail->kind) {
	case LK_KIND_NORMAL:
		if (thread->ticket)
			join(plan, thread);
		else
			open_ticket(plan, thread, route);
		return;
	case LK_KIND_AUTO_REPLY:
		plan_automatic(plan, mail, clues, thread, route, sender);
		return;
	case LK_KIND_BOUNCE:
		hold(plan, "unproven_bounce", "a delivery report that names no mail of ours");
		return;
	case LK_KIND_LIST:
		if (is_strong)
			join(plan, thread);
		else
			hold(plan, "list",
			     "mail of a mailing list opens a ticket only where a "
			     "rule says so");
		return;
	case LK_KIND_CALENDAR:
		if (is_strong)
			join(plan, thread);
		else
			hold(plan, "calendar",
			     "calendar mail opens a ticket only where a rule says so");
		return;
	}
	g_assert_not_reached();
}

/* Why this mail gets no acknowledgement; NULL: it gets one. Caller frees. */
static char *acknowledge_refusal(const lk_policy *policy, const lk_intake *intake,
				 const lk_route *route, const lk_plan_sender *sender,
				 const lk_plan *plan)
{
	const lk_mail *mail = intake->mail;
	const char *from = lk_mail_sender(mail);

	if (mail->kind == LK_KIND_AUTO_REPLY)
		return g_strdup_printf("automatic mail is never answered (%s)",
				       mail->kind_reason ? mail->kind_reason : "its headers");
	if (mail->kind != LK_KIND_NORMAL)
		return g_strdup_printf("mail of kind %s is never answered (%s)",
				       lk_kind_name(mail->kind),
				       mail->kind_reason ? mail->kind_reason : "its headers");
	if (plan->outcome == LK_OUTCOME_QUARANTINE)
		return g_strdup("mail in quarantine is not answered");
	if (mail->is_unparsed)
		return g_strdup("the mail could not be parsed, so its kind is not known");
	if (!from)
		return g_strdup("the mail names no sender that can be written to");
	if (mail->return_path && !*mail->return_path)
		return g_strdup("the return path is empty: nobody may be answered");
	if (lk_policy_is_own_address(policy, from))
		return g_strdup("the sender is an address of ours");
	if (mail->suppress_reply)
		return g_strdup_printf("the mail asks for no automatic answer (%s)",
				       mail->suppress_reason ? mail->suppress_reason
							     : "its headers");
	if (lk_mail_fails_dmarc(mail))
		return g_strdup("the sender's address failed dmarc");
	if (plan->ticket)
		return g_strdup("it joins a ticket: only the opening of one is acknowledged");
	if (intake->is_silent)
		return g_strdup("it is from before the first contact with the mailbox");
	if (sender->is_suppressed && !plan->frees_sender)
		return g_strdup_printf("mail to the sender is suppressed: %s",
				       sender->suppressed_reason ? sender->suppressed_reason
								 : "a delivery report");
	if (!route->queue->acknowledge)
		return g_strdup_printf("queue %s does not acknowledge", route->queue->name);
	return NULL;
}

static void plan_language(const lk_policy *policy, const lk_mail *mail, const lk_route *route,
			  const lk_plan_sender *sender, lk_plan *plan)
{
	if (lk_lang_parse(sender->language, &plan->language) ||
	    lk_lang_parse(mail->language, &plan->language))
		return;
	plan->language = route->queue->language;
	plan->is_bilingual = false;
	for (unsigned i = 0; i < LK_N_LANGS; i++)
		plan->is_bilingual |= policy->bilingual[i];
}

void lk_plan_decide(const lk_policy *policy, const lk_intake *intake, const lk_clues *clues,
		    const lk_thread_decision *thread, const lk_route *route,
		    const lk_plan_sender *sender, lk_plan *ret_plan)
{
	const lk_mail *mail = intake->mail;

	memset(ret_plan, 0, sizeof(*ret_plan));
	ret_plan->evidence = LK_EVIDENCE_NONE;
	ret_plan->frees_sender = sender->is_suppressed && mail->kind == LK_KIND_NORMAL &&
				 !mail->is_unparsed && !lk_mail_fails_dmarc(mail);
	if (sender->is_blocked)
		hold(ret_plan, "blocked", "the sender is blocked");
	else if (mail->is_unparsed)
		open_ticket(ret_plan, thread, route);
	else
		plan_kind(ret_plan, mail, clues, thread, route, sender);
	plan_language(policy, mail, route, sender, ret_plan);
	ret_plan->acknowledge_reason = acknowledge_refusal(policy, intake, route, sender, ret_plan);
	ret_plan->acknowledge = !ret_plan->acknowledge_reason;
	if (ret_plan->acknowledge)
		ret_plan->acknowledge_reason =
			g_strdup_printf("new ticket in queue %s", route->queue->name);
}

static void set_or_null(lk_json *json, const char *key, const char *value, bool is_known)
{
	if (is_known && value)
		lk_json_set_text(json, key, value);
	else
		lk_json_set_null(json, key);
}

static lk_json *explain_mails(const lk_mail *mail, const lk_plan *plan)
{
	lk_json *mails = lk_json_array();

	if (plan->acknowledge) {
		lk_json *ack = lk_json_object();
		lk_json_set_text(ack, "to", lk_mail_sender(mail));
		lk_json_set_text(ack, "template", "acknowledgement");
		lk_json_set_text(ack, "reason", plan->acknowledge_reason);
		lk_json_push(mails, ack);
	}
	return mails;
}

lk_json *lk_plan_explain(const lk_policy *policy, const lk_intake *intake,
			 const lk_thread_decision *thread, const lk_route *route,
			 const lk_plan *plan)
{
	const lk_mail *mail = intake->mail;
	bool opens = plan->outcome == LK_OUTCOME_TICKET && plan->ticket == 0;
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
	lk_json_take(json, "rules", lk_json_array());
	set_or_null(json, "queue", route->queue->name, opens);
	set_or_null(json, "queue_reason", route->reason, opens);
	set_or_null(json, "type", route->type, opens);
	set_or_null(json, "priority", route->priority, opens);
	lk_json_set_null(json, "owner");
	set_or_null(json, "status", lk_status_name(LK_STATUS_NEW), opens);
	lk_json_take(json, "tags", lk_json_array());
	lk_json_take(json, "fields", lk_json_object());
	set_or_null(json, "organisation", organisation ? organisation->name : NULL, true);
	lk_json_set_text(json, "language", lk_lang_code(plan->language));
	lk_json_take(json, "missing_fields", lk_json_array());
	lk_json_set_bool(json, "acknowledge", plan->acknowledge);
	lk_json_set_text(json, "acknowledge_reason", plan->acknowledge_reason);
	lk_json_take(json, "mails", explain_mails(mail, plan));
	lk_json_take(json, "commands", lk_json_array());
	set_or_null(json, "quarantine", plan->quarantine, true);
	lk_json_set_text(json, "reason", plan->reason);
	return json;
}
