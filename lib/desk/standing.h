/* How a matter stands, as its customer may know it. */
#ifndef LK_DESK_STANDING_H
#define LK_DESK_STANDING_H

#include "lib/base/json.h"
#include "lib/db/db.h"
#include "lib/desk/policy.h"

/*
 * Adds what the partial "standing" says: with whom the ticket waits, since when, until when, the
 * promised time. rows: the ticket with status, since, waiting_until, due_respond, due_resolve,
 * first_response_at and supplier.
 */
void lk_standing_add(lk_json *json, const lk_policy *policy, lk_time now, const lk_rows *rows);

/* "NAME_fi", "NAME_sv", "NAME_en": a mail may carry more than one language. */
void lk_standing_set_times(lk_json *json, const lk_policy *policy, const char *name, lk_time at);

#endif
