/* The client of luukku-parse against a child that does its work and one that fails in each way. */
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/mail/answer.h"
#include "lib/mail/parser.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *program;

static int mail_file(const char *text)
{
	int fd = -1;

	g_assert_true(lk_spool_open(NULL, &fd, NULL));
	g_assert_true(lk_write_all(fd, text, strlen(text), NULL));
	return fd;
}

static const char simple[] =
	"From: Matti <m@x.example>\nTo: ict@desk.example\nSubject: =?utf-8?Q?ty=C3=B6?=\n"
	"Message-ID: <a@x.example>\nDate: Fri, 27 Mar 2026 09:50:00 +0200\n"
	"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhei\n--b\n"
	"Content-Type: application/pdf; name=a.pdf\n\n%PDF\n--b--\n";

static lk_mail *read_mail(lk_parser *parser, int fd, int *ret_parts_fd)
{
	g_autoptr(GError) error = NULL;
	lk_mail *mail = NULL;

	lk_parser_start(parser, fd, &error);
	g_assert_no_error(error);
	lk_parser_finish(parser, &mail, ret_parts_fd, &error);
	g_assert_no_error(error);
	return mail;
}

static lk_parser *parser_new(int time_limit_ms, unsigned max_mails)
{
	lk_parser_options options = {
		.program = program, .time_limit_ms = time_limit_ms, .max_mails = max_mails};

	return lk_parser_new(&options);
}

static void test_many(void)
{
	g_autoptr(lk_parser) parser = parser_new(0, 3); /* a fresh child after every third */

	for (unsigned i = 0; i < 10; i++) {
		lk_autofd int fd = mail_file(simple);
		lk_autofd int parts_fd = -1;
		g_autoptr(lk_mail) mail = read_mail(parser, fd, &parts_fd);
		char bytes[4];
		g_assert_false(mail->is_unparsed);
		g_assert_cmpstr(mail->subject, ==, "työ");
		g_assert_cmpstr(mail->text, ==, "hei");
		g_assert_cmpuint(mail->attachments->len, ==, 1);
		const lk_attachment *part = g_ptr_array_index(mail->attachments, 0);
		g_assert_cmpuint(part->size, ==, 4);
		g_assert_true(lk_pread_all(parts_fd, bytes, 4, part->offset, NULL));
		g_assert_cmpmem(bytes, 4, "%PDF", 4);
		g_autofree char *hash = lk_hex(part->hash, LK_HASH_BYTES);
		g_assert_cmpstr(hash, ==,
				"6720892855c2539e728c6cb2027d679975f75c8a1c9e44f9822ae196ea15f864");
	}
}

static void assert_pdf(const lk_mail *mail, int parts_fd)
{
	const lk_attachment *part = g_ptr_array_index(mail->attachments, 0);
	char bytes[4] = "";

	g_assert_cmpuint(part->size, ==, 4);
	g_assert_true(lk_pread_all(parts_fd, bytes, 4, part->offset, NULL));
	g_assert_cmpmem(bytes, 4, "%PDF", 4);
}

/* A file given back serves later mails, but no child finds there what another one wrote. */
static void test_give_back(void)
{
	enum { BIG_BYTES = 9000 };
	g_autoptr(lk_parser) parser = parser_new(0, 3);
	g_autofree char *filler = g_strnfill(BIG_BYTES, 'x');
	g_autofree char *big = g_strdup_printf("From: a@b.example\nContent-Type: "
					       "application/pdf\n\n%s",
					       filler);
	g_autoptr(lk_mail) kept = NULL;
	lk_autofd int kept_fd = -1;

	for (unsigned i = 0; i < 8; i++) {
		lk_autofd int fd = mail_file(i == 0 ? big : simple);
		lk_autofd int parts_fd = -1;
		uint64_t size = 0;
		g_autoptr(lk_mail) mail = read_mail(parser, fd, &parts_fd);
		g_assert_false(mail->is_unparsed);
		g_assert_true(lk_file_size(parts_fd, &size, NULL));
		if (i == 0)
			g_assert_cmpuint(size, ==, BIG_BYTES);
		else
			assert_pdf(mail, parts_fd);
		if (i >= 3) /* another child */
			g_assert_cmpuint(size, <, BIG_BYTES);
		if (i == 4) { /* one that is still read is not taken for the next mail */
			kept_fd = parts_fd;
			parts_fd = -1;
			kept = g_steal_pointer(&mail);
			continue;
		}
		lk_parser_give_back(parser, &parts_fd);
		g_assert_cmpint(parts_fd, ==, -1);
	}
	assert_pdf(kept, kept_fd);
}

