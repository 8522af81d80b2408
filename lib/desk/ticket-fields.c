#include "lib/desk/ticket-fields.h"

#include "lib/desk/fields.h"
#include "lib/desk/subject.h"

#include <string.h>

static bool tell(lk_db *db, const lk_change *change, const char *name, const char *reason,
		 lk_json *detail, GError **error)
{
	g_autoptr(lk_json) owned = detail;
	lk_event event = {.ticket = change->ticket,
			  .message = change->message,
			  .at = change->at,
			  .actor = change->actor,
			  .event = name,
			  .reason = reason,
			  .detail = owned};

	return lk_event_add(db, &event, error);
}

static bool tell_found(lk_db *db, const lk_change *change, const lk_fields *fields, GError **error)
{
	for (unsigned i = 0; i < fields->found->len; i++) {
		const lk_field_found *found = g_ptr_array_index(fields->found, i);
		const char *source = lk_field_source_words(found->source);
		g_autofree char *reason =
			g_strdup_printf("%s: found %s", found->required->field, source);
		lk_json *detail = lk_json_object();

		lk_json_set_text(detail, "field", found->required->field);
		lk_json_set_text(detail, "value", found->value);
		lk_json_set_text(detail, "source", source);
		if (!tell(db, change, "field_filled", reason, detail, error))
			return false;
	}
	return !fields->is_given_up ||
	       tell(db, change, "pattern_given_up",
		    "the pattern of a required field took too long on this ticket's mails: what it "
		    "would have found is missing",
		    NULL, error);
}

static GPtrArray *names_of(const GPtrArray *missing)
{
	GPtrArray *names = g_ptr_array_new();

	for (unsigned i = 0; i < missing->len; i++) {
		const lk_required *required = g_ptr_array_index(missing, i);

		g_ptr_array_add(names, required->field);
	}
	return names;
}

static bool tell_missing(lk_db *db, const lk_change *change, const GPtrArray *names, GError **error)
{
	g_autoptr(GString) list = g_string_new(NULL);
	g_autofree char *reason = NULL;
	lk_json *detail = lk_json_object();
	lk_json *array = lk_json_array();

	for (unsigned i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);

		g_string_append_printf(list, "%s%s", i > 0 ? ", " : "", name);
		lk_json_push_text(array, name);
	}
	lk_json_take(detail, "fields", array);
	reason = g_strdup_printf("missing in the new %s: %s; nobody was asked",
				 change->what == LK_CHANGE_QUEUE ? "queue" : "type", list->str);
	return tell(db, change, "fields_missing", reason, detail, error);
}

static bool is_same(const GPtrArray *one, const GPtrArray *other)
{
	if (one->len != other->len)
		return false;
	for (unsigned i = 0; i < one->len; i++)
		if (strcmp(g_ptr_array_index(one, i), g_ptr_array_index(other, i)) != 0)
			return false;
	return true;
}

static bool keep(lk_db *db, const lk_change *change, const lk_fields *fields, const GPtrArray *were,
		 GError **error)
{
	g_autoptr(GPtrArray) names = names_of(fields->missing);
	g_autoptr(lk_json) found = lk_json_object();
	g_autoptr(lk_params) params = NULL;
	g_autofree char *text = NULL;

	if (is_same(names, were) && fields->found->len == 0)
		return true;
	for (unsigned i = 0; i < fields->found->len; i++) {
		const lk_field_found *one = g_ptr_array_index(fields->found, i);

		lk_json_set_text(found, one->required->field, one->value);
	}
	text = lk_json_dump(found, false);
	params = lk_params_new();
	lk_param_int(params, change->ticket);
	lk_param_text(params, text);
	lk_param_texts(params, names);
	if (!lk_db_run(db, LK_Q_TICKET_FIELDS_SET, params, NULL, error) ||
	    !tell_found(db, change, fields, error))
		return false;
	return names->len == 0 || is_same(names, were) || tell_missing(db, change, names, error);
}

bool lk_ticket_refill(lk_db *db, const lk_policy *policy, const lk_change *change, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GPtrArray) were = NULL;
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	g_autoptr(lk_json) known = NULL;
	const lk_queue *queue = NULL;
	lk_queue gone = {.required = none};
	lk_fields fields = {0};
	bool ok = false;

	lk_param_int(params, change->ticket);
	if (!lk_db_run(db, LK_Q_TICKET_FIELDS_READ, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return true;
	const char *text = lk_row_text(rows, 0, "fields");
	if (!lk_json_parse(text, strlen(text), &known, error))
		return false;
	g_autofree char *subject = lk_subject_base(policy, lk_row_text(rows, 0, "subject"));
	queue = lk_policy_queue(policy, lk_row_text(rows, 0, "queue"));
	were = lk_row_texts(rows, 0, "missing_fields");
	lk_fields_facts facts = {
		.queue = queue ? queue : &gone,
		.type = lk_row_text(rows, 0, "type"),
		.known = known,
		.subject = subject,
		.words = lk_row_text(rows, 0, "words"),
	};
	lk_fields_find(&facts, &fields);
	ok = keep(db, change, &fields, were, error);
	lk_fields_clear(&fields);
	return ok;
}
