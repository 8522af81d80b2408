#include "lib/mail/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"
#define UTF8 "UTF-8"
#define WESTERN "CP1252"

/*
 * Labels that name a subset of what people really write under them: read as the superset, so that
 * gb2312 mail with GBK letters or latin1 mail with curly quotes loses nothing.
 */
static const struct {
	const char *label;
	const char *name;
} aliases[] = {
	{"utf8", UTF8},
	{"utf-8", UTF8},
	{"unicode-1-1-utf-8", UTF8},
	{"utf8mb4", UTF8},
	{"cp65001", UTF8},
	{"utf-7", "UTF-7"},
	{"unicode-1-1-utf-7", "UTF-7"},
	{"x-unicode-2-0-utf-7", "UTF-7"},
	{"utf-16", "UTF-16"},
	{"utf-16le", "UTF-16LE"},
	{"utf-16be", "UTF-16BE"},
	{"utf-32", "UTF-32"},
	{"utf-32le", "UTF-32LE"},
	{"utf-32be", "UTF-32BE"},
	{"ucs-2", "UTF-16"},
	{"iso-8859-1", WESTERN},
	{"iso8859-1", WESTERN},
	{"iso_8859-1", WESTERN},
	{"iso88591", WESTERN},
	{"8859-1", WESTERN},
	{"latin1", WESTERN},
	{"latin-1", WESTERN},
	{"l1", WESTERN},
	{"windows-1252", WESTERN},
	{"cp1252", WESTERN},
	{"cp819", WESTERN},
	{"ansi", WESTERN},
	{"x-ansi", WESTERN},
	{"iso-8859-2", "ISO-8859-2"},
	{"latin2", "ISO-8859-2"},
	{"iso-8859-3", "ISO-8859-3"},
	{"iso-8859-4", "ISO-8859-4"},
	{"iso-8859-5", "ISO-8859-5"},
	{"iso-8859-6", "ISO-8859-6"},
	{"iso-8859-7", "ISO-8859-7"},
	{"iso-8859-8", "ISO-8859-8"},
	{"iso-8859-8-i", "ISO-8859-8"},
	{"iso-8859-8-e", "ISO-8859-8"},
	{"iso-8859-9", "CP1254"},
	{"latin5", "CP1254"},
	{"iso-8859-10", "ISO-8859-10"},
	{"iso-8859-11", "CP874"},
	{"tis-620", "CP874"},
	{"windows-874", "CP874"},
	{"iso-8859-13", "ISO-8859-13"},
	{"iso-8859-14", "ISO-8859-14"},
	{"iso-8859-15", "ISO-8859-15"},
	{"iso8859-15", "ISO-8859-15"},
	{"latin9", "ISO-8859-15"},
	{"latin-9", "ISO-8859-15"},
	{"iso-8859-16", "ISO-8859-16"},
	{"windows-1250", "CP1250"},
	{"windows-1251", "CP1251"},
	{"windows-1253", "CP1253"},
	{"windows-1254", "CP1254"},
	{"windows-1255", "CP1255"},
	{"windows-1256", "CP1256"},
	{"windows-1257", "CP1257"},
	{"windows-1258", "CP1258"},
	{"cp1250", "CP1250"},
	{"cp1251", "CP1251"},
	{"cp1253", "CP1253"},
	{"cp1254", "CP1254"},
	{"cp1255", "CP1255"},
	{"cp1256", "CP1256"},
	{"cp1257", "CP1257"},
	{"cp1258", "CP1258"},
	{"koi8-r", "KOI8-R"},
	{"koi8r", "KOI8-R"},
	{"koi8-u", "KOI8-U"},
	{"ibm437", "CP437"},
	{"cp437", "CP437"},
	{"ibm850", "CP850"},
	{"cp850", "CP850"},
	{"cp-850", "CP850"},
	{"ibm852", "CP852"},
	{"cp852", "CP852"},
	{"ibm858", "CP858"},
	{"cp858", "CP858"},
	{"ibm865", "CP865"},
	{"cp865", "CP865"},
	{"ibm866", "CP866"},
	{"cp866", "CP866"},
	{"macintosh", "MACINTOSH"},
	{"mac", "MACINTOSH"},
	{"x-mac-roman", "MACINTOSH"},
	{"gb2312", "GB18030"},
	{"gb_2312-80", "GB18030"},
	{"gbk", "GB18030"},
	{"cp936", "GB18030"},
	{"windows-936", "GB18030"},
	{"x-gbk", "GB18030"},
	{"euc-cn", "GB18030"},
	{"gb18030", "GB18030"},
	{"big5", "BIG5-HKSCS"},
	{"big-5", "BIG5-HKSCS"},
	{"x-x-big5", "BIG5-HKSCS"},
	{"big5-hkscs", "BIG5-HKSCS"},
	{"cp950", "BIG5-HKSCS"},
	{"shift_jis", "CP932"},
	{"shift-jis", "CP932"},
	{"sjis", "CP932"},
	{"x-sjis", "CP932"},
	{"ms_kanji", "CP932"},
	{"windows-31j", "CP932"},
	{"cp932", "CP932"},
	{"euc-jp", "EUC-JP-MS"},
	{"x-euc-jp", "EUC-JP-MS"},
	{"iso-2022-jp", "ISO-2022-JP-3"},
	{"iso-2022-jp-1", "ISO-2022-JP-3"},
	{"iso-2022-jp-2", "ISO-2022-JP-2"},
	{"iso-2022-jp-3", "ISO-2022-JP-3"},
	{"iso-2022-jp-ms", "ISO-2022-JP-3"},
	{"cp50220", "ISO-2022-JP-3"},
	{"iso-2022-kr", "ISO-2022-KR"},
	{"iso-2022-cn", "ISO-2022-CN"},
	{"euc-kr", "UHC"},
	{"ks_c_5601-1987", "UHC"},
	{"ksc5601", "UHC"},
	{"ks_c_5601", "UHC"},
	{"cp949", "UHC"},
	{"windows-949", "UHC"},
	{"euc-tw", "EUC-TW"},
	{"viscii", "VISCII"},
};

