#include "lib/mail/compose.h"

#include "lib/base/err.h"
#include "lib/base/text.h"

#include <gmime/gmime.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeMessage, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimePart, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeMultipart, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeStream, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeDataWrapper, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeFormatOptions, g_mime_format_options_free)

enum { REFERENCES_NEWEST = 20, ID_BYTES_MOST = 900, LINE_BYTES_MOST = 998 };

static bool refuse(const char *what, GError **error)
{
	g_set_error(error, LK_ERROR, LK_ERR_MESSAGE,
		    "%s cannot stand in a mail header: it has line breaks, controls or is too long",
		    what);
	return false;
}

/* One line of UTF-8: no CR, LF or other control but TAB. */
static bool is_line(const char *value)
{
	if (!g_utf8_validate(value, -1, NULL))
		return false;
	for (const char *p = value; *p; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return false;
	return true;
}

/* An id is copied as it is: GMime lets line breaks through. */
static bool is_id(const char *id)
{
	size_t n = strlen(id);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)id[i] <= 0x20 || (unsigned char)id[i] >= 0x7f || id[i] == '<' ||
		    id[i] == '>')
			return false;
	return n > 0 && n <= ID_BYTES_MOST;
}

static bool is_header_name(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (!g_ascii_isalnum(name[i]) && name[i] != '-')
			return false;
	return n > 0 && n <= 60;
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

static bool check_address(const char *what, const char *address, GError **error)
{
	const char *at = strrchr(address, '@');
	g_autofree char *local = at ? g_strndup(address, (size_t)(at - address)) : NULL;

	if (!lk_address_is_sane(address))
		return refuse(what, error);
	/* A local part that is not ASCII needs SMTPUTF8, which few servers speak. */
	if (!is_ascii(local)) {
		g_set_error(error, LK_ERROR, LK_ERR_MESSAGE,
			    "%s has letters before the @ that plain SMTP cannot carry; use another "
			    "address of that person",
			    what);
		return false;
	}
	return true;
}

static bool check_shown(const char *what, const lk_compose_address *shown, GError **error)
{
	if (!check_address(what, shown->address, error))
		return false;
	return !shown->name || is_line(shown->name) || refuse(what, error);
}

static bool check_ids(const lk_compose *compose, GError **error)
{
	if (!is_id(compose->message_id))
		return refuse("the Message-ID", error);
	if (compose->in_reply_to && !is_id(compose->in_reply_to))
		return refuse("In-Reply-To", error);
	for (unsigned i = 0; compose->references && compose->references[i]; i++)
		if (!is_id(compose->references[i]))
			return refuse("a reference", error);
	return true;
}

static bool check(const lk_compose *compose, GError **error)
{
	if (!check_ids(compose, error) ||
	    !check_address("the From address", compose->from_address, error) ||
	    !check_address("the To address", compose->to_address, error))
		return false;
	for (unsigned i = 0; i < compose->n_more_to; i++)
		if (!check_shown("a To address", &compose->more_to[i], error))
			return false;
	for (unsigned i = 0; i < compose->n_cc; i++)
		if (!check_shown("a Cc address", &compose->cc[i], error))
			return false;
	if (compose->reply_to && !check_address("the Reply-To address", compose->reply_to, error))
		return false;
	if (compose->from_name && !is_line(compose->from_name))
		return refuse("the From name", error);
	if (compose->to_name && !is_line(compose->to_name))
		return refuse("the To name", error);
	if (!is_line(compose->subject))
		return refuse("the subject", error);
	if (compose->language && (!is_header_name(compose->language)))
		return refuse("the language", error);
	for (unsigned i = 0; i < compose->n_headers; i++)
		if (!is_header_name(compose->headers[i].name) ||
		    !is_line(compose->headers[i].value) ||
		    strlen(compose->headers[i].value) > 4 * LINE_BYTES_MOST)
			return refuse(compose->headers[i].name, error);
	if (compose->date == LK_TIME_NONE) {
		g_set_error(error, LK_ERROR, LK_ERR_MESSAGE, "a mail needs a date");
		return false;
	}
	return true;
}

/* set_text() would choose the charset anew; a part of our own stays UTF-8. */
static GMimePart *text_part(const char *subtype, const char *text)
{
	GMimePart *part = g_mime_part_new_with_type("text", subtype);
	/* Lines end as GMime counts them; lk_text_clean leaves LF alone. */
	g_autofree char *clean = lk_text_clean(text, strlen(text));
	g_autoptr(GMimeStream) stream = g_mime_stream_mem_new_with_buffer(clean, strlen(clean));
	g_autoptr(GMimeDataWrapper) content =
		g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);

	g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
	g_mime_part_set_content(part, content);
	g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	return part;
}

