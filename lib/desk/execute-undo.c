/* #undo: what a run did is taken back step by step, the last first. */
#include "lib/desk/execute-private.h"

#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/units.h"
#include "lib/desk/term.h"

#include <string.h>

lk_json *lk_run_step(lk_run *run, const char *what)
{
	lk_json *step = lk_json_object();

	lk_json_set_text(step, "do", what);
	if (run->ticket)
		lk_json_set_int(step, "ticket", run->ticket);
	lk_json_push(run->steps, step);
	return step;
}

bool lk_undo_params(lk_undoing *u, lk_query query, lk_params *params, GError **error)
{
	g_autoptr(lk_params) owned = params;

	return lk_db_run(u->run->db, query, owned, NULL, error);
}

bool lk_undo_put_back(lk_undoing *u, const lk_json *values, GError **error)
{
	lk_params *params = lk_params_new();
	g_autofree char *text = lk_json_dump(values, false);

	lk_param_int(params, u->ticket);
	lk_param_text(params, text);
	lk_param_time(params, u->run->how->now);
	return lk_undo_params(u, LK_Q_COMMAND_CHANGE, params, error);
}

/* --- what still stands as the run left it ----------------------------------------------------- */

static bool has_text(const lk_json *list, const char *text)
{
	for (size_t i = 0; i < lk_json_size(list); i++)
		if (strcmp(lk_json_text(lk_json_at(list, i)), text) == 0)
			return true;
	return false;
}

static void push_all(lk_json *to, const lk_json *from, const lk_json *without)
{
	for (size_t i = 0; i < lk_json_size(from); i++) {
		const char *text = lk_json_text(lk_json_at(from, i));
		if (!has_text(without, text) && !has_text(to, text))
			lk_json_push_text(to, text);
	}
}

/* Without the tags that the run put, with those that it took off; others' stay. */
static lk_json *tags_back(const lk_json *was, const lk_json *left, const lk_json *now)
{
	lk_json *back = lk_json_array();
	g_autoptr(lk_json) added = lk_json_array();

	push_all(added, left, was);
	push_all(back, now, added);
	g_autoptr(lk_json) removed = lk_json_array();
	push_all(removed, was, left);
	push_all(back, removed, NULL);
	return back;
}

/* The one field that the run set, where it stands as set; all others as they are. */
static lk_json *fields_back(lk_undoing *u, const lk_json *was, const lk_json *left,
			    const lk_json *now)
{
	lk_json *back = lk_json_object();
	g_autoptr(GPtrArray) keys = lk_json_keys(now);
	g_autoptr(GPtrArray) before = lk_json_keys(was);

	for (unsigned i = 0; i < keys->len; i++) {
		const char *key = g_ptr_array_index(keys, i);
		const char *text = lk_json_get_text(now, key);
		if (lk_json_equal(lk_json_get(was, key), lk_json_get(left, key))) {
			lk_json_set_text(back, key, text);
		} else if (!lk_json_equal(lk_json_get(left, key), lk_json_get(now, key))) {
			g_autofree char *shown = g_strdup_printf("%s = %s", key, text);
			lk_json_set_text(back, key, text);
			lk_left_add(u->left, u->ticket, "field", shown);
		} else if (lk_json_get_text(was, key)) {
			lk_json_set_text(back, key, lk_json_get_text(was, key));
		}
	}
	/* What the run emptied, if it is empty still. */
	for (unsigned i = 0; i < before->len; i++) {
		const char *key = g_ptr_array_index(before, i);
		if (!lk_json_get(now, key) && !lk_json_get(left, key))
			lk_json_set_text(back, key, lk_json_get_text(was, key));
	}
	return back;
}

static lk_json *missing_of(lk_undoing *u, const lk_json *fields)
{
	g_autoptr(GPtrArray) missing = lk_run_missing(u->run, fields);
	lk_json *list = lk_json_array();

	for (unsigned i = 0; i < missing->len; i++)
		lk_json_push_text(list, g_ptr_array_index(missing, i));
	return list;
}

