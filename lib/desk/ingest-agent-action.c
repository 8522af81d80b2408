/* Links of digests that are about no ticket: what they say is done once, for the one they were made
 * for. */
#include "lib/desk/ingest-agent-private.h"

#include "lib/base/err.h"
#include "lib/desk/authority.h"
#include "lib/desk/held.h"

#include <string.h>

static bool lock(lk_agent_mail *m, lk_rows **ret_row, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, m->work->action);
	return lk_db_run(m->work->db, LK_Q_ACTION_LOCK, params, ret_row, error);
}

typedef enum { MAY_USE, IS_OVER, IS_USED, IS_NOT_THEIRS, IS_DECIDED } verdict;

static const char *words_of(verdict why_not, lk_lang lang)
{
	static const char *const words[LK_N_LANGS][5] = {
		[LK_LANG_FI] = {"", "linkin aika on päättynyt", "linkki on jo käytetty",
				"jono, jota linkki koskee, ei ole enää sinun",
				"asiasta on jo päätetty muualla"},
		[LK_LANG_SV] = {"", "länken gäller inte längre", "länken har redan använts",
				"kön som länken gäller är inte längre din",
				"saken är redan avgjord på annat håll"},
		[LK_LANG_EN] = {"", "the time of this link is over", "this link was used before",
				"the queue that this link is about is not yours any more",
				"it was decided elsewhere already"}};

	return words[lang][why_not];
}

/* May it be used, and if not, why? */
static verdict refusal(const lk_agent_mail *m, const lk_rows *row)
{
	const lk_policy *policy = m->work->policy;
	const lk_queue *queue = NULL;

	if (lk_rows_count(row) == 0 ||
	    strcmp(lk_row_text(row, 0, "agent"), m->agent->address) != 0 ||
	    lk_row_time(row, 0, "expires_at") <= m->work->now)
		return IS_OVER;
	if (!lk_row_is_null(row, 0, "used_at"))
		return IS_USED;
	queue = lk_policy_queue(policy, lk_row_text(row, 0, "queue"));
	if (strcmp(lk_row_text(row, 0, "kind"), "commands") == 0
		    ? !queue || !lk_agent_serves(policy, m->agent, queue)
		    : !queue || !lk_agent_manages(policy, m->agent, queue))
		return IS_NOT_THEIRS;
	return MAY_USE;
}

static bool use(lk_agent_mail *m, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, m->work->action);
	lk_param_time(params, m->work->now);
	return lk_db_run(m->work->db, LK_Q_ACTION_USE, params, NULL, error);
}

static bool run_words(lk_agent_mail *m, int64_t message, const char *words, GError **error)
{
	lk_command_context context = {.policy = m->work->policy,
				      .agent_name = m->agent->name,
				      .today = lk_execute_today(m->work->policy, m->work->now)};
	g_autoptr(lk_commands) commands = lk_commands_read(&context, words);
	g_autoptr(lk_receipt) receipt = NULL;
	lk_execution how = {.agent = m->agent,
			    .actor = m->actor,
			    .now = m->work->now,
			    .language = m->language,
			    .message = message,
			    .seen_at = LK_TIME_NONE,
			    .is_confirmed = true};

	if (!lk_execute(m->work->db, m->work->policy, &how, commands, &receipt, error))
		return false;
	return lk_agent_mail_tell(m, receipt->has_run ? "receipt" : "command-error", 0, message,
				  receipt->json,
				  receipt->has_run ? "what the link says was done"
						   : "what the link says cannot be done",
				  error);
}

