#include "lib/desk/replay.h"

#include "lib/base/text.h"
#include "lib/desk/dry.h"
#include "lib/desk/stored.h"

#include <string.h>

/* Rows of arrival a page; the statement ends a page earlier when its texts grow large. */
enum { PAGE = 200 };

/* What a reader of the differences sees of a decision, in this order. */
static const char *const shown[] = {
	"quarantine",	  "queue",    "type",	      "priority", "owner",
	"status",	  "tags",     "fields",	      "subject",  "language",
	"missing_fields", "supplier", "organisation", "skill",	  "sla",
	"template",	  "notify",   "cc",	      "forward",  "acknowledge",
};

/* One stored mail with what was found out then and is not decided again. */
typedef struct {
	const lk_rows *rows;
	size_t row;
	lk_mail *mail;
	lk_json *then;	     /* arrival.explain */
	const char *address; /* of the sender, or NULL */
	const char *standing;
	const char *language;
	const char *organisation;
	const char *organisation_language;
	bool is_imported; /* the organisation: it wins over the configuration */
} stored;

static void stored_free(void *data)
{
	stored *s = data;

	lk_mail_free(s->mail);
	lk_json_unref(s->then);
	g_free(s);
}

/* --- the decision again ------------------------------------------------------------------------
 */

static lk_evidence evidence_of(const char *name)
{
	for (lk_evidence e = LK_EVIDENCE_NONE; e <= LK_EVIDENCE_DUPLICATE; e++)
		if (g_strcmp0(lk_evidence_name(e), name) == 0)
			return e;
	return LK_EVIDENCE_NONE;
}

static lk_writer writer_of(const char *name)
{
	for (lk_writer w = LK_WRITER_REQUESTER; w <= LK_WRITER_STRANGER; w++)
		if (g_strcmp0(lk_writer_name(w), name) == 0)
			return w;
	return LK_WRITER_STRANGER;
}

/* Rules have no say in it, and the tickets it was held against have moved on since. */
static void thread_of(const stored *s, lk_thread_decision *ret_thread)
{
	bool joins = lk_json_get_bool(s->then, "joins", false);

	memset(ret_thread, 0, sizeof(*ret_thread));
	ret_thread->ticket = joins ? lk_row_int(s->rows, s->row, "ticket_id") : 0;
	ret_thread->evidence = evidence_of(lk_json_get_text(s->then, "evidence"));
	ret_thread->reason = g_strdup(lk_row_text(s->rows, s->row, "evidence_reason"));
	ret_thread->writer = writer_of(lk_row_text(s->rows, s->row, "writer"));
	ret_thread->is_note = g_strcmp0(lk_row_text(s->rows, s->row, "direction"), "note") == 0;
	ret_thread->links = g_array_new(FALSE, FALSE, sizeof(lk_thread_link));
}

/* As ingest-look.c finds it: an imported one, else that of the configuration, else the last. */
static const lk_organisation *organisation_of(const stored *s, const lk_policy *policy)
{
	const lk_organisation *by_policy =
		s->is_imported ? NULL : lk_policy_organisation(policy, s->address);

	return by_policy != NULL ? by_policy
				 : lk_policy_organisation_named(policy, s->organisation);
}

/*
 * Persons as they are now. Only whether one was blocked is as then, where then is what is compared
 * with: a person blocked since is no difference of the rules.
 */
static void sender_of(const stored *s, const lk_policy *policy, bool as_then,
		      const lk_thread_decision *thread, lk_plan_sender *ret_sender)
{
	const char *held = lk_json_get_text(s->then, "quarantine");
	const char *answer = lk_json_get_text(s->then, "acknowledge_reason");
	const lk_organisation *organisation = organisation_of(s, policy);

	memset(ret_sender, 0, sizeof(*ret_sender));
	ret_sender->is_blocked = g_strcmp0(as_then ? held : s->standing, "blocked") == 0;
	ret_sender->is_suppressed =
		answer != NULL && g_str_has_prefix(answer, "mail to the sender is suppressed");
	ret_sender->language = s->language;
	if (ret_sender->language == NULL)
		ret_sender->language =
			organisation != NULL ? organisation->language : s->organisation_language;
	if (thread->ticket != 0 && thread->evidence == LK_EVIDENCE_DUPLICATE &&
	    s->mail->kind == LK_KIND_AUTO_REPLY)
		ret_sender->machine_repeat = thread->ticket;
}

