/*
 * Runs the commands of an agent's mail, or of the command line: all lines are checked first, one
 * bad line and none is run. Inside the caller's transaction.
 */
#ifndef LK_DESK_EXECUTE_H
#define LK_DESK_EXECUTE_H

#include "lib/base/json.h"
#include "lib/db/db.h"
#include "lib/desk/authority.h"
#include "lib/desk/command.h"

/* #undo takes back what was run within this time. */
#define LK_UNDO_TIME (INT64_C(3600) * LK_SECOND)
/* What is held can be run so long. */
#define LK_HELD_TIME (INT64_C(86400) * LK_SECOND)

enum { LK_LOOK_UP_ROWS = 20 };

/* Who runs them and about what. Everything borrowed. */
typedef struct {
	const lk_agent *agent; /* NULL: the command line, which sees everything */
	const char *actor;     /* "agent:ADDRESS", "cli:OSUSER" */
	const char *os_user;   /* "cli:OSUSER" behind --as, for the history; or NULL */
	lk_time now;
	lk_lang language;  /* of problems' words */
	int64_t ticket;	   /* the mail's own; 0: none */
	int64_t message;   /* the stored mail that holds the text; 0: messages are made of it */
	lk_time seen_at;   /* when the newest of what it answers was written; LK_TIME_NONE */
	bool is_confirmed; /* #send: whatever came in between */
	bool has_files;	   /* the mail has attachments: they go along with an answer */
	const char *const *reached; /* addresses that have the mail by reply-all, folded */
	unsigned n_reached;
} lk_execution;

/*
 * What came of it. json is what a template or a machine shows: "has_run", "run" (number, for undo),
 * "problems" [{"line","problem","word","words"}], "tickets"
 * [{"reference","subject","status","queue",
 * "priority","type","owner","tags","fields","missing","waiting_until","done" [lines]}], "remarks"
 * [], "mails" [{"template","to"}], "undone" {"cancelled" [], "gone" []}, "answer" {"kind","rows"
 * [], "more" bool}.
 */
typedef struct {
	bool has_run;
	bool is_stale;	     /* refused only because somebody wrote in between */
	bool is_text_unused; /* nothing said what the text is for */
	GPtrArray *problems; /* lk_problem * */
	lk_json *json;
} lk_receipt;
void lk_receipt_free(lk_receipt *receipt);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_receipt, lk_receipt_free)

/*
 * LK_ERR_RETRY and the like: nothing was done, the caller rolls back. Whatever is wrong with the
 * commands themselves is in the receipt, not an error. Needs the statements of command.sql,
 * ticket.sql and outbox.sql.
 */
bool lk_execute(lk_db *db, const lk_policy *policy, const lk_execution *how,
		const lk_commands *commands, lk_receipt **ret_receipt, GError **error);

/* May who sees so much of a ticket write on it at all, be it an answer or a note? */
bool lk_execute_takes_words(lk_sight sight);

/* The agent that a word names: address, alias, name, local part or a first name that only one has.
 */
const lk_agent *lk_agent_named(const lk_policy *policy, const char *word);

/* As for lk_command_context.today. */
lk_day lk_execute_today(const lk_policy *policy, lk_time now);

#endif
