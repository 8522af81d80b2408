#include "lib/mail/head.h"

#include "lib/base/text.h"
#include "lib/mail/address.h"
#include "lib/mail/answer.h"
#include "lib/mail/words.h"

#include <string.h>

/* The addresses of every field of that name. Returns how many fields there are. */
static unsigned take_addresses(lk_gather *gather, const char *name, GPtrArray *list)
{
	const GPtrArray *fields = gather->fields->fields;
	unsigned n = 0;

	for (unsigned i = 0; i < fields->len; i++) {
		const lk_field *field = g_ptr_array_index(fields, i);
		if (g_ascii_strcasecmp(field->name, name) != 0)
			continue;
		n++;
		if (!lk_addresses_parse(field->value->str, field->value->len, list))
			lk_gather_defect(gather,
					 "%s holds more than %d addresses: the rest was left out",
					 name, LK_ADDRESSES_MOST);
	}
	return n;
}

static GPtrArray *address_list(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)lk_address_free);
}

static lk_address *first_usable(const GPtrArray *list)
{
	for (unsigned i = 0; i < list->len; i++) {
		const lk_address *address = g_ptr_array_index(list, i);
		if (lk_address_is_usable(address))
			return lk_address_new(address->name, address->address);
	}
	return NULL;
}

/* The value without comments and quoted strings. */
static char *bare_value(const char *value)
{
	g_autoptr(GString) bare = g_string_new(NULL);
	unsigned depth = 0;
	bool is_quoted = false;

	for (const char *p = value; *p; p++) {
		if (*p == '\\' && p[1] && (is_quoted || depth > 0))
			p++;
		else if (is_quoted)
			is_quoted = *p != '"';
		else if (*p == '"' && depth == 0)
			is_quoted = true;
		else if (*p == '(')
			depth++;
		else if (depth > 0)
			depth -= *p == ')' ? 1 : 0;
		else
			g_string_append_c(bare, g_ascii_tolower(*p));
	}
	return g_string_free(g_steal_pointer(&bare), FALSE);
}

/*
 * Does From hold its one address as it is, not in a group, behind a route or as an encoded word?
 * What is read leniently for a customer's sake names nobody who may act.
 */
static bool is_plain_from(lk_gather *gather, const lk_address *from)
{
	g_autofree char *line = lk_fields_line(gather->fields, "From");
	g_autofree char *bare = line ? bare_value(line) : NULL;
	g_autofree char *address = g_ascii_strdown(from->address, -1);

	return bare && !strpbrk(bare, ":;") && strstr(bare, address);
}

static void take_from(lk_gather *gather)
{
	static const char *const fallbacks[] = {"Reply-To", "Return-Path", "Sender", "Resent-From",
						"X-Sender"};
	lk_mail *mail = gather->mail;
	g_autoptr(GPtrArray) from = address_list();

	mail->from_headers = take_addresses(gather, "From", from);
	mail->from_addresses = from->len;
	if (mail->from_headers > 1)
		lk_gather_defect(gather, "%u From headers: the first usable address was taken",
				 mail->from_headers);
	mail->from = first_usable(from);
	if (mail->from && mail->from_headers == 1 && mail->from_addresses == 1 &&
	    !is_plain_from(gather, mail->from)) {
		mail->from_addresses = 0;
		lk_gather_defect(gather, "From holds its address in a group, behind a route or "
					 "encoded");
	}
	for (size_t i = 0; i < G_N_ELEMENTS(fallbacks) && !mail->from; i++) {
		g_autoptr(GPtrArray) list = address_list();
		take_addresses(gather, fallbacks[i], list);
		mail->from = first_usable(list);
		if (mail->from)
			lk_gather_defect(gather, "From holds no usable address: taken from %s",
					 fallbacks[i]);
	}
	if (!mail->from && from->len > 0) {
		const lk_address *bare = g_ptr_array_index(from, 0);
		mail->from = lk_address_new(bare->name, bare->address);
		lk_gather_defect(gather, "From holds no usable address");
	}
	if (mail->from && !mail->from->name && from->len > 0) {
		const lk_address *named = g_ptr_array_index(from, 0);
		/* "From: Service desk" without an address is a name all the same. */
		bool is_name = !named->name && !strchr(named->address, '@') &&
			       strcmp(named->address, mail->from->address) != 0;
		mail->from->name = g_strdup(is_name ? named->address : named->name);
	}
}

static void take_delivered(lk_gather *gather)
{
	static const char *const names[] = {"Delivered-To",   "X-Original-To",	"Envelope-To",
					    "X-Envelope-To",  "X-Delivered-To", "Resent-To",
					    "X-Forwarded-To", "X-RCPT-TO"};
	GPtrArray *found = gather->mail->delivered_to;

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GPtrArray) list = address_list();
		take_addresses(gather, names[i], list);
		for (unsigned j = 0; j < list->len && found->len < LK_ADDRESSES_MOST; j++) {
			const lk_address *address = g_ptr_array_index(list, j);
			if (lk_address_is_usable(address) &&
			    !g_ptr_array_find_with_equal_func(found, address->address, g_str_equal,
							      NULL))
				g_ptr_array_add(found, g_strdup(address->address));
		}
	}
}

