#include "lib/desk/held.h"

#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/text.h"
#include "lib/desk/route.h"
#include "lib/desk/subject.h"
#include "lib/desk/ticket.h"

#include <inttypes.h>
#include <string.h>

static bool run_by_id(lk_db *db, lk_query query, int64_t id, lk_rows **ret_rows, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, id);
	return lk_db_run(db, query, params, ret_rows, error);
}

/* Locks the row of a mail that is neither under way nor gone. */
static bool lock_mail(lk_db *db, int64_t outbox, lk_rows **ret_row, GError **error)
{
	g_autoptr(lk_rows) row = NULL;
	const char *state = NULL;

	if (!run_by_id(db, LK_Q_HELD_OUTBOX_LOCK, outbox, &row, error))
		return false;
	if (lk_rows_count(row) == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
			    "there is no mail %" PRId64 " in the outbox", outbox);
		return false;
	}
	state = lk_row_text(row, 0, "state");
	if (strcmp(state, "sent") == 0 || strcmp(state, "sending") == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA, "mail %" PRId64 " %s", outbox,
			    strcmp(state, "sent") == 0 ? "was sent already"
						       : "is being sent just now; look again soon");
		return false;
	}
	*ret_row = g_steal_pointer(&row);
	return true;
}

static bool add_mail_event(lk_db *db, const lk_rows *row, int64_t outbox, lk_time now,
			   const char *actor, const char *name, GError **error)
{
	g_autofree char *reason =
		g_strdup_printf("mail %" PRId64 " to %s was %s", outbox,
				lk_row_text(row, 0, "recipient"), lk_row_text(row, 0, "state"));
	lk_event event = {
		.ticket = lk_row_int(row, 0, "ticket_id"),
		.message = lk_row_int(row, 0, "message_id"),
		.at = now,
		.actor = actor,
		.event = name,
		.reason = reason,
	};

	return lk_event_add(db, &event, error);
}

bool lk_held_retry(lk_db *db, int64_t outbox, lk_time now, const char *actor, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_params) bell = lk_params_new();
	g_autoptr(lk_rows) row = NULL;

	lk_param_int(params, outbox);
	lk_param_time(params, now);
	lk_param_text(params, actor);
	lk_param_text(bell, "luukku_outbox");
	lk_param_text(bell, "");
	return lock_mail(db, outbox, &row, error) &&
	       lk_db_run(db, LK_Q_HELD_OUTBOX_RETRY, params, NULL, error) &&
	       add_mail_event(db, row, outbox, now, actor, "mail_retried", error) &&
	       lk_db_run(db, LK_Q_DB_NOTIFY, bell, NULL, error);
}

bool lk_held_cancel(lk_db *db, int64_t outbox, lk_time now, const char *actor, GError **error)
{
	g_autoptr(lk_rows) row = NULL;

	return lock_mail(db, outbox, &row, error) &&
	       run_by_id(db, LK_Q_HELD_OUTBOX_CANCEL, outbox, NULL, error) &&
	       add_mail_event(db, row, outbox, now, actor, "mail_cancelled", error);
}

/* Locks a quarantine row that nobody has decided on. */
static bool lock_held(lk_db *db, int64_t quarantine, lk_rows **ret_row, GError **error)
{
	g_autoptr(lk_rows) row = NULL;

	if (!run_by_id(db, LK_Q_HELD_QUARANTINE_LOCK, quarantine, &row, error))
		return false;
	if (lk_rows_count(row) == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
			    "there is no number %" PRId64 " in the quarantine", quarantine);
		return false;
	}
	if (strcmp(lk_row_text(row, 0, "state"), "held") != 0) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "number %" PRId64 " of the quarantine was %s already", quarantine,
			    lk_row_text(row, 0, "state"));
		return false;
	}
	*ret_row = g_steal_pointer(&row);
	return true;
}

static bool decide(lk_db *db, int64_t quarantine, const char *state, lk_time now, const char *actor,
		   GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, quarantine);
	lk_param_text(params, state);
	lk_param_time(params, now);
	lk_param_text(params, actor);
	return lk_db_run(db, LK_Q_HELD_QUARANTINE_DECIDE, params, NULL, error);
}

