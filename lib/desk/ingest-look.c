/* What the database knows before a mail is decided on. */
#include "lib/desk/private.h"

#include "lib/base/text.h"
#include "lib/desk/authority.h"
#include "lib/desk/ingest-agent.h"
#include "lib/desk/ingest-fields.h"
#include "lib/desk/intake.h"
#include "lib/desk/subject.h"

#include <string.h>

static const lk_time latest_date = INT64_C(4102444800) * LK_SECOND; /* the year 2100 */

static void told_free(void *data)
{
	lk_told *told = data;

	g_free(told->actor);
	g_free(told->event);
	g_free(told->reason);
	g_free(told->detail);
	g_free(told);
}

/*
 * The key by which the same mail is known again. Without a Message-ID its attachments count too,
 * and without a date as well nothing says that two equal mails are one: none of them may be lost.
 */
static bool content_key(const lk_mail *mail, uint8_t ret_key[LK_HASH_BYTES])
{
	lk_mail_content_hash(mail, ret_key);
	if (mail->message_id)
		return true;
	if (mail->date == LK_TIME_NONE || mail->is_unparsed)
		return false;
	g_autoptr(lk_hash) hash = lk_hash_new();
	lk_hash_add(hash, ret_key, LK_HASH_BYTES);
	for (unsigned i = 0; i < mail->attachments->len; i++) {
		const lk_attachment *attachment = g_ptr_array_index(mail->attachments, i);
		lk_hash_add(hash, attachment->hash, sizeof(attachment->hash));
	}
	lk_hash_end(hash, ret_key);
	return true;
}

static lk_time arrival_time(const lk_intake *intake, lk_time now)
{
	lk_time at =
		intake->received_at != LK_TIME_NONE ? intake->received_at : intake->mail->received;

	return at == LK_TIME_NONE || at > now || at < 0 || at > latest_date ? now : at;
}

void lk_work_init(lk_work *work, lk_db *db, const lk_policy *policy, lk_time now,
		  const lk_intake *intake)
{
	memset(work, 0, sizeof(*work));
	work->db = db;
	work->policy = policy;
	work->now = now;
	work->intake = intake;
	work->mail = intake->mail;
	work->at = arrival_time(intake, now);
	work->from = lk_mail_sender(work->mail);
	work->has_from = work->from != NULL;
	if (work->from) {
		g_autofree char *folded = lk_address_fold(work->from);
		lk_key_hash(folded, work->from_hash);
	}
	work->has_id = work->mail->message_id != NULL;
	if (work->has_id)
		lk_key_hash(work->mail->message_id, work->id_hash);
	work->has_content = content_key(work->mail, work->content);
	work->actor = lk_actor_customer(work->from);
	lk_work_read_sent(work);
	work->told = g_ptr_array_new_with_free_func(told_free);
	work->also = g_ptr_array_new();
	work->teams = g_ptr_array_new_with_free_func(lk_work_team_free);
	lk_thread_facts_init(&work->facts);
	work->supplier_references = g_ptr_array_new_with_free_func(g_free);
	lk_work_strip_banners(work);
}

void lk_work_clear(lk_work *work)
{
	g_clear_pointer(&work->actor, g_free);
	g_clear_pointer(&work->known, lk_rows_free);
	g_clear_pointer(&work->survey, lk_rows_free);
	g_clear_pointer(&work->clues, lk_clues_free);
	lk_thread_facts_clear(&work->facts);
	lk_thread_decision_clear(&work->thread);
	lk_route_clear(&work->route);
	lk_plan_clear(&work->plan);
	lk_work_fill_clear(work);
	g_clear_pointer(&work->told, g_ptr_array_unref);
	g_clear_pointer(&work->also, g_ptr_array_unref);
	g_clear_pointer(&work->supplier_references, g_ptr_array_unref);
	g_clear_pointer(&work->teams, g_ptr_array_unref);
	g_clear_pointer(&work->ticket_now, lk_rows_free);
	g_clear_pointer(&work->explain, lk_json_unref);
	g_clear_pointer(&work->bare_subject, g_free);
	g_clear_pointer(&work->bare_words, g_free);
	g_clear_pointer(&work->unknown_customer, g_free);
}

void lk_work_tell(lk_work *work, int64_t ticket, const char *event, const char *reason,
		  lk_json *detail)
{
	lk_work_tell_as(work, NULL, ticket, event, reason, detail);
}