static const char *done_words(const char *kind, lk_lang lang)
{
	static const struct {
		const char *kind;
		const char *words[LK_N_LANGS];
	} all[] = {
		{"release",
		 {"Viesti on nyt tukipyyntö.", "Mejlet är nu ett ärende.",
		  "The mail is a ticket now."}},
		{"drop",
		 {"Viesti jää pois: siitä ei tule tukipyyntöä.",
		  "Mejlet lämnas: det blir inget ärende.",
		  "The mail stays out: it makes no ticket."}},
		{"retry", {"Viesti lähetetään.", "Mejlet skickas.", "The mail is being sent."}},
		{"cancel",
		 {"Viestiä ei lähetetä.", "Mejlet skickas inte.", "The mail will not be sent."}},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(all); i++)
		if (strcmp(all[i].kind, kind) == 0)
			return all[i].words[lang];
	return "";
}

static bool do_it(lk_agent_mail *m, const char *kind, int64_t target, int64_t *ret_ticket,
		  GError **error)
{
	lk_work *work = m->work;

	if (strcmp(kind, "release") == 0)
		return lk_held_release(work->db, work->policy, target, work->now, m->actor,
				       ret_ticket, error);
	if (strcmp(kind, "drop") == 0)
		return lk_held_drop(work->db, target, work->now, m->actor, error);
	if (strcmp(kind, "retry") == 0)
		return lk_held_retry(work->db, target, work->now, m->actor, error);
	return lk_held_cancel(work->db, target, work->now, m->actor, error);
}

/* Somebody else may have decided meanwhile: that is said, and everything else stays. */
static bool run_decision(lk_agent_mail *m, const lk_rows *row, int64_t message, GError **error)
{
	const char *kind = lk_row_text(row, 0, "kind");
	g_autoptr(lk_json) variables = lk_json_object();
	g_autoptr(GError) why = NULL;
	lk_json *remarks = lk_json_array();
	int64_t ticket = 0;

	lk_json_take(variables, "remarks", remarks);
	if (!lk_db_savepoint(m->work->db, error))
		return false;
	if (do_it(m, kind, lk_row_int(row, 0, "target"), &ticket, &why)) {
		g_autofree char *reference =
			ticket ? lk_reference(m->work->policy, ticket) : g_strdup("");
		g_autofree char *words =
			g_strdup_printf("%s %s", done_words(kind, m->language), reference);
		lk_json_push_text(remarks, g_strchomp(words));
		return lk_db_release(m->work->db, error) &&
		       lk_agent_mail_tell(m, "receipt", 0, message, variables,
					  "what the link says was done", error);
	}
	if (!lk_err_is(why, LK_ERR_DATA) && !lk_err_is(why, LK_ERR_NOINPUT)) {
		g_propagate_error(error, g_steal_pointer(&why));
		return false;
	}
	lk_json_set_text(variables, "reason", words_of(IS_DECIDED, m->language));
	lk_json_set_text(variables, "detail", why->message);
	return lk_db_rollback_to(m->work->db, error) &&
	       lk_agent_mail_tell(m, "refused", 0, message, variables,
				  "what the link says cannot be done any more", error);
}

bool lk_agent_mail_act(lk_agent_mail *m, lk_ingest_result *result, GError **error)
{
	g_autoptr(lk_rows) row = NULL;
	g_autoptr(lk_json) variables = lk_json_object();
	verdict why_not = MAY_USE;

	if (!lock(m, &row, error))
		return false;
	why_not = refusal(m, row);
	lk_work_tell_as(m->work, m->actor, 0, "action",
			why_not != MAY_USE ? words_of(why_not, LK_LANG_EN)
					   : "the link of a digest was used",
			NULL);
	if (!lk_agent_mail_store(m, 0, "an action link", result, error))
		return false;
	if (why_not != MAY_USE) {
		lk_json_set_text(variables, "reason", words_of(why_not, m->language));
		return lk_agent_mail_tell(m, "refused", 0, result->message, variables,
					  "an action link that does nothing", error);
	}
	if (!use(m, error))
		return false;
	if (strcmp(lk_row_text(row, 0, "kind"), "commands") == 0)
		return run_words(m, result->message, lk_row_text(row, 0, "words"), error);
	return run_decision(m, row, result->message, error);
}
