#include "lib/mail/parse.h"

#include "lib/base/text.h"
#include "lib/mail/answer.h"
#include "lib/mail/auth.h"
#include "lib/mail/charset.h"
#include "lib/mail/classify.h"
#include "lib/mail/gather.h"
#include "lib/mail/head.h"
#include "lib/mail/html.h"
#include "lib/mail/language.h"
#include "lib/mail/lsan.h"
#include "lib/mail/mail-file.h"
#include "lib/mail/params.h"
#include "lib/mail/reply.h"
#include "lib/mail/strip.h"
#include "lib/mail/walk.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <libxml/parser.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_BYTES_MOST = 256 * 1024 * 1024, PARTS_SLACK_BYTES = 16 * 1024 * 1024 };

void lk_parse_init(void)
{
	/* GMime forgets the entries of its registry that are replaced here. */
	__lsan_disable();
	g_mime_init();
	/* Attached mails stay bytes: read as objects they could not be given back unaltered. */
	g_mime_object_register_type("message", "*", GMIME_TYPE_PART);
	g_mime_object_register_type("message", "rfc822", GMIME_TYPE_PART);
	g_mime_object_register_type("message", "rfc2822", GMIME_TYPE_PART);
	g_mime_object_register_type("message", "global", GMIME_TYPE_PART);
	g_mime_object_register_type("message", "news", GMIME_TYPE_PART);
	g_mime_object_register_type("message", "partial", GMIME_TYPE_PART);
	g_mime_object_register_type("message", "external-body", GMIME_TYPE_PART);
	__lsan_enable();
	xmlInitParser();
	lk_charset_open_all();
	lk_language_init();
}

/* Copies a mail whose lines end in CR to the parts file with LF instead. */
static bool copy_with_lf(lk_gather *gather, int fd, lk_parts *parts)
{
	enum { COPY_BYTES = 64 * 1024 };
	g_autofree char *buffer = g_malloc(COPY_BYTES);
	off_t at = 0;

	for (;;) {
		ssize_t got = pread(fd, buffer, COPY_BYTES, at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0;
		for (ssize_t i = 0; i < got; i++)
			if (buffer[i] == '\r')
				buffer[i] = '\n';
		if (!lk_parts_append(gather, parts, buffer, (size_t)got))
			return false;
		at += got;
	}
}

/* Of a mail whose lines end in CR alone. A held one is changed where it is. */
static void give_line_ends(lk_gather *gather, lk_mail_file *file, lk_parts *parts)
{
	char *bytes = lk_mail_file_bytes(file);

	for (uint64_t i = 0; bytes && i < file->size; i++)
		if (bytes[i] == '\r')
			bytes[i] = '\n';
	if (!bytes && copy_with_lf(gather, file->fd, parts))
		file->fd = parts->fd;
}

static void note_header_defects(lk_gather *gather)
{
	const lk_fields *fields = gather->fields;

	if (fields->has_bare_cr)
		lk_gather_defect(gather, "lines end in CR alone");
	if (fields->had_junk)
		lk_gather_defect(gather, "lines that are no header stood in or above it: skipped");
	if (fields->had_unindented)
		lk_gather_defect(gather, "folded header lines without their indent");
	if (fields->fields->len == 0)
		lk_gather_defect(gather, "no header: all of it was read as text");
	else if (fields->had_no_end)
		lk_gather_defect(gather, "no empty line between header and text");
	if (fields->was_cut) {
		gather->mail->is_incomplete = true;
		lk_gather_defect(gather, "a header line above 64 kB or more than %d of them: cut",
				 LK_FIELDS_MOST);
	}
}

static void finish_text(lk_gather *gather, const lk_parse_settings *settings)
{
	lk_mail *mail = gather->mail;
	g_autofree char *cut = lk_text_cut(gather->text->str, LK_TEXT_BYTES_MOST);
	g_autofree char *reply = lk_reply_text(cut, mail->subject);

	g_free(mail->text);
	mail->text = lk_html_unmark(g_steal_pointer(&cut));
	g_free(mail->reply_text);
	mail->reply_text = lk_strip_banners(reply, settings->strip);
	char *subject = lk_strip_banners(mail->subject, settings->strip);
	g_free(mail->subject);
	mail->subject = subject;
}

static void read_type(lk_gather *gather)
{
	g_autofree char *line = lk_fields_line(gather->fields, "Content-Type");
	g_autoptr(lk_mime_params) type =
		lk_mime_params_parse(line && strlen(line) < 16 * 1024 ? line : NULL);

	gather->top_type = g_strdup(type->head);
	g_autofree char *report = lk_mime_params_get(type, "report-type");
	if (report)
		gather->report_type = g_ascii_strdown(report, -1);
}

lk_mail *lk_parse(int mail_fd, int parts_fd, const lk_parse_settings *settings,
		  uint64_t *ret_parts_end)
{
	struct stat status = {0};
	g_autoptr(lk_mail) mail = lk_mail_new();
	lk_gather gather = {.mail = mail,
			    .text = g_string_new(NULL),
			    .status = g_string_new(NULL),
			    .returned = g_string_new(NULL)};
	g_auto(lk_mail_file) file = {.fd = -1};
	lk_parts parts = {.fd = parts_fd};

	if (fstat(mail_fd, &status) < 0)
		lk_gather_defect(&gather, "the mail's file cannot be read");
	uint64_t size = (uint64_t)status.st_size;
	parts.most = 2 * size + PARTS_SLACK_BYTES;
	lk_mail_file_open(&file, mail_fd, size);
	lk_fields *fields = lk_mail_file_fields(&file, HEADER_BYTES_MOST);
	gather.fields = fields;
	note_header_defects(&gather);
	lk_head_read(&gather);
	read_type(&gather);
	if (fields->has_bare_cr)
		give_line_ends(&gather, &file, &parts);
	lk_walk(&gather, &file, &parts);
	finish_text(&gather, settings);
	lk_classify(&gather, settings->own_lists);
	lk_auth_read(&gather, settings->authserv, settings->relays);
	mail->language = lk_language_of(mail->reply_text);
	*ret_parts_end = parts.end;
	g_string_free(gather.text, TRUE);
	g_string_free(gather.status, TRUE);
	g_string_free(gather.returned, TRUE);
	g_free(gather.top_type);
	g_free(gather.report_type);
	g_free(gather.calendar_method);
	lk_fields_free(fields);
	return g_steal_pointer(&mail);
}
