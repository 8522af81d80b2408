#include "lib/base/json.h"

#include "lib/base/err.h"

#include <string.h>

static void test_build(void)
{
	g_autoptr(lk_json) object = lk_json_object();
	lk_json *list = lk_json_array();
	lk_json *inner = lk_json_object();
	lk_json_set_text(object, "z", "first stays first");
	lk_json_set_int(object, "a", INT64_MIN);
	lk_json_set_int(object, "b", INT64_MAX);
	lk_json_set_bool(object, "yes", true);
	lk_json_set_bool(object, "no", false);
	lk_json_set_null(object, "none");
	lk_json_set_text(object, "missing", NULL);
	lk_json_push_text(list, "ääkköset \"quoted\" \\ \n");
	lk_json_push_text(list, NULL);
	lk_json_set_int(inner, "n", 1);
	lk_json_push(list, inner);
	lk_json_take(object, "list", list);
	g_autofree char *text = lk_json_dump(object, false);
	g_assert_cmpstr(text, ==,
			"{\"z\":\"first stays first\",\"a\":-9223372036854775808,"
			"\"b\":9223372036854775807,\"yes\":true,\"no\":false,\"none\":null,"
			"\"missing\":null,\"list\":[\"ääkköset \\\"quoted\\\" \\\\ \\n\",null,"
			"{\"n\":1}]}");
	lk_json_set_text(object, "z", "replaced in place");
	g_autofree char *again = lk_json_dump(object, true);
	g_assert_true(g_str_has_prefix(again, "{\n  \"z\": \"replaced in place\",\n"));
}

static void test_invalid_utf8(void)
{
	g_autoptr(lk_json) object = lk_json_object();
	lk_json_set_text(object, "bad\xffkey", "p\xe4iv\xe4");
	g_autofree char *text = lk_json_dump(object, false);
	g_assert_cmpstr(text, ==, "{\"bad\xEF\xBF\xBDkey\":\"p\xEF\xBF\xBDiv\xEF\xBF\xBD\"}");
}

static lk_json *parse(const char *text)
{
	lk_json *json = NULL;
	g_autoptr(GError) error = NULL;
	g_assert_true(lk_json_parse(text, strlen(text), &json, &error));
	g_assert_no_error(error);
	return json;
}

static void test_read(void)
{
	g_autoptr(lk_json) json = parse("{\"t\":\"x\",\"i\":-5,\"b\":true,\"l\":[1,\"two\"],"
					"\"o\":{\"k\":\"v\"},\"n\":null}");
	g_assert_true(lk_json_is_object(json));
	g_assert_false(lk_json_is_array(json));
	g_assert_cmpuint(lk_json_size(json), ==, 6);
	g_assert_cmpstr(lk_json_get_text(json, "t"), ==, "x");
	g_assert_null(lk_json_get_text(json, "i"));
	g_assert_null(lk_json_get_text(json, "absent"));
	g_assert_cmpint(lk_json_get_int(json, "i", 9), ==, -5);
	g_assert_cmpint(lk_json_get_int(json, "t", 9), ==, 9);
	g_assert_cmpint(lk_json_get_int(json, "absent", 9), ==, 9);
	g_assert_true(lk_json_get_bool(json, "b", false));
	g_assert_true(lk_json_get_bool(json, "t", true));
	g_assert_false(lk_json_get_bool(json, "absent", false));
	lk_json *list = lk_json_get(json, "l");
	g_assert_true(lk_json_is_array(list));
	g_assert_cmpuint(lk_json_size(list), ==, 2);
	g_assert_null(lk_json_text(lk_json_at(list, 0)));
	g_assert_true(lk_json_is_text(lk_json_at(list, 1)));
	g_assert_cmpstr(lk_json_text(lk_json_at(list, 1)), ==, "two");
	g_assert_null(lk_json_at(list, 2));
	g_assert_cmpstr(lk_json_get_text(lk_json_get(json, "o"), "k"), ==, "v");
}

/* Readers take what is not there as calmly as what is of another type. */
static void test_read_nothing(void)
{
	g_autoptr(lk_json) text = parse("\"only\"");
	const lk_json *const others[] = {NULL, text};
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
		g_assert_null(lk_json_get(others[i], "k"));
		g_assert_null(lk_json_at(others[i], 0));
		g_assert_cmpuint(lk_json_size(others[i]), ==, 0);
		g_assert_false(lk_json_is_object(others[i]));
		g_assert_false(lk_json_is_array(others[i]));
		g_assert_cmpint(lk_json_get_int(others[i], "k", 3), ==, 3);
	}
	g_assert_cmpstr(lk_json_text(text), ==, "only");
	g_assert_null(lk_json_text(NULL));
	lk_json_unref(NULL);
}

