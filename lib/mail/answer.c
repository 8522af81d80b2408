#include "lib/mail/answer.h"

#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/mail/address.h"

#include <string.h>

/*
 * Text travels as byte arrays: "ay" holds anything, is cut and cleaned by us, and GVariant needs
 * not look for its end. mb = maybe.
 */
#define TYPE_ADDRESS "(mayay)"
#define TYPE_HEAD                                                                                  \
	"(mayxxm" TYPE_ADDRESS "uum" TYPE_ADDRESS "maya" TYPE_ADDRESS "a" TYPE_ADDRESS             \
	"a" TYPE_ADDRESS "ayaymayay)"
#define TYPE_KIND "(uaybbmayayaymayu)"
#define TYPE_PARTS "a(mayaymaybtt)"
#define TYPE_REST "(m(aybmaymaymay)m(maymaymay)ayayb)"
#define TYPE_ANSWER "(" TYPE_HEAD TYPE_KIND TYPE_PARTS TYPE_REST ")"

static GVariant *text(const char *value)
{
	return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, value, strlen(value), 1);
}

static GVariant *maybe_text(const char *value)
{
	return g_variant_new_maybe(G_VARIANT_TYPE("ay"), value ? text(value) : NULL);
}

static GVariant *address(const lk_address *value)
{
	GVariant *children[] = {maybe_text(value->name), text(value->address)};

	return g_variant_new_tuple(children, 2);
}

static GVariant *maybe_address(const lk_address *value)
{
	return g_variant_new_maybe(G_VARIANT_TYPE(TYPE_ADDRESS), value ? address(value) : NULL);
}

static GVariant *addresses(const GPtrArray *list)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a" TYPE_ADDRESS));
	for (unsigned i = 0; i < list->len; i++)
		g_variant_builder_add_value(&builder, address(g_ptr_array_index(list, i)));
	return g_variant_builder_end(&builder);
}

/* Texts hold no NUL: each is followed by one. A variant for each would cost more than parsing. */
static GVariant *texts(const GPtrArray *list)
{
	g_autoptr(GString) joined = g_string_new(NULL);

	for (unsigned i = 0; i < list->len; i++) {
		g_string_append(joined, g_ptr_array_index(list, i));
		g_string_append_c(joined, 0);
	}
	return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, joined->str, joined->len, 1);
}

static GVariant *tuple(GVariant **children, size_t n)
{
	return g_variant_new_tuple(children, n);
}

static GVariant *encode_head(const lk_mail *mail)
{
	GVariant *children[] = {maybe_text(mail->message_id),
				g_variant_new_int64(mail->date),
				g_variant_new_int64(mail->received),
				maybe_address(mail->from),
				g_variant_new_uint32(mail->from_headers),
				g_variant_new_uint32(mail->from_addresses),
				maybe_address(mail->sender),
				maybe_text(mail->return_path),
				addresses(mail->reply_to),
				addresses(mail->to),
				addresses(mail->cc),
				texts(mail->delivered_to),
				text(mail->subject),
				maybe_text(mail->in_reply_to),
				texts(mail->references)};

	return tuple(children, G_N_ELEMENTS(children));
}

static GVariant *encode_kind(const lk_mail *mail)
{
	GVariant *children[] = {g_variant_new_uint32(mail->kind),
				text(mail->kind_reason),
				g_variant_new_boolean(mail->is_vacation),
				g_variant_new_boolean(mail->suppress_reply),
				maybe_text(mail->suppress_reason),
				text(mail->text),
				text(mail->reply_text),
				maybe_text(mail->language),
				g_variant_new_uint32(mail->importance)};

	return tuple(children, G_N_ELEMENTS(children));
}

static GVariant *encode_parts(const lk_mail *mail)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(TYPE_PARTS));
	for (unsigned i = 0; i < mail->attachments->len; i++) {
		const lk_attachment *part = g_ptr_array_index(mail->attachments, i);
		GVariant *children[] = {
			maybe_text(part->filename),	    text(part->content_type),
			maybe_text(part->content_id),	    g_variant_new_boolean(part->is_inline),
			g_variant_new_uint64(part->offset), g_variant_new_uint64(part->size)};
		g_variant_builder_add_value(&builder, tuple(children, G_N_ELEMENTS(children)));
	}
	return g_variant_builder_end(&builder);
}

