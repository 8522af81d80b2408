#include "daemon/ctl.h"

#include "daemon/policy.h"
#include "lib/base/err.h"
#include "lib/desk/hours.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Everything stored about one ticket. */
typedef struct {
	lk_rows *ticket;
	lk_rows *participants;
	lk_rows *messages;
	lk_rows *attachments;
	lk_rows *deliveries;
	lk_rows *events;
	lk_rows *stages;
	lk_rows *survey;
} record;

static void record_clear(record *r)
{
	lk_rows_free(r->ticket);
	lk_rows_free(r->participants);
	lk_rows_free(r->messages);
	lk_rows_free(r->attachments);
	lk_rows_free(r->deliveries);
	lk_rows_free(r->events);
	lk_rows_free(r->stages);
	lk_rows_free(r->survey);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(record, record_clear)

static bool load(lk_ctl *ctl, lk_db *db, int64_t ticket, record *r, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_params) of_ticket = lk_params_new();

	lk_param_text(params, ctl->conf->site.prefix);
	lk_param_int(params, ticket);
	lk_param_int(of_ticket, ticket);
	if (!lk_db_run(db, LK_Q_CTL_TICKET, params, &r->ticket, error))
		return false;
	if (lk_rows_count(r->ticket) == 0) {
		g_autofree char *ref = lk_ctl_reference(ctl, ticket);

		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT, "there is no ticket %s", ref);
		return false;
	}
	return lk_db_run(db, LK_Q_CTL_PARTICIPANTS, of_ticket, &r->participants, error) &&
	       lk_db_run(db, LK_Q_CTL_MESSAGES, of_ticket, &r->messages, error) &&
	       lk_db_run(db, LK_Q_CTL_ATTACHMENTS, of_ticket, &r->attachments, error) &&
	       lk_db_run(db, LK_Q_CTL_DELIVERIES, of_ticket, &r->deliveries, error) &&
	       lk_db_run(db, LK_Q_CTL_EVENTS, of_ticket, &r->events, error) &&
	       lk_db_run(db, LK_Q_CTL_STAGES, of_ticket, &r->stages, error) &&
	       lk_db_run(db, LK_Q_SURVEY_SHOW, of_ticket, &r->survey, error);
}

static lk_json *attachments_json(const record *r, int64_t message)
{
	lk_json *array = lk_json_array();

	for (size_t i = 0; i < lk_rows_count(r->attachments); i++) {
		lk_json *one = NULL;

		if (lk_row_int(r->attachments, i, "message_id") != message)
			continue;
		one = lk_json_object();
		lk_json_set_int(one, "n", lk_row_int(r->attachments, i, "n"));
		lk_json_set_text(one, "filename", lk_row_text(r->attachments, i, "filename"));
		lk_json_set_text(one, "content_type",
				 lk_row_text(r->attachments, i, "content_type"));
		lk_json_set_int(one, "size", lk_row_int(r->attachments, i, "size"));
		lk_json_set_bool(one, "inline", lk_row_bool(r->attachments, i, "is_inline"));
		lk_json_push(array, one);
	}
	return array;
}

static lk_json *deliveries_json(const record *r, int64_t message)
{
	lk_json *array = lk_json_array();

	for (size_t i = 0; i < lk_rows_count(r->deliveries); i++) {
		lk_json *one = NULL;

		if (lk_row_int(r->deliveries, i, "message_id") != message)
			continue;
		one = lk_json_object();
		lk_json_set_text(one, "recipient", lk_row_text(r->deliveries, i, "recipient"));
		lk_json_set_text(one, "state", lk_row_text(r->deliveries, i, "state"));
		lk_json_set_text(one, "status", lk_row_text(r->deliveries, i, "status"));
		lk_ctl_json_time(one, "at", lk_row_time(r->deliveries, i, "at"));
		lk_json_push(array, one);
	}
	return array;
}

