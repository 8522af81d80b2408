/*
 * What the configuration names: files, their modes, folders, programs. What could not be read of it
 * is NULL here and was found already.
 */
#include "lib/conf/check.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* linux/magic.h */
#define TMPFS 0x01021994

static void check_readable(const lk_findings *findings, lk_conf_origin at, const char *label,
			   const char *path)
{
	if (path && access(path, R_OK) != 0)
		lk_find_error(findings, at, "%s: cannot read %s: %s", label, path,
			      g_strerror(errno));
}

/* A file with a secret: a plain file, ours alone. */
static void check_private(const lk_findings *findings, lk_conf_origin at, const char *label,
			  const char *path, const char *advice)
{
	struct stat st;

	if (!path)
		return;
	if (lstat(path, &st) != 0) {
		lk_find_error(findings, at, "%s: cannot read %s: %s%s", label, path,
			      g_strerror(errno), advice);
		return;
	}
	if (!S_ISREG(st.st_mode))
		lk_find_error(findings, at, "%s: %s is not a regular file", label, path);
	else if (st.st_mode & (S_IRWXG | S_IRWXO))
		lk_find_error(findings, at,
			      "%s: %s is open to others than its owner (mode %04o): chmod 600 it",
			      label, path, (unsigned)st.st_mode & 07777);
	else
		check_readable(findings, at, label, path);
}

static void check_folder(const lk_findings *findings, lk_conf_origin at, const char *label,
			 const char *path, bool writable)
{
	struct stat st;

	if (!path)
		return;
	if (stat(path, &st) != 0 && writable && errno == ENOENT)
		lk_find_warning(findings, at,
				"%s: there is no %s; luukkud makes it where it is started as root",
				label, path);
	else if (stat(path, &st) != 0)
		lk_find_error(findings, at, "%s: cannot use %s: %s", label, path,
			      g_strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		lk_find_error(findings, at, "%s: %s is not a folder", label, path);
	else if (access(path, writable ? W_OK | X_OK : R_OK | X_OK) != 0)
		lk_find_error(findings, at, "%s: %s is not %s for this user", label, path,
			      writable ? "writable" : "readable");
}

static void check_program(const lk_findings *findings, lk_conf_origin at, const char *label,
			  const char *command)
{
	g_auto(GStrv) words = NULL;
	g_autofree char *found = NULL;

	if (!command || !g_shell_parse_argv(command, NULL, &words, NULL))
		return;
	found = g_find_program_in_path(words[0]);
	if (!found)
		lk_find_error(findings, at, "%s: there is no program %s that could be run", label,
			      words[0]);
}

static void check_secret(const lk_findings *findings, const lk_conf_secret *secret,
			 const char *label)
{
	g_autofree char *file = g_strconcat(label, "_file", NULL);
	g_autofree char *command = g_strconcat(label, "_command", NULL);

	if (secret->form == LK_CONF_SECRET_FILE && secret->where &&
	    !g_str_has_prefix(secret->where, "credential:"))
		check_private(findings, secret->at, file, secret->where, "");
	if (secret->form == LK_CONF_SECRET_COMMAND)
		check_program(findings, secret->at, command, secret->where);
}

/* mailboxes[ict].password and the like. */
static void check_access(const lk_findings *findings, lk_conf_origin at, const char *label,
			 const lk_conf_secret *password, const lk_conf_oauth2 *oauth2,
			 const char *ca_file)
{
	g_autofree char *password_label = g_strconcat(label, ".password", NULL);
	g_autofree char *oauth2_label = g_strconcat(label, ".oauth2.client_secret", NULL);
	g_autofree char *ca_label = g_strconcat(label, ".ca_file", NULL);

	check_secret(findings, password, password_label);
	check_secret(findings, &oauth2->client_secret, oauth2_label);
	if (ca_file)
		check_readable(findings, at, ca_label, ca_file);
}

static void check_spool(const lk_findings *findings, const lk_conf *conf)
{
	struct statfs fs;

	check_folder(findings, conf->site.at, "site.spool_dir", conf->site.spool_dir, true);
	if (conf->site.spool_dir && statfs(conf->site.spool_dir, &fs) == 0 && fs.f_type == TMPFS)
		lk_find_warning(findings, conf->site.at,
				"site.spool_dir: %s is a tmpfs: large mails would fill the memory",
				conf->site.spool_dir);
}

void lk_conf_check_files(const lk_conf *conf, GPtrArray *problems)
{
	const lk_findings findings = {conf->files, problems, NULL};
	lk_conf_origin file = {g_ptr_array_index(conf->files, 0), 0};

	check_private(&findings, conf->site.at, "site.key_file", conf->site.key_file,
		      "; make one with luukkuctl key new");
	check_spool(&findings, conf);
	if (conf->site.alarm_command)
		check_program(&findings, conf->site.at, "site.alarm_command",
			      conf->site.alarm_command);
	if (conf->templates && !g_file_test(conf->templates, G_FILE_TEST_IS_DIR))
		lk_find_warning(
			&findings, file,
			"templates: there is no folder %s; the installed templates are used",
			conf->templates);
	check_access(&findings, conf->smtp.at, "smtp", &conf->smtp.password, &conf->smtp.oauth2,
		     conf->smtp.ca_file);
	check_secret(&findings, &conf->web.board_token, "web.board_token");
	for (unsigned i = 0; i < conf->mailboxes->len; i++) {
		const lk_conf_mailbox *mailbox = g_ptr_array_index(conf->mailboxes, i);
		g_autofree char *label = g_strdup_printf("mailboxes[%s]", mailbox->name);

		check_access(&findings, mailbox->at, label, &mailbox->password, &mailbox->oauth2,
			     mailbox->ca_file);
	}
	for (unsigned i = 0; i < conf->tests->len; i++) {
		const lk_conf_example *example = g_ptr_array_index(conf->tests, i);

		check_readable(&findings, example->at, "tests[].mail", example->mail);
	}
	lk_check_patterns(&findings, conf);
	lk_problems_sort(&findings);
}
