#include "daemon/ctl-person.h"

#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/desk/person.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool lk_ctl_address_read(const char *text, lk_ctl_address *ret_address, GError **error)
{
	if (!lk_address_is_sane(text)) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "\"%s\" is no mail address; they look like maija@example.fi", text);
		return false;
	}
	ret_address->text = text;
	ret_address->folded = lk_address_fold(text);
	lk_key_hash(ret_address->folded, ret_address->hash);
	return true;
}

void lk_ctl_address_clear(lk_ctl_address *address)
{
	g_clear_pointer(&address->folded, g_free);
}

bool lk_ctl_person_unknown(const char *address, GError **error)
{
	g_set_error(error, LK_ERROR, LK_ERR_NOINPUT, "nobody is known by the address %s", address);
	return false;
}

bool lk_ctl_person_event(lk_ctl *ctl, lk_db *db, const char *event, const char *reason,
			 lk_json *detail, GError **error)
{
	g_autoptr(lk_json) owned = detail;
	g_autofree char *text = lk_json_dump(owned, false);
	g_autofree char *actor = lk_ctl_actor(ctl);
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_time(params, lk_now());
	lk_param_text(params, actor);
	lk_param_text(params, event);
	lk_param_text(params, reason);
	lk_param_text(params, text);
	return lk_db_run(db, LK_Q_PERSON_EVENT, params, NULL, error);
}

/* The organisation that mail from the address is counted to, by the configuration alone. */
static const lk_conf_organisation *configured(const lk_conf *conf, const char *folded)
{
	const char *domain = lk_address_domain(folded);
	const lk_conf_organisation *best = NULL;
	size_t best_length = 0;

	for (unsigned i = 0; i < conf->organisations->len; i++) {
		const lk_conf_organisation *one = g_ptr_array_index(conf->organisations, i);

		if (g_ptr_array_find_with_equal_func(one->addresses, folded, g_str_equal, NULL))
			return one;
		for (unsigned d = 0; domain && d < one->domains->len; d++) {
			const char *whole = g_ptr_array_index(one->domains, d);
			size_t n = strlen(whole);

			if (n <= best_length || !g_str_has_suffix(domain, whole) ||
			    (strlen(domain) > n && domain[strlen(domain) - n - 1] != '.'))
				continue;
			best = one;
			best_length = n;
		}
	}
	return best;
}

static lk_json *person_json(const lk_ctl *ctl, const lk_rows *rows)
{
	lk_json *json = lk_json_object();
	lk_json *tickets = lk_json_object();
	const char *address = lk_row_text(rows, 0, "address");
	g_autofree char *folded = lk_address_fold(address);
	const lk_conf_organisation *by_domain = configured(ctl->conf, folded);
	const char *organisation = lk_row_text(rows, 0, "organisation");
	bool is_set = lk_row_bool(rows, 0, "organisation_set");

	if (!is_set && by_domain != NULL)
		organisation = by_domain->name;
	lk_json_set_text(json, "address", address);
	lk_json_set_text(json, "name", lk_row_text(rows, 0, "name"));
	lk_json_set_text(json, "organisation", organisation);
	lk_json_set_text(json, "organisation_by",
			 organisation == NULL ? NULL
			 : is_set	      ? "import"
			 : by_domain != NULL  ? "configuration"
					      : "earlier mail");
	lk_json_set_text(json, "language", lk_row_text(rows, 0, "language"));
	lk_json_set_text(json, "phone", lk_row_text(rows, 0, "phone"));
	lk_json_set_text(json, "standing", lk_row_text(rows, 0, "standing"));
	lk_ctl_json_time(json, "suppressed_until", lk_row_time(rows, 0, "suppressed_until"));
	lk_json_set_text(json, "suppressed_reason", lk_row_text(rows, 0, "suppressed_reason"));
	lk_ctl_json_time(json, "known_since", lk_row_time(rows, 0, "created_at"));
	lk_json_set_int(tickets, "open", lk_row_int(rows, 0, "open"));
	lk_json_set_int(tickets, "all", lk_row_int(rows, 0, "tickets"));
	lk_json_take(json, "tickets", tickets);
	return json;
}