/* GMime would pick the smallest charset for a name; clients agree best on UTF-8. */
static void set_utf8(GMimeMessage *message, GMimeAddressType type)
{
	InternetAddressList *list = g_mime_message_get_addresses(message, type);

	for (int i = 0; i < internet_address_list_length(list); i++)
		internet_address_set_charset(internet_address_list_get_address(list, i), "utf-8");
}

static void add_addresses(GMimeMessage *message, const lk_compose *compose)
{
	g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_FROM, compose->from_name,
				   compose->from_address);
	g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_TO, compose->to_name,
				   compose->to_address);
	for (unsigned i = 0; i < compose->n_more_to; i++)
		g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_TO, compose->more_to[i].name,
					   compose->more_to[i].address);
	for (unsigned i = 0; i < compose->n_cc; i++)
		g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_CC, compose->cc[i].name,
					   compose->cc[i].address);
	if (compose->reply_to)
		g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_REPLY_TO, NULL,
					   compose->reply_to);
	set_utf8(message, GMIME_ADDRESS_TYPE_FROM);
	set_utf8(message, GMIME_ADDRESS_TYPE_TO);
	set_utf8(message, GMIME_ADDRESS_TYPE_CC);
}

/* The first and the newest: header lines grow with every answer otherwise (RFC 5322 3.6.4). */
static char *references_line(const lk_compose *compose)
{
	GString *line = g_string_new(NULL);
	unsigned n = compose->references ? g_strv_length((char **)compose->references) : 0;

	for (unsigned i = 0; i < n; i++) {
		if (i > 0 && i + REFERENCES_NEWEST < n)
			continue;
		g_string_append_printf(line, "%s<%s>", line->len > 0 ? " " : "",
				       compose->references[i]);
	}
	return g_string_free(line, FALSE);
}

static void add_headers(GMimeMessage *message, const lk_compose *compose)
{
	GMimeObject *object = GMIME_OBJECT(message);
	g_autofree char *references = references_line(compose);

	if (compose->in_reply_to) {
		g_autofree char *id = g_strdup_printf("<%s>", compose->in_reply_to);
		g_mime_object_set_header(object, "In-Reply-To", id, NULL);
	}
	if (*references)
		g_mime_object_set_header(object, "References", references, NULL);
	for (unsigned i = 0; i < compose->n_headers; i++)
		g_mime_object_append_header(object, compose->headers[i].name,
					    compose->headers[i].value, "utf-8");
	if (compose->language)
		g_mime_object_set_header(object, "Content-Language", compose->language, NULL);
}

/* "type/subtype" of a stranger's part; a multipart or message would be taken apart on arrival. */
static bool is_plain_type(const char *type)
{
	const char *slash = type ? strchr(type, '/') : NULL;

	if (!slash || slash == type || !slash[1] || strlen(type) > 100 ||
	    g_ascii_strncasecmp(type, "multipart/", 10) == 0 ||
	    g_ascii_strncasecmp(type, "message/", 8) == 0)
		return false;
	for (const char *p = type; *p; p++)
		if (!g_ascii_isalnum(*p) && !strchr("/.+-_", *p))
			return false;
	return strchr(slash + 1, '/') == NULL;
}

