#include "lib/mail/walk.h"

#include "lib/base/text.h"
#include "lib/mail/answer.h"
#include "lib/mail/armour.h"
#include "lib/mail/base64.h"
#include "lib/mail/calendar.h"
#include "lib/mail/embedded.h"
#include "lib/mail/html.h"
#include "lib/mail/params.h"
#include "lib/mail/scan.h"
#include "lib/mail/sealed.h"
#include "lib/mail/text.h"
#include "lib/mail/tnef.h"
#include "lib/mail/words.h"

#include <gmime/gmime.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeStream, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeParser, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeObject, g_object_unref)

enum { READ_BYTES = 64 * 1024, STUB_BYTES = 400, BASE64_TAIL_BYTES = 80, SEALS_MOST = 8 };

typedef struct {
	lk_gather *gather;
	lk_parts *parts;
	unsigned depth;
	unsigned seen;	    /* leaves */
	unsigned seals;	    /* opened; one may lie in another */
	const char *closed; /* what keeps the words from being read, or NULL; static */
} walker;

/* What one part says of itself. */
typedef struct {
	GMimePart *part; /* borrowed */
	lk_mime_params *type;
	lk_mime_params *disposition;
	char *filename;
	char *content_id;
} leaf;

static void leaf_clear(leaf *clear)
{
	lk_mime_params_free(clear->type);
	lk_mime_params_free(clear->disposition);
	g_free(clear->filename);
	g_free(clear->content_id);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(leaf, leaf_clear)

static void walk_object(walker *now, GMimeObject *object, GString *text);
static void walk_entity(walker *now, const lk_fields *fields, const lk_mail_file *file,
			GString *text);

static lk_mime_params *header_params(GMimeObject *object, const char *name)
{
	GMimeHeader *header =
		g_mime_header_list_get_header(g_mime_object_get_header_list(object), name);

	return lk_mime_params_parse(header ? g_mime_header_get_raw_value(header) : NULL);
}

static leaf leaf_of(GMimePart *part)
{
	GMimeObject *object = GMIME_OBJECT(part);
	leaf found = {.part = part,
		      .type = header_params(object, "Content-Type"),
		      .disposition = header_params(object, "Content-Disposition")};
	GMimeHeader *id =
		g_mime_header_list_get_header(g_mime_object_get_header_list(object), "Content-ID");

	found.filename = lk_mime_params_get(found.disposition, "filename");
	if (!found.filename)
		found.filename = lk_mime_params_get(found.type, "name");
	if (!found.filename)
		found.filename = lk_mime_params_get(found.disposition, "name");
	if (!found.filename)
		found.filename = lk_mime_params_get(found.type, "filename");
	if (found.filename && !*found.filename)
		g_clear_pointer(&found.filename, g_free);
	if (id) {
		g_autoptr(GPtrArray) ids = lk_words_ids(g_mime_header_get_raw_value(id), 1);
		if (ids->len > 0)
			found.content_id = g_strdup(g_ptr_array_index(ids, 0));
	}
	/* What is no "type/subtype" says nothing; GMime has read the default of the container. */
	if (!strchr(found.type->head, '/') || g_str_has_suffix(found.type->head, "/")) {
		bool is_text = g_str_has_prefix(found.type->head, "text") || !*found.type->head ||
			       !found.filename;
		GMimeContentType *type = g_mime_object_get_content_type(object);
		g_free(found.type->head);
		if (g_mime_content_type_is_type(type, "message", "rfc822"))
			found.type->head = g_strdup("message/rfc822");
		else
			found.type->head =
				g_strdup(is_text ? "text/plain" : "application/octet-stream");
	}
	return found;
}

/*
 * The decoded bytes of a part in pieces. The sink returns false to stop.
 */
typedef bool (*sink)(walker *now, const char *bytes, size_t n, void *data);

static size_t decode_step(GMimeEncoding *state, const char *in, size_t n, char *out)
{
	size_t used = 0, made = 0, taken = 0;

	/* GMime does what is odd, and the end, where padding may stand. */
	if (state->encoding == GMIME_CONTENT_ENCODING_BASE64 && n > BASE64_TAIL_BYTES) {
		/* A block may start inside a group. */
		for (; state->state != 0 && used < 8; used++)
			made += g_mime_encoding_step(state, in + used, 1, out + made);
		if (state->state == 0)
			made += lk_base64_groups(in + used, n - used - BASE64_TAIL_BYTES,
						 out + made, &taken);
		used += taken;
	}
	return made + g_mime_encoding_step(state, in + used, n - used, out + made);
}

/* The next bytes of the stream: in the buffer, or where a held mail has them. */
static ssize_t next_piece(GMimeStream *stream, char *buffer, const char **ret_piece)
{
	if (!GMIME_IS_STREAM_MEM(stream) || stream->bound_end < 0) {
		*ret_piece = buffer;
		return g_mime_stream_read(stream, buffer, READ_BYTES);
	}
	const GByteArray *held = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
	gint64 end = MIN(stream->bound_end, (gint64)held->len);
	gint64 n = CLAMP(end - stream->position, 0, READ_BYTES);
	*ret_piece = (const char *)held->data + stream->position;
	stream->position += n;
	return (ssize_t)n;
}

static void decode_part(walker *now, GMimePart *part, sink take, void *data)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;
	g_autofree char *in = g_malloc(READ_BYTES);
	g_autofree char *out = NULL;
	const char *piece = NULL;
	GMimeEncoding state;
	ssize_t got;

	if (!stream)
		return;
	g_mime_encoding_init_decode(&state, g_mime_data_wrapper_get_encoding(content));
	out = g_malloc(g_mime_encoding_outlen(&state, READ_BYTES) + 64);
	g_mime_stream_reset(stream);
	while ((got = next_piece(stream, in, &piece)) > 0) {
		size_t n = decode_step(&state, piece, (size_t)got, out);
		if (n > 0 && !take(now, out, n, data))
			return;
	}
	size_t n = g_mime_encoding_flush(&state, "", 0, out);
	/* A base64 part cut off inside a group of four: what the last letters still say. */
	if (state.encoding == GMIME_CONTENT_ENCODING_BASE64 && n == 0 && state.state == 3) {
		out[n++] = (char)(state.save >> 10 & 0xff);
		out[n++] = (char)(state.save >> 2 & 0xff);
	} else if (state.encoding == GMIME_CONTENT_ENCODING_BASE64 && n == 0 && state.state == 2) {
		out[n++] = (char)(state.save >> 4 & 0xff);
	}
	if (n > 0)
		take(now, out, n, data);
}

