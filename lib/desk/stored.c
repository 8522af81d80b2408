#include "lib/desk/stored.h"

#include "lib/base/json.h"

#include <string.h>

lk_json *lk_stored_json(const lk_rows *rows, size_t row, const char *column)
{
	const char *text = lk_row_text(rows, row, column);
	lk_json *json = NULL;

	if (text == NULL || !lk_json_parse(text, strlen(text), &json, NULL))
		return NULL;
	return json;
}

static void read_addresses(const lk_json *list, GPtrArray *ret_addresses)
{
	for (size_t i = 0; list != NULL && i < lk_json_size(list); i++) {
		const lk_json *one = lk_json_at(list, i);
		const char *address = lk_json_get_text(one, "address");

		if (address != NULL)
			g_ptr_array_add(ret_addresses,
					lk_address_new(lk_json_get_text(one, "name"), address));
	}
}

static void read_texts(const lk_json *list, GPtrArray *ret_texts)
{
	for (size_t i = 0; list != NULL && i < lk_json_size(list); i++) {
		const char *text = lk_json_text(lk_json_at(list, i));

		if (text != NULL)
			g_ptr_array_add(ret_texts, g_strdup(text));
	}
}

/* "Name: value" a line; the values were unfolded before they were stored. */
static void read_headers(const char *block, GPtrArray *ret_headers)
{
	g_auto(GStrv) lines = g_strsplit(block, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		char *colon = strstr(*line, ": ");
		lk_header *header = NULL;

		if (colon == NULL || colon == *line)
			continue;
		header = g_new0(lk_header, 1);
		header->name = g_strndup(*line, (size_t)(colon - *line));
		header->value = g_strdup(colon + 2);
		g_ptr_array_add(ret_headers, header);
	}
}

/* The whole mail shown as an attachment was not one of its own. */
static bool is_whole_mail(const lk_mail *mail, const lk_json *one, bool is_last)
{
	const char *name = lk_json_get_text(one, "filename");
	const char *type = lk_json_get_text(one, "content_type");

	if (!is_last || g_strcmp0(type, "message/rfc822") != 0)
		return false;
	return g_strcmp0(name, "header.eml") == 0 ||
	       (g_strcmp0(name, "original.eml") == 0 && (mail->is_unparsed || mail->is_incomplete));
}

static void read_attachments(const lk_json *list, lk_mail *mail)
{
	size_t n = list != NULL ? lk_json_size(list) : 0;

	for (size_t i = 0; i < n; i++) {
		const lk_json *one = lk_json_at(list, i);
		lk_attachment *attachment = NULL;

		if (is_whole_mail(mail, one, i + 1 == n))
			continue;
		attachment = g_new0(lk_attachment, 1);
		attachment->filename = g_strdup(lk_json_get_text(one, "filename"));
		attachment->content_type = g_strdup(lk_json_get_text(one, "content_type"));
		attachment->content_id = g_strdup(lk_json_get_text(one, "content_id"));
		attachment->is_inline = lk_json_get_bool(one, "inline", false);
		attachment->size = (uint64_t)lk_json_get_int(one, "size", 0);
		g_ptr_array_add(mail->attachments, attachment);
	}
}

static void read_bounce(const lk_json *stored, lk_mail *mail)
{
	lk_bounce *bounce = NULL;

	if (stored == NULL)
		return;
	bounce = g_new0(lk_bounce, 1);
	bounce->recipients = g_ptr_array_new_with_free_func(g_free);
	bounce->states = g_ptr_array_new_with_free_func(g_free);
	read_texts(lk_json_get(stored, "recipients"), bounce->recipients);
	read_texts(lk_json_get(stored, "states"), bounce->states);
	bounce->permanent = lk_json_get_bool(stored, "permanent", false);
	bounce->status = g_strdup(lk_json_get_text(stored, "status"));
	bounce->diagnostic = g_strdup(lk_json_get_text(stored, "diagnostic"));
	bounce->original_message_id = g_strdup(lk_json_get_text(stored, "original_message_id"));
	mail->bounce = bounce;
}