bool lk_held_drop(lk_db *db, int64_t quarantine, lk_time now, const char *actor, GError **error)
{
	g_autoptr(lk_rows) row = NULL;
	g_autofree char *reason = NULL;
	lk_event event = {.at = now, .actor = actor, .event = "quarantine_dropped"};

	if (!lock_held(db, quarantine, &row, error) ||
	    !decide(db, quarantine, "dropped", now, actor, error))
		return false;
	reason = g_strdup_printf("a person left it in the quarantine (%s)",
				 lk_row_text(row, 0, "reason"));
	event.message = lk_row_int(row, 0, "message_id");
	event.reason = reason;
	return lk_event_add(db, &event, error);
}

/* Adds the addresses of a stored list of {"name","address"}, or of texts, as lk_address. */
static void add_addresses(GPtrArray *list, const lk_json *stored)
{
	for (size_t i = 0; stored != NULL && i < lk_json_size(stored); i++) {
		const lk_json *one = lk_json_at(stored, i);
		const char *address = lk_json_get_text(one, "address");

		if (address != NULL)
			g_ptr_array_add(list, lk_address_new(NULL, address));
	}
}

static bool parse_column(const lk_rows *row, const char *column, lk_json **ret_json, GError **error)
{
	const char *text = lk_row_text(row, 0, column);

	return lk_json_parse(text, strlen(text), ret_json, error);
}

/* As much of the mail as routing looks at. */
static bool read_mail(const lk_rows *row, lk_mail **ret_mail, GError **error)
{
	g_autoptr(lk_mail) mail = lk_mail_new();
	g_autoptr(lk_json) to = NULL;
	g_autoptr(lk_json) cc = NULL;
	g_autoptr(lk_json) parsed = NULL;
	const lk_json *delivered = NULL;

	if (!parse_column(row, "recipients_to", &to, error) ||
	    !parse_column(row, "recipients_cc", &cc, error) ||
	    !parse_column(row, "parsed", &parsed, error))
		return false;
	add_addresses(mail->to, to);
	add_addresses(mail->cc, cc);
	delivered = lk_json_get(parsed, "delivered_to");
	for (size_t i = 0; delivered != NULL && i < lk_json_size(delivered); i++) {
		const char *address = lk_json_text(lk_json_at(delivered, i));

		if (address != NULL)
			g_ptr_array_add(mail->delivered_to, g_strdup(address));
	}
	*ret_mail = g_steal_pointer(&mail);
	return true;
}

/* The hashes of the Message-IDs that a stored mail names. */
static GByteArray *named_ids(const lk_rows *row)
{
	g_autoptr(GPtrArray) refs = lk_row_texts(row, 0, "refs");
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	const char *parent = lk_row_text(row, 0, "in_reply_to");
	GByteArray *hashes = g_byte_array_new();

	for (unsigned i = 0; i <= refs->len; i++) {
		const char *id = i < refs->len ? g_ptr_array_index(refs, i) : parent;
		uint8_t hash[LK_KEY_HASH_BYTES];

		if (id == NULL || !g_hash_table_add(seen, (void *)id))
			continue;
		lk_key_hash(id, hash);
		g_byte_array_append(hashes, hash, sizeof hash);
	}
	return hashes;
}

/* Parameters 10 to 13 of held_open. folded (or NULL) and hash live as long as the parameters. */
static void param_requester(lk_params *params, const lk_policy *policy, const lk_rows *row,
			    const char *folded, uint8_t hash[LK_KEY_HASH_BYTES])
{
	const lk_organisation *organisation = NULL;

	if (folded == NULL) {
		for (int i = 0; i < 4; i++)
			lk_param_null(params);
		return;
	}
	lk_key_hash(folded, hash);
	organisation = lk_policy_organisation(policy, folded);
	lk_param_bytes(params, hash, LK_KEY_HASH_BYTES);
	lk_param_text(params, lk_row_text(row, 0, "from_address"));
	lk_param_text(params, lk_row_text(row, 0, "from_name"));
	lk_param_text(params, organisation != NULL ? organisation->name : NULL);
}