static void test_no_attachments(void)
{
	g_autoptr(lk_parser) parser = parser_new(0, 0);
	g_autofree char *words = g_strnfill(100 * 1024, 'x');
	g_autofree char *text = g_strdup_printf("From: a@b.example\n\n%s\n", words);

	for (unsigned i = 0; i < 3; i++) {
		/* The answer of the long one does not go over the socket. */
		lk_autofd int fd = mail_file(i == 1 ? text : "From: a@b.example\n\nhei\n");
		int parts_fd = 0;
		g_autoptr(lk_mail) mail = read_mail(parser, fd, &parts_fd);
		g_assert_cmpint(parts_fd, ==, -1);
		g_assert_true(g_str_has_prefix(mail->text, i == 1 ? words : "hei"));
	}
}

static void assert_unparsed(const char *mode, const char *how, int time_limit_ms)
{
	g_autoptr(lk_parser) parser = NULL;
	lk_autofd int fd = mail_file(simple);
	lk_autofd int parts_fd = -1;

	g_setenv("LUUKKU_FAULT_MODE", mode, TRUE);
	parser = parser_new(time_limit_ms, 0);
	g_unsetenv("LUUKKU_FAULT_MODE");
	g_autoptr(lk_mail) mail = read_mail(parser, fd, &parts_fd);
	g_assert_true(mail->is_unparsed);
	g_assert_true(mail->suppress_reply);
	g_assert_cmpstr(mail->subject, ==, "työ");
	g_assert_cmpstr(mail->from->address, ==, "m@x.example");
	g_assert_cmpstr(mail->message_id, ==, "a@x.example");
	g_assert_cmpuint(mail->attachments->len, ==, 0);
	g_assert_cmpuint(mail->defects->len, ==, 1);
	if (!strstr(g_ptr_array_index(mail->defects, 0), how))
		g_test_message("%s", (char *)g_ptr_array_index(mail->defects, 0));
	g_assert_nonnull(strstr(g_ptr_array_index(mail->defects, 0), how));
}

static void test_failures(void)
{
	assert_unparsed("parse-crash", "crashed", 0);
	assert_unparsed("parse-hang", "did not answer within its time", 300);
	assert_unparsed("parse-spin", "did not answer within its time", 300);
	assert_unparsed("parse-socket", "did what its sandbox forbids", 0);
}

/* A full disk is no fault of the mail: it is neither cut nor called unreadable, but tried again. */
static void test_no_room(void)
{
	g_autoptr(lk_parser) parser = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(lk_mail) mail = NULL;
	lk_autofd int fd = mail_file(simple);
	lk_autofd int parts_fd = -1;

	g_setenv("LUUKKU_FAULT_MODE", "parse-full", TRUE);
	parser = parser_new(0, 0);
	g_unsetenv("LUUKKU_FAULT_MODE");
	for (unsigned i = 0; i < 2; i++) {
		g_assert_true(lk_parser_start(parser, fd, NULL));
		g_assert_false(lk_parser_finish(parser, &mail, &parts_fd, &error));
		g_assert_error(error, LK_ERROR, LK_ERR_RETRY);
		g_assert_nonnull(strstr(error->message, "free some space"));
		g_assert_null(mail);
		g_assert_cmpint(parts_fd, ==, -1);
		g_clear_error(&error);
	}
}

/* The mail behind a deadly one is read as if nothing had been. */
static void test_next_after_death(void)
{
	g_autoptr(lk_parser) parser = parser_new(0, 0);
	lk_autofd int fd = mail_file(simple);

	for (unsigned i = 0; i < 2; i++) {
		lk_autofd int parts_fd = -1;
		g_autoptr(lk_mail) mail = read_mail(parser, fd, &parts_fd);
		g_assert_false(mail->is_unparsed);
		g_assert_cmpstr(mail->text, ==, "hei");
	}
}

