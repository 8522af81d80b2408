#include "lib/mail/tnef.h"

#include "lib/base/text.h"
#include "lib/mail/charset.h"
#include "lib/mail/html.h"
#include "lib/mail/lsan.h"
#include "lib/mail/rtf.h"

#include <stdio.h>
#include <string.h>
#include <ytnef.h>

enum {
	TAG_BODY = 0x1000,
	TAG_BODY_HTML = 0x1013,
	TAG_RTF = 0x1009,
	TAG_DISPLAY_NAME = 0x3001,
	TAG_DATA = 0x3701,
	TAG_LONG_FILENAME = 0x3707,
	TAG_MIME_TYPE = 0x370e,
	TAG_CONTENT_ID = 0x3712,
	GUID_BYTES = 16, /* before the bytes of an object */
	MEMBERS_MOST = 1000
};

/* MAPIFindProperty and MAPI_UNDEFINED are the library's; a fixed type each. */
static const variableLength *find(MAPIProps *props, unsigned type, unsigned tag)
{
	const variableLength *found = MAPIFindProperty(props, PROP_TAG(type, tag));

	return found == MAPI_UNDEFINED || !found->data || found->size <= 0 ? NULL : found;
}

static char *clean(const char *charset, const void *data, size_t n)
{
	g_autoptr(GString) text = g_string_new(NULL);
	size_t length = strnlen(data, n);

	lk_charset_decode(charset, data, length, text, NULL);
	return lk_text_clean(text->str, text->len);
}

/* A string property: the library has made UTF-8 of the Unicode ones. */
static char *text_of(MAPIProps *props, unsigned tag, const char *codepage)
{
	const variableLength *found = find(props, PT_UNICODE, tag);

	if (found)
		return clean("utf-8", found->data, (size_t)found->size);
	found = find(props, PT_STRING8, tag);
	return found ? clean(codepage, found->data, (size_t)found->size) : NULL;
}

static char *codepage_of(const TNEFStruct *tnef)
{
	if (tnef->CodePage.size < 4 || !tnef->CodePage.data)
		return g_strdup("windows-1252");
	return g_strdup_printf("cp%u", (unsigned)tnef->CodePage.data[0] |
					       (unsigned)tnef->CodePage.data[1] << 8 |
					       (unsigned)tnef->CodePage.data[2] << 16);
}

static void attach_member(lk_gather *gather, lk_parts *parts, Attachment *member,
			  const char *codepage)
{
	g_autofree char *name = text_of(&member->MAPI, TAG_LONG_FILENAME, codepage);
	g_autofree char *type = text_of(&member->MAPI, TAG_MIME_TYPE, codepage);
	g_autofree char *id = text_of(&member->MAPI, TAG_CONTENT_ID, codepage);
	const variableLength *data = find(&member->MAPI, PT_OBJECT, TAG_DATA);
	const char *bytes = (const char *)member->FileData.data;
	size_t n = bytes && member->FileData.size > 0 ? (size_t)member->FileData.size : 0;
	uint64_t start = parts->end;

	if (data && data->size > GUID_BYTES) {
		bytes = (const char *)data->data + GUID_BYTES;
		n = (size_t)data->size - GUID_BYTES;
	} else if (n == 0 && (data = find(&member->MAPI, PT_BINARY, TAG_DATA))) {
		bytes = (const char *)data->data;
		n = (size_t)data->size;
	}
	if (!name || !*name) {
		g_free(name);
		name = member->Title.data && member->Title.size > 0
			       ? clean(codepage, member->Title.data, (size_t)member->Title.size)
			       : text_of(&member->MAPI, TAG_DISPLAY_NAME, codepage);
	}
	if (n == 0 && !name)
		return;
	lk_parts_append(gather, parts, bytes, n);
	if (type && (!strchr(type, '/') || strpbrk(type, " \t\n")))
		g_clear_pointer(&type, g_free);
	g_autofree char *folded =
		g_ascii_strdown(type && *type ? type : "application/octet-stream", -1);
	lk_parts_attach(gather, parts, start, name, folded, id, id && *id);
}

static char *body_of(TNEFStruct *tnef, const char *codepage)
{
	const variableLength *html = find(&tnef->MapiProperties, PT_BINARY, TAG_BODY_HTML);
	char *text = text_of(&tnef->MapiProperties, TAG_BODY, codepage);

	if (text && *text)
		return text;
	g_free(text);
	if (tnef->body.data && tnef->body.size > 0)
		return clean(codepage, tnef->body.data, (size_t)tnef->body.size);
	if (!html)
		return NULL;
	g_autofree char *source = clean(codepage, html->data, (size_t)html->size);
	return lk_html_to_text(source, strlen(source));
}

static size_t number_at(const unsigned char *bytes)
{
	return (size_t)bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 |
	       (size_t)bytes[3] << 24;
}

/* The RTF of the property (MS-OXRTFCP): four numbers, then the bytes, packed or not. */
static char *unpack_rtf(const variableLength *packed, size_t *ret_n)
{
	enum { HEADER_BYTES = 16, MELA = 0x414c454d };
	const unsigned char *data = packed->data;
	size_t have = (size_t)packed->size;
	int size = 0;

	*ret_n = 0;
	if (have <= HEADER_BYTES)
		return NULL;
	size_t says = number_at(data + 4);
	if (number_at(data + 8) == MELA) { /* the library takes the header along */
		*ret_n = MIN(says, have - HEADER_BYTES);
		return g_memdup2(data + HEADER_BYTES, *ret_n);
	}
	/* The library allocates what it says; 17 bytes can make 136. */
	if (says == 0 || says > LK_RTF_BYTES_MOST || says / 9 > have)
		return NULL;
	BYTE *rtf = DecompressRTF((variableLength *)packed, &size);
	char *copy = rtf && size > 0 ? g_memdup2(rtf, (size_t)size) : NULL;
	free(rtf); /* the library's malloc */
	*ret_n = copy ? (size_t)size : 0;
	return copy;
}

/*
 * The formatted text, where there is no other. What cannot be read is attached: a file that word
 * processors open.
 */
static char *rtf_of(lk_gather *gather, lk_parts *parts, TNEFStruct *tnef)
{
	const variableLength *packed = find(&tnef->MapiProperties, PT_BINARY, TAG_RTF);
	uint64_t start = parts->end;
	size_t n = 0;
	g_autofree char *rtf = packed ? unpack_rtf(packed, &n) : NULL;
	char *text = rtf ? lk_rtf_to_text(rtf, n) : NULL;

	if (rtf && !text && lk_parts_append(gather, parts, rtf, n))
		lk_parts_attach(gather, parts, start, "body.rtf", "application/rtf", NULL, false);
	return text;
}

bool lk_tnef_read(lk_gather *gather, lk_parts *parts, const char *bytes, size_t n, char **ret_text)
{
	TNEFStruct tnef;
	unsigned members = 0;

	TNEFInitialize(&tnef);
	tnef.Debug = 0;
	/* The library forgets names of damaged files; the process is replaced before that adds up.
	 */
	__lsan_disable();
	/* It does not write through the pointer. */
	bool is_read = TNEFParseMemory((BYTE *)bytes, (long)n, &tnef) >= 0;
	g_autofree char *codepage = codepage_of(&tnef);
	for (Attachment *member = tnef.starting_attach.next; member && members < MEMBERS_MOST;
	     member = member->next, members++)
		attach_member(gather, parts, member, codepage);
	*ret_text = body_of(&tnef, codepage);
	if (!*ret_text)
		*ret_text = rtf_of(gather, parts, &tnef);
	TNEFFree(&tnef);
	__lsan_enable();
	return is_read;
}