static lk_json *decide(const stored *s, const lk_policy *policy, bool as_then, bool is_explained)
{
	const lk_rows *rows = s->rows;
	g_auto(GStrv) recipients = lk_stored_recipients(rows, s->row);
	const lk_intake intake = {
		.mailbox = lk_row_text(rows, s->row, "mailbox"),
		.folder = "",
		.uid = "",
		.received_at = lk_row_time(rows, s->row, "received_at"),
		.is_silent = lk_row_bool(rows, s->row, "is_silent"),
		.is_too_large = lk_stored_is_too_large(rows, s->row),
		.recipients = (const char *const *)recipients,
		.mail = s->mail,
		.mail_fd = -1,
		.mail_size = (uint64_t)lk_row_int(rows, s->row, "raw_size"),
		.parts_fd = -1,
	};
	lk_thread_decision thread = {0};
	lk_plan_sender sender = {0};
	const lk_organisation *organisation = organisation_of(s, policy);
	lk_dry_facts known = {
		.thread = &thread,
		.sender = &sender,
		.standing = s->standing,
		.organisation = organisation != NULL ? organisation->name : s->organisation,
		.type = lk_row_text(rows, s->row, "ticket_type"),
		.priority = lk_row_text(rows, s->row, "ticket_priority"),
		.is_explained = is_explained,
	};
	lk_json *explain = NULL;

	thread_of(s, &thread);
	sender_of(s, policy, as_then, &thread, &sender);
	if (sender.machine_repeat != 0)
		thread.ticket = 0;
	known.queue = lk_policy_queue(policy, lk_row_text(rows, s->row, "ticket_queue"));
	explain = lk_dry_explain(policy, &intake, &known);
	lk_thread_decision_clear(&thread);
	return explain;
}

/* --- the difference -----------------------------------------------------------------------------
 */

/* A key that the stored decision of an older version does not have is no difference. */
static bool differs(const lk_json *before, const lk_json *after, const char *key)
{
	const lk_json *old = lk_json_get(before, key);

	return old != NULL && !lk_json_equal(old, lk_json_get(after, key));
}

static bool any_differs(const lk_json *before, const lk_json *after)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(shown); i++)
		if (differs(before, after, shown[i]))
			return true;
	return false;
}

static lk_json *show(const lk_json *explain)
{
	lk_json *json = lk_json_object();

	for (unsigned i = 0; i < G_N_ELEMENTS(shown); i++) {
		lk_json *value = lk_json_get(explain, shown[i]);

		if (value != NULL)
			lk_json_take(json, shown[i], lk_json_ref(value));
	}
	return json;
}

static const lk_rule *rule_in(const GPtrArray *rules, const char *name)
{
	for (unsigned i = 0; i < rules->len; i++) {
		const lk_rule *rule = g_ptr_array_index(rules, i);

		if (g_strcmp0(rule->name, name) == 0)
			return rule;
	}
	return NULL;
}

static const lk_rule *find_rule(const lk_policy *policy, const char *name)
{
	const lk_rule *rule = rule_in(policy->rules, name);

	for (unsigned i = 0; rule == NULL && i < policy->queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(policy->queues, i);

		rule = rule_in(queue->rules, name);
	}
	return rule;
}

/* Does the rule set something that is different now? */
static bool is_about(const lk_policy *policy, const char *name, const lk_json *before,
		     const lk_json *after)
{
	const lk_rule *rule = policy != NULL ? find_rule(policy, name) : NULL;

	for (unsigned i = 0; rule != NULL && i < rule->set->len; i++) {
		const lk_rule_set *set = g_ptr_array_index(rule->set, i);
		bool holds = strcmp(set->name, "drop") == 0 || strcmp(set->name, "open") == 0;

		if (differs(before, after, holds ? "quarantine" : set->name))
			return true;
	}
	return false;
}

static bool has_matched(const lk_json *explain, const char *name)
{
	const lk_json *rules = lk_json_get(explain, "rules");

	for (size_t i = 0; rules != NULL && i < lk_json_size(rules); i++) {
		const lk_json *rule = lk_json_at(rules, i);

		if (lk_json_get_bool(rule, "matched", false) &&
		    g_strcmp0(lk_json_get_text(rule, "name"), name) == 0)
			return true;
	}
	return false;
}

