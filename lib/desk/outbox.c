#include "lib/desk/outbox.h"

#include "lib/base/backoff.h"
#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/hash.h"
#include "lib/base/proc.h"
#include "lib/base/text.h"
#include "lib/base/units.h"
#include "lib/desk/outbox-private.h"

#include <string.h>

/* Longer than the longest SMTP dialogue: who holds a claim this long is dead. */
static const int64_t claim_seconds = 1800;

static const int64_t give_up_seconds = 5 * 86400;

static const struct {
	lk_purpose purpose;
	const char *name;
} purposes[] = {
	{LK_PURPOSE_CUSTOMER, "customer"}, {LK_PURPOSE_AGENT, "agent"},
	{LK_PURPOSE_NOTE, "note"},	   {LK_PURPOSE_SUPPLIER, "supplier"},
	{LK_PURPOSE_CONSULT, "consult"},   {LK_PURPOSE_SURVEY, "survey"},
	{LK_PURPOSE_NONE, "admin"},
};

const char *lk_outbox_purpose_name(lk_purpose purpose)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(purposes); i++)
		if (purposes[i].purpose == purpose)
			return purposes[i].name;
	g_assert_not_reached();
}

lk_purpose lk_outbox_purpose(const char *name)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(purposes); i++)
		if (strcmp(purposes[i].name, name) == 0)
			return purposes[i].purpose;
	return LK_PURPOSE_NONE;
}

static void param_id(lk_params *params, int64_t id)
{
	if (id)
		lk_param_int(params, id);
	else
		lk_param_null(params);
}

/* --- adding ----------------------------------------------------------------------------------- */

static void form_people(lk_json *form, const char *key, const lk_outbox_person *people, unsigned n)
{
	lk_json *list = lk_json_array();

	for (unsigned i = 0; i < n; i++) {
		lk_json *one = lk_json_object();
		lk_json_set_text(one, "name", people[i].name);
		lk_json_set_text(one, "address", people[i].address);
		lk_json_push(list, one);
	}
	lk_json_take(form, key, list);
}

/* How it is composed, as outbox.form; only what differs from the plain automatic mail. */
static char *form_of(const lk_policy *policy, const lk_outbox_mail *mail)
{
	g_autoptr(lk_json) form = lk_json_object();

	if (mail->is_personal)
		lk_json_set_bool(form, "is_personal", true);
	if (mail->is_bulk)
		lk_json_set_bool(form, "is_bulk", true);
	if (mail->from_name)
		lk_json_set_text(form, "from_name", mail->from_name);
	if (mail->n_to)
		form_people(form, "to", mail->to, mail->n_to);
	if (mail->n_cc)
		form_people(form, "cc", mail->cc, mail->n_cc);
	if (mail->attach)
		lk_json_set_int(form, "attach", mail->attach);
	/* A question goes to people of other desks, too: whom was it for? */
	if (mail->purpose == LK_PURPOSE_CONSULT && lk_policy_is_of_team(policy, mail->recipient))
		lk_json_set_bool(form, "is_to_team", true);
	return lk_json_dump(form, false);
}

