/*
 * What mail programs and people write, in the languages that a desk in the north gets: lower case,
 * each list ended by NULL.
 */
#ifndef LK_MAIL_PHRASES_H
#define LK_MAIL_PHRASES_H

#include <stdbool.h>

/* Subjects of delivery reports. */
extern const char *const lk_bounce_subjects[];

/* What the notice of a delivery report says. */
extern const char *const lk_bounce_notices[];

/* What filters say that want their senders to prove being human. */
extern const char *const lk_challenge_words[];

/* What a notice says when the mail is still on its way. */
extern const char *const lk_delay_words[];

/* How subjects of vacation answers begin. */
extern const char *const lk_vacation_subjects[];

/* Between the new words and the mail answered to. */
extern const char *const lk_divider_words[];

/* Above a forwarded mail. */
extern const char *const lk_forward_words[];

/* How the signatures of phones begin. */
extern const char *const lk_mobile_signatures[];

/* Words right before the address that a notice is about. */
extern const char *const lk_recipient_leads[];

/* Words in lines about somebody else. */
extern const char *const lk_other_addresses[];

/* Above the returned mail in a notice. */
extern const char *const lk_returned_words[];

/* "wrote", as a word of its own. */
extern const char *const lk_attribution_verbs[];

/* How an attribution begins; weekdays and digits besides. */
extern const char *const lk_attribution_openers[];

/* Does a folded subject begin as an answer's or a forwarded mail's ("re:", "vs:")? */
bool lk_subject_is_answer(const char *folded);

/* Labels of header blocks quoted in texts ("From:", "Lähettäjä:"). */
enum { LK_LABEL_NONE, LK_LABEL_FROM, LK_LABEL_DATE, LK_LABEL_TO, LK_LABEL_CC, LK_LABEL_SUBJECT };
typedef struct {
	const char *word;
	int label;
} lk_header_label;
extern const lk_header_label lk_header_labels[];

#endif
