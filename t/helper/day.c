/*
 * A desk's programs in one process, for the tests in Perl: day -c FILE, by the desk's own
 * configuration and database, through the luukku-parse that $LUUKKU_PARSE names
 * and the templates of $LUUKKU_TEMPLATES. It reads requests
 *
 *   TIME <TAB> explain <TAB> MAILBOX <TAB> UID <TAB> RECEIVED <TAB> MAIL    (base64)
 *   TIME <TAB> mail <TAB> MAILBOX <TAB> UID <TAB> RECEIVED <TAB> MAIL    luukku-fetch takes it
 *   TIME <TAB> send [<TAB> TROUBLE]    luukku-send sends what is due; the first one meets that
 *                                      trouble: retry, failed or uncertain
 *   TIME <TAB> sched                   luukku-sched does what is due
 *
 * and answers each with lines that end with a "." alone:
 *
 *   explained <TAB> JSON    (base64)
 *   taken <TAB> OUTCOME <TAB> MESSAGE <TAB> TICKET <TAB> REASON
 *   sent <TAB> OUTBOX <TAB> RECIPIENT <TAB> TICKET <TAB> ENVELOPE SENDER <TAB> MAIL    one each
 *   did <TAB> JOBS
 *   error <TAB> CODE <TAB> MESSAGE    what was begun is rolled back
 *
 * It dies where LUUKKU_FAULT says (lib/base/fault.h), as the programs do.
 */
#include "daemon/program.h"
#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/desk/ingest.h"
#include "lib/desk/outbox.h"
#include "lib/desk/timer.h"
#include "lib/mail/parser.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	MOST_JOBS = 500,
	MOST_MAILS = 50,
	SENT_CODE = 250,
	BUSY_CODE = 450,
	UNKNOWN_CODE = 550,
	ROUNDS = 200
};

typedef struct {
	lk_program *program;
	lk_db *db;
	lk_db *sched;
	lk_db *send;
	lk_parser *parser;
	lk_time at;
} day;

/* A file in memory with the bytes; -1 with the error. */
static int file_of(const void *bytes, size_t n, GError **error)
{
	int fd = memfd_create("mail", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY, "no file in memory for a mail");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static bool explain(day *d, const lk_intake *intake, GError **error)
{
	g_autoptr(lk_json) json = NULL;
	g_autofree char *text = NULL;
	g_autofree char *line = NULL;

	if (!lk_ingest_explain(d->db, d->program->policy, d->at, intake, &json, error))
		return false;
	text = lk_json_dump(json, false);
	line = g_base64_encode((const guchar *)text, strlen(text));
	printf("explained\t%s\n", line);
	return true;
}

static bool ingest(day *d, const lk_intake *intake, GError **error)
{
	static const char *const outcomes[] = {"ticket", "duplicate", "control", "quarantine"};
	lk_ingest_result result = {0};

	if (!lk_db_begin(d->db, error))
		return false;
	if (!lk_ingest(d->db, d->program->policy, d->at, intake, &result, error) ||
	    !lk_db_commit(d->db, error)) {
		lk_db_rollback(d->db);
		return false;
	}
	lk_fault("take.after-commit");
	printf("taken\t%s\t%" G_GINT64_FORMAT "\t%" G_GINT64_FORMAT "\t%s\n",
	       outcomes[result.outcome], result.message, result.ticket, result.reason);
	lk_ingest_result_clear(&result);
	return true;
}

/* Words: TIME, what, mailbox, uid, when the mail server received it, mail. */
static bool take(day *d, char **words, GError **error)
{
	size_t n = 0;
	g_autofree guchar *bytes = g_base64_decode(words[5], &n);
	g_autoptr(lk_mail) mail = NULL;
	lk_time received = LK_TIME_NONE;
	int fd = file_of(bytes, n, error);
	int parts_fd = -1;
	bool is_done = false;

	if (fd < 0)
		return false;
	if (!lk_time_parse(words[4], &received))
		g_error("when was the mail received?");
	is_done = lk_parser_start(d->parser, fd, error) &&
		  lk_parser_finish(d->parser, &mail, &parts_fd, error);
	if (is_done) {
		const lk_intake intake = {.mailbox = words[2],
					  .folder = "INBOX",
					  .uidvalidity = 1,
					  .uid = words[3],
					  .server_action = "keep",
					  .received_at = received,
					  .mail = mail,
					  .mail_fd = fd,
					  .mail_size = n,
					  .parts_fd = parts_fd};
		is_done = strcmp(words[1], "explain") == 0 ? explain(d, &intake, error)
							   : ingest(d, &intake, error);
	}
	if (parts_fd >= 0)
		close(parts_fd);
	close(fd);
	return is_done;
}

/* What the server says of one mail: that it took it, but for what the test wants. */
static bool send_one(day *d, const lk_outbox_claim *claim, const char *trouble, GError **error)
{
	gsize n = 0;
	const guchar *wire = g_bytes_get_data(claim->wire, &n);
	g_autofree char *text = g_base64_encode(wire, n);

	if (g_strcmp0(trouble, "retry") == 0)
		return lk_outbox_record(d->send, d->at, claim, LK_SEND_RETRY, BUSY_CODE, "4.2.1",
					"later", error);
	if (g_strcmp0(trouble, "failed") == 0)
		return lk_outbox_record(d->send, d->at, claim, LK_SEND_FAILED, UNKNOWN_CODE,
					"5.1.1", "who is that?", error);
	printf("sent\t%" G_GINT64_FORMAT "\t%s\t%" G_GINT64_FORMAT "\t%s\t%s\n", claim->id,
	       claim->recipient, claim->ticket, claim->envelope_from, text);
	fflush(stdout);
	if (g_strcmp0(trouble, "uncertain") == 0)
		return lk_outbox_record(d->send, d->at, claim, LK_SEND_UNCERTAIN, 0, NULL, NULL,
					error);
	lk_fault("send.before-record");
	return lk_outbox_record(d->send, d->at, claim, LK_SEND_SENT, SENT_CODE, "2.0.0", "ok",
				error);
}

static bool send_due(day *d, const char *trouble, GError **error)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		g_autoptr(GPtrArray) claims = NULL;

		if (!lk_outbox_claim_due(d->send, d->program->policy, g_getenv("LUUKKU_TEMPLATES"),
					 d->program->claimer, d->at, MOST_MAILS, &claims, error))
			return false;
		if (claims->len == 0)
			return true;
		for (unsigned i = 0; i < claims->len; i++) {
			if (!send_one(d, g_ptr_array_index(claims, i), trouble, error))
				return false;
			trouble = NULL;
		}
	}
	g_error("mails become due without end");
}

