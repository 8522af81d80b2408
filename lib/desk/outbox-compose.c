/* From an outbox row to the bytes of its mail. */
#include "lib/desk/outbox-private.h"

#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/desk/chart.h"
#include "lib/desk/notice.h"
#include "lib/desk/render.h"
#include "lib/desk/scrub.h"
#include "lib/desk/subject.h"
#include "lib/desk/survey.h"
#include "lib/desk/ticket.h"
#include "lib/mail/compose.h"

#include <string.h>

enum { MAX_REFERENCE_BYTES = 240, MAX_LOCAL_PART = 64 };

char *lk_outbox_address(const lk_policy *policy, const char *plain, lk_purpose purpose,
			uint8_t epoch, int64_t number, const char *recipient)
{
	const char *at = plain ? strrchr(plain, '@') : NULL;

	if (!at || !policy->subaddress || !*policy->subaddress)
		return g_strdup(plain);
	size_t local = (size_t)(at - plain) + strlen(policy->subaddress) + LK_TOKEN_CHARS;
	if (local > MAX_LOCAL_PART)
		return g_strdup(plain);
	g_autofree char *token =
		lk_token_sign(policy->keys, purpose, epoch, (uint64_t)number, recipient);
	return g_strdup_printf("%.*s%s%s%s", (int)(at - plain), plain, policy->subaddress, token,
			       at);
}

/* The row and what is worked out from it. Borrowed but for what the members say. */
typedef struct {
	lk_db *db;
	const lk_policy *policy;
	const char *templates_dir;
	lk_time now;
	const lk_rows *rows;
	size_t row;
	const lk_queue *queue;
	lk_purpose purpose;
	int64_t ticket;
	int64_t survey;	    /* that it asks; 0: it is another mail */
	char *survey_token; /* or NULL */
	const char *recipient;
	lk_render render;
	GPtrArray *pictures;
	lk_json *variables; /* owned from here on */
	char *text;
	char *html; /* or NULL */
	char *subject;
	char *in_reply_to;     /* or NULL */
	char *cid;	       /* of its chart, or NULL */
	GPtrArray *references; /* char * */
	lk_outbox_form form;
} draft;

