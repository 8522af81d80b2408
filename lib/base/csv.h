/* Comma-separated values (RFC 4180) as spreadsheets write them: BOM, ";" or TAB for the comma. */
#ifndef LK_BASE_CSV_H
#define LK_BASE_CSV_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

enum { LK_CSV_MOST_FIELDS = 200, LK_CSV_MOST_BYTES = 64 * 1024 };

typedef struct lk_csv lk_csv;

/*
 * Borrows the bytes, which must be UTF-8. The separator is the one of , ; and TAB that the first
 * line has most of outside quotes. LK_ERR_DATA when it is no UTF-8 text, with the line.
 */
bool lk_csv_open(const char *bytes, size_t n, lk_csv **ret_csv, GError **error);
void lk_csv_free(lk_csv *csv);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_csv, lk_csv_free)

/*
 * The next row that is not blank, each field as it was quoted. False at the end, or with *error
 * set: LK_ERR_DATA for a quote that does not end, text behind a closing quote, a row beyond the
 * limits; reading can go on with the line behind it. *ret_line: where the row begins, the bad
 * one too. The fields are borrowed until the next call.
 */
bool lk_csv_next(lk_csv *csv, const GPtrArray **ret_fields, unsigned *ret_line, GError **error);

#endif
