#include "daemon/supervise-desk.h"

#include "daemon/process.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/path.h"
#include "lib/base/sd.h"
#include "lib/base/text.h"
#include "lib/conf/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CHECK_MS = 120000,
	MOST_OUTPUT = 64 * 1024,
	MOST_LINES = 200,
	MOST_FILES = 2000,
	MOST_DEPTH = 5
};

/* --- what a child depends on ----------------------------------------------------------------- */

/* Does this line of lk_conf_print_settings concern the child? */
static bool concerns(const lk_child *child, const char *line)
{
	g_autofree char *own = NULL;

	if (g_str_has_prefix(line, "reload_limit"))
		return false;
	if (child->kind == LK_CHILD_WEB)
		return !g_str_has_prefix(line, "mailboxes[") && !g_str_has_prefix(line, "lmtp.") &&
		       !g_str_has_prefix(line, "smtp.") && !g_str_has_prefix(line, "rules[");
	if (g_str_has_prefix(line, "web."))
		return false;
	switch (child->kind) {
	case LK_CHILD_SCHED:
		return true;
	case LK_CHILD_SEND:
		return !g_str_has_prefix(line, "mailboxes[") && !g_str_has_prefix(line, "lmtp.");
	case LK_CHILD_LMTP:
	case LK_CHILD_FETCH:
	case LK_CHILD_WEB:
		break;
	}
	if (g_str_has_prefix(line, "smtp."))
		return g_str_has_prefix(line, "smtp.send ") ||
		       g_str_has_prefix(line, "smtp.envelope_from ");
	if (child->kind == LK_CHILD_LMTP)
		return true;
	own = g_strdup_printf("mailboxes[%s].", child->mailbox);
	return !g_str_has_prefix(line, "lmtp.") &&
	       (!g_str_has_prefix(line, "mailboxes[") || g_str_has_prefix(line, own));
}

static void add_text(lk_hash *hash, const char *text)
{
	if (text != NULL)
		lk_hash_add(hash, text, strlen(text) + 1);
}

