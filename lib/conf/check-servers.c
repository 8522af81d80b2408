#include "lib/conf/check.h"

#include "lib/base/text.h"
#include "lib/base/token.h"
#include "lib/conf/form.h"

#include <string.h>
#include <sys/stat.h>

/* RFC 5321 4.5.3.1.1 */
enum { MOST_LOCAL_PART = 64 };

/* What a mailbox and the SMTP server have in common. */
typedef struct {
	lk_conf_origin at;
	const char *label;
	const char *host;
	int tls;
	int auth;
	const char *user;
	bool user_given; /* though perhaps not as it should be */
	const lk_conf_secret *password;
	const lk_conf_oauth2 *oauth2;
} server;

static void check_login(const lk_findings *findings, const server *s)
{
	bool has_password = lk_conf_secret_is_set(s->password);

	if (s->auth == LK_CONF_AUTH_NONE) {
		if (s->user || has_password)
			lk_find_error(
				findings, s->at,
				"%s has auth = \"none\" and a user or password; say how to log "
				"in, or remove them",
				s->label);
		return;
	}
	if (!s->user && !s->user_given)
		lk_find_error(findings, s->at, "%s.user is missing: the login name", s->label);
	if (s->auth == LK_CONF_AUTH_XOAUTH2) {
		if (s->oauth2->at.line == 0)
			lk_find_error(findings, s->at,
				      "%s has auth = \"xoauth2\" and no oauth2: { }", s->label);
		if (has_password)
			lk_find_error(
				findings, s->password->at,
				"%s has auth = \"xoauth2\" and a password; remove one of them",
				s->label);
		return;
	}
	if (s->oauth2->at.line != 0)
		lk_find_error(findings, s->oauth2->at, "%s.oauth2 is for auth = \"xoauth2\" only",
			      s->label);
	if (!has_password)
		lk_find_error(findings, s->at,
			      "%s has no password; write password_file, password_command or "
			      "password_sealed",
			      s->label);
}

static void check_server(const lk_findings *findings, const server *s)
{
	if (s->host && s->tls == LK_CONF_TLS_NONE && !lk_host_is_local(s->host))
		lk_find_error(
			findings, s->at,
			"%s: tls = \"none\" would send the password in the clear to %s; it is "
			"for this machine only (127.0.0.1, ::1, localhost or the path of a "
			"unix socket)",
			s->label, s->host);
	check_login(findings, s);
}

static void check_smtp(const lk_findings *findings, const lk_conf *conf)
{
	const lk_conf_smtp *smtp = &conf->smtp;
	server s = {.at = smtp->at,
		    .label = "smtp",
		    .host = smtp->host,
		    .tls = smtp->tls,
		    .auth = smtp->auth,
		    .user = smtp->user,
		    .user_given = g_hash_table_contains(conf->given, &smtp->user),
		    .password = &smtp->password,
		    .oauth2 = &smtp->oauth2};

	if (smtp->at.line == 0)
		return;
	if (!smtp->host && smtp->send && !g_hash_table_contains(conf->given, &smtp->host))
		lk_find_error(findings, smtp->at,
			      "smtp.host is missing: the server that mail goes out by (or send = "
			      "false, and none goes out)");
	if (smtp->host)
		check_server(findings, &s);
}

static void refuse_given(const lk_findings *findings, const lk_conf *conf,
			 const lk_conf_mailbox *mailbox, const char *label, const void *place,
			 const char *name, const char *why)
{
	if (g_hash_table_contains(conf->given, place))
		lk_find_error(findings, mailbox->at, "%s.%s: %s", label, name, why);
}

static void check_after(const lk_findings *findings, const lk_conf_mailbox *mailbox,
			const char *label, const char *name, const lk_conf_after *after)
{
	if (mailbox->protocol == LK_CONF_POP3 &&
	    (after->kind == LK_CONF_AFTER_SEEN || after->kind == LK_CONF_AFTER_MOVE))
		lk_find_error(findings, mailbox->at,
			      "%s.%s: POP3 knows no flags and no folders; write \"keep\" or "
			      "\"delete\"",
			      label, name);
	if (after->kind == LK_CONF_AFTER_MOVE && mailbox->protocol == LK_CONF_IMAP &&
	    g_ptr_array_find_with_equal_func(mailbox->folders, after->folder, g_str_equal, NULL))
		lk_find_error(findings, mailbox->at,
			      "%s.%s moves mail into \"%s\", which is read again", label, name,
			      after->folder);
}

