#include "lib/base/token.h"

#include "lib/base/err.h"
#include "lib/base/secret.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char ADDRESS[] = "Maija.Meikäläinen@Example.fi";

/* Keys made of one repeated byte each: "a" and "ba" share a key. */
static lk_keys *keys_of(const char *letters, const char *domain)
{
	uint8_t raw[16 * 32];
	unsigned n = (unsigned)strlen(letters);
	for (unsigned i = 0; i < n; i++)
		memset(raw + (size_t)i * 32, letters[i], 32);
	return lk_keys_from_bytes(raw, n, domain);
}

static void test_round_trip(void)
{
	g_autoptr(lk_keys) keys = keys_of("a", "example.fi");
	static const uint64_t numbers[] = {0, 1, 1042, 255, 256, (UINT64_C(1) << 40) - 1};
	for (int purpose = LK_PURPOSE_CUSTOMER; purpose <= LK_PURPOSE_ACTION; purpose++) {
		for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
			g_autofree char *text =
				lk_token_sign(keys, (lk_purpose)purpose, 200, numbers[i], ADDRESS);
			lk_token token = {0};
			g_assert_cmpuint(strlen(text), ==, LK_TOKEN_CHARS);
			g_assert_cmpuint(strspn(text, "abcdefghijklmnopqrstuvwxyz234567"), ==,
					 LK_TOKEN_CHARS);
			g_assert_true(lk_token_verify(keys, text, &token));
			g_assert_cmpint((int)token.purpose, ==, purpose);
			g_assert_cmpuint(token.number, ==, numbers[i]);
			g_assert_cmpuint(token.epoch, ==, 200);
			g_assert_cmpuint(token.key, ==, 0);
		}
	}
}

static void test_deterministic(void)
{
	g_autoptr(lk_keys) keys = keys_of("a", "example.fi");
	g_autofree char *one = lk_token_sign(keys, LK_PURPOSE_AGENT, 1, 7, ADDRESS);
	g_autofree char *two = lk_token_sign(keys, LK_PURPOSE_AGENT, 1, 7, ADDRESS);
	g_autofree char *epoch = lk_token_sign(keys, LK_PURPOSE_AGENT, 2, 7, ADDRESS);
	g_assert_cmpstr(one, ==, two);
	g_assert_cmpstr(one, !=, epoch);
}

/*
 * Tokens outlive releases: these must verify for ever. Computed independently of libsodium, with
 * Python's hashlib.blake2b (salt: number of the subkey, person: "luukkutk").
 */
static void test_known_values(void)
{
	g_autoptr(lk_keys) keys = keys_of("a", "example.fi");
	g_autofree char *text = lk_token_sign(keys, LK_PURPOSE_CUSTOMER, 0, 1042, "a@b.fi");
	g_autofree char *id = lk_message_id_sign(keys, LK_PURPOSE_CUSTOMER, 1042, 7);
	g_assert_cmpstr(text, ==, "aeaaaaaaaqjocahh45otq7lpylw65slwp3kq");
	g_assert_cmpstr(id, ==, "lk.aeaaaaaeciaaaaaaa6skbx7bgdjkcqzs@example.fi");
}

static void test_any_case(void)
{
	g_autoptr(lk_keys) keys = keys_of("a", "example.fi");
	g_autofree char *text = lk_token_sign(keys, LK_PURPOSE_NOTE, 0, 5, ADDRESS);
	g_autofree char *upper = g_ascii_strup(text, -1);
	lk_token token = {0};
	g_assert_true(lk_token_verify(keys, upper, &token));
	upper[3] = g_ascii_tolower(upper[3]);
	g_assert_true(lk_token_verify(keys, upper, &token));
	g_assert_cmpuint(token.number, ==, 5);
}

/* Every single-character change of a token is refused: no two texts are one token. */
static void test_tampered(void)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	g_autoptr(lk_keys) keys = keys_of("ab", "example.fi");
	g_autofree char *text = lk_token_sign(keys, LK_PURPOSE_CUSTOMER, 3, 99, ADDRESS);
	lk_token token = {0};
	for (size_t i = 0; i < LK_TOKEN_CHARS; i++) {
		char kept = text[i];
		for (const char *c = alphabet; *c; c++) {
			text[i] = *c;
			g_assert_true(lk_token_verify(keys, text, &token) == (*c == kept));
		}
		text[i] = kept;
	}
}

