#include "lib/mail/parser.h"

#include "lib/base/text.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"
#include "lib/mail/words.h"

enum { MINIMAL_BYTES = 64 * 1024 };

static void take_addresses(const lk_fields *fields, const char *name, GPtrArray *list)
{
	const lk_field *field = lk_fields_get(fields, name);

	if (field)
		lk_addresses_parse(field->value->str, MIN(field->value->len, 8192), list);
}

lk_mail *lk_mail_minimal(int mail_fd)
{
	g_autoptr(lk_fields) fields = lk_fields_read(mail_fd, 0, MINIMAL_BYTES);
	g_autoptr(lk_mail) mail = lk_mail_new();
	g_autoptr(lk_mail) from = lk_mail_new(); /* for its list */

	take_addresses(fields, "From", from->to);
	if (from->to->len > 0) {
		const lk_address *first = g_ptr_array_index(from->to, 0);
		mail->from = lk_address_new(first->name, first->address);
		mail->from_headers = 1;
		mail->from_addresses = from->to->len;
	}
	take_addresses(fields, "To", mail->to);
	g_autofree char *subject = lk_fields_text(fields, "Subject");
	if (subject) {
		g_free(mail->subject);
		mail->subject = lk_text_cut(subject, 2048);
	}
	g_autofree char *id = lk_fields_line(fields, "Message-ID");
	g_autoptr(GPtrArray) ids = lk_words_ids(id, 1);
	if (ids->len > 0)
		mail->message_id = lk_text_cut(g_ptr_array_index(ids, 0), 2048);
	g_autofree char *date = lk_fields_line(fields, "Date");
	if (date)
		mail->date = lk_date_parse(date);
	/* Whether a machine wrote it is unknown, so nothing automatic may answer it. */
	mail->suppress_reply = true;
	mail->suppress_reason = g_strdup("only the header was read");
	g_free(mail->kind_reason);
	mail->kind_reason = g_strdup("only the header was read");
	return g_steal_pointer(&mail);
}
