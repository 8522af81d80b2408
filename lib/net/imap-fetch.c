/* Reading: which mails there are, what is known of them, their bytes. */
#include "lib/net/imap-private.h"

#include "lib/base/fault.h"
#include "lib/base/io.h"

#include <string.h>

enum {
	FIRST_WINDOW = 4096, /* UIDs a SEARCH asks for at first; memory follows it */
	BYTES_PER_UID = 12,
	BYTES_PER_ITEM = 1024,
	BODY_SLACK_BYTES = 1 << 20,
	MOST_ZONE = 1459, /* +-HHMM as a number */
	MOST_UNREADABLE = 3
};

/*
 * A server that writes one INTERNALDATE wrong makes libetpan reject the whole answer, and the
 * session with it. After so many in a row later sessions of this process ask without dates: a mail
 * without one counts as new, and that is better than a mailbox that stands still.
 */
static unsigned unreadable_answers;

static int compare_uids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* --- search ------------------------------------------------------------------------------------
 */

/* The UIDs of the last SEARCH answer within [first, last], sorted, each once. */
static GArray *search_result(const lk_imap *imap, uint32_t first, uint32_t last)
{
	GArray *uids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	clist *found = imap->m->imap_response_info->rsp_search_result;
	for (clistiter *i = found ? clist_begin(found) : NULL; i; i = clist_next(i)) {
		uint32_t uid = *(const uint32_t *)clist_content(i);
		if (uid >= first && uid <= last) /* "n:*" names the last mail whatever n is */
			g_array_append_val(uids, uid);
	}
	g_array_sort(uids, compare_uids);
	guint kept = 0;
	for (guint i = 0; i < uids->len; i++)
		if (i == 0 ||
		    g_array_index(uids, uint32_t, i) != g_array_index(uids, uint32_t, kept - 1))
			g_array_index(uids, uint32_t, kept++) = g_array_index(uids, uint32_t, i);
	g_array_set_size(uids, kept);
	return uids;
}

bool lk_imap_search(lk_imap *imap, uint32_t after, size_t most, GArray **ret_uids, GError **error)
{
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	uint64_t first = (uint64_t)after + 1;
	uint64_t window = FIRST_WINDOW;
	if (imap->m->imap_selection_info)
		imap->m->imap_selection_info->sel_has_exists = 0;
	/* In windows: the answer for a folder of a million mails would take 70 MB to parse. */
	while (all->len < most && first <= UINT32_MAX) {
		uint64_t last = first + window - 1;
		bool is_last = last >= UINT32_MAX || (imap->uid_next && last >= imap->uid_next);
		uint64_t budget = LK_IMAP_SMALL_BYTES + MIN(window, UINT32_MAX) * BYTES_PER_UID;
		g_autofree char *range =
			is_last ? g_strdup("*") : g_strdup_printf("%u", (uint32_t)last);
		bool ok;
		if (!lk_imap_command(imap, budget, &ok, error, "UID SEARCH UID %u:%s",
				     (uint32_t)first, range))
			return false;
		if (!ok)
			return lk_imap_refused(imap, LK_ERR_MAILBOX, error,
					       "the server does not list the folder");
		uint32_t end = is_last ? UINT32_MAX : (uint32_t)last;
		g_autoptr(GArray) some = search_result(imap, (uint32_t)first, end);
		g_array_append_vals(all, some->data, some->len);
		if (is_last)
			break;
		first = last + 1;
		window *= 4;
	}
	if (all->len > most)
		g_array_set_size(all, (guint)most);
	*ret_uids = g_steal_pointer(&all);
	return true;
}

