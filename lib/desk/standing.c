#include "lib/desk/standing.h"

#include "lib/desk/ticket.h"
#include "lib/desk/when.h"

void lk_standing_set_times(lk_json *json, const lk_policy *policy, const char *name, lk_time at)
{
	for (unsigned lang = 0; lang < LK_N_LANGS; lang++) {
		g_autofree char *key = g_strdup_printf("%s_%s", name, lk_lang_code((lk_lang)lang));
		g_autofree char *text = lk_when(policy, (lk_lang)lang, at);
		lk_json_set_text(json, key, text);
	}
}

/*
 * The promised time is that of the solution, else that of the first answer as long as nobody has
 * answered.
 */
static lk_time promised(const lk_rows *rows)
{
	lk_time resolve = lk_row_time(rows, 0, "due_resolve");

	if (resolve != LK_TIME_NONE)
		return resolve;
	return lk_row_is_null(rows, 0, "first_response_at") ? lk_row_time(rows, 0, "due_respond")
							    : LK_TIME_NONE;
}

void lk_standing_add(lk_json *json, const lk_policy *policy, lk_time now, const lk_rows *rows)
{
	const lk_supplier *supplier = lk_policy_supplier(policy, lk_row_text(rows, 0, "supplier"));
	lk_time due = promised(rows);
	lk_status status = LK_STATUS_OPEN;

	lk_status_parse(lk_row_text(rows, 0, "status"), &status);
	lk_json_set_bool(json, "is_new", status == LK_STATUS_NEW);
	lk_json_set_bool(json, "is_open", status == LK_STATUS_OPEN);
	lk_json_set_bool(json, "is_customer", status == LK_STATUS_WAITING_CUSTOMER);
	lk_json_set_bool(json, "is_supplier", status == LK_STATUS_WAITING_SUPPLIER);
	lk_json_set_bool(json, "is_held", status == LK_STATUS_ON_HOLD);
	lk_json_set_text(json, "supplier", supplier ? supplier->public_name : NULL);
	lk_standing_set_times(json, policy, "since", lk_row_time(rows, 0, "since"));
	if (status == LK_STATUS_ON_HOLD)
		lk_standing_set_times(json, policy, "until", lk_row_time(rows, 0, "waiting_until"));
	if (due != LK_TIME_NONE && due > now)
		lk_standing_set_times(json, policy, "promised", due);
	lk_json_set_bool(json, "is_late", due != LK_TIME_NONE && due <= now);
}
