/*
 * What a mail says when it says next to nothing: a subject that names no matter, words that only
 * ask for progress, words that only thank. Pure; fi, sv and en at once, since people mix them. The
 * lists stand in phrase-lists.c.
 */
#ifndef LK_DESK_PHRASES_H
#define LK_DESK_PHRASES_H

#include "lib/desk/policy.h"
#include "lib/mail/mail.h"

typedef enum {
	LK_WORDS_OTHER, /* anything that a person has to read */
	LK_WORDS_NONE,	/* nothing at all, or a greeting alone */
	LK_WORDS_CHASE, /* asks for progress and says nothing else */
	LK_WORDS_THANKS /* thanks and says nothing else */
} lk_words;
const char *lk_words_name(lk_words words);

/* Lower case, diacritics and punctuation gone, words one blank apart. Caller frees. */
char *lk_words_fold(const char *text);

/* Of the new words of a mail, signature and all. Long texts are LK_WORDS_OTHER unread. */
lk_words lk_words_classify(const char *text);

/*
 * Of a whole mail: its new words, unless it brings files along. A reaction (the emoji that some
 * mail programs send for a click) is thanks.
 */
lk_words lk_mail_words(const lk_mail *mail);

/* base: without tags and reply prefixes (lk_subject_base). Is it empty, or does it name nothing? */
bool lk_subject_is_generic(const char *base);

/* Does the subject only ask for progress? */
bool lk_subject_is_chase(const char *base);

/*
 * Does the subject ask for the list of one's open tickets (tila, läge, status)? *ret_lang is set
 * only where the word says in which language.
 */
bool lk_subject_asks_status(const char *base, lk_lang *ret_lang);

/*
 * The words of a subject to compare by: folded, without "Muistutus:", "Reminder:" and their kin at
 * its beginning. Caller frees.
 */
char *lk_subject_words(const char *base);

/*
 * What is left of a text without greetings, pleasantries, numbers, little words and what follows a
 * closing; folded. Of long texts the beginning. Caller frees.
 */
char *lk_words_content(const char *text);

/*
 * Does the newer text hold a word with a digit (a device, a room, a date) that the older one does
 * not? Then it may be another matter, however alike they are. Both as lk_words_fold leaves them.
 */
bool lk_words_name_more(const char *newer, const char *older);

#endif
