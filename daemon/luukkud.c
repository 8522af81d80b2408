/*
 * luukkud: starts the other programs, keeps them running, and takes a new configuration in while
 * they run. It reads no mail, knows no server and no database.
 */
#include "daemon/process.h"
#include "daemon/supervise-desk.h"
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/path.h"
#include "lib/base/sd.h"
#include "lib/base/secret.h"
#include "lib/conf/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

typedef struct {
	char *config_file;
	gboolean foreground;
	gboolean test;
	gboolean once;
	gboolean verbose;
	gboolean version;
	int ready_fd; /* of the process that waits until we run; -1: none */
} options;

static bool read_options(int *argc, char ***argv, options *given, GError **error)
{
	const GOptionEntry entries[] = {
		{"config", 'c', 0, G_OPTION_ARG_FILENAME, &given->config_file, "the configuration",
		 "FILE"},
		{"foreground", 'f', 0, G_OPTION_ARG_NONE, &given->foreground,
		 "stay in the foreground", NULL},
		{"test", 't', 0, G_OPTION_ARG_NONE, &given->test,
		 "check the configuration and exit", NULL},
		{"once", 0, 0, G_OPTION_ARG_NONE, &given->once,
		 "fetch and send everything that is due, then exit", NULL},
		{"verbose", 'v', 0, G_OPTION_ARG_NONE, &given->verbose, "log more", NULL},
		{"version", 0, 0, G_OPTION_ARG_NONE, &given->version, "print the version", NULL},
		{"ready-fd", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_INT, &given->ready_fd, NULL,
		 NULL},
		{0},
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, error))
		return false;
	if (*argc > 1) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "usage: luukkud [-c FILE] [-f] [-t] [--once] [-v]");
		return false;
	}
	return true;
}

/* --- becoming the user --------------------------------------------------------------------- */

/* As root only: the folders that the user could not make for itself. */
static bool make_folder(const char *path, const struct passwd *user, GError **error)
{
	struct stat at;

	if (lstat(path, &at) == 0)
		return true;
	if (g_mkdir_with_parents(path, 0755) != 0 || chown(path, user->pw_uid, user->pw_gid) != 0) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG, "%s cannot be made: %s", path,
			    g_strerror(errno));
		return false;
	}
	return true;
}

static bool become_user(const lk_conf *conf, GError **error)
{
	const char *name = conf->site.user;
	struct passwd *user = name != NULL ? getpwnam(name) : NULL;

	if (getuid() != 0 && geteuid() != 0)
		return true;
	if (name != NULL && user == NULL) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "%s:%d: there is no user \"%s\"; make it with `useradd --system %s`, "
			    "or set site.user",
			    conf->site.at.file, conf->site.at.line, name, name);
		return false;
	}
	if (user == NULL || user->pw_uid == 0) {
		lk_warning("start.root", "advice=\"set site.user to a user without rights\"");
		return true;
	}
	if (!make_folder(conf->site.run_dir, user, error) ||
	    !make_folder(conf->site.spool_dir, user, error))
		return false;
	if (initgroups(name, user->pw_gid) != 0 ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0 || setuid(0) == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "root cannot become the user \"%s\": %s", name, g_strerror(errno));
		return false;
	}
	return true;
}

/* --- one luukkud a run_dir ----------------------------------------------------------------- */

