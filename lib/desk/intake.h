/* Steps of the intake beside the straight line of ingest.c; shared by its files only. */
#ifndef LK_DESK_INTAKE_H
#define LK_DESK_INTAKE_H

#include "lib/desk/notice.h"
#include "lib/desk/private.h"

/* similar.c: what the words of the mail come to, for threading. Needs work->known. */
void lk_work_read_words(lk_work *work);

/*
 * similar.c: looks up the sender's open tickets where nothing else ties the mail to one, and
 * decides again.
 */
bool lk_work_find_similar(lk_work *work, GError **error);

/*
 * How alike texts and others are, pair by pair, in percent of pg_trgm. Lists of char *, one length,
 * each text of a few kB. GArray of int; caller unrefs.
 */
bool lk_work_alike(lk_work *work, const GPtrArray *texts, const GPtrArray *others,
		   GArray **ret_percents, GError **error);

/*
 * ingest-banner.c: from here on the mail has no banners of the mailbox's gateways in its subject
 * and new words. After the content key: the same mail in two mailboxes stays one.
 */
void lk_work_strip_banners(lk_work *work);

/*
 * chase.c: counts the chase that was just stored, tells owner or managers, answers the customer:
 * "added to TUKI-1042" for a new mail that joined, else how the matter stands, once a day at most.
 */
bool lk_work_chased(lk_work *work, int64_t ticket, int64_t message, GError **error);

/*
 * chase.c: may the writer of this mail be answered by a mail of the desk's? NULL: yes, else why
 * not; caller frees.
 */
char *lk_work_unanswerable(const lk_work *work);

/*
 * vacation.c: the requester's vacation answer, which was just stored, moves reminders and closing
 * past the day that it names.
 */
bool lk_work_vacation(lk_work *work, int64_t ticket, int64_t message, GError **error);

/*
 * status-list.c: answers a mail whose subject asks for the sender's open tickets. *ret_done false:
 * it does not ask.
 */
bool lk_work_status_list(lk_work *work, lk_ingest_result *result, bool *ret_done, GError **error);

/*
 * own.c: makes the reply address by which the sender makes a joined mail a ticket of its own; NULL
 * where addresses take no token. Caller frees.
 */
char *lk_work_apart_address(const lk_work *work, int64_t message, uint8_t epoch);

/* own.c: reads such tokens among the clues as what they stand for. Before load of candidates. */
bool lk_work_read_apart(lk_work *work, GError **error);

/* own.c: takes the mail's earlier message off its ticket, when the mail came to ask for that. */
bool lk_work_apart(lk_work *work, lk_ingest_result *result, bool *ret_done, GError **error);

/*
 * ingest-survey.c: reads the tokens of surveys among the clues as what they stand for: the
 * customer's of the survey's ticket. Before load of candidates.
 */
bool lk_work_read_survey(lk_work *work, GError **error);

/* ingest-survey.c: writes the answer down. *ret_done false: the mail is a message like any other.
 */
bool lk_work_survey(lk_work *work, lk_ingest_result *result, bool *ret_done, GError **error);

/* A stored mail that a person made a ticket. Everything borrowed. */
typedef struct {
	int64_t message;
	const char *actor;
	const char *why;	/* it is a ticket; for people */
	const char *unanswered; /* why nothing answers its sender, or NULL */
	lk_time now;
	lk_json *explained; /* only explain it: its mails are pushed here; or NULL */
} lk_stored_open;

/*
 * ingest-stored.c: makes it a ticket like any other: routed, filled, assigned, its clocks running
 * from when the mail came, its team told. LK_ERR_DATA: it is on one (or there is none of that
 * number).
 */
bool lk_open_stored(lk_db *db, const lk_policy *policy, const lk_stored_open *how,
		    lk_ingest_result *ret_result, GError **error);

/*
 * ingest-forward.c: whose mail an agent forwards; from here on the mail begins with "#for
 * CUSTOMER". After lk_thread_decide.
 */
bool lk_work_read_forward(lk_work *work, GError **error);

/* ingest-forward.c: asks the agent whose mail it was, where that could not be found out. */
bool lk_work_ask_customer(lk_work *work, int64_t ticket, int64_t message, GError **error);

/*
 * mass-find.c: after a new ticket was stored: proposes a mass incident to the managers where far
 * more people than usual name the same thing within a short time.
 */
bool lk_work_mass(lk_work *work, int64_t ticket, GError **error);

/*
 * ingest-notice.c: a mail of the desk's beside acknowledgements and notices: into the outbox, or,
 * when the mail is only explained, into its list of mails.
 */
bool lk_work_send(lk_work *work, const lk_outbox_mail *mail, GError **error);

/*
 * ingest-inside.c: which supplier sent the mail and which references of the supplier's own it
 * names. Before the candidates are loaded.
 */
void lk_work_read_supplier(lk_work *work);

/*
 * ingest-inside.c: after a mail of a supplier or of somebody who was asked was stored: records the
 * supplier's reference, ends the question.
 */
bool lk_work_inside(lk_work *work, int64_t ticket, int64_t message, GError **error);

/*
 * ingest-sent.c: does the mail lie in the folder of sent mail of its mailbox? Sets is_sent and, for
 * the history, who wrote it.
 */
void lk_work_read_sent(lk_work *work);

/* ingest-sent.c: what the desk wrote itself may name any ticket. Before lk_thread_decide. */
void lk_work_trust_sent(lk_work *work);

/*
 * ingest-sent.c: a mail of that folder: the answer on the ticket that it ties to, a note where it
 * went to others, a control mail where it is about none. Nothing of it is sent.
 */
bool lk_work_sent(lk_work *work, lk_ingest_result *result, GError **error);

/* ingest-sent.c: the same mail came by another folder before: there it is the answer now, too. */
bool lk_work_sent_again(lk_work *work, const lk_ingest_result *result, GError **error);

/* ingest-sent.c: the new ticket of a mail that answers one of these shows what is answered. */
bool lk_work_adopt_sent(lk_work *work, int64_t ticket, GError **error);

/* ingest-moved.c: reads the ticket that the mail joins into work->ticket_now. */
bool lk_work_look_at_ticket(lk_work *work, GError **error);

/* ingest-moved.c: the queue that rules move that ticket to, or NULL; its owner after them. */
const lk_queue *lk_work_moved_to(const lk_work *work);
const char *lk_work_owner_after(const lk_work *work);

/*
 * ingest-moved.c: after the rules are carried out: of a ticket that they moved, takes it from an
 * owner who does not serve the queue, and tells the customer.
 */
bool lk_work_moved(lk_work *work, int64_t ticket, int64_t message, GError **error);

/* One team that hears of the mail. */
typedef struct {
	lk_notice notice;
	char *also;	   /* backs notice.also */
	GPtrArray *agents; /* const lk_agent *, deputies in place */
} lk_work_team;
void lk_work_team_free(void *data);

/* ingest-inside.c: of an answer to a question, adds who asked to the ticket's team. */
bool lk_work_add_askers(const lk_work *work, lk_work_team *team, GError **error);

/* ingest-notice.c: who hears of it, after the plan; what explain says of it; the notices. */
bool lk_work_find_teams(lk_work *work, GError **error);
void lk_work_explain_teams(const lk_work *work, lk_json *explain);
/* Adds a mail that would be sent to "mails". */
void lk_explain_mail(lk_json *explain, const char *to, const char *template_name,
		     const char *reason);
bool lk_work_notify(lk_work *work, int64_t ticket, int64_t message, GError **error);

#endif
