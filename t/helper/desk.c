/*
 * lib/desk for the tests in Perl: desk COMMAND [NAME=VALUE...], connection string in $LUUKKU_DB,
 * role in $LUUKKU_ROLE. Results go to standard output as one "key value" a line; an error goes to
 * standard error as "CODE: message" and becomes the exit status. The desk it plays has the queues
 * ict, hr, alarm, tuki (which joins duplicates and has a manager) and apu (which reminds), the
 * agents aino and bo, one organisation, two suppliers, and a breaker of 3 mails in 10 minutes.
 *
 *   ingest file=PATH [mailbox=ict] [uid=1] [folder=INBOX] [silent=1] [large=1] [at=TIME]
 *          [recipient=ADDRESS]             through a real luukku-parse
 *   explain file=PATH [mailbox=ict]
 *   claim [most=10] [dir=PATH] [by=host/1]       wires are written to DIR/ID.eml
 *   record id=N attempts=N outcome=sent|retry|failed|uncertain [reply=TEXT] [times=N]
 *   recover host=HOST · next
 *   address purpose=customer number=1001 recipient=ADDRESS [plain=ict@example.fi]
 *   message-id purpose=customer ticket=1001 outbox=1
 *   add ticket=1001 recipient=ADDRESS [cause=N]  one more mail through lk_outbox_add
 *   notice ticket=1001 message=N kind=new [owner=ADDRESS] [customer=NAME] [also=TITLE]
 * [doer=ADDRESS] answer ticket=1001 message=N text=WORDS [cc=ADDRESS]    an agent's words to the
 * requester move ticket=1001 status=resolved
 */
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/path.h"
#include "lib/base/secret.h"
#include "lib/base/units.h"
#include "lib/desk/ingest.h"
#include "lib/desk/notice.h"
#include "lib/desk/outbox-private.h"
#include "lib/desk/ticket.h"
#include "lib/mail/parser.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static lk_policy *policy;

static const char *arg(char **args, const char *name, const char *fallback)
{
	size_t n = strlen(name);

	for (unsigned i = 0; args[i]; i++)
		if (strncmp(args[i], name, n) == 0 && args[i][n] == '=')
			return args[i] + n + 1;
	return fallback;
}

static int64_t number(char **args, const char *name, const char *fallback)
{
	int64_t n = 0;

	if (!lk_parse_int(arg(args, name, fallback), 0, INT64_C(1) << 40, &n, NULL))
		g_error("%s is no number", name);
	return n;
}

/* Queue tuki: with a manager, joining duplicates, looking for mass incidents. */
static void add_care(lk_queue *queue)
{
	g_ptr_array_add(queue->managers, g_strdup("bo@example.fi"));
	queue->duplicate_window_s = INT64_C(2) * 86400;
	queue->mass = (lk_mass_policy){.people = 4, .within_s = 3600, .similarity = 45};
}

/* Queue apu: its customers hear when they wait, and are reminded; what is resolved is closed. */
static void add_clocks(lk_queue *queue)
{
	lk_span days = {.open_days = 3};

	queue->tell_on_wait = queue->tell_on_transfer = true;
	g_array_append_val(queue->customer_reminders, days);
	queue->close_after_s = INT64_C(7) * 86400;
}

static void add_queue(const char *name, lk_lang language)
{
	lk_queue *queue = lk_queue_new();

	queue->name = g_strdup(name);
	queue->title.in[LK_LANG_FI] = g_strdup_printf("Palvelupiste %s", name);
	queue->title.in[LK_LANG_EN] = g_strdup_printf("Desk %s", name);
	queue->from = g_strdup_printf("%s@example.fi", name);
	g_ptr_array_add(queue->addresses, g_strdup(queue->from));
	g_ptr_array_add(queue->agents, g_strdup("aino@example.fi"));
	queue->language = language;
	queue->notify = LK_NOTIFY_NONE;
	queue->default_type = g_strdup("request");
	queue->default_priority = g_strdup("normal");
	if (strcmp(name, "alarm") == 0) {
		queue->machine_mail = LK_MACHINE_QUARANTINE;
		queue->acknowledge = false;
	}
	if (strcmp(name, "tuki") == 0)
		add_care(queue);
	if (strcmp(name, "apu") == 0)
		add_clocks(queue);
	g_ptr_array_add(policy->queues, queue);
	lk_desk_mailbox *mailbox = lk_desk_mailbox_new(name, name);
	if (strcmp(name, "tuki") == 0)
		g_ptr_array_add(mailbox->strip, g_strdup("[EXTERNAL]"));
	mailbox->trust_internal = strcmp(name, "apu") == 0;
	g_ptr_array_add(policy->mailboxes, mailbox);
}