/* Words that a program labels base64 without having made it so are read as they stand. */
static void mend_encoding(walker *now, GMimePart *part)
{
	enum { LOOK_BYTES = 4096 };
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;
	g_autofree char *look = g_malloc(LOOK_BYTES);

	if (!stream || g_mime_data_wrapper_get_encoding(content) != GMIME_CONTENT_ENCODING_BASE64)
		return;
	g_mime_stream_reset(stream);
	ssize_t n = g_mime_stream_read(stream, look, LOOK_BYTES);
	if (n <= 0 || !lk_base64_is_none(look, (size_t)n))
		return;
	g_mime_data_wrapper_set_encoding(content, GMIME_CONTENT_ENCODING_BINARY);
	lk_gather_defect(now->gather, "text labelled base64 that is none: read as it stands");
}

typedef struct {
	GString *bytes;
	size_t most;
	bool was_cut;
} memory;

static bool take_memory(walker *now, const char *bytes, size_t n, void *data)
{
	memory *to = data;
	size_t room = to->most - to->bytes->len;

	g_string_append_len(to->bytes, bytes, (gssize)MIN(n, room));
	to->was_cut |= n > room;
	return !to->was_cut;
}

static bool take_file(walker *now, const char *bytes, size_t n, void *data)
{
	return lk_parts_append(now->gather, now->parts, bytes, n);
}

static void attach(walker *now, const leaf *part)
{
	uint64_t start = now->parts->end;
	bool is_inline = strcmp(part->disposition->head, "attachment") != 0 &&
			 (part->content_id || strcmp(part->disposition->head, "inline") == 0);

	decode_part(now, part->part, take_file, NULL);
	lk_parts_attach(now->gather, now->parts, start, part->filename, part->type->head,
			part->content_id, is_inline);
}

