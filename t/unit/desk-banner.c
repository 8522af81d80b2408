/* Banners of gateways in subjects and texts. */
#include "lib/desk/banner.h"

#include <string.h>

static const struct {
	const char *strip[3];
	const char *text;
	const char *bare; /* NULL: nothing to take away */
} cases[] = {
	{{"[EXTERNAL]"}, "[EXTERNAL] Tulostin ei toimi", "Tulostin ei toimi"},
	{{"[EXTERNAL]"}, "Re: [External] Tulostin", "Re: Tulostin"},
	{{"[EXTERNAL]"}, "[EXTERNAL] RE: [EXTERNAL] x", "RE: x"},
	{{"[EXTERNAL]"}, "Tulostin", NULL},
	{{"[EXTERNAL]"}, "", NULL},
	{{"[EXTERNAL]"}, NULL, NULL},
	{{"[EXTERNAL]"}, "[EXTERNAL]", ""},
	{{""}, "x", NULL},
	{{"Tämä viesti on lähetetty organisaation ulkopuolelta."},
	 "Tämä viesti on lähetetty organisaation ulkopuolelta.\n\nHei,\ntulostin on rikki.\n",
	 "Hei,\ntulostin on rikki.\n"},
	{{"CAUTION: external"}, "Hei,\nCaution: External\nrikki\n", "Hei,\nrikki\n"},
	{{"/\\[ulkoinen:?\\s*\\w*\\]/i"}, "[Ulkoinen: posti] VPN", "VPN"},
	{{"/(?m)^Varoitus: .*$/"}, "Varoitus: tuntematon\nHei\n", "Hei\n"},
	{{"/(a+)+$/"}, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", NULL},
	{{"/[/"}, "[ x", NULL},
	{{"/x*/"}, "abc", NULL},
	{{"[A]", "[B]"}, "[B] [A] x", "x"},
};

static void test_cases(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) strip = g_ptr_array_new();
		for (unsigned k = 0; k < 3 && cases[i].strip[k]; k++)
			g_ptr_array_add(strip, (char *)cases[i].strip[k]);
		g_autofree char *bare = lk_banner_strip(strip, cases[i].text);
		if (g_strcmp0(bare, cases[i].bare) != 0)
			g_test_message("%s", cases[i].text);
		g_assert_cmpstr(bare, ==, cases[i].bare);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/desk/banner/cases", test_cases);
	return g_test_run();
}
