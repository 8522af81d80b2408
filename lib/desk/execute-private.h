/* Shared by the files that run commands only. */
#ifndef LK_DESK_EXECUTE_PRIVATE_H
#define LK_DESK_EXECUTE_PRIVATE_H

#include "lib/desk/execute.h"
#include "lib/desk/outbox.h"
#include "lib/desk/status.h"
#include "lib/desk/ticket.h"

/* One run. Borrowed: the first four. */
typedef struct {
	lk_db *db;
	const lk_policy *policy;
	const lk_execution *how;
	const lk_commands *commands;
	lk_receipt *receipt;

	const lk_command *command; /* that runs now */
	int64_t ticket;		   /* on which ticket; 0: on none */
	lk_rows *row;		   /* of command_ticket, as it is before the command */
	const lk_queue *queue;	   /* of the ticket; NULL: it left the configuration */

	GHashTable
		*sight;	 /* int64_t * -> lk_sight, of every ticket named, as it was at the start */
	GArray *touched; /* int64_t: tickets changed, in order */
	GHashTable *lines;  /* int64_t * -> GPtrArray of char *: what was done with each */
	lk_json *steps;	    /* what takes it back */
	lk_commands filled; /* backs commands once templates were put into the text */
} lk_run;

/* --- execute-run.c ---------------------------------------------------------------------------- */

/* Notes that the line cannot be run; true, so that handlers can return it. */
bool lk_run_problem(lk_run *run, lk_problem_code code, const char *word, const char *hint);
/* Something that the agent should know beside the new state; the words are in execute-remark.c. */
typedef enum {
	LK_REMARK_AWAY_ALONE, /* a: the agent, b: the queue */
	LK_REMARK_DEPUTY,     /* a: the agent, b: the deputy */
	LK_REMARK_NO_NEXT,
	LK_REMARK_NOT_COPIED,  /* a: the address */
	LK_REMARK_JOINED,      /* a: the reference, b: the addresses */
	LK_REMARK_NOT_AWAY,    /* a: the agent */
	LK_REMARK_AWAY,	       /* a: the agent, b: from when to when */
	LK_REMARK_AWAY_DEPUTY, /* a: the agent and from when to when, b: the deputy */
	LK_REMARK_LEFT,	       /* a: what #undo did not touch, b: who changed it since */
	LK_REMARK_LEFT_ALONE   /* a: what #undo did not touch */
} lk_remark;
/* True, so that handlers can return it. */
bool lk_run_remark(lk_run *run, lk_remark remark, const char *a, const char *b);

/*
 * The ticket that a reference of the current command leads to, merges followed; 0 when there is
 * none that the agent may know of (the problem is noted). Reads nothing else.
 */
bool lk_run_reference(lk_run *run, int64_t named, int64_t *ret_ticket, GError **error);

/* Does a reference lead to a ticket that the agent may know of? Notes no problem. */
bool lk_run_sees(lk_run *run, int64_t named, bool *ret_sees, GError **error);

/* The ticket that one is now part of, or itself; 0: there is none. */
bool lk_run_final(lk_run *run, int64_t named, int64_t *ret_ticket, GError **error);
/* The problem that there is no such ticket, as for one that the agent may not see. */
bool lk_run_no_ticket(lk_run *run, int64_t named);

/* What the agent may know of the ticket, as it was at the start. */
bool lk_run_sight(lk_run *run, int64_t ticket, lk_sight *ret_sight, GError **error);

/* The events of a ticket that the agent sees, as the answer of a look-up. */
bool lk_run_show_history(lk_run *run, int64_t ticket, int64_t offset, GError **error);

/* The answer of a look-up: {"kind","rows" [],"more"} in the receipt. Borrowed. */
lk_json *lk_run_answer(lk_run *run, const char *kind);

/* Makes the ticket the current one: locks it and reads run->row. */
bool lk_run_enter(lk_run *run, int64_t ticket, GError **error);
const char *lk_run_text(const lk_run *run, const char *column);
lk_status lk_run_status(const lk_run *run);
lk_lang lk_run_language(const lk_run *run);