/*
 * The last rule that matches on one side only and sets what differs, else the last that matches on
 * one side only; with everywhere, rules that match on both sides count as well.
 */
static const char *last_matched(const lk_json *here, const lk_json *there, const lk_policy *policy,
				const lk_json *before, const lk_json *after, bool everywhere)
{
	const lk_json *rules = lk_json_get(here, "rules");
	const char *found = NULL;

	for (size_t i = rules != NULL ? lk_json_size(rules) : 0; i-- > 0;) {
		const lk_json *rule = lk_json_at(rules, i);
		const char *name = lk_json_get_text(rule, "name");

		if (!lk_json_get_bool(rule, "matched", false) ||
		    (!everywhere && has_matched(there, name)))
			continue;
		if (is_about(policy, name, before, after))
			return name;
		if (found == NULL && !everywhere)
			found = name;
	}
	return found;
}

/*
 * The rule that the difference comes from: one that matches now and did not, one that did and does
 * not, one that sets something else now. NULL: it comes from a queue, an organisation, ...
 */
static const char *responsible_rule(const lk_replay_options *options, const lk_json *before,
				    const lk_json *after)
{
	const char *name = last_matched(after, before, options->after, before, after, false);

	if (name == NULL)
		name = last_matched(before, after, options->before, before, after, false);
	if (name == NULL)
		name = last_matched(after, before, options->after, before, after, true);
	return name;
}

static lk_json *change_of(const lk_replay_options *options, const stored *s, const lk_json *before,
			  const lk_json *after)
{
	lk_json *change = lk_json_object();

	lk_json_set_text(change, "message_id", s->mail->message_id);
	lk_json_set_text(change, "subject", s->mail->subject);
	lk_json_take(change, "before", show(before));
	lk_json_take(change, "after", show(after));
	lk_json_set_text(change, "rule", responsible_rule(options, before, after));
	return change;
}

/*
 * What was asked for when an answer came is not known any more: fields that it filled and no rule
 * fills now, and those that were missing still, are no difference.
 */
static void forget_answer(lk_json *then, const lk_json *after)
{
	g_autoptr(GPtrArray) keys = NULL;
	lk_json *fields = NULL;
	const lk_json *now = lk_json_get(after, "fields");

	if (!lk_json_get_bool(then, "joins", false))
		return;
	fields = lk_json_object();
	keys = lk_json_keys(now);
	for (unsigned i = 0; i < keys->len; i++) {
		const char *key = g_ptr_array_index(keys, i);
		const char *value = lk_json_get_text(lk_json_get(then, "fields"), key);

		if (value != NULL)
			lk_json_set_text(fields, key, value);
	}
	lk_json_take(then, "fields", fields);
	if (lk_json_get(then, "missing_fields") != NULL)
		lk_json_take(then, "missing_fields", lk_json_array());
}

/*
 * Whose turn it was cannot be decided again: who got a ticket by the queue's own way, or in place
 * of somebody who was away, is no difference.
 */
static void forget_turn(lk_json *then, const lk_json *after, const lk_policy *policy)
{
	const lk_queue *queue = lk_policy_queue(policy, lk_json_get_text(after, "queue"));
	const char *owner = lk_json_get_text(after, "owner");
	const char *why = lk_json_get_text(then, "owner_reason");
	bool was_deputy = owner != NULL && why != NULL && strstr(why, "stands in") != NULL;

	if (was_deputy || (owner == NULL && queue != NULL && queue->assign != LK_ASSIGN_NONE))
		lk_json_set_text(then, "owner", owner);
}

/* Each rule is told of only where there is a difference: that takes longer than deciding. */
static bool tell(const lk_replay_options *options, const stored *s, GError **error)
{
	bool as_then = options->before == NULL;
	g_autoptr(lk_json) before =
		as_then ? lk_json_ref(s->then) : decide(s, options->before, as_then, true);
	g_autoptr(lk_json) after = decide(s, options->after, as_then, true);
	g_autoptr(lk_json) change = change_of(options, s, before, after);

	return options->changed(change, options->data, error);
}

static bool compare(const lk_replay_options *options, const stored *s, lk_replay_result *result,
		    GError **error)
{
	bool as_then = options->before == NULL;
	g_autoptr(lk_json) before =
		as_then ? lk_json_ref(s->then) : decide(s, options->before, as_then, false);
	g_autoptr(lk_json) after = decide(s, options->after, as_then, false);

	forget_turn(s->then, after, options->after);
	forget_answer(s->then, after);
	result->mails++;
	if (!any_differs(before, after))
		return true;
	result->changed++;
	return options->changed == NULL || tell(options, s, error);
}

