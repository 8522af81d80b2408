#include "daemon/fetch.h"

#include "daemon/process.h"
#include "daemon/server.h"
#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/log.h"
#include "lib/base/units.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum {
	SEARCH_MOST = 20000, /* UIDs looked at in one go */
	LIST_STEP = 200,     /* of one FETCH of sizes and dates */
	ACTION_STEP = 100,   /* of one MOVE, STORE or EXPUNGE */
	PENDING_MOST = 1000
};

static bool open_session(lk_fetch *fetch, GError **error)
{
	g_autoptr(lk_secret) password = NULL;
	lk_server server;

	if (fetch->imap != NULL && !lk_imap_is_alive(fetch->imap))
		g_clear_pointer(&fetch->imap, lk_imap_free);
	if (fetch->imap != NULL)
		return true;
	fetch->selected = NULL;
	if (!lk_server_of_mailbox(fetch->mailbox, fetch->program->stop_fd, &server, &password,
				  error))
		return false;
	if (!lk_imap_open(&server, &fetch->imap, error)) {
		lk_server_forget_token();
		return false;
	}
	lk_fault("fetch.login");
	return true;
}

/* UIDVALIDITY cannot change while a folder stays selected. */
static bool select_folder(lk_fetch *fetch, const char *folder, int64_t *ret_uidvalidity,
			  GError **error)
{
	lk_imap_folder state;

	if (fetch->selected != NULL && strcmp(fetch->selected, folder) == 0) {
		*ret_uidvalidity = fetch->selected_uidvalidity;
		return true;
	}
	fetch->selected = NULL;
	if (!lk_imap_select(fetch->imap, folder, &state, error))
		return false;
	fetch->selected = folder;
	fetch->selected_uidvalidity = state.uidvalidity;
	*ret_uidvalidity = state.uidvalidity;
	return true;
}

/* --- one mail ------------------------------------------------------------------------------- */

/* A reply that cannot be read leaves the session dead: what comes next needs a new one. */
static bool body(void *data, const lk_fetch_item *item, bool header_only, int fd, bool *ret_found,
		 GError **error)
{
	lk_fetch *fetch = data;
	int64_t uidvalidity;

	if (!open_session(fetch, error) ||
	    !select_folder(fetch, fetch->folder, &uidvalidity, error))
		return false;
	if (uidvalidity != fetch->uidvalidity) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY,
			    "folder %s was made anew while it was read", fetch->folder);
		return false;
	}
	return lk_imap_fetch(fetch->imap, item->number, header_only,
			     (uint64_t)fetch->mailbox->max_size, fd, ret_found, error);
}

/* --- what the server is told ---------------------------------------------------------------- */

static bool act(lk_fetch *fetch, const char *action, const uint32_t *uids, size_t n, GError **error)
{
	if (strcmp(action, "seen") == 0)
		return lk_imap_set_seen(fetch->imap, uids, n, error);
	if (strcmp(action, "delete") == 0)
		return lk_imap_delete(fetch->imap, uids, n, error);
	if (g_str_has_prefix(action, "move:"))
		return lk_imap_move(fetch->imap, uids, n, action + strlen("move:"), error);
	return true; /* keep */
}

/*
 * One action for some mails. A refusal of the server (no right, quota) is written down and stops
 * nothing; a lost connection leaves the rows pending for the next session.
 */
static bool act_and_mark(lk_fetch *fetch, const char *action, const GArray *uids,
			 const GArray *arrivals, GError **error)
{
	g_autoptr(GError) failed = NULL;

	lk_fault("fetch.before-action");
	if (!act(fetch, action, (const uint32_t *)(void *)uids->data, uids->len, &failed)) {
		g_autofree char *text = lk_process_error_text(failed);

		if (lk_err_is(failed, LK_ERR_RETRY)) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
		lk_error("mail.action_failed", "mailbox=%s action=\"%s\" mails=%u error=\"%s\"",
			 fetch->mailbox->name, action, uids->len, text);
		lk_fetch_trouble(fetch,
				 "%u mails are stored, but \"%s\" was refused by the server: %s; "
				 "they stay in folder %s and are not taken again",
				 uids->len, action, text, fetch->folder);
	}
	lk_fault("fetch.after-action");
	return lk_fetch_mark(fetch, (const int64_t *)(void *)arrivals->data, arrivals->len, failed,
			     error);
}

