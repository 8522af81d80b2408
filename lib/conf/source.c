#include "lib/conf/source.h"

#include "lib/base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_BYTES = 8 << 20, MOST_DEPTH = 10, MOST_FILES = 1000 };

struct lk_source {
	GString *text;
	GArray *origins; /* lk_conf_origin of each line */
	unsigned n_files;
	bool is_whole;
};

/* One file while it is being copied into the text. */
typedef struct cursor {
	const lk_findings *findings;
	lk_source *source;
	const char *name; /* kept in findings->files */
	const char *text;
	size_t n;
	size_t at;
	int line;
	int depth;
	const struct cursor *outer; /* the file that includes this one */
} cursor;

static bool read_path(const lk_findings *findings, lk_source *source, const char *path,
		      const lk_conf_origin *from, const cursor *outer);

void lk_source_free(lk_source *source)
{
	if (!source)
		return;
	g_string_free(source->text, TRUE);
	g_array_unref(source->origins);
	g_free(source);
}

const char *lk_source_text(const lk_source *source)
{
	return source->text->str;
}

bool lk_source_is_whole(const lk_source *source)
{
	return source->is_whole;
}

lk_conf_origin lk_source_origin(const lk_source *source, int line)
{
	lk_conf_origin none = {NULL, 0};

	if (source->origins->len == 0)
		return none;
	if (line < 1)
		line = 1;
	if ((unsigned)line > source->origins->len)
		line = (int)source->origins->len;
	return g_array_index(source->origins, lk_conf_origin, line - 1);
}

static lk_conf_origin here(const cursor *c)
{
	lk_conf_origin at = {c->name, c->line};

	return at;
}

static void copy(cursor *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char byte = c->text[c->at + i];

		g_string_append_c(c->source->text, byte);
		if (byte == '\n') {
			lk_conf_origin next = {c->name, ++c->line};

			g_array_append_val(c->source->origins, next);
		}
	}
	c->at += n;
}

/* From an opening quote to behind the closing one. */
static void copy_string(cursor *c)
{
	lk_conf_origin start = here(c);
	size_t end = c->at + 1;

	while (end < c->n && c->text[end] != '"')
		end += c->text[end] == '\\' ? 2 : 1;
	if (end >= c->n) {
		lk_find_error(c->findings, start,
			      "this string is never closed; reading of the file stopped here");
		c->source->is_whole = false;
		c->at = c->n;
		return;
	}
	copy(c, end + 1 - c->at);
}

static void copy_block_comment(cursor *c)
{
	const char *end = NULL;

	if (c->at + 2 <= c->n)
		end = memmem(c->text + c->at + 2, c->n - c->at - 2, "*/", 2);
	if (!end) {
		lk_find_error(c->findings, here(c),
			      "this comment is never closed; reading of the file stopped here");
		c->source->is_whole = false;
		c->at = c->n;
		return;
	}
	copy(c, (size_t)(end + 2 - c->text) - c->at);
}

static void copy_line_comment(cursor *c)
{
	const char *end = memchr(c->text + c->at, '\n', c->n - c->at);

	copy(c, end ? (size_t)(end - c->text) - c->at : c->n - c->at);
}

static bool is_word(char byte)
{
	return g_ascii_isalnum(byte) || byte == '_' || byte == '-' || byte == '*' || byte == '.' ||
	       byte == '+';
}

/* libconfig turns 5000000000 into 705032704 without a word. */
static void copy_word(cursor *c)
{
	size_t end = c->at;
	size_t digits = 0;
	g_autofree char *word = NULL;
	int64_t number = 0;
	bool is_hex = false;

	while (end < c->n && is_word(c->text[end]))
		end++;
	word = g_strndup(c->text + c->at, end - c->at);
	is_hex = g_ascii_strncasecmp(word, "0x", 2) == 0;
	digits = strspn(word + (*word == '-' || *word == '+'), "0123456789");
	if (digits > 0) {
		char *tail = word + (*word == '-' || *word == '+') + digits;

		if (strcmp(tail, "L") == 0 || strcmp(tail, "LL") == 0)
			*tail = '\0';
		if ((*tail == '\0' && !lk_parse_int(*word == '+' ? word + 1 : word, INT32_MIN,
						    INT32_MAX, &number, NULL)) ||
		    (is_hex && strspn(word + 2, "0123456789abcdefABCDEF") > 7))
			lk_find_error(c->findings, here(c),
				      "%s is too large a number; sizes and durations are strings "
				      "with a unit, such as \"50M\" or \"90s\"",
				      word);
	}
	copy(c, end - c->at);
}

