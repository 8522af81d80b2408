/* Word lists of lib/desk/phrases against texts of t/phrases: see t/phrases/README. */
#include "lib/base/text.h"
#include "lib/desk/phrases.h"

#include <string.h>

enum { LEAST_LINES = 60 };

typedef bool (*verdict)(const char *text);

static bool is_chase(const char *text)
{
	return lk_words_classify(text) == LK_WORDS_CHASE;
}

static bool is_thanks(const char *text)
{
	return lk_words_classify(text) == LK_WORDS_THANKS;
}

/* The texts of a file, their line breaks in place. */
static GPtrArray *read_texts(const char *name)
{
	g_autofree char *path = g_build_filename(LUUKKU_TEST_DIR, "phrases", name, NULL);
	g_autofree char *content = NULL;
	GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);

	g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
	g_auto(GStrv) lines = g_strsplit(content, "\n", -1);
	for (unsigned i = 0; lines[i]; i++) {
		if (!*lines[i] || g_str_has_prefix(lines[i], "##"))
			continue;
		g_auto(GStrv) parts = g_strsplit(lines[i], " | ", -1);
		g_ptr_array_add(texts, g_strjoinv("\n", parts));
	}
	return texts;
}

static void check_file(const char *name, verdict is_so, bool wanted)
{
	g_autoptr(GPtrArray) texts = read_texts(name);

	g_assert_cmpuint(texts->len, >=, LEAST_LINES);
	for (unsigned i = 0; i < texts->len; i++) {
		const char *text = g_ptr_array_index(texts, i);
		if (is_so(text) != wanted)
			g_test_message("%s: %s", name, text);
		g_assert_true(is_so(text) == wanted);
	}
}

static void test_chase(void)
{
	check_file("chase-yes.txt", is_chase, true);
	check_file("chase-no.txt", is_chase, false);
}

static void test_thanks(void)
{
	check_file("thanks-yes.txt", is_thanks, true);
	check_file("thanks-no.txt", is_thanks, false);
}

static void test_generic(void)
{
	check_file("generic-yes.txt", lk_subject_is_generic, true);
	check_file("generic-no.txt", lk_subject_is_generic, false);
	g_assert_true(lk_subject_is_generic(""));
	g_assert_true(lk_subject_is_generic(NULL));
	g_assert_true(lk_subject_is_generic(" ... "));
}

/* Subjects that hold such a word, or begin like one. */
static const char *const lookalikes[] = {
	"tilaus",     "tilat",	       "tila-auto",	  "lägenhet",	     "läget är dåligt",
	"statusta",   "status code",   "server status",	  "tila vapautuu",   "asian tila",
	"",	      "status 500",    "läge: trasig",	  "printer status",  "statusraportti",
	"tilanne",    "status quo",    "tilaa ei riitä",  "lägga",	     "la",
	"levytila",   "muistitila",    "vikatila",	  "päivitystila",    "tilassa 4",
	"tila 214",   "tilavaraus",    "tilan lämpötila", "lämpötila",	     "kokoustila",
	"nöd läge",   "viloläge",      "statusfältet",	  "statusbar",	     "stat",
	"lageret",    "lager",	       "i nuläget",	  "driftläge",	     "nödläge",
	"statue",     "state",	       "status changed",  "order status",    "new status",
	"tila muu",   "tilaan koneen", "tilapäinen",	  "tilasto",	     "tilitys",
	"läge fel",   "lägesbild",     "lägre",		  "status light",    "status led on",
	"VPN status", "skrivarstatus", "skrivare läge",	  "tulostimen tila", "tilin tila"};

/* Each word with what people and mail programs put around it; and words that merely begin so. */
static void test_status(void)
{
	static const struct {
		const char *word;
		lk_lang lang;
	} words[] = {{"tila", LK_LANG_FI},	  {"Tila", LK_LANG_FI},	  {"TILA", LK_LANG_FI},
		     {"läge", LK_LANG_SV},	  {"Läge", LK_LANG_SV},	  {"LÄGE", LK_LANG_SV},
		     {"status", LK_LANG_EN},	  {"Status", LK_LANG_EN}, {"STATUS", LK_LANG_EN},
		     {"la\xcc\x88ge", LK_LANG_SV}};
	static const char *const around[] = {"%s", " %s ", "%s?", "%s!", "%s.", "\"%s\"", "?%s"};
	unsigned seen = 0;

	for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
		for (unsigned k = 0; k < G_N_ELEMENTS(around); k++) {
			lk_lang lang = LK_LANG_EN;
			g_auto(GStrv) parts = g_strsplit(around[k], "%s", 2);
			g_autofree char *subject =
				g_strconcat(parts[0], words[i].word, parts[1], NULL);
			g_assert_true(lk_subject_asks_status(subject, &lang));
			g_assert_cmpint(lang, ==, words[i].lang);
			seen++;
		}
	g_assert_cmpuint(seen, >=, LEAST_LINES);
	g_assert_cmpuint(G_N_ELEMENTS(lookalikes), >=, LEAST_LINES);
	for (unsigned i = 0; i < G_N_ELEMENTS(lookalikes); i++) {
		lk_lang lang = LK_LANG_EN;
		if (lk_subject_asks_status(lookalikes[i], &lang))
			g_test_message("%s", lookalikes[i]);
		g_assert_false(lk_subject_asks_status(lookalikes[i], &lang));
	}
}

