/* A customer asks how it goes (desk.md 10): counted, answered, and the team hears of it. */
#include "lib/desk/intake.h"

#include "lib/base/text.h"
#include "lib/desk/authority.h"
#include "lib/desk/outbox.h"
#include "lib/desk/standing.h"

#include <string.h>

static const int64_t once_in_seconds = 86400;

enum { SHOWN_BYTES = 4000 };

/* The ticket as it stands. Borrowed from rows. */
typedef struct {
	lk_work *work;
	int64_t ticket;
	int64_t message;
	const lk_rows *rows;
	int64_t chased;
	lk_status status;
	const lk_queue *queue;
	const char *owner; /* or NULL */
} chase;

/* How it stands, for the partial "standing", and what the mails of a chase say beside. */
static lk_json *variables_of(const chase *c)
{
	lk_work *work = c->work;
	g_autofree char *reference = lk_reference(work->policy, c->ticket);
	lk_json *json = lk_json_object();

	lk_json_set_text(json, "reference", reference);
	lk_json_set_text(json, "subject", lk_row_text(c->rows, 0, "subject"));
	lk_json_set_bool(json, "is_bilingual", work->plan.is_bilingual);
	lk_standing_add(json, work->policy, work->now, c->rows);
	lk_json_set_bool(json, "is_repeated", c->chased > 1 && c->queue->managers->len > 0);
	return json;
}

static bool was_told(const chase *c, bool *ret_told, GError **error)
{
	static const char *const names[] = {"progress", "joined"};
	lk_work *work = c->work;
	g_autoptr(GPtrArray) templates = g_ptr_array_new();
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
		g_ptr_array_add(templates, (char *)names[i]);
	lk_param_int(params, c->ticket);
	lk_param_bytes(params, work->from_hash, sizeof(work->from_hash));
	lk_param_texts(params, templates);
	lk_param_time(params, work->now - once_in_seconds * LK_SECOND);
	if (!lk_db_run(work->db, LK_Q_INTAKE_TOLD, params, &rows, error))
		return false;
	*ret_told = lk_row_bool(rows, 0, "was_told");
	return true;
}

static bool tell_customer(const chase *c, const char *template_name, const char *reason,
			  lk_json *variables, GError **error)
{
	lk_work *work = c->work;
	lk_lang language = work->plan.language;

	if (!work->plan.is_bilingual)
		lk_lang_parse(lk_row_text(c->rows, 0, "language"), &language);
	lk_outbox_mail mail = {
		.ticket = c->ticket,
		.cause = c->message,
		.template_name = template_name,
		.purpose = LK_PURPOSE_CUSTOMER,
		.queue = c->queue,
		.language = language,
		.recipient = work->from,
		.recipient_name = work->mail->from->name,
		.rank = LK_RANK_ACKNOWLEDGEMENT,
		.is_bulk = true,
		.reason = reason,
		.variables = variables,
	};
	return lk_work_send(work, &mail, error);
}

/* The mailto: that makes the joined mail a ticket of its own. */
static void add_apart_link(const chase *c, lk_json *variables)
{
	const lk_work *work = c->work;
	g_autofree char *reference = lk_reference(work->policy, c->ticket);
	uint8_t epoch = (uint8_t)lk_row_int(c->rows, 0, "epoch");
	g_autofree char *address = lk_work_apart_address(work, c->message, epoch);

	if (!address)
		return;
	g_autofree char *escaped = g_uri_escape_string(reference, NULL, FALSE);
	g_autofree char *link = g_strdup_printf("mailto:%s?subject=%s", address, escaped);
	lk_json *actions = lk_json_object();
	lk_json_set_text(actions, "address", address);
	lk_json_set_text(actions, "apart", link);
	lk_json_take(variables, "actions", actions);
}

static bool leave_event(const chase *c, const char *event, const char *reason, lk_json *detail,
			GError **error)
{
	g_autoptr(lk_json) owned = detail;
	lk_event row = {
		.ticket = c->ticket,
		.message = c->message,
		.at = c->work->at,
		.actor = c->work->actor,
		.event = event,
		.reason = reason,
		.detail = owned,
	};

	return c->work->is_dry || lk_event_add(c->work->db, &row, error);
}

/* The requester alone is answered, and nobody who may not be written to. */
static bool answer(const chase *c, GError **error)
{
	lk_work *work = c->work;
	bool is_joined = work->plan.evidence == LK_EVIDENCE_DUPLICATE;
	bool told = false;
	g_autofree char *refusal = work->plan.writer == LK_WRITER_REQUESTER
					   ? lk_work_unanswerable(work)
					   : g_strdup("only the requester is answered by the desk");

	if (refusal)
		return leave_event(c, "not_answered", refusal, NULL, error);
	g_autoptr(lk_json) variables = variables_of(c);
	if (is_joined) {
		add_apart_link(c, variables);
		return tell_customer(c, "joined", "a new mail was added to the open ticket",
				     variables, error);
	}
	if (!was_told(c, &told, error))
		return false;
	if (told)
		return leave_event(c, "not_answered",
				   "the customer was told how it stands within the last day", NULL,
				   error);
	return tell_customer(c, "progress", "the customer asked how it goes", variables, error);
}

