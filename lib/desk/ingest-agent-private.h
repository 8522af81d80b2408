/* Shared by the files that take agents' mail only. */
#ifndef LK_DESK_INGEST_AGENT_PRIVATE_H
#define LK_DESK_INGEST_AGENT_PRIVATE_H

#include "lib/desk/execute.h"
#include "lib/desk/private.h"

typedef struct {
	lk_work *work;
	const lk_agent *agent;
	const lk_queue *queue; /* of the ticket; NULL: none */
	lk_commands *commands;
	GArray *tokens; /* lk_authority_token */
	lk_authority_decision decision;
	lk_sight sight;	   /* of the mail's ticket */
	bool knows_ticket; /* ... is known to the agent, in sight or from before */
	bool is_over;	   /* ... was closed too long ago for a question's address */
	char *actor;	   /* "agent:ADDRESS" */
	char *requester;   /* of the ticket, or NULL */
	lk_lang language;
	bool has_files;
	bool is_sealed;	   /* about a ticket, and nobody can read it: nothing of it goes anywhere */
	const char *words; /* the mail's new ones, "" when it only quotes; borrowed */
	char *words_below; /* backs them where commands stand below the signature; or NULL */
	bool is_opened;	   /* its text opened a ticket: only its lines are left to be run */
	bool is_made_note; /* its text was made a note for the address it came to */
	int64_t mended;	   /* the refused mail that it mends, in held_command; 0: none */
	int64_t text_from; /* the message of that mail, where the text is that one's; or 0 */
} lk_agent_mail;

/* What becomes of it. */
typedef enum {
	LK_FATE_ANYBODYS,  /* as from a customer */
	LK_FATE_CONSULTED, /* as from somebody who was asked */
	LK_FATE_LINK,	   /* what its action link says */
	LK_FATE_REFUSED,
	LK_FATE_KEPT, /* as a note */
	LK_FATE_HELD,
	LK_FATE_RUN,
	LK_FATE_OPEN /* opens a ticket, then the commands are run on it */
} lk_agent_fate;

/*
 * ingest-agent-explain.c: of a mail that no plan and no rule decides on: the plan and what is kept
 * of it say what happens instead.
 */
void lk_agent_mail_settle(lk_agent_mail *m, lk_agent_fate what);
/* Its lines and the mails that would go out. *ret_done: no more of them than these. */
bool lk_agent_mail_explain(lk_agent_mail *m, lk_agent_fate what, bool *ret_done, GError **error);

/* Can its commands be run without a ticket of the mail's own? */
bool lk_agent_mail_stands_alone(const lk_agent_mail *m);
/* Stored on the ticket as a note, nothing else happens. ticket 0: a control mail on none. */
bool lk_agent_mail_keep(lk_agent_mail *m, int64_t ticket, const char *reason,
			lk_ingest_result *result, GError **error);
/* It shows signs of forgery: kept, not run, told at the address on file. */
bool lk_agent_mail_refuse(lk_agent_mail *m, lk_ingest_result *result, GError **error);
/* Nothing proves its writer: kept, with a link to the address on file that runs it. */
bool lk_agent_mail_hold(lk_agent_mail *m, lk_ingest_result *result, GError **error);
/* Run as written, on the ticket it belongs to or on those it names. */
bool lk_agent_mail_run(lk_agent_mail *m, lk_ingest_result *result, GError **error);
/* Revokes the agent's address of the ticket if the mail that came by it also went to others. */
bool lk_agent_mail_revoke(lk_agent_mail *m, GError **error);
/* A new ticket, then its commands on that. */
bool lk_agent_mail_open(lk_agent_mail *m, lk_ingest_result *result, GError **error);
/* It came by an action link: what was held is run. */
bool lk_agent_mail_confirm(lk_agent_mail *m, lk_ingest_result *result, GError **error);

/* It came by an action link of a digest: what the link says is done. */
bool lk_agent_mail_act(lk_agent_mail *m, lk_ingest_result *result, GError **error);

/* --- ingest-agent-run.c: shared with what runs by a link ----------------------------------------
 */

/* How its writer counts: nobody is an agent without proof. */
lk_writer lk_agent_mail_writer(const lk_agent_mail *m);
/* Customers who have it already by the agent's reply-all. GPtrArray of char *; caller unrefs. */
GPtrArray *lk_agent_mail_reached(const lk_agent_mail *m);
/* Stores the mail as the agent's; ticket 0: a control mail on none. */
bool lk_agent_mail_store(lk_agent_mail *m, int64_t ticket, const char *reason,
			 lk_ingest_result *result, GError **error);
/* A mail to the agent's address on file. variables borrowed. */
bool lk_agent_mail_tell(lk_agent_mail *m, const char *template_name, int64_t ticket, int64_t cause,
			lk_json *variables, const char *reason, GError **error);

/*
 * Did it come to an address for notes, suppliers or those asked, or does it answer such a mail?
 * Then it stays inside, whoever wrote it and whatever proves them.
 */
bool lk_agent_mail_is_inside(const lk_agent_mail *m);
/* Has it words or files for somebody, or a template that brings them? */
bool lk_agent_mail_has_text(const lk_agent_mail *m);
/* What stays inside is a note whatever else it says: "#note" is added where no line says so. */
void lk_agent_mail_make_note(lk_agent_mail *m);
/*
 * desk.md 6: an answer to the error mail mends the refused one. Its right lines and its text are
 * run with the new lines; of two commands of a kind the new one counts, and wrong lines are
 * forgotten.
 */
bool lk_agent_mail_mend(lk_agent_mail *m, GError **error);
/* Its words for later, run as it would be now: "#note" where it keeps inside. Caller frees. */
char *lk_agent_mail_words(const lk_agent_mail *m);
/* The queue of its ticket, else the one it was routed to. */
const lk_queue *lk_agent_mail_queue(const lk_agent_mail *m);
/* When the newest of what the mail answers was written; LK_TIME_NONE: nothing is known. */
bool lk_agent_mail_answered_at(lk_agent_mail *m, lk_time *ret_at, GError **error);
/* Runs commands as the agent; no message of the mail's own: message 0. */
bool lk_agent_mail_execute(lk_agent_mail *m, int64_t ticket, int64_t message, lk_time seen_at,
			   bool is_confirmed, const lk_commands *commands, lk_receipt **ret_receipt,
			   GError **error);
bool lk_agent_mail_send_receipt(lk_agent_mail *m, int64_t ticket, int64_t message,
				const lk_receipt *receipt, GError **error);

/* ingest-agent-held.c: keeps the stored mail for LK_HELD_TIME; kind as in held_command. */
bool lk_agent_mail_add_held(lk_agent_mail *m, int64_t ticket, int64_t message, const char *kind,
			    const char *reason, int64_t *ret_id, GError **error);
/* Where a line of it was wrong: it waits for the line that mends it. */
bool lk_agent_mail_keep_refused(lk_agent_mail *m, int64_t ticket, int64_t message,
				const lk_receipt *receipt, GError **error);
/* The same, and its writer is asked at the address on file. */
bool lk_agent_mail_ask(lk_agent_mail *m, int64_t ticket, int64_t message, const char *kind,
		       const char *reason, GError **error);

#endif