static void take_return_path(lk_gather *gather)
{
	g_autofree char *line = lk_fields_line(gather->fields, "Return-Path");
	g_autoptr(GPtrArray) list = address_list();

	if (!line)
		return;
	take_addresses(gather, "Return-Path", list);
	lk_address *found = first_usable(list);
	/* Some stores write <MAILER-DAEMON> for the null path. */
	if (found)
		gather->mail->return_path = g_strdup(found->address);
	else if (*line == 0 || strcmp(line, "<>") == 0 || strchr(line, '<'))
		gather->mail->return_path = g_strdup("");
	else
		gather->mail->return_path = lk_text_clean(line, strlen(line));
	lk_address_free(found);
}

static void take_ids(lk_gather *gather)
{
	lk_mail *mail = gather->mail;
	g_autofree char *id = lk_fields_line(gather->fields, "Message-ID");
	g_autofree char *reply = lk_fields_line(gather->fields, "In-Reply-To");
	g_autofree char *references = lk_fields_line(gather->fields, "References");
	g_autoptr(GPtrArray) ids = lk_words_ids(id, 1000);
	g_autoptr(GPtrArray) replies = lk_words_ids(reply, 1000);
	g_autoptr(GPtrArray) found = lk_words_ids(references, LK_REFERENCES_MOST);

	if (ids->len > 0)
		mail->message_id = lk_text_cut(g_ptr_array_index(ids, 0), LK_HEADER_BYTES_MOST);
	else if (id && *g_strstrip(id) && !strpbrk(id, " \t"))
		mail->message_id = lk_text_clean(id, MIN(strlen(id), LK_HEADER_BYTES_MOST));
	if (!mail->message_id)
		lk_gather_defect(gather, "no Message-ID");
	/* "<joe@example.org>'s message of ..." names a person first: prefer what References knows.
	 */
	for (unsigned i = 0; i < replies->len && !mail->in_reply_to; i++)
		mail->in_reply_to =
			lk_text_cut(g_ptr_array_index(replies, i), LK_HEADER_BYTES_MOST);
	for (unsigned i = 0; i < found->len; i++)
		g_ptr_array_add(mail->references,
				lk_text_cut(g_ptr_array_index(found, i), LK_HEADER_BYTES_MOST));
}

static void take_dates(lk_gather *gather)
{
	lk_mail *mail = gather->mail;
	g_autofree char *date = lk_fields_line(gather->fields, "Date");
	g_autofree char *received = lk_fields_line(gather->fields, "Received");
	const char *semicolon = received ? strrchr(received, ';') : NULL;

	if (date)
		mail->date = lk_date_parse(date);
	if (mail->date == LK_TIME_NONE)
		lk_gather_defect(gather, date ? "the Date cannot be read" : "no Date");
	if (semicolon)
		mail->received = lk_date_parse(semicolon + 1);
}

static void take_importance(lk_gather *gather)
{
	static const char *const names[] = {"Importance", "X-Priority", "Priority",
					    "X-MSMail-Priority"};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *value = lk_fields_line(gather->fields, names[i]);
		if (!value)
			continue;
		g_autofree char *folded = g_ascii_strdown(g_strstrip(value), -1);
		if (*folded == '1' || *folded == '2' || g_str_has_prefix(folded, "high") ||
		    g_str_has_prefix(folded, "urgent"))
			gather->mail->importance = LK_IMPORTANCE_HIGH;
		else if (*folded == '4' || *folded == '5' || g_str_has_prefix(folded, "low") ||
			 g_str_has_prefix(folded, "non-urgent"))
			gather->mail->importance = LK_IMPORTANCE_LOW;
		else
			continue;
		return;
	}
}

static void take_headers(lk_gather *gather)
{
	const GPtrArray *fields = gather->fields->fields;

	for (unsigned i = 0; i < fields->len && i < LK_HEADERS_MOST; i++) {
		const lk_field *field = g_ptr_array_index(fields, i);
		lk_header *header = g_new0(lk_header, 1);
		/* Decoding makes at most three bytes of one: more input would be cut anyway. */
		g_autofree char *value = lk_words_decode(
			field->value->str, MIN(field->value->len, 4 * LK_HEADER_BYTES_MOST));
		header->name = lk_text_clean(field->name, strlen(field->name));
		header->value = lk_text_cut(value, LK_HEADER_BYTES_MOST);
		g_ptr_array_add(gather->mail->headers, header);
	}
}

void lk_head_read(lk_gather *gather)
{
	lk_mail *mail = gather->mail;
	g_autoptr(GPtrArray) senders = address_list();
	const lk_field *subject = lk_fields_get(gather->fields, "Subject");

	take_from(gather);
	take_addresses(gather, "Sender", senders);
	mail->sender = first_usable(senders);
	take_return_path(gather);
	take_addresses(gather, "Reply-To", mail->reply_to);
	take_addresses(gather, "To", mail->to);
	take_addresses(gather, "Cc", mail->cc);
	take_delivered(gather);
	if (subject) {
		g_autofree char *text = lk_words_decode(
			subject->value->str, MIN(subject->value->len, 4 * LK_HEADER_BYTES_MOST));
		g_free(mail->subject);
		mail->subject = lk_text_cut(text, LK_HEADER_BYTES_MOST);
	}
	take_ids(gather);
	take_dates(gather);
	take_importance(gather);
	take_headers(gather);
}
