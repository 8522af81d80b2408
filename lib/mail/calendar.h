/* Calendar parts (RFC 5545) as a few readable lines. */
#ifndef LK_MAIL_CALENDAR_H
#define LK_MAIL_CALENDAR_H

#include <glib.h>

typedef struct {
	char *method;  /* upper case, or NULL */
	char *summary; /* lines for people, "" when there is no event */
} lk_meeting;

/* text: clean UTF-8. Reads the first event. */
lk_meeting *lk_meeting_read(const char *text);
void lk_meeting_free(lk_meeting *calendar);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_meeting, lk_meeting_free)

#endif
