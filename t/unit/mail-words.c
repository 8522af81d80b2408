/* Charsets, encoded words, ids, addresses, dates and parameters, good and broken. */
#include "lib/mail/address.h"
#include "lib/mail/base64.h"
#include "lib/mail/charset.h"
#include "lib/mail/header.h"
#include "lib/mail/html.h"
#include "lib/mail/params.h"
#include "lib/mail/reply.h"
#include "lib/mail/strip.h"
#include "lib/mail/words.h"

#include <string.h>
#include <time.h>

static void test_words(void)
{
	static const struct {
		const char *raw, *text;
	} cases[] = {
		{"plain", "plain"},
		{"a\r\n b", "a b"},
		{"a\r\nb", "a b"},
		{"=?utf-8?Q?a_b=C3=A4?=", "a bä"},
		{"=?UTF-8?b?w6Q=?= =?utf-8?B?w7Y=?=", "äö"},
		{"=?utf-8?Q?=C3?= =?utf-8?Q?=A4?=", "ä"},
		{"=?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c"},
		{"=?iso-8859-1?q?=E4?=x", "äx"},
		{"(=?utf-8*fi?Q?=C3=A4?=)", "(ä)"},
		{"=?utf-8?Q?open", "=?utf-8?Q?open"},
		{"=?utf-8?X?a?=", "=?utf-8?X?a?="},
		{"=?utf-8?Q?with space?=", "with space"},
		{"=?utf-8?Q?=?=", "="},
		{"=?nonsense?Q?=C3=A4?=", "ä"},
		{"raw \xe4", "raw ä"},
		{"=?utf-8?Q?raw\xc3\xa4inside?=", "rawäinside"},
		{"a\tb", "a b"},
		{"=?utf-8?Q?a=0D=0Ab=00c?=", "a bc"},
		{"=?windows-1252?Q?=80?=", "€"},
		{"", ""},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = lk_words_decode(cases[i].raw, strlen(cases[i].raw));
		g_assert_cmpstr(text, ==, cases[i].text);
	}
}

static void assert_ids(const char *value, unsigned most, const char *want)
{
	g_autoptr(GPtrArray) ids = lk_words_ids(value, most);

	g_ptr_array_add(ids, NULL);
	g_autofree char *joined = g_strjoinv("|", (char **)ids->pdata);
	g_assert_cmpstr(joined, ==, want);
}

static void test_ids(void)
{
	assert_ids("<a@b>", 10, "a@b");
	assert_ids("<a@b><c@d>,\r\n <e@f>", 10, "a@b|c@d|e@f");
	assert_ids("< a @ b >", 10, "a@b");
	assert_ids("a@b c@d", 10, "a@b|c@d");
	assert_ids("<a@b> <a@b>", 10, "a@b");
	assert_ids("<1@x> <2@x> <3@x>", 2, "2@x|3@x");
	assert_ids("text <a@b> (c)", 10, "a@b");
	assert_ids("<a <b@c>", 10, "b@c");
	assert_ids("<>", 10, "");
	assert_ids("no id here", 10, "");
	assert_ids(NULL, 10, "");
}

static void assert_addresses(const char *value, const char *want)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)lk_address_free);
	g_autoptr(GString) joined = g_string_new(NULL);

	lk_addresses_parse(value, strlen(value), list);
	for (unsigned i = 0; i < list->len; i++) {
		const lk_address *one = g_ptr_array_index(list, i);
		g_string_append_printf(joined, "%s[%s]<%s>", i ? " " : "",
				       one->name ? one->name : "", one->address);
	}
	g_assert_cmpstr(joined->str, ==, want);
}