static void append_text(GString *text, const char *more)
{
	if (text->len > 0 && *more) {
		if (text->str[text->len - 1] != '\n')
			g_string_append_c(text, '\n');
	}
	g_string_append(text, more);
}

/* True when the text was taken whole. */
static bool take_text(walker *now, const leaf *part, bool is_html, GString *text)
{
	memory bytes = {.bytes = g_string_new(NULL)};
	lk_charset_reading reading;

	bytes.most = is_html ? LK_HTML_BYTES_MOST
			     : LK_TEXT_BYTES_MOST - MIN(text->len, LK_TEXT_BYTES_MOST);
	mend_encoding(now, part->part);
	decode_part(now, part->part, take_memory, &bytes);
	if (!is_html && !bytes.was_cut)
		lk_embedded_take(now->gather, now->parts, bytes.bytes);
	g_autofree char *shown =
		is_html ? lk_text_html(bytes.bytes->str, bytes.bytes->len, part->type, &reading)
			: lk_text_plain(bytes.bytes->str, bytes.bytes->len, part->type, &reading);
	g_string_free(bytes.bytes, TRUE);
	append_text(text, shown);
	if (reading.bad > 0)
		lk_gather_defect(now->gather, "text: %zu bytes that are no %s were replaced",
				 reading.bad, reading.used);
	else if (reading.is_guess)
		lk_gather_defect(now->gather, "text: charset missing or wrong, read as %s",
				 reading.used);
	if (bytes.was_cut)
		lk_gather_defect(now->gather, "a long text part: shown in part, attached whole");
	return !bytes.was_cut;
}

/* Bytes that the bounce reader wants, beside the attachment. */
static void keep_bytes(walker *now, const leaf *part, GString *to, size_t most)
{
	memory bytes = {.bytes = to, .most = most};

	if (to->len < most)
		decode_part(now, part->part, take_memory, &bytes);
	if (to->len > 0 && to->str[to->len - 1] != '\n')
		g_string_append_c(to, '\n');
}

static void note_report(walker *now, const leaf *part)
{
	lk_gather *gather = now->gather;
	const char *type = part->type->head;

	if (strcmp(type, "message/delivery-status") == 0 ||
	    strcmp(type, "message/global-delivery-status") == 0) {
		keep_bytes(now, part, gather->status, LK_STATUS_BYTES_MOST);
		g_string_append_c(gather->status, '\n');
	} else if (strcmp(type, "message/disposition-notification") == 0 ||
		   strcmp(type, "message/global-disposition-notification") == 0) {
		gather->has_disposition = true;
	} else if (strcmp(type, "message/feedback-report") == 0) {
		gather->has_feedback = true;
	} else if ((strcmp(type, "message/rfc822") == 0 || strcmp(type, "message/global") == 0 ||
		    strcmp(type, "text/rfc822-headers") == 0 ||
		    strcmp(type, "text/rfc822-header") == 0) &&
		   gather->returned->len == 0) {
		keep_bytes(now, part, gather->returned, LK_RETURNED_BYTES_MOST);
	}
}

static void take_calendar(walker *now, const leaf *part, GString *text)
{
	memory bytes = {.bytes = g_string_new(NULL), .most = LK_TEXT_BYTES_MOST};
	lk_charset_reading reading;
	g_autoptr(lk_meeting) calendar = NULL;

	decode_part(now, part->part, take_memory, &bytes);
	g_autofree char *lines =
		lk_text_plain(bytes.bytes->str, bytes.bytes->len, part->type, &reading);
	g_string_free(bytes.bytes, TRUE);
	calendar = lk_meeting_read(lines);
	if (!now->gather->calendar_method) {
		g_autofree char *method = lk_mime_params_get(part->type, "method");
		now->gather->calendar_method =
			calendar->method ? g_strdup(calendar->method)
					 : (method ? g_ascii_strup(method, -1) : NULL);
	}
	if (text && *calendar->summary)
		append_text(text, calendar->summary);
}

static bool is_tnef(const leaf *part)
{
	return strcmp(part->type->head, "application/ms-tnef") == 0 ||
	       strcmp(part->type->head, "application/vnd.ms-tnef") == 0 ||
	       (part->filename && g_ascii_strcasecmp(part->filename, "winmail.dat") == 0);
}

