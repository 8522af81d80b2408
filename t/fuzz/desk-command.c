/* Any bytes as the new words of an agent's mail. */
#include "lib/desk/command.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static lk_policy *policy;
	g_autofree char *words = g_strndup((const char *)data, n);

	if (!policy) {
		policy = lk_policy_new();
		policy->prefix = g_strdup("TUKI");
	}
	lk_command_context context = {
		.policy = policy, .agent_name = "Aino Aalto", .today = {2026, 7, 1}};
	g_autoptr(lk_commands) commands = lk_commands_read(&context, words);
	if (!g_utf8_validate(commands->text, -1, NULL))
		abort();
	if (commands->commands->len > LK_MAX_COMMANDS)
		abort();
	for (unsigned i = 0; i < commands->problems->len; i++) {
		g_autofree char *said =
			lk_problem_words(g_ptr_array_index(commands->problems, i), LK_LANG_FI);
		if (!g_utf8_validate(said, -1, NULL))
			abort();
	}
	for (unsigned i = 0; i < commands->commands->len; i++) {
		const lk_command *c = g_ptr_array_index(commands->commands, i);
		if (c->text && !g_utf8_validate(c->text, -1, NULL))
			abort();
		if (lk_day_is_set(c->day) && !lk_day_is_valid(c->day))
			abort();
	}
	return 0;
}
