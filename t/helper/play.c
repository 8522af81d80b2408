/*
 * Plays what happens at a desk, for the tests in Perl: play -c FILE < SCRIPT, by the desk's own
 * configuration and database, through the calls that its programs use. A line of the script is
 *
 *   TIME <TAB> WHAT <TAB> LABEL <TAB> ARGUMENT ...
 *
 * with the time as 2026-03-02T06:00:00Z and "\n" for a line feed in texts; a label stands for a
 * ticket, and "@LABEL" in a text for its reference.
 *
 *   open LABEL TO FROM NAME SUBJECT TEXT     a mail that opens the ticket
 *   machine LABEL TO FROM NAME SUBJECT TEXT  the same, started by a machine
 *   customer LABEL FROM TEXT                 an answer to the ticket's own reply address
 *   supplier LABEL FROM TEXT                 the same by a supplier
 *   consulted LABEL FROM TEXT                the same by one who was asked
 *   vacation LABEL FROM TEXT                 a customer's automatic answer
 *   agent LABEL ADDRESS TEXT                 commands and words of an agent
 *   survey - NUMBER yes|no SCORE COMMENT     the answer to a survey on its page; SCORE may be ""
 *   sched -                                  luukku-sched does what is due
 *
 * Gives "LABEL <TAB> NUMBER" of each ticket that was opened. A label that is a number stands for
 * the ticket of that number.
 */
#include "daemon/program.h"
#include "lib/base/err.h"
#include "lib/base/units.h"
#include "lib/desk/execute.h"
#include "lib/desk/ingest.h"
#include "lib/desk/outbox-private.h"
#include "lib/desk/survey.h"
#include "lib/desk/timer.h"

#include <stdio.h>
#include <string.h>

enum { MOST_IN_ONE = 200, MOST_JOBS = 500 };

typedef struct {
	const lk_policy *policy;
	lk_db *db;
	lk_db *sched;
	GHashTable *tickets; /* label -> int64_t * */
	lk_time at;
	char **words; /* of the line */
	unsigned n;   /* lines so far */
} play;

static const char *word(const play *p, unsigned i)
{
	if (i >= g_strv_length(p->words))
		g_error("line %u: too short", p->n);
	return p->words[i];
}

static int64_t ticket_named(const play *p, const char *label)
{
	const int64_t *ticket = g_hash_table_lookup(p->tickets, label);
	int64_t number = 0;

	if (ticket)
		return *ticket;
	if (!lk_parse_int(label, 1, INT64_MAX, &number, NULL))
		g_error("line %u: no ticket %s", p->n, label);
	return number;
}

/* "\n" and "@LABEL" in their place. */
static char *text_of(const play *p, unsigned i)
{
	GString *out = g_string_new(NULL);

	for (const char *c = word(p, i); *c; c++) {
		if (c[0] == '\\' && c[1] == 'n') {
			g_string_append_c(out, '\n');
			c++;
		} else if (c[0] == '@' && (c == word(p, i) || c[-1] == ' ')) {
			size_t n = strcspn(c + 1, " \\\n");
			g_autofree char *label = g_strndup(c + 1, n);
			g_autofree char *ref = lk_reference(p->policy, ticket_named(p, label));
			g_string_append(out, ref);
			c += n;
		} else {
			g_string_append_c(out, *c);
		}
	}
	return g_string_free(out, FALSE);
}

static lk_mail *mail_of(const play *p, const char *to, const char *from, const char *name,
			const char *text)
{
	lk_mail *mail = lk_mail_new();

	g_free(mail->text);
	g_free(mail->reply_text);
	mail->message_id = g_strdup_printf("play%u@kund.example", p->n);
	mail->date = p->at;
	mail->from = lk_address_new(name, from);
	mail->from_headers = mail->from_addresses = 1;
	g_ptr_array_add(mail->to, lk_address_new(NULL, to));
	mail->text = g_strdup(text);
	mail->reply_text = g_strdup(text);
	mail->language = g_strdup("fi");
	return mail;
}

static void set_subject(lk_mail *mail, char *subject)
{
	g_free(mail->subject);
	mail->subject = subject;
}

