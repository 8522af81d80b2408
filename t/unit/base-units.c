#include "lib/base/units.h"

#include "lib/base/err.h"

#include <string.h>

typedef struct {
	const char *text;
	int64_t value; /* -1: refused */
} reading;

static void test_duration(void)
{
	static const reading cases[] = {{"0", 0},
					{"0s", 0},
					{"90s", 90},
					{"15m", 900},
					{"4h", 14400},
					{"3d", 259200},
					{"2w", 1209600},
					{"007m", 420},
					{"36525d", INT64_C(3155760000)},
					{"", -1},
					{NULL, -1},
					{"s", -1},
					{"90", -1},
					{"00", -1},
					{"90S", -1},
					{" 90s", -1},
					{"90s ", -1},
					{"90 s", -1},
					{"+90s", -1},
					{"-90s", -1},
					{"1.5h", -1},
					{"1h30m", -1},
					{"90x", -1},
					{"0x10s", -1},
					{"36526d", -1},
					{"9223372036854775807w", -1},
					{"99999999999999999999s", -1},
					{"1\xc2\xa0s", -1}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		int64_t value = -7;
		g_autoptr(GError) error = NULL;
		g_test_message("%s", cases[i].text ? cases[i].text : "NULL");
		bool ok = lk_parse_duration(cases[i].text, &value, &error);
		g_assert_true(ok == (cases[i].value >= 0));
		g_assert_cmpint(value, ==, ok ? cases[i].value : -7);
		g_assert_true(ok || lk_err_is(error, LK_ERR_CONFIG));
	}
}

static void test_size(void)
{
	static const reading cases[] = {{"0", 0},
					{"1", 1},
					{"256K", 262144},
					{"50M", 52428800},
					{"2G", INT64_C(2147483648)},
					{"9223372036854775807", INT64_MAX},
					{"", -1},
					{NULL, -1},
					{"K", -1},
					{"50MB", -1},
					{"50m", -1},
					{"50 M", -1},
					{"-1", -1},
					{"1e3", -1},
					{"9223372036854775808", -1},
					{"9007199254740992K", -1},
					{"8589934592G", -1},
					{"50M\n", -1}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		int64_t value = -7;
		g_autoptr(GError) error = NULL;
		g_test_message("%s", cases[i].text ? cases[i].text : "NULL");
		bool ok = lk_parse_size(cases[i].text, &value, &error);
		g_assert_true(ok == (cases[i].value >= 0));
		g_assert_cmpint(value, ==, ok ? cases[i].value : -7);
		g_assert_true(ok || lk_err_is(error, LK_ERR_CONFIG));
	}
}

static void test_int(void)
{
	static const struct {
		const char *text;
		int64_t low;
		int64_t high;
		bool ok;
		int64_t value;
	} cases[] = {{"0", 0, 0, true, 0},
		     {"-5", -5, 5, true, -5},
		     {"-0", -5, 5, true, 0},
		     {"65535", 1, 65535, true, 65535},
		     {"65536", 1, 65535, false, 0},
		     {"9223372036854775807", 0, INT64_MAX, true, INT64_MAX},
		     {"9223372036854775808", 0, INT64_MAX, false, 0},
		     {"-9223372036854775807", INT64_MIN, 0, true, -INT64_MAX},
		     {"", 0, 9, false, 0},
		     {NULL, 0, 9, false, 0},
		     {"-", -9, 9, false, 0},
		     {"--1", -9, 9, false, 0},
		     {"+1", 0, 9, false, 0},
		     {" 1", 0, 9, false, 0},
		     {"1 ", 0, 9, false, 0},
		     {"0x1", 0, 9, false, 0},
		     {"1.0", 0, 9, false, 0}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		int64_t value = -7;
		g_autoptr(GError) error = NULL;
		g_test_message("%s", cases[i].text ? cases[i].text : "NULL");
		bool ok = lk_parse_int(cases[i].text, cases[i].low, cases[i].high, &value, &error);
		g_assert_true(ok == cases[i].ok);
		g_assert_cmpint(value, ==, ok ? cases[i].value : -7);
		g_assert_true(ok || lk_err_is(error, LK_ERR_DATA));
	}
}

