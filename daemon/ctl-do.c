/* luukkuctl do: the commands of agents' mail without mail. */
#include "daemon/ctl.h"

#include "daemon/policy.h"
#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/desk/execute.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_TEXT_BYTES = 1024 * 1024 };

/* All of a file, or of standard input for "-". Caller frees. */
static bool read_all(const char *path, char **ret_text, GError **error)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	g_autoptr(GString) text = g_string_new(NULL);
	char *piece = g_malloc(65536);
	ssize_t n = 0;

	while (fd >= 0 && text->len <= MAX_TEXT_BYTES && (n = read(fd, piece, 65536)) > 0)
		g_string_append_len(text, piece, n);
	int problem = errno;
	if (fd >= 0 && !is_stdin)
		close(fd);
	g_free(piece);
	if (fd < 0 || n < 0) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT, "%s: %s", path, g_strerror(problem));
		return false;
	}
	if (text->len > MAX_TEXT_BYTES) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA, "%s: more than 1 MiB of text", path);
		return false;
	}
	*ret_text = lk_text_clean(text->str, text->len);
	return true;
}

/* The references: the operand, or each word of standard input. GArray of int64_t. */
static bool read_tickets(lk_ctl *ctl, GArray *tickets, GError **error)
{
	g_autofree char *text = NULL;
	int64_t ticket = 0;

	if (strcmp(ctl->operands[0], "-") != 0) {
		if (!lk_ctl_ticket(ctl, ctl->operands[0], &ticket, error))
			return false;
		g_array_append_val(tickets, ticket);
		return true;
	}
	if (!read_all("-", &text, error))
		return false;
	g_auto(GStrv) words = g_strsplit_set(text, " \t\n,;", -1);
	for (unsigned i = 0; words[i] != NULL; i++) {
		if (*words[i] == '\0')
			continue;
		if (!lk_ctl_ticket(ctl, words[i], &ticket, error))
			return false;
		g_array_append_val(tickets, ticket);
	}
	return true;
}

/* Each command that names no ticket is for all of them. */
static void aim(lk_commands *commands, const GArray *tickets)
{
	for (unsigned i = 0; i < commands->commands->len; i++) {
		lk_command *command = g_ptr_array_index(commands->commands, i);
		if (command->tickets->len == 0)
			g_array_append_vals(command->tickets, tickets->data, tickets->len);
	}
}

static void print_problems(const lk_receipt *receipt)
{
	for (unsigned i = 0; i < receipt->problems->len; i++) {
		const lk_problem *problem = g_ptr_array_index(receipt->problems, i);
		g_autofree char *words = lk_problem_words(problem, LK_LANG_EN);
		g_autofree char *line = lk_ctl_printable(problem->line, false);
		g_autofree char *shown = lk_ctl_printable(words, false);

		fprintf(stderr, "luukkuctl: %s%s%s\n", line, *line != '\0' ? ": " : "", shown);
	}
}

static void print_texts(const char *title, const lk_json *list)
{
	for (size_t i = 0; i < lk_json_size(list); i++) {
		const lk_json *one = lk_json_at(list, i);
		const char *text =
			lk_json_is_text(one) ? lk_json_text(one) : lk_json_get_text(one, "to");
		g_autofree char *shown = lk_ctl_printable(text, false);

		printf("%s%s\n", title, shown);
	}
}

static void print_row(const lk_json *row)
{
	static const char *const keys[] = {"reference", "at",	    "form",  "status",
					   "queue",	"priority", "owner", "actor",
					   "event",	"subject",  "reason"};
	const char *separator = "";

	for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
		const char *text = lk_json_get_text(row, keys[i]);
		g_autofree char *shown = text != NULL ? lk_ctl_printable(text, false) : NULL;

		if (shown == NULL || *shown == '\0')
			continue;
		printf("%s%s", separator, shown);
		separator = "  ";
	}
	putchar('\n');
}

static void print_receipt(const lk_receipt *receipt)
{
	const lk_json *tickets = lk_json_get(receipt->json, "tickets");
	const lk_json *answer = lk_json_get(receipt->json, "answer");
	const lk_json *undone = lk_json_get(receipt->json, "undone");

	for (size_t i = 0; i < lk_json_size(tickets); i++) {
		const lk_json *one = lk_json_at(tickets, i);
		const char *owner = lk_json_get_text(one, "owner");

		printf("%s: %s, %s, %s, %s\n", lk_json_get_text(one, "reference"),
		       lk_json_get_text(one, "status"), lk_json_get_text(one, "queue"),
		       lk_json_get_text(one, "priority"), owner != NULL ? owner : "no owner");
	}
	print_texts("note: ", lk_json_get(receipt->json, "remarks"));
	print_texts("mail to ", lk_json_get(receipt->json, "mails"));
	if (undone != NULL) {
		print_texts("cancelled: mail to ", lk_json_get(undone, "cancelled"));
		print_texts("has gone: mail to ", lk_json_get(undone, "gone"));
	}
	if (answer == NULL)
		return;
	for (size_t i = 0; i < lk_json_size(lk_json_get(answer, "rows")); i++)
		print_row(lk_json_at(lk_json_get(answer, "rows"), i));
	if (lk_json_get_bool(answer, "more", false))
		printf("... and more\n");
}

