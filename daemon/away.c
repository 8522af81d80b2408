#include "daemon/away.h"

#include "daemon/process.h"
#include "lib/base/alarm.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ALARM_AFTER_S = 15 * 60, ALARM_TIMEOUT_MS = 30 * 1000, MOST_BYTES = 100 };

static char *path_of(const lk_program *program, const char *name)
{
	return g_build_filename(program->conf->site.run_dir, name, NULL);
}

static void begin(const char *path)
{
	g_autofree char *since = lk_time_format(lk_now());
	lk_autofd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0 && write(fd, since, strlen(since)) < 0)
		unlink(path);
}

/* Since when it is away; LK_TIME_NONE: since now. */
static lk_time since(const char *path)
{
	g_autoptr(GString) text = NULL;
	lk_time at = LK_TIME_NONE;

	if (!lk_read_file(path, MOST_BYTES, &text, NULL) || !lk_time_parse(text->str, &at))
		return LK_TIME_NONE;
	return at;
}

void lk_away_clock_back(const lk_program *program, int64_t mails)
{
	const lk_conf *conf = program->conf;
	g_autoptr(GError) error = NULL;
	g_autofree char *now = lk_time_format(lk_now());
	g_autofree char *text = g_strdup_printf(
		"The clock of %s was wrong, or is: it says %s, and %" PRId64
		" mails of luukku (%s) "
		"waited for times long after that. They go now.\nTickets that were opened or "
		"answered while it was wrong keep those times: look at luukkuctl list\n",
		program->host, now, mails, conf->site.name ? conf->site.name : conf->site.domain);

	lk_warning("send.clock_back", "now=%s mails=%" PRId64, now, mails);
	if (!conf->site.alarm_command || !*conf->site.alarm_command ||
	    lk_alarm_run(conf->site.alarm_command, text, ALARM_TIMEOUT_MS, &error))
		return;
	g_autofree char *why = lk_process_error_text(error);
	lk_error("send.alarm_failed", "error=\"%s\"", why);
}

static void raise_alarm(const lk_program *program, lk_time at, const GError *failure)
{
	const lk_conf *conf = program->conf;
	g_autoptr(GError) error = NULL;
	g_autofree char *when = lk_time_format(at);
	g_autofree char *text = g_strdup_printf(
		"luukku on %s (%s) cannot send mail since %s.\n%s\nMail that comes in is still "
		"taken; mail out waits. Look at: luukkuctl status, luukkuctl outbox\n",
		program->host, conf->site.name ? conf->site.name : conf->site.domain, when,
		failure->message);

	if (lk_alarm_run(conf->site.alarm_command, text, ALARM_TIMEOUT_MS, &error)) {
		lk_warning("send.alarm", "since=%s", when);
		return;
	}
	g_autofree char *why = lk_process_error_text(error);
	lk_error("send.alarm_failed", "since=%s error=\"%s\"", when, why);
}

int64_t lk_away_note(const lk_program *program, const GError *failure)
{
	g_autofree char *away = path_of(program, "smtp-away");
	g_autofree char *told = path_of(program, "smtp-away.told");
	const char *command = program->conf->site.alarm_command;
	lk_time now = lk_now();
	lk_time at = since(away);

	if (!command || !*command || access(told, F_OK) == 0)
		return G_MAXINT64;
	/* A beginning that is yet to come is that of a clock that was wrong. */
	if (at == LK_TIME_NONE || at > now) {
		unlink(away);
		begin(away);
		return ALARM_AFTER_S * INT64_C(1000);
	}
	if (now - at < ALARM_AFTER_S * LK_SECOND)
		return (at + ALARM_AFTER_S * LK_SECOND - now) / 1000 + 1;
	/* Of several senders one renames it. */
	if (rename(away, told) == 0)
		raise_alarm(program, at, failure);
	return G_MAXINT64;
}

void lk_away_end(const lk_program *program)
{
	g_autofree char *away = path_of(program, "smtp-away");
	g_autofree char *told = path_of(program, "smtp-away.told");

	unlink(away);
	unlink(told);
}
