#include "lib/desk/ingest.h"

#include "lib/base/fault.h"
#include "lib/desk/ingest-agent.h"
#include "lib/desk/ingest-rules.h"
#include "lib/desk/intake.h"

#include <string.h>

void lk_ingest_result_clear(lk_ingest_result *result)
{
	g_clear_pointer(&result->reason, g_free);
	g_clear_pointer(&result->rule_limits, g_free);
}

/* This very mail was taken before: nothing is written, the after-action may still be due. */
static bool is_seen(const lk_work *work, lk_ingest_result *result)
{
	const lk_rows *known = work->known;
	const char *outcome = lk_row_text(known, 0, "outcome");

	if (lk_row_is_null(known, 0, "arrival"))
		return false;
	result->is_seen = true;
	result->outcome = strcmp(outcome, "ticket") == 0      ? LK_OUTCOME_TICKET
			  : strcmp(outcome, "duplicate") == 0 ? LK_OUTCOME_DUPLICATE
			  : strcmp(outcome, "control") == 0   ? LK_OUTCOME_CONTROL
							      : LK_OUTCOME_QUARANTINE;
	result->arrival = lk_row_int(known, 0, "arrival");
	result->message = lk_row_int(known, 0, "arrival_message");
	result->ticket = lk_row_int(known, 0, "arrival_ticket");
	result->reason = g_strdup(lk_row_text(known, 0, "reason"));
	return true;
}

/* The same content came before: one message on one ticket, and a word in its history. */
static bool take_duplicate(lk_work *work, lk_ingest_result *result, GError **error)
{
	const lk_intake *intake = work->intake;
	const char *first = lk_row_text(work->known, 0, "same_mailbox");
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	result->outcome = LK_OUTCOME_DUPLICATE;
	result->message = lk_row_int(work->known, 0, "same_message");
	result->ticket = lk_row_int(work->known, 0, "same_ticket");
	result->reason = g_strdup_printf("the same mail came before in mailbox %s; now in %s",
					 first ? first : "(unknown)", intake->mailbox);
	lk_param_text(params, intake->mailbox);
	lk_param_text(params, intake->folder);
	lk_param_int(params, intake->uidvalidity);
	lk_param_text(params, intake->uid);
	lk_param_time(params, work->at);
	lk_param_time(params, work->now);
	if (work->has_id)
		lk_param_bytes(params, work->id_hash, sizeof(work->id_hash));
	else
		lk_param_null(params);
	lk_param_int(params, result->message);
	if (result->ticket)
		lk_param_int(params, result->ticket);
	else
		lk_param_null(params);
	lk_param_text(params, result->reason);
	lk_param_text(params, "{}");
	lk_param_text(params, intake->server_action);
	lk_param_text(params, work->actor);
	if (!lk_db_run(work->db, LK_Q_INGEST_DUPLICATE, params, &rows, error))
		return false;
	result->arrival = lk_row_int(rows, 0, "arrival");
	return true;
}

typedef enum { NOT_OURS, OURS_PROVEN, OURS_CLAIMED } own_mail;

/*
 * A mail of ours that comes back: by its signed Message-ID, or, where a provider rewrote that, by
 * the copy of it that leads our References. A mail that only looks like ours is not believed.
 */
static own_mail own_mail_of(const lk_work *work)
{
	const lk_mail *mail = work->mail;
	lk_purpose purpose = LK_PURPOSE_NONE;
	uint64_t ticket = 0;
	uint64_t outbox = 0;

	if (!work->from || !lk_policy_is_own_address(work->policy, work->from) ||
	    mail->kind == LK_KIND_BOUNCE)
		return NOT_OURS;
	if (mail->message_id &&
	    lk_message_id_verify(work->policy->keys, mail->message_id, &purpose, &ticket, &outbox))
		return OURS_PROVEN;
	if (!lk_mail_header(mail, "X-Luukku-Ticket") && !lk_mail_header(mail, "X-Luukku-Queue"))
		return NOT_OURS;
	if (mail->references->len > 0 &&
	    lk_message_id_verify(work->policy->keys, g_ptr_array_index(mail->references, 0),
				 &purpose, &ticket, &outbox))
		return OURS_PROVEN;
	return OURS_CLAIMED;
}

static bool take_own(lk_work *work, lk_outcome outcome, const char *quarantine, const char *reason,
		     lk_ingest_result *result, GError **error)
{
	lk_work_settle(work, outcome, quarantine, reason);
	return work->is_dry ||
	       lk_work_store(work, outcome, reason, quarantine, 0, 0, result, error);
}

/* What customers ask by links and subjects. */
static bool take_request(lk_work *work, lk_ingest_result *result, bool *ret_done, GError **error)
{
	return lk_work_apart(work, result, ret_done, error) &&
	       (*ret_done || lk_work_status_list(work, result, ret_done, error));
}

static bool take_control(lk_work *work, lk_ingest_result *result, bool *ret_done, GError **error)
{
	own_mail own = own_mail_of(work);

	*ret_done = true;
	if (own == OURS_PROVEN)
		return take_own(work, LK_OUTCOME_CONTROL, NULL,
				"a mail of ours came back (known by its signature)", result, error);
	if (own == OURS_CLAIMED)
		return take_own(work, LK_OUTCOME_QUARANTINE, "own_mail",
				"it bears luukku's headers and an address of ours, but not our "
				"signature",
				result, error);
	if (work->is_sent)
		return lk_work_sent(work, result, error);
	if (work->mail->kind == LK_KIND_BOUNCE)
		return lk_work_bounce(work, result, ret_done, error);
	*ret_done = false;
	if (!lk_work_survey(work, result, ret_done, error))
		return false;
	return *ret_done || take_request(work, result, ret_done, error);
}

