/*
 * Secrets sealed under the site key, so that they can stand in a configuration that is backed up
 * or kept under version control. A sealed value opens with any key of the key file.
 */
#ifndef LK_BASE_SEAL_H
#define LK_BASE_SEAL_H

#include "lib/base/secret.h"

#include <glib.h>
#include <stdbool.h>

/* "sealed1:BASE64" under the newest key of the file. Caller frees. LK_ERR_CONFIG. */
bool lk_seal(const char *key_file, const lk_secret *secret, char **ret_sealed, GError **error);

/* LK_ERR_CONFIG when it is no sealed value, or no key of the file opens it. */
bool lk_unseal(const char *key_file, const char *sealed, lk_secret **ret_secret, GError **error);

#endif
