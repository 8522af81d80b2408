#include "daemon/ctl.h"

#include "lib/base/err.h"
#include "lib/base/units.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *lk_ctl_value(const lk_ctl *ctl, const char *option)
{
	return g_hash_table_lookup(ctl->given, option);
}

bool lk_ctl_has(const lk_ctl *ctl, const char *option)
{
	return g_hash_table_contains(ctl->given, option);
}

bool lk_ctl_conf(lk_ctl *ctl, const lk_conf **ret_conf, GError **error)
{
	g_autoptr(GPtrArray) problems = NULL;

	if (ctl->conf == NULL && !lk_conf_load(ctl->config, &ctl->conf, &problems)) {
		lk_ctl_print_errors(problems);
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "the configuration cannot be used: mend what is said above "
			    "(`luukkuctl check` looks again)");
		return false;
	}
	*ret_conf = ctl->conf;
	return true;
}

bool lk_ctl_db(lk_ctl *ctl, lk_db **ret_db, GError **error)
{
	static const lk_query_group groups[] = {LK_QG_CTL, LK_QG_PERSON};

	return lk_ctl_db_with(ctl, groups, G_N_ELEMENTS(groups), ret_db, error);
}

bool lk_ctl_db_with(lk_ctl *ctl, const lk_query_group *groups, unsigned n_groups, lk_db **ret_db,
		    GError **error)
{
	const lk_conf *conf = NULL;

	if (!lk_ctl_conf(ctl, &conf, error))
		return false;
	if (ctl->db == NULL) {
		lk_db_options options = {
			.conninfo = conf->database.conninfo,
			.program = "luukkuctl",
			.role = "luukku_ctl",
			.groups = groups,
			.n_groups = n_groups,
		};
		GError *local = NULL;

		if (!lk_db_open(&options, &ctl->db, &local)) {
			if (lk_err_is(local, LK_ERR_RETRY))
				ctl->status = EX_UNAVAILABLE;
			g_propagate_error(error, local);
			return false;
		}
	}
	*ret_db = ctl->db;
	return true;
}

/* Who called sudo, when it was root or the user of the daemons that was called; else 0. */
static uid_t behind_sudo(const lk_ctl *ctl, const char *name)
{
	const char *text = g_getenv("SUDO_UID");
	int64_t uid = 0;

	if (text == NULL || !lk_parse_int(text, 1, UINT32_MAX - 1, &uid, NULL))
		return 0;
	if (getuid() != 0 && g_strcmp0(name, ctl->conf->site.user) != 0)
		return 0;
	return (uid_t)uid;
}

char *lk_ctl_actor(const lk_ctl *ctl)
{
	const struct passwd *user = getpwuid(getuid());
	g_autofree char *own = user != NULL ? g_strdup(user->pw_name) : NULL;
	uid_t other = behind_sudo(ctl, own);

	user = other != 0 ? getpwuid(other) : NULL;
	if (user != NULL)
		return g_strdup_printf("cli:%s", user->pw_name);
	if (own != NULL)
		return g_strdup_printf("cli:%s", own);
	return g_strdup_printf("cli:%ju", (uintmax_t)getuid());
}

bool lk_ctl_ticket(lk_ctl *ctl, const char *text, int64_t *ret_ticket, GError **error)
{
	const lk_conf *conf = NULL;
	size_t prefix = 0;
	g_autofree char *bare = g_strdup(text);
	const char *digits = bare;

	if (!lk_ctl_conf(ctl, &conf, error))
		return false;
	if (bare[0] == '[' && g_str_has_suffix(bare, "]")) {
		bare[strlen(bare) - 1] = '\0';
		digits++;
	}
	prefix = strlen(conf->site.prefix);
	if (g_ascii_strncasecmp(digits, conf->site.prefix, prefix) == 0 && digits[prefix] == '-')
		digits += prefix + 1;
	if (!lk_parse_int(digits, 1, INT64_MAX, ret_ticket, NULL)) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "\"%s\" is no reference of a ticket; they look like %s-1042", text,
			    conf->site.prefix);
		return false;
	}
	return true;
}

char *lk_ctl_reference(lk_ctl *ctl, int64_t ticket)
{
	return g_strdup_printf("%s-%" PRId64, ctl->conf->site.prefix, ticket);
}

bool lk_ctl_id(const char *text, int64_t *ret_id, GError **error)
{
	if (!lk_parse_int(text, 1, INT64_MAX, ret_id, NULL)) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "\"%s\" is no number of the list's first column", text);
		return false;
	}
	return true;
}

void lk_ctl_print_json(lk_json *json)
{
	g_autofree char *text = lk_json_dump(json, true);

	puts(text);
	lk_json_unref(json);
}

void lk_ctl_json_time(lk_json *object, const char *key, lk_time at)
{
	g_autofree char *text = lk_time_format(at);

	lk_json_set_text(object, key, text);
}

lk_json *lk_ctl_row_json(const lk_rows *rows, size_t row, const char *column)
{
	const char *text = lk_row_text(rows, row, column);
	lk_json *json = NULL;

	if (text == NULL || !lk_json_parse(text, strlen(text), &json, NULL))
		return lk_json_object();
	return json;
}

bool lk_ctl_change_all(lk_ctl *ctl,
		       bool (*change)(lk_db *, int64_t, lk_time, const char *, GError **),
		       const char *done, GError **error)
{
	g_autofree char *actor = NULL;
	lk_db *db = NULL;
	lk_time now = lk_now();

	if (!lk_ctl_db(ctl, &db, error) || !lk_db_begin(db, error))
		return false;
	actor = lk_ctl_actor(ctl);
	for (unsigned i = 0; i < ctl->n_operands; i++) {
		int64_t id = 0;

		if (!lk_ctl_id(ctl->operands[i], &id, error) ||
		    !change(db, id, now, actor, error)) {
			lk_db_rollback(db);
			return false;
		}
	}
	if (!lk_db_commit(db, error))
		return false;
	for (unsigned i = 0; i < ctl->n_operands; i++)
		printf("mail %s: %s\n", ctl->operands[i], done);
	return true;
}
