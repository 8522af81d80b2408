#include "lib/db/blob.h"

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/db/private.h"

#include <string.h>

enum { CHUNK_BYTES = 256 * 1024, MOST_TRIES = 3 };

static bool hash_file(int fd, uint64_t offset, uint64_t size, uint8_t *chunk,
		      uint8_t ret_hash[LK_HASH_BYTES], GError **error)
{
	g_autoptr(lk_hash) hash = lk_hash_new();

	for (uint64_t done = 0; done < size;) {
		size_t n = (size_t)MIN(size - done, CHUNK_BYTES);

		if (!lk_pread_all(fd, chunk, n, offset + done, error))
			return false;
		lk_hash_add(hash, chunk, n);
		done += n;
	}
	lk_hash_end(hash, ret_hash);
	return true;
}

/* *ret_blob is 0 when there is none. */
static bool find_blob(lk_db *db, const uint8_t hash[LK_HASH_BYTES], int64_t *ret_blob,
		      GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_bytes(params, hash, LK_HASH_BYTES);
	if (!lk_db_run(db, LK_Q_BLOB_FIND, params, &rows, error))
		return false;
	*ret_blob = lk_rows_count(rows) > 0 ? lk_row_int(rows, 0, "id") : 0;
	return true;
}

/* The row alone, or with its only chunk; *ret_blob is 0 when the content is there already. */
static bool insert_blob(lk_db *db, const uint8_t hash[LK_HASH_BYTES], uint64_t size,
			const uint8_t *only_chunk, int64_t *ret_blob, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_bytes(params, hash, LK_HASH_BYTES);
	lk_param_int(params, (int64_t)size);
	if (only_chunk != NULL)
		lk_param_bytes(params, only_chunk, (size_t)size);
	if (!lk_db_run(db, only_chunk ? LK_Q_BLOB_INSERT_SMALL : LK_Q_BLOB_INSERT, params, &rows,
		       error))
		return false;
	*ret_blob = lk_rows_count(rows) > 0 ? lk_row_int(rows, 0, "id") : 0;
	return true;
}

static void put_number(GByteArray *out, uint64_t value, unsigned n_bytes)
{
	for (unsigned i = n_bytes; i-- > 0;) {
		uint8_t byte = (uint8_t)(value >> (8 * i));

		g_byte_array_append(out, &byte, 1);
	}
}

static bool put(lk_db *db, const void *bytes, size_t n, GError **error)
{
	if (PQputCopyData(db->conn, bytes, (int)n) == 1)
		return true;
	return lk_pg_fail(db, NULL, "blob_chunks_in", error);
}

/* The tuples of COPY BINARY: (blob_id, n, data) for each chunk. */
static bool put_chunks(lk_db *db, int64_t blob, int fd, uint64_t offset, uint64_t size,
		       uint8_t *chunk, GError **error)
{
	/* Signature, then no flags and no header extension, 32 bits each. */
	static const char header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";

	if (!put(db, header, 19, error))
		return false;
	for (uint64_t done = 0; done < size;) {
		size_t n = (size_t)MIN(size - done, CHUNK_BYTES);
		g_autoptr(GByteArray) head = g_byte_array_new();

		if (!lk_pread_all(fd, chunk, n, offset + done, error))
			return false;
		put_number(head, 3, 2);
		put_number(head, 8, 4);
		put_number(head, (uint64_t)blob, 8);
		put_number(head, 4, 4);
		put_number(head, done / CHUNK_BYTES, 4);
		put_number(head, n, 4);
		if (!put(db, head->data, head->len, error) || !put(db, chunk, n, error))
			return false;
		done += n;
	}
	return put(db, "\377\377", 2, error);
}

static bool copy_chunks(lk_db *db, int64_t blob, int fd, uint64_t offset, uint64_t size,
			uint8_t *chunk, GError **error)
{
	if (!lk_pg_plain(db, LK_Q_BLOB_CHUNKS_IN, error))
		return false;
	bool is_ok = put_chunks(db, blob, fd, offset, size, chunk, error);

	if (PQputCopyEnd(db->conn, is_ok ? NULL : "the source failed") != 1 && is_ok)
		return lk_pg_fail(db, NULL, "blob_chunks_in", error);
	g_autoptr(PGresult) result = lk_pg_last(db);

	if (is_ok && PQresultStatus(result) != PGRES_COMMAND_OK)
		return lk_pg_fail(db, result, "blob_chunks_in", error);
	return is_ok;
}

bool lk_blob_store(lk_db *db, int fd, uint64_t offset, uint64_t size, int64_t *ret_blob,
		   uint8_t ret_hash[LK_HASH_BYTES], GError **error)
{
	uint8_t hash[LK_HASH_BYTES];
	g_autofree uint8_t *chunk = g_malloc(MIN(size, CHUNK_BYTES) + 1);
	bool is_small = size > 0 && size <= CHUNK_BYTES;
	int64_t blob = 0;

	if (!hash_file(fd, offset, size, chunk, hash, error))
		return false;
	/* What is large and known is not sent again; what is small is cheaper to try. */
	if (!is_small && !find_blob(db, hash, &blob, error))
		return false;
	/* Between "is there" and the look at it, the clean-up may have taken it away. */
	for (int i = 0; blob == 0 && i < MOST_TRIES; i++) {
		if (!insert_blob(db, hash, size, is_small ? chunk : NULL, &blob, error))
			return false;
		if (blob != 0 && size > CHUNK_BYTES &&
		    !copy_chunks(db, blob, fd, offset, size, chunk, error))
			return false;
		if (blob == 0 && !find_blob(db, hash, &blob, error))
			return false;
	}
	if (blob == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY,
			    "a blob came and went while it was stored; it will be tried again");
		return false;
	}
	*ret_blob = blob;
	if (ret_hash != NULL)
		memcpy(ret_hash, hash, LK_HASH_BYTES);
	return true;
}

typedef struct {
	int fd;
	uint64_t size;
	lk_hash *hash; /* borrowed */
} sink;

static bool write_chunk(const lk_rows *row, void *data, GError **error)
{
	sink *to = data;
	size_t n = 0;
	const uint8_t *bytes = lk_row_bytes(row, 0, "data", &n);

	lk_hash_add(to->hash, bytes, n);
	to->size += n;
	return lk_write_all(to->fd, bytes, n, error);
}

bool lk_blob_load(lk_db *db, int64_t blob, int fd, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) head = NULL;
	g_autoptr(lk_hash) hash = lk_hash_new();
	sink to = {.fd = fd, .hash = hash};
	uint8_t digest[LK_HASH_BYTES];
	size_t n = 0;

	lk_param_int(params, blob);
	if (!lk_db_run(db, LK_Q_BLOB_HEAD, params, &head, error))
		return false;
	if (lk_rows_count(head) == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
			    "content %" G_GINT64_FORMAT " is not in the database (any more)", blob);
		return false;
	}
	if (!lk_pg_each(db, LK_Q_BLOB_CHUNKS_OUT, params, true, write_chunk, &to, error))
		return false;
	lk_hash_end(hash, digest);
	const uint8_t *expected = lk_row_bytes(head, 0, "hash", &n);

	if (to.size != (uint64_t)lk_row_int(head, 0, "size") || n != LK_HASH_BYTES ||
	    memcmp(digest, expected, LK_HASH_BYTES) != 0) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "content %" G_GINT64_FORMAT
			    " is damaged in the database: its hash does "
			    "not fit; restore the table blob_chunk from a backup",
			    blob);
		return false;
	}
	return true;
}