static void add_supplier(const char *name, const char *public_name)
{
	lk_supplier *supplier = lk_supplier_new();

	supplier->name = g_strdup(name);
	supplier->public_name = g_strdup(public_name);
	g_ptr_array_add(policy->suppliers, supplier);
}

static void add_agent(const char *name, const char *address)
{
	lk_agent *agent = lk_agent_new();

	agent->name = g_strdup(name);
	agent->address = g_strdup(address);
	g_ptr_array_add(policy->agents, agent);
}

static void make_policy(void)
{
	static const uint8_t key[32] = {42};
	lk_organisation *organisation = lk_organisation_new();
	lk_budget budget = {.count = 3, .seconds = 600};

	policy = lk_policy_new();
	policy->site_name = g_strdup("Esimerkki Oy");
	policy->prefix = g_strdup("TUKI");
	policy->domain = g_strdup("example.fi");
	policy->language = LK_LANG_FI;
	policy->bilingual[LK_LANG_FI] = true;
	policy->bilingual[LK_LANG_SV] = true;
	policy->subaddress = g_strdup("+");
	policy->envelope_from = g_strdup("luukku-bounces@example.fi");
	policy->keys = lk_keys_from_bytes(key, 1, "example.fi");
	add_queue("ict", LK_LANG_FI);
	add_queue("hr", LK_LANG_SV);
	add_queue("alarm", LK_LANG_FI);
	add_queue("tuki", LK_LANG_FI);
	add_queue("apu", LK_LANG_FI);
	add_supplier("Laite Oy", "Laite Oy");
	add_supplier("Salainen Oy", NULL);
	add_agent("Aino Aalto", "aino@example.fi");
	add_agent("Bo Berg", "bo@example.fi");
	organisation->name = g_strdup("Pohjoinen sairaala");
	organisation->language = g_strdup("fi");
	g_ptr_array_add(organisation->domains, g_strdup("sairaala.example"));
	g_ptr_array_add(policy->organisations, organisation);
	g_array_append_val(policy->breaker, budget);
}

static bool open_db(lk_db **ret_db, GError **error)
{
	static const lk_query_group intake[] = {LK_QG_INGEST, LK_QG_THREAD, LK_QG_TICKET,
						LK_QG_OUTBOX, LK_QG_BLOB,   LK_QG_NOTICE,
						LK_QG_COMMAND};
	lk_db_options options = {.conninfo = g_getenv("LUUKKU_DB"),
				 .program = "t-helper",
				 .role = g_getenv("LUUKKU_ROLE"),
				 .groups = intake,
				 .n_groups = G_N_ELEMENTS(intake)};

	return lk_db_open(&options, ret_db, error);
}

/* A mail read by luukku-parse. */
typedef struct {
	lk_mail *mail;
	int fd;
	int parts_fd;
	uint64_t size;
	char *recipient[2];
	lk_intake intake;
} fetched;