static lk_json *message_json(const record *r, size_t i)
{
	int64_t id = lk_row_int(r->messages, i, "id");
	lk_json *json = lk_json_object();
	lk_json *from = lk_ctl_person_json(lk_row_text(r->messages, i, "from_name"),
					   lk_row_text(r->messages, i, "from_address"));

	lk_json_set_int(json, "id", id);
	lk_json_set_text(json, "direction", lk_row_text(r->messages, i, "direction"));
	lk_json_set_text(json, "kind", lk_row_text(r->messages, i, "kind"));
	if (from != NULL)
		lk_json_take(json, "from", from);
	else
		lk_json_set_null(json, "from");
	lk_json_take(json, "to", lk_ctl_row_array(r->messages, i, "recipients_to"));
	lk_json_take(json, "cc", lk_ctl_row_array(r->messages, i, "recipients_cc"));
	lk_json_set_text(json, "subject", lk_row_text(r->messages, i, "subject"));
	lk_json_set_text(json, "message_id", lk_row_text(r->messages, i, "message_id"));
	lk_ctl_json_time(json, "at", lk_row_time(r->messages, i, "at"));
	lk_json_set_text(json, "text", lk_row_text(r->messages, i, "text"));
	lk_json_set_text(json, "reply_text", lk_row_text(r->messages, i, "reply_text"));
	lk_json_take(json, "attachments", attachments_json(r, id));
	lk_json_take(json, "delivery", deliveries_json(r, id));
	return json;
}

static lk_json *participants_json(const record *r)
{
	lk_json *array = lk_json_array();

	for (size_t i = 0; i < lk_rows_count(r->participants); i++) {
		lk_json *one = lk_ctl_person_json(lk_row_text(r->participants, i, "name"),
						  lk_row_text(r->participants, i, "address"));

		lk_json_set_text(one, "role", lk_row_text(r->participants, i, "role"));
		lk_json_push(array, one);
	}
	return array;
}

static lk_json *events_json(const record *r)
{
	lk_json *array = lk_json_array();

	for (size_t i = 0; i < lk_rows_count(r->events); i++) {
		lk_json *one = lk_json_object();

		lk_ctl_json_time(one, "at", lk_row_time(r->events, i, "at"));
		lk_json_set_text(one, "actor", lk_row_text(r->events, i, "actor"));
		lk_json_set_text(one, "event", lk_row_text(r->events, i, "event"));
		lk_json_set_text(one, "reason", lk_row_text(r->events, i, "reason"));
		lk_json_take(one, "detail", lk_ctl_row_json(r->events, i, "detail"));
		lk_json_push(array, one);
	}
	return array;
}

/* Open time of a stage by its queue's calendar; of the one that lasts, up to now. */
static int64_t stage_seconds(const lk_policy *policy, const record *r, size_t i)
{
	const lk_queue *queue = lk_policy_queue(policy, lk_row_text(r->stages, i, "queue"));
	lk_time to = lk_row_is_null(r->stages, i, "to_at") ? lk_now()
							   : lk_row_time(r->stages, i, "to_at");

	if (!lk_row_is_null(r->stages, i, "business_seconds"))
		return lk_row_int(r->stages, i, "business_seconds");
	return lk_calendar_seconds_between(lk_hours_of_queue(policy, queue),
					   lk_row_time(r->stages, i, "from_at"), to);
}

static lk_json *stages_json(const lk_policy *policy, const record *r)
{
	lk_json *array = lk_json_array();

	for (size_t i = 0; i < lk_rows_count(r->stages); i++) {
		lk_json *one = lk_json_object();

		lk_json_set_text(one, "status", lk_row_text(r->stages, i, "status"));
		lk_json_set_text(one, "queue", lk_row_text(r->stages, i, "queue"));
		lk_ctl_json_time(one, "from", lk_row_time(r->stages, i, "from_at"));
		lk_ctl_json_time(one, "to", lk_row_time(r->stages, i, "to_at"));
		lk_json_set_int(one, "business_seconds", stage_seconds(policy, r, i));
		lk_json_push(array, one);
	}
	return array;
}

