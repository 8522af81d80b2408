/* What lib/db says without a server: the next step for each SQLSTATE, times as text. */
#include "lib/db/private.h"

#include <string.h>

static void test_classify(void)
{
	static const struct {
		const char *sqlstate;
		lk_err code;
	} cases[] = {
		{NULL, LK_ERR_RETRY},	   /* no answer at all */
		{"08006", LK_ERR_RETRY},   /* connection failure */
		{"40001", LK_ERR_RETRY},   /* serialization failure */
		{"40P01", LK_ERR_RETRY},   /* deadlock */
		{"55P03", LK_ERR_RETRY},   /* lock time-out */
		{"57014", LK_ERR_RETRY},   /* statement time-out */
		{"57P01", LK_ERR_RETRY},   /* the server stops */
		{"57P03", LK_ERR_RETRY},   /* the server starts */
		{"53100", LK_ERR_RETRY},   /* disk full */
		{"53300", LK_ERR_RETRY},   /* too many connections */
		{"58030", LK_ERR_RETRY},   /* input or output error */
		{"25006", LK_ERR_RETRY},   /* a standby */
		{"25P03", LK_ERR_RETRY},   /* idle in transaction too long */
		{"XX001", LK_ERR_RETRY},   /* damage */
		{"22021", LK_ERR_MESSAGE}, /* no UTF-8 */
		{"22P05", LK_ERR_MESSAGE}, /* \u0000 */
		{"22001", LK_ERR_MESSAGE}, /* too long */
		{"23505", LK_ERR_MESSAGE}, /* unique */
		{"23514", LK_ERR_MESSAGE}, /* check */
		{"54000", LK_ERR_MESSAGE}, /* index row too long */
		{"P0001", LK_ERR_MESSAGE}, /* raised */
		{"28P01", LK_ERR_CONFIG},  /* password */
		{"28000", LK_ERR_CONFIG},  /* user */
		{"3D000", LK_ERR_CONFIG},  /* database */
		{"42501", LK_ERR_CONFIG},  /* right */
		{"42P01", LK_ERR_CONFIG},  /* table */
		{"42703", LK_ERR_CONFIG},  /* column */
		{"26000", LK_ERR_CONFIG},  /* a pooler lost the statement */
		{"0A000", LK_ERR_CONFIG},  /* not supported by this server */
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s", cases[i].sqlstate ? cases[i].sqlstate : "none");
		g_assert_cmpint(lk_pg_classify(cases[i].sqlstate), ==, cases[i].code);
	}
}

/* Whoever must act is told what to do. */
static void test_advice(void)
{
	static const char *const acts[] = {"53100", "53300", "25006", "28P01", "3D000",
					   "42501", "42P01", "26000", "XX001"};

	for (unsigned i = 0; i < G_N_ELEMENTS(acts); i++) {
		g_test_message("%s", acts[i]);
		g_assert_nonnull(lk_pg_advice(acts[i]));
	}
	g_assert_nonnull(strstr(lk_pg_advice("53100"), "free space"));
	g_assert_null(lk_pg_advice(NULL));
	g_assert_null(lk_pg_advice("23505"));
}

static void test_one_line(void)
{
	g_autofree char *long_text = g_strnfill(5000, 'x');
	g_autofree char *cut = lk_pg_one_line(long_text);
	g_autofree char *line =
		lk_pg_one_line("connection to server failed:\n\tno such \377 file\n");

	g_assert_cmpuint(strlen(cut), <=, 400);
	g_assert_cmpstr(line, ==, "connection to server failed: no such \357\277\275 file");
}

static void test_time_format(void)
{
	static const struct {
		lk_time at;
		const char *text;
	} cases[] = {
		{0, "1970-01-01 00:00:00.000000+00"},
		{-1, "1969-12-31 23:59:59.999999+00"},
		{INT64_C(1774744200250000), "2026-03-29 00:30:00.250000+00"},
		{INT64_C(951782400000000), "2000-02-29 00:00:00.000000+00"},
		/* A stranger's date is brought into what every reader understands. */
		{INT64_MAX, "9999-12-31 23:59:59.000000+00"},
		{INT64_MIN + 1, "0001-01-01 00:00:00.000000+00"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = lk_pg_time_format(cases[i].at);

		g_assert_cmpstr(text, ==, cases[i].text);
	}
}

static void test_time_parse(void)
{
	static const struct {
		const char *text;
		lk_time at;
	} cases[] = {
		{"1970-01-01 00:00:00+00", 0},
		{"1969-12-31 23:59:59.999999+00", -1},
		{"2026-03-29 00:30:00.25+00", INT64_C(1774744200250000)},
		{"2026-03-29 03:30:00.25+03", INT64_C(1774744200250000)},
		{"2026-03-28 21:00:00.25-03:30", INT64_C(1774744200250000)},
		{"1900-01-01 01:39:49+01:39:49", INT64_C(-2208988800000000)},
		{"0001-01-01 00:00:00+00", INT64_C(-62135596800000000)},
		{"0001-12-31 00:00:00+00 BC", INT64_C(-62135683200000000)},
		{"infinity", INT64_MAX},
		{"-infinity", LK_TIME_NONE},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s", cases[i].text);
		g_assert_cmpint(lk_pg_time_parse(cases[i].text), ==, cases[i].at);
	}
	/* Beyond 64 bits of microseconds: far away, but no overflow. */
	g_assert_cmpint(lk_pg_time_parse("294276-12-31 23:59:59+00"), >,
			INT64_C(8999999999999) * LK_SECOND);
}

/* Every statement that was compiled in can be found by its number. */
static void test_table(void)
{
	g_assert_cmpint(LK_N_QUERIES, >, 0);
	for (int q = 0; q < (int)LK_N_QUERIES; q++) {
		g_assert_cmpstr(lk_sql_queries[q].name, !=, "");
		g_assert_cmpstr(lk_sql_queries[q].text, !=, "");
		g_assert_cmpint(lk_sql_queries[q].n_params, >=, 0);
		g_assert_cmpint(lk_sql_queries[q].group, <, LK_N_QUERY_GROUPS);
	}
	g_assert_cmpstr(lk_sql_queries[LK_Q_DB_COMMIT].text, ==, "COMMIT");
	for (int i = 0; i < lk_sql_n_migrations; i++)
		g_assert_cmpint(lk_sql_migrations[i].number, ==, i + 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/db/classify", test_classify);
	g_test_add_func("/db/advice", test_advice);
	g_test_add_func("/db/one-line", test_one_line);
	g_test_add_func("/db/time-format", test_time_format);
	g_test_add_func("/db/time-parse", test_time_parse);
	g_test_add_func("/db/table", test_table);
	return g_test_run();
}