void lk_work_tell_as(lk_work *work, const char *actor, int64_t ticket, const char *event,
		     const char *reason, lk_json *detail)
{
	lk_told *told = g_new0(lk_told, 1);
	g_autoptr(lk_json) owned = detail;

	told->ticket = ticket;
	told->actor = g_strdup(actor);
	told->event = g_strdup(event);
	told->reason = g_strdup(reason);
	told->detail = owned ? lk_json_dump(owned, false) : NULL;
	g_ptr_array_add(work->told, told);
}

static int64_t lock_key(const uint8_t *hash)
{
	int64_t key = 0;

	memcpy(&key, hash, sizeof(key));
	return key;
}

static bool take_lock(lk_work *work, const uint8_t *hash, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, lock_key(hash));
	return lk_db_run(work->db, LK_Q_INGEST_LOCK, params, NULL, error);
}

/* A mail that has no content key takes turns by where it lies. */
static bool take_mail_turn(lk_work *work, GError **error)
{
	const lk_intake *intake = work->intake;
	uint8_t hash[LK_KEY_HASH_BYTES];

	if (work->has_content)
		return take_lock(work, work->content, error);
	g_autofree char *place = g_strdup_printf("%s/%s/%" G_GINT64_FORMAT "/%s", intake->mailbox,
						 intake->folder, intake->uidvalidity, intake->uid);
	lk_key_hash(place, hash);
	return take_lock(work, hash, error);
}

static void param_hash(lk_params *params, bool is_known, const uint8_t *hash, size_t n)
{
	if (is_known)
		lk_param_bytes(params, hash, n);
	else
		lk_param_null(params);
}

/* An imported one wins over addresses and domains of the configuration, these over the past. */
static void find_organisation(lk_work *work)
{
	const lk_rows *known = work->known;
	lk_plan_sender *sender = &work->sender;
	const char *stored = lk_row_text(known, 0, "organisation");
	bool is_set = stored && lk_row_bool(known, 0, "organisation_set");
	const lk_organisation *by_policy =
		is_set ? NULL : lk_policy_organisation(work->policy, work->from);

	if (!by_policy)
		by_policy = lk_policy_organisation_named(work->policy, stored);
	if (by_policy) {
		sender->organisation = by_policy->name;
		sender->organisation_language = by_policy->language;
		sender->organisation_sla = by_policy->sla;
	} else if (stored) {
		sender->organisation = stored;
		sender->organisation_language = lk_row_text(known, 0, "organisation_language");
	}
}

bool lk_work_look(lk_work *work, bool take_turn, GError **error)
{
	const lk_intake *intake = work->intake;
	g_autoptr(lk_params) params = lk_params_new();

	if (take_turn && !take_mail_turn(work, error))
		return false;
	lk_param_text(params, intake->mailbox);
	lk_param_text(params, intake->folder);
	lk_param_int(params, intake->uidvalidity);
	lk_param_text(params, intake->uid);
	param_hash(params, work->has_content, work->content, sizeof(work->content));
	param_hash(params, work->has_from, work->from_hash, sizeof(work->from_hash));
	if (!lk_db_run(work->db, LK_Q_INGEST_LOOK, params, &work->known, error))
		return false;

	const lk_rows *known = work->known;
	find_organisation(work);
	work->sender.is_blocked = g_strcmp0(lk_row_text(known, 0, "standing"), "blocked") == 0;
	work->sender.is_suppressed = !lk_row_is_null(known, 0, "suppressed_until") &&
				     lk_row_time(known, 0, "suppressed_until") > work->now;
	work->sender.suppressed_reason = lk_row_text(known, 0, "suppressed_reason");
	work->sender.language = lk_row_text(known, 0, "person_language");
	if (!work->sender.language)
		work->sender.language = work->sender.organisation_language;
	return true;
}

/* A ticket that its sender, an agent, may not know of: it is none for them. */
static bool is_hidden(const lk_work *work, const lk_rows *rows, size_t row)
{
	const lk_agent *agent = lk_policy_agent(work->policy, work->from);
	g_autoptr(GPtrArray) also =
		lk_row_is_null(rows, row, "also") ? NULL : lk_row_texts(rows, row, "also");

	return agent && lk_sight_of(work->policy, agent, lk_row_text(rows, row, "queue"), also,
				    lk_row_bool(rows, row, "is_asked")) == LK_SIGHT_NONE;
}

