/* People's plain words as data for the HTML templates: paragraphs, lines, links, pictures. */
#ifndef LK_DESK_PROSE_H
#define LK_DESK_PROSE_H

#include "lib/base/json.h"

/*
 * Paragraphs as the partial prose.html shows them: [{is_quote, lines: [{spans: [{text, url, image,
 * plain}], has_more}]}]. Links are http, https and mail addresses as they stand; "[cid:ID]", which
 * clients put where a picture stood, becomes that picture where its id is among `pictures` (char *,
 * or NULL); pictures that are named nowhere stand at the end. Linear in the text. Caller unrefs.
 */
lk_json *lk_prose(const char *text, const GPtrArray *pictures);

#endif
