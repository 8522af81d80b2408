/*
 * What the commands of luukkuctl share: the command line as it was read, the configuration and the
 * database opened on demand, and output for people. Only luukkuctl is linked with it.
 */
#ifndef LK_CTL_H
#define LK_CTL_H

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/conf/conf.h"
#include "lib/db/db.h"
#include "lib/desk/policy.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <sysexits.h>

typedef struct lk_ctl lk_ctl;

/* An option of one command; a table of them ends with a NULL name. */
typedef struct {
	const char *name;  /* "limit" for --limit */
	char letter;	   /* 'd' for -d; 0: none */
	const char *value; /* what help calls its value; NULL: it takes none */
	const char *help;
} lk_ctl_option;

typedef struct {
	const char *name;     /* "list", or two words: "outbox show" */
	const char *operands; /* as help shows them, or "" */
	unsigned least;	      /* how many operands there must be */
	unsigned most;
	const lk_ctl_option *options; /* NULL: none */
	const char *summary;	      /* one line */
	const char *more;	      /* further lines of its help, or NULL */
	/* NULL: the command reads its command line itself (lk_ctl_parse). */
	bool (*run)(lk_ctl *ctl, GError **error);
} lk_ctl_command;

struct lk_ctl {
	const char *config; /* path of the configuration */
	const lk_ctl_command *command;
	char **operands;
	unsigned n_operands;
	GHashTable *given; /* option name -> value ("" for those without); all borrowed */
	int status;	   /* exit status of a command that did not fail by an error */
	lk_conf *conf;	   /* lk_ctl_conf */
	lk_db *db;	   /* lk_ctl_db */
};

/* The commands of each file; a table ends with a NULL name. */
extern const lk_ctl_command lk_ctl_config_commands[];	    /* ctl-config.c */
extern const lk_ctl_command lk_ctl_key_commands[];	    /* ctl-key.c */
extern const lk_ctl_command lk_ctl_key_file_commands[];	    /* ctl-key-file.c */
extern const lk_ctl_command lk_ctl_deliver_commands[];	    /* ctl-deliver.c */
extern const lk_ctl_command lk_ctl_list_commands[];	    /* ctl-list.c */
extern const lk_ctl_command lk_ctl_show_commands[];	    /* ctl-show.c */
extern const lk_ctl_command lk_ctl_do_commands[];	    /* ctl-do.c */
extern const lk_ctl_command lk_ctl_status_commands[];	    /* ctl-status.c */
extern const lk_ctl_command lk_ctl_trace_commands[];	    /* ctl-trace.c */
extern const lk_ctl_command lk_ctl_outbox_commands[];	    /* ctl-outbox.c */
extern const lk_ctl_command lk_ctl_quarantine_commands[];   /* ctl-quarantine.c */
extern const lk_ctl_command lk_ctl_person_commands[];	    /* ctl-person.c */
extern const lk_ctl_command lk_ctl_organisation_commands[]; /* ctl-organisation.c */
extern const lk_ctl_command lk_ctl_agent_commands[];	    /* ctl-agent.c */
extern const lk_ctl_command lk_ctl_template_commands[];	    /* ctl-template.c */
extern const lk_ctl_command lk_ctl_report_commands[];	    /* ctl-report.c */
extern const lk_ctl_command lk_ctl_trial_commands[];	    /* ctl-report-trial.c */
extern const lk_ctl_command lk_ctl_top_commands[];	    /* ctl-top.c */

/* `luukkuctl parse`: needs no configuration; argv[0] is "parse". Gives the exit status. */
int lk_ctl_parse(int argc, char **argv);

/* The value of an option, NULL when it was not given. Borrowed. */
const char *lk_ctl_value(const lk_ctl *ctl, const char *option);
bool lk_ctl_has(const lk_ctl *ctl, const char *option);

/*
 * The configuration, read once. All its errors go to standard error as `file:line: message`; then
 * the error set here only sums up. LK_ERR_CONFIG.
 */
bool lk_ctl_conf(lk_ctl *ctl, const lk_conf **ret_conf, GError **error);

/*
 * The database with luukkuctl's statements, as role luukku_ctl, opened once. When the server is
 * away the exit status becomes 69. Borrowed.
 */
bool lk_ctl_db(lk_ctl *ctl, lk_db **ret_db, GError **error);
/* The same with the statements of these groups, for a command that opens the database first. */
bool lk_ctl_db_with(lk_ctl *ctl, const lk_query_group *groups, unsigned n_groups, lk_db **ret_db,
		    GError **error);

/*
 * "cli:" and the operating-system user: the one behind sudo, when sudo made us root or the user of
 * the daemons. After lk_ctl_conf. Caller frees.
 */
char *lk_ctl_actor(const lk_ctl *ctl);

/* The ticket that "TUKI-1042", "tuki-1042", "[TUKI-1042]" or "1042" names. LK_ERR_USAGE. */
bool lk_ctl_ticket(lk_ctl *ctl, const char *text, int64_t *ret_ticket, GError **error);

/* "TUKI-1042"; caller frees. */
char *lk_ctl_reference(lk_ctl *ctl, int64_t ticket);

/* A positive number that an operand must be (an outbox or quarantine id). LK_ERR_USAGE. */
bool lk_ctl_id(const char *text, int64_t *ret_id, GError **error);

/* One indented JSON document and a line feed to standard output. Consumes it. */
void lk_ctl_print_json(lk_json *json);

/* Sets a time as the contract writes it, or null. */
void lk_ctl_json_time(lk_json *object, const char *key, lk_time at);

/* A jsonb column as JSON; an empty object when it is null or damaged. */
lk_json *lk_ctl_row_json(const lk_rows *rows, size_t row, const char *column);