static void key_back(lk_undoing *u, lk_json *back, const char *key)
{
	const lk_json *was = lk_json_get(lk_json_get(u->step, "values"), key);
	const lk_json *left = lk_json_get(lk_json_get(u->step, "left"), key);
	g_autoptr(lk_json) now = lk_json_object();

	lk_run_keep(u->run, now, key);
	const lk_json *is = lk_json_get(now, key);
	if (strcmp(key, "tags") == 0) {
		lk_json_take(back, key, tags_back(was, left, is));
	} else if (strcmp(key, "fields") == 0) {
		lk_json *fields = fields_back(u, was, left, is);
		lk_json_take(back, key, fields);
		lk_json_take(back, "missing_fields", missing_of(u, fields));
	} else if (strcmp(key, "missing_fields") == 0 || lk_json_equal(was, left)) {
		return; /* follows the fields; or nothing was changed */
	} else if (lk_json_equal(left, is) && !lk_left_has(u->left, u->ticket, key)) {
		lk_json_take(back, key, lk_json_ref((lk_json *)was));
	} else {
		lk_left_add(u->left, u->ticket, key, lk_json_text(is));
	}
}

static bool undo_change(lk_undoing *u, GError **error)
{
	const lk_json *values = lk_json_get(u->step, "values");
	g_autoptr(GPtrArray) keys = lk_json_keys(values);
	g_autoptr(lk_json) back = lk_json_object();

	if (!lk_json_get(u->step, "left")) /* by a release that did not keep it */
		return lk_undo_put_back(u, values, error);
	if (!lk_run_enter(u->run, u->ticket, error))
		return false;
	for (unsigned i = 0; i < keys->len; i++)
		key_back(u, back, g_ptr_array_index(keys, i));
	return lk_undo_put_back(u, back, error);
}

/* Who owns the ticket by now may not serve the queue that it came from. */
static bool is_kept_by_owner(lk_undoing *u, const char *queue)
{
	const char *owner = lk_run_text(u->run, "owner");
	const lk_agent *agent = owner ? lk_policy_agent(u->run->policy, owner) : NULL;
	const lk_queue *to = lk_policy_queue(u->run->policy, queue);

	return agent && to && !lk_agent_serves(u->run->policy, agent, to);
}

static bool undo_level(lk_undoing *u, GError **error)
{
	static const char *const columns[] = {"queue", "priority", "type", "organisation"};
	lk_change change = {.ticket = u->ticket,
			    .what = (lk_change_what)lk_json_get_int(u->step, "what", 0),
			    .value = lk_json_get_text(u->step, "value"),
			    .at = u->run->how->now,
			    .actor = u->run->how->actor,
			    .reason = "taken back (#undo)",
			    .message = u->run->how->message};
	const char *left = lk_json_get_text(u->step, "left");

	if (!lk_run_enter(u->run, u->ticket, error))
		return false;
	const char *now = lk_run_text(u->run, columns[change.what]);
	bool is_left = lk_json_get(u->step, "left") && g_strcmp0(left, change.value) != 0 &&
		       (g_strcmp0(now, left) != 0 ||
			lk_left_has(u->left, u->ticket, columns[change.what]) ||
			(change.what == LK_CHANGE_QUEUE && is_kept_by_owner(u, change.value)));
	if (is_left) {
		lk_left_add(u->left, u->ticket, columns[change.what], now);
		return true;
	}
	return lk_ticket_change(u->run->db, u->run->policy, &change, NULL, error);
}

/* Has the ticket another owner than the run left it with? */
static bool is_owned_since(const lk_undoing *u)
{
	const char *now = lk_run_text(u->run, "owner");

	if (lk_left_has(u->left, u->ticket, "owner"))
		return true;
	for (size_t i = lk_json_size(u->steps); now && i-- > 0;) {
		const lk_json *step = lk_json_at(u->steps, i);
		const lk_json *left = lk_json_get(step, "left");
		const lk_json *was = lk_json_get(step, "values");
		if (lk_json_get_int(step, "ticket", 0) == u->ticket && lk_json_get(left, "owner"))
			return g_strcmp0(lk_json_get_text(left, "owner"), now) != 0 &&
			       g_strcmp0(lk_json_get_text(was, "owner"), now) != 0;
	}
	return false;
}

/*
 * Nobody moved the ticket since, nor said what the status hangs on: for whom it waits, by what it
 * is resolved, and, once it was new, whose it is.
 */