/* Not every mail is answered; the history says why not. */
void lk_work_tell_unanswered(lk_work *work, int64_t ticket)
{
	bool is_plain_reply = work->plan.ticket && work->mail->kind == LK_KIND_NORMAL;

	if (!work->plan.acknowledge && !is_plain_reply)
		lk_work_tell(work, ticket, "not_acknowledged", work->plan.acknowledge_reason, NULL);
}

bool lk_work_free_sender(lk_work *work, int64_t ticket, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	if (!work->plan.frees_sender)
		return true;
	lk_work_tell(work, ticket, "unsuppressed",
		     "the sender's address had bounced; a new mail from it shows that it works",
		     NULL);
	lk_param_bytes(params, work->from_hash, sizeof(work->from_hash));
	return lk_db_run(work->db, LK_Q_INGEST_FREE, params, NULL, error);
}

bool lk_work_link(lk_work *work, int64_t ticket, bool is_new, GError **error)
{
	const lk_thread_decision *thread = &work->thread;

	for (unsigned i = 0; i < thread->links->len; i++) {
		const lk_thread_link *link = &g_array_index(thread->links, lk_thread_link, i);
		g_autofree char *other = lk_reference(work->policy, link->ticket);
		lk_json *detail = lk_json_object();
		lk_json_set_text(detail, "ref", other);
		lk_json_set_text(detail, "relation", link->relation);
		lk_work_tell(work, ticket, "linked", link->reason, detail);
		if (!lk_ticket_link(work->db, ticket, link->ticket, link->relation, link->reason,
				    work->at, error))
			return false;
	}
	/* What it would have joined, had it been readable. */
	if (!is_new || !thread->ticket)
		return true;
	return lk_ticket_link(work->db, ticket, thread->ticket, "related", thread->reason, work->at,
			      error);
}

static bool take_held(lk_work *work, lk_ingest_result *result, GError **error)
{
	lk_work_tell(work, 0, "quarantined", work->plan.reason, NULL);
	lk_work_tell_rules(work, 0);
	lk_work_tell_unanswered(work, 0);
	return lk_work_store(work, LK_OUTCOME_QUARANTINE, work->plan.reason, work->plan.quarantine,
			     0, 0, result, error);
}

static bool take(lk_work *work, lk_ingest_result *result, GError **error)
{
	bool is_done = false;

	lk_fault("ingest.begin");
	if (!lk_work_look(work, true, error))
		return false;
	if (is_seen(work, result))
		return true;
	if (!lk_row_is_null(work->known, 0, "same_message"))
		return take_duplicate(work, result, error) &&
		       lk_work_sent_again(work, result, error);
	if (!lk_work_decide(work, error))
		return false;
	if (!take_control(work, result, &is_done, error))
		return false;
	if (!is_done && !lk_work_agent(work, result, &is_done, error))
		return false;
	if (is_done)
		return true;
	if (work->plan.outcome == LK_OUTCOME_QUARANTINE)
		return take_held(work, result, error);
	return work->plan.ticket ? lk_work_join(work, result, error)
				 : lk_work_open(work, result, error);
}

bool lk_ingest(lk_db *db, const lk_policy *policy, lk_time now, const lk_intake *intake,
	       lk_ingest_result *ret_result, GError **error)
{
	lk_work work = {0};

	memset(ret_result, 0, sizeof(*ret_result));
	lk_work_init(&work, db, policy, now, intake);
	bool done = take(&work, ret_result, error);
	ret_result->rule_limits = lk_work_rule_limits(&work);
	lk_work_clear(&work);
	if (!done) {
		lk_ingest_result_clear(ret_result);
		return false;
	}
	lk_fault("ingest.end");
	return true;
}

/* The mails that hang on more than the plan: what a chase, a forward or a burst sends. */
static bool explain_mails(lk_work *work, GError **error)
{
	if (work->plan.outcome != LK_OUTCOME_TICKET)
		return true;
	if (work->plan.ticket)
		return lk_work_chased(work, work->plan.ticket, 0, error) &&
		       lk_work_moved(work, work->plan.ticket, 0, error);
	return lk_work_ask_customer(work, 0, 0, error) && lk_work_mass(work, 0, error);
}

bool lk_ingest_explain(lk_db *db, const lk_policy *policy, lk_time now, const lk_intake *intake,
		       lk_json **ret_explain, GError **error)
{
	lk_work work = {0};
	lk_ingest_result unused = {0};
	bool is_done = false;

	lk_work_init(&work, db, policy, now, intake);
	work.is_dry = true;
	bool done = lk_work_look(&work, false, error) && lk_work_decide(&work, error) &&
		    take_control(&work, &unused, &is_done, error) &&
		    (is_done || (lk_work_agent(&work, &unused, &is_done, error) &&
				 (is_done || explain_mails(&work, error))));
	if (done)
		*ret_explain = g_steal_pointer(&work.explain);
	lk_work_clear(&work);
	return done;
}
