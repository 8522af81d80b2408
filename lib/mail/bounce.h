/* Delivery reports: RFC 3464 and the forms that mail programs invented before and beside it. */
#ifndef LK_MAIL_BOUNCE_H
#define LK_MAIL_BOUNCE_H

#include "lib/mail/gather.h"

typedef enum {
	LK_REPORT_NONE,	    /* no delivery report */
	LK_REPORT_BOUNCE,   /* failed or delayed: *ret_bounce is set */
	LK_REPORT_DELIVERED /* a machine's report that all is well */
} lk_report;

/* *ret_reason, static, says what in the mail says so. The caller owns *ret_bounce. */
lk_report lk_bounce_read(const lk_gather *gather, lk_bounce **ret_bounce, const char **ret_reason);

#endif
