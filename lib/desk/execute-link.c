/* Commands between tickets: merge, split, link, parent. */
#include "lib/desk/execute-private.h"

#include "lib/base/hash.h"
#include "lib/base/text.h"
#include "lib/desk/subject.h"

#include <string.h>

static bool has_link(lk_run *run, int64_t ticket, int64_t other, const char *relation,
		     bool *ret_has, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_int(params, ticket);
	lk_param_int(params, other);
	lk_param_text(params, relation);
	if (!lk_db_run(run->db, LK_Q_COMMAND_HAS_LINK, params, &rows, error))
		return false;
	*ret_has = lk_row_bool(rows, 0, "has");
	return true;
}

static void keep_link(lk_run *run, const char *what, int64_t ticket, int64_t other,
		      const char *relation)
{
	lk_json *step = lk_run_step(run, what);

	lk_json_set_int(step, "from", ticket);
	lk_json_set_int(step, "other", other);
	lk_json_set_text(step, "relation", relation);
}

/* One direction of a link, with the step that takes it away again. */
static bool add_link(lk_run *run, int64_t ticket, int64_t other, const char *relation,
		     const char *reason, GError **error)
{
	bool has = false;

	if (!has_link(run, ticket, other, relation, &has, error))
		return false;
	if (has)
		return true;
	keep_link(run, "link", ticket, other, relation);
	return lk_ticket_link(run->db, ticket, other, relation, reason, run->how->now, error);
}

static bool remove_link(lk_run *run, int64_t ticket, int64_t other, const char *relation,
			GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	keep_link(run, "unlink", ticket, other, relation);
	lk_param_int(params, ticket);
	lk_param_int(params, other);
	lk_param_text(params, relation);
	return lk_db_run(run->db, LK_Q_COMMAND_UNLINK, params, NULL, error);
}

/* The same word in both histories: "linked" with the other's reference. */
static bool tell_both(lk_run *run, int64_t other, const char *event, const char *here,
		      const char *there, const char *reason, GError **error)
{
	int64_t tickets[] = {run->ticket, other};
	const char *relations[] = {here, there};
	int64_t current = run->ticket;

	for (unsigned i = 0; i < 2; i++) {
		g_autofree char *reference = lk_reference(run->policy, tickets[1 - i]);
		lk_json *detail = lk_json_object();
		lk_json_set_text(detail, "ref", reference);
		lk_json_set_text(detail, "relation", relations[i]);
		run->ticket = tickets[i];
		if (!lk_run_event(run, event, reason, detail, error))
			return false;
		run->ticket = current;
	}
	return true;
}

/* The other ticket of the command; 0: a problem was noted. */
static bool other_ticket(lk_run *run, int64_t *ret_other, GError **error)
{
	if (!lk_run_reference(run, run->command->ticket, ret_other, error))
		return false;
	if (*ret_other != run->ticket)
		return true;
	g_autofree char *reference = lk_reference(run->policy, run->command->ticket);
	*ret_other = 0;
	return lk_run_problem(run, LK_PROBLEM_ITSELF, reference, NULL);
}

bool lk_run_link(lk_run *run, GError **error)
{
	int64_t other = 0;

	if (!other_ticket(run, &other, error))
		return false;
	return !other ||
	       (add_link(run, run->ticket, other, "related", "linked by an agent", error) &&
		tell_both(run, other, "linked", "related", "related", "linked by an agent", error));
}

/* --- merge ------------------------------------------------------------------------------------ */

/* The agent may take them off again. */
static bool remark_joined(lk_run *run, int64_t other, const GPtrArray *joined)
{
	g_autofree char *reference = lk_reference(run->policy, other);
	g_autoptr(GString) list = g_string_new(NULL);

	for (unsigned i = 0; i < joined->len; i++)
		g_string_append_printf(list, "%s%s", i ? ", " : "",
				       (const char *)g_ptr_array_index(joined, i));
	return lk_run_remark(run, LK_REMARK_JOINED, reference, list->str);
}

