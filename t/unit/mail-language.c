/* The language of a text: by its common words where they are plain, else by its letters. */
#include "lib/mail/language.h"

#include <glib.h>

static void assert_language(const char *text, const char *expected)
{
	g_autofree char *found = lk_language_of(text);

	g_assert_cmpstr(found, ==, expected);
}

static void test_words(void)
{
	assert_language("Hei, tulostin ei ole toiminut eilisen jälkeen ja se on nyt aivan rikki. "
			"Voisitteko käydä katsomassa?\n\nTerveisin Matti",
			"fi");
	assert_language("Hej, skrivaren på tredje våningen har inte fungerat sedan i går och vi "
			"kan inte skriva ut något.\n\nVänliga hälsningar Åsa",
			"sv");
	assert_language("HEJ, SKRIVAREN PÅ TREDJE VÅNINGEN ÄR SÖNDER OCH VI KAN INTE SKRIVA UT "
			"FRÅN NÅGON DATOR",
			"sv");
	assert_language("Hello, the printer on the third floor has not worked since yesterday and "
			"we cannot print at all.",
			"en");
	assert_language("Tere, printer ei tööta alates eilsest ja me ei saa midagi printida. Kas "
			"te saate seda palun vaadata?",
			"et");
	/* Words that neighbours share count less than its own. */
	assert_language("Hej, det fungerar på telefonen men inte på datorn. Fakturan har bokförts "
			"två gånger, och det är fel.",
			"sv");
	assert_language("Guten Tag, der Drucker im dritten Stock funktioniert seit gestern nicht "
			"und wir können nicht drucken.",
			"de");
	assert_language("Здравствуйте, принтер на третьем этаже не работает со вчерашнего дня, и "
			"мы не можем печатать.",
			"ru");
}

/* Hardly a common word among them, or those of neighbours. */
static void test_letters(void)
{
	assert_language("Tulostinhuoltopyyntö: kolmannen kerroksen käytävän väritulostimen "
			"paperinsyöttölaite jumittunut toistuvasti",
			"fi");
	assert_language("Hei, skriveren i tredje etasje har ikke virket siden i går, og vi får "
			"ikke skrevet ut noe som helst her.",
			"no");
}

/* Too few letters to count: the words alone must be sure. */
static void test_short(void)
{
	assert_language("Hei, tulostin ei toimi. Voitteko auttaa?", "fi");
	assert_language("Hej, skrivaren fungerar inte", "sv");
	assert_language("Hej! Kan ni hjälpa mig?", "sv");
	assert_language("The printer is broken, please help", "en");
	assert_language("Tulostin rikki", NULL);
	assert_language("Hei, ok", NULL);
	assert_language("Hej igen", NULL);
	assert_language("Ok, thanks", NULL);
	assert_language("Hej, det er fint", NULL); /* da or nb */
	assert_language("Hei! The printer, kiitos", NULL);
	assert_language("PC12345 huone B12 please", NULL);
}

static void test_nothing(void)
{
	assert_language("", NULL);
	assert_language("Kiitos!", NULL);
	assert_language("1234 5678 9012 3456 7890 1234 5678 9012 3456 7890 1234 5678 9012 3456",
			NULL);
	/* Quoted words are another's. */
	assert_language("> Hello, the printer on the third floor has not worked since yesterday.\n"
			"> We cannot print at all, and that is what we have to do.\nOk\n",
			NULL);
	assert_language("\xff\xfe\xfd \xc3 \xe2\x82", NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	lk_language_init();
	g_test_add_func("/language/words", test_words);
	g_test_add_func("/language/letters", test_letters);
	g_test_add_func("/language/short", test_short);
	g_test_add_func("/language/nothing", test_nothing);
	return g_test_run();
}