char *lk_work_unanswerable(const lk_work *work)
{
	return lk_plan_unanswerable(work->policy, work->intake, &work->sender, &work->plan);
}

static bool tell_agent(const chase *c, const char *address, GError **error)
{
	lk_work *work = c->work;
	const lk_agent *agent = lk_policy_agent(work->policy, address);
	lk_lang language = c->queue->language;
	g_autoptr(lk_json) variables = variables_of(c);
	g_autofree char *text = lk_text_cut(work->mail->reply_text, SHOWN_BYTES);
	const lk_address *from = work->mail->from;

	if (agent && agent->languages->len > 0)
		lk_lang_parse(g_ptr_array_index(agent->languages, 0), &language);
	lk_json_set_bool(variables, "is_bilingual", false);
	lk_json_set_text(variables, "customer",
			 from && from->name && *from->name ? from->name : work->from);
	lk_json_set_text(variables, "owner", c->owner);
	lk_json_set_int(variables, "chased", c->chased);
	lk_json_set_text(variables, "text", text);
	lk_outbox_mail mail = {
		.ticket = c->ticket,
		.cause = c->message,
		.template_name = "chase-notice",
		.purpose = LK_PURPOSE_AGENT,
		.queue = c->queue,
		.language = language,
		.recipient = address,
		.recipient_name = agent ? agent->name : NULL,
		.rank = LK_RANK_REMINDER,
		.reason = c->chased == 1 ? "the customer asked for the first time how it goes"
					 : "the customer asked for the second time how it goes",
		.variables = variables,
	};
	return lk_work_send(work, &mail, error);
}

static bool tell_list(const chase *c, const GPtrArray *addresses, GError **error)
{
	for (unsigned i = 0; i < addresses->len; i++)
		if (!tell_agent(c, g_ptr_array_index(addresses, i), error))
			return false;
	return true;
}

/* The owner hears of the first chase, the managers of the second; the digest has the rest. */
static bool tell_team(const chase *c, GError **error)
{
	const GPtrArray *team = c->queue->managers->len > 0 ? c->queue->managers : c->queue->agents;

	if (c->work->intake->is_silent || c->chased > 2)
		return true;
	if (c->chased == 1 && lk_owner_of(c->work->policy, c->owner, c->queue))
		return tell_agent(c, c->owner, error);
	return tell_list(c, team, error);
}

static bool record(const chase *c, GError **error)
{
	g_autofree char *reason =
		g_strdup_printf("the customer asks for progress, by now %" G_GINT64_FORMAT
				" times; it ends no wait",
				c->chased);
	lk_json *detail = lk_json_object();

	lk_json_set_int(detail, "chased", c->chased);
	lk_json_set_text(detail, "status", lk_status_name(c->status));
	lk_json_set_text(detail, "supplier", lk_row_text(c->rows, 0, "supplier"));
	return leave_event(c, "chased", reason, detail, error);
}

/* The supplier's next reminder comes forward to now; the history tells. */
static bool chase_supplier(const chase *c, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	if (c->work->is_dry || c->status != LK_STATUS_WAITING_SUPPLIER)
		return true;
	lk_param_int(params, c->ticket);
	lk_param_time(params, c->work->now);
	if (!lk_db_run(c->work->db, LK_Q_INTAKE_CHASE_SUPPLIER, params, &rows, error))
		return false;
	return lk_rows_count(rows) == 0 ||
	       leave_event(c, "supplier_chased",
			   "the customer asks: the supplier's next reminder goes out now", NULL,
			   error);
}

static void read_chase(chase *c)
{
	const lk_policy *policy = c->work->policy;
	const lk_queue *queue = lk_policy_queue(policy, lk_row_text(c->rows, 0, "queue"));
	bool is_known = lk_status_parse(lk_row_text(c->rows, 0, "status"), &c->status);

	g_assert(is_known);
	c->queue = queue ? queue : c->work->route.queue;
	c->chased = lk_row_int(c->rows, 0, "chased");
	c->owner = lk_row_text(c->rows, 0, "owner");
}

bool lk_work_chased(lk_work *work, int64_t ticket, int64_t message, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	chase c = {.work = work, .ticket = ticket, .message = message};

	if (!work->thread.is_chase || work->plan.ticket != ticket)
		return true;
	lk_param_int(params, ticket);
	if (!lk_db_run(work->db, work->is_dry ? LK_Q_INTAKE_CHASE_PEEK : LK_Q_INTAKE_CHASED, params,
		       &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return true;
	c.rows = rows;
	read_chase(&c);
	return record(&c, error) && chase_supplier(&c, error) && answer(&c, error) &&
	       tell_team(&c, error);
}