static GVariant *encode_bounce(const lk_bounce *bounce)
{
	const GVariantType *type = G_VARIANT_TYPE("(aybmaymaymay)");

	if (!bounce)
		return g_variant_new_maybe(type, NULL);
	GVariant *children[] = {texts(bounce->recipients), g_variant_new_boolean(bounce->permanent),
				maybe_text(bounce->status), maybe_text(bounce->diagnostic),
				maybe_text(bounce->original_message_id)};
	return g_variant_new_maybe(type, tuple(children, G_N_ELEMENTS(children)));
}

static GVariant *encode_auth(const lk_auth *auth)
{
	const GVariantType *type = G_VARIANT_TYPE("(maymaymay)");

	if (!auth)
		return g_variant_new_maybe(type, NULL);
	GVariant *children[] = {maybe_text(auth->spf), maybe_text(auth->dkim),
				maybe_text(auth->dmarc)};
	return g_variant_new_maybe(type, tuple(children, G_N_ELEMENTS(children)));
}

static GVariant *encode_headers(const lk_mail *mail)
{
	g_autoptr(GPtrArray) flat = g_ptr_array_new();

	for (unsigned i = 0; i < mail->headers->len; i++) {
		const lk_header *header = g_ptr_array_index(mail->headers, i);
		g_ptr_array_add(flat, header->name);
		g_ptr_array_add(flat, header->value);
	}
	return texts(flat);
}

GBytes *lk_answer_encode(const lk_mail *mail)
{
	GVariant *rest[] = {encode_bounce(mail->bounce), encode_auth(mail->auth),
			    encode_headers(mail), texts(mail->defects),
			    g_variant_new_boolean(mail->is_incomplete)};
	GVariant *children[] = {encode_head(mail), encode_kind(mail), encode_parts(mail),
				tuple(rest, G_N_ELEMENTS(rest))};
	g_autoptr(GVariant) answer = g_variant_ref_sink(tuple(children, G_N_ELEMENTS(children)));

	return g_variant_get_data_as_bytes(answer);
}

/* Reading: each reader takes child i of a tuple, whose type g_variant_new_from_bytes has fixed. */
static char *clean_bytes(GVariant *value, size_t most)
{
	gsize n = 0;
	const char *bytes = g_variant_get_fixed_array(value, &n, 1);
	g_autofree char *clean = lk_text_clean(bytes ? bytes : "", MIN(n, most));

	return strlen(clean) <= most ? g_steal_pointer(&clean) : lk_text_cut(clean, most);
}

static char *read_text(GVariant *parent, size_t i, size_t most)
{
	g_autoptr(GVariant) value = g_variant_get_child_value(parent, i);

	return clean_bytes(value, most);
}

static void replace_text(char **text_at, GVariant *parent, size_t i, size_t most)
{
	g_free(*text_at);
	*text_at = read_text(parent, i, most);
}

static GVariant *read_maybe(GVariant *parent, size_t i)
{
	g_autoptr(GVariant) value = g_variant_get_child_value(parent, i);

	return g_variant_get_maybe(value);
}

static char *read_maybe_text(GVariant *parent, size_t i, size_t most)
{
	g_autoptr(GVariant) value = read_maybe(parent, i);

	return value ? clean_bytes(value, most) : NULL;
}

static lk_address *read_address(GVariant *value)
{
	g_autofree char *name = read_maybe_text(value, 0, LK_HEADER_BYTES_MOST);
	g_autofree char *written = read_text(value, 1, LK_HEADER_BYTES_MOST);

	return lk_address_new(name, written);
}

static lk_address *read_maybe_address(GVariant *parent, size_t i)
{
	g_autoptr(GVariant) value = read_maybe(parent, i);

	return value ? read_address(value) : NULL;
}

static void read_addresses(GVariant *parent, size_t i, GPtrArray *list)
{
	g_autoptr(GVariant) values = g_variant_get_child_value(parent, i);
	size_t n = MIN(g_variant_n_children(values), LK_ADDRESSES_MOST);

	for (size_t j = 0; j < n; j++) {
		g_autoptr(GVariant) value = g_variant_get_child_value(values, j);
		g_ptr_array_add(list, read_address(value));
	}
}

