#include "lib/desk/template.h"

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/path.h"

#include <string.h>

enum { MAX_DEPTH = 32, MAX_OUTPUT = 4 * 1024 * 1024, MAX_TEMPLATE = 256 * 1024 };

typedef enum {
	NODE_TEXT,
	NODE_VALUE,
	NODE_RAW,
	NODE_SECTION,
	NODE_INVERTED,
	NODE_PARTIAL
} node_type;

typedef struct {
	node_type type;
	char *text; /* literal text, or the name */
	char *indent;
	GPtrArray *children; /* node *, of sections */
} node;

static void node_free(void *data)
{
	node *n = data;

	g_free(n->text);
	g_free(n->indent);
	if (n->children)
		g_ptr_array_unref(n->children);
	g_free(n);
}

static node *add_node(GPtrArray *nodes, node_type type, const char *text, size_t length)
{
	node *n = g_new0(node, 1);

	n->type = type;
	n->text = g_strndup(text, length);
	if (type == NODE_SECTION || type == NODE_INVERTED)
		n->children = g_ptr_array_new_with_free_func(node_free);
	g_ptr_array_add(nodes, n);
	return n;
}

/* --- reading ---------------------------------------------------------------------------------- */

typedef struct {
	const char *start;
	const char *at;
	char *open; /* delimiters in force */
	char *close;
	unsigned depth;
} reader;

static bool fail(const reader *r, const char *at, GError **error, const char *what)
{
	unsigned line = 1;

	for (const char *p = r->start; p < at; p++)
		line += *p == '\n';
	g_set_error(error, LK_ERROR, LK_ERR_DATA, "line %u of the template: %s", line, what);
	return false;
}

/* One tag: sigil, name and where it begins and ends. */
typedef struct {
	char sigil; /* 0 for a plain variable */
	char *name;
	const char *begin;
	const char *end;
} tag;

