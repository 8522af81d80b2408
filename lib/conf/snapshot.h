/*
 * The bytes of a configuration's files as they were when it was checked. luukkud runs its children
 * on them, so that a file somebody is editing, or has broken, stops nothing that runs.
 */
#ifndef LK_CONF_SNAPSHOT_H
#define LK_CONF_SNAPSHOT_H

#include <glib.h>
#include <stdbool.h>

typedef struct lk_snapshot lk_snapshot;

/* Empty: lk_conf_load_with records into it every file that it reads. */
lk_snapshot *lk_snapshot_new(void);
void lk_snapshot_free(lk_snapshot *snapshot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_snapshot, lk_snapshot_free)

/* Hex digest of all that is in it: what was written and opened again has the same. Caller frees. */
char *lk_snapshot_digest(const lk_snapshot *snapshot);

/* Into a file for its owner only (a configuration may hold a password), replaced by rename. */
bool lk_snapshot_write(const lk_snapshot *snapshot, const char *path, GError **error);

/* From such a file: lk_conf_load_with reads from it and no file. LK_ERR_NOINPUT, LK_ERR_DATA. */
bool lk_snapshot_open(const char *path, lk_snapshot **ret_snapshot, GError **error);

/* --- for lib/conf ----------------------------------------------------------------------------- */

/* Was it opened, so that it stands in place of the files? */
bool lk_snapshot_is_source(const lk_snapshot *snapshot);

/* The recorded bytes of a file, borrowed; NULL: it was not read when this was recorded. */
const GString *lk_snapshot_find(const lk_snapshot *snapshot, const char *path);
void lk_snapshot_add(lk_snapshot *snapshot, const char *path, const GString *bytes);

/* The files that rule_files named, in the order they were read; elements are char *, borrowed. */
const GPtrArray *lk_snapshot_rules(const lk_snapshot *snapshot);
void lk_snapshot_add_rules(lk_snapshot *snapshot, const char *path);

#endif
