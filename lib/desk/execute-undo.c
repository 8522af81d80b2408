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

/* What is being taken back. */
typedef struct {
	lk_run *run;
	const lk_json *step;
	int64_t ticket;
	lk_time at;    /* of the run */
	GArray *mails; /* int64_t: outbox rows of the run */
} undoing;

static bool run_params(undoing *u, lk_query query, lk_params *params, GError **error)
{
	g_autoptr(lk_params) owned = params;

	return lk_db_run(u->run->db, query, owned, NULL, error);
}

static bool put_back(undoing *u, GError **error)
{
	lk_params *params = lk_params_new();
	g_autofree char *values = lk_json_dump(lk_json_get(u->step, "values"), false);

	lk_param_int(params, u->ticket);
	lk_param_text(params, values);
	lk_param_time(params, u->run->how->now);
	return run_params(u, LK_Q_COMMAND_CHANGE, params, error);
}

static bool undo_level(undoing *u, GError **error)
{
	lk_change change = {.ticket = u->ticket,
			    .what = (lk_change_what)lk_json_get_int(u->step, "what", 0),
			    .value = lk_json_get_text(u->step, "value"),
			    .at = u->run->how->now,
			    .actor = u->run->how->actor,
			    .reason = "taken back (#undo)",
			    .message = u->run->how->message};

	return lk_ticket_change(u->run->db, u->run->policy, &change, NULL, error);
}

/* What ended only because the ticket was moved. */
static bool ask_again(undoing *u, GError **error)
{
	lk_params *params = lk_params_new();

	lk_param_int(params, u->ticket);
	lk_param_time(params, u->at);
	return run_params(u, LK_Q_COMMAND_ASK_AGAIN, params, error);
}

static bool undo_status(undoing *u, GError **error)
{
	lk_move move = {.ticket = u->ticket,
			.at = u->run->how->now,
			.actor = u->run->how->actor,
			.reason = "taken back (#undo)",
			.message = u->run->how->message};
	const char *until = lk_json_get_text(lk_json_get(u->step, "values"), "waiting_until");

	if (!lk_status_parse(lk_json_get_text(u->step, "status"), &move.status))
		return true;
	/* Its own merge is taken back by now: this one is somebody else's, and came later. */
	if (!lk_run_enter(u->run, u->ticket, error))
		return false;
	if (!lk_row_is_null(u->run->row, 0, "merged_into"))
		return lk_run_problem(u->run, LK_PROBLEM_STATUS, "undo",
				      lk_status_name(LK_STATUS_MERGED));
	if (move.status == LK_STATUS_ON_HOLD && until)
		lk_time_parse(until, &move.until);
	return lk_ticket_move(u->run->db, u->run->policy, &move, NULL, error) &&
	       put_back(u, error) && ask_again(u, error);
}

static bool undo_link(undoing *u, GError **error)
{
	int64_t from = lk_json_get_int(u->step, "from", 0);
	int64_t other = lk_json_get_int(u->step, "other", 0);
	const char *relation = lk_json_get_text(u->step, "relation");
	bool was_added = strcmp(lk_json_get_text(u->step, "do"), "link") == 0;
	lk_params *params = NULL;

	if (!was_added)
		return lk_ticket_link(u->run->db, from, other, relation, "taken back (#undo)",
				      u->run->how->now, error);
	params = lk_params_new();
	lk_param_int(params, from);
	lk_param_int(params, other);
	lk_param_text(params, relation);
	return run_params(u, LK_Q_COMMAND_UNLINK, params, error);
}

static bool undo_cc_added(undoing *u, GError **error)
{
	lk_params *params = lk_params_new();
	uint8_t hash[LK_KEY_HASH_BYTES];

	lk_key_hash(lk_json_get_text(u->step, "address"), hash);
	lk_param_int(params, u->ticket);
	lk_param_bytes(params, hash, sizeof(hash));
	return run_params(u, LK_Q_COMMAND_CC_REMOVE, params, error);
}

