#include "daemon/ctl-person.h"

#include "lib/base/csv.h"
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	MOST_BYTES = 256 * 1024 * 1024,
	LONGEST_CELL = 200,
	LONGEST_ADDRESS = 320,
	MOST_ERRORS_SHOWN = 100,
	CHUNK = 5000,
	PIECE = 65536
};

typedef enum { ADDRESS, NAME, ORGANISATION, LANGUAGE, PHONE, N_COLUMNS } column;

static const char *const column_names[N_COLUMNS] = {"address", "name", "organisation", "language",
						    "phone"};

/* The good lines of the file, column by column; what is empty there is NULL. */
typedef struct {
	lk_ctl *ctl;
	const char *path;
	unsigned place[N_COLUMNS]; /* of a column in a line, from 1; 0: the file has none */
	unsigned n_places;
	GPtrArray *cells[N_COLUMNS]; /* char * */
	GByteArray *hashes;
	GHashTable *lines;	   /* folded address -> its line; owns the address */
	GHashTable *organisations; /* case-folded name -> the name as it is known; owns both */
	unsigned bad;
} import;

static void import_init(import *im, lk_ctl *ctl, const char *path)
{
	memset(im, 0, sizeof *im);
	im->ctl = ctl;
	im->path = path;
	for (unsigned c = 0; c < N_COLUMNS; c++)
		im->cells[c] = g_ptr_array_new_with_free_func(g_free);
	im->hashes = g_byte_array_new();
	im->lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	im->organisations = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void import_clear(import *im)
{
	for (unsigned c = 0; c < N_COLUMNS; c++)
		g_ptr_array_unref(im->cells[c]);
	g_byte_array_unref(im->hashes);
	g_hash_table_unref(im->lines);
	g_hash_table_unref(im->organisations);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(import, import_clear)

static G_GNUC_PRINTF(3, 4) void complain(import *im, unsigned line, const char *format, ...)
{
	g_autofree char *text = NULL;
	g_autofree char *shown = NULL;
	va_list args;

	if (++im->bad > MOST_ERRORS_SHOWN)
		return;
	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	shown = lk_ctl_printable(text, false);
	fprintf(stderr, "%s:%u: %s\n", im->path, line, shown);
}

static void know_organisation(import *im, const char *name)
{
	char *key = g_utf8_casefold(name, -1);

	if (g_hash_table_contains(im->organisations, key))
		g_free(key);
	else
		g_hash_table_insert(im->organisations, key, g_strdup(name));
}

/* The configuration's spelling first, then the database's. */
static bool load_organisations(import *im, lk_db *db, GError **error)
{
	const lk_conf *conf = im->ctl->conf;
	g_autoptr(lk_rows) rows = NULL;

	if (!lk_db_run(db, LK_Q_PERSON_ORGANISATIONS, NULL, &rows, error))
		return false;
	for (unsigned i = 0; i < conf->organisations->len; i++)
		know_organisation(im, ((const lk_conf_organisation *)g_ptr_array_index(
					       conf->organisations, i))
					      ->name);
	for (size_t i = 0; i < lk_rows_count(rows); i++)
		know_organisation(im, lk_row_text(rows, i, "name"));
	return true;
}

static bool read_header(import *im, const GPtrArray *fields, unsigned line, GError **error)
{
	for (unsigned i = 0; i < fields->len; i++) {
		g_autofree char *squeezed = lk_text_squeeze(g_ptr_array_index(fields, i));
		g_autofree char *name = g_ascii_strdown(squeezed, -1);
		unsigned c = 0;

		while (c < N_COLUMNS && strcmp(name, column_names[c]) != 0)
			c++;
		if (c == N_COLUMNS) {
			const char *near = lk_nearest_word(name, column_names, N_COLUMNS);

			fprintf(stderr,
				"luukkuctl: warning: %s:%u: the column \"%s\" is not used%s%s%s\n",
				im->path, line, name, near != NULL ? ", did you mean \"" : "",
				near != NULL ? near : "", near != NULL ? "\"?" : "");
		} else if (im->place[c] != 0) {
			g_set_error(error, LK_ERROR, LK_ERR_DATA,
				    "%s:%u: the column \"%s\" stands there twice", im->path, line,
				    name);
			return false;
		} else {
			im->place[c] = i + 1;
		}
	}
	im->n_places = fields->len;
	if (im->place[ADDRESS] != 0)
		return true;
	g_set_error(error, LK_ERROR, LK_ERR_DATA,
		    "%s:%u: the first line has to name the columns, \"address\" among them (also "
		    "known: name, organisation, language, phone)",
		    im->path, line);
	return false;
}

/* NULL when it is empty. Caller frees. */
static char *cell_of(const import *im, const GPtrArray *fields, column c)
{
	unsigned place = im->place[c];
	const char *field = NULL;
	g_autofree char *clean = NULL;
	g_autofree char *text = NULL;

	if (place == 0 || place > fields->len)
		return NULL;
	field = g_ptr_array_index(fields, place - 1);
	clean = lk_text_clean(field, strlen(field));
	text = lk_text_squeeze(clean);
	return *text != '\0' ? g_steal_pointer(&text) : NULL;
}

static bool check_address(import *im, unsigned line, const char *address, const char *folded)
{
	const lk_conf *conf = im->ctl->conf;

	if (!lk_address_is_sane(address) || strlen(address) > LONGEST_ADDRESS) {
		complain(im, line, "\"%s\" is no mail address", address);
		return false;
	}
	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		if (g_ptr_array_find_with_equal_func(queue->addresses, folded, g_str_equal, NULL)) {
			complain(im, line, "%s is the address of queue %s, no customer's", address,
				 queue->name);
			return false;
		}
	}
	return true;
}

static bool check_cells(import *im, unsigned line, char *const cells[N_COLUMNS])
{
	const char *language = cells[LANGUAGE];

	for (unsigned c = NAME; c < N_COLUMNS; c++)
		if (cells[c] != NULL && strlen(cells[c]) > LONGEST_CELL) {
			complain(im, line, "the %s is longer than %d bytes", column_names[c],
				 LONGEST_CELL);
			return false;
		}
	if (language == NULL ||
	    (strlen(language) == 2 && g_ascii_isalpha(language[0]) && g_ascii_isalpha(language[1])))
		return true;
	complain(im, line, "the language \"%s\" is no code of two letters such as fi, sv, en",
		 language);
	return false;
}

static bool check_row(import *im, unsigned line, const GPtrArray *fields,
		      char *const cells[N_COLUMNS], const char *folded)
{
	unsigned before = 0;

	if (fields->len > im->n_places) {
		complain(im, line, "%u fields, but the first line names %u columns", fields->len,
			 im->n_places);
		return false;
	}
	if (cells[ADDRESS] == NULL) {
		complain(im, line, "the address is empty");
		return false;
	}
	if (!check_address(im, line, cells[ADDRESS], folded) || !check_cells(im, line, cells))
		return false;
	before = GPOINTER_TO_UINT(g_hash_table_lookup(im->lines, folded));
	if (before == 0)
		return true;
	complain(im, line, "%s stands in line %u already", cells[ADDRESS], before);
	return false;
}

static void take_row(import *im, unsigned line, const GPtrArray *fields)
{
	char *cells[N_COLUMNS] = {NULL};
	uint8_t hash[LK_KEY_HASH_BYTES];
	g_autofree char *folded = NULL;

	for (unsigned c = 0; c < N_COLUMNS; c++)
		cells[c] = cell_of(im, fields, (column)c);
	folded = lk_address_fold(cells[ADDRESS] != NULL ? cells[ADDRESS] : "");
	if (!check_row(im, line, fields, cells, folded)) {
		for (unsigned c = 0; c < N_COLUMNS; c++)
			g_free(cells[c]);
		return;
	}
	for (char *p = cells[LANGUAGE]; p != NULL && *p != '\0'; p++)
		*p = g_ascii_tolower(*p);
	if (cells[ORGANISATION] != NULL) {
		g_autofree char *key = g_utf8_casefold(cells[ORGANISATION], -1);

		know_organisation(im, cells[ORGANISATION]);
		g_free(cells[ORGANISATION]);
		cells[ORGANISATION] = g_strdup(g_hash_table_lookup(im->organisations, key));
	}
	lk_key_hash(folded, hash);
	g_byte_array_append(im->hashes, hash, sizeof hash);
	g_hash_table_insert(im->lines, g_steal_pointer(&folded), GUINT_TO_POINTER(line));
	for (unsigned c = 0; c < N_COLUMNS; c++)
		g_ptr_array_add(im->cells[c], cells[c]);
}

static bool read_rows(import *im, lk_csv *csv, GError **error)
{
	const GPtrArray *fields = NULL;
	g_autoptr(GError) broken = NULL;
	unsigned line = 0;

	if (!lk_csv_next(csv, &fields, &line, &broken)) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA, "%s:%u: %s", im->path, MAX(line, 1),
			    broken != NULL ? broken->message : "the file is empty");
		return false;
	}
	if (!read_header(im, fields, line, error))
		return false;
	for (;;) {
		g_autoptr(GError) bad = NULL;

		if (lk_csv_next(csv, &fields, &line, &bad)) {
			take_row(im, line, fields);
			continue;
		}
		if (bad == NULL)
			break;
		complain(im, line, "%s", bad->message);
	}
	if (im->bad > MOST_ERRORS_SHOWN)
		fprintf(stderr, "%s: ... and %u more errors\n", im->path,
			im->bad - MOST_ERRORS_SHOWN);
	return true;
}