static void test_addresses(void)
{
	assert_addresses("a@b.fi", "[]<a@b.fi>");
	assert_addresses("<a@b.fi>", "[]<a@b.fi>");
	assert_addresses("Matti <a@b.fi>", "[Matti]<a@b.fi>");
	assert_addresses("\"Virtanen, Matti\" <a@b.fi>", "[Virtanen, Matti]<a@b.fi>");
	assert_addresses("a@b.fi (Matti V)", "[Matti V]<a@b.fi>");
	assert_addresses("a@b.fi, c@d.fi; e@f.fi", "[]<a@b.fi> []<c@d.fi> []<e@f.fi>");
	assert_addresses("Group: a@b.fi, M <c@d.fi>;, e@f.fi", "[]<a@b.fi> [M]<c@d.fi> []<e@f.fi>");
	assert_addresses("undisclosed-recipients:;", "");
	assert_addresses("=?utf-8?Q?Doe=2C_J?= <a@b.fi>", "[Doe, J]<a@b.fi>");
	assert_addresses("\"=?utf-8?Q?=C3=84iti?=\" <a@b.fi>", "[Äiti]<a@b.fi>");
	assert_addresses("Matti a@b.fi", "[Matti]<a@b.fi>");
	assert_addresses("\"a b\"@c.fi", "[]<\"a b\"@c.fi>");
	assert_addresses("Matti \"a x@b\"@c.fi, d@e.fi", "[Matti]<\"a x@b\"@c.fi> []<d@e.fi>");
	assert_addresses("\"ab\"@c.fi", "[]<ab@c.fi>");
	assert_addresses("'a@b.fi' <a@b.fi>", "[a@b.fi]<a@b.fi>");
	assert_addresses("a@b.fi <a@b.fi>", "[a@b.fi]<a@b.fi>");
	assert_addresses("Matti [mailto:a@b.fi]", "[Matti]<a@b.fi>");
	assert_addresses("<mailto:a@b.fi>", "[]<a@b.fi>");
	assert_addresses("<@r1,@r2:a@b.fi>", "[]<a@b.fi>");
	assert_addresses("Matti <a@b.fi", "[Matti]<a@b.fi>");
	assert_addresses("Matti <a@b.fi, Maija <c@d.fi>", "[Matti]<a@b.fi> [Maija]<c@d.fi>");
	assert_addresses("Matti \"Masa V <a@b.fi>", "[Matti Masa V]<a@b.fi>");
	assert_addresses("root", "[]<root>");
	assert_addresses("Two Words", "");
	assert_addresses("", "");
	assert_addresses(",,;,", "");
	assert_addresses("=?utf-8?B?TWF0dGkgPGFAYi5maT4=?=", "[Matti]<a@b.fi>");
	assert_addresses("M (open <a@b.fi>", "[M open]<a@b.fi>");
}

/* What kills recursive readers takes linear time here. */
static void test_address_bombs(void)
{
	static const char *const units[] = {"a:", "(",	 "\"", "<", "a@b,",
					    "=?", "a <", "\\", ";", "@"};

	for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
		g_autoptr(GString) bomb = g_string_new(NULL);
		g_autoptr(GPtrArray) list =
			g_ptr_array_new_with_free_func((GDestroyNotify)lk_address_free);
		while (bomb->len < LK_FIELD_BYTES)
			g_string_append(bomb, units[i]);
		clock_t start = clock();
		lk_addresses_parse(bomb->str, bomb->len, list);
		g_assert_cmpuint(list->len, <=, LK_ADDRESSES_MOST);
		g_assert_cmpint(clock() - start, <, 2 * CLOCKS_PER_SEC);
	}
}

static void test_dates(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"Fri, 27 Mar 2026 09:50:00 +0200", "2026-03-27T07:50:00Z"},
		{"27 Mar 2026 09:50 +0200", "2026-03-27T07:50:00Z"},
		{"Fri, 27 Mar 2026 09:50:00 +0200 (EET)", "2026-03-27T07:50:00Z"},
		{"Fri, 27 Mar 26 09:50:00 GMT", "2026-03-27T09:50:00Z"},
		{"Fri, 27 Mar 2026 09:50:00 EST", "2026-03-27T14:50:00Z"},
		{"Fri Mar 27 09:50:00 2026", "2026-03-27T09:50:00Z"},
		{"2026-03-27 09:50:00 +0200", "2026-03-27T07:50:00Z"},
		{"2026-03-27T09:50:00Z", "2026-03-27T09:50:00Z"},
		{"27-Mar-2026 09:50:00 -0330", "2026-03-27T13:20:00Z"},
		{"Fri, 27 Mar 2026 9:50:00 PM", "2026-03-27T21:50:00Z"},
		{"Fri, 27 Mar 2026 09:50:60 +0000", "2026-03-27T09:50:59Z"},
		{"27 Mar 2026", "2026-03-27T00:00:00Z"},
		{"31 Feb 2026 09:50:00 +0000", NULL},
		{"27 Mar 2026 25:50:00 +0000", NULL},
		{"garbage", NULL},
		{"", NULL},
		{"99999999999999999999", NULL},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = lk_time_format(lk_date_parse(cases[i].text));
		g_assert_cmpstr(got, ==, cases[i].want);
	}
}

static void assert_param(const char *value, const char *name, const char *want)
{
	g_autoptr(lk_mime_params) params = lk_mime_params_parse(value);
	g_autofree char *got = lk_mime_params_get(params, name);

	g_assert_cmpstr(got, ==, want);
}

