#include "lib/desk/ticket.h"

#include "lib/base/err.h"
#include "lib/base/text.h"

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

lk_status lk_status_after_customer(lk_status status, bool may_reopen)
{
	switch (status) {
	case LK_STATUS_WAITING_CUSTOMER:
		return LK_STATUS_OPEN;
	case LK_STATUS_RESOLVED:
	case LK_STATUS_CLOSED:
		return may_reopen ? LK_STATUS_OPEN : status;
	default:
		return status;
	}
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

bool lk_ticket_move(lk_db *db, int64_t ticket, lk_status status, lk_time at, const char *actor,
		    const char *reason, int64_t message, lk_status *ret_was, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_int(params, ticket);
	lk_param_text(params, lk_status_name(status));
	lk_param_time(params, at);
	lk_param_text(params, actor);
	lk_param_text(params, reason);
	message ? lk_param_int(params, message) : lk_param_null(params);
	if (!lk_db_run(db, LK_Q_TICKET_MOVE, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
			    "ticket number %" G_GINT64_FORMAT " does not exist", ticket);
		return false;
	}
	lk_status was = status;
	bool is_known = lk_status_parse(lk_row_text(rows, 0, "was"), &was);
	g_assert(is_known);
	if (ret_was)
		*ret_was = was;
	return true;
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
