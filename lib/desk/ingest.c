#include "lib/desk/ingest.h"

#include "lib/base/fault.h"
#include "lib/base/text.h"
#include "lib/desk/outbox.h"
#include "lib/desk/private.h"
#include "lib/desk/subject.h"

#include <string.h>

void lk_ingest_result_clear(lk_ingest_result *result)
{
	g_clear_pointer(&result->reason, g_free);
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
	if (work->mail->kind == LK_KIND_BOUNCE)
		return lk_work_bounce(work, result, ret_done, error);
	*ret_done = false;
	return true;
}

static void param_organisation(lk_params *params, const lk_organisation *organisation)
{
	lk_param_text(params, organisation ? organisation->name : NULL);
	lk_param_text(params, organisation ? organisation->language : NULL);
	lk_param_text(params, organisation ? organisation->sla : NULL);
}

static GPtrArray *new_tags(const lk_work *work)
{
	GPtrArray *tags = g_ptr_array_new_with_free_func(g_free);

	if (work->mail->is_unparsed)
		g_ptr_array_add(tags, g_strdup("unparsed"));
	if (work->intake->is_too_large)
		g_ptr_array_add(tags, g_strdup("too_large"));
	return tags;
}

static bool insert_ticket(lk_work *work, int64_t *ret_ticket, GError **error)
{
	const lk_mail *mail = work->mail;
	const lk_plan *plan = &work->plan;
	g_autofree char *subject = lk_subject_base(work->policy, mail->subject);
	g_autofree char *address =
		work->from ? lk_text_cut(work->from, LK_MAX_ADDRESS_BYTES) : NULL;
	g_autofree char *name = mail->from && mail->from->name && *mail->from->name
					? lk_text_cut(mail->from->name, LK_MAX_NAME_BYTES)
					: NULL;
	g_autoptr(GPtrArray) tags = new_tags(work);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	uint8_t hash[LK_KEY_HASH_BYTES];
	lk_people people = {0};

	if (plan->is_machine)
		lk_subject_machine_hash(work->policy, mail->subject, hash);
	else
		lk_subject_hash(work->policy, mail->subject, hash);
	lk_param_text(params, work->route.queue->name);
	lk_param_text(params, work->route.type);
	lk_param_text(params, work->route.priority);
	lk_param_text(params, lk_lang_code(plan->language));
	lk_param_text(params, subject);
	lk_param_bytes(params, hash, sizeof(hash));
	lk_param_time(params, work->at);
	lk_param_bool(params, plan->is_machine);
	lk_param_bool(params, work->intake->is_silent);
	lk_param_texts(params, tags);
	if (work->has_from)
		lk_param_bytes(params, work->from_hash, sizeof(work->from_hash));
	else
		lk_param_null(params);
	lk_param_text(params, address);
	lk_param_text(params, name);
	param_organisation(params, lk_policy_organisation(work->policy, work->from));
	lk_work_people(work, true, &people);
	if (plan->is_machine) /* a machine's list of recipients takes no part */
		g_ptr_array_set_size(people.addresses, 0);
	lk_param_blocks(params, people.hashes->data, people.addresses->len, LK_KEY_HASH_BYTES);
	lk_param_texts(params, people.addresses);
	g_ptr_array_set_size(people.names, (int)people.addresses->len);
	lk_param_texts(params, people.names);
	lk_param_text(params, work->actor);
	bool done = lk_db_run(work->db, LK_Q_INGEST_TICKET, params, &rows, error);
	lk_people_clear(&people);
	if (!done)
		return false;
	*ret_ticket = lk_row_int(rows, 0, "ticket");
	lk_fault("ingest.ticket");
	return true;
}

