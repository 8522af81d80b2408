/* Required fields and assignment, for tickets that are opened or joined. */
#include "lib/desk/ingest-fields.h"

#include "lib/desk/absence.h"
#include "lib/desk/authority.h"
#include "lib/desk/ingest-rules.h"
#include "lib/desk/subject.h"

#include <string.h>

static bool opens(const lk_work *work)
{
	return work->plan.outcome == LK_OUTCOME_TICKET && work->plan.ticket == 0;
}

/* --- fields ----------------------------------------------------------------------------------- */

static void add_rule_fields(const lk_work *work, lk_json *json)
{
	for (unsigned i = 0; i < work->route.rules.fields->len; i++) {
		const lk_rule_field *field = g_ptr_array_index(work->route.rules.fields, i);

		lk_json_set_text(json, field->name, field->value);
	}
}

static void find_new(lk_work *work)
{
	const lk_mail *mail = work->mail;
	g_autofree char *subject = lk_subject_base(work->policy, mail->subject);
	g_autoptr(lk_json) known = lk_json_object();

	add_rule_fields(work, known); /* what rules filled needs no finding */
	lk_fields_facts facts = {
		.queue = work->route.queue,
		.type = work->route.type,
		.known = known,
		.subject = subject,
		.words = mail->reply_text && *mail->reply_text ? mail->reply_text : mail->text,
	};
	lk_fields_find(&facts, &work->fields);
}

/* A customer's own answer: not a guest's, and nothing that is only a note or automatic. */
static bool is_answer(const lk_work *work)
{
	const lk_plan *plan = &work->plan;

	return plan->outcome == LK_OUTCOME_TICKET && plan->ticket && !plan->is_note &&
	       work->mail->kind == LK_KIND_NORMAL && !work->mail->is_unparsed &&
	       (plan->writer == LK_WRITER_REQUESTER || plan->writer == LK_WRITER_PARTICIPANT);
}

static bool find_answer(lk_work *work, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GPtrArray) asked = NULL;
	g_autoptr(lk_json) known = NULL;

	lk_param_int(params, work->plan.ticket);
	if (!lk_db_run(work->db, work->is_dry ? LK_Q_FIELD_PEEK : LK_Q_FIELD_MISSING, params, &rows,
		       error))
		return false;
	if (lk_rows_count(rows) == 0)
		return true;
	asked = lk_row_texts(rows, 0, "missing_fields");
	known = lk_json_object();
	add_rule_fields(work, known);
	lk_fields_facts facts = {
		.queue = lk_policy_queue(work->policy, lk_row_text(rows, 0, "queue")),
		.type = lk_row_text(rows, 0, "type"),
		.known = known,
		.asked = asked,
		.words = work->mail->reply_text,
		.text = work->mail->text,
	};
	if (facts.queue)
		lk_fields_find(&facts, &work->fields);
	return true;
}

static lk_json *found_json(const lk_work *work)
{
	lk_json *json = lk_json_object();

	for (unsigned i = 0; work->fields.found && i < work->fields.found->len; i++) {
		const lk_field_found *found = g_ptr_array_index(work->fields.found, i);

		lk_json_set_text(json, found->required->field, found->value);
	}
	return json;
}

/* The rules' fields and what was found beside them. */
static lk_json *all_json(const lk_work *work)
{
	lk_json *json = found_json(work);

	add_rule_fields(work, json);
	return json;
}

char *lk_work_fields(const lk_work *work)
{
	g_autoptr(lk_json) json = all_json(work);

	return lk_json_dump(json, false);
}

GPtrArray *lk_work_missing(const lk_work *work)
{
	GPtrArray *names = g_ptr_array_new();

	for (unsigned i = 0; work->fields.missing && i < work->fields.missing->len; i++) {
		const lk_required *required = g_ptr_array_index(work->fields.missing, i);

		g_ptr_array_add(names, required->field);
	}
	return names;
}

