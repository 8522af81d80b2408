#include "lib/mail/embedded.h"

#include "lib/mail/words.h"

#include <string.h>

typedef struct {
	const char *start;
	size_t n; /* without its end */
	const char *next;
} line;

static bool next_line(const char *p, const char *end, line *ret)
{
	if (p >= end)
		return false;
	const char *newline = memchr(p, '\n', (size_t)(end - p));
	ret->start = p;
	ret->n = (size_t)((newline ? newline : end) - p);
	ret->next = newline ? newline + 1 : end;
	if (ret->n > 0 && p[ret->n - 1] == '\r')
		ret->n--;
	return true;
}

static bool starts_with(const line *now, const char *prefix)
{
	size_t n = strlen(prefix);

	return now->n >= n && memcmp(now->start, prefix, n) == 0;
}

/* "begin 644 name": three or four octal digits. */
static char *uu_name(const line *now)
{
	if (!starts_with(now, "begin "))
		return NULL;
	const char *digits = now->start + 6;
	size_t left = now->n - 6, n = 0;
	while (n < left && digits[n] >= '0' && digits[n] <= '7')
		n++;
	if (n < 3 || n > 4 || n + 1 >= left || digits[n] != ' ')
		return NULL;
	return lk_words_decode(digits + n + 1, left - n - 1);
}

static bool uu_line(const line *now, GString *out)
{
	if (now->n == 0)
		return false;
	size_t want = (size_t)((now->start[0] - ' ') & 0x3f), have = 0;
	size_t letters = (want + 2) / 3 * 4;
	/* Trailing blanks may be lost, a checksum letter may follow. */
	if (now->start[0] < ' ' || now->start[0] > '`' || now->n > letters + 2)
		return false;
	for (size_t i = 0; i < letters; i += 4) {
		unsigned bits = 0;
		for (size_t j = 0; j < 4; j++) {
			char c = 1 + i + j < now->n ? now->start[1 + i + j] : ' ';
			if (c < ' ' || c > '`')
				return false;
			bits = bits << 6 | (unsigned)((c - ' ') & 0x3f);
		}
		for (int shift = 16; shift >= 0 && have < want; shift -= 8, have++)
			g_string_append_c(out, (char)(bits >> shift & 0xff));
	}
	return true;
}

/* The end of the block behind its first line, or NULL; its bytes in out. */
static const char *read_uu(const char *p, const char *end, GString *out)
{
	line now;

	while (next_line(p, end, &now)) {
		if (now.n == 3 && memcmp(now.start, "end", 3) == 0)
			return now.next;
		/* The line of length 0 before "end" may have lost its only letter, a blank. */
		if (now.n > 0 && !uu_line(&now, out))
			return NULL;
		p = now.next;
	}
	return NULL;
}

/* "=ybegin line=128 size=1234 name=photo.jpg": one part only. */
static char *y_name(const line *now)
{
	if (!starts_with(now, "=ybegin ") || g_strstr_len(now->start, (gssize)now->n, " part="))
		return NULL;
	const char *name = g_strstr_len(now->start, (gssize)now->n, " name=");
	if (!name)
		return NULL;
	return lk_words_decode(name + 6, now->n - (size_t)(name + 6 - now->start));
}

static const char *read_y(const char *p, const char *end, GString *out)
{
	line now;

	while (next_line(p, end, &now)) {
		if (starts_with(&now, "=yend"))
			return now.next;
		for (size_t i = 0; i < now.n; i++) {
			unsigned char c = (unsigned char)now.start[i];
			if (c == '=' && i + 1 < now.n)
				c = (unsigned char)(now.start[++i] - 64);
			g_string_append_c(out, (char)(c - 42));
		}
		p = now.next;
	}
	return NULL;
}

void lk_embedded_take(lk_gather *gather, lk_parts *parts, GString *bytes)
{
	/* Most texts have none: one look tells. */
	if (!g_strstr_len(bytes->str, (gssize)bytes->len, "begin "))
		return;
	g_autoptr(GString) rest = g_string_sized_new(bytes->len);
	const char *end = bytes->str + bytes->len;
	unsigned failures = 0; /* each may have read to the end in vain */
	line now;

	for (const char *p = bytes->str; next_line(p, end, &now);) {
		g_autofree char *uu = uu_name(&now);
		g_autofree char *name = uu ? g_steal_pointer(&uu) : y_name(&now);
		if (name && failures < 10) {
			g_autoptr(GString) content = g_string_new(NULL);
			const char *behind = *now.start == '=' ? read_y(now.next, end, content)
							       : read_uu(now.next, end, content);
			uint64_t start = parts->end;
			if (behind && lk_parts_append(gather, parts, content->str, content->len)) {
				lk_parts_attach(gather, parts, start, name,
						"application/octet-stream", NULL, false);
				p = behind;
				continue;
			}
			failures++;
		}
		g_string_append_len(rest, now.start, now.next - now.start);
		p = now.next;
	}
	g_string_truncate(bytes, 0);
	g_string_append_len(bytes, rest->str, (gssize)rest->len);
}
