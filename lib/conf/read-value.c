#include "lib/conf/read.h"

#include "lib/base/units.h"
#include "lib/conf/form.h"
#include "lib/conf/rules.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/* False and found when the node is no string, or an empty one. */
static bool want_text(const lk_reader *reader, const char *label, const lk_node *node,
		      const char *should)
{
	if (node->kind != LK_NODE_TEXT) {
		lk_find_wrong_kind(reader, label, node, should);
		return false;
	}
	if (*node->text == '\0') {
		lk_find_error(&reader->findings, node->at, "%s is empty; it should be %s", label,
			      should);
		return false;
	}
	return true;
}

static void find_why(const lk_reader *reader, const char *label, const lk_node *node, char *why)
{
	lk_find_error(&reader->findings, node->at, "%s: %s", label, why);
	g_free(why);
}

static void read_text(lk_reader *reader, const lk_setting *setting, const char *label,
		      const lk_node *node, char **place)
{
	char *why = NULL;
	char *value = NULL;

	if (node->kind == LK_NODE_TEXT && *node->text == '\0' &&
	    setting->form != LK_FORM_SUBADDRESS && !setting->fallback &&
	    !(setting->flags & LK_SETTING_REQUIRED)) {
		g_clear_pointer(place, g_free);
		return;
	}
	if (node->kind != LK_NODE_TEXT ||
	    (*node->text == '\0' && setting->form != LK_FORM_SUBADDRESS)) {
		want_text(reader, label, node, "a string in quotes");
		return;
	}
	value = lk_form_read(setting, node->text, reader->conf->dir, &why);
	if (!value) {
		find_why(reader, label, node, why);
		return;
	}
	g_free(*place);
	*place = value;
}

static void read_int(lk_reader *reader, const lk_setting *setting, const char *label,
		     const lk_node *node, int64_t *place)
{
	if (node->kind != LK_NODE_INT)
		lk_find_wrong_kind(reader, label, node, "a whole number without quotes");
	else if (node->number < setting->low || node->number > setting->high)
		lk_find_error(&reader->findings, node->at,
			      "%s is %" PRId64 "; it should be from %" PRId64 " to %" PRId64, label,
			      node->number, setting->low, setting->high);
	else
		*place = node->number;
}

static void read_duration(lk_reader *reader, const lk_setting *setting, const char *label,
			  const lk_node *node, int64_t *place)
{
	char *why = NULL;
	int64_t value = 0;

	if (!want_text(reader, label, node, "a duration in quotes, such as \"90s\" or \"3d\""))
		return;
	if ((setting->flags & LK_SETTING_FOREVER) && strcmp(node->text, "forever") == 0) {
		*place = LK_CONF_FOREVER;
		return;
	}
	if (!lk_duration_read(node->text, &value, &why)) {
		find_why(reader, label, node, why);
		return;
	}
	if (value < setting->low || value > setting->high) {
		g_autofree char *low = lk_format_duration(setting->low);
		g_autofree char *high = lk_format_duration(setting->high);

		lk_find_error(&reader->findings, node->at,
			      "%s is \"%s\"; it should be from %s to %s%s", label, node->text, low,
			      high, setting->flags & LK_SETTING_FOREVER ? ", or \"forever\"" : "");
		return;
	}
	*place = value;
}

static void read_size(lk_reader *reader, const lk_setting *setting, const char *label,
		      const lk_node *node, int64_t *place)
{
	g_autoptr(GError) error = NULL;
	int64_t value = 0;

	if (!want_text(reader, label, node, "a size in quotes, such as \"50M\""))
		return;
	if (!lk_parse_size(node->text, &value, &error))
		find_why(reader, label, node, g_strdup(error->message));
	else if (value < setting->low || value > setting->high)
		lk_find_error(&reader->findings, node->at,
			      "%s is \"%s\"; it should be from %" PRId64 "K to %" PRId64 "M", label,
			      node->text, setting->low / 1024, setting->high / 1048576);
	else
		*place = value;
}

static bool read_rate(lk_reader *reader, const char *label, const lk_node *node,
		      lk_conf_rate *ret_rate)
{
	g_autoptr(GError) error = NULL;
	lk_conf_rate rate = {0, 0};

	if (!want_text(reader, label, node, "a rate in quotes, such as \"10/10m\""))
		return false;
	if (!lk_parse_rate(node->text, &rate.count, &rate.seconds, &error)) {
		find_why(reader, label, node, g_strdup(error->message));
		return false;
	}
	if (rate.count < 1 || rate.seconds < 1) {
		lk_find_error(&reader->findings, node->at, "%s: neither part of a rate may be 0",
			      label);
		return false;
	}
	*ret_rate = rate;
	return true;
}

static bool read_span(lk_reader *reader, const char *label, const lk_node *node,
		      lk_conf_span *ret_span)
{
	char *why = NULL;

	if (!want_text(reader, label, node, "open time in quotes, such as \"8h\" or \"2d\""))
		return false;
	if (lk_span_read(node->text, ret_span, &why))
		return true;
	find_why(reader, label, node, why);
	return false;
}

