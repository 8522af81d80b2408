#include "lib/desk/absence.h"

#include "lib/base/text.h"

#include <string.h>

enum { MAX_VACATION_BYTES = 8 * 1024, MAX_DEPUTIES = 5 };

static void absence_free(void *data)
{
	lk_absence *absence = data;

	g_free(absence->agent);
	g_free(absence->deputy);
	g_free(absence);
}

bool lk_absence_find(lk_db *db, const lk_policy *policy, const char *const *agents, unsigned n,
		     lk_time at, GHashTable **ret_absences, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	g_autoptr(GHashTable) absences =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, absence_free);
	g_autofree char *day = lk_day_format(lk_day_at(policy->timezone, at));

	for (unsigned i = 0; i < n; i++)
		g_ptr_array_add(list, (void *)agents[i]);
	lk_param_texts(params, list);
	lk_param_text(params, day);
	if (!lk_db_run(db, LK_Q_COMMAND_ABSENCES, params, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		lk_absence *absence = g_new0(lk_absence, 1);
		const char *last = lk_row_text(rows, i, "last_day");
		size_t used = 0;

		absence->agent = g_strdup(lk_row_text(rows, i, "agent"));
		absence->deputy = g_strdup(lk_row_text(rows, i, "deputy"));
		if (last)
			lk_day_read(last, (lk_day){0}, &absence->last_day, &used);
		g_hash_table_insert(absences, absence->agent, absence);
	}
	*ret_absences = g_steal_pointer(&absences);
	return true;
}

bool lk_absence_stand_in(lk_db *db, const lk_policy *policy, const lk_agent *agent, lk_time at,
			 const lk_agent **ret_agent, bool *ret_is_away, GError **error)
{
	const lk_agent *who = agent;

	*ret_agent = NULL;
	if (ret_is_away)
		*ret_is_away = false;
	for (unsigned i = 0; who && i < MAX_DEPUTIES; i++) {
		const char *address = who->address;
		g_autoptr(GHashTable) absences = NULL;

		if (!lk_absence_find(db, policy, &address, 1, at, &absences, error))
			return false;
		const lk_absence *absence = g_hash_table_lookup(absences, address);
		if (!absence) {
			*ret_agent = who;
			return true;
		}
		if (ret_is_away)
			*ret_is_away = true;
		who = absence->deputy ? lk_policy_agent(policy, absence->deputy) : NULL;
	}
	return true;
}

bool lk_absence_add(lk_db *db, const lk_absence_entry *entry, int64_t *ret_id, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autofree char *first = lk_day_format(entry->first_day);
	g_autofree char *last =
		lk_day_is_set(entry->last_day) ? lk_day_format(entry->last_day) : NULL;

	lk_param_text(params, entry->agent->address);
	lk_param_text(params, first);
	lk_param_text(params, last);
	lk_param_text(params, entry->deputy ? entry->deputy->address : NULL);
	lk_param_text(params, entry->actor);
	entry->message ? lk_param_int(params, entry->message) : lk_param_null(params);
	lk_param_time(params, entry->at);
	if (!lk_db_run(db, LK_Q_COMMAND_ABSENCE_ADD, params, &rows, error))
		return false;
	*ret_id = lk_row_int(rows, 0, "id");
	return true;
}

bool lk_absence_back(lk_db *db, const lk_agent *agent, lk_time at, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_text(params, agent->address);
	lk_param_time(params, at);
	return lk_db_run(db, LK_Q_COMMAND_ABSENCE_BACK, params, NULL, error);
}

/* --- vacation answers ------------------------------------------------------------------------- */

/* Folded. Before a day: on which they are back. */
static const char *const back_words[] = {
	"palaan",	"palaa",	   "takaisin", "toissa", "toihin",
	"tavattavissa", "tavoitettavissa", "paikalla", "ater",	 "atervander",
	"aterkommer",	"tillbaka",	   "back",     "return", "returning",
	"returns",	"again",	   "taas",
};
/* Before a day: which is the last one away. */
static const char *const until_words[] = {"until", "till", "through", "tom", "thru", "tills"};
/* Behind a day: which is the last one away. */
static const char *const behind_words[] = {"asti", "saakka", "loppuun"};

typedef enum { WORD_OTHER, WORD_BACK, WORD_UNTIL, WORD_FILLER } word_kind;

static bool is_among(const char *word, size_t n, const char *const *words, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (strlen(words[i]) == n && strncmp(words[i], word, n) == 0)
			return true;
	return false;
}