static bool read_input(const char *path, GString **ret_content, GError **error)
{
	g_autoptr(GString) all = NULL;
	g_autofree char *piece = NULL;
	size_t n = 0;

	if (strcmp(path, "-") != 0)
		return lk_read_file(path, MOST_BYTES, ret_content, error);
	all = g_string_new(NULL);
	piece = g_malloc(PIECE);
	while (all->len <= MOST_BYTES && (n = fread(piece, 1, PIECE, stdin)) > 0)
		g_string_append_len(all, piece, (gssize)n);
	if (all->len > MOST_BYTES || ferror(stdin)) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "standard input cannot be read, or is larger than 256 MiB");
		return false;
	}
	*ret_content = g_steal_pointer(&all);
	return true;
}

static void param_slice(lk_params *params, const GPtrArray *cells, size_t from, size_t n,
			GPtrArray *slices)
{
	GPtrArray *slice = g_ptr_array_new();

	for (size_t i = from; i < from + n; i++)
		g_ptr_array_add(slice, g_ptr_array_index(cells, i));
	g_ptr_array_add(slices, slice);
	lk_param_texts(params, slice);
}

typedef struct {
	int64_t added;
	int64_t changed;
} counts;

static bool store_chunk(const import *im, lk_db *db, lk_time now, size_t from, size_t n,
			counts *done, GError **error)
{
	g_autoptr(GPtrArray) slices =
		g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_blocks(params, im->hashes->data + from * LK_KEY_HASH_BYTES, n, LK_KEY_HASH_BYTES);
	for (unsigned c = 0; c < N_COLUMNS; c++)
		param_slice(params, im->cells[c], from, n, slices);
	lk_param_time(params, now);
	if (!lk_db_run(db, LK_Q_PERSON_IMPORT, params, &rows, error))
		return false;
	done->added += lk_row_int(rows, 0, "added");
	done->changed += lk_row_int(rows, 0, "changed");
	return true;
}