static bool fetch(char **args, fetched *ret, GError **error)
{
	g_autofree char *program = lk_program_path("luukku-parse");
	lk_parser_options options = {.program = g_getenv("LUUKKU_PARSE") ? g_getenv("LUUKKU_PARSE")
									 : program};
	static const char *const authserv[] = {"mx.example.fi", NULL};
	const char *at = arg(args, "at", NULL);
	const char *recipient = arg(args, "recipient", NULL);

	options.authserv = authserv;
	options.relays = authserv;
	g_autoptr(lk_parser) parser = lk_parser_new(&options);
	ret->fd = open(arg(args, "file", ""), O_RDONLY | O_CLOEXEC);
	ret->parts_fd = -1;
	if (ret->fd < 0)
		g_error("cannot open %s", arg(args, "file", ""));
	if (strcmp(arg(args, "unparsed", "0"), "1") == 0) {
		ret->mail = lk_mail_minimal(ret->fd);
		ret->mail->is_unparsed = true;
	} else if (!lk_parser_start(parser, ret->fd, error) ||
		   !lk_parser_finish(parser, &ret->mail, &ret->parts_fd, error)) {
		return false;
	}
	if (!lk_file_size(ret->fd, &ret->size, error))
		return false;
	ret->recipient[0] = (char *)recipient;
	ret->intake = (lk_intake){
		.mailbox = arg(args, "mailbox", "ict"),
		.folder = arg(args, "folder", "INBOX"),
		.uidvalidity = 1,
		.uid = arg(args, "uid", "1"),
		.server_action = "move:Done",
		.received_at = LK_TIME_NONE,
		.is_silent = strcmp(arg(args, "silent", "0"), "1") == 0,
		.is_too_large = strcmp(arg(args, "large", "0"), "1") == 0,
		.recipients = recipient ? (const char *const *)(void *)ret->recipient : NULL,
		.mail = ret->mail,
		.mail_fd = ret->fd,
		.mail_size = ret->size,
		.parts_fd = ret->parts_fd,
	};
	if (at && !lk_time_parse(at, &ret->intake.received_at))
		g_error("at=%s is no time", at);
	return true;
}

