/* What the rules set, carried out on a ticket that was opened or joined. */
#include "lib/desk/ingest-rules.h"

#include "lib/base/text.h"
#include "lib/desk/outbox.h"
#include "lib/desk/subject.h"

#include <string.h>

enum { MOST_FORWARDED = 200 * 1000 };

static char *actor_of(const lk_rule *rule)
{
	return g_strconcat("rule:", rule->name, NULL);
}

static char *reason_of(const lk_rule *rule, const char *did)
{
	return g_strdup_printf("rule \"%s\" (%s:%d): %s", rule->name, rule->file, rule->line, did);
}

static lk_json *place_of(const lk_rule *rule)
{
	lk_json *detail = lk_json_object();

	lk_json_set_text(detail, "rule", rule->name);
	lk_json_set_text(detail, "file", rule->file);
	lk_json_set_int(detail, "line", rule->line);
	return detail;
}

void lk_work_tell_rules(lk_work *work, int64_t ticket)
{
	const lk_rule_result *rules = &work->route.rules;

	/* Of a mail on no ticket only what keeps it from one. */
	for (unsigned i = 0; (ticket || rules->drop_rule) && i < rules->hits->len; i++) {
		const lk_rule_hit *hit = g_ptr_array_index(rules->hits, i);
		g_autofree char *actor = actor_of(hit->rule);
		g_autofree char *reason = reason_of(hit->rule, hit->did);
		lk_json *detail = place_of(hit->rule);

		/* Reports tell by it which rules route wrongly. */
		if (hit->rule == rules->queue_rule)
			lk_json_set_text(detail, "queue", rules->queue->name);
		lk_work_tell_as(work, actor, ticket, "rule", reason, detail);
	}
	for (unsigned i = 0; i < rules->limits->len; i++) {
		const lk_rule_limit *limit = g_ptr_array_index(rules->limits, i);
		g_autofree char *actor = actor_of(limit->rule);
		g_autofree char *did = g_strdup_printf(
			"not applied: its pattern on %s was given up, as matching it took too "
			"long on this mail; write it without repeats inside repeats",
			limit->test->name);
		g_autofree char *reason = reason_of(limit->rule, did);

		lk_work_tell_as(work, actor, ticket, "rule_limit", reason, place_of(limit->rule));
	}
}

char *lk_work_rule_limits(const lk_work *work)
{
	const GPtrArray *limits = work->route.rules.limits;
	GString *all = NULL;

	for (unsigned i = 0; limits && i < limits->len; i++) {
		const lk_rule_limit *limit = g_ptr_array_index(limits, i);

		if (!all)
			all = g_string_new(NULL);
		g_string_append_printf(all, "%s%s:%d", i ? " " : "", limit->test->file,
				       limit->test->line);
	}
	return all ? g_string_free(all, FALSE) : NULL;
}

char *lk_work_rule_fields(const lk_work *work)
{
	g_autoptr(lk_json) json = lk_json_object();

	for (unsigned i = 0; i < work->route.rules.fields->len; i++) {
		const lk_rule_field *field = g_ptr_array_index(work->route.rules.fields, i);
		lk_json_set_text(json, field->name, field->value);
	}
	return lk_json_dump(json, false);
}

static bool add_cc(lk_work *work, int64_t ticket, GError **error)
{
	const lk_rule *rule = lk_rule_result_setter(&work->route.rules, "cc");
	g_autofree char *actor = rule ? actor_of(rule) : NULL;
	g_autofree char *reason = rule ? reason_of(rule, "added to the ticket's people") : NULL;
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_people people = {0};
	bool done = true;

	if (!rule)
		return true;
	lk_work_people_of(work, work->route.rules.cc, &people);
	if (people.addresses->len > 0) {
		lk_param_int(params, ticket);
		lk_param_blocks(params, people.hashes->data, people.addresses->len,
				LK_KEY_HASH_BYTES);
		lk_param_texts(params, people.addresses);
		lk_param_texts(params, people.names);
		lk_param_text(params, actor);
		lk_param_time(params, work->at);
		done = lk_db_run(work->db, LK_Q_INGEST_PARTICIPANTS, params, &rows, error);
	}
	lk_people_clear(&people);
	for (size_t i = 0; rows && i < lk_rows_count(rows); i++) {
		lk_json *detail = lk_json_object();
		lk_json_set_text(detail, "address", lk_row_text(rows, i, "address"));
		lk_work_tell_as(work, actor, ticket, "participant_added", reason, detail);
	}
	return done;
}

