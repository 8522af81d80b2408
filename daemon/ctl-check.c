#include "daemon/ctl-check.h"

#include "lib/base/err.h"
#include "lib/base/units.h"
#include "lib/conf/snapshot.h"

#include <stdio.h>
#include <string.h>

static unsigned count_errors(const GPtrArray *problems)
{
	unsigned n = 0;

	for (unsigned i = 0; i < problems->len; i++) {
		const lk_conf_problem *problem = g_ptr_array_index(problems, i);

		n += problem->severity == LK_CONF_IS_ERROR;
	}
	return n;
}

/* An error that begins with its own FILE:LINE goes there, any other to the file as a whole. */
static void find_refusal(const lk_findings *findings, const lk_conf *conf, const char *message)
{
	lk_conf_origin at = {g_ptr_array_index(conf->files, 0), 0};

	for (unsigned i = 0; i < conf->files->len; i++) {
		const char *file = g_ptr_array_index(conf->files, i);
		size_t n = strlen(file);
		g_autofree char *number = NULL;
		int64_t line = 0;

		if (strncmp(message, file, n) != 0 || message[n] != ':')
			continue;
		number = g_strndup(message + n + 1, strspn(message + n + 1, "0123456789"));
		if (!lk_parse_int(number, 1, INT32_MAX, &line, NULL))
			continue;
		at = (lk_conf_origin){file, (int)line};
		message += n + 1 + strlen(number);
		message += strspn(message, ": ");
		break;
	}
	lk_find_error(findings, at, "%s", message);
}

/* What needs the configuration as the desk wants it. */
static void check_desk(lk_ctl *ctl, const lk_ctl_check_options *options,
		       const lk_findings *findings)
{
	g_auto(lk_ctl_desk) desk = {0};
	g_autoptr(GError) refusal = NULL;

	if (!lk_ctl_desk_open(ctl->conf, false, &desk, &refusal)) {
		find_refusal(findings, ctl->conf, refusal->message);
		return;
	}
	lk_ctl_check_templates(&desk, findings);
	lk_ctl_check_tests(&desk, findings);
	if (options->reload && !options->force && count_errors(findings->problems) == 0)
		lk_ctl_check_replay(ctl, &desk, findings);
}

/* What was checked, and not what the files hold when somebody reads them again. */
static void keep(const lk_findings *findings, const lk_conf *conf, const lk_snapshot *snapshot,
		 const char *path)
{
	g_autoptr(GError) error = NULL;

	if (!lk_snapshot_write(snapshot, path, &error))
		find_refusal(findings, conf, error->message);
}

unsigned lk_ctl_check(lk_ctl *ctl, const lk_ctl_check_options *options, GPtrArray **ret_problems)
{
	lk_findings findings = {0};
	GPtrArray *problems = NULL;
	unsigned errors = 0;
	g_autoptr(lk_snapshot) snapshot = lk_snapshot_new();
	bool is_right = lk_conf_check(ctl->config, snapshot, &ctl->conf, ret_problems);

	problems = *ret_problems;
	if (is_right) {
		findings = (lk_findings){ctl->conf->files, problems, NULL};
		check_desk(ctl, options, &findings);
	}
	if (count_errors(problems) == 0 && options->keep != NULL)
		keep(&findings, ctl->conf, snapshot, options->keep);
	errors = count_errors(problems);
	if (errors > 0)
		ctl->status = EX_CONFIG;
	else if (options->connect)
		lk_ctl_connect_all(ctl, options->quiet, options->traced, problems);
	if (errors == 0 && (options->connect || options->reload))
		lk_ctl_check_tickets(ctl, &findings);
	if (ctl->conf != NULL)
		lk_problems_sort(&findings);
	return count_errors(problems);
}

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

bool lk_ctl_run_check(lk_ctl *ctl, GError **error)
{
	bool json = lk_ctl_has(ctl, "json");
	const lk_ctl_check_options options = {.connect = lk_ctl_has(ctl, "connect"),
					      .reload = lk_ctl_has(ctl, "reload"),
					      .force = lk_ctl_has(ctl, "force"),
					      .traced = lk_ctl_value(ctl, "trace"),
					      .keep = lk_ctl_value(ctl, "keep"),
					      .quiet = json};
	g_autoptr(GPtrArray) problems = NULL;

	if (lk_ctl_has(ctl, "auth"))
		return lk_ctl_check_auth(ctl, lk_ctl_value(ctl, "auth"), error);
	if (options.traced && !options.connect) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "--trace shows what --connect says: give both");
		return false;
	}
	unsigned errors = lk_ctl_check(ctl, &options, &problems);

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

const lk_ctl_option lk_ctl_check_options_table[] = {
	{"connect", 0, NULL, "also log in to every server and to the database"},
	{"auth", 0, "FILE",
	 "instead: which Authentication-Results of this mail are believed, and why"},
	{"trace", 0, "MAILBOX",
	 "with --connect: show what this server and we say (\"smtp\": the way out)"},
	{"reload", 0, NULL, "also ask whether a reload of luukkud would change too much"},
	{"force", 0, NULL, "with --reload: whatever it would change"},
	{"keep", 0, "FILE", "write what was checked there, when it has no errors"},
	{"json", 0, NULL, "errors and warnings as one JSON array"},
	{NULL, 0, NULL, NULL},
};
