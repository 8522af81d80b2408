/* Shared by the files of the outbox only. */
#ifndef LK_DESK_OUTBOX_PRIVATE_H
#define LK_DESK_OUTBOX_PRIVATE_H

#include "lib/desk/outbox.h"

/* "customer", "agent", ... as in outbox.purpose; NONE is "admin". */
const char *lk_outbox_purpose_name(lk_purpose purpose);
lk_purpose lk_outbox_purpose(const char *name);

/* The plain address, or with a token behind the separator where subaddresses work. Caller frees. */
char *lk_outbox_address(const lk_policy *policy, const char *plain, lk_purpose purpose,
			uint8_t epoch, int64_t number, const char *recipient);

/*
 * Fills the claim with the bytes of one claimed row and stores them, the message out and its id.
 * LK_ERR_RETRY: the database is away; any other: this row cannot be composed.
 */
bool lk_outbox_compose(lk_db *db, const lk_policy *policy, const char *templates_dir, lk_time now,
		       const lk_rows *rows, size_t row, lk_outbox_claim *claim, GError **error);

#endif
