/* What the rules set, carried out; for the files of the intake. */
#ifndef LK_DESK_INGEST_RULES_H
#define LK_DESK_INGEST_RULES_H

#include "lib/desk/private.h"

/* Events for rules that matched, and for those that were given up. ticket 0: on none. */
void lk_work_tell_rules(lk_work *work, int64_t ticket);

/*
 * Before the message is stored: the events, people that rules add; of a ticket that exists already
 * (is_new false) also tags, fields, owner, title and what else is a column of its.
 */
bool lk_work_rules_before(lk_work *work, int64_t ticket, bool is_new, GError **error);

/* After it: status, copies to others; of a ticket that exists already queue, type and priority. */
bool lk_work_rules_after(lk_work *work, int64_t ticket, int64_t message, bool is_new,
			 GError **error);

/* The fields that rules filled, as JSON. Caller frees. */
char *lk_work_rule_fields(const lk_work *work);

/* "FILE:LINE FILE:LINE" of patterns that were given up; NULL: none. Caller frees. */
char *lk_work_rule_limits(const lk_work *work);

#endif
