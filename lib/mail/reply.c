#include "lib/mail/reply.h"

#include "lib/mail/html.h"

char *lk_reply_text(const char *text)
{
	return lk_html_unmark(g_strdup(text));
}