static void add_file(lk_hash *hash, const char *path)
{
	struct stat at;
	g_autofree char *identity = NULL;

	if (stat(path, &at) != 0)
		return;
	identity = g_strdup_printf("%s %ju %jd %jd.%09ld", path, (uintmax_t)at.st_ino,
				   (intmax_t)at.st_size, (intmax_t)at.st_mtim.tv_sec,
				   at.st_mtim.tv_nsec);
	add_text(hash, identity);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The templates: by name, size and time, so that nothing has to be read. */
static void add_tree(lk_hash *hash, const char *path, int depth, int *left)
{
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const char *name;

	add_file(hash, path);
	if (folder == NULL || depth >= MOST_DEPTH)
		return;
	while ((name = g_dir_read_name(folder)) != NULL && (*left)-- > 0)
		g_ptr_array_add(names, g_build_filename(path, name, NULL));
	g_ptr_array_sort(names, compare_names);
	for (unsigned i = 0; i < names->len; i++)
		add_tree(hash, g_ptr_array_index(names, i), depth + 1, left);
}

char *lk_reload_fingerprint(const lk_supervisor *supervisor, const lk_child *child)
{
	const lk_conf *conf = supervisor->conf;
	g_autoptr(lk_hash) hash = lk_hash_new();
	g_autofree char *settings = lk_conf_print_settings(conf, LK_CONF_PRINT_ALL);
	g_auto(GStrv) lines = g_strsplit(settings, "\n", -1);
	g_autofree char *secrets = NULL;
	uint8_t digest[LK_HASH_BYTES];
	int left = MOST_FILES;

	for (char **line = lines; *line != NULL; line++) {
		if (concerns(child, *line))
			add_text(hash, *line);
	}
	/* The lines show where a secret is kept; the sections' digests see a file that changed. */
	secrets = child->kind == LK_CHILD_FETCH
			  ? lk_conf_section_hash(conf, "mailboxes", child->mailbox)
		  : child->kind == LK_CHILD_SEND ? lk_conf_section_hash(conf, "smtp", NULL)
		  : child->kind == LK_CHILD_WEB	 ? lk_conf_section_hash(conf, "web", NULL)
						 : NULL;
	add_text(hash, secrets);
	add_file(hash, conf->site.key_file);
	if ((child->kind == LK_CHILD_SEND || child->kind == LK_CHILD_WEB) &&
	    conf->templates != NULL)
		add_tree(hash, conf->templates, 0, &left);
	lk_hash_end(hash, digest);
	return lk_hex(digest, sizeof digest);
}

/* --- a configuration that was found good ------------------------------------------------------ */

/* Has the configuration no place for this child any more? */
static bool is_gone(const lk_supervisor *supervisor, const lk_child *child)
{
	const lk_conf_mailbox *mailbox;

	switch (child->kind) {
	case LK_CHILD_SEND:
		return !supervisor->conf->smtp.send ||
		       child->number > supervisor->conf->smtp.connections;
	case LK_CHILD_FETCH:
		mailbox = lk_conf_find_mailbox(supervisor->conf, child->mailbox);
		return mailbox == NULL || mailbox->protocol == LK_CONF_NO_SERVER;
	case LK_CHILD_WEB:
		return supervisor->conf->web.listen == NULL &&
		       supervisor->conf->web.internal == NULL;
	case LK_CHILD_SCHED:
	case LK_CHILD_LMTP:
		break;
	}
	return false;
}

static void restart(lk_supervisor *supervisor, lk_child *child)
{
	child->history = (lk_history){.restarts = child->history.restarts};
	g_clear_pointer(&child->error, g_free);
	if (child->pid != 0) {
		lk_child_stop(supervisor, child);
		return;
	}
	child->start_at_ms = lk_monotonic_ms();
	lk_child_set_state(supervisor, child, LK_CHILD_WAITING);
}

static void apply(lk_supervisor *supervisor)
{
	unsigned restarted = 0, kept = 0;

	for (unsigned i = supervisor->children->len; i-- > 0;) {
		lk_child *child = g_ptr_array_index(supervisor->children, i);
		g_autofree char *fingerprint = NULL;

		if (is_gone(supervisor, child)) {
			child->is_unwanted = true;
			lk_info("reload.stops", "child=\"%s\"", child->name);
			if (child->pid != 0)
				lk_child_stop(supervisor, child);
			else
				(void)g_ptr_array_remove_index(supervisor->children, i);
			continue;
		}
		fingerprint = lk_reload_fingerprint(supervisor, child);
		if (child->state == LK_CHILD_RUNNING &&
		    g_strcmp0(fingerprint, child->fingerprint) == 0) {
			kept++;
			continue;
		}
		lk_info("reload.restarts", "child=\"%s\"", child->name);
		restart(supervisor, child);
		restarted++;
	}
	lk_child_add_fixed(supervisor);
	supervisor->is_changed = true;
	lk_info("reload.done", "restarted=%u kept=%u", restarted, kept);
}

static bool needs_restart(const lk_conf *old, const lk_conf *new)
{
	return strcmp(old->site.run_dir, new->site.run_dir) != 0 ||
	       g_strcmp0(old->site.user, new->site.user) != 0;
}

static void take(lk_supervisor *supervisor)
{
	g_autoptr(lk_snapshot) snapshot = lk_snapshot_new();
	g_autofree char *kept = lk_supervisor_conf_file(supervisor);
	g_autoptr(lk_conf) conf = NULL;
	g_autoptr(GError) error = NULL;

	/* Changed between the check and now: the old one stays. */
	if (!lk_conf_open(supervisor->config_file, snapshot, &conf, &error)) {
		lk_error("reload.refused", "error=\"%s\" running=old", error->message);
		return;
	}
	if (needs_restart(supervisor->conf, conf)) {
		lk_error("reload.refused",
			 "error=\"site.run_dir or site.user changed: stop luukkud and start it "
			 "again\" running=old");
		return;
	}
	if (!lk_snapshot_write(snapshot, kept, &error)) {
		lk_error("reload.refused", "error=\"%s\" running=old", error->message);
		return;
	}
	lk_conf_free(supervisor->conf);
	supervisor->conf = g_steal_pointer(&conf);
	apply(supervisor);
}

/* --- the check -------------------------------------------------------------------------------- */

static void say_ready(void)
{
	(void)lk_sd_notify("READY=1\nSTATUS=running\n");
}

void lk_reload_begin(lk_supervisor *supervisor, bool force)
{
	g_autofree char *program = lk_program_path("luukkuctl");
	const char *const argv[] = {program, "-c",	 supervisor->config_file,
				    "check", "--reload", force ? "--force" : NULL,
				    NULL};
	lk_spawn spawn = {.argv = argv, .extra_fd = -1};
	g_autoptr(GError) error = NULL;
	int ends[2];

	if (supervisor->check_pid != 0) {
		supervisor->check_again = true;
		supervisor->check_force |= force;
		return;
	}
	(void)lk_sd_notify("RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=checking the new "
			   "configuration\n",
			   lk_monotonic_ms() * 1000);
	lk_info("reload.begins", "file=\"%s\" force=%d", supervisor->config_file, force);
	if (pipe2(ends, O_CLOEXEC) != 0) {
		lk_error("reload.refused", "error=\"%s\" running=old", g_strerror(errno));
		say_ready();
		return;
	}
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	spawn.out_fd = ends[1];
	if (!lk_process_spawn(&spawn, &supervisor->check_pid, &error)) {
		lk_error("reload.refused", "error=\"%s\" running=old", error->message);
		(void)close(ends[0]);
		(void)close(ends[1]);
		say_ready();
		return;
	}
	(void)close(ends[1]);
	supervisor->check_fd = ends[0];
	supervisor->check_until_ms = lk_monotonic_ms() + CHECK_MS;
	supervisor->check_output = g_string_new(NULL);
}

void lk_reload_read(lk_supervisor *supervisor)
{
	GString *output = supervisor->check_output;

	for (;;) {
		g_autofree char *block = g_malloc(4096);
		ssize_t n = read(supervisor->check_fd, block, 4096);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0) {
			(void)close(supervisor->check_fd);
			supervisor->check_fd = -1;
		}
		if (n <= 0)
			return;
		if (output->len < MOST_OUTPUT)
			g_string_append_len(output, block, n);
	}
}

