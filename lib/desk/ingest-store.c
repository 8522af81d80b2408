/* One mail into the tables: blobs first, then everything else in one statement. */
#include "lib/desk/private.h"

#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/text.h"
#include "lib/db/blob.h"

#include <string.h>

static const lk_time first_date = 0;
static const lk_time latest_date = INT64_C(4102444800) * LK_SECOND; /* the year 2100 */

static lk_json *addresses_json(const GPtrArray *addresses)
{
	lk_json *json = lk_json_array();

	for (unsigned i = 0; i < addresses->len && i < LK_MAX_RECIPIENTS; i++) {
		const lk_address *address = g_ptr_array_index(addresses, i);
		g_autofree char *name =
			address->name ? lk_text_cut(address->name, LK_MAX_NAME_BYTES) : NULL;
		g_autofree char *cut = lk_text_cut(address->address, LK_MAX_ADDRESS_BYTES);
		lk_json *one = lk_json_object();
		lk_json_set_text(one, "name", name);
		lk_json_set_text(one, "address", cut);
		lk_json_push(json, one);
	}
	return json;
}

static lk_json *texts_json(const GPtrArray *texts)
{
	lk_json *json = lk_json_array();

	for (unsigned i = 0; i < texts->len && i < LK_MAX_RECIPIENTS; i++) {
		g_autofree char *cut = lk_text_cut(g_ptr_array_index(texts, i), 1000);
		lk_json_push_text(json, cut);
	}
	return json;
}

static lk_json *bounce_json(const lk_bounce *bounce)
{
	lk_json *json = lk_json_object();

	lk_json_take(json, "recipients", texts_json(bounce->recipients));
	lk_json_take(json, "states", texts_json(bounce->states));
	lk_json_set_bool(json, "permanent", bounce->permanent);
	lk_json_set_text(json, "status", bounce->status);
	lk_json_set_text(json, "diagnostic", bounce->diagnostic);
	lk_json_set_text(json, "original_message_id", bounce->original_message_id);
	return json;
}

static lk_json *envelope_json(const char *const *recipients)
{
	lk_json *json = lk_json_array();

	for (unsigned i = 0; i < LK_MAX_RECIPIENTS && recipients[i]; i++) {
		g_autofree char *cut = lk_text_cut(recipients[i], LK_MAX_ADDRESS_BYTES);
		lk_json_push_text(json, cut);
	}
	return json;
}

/* What the parser saw and no column holds; and the envelope, which rules see too. */
static char *parsed_json(const lk_work *work)
{
	const lk_mail *mail = work->mail;
	g_autoptr(lk_json) json = lk_json_object();

	if (work->intake->recipients)
		lk_json_take(json, "envelope", envelope_json(work->intake->recipients));

	if (mail->sender)
		lk_json_set_text(json, "sender", mail->sender->address);
	lk_json_take(json, "reply_to", addresses_json(mail->reply_to));
	lk_json_set_text(json, "return_path", mail->return_path);
	lk_json_take(json, "delivered_to", texts_json(mail->delivered_to));
	if (mail->to->len > LK_MAX_RECIPIENTS)
		lk_json_set_int(json, "more_to", mail->to->len - LK_MAX_RECIPIENTS);
	if (mail->cc->len > LK_MAX_RECIPIENTS)
		lk_json_set_int(json, "more_cc", mail->cc->len - LK_MAX_RECIPIENTS);
	lk_json_set_int(json, "from_headers", mail->from_headers);
	lk_json_set_int(json, "from_addresses", mail->from_addresses);
	lk_json_set_bool(json, "is_vacation", mail->is_vacation);
	lk_json_set_bool(json, "is_unparsed", mail->is_unparsed);
	lk_json_set_bool(json, "is_incomplete", mail->is_incomplete);
	lk_json_set_bool(json, "suppress_reply", mail->suppress_reply);
	lk_json_set_text(json, "suppress_reason", mail->suppress_reason);
	if (mail->auth) {
		lk_json *auth = lk_json_object();
		lk_json_set_text(auth, "spf", mail->auth->spf);
		lk_json_set_text(auth, "dkim", mail->auth->dkim);
		lk_json_set_text(auth, "dmarc", mail->auth->dmarc);
		lk_json_set_text(auth, "dmarc_domain", mail->auth->dmarc_domain);
		lk_json_take(auth, "signers", texts_json(mail->auth->signers));
		lk_json_take(json, "auth", auth);
	}
	if (mail->bounce)
		lk_json_take(json, "bounce", bounce_json(mail->bounce));
	lk_json_take(json, "defects", texts_json(mail->defects));
	return lk_json_dump(json, false);
}