static void test_malformed(void)
{
	g_autoptr(lk_keys) keys = keys_of("a", "example.fi");
	g_autofree char *text = lk_token_sign(keys, LK_PURPOSE_CUSTOMER, 0, 1, ADDRESS);
	g_autofree char *longer = g_strconcat(text, "a", NULL);
	g_autofree char *shorter = g_strndup(text, LK_TOKEN_CHARS - 1);
	g_autofree char *padded = g_strconcat(shorter, "=", NULL);
	g_autofree char *spaced = g_strconcat(shorter, " ", NULL);
	g_autofree char *high = g_strconcat(shorter, "\xff", NULL);
	g_autofree char *digit = g_strconcat(shorter, "1", NULL);
	const char *const bad[] = {
		NULL,	"",	"a",  longer, shorter,
		padded, spaced, high, digit,  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		lk_token token = {.number = 77};
		g_test_message("case %zu", i);
		g_assert_false(lk_token_verify(keys, bad[i], &token));
		g_assert_cmpuint(token.number, ==, 77); /* untouched */
	}
}

static void test_rotation(void)
{
	g_autoptr(lk_keys) before = keys_of("a", "example.fi");
	g_autoptr(lk_keys) after = keys_of("ba", "example.fi");
	g_autoptr(lk_keys) retired = keys_of("b", "example.fi");
	g_autofree char *text = lk_token_sign(before, LK_PURPOSE_CUSTOMER, 0, 1, ADDRESS);
	g_autofree char *new_text = lk_token_sign(after, LK_PURPOSE_CUSTOMER, 0, 1, ADDRESS);
	lk_token token = {0};
	g_assert_cmpstr(text, !=, new_text);
	g_assert_true(lk_token_verify(after, text, &token));
	g_assert_cmpuint(token.key, ==, 1);
	g_assert_true(lk_token_is_for(after, &token, ADDRESS));
	g_assert_false(lk_token_verify(retired, text, &token));
	g_assert_true(lk_token_verify(retired, new_text, &token));
	g_assert_cmpuint(token.key, ==, 0);
	g_assert_false(lk_token_verify(before, new_text, &token));
}

static void test_other_site(void)
{
	g_autoptr(lk_keys) ours = keys_of("a", "Example.FI");
	g_autoptr(lk_keys) same = keys_of("a", "example.fi");
	g_autoptr(lk_keys) other = keys_of("a", "example.se");
	g_autofree char *text = lk_token_sign(ours, LK_PURPOSE_CUSTOMER, 0, 1, ADDRESS);
	lk_token token = {0};
	g_assert_true(lk_token_verify(same, text, &token));
	g_assert_false(lk_token_verify(other, text, &token));
}

static void test_recipient(void)
{
	g_autoptr(lk_keys) keys = keys_of("a", "example.fi");
	g_autofree char *text = lk_token_sign(keys, LK_PURPOSE_AGENT, 0, 1, ADDRESS);
	lk_token token = {0};
	g_assert_true(lk_token_verify(keys, text, &token));
	g_assert_true(lk_token_is_for(keys, &token, ADDRESS));
	g_assert_true(lk_token_is_for(keys, &token, " <maija.MEIKÄLÄINEN@example.FI> "));
	g_assert_false(lk_token_is_for(keys, &token, "maija.meikalainen@example.fi"));
	g_assert_false(lk_token_is_for(keys, &token, ""));
	g_assert_false(lk_token_is_for(keys, &token, NULL));
	token.key = 5; /* from another key set */
	g_assert_false(lk_token_is_for(keys, &token, ADDRESS));
}

static void test_message_id(void)
{
	g_autoptr(lk_keys) keys = keys_of("ba", "example.fi");
	g_autoptr(lk_keys) before = keys_of("a", "example.fi");
	g_autofree char *id = lk_message_id_sign(before, LK_PURPOSE_SUPPLIER, 1042, 123456789);
	g_autofree char *angled = g_strdup_printf("<%s>", id);
	g_autofree char *upper = g_ascii_strup(angled, -1);
	const char *const forms[] = {id, angled, upper};
	for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
		lk_purpose purpose = LK_PURPOSE_NONE;
		uint64_t ticket = 0;
		uint64_t outbox_id = 0;
		g_assert_true(lk_message_id_verify(keys, forms[i], &purpose, &ticket, &outbox_id));
		g_assert_cmpint((int)purpose, ==, LK_PURPOSE_SUPPLIER);
		g_assert_cmpuint(ticket, ==, 1042);
		g_assert_cmpuint(outbox_id, ==, 123456789);
	}
	g_assert_true(g_str_has_suffix(id, "@example.fi"));
	g_assert_cmpuint(strlen(id), ==, 3 + 32 + strlen("@example.fi"));
}

