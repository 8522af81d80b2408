/* Shared by the files of the digests only. */
#ifndef LK_DESK_DIGEST_PRIVATE_H
#define LK_DESK_DIGEST_PRIVATE_H

#include "lib/base/json.h"
#include "lib/desk/digest.h"
#include "lib/desk/picture.h"

/* Lines of one part; who has more looks with #list. */
enum { LK_DIGEST_ROWS = 20 };

/* An action link does what it says for so long. */
#define LK_DIGEST_ACTION_TIME (INT64_C(14) * 86400 * LK_SECOND)

/* Whom one digest is for. Everything borrowed. */
typedef struct {
	lk_picture *picture;
	const lk_agent *agent;
	lk_lang lang;
	GPtrArray *queues; /* const lk_queue *: those that it may tell of */
} lk_reader;

bool lk_reader_sees(const lk_reader *reader, const lk_queue *queue);

/* --- digest-row.c: lines and their links -------------------------------------------------------
 */

/* What a link of a ticket's line does, without anything to type. */
enum {
	LK_DO_TAKE = 1,	   /* #take */
	LK_DO_GIVE = 2,	   /* #assign to whoever has the least */
	LK_DO_RAISE = 4,   /* #priority urgent */
	LK_DO_TELL = 8,	   /* the customer is told that work goes on */
	LK_DO_REMIND = 16, /* the supplier is asked again */
	LK_DO_LATER = 32   /* #wait until in a week */
};

/* The ticket as a line with those links. Caller owns it. */
lk_json *lk_digest_line(const lk_reader *reader, const lk_picture_ticket *ticket, unsigned actions);

/*
 * Adds {"count", "rows", "rest"} under that key when there is any such ticket among the reader's
 * queues; owner: theirs alone, or NULL.
 */
void lk_digest_add_section(const lk_reader *reader, lk_json *out, const char *key,
			   lk_section section, const char *owner, unsigned actions);

/* Links that are about no ticket: a row of the table action each. Everything borrowed. */
typedef struct {
	const char *name; /* "is_release" */
	const char *kind; /* as in the table */
	const lk_queue *queue;
	int64_t target; /* 0: none */
	const char *words;
	const char *to; /* name of the person it is about, or NULL */
} lk_digest_action;

/* Adds the link to the array; nothing where addresses take no token. */
bool lk_digest_add_action(const lk_reader *reader, lk_json *actions, const lk_digest_action *action,
			  GError **error);

/* A mail to somebody, ready to be sent. */
void lk_digest_add_mailto(lk_json *actions, const char *name, const char *address,
			  const char *subject, const char *body);

/* "10.15"; "10:15" in English. Caller frees. */
char *lk_digest_hour(const lk_reader *reader, lk_time at);
/* "ma 23.11.2026". Sets it, or "" for LK_TIME_NONE. */
void lk_digest_set_day(const lk_reader *reader, lk_json *out, const char *key, lk_time at);
void lk_digest_set_title(const lk_reader *reader, lk_json *out, const lk_queue *queue);
/* Name of the agent with that address, else the address; "" for NULL. Borrowed. */
const char *lk_digest_name(const lk_reader *reader, const char *address);

/* The rows that were collected, under that key with their number; nothing when there are none. */
void lk_digest_take_rows(lk_json *out, const char *key, lk_json *rows, int64_t count);

/* --- digest-mails.c: mails that wait for somebody, and trouble ----------------------------------
 */
bool lk_digest_add_mails(const lk_reader *reader, lk_json *out, GError **error);
bool lk_digest_add_trouble(const lk_reader *reader, lk_json *out, GError **error);

/* --- digest-team.c: agents, absences, days ------------------------------------------------------
 */
/* Those who are away, with their open tickets and who stands in. */
bool lk_digest_add_away(const lk_reader *reader, lk_json *out, GError **error);
/* Open and due per agent. */
bool lk_digest_add_load(const lk_reader *reader, lk_json *out, GError **error);
/* In and out since the last day of work, and the week as a chart. */
void lk_digest_add_flow(const lk_reader *reader, lk_json *out);

/* --- digest-agent.c, digest-incident.c ----------------------------------------------------------
 */
/* *ret_variables NULL: there is nothing to tell. */
bool lk_digest_of_agent(const lk_reader *reader, lk_json **ret_variables, GError **error);

/* Puts the mail into the outbox, in the name of the reader's first queue. variables borrowed. */
bool lk_digest_send(const lk_reader *reader, const char *template_name, lk_json *variables,
		    GError **error);
lk_lang lk_digest_language(const lk_policy *policy, const lk_agent *agent);

#endif
