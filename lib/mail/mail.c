#include "lib/mail/mail.h"

#include "lib/base/json.h"

#include <string.h>

lk_address *lk_address_new(const char *name, const char *address)
{
	lk_address *made = g_new0(lk_address, 1);

	made->name = g_strdup(name);
	made->address = g_strdup(address ? address : "");
	return made;
}

void lk_address_free(lk_address *address)
{
	if (!address)
		return;
	g_free(address->name);
	g_free(address->address);
	g_free(address);
}

static void address_destroy(gpointer address)
{
	lk_address_free(address);
}

static void header_destroy(gpointer data)
{
	lk_header *header = data;

	g_free(header->name);
	g_free(header->value);
	g_free(header);
}

static void attachment_destroy(gpointer data)
{
	lk_attachment *attachment = data;

	g_free(attachment->filename);
	g_free(attachment->content_type);
	g_free(attachment->content_id);
	g_free(attachment);
}

static void bounce_free(lk_bounce *bounce)
{
	if (!bounce)
		return;
	g_ptr_array_unref(bounce->recipients);
	g_ptr_array_unref(bounce->states);
	g_free(bounce->status);
	g_free(bounce->diagnostic);
	g_free(bounce->original_message_id);
	g_free(bounce);
}

lk_auth *lk_auth_new(void)
{
	lk_auth *auth = g_new0(lk_auth, 1);

	auth->signers = g_ptr_array_new_with_free_func(g_free);
	return auth;
}

void lk_auth_free(lk_auth *auth)
{
	if (!auth)
		return;
	g_free(auth->spf);
	g_free(auth->dkim);
	g_free(auth->dmarc);
	g_free(auth->dmarc_domain);
	g_ptr_array_unref(auth->signers);
	g_free(auth);
}

lk_mail *lk_mail_new(void)
{
	lk_mail *mail = g_new0(lk_mail, 1);

	mail->date = LK_TIME_NONE;
	mail->received = LK_TIME_NONE;
	mail->reply_to = g_ptr_array_new_with_free_func(address_destroy);
	mail->to = g_ptr_array_new_with_free_func(address_destroy);
	mail->cc = g_ptr_array_new_with_free_func(address_destroy);
	mail->delivered_to = g_ptr_array_new_with_free_func(g_free);
	mail->references = g_ptr_array_new_with_free_func(g_free);
	mail->attachments = g_ptr_array_new_with_free_func(attachment_destroy);
	mail->headers = g_ptr_array_new_with_free_func(header_destroy);
	mail->defects = g_ptr_array_new_with_free_func(g_free);
	mail->auth_trail = g_ptr_array_new_with_free_func(g_free);
	mail->subject = g_strdup("");
	mail->kind_reason = g_strdup("nothing says that a machine wrote it");
	mail->text = g_strdup("");
	mail->reply_text = g_strdup("");
	return mail;
}

void lk_mail_free(lk_mail *mail)
{
	if (!mail)
		return;
	g_free(mail->message_id);
	lk_address_free(mail->from);
	lk_address_free(mail->sender);
	g_free(mail->return_path);
	g_ptr_array_unref(mail->reply_to);
	g_ptr_array_unref(mail->to);
	g_ptr_array_unref(mail->cc);
	g_ptr_array_unref(mail->delivered_to);
	g_free(mail->subject);
	g_free(mail->in_reply_to);
	g_ptr_array_unref(mail->references);
	g_free(mail->kind_reason);
	g_free(mail->suppress_reason);
	g_free(mail->text);
	g_free(mail->reply_text);
	g_free(mail->language);
	g_ptr_array_unref(mail->attachments);
	bounce_free(mail->bounce);
	lk_auth_free(mail->auth);
	g_ptr_array_unref(mail->headers);
	g_ptr_array_unref(mail->defects);
	g_ptr_array_unref(mail->auth_trail);
	g_free(mail);
}

const char *lk_kind_name(lk_kind kind)
{
	switch (kind) {
	case LK_KIND_NORMAL:
		return "normal";
	case LK_KIND_AUTO_REPLY:
		return "auto_reply";
	case LK_KIND_BOUNCE:
		return "bounce";
	case LK_KIND_LIST:
		return "list";
	case LK_KIND_CALENDAR:
		return "calendar";
	}
	g_assert_not_reached();
}

const char *lk_importance_name(lk_importance importance)
{
	switch (importance) {
	case LK_IMPORTANCE_NORMAL:
		return "normal";
	case LK_IMPORTANCE_HIGH:
		return "high";
	case LK_IMPORTANCE_LOW:
		return "low";
	}
	g_assert_not_reached();
}

const char *lk_mail_header(const lk_mail *mail, const char *name)
{
	for (unsigned i = 0; i < mail->headers->len; i++) {
		const lk_header *header = g_ptr_array_index(mail->headers, i);
		if (g_ascii_strcasecmp(header->name, name) == 0)
			return header->value;
	}
	return NULL;
}