static void take_tnef(walker *now, const leaf *part, GString *text)
{
	memory bytes = {.bytes = g_string_new(NULL), .most = LK_TNEF_BYTES_MOST};
	g_autofree char *shown = NULL;

	decode_part(now, part->part, take_memory, &bytes);
	if (bytes.was_cut)
		lk_gather_defect(now->gather, "winmail.dat larger than 32 MB: left closed");
	else if (!lk_tnef_read(now->gather, now->parts, bytes.bytes->str, bytes.bytes->len, &shown))
		lk_gather_defect(now->gather, "winmail.dat is damaged: read as far as it goes");
	g_string_free(bytes.bytes, TRUE);
	/* Beside a text of the mail itself it says the same again. */
	if (text && shown && strspn(text->str, " \t\r\n") == text->len)
		append_text(text, shown);
}

static bool is_shown_text(const leaf *part)
{
	const char *type = part->type->head;

	if (strcmp(part->disposition->head, "attachment") == 0 || part->filename)
		return false;
	return strcmp(type, "text/plain") == 0 || strcmp(type, "text/html") == 0 ||
	       strcmp(type, "text/enriched") == 0 || strcmp(type, "text/richtext") == 0;
}

/* By its type, or where that says nothing by the names that RFC 8551 3.2.1 gives such files. */
static bool is_sealed(const leaf *part)
{
	const char *type = part->type->head;

	if (!g_str_has_prefix(type, "application/"))
		return false;
	return g_str_has_suffix(type, "/pkcs7-mime") || g_str_has_suffix(type, "/x-pkcs7-mime") ||
	       (strcmp(type, "application/octet-stream") == 0 && part->filename &&
		strlen(part->filename) > 4 &&
		g_ascii_strcasecmp(part->filename + strlen(part->filename) - 4, ".p7m") == 0);
}

/*
 * Bytes [start, parts->end) are an S/MIME object that has been attached. What a signed one holds
 * is the mail's content, as if the signature stood beside it.
 */
static void open_sealed(walker *now, uint64_t start, GString *text)
{
	uint64_t end = now->parts->end;

	if (now->seals >= SEALS_MOST) {
		now->gather->mail->is_incomplete = true;
		lk_gather_defect(now->gather, "more than %d parts sealed by S/MIME", SEALS_MOST);
		return;
	}
	now->seals++;
	lk_sealed found = lk_sealed_open(now->gather, now->parts, start, end);
	if (found == LK_SEALED_ENCRYPTED) {
		now->closed = "[encrypted: S/MIME]";
		lk_gather_defect(now->gather, "encrypted by S/MIME: kept as it is");
	} else if (found == LK_SEALED_NONE) {
		lk_gather_defect(now->gather, "sealed by S/MIME: no text in it, kept as it is");
	} else {
		g_autoptr(lk_fields) fields =
			lk_fields_read(now->parts->fd, end, now->parts->end - end);
		/* Signed files (invoice.xml.p7m) are as common as signed mails. */
		if (!lk_fields_get(fields, "Content-Type")) {
			now->parts->end = end;
			return;
		}
		lk_gather_defect(now->gather, "%s by S/MIME: opened, the signature is not checked",
				 found == LK_SEALED_DAMAGED ? "signed and damaged" : "signed");
		lk_mail_file file = {.fd = now->parts->fd, .size = now->parts->end};
		walk_entity(now, fields, &file, text);
	}
}

/* text NULL: this branch of an alternative is not shown, nor are its texts attachments. */
static void walk_leaf(walker *now, GMimePart *object, GString *text)
{
	g_auto(leaf) part = leaf_of(object);
	const char *type = part.type->head;

	if (++now->seen > LK_PARTS_MOST) {
		now->gather->mail->is_incomplete = true;
		return;
	}
	if (is_shown_text(&part)) {
		if (!text)
			return;
		if (!take_text(now, &part, strcmp(type, "text/plain") != 0, text))
			attach(now, &part);
		return;
	}
	if (strcmp(type, "text/calendar") == 0)
		take_calendar(now, &part, text);
	if (is_tnef(&part))
		take_tnef(now, &part, text);
	note_report(now, &part);
	uint64_t start = now->parts->end;
	attach(now, &part);
	if (is_sealed(&part))
		open_sealed(now, start, text);
}