/* Tags add up and fields are filled one by one; what the rules leave alone stays. */
static bool set_columns(lk_work *work, int64_t ticket, GError **error)
{
	const lk_rule_result *rules = &work->route.rules;
	g_autoptr(lk_params) params = lk_params_new();
	g_autofree char *fields = lk_work_rule_fields(work);

	if (rules->tags->len + rules->fields->len == 0 && !rules->owner && !rules->title &&
	    !rules->skill && !rules->sla && !rules->supplier && !rules->language)
		return true;
	lk_param_int(params, ticket);
	lk_param_texts(params, rules->tags);
	lk_param_text(params, fields);
	lk_param_text(params, rules->owner);
	lk_param_text(params, rules->title);
	lk_param_text(params, rules->skill);
	lk_param_text(params, rules->sla);
	lk_param_text(params, rules->supplier ? rules->supplier->name : NULL);
	lk_param_text(params, rules->language);
	lk_param_time(params, work->at);
	return lk_db_run(work->db, LK_Q_INGEST_SET, params, NULL, error);
}

bool lk_work_rules_before(lk_work *work, int64_t ticket, bool is_new, GError **error)
{
	lk_work_tell_rules(work, ticket);
	return add_cc(work, ticket, error) && (is_new || set_columns(work, ticket, error));
}

/* --- after the message was stored --------------------------------------------------------------
 */

static bool change(lk_work *work, int64_t ticket, int64_t message, const char *name,
		   lk_change_what what, const char *value, GError **error)
{
	const lk_rule *rule = lk_rule_result_setter(&work->route.rules, name);

	if (!value || !rule)
		return true;
	g_autofree char *actor = actor_of(rule);
	g_autofree char *did = g_strdup_printf("%s %s", name, value);
	g_autofree char *reason = reason_of(rule, did);
	lk_change given = {.ticket = ticket,
			   .what = what,
			   .value = value,
			   .at = work->at,
			   .actor = actor,
			   .reason = reason,
			   .message = message};

	return lk_ticket_change(work->db, work->policy, &given, NULL, error);
}

static bool move(lk_work *work, int64_t ticket, int64_t message, GError **error)
{
	const lk_rule *rule = lk_rule_result_setter(&work->route.rules, "status");
	lk_status status = LK_STATUS_NEW;

	if (!rule || !lk_status_parse(work->route.rules.status, &status))
		return true;
	g_autofree char *actor = actor_of(rule);
	g_autofree char *did = g_strdup_printf("status %s", work->route.rules.status);
	g_autofree char *reason = reason_of(rule, did);
	lk_move given = {.ticket = ticket,
			 .status = status,
			 .at = work->at,
			 .actor = actor,
			 .reason = reason,
			 .message = message};

	return lk_ticket_move(work->db, work->policy, &given, NULL, error);
}

static lk_json *forward_variables(const lk_work *work, int64_t ticket)
{
	const lk_mail *mail = work->mail;
	g_autofree char *reference = lk_reference(work->policy, ticket);
	g_autofree char *subject = lk_subject_base(work->policy, mail->subject);
	g_autofree char *text = lk_text_cut(mail->text, MOST_FORWARDED);
	lk_json *variables = lk_json_object();

	lk_json_set_text(variables, "reference", reference);
	lk_json_set_text(variables, "subject", subject);
	lk_json_set_text(variables, "writer_name", mail->from ? mail->from->name : NULL);
	lk_json_set_text(variables, "writer_address", work->from);
	lk_json_set_text(variables, "text", text);
	lk_json_set_bool(variables, "is_cut", strlen(text) < strlen(mail->text));
	return variables;
}

