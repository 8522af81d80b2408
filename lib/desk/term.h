/* The desk's own words in the languages of its people: what columns and events hold in English. */
#ifndef LK_DESK_TERM_H
#define LK_DESK_TERM_H

#include "lib/desk/policy.h"

/* Each gives the name itself where it has no other word for it (NULL: NULL). Borrowed. */
const char *lk_term_status(const char *status, lk_lang lang);
const char *lk_term_priority(const char *priority, lk_lang lang);
const char *lk_term_template(const char *template_name, lk_lang lang);
const char *lk_term_event(const char *event, lk_lang lang);

/*
 * Why something was decided; what the history says in English. The beginning is put into the
 * language where it has words for it. NULL: NULL. Caller frees.
 */
char *lk_term_reason(const char *english, lk_lang lang);

/*
 * What a mailbox or the mail server suffers from: a sentence in the language, and the English error
 * as a quotation behind it. NULL: NULL. Caller frees.
 */
char *lk_term_trouble(const char *english, lk_lang lang);

/* "agent:aino@example.fi" as "aino@example.fi", "rule:X" as "sääntö X". Caller frees. */
char *lk_term_actor(const char *actor, lk_lang lang);

#endif
