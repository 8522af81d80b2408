/* Commands that change what a ticket is: owner, queue, priority, type, tags, fields, people. */
#include "lib/desk/execute-private.h"

#include "lib/base/hash.h"
#include "lib/base/text.h"
#include "lib/base/units.h"
#include "lib/desk/absence.h"
#include "lib/desk/notice.h"

#include <string.h>

enum { MAX_TAGS = 100, MAX_FIELDS = 100, MAX_PARTICIPANTS = 100 };

/* --- people ----------------------------------------------------------------------------------- */

/* The local part of an address, or the first word of a name. */
static bool is_short_name(const lk_agent *agent, const char *folded)
{
	g_autofree char *name = lk_command_fold(agent->name ? agent->name : "");
	size_t first = strcspn(name, " ");
	size_t local = strcspn(agent->address, "@");

	return (strlen(folded) == local && strncmp(agent->address, folded, local) == 0) ||
	       (first > 0 && strlen(folded) == first && strncmp(name, folded, first) == 0);
}

const lk_agent *lk_agent_named(const lk_policy *policy, const char *word)
{
	const lk_agent *found = lk_policy_agent(policy, word);
	g_autofree char *folded = lk_command_fold(word);

	for (unsigned i = 0; !found && i < policy->agents->len; i++) {
		const lk_agent *agent = g_ptr_array_index(policy->agents, i);
		g_autofree char *name = lk_command_fold(agent->name ? agent->name : "");
		if (*name && strcmp(name, folded) == 0)
			found = agent;
	}
	if (found)
		return found;
	for (unsigned i = 0; i < policy->agents->len; i++) {
		const lk_agent *agent = g_ptr_array_index(policy->agents, i);
		if (!is_short_name(agent, folded))
			continue;
		if (found) /* two of that name: which one was meant is not for us to guess */
			return NULL;
		found = agent;
	}
	return found;
}

static const char *nearest_agent(const lk_policy *policy, const char *word)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (unsigned i = 0; i < policy->agents->len; i++) {
		const lk_agent *agent = g_ptr_array_index(policy->agents, i);
		g_ptr_array_add(names, agent->address);
	}
	return lk_nearest_word(word, (const char *const *)names->pdata, names->len);
}

static bool notify_owner(lk_run *run, const lk_agent *agent, GError **error)
{
	lk_notice notice = {.kind = LK_NOTICE_ASSIGNED,
			    .ticket = run->ticket,
			    .message = lk_row_int(run->row, 0, "customer_message"),
			    .queue = run->queue,
			    .owner = agent->address,
			    .customer = lk_run_text(run, "requester_name")
						? lk_run_text(run, "requester_name")
						: lk_run_text(run, "requester"),
			    .reason = "the ticket was given to this agent"};

	if (!run->queue || agent == run->how->agent)
		return true;
	return lk_notice_send_to(run->db, run->policy, run->how->now, &notice, agent, error);
}

bool lk_run_set_owner(lk_run *run, const lk_agent *agent, const char *reason, GError **error)
{
	const char *was = lk_run_text(run, "owner");
	const char *now = agent ? agent->address : NULL;
	lk_json *detail = NULL;

	lk_run_touch(run, run->ticket);
	if (g_strcmp0(was, now) == 0)
		return true;
	detail = lk_json_object();
	lk_json_set_text(detail, "from", was);
	lk_json_set_text(detail, "to", now);
	return lk_run_change_text(run, "owner", now, error) &&
	       lk_run_event(run, "owner", reason, detail, error);
}

bool lk_run_take(lk_run *run, GError **error)
{
	bool is_ok = false;

	if (!run->how->agent)
		return lk_run_problem(run, LK_PROBLEM_NO_SELF, "take", NULL);
	if (!lk_agent_serves(run->policy, run->how->agent, run->queue))
		return lk_run_problem(run, LK_PROBLEM_NOT_IN_QUEUE, run->how->agent->address,
				      lk_run_text(run, "queue"));
	if (!lk_run_move(run, LK_EVENT_TAKE, "an agent took the ticket", 0, &is_ok, error))
		return false;
	return !is_ok || lk_run_set_owner(run, run->how->agent, "took the ticket", error);
}