static void test_params(void)
{
	assert_param("a/b; name=x.pdf", "name", "x.pdf");
	assert_param("a/b; NAME = \"x y.pdf\"; q", "name", "x y.pdf");
	assert_param("a/b; name=x y.pdf; z=1", "name", "x y.pdf");
	assert_param("a/b; name*=utf-8''%C3%A4.pdf", "name", "ä.pdf");
	assert_param("a/b; name=plain.pdf; name*=utf-8''%C3%A4.pdf", "name", "ä.pdf");
	assert_param("a/b; name*0=one; name*1=two", "name", "onetwo");
	assert_param("a/b; name*1=two; name*0=one", "name", "onetwo");
	assert_param("a/b; name*0*=iso-8859-1''%E4; name*1=%41; name*2*=%42", "name", "ä%41B");
	assert_param("a/b; name=\"=?utf-8?Q?=C3=A4;?=.pdf\"", "name", "ä;.pdf");
	assert_param("a/b; name==?utf-8?Q?=C3=A4;x?=.pdf", "name", "ä;x.pdf");
	assert_param("a/b; name=\"\xe4.pdf\"", "name", "ä.pdf");
	assert_param("a/b; name*=klingon''%E4.pdf", "name", "ä.pdf");
	assert_param("a/b; name=\"a\\\"b\\c\"", "name", "a\"b\\c");
	assert_param("a/b; name=\"open", "name", "open");
	assert_param("filename=\"x.pdf\"", "filename", "x.pdf");
	assert_param("a/b; boundary=\"b\" Message-Id: <x>; y=z", "boundary", "b");
	assert_param("a/b (c;d=e); f=g", "d", NULL);
	assert_param("a/b; =x; ==; name=y", "name", "y");
	assert_param("a/b", "name", NULL);
	assert_param(NULL, "name", NULL);
	g_autoptr(lk_mime_params) params = lk_mime_params_parse(" Text/HTML (x) ; charset=utf-8");
	g_assert_cmpstr(params->head, ==, "text/html");
}

static void assert_filename(const char *name, const char *want)
{
	g_autofree char *got = lk_safe_filename(name);

	g_assert_cmpstr(got, ==, want);
}

static void test_filenames(void)
{
	assert_filename("a.pdf", "a.pdf");
	assert_filename("../../etc/passwd", "passwd");
	assert_filename("C:\\temp\\a.pdf", "a.pdf");
	assert_filename("..", NULL);
	assert_filename(" ", NULL);
	assert_filename("", NULL);
	assert_filename("a\nb\tc.txt", "abc.txt");
	assert_filename("x\xe2\x80\xaegpj.exe", "xgpj.exe");
	g_autofree char *base = g_strnfill(300, 'a');
	g_autofree char *given = g_strconcat(base, ".pdf", NULL);
	g_autofree char *got = lk_safe_filename(given);
	g_assert_cmpuint(strlen(got), ==, 120);
	g_assert_true(g_str_has_suffix(got, ".pdf"));
}

static void assert_charset(const char *label, const char *bytes, size_t n, const char *want,
			   size_t bad)
{
	g_autoptr(GString) out = g_string_new(NULL);
	lk_charset_reading reading;

	lk_charset_decode(label, bytes, n, out, &reading);
	g_assert_cmpstr(out->str, ==, want);
	g_assert_cmpuint(reading.bad, ==, bad);
}

static void test_charsets(void)
{
	assert_charset("utf-8", "\xc3\xa4", 2, "ä", 0);
	assert_charset("utf-8", "\xef\xbb\xbfx", 4, "x", 0);
	assert_charset("utf-8", "\xc3\xa4\xc3\xb6\xff", 5, "äö\xef\xbf\xbd", 1);
	assert_charset("utf-8", "\xe4", 1, "ä", 0);
	assert_charset("us-ascii", "\xe4", 1, "ä", 0);
	assert_charset("iso-8859-1", "\x80", 1, "€", 0);
	assert_charset("iso-8859-15", "\xa4", 1, "€", 0);
	assert_charset("\"windows-1251\"", "\xcf", 1, "П", 0);
	assert_charset("koi8-r", "\xf0", 1, "П", 0);
	assert_charset("utf-16", "\xff\xfe\xe4\x00", 4, "ä", 0);
	assert_charset(NULL, "\xff\xfe\xe4\x00", 4, "ä", 0);
	assert_charset("big5", "\xa4\xa4", 2, "中", 0);
	assert_charset("shift_jis", "\x83\x41", 2, "ア", 0);
	assert_charset("euc-kr", "\xc7\xd1", 2, "한", 0);
	assert_charset("gb2312", "\xd6", 1, "\xef\xbf\xbd", 1);
	assert_charset("utf-7", "+AOQ-", 5, "ä", 0);
	assert_charset("x//TRANSLIT,evil", "a", 1, "a", 0);
	assert_charset(NULL, "", 0, "", 0);
	/* ISO-2022-JP without a label: its escapes say so. */
	assert_charset(NULL, "\x1b$B$\"\x1b(B", 8, "あ", 0);
}

