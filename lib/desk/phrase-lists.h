/*
 * What people write to a desk in fi, sv and en, for phrases.c. Each list ends with NULL. A phrase
 * is words as lk_words_fold leaves them: lower case, without diacritics and punctuation. "edenny*"
 * is any word that begins so, "_" up to three words of any sort, "**" whatever follows.
 */
#ifndef LK_DESK_PHRASE_LISTS_H
#define LK_DESK_PHRASE_LISTS_H

/* Subjects that name no matter. */
extern const char *const lk_generic_subjects[];

/* Asks how a matter is getting on, whatever else the sentence names. */
extern const char *const lk_chase_phrases[];

/* The same, but only where the sentence says hardly anything besides. */
extern const char *const lk_weak_chase_phrases[];

/* What people tell beside asking: when they wrote, that nobody answered. */
extern const char *const lk_chase_context[];

/* What a subject begins with when its mail is sent again. */
extern const char *const lk_chase_leads[];

extern const char *const lk_thanks_phrases[];

/* Begins the end of a mail: what follows are names. */
extern const char *const lk_closings[];

/* Words that say nothing about a matter. */
extern const char *const lk_neutral_words[];

/* Of these the ones that name what a matter is about all the same. */
extern const char *const lk_matter_words[];

/* Words with which something new begins. */
extern const char *const lk_new_matter_words[];

/* Words with which thanks are no thanks only. */
extern const char *const lk_denials[];

#endif
