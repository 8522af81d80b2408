/* Required fields and assignment of a mail on its way; for the files of the intake. */
#ifndef LK_DESK_INGEST_FIELDS_H
#define LK_DESK_INGEST_FIELDS_H

#include "lib/desk/private.h"

/* After the plan: what the mail tells of fields, and who gets the ticket that it opens. */
bool lk_work_fill(lk_work *work, GError **error);
void lk_work_fill_clear(lk_work *work);

/* The keys of explain that this decides: owner, fields, missing_fields and their reasons. */
void lk_work_fill_explain(const lk_work *work, lk_json *json);

/* Parameters of a new ticket: its owner, its fields as JSON, the names of what is missing. */
const char *lk_work_owner(const lk_work *work);
char *lk_work_fields(const lk_work *work);
GPtrArray *lk_work_missing(const lk_work *work);

/* Of a new ticket, before its message is stored: the events, and the turn is taken. */
bool lk_work_fill_new(lk_work *work, int64_t ticket, GError **error);

/* Of the ticket that the mail joins, before its message is stored: what an answer fills. */
bool lk_work_fill_joined(lk_work *work, int64_t ticket, GError **error);

/* What the acknowledgement asks for and what it has understood: missing, understood. */
void lk_work_ask(const lk_work *work, lk_json *variables);

#endif
