/* The names of commands and the words of their arguments in Finnish, Swedish and English. */
#include "lib/desk/command.h"

#include "lib/base/units.h"

#include <string.h>

enum { MAX_NAMES = 7 };

/* Written folded: see lk_command_fold. The English name stands first. forms: fi, sv, en. */
static const struct {
	const char *names[MAX_NAMES];
	const char *forms[LK_N_LANGS];
} commands[LK_N_COMMANDS] = {
	[LK_COMMAND_NOTE] = {{"note", "huomautus", "muistiinpano", "anteckning", "notering"},
			     {"#muistiinpano TEKSTI", "#anteckning TEXT", "#note TEXT"}},
	[LK_COMMAND_TAKE] = {{"take", "ota", "otan", "ta", "tar"}, {"#ota", "#ta", "#take"}},
	[LK_COMMAND_ASSIGN] = {{"assign", "osoita", "anna", "tilldela"},
			       {"#osoita KÄSITTELIJÄ tai #osoita ei-kukaan",
				"#tilldela HANDLÄGGARE eller #tilldela ingen",
				"#assign AGENT or none"}},
	[LK_COMMAND_NEXT] = {{"next", "seuraava", "seuraavat", "nasta"},
			     {"#seuraava [N]", "#nästa [N]", "#next [N]"}},
	[LK_COMMAND_QUEUE] = {{"queue", "jono", "siirra", "ko", "flytta"},
			      {"#jono NIMI", "#kö NAMN", "#queue NAME"}},
	[LK_COMMAND_PRIORITY] = {{"priority", "prioriteetti", "kiireellisyys", "tarkeys",
				  "prioritet"},
				 {"#tärkeys kiireellinen, tärkeä, tavallinen tai vähäinen",
				  "#prioritet brådskande, viktig, normal eller låg",
				  "#priority urgent, high, normal or low"}},
	[LK_COMMAND_TYPE] = {{"type", "tyyppi", "laji", "typ"},
			     {"#tyyppi NIMI", "#typ NAMN", "#type NAME"}},
	[LK_COMMAND_TAG] = {{"tag", "tunniste", "avainsana", "tagg", "tagga"},
			    {"#tunniste +a -b", "#tagg +a -b", "#tag +a -b"}},
	[LK_COMMAND_FIELD] = {{"field", "kentta", "falt"},
			      {"#kenttä NIMI=ARVO", "#fält NAMN=VÄRDE", "#field NAME=VALUE"}},
	[LK_COMMAND_SUBJECT] = {{"subject", "otsikko", "aihe", "rubrik", "amne"},
				{"#otsikko TEKSTI", "#rubrik TEXT", "#subject TEXT"}},
	[LK_COMMAND_CC] = {{"cc", "kopio", "kopia"},
			   {"#kopio +a@x -b@y", "#kopia +a@x -b@y", "#cc +a@x -b@y"}},
	[LK_COMMAND_ORGANISATION] = {{"organisation", "organization", "organisaatio"},
				     {"#organisaatio NIMI tai ei", "#organisation NAMN eller ingen",
				      "#organisation NAME or none"}},
	[LK_COMMAND_WAIT] =
		{{"wait", "odota", "vanta"},
		 {"#odota asiakas [3d], #odota toimittaja [NIMI] tai #odota asti 1.12.2026",
		  "#vänta kund [3d], #vänta leverantör [NAMN] eller #vänta till 1.12.2026",
		  "#wait customer [3d], #wait supplier [NAME] or #wait until 2026-12-01"}},
	[LK_COMMAND_OPEN] = {{"open", "avaa", "oppna"}, {"#avaa", "#öppna", "#open"}},
	[LK_COMMAND_RESOLVE] = {{"resolve", "ratkaise", "ratkaistu", "los", "lost"},
				{"#ratkaise [kiertotie tai hiljaa] [silti]",
				 "#lös [tillfällig eller tyst] [ändå]",
				 "#resolve [workaround or silent] [anyway]"}},
	[LK_COMMAND_REOPEN] = {{"reopen", "avaa-uudelleen", "uudelleen", "ateroppna"},
			       {"#avaa-uudelleen", "#återöppna", "#reopen"}},
	[LK_COMMAND_CLOSE] = {{"close", "sulje", "stang"}, {"#sulje", "#stäng", "#close"}},
	[LK_COMMAND_SPAM] = {{"spam", "roskaposti", "roska", "skrappost", "skrap"},
			     {"#roskaposti", "#skräppost", "#spam"}},
	[LK_COMMAND_UNDO] = {{"undo", "peru", "kumoa", "angra"}, {"#peru", "#ångra", "#undo"}},
	[LK_COMMAND_SEND] = {{"send", "laheta", "skicka"}, {"#lähetä", "#skicka", "#send"}},
	[LK_COMMAND_DROP] = {{"drop", "hylkaa", "slang", "forkasta"},
			     {"#hylkää", "#förkasta", "#drop"}},
	[LK_COMMAND_SUPPLIER] = {{"supplier", "toimittaja", "toimittajalle", "leverantor"},
				 {"#toimittaja NIMI", "#leverantör NAMN", "#supplier NAME"}},
	[LK_COMMAND_ASK] = {{"ask", "kysy", "fraga"},
			    {"#kysy KÄSITTELIJÄ tai OSOITE", "#fråga HANDLÄGGARE eller ADRESS",
			     "#ask AGENT or ADDRESS"}},
	[LK_COMMAND_MERGE] = {{"merge", "yhdista", "sammanfoga", "sla-ihop"},
			      {"#yhdistä VIITE", "#sammanfoga REFERENS", "#merge REFERENCE"}},
	[LK_COMMAND_SPLIT] = {{"split", "erota", "jaa", "dela"},
			      {"#erota [VIESTI]", "#dela [BREV]", "#split [MESSAGE]"}},
	[LK_COMMAND_LINK] = {{"link", "linkita", "lanka"},
			     {"#linkitä VIITE", "#länka REFERENS", "#link REFERENCE"}},
	[LK_COMMAND_PARENT] = {{"parent", "paatapaus", "emo", "huvudarende"},
			       {"#päätapaus VIITE tai ei", "#huvudärende REFERENS eller inget",
				"#parent REFERENCE or none"}},
	[LK_COMMAND_TEMPLATE] = {{"template", "malli", "pohja", "mall"},
				 {"#malli [NIMI]", "#mall [NAMN]", "#template [NAME]"}},
	[LK_COMMAND_SURVEY] = {{"survey", "kysely", "enkat"},
			       {"#kysely ohita SYY", "#enkät uteslut ORSAK",
				"#survey exclude REASON"}},
	[LK_COMMAND_AWAY] = {{"away", "poissa", "loma", "borta", "franvarande", "ledig"},
			     {"#poissa [KÄSITTELIJÄ] ALKU..LOPPU [sijainen KÄSITTELIJÄ] tai "
			      "#poissa [KÄSITTELIJÄ] ei",
			      "#borta [HANDLÄGGARE] FRÅN..TILL [ersättare HANDLÄGGARE] eller "
			      "#borta [HANDLÄGGARE] ingen",
			      "#away [AGENT] FROM..TO [to AGENT] or #away [AGENT] none"}},
	[LK_COMMAND_FOR] = {{"for", "asiakkaalle", "puolesta"},
			    {"#asiakkaalle OSOITE", "#for ADRESS", "#for ADDRESS"}},
	[LK_COMMAND_LIST] = {{"list", "lista", "luettelo"},
			     {"#lista [JONO]", "#lista [KÖ]", "#list [QUEUE]"}},
	[LK_COMMAND_HISTORY] = {{"history", "historia", "historik"},
				{"#historia [VIITE]", "#historik [REFERENS]",
				 "#history [REFERENCE]"}},
	[LK_COMMAND_SEARCH] = {{"search", "hae", "etsi", "sok"},
			       {"#hae SANAT", "#sök ORD", "#search WORDS"}},
	[LK_COMMAND_MORE] = {{"more", "lisaa", "mer", "mera"}, {"#lisää", "#mer", "#more"}},
	[LK_COMMAND_HELP] = {{"help", "apua", "ohje", "ohjeet", "hjalp"},
			     {"#apua", "#hjälp", "#help"}},
};

