/* Folders: names as they go over the wire, SELECT. */
#include "lib/net/imap-private.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

/* Modified UTF-7 (RFC 3501 5.1.3), which glibc knows as UTF-7-IMAP. */
static bool encode_name(const char *folder, char **ret_name, GError **error)
{
	iconv_t converter = iconv_open("UTF-7-IMAP", "UTF-8");
	if (converter == (iconv_t)-1) {
		g_set_error(error, LK_ERROR, LK_ERR_MAILBOX,
			    "this system cannot encode IMAP folder names: install the package "
			    "libc-bin (gconv modules)");
		return false;
	}
	size_t left_in = strlen(folder), left_out = 8 * left_in + 16;
	g_autofree char *name = g_malloc0(left_out + 1);
	char *in = (char *)folder, *out = name;
	bool is_good = iconv(converter, &in, &left_in, &out, &left_out) != (size_t)-1 &&
		       iconv(converter, NULL, NULL, &out, &left_out) != (size_t)-1;
	iconv_close(converter);
	if (!is_good) {
		g_set_error(error, LK_ERROR, LK_ERR_MAILBOX,
			    "a folder name is not valid UTF-8: correct folders, after or failed");
		return false;
	}
	*ret_name = g_steal_pointer(&name);
	return true;
}

/* LIST "" "": the sign between the levels of a name. */
static bool learn_delimiter(lk_imap *imap, GError **error)
{
	bool ok;
	if (imap->delimiter)
		return true;
	if (!lk_imap_command(imap, LK_IMAP_SMALL_BYTES, &ok, error, "LIST \"\" \"\""))
		return false;
	imap->delimiter = '/';
	clist *list = ok ? imap->m->imap_response_info->rsp_mailbox_list : NULL;
	if (list && clist_begin(list)) {
		const struct mailimap_mailbox_list *root = clist_content(clist_begin(list));
		if (root->mb_delimiter)
			imap->delimiter = root->mb_delimiter;
	}
	return true;
}

bool lk_imap_quote_folder(lk_imap *imap, const char *folder, char **ret_quoted, GError **error)
{
	if (!lk_net_check_argument("folder name", folder, error))
		return false;
	g_autofree char *ours = g_strdup(folder);
	if (strchr(ours, '/')) {
		if (!learn_delimiter(imap, error))
			return false;
		if (!strchr(ours, imap->delimiter))
			g_strdelimit(ours, "/", imap->delimiter);
	}
	g_autofree char *name = NULL;
	if (!encode_name(ours, &name, error))
		return false;
	GString *quoted = g_string_new("\"");
	for (const char *p = name; *p; p++) {
		if (*p == '"' || *p == '\\')
			g_string_append_c(quoted, '\\');
		g_string_append_c(quoted, *p);
	}
	g_string_append_c(quoted, '"');
	*ret_quoted = g_string_free(quoted, FALSE);
	return true;
}

bool lk_imap_select(lk_imap *imap, const char *folder, lk_imap_folder *ret_folder, GError **error)
{
	g_autofree char *quoted = NULL;
	if (!lk_imap_quote_folder(imap, folder, &quoted, error))
		return false;
	if (imap->m->imap_selection_info)
		mailimap_selection_info_free(imap->m->imap_selection_info);
	imap->m->imap_selection_info = mailimap_selection_info_new();
	bool ok;
	if (!lk_imap_command(imap, LK_IMAP_SMALL_BYTES, &ok, error, "SELECT %s", quoted))
		return false;
	if (!ok)
		return lk_imap_refused(imap, LK_ERR_MAILBOX, error,
				       "the folder \"%s\" cannot be opened: check folders", folder);
	struct mailimap_selection_info *info = imap->m->imap_selection_info;
	if (info->sel_uidvalidity == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_MAILBOX,
			    "%s: the folder \"%s\" has no UIDVALIDITY, so its mails cannot be told "
			    "apart; use another folder or server",
			    lk_stream_name(imap->stream), folder);
		return false;
	}
	info->sel_has_exists = 0; /* from here on it means news */
	imap->uid_next = info->sel_uidnext;
	ret_folder->uidvalidity = info->sel_uidvalidity;
	ret_folder->uidnext = info->sel_uidnext;
	ret_folder->exists = info->sel_exists;
	return true;
}