static void read_texts(GVariant *parent, size_t i, size_t most, GPtrArray *list)
{
	g_autoptr(GVariant) value = g_variant_get_child_value(parent, i);
	gsize n = 0;
	const char *bytes = g_variant_get_fixed_array(value, &n, 1);

	for (const char *end; n > 0 && list->len < most;
	     n -= (gsize)(end + 1 - bytes), bytes = end + 1) {
		end = memchr(bytes, 0, n);
		if (!end)
			return;
		g_autofree char *clean =
			lk_text_clean(bytes, MIN((size_t)(end - bytes), LK_HEADER_BYTES_MOST));
		g_ptr_array_add(list, lk_text_cut(clean, LK_HEADER_BYTES_MOST));
	}
}

static int64_t read_int64(GVariant *parent, size_t i)
{
	g_autoptr(GVariant) value = g_variant_get_child_value(parent, i);

	return g_variant_get_int64(value);
}

static uint64_t read_uint64(GVariant *parent, size_t i)
{
	g_autoptr(GVariant) value = g_variant_get_child_value(parent, i);

	return g_variant_get_uint64(value);
}

static uint32_t read_uint32(GVariant *parent, size_t i)
{
	g_autoptr(GVariant) value = g_variant_get_child_value(parent, i);

	return g_variant_get_uint32(value);
}

static bool read_bool(GVariant *parent, size_t i)
{
	g_autoptr(GVariant) value = g_variant_get_child_value(parent, i);

	return g_variant_get_boolean(value);
}

/* A time that a calendar can show, or none. */
static lk_time read_time(GVariant *parent, size_t i)
{
	lk_time at = read_int64(parent, i);
	const lk_time most = INT64_C(253402300799) * LK_SECOND; /* the end of 9999 */

	return at > most || at < -INT64_C(2208988800) * LK_SECOND ? LK_TIME_NONE : at;
}

static void decode_head(GVariant *head, lk_mail *mail)
{
	mail->message_id = read_maybe_text(head, 0, LK_HEADER_BYTES_MOST);
	mail->date = read_time(head, 1);
	mail->received = read_time(head, 2);
	mail->from = read_maybe_address(head, 3);
	mail->from_headers = read_uint32(head, 4);
	mail->from_addresses = read_uint32(head, 5);
	mail->sender = read_maybe_address(head, 6);
	mail->return_path = read_maybe_text(head, 7, LK_HEADER_BYTES_MOST);
	read_addresses(head, 8, mail->reply_to);
	read_addresses(head, 9, mail->to);
	read_addresses(head, 10, mail->cc);
	read_texts(head, 11, LK_ADDRESSES_MOST, mail->delivered_to);
	replace_text(&mail->subject, head, 12, LK_HEADER_BYTES_MOST);
	mail->in_reply_to = read_maybe_text(head, 13, LK_HEADER_BYTES_MOST);
	read_texts(head, 14, LK_REFERENCES_MOST, mail->references);
}

static bool decode_kind(GVariant *kind, lk_mail *mail)
{
	uint32_t number = read_uint32(kind, 0), importance = read_uint32(kind, 8);

	if (number > LK_KIND_CALENDAR || importance > LK_IMPORTANCE_LOW)
		return false;
	mail->kind = (lk_kind)number;
	replace_text(&mail->kind_reason, kind, 1, LK_HEADER_BYTES_MOST);
	mail->is_vacation = read_bool(kind, 2);
	mail->suppress_reply = read_bool(kind, 3);
	mail->suppress_reason = read_maybe_text(kind, 4, LK_HEADER_BYTES_MOST);
	replace_text(&mail->text, kind, 5, LK_TEXT_BYTES_MOST);
	replace_text(&mail->reply_text, kind, 6, LK_TEXT_BYTES_MOST);
	mail->language = read_maybe_text(kind, 7, 16);
	mail->importance = (lk_importance)importance;
	return true;
}

