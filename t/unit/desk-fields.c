/* Required fields: found in mails and answers, and what stays missing. */
#include "lib/desk/fields.h"

#include <string.h>

static void add_required(lk_queue *queue, const char *field, const char *pattern, const char *fi,
			 const char *sv, const char *en, const char *when)
{
	lk_required *required = g_new0(lk_required, 1);

	required->field = g_strdup(field);
	required->pattern = g_strdup(pattern);
	required->ask.in[LK_LANG_FI] = g_strdup(fi);
	required->ask.in[LK_LANG_SV] = g_strdup(sv);
	required->ask.in[LK_LANG_EN] = g_strdup(en);
	required->when = g_strdup(when);
	g_ptr_array_add(queue->required, required);
}

static lk_policy *make_policy(void)
{
	lk_policy *policy = lk_policy_new();
	lk_queue *queue = lk_queue_new();

	policy->language = LK_LANG_FI;
	queue->name = g_strdup("ict");
	add_required(queue, "device", "\\b(?:PC|LT)[0-9]{4,6}\\b",
		     "Laitteen tunniste (esim. PC12345)", "Apparatens id",
		     "Device id (e.g. PC12345)", "type:incident");
	add_required(queue, "location", "(?i)huone\\s+(\\S+)", "Rakennus ja huone",
		     "Byggnad och rum", "Building and room", NULL);
	add_required(queue, "phone", "(?<whole>tel)?(?<value>\\+?[0-9][0-9 ]{6,})",
		     "Mist\u00e4 numerosta tavoitamme sinut?", NULL, NULL, "type:call");
	add_required(queue, "stall", "(a+)+$", "Toisto", NULL, NULL, "type:stall");
	g_ptr_array_add(policy->queues, queue);
	return policy;
}

/* "device=PC1234@0 location=12@1 !phone": found with their source, then missing ones. */
static char *look(const lk_policy *policy, const char *type, const char *known, const char *asked,
		  const char *subject, const char *words, const char *text)
{
	g_autoptr(GString) all = g_string_new(NULL);
	g_autoptr(lk_json) json = NULL;
	g_auto(GStrv) names = asked ? g_strsplit(asked, " ", -1) : NULL;
	g_autoptr(GPtrArray) list = asked ? g_ptr_array_new() : NULL;
	lk_fields fields = {0};

	if (known)
		g_assert_true(lk_json_parse(known, strlen(known), &json, NULL));
	for (unsigned i = 0; names && names[i]; i++)
		g_ptr_array_add(list, names[i]);
	lk_fields_facts facts = {.queue = g_ptr_array_index(policy->queues, 0),
				 .type = type,
				 .known = json,
				 .asked = list,
				 .subject = subject,
				 .words = words,
				 .text = text};
	lk_fields_find(&facts, &fields);
	for (unsigned i = 0; i < fields.found->len; i++) {
		const lk_field_found *found = g_ptr_array_index(fields.found, i);

		g_string_append_printf(all, "%s=%s@%d ", found->required->field, found->value,
				       (int)found->source);
	}
	for (unsigned i = 0; i < fields.missing->len; i++) {
		const lk_required *required = g_ptr_array_index(fields.missing, i);

		g_string_append_printf(all, "!%s ", required->field);
	}
	if (fields.is_given_up)
		g_string_append(all, "limit ");
	lk_fields_clear(&fields);
	return g_strchomp(g_string_free(g_steal_pointer(&all), FALSE));
}

static void test_new(void)
{
	static const struct {
		const char *type;
		const char *known;
		const char *subject;
		const char *words;
		const char *expected;
	} cases[] = {
		{"request", NULL, "Tulostin", "Ei tulosta.\n", "!location"},
		{"incident", NULL, "Tulostin", "Ei tulosta.\n", "!device !location"},
		{"Incident", NULL, "PC12345 jumissa", "Huone  B12, kiitos\n",
		 "device=PC12345@0 location=B12@1"},
		{"incident", NULL, "PC123", "LT1234 ja LT5678\n", "device=LT1234@1 !location"},
		{"incident", "{\"device\": \"PC9\"}", "PC12345", "x", "!location"},
		{"incident", "{\"device\": \"\"}", "PC12345", "x", "device=PC12345@0 !location"},
		{"request", NULL, "x", "Huone: 123\n", "location=123@2"},
		{"request", NULL, "x", " - RAKENNUS JA HUONE = A-talo  12 \n",
		 "location=A-talo 12@2"},
		{"request", NULL, "x", "Byggnad och rum: Aurora\n", "location=Aurora@2"},
		{"request", NULL, "x", "Rum: 12\n", "!location"},
		{"request", NULL, "x", "location: 3rd floor\n", "location=3rd floor@2"},
		{"request", NULL, "x", "Rakennus ja huone: en tied\u00e4\n", "!location"},
		{"request", NULL, "x", "Rakennus ja huone: ?\n", "!location"},
		{"request", NULL, "x", "Rakennus ja huone:\n", "!location"},
		{"incident", NULL, "x", "Laitteen tunniste: l\u00e4pp\u00e4ri\n",
		 "!device !location"},
		{"incident", NULL, "x", "Device id (e.g. PC12345): LT4444 (mine)\n",
		 "device=LT4444@2 !location"},
		{"incident", NULL, "x", "Which one? Device id (e.g. PC12345)\n",
		 "!device !location"},
		{"call", NULL, "x", "numero +358 40 123456, iltaisin", "phone=+358 40 123456@1"},
		{"request", NULL, "x", "Tulostin on huone A12.\n", "location=A12@1"},
		{"request", NULL, "x", "Tulostin (huone A12) seis!\n", "location=A12@1"},
		{"request", NULL, "x", "Rakennus ja huone: A12 (vintti).\n",
		 "location=A12 (vintti)@2"},
		{"request", NULL, "x", "huone ...\n", "!location"},
		{"stall", NULL, "x",
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
		 "!location !stall limit"},
		{NULL, NULL, "x", NULL, "!location"},
	};
	g_autoptr(lk_policy) policy = make_policy();

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = look(policy, cases[i].type, cases[i].known, NULL,
					    cases[i].subject, cases[i].words, NULL);
		const char *expected = cases[i].expected;

		/* Every type asks for the place; a call alone may leave it out here. */
		if (g_strcmp0(cases[i].type, "call") == 0 && g_str_has_suffix(got, " !location"))
			got[strlen(got) - strlen(" !location")] = '\0';
		g_assert_cmpstr(got, ==, expected);
	}
}

