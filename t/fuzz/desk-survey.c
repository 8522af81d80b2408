/* Answers to surveys by mail, on any words. */
#include "lib/desk/survey.h"

#include "lib/base/text.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	/* As the parser gives it. */
	g_autofree char *words = lk_text_clean((const char *)data, n);
	g_autofree char *comment = NULL;
	lk_survey_answer answer = {0};

	if (!lk_survey_read_lines(words, &answer, &comment)) {
		g_assert(comment == NULL);
		return 0;
	}
	g_assert(answer.score >= LK_SURVEY_NO_SCORE && answer.score <= LK_SURVEY_HIGHEST);
	g_assert(answer.is_in_order || answer.score == LK_SURVEY_NO_SCORE);
	g_assert(comment && strlen(comment) <= strlen(words));
	g_assert(g_utf8_validate(comment, -1, NULL));
	return 0;
}
