/* RTF, as Outlook hides it in winmail.dat, into text that a person can read. */
#ifndef LK_MAIL_RTF_H
#define LK_MAIL_RTF_H

#include <stddef.h>

enum { LK_RTF_BYTES_MOST = 8 * 1024 * 1024 };

/*
 * The words of n bytes of RTF in linear time, with the marks of html.h; of RTF that was made of
 * HTML the HTML itself is read (MS-OXRTFEX). NULL when the bytes are no RTF. Caller frees.
 */
char *lk_rtf_to_text(const char *rtf, size_t n);

#endif