/* Who released it and where it went, for the history of the new ticket. */
typedef struct {
	lk_time now;
	const char *actor;
	int64_t message;
	const char *quarantine_reason;
	const lk_route *route;
} release;

static bool open_ticket(lk_db *db, const lk_policy *policy, const release *r, const lk_rows *row,
			int64_t *ret_ticket, GError **error)
{
	const lk_queue *queue = r->route->queue;
	const char *address = lk_row_text(row, 0, "from_address");
	bool has_sender = address != NULL && lk_address_is_sane(address) &&
			  !lk_policy_is_own_address(policy, address);
	g_autofree char *folded = has_sender ? lk_address_fold(address) : NULL;
	g_autofree char *subject = lk_subject_base(policy, lk_row_text(row, 0, "subject"));
	g_autofree char *why = g_strdup_printf("released from the quarantine (%s); %s",
					       r->quarantine_reason, r->route->reason);
	g_autoptr(GByteArray) ids = named_ids(row);
	g_autoptr(GPtrArray) events = g_ptr_array_new();
	g_autoptr(GPtrArray) reasons = g_ptr_array_new();
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) opened = NULL;
	uint8_t subject_hash[LK_KEY_HASH_BYTES];
	uint8_t from_hash[LK_KEY_HASH_BYTES];
	lk_lang language = queue->language;

	(void)lk_lang_parse(lk_row_text(row, 0, "language"), &language);
	lk_subject_hash(policy, lk_row_text(row, 0, "subject"), subject_hash);
	g_ptr_array_add(events, (void *)"opened");
	g_ptr_array_add(reasons, why);
	g_ptr_array_add(events, (void *)"not_acknowledged");
	g_ptr_array_add(reasons, (void *)"a mail from the quarantine is never answered by itself");
	lk_param_int(params, r->message);
	lk_param_text(params, queue->name);
	lk_param_text(params, r->route->type);
	lk_param_text(params, r->route->priority);
	lk_param_text(params, lk_lang_code(language));
	lk_param_text(params, subject);
	lk_param_bytes(params, subject_hash, sizeof subject_hash);
	lk_param_time(params, lk_row_time(row, 0, "at"));
	lk_param_bool(params, strcmp(lk_row_text(row, 0, "kind"), "normal") != 0);
	param_requester(params, policy, row, folded, from_hash);
	lk_param_blocks(params, ids->data, ids->len / LK_KEY_HASH_BYTES, LK_KEY_HASH_BYTES);
	lk_param_time(params, r->now);
	lk_param_text(params, r->actor);
	lk_param_texts(params, events);
	lk_param_texts(params, reasons);
	if (!lk_db_run(db, LK_Q_HELD_OPEN, params, &opened, error))
		return false;
	*ret_ticket = lk_row_int(opened, 0, "ticket");
	return true;
}

bool lk_held_release(lk_db *db, const lk_policy *policy, int64_t quarantine, lk_time now,
		     const char *actor, int64_t *ret_ticket, GError **error)
{
	g_autoptr(lk_rows) held = NULL;
	g_autoptr(lk_rows) row = NULL;
	g_autoptr(lk_mail) mail = NULL;
	lk_route route = {0};
	bool ok = false;
	lk_route_facts facts = {0};
	release r = {.now = now, .actor = actor, .route = &route};

	if (!lock_held(db, quarantine, &held, error))
		return false;
	r.message = lk_row_int(held, 0, "message_id");
	r.quarantine_reason = lk_row_text(held, 0, "reason");
	if (!run_by_id(db, LK_Q_HELD_MESSAGE, r.message, &row, error) ||
	    !read_mail(row, &mail, error))
		return false;
	if (!lk_row_is_null(row, 0, "ticket_id")) {
		g_autofree char *ref = lk_reference(policy, lk_row_int(row, 0, "ticket_id"));

		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "number %" PRId64 " of the quarantine is on %s already", quarantine,
			    ref);
		return false;
	}
	facts.mail = mail;
	facts.mailbox = lk_row_text(held, 0, "mailbox");
	lk_route_decide(policy, &facts, &route);
	ok = open_ticket(db, policy, &r, row, ret_ticket, error) &&
	     decide(db, quarantine, "released", now, actor, error);
	lk_route_clear(&route);
	return ok;
}