/* The rows from i on that want the same action, at most ACTION_STEP; returns the next i. */
static size_t gather(const lk_rows *rows, size_t i, const char *action, GArray *uids,
		     GArray *arrivals)
{
	for (; i < lk_rows_count(rows) && uids->len < ACTION_STEP; i++) {
		int64_t arrival = lk_row_int(rows, i, "id"), number;
		uint32_t uid;

		if (strcmp(lk_row_text(rows, i, "server_action"), action) != 0)
			break;
		if (!lk_parse_int(lk_row_text(rows, i, "uid"), 1, UINT32_MAX, &number, NULL))
			continue;
		uid = (uint32_t)number;
		g_array_append_val(uids, uid);
		g_array_append_val(arrivals, arrival);
	}
	return i;
}

static bool read_pending(lk_fetch *fetch, lk_rows **ret_rows, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	lk_db *db;

	lk_param_text(params, fetch->mailbox->name);
	lk_param_text(params, fetch->folder);
	lk_param_int(params, fetch->uidvalidity);
	lk_param_int(params, PENDING_MOST);
	return lk_take_db(fetch->take, &db, error) &&
	       lk_db_run(db, LK_Q_FETCH_PENDING, params, ret_rows, error);
}

/* Mails that nothing could store have no row; `failed` is where people find them. */
static bool settle_refused(lk_fetch *fetch, GError **error)
{
	g_autofree char *action = lk_fetch_action(fetch, true);

	if (fetch->refused->len > 0 &&
	    !act(fetch, action, (const uint32_t *)(void *)fetch->refused->data, fetch->refused->len,
		 error))
		return false;
	g_array_set_size(fetch->refused, 0);
	return true;
}

/* The table says what is to do, whether this process or one that died stored the mails. */
static bool settle(void *data, GError **error)
{
	lk_fetch *fetch = data;

	if (!settle_refused(fetch, error))
		return false;
	for (;;) {
		g_autoptr(lk_rows) rows = NULL;
		size_t i = 0;

		if (!read_pending(fetch, &rows, error))
			return false;
		while (i < lk_rows_count(rows)) {
			const char *action = lk_row_text(rows, i, "server_action");
			g_autoptr(GArray) uids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
			g_autoptr(GArray) arrivals = g_array_new(FALSE, FALSE, sizeof(int64_t));

			i = gather(rows, i, action, uids, arrivals);
			if (!act_and_mark(fetch, action, uids, arrivals, error))
				return false;
		}
		if (lk_rows_count(rows) < PENDING_MOST)
			break;
	}
	fetch->pending = 0;
	return true;
}

/* --- one folder ----------------------------------------------------------------------------- */

static bool save_folder(lk_db *db, const lk_fetch *fetch, int64_t last_uid, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_text(params, fetch->mailbox->name);
	lk_param_text(params, fetch->folder);
	lk_param_int(params, fetch->uidvalidity);
	lk_param_int(params, last_uid);
	lk_param_int(params, fetch->left_count);
	return lk_db_run(db, LK_Q_FETCH_FOLDER_SET, params, NULL, error);
}

/* In the transaction that stores the mails: how far the folder has been taken. */
bool lk_fetch_bookkeep_imap(lk_db *db, const lk_take_mail *last, void *data, GError **error)
{
	lk_fetch *fetch = data;

	return save_folder(db, fetch, MAX((int64_t)last->dealt, fetch->last_uid), error);
}

/* The folder was made anew: old UIDs mean nothing, what is known again is found by content. */
static bool change_uidvalidity(lk_fetch *fetch, lk_db *db, int64_t old, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_warning("folder.uidvalidity_changed",
		   "mailbox=%s folder=\"%s\" old=%" PRId64 " new=%" PRId64
		   " next=\"listed again from the beginning; known mails are recognised\"",
		   fetch->mailbox->name, fetch->folder, old, fetch->uidvalidity);
	lk_param_text(params, fetch->mailbox->name);
	lk_param_text(params, fetch->folder);
	lk_param_int(params, fetch->uidvalidity);
	lk_param_text(params, "the folder was made anew (UIDVALIDITY) before it could be told");
	if (!lk_db_run(db, LK_Q_FETCH_STALE, params, &rows, error))
		return false;
	fetch->last_uid = 0;
	fetch->left_count = 0;
	return save_folder(db, fetch, 0, error);
}