static void read_after(lk_reader *reader, const char *label, const lk_node *node,
		       lk_conf_after *place)
{
	char *why = NULL;
	lk_conf_after after = {LK_CONF_AFTER_KEEP, NULL};

	if (!want_text(reader, label, node,
		       "one of \"keep\", \"seen\", \"delete\", \"move:FOLDER\""))
		return;
	if (!lk_after_read(node->text, &after, &why)) {
		find_why(reader, label, node, why);
		return;
	}
	g_free(place->folder);
	*place = after;
}

static void read_enum(lk_reader *reader, const lk_setting *setting, const char *label,
		      const lk_node *node, int *place)
{
	char *why = NULL;
	int choice = 0;

	if (!want_text(reader, label, node, "a word in quotes"))
		return;
	choice = lk_choice_read(setting->choices, node->text, &why);
	if (choice < 0)
		find_why(reader, label, node, why);
	else
		*place = choice;
}

/* Texts for people may have several lines. */
static char *read_words(lk_reader *reader, const char *label, const lk_node *node)
{
	static const lk_setting lines = {.form = LK_FORM_LINES};
	char *why = NULL;
	char *value = NULL;

	if (!want_text(reader, label, node, "a text"))
		return NULL;
	value = lk_form_read(&lines, node->text, reader->conf->dir, &why);
	if (!value)
		find_why(reader, label, node, why);
	return value;
}

static void read_local(lk_reader *reader, const char *label, const lk_node *node,
		       lk_conf_text *place)
{
	static const char *const codes[] = {"fi", "sv", "en"};

	if (node->kind != LK_NODE_TEXT && node->kind != LK_NODE_GROUP) {
		lk_find_wrong_kind(reader, label, node,
				   "a string, or { fi = \"..\"; sv = \"..\"; en = \"..\"; }");
		return;
	}
	for (unsigned i = 0; node->kind == LK_NODE_TEXT && i < G_N_ELEMENTS(codes); i++) {
		g_free(place->in[i]);
		place->in[i] = i == 0 ? read_words(reader, label, node) : g_strdup(place->in[0]);
	}
	for (unsigned i = 0; i < node->items->len; i++) {
		const lk_node *item = g_ptr_array_index(node->items, i);
		g_autofree char *full = lk_label(label, item->name);
		unsigned lang = 0;

		while (lang < G_N_ELEMENTS(codes) && strcmp(codes[lang], item->name) != 0)
			lang++;
		if (lang == G_N_ELEMENTS(codes)) {
			lk_find_error(&reader->findings, item->at,
				      "%s: texts are in fi, sv and en only", full);
			continue;
		}
		g_free(place->in[lang]);
		place->in[lang] = read_words(reader, full, item);
	}
}

/* A list, or one element that stands for a list of itself: calls read for each. */
typedef void (*element_reader)(lk_reader *reader, const lk_setting *setting, const char *label,
			       const lk_node *node, void *array);

static void read_elements(lk_reader *reader, const lk_setting *setting, const char *label,
			  const lk_node *node, element_reader read, void *array)
{
	if (node->kind != LK_NODE_LIST) {
		read(reader, setting, label, node, array);
		return;
	}
	if (node->items->len == 0 && (setting->flags & LK_SETTING_FILLED))
		lk_find_error(&reader->findings, node->at, "%s is empty; it needs at least one",
			      label);
	for (unsigned i = 0; i < node->items->len; i++)
		read(reader, setting, label, g_ptr_array_index(node->items, i), array);
}

static void read_list_element(lk_reader *reader, const lk_setting *setting, const char *label,
			      const lk_node *node, void *array)
{
	GPtrArray *list = array;
	char *why = NULL;
	char *value = NULL;

	if (!want_text(reader, label, node, "a list of strings, such as ( \"a\", \"b\" )"))
		return;
	value = lk_form_read(setting, node->text, reader->conf->dir, &why);
	if (!value) {
		find_why(reader, label, node, why);
		return;
	}
	for (unsigned i = 0; i < list->len; i++) {
		if (strcmp(g_ptr_array_index(list, i), value) == 0) {
			lk_find_warning(&reader->findings, node->at, "%s: \"%s\" stands here twice",
					label, value);
			g_free(value);
			return;
		}
	}
	g_ptr_array_add(list, value);
}

static void read_span_element(lk_reader *reader, const lk_setting *setting, const char *label,
			      const lk_node *node, void *array)
{
	lk_conf_span span = {0, 0};

	if (read_span(reader, label, node, &span))
		g_array_append_val((GArray *)array, span);
}

static void read_rate_element(lk_reader *reader, const lk_setting *setting, const char *label,
			      const lk_node *node, void *array)
{
	lk_conf_rate rate = {0, 0};

	if (read_rate(reader, label, node, &rate))
		g_array_append_val((GArray *)array, rate);
}

