#include "daemon/ctl-person.h"

#include "lib/base/err.h"
#include "lib/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Queues whose team has the agent: char *, borrowed. */
static GPtrArray *queues_of(const lk_conf *conf, const char *address)
{
	GPtrArray *names = g_ptr_array_new();

	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		if (g_ptr_array_find_with_equal_func(queue->agents, address, g_str_equal, NULL) ||
		    g_ptr_array_find_with_equal_func(queue->managers, address, g_str_equal, NULL))
			g_ptr_array_add(names, queue->name);
	}
	return names;
}

/* The address as it stands in tickets, and any other that the agent may have had there. */
static GPtrArray *addresses_of(const lk_conf *conf, const char *given)
{
	GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
	const lk_conf_agent *agent = lk_conf_find_agent(conf, given);

	g_ptr_array_add(all, lk_address_fold(given));
	if (agent == NULL)
		return all;
	g_ptr_array_add(all, g_strdup(agent->address));
	for (unsigned i = 0; i < agent->aliases->len; i++)
		g_ptr_array_add(all, g_strdup(g_ptr_array_index(agent->aliases, i)));
	return all;
}

/* --to: somebody else who is an agent. *ret_agent NULL: nobody takes over. */
static bool read_successor(const lk_ctl *ctl, const lk_conf_agent **ret_agent, GError **error)
{
	const char *text = lk_ctl_value(ctl, "to");

	*ret_agent = NULL;
	if (text == NULL)
		return true;
	*ret_agent = lk_conf_find_agent(ctl->conf, text);
	if (*ret_agent == NULL) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "--to: %s is no agent of the configuration", text);
		return false;
	}
	if (*ret_agent == lk_conf_find_agent(ctl->conf, ctl->operands[0])) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE, "--to: %s is the agent who retires",
			    text);
		return false;
	}
	return true;
}

static bool hand_over(lk_ctl *ctl, lk_db *db, const lk_conf_agent *to, lk_rows **ret_rows,
		      GError **error)
{
	g_autoptr(GPtrArray) addresses = addresses_of(ctl->conf, ctl->operands[0]);
	g_autoptr(GPtrArray) queues =
		to != NULL ? queues_of(ctl->conf, to->address) : g_ptr_array_new();
	g_autofree char *actor = lk_ctl_actor(ctl);
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_texts(params, addresses);
	lk_param_text(params, to != NULL ? to->address : NULL);
	lk_param_texts(params, queues);
	lk_param_time(params, lk_now());
	lk_param_text(params, actor);
	return lk_db_run(db, LK_Q_PERSON_AGENT_RETIRE, params, ret_rows, error);
}

static void report(lk_ctl *ctl, const lk_rows *rows)
{
	size_t n = lk_rows_count(rows);

	for (size_t i = 0; i < n; i++) {
		g_autofree char *ref = lk_ctl_reference(ctl, lk_row_int(rows, i, "id"));
		g_autofree char *subject = lk_ctl_printable(lk_row_text(rows, i, "subject"), false);
		const char *owner = lk_row_text(rows, i, "owner");

		printf("%s  %s  %s  %s\n", ref, lk_row_text(rows, i, "queue"),
		       owner != NULL ? owner : "nobody's now", subject);
	}
	if (n == 0)
		printf("%s has no open tickets\n", ctl->operands[0]);
	if (lk_conf_find_agent(ctl->conf, ctl->operands[0]) != NULL)
		fprintf(stderr,
			"luukkuctl: warning: %s is still in the configuration; new tickets and "
			"notices go there until it is taken out and luukkud reloads\n",
			ctl->operands[0]);
}

static bool run_retire(lk_ctl *ctl, GError **error)
{
	g_autoptr(lk_rows) rows = NULL;
	const lk_conf *conf = NULL;
	const lk_conf_agent *to = NULL;
	g_auto(lk_ctl_address) given = {0};
	lk_db *db = NULL;

	if (!lk_ctl_address_read(ctl->operands[0], &given, error) ||
	    !lk_ctl_conf(ctl, &conf, error) || !read_successor(ctl, &to, error) ||
	    !lk_ctl_db(ctl, &db, error) || !hand_over(ctl, db, to, &rows, error))
		return false;
	report(ctl, rows);
	return true;
}

static const lk_ctl_option retire_options[] = {
	{"to", 0, "AGENT", "who takes over"},
	{NULL, 0, NULL, NULL},
};

const lk_ctl_command lk_ctl_agent_commands[] = {
	{.name = "agent retire",
	 .operands = "ADDRESS",
	 .least = 1,
	 .most = 1,
	 .options = retire_options,
	 .run = run_retire,
	 .summary = "hands over or frees all open tickets of an agent",
	 .more = "Before the address leaves the configuration, or after. Without --to the tickets "
		 "become nobody's;\nso do those of queues that the other agent does not work in."},
	{.name = NULL},
};