/* The lock lives as long as this process; the number in the file is for people and scripts. */
static bool take_lock(lk_supervisor *supervisor, GError **error)
{
	const char *run_dir = supervisor->conf->site.run_dir;
	g_autofree char *path = g_build_filename(run_dir, "luukkud.pid", NULL);
	g_autofree char *number = g_strdup_printf("%d\n", (int)getpid());

	if (g_mkdir_with_parents(run_dir, 0755) != 0) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "site.run_dir %s cannot be made: %s; make it and give it to the user "
			    "that luukkud runs as",
			    run_dir, g_strerror(errno));
		return false;
	}
	supervisor->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (supervisor->lock_fd < 0) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "%s cannot be opened: %s; site.run_dir must belong to the user that "
			    "luukkud runs as",
			    path, g_strerror(errno));
		return false;
	}
	if (flock(supervisor->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		g_autoptr(GString) other = NULL;

		(void)lk_read_file(path, 32, &other, NULL);
		g_set_error(error, LK_ERROR, LK_ERR_RETRY,
			    "luukkud is already running here (pid %s, run_dir %s); stop it, or "
			    "give this one a site.run_dir of its own",
			    other != NULL ? g_strstrip(other->str) : "unknown", run_dir);
		return false;
	}
	if (ftruncate(supervisor->lock_fd, 0) != 0 ||
	    !lk_write_all(supervisor->lock_fd, number, strlen(number), NULL)) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY, "%s cannot be written: %s", path,
			    g_strerror(errno));
		return false;
	}
	return true;
}

/* --- the loop ------------------------------------------------------------------------------ */

static void open_signals(lk_supervisor *supervisor)
{
	static const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < G_N_ELEMENTS(wanted); i++)
		sigaddset(&set, wanted[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	supervisor->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	g_assert(supervisor->signal_fd >= 0);
}

static void begin_stop(lk_supervisor *supervisor, unsigned signo)
{
	if (supervisor->is_stopping)
		return;
	supervisor->is_stopping = true;
	(void)lk_sd_notify("STOPPING=1\nSTATUS=stopping\n");
	lk_info("stop.begins", "signal=%u", signo);
	for (unsigned i = 0; i < supervisor->children->len; i++)
		lk_child_stop(supervisor, g_ptr_array_index(supervisor->children, i));
}

static void read_signals(lk_supervisor *supervisor)
{
	struct signalfd_siginfo signal;

	while (read(supervisor->signal_fd, &signal, sizeof signal) == sizeof signal) {
		switch (signal.ssi_signo) {
		case SIGHUP:
			if (!supervisor->is_stopping && !supervisor->is_once)
				lk_reload_begin(supervisor,
						signal.ssi_code == SI_QUEUE &&
							signal.ssi_int == LK_RELOAD_FORCE);
			break;
		case SIGTERM:
		case SIGINT:
			begin_stop(supervisor, signal.ssi_signo);
			break;
		default: /* SIGCHLD: the loop reaps on every turn */
			break;
		}
	}
}

static int sooner(int a, int b)
{
	return a < 0 ? b : b < 0 ? a : MIN(a, b);
}

void lk_supervisor_wait(lk_supervisor *supervisor, int most_ms)
{
	struct pollfd watch[] = {
		{.fd = supervisor->signal_fd, .events = POLLIN},
		{.fd = supervisor->notify_fd, .events = POLLIN},
		{.fd = supervisor->check_pid != 0 ? supervisor->check_fd : -1, .events = POLLIN},
	};
	int wait_ms = sooner(lk_child_tick(supervisor), most_ms);

	if (supervisor->is_changed)
		lk_status_write(supervisor);
	if (supervisor->check_pid != 0)
		wait_ms = sooner(wait_ms,
				 (int)MAX(supervisor->check_until_ms - lk_monotonic_ms(), 0));
	if (supervisor->is_settling)
		wait_ms = sooner(wait_ms,
				 (int)MAX(supervisor->settle_until_ms - lk_monotonic_ms(), 0));
	(void)poll(watch, G_N_ELEMENTS(watch), wait_ms);
	lk_notify_read(supervisor);
	if (watch[2].revents != 0)
		lk_reload_read(supervisor);
	read_signals(supervisor);
	lk_child_reap(supervisor);
	lk_reload_settle(supervisor);
	if (supervisor->check_pid != 0 && lk_monotonic_ms() >= supervisor->check_until_ms) {
		(void)kill(supervisor->check_pid, SIGKILL);
		supervisor->check_until_ms = lk_monotonic_ms() + 1000;
	}
}

static void run(lk_supervisor *supervisor, int ready_fd)
{
	int watchdog_ms = lk_sd_watchdog_ms();

	lk_child_add_fixed(supervisor);
	(void)lk_child_tick(supervisor);
	lk_status_write(supervisor);
	(void)lk_sd_notify("READY=1\nSTATUS=running\n");
	if (ready_fd >= 0) {
		(void)lk_write_all(ready_fd, "", 1, NULL);
		(void)close(ready_fd);
	}
	lk_info("start.done", "version=%s instance=%s", LUUKKU_VERSION, supervisor->instance);
	while (!supervisor->is_stopping || lk_child_any_alive(supervisor)) {
		if (watchdog_ms > 0)
			(void)lk_sd_notify("WATCHDOG=1\n");
		lk_supervisor_wait(supervisor, watchdog_ms > 0 ? watchdog_ms : 60000);
	}
	lk_info("stop.done", "version=%s", LUUKKU_VERSION);
}

/* --- start --------------------------------------------------------------------------------- */

static bool load_conf(const char *path, lk_snapshot *snapshot, lk_conf **ret_conf, GError **error)
{
	g_autoptr(GPtrArray) problems = NULL;
	bool is_good = lk_conf_load_with(path, snapshot, ret_conf, &problems);

	for (unsigned i = 0; !is_good && i < problems->len; i++) {
		g_autofree char *line = lk_conf_problem_format(g_ptr_array_index(problems, i));

		fprintf(stderr, "%s\n", line);
	}
	if (!is_good)
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG, "%s has errors; nothing was started",
			    path);
	return is_good;
}

