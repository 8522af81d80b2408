#include "lib/mail/answer.h"

#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/mail/address.h"

#include <string.h>

/*
 * The answer is its fields one behind the other: numbers of 8 bytes, little-endian, and texts,
 * each its length and its bytes. What may be absent has a number before it, 1 when it is there;
 * lists have their count. A reader knows from its place what comes next, so nothing names a type.
 */
static void put_number(GString *out, uint64_t value)
{
	uint64_t bytes = GUINT64_TO_LE(value);

	g_string_append_len(out, (const char *)&bytes, sizeof bytes);
}

static void put_text(GString *out, const char *value)
{
	size_t n = strlen(value);

	put_number(out, n);
	g_string_append_len(out, value, (gssize)n);
}

static void put_maybe_text(GString *out, const char *value)
{
	put_number(out, value != NULL);
	if (value)
		put_text(out, value);
}

static void put_address(GString *out, const lk_address *value)
{
	put_maybe_text(out, value->name);
	put_text(out, value->address);
}

static void put_maybe_address(GString *out, const lk_address *value)
{
	put_number(out, value != NULL);
	if (value)
		put_address(out, value);
}

/* The reader refuses longer lists; returns how many follow. */
static unsigned put_count(GString *out, const GPtrArray *list, unsigned most)
{
	unsigned n = MIN(list->len, most);

	put_number(out, n);
	return n;
}

static void put_addresses(GString *out, const GPtrArray *list)
{
	unsigned n = put_count(out, list, LK_ADDRESSES_MOST);

	for (unsigned i = 0; i < n; i++)
		put_address(out, g_ptr_array_index(list, i));
}

static void put_texts(GString *out, const GPtrArray *list, unsigned most)
{
	unsigned n = put_count(out, list, most);

	for (unsigned i = 0; i < n; i++)
		put_text(out, g_ptr_array_index(list, i));
}

static void encode_head(GString *out, const lk_mail *mail)
{
	put_maybe_text(out, mail->message_id);
	put_number(out, (uint64_t)mail->date);
	put_number(out, (uint64_t)mail->received);
	put_maybe_address(out, mail->from);
	put_number(out, mail->from_headers);
	put_number(out, mail->from_addresses);
	put_maybe_address(out, mail->sender);
	put_maybe_text(out, mail->return_path);
	put_addresses(out, mail->reply_to);
	put_addresses(out, mail->to);
	put_addresses(out, mail->cc);
	put_texts(out, mail->delivered_to, LK_ADDRESSES_MOST);
	put_text(out, mail->subject);
	put_maybe_text(out, mail->in_reply_to);
	put_texts(out, mail->references, LK_REFERENCES_MOST);
}

static void encode_kind(GString *out, const lk_mail *mail)
{
	put_number(out, mail->kind);
	put_text(out, mail->kind_reason);
	put_number(out, mail->is_vacation);
	put_number(out, mail->suppress_reply);
	put_maybe_text(out, mail->suppress_reason);
	put_text(out, mail->text);
	put_text(out, mail->reply_text);
	put_maybe_text(out, mail->language);
	put_number(out, mail->importance);
}

static void encode_parts(GString *out, const lk_mail *mail)
{
	unsigned n = put_count(out, mail->attachments, LK_ATTACHMENTS_MOST);

	for (unsigned i = 0; i < n; i++) {
		const lk_attachment *part = g_ptr_array_index(mail->attachments, i);
		put_maybe_text(out, part->filename);
		put_text(out, part->content_type);
		put_maybe_text(out, part->content_id);
		put_number(out, part->is_inline);
		put_number(out, part->offset);
		put_number(out, part->size);
	}
}

static void encode_rest(GString *out, const lk_mail *mail)
{
	const lk_bounce *bounce = mail->bounce;
	const lk_auth *auth = mail->auth;

	put_number(out, bounce != NULL);
	if (bounce) {
		put_texts(out, bounce->recipients, LK_BOUNCE_RECIPIENTS_MOST);
		put_texts(out, bounce->states, LK_BOUNCE_RECIPIENTS_MOST);
		put_number(out, bounce->permanent);
		put_maybe_text(out, bounce->status);
		put_maybe_text(out, bounce->diagnostic);
		put_maybe_text(out, bounce->original_message_id);
	}
	put_number(out, auth != NULL);
	if (auth) {
		put_maybe_text(out, auth->spf);
		put_maybe_text(out, auth->dkim);
		put_maybe_text(out, auth->dmarc);
		put_maybe_text(out, auth->dmarc_domain);
		put_texts(out, auth->signers, LK_SIGNERS_MOST);
	}
	unsigned headers = put_count(out, mail->headers, LK_HEADERS_MOST);
	for (unsigned i = 0; i < headers; i++) {
		const lk_header *header = g_ptr_array_index(mail->headers, i);
		put_text(out, header->name);
		put_text(out, header->value);
	}
	put_texts(out, mail->defects, LK_DEFECTS_MOST);
	put_texts(out, mail->auth_trail, LK_AUTH_TRAIL_MOST);
	put_number(out, mail->is_incomplete);
}

