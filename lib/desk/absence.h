/* Agents who are away: new assignments, notices and reminders go to their deputy. */
#ifndef LK_DESK_ABSENCE_H
#define LK_DESK_ABSENCE_H

#include "lib/db/db.h"
#include "lib/desk/command.h"

/* An absence that holds. Strings owned by the struct. */
typedef struct {
	char *agent;	 /* address on file */
	char *deputy;	 /* address on file, or NULL: nobody stands in */
	lk_day last_day; /* not set: until their next own mail */
} lk_absence;

/*
 * Who of the agents (addresses on file) is away at that time: address -> lk_absence *, nobody else
 * in it. Caller unrefs. Needs the statements of command.sql (LK_QG_COMMAND).
 */
bool lk_absence_find(lk_db *db, const lk_policy *policy, const char *const *agents, unsigned n,
		     lk_time at, GHashTable **ret_absences, GError **error);

/*
 * Who gets what is meant for the agent: the agent, or the deputy of one who is away (a deputy who
 * is away too is followed, at most five times), NULL when nobody of them is there. Borrowed from
 * the policy. *ret_is_away (may be NULL): is the agent themselves away?
 */
bool lk_absence_stand_in(lk_db *db, const lk_policy *policy, const lk_agent *agent, lk_time at,
			 const lk_agent **ret_agent, bool *ret_is_away, GError **error);

/* Everything borrowed. last_day not set: until the agent's next own mail. */
typedef struct {
	const lk_agent *agent;
	lk_day first_day;
	lk_day last_day;
	const lk_agent *deputy; /* or NULL */
	const char *actor;
	int64_t message; /* 0: none */
	lk_time at;
} lk_absence_entry;
bool lk_absence_add(lk_db *db, const lk_absence_entry *entry, int64_t *ret_id, GError **error);

/* The agent wrote again: what has no last day is over. */
bool lk_absence_back(lk_db *db, const lk_agent *agent, lk_time at, GError **error);

/*
 * The last day away that a vacation answer names: "3.8. asti", "palaan 4.8.", "åter 4 augusti",
 * "back on 4 August", "1.7.-31.7.", "until 3 August". False when it names none. Pure.
 */
bool lk_absence_read(const char *text, lk_day today, lk_day *ret_last_day);

#endif