static void read_ticket(lk_work *work, const lk_rows *rows, size_t row)
{
	const lk_queue *queue = lk_policy_queue(work->policy, lk_row_text(rows, row, "queue"));
	lk_thread_ticket ticket = {
		.named = lk_row_int(rows, row, "named"),
		.named_epoch = (uint8_t)lk_row_int(rows, row, "epoch"),
		.ticket = lk_row_int(rows, row, "ticket"),
		.resolved_at = lk_row_time(rows, row, "ended_at"),
		.closed_at = lk_row_time(rows, row, "closed_at"),
		.reopen_s = queue ? queue->reopen_s : LK_DEFAULT_REOPEN_S,
		.sender_is_requester = lk_row_bool(rows, row, "is_requester"),
		.sender_takes_part = lk_row_bool(rows, row, "takes_part"),
		.sender_is_supplier = work->supplier && lk_row_bool(rows, row, "is_supplier"),
		.is_referenced = work->supplier && lk_row_bool(rows, row, "is_referenced"),
		.is_hidden = is_hidden(work, rows, row),
		.is_orphaned = !queue,
	};
	bool is_known = lk_status_parse(lk_row_text(rows, row, "status"), &ticket.status);

	g_assert(is_known);
	g_array_append_val(work->facts.tickets, ticket);
}

static lk_purpose sent_purpose(const char *name)
{
	static const struct {
		const char *name;
		lk_purpose purpose;
	} names[] = {
		{"customer", LK_PURPOSE_CUSTOMER}, {"agent", LK_PURPOSE_AGENT},
		{"note", LK_PURPOSE_NOTE},	   {"supplier", LK_PURPOSE_SUPPLIER},
		{"consult", LK_PURPOSE_CONSULT},   {"survey", LK_PURPOSE_SURVEY},
	};

	for (unsigned i = 0; name && i < G_N_ELEMENTS(names); i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].purpose;
	return LK_PURPOSE_NOTE; /* mail to admins: an answer must not reach a customer */
}

static void read_candidates(lk_work *work, const lk_rows *rows)
{
	for (size_t row = 0; row < lk_rows_count(rows); row++) {
		const char *what = lk_row_text(rows, row, "what");
		if (strcmp(what, "ticket") == 0) {
			read_ticket(work, rows, row);
		} else if (strcmp(what, "hit") == 0) {
			lk_thread_hit hit = {
				.id = (unsigned)lk_row_int(rows, row, "n"),
				.named = lk_row_int(rows, row, "named"),
				.is_stored = lk_row_bool(rows, row, "is_stored"),
			};
			g_array_append_val(work->facts.hits, hit);
		} else {
			lk_thread_sent sent = {
				.outbox = lk_row_int(rows, row, "n"),
				.ticket = lk_row_int(rows, row, "named"),
				.purpose = sent_purpose(lk_row_text(rows, row, "purpose")),
			};
			g_array_append_val(work->facts.sent, sent);
		}
	}
}

static bool load_candidates(lk_work *work, GError **error)
{
	const lk_clues *clues = work->clues;
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_autoptr(GArray) sent = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_autoptr(GByteArray) hashes = g_byte_array_new();

	for (unsigned i = 0; i < clues->tokens->len; i++) {
		const lk_clue_token *token = &g_array_index(clues->tokens, lk_clue_token, i);
		if (token->purpose == LK_PURPOSE_BOUNCE)
			g_array_append_val(sent, token->number);
		else
			g_array_append_val(numbers, token->number);
	}
	for (unsigned i = 0; i < clues->ids->len; i++) {
		const lk_clue_id *id = &g_array_index(clues->ids, lk_clue_id, i);
		g_byte_array_append(hashes, id->hash, sizeof(id->hash));
		if (id->is_ours)
			g_array_append_val(numbers, id->ticket);
	}
	g_array_append_vals(numbers, clues->tags->data, clues->tags->len);
	if (numbers->len + sent->len + clues->ids->len + work->supplier_references->len == 0)
		return true;

	param_hash(params, work->has_from, work->from_hash, sizeof(work->from_hash));
	lk_param_ints(params, (const int64_t *)(void *)numbers->data, numbers->len);
	lk_param_blocks(params, hashes->data, clues->ids->len, LK_KEY_HASH_BYTES);
	lk_param_ints(params, (const int64_t *)(void *)sent->data, sent->len);
	lk_param_text(params, work->supplier ? work->supplier->name : NULL);
	lk_param_texts(params, work->supplier_references);
	const lk_agent *agent = lk_policy_agent(work->policy, work->from);
	lk_param_text(params, agent ? agent->address : NULL);
	if (!lk_db_run(work->db, LK_Q_THREAD_CANDIDATES, params, &rows, error))
		return false;
	read_candidates(work, rows);
	return true;
}