/* The deputy of one who is away, if the deputy serves the queue, too. */
static bool stand_in(lk_run *run, const lk_agent **agent, GError **error)
{
	const lk_agent *other = NULL;
	bool is_away = false;

	if (!lk_absence_stand_in(run->db, run->policy, *agent, run->how->now, &other, &is_away,
				 error))
		return false;
	if (!is_away)
		return true;
	if (!other || !lk_agent_serves(run->policy, other, run->queue))
		return lk_run_remark(run, LK_REMARK_AWAY_ALONE, (*agent)->address,
				     lk_run_text(run, "queue"));
	lk_run_remark(run, LK_REMARK_DEPUTY, (*agent)->address, other->address);
	*agent = other;
	return true;
}

bool lk_run_assign(lk_run *run, GError **error)
{
	const lk_command *c = run->command;
	const lk_agent *agent = NULL;
	bool is_ok = false;

	if (c->is_none)
		return lk_run_set_owner(run, NULL, "taken from its owner", error);
	agent = lk_agent_named(run->policy, c->text);
	if (!agent)
		return lk_run_problem(run, LK_PROBLEM_AGENT, c->text,
				      nearest_agent(run->policy, c->text));
	if (!lk_agent_serves(run->policy, agent, run->queue))
		return lk_run_problem(run, LK_PROBLEM_NOT_IN_QUEUE, agent->address,
				      lk_run_text(run, "queue"));
	if (!stand_in(run, &agent, error) ||
	    !lk_run_move(run, LK_EVENT_ASSIGN, "the ticket was given to an agent", 0, &is_ok,
			 error))
		return false;
	bool is_same = g_strcmp0(lk_run_text(run, "owner"), agent->address) == 0;
	return !is_ok || (lk_run_set_owner(run, agent, "given by a colleague", error) &&
			  (is_same || notify_owner(run, agent, error)));
}

static void add_texts(GPtrArray *to, const GPtrArray *from)
{
	for (unsigned i = 0; from && i < from->len; i++)
		g_ptr_array_add(to, g_ptr_array_index(from, i));
}

/* Queues where the agent works, not those that are only open to their eyes. */
static GPtrArray *own_queues(const lk_run *run)
{
	GPtrArray *names = g_ptr_array_new();
	const lk_agent *agent = run->how->agent;

	for (unsigned i = 0; i < run->policy->queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(run->policy->queues, i);
		for (unsigned k = 0; k < queue->agents->len + queue->managers->len; k++) {
			const char *address = k < queue->agents->len
						      ? g_ptr_array_index(queue->agents, k)
						      : g_ptr_array_index(queue->managers,
									  k - queue->agents->len);
			if (lk_policy_agent(run->policy, address) == agent) {
				g_ptr_array_add(names, queue->name);
				break;
			}
		}
	}
	return names;
}

/* The full notice of a ticket that #next gave: the agent has seen nothing of it. */
static bool show_next(lk_run *run, GError **error)
{
	const char *name = lk_run_text(run, "requester_name");
	lk_notice notice = {.kind = LK_NOTICE_ASSIGNED,
			    .ticket = run->ticket,
			    .message = lk_row_int(run->row, 0, "customer_message"),
			    .queue = run->queue,
			    .owner = run->how->agent->address,
			    .customer = name ? name : lk_run_text(run, "requester"),
			    .reason = "the agent asked for the next ticket"};

	return !run->queue || lk_notice_send_to(run->db, run->policy, run->how->now, &notice,
						run->how->agent, error);
}

