/* The survey's page (desk.md 16): one form, its answers, and thanks. */
#include "daemon/web.h"

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/units.h"
#include "lib/desk/survey.h"
#include "lib/desk/when.h"

#include <string.h>

/* What the form says, and what is wrong with it. */
typedef struct {
	const char *in_order; /* as given, or NULL */
	const char *comment;
	int64_t score;
	bool is_unanswered; /* neither yes nor no */
	bool is_bad_score;
	bool is_long;
} entry;

/* One page. Borrowed but for the rows. */
typedef struct {
	lk_web *web;
	const lk_web_request *request;
	lk_web_reply *reply;
	lk_rows *survey;
	lk_lang lang;
} page;

static void page_clear(page *p)
{
	g_clear_pointer(&p->survey, lk_rows_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(page, page_clear)

static void read_entry(const lk_web_form *form, entry *ret)
{
	const char *score = lk_web_form_get(form, "score");

	ret->in_order = lk_web_form_get(form, "in_order");
	ret->comment = lk_web_form_get(form, "comment");
	ret->score = LK_SURVEY_NO_SCORE;
	ret->is_unanswered = !ret->in_order || (strcmp(ret->in_order, "yes") != 0 &&
						strcmp(ret->in_order, "no") != 0);
	if (score && *score)
		ret->is_bad_score = !lk_parse_int(score, 0, LK_SURVEY_HIGHEST, &ret->score, NULL);
	ret->is_long = ret->comment && g_utf8_strlen(ret->comment, -1) > LK_SURVEY_COMMENT;
}

/* The answer that stands, for the form to begin with. A low number is not kept, so none is shown.
 */
static void stored_entry(const lk_rows *survey, entry *ret)
{
	const char *outcome = lk_row_text(survey, 0, "outcome");

	ret->score = lk_row_is_null(survey, 0, "score") ? LK_SURVEY_NO_SCORE
							: lk_row_int(survey, 0, "score");
	ret->comment = lk_row_text(survey, 0, "comment");
	ret->in_order = !outcome ? NULL : strcmp(outcome, "no") == 0 ? "no" : "yes";
}

static lk_json *page_values(const page *p)
{
	const lk_policy *policy = p->web->program->policy;
	const lk_queue *queue = lk_policy_queue(policy, lk_row_text(p->survey, 0, "queue"));
	g_autofree char *reference = lk_reference(policy, lk_row_int(p->survey, 0, "ticket"));
	lk_json *values = lk_web_values(p->web, p->lang);

	lk_json_set_text(values, "reference", reference);
	lk_json_set_text(values, "subject", lk_row_text(p->survey, 0, "subject"));
	lk_json_set_text(values, "queue_title",
			 queue ? lk_text_in(&queue->title, p->lang, policy->language) : "");
	return values;
}

static lk_json *score_list(int64_t chosen)
{
	lk_json *list = lk_json_array();

	for (int64_t i = 0; i <= LK_SURVEY_HIGHEST; i++) {
		lk_json *one = lk_json_object();

		lk_json_set_int(one, "value", i);
		lk_json_set_bool(one, "is_chosen", i == chosen);
		lk_json_push(list, one);
	}
	return list;
}

static bool show(const page *p, unsigned status, const lk_json *values, GError **error)
{
	return lk_web_page(p->web, p->reply, status, lk_row_text(p->survey, 0, "queue"), p->lang,
			   "survey-page", values, error);
}

static bool show_form(const page *p, const entry *e, GError **error)
{
	const lk_policy *policy = p->web->program->policy;
	g_autoptr(lk_json) values = page_values(p);
	bool is_bad = e->is_unanswered || e->is_bad_score || e->is_long;
	lk_time answered = lk_row_time(p->survey, 0, "answered_at");
	g_autofree char *until =
		answered == LK_TIME_NONE
			? NULL
			: lk_when(policy, p->lang,
				  answered + (int64_t)LK_SURVEY_CHANGE_DAYS * 86400 * LK_SECOND);
	g_autofree char *most = g_strdup_printf("%d", LK_SURVEY_COMMENT);

	lk_json_set_bool(values, "is_form", true);
	lk_json_set_text(values, "change_until", until);
	lk_json_set_text(values, "most", most);
	lk_json_set_bool(values, "is_yes", e->in_order && strcmp(e->in_order, "yes") == 0);
	lk_json_set_bool(values, "is_no", e->in_order && strcmp(e->in_order, "no") == 0);
	lk_json_take(values, "scores", score_list(e->score));
	lk_json_set_text(values, "comment", e->comment);
	lk_json_set_bool(values, "has_error", is_bad);
	lk_json_set_bool(values, "is_unanswered", e->is_unanswered);
	lk_json_set_bool(values, "is_bad_score", e->is_bad_score);
	lk_json_set_bool(values, "is_long", e->is_long);
	return show(p, is_bad ? 400 : 200, values, error);
}

static bool show_word(const page *p, unsigned status, const char *key, GError **error)
{
	g_autoptr(lk_json) values = page_values(p);

	lk_json_set_bool(values, key, true);
	return show(p, status, values, error);
}

static bool record(const page *p, const entry *e, lk_survey_verdict *ret_verdict, GError **error)
{
	const lk_survey_answer answer = {
		.is_in_order = strcmp(e->in_order, "yes") == 0,
		.score = e->score,
		.comment = e->comment,
	};
	lk_db *db = p->web->db;

	if (!lk_db_begin(db, error))
		return false;
	if (!lk_survey_record(db, p->web->program->policy, lk_now(), p->survey, &answer,
			      ret_verdict, error)) {
		lk_db_rollback(db);
		return false;
	}
	return lk_db_commit(db, error);
}

static bool take_answer(const page *p, GError **error)
{
	lk_survey_verdict verdict = LK_SURVEY_LATE;
	entry e = {0};

	read_entry(p->request->form, &e);
	if (e.is_unanswered || e.is_bad_score || e.is_long)
		return show_form(p, &e, error);
	if (!record(p, &e, &verdict, error))
		return false;
	switch (verdict) {
	case LK_SURVEY_COUNTED:
		lk_info("web.answered", "queue=%s", lk_row_text(p->survey, 0, "queue"));
		return show_word(p, 200, "is_thanks", error);
	case LK_SURVEY_REOPENS:
		lk_info("web.answered", "queue=%s", lk_row_text(p->survey, 0, "queue"));
		return show_word(p, 200, "is_reopened", error);
	case LK_SURVEY_LATE:
		break;
	}
	return show_word(p, 409, "is_late", error);
}

bool lk_web_survey(lk_web *web, const lk_web_request *request, lk_web_reply *reply, GError **error)
{
	g_auto(page) p = {.web = web, .request = request, .reply = reply};
	lk_token token = {0};
	entry e = {0};

	if (!lk_token_verify(web->program->keys, request->rest, &token)) {
		lk_web_problem(web, request, reply, 404, "unknown");
		return true;
	}
	if (!lk_survey_find(web->db, (int64_t)token.number, token.epoch, &p.survey, error))
		return false;
	if (lk_rows_count(p.survey) == 0) {
		lk_web_problem(web, request, reply, 404, "unknown");
		return true;
	}
	p.lang = web->program->policy->language;
	(void)lk_lang_parse(lk_row_text(p.survey, 0, "language"), &p.lang);
	(void)lk_web_chosen_language(request, &p.lang);
	if (request->form)
		return take_answer(&p, error);
	if (lk_survey_is_late(p.survey, lk_now()))
		return show_word(&p, 200, "is_late", error);
	stored_entry(p.survey, &e);
	return show_form(&p, &e, error);
}