/* The last one that was sent, or null: the administrator sees what a score is about. */
static void add_survey(lk_json *record_json, const record *r)
{
	const char *outcome = NULL;
	lk_json *json = NULL;

	if (lk_rows_count(r->survey) == 0) {
		lk_json_set_null(record_json, "survey");
		return;
	}
	json = lk_json_object();
	lk_json_take(record_json, "survey", json);
	outcome = lk_row_text(r->survey, 0, "outcome");
	lk_ctl_json_time(json, "sent_at", lk_row_time(r->survey, 0, "sent_at"));
	lk_ctl_json_time(json, "answered_at",
			 outcome ? lk_row_time(r->survey, 0, "answered_at") : LK_TIME_NONE);
	if (outcome)
		lk_json_set_bool(json, "in_order", strcmp(outcome, "no") != 0);
	else
		lk_json_set_null(json, "in_order");
	if (lk_row_is_null(r->survey, 0, "score"))
		lk_json_set_null(json, "score");
	else
		lk_json_set_int(json, "score", lk_row_int(r->survey, 0, "score"));
	lk_json_set_text(json, "comment", lk_row_text(r->survey, 0, "comment"));
	lk_json_set_text(json, "excluded", lk_row_text(r->survey, 0, "survey_excluded"));
}

static lk_json *record_json(lk_ctl *ctl, const lk_policy *policy, const record *r)
{
	lk_json *json = lk_ctl_ticket_json(ctl, r->ticket, 0);
	lk_json *messages = lk_json_array();

	for (size_t i = 0; i < lk_rows_count(r->messages); i++)
		lk_json_push(messages, message_json(r, i));
	lk_json_set_int(json, "chased", lk_row_int(r->ticket, 0, "chased"));
	lk_json_set_text(json, "resolution", lk_row_text(r->ticket, 0, "resolution"));
	lk_json_take(json, "missing_fields", lk_ctl_texts_json(r->ticket, 0, "missing_fields"));
	lk_json_take(json, "participants", participants_json(r));
	lk_json_take(json, "messages", messages);
	lk_json_take(json, "events", events_json(r));
	lk_json_take(json, "stages", stages_json(policy, r));
	add_survey(json, r);
	return json;
}

/* "Maija Meikäläinen <maija@example.fi>"; NULL when there is nobody. Caller frees. */
static char *mailbox_text(const char *name, const char *address)
{
	if (address == NULL)
		return NULL;
	if (name == NULL || *name == '\0')
		return g_strdup(address);
	return g_strdup_printf("%s <%s>", name, address);
}

static void print_time_field(const char *name, const lk_rows *rows, const char *column)
{
	g_autofree char *text = NULL;

	if (lk_row_is_null(rows, 0, column))
		return;
	text = lk_ctl_local_time(lk_row_time(rows, 0, column));
	lk_ctl_print_field(name, text);
}

static void print_links(const record *r)
{
	g_autoptr(lk_json) links = lk_ctl_row_array(r->ticket, 0, "links");

	for (size_t i = 0; i < lk_json_size(links); i++) {
		const lk_json *link = lk_json_at(links, i);
		g_autofree char *text = g_strdup_printf("%s (%s)", lk_json_get_text(link, "ref"),
							lk_json_get_text(link, "relation"));

		lk_ctl_print_field("Linked to", text);
	}
}

/* Each field on a line of its own, those that are still missing below. */
static void print_fields(const lk_rows *t)
{
	g_autoptr(lk_json) fields = lk_ctl_row_json(t, 0, "fields");
	g_autoptr(GPtrArray) names = lk_json_keys(fields);
	g_autoptr(GPtrArray) missing = lk_row_texts(t, 0, "missing_fields");

	for (unsigned i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		g_autofree char *text =
			g_strdup_printf("%s: %s", name, lk_json_get_text(fields, name));

		lk_ctl_print_field("Field", text);
	}
	for (unsigned i = 0; missing != NULL && i < missing->len; i++)
		lk_ctl_print_field("Missing", g_ptr_array_index(missing, i));
}