GBytes *lk_answer_encode(const lk_mail *mail)
{
	GString *out = g_string_sized_new(8 * 1024 + strlen(mail->text) + strlen(mail->reply_text));

	encode_head(out, mail);
	encode_kind(out, mail);
	encode_parts(out, mail);
	encode_rest(out, mail);
	return g_string_free_to_bytes(out);
}

/* What is left to read. Once something was not as it must be, only zeros and empty texts come. */
typedef struct {
	const char *at;
	size_t left;
	bool is_bad;
} reader;

static const char *take(reader *in, uint64_t n)
{
	const char *taken = in->at;

	if (in->is_bad || n > in->left) {
		in->is_bad = true;
		return NULL;
	}
	in->at += n;
	in->left -= (size_t)n;
	return taken;
}

static uint64_t read_number(reader *in)
{
	const char *bytes = take(in, sizeof(uint64_t));
	uint64_t value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof value);
	return GUINT64_FROM_LE(value);
}

static uint64_t read_at_most(reader *in, uint64_t most)
{
	uint64_t value = read_number(in);

	if (value > most)
		in->is_bad = true;
	return in->is_bad ? 0 : value;
}

static bool read_bool(reader *in)
{
	return read_at_most(in, 1) == 1;
}

/* Never NULL. */
static char *read_text(reader *in, size_t most)
{
	uint64_t n = read_number(in);
	const char *bytes = take(in, n);
	g_autofree char *clean = lk_text_clean(bytes ? bytes : "", bytes ? MIN(n, most) : 0);

	return strlen(clean) <= most ? g_steal_pointer(&clean) : lk_text_cut(clean, most);
}

static void replace_text(char **text_at, reader *in, size_t most)
{
	g_free(*text_at);
	*text_at = read_text(in, most);
}

static char *read_maybe_text(reader *in, size_t most)
{
	return read_bool(in) ? read_text(in, most) : NULL;
}

static lk_address *read_address(reader *in)
{
	g_autofree char *name = read_maybe_text(in, LK_HEADER_BYTES_MOST);
	g_autofree char *written = read_text(in, LK_HEADER_BYTES_MOST);

	return lk_address_new(name, written);
}

static lk_address *read_maybe_address(reader *in)
{
	return read_bool(in) ? read_address(in) : NULL;
}

static void read_addresses(reader *in, GPtrArray *list)
{
	uint64_t n = read_at_most(in, LK_ADDRESSES_MOST);

	for (uint64_t i = 0; i < n && !in->is_bad; i++)
		g_ptr_array_add(list, read_address(in));
}

static void read_texts(reader *in, uint64_t most, GPtrArray *list)
{
	uint64_t n = read_at_most(in, most);

	for (uint64_t i = 0; i < n && !in->is_bad; i++)
		g_ptr_array_add(list, read_text(in, LK_HEADER_BYTES_MOST));
}

/* A time that a calendar can show, or none. */
static lk_time read_time(reader *in)
{
	lk_time at = (lk_time)read_number(in);
	const lk_time most = INT64_C(253402300799) * LK_SECOND; /* the end of 9999 */

	return at > most || at < -INT64_C(2208988800) * LK_SECOND ? LK_TIME_NONE : at;
}

static void decode_head(reader *in, lk_mail *mail)
{
	mail->message_id = read_maybe_text(in, LK_HEADER_BYTES_MOST);
	mail->date = read_time(in);
	mail->received = read_time(in);
	mail->from = read_maybe_address(in);
	mail->from_headers = (unsigned)read_at_most(in, UINT32_MAX);
	mail->from_addresses = (unsigned)read_at_most(in, UINT32_MAX);
	mail->sender = read_maybe_address(in);
	mail->return_path = read_maybe_text(in, LK_HEADER_BYTES_MOST);
	read_addresses(in, mail->reply_to);
	read_addresses(in, mail->to);
	read_addresses(in, mail->cc);
	read_texts(in, LK_ADDRESSES_MOST, mail->delivered_to);
	replace_text(&mail->subject, in, LK_HEADER_BYTES_MOST);
	mail->in_reply_to = read_maybe_text(in, LK_HEADER_BYTES_MOST);
	read_texts(in, LK_REFERENCES_MOST, mail->references);
}

