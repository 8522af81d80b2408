/* Forwarded mails as mail programs write them: who wrote them, what about, where the words start.
 */
#include "lib/base/text.h"
#include "lib/desk/forward.h"

#include <string.h>

typedef struct {
	const char *program;
	const char *text;
	const char *name;
	const char *address;
	const char *subject;
	const char *words; /* how they begin */
} sample;

static const sample samples[] = {
	{"Outlook desktop, fi",
	 "Hoitakaa tämä.\n\n"
	 "________________________________\n"
	 "Lähettäjä: Maija Meikäläinen <maija@asiakas.example>\n"
	 "Lähetetty: maanantai 23. marraskuuta 2026 9.05\n"
	 "Vastaanottaja: Aino Aalto <aino@example.fi>\n"
	 "Kopio: Bo Berg <bo@example.fi>; Liisa <liisa@x.example>\n"
	 "Aihe: Tulostin ei toimi\n\nHei,\ntulostin on rikki.\n",
	 "Maija Meikäläinen", "maija@asiakas.example", "Tulostin ei toimi", "Hei,\ntulostin"},
	{"Outlook desktop, fi, a colleague by name only",
	 "-----Alkuperäinen viesti-----\n"
	 "Lähettäjä: Meikäläinen Maija \n"
	 "Lähetetty: 23. marraskuuta 2026 9:05\n"
	 "Vastaanottaja: Aalto Aino\nAihe: Tulostin\n\nTulostin on rikki.\n",
	 "Meikäläinen Maija", NULL, "Tulostin", "Tulostin on"},
	{"Outlook desktop, sv",
	 "Från: Anna Lindqvist <anna@kund.example> \n"
	 "Skickat: den 23 november 2026 09:05\n"
	 "Till: Aino Aalto <aino@example.fi>\n"
	 "Kopia: Bo Berg <bo@example.fi>\n"
	 "Ämne: Skrivaren fungerar inte\n\nHej!\n",
	 "Anna Lindqvist", "anna@kund.example", "Skrivaren fungerar inte", "Hej!"},
	{"Outlook desktop, en, mailto in brackets",
	 "From: John Smith [mailto:john@client.example] \n"
	 "Sent: Monday, November 23, 2026 9:05 AM\n"
	 "To: Aino Aalto\nCc: Bo Berg\nSubject: RE: printer\n\nStill broken.\n",
	 "John Smith", "john@client.example", "RE: printer", "Still broken."},
	{"Outlook on the web, en, emphasis kept by the text",
	 "See below\n\n________________________________\n"
	 "*From:* John Smith <john@client.example<mailto:john@client.example>>\n"
	 "*Sent:* Monday, 23 November 2026 09:05\n"
	 "*To:* Aino Aalto <aino@example.fi>\n"
	 "*Subject:* printer\n \nIt is broken.\n",
	 "John Smith", "john@client.example", "printer", "It is broken."},
	{"Outlook on the web, blank lines between the labels",
	 "From: John Smith <john@client.example>\n\nSent: Monday, 23 November 2026 09:05\n\n"
	 "To: Aino Aalto <aino@example.fi>\n\nSubject: printer\n\nIt is broken.\n",
	 "John Smith", "john@client.example", "printer", "It is broken."},
	{"Outlook for phones",
	 "Hanki Outlook for iOS\n________________________________\n"
	 "Lähettäjä: maija@asiakas.example <maija@asiakas.example>\n"
	 "Lähetetty: maanantaina, marraskuuta 23, 2026 9:05 ap.\n"
	 "Vastaanottaja: aino@example.fi <aino@example.fi>\n"
	 "Aihe: Tulostin\n\nMoi\n",
	 NULL, "maija@asiakas.example", "Tulostin", "Moi"},
	{"Gmail, en",
	 "fyi\n\n---------- Forwarded message ---------\n"
	 "From: Maija Meikäläinen <maija@asiakas.example>\n"
	 "Date: Mon, 23 Nov 2026 at 09:05\n"
	 "Subject: Tulostin ei toimi\nTo: <aino@example.fi>\n\n\nHei,\n",
	 "Maija Meikäläinen", "maija@asiakas.example", "Tulostin ei toimi", "Hei,"},
	{"Gmail, fi",
	 "---------- Välitetty viesti ---------\n"
	 "Lähettäjä: Maija Meikäläinen <maija@asiakas.example>\n"
	 "Date: ma 23. marrask. 2026 klo 9.05\n"
	 "Subject: Tulostin\nTo: <aino@example.fi>\n\nHei,\n",
	 "Maija Meikäläinen", "maija@asiakas.example", "Tulostin", "Hei,"},
	{"Apple Mail, en, quoted",
	 "> Begin forwarded message:\n> \n> From: Maija <maija@asiakas.example>\n"
	 "> Subject: Tulostin\n> Date: 23. November 2026 at 9.05.00 EET\n"
	 "> To: aino@example.fi\n> \n> Hei,\n",
	 "Maija", "maija@asiakas.example", "Tulostin", "> Hei,"},
	{"Apple Mail, fi",
	 "Alku välitetystä viestistä:\n\nLähettäjä: \"Meikäläinen, Maija\" "
	 "<maija@asiakas.example>\n"
	 "Aihe: Tulostin\nPäiväys: 23. marraskuuta 2026 klo 9.05.00 UTC+2\n"
	 "Vastaanottaja: aino@example.fi\n\nHei,\n",
	 "Meikäläinen, Maija", "maija@asiakas.example", "Tulostin", "Hei,"},
	{"Apple Mail, sv",
	 "Vidarebefordrat brev:\n\nFrån: Anna Lindqvist <anna@kund.example>\n"
	 "Ämne: Skrivaren\nDatum: 23 november 2026 09:05:00 EET\nTill: aino@example.fi\n\nHej\n",
	 "Anna Lindqvist", "anna@kund.example", "Skrivaren", "Hej"},
	{"Thunderbird, en",
	 "-------- Forwarded Message --------\nSubject: \tprinter\n"
	 "Date: \tMon, 23 Nov 2026 09:05:00 +0200\nFrom: \tJohn Smith <john@client.example>\n"
	 "To: \taino@example.fi\n\nBroken.\n",
	 "John Smith", "john@client.example", "printer", "Broken."},
	{"Thunderbird, fi",
	 "-------- Välitetty viesti --------\nAihe: \tTulostin\n"
	 "Päiväys: \tMon, 23 Nov 2026 09:05:00 +0200\n"
	 "Lähettäjä: \tMaija Meikäläinen <maija@asiakas.example>\n"
	 "Vastaanottaja: \taino@example.fi\n\nRikki.\n",
	 "Maija Meikäläinen", "maija@asiakas.example", "Tulostin", "Rikki."},
	{"a long list of recipients over lines",
	 "From: John Smith <john@client.example>\nSent: Monday, 23 November 2026 09:05\n"
	 "To: Aino Aalto <aino@example.fi>;\n  Bo Berg <bo@example.fi>;\n Liisa <l@x.example>\n"
	 "Subject: printer\n\nIt is broken.\n",
	 "John Smith", "john@client.example", "printer", "It is broken."},
	{"on behalf of somebody",
	 "From: Secretary <sec@client.example> On Behalf Of Boss\nSent: Monday\nTo: a\n"
	 "Subject: x\n\nText\n",
	 "Secretary", "sec@client.example", "x", "Text"},
	{"lines that end in CRLF",
	 "From: A <a@b.example>\r\nSent: Monday\r\nTo: c\r\nSubject: x\r\n\r\nText\r\n", "A",
	 "a@b.example", "x", "Text"},
};

