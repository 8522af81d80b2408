#include "daemon/ctl.h"

#include "lib/base/err.h"
#include "lib/db/migrate.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void print_problems(const GPtrArray *problems, bool json)
{
	lk_json *array = json ? lk_json_array() : NULL;

	for (unsigned i = 0; i < problems->len; i++) {
		const lk_conf_problem *problem = g_ptr_array_index(problems, i);
		g_autofree char *line = NULL;
		lk_json *object = NULL;

		if (!json) {
			line = lk_conf_problem_format(problem);
			fprintf(stderr, "%s\n", line);
			continue;
		}
		object = lk_json_object();
		lk_json_set_text(object, "file", problem->file);
		lk_json_set_int(object, "line", problem->line);
		lk_json_set_text(object, "severity",
				 problem->severity == LK_CONF_IS_ERROR ? "error" : "warning");
		lk_json_set_text(object, "message", problem->message);
		lk_json_push(array, object);
	}
	if (json)
		lk_ctl_print_json(array);
}

static unsigned count_errors(const GPtrArray *problems)
{
	unsigned n = 0;

	for (unsigned i = 0; i < problems->len; i++) {
		const lk_conf_problem *problem = g_ptr_array_index(problems, i);

		n += problem->severity == LK_CONF_IS_ERROR;
	}
	return n;
}

static bool run_check(lk_ctl *ctl, GError **error)
{
	g_autoptr(GPtrArray) problems = NULL;
	bool json = lk_ctl_has(ctl, "json");
	unsigned errors = 0;

	if (lk_conf_load(ctl->config, &ctl->conf, &problems))
		lk_conf_check_files(ctl->conf, problems);
	errors = count_errors(problems);
	if (errors > 0)
		ctl->status = EX_CONFIG;
	else if (lk_ctl_has(ctl, "connect"))
		lk_ctl_connect_all(ctl, json, problems);
	errors = count_errors(problems);
	print_problems(problems, json);
	if (json)
		return true;
	if (errors > 0)
		fprintf(stderr, "luukkuctl: %s: %u error%s\n", ctl->config, errors,
			errors == 1 ? "" : "s");
	else
		printf("configuration OK\n");
	return true;
}

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

static bool run_reload(lk_ctl *ctl, GError **error)
{
	const lk_conf *conf = NULL;
	int64_t pid = 0;

	if (!lk_ctl_conf(ctl, &conf, error)) {
		g_prefix_error(error, "nothing was changed, the running configuration stays: ");
		return false;
	}
	if (!lk_ctl_luukkud(conf, &pid)) {
		ctl->status = EX_UNAVAILABLE;
		g_set_error(error, LK_ERROR, LK_ERR_RETRY,
			    "no luukkud is running here (%s/luukkud.pid); start it, it reads the "
			    "configuration then",
			    conf->site.run_dir);
		return false;
	}
	if (kill((pid_t)pid, SIGHUP) != 0) {
		g_set_error(error, LK_ERROR, errno == EPERM ? LK_ERR_PERMISSION : LK_ERR_RETRY,
			    "luukkud (process %" PRId64 "): %s; be root or the user it runs as",
			    pid, g_strerror(errno));
		return false;
	}
	printf("luukkud (process %" PRId64 ") was asked to reload %s\n", pid, conf->path);
	return true;
}

static const lk_ctl_option check_options[] = {
	{"connect", 0, NULL, "also log in to every server and to the database"},
	{"json", 0, NULL, "errors and warnings as one JSON array"},
	{NULL, 0, NULL, NULL},
};

static const lk_ctl_option migrate_options[] = {
	{"dry-run", 0, NULL, "only say what would be applied"},
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
	 .options = check_options,
	 .run = run_check,
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
	 .run = run_reload,
	 .summary = "have luukkud read its configuration again"},
	{.name = NULL},
};