static void test_decimal(void)
{
	static const struct {
		const char *text;
		bool is_right;
		double number;
		const char *rest;
	} cases[] = {
		{"5", true, 5, ""},
		{"-2.5x", true, -2.5, "x"},
		{"0.25 of", true, 0.25, " of"},
		{"7.", true, 7, "."},
		{"", false, 0, ""},
		{"-", false, 0, ""},
		{".5", false, 0, ""},
		{"1234567890", false, 0, ""},
		{"nan", false, 0, ""},
		{"123456789.5", true, 123456789.5, ""},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		const char *rest = NULL;
		double number = 0;

		g_assert_cmpint(lk_parse_decimal(cases[i].text, &number, &rest), ==,
				cases[i].is_right);
		if (!cases[i].is_right)
			continue;
		g_assert_cmpfloat_with_epsilon(number, cases[i].number, 1e-9);
		g_assert_cmpstr(rest, ==, cases[i].rest);
	}
}

static void test_rate(void)
{
	static const struct {
		const char *text;
		int64_t count; /* 0: refused */
		int64_t seconds;
	} cases[] = {{"10/10m", 10, 600}, {"600/m", 600, 60}, {"1/1d", 1, 86400},
		     {"0/1m", 0, 0},	  {"10/0", 0, 0},     {"10/0s", 0, 0},
		     {"10", 0, 0},	  {"/m", 0, 0},	      {"10/", 0, 0},
		     {"10/m ", 0, 0},	  {"10/10", 0, 0},    {"-1/m", 0, 0},
		     {"10//m", 0, 0},	  {NULL, 0, 0},	      {"99999999999999999999/m", 0, 0}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		int64_t count = 0;
		int64_t seconds = 0;
		g_autoptr(GError) error = NULL;
		g_test_message("%s", cases[i].text ? cases[i].text : "NULL");
		bool ok = lk_parse_rate(cases[i].text, &count, &seconds, &error);
		g_assert_true(ok == (cases[i].count > 0));
		g_assert_cmpint(count, ==, cases[i].count);
		g_assert_cmpint(seconds, ==, cases[i].seconds);
		g_assert_true(ok || lk_err_is(error, LK_ERR_CONFIG));
	}
}

static void test_format_duration(void)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {{0, "0"},	     {1, "1s"},	      {90, "90s"},	{60, "1m"},
		     {3600, "1h"},   {5400, "90m"},   {86400, "1d"},	{604800, "1w"},
		     {691200, "8d"}, {1209600, "2w"}, {86401, "86401s"}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = lk_format_duration(cases[i].seconds);
		int64_t back = -1;
		g_assert_cmpstr(text, ==, cases[i].text);
		g_assert_true(lk_parse_duration(text, &back, NULL));
		g_assert_cmpint(back, ==, cases[i].seconds);
	}
}

/* An error shows what was written, cut and valid, and says how to write it. */
static void test_messages(void)
{
	g_autoptr(GError) error = NULL;
	int64_t value = 0;
	g_assert_false(lk_parse_duration("five minutes", &value, &error));
	g_assert_nonnull(strstr(error->message, "\"five minutes\""));
	g_assert_nonnull(strstr(error->message, "15m"));
	g_clear_error(&error);
	g_autofree char *endless = g_strnfill(100000, '\xff');
	g_assert_false(lk_parse_size(endless, &value, &error));
	g_assert_cmpuint(strlen(error->message), <, 300);
	g_assert_true(g_utf8_validate(error->message, -1, NULL));
}

static void test_nearest_word(void)
{
	static const char *const words[] = {"host", "port",	"password_file", "user",
					    "tls",  "max_size", "folders",	 "poll"};
	static const struct {
		const char *word;
		const char *nearest;
	} cases[] = {{"hots", "host"},
		     {"hst", "host"},
		     {"Port", "port"},
		     {"passwordfile", "password_file"},
		     {"pasword_file", "password_file"},
		     {"maxsize", "max_size"},
		     {"folder", "folders"},
		     {"tsl", "tls"},
		     {"colour", NULL},
		     {"x", NULL},
		     {"", NULL},
		     {"zzzzzzzz", NULL}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s", cases[i].word);
		g_assert_cmpstr(lk_nearest_word(cases[i].word, words, G_N_ELEMENTS(words)), ==,
				cases[i].nearest);
	}
	g_autofree char *endless = g_strnfill(100000, 'a');
	g_assert_null(lk_nearest_word(endless, words, G_N_ELEMENTS(words)));
	g_assert_null(lk_nearest_word("host", NULL, 0));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/units/duration", test_duration);
	g_test_add_func("/units/size", test_size);
	g_test_add_func("/units/int", test_int);
	g_test_add_func("/units/decimal", test_decimal);
	g_test_add_func("/units/rate", test_rate);
	g_test_add_func("/units/format-duration", test_format_duration);
	g_test_add_func("/units/messages", test_messages);
	g_test_add_func("/units/nearest-word", test_nearest_word);
	return g_test_run();
}
