/*
 * The mail clients of lib/net from a command line, for the end-to-end tests:
 *
 *   net-probe [OPTION=VALUE ...] COMMAND [ARGUMENT ...]
 *
 * Options: host port tls ca pin auth user password-file io-ms command-ms connect-ms helo repeat
 * Errors go to standard error as "error CODE: message"; the exit status is that of the error.
 */
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/units.h"
#include "lib/net/imap.h"
#include "lib/net/lmtp.h"
#include "lib/net/pop3.h"
#include "lib/net/smtp.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
	lk_server server;
	const char *helo;
	int64_t repeat;
	char **arguments; /* of the command */
	int n;
} probe;

static int64_t number(const char *text)
{
	int64_t value;
	if (!lk_parse_int(text, 0, INT64_MAX, &value, NULL)) {
		fprintf(stderr, "net-probe: not a number: %s\n", text);
		exit(64);
	}
	return value;
}

static GArray *uids_from(char **words, int n)
{
	GArray *uids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (int i = 0; i < n; i++) {
		uint32_t uid = (uint32_t)number(words[i]);
		g_array_append_val(uids, uid);
	}
	return uids;
}

static bool imap_print(lk_imap *imap, probe *p, GError **error)
{
	g_autoptr(GArray) uids = NULL;
	g_autoptr(GArray) items = NULL;
	uint32_t after = p->n > 1 ? (uint32_t)number(p->arguments[1]) : 0;
	size_t most = p->n > 2 ? (size_t)number(p->arguments[2]) : 1000000;
	if (!lk_imap_search(imap, after, most, &uids, error) ||
	    !lk_imap_list(imap, (const uint32_t *)(const void *)uids->data, uids->len, &items,
			  error))
		return false;
	for (guint i = 0; i < items->len; i++) {
		const lk_imap_item *item = &g_array_index(items, lk_imap_item, i);
		g_autofree char *date = lk_time_format(item->internal_date);
		printf("%u %" G_GUINT64_FORMAT " %s %s\n", item->uid, item->size,
		       date ? date : "none", item->seen ? "seen" : "new");
	}
	return true;
}

static bool imap_fetch(lk_imap *imap, probe *p, GError **error)
{
	bool found;
	bool header_only = p->n > 3 && strcmp(p->arguments[3], "header") == 0;
	uint64_t most = p->n > 2 ? (uint64_t)number(p->arguments[2]) : 100 << 20;
	for (int64_t i = 0; i < p->repeat; i++)
		if (!lk_imap_fetch(imap, (uint32_t)number(p->arguments[1]), header_only, most,
				   STDOUT_FILENO, &found, error))
			return false;
	if (!found)
		fprintf(stderr, "gone\n");
	return true;
}

static bool imap_act(lk_imap *imap, const char *command, probe *p, GError **error)
{
	bool moves = strcmp(command, "imap-move") == 0;
	int skip = moves ? 2 : 1;
	g_autoptr(GArray) uids = uids_from(p->arguments + skip, p->n - skip);
	const uint32_t *u = (const uint32_t *)(const void *)uids->data;
	if (moves)
		return lk_imap_move(imap, u, uids->len, p->arguments[1], error);
	if (strcmp(command, "imap-delete") == 0)
		return lk_imap_delete(imap, u, uids->len, error);
	return lk_imap_set_seen(imap, u, uids->len, error);
}

static bool imap_wait(lk_imap *imap, probe *p, GError **error)
{
	bool news;
	printf("waiting\n");
	fflush(stdout);
	if (!lk_imap_wait(imap, (int)number(p->arguments[1]), -1,
			  strcmp(p->arguments[2], "idle") == 0, &news, error))
		return false;
	printf("news=%d\n", news);
	return true;
}

static bool run_imap(const char *command, probe *p, GError **error)
{
	g_autoptr(lk_imap) imap = NULL;
	lk_imap_folder folder;
	if (!lk_imap_open(&p->server, &imap, error))
		return false;
	if (strcmp(command, "imap-login") == 0)
		return true;
	if (!lk_imap_select(imap, p->arguments[0], &folder, error))
		return false;
	if (strcmp(command, "imap-select") == 0) {
		printf("uidvalidity=%u uidnext=%u exists=%u\n", folder.uidvalidity, folder.uidnext,
		       folder.exists);
		return true;
	}
	if (strcmp(command, "imap-list") == 0)
		return imap_print(imap, p, error);
	if (strcmp(command, "imap-fetch") == 0)
		return imap_fetch(imap, p, error);
	if (strcmp(command, "imap-wait") == 0)
		return imap_wait(imap, p, error);
	return imap_act(imap, command, p, error);
}

static bool run_pop3(const char *command, probe *p, GError **error)
{
	g_autoptr(lk_pop3) pop3 = NULL;
	if (!lk_pop3_open(&p->server, &pop3, error))
		return false;
	if (strcmp(command, "pop3-list") == 0) {
		g_autoptr(GArray) items = NULL;
		if (!lk_pop3_list(pop3, &items, error))
			return false;
		for (guint i = 0; i < items->len; i++) {
			const lk_pop3_item *item = &g_array_index(items, lk_pop3_item, i);
			printf("%u %" G_GUINT64_FORMAT " %s\n", item->number, item->size,
			       item->uidl);
		}
	} else if (strcmp(command, "pop3-fetch") == 0) {
		uint64_t most = p->n > 1 ? (uint64_t)number(p->arguments[1]) : 100 << 20;
		if (!lk_pop3_fetch(pop3, (uint32_t)number(p->arguments[0]),
				   p->n > 2 && strcmp(p->arguments[2], "header") == 0, most,
				   STDOUT_FILENO, error))
			return false;
	} else if (g_str_has_prefix(command, "pop3-delete")) {
		for (int i = 0; i < p->n; i++)
			if (!lk_pop3_delete(pop3, (uint32_t)number(p->arguments[i]), error))
				return false;
	}
	/* pop3-delete-drop leaves as a crash would */
	return g_str_has_suffix(command, "-drop") || lk_pop3_commit(pop3, error);
}