/* A jsonb column that holds an array; empty when it is null. */
lk_json *lk_ctl_row_array(const lk_rows *rows, size_t row, const char *column);

/* A text[] column as an array. */
lk_json *lk_ctl_texts_json(const lk_rows *rows, size_t row, const char *column);

/* {"name","address"}; NULL when there is no address. */
lk_json *lk_ctl_person_json(const char *name, const char *address);

/* The keys that `list` and `show` share, of a row of ctl_list or ctl_ticket. */
lk_json *lk_ctl_ticket_json(lk_ctl *ctl, const lk_rows *rows, size_t row);

/* "30d", "2026-03-27" or a full time, as the moment it names. LK_ERR_USAGE. */
bool lk_ctl_since(const char *text, lk_time now, lk_time *ret_since, GError **error);

/* The number behind --limit, or the fallback. LK_ERR_USAGE. */
bool lk_ctl_limit(const lk_ctl *ctl, int64_t fallback, int64_t *ret_limit, GError **error);

/*
 * Logs in to every server and to the database (ctl-connect.c). Says on standard output what works
 * (unless quiet), adds what does not to problems (lk_conf_problem *) and sets ctl->status. traced:
 * the mailbox (or "smtp") whose dialogue is shown on standard error; NULL: none.
 */
void lk_ctl_connect_all(lk_ctl *ctl, bool quiet, const char *traced, GPtrArray *problems);

/* Does a process of that number live? */
bool lk_ctl_process_lives(int64_t pid);

/* `check` (ctl-check.c). */
bool lk_ctl_run_check(lk_ctl *ctl, GError **error);
extern const lk_ctl_option lk_ctl_check_options_table[];

/* `explain` (ctl-explain.c). */
bool lk_ctl_explain(lk_ctl *ctl, GError **error);
extern const lk_ctl_option lk_ctl_explain_options[];

/*
 * A decision, of explain or as it was stored, for people; with_mails: also those that it would send
 * (ctl-explain-out.c).
 */
void lk_ctl_print_explain(const lk_json *explain, bool with_mails);

/* "ict", "printer, vip", "device = PC1", "yes"; "-" for nothing. Caller frees. */
char *lk_ctl_value_text(const lk_json *value);

/* `replay` (ctl-replay.c). */
bool lk_ctl_replay(lk_ctl *ctl, GError **error);
extern const lk_ctl_option lk_ctl_replay_options[];

/* --- configurations beside the one of -c (ctl-running.c) ------------------------------------- */

/* The process that luukkud's pid file names; false when none lives. */
bool lk_ctl_luukkud(const lk_conf *conf, int64_t *ret_pid);

/*
 * The configuration that luukkud has in force, which may be older than the file; after lk_ctl_conf.
 * *ret_conf NULL: no luukkud runs here. An error: it cannot be read by this user.
 */
bool lk_ctl_running(lk_ctl *ctl, lk_conf **ret_conf, GError **error);

/* The errors among the problems to standard error. */
void lk_ctl_print_errors(const GPtrArray *problems);

/* A configuration as the desk wants it. */
typedef struct {
	const lk_conf *conf; /* borrowed */
	lk_conf *own;	     /* what conf is, where it is freed with the rest; or NULL */
	lk_keys *keys;
	lk_policy *policy;
} lk_ctl_desk;

/*
 * Fills a cleared desk. Without needs_keys a key file that this user cannot read stops nothing: no
 * mail then names a ticket by a token.
 */
bool lk_ctl_desk_open(const lk_conf *conf, bool needs_keys, lk_ctl_desk *desk, GError **error);
void lk_ctl_desk_clear(lk_ctl_desk *desk);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lk_ctl_desk, lk_ctl_desk_clear)

/* `save` (ctl-save.c). */
bool lk_ctl_save(lk_ctl *ctl, GError **error);

/* --- output for people (ctl-out.c) ---------------------------------------------------------- */

/* Columns of the terminal, or 0 when standard output is none: then nothing is cut. */
int lk_ctl_width(void);

/* Columns that a text takes on a terminal. */
int lk_ctl_text_width(const char *text);

/*
 * The text without what could control a terminal or turn writing around: controls (but TAB and LF
 * with lines), bidi overrides and the like become U+FFFD. NULL gives "". Caller frees.
 */
char *lk_ctl_printable(const char *text, bool lines);

/* Local time "2026-03-27 15:50", or "-". Caller frees. */
char *lk_ctl_local_time(lk_time at);

/* "12 s", "5 min", "3 h", "2 d". Caller frees. */
char *lk_ctl_span(int64_t seconds);

/* "512 B", "3.4 KiB", ... Caller frees. */
char *lk_ctl_size(int64_t bytes);

/* Rows under headings; the column named `wide` is cut so that the rows fit the terminal. */
typedef struct lk_ctl_table lk_ctl_table;
lk_ctl_table *lk_ctl_table_new(const char *const *headings, unsigned wide);
void lk_ctl_table_free(lk_ctl_table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_ctl_table, lk_ctl_table_free)
/* The next cell, left to right, top to bottom; NULL or "" shows as "-". */
void lk_ctl_table_add(lk_ctl_table *table, const char *cell);
void lk_ctl_table_print(const lk_ctl_table *table);

/* "Name:    value" with the value made printable; nothing for NULL or "". */
void lk_ctl_print_field(const char *name, const char *value);

/* A text of several lines, each indented. */
void lk_ctl_print_text(const char *text, const char *indent);

/*
 * Changes the mail of each number that is given as operand, in one transaction: all of them or,
 * after an error, none. done: what is printed of each.
 */
bool lk_ctl_change_all(lk_ctl *ctl,
		       bool (*change)(lk_db *, int64_t, lk_time, const char *, GError **),
		       const char *done, GError **error);

#endif
