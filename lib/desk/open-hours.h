/*
 * Open hours as rows, so that the views of reports count open time as lib/base/calendar does. What
 * has begun is never changed: figures of the past stay when the hours of a calendar change.
 */
#ifndef LK_DESK_OPEN_HOURS_H
#define LK_DESK_OPEN_HOURS_H

#include "lib/db/db.h"
#include "lib/desk/policy.h"

/*
 * Brings table open_hours up to date, from the oldest ticket until more than a year ahead; mostly
 * one question. In its own transaction. Nothing is done on a standby server.
 */
bool lk_open_hours_keep(lk_db *db, const lk_policy *policy, lk_time now, GError **error);

#endif
