/*
 * What the desk needs to know of the configuration, as plain structs. The daemons fill it
 * (daemon/policy.h); nothing in lib/desk reads a file.
 */
#ifndef LK_DESK_POLICY_H
#define LK_DESK_POLICY_H

#include "lib/base/calendar.h"
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
typedef enum { LK_NOTIFY_AGENTS, LK_NOTIFY_MANAGERS, LK_NOTIFY_NONE } lk_notify;
typedef enum {
	LK_ASSIGN_NONE,
	LK_ASSIGN_ROUND_ROBIN,
	LK_ASSIGN_LEAST_LOADED,
	LK_ASSIGN_SKILL
} lk_assign;
typedef enum { LK_SURVEY_NONE, LK_SURVEY_RESOLVED, LK_SURVEY_CLOSED } lk_survey_send;
typedef enum { LK_URGENT, LK_HIGH, LK_NORMAL, LK_LOW, LK_N_PRIORITIES } lk_priority;

/* "urgent", "high", "normal", "low"; false for any other (NULL included). */
bool lk_priority_parse(const char *name, lk_priority *ret_priority);
const char *lk_priority_name(lk_priority priority);

/*
 * A stretch of open time of a calendar: "8h" is seconds of open hours, "2d" open days. One of the
 * two is 0; both: none.
 */
typedef struct {
	int64_t seconds;
	int64_t open_days;
} lk_span;

/* For durations that never end ("forever"). */
#define LK_FOREVER INT64_MAX

typedef struct {
	char *field;
	char *pattern;
	lk_text ask;
	char *when; /* "type:incident" or NULL */
} lk_required;

/*
 * One test of a rule, or a junction of them. "all", "any" and "none" have children and no values;
 * the children of any and none are "all" nodes. A leaf holds when any of its values does. Strings
 * of rules are borrowed from lk_policy.strings.
 */
typedef struct {
	const char *file;
	int line;
	const char *name;     /* "subject", "header", ... or "all", "any", "none" */
	const char *argument; /* the header's name, else NULL */
	bool negated;	      /* time = "!office": each of its values */
	GPtrArray *values;    /* const char * */
	GPtrArray *children;  /* lk_rule_test * */
} lk_rule_test;

/* One thing that a rule sets. Strings as above. */
typedef struct {
	const char *file;
	int line;
	const char *name;     /* "queue", "tags", "fields", ... */
	const char *argument; /* the field's name, else NULL */
	GPtrArray *values;    /* const char * */
} lk_rule_set;

typedef struct {
	const char *file;
	int line;
	const char *name;
	bool on_reply;	     /* on replies too, not on new tickets alone */
	lk_rule_test *match; /* an "all"; without children it always holds */
	GPtrArray *set;	     /* lk_rule_set * */
	bool stop;
} lk_rule;

typedef struct {
	lk_survey_send send;
	int64_t delay_s;
	GPtrArray *skip_if; /* char * */
	int64_t every_s;
	int64_t reopen_below;
} lk_survey_policy;

/* A possible mass incident: so many people, within so long, so similar (percent). */
typedef struct {
	int64_t people; /* 0: never */
	int64_t within_s;
	int64_t similarity;
} lk_mass_policy;

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
	char *sla; /* or NULL */
	lk_notify notify;
	lk_assign assign;
	GPtrArray *types; /* char * */
	bool tell_on_transfer;
	bool tell_on_wait;
	lk_span tell_every;
	int64_t close_after_s;	    /* 0: never by itself */
	GArray *customer_reminders; /* lk_span */
	bool close_unanswered;
	int64_t duplicate_window_s; /* 0: never joined */
	bool hold_stale_replies;
	lk_survey_policy survey;
	char *digest;		/* "Mon-Fri 07:45", or NULL */
	GPtrArray *shares_with; /* char *: names of queues */
	lk_mass_policy mass;
	int64_t keep_text_s; /* after closing; LK_FOREVER */
	int64_t keep_attachments_s;
	GPtrArray *rules; /* lk_rule *: after the common ones */
} lk_queue;

typedef struct {
	char *name;
	char *address;	      /* folded */
	GPtrArray *aliases;   /* char *, folded */
	GPtrArray *skills;    /* char * */
	GPtrArray *languages; /* char *, ISO 639-1: count as skills */
} lk_agent;

typedef struct {
	char *name;
	GPtrArray *addresses; /* char *, folded */
	GPtrArray *domains;   /* char *, folded */
	char *reference;      /* pattern of its own references ("/../"), or NULL */
	GArray *remind;	      /* lk_span */
	char *public_name;    /* or NULL: customers are not told who it is */
} lk_supplier;

/* As written; checked by lib/conf. lk_calendar (lib/base/calendar.h) understands it. */
typedef struct {
	char *name;
	char *hours;
	GPtrArray *holidays;   /* char * */
	GPtrArray *short_days; /* char * */
	lk_calendar *made;     /* NULL until hours.h asks for it */
} lk_calendar_text;

typedef struct {
	lk_span respond;
	lk_span resolve;
} lk_sla_target;

/* Targets of one type of ticket, in place of those for all. */
typedef struct {
	char *type;
	lk_priority priority;
	lk_sla_target target;
} lk_sla_typed;

