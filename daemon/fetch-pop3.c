#include "daemon/fetch.h"

#include "daemon/server.h"
#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/mail/header.h"

#include <string.h>

enum {
	SESSION_MOST = 500, /* mails a session: a session that is lost loses little */
	KNOWN_STEP = 1000,  /* UIDLs of one question to the database */
	PENDING_MOST = 1000,
	HEADER_BYTES = 64 * 1024 /* looked at for a time */
};

/* What one session knows. Items are of lib/net; the rest points into them. */
typedef struct {
	lk_fetch *fetch;
	GArray *items;	     /* lk_pop3_item */
	GHashTable *by_uidl; /* uidl -> lk_pop3_item * */
	GHashTable *deleted; /* uidl set: marked by DELE in this session */
	GArray *to_mark;     /* int64_t arrivals that are done when QUIT is */
} session;

static void session_clear(session *state)
{
	g_clear_pointer(&state->items, g_array_unref);
	g_clear_pointer(&state->by_uidl, g_hash_table_unref);
	g_clear_pointer(&state->deleted, g_hash_table_unref);
	g_clear_pointer(&state->to_mark, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(session, session_clear)

static bool body(void *data, const lk_fetch_item *item, bool header_only, int fd, bool *ret_found,
		 GError **error)
{
	lk_fetch *fetch = data;

	*ret_found = true;
	return lk_pop3_fetch(fetch->pop3, item->number, header_only,
			     (uint64_t)fetch->mailbox->max_size, fd, error);
}

/* Deleting is the end of the session: nothing is told before. */
static bool settle_later(void *data, GError **error)
{
	return true;
}

/* --- the session ---------------------------------------------------------------------------- */

static bool open_session(lk_fetch *fetch, GError **error)
{
	g_autoptr(lk_secret) password = NULL;
	lk_server server;

	g_clear_pointer(&fetch->pop3, lk_pop3_free);
	if (!lk_server_of_mailbox(fetch->mailbox, fetch->program->stop_fd, &server, &password,
				  error))
		return false;
	if (!lk_pop3_open(&server, &fetch->pop3, error)) {
		lk_server_forget_token();
		return false;
	}
	lk_fault("fetch.login");
	return true;
}

static bool list(session *state, GError **error)
{
	if (!lk_pop3_list(state->fetch->pop3, &state->items, error))
		return false;
	state->by_uidl = g_hash_table_new(g_str_hash, g_str_equal);
	state->deleted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	state->to_mark = g_array_new(FALSE, FALSE, sizeof(int64_t));
	for (unsigned i = 0; i < state->items->len; i++) {
		lk_pop3_item *item = &g_array_index(state->items, lk_pop3_item, i);

		(void)g_hash_table_insert(state->by_uidl, item->uidl, item);
	}
	return true;
}

static bool delete (session *state, const char *uidl, GError **error)
{
	const lk_pop3_item *item = g_hash_table_lookup(state->by_uidl, uidl);

	if (item == NULL || g_hash_table_contains(state->deleted, uidl))
		return true;
	if (!lk_pop3_delete(state->fetch->pop3, item->number, error))
		return false;
	(void)g_hash_table_add(state->deleted, g_strdup(uidl));
	return true;
}

/* A row that is known: deleted if it should be, and from now on no question to the database. */
static bool deal_with_known(session *state, const lk_rows *rows, size_t i, GError **error)
{
	int64_t arrival = lk_row_int(rows, i, "id");
	const char *uidl = lk_row_text(rows, i, "uid");
	bool is_pending = strcmp(lk_row_text(rows, i, "server"), "pending") == 0;

	(void)g_hash_table_add(state->fetch->taken, g_strdup(uidl));
	/* Also one that was marked done: its server forgot our DELE. */
	if (strcmp(lk_row_text(rows, i, "server_action"), "delete") == 0 &&
	    !delete (state, uidl, error))
		return false;
	if (is_pending)
		g_array_append_val(state->to_mark, arrival);
	return true;
}

/* Asks the database about UIDLs that this process has not seen before. */
static bool learn_known(session *state, GError **error)
{
	lk_fetch *fetch = state->fetch;
	unsigned i = 0;

	while (i < state->items->len) {
		g_autoptr(GPtrArray) uidls = g_ptr_array_new();
		g_autoptr(lk_params) params = lk_params_new();
		g_autoptr(lk_rows) rows = NULL;
		lk_db *db;

		for (; i < state->items->len && uidls->len < KNOWN_STEP; i++) {
			lk_pop3_item *item = &g_array_index(state->items, lk_pop3_item, i);

			if (!g_hash_table_contains(fetch->taken, item->uidl) &&
			    !g_hash_table_contains(fetch->left, item->uidl))
				g_ptr_array_add(uidls, item->uidl);
		}
		if (uidls->len == 0)
			break;
		lk_param_text(params, fetch->mailbox->name);
		lk_param_texts(params, uidls);
		if (!lk_take_db(fetch->take, &db, error) ||
		    !lk_db_run(db, LK_Q_FETCH_KNOWN, params, &rows, error))
			return false;
		for (size_t row = 0; row < lk_rows_count(rows); row++) {
			if (!deal_with_known(state, rows, row, error))
				return false;
		}
	}
	return true;
}

/*
 * Rows that wait: those still listed are deleted now; those not listed any more were deleted by a
 * process that died before it could write so.
 */
static bool settle_pending(session *state, GError **error)
{
	lk_fetch *fetch = state->fetch;
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_db *db;

	lk_param_text(params, fetch->mailbox->name);
	lk_param_text(params, "");
	lk_param_int(params, 0);
	lk_param_int(params, PENDING_MOST);
	if (!lk_take_db(fetch->take, &db, error) ||
	    !lk_db_run(db, LK_Q_FETCH_PENDING, params, &rows, error))
		return false;
	lk_fault("fetch.before-action");
	g_array_set_size(state->to_mark, 0);
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		int64_t arrival = lk_row_int(rows, i, "id");
		const char *uidl = lk_row_text(rows, i, "uid");

		if (strcmp(lk_row_text(rows, i, "server_action"), "delete") == 0 &&
		    !delete (state, uidl, error))
			return false;
		(void)g_hash_table_add(fetch->taken, g_strdup(uidl));
		g_array_append_val(state->to_mark, arrival);
	}
	return true;
}

/* --- backlog -------------------------------------------------------------------------------- */

/* When our mail server got it, by the topmost Received line; else when it says it was written. */
static lk_time header_time(int fd)
{
	g_autoptr(lk_fields) fields = lk_fields_read(fd, 0, HEADER_BYTES);
	g_autofree char *received = lk_fields_line(fields, "Received");
	g_autofree char *date = lk_fields_line(fields, "Date");
	const char *semicolon = received != NULL ? strrchr(received, ';') : NULL;

	if (semicolon != NULL)
		return lk_date_parse(semicolon + 1);
	return date != NULL ? lk_date_parse(date) : LK_TIME_NONE;
}

/* on_backlog = "leave": the header tells the age; what is left is remembered in this process. */
static bool is_left(lk_fetch *fetch, const lk_pop3_item *item, bool *ret_left, GError **error)
{
	lk_autofd int fd = -1;
	lk_time at;

	*ret_left = false;
	if (fetch->mailbox->on_backlog != LK_CONF_BACKLOG_LEAVE)
		return true;
	if (!lk_spool_open(fetch->program->conf->site.spool_dir, &fd, error))
		return false;
	if (!lk_pop3_fetch(fetch->pop3, item->number, true, (uint64_t)fetch->mailbox->max_size, fd,
			   error))
		return false;
	at = header_time(fd);
	*ret_left = lk_fetch_is_backlog(fetch, at);
	if (*ret_left) {
		(void)g_hash_table_add(fetch->left, g_strdup(item->uidl));
		fetch->backlog_count++;
	}
	return true;
}

/* --- one visit ------------------------------------------------------------------------------ */

static bool take_item(lk_fetch *fetch, const lk_pop3_item *listed, GError **error)
{
	const lk_fetch_item item = {
		.number = listed->number,
		.uid = listed->uidl,
		.size = listed->size,
		.received_at = LK_TIME_NONE,
	};
	bool is_left_alone;

	if (!is_left(fetch, listed, &is_left_alone, error))
		return false;
	if (is_left_alone) {
		fetch->waiting--;
		return true;
	}
	return lk_fetch_one(fetch, &item, error);
}

static bool is_new(const lk_fetch *fetch, const lk_pop3_item *item)
{
	return !g_hash_table_contains(fetch->taken, item->uidl) &&
	       !g_hash_table_contains(fetch->left, item->uidl);
}

static bool take_new(session *state, GError **error)
{
	lk_fetch *fetch = state->fetch;
	unsigned taken = 0;

	for (unsigned i = 0; i < state->items->len; i++)
		fetch->waiting += is_new(fetch, &g_array_index(state->items, lk_pop3_item, i));
	for (unsigned i = 0; i < state->items->len && taken < SESSION_MOST; i++) {
		const lk_pop3_item *item = &g_array_index(state->items, lk_pop3_item, i);

		if (lk_program_is_stopping(fetch->program))
			break;
		if (!is_new(fetch, item))
			continue;
		if (!take_item(fetch, item, error))
			return false;
		taken++;
	}
	if (!lk_fetch_flush(fetch, error))
		return false;
	lk_fetch_tell_backlog(fetch);
	return true;
}

/* QUIT is what deletes; rows are marked when the server has said yes. */
static bool end_session(session *state, GError **error)
{
	lk_fetch *fetch = state->fetch;
	bool is_done = lk_pop3_commit(fetch->pop3, error);

	g_clear_pointer(&fetch->pop3, lk_pop3_free);
	if (!is_done)
		return false;
	lk_fault("fetch.after-action");
	return lk_fetch_mark(fetch, (const int64_t *)(void *)state->to_mark->data,
			     state->to_mark->len, NULL, error);
}

bool lk_fetch_visit_pop3(lk_fetch *fetch, GError **error)
{
	g_auto(session) state = {.fetch = fetch};
	bool is_first = !fetch->knows_contact;

	fetch->folder = "";
	fetch->uidvalidity = 0;
	fetch->body = body;
	fetch->settle = settle_later;
	if (!open_session(fetch, error) || !lk_fetch_contact(fetch, error))
		return false;
	if (!list(&state, error) || !learn_known(&state, error))
		return false;
	if (!take_new(&state, error))
		return false;
	/* Rows that a process before this one left, and those of this session. */
	if ((is_first || fetch->pending > 0) && !settle_pending(&state, error))
		return false;
	if (!end_session(&state, error))
		return false;
	fetch->pending = 0;
	return true;
}
