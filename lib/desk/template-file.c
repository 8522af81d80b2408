/* Where the text of a template lies: the site's own, then the installed ones. */
#include "lib/desk/template.h"

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/path.h"

#include <string.h>

enum { MAX_TEMPLATE = 256 * 1024 };

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

/* The path if a file is there. Consumes it. */
static char *look(char *path)
{
	if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
		return path;
	g_free(path);
	return NULL;
}

enum { PLACES = 4 };

/* The n-th place in a folder of templates, nearest first. Caller frees; NULL: no such place. */
static char *place_of(const char *dir, unsigned n, const char *queue, const char *language)
{
	bool has_queue = queue && *queue && *queue != '.' && !strchr(queue, '/');

	switch (n) {
	case 0:
		return has_queue ? g_build_filename(dir, "queues", queue, language, NULL) : NULL;
	case 1:
		return has_queue ? g_build_filename(dir, "queues", queue, "common", NULL) : NULL;
	case 2:
		return g_build_filename(dir, language, NULL);
	default:
		return g_build_filename(dir, "common", NULL);
	}
}

/* A template that was looked for, while lk_template_remember is on. */
typedef struct {
	char *path; /* NULL: there is none */
	unsigned rank;
	char *text; /* NULL: not read yet */
} memory;

static GHashTable *remembered; /* key_of() -> memory */

static void memory_free(gpointer data)
{
	memory *m = data;

	g_free(m->path);
	g_free(m->text);
	g_free(m);
}

void lk_template_remember(bool on)
{
	g_clear_pointer(&remembered, g_hash_table_unref);
	if (on)
		remembered = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, memory_free);
}

static char *search(const char *override_dir, const char *queue, const char *language,
		    const char *name, const char *suffix, unsigned *ret_rank)
{
	g_autofree char *file = g_strconcat(name, ".", suffix, NULL);
	g_autofree char *installed = lk_data_path("templates");
	const char *const dirs[] = {override_dir, installed};

	if (!is_path(name))
		return NULL;
	for (unsigned i = 0; i < G_N_ELEMENTS(dirs) * PLACES; i++) {
		const char *dir = dirs[i / PLACES];
		g_autofree char *place =
			dir && *dir ? place_of(dir, i % PLACES, queue, language) : NULL;
		char *path = place ? look(g_build_filename(place, file, NULL)) : NULL;

		*ret_rank = i;
		if (path)
			return path;
	}
	return NULL;
}

/* What is remembered of it, looked for when it has not been; NULL: nothing is remembered. */
static memory *recall(const char *override_dir, const char *queue, const char *language,
		      const char *name, const char *suffix)
{
	if (!remembered)
		return NULL;
	char *key = g_strjoin("\n", override_dir ? override_dir : "", queue ? queue : "", language,
			      name, suffix, NULL);
	memory *m = g_hash_table_lookup(remembered, key);

	if (m) {
		g_free(key);
		return m;
	}
	m = g_new0(memory, 1);
	m->path = search(override_dir, queue, language, name, suffix, &m->rank);
	g_hash_table_insert(remembered, key, m);
	return m;
}

/* *ret_rank: how near it was found. */
static char *find(const char *override_dir, const char *queue, const char *language,
		  const char *name, const char *suffix, unsigned *ret_rank)
{
	const memory *m = recall(override_dir, queue, language, name, suffix);

	if (!m)
		return search(override_dir, queue, language, name, suffix, ret_rank);
	*ret_rank = m->rank;
	return g_strdup(m->path);
}

char *lk_template_find(const char *override_dir, const char *queue, const char *language,
		       const char *name, const char *suffix)
{
	unsigned rank = 0;

	return find(override_dir, queue, language, name, suffix, &rank);
}

bool lk_template_has_html(const char *override_dir, const char *queue, const char *language,
			  const char *name)
{
	unsigned text_rank = 0;
	unsigned html_rank = 0;
	g_autofree char *text = find(override_dir, queue, language, name, "txt", &text_rank);
	g_autofree char *html = find(override_dir, queue, language, name, "html", &html_rank);

	return html && (!text || html_rank <= text_rank);
}

typedef struct {
	const char *override_dir;
	const char *queue;
	const char *language;
	const char *suffix;
} place;

/* The file at the path that was found for this name. Caller frees. */
static bool read_text(const place *p, const char *name, const char *path, GString **ret_text,
		      GError **error)
{
	memory *m = recall(p->override_dir, p->queue, p->language, name, p->suffix);

	if (m && m->text) {
		*ret_text = g_string_new(m->text);
		return true;
	}
	if (!lk_read_file(path, MAX_TEMPLATE, ret_text, error))
		return false;
	if (m)
		m->text = g_strdup((*ret_text)->str);
	return true;
}

static char *load_partial(const char *name, void *data)
{
	const place *p = data;
	g_autofree char *path =
		lk_template_find(p->override_dir, p->queue, p->language, name, p->suffix);
	g_autoptr(GString) text = NULL;

	if (!path || !read_text(p, name, path, &text, NULL))
		return NULL;
	/* The line feed that ends a file is no part of what stands in style="". */
	if (g_str_has_prefix(name, LK_TEMPLATE_STYLE))
		g_strchomp(text->str);
	return g_strdup(text->str);
}

static bool fill(const place *p, const char *name, const char *content, const lk_json *values,
		 char **ret_text, GError **error)
{
	g_autofree char *path =
		lk_template_find(p->override_dir, p->queue, p->language, name, p->suffix);
	g_autoptr(GString) text = NULL;
	lk_template_options options = {.is_html = strcmp(p->suffix, "html") == 0,
				       .loader = load_partial,
				       .loader_data = (void *)p,
				       .content = content};

	if (!path) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
			    "template %s/%s.%s is missing: reinstall luukku or put it into the "
			    "templates directory",
			    p->language, name, p->suffix);
		return false;
	}
	if (!read_text(p, name, path, &text, error))
		return false;
	if (!lk_template_render(text->str, values, &options, ret_text, error)) {
		g_prefix_error(error, "%s: ", path);
		return false;
	}
	return true;
}

bool lk_template_fill(const char *override_dir, const char *queue, const char *language,
		      const char *name, const char *suffix, const lk_json *values, char **ret_text,
		      GError **error)
{
	const place p = {override_dir, queue, language, suffix};

	return fill(&p, name, NULL, values, ret_text, error);
}

bool lk_template_wrap(const char *override_dir, const char *queue, const char *language,
		      const char *name, const char *content, const lk_json *values, char **ret_html,
		      GError **error)
{
	const place p = {override_dir, queue, language, "html"};

	return fill(&p, name, content, values, ret_html, error);
}
