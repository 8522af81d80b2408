#include "daemon/ctl.h"

#include "daemon/process.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/secret.h"
#include "lib/base/units.h"
#include "lib/db/migrate.h"

#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool run_help(lk_ctl *ctl, GError **error);

static const lk_ctl_command help_commands[] = {
	{.name = "help",
	 .operands = "[COMMAND]",
	 .most = 2,
	 .run = run_help,
	 .summary = "the commands, or one of them"},
	{.name = NULL},
};

static const lk_ctl_option parse_options[] = {
	{"json", 0, NULL, "one JSON document"},
	{"authserv", 0, "ID", "whose Authentication-Results headers are believed"},
	{"relay", 0, "HOST", "at whose topmost Received line they must stand"},
	{"own-list", 0, "ID", "a List-Id that does not make a mail kind list"},
	{"strip", 0, "TEXT", "a gateway's banner to take off"},
	{"stdin0", 0, NULL, "read many file names from standard input; one JSON a line"},
	{NULL, 0, NULL, NULL},
};

static const lk_ctl_command parse_commands[] = {
	{.name = "parse",
	 .operands = "FILE",
	 .most = G_MAXUINT,
	 .options = parse_options,
	 .summary = "one mail as luukku sees it (\"-\": standard input)"},
	{.name = NULL},
};

static const lk_ctl_command *const tables[] = {
	lk_ctl_list_commands,	      lk_ctl_show_commands,
	lk_ctl_do_commands,	      lk_ctl_trace_commands,
	lk_ctl_status_commands,	      lk_ctl_outbox_commands,
	lk_ctl_quarantine_commands,   lk_ctl_person_commands,
	lk_ctl_organisation_commands, lk_ctl_agent_commands,
	lk_ctl_deliver_commands,      parse_commands,
	lk_ctl_report_commands,	      lk_ctl_config_commands,
	lk_ctl_key_commands,	      lk_ctl_key_file_commands,
	lk_ctl_template_commands,     lk_ctl_trial_commands,
	lk_ctl_top_commands,	      help_commands,
};

/* Calls for each command in the order of the help; true from `visit` stops. */
static const lk_ctl_command *find_command(bool (*visit)(const lk_ctl_command *command,
							const void *data),
					  const void *data)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(tables); i++)
		for (const lk_ctl_command *c = tables[i]; c->name != NULL; c++)
			if (visit(c, data))
				return c;
	return NULL;
}

static bool has_name(const lk_ctl_command *command, const void *name)
{
	return strcmp(command->name, name) == 0;
}

/* Is it the first word of commands such as "outbox list"? */
static bool is_in_group(const lk_ctl_command *command, const void *group)
{
	size_t n = strlen(group);

	return strncmp(command->name, group, n) == 0 && command->name[n] == ' ';
}

static bool print_summary(const lk_ctl_command *command, const void *unused)
{
	g_autofree char *synopsis = g_strdup_printf("%s %s", command->name, command->operands);

	printf("  %-34s %s\n", synopsis, command->summary);
	return false;
}

static void print_overview(void)
{
	printf("usage: luukkuctl [-c FILE] COMMAND [OPTION...] [OPERAND...]\n\n");
	find_command(print_summary, NULL);
	printf("\nThe configuration is %s unless -c names another.\n"
	       "`luukkuctl help COMMAND` tells the options of a command; luukkuctl(8) tells all.\n",
	       LK_CONFIG_DEFAULT);
}

static void print_command(const lk_ctl_command *command)
{
	printf("usage: luukkuctl [-c FILE] %s%s%s%s\n\n%s\n", command->name,
	       command->options != NULL ? " [OPTION...]" : "", *command->operands ? " " : "",
	       command->operands, command->summary);
	if (command->more != NULL)
		printf("\n%s\n", command->more);
	if (command->options != NULL)
		printf("\noptions:\n");
	for (const lk_ctl_option *o = command->options; o != NULL && o->name != NULL; o++) {
		g_autoptr(GString) left = g_string_new("  ");

		if (o->letter != 0)
			g_string_append_printf(left, "-%c, ", o->letter);
		g_string_append_printf(left, "--%s%s%s", o->name, o->value != NULL ? " " : "",
				       o->value != NULL ? o->value : "");
		printf("%-26s %s\n", left->str, o->help);
	}
}

typedef struct {
	GPtrArray *words; /* char * */
	const char *group;
} word_list;

static bool add_word(const lk_ctl_command *command, const void *data)
{
	const word_list *list = data;

	if (list->group == NULL)
		g_ptr_array_add(list->words, g_strndup(command->name, strcspn(command->name, " ")));
	else if (is_in_group(command, list->group))
		g_ptr_array_add(list->words, g_strdup(command->name + strlen(list->group) + 1));
	return false;
}

