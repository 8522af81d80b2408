#include "lib/desk/chart.h"

#include <string.h>

/*
 * Two bits a pixel, stored without compression: some 4 kB, and no library. Shown at twice its size.
 * PNG (ISO/IEC 15948), zlib (RFC 1950), deflate's stored blocks (RFC 1951 3.2.4).
 */
enum { WIDTH = 280, HEIGHT = 60, ROW_BYTES = WIDTH / 4, MAX_DAYS = 28, MAX_STORED = 65535 };

enum { GROUND, FULL, STRIPED, BASE };

static const uint8_t palette[] = {0xff, 0xff, 0xff, 0x3b, 0x82, 0xc4,
				  0x2e, 0x99, 0x60, 0x8a, 0x8a, 0x8a};

/* --- the picture ------------------------------------------------------------------------------ */

static void set_pixel(uint8_t *pixels, int x, int y, unsigned colour)
{
	pixels[y * WIDTH + x] = (uint8_t)colour;
}

static void draw_bar(uint8_t *pixels, int left, int width, int64_t value, int64_t most,
		     unsigned colour)
{
	int height = (int)(value * (HEIGHT - 2) / most);

	if (value > 0 && height == 0)
		height = 1;
	for (int y = 0; y < height; y++)
		for (int x = left; x < left + width; x++)
			if (colour == FULL || y % 4 < 2 || x == left || x == left + width - 1)
				set_pixel(pixels, x, HEIGHT - 2 - y, colour);
}

static int64_t value_of(const lk_json *days, size_t i, const char *key)
{
	return MAX(0, lk_json_get_int(lk_json_at(days, i), key, 0));
}

static void draw(const lk_json *days, uint8_t *pixels)
{
	size_t n = MIN(lk_json_size(days), MAX_DAYS);
	int slot = WIDTH / (int)n;
	int bar = MAX(1, slot * 3 / 10);
	int64_t most = 1;

	for (size_t i = 0; i < n; i++)
		most = MAX(most, MAX(value_of(days, i, "in"), value_of(days, i, "out")));
	for (size_t i = 0; i < n; i++) {
		int left = (int)i * slot + (slot - 2 * bar - 1) / 2;

		draw_bar(pixels, left, bar, value_of(days, i, "in"), most, FULL);
		draw_bar(pixels, left + bar + 1, bar, value_of(days, i, "out"), most, STRIPED);
	}
	for (int x = 0; x < WIDTH; x++)
		set_pixel(pixels, x, HEIGHT - 1, BASE);
}

/* --- the bytes -------------------------------------------------------------------------------- */

static void add_u32(GByteArray *out, uint32_t value)
{
	const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
				 (uint8_t)(value >> 8), (uint8_t)value};

	g_byte_array_append(out, bytes, sizeof(bytes));
}

static uint32_t crc_of(const uint8_t *bytes, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ UINT32_C(0xedb88320) : crc >> 1;
	}
	return ~crc;
}

static uint32_t adler_of(const uint8_t *bytes, size_t n)
{
	uint32_t a = 1;
	uint32_t b = 0;

	for (size_t i = 0; i < n; i++) {
		a = (a + bytes[i]) % 65521;
		b = (b + a) % 65521;
	}
	return b << 16 | a;
}

static void add_chunk(GByteArray *out, const char *type, const uint8_t *bytes, size_t n)
{
	size_t start = out->len + 4;

	add_u32(out, (uint32_t)n);
	g_byte_array_append(out, (const uint8_t *)type, 4);
	if (n > 0)
		g_byte_array_append(out, bytes, (guint)n);
	add_u32(out, crc_of(out->data + start, out->len - start));
}

/* Each row begins with its filter (none); four pixels a byte, the first in the highest bits. */
static GByteArray *rows_of(const uint8_t *pixels)
{
	GByteArray *rows = g_byte_array_new();

	for (int y = 0; y < HEIGHT; y++) {
		uint8_t row[1 + ROW_BYTES] = {0};

		for (int x = 0; x < WIDTH; x++)
			row[1 + x / 4] |= (uint8_t)(pixels[y * WIDTH + x] << (6 - 2 * (x % 4)));
		g_byte_array_append(rows, row, sizeof(row));
	}
	return rows;
}

static GByteArray *stored(const GByteArray *rows)
{
	static const uint8_t head[] = {0x78, 0x01};
	uint16_t n = (uint16_t)rows->len;
	const uint8_t block[] = {1, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n,
				 (uint8_t)(~(unsigned)n >> 8)};
	GByteArray *out = g_byte_array_new();

	G_STATIC_ASSERT(HEIGHT * (1 + ROW_BYTES) <= MAX_STORED);
	g_byte_array_append(out, head, sizeof(head));
	g_byte_array_append(out, block, sizeof(block));
	g_byte_array_append(out, rows->data, rows->len);
	add_u32(out, adler_of(rows->data, rows->len));
	return out;
}

GByteArray *lk_chart_png(const lk_json *chart)
{
	static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
	static const uint8_t opacity[] = {0};
	const lk_json *days = chart ? lk_json_get(chart, "days") : NULL;
	g_autofree uint8_t *pixels = g_new0(uint8_t, (size_t)WIDTH * HEIGHT);
	g_autoptr(GByteArray) head = g_byte_array_new();
	g_autoptr(GByteArray) rows = NULL;
	g_autoptr(GByteArray) packed = NULL;
	GByteArray *out = NULL;
	static const uint8_t kind[] = {2, 3, 0, 0, 0}; /* 2 bits, palette */

	if (!days || lk_json_size(days) == 0)
		return NULL;
	draw(days, pixels);
	rows = rows_of(pixels);
	packed = stored(rows);
	add_u32(head, WIDTH);
	add_u32(head, HEIGHT);
	g_byte_array_append(head, kind, sizeof(kind));
	out = g_byte_array_new();
	g_byte_array_append(out, signature, sizeof(signature));
	add_chunk(out, "IHDR", head->data, head->len);
	add_chunk(out, "PLTE", palette, sizeof(palette));
	add_chunk(out, "tRNS", opacity, sizeof(opacity));
	add_chunk(out, "IDAT", packed->data, packed->len);
	add_chunk(out, "IEND", NULL, 0);
	return out;
}