/* Each is copied on the other ticket, so that later answers reach them; #undo takes them off. */
static bool join_people(lk_run *run, int64_t other, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GPtrArray) joined = g_ptr_array_new();
	int64_t current = run->ticket;
	bool done = true;

	lk_param_int(params, current);
	if (!lk_db_run(run->db, LK_Q_COMMAND_PARTICIPANTS, params, &rows, error))
		return false;
	run->ticket = other;
	for (size_t i = 0; done && i < lk_rows_count(rows); i++) {
		const char *address = lk_row_text(rows, i, "address");
		int64_t person = lk_row_int(rows, i, "id");
		bool is_new = false;
		lk_json *detail = NULL;
		done = lk_run_add_participant(run, person, "cc", &is_new, error);
		if (!done || !is_new)
			continue;
		lk_json_set_int(lk_run_step(run, "cc_joined"), "person", person);
		g_ptr_array_add(joined, (void *)address);
		detail = lk_json_object();
		lk_json_set_text(detail, "address", address);
		done = lk_run_event(run, "participant_added",
				    "took part in a ticket that was merged into this one", detail,
				    error);
	}
	run->ticket = current;
	return done && (joined->len == 0 || remark_joined(run, other, joined));
}

/*
 * The messages stay where they are; merged_into leads later mail, references and people to the
 * other ticket, and taking it back is one change.
 */
bool lk_run_merge(lk_run *run, GError **error)
{
	int64_t other = 0;
	bool is_ok = false;

	if (!other_ticket(run, &other, error))
		return false;
	if (!other)
		return true;
	lk_json *changes = lk_json_object();
	lk_json_set_int(changes, "merged_into", other);
	if (!lk_run_move(run, LK_EVENT_MERGE, "merged by an agent", 0, &is_ok, error)) {
		lk_json_unref(changes);
		return false;
	}
	if (!is_ok) {
		lk_json_unref(changes);
		return true;
	}
	return lk_run_change(run, changes, error) &&
	       add_link(run, run->ticket, other, "merged_into", "merged by an agent", error) &&
	       tell_both(run, other, "merged", "merged_into", "related", "merged by an agent",
			 error) &&
	       join_people(run, other, error);
}

/* --- parent ----------------------------------------------------------------------------------- */

bool lk_run_parent_of(lk_run *run, int64_t ticket, int64_t *ret_parent, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_int(params, ticket);
	if (!lk_db_run(run->db, LK_Q_COMMAND_PARENT, params, &rows, error))
		return false;
	*ret_parent = lk_rows_count(rows) > 0 ? lk_row_int(rows, 0, "id") : 0;
	return true;
}

static bool leave_parent(lk_run *run, GError **error)
{
	int64_t parent = 0;

	if (!lk_run_parent_of(run, run->ticket, &parent, error))
		return false;
	lk_run_touch(run, run->ticket);
	return !parent || (remove_link(run, run->ticket, parent, "parent", error) &&
			   remove_link(run, parent, run->ticket, "child", error) &&
			   tell_both(run, parent, "unlinked", "parent", "child",
				     "taken from its parent by an agent", error));
}

static bool is_above(lk_run *run, int64_t above, int64_t below, bool *ret_is, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_int(params, above);
	lk_param_int(params, below);
	if (!lk_db_run(run->db, LK_Q_COMMAND_IS_ABOVE, params, &rows, error))
		return false;
	*ret_is = lk_row_bool(rows, 0, "is_above");
	return true;
}

bool lk_run_parent(lk_run *run, GError **error)
{
	int64_t parent = 0;
	bool is_circle = false;

	if (run->command->is_none)
		return leave_parent(run, error);
	if (!other_ticket(run, &parent, error))
		return false;
	if (!parent)
		return true;
	if (!is_above(run, run->ticket, parent, &is_circle, error))
		return false;
	if (is_circle) {
		g_autofree char *reference = lk_reference(run->policy, parent);
		return lk_run_problem(run, LK_PROBLEM_CIRCLE, reference, NULL);
	}
	return leave_parent(run, error) &&
	       add_link(run, run->ticket, parent, "parent", "by an agent", error) &&
	       add_link(run, parent, run->ticket, "child", "by an agent", error) &&
	       tell_both(run, parent, "linked", "parent", "child", "by an agent", error);
}

/* --- split ------------------------------------------------------------------------------------ */