char *lk_imap_set_text(const uint32_t *uids, size_t n)
{
	g_autoptr(GArray) sorted = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	g_array_append_vals(sorted, uids, (guint)n);
	g_array_sort(sorted, compare_uids);
	const uint32_t *u = (const uint32_t *)(const void *)sorted->data;
	GString *text = g_string_new(NULL);
	for (size_t i = 0; i < n;) {
		size_t end = i;
		while (end + 1 < n && u[end + 1] - u[end] <= 1)
			end++;
		g_string_append_printf(text, "%s%u", text->len > 0 ? "," : "", u[i]);
		if (u[end] != u[i])
			g_string_append_printf(text, ":%u", u[end]);
		i = end + 1;
	}
	return g_string_free(text, FALSE);
}

bool lk_imap_still_there(lk_imap *imap, const uint32_t *uids, size_t n, GArray **ret_uids,
			 GError **error)
{
	g_autofree char *set = lk_imap_set_text(uids, n);
	bool ok;
	if (!lk_imap_command(imap, LK_IMAP_SMALL_BYTES, &ok, error, "UID SEARCH UID %s", set))
		return false;
	if (!ok)
		return lk_imap_refused(imap, LK_ERR_MAILBOX, error,
				       "the server does not list the folder");
	*ret_uids = search_result(imap, 1, UINT32_MAX);
	return true;
}

/* --- size and date -----------------------------------------------------------------------------
 */

static lk_time to_time(const struct mailimap_date_time *date)
{
	int zone = date->dt_zone < 0 ? -date->dt_zone : date->dt_zone;
	if (date->dt_year < 1970 || date->dt_year > 9999 || zone > MOST_ZONE || zone % 100 > 59)
		return LK_TIME_NONE;
	g_autoptr(GDateTime) utc =
		g_date_time_new_utc(date->dt_year, date->dt_month, date->dt_day, date->dt_hour,
				    date->dt_min, MIN(date->dt_sec, 59));
	if (!utc)
		return LK_TIME_NONE;
	int offset = (zone / 100 * 60 + zone % 100) * 60;
	int64_t seconds = g_date_time_to_unix(utc) - (date->dt_zone < 0 ? -offset : offset);
	return seconds * LK_SECOND;
}

static bool has_seen_flag(const struct mailimap_msg_att_dynamic *flags)
{
	clist *list = flags->att_list;
	for (clistiter *i = list ? clist_begin(list) : NULL; i; i = clist_next(i)) {
		const struct mailimap_flag_fetch *one = clist_content(i);
		if (one->fl_type == MAILIMAP_FLAG_FETCH_OTHER &&
		    one->fl_flag->fl_type == MAILIMAP_FLAG_SEEN)
			return true;
	}
	return false;
}

/* One "* n FETCH (...)"; uid 0 when it does not say. */
static lk_imap_item read_item(const struct mailimap_msg_att *fetched)
{
	lk_imap_item item = {.internal_date = LK_TIME_NONE};
	for (clistiter *i = clist_begin(fetched->att_list); i; i = clist_next(i)) {
		const struct mailimap_msg_att_item *one = clist_content(i);
		if (one->att_type == MAILIMAP_MSG_ATT_ITEM_DYNAMIC)
			item.seen = has_seen_flag(one->att_data.att_dyn);
		if (one->att_type != MAILIMAP_MSG_ATT_ITEM_STATIC)
			continue;
		const struct mailimap_msg_att_static *fact = one->att_data.att_static;
		if (fact->att_type == MAILIMAP_MSG_ATT_UID)
			item.uid = fact->att_data.att_uid;
		else if (fact->att_type == MAILIMAP_MSG_ATT_RFC822_SIZE)
			item.size = fact->att_data.att_rfc822_size;
		else if (fact->att_type == MAILIMAP_MSG_ATT_INTERNALDATE)
			item.internal_date = to_time(fact->att_data.att_internal_date);
	}
	return item;
}