static bool stands_status(lk_undoing *u, bool *ret_stands, GError **error)
{
	static const char *const with[] = {"supplier", "answer_by", "resolution", "merged_into"};
	const char *left = lk_json_get_text(u->step, "left");
	const char *until = lk_json_get_text(u->step, "until");
	g_autoptr(lk_json) now = lk_json_object();
	bool is_answered = false;

	*ret_stands = !left;
	if (!left)
		return true;
	if (strcmp(lk_run_text(u->run, "status"), left) != 0)
		return true;
	lk_run_keep(u->run, now, "waiting_until");
	if (until && g_strcmp0(until, lk_json_get_text(now, "waiting_until")) != 0)
		return true;
	for (unsigned i = 0; i < G_N_ELEMENTS(with); i++)
		if (lk_left_has(u->left, u->ticket, with[i]))
			return true;
	if (strcmp(lk_json_get_text(u->step, "status"), "new") == 0) {
		if (is_owned_since(u))
			return true;
		if (!lk_undo_is_answered(u, &is_answered, error))
			return false;
	}
	*ret_stands = !is_answered;
	return true;
}

/* What ended only because the ticket was moved. */
static bool ask_again(lk_undoing *u, GError **error)
{
	lk_params *params = lk_params_new();

	lk_param_int(params, u->ticket);
	lk_param_time(params, u->at);
	return lk_undo_params(u, LK_Q_COMMAND_ASK_AGAIN, params, error);
}

static bool undo_status(lk_undoing *u, GError **error)
{
	lk_move move = {.ticket = u->ticket,
			.at = u->run->how->now,
			.actor = u->run->how->actor,
			.reason = "taken back (#undo)",
			.message = u->run->how->message};
	const lk_json *values = lk_json_get(u->step, "values");
	const char *until = lk_json_get_text(values, "waiting_until");
	bool stands = false;

	if (!lk_status_parse(lk_json_get_text(u->step, "status"), &move.status))
		return true;
	if (!lk_run_enter(u->run, u->ticket, error) || !stands_status(u, &stands, error))
		return false;
	/* Its own merge is taken back by now: this one is somebody else's, and came later. */
	if (!stands || !lk_row_is_null(u->run->row, 0, "merged_into")) {
		lk_left_add(u->left, u->ticket, "status", lk_run_text(u->run, "status"));
		return true;
	}
	if (move.status == LK_STATUS_ON_HOLD && until)
		lk_time_parse(until, &move.until);
	return lk_ticket_move(u->run->db, u->run->policy, &move, NULL, error) &&
	       lk_undo_put_back(u, values, error) && ask_again(u, error);
}

/* A ticket that was split off and that nobody has taken up since. */
static bool stands_split(lk_undoing *u, int64_t opened, bool *ret_stands, GError **error)
{
	if (!lk_run_enter(u->run, opened, error))
		return false;
	*ret_stands = lk_run_status(u->run) == LK_STATUS_NEW && !lk_run_text(u->run, "owner");
	if (!*ret_stands)
		lk_left_add(u->left, opened, "split", NULL);
	return true;
}

/* Was it split off by the run, and does it stay? */
static bool is_split_left(const lk_undoing *u, int64_t ticket)
{
	return lk_left_has(u->left, ticket, "split");
}

/* A link of the run goes where both stay. */
static bool unlink_again(lk_undoing *u, int64_t from, int64_t other, const char *relation,
			 GError **error)
{
	lk_params *params = lk_params_new();

	lk_param_int(params, from);
	lk_param_int(params, other);
	lk_param_text(params, relation);
	return lk_undo_params(u, LK_Q_COMMAND_UNLINK, params, error);
}

static bool undo_link(lk_undoing *u, GError **error)
{
	int64_t from = lk_json_get_int(u->step, "from", 0);
	int64_t other = lk_json_get_int(u->step, "other", 0);
	const char *relation = lk_json_get_text(u->step, "relation");
	bool was_added = strcmp(lk_json_get_text(u->step, "do"), "link") == 0;
	int64_t child = strcmp(relation, "child") == 0 ? other : from;
	int64_t parent = 0;

	if (was_added && is_split_left(u, other))
		return true;
	if (was_added)
		return unlink_again(u, from, other, relation, error);
	if (!lk_run_parent_of(u->run, child, &parent, error))
		return false;
	/* A ticket has one parent: the one that a colleague gave it since. */
	if (parent && parent != (child == from ? other : from)) {
		lk_left_add(u->left, child, "parent", NULL);
		return true;
	}
	return lk_ticket_link(u->run->db, from, other, relation, "taken back (#undo)",
			      u->run->how->now, error);
}

static bool undo_cc_added(lk_undoing *u, GError **error)
{
	lk_params *params = lk_params_new();
	uint8_t hash[LK_KEY_HASH_BYTES];

	lk_key_hash(lk_json_get_text(u->step, "address"), hash);
	lk_param_int(params, u->ticket);
	lk_param_bytes(params, hash, sizeof(hash));
	return lk_undo_params(u, LK_Q_COMMAND_CC_REMOVE, params, error);
}

