#include "lib/desk/when.h"

#include "lib/base/secret.h"

#include <locale.h>

static lk_time time_of(const char *iso)
{
	g_autoptr(GDateTime) at = g_date_time_new_from_iso8601(iso, NULL);

	return g_date_time_to_unix(at) * LK_SECOND;
}

static lk_policy *policy_in(const char *zone)
{
	lk_policy *policy = lk_policy_new();

	g_free(policy->timezone);
	policy->timezone = g_strdup(zone);
	return policy;
}

static void test_when(void)
{
	g_autoptr(lk_policy) policy = policy_in("Europe/Helsinki");
	static const struct {
		lk_lang lang;
		const char *words;
	} table[] = {{LK_LANG_FI, "pe 27.3.2026 klo 15.05"},
		     {LK_LANG_SV, "fre 27.3.2026 kl. 15.05"},
		     {LK_LANG_EN, "Fri 27 Mar 2026 at 15:05"}};

	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autofree char *text =
			lk_when(policy, table[i].lang, time_of("2026-03-27T13:05:00Z"));
		g_assert_cmpstr(text, ==, table[i].words);
	}
	g_assert_null(lk_when(policy, LK_LANG_FI, LK_TIME_NONE));
	g_assert_null(lk_when_day(policy, LK_LANG_FI, LK_TIME_NONE));
}

/* Friday 2026-03-27 in Helsinki is UTC+2; the Sunday after it is UTC+3. */
static void test_before(void)
{
	g_autoptr(lk_policy) policy = policy_in("Europe/Helsinki");
	static const struct {
		const char *now;
		const char *at;
		const char *words[LK_N_LANGS];
	} table[] = {
		{"2026-03-27T13:50:00Z",
		 "2026-03-30T08:20:00Z",
		 {"maanantaina ennen klo 12", "på måndag före kl. 12", "on Monday before 12:00"}},
		{"2026-03-27T13:50:00Z",
		 "2026-03-30T09:00:00Z",
		 {"maanantaina ennen klo 12", "på måndag före kl. 12", "on Monday before 12:00"}},
		{"2026-03-27T13:50:00Z",
		 "2026-03-30T09:00:01Z",
		 {"maanantaina ennen klo 13", "på måndag före kl. 13", "on Monday before 13:00"}},
		{"2026-03-27T06:00:00Z",
		 "2026-03-27T10:01:00Z",
		 {"tänään ennen klo 13", "i dag före kl. 13", "today before 13:00"}},
		{"2026-03-27T21:30:00Z",
		 "2026-03-27T22:30:00Z",
		 {"lauantaina ennen klo 1", "på lördag före kl. 1", "on Saturday before 1:00"}},
		{"2026-03-27T06:00:00Z",
		 "2026-03-27T22:00:00Z",
		 {"tänään ennen klo 24", "i dag före kl. 24", "today before 24:00"}},
		{"2026-03-27T06:00:00Z",
		 "2026-04-02T06:00:00Z",
		 {"torstaina ennen klo 9", "på torsdag före kl. 9", "on Thursday before 9:00"}},
		{"2026-03-27T06:00:00Z",
		 "2026-04-03T06:00:00Z",
		 {"perjantaina 3.4. ennen klo 9", "på fredag 3.4. före kl. 9",
		  "on Friday 3 Apr before 9:00"}},
		{"2026-12-30T06:00:00Z",
		 "2027-01-02T06:30:00Z",
		 {"lauantaina ennen klo 9", "på lördag före kl. 9", "on Saturday before 9:00"}},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++)
		for (unsigned lang = 0; lang < LK_N_LANGS; lang++) {
			g_autofree char *text = lk_when_before(
				policy, (lk_lang)lang, time_of(table[i].now), time_of(table[i].at));
			g_test_message("%s, %s", table[i].now, table[i].at);
			g_assert_cmpstr(text, ==, table[i].words[lang]);
		}
	g_assert_null(
		lk_when_before(policy, LK_LANG_FI, time_of("2026-03-27T06:00:00Z"), LK_TIME_NONE));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	setlocale(LC_ALL, "C");
	lk_sodium_init();
	g_test_add_func("/desk/when/when", test_when);
	g_test_add_func("/desk/when/before", test_before);
	return g_test_run();
}