static bool undo_cc_joined(undoing *u, GError **error)
{
	lk_params *params = lk_params_new();

	lk_param_int(params, u->ticket);
	lk_param_int(params, lk_json_get_int(u->step, "person", 0));
	return run_params(u, LK_Q_COMMAND_CC_OFF, params, error);
}

static bool add_person(undoing *u, const char *role, GError **error)
{
	bool is_new = false;

	u->run->ticket = u->ticket;
	return lk_run_add_participant(u->run, lk_json_get_int(u->step, "person", 0), role, &is_new,
				      error);
}

static bool undo_cc_removed(undoing *u, GError **error)
{
	return add_person(u, "cc", error);
}

static bool undo_requester(undoing *u, GError **error)
{
	lk_params *params = lk_params_new();
	int64_t person = lk_json_get_int(u->step, "person", 0);

	lk_param_int(params, u->ticket);
	person ? lk_param_int(params, person) : lk_param_null(params);
	if (!run_params(u, LK_Q_COMMAND_REQUESTER, params, error))
		return false;
	return !person || add_person(u, "requester", error);
}

static bool undo_mail(undoing *u, GError **error)
{
	int64_t outbox = lk_json_get_int(u->step, "outbox", 0);

	(void)error;
	g_array_append_val(u->mails, outbox);
	return true;
}

static bool undo_ask(undoing *u, GError **error)
{
	lk_params *params = lk_params_new();

	lk_param_int(params, lk_json_get_int(u->step, "question", 0));
	lk_param_time(params, u->run->how->now);
	return run_params(u, LK_Q_COMMAND_UNASK, params, error);
}

static bool undo_absence(undoing *u, GError **error)
{
	lk_params *params = lk_params_new();

	lk_param_int(params, lk_json_get_int(u->step, "absence", 0));
	lk_param_time(params, u->run->how->now);
	return run_params(u, LK_Q_COMMAND_ABSENCE_UNDO, params, error);
}

static bool undo_absence_end(undoing *u, GError **error)
{
	lk_params *params = lk_params_new();

	lk_param_int(params, lk_json_get_int(u->step, "absence", 0));
	lk_param_null(params);
	return run_params(u, LK_Q_COMMAND_ABSENCE_UNDO, params, error);
}

/* A message that was split off goes back. */
static bool undo_message(undoing *u, GError **error)
{
	lk_params *params = lk_params_new();

	lk_param_int(params, lk_json_get_int(u->step, "message", 0));
	lk_param_int(params, lk_json_get_int(u->step, "to", 0));
	lk_param_int(params, u->ticket);
	return run_params(u, LK_Q_COMMAND_SPLIT_MOVE, params, error);
}

/* A ticket cannot be unmade: it goes into the one that it was split from. */
static bool undo_opened(undoing *u, GError **error)
{
	lk_params *params = NULL;
	g_autoptr(lk_json) values = lk_json_object();
	lk_move move = {.ticket = lk_json_get_int(u->step, "opened", 0),
			.status = LK_STATUS_MERGED,
			.at = u->run->how->now,
			.actor = u->run->how->actor,
			.reason = "the split was taken back (#undo)",
			.message = u->run->how->message};

	if (!lk_ticket_move(u->run->db, u->run->policy, &move, NULL, error))
		return false;
	lk_json_set_int(values, "merged_into", u->ticket);
	g_autofree char *text = lk_json_dump(values, false);
	params = lk_params_new();
	lk_param_int(params, move.ticket);
	lk_param_text(params, text);
	lk_param_time(params, u->run->how->now);
	return run_params(u, LK_Q_COMMAND_CHANGE, params, error) &&
	       lk_ticket_link(u->run->db, move.ticket, u->ticket, "merged_into",
			      "the split was taken back (#undo)", u->run->how->now, error);
}

static const struct {
	const char *what;
	bool (*undo)(undoing *u, GError **error);
} undoers[] = {
	{"change", put_back},
	{"level", undo_level},
	{"status", undo_status},
	{"link", undo_link},
	{"unlink", undo_link},
	{"cc_added", undo_cc_added},
	{"cc_joined", undo_cc_joined},
	{"cc_removed", undo_cc_removed},
	{"requester", undo_requester},
	{"mail", undo_mail},
	{"ask", undo_ask},
	{"absence", undo_absence},
	{"absence_ended", undo_absence_end},
	{"message", undo_message},
	{"opened", undo_opened},
};