static void fetched_clear(fetched *f)
{
	lk_mail_free(f->mail);
	if (f->fd >= 0)
		close(f->fd);
	if (f->parts_fd >= 0)
		close(f->parts_fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(fetched, fetched_clear)

static bool do_ingest(char **args, GError **error)
{
	static const char *const outcomes[] = {"ticket", "duplicate", "control", "quarantine"};
	g_auto(fetched) f = {.fd = -1, .parts_fd = -1};
	g_autoptr(lk_db) db = NULL;
	lk_ingest_result result = {0};

	if (!fetch(args, &f, error) || !open_db(&db, error) || !lk_db_begin(db, error) ||
	    !lk_ingest(db, policy, lk_now(), &f.intake, &result, error) || !lk_db_commit(db, error))
		return false;
	printf("outcome %s\nseen %d\nnew %d\narrival %" G_GINT64_FORMAT
	       "\nmessage %" G_GINT64_FORMAT "\nticket %" G_GINT64_FORMAT "\nreason %s\n",
	       outcomes[result.outcome], result.is_seen, result.is_new_ticket, result.arrival,
	       result.message, result.ticket, result.reason);
	lk_ingest_result_clear(&result);
	return true;
}

static bool do_explain(char **args, GError **error)
{
	g_auto(fetched) f = {.fd = -1, .parts_fd = -1};
	g_autoptr(lk_db) db = NULL;
	g_autoptr(lk_json) explain = NULL;

	if (!fetch(args, &f, error) || !open_db(&db, error) ||
	    !lk_ingest_explain(db, policy, lk_now(), &f.intake, &explain, error))
		return false;
	g_autofree char *text = lk_json_dump(explain, false);
	printf("%s\n", text);
	return true;
}

static bool do_add(char **args, GError **error)
{
	static const char *const verdicts[] = {"queued", "suppressed", "held"};
	g_autoptr(lk_db) db = NULL;
	g_autoptr(lk_json) variables = lk_json_object();
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
	int64_t id = 0;
	lk_outbox_mail mail = {.ticket = number(args, "ticket", "0"),
			       .cause = number(args, "cause", "0"),
			       .template_name = "acknowledgement",
			       .purpose = LK_PURPOSE_CUSTOMER,
			       .queue = lk_policy_queue(policy, "ict"),
			       .language = LK_LANG_FI,
			       .recipient = arg(args, "recipient", ""),
			       .rank = LK_RANK_ACKNOWLEDGEMENT,
			       .is_bulk = true,
			       .reason = "a test adds it",
			       .variables = variables};

	if (!open_db(&db, error) || !lk_db_begin(db, error) ||
	    !lk_outbox_add(db, policy, lk_now(), &mail, &verdict, &id, error) ||
	    !lk_db_commit(db, error))
		return false;
	printf("verdict %s\nid %" G_GINT64_FORMAT "\n", verdicts[verdict], id);
	return true;
}

static bool do_notice(char **args, GError **error)
{
	g_autoptr(lk_db) db = NULL;
	lk_notice notice = {.kind = LK_NOTICE_NEW,
			    .ticket = number(args, "ticket", "0"),
			    .message = number(args, "message", "0"),
			    .queue = lk_policy_queue(policy, arg(args, "queue", "ict")),
			    .owner = arg(args, "owner", NULL),
			    .notify = LK_NOTIFY_AGENTS,
			    .also = arg(args, "also", NULL),
			    .doer = arg(args, "doer", NULL),
			    .customer = arg(args, "customer", NULL),
			    .reason = "a test tells the team"};

	while (notice.kind < LK_N_NOTICES &&
	       strcmp(lk_notice_name(notice.kind), arg(args, "kind", "new")) != 0)
		notice.kind++;
	return open_db(&db, error) && lk_db_begin(db, error) &&
	       lk_notice_send(db, policy, lk_now(), &notice, error) && lk_db_commit(db, error);
}

/* An agent's answer: to the requester, a copy to another, both seeing both. */
static bool do_answer(char **args, GError **error)
{
	g_autoptr(lk_db) db = NULL;
	g_autoptr(lk_json) variables = lk_json_object();
	lk_outbox_person to[] = {{"Maija", arg(args, "to", "maija@example.org")}};
	lk_outbox_person cc[] = {{NULL, arg(args, "cc", "liisa@example.org")}};
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
	lk_time now = lk_now();
	int64_t id = 0;
	lk_outbox_mail mail = {.ticket = number(args, "ticket", "0"),
			       .cause = number(args, "message", "0"),
			       .template_name = "reply",
			       .purpose = LK_PURPOSE_CUSTOMER,
			       .queue = lk_policy_queue(policy, "ict"),
			       .language = LK_LANG_FI,
			       .rank = LK_RANK_ANSWER,
			       .reason = "an agent answered",
			       .variables = variables,
			       .is_personal = true,
			       .from_name = "Aino Aalto",
			       .to = to,
			       .n_to = 1,
			       .cc = cc,
			       .n_cc = 1,
			       .attach = number(args, "message", "0")};

	lk_json_set_text(variables, "text", arg(args, "text", ""));
	lk_json_set_text(variables, "agent_name", "Aino Aalto");
	if (!open_db(&db, error) || !lk_db_begin(db, error))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		mail.recipient = i == 0 ? to[0].address : cc[0].address;
		if (!lk_outbox_add(db, policy, now, &mail, &verdict, &id, error))
			return false;
	}
	return lk_db_commit(db, error);
}

static bool do_claim(char **args, GError **error)
{
	g_autoptr(lk_db) db = NULL;
	g_autoptr(GPtrArray) claims = NULL;
	const char *dir = arg(args, "dir", NULL);

	if (!open_db(&db, error) ||
	    !lk_outbox_claim_due(db, policy, arg(args, "templates", NULL),
				 arg(args, "by", "host/1"), lk_now(),
				 (unsigned)number(args, "most", "10"), &claims, error))
		return false;
	for (unsigned i = 0; i < claims->len; i++) {
		const lk_outbox_claim *claim = g_ptr_array_index(claims, i);
		gsize n = 0;
		const char *wire = g_bytes_get_data(claim->wire, &n);
		printf("claim %" G_GINT64_FORMAT " attempts %d repeat %d to %s from %s id %s\n",
		       claim->id, claim->attempts, claim->is_repeat, claim->recipient,
		       claim->envelope_from, claim->header_message_id);
		g_autofree char *path =
			g_strdup_printf("%s/%" G_GINT64_FORMAT ".eml", dir ? dir : ".", claim->id);
		if (dir && !lk_write_file(path, wire, n, 0600, error))
			return false;
	}
	return true;
}

static bool do_record(char **args, GError **error)
{
	static const char *const outcomes[] = {"sent", "retry", "failed", "uncertain"};
	g_autoptr(lk_db) db = NULL;
	lk_outbox_claim claim = {.id = number(args, "id", "0"),
				 .attempts = (int)number(args, "attempts", "1"),
				 .created_at = lk_now() - number(args, "age", "0") * LK_SECOND};
	lk_time now = lk_now();
	unsigned outcome = 0;
	bool is_done = open_db(&db, error);

	while (outcome < G_N_ELEMENTS(outcomes) &&
	       strcmp(arg(args, "outcome", ""), outcomes[outcome]) != 0)
		outcome++;
	if (outcome == G_N_ELEMENTS(outcomes))
		g_error("which outcome?");
	for (int64_t i = 0; is_done && i < number(args, "times", "1"); i++)
		is_done = lk_outbox_record(db, now, &claim, (lk_send_outcome)outcome, 250, "2.0.0",
					   arg(args, "reply", "ok"), error);
	return is_done;
}

static bool do_recover(char **args, GError **error)
{
	g_autoptr(lk_db) db = NULL;

	return open_db(&db, error) && lk_outbox_recover(db, arg(args, "host", "host"), error);
}

static bool do_next(char **args, GError **error)
{
	g_autoptr(lk_db) db = NULL;
	lk_time at = LK_TIME_NONE;

	if (!open_db(&db, error) || !lk_outbox_next_due(db, lk_now(), &at, error))
		return false;
	g_autofree char *text = lk_time_format(at);
	printf("next %s\n", text ? text : "none");
	return true;
}

static bool do_address(char **args, GError **error)
{
	const char *purpose = arg(args, "purpose", "customer");
	g_autofree char *address = lk_outbox_address(
		policy, arg(args, "plain", "ict@example.fi"),
		strcmp(purpose, "bounce") == 0 ? LK_PURPOSE_BOUNCE : lk_outbox_purpose(purpose),
		(uint8_t)number(args, "epoch", "0"), number(args, "number", "1001"),
		arg(args, "recipient", "nobody@example.org"));

	printf("%s\n", address);
	return true;
}

static bool do_message_id(char **args, GError **error)
{
	g_autofree char *id = lk_message_id_sign(
		policy->keys, lk_outbox_purpose(arg(args, "purpose", "customer")),
		(uint64_t)number(args, "ticket", "1001"), (uint64_t)number(args, "outbox", "1"));

	printf("%s\n", id);
	return true;
}

static bool do_move(char **args, GError **error)
{
	g_autoptr(lk_db) db = NULL;
	lk_status status = LK_STATUS_OPEN;
	lk_status was = LK_STATUS_OPEN;

	if (!lk_status_parse(arg(args, "status", ""), &status))
		g_error("which status?");
	lk_move move = {.ticket = number(args, "ticket", "0"),
			.status = status,
			.at = lk_now(),
			.actor = "cli:test",
			.reason = "a test moves it"};
	if (!open_db(&db, error) || !lk_ticket_move(db, policy, &move, &was, error))
		return false;
	printf("was %s\n", lk_status_name(was));
	return true;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		bool (*run)(char **args, GError **error);
	} commands[] = {
		{"ingest", do_ingest},	 {"explain", do_explain}, {"claim", do_claim},
		{"record", do_record},	 {"recover", do_recover}, {"next", do_next},
		{"address", do_address}, {"move", do_move},	  {"message-id", do_message_id},
		{"add", do_add},	 {"notice", do_notice},	  {"answer", do_answer},
	};
	g_autoptr(GError) error = NULL;
	int status = 64;

	lk_sodium_init();
	make_policy();
	for (unsigned i = 0; argc > 1 && i < G_N_ELEMENTS(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			status = commands[i].run(argv + 2, &error) ? 0 : lk_exit_status(error);
	if (error)
		fprintf(stderr, "%d: %s\n", error->code, error->message);
	lk_keys_free(policy->keys);
	lk_policy_free(policy);
	return status;
}
