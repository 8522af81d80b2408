/* The header of a mail into the fields of lk_mail. */
#ifndef LK_MAIL_HEAD_H
#define LK_MAIL_HEAD_H

#include "lib/mail/gather.h"

/* Fills ids, dates, addresses, subject, headers and importance of gather->mail. */
void lk_head_read(lk_gather *gather);

#endif
