/* The desk live in a terminal: plain escape sequences, the terminal as it was afterwards. */
#include "daemon/ctl.h"

#include "lib/base/err.h"
#include "lib/base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { NOTE_DAYS = 7, MOST_DECIDED = 200, EVERY_S = 2 };

/* What one picture is made of. */
typedef struct {
	lk_time now;
	lk_rows *mailboxes;
	lk_rows *queues;
	lk_rows *outbox;
	lk_rows *decided;
	lk_rows *counts;
} facts;

static void facts_clear(facts *f)
{
	lk_rows_free(f->mailboxes);
	lk_rows_free(f->queues);
	lk_rows_free(f->outbox);
	lk_rows_free(f->decided);
	lk_rows_free(f->counts);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(facts, facts_clear)

static bool look(lk_ctl *ctl, int64_t most, facts *f, GError **error)
{
	g_autoptr(lk_params) now = lk_params_new();
	g_autoptr(lk_params) since = lk_params_new();
	g_autoptr(lk_params) limit = lk_params_new();
	lk_db *db = NULL;

	f->now = lk_now();
	lk_param_time(now, f->now);
	lk_param_time(since, f->now - NOTE_DAYS * INT64_C(86400) * LK_SECOND);
	lk_param_int(limit, most);
	return lk_ctl_db(ctl, &db, error) &&
	       lk_db_run(db, LK_Q_CTL_STATUS_MAILBOXES, since, &f->mailboxes, error) &&
	       lk_db_run(db, LK_Q_CTL_STATUS_COUNTS, now, &f->counts, error) &&
	       lk_db_run(db, LK_Q_TOP_QUEUES, now, &f->queues, error) &&
	       lk_db_run(db, LK_Q_TOP_OUTBOX, NULL, &f->outbox, error) &&
	       lk_db_run(db, LK_Q_TOP_DECIDED, limit, &f->decided, error);
}

/* --- lines ------------------------------------------------------------------------------------ */

static void add_line(GPtrArray *lines, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void add_line(GPtrArray *lines, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_ptr_array_add(lines, lk_ctl_printable(text, false));
}

/* "3 h" since then; "-" for a null. Caller frees. */
static char *age_of(const facts *f, const lk_rows *rows, size_t row, const char *column)
{
	if (lk_row_is_null(rows, row, column))
		return g_strdup("-");
	return lk_ctl_span((f->now - lk_row_time(rows, row, column)) / LK_SECOND);
}

static void add_mailboxes(const facts *f, GPtrArray *lines)
{
	add_line(lines, "%-20s %-16s %-10s %8s  %s", "MAILBOX", "HOST", "LAST OK", "WAITING", "");
	for (size_t i = 0; i < lk_rows_count(f->mailboxes); i++) {
		const char *host = lk_row_text(f->mailboxes, i, "host");
		const char *trouble = lk_row_text(f->mailboxes, i, "error");
		g_autofree char *last = age_of(f, f->mailboxes, i, "last_ok_at");

		add_line(lines, "%-20s %-16s %-10s %8" PRId64 "  %s",
			 lk_row_text(f->mailboxes, i, "name"), host ? host : "-", last,
			 lk_row_int(f->mailboxes, i, "waiting"), trouble ? trouble : "");
	}
}

static void add_queues(const facts *f, GPtrArray *lines)
{
	add_line(lines, "%-20s %6s %8s %7s %7s  %s", "QUEUE", "OPEN", "NO OWNER", "URGENT", "LATE",
		 "OLDEST");
	for (size_t i = 0; i < lk_rows_count(f->queues); i++) {
		g_autofree char *oldest = age_of(f, f->queues, i, "oldest_at");

		add_line(lines, "%-20s %6" PRId64 " %8" PRId64 " %7" PRId64 " %7" PRId64 "  %s",
			 lk_row_text(f->queues, i, "queue"), lk_row_int(f->queues, i, "n_open"),
			 lk_row_int(f->queues, i, "n_free"), lk_row_int(f->queues, i, "n_urgent"),
			 lk_row_int(f->queues, i, "n_breached"), oldest);
	}
}

static void add_outbox(const facts *f, GPtrArray *lines)
{
	add_line(lines, "%-20s %6s  %s", "OUTBOX", "MAILS", "OLDEST");
	if (lk_rows_count(f->outbox) == 0)
		add_line(lines, "empty");
	for (size_t i = 0; i < lk_rows_count(f->outbox); i++) {
		g_autofree char *oldest = age_of(f, f->outbox, i, "oldest_at");

		add_line(lines, "%-20s %6" PRId64 "  %s", lk_row_text(f->outbox, i, "state"),
			 lk_row_int(f->outbox, i, "n"), oldest);
	}
	add_line(lines, "%-20s %6" PRId64, "quarantine", lk_row_int(f->counts, 0, "quarantine"));
}

static void add_decided(lk_ctl *ctl, const facts *f, GPtrArray *lines)
{
	add_line(lines, "%-16s %-12s %-20s %s", "DECIDED", "TICKET", "WHAT", "WHY");
	for (size_t i = 0; i < lk_rows_count(f->decided); i++) {
		int64_t ticket = lk_row_int(f->decided, i, "ticket");
		g_autofree char *at = lk_ctl_local_time(lk_row_time(f->decided, i, "at"));
		g_autofree char *ref = ticket ? lk_ctl_reference(ctl, ticket) : g_strdup("-");

		add_line(lines, "%-16s %-12s %-20s %s (%s)", at, ref,
			 lk_row_text(f->decided, i, "event"), lk_row_text(f->decided, i, "reason"),
			 lk_row_text(f->decided, i, "actor"));
	}
}

static GPtrArray *lines_of(lk_ctl *ctl, const facts *f)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *now = lk_ctl_local_time(f->now);

	add_line(lines, "%s  %s  open tickets: %" PRId64 ", timers late: %" PRId64,
		 ctl->conf->site.name, now, lk_row_int(f->counts, 0, "open"),
		 lk_row_int(f->counts, 0, "timers_late"));
	add_line(lines, " ");
	add_mailboxes(f, lines);
	add_line(lines, " ");
	add_queues(f, lines);
	add_line(lines, " ");
	add_outbox(f, lines);
	add_line(lines, " ");
	add_decided(ctl, f, lines);
	return lines;
}

/* As much of it as fits so many columns. Caller frees. */
static char *fit(const char *line, int columns)
{
	g_autoptr(GString) out = g_string_new(NULL);
	int width = 0;

	for (const char *p = line; *p != '\0'; p = g_utf8_next_char(p)) {
		g_autofree char *one = g_strndup(p, (size_t)(g_utf8_next_char(p) - p));

		width += lk_ctl_text_width(one);
		if (columns > 0 && width > columns)
			break;
		g_string_append(out, one);
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* --- for machines ----------------------------------------------------------------------------- */

static void set_text(lk_json *json, const lk_rows *rows, size_t row, const char *column)
{
	lk_json_set_text(json, column, lk_row_text(rows, row, column));
}

static lk_json *queues_json(const facts *f)
{
	lk_json *array = lk_json_array();

	for (size_t i = 0; i < lk_rows_count(f->queues); i++) {
		lk_json *one = lk_json_object();

		set_text(one, f->queues, i, "queue");
		lk_json_set_int(one, "open", lk_row_int(f->queues, i, "n_open"));
		lk_json_set_int(one, "no_owner", lk_row_int(f->queues, i, "n_free"));
		lk_json_set_int(one, "urgent", lk_row_int(f->queues, i, "n_urgent"));
		lk_json_set_int(one, "breached", lk_row_int(f->queues, i, "n_breached"));
		lk_ctl_json_time(one, "oldest_at", lk_row_time(f->queues, i, "oldest_at"));
		lk_json_push(array, one);
	}
	return array;
}

static lk_json *mailboxes_json(const facts *f)
{
	lk_json *array = lk_json_array();

	for (size_t i = 0; i < lk_rows_count(f->mailboxes); i++) {
		lk_json *one = lk_json_object();

		set_text(one, f->mailboxes, i, "name");
		set_text(one, f->mailboxes, i, "host");
		lk_ctl_json_time(one, "last_ok_at", lk_row_time(f->mailboxes, i, "last_ok_at"));
		lk_json_set_int(one, "waiting", lk_row_int(f->mailboxes, i, "waiting"));
		set_text(one, f->mailboxes, i, "error");
		lk_json_push(array, one);
	}
	return array;
}

static lk_json *top_json(lk_ctl *ctl, const facts *f)
{
	lk_json *json = lk_json_object();
	lk_json *outbox = lk_json_object();
	lk_json *decided = lk_json_array();

	lk_ctl_json_time(json, "at", f->now);
	lk_json_take(json, "mailboxes", mailboxes_json(f));
	lk_json_take(json, "queues", queues_json(f));
	for (size_t i = 0; i < lk_rows_count(f->outbox); i++)
		lk_json_set_int(outbox, lk_row_text(f->outbox, i, "state"),
				lk_row_int(f->outbox, i, "n"));
	lk_json_take(json, "outbox", outbox);
	lk_json_set_int(json, "quarantine", lk_row_int(f->counts, 0, "quarantine"));
	for (size_t i = 0; i < lk_rows_count(f->decided); i++) {
		int64_t ticket = lk_row_int(f->decided, i, "ticket");
		g_autofree char *ref = ticket ? lk_ctl_reference(ctl, ticket) : NULL;
		lk_json *one = lk_json_object();

		lk_ctl_json_time(one, "at", lk_row_time(f->decided, i, "at"));
		lk_json_set_text(one, "ref", ref);
		set_text(one, f->decided, i, "actor");
		set_text(one, f->decided, i, "event");
		set_text(one, f->decided, i, "reason");
		lk_json_push(decided, one);
	}
	lk_json_take(json, "decided", decided);
	return json;
}

/* --- the terminal ----------------------------------------------------------------------------- */

static volatile sig_atomic_t is_over;

static void end_it(int number)
{
	is_over = 1;
}

/* Only to end a wait: it is drawn anew, to the new size. */
static void wake_up(int number)
{
}

/* Escape sequences of ECMA-48 and of xterm: another screen, no cursor; and back. */
static void enter(struct termios *before)
{
	struct sigaction action = {.sa_handler = end_it};
	struct termios raw;

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	(void)sigaction(SIGQUIT, &action, NULL);
	action.sa_handler = wake_up;
	(void)sigaction(SIGWINCH, &action, NULL);
	if (tcgetattr(STDIN_FILENO, before) == 0) {
		raw = *before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		/* Who stops it would be left without a cursor. */
		raw.c_cc[VSUSP] = _POSIX_VDISABLE;
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	fputs("\033[?1049h\033[?25l", stdout);
}

static void leave(const struct termios *before)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, before);
}

static void draw(const GPtrArray *lines)
{
	struct winsize size = {0};
	unsigned rows = 24;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
		rows = size.ws_row;
	fputs("\033[H", stdout);
	for (unsigned i = 0; i < MIN(lines->len, rows); i++) {
		g_autofree char *cut = fit(g_ptr_array_index(lines, i), lk_ctl_width());

		/* Only what was there before is erased: nothing flickers. */
		printf("%s%s\033[K", i > 0 ? "\r\n" : "", cut);
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}

/* Until q, the end of the time, or a new size of the window. */
static void wait_for_key(int64_t seconds)
{
	struct pollfd watch = {.fd = STDIN_FILENO, .events = POLLIN};
	struct timespec wait = {.tv_sec = seconds};
	sigset_t before, held;
	char key = 0;
	int n = 0;

	/* A signal between the look at is_over and the wait would be slept through. */
	(void)sigfillset(&held);
	(void)sigprocmask(SIG_BLOCK, &held, &before);
	n = is_over ? 0 : ppoll(&watch, 1, &wait, &before);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (n <= 0 || is_over)
		return;
	if (read(STDIN_FILENO, &key, 1) <= 0 || key == 'q' || key == 'Q' || key == 4)
		is_over = 1;
}

static bool run_live(lk_ctl *ctl, int64_t seconds, GError **error)
{
	struct termios before = {0};
	bool is_well = true;

	enter(&before);
	while (is_well && !is_over) {
		g_auto(facts) f = {0};

		is_well = look(ctl, MOST_DECIDED, &f, error);
		if (is_well) {
			g_autoptr(GPtrArray) lines = lines_of(ctl, &f);

			draw(lines);
			wait_for_key(seconds);
		}
	}
	leave(&before);
	return is_well;
}

static bool run_top(lk_ctl *ctl, GError **error)
{
	const char *every = lk_ctl_value(ctl, "every");
	const lk_conf *conf = NULL;
	int64_t seconds = EVERY_S;
	int64_t most = 20;
	g_auto(facts) f = {0};

	if (every && !lk_parse_int(every, 1, 3600, &seconds, NULL)) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "--every takes seconds from 1 to 3600, not \"%s\"", every);
		return false;
	}
	if (!lk_ctl_limit(ctl, most, &most, error) || !lk_ctl_conf(ctl, &conf, error))
		return false;
	if (!lk_ctl_has(ctl, "once") && !lk_ctl_has(ctl, "json") && isatty(STDOUT_FILENO) &&
	    isatty(STDIN_FILENO))
		return run_live(ctl, seconds, error);
	if (!look(ctl, most > 0 ? most : MOST_DECIDED, &f, error))
		return false;
	if (lk_ctl_has(ctl, "json")) {
		lk_ctl_print_json(top_json(ctl, &f));
		return true;
	}
	g_autoptr(GPtrArray) lines = lines_of(ctl, &f);
	for (unsigned i = 0; i < lines->len; i++) {
		g_autofree char *cut = fit(g_ptr_array_index(lines, i), lk_ctl_width());

		puts(g_strchomp(cut));
	}
	return true;
}

static const lk_ctl_option top_options[] = {
	{"once", 0, NULL, "show it once and end"},
	{"every", 0, "S", "show it anew every S seconds (default 2)"},
	{"limit", 0, "N", "with --once or --json: the last N decisions (default 20)"},
	{"json", 0, NULL, "one JSON object, once"},
	{NULL, 0, NULL, NULL},
};

const lk_ctl_command lk_ctl_top_commands[] = {
	{.name = "top",
	 .operands = "",
	 .options = top_options,
	 .run = run_top,
	 .summary = "the desk live: mailboxes, queues, outbox, what was just decided and why",
	 .more = "q or Ctrl-C ends it. Where standard output is no terminal it is shown once."},
	{.name = NULL},
};
