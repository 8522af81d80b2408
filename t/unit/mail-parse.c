/*
 * Every mail in t/mail with what is expected of it: NAME.eml beside NAME.json. Keys of the JSON are
 * those of `luukkuctl parse --json` and must be equal; beside them
 *   text_contains, reply_contains, defects_contain   each must be found
 *   text_lacks, reply_lacks                          none may be found
 *   bounce_is                                        what is given of the bounce must be equal
 *   signers, dmarc_domain                            must be equal: they are in no JSON
 *   settings                                         authserv, relays, own_lists, strip
 */
#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/json.h"
#include "lib/mail/answer.h"
#include "lib/mail/parse.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char *const keys[] = {"message_id",     "date",	   "from",	 "sender",
				   "reply_to",	     "to",	   "cc",	 "subject",
				   "in_reply_to",    "references", "kind",	 "kind_reason",
				   "suppress_reply", "text",	   "reply_text", "language",
				   "importance",     "bounce",	   "auth",	 "defects"};

static char **list_of(const lk_json *object, const char *key)
{
	const lk_json *list = object ? lk_json_get(object, key) : NULL;
	size_t n = list ? lk_json_size(list) : 0;
	char **texts = g_new0(char *, n + 1);

	for (size_t i = 0; i < n; i++)
		texts[i] = g_strdup(lk_json_text(lk_json_at(list, i)));
	return texts;
}

static char *dump(const lk_json *json)
{
	return json ? lk_json_dump(json, false) : g_strdup("(missing)");
}

static void check_equal(const lk_json *want, const lk_json *got)
{
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		const lk_json *expected = lk_json_get(want, keys[i]);
		if (!expected)
			continue;
		g_autofree char *wanted = dump(expected);
		g_autofree char *found = dump(lk_json_get(got, keys[i]));
		g_test_message("%s", keys[i]);
		g_assert_cmpstr(found, ==, wanted);
	}
}

static void check_attachments(const lk_json *want, const lk_json *got)
{
	static const char *const parts[] = {"filename", "content_type", "size",
					    "inline",	"content_id",	"blake2b"};
	const lk_json *expected = lk_json_get(want, "attachments");
	const lk_json *found = lk_json_get(got, "attachments");

	if (!expected)
		return;
	g_assert_cmpuint(lk_json_size(found), ==, lk_json_size(expected));
	for (size_t i = 0; i < lk_json_size(expected) && i < lk_json_size(found); i++)
		for (size_t j = 0; j < G_N_ELEMENTS(parts); j++) {
			const lk_json *a = lk_json_get(lk_json_at(expected, i), parts[j]);
			g_autofree char *wanted = dump(a);
			g_autofree char *have = dump(lk_json_get(lk_json_at(found, i), parts[j]));
			if (a)
				g_assert_cmpstr(have, ==, wanted);
		}
}

static void check_bounce(const lk_json *want, const lk_json *got)
{
	static const char *const parts[] = {"recipients", "permanent", "status",
					    "original_message_id"};
	const lk_json *expected = lk_json_get(want, "bounce_is");
	const lk_json *bounce = lk_json_get(got, "bounce");

	for (size_t i = 0; expected && i < G_N_ELEMENTS(parts); i++) {
		const lk_json *part = lk_json_get(expected, parts[i]);
		g_autofree char *wanted = dump(part);
		g_autofree char *found = dump(bounce ? lk_json_get(bounce, parts[i]) : NULL);
		if (part)
			g_assert_cmpstr(found, ==, wanted);
	}
}

static void check_words(const lk_json *want, const char *key, const char *text, bool wanted)
{
	g_auto(GStrv) words = list_of(want, key);

	for (unsigned i = 0; words[i]; i++) {
		bool found = strstr(text, words[i]) != NULL;
		if (found != wanted)
			g_test_message("%s: \"%s\" in:\n%s", key, words[i], text);
		g_assert_true(found == wanted);
	}
}

static void check_defects(const lk_json *want, const lk_json *got)
{
	g_autofree char *defects = dump(lk_json_get(got, "defects"));

	check_words(want, "defects_contain", defects, true);
}

/* Who signed is for luukku alone and in no JSON. */
static void check_signers(const lk_json *want, const lk_auth *auth)
{
	const lk_json *expected = lk_json_get(want, "signers");
	const char *domain = lk_json_get_text(want, "dmarc_domain");

	if (domain)
		g_assert_cmpstr(auth ? auth->dmarc_domain : NULL, ==, domain);
	if (!expected)
		return;
	g_assert_nonnull(auth);
	g_assert_cmpuint(auth->signers->len, ==, lk_json_size(expected));
	for (unsigned i = 0; i < auth->signers->len && i < lk_json_size(expected); i++)
		g_assert_cmpstr(g_ptr_array_index(auth->signers, i), ==,
				lk_json_text(lk_json_at(expected, i)));
}