static bool sched(day *d, GError **error)
{
	bool more = true;
	int64_t did = 0;
	int64_t all = 0;

	for (unsigned round = 0; more; round++) {
		if (!lk_timers_run(d->sched, d->program->policy, d->at, MOST_JOBS, &did, &more,
				   error))
			return false;
		all += did;
		if (round > ROUNDS)
			g_error("jobs become due without end");
	}
	printf("did\t%" G_GINT64_FORMAT "\n", all);
	return true;
}

static void answer(day *d, const char *line)
{
	g_auto(GStrv) words = g_strsplit(line, "\t", -1);
	g_autoptr(GError) error = NULL;
	bool is_done = false;

	if (g_strv_length(words) < 2 || !lk_time_parse(words[0], &d->at))
		g_error("what is asked?");
	if (g_strv_length(words) == 6)
		is_done = take(d, words, &error);
	else if (strcmp(words[1], "send") == 0)
		is_done = send_due(d, words[2], &error);
	else if (strcmp(words[1], "sched") == 0)
		is_done = sched(d, &error);
	else
		g_error("what is %s?", words[1]);
	if (!is_done)
		printf("error\t%d\t%s\n", error->code, error->message);
	printf(".\n");
	fflush(stdout);
}

static bool open_as(const day *d, const char *role, const lk_query_group *groups, unsigned n,
		    lk_db **ret_db, GError **error)
{
	lk_db_options options = {.conninfo = d->program->conf->database.conninfo,
				 .program = "t-day",
				 .role = role,
				 .groups = groups,
				 .n_groups = n};

	return lk_db_open(&options, ret_db, error);
}

static bool run(lk_program *program, GError **error)
{
	static const lk_query_group timers[] = {LK_QG_COMMAND, LK_QG_OUTBOX, LK_QG_SCHED,
						LK_QG_SURVEY,  LK_QG_TICKET, LK_QG_TIMER,
						LK_QG_HOURS};
	static const lk_query_group mails[] = {LK_QG_OUTBOX, LK_QG_BLOB, LK_QG_NOTICE};
	static const char *const authserv[] = {"mx.example.fi", NULL};
	const lk_parser_options options = {
		.program = g_getenv("LUUKKU_PARSE"), .authserv = authserv, .relays = authserv};
	g_autoptr(lk_parser) parser = lk_parser_new(&options);
	g_autoptr(lk_db) db = NULL;
	g_autoptr(lk_db) sched_db = NULL;
	g_autoptr(lk_db) send_db = NULL;
	g_autoptr(GString) line = g_string_new(NULL);
	day d = {.program = program, .parser = parser, .at = lk_now()};
	int c = 0;

	if (!lk_program_try_db(program, &db, error) ||
	    !open_as(&d, "luukku_sched", timers, G_N_ELEMENTS(timers), &sched_db, error) ||
	    !open_as(&d, "luukku_send", mails, G_N_ELEMENTS(mails), &send_db, error) ||
	    !lk_outbox_recover(send_db, program->host, error) ||
	    !lk_timers_prepare(sched_db, program->policy, d.at, error))
		return false;
	d.db = db;
	d.sched = sched_db;
	d.send = send_db;
	while ((c = getchar()) != EOF) {
		if (c != '\n') {
			g_string_append_c(line, (char)c);
			continue;
		}
		answer(&d, line->str);
		g_string_truncate(line, 0);
	}
	return true;
}

static bool needs_rules(void)
{
	return true;
}

int main(int argc, char **argv)
{
	static const lk_query_group groups[] = {LK_QG_BLOB, LK_QG_INGEST, LK_QG_INTAKE,
						LK_QG_COMMAND};
	static const lk_program_spec spec = {
		.name = "t-day",
		.role = "luukku_fetch",
		.groups = groups,
		.n_groups = G_N_ELEMENTS(groups),
		.needs_keys = true,
		.needs_rules = needs_rules,
		.run = run,
	};

	return lk_program_main(&spec, argc, argv);
}
