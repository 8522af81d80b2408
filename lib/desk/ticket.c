#include "lib/desk/ticket.h"

#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/desk/clocks.h"
#include "lib/desk/ticket-fields.h"

#include <string.h>

static const char *const status_names[LK_N_STATUSES] = {
	"new",	"open",	 "waiting_customer", "waiting_supplier", "on_hold", "resolved", "closed",
	"junk", "merged"};

static const char *const writer_names[] = {"requester", "participant", "guest",
					   "agent",	"manager",     "supplier",
					   "consulted", "machine",     "stranger"};

static const char *const evidence_names[] = {
	"none", "token", "message_id", "reference", "subject", "supplier_reference", "duplicate"};

const char *lk_status_name(lk_status status)
{
	g_assert((unsigned)status < LK_N_STATUSES);
	return status_names[status];
}

bool lk_status_parse(const char *name, lk_status *ret_status)
{
	for (unsigned i = 0; name && i < LK_N_STATUSES; i++)
		if (strcmp(name, status_names[i]) == 0) {
			*ret_status = (lk_status)i;
			return true;
		}
	return false;
}

const char *lk_writer_name(lk_writer writer)
{
	g_assert((unsigned)writer < G_N_ELEMENTS(writer_names));
	return writer_names[writer];
}

const char *lk_evidence_name(lk_evidence evidence)
{
	g_assert((unsigned)evidence < G_N_ELEMENTS(evidence_names));
	return evidence_names[evidence];
}

char *lk_actor_customer(const char *address)
{
	g_autofree char *folded = lk_address_fold(address ? address : "");
	g_autofree char *cut = lk_text_cut(folded, 320);

	return g_strconcat("customer:", *cut ? cut : "unknown", NULL);
}

bool lk_event_add(lk_db *db, const lk_event *event, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autofree char *detail = event->detail ? lk_json_dump(event->detail, false) : NULL;

	event->ticket ? lk_param_int(params, event->ticket) : lk_param_null(params);
	event->message ? lk_param_int(params, event->message) : lk_param_null(params);
	lk_param_time(params, event->at);
	lk_param_text(params, event->actor);
	lk_param_text(params, event->event);
	lk_param_text(params, event->reason);
	lk_param_text(params, detail);
	return lk_db_run(db, LK_Q_TICKET_EVENT_ADD, params, NULL, error);
}

static bool set_gone(int64_t ticket, GError **error)
{
	g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
		    "ticket number %" G_GINT64_FORMAT " does not exist", ticket);
	return false;
}

static void param_id(lk_params *params, int64_t id)
{
	if (id)
		lk_param_int(params, id);
	else
		lk_param_null(params);
}

/* The stage that a statement ended, if it did. */
static void take_stage(const lk_rows *rows, lk_clock_cause *cause)
{
	if (lk_row_is_null(rows, 0, "stage"))
		return;
	cause->stage = lk_row_int(rows, 0, "stage");
	cause->stage_queue = lk_row_text(rows, 0, "queue");
	cause->stage_from = lk_row_time(rows, 0, "from_at");
	cause->stage_to = lk_row_time(rows, 0, "to_at");
}

bool lk_ticket_move(lk_db *db, const lk_policy *policy, const lk_move *move, lk_status *ret_was,
		    GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_clock_cause cause = {.ticket = move->ticket,
				.at = move->at,
				.actor = move->actor,
				.why = move->reason,
				.message = move->message};
	lk_status was = move->status;

	lk_param_int(params, move->ticket);
	lk_param_text(params, lk_status_name(move->status));
	lk_param_time(params, move->at);
	lk_param_text(params, move->actor);
	lk_param_text(params, move->reason);
	param_id(params, move->message);
	lk_param_time(params, move->until ? move->until : LK_TIME_NONE);
	if (!lk_db_run(db, LK_Q_TICKET_MOVE, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return set_gone(move->ticket, error);
	bool is_known = lk_status_parse(lk_row_text(rows, 0, "was"), &was);
	g_assert(is_known);
	if (ret_was)
		*ret_was = was;
	if (was == move->status && !lk_row_bool(rows, 0, "is_redated"))
		return true;
	cause.is_moved = was != move->status;
	take_stage(rows, &cause);
	return lk_clocks_update(db, policy, &cause, error);
}

static const char *const change_names[] = {"queue", "priority", "type", "organisation"};

bool lk_ticket_change(lk_db *db, const lk_policy *policy, const lk_change *change,
		      bool *ret_is_changed, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	const char *what = change_names[change->what];
	g_autofree char *why = NULL;
	const char *was = NULL;
	lk_clock_cause cause = {.ticket = change->ticket,
				.at = change->at,
				.actor = change->actor,
				.message = change->message};

	lk_param_int(params, change->ticket);
	lk_param_text(params, what);
	lk_param_text(params, change->value);
	lk_param_time(params, change->at);
	lk_param_text(params, change->actor);
	lk_param_text(params, change->reason);
	param_id(params, change->message);
	if (!lk_db_run(db, LK_Q_TICKET_CHANGE, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return set_gone(change->ticket, error);
	if (ret_is_changed)
		*ret_is_changed = lk_row_bool(rows, 0, "is_changed");
	if (!lk_row_bool(rows, 0, "is_changed"))
		return true;
	was = lk_row_text(rows, 0, "was");
	why = g_strdup_printf("%s changed from %s to %s", what, was ? was : "none",
			      change->value ? change->value : "none");
	cause.why = why;
	take_stage(rows, &cause);
	if ((change->what == LK_CHANGE_QUEUE || change->what == LK_CHANGE_TYPE) &&
	    !lk_ticket_refill(db, policy, change, error))
		return false;
	return lk_clocks_update(db, policy, &cause, error);
}

bool lk_ticket_responded(lk_db *db, const lk_policy *policy, int64_t ticket, lk_time at,
			 const char *actor, int64_t message, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_clock_cause cause = {.ticket = ticket,
				.at = at,
				.actor = actor,
				.why = "the first answer by a person",
				.message = message};

	lk_param_int(params, ticket);
	lk_param_time(params, at);
	if (!lk_db_run(db, LK_Q_TICKET_RESPONDED, params, &rows, error))
		return false;
	return lk_rows_count(rows) == 0 || lk_clocks_update(db, policy, &cause, error);
}

bool lk_ticket_start_clocks(lk_db *db, const lk_policy *policy, int64_t ticket, lk_time at,
			    const char *actor, int64_t message, GError **error)
{
	lk_clock_cause cause = {.ticket = ticket, .at = at, .actor = actor, .message = message};

	return lk_clocks_update(db, policy, &cause, error);
}

bool lk_ticket_link(lk_db *db, int64_t ticket, int64_t other, const char *relation,
		    const char *reason, lk_time at, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, ticket);
	lk_param_int(params, other);
	lk_param_text(params, relation);
	lk_param_text(params, reason);
	lk_param_time(params, at);
	return lk_db_run(db, LK_Q_TICKET_LINK, params, NULL, error);
}