static void tell_found(lk_work *work, int64_t ticket)
{
	for (unsigned i = 0; work->fields.found && i < work->fields.found->len; i++) {
		const lk_field_found *found = g_ptr_array_index(work->fields.found, i);
		const char *source = lk_field_source_words(found->source);
		g_autofree char *reason =
			g_strdup_printf("%s: found %s", found->required->field, source);
		lk_json *detail = lk_json_object();

		lk_json_set_text(detail, "field", found->required->field);
		lk_json_set_text(detail, "value", found->value);
		lk_json_set_text(detail, "source", source);
		lk_work_tell(work, ticket, "field_filled", reason, detail);
	}
	if (work->fields.is_given_up)
		lk_work_tell(work, ticket, "pattern_given_up",
			     "the pattern of a required field took too long on this mail: what it "
			     "would have found is missing",
			     NULL);
}

static void tell_missing(lk_work *work, int64_t ticket)
{
	g_autoptr(GPtrArray) names = lk_work_missing(work);
	g_autofree char *joined = NULL;
	g_autofree char *reason = NULL;
	lk_json *detail = NULL;
	lk_json *array = NULL;

	if (names->len == 0)
		return;
	detail = lk_json_object();
	array = lk_json_array();
	for (unsigned i = 0; i < names->len; i++)
		lk_json_push_text(array, g_ptr_array_index(names, i));
	lk_json_take(detail, "fields", array);
	g_ptr_array_add(names, NULL);
	joined = g_strjoinv(", ", (char **)names->pdata);
	reason = g_strdup_printf(work->plan.acknowledge
					 ? "missing: %s; the acknowledgement asks for it"
					 : "missing: %s; nobody was asked, as nothing was "
					   "acknowledged",
				 joined);
	lk_work_tell(work, ticket, work->plan.acknowledge ? "fields_asked" : "fields_missing",
		     reason, detail);
}

bool lk_work_fill_joined(lk_work *work, int64_t ticket, GError **error)
{
	g_autoptr(lk_json) json = NULL;
	g_autofree char *text = NULL;
	g_autoptr(lk_params) params = NULL;

	tell_found(work, ticket);
	if (!work->fields.found || work->fields.found->len == 0)
		return true;
	json = found_json(work);
	text = lk_json_dump(json, false);
	params = lk_params_new();
	lk_param_int(params, ticket);
	lk_param_text(params, text);
	lk_param_time(params, work->at);
	return lk_db_run(work->db, LK_Q_FIELD_FILLED, params, NULL, error);
}

void lk_work_ask(const lk_work *work, lk_json *variables)
{
	bool has_missing = work->fields.missing && work->fields.missing->len > 0;

	lk_json_set_bool(variables, "has_missing", has_missing);
	if (has_missing)
		lk_json_take(variables, "missing",
			     lk_fields_questions(work->policy, work->fields.missing));
	if (work->fields.found)
		lk_json_take(variables, "understood",
			     lk_fields_answers(work->policy, work->fields.found));
}

/* --- assignment ------------------------------------------------------------------------------- */

/* What a rule has finished needs nobody. */
static bool is_finished(const lk_work *work)
{
	const char *status = work->route.rules.status;

	return g_strcmp0(status, lk_status_name(LK_STATUS_JUNK)) == 0 ||
	       g_strcmp0(status, lk_status_name(LK_STATUS_RESOLVED)) == 0 ||
	       g_strcmp0(status, lk_status_name(LK_STATUS_CLOSED)) == 0;
}

static bool find_away(lk_work *work, const lk_agent *owner, GHashTable **ret_away, GError **error)
{
	const lk_queue *queue = work->route.queue;
	g_autoptr(GPtrArray) agents = g_ptr_array_new();

	for (unsigned i = 0; queue->assign != LK_ASSIGN_NONE && i < queue->agents->len; i++) {
		const lk_agent *agent =
			lk_policy_agent(work->policy, g_ptr_array_index(queue->agents, i));

		if (agent)
			g_ptr_array_add(agents, agent->address);
	}
	if (owner)
		g_ptr_array_add(agents, owner->address);
	return lk_absence_find(work->db, work->policy,
			       (const char *const *)(const void *)agents->pdata, agents->len,
			       work->now, ret_away, error);
}

