#include "daemon/ctl.h"

#include "daemon/policy.h"
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/units.h"
#include "lib/conf/snapshot.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

bool lk_ctl_process_lives(int64_t pid)
{
	return pid > 1 && pid <= INT32_MAX && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

bool lk_ctl_luukkud(const lk_conf *conf, int64_t *ret_pid)
{
	g_autofree char *path = g_build_filename(conf->site.run_dir, "luukkud.pid", NULL);
	g_autoptr(GString) text = NULL;

	if (!lk_read_file(path, 32, &text, NULL))
		return false;
	g_strchomp(text->str);
	return lk_parse_int(text->str, 2, INT32_MAX, ret_pid, NULL) &&
	       lk_ctl_process_lives(*ret_pid);
}

bool lk_ctl_running(lk_ctl *ctl, lk_conf **ret_conf, GError **error)
{
	g_autofree char *kept = g_build_filename(ctl->conf->site.run_dir, "configuration", NULL);
	g_autofree char *whole = g_canonicalize_filename(ctl->config, NULL);
	const char *const names[] = {ctl->config, whole};
	int64_t pid = 0;

	*ret_conf = NULL;
	if (!lk_ctl_luukkud(ctl->conf, &pid))
		return true;
	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(lk_snapshot) snapshot = NULL;

		g_clear_error(error);
		if (!lk_snapshot_open(kept, &snapshot, error))
			return false;
		if (lk_conf_open(names[i], snapshot, ret_conf, error))
			return true;
	}
	return false;
}

void lk_ctl_print_errors(const GPtrArray *problems)
{
	for (unsigned i = 0; i < problems->len; i++) {
		const lk_conf_problem *problem = g_ptr_array_index(problems, i);
		g_autofree char *line = lk_conf_problem_format(problem);

		if (problem->severity == LK_CONF_IS_ERROR)
			fprintf(stderr, "%s\n", line);
	}
}

void lk_ctl_desk_clear(lk_ctl_desk *desk)
{
	g_clear_pointer(&desk->policy, lk_policy_free);
	g_clear_pointer(&desk->keys, lk_keys_free);
	g_clear_pointer(&desk->own, lk_conf_free);
	desk->conf = NULL;
}

bool lk_ctl_desk_open(const lk_conf *conf, bool needs_keys, lk_ctl_desk *desk, GError **error)
{
	static const uint8_t nobody[32] = {0};
	GError *local = NULL;

	desk->conf = conf;
	if (!lk_keys_load(conf->site.key_file, conf->site.domain, &desk->keys, &local)) {
		if (needs_keys) {
			g_propagate_error(error, local);
			return false;
		}
		/* Nothing is signed by this one, so no mail names a ticket. */
		g_error_free(local);
		desk->keys = lk_keys_from_bytes(nobody, 1, conf->site.domain);
	}
	return lk_policy_from_conf(conf, desk->keys, &desk->policy, error);
}
