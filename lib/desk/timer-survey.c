/* Surveys: asking, and what an answer does (desk.md 16 and 17). */
#include "lib/desk/timer-private.h"

#include "lib/base/text.h"
#include "lib/base/units.h"
#include "lib/desk/outbox.h"
#include "lib/desk/survey.h"

#include <string.h>

enum { TURN_S = 60, MOST_TOLD = 20 };

/* --- asking ----------------------------------------------------------------------------------- */

/* A resolved ticket and what survey_look knows of it. */
typedef struct {
	lk_round *round;
	const lk_job *job;
	const lk_survey_policy *how;
	lk_rows *rows;
} asker;

static void asker_clear(asker *a)
{
	g_clear_pointer(&a->rows, lk_rows_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(asker, asker_clear)

static lk_time time_of(const asker *a, const char *column)
{
	return lk_row_time(a->rows, 0, column);
}

static bool is_set(const asker *a, const char *column)
{
	return lk_row_bool(a->rows, 0, column);
}

/* Since when it has been in the state after which the queue asks; LK_TIME_NONE: it is not. */
static lk_time ended_at(const asker *a)
{
	if (a->how->send == LK_SURVEY_RESOLVED &&
	    (a->job->status == LK_STATUS_RESOLVED || a->job->status == LK_STATUS_CLOSED))
		return time_of(a, "resolved_at");
	if (a->how->send == LK_SURVEY_CLOSED && a->job->status == LK_STATUS_CLOSED)
		return time_of(a, "closed_at");
	return LK_TIME_NONE;
}

static bool skips(const asker *a, const char *what)
{
	for (unsigned i = 0; i < a->how->skip_if->len; i++)
		if (strcmp(g_ptr_array_index(a->how->skip_if, i), what) == 0)
			return true;
	return false;
}

/* Was the last answer about this very ticket "no", or a low score? Then `every` does not bind. */
static bool was_bad(const asker *a)
{
	const char *outcome = lk_row_text(a->rows, 0, "outcome");

	return outcome && (strcmp(outcome, "no") == 0 || strcmp(outcome, "low") == 0);
}

static bool was_asked_lately(const asker *a)
{
	const char *standing = lk_row_text(a->rows, 0, "standing");
	lk_time asked = time_of(a, "person_asked_at");

	if (asked == LK_TIME_NONE || was_bad(a) || (standing && strcmp(standing, "shared") == 0))
		return false;
	return (a->round->now - asked) / LK_SECOND < a->how->every_s;
}

/* Why the requester is not asked, for the history; NULL: they are. */
static const char *refusal(const asker *a)
{
	const lk_policy *policy = a->round->policy;
	const char *requester = lk_row_text(a->rows, 0, "requester");
	const char *standing = lk_row_text(a->rows, 0, "standing");

	if (!policy->public_url && (!policy->subaddress || !*policy->subaddress))
		return "nobody could answer: set web.public_url, or site.subaddress";
	if (is_set(a, "is_unanswered"))
		return "it was closed because the customer did not answer";
	if (is_set(a, "is_silent_end"))
		return "it was resolved by #resolve silent";
	if (!requester || !lk_address_is_sane(requester) ||
	    lk_policy_is_own_address(policy, requester))
		return "its requester has no address to write to";
	if (lk_policy_agent(policy, requester))
		return "its requester is an agent";
	if (standing && strcmp(standing, "blocked") == 0)
		return "its requester is blocked";
	if (is_set(a, "is_unanswerable"))
		return "its first mail wants no automatic mail, or failed dmarc";
	if (skips(a, "supplier") && is_set(a, "had_supplier"))
		return "a supplier took part in it (skip_if)";
	if (was_bad(a))
		return NULL;
	if (is_set(a, "is_family_asked"))
		return "the requester was asked about its parent or another child of it";
	return was_asked_lately(a) ? "the requester was asked not long ago (every)" : NULL;
}

static bool take_turn(const asker *a, bool *ret_ours, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	*ret_ours = true;
	if (lk_row_is_null(a->rows, 0, "person"))
		return true;
	lk_param_int(params, lk_row_int(a->rows, 0, "person"));
	if (!lk_db_run(a->round->db, LK_Q_SURVEY_TURN, params, &rows, error))
		return false;
	*ret_ours = lk_row_bool(rows, 0, "is_ours");
	return true;
}

static bool look(asker *a, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	g_clear_pointer(&a->rows, lk_rows_free);
	lk_param_int(params, a->job->ticket);
	return lk_db_run(a->round->db, LK_Q_SURVEY_LOOK, params, &a->rows, error);
}

static bool add_row(const asker *a, lk_lang language, int64_t *ret_survey, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_int(params, a->job->ticket);
	lk_param_int(params, lk_row_int(a->rows, 0, "person"));
	lk_param_text(params, a->job->queue->name);
	lk_param_text(params, lk_lang_code(language));
	lk_param_time(params, a->round->now);
	if (!lk_db_run(a->round->db, LK_Q_SURVEY_ADD, params, &rows, error))
		return false;
	*ret_survey = lk_row_int(rows, 0, "id");
	return true;
}

/* outbox 0: the mail is held back, the history says why; then nobody was asked. */
static bool keep_row(const asker *a, int64_t survey, int64_t outbox, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, survey);
	if (outbox)
		lk_param_int(params, outbox);
	else
		lk_param_null(params);
	return lk_db_run(a->round->db, LK_Q_SURVEY_SENT, params, NULL, error);
}

static bool send_survey(const asker *a, GError **error)
{
	const lk_policy *policy = a->round->policy;
	g_autofree char *reference = lk_reference(policy, a->job->ticket);
	g_autoptr(lk_json) variables = lk_json_object();
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
	lk_lang language = a->job->queue->language;
	bool is_bilingual = false;
	int64_t outbox = 0, survey = 0;

	lk_lang_parse(lk_row_text(a->rows, 0, "language"), &language);
	if (!add_row(a, language, &survey, error))
		return false;
	for (unsigned i = 0; i < LK_N_LANGS; i++)
		is_bilingual |= policy->bilingual[i];
	lk_json_set_int(variables, "survey", survey);
	lk_json_set_text(variables, "reference", reference);
	lk_json_set_text(variables, "subject", lk_row_text(a->rows, 0, "subject"));
	lk_json_set_bool(variables, "is_bilingual",
			 is_bilingual && is_set(a, "is_language_unknown"));
	lk_outbox_mail mail = {.ticket = a->job->ticket,
			       .template_name = "survey",
			       .purpose = LK_PURPOSE_SURVEY,
			       .queue = a->job->queue,
			       .language = language,
			       .recipient = lk_row_text(a->rows, 0, "requester"),
			       .recipient_name = lk_row_text(a->rows, 0, "requester_name"),
			       .rank = LK_RANK_SURVEY,
			       .reason = "the customer is asked whether all is in order",
			       .variables = variables};
	if (!lk_outbox_add(a->round->db, policy, a->round->now, &mail, &verdict, &outbox, error) ||
	    !keep_row(a, survey, verdict == LK_OUTBOX_QUEUED ? outbox : 0, error))
		return false;
	return verdict != LK_OUTBOX_QUEUED ||
	       lk_job_tell(a->round, a->job, "survey_sent", mail.reason, NULL, error);
}

bool lk_job_survey(lk_round *round, const lk_job *job, lk_job_end *end, GError **error)
{
	g_auto(asker) a = {.round = round, .job = job};
	lk_time since = LK_TIME_NONE;
	bool is_ours = false;

	/* What left the state again meanwhile (reopened, merged, spam) was never asked about. */
	if (!job->queue || lk_row_bool(job->tickets, job->row, "is_machine"))
		return true;
	a.how = &job->queue->survey;
	if (!look(&a, error))
		return false;
	since = ended_at(&a);
	if (since == LK_TIME_NONE || is_set(&a, "is_skipped") ||
	    (time_of(&a, "asked_at") != LK_TIME_NONE && time_of(&a, "asked_at") >= since))
		return true;
	if (since + a.how->delay_s * LK_SECOND > round->now) {
		end->again_at = since + a.how->delay_s * LK_SECOND;
		return true;
	}
	if (!take_turn(&a, &is_ours, error))
		return false;
	if (!is_ours) {
		end->again_at = round->now + TURN_S * LK_SECOND;
		return true;
	}
	/* Once more: who had the turn before may have asked. */
	if (!look(&a, error))
		return false;
	const char *why = refusal(&a);
	return why ? lk_job_tell(round, job, "survey_skipped", why, NULL, error)
		   : send_survey(&a, error);
}

/* --- an answer -------------------------------------------------------------------------------- */

/* An answer and its ticket. Borrowed but for the lists. */
typedef struct {
	lk_round *round;
	const lk_job *job;
	int64_t survey;
	const lk_rows *row;    /* survey_lock */
	const lk_queue *queue; /* of the ticket, else of the survey; NULL: both left */
	GPtrArray *told;       /* const char *: whoever hears of it */
	GHashTable *involved;  /* addresses of those who had a hand in it */
} answered;

static void answered_clear(answered *a)
{
	g_clear_pointer(&a->told, g_ptr_array_unref);
	g_clear_pointer(&a->involved, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(answered, answered_clear)

static bool read_involved(answered *a, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	a->involved = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	lk_param_int(params, a->job->ticket);
	if (!lk_db_run(a->round->db, LK_Q_SURVEY_TOOK_PART, params, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		const char *address = lk_row_text(rows, i, "address");
		const lk_agent *agent = lk_policy_agent(a->round->policy, address);

		if (address)
			g_hash_table_add(a->involved,
					 lk_address_fold(agent ? agent->address : address));
	}
	return true;
}

static bool is_involved(const answered *a, const char *address)
{
	const lk_agent *agent = lk_policy_agent(a->round->policy, address);

	return g_hash_table_contains(a->involved, agent ? agent->address : address);
}

static void add_people(const answered *a, const GPtrArray *people)
{
	for (unsigned i = 0; i < people->len; i++) {
		const char *address = g_ptr_array_index(people, i);
		bool is_there = false;

		for (unsigned j = 0; j < a->told->len; j++)
			is_there |= strcmp(g_ptr_array_index(a->told, j), address) == 0;
		if (!is_there)
			g_ptr_array_add(a->told, (void *)address);
	}
}

/* The queue's managers; where each of them had a hand in it, the incident managers as well. */
static void choose_people(answered *a)
{
	g_autoptr(GPtrArray) managers = lk_alarm_managers(a->round, a->queue);
	bool has_other = false;

	a->told = g_ptr_array_new();
	add_people(a, managers);
	for (unsigned i = 0; i < a->told->len; i++)
		has_other |= !is_involved(a, g_ptr_array_index(a->told, i));
	if (!has_other)
		add_people(a, a->round->policy->incident_managers);
}

/* Who took part hears that it is open again, and not the words. */
static bool tell_one(const answered *a, const char *address, GError **error)
{
	const lk_policy *policy = a->round->policy;
	const lk_agent *agent = lk_policy_agent(policy, address);
	const char *comment = lk_row_text(a->row, 0, "comment");
	const char *name = lk_row_text(a->row, 0, "requester_name");
	const char *requester = lk_row_text(a->row, 0, "requester");
	bool may_read = !is_involved(a, address);
	g_autofree char *reference = lk_reference(policy, a->job->ticket);
	g_autoptr(lk_json) variables = lk_json_object();
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
	lk_lang language = a->queue->language;
	int64_t outbox = 0;

	if (agent && agent->languages->len > 0)
		lk_lang_parse(g_ptr_array_index(agent->languages, 0), &language);
	lk_json_set_text(variables, "reference", reference);
	lk_json_set_text(variables, "subject", lk_job_text(a->job, "subject"));
	lk_json_set_text(variables, "customer", name && *name ? name : requester);
	lk_json_set_bool(variables, "may_read", may_read);
	lk_json_set_text(variables, "words", may_read ? comment : NULL);
	lk_outbox_mail mail = {.ticket = a->job->ticket,
			       .template_name = "dissatisfied",
			       .purpose = agent ? LK_PURPOSE_AGENT : LK_PURPOSE_NOTE,
			       .queue = a->queue,
			       .language = language,
			       .recipient = address,
			       .recipient_name = agent ? agent->name : NULL,
			       .rank = LK_RANK_REMINDER,
			       .reason = "the customer says that the matter is not in order",
			       .variables = variables};
	return lk_outbox_add(a->round->db, policy, a->round->now, &mail, &verdict, &outbox, error);
}

static bool free_owner(const answered *a, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, a->job->ticket);
	lk_param_time(params, a->round->now);
	lk_param_text(params, "opened again by its customer: the managers give it to somebody");
	return lk_db_run(a->round->db, LK_Q_SURVEY_FREE_OWNER, params, NULL, error);
}

static bool mark_acted(const answered *a, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, a->survey);
	lk_param_time(params, a->round->now);
	return lk_db_run(a->round->db, LK_Q_SURVEY_ACTED, params, NULL, error);
}

/* "No" and a low score look the same to everybody but those who may read the answer. */
static bool reopen(answered *a, GError **error)
{
	bool is_moved = false;

	if (!lk_job_move(a->round, a->job, LK_EVENT_DISSATISFIED,
			 "the customer says that the matter is not in order", &is_moved, error) ||
	    (is_moved && !free_owner(a, error)) || !mark_acted(a, error) ||
	    !read_involved(a, error))
		return false;
	choose_people(a);
	for (unsigned i = 0; i < a->told->len; i++)
		if (!tell_one(a, g_ptr_array_index(a->told, i), error))
			return false;
	return true;
}

/* Words that came after the managers were told are told again, a second press of the button not. */
static bool is_told(const answered *a)
{
	return !lk_row_is_null(a->row, 0, "acted_at") &&
	       lk_row_time(a->row, 0, "changed_at") <= lk_row_time(a->row, 0, "acted_at");
}

bool lk_job_survey_answer(lk_round *round, const lk_job *job, lk_job_end *end, GError **error)
{
	g_auto(answered) a = {.round = round, .job = job};
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	const char *outcome = NULL;

	if (!lk_parse_int(job->key, 1, INT64_MAX, &a.survey, error))
		return false;
	lk_param_int(params, a.survey);
	if (!lk_db_run(round->db, LK_Q_SURVEY_LOCK, params, &rows, error))
		return false;
	outcome = lk_rows_count(rows) > 0 ? lk_row_text(rows, 0, "outcome") : NULL;
	if (!outcome)
		return true;
	a.row = rows;
	a.queue = job->queue ? job->queue
			     : lk_policy_queue(round->policy, lk_row_text(rows, 0, "queue"));
	/* Who presses the button all day fills no history. */
	if (lk_row_int(rows, 0, "n_told") < MOST_TOLD &&
	    !lk_job_tell(round, job, "survey_answered", "the customer answered the survey", NULL,
			 error))
		return false;
	if (strcmp(outcome, "no") != 0 && strcmp(outcome, "low") != 0)
		return true;
	return !a.queue || is_told(&a) || reopen(&a, error);
}
