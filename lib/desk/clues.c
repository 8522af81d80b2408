/* The clues a mail holds about the ticket it belongs to: the first step of thread.h. */
#include "lib/desk/thread.h"

#include "lib/base/text.h"
#include "lib/desk/subject.h"

#include <string.h>

static void clue_id_clear(void *data)
{
	lk_clue_id *clue = data;

	g_free(clue->id);
}

static lk_clues *clues_new(void)
{
	lk_clues *clues = g_new0(lk_clues, 1);

	clues->tokens = g_array_new(FALSE, TRUE, sizeof(lk_clue_token));
	clues->ids = g_array_new(FALSE, TRUE, sizeof(lk_clue_id));
	g_array_set_clear_func(clues->ids, clue_id_clear);
	return clues;
}

void lk_clues_free(lk_clues *clues)
{
	if (!clues)
		return;
	g_array_unref(clues->tokens);
	g_array_unref(clues->ids);
	if (clues->tags)
		g_array_unref(clues->tags);
	g_free(clues);
}

bool lk_clue_token_in(const lk_policy *policy, const char *address, lk_token *ret_token)
{
	g_autofree char *folded = lk_address_fold(address ? address : "");
	char *at = strrchr(folded, '@');

	if (!at || at - folded < LK_TOKEN_CHARS + 2)
		return false;
	const char *token = at - LK_TOKEN_CHARS;
	if (g_ascii_isalnum(token[-1]))
		return false;
	*at = '\0';
	return lk_token_verify(policy->keys, token, ret_token);
}

static void add_token(lk_clues *clues, const lk_policy *policy, const char *sender,
		      const char *address)
{
	lk_token token = {0};

	if (clues->tokens->len >= LK_THREAD_TOKENS || !lk_clue_token_in(policy, address, &token))
		return;
	for (unsigned i = 0; i < clues->tokens->len; i++) {
		const lk_clue_token *known = &g_array_index(clues->tokens, lk_clue_token, i);
		if (known->purpose == token.purpose && known->epoch == token.epoch &&
		    known->number == (int64_t)token.number)
			return;
	}
	lk_clue_token clue = {
		.purpose = token.purpose,
		.epoch = token.epoch,
		.number = (int64_t)token.number,
		.is_for_sender = sender && lk_token_is_for(policy->keys, &token, sender),
	};
	g_array_append_val(clues->tokens, clue);
}

static void add_id(lk_clues *clues, const lk_policy *policy, const char *id, bool is_own)
{
	uint64_t ticket = 0;
	uint64_t outbox = 0;
	lk_clue_id clue = {.is_own = is_own};

	if (!id || !*id || clues->ids->len >= LK_THREAD_IDS)
		return;
	lk_key_hash(id, clue.hash);
	for (unsigned i = 0; i < clues->ids->len; i++)
		if (memcmp(g_array_index(clues->ids, lk_clue_id, i).hash, clue.hash,
			   sizeof(clue.hash)) == 0)
			return;
	clue.id = g_strdup(id);
	clue.is_ours = lk_message_id_verify(policy->keys, id, &clue.purpose, &ticket, &outbox);
	clue.ticket = (int64_t)ticket;
	clue.outbox = (int64_t)outbox;
	g_array_append_val(clues->ids, clue);
}

lk_clues *lk_clues_find(const lk_policy *policy, const lk_mail *mail, const char *const *recipients)
{
	g_autoptr(lk_clues) clues = clues_new();
	const char *sender = mail->from ? mail->from->address : NULL;
	const GPtrArray *const headers[] = {mail->to, mail->cc, NULL};

	for (unsigned h = 0; headers[h]; h++)
		for (unsigned i = 0; i < headers[h]->len; i++) {
			const lk_address *to = g_ptr_array_index(headers[h], i);
			add_token(clues, policy, sender, to->address);
		}
	for (unsigned i = 0; i < mail->delivered_to->len; i++)
		add_token(clues, policy, sender, g_ptr_array_index(mail->delivered_to, i));
	for (unsigned i = 0; recipients && recipients[i]; i++)
		add_token(clues, policy, sender, recipients[i]);

	add_id(clues, policy, mail->in_reply_to, false);
	for (unsigned i = mail->references->len; i > 0; i--)
		add_id(clues, policy, g_ptr_array_index(mail->references, i - 1), false);
	/* Makes room for it: a mail's own id may be the root that earlier answers named. */
	if (clues->ids->len >= LK_THREAD_IDS)
		g_array_set_size(clues->ids, LK_THREAD_IDS - 1);
	add_id(clues, policy, mail->message_id, true);

	clues->tags = lk_subject_tickets(policy, mail->subject);
	return g_steal_pointer(&clues);
}

bool lk_clues_name_us(const lk_clues *clues)
{
	if (clues->tokens->len > 0)
		return true;
	for (unsigned i = 0; i < clues->ids->len; i++)
		if (g_array_index(clues->ids, lk_clue_id, i).is_ours)
			return true;
	return false;
}
