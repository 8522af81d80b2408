/* A mail from a file for the commands that decide about one: explain, and the tests of check. */
#ifndef LK_CTL_MAIL_H
#define LK_CTL_MAIL_H

#include "daemon/ctl.h"
#include "lib/desk/ingest.h"
#include "lib/mail/mail.h"

typedef struct {
	int fd;
	int parts_fd;
	uint64_t size;
	lk_mail *mail;
} lk_ctl_mail;
#define LK_CTL_MAIL_NONE                                                                           \
	{                                                                                          \
		.fd = -1, .parts_fd = -1                                                           \
	}
void lk_ctl_mail_clear(lk_ctl_mail *mail);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lk_ctl_mail, lk_ctl_mail_clear)

/* The file's descriptor; "-": standard input, in a temporary file. LK_ERR_NOINPUT. */
bool lk_ctl_mail_open(const char *file, int *ret_fd, GError **error);

/* Reads the mail behind mail->fd by luukku-parse, as it would be read for this mailbox. */
bool lk_ctl_mail_parse(const lk_conf *conf, const lk_conf_mailbox *mailbox, lk_ctl_mail *mail,
		       GError **error);

/*
 * The mailbox that the mail most likely comes in at: the first one of the queue that the recipient
 * or To names, else the first. Borrowed from the configuration.
 */
const lk_conf_mailbox *lk_ctl_mail_mailbox(const lk_ctl_desk *desk, const char *recipient, int fd);

/*
 * The mail as it would come in: when its topmost Received line says, else now. Borrows everything.
 */
void lk_ctl_mail_intake(const lk_ctl_mail *mail, const char *mailbox, const char *const *recipients,
			lk_time now, lk_intake *ret_intake);

#endif
