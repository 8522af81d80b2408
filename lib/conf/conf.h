/*
 * The configuration: luukku.conf(5) read into plain structs.
 *
 * After a successful load no list is NULL, every path is absolute, every duration is in seconds
 * and every size in bytes; texts that were left out and have no default are NULL. Everything is
 * owned by the lk_conf and lives as long as it.
 */
#ifndef LK_CONF_CONF_H
#define LK_CONF_CONF_H

#include "lib/base/secret.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A duration written "forever". */
#define LK_CONF_FOREVER INT64_MAX

/* Where an object begins, for messages. */
typedef struct {
	const char *file; /* borrowed from the lk_conf */
	int line;
} lk_conf_origin;

typedef enum { LK_CONF_FI, LK_CONF_SV, LK_CONF_EN, LK_CONF_N_LANGS } lk_conf_lang;
const char *lk_conf_lang_code(lk_conf_lang lang);

/* A text for people; one plain string stands for every language. A missing language is NULL. */
typedef struct {
	char *in[LK_CONF_N_LANGS];
} lk_conf_text;

/* At most count within seconds. */
typedef struct {
	int64_t count;
	int64_t seconds;
} lk_conf_rate;

/*
 * A stretch of open time: "8h" is seconds of open hours, "2d" is open_days (one "w" is five of
 * them). One of the two is 0.
 */
typedef struct {
	int64_t seconds;
	int64_t open_days;
} lk_conf_span;

/* A secret is kept as the way to it, never read while the configuration is. */
typedef enum {
	LK_CONF_SECRET_NONE,
	LK_CONF_SECRET_FILE,	/* where: absolute path or "credential:NAME" */
	LK_CONF_SECRET_COMMAND, /* where: the command */
	LK_CONF_SECRET_SEALED,	/* where: the sealed value */
	LK_CONF_SECRET_PLAIN	/* plain: the secret itself */
} lk_conf_secret_form;

typedef struct {
	lk_conf_origin at;
	lk_conf_secret_form form;
	char *where;
	lk_secret *plain;
	const char *key_file; /* borrowed: site.key_file, which opens sealed values */
} lk_conf_secret;

typedef enum { LK_CONF_TLS_NONE, LK_CONF_TLS_STARTTLS, LK_CONF_TLS_IMPLICIT } lk_conf_tls;
typedef enum {
	LK_CONF_AUTH_NONE,
	LK_CONF_AUTH_PLAIN,
	LK_CONF_AUTH_LOGIN,
	LK_CONF_AUTH_XOAUTH2
} lk_conf_auth;

typedef enum { LK_CONF_GRANT_CLIENT_CREDENTIALS } lk_conf_grant;

typedef struct {
	lk_conf_origin at; /* line 0: not given */
	char *token_url;
	char *client_id;
	lk_conf_secret client_secret;
	int grant; /* lk_conf_grant */
	char *scope;
} lk_conf_oauth2;

typedef struct {
	lk_conf_origin at;
	char *name;
	char *prefix;
	char *domain; /* lower case */
	int language; /* lk_conf_lang */
	char *timezone;
	char *key_file;
	GPtrArray *authserv; /* char *, lower case */
	GPtrArray *relays;   /* char *, lower case */
	bool senders_verified;
	GPtrArray *admins;   /* char *, folded address */
	char *alarm_command; /* or NULL */
	char *user;	     /* or NULL */
	char *run_dir;
	char *spool_dir;
	GPtrArray *languages;	      /* char *: "fi", "sv", "en" */
	GPtrArray *bilingual;	      /* char *: the same, or empty */
	GPtrArray *incident_managers; /* char *, folded address */
	bool agent_reports;
	char *subaddress; /* "+", "-" or "" */
} lk_conf_site;

typedef struct {
	lk_conf_origin at;
	char *conninfo;
	char *owner_conninfo;
	int64_t keep_raw_s; /* LK_CONF_FOREVER; 0: never kept */
} lk_conf_database;