/* Becomes `luukkuctl check`. */
static int test(const char *config_file)
{
	g_autofree char *program = lk_program_path("luukkuctl");

	(void)execl(program, program, "-c", config_file, "check", (char *)NULL);
	fprintf(stderr, "luukkud: %s cannot be executed: %s\n", program, g_strerror(errno));
	return EX_UNAVAILABLE;
}

/*
 * Into the background: the same program again with -f in a session of its own. We stay until it
 * runs, so that a script sees a failed start.
 */
static int daemonise(const options *given)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	const char *const argv[] = {
		self, "-f", "--ready-fd=3", "-c", given->config_file, given->verbose ? "-v" : NULL,
		NULL};
	g_autoptr(GError) error = NULL;
	lk_spawn spawn = {.argv = argv, .out_fd = -1, .new_session = true};
	int ends[2], pid, status = 0;
	char byte;

	if (self == NULL || pipe2(ends, O_CLOEXEC) != 0) {
		fprintf(stderr, "luukkud: cannot go to the background: %s\n", g_strerror(errno));
		return EX_OSERR;
	}
	spawn.extra_fd = ends[1];
	if (!lk_process_spawn(&spawn, &pid, &error)) {
		fprintf(stderr, "luukkud: %s\n", error->message);
		return EX_TEMPFAIL;
	}
	(void)close(ends[1]);
	if (read(ends[0], &byte, 1) == 1)
		return 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

char *lk_supervisor_conf_file(const lk_supervisor *supervisor)
{
	return g_build_filename(supervisor->conf->site.run_dir, "configuration", NULL);
}

static bool start(lk_supervisor *supervisor, GError **error)
{
	g_autoptr(lk_snapshot) snapshot = lk_snapshot_new();
	g_autoptr(lk_snapshot) written = NULL;
	g_autoptr(lk_conf) whole = NULL;
	g_autofree char *kept = NULL;

	if (!load_conf(supervisor->config_file, snapshot, &supervisor->conf, error))
		return false;
	if (!take_lock(supervisor, error))
		return false;
	kept = lk_supervisor_conf_file(supervisor);
	if (!lk_snapshot_write(snapshot, kept, error))
		return false;
	supervisor->digest = lk_snapshot_digest(snapshot);
	/* The rules are right; from here on they are the children's. */
	whole = g_steal_pointer(&supervisor->conf);
	if (!lk_snapshot_open(kept, &written, error) ||
	    !lk_conf_open_ruleless(supervisor->config_file, written, &supervisor->conf, error))
		return false;
	open_signals(supervisor);
	return lk_notify_open(supervisor, error);
}