/* What the check has said: of a good configuration its warnings. */
static void tell_lines(const char *text, bool is_good)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", MOST_LINES);

	for (char **line = lines; *line != NULL; line++) {
		bool is_warning = strstr(*line, ": warning: ") != NULL;

		g_strdelimit(*line, "\"\n", '\'');
		if (is_good && is_warning)
			lk_warning("reload.warning", "line=\"%s\"", *line);
		else if (!is_good && **line != '\0')
			lk_error("reload.problem", "line=\"%s\"", *line);
	}
}

void lk_reload_end(lk_supervisor *supervisor, int wait_status)
{
	g_autofree char *text = NULL;
	bool is_good = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;

	if (supervisor->check_fd >= 0)
		lk_reload_read(supervisor);
	if (supervisor->check_fd >= 0)
		(void)close(supervisor->check_fd);
	supervisor->check_fd = -1;
	supervisor->check_pid = 0;
	text = lk_text_clean(supervisor->check_output->str, supervisor->check_output->len);
	(void)g_string_free(g_steal_pointer(&supervisor->check_output), TRUE);
	tell_lines(text, is_good);
	if (is_good) {
		take(supervisor);
	} else {
		g_autofree char *how = lk_supervise_describe(wait_status);

		lk_error("reload.refused", "error=\"luukkuctl check: %s\" running=old", how);
	}
	say_ready();
	if (supervisor->check_again) {
		bool force = supervisor->check_force;

		supervisor->check_again = false;
		supervisor->check_force = false;
		lk_reload_begin(supervisor, force);
	}
}