static GMimePart *file_part(const lk_compose_part *given)
{
	GMimePart *part = g_mime_part_new();
	const char *type = is_plain_type(given->content_type) ? given->content_type
							      : "application/octet-stream";
	g_autoptr(GMimeStream) stream = g_mime_stream_mem_new_with_buffer(given->bytes, given->n);
	g_autoptr(GMimeDataWrapper) content =
		g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
	GMimeContentType *content_type = g_mime_content_type_parse(NULL, type);

	g_mime_object_set_content_type(GMIME_OBJECT(part), content_type);
	g_object_unref(content_type);
	g_mime_object_set_disposition(GMIME_OBJECT(part), given->content_id
								  ? GMIME_DISPOSITION_INLINE
								  : GMIME_DISPOSITION_ATTACHMENT);
	if (given->filename && is_line(given->filename))
		g_mime_part_set_filename(part, given->filename);
	if (given->content_id && is_id(given->content_id))
		g_mime_part_set_content_id(part, given->content_id);
	g_mime_part_set_content(part, content);
	g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_BASE64);
	return part;
}

/* The parts that the HTML shows (inline), or those that stand beside the text, in a new multipart
 * behind `first`. Takes first; gives it back as it is when there is no such part. */
static GMimeObject *with_parts(GMimeObject *first, const char *subtype, const lk_compose *compose,
			       bool is_inline)
{
	GMimeMultipart *all = NULL;

	for (unsigned i = 0; i < compose->n_parts; i++) {
		const lk_compose_part *given = &compose->parts[i];
		if ((compose->html && given->content_id) != is_inline)
			continue;
		if (!all) {
			all = g_mime_multipart_new_with_subtype(subtype);
			g_mime_multipart_add(all, first);
			g_object_unref(first);
		}
		g_autoptr(GMimePart) part = file_part(given);
		g_mime_multipart_add(all, GMIME_OBJECT(part));
	}
	return all ? GMIME_OBJECT(all) : first;
}

/* mixed( alternative( plain, related( html, images ) ), files ), each only where it is needed. */
static void add_body(GMimeMessage *message, const lk_compose *compose)
{
	GMimeObject *body = GMIME_OBJECT(text_part("plain", compose->text));

	if (compose->html) {
		GMimeMultipart *both = g_mime_multipart_new_with_subtype("alternative");
		GMimeObject *html = with_parts(GMIME_OBJECT(text_part("html", compose->html)),
					       "related", compose, true);
		g_mime_multipart_add(both, body);
		g_mime_multipart_add(both, html);
		g_object_unref(body);
		g_object_unref(html);
		body = GMIME_OBJECT(both);
	}
	body = with_parts(body, "mixed", compose, false);
	g_mime_message_set_mime_part(message, body);
	g_object_unref(body);
}

static bool lines_are_short(const GString *bytes)
{
	size_t length = 0;

	for (size_t i = 0; i < bytes->len; i++) {
		length = bytes->str[i] == '\n' ? 0 : length + 1;
		if (length > LINE_BYTES_MOST + 1)
			return false;
	}
	return true;
}

bool lk_compose_build(const lk_compose *compose, GString **ret_bytes, GError **error)
{
	static bool is_started;

	if (!check(compose, error))
		return false;
	if (!is_started) {
		g_mime_init();
		is_started = true;
	}
	g_autoptr(GMimeMessage) message = g_mime_message_new(FALSE);
	g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(compose->date / LK_SECOND);
	g_autoptr(GMimeFormatOptions) format = g_mime_format_options_new();
	g_autoptr(GMimeStream) out = g_mime_stream_mem_new();

	g_mime_message_set_date(message, date);
	add_addresses(message, compose);
	g_mime_message_set_subject(message, compose->subject, "utf-8");
	g_mime_message_set_message_id(message, compose->message_id);
	g_mime_object_set_header(GMIME_OBJECT(message), "MIME-Version", "1.0", NULL);
	add_headers(message, compose);
	add_body(message, compose);
	g_mime_object_encode(GMIME_OBJECT(message), GMIME_ENCODING_CONSTRAINT_7BIT);
	g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS);
	g_mime_object_write_to_stream(GMIME_OBJECT(message), format, out);
	GByteArray *array = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(out));
	g_autoptr(GString) bytes = g_string_new_len((const char *)array->data, array->len);
	if (bytes->len < 2 || memcmp(bytes->str + bytes->len - 2, "\r\n", 2) != 0)
		g_string_append(bytes, "\r\n");
	if (!lines_are_short(bytes))
		return refuse("a value", error);
	*ret_bytes = g_steal_pointer(&bytes);
	return true;
}
