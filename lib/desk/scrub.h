/* Reply addresses of ours are secrets of their recipients: none goes out in quoted words. */
#ifndef LK_DESK_SCRUB_H
#define LK_DESK_SCRUB_H

#include "lib/desk/policy.h"

/*
 * The text or HTML with every valid token of ours taken out of its address: "ict+TOKEN@example.fi"
 * becomes "ict@example.fi", however the separator is written (+, %2B, &#43;). Linear in the text.
 * Caller frees.
 */
char *lk_scrub(const lk_policy *policy, const char *text);

#endif
