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

/* What a rule drops waits in quarantine, whatever else the rules say of it. */
static void drop(lk_plan *plan, const lk_route *route)
{
	const lk_rule *rule = route->rules.drop_rule;
	g_autofree char *reason = g_strdup_printf("rule \"%s\" (%s:%d) drops it: %s", rule->name,
						  rule->file, rule->line, route->rules.drop);

	hold(plan, "dropped", reason);
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
	} else if (route->queue->machine_mail == LK_MACHINE_TICKET || route->rules.open_rule ||
		   (route->queue->machine_mail == LK_MACHINE_RULE && route->rules.queue_rule)) {
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

/* Lists and calendars join on no weaker evidence. */
static bool is_strong(const lk_thread_decision *thread)
{
	return thread->ticket && thread->evidence != LK_EVIDENCE_SUBJECT;
}

/* Does an automatic mail join what it ties to? An alarm must not vanish in a finished ticket. */
static bool automatic_joins(const lk_mail *mail, const lk_clues *clues,
			    const lk_thread_decision *thread)
{
	if (!thread->ticket)
		return false;
	return mail->is_vacation || lk_clues_name_us(clues) || !thread->is_ended;
}

int64_t lk_plan_joins(const lk_mail *mail, const lk_clues *clues, const lk_thread_decision *thread,
		      const lk_plan_sender *sender)
{
	switch (mail->kind) {
	case LK_KIND_NORMAL:
		return mail->is_unparsed ? 0 : thread->ticket;
	case LK_KIND_AUTO_REPLY:
		if (automatic_joins(mail, clues, thread))
			return thread->ticket;
		return mail->is_vacation || lk_clues_name_us(clues) ? 0 : sender->machine_repeat;
	case LK_KIND_LIST:
	case LK_KIND_CALENDAR:
		return is_strong(thread) ? thread->ticket : 0;
	case LK_KIND_BOUNCE:
		return 0;
	}
	g_assert_not_reached();
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

/* A list's writer is a machine's: nobody there asked for reminders or a survey. */
static void plan_by_rule(lk_plan *plan, const lk_thread_decision *thread, const lk_route *route,
			 const char *kind, const char *refusal)
{
	if (is_strong(thread)) {
		join(plan, thread);
	} else if (route->rules.open_rule) {
		plan->is_machine = strcmp(kind, "list") == 0;
		open_ticket(plan, thread, route);
	} else {
		hold(plan, kind, refusal);
	}
}

static void plan_kind(lk_plan *plan, const lk_mail *mail, const lk_clues *clues,
		      const lk_thread_decision *thread, const lk_route *route,
		      const lk_plan_sender *sender)
{
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
		plan_by_rule(plan, thread, route, "list",
			     "mail of a mailing list opens a ticket only where a rule says so");
		return;
	case LK_KIND_CALENDAR:
		plan_by_rule(plan, thread, route, "calendar",
			     "calendar mail opens a ticket only where a rule says so");
		return;
	}
	g_assert_not_reached();
}

char *lk_plan_unanswerable(const lk_policy *policy, const lk_intake *intake,
			   const lk_plan_sender *sender, const lk_plan *plan)
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
	if (intake->is_silent)
		return g_strdup("it is from before the first contact with the mailbox");
	if (sender->is_suppressed && !plan->frees_sender)
		return g_strdup_printf("mail to the sender is suppressed: %s",
				       sender->suppressed_reason ? sender->suppressed_reason
								 : "a delivery report");
	return NULL;
}

/* Why this mail gets no acknowledgement; NULL: it gets one. Caller frees. */
static char *acknowledge_refusal(const lk_policy *policy, const lk_intake *intake,
				 const lk_route *route, const lk_plan_sender *sender,
				 const lk_plan *plan)
{
	char *refusal = lk_plan_unanswerable(policy, intake, sender, plan);

	if (refusal)
		return refusal;
	if (plan->ticket)
		return g_strdup("it joins a ticket: only the opening of one is acknowledged");
	if (g_strcmp0(route->rules.status, lk_status_name(LK_STATUS_JUNK)) == 0)
		return g_strdup("a rule gives it the status junk");
	if (route->rules.has_acknowledge && !route->rules.acknowledge)
		return g_strdup_printf(
			"rule \"%s\" (%s:%d) says so", route->rules.acknowledge_rule->name,
			route->rules.acknowledge_rule->file, route->rules.acknowledge_rule->line);
	if (!route->rules.has_acknowledge && !route->queue->acknowledge)
		return g_strdup_printf("queue %s does not acknowledge", route->queue->name);
	return NULL;
}

static void plan_language(const lk_policy *policy, const lk_mail *mail, const lk_route *route,
			  const lk_plan_sender *sender, lk_plan *plan)
{
	if (lk_lang_parse(route->rules.language, &plan->language) ||
	    lk_lang_parse(sender->language, &plan->language) ||
	    lk_lang_parse(mail->language, &plan->language))
		return;
	plan->language = route->queue->language;
	plan->is_bilingual = false;
	for (unsigned i = 0; i < LK_N_LANGS; i++)
		plan->is_bilingual |= policy->bilingual[i];
}

/* Language, notices and acknowledgement, once it is known what becomes of the mail. */
static void finish(const lk_policy *policy, const lk_intake *intake, const lk_route *route,
		   const lk_plan_sender *sender, lk_plan *plan)
{
	plan_language(policy, intake->mail, route, sender, plan);
	plan->notify = route->rules.has_notify ? route->rules.notify : route->queue->notify;
	plan->template_name =
		route->rules.template_name ? route->rules.template_name : "acknowledgement";
	plan->acknowledge_reason = acknowledge_refusal(policy, intake, route, sender, plan);
	plan->acknowledge = !plan->acknowledge_reason;
	if (plan->acknowledge)
		plan->acknowledge_reason =
			g_strdup_printf("new ticket in queue %s", route->queue->name);
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
	else if (route->rules.drop_rule && mail->kind != LK_KIND_BOUNCE)
		drop(ret_plan, route);
	else if (mail->is_unparsed)
		open_ticket(ret_plan, thread, route);
	else
		plan_kind(ret_plan, mail, clues, thread, route, sender);
	finish(policy, intake, route, sender, ret_plan);
}

void lk_plan_open(const lk_policy *policy, const lk_intake *intake, const lk_route *route,
		  const lk_plan_sender *sender, const char *why, const char *unanswered,
		  lk_plan *ret_plan)
{
	memset(ret_plan, 0, sizeof(*ret_plan));
	ret_plan->evidence = LK_EVIDENCE_NONE;
	ret_plan->outcome = LK_OUTCOME_TICKET;
	ret_plan->is_machine = intake->mail->kind != LK_KIND_NORMAL;
	ret_plan->writer = ret_plan->is_machine ? LK_WRITER_MACHINE : LK_WRITER_REQUESTER;
	ret_plan->reason = g_strdup_printf("%s; %s", why, route->reason);
	finish(policy, intake, route, sender, ret_plan);
	if (!unanswered)
		return;
	g_free(ret_plan->acknowledge_reason);
	ret_plan->acknowledge_reason = g_strdup(unanswered);
	ret_plan->acknowledge = false;
}
