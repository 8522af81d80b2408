/*
 * The board: how the desk is just now, for a wall and for a phone. Counts and times alone: no
 * subject, no name, no address, no score.
 */
#ifndef LK_DESK_BOARD_H
#define LK_DESK_BOARD_H

#include "lib/base/json.h"
#include "lib/db/db.h"
#include "lib/desk/policy.h"

/* What the template web-board is filled with. Reads, no transaction. Caller unrefs. */
bool lk_board_fill(lk_db *db, const lk_policy *policy, lk_lang lang, lk_time now,
		   lk_json **ret_values, GError **error);

#endif
