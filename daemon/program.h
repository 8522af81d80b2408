/*
 * What every child of luukkud does around its work: options, logging, signals, configuration,
 * keys, policy, database, exit status. A program is one lk_program_spec, one run function, and
 *
 *	int main(int argc, char **argv)
 *	{
 *		static const lk_query_group groups[] = { LK_QG_OUTBOX };
 *		static const lk_program_spec spec = { .name = "luukku-send", .role = "luukku_send",
 *			.groups = groups, .n_groups = 1, .run = run };
 *		return lk_program_main(&spec, argc, argv);
 *	}
 */
#ifndef LK_DAEMON_PROGRAM_H
#define LK_DAEMON_PROGRAM_H

#include "lib/conf/conf.h"
#include "lib/db/db.h"
#include "lib/desk/policy.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct lk_program lk_program;

typedef struct {
	const char *name; /* "luukku-send": log prefix, application_name */
	const char *role; /* SET ROLE at connect */
	const lk_query_group *groups;
	unsigned n_groups;
	const GOptionEntry *options; /* of this program alone, NULL-ended; or NULL */
	const char *arguments;	     /* what stands behind the options, for --help; or NULL */
	int n_arguments;	     /* exactly so many */
	int keep_fd;	 /* highest inherited descriptor to keep; 0: the standard ones */
	bool needs_keys; /* load site.key_file; program->keys is NULL otherwise */
	lk_purpose only; /* keep of the keys what verifies this purpose; LK_PURPOSE_NONE: all */
	int statement_timeout_ms; /* of the database; 0: as everybody */
	/* Asked after the options: does it route mail? Without rules it starts sooner. NULL: no. */
	bool (*needs_rules)(void);
	/* The work. Returns true to exit 0; its error is logged and becomes the exit status. */
	bool (*run)(lk_program *program, GError **error);
} lk_program_spec;

/* Public to the run function, which changes nothing in it. */
struct lk_program {
	const lk_program_spec *spec;
	char *config_file;
	char **arguments; /* NULL-terminated */
	char *host;	  /* this host's name */
	char *claimer;	  /* lk_proc_name, for claims */
	/*
	 * As at the start, for as long as it runs: luukkud starts it again when a setting that it
	 * takes from here has changed. All else is in the policy, which lk_program_renew replaces.
	 */
	lk_conf *conf;
	lk_keys *keys; /* or NULL */
	lk_policy *policy;
	char *snapshot;	    /* file of the configuration that luukkud has checked, or NULL */
	char *snapshot_was; /* which of these was read */
	char *digest;	    /* of what was read; luukkud hears it */
	int stop_fd;   /* readable for ever once somebody wants us to stop: every wait has it */
	int reload_fd; /* readable when luukkud has a newer configuration, until lk_program_renew */
	int wake_fd;   /* either of them: for waits between two mails */
	bool once;     /* do what is there, then return */
	bool is_supervised; /* started by luukkud: it hears lk_sd_notify */
};

/*
 * Options -c FILE, --once, -v (debug), --version and the spec's own; lk_sodium_init, log,
 * signals, confinement (daemon/confine.h), configuration (every problem printed as
 * "file:line: message", exit 78), keys, policy, then spec->run. Gives the exit status of main.
 */
int lk_program_main(const lk_program_spec *spec, int argc, char **argv);

/*
 * Between two mails: when luukkud has a newer configuration, takes the policy out of it and says
 * so. The one before is freed, so nothing may hold on to what is in it. Costs a stat(2) when there
 * is nothing new. An error is for giving up: a mail must not be dealt with by rules that are not in
 * force any more.
 */
bool lk_program_renew(lk_program *program, bool *ret_is_new, GError **error);

/* Has somebody asked us to stop? */
bool lk_program_is_stopping(const lk_program *program);

/* Sleeps; false as soon as somebody wants us to stop. */
bool lk_program_pause(const lk_program *program, int64_t ms);

/* The same, over as soon as there is something for lk_program_renew, too. */
bool lk_program_doze(const lk_program *program, int64_t ms);

/*
 * Connects with the spec's role and groups. While the database is away it tries again with
 * backoff (1 s to 30 s), logs the first failure and the return, and says so by lk_sd_notify
 * (X_ERROR). True with *ret_db NULL: asked to stop meanwhile. With --once it gives up after five
 * tries within about five seconds. Anything but LK_ERR_RETRY is returned at once. It may renew the
 * policy while it waits.
 */
bool lk_program_open_db(lk_program *program, lk_db **ret_db, GError **error);

/* One try, no wait. */
bool lk_program_try_db(const lk_program *program, lk_db **ret_db, GError **error);

/*
 * Tells luukkud what goes on; nothing when nobody listens. error: for `luukkuctl status`, NULL
 * clears it. did: how much was done since the last call (0: nothing), which --once of luukkud
 * waits to become 0.
 */
void lk_program_ready(const lk_program *program);
void lk_program_tell_ok(const lk_program *program, int64_t did);
void lk_program_tell_error(const lk_program *program, const GError *error);

#endif
