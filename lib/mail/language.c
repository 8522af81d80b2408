#include "lib/mail/language.h"

#include "lib/base/io.h"

#include <glib.h>
#include <libexttextcat/textcat.h>
#include <string.h>
#include <unistd.h>

#define MODELS "/usr/share/libexttextcat/"

enum {
	LETTERS_LEAST = 60,
	SAMPLE_BYTES = 300,
	WORD_BYTES_LEAST = 2, /* single letters are units, names of files, points of a list */
	WORD_BYTES_MOST = 16,
	POINTS_LEAST = 6, /* a word of one language alone has two */
	POINTS_SHORT = 5, /* in a text of few letters ... */
	AHEAD_SHORT = 4	  /* ... and so many more than any other: two words of its own */
};

/*
 * The languages a Finnish desk gets, and those that would be taken for one of them. All 180 models
 * of the library cost half a millisecond a mail and see Scots where people write English.
 */
static const char *const languages[] = {"fi", "sv", "en", "et", "nb", "da",
					"de", "nl", "fr", "es", "ru", "pl"};

/*
 * The words that every text is full of. Where those of one language alone stand, its letters need
 * not be counted, which takes ten times as long as all the rest here. In the order of `languages`.
 */
static const char *const common_words[G_N_ELEMENTS(languages)] = {
	"ja on ei se että en oli mutta jos kun niin nyt voi tai myös vielä olen ole ovat "
	"minun sinun meillä teillä minulla kanssa mitä miten joka jotka tämä tämän sen siitä "
	"siis koska hei terveisin kiitos kiitoksia voisitko voitteko saako saa ystävällisin "
	"olisi pitäisi enää terve moi hyvää jo kello pian heti eilen tänään huomenna ennen "
	"asti saakka kuin asia asian asiaa näkyy toimii toimi tulee pitää vaan vaikka aina "
	"olla olemme emme voinut jälkeen yhteyttä kertaa päivää kuitenkin tarvitsen "
	"mahdollisimman yt auttaa apua voisiko",
	"och att det är som för inte en på jag har med till av om vi kan den ett men var ni "
	"mig från eller hej när nu så skulle vill era ert vänliga hälsningar tack också efter "
	"finns måste alla utan någon här min mitt mina oss före gärna bästa kunde behöver "
	"ärendet fungerar dag mvh redan igen får mycket sedan just vad hur ni hjälpa hjälp",
	"the and to of is that it for you this with not be are have was we my your if but can "
	"will from on at please would there when what thanks has our do an been which hello "
	"regards could as soon possible need they their by so or me am about still dear hi "
	"just any no all help",
	"ja on ei et see ma mis kui aga oli ka ning siis meie teie kas või minu tere palun "
	"lugupidamisega veel mitte olen seda ole selle nii saab",
	"og er det at en ikke som på jeg for har med til av vi den om et men fra hvis dere "
	"hei kan når nå vennlig hilsen etter noe bare takk eller meg",
	"og er det at en ikke som på jeg for har med til af vi den om et men fra hvis hej kan "
	"når nu venlig hilsen efter noget bare tak eller mig jer",
	"und die der das ist nicht ich sie wir es ein eine zu mit den von für auf dem im des "
	"auch bitte haben habe wenn aber noch oder wie kann ihnen mir freundlichen grüßen "
	"dass hallo",
	"de het een en van ik niet dat is te op voor met zijn die wij we u aan er maar ook "
	"als bij heeft kan naar nog geen mijn groeten heb om uw dit deze wordt graag",
	"le la les de et des est un une pas je vous nous que pour dans qui sur avec ce au il "
	"ne du mais par plus votre cette bonjour cordialement merci sont mon être",
	"el la los de que en un una no es por para con se del las lo su me al como más pero "
	"está gracias saludos hola usted nos mi favor este",
	"и в не на что я с как это по но у за от мы для вы мне спасибо здравствуйте он так к "
	"бы если уже есть при уважением",
	"nie na się do to że jest jak po co dla od ale czy mam proszę przez za są dziękuję "
	"pozdrawiam ze mi już tym bardzo",
};

static void *classifier;
static GHashTable *common; /* word -> the set of its languages, a bit each */

static void learn_words(void)
{
	common = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (unsigned i = 0; i < G_N_ELEMENTS(languages); i++) {
		g_auto(GStrv) words = g_strsplit(common_words[i], " ", -1);
		for (unsigned j = 0; words[j]; j++) {
			unsigned known = GPOINTER_TO_UINT(g_hash_table_lookup(common, words[j]));
			g_hash_table_replace(common, g_strdup(words[j]),
					     GUINT_TO_POINTER(known | 1U << i));
		}
	}
}

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
	if (classifier)
		learn_words();
}

