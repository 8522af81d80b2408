#include "lib/mail/base64.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { NO_LETTER = 0x1 }; /* the lowest bit: letters stand in the upper 24 */

/* What a letter at each of the four places of a group says of its three bytes, as big-endian. */
static uint32_t at_place[4][256];

static void fill_places(void)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (unsigned place = 0; place < 4; place++) {
		for (size_t i = 0; i < 256; i++)
			at_place[place][i] = NO_LETTER;
		for (uint32_t i = 0; i < 64; i++)
			at_place[place][(uint8_t)letters[i]] = i << (26 - 6 * place);
	}
}

static inline uint32_t group_at(const uint8_t *p)
{
	return at_place[0][p[0]] | at_place[1][p[1]] | at_place[2][p[2]] | at_place[3][p[3]];
}

bool lk_base64_is_none(const char *bytes, size_t n)
{
	enum { LETTERS_TELLING = 40 }; /* in a row: no language writes words that long */
	const char *end = bytes + n;
	bool is_first = true, found = false;

	for (const char *line = bytes; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *line_end = newline ? newline : end;
		size_t letters = 0, odd = 0, blanks = 0, gap = 0;
		for (const char *p = line; p < line_end; p++) {
			if (g_ascii_isspace(*p)) {
				gap = letters > 0;
				continue;
			}
			blanks += gap;
			gap = 0;
			letters++;
			odd += !g_ascii_isalnum(*p) && !strchr("+/=", *p);
		}
		if (letters >= LETTERS_TELLING && odd == 0 && blanks == 0)
			return false;
		/* What a list puts below a short text is no base64 either: the first line tells. */
		if (is_first && letters > 0) {
			found = odd > 0 || blanks > 0;
			is_first = false;
		}
		line = line_end + 1;
	}
	return found;
}

size_t lk_base64_groups(const char *text, size_t n, char *out, size_t *ret_used)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t at = 0, made = 0;

	if (at_place[0]['B'] == 0)
		fill_places();
	while (n - at >= 4) {
		/* Eight letters make six bytes; two more are written that the next ones replace. */
		while (n - at >= 12) {
			uint32_t a = group_at(p + at), b = group_at(p + at + 4);
			if ((a | b) & NO_LETTER)
				break;
			uint64_t bytes = GUINT64_TO_BE((uint64_t)a << 32 | (uint64_t)b << 8);
			memcpy(out + made, &bytes, sizeof bytes);
			made += 6;
			at += 8;
		}
		uint32_t bits = group_at(p + at);
		if (!(bits & NO_LETTER)) {
			out[made] = (char)(bits >> 24);
			out[made + 1] = (char)(bits >> 16);
			out[made + 2] = (char)(bits >> 8);
			made += 3;
			at += 4;
		} else if (p[at] == '\n' || p[at] == '\r') {
			at++;
		} else {
			break;
		}
	}
	*ret_used = at;
	return made;
}
