#include "daemon/program.h"

#include "daemon/confine.h"
#include "daemon/policy.h"
#include "daemon/process.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/sd.h"
#include "lib/base/secret.h"
#include "lib/conf/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

enum { ONCE_DB_TRIES = 5 };

/* What the command line says; the strings belong to it. */
typedef struct {
	char *config_file;
	bool once;
	bool version;
	bool verbose;
} options;

static bool read_options(const lk_program_spec *spec, int *argc, char ***argv, options *ret_options,
			 GError **error)
{
	gboolean once = FALSE, version = FALSE, verbose = FALSE;
	const GOptionEntry common[] = {
		{"config", 'c', 0, G_OPTION_ARG_FILENAME, &ret_options->config_file,
		 "the configuration", "FILE"},
		{"once", 0, 0, G_OPTION_ARG_NONE, &once, "do what is there and exit", NULL},
		{"verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, "log more", NULL},
		{"version", 0, 0, G_OPTION_ARG_NONE, &version, "print the version", NULL},
		{0},
	};
	g_autoptr(GOptionContext) context = g_option_context_new(spec->arguments);
	GOptionGroup *group = g_option_group_new("all", "", "", NULL, NULL);

	g_option_group_add_entries(group, common);
	if (spec->options != NULL)
		g_option_group_add_entries(group, spec->options);
	g_option_context_set_main_group(context, group);
	if (!g_option_context_parse(context, argc, argv, error))
		return false;
	ret_options->once = once;
	ret_options->version = version;
	ret_options->verbose = verbose;
	if (!version && *argc - 1 != spec->n_arguments) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE, "usage: %s [-c FILE] [--once] [-v]%s%s",
			    spec->name, spec->arguments != NULL ? " " : "",
			    spec->arguments != NULL ? spec->arguments : "");
		return false;
	}
	return true;
}

/*
 * Under luukkud: what it has checked and kept, whatever became of the files since. By hand: the
 * files. Every problem goes out by itself, in the form that editors jump to.
 */
static bool load_conf(lk_program *program, GError **error)
{
	g_autoptr(GPtrArray) problems = NULL;
	g_autoptr(lk_snapshot) snapshot = NULL;
	const char *kept = g_getenv("LUUKKU_CONF_SNAPSHOT");
	unsigned errors = 0;

	if (kept != NULL && !lk_snapshot_open(kept, &snapshot, error))
		return false;
	if (!lk_conf_load_with(program->config_file, snapshot, &program->conf, &problems)) {
		for (unsigned i = 0; i < problems->len; i++) {
			const lk_conf_problem *problem = g_ptr_array_index(problems, i);
			g_autofree char *line = lk_conf_problem_format(problem);

			errors += problem->severity == LK_CONF_IS_ERROR;
			fprintf(stderr, "%s\n", line);
		}
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "%s has %u error%s; `luukkuctl -c %s check` shows them",
			    program->config_file, errors, errors == 1 ? "" : "s",
			    program->config_file);
		return false;
	}
	return true;
}

static bool load_keys(lk_program *program, GError **error)
{
	const lk_conf_site *site = &program->conf->site;
	lk_purpose only = program->spec->only;
	g_autoptr(lk_keys) all = NULL;

	if (!lk_keys_load(site->key_file, site->domain, &all, error))
		return false;
	program->keys = only != LK_PURPOSE_NONE ? lk_keys_only(all, only) : g_steal_pointer(&all);
	return true;
}

static bool set_up(lk_program *program, GError **error)
{
	if (!load_conf(program, error))
		return false;
	if (program->spec->needs_keys && !load_keys(program, error))
		return false;
	return lk_policy_from_conf(program->conf, program->keys, &program->policy, error);
}

static void tear_down(lk_program *program)
{
	g_clear_pointer(&program->policy, lk_policy_free);
	g_clear_pointer(&program->keys, lk_keys_free);
	g_clear_pointer(&program->conf, lk_conf_free);
	g_clear_pointer(&program->arguments, g_strfreev);
	g_clear_pointer(&program->config_file, g_free);
	g_clear_pointer(&program->host, g_free);
	g_clear_pointer(&program->claimer, g_free);
	if (program->stop_fd >= 0)
		(void)close(program->stop_fd);
}

