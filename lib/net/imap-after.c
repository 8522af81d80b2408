/* What happens to mails on the server once they are stored: flags, deletion, moving. */
#include "lib/net/imap-private.h"

#include <string.h>

typedef bool (*batch_action)(lk_imap *imap, const uint32_t *uids, size_t n, const char *folder,
			     GError **error);

static bool in_batches(lk_imap *imap, const uint32_t *uids, size_t n, const char *folder,
		       batch_action act, GError **error)
{
	for (size_t i = 0; i < n; i += LK_IMAP_UID_BATCH)
		if (!act(imap, uids + i, MIN(n - i, LK_IMAP_UID_BATCH), folder, error))
			return false;
	return true;
}

/*
 * A NO is no error when none of the mails is there any more; some servers say it for one that has
 * gone, and would have us fetch the others for ever.
 */
static bool forgive_gone(lk_imap *imap, const uint32_t *uids, size_t n, const char *what,
			 GError **error)
{
	g_autoptr(GError) refusal = NULL;
	lk_imap_refused(imap, LK_ERR_MAILBOX, &refusal,
			"%s is refused: check the rights on the folder", what);
	g_autoptr(GArray) there = NULL;
	if (!lk_imap_still_there(imap, uids, n, &there, error))
		return false;
	if (there->len == 0)
		return true;
	g_propagate_error(error, g_steal_pointer(&refusal));
	return false;
}

/* STORE +FLAGS.SILENT; one by one when the batch is refused, so that one cannot hold up others. */
static bool add_flag(lk_imap *imap, const uint32_t *uids, size_t n, const char *flag,
		     GError **error)
{
	g_autofree char *set = lk_imap_set_text(uids, n);
	bool ok;
	if (!lk_imap_command(imap, LK_IMAP_SMALL_BYTES, &ok, error,
			     "UID STORE %s +FLAGS.SILENT (%s)", set, flag))
		return false;
	if (ok)
		return true;
	if (n == 1)
		return forgive_gone(imap, uids, n, "setting a flag", error);
	for (size_t i = 0; i < n; i++)
		if (!add_flag(imap, uids + i, 1, flag, error))
			return false;
	return true;
}

static bool set_seen(lk_imap *imap, const uint32_t *uids, size_t n, const char *folder,
		     GError **error)
{
	return add_flag(imap, uids, n, "\\Seen", error);
}

bool lk_imap_set_seen(lk_imap *imap, const uint32_t *uids, size_t n, GError **error)
{
	return in_batches(imap, uids, n, NULL, set_seen, error);
}

static bool delete_batch(lk_imap *imap, const uint32_t *uids, size_t n, const char *folder,
			 GError **error)
{
	bool ok;
	if (!add_flag(imap, uids, n, "\\Deleted", error))
		return false;
	/* A plain EXPUNGE would also remove what a person has marked in another client. */
	if (!imap->can_uidplus)
		return true;
	g_autofree char *set = lk_imap_set_text(uids, n);
	if (!lk_imap_command(imap, LK_IMAP_SMALL_BYTES, &ok, error, "UID EXPUNGE %s", set))
		return false;
	return ok || forgive_gone(imap, uids, n, "deleting", error);
}

bool lk_imap_delete(lk_imap *imap, const uint32_t *uids, size_t n, GError **error)
{
	return in_batches(imap, uids, n, NULL, delete_batch, error);
}

/* The source UIDs of a COPYUID (RFC 4315 3), or NULL when the server did not tell. */
static const struct mailimap_set *copied_set(const lk_imap *imap)
{
	clist *list = imap->m->imap_response_info->rsp_extension_list;
	for (clistiter *i = list ? clist_begin(list) : NULL; i; i = clist_next(i)) {
		const struct mailimap_extension_data *one = clist_content(i);
		if (one->ext_extension != &mailimap_extension_uidplus ||
		    one->ext_type != MAILIMAP_UIDPLUS_RESP_CODE_COPY)
			continue;
		const struct mailimap_uidplus_resp_code_copy *copy = one->ext_data;
		return copy->uid_source_set;
	}
	return NULL;
}