/* What is remembered of the folder; at the first visit of this process, from the table. */
static bool remember_folder(lk_fetch *fetch, GError **error)
{
	lk_fetch_folder *known = g_hash_table_lookup(fetch->known, fetch->folder);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_db *db;

	fetch->last_uid = fetch->left_count = 0;
	if (known != NULL && known->uidvalidity == fetch->uidvalidity) {
		fetch->last_uid = known->last_uid;
		fetch->left_count = known->left_count;
		fetch->dealt = (uint32_t)known->last_uid;
		return true;
	}
	lk_param_text(params, fetch->mailbox->name);
	lk_param_text(params, fetch->folder);
	if (!lk_take_db(fetch->take, &db, error) ||
	    !lk_db_run(db, LK_Q_FETCH_FOLDER, params, &rows, error))
		return false;
	if (lk_rows_count(rows) > 0) {
		int64_t old = lk_row_int(rows, 0, "uidvalidity");

		fetch->last_uid = lk_row_int(rows, 0, "last_uid");
		fetch->left_count = lk_row_int(rows, 0, "left_count");
		if (old != fetch->uidvalidity && !change_uidvalidity(fetch, db, old, error))
			return false;
	}
	fetch->dealt = (uint32_t)fetch->last_uid;
	/* What a process that died had stored comes before anything new. */
	return settle(fetch, error);
}

static void note_folder(lk_fetch *fetch)
{
	lk_fetch_folder *known = g_new0(lk_fetch_folder, 1);

	known->uidvalidity = fetch->uidvalidity;
	known->last_uid = fetch->last_uid;
	known->left_count = fetch->left_count;
	g_hash_table_replace(fetch->known, g_strdup(fetch->folder), known);
}

/* Sizes and dates of new mails, in the order of their UIDs. */
static bool list(lk_fetch *fetch, const GArray *uids, GArray **ret_items, GError **error)
{
	g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(lk_imap_item));

	for (unsigned i = 0; i < uids->len; i += LIST_STEP) {
		g_autoptr(GArray) some = NULL;

		if (!lk_imap_list(fetch->imap, &g_array_index(uids, uint32_t, i),
				  MIN(LIST_STEP, uids->len - i), &some, error))
			return false;
		g_array_append_vals(items, some->data, some->len);
	}
	*ret_items = g_steal_pointer(&items);
	return true;
}

static void count(lk_fetch *fetch, const GArray *items)
{
	fetch->waiting = items->len;
	fetch->oldest = LK_TIME_NONE;
	for (unsigned i = 0; i < items->len; i++) {
		const lk_imap_item *item = &g_array_index(items, lk_imap_item, i);

		fetch->backlog_count += lk_fetch_is_backlog(fetch, item->internal_date);
		if (item->internal_date != LK_TIME_NONE &&
		    (fetch->oldest == LK_TIME_NONE || item->internal_date < fetch->oldest))
			fetch->oldest = item->internal_date;
	}
}

static bool take_items(lk_fetch *fetch, const GArray *items, GError **error)
{
	for (unsigned i = 0; i < items->len; i++) {
		const lk_imap_item *listed = &g_array_index(items, lk_imap_item, i);
		g_autofree char *uid = g_strdup_printf("%u", listed->uid);
		const lk_fetch_item item = {
			.number = listed->uid,
			.uid = uid,
			.size = listed->size,
			.received_at = listed->internal_date,
		};

		if (lk_program_is_stopping(fetch->program))
			break;
		if (lk_fetch_on_backlog(fetch) == LK_CONF_BACKLOG_LEAVE &&
		    lk_fetch_is_backlog(fetch, item.received_at)) {
			lk_fetch_skip(fetch, item.number);
			fetch->left_count++;
			fetch->waiting--;
			continue;
		}
		if (!lk_fetch_one(fetch, &item, error))
			return false;
	}
	return lk_fetch_flush(fetch, error);
}