/* --- page by page -------------------------------------------------------------------------------
 */

static stored *read_stored(const lk_rows *rows, size_t row)
{
	stored *s = g_new0(stored, 1);

	s->rows = rows;
	s->row = row;
	s->mail = lk_stored_mail(rows, row);
	s->then = lk_stored_json(rows, row, "explain");
	if (s->then == NULL)
		s->then = lk_json_object();
	s->address = lk_mail_sender(s->mail);
	return s;
}

/* What is known of the senders of a page. *ret_people keeps the texts alive. */
static bool read_people(lk_db *db, const GPtrArray *page, lk_rows **ret_people, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(GByteArray) hashes = g_byte_array_new();

	for (unsigned i = 0; i < page->len; i++) {
		const stored *s = g_ptr_array_index(page, i);
		g_autofree char *folded = lk_address_fold(s->address != NULL ? s->address : "");
		uint8_t hash[LK_KEY_HASH_BYTES];

		lk_key_hash(folded, hash);
		g_byte_array_append(hashes, hash, sizeof(hash));
	}
	lk_param_blocks(params, hashes->data, page->len, LK_KEY_HASH_BYTES);
	if (!lk_db_run(db, LK_Q_REPLAY_PEOPLE, params, ret_people, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(*ret_people); i++) {
		stored *s = g_ptr_array_index(page, (unsigned)lk_row_int(*ret_people, i, "n"));

		s->standing = lk_row_text(*ret_people, i, "standing");
		s->language = lk_row_text(*ret_people, i, "language");
		s->organisation = lk_row_text(*ret_people, i, "organisation");
		s->is_imported =
			s->organisation != NULL && lk_row_bool(*ret_people, i, "organisation_set");
		s->organisation_language = lk_row_text(*ret_people, i, "organisation_language");
	}
	return true;
}

static bool is_over(const lk_replay_options *options, lk_replay_result *result)
{
	bool is_full = options->most > 0 && result->mails >= options->most;
	bool is_late = options->until_ms > 0 && lk_monotonic_ms() >= options->until_ms;

	result->is_cut |= is_full || is_late;
	return is_full || is_late;
}

static bool compare_page(lk_db *db, const lk_replay_options *options, const GPtrArray *page,
			 lk_replay_result *result, GError **error)
{
	g_autoptr(lk_rows) people = NULL;

	if (page->len > 0 && !read_people(db, page, &people, error))
		return false;
	for (unsigned i = 0; i < page->len && !is_over(options, result); i++)
		if (!compare(options, g_ptr_array_index(page, i), result, error))
			return false;
	if (options->progress != NULL)
		options->progress(result->mails, result->changed, options->data);
	return true;
}

/* *before: the id to go on from; 0: this was the last page. */
static bool run_page(lk_db *db, const lk_replay_options *options, int64_t *before,
		     lk_replay_result *result, GError **error)
{
	g_autoptr(GPtrArray) page = g_ptr_array_new_with_free_func(stored_free);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	bool is_within = false;

	lk_param_int(params, *before);
	lk_param_time(params, options->since);
	lk_param_int(params, PAGE);
	lk_param_bool(params, options->before == NULL);
	if (!lk_db_run(db, LK_Q_REPLAY_PAGE, params, &rows, error))
		return false;
	*before = 0;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		is_within |= lk_row_bool(rows, i, "is_within");
		if (lk_row_bool(rows, i, "is_routed"))
			g_ptr_array_add(page, read_stored(rows, i));
		*before = lk_row_int(rows, i, "id");
	}
	/* Two hosts' clocks may differ by less than a page: only a whole page of older mail ends
	 * it. */
	if (!is_within)
		*before = 0;
	return compare_page(db, options, page, result, error);
}

bool lk_replay_run(lk_db *db, const lk_replay_options *options, lk_replay_result *ret_result,
		   GError **error)
{
	int64_t before = INT64_MAX;

	memset(ret_result, 0, sizeof(*ret_result));
	while (before != 0 && !is_over(options, ret_result))
		if (!run_page(db, options, &before, ret_result, error))
			return false;
	return true;
}
