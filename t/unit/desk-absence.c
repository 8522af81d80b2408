/* Vacation answers of lib/desk/absence, and days of lib/desk/command. */
#include "lib/desk/absence.h"

static void test_read(void)
{
	static const struct {
		const char *text;
		const char *last; /* NULL: names no day */
	} table[] = {
		{"Olen lomalla 3.8. asti.", "2026-08-03"},
		{"Olen lomalla 3.8.2026 saakka ja palaan pian.", "2026-08-03"},
		{"Hei, palaan 4.8.", "2026-08-03"},
		{"Palaan töihin 4.8.2026.", "2026-08-03"},
		{"Olen takaisin maanantaina 3.8.", "2026-08-02"},
		{"Olen vuosilomalla 6.7.-31.7. Kiireelliset asiat: ict@example.fi", "2026-07-31"},
		{"Olen vuosilomalla 6.7.\xE2\x80\x93"
		 "31.7.2026.",
		 "2026-07-31"},
		{"Loma 20.12. - 6.1.", "2027-01-06"},
		{"Jag är åter 4 augusti", "2026-08-03"},
		{"Jag är tillbaka på kontoret den 4 augusti.", "2026-08-03"},
		{"Jag har semester till och med 31.7.", "2026-07-31"},
		{"Jag har semester t.o.m. 31 juli.", "2026-07-31"},
		{"Jag är ledig till den 3 augusti.", "2026-08-03"},
		{"I am back on 4 August.", "2026-08-03"},
		{"I will be back in the office on Tuesday, August 4th.", "2026-08-03"},
		{"I am returning on 2026-08-04.", "2026-08-03"},
		{"Out of office until 3 August 2026", "2026-08-03"},
		{"I am away through Aug 3.", "2026-08-03"},
		{"Olen poissa.", NULL},
		{"Soita numeroon 040 123 4567 tai 4.8. versio", NULL},
		{"", NULL},
		{"palaan", NULL},
		{"Palaan 99.99.", NULL},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		lk_day last = {0};
		bool has = lk_absence_read(table[i].text, (lk_day){2026, 7, 1}, &last);
		g_autofree char *day = has ? lk_day_format(last) : NULL;

		g_test_message("%s", table[i].text);
		g_assert_cmpstr(day, ==, table[i].last);
	}
}

static void test_zone(void)
{
	lk_time at = 0;

	g_assert_true(lk_time_parse("2026-07-01T21:30:00Z", &at));
	lk_day day = lk_day_at("Europe/Helsinki", at);
	g_assert_cmpint(day.day, ==, 2);
	g_assert_cmpint(lk_day_at(NULL, at).day, ==, 1);
	g_assert_true(lk_time_parse("2026-07-01T21:00:00Z", &at));
	g_assert_cmpint(lk_day_start("Europe/Helsinki", day), ==, at);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/desk/absence/read", test_read);
	g_test_add_func("/desk/absence/zone", test_zone);
	return g_test_run();
}