static bool insert(lk_db *db, const lk_policy *policy, lk_time now, const lk_outbox_mail *mail,
		   const lk_outbox_check *c, GError **error)
{
	static const char *const states[] = {"queued", "suppressed", "held"};
	static const char *const events[] = {NULL, "not_sent", "held"};
	g_autoptr(lk_params) params = lk_params_new();
	g_autofree char *variables =
		mail->variables ? lk_json_dump(mail->variables, false) : g_strdup("{}");
	g_autofree char *form = form_of(policy, mail);
	g_autofree char *one_line =
		lk_text_squeeze(mail->recipient_name ? mail->recipient_name : "");
	g_autofree char *name = *one_line ? lk_text_cut(one_line, 200) : NULL;
	g_autofree char *message_id = lk_message_id_sign(policy->keys, mail->purpose,
							 (uint64_t)mail->ticket, (uint64_t)c->id);

	lk_param_int(params, c->id);
	param_id(params, mail->ticket);
	param_id(params, mail->cause);
	lk_param_text(params, mail->template_name);
	lk_param_text(params, lk_outbox_purpose_name(mail->purpose));
	lk_param_text(params, mail->queue->name);
	lk_param_text(params, lk_lang_code(mail->language));
	lk_param_text(params, mail->recipient);
	lk_param_bytes(params, c->recipient, LK_KEY_HASH_BYTES);
	lk_param_text(params, name);
	lk_param_text(params, variables);
	lk_param_text(params, message_id);
	lk_param_int(params, mail->rank);
	lk_param_text(params, states[c->verdict]);
	lk_param_text(params, c->reason);
	lk_param_time(params, now);
	lk_param_text(params, events[c->verdict]);
	lk_param_text(params, "sched");
	lk_param_text(params, form);
	param_id(params, mail->message);
	lk_param_time(params, mail->due_at > now ? mail->due_at : now);
	lk_outbox_check_params(c, params);
	lk_param_bool(params, mail->is_receipt);
	return lk_db_run(db, LK_Q_OUTBOX_INSERT, params, NULL, error);
}

bool lk_outbox_add(lk_db *db, const lk_policy *policy, lk_time now, const lk_outbox_mail *mail,
		   lk_outbox_verdict *ret_verdict, int64_t *ret_outbox, GError **error)
{
	g_auto(lk_outbox_check) c = {0};

	if (!lk_address_is_sane(mail->recipient)) {
		g_set_error(error, LK_ERROR, LK_ERR_MESSAGE,
			    "the recipient is no address that mail can be sent to");
		return false;
	}
	if (!lk_outbox_check_mail(db, policy, now, mail, &c, error))
		return false;
	*ret_verdict = c.verdict;
	*ret_outbox = c.id;
	if (mail->is_patient && c.verdict == LK_OUTBOX_HELD) {
		*ret_outbox = 0;
		return true;
	}
	return insert(db, policy, now, mail, &c, error);
}

/* --- claiming --------------------------------------------------------------------------------- */

void lk_outbox_claim_free(lk_outbox_claim *claim)
{
	if (!claim)
		return;
	g_free(claim->recipient);
	g_free(claim->envelope_from);
	g_free(claim->header_message_id);
	if (claim->wire)
		g_bytes_unref(claim->wire);
	g_free(claim);
}

static void free_claim(void *data)
{
	lk_outbox_claim_free(data);
}

static lk_outbox_claim *claim_of(const lk_rows *rows, size_t row)
{
	lk_outbox_claim *claim = g_new0(lk_outbox_claim, 1);
	size_t n = 0;
	const uint8_t *wire = lk_row_bytes(rows, row, "wire", &n);

	claim->id = lk_row_int(rows, row, "id");
	claim->ticket = lk_row_int(rows, row, "ticket");
	claim->recipient = g_strdup(lk_row_text(rows, row, "recipient"));
	claim->header_message_id = g_strdup(lk_row_text(rows, row, "header_message_id"));
	claim->attempts = (int)lk_row_int(rows, row, "attempts");
	claim->created_at = lk_row_time(rows, row, "created_at");
	if (!lk_row_is_null(rows, row, "wire")) {
		claim->is_repeat = true;
		claim->wire = g_bytes_new(wire, n);
		claim->envelope_from = g_strdup(lk_row_text(rows, row, "envelope_from"));
	}
	return claim;
}

static bool mark_uncomposable(lk_db *db, lk_time now, int64_t outbox, const GError *why,
			      GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autofree char *reason = g_strdup_printf("the mail cannot be composed: %s", why->message);

	lk_param_int(params, outbox);
	lk_param_time(params, now);
	lk_param_text(params, reason);
	lk_param_text(params, "sched");
	return lk_db_run(db, LK_Q_OUTBOX_UNCOMPOSABLE, params, NULL, error);
}

static bool claim_rows(lk_db *db, lk_time now, const char *claimer, unsigned most,
		       lk_rows **ret_rows, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_time(params, now);
	lk_param_int(params, most);
	lk_param_text(params, claimer);
	lk_param_int(params, claim_seconds);
	return lk_db_run(db, LK_Q_OUTBOX_CLAIM, params, ret_rows, error);
}

