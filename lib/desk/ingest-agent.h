/*
 * An agent's mail in the intake: who may act is decided, commands are run as written, a plain reply
 * goes to the customer, and what lacks proof waits for its writer.
 *
 * Mails it queues, by template name and variables (each with "reference" and "subject" where it is
 * about a ticket, agents' mails always in the agent's language):
 *   reply, resolution   to customers: text, agent_name, is_workaround (execute-mail.c)
 *   transfer, waiting   to the requester: queue_title; is_supplier, supplier or is_until, until
 *   consult, supplier   to who is asked: text, agent_name
 *   receipt             to the agent: the json of lk_receipt
 *   command-error       the same with problems; "held" when it was kept
 *   held                to the agent's address on file: reason, kind, words, link, expires, newest
 *   refused             to the agent's address on file: reason, from, date
 */
#ifndef LK_DESK_INGEST_AGENT_H
#define LK_DESK_INGEST_AGENT_H

#include "lib/desk/private.h"

/*
 * Reads action links among the clues, so that threading takes their numbers for no tickets. Before
 * the candidates are loaded.
 */
void lk_work_read_actions(lk_work *work);

/*
 * Called once the mail is decided on and is no control mail. *ret_done false: it is no agent's
 * mail, or one of an agent who writes as a customer; the intake goes on as with any other.
 */
bool lk_work_agent(lk_work *work, lk_ingest_result *result, bool *ret_done, GError **error);

#endif
