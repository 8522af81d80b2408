/*
 * luukkud's state: one struct, changed by one loop. The files: supervise-child.c starts, stops and
 * reaps; supervise-notify.c hears children and systemd; supervise-reload.c takes a new
 * configuration, supervise-needs.c says whom it restarts; supervise-status.c writes
 * run_dir/status.json; supervise-once.c is --once; luukkud.c is main and the loop.
 */
#ifndef LK_DAEMON_SUPERVISE_DESK_H
#define LK_DAEMON_SUPERVISE_DESK_H

#include "daemon/supervise.h"
#include "lib/base/clock.h"
#include "lib/conf/conf.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
	LK_CHILD_SCHED,
	LK_CHILD_SEND,
	LK_CHILD_LMTP,
	LK_CHILD_FETCH,
	LK_CHILD_WEB
} lk_child_kind;

typedef enum {
	LK_CHILD_WAITING, /* starts at start_at_ms */
	LK_CHILD_RUNNING,
	LK_CHILD_STOPPING, /* was told to stop; killed at kill_at_ms */
	LK_CHILD_REFUSED,  /* its configuration is bad: at start_at_ms, or a reload */
	LK_CHILD_ENDED	   /* --once only */
} lk_child_state;

typedef struct {
	lk_child_kind kind;
	char *name;    /* "luukku-fetch ict": for people */
	char *program; /* "luukku-fetch" */
	char *mailbox; /* or NULL */
	int64_t epoch; /* of its lease */
	int number;    /* of several luukku-send */
	int pid;       /* 0: none */
	lk_child_state state;
	lk_history history;
	lk_time since; /* in this state */
	int64_t start_at_ms;
	int64_t kill_at_ms;
	bool is_unwanted;  /* forget it when it has ended */
	char *needs;	   /* lk_child_needs of when it was started */
	char *digest;	   /* of the configuration it says it runs on, or NULL */
	int64_t asked;	   /* the reload in which it was asked to take a newer one */
	char *status;	   /* its own words, or NULL */
	char *error;	   /* or NULL */
	bool is_own_error; /* luukkud's word about its end: READY clears it */
	lk_time last_ok_at;
	int64_t did; /* X_DID since it was started */
	int exit_status;
} lk_child;

typedef struct {
	char *config_file;
	lk_conf *conf;
	char *instance; /* which run of luukkud holds the leases */
	char *host;
	bool is_verbose;
	bool is_once;
	bool is_leasing; /* with is_once: luukku-sched is to take the leases alone */
	bool is_stopping;
	bool is_changed; /* status.json is behind */
	lk_time since;
	GPtrArray *children; /* lk_child * */
	int signal_fd;
	int lock_fd;
	int notify_fd;
	char *notify_path;
	/* A check of a new configuration under way. */
	int check_pid; /* 0: none */
	int check_fd;
	int64_t check_until_ms;
	GString *check_output;
	bool check_again; /* SIGHUP came meanwhile */
	bool check_force; /* ... and one of them wants it whatever it changes */
	/* The configuration in force, and whether all children run on it by now. */
	char *digest;
	int64_t reloads; /* counts */
	int64_t reload_begun_ms;
	bool is_settling;
	int64_t settle_begun_ms; /* by its SIGHUP */
	int64_t settle_until_ms;
} lk_supervisor;

/* supervise-child.c */
GPtrArray *lk_children_new(void);
lk_child *lk_child_add(lk_supervisor *supervisor, lk_child_kind kind, const char *mailbox,
		       int64_t epoch, int number);
lk_child *lk_child_find(const lk_supervisor *supervisor, lk_child_kind kind, const char *mailbox,
			int number);
lk_child *lk_child_by_pid(const lk_supervisor *supervisor, int pid);
void lk_child_start(lk_supervisor *supervisor, lk_child *child);
/* SIGTERM, ten seconds later SIGKILL. is_unwanted stands as the caller has set it. */
void lk_child_stop(lk_supervisor *supervisor, lk_child *child);
/* Reads the ends of all children that have ended and decides about each. */
void lk_child_reap(lk_supervisor *supervisor);
/* Starts and kills what is due; returns the milliseconds until the next, -1 for none. */
int lk_child_tick(lk_supervisor *supervisor);
/* Those that run on every host: luukku-sched, luukku-send, luukku-lmtp, luukku-web. */
void lk_child_add_fixed(lk_supervisor *supervisor);
bool lk_child_any_alive(const lk_supervisor *supervisor);
void lk_child_set_state(lk_supervisor *supervisor, lk_child *child, lk_child_state state);

/* supervise-notify.c */
bool lk_notify_open(lk_supervisor *supervisor, GError **error);
/* Reads what children have said. */
void lk_notify_read(lk_supervisor *supervisor);

/* supervise-reload.c */
/*
 * Starts `luukkuctl check --reload`; its end is found by lk_child_reap. force: the reload may
 * change as much as it wants.
 */
void lk_reload_begin(lk_supervisor *supervisor, bool force);
void lk_reload_read(lk_supervisor *supervisor);
void lk_reload_end(lk_supervisor *supervisor, int wait_status);
/* A child says which configuration it runs on: it is asked to take the one in force. */
void lk_reload_hear(lk_supervisor *supervisor, lk_child *child, const char *digest);
/* Says when all children run on the new configuration, or that it takes too long. */
void lk_reload_settle(lk_supervisor *supervisor);

/* supervise-needs.c */
/* Can it take a changed configuration over while it runs? */
bool lk_child_takes_over(const lk_child *child);
/* Hex digest of all that a child can change only by starting anew. Caller frees. */
char *lk_child_needs(const lk_supervisor *supervisor, const lk_child *child);

/* supervise-status.c */
void lk_status_write(lk_supervisor *supervisor);

/* supervise-once.c */
int lk_once_run(lk_supervisor *supervisor);

/* luukkud.c */
/* Where the checked configuration is kept for the children; caller frees. */
char *lk_supervisor_conf_file(const lk_supervisor *supervisor);

/* Waits for one thing to happen and deals with it. */
void lk_supervisor_wait(lk_supervisor *supervisor, int most_ms);

#endif