static const char *const words[LK_N_WORDS][9] = {
	[LK_WORD_NONE] = {"none", "nobody", "ei", "ei-kukaan", "ei-kenellekaan", "ingen", "inget"},
	[LK_WORD_CUSTOMER] = {"customer", "asiakas", "asiakasta", "kund", "kunden"},
	[LK_WORD_SUPPLIER] = {"supplier", "toimittaja", "toimittajaa", "leverantor",
			      "leverantoren"},
	[LK_WORD_UNTIL] = {"until", "asti", "saakka", "till", "tills"},
	[LK_WORD_WORKAROUND] = {"workaround", "kiertotie", "valiaikainen", "valiaikaisesti",
				"tillfallig", "tillfalligt", "provisorisk"},
	[LK_WORD_SILENT] = {"silent", "silently", "hiljaa", "aanetta", "tyst"},
	[LK_WORD_ANYWAY] = {"anyway", "silti", "kuitenkin", "anda"},
	[LK_WORD_EXCLUDE] = {"exclude", "poista", "ohita", "uteslut"},
	[LK_WORD_TO] = {"to", "sijainen", "sijaisena", "till", "ersattare"},
};

static const char *const priorities[LK_N_PRIORITIES][7] = {
	[LK_URGENT] = {"urgent", "kiireellinen", "kiire", "bradskande", "akut"},
	[LK_HIGH] = {"high", "korkea", "tarkea", "hog", "viktig"},
	[LK_NORMAL] = {"normal", "normaali", "tavallinen", "vanlig"},
	[LK_LOW] = {"low", "matala", "vahainen", "lag"},
};