static bool decode_parts(GVariant *parts, uint64_t parts_size, lk_mail *mail)
{
	size_t n = g_variant_n_children(parts);
	uint64_t end = 0;

	if (n > LK_ATTACHMENTS_MOST)
		return false;
	for (size_t i = 0; i < n; i++) {
		g_autoptr(GVariant) part = g_variant_get_child_value(parts, i);
		uint64_t offset = read_uint64(part, 4), size = read_uint64(part, 5);
		/* One behind the other: what they cost to read is bounded by the file. */
		if (offset < end || offset > parts_size || size > parts_size - offset)
			return false;
		end = offset + size;
		lk_attachment *attachment = g_new0(lk_attachment, 1);
		attachment->filename = read_maybe_text(part, 0, 512);
		attachment->content_type = read_text(part, 1, 256);
		attachment->content_id = read_maybe_text(part, 2, 512);
		attachment->is_inline = read_bool(part, 3);
		attachment->offset = offset;
		attachment->size = size;
		g_ptr_array_add(mail->attachments, attachment);
	}
	return true;
}

static void decode_bounce(GVariant *rest, lk_mail *mail)
{
	g_autoptr(GVariant) value = read_maybe(rest, 0);

	if (!value)
		return;
	mail->bounce = g_new0(lk_bounce, 1);
	mail->bounce->recipients = g_ptr_array_new_with_free_func(g_free);
	read_texts(value, 0, LK_BOUNCE_RECIPIENTS_MOST, mail->bounce->recipients);
	mail->bounce->permanent = read_bool(value, 1);
	mail->bounce->status = read_maybe_text(value, 2, 32);
	mail->bounce->diagnostic = read_maybe_text(value, 3, LK_HEADER_BYTES_MOST);
	mail->bounce->original_message_id = read_maybe_text(value, 4, LK_HEADER_BYTES_MOST);
}

static void decode_rest(GVariant *rest, lk_mail *mail)
{
	g_autoptr(GVariant) auth = read_maybe(rest, 1);
	g_autoptr(GPtrArray) flat = g_ptr_array_new_with_free_func(g_free);

	decode_bounce(rest, mail);
	read_texts(rest, 2, 2 * LK_HEADERS_MOST, flat);
	if (auth) {
		mail->auth = g_new0(lk_auth, 1);
		mail->auth->spf = read_maybe_text(auth, 0, 32);
		mail->auth->dkim = read_maybe_text(auth, 1, 32);
		mail->auth->dmarc = read_maybe_text(auth, 2, 32);
	}
	for (unsigned i = 0; i + 1 < flat->len; i += 2) {
		lk_header *header = g_new0(lk_header, 1);
		header->name = g_steal_pointer(&flat->pdata[i]);
		header->value = g_steal_pointer(&flat->pdata[i + 1]);
		g_ptr_array_add(mail->headers, header);
	}
	read_texts(rest, 3, LK_DEFECTS_MOST, mail->defects);
	mail->is_incomplete = read_bool(rest, 4);
}

bool lk_answer_decode(const void *bytes, size_t n, uint64_t parts_size, lk_mail **ret_mail,
		      GError **error)
{
	g_autoptr(lk_mail) mail = lk_mail_new();

	if (n == 0 || n > LK_ANSWER_BYTES_MOST) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "the parser's answer has %zu bytes; retry the mail", n);
		return false;
	}
	g_autoptr(GBytes) held = g_bytes_new(bytes, n); /* aligned, whatever the caller has */
	g_autoptr(GVariant) answer = g_variant_ref_sink(
		g_variant_new_from_bytes(G_VARIANT_TYPE(TYPE_ANSWER), held, FALSE));
	if (!g_variant_is_normal_form(answer)) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "the parser's answer is malformed; retry the mail");
		return false;
	}
	g_autoptr(GVariant) head = g_variant_get_child_value(answer, 0);
	g_autoptr(GVariant) kind = g_variant_get_child_value(answer, 1);
	g_autoptr(GVariant) parts = g_variant_get_child_value(answer, 2);
	g_autoptr(GVariant) rest = g_variant_get_child_value(answer, 3);
	decode_head(head, mail);
	if (!decode_kind(kind, mail) || !decode_parts(parts, parts_size, mail)) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "the parser's answer names what does not exist; retry the mail");
		return false;
	}
	decode_rest(rest, mail);
	*ret_mail = g_steal_pointer(&mail);
	return true;
}
