/* The folder of sent mail: what people write from the mailbox itself, without the desk. */
#include "lib/desk/intake.h"

#include "lib/base/text.h"
#include "lib/desk/authority.h"
#include "lib/desk/status.h"

#include <string.h>

/* Exchange names who wrote on behalf of a shared mailbox; others let people write as themselves. */
static const lk_agent *writer_of(const lk_work *work)
{
	const lk_mail *mail = work->mail;
	const lk_agent *agent = lk_policy_agent(work->policy, work->from);

	return agent || !mail->sender ? agent
				      : lk_policy_agent(work->policy, mail->sender->address);
}

void lk_work_read_sent(lk_work *work)
{
	const lk_intake *intake = work->intake;
	const lk_desk_mailbox *mailbox = lk_policy_mailbox(work->policy, intake->mailbox);

	work->is_sent = mailbox && mailbox->sent && strcmp(mailbox->sent, intake->folder) == 0;
	if (!work->is_sent)
		return;
	const lk_agent *agent = writer_of(work);
	g_free(work->actor);
	work->actor = agent ? g_strdup_printf("agent:%s", agent->address)
			    : g_strdup_printf("mailbox:%s", intake->mailbox);
}

void lk_work_trust_sent(lk_work *work)
{
	if (!work->is_sent)
		return;
	work->facts.dmarc_fails = false;
	for (unsigned i = 0; i < work->facts.tickets->len; i++) {
		lk_thread_ticket *known = &g_array_index(work->facts.tickets, lk_thread_ticket, i);
		known->sender_takes_part = true;
		known->sender_is_supplier = false;
		known->resolved_at = LK_TIME_NONE;
	}
}

/* --- what it is ------------------------------------------------------------------------------- */

/* Providers file what is submitted to them, some under a Message-ID of their own. */
static bool is_of_luukku(const lk_work *work)
{
	const GPtrArray *reply_to = work->mail->reply_to;
	lk_token token = {0};

	for (unsigned i = 0; i < reply_to->len; i++) {
		const lk_address *one = g_ptr_array_index(reply_to, i);
		if (lk_clue_token_in(work->policy, one->address, &token))
			return true;
	}
	return false;
}

/*
 * A mail that a client files was never delivered. Where a server sorts by subaddress, strangers
 * could put theirs here.
 */
static bool was_delivered(const lk_work *work)
{
	const lk_mail *mail = work->mail;

	if (mail->delivered_to->len > 0)
		return true;
	return mail->return_path && *mail->return_path &&
	       !lk_policy_is_own_address(work->policy, mail->return_path) &&
	       !lk_policy_agent(work->policy, mail->return_path);
}

/* Did it go to anybody who takes part in the ticket? */
static bool reaches_people(lk_work *work, int64_t ticket, bool *ret_reaches, GError **error)
{
	const GPtrArray *const headers[] = {work->mail->to, work->mail->cc};
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	*ret_reaches = false;
	lk_param_int(params, ticket);
	if (!lk_db_run(work->db, LK_Q_COMMAND_PARTICIPANTS, params, &rows, error))
		return false;
	for (size_t row = 0; row < lk_rows_count(rows); row++) {
		g_autofree char *person = lk_address_fold(lk_row_text(rows, row, "address"));
		for (unsigned h = 0; h < G_N_ELEMENTS(headers); h++)
			for (unsigned i = 0; i < headers[h]->len; i++) {
				const lk_address *to = g_ptr_array_index(headers[h], i);
				g_autofree char *folded = lk_address_fold(to->address);
				*ret_reaches |= strcmp(folded, person) == 0;
			}
	}
	return true;
}

/* --- what becomes of it ----------------------------------------------------------------------- */

static bool keep(lk_work *work, lk_outcome outcome, const char *quarantine, const char *reason,
		 lk_ingest_result *result, GError **error)
{
	lk_work_settle(work, outcome, quarantine, reason);
	return work->is_dry ||
	       lk_work_store(work, outcome, reason, quarantine, 0, 0, result, error);
}

