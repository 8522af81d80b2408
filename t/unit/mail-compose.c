/* What goes out: RFC 5322 and MIME, whatever the texts hold. */
#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/mail/compose.h"

#include <string.h>

static const lk_time morning = INT64_C(1774597800) * LK_SECOND; /* 2026-03-27 07:50 UTC */

static lk_compose plain_mail(void)
{
	return (lk_compose){.message_id = "lk.abc@example.fi",
			    .date = morning,
			    .from_name = "ICT-tuki",
			    .from_address = "ict@example.fi",
			    .to_name = "Åsa Öhman",
			    .to_address = "asa@example.org",
			    .subject = "[TUKI-7] Työasema ei käynnisty",
			    .text = "Hei!\n\nOtamme asian työn alle.\n.\nFrom tästä alkaa\n"};
}

static GString *build(const lk_compose *compose)
{
	g_autoptr(GError) error = NULL;
	GString *bytes = NULL;

	lk_compose_build(compose, &bytes, &error);
	g_assert_no_error(error);
	return bytes;
}

/* The header block, unfolded. */
static char *header_of(const GString *bytes)
{
	const char *end = strstr(bytes->str, "\r\n\r\n");
	g_autofree char *block = g_strndup(bytes->str, (size_t)(end - bytes->str) + 2);
	g_auto(GStrv) lines = g_strsplit(block, "\r\n ", -1);
	g_autofree char *blanks = g_strjoinv(" ", lines);
	g_auto(GStrv) tabs = g_strsplit(blanks, "\r\n\t", -1);

	return g_strjoinv(" ", tabs);
}

static void assert_wire_format(const GString *bytes)
{
	size_t length = 0;

	for (size_t i = 0; i < bytes->len; i++) {
		g_assert_cmpuint((unsigned char)bytes->str[i], <, 0x80);
		g_assert_cmpuint((unsigned char)bytes->str[i], !=, 0);
		if (bytes->str[i] == '\n')
			g_assert_true(i > 0 && bytes->str[i - 1] == '\r');
		if (bytes->str[i] == '\r')
			g_assert_cmpint(bytes->str[i + 1], ==, '\n');
		length = bytes->str[i] == '\n' ? 0 : length + 1;
		g_assert_cmpuint(length, <=, 999);
	}
	g_assert_true(g_str_has_suffix(bytes->str, "\r\n"));
}

static void test_plain(void)
{
	lk_compose compose = plain_mail();
	g_autoptr(GString) bytes = NULL;

	bytes = build(&compose);
	g_autofree char *header = header_of(bytes);
	assert_wire_format(bytes);
	g_assert_nonnull(strstr(header, "Message-Id: <lk.abc@example.fi>\r\n"));
	g_assert_nonnull(strstr(header, "From: ICT-tuki <ict@example.fi>\r\n"));
	g_assert_nonnull(strstr(header, "Date: Fri, 27 Mar 2026 07:50:00 +0000\r\n"));
	g_assert_nonnull(strstr(header, "<asa@example.org>\r\n"));
	g_assert_nonnull(strstr(header, "Subject: [TUKI-7] =?UTF-8?"));
	g_assert_nonnull(strstr(header, "Content-Type: text/plain; charset=utf-8\r\n"));
	g_assert_nonnull(strstr(header, "Content-Transfer-Encoding: quoted-printable\r\n"));
	g_assert_true(strstr(header, "MIME-Version: 1.0\r\n") ||
		      strstr(header, "Mime-Version: 1.0\r\n"));
	g_assert_nonnull(strstr(bytes->str, "Otamme asian ty=C3=B6n alle."));
	g_assert_null(strstr(header, "Reply-To"));
	g_assert_null(strstr(header, "References"));
}