static void print_survey(const record *r)
{
	const char *outcome =
		lk_rows_count(r->survey) > 0 ? lk_row_text(r->survey, 0, "outcome") : NULL;
	g_autofree char *score = NULL;

	if (lk_rows_count(r->survey) == 0)
		return;
	print_time_field("Survey sent", r->survey, "sent_at");
	if (outcome == NULL)
		return;
	score = lk_row_is_null(r->survey, 0, "score")
			? g_strdup(strcmp(outcome, "no") == 0	 ? "not in order"
				   : strcmp(outcome, "low") == 0 ? "a low score, which is not kept"
								 : "in order")
			: g_strdup_printf("in order, %" PRId64 " of 10",
					  lk_row_int(r->survey, 0, "score"));
	lk_ctl_print_field("Answer", score);
	lk_ctl_print_field("Comment", lk_row_text(r->survey, 0, "comment"));
	lk_ctl_print_field("Excluded", lk_row_text(r->survey, 0, "survey_excluded"));
}

static void print_head(lk_ctl *ctl, const record *r)
{
	const lk_rows *t = r->ticket;
	g_autofree char *ref = lk_ctl_reference(ctl, lk_row_int(t, 0, "id"));
	g_autofree char *subject = lk_ctl_printable(lk_row_text(t, 0, "subject"), false);
	g_autofree char *requester = mailbox_text(lk_row_text(t, 0, "requester_name"),
						  lk_row_text(t, 0, "requester_address"));
	g_autoptr(GPtrArray) tags = lk_row_texts(t, 0, "tags");
	g_autofree char *joined = NULL;

	g_ptr_array_add(tags, NULL);
	joined = g_strjoinv(", ", (char **)tags->pdata);
	printf("%s  %s\n\n", ref, subject);
	lk_ctl_print_field("Status", lk_row_text(t, 0, "status"));
	lk_ctl_print_field("Queue", lk_row_text(t, 0, "queue"));
	lk_ctl_print_field("Type", lk_row_text(t, 0, "type"));
	lk_ctl_print_field("Priority", lk_row_text(t, 0, "priority"));
	lk_ctl_print_field("Owner", lk_row_text(t, 0, "owner"));
	lk_ctl_print_field("Requester", requester);
	lk_ctl_print_field("Organisation", lk_row_text(t, 0, "organisation"));
	lk_ctl_print_field("Language", lk_row_text(t, 0, "language"));
	lk_ctl_print_field("Tags", joined);
	print_fields(t);
	print_time_field("Opened", t, "opened_at");
	print_time_field("First answer", t, "first_response_at");
	print_time_field("Resolved", t, "resolved_at");
	print_time_field("Closed", t, "closed_at");
	print_time_field("Respond by", t, "due_respond");
	print_time_field("Resolve by", t, "due_resolve");
	lk_ctl_print_field("Waiting on", lk_row_text(t, 0, "waiting_on"));
	print_links(r);
	lk_ctl_print_field("Resolution", lk_row_text(t, 0, "resolution"));
	print_survey(r);
	for (size_t i = 0; i < lk_rows_count(r->participants); i++) {
		g_autofree char *who = mailbox_text(lk_row_text(r->participants, i, "name"),
						    lk_row_text(r->participants, i, "address"));

		if (strcmp(lk_row_text(r->participants, i, "role"), "cc") == 0)
			lk_ctl_print_field("Participant", who);
	}
}

static void print_message(const record *r, size_t i)
{
	const lk_rows *m = r->messages;
	int64_t id = lk_row_int(m, i, "id");
	g_autofree char *at = lk_ctl_local_time(lk_row_time(m, i, "at"));
	g_autofree char *from =
		mailbox_text(lk_row_text(m, i, "from_name"), lk_row_text(m, i, "from_address"));
	g_autofree char *shown = lk_ctl_printable(from, false);
	const char *direction = lk_row_text(m, i, "direction");
	const char *kind = lk_row_text(m, i, "kind");
	const char *text = lk_row_text(m, i, "reply_text");

	printf("\n--- %s  %s  %s", at,
	       strcmp(direction, "note") == 0 ? "note by"
					      : (strcmp(direction, "in") == 0 ? "from" : "sent by"),
	       *shown != '\0' ? shown : "nobody");
	if (strcmp(kind, "normal") != 0)
		printf("  (%s)", kind);
	putchar('\n');
	for (size_t d = 0; d < lk_rows_count(r->deliveries); d++) {
		g_autofree char *to =
			lk_ctl_printable(lk_row_text(r->deliveries, d, "recipient"), false);

		if (lk_row_int(r->deliveries, d, "message_id") == id)
			printf("    to %s: %s\n", to, lk_row_text(r->deliveries, d, "state"));
	}
	for (size_t a = 0; a < lk_rows_count(r->attachments); a++) {
		g_autofree char *size = lk_ctl_size(lk_row_int(r->attachments, a, "size"));
		g_autofree char *name =
			lk_ctl_printable(lk_row_text(r->attachments, a, "filename"), false);

		if (lk_row_int(r->attachments, a, "message_id") == id)
			printf("    attachment %" PRId64 ": %s (%s, %s)\n",
			       lk_row_int(r->attachments, a, "n"), *name != '\0' ? name : "unnamed",
			       lk_row_text(r->attachments, a, "content_type"), size);
	}
	putchar('\n');
	lk_ctl_print_text(text != NULL && *text != '\0' ? text : lk_row_text(m, i, "text"), "    ");
}

