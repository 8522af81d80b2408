#include "lib/net/dialogue.h"

#include "lib/net/stream.h"

#include <string.h>

enum { LINE_MOST = 2000 }; /* the rest of a longer line is left out */
static const char blot[] = "***";

struct lk_dialogue {
	const lk_secret *secret;
	lk_dialogue_tell tell;
	void *data;
	GString *said[2];   /* the line that is not whole yet: theirs, ours */
	bool is_challenged; /* the server waits for a secret */
};

lk_dialogue *lk_dialogue_new(const lk_secret *secret, lk_dialogue_tell tell, void *data)
{
	lk_dialogue *dialogue = g_new0(lk_dialogue, 1);

	*dialogue = (lk_dialogue){.secret = secret, .tell = tell, .data = data};
	for (int i = 0; i < 2; i++)
		dialogue->said[i] = g_string_sized_new(LINE_MOST);
	return dialogue;
}

void lk_dialogue_free(lk_dialogue *dialogue)
{
	if (!dialogue)
		return;
	for (int i = 0; i < 2; i++) {
		explicit_bzero(dialogue->said[i]->str, dialogue->said[i]->allocated_len);
		g_string_free(dialogue->said[i], TRUE);
	}
	g_free(dialogue);
}

/* "+ ..." of IMAP and POP3, 334 of SMTP. "+OK" is POP3's yes. */
static bool is_challenge(const char *line)
{
	return g_str_has_prefix(line, "+ ") || strcmp(line, "+") == 0 ||
	       g_str_has_prefix(line, "334");
}

/* How many words of what we say are no secret; 0: all. */
static unsigned words_to_tell(char *const *words)
{
	static const struct {
		const char *command;
		unsigned told; /* behind the command */
	} logins[] = {{"LOGIN", 0}, {"PASS", 0}, {"AUTH", 1}, {"AUTHENTICATE", 1}};

	/* IMAP has a tag in front. */
	for (unsigned at = 0; at < 2 && words[at]; at++)
		for (unsigned i = 0; i < G_N_ELEMENTS(logins); i++)
			if (g_ascii_strcasecmp(words[at], logins[i].command) == 0)
				return at + 1 + logins[i].told;
	return 0;
}

static char *blot_ours(const lk_dialogue *dialogue, const char *line)
{
	if (dialogue->is_challenged)
		return g_strdup(*line ? blot : "");
	g_auto(GStrv) words = g_strsplit(line, " ", 4);
	unsigned told = words_to_tell(words), n = g_strv_length(words);
	if (told == 0 || n <= told)
		return lk_net_quote(line, dialogue->secret);
	for (unsigned i = told; i < n; i++) {
		explicit_bzero(words[i], strlen(words[i]));
		g_clear_pointer(&words[i], g_free);
	}
	words[told] = g_strdup(blot);
	return g_strjoinv(" ", words);
}

static void tell_line(lk_dialogue *dialogue, bool is_ours)
{
	GString *line = dialogue->said[is_ours];

	if (line->len > 0 && line->str[line->len - 1] == '\r')
		g_string_truncate(line, line->len - 1);
	g_autofree char *told = is_ours ? blot_ours(dialogue, line->str)
					: lk_net_quote(line->str, dialogue->secret);
	dialogue->tell(dialogue->data, is_ours, told);
	dialogue->is_challenged = !is_ours && is_challenge(line->str);
	explicit_bzero(line->str, line->len);
	g_string_truncate(line, 0);
}

void lk_dialogue_said(lk_dialogue *dialogue, bool is_ours, const char *bytes, size_t n)
{
	GString *line = dialogue->said[is_ours];

	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n')
			tell_line(dialogue, is_ours);
		else if (line->len < LINE_MOST - 1)
			g_string_append_c(line, bytes[i] ? bytes[i] : ' ');
	}
}