/* Each of them kept would let strangers fill the memory of a parser. */
static void test_unknown_charsets(void)
{
	for (unsigned i = 0; i < 1000; i++) {
		g_autofree char *label = g_strdup_printf("x-made-up-%u", i);
		assert_charset(label, "\xc3\xa4", 2, "ä", 0);
		g_assert_cmpuint(g_quark_try_string(label), ==, 0);
	}
}

/* Inputs that make readers slow: each in its bound. */
static void test_text_bombs(void)
{
	static const char *const units[] = {"> ",
					    ">\n",
					    "On Mon, 1.1.2026 a wrote\n",
					    "From: a@b\n",
					    "-- \n",
					    "\n",
					    "<div>",
					    "<b><i><a href=x>",
					    "<blockquote>",
					    "<td>",
					    "<br>",
					    "-",
					    "=?utf-8?Q?",
					    "begin 644 a\n",
					    "a@b.fi ",
					    "____",
					    "<p>",
					    "<!--",
					    "&amp",
					    "On ",
					    "wrote:\n",
					    "Sent from my iPhone\n"};

	for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
		g_autoptr(GString) bomb = g_string_new(NULL);
		while (bomb->len < 1000 * 1000)
			g_string_append(bomb, units[i]);
		clock_t start = clock();
		g_autofree char *html = lk_html_to_text(bomb->str, bomb->len);
		g_autofree char *reply = lk_reply_text(bomb->str, "Re: x");
		g_assert_true(g_utf8_validate(html, -1, NULL));
		g_assert_true(g_utf8_validate(reply, -1, NULL));
		clock_t took = clock() - start;
		if (took > 5 * CLOCKS_PER_SEC)
			g_test_message("%s: %d ms", units[i],
				       (int)(took / (CLOCKS_PER_SEC / 1000)));
		g_assert_cmpint(took, <, 5 * CLOCKS_PER_SEC);
	}
}

static void test_strip(void)
{
	static const char *const banners[] = {"[EXTERNAL]", "Tämä on ulkoa", NULL};
	g_autofree char *one = lk_strip_banners("[external] Re: x", banners);
	g_autofree char *two = lk_strip_banners("TÄMÄ ON ULKOA\nHei\n\nx", banners);
	g_autofree char *three = lk_strip_banners("x", NULL);

	g_assert_cmpstr(one, ==, "Re: x");
	g_assert_cmpstr(two, ==, "Hei\n\nx");
	g_assert_cmpstr(three, ==, "x");
}

/* Every byte value, in lines of one length after another; then text that is no whole groups. */
static void test_base64(void)
{
	static const struct {
		const char *text;
		size_t used;
		const char *bytes;
	} cases[] = {
		{"QUJD", 4, "ABC"},
		{"QUJDREVG\r\n", 8, "ABCDEF"},
		{"QUJDRA==", 4, "ABC"},
		{"QUJ\nDREVG", 0, ""},
		{"QUJD REVG", 4, "ABC"},
		{"QUJDRE", 4, "ABC"},
		{"\n\nQUJD", 6, "ABC"},
		{"QUJD-_-_", 4, "ABC"},
		{"QUJD\xc3\xa4\xc3\xa4", 4, "ABC"},
		{"", 0, ""},
	};
	uint8_t bytes[771];
	char out[800];
	size_t used = 0;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 37 + i / 256);
	for (unsigned groups = 1; groups < 40; groups++) {
		g_autofree char *letters = g_base64_encode(bytes, sizeof bytes);
		g_autoptr(GString) text = g_string_new(NULL);
		for (size_t at = 0; at < strlen(letters); at += 4 * groups)
			g_string_append_printf(text, "%.*s\r\n", (int)(4 * groups), letters + at);
		size_t n = lk_base64_groups(text->str, text->len, out, &used);
		g_assert_cmpmem(out, n, bytes, sizeof bytes);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		size_t n = lk_base64_groups(cases[i].text, strlen(cases[i].text), out, &used);
		g_assert_cmpmem(out, n, cases[i].bytes, strlen(cases[i].bytes));
		g_assert_cmpuint(used, ==, cases[i].used);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/words/encoded", test_words);
	g_test_add_func("/words/ids", test_ids);
	g_test_add_func("/words/addresses", test_addresses);
	g_test_add_func("/words/address-bombs", test_address_bombs);
	g_test_add_func("/words/dates", test_dates);
	g_test_add_func("/words/params", test_params);
	g_test_add_func("/words/filenames", test_filenames);
	g_test_add_func("/words/charsets", test_charsets);
	g_test_add_func("/words/unknown-charsets", test_unknown_charsets);
	g_test_add_func("/words/text-bombs", test_text_bombs);
	g_test_add_func("/words/base64", test_base64);
	g_test_add_func("/words/strip", test_strip);
	return g_test_run();
}