static char *header_block(const lk_mail *mail)
{
	g_autoptr(GString) block = g_string_new(NULL);

	for (unsigned i = 0; i < mail->headers->len && block->len < LK_MAX_HEADER_BLOCK; i++) {
		const lk_header *header = g_ptr_array_index(mail->headers, i);
		g_string_append_printf(block, "%s: %s\n", header->name, header->value);
	}
	return block->len ? lk_text_cut(block->str, LK_MAX_HEADER_BLOCK) : NULL;
}

/* The attachments as the statement takes them: lists of one length. */
typedef struct {
	GPtrArray *names;
	GPtrArray *types;
	GPtrArray *ids;
	GArray *inlines;
	GArray *sizes;
	GArray *blobs;
} attachments;

static void attachments_init(attachments *a)
{
	a->names = g_ptr_array_new_with_free_func(g_free);
	a->types = g_ptr_array_new_with_free_func(g_free);
	a->ids = g_ptr_array_new_with_free_func(g_free);
	a->inlines = g_array_new(FALSE, FALSE, sizeof(int64_t));
	a->sizes = g_array_new(FALSE, FALSE, sizeof(int64_t));
	a->blobs = g_array_new(FALSE, FALSE, sizeof(int64_t));
}

static void attachments_clear(attachments *a)
{
	g_clear_pointer(&a->names, g_ptr_array_unref);
	g_clear_pointer(&a->types, g_ptr_array_unref);
	g_clear_pointer(&a->ids, g_ptr_array_unref);
	g_clear_pointer(&a->inlines, g_array_unref);
	g_clear_pointer(&a->sizes, g_array_unref);
	g_clear_pointer(&a->blobs, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(attachments, attachments_clear)

static void attach(attachments *a, const char *name, const char *type, const char *id,
		   bool is_inline, uint64_t size, int64_t blob)
{
	int64_t inline_number = is_inline;
	int64_t size_number = (int64_t)size;

	g_ptr_array_add(a->names, name ? lk_text_cut(name, 1000) : NULL);
	g_ptr_array_add(a->types, lk_text_cut(type ? type : "application/octet-stream", 200));
	g_ptr_array_add(a->ids, id ? lk_text_cut(id, LK_MAX_ID_BYTES) : NULL);
	g_array_append_val(a->inlines, inline_number);
	g_array_append_val(a->sizes, size_number);
	g_array_append_val(a->blobs, blob);
}

/*
 * The attachments, and the raw mail: kept for its time by the policy, and shown as an attachment
 * where reading it left something out.
 */
static bool store_blobs(lk_work *work, attachments *a, int64_t *ret_raw, GError **error)
{
	const lk_intake *intake = work->intake;
	const lk_mail *mail = work->mail;
	bool shows_raw = mail->is_unparsed || mail->is_incomplete || intake->is_too_large;
	int64_t raw = 0;

	for (unsigned i = 0; intake->parts_fd >= 0 && i < mail->attachments->len; i++) {
		const lk_attachment *attachment = g_ptr_array_index(mail->attachments, i);
		int64_t blob = 0;
		if (!lk_blob_store(work->db, intake->parts_fd, attachment->offset, attachment->size,
				   &blob, NULL, error)) {
			g_prefix_error(error, "attachment %u: ", i + 1);
			return false;
		}
		attach(a, attachment->filename, attachment->content_type, attachment->content_id,
		       attachment->is_inline, attachment->size, blob);
	}
	if ((work->policy->keep_raw || shows_raw) && intake->mail_fd >= 0 &&
	    !lk_blob_store(work->db, intake->mail_fd, 0, intake->mail_size, &raw, NULL, error)) {
		g_prefix_error(error, "the mail's bytes: ");
		return false;
	}
	if (shows_raw && raw)
		attach(a, intake->is_too_large ? "header.eml" : "original.eml", "message/rfc822",
		       NULL, false, intake->mail_size, raw);
	*ret_raw = work->policy->keep_raw ? raw : 0;
	return true;
}

static void param_id(lk_params *params, int64_t id)
{
	if (id)
		lk_param_int(params, id);
	else
		lk_param_null(params);
}

static void param_block(lk_params *params, bool is_known, const uint8_t *bytes, size_t n)
{
	if (is_known)
		lk_param_bytes(params, bytes, n);
	else
		lk_param_null(params);
}

/* Texts made for one statement live as long as its parameters. */
typedef struct {
	lk_params *params;
	GPtrArray *texts;
} binder;

static void bind(binder *b, char *text)
{
	g_ptr_array_add(b->texts, text);
	lk_param_text(b->params, text);
}

static void bind_cut(binder *b, const char *text, size_t most)
{
	bind(b, text ? lk_text_cut(text, most) : NULL);
}

static void bind_json(binder *b, lk_json *json)
{
	bind(b, lk_json_dump(json, false));
	lk_json_unref(json);
}

static void bind_references(binder *b, const lk_mail *mail)
{
	g_autoptr(GPtrArray) cut = g_ptr_array_new_with_free_func(g_free);

	for (unsigned i = 0; i < mail->references->len && i < 100; i++)
		g_ptr_array_add(
			cut, lk_text_cut(g_ptr_array_index(mail->references, i), LK_MAX_ID_BYTES));
	lk_param_texts(b->params, cut);
}

/* Parameters 1 to 27. */
static void bind_message(binder *b, const lk_work *work, int64_t ticket, int64_t raw)
{
	const lk_mail *mail = work->mail;
	const lk_plan *plan = &work->plan;
	bool joins = ticket && plan->ticket == ticket;
	bool is_date_sane = mail->date >= first_date && mail->date <= latest_date;

	param_id(b->params, ticket);
	lk_param_text(b->params, plan->is_note ? "note" : plan->is_out ? "out" : "in");
	lk_param_text(b->params, lk_kind_name(mail->kind));
	bind_cut(b, mail->kind_reason, 1000);
	lk_param_text(b->params, lk_writer_name(plan->writer));
	lk_param_text(b->params, lk_evidence_name(joins ? plan->evidence : LK_EVIDENCE_NONE));
	bind_cut(b, work->thread.reason, 2000);
	bind_cut(b, mail->message_id, LK_MAX_ID_BYTES);
	param_block(b->params, work->has_id, work->id_hash, sizeof(work->id_hash));
	param_block(b->params, work->has_content, work->content, sizeof(work->content));
	bind_cut(b, mail->from ? mail->from->name : NULL, LK_MAX_NAME_BYTES);
	bind_cut(b, mail->from ? mail->from->address : NULL, LK_MAX_ADDRESS_BYTES);
	bind_json(b, addresses_json(mail->to));
	bind_json(b, addresses_json(mail->cc));
	bind_cut(b, mail->subject, LK_MAX_ID_BYTES);
	bind_cut(b, mail->in_reply_to, LK_MAX_ID_BYTES);
	bind_references(b, mail);
	lk_param_time(b->params, is_date_sane ? mail->date : LK_TIME_NONE);
	lk_param_time(b->params, work->at);
	lk_param_text(b->params, mail->text);
	lk_param_text(b->params, mail->reply_text);
	bind_cut(b, mail->language, 16);
	lk_param_text(b->params, lk_importance_name(mail->importance));
	bind(b, header_block(mail));
	bind(b, parsed_json(work));
	param_id(b->params, raw);
	lk_param_int(b->params, (int64_t)work->intake->mail_size);
}

/* The ids that the mail names, but for its own. */
static void bind_ids(binder *b, const lk_work *work)
{
	g_autoptr(GByteArray) hashes = g_byte_array_new();

	for (unsigned i = 0; work->clues && i < work->clues->ids->len; i++) {
		const lk_clue_id *id = &g_array_index(work->clues->ids, lk_clue_id, i);
		if (!work->has_id || memcmp(id->hash, work->id_hash, sizeof(id->hash)) != 0)
			g_byte_array_append(hashes, id->hash, sizeof(id->hash));
	}
	lk_param_blocks(b->params, hashes->data, hashes->len / LK_KEY_HASH_BYTES,
			LK_KEY_HASH_BYTES);
}

/* Parameters 28 to 34. */
static void bind_parts(binder *b, const lk_work *work, const attachments *a)
{
	lk_param_texts(b->params, a->names);
	lk_param_texts(b->params, a->types);
	lk_param_texts(b->params, a->ids);
	lk_param_ints(b->params, (const int64_t *)(void *)a->inlines->data, a->inlines->len);
	lk_param_ints(b->params, (const int64_t *)(void *)a->sizes->data, a->sizes->len);
	lk_param_ints(b->params, (const int64_t *)(void *)a->blobs->data, a->blobs->len);
	bind_ids(b, work);
}

/* Parameters 35 to 39; of a stored message 6 to 10. */
static void bind_events(binder *b, const lk_work *work)
{
	g_autoptr(GArray) tickets = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_autoptr(GPtrArray) events = g_ptr_array_new();
	g_autoptr(GPtrArray) reasons = g_ptr_array_new();
	g_autoptr(GPtrArray) details = g_ptr_array_new();
	g_autoptr(GPtrArray) actors = g_ptr_array_new();

	for (unsigned i = 0; i < work->told->len; i++) {
		lk_told *told = g_ptr_array_index(work->told, i);
		g_array_append_val(tickets, told->ticket);
		g_ptr_array_add(events, told->event);
		g_ptr_array_add(reasons, told->reason);
		g_ptr_array_add(details, told->detail);
		g_ptr_array_add(actors, told->actor ? told->actor : work->actor);
	}
	lk_param_ints(b->params, (const int64_t *)(void *)tickets->data, tickets->len);
	lk_param_texts(b->params, events);
	lk_param_texts(b->params, reasons);
	lk_param_texts(b->params, details);
	lk_param_texts(b->params, actors);
}

static const char *outcome_name(lk_outcome outcome)
{
	static const char *const names[] = {"ticket", "duplicate", "control", "quarantine"};

	return names[outcome];
}

/* Parameters 40 to 50. */
static void bind_arrival(binder *b, const lk_work *work, lk_outcome outcome, const char *reason,
			 const char *quarantine, int64_t concerns)
{
	const lk_intake *intake = work->intake;

	lk_param_text(b->params, intake->mailbox);
	lk_param_text(b->params, intake->folder);
	lk_param_int(b->params, intake->uidvalidity);
	lk_param_text(b->params, intake->uid);
	lk_param_time(b->params, work->now);
	lk_param_text(b->params, outcome_name(outcome));
	lk_param_text(b->params, reason);
	bind(b, work->explain ? lk_json_dump(work->explain, false) : g_strdup("{}"));
	lk_param_text(b->params, intake->server_action);
	param_id(b->params, concerns);
	lk_param_text(b->params, quarantine);
}

bool lk_work_store(lk_work *work, lk_outcome outcome, const char *reason, const char *quarantine,
		   int64_t ticket, int64_t concerns, lk_ingest_result *result, GError **error)
{
	g_auto(attachments) a = {0};
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(lk_rows) rows = NULL;
	binder b = {.params = params, .texts = texts};
	int64_t raw = 0;

	attachments_init(&a);
	if (!store_blobs(work, &a, &raw, error))
		return false;
	lk_fault("ingest.blobs");
	bind_message(&b, work, ticket, raw);
	bind_parts(&b, work, &a);
	bind_events(&b, work);
	bind_arrival(&b, work, outcome, reason, quarantine, concerns);
	if (!lk_db_run(work->db, LK_Q_INGEST_STORE, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY,
			    "the same mail is being taken in another mailbox; it is tried again");
		return false;
	}
	result->outcome = outcome;
	result->message = lk_row_int(rows, 0, "message");
	result->arrival = lk_row_int(rows, 0, "arrival");
	result->ticket = concerns;
	g_free(result->reason);
	result->reason = g_strdup(reason);
	lk_fault("ingest.message");
	return true;
}

bool lk_work_move_stored(lk_work *work, int64_t ticket, lk_ingest_result *result, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	binder b = {.params = params, .texts = texts};

	lk_param_int(params, work->stored);
	lk_param_int(params, ticket);
	lk_param_text(params, lk_writer_name(work->plan.writer));
	bind_cut(&b, work->thread.reason, 2000);
	bind_ids(&b, work);
	bind_events(&b, work);
	lk_param_time(params, work->now);
	if (!lk_db_run(work->db, LK_Q_STORED_MOVE, params, NULL, error))
		return false;
	result->outcome = LK_OUTCOME_TICKET;
	result->message = work->stored;
	result->ticket = ticket;
	g_free(result->reason);
	result->reason = g_strdup(work->plan.reason);
	lk_fault("ingest.message");
	return true;
}
