/*
 * The clocks of a desk for the tests in Perl: clocks -c FILE --do COMMAND --with NAME=VALUE ..., by
 * the desk's own configuration and database; $LUUKKU_NOW says what time it is.
 *
 *   move ticket=1001 status=waiting_customer [until=TIME]
 *   change ticket=1001 what=priority value=urgent
 *   respond ticket=1001
 *   timer kind=KIND ticket=1001 due=TIME
 */
#include "daemon/program.h"
#include "lib/base/err.h"
#include "lib/base/units.h"
#include "lib/desk/ticket.h"
#include "lib/desk/timer.h"

#include <stdio.h>
#include <string.h>

static char *command;
static char **pairs;

static const char *arg(const char *name)
{
	size_t n = strlen(name);

	for (unsigned i = 0; pairs && pairs[i]; i++)
		if (strncmp(pairs[i], name, n) == 0 && pairs[i][n] == '=')
			return pairs[i] + n + 1;
	return NULL;
}

static int64_t ticket_arg(void)
{
	int64_t ticket = 0;

	if (!lk_parse_int(arg("ticket"), 1, INT64_C(1) << 40, &ticket, NULL))
		g_error("which ticket?");
	return ticket;
}

static lk_time time_arg(const char *name)
{
	lk_time at = 0;

	if (arg(name) && !lk_time_parse(arg(name), &at))
		g_error("%s is no time", name);
	return at;
}

static bool move(lk_db *db, const lk_policy *policy, GError **error)
{
	lk_move move = {.ticket = ticket_arg(),
			.at = lk_now(),
			.actor = "cli:test",
			.reason = "a test moves it",
			.until = time_arg("until")};
	lk_status was = LK_STATUS_NEW;

	if (!lk_status_parse(arg("status"), &move.status))
		g_error("which status?");
	if (!lk_ticket_move(db, policy, &move, &was, error))
		return false;
	printf("was %s\n", lk_status_name(was));
	return true;
}

static bool change(lk_db *db, const lk_policy *policy, GError **error)
{
	static const char *const names[] = {"queue", "priority", "type", "organisation"};
	lk_change change = {.ticket = ticket_arg(),
			    .value = arg("value"),
			    .at = lk_now(),
			    .actor = "cli:test",
			    .reason = "a test changes it"};
	bool is_changed = false;

	while ((unsigned)change.what < G_N_ELEMENTS(names) &&
	       g_strcmp0(names[change.what], arg("what")) != 0)
		change.what++;
	if ((unsigned)change.what == G_N_ELEMENTS(names))
		g_error("change what?");
	if (!lk_ticket_change(db, policy, &change, &is_changed, error))
		return false;
	printf("changed %d\n", is_changed);
	return true;
}

static bool set_timer(lk_db *db, GError **error)
{
	lk_timer_row row = {.kind = arg("kind"),
			    .ticket = arg("ticket") ? ticket_arg() : 0,
			    .due_at = time_arg("due")};

	return lk_timer_set(db, &row, error);
}

static bool do_command(lk_db *db, const lk_policy *policy, GError **error)
{
	if (strcmp(command, "move") == 0)
		return move(db, policy, error);
	if (strcmp(command, "change") == 0)
		return change(db, policy, error);
	if (strcmp(command, "respond") == 0)
		return lk_ticket_responded(db, policy, ticket_arg(), lk_now(), "cli:test", 0,
					   error);
	if (strcmp(command, "timer") == 0)
		return set_timer(db, error);
	g_error("there is no command %s", command);
}

static bool run(lk_program *program, GError **error)
{
	g_autoptr(lk_db) db = NULL;

	if (!lk_program_try_db(program, &db, error) || !lk_db_begin(db, error))
		return false;
	if (!do_command(db, program->policy, error)) {
		lk_db_rollback(db);
		return false;
	}
	return lk_db_commit(db, error);
}

int main(int argc, char **argv)
{
	static const lk_query_group groups[] = {LK_QG_TICKET, LK_QG_TIMER};
	static const GOptionEntry options[] = {
		{"do", 0, 0, G_OPTION_ARG_STRING, &command, "what", "COMMAND"},
		{"with", 0, 0, G_OPTION_ARG_STRING_ARRAY, &pairs, "NAME=VALUE, repeated", "PAIR"},
		{0},
	};
	static const lk_program_spec spec = {
		.name = "t-clocks",
		.role = "luukku_ctl",
		.groups = groups,
		.n_groups = G_N_ELEMENTS(groups),
		.options = options,
		.run = run,
	};

	return lk_program_main(&spec, argc, argv);
}
