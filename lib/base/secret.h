/* Secrets in guarded, locked, zeroed memory. */
#ifndef LK_BASE_SECRET_H
#define LK_BASE_SECRET_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct lk_secret lk_secret;

/* Starts libsodium; must run first in every program. Aborts when the system has no randomness. */
void lk_sodium_init(void);

/* Copies n bytes into locked memory. A NUL always follows the bytes. */
lk_secret *lk_secret_new(const void *bytes, size_t n);
void lk_secret_free(lk_secret *secret);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_secret, lk_secret_free)

/* Borrowed, NUL-terminated. */
const char *lk_secret_text(const lk_secret *secret);
size_t lk_secret_size(const lk_secret *secret);

/*
 * The first line of a file. Refuses a symbolic link, a file readable by group or others, an empty
 * first line, control characters (they would reach a server's command line) and more than 4096
 * bytes. "credential:NAME" reads $CREDENTIALS_DIRECTORY/NAME. LK_ERR_CONFIG.
 */
bool lk_secret_from_file(const char *path, lk_secret **ret_secret, GError **error);

/*
 * A whole file of at most max_bytes under the same rules about links and modes; for key files.
 * LK_ERR_CONFIG.
 */
bool lk_secret_whole_file(const char *path, size_t max_bytes, lk_secret **ret_secret,
			  GError **error);

/*
 * The first output line of a program run without a shell (words split as a shell would, no
 * expansion), standard input closed, within timeout_ms. LK_ERR_CONFIG; LK_ERR_RETRY on time-out.
 */
bool lk_secret_from_command(const char *command, int timeout_ms, lk_secret **ret_secret,
			    GError **error);

#endif
