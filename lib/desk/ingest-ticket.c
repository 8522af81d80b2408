/* A mail that opens a ticket. */
#include "lib/desk/ingest-fields.h"

#include "lib/base/fault.h"
#include "lib/base/text.h"
#include "lib/desk/hours.h"
#include "lib/desk/ingest-rules.h"
#include "lib/desk/intake.h"
#include "lib/desk/outbox.h"
#include "lib/desk/subject.h"
#include "lib/desk/when.h"

static GPtrArray *new_tags(const lk_work *work)
{
	GPtrArray *tags = g_ptr_array_new_with_free_func(g_free);

	if (work->mail->is_unparsed)
		g_ptr_array_add(tags, g_strdup("unparsed"));
	if (work->intake->is_too_large)
		g_ptr_array_add(tags, g_strdup("too_large"));
	for (unsigned i = 0; i < work->route.rules.tags->len; i++)
		g_ptr_array_add(tags, g_strdup(g_ptr_array_index(work->route.rules.tags, i)));
	return tags;
}

static bool insert_ticket(lk_work *work, int64_t *ret_ticket, GError **error)
{
	const lk_mail *mail = work->mail;
	const lk_plan *plan = &work->plan;
	const lk_rule_result *rules = &work->route.rules;
	g_autofree char *fields = lk_work_fields(work);
	g_autoptr(GPtrArray) missing = lk_work_missing(work);
	g_autofree char *subject = lk_subject_base(work->policy, mail->subject);
	g_autofree char *address =
		work->from ? lk_text_cut(work->from, LK_MAX_ADDRESS_BYTES) : NULL;
	g_autofree char *name = mail->from && mail->from->name && *mail->from->name
					? lk_text_cut(mail->from->name, LK_MAX_NAME_BYTES)
					: NULL;
	g_autoptr(GPtrArray) tags = new_tags(work);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	uint8_t hash[LK_KEY_HASH_BYTES];
	lk_people people = {0};

	if (plan->is_machine)
		lk_subject_machine_hash(work->policy, mail->subject, hash);
	else
		lk_subject_hash(work->policy, mail->subject, hash);
	lk_param_text(params, work->route.queue->name);
	lk_param_text(params, work->route.type);
	lk_param_text(params, work->route.priority);
	lk_param_text(params, lk_lang_code(plan->language));
	lk_param_text(params, subject);
	lk_param_bytes(params, hash, sizeof(hash));
	lk_param_time(params, work->at);
	lk_param_bool(params, plan->is_machine);
	lk_param_bool(params, work->intake->is_silent);
	lk_param_texts(params, tags);
	if (work->has_from)
		lk_param_bytes(params, work->from_hash, sizeof(work->from_hash));
	else
		lk_param_null(params);
	lk_param_text(params, address);
	lk_param_text(params, name);
	lk_param_text(params, work->sender.organisation);
	lk_param_text(params, work->sender.organisation_language);
	lk_param_text(params, work->sender.organisation_sla);
	lk_work_people(work, true, &people);
	if (plan->is_machine) /* a machine's list of recipients takes no part */
		g_ptr_array_set_size(people.addresses, 0);
	lk_param_blocks(params, people.hashes->data, people.addresses->len, LK_KEY_HASH_BYTES);
	lk_param_texts(params, people.addresses);
	g_ptr_array_set_size(people.names, (int)people.addresses->len);
	lk_param_texts(params, people.names);
	lk_param_text(params, work->actor);
	lk_param_text(params, lk_work_owner(work));
	lk_param_text(params, rules->title);
	lk_param_text(params, fields);
	lk_param_text(params, rules->skill);
	lk_param_text(params, rules->sla);
	lk_param_text(params, rules->supplier ? rules->supplier->name : NULL);
	lk_param_texts(params, missing);
	bool done = lk_db_run(work->db, LK_Q_INGEST_TICKET, params, &rows, error);
	lk_people_clear(&people);
	if (!done)
		return false;
	*ret_ticket = lk_row_int(rows, 0, "ticket");
	lk_fault("ingest.ticket");
	return true;
}

void lk_work_tell_also(lk_work *work, int64_t ticket, const lk_queue *queue)
{
	g_autofree char *reason =
		g_strdup_printf("the mail also names an address of queue %s", queue->name);
	lk_json *detail = lk_json_object();

	lk_json_set_text(detail, "queue", queue->name);
	lk_work_tell(work, ticket, "also_addressed", reason, detail);
}

static void tell_opened(lk_work *work, int64_t ticket)
{
	const lk_intake *intake = work->intake;
	lk_json *detail = lk_json_object();

	lk_json_set_text(detail, "queue", work->route.queue->name);
	lk_json_set_text(detail, "mailbox", intake->mailbox);
	lk_work_tell(work, ticket, "opened", work->plan.reason, detail);
	for (unsigned i = 0; i < work->route.others->len; i++)
		lk_work_tell_also(work, ticket, g_ptr_array_index(work->route.others, i));
	if (work->mail->is_unparsed)
		lk_work_tell(work, ticket, "unparsed",
			     "the mail could not be parsed: read its original, attached as "
			     "original.eml",
			     NULL);
	if (work->mail->is_incomplete)
		lk_work_tell(work, ticket, "incomplete",
			     "the mail goes beyond a limit: what was readable is here, the rest "
			     "is in original.eml",
			     NULL);
	if (intake->is_too_large)
		lk_work_tell(work, ticket, "too_large",
			     "the mail is larger than the mailbox's max_size: only its header was "
			     "read, the mail itself is left on the mail server",
			     NULL);
}