static void check_text(const char *what, const char *seen, const char *wanted)
{
	if (g_strcmp0(seen, wanted) != 0)
		g_test_message("%s", what);
	g_assert_cmpstr(seen, ==, wanted);
}

static void test_samples(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(samples); i++) {
		const sample *s = &samples[i];
		lk_forward forward = {0};
		bool found = lk_forward_find(s->text, 0, &forward);
		if (!found)
			g_test_message("%s", s->program);
		g_assert_true(found);
		if (!found)
			continue;
		check_text(s->program, forward.name, s->name);
		check_text(s->program, forward.address, s->address);
		check_text(s->program, forward.subject, s->subject);
		if (!g_str_has_prefix(s->text + forward.words, s->words))
			g_test_message("%s: %s", s->program, s->text + forward.words);
		g_assert_true(g_str_has_prefix(s->text + forward.words, s->words));
		lk_forward_clear(&forward);
	}
}

/* Texts that look a little like one. */
static void test_none(void)
{
	static const char *const none[] = {
		"",
		"Hei,\ntulostin on rikki.\n",
		"From: the kitchen\nwith love\n",
		"Subject: x\nDate: y\n\nno sender",
		"Aihe: tulostin\nHuone: 214\nPuhelin: 123\n",
		"From: \nSent: \nTo: \nSubject: \n",
		"To: a@b.example\nFrom now on: x\n",
		"From:\n\nSubject:\n",
		":::\n",
		"From: A <a@b.example>\n\nSome words\n\nSubject: x\n",
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(none); i++) {
		lk_forward forward = {0};
		if (lk_forward_find(none[i], 0, &forward))
			g_test_message("%s", none[i]);
		g_assert_false(lk_forward_find(none[i], 0, &forward));
		lk_forward_clear(&forward);
	}
	lk_forward forward = {0};
	g_assert_false(lk_forward_find(NULL, 0, &forward));
}

