/*
 * Stored mail routed again, to see what other rules would change. Nothing is written: the mails
 * come page by page from the database, the decision is the one that ingest takes (route and plan
 * over plain structs), with the threading as it was decided then.
 */
#ifndef LK_DESK_REPLAY_H
#define LK_DESK_REPLAY_H

#include "lib/base/json.h"
#include "lib/db/db.h"
#include "lib/desk/policy.h"

/* Everything borrowed. */
typedef struct {
	const lk_policy *before; /* NULL: what was decided then, as it was stored */
	const lk_policy *after;
	lk_time since;	  /* mails that were taken in since */
	int64_t most;	  /* mails, the newest first; 0: all */
	int64_t until_ms; /* lk_monotonic_ms at which it stops; 0: never */
	/*
	 * A mail that would go another way: { message_id, subject, before, after, rule } as in the
	 * command-line contract. false with an error stops. May be NULL.
	 */
	bool (*changed)(const lk_json *change, void *data, GError **error);
	void (*progress)(int64_t mails, int64_t changed, void *data); /* or NULL */
	void *data;
} lk_replay_options;

typedef struct {
	int64_t mails;
	int64_t changed;
	bool is_cut; /* stopped by most or until_ms: there are older mails */
} lk_replay_result;

/*
 * Newest mail first. The connection needs the statements of LK_QG_REPLAY. Mails on which rules have
 * no say (duplicates, control mail) are not counted. LK_ERR_RETRY.
 */
bool lk_replay_run(lk_db *db, const lk_replay_options *options, lk_replay_result *ret_result,
		   GError **error);

#endif