/* Remembers that the ticket was changed, for the receipt. */
void lk_run_touch(lk_run *run, int64_t ticket);

/* An event on the current ticket; detail (consumed) may be NULL. */
bool lk_run_event(lk_run *run, const char *event, const char *reason, lk_json *detail,
		  GError **error);

/* Puts the column as it is now under its key, in the form that command_change takes. */
void lk_run_keep(const lk_run *run, lk_json *old, const char *key);

/*
 * Changes columns of the current ticket (keys of command_change); what they were becomes a step.
 * Consumes changes.
 */
bool lk_run_change(lk_run *run, lk_json *changes, GError **error);
/* The same with one text. */
bool lk_run_change_text(lk_run *run, const char *key, const char *value, GError **error);

/* Queue, priority, type, organisation, by lk_ticket_change. */
bool lk_run_change_level(lk_run *run, lk_change_what what, const char *value, const char *reason,
			 GError **error);

/* By the table of status x event; a refusal becomes a problem and *ret_ok false. */
bool lk_run_move(lk_run *run, lk_status_event event, const char *reason, lk_time until,
		 bool *ret_ok, GError **error);

/* --- execute-ticket.c ------------------------------------------------------------------------- */

/* Required fields of the queue without a value among fields, in order. Borrowed; caller unrefs. */
GPtrArray *lk_run_missing(const lk_run *run, const lk_json *fields);
/* role: "requester" or "cc". *ret_is_new false: they took part already. */
bool lk_run_add_participant(lk_run *run, int64_t person, const char *role, bool *ret_is_new,
			    GError **error);

/* --- execute-link.c --------------------------------------------------------------------------- */

/* The ticket's parent, 0: none. */
bool lk_run_parent_of(lk_run *run, int64_t ticket, int64_t *ret_parent, GError **error);

/* --- execute-undo.c --------------------------------------------------------------------------- */

/* Adds a step {"do": what, "ticket": current} and gives it for more keys. Borrowed. */
lk_json *lk_run_step(lk_run *run, const char *what);
bool lk_run_undo(lk_run *run, GError **error);

/* What is being taken back. */
typedef struct {
	lk_run *run;
	const lk_json *steps;
	const lk_json *step;
	int64_t ticket;
	lk_time at;    /* of the run */
	GArray *mails; /* int64_t: outbox rows of the run */
	lk_rows *sent; /* those rows, locked; NULL: there are none */
	GPtrArray *left;
} lk_undoing;

/* Runs it; consumes params. */
bool lk_undo_params(lk_undoing *u, lk_query query, lk_params *params, GError **error);
/* Columns of u->ticket, as lk_run_keep gives them. */
bool lk_undo_put_back(lk_undoing *u, const lk_json *values, GError **error);

/* --- execute-undo-mail.c ---------------------------------------------------------------------- */

/* Locks the mails of the run: what has not gone now does not go. */
bool lk_undo_read_mails(lk_undoing *u, GError **error);
/* Cancels them, and says in the receipt which those were and which had gone. */
bool lk_undo_cancel_mails(lk_undoing *u, GError **error);
/* Did a colleague answer the customer of u->ticket after the run? */
bool lk_undo_is_answered(lk_undoing *u, bool *ret_is, GError **error);
/* Of steps: the answer itself, and that it was the first. */
bool lk_undo_said(lk_undoing *u, GError **error);
bool lk_undo_responded(lk_undoing *u, GError **error);

/* --- execute-left.c --------------------------------------------------------------------------- */

/*
 * What #undo does not touch because others changed it after the run: each of a ticket once. what:
 * a column, or the name of an event; value: as it is now, or NULL. All strings are copied.
 */
GPtrArray *lk_left_new(void);
void lk_left_add(GPtrArray *left, int64_t ticket, const char *what, const char *value);
bool lk_left_has(const GPtrArray *left, int64_t ticket, const char *what);
/* Says in the receipt what was left and who changed it after `since`, as far as the agent sees it.
 */
bool lk_left_remark(lk_run *run, const GPtrArray *left, lk_time since, GError **error);

/* --- execute-mail.c --------------------------------------------------------------------------- */

