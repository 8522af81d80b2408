#include "daemon/ctl-mail.h"

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/path.h"
#include "lib/base/units.h"
#include "lib/mail/parser.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct {
	bool json, stdin0;
	GPtrArray *authserv, *relays, *own_lists, *strip;
	const char *file;
} request;

static int usage(const char *what)
{
	fprintf(stderr,
		"luukkuctl: parse: %s\n"
		"usage: luukkuctl parse [--json] [--authserv ID]... [--relay HOST]... FILE\n"
		"       luukkuctl parse --json --stdin0\n",
		what);
	return EX_USAGE;
}

/* NULL when all is well, else what is wrong with the command line. */
static const char *read_arguments(int argc, char **argv, request *into)
{
	for (int i = 1; i < argc; i++) {
		GPtrArray *list = NULL;
		if (strcmp(argv[i], "--json") == 0) {
			into->json = true;
		} else if (strcmp(argv[i], "--stdin0") == 0) {
			into->stdin0 = true;
		} else if (strcmp(argv[i], "--authserv") == 0) {
			list = into->authserv;
		} else if (strcmp(argv[i], "--relay") == 0) {
			list = into->relays;
		} else if (strcmp(argv[i], "--own-list") == 0) {
			list = into->own_lists;
		} else if (strcmp(argv[i], "--strip") == 0) {
			list = into->strip;
		} else if (strcmp(argv[i], "--") == 0 && i + 2 == argc && !into->file) {
			into->file = argv[++i];
		} else if (argv[i][0] == '-' && argv[i][1]) {
			return "unknown option";
		} else if (into->file) {
			return "one FILE at a time; many go by --stdin0";
		} else {
			into->file = argv[i];
		}
		if (list && ++i == argc)
			return "an option lacks its value";
		if (list)
			g_ptr_array_add(list, argv[i]);
	}
	if (into->stdin0 && (!into->json || into->file))
		return "--stdin0 goes with --json and without FILE";
	if (!into->stdin0 && !into->file)
		return "no FILE given; - reads standard input";
	return NULL;
}

static void print_addresses(const char *label, const GPtrArray *list)
{
	for (unsigned i = 0; i < list->len; i++) {
		const lk_address *one = g_ptr_array_index(list, i);
		g_autofree char *line =
			one->name ? g_strdup_printf("%s <%s>", one->name, one->address)
				  : g_strdup(one->address);
		lk_ctl_print_field(label, line);
	}
}

static void print_bounce(const lk_bounce *bounce)
{
	for (unsigned i = 0; i < bounce->recipients->len; i++) {
		const char *address = g_ptr_array_index(bounce->recipients, i);
		const char *state =
			i < bounce->states->len ? g_ptr_array_index(bounce->states, i) : "";
		g_autofree char *line =
			*state ? g_strdup_printf("%s (%s)", address, state) : g_strdup(address);

		lk_ctl_print_field("Failed", line);
	}
	lk_ctl_print_field("Failure", bounce->permanent ? "for good" : "for now");
	lk_ctl_print_field("Status", bounce->status);
	lk_ctl_print_field("Diagnostic", bounce->diagnostic);
	lk_ctl_print_field("Returned", bounce->original_message_id);
}

