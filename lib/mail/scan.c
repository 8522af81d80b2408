#include "lib/mail/scan.h"

#include "lib/mail/gather.h"
#include "lib/mail/lines.h"
#include "lib/mail/params.h"

#include <string.h>

enum {
	LINE_BYTES = 1024,
	CONTENT_HEADER_BYTES_MOST = 16 * 1024, /* GMime reads parameters in quadratic time */
	PART_HEADER_BYTES_MOST = 256 * 1024,
	PART_HEADER_LINES_MOST = 2000,
	COMPARISONS_MOST = 250 * 1000 * 1000 /* of lines with boundaries: about a second */
};

typedef struct {
	GPtrArray *open; /* char *: boundaries of the multiparts around the present line */
	bool in_header;
	uint64_t header_bytes, field_bytes;
	unsigned header_lines, parts;
	uint64_t comparisons;
	GString *content_type; /* being unfolded, empty when the field is another one */
} state;

static void end_field(state *now)
{
	if (now->content_type->len > 0) {
		g_autoptr(lk_mime_params) params = lk_mime_params_parse(now->content_type->str);
		g_autofree char *boundary = lk_mime_params_get_raw(params, "boundary");
		if (boundary && *boundary && g_str_has_prefix(params->head, "multipart/"))
			g_ptr_array_add(now->open, g_steal_pointer(&boundary));
	}
	g_string_truncate(now->content_type, 0);
	now->field_bytes = 0;
}

/* Follows the boundary lines as a MIME parser does. */
static void take_dashes(state *now, const GString *line)
{
	for (unsigned i = now->open->len; i-- > 0;) {
		const char *boundary = g_ptr_array_index(now->open, i);
		size_t n = strlen(boundary);
		now->comparisons++;
		if (line->len < n + 2 || memcmp(line->str + 2, boundary, n) != 0)
			continue;
		bool is_end = line->len >= n + 4 && memcmp(line->str + 2 + n, "--", 2) == 0;
		g_ptr_array_set_size(now->open, (int)(is_end ? i : i + 1));
		end_field(now);
		now->in_header = !is_end;
		now->header_bytes = now->header_lines = 0;
		now->parts++;
		return;
	}
}

static void take_header_line(state *now, const GString *line, uint64_t bytes)
{
	if (*line->str == '\n' || (*line->str == '\r' && line->len <= 2)) {
		end_field(now);
		now->in_header = false;
		return;
	}
	now->header_bytes += bytes;
	now->header_lines++;
	if (*line->str == ' ' || *line->str == '\t') {
		now->field_bytes += bytes;
		if (now->content_type->len > 0 &&
		    now->content_type->len < CONTENT_HEADER_BYTES_MOST)
			g_string_append_len(now->content_type, line->str, (gssize)line->len);
		return;
	}
	end_field(now);
	now->field_bytes = bytes;
	if (g_ascii_strncasecmp(line->str, "content-type:", 13) == 0)
		g_string_append_len(now->content_type, line->str + 13, (gssize)line->len - 13);
}

static const char *limit_exceeded(const state *now)
{
	if (now->open->len > LK_DEPTH_MOST)
		return "parts nested deeper than 64 levels";
	if (now->parts > LK_PARTS_MOST)
		return "more than 5000 parts";
	if (now->comparisons > COMPARISONS_MOST)
		return "too many lines that look like part boundaries";
	if (now->in_header && now->field_bytes > CONTENT_HEADER_BYTES_MOST)
		return "a header line of a part longer than 16 kB";
	if (now->in_header && (now->header_bytes > PART_HEADER_BYTES_MOST ||
			       now->header_lines > PART_HEADER_LINES_MOST))
		return "a part's header longer than 256 kB or 2000 lines";
	return NULL;
}

/* Lines of memory count from its start: *ret_start is added to make them offsets of the mail. */
static void open_body(lk_lines *lines, const lk_mail_file *file, uint64_t body, uint64_t *ret_start)
{
	uint64_t n = file->size - MIN(body, file->size);

	*ret_start = file->held ? body : 0;
	if (file->held)
		lk_lines_open_memory(lines, lk_mail_file_bytes(file) + body, n);
	else
		lk_lines_open(lines, file->fd, body, n);
}

lk_scan lk_scan_body(const lk_mail_file *file, uint64_t body, const char *boundary)
{
	g_auto(lk_lines) lines = {.fd = -1};
	g_autoptr(GString) line = g_string_sized_new(LINE_BYTES);
	g_autoptr(GPtrArray) open = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) content_type = g_string_new(NULL);
	state now = {.open = open, .content_type = content_type};
	lk_scan scan = {.end = file->size};
	uint64_t part_start = body, start = 0;

	if (!boundary || !*boundary)
		return scan;
	g_ptr_array_add(open, g_strdup(boundary));
	open_body(&lines, file, body, &start);
	for (;;) {
		if (!now.in_header)
			lk_lines_skip_to(&lines, '-');
		uint64_t before = start + lk_lines_position(&lines);
		if (!lk_lines_next(&lines, line, LINE_BYTES, NULL))
			return scan;
		if (line->len > 2 && line->str[0] == '-' && line->str[1] == '-') {
			unsigned parts = now.parts;
			take_dashes(&now, line);
			if (now.parts != parts)
				part_start = before;
			else if (now.in_header)
				take_header_line(&now, line,
						 start + lk_lines_position(&lines) - before);
		} else if (now.in_header) {
			take_header_line(&now, line, start + lk_lines_position(&lines) - before);
		}
		scan.exceeded = limit_exceeded(&now);
		if (scan.exceeded) {
			scan.end = part_start;
			return scan;
		}
	}
}