/* What to say about a word that is no command, or no command of the group. */
static void set_unknown(const char *group, const char *word, GError **error)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	word_list list = {words, group};
	const char *near = NULL;
	g_autofree char *said = NULL;

	find_command(add_word, &list);
	near = lk_nearest_word(word, (const char *const *)words->pdata, words->len);
	said = near == NULL
		       ? g_strdup("")
		       : g_strdup_printf(", did you mean \"%s%s%s\"?", group != NULL ? group : "",
					 group != NULL ? " " : "", near);
	g_set_error(error, LK_ERROR, LK_ERR_USAGE,
		    "unknown command \"%s%s%s\"%s; `luukkuctl help` lists them",
		    group != NULL ? group : "", group != NULL ? " " : "", word, said);
}

/* Finds the command that the first words name and how many words it took. */
static bool look_up(int argc, char **argv, const lk_ctl_command **ret_command, int *ret_words,
		    GError **error)
{
	g_autofree char *both = argc > 1 ? g_strdup_printf("%s %s", argv[0], argv[1]) : NULL;
	/* "report trial" goes before "report KIND". */
	const lk_ctl_command *command = both != NULL ? find_command(has_name, both) : NULL;

	if (command != NULL) {
		*ret_command = command;
		*ret_words = 2;
		return true;
	}
	command = find_command(has_name, argv[0]);
	if (command != NULL) {
		*ret_command = command;
		*ret_words = 1;
		return true;
	}
	if (find_command(is_in_group, argv[0]) == NULL) {
		set_unknown(NULL, argv[0], error);
		return false;
	}
	if (argc < 2 || argv[1][0] == '-') {
		g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
		word_list list = {words, argv[0]};
		g_autofree char *joined = NULL;

		find_command(add_word, &list);
		g_ptr_array_add(words, NULL);
		joined = g_strjoinv(", ", (char **)words->pdata);
		g_set_error(error, LK_ERROR, LK_ERR_USAGE, "\"%s\" needs one of: %s", argv[0],
			    joined);
		return false;
	}
	set_unknown(argv[0], argv[1], error);
	return false;
}

static bool run_help(lk_ctl *ctl, GError **error)
{
	const lk_ctl_command *command = NULL;
	int words = 0;

	if (ctl->n_operands == 0) {
		print_overview();
		return true;
	}
	if (!look_up((int)ctl->n_operands, ctl->operands, &command, &words, error))
		return false;
	print_command(command);
	return true;
}

static const lk_ctl_option *find_option(const lk_ctl_command *command, const char *name, size_t n,
					char letter)
{
	for (const lk_ctl_option *o = command->options; o != NULL && o->name != NULL; o++) {
		if (letter != 0 && o->letter == letter)
			return o;
		if (letter == 0 && strncmp(o->name, name, n) == 0 && o->name[n] == '\0')
			return o;
	}
	return NULL;
}

static void set_unknown_option(const lk_ctl_command *command, const char *arg, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *word = g_strndup(arg, strcspn(arg, "="));
	const char *near = NULL;

	for (const lk_ctl_option *o = command->options; o != NULL && o->name != NULL; o++)
		g_ptr_array_add(names, (void *)o->name);
	if (g_str_has_prefix(word, "--"))
		near = lk_nearest_word(word + 2, (const char *const *)names->pdata, names->len);
	g_set_error(error, LK_ERROR, LK_ERR_USAGE,
		    "%s: unknown option %s%s%s%s; `luukkuctl help %s` lists them", command->name,
		    word, near != NULL ? ", did you mean --" : "", near != NULL ? near : "",
		    near != NULL ? "?" : "", command->name);
}

/*
 * Reads the option at argv[*i] of the command; *i ends at its last word. `ctl->config` may be set
 * here too: -c is welcome behind the command.
 */
static bool read_option(lk_ctl *ctl, int argc, char **argv, int *i, GError **error)
{
	static const lk_ctl_option config = {"config", 'c', "FILE", ""};
	const char *arg = argv[*i];
	const char *value = NULL;
	const lk_ctl_option *option = NULL;

	if (arg[1] == '-') {
		size_t n = strcspn(arg + 2, "=");

		option = find_option(ctl->command, arg + 2, n, 0);
		value = arg[2 + n] == '=' ? arg + 3 + n : NULL;
	} else {
		option = arg[1] == 'c' ? &config : find_option(ctl->command, NULL, 0, arg[1]);
		value = arg[2] != '\0' ? arg + 2 : NULL;
	}
	if (option == NULL || (option->value == NULL && value != NULL)) {
		set_unknown_option(ctl->command, arg, error);
		return false;
	}
	if (option->value != NULL && value == NULL) {
		if (*i + 1 >= argc) {
			g_set_error(error, LK_ERROR, LK_ERR_USAGE, "%s: %s needs a value (%s)",
				    ctl->command->name, arg, option->value);
			return false;
		}
		value = argv[++*i];
	}
	if (option == &config)
		ctl->config = value;
	else
		g_hash_table_insert(ctl->given, (void *)option->name,
				    (void *)(value != NULL ? value : ""));
	return true;
}