/* At the beginning of a line: is it @include "name"? Sets the bytes to the end of the line. */
static bool is_include(const cursor *c, char **ret_name, size_t *ret_n, bool *ret_clean)
{
	const char *line = c->text + c->at;
	const char *newline = memchr(line, '\n', c->n - c->at);
	size_t n = newline ? (size_t)(newline - line) : c->n - c->at;
	g_autofree char *copied = g_strndup(line, n);
	char *p = copied + strspn(copied, " \t");
	char *end = NULL;

	if (!g_str_has_prefix(p, "@include"))
		return false;
	*ret_n = n;
	*ret_clean = false;
	p += strlen("@include");
	p += strspn(p, " \t");
	end = *p == '"' ? strchr(p + 1, '"') : NULL;
	if (!end) {
		*ret_name = NULL;
		return true;
	}
	*ret_name = g_strndup(p + 1, (size_t)(end - p - 1));
	end += 1 + strspn(end + 1, " \t\r");
	*ret_clean = *end == '\0' || *end == '#' || g_str_has_prefix(end, "//");
	return true;
}

/* Whatever comes next stands at that place, and not on a line that was begun elsewhere. */
static void end_line(lk_source *source, lk_conf_origin at)
{
	if (source->text->len > 0 && source->text->str[source->text->len - 1] != '\n') {
		g_string_append_c(source->text, '\n');
		g_array_append_val(source->origins, at);
		return;
	}
	g_array_index(source->origins, lk_conf_origin, source->origins->len - 1) = at;
}

static void put_include(cursor *c, const char *name, size_t n, bool clean)
{
	lk_conf_origin at = here(c);
	const char *slash = strrchr(c->name, '/');
	g_autofree char *folder = g_strndup(c->name, slash ? (size_t)(slash + 1 - c->name) : 0);
	g_autofree char *path = NULL;

	c->at += n;
	if (!name || !clean || *name == '\0') {
		lk_find_error(c->findings, at,
			      "write @include \"FILE\" alone on its line, with one file name");
		c->source->is_whole = false;
		return;
	}
	path = g_path_is_absolute(name) ? g_strdup(name) : g_strconcat(folder, name, NULL);
	if (!read_path(c->findings, c->source, path, &at, c))
		c->source->is_whole = false;
	/* What follows stands on this file's lines again. */
	end_line(c->source, at);
}

static void copy_file(cursor *c)
{
	bool at_line_start = true;

	while (c->at < c->n) {
		char byte = c->text[c->at];
		g_autofree char *name = NULL;
		size_t n = 0;
		bool clean = false;

		if (at_line_start && is_include(c, &name, &n, &clean)) {
			put_include(c, name, n, clean);
			at_line_start = false;
			continue;
		}
		at_line_start = byte == '\n';
		if (byte == '"')
			copy_string(c);
		else if (byte == '#' ||
			 (byte == '/' && c->at + 1 < c->n && c->text[c->at + 1] == '/'))
			copy_line_comment(c);
		else if (byte == '/' && c->at + 1 < c->n && c->text[c->at + 1] == '*')
			copy_block_comment(c);
		else if (is_word(byte))
			copy_word(c);
		else
			copy(c, 1);
	}
}

