/* Values as the file would have them. */
#include "lib/conf/print.h"

#include "lib/base/units.h"
#include "lib/conf/form.h"
#include "lib/conf/rules.h"

#include <inttypes.h>
#include <string.h>

static void put_quoted(GString *out, const char *text)
{
	g_string_append_c(out, '"');
	for (const char *p = text; *p; p++) {
		if (*p == '\n')
			g_string_append(out, "\\n");
		else if (*p == '\t')
			g_string_append(out, "\\t");
		else if (*p == '"' || *p == '\\')
			g_string_append_printf(out, "\\%c", *p);
		else
			g_string_append_c(out, *p);
	}
	g_string_append_c(out, '"');
}

static void put_text(GString *out, const lk_setting *setting, const char *text)
{
	g_autofree char *masked = NULL;
	bool has_password = false;

	if (text && setting->form == LK_FORM_CONNINFO)
		masked = lk_conninfo_mask(text, &has_password);
	put_quoted(out, masked ? masked : text ? text : "");
}

static void put_seconds(GString *out, int64_t seconds)
{
	g_autofree char *text = NULL;

	if (seconds == LK_CONF_FOREVER) {
		g_string_append(out, "\"forever\"");
		return;
	}
	text = lk_format_duration(seconds);
	put_quoted(out, text);
}

static void put_span(GString *out, const lk_conf_span *span)
{
	if (span->open_days > 0)
		g_string_append_printf(out, "\"%" PRId64 "d\"", span->open_days);
	else
		put_seconds(out, span->seconds);
}

static void put_rate(GString *out, const lk_conf_rate *rate)
{
	g_autofree char *time = lk_format_duration(rate->seconds);

	g_string_append_printf(out, "\"%" PRId64 "/%s\"", rate->count, time);
}

static void put_size(GString *out, int64_t bytes)
{
	static const char units[] = "KMG";
	int unit = -1;

	while (bytes > 0 && bytes % 1024 == 0 && unit < 2) {
		bytes /= 1024;
		unit++;
	}
	g_string_append_printf(out, "\"%" PRId64 "%.1s\"", bytes, unit < 0 ? "" : &units[unit]);
}

static void put_after(GString *out, const lk_conf_after *after)
{
	static const char *const names[] = {"keep", "seen", "delete", "move:"};
	g_autofree char *text = g_strconcat(names[after->kind], after->folder, NULL);

	put_quoted(out, text);
}

static void put_list(GString *out, const GPtrArray *list)
{
	g_string_append(out, list->len > 0 ? "( " : "(");
	for (unsigned i = 0; i < list->len; i++) {
		g_string_append(out, i > 0 ? ", " : "");
		put_quoted(out, g_ptr_array_index(list, i));
	}
	g_string_append(out, list->len > 0 ? " )" : ")");
}

static void put_spans(GString *out, const GArray *spans)
{
	g_string_append(out, spans->len > 0 ? "( " : "(");
	for (unsigned i = 0; i < spans->len; i++) {
		g_string_append(out, i > 0 ? ", " : "");
		put_span(out, &g_array_index(spans, lk_conf_span, i));
	}
	g_string_append(out, spans->len > 0 ? " )" : ")");
}

static void put_rates(GString *out, const GArray *rates)
{
	g_string_append(out, rates->len > 0 ? "( " : "(");
	for (unsigned i = 0; i < rates->len; i++) {
		g_string_append(out, i > 0 ? ", " : "");
		put_rate(out, &g_array_index(rates, lk_conf_rate, i));
	}
	g_string_append(out, rates->len > 0 ? " )" : ")");
}

static void put_local(GString *out, const lk_conf_text *text)
{
	if (text->in[0] && text->in[1] && text->in[2] && strcmp(text->in[0], text->in[1]) == 0 &&
	    strcmp(text->in[0], text->in[2]) == 0) {
		put_quoted(out, text->in[0]);
		return;
	}
	g_string_append(out, "{ ");
	for (int i = 0; i < LK_CONF_N_LANGS; i++) {
		if (!text->in[i])
			continue;
		g_string_append_printf(out, "%s = ", lk_conf_lang_code((lk_conf_lang)i));
		put_quoted(out, text->in[i]);
		g_string_append(out, "; ");
	}
	g_string_append(out, "}");
}

static void put_secret(GString *out, const lk_conf_secret *secret)
{
	static const char *const ways[] = {"none", "file", "command", "sealed", "plain"};

	g_string_append(out, ways[secret->form]);
	if (secret->form == LK_CONF_SECRET_FILE || secret->form == LK_CONF_SECRET_COMMAND) {
		g_string_append_c(out, ' ');
		put_quoted(out, secret->where);
	}
}