typedef struct {
	lk_conf_origin at;
	char *host; /* name, address, or "/path" of a unix socket; NULL only where send is false */
	int64_t port;
	int tls;  /* lk_conf_tls */
	int auth; /* lk_conf_auth */
	char *user;
	lk_conf_secret password;
	lk_conf_oauth2 oauth2;
	char *envelope_from; /* folded; never NULL */
	char *ca_file;	     /* or NULL: the system's */
	char *pin;	     /* "sha256:HEX" in lower case, or NULL */
	bool send;
	int64_t connections;
	lk_conf_rate rate;
} lk_conf_smtp;

typedef enum { LK_CONF_IMAP, LK_CONF_POP3, LK_CONF_NO_SERVER } lk_conf_protocol;
typedef enum {
	LK_CONF_AFTER_KEEP,
	LK_CONF_AFTER_SEEN,
	LK_CONF_AFTER_DELETE,
	LK_CONF_AFTER_MOVE
} lk_conf_after_kind;

typedef struct {
	lk_conf_after_kind kind;
	char *folder; /* of LK_CONF_AFTER_MOVE, else NULL */
} lk_conf_after;

typedef enum {
	LK_CONF_BACKLOG_SILENT,
	LK_CONF_BACKLOG_LEAVE,
	LK_CONF_BACKLOG_NORMAL
} lk_conf_on_backlog;

typedef struct {
	lk_conf_origin at;
	char *name;
	int protocol; /* lk_conf_protocol */
	char *host;   /* NULL only for LK_CONF_NO_SERVER, as user */
	int64_t port;
	int tls;  /* lk_conf_tls */
	int auth; /* lk_conf_auth */
	char *user;
	lk_conf_secret password;
	lk_conf_oauth2 oauth2;
	GPtrArray *folders; /* char *, UTF-8; at least one for IMAP */
	bool idle;
	int64_t poll_s;
	lk_conf_after after;
	lk_conf_after failed;
	char *sent; /* folder of answers written elsewhere, or NULL */
	char *ca_file;
	char *pin;
	int64_t max_size;
	int64_t backlog_s;
	int on_backlog;	      /* lk_conf_on_backlog */
	GPtrArray *own_lists; /* char *, lower case, without <> */
	bool trust_internal;
	GPtrArray *strip; /* char *: text, or /pattern/ */
} lk_conf_mailbox;

typedef struct {
	lk_conf_origin at;
	char *name;
	char *hours;	     /* as written, checked */
	GPtrArray *holidays; /* char *, as written, checked */
	GPtrArray *short_days;
} lk_conf_calendar;

typedef enum { LK_CONF_URGENT, LK_CONF_HIGH, LK_CONF_NORMAL, LK_CONF_LOW } lk_conf_priority;
const char *lk_conf_priority_name(int priority);

typedef struct {
	lk_conf_origin at;
	int priority; /* lk_conf_priority */
	char *type;   /* of tickets of this type alone; or NULL */
	lk_conf_span respond;
	lk_conf_span resolve;
} lk_conf_target;

typedef struct {
	lk_conf_origin at;
	char *name;
	char *calendar;
	GPtrArray *targets; /* lk_conf_target * */
	int64_t warn_at;    /* percent */
	bool pause_on_supplier;
} lk_conf_sla;

typedef struct {
	lk_conf_origin at;
	char *name;
	GPtrArray *domains;   /* char *, lower case */
	GPtrArray *addresses; /* char *, folded */
	char *sla;	      /* or NULL */
	char *language;	      /* ISO 639-1, or NULL */
} lk_conf_organisation;

typedef struct {
	lk_conf_origin at;
	char *name;
	GPtrArray *addresses; /* char *, folded */
	GPtrArray *domains;   /* char *, lower case */
	char *reference;      /* /pattern/ of its own references, or NULL */
	GArray *remind;	      /* lk_conf_span */
	char *public_name;    /* or NULL: customers are not told who it is */
} lk_conf_supplier;

