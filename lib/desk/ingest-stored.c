/*
 * A stored mail that a person made a ticket: released from the quarantine, or taken off a ticket
 * that it was joined to. It goes the way of a mail that opens one, made again of what is stored.
 */
#include "lib/desk/intake.h"

#include "lib/base/err.h"
#include "lib/desk/stored.h"

#include <inttypes.h>

static bool load(lk_db *db, const lk_policy *policy, const lk_stored_open *how, lk_rows **ret_row,
		 GError **error)
{
	int64_t message = how->message;
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) row = NULL;

	lk_param_int(params, message);
	if (!lk_db_run(db, LK_Q_STORED_MESSAGE, params, &row, error))
		return false;
	if (lk_rows_count(row) == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA, "message %" PRId64 " is no longer stored",
			    message);
		return false;
	}
	if (!how->explained && !lk_row_is_null(row, 0, "ticket_id")) {
		g_autofree char *ref = lk_reference(policy, lk_row_int(row, 0, "ticket_id"));

		g_set_error(error, LK_ERROR, LK_ERR_DATA, "the mail is on %s already", ref);
		return false;
	}
	*ret_row = g_steal_pointer(&row);
	return true;
}

static bool explain(lk_work *work, lk_json *ret_mails, GError **error)
{
	if (!lk_work_mass(work, 0, error))
		return false;
	const lk_json *mails = lk_json_get(work->explain, "mails");
	for (size_t i = 0; i < lk_json_size(mails); i++)
		lk_json_push(ret_mails, lk_json_ref(lk_json_at(mails, i)));
	return true;
}

bool lk_open_stored(lk_db *db, const lk_policy *policy, const lk_stored_open *how,
		    lk_ingest_result *ret_result, GError **error)
{
	g_autoptr(lk_rows) row = NULL;
	g_autoptr(lk_mail) mail = NULL;
	g_auto(GStrv) recipients = NULL;
	const char *mailbox = NULL;
	lk_work work = {0};

	if (!load(db, policy, how, &row, error))
		return false;
	mail = lk_stored_mail(row, 0);
	recipients = lk_stored_recipients(row, 0);
	mailbox = lk_row_text(row, 0, "mailbox");
	lk_intake intake = {
		.mailbox = mailbox ? mailbox : "",
		.folder = "",
		.uid = "",
		.server_action = "keep",
		.received_at = lk_row_time(row, 0, "at"),
		.is_too_large = lk_stored_is_too_large(row, 0),
		.recipients = (const char *const *)recipients,
		.mail = mail,
		.mail_fd = -1,
		.mail_size = (uint64_t)lk_row_int(row, 0, "raw_size"),
		.parts_fd = -1,
	};
	lk_work_init(&work, db, policy, how->now, &intake);
	work.stored = how->message;
	work.is_dry = how->explained != NULL;
	if (lk_policy_is_own_address(policy, work.from)) { /* a forged one: nobody's */
		work.from = NULL;
		work.has_from = false;
	}
	g_free(work.actor);
	work.actor = g_strdup(how->actor);
	bool done = lk_work_look(&work, false, error) &&
		    lk_work_decide_open(&work, how->why, how->unanswered, error) &&
		    (how->explained ? explain(&work, how->explained, error)
				    : lk_work_open(&work, ret_result, error));
	lk_work_clear(&work);
	return done;
}