/* Files that came along; pictures within the words are words. */
static int64_t count_attachments(const lk_mail *mail)
{
	int64_t n = 0;

	for (unsigned i = 0; i < mail->attachments->len; i++)
		n += !((const lk_attachment *)g_ptr_array_index(mail->attachments, i))->is_inline;
	return n;
}

static lk_json *acknowledgement_variables(const lk_work *work, int64_t ticket)
{
	g_autofree char *reference = lk_reference(work->policy, ticket);
	g_autofree char *subject = lk_subject_base(work->policy, work->mail->subject);
	int64_t n_attachments = count_attachments(work->mail);
	lk_json *variables = lk_json_object();

	lk_json_set_text(variables, "reference", reference);
	lk_json_set_text(variables, "subject", subject);
	lk_json_set_bool(variables, "is_bilingual", work->plan.is_bilingual);
	if (n_attachments > 0)
		lk_json_set_int(variables, "attachments", n_attachments);
	lk_work_ask(work, variables);
	return variables;
}

/* desk.md 11: no earlier than the target, nor than the queue answers lately. */
static bool promise(const lk_work *work, int64_t ticket, lk_json *variables, GError **error)
{
	const lk_calendar *calendar = lk_hours_of_queue(work->policy, work->route.queue);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_time due = LK_TIME_NONE;

	lk_param_int(params, ticket);
	if (!lk_db_run(work->db, LK_Q_INTAKE_PROMISE, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return true;
	if (!lk_row_is_null(rows, 0, "respond_s"))
		due = lk_calendar_add_seconds(calendar, work->at, lk_row_int(rows, 0, "respond_s"));
	if (!lk_row_is_null(rows, 0, "due_respond") &&
	    (due == LK_TIME_NONE || lk_row_time(rows, 0, "due_respond") > due))
		due = lk_row_time(rows, 0, "due_respond");
	/* Mail of days ago is promised nothing that has passed. */
	for (unsigned lang = 0; due != LK_TIME_NONE && due > work->now && lang < LK_N_LANGS;
	     lang++) {
		g_autofree char *key = g_strconcat("promised_", lk_lang_code((lk_lang)lang), NULL);
		g_autofree char *text = lk_when_before(work->policy, (lk_lang)lang, work->now, due);
		lk_json_set_text(variables, key, text);
	}
	return true;
}

static bool acknowledge(lk_work *work, int64_t ticket, int64_t message, GError **error)
{
	g_autoptr(lk_json) variables = NULL;
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
	int64_t outbox = 0;

	if (!work->plan.acknowledge)
		return true;
	variables = acknowledgement_variables(work, ticket);
	if (!promise(work, ticket, variables, error))
		return false;
	lk_outbox_mail mail = {
		.ticket = ticket,
		.cause = message,
		.template_name = work->plan.template_name,
		.purpose = LK_PURPOSE_CUSTOMER,
		.queue = work->route.queue,
		.language = work->plan.language,
		.recipient = work->from,
		.recipient_name = work->mail->from->name,
		.rank = LK_RANK_ACKNOWLEDGEMENT,
		.is_bulk = true,
		.reason = work->plan.acknowledge_reason,
		.variables = variables,
	};
	if (!lk_outbox_add(work->db, work->policy, work->now, &mail, &verdict, &outbox, error))
		return false;
	lk_fault("ingest.outbox");
	return true;
}

bool lk_work_open(lk_work *work, lk_ingest_result *result, GError **error)
{
	int64_t ticket = 0;

	if (!insert_ticket(work, &ticket, error))
		return false;
	tell_opened(work, ticket);
	if (!lk_work_rules_before(work, ticket, true, error) ||
	    !lk_work_fill_new(work, ticket, error))
		return false;
	if (!lk_work_link(work, ticket, true, error) || !lk_work_free_sender(work, ticket, error))
		return false;
	lk_work_tell_unanswered(work, ticket);
	bool is_there = work->stored ? lk_work_move_stored(work, ticket, result, error)
				     : lk_work_store(work, LK_OUTCOME_TICKET, work->plan.reason,
						     NULL, ticket, ticket, result, error);
	if (!is_there)
		return false;
	result->is_new_ticket = true;
	if (!lk_work_adopt_sent(work, ticket, error) ||
	    !lk_ticket_start_clocks(work->db, work->policy, ticket, work->at, work->actor,
				    result->message, error))
		return false;
	return lk_work_rules_after(work, ticket, result->message, true, error) &&
	       acknowledge(work, ticket, result->message, error) &&
	       lk_work_notify(work, ticket, result->message, error) &&
	       lk_work_ask_customer(work, ticket, result->message, error) &&
	       lk_work_mass(work, ticket, error);
}
