#include "lib/mail/walk.h"

#include "lib/base/text.h"
#include "lib/mail/answer.h"
#include "lib/mail/params.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

bool lk_parts_append(lk_gather *gather, lk_parts *parts, const void *bytes, size_t n)
{
	const char *from = bytes;

	if (n > parts->most - MIN(parts->end, parts->most)) {
		gather->mail->is_incomplete = true;
		lk_gather_defect(gather, "decoded attachments larger than the mail allows: cut");
		return false;
	}
	while (n > 0) {
		ssize_t written = pwrite(parts->fd, from, n, (off_t)parts->end);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			/* A full disk: the client must not take the cut bytes for the whole mail.
			 */
			gather->mail->is_incomplete = true;
			gather->mail->has_no_room |= errno == ENOSPC || errno == EDQUOT;
			lk_gather_defect(gather, "no room for the decoded attachments");
			return false;
		}
		from += written;
		parts->end += (uint64_t)written;
		n -= (size_t)written;
	}
	return true;
}

void lk_parts_attach(lk_gather *gather, lk_parts *parts, uint64_t start, const char *filename,
		     const char *content_type, const char *content_id, bool is_inline)
{
	GPtrArray *attachments = gather->mail->attachments;

	if (attachments->len >= LK_ATTACHMENTS_MOST) {
		gather->mail->is_incomplete = true;
		lk_gather_defect(gather, "more than %d attachments: the rest was left out",
				 LK_ATTACHMENTS_MOST);
		return;
	}
	lk_attachment *attachment = g_new0(lk_attachment, 1);
	attachment->filename = filename ? lk_safe_filename(filename) : NULL;
	attachment->content_type = lk_text_cut(content_type, 200);
	attachment->content_id = content_id && *content_id ? lk_text_cut(content_id, 500) : NULL;
	attachment->is_inline = is_inline;
	attachment->offset = start;
	attachment->size = parts->end - start;
	g_ptr_array_add(attachments, attachment);
}