/* Labels that say nothing: the bytes themselves decide. */
static const char *const empty_labels[] = {"us-ascii",
					   "ascii",
					   "ansi_x3.4-1968",
					   "iso646-us",
					   "iso-646",
					   "unknown-8bit",
					   "unknown",
					   "x-unknown",
					   "default",
					   "default_charset",
					   "binary",
					   "8bit",
					   "7bit",
					   "none",
					   "charset",
					   "iso-8859",
					   "utf",
					   "_iso-2022-jp$esc",
					   "x-user-defined"};

static GHashTable *descriptors; /* iconv name -> iconv_t; those that the system has */
static bool is_sealed;		/* no more opening: the sandbox would kill us */

static iconv_t descriptor(const char *name)
{
	gpointer found = NULL;

	if (!descriptors)
		descriptors = g_hash_table_new(g_str_hash, g_str_equal);
	if (g_hash_table_lookup_extended(descriptors, name, NULL, &found))
		return found;
	iconv_t opened = is_sealed ? (iconv_t)-1 : iconv_open(UTF8, name);
	/* Names that nobody knows are without number: not one of them is kept. */
	if (opened != (iconv_t)-1)
		g_hash_table_insert(descriptors, (gpointer)g_intern_string(name), opened);
	return opened;
}

void lk_charset_open_all(void)
{
	/* GMime reads parameters by the label itself, not by the superset. */
	static const char *const plain[] = {"ISO-8859-1",  "ISO-8859-9", "ISO-8859-11", "GB2312",
					    "GBK",	   "BIG5",	 "SHIFT_JIS",	"EUC-JP",
					    "ISO-2022-JP", "EUC-KR",	 "TIS-620"};

	for (size_t i = 0; i < G_N_ELEMENTS(aliases); i++)
		descriptor(aliases[i].name);
	for (size_t i = 0; i < G_N_ELEMENTS(plain); i++)
		descriptor(plain[i]);
	is_sealed = true;
}

bool lk_is_ascii(const char *bytes, size_t n)
{
	size_t i = 0;

	for (; i + sizeof(uint64_t) <= n; i += sizeof(uint64_t)) {
		uint64_t word;
		memcpy(&word, bytes + i, sizeof word);
		if (word & UINT64_C(0x8080808080808080))
			return false;
	}
	for (; i < n; i++)
		if ((unsigned char)bytes[i] >= 0x80)
			return false;
	return true;
}

char *lk_lower(const char *text, size_t n)
{
	return lk_is_ascii(text, n) ? g_ascii_strdown(text, (gssize)n)
				    : g_utf8_strdown(text, (gssize)n);
}

/* The label without quotes, blanks and RFC 2231 language, in lower case. */
static char *label_fold(const char *label)
{
	GString *folded = g_string_new(NULL);

	for (const char *p = label; p && *p && folded->len < 40; p++) {
		if (*p == '*' || *p == ';')
			break;
		if (g_ascii_isalnum(*p) || strchr("-_.:+$", *p))
			g_string_append_c(folded, g_ascii_tolower(*p));
	}
	return g_string_free(folded, FALSE);
}

/* The iconv name for a folded label; NULL when it says nothing or nobody knows it. */
static const char *label_name(const char *label)
{
	for (size_t i = 0; i < G_N_ELEMENTS(aliases); i++)
		if (strcmp(aliases[i].label, label) == 0)
			return aliases[i].name;
	if (!*label || g_strv_contains((const char *const[]){"", NULL}, label))
		return NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(empty_labels); i++)
		if (strcmp(empty_labels[i], label) == 0)
			return NULL;
	/* "//" and "," would be options to iconv; label_fold has removed them. */
	if (descriptor(label) == (iconv_t)-1)
		return NULL;
	return g_intern_string(label);
}

