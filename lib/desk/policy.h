/*
 * What the desk needs to know of the configuration, as plain structs. The daemons fill it
 * (daemon/policy.h); nothing in lib/desk reads a file.
 */
#ifndef LK_DESK_POLICY_H
#define LK_DESK_POLICY_H

#include "lib/base/token.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum { LK_LANG_FI, LK_LANG_SV, LK_LANG_EN, LK_N_LANGS } lk_lang;

/* "fi", "sv", "en"; false for any other (NULL included). */
bool lk_lang_parse(const char *code, lk_lang *ret_lang);
const char *lk_lang_code(lk_lang lang);

/* A text of the configuration in each language; a missing one is NULL. */
typedef struct {
	char *in[LK_N_LANGS];
} lk_text;

/* The text in that language, else in the fallback, else any; "" when there is none. Borrowed. */
const char *lk_text_in(const lk_text *text, lk_lang lang, lk_lang fallback);

typedef enum { LK_MACHINE_TICKET, LK_MACHINE_RULE, LK_MACHINE_QUARANTINE } lk_machine_mail;

typedef struct {
	char *field;
	char *pattern;
	lk_text ask;
	char *when; /* "type:incident" or NULL */
} lk_required;

typedef struct {
	char *name;
	lk_text title;
	GPtrArray *addresses; /* char *, folded */
	char *from;	      /* plain address that mail goes out from */
	GPtrArray *agents;    /* char *, folded */
	GPtrArray *managers;  /* char *, folded */
	lk_lang language;
	char *default_type;	/* or NULL */
	char *default_priority; /* "normal" */
	GPtrArray *required;	/* lk_required * */
	bool acknowledge;
	lk_machine_mail machine_mail;
	int64_t reopen_s;
} lk_queue;

typedef struct {
	char *name;
	char *address;	    /* folded */
	GPtrArray *aliases; /* char *, folded */
} lk_agent;

typedef struct {
	char *name;
	GPtrArray *domains;   /* char *, folded */
	GPtrArray *addresses; /* char *, folded */
	char *language;	      /* ISO 639-1, or NULL */
	char *sla;	      /* or NULL */
} lk_organisation;

typedef struct {
	char *name;
	char *queue; /* where a mail goes that names no queue address */
} lk_desk_mailbox;

/* At most `count` mails within `seconds`. */
typedef struct {
	int64_t count;
	int64_t seconds;
} lk_budget;

typedef struct {
	char *site_name;
	char *prefix; /* "TUKI" */
	char *domain;
	lk_lang language;
	bool bilingual[LK_N_LANGS]; /* both texts when a customer's language is not known */
	char *subaddress;	    /* "+" or "" */
	char *envelope_from;
	bool send;		  /* smtp.send */
	bool keep_raw;		  /* database.keep_raw is not "0" */
	GPtrArray *queues;	  /* lk_queue *: first is the fallback of last resort */
	GPtrArray *agents;	  /* lk_agent * */
	GPtrArray *organisations; /* lk_organisation * */
	GPtrArray *mailboxes;	  /* lk_desk_mailbox * */
	GArray *breaker;	  /* lk_budget: per address and ticket */
	lk_keys *keys;		  /* borrowed */
} lk_policy;

lk_policy *lk_policy_new(void);
void lk_policy_free(lk_policy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_policy, lk_policy_free)

enum { LK_DEFAULT_REOPEN_S = 14 * 86400 };

/* Members of the policy's arrays, each with empty lists; the arrays free them. */
lk_queue *lk_queue_new(void);
lk_agent *lk_agent_new(void);
lk_organisation *lk_organisation_new(void);
lk_desk_mailbox *lk_desk_mailbox_new(const char *name, const char *queue);

const lk_queue *lk_policy_queue(const lk_policy *policy, const char *name);
/* The queue that has this address, subaddress ignored; NULL for none. */
const lk_queue *lk_policy_queue_by_address(const lk_policy *policy, const char *address);
/* The agent with this address or alias; NULL for none. */
const lk_agent *lk_policy_agent(const lk_policy *policy, const char *address);
/* By address first, then by the longest matching domain; NULL for none. */
const lk_organisation *lk_policy_organisation(const lk_policy *policy, const char *address);
/* Is it a queue's or the envelope sender's address (subaddress ignored)? */
bool lk_policy_is_own_address(const lk_policy *policy, const char *address);

/* The address folded and without "+detail" of the site's subaddress separator. Caller frees. */
char *lk_policy_plain_address(const lk_policy *policy, const char *address);

/* "TUKI-1042"; caller frees. And back: false when it is not of that form. */
char *lk_reference(const lk_policy *policy, int64_t ticket);
bool lk_reference_parse(const lk_policy *policy, const char *text, int64_t *ret_ticket);

#endif