/* What says how the ticket stands, or asks again because of that: as outbox_moot knows them. */
static bool is_passing(const char *template_name)
{
	static const char *const names[] = {"customer-reminder",
					    "still-working",
					    "supplier-reminder",
					    "closed-unanswered",
					    "survey",
					    "waiting",
					    NULL};

	return g_strv_contains(names, template_name);
}

static void forget_bytes(lk_outbox_claim *claim)
{
	claim->is_repeat = false;
	g_clear_pointer(&claim->wire, g_bytes_unref);
	g_clear_pointer(&claim->envelope_from, g_free);
}

/*
 * An acknowledgement that was held up is nothing to send once the answer has gone, a reminder
 * nothing once what it asks for has come, and "closed" nothing once it is open again. One that goes
 * all the same says that it is late, also where the server has refused it before: nobody has those
 * bytes.
 */
static bool look_again(lk_db *db, lk_time now, const char *template_name, lk_outbox_claim *claim,
		       bool *ret_gone, GError **error)
{
	bool is_late = now - claim->created_at > LK_OUTBOX_LATE_S * LK_SECOND;
	bool is_acknowledgement = strcmp(template_name, "acknowledgement") == 0;
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	*ret_gone = false;
	if (is_acknowledgement ? !is_late : !is_passing(template_name))
		return true;
	lk_param_int(params, claim->id);
	lk_param_time(params, now);
	if (!lk_db_run(db, LK_Q_OUTBOX_MOOT, params, &rows, error))
		return false;
	*ret_gone = lk_row_bool(rows, 0, "is_gone");
	if (!*ret_gone && is_acknowledgement && lk_row_bool(rows, 0, "is_unseen"))
		forget_bytes(claim);
	return true;
}

/*
 * Was it written to somebody as one of the team? What a rule sends on and what suppliers get is for
 * whom it names.
 */
static bool is_for_team(const lk_rows *rows, size_t row)
{
	const char *form = lk_row_text(rows, row, "form");
	g_autoptr(lk_json) json = NULL;

	switch (lk_outbox_purpose(lk_row_text(rows, row, "purpose"))) {
	case LK_PURPOSE_AGENT:
		return true;
	case LK_PURPOSE_NOTE:
		return strcmp(lk_row_text(rows, row, "template"), "dissatisfied") == 0;
	case LK_PURPOSE_CONSULT:
		/* What cannot be read cannot be composed either, which says so. */
		return lk_json_parse(form, strlen(form), &json, NULL) &&
		       lk_json_get_bool(json, "is_to_team", false);
	default:
		return false;
	}
}

/*
 * Words of the desk do not go to who has left it while they waited; nor do they go again, also
 * where the server may have taken them before.
 */
static bool look_for_recipient(lk_db *db, const lk_policy *policy, lk_time now, const lk_rows *rows,
			       size_t row, bool *ret_gone, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	*ret_gone = is_for_team(rows, row) &&
		    !lk_policy_is_of_team(policy, lk_row_text(rows, row, "recipient"));
	if (!*ret_gone)
		return true;
	lk_param_int(params, lk_row_int(rows, row, "id"));
	lk_param_time(params, now);
	lk_param_text(params, "not sent: the recipient is no agent, manager or admin any more");
	return lk_db_run(db, LK_Q_OUTBOX_LEFT, params, NULL, error);
}