/*
 * The message that holds the text on the current ticket: the mail itself where it is on that
 * ticket, else one made of the text.
 */
bool lk_run_message(lk_run *run, const char *direction, const char *text, int64_t *ret_message,
		    GError **error);

/* The agent's words to the requester and those copied. Consumes more (NULL: none). */
bool lk_run_tell_people(lk_run *run, const char *template_name, const char *text, int64_t message,
			lk_json *more, const char *reason, GError **error);

/*
 * An automatic mail to the requester alone; never on a machine's ticket, nor on one of a mailbox's
 * backlog that nobody has answered. Consumes variables.
 */
bool lk_run_tell_requester(lk_run *run, const char *template_name, lk_json *variables,
			   const char *reason, GError **error);

/* A mail in the outbox as a step and in the receipt. */
bool lk_run_post(lk_run *run, const lk_outbox_mail *mail, GError **error);
/* Does the command (none: an answer) write to people outside, which only a queue that is there can?
 */
bool lk_run_needs_queue(const lk_run *run);

/* The first answer by a person: its clock stops. */
bool lk_run_responded(lk_run *run, int64_t message, GError **error);

/* Did the customer write after what this mail answers? */
bool lk_run_is_stale(lk_run *run, bool *ret_is_stale, GError **error);

/* By name or address; *ret_near: the nearest name, or NULL. */
const lk_supplier *lk_run_find_supplier(const lk_run *run, const char *word, const char **ret_near);

/* The text as an answer to the customer. */
bool lk_run_reply(lk_run *run, GError **error);

/* --- execute-template.c ----------------------------------------------------------------------- */

/* Puts what #template names below the text, before anything is done with it. */
bool lk_run_fill_text(lk_run *run, GError **error);
/* #template: fills nothing by now, or lists what there is. */
bool lk_run_template(lk_run *run, GError **error);

/* --- the commands ----------------------------------------------------------------------------- */

/* On one ticket each; false on errors of the database alone. */
bool lk_run_take(lk_run *run, GError **error);
bool lk_run_assign(lk_run *run, GError **error);
bool lk_run_queue(lk_run *run, GError **error);
bool lk_run_priority(lk_run *run, GError **error);
bool lk_run_type(lk_run *run, GError **error);
bool lk_run_tag(lk_run *run, GError **error);
bool lk_run_field(lk_run *run, GError **error);
bool lk_run_subject(lk_run *run, GError **error);
bool lk_run_cc(lk_run *run, GError **error);
bool lk_run_organisation(lk_run *run, GError **error);
bool lk_run_survey(lk_run *run, GError **error);
bool lk_run_for(lk_run *run, GError **error);
bool lk_run_note(lk_run *run, GError **error);
bool lk_run_wait(lk_run *run, GError **error);
bool lk_run_open(lk_run *run, GError **error);
bool lk_run_resolve(lk_run *run, GError **error);
bool lk_run_reopen(lk_run *run, GError **error);
bool lk_run_close(lk_run *run, GError **error);
bool lk_run_spam(lk_run *run, GError **error);
bool lk_run_merge(lk_run *run, GError **error);
bool lk_run_split(lk_run *run, GError **error);
bool lk_run_link(lk_run *run, GError **error);
bool lk_run_parent(lk_run *run, GError **error);
bool lk_run_supplier(lk_run *run, GError **error);
bool lk_run_ask(lk_run *run, GError **error);
/* On none. */
bool lk_run_next(lk_run *run, GError **error);
bool lk_run_away(lk_run *run, GError **error);
bool lk_run_list(lk_run *run, GError **error);
bool lk_run_history(lk_run *run, GError **error);
bool lk_run_search(lk_run *run, GError **error);
bool lk_run_more(lk_run *run, GError **error);
bool lk_run_help(lk_run *run, GError **error);
bool lk_run_send(lk_run *run, GError **error);
bool lk_run_drop(lk_run *run, GError **error);

/* Takes ownership for the agent, with the event; they serve the queue. */
bool lk_run_set_owner(lk_run *run, const lk_agent *agent, const char *reason, GError **error);

#endif