/* What the mail's answer says must survive its way between processes unchanged. */
static void check_wire(const lk_json *want, const lk_mail *mail, uint64_t parts_end)
{
	g_autoptr(GBytes) bytes = lk_answer_encode(mail);
	g_autoptr(lk_mail) again = NULL;
	g_autoptr(GError) error = NULL;
	gsize n = 0;
	const void *data = g_bytes_get_data(bytes, &n);

	lk_answer_decode(data, n, parts_end, &again, &error);
	g_assert_no_error(error);
	if (!again)
		return;
	/* Hashes are not part of the answer: luukku's side computes them. */
	for (unsigned i = 0; i < again->attachments->len; i++) {
		const lk_attachment *from = g_ptr_array_index(mail->attachments, i);
		lk_attachment *to = g_ptr_array_index(again->attachments, i);
		memcpy(to->hash, from->hash, sizeof to->hash);
	}
	g_autoptr(lk_json) a = lk_mail_json(mail);
	g_autoptr(lk_json) b = lk_mail_json(again);
	g_autofree char *one = lk_json_dump(a, false);
	g_autofree char *two = lk_json_dump(b, false);
	g_assert_cmpstr(one, ==, two);
	check_signers(want, again->auth);
}

static void hash_parts(const lk_mail *mail, int parts_fd)
{
	for (unsigned i = 0; i < mail->attachments->len; i++) {
		lk_attachment *part = g_ptr_array_index(mail->attachments, i);
		g_autofree uint8_t *bytes = g_malloc(part->size + 1);
		g_autoptr(lk_hash) hash = lk_hash_new();
		g_assert_true(lk_pread_all(parts_fd, bytes, part->size, part->offset, NULL));
		lk_hash_add(hash, bytes, part->size);
		lk_hash_end(hash, part->hash);
	}
}

static void test_mail(gconstpointer data)
{
	const char *path = data;
	g_autofree char *stem = g_strndup(path, strlen(path) - 4);
	g_autofree char *json_path = g_strconcat(stem, ".json", NULL);
	g_autoptr(GString) expected = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(lk_json) want = NULL;
	lk_autofd int mail_fd = open(path, O_RDONLY | O_CLOEXEC);
	lk_autofd int parts_fd = -1;
	uint64_t end = 0;

	lk_read_file(json_path, 1 << 20, &expected, &error);
	g_assert_no_error(error);
	lk_json_parse(expected->str, expected->len, &want, &error);
	g_assert_no_error(error);
	g_assert_true(lk_spool_open(NULL, &parts_fd, NULL));
	const lk_json *given = lk_json_get(want, "settings");
	g_auto(GStrv) authserv = list_of(given, "authserv");
	g_auto(GStrv) relays = list_of(given, "relays");
	g_auto(GStrv) own_lists = list_of(given, "own_lists");
	g_auto(GStrv) strip = list_of(given, "strip");
	lk_parse_settings settings = {(const char *const *)authserv, (const char *const *)relays,
				      (const char *const *)own_lists, (const char *const *)strip};
	g_autoptr(lk_mail) mail = lk_parse(mail_fd, parts_fd, &settings, &end);
	hash_parts(mail, parts_fd);
	g_autoptr(lk_json) got = lk_mail_json(mail);
	check_equal(want, got);
	check_attachments(want, got);
	check_words(want, "text_contains", mail->text, true);
	check_words(want, "text_lacks", mail->text, false);
	check_words(want, "reply_contains", mail->reply_text, true);
	check_words(want, "reply_lacks", mail->reply_text, false);
	check_defects(want, got);
	check_bounce(want, got);
	check_wire(want, mail, end);
}

static int by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int main(int argc, char **argv)
{
	g_autofree char *folder = g_build_filename(LUUKKU_TEST_DIR, "mail", NULL);
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;

	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	lk_parse_init();
	while (dir && (name = g_dir_read_name(dir)))
		if (g_str_has_suffix(name, ".eml"))
			g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
	g_ptr_array_sort(paths, by_name);
	g_assert_cmpuint(paths->len, >, 30);
	for (unsigned i = 0; i < paths->len; i++) {
		const char *path = g_ptr_array_index(paths, i);
		g_autofree char *base = g_path_get_basename(path);
		g_autofree char *test = g_strdup_printf("/mail/%.*s", (int)strlen(base) - 4, base);
		g_test_add_data_func(test, path, test_mail);
	}
	return g_test_run();
}
