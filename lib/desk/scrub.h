/* Reply addresses of ours are secrets of their recipients: none goes out in quoted words. */
#ifndef LK_DESK_SCRUB_H
#define LK_DESK_SCRUB_H

#include "lib/base/json.h"
#include "lib/desk/policy.h"

/*
 * The text or HTML with every valid token of ours taken out of its address: "ict+TOKEN@example.fi"
 * becomes "ict@example.fi", however the separator is written (+, %2B, &#43;). Linear in the text.
 * Caller frees.
 */
char *lk_scrub(const lk_policy *policy, const char *text);

/*
 * A copy of the JSON with every string scrubbed, but for what stands under "actions": those are
 * links that we made for this very recipient. Caller unrefs.
 */
lk_json *lk_scrub_json(const lk_policy *policy, const lk_json *json);

#endif