bool lk_run_next(lk_run *run, GError **error)
{
	const lk_agent *agent = run->how->agent;
	g_autoptr(GPtrArray) queues = NULL;
	g_autoptr(GPtrArray) skills = g_ptr_array_new();
	g_autoptr(GPtrArray) languages = g_ptr_array_new();
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	if (!agent)
		return lk_run_problem(run, LK_PROBLEM_NO_SELF, "next", NULL);
	queues = own_queues(run);
	add_texts(skills, agent->skills);
	add_texts(languages, agent->languages);
	lk_param_texts(params, queues);
	lk_param_texts(params, skills);
	lk_param_texts(params, languages);
	lk_param_time(params, run->how->now);
	lk_param_int(params, run->command->number ? run->command->number : 1);
	if (!lk_db_run(run->db, LK_Q_COMMAND_NEXT, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return lk_run_remark(run, LK_REMARK_NO_NEXT, NULL, NULL);
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		bool is_ok = false;
		if (!lk_run_enter(run, lk_row_int(rows, i, "id"), error) ||
		    !lk_run_move(run, LK_EVENT_TAKE, "an agent took the most urgent ticket", 0,
				 &is_ok, error) ||
		    !lk_run_set_owner(run, agent, "took the most urgent ticket (#next)", error) ||
		    !show_next(run, error))
			return false;
	}
	return true;
}

/* --- queue, priority, type -------------------------------------------------------------------- */

static bool is_title(const lk_queue *queue, const char *folded)
{
	for (unsigned i = 0; i < LK_N_LANGS; i++) {
		g_autofree char *title =
			queue->title.in[i] ? lk_command_fold(queue->title.in[i]) : NULL;
		if (title && strcmp(title, folded) == 0)
			return true;
	}
	return false;
}

/* By name, title or address; *ret_near: the nearest name. */
static const lk_queue *find_queue(const lk_policy *policy, const char *word, const char **ret_near)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *folded = lk_command_fold(word);

	if (strchr(word, '@'))
		return lk_policy_queue_by_address(policy, word);
	for (unsigned i = 0; i < policy->queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(policy->queues, i);
		g_autofree char *name = lk_command_fold(queue->name);
		if (strcmp(name, folded) == 0 || is_title(queue, folded))
			return queue;
		g_ptr_array_add(names, queue->name);
	}
	*ret_near = lk_nearest_word(folded, (const char *const *)names->pdata, names->len);
	return NULL;
}

static bool tell_transfer(lk_run *run, const lk_queue *to, GError **error)
{
	const char *name = lk_run_text(run, "requester_name");
	lk_notice notice = {.kind = LK_NOTICE_TRANSFERRED,
			    .ticket = run->ticket,
			    .message = lk_row_int(run->row, 0, "customer_message"),
			    .queue = to,
			    .notify = to->notify,
			    .doer = run->how->agent ? run->how->agent->address : NULL,
			    .customer = name ? name : lk_run_text(run, "requester"),
			    .reason = "the ticket was moved to this queue"};

	if (!lk_notice_send(run->db, run->policy, run->how->now, &notice, error))
		return false;
	if (!to->tell_on_transfer)
		return true;
	lk_lang lang = lk_run_language(run);
	lk_json *variables = lk_json_object();
	lk_json_set_text(variables, "queue_title",
			 lk_text_in(&to->title, lang, run->policy->language));
	return lk_run_tell_requester(run, "transfer", variables,
				     "the ticket was moved to another queue (tell_on_transfer)",
				     error);
}

bool lk_run_queue(lk_run *run, GError **error)
{
	const char *near = NULL;
	const lk_queue *to = find_queue(run->policy, run->command->text, &near);
	const char *owner = lk_run_text(run, "owner");
	const lk_agent *agent = owner ? lk_policy_agent(run->policy, owner) : NULL;
	bool is_ok = false;

	if (!to)
		return lk_run_problem(run, LK_PROBLEM_QUEUE, run->command->text, near);
	if (!lk_run_move(run, LK_EVENT_QUEUE, "moved to another queue", 0, &is_ok, error))
		return false;
	lk_run_touch(run, run->ticket);
	if (!is_ok || to == run->queue)
		return true;
	if (!lk_run_change_level(run, LK_CHANGE_QUEUE, to->name, "moved by an agent", error))
		return false;
	/* Who does not serve the new queue cannot own its tickets. */
	if (owner && (!agent || !lk_agent_serves(run->policy, agent, to)) &&
	    !lk_run_set_owner(run, NULL, "its owner does not serve the new queue", error))
		return false;
	run->queue = to;
	return tell_transfer(run, to, error);
}

bool lk_run_priority(lk_run *run, GError **error)
{
	return lk_run_change_level(run, LK_CHANGE_PRIORITY,
				   lk_priority_name(run->command->priority), "set by an agent",
				   error);
}