static void test_alternative(void)
{
	static const lk_compose_header extra[] = {{"Auto-Submitted", "auto-replied"},
						  {"X-Luukku-Queue", "talous – ä"}};
	lk_compose compose = plain_mail();

	compose.html = "<p>Hei &amp; kiitos, työ alkaa</p>";
	compose.reply_to = "ict+abc@example.fi";
	compose.headers = extra;
	compose.n_headers = G_N_ELEMENTS(extra);
	compose.language = "fi";
	g_autoptr(GString) bytes = build(&compose);
	g_autofree char *header = header_of(bytes);
	assert_wire_format(bytes);
	g_assert_nonnull(strstr(header, "Content-Type: multipart/alternative; boundary="));
	g_assert_nonnull(strstr(header, "Auto-Submitted: auto-replied\r\n"));
	g_assert_nonnull(strstr(header, "X-Luukku-Queue: talous =?UTF-8?"));
	g_assert_nonnull(strstr(header, "Reply-To: ict+abc@example.fi\r\n"));
	g_assert_nonnull(strstr(header, "Content-Language: fi\r\n"));
	const char *plain = strstr(bytes->str, "Content-Type: text/plain; charset=utf-8");
	const char *html = strstr(bytes->str, "Content-Type: text/html; charset=utf-8");
	g_assert_true(plain && html && plain < html);
}

static void test_references(void)
{
	lk_compose compose = plain_mail();
	g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);

	for (unsigned i = 0; i < 60; i++)
		g_ptr_array_add(ids, g_strdup_printf("id.%02u@a-rather-long-host.example.org", i));
	g_ptr_array_add(ids, NULL);
	compose.references = (const char *const *)ids->pdata;
	compose.in_reply_to = g_ptr_array_index(ids, 59);
	g_autoptr(GString) bytes = build(&compose);
	g_autofree char *header = header_of(bytes);
	assert_wire_format(bytes);
	g_assert_nonnull(strstr(header, "References: <id.00@"));
	g_assert_null(strstr(header, "<id.01@"));
	g_assert_null(strstr(header, "<id.39@"));
	for (unsigned i = 40; i < 60; i++) {
		g_autofree char *id =
			g_strdup_printf("<id.%02u@a-rather-long-host.example.org>", i);
		g_assert_nonnull(strstr(header, id));
	}
	g_assert_nonnull(strstr(header, "In-Reply-To: <id.59@a-rather-long-host.example.org>\r\n"));
}

/* Files beside the text, pictures within the HTML, all byte for byte; everybody shown in To, Cc. */
static void test_parts(void)
{
	static const uint8_t picture[] = {0x89, 'P', 'N', 'G', 0, 1, 2, 255};
	const lk_compose_part parts[] = {
		{"kuva.png", "image/png", "kuva1@example.fi", picture, sizeof(picture)},
		{"Työajat 2026.txt", "text/plain", NULL, "a\r\nb\n", 5},
		{NULL, "multipart/mixed", NULL, "x", 1},
	};
	const lk_compose_address more[] = {{"Matti", "matti@example.org"}};
	const lk_compose_address cc[] = {{NULL, "liisa@example.org"}};
	lk_compose compose = plain_mail();

	compose.html = "<p>Hei</p><img src=\"cid:kuva1@example.fi\">";
	compose.parts = parts;
	compose.n_parts = G_N_ELEMENTS(parts);
	compose.more_to = more;
	compose.n_more_to = 1;
	compose.cc = cc;
	compose.n_cc = 1;
	g_autoptr(GString) bytes = build(&compose);
	g_autofree char *header = header_of(bytes);
	assert_wire_format(bytes);
	g_assert_nonnull(strstr(header, "asa@example.org"));
	g_assert_nonnull(strstr(header, "Matti <matti@example.org>"));
	g_assert_nonnull(strstr(header, "Cc: liisa@example.org"));
	g_assert_nonnull(strstr(header, "Content-Type: multipart/mixed"));
	const char *related = strstr(bytes->str, "multipart/related");
	const char *image = strstr(bytes->str, "Content-Id: <kuva1@example.fi>");
	const char *file = strstr(bytes->str, "YQ0KYgo=");
	const char *odd = strstr(bytes->str, "application/octet-stream");
	g_assert_nonnull(related);
	g_assert_nonnull(strstr(bytes->str, "iVBORwABAv8="));
	g_assert_true(image && image > related);
	g_assert_true(file && file > image);
	g_assert_true(odd && odd > file);
	compose.html = NULL;
	g_autoptr(GString) plain = build(&compose);
	g_assert_null(strstr(plain->str, "multipart/related"));
	g_assert_nonnull(strstr(plain->str, "iVBORwABAv8="));
}