static void print_mail(const lk_mail *mail)
{
	g_autofree char *date = lk_time_format(mail->date);
	g_autofree char *kind =
		g_strdup_printf("%s (%s)", lk_kind_name(mail->kind), mail->kind_reason);
	g_autofree char *answer =
		mail->suppress_reply
			? g_strdup_printf("no (%s)", mail->suppress_reason ? mail->suppress_reason
									   : mail->kind_reason)
			: g_strdup("yes");

	if (mail->from) {
		g_autofree char *from = g_strdup_printf(
			"%s <%s>", mail->from->name ? mail->from->name : "", mail->from->address);
		lk_ctl_print_field("From", g_strstrip(from));
	}
	print_addresses("Reply-To", mail->reply_to);
	print_addresses("To", mail->to);
	print_addresses("Cc", mail->cc);
	lk_ctl_print_field("Date", date);
	lk_ctl_print_field("Subject", mail->subject);
	lk_ctl_print_field("Message-ID", mail->message_id);
	lk_ctl_print_field("In-Reply-To", mail->in_reply_to);
	lk_ctl_print_field("Kind", kind);
	lk_ctl_print_field("May be answered automatically", answer);
	lk_ctl_print_field("Language", mail->language);
	if (mail->importance != LK_IMPORTANCE_NORMAL)
		lk_ctl_print_field("Importance", lk_importance_name(mail->importance));
	if (mail->bounce)
		print_bounce(mail->bounce);
	if (mail->auth) {
		lk_ctl_print_field("SPF", mail->auth->spf);
		lk_ctl_print_field("DKIM", mail->auth->dkim);
		lk_ctl_print_field("DMARC", mail->auth->dmarc);
	}
	for (unsigned i = 0; i < mail->attachments->len; i++) {
		const lk_attachment *part = g_ptr_array_index(mail->attachments, i);
		g_autofree char *line = g_strdup_printf(
			"%s (%s, %" PRIu64 " bytes%s)", part->filename ? part->filename : "-",
			part->content_type, part->size, part->is_inline ? ", inline" : "");
		lk_ctl_print_field("Attachment", line);
	}
	for (unsigned i = 0; i < mail->defects->len; i++)
		lk_ctl_print_field("Defect", g_ptr_array_index(mail->defects, i));
	fputs("\nNew words:\n", stdout);
	lk_ctl_print_text(mail->reply_text, "  ");
	fputs("\nWhole text:\n", stdout);
	lk_ctl_print_text(mail->text, "  ");
}

static bool parse_one(lk_parser *parser, const request *asked, const char *file, GError **error)
{
	lk_autofd int mail_fd = -1;
	lk_autofd int parts_fd = -1;
	g_autoptr(lk_mail) mail = NULL;

	if (!lk_ctl_mail_open(file, &mail_fd, error) || !lk_parser_start(parser, mail_fd, error) ||
	    !lk_parser_finish(parser, &mail, &parts_fd, error))
		return false;
	lk_parser_give_back(parser, &parts_fd);
	if (!asked->json) {
		print_mail(mail);
		return true;
	}
	g_autoptr(lk_json) json = lk_mail_json(mail);
	g_autofree char *line = lk_json_dump(json, !asked->stdin0);
	puts(line);
	return true;
}

/* Names end in NUL; what cannot be read is said and the next one taken. */
static int parse_many(lk_parser *parser, const request *asked)
{
	g_autofree char *name = NULL;
	size_t room = 0;
	int status = 0;

	while (getdelim(&name, &room, '\0', stdin) > 0) {
		g_autoptr(GError) error = NULL;
		if (parse_one(parser, asked, name, &error))
			continue;
		fprintf(stderr, "luukkuctl: %s\n", error->message);
		status = lk_exit_status(error);
	}
	return fflush(stdout) == 0 ? status : EX_IOERR;
}

static const char *const *list_of(GPtrArray *list)
{
	g_ptr_array_add(list, NULL);
	return (const char *const *)list->pdata;
}

int lk_ctl_parse(int argc, char **argv)
{
	g_autoptr(GPtrArray) authserv = g_ptr_array_new();
	g_autoptr(GPtrArray) relays = g_ptr_array_new();
	g_autoptr(GPtrArray) own_lists = g_ptr_array_new();
	g_autoptr(GPtrArray) strip = g_ptr_array_new();
	request asked = {
		.authserv = authserv, .relays = relays, .own_lists = own_lists, .strip = strip};
	const char *wrong = read_arguments(argc, argv, &asked);
	g_autofree char *program = lk_program_path("luukku-parse");
	g_autoptr(GError) error = NULL;

	if (wrong)
		return usage(wrong);
	lk_parser_options options = {.program = program,
				     .authserv = list_of(authserv),
				     .relays = list_of(relays),
				     .own_lists = list_of(own_lists),
				     .strip = list_of(strip)};
	g_autoptr(lk_parser) parser = lk_parser_new(&options);
	if (asked.stdin0)
		return parse_many(parser, &asked);
	if (parse_one(parser, &asked, asked.file, &error))
		return fflush(stdout) == 0 ? 0 : EX_IOERR;
	fprintf(stderr, "luukkuctl: %s\n", error->message);
	return lk_exit_status(error);
}
