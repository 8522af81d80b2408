/* What an agent is told about a line that was not run. */
#include "lib/desk/command.h"

#include "lib/desk/term.h"

#include <string.h>

/*
 * %w is the word, %h the hint; what stands in [ ] is left out where there is no hint. One sentence
 * that says what is wrong and one that says what to write.
 */
static const struct {
	const char *name;
	const char *in[LK_N_LANGS];
} texts[LK_N_PROBLEMS] = {
	[LK_PROBLEM_UNKNOWN] =
		{"unknown_command",
		 {"Komentoa #%w ei ole.[ Tarkoititko #%h?] Komennot luettelee #help.",
		  "Kommandot #%w finns inte.[ Menade du #%h?] #help visar kommandona.",
		  "There is no command #%w.[ Did you mean #%h?] #help lists the commands."}},
	[LK_PROBLEM_NEEDS] = {"needs",
			      {"Komento #%w kirjoitetaan: %h", "Kommandot #%w skrivs: %h",
			       "The command #%w is written: %h"}},
	[LK_PROBLEM_TOO_MUCH] = {"too_much",
				 {"Komennon #%w perässä on liikaa. Se kirjoitetaan: %h",
				  "Det står för mycket efter #%w. Kommandot skrivs: %h",
				  "There is too much behind #%w. It is written: %h"}},
	[LK_PROBLEM_PRIORITY] =
		{"priority",
		 {"\"%w\" ei ole tärkeys.[ Tarkoititko %h?] Niitä ovat kiireellinen, tärkeä, "
		  "tavallinen ja vähäinen.",
		  "\"%w\" är ingen prioritet.[ Menade du %h?] De är brådskande, viktig, normal och "
		  "låg.",
		  "\"%w\" is no priority.[ Did you mean %h?] They are urgent, high, normal and "
		  "low."}},
	[LK_PROBLEM_DATE] =
		{"date",
		 {"\"%w\" ei ole päivä eikä aika. Kirjoita 2026-12-01, 1.12.2026 tai 3d.",
		  "\"%w\" är varken datum eller tid. Skriv 2026-12-01, 1.12.2026 eller 3d.",
		  "\"%w\" is neither a day nor a time. Write 2026-12-01, 1.12.2026 or 3d."}},
	[LK_PROBLEM_PAST] = {"past",
			     {"%w on mennyt jo. Anna tuleva päivä.",
			      "%w har redan varit. Ange en kommande dag.",
			      "%w has passed. Give a day to come."}},
	[LK_PROBLEM_ORDER] = {"order",
			      {"\"%w\": viimeinen päivä on ennen ensimmäistä.",
			       "\"%w\": den sista dagen är före den första.",
			       "\"%w\": the last day is before the first."}},
	[LK_PROBLEM_NUMBER] = {"number",
			       {"\"%w\" ei kelpaa luvuksi.[ Anna %h.]",
				"\"%w\" duger inte som tal.[ Ange %h.]",
				"\"%w\" is no number that fits.[ Give %h.]"}},
	[LK_PROBLEM_ADDRESS] = {"address",
				{"\"%w\" ei ole sähköpostiosoite.", "\"%w\" är ingen e-postadress.",
				 "\"%w\" is no mail address."}},
	[LK_PROBLEM_TAG] = {"tag",
			    {"\"%w\" ei kelpaa tunnisteeksi: kirjaimia, numeroita ja - _ . : /",
			     "\"%w\" duger inte som tagg: bokstäver, siffror och - _ . : /",
			     "\"%w\" cannot be a tag: letters, digits and - _ . : /"}},
	[LK_PROBLEM_REFERENCE] = {"reference",
				  {"\"%w\" ei ole viite. Ne ovat muotoa %h-1042.",
				   "\"%w\" är ingen referens. De ser ut som %h-1042.",
				   "\"%w\" is no reference. They look like %h-1042."}},
	[LK_PROBLEM_TWO_TEXTS] =
		{"two_texts",
		 {"Teksti ei voi kuulua sekä komennolle #%h että #%w. Lähetä ne erikseen.",
		  "Texten kan inte höra till både #%h och #%w. Skicka dem var för sig.",
		  "The text cannot belong to both #%h and #%w. Send them apart."}},
	[LK_PROBLEM_TOO_MANY] = {"too_many",
				 {"Liian monta komentoa tai viitettä yhdessä viestissä.",
				  "För många kommandon eller referenser i ett mejl.",
				  "Too many commands or references in one mail."}},
	[LK_PROBLEM_NO_TICKET] = {"no_ticket",
				  {"Tukipyyntöä %w ei ole.", "Ärendet %w finns inte.",
				   "There is no ticket %w."}},
	[LK_PROBLEM_WHICH_TICKET] =
		{"which_ticket",
		 {"Viesti ei kerro, mitä tukipyyntöä #%w koskee. Kirjoita tunnus komennon eteen.",
		  "Mejlet säger inte vilket ärende #%w gäller. Skriv referensen före kommandot.",
		  "The mail does not say which ticket #%w is about. Write its reference before "
		  "the command."}},
	[LK_PROBLEM_AGENT] = {"agent",
			      {"Käsittelijää \"%w\" ei ole.[ Tarkoititko %h?]",
			       "Handläggaren \"%w\" finns inte.[ Menade du %h?]",
			       "There is no agent \"%w\".[ Did you mean %h?]"}},
	[LK_PROBLEM_NOT_IN_QUEUE] =
		{"not_in_queue",
		 {"%w ei ole jonon %h käsittelijä. Siirrä tukipyyntö ensin: #queue.",
		  "%w är inte handläggare i kön %h. Flytta ärendet först: #queue.",
		  "%w is no agent of queue %h. Move the ticket first: #queue."}},
	[LK_PROBLEM_QUEUE] = {"queue",
			      {"Jonoa \"%w\" ei ole.[ Tarkoititko %h?]",
			       "Kön \"%w\" finns inte.[ Menade du %h?]",
			       "There is no queue \"%w\".[ Did you mean %h?]"}},
	[LK_PROBLEM_TYPE] = {"type",
			     {"Tyyppiä \"%w\" ei ole.[ Tyypit ovat %h.]",
			      "Typen \"%w\" finns inte.[ Typerna är %h.]",
			      "There is no type \"%w\".[ The types are %h.]"}},
	[LK_PROBLEM_FIELD] = {"field",
			      {"\"%w\" ei kelpaa kentän nimeksi.[ Kentät ovat %h.]",
			       "\"%w\" duger inte som fältnamn.[ Fälten är %h.]",
			       "\"%w\" cannot be a field.[ The fields are %h.]"}},
	[LK_PROBLEM_ORGANISATION] = {"organisation",
				     {"Organisaatiota \"%w\" ei ole.[ Tarkoititko %h?]",
				      "Organisationen \"%w\" finns inte.[ Menade du %h?]",
				      "There is no organisation \"%w\".[ Did you mean %h?]"}},
	[LK_PROBLEM_SUPPLIER] = {"supplier",
				 {"Toimittajaa \"%w\" ei ole.[ Tarkoititko %h?]",
				  "Leverantören \"%w\" finns inte.[ Menade du %h?]",
				  "There is no supplier \"%w\".[ Did you mean %h?]"}},
	[LK_PROBLEM_NO_SUPPLIER] =
		{"no_supplier",
		 {"Tukipyynnöllä ei ole vielä toimittajaa. Kirjoita: #wait supplier NIMI",
		  "Ärendet har ingen leverantör än. Skriv: #wait supplier NAMN",
		  "The ticket has no supplier yet. Write: #wait supplier NAME"}},
	[LK_PROBLEM_NO_QUESTION] =
		{"no_question",
		 {"Asiakkaalta ei ole kysytty mitään sen jälkeen kun hän viimeksi kirjoitti. "
		  "Kirjoita kysymys viestiin.",
		  "Ingen fråga har gått till kunden sedan kunden senast skrev. Skriv frågan i "
		  "mejlet.",
		  "No question went to the customer since they last wrote. Write it into the "
		  "mail."}},
	[LK_PROBLEM_MISSING] =
		{"missing",
		 {"Pakollinen tieto puuttuu: %w. Vastaa rivillä #field %h=ARVO tai #resolve "
		  "anyway.",
		  "Obligatorisk uppgift saknas: %w. Svara med #field %h=VÄRDE eller #resolve "
		  "anyway.",
		  "Missing: %w. Answer with #field %h=VALUE or #resolve anyway."}},
	[LK_PROBLEM_STATUS] = {"status",
			       {"#%w ei käy, kun tukipyynnön tila on %h.",
				"#%w går inte när ärendets status är %h.",
				"#%w does not fit a ticket that is %h."}},
	[LK_PROBLEM_NEEDS_TEXT] = {"needs_text",
				   {"#%w tarvitsee tekstin.", "#%w behöver en text.",
				    "#%w needs a text."}},
	[LK_PROBLEM_ITSELF] = {"itself",
			       {"%w on tämä tukipyyntö itse.", "%w är detta ärende självt.",
				"%w is this very ticket."}},
	[LK_PROBLEM_CIRCLE] = {"circle",
			       {"%w on jo tämän tukipyynnön alla.",
				"%w finns redan under detta ärende.",
				"%w is below this ticket already."}},
	[LK_PROBLEM_MESSAGE] = {"message",
				{"Tukipyynnöllä ei ole erotettavaa viestiä %w.",
				 "Ärendet har inget mejl %w att dela av.",
				 "The ticket has no message %w that could be split off."}},
	[LK_PROBLEM_LOST_QUEUE] =
		{"lost_queue",
		 {"Tukipyynnön jonoa \"%w\" ei enää ole. Siirrä tukipyyntö ensin: #queue.",
		  "Ärendets kö \"%w\" finns inte längre. Flytta ärendet först: #queue.",
		  "The ticket's queue \"%w\" is no longer there. Move the ticket first: #queue."}},
	[LK_PROBLEM_MANAGERS] = {"managers",
				 {"Vain jonon esihenkilö voi käyttää komentoa #%w.",
				  "Bara köns chef får använda #%w.",
				  "Only a manager of the queue may use #%w."}},
	[LK_PROBLEM_NOTHING] = {"nothing",
				{"Komennolla #%w ei ole kohdetta.", "#%w har inget att göra.",
				 "There is nothing for #%w to do."}},
	[LK_PROBLEM_OWN_ADDRESS] = {"own_address",
				    {"%w on oma osoitteemme.", "%w är vår egen adress.",
				     "%w is an address of our own."}},
	[LK_PROBLEM_STALE] =
		{"stale",
		 {"Asiakas kirjoitti sen viestin jälkeen, johon tämä vastaa. #send suorittaa "
		  "komennon silti, #drop hylkää sen.",
		  "Kunden skrev efter det mejl som detta svarar på. #send utför kommandot ändå, "
		  "#drop förkastar det.",
		  "The customer wrote after the mail that this answers. #send runs it all the "
		  "same, #drop forgets it."}},
	[LK_PROBLEM_TEMPLATE] = {"template",
				 {"Mallia \"%w\" ei ole.[ Mallit ovat %h.]",
				  "Mallen \"%w\" finns inte.[ Mallarna är %h.]",
				  "There is no template \"%w\".[ The templates are %h.]"}},
	[LK_PROBLEM_MISPLACED] =
		{"misplaced",
		 {"#%w on keskellä tekstiä. Kirjoita se viestin ensimmäiselle riville.",
		  "#%w står mitt i texten. Skriv det på mejlets första rad.",
		  "#%w stands in the middle of the text. Write it on the first line."}},
	[LK_PROBLEM_ALONE] = {"alone",
			      {"#%w kirjoitetaan yksin omaan viestiinsä.",
			       "#%w skrivs ensamt i ett eget mejl.",
			       "#%w stands alone in a mail of its own."}},
	[LK_PROBLEM_NO_SELF] = {"no_self",
				{"#%w tarvitsee käsittelijän: --as OSOITE.",
				 "#%w behöver en handläggare: --as ADRESS.",
				 "#%w needs an agent: --as ADDRESS."}},
	[LK_PROBLEM_NO_CUSTOMER] = {"no_customer",
				    {"Tukipyynnöllä %w ei ole asiakasta, jolle vastata.",
				     "Ärendet %w har ingen kund att svara.",
				     "Ticket %w has no customer to answer to."}},
	[LK_PROBLEM_SEALED] =
		{"sealed",
		 {"Viesti on salattu, eikä sitä voi lukea: mitään ei lähetetty. Lähetä se "
		  "salaamattomana.",
		  "Mejlet är krypterat och går inte att läsa: inget skickades. Skicka det "
		  "okrypterat.",
		  "The mail is encrypted and cannot be read: nothing was sent. Send it without "
		  "encryption."}},
};

