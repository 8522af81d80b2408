/*
 * A mail made again of what the database keeps of it. The original bytes may be gone (keep_raw):
 * header block, texts, the list of attachments and what the parser saw stay.
 */
#ifndef LK_DESK_STORED_H
#define LK_DESK_STORED_H

#include "lib/db/db.h"
#include "lib/mail/mail.h"

/*
 * From the columns of replay_page: all of them but id, is_*, mailbox, outcome, received_at,
 * explain, ticket_id, direction, evidence, evidence_reason and writer. Damaged JSON reads as
 * nothing. Headers beyond the block's 64 KiB, hashes and offsets of attachments are not there.
 * Never fails; caller frees.
 */
lk_mail *lk_stored_mail(const lk_rows *rows, size_t row);

/* Its envelope recipients where they were told; NULL: they were not. Caller frees. */
char **lk_stored_recipients(const lk_rows *rows, size_t row);

/* Was only its header read, because the mail was larger than max_size? */
bool lk_stored_is_too_large(const lk_rows *rows, size_t row);

/* A jsonb column as JSON; NULL when it is null or damaged. Caller unrefs. */
struct lk_json *lk_stored_json(const lk_rows *rows, size_t row, const char *column);

#endif