/* Sorts the words behind the command into options and operands. */
static bool read_arguments(lk_ctl *ctl, int argc, char **argv, GError **error)
{
	bool only_operands = false;

	ctl->operands = g_new0(char *, argc + 1);
	for (int i = 0; i < argc; i++) {
		if (!only_operands && strcmp(argv[i], "--") == 0)
			only_operands = true;
		else if (only_operands || argv[i][0] != '-' || argv[i][1] == '\0')
			ctl->operands[ctl->n_operands++] = argv[i];
		else if (strcmp(argv[i], "--help") == 0)
			g_hash_table_insert(ctl->given, (void *)"help", (void *)"");
		else if (!read_option(ctl, argc, argv, &i, error))
			return false;
	}
	if (lk_ctl_has(ctl, "help"))
		return true;
	if (ctl->n_operands < ctl->command->least || ctl->n_operands > ctl->command->most) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "usage: luukkuctl %s%s%s; `luukkuctl help %s` tells more",
			    ctl->command->name, *ctl->command->operands ? " " : "",
			    ctl->command->operands, ctl->command->name);
		return false;
	}
	return true;
}

static void print_version(void)
{
#ifdef LUUKKU_SANITIZE
	const char *sanitizers =
		"yes (a debugging build: slower, and the parser's filter is wider)";
#else
	const char *sanitizers = "no";
#endif
	printf("luukkuctl %s\n", LUUKKU_VERSION);
	printf("schema:     %d\n", lk_schema_needed());
	printf("protocols:  IMAP, POP3, LMTP in; SMTP out; TLS 1.2 and 1.3\n");
	printf("sanitizers: %s\n", sanitizers);
	printf("programs:   %s\n", LUUKKU_LIBEXECDIR);
	printf("GLib:       %u.%u.%u\n", glib_major_version, glib_minor_version,
	       glib_micro_version);
}

/* Options before the command. *ret_first: index of the command; argc when all is done already. */
static bool read_globals(lk_ctl *ctl, int argc, char **argv, int *ret_first, GError **error)
{
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--version") == 0) {
			print_version();
			*ret_first = argc;
			return true;
		}
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			print_overview();
			*ret_first = argc;
			return true;
		}
		if (strncmp(argv[i], "-c", 2) != 0 || (argv[i][2] == '\0' && i + 1 >= argc)) {
			g_set_error(error, LK_ERROR, LK_ERR_USAGE,
				    "unknown or incomplete option %s; before the command stand "
				    "only -c FILE, --help and --version",
				    argv[i]);
			return false;
		}
		ctl->config = argv[i][2] != '\0' ? argv[i] + 2 : argv[++i];
	}
	if (i >= argc) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "which command? `luukkuctl help` lists them");
		return false;
	}
	*ret_first = i;
	return true;
}

static bool run(lk_ctl *ctl, int argc, char **argv, GError **error)
{
	int first = 0;
	int words = 0;

	if (!read_globals(ctl, argc, argv, &first, error))
		return false;
	if (first >= argc)
		return true;
	if (!look_up(argc - first, argv + first, &ctl->command, &words, error))
		return false;
	first += words;
	if (ctl->command->run == NULL) {
		if (argc > first && strcmp(argv[first], "--help") == 0)
			print_command(ctl->command);
		else
			ctl->status = lk_ctl_parse(argc - first + 1, argv + first - 1);
		return true;
	}
	if (!read_arguments(ctl, argc - first, argv + first, error))
		return false;
	if (lk_ctl_has(ctl, "help")) {
		print_command(ctl->command);
		return true;
	}
	return ctl->command->run(ctl, error);
}

int main(int argc, char **argv)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	lk_ctl ctl = {.config = LK_CONFIG_DEFAULT};
	g_autoptr(GError) error = NULL;
	int status = 0;

	setlocale(LC_CTYPE, "");
	sigaction(SIGPIPE, &ignore, NULL);
	lk_sodium_init();
	lk_log_init("luukkuctl", LK_LOG_WARNING);
	ctl.given = g_hash_table_new(g_str_hash, g_str_equal);
	if (run(&ctl, argc, argv, &error)) {
		status = ctl.status;
	} else {
		fprintf(stderr, "luukkuctl: %s\n", error->message);
		status = ctl.status != 0 ? ctl.status : lk_exit_status(error);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "luukkuctl: standard output: could not be written\n");
		status = status != 0 ? status : EX_TEMPFAIL;
	}
	lk_db_close(ctl.db);
	lk_conf_free(ctl.conf);
	g_hash_table_unref(ctl.given);
	g_free(ctl.operands);
	return status;
}
