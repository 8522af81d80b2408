/*
 * A small bar chart as a PNG, for mails: pairs of bars without words, which stand below it as text.
 * Its ground is transparent and its colours are seen on white and on black alike.
 */
#ifndef LK_DESK_CHART_H
#define LK_DESK_CHART_H

#include "lib/base/json.h"

/*
 * {"days": [{"in", "out"}, ...]}: for each a full bar and a striped one, the largest as high as the
 * picture. NULL: there are no days. Caller unrefs.
 */
GByteArray *lk_chart_png(const lk_json *chart);

#endif