lk_problem *lk_problem_new(lk_problem_code code, const char *line, const char *word,
			   const char *hint)
{
	lk_problem *problem = g_new0(lk_problem, 1);

	problem->code = code;
	problem->line = g_strdup(line ? line : "");
	problem->word = g_utf8_make_valid(word ? word : "", -1);
	problem->hint = g_strdup(hint);
	return problem;
}

void lk_problem_free(lk_problem *problem)
{
	if (!problem)
		return;
	g_free(problem->line);
	g_free(problem->word);
	g_free(problem->hint);
	g_free(problem);
}

const char *lk_problem_name(lk_problem_code code)
{
	g_assert((unsigned)code < LK_N_PROBLEMS);
	return texts[code].name;
}

/* Forms of commands and names of states are kept in English. Borrowed; NULL: there is no hint. */
static const char *hint_in(const lk_problem *problem, lk_lang lang)
{
	lk_command_kind kind = LK_COMMAND_NOTE;

	if (problem->code == LK_PROBLEM_STATUS)
		return lk_term_status(problem->hint, lang);
	if ((problem->code == LK_PROBLEM_NEEDS || problem->code == LK_PROBLEM_TOO_MUCH) &&
	    lk_command_find(problem->word, &kind, NULL))
		return lk_command_form(kind, lang);
	return problem->hint;
}

char *lk_problem_words(const lk_problem *problem, lk_lang lang)
{
	g_autoptr(GString) words = g_string_new(NULL);
	const char *hint = hint_in(problem, lang);
	bool is_left_out = false;

	for (const char *p = texts[problem->code].in[lang]; *p; p++) {
		if (*p == '[')
			is_left_out = !hint;
		else if (*p == ']')
			is_left_out = false;
		else if (is_left_out)
			continue;
		else if (*p == '%' && p[1] == 'w')
			g_string_append(words, (p++, problem->word));
		else if (*p == '%' && p[1] == 'h')
			g_string_append(words, (p++, hint ? hint : ""));
		else
			g_string_append_c(words, *p);
	}
	return g_string_free(g_steal_pointer(&words), FALSE);
}