static bool undo_step(undoing *u, GError **error)
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

/* --- mails: what has not gone is cancelled, what has is named --------------------------------- */

static lk_json *mail_json(const lk_run *run, const lk_rows *rows, size_t row)
{
	lk_json *one = lk_json_object();
	int64_t ticket = lk_row_int(rows, row, "ticket_id");
	g_autofree char *reference = ticket ? lk_reference(run->policy, ticket) : NULL;

	lk_json_set_text(one, "reference", reference);
	lk_json_set_text(one, "to", lk_row_text(rows, row, "recipient"));
	lk_json_set_text(one, "template", lk_row_text(rows, row, "template"));
	lk_json_set_text(one, "template_shown",
			 lk_term_template(lk_row_text(rows, row, "template"), run->how->language));
	return one;
}

static bool is_pending(const char *state)
{
	return strcmp(state, "queued") == 0 || strcmp(state, "retry") == 0 ||
	       strcmp(state, "held") == 0;
}

static bool has_gone(const char *state)
{
	return strcmp(state, "sending") == 0 || strcmp(state, "sent") == 0 ||
	       strcmp(state, "uncertain") == 0;
}

static bool cancel_mails(undoing *u, GError **error)
{
	lk_run *run = u->run;
	g_autoptr(lk_params) look = lk_params_new();
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_json *undone = lk_json_object();
	lk_json *cancelled = lk_json_array();
	lk_json *gone = lk_json_array();

	lk_json_take(undone, "cancelled", cancelled);
	lk_json_take(undone, "gone", gone);
	lk_json_take(run->receipt->json, "undone", undone);
	if (u->mails->len == 0)
		return true;
	lk_param_ints(look, (const int64_t *)(void *)u->mails->data, u->mails->len);
	if (!lk_db_run(run->db, LK_Q_COMMAND_MAIL, look, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		const char *state = lk_row_text(rows, i, "state");
		int64_t ticket = lk_row_int(rows, i, "ticket_id");
		lk_sight sight = ticket ? LK_SIGHT_NONE : LK_SIGHT_FULL;
		if (ticket && !lk_run_sight(run, ticket, &sight, error))
			return false;
		if (sight == LK_SIGHT_NONE)
			continue;
		if (is_pending(state))
			lk_json_push(cancelled, mail_json(run, rows, i));
		else if (has_gone(state))
			lk_json_push(gone, mail_json(run, rows, i));
	}
	lk_param_ints(params, (const int64_t *)(void *)u->mails->data, u->mails->len);
	lk_param_text(params, "taken back by its writer (#undo)");
	return lk_db_run(run->db, LK_Q_COMMAND_CANCEL_MAIL, params, NULL, error);
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

bool lk_run_undo(lk_run *run, GError **error)
{
	g_autoptr(lk_rows) last = NULL;
	g_autoptr(lk_json) steps = NULL;
	g_autoptr(GArray) mails = g_array_new(FALSE, FALSE, sizeof(int64_t));
	undoing u = {.run = run, .mails = mails};

	if (!last_run(run, &last, error))
		return false;
	if (lk_rows_count(last) == 0)
		return lk_run_problem(run, LK_PROBLEM_NOTHING, "undo", NULL);
	const char *text = lk_row_text(last, 0, "steps");
	if (!lk_json_parse(text, strlen(text), &steps, error))
		return false;
	u.at = lk_row_time(last, 0, "at");
	for (size_t i = lk_json_size(steps); i-- > 0;) {
		u.step = lk_json_at(steps, i);
		u.ticket = lk_json_get_int(u.step, "ticket", 0);
		if (!undo_step(&u, error))
			return false;
	}
	/* What was moved out of sight is back. */
	g_hash_table_remove_all(run->sight);
	return cancel_mails(&u, error) && mark_undone(run, last, error);
}
