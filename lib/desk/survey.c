#include "lib/desk/survey.h"

#include "lib/base/text.h"
#include "lib/desk/timer.h"

#include <string.h>

enum { DAY_S = 86400, DEFAULT_REOPEN_BELOW = 5 };

bool lk_survey_find(lk_db *db, int64_t number, uint8_t epoch, lk_rows **ret_rows, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_int(params, number);
	lk_param_int(params, epoch);
	if (!lk_db_run(db, LK_Q_SURVEY_FIND, params, &rows, error))
		return false;
	*ret_rows = g_steal_pointer(&rows);
	return true;
}

bool lk_survey_is_late(const lk_rows *survey, lk_time now)
{
	return !lk_row_is_null(survey, 0, "answered_at") &&
	       now - lk_row_time(survey, 0, "answered_at") >
		       (int64_t)LK_SURVEY_CHANGE_DAYS * DAY_S * LK_SECOND;
}

/* At most so many characters, and NULL for nothing but blanks. Caller frees. */
static char *clean_comment(const char *text)
{
	g_autofree char *clean = text ? lk_text_clean(text, strlen(text)) : NULL;

	if (!clean || !*g_strstrip(clean))
		return NULL;
	if (g_utf8_strlen(clean, -1) <= LK_SURVEY_COMMENT)
		return g_steal_pointer(&clean);
	return g_strndup(clean,
			 (size_t)(g_utf8_offset_to_pointer(clean, LK_SURVEY_COMMENT) - clean));
}

static const char *outcome_of(const lk_policy *policy, const lk_rows *survey,
			      const lk_survey_answer *answer)
{
	const lk_queue *queue = lk_policy_queue(policy, lk_row_text(survey, 0, "queue"));
	int64_t below = queue ? queue->survey.reopen_below : DEFAULT_REOPEN_BELOW;

	if (!answer->is_in_order)
		return "no";
	if (answer->score < 0 || answer->score > LK_SURVEY_HIGHEST)
		return "yes";
	return answer->score < below ? "low" : "score";
}

static bool ring(lk_db *db, int64_t ticket, int64_t survey, lk_time now, GError **error)
{
	g_autofree char *key = g_strdup_printf("%" G_GINT64_FORMAT, survey);
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, ticket);
	lk_param_text(params, key);
	lk_param_time(params, now);
	return lk_db_run(db, LK_Q_SURVEY_ANSWERED, params, NULL, error);
}

bool lk_survey_record(lk_db *db, const lk_policy *policy, lk_time now, const lk_rows *survey,
		      const lk_survey_answer *answer, lk_survey_verdict *ret_verdict,
		      GError **error)
{
	int64_t id = lk_row_int(survey, 0, "id");
	const char *outcome = outcome_of(policy, survey, answer);
	bool has_score = strcmp(outcome, "score") == 0;
	g_autofree char *comment = clean_comment(answer->comment);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_int(params, id);
	lk_param_text(params, outcome);
	if (has_score)
		lk_param_int(params, answer->score);
	else
		lk_param_null(params);
	lk_param_text(params, comment);
	lk_param_time(params, now);
	lk_param_text(params, answer->message ? "mail" : "page");
	if (answer->message)
		lk_param_int(params, answer->message);
	else
		lk_param_null(params);
	lk_param_int(params, (int64_t)LK_SURVEY_CHANGE_DAYS * DAY_S);
	if (!lk_db_run(db, LK_Q_SURVEY_ANSWER, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0) {
		*ret_verdict = LK_SURVEY_LATE;
		return true;
	}
	*ret_verdict =
		has_score || strcmp(outcome, "yes") == 0 ? LK_SURVEY_COUNTED : LK_SURVEY_REOPENS;
	return ring(db, lk_row_int(rows, 0, "ticket"), id, now, error);
}