static void check_protocol(const lk_findings *findings, const lk_conf *conf,
			   const lk_conf_mailbox *mailbox, const char *label)
{
	static const char imap_only[] = "only IMAP has this";
	static const char no_server[] = "protocol = \"none\" has no server";

	if (mailbox->protocol != LK_CONF_IMAP) {
		refuse_given(findings, conf, mailbox, label, &mailbox->folders, "folders",
			     imap_only);
		refuse_given(findings, conf, mailbox, label, &mailbox->idle, "idle", imap_only);
		refuse_given(findings, conf, mailbox, label, &mailbox->sent, "sent", imap_only);
	}
	if (mailbox->protocol == LK_CONF_NO_SERVER) {
		refuse_given(findings, conf, mailbox, label, &mailbox->host, "host", no_server);
		refuse_given(findings, conf, mailbox, label, &mailbox->port, "port", no_server);
		refuse_given(findings, conf, mailbox, label, &mailbox->tls, "tls", no_server);
		refuse_given(findings, conf, mailbox, label, &mailbox->user, "user", no_server);
		refuse_given(findings, conf, mailbox, label, &mailbox->password, "password",
			     no_server);
		refuse_given(findings, conf, mailbox, label, &mailbox->after, "after", no_server);
		refuse_given(findings, conf, mailbox, label, &mailbox->failed, "failed", no_server);
	}
}

static void check_mailbox(const lk_findings *findings, const lk_conf *conf,
			  const lk_conf_mailbox *mailbox)
{
	g_autofree char *label =
		g_strdup_printf("mailboxes[%s]", mailbox->name ? mailbox->name : "");
	server s = {.at = mailbox->at,
		    .label = label,
		    .host = mailbox->host,
		    .tls = mailbox->tls,
		    .auth = mailbox->auth,
		    .user = mailbox->user,
		    .user_given = g_hash_table_contains(conf->given, &mailbox->user),
		    .password = &mailbox->password,
		    .oauth2 = &mailbox->oauth2};

	check_protocol(findings, conf, mailbox, label);
	if (mailbox->protocol == LK_CONF_NO_SERVER)
		return;
	if (!mailbox->host && !g_hash_table_contains(conf->given, &mailbox->host))
		lk_find_error(findings, mailbox->at, "%s.host is missing: the server", label);
	if (mailbox->auth == LK_CONF_AUTH_NONE)
		lk_find_error(findings, mailbox->at,
			      "%s: a mailbox needs a login; auth is \"plain\", \"login\" or "
			      "\"xoauth2\"",
			      label);
	else
		check_server(findings, &s);
	check_after(findings, mailbox, label, "after", &mailbox->after);
	check_after(findings, mailbox, label, "failed", &mailbox->failed);
	if (mailbox->sent && mailbox->protocol == LK_CONF_IMAP &&
	    g_ptr_array_find_with_equal_func(mailbox->folders, mailbox->sent, g_str_equal, NULL))
		lk_find_error(
			findings, mailbox->at,
			"%s.sent: \"%s\" is one of folders, so that answers would open tickets",
			label, mailbox->sent);
}

/* Two mailboxes that read the same folder would take each mail twice. */
static void check_same_mailbox(const lk_findings *findings, const lk_conf *conf)
{
	for (unsigned i = 0; i < conf->mailboxes->len; i++) {
		const lk_conf_mailbox *a = g_ptr_array_index(conf->mailboxes, i);

		for (unsigned j = 0; j < i && a->host && a->user; j++) {
			const lk_conf_mailbox *b = g_ptr_array_index(conf->mailboxes, j);

			if (a->protocol != b->protocol || a->port != b->port || !b->host ||
			    !b->user || strcmp(a->host, b->host) != 0 ||
			    strcmp(a->user, b->user) != 0)
				continue;
			for (unsigned k = 0; k < a->folders->len; k++)
				if (g_ptr_array_find_with_equal_func(
					    b->folders, g_ptr_array_index(a->folders, k),
					    g_str_equal, NULL)) {
					lk_find_error(
						findings, a->at,
						"mailboxes[%s] reads what mailboxes[%s] reads "
						"already (%s on %s)",
						a->name ? a->name : "", b->name ? b->name : "",
						a->user, a->host);
					break;
				}
		}
	}
}

