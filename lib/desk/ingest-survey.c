/* Answers to surveys by mail (desk.md 16). */
#include "lib/desk/intake.h"

#include "lib/base/fault.h"
#include "lib/desk/command.h"
#include "lib/desk/survey.h"

#include <string.h>

/*
 * The token's number is a survey. From here on it counts as a customer's token of the survey's
 * ticket, so that whatever else somebody writes there is a message on it.
 */
static bool read_token(lk_work *work, lk_clue_token *token, GError **error)
{
	int64_t survey = token->number;
	g_autoptr(lk_rows) rows = NULL;

	token->purpose = LK_PURPOSE_CUSTOMER;
	token->number = 0;
	if (!lk_survey_find(work->db, survey, token->epoch, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return true;
	token->number = lk_row_int(rows, 0, "ticket");
	if (!work->survey && token->is_for_sender && work->mail->kind == LK_KIND_NORMAL &&
	    !lk_mail_fails_dmarc(work->mail))
		work->survey = g_steal_pointer(&rows);
	return true;
}

bool lk_work_read_survey(lk_work *work, GError **error)
{
	for (unsigned i = 0; i < work->clues->tokens->len; i++) {
		lk_clue_token *token = &g_array_index(work->clues->tokens, lk_clue_token, i);
		if (token->purpose == LK_PURPOSE_SURVEY && !read_token(work, token, error))
			return false;
	}
	return true;
}

/* Comments are shown without a name: the one that a mail ends with is no part of it. */
static void cut_signature(char *comment, const char *name)
{
	g_auto(GStrv) lines = g_strsplit(comment, "\n", -1);
	g_autoptr(GString) kept = g_string_new(NULL);
	size_t n = g_strv_length(lines);

	for (size_t i = 0; i < n; i++)
		g_strstrip(lines[i]);
	n = lk_command_signature((const char *const *)lines, n, name);
	for (size_t i = 0; i < n; i++)
		g_string_append_printf(kept, "%s%s", i > 0 ? "\n" : "", lines[i]);
	/* What is left is never longer. */
	memcpy(comment, kept->str, kept->len + 1);
}

/* Neither the reason nor anything else of it says what the answer was. */
static bool take(lk_work *work, const lk_survey_answer *answer, lk_ingest_result *result,
		 GError **error)
{
	static const char taken[] = "an answer to the survey";
	static const char late[] = "an answer to the survey, more than a week after the first one, "
				   "which stands";
	bool is_late = lk_survey_is_late(work->survey, work->at);
	lk_survey_verdict verdict = LK_SURVEY_COUNTED;
	lk_survey_answer kept = *answer;

	lk_work_settle(work, LK_OUTCOME_CONTROL, NULL, is_late ? late : taken);
	if (work->is_dry)
		return true;
	if (!lk_work_store(work, LK_OUTCOME_CONTROL, is_late ? late : taken, NULL, 0,
			   lk_row_int(work->survey, 0, "ticket"), result, error))
		return false;
	if (is_late)
		return true;
	lk_fault("ingest.survey");
	kept.message = result->message;
	return lk_survey_record(work->db, work->policy, work->at, work->survey, &kept, &verdict,
				error);
}

bool lk_work_survey(lk_work *work, lk_ingest_result *result, bool *ret_done, GError **error)
{
	lk_survey_answer answer = {0};
	g_autofree char *comment = NULL;

	*ret_done = false;
	if (!work->survey || !lk_survey_read_lines(work->mail->reply_text, &answer, &comment))
		return true;
	/* Late words that something is wrong are words on the ticket: they open it again. */
	if (!answer.is_in_order && lk_survey_is_late(work->survey, work->at))
		return true;
	*ret_done = true;
	cut_signature(comment, work->mail->from ? work->mail->from->name : NULL);
	return take(work, &answer, result, error);
}
