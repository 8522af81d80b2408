/* What the parts of a mail yield, gathered for the readers that judge the mail as a whole. */
#ifndef LK_MAIL_GATHER_H
#define LK_MAIL_GATHER_H

#include "lib/mail/header.h"
#include "lib/mail/mail.h"

#include <glib.h>

enum {
	LK_STATUS_BYTES_MOST = 256 * 1024,  /* of delivery-status parts */
	LK_RETURNED_BYTES_MOST = 64 * 1024, /* of the header of a returned mail */
	LK_DEPTH_MOST = 64,
	LK_PARTS_MOST = 5000
};

typedef struct {
	lk_mail *mail; /* being filled */
	const lk_fields *fields;
	GString *text;	       /* with the marks of html.h */
	GString *status;       /* message/delivery-status: groups parted by empty lines */
	GString *returned;     /* header of the returned mail, raw */
	char *top_type;	       /* of the mail: "multipart/report" */
	char *report_type;     /* its report-type parameter, or NULL */
	char *calendar_method; /* upper case, or NULL */
	bool has_disposition;  /* message/disposition-notification (RFC 8098) */
	bool has_feedback;     /* message/feedback-report (RFC 5965) */
} lk_gather;

/* Adds a defect once, up to the limit. */
void lk_gather_defect(lk_gather *gather, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