static void draft_clear(draft *d)
{
	g_clear_pointer(&d->variables, lk_json_unref);
	g_free(d->survey_token);
	g_free(d->text);
	g_free(d->html);
	g_free(d->subject);
	g_free(d->in_reply_to);
	g_free(d->cid);
	if (d->references)
		g_ptr_array_unref(d->references);
	g_clear_pointer(&d->pictures, g_ptr_array_unref);
	lk_outbox_form_clear(&d->form);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(draft, draft_clear)

/* Pictures that stand among a person's words. */
static void find_pictures(draft *d)
{
	d->pictures = g_ptr_array_new();
	for (unsigned i = 0; i < d->form.parts->len; i++) {
		const lk_compose_part *part = &g_array_index(d->form.parts, lk_compose_part, i);
		if (part->content_id && part->content_type &&
		    g_ascii_strncasecmp(part->content_type, "image/", 6) == 0)
			g_ptr_array_add(d->pictures, (void *)part->content_id);
	}
	d->render.pictures = d->pictures;
}

/* The figures of a digest as a picture within the mail; they stand in its text, too. */
static void add_chart(draft *d)
{
	lk_json *chart = lk_json_get(d->variables, "chart");
	GByteArray *png = chart ? lk_chart_png(chart) : NULL;

	if (!png)
		return;
	g_free(d->cid);
	d->cid = g_strdup_printf("chart.%" G_GINT64_FORMAT "@%s", lk_row_int(d->rows, d->row, "id"),
				 d->policy->domain);
	lk_compose_part part = {.content_type = "image/png",
				.content_id = d->cid,
				.bytes = png->data,
				.n = png->len};
	lk_json_set_text(chart, "cid", d->cid);
	g_ptr_array_add(d->form.bytes, png);
	g_array_append_val(d->form.parts, part);
}

/* Nothing of what people wrote brings a reply address of ours out again. */
static bool read_variables(draft *d, GError **error)
{
	const char *text = lk_row_text(d->rows, d->row, "variables");
	g_autoptr(lk_json) variables = NULL;

	if (!lk_json_parse(text, strlen(text), &variables, error))
		return false;
	d->variables = lk_scrub_json(d->policy, variables);
	return true;
}

/* The address that answers to this mail go to; NULL: it is about no ticket. Caller frees. */
static char *reply_address(const draft *d)
{
	uint8_t epoch = (uint8_t)lk_row_int(d->rows, d->row, "epoch");
	lk_purpose purpose = d->purpose == LK_PURPOSE_NONE ? LK_PURPOSE_NOTE : d->purpose;

	if (!d->ticket)
		return NULL;
	return lk_outbox_address(d->policy, d->queue->from, purpose, epoch,
				 d->survey ? d->survey : d->ticket, d->recipient);
}

/* The page and the answers by mail; the words of the links are understood in any language. */
static void set_survey_links(draft *d)
{
	uint8_t epoch = (uint8_t)lk_row_int(d->rows, d->row, "epoch");
	g_autofree char *reply_to = NULL;

	if (!d->survey)
		return;
	reply_to = reply_address(d);
	d->survey_token = lk_token_sign(d->policy->keys, LK_PURPOSE_SURVEY, epoch,
					(uint64_t)d->survey, d->recipient);
	lk_survey_links(d->variables, d->policy, d->render.languages[0], d->survey_token,
			strstr(reply_to, d->survey_token) ? reply_to : NULL);
}

/* A notice says how the ticket is now, not how it was when the row was written. */
static bool fill_notice(draft *d, lk_lang language, GError **error)
{
	g_autofree char *reply_to = reply_address(d);
	g_autoptr(lk_json) filled = NULL;

	if (strcmp(lk_row_text(d->rows, d->row, "template"), "notice") != 0)
		return true;
	lk_notice_reader reader = {.ticket = d->ticket,
				   .message = lk_row_int(d->rows, d->row, "cause"),
				   .lang = language,
				   .recipient = d->recipient,
				   .reply_to = reply_to};
	if (!lk_notice_fill(d->db, d->policy, d->now, &reader, d->variables, error))
		return false;
	filled = d->variables;
	d->variables = lk_scrub_json(d->policy, filled);
	return true;
}

static bool start(draft *d, GError **error)
{
	const char *queue = lk_row_text(d->rows, d->row, "queue");
	lk_lang language = d->policy->language;

	d->queue = lk_policy_queue(d->policy, queue);
	if (!d->queue) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "queue %s is no longer in the configuration; put it back and run "
			    "luukkuctl outbox retry",
			    queue);
		return false;
	}
	d->purpose = lk_outbox_purpose(lk_row_text(d->rows, d->row, "purpose"));
	d->ticket = lk_row_int(d->rows, d->row, "ticket");
	d->recipient = lk_row_text(d->rows, d->row, "recipient");
	if (!read_variables(d, error))
		return false;
	if (d->purpose == LK_PURPOSE_SURVEY)
		d->survey = lk_json_get_int(d->variables, "survey", 0);
	if (!lk_outbox_form_read(d->db, d->policy, lk_row_text(d->rows, d->row, "form"), d->purpose,
				 &d->form, error))
		return false;
	if (d->form.left_out->len > 0)
		lk_json_take(d->variables, "left_out", lk_outbox_form_left_out(&d->form));
	lk_lang_parse(lk_row_text(d->rows, d->row, "language"), &language);
	if (!fill_notice(d, language, error))
		return false;
	find_pictures(d);
	add_chart(d);
	lk_json_set_bool(d->variables, "is_late_mail",
			 d->now - lk_row_time(d->rows, d->row, "created_at") >
				 LK_OUTBOX_LATE_S * LK_SECOND);
	d->render.policy = d->policy;
	d->render.templates_dir = d->templates_dir;
	d->render.queue = d->queue;
	d->render.template_name = lk_row_text(d->rows, d->row, "template");
	lk_render_choose(&d->render, language,
			 lk_json_get_bool(d->variables, "is_bilingual", false));
	set_survey_links(d);
	return true;
}