static bool take_owner(lk_work *work, int64_t ticket, const lk_queue *queue, GError **error)
{
	const lk_agent *agent = writer_of(work);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(lk_json) detail = NULL;

	if (!agent || !lk_agent_serves(work->policy, agent, queue))
		return true;
	lk_param_int(params, ticket);
	lk_param_text(params, agent->address);
	if (!lk_db_run(work->db, LK_Q_INGEST_SENT_OWNER, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return true;
	detail = lk_json_object();
	lk_json_set_null(detail, "from");
	lk_json_set_text(detail, "to", agent->address);
	lk_event event = {.ticket = ticket,
			  .at = work->at,
			  .actor = work->actor,
			  .event = "owner",
			  .reason = "answered the customer first",
			  .detail = detail};
	return lk_event_add(work->db, &event, error);
}

/* As lk_run_reply, but that nothing is to be sent. */
static bool record_answer(lk_work *work, int64_t ticket, int64_t message, GError **error)
{
	static const char *const reason = "answered from the mailbox itself (its folder of sent "
					  "mail); it is not sent again";
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_status status = LK_STATUS_OPEN;

	lk_param_int(params, ticket);
	lk_param_null(params);
	if (!lk_db_run(work->db, LK_Q_COMMAND_TICKET, params, &rows, error))
		return false;
	lk_status_parse(lk_row_text(rows, 0, "status"), &status);
	lk_move move = {.ticket = ticket,
			.at = work->at,
			.actor = work->actor,
			.reason = reason,
			.message = message};
	if (lk_status_next(status, LK_EVENT_REPLY, &move.status) == LK_STEP_MOVE &&
	    !lk_ticket_move(work->db, work->policy, &move, NULL, error))
		return false;
	lk_event event = {.ticket = ticket,
			  .message = message,
			  .at = work->at,
			  .actor = work->actor,
			  .event = "answered",
			  .reason = reason};
	return lk_event_add(work->db, &event, error) &&
	       take_owner(work, ticket,
			  lk_policy_queue(work->policy, lk_row_text(rows, 0, "queue")), error) &&
	       lk_ticket_responded(work->db, work->policy, ticket, work->at, work->actor, message,
				   error);
}

static bool touch(lk_work *work, int64_t ticket, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, ticket);
	lk_param_time(params, work->at);
	return lk_db_run(work->db, LK_Q_TICKET_TOUCH, params, NULL, error);
}

static bool take_on_ticket(lk_work *work, lk_ingest_result *result, GError **error)
{
	int64_t ticket = work->thread.ticket;
	bool is_answer = false;
	lk_plan *plan = &work->plan;

	if (!reaches_people(work, ticket, &is_answer, error))
		return false;
	lk_work_settle(work, LK_OUTCOME_TICKET, NULL,
		       is_answer ? "the desk's answer, written from the mailbox itself"
				 : "written from the mailbox itself to people who take no part in "
				   "the ticket: a note");
	plan->ticket = ticket;
	plan->evidence = work->thread.evidence;
	plan->writer = LK_WRITER_AGENT;
	plan->is_out = is_answer;
	plan->is_note = !is_answer;
	lk_work_explain(work);
	if (work->is_dry)
		return true;
	if (!is_answer)
		lk_work_tell(work, ticket, "noted", plan->reason, NULL);
	return lk_work_store(work, LK_OUTCOME_TICKET, plan->reason, NULL, ticket, ticket, result,
			     error) &&
	       touch(work, ticket, error) &&
	       (!is_answer || record_answer(work, ticket, result->message, error));
}

/* Kept as a mail out: should somebody answer it, that ticket begins with it. */
static bool take_alone(lk_work *work, lk_ingest_result *result, GError **error)
{
	static const char *const reason = "written from the mailbox itself, about no ticket";

	lk_work_settle(work, LK_OUTCOME_CONTROL, NULL, reason);
	work->plan.writer = LK_WRITER_AGENT;
	work->plan.is_out = true;
	lk_work_explain(work);
	return work->is_dry ||
	       lk_work_store(work, LK_OUTCOME_CONTROL, reason, NULL, 0, 0, result, error);
}

bool lk_work_sent(lk_work *work, lk_ingest_result *result, GError **error)
{
	const lk_mail *mail = work->mail;
	bool is_ours = work->from && (lk_policy_is_own_address(work->policy, work->from) ||
				      lk_policy_agent(work->policy, work->from));

	if (is_of_luukku(work))
		return keep(work, LK_OUTCOME_CONTROL, NULL,
			    "a mail of ours lies in the folder of sent mail (known by its reply "
			    "address)",
			    result, error);
	if (was_delivered(work))
		return keep(work, LK_OUTCOME_QUARANTINE, "own_mail",
			    "it lies in the folder of sent mail, but a mail server delivered it "
			    "there: nobody wrote it from the mailbox",
			    result, error);
	if (!is_ours || mail->kind != LK_KIND_NORMAL || mail->is_unparsed)
		return keep(work, LK_OUTCOME_CONTROL, NULL,
			    "it lies in the folder of sent mail and is no answer: not from an "
			    "address of a queue or agent, or not written by a person",
			    result, error);
	return work->thread.ticket ? take_on_ticket(work, result, error)
				   : take_alone(work, result, error);
}

/* --- what came before or comes after ---------------------------------------------------------- */

bool lk_work_sent_again(lk_work *work, const lk_ingest_result *result, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	bool is_answer = false;

	if (!work->is_sent || !result->ticket || !result->message || !work->from ||
	    !lk_policy_is_own_address(work->policy, work->from) || was_delivered(work))
		return true;
	if (!reaches_people(work, result->ticket, &is_answer, error))
		return false;
	if (!is_answer)
		return true;
	lk_param_int(params, result->message);
	if (!lk_db_run(work->db, LK_Q_INGEST_SENT_KNOWN, params, &rows, error))
		return false;
	return lk_rows_count(rows) == 0 ||
	       record_answer(work, result->ticket, result->message, error);
}

static bool any_sent(const lk_policy *policy)
{
	for (unsigned i = 0; i < policy->mailboxes->len; i++) {
		const lk_desk_mailbox *mailbox = g_ptr_array_index(policy->mailboxes, i);
		if (mailbox->sent)
			return true;
	}
	return false;
}

bool lk_work_adopt_sent(lk_work *work, int64_t ticket, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(GByteArray) hashes = g_byte_array_new();

	for (unsigned i = 0; work->clues && i < work->clues->ids->len; i++) {
		const lk_clue_id *id = &g_array_index(work->clues->ids, lk_clue_id, i);
		if (!id->is_own && !id->is_ours)
			g_byte_array_append(hashes, id->hash, sizeof(id->hash));
	}
	if (hashes->len == 0 || !any_sent(work->policy))
		return true;
	lk_param_int(params, ticket);
	lk_param_blocks(params, hashes->data, hashes->len / LK_KEY_HASH_BYTES, LK_KEY_HASH_BYTES);
	return lk_db_run(work->db, LK_Q_INGEST_SENT_ADOPT, params, NULL, error);
}
