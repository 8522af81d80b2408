/* Surveys by mail: the lines that the mailto: links write, and reading them back. */
#include "lib/desk/survey.h"

#include "lib/base/units.h"

#include <string.h>

/* What one language writes and understands. */
typedef struct {
	const char *subject;
	const char *yes; /* the line of the link; what begins with it counts */
	const char *no;
	const char *score; /* labels, up to the colon */
	const char *comment;
	const char *why;
	const char *short_yes[5]; /* the whole line */
	const char *short_no[5];
} words;

static const words table[LK_N_LANGS] = {
	[LK_LANG_FI] = {"Vastaus kyselyyn",
			"Kyllä, asiani on kunnossa",
			"Ei, asiani ei ole kunnossa",
			"Arvosana 0-10",
			"Kommentti",
			"Mikä ei ole kunnossa",
			{"kyllä", "kylla", "joo", "on", NULL},
			{"ei", "ei ole", "ei vielä", NULL}},
	[LK_LANG_SV] = {"Svar på enkäten",
			"Ja, mitt ärende är i ordning",
			"Nej, mitt ärende är inte i ordning",
			"Betyg 0-10",
			"Kommentar",
			"Vad är inte i ordning",
			{"ja", "jo", "japp", NULL},
			{"nej", "inte", "inte än", NULL}},
	[LK_LANG_EN] = {"Answer to the survey",
			"Yes, my matter is in order",
			"No, my matter is not in order",
			"Score 0-10",
			"Comment",
			"What is not in order",
			{"yes", "yep", "yeah", "y", NULL},
			{"no", "not yet", "nope", "n", NULL}},
};

/* --- writing ---------------------------------------------------------------------------------- */

static void set_link(lk_json *variables, const char *key, const char *reply_to, const char *subject,
		     const char *body)
{
	g_autofree char *address = g_uri_escape_string(reply_to, "@", FALSE);
	g_autofree char *escaped_subject = g_uri_escape_string(subject, NULL, FALSE);
	g_autofree char *escaped_body = g_uri_escape_string(body, NULL, FALSE);
	g_autofree char *link = g_strdup_printf("mailto:%s?subject=%s&body=%s", address,
						escaped_subject, escaped_body);

	lk_json_set_text(variables, key, link);
}

void lk_survey_links(lk_json *variables, const lk_policy *policy, lk_lang lang, const char *token,
		     const char *reply_to)
{
	const words *w = &table[lang];
	/* RFC 6068 has CRLF in a mailto: body. */
	g_autofree char *yes =
		g_strdup_printf("%s.\r\n\r\n%s: \r\n%s: \r\n", w->yes, w->score, w->comment);
	g_autofree char *no = g_strdup_printf("%s.\r\n\r\n%s: \r\n", w->no, w->why);
	size_t n = policy->public_url ? strlen(policy->public_url) : 0;

	if (n > 0) {
		bool has_slash = policy->public_url[n - 1] == '/';
		g_autofree char *url = g_strdup_printf("%.*s/s/%s", (int)(has_slash ? n - 1 : n),
						       policy->public_url, token);
		lk_json_set_text(variables, "survey_url", url);
	}
	if (!reply_to)
		return;
	set_link(variables, "mail_yes", reply_to, w->subject, yes);
	set_link(variables, "mail_no", reply_to, w->subject, no);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Lower case, without the marks that clients and people put around it. Caller frees. */
static char *fold(const char *line)
{
	g_autofree char *lower = g_utf8_strdown(line, -1);
	size_t n = 0;

	g_strstrip(lower);
	n = strlen(lower);
	while (n > 0 && strchr(".!*_", lower[n - 1]))
		lower[--n] = '\0';
	return g_strdup(lower + strspn(lower, "*_- "));
}

static bool begins(const char *folded, const char *line)
{
	g_autofree char *wanted = g_utf8_strdown(line, -1);

	return g_str_has_prefix(folded, wanted);
}

static bool is_one_of(const char *folded, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(folded, *list) == 0)
			return true;
	return false;
}

/* "9", "9/10", "9 / 10"; LK_SURVEY_NO_SCORE for anything else. */
static int64_t read_score(const char *text)
{
	g_autofree char *copy = g_strstrip(g_strdup(text));
	char *slash = strchr(copy, '/');
	int64_t score = 0;

	if (slash && strcmp(g_strstrip(slash + 1), "10") == 0)
		*slash = '\0';
	return lk_parse_int(g_strstrip(copy), 0, LK_SURVEY_HIGHEST, &score, NULL)
		       ? score
		       : LK_SURVEY_NO_SCORE;
}

/* The first line: yes, no, or a number, which is a yes. */
static bool read_first(const char *line, lk_survey_answer *answer)
{
	g_autofree char *folded = fold(line);

	answer->score = read_score(folded);
	answer->is_in_order = answer->score != LK_SURVEY_NO_SCORE;
	if (answer->is_in_order)
		return true;
	for (unsigned i = 0; i < LK_N_LANGS; i++) {
		const words *w = &table[i];

		if (begins(folded, w->no) || is_one_of(folded, w->short_no))
			return true;
		answer->is_in_order = begins(folded, w->yes) || is_one_of(folded, w->short_yes);
		if (answer->is_in_order)
			return true;
	}
	return false;
}

/* What stands behind the label; NULL: the line does not begin with it. Borrowed. */
static const char *behind_label(const char *line, const char *label)
{
	const char *at = line + strspn(line, " \t*_-");
	size_t n = strlen(label);
	const char *colon = strchr(at, ':');
	g_autofree char *folded = g_utf8_strdown(at, colon ? colon - at : -1);
	g_autofree char *wanted = g_utf8_strdown(label, -1);

	g_strstrip(folded);
	return colon && n > 0 && strcmp(folded, wanted) == 0 ? colon + 1 : NULL;
}

/* One of the lines after the first: a number, or a part of the comment. */
static void read_more(const char *line, lk_survey_answer *answer, GString *comment)
{
	const char *rest = NULL;

	for (unsigned i = 0; i < LK_N_LANGS && !rest; i++) {
		rest = behind_label(line, table[i].score);
		if (rest) {
			int64_t score = read_score(rest);

			if (answer->is_in_order && score != LK_SURVEY_NO_SCORE)
				answer->score = score;
			return;
		}
		rest = behind_label(line, table[i].comment);
		if (!rest)
			rest = behind_label(line, table[i].why);
	}
	g_string_append_printf(comment, "%s\n", rest ? rest + strspn(rest, " ") : line);
}

bool lk_survey_read_lines(const char *text, lk_survey_answer *ret_answer, char **ret_comment)
{
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
	g_autoptr(GString) comment = g_string_new(NULL);
	unsigned i = 0;

	memset(ret_answer, 0, sizeof(*ret_answer));
	while (lines[i] && !*g_strstrip(lines[i]))
		i++;
	if (!lines[i] || !read_first(lines[i], ret_answer))
		return false;
	for (i++; lines[i]; i++)
		read_more(lines[i], ret_answer, comment);
	*ret_comment = g_strstrip(g_string_free(g_steal_pointer(&comment), FALSE));
	ret_answer->comment = *ret_comment;
	return true;
}
