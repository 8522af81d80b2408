/* What a customer is to the desk, by `luukkuctl person set` or an import. */
#ifndef LK_DESK_PERSON_H
#define LK_DESK_PERSON_H

#include <stdbool.h>

typedef enum {
	LK_STANDING_NORMAL,
	LK_STANDING_VIP,     /* marked in notices and digests */
	LK_STANDING_BLOCKED, /* quarantined unanswered */
	LK_STANDING_SHARED, /* a mailbox of many people: no duplicate joining, no survey interval */
	LK_N_STANDINGS
} lk_standing;

/* "normal", "vip", "blocked", "shared": as in person.standing and the rule test `person`. */
const char *lk_standing_name(lk_standing standing);

/* False for any other name (NULL included). */
bool lk_standing_parse(const char *name, lk_standing *ret_standing);

#endif