/* FETCH answers OK although some mails failed: what it left out and still exists gets no facts. */
static bool add_undescribed(lk_imap *imap, const uint32_t *uids, size_t n, GHashTable *by_uid,
			    GError **error)
{
	g_autoptr(GArray) missing = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (size_t i = 0; i < n; i++)
		if (!g_hash_table_contains(by_uid, GUINT_TO_POINTER(uids[i])))
			g_array_append_val(missing, uids[i]);
	if (missing->len == 0)
		return true;
	g_autoptr(GArray) there = NULL;
	if (!lk_imap_still_there(imap, (const uint32_t *)(const void *)missing->data, missing->len,
				 &there, error))
		return false;
	for (guint i = 0; i < there->len; i++) {
		lk_imap_item *item = g_new0(lk_imap_item, 1);
		item->uid = g_array_index(there, uint32_t, i);
		item->internal_date = LK_TIME_NONE;
		g_hash_table_replace(by_uid, GUINT_TO_POINTER(item->uid), item);
	}
	return true;
}

static bool list_batch(lk_imap *imap, const uint32_t *uids, size_t n, GArray *items, GError **error)
{
	g_autofree char *set = lk_imap_set_text(uids, n);
	bool ok;
	if (!lk_imap_command(imap, LK_IMAP_SMALL_BYTES + n * BYTES_PER_ITEM, &ok, error,
			     "UID FETCH %s (UID RFC822.SIZE FLAGS%s)", set,
			     unreadable_answers >= MOST_UNREADABLE ? "" : " INTERNALDATE")) {
		unreadable_answers += imap->result == MAILIMAP_ERROR_PARSE;
		return false;
	}
	if (unreadable_answers < MOST_UNREADABLE)
		unreadable_answers = 0;
	g_autoptr(GHashTable) by_uid = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	clist *list = imap->m->imap_response_info->rsp_fetch_list;
	for (clistiter *i = list ? clist_begin(list) : NULL; i; i = clist_next(i)) {
		lk_imap_item item = read_item(clist_content(i));
		/* Flags that changed just now come without a size; they are not what we asked. */
		if (item.uid && (item.size || item.internal_date != LK_TIME_NONE))
			g_hash_table_replace(by_uid, GUINT_TO_POINTER(item.uid),
					     g_memdup2(&item, sizeof item));
	}
	if (!add_undescribed(imap, uids, n, by_uid, error))
		return false;
	for (size_t i = 0; i < n; i++) {
		const lk_imap_item *item = g_hash_table_lookup(by_uid, GUINT_TO_POINTER(uids[i]));
		if (item)
			g_array_append_vals(items, item, 1);
	}
	return true;
}

bool lk_imap_list(lk_imap *imap, const uint32_t *uids, size_t n, GArray **ret_items, GError **error)
{
	g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(lk_imap_item));
	for (size_t i = 0; i < n; i += LK_IMAP_UID_BATCH)
		if (!list_batch(imap, uids + i, MIN(n - i, LK_IMAP_UID_BATCH), items, error))
			return false;
	*ret_items = g_steal_pointer(&items);
	return true;
}

/* --- bytes -------------------------------------------------------------------------------------
 */

/* Returning false makes libetpan give up in the middle: the session is dead then. */
static bool take(lk_imap *imap, const char *bytes, size_t n)
{
	imap->fetch_began = true;
	if (n > imap->fetch_left) {
		imap->fetch_too_long = true;
		return false;
	}
	imap->fetch_left -= n;
	return lk_write_all(imap->fetch_fd, bytes, n, &imap->fetch_error);
}

bool lk_imap_take_body(int type, struct mailimap_msg_att_body_section *section, const char *bytes,
		       size_t n, void *data)
{
	lk_imap *imap = data;
	return imap->is_fetching && take(imap, bytes, n); /* nobody else asks for bodies */
}