static word_kind kind_of(const char *word, size_t n)
{
	static const char *const fillers[] = {
		"on",	     "the",	    "to",	   "den",	"pa",
		"i",	     "office",	    "work",	   "kontoret",	"jobbet",
		"arbetet",   "ma",	    "ti",	   "ke",	"pe",
		"la",	     "su",	    "mon",	   "tis",	"ons",
		"tor",	     "fre",	    "maanantaina", "tiistaina", "keskiviikkona",
		"torstaina", "perjantaina", "monday",	   "tuesday",	"wednesday",
		"thursday",  "friday",	    "mandag",	   "mandagen",	"tisdag",
		"tisdagen",  "onsdag",	    "onsdagen",	   "torsdag",	"torsdagen",
		"fredag",    "fredagen",    "och",	   "med",	"t",
		"o",	     "m",	    "in",	   "at",	"from",
		"toihin",    "lomalta",	    "tyohon"};

	if (is_among(word, n, back_words, G_N_ELEMENTS(back_words)))
		return WORD_BACK;
	if (is_among(word, n, until_words, G_N_ELEMENTS(until_words)))
		return WORD_UNTIL;
	return is_among(word, n, fillers, G_N_ELEMENTS(fillers)) ? WORD_FILLER : WORD_OTHER;
}

static bool is_letter(const char *p)
{
	return g_unichar_isalpha(g_utf8_get_char(p));
}

/* What the words before a day say of it: the nearest that says anything, at most eight back. */
static word_kind before(const char *start, const char *day)
{
	const char *p = day;

	for (unsigned i = 0; i < 8; i++) {
		while (p > start && !is_letter(g_utf8_prev_char(p)) && *g_utf8_prev_char(p) != '\n')
			p = g_utf8_prev_char(p);
		const char *end = p;
		while (p > start && is_letter(g_utf8_prev_char(p)))
			p = g_utf8_prev_char(p);
		if (p == end)
			return WORD_OTHER;
		word_kind kind = kind_of(p, (size_t)(end - p));
		if (kind != WORD_FILLER)
			return kind;
	}
	return WORD_OTHER;
}

static bool is_behind(const char *p)
{
	while (*p == ' ' || *p == '.')
		p++;
	const char *end = p;
	while (*end && is_letter(end))
		end = g_utf8_next_char(end);
	return is_among(p, (size_t)(end - p), behind_words, G_N_ELEMENTS(behind_words));
}

static lk_day day_before(lk_day day)
{
	GDate date;

	g_date_clear(&date, 1);
	g_date_set_dmy(&date, (GDateDay)day.day, (GDateMonth)day.month, (GDateYear)day.year);
	g_date_subtract_days(&date, 1);
	return (lk_day){g_date_get_year(&date), (int)g_date_get_month(&date),
			g_date_get_day(&date)};
}

/* A dash and a day behind a day: "1.7.-31.7." */
static bool is_stretch(const char *p, lk_day first, lk_day *ret_last)
{
	size_t used = 0;

	p += strspn(p, " .");
	if (*p != '-')
		return false;
	p += 1 + strspn(p + 1, " ");
	return lk_day_read(p, first, ret_last, &used);
}

bool lk_absence_read(const char *text, lk_day today, lk_day *ret_last_day)
{
	g_autofree char *cut = lk_text_cut(text, MAX_VACATION_BYTES);
	g_autofree char *dotted = lk_command_fold(cut);
	g_auto(GStrv) pieces = g_strsplit(dotted, "t.o.m", -1);
	g_autofree char *folded = g_strjoinv("tom", pieces);

	for (const char *p = folded; *p; p = g_utf8_next_char(p)) {
		lk_day day = {0};
		size_t used = 0;
		bool is_start = p == folded || (!is_letter(g_utf8_prev_char(p)) &&
						!g_ascii_isdigit(p[-1]) && p[-1] != '.');

		if (!is_start || !lk_day_read(p, today, &day, &used))
			continue;
		lk_day last = {0};
		word_kind kind = before(folded, p);
		if (is_stretch(p + used, day, &last))
			*ret_last_day = last;
		else if (is_behind(p + used) || kind == WORD_UNTIL)
			*ret_last_day = day;
		else if (kind == WORD_BACK)
			*ret_last_day = day_before(day);
		else
			continue;
		return true;
	}
	return false;
}