bool lk_run_type(lk_run *run, GError **error)
{
	const char *word = run->command->text;
	g_autofree char *folded = lk_command_fold(word);
	const GPtrArray *types = run->queue ? run->queue->types : NULL;
	g_autoptr(GString) list = g_string_new(NULL);

	for (unsigned i = 0; types && i < types->len; i++) {
		const char *type = g_ptr_array_index(types, i);
		g_autofree char *other = lk_command_fold(type);
		if (strcmp(other, folded) == 0)
			return lk_run_change_level(run, LK_CHANGE_TYPE, type, "set by an agent",
						   error);
		g_string_append_printf(list, "%s%s", i ? ", " : "", type);
	}
	return lk_run_problem(run, LK_PROBLEM_TYPE, word, list->len ? list->str : NULL);
}

/* --- tags, fields, title ---------------------------------------------------------------------- */

static bool has_text(const GPtrArray *texts, const char *text)
{
	for (unsigned i = 0; i < texts->len; i++)
		if (strcmp(g_ptr_array_index(texts, i), text) == 0)
			return true;
	return false;
}

bool lk_run_tag(lk_run *run, GError **error)
{
	g_autoptr(GPtrArray) tags = lk_row_texts(run->row, 0, "tags");
	const lk_command *c = run->command;
	lk_json *list = lk_json_array();
	lk_json *changes = lk_json_object();
	unsigned n = 0;

	for (unsigned i = 0; i < tags->len; i++)
		if (!has_text(c->remove, g_ptr_array_index(tags, i))) {
			lk_json_push_text(list, g_ptr_array_index(tags, i));
			n++;
		}
	for (unsigned i = 0; i < c->add->len && n < MAX_TAGS; i++)
		if (!has_text(tags, g_ptr_array_index(c->add, i)) ||
		    has_text(c->remove, g_ptr_array_index(c->add, i))) {
			lk_json_push_text(list, g_ptr_array_index(c->add, i));
			n++;
		}
	lk_json_take(changes, "tags", list);
	return lk_run_change(run, changes, error) &&
	       lk_run_event(run, "tags", c->line, NULL, error);
}

/* The field as the queue writes its name; a new one as the agent wrote it. */
static char *field_name(const lk_run *run, const lk_json *fields, const char *name)
{
	g_autofree char *folded = lk_command_fold(name);
	g_autoptr(GPtrArray) keys = lk_json_keys(fields);

	for (unsigned i = 0; run->queue && i < run->queue->required->len; i++) {
		const lk_required *required = g_ptr_array_index(run->queue->required, i);
		g_autofree char *other = lk_command_fold(required->field);
		if (strcmp(other, folded) == 0)
			return g_strdup(required->field);
	}
	for (unsigned i = 0; i < keys->len; i++) {
		g_autofree char *other = lk_command_fold(g_ptr_array_index(keys, i));
		if (strcmp(other, folded) == 0)
			return g_strdup(g_ptr_array_index(keys, i));
	}
	return g_strdup(name);
}

static bool is_required_now(const lk_run *run, const lk_required *required)
{
	const char *type = lk_run_text(run, "type");
	const char *colon = required->when ? strchr(required->when, ':') : NULL;

	return !colon || (type && g_ascii_strcasecmp(colon + 1, type) == 0);
}

/* Required fields of the queue without a value, in the order they are asked for. Caller unrefs. */
GPtrArray *lk_run_missing(const lk_run *run, const lk_json *fields)
{
	GPtrArray *missing = g_ptr_array_new();

	for (unsigned i = 0; run->queue && i < run->queue->required->len; i++) {
		const lk_required *required = g_ptr_array_index(run->queue->required, i);
		const char *value = lk_json_get_text(fields, required->field);
		if (is_required_now(run, required) && (!value || !*value))
			g_ptr_array_add(missing, required->field);
	}
	return missing;
}