static bool is_empty(const GString *text)
{
	return strspn(text->str, " \t\r\n\xc2\xa0") == text->len;
}

/* A plain part that only says "look at the HTML part". */
static bool is_stub(const GString *plain, GMimeMultipart *multipart)
{
	static const char *const words[] = {"html",	 "does not support", "view this e",
					    "webversio", "browser",	     "selaim",
					    "webbläsare"};
	g_autofree char *folded = NULL;
	int n = g_mime_multipart_get_count(multipart);

	if (is_empty(plain))
		return true;
	if (plain->len > STUB_BYTES || n < 2)
		return false;
	folded = g_utf8_strdown(plain->str, (gssize)plain->len);
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strstr(folded, words[i]))
			return true;
	return false;
}

static bool is_type(GMimeObject *object, const char *type, const char *subtype)
{
	return g_mime_content_type_is_type(g_mime_object_get_content_type(object), type, subtype);
}

static void walk_alternative(walker *now, GMimeMultipart *multipart, GString *text)
{
	int n = g_mime_multipart_get_count(multipart);
	g_autoptr(GString) plain = g_string_new(NULL);
	g_autoptr(GString) other = g_string_new(NULL);
	int plain_at = -1;

	for (int i = 0; i < n && plain_at < 0; i++)
		if (is_type(g_mime_multipart_get_part(multipart, i), "text", "plain"))
			plain_at = i;
	if (plain_at >= 0)
		walk_object(now, g_mime_multipart_get_part(multipart, plain_at),
			    text ? plain : NULL);
	bool wants_other = text && is_stub(plain, multipart);
	for (int i = 0; i < n; i++) {
		GMimeObject *child = g_mime_multipart_get_part(multipart, i);
		if (i == plain_at)
			continue;
		/* A summary of the meeting is no other form of the same text. */
		bool is_calendar = is_type(child, "text", "calendar");
		g_autoptr(GString) branch = g_string_new(NULL);
		walk_object(now, child, wants_other && !is_calendar ? branch : NULL);
		if (strspn(branch->str, " \t\n") < branch->len)
			g_string_assign(other, branch->str);
	}
	/* Words that mention HTML are a stub only beside a text that says much more. */
	bool takes_other = other->len > 0 && (is_empty(plain) || other->len > 3 * plain->len);
	if (text)
		append_text(text, takes_other ? other->str : plain->str);
}

/* A multipart whose boundary never comes: all there is stands before it. */
static void walk_prologue(walker *now, GMimeMultipart *multipart, GString *text)
{
	const char *prologue = g_mime_multipart_get_prologue(multipart);
	g_autoptr(lk_mime_params) type = lk_mime_params_parse("text/plain");
	lk_charset_reading reading;

	if (!prologue || !*prologue || !text)
		return;
	g_autofree char *shown =
		lk_text_plain(prologue, MIN(strlen(prologue), LK_TEXT_BYTES_MOST), type, &reading);
	append_text(text, shown);
	lk_gather_defect(now->gather, "multipart without its boundary: read as text");
}

static void walk_multipart(walker *now, GMimeMultipart *multipart, GString *text)
{
	GMimeObject *object = GMIME_OBJECT(multipart);
	int n = g_mime_multipart_get_count(multipart);

	if (n == 0) {
		walk_prologue(now, multipart, text);
		return;
	}
	if (is_type(object, "multipart", "encrypted")) {
		now->closed = "[encrypted: PGP]";
		lk_gather_defect(now->gather, "encrypted: kept as it is");
	}
	if (is_type(object, "multipart", "alternative")) {
		walk_alternative(now, multipart, text);
		return;
	}
	for (int i = 0; i < n; i++)
		walk_object(now, g_mime_multipart_get_part(multipart, i), text);
}

static void walk_object(walker *now, GMimeObject *object, GString *text)
{
	if (now->depth >= LK_DEPTH_MOST) {
		now->gather->mail->is_incomplete = true;
		lk_gather_defect(now->gather, "parts nested deeper than %d levels", LK_DEPTH_MOST);
		return;
	}
	now->depth++;
	if (GMIME_IS_MULTIPART(object))
		walk_multipart(now, GMIME_MULTIPART(object), text);
	else if (GMIME_IS_PART(object))
		walk_leaf(now, GMIME_PART(object), text);
	now->depth--;
}

