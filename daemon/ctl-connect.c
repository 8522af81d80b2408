#include "daemon/ctl.h"

#include "daemon/server.h"
#include "lib/base/err.h"
#include "lib/db/migrate.h"
#include "lib/net/imap.h"
#include "lib/net/pop3.h"
#include "lib/net/smtp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A check by hand does not wait as long as a daemon does. */
enum { CONNECT_MS = 10 * 1000, IO_MS = 20 * 1000 };

typedef struct {
	lk_ctl *ctl;
	bool quiet;
	const char *traced; /* a mailbox, "smtp", or NULL */
	GPtrArray *problems;
} probe;

static void add_failure(probe *p, const lk_conf_origin *at, const char *what, const GError *error)
{
	lk_conf_problem *problem = g_new0(lk_conf_problem, 1);

	problem->file = g_strdup(at->file != NULL ? at->file : p->ctl->config);
	problem->line = at->line;
	problem->severity = LK_CONF_IS_ERROR;
	problem->message = g_strdup_printf("%s: %s", what, error->message);
	g_ptr_array_add(p->problems, problem);
	/* a wrong setting outranks a server that is away */
	if (lk_err_is(error, LK_ERR_RETRY)) {
		if (p->ctl->status == 0)
			p->ctl->status = EX_UNAVAILABLE;
	} else {
		p->ctl->status = EX_CONFIG;
	}
}

static void add_success(const probe *p, const char *what, const char *words)
{
	if (p->quiet)
		return;
	printf("%s: %s\n", what, words);
	fflush(stdout);
}

static void be_impatient(lk_server *server)
{
	server->connect_timeout_ms = CONNECT_MS;
	server->io_timeout_ms = IO_MS;
}

/* On standard error, so that --json stays what it is. */
static void tell_line(void *data, bool is_ours, const char *line)
{
	fprintf(stderr, "%s: %s\n", is_ours ? "C" : "S", line);
}

/* The dialogue with this server, if somebody wants to see it. Caller frees. */
static lk_dialogue *listen_to(const probe *p, const char *name, const lk_secret *secret)
{
	if (g_strcmp0(p->traced, name) != 0)
		return NULL;
	fprintf(stderr, "%s (C: we, S: the server; secrets are ***)\n", name);
	return lk_dialogue_new(secret, tell_line, NULL);
}

/* What is wrong there does not keep mail from being fetched, but answers from being seen. */
static bool try_sent(const lk_conf_mailbox *mailbox, lk_imap *imap, GString *words, GError **error)
{
	lk_imap_folder folder = {0};

	if (mailbox->sent == NULL)
		return true;
	if (!lk_imap_select(imap, mailbox->sent, &folder, error)) {
		g_prefix_error(error,
			       "mailboxes[%s].sent must name the folder where mail clients file "
			       "what they send from this mailbox: ",
			       mailbox->name);
		return false;
	}
	g_string_append_printf(words, ", %" PRIu32 " in %s", folder.exists, mailbox->sent);
	return true;
}

static bool try_imap(const lk_conf_mailbox *mailbox, const lk_server *server, char **ret_words,
		     GError **error)
{
	g_autoptr(lk_imap) imap = NULL;
	g_autoptr(GString) words = g_string_new("logged in");

	if (!lk_imap_open(server, &imap, error))
		return false;
	for (unsigned i = 0; i < mailbox->folders->len; i++) {
		const char *name = g_ptr_array_index(mailbox->folders, i);
		lk_imap_folder folder = {0};

		if (!lk_imap_select(imap, name, &folder, error))
			return false;
		g_string_append_printf(words, ", %" PRIu32 " mails in %s", folder.exists, name);
	}
	if (!try_sent(mailbox, imap, words, error))
		return false;
	*ret_words = g_string_free(g_steal_pointer(&words), false);
	return true;
}

static bool try_pop3(const lk_server *server, char **ret_words, GError **error)
{
	g_autoptr(lk_pop3) pop3 = NULL;
	g_autoptr(GArray) items = NULL;

	if (!lk_pop3_open(server, &pop3, error) || !lk_pop3_list(pop3, &items, error))
		return false;
	*ret_words = g_strdup_printf("logged in, %u mails", items->len);
	return true;
}