/* Can mail to that address come in? By domain: aliases are known to the mail server alone. */
static bool may_arrive(const lk_conf *conf, const char *address)
{
	const char *domain = lk_address_domain(address);

	for (unsigned i = 0; i < conf->mailboxes->len; i++) {
		const lk_conf_mailbox *mailbox = g_ptr_array_index(conf->mailboxes, i);
		const char *user_domain = mailbox->user ? lk_address_domain(mailbox->user) : NULL;

		if (!user_domain || (domain && g_ascii_strcasecmp(domain, user_domain) == 0))
			return true;
	}
	return false;
}

static void check_arrival(const lk_findings *findings, const lk_conf *conf, lk_conf_origin at,
			  const char *label, const char *address)
{
	size_t local = strcspn(address, "@");

	if (*conf->site.subaddress != '\0' && local + 1 + LK_TOKEN_CHARS > MOST_LOCAL_PART)
		lk_find_error(
			findings, at,
			"%s: \"%s\" has %zu characters before the @; with a token of %d behind "
			"them more than %d is too long for mail (RFC 5321)",
			label, address, local, LK_TOKEN_CHARS,
			MOST_LOCAL_PART - 1 - LK_TOKEN_CHARS);
	if (conf->mailboxes->len > 0 && !may_arrive(conf, address))
		lk_find_warning(findings, at,
				"%s: no mailbox is of the domain of %s; will its mail come in?",
				label, address);
}

/* A password in a connection string is a plain secret like any other. */
static void check_conninfo(const lk_findings *findings, const lk_conf *conf, const char *label,
			   const char *conninfo)
{
	bool has_password = false;
	g_autofree char *masked = conninfo ? lk_conninfo_mask(conninfo, &has_password) : NULL;
	struct stat st;

	if (!has_password)
		return;
	if (stat(conf->database.at.file, &st) == 0 && (st.st_mode & S_IROTH))
		lk_find_error(findings, conf->database.at,
			      "%s holds a password and stands in a file that everybody may read: "
			      "chmod o-r it, or write passfile=FILE",
			      label);
	else
		lk_find_warning(findings, conf->database.at,
				"%s holds a password in plain text; better write passfile=FILE or "
				"use peer authentication on a unix socket",
				label);
}

static void check_database(const lk_findings *findings, const lk_conf *conf)
{
	check_conninfo(findings, conf, "database.conninfo", conf->database.conninfo);
	if (g_hash_table_contains(conf->given, &conf->database.owner_conninfo))
		check_conninfo(findings, conf, "database.owner_conninfo",
			       conf->database.owner_conninfo);
}

static void check_web(const lk_findings *findings, const lk_conf *conf)
{
	const lk_conf_web *web = &conf->web;

	if (web->listen && web->internal && strcmp(web->listen, web->internal) == 0)
		lk_find_error(
			findings, web->at,
			"web.listen and web.internal are the same address; the board must not "
			"be where customers are");
	if (web->listen && !web->public_url)
		lk_find_error(findings, web->at,
			      "web.public_url is missing: links in surveys need it");
	if (web->internal && !lk_conf_secret_is_set(&web->board_token))
		lk_find_warning(findings, web->at,
				"web.board_token_file is missing: there will be no board");
}

void lk_check_servers(const lk_findings *findings, const lk_conf *conf)
{
	check_database(findings, conf);
	check_smtp(findings, conf);
	for (unsigned i = 0; i < conf->mailboxes->len; i++)
		check_mailbox(findings, conf, g_ptr_array_index(conf->mailboxes, i));
	check_same_mailbox(findings, conf);
	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);
		g_autofree char *label =
			g_strdup_printf("queues[%s].addresses", queue->name ? queue->name : "");

		for (unsigned j = 0; j < queue->addresses->len; j++)
			check_arrival(findings, conf, queue->at, label,
				      g_ptr_array_index(queue->addresses, j));
	}
	if (g_hash_table_contains(conf->given, &conf->smtp.envelope_from) &&
	    conf->smtp.envelope_from)
		check_arrival(findings, conf, conf->smtp.at, "smtp.envelope_from",
			      conf->smtp.envelope_from);
	check_web(findings, conf);
}