static void print_history(const record *r)
{
	printf("\n--- history\n\n");
	for (size_t i = 0; i < lk_rows_count(r->events); i++) {
		g_autofree char *at = lk_ctl_local_time(lk_row_time(r->events, i, "at"));
		g_autofree char *actor =
			lk_ctl_printable(lk_row_text(r->events, i, "actor"), false);
		g_autofree char *reason =
			lk_ctl_printable(lk_row_text(r->events, i, "reason"), false);

		printf("%s  %-18s %s  [%s]\n", at, lk_row_text(r->events, i, "event"), reason,
		       actor);
	}
	for (size_t i = 0; i < lk_rows_count(r->deliveries); i++) {
		g_autofree char *to = NULL;
		g_autofree char *due = NULL;

		if (!lk_row_is_null(r->deliveries, i, "message_id"))
			continue;
		to = lk_ctl_printable(lk_row_text(r->deliveries, i, "recipient"), false);
		due = lk_ctl_local_time(lk_row_time(r->deliveries, i, "due_at"));
		printf("%s  mail %" PRId64 " (%s) to %s: %s\n", due,
		       lk_row_int(r->deliveries, i, "id"),
		       lk_row_text(r->deliveries, i, "template"), to,
		       lk_row_text(r->deliveries, i, "state"));
	}
}

static bool run_show(lk_ctl *ctl, GError **error)
{
	g_auto(record) r = {0};
	lk_db *db = NULL;
	int64_t ticket = 0;

	if (!lk_ctl_ticket(ctl, ctl->operands[0], &ticket, error) || !lk_ctl_db(ctl, &db, error) ||
	    !load(ctl, db, ticket, &r, error))
		return false;
	if (lk_ctl_has(ctl, "json")) {
		g_autoptr(lk_policy) policy = NULL;

		if (!lk_policy_from_conf(ctl->conf, NULL, &policy, error))
			return false;
		lk_ctl_print_json(record_json(ctl, policy, &r));
		return true;
	}
	print_head(ctl, &r);
	for (size_t i = 0; i < lk_rows_count(r.messages); i++)
		print_message(&r, i);
	print_history(&r);
	return true;
}

static const lk_ctl_option show_options[] = {
	{"json", 0, NULL, "one JSON object"},
	{NULL, 0, NULL, NULL},
};

static const lk_ctl_option save_options[] = {
	{"directory", 'd', "DIR", "where to write; default: the working directory"},
	{NULL, 0, NULL, NULL},
};

const lk_ctl_command lk_ctl_show_commands[] = {
	{.name = "show",
	 .operands = "REF",
	 .least = 1,
	 .most = 1,
	 .options = show_options,
	 .run = run_show,
	 .summary = "one ticket: fields, messages, history with the reasons"},
	{.name = "save",
	 .operands = "REF [N]",
	 .least = 1,
	 .most = 2,
	 .options = save_options,
	 .run = lk_ctl_save,
	 .summary = "the attachments of a ticket, or its N-th, byte for byte",
	 .more = "Never overwrites: a name that is taken gets -1, -2, ... before its ending."},
	{.name = NULL},
};