static bool only_missing_tickets(const lk_receipt *receipt)
{
	for (unsigned i = 0; i < receipt->problems->len; i++) {
		const lk_problem *problem = g_ptr_array_index(receipt->problems, i);
		if (problem->code != LK_PROBLEM_NO_TICKET)
			return false;
	}
	return true;
}

static bool report(lk_ctl *ctl, lk_receipt *receipt, GError **error)
{
	if (lk_ctl_has(ctl, "json"))
		lk_ctl_print_json(lk_json_ref(receipt->json));
	else if (receipt->has_run)
		print_receipt(receipt);
	if (receipt->has_run)
		return true;
	print_problems(receipt);
	g_set_error(error, LK_ERROR, only_missing_tickets(receipt) ? LK_ERR_NOINPUT : LK_ERR_DATA,
		    "nothing was done: mend the %s above",
		    receipt->problems->len == 1 ? "line" : "lines");
	return false;
}

static bool who(lk_ctl *ctl, const lk_policy *policy, lk_execution *how, char **ret_actor,
		GError **error)
{
	const char *name = lk_ctl_value(ctl, "as");
	g_autofree char *user = lk_ctl_actor(ctl);

	how->actor = *ret_actor = g_steal_pointer(&user);
	if (name == NULL)
		return true;
	how->agent = lk_agent_named(policy, name);
	if (how->agent == NULL) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "--as: %s is no agent of the configuration", name);
		return false;
	}
	return true;
}

static bool read_commands(lk_ctl *ctl, const lk_policy *policy, lk_time now,
			  lk_commands **ret_commands, GError **error)
{
	const char *file = lk_ctl_value(ctl, "text");
	lk_command_context context = {.policy = policy, .today = lk_execute_today(policy, now)};
	g_autofree char *text = NULL;

	if (file != NULL && strcmp(file, "-") == 0 && strcmp(ctl->operands[0], "-") == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "standard input cannot give both the references and the text");
		return false;
	}
	if (file != NULL && !read_all(file, &text, error))
		return false;
	*ret_commands =
		lk_commands_read_lines(&context, (const char *const *)(void *)(ctl->operands + 1),
				       ctl->n_operands - 1, text);
	return true;
}

static bool execute(lk_ctl *ctl, const lk_policy *policy, lk_execution *how, lk_commands *commands,
		    GError **error)
{
	static const lk_query_group groups[] = {LK_QG_CTL, LK_QG_COMMAND, LK_QG_TICKET,
						LK_QG_OUTBOX};
	g_autoptr(lk_receipt) receipt = NULL;
	lk_db *db = NULL;

	if (!lk_ctl_db_with(ctl, groups, G_N_ELEMENTS(groups), &db, error) ||
	    !lk_db_begin(db, error))
		return false;
	if (!lk_execute(db, policy, how, commands, &receipt, error)) {
		lk_db_rollback(db);
		return false;
	}
	if (receipt->has_run && receipt->is_text_unused) {
		lk_db_rollback(db);
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "--text: none of the commands takes a text (note, resolve, supplier, "
			    "ask), and an answer needs one reference");
		return false;
	}
	return lk_db_commit(db, error) && report(ctl, receipt, error);
}

static bool run_do(lk_ctl *ctl, GError **error)
{
	g_autoptr(lk_keys) keys = NULL;
	g_autoptr(lk_policy) policy = NULL;
	g_autoptr(lk_commands) commands = NULL;
	g_autoptr(GArray) tickets = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_autofree char *actor = NULL;
	g_autofree char *agent = NULL;
	const lk_conf *conf = NULL;
	lk_execution how = {.now = lk_now(), .language = LK_LANG_EN, .seen_at = LK_TIME_NONE};

	if (!lk_ctl_conf(ctl, &conf, error) ||
	    !lk_keys_load(conf->site.key_file, conf->site.domain, &keys, error) ||
	    !lk_policy_from_conf(conf, keys, &policy, error) ||
	    !who(ctl, policy, &how, &actor, error) || !read_tickets(ctl, tickets, error) ||
	    !read_commands(ctl, policy, how.now, &commands, error))
		return false;
	if (how.agent != NULL) {
		agent = g_strdup_printf("agent:%s", how.agent->address);
		how.actor = agent;
		how.os_user = actor;
	}
	if (tickets->len == 1)
		how.ticket = g_array_index(tickets, int64_t, 0);
	else
		aim(commands, tickets);
	return execute(ctl, policy, &how, commands, error);
}

static const lk_ctl_option do_options[] = {
	{"as", 0, "AGENT", "as this agent, who sees only their queues"},
	{"text", 0, "FILE", "the text of a note, resolution or answer (\"-\": standard input)"},
	{"json", 0, NULL, "one JSON object"},
	{NULL, 0, NULL, NULL},
};

const lk_ctl_command lk_ctl_do_commands[] = {
	{.name = "do",
	 .operands = "REF COMMAND...",
	 .least = 2,
	 .most = G_MAXUINT,
	 .options = do_options,
	 .run = run_do,
	 .summary = "agents' commands without mail: do TUKI-1042 \"assign bo\" resolve",
	 .more = "REF \"-\" reads references from standard input: each command is for all of "
		 "them.\n"
		 "All commands are checked first; one that is wrong and none is run. Text that no\n"
		 "command takes is an answer to the customer. `do - help` lists the commands."},
	{.name = NULL},
};