/* What the parser saw and no column holds: written by ingest-store.c. */
static void read_parsed(const lk_json *parsed, lk_mail *mail)
{
	const lk_json *auth = lk_json_get(parsed, "auth");
	const char *sender = lk_json_get_text(parsed, "sender");

	if (sender != NULL)
		mail->sender = lk_address_new(NULL, sender);
	read_addresses(lk_json_get(parsed, "reply_to"), mail->reply_to);
	mail->return_path = g_strdup(lk_json_get_text(parsed, "return_path"));
	read_texts(lk_json_get(parsed, "delivered_to"), mail->delivered_to);
	mail->from_headers = (unsigned)lk_json_get_int(parsed, "from_headers", 0);
	mail->from_addresses = (unsigned)lk_json_get_int(parsed, "from_addresses", 0);
	mail->is_vacation = lk_json_get_bool(parsed, "is_vacation", false);
	mail->is_unparsed = lk_json_get_bool(parsed, "is_unparsed", false);
	mail->is_incomplete = lk_json_get_bool(parsed, "is_incomplete", false);
	mail->suppress_reply = lk_json_get_bool(parsed, "suppress_reply", false);
	mail->suppress_reason = g_strdup(lk_json_get_text(parsed, "suppress_reason"));
	if (auth != NULL) {
		mail->auth = lk_auth_new();
		mail->auth->spf = g_strdup(lk_json_get_text(auth, "spf"));
		mail->auth->dkim = g_strdup(lk_json_get_text(auth, "dkim"));
		mail->auth->dmarc = g_strdup(lk_json_get_text(auth, "dmarc"));
		mail->auth->dmarc_domain = g_strdup(lk_json_get_text(auth, "dmarc_domain"));
		read_texts(lk_json_get(auth, "signers"), mail->auth->signers);
	}
	read_bounce(lk_json_get(parsed, "bounce"), mail);
	read_texts(lk_json_get(parsed, "defects"), mail->defects);
}

static void read_kind(const char *kind, const char *importance, lk_mail *mail)
{
	for (lk_kind k = LK_KIND_NORMAL; k <= LK_KIND_CALENDAR; k++)
		if (g_strcmp0(lk_kind_name(k), kind) == 0)
			mail->kind = k;
	for (lk_importance i = LK_IMPORTANCE_NORMAL; i <= LK_IMPORTANCE_LOW; i++)
		if (g_strcmp0(lk_importance_name(i), importance) == 0)
			mail->importance = i;
}

static void set_text(char **text, const char *value)
{
	g_free(*text);
	*text = g_strdup(value != NULL ? value : "");
}

lk_mail *lk_stored_mail(const lk_rows *rows, size_t row)
{
	lk_mail *mail = lk_mail_new();
	const char *from = lk_row_text(rows, row, "from_address");
	const char *block = lk_row_text(rows, row, "header_block");
	g_autoptr(lk_json) to = lk_stored_json(rows, row, "recipients_to");
	g_autoptr(lk_json) cc = lk_stored_json(rows, row, "recipients_cc");
	g_autoptr(lk_json) parsed = lk_stored_json(rows, row, "parsed");
	g_autoptr(lk_json) attachments = lk_stored_json(rows, row, "attachments");
	g_autoptr(GPtrArray) references = lk_row_texts(rows, row, "refs");

	mail->message_id = g_strdup(lk_row_text(rows, row, "message_id"));
	mail->date = lk_row_time(rows, row, "written_at");
	mail->received = lk_row_time(rows, row, "at");
	if (from != NULL)
		mail->from = lk_address_new(lk_row_text(rows, row, "from_name"), from);
	read_addresses(to, mail->to);
	read_addresses(cc, mail->cc);
	set_text(&mail->subject, lk_row_text(rows, row, "subject"));
	mail->in_reply_to = g_strdup(lk_row_text(rows, row, "in_reply_to"));
	for (unsigned i = 0; references != NULL && i < references->len; i++)
		g_ptr_array_add(mail->references, g_strdup(g_ptr_array_index(references, i)));
	read_kind(lk_row_text(rows, row, "kind"), lk_row_text(rows, row, "importance"), mail);
	set_text(&mail->kind_reason, lk_row_text(rows, row, "kind_reason"));
	set_text(&mail->text, lk_row_text(rows, row, "text"));
	set_text(&mail->reply_text, lk_row_text(rows, row, "reply_text"));
	mail->language = g_strdup(lk_row_text(rows, row, "language"));
	if (block != NULL)
		read_headers(block, mail->headers);
	if (parsed != NULL)
		read_parsed(parsed, mail);
	read_attachments(attachments, mail);
	return mail;
}

char **lk_stored_recipients(const lk_rows *rows, size_t row)
{
	g_autoptr(lk_json) parsed = lk_stored_json(rows, row, "parsed");
	const lk_json *envelope = parsed != NULL ? lk_json_get(parsed, "envelope") : NULL;
	g_autoptr(GPtrArray) texts = g_ptr_array_new();

	if (envelope == NULL)
		return NULL;
	read_texts(envelope, texts);
	g_ptr_array_add(texts, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&texts), FALSE);
}

bool lk_stored_is_too_large(const lk_rows *rows, size_t row)
{
	g_autoptr(lk_json) list = lk_stored_json(rows, row, "attachments");
	size_t n = list != NULL ? lk_json_size(list) : 0;
	const lk_json *last = n > 0 ? lk_json_at(list, n - 1) : NULL;

	return last != NULL && g_strcmp0(lk_json_get_text(last, "filename"), "header.eml") == 0 &&
	       g_strcmp0(lk_json_get_text(last, "content_type"), "message/rfc822") == 0;
}