static void finish(lk_supervisor *supervisor)
{
	if (supervisor->notify_fd >= 0) {
		(void)unlink(supervisor->notify_path);
		(void)close(supervisor->notify_fd);
	}
	/* The pid file stays: removing it would race with a luukkud that just opened it. */
	if (supervisor->lock_fd >= 0)
		(void)close(supervisor->lock_fd);
	if (supervisor->signal_fd >= 0)
		(void)close(supervisor->signal_fd);
	g_clear_pointer(&supervisor->children, g_ptr_array_unref);
	g_clear_pointer(&supervisor->conf, lk_conf_free);
	g_free(supervisor->digest);
	g_free(supervisor->notify_path);
	g_free(supervisor->instance);
	g_free(supervisor->host);
}

static int supervise(const options *given)
{
	g_autoptr(GError) error = NULL;
	lk_supervisor supervisor = {
		.config_file = given->config_file,
		.instance = g_uuid_string_random(),
		.host = lk_process_host(),
		.is_verbose = given->verbose,
		.is_once = given->once,
		.since = lk_now(),
		.signal_fd = -1,
		.lock_fd = -1,
		.notify_fd = -1,
		.check_fd = -1,
	};
	int status = 0;

	supervisor.children = lk_children_new();
	/* In the background: no file system is kept from being unmounted. */
	if (given->ready_fd >= 0 && chdir("/") != 0)
		lk_debug("start.chdir", "error=\"%s\"", g_strerror(errno));
	if (!start(&supervisor, &error)) {
		g_autofree char *text = lk_process_error_text(error);

		lk_error("start.refused", "error=\"%s\"", text);
		status = lk_exit_status(error);
	} else if (given->once) {
		status = lk_once_run(&supervisor);
	} else {
		run(&supervisor, given->ready_fd);
	}
	if (supervisor.lock_fd >= 0 && supervisor.notify_fd >= 0)
		lk_status_write(&supervisor);
	finish(&supervisor);
	return status;
}

/* Root becomes site.user before anything else is read. */
static int drop_root(const char *config_file)
{
	g_autoptr(lk_conf) conf = NULL;
	g_autoptr(GError) error = NULL;

	if (geteuid() != 0)
		return 0;
	if (load_conf(config_file, NULL, &conf, &error) && become_user(conf, &error))
		return 0;
	fprintf(stderr, "luukkud: %s\n", error->message);
	return lk_exit_status(error);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	options given = {.ready_fd = -1};
	g_autofree char *config_file = NULL;
	int status;

	lk_sodium_init();
	if (!read_options(&argc, &argv, &given, &error)) {
		fprintf(stderr, "luukkud: %s\n", error->message);
		g_free(given.config_file);
		return EX_USAGE;
	}
	config_file = given.config_file != NULL ? given.config_file : g_strdup(LK_CONFIG_DEFAULT);
	given.config_file = config_file;
	if (given.version) {
		printf("luukkud %s\n", LUUKKU_VERSION);
		return 0;
	}
	lk_log_init("luukkud", given.verbose ? LK_LOG_DEBUG : LK_LOG_INFO);
	(void)umask(027);
	if (given.ready_fd >= 0)
		(void)fcntl(given.ready_fd, F_SETFD, FD_CLOEXEC);
	(void)close_range((unsigned)MAX(given.ready_fd, STDERR_FILENO) + 1, ~0U, 0);
	status = drop_root(config_file);
	if (status != 0)
		return status;
	if (given.test)
		return test(config_file);
	if (!given.foreground && !given.once && g_getenv("NOTIFY_SOCKET") == NULL)
		return daemonise(&given);
	return supervise(&given);
}