static void read_plain_secret(lk_reader *reader, const char *label, const lk_node *node,
			      lk_conf_secret *place)
{
	struct stat st;

	if (stat(node->at.file, &st) == 0 && (st.st_mode & S_IROTH)) {
		lk_find_error(&reader->findings, node->at,
			      "%s stands in a file that everybody may read: chmod o-r it, or move "
			      "the secret into a file of its own and write %s_file",
			      label, label);
		return;
	}
	lk_find_warning(
		&reader->findings, node->at,
		"%s stands here in plain text; better write %s_file, %s_command or %s_sealed",
		label, label, label, label);
	place->plain = lk_secret_new(node->text, strlen(node->text));
}

void lk_read_secret(lk_reader *reader, const lk_setting *setting, lk_conf_secret_form form,
		    const char *label, const lk_node *node, lk_conf_secret *place)
{
	const lk_setting path = {.form = LK_FORM_PATH};
	const lk_setting command = {.form = LK_FORM_COMMAND};
	const lk_setting any = {.form = LK_FORM_ANY};
	const lk_setting *kind = form == LK_CONF_SECRET_FILE	  ? &path
				 : form == LK_CONF_SECRET_COMMAND ? &command
								  : &any;
	char *why = NULL;
	char *value = NULL;

	if (!want_text(reader, label, node, "a string in quotes"))
		return;
	if (place->form != LK_CONF_SECRET_NONE) {
		lk_find_error(&reader->findings, node->at,
			      "%s: the secret is given a second time; give exactly one of %s_file, "
			      "%s_command, %s_sealed",
			      label, lk_setting_name(setting), lk_setting_name(setting),
			      lk_setting_name(setting));
		return;
	}
	place->form = form;
	place->at = node->at;
	value = lk_form_read(kind, node->text, reader->conf->dir, &why);
	if (!value) {
		find_why(reader, label, node, why);
	} else if (form == LK_CONF_SECRET_PLAIN) {
		g_free(value);
		read_plain_secret(reader, label, node, place);
	} else {
		place->where = value;
	}
}

static void read_subgroup(lk_reader *reader, const lk_setting *setting, const char *label,
			  const lk_node *node, void *place)
{
	if (node->kind != LK_NODE_GROUP) {
		lk_find_wrong_kind(reader, label, node, "a group { }");
		return;
	}
	/* The defaults are there already; they are made anew. */
	lk_setting_clear(setting->path, place);
	*(lk_conf_origin *)place = node->at;
	lk_read_group(reader, setting->path, label, node, place);
}

static void read_single(lk_reader *reader, const lk_setting *setting, const char *label,
			const lk_node *node, void *place)
{
	lk_conf_rate rate = {0, 0};
	lk_conf_span span = {0, 0};

	switch (setting->type) {
	case LK_SET_BOOL:
		if (node->kind == LK_NODE_BOOL)
			*(bool *)place = node->is_true;
		else
			lk_find_wrong_kind(reader, label, node, "true or false without quotes");
		break;
	case LK_SET_SPAN:
		if (read_span(reader, label, node, &span))
			*(lk_conf_span *)place = span;
		break;
	case LK_SET_RATE:
		if (read_rate(reader, label, node, &rate))
			*(lk_conf_rate *)place = rate;
		break;
	case LK_SET_MATCH:
		g_clear_pointer((lk_conf_test **)place, lk_conf_test_free);
		*(lk_conf_test **)place = lk_read_match(reader, label, node);
		break;
	case LK_SET_SETS:
		g_clear_pointer((GPtrArray **)place, g_ptr_array_unref);
		*(GPtrArray **)place = lk_read_sets(reader, setting->path, label, node);
		break;
	default:
		g_assert_not_reached();
	}
}

void lk_read_value(lk_reader *reader, const lk_setting *setting, const char *label,
		   const lk_node *node, void *place)
{
	switch (setting->type) {
	case LK_SET_TEXT:
		read_text(reader, setting, label, node, place);
		break;
	case LK_SET_INT:
		read_int(reader, setting, label, node, place);
		break;
	case LK_SET_DURATION:
		read_duration(reader, setting, label, node, place);
		break;
	case LK_SET_SIZE:
		read_size(reader, setting, label, node, place);
		break;
	case LK_SET_AFTER:
		read_after(reader, label, node, place);
		break;
	case LK_SET_ENUM:
		read_enum(reader, setting, label, node, place);
		break;
	case LK_SET_LOCAL:
		read_local(reader, label, node, place);
		break;
	case LK_SET_LIST:
		g_ptr_array_set_size(*(GPtrArray **)place, 0);
		read_elements(reader, setting, label, node, read_list_element,
			      *(GPtrArray **)place);
		break;
	case LK_SET_SPANS:
		g_array_set_size(*(GArray **)place, 0);
		read_elements(reader, setting, label, node, read_span_element, *(GArray **)place);
		break;
	case LK_SET_RATES:
		g_array_set_size(*(GArray **)place, 0);
		read_elements(reader, setting, label, node, read_rate_element, *(GArray **)place);
		break;
	case LK_SET_GROUP:
		read_subgroup(reader, setting, label, node, place);
		break;
	case LK_SET_OBJECTS:
		lk_read_objects(reader, setting, label, node, place);
		break;
	default:
		read_single(reader, setting, label, node, place);
		break;
	}
}