static bool read_bytes(const char *path, size_t most, GString **ret_bytes, char **ret_why)
{
	g_autoptr(GString) bytes = g_string_new(NULL);
	struct stat st;
	ssize_t got = 0;
	/* O_NONBLOCK: a FIFO without a writer must not hold the program. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, &st) != 0) {
		*ret_why = g_strdup(g_strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		*ret_why = g_strdup("it is not a regular file");
		return false;
	}
	do {
		char chunk[4096];

		got = read(fd, chunk, sizeof(chunk));
		if (got > 0)
			g_string_append_len(bytes, chunk, got);
	} while ((got > 0 && bytes->len <= most) || (got < 0 && errno == EINTR));
	if (got < 0 || bytes->len > most) {
		*ret_why = got < 0 ? g_strdup(g_strerror(errno))
				   : g_strdup("the configuration is larger than 8 MB");
		close(fd);
		return false;
	}
	close(fd);
	*ret_bytes = g_steal_pointer(&bytes);
	return true;
}

/* From the file, or from what was recorded of it. */
static bool read_recorded(lk_snapshot *snapshot, const char *path, size_t most, GString **ret_bytes,
			  char **ret_why)
{
	const GString *kept = NULL;

	if (!snapshot || !lk_snapshot_is_source(snapshot)) {
		if (!read_bytes(path, most, ret_bytes, ret_why))
			return false;
		if (snapshot)
			lk_snapshot_add(snapshot, path, *ret_bytes);
		return true;
	}
	kept = lk_snapshot_find(snapshot, path);
	if (!kept) {
		*ret_why = g_strdup("it was no part of the configuration that was checked");
		return false;
	}
	*ret_bytes = g_string_new_len(kept->str, (gssize)kept->len);
	return true;
}

static bool read_path(const lk_findings *findings, lk_source *source, const char *path,
		      const lk_conf_origin *from, const cursor *outer)
{
	int depth = outer ? outer->depth + 1 : 0;
	g_autoptr(GString) bytes = NULL;
	g_autofree char *why = NULL;
	lk_conf_origin start = {lk_file_name_keep(findings->files, path), 1};
	lk_conf_origin blame = from ? *from : (lk_conf_origin){start.file, 0};
	cursor c = {findings, source, start.file, NULL, 0, 0, 1, depth, outer};
	const char *nul = NULL;

	for (const cursor *c_outer = outer; c_outer; c_outer = c_outer->outer) {
		if (strcmp(c_outer->name, path) == 0) {
			lk_find_error(findings, blame, "%s includes itself", path);
			return false;
		}
	}
	if (depth > MOST_DEPTH || ++source->n_files > MOST_FILES) {
		lk_find_error(findings, blame,
			      "@include goes too deep: at most %d levels and %d files", MOST_DEPTH,
			      MOST_FILES);
		return false;
	}
	if (!read_recorded(findings->snapshot, path,
			   MOST_BYTES - MIN(source->text->len, MOST_BYTES), &bytes, &why)) {
		lk_find_error(findings, blame, "cannot read %s%s: %s", from ? "the file " : "it",
			      from ? path : "", why);
		return false;
	}
	nul = memchr(bytes->str, '\0', bytes->len);
	if (nul) {
		lk_conf_origin at = start;

		for (const char *p = bytes->str; p < nul; p++)
			at.line += *p == '\n';
		lk_find_error(findings, at, "the file holds a NUL byte; is it a text file?");
		return false;
	}
	c.text = bytes->str;
	c.n = bytes->len;
	if (source->origins->len > 0)
		g_array_index(source->origins, lk_conf_origin, source->origins->len - 1) = start;
	else
		g_array_append_val(source->origins, start);
	copy_file(&c);
	return true;
}

bool lk_source_read(const lk_findings *findings, const char *path, const lk_conf_origin *at,
		    lk_source **ret_source)
{
	g_autoptr(lk_source) source = g_new0(lk_source, 1);

	source->text = g_string_new(NULL);
	source->origins = g_array_new(FALSE, FALSE, sizeof(lk_conf_origin));
	source->is_whole = true;
	if (!read_path(findings, source, path, at, NULL))
		return false;
	*ret_source = g_steal_pointer(&source);
	return true;
}
