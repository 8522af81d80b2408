#include "daemon/fetch.h"

#include "daemon/process.h"
#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/log.h"
#include "lib/base/sd.h"

#include <inttypes.h>
#include <stdarg.h>

/* How often an idle fetcher refreshes its row. */
enum { REFRESH_MS = 5 * 60 * 1000 };

bool lk_fetch_contact(lk_fetch *fetch, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_time now = lk_now();
	lk_db *db;

	if (fetch->knows_contact)
		return true;
	lk_param_text(params, fetch->mailbox->name);
	lk_param_time(params, now);
	lk_param_time(params, now - fetch->mailbox->backlog_s * LK_SECOND);
	if (!lk_take_db(fetch->take, &db, error) ||
	    !lk_db_run(db, LK_Q_FETCH_CONTACT, params, &rows, error))
		return false;
	lk_fault("fetch.contact");
	fetch->backlog_before = lk_row_time(rows, 0, "backlog_before");
	fetch->knows_contact = true;
	return true;
}

bool lk_fetch_is_backlog(const lk_fetch *fetch, lk_time received_at)
{
	return received_at != LK_TIME_NONE && received_at < fetch->backlog_before;
}

/* Answers from before the desk belong to none of its tickets. */
lk_conf_on_backlog lk_fetch_on_backlog(const lk_fetch *fetch)
{
	return fetch->is_sent ? LK_CONF_BACKLOG_LEAVE
			      : (lk_conf_on_backlog)fetch->mailbox->on_backlog;
}

void lk_fetch_tell_backlog(lk_fetch *fetch)
{
	static const char *const verdicts[] = {
		[LK_CONF_BACKLOG_SILENT] = "become tickets without any mail out",
		[LK_CONF_BACKLOG_LEAVE] = "are left alone on the server",
		[LK_CONF_BACKLOG_NORMAL] = "are taken like new ones",
	};
	g_autofree char *before = NULL;

	if (fetch->backlog_count == 0)
		return;
	before = lk_time_format(fetch->backlog_before);
	lk_warning("mailbox.backlog",
		   "mailbox=%s folder=\"%s\" mails=%" PRId64 " before=%s what=\"%s\"",
		   fetch->mailbox->name, fetch->folder, fetch->backlog_count, before,
		   verdicts[lk_fetch_on_backlog(fetch)]);
	if (fetch->program->is_supervised)
		(void)lk_sd_notify("STATUS=first contact: %" PRId64 " mails older than %s %s\n",
				   fetch->backlog_count, before,
				   verdicts[lk_fetch_on_backlog(fetch)]);
	fetch->backlog_count = 0;
}

void lk_fetch_trouble(lk_fetch *fetch, const char *format, ...)
{
	va_list args;

	g_free(fetch->trouble);
	va_start(args, format);
	fetch->trouble = g_strdup_vprintf(format, args);
	va_end(args);
}

static bool write_ok(lk_fetch *fetch, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	lk_time now = lk_now();
	lk_db *db;

	lk_param_text(params, fetch->mailbox->name);
	lk_param_time(params, now);
	lk_param_int(params, MAX(fetch->waiting, 0));
	lk_param_int(params, fetch->waiting > 0 && fetch->oldest != LK_TIME_NONE
				     ? MAX(now - fetch->oldest, 0) / LK_SECOND
				     : 0);
	lk_param_text(params, fetch->trouble);
	return lk_take_db(fetch->take, &db, error) &&
	       lk_db_run(db, LK_Q_FETCH_MAILBOX_OK, params, NULL, error);
}

void lk_fetch_tell_ok(lk_fetch *fetch, bool at_end)
{
	int64_t now_ms = lk_monotonic_ms();
	bool is_due = fetch->told_ms == 0 || now_ms - fetch->told_ms >= REFRESH_MS;
	g_autoptr(GError) failed = NULL;

	if (fetch->did > 0 || is_due || !at_end) {
		if (write_ok(fetch, &failed)) {
			fetch->told_ms = now_ms;
		} else {
			g_autofree char *text = lk_process_error_text(failed);

			lk_warning("mailbox.status_not_written", "mailbox=%s error=\"%s\"",
				   fetch->mailbox->name, text);
		}
	}
	if (at_end)
		lk_program_tell_ok(fetch->program, fetch->did);
	if (at_end && fetch->trouble != NULL && fetch->program->is_supervised)
		(void)lk_sd_notify("X_ERROR=%s\n", fetch->trouble);
}

/* One try: when the database is what is away, luukkud alone hears of it. */
void lk_fetch_tell_error(lk_fetch *fetch, const GError *failed)
{
	g_autofree char *text = lk_process_error_text(failed);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_db) db = NULL;

	lk_error("mailbox.failed", "mailbox=%s error=\"%s\"", fetch->mailbox->name, text);
	lk_program_tell_error(fetch->program, failed);
	fetch->told_ms = 0;
	/* The row belongs to the host that polls the mailbox now. */
	if (lk_take_lost_lease(fetch->take))
		return;
	lk_param_text(params, fetch->mailbox->name);
	lk_param_time(params, lk_now());
	lk_param_text(params, text);
	if (lk_program_try_db(fetch->program, &db, NULL))
		(void)lk_db_run(db, LK_Q_FETCH_MAILBOX_ERROR, params, NULL, NULL);
}

bool lk_fetch_mark(lk_fetch *fetch, const int64_t *arrivals, size_t n, const GError *failed,
		   GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autofree char *text = failed != NULL ? lk_process_error_text(failed) : NULL;
	lk_db *db;

	if (n == 0)
		return true;
	lk_param_ints(params, arrivals, n);
	lk_param_text(params, failed != NULL ? "failed" : "done");
	lk_param_text(params, text);
	if (!lk_take_db(fetch->take, &db, error) ||
	    !lk_db_run(db, LK_Q_FETCH_MARKED, params, NULL, error))
		return false;
	lk_fault("fetch.marked");
	return true;
}