static void assert_refused(const lk_compose *compose)
{
	g_autoptr(GError) error = NULL;
	GString *bytes = NULL;

	g_assert_false(lk_compose_build(compose, &bytes, &error));
	g_assert_error(error, LK_ERROR, LK_ERR_MESSAGE);
	g_assert_null(bytes);
}

static void test_injection(void)
{
	static const char *const evil_ids[] = {"a@b>\r\nBcc: x@y", "a b@c", "", "å@b", "<a@b>"};
	static const char *const evil_ids_list[] = {"fine@example.org", "bad\n@x", NULL};
	static const lk_compose_header evil_header[] = {{"X-Ok", "a\r\nBcc: x@y"}};
	static const lk_compose_header evil_name[] = {{"X: y\r\nBcc", "a"}};

	for (size_t i = 0; i < G_N_ELEMENTS(evil_ids); i++) {
		lk_compose compose = plain_mail();
		compose.message_id = evil_ids[i];
		assert_refused(&compose);
		compose = plain_mail();
		compose.in_reply_to = evil_ids[i];
		assert_refused(&compose);
	}
	lk_compose compose = plain_mail();
	compose.references = evil_ids_list;
	assert_refused(&compose);
	compose = plain_mail();
	compose.headers = evil_header;
	compose.n_headers = 1;
	assert_refused(&compose);
	compose.headers = evil_name;
	assert_refused(&compose);
	compose = plain_mail();
	compose.subject = "a\nBcc: x@y";
	assert_refused(&compose);
	compose = plain_mail();
	compose.to_name = "a\r\nBcc: x@y";
	assert_refused(&compose);
	compose = plain_mail();
	compose.to_address = "a@b\r\nBcc: x@y";
	assert_refused(&compose);
	compose = plain_mail();
	compose.to_address = "åsa@example.org";
	assert_refused(&compose);
	compose = plain_mail();
	compose.reply_to = "no-at-sign";
	assert_refused(&compose);
}

/* Names and subjects that look like syntax arrive as names and subjects. */
static void test_quoting(void)
{
	lk_compose compose = plain_mail();

	compose.to_name = "Virtanen, Matti \"Masa\" <x@y>";
	compose.subject = "Re: \"quoted\" (paren) <a@b>; x: y";
	g_autoptr(GString) bytes = build(&compose);
	g_autofree char *header = header_of(bytes);
	const char *to = strstr(header, "\r\nTo: ");
	g_assert_nonnull(to);
	g_autofree char *line = g_strndup(to + 2, strcspn(to + 2, "\r"));
	g_assert_true(g_str_has_suffix(line, " <asa@example.org>"));
	g_assert_null(strstr(line, " <x@y> <"));
	g_assert_nonnull(strstr(header, "Subject: Re: \"quoted\" (paren) <a@b>; x: y\r\n"));
}

static void test_long_text(void)
{
	lk_compose compose = plain_mail();
	g_autoptr(GString) text = g_string_new(NULL);

	for (unsigned i = 0; i < 50000; i++)
		g_string_append(text, "ä");
	g_string_append(text, "\r\nbare\rcr\r\n.\r\n");
	compose.text = text->str;
	g_autofree char *subject = g_strndup(text->str, 4000);
	compose.subject = subject;
	g_autoptr(GString) bytes = build(&compose);
	assert_wire_format(bytes);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/compose/plain", test_plain);
	g_test_add_func("/compose/alternative", test_alternative);
	g_test_add_func("/compose/references", test_references);
	g_test_add_func("/compose/injection", test_injection);
	g_test_add_func("/compose/quoting", test_quoting);
	g_test_add_func("/compose/long-text", test_long_text);
	g_test_add_func("/compose/parts", test_parts);
	return g_test_run();
}