/*
 * A copy as a new mail, text and attachments: its answer is a note, and nothing in it gives a right
 * to the ticket.
 */
static bool send_copy(lk_work *work, int64_t ticket, int64_t message, lk_purpose purpose,
		      const char *address, const char *name, const char *reason, GError **error)
{
	const lk_queue *queue = work->route.queue;
	g_autoptr(lk_json) variables = forward_variables(work, ticket);
	lk_outbox_mail mail = {
		.ticket = ticket,
		.cause = message,
		.template_name = "forward",
		.purpose = purpose,
		.queue = queue,
		.language = queue->language,
		.recipient = address,
		.recipient_name = name,
		.rank = LK_RANK_ANSWER,
		.reason = reason,
		.variables = variables,
		.attach = message,
	};
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
	int64_t outbox = 0;

	return lk_outbox_add(work->db, work->policy, work->now, &mail, &verdict, &outbox, error);
}

static bool forward(lk_work *work, int64_t ticket, int64_t message, GError **error)
{
	const GPtrArray *addresses = work->route.rules.forward;
	const lk_rule *rule = lk_rule_result_setter(&work->route.rules, "forward");

	if (!rule || work->intake->is_silent)
		return true;
	g_autofree char *reason = reason_of(rule, "a copy of the mail");
	for (unsigned i = 0; i < addresses->len; i++)
		if (!send_copy(work, ticket, message, LK_PURPOSE_NOTE,
			       g_ptr_array_index(addresses, i), NULL, reason, error))
			return false;
	return true;
}

/* The customer's mail to the supplier, whose answers come back as notes; the ticket waits for it.
 */
static bool hand_over(lk_work *work, int64_t ticket, int64_t message, GError **error)
{
	const lk_supplier *supplier = work->route.rules.supplier;
	const lk_rule *rule = lk_rule_result_setter(&work->route.rules, "supplier");

	if (!rule || !supplier || work->intake->is_silent || supplier->addresses->len == 0)
		return true;
	g_autofree char *did = g_strdup_printf("handed to supplier %s", supplier->name);
	g_autofree char *reason = reason_of(rule, did);
	g_autofree char *actor = actor_of(rule);
	g_autoptr(lk_json) detail = place_of(rule);
	lk_event event = {.ticket = ticket,
			  .message = message,
			  .at = work->at,
			  .actor = actor,
			  .event = "supplier_asked",
			  .reason = reason,
			  .detail = detail};
	lk_move given = {.ticket = ticket,
			 .status = LK_STATUS_WAITING_SUPPLIER,
			 .at = work->at,
			 .actor = actor,
			 .reason = reason,
			 .message = message};

	lk_json_set_text(detail, "supplier", supplier->name);
	if (!send_copy(work, ticket, message, LK_PURPOSE_SUPPLIER,
		       g_ptr_array_index(supplier->addresses, 0), supplier->name, reason, error) ||
	    !lk_event_add(work->db, &event, error))
		return false;
	/* A status by a rule holds. */
	return work->route.rules.status ||
	       lk_ticket_move(work->db, work->policy, &given, NULL, error);
}

bool lk_work_rules_after(lk_work *work, int64_t ticket, int64_t message, bool is_new,
			 GError **error)
{
	const lk_rule_result *rules = &work->route.rules;

	if (!is_new &&
	    (!change(work, ticket, message, "queue", LK_CHANGE_QUEUE,
		     rules->queue ? rules->queue->name : NULL, error) ||
	     !change(work, ticket, message, "type", LK_CHANGE_TYPE, rules->type, error) ||
	     !change(work, ticket, message, "priority", LK_CHANGE_PRIORITY, rules->priority,
		     error)))
		return false;
	/* Another service level is another due time. */
	if (!is_new && rules->sla &&
	    !lk_ticket_start_clocks(work->db, work->policy, ticket, work->at, work->actor, message,
				    error))
		return false;
	return move(work, ticket, message, error) && forward(work, ticket, message, error) &&
	       hand_over(work, ticket, message, error);
}
