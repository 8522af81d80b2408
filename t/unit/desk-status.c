/*
 * What moves a ticket: the table generated from the code, row by row next to the one here, which
 * was written from the rules of the desk. "-" stays, "!" is refused.
 */
#include "lib/desk/status.h"

#include <string.h>

/* Columns: new open w_cust w_supp on_hold resolved closed junk merged. */
/* clang-format off */
static const struct {
	const char *event;
	const char *next;
} rules[] = {
	/* A customer's message ends waiting_customer, leaves the other waits, opens what is done. */
	{"customer",         "-    -    open -    -    open open -    -"},
	/* After `reopen` the mail has a ticket of its own. */
	{"customer, late",   "-    -    open -    -    -    -    -    -"},
	{"thanks",           "-    -    open -    -    -    -    -    -"},
	{"chase",            "-    -    -    -    -    -    -    -    -"},
	{"guest",            "-    -    -    -    -    -    -    -    -"},
	/* After resolving it is only a note. */
	{"supplier",         "-    -    -    open -    -    -    -    -"},
	{"consulted",        "-    -    -    -    -    -    -    -    -"},
	{"automatic",        "-    -    -    -    -    -    -    -    -"},
	{"dissatisfied",     "-    -    -    -    -    open open -    -"},
	{"reply",            "open -    -    -    -    -    -    -    !"},
	{"#note",            "-    -    -    -    -    -    -    -    -"},
	{"#ask",             "open -    -    -    -    -    -    -    !"},
	{"#supplier",        "open -    -    -    -    -    -    -    !"},
	{"#take",            "open -    -    -    -    -    !    !    !"},
	{"#assign",          "open -    -    -    -    -    !    !    !"},
	{"#queue",           "-    -    -    -    -    -    -    !    !"},
	{"#wait customer",   "cust cust -    cust cust !    !    !    !"},
	{"#wait supplier",   "supp supp supp -    supp !    !    !    !"},
	{"#wait until",      "hold hold hold hold -    !    !    !    !"},
	{"#open",            "open -    open open open !    !    !    !"},
	{"#resolve",         "res  res  res  res  res  -    !    !    !"},
	{"#close",           "clos clos clos clos clos clos -    !    !"},
	{"#reopen",          "!    !    !    !    !    open open open !"},
	{"#spam",            "junk junk junk junk junk junk junk -    !"},
	{"#merge",           "merg merg merg merg merg merg merg merg !"},
	{"date reached",     "-    -    -    -    open -    -    -    -"},
	{"close_after",      "-    -    -    -    -    clos -    -    -"},
	{"close_unanswered", "-    -    clos -    -    -    -    -    -"},
};
/* clang-format on */

static const struct {
	const char *shown;
	const char *name;
} shorts[] = {
	{"open", "open"},    {"cust", "waiting_customer"}, {"supp", "waiting_supplier"},
	{"hold", "on_hold"}, {"res", "resolved"},	   {"clos", "closed"},
	{"junk", "junk"},    {"merg", "merged"},	   {"-", "-"},
	{"!", "refused"},
};

static const char *full(const char *shown)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(shorts); i++)
		if (strcmp(shorts[i].shown, shown) == 0)
			return shorts[i].name;
	g_error("%s is no status", shown);
}

/* Cells of a line: every 17 columns, blanks cut. */
static char *cell(const char *line, unsigned column)
{
	g_autofree char *text =
		strlen(line) > column * 17
			? g_strndup(line + column * 17 + (column > 0 ? 1 : 0), column > 0 ? 16 : 17)
			: g_strdup("");

	return g_strdup(g_strstrip(text));
}

static char **words_of(const char *text)
{
	g_autoptr(GRegex) blanks = g_regex_new(" +", 0, 0, NULL);

	return g_regex_split(blanks, text, 0);
}

static void test_table(void)
{
	g_autofree char *generated = lk_status_table();
	g_auto(GStrv) lines = g_strsplit(g_strchomp(generated), "\n", 0);

	g_assert_cmpuint(g_strv_length(lines), ==, LK_N_EVENTS + 1);
	g_assert_cmpuint(G_N_ELEMENTS(rules), ==, LK_N_EVENTS);
	g_test_message("%s", lines[0]);
	for (unsigned status = 0; status < LK_N_STATUSES; status++) {
		g_autofree char *name = cell(lines[0], status + 1);

		g_assert_cmpstr(name, ==, lk_status_name((lk_status)status));
	}
	for (unsigned event = 0; event < LK_N_EVENTS; event++) {
		g_auto(GStrv) wanted = words_of(rules[event].next);
		g_autofree char *name = cell(lines[event + 1], 0);

		g_test_message("code  %s", lines[event + 1]);
		g_test_message("rules %-17s %s", rules[event].event, rules[event].next);
		g_assert_cmpstr(name, ==, rules[event].event);
		g_assert_cmpuint(g_strv_length(wanted), ==, LK_N_STATUSES);
		for (unsigned status = 0; status < LK_N_STATUSES; status++) {
			g_autofree char *next = cell(lines[event + 1], status + 1);

			g_assert_cmpstr(next, ==, full(wanted[status]));
		}
	}
}

static void test_steps(void)
{
	for (unsigned event = 0; event < LK_N_EVENTS; event++)
		for (unsigned status = 0; status < LK_N_STATUSES; status++) {
			lk_status next = LK_N_STATUSES;
			lk_status_step step =
				lk_status_next((lk_status)status, (lk_status_event)event, &next);
			const char *why =
				lk_status_refusal((lk_status)status, (lk_status_event)event);

			g_assert_cmpint(step == LK_STEP_MOVE, ==, next != (lk_status)status);
			g_assert_cmpint(step == LK_STEP_REFUSED, ==, why != NULL);
			/* Only commands and what follows them may be refused: mail never is. */
			if (event <= LK_EVENT_DISSATISFIED || event >= LK_EVENT_DATE_REACHED)
				g_assert_cmpint(step, !=, LK_STEP_REFUSED);
			/* A merged ticket never comes back: its mail goes to the other one. */
			if (status == LK_STATUS_MERGED)
				g_assert_cmpint(step, !=, LK_STEP_MOVE);
		}
	g_assert_nonnull(strstr(lk_status_refusal(LK_STATUS_CLOSED, LK_EVENT_RESOLVE), "#reopen"));
	g_assert_nonnull(strstr(lk_status_refusal(LK_STATUS_OPEN, LK_EVENT_REOPEN), "#open"));
	g_assert_nonnull(
		strstr(lk_status_refusal(LK_STATUS_MERGED, LK_EVENT_REPLY), "merged into another"));
}

static void test_names(void)
{
	for (unsigned i = 0; i < LK_N_STATUSES; i++) {
		lk_status parsed = LK_N_STATUSES;

		g_assert_true(lk_status_parse(lk_status_name((lk_status)i), &parsed));
		g_assert_cmpint(parsed, ==, i);
		g_assert_cmpint(lk_status_is_open((lk_status)i), ==, i < LK_STATUS_RESOLVED);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/status/table", test_table);
	g_test_add_func("/status/steps", test_steps);
	g_test_add_func("/status/names", test_names);
	return g_test_run();
}