/* The deputy of a rule's owner who is away stands in, if the deputy serves the queue, too. */
static bool find_owner(lk_work *work, const char **ret_owner, GError **error)
{
	const char *given = work->route.rules.owner;
	const lk_agent *owner = given ? lk_policy_agent(work->policy, given) : NULL;
	const lk_agent *deputy = NULL;

	*ret_owner = given;
	if (!owner)
		return true;
	if (!lk_absence_stand_in(work->db, work->policy, owner, work->now, &deputy, NULL, error))
		return false;
	if (deputy && lk_agent_serves(work->policy, deputy, work->route.queue))
		*ret_owner = deputy->address;
	return true;
}

static void tell_deputy(lk_work *work, const char *owner)
{
	lk_assignment *assign = &work->assign;
	g_autofree char *before = NULL;

	if (!assign->by_rule || strcmp(owner, work->route.rules.owner) == 0)
		return;
	before = g_steal_pointer(&assign->reason);
	assign->reason = g_strdup_printf("%s, %s, who is away: %s stands in", before,
					 work->route.rules.owner, owner);
}

static bool assign(lk_work *work, GError **error)
{
	g_autofree char *last = NULL;
	g_autoptr(GHashTable) open = NULL;
	g_autoptr(GHashTable) away = NULL;
	lk_assign_facts facts = {
		.queue = work->route.queue,
		.skill = work->route.rules.skill,
		.language = work->plan.is_bilingual ? NULL : lk_lang_code(work->plan.language),
	};
	bool needs_look = lk_assign_needs_look(&facts);

	if (is_finished(work) || (!needs_look && !work->route.rules.owner)) {
		work->assign.reason = g_strdup("nobody is asked for");
		return true;
	}
	if (!find_owner(work, &facts.owner, error) ||
	    !find_away(work, lk_policy_agent(work->policy, facts.owner), &away, error))
		return false;
	facts.away = away;
	if (needs_look && !lk_assign_look(work->db, work->policy, facts.queue, !work->is_dry, &last,
					  &open, error))
		return false;
	facts.last = last;
	facts.open = open;
	lk_assign_decide(work->policy, &facts, &work->assign);
	tell_deputy(work, facts.owner);
	return true;
}

const char *lk_work_owner(const lk_work *work)
{
	return work->assign.agent ? work->assign.agent->address : NULL;
}

static void tell_assigned(lk_work *work, int64_t ticket)
{
	const lk_assignment *assigned = &work->assign;
	const lk_rule *rule = lk_rule_result_setter(&work->route.rules, "owner");
	g_autofree char *actor =
		assigned->by_rule && rule ? g_strconcat("rule:", rule->name, NULL) : NULL;
	bool was_to_be = work->route.rules.owner ||
			 lk_assign_needs_look(&(lk_assign_facts){.queue = work->route.queue});
	lk_json *detail = NULL;

	if (!was_to_be || is_finished(work))
		return;
	detail = lk_json_object();
	lk_json_set_text(detail, "owner", lk_work_owner(work));
	lk_work_tell_as(work, actor, ticket, assigned->agent ? "assigned" : "unassigned",
			assigned->reason, detail);
}

/* --- both ------------------------------------------------------------------------------------- */

bool lk_work_fill(lk_work *work, GError **error)
{
	if (is_answer(work))
		return find_answer(work, error);
	if (!opens(work))
		return true;
	find_new(work);
	return assign(work, error);
}

void lk_work_fill_clear(lk_work *work)
{
	lk_fields_clear(&work->fields);
	lk_assignment_clear(&work->assign);
}

void lk_work_fill_explain(const lk_work *work, lk_json *json)
{
	g_autoptr(GPtrArray) names = lk_work_missing(work);
	lk_json *missing = lk_json_array();

	for (unsigned i = 0; i < names->len; i++)
		lk_json_push_text(missing, g_ptr_array_index(names, i));
	lk_json_take(json, "missing_fields", missing);
	lk_json_take(json, "fields", all_json(work));
	lk_json_set_text(json, "organisation", work->sender.organisation);
	if (!opens(work))
		return;
	lk_json_set_text(json, "owner", lk_work_owner(work));
	lk_json_set_text(json, "owner_reason", work->assign.reason);
}

bool lk_work_fill_new(lk_work *work, int64_t ticket, GError **error)
{
	tell_found(work, ticket);
	tell_missing(work, ticket);
	tell_assigned(work, ticket);
	return !work->assign.takes_turn ||
	       lk_assign_took(work->db, work->route.queue, work->assign.agent, error);
}