static void test_answer(void)
{
	static const char quoted[] = "> - Laitteen tunniste (esim. PC12345):\n"
				     "> - Rakennus ja huone:\n>\n> N\u00e4in asiasi etenee\n";
	static const struct {
		const char *asked;
		const char *words;
		const char *text;
		const char *expected;
	} cases[] = {
		/* nothing but quoting: our own example fills nothing */
		{"device location", "Kiitos!\n", quoted, "!device !location"},
		{"device location", "Laitteen tunniste (esim. PC12345):\nkiitos", NULL,
		 "!device !location"},
		{"device location", "PC1234, huone 5\n", quoted, "device=PC1234@1 location=5@1"},
		/* below each question */
		{"device location", "LT2222\nA 12\n",
		 "> - Laitteen tunniste (esim. PC12345):\n\nLT2222\n> - Rakennus ja huone:\nA 12\n",
		 "device=LT2222@3 location=A 12@3"},
		/* behind it, within the quotation and without marks */
		{"device location", "",
		 "> - Laitteen tunniste (esim. PC12345): LT3333\n> - Rakennus ja huone: B2 / 7\n",
		 "device=LT3333@3 location=B2 / 7@3"},
		{"location", "", "Building and room: C 1\nWhat happens next\n", "location=C 1@3"},
		{"location", "", "Building and room:\nWhat happens next\n", "!location"},
		{"location", "", "> Byggnad och rum:\nvet inte\n", "!location"},
		/* the only question */
		{"location", "123\n", quoted, "location=123@4"},
		{"location", "Hei,\n\nB-talo 123\n\nTerveisin\nMaija 5\n", quoted,
		 "location=B-talo 123@4"},
		{"device", "Hello!\nPC5555\n", NULL, "device=PC5555@1"},
		{"device", "12345\n", NULL, "!device"},
		{"location", "Kiitos!\n", quoted, "!location"},
		{"location", "Aurora\n", quoted, "!location"},
		{"location",
		 "eik\u00f6 2 viikossa tule mit\u00e4\u00e4n vastausta ja en "
		 "ymm\u00e4rr\u00e4 miksi ei\n",
		 quoted, "!location"},
		{"location", "Se tapahtui taas kello 12\n", quoted, "!location"},
		{"location", "123\n124\n", quoted, "!location"},
		{"device location", "123\n", quoted, "!device !location"},
		/* what was not asked is not looked for */
		{"location", "PC1234\n", NULL, "location=PC1234@4"},
		{"device", "huone 12, PC9999\n", NULL, "device=PC9999@1"},
	};
	g_autoptr(lk_policy) policy = make_policy();

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = look(policy, "incident", NULL, cases[i].asked, NULL,
					    cases[i].words, cases[i].text);

		g_assert_cmpstr(got, ==, cases[i].expected);
	}
}

static void test_bounds(void)
{
	g_autoptr(lk_policy) policy = make_policy();
	g_autoptr(GString) words = g_string_new("Rakennus ja huone: ");
	g_autofree char *got = NULL;
	g_autofree char *lines = NULL;

	for (unsigned i = 0; i < 1000; i++)
		g_string_append(words, "\u00e4");
	got = look(policy, NULL, NULL, NULL, "x", words->str, NULL);
	g_assert_cmpuint(strlen(got), ==, strlen("location=@2") + LK_FIELD_BYTES);
	g_assert_true(g_utf8_validate(got, -1, NULL));
	g_string_truncate(words, 0);
	for (unsigned i = 0; i < 20000; i++)
		g_string_append(words, "a:\n");
	lines = look(policy, "incident", NULL, NULL, "x", words->str, NULL);
	g_assert_cmpstr(lines, ==, "!device !location");
}

static void test_questions(void)
{
	g_autoptr(lk_policy) policy = make_policy();
	const lk_queue *queue = g_ptr_array_index(policy->queues, 0);
	g_autoptr(lk_json) questions = lk_fields_questions(policy, queue->required);
	g_autofree char *text = NULL;

	g_assert_cmpuint(lk_json_size(questions), ==, 4);
	text = lk_json_dump(lk_json_at(questions, 1), false);
	g_assert_cmpstr(text, ==,
			"{\"field\":\"location\",\"ask\":{\"fi\":\"Rakennus ja huone:\",\"sv\":"
			"\"Byggnad och rum:\",\"en\":\"Building and room:\"}}");
	g_free(text);
	text = lk_json_dump(lk_json_at(questions, 2), false);
	g_assert_nonnull(strstr(text, "\"en\":\"Mist\u00e4 numerosta tavoitamme sinut?\""));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/fields/new", test_new);
	g_test_add_func("/fields/answer", test_answer);
	g_test_add_func("/fields/bounds", test_bounds);
	g_test_add_func("/fields/questions", test_questions);
	return g_test_run();
}