static void assert_no_id(const lk_keys *keys, const char *text)
{
	lk_purpose purpose = LK_PURPOSE_NONE;
	uint64_t ticket = 7;
	uint64_t outbox_id = 8;
	g_test_message("%s", text ? text : "NULL");
	g_assert_false(lk_message_id_verify(keys, text, &purpose, &ticket, &outbox_id));
	g_assert_cmpuint(ticket, ==, 7);
	g_assert_cmpuint(outbox_id, ==, 8);
}

static void test_message_id_forged(void)
{
	g_autoptr(lk_keys) keys = keys_of("a", "example.fi");
	g_autofree char *id = lk_message_id_sign(keys, LK_PURPOSE_CUSTOMER, 1, 2);
	static const char *const bad[] = {NULL,
					  "",
					  "<",
					  "<>",
					  "lk.",
					  "lk.aaa@example.fi",
					  "lk.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.fi",
					  "lk.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
					  "20240101.1@example.fi"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		assert_no_id(keys, bad[i]);
	for (size_t i = 3; i < 35; i++) {
		char kept = id[i];
		id[i] = kept == 'q' ? 'r' : 'q';
		assert_no_id(keys, id);
		id[i] = kept;
	}
	g_autofree char *open = g_strdup_printf("<%s", id);
	g_autofree char *close = g_strdup_printf("%s>", id);
	g_autofree char *tail = g_strdup_printf("%s.se", id);
	g_autofree char *head = g_strdup_printf("x%s", id);
	assert_no_id(keys, open);
	assert_no_id(keys, close);
	assert_no_id(keys, tail);
	assert_no_id(keys, head);
}

/* Neither kind can be made from the other: the MACs stand under different subkeys. */
static void test_kinds_apart(void)
{
	g_autoptr(lk_keys) keys = keys_of("a", "example.fi");
	g_autofree char *token = lk_token_sign(keys, LK_PURPOSE_CUSTOMER, 0, 1, ADDRESS);
	g_autofree char *cut = g_strndup(token, 32);
	g_autofree char *as_id = g_strdup_printf("lk.%s@example.fi", cut);
	g_autofree char *id = lk_message_id_sign(keys, LK_PURPOSE_CUSTOMER, 1, 2);
	g_autofree char *digits = g_strndup(id + 3, 32);
	lk_token verified = {0};
	assert_no_id(keys, as_id);
	static const char *const fill[] = {"aaaa", "7777", "qqqq", "2345"};
	for (size_t i = 0; i < G_N_ELEMENTS(fill); i++) {
		g_autofree char *as_token = g_strconcat(digits, fill[i], NULL);
		g_assert_false(lk_token_verify(keys, as_token, &verified));
	}
}

/* The reply's local part: a short queue name, '+' and the token fit in 64 octets. */
static void test_fits_local_part(void)
{
	g_assert_cmpuint(strlen("asiakaspalvelu.helsinki+") + LK_TOKEN_CHARS, <=, 64);
}

typedef struct {
	const char *label;
	const char *content;
	int mode;
	const char *error; /* part of it, or NULL when the file is good */
	unsigned n;
} key_file;

#define HEX "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static void test_key_file(void)
{
	static const key_file cases[] = {
		{"one key", HEX "\n", 0600, NULL, 1},
		{"no newline", HEX, 0400, NULL, 1},
		{"CRLF and blanks", "  " HEX " \r\n\r\n", 0600, NULL, 1},
		{"comments", "# newest first\n" HEX "\n\n # old\n" HEX "\n", 0600, NULL, 2},
		{"empty", "", 0600, "holds no key", 0},
		{"comments only", "# nothing\n\n", 0600, "holds no key", 0},
		{"short", "0011\n", 0600, ":1: not a key", 0},
		{"long", "\n" HEX "0\n", 0600, ":2: not a key", 0},
		{"no hex", HEX "\nzz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		 0600, ":2: not a key", 0},
		{"two on a line", HEX " " HEX, 0600, ":1: not a key", 0},
		{"group can read", HEX, 0640, "chmod 600", 0},
		{"world can read", HEX, 0604, "chmod 600", 0},
	};
	g_autofree char *dir = g_dir_make_tmp("luukku-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "key", NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(lk_keys) keys = NULL;
		g_autoptr(GError) error = NULL;
		g_test_message("%s", cases[i].label);
		g_assert_true(g_file_set_contents(path, cases[i].content, -1, NULL));
		g_assert_cmpint(chmod(path, (mode_t)cases[i].mode), ==, 0);
		bool ok = lk_keys_load(path, "example.fi", &keys, &error);
		g_assert_true(ok == !cases[i].error);
		if (!cases[i].error) {
			g_autofree char *text = lk_token_sign(keys, LK_PURPOSE_NOTE, 0, 1, "a@b");
			lk_token token = {0};
			g_assert_true(lk_token_verify(keys, text, &token));
			continue;
		}
		g_assert_true(lk_err_is(error, LK_ERR_CONFIG));
		g_assert_nonnull(strstr(error->message, cases[i].error));
		g_assert_nonnull(strstr(error->message, path));
		g_assert_null(strstr(error->message, "00112233"));
	}
	unlink(path);
	rmdir(dir);
}

static void test_too_many_keys(void)
{
	g_autofree char *dir = g_dir_make_tmp("luukku-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "key", NULL);
	g_autoptr(GString) content = g_string_new(NULL);
	for (int i = 0; i < 17; i++)
		g_string_append(content, HEX "\n");
	g_autoptr(lk_keys) keys = NULL;
	g_autoptr(GError) error = NULL;
	g_assert_true(g_file_set_contents(path, content->str, -1, NULL));
	g_assert_cmpint(chmod(path, 0600), ==, 0);
	g_assert_false(lk_keys_load(path, "example.fi", &keys, &error));
	g_assert_nonnull(strstr(error->message, ":17: more than 16 keys"));
	g_clear_error(&error);
	g_assert_cmpint(truncate(path, 16 * 65), ==, 0);
	g_assert_true(lk_keys_load(path, "example.fi", &keys, &error));
	g_assert_no_error(error);
	unlink(path);
	rmdir(dir);
}

static void test_generate(void)
{
	g_autoptr(lk_secret) one = lk_key_generate();
	g_autoptr(lk_secret) two = lk_key_generate();
	g_assert_cmpuint(lk_secret_size(one), ==, 65);
	g_assert_cmpuint(strspn(lk_secret_text(one), "0123456789abcdef"), ==, 64);
	g_assert_cmpint(lk_secret_text(one)[64], ==, '\n');
	g_assert_cmpstr(lk_secret_text(one), !=, lk_secret_text(two));
}

/* What luukku-web has: it knows tokens of surveys, whoever's key, and nothing else. */
static void test_only(void)
{
	g_autoptr(lk_keys) all = keys_of("ab", "example.fi");
	g_autoptr(lk_keys) only = lk_keys_only(all, LK_PURPOSE_SURVEY);
	g_autoptr(lk_keys) old = keys_of("b", "example.fi");
	g_autofree char *by_old = lk_token_sign(old, LK_PURPOSE_SURVEY, 3, 7, ADDRESS);
	g_autofree char *id = lk_message_id_sign(all, LK_PURPOSE_SURVEY, 1, 2);
	lk_token token = {0};
	lk_purpose purpose = LK_PURPOSE_NONE;
	uint64_t ticket = 0, outbox = 0;

	for (int i = LK_PURPOSE_CUSTOMER; i <= LK_PURPOSE_APART; i++) {
		g_autofree char *text = lk_token_sign(all, (lk_purpose)i, 3, 7, ADDRESS);
		g_assert_cmpint(lk_token_verify(only, text, &token), ==, i == LK_PURPOSE_SURVEY);
	}
	g_assert_cmpuint(token.number, ==, 7);
	g_assert_cmpuint(token.epoch, ==, 3);
	g_assert_true(lk_token_verify(only, by_old, &token));
	g_assert_cmpuint(token.key, ==, 1);
	g_assert_false(lk_token_is_for(only, &token, ADDRESS));
	g_assert_false(lk_message_id_verify(only, id, &purpose, &ticket, &outbox));
	by_old[20] = by_old[20] == 'a' ? 'b' : 'a';
	g_assert_false(lk_token_verify(only, by_old, &token));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	lk_sodium_init();
	g_test_add_func("/token/round-trip", test_round_trip);
	g_test_add_func("/token/deterministic", test_deterministic);
	g_test_add_func("/token/known-values", test_known_values);
	g_test_add_func("/token/any-case", test_any_case);
	g_test_add_func("/token/tampered", test_tampered);
	g_test_add_func("/token/malformed", test_malformed);
	g_test_add_func("/token/rotation", test_rotation);
	g_test_add_func("/token/other-site", test_other_site);
	g_test_add_func("/token/recipient", test_recipient);
	g_test_add_func("/token/message-id", test_message_id);
	g_test_add_func("/token/message-id-forged", test_message_id_forged);
	g_test_add_func("/token/kinds-apart", test_kinds_apart);
	g_test_add_func("/token/fits-local-part", test_fits_local_part);
	g_test_add_func("/token/key-file", test_key_file);
	g_test_add_func("/token/too-many-keys", test_too_many_keys);
	g_test_add_func("/token/generate", test_generate);
	g_test_add_func("/token/only", test_only);
	return g_test_run();
}