/* A body that came as a quoted string does not pass the handler. */
static bool take_quoted(lk_imap *imap)
{
	clist *list = imap->m->imap_response_info->rsp_fetch_list;
	for (clistiter *i = list ? clist_begin(list) : NULL; i; i = clist_next(i)) {
		const struct mailimap_msg_att *fetched = clist_content(i);
		for (clistiter *j = clist_begin(fetched->att_list); j; j = clist_next(j)) {
			const struct mailimap_msg_att_item *one = clist_content(j);
			const struct mailimap_msg_att_static *fact = one->att_data.att_static;
			if (one->att_type != MAILIMAP_MSG_ATT_ITEM_STATIC ||
			    fact->att_type != MAILIMAP_MSG_ATT_BODY_SECTION)
				continue;
			const struct mailimap_msg_att_body_section *body =
				fact->att_data.att_body_section;
			if (imap->fetch_began)
				return true;
			imap->fetch_began = true; /* an empty or NIL body is a body too */
			if (body->sec_body_part && body->sec_length > 0 &&
			    !take(imap, body->sec_body_part, body->sec_length))
				return false;
		}
	}
	return true;
}

/* The error of a fetch that did not end well. */
static bool fetch_failed(lk_imap *imap, uint32_t uid, uint64_t max_bytes, GError *lost,
			 GError **error)
{
	g_autoptr(GError) why = lost;
	const char *name = lk_stream_name(imap->stream);
	if (imap->fetch_error) {
		g_propagate_error(error, g_steal_pointer(&imap->fetch_error));
		return false;
	}
	if (imap->fetch_too_long) {
		g_set_error(error, LK_ERROR, LK_ERR_MESSAGE,
			    "%s: mail %u is longer than %" G_GUINT64_FORMAT
			    " bytes: raise max_size to take it",
			    name, uid, max_bytes);
		return false;
	}
	if (imap->result == MAILIMAP_ERROR_PARSE) {
		g_set_error(error, LK_ERROR, LK_ERR_MESSAGE,
			    "%s: mail %u cannot be read: the server's answer breaks the protocol",
			    name, uid);
		return false;
	}
	g_propagate_error(error, g_steal_pointer(&why));
	return false;
}

/* The server said no body: because the mail has gone, or because it cannot read it? */
static bool explain_absence(lk_imap *imap, uint32_t uid, bool ok, bool *ret_found, GError **error)
{
	g_autoptr(GArray) there = NULL;
	g_autoptr(GError) refusal = NULL;
	if (!ok)
		lk_imap_refused(imap, LK_ERR_MESSAGE, &refusal, "mail %u cannot be read", uid);
	if (!lk_imap_still_there(imap, &uid, 1, &there, error))
		return false;
	if (there->len == 0) {
		*ret_found = false;
		return true;
	}
	if (refusal)
		g_propagate_error(error, g_steal_pointer(&refusal));
	else
		g_set_error(error, LK_ERROR, LK_ERR_MESSAGE,
			    "%s: the server lists mail %u but does not give it",
			    lk_stream_name(imap->stream), uid);
	return false;
}

bool lk_imap_fetch(lk_imap *imap, uint32_t uid, bool header_only, uint64_t max_bytes, int fd,
		   bool *ret_found, GError **error)
{
	imap->is_fetching = true;
	imap->fetch_fd = fd;
	imap->fetch_left = max_bytes;
	imap->fetch_began = false;
	imap->fetch_too_long = false;
	g_clear_error(&imap->fetch_error);
	bool ok = false;
	GError *lost = NULL;
	/* BODY.PEEK[] alone: envelopes and structures of strangers never meet libetpan's parser. */
	bool is_done = lk_imap_command(imap, max_bytes + BODY_SLACK_BYTES, &ok, &lost,
				       "UID FETCH %u (UID BODY.PEEK[%s])", uid,
				       header_only ? "HEADER" : "");
	if (is_done && ok)
		is_done = take_quoted(imap);
	imap->is_fetching = false;
	if (!is_done)
		return fetch_failed(imap, uid, max_bytes, lost, error);
	if (!ok || !imap->fetch_began)
		return explain_absence(imap, uid, ok, ret_found, error);
	*ret_found = true;
	lk_fault("imap.fetched");
	return true;
}
