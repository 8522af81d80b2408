/* What kind of mail it is, who or what says so, and whether anything automatic may answer it. */
#ifndef LK_MAIL_CLASSIFY_H
#define LK_MAIL_CLASSIFY_H

#include "lib/mail/gather.h"

/*
 * Sets kind, kind_reason, is_vacation, bounce and what forbids an answer. own_lists: List-Ids that
 * make no list mail of it, or NULL. text and subject of the mail must be set.
 */
void lk_classify(lk_gather *gather, const char *const *own_lists);

#endif
