/*
 * Surveys (desk.md 16): what is asked when, what an answer does. luukku-sched asks and acts
 * (timer-survey.c); the page and the mail only write the answer down, in their own transaction.
 */
#ifndef LK_DESK_SURVEY_H
#define LK_DESK_SURVEY_H

#include "lib/base/json.h"
#include "lib/db/db.h"
#include "lib/desk/policy.h"

enum {
	LK_SURVEY_CHANGE_DAYS = 7, /* from the first answer */
	LK_SURVEY_COMMENT = 2000,  /* characters */
	LK_SURVEY_HIGHEST = 10,
	LK_SURVEY_NO_SCORE = -1
};

typedef struct {
	bool is_in_order;
	int64_t score;	     /* 0 to LK_SURVEY_HIGHEST, or LK_SURVEY_NO_SCORE */
	const char *comment; /* or NULL; more than LK_SURVEY_COMMENT is cut */
	int64_t message;     /* the mail that it came by; 0: the page */
} lk_survey_answer;

typedef enum {
	LK_SURVEY_COUNTED, /* in order, with or without a number */
	LK_SURVEY_REOPENS, /* not in order, or a number under reopen_below, which is not kept */
	LK_SURVEY_LATE /* the first answer is older than LK_SURVEY_CHANGE_DAYS: nothing changed */
} lk_survey_verdict;

/*
 * The survey that a token was made for, as survey_find gives it; no row: it is gone, or the token
 * was revoked. number and epoch of the token.
 */
bool lk_survey_find(lk_db *db, int64_t number, uint8_t epoch, lk_rows **ret_rows, GError **error);

/* Can its answer still be given or changed? */
bool lk_survey_is_late(const lk_rows *survey, lk_time now);

/* Writes the answer down and rings for luukku-sched. In the caller's transaction. */
bool lk_survey_record(lk_db *db, const lk_policy *policy, lk_time now, const lk_rows *survey,
		      const lk_survey_answer *answer, lk_survey_verdict *ret_verdict,
		      GError **error);

/*
 * For the mail that asks: its page (survey_url) and two mailto: links that write the answer
 * (mail_yes, mail_no); each is left out where it cannot be. token: signed for the recipient;
 * reply_to: the address with that token, or NULL.
 */
void lk_survey_links(lk_json *variables, const lk_policy *policy, lk_lang lang, const char *token,
		     const char *reply_to);

/*
 * Does the mail answer the survey? It does when its new words begin with one of the lines that the
 * links write, with a plain yes or no, or with a number from 0 to 10, in any of the languages. What
 * follows is the comment (caller frees), score and label lines aside. Anything else is a message
 * like any other.
 */
bool lk_survey_read_lines(const char *words, lk_survey_answer *ret_answer, char **ret_comment);

#endif
