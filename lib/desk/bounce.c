/* Delivery reports: they count only when they name a mail that we sent. */
#include "lib/desk/private.h"

#include "lib/base/text.h"

#include <string.h>

/* How long a proven hard bounce keeps us from writing to an address; a new mail from it ends it. */
static const lk_time suppression = 30 * INT64_C(86400) * LK_SECOND;

/* Mail systems give up after days: a later report is somebody's doing. */
static const lk_time believed = 30 * INT64_C(86400) * LK_SECOND;

/* The outbox row named by a return address, else by the Message-ID of the returned mail; or 0. */
static int64_t named_mail(const lk_work *work)
{
	const GArray *tokens = work->clues->tokens;
	lk_purpose purpose = LK_PURPOSE_NONE;
	uint64_t ticket = 0;
	uint64_t outbox = 0;

	for (unsigned i = 0; i < tokens->len; i++) {
		const lk_clue_token *token = &g_array_index(tokens, lk_clue_token, i);
		if (token->purpose == LK_PURPOSE_BOUNCE)
			return token->number;
	}
	if (work->mail->bounce && work->mail->bounce->original_message_id &&
	    lk_message_id_verify(work->policy->keys, work->mail->bounce->original_message_id,
				 &purpose, &ticket, &outbox))
		return (int64_t)outbox;
	return 0;
}

/* What a report says of the mail's own recipient. Borrowed from the report. */
typedef struct {
	bool is_permanent;
	const char *status; /* or NULL */
	const char *other;  /* the address that it names instead, or NULL */
} recipient_state;

/*
 * A report may be about several: those a group's address or an alias leads to. Only what it says of
 * the very address the mail was made for is said of that one.
 */
static recipient_state state_of(const lk_bounce *bounce, const char *recipient)
{
	g_autofree char *folded = lk_address_fold(recipient);
	recipient_state all = {.is_permanent = bounce->permanent, .status = bounce->status};

	for (unsigned i = 0; i < bounce->recipients->len; i++) {
		const char *state =
			i < bounce->states->len ? g_ptr_array_index(bounce->states, i) : "";

		if (strcmp(g_ptr_array_index(bounce->recipients, i), folded) != 0)
			continue;
		if (*state) {
			const char *code = strchr(state, ' ');

			/* Who gives up after days says "failed" with the 4.x.x of the last try. */
			all.status = code ? code + 1 : NULL;
			all.is_permanent = g_str_has_prefix(state, "failed");
		}
		return all;
	}
	if (bounce->recipients->len > 0)
		all.other = g_ptr_array_index(bounce->recipients, 0);
	return all;
}

/*
 * Is it the address that fails (RFC 3463)? A full mailbox, a mail too large, content and policy
 * (x.2.2 to x.2.4, x.3, x.6, x.7) are about this mail or this day, and what was only tried too long
 * (4.x.x) may work tomorrow.
 */
static bool is_about_address(const char *status)
{
	if (!status)
		return true;
	if (*status == '4' || strlen(status) < 5)
		return *status != '4';
	if (status[2] == '2')
		return !(status[4] >= '2' && status[4] <= '4');
	return !strchr("367", status[2]);
}

/*
 * Does it say that mail cannot reach the address? Who the address is passed on to is not the
 * address, and no report takes weeks.
 */
static bool is_hard(const recipient_state *state, lk_time sent_at, lk_time at)
{
	return state->is_permanent && !state->other && is_about_address(state->status) &&
	       at - sent_at <= believed;
}

/* RFC 3463: larger than the recipient, or their mail system, takes. */
static bool is_too_large(const recipient_state *state)
{
	return state->is_permanent && !state->other && state->status &&
	       (strcmp(state->status, "5.2.3") == 0 || strcmp(state->status, "5.3.4") == 0);
}

static bool record(lk_work *work, const lk_rows *sent, const recipient_state *state,
		   const char *reason, GError **error)
{
	const lk_bounce *bounce = work->mail->bounce;
	bool is_permanent = state->is_permanent;
	g_autoptr(lk_params) params = lk_params_new();
	g_autofree char *status = state->status ? lk_text_cut(state->status, 20) : NULL;
	g_autofree char *words = bounce->diagnostic ? lk_text_cut(bounce->diagnostic, 1000) : NULL;

	lk_param_int(params, lk_row_int(sent, 0, "id"));
	lk_param_time(params, work->at);
	lk_param_text(params, is_permanent ? "bounced" : "delayed");
	lk_param_text(params, status);
	lk_param_text(params, words);
	lk_param_time(params, is_hard(state, lk_row_time(sent, 0, "at"), work->at)
				      ? work->at + suppression
				      : LK_TIME_NONE);
	lk_param_text(params, reason);
	lk_param_bool(params, is_too_large(state));
	return lk_db_run(work->db, LK_Q_BOUNCE_RECORD, params, NULL, error);
}

/* The history tells of the first report of each sort only. */
static void tell(lk_work *work, const lk_rows *sent, const recipient_state *state,
		 const char *reason)
{
	bool is_permanent = state->is_permanent;
	int64_t ticket = lk_row_int(sent, 0, "ticket");
	lk_json *detail = lk_json_object();

	lk_json_set_int(detail, "outbox", lk_row_int(sent, 0, "id"));
	lk_json_set_text(detail, "recipient", lk_row_text(sent, 0, "recipient"));
	lk_json_set_text(detail, "status", state->status);
	lk_json_set_text(detail, "reported", state->other);
	if (ticket && !lk_row_bool(sent, 0, "was_bounced") &&
	    (is_permanent || !lk_row_bool(sent, 0, "was_delayed")))
		lk_work_tell(work, ticket, is_permanent ? "bounced" : "delayed", reason, detail);
	else
		lk_json_unref(detail);
}

/* Caller frees. */
static char *reason_of(const recipient_state *state, const char *template_name)
{
	g_autofree char *code =
		state->status ? g_strdup_printf(" (%s)", state->status) : g_strdup("");
	g_autofree char *other =
		state->other
			? g_strdup_printf("; it names %s, where the address leads to", state->other)
			: g_strdup("");

	return g_strdup_printf("a delivery report says that the %s %s%s%s", template_name,
			       state->is_permanent ? "could not be delivered" : "is delayed", code,
			       other);
}

bool lk_work_bounce(lk_work *work, lk_ingest_result *result, bool *ret_done, GError **error)
{
	const lk_bounce *bounce = work->mail->bounce;
	int64_t outbox = named_mail(work);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) sent = NULL;

	*ret_done = false;
	if (!outbox || !bounce)
		return true;
	lk_param_ints(params, &outbox, 1);
	if (!lk_db_run(work->db, LK_Q_BOUNCE_SENT, params, &sent, error))
		return false;
	if (lk_rows_count(sent) == 0)
		return true;

	int64_t ticket = lk_row_int(sent, 0, "ticket");
	recipient_state state = state_of(bounce, lk_row_text(sent, 0, "recipient"));
	g_autofree char *reason = reason_of(&state, lk_row_text(sent, 0, "template"));
	lk_work_settle(work, LK_OUTCOME_CONTROL, NULL, reason);
	*ret_done = true;
	if (work->is_dry)
		return true;
	if (!record(work, sent, &state, reason, error))
		return false;
	tell(work, sent, &state, reason);
	return lk_work_store(work, LK_OUTCOME_CONTROL, reason, NULL, 0, ticket, result, error);
}
