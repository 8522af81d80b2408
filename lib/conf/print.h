/* Settings as text again, for people and for digests. */
#ifndef LK_CONF_PRINT_H
#define LK_CONF_PRINT_H

#include "lib/conf/schema.h"

/* The value of one setting as the file would have it, without plain secrets. Caller frees. */
char *lk_setting_print(const lk_setting *setting, const void *object);

/* The default as the file would have it; NULL where there is none. Caller frees. */
char *lk_setting_print_default(const lk_setting *setting);

/* The digest of lk_conf_hash. Caller frees. */
char *lk_digest_conf(const lk_conf *conf);

#endif