static void test_truth(void)
{
	static const struct {
		const char *text;
		bool is_true;
	} cases[] = {{"null", false}, {"false", false}, {"\"\"", false}, {"[]", false},
		     {"true", true},  {"\"x\"", true},	{"[0]", true},	 {"{}", true},
		     {"0", true},     {"\"0\"", true}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(lk_json) json = parse(cases[i].text);
		g_test_message("%s", cases[i].text);
		g_assert_true(lk_json_is_true(json) == cases[i].is_true);
	}
	g_assert_false(lk_json_is_true(NULL));
}

static void test_malformed(void)
{
	static const char *const bad[] = {"",
					  " ",
					  "{",
					  "[1,]",
					  "{\"a\":1,}",
					  "nul",
					  "{a:1}",
					  "'x'",
					  "\"\\u0000\"",
					  "\"\xff\"",
					  "{\"a\":1}x",
					  "\"\\ud800\"",
					  "99999999999999999999",
					  "{\"a\":1,\"a\":2}",
					  "\"\n\""};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		lk_json *json = NULL;
		g_autoptr(GError) error = NULL;
		g_test_message("case %zu", i);
		g_assert_false(lk_json_parse(bad[i], strlen(bad[i]), &json, &error));
		g_assert_true(lk_err_is(error, LK_ERR_DATA));
		g_assert_null(json);
	}
	lk_json *json = NULL;
	g_autoptr(GError) error = NULL;
	g_assert_false(lk_json_parse("\"a\0b\"", 5, &json, &error));
	g_assert_true(lk_err_is(error, LK_ERR_DATA));
}

/* A million brackets end in an error, not in the end of the stack. */
static void test_deep(void)
{
	g_autofree char *deep = g_strnfill(1000000, '[');
	lk_json *json = NULL;
	g_autoptr(GError) error = NULL;
	g_assert_false(lk_json_parse(deep, 1000000, &json, &error));
	g_assert_true(lk_err_is(error, LK_ERR_DATA));
}

static void test_equal(void)
{
	g_autoptr(lk_json) one = parse("{\"a\":1,\"b\":[true,\"x\"]}");
	g_autoptr(lk_json) same = parse("{\"b\":[true,\"x\"],\"a\":1}");
	g_autoptr(lk_json) other = parse("{\"b\":[\"x\",true],\"a\":1}");
	g_autoptr(GPtrArray) keys = lk_json_keys(same);
	g_autoptr(GPtrArray) none = lk_json_keys(lk_json_get(same, "b"));

	g_assert_true(lk_json_equal(one, same));
	g_assert_false(lk_json_equal(one, other));
	g_assert_false(lk_json_equal(one, NULL));
	g_assert_true(lk_json_equal(NULL, NULL));
	g_assert_cmpuint(keys->len, ==, 2);
	g_assert_cmpstr(g_ptr_array_index(keys, 0), ==, "b");
	g_assert_cmpuint(none->len, ==, 0);
}

static void test_references(void)
{
	lk_json *object = lk_json_object();
	lk_json_set_text(object, "k", "v");
	g_autoptr(lk_json) outer = lk_json_array();
	lk_json_push(outer, lk_json_ref(object));
	lk_json_unref(object);
	g_assert_cmpstr(lk_json_get_text(lk_json_at(outer, 0), "k"), ==, "v");
}

static void test_round_trip(void)
{
	static const char text[] = "{\"b\":[1,2.5,{\"c\":\"\\u001f\xF0\x9F\x98\x80\"}],\"a\":{}}";
	g_autoptr(lk_json) json = parse(text);
	g_autofree char *indented = lk_json_dump(json, true);
	g_autoptr(lk_json) again = parse(indented);
	g_autofree char *back = lk_json_dump(again, false);
	g_autofree char *lower = g_ascii_strdown(back, -1);
	g_assert_cmpstr(lower, ==, text);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/json/build", test_build);
	g_test_add_func("/json/invalid-utf8", test_invalid_utf8);
	g_test_add_func("/json/read", test_read);
	g_test_add_func("/json/read-nothing", test_read_nothing);
	g_test_add_func("/json/truth", test_truth);
	g_test_add_func("/json/malformed", test_malformed);
	g_test_add_func("/json/deep", test_deep);
	g_test_add_func("/json/equal", test_equal);
	g_test_add_func("/json/references", test_references);
	g_test_add_func("/json/round-trip", test_round_trip);
	return g_test_run();
}
