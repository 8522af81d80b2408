/*
 * A mail that was joined to an open ticket, and whose sender says by the link in our answer that it
 * is a matter of its own (desk.md 3).
 */
#include "lib/desk/intake.h"

#include "lib/base/fault.h"
#include "lib/desk/outbox-private.h"
#include "lib/desk/outbox.h"

/* As long as any other action link. */
static const int64_t good_for_seconds = INT64_C(14) * 86400;

char *lk_work_apart_address(const lk_work *work, int64_t message, uint8_t epoch)
{
	const char *plain = work->route.queue->from;
	g_autofree char *address = lk_outbox_address(work->policy, plain, LK_PURPOSE_APART, epoch,
						     message, work->from);

	return g_strcmp0(address, plain) == 0 ? NULL : g_steal_pointer(&address);
}

/*
 * The token's number is a message. From here on it counts as a customer's token of the ticket that
 * has the message now, so that words sent there are never lost, and are no more than a reply.
 */
static bool read_token(lk_work *work, lk_clue_token *token, GError **error)
{
	int64_t message = token->number;
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	token->purpose = LK_PURPOSE_CUSTOMER;
	token->number = 0;
	lk_param_int(params, message);
	if (!lk_db_run(work->db, LK_Q_INTAKE_JOINED, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return true;
	token->number = lk_row_int(rows, 0, "ticket");
	bool is_in_time = work->at - lk_row_time(rows, 0, "at") <= good_for_seconds * LK_SECOND;
	if (token->is_for_sender && lk_row_bool(rows, 0, "is_duplicate") && is_in_time &&
	    token->epoch == (uint8_t)lk_row_int(rows, 0, "epoch") &&
	    work->mail->kind == LK_KIND_NORMAL && !lk_mail_fails_dmarc(work->mail)) {
		work->apart_message = message;
		work->apart_ticket = token->number;
	}
	return true;
}

bool lk_work_read_apart(lk_work *work, GError **error)
{
	for (unsigned i = 0; i < work->clues->tokens->len; i++) {
		lk_clue_token *token = &g_array_index(work->clues->tokens, lk_clue_token, i);
		if (token->purpose == LK_PURPOSE_APART && !read_token(work, token, error))
			return false;
	}
	return true;
}

static bool tell(lk_work *work, int64_t ticket, int64_t other, const char *event, const char *words,
		 GError **error)
{
	g_autofree char *reference = lk_reference(work->policy, other);
	g_autofree char *reason = g_strdup_printf("%s %s", words, reference);
	g_autoptr(lk_json) detail = lk_json_object();

	lk_json_set_text(detail, "ref", reference);
	lk_event row = {.ticket = ticket,
			.message = work->apart_message,
			.at = work->at,
			.actor = work->actor,
			.event = event,
			.reason = reason,
			.detail = detail};
	return lk_event_add(work->db, &row, error);
}

/* *ret_ticket 0: it was taken away before. */
static bool take_apart(lk_work *work, int64_t *ret_ticket, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autofree char *refusal = lk_work_unanswerable(work);
	lk_ingest_result opened = {0};
	lk_stored_open how = {
		.message = work->apart_message,
		.actor = work->actor,
		.why = "its sender says that it is a matter of its own",
		.unanswered = refusal,
		.now = work->now,
	};

	if (work->is_dry) {
		how.explained = lk_json_get(work->explain, "mails");
		return lk_open_stored(work->db, work->policy, &how, &opened, error);
	}
	lk_param_int(params, work->apart_message);
	lk_param_int(params, work->apart_ticket);
	if (!lk_db_run(work->db, LK_Q_INTAKE_APART, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return true;
	if (!lk_open_stored(work->db, work->policy, &how, &opened, error))
		return false;
	*ret_ticket = opened.ticket;
	lk_ingest_result_clear(&opened);
	lk_fault("ingest.apart");
	return true;
}

bool lk_work_apart(lk_work *work, lk_ingest_result *result, bool *ret_done, GError **error)
{
	int64_t old = work->apart_ticket;
	int64_t ticket = 0;

	*ret_done = false;
	if (!work->apart_message || work->plan.ticket != old ||
	    work->plan.writer != LK_WRITER_REQUESTER)
		return true;
	if (work->is_dry) {
		*ret_done = true;
		lk_json_take(work->explain, "mails", lk_json_array());
		return take_apart(work, &ticket, error);
	}
	if (!take_apart(work, &ticket, error))
		return false;
	if (!ticket)
		return true;
	*ret_done = true;
	/* The mail that asked for it stands on the new ticket: it may say more. */
	g_autofree char *reason = g_strdup("joins: its sender made an earlier mail a ticket of its "
					   "own by the link in our answer");
	g_free(work->plan.reason);
	work->plan.reason = g_steal_pointer(&reason);
	work->plan.ticket = ticket;
	return tell(work, old, ticket, "taken_apart", "a mail that was joined is now", error) &&
	       lk_ticket_link(work->db, ticket, old, "related",
			      "its mail was joined there for a while", work->at, error) &&
	       lk_work_store(work, LK_OUTCOME_TICKET, work->plan.reason, NULL, ticket, ticket,
			     result, error);
}