/* smtp-send FROM FILE RECIPIENT...; repeat=N sends it N times on one connection. */
static bool run_smtp(const char *command, probe *p, GError **error)
{
	static const char *const names[] = {"sent", "temporary", "permanent", "uncertain"};
	g_autoptr(lk_smtp) smtp = NULL;
	g_autoptr(GString) mail = NULL;
	if (!lk_smtp_open(&p->server, p->helo, &smtp, error))
		return false;
	if (strcmp(command, "smtp-login") == 0) {
		printf("size=%" G_GUINT64_FORMAT "\n", lk_smtp_max_size(smtp));
		return true;
	}
	if (!lk_read_file(p->arguments[1], 200 << 20, &mail, error))
		return false;
	size_t n = (size_t)p->n - 2;
	g_autofree lk_smtp_result *results = g_new0(lk_smtp_result, n);
	for (int64_t i = 0; i < p->repeat; i++) {
		lk_smtp_send(smtp, p->arguments[0], (const char *const *)p->arguments + 2, n,
			     mail->str, mail->len, results);
		for (size_t j = 0; j < n; j++) {
			printf("%s %s %d %s %s\n", p->arguments[2 + j], names[results[j].class],
			       results[j].code, results[j].status ? results[j].status : "-",
			       results[j].reply);
			lk_smtp_result_clear(&results[j]);
		}
		printf("alive=%d\n", lk_smtp_is_alive(smtp));
	}
	return true;
}

static bool run(const char *command, probe *p, GError **error)
{
	if (g_str_has_prefix(command, "imap-"))
		return run_imap(command, p, error);
	if (g_str_has_prefix(command, "pop3-"))
		return run_pop3(command, p, error);
	if (g_str_has_prefix(command, "smtp-"))
		return run_smtp(command, p, error);
	if (strcmp(command, "lmtp-send") == 0) /* PATH FROM RECIPIENT... < MAIL */
		return lk_lmtp_send(p->arguments[0], p->arguments[1],
				    (const char *const *)p->arguments + 2, STDIN_FILENO, error);
	fprintf(stderr, "net-probe: no command %s\n", command);
	exit(64);
}

static lk_auth_method auth_named(const char *name)
{
	return strcmp(name, "none") == 0      ? LK_AUTH_NONE
	       : strcmp(name, "login") == 0   ? LK_AUTH_LOGIN
	       : strcmp(name, "xoauth2") == 0 ? LK_AUTH_XOAUTH2
					      : LK_AUTH_PLAIN;
}

static void set_option(probe *p, const char *name, const char *value, lk_secret **secret)
{
	lk_server *server = &p->server;
	GError *error = NULL;
	if (strcmp(name, "host") == 0)
		server->host = value;
	else if (strcmp(name, "port") == 0)
		server->port = (int)number(value);
	else if (strcmp(name, "tls") == 0)
		server->tls = strcmp(value, "none") == 0       ? LK_TLS_NONE
			      : strcmp(value, "starttls") == 0 ? LK_TLS_STARTTLS
							       : LK_TLS_IMPLICIT;
	else if (strcmp(name, "ca") == 0)
		server->ca_file = value;
	else if (strcmp(name, "pin") == 0)
		server->pin = value;
	else if (strcmp(name, "auth") == 0)
		server->auth = auth_named(value);
	else if (strcmp(name, "user") == 0)
		server->user = value;
	else if (strcmp(name, "password-file") == 0) {
		if (!lk_secret_from_file(value, secret, &error))
			g_error("%s", error->message);
	} else if (strcmp(name, "io-ms") == 0)
		server->io_timeout_ms = (int)number(value);
	else if (strcmp(name, "command-ms") == 0)
		server->command_timeout_ms = (int)number(value);
	else if (strcmp(name, "connect-ms") == 0)
		server->connect_timeout_ms = (int)number(value);
	else if (strcmp(name, "helo") == 0)
		p->helo = value;
	else if (strcmp(name, "repeat") == 0)
		p->repeat = number(value);
	else
		g_error("no option %s", name);
}

int main(int argc, char **argv)
{
	static const char *const codes[] = {"RETRY", "MESSAGE", "MAILBOX", "CONFIG",	"UNCERTAIN",
					    "USAGE", "NOINPUT", "DATA",	   "PERMISSION"};
	lk_sodium_init();
	g_autoptr(lk_secret) secret = NULL;
	probe p = {.server = {.host = "127.0.0.1",
			      .tls = LK_TLS_IMPLICIT,
			      .auth = LK_AUTH_PLAIN,
			      .wake_fd = -1},
		   .helo = "probe.test",
		   .repeat = 1};
	int i = 1;
	for (char *equals; i < argc && (equals = strchr(argv[i], '=')); i++) {
		*equals = '\0';
		set_option(&p, argv[i], equals + 1, &secret);
	}
	if (i == argc)
		return 64;
	p.server.password = secret;
	p.arguments = argv + i + 1;
	p.n = argc - i - 1;
	g_autoptr(GError) error = NULL;
	if (run(argv[i], &p, &error))
		return 0;
	fflush(stdout);
	fprintf(stderr, "error %s: %s\n", codes[error->code], error->message);
	return lk_exit_status(error);
}
