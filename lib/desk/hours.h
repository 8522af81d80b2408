/* The calendars of the configuration, opened once each and kept in the policy. */
#ifndef LK_DESK_HOURS_H
#define LK_DESK_HOURS_H

#include "lib/base/calendar.h"
#include "lib/desk/policy.h"

/* Opens all of them. LK_ERR_CONFIG: one is wrong, or its time zone is not known here. */
bool lk_policy_open_calendars(const lk_policy *policy, GError **error);

/*
 * The calendar of that name; NULL when there is none. One that cannot be opened (which
 * lk_policy_open_calendars would have said) counts as open at every hour. Borrowed.
 */
const lk_calendar *lk_hours_named(const lk_policy *policy, const char *name);

/*
 * The queue's calendar: that of its service level, else the first of the configuration, else every
 * hour is open. queue may be NULL (a queue that left the configuration). Never NULL; borrowed.
 */
const lk_calendar *lk_hours_of_queue(const lk_policy *policy, const lk_queue *queue);

/* The calendar of a service level, as above; sla may be NULL. */
const lk_calendar *lk_hours_of_sla(const lk_policy *policy, const lk_sla *sla);

/* `at` and that much open time: seconds, or open days at the same time of day. */
lk_time lk_hours_add(const lk_calendar *calendar, lk_time at, const lk_span *span);

#endif
