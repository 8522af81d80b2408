#include "lib/mail/language.h"

#include "lib/base/io.h"

#include <glib.h>
#include <libexttextcat/textcat.h>
#include <string.h>
#include <unistd.h>

#define MODELS "/usr/share/libexttextcat/"

enum { LETTERS_LEAST = 60, SAMPLE_BYTES = 300 };

/*
 * The languages a Finnish desk gets, and those that would be taken for one of them. All 180 models
 * of the library cost half a millisecond a mail and see Scots where people write English.
 */
static const char *const languages[] = {"fi", "sv", "en", "et", "nb", "da",
					"de", "nl", "fr", "es", "ru", "pl"};

static void *classifier;

/* The library reads its list of models from a file; it exists for this moment only. */
void lk_language_init(void)
{
	g_autoptr(GString) list = g_string_new(NULL);
	lk_autofd int fd = -1;

	if (classifier || !lk_spool_open(NULL, &fd, NULL))
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(languages); i++) {
		g_autofree char *path = g_strdup_printf(MODELS "%s.lm", languages[i]);
		if (access(path, R_OK) == 0)
			g_string_append_printf(list, "%s.lm %s\n", languages[i], languages[i]);
	}
	g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd);
	if (list->len > 0 && lk_write_all(fd, list->str, list->len, NULL))
		classifier = special_textcat_Init(name, MODELS);
}

/* The first words that are the sender's: no quotes, addresses or links. */
static char *sample_of(const char *text)
{
	GString *sample = g_string_new(NULL);

	while (*text && sample->len < SAMPLE_BYTES) {
		size_t n = strcspn(text, "\n");
		bool is_quote = *text == '>';
		g_autofree char *line = g_strndup(text, MIN(n, SAMPLE_BYTES));
		text += n + (text[n] == '\n');
		if (is_quote)
			continue;
		g_auto(GStrv) words = g_strsplit_set(line, " \t", -1);
		for (unsigned i = 0; words[i]; i++)
			if (!strpbrk(words[i], "@/\\<>=_") && g_utf8_validate(words[i], -1, NULL))
				g_string_append_printf(sample, "%s ", words[i]);
	}
	return g_string_free(sample, FALSE);
}

static unsigned count_letters(const char *text)
{
	unsigned letters = 0;

	for (const char *p = text; *p; p = g_utf8_next_char(p))
		letters += g_unichar_isalpha(g_utf8_get_char(p)) ? 1 : 0;
	return letters;
}

char *lk_language_of(const char *text)
{
	g_autofree char *sample = classifier ? sample_of(text) : NULL;

	if (!classifier || count_letters(sample) < LETTERS_LEAST)
		return NULL;
	/* "[fi][et]": the best first, several when they are near each other. */
	const char *found = textcat_Classify(classifier, sample, strlen(sample));
	if (!found || *found != '[')
		return NULL;
	g_autofree char *best = g_strndup(found + 1, strcspn(found + 1, "]"));
	if (strlen(best) != 2)
		return NULL;
	return g_strdup(strcmp(best, "nb") == 0 ? "no" : best);
}