static bool set_holds(const struct mailimap_set *set, uint32_t uid)
{
	for (clistiter *i = clist_begin(set->set_list); i; i = clist_next(i)) {
		const struct mailimap_set_item *item = clist_content(i);
		uint32_t low = MIN(item->set_first, item->set_last);
		uint32_t high = MAX(item->set_first, item->set_last);
		if (uid >= low && uid <= high)
			return true;
	}
	return false;
}

/* Those of the UIDs that the server says it has copied; all when it says nothing. */
static GArray *copied_uids(const lk_imap *imap, const uint32_t *uids, size_t n)
{
	GArray *copied = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	const struct mailimap_set *set = copied_set(imap);
	for (size_t i = 0; i < n; i++)
		if (!set || set_holds(set, uids[i]))
			g_array_append_val(copied, uids[i]);
	return copied;
}

/* CREATE and SUBSCRIBE, so that people see the folder in their clients. */
static bool create_folder(lk_imap *imap, const char *quoted, GError **error)
{
	bool ok;
	return lk_imap_command(imap, LK_IMAP_SMALL_BYTES, &ok, error, "CREATE %s", quoted) &&
	       lk_imap_command(imap, LK_IMAP_SMALL_BYTES, &ok, error, "SUBSCRIBE %s", quoted);
}

/* UID MOVE or UID COPY; when refused, once more after the folder was created. */
static bool transfer(lk_imap *imap, const char *command, const uint32_t *uids, size_t n,
		     const char *folder, bool *ret_ok, GError **error)
{
	g_autofree char *quoted = NULL;
	g_autofree char *set = lk_imap_set_text(uids, n);
	if (!lk_imap_quote_folder(imap, folder, &quoted, error))
		return false;
	for (int i = 0; i < 2; i++) {
		if (!lk_imap_command(imap, LK_IMAP_SMALL_BYTES, ret_ok, error, "UID %s %s %s",
				     command, set, quoted))
			return false;
		if (*ret_ok || i == 1)
			break;
		if (!create_folder(imap, quoted, error))
			return false;
	}
	return true;
}

static bool refused_folder(lk_imap *imap, const uint32_t *uids, size_t n, const char *folder,
			   GError **error)
{
	g_autofree char *what = g_strdup_printf("moving to \"%s\"", folder);
	return forgive_gone(imap, uids, n, what, error);
}

/* MOVE answers OK for mails it left where they are: look. */
static bool check_moved(lk_imap *imap, const uint32_t *uids, size_t n, const char *folder,
			GError **error)
{
	g_autoptr(GArray) copied = copied_uids(imap, uids, n);
	if (copied_set(imap) && copied->len == n)
		return true;
	g_autoptr(GArray) there = NULL;
	if (!lk_imap_still_there(imap, uids, n, &there, error))
		return false;
	if (there->len == 0)
		return true;
	g_set_error(error, LK_ERROR, LK_ERR_RETRY,
		    "%s: the server left %u of %zu mails behind when moving to \"%s\"; they are "
		    "moved again later",
		    lk_stream_name(imap->stream), there->len, n, folder);
	return false;
}

static bool move_batch(lk_imap *imap, const uint32_t *uids, size_t n, const char *folder,
		       GError **error)
{
	bool ok;
	if (imap->can_move) {
		if (!transfer(imap, "MOVE", uids, n, folder, &ok, error))
			return false;
		if (!ok)
			return refused_folder(imap, uids, n, folder, error);
		return check_moved(imap, uids, n, folder, error);
	}
	if (!transfer(imap, "COPY", uids, n, folder, &ok, error))
		return false;
	if (!ok)
		return refused_folder(imap, uids, n, folder, error);
	/* Only what has certainly arrived there is removed here. */
	g_autoptr(GArray) copied = copied_uids(imap, uids, n);
	if (copied->len == 0)
		return true;
	return delete_batch(imap, (const uint32_t *)(const void *)copied->data, copied->len, NULL,
			    error);
}

bool lk_imap_move(lk_imap *imap, const uint32_t *uids, size_t n, const char *folder, GError **error)
{
	return in_batches(imap, uids, n, folder, move_batch, error);
}
