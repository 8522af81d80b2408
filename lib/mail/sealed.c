#include "lib/mail/sealed.h"

#include "lib/mail/lsan.h"

#include <errno.h>
#include <ksba.h>
#include <unistd.h>

typedef struct {
	lk_gather *gather;
	lk_parts *parts;
	uint64_t at, end;
} object;

/*
 * The library takes memory as long as an object says its pieces are; what it keeps whole are names
 * of algorithms, content goes through in blocks.
 */
enum { PIECE_MOST = 1 << 20 };

static void *piece_new(size_t n)
{
	if (n <= PIECE_MOST)
		return g_try_malloc(MAX(n, 1));
	errno = ENOMEM;
	return NULL;
}

static void *piece_grow(void *piece, size_t n)
{
	if (n <= PIECE_MOST)
		return g_try_realloc(piece, MAX(n, 1));
	errno = ENOMEM;
	return NULL;
}

/* The library's reader: 0, or -1 at the end. */
static int read_some(void *data, char *buffer, size_t most, size_t *ret_n)
{
	object *from = data;
	ssize_t got;

	*ret_n = 0;
	if (!buffer || most == 0) /* it asks whether it may seek */
		return -1;
	do
		got = pread(from->parts->fd, buffer, MIN(most, from->end - from->at),
			    (off_t)from->at);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return -1;
	from->at += (uint64_t)got;
	*ret_n = (size_t)got;
	return 0;
}

static int write_some(void *data, const void *bytes, size_t n)
{
	object *to = data;

	return lk_parts_append(to->gather, to->parts, bytes, n) ? 0 : -1;
}

/* It wants one before it hands content out. */
static void hash_nothing(void *data, const void *bytes, size_t n)
{
}

static bool is_encrypted(ksba_cms_t cms)
{
	switch (ksba_cms_get_content_type(cms, 0)) {
	case KSBA_CT_ENVELOPED_DATA:
	case KSBA_CT_ENCRYPTED_DATA:
	case KSBA_CT_AUTHENVELOPED_DATA:
		return true;
	default:
		return false;
	}
}

static lk_sealed read_object(ksba_cms_t cms, const lk_parts *parts, uint64_t start)
{
	enum { STEPS_MOST = 100 }; /* five are usual */
	ksba_stop_reason_t stop = KSBA_SR_NONE;

	for (unsigned i = 0; i < STEPS_MOST; i++) {
		if (ksba_cms_parse(cms, &stop) != 0)
			return parts->end > start ? LK_SEALED_DAMAGED : LK_SEALED_NONE;
		if (is_encrypted(cms))
			return LK_SEALED_ENCRYPTED;
		if (ksba_cms_get_content_type(cms, 0) != KSBA_CT_SIGNED_DATA)
			return LK_SEALED_NONE;
		/* Certificates and signatures stand behind the content: nobody asks for them. */
		if (stop == KSBA_SR_END_DATA || stop == KSBA_SR_READY)
			return parts->end > start ? LK_SEALED_SIGNED : LK_SEALED_NONE;
	}
	return LK_SEALED_NONE;
}

lk_sealed lk_sealed_open(lk_gather *gather, lk_parts *parts, uint64_t start, uint64_t end)
{
	object all = {gather, parts, start, end};
	ksba_reader_t reader = NULL;
	ksba_writer_t writer = NULL;
	ksba_cms_t cms = NULL;
	lk_sealed found = LK_SEALED_NONE;

	ksba_set_malloc_hooks(piece_new, piece_grow, g_free);
	/* The library forgets what it has read of a damaged object; the process is replaced before
	 * that adds up. */
	__lsan_disable();
	if (ksba_reader_new(&reader) == 0 && ksba_writer_new(&writer) == 0 &&
	    ksba_cms_new(&cms) == 0 && ksba_reader_set_cb(reader, read_some, &all) == 0 &&
	    ksba_writer_set_cb(writer, write_some, &all) == 0 &&
	    ksba_cms_set_reader_writer(cms, reader, writer) == 0) {
		ksba_cms_set_hash_function(cms, hash_nothing, NULL);
		found = read_object(cms, parts, parts->end);
	}
	ksba_cms_release(cms);
	ksba_writer_release(writer);
	ksba_reader_release(reader);
	__lsan_enable();
	return found;
}