/* One row's bytes; a row that cannot have any is marked and left out, whatever was done for it. */
static bool compose_one(lk_db *db, const lk_policy *policy, const char *templates_dir, lk_time now,
			const lk_rows *rows, size_t row, GPtrArray *claims, GError **error)
{
	g_autoptr(lk_outbox_claim) claim = claim_of(rows, row);
	g_autoptr(GError) why = NULL;
	bool is_gone = false;

	if (!look_for_recipient(db, policy, now, rows, row, &is_gone, error))
		return false;
	if (is_gone)
		return true;
	if (!look_again(db, now, lk_row_text(rows, row, "template"), claim, &is_gone, error) ||
	    is_gone)
		return is_gone;
	if (claim->is_repeat) {
		g_ptr_array_add(claims, g_steal_pointer(&claim));
		return true;
	}
	if (!lk_db_savepoint(db, error))
		return false;
	if (lk_outbox_compose(db, policy, templates_dir, now, rows, row, claim, &why)) {
		g_ptr_array_add(claims, g_steal_pointer(&claim));
		return lk_db_release(db, error);
	}
	if (lk_err_is(why, LK_ERR_RETRY)) {
		g_propagate_error(error, g_steal_pointer(&why));
		return false;
	}
	return lk_db_rollback_to(db, error) && mark_uncomposable(db, now, claim->id, why, error);
}

static bool claim_all(lk_db *db, const lk_policy *policy, const char *templates_dir,
		      const char *claimer, lk_time now, unsigned most, GPtrArray *claims,
		      GError **error)
{
	g_autoptr(lk_rows) rows = NULL;

	if (!claim_rows(db, now, claimer, most, &rows, error))
		return false;
	for (size_t row = 0; row < lk_rows_count(rows); row++)
		if (!compose_one(db, policy, templates_dir, now, rows, row, claims, error))
			return false;
	lk_fault("outbox.claimed");
	return true;
}

bool lk_outbox_claim_due(lk_db *db, const lk_policy *policy, const char *templates_dir,
			 const char *claimer, lk_time now, unsigned most, GPtrArray **ret_claims,
			 GError **error)
{
	g_autoptr(GPtrArray) claims = g_ptr_array_new_with_free_func(free_claim);

	if (!policy->send) {
		*ret_claims = g_steal_pointer(&claims);
		return true;
	}
	if (!lk_db_begin(db, error))
		return false;
	if (!claim_all(db, policy, templates_dir, claimer, now, most, claims, error)) {
		lk_db_rollback(db);
		return false;
	}
	/* A lost answer leaves the rows claimed at worst: their time runs out. */
	if (!lk_db_commit(db, error))
		return false;
	*ret_claims = g_steal_pointer(&claims);
	return true;
}

/* --- recording -------------------------------------------------------------------------------- */

/* Waits between attempts in seconds; the last one goes on until the mail is given up. */
static const int64_t waits[] = {60, 300, 900, 3600, 7200, 14400};

static lk_time next_try(lk_time now, int attempts)
{
	unsigned i = (unsigned)CLAMP(attempts - 1, 0, (int)G_N_ELEMENTS(waits) - 1);
	int64_t seconds = waits[i];

	return now + (seconds + lk_jitter(0, seconds / 5)) * LK_SECOND;
}

typedef struct {
	const char *state;
	const char *delivery;
	const char *event; /* or NULL */
	char *failure;	   /* why it failed for good, or NULL */
	lk_time due_at;
} verdict;

/*
 * Five days after it was written, but not before it was tried for about as long: a mail server that
 * was away for a week, or a person's `outbox retry`, leaves a mail more than one try.
 */
static bool is_given_up(lk_time now, const lk_outbox_claim *claim)
{
	int64_t tried = 0;

	if (claim->created_at == LK_TIME_NONE ||
	    (now - claim->created_at) / LK_SECOND < give_up_seconds)
		return false;
	for (int i = 1; i < claim->attempts && tried < give_up_seconds; i++)
		tried += waits[MIN((unsigned)i, G_N_ELEMENTS(waits)) - 1];
	/* The waits are up to a fifth longer. */
	return tried >= give_up_seconds * 5 / 6;
}

static verdict verdict_of(lk_time now, const lk_outbox_claim *claim, lk_send_outcome outcome,
			  const char *reply)
{
	const char *words = reply && *reply ? reply : "the server gave no reason";
	verdict v = {.due_at = LK_TIME_NONE};

	switch (outcome) {
	case LK_SEND_SENT:
		v.state = "sent";
		v.delivery = "sent";
		v.event = "sent";
		return v;
	case LK_SEND_FAILED:
		v.failure = g_strdup_printf("the mail server refused it: %s", words);
		break;
	case LK_SEND_RETRY:
	case LK_SEND_UNCERTAIN:
		if (!is_given_up(now, claim)) {
			v.state = outcome == LK_SEND_RETRY ? "retry" : "uncertain";
			v.delivery = v.state;
			v.due_at = next_try(now, claim->attempts);
			return v;
		}
		v.failure = g_strdup_printf("given up after 5 days: %s", words);
		break;
	}
	v.state = "failed";
	v.delivery = "failed";
	v.event = "send_failed";
	return v;
}