/* What the ticket keeps of the mail: whoever reads that cannot answer for the customer. */
static char *shown_text(const draft *d)
{
	g_auto(GStrv) pieces = d->survey_token ? g_strsplit(d->text, d->survey_token, -1) : NULL;

	return pieces ? g_strjoinv("...", pieces) : g_strdup(d->text);
}

/* A customer's id goes into our headers only when it can do no harm there. */
static bool is_sane_id(const char *id)
{
	size_t n = id ? strlen(id) : 0;

	if (n < 3 || n > MAX_REFERENCE_BYTES)
		return false;
	for (size_t i = 0; i < n; i++)
		if (id[i] <= ' ' || id[i] >= 0x7f || strchr("<>()\\\",;:", id[i]))
			return false;
	return true;
}

/*
 * In-Reply-To: the mail that caused this one if this very recipient wrote it, else the newest that
 * they know. References: our own id first (some providers rewrite Message-ID), then what they know.
 */
static bool thread(draft *d, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) known = NULL;
	g_autofree char *folded = lk_address_fold(d->recipient);
	size_t n = 0;
	const uint8_t *hash = lk_row_bytes(d->rows, d->row, "recipient_hash", &n);

	d->references = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(d->references, g_strdup(lk_row_text(d->rows, d->row, "header_message_id")));
	if (!d->ticket)
		return true;
	lk_param_int(params, d->ticket);
	lk_param_bytes(params, hash, n);
	lk_param_text(params, folded);
	if (lk_row_is_null(d->rows, d->row, "cause"))
		lk_param_null(params);
	else
		lk_param_int(params, lk_row_int(d->rows, d->row, "cause"));
	lk_param_int(params, lk_row_int(d->rows, d->row, "id"));
	if (!lk_db_run(d->db, LK_Q_OUTBOX_THREAD, params, &known, error))
		return false;
	bool has_cause = false;
	for (size_t i = 0; i < lk_rows_count(known); i++) {
		const char *id = lk_row_text(known, i, "message_id");
		if (!is_sane_id(id))
			continue;
		g_ptr_array_add(d->references, g_strdup(id));
		if (has_cause)
			continue;
		g_free(d->in_reply_to);
		d->in_reply_to = g_strdup(id);
		has_cause = lk_row_bool(known, i, "is_cause");
	}
	return true;
}

static void make_subject(draft *d)
{
	const char *base = lk_row_text(d->rows, d->row, "subject");

	if (!base)
		base = lk_json_get_text(d->variables, "subject");
	g_autofree char *subject = d->ticket
					   ? lk_subject_out(d->policy, d->ticket, base ? base : "",
							    d->in_reply_to != NULL)
					   : g_strdup(base ? base : d->policy->site_name);
	d->subject = lk_scrub(d->policy, subject);
}

/* "Aino Aalto", "Maija via ICT-tuki", or the queue's title. */
static const char *from_name_of(const draft *d)
{
	const char *title =
		lk_text_in(&d->queue->title, d->render.languages[0], d->policy->language);

	if (d->form.from_name)
		return d->form.from_name;
	return *title ? title : d->policy->site_name;
}

