/* A mail that joins a ticket. */
#include "lib/desk/private.h"

#include "lib/desk/ingest-fields.h"
#include "lib/desk/ingest-rules.h"
#include "lib/desk/intake.h"
#include "lib/desk/status.h"

static bool is_of_supplier(const lk_work *work)
{
	return work->plan.writer == LK_WRITER_SUPPLIER && work->supplier;
}

static void tell_joined(lk_work *work, int64_t ticket)
{
	lk_json *detail = lk_json_object();

	lk_json_set_text(detail, "evidence", lk_evidence_name(work->plan.evidence));
	lk_json_set_text(detail, "writer", lk_writer_name(work->plan.writer));
	lk_json_set_text(detail, "addressed_queue", work->route.queue->name);
	/* What reports count otherwise than an answer to the desk. */
	if (work->thread.is_chase || work->thread.is_thanks)
		lk_json_set_text(detail, "words", work->thread.is_chase ? "chase" : "thanks");
	if (is_of_supplier(work))
		lk_json_set_text(detail, "supplier", work->supplier->name);
	lk_work_tell(work, ticket, "joined", work->plan.reason, detail);
	for (unsigned i = 0; i < work->also->len; i++)
		lk_work_tell_also(work, ticket, g_ptr_array_index(work->also, i));
	if (work->plan.writer == LK_WRITER_GUEST)
		lk_work_tell(work, ticket, "guest",
			     "its writer takes no part in the ticket: it reopens nothing, and its "
			     "writer gets no mail about the ticket",
			     NULL);
	if (work->thread.is_over)
		lk_work_tell(work, ticket, "token_over",
			     "the ticket was closed too long ago for the address that its writer "
			     "was given: it is a stranger's word now",
			     NULL);
	if (work->plan.is_note) {
		g_autofree char *reason = g_strdup_printf("kept as a note and not sent on: %s",
							  work->thread.note_reason);
		lk_work_tell(work, ticket, "kept_as_note", reason, NULL);
	}
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

static lk_status status_after(const lk_work *work, lk_status was)
{
	const lk_thread_decision *thread = &work->thread;
	bool is_supplier = work->plan.writer == LK_WRITER_SUPPLIER;
	lk_status_event event = is_supplier	     ? LK_EVENT_SUPPLIER
				: thread->is_thanks  ? LK_EVENT_THANKS
				: thread->is_chase   ? LK_EVENT_CHASE
				: thread->may_reopen ? LK_EVENT_CUSTOMER
						     : LK_EVENT_CUSTOMER_LATE;
	lk_status next = was;

	if (work->plan.moves || is_supplier)
		lk_status_next(was, event, &next);
	return next;
}

bool lk_work_join(lk_work *work, lk_ingest_result *result, GError **error)
{
	int64_t ticket = work->plan.ticket;
	lk_status was = status_of(work, ticket);
	lk_status now = status_after(work, was);

	if (is_of_supplier(work)) {
		g_free(work->actor);
		work->actor = g_strconcat("supplier:", work->supplier->name, NULL);
	}
	tell_joined(work, ticket);
	if (!lk_work_link(work, ticket, false, error) ||
	    !lk_work_free_sender(work, ticket, error) || !add_participants(work, ticket, error) ||
	    !lk_work_rules_before(work, ticket, false, error) ||
	    !lk_work_fill_joined(work, ticket, error))
		return false;
	lk_work_tell_unanswered(work, ticket);
	if (!lk_work_store(work, LK_OUTCOME_TICKET, work->plan.reason, NULL, ticket, ticket, result,
			   error) ||
	    !lk_work_inside(work, ticket, result->message, error) ||
	    !lk_work_chased(work, ticket, result->message, error) ||
	    !lk_work_vacation(work, ticket, result->message, error) ||
	    !lk_work_notify(work, ticket, result->message, error))
		return false;
	if (now == was)
		return touch(work, ticket, error) &&
		       lk_work_rules_after(work, ticket, result->message, false, error) &&
		       lk_work_moved(work, ticket, result->message, error);
	lk_move move = {.ticket = ticket,
			.status = now,
			.at = work->at,
			.actor = work->actor,
			.reason = work->plan.writer == LK_WRITER_SUPPLIER
					  ? "the supplier answered"
					  : "a customer's message came",
			.message = result->message};
	return lk_ticket_move(work->db, work->policy, &move, NULL, error) &&
	       lk_work_rules_after(work, ticket, result->message, false, error) &&
	       lk_work_moved(work, ticket, result->message, error);
}
