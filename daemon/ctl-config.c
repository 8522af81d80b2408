#include "daemon/ctl-check.h"

#include "daemon/supervise.h"
#include "lib/base/err.h"
#include "lib/db/migrate.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void print_progress(const char *name, void *unused)
{
	printf("applying %s\n", name);
	fflush(stdout);
}

/* The owner's connection, which alone may change the schema. */
static bool open_owner(lk_ctl *ctl, lk_db **ret_db, GError **error)
{
	const lk_conf *conf = NULL;
	lk_db_options options = {.program = "luukkuctl migrate", .any_schema = true};
	GError *local = NULL;

	if (!lk_ctl_conf(ctl, &conf, error))
		return false;
	options.conninfo = conf->database.owner_conninfo;
	if (lk_db_open(&options, ret_db, &local))
		return true;
	if (lk_err_is(local, LK_ERR_RETRY))
		ctl->status = EX_UNAVAILABLE;
	g_propagate_prefixed_error(error, local, "database.owner_conninfo: ");
	return false;
}

static bool run_migrate(lk_ctl *ctl, GError **error)
{
	g_autoptr(lk_db) db = NULL;
	g_auto(lk_schema_state) state = {0};
	unsigned pending = 0;

	if (!open_owner(ctl, &db, error) || !lk_schema_inspect(db, &state, error))
		return false;
	pending = state.pending->len;
	if (lk_ctl_has(ctl, "dry-run")) {
		printf("schema %d, this version needs %d\n", state.have, state.need);
		for (unsigned i = 0; i < pending; i++)
			printf("would apply %s\n", (char *)g_ptr_array_index(state.pending, i));
		return true;
	}
	lk_schema_state_clear(&state);
	/* also with nothing pending: roles are looked after, applied migrations compared */
	if (!lk_schema_migrate(db, print_progress, NULL, error) ||
	    !lk_schema_inspect(db, &state, error))
		return false;
	printf("schema %d%s\n", state.have, pending == 0 ? ": nothing to do" : "");
	return true;
}

static bool run_config(lk_ctl *ctl, GError **error)
{
	lk_conf_print_mode mode = LK_CONF_PRINT_ALL;
	const lk_conf *conf = NULL;
	g_autofree char *text = NULL;

	if (lk_ctl_has(ctl, "defaults"))
		mode = LK_CONF_PRINT_DEFAULTS;
	else if (lk_ctl_has(ctl, "diff"))
		mode = LK_CONF_PRINT_DIFF;
	if (mode != LK_CONF_PRINT_DEFAULTS && !lk_ctl_conf(ctl, &conf, error))
		return false;
	text = lk_conf_print_settings(conf, mode);
	fputs(text, stdout);
	return true;
}

/* The check that luukkud makes, so that who asks sees what is wrong. */
static bool check_reload(lk_ctl *ctl, bool force, GError **error)
{
	const lk_ctl_check_options options = {.reload = true, .force = force, .quiet = true};
	g_autoptr(GPtrArray) problems = NULL;

	if (lk_ctl_check(ctl, &options, &problems) == 0)
		return true;
	lk_ctl_print_errors(problems);
	g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
		    "nothing was changed, the running configuration stays: mend what is said above "
		    "(`luukkuctl check` looks again)");
	return false;
}

static bool run_reload(lk_ctl *ctl, GError **error)
{
	bool force = lk_ctl_has(ctl, "force");
	union sigval value = {.sival_int = force ? LK_RELOAD_FORCE : 0};
	int64_t pid = 0;

	if (!check_reload(ctl, force, error))
		return false;
	if (!lk_ctl_luukkud(ctl->conf, &pid)) {
		ctl->status = EX_UNAVAILABLE;
		g_set_error(error, LK_ERROR, LK_ERR_RETRY,
			    "no luukkud is running here (%s/luukkud.pid); start it, it reads the "
			    "configuration then",
			    ctl->conf->site.run_dir);
		return false;
	}
	if (sigqueue((pid_t)pid, SIGHUP, value) != 0) {
		g_set_error(error, LK_ERROR, errno == EPERM ? LK_ERR_PERMISSION : LK_ERR_RETRY,
			    "luukkud (process %" PRId64 "): %s; be root or the user it runs as",
			    pid, g_strerror(errno));
		return false;
	}
	printf("luukkud (process %" PRId64 ") was asked to reload %s\n", pid, ctl->conf->path);
	return true;
}

static const lk_ctl_option migrate_options[] = {
	{"dry-run", 0, NULL, "only say what would be applied"},
	{NULL, 0, NULL, NULL},
};

static const lk_ctl_option reload_options[] = {
	{"force", 0, NULL, "also when more than reload_limit of last week's mail goes another way"},
	{NULL, 0, NULL, NULL},
};

static const lk_ctl_option config_options[] = {
	{"defaults", 0, NULL, "every setting there is with its default"},
	{"diff", 0, NULL, "only settings that differ from their default"},
	{NULL, 0, NULL, NULL},
};

const lk_ctl_command lk_ctl_config_commands[] = {
	{.name = "check",
	 .operands = "",
	 .options = lk_ctl_check_options_table,
	 .run = lk_ctl_run_check,
	 .summary = "all errors and warnings of the configuration, by file and line"},
	{.name = "config",
	 .operands = "",
	 .options = config_options,
	 .run = run_config,
	 .summary = "the settings in force, secrets left out"},
	{.name = "migrate",
	 .operands = "",
	 .options = migrate_options,
	 .run = run_migrate,
	 .summary = "bring the database's schema up to date",
	 .more = "Connects with database.owner_conninfo. Safe to run again; the daemons refuse a "
		 "schema\nolder than they need, so run it before starting a new version."},
	{.name = "reload",
	 .operands = "",
	 .options = reload_options,
	 .run = run_reload,
	 .summary = "have luukkud read its configuration again",
	 .more = "Checks it first, its tests included, and routes last week's mail under it: when "
		 "more than\nreload_limit percent would go another way, --force is needed."},
	{.name = NULL},
};