static int fail(const lk_program *program, const GError *error)
{
	g_autofree char *text = lk_process_error_text(error);

	lk_error("program.failed", "error=\"%s\"", text);
	lk_program_tell_error(program, error);
	return lk_exit_status(error);
}

int lk_program_main(const lk_program_spec *spec, int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	options given = {0};
	lk_program program = {.spec = spec, .stop_fd = -1};
	int status = 0;

	lk_sodium_init();
	if (!read_options(spec, &argc, &argv, &given, &error)) {
		fprintf(stderr, "%s: %s\n", spec->name, error->message);
		g_free(given.config_file);
		return EX_USAGE;
	}
	if (given.version) {
		printf("%s %s\n", spec->name, LUUKKU_VERSION);
		g_free(given.config_file);
		return 0;
	}
	lk_log_init(spec->name, given.verbose ? LK_LOG_DEBUG : LK_LOG_INFO);
	lk_confine(MAX(spec->keep_fd, STDERR_FILENO));
	program.config_file =
		given.config_file != NULL ? given.config_file : g_strdup(LK_CONFIG_DEFAULT);
	program.arguments = g_strdupv(argv + 1);
	program.host = lk_process_host();
	program.claimer = lk_proc_name(program.host);
	program.stop_fd = lk_process_stop_fd();
	program.once = given.once;
	program.is_supervised = g_getenv("LUUKKU_SUPERVISED") != NULL;
	if (!set_up(&program, &error) || !spec->run(&program, &error))
		status = fail(&program, error);
	tear_down(&program);
	return status;
}

bool lk_program_is_stopping(const lk_program *program)
{
	return lk_process_readable(program->stop_fd, 0);
}

bool lk_program_pause(const lk_program *program, int64_t ms)
{
	return !lk_process_readable(program->stop_fd, (int)CLAMP(ms, 0, G_MAXINT));
}

bool lk_program_try_db(const lk_program *program, lk_db **ret_db, GError **error)
{
	const lk_db_options how = {
		.conninfo = program->conf->database.conninfo,
		.program = program->spec->name,
		.role = program->spec->role,
		.groups = program->spec->groups,
		.n_groups = program->spec->n_groups,
	};

	return lk_db_open(&how, ret_db, error);
}

bool lk_program_open_db(const lk_program *program, lk_db **ret_db, GError **error)
{
	lk_backoff backoff = {.first_ms = 1000, .most_ms = program->once ? 1500 : 30000};

	*ret_db = NULL;
	for (int tries = 1;; tries++) {
		g_autoptr(GError) failed = NULL;

		if (lk_program_try_db(program, ret_db, &failed)) {
			if (tries > 1)
				lk_info("db.back", "tries=%d", tries);
			return true;
		}
		if (!lk_err_is(failed, LK_ERR_RETRY) || (program->once && tries >= ONCE_DB_TRIES)) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
		if (tries == 1) {
			g_autofree char *text = lk_process_error_text(failed);

			lk_warning("db.away", "error=\"%s\"", text);
		}
		lk_program_tell_error(program, failed);
		if (!lk_program_pause(program, lk_backoff_next(&backoff)))
			return true;
	}
}

void lk_program_ready(const lk_program *program)
{
	if (program->is_supervised)
		(void)lk_sd_notify("READY=1\n");
}

void lk_program_tell_ok(const lk_program *program, int64_t did)
{
	if (program->is_supervised)
		(void)lk_sd_notify("X_OK=1\nX_ERROR=\nX_DID=%" PRId64 "\n", did);
}

void lk_program_tell_error(const lk_program *program, const GError *error)
{
	g_autofree char *line = NULL;

	if (!program->is_supervised)
		return;
	line = error != NULL ? lk_process_error_text(error) : g_strdup("");
	(void)lk_sd_notify("X_ERROR=%s\n", line);
}