static void print_person(const lk_ctl *ctl, const lk_rows *rows)
{
	g_autoptr(lk_json) json = person_json(ctl, rows);
	g_autofree char *since = lk_ctl_local_time(lk_row_time(rows, 0, "created_at"));
	const char *organisation = lk_json_get_text(json, "organisation");
	g_autofree char *whose =
		organisation == NULL ? NULL
				     : g_strdup_printf("%s (by %s)", organisation,
						       lk_json_get_text(json, "organisation_by"));
	g_autofree char *tickets =
		g_strdup_printf("%" PRId64 " open, %" PRId64 " in all", lk_row_int(rows, 0, "open"),
				lk_row_int(rows, 0, "tickets"));

	lk_ctl_print_field("Address", lk_row_text(rows, 0, "address"));
	lk_ctl_print_field("Name", lk_row_text(rows, 0, "name"));
	lk_ctl_print_field("Organisation", whose);
	lk_ctl_print_field("Language", lk_row_text(rows, 0, "language"));
	lk_ctl_print_field("Phone", lk_row_text(rows, 0, "phone"));
	lk_ctl_print_field("Standing", lk_row_text(rows, 0, "standing"));
	if (!lk_row_is_null(rows, 0, "suppressed_until")) {
		g_autofree char *until =
			lk_ctl_local_time(lk_row_time(rows, 0, "suppressed_until"));
		const char *why = lk_row_text(rows, 0, "suppressed_reason");
		g_autofree char *text =
			g_strdup_printf("until %s: %s", until, why != NULL ? why : "a report");

		lk_ctl_print_field("No mail", text);
	}
	lk_ctl_print_field("Known since", since);
	lk_ctl_print_field("Tickets", tickets);
}

static bool run_show(lk_ctl *ctl, GError **error)
{
	g_auto(lk_ctl_address) address = {0};
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_db *db = NULL;

	if (!lk_ctl_address_read(ctl->operands[0], &address, error) || !lk_ctl_db(ctl, &db, error))
		return false;
	lk_param_bytes(params, address.hash, sizeof address.hash);
	if (!lk_db_run(db, LK_Q_PERSON_SHOW, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return lk_ctl_person_unknown(address.text, error);
	if (lk_ctl_has(ctl, "json"))
		lk_ctl_print_json(person_json(ctl, rows));
	else
		print_person(ctl, rows);
	return true;
}

static bool change_standing(lk_ctl *ctl, lk_db *db, const lk_ctl_address *address,
			    lk_standing standing, char **ret_was, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_json *detail = NULL;

	lk_param_bytes(params, address->hash, sizeof address->hash);
	lk_param_text(params, address->text);
	lk_param_text(params, lk_standing_name(standing));
	lk_param_time(params, lk_now());
	if (!lk_db_run(db, LK_Q_PERSON_SET, params, &rows, error))
		return false;
	*ret_was = g_strdup(lk_row_text(rows, 0, "was"));
	if (g_strcmp0(*ret_was, lk_standing_name(standing)) == 0)
		return true;
	detail = lk_json_object();
	lk_json_set_int(detail, "person", lk_row_int(rows, 0, "id"));
	lk_json_set_text(detail, "from", *ret_was);
	lk_json_set_text(detail, "to", lk_standing_name(standing));
	return lk_ctl_person_event(ctl, db, "person_set", "set at the command line", detail, error);
}

static bool run_set(lk_ctl *ctl, GError **error)
{
	g_auto(lk_ctl_address) address = {0};
	g_autofree char *was = NULL;
	lk_standing standing = LK_STANDING_NORMAL;
	lk_db *db = NULL;

	if (!lk_ctl_address_read(ctl->operands[0], &address, error))
		return false;
	if (!lk_standing_parse(ctl->operands[1], &standing)) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "a person is vip, blocked, shared or normal, not \"%s\"",
			    ctl->operands[1]);
		return false;
	}
	if (!lk_ctl_db(ctl, &db, error) || !lk_db_begin(db, error))
		return false;
	if (!change_standing(ctl, db, &address, standing, &was, error)) {
		lk_db_rollback(db);
		return false;
	}
	if (!lk_db_commit(db, error))
		return false;
	printf("%s: %s (was %s)\n", address.text, lk_standing_name(standing),
	       was != NULL ? was : "not known");
	return true;
}

