/* "tila", "läge", "status": the sender's open tickets, to the sender alone (desk.md 10). */
#include "lib/desk/intake.h"

#include "lib/base/text.h"
#include "lib/desk/outbox.h"
#include "lib/desk/phrases.h"
#include "lib/desk/subject.h"
#include "lib/desk/when.h"

/* Words that go beyond a question like this are a matter of their own, whatever the subject. */
enum { MOST_OTHER_WORDS = 12, SHOWN_SUBJECT_BYTES = 120 };

static unsigned count_words(const char *text)
{
	g_autofree char *cut = lk_text_cut(text, 4000);
	g_autofree char *folded = lk_words_fold(cut);
	g_auto(GStrv) words = g_strsplit(folded, " ", -1);

	return g_strv_length(words);
}

static bool asks(const lk_work *work, lk_lang *ret_lang)
{
	const lk_mail *mail = work->mail;
	g_autofree char *base = lk_subject_base(work->policy, mail->subject);

	*ret_lang = work->plan.language;
	if (mail->kind != LK_KIND_NORMAL || mail->is_unparsed || work->plan.ticket ||
	    work->sender.is_blocked || !lk_subject_asks_status(base, ret_lang))
		return false;
	for (unsigned i = 0; i < mail->attachments->len; i++) {
		const lk_attachment *attachment = g_ptr_array_index(mail->attachments, i);
		if (!attachment->is_inline)
			return false;
	}
	return lk_words_classify(mail->reply_text) != LK_WORDS_OTHER ||
	       count_words(mail->reply_text) < MOST_OTHER_WORDS;
}

static lk_json *ticket_json(const lk_work *work, const lk_rows *rows, size_t row, lk_lang lang)
{
	const char *subject = lk_row_text(rows, row, "subject");
	g_autofree char *reference = lk_reference(work->policy, lk_row_int(rows, row, "ticket"));
	g_autofree char *cut = lk_text_cut(subject ? subject : "", SHOWN_SUBJECT_BYTES);
	g_autofree char *since =
		lk_when_day(work->policy, lang, lk_row_time(rows, row, "opened_at"));
	lk_status status = LK_STATUS_OPEN;
	lk_json *json = lk_json_object();

	lk_status_parse(lk_row_text(rows, row, "status"), &status);
	lk_json_set_text(json, "reference", reference);
	lk_json_set_text(json, "subject", cut);
	lk_json_set_text(json, "opened", since);
	lk_json_set_bool(json, "is_new", status == LK_STATUS_NEW);
	lk_json_set_bool(json, "is_open", status == LK_STATUS_OPEN);
	lk_json_set_bool(json, "is_customer", status == LK_STATUS_WAITING_CUSTOMER);
	lk_json_set_bool(json, "is_supplier", status == LK_STATUS_WAITING_SUPPLIER);
	lk_json_set_bool(json, "is_held", status == LK_STATUS_ON_HOLD);
	return json;
}

static bool answer(lk_work *work, lk_lang lang, int64_t message, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(lk_json) variables = lk_json_object();
	lk_json *tickets = lk_json_array();

	lk_json_take(variables, "tickets", tickets);
	lk_param_bytes(params, work->from_hash, sizeof(work->from_hash));
	if (!lk_db_run(work->db, LK_Q_INTAKE_OPEN, params, &rows, error))
		return false;
	for (size_t row = 0; row < lk_rows_count(rows); row++)
		lk_json_push(tickets, ticket_json(work, rows, row, lang));
	g_autofree char *base = lk_subject_base(work->policy, work->mail->subject);
	lk_json_set_text(variables, "subject", base);
	lk_json_set_bool(variables, "has_tickets", lk_rows_count(rows) > 0);
	if (lk_rows_count(rows) > 0 && lk_row_int(rows, 0, "n") > (int64_t)lk_rows_count(rows))
		lk_json_set_int(variables, "rest",
				lk_row_int(rows, 0, "n") - (int64_t)lk_rows_count(rows));
	lk_outbox_mail mail = {
		.cause = message,
		.template_name = "status-list",
		.purpose = LK_PURPOSE_CUSTOMER,
		.queue = work->route.queue,
		.language = lang,
		.recipient = work->from,
		.recipient_name = work->mail->from->name,
		.rank = LK_RANK_ANSWER,
		.reason = "its subject asks for the sender's open tickets",
		.variables = variables,
	};
	return lk_work_send(work, &mail, error);
}

bool lk_work_status_list(lk_work *work, lk_ingest_result *result, bool *ret_done, GError **error)
{
	lk_lang lang = LK_LANG_EN;

	*ret_done = asks(work, &lang);
	if (!*ret_done)
		return true;
	g_autofree char *refusal = lk_work_unanswerable(work);
	g_autofree char *reason =
		refusal ? g_strdup_printf(
				  "asks for the sender's open tickets, but is not answered: "
				  "%s",
				  refusal)
			: g_strdup("asks for the sender's open tickets and is answered with them");
	lk_work_settle(work, LK_OUTCOME_CONTROL, NULL, reason);
	work->plan.writer = LK_WRITER_STRANGER;
	lk_work_explain(work);
	if (!work->is_dry &&
	    !lk_work_store(work, LK_OUTCOME_CONTROL, reason, NULL, 0, 0, result, error))
		return false;
	return refusal || answer(work, lang, result->message, error);
}