/* Only machines repeat themselves like this; two mailboxes of one alarm take turns. */
static bool find_machine_repeat(lk_work *work, GError **error)
{
	uint8_t subject[LK_KEY_HASH_BYTES];
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	if (work->mail->kind != LK_KIND_AUTO_REPLY || work->mail->is_vacation ||
	    (work->thread.ticket && !work->thread.is_ended) || !work->has_from ||
	    !lk_subject_machine_hash(work->policy, work->mail->subject, subject))
		return true;
	if (!take_lock(work, subject, error))
		return false;
	lk_param_bytes(params, work->from_hash, sizeof(work->from_hash));
	lk_param_bytes(params, subject, sizeof(subject));
	if (!lk_db_run(work->db, LK_Q_INGEST_MACHINE_REPEAT, params, &rows, error))
		return false;
	if (lk_rows_count(rows) > 0)
		work->sender.machine_repeat = lk_row_int(rows, 0, "ticket");
	return true;
}

void lk_work_explain(lk_work *work)
{
	g_clear_pointer(&work->explain, lk_json_unref);
	work->explain = lk_plan_explain(work->policy, work->intake, &work->thread, &work->route,
					&work->plan);
	lk_work_fill_explain(work, work->explain);
	lk_work_explain_teams(work, work->explain);
}

void lk_work_settle(lk_work *work, lk_outcome outcome, const char *quarantine, const char *reason)
{
	lk_plan *plan = &work->plan;
	lk_lang language = plan->language;

	lk_plan_clear(plan);
	memset(plan, 0, sizeof(*plan));
	plan->outcome = outcome;
	plan->quarantine = quarantine;
	plan->reason = g_strdup(reason);
	plan->writer = outcome == LK_OUTCOME_CONTROL ? LK_WRITER_MACHINE : LK_WRITER_STRANGER;
	plan->evidence = LK_EVIDENCE_NONE;
	plan->language = language;
	plan->acknowledge_reason = g_strdup("control mail is never answered");
	g_ptr_array_set_size(work->teams, 0);
	g_ptr_array_set_size(work->also, 0);
	work->quiet_because =
		outcome == LK_OUTCOME_TICKET ? "one of the team wrote it" : "it is on no ticket";
	lk_route_forget_rules(&work->route, LK_RULELESS_CONTROL);
	lk_work_fill_clear(work);
	lk_work_explain(work);
}

/* What rules for replies see of the ticket. */
static bool look_at_ticket(lk_work *work, int64_t ticket, lk_rows **ret_rows, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, ticket);
	return lk_db_run(work->db, LK_Q_INGEST_TICKET_NOW, params, ret_rows, error);
}

static bool route(lk_work *work, GError **error)
{
	int64_t ticket = lk_plan_joins(work->mail, work->clues, &work->thread, &work->sender);
	g_autoptr(lk_rows) rows = NULL;
	lk_route_facts facts = {
		.mail = work->mail,
		.recipients = work->intake->recipients,
		.mailbox = work->intake->mailbox,
		.size = work->intake->mail_size,
		.at = work->at,
		.standing = lk_row_text(work->known, 0, "standing"),
		.organisation = work->sender.organisation,
		.is_reply = ticket != 0,
		.ruleless =
			ticket && work->thread.writer == LK_WRITER_GUEST ? LK_RULELESS_GUEST : NULL,
		.is_explained = work->is_dry,
		.is_kept = !work->is_dry,
	};

	if (ticket && work->policy->compiled && lk_rules_have_reply(work->policy->compiled) &&
	    !look_at_ticket(work, ticket, &rows, error))
		return false;
	if (rows && lk_rows_count(rows) > 0) {
		facts.ticket_queue = lk_policy_queue(work->policy, lk_row_text(rows, 0, "queue"));
		facts.ticket_type = lk_row_text(rows, 0, "type");
		facts.ticket_priority = lk_row_text(rows, 0, "priority");
	}
	lk_route_decide(work->policy, &facts, &work->route);
	return true;
}

