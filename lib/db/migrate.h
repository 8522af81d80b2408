/* Forward-only migrations, compiled in, under an advisory lock. */
#ifndef LK_DB_MIGRATE_H
#define LK_DB_MIGRATE_H

#include "lib/db/db.h"

/* The schema this build writes, and the oldest and newest it can live with. */
int lk_schema_needed(void);

typedef struct {
	int have; /* 0: empty database */
	int need;
	GPtrArray *pending; /* char *: "0002-slug" */
} lk_schema_state;
void lk_schema_state_clear(lk_schema_state *state);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lk_schema_state, lk_schema_state_clear)

/* What is there, without changing anything. */
bool lk_schema_inspect(lk_db *db, lk_schema_state *ret_state, GError **error);

/*
 * Creates the roles, applies each pending migration in a transaction of its own, records number and
 * BLAKE2b, and refuses when an applied one differs from the compiled one. Calls back before each
 * (may be NULL).
 */
bool lk_schema_migrate(lk_db *db, void (*progress)(const char *name, void *data), void *data,
		       GError **error);

#endif