static bool take(const play *p, const lk_mail *mail, int64_t *ret_ticket, GError **error)
{
	g_autofree char *uid = g_strdup_printf("%u", p->n);
	lk_ingest_result result = {0};
	lk_intake intake = {.mailbox = "ict",
			    .folder = "INBOX",
			    .uidvalidity = 1,
			    .uid = uid,
			    .server_action = "keep",
			    .received_at = p->at,
			    .mail = mail,
			    .mail_fd = -1,
			    .parts_fd = -1};

	if (!lk_ingest(p->db, p->policy, p->at, &intake, &result, error))
		return false;
	if (*ret_ticket != (result.is_new_ticket ? 0 : result.ticket))
		g_error("line %u: the mail went to ticket %" G_GINT64_FORMAT
			" and not where it should: %s",
			p->n, result.ticket, result.reason);
	*ret_ticket = result.ticket;
	lk_ingest_result_clear(&result);
	return true;
}

static bool open_ticket(play *p, bool is_machine, GError **error)
{
	g_autofree char *text = text_of(p, 7);
	g_autoptr(lk_mail) mail = mail_of(p, word(p, 3), word(p, 4), word(p, 5), text);
	int64_t *ticket = g_new0(int64_t, 1);

	set_subject(mail, g_strdup(word(p, 6)));
	if (is_machine) {
		mail->kind = LK_KIND_AUTO_REPLY;
		g_free(mail->kind_reason);
		mail->kind_reason = g_strdup("Auto-Submitted: auto-generated");
		mail->suppress_reply = true;
	}
	g_hash_table_insert(p->tickets, g_strdup(word(p, 2)), ticket);
	if (!take(p, mail, ticket, error))
		return false;
	printf("%s\t%" G_GINT64_FORMAT "\n", word(p, 2), *ticket);
	return true;
}

static bool answer(play *p, lk_purpose purpose, bool is_vacation, GError **error)
{
	int64_t ticket = ticket_named(p, word(p, 2));
	const lk_queue *queue = g_ptr_array_index(p->policy->queues, 0);
	g_autofree char *to =
		lk_outbox_address(p->policy, queue->from, purpose, 0, ticket, word(p, 3));
	g_autofree char *text = text_of(p, 4);
	g_autoptr(lk_mail) mail = mail_of(p, to, word(p, 3), NULL, text);
	g_autofree char *ref = lk_reference(p->policy, ticket);

	set_subject(mail, g_strdup_printf("Re: [%s] asia", ref));
	if (is_vacation) {
		mail->kind = LK_KIND_AUTO_REPLY;
		g_free(mail->kind_reason);
		mail->kind_reason = g_strdup("Auto-Submitted: auto-replied");
		mail->is_vacation = mail->suppress_reply = true;
	}
	return take(p, mail, &ticket, error);
}

static bool command(play *p, GError **error)
{
	const lk_agent *agent = lk_policy_agent(p->policy, word(p, 3));
	g_autofree char *actor = g_strconcat("agent:", word(p, 3), NULL);
	g_autofree char *text = text_of(p, 4);
	lk_command_context context = {.policy = p->policy,
				      .agent_name = agent ? agent->name : NULL,
				      .today = lk_execute_today(p->policy, p->at)};
	g_autoptr(lk_commands) commands = lk_commands_read(&context, text);
	g_autoptr(lk_receipt) receipt = NULL;
	lk_execution how = {.agent = agent,
			    .actor = actor,
			    .now = p->at,
			    .language = LK_LANG_EN,
			    .ticket = ticket_named(p, word(p, 2)),
			    .seen_at = LK_TIME_NONE};

	if (!agent)
		g_error("line %u: %s is no agent", p->n, word(p, 3));
	if (!lk_execute(p->db, p->policy, &how, commands, &receipt, error))
		return false;
	if (!receipt->has_run) {
		g_autofree char *json = lk_json_dump(receipt->json, false);
		g_error("line %u: refused: %s", p->n, json);
	}
	return true;
}