static void read_facts(lk_work *work)
{
	work->facts.has_sender = work->has_from;
	work->facts.sender_is_agent = lk_policy_agent(work->policy, work->from) != NULL;
	work->facts.dmarc_fails = lk_mail_fails_dmarc(work->mail);
	work->facts.kind = work->mail->kind;
	work->facts.received_at = work->at;
	lk_work_read_words(work);
}

bool lk_work_decide(lk_work *work, GError **error)
{
	work->clues = lk_clues_find(work->policy, work->mail, work->intake->recipients);
	lk_work_read_actions(work);
	lk_work_read_supplier(work);
	if (!lk_work_read_apart(work, error) || !lk_work_read_survey(work, error) ||
	    !load_candidates(work, error))
		return false;
	read_facts(work);
	lk_work_trust_sent(work);
	lk_thread_decide(work->policy, work->clues, &work->facts, &work->thread);
	if (!lk_work_read_forward(work, error) || !lk_work_find_similar(work, error) ||
	    !find_machine_repeat(work, error))
		return false;
	if (!route(work, error))
		return false;
	lk_plan_decide(work->policy, work->intake, work->clues, &work->thread, &work->route,
		       &work->sender, &work->plan);
	if (!lk_work_fill(work, error) || !lk_work_find_teams(work, error))
		return false;
	lk_work_explain(work);
	return true;
}

bool lk_work_decide_open(lk_work *work, const char *why, const char *unanswered, GError **error)
{
	work->clues = lk_clues_find(work->policy, work->mail, work->intake->recipients);
	read_facts(work);
	work->thread.links = g_array_new(FALSE, FALSE, sizeof(lk_thread_link));
	work->thread.reason = g_strdup(why);
	if (!route(work, error))
		return false;
	lk_plan_open(work->policy, work->intake, &work->route, &work->sender, why, unanswered,
		     &work->plan);
	if (!lk_work_fill(work, error) || !lk_work_find_teams(work, error))
		return false;
	lk_work_explain(work);
	return true;
}

void lk_people_clear(lk_people *people)
{
	g_clear_pointer(&people->hashes, g_byte_array_unref);
	g_clear_pointer(&people->addresses, g_ptr_array_unref);
	g_clear_pointer(&people->names, g_ptr_array_unref);
}

static void add_person(const lk_work *work, lk_people *people, const lk_address *given)
{
	uint8_t hash[LK_KEY_HASH_BYTES];

	if (people->addresses->len >= LK_MAX_RECIPIENTS || !lk_address_is_sane(given->address) ||
	    lk_policy_is_own_address(work->policy, given->address) ||
	    lk_policy_agent(work->policy, given->address))
		return;
	g_autofree char *folded = lk_address_fold(given->address);
	lk_key_hash(folded, hash);
	if (work->has_from && memcmp(hash, work->from_hash, sizeof(hash)) == 0)
		return;
	for (unsigned i = 0; i < people->addresses->len; i++)
		if (memcmp(people->hashes->data + i * sizeof(hash), hash, sizeof(hash)) == 0)
			return;
	g_byte_array_append(people->hashes, hash, sizeof(hash));
	g_ptr_array_add(people->addresses, lk_text_cut(given->address, LK_MAX_ADDRESS_BYTES));
	g_ptr_array_add(people->names,
			given->name ? lk_text_cut(given->name, LK_MAX_NAME_BYTES) : NULL);
}

void lk_work_people_of(const lk_work *work, const GPtrArray *addresses, lk_people *ret_people)
{
	ret_people->hashes = g_byte_array_new();
	ret_people->addresses = g_ptr_array_new_with_free_func(g_free);
	ret_people->names = g_ptr_array_new_with_free_func(g_free);
	for (unsigned i = 0; i < addresses->len; i++) {
		lk_address address = {.address = g_ptr_array_index(addresses, i)};
		add_person(work, ret_people, &address);
	}
}

void lk_work_people(const lk_work *work, bool with_to, lk_people *ret_people)
{
	const lk_mail *mail = work->mail;

	ret_people->hashes = g_byte_array_new();
	ret_people->addresses = g_ptr_array_new_with_free_func(g_free);
	ret_people->names = g_ptr_array_new_with_free_func(g_free);
	for (unsigned i = 0; with_to && i < mail->to->len; i++)
		add_person(work, ret_people, g_ptr_array_index(mail->to, i));
	for (unsigned i = 0; i < mail->cc->len; i++)
		add_person(work, ret_people, g_ptr_array_index(mail->cc, i));
}