static void tell_opened(lk_work *work, int64_t ticket)
{
	const lk_intake *intake = work->intake;
	lk_json *detail = lk_json_object();

	lk_json_set_text(detail, "queue", work->route.queue->name);
	lk_json_set_text(detail, "mailbox", intake->mailbox);
	lk_work_tell(work, ticket, "opened", work->plan.reason, detail);
	for (unsigned i = 0; i < work->route.others->len; i++) {
		const lk_queue *other = g_ptr_array_index(work->route.others, i);
		g_autofree char *reason = g_strdup_printf("the mail also names an address of queue "
							  "%s",
							  other->name);
		detail = lk_json_object();
		lk_json_set_text(detail, "queue", other->name);
		lk_work_tell(work, ticket, "also_addressed", reason, detail);
	}
	if (work->mail->is_unparsed)
		lk_work_tell(work, ticket, "unparsed",
			     "the mail could not be parsed: read its original, attached as "
			     "original.eml",
			     NULL);
	if (work->mail->is_incomplete)
		lk_work_tell(work, ticket, "incomplete",
			     "the mail goes beyond a limit: what was readable is here, the rest "
			     "is in original.eml",
			     NULL);
	if (intake->is_too_large)
		lk_work_tell(work, ticket, "too_large",
			     "the mail is larger than the mailbox's max_size: only its header was "
			     "read, the mail itself is left on the mail server",
			     NULL);
}

static void tell_joined(lk_work *work, int64_t ticket)
{
	lk_json *detail = lk_json_object();

	lk_json_set_text(detail, "evidence", lk_evidence_name(work->plan.evidence));
	lk_json_set_text(detail, "writer", lk_writer_name(work->plan.writer));
	lk_json_set_text(detail, "addressed_queue", work->route.queue->name);
	lk_work_tell(work, ticket, "joined", work->plan.reason, detail);
	if (work->plan.writer == LK_WRITER_GUEST)
		lk_work_tell(work, ticket, "guest",
			     "its writer takes no part in the ticket: it reopens nothing, and its "
			     "writer gets no mail about the ticket",
			     NULL);
	if (work->plan.is_note) {
		g_autofree char *reason = g_strdup_printf("kept as a note and not sent on: %s",
							  work->thread.note_reason);
		lk_work_tell(work, ticket, "kept_as_note", reason, NULL);
	}
}

/* Not every mail is answered; the history says why not. */
static void tell_not_acknowledged(lk_work *work, int64_t ticket)
{
	bool is_plain_reply = work->plan.ticket && work->mail->kind == LK_KIND_NORMAL;

	if (!work->plan.acknowledge && !is_plain_reply)
		lk_work_tell(work, ticket, "not_acknowledged", work->plan.acknowledge_reason, NULL);
}

static bool free_sender(lk_work *work, int64_t ticket, GError **error)
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

static bool add_links(lk_work *work, int64_t ticket, bool is_new, GError **error)
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

/* A requester's mail by their own token adds its new Cc. */
static bool add_participants(lk_work *work, int64_t ticket, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_people people = {0};
	bool done = true;

	if (!work->thread.is_own_token || work->plan.writer != LK_WRITER_REQUESTER ||
	    work->mail->cc->len == 0)
		return true;
	lk_work_people(work, false, &people);
	if (people.addresses->len > 0) {
		lk_param_int(params, ticket);
		lk_param_blocks(params, people.hashes->data, people.addresses->len,
				LK_KEY_HASH_BYTES);
		lk_param_texts(params, people.addresses);
		lk_param_texts(params, people.names);
		lk_param_text(params, work->actor);
		lk_param_time(params, work->at);
		done = lk_db_run(work->db, LK_Q_INGEST_PARTICIPANTS, params, &rows, error);
	}
	lk_people_clear(&people);
	for (size_t i = 0; rows && i < lk_rows_count(rows); i++) {
		lk_json *detail = lk_json_object();
		lk_json_set_text(detail, "address", lk_row_text(rows, i, "address"));
		lk_work_tell(work, ticket, "participant_added",
			     "the requester copied them in a mail with the requester's own reply "
			     "address",
			     detail);
	}
	return done;
}

static lk_json *acknowledgement_variables(const lk_work *work, int64_t ticket)
{
	g_autofree char *reference = lk_reference(work->policy, ticket);
	g_autofree char *subject = lk_subject_base(work->policy, work->mail->subject);
	lk_json *variables = lk_json_object();

	lk_json_set_text(variables, "reference", reference);
	lk_json_set_text(variables, "subject", subject);
	lk_json_set_bool(variables, "is_bilingual", work->plan.is_bilingual);
	return variables;
}