static bool store_organisations(const import *im, lk_db *db, lk_time now, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(lk_params) params = lk_params_new();

	for (unsigned i = 0; i < im->cells[ORGANISATION]->len; i++) {
		char *name = g_ptr_array_index(im->cells[ORGANISATION], i);

		if (name != NULL && g_hash_table_add(seen, name))
			g_ptr_array_add(names, name);
	}
	lk_param_texts(params, names);
	lk_param_time(params, now);
	return lk_db_run(db, LK_Q_PERSON_ORGANISATIONS_ADD, params, NULL, error);
}

static bool store_all(import *im, lk_db *db, counts *done, GError **error)
{
	bool shows_progress = isatty(STDERR_FILENO) == 1;
	size_t all = im->cells[ADDRESS]->len;
	lk_time now = lk_now();
	lk_json *detail = NULL;

	if (!store_organisations(im, db, now, error))
		return false;
	for (size_t from = 0; from < all; from += CHUNK) {
		size_t n = MIN((size_t)CHUNK, all - from);

		if (!store_chunk(im, db, now, from, n, done, error))
			return false;
		if (shows_progress)
			fprintf(stderr, "\r%zu of %zu", from + n, all);
	}
	if (shows_progress && all > 0)
		fputc('\n', stderr);
	if (done->added + done->changed == 0)
		return true;
	detail = lk_json_object();
	lk_json_set_int(detail, "added", done->added);
	lk_json_set_int(detail, "changed", done->changed);
	return lk_ctl_person_event(im->ctl, db, "persons_imported", "imported at the command line",
				   detail, error);
}

/* One transaction: all or nothing; a dry run undoes it, so that its figures are the true ones. */
static bool store(import *im, lk_db *db, bool is_dry, counts *done, GError **error)
{
	if (!lk_db_begin(db, error))
		return false;
	if (!store_all(im, db, done, error)) {
		lk_db_rollback(db);
		return false;
	}
	if (!is_dry)
		return lk_db_commit(db, error);
	lk_db_rollback(db);
	return true;
}

static void report(const import *im, bool is_dry, const counts *done)
{
	int64_t all = im->cells[ADDRESS]->len;

	printf("%s%" PRId64 " new, %" PRId64 " changed, %" PRId64 " as they were",
	       is_dry ? "would be: " : "", done->added, done->changed,
	       all - done->added - done->changed);
	if (im->bad > 0)
		printf(", %u with errors left out", im->bad);
	putchar('\n');
}

bool lk_ctl_person_import(lk_ctl *ctl, GError **error)
{
	const char *path = ctl->operands[0];
	bool is_dry = lk_ctl_has(ctl, "dry-run");
	g_auto(import) im = {0};
	g_autoptr(GString) content = NULL;
	g_autoptr(lk_csv) csv = NULL;
	counts done = {0};
	lk_db *db = NULL;

	import_init(&im, ctl, path);
	if (!lk_ctl_db(ctl, &db, error) || !read_input(path, &content, error))
		return false;
	if (!lk_csv_open(content->str, content->len, &csv, error)) {
		g_prefix_error(error, "%s: ", path);
		return false;
	}
	if (!load_organisations(&im, db, error) || !read_rows(&im, csv, error))
		return false;
	if (im.bad > 0 && !lk_ctl_has(ctl, "partial")) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "nothing was imported: %u line%s of %s ha%s errors (--partial imports "
			    "the others)",
			    im.bad, im.bad == 1 ? "" : "s", path, im.bad == 1 ? "s" : "ve");
		return false;
	}
	if (!store(&im, db, is_dry, &done, error))
		return false;
	report(&im, is_dry, &done);
	if (im.bad > 0)
		ctl->status = EX_DATAERR;
	return true;
}
