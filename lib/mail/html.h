/* HTML of mails into text that a person can read, in linear time and bounded memory. */
#ifndef LK_MAIL_HTML_H
#define LK_MAIL_HTML_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Control characters that stand in the text where the HTML itself says what follows is old; reply
 * trimming reads them, lk_html_unmark takes them out.
 */
enum {
	LK_HTML_MARK_ATTRIBUTION = 0x01, /* "On ... wrote:", then a quote that may be answered in */
	LK_HTML_MARK_OLD_MAIL = 0x02 /* the header block of the mail answered to, then all of it */
};

enum { LK_HTML_BYTES_MOST = 2 * 1024 * 1024 };

/*
 * Paragraphs, lists, tables, links and images' words; quotes as "> " lines; nothing of scripts,
 * styles and what is hidden. html must be UTF-8, whatever its meta elements say. Caller frees.
 */
char *lk_html_to_text(const char *html, size_t n);

/* Removes the marks in place; returns its argument. */
char *lk_html_unmark(char *text);

#endif
