/* The new words of a mail: without what it answers to and without signatures. */
#ifndef LK_MAIL_REPLY_H
#define LK_MAIL_REPLY_H

/*
 * text may hold the marks of html.h; the result does not. When trimming would leave nothing, or
 * when the subject says that the mail was forwarded, the whole text. Linear in the length of the
 * text. Caller frees.
 */
char *lk_reply_text(const char *text, const char *subject);

#endif
