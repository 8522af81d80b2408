/* Required fields of a ticket that has another queue or type now. */
#ifndef LK_DESK_TICKET_FIELDS_H
#define LK_DESK_TICKET_FIELDS_H

#include "lib/desk/ticket.h"

/*
 * What the queue wants to know now: the customer's words are looked through for it, and what is
 * missing then is kept. Nothing is asked for. Of a queue that is gone nothing is missing.
 */
bool lk_ticket_refill(lk_db *db, const lk_policy *policy, const lk_change *change, GError **error);

#endif