static bool record(lk_db *db, lk_time now, const lk_outbox_claim *claim, const verdict *v, int code,
		   const char *status, const char *reply, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autofree char *clean = reply ? lk_text_clean(reply, strlen(reply)) : NULL;
	g_autofree char *cut = clean ? lk_text_cut(clean, 1000) : NULL;

	lk_param_int(params, claim->id);
	lk_param_int(params, claim->attempts);
	lk_param_time(params, now);
	lk_param_text(params, v->state);
	lk_param_time(params, v->due_at);
	lk_param_int(params, code);
	lk_param_text(params, status);
	lk_param_text(params, cut);
	lk_param_text(params, v->delivery);
	lk_param_text(params, v->event);
	lk_param_text(params, "sched");
	lk_param_text(params, v->failure);
	if (!lk_db_run(db, LK_Q_OUTBOX_RECORD, params, NULL, error))
		return false;
	lk_fault("outbox.recorded");
	return true;
}

bool lk_outbox_record(lk_db *db, lk_time now, const lk_outbox_claim *claim, lk_send_outcome outcome,
		      int code, const char *status, const char *reply, GError **error)
{
	g_autofree char *clean = reply ? lk_text_clean(reply, strlen(reply)) : NULL;
	verdict v = verdict_of(now, claim, outcome, clean);
	bool done = lk_db_begin(db, error);

	if (done && !record(db, now, claim, &v, code, status, reply, error)) {
		lk_db_rollback(db);
		done = false;
	}
	g_free(v.failure);
	return done && lk_db_commit(db, error);
}

bool lk_outbox_shrink(lk_db *db, lk_time now, const lk_outbox_claim *claim, int code,
		      const char *status, const char *reply, bool *ret_done, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autofree char *clean = reply ? lk_text_clean(reply, strlen(reply)) : NULL;
	g_autofree char *cut = clean ? lk_text_cut(clean, 1000) : NULL;

	lk_param_int(params, claim->id);
	lk_param_int(params, claim->attempts);
	lk_param_time(params, now);
	lk_param_int(params, code);
	lk_param_text(params, status);
	lk_param_text(params, cut);
	if (!lk_db_run(db, LK_Q_OUTBOX_SHRINK, params, &rows, error))
		return false;
	*ret_done = lk_rows_count(rows) > 0;
	return true;
}

bool lk_outbox_next_due(lk_db *db, lk_time now, lk_time *ret_at, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_time(params, now);
	if (!lk_db_run(db, LK_Q_OUTBOX_NEXT_DUE, params, &rows, error))
		return false;
	*ret_at = lk_row_time(rows, 0, "at");
	return true;
}

bool lk_outbox_hurry(lk_db *db, lk_time now, int64_t *ret_did, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_time(params, now);
	lk_param_time(params, now + LK_OUTBOX_LATEST_S * LK_SECOND);
	if (!lk_db_run(db, LK_Q_OUTBOX_HURRY, params, &rows, error))
		return false;
	*ret_did = lk_row_int(rows, 0, "n");
	return true;
}

bool lk_outbox_release(lk_db *db, const char *claimer, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_text(params, claimer);
	return lk_db_run(db, LK_Q_OUTBOX_RELEASE, params, NULL, error);
}

bool lk_outbox_recover(lk_db *db, const char *host, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_text(params, host);
	if (!lk_db_run(db, LK_Q_OUTBOX_CLAIMERS, params, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		const char *claimer = lk_row_text(rows, i, "claimed_by");
		if (lk_proc_has_died(host, claimer) && !lk_outbox_release(db, claimer, error))
			return false;
	}
	return true;
}
