#include "daemon/ctl.h"

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/mail/mail.h"
#include "lib/mail/parser.h"
#include "lib/net/lmtp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 65536, LONGEST_ENVELOPE_LINE = 2000 };

/* Standard input into an unlinked file: it may be a pipe, and its beginning is looked at twice. */
static bool spool_input(int *ret_fd, GError **error)
{
	g_autofree char *chunk = g_malloc(CHUNK);
	lk_autofd int fd = -1;
	size_t total = 0;

	if (!lk_spool_open(NULL, &fd, error))
		return false;
	for (;;) {
		ssize_t n = read(STDIN_FILENO, chunk, CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			g_set_error(error, LK_ERROR, LK_ERR_RETRY, "standard input: %s",
				    g_strerror(errno));
			return false;
		}
		if (n == 0)
			break;
		if (!lk_write_all(fd, chunk, (size_t)n, error))
			return false;
		total += (size_t)n;
	}
	if (total == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
			    "standard input is empty; a mail is expected there");
		return false;
	}
	*ret_fd = fd;
	fd = -1;
	return true;
}

/*
 * The line "From sender date" that an MTA puts on top of what it pipes is envelope, not mail:
 * *ret_sender (NULL without one) is its address, *ret_skip its length.
 */
static bool read_envelope_line(int fd, char **ret_sender, size_t *ret_skip, GError **error)
{
	g_autofree char *line = g_malloc0(LONGEST_ENVELOPE_LINE + 1);
	uint64_t size = 0;
	const char *end = NULL;

	*ret_sender = NULL;
	*ret_skip = 0;
	if (!lk_file_size(fd, &size, error) ||
	    !lk_pread_all(fd, line, (size_t)MIN(size, LONGEST_ENVELOPE_LINE), 0, error))
		return false;
	end = strchr(line, '\n');
	if (end == NULL || strncmp(line, "From ", 5) != 0)
		return true;
	*ret_skip = (size_t)(end - line) + 1;
	*ret_sender = g_strndup(line + 5, strcspn(line + 5, " \r\n"));
	return true;
}

/*
 * The envelope sender as far as it can be known: the MTA's line, its $SENDER, else the From
 * address. "" where there is none (MAILER-DAEMON too). Caller frees.
 */
static char *find_sender(int fd, const char *envelope_line)
{
	const char *told = envelope_line != NULL ? envelope_line : g_getenv("SENDER");
	g_autoptr(lk_mail) mail = NULL;

	if (told == NULL) {
		mail = lk_mail_minimal(fd);
		told = mail->from != NULL ? mail->from->address : NULL;
	}
	return g_strdup(told != NULL && lk_address_is_sane(told) ? told : "");
}

/* The mailbox that takes the mail: the one named, or the only one that has no server. */
static bool find_mailbox(lk_ctl *ctl, const char **ret_name, GError **error)
{
	const char *given = lk_ctl_value(ctl, "mailbox");
	const char *only = NULL;
	unsigned candidates = 0;

	*ret_name = given;
	if (given != NULL && lk_conf_find_mailbox(ctl->conf, given) != NULL)
		return true;
	if (given != NULL) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "--mailbox: the configuration has no mailbox \"%s\"", given);
		return false;
	}
	if (lk_ctl_has(ctl, "recipient"))
		return true;
	for (unsigned i = 0; i < ctl->conf->mailboxes->len; i++) {
		const lk_conf_mailbox *mailbox = g_ptr_array_index(ctl->conf->mailboxes, i);

		if (mailbox->protocol != LK_CONF_NO_SERVER)
			continue;
		only = mailbox->name;
		candidates++;
	}
	if (candidates != 1) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "for whom? Name --recipient ADDRESS, or --mailbox NAME as in the "
			    "configuration");
		return false;
	}
	*ret_name = only;
	return true;
}

static bool find_socket(const lk_conf *conf, const char **ret_path, GError **error)
{
	if (conf->lmtp.listen != NULL && conf->lmtp.listen[0] == '/') {
		*ret_path = conf->lmtp.listen;
		return true;
	}
	g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
		    "lmtp.listen is no path of a socket; `deliver` needs one, for example "
		    "\"%s/lmtp\"",
		    conf->site.run_dir);
	return false;
}

static bool run_deliver(lk_ctl *ctl, GError **error)
{
	const char *recipients[3] = {NULL};
	const char *recipient = lk_ctl_value(ctl, "recipient");
	const char *mailbox = NULL;
	const char *path = NULL;
	const lk_conf *conf = NULL;
	g_autofree char *internal = NULL;
	g_autofree char *envelope_line = NULL;
	g_autofree char *sender = NULL;
	lk_autofd int fd = -1;
	size_t skip = 0;
	unsigned n = 0;

	if (!lk_ctl_conf(ctl, &conf, error) || !find_mailbox(ctl, &mailbox, error) ||
	    !find_socket(conf, &path, error))
		return false;
	if (recipient != NULL && !lk_address_is_sane(recipient)) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE, "--recipient: \"%s\" is no mail address",
			    recipient);
		return false;
	}
	if (mailbox != NULL) {
		internal = g_strdup_printf("luukku-mailbox+%s@localhost", mailbox);
		recipients[n++] = internal;
	}
	if (recipient != NULL)
		recipients[n++] = recipient;
	if (!spool_input(&fd, error) || !read_envelope_line(fd, &envelope_line, &skip, error))
		return false;
	sender = find_sender(fd, envelope_line);
	if (lseek(fd, (off_t)skip, SEEK_SET) < 0) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY, "temporary file: %s", g_strerror(errno));
		return false;
	}
	return lk_lmtp_send(path, sender, recipients, fd, error);
}

static const lk_ctl_option deliver_options[] = {
	{"mailbox", 0, "M", "the mailbox of the configuration that takes it"},
	{"recipient", 0, "A", "the envelope recipient"},
	{NULL, 0, NULL, NULL},
};

const lk_ctl_command lk_ctl_deliver_commands[] = {
	{.name = "deliver",
	 .operands = "",
	 .options = deliver_options,
	 .run = run_deliver,
	 .summary = "hand a mail from standard input to luukku, for an MTA's alias",
	 .more = "Goes to the LMTP socket and needs no secret. The exit status is 75 when nobody "
		 "answers\nor the database is away: then the MTA keeps the mail and tries again."},
	{.name = NULL},
};
