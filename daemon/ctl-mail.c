#include "daemon/ctl-mail.h"

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/path.h"
#include "lib/mail/parser.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void lk_ctl_mail_clear(lk_ctl_mail *mail)
{
	lk_close_fd(&mail->fd);
	lk_close_fd(&mail->parts_fd);
	g_clear_pointer(&mail->mail, lk_mail_free);
}

/* What is no file as one: the parser reads by offset. A folder is refused by read(). */
static bool spool(int from, const char *name, int *ret_fd, GError **error)
{
	enum { COPY_BYTES = 64 * 1024 };
	g_autofree char *buffer = g_malloc(COPY_BYTES);
	lk_autofd int fd = -1;

	if (!lk_spool_open(NULL, &fd, error))
		return false;
	for (;;) {
		ssize_t got = read(from, buffer, COPY_BYTES);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			g_set_error(error, LK_ERROR, LK_ERR_NOINPUT, "%s: %s", name,
				    g_strerror(errno));
			return false;
		}
		if (got == 0)
			break;
		if (!lk_write_all(fd, buffer, (size_t)got, error))
			return false;
	}
	*ret_fd = fd;
	fd = -1;
	return true;
}

bool lk_ctl_mail_open(const char *file, int *ret_fd, GError **error)
{
	lk_autofd int fd = -1;
	struct stat st;

	if (strcmp(file, "-") == 0)
		return spool(STDIN_FILENO, "standard input", ret_fd, error);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT, "%s: %s", file, g_strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode))
		return spool(fd, file, ret_fd, error);
	*ret_fd = fd;
	fd = -1;
	return true;
}

static const char *const *terminated(const GPtrArray *texts, GPtrArray *list)
{
	for (unsigned i = 0; i < texts->len; i++)
		g_ptr_array_add(list, g_ptr_array_index(texts, i));
	g_ptr_array_add(list, NULL);
	return (const char *const *)list->pdata;
}

bool lk_ctl_mail_parse(const lk_conf *conf, const lk_conf_mailbox *mailbox, lk_ctl_mail *mail,
		       GError **error)
{
	g_autofree char *program = lk_program_path("luukku-parse");
	g_autoptr(GPtrArray) authserv = g_ptr_array_new();
	g_autoptr(GPtrArray) relays = g_ptr_array_new();
	g_autoptr(GPtrArray) own_lists = g_ptr_array_new();
	g_autoptr(GPtrArray) strip = g_ptr_array_new();
	const lk_parser_options options = {
		.program = program,
		.authserv = terminated(conf->site.authserv, authserv),
		.relays = terminated(conf->site.relays, relays),
		.own_lists = terminated(mailbox->own_lists, own_lists),
		.strip = terminated(mailbox->strip, strip),
	};
	g_autoptr(lk_parser) parser = lk_parser_new(&options);

	return lk_file_size(mail->fd, &mail->size, error) &&
	       lk_parser_start(parser, mail->fd, error) &&
	       lk_parser_finish(parser, &mail->mail, &mail->parts_fd, error);
}

const lk_conf_mailbox *lk_ctl_mail_mailbox(const lk_ctl_desk *desk, const char *recipient, int fd)
{
	g_autoptr(lk_mail) mail = lk_mail_minimal(fd);
	const lk_queue *queue =
		recipient != NULL ? lk_policy_queue_by_address(desk->policy, recipient) : NULL;

	for (unsigned i = 0; queue == NULL && i < mail->to->len; i++) {
		const lk_address *to = g_ptr_array_index(mail->to, i);

		queue = lk_policy_queue_by_address(desk->policy, to->address);
	}
	for (unsigned i = 0; queue != NULL && i < desk->policy->mailboxes->len; i++) {
		const lk_desk_mailbox *one = g_ptr_array_index(desk->policy->mailboxes, i);

		if (g_strcmp0(one->queue, queue->name) == 0)
			return lk_conf_find_mailbox(desk->conf, one->name);
	}
	return g_ptr_array_index(desk->conf->mailboxes, 0);
}

void lk_ctl_mail_intake(const lk_ctl_mail *mail, const char *mailbox, const char *const *recipients,
			lk_time now, lk_intake *ret_intake)
{
	*ret_intake = (lk_intake){
		.mailbox = mailbox,
		.folder = "",
		.uid = "",
		.server_action = "keep",
		.received_at = mail->mail->received != LK_TIME_NONE ? mail->mail->received : now,
		.recipients = recipients,
		.mail = mail->mail,
		.mail_fd = mail->fd,
		.mail_size = mail->size,
		.parts_fd = mail->parts_fd,
	};
}
