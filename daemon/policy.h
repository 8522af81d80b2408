/* The configuration as the desk wants it. */
#ifndef LK_DAEMON_POLICY_H
#define LK_DAEMON_POLICY_H

#include "lib/conf/conf.h"
#include "lib/desk/policy.h"

/*
 * Copies what the desk needs; the policy does not depend on the configuration afterwards, but
 * borrows the keys (NULL where nothing is signed or verified). LK_ERR_CONFIG when the
 * configuration has no queue to fall back to.
 */
bool lk_policy_from_conf(const lk_conf *conf, lk_keys *keys, lk_policy **ret_policy,
			 GError **error);

#endif