static bool lift(lk_ctl *ctl, lk_db *db, const lk_ctl_address *address, lk_rows **ret_rows,
		 GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	lk_json *detail = NULL;

	lk_param_bytes(params, address->hash, sizeof address->hash);
	if (!lk_db_run(db, LK_Q_PERSON_UNBLOCK, params, ret_rows, error))
		return false;
	if (lk_rows_count(*ret_rows) == 0)
		return lk_ctl_person_unknown(address->text, error);
	if (lk_row_is_null(*ret_rows, 0, "suppressed_until"))
		return true;
	detail = lk_json_object();
	lk_json_set_int(detail, "person", lk_row_int(*ret_rows, 0, "id"));
	return lk_ctl_person_event(ctl, db, "unsuppressed", "lifted at the command line", detail,
				   error);
}

static bool run_unblock(lk_ctl *ctl, GError **error)
{
	g_auto(lk_ctl_address) address = {0};
	g_autoptr(lk_rows) rows = NULL;
	lk_db *db = NULL;

	if (!lk_ctl_address_read(ctl->operands[0], &address, error) ||
	    !lk_ctl_db(ctl, &db, error) || !lk_db_begin(db, error))
		return false;
	if (!lift(ctl, db, &address, &rows, error)) {
		lk_db_rollback(db);
		return false;
	}
	if (!lk_db_commit(db, error))
		return false;
	printf("%s: %s\n", address.text,
	       lk_row_is_null(rows, 0, "suppressed_until")
		       ? "mail to it was not suppressed"
		       : "mail goes there again; `luukkuctl outbox list --all` shows what did not");
	if (strcmp(lk_row_text(rows, 0, "standing"), "blocked") == 0)
		printf("%s: mail from it stays blocked (`luukkuctl person set %s normal` ends "
		       "that)\n",
		       address.text, address.text);
	return true;
}

static const lk_ctl_option json_options[] = {
	{"json", 0, NULL, "one JSON object"},
	{NULL, 0, NULL, NULL},
};

static const lk_ctl_option import_options[] = {
	{"dry-run", 0, NULL, "only say what would be"},
	{"partial", 0, NULL, "import the good lines although others have errors"},
	{NULL, 0, NULL, NULL},
};

static const lk_ctl_option erase_options[] = {
	{"yes", 0, NULL, "do not ask"},
	{NULL, 0, NULL, NULL},
};

const lk_ctl_command lk_ctl_person_commands[] = {
	{.name = "person show",
	 .operands = "ADDRESS",
	 .least = 1,
	 .most = 1,
	 .options = json_options,
	 .run = run_show,
	 .summary = "what is known of a customer"},
	{.name = "person set",
	 .operands = "ADDRESS STANDING",
	 .least = 2,
	 .most = 2,
	 .run = run_set,
	 .summary = "vip, blocked, shared or normal",
	 .more = "vip: marked in notices and digests, a test of rules\n"
		 "blocked: its mail goes to the quarantine unanswered\n"
		 "shared: a mailbox of many people; its mails are never joined as duplicates"},
	{.name = "person unblock",
	 .operands = "ADDRESS",
	 .least = 1,
	 .most = 1,
	 .run = run_unblock,
	 .summary = "mail goes to it again after it bounced"},
	{.name = "person import",
	 .operands = "FILE",
	 .least = 1,
	 .most = 1,
	 .options = import_options,
	 .run = lk_ctl_person_import,
	 .summary = "customers of a CSV: address, name, organisation, language, phone",
	 .more = "The first line names the columns, in any order; only address is needed. An empty "
		 "cell leaves\nwhat is known. \"-\" reads standard input. Nothing is imported when "
		 "a line has an error."},
	{.name = "person export",
	 .operands = "ADDRESS",
	 .least = 1,
	 .most = 1,
	 .run = lk_ctl_person_export,
	 .summary = "all that is stored about a person, as JSON"},
	{.name = "person erase",
	 .operands = "ADDRESS",
	 .least = 1,
	 .most = 1,
	 .options = erase_options,
	 .run = lk_ctl_person_erase,
	 .summary = "replace a person's name, address, texts and attachments for good",
	 .more = "Figures stay: that there were tickets and messages, when, and how they went. "
		 "There is no way back."},
	{.name = NULL},
};