/* The other queue that the mail was for, when the agent serves that one and not this one. */
static const char *queue_of_split(const lk_run *run)
{
	const lk_agent *agent = run->how->agent;
	g_autoptr(GPtrArray) also =
		lk_row_is_null(run->row, 0, "also") ? NULL : lk_row_texts(run->row, 0, "also");

	if (!agent || lk_agent_serves(run->policy, agent, run->queue))
		return lk_run_text(run, "queue");
	for (unsigned i = 0; also && i < also->len; i++) {
		const lk_queue *queue = lk_policy_queue(run->policy, g_ptr_array_index(also, i));
		if (queue && lk_agent_serves(run->policy, agent, queue))
			return queue->name;
	}
	return lk_run_text(run, "queue");
}

static bool open_split(lk_run *run, const lk_rows *mail, int64_t *ret_ticket, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_params) who = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(lk_rows) person = NULL;
	g_autofree char *subject = lk_subject_base(run->policy, lk_row_text(mail, 0, "subject"));
	const char *address = lk_row_text(mail, 0, "from_address");
	g_autofree char *folded = address ? lk_address_fold(address) : NULL;
	uint8_t hash[LK_KEY_HASH_BYTES];

	if (folded && lk_address_is_sane(folded)) {
		lk_key_hash(folded, hash);
		lk_param_bytes(who, hash, sizeof(hash));
		lk_param_text(who, folded);
		lk_param_null(who);
		lk_param_time(who, run->how->now);
		if (!lk_db_run(run->db, LK_Q_COMMAND_PERSON, who, &person, error))
			return false;
	}
	lk_subject_hash(run->policy, lk_row_text(mail, 0, "subject"), hash);
	lk_param_int(params, run->ticket);
	lk_param_text(params, queue_of_split(run));
	lk_param_text(params, subject);
	lk_param_bytes(params, hash, sizeof(hash));
	lk_param_time(params, lk_row_time(mail, 0, "at"));
	if (person)
		lk_param_int(params, lk_row_int(person, 0, "id"));
	else
		lk_param_null(params);
	lk_param_text(params, run->how->actor);
	lk_param_text(params, lk_row_text(mail, 0, "language"));
	if (!lk_db_run(run->db, LK_Q_COMMAND_SPLIT_OPEN, params, &rows, error))
		return false;
	*ret_ticket = lk_row_int(rows, 0, "id");
	return lk_ticket_start_clocks(run->db, run->policy, *ret_ticket, run->how->now,
				      run->how->actor, 0, error);
}

/* The opening mail stays and is copied, any other one moves with all that it is known by. */
static bool carry_message(lk_run *run, const lk_rows *mail, int64_t to, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	int64_t message = lk_row_int(mail, 0, "id");

	lk_param_int(params, message);
	if (lk_row_bool(mail, 0, "is_opening")) {
		lk_param_int(params, to);
		return lk_db_run(run->db, LK_Q_COMMAND_SPLIT_COPY, params, NULL, error);
	}
	lk_json *step = lk_run_step(run, "message");
	lk_json_set_int(step, "message", message);
	lk_json_set_int(step, "to", to);
	lk_param_int(params, run->ticket);
	lk_param_int(params, to);
	return lk_db_run(run->db, LK_Q_COMMAND_SPLIT_MOVE, params, NULL, error);
}

bool lk_run_split(lk_run *run, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) mail = NULL;
	int64_t number = run->command->number;
	int64_t opened = 0;

	lk_param_int(params, run->ticket);
	if (number)
		lk_param_int(params, number);
	else
		lk_param_null(params);
	if (!lk_db_run(run->db, LK_Q_COMMAND_SPLIT_MESSAGE, params, &mail, error))
		return false;
	if (lk_rows_count(mail) == 0) {
		g_autofree char *word = g_strdup_printf("%" G_GINT64_FORMAT, number);
		return lk_run_problem(run, LK_PROBLEM_MESSAGE, number ? word : "", NULL);
	}
	if (!open_split(run, mail, &opened, error))
		return false;
	/* Taken back, the new ticket goes into the one that it came from. */
	lk_json_set_int(lk_run_step(run, "opened"), "opened", opened);
	return carry_message(run, mail, opened, error) &&
	       add_link(run, run->ticket, opened, "related", "split by an agent", error) &&
	       tell_both(run, opened, "split", "related", "related", "split by an agent", error);
}
