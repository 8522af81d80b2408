/* The language of a text, by letter statistics. */
#ifndef LK_MAIL_LANGUAGE_H
#define LK_MAIL_LANGUAGE_H

/* Loads the models; without them lk_language_of knows nothing. Opens files. */
void lk_language_init(void);

/*
 * ISO 639-1, or NULL when the text has fewer than 60 letters or no language stands out. Quoted
 * lines do not count. Caller frees.
 */
char *lk_language_of(const char *text);

#endif
