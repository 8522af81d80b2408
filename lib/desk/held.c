#include "lib/desk/held.h"

#include "lib/base/err.h"
#include "lib/desk/intake.h"
#include "lib/desk/ticket.h"

#include <inttypes.h>
#include <string.h>

static bool run_by_id(lk_db *db, lk_query query, int64_t id, lk_rows **ret_rows, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, id);
	return lk_db_run(db, query, params, ret_rows, error);
}

/* Locks the row of a mail that is neither under way nor gone. */
static bool lock_mail(lk_db *db, int64_t outbox, lk_rows **ret_row, GError **error)
{
	g_autoptr(lk_rows) row = NULL;
	const char *state = NULL;

	if (!run_by_id(db, LK_Q_HELD_OUTBOX_LOCK, outbox, &row, error))
		return false;
	if (lk_rows_count(row) == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
			    "there is no mail %" PRId64 " in the outbox", outbox);
		return false;
	}
	state = lk_row_text(row, 0, "state");
	if (strcmp(state, "sent") == 0 || strcmp(state, "sending") == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA, "mail %" PRId64 " %s", outbox,
			    strcmp(state, "sent") == 0 ? "was sent already"
						       : "is being sent just now; look again soon");
		return false;
	}
	*ret_row = g_steal_pointer(&row);
	return true;
}

static bool add_mail_event(lk_db *db, const lk_rows *row, int64_t outbox, lk_time now,
			   const char *actor, const char *name, GError **error)
{
	g_autofree char *reason =
		g_strdup_printf("mail %" PRId64 " to %s was %s", outbox,
				lk_row_text(row, 0, "recipient"), lk_row_text(row, 0, "state"));
	lk_event event = {
		.ticket = lk_row_int(row, 0, "ticket_id"),
		.message = lk_row_int(row, 0, "message_id"),
		.at = now,
		.actor = actor,
		.event = name,
		.reason = reason,
	};

	return lk_event_add(db, &event, error);
}

bool lk_held_retry(lk_db *db, int64_t outbox, lk_time now, const char *actor, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_params) bell = lk_params_new();
	g_autoptr(lk_rows) row = NULL;

	lk_param_int(params, outbox);
	lk_param_time(params, now);
	lk_param_text(params, actor);
	lk_param_text(bell, "luukku_outbox");
	lk_param_text(bell, "");
	return lock_mail(db, outbox, &row, error) &&
	       lk_db_run(db, LK_Q_HELD_OUTBOX_RETRY, params, NULL, error) &&
	       add_mail_event(db, row, outbox, now, actor, "mail_retried", error) &&
	       lk_db_run(db, LK_Q_DB_NOTIFY, bell, NULL, error);
}

bool lk_held_cancel(lk_db *db, int64_t outbox, lk_time now, const char *actor, GError **error)
{
	g_autoptr(lk_rows) row = NULL;

	return lock_mail(db, outbox, &row, error) &&
	       run_by_id(db, LK_Q_HELD_OUTBOX_CANCEL, outbox, NULL, error) &&
	       add_mail_event(db, row, outbox, now, actor, "mail_cancelled", error);
}

/* Locks a quarantine row that nobody has decided on. */
static bool lock_held(lk_db *db, int64_t quarantine, lk_rows **ret_row, GError **error)
{
	g_autoptr(lk_rows) row = NULL;

	if (!run_by_id(db, LK_Q_HELD_QUARANTINE_LOCK, quarantine, &row, error))
		return false;
	if (lk_rows_count(row) == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
			    "there is no number %" PRId64 " in the quarantine", quarantine);
		return false;
	}
	if (strcmp(lk_row_text(row, 0, "state"), "held") != 0) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "number %" PRId64 " of the quarantine was %s already", quarantine,
			    lk_row_text(row, 0, "state"));
		return false;
	}
	*ret_row = g_steal_pointer(&row);
	return true;
}

static bool decide(lk_db *db, int64_t quarantine, const char *state, lk_time now, const char *actor,
		   GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, quarantine);
	lk_param_text(params, state);
	lk_param_time(params, now);
	lk_param_text(params, actor);
	return lk_db_run(db, LK_Q_HELD_QUARANTINE_DECIDE, params, NULL, error);
}

bool lk_held_drop(lk_db *db, int64_t quarantine, lk_time now, const char *actor, GError **error)
{
	g_autoptr(lk_rows) row = NULL;
	g_autofree char *reason = NULL;
	lk_event event = {.at = now, .actor = actor, .event = "quarantine_dropped"};

	if (!lock_held(db, quarantine, &row, error) ||
	    !decide(db, quarantine, "dropped", now, actor, error))
		return false;
	reason = g_strdup_printf("a person left it in the quarantine (%s)",
				 lk_row_text(row, 0, "reason"));
	event.message = lk_row_int(row, 0, "message_id");
	event.reason = reason;
	return lk_event_add(db, &event, error);
}

bool lk_held_release(lk_db *db, const lk_policy *policy, int64_t quarantine, lk_time now,
		     const char *actor, int64_t *ret_ticket, GError **error)
{
	g_autoptr(lk_rows) held = NULL;
	g_autofree char *why = NULL;
	lk_ingest_result opened = {0};

	if (!lock_held(db, quarantine, &held, error))
		return false;
	why = g_strdup_printf("released from the quarantine (%s)", lk_row_text(held, 0, "reason"));
	lk_stored_open how = {
		.message = lk_row_int(held, 0, "message_id"),
		.actor = actor,
		.why = why,
		.unanswered = "a mail from the quarantine is never answered by itself",
		.now = now,
	};
	if (!lk_open_stored(db, policy, &how, &opened, error)) {
		g_prefix_error(error, "number %" PRId64 " of the quarantine: ", quarantine);
		return false;
	}
	*ret_ticket = opened.ticket;
	lk_ingest_result_clear(&opened);
	return decide(db, quarantine, "released", now, actor, error);
}
