/* Banners that mail gateways put into subjects and texts ("[EXTERNAL]"). */
#ifndef LK_MAIL_STRIP_H
#define LK_MAIL_STRIP_H

/*
 * The text without the banners (literal, ASCII and UTF-8 case does not matter); a line that holds
 * nothing else goes whole. banners: NULL-terminated, or NULL. Caller frees.
 */
char *lk_strip_banners(const char *text, const char *const *banners);

#endif
