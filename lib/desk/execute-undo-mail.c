/* #undo: the mails of a run. What has not gone is cancelled, what has is named. */
#include "lib/desk/execute-private.h"

#include "lib/desk/term.h"

#include <string.h>

/* Did a colleague answer the customer after the run? */
bool lk_undo_is_answered(lk_undoing *u, bool *ret_is, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	const lk_agent *agent = u->run->how->agent;

	lk_param_int(params, u->ticket);
	lk_param_time(params, u->at);
	lk_param_text(params, agent ? agent->address : "");
	if (!lk_db_run(u->run->db, LK_Q_COMMAND_NEWER, params, &rows, error))
		return false;
	*ret_is = !lk_row_is_null(rows, 0, "colleague");
	return true;
}

static lk_json *mail_json(const lk_run *run, const lk_rows *rows, size_t row)
{
	lk_json *one = lk_json_object();
	int64_t ticket = lk_row_int(rows, row, "ticket_id");
	g_autofree char *reference = ticket ? lk_reference(run->policy, ticket) : NULL;

	lk_json_set_text(one, "reference", reference);
	lk_json_set_text(one, "to", lk_row_text(rows, row, "recipient"));
	lk_json_set_text(one, "template", lk_row_text(rows, row, "template"));
	lk_json_set_text(one, "template_shown",
			 lk_term_template(lk_row_text(rows, row, "template"), run->how->language));
	return one;
}

static bool is_pending(const char *state)
{
	return strcmp(state, "queued") == 0 || strcmp(state, "retry") == 0 ||
	       strcmp(state, "held") == 0;
}

static bool has_gone(const char *state)
{
	return strcmp(state, "sending") == 0 || strcmp(state, "sent") == 0 ||
	       strcmp(state, "uncertain") == 0;
}

/* The mails of the run, locked: what has not gone now does not go. */
bool lk_undo_read_mails(lk_undoing *u, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	for (size_t i = 0; i < lk_json_size(u->steps); i++) {
		const lk_json *step = lk_json_at(u->steps, i);
		int64_t outbox = lk_json_get_int(step, "outbox", 0);
		if (outbox)
			g_array_append_val(u->mails, outbox);
	}
	if (u->mails->len == 0)
		return true;
	lk_param_ints(params, (const int64_t *)(void *)u->mails->data, u->mails->len);
	return lk_db_run(u->run->db, LK_Q_COMMAND_MAIL, params, &u->sent, error);
}

/*
 * Does nobody have the answer that the run gave on this ticket? Whom the desk did not write to, the
 * agent's own mail has reached.
 */
static bool is_unsaid(const lk_undoing *u)
{
	bool has_mail = false;

	for (size_t i = 0; u->sent && i < lk_rows_count(u->sent); i++) {
		const char *name = lk_row_text(u->sent, i, "template");
		bool is_answer = strcmp(name, "reply") == 0 || strcmp(name, "resolution") == 0;

		if (!is_answer || lk_row_int(u->sent, i, "ticket_id") != u->ticket)
			continue;
		if (has_gone(lk_row_text(u->sent, i, "state")))
			return false;
		has_mail = true;
	}
	return has_mail;
}

/* An answer that nobody gets is a note: nothing is held, or waits for the customer, by it. */
bool lk_undo_said(lk_undoing *u, GError **error)
{
	lk_params *params = NULL;

	if (!is_unsaid(u))
		return true;
	params = lk_params_new();
	lk_param_int(params, lk_json_get_int(u->step, "message", 0));
	return lk_undo_params(u, LK_Q_COMMAND_UNSAID, params, error);
}

/* What has gone was an answer; and so is what a colleague wrote since. */
bool lk_undo_responded(lk_undoing *u, GError **error)
{
	g_autoptr(lk_json) values = lk_json_object();
	bool is_answered = false;

	if (!is_unsaid(u))
		return true;
	if (!lk_undo_is_answered(u, &is_answered, error))
		return false;
	lk_json_set_null(values, "first_response_at");
	return is_answered ||
	       (lk_undo_put_back(u, values, error) &&
		lk_ticket_start_clocks(u->run->db, u->run->policy, u->ticket, u->run->how->now,
				       u->run->how->actor, u->run->how->message, error));
}

bool lk_undo_cancel_mails(lk_undoing *u, GError **error)
{
	lk_run *run = u->run;
	g_autoptr(lk_params) params = lk_params_new();
	const lk_rows *rows = u->sent;
	lk_json *undone = lk_json_object();
	lk_json *cancelled = lk_json_array();
	lk_json *gone = lk_json_array();

	lk_json_take(undone, "cancelled", cancelled);
	lk_json_take(undone, "gone", gone);
	lk_json_take(run->receipt->json, "undone", undone);
	if (!rows)
		return true;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		const char *state = lk_row_text(rows, i, "state");
		int64_t ticket = lk_row_int(rows, i, "ticket_id");
		lk_sight sight = ticket ? LK_SIGHT_NONE : LK_SIGHT_FULL;
		if (ticket && !lk_run_sight(run, ticket, &sight, error))
			return false;
		if (sight == LK_SIGHT_NONE)
			continue;
		if (is_pending(state))
			lk_json_push(cancelled, mail_json(run, rows, i));
		else if (has_gone(state))
			lk_json_push(gone, mail_json(run, rows, i));
	}
	lk_param_ints(params, (const int64_t *)(void *)u->mails->data, u->mails->len);
	lk_param_text(params, "taken back by its writer (#undo)");
	return lk_db_run(run->db, LK_Q_COMMAND_CANCEL_MAIL, params, NULL, error);
}
