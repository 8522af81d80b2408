/* Forms and queries of strangers, and what a page's policy allows. */
#include "daemon/web-form.h"

#include "daemon/web.h"
#include "lib/base/err.h"

#include <string.h>

static lk_web_form *parse(const char *text)
{
	lk_web_form *form = NULL;
	g_autoptr(GError) error = NULL;

	if (lk_web_form_parse(text, strlen(text), &form, &error)) {
		g_assert_no_error(error);
		return form;
	}
	g_assert_error(error, LK_ERROR, LK_ERR_DATA);
	g_assert_null(form);
	return NULL;
}

static void test_values(void)
{
	static const struct {
		const char *text;
		const char *name;
		const char *value; /* NULL: it is not there */
	} cases[] = {
		{"", "a", NULL},
		{"a=1", "a", "1"},
		{"a=1&b=2", "b", "2"},
		{"a=1&b=2", "c", NULL},
		{"a", "a", ""},
		{"a=", "a", ""},
		{"&&a=1&&", "a", "1"},
		{"a=b=c", "a", "b=c"},
		{"a=x+y%20z", "a", "x y z"},
		{"a=%2B%26%3d%25", "a", "+&=%"},
		{"a=k%C3%A4%E2%82%AC", "a", "k\xc3\xa4\xe2\x82\xac"},
		{"a=1%0D%0A2%0D3", "a", "1\n2\n3"},
		{"a=%ff", "a", "\xef\xbf\xbd"},
		{"a=x%00y%01z", "a", "xyz"},
		{"in_order=yes&score=9&comment=", "score", "9"},
		{"A=1", "a", NULL},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(lk_web_form) form = parse(cases[i].text);

		g_assert_nonnull(form);
		g_assert_cmpstr(lk_web_form_get(form, cases[i].name), ==, cases[i].value);
	}
}

static void test_refused(void)
{
	static const char *const cases[] = {
		"=",	 "=1",	  "a=1&a=2", "a&a",   "a=%",   "a=%4",	   "a=%zz", "a%62=1",
		"a b=1", "\xc3=", "a=1&=2",  "a.b=1", "a[]=1", "a=%u00e4", "<a>=1", "a\n=1",
	};
	g_autoptr(GString) many = g_string_new(NULL);
	g_autofree char *name = g_strnfill(LK_WEB_FIELD_NAME + 1, 'a');
	g_autofree char *large = g_strnfill(LK_WEB_FORM_BYTES + 1, 'a');

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_null(parse(cases[i]));
	for (int i = 0; i <= LK_WEB_FIELDS; i++)
		g_string_append_printf(many, "a%d=1&", i);
	g_assert_null(parse(many->str));
	g_assert_null(parse(name));
	g_assert_null(parse(large));
}

/* All that fits is taken. */
static void test_limits(void)
{
	g_autoptr(GString) many = g_string_new(NULL);
	g_autofree char *name = g_strnfill(LK_WEB_FIELD_NAME, 'a');
	g_autofree char *large = g_strnfill(LK_WEB_FORM_BYTES, 'a');
	g_autoptr(lk_web_form) a = NULL;
	g_autoptr(lk_web_form) b = NULL;
	g_autoptr(lk_web_form) c = NULL;

	for (int i = 0; i < LK_WEB_FIELDS; i++)
		g_string_append_printf(many, "a%d=1&", i);
	a = parse(many->str);
	g_assert_nonnull(a);
	g_assert_cmpstr(lk_web_form_get(a, "a19"), ==, "1");
	b = parse(name);
	g_assert_cmpstr(lk_web_form_get(b, name), ==, "");
	large[1] = '=';
	c = parse(large);
	g_assert_cmpuint(strlen(lk_web_form_get(c, "a")), ==, LK_WEB_FORM_BYTES - 2);
}

static char *policy_of(const char *html)
{
	g_autoptr(GString) text = g_string_new(html);

	return lk_web_policy(text);
}

static void test_policy(void)
{
	static const char rest[] = "; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
	g_autofree char *none = policy_of("<p>x</p>");
	g_autofree char *one = policy_of("<style>a{}</style><p>");
	g_autofree char *two = policy_of("<style>a{}</style><style></style>");
	g_autofree char *open = policy_of("<style>a{}");
	g_autofree char *expected = g_strconcat("default-src 'none'; style-src 'none'", rest, NULL);

	g_assert_cmpstr(none, ==, expected);
	g_assert_cmpstr(open, ==, expected);
	/* The digests are those of sha256sum. */
	g_assert_nonnull(strstr(
		one, "style-src 'sha256-X1RutGBrXCt9KkSaXMK7tHftWiRscFHOhxsS8tv8hBk='; form"));
	g_assert_nonnull(
		strstr(two, " 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; form"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/web/form/values", test_values);
	g_test_add_func("/web/form/refused", test_refused);
	g_test_add_func("/web/form/limits", test_limits);
	g_test_add_func("/web/policy", test_policy);
	return g_test_run();
}