static void test_no_program(void)
{
	lk_parser_options options = {.program = "/nonexistent/luukku-parse"};
	g_autoptr(lk_parser) parser = lk_parser_new(&options);
	g_autoptr(GError) error = NULL;
	lk_autofd int fd = mail_file(simple);

	g_assert_false(lk_parser_start(parser, fd, &error));
	g_assert_nonnull(error);
	g_assert_nonnull(strstr(error->message, "/nonexistent/luukku-parse"));
}

/* A program that is no parser, or one of another version, is not the mail's fault. */
static void test_wrong_program(void)
{
	lk_parser_options options = {.program = "/bin/true"};
	g_autoptr(lk_parser) parser = lk_parser_new(&options);
	lk_autofd int fd = mail_file(simple);

	for (unsigned i = 0; i < 2; i++) {
		g_autoptr(GError) error = NULL;
		g_assert_false(lk_parser_start(parser, fd, &error));
		g_assert_true(lk_err_is(error, LK_ERR_RETRY));
		g_assert_nonnull(strstr(error->message, "does not start"));
	}
}

static void test_minimal(void)
{
	lk_autofd int fd = mail_file(
		"\n\nFrom: =?iso-8859-1?Q?=C4iti?= <a@b.example>\nSubject: x\r\n y\r\n"
		"Message-ID: <i@d>\r\nDate: 27 Mar 2026 07:50:00 GMT\r\n\r\nnot read\r\n");
	g_autoptr(lk_mail) mail = lk_mail_minimal(fd);
	g_autofree char *date = lk_time_format(mail->date);

	g_assert_cmpstr(mail->from->name, ==, "Äiti");
	g_assert_cmpstr(mail->subject, ==, "x y");
	g_assert_cmpstr(mail->message_id, ==, "i@d");
	g_assert_cmpstr(date, ==, "2026-03-27T07:50:00Z");
	g_assert_cmpstr(mail->text, ==, "");
	g_assert_true(mail->suppress_reply);
}

static void test_minimal_of_rubbish(void)
{
	g_autoptr(GString) rubbish = g_string_new(NULL);
	lk_autofd int fd = -1;

	for (unsigned i = 0; i < 300000; i++)
		g_string_append_c(rubbish, (char)(i * 7919 >> 3));
	g_assert_true(lk_spool_open(NULL, &fd, NULL));
	g_assert_true(lk_write_all(fd, rubbish->str, rubbish->len, NULL));
	g_autoptr(lk_mail) mail = lk_mail_minimal(fd);
	g_assert_true(g_utf8_validate(mail->subject, -1, NULL));
	g_autoptr(lk_mail) none = lk_mail_minimal(-1);
	g_assert_cmpstr(none->subject, ==, "");
}

static lk_mail *full_mail(void)
{
	lk_mail *mail = lk_mail_new();
	lk_attachment *part = g_new0(lk_attachment, 1);

	mail->message_id = g_strdup("a@b");
	mail->from = lk_address_new("Åsa", "a@b.example");
	g_ptr_array_add(mail->to, lk_address_new(NULL, "c@d.example"));
	mail->bounce = g_new0(lk_bounce, 1);
	mail->bounce->recipients = g_ptr_array_new_with_free_func(g_free);
	mail->bounce->states = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(mail->bounce->states, g_strdup("failed 5.1.1"));
	g_ptr_array_add(mail->bounce->recipients, g_strdup("x@y.example"));
	part->content_type = g_strdup("image/png");
	part->offset = 10;
	part->size = 20;
	g_ptr_array_add(mail->attachments, part);
	return mail;
}

static void test_answer_bounds(void)
{
	g_autoptr(lk_mail) mail = full_mail();
	g_autoptr(GBytes) bytes = lk_answer_encode(mail);
	g_autoptr(lk_mail) read = NULL;
	g_autoptr(GError) error = NULL;
	gsize n = 0;
	const void *data = g_bytes_get_data(bytes, &n);

	g_assert_true(lk_answer_decode(data, n, 30, &read, NULL));
	g_assert_cmpstr(read->from->name, ==, "Åsa");
	g_assert_cmpuint(read->attachments->len, ==, 1);
	/* The attachment ends at 30: a parts file of 29 bytes cannot hold it. */
	g_autoptr(lk_mail) none = NULL;
	g_assert_false(lk_answer_decode(data, n, 29, &none, &error));
	g_assert_nonnull(error);
	g_assert_null(none);
}