static bool build(draft *d, GString **ret_wire, GError **error)
{
	g_autofree char *reply_to = reply_address(d);
	g_autofree char *reference = d->ticket ? lk_reference(d->policy, d->ticket) : NULL;
	g_autofree char *list_id = NULL;
	const lk_outbox_about about = {.policy = d->policy,
				       .queue = d->queue,
				       .purpose = d->purpose,
				       .reference = reference,
				       .is_answer = !lk_row_is_null(d->rows, d->row, "cause"),
				       .language = d->render.languages[0]};
	lk_compose_header headers[LK_OUTBOX_HEADERS];
	lk_compose mail = {
		.message_id = lk_row_text(d->rows, d->row, "header_message_id"),
		.date = d->now,
		.from_name = from_name_of(d),
		.from_address = d->queue->from,
		.reply_to = reply_to,
		.to_name = lk_row_text(d->rows, d->row, "recipient_name"),
		.to_address = d->recipient,
		.subject = d->subject,
		.in_reply_to = d->in_reply_to,
		.headers = headers,
		.n_headers = lk_outbox_form_headers(&d->form, &about, headers, &list_id),
		.language = lk_lang_code(d->render.languages[0]),
		.text = d->text,
		.html = d->html,
	};

	lk_outbox_form_fill(&d->form, &mail);
	g_ptr_array_add(d->references, NULL);
	mail.references = (const char *const *)(void *)d->references->pdata;
	bool done = lk_compose_build(&mail, ret_wire, error);
	g_ptr_array_set_size(d->references, (int)d->references->len - 1);
	return done;
}

static lk_json *shown_people(const draft *d)
{
	lk_json *to = NULL;
	lk_json *one = NULL;

	if (d->form.to)
		return lk_json_ref(d->form.to);
	to = lk_json_array();
	one = lk_json_object();
	lk_json_set_text(one, "name", lk_row_text(d->rows, d->row, "recipient_name"));
	lk_json_set_text(one, "address", d->recipient);
	lk_json_push(to, one);
	return to;
}

static bool store(draft *d, const GString *wire, const char *envelope_from, GError **error)
{
	const char *id = lk_row_text(d->rows, d->row, "header_message_id");
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_json) to = shown_people(d);
	g_autofree char *to_text = lk_json_dump(to, false);
	g_autofree char *cc_text = d->form.cc ? lk_json_dump(d->form.cc, false) : g_strdup("[]");
	g_autofree char *text = shown_text(d);
	uint8_t hash[LK_KEY_HASH_BYTES];

	lk_key_hash(id, hash);
	lk_param_int(params, lk_row_int(d->rows, d->row, "id"));
	lk_param_bytes(params, wire->str, wire->len);
	lk_param_text(params, envelope_from);
	if (d->ticket)
		lk_param_int(params, d->ticket);
	else
		lk_param_null(params);
	lk_param_text(params, from_name_of(d));
	lk_param_text(params, d->queue->from);
	lk_param_text(params, to_text);
	lk_param_text(params, d->subject);
	lk_param_text(params, id);
	lk_param_bytes(params, hash, sizeof(hash));
	lk_param_text(params, d->in_reply_to);
	lk_param_texts(params, d->references);
	lk_param_time(params, d->now);
	lk_param_text(params, text);
	lk_param_text(params, lk_lang_code(d->render.languages[0]));
	lk_param_text(params,
		      lk_writer_name(d->form.is_personal ? LK_WRITER_AGENT : LK_WRITER_MACHINE));
	lk_param_text(params, cc_text);
	lk_param_bool(params, !lk_outbox_is_inside(d->purpose));
	return lk_db_run(d->db, LK_Q_OUTBOX_COMPOSED, params, NULL, error);
}

bool lk_outbox_compose(lk_db *db, const lk_policy *policy, const char *templates_dir, lk_time now,
		       const lk_rows *rows, size_t row, lk_outbox_claim *claim, GError **error)
{
	g_auto(draft) d = {.db = db,
			   .policy = policy,
			   .templates_dir = templates_dir,
			   .now = now,
			   .rows = rows,
			   .row = row};
	g_autoptr(GString) wire = NULL;

	if (!start(&d, error) || !thread(&d, error))
		return false;
	make_subject(&d);
	d.render.title = d.subject;
	if (!lk_render_mail(&d.render, d.variables, &d.text, &d.html, error))
		return false;
	g_autofree char *envelope_from = lk_outbox_address(
		policy, policy->envelope_from, LK_PURPOSE_BOUNCE, 0, claim->id, d.recipient);
	if (!build(&d, &wire, error) || !store(&d, wire, envelope_from, error))
		return false;
	claim->envelope_from = g_steal_pointer(&envelope_from);
	claim->wire = g_string_free_to_bytes(g_steal_pointer(&wire));
	return true;
}