/* Mails that are left alone move the mark too, or they would be listed for ever. */
static bool save_dealt(lk_fetch *fetch, GError **error)
{
	lk_db *db;

	if ((int64_t)fetch->dealt <= fetch->last_uid)
		return true;
	if (!lk_take_db(fetch->take, &db, error) || !save_folder(db, fetch, fetch->dealt, error))
		return false;
	fetch->last_uid = fetch->dealt;
	return true;
}

static bool take_new(lk_fetch *fetch, GError **error)
{
	for (;;) {
		g_autoptr(GArray) uids = NULL, items = NULL;

		if (!lk_imap_search(fetch->imap, (uint32_t)fetch->last_uid, SEARCH_MOST, &uids,
				    error))
			return false;
		if (uids->len == 0)
			return true;
		if (!list(fetch, uids, &items, error))
			return false;
		count(fetch, items);
		lk_fetch_tell_backlog(fetch);
		if (!take_items(fetch, items, error))
			return false;
		if (lk_program_is_stopping(fetch->program))
			return save_dealt(fetch, error);
		/* The list left out what has gone meanwhile. */
		lk_fetch_skip(fetch, g_array_index(uids, uint32_t, uids->len - 1));
		if (!save_dealt(fetch, error))
			return false;
	}
}

static bool visit_folder(lk_fetch *fetch, const char *folder, GError **error)
{
	bool is_done;

	fetch->folder = folder;
	if (!select_folder(fetch, folder, &fetch->uidvalidity, error) ||
	    !remember_folder(fetch, error))
		return false;
	is_done = take_new(fetch, error);
	/* What was committed before an error is not listed again. */
	note_folder(fetch);
	return is_done;
}

/*
 * Answers written from the mailbox itself; before the other folders, so that a copy that came to
 * the mailbox is known as what it is. A folder that is not there stops nothing.
 */
static bool visit_sent(lk_fetch *fetch, GError **error)
{
	const char *folder = fetch->mailbox->sent;
	g_autoptr(GError) failed = NULL;
	int64_t uidvalidity;
	bool is_done;

	if (folder == NULL)
		return true;
	if (!select_folder(fetch, folder, &uidvalidity, &failed)) {
		g_autofree char *text = lk_process_error_text(failed);

		if (!lk_err_is(failed, LK_ERR_MAILBOX) || !lk_imap_is_alive(fetch->imap)) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
		if (!fetch->misses_sent)
			lk_warning("mailbox.no_sent_folder",
				   "mailbox=%s folder=\"%s\" error=\"%s\"", fetch->mailbox->name,
				   folder, text);
		fetch->misses_sent = true;
		lk_fetch_trouble(fetch,
				 "answers that people write from the mailbox itself are not seen: "
				 "correct `sent`; %s",
				 text);
		return true;
	}
	fetch->misses_sent = false;
	fetch->is_sent = true;
	is_done = visit_folder(fetch, folder, error);
	fetch->is_sent = false;
	return is_done;
}

bool lk_fetch_visit_imap(lk_fetch *fetch, GError **error)
{
	const GPtrArray *folders = fetch->mailbox->folders;

	fetch->body = body;
	fetch->settle = settle;
	if (!open_session(fetch, error) || !lk_fetch_contact(fetch, error) ||
	    !visit_sent(fetch, error))
		return false;
	for (unsigned i = 0; i < folders->len; i++) {
		if (lk_program_is_stopping(fetch->program))
			break;
		if (!visit_folder(fetch, g_ptr_array_index(folders, i), error))
			return false;
	}
	return true;
}

bool lk_fetch_wait_imap(lk_fetch *fetch, int timeout_ms, bool *ret_news, GError **error)
{
	int64_t uidvalidity;

	return open_session(fetch, error) &&
	       select_folder(fetch, g_ptr_array_index(fetch->mailbox->folders, 0), &uidvalidity,
			     error) &&
	       lk_imap_wait(fetch->imap, timeout_ms, fetch->program->wake_fd, fetch->mailbox->idle,
			    ret_news, error);
}
