#include "daemon/program.h"

#include "daemon/confine.h"
#include "daemon/policy.h"
#include "daemon/process.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/sd.h"
#include "lib/base/secret.h"
#include "lib/conf/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
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

/* Which file this is: luukkud writes each new one under a new identity. */
static char *snapshot_identity(const lk_program *program)
{
	struct stat at;

	if (program->snapshot == NULL || stat(program->snapshot, &at) != 0)
		return NULL;
	return g_strdup_printf("%ju %ju %jd %jd.%09ld", (uintmax_t)at.st_dev, (uintmax_t)at.st_ino,
			       (intmax_t)at.st_size, (intmax_t)at.st_mtim.tv_sec,
			       at.st_mtim.tv_nsec);
}

/*
 * Under luukkud: what it has checked and kept, whatever became of the files since. By hand: the
 * files. Every problem goes out by itself, in the form that editors jump to.
 */
static bool load_conf(lk_program *program, lk_conf **ret_conf, GError **error)
{
	g_autoptr(GPtrArray) problems = NULL;
	g_autoptr(lk_snapshot) snapshot = NULL;
	bool has_rules = program->spec->needs_rules != NULL && program->spec->needs_rules();
	unsigned errors = 0;

	if (program->snapshot != NULL) {
		g_free(program->snapshot_was);
		/* Before it is read: one that comes in between is found the next time. */
		program->snapshot_was = snapshot_identity(program);
		if (!lk_snapshot_open(program->snapshot, &snapshot, error))
			return false;
		g_free(program->digest);
		program->digest = lk_snapshot_digest(snapshot);
	}
	if (!(has_rules ? lk_conf_load_with : lk_conf_load_ruleless)(program->config_file, snapshot,
								     ret_conf, &problems)) {
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

/* luukkud compares it with what is in force, and asks again where they differ. */
static void tell_digest(const lk_program *program)
{
	if (program->is_supervised && program->digest != NULL)
		(void)lk_sd_notify("X_CONF=%s\n", program->digest);
}

static bool set_up(lk_program *program, GError **error)
{
	if (!load_conf(program, &program->conf, error))
		return false;
	if (program->spec->needs_keys && !load_keys(program, error))
		return false;
	if (!lk_policy_from_conf(program->conf, program->keys, &program->policy, error))
		return false;
	tell_digest(program);
	return true;
}

bool lk_program_renew(lk_program *program, bool *ret_is_new, GError **error)
{
	bool was_asked = lk_process_take_signals(program->reload_fd);
	g_autofree char *identity = snapshot_identity(program);
	g_autoptr(lk_conf) conf = NULL;
	lk_policy *policy = NULL, *old = NULL;
	int64_t begin_ms = lk_monotonic_ms();

	*ret_is_new = false;
	if (identity == NULL || g_strcmp0(identity, program->snapshot_was) == 0) {
		if (was_asked)
			tell_digest(program);
		return true;
	}
	if (!load_conf(program, &conf, error) ||
	    !lk_policy_from_conf(conf, program->keys, &policy, error)) {
		g_clear_pointer(&program->snapshot_was, g_free);
		return false;
	}
	old = program->policy;
	program->policy = policy;
	*ret_is_new = true;
	lk_debug("conf.renewed", "ms=%" PRId64, lk_monotonic_ms() - begin_ms);
	tell_digest(program);
	lk_policy_free(old);
	return true;
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
	g_clear_pointer(&program->snapshot, g_free);
	g_clear_pointer(&program->snapshot_was, g_free);
	g_clear_pointer(&program->digest, g_free);
	lk_close_fd(&program->wake_fd);
	lk_close_fd(&program->reload_fd);
	lk_close_fd(&program->stop_fd);
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
	lk_program program = {.spec = spec, .stop_fd = -1, .reload_fd = -1, .wake_fd = -1};
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
	program.snapshot = g_strdup(g_getenv("LUUKKU_CONF_SNAPSHOT"));
	program.stop_fd = lk_process_stop_fd();
	program.reload_fd = lk_process_reload_fd();
	program.wake_fd = lk_process_either_fd(program.stop_fd, program.reload_fd);
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

bool lk_program_doze(const lk_program *program, int64_t ms)
{
	(void)lk_process_readable(program->wake_fd, (int)CLAMP(ms, 0, G_MAXINT));
	return !lk_program_is_stopping(program);
}

bool lk_program_try_db(const lk_program *program, lk_db **ret_db, GError **error)
{
	const lk_db_options how = {
		.conninfo = program->conf->database.conninfo,
		.program = program->spec->name,
		.role = program->spec->role,
		.groups = program->spec->groups,
		.n_groups = program->spec->n_groups,
		.statement_timeout_ms = program->spec->statement_timeout_ms,
	};

	return lk_db_open(&how, ret_db, error);
}

bool lk_program_open_db(lk_program *program, lk_db **ret_db, GError **error)
{
	lk_backoff backoff = {.first_ms = 1000, .most_ms = program->once ? 1500 : 30000};

	*ret_db = NULL;
	for (int tries = 1;; tries++) {
		g_autoptr(GError) failed = NULL;
		bool is_new = false;

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
		if (!lk_program_doze(program, lk_backoff_next(&backoff)))
			return true;
		if (!lk_program_renew(program, &is_new, error))
			return false;
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
