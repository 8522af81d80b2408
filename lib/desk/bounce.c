/* Delivery reports: they count only when they name a mail that we sent. */
#include "lib/desk/private.h"

#include "lib/base/text.h"

#include <string.h>

/* How long a proven hard bounce keeps us from writing to an address; a new mail from it ends it. */
static const lk_time suppression = 30 * INT64_C(86400) * LK_SECOND;

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

/* A full mailbox (x.2.2) and the like may be told as permanent, yet pass. */
static bool is_hard(const lk_bounce *bounce)
{
	if (!bounce->permanent)
		return false;
	return !bounce->status || !g_str_has_suffix(bounce->status, ".2.2");
}

static bool record(lk_work *work, int64_t outbox, bool is_permanent, const char *reason,
		   GError **error)
{
	const lk_bounce *bounce = work->mail->bounce;
	g_autoptr(lk_params) params = lk_params_new();
	g_autofree char *status = bounce->status ? lk_text_cut(bounce->status, 20) : NULL;
	g_autofree char *words = bounce->diagnostic ? lk_text_cut(bounce->diagnostic, 1000) : NULL;

	lk_param_int(params, outbox);
	lk_param_time(params, work->at);
	lk_param_text(params, is_permanent ? "bounced" : "delayed");
	lk_param_text(params, status);
	lk_param_text(params, words);
	lk_param_time(params, is_hard(bounce) ? work->at + suppression : LK_TIME_NONE);
	lk_param_text(params, reason);
	return lk_db_run(work->db, LK_Q_BOUNCE_RECORD, params, NULL, error);
}

/* The history tells of the first report of each sort only. */
static void tell(lk_work *work, const lk_rows *sent, bool is_permanent, const char *reason)
{
	int64_t ticket = lk_row_int(sent, 0, "ticket");
	lk_json *detail = lk_json_object();

	lk_json_set_int(detail, "outbox", lk_row_int(sent, 0, "id"));
	lk_json_set_text(detail, "recipient", lk_row_text(sent, 0, "recipient"));
	lk_json_set_text(detail, "status", work->mail->bounce->status);
	if (ticket && !lk_row_bool(sent, 0, "was_bounced") &&
	    (is_permanent || !lk_row_bool(sent, 0, "was_delayed")))
		lk_work_tell(work, ticket, is_permanent ? "bounced" : "delayed", reason, detail);
	else
		lk_json_unref(detail);
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
	g_autofree char *reason = g_strdup_printf(
		"a delivery report says that the %s %s%s%s%s", lk_row_text(sent, 0, "template"),
		bounce->permanent ? "could not be delivered" : "is delayed",
		bounce->status ? " (" : "", bounce->status ? bounce->status : "",
		bounce->status ? ")" : "");
	lk_work_settle(work, LK_OUTCOME_CONTROL, NULL, reason);
	*ret_done = true;
	if (work->is_dry)
		return true;
	if (!record(work, outbox, bounce->permanent, reason, error))
		return false;
	tell(work, sent, bounce->permanent, reason);
	return lk_work_store(work, LK_OUTCOME_CONTROL, reason, NULL, 0, ticket, result, error);
}