bool lk_run_field(lk_run *run, GError **error)
{
	const char *text = lk_run_text(run, "fields");
	g_autoptr(lk_json) was = NULL;
	lk_json *fields = lk_json_object();
	lk_json *changes = lk_json_object();

	lk_json_take(changes, "fields", fields);
	if (!lk_json_parse(text, strlen(text), &was, error)) {
		lk_json_unref(changes);
		return false;
	}
	g_autofree char *name = field_name(run, was, run->command->name);
	g_autoptr(GPtrArray) keys = lk_json_keys(was);
	for (unsigned i = 0; i < keys->len && i < MAX_FIELDS; i++) {
		const char *key = g_ptr_array_index(keys, i);
		if (strcmp(key, name) != 0)
			lk_json_set_text(fields, key, lk_json_get_text(was, key));
	}
	if (*run->command->text)
		lk_json_set_text(fields, name, run->command->text);
	g_autoptr(GPtrArray) missing = lk_run_missing(run, fields);
	lk_json *list = lk_json_array();
	for (unsigned i = 0; i < missing->len; i++)
		lk_json_push_text(list, g_ptr_array_index(missing, i));
	lk_json_take(changes, "missing_fields", list);
	lk_json *detail = lk_json_object();
	lk_json_set_text(detail, "field", name);
	lk_json_set_text(detail, "from", lk_json_get_text(was, name));
	lk_json_set_text(detail, "to", run->command->text);
	return lk_run_change(run, changes, error) &&
	       lk_run_event(run, "field", "set by an agent", detail, error);
}

bool lk_run_subject(lk_run *run, GError **error)
{
	lk_json *detail = lk_json_object();

	lk_json_set_text(detail, "from", lk_run_text(run, "title"));
	lk_json_set_text(detail, "to", run->command->text);
	return lk_run_change_text(run, "title", run->command->text, error) &&
	       lk_run_event(run, "title", "set by an agent; the customer's subject stays", detail,
			    error);
}

/* --- people of the ticket --------------------------------------------------------------------- */

static bool person_of(lk_run *run, const char *address, int64_t *ret_person, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	const lk_organisation *organisation = lk_policy_organisation(run->policy, address);
	uint8_t hash[LK_KEY_HASH_BYTES];

	lk_key_hash(address, hash);
	lk_param_bytes(params, hash, sizeof(hash));
	lk_param_text(params, address);
	lk_param_text(params, organisation ? organisation->name : NULL);
	lk_param_time(params, run->how->now);
	if (!lk_db_run(run->db, LK_Q_COMMAND_PERSON, params, &rows, error))
		return false;
	*ret_person = lk_row_int(rows, 0, "id");
	return true;
}

bool lk_run_add_participant(lk_run *run, int64_t person, const char *role, bool *ret_is_new,
			    GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_int(params, run->ticket);
	lk_param_int(params, person);
	lk_param_text(params, role);
	lk_param_text(params, run->how->actor);
	lk_param_time(params, run->how->now);
	if (!lk_db_run(run->db, LK_Q_COMMAND_CC_ADD, params, &rows, error))
		return false;
	*ret_is_new = lk_rows_affected(rows) > 0;
	return true;
}

static bool tell_people(lk_run *run, const char *event, const char *address, GError **error)
{
	lk_json *detail = lk_json_object();

	lk_json_set_text(detail, "address", address);
	return lk_run_event(run, event, "by an agent's #cc", detail, error);
}

static bool add_cc(lk_run *run, const char *address, GError **error)
{
	int64_t person = 0;
	bool is_new = false;

	if (lk_policy_is_own_address(run->policy, address))
		return lk_run_problem(run, LK_PROBLEM_OWN_ADDRESS, address, NULL);
	if (!person_of(run, address, &person, error) ||
	    !lk_run_add_participant(run, person, "cc", &is_new, error))
		return false;
	lk_run_touch(run, run->ticket);
	if (!is_new)
		return true;
	lk_json_set_text(lk_run_step(run, "cc_added"), "address", address);
	return tell_people(run, "participant_added", address, error);
}