/*
 * GMime reads only what says how the body is built, out of our own reading of the header: its
 * parsing of addresses recurses, and of a header field given twice it takes the last.
 */
static char *mime_header(const lk_fields *fields)
{
	static const char *const names[] = {"Content-Type", "Content-Transfer-Encoding",
					    "Content-Disposition", "Content-ID"};
	GString *header = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const lk_field *field = lk_fields_get(fields, names[i]);
		if (!field || field->value->len > 16 * 1024)
			continue;
		g_autofree char *unfolded = lk_words_unfold(field->value->str, field->value->len);
		g_autofree char *line = lk_mime_params_mend(unfolded);
		if (*line)
			g_string_append_printf(header, "%s: %s\n", names[i], line);
	}
	g_string_append_c(header, '\n');
	return g_string_free(header, FALSE);
}

static char *top_boundary(const lk_fields *fields)
{
	g_autofree char *line = lk_fields_line(fields, "Content-Type");
	g_autoptr(lk_mime_params) type = lk_mime_params_parse(line);

	return g_str_has_prefix(type->head, "multipart/") ? lk_mime_params_get_raw(type, "boundary")
							  : NULL;
}

/* Of a held mail: the header is put before the body. */
static GMimeStream *held_stream(const lk_mail_file *file, const char *header, uint64_t body,
				uint64_t end)
{
	size_t n = strlen(header);
	GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(file->held);

	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
	g_assert(n <= LK_MAIL_FILE_ROOM + body);
	memcpy(lk_mail_file_bytes(file) + body - n, header, n);
	g_mime_stream_set_bounds(stream, (gint64)(LK_MAIL_FILE_ROOM + body - n),
				 (gint64)(LK_MAIL_FILE_ROOM + end));
	g_mime_stream_reset(stream);
	return stream;
}

static GMimeStream *file_stream(const lk_mail_file *file, const char *header, uint64_t body,
				uint64_t end)
{
	GMimeStream *both = g_mime_stream_cat_new();
	g_autoptr(GMimeStream) head = g_mime_stream_mem_new_with_buffer(header, strlen(header));
	g_autoptr(GMimeStream) rest =
		g_mime_stream_fs_new_with_bounds(file->fd, (gint64)body, (gint64)end);

	g_mime_stream_fs_set_owner(GMIME_STREAM_FS(rest), FALSE);
	g_mime_stream_cat_add_source(GMIME_STREAM_CAT(both), head);
	g_mime_stream_cat_add_source(GMIME_STREAM_CAT(both), rest);
	return both;
}

/* The entity whose header was read from the file. */
static void walk_entity(walker *now, const lk_fields *fields, const lk_mail_file *file,
			GString *text)
{
	g_autofree char *boundary = top_boundary(fields);
	lk_scan scan = lk_scan_body(file, fields->body, boundary);
	g_autofree char *header = mime_header(fields);
	g_autoptr(GMimeStream) stream =
		(file->held ? held_stream : file_stream)(file, header, fields->body, scan.end);
	g_autoptr(GMimeParser) parser = NULL;
	g_autoptr(GMimeObject) root = NULL;

	if (scan.exceeded) {
		now->gather->mail->is_incomplete = true;
		lk_gather_defect(now->gather, "%s: read up to there", scan.exceeded);
	}
	parser = g_mime_parser_new_with_stream(stream);
	root = g_mime_parser_construct_part(parser, NULL);
	if (root)
		walk_object(now, root, text);
}

void lk_walk(lk_gather *gather, const lk_mail_file *file, lk_parts *parts)
{
	walker now = {.gather = gather, .parts = parts};

	walk_entity(&now, gather->fields, file, gather->text);
	if (lk_armour_has_encrypted(gather->text->str))
		lk_gather_defect(gather, "encrypted by PGP inside the text: kept as it is");
	/* Whoever opens the ticket sees why there are no words. */
	if (now.closed && is_empty(gather->text))
		append_text(gather->text, now.closed);
}