/* A forward of a forward: the outer one first, then the inner one. */
static void test_nested(void)
{
	static const char text[] =
		"From: A <a@x.example>\nSent: 1\nTo: t\nSubject: FW: s\n\nsee\n\n"
		"From: B <b@x.example>\nSent: 2\nTo: a\nSubject: s\n\nwords\n";
	lk_forward outer = {0};
	lk_forward inner = {0};

	g_assert_true(lk_forward_find(text, 0, &outer));
	g_assert_cmpstr(outer.address, ==, "a@x.example");
	g_assert_true(g_str_has_prefix(text + outer.words, "see"));
	g_assert_true(lk_forward_find(text, outer.words, &inner));
	g_assert_cmpstr(inner.address, ==, "b@x.example");
	g_assert_true(g_str_has_prefix(text + inner.words, "words"));
	g_assert_false(lk_forward_find(text, inner.words, &(lk_forward){0}));
	lk_forward_clear(&outer);
	lk_forward_clear(&inner);
}

static void test_attached(void)
{
	static const char header[] =
		"Received: x\r\nFrom: =?utf-8?Q?Maija_M=C3=A4ki?= <m@x.example>\r\n"
		"Subject: =?utf-8?Q?Tulostin_=C3=A4?=\r\n"
		"Date: Mon, 23 Nov 2026 09:05:00 +0200\r\n\r\nbody";
	lk_forward forward = {0};

	g_assert_true(lk_forward_read(header, strlen(header), &forward));
	g_assert_cmpstr(forward.name, ==, "Maija Mäki");
	g_assert_cmpstr(forward.address, ==, "m@x.example");
	g_assert_cmpstr(forward.subject, ==, "Tulostin ä");
	g_assert_cmpint(forward.at, !=, LK_TIME_NONE);
	lk_forward_clear(&forward);
	g_assert_false(lk_forward_read("no header", 9, &forward));
	g_assert_false(lk_forward_read("Subject: x\r\n\r\n", 14, &forward));
}

static void test_subject(void)
{
	static const char *const yes[] = {"VL: x", "vl:x", "VB: x", "Fwd: x", "FW: x", " FWD : x"};
	static const char *const no[] = {"",	    "Re: x", "VS: x", "SV: FW: x",
					 "VLAN: x", "Fwd x", NULL};

	for (unsigned i = 0; i < G_N_ELEMENTS(yes); i++)
		g_assert_true(lk_forward_subject(yes[i]));
	for (unsigned i = 0; i < G_N_ELEMENTS(no); i++)
		g_assert_false(lk_forward_subject(no[i]));
}

/* Cost is linear, whatever the text repeats. */
static void test_hostile(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	lk_forward forward = {0};

	for (unsigned i = 0; i < 200000; i++)
		g_string_append(text, "To: a\n");
	g_assert_false(lk_forward_find(text->str, 0, &forward));
	g_string_truncate(text, 0);
	for (unsigned i = 0; i < 200000; i++)
		g_string_append(text, "@@@@@@@@");
	g_string_prepend(text, "From: ");
	g_string_append(text, "\nDate: x\nSubject: y\n");
	lk_forward_find(text->str, 0, &forward);
	lk_forward_clear(&forward);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/desk/forward/samples", test_samples);
	g_test_add_func("/desk/forward/none", test_none);
	g_test_add_func("/desk/forward/nested", test_nested);
	g_test_add_func("/desk/forward/attached", test_attached);
	g_test_add_func("/desk/forward/subject", test_subject);
	g_test_add_func("/desk/forward/hostile", test_hostile);
	return g_test_run();
}