static bool undo_cc_joined(lk_undoing *u, GError **error)
{
	lk_params *params = lk_params_new();

	lk_param_int(params, u->ticket);
	lk_param_int(params, lk_json_get_int(u->step, "person", 0));
	return lk_undo_params(u, LK_Q_COMMAND_CC_OFF, params, error);
}

static bool add_person(lk_undoing *u, const char *role, GError **error)
{
	bool is_new = false;

	u->run->ticket = u->ticket;
	return lk_run_add_participant(u->run, lk_json_get_int(u->step, "person", 0), role, &is_new,
				      error);
}

static bool undo_cc_removed(lk_undoing *u, GError **error)
{
	return add_person(u, "cc", error);
}

static bool undo_requester(lk_undoing *u, GError **error)
{
	lk_params *params = NULL;
	int64_t person = lk_json_get_int(u->step, "person", 0);
	int64_t left = lk_json_get_int(u->step, "left", 0);

	if (!lk_run_enter(u->run, u->ticket, error))
		return false;
	if (left && left != lk_row_int(u->run->row, 0, "requester_id")) {
		lk_left_add(u->left, u->ticket, "requester", lk_run_text(u->run, "requester"));
		return true;
	}
	params = lk_params_new();
	lk_param_int(params, u->ticket);
	person ? lk_param_int(params, person) : lk_param_null(params);
	if (!lk_undo_params(u, LK_Q_COMMAND_REQUESTER, params, error))
		return false;
	return !person || add_person(u, "requester", error);
}

/* Cancelled in the end, all at once. */
static bool undo_mail(lk_undoing *u, GError **error)
{
	(void)u;
	(void)error;
	return true;
}

static bool undo_ask(lk_undoing *u, GError **error)
{
	lk_params *params = lk_params_new();

	lk_param_int(params, lk_json_get_int(u->step, "question", 0));
	lk_param_time(params, u->run->how->now);
	return lk_undo_params(u, LK_Q_COMMAND_UNASK, params, error);
}

static bool undo_absence(lk_undoing *u, GError **error)
{
	lk_params *params = lk_params_new();

	lk_param_int(params, lk_json_get_int(u->step, "absence", 0));
	lk_param_time(params, u->run->how->now);
	return lk_undo_params(u, LK_Q_COMMAND_ABSENCE_UNDO, params, error);
}

static bool undo_absence_end(lk_undoing *u, GError **error)
{
	lk_params *params = lk_params_new();

	lk_param_int(params, lk_json_get_int(u->step, "absence", 0));
	lk_param_null(params);
	return lk_undo_params(u, LK_Q_COMMAND_ABSENCE_UNDO, params, error);
}

/* A message that was split off goes back. */
static bool undo_message(lk_undoing *u, GError **error)
{
	lk_params *params = NULL;

	if (is_split_left(u, lk_json_get_int(u->step, "to", 0)))
		return true;
	params = lk_params_new();
	lk_param_int(params, lk_json_get_int(u->step, "message", 0));
	lk_param_int(params, lk_json_get_int(u->step, "to", 0));
	lk_param_int(params, u->ticket);
	return lk_undo_params(u, LK_Q_COMMAND_SPLIT_MOVE, params, error);
}

/* A ticket cannot be unmade: it goes into the one that it was split from. */
static bool undo_opened(lk_undoing *u, GError **error)
{
	lk_params *params = NULL;
	g_autoptr(lk_json) values = lk_json_object();
	lk_move move = {.ticket = lk_json_get_int(u->step, "opened", 0),
			.status = LK_STATUS_MERGED,
			.at = u->run->how->now,
			.actor = u->run->how->actor,
			.reason = "the split was taken back (#undo)",
			.message = u->run->how->message};

	if (is_split_left(u, move.ticket))
		return true;
	if (!lk_ticket_move(u->run->db, u->run->policy, &move, NULL, error))
		return false;
	lk_json_set_int(values, "merged_into", u->ticket);
	g_autofree char *text = lk_json_dump(values, false);
	params = lk_params_new();
	lk_param_int(params, move.ticket);
	lk_param_text(params, text);
	lk_param_time(params, u->run->how->now);
	return lk_undo_params(u, LK_Q_COMMAND_CHANGE, params, error) &&
	       lk_ticket_link(u->run->db, move.ticket, u->ticket, "merged_into",
			      "the split was taken back (#undo)", u->run->how->now, error);
}

