/* What single lines and short runs of lines of a mail are, in the languages people write in. */
#ifndef LK_MAIL_REPLY_LINES_H
#define LK_MAIL_REPLY_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* A line of a text; borrowed from it. */
typedef struct {
	const char *start;
	size_t n;  /* without its end and without blanks before that */
	char mark; /* of html.h, 0 for none */
	int label; /* of lk_line_label */
} lk_line;

/* Which header label ("From:", in any language) the line begins with; 0 for none. */
int lk_line_label(const lk_line *line);

bool lk_line_is_blank(const lk_line *line);
bool lk_line_is_quote(const lk_line *line);

/* "-----Original Message-----" and its kin: all below is old. */
bool lk_line_is_divider(const lk_line *line);

/* "---------- Forwarded message ----------": all below belongs to the mail. */
bool lk_line_is_forward(const lk_line *line);

/* "Sent from my iPhone". */
bool lk_line_is_mobile_signature(const lk_line *line);

/* "-- " and bare "--". */
bool lk_line_is_signature_start(const lk_line *line);

/* "-Joe" as a signature. */
bool lk_line_is_dashed_name(const lk_line *line);

/* A rule of underscores, dashes or the like. */
bool lk_line_is_rule(const lk_line *line);

/* Does a block of header lines (From:, Sent:, ... in any language) begin at lines[0]? */
bool lk_lines_are_header_block(const lk_line *lines, size_t n);

typedef enum {
	LK_ATTRIBUTION_NONE,
	LK_ATTRIBUTION_WEAK,  /* counts only when quote lines follow */
	LK_ATTRIBUTION_STRONG /* "On DATE, NAME wrote:" whatever follows */
} lk_attribution;

/*
 * Does an attribution begin at lines[0]? *ret_count is how many lines it takes, *ret_words how
 * many bytes of the first line stand before it.
 */
lk_attribution lk_lines_attribution(const lk_line *lines, size_t n, size_t *ret_count,
				    size_t *ret_words);

#endif