static bool acknowledge(lk_work *work, int64_t ticket, int64_t message, GError **error)
{
	g_autoptr(lk_json) variables = NULL;
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
	int64_t outbox = 0;

	if (!work->plan.acknowledge)
		return true;
	variables = acknowledgement_variables(work, ticket);
	lk_outbox_mail mail = {
		.ticket = ticket,
		.cause = message,
		.template_name = "acknowledgement",
		.purpose = LK_PURPOSE_CUSTOMER,
		.queue = work->route.queue,
		.language = work->plan.language,
		.recipient = work->from,
		.recipient_name = work->mail->from->name,
		.rank = LK_RANK_ACKNOWLEDGEMENT,
		.reason = work->plan.acknowledge_reason,
		.variables = variables,
	};
	if (!lk_outbox_add(work->db, work->policy, work->now, &mail, &verdict, &outbox, error))
		return false;
	lk_fault("ingest.outbox");
	return true;
}

static bool open_new(lk_work *work, lk_ingest_result *result, GError **error)
{
	int64_t ticket = 0;

	if (!insert_ticket(work, &ticket, error))
		return false;
	tell_opened(work, ticket);
	if (!add_links(work, ticket, true, error) || !free_sender(work, ticket, error))
		return false;
	tell_not_acknowledged(work, ticket);
	if (!lk_work_store(work, LK_OUTCOME_TICKET, work->plan.reason, NULL, ticket, ticket, result,
			   error))
		return false;
	result->is_new_ticket = true;
	return acknowledge(work, ticket, result->message, error);
}

static bool touch(lk_work *work, int64_t ticket, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, ticket);
	lk_param_time(params, work->at);
	return lk_db_run(work->db, LK_Q_TICKET_TOUCH, params, NULL, error);
}

static lk_status status_of(const lk_work *work, int64_t ticket)
{
	for (unsigned i = 0; i < work->facts.tickets->len; i++) {
		const lk_thread_ticket *known =
			&g_array_index(work->facts.tickets, lk_thread_ticket, i);
		if (known->ticket == ticket)
			return known->status;
	}
	return LK_STATUS_OPEN;
}

static bool join_known(lk_work *work, lk_ingest_result *result, GError **error)
{
	int64_t ticket = work->plan.ticket;
	lk_status was = status_of(work, ticket);
	lk_status now =
		work->plan.moves ? lk_status_after_customer(was, work->thread.may_reopen) : was;

	tell_joined(work, ticket);
	if (!add_links(work, ticket, false, error) || !free_sender(work, ticket, error) ||
	    !add_participants(work, ticket, error))
		return false;
	tell_not_acknowledged(work, ticket);
	if (!lk_work_store(work, LK_OUTCOME_TICKET, work->plan.reason, NULL, ticket, ticket, result,
			   error))
		return false;
	if (now == was)
		return touch(work, ticket, error);
	return lk_ticket_move(work->db, ticket, now, work->at, work->actor,
			      "a customer's message came", result->message, NULL, error);
}

static bool take_held(lk_work *work, lk_ingest_result *result, GError **error)
{
	lk_work_tell(work, 0, "quarantined", work->plan.reason, NULL);
	tell_not_acknowledged(work, 0);
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
		return take_duplicate(work, result, error);
	if (!lk_work_decide(work, error))
		return false;
	if (!take_control(work, result, &is_done, error))
		return false;
	if (is_done)
		return true;
	if (work->plan.outcome == LK_OUTCOME_QUARANTINE)
		return take_held(work, result, error);
	return work->plan.ticket ? join_known(work, result, error) : open_new(work, result, error);
}

bool lk_ingest(lk_db *db, const lk_policy *policy, lk_time now, const lk_intake *intake,
	       lk_ingest_result *ret_result, GError **error)
{
	lk_work work = {0};

	memset(ret_result, 0, sizeof(*ret_result));
	lk_work_init(&work, db, policy, now, intake);
	bool done = take(&work, ret_result, error);
	lk_work_clear(&work);
	if (!done) {
		lk_ingest_result_clear(ret_result);
		return false;
	}
	lk_fault("ingest.end");
	return true;
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
		    take_control(&work, &unused, &is_done, error);
	if (done)
		*ret_explain = g_steal_pointer(&work.explain);
	lk_work_clear(&work);
	return done;
}