static void tag_clear(tag *t)
{
	g_free(t->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(tag, tag_clear)

static bool read_tag(const reader *r, const char *begin, tag *ret_tag, GError **error)
{
	const char *p = begin + strlen(r->open);
	char sigil = *p && strchr("#^/>!&{=", *p) ? *p++ : '\0';
	g_autofree char *closer = g_strconcat(sigil == '{'   ? "}"
					      : sigil == '=' ? "="
							     : "",
					      r->close, NULL);
	const char *end = strstr(p, closer);

	if (!end)
		return fail(r, begin, error, "a tag begins here and does not end");
	ret_tag->sigil = sigil;
	ret_tag->name = g_strstrip(g_strndup(p, (size_t)(end - p)));
	ret_tag->begin = begin;
	ret_tag->end = end + strlen(closer);
	return true;
}

/*
 * A tag that makes no output and stands alone on its line takes the line with it. *ret_begin is
 * then the line's start and *ret_end the next line's.
 */
static bool is_standalone(const reader *r, const tag *t, const char **ret_begin,
			  const char **ret_end)
{
	const char *begin = t->begin;
	const char *end = t->end;

	if (!t->sigil || !strchr("#^/>!=", t->sigil))
		return false;
	while (begin > r->start && (begin[-1] == ' ' || begin[-1] == '\t'))
		begin--;
	if (begin > r->start && begin[-1] != '\n')
		return false;
	end += strspn(end, " \t");
	if (*end == '\r' && end[1] == '\n')
		end++;
	if (*end && *end != '\n')
		return false;
	*ret_begin = begin;
	*ret_end = *end ? end + 1 : end;
	return true;
}

static bool set_delimiters(reader *r, const tag *t, GError **error)
{
	g_auto(GStrv) parts = g_strsplit_set(t->name, " \t\n", -1);
	const char *open = NULL;
	const char *close = NULL;

	for (unsigned i = 0; parts[i]; i++) {
		if (!*parts[i])
			continue;
		if (!open)
			open = parts[i];
		else
			close = parts[i];
	}
	if (!open || !close || strchr(t->name, '='))
		return fail(r, t->begin, error, "delimiters are set like {{=<% %>=}}");
	g_free(r->open);
	g_free(r->close);
	r->open = g_strdup(open);
	r->close = g_strdup(close);
	return true;
}

static bool read_nodes(reader *r, const char *section, const char *section_at, GPtrArray *nodes,
		       GError **error);

static bool read_section(reader *r, const tag *t, GPtrArray *nodes, GError **error)
{
	node *n = add_node(nodes, t->sigil == '#' ? NODE_SECTION : NODE_INVERTED, t->name,
			   strlen(t->name));

	if (r->depth >= MAX_DEPTH)
		return fail(r, t->begin, error, "sections are nested too deeply");
	r->depth++;
	bool done = read_nodes(r, n->text, t->begin, n->children, error);
	r->depth--;
	return done;
}

/* Takes one tag. *ret_closed: it ends the section that is being read. */
static bool take_tag(reader *r, const tag *t, const char *line, const char *section,
		     GPtrArray *nodes, bool *ret_closed, GError **error)
{
	node *n = NULL;

	*ret_closed = false;
	switch (t->sigil) {
	case '!':
		return true;
	case '=':
		return set_delimiters(r, t, error);
	case '#':
	case '^':
		return read_section(r, t, nodes, error);
	case '/':
		if (!section || strcmp(section, t->name) != 0)
			return fail(r, t->begin, error, "this ends a section that did not begin");
		*ret_closed = true;
		return true;
	case '>':
		n = add_node(nodes, NODE_PARTIAL, t->name, strlen(t->name));
		n->indent = line ? g_strndup(line, (size_t)(t->begin - line)) : NULL;
		return true;
	case '&':
	case '{':
		add_node(nodes, NODE_RAW, t->name, strlen(t->name));
		return true;
	default:
		add_node(nodes, NODE_VALUE, t->name, strlen(t->name));
		return true;
	}
}

static bool read_nodes(reader *r, const char *section, const char *section_at, GPtrArray *nodes,
		       GError **error)
{
	for (;;) {
		const char *begin = strstr(r->at, r->open);
		if (!begin) {
			add_node(nodes, NODE_TEXT, r->at, strlen(r->at));
			r->at += strlen(r->at);
			return !section ||
			       fail(r, section_at, error, "a section begins here and does not end");
		}
		g_auto(tag) t = {0};
		const char *line = NULL;
		const char *next = NULL;
		bool is_closed = false;
		if (!read_tag(r, begin, &t, error))
			return false;
		bool is_alone = is_standalone(r, &t, &line, &next);
		const char *text_end = is_alone && line > r->at ? line : begin;
		if (is_alone && line <= r->at)
			text_end = r->at;
		add_node(nodes, NODE_TEXT, r->at, (size_t)(text_end - r->at));
		r->at = is_alone ? next : t.end;
		if (!take_tag(r, &t, is_alone ? line : NULL, section, nodes, &is_closed, error))
			return false;
		if (is_closed)
			return true;
	}
}

/* --- writing ---------------------------------------------------------------------------------- */

typedef struct {
	const lk_template_options *options;
	GPtrArray *stack; /* const lk_json * */
	GString *out;
	unsigned depth; /* of partials */
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

static bool write_text(writer *w, const char *text, GError **error);
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

static bool write_partial(writer *w, const node *n, GError **error)
{
	g_autofree char *text =
		w->options->loader ? w->options->loader(n->text, w->options->loader_data) : NULL;

	if (!text)
		return true;
	if (w->depth >= MAX_DEPTH) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA, "partial %s is nested too deeply",
			    n->text);
		return false;
	}
	g_autofree char *moved =
		n->indent && *n->indent ? indented(text, n->indent) : g_steal_pointer(&text);
	w->depth++;
	bool done = write_text(w, moved, error);
	w->depth--;
	if (!done)
		g_prefix_error(error, "partial %s: ", n->text);
	return done;
}

static bool write_section(writer *w, const node *n, GError **error)
{
	lk_json *value = (lk_json *)look_up(w, n->text);
	bool is_true = lk_json_is_true(value);

	if (n->type == NODE_INVERTED)
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

static bool write_node(writer *w, const node *n, GError **error)
{
	switch (n->type) {
	case NODE_TEXT:
		g_string_append(w->out, n->text);
		return true;
	case NODE_VALUE:
	case NODE_RAW:
		write_value(w, look_up(w, n->text), n->type == NODE_VALUE && w->options->is_html);
		return true;
	case NODE_PARTIAL:
		return write_partial(w, n, error);
	default:
		return write_section(w, n, error);
	}
}

static bool write_nodes(writer *w, const GPtrArray *nodes, GError **error)
{
	for (unsigned i = 0; i < nodes->len; i++) {
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

static bool write_text(writer *w, const char *text, GError **error)
{
	g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func(node_free);
	reader r = {.start = text, .at = text, .open = g_strdup("{{"), .close = g_strdup("}}")};
	bool done = read_nodes(&r, NULL, NULL, nodes, error);

	g_free(r.open);
	g_free(r.close);
	return done && write_nodes(w, nodes, error);
}

bool lk_template_render(const char *text, const lk_json *values, const lk_template_options *options,
			char **ret_text, GError **error)
{
	g_autoptr(GPtrArray) stack = g_ptr_array_new();
	g_autoptr(GString) out = g_string_new(NULL);
	writer w = {.options = options, .stack = stack, .out = out};

	g_ptr_array_add(stack, (void *)values);
	if (!write_text(&w, text, error))
		return false;
	*ret_text = g_string_free(g_steal_pointer(&out), FALSE);
	return true;
}

/* --- files ------------------------------------------------------------------------------------ */

/* Names come from the code and from templates; none may leave the directory. */
static bool is_name(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_-") == strlen(name);
}

/* Quick-fill texts lie in a folder of their own, so that they have no names of mails. */
static bool is_path(const char *name)
{
	return is_name(g_str_has_prefix(name, LK_TEMPLATE_QUICK) ? name + strlen(LK_TEMPLATE_QUICK)
								 : name);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_quick(const char *dir, GPtrArray *names)
{
	g_autoptr(GDir) folder = g_dir_open(dir, 0, NULL);
	const char *file = NULL;

	while (folder && names->len < LK_TEMPLATE_QUICKS && (file = g_dir_read_name(folder))) {
		g_autofree char *name = g_strndup(file, strlen(file) - MIN(strlen(file), 4));
		if (g_str_has_suffix(file, ".txt") && is_name(name) &&
		    !g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
			g_ptr_array_add(names, g_steal_pointer(&name));
	}
}

GPtrArray *lk_template_quick_names(const char *override_dir, const char *queue,
				   const char *language)
{
	g_autofree char *installed = lk_data_path("templates");
	const char *const dirs[] = {override_dir, installed};
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

	for (unsigned i = 0; i < G_N_ELEMENTS(dirs); i++) {
		if (!dirs[i] || !*dirs[i])
			continue;
		g_autofree char *of_all =
			g_build_filename(dirs[i], language, LK_TEMPLATE_QUICK, NULL);
		if (queue && *queue && !strchr(queue, '/')) {
			g_autofree char *of_queue = g_build_filename(
				dirs[i], "queues", queue, language, LK_TEMPLATE_QUICK, NULL);
			add_quick(of_queue, names);
		}
		add_quick(of_all, names);
	}
	g_ptr_array_sort(names, compare_names);
	return names;
}

char *lk_template_find(const char *override_dir, const char *queue, const char *language,
		       const char *name, const char *suffix)
{
	g_autofree char *file = g_strconcat(name, ".", suffix, NULL);
	g_autofree char *installed = lk_data_path("templates");
	const char *const dirs[] = {override_dir, installed};

	if (!is_path(name))
		return NULL;
	for (unsigned i = 0; i < G_N_ELEMENTS(dirs); i++) {
		if (!dirs[i] || !*dirs[i])
			continue;
		g_autofree char *of_queue =
			queue && *queue && !strchr(queue, '/')
				? g_build_filename(dirs[i], "queues", queue, language, file, NULL)
				: NULL;
		g_autofree char *of_all = g_build_filename(dirs[i], language, file, NULL);
		g_autofree char *common = g_build_filename(dirs[i], "common", file, NULL);
		if (of_queue && g_file_test(of_queue, G_FILE_TEST_IS_REGULAR))
			return g_steal_pointer(&of_queue);
		if (g_file_test(of_all, G_FILE_TEST_IS_REGULAR))
			return g_steal_pointer(&of_all);
		if (g_file_test(common, G_FILE_TEST_IS_REGULAR))
			return g_steal_pointer(&common);
	}
	return NULL;
}

typedef struct {
	const char *override_dir;
	const char *queue;
	const char *language;
	const char *suffix;
} place;

static char *load_partial(const char *name, void *data)
{
	const place *p = data;
	g_autofree char *path =
		lk_template_find(p->override_dir, p->queue, p->language, name, p->suffix);
	g_autoptr(GString) text = NULL;

	if (!path || !lk_read_file(path, MAX_TEMPLATE, &text, NULL))
		return NULL;
	return g_strndup(text->str, text->len);
}

bool lk_template_fill(const char *override_dir, const char *queue, const char *language,
		      const char *name, const char *suffix, const lk_json *values, char **ret_text,
		      GError **error)
{
	g_autofree char *path = lk_template_find(override_dir, queue, language, name, suffix);
	g_autoptr(GString) text = NULL;
	place p = {override_dir, queue, language, suffix};
	lk_template_options options = {
		.is_html = strcmp(suffix, "html") == 0, .loader = load_partial, .loader_data = &p};

	if (!path) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
			    "template %s/%s.%s is missing: reinstall luukku or put it into the "
			    "templates directory",
			    language, name, suffix);
		return false;
	}
	if (!lk_read_file(path, MAX_TEMPLATE, &text, error))
		return false;
	if (!lk_template_render(text->str, values, &options, ret_text, error)) {
		g_prefix_error(error, "%s: ", path);
		return false;
	}
	return true;
}
