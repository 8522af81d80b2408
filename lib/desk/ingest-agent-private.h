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
	char *actor; /* "agent:ADDRESS" */
	lk_lang language;
	bool has_files;
} lk_agent_mail;

/* Stored on the ticket as a note, nothing else happens. ticket 0: a control mail on none. */
bool lk_agent_mail_keep(lk_agent_mail *m, int64_t ticket, const char *reason,
			lk_ingest_result *result, GError **error);
/* It shows signs of forgery: kept, not run, told at the address on file. */
bool lk_agent_mail_refuse(lk_agent_mail *m, lk_ingest_result *result, GError **error);
/* Nothing proves its writer: kept, with a link to the address on file that runs it. */
bool lk_agent_mail_hold(lk_agent_mail *m, lk_ingest_result *result, GError **error);
/* Run as written, on the ticket it belongs to or on those it names. */
bool lk_agent_mail_run(lk_agent_mail *m, lk_ingest_result *result, GError **error);
/* A new ticket, then its commands on that. */
bool lk_agent_mail_open(lk_agent_mail *m, lk_ingest_result *result, GError **error);
/* It came by an action link: what was held is run. */
bool lk_agent_mail_confirm(lk_agent_mail *m, lk_ingest_result *result, GError **error);

/* It came by an action link of a digest: what the link says is done. */
bool lk_agent_mail_act(lk_agent_mail *m, lk_ingest_result *result, GError **error);

/* --- ingest-agent-run.c: shared with what runs by a link ----------------------------------------
 */

/* Stores the mail as the agent's; ticket 0: a control mail on none. */
bool lk_agent_mail_store(lk_agent_mail *m, int64_t ticket, const char *reason,
			 lk_ingest_result *result, GError **error);
/* A mail to the agent's address on file. variables borrowed. */
bool lk_agent_mail_tell(lk_agent_mail *m, const char *template_name, int64_t ticket, int64_t cause,
			lk_json *variables, const char *reason, GError **error);

#endif
