/* Whole reads and writes, unlinked temporary files, files read with a limit. */
#ifndef LK_BASE_IO_H
#define LK_BASE_IO_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Closes when it goes out of scope: lk_autofd int fd = -1; */
void lk_close_fd(int *fd);
#define lk_autofd __attribute__((cleanup(lk_close_fd)))

/* An unlinked file in dir (NULL: /tmp) that lives as long as the descriptor. LK_ERR_RETRY. */
bool lk_spool_open(const char *dir, int *ret_fd, GError **error);

bool lk_write_all(int fd, const void *bytes, size_t n, GError **error);
/* Exactly n bytes from offset; a shorter file is LK_ERR_DATA. */
bool lk_pread_all(int fd, void *bytes, size_t n, uint64_t offset, GError **error);
bool lk_file_size(int fd, uint64_t *ret_size, GError **error);

/* A whole file of at most max_bytes, NUL-terminated behind the end. LK_ERR_NOINPUT, LK_ERR_DATA. */
bool lk_read_file(const char *path, size_t max_bytes, GString **ret_content, GError **error);

/* Replaces a file by rename, so that readers see the old or the new one; its owner stays. */
bool lk_write_file(const char *path, const char *content, size_t n, int mode, GError **error);

/* The same without waiting for the disk: for what means nothing after the machine went down. */
bool lk_write_file_loosely(const char *path, const char *content, size_t n, int mode,
			   GError **error);

#endif