static void try_mailbox(probe *p, const lk_conf_mailbox *mailbox)
{
	bool is_imap = mailbox->protocol == LK_CONF_IMAP;
	g_autofree char *what = NULL;
	g_autofree char *words = NULL;
	g_autoptr(lk_secret) secret = NULL;
	g_autoptr(lk_dialogue) dialogue = NULL;
	g_autoptr(GError) error = NULL;
	lk_server server = {0};
	bool ok = false;

	if (mailbox->protocol == LK_CONF_NO_SERVER)
		return;
	what = g_strdup_printf("mailbox %s (%s %s:%" PRId64 ")", mailbox->name,
			       is_imap ? "IMAP" : "POP3", mailbox->host, mailbox->port);
	ok = lk_server_of_mailbox(mailbox, -1, &server, &secret, &error);
	if (ok) {
		be_impatient(&server);
		server.dialogue = dialogue = listen_to(p, mailbox->name, secret);
		ok = is_imap ? try_imap(mailbox, &server, &words, &error)
			     : try_pop3(&server, &words, &error);
	}
	if (ok)
		add_success(p, what, words);
	else
		add_failure(p, &mailbox->at, what, error);
}

static void try_smtp(probe *p, const lk_conf *conf)
{
	g_autofree char *what = NULL;
	/* The session says its last words when it is freed: first of all. */
	g_autoptr(lk_secret) secret = NULL;
	g_autoptr(lk_dialogue) dialogue = NULL;
	g_autoptr(lk_smtp) smtp = NULL;
	g_autoptr(GError) error = NULL;
	lk_server server = {0};

	if (conf->smtp.host == NULL) {
		add_success(p, "smtp", "no server is set; send = false");
		return;
	}
	what = g_strdup_printf("smtp (%s:%" PRId64 ")", conf->smtp.host, conf->smtp.port);
	if (!lk_server_of_smtp(&conf->smtp, -1, &server, &secret, &error)) {
		add_failure(p, &conf->smtp.at, what, error);
		return;
	}
	be_impatient(&server);
	server.dialogue = dialogue = listen_to(p, "smtp", secret);
	if (!lk_smtp_open(&server, g_get_host_name(), &smtp, &error)) {
		add_failure(p, &conf->smtp.at, what, error);
		return;
	}
	add_success(p, what,
		    conf->smtp.auth == LK_CONF_AUTH_NONE ? "answers; no login is configured"
							 : "logged in");
}

static void try_database(probe *p, const lk_conf *conf)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *words = NULL;
	lk_db *db = NULL;

	if (!lk_ctl_db(p->ctl, &db, &error)) {
		/* the status is decided here, with the other servers' */
		p->ctl->status = p->ctl->status == EX_CONFIG ? EX_CONFIG : 0;
		add_failure(p, &conf->database.at, "database", error);
		return;
	}
	words = g_strdup_printf("connected as luukku_ctl, schema %d", lk_schema_needed());
	add_success(p, "database", words);
}

static void check_traced(probe *p)
{
	const lk_conf *conf = p->ctl->conf;
	lk_conf_origin nowhere = {NULL, 0};
	g_autoptr(GError) error = NULL;

	if (p->traced == NULL || strcmp(p->traced, "smtp") == 0)
		return;
	for (unsigned i = 0; i < conf->mailboxes->len; i++)
		if (strcmp(((lk_conf_mailbox *)g_ptr_array_index(conf->mailboxes, i))->name,
			   p->traced) == 0)
			return;
	g_set_error(&error, LK_ERROR, LK_ERR_CONFIG,
		    "there is no such mailbox: name one of mailboxes[], or \"smtp\"");
	add_failure(p, &nowhere, p->traced, error);
}

void lk_ctl_connect_all(lk_ctl *ctl, bool quiet, const char *traced, GPtrArray *problems)
{
	probe p = {ctl, quiet, traced, problems};

	check_traced(&p);
	try_database(&p, ctl->conf);
	for (unsigned i = 0; i < ctl->conf->mailboxes->len; i++)
		try_mailbox(&p, g_ptr_array_index(ctl->conf->mailboxes, i));
	try_smtp(&p, ctl->conf);
}