static bool survey(play *p, GError **error)
{
	g_autoptr(lk_rows) row = NULL;
	g_autofree char *comment = text_of(p, 6);
	lk_survey_answer given = {.is_in_order = strcmp(word(p, 4), "yes") == 0,
				  .score = LK_SURVEY_NO_SCORE,
				  .comment = comment};
	lk_survey_verdict verdict = LK_SURVEY_COUNTED;
	int64_t number = 0;

	if (!lk_parse_int(word(p, 3), 1, INT64_MAX, &number, NULL) ||
	    (*word(p, 5) && !lk_parse_int(word(p, 5), 0, LK_SURVEY_HIGHEST, &given.score, NULL)))
		g_error("line %u: which survey, what score?", p->n);
	if (!lk_survey_find(p->db, number, 0, &row, error))
		return false;
	if (lk_rows_count(row) == 0)
		g_error("line %u: there is no such survey", p->n);
	return lk_survey_record(p->db, p->policy, p->at, row, &given, &verdict, error);
}

static bool sched(play *p, GError **error)
{
	bool more = true;
	int64_t did = 0;

	if (!lk_db_commit(p->db, error))
		return false;
	while (more)
		if (!lk_timers_run(p->sched, p->policy, p->at, MOST_JOBS, &did, &more, error))
			return false;
	return lk_db_begin(p->db, error);
}

static bool step(play *p, GError **error)
{
	const char *what = word(p, 1);

	if (strcmp(what, "open") == 0 || strcmp(what, "machine") == 0)
		return open_ticket(p, *what == 'm', error);
	if (strcmp(what, "customer") == 0)
		return answer(p, LK_PURPOSE_CUSTOMER, false, error);
	if (strcmp(what, "vacation") == 0)
		return answer(p, LK_PURPOSE_CUSTOMER, true, error);
	if (strcmp(what, "supplier") == 0)
		return answer(p, LK_PURPOSE_SUPPLIER, false, error);
	if (strcmp(what, "consulted") == 0)
		return answer(p, LK_PURPOSE_CONSULT, false, error);
	if (strcmp(what, "agent") == 0)
		return command(p, error);
	if (strcmp(what, "survey") == 0)
		return survey(p, error);
	if (strcmp(what, "sched") == 0)
		return sched(p, error);
	g_error("line %u: what is %s?", p->n, what);
}

static bool play_all(play *p, GError **error)
{
	g_autoptr(GString) line = g_string_new(NULL);
	int c = 0;

	while ((c = getchar()) != EOF) {
		g_auto(GStrv) words = NULL;

		if (c != '\n') {
			g_string_append_c(line, (char)c);
			continue;
		}
		words = g_strsplit(line->str, "\t", -1);
		p->words = words;
		p->n++;
		if (!lk_time_parse(word(p, 0), &p->at))
			g_error("line %u: %s is no time", p->n, word(p, 0));
		if (!step(p, error)) {
			g_prefix_error(error, "line %u: %s: ", p->n, line->str);
			return false;
		}
		if (p->n % MOST_IN_ONE == 0 &&
		    (!lk_db_commit(p->db, error) || !lk_db_begin(p->db, error)))
			return false;
		g_string_truncate(line, 0);
	}
	return lk_db_commit(p->db, error);
}

static bool run(lk_program *program, GError **error)
{
	static const lk_query_group groups[] = {LK_QG_COMMAND, LK_QG_OUTBOX, LK_QG_TICKET,
						LK_QG_TIMER};
	lk_db_options options = {.conninfo = program->conf->database.conninfo,
				 .program = "t-play",
				 .role = "luukku_sched",
				 .groups = groups,
				 .n_groups = G_N_ELEMENTS(groups)};
	g_autoptr(GHashTable) tickets =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(lk_db) db = NULL;
	g_autoptr(lk_db) sched_db = NULL;
	play p = {.policy = program->policy, .tickets = tickets};

	if (!lk_program_try_db(program, &db, error) || !lk_db_open(&options, &sched_db, error) ||
	    !lk_db_begin(db, error))
		return false;
	p.db = db;
	p.sched = sched_db;
	return play_all(&p, error);
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
		.name = "t-play",
		.role = "luukku_fetch",
		.groups = groups,
		.n_groups = G_N_ELEMENTS(groups),
		.needs_keys = true,
		.needs_rules = needs_rules,
		.run = run,
	};

	return lk_program_main(&spec, argc, argv);
}