static void test_fold(void)
{
	static const struct {
		const char *text;
		const char *folded;
	} cases[] = {{NULL, ""},
		     {"", ""},
		     {"  ÄÖÅ,  äöå! ", "aoa aoa"},
		     {"a\xcc\x88iti", "aiti"},
		     {"haven't haven\xe2\x80\x99t", "havent havent"},
		     {"e-mail", "e mail"},
		     {"12.3.", "12 3"},
		     {"\xef\xbc\xa1\xef\xbc\xa2", "ab"},
		     {"\n\n", ""}};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *folded = lk_words_fold(cases[i].text);
		g_assert_cmpstr(folded, ==, cases[i].folded);
	}
}

static void test_none(void)
{
	static const char *const none[] = {"",	   "\n \n",	    "Hei,",
					   "Hej!", "Dear support,", "Terveisin\nMaija Meikäläinen"};

	for (unsigned i = 0; i < G_N_ELEMENTS(none); i++)
		g_assert_cmpint(lk_words_classify(none[i]), ==, LK_WORDS_NONE);
	g_assert_cmpint(lk_words_classify(NULL), ==, LK_WORDS_NONE);
}

/* Whatever a stranger sends is read in bounded time. */
static void test_long(void)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (unsigned i = 0; i < 100000; i++)
		g_string_append(text, "onko edennyt? ");
	g_assert_cmpint(lk_words_classify(text->str), ==, LK_WORDS_OTHER);
	g_string_truncate(text, 1990);
	g_assert_cmpint(lk_words_classify(text->str), ==, LK_WORDS_OTHER);
	g_string_truncate(text, 0);
	for (unsigned i = 0; i < 999; i++)
		g_string_append(text, "o ");
	g_assert_cmpint(lk_words_classify(text->str), ==, LK_WORDS_OTHER);
	g_assert_false(lk_subject_is_generic(text->str));
}

static void test_subject_words(void)
{
	static const struct {
		const char *subject;
		const char *words;
	} cases[] = {{"Muistutus: tulostin ei toimi", "tulostin ei toimi"},
		     {"KIIRE! Tulostin ei toimi", "tulostin ei toimi"},
		     {"2. muistutus: Kiireellinen: VPN", "vpn"},
		     {"Påminnelse: skrivaren", "skrivaren"},
		     {"Gentle reminder - printer", "printer"},
		     {"Reminder", "reminder"},
		     {"Tulostin: muistutus", "tulostin muistutus"},
		     {"", ""}};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *words = lk_subject_words(cases[i].subject);
		g_assert_cmpstr(words, ==, cases[i].words);
	}
	g_assert_true(lk_words_name_more("huone 13 naytto", "huone 12 naytto"));
	g_assert_true(lk_words_name_more("pc1234", "kone"));
	g_assert_false(lk_words_name_more("huone 12", "naytto huone 12 rikki"));
	g_assert_false(lk_words_name_more("onko edennyt", "naytto huone 12 rikki"));
}

static void test_mail(void)
{
	g_autoptr(lk_mail) mail = lk_mail_new();
	lk_attachment *attachment = g_new0(lk_attachment, 1);

	g_free(mail->reply_text);
	mail->reply_text = g_strdup("Kiitos!");
	g_assert_cmpint(lk_mail_words(mail), ==, LK_WORDS_THANKS);
	attachment->content_type = g_strdup("image/png");
	attachment->is_inline = true;
	g_ptr_array_add(mail->attachments, attachment);
	g_assert_cmpint(lk_mail_words(mail), ==, LK_WORDS_THANKS);
	attachment->is_inline = false;
	g_assert_cmpint(lk_mail_words(mail), ==, LK_WORDS_OTHER);
	g_free(attachment->content_type);
	attachment->content_type = g_strdup("text/vnd.google.email-reaction+json");
	g_free(mail->reply_text);
	mail->reply_text = g_strdup("x");
	g_assert_cmpint(lk_mail_words(mail), ==, LK_WORDS_THANKS);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/desk/phrases/fold", test_fold);
	g_test_add_func("/desk/phrases/chase", test_chase);
	g_test_add_func("/desk/phrases/thanks", test_thanks);
	g_test_add_func("/desk/phrases/none", test_none);
	g_test_add_func("/desk/phrases/generic", test_generic);
	g_test_add_func("/desk/phrases/status", test_status);
	g_test_add_func("/desk/phrases/subject-words", test_subject_words);
	g_test_add_func("/desk/phrases/mail", test_mail);
	g_test_add_func("/desk/phrases/long", test_long);
	return g_test_run();
}