typedef struct {
	char *name;
	char *calendar;
	lk_sla_target targets[LK_N_PRIORITIES];
	GPtrArray *typed;	 /* lk_sla_typed * */
	int64_t warn_at;	 /* percent */
	bool pauses_on_supplier; /* waiting for a supplier stops its clocks, too */
} lk_sla;

typedef struct {
	char *name;
	GPtrArray *domains;   /* char *, folded */
	GPtrArray *addresses; /* char *, folded */
	char *language;	      /* ISO 639-1, or NULL */
	char *sla;	      /* or NULL */
} lk_organisation;

typedef struct {
	char *name;
	char *queue;	      /* where a mail goes that names no queue address */
	GPtrArray *own_lists; /* char *, folded List-Ids of the desk's own groups */
	GPtrArray *strip;     /* char *: text or /pattern/ of gateway banners */
	char *sent;	      /* folder of answers written elsewhere, or NULL */
	int64_t poll_s;	      /* visited about so often */
	bool trust_internal;
} lk_desk_mailbox;

/* At most `count` mails within `seconds`. */
typedef struct {
	int64_t count;
	int64_t seconds;
} lk_budget;

typedef struct {
	char *site_name;
	char *templates_dir; /* of the site's own templates, or NULL */
	char *prefix;	     /* "TUKI" */
	char *domain;
	lk_lang language;
	bool bilingual[LK_N_LANGS]; /* both texts when a customer's language is not known */
	char *subaddress;	    /* "+" or "" */
	char *envelope_from;
	bool send;		   /* smtp.send */
	bool keep_raw;		   /* database.keep_raw is not "0" */
	GPtrArray *queues;	   /* lk_queue *: first is the fallback of last resort */
	GPtrArray *agents;	   /* lk_agent * */
	GPtrArray *organisations;  /* lk_organisation * */
	GPtrArray *mailboxes;	   /* lk_desk_mailbox * */
	GArray *breaker;	   /* lk_budget: per address and ticket */
	GPtrArray *suppliers;	   /* lk_supplier * */
	GPtrArray *calendars;	   /* lk_calendar_text * */
	GPtrArray *slas;	   /* lk_sla * */
	GPtrArray *rules;	   /* lk_rule *: common ones, those of rule_files behind */
	GStringChunk *strings;	   /* of the rules */
	struct lk_rules *compiled; /* rules.h: what runs; NULL: no rule runs. Owned */
	char *timezone;
	lk_calendar_text *always; /* every hour open; where no calendar is configured */
	bool senders_verified;
	GPtrArray *admins;	      /* char *, folded */
	GPtrArray *incident_managers; /* char *, folded */
	bool languages[LK_N_LANGS];   /* site.languages */
	bool agent_reports;
	char *alarm_command;	 /* or NULL */
	char *public_url;	 /* of the survey pages, or NULL */
	char *accessibility_url; /* or NULL */
	lk_keys *keys;		 /* borrowed */
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
lk_supplier *lk_supplier_new(void);
lk_calendar_text *lk_calendar_text_new(void);
lk_sla *lk_sla_new(void);
lk_sla_typed *lk_sla_typed_new(const char *type, lk_priority priority);

/* For lk_policy.rules and lk_queue.rules; strings go to policy->strings. */
lk_rule *lk_rule_new(void);
lk_rule_test *lk_rule_test_new(void);
lk_rule_set *lk_rule_set_new(void);
void lk_rule_free(lk_rule *rule);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_rule, lk_rule_free)

const lk_queue *lk_policy_queue(const lk_policy *policy, const char *name);
/* The queue that has this address, subaddress ignored; NULL for none. */
const lk_queue *lk_policy_queue_by_address(const lk_policy *policy, const char *address);
/* The agent with this address or alias; NULL for none. */
const lk_agent *lk_policy_agent(const lk_policy *policy, const char *address);
/* Is it an address of the team: an agent's, a manager's, an admin's? */
bool lk_policy_is_of_team(const lk_policy *policy, const char *address);
const lk_supplier *lk_policy_supplier(const lk_policy *policy, const char *name);
/* The supplier with this address, else with its domain (longest match); NULL for none. */
const lk_supplier *lk_policy_supplier_by_address(const lk_policy *policy, const char *address);
const lk_calendar_text *lk_policy_calendar(const lk_policy *policy, const char *name);
const lk_sla *lk_policy_sla(const lk_policy *policy, const char *name);
const lk_desk_mailbox *lk_policy_mailbox(const lk_policy *policy, const char *name);
/* By address first, then by the longest matching domain; NULL for none. */
const lk_organisation *lk_policy_organisation(const lk_policy *policy, const char *address);
const lk_organisation *lk_policy_organisation_named(const lk_policy *policy, const char *name);
/* Is it a queue's or the envelope sender's address (subaddress ignored)? */
bool lk_policy_is_own_address(const lk_policy *policy, const char *address);

/* The address folded and without "+detail" of the site's subaddress separator. Caller frees. */
char *lk_policy_plain_address(const lk_policy *policy, const char *address);

/* "TUKI-1042"; caller frees. And back: false when it is not of that form. */
char *lk_reference(const lk_policy *policy, int64_t ticket);
bool lk_reference_parse(const lk_policy *policy, const char *text, int64_t *ret_ticket);
/* The same with the prefix alone. */
bool lk_reference_read(const char *prefix, const char *text, int64_t *ret_ticket);

#endif