typedef struct {
	lk_conf_origin at;
	char *name;
	char *address;	      /* folded */
	GPtrArray *aliases;   /* char *, folded */
	GPtrArray *skills;    /* char * */
	GPtrArray *languages; /* char *, ISO 639-1 */
} lk_conf_agent;

typedef enum { LK_CONF_NOTIFY_AGENTS, LK_CONF_NOTIFY_MANAGERS, LK_CONF_NOTIFY_NONE } lk_conf_notify;
typedef enum {
	LK_CONF_ASSIGN_NONE,
	LK_CONF_ASSIGN_ROUND_ROBIN,
	LK_CONF_ASSIGN_LEAST_LOADED,
	LK_CONF_ASSIGN_SKILL
} lk_conf_assign;
typedef enum {
	LK_CONF_MACHINE_TICKET,
	LK_CONF_MACHINE_RULE,
	LK_CONF_MACHINE_QUARANTINE
} lk_conf_machine_mail;

typedef struct {
	lk_conf_origin at;
	char *field;
	char *pattern; /* PCRE2, without slashes */
	lk_conf_text ask;
	char *when; /* "type:NAME", or NULL: always */
} lk_conf_required;

typedef enum {
	LK_CONF_SURVEY_NONE,
	LK_CONF_SURVEY_RESOLVED,
	LK_CONF_SURVEY_CLOSED
} lk_conf_survey_send;

typedef struct {
	lk_conf_origin at;
	int send; /* lk_conf_survey_send */
	int64_t delay_s;
	GPtrArray *skip_if; /* char * */
	int64_t every_s;
	int64_t reopen_below;
} lk_conf_survey;

typedef struct {
	lk_conf_origin at;
	int64_t people; /* 0: never */
	int64_t within_s;
	int64_t similarity; /* percent */
} lk_conf_mass;

typedef struct {
	lk_conf_origin at;
	int64_t text_s; /* LK_CONF_FOREVER */
	int64_t attachments_s;
} lk_conf_retention;

typedef struct {
	lk_conf_origin at;
	char *name;
	lk_conf_text title;
	GPtrArray *addresses; /* char *, folded; at least one */
	char *from;	      /* folded; the first of addresses when left out */
	GPtrArray *agents;    /* char *, folded */
	GPtrArray *managers;  /* char *, folded */
	char *sla;	      /* or NULL */
	int language;	      /* lk_conf_lang */
	int notify;	      /* lk_conf_notify */
	int assign;	      /* lk_conf_assign */
	GPtrArray *types;     /* char * */
	char *default_type;   /* or NULL */
	int default_priority; /* lk_conf_priority */
	GPtrArray *required;  /* lk_conf_required * */
	bool acknowledge;
	int machine_mail; /* lk_conf_machine_mail */
	bool tell_on_transfer;
	bool tell_on_wait;
	lk_conf_span tell_every; /* both 0: never */
	int64_t reopen_s;
	int64_t close_after_s;	    /* 0: never by itself */
	GArray *customer_reminders; /* lk_conf_span */
	bool close_unanswered;
	int64_t duplicate_window_s; /* 0: never joined */
	bool hold_stale_replies;
	lk_conf_survey survey;
	char *digest;		/* "Mon-Fri 07:45", or NULL */
	GPtrArray *shares_with; /* char *: queue names */
	lk_conf_mass mass;
	lk_conf_retention retention;
	GPtrArray *rules; /* lk_conf_rule *: after the common ones */
} lk_conf_queue;

/*
 * One test of a rule, or a junction of them. `all`, `any` and `none` have children and no values;
 * the children of any and none are `all` nodes, one for each { } of their list. A leaf holds when
 * any of its values does. The value is a /pattern/, a glob, or what the test's name says.
 */