static void put_test(GString *out, const lk_conf_test *test)
{
	bool any = strcmp(test->name, "any") == 0 || strcmp(test->name, "none") == 0;

	if (strcmp(test->name, "all") == 0 || any) {
		g_string_append_printf(out, "%s(", test->name);
		for (unsigned i = 0; i < test->children->len; i++) {
			g_string_append(out, i > 0 ? ", " : "");
			put_test(out, g_ptr_array_index(test->children, i));
		}
		g_string_append(out, ")");
		return;
	}
	g_string_append(out, test->name);
	if (test->argument) {
		g_string_append_c(out, ' ');
		put_quoted(out, test->argument);
	}
	g_string_append(out, test->negated ? " != " : " = ");
	put_list(out, test->values);
}

static void put_sets(GString *out, const GPtrArray *sets)
{
	g_string_append(out, "{ ");
	for (unsigned i = 0; i < sets->len; i++) {
		const lk_conf_set *set = g_ptr_array_index(sets, i);

		g_string_append(out, set->name);
		if (set->argument) {
			g_string_append_c(out, ' ');
			put_quoted(out, set->argument);
		}
		g_string_append(out, " = ");
		put_list(out, set->values);
		g_string_append(out, "; ");
	}
	g_string_append(out, "}");
}

static void put_number(GString *out, const lk_setting *setting, int64_t number)
{
	if (setting->type == LK_SET_INT)
		g_string_append_printf(out, "%" PRId64, number);
	else if (setting->type == LK_SET_SIZE)
		put_size(out, number);
	else
		put_seconds(out, number);
}

static void put_listed(GString *out, const lk_setting *setting, const void *place)
{
	switch (setting->type) {
	case LK_SET_LIST:
		put_list(out, *(GPtrArray *const *)place);
		break;
	case LK_SET_SPANS:
		put_spans(out, *(GArray *const *)place);
		break;
	case LK_SET_RATES:
		put_rates(out, *(GArray *const *)place);
		break;
	case LK_SET_MATCH:
		put_test(out, *(lk_conf_test *const *)place);
		break;
	case LK_SET_SETS:
		put_sets(out, *(GPtrArray *const *)place);
		break;
	default: /* GROUP and OBJECTS are printed member by member */
		g_assert_not_reached();
	}
}

char *lk_setting_print(const lk_setting *setting, const void *object)
{
	const void *place = (const char *)object + setting->offset;
	GString *out = g_string_new(NULL);

	switch (setting->type) {
	case LK_SET_TEXT:
		put_text(out, setting, *(char *const *)place);
		break;
	case LK_SET_BOOL:
		g_string_append(out, *(const bool *)place ? "true" : "false");
		break;
	case LK_SET_INT:
	case LK_SET_DURATION:
	case LK_SET_SIZE:
		put_number(out, setting, *(const int64_t *)place);
		break;
	case LK_SET_SPAN:
		put_span(out, place);
		break;
	case LK_SET_RATE:
		put_rate(out, place);
		break;
	case LK_SET_AFTER:
		put_after(out, place);
		break;
	case LK_SET_ENUM:
		put_quoted(out, setting->choices[*(const int *)place]);
		break;
	case LK_SET_LOCAL:
		put_local(out, place);
		break;
	case LK_SET_SECRET:
		put_secret(out, place);
		break;
	default:
		put_listed(out, setting, place);
		break;
	}
	return g_string_free(out, FALSE);
}

char *lk_setting_print_default(const lk_setting *setting)
{
	GString *out = NULL;
	g_auto(GStrv) words = NULL;

	if (!setting->fallback)
		return NULL;
	out = g_string_new(NULL);
	switch (setting->type) {
	case LK_SET_BOOL:
	case LK_SET_INT:
		g_string_append(out, setting->fallback);
		break;
	case LK_SET_LIST:
	case LK_SET_SPANS:
	case LK_SET_RATES:
		words = g_strsplit(setting->fallback, " ", 0);
		g_string_append(out, "( ");
		for (unsigned i = 0; words[i]; i++) {
			g_string_append(out, i > 0 ? ", " : "");
			put_quoted(out, words[i]);
		}
		g_string_append(out, " )");
		break;
	default:
		put_quoted(out, setting->fallback);
		break;
	}
	return g_string_free(out, FALSE);
}