static size_t convert(iconv_t cd, const char *bytes, size_t n, GString *out)
{
	char *in = (char *)bytes; /* iconv takes no const */
	size_t left = n, bad = 0;

	iconv(cd, NULL, NULL, NULL, NULL);
	while (left > 0) {
		size_t had = out->len, room = left * 2 + 64;
		g_string_set_size(out, had + room);
		char *to = out->str + had;
		size_t result = iconv(cd, &in, &left, &to, &room);
		g_string_truncate(out, (size_t)(to - out->str));
		if (result != (size_t)-1)
			break;
		if (errno == E2BIG)
			continue;
		g_string_append(out, REPLACEMENT);
		bad++;
		if (errno != EILSEQ)
			break;
		in++;
		left--;
	}
	return bad;
}

/* UTF-8 with each bad byte replaced; counts the sequences above ASCII that were right. */
static size_t keep_utf8(const char *bytes, size_t n, GString *out, size_t *ret_good)
{
	const char *p = bytes, *end = bytes + n, *stop = NULL;
	size_t bad = 0, good = 0;

	while (p < end) {
		g_utf8_validate_len(p, (gsize)(end - p), &stop);
		for (const char *q = p; q < stop; q++)
			good += (unsigned char)*q >= 0xc0;
		g_string_append_len(out, p, stop - p);
		p = stop;
		if (p < end) {
			if (*p == 0) {
				g_string_append_c(out, ' ');
			} else {
				g_string_append(out, REPLACEMENT);
				bad++;
			}
			p++;
		}
	}
	*ret_good = good;
	return bad;
}

static bool has_jis_escape(const char *bytes, size_t n)
{
	for (size_t i = 0; i + 2 < n; i++)
		if (bytes[i] == 0x1b && (bytes[i + 1] == '$' || bytes[i + 1] == '(') &&
		    strchr("@BJ(", bytes[i + 2]))
			return true;
	return false;
}

/* A label that says nothing, latin1 or UTF-8: what do the bytes say? */
static void decode_ambiguous(const char *name, const char *bytes, size_t n, GString *out,
			     lk_charset_reading *reading)
{
	size_t start = out->len, good = 0;

	if (lk_is_ascii(bytes, n)) {
		iconv_t jis = (iconv_t)-1;
		if (!name && memchr(bytes, 0x1b, n) && has_jis_escape(bytes, n))
			jis = descriptor("ISO-2022-JP-3");
		reading->used = jis == (iconv_t)-1 ? (name ? name : "US-ASCII") : "ISO-2022-JP-3";
		reading->is_guess = jis != (iconv_t)-1;
		if (jis == (iconv_t)-1)
			g_string_append_len(out, bytes, (gssize)n);
		else
			reading->bad = convert(jis, bytes, n, out);
		return;
	}
	reading->bad = keep_utf8(bytes, n, out, &good);
	reading->used = UTF8;
	reading->is_guess = !name || strcmp(name, UTF8) != 0;
	/* A stray latin1 letter in UTF-8 stays a replaced byte; latin1 text has next to no
	 * sequences that happen to be UTF-8. */
	if (reading->bad == 0 || good > reading->bad)
		return;
	g_string_truncate(out, start);
	reading->used = WESTERN;
	reading->is_guess = !name || strcmp(name, WESTERN) != 0;
	reading->bad = convert(descriptor(WESTERN), bytes, n, out);
}

void lk_charset_decode(const char *label, const char *bytes, size_t n, GString *out,
		       lk_charset_reading *ret_reading)
{
	lk_charset_reading reading = {0};
	g_autofree char *folded = label_fold(label);
	const char *name = label_name(folded);
	size_t start = out->len;

	if (n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		bytes += 3;
		n -= 3;
		name = UTF8;
	} else if (n >= 4 && n % 2 == 0 && (!name || strcmp(name, UTF8) == 0) &&
		   (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0)) {
		name = "UTF-16";
	}
	bool is_ambiguous = !name || strcmp(name, UTF8) == 0 || strcmp(name, WESTERN) == 0;
	iconv_t cd = is_ambiguous ? (iconv_t)-1 : descriptor(name);
	if (cd == (iconv_t)-1) {
		decode_ambiguous(name, bytes, n, out, &reading);
		reading.is_guess |= !name && *folded && !lk_is_ascii(bytes, n);
	} else {
		reading.used = name;
		reading.bad = convert(cd, bytes, n, out);
		if (reading.bad > 0 && g_utf8_validate_len(bytes, n, NULL)) {
			g_string_truncate(out, start);
			g_string_append_len(out, bytes, (gssize)n);
			reading = (lk_charset_reading){.used = UTF8, .is_guess = true};
		}
	}
	if (ret_reading)
		*ret_reading = reading;
}