typedef struct lk_conf_test lk_conf_test;
struct lk_conf_test {
	lk_conf_origin at;
	char *name;	     /* "subject", "header", ... or "all", "any", "none" */
	char *argument;	     /* the header's name, else NULL */
	bool negated;	     /* time = "!office" */
	GPtrArray *values;   /* char *; "true" and "false" for yes-or-no tests */
	GPtrArray *children; /* lk_conf_test * */
};

/* One thing that a rule sets, or that a test of the configuration expects. */
typedef struct {
	lk_conf_origin at;
	char *name;	   /* "queue", "tags", "fields", ... */
	char *argument;	   /* the field's name, else NULL */
	GPtrArray *values; /* char *; "true" and "false" for yes-or-no settings */
} lk_conf_set;

typedef enum { LK_CONF_ON_NEW, LK_CONF_ON_REPLY } lk_conf_rule_on;

typedef struct {
	lk_conf_origin at;
	char *name;
	int on;		     /* lk_conf_rule_on: on new tickets, or on replies too */
	lk_conf_test *match; /* an `all`; without children it always holds */
	GPtrArray *set;	     /* lk_conf_set * */
	bool stop;
} lk_conf_rule;

/* A mail and what must become of it. */
typedef struct {
	lk_conf_origin at;
	char *mail;	   /* absolute path */
	GPtrArray *expect; /* lk_conf_set * */
} lk_conf_example;

typedef struct {
	lk_conf_origin at;
	char *listen; /* "/path", or "ADDRESS:PORT" */
} lk_conf_lmtp;

typedef struct {
	lk_conf_origin at;
	char *listen; /* "ADDRESS:PORT", or NULL: no survey pages */
	char *public_url;
	char *accessibility_url;
	char *internal; /* "ADDRESS:PORT", or NULL: no board, metrics or health pages */
	lk_conf_secret board_token;
} lk_conf_web;

typedef struct {
	lk_conf_site site;
	lk_conf_database database;
	lk_conf_smtp smtp;
	GPtrArray *mailboxes;	  /* lk_conf_mailbox * */
	GPtrArray *calendars;	  /* lk_conf_calendar * */
	GPtrArray *slas;	  /* lk_conf_sla * */
	GPtrArray *organisations; /* lk_conf_organisation * */
	GPtrArray *suppliers;	  /* lk_conf_supplier * */
	GPtrArray *agents;	  /* lk_conf_agent * */
	GPtrArray *queues;	  /* lk_conf_queue * */
	char *rule_files;	  /* absolute pattern, or NULL */
	GPtrArray *rules;	  /* lk_conf_rule *: those of rule_files behind the file's own */
	GPtrArray *tests;	  /* lk_conf_example * */
	int64_t reload_limit;	  /* percent */
	GArray *breaker;	  /* lk_conf_rate */
	lk_conf_lmtp lmtp;
	lk_conf_web web;
	char *templates; /* absolute path, or NULL: the installed ones alone */

	char *path;	   /* of the file, absolute */
	char *dir;	   /* its folder */
	GPtrArray *files;  /* char *: owner of the origins' names; every file read */
	char *hash;	   /* lk_conf_hash, once it was asked */
	GHashTable *given; /* places of settings that the file gives */
} lk_conf;

typedef enum { LK_CONF_IS_ERROR, LK_CONF_IS_WARNING } lk_conf_severity;

typedef struct {
	char *file; /* as it was named; never NULL */
	int line;   /* 0: the file as a whole */
	lk_conf_severity severity;
	char *message;
} lk_conf_problem;

/*
 * Reads a configuration. ret_problems receives all errors and warnings in the order of file and
 * line, and is always set (lk_conf_problem *, freed with the array). False exactly when there is
 * an error among them; then *ret_conf is not touched. Opens the configuration, its includes and
 * the rule_files, no other file.
 */
bool lk_conf_load(const char *path, lk_conf **ret_conf, GPtrArray **ret_problems);

/*
 * The same, recording into an empty snapshot what is read, or reading from an opened one in place
 * of the files (lib/conf/snapshot.h). NULL: lk_conf_load.
 */