static bool remove_cc(lk_run *run, const char *address, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	uint8_t hash[LK_KEY_HASH_BYTES];

	lk_key_hash(address, hash);
	lk_param_int(params, run->ticket);
	lk_param_bytes(params, hash, sizeof(hash));
	if (!lk_db_run(run->db, LK_Q_COMMAND_CC_REMOVE, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return lk_run_remark(run, LK_REMARK_NOT_COPIED, address, NULL);
	lk_json_set_int(lk_run_step(run, "cc_removed"), "person", lk_row_int(rows, 0, "person"));
	return tell_people(run, "participant_removed", address, error);
}

bool lk_run_cc(lk_run *run, GError **error)
{
	const lk_command *c = run->command;

	for (unsigned i = 0; i < c->remove->len; i++)
		if (!remove_cc(run, g_ptr_array_index(c->remove, i), error))
			return false;
	for (unsigned i = 0; i < c->add->len && i < MAX_PARTICIPANTS; i++)
		if (!add_cc(run, g_ptr_array_index(c->add, i), error))
			return false;
	return true;
}

bool lk_run_for(lk_run *run, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	int64_t person = 0;
	bool is_new = false;

	if (lk_policy_is_own_address(run->policy, run->command->text))
		return lk_run_problem(run, LK_PROBLEM_OWN_ADDRESS, run->command->text, NULL);
	if (!person_of(run, run->command->text, &person, error))
		return false;
	lk_param_int(params, run->ticket);
	lk_param_int(params, person);
	if (!lk_db_run(run->db, LK_Q_COMMAND_REQUESTER, params, &rows, error))
		return false;
	lk_json *step = lk_run_step(run, "requester");
	lk_json_set_int(step, "person", lk_row_int(rows, 0, "person"));
	lk_json_set_int(step, "left", person);
	lk_json *detail = lk_json_object();
	lk_json_set_text(detail, "from", lk_run_text(run, "requester"));
	lk_json_set_text(detail, "to", run->command->text);
	return lk_run_add_participant(run, person, "requester", &is_new, error) &&
	       lk_run_event(run, "requester", "an agent wrote for this customer", detail, error);
}

static const lk_organisation *organisation_of(const lk_policy *policy, const char *word)
{
	g_autofree char *folded = lk_command_fold(word);

	for (unsigned i = 0; i < policy->organisations->len; i++) {
		const lk_organisation *one = g_ptr_array_index(policy->organisations, i);
		g_autofree char *name = lk_command_fold(one->name);
		if (strcmp(name, folded) == 0)
			return one;
	}
	return NULL;
}

static bool no_organisation(lk_run *run, const char *word, GError **error)
{
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	if (!lk_db_run(run->db, LK_Q_COMMAND_ORGANISATION_NAMES, NULL, &rows, error))
		return false;
	for (unsigned i = 0; i < run->policy->organisations->len; i++) {
		const lk_organisation *one = g_ptr_array_index(run->policy->organisations, i);
		g_ptr_array_add(names, one->name);
	}
	for (size_t i = 0; i < lk_rows_count(rows); i++)
		g_ptr_array_add(names, (void *)lk_row_text(rows, i, "name"));
	return lk_run_problem(run, LK_PROBLEM_ORGANISATION, word,
			      lk_nearest_word(word, (const char *const *)names->pdata, names->len));
}

bool lk_run_organisation(lk_run *run, GError **error)
{
	const char *word = run->command->text;
	const lk_organisation *known = word ? organisation_of(run->policy, word) : NULL;
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	const char *name = known ? known->name : NULL;

	if (!name && word) {
		lk_param_text(params, word);
		if (!lk_db_run(run->db, LK_Q_COMMAND_ORGANISATION, params, &rows, error))
			return false;
		if (lk_rows_count(rows) == 0)
			return no_organisation(run, word, error);
		name = lk_row_text(rows, 0, "name");
	}
	return lk_run_change_level(run, LK_CHANGE_ORGANISATION, name, "set by an agent", error);
}

bool lk_run_survey(lk_run *run, GError **error)
{
	if (run->how->agent && !lk_agent_manages(run->policy, run->how->agent, run->queue))
		return lk_run_problem(run, LK_PROBLEM_MANAGERS, "survey", NULL);
	return lk_run_change_text(run, "survey_excluded", run->command->text, error) &&
	       lk_run_event(run, "survey_excluded", run->command->text, NULL, error);
}
