#include "daemon/ctl-person.h"

#include "lib/base/err.h"
#include "lib/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where a person stands in the tables. */
typedef struct {
	lk_ctl_address address;
	int64_t id;
	GArray *own;	  /* int64_t: tickets they opened */
	GArray *tickets;  /* int64_t: those, and what they take part in */
	GArray *messages; /* int64_t */
} subject;

static void subject_clear(subject *s)
{
	lk_ctl_address_clear(&s->address);
	g_clear_pointer(&s->own, g_array_unref);
	g_clear_pointer(&s->tickets, g_array_unref);
	g_clear_pointer(&s->messages, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(subject, subject_clear)

static void param_ids(lk_params *params, const GArray *ids)
{
	lk_param_ints(params, (const int64_t *)(const void *)ids->data, ids->len);
}

static void param_hash(lk_params *params, const uint8_t *hash)
{
	lk_param_bytes(params, hash, LK_KEY_HASH_BYTES);
}

static void add_id(GArray *ids, int64_t id)
{
	g_array_append_val(ids, id);
}

/* Locks the person, so that no mail of theirs comes in between. */
static bool find_person(lk_db *db, subject *s, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	param_hash(params, s->address.hash);
	if (!lk_db_run(db, LK_Q_PERSON_LOCK, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return lk_ctl_person_unknown(s->address.text, error);
	s->id = lk_row_int(rows, 0, "id");
	return true;
}

static bool find_tickets(lk_db *db, subject *s, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	s->own = g_array_new(FALSE, FALSE, sizeof(int64_t));
	s->tickets = g_array_new(FALSE, FALSE, sizeof(int64_t));
	lk_param_int(params, s->id);
	if (!lk_db_run(db, LK_Q_PERSON_TICKETS, params, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		add_id(s->tickets, lk_row_int(rows, i, "id"));
		if (lk_row_bool(rows, i, "is_own"))
			add_id(s->own, lk_row_int(rows, i, "id"));
	}
	return true;
}

static bool find_messages(lk_db *db, subject *s, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	s->messages = g_array_new(FALSE, FALSE, sizeof(int64_t));
	param_ids(params, s->own);
	lk_param_text(params, s->address.folded);
	param_hash(params, s->address.hash);
	if (!lk_db_run(db, LK_Q_PERSON_MESSAGES, params, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++)
		add_id(s->messages, lk_row_int(rows, i, "id"));
	return true;
}

static bool find(lk_db *db, subject *s, GError **error)
{
	return lk_db_run(db, LK_Q_PERSON_PATIENCE, NULL, NULL, error) &&
	       find_person(db, s, error) && find_tickets(db, s, error) &&
	       find_messages(db, s, error);
}

/* --- export ----------------------------------------------------------------------------------- */

static bool add_rows(lk_db *db, lk_query query, const lk_params *params, lk_json *json,
		     const char *key, GError **error)
{
	g_autoptr(lk_rows) rows = NULL;
	lk_json *array = NULL;

	if (!lk_db_run(db, query, params, &rows, error))
		return false;
	array = lk_json_array();
	for (size_t i = 0; i < lk_rows_count(rows); i++)
		lk_json_push(array, lk_ctl_row_json(rows, i, "json"));
	lk_json_take(json, key, array);
	return true;
}

static bool add_person(lk_db *db, const subject *s, lk_json *json, GError **error)
{
	static const char *const texts[] = {"address", "name",	   "organisation",     "language",
					    "phone",   "standing", "suppressed_reason"};
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	param_hash(params, s->address.hash);
	if (!lk_db_run(db, LK_Q_PERSON_SHOW, params, &rows, error))
		return false;
	for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
		lk_json_set_text(json, texts[i], lk_row_text(rows, 0, texts[i]));
	lk_ctl_json_time(json, "suppressed_until", lk_row_time(rows, 0, "suppressed_until"));
	lk_ctl_json_time(json, "known_since", lk_row_time(rows, 0, "created_at"));
	return true;
}

static bool collect(lk_ctl *ctl, lk_db *db, subject *s, lk_json *json, GError **error)
{
	const char *prefix = ctl->conf->site.prefix;
	g_autoptr(lk_params) tickets = lk_params_new();
	g_autoptr(lk_params) messages = lk_params_new();
	g_autoptr(lk_params) events = lk_params_new();
	g_autoptr(lk_params) mails = lk_params_new();
	g_autoptr(lk_params) surveys = lk_params_new();

	if (!find(db, s, error) || !add_person(db, s, json, error))
		return false;
	lk_param_text(tickets, prefix);
	param_ids(tickets, s->tickets);
	lk_param_text(messages, prefix);
	param_ids(messages, s->messages);
	lk_param_text(events, prefix);
	param_ids(events, s->own);
	param_ids(events, s->messages);
	lk_param_text(mails, prefix);
	param_hash(mails, s->address.hash);
	lk_param_int(surveys, s->id);
	return add_rows(db, LK_Q_PERSON_EXPORT_TICKETS, tickets, json, "tickets", error) &&
	       add_rows(db, LK_Q_SURVEY_EXPORT, surveys, json, "surveys", error) &&
	       add_rows(db, LK_Q_PERSON_EXPORT_MESSAGES, messages, json, "messages", error) &&
	       add_rows(db, LK_Q_PERSON_EXPORT_EVENTS, events, json, "events", error) &&
	       add_rows(db, LK_Q_PERSON_EXPORT_MAILS, mails, json, "mails", error);
}

bool lk_ctl_person_export(lk_ctl *ctl, GError **error)
{
	g_auto(subject) s = {0};
	g_autoptr(lk_json) json = lk_json_object();
	lk_db *db = NULL;

	if (!lk_ctl_address_read(ctl->operands[0], &s.address, error) ||
	    !lk_ctl_db(ctl, &db, error) || !lk_db_begin(db, error))
		return false;
	if (!collect(ctl, db, &s, json, error)) {
		lk_db_rollback(db);
		return false;
	}
	lk_db_rollback(db);
	lk_ctl_print_json(g_steal_pointer(&json));
	return true;
}

/* --- erase ------------------------------------------------------------------------------------ */

/* What stands in a person's place. */
typedef struct {
	char *address;
	uint8_t hash[LK_KEY_HASH_BYTES];
	uint8_t subject_hash[LK_KEY_HASH_BYTES];
	char *pattern; /* of the address, for PostgreSQL */
} mask;

static void mask_clear(mask *m)
{
	g_free(m->address);
	g_free(m->pattern);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(mask, mask_clear)

static void make_mask(const subject *s, mask *m)
{
	g_autofree char *quoted = g_regex_escape_string(s->address.folded, -1);

	m->address = g_strdup_printf("person-%" PRId64 "@erased.invalid", s->id);
	lk_key_hash(m->address, m->hash);
	lk_key_hash("erased", m->subject_hash);
	m->pattern = g_strdup_printf("\\m%s\\M", quoted);
}

static bool refuse_while_sending(lk_db *db, const subject *s, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	param_hash(params, s->address.hash);
	param_ids(params, s->own);
	if (!lk_db_run(db, LK_Q_PERSON_SENDING, params, &rows, error))
		return false;
	if (lk_row_int(rows, 0, "n") == 0)
		return true;
	g_set_error(error, LK_ERROR, LK_ERR_RETRY,
		    "a mail to %s is being sent right now: nothing was erased, try again in a "
		    "minute",
		    s->address.text);
	return false;
}

static bool erase_mails(lk_db *db, const subject *s, const mask *m, GError **error)
{
	g_autoptr(lk_params) messages = lk_params_new();
	g_autoptr(lk_params) recipients = lk_params_new();
	g_autoptr(lk_params) outbox = lk_params_new();

	param_ids(messages, s->messages);
	lk_param_text(messages, s->address.folded);
	lk_param_text(messages, m->address);
	param_ids(recipients, s->tickets);
	lk_param_text(recipients, s->address.folded);
	lk_param_text(recipients, m->address);
	param_hash(outbox, s->address.hash);
	param_hash(outbox, m->hash);
	lk_param_text(outbox, m->address);
	param_ids(outbox, s->own);
	return lk_db_run(db, LK_Q_PERSON_ERASE_MESSAGES, messages, NULL, error) &&
	       lk_db_run(db, LK_Q_PERSON_ERASE_RECIPIENTS, recipients, NULL, error) &&
	       lk_db_run(db, LK_Q_PERSON_ERASE_OUTBOX, outbox, NULL, error);
}

static bool erase_rest(lk_db *db, const subject *s, const mask *m, GError **error)
{
	g_autoptr(lk_params) tickets = lk_params_new();
	g_autoptr(lk_params) events = lk_params_new();
	g_autoptr(lk_params) person = lk_params_new();
	g_autoptr(lk_params) surveys = lk_params_new();

	param_ids(tickets, s->own);
	param_hash(tickets, m->subject_hash);
	param_ids(events, s->tickets);
	param_ids(events, s->messages);
	lk_param_text(events, m->pattern);
	lk_param_text(events, m->address);
	param_ids(events, s->own);
	lk_param_int(surveys, s->id);
	lk_param_int(person, s->id);
	param_hash(person, m->hash);
	lk_param_text(person, m->address);
	return lk_db_run(db, LK_Q_PERSON_ERASE_TICKETS, tickets, NULL, error) &&
	       lk_db_run(db, LK_Q_PERSON_ERASE_EVENTS, events, NULL, error) &&
	       lk_db_run(db, LK_Q_SURVEY_ERASE, surveys, NULL, error) &&
	       lk_db_run(db, LK_Q_PERSON_ERASE_PERSON, person, NULL, error);
}

static bool erase(lk_ctl *ctl, lk_db *db, subject *s, GError **error)
{
	g_auto(mask) m = {0};
	lk_json *detail = NULL;

	if (!find(db, s, error) || !refuse_while_sending(db, s, error))
		return false;
	make_mask(s, &m);
	if (!erase_mails(db, s, &m, error) || !erase_rest(db, s, &m, error))
		return false;
	detail = lk_json_object();
	lk_json_set_int(detail, "person", s->id);
	lk_json_set_int(detail, "tickets", s->own->len);
	lk_json_set_int(detail, "messages", s->messages->len);
	return lk_ctl_person_event(ctl, db, "person_erased", "erased at the command line", detail,
				   error);
}

/* The address once more, from the terminal. */
static bool confirm(const lk_ctl *ctl, const lk_ctl_address *address, GError **error)
{
	g_autofree char *line = NULL;
	g_autofree char *typed = NULL;
	size_t room = 0;

	if (lk_ctl_has(ctl, "yes"))
		return true;
	if (!isatty(STDIN_FILENO)) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "there is no way back from erasing; give --yes where nobody can be "
			    "asked");
		return false;
	}
	fprintf(stderr,
		"This replaces name, address, texts and attachments of %s for good.\n"
		"Type the address again to do it: ",
		address->text);
	if (getline(&line, &room, stdin) > 0)
		typed = lk_address_fold(line);
	if (g_strcmp0(typed, address->folded) == 0)
		return true;
	g_set_error(error, LK_ERROR, LK_ERR_USAGE, "that is another address: nothing was erased");
	return false;
}

bool lk_ctl_person_erase(lk_ctl *ctl, GError **error)
{
	g_auto(subject) s = {0};
	lk_db *db = NULL;

	if (!lk_ctl_address_read(ctl->operands[0], &s.address, error) ||
	    !confirm(ctl, &s.address, error) || !lk_ctl_db(ctl, &db, error) ||
	    !lk_db_begin(db, error))
		return false;
	if (!erase(ctl, db, &s, error)) {
		lk_db_rollback(db);
		return false;
	}
	if (!lk_db_commit(db, error))
		return false;
	printf("erased: %u tickets, %u messages; the figures stay as person-%" PRId64
	       "@erased.invalid\n",
	       s.own->len, s.messages->len, s.id);
	return true;
}