struct lk_snapshot;
bool lk_conf_load_with(const char *path, struct lk_snapshot *snapshot, lk_conf **ret_conf,
		       GPtrArray **ret_problems);

/*
 * The same without any rules and tests, which are nearly all of a large configuration, for a
 * program that routes nothing. What is wrong with them is not seen.
 */
bool lk_conf_load_ruleless(const char *path, struct lk_snapshot *snapshot, lk_conf **ret_conf,
			   GPtrArray **ret_problems);

/*
 * The same with the findings of lk_conf_check_files beside those of the text, for `check`, which
 * tells everything in one run. True when the text is right, whatever was found of files. Records
 * what it reads into the snapshot, unless that is NULL.
 */
bool lk_conf_check(const char *path, struct lk_snapshot *snapshot, lk_conf **ret_conf,
		   GPtrArray **ret_problems);

/*
 * What the configuration would be with a changed file: one that holds rules: ( ... ); and nothing
 * else stands in place of all common rules (rules and rule_files) of path, any other is a whole
 * configuration by itself.
 */
bool lk_conf_load_changed(const char *path, const char *changed, lk_conf **ret_conf,
			  GPtrArray **ret_problems);
void lk_conf_free(lk_conf *conf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_conf, lk_conf_free)

/*
 * The same for a program that only wants to run: the first error, with the number of the others,
 * as LK_ERR_CONFIG.
 */
bool lk_conf_open(const char *path, struct lk_snapshot *snapshot, lk_conf **ret_conf,
		  GError **error);
bool lk_conf_open_ruleless(const char *path, struct lk_snapshot *snapshot, lk_conf **ret_conf,
			   GError **error);

/* "file:line: message", warnings "file:line: warning: message". Caller frees. */
char *lk_conf_problem_format(const lk_conf_problem *problem);

/*
 * Looks at what the configuration names: key, password, certificate files and their modes,
 * folders, programs, test mails. Adds what is wrong to problems (made by lk_conf_load).
 */
void lk_conf_check_files(const lk_conf *conf, GPtrArray *problems);

/* Reads a secret by the one way that is configured. LK_ERR_CONFIG, LK_ERR_RETRY. */
bool lk_conf_secret_read(const lk_conf_secret *secret, lk_secret **ret_secret, GError **error);
bool lk_conf_secret_is_set(const lk_conf_secret *secret);

/* By name (agents by any of their addresses); NULL when there is none. */
const lk_conf_mailbox *lk_conf_find_mailbox(const lk_conf *conf, const char *name);
const lk_conf_queue *lk_conf_find_queue(const lk_conf *conf, const char *name);
const lk_conf_agent *lk_conf_find_agent(const lk_conf *conf, const char *address);

/* Hex digest of every setting, plain secrets left out, comments and layout too. */
const char *lk_conf_hash(lk_conf *conf);

/*
 * Hex digest of one object: ("mailboxes", "ict"), ("queues", "hr"), ("smtp", NULL),
 * ("database", NULL), ... or NULL when it does not exist. Holds plain secrets and the identity
 * (inode, size, mtime) of secret files as they are now, so it changes when a password file is
 * replaced: compare the digest taken when a child was started with one of the reloaded
 * configuration. Not for argv, environment or logs. Caller frees.
 */
char *lk_conf_section_hash(const lk_conf *conf, const char *section, const char *name);

typedef enum {
	LK_CONF_PRINT_ALL,	/* every setting in force */
	LK_CONF_PRINT_DEFAULTS, /* every setting of the grammar with its default; conf may be NULL
				 */
	LK_CONF_PRINT_DIFF,	/* settings whose value is not the default */
	LK_CONF_PRINT_RESTART	/* settings whose change restarts a program */
} lk_conf_print_mode;

/* One setting a line, "mailboxes[ict].poll = "60s"". Plain secrets are not shown. Caller frees. */
char *lk_conf_print_settings(const lk_conf *conf, lk_conf_print_mode mode);

#endif