const char *lk_command_name(lk_command_kind kind)
{
	g_assert((unsigned)kind < LK_N_COMMANDS);
	return commands[kind].names[0];
}

const char *lk_command_form(lk_command_kind kind, lk_lang lang)
{
	g_assert((unsigned)kind < LK_N_COMMANDS && (unsigned)lang < LK_N_LANGS);
	return commands[kind].forms[lang];
}

static bool is_one_of(const char *folded, const char *const *names, unsigned n)
{
	for (unsigned i = 0; i < n && names[i]; i++)
		if (strcmp(folded, names[i]) == 0)
			return true;
	return false;
}

bool lk_command_find(const char *word, lk_command_kind *ret_kind, const char **ret_near)
{
	g_autofree char *folded = lk_command_fold(word);
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (unsigned kind = 0; kind < LK_N_COMMANDS; kind++)
		if (is_one_of(folded, commands[kind].names, MAX_NAMES)) {
			*ret_kind = (lk_command_kind)kind;
			return true;
		}
	if (!ret_near)
		return false;
	for (unsigned kind = 0; kind < LK_N_COMMANDS; kind++)
		for (unsigned i = 0; i < MAX_NAMES && commands[kind].names[i]; i++)
			g_ptr_array_add(names, (void *)commands[kind].names[i]);
	*ret_near = lk_nearest_word(folded, (const char *const *)names->pdata, names->len);
	return false;
}

bool lk_command_is_word(const char *word, lk_command_word which)
{
	g_autofree char *folded = lk_command_fold(word);

	return is_one_of(folded, words[which], G_N_ELEMENTS(words[which]));
}

bool lk_command_priority(const char *word, lk_priority *ret_priority, const char **ret_near)
{
	g_autofree char *folded = lk_command_fold(word);
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (unsigned p = 0; p < LK_N_PRIORITIES; p++) {
		if (is_one_of(folded, priorities[p], G_N_ELEMENTS(priorities[p]))) {
			*ret_priority = (lk_priority)p;
			return true;
		}
		for (unsigned i = 0; i < G_N_ELEMENTS(priorities[p]) && priorities[p][i]; i++)
			g_ptr_array_add(names, (void *)priorities[p][i]);
	}
	*ret_near = lk_nearest_word(folded, (const char *const *)names->pdata, names->len);
	return false;
}
