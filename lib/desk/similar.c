/* A sender's other open tickets: how much is the mail like them (evidence 5)? */
#include "lib/desk/intake.h"

#include "lib/base/text.h"
#include "lib/desk/phrases.h"
#include "lib/desk/subject.h"

#include <string.h>

/* Longer texts are compared by their beginnings, so that the database's work is bounded. */
enum { COMPARED_BYTES = 2000 };

void lk_work_read_words(lk_work *work)
{
	lk_thread_facts *facts = &work->facts;
	g_autofree char *base = lk_subject_base(work->policy, work->mail->subject);

	facts->words = lk_mail_words(work->mail);
	facts->subject_is_generic = lk_subject_is_generic(base);
	facts->subject_is_chase = lk_subject_is_chase(base);
	facts->sender_is_shared = g_strcmp0(lk_row_text(work->known, 0, "standing"), "shared") == 0;
}

/* Pairs of texts to compare; owned. */
typedef struct {
	GPtrArray *mine;
	GPtrArray *theirs;
} pairs;

static void pairs_clear(pairs *p)
{
	g_clear_pointer(&p->mine, g_ptr_array_unref);
	g_clear_pointer(&p->theirs, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(pairs, pairs_clear)

static void add_pair(pairs *p, const char *mine, const char *theirs)
{
	g_ptr_array_add(p->mine, g_strdup(mine));
	g_ptr_array_add(p->theirs, g_strdup(theirs));
}

bool lk_work_alike(lk_work *work, const GPtrArray *texts, const GPtrArray *others,
		   GArray **ret_percents, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	g_assert(texts->len == others->len);
	lk_param_texts(params, texts);
	lk_param_texts(params, others);
	if (!lk_db_run(work->db, LK_Q_INTAKE_ALIKE, params, &rows, error))
		return false;
	*ret_percents = g_array_new(FALSE, FALSE, sizeof(int));
	for (unsigned i = 0; i < texts->len; i++) {
		/* pg_trgm finds two texts without a letter unlike each other. */
		bool same = strcmp(g_ptr_array_index(texts, i), g_ptr_array_index(others, i)) == 0;
		int percent = same ? 100 : (int)lk_row_int(rows, i, "percent");
		g_array_append_val(*ret_percents, percent);
	}
	return true;
}

static char *folded_words(const char *text)
{
	g_autofree char *cut = lk_text_cut(text ? text : "", COMPARED_BYTES);

	return lk_words_fold(cut);
}

static lk_thread_similar similar_of(const lk_work *work, const lk_rows *rows, size_t row)
{
	const lk_queue *queue = lk_policy_queue(work->policy, lk_row_text(rows, row, "queue"));
	lk_thread_similar similar = {.ticket = lk_row_int(rows, row, "ticket")};
	bool is_known = lk_status_parse(lk_row_text(rows, row, "status"), &similar.status);

	g_assert(is_known);
	similar.window_s = queue ? queue->duplicate_window_s : 0;
	if (lk_row_is_null(rows, row, "last_at"))
		similar.age_s = LK_FOREVER;
	else
		similar.age_s = MAX(work->at - lk_row_time(rows, row, "last_at"), 0) / LK_SECOND;
	return similar;
}

/* The rows as facts, but for the percents: those three pairs a row are asked of the database. */
static void read_similar(lk_work *work, const lk_rows *rows, pairs *p)
{
	g_autofree char *base = lk_subject_base(work->policy, work->mail->subject);
	g_autofree char *subject = lk_subject_words(base);
	g_autofree char *words = folded_words(work->mail->reply_text);
	g_autofree char *all = g_strconcat(subject, " ", words, NULL);

	for (size_t row = 0; row < lk_rows_count(rows); row++) {
		lk_thread_similar similar = similar_of(work, rows, row);
		const char *title = lk_row_text(rows, row, "subject");
		g_autofree char *its_subject = lk_subject_words(title ? title : "");
		g_autofree char *first = folded_words(lk_row_text(rows, row, "first_words"));
		g_autofree char *last = folded_words(lk_row_text(rows, row, "last_words"));
		g_autofree char *its_all = g_strjoin(" ", its_subject, first, last, NULL);

		similar.names_more = lk_words_name_more(all, its_all);
		g_array_append_val(work->facts.similar, similar);
		add_pair(p, subject, its_subject);
		add_pair(p, words, first);
		add_pair(p, words, last);
	}
}

bool lk_work_find_similar(lk_work *work, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GArray) percents = NULL;
	g_auto(pairs) p = {.mine = g_ptr_array_new_with_free_func(g_free),
			   .theirs = g_ptr_array_new_with_free_func(g_free)};

	if (work->mail->is_unparsed || !lk_thread_wants_similar(&work->facts, &work->thread))
		return true;
	lk_param_bytes(params, work->from_hash, sizeof(work->from_hash));
	if (!lk_db_run(work->db, LK_Q_INTAKE_SIMILAR, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return true;
	read_similar(work, rows, &p);
	if (!lk_work_alike(work, p.mine, p.theirs, &percents, error))
		return false;
	for (unsigned i = 0; i < work->facts.similar->len; i++) {
		lk_thread_similar *similar =
			&g_array_index(work->facts.similar, lk_thread_similar, i);
		similar->subject = g_array_index(percents, int, 3 * i);
		similar->words = MAX(g_array_index(percents, int, 3 * i + 1),
				     g_array_index(percents, int, 3 * i + 2));
	}
	lk_thread_decision_clear(&work->thread);
	lk_thread_decide(work->policy, work->clues, &work->facts, &work->thread);
	return true;
}