static const struct {
	const char *what;
	bool (*undo)(lk_undoing *u, GError **error);
} undoers[] = {
	{"change", undo_change},
	{"level", undo_level},
	{"status", undo_status},
	{"link", undo_link},
	{"unlink", undo_link},
	{"cc_added", undo_cc_added},
	{"cc_joined", undo_cc_joined},
	{"cc_removed", undo_cc_removed},
	{"requester", undo_requester},
	{"said", lk_undo_said},
	{"responded", lk_undo_responded},
	{"mail", undo_mail},
	{"ask", undo_ask},
	{"absence", undo_absence},
	{"absence_ended", undo_absence_end},
	{"message", undo_message},
	{"opened", undo_opened},
};

static bool undo_step(lk_undoing *u, GError **error)
{
	const char *what = lk_json_get_text(u->step, "do");

	for (unsigned i = 0; i < G_N_ELEMENTS(undoers); i++)
		if (g_strcmp0(what, undoers[i].what) == 0)
			return undoers[i].undo(u, error);
	g_set_error(error, LK_ERROR, LK_ERR_DATA,
		    "a run of this release of luukku does not know "
		    "how to take back \"%s\"",
		    what ? what : "");
	return false;
}

static bool mark_undone(lk_run *run, const lk_rows *last, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(GPtrArray) tickets = lk_row_texts(last, 0, "tickets");
	g_autofree char *at = lk_time_format(lk_row_time(last, 0, "at"));
	g_autofree char *reason = g_strdup_printf("the commands of %s were taken back", at);

	for (unsigned i = 0; i < tickets->len; i++) {
		if (!lk_parse_int(g_ptr_array_index(tickets, i), 1, INT64_MAX, &run->ticket,
				  error) ||
		    !lk_run_event(run, "undone", reason, NULL, error))
			return false;
	}
	lk_param_int(params, lk_row_int(last, 0, "id"));
	lk_param_time(params, run->how->now);
	lk_param_text(params, run->how->actor);
	return lk_db_run(run->db, LK_Q_COMMAND_RUN_UNDONE, params, NULL, error);
}

static bool last_run(lk_run *run, lk_rows **ret_rows, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	const GArray *named = run->command->tickets;

	lk_param_text(params, run->how->actor);
	lk_param_time(params, run->how->now - LK_UNDO_TIME);
	if (named->len > 0)
		lk_param_int(params, g_array_index(named, int64_t, 0));
	else
		lk_param_null(params);
	return lk_db_run(run->db, LK_Q_COMMAND_RUN_LAST, params, ret_rows, error);
}

/* What was split off stays with its words and its link, when somebody works on it. */
static bool look_at_splits(lk_undoing *u, GError **error)
{
	for (size_t i = 0; i < lk_json_size(u->steps); i++) {
		int64_t opened = lk_json_get_int(lk_json_at(u->steps, i), "opened", 0);
		bool stands = false;
		if (opened && !stands_split(u, opened, &stands, error))
			return false;
	}
	return true;
}

static bool undo_steps(lk_undoing *u, GError **error)
{
	for (size_t i = lk_json_size(u->steps); i-- > 0;) {
		u->step = lk_json_at(u->steps, i);
		u->ticket = lk_json_get_int(u->step, "ticket", 0);
		if (!undo_step(u, error))
			return false;
	}
	return true;
}

bool lk_run_undo(lk_run *run, GError **error)
{
	g_autoptr(lk_rows) last = NULL;
	g_autoptr(lk_json) steps = NULL;
	g_autoptr(GArray) mails = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_autoptr(GPtrArray) left = lk_left_new();
	lk_undoing u = {.run = run, .mails = mails, .left = left};

	if (!last_run(run, &last, error))
		return false;
	if (lk_rows_count(last) == 0)
		return lk_run_problem(run, LK_PROBLEM_NOTHING, "undo", NULL);
	const char *text = lk_row_text(last, 0, "steps");
	if (!lk_json_parse(text, strlen(text), &steps, error))
		return false;
	u.at = lk_row_time(last, 0, "at");
	u.steps = steps;
	bool done =
		lk_undo_read_mails(&u, error) && look_at_splits(&u, error) && undo_steps(&u, error);
	/* What was moved out of sight is back. */
	g_hash_table_remove_all(run->sight);
	done = done && lk_undo_cancel_mails(&u, error) && mark_undone(run, last, error) &&
	       lk_left_remark(run, left, u.at, error);
	lk_rows_free(u.sent);
	return done;
}