/* A list above its limit is cut: its mail is no mail that cannot be read. */
static void test_answer_cut(void)
{
	g_autoptr(lk_mail) mail = full_mail();
	g_autoptr(lk_mail) read = NULL;
	gsize n = 0;

	for (unsigned i = 0; i < LK_DEFECTS_MOST + 5; i++)
		g_ptr_array_add(mail->defects, g_strdup("odd"));
	for (unsigned i = 0; i < LK_REFERENCES_MOST + 5; i++)
		g_ptr_array_add(mail->references, g_strdup_printf("%u@b", i));
	g_autoptr(GBytes) bytes = lk_answer_encode(mail);
	const void *data = g_bytes_get_data(bytes, &n);
	g_assert_true(lk_answer_decode(data, n, 30, &read, NULL));
	g_assert_cmpuint(read->defects->len, ==, LK_DEFECTS_MOST);
	g_assert_cmpuint(read->references->len, ==, LK_REFERENCES_MOST);
	g_assert_cmpstr(g_ptr_array_index(read->references, 99), ==, "99@b");
	/* Nothing may be missing at the end, and nothing stand behind it. */
	for (gsize cut = 0; cut < n; cut++) {
		g_autoptr(lk_mail) none = NULL;
		g_assert_false(lk_answer_decode(data, cut, 30, &none, NULL));
	}
	g_autofree char *longer = g_malloc0(n + 1);
	g_autoptr(lk_mail) none = NULL;
	memcpy(longer, data, n);
	g_assert_false(lk_answer_decode(longer, n + 1, 30, &none, NULL));
}

/* Every byte of an answer changed: an error or a mail whose every text is clean UTF-8. */
static void test_answer_mutations(void)
{
	g_autoptr(lk_mail) mail = full_mail();
	g_autoptr(GBytes) bytes = lk_answer_encode(mail);
	gsize n = 0;
	const uint8_t *data = g_bytes_get_data(bytes, &n);
	unsigned read = 0, refused = 0;

	for (gsize i = 0; i < n; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			g_autofree uint8_t *copy = g_memdup2(data, n);
			g_autoptr(lk_mail) back = NULL;
			copy[i] ^= (uint8_t)(1U << bit);
			if (!lk_answer_decode(copy, n, 30, &back, NULL)) {
				refused++;
				continue;
			}
			read++;
			g_assert_true(g_utf8_validate(back->subject, -1, NULL));
			g_assert_true(!back->from ||
				      g_utf8_validate(back->from->address, -1, NULL));
			for (unsigned j = 0; j < back->attachments->len; j++) {
				const lk_attachment *part = g_ptr_array_index(back->attachments, j);
				g_assert_cmpuint(part->offset + part->size, <=, 30);
			}
		}
	g_assert_cmpuint(read, >, 0);
	g_assert_cmpuint(refused, >, 0);
}

int main(int argc, char **argv)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *folder = g_path_get_dirname(self);

	program = g_build_filename(folder, "..", "bin", "luukku-parse", NULL);
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	if (access(program, X_OK) == 0) {
		g_test_add_func("/parser/many", test_many);
		g_test_add_func("/parser/give-back", test_give_back);
		g_test_add_func("/parser/no-attachments", test_no_attachments);
		g_test_add_func("/parser/failures", test_failures);
		g_test_add_func("/parser/no-room", test_no_room);
		g_test_add_func("/parser/next-after-death", test_next_after_death);
	}
	g_test_add_func("/parser/no-program", test_no_program);
	g_test_add_func("/parser/wrong-program", test_wrong_program);
	g_test_add_func("/parser/minimal", test_minimal);
	g_test_add_func("/parser/minimal-of-rubbish", test_minimal_of_rubbish);
	g_test_add_func("/parser/answer-bounds", test_answer_bounds);
	g_test_add_func("/parser/answer-cut", test_answer_cut);
	g_test_add_func("/parser/answer-mutations", test_answer_mutations);
	int status = g_test_run();
	g_free(program);
	return status;
}