static void decode_kind(reader *in, lk_mail *mail)
{
	mail->kind = (lk_kind)read_at_most(in, LK_KIND_CALENDAR);
	replace_text(&mail->kind_reason, in, LK_HEADER_BYTES_MOST);
	mail->is_vacation = read_bool(in);
	mail->suppress_reply = read_bool(in);
	mail->suppress_reason = read_maybe_text(in, LK_HEADER_BYTES_MOST);
	replace_text(&mail->text, in, LK_TEXT_BYTES_MOST);
	replace_text(&mail->reply_text, in, LK_TEXT_BYTES_MOST);
	mail->language = read_maybe_text(in, 16);
	mail->importance = (lk_importance)read_at_most(in, LK_IMPORTANCE_LOW);
}

static void decode_parts(reader *in, uint64_t parts_size, lk_mail *mail)
{
	uint64_t n = read_at_most(in, LK_ATTACHMENTS_MOST);
	uint64_t end = 0;

	for (uint64_t i = 0; i < n && !in->is_bad; i++) {
		lk_attachment *part = g_new0(lk_attachment, 1);
		g_ptr_array_add(mail->attachments, part);
		part->filename = read_maybe_text(in, 512);
		part->content_type = read_text(in, 256);
		part->content_id = read_maybe_text(in, 512);
		part->is_inline = read_bool(in);
		part->offset = read_at_most(in, parts_size);
		part->size = read_at_most(in, parts_size - part->offset);
		/* One behind the other: what they cost to read is bounded by the file. */
		in->is_bad |= part->offset < end;
		end = part->offset + part->size;
	}
}

static void decode_bounce(reader *in, lk_mail *mail)
{
	if (!read_bool(in))
		return;
	mail->bounce = g_new0(lk_bounce, 1);
	mail->bounce->recipients = g_ptr_array_new_with_free_func(g_free);
	mail->bounce->states = g_ptr_array_new_with_free_func(g_free);
	read_texts(in, LK_BOUNCE_RECIPIENTS_MOST, mail->bounce->recipients);
	read_texts(in, LK_BOUNCE_RECIPIENTS_MOST, mail->bounce->states);
	mail->bounce->permanent = read_bool(in);
	mail->bounce->status = read_maybe_text(in, 32);
	mail->bounce->diagnostic = read_maybe_text(in, LK_HEADER_BYTES_MOST);
	mail->bounce->original_message_id = read_maybe_text(in, LK_HEADER_BYTES_MOST);
}

static void decode_rest(reader *in, lk_mail *mail)
{
	decode_bounce(in, mail);
	if (read_bool(in)) {
		mail->auth = lk_auth_new();
		mail->auth->spf = read_maybe_text(in, 32);
		mail->auth->dkim = read_maybe_text(in, 32);
		mail->auth->dmarc = read_maybe_text(in, 32);
		mail->auth->dmarc_domain = read_maybe_text(in, LK_DOMAIN_BYTES_MOST);
		read_texts(in, LK_SIGNERS_MOST, mail->auth->signers);
	}
	uint64_t headers = read_at_most(in, LK_HEADERS_MOST);
	for (uint64_t i = 0; i < headers && !in->is_bad; i++) {
		lk_header *header = g_new0(lk_header, 1);
		g_ptr_array_add(mail->headers, header);
		header->name = read_text(in, LK_HEADER_BYTES_MOST);
		header->value = read_text(in, LK_HEADER_BYTES_MOST);
	}
	read_texts(in, LK_DEFECTS_MOST, mail->defects);
	read_texts(in, LK_AUTH_TRAIL_MOST, mail->auth_trail);
	mail->is_incomplete = read_bool(in);
}

bool lk_answer_decode(const void *bytes, size_t n, uint64_t parts_size, lk_mail **ret_mail,
		      GError **error)
{
	g_autoptr(lk_mail) mail = lk_mail_new();
	reader in = {.at = bytes, .left = n};

	if (n == 0 || n > LK_ANSWER_BYTES_MOST) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "the parser's answer has %zu bytes; retry the mail", n);
		return false;
	}
	decode_head(&in, mail);
	decode_kind(&in, mail);
	decode_parts(&in, parts_size, mail);
	decode_rest(&in, mail);
	if (in.is_bad || in.left > 0) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "the parser's answer is malformed; retry the mail");
		return false;
	}
	*ret_mail = g_steal_pointer(&mail);
	return true;
}
