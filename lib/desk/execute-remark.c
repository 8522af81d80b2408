/* What a receipt says beside the new state, in the agent's language. */
#include "lib/desk/execute-private.h"

/* %a and %b as lk_remark says. */
static const char *const texts[][LK_N_LANGS] = {
	[LK_REMARK_AWAY_ALONE] = {"%a on poissa, eikä kukaan sijainen palvele jonoa %b.",
				  "%a är borta, och ingen ersättare sköter kön %b.",
				  "%a is away and no deputy serves queue %b"},
	[LK_REMARK_DEPUTY] = {"%a on poissa: annettiin sijaiselle %b.",
			      "%a är borta: gavs till ersättaren %b.",
			      "%a is away: given to the deputy %b"},
	[LK_REMARK_NO_NEXT] = {"Jonoissasi ei odota yhtään tukipyyntöä ilman käsittelijää.",
			       "Inget ärende utan handläggare väntar i dina köer.",
			       "no ticket without owner waits in your queues"},
	[LK_REMARK_NOT_COPIED] = {"%a ei ollut osallisena.", "%a var inte deltagare.",
				  "%a was not copied on it"},
	[LK_REMARK_JOINED] = {"Tukipyynnön %a vastaukset saa nyt myös: %b. Pois: #kopio -osoite",
			      "Svaren på %a får nu också: %b. Bort: #kopia -adress",
			      "Answers on %a now also go to: %b. To take off: #cc -address"},
	[LK_REMARK_NOT_AWAY] = {"%a ei ole poissa.", "%a är inte borta.", "%a is not away"},
	[LK_REMARK_AWAY] = {"%a on poissa %b.", "%a är borta %b.", "%a is away %b"},
	[LK_REMARK_LEFT] = {"Jätettiin ennalleen: %a. Sitä on sen jälkeen muuttanut %b.",
			    "Lämnades som det är: %a. Det har ändrats efteråt av %b.",
			    "Left as it is: %a. It was changed after that by %b."},
	[LK_REMARK_LEFT_ALONE] = {"Jätettiin ennalleen: %a. Sitä on muutettu sen jälkeen.",
				  "Lämnades som det är: %a. Det har ändrats efteråt.",
				  "Left as it is: %a. It was changed after that."},
	[LK_REMARK_AWAY_DEPUTY] = {"%a, sijaisena %b.", "%a, ersättare %b.", "%a, deputy %b"},
};

bool lk_run_remark(lk_run *run, lk_remark remark, const char *a, const char *b)
{
	g_autoptr(GString) words = g_string_new(NULL);

	for (const char *p = texts[remark][run->how->language]; *p; p++) {
		if (*p == '%' && (p[1] == 'a' || p[1] == 'b'))
			g_string_append(words, *++p == 'a' ? a : b);
		else
			g_string_append_c(words, *p);
	}
	lk_json_push_text(lk_json_get(run->receipt->json, "remarks"), words->str);
	return true;
}
