/* A template's text as a tree: tags, sections, lines that vanish. */
#include "lib/desk/template-private.h"

#include "lib/base/err.h"

#include <string.h>

static void node_free(void *data)
{
	lk_node *n = data;

	g_free(n->text);
	g_free(n->indent);
	if (n->children)
		g_ptr_array_unref(n->children);
	g_free(n);
}

static lk_node *add_node(GPtrArray *nodes, lk_node_type type, const char *text, size_t length)
{
	lk_node *n = g_new0(lk_node, 1);

	n->type = type;
	n->text = g_strndup(text, length);
	if (type == LK_NODE_SECTION || type == LK_NODE_INVERTED)
		n->children = g_ptr_array_new_with_free_func(node_free);
	g_ptr_array_add(nodes, n);
	return n;
}

typedef struct {
	const char *start;
	const char *at;
	char *open; /* delimiters in force */
	char *close;
	unsigned depth;
	bool is_html;
	unsigned bad_line;   /* of the error */
	const char *counted; /* lines are counted up to here */
	unsigned line;
} reader;

/* Tags come in the order of the text, so that no line is counted twice. */
static unsigned line_of(reader *r, const char *at)
{
	for (; r->counted < at; r->counted++)
		r->line += *r->counted == '\n';
	return r->line;
}

static bool fail(reader *r, const char *at, GError **error, const char *what)
{
	unsigned line = 1;

	for (const char *p = r->start; p < at; p++)
		line += *p == '\n';
	r->bad_line = line;
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

static bool read_tag(reader *r, const char *begin, tag *ret_tag, GError **error)
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
	lk_node *n = add_node(nodes, t->sigil == '#' ? LK_NODE_SECTION : LK_NODE_INVERTED, t->name,
			      strlen(t->name));

	n->line = line_of(r, t->begin);
	if (r->depth >= LK_TEMPLATE_DEPTH)
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
	lk_node *n = NULL;

	*ret_closed = false;
	if (!*t->name && t->sigil != '!')
		return fail(r, t->begin, error, "a tag without a name");
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
		n = add_node(nodes, LK_NODE_PARTIAL, t->name, strlen(t->name));
		n->line = line_of(r, t->begin);
		n->indent = line ? g_strndup(line, (size_t)(t->begin - line)) : NULL;
		return true;
	case '&':
	case '{':
		if (r->is_html)
			return fail(r, t->begin, error,
				    "a value in HTML is always escaped: write {{name}}");
		add_node(nodes, LK_NODE_RAW, t->name, strlen(t->name))->line = line_of(r, t->begin);
		return true;
	default:
		add_node(nodes, LK_NODE_VALUE, t->name, strlen(t->name))->line =
			line_of(r, t->begin);
		return true;
	}
}

static bool read_nodes(reader *r, const char *section, const char *section_at, GPtrArray *nodes,
		       GError **error)
{
	for (;;) {
		const char *begin = strstr(r->at, r->open);
		if (!begin) {
			add_node(nodes, LK_NODE_TEXT, r->at, strlen(r->at));
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
		add_node(nodes, LK_NODE_TEXT, r->at, (size_t)(text_end - r->at));
		r->at = is_alone ? next : t.end;
		if (!take_tag(r, &t, is_alone ? line : NULL, section, nodes, &is_closed, error))
			return false;
		if (is_closed)
			return true;
	}
}

bool lk_template_read(const char *text, bool is_html, GPtrArray **ret_nodes, unsigned *ret_line,
		      GError **error)
{
	g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func(node_free);
	reader r = {.start = text,
		    .at = text,
		    .open = g_strdup("{{"),
		    .close = g_strdup("}}"),
		    .is_html = is_html,
		    .counted = text,
		    .line = 1};
	bool done = read_nodes(&r, NULL, NULL, nodes, error);

	g_free(r.open);
	g_free(r.close);
	if (ret_line)
		*ret_line = r.bad_line;
	if (done)
		*ret_nodes = g_steal_pointer(&nodes);
	return done;
}

/* --- for those who look a template over ------------------------------------------------------- */

static void name_free(void *data)
{
	lk_template_name *name = data;

	g_free(name->name);
	g_free(name);
}

static void add_names(const GPtrArray *nodes, GPtrArray *names)
{
	for (unsigned i = 0; i < nodes->len; i++) {
		const lk_node *n = g_ptr_array_index(nodes, i);
		lk_template_name *name = NULL;

		if (n->type == LK_NODE_TEXT)
			continue;
		name = g_new0(lk_template_name, 1);
		name->name = g_strdup(n->text);
		name->line = n->line;
		name->is_partial = n->type == LK_NODE_PARTIAL;
		g_ptr_array_add(names, name);
		if (n->children)
			add_names(n->children, names);
	}
}

bool lk_template_names(const char *text, bool is_html, GPtrArray **ret_names, unsigned *ret_line,
		       GError **error)
{
	g_autoptr(GPtrArray) nodes = NULL;

	if (!lk_template_read(text, is_html, &nodes, ret_line, error))
		return false;
	*ret_names = g_ptr_array_new_with_free_func(name_free);
	add_names(nodes, *ret_names);
	return true;
}
