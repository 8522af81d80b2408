#include "lib/mail/base64.h"

#include <stdbool.h>
#include <stdint.h>

enum { NO_LETTER = 0xff };

static uint8_t ranks[256];

static void fill_ranks(void)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < 256; i++)
		ranks[i] = NO_LETTER;
	for (uint8_t i = 0; i < 64; i++)
		ranks[(uint8_t)letters[i]] = i;
}

size_t lk_base64_groups(const char *text, size_t n, char *out, size_t *ret_used)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t at = 0, made = 0;

	if (ranks['B'] != 1)
		fill_ranks();
	while (n - at >= 4) {
		uint8_t a = ranks[p[at]], b = ranks[p[at + 1]];
		uint8_t c = ranks[p[at + 2]], d = ranks[p[at + 3]];
		if (((a | b | c | d) & 0x80) == 0) {
			uint32_t bits =
				(uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | d;
			out[made] = (char)(bits >> 16);
			out[made + 1] = (char)(bits >> 8);
			out[made + 2] = (char)bits;
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