static bool is_writing(const char *word, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (memchr("@/\\<>=_", word[i], 7))
			return false;
	return g_utf8_validate(word, (gssize)n, NULL);
}

/* The first words that are the sender's: no quotes, addresses or links. */
static GString *sample_of(const char *text)
{
	GString *sample = g_string_sized_new(2 * SAMPLE_BYTES);

	while (*text && sample->len < SAMPLE_BYTES) {
		size_t n = strcspn(text, "\n");
		const char *at = text, *end = text + (*text == '>' ? 0 : MIN(n, SAMPLE_BYTES));
		text += n + (text[n] == '\n');
		while (at < end) {
			size_t word = 0;
			while (at + word < end && at[word] != ' ' && at[word] != '\t')
				word++;
			if (word > 0 && is_writing(at, word)) {
				g_string_append_len(sample, at, (gssize)word);
				g_string_append_c(sample, ' ');
			}
			at += word + 1;
		}
	}
	return sample;
}

static unsigned count_letters(const GString *text)
{
	unsigned letters = 0;

	for (const char *p = text->str; *p; p = g_utf8_next_char(p))
		letters += (*p & 0x80) ? (g_unichar_isalpha(g_utf8_get_char(p)) ? 1 : 0)
				       : (g_ascii_isalpha(*p) ? 1 : 0);
	return letters;
}

/* Small letters of ASCII, Latin-1 and Cyrillic, as the common words are written. */
static void fold_word(GString *word)
{
	char *p = word->str;

	for (size_t i = 0; i < word->len; i++) {
		unsigned char byte = (unsigned char)p[i], next = (unsigned char)p[i + 1];
		p[i] = g_ascii_tolower(p[i]);
		if (byte == 0xc3 && next >= 0x80 && next <= 0x9e)
			p[i + 1] = (char)(next + 0x20);
		else if (byte == 0xd0 && next >= 0x90 && next <= 0x9f)
			p[i + 1] = (char)(next + 0x20);
		else if (byte == 0xd0 && next >= 0xa0 && next <= 0xaf) {
			p[i] = (char)0xd1;
			p[i + 1] = (char)(next - 0x20);
		}
	}
}

/* Which language's common words stand there, and hardly another's? -1: cannot be said so. */
static int by_words(const GString *sample, bool is_short)
{
	static const char marks[] = " .,;:!?\"'()[]*-";
	unsigned points[G_N_ELEMENTS(languages)] = {0};
	g_autoptr(GString) word = g_string_sized_new(2 * WORD_BYTES_MOST);
	unsigned best = 0, second = 0;

	for (const char *p = sample->str; *p;) {
		size_t n = strcspn(p, marks);
		if (n >= WORD_BYTES_LEAST && n <= WORD_BYTES_MOST) {
			g_string_truncate(word, 0);
			g_string_append_len(word, p, (gssize)n);
			fold_word(word);
			unsigned of = GPOINTER_TO_UINT(g_hash_table_lookup(common, word->str));
			for (unsigned i = 0; of >> i; i++)
				points[i] += (of >> i & 1) * (of == 1U << i ? 2 : 1);
		}
		p += n + (p[n] != '\0');
	}
	for (unsigned i = 1; i < G_N_ELEMENTS(languages); i++)
		if (points[i] > points[best])
			best = i;
	for (unsigned i = 0; i < G_N_ELEMENTS(languages); i++)
		if (i != best)
			second = MAX(second, points[i]);
	if (is_short)
		return points[best] >= POINTS_SHORT && points[best] >= second + AHEAD_SHORT
			       ? (int)best
			       : -1;
	return points[best] >= POINTS_LEAST && points[best] >= 2 * second ? (int)best : -1;
}

/* "[fi][et]": the best first, several when they are near each other. */
static int by_letters(const GString *sample)
{
	const char *found = textcat_Classify(classifier, sample->str, sample->len);

	if (!found || *found != '[')
		return -1;
	for (unsigned i = 0; i < G_N_ELEMENTS(languages); i++)
		if (strcspn(found + 1, "]") == strlen(languages[i]) &&
		    g_str_has_prefix(found + 1, languages[i]))
			return (int)i;
	return -1;
}

char *lk_language_of(const char *text)
{
	g_autoptr(GString) sample = classifier ? sample_of(text) : NULL;

	if (!classifier)
		return NULL;
	bool is_short = count_letters(sample) < LETTERS_LEAST;
	int found = by_words(sample, is_short);
	if (found < 0 && !is_short)
		found = by_letters(sample);
	if (found < 0)
		return NULL;
	return g_strdup(strcmp(languages[found], "nb") == 0 ? "no" : languages[found]);
}
