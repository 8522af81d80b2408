#include "lib/desk/template.h"

#include "lib/base/err.h"
#include "lib/desk/template-private.h"

#include <string.h>

enum { MAX_OUTPUT = 4 * 1024 * 1024, MAX_STEPS = 1000000 };

typedef struct {
	const lk_template_options *options;
	GPtrArray *stack; /* const lk_json * */
	GString *out;
	unsigned depth;	      /* of partials */
	unsigned steps;	      /* nodes written so far */
	GHashTable *partials; /* name -> GPtrArray of lk_node: read once a rendering */
} writer;

static const lk_json *look_up(const writer *w, const char *name)
{
	const lk_json *value = NULL;

	if (strcmp(name, ".") == 0)
		return g_ptr_array_index(w->stack, w->stack->len - 1);
	g_auto(GStrv) parts = g_strsplit(name, ".", -1);
	for (unsigned i = w->stack->len; i > 0 && !value; i--)
		value = lk_json_get(g_ptr_array_index(w->stack, i - 1), parts[0]);
	for (unsigned i = 1; parts[0] && parts[i] && value; i++)
		value = lk_json_get(value, parts[i]);
	return value;
}

static void write_value(writer *w, const lk_json *value, bool escapes)
{
	g_autofree char *dump = NULL;
	const char *text = value ? lk_json_text(value) : "";

	if (!text) {
		dump = lk_json_dump(value, false);
		text = strcmp(dump, "null") == 0 ? "" : dump;
	}
	if (!escapes) {
		g_string_append(w->out, text);
		return;
	}
	for (const char *p = text; *p; p++)
		switch (*p) {
		case '&':
			g_string_append(w->out, "&amp;");
			break;
		case '<':
			g_string_append(w->out, "&lt;");
			break;
		case '>':
			g_string_append(w->out, "&gt;");
			break;
		case '"':
			g_string_append(w->out, "&quot;");
			break;
		case '\'':
			g_string_append(w->out, "&#39;");
			break;
		default:
			g_string_append_c(w->out, *p);
		}
}

static bool write_nodes(writer *w, const GPtrArray *nodes, GError **error);

static char *indented(const char *text, const char *indent)
{
	g_autoptr(GString) out = g_string_new(NULL);

	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n");
		n += p[n] == '\n';
		g_string_append(out, indent);
		g_string_append_len(out, p, (gssize)n);
		p += n;
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* The partial's tree; NULL: there is no such partial, or (with error) it is wrong. */
static const GPtrArray *read_partial(writer *w, const lk_node *n, GError **error)
{
	const char *indent = n->indent ? n->indent : "";
	g_autofree char *key = g_strconcat(n->text, "\n", indent, NULL);
	GPtrArray *nodes = g_hash_table_lookup(w->partials, key);
	g_autofree char *text = NULL;
	g_autofree char *moved = NULL;

	if (nodes)
		return nodes;
	text = w->options->loader ? w->options->loader(n->text, w->options->loader_data) : NULL;
	if (!text)
		return NULL;
	moved = *indent ? indented(text, indent) : g_steal_pointer(&text);
	if (!lk_template_read(moved, w->options->is_html, &nodes, NULL, error))
		return NULL;
	g_hash_table_insert(w->partials, g_steal_pointer(&key), nodes);
	return nodes;
}

static bool write_partial(writer *w, const lk_node *n, GError **error)
{
	g_autoptr(GError) why = NULL;
	const GPtrArray *nodes = NULL;
	bool done = false;

	if (w->options->content && strcmp(n->text, LK_TEMPLATE_CONTENT) == 0) {
		g_string_append(w->out, w->options->content);
		return true;
	}
	nodes = read_partial(w, n, &why);
	if (!nodes && !why)
		return true;
	if (nodes && w->depth >= LK_TEMPLATE_DEPTH) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA, "partial %s is nested too deeply",
			    n->text);
		return false;
	}
	w->depth++;
	done = nodes && write_nodes(w, nodes, &why);
	w->depth--;
	if (!done)
		g_propagate_prefixed_error(error, g_steal_pointer(&why), "partial %s: ", n->text);
	return done;
}

static bool write_section(writer *w, const lk_node *n, GError **error)
{
	lk_json *value = (lk_json *)look_up(w, n->text);
	bool is_true = lk_json_is_true(value);

	if (n->type == LK_NODE_INVERTED)
		return is_true || write_nodes(w, n->children, error);
	if (!is_true)
		return true;
	bool is_list = lk_json_is_array(value);
	size_t times = is_list ? lk_json_size(value) : 1;
	for (size_t i = 0; i < times; i++) {
		g_ptr_array_add(w->stack, is_list ? lk_json_at(value, i) : value);
		bool done = write_nodes(w, n->children, error);
		g_ptr_array_set_size(w->stack, (int)w->stack->len - 1);
		if (!done)
			return false;
	}
	return true;
}

static bool write_node(writer *w, const lk_node *n, GError **error)
{
	switch (n->type) {
	case LK_NODE_TEXT:
		g_string_append(w->out, n->text);
		return true;
	case LK_NODE_VALUE:
	case LK_NODE_RAW:
		write_value(w, look_up(w, n->text),
			    n->type == LK_NODE_VALUE && w->options->is_html);
		return true;
	case LK_NODE_PARTIAL:
		return write_partial(w, n, error);
	default:
		return write_section(w, n, error);
	}
}

static bool write_nodes(writer *w, const GPtrArray *nodes, GError **error)
{
	for (unsigned i = 0; i < nodes->len; i++) {
		if (++w->steps > MAX_STEPS) {
			g_set_error(error, LK_ERROR, LK_ERR_DATA,
				    "the template takes more than %d steps", MAX_STEPS);
			return false;
		}
		if (!write_node(w, g_ptr_array_index(nodes, i), error))
			return false;
		if (w->out->len > MAX_OUTPUT) {
			g_set_error(error, LK_ERROR, LK_ERR_DATA,
				    "the template makes more than 4 MiB of text");
			return false;
		}
	}
	return true;
}

bool lk_template_render(const char *text, const lk_json *values, const lk_template_options *options,
			char **ret_text, GError **error)
{
	g_autoptr(GPtrArray) stack = g_ptr_array_new();
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GPtrArray) nodes = NULL;
	g_autoptr(GHashTable) partials = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
							       (GDestroyNotify)g_ptr_array_unref);
	writer w = {.options = options, .stack = stack, .out = out, .partials = partials};

	g_ptr_array_add(stack, (void *)values);
	if (!lk_template_read(text, options->is_html, &nodes, NULL, error) ||
	    !write_nodes(&w, nodes, error))
		return false;
	*ret_text = g_string_free(g_steal_pointer(&out), FALSE);
	return true;
}