static lk_json *address_json(const lk_address *address)
{
	lk_json *json = lk_json_object();

	lk_json_set_text(json, "name", address->name);
	lk_json_set_text(json, "address", address->address);
	return json;
}

static void set_address(lk_json *json, const char *key, const lk_address *address)
{
	if (address)
		lk_json_take(json, key, address_json(address));
	else
		lk_json_set_null(json, key);
}

static void set_addresses(lk_json *json, const char *key, const GPtrArray *addresses)
{
	lk_json *list = lk_json_array();

	for (unsigned i = 0; i < addresses->len; i++)
		lk_json_push(list, address_json(g_ptr_array_index(addresses, i)));
	lk_json_take(json, key, list);
}

static void set_texts(lk_json *json, const char *key, const GPtrArray *texts)
{
	lk_json *list = lk_json_array();

	for (unsigned i = 0; i < texts->len; i++)
		lk_json_push_text(list, g_ptr_array_index(texts, i));
	lk_json_take(json, key, list);
}

static void set_attachments(lk_json *json, const GPtrArray *attachments)
{
	lk_json *list = lk_json_array();

	for (unsigned i = 0; i < attachments->len; i++) {
		const lk_attachment *attachment = g_ptr_array_index(attachments, i);
		lk_json *one = lk_json_object();
		g_autofree char *hash = lk_hex(attachment->hash, LK_HASH_BYTES);
		lk_json_set_text(one, "filename", attachment->filename);
		lk_json_set_text(one, "content_type", attachment->content_type);
		lk_json_set_int(one, "size", (int64_t)attachment->size);
		lk_json_set_bool(one, "inline", attachment->is_inline);
		lk_json_set_text(one, "content_id", attachment->content_id);
		lk_json_set_text(one, "blake2b", hash);
		lk_json_push(list, one);
	}
	lk_json_take(json, "attachments", list);
}

static void set_bounce(lk_json *json, const lk_bounce *bounce)
{
	if (!bounce) {
		lk_json_set_null(json, "bounce");
		return;
	}
	lk_json *one = lk_json_object();
	set_texts(one, "recipients", bounce->recipients);
	set_texts(one, "states", bounce->states);
	lk_json_set_bool(one, "permanent", bounce->permanent);
	lk_json_set_text(one, "status", bounce->status);
	lk_json_set_text(one, "diagnostic", bounce->diagnostic);
	lk_json_set_text(one, "original_message_id", bounce->original_message_id);
	lk_json_take(json, "bounce", one);
}

static void set_auth(lk_json *json, const lk_auth *auth)
{
	lk_json *one = lk_json_object();

	lk_json_set_text(one, "spf", auth ? auth->spf : NULL);
	lk_json_set_text(one, "dkim", auth ? auth->dkim : NULL);
	lk_json_set_text(one, "dmarc", auth ? auth->dmarc : NULL);
	lk_json_take(json, "auth", one);
}

lk_json *lk_mail_json(const lk_mail *mail)
{
	lk_json *json = lk_json_object();
	g_autofree char *date = lk_time_format(mail->date);

	lk_json_set_text(json, "message_id", mail->message_id);
	lk_json_set_text(json, "date", date);
	set_address(json, "from", mail->from);
	set_address(json, "sender", mail->sender);
	set_addresses(json, "reply_to", mail->reply_to);
	set_addresses(json, "to", mail->to);
	set_addresses(json, "cc", mail->cc);
	lk_json_set_text(json, "subject", mail->subject);
	lk_json_set_text(json, "in_reply_to", mail->in_reply_to);
	set_texts(json, "references", mail->references);
	lk_json_set_text(json, "kind", lk_kind_name(mail->kind));
	lk_json_set_text(json, "kind_reason", mail->kind_reason);
	lk_json_set_bool(json, "suppress_reply", mail->suppress_reply);
	lk_json_set_text(json, "text", mail->text);
	lk_json_set_text(json, "reply_text", mail->reply_text);
	lk_json_set_text(json, "language", mail->language);
	lk_json_set_text(json, "importance", lk_importance_name(mail->importance));
	set_attachments(json, mail->attachments);
	set_bounce(json, mail->bounce);
	set_auth(json, mail->auth);
	set_texts(json, "defects", mail->defects);
	return json;
}

static void hash_text(lk_hash *hash, const char *text)
{
	uint64_t n = text ? strlen(text) : 0, length = GUINT64_TO_LE(n);

	lk_hash_add(hash, &length, sizeof length);
	lk_hash_add(hash, text ? text : "", n);
}

void lk_mail_content_hash(const lk_mail *mail, uint8_t ret_hash[LK_HASH_BYTES])
{
	g_autoptr(lk_hash) hash = lk_hash_new();
	g_autofree char *date = lk_time_format(mail->date);

	hash_text(hash, mail->message_id);
	hash_text(hash, mail->from ? mail->from->address : NULL);
	hash_text(hash, date);
	hash_text(hash, mail->text);
	lk_hash_end(hash, ret_hash);
}
