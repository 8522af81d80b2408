/* A configuration of any bytes: read, checked and printed without a crash or a leak. */
#include "lib/base/secret.h"
#include "lib/conf/conf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 loses the string it was reading at a syntax error. */
const char *__lsan_default_suppressions(void)
{
	return "leak:strbuf_append\nleak:libconfig\n";
}

static void print_all(const lk_conf *conf)
{
	g_autofree char *all = lk_conf_print_settings(conf, LK_CONF_PRINT_ALL);
	g_autofree char *diff = lk_conf_print_settings(conf, LK_CONF_PRINT_DIFF);
	g_autofree char *section = lk_conf_section_hash(conf, "mailboxes", NULL);

	/* What differs is part of what is in force. */
	g_assert_cmpuint(strlen(diff), <=, strlen(all));
	g_assert_nonnull(section);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static bool is_started;
	g_autofree char *path = NULL;
	g_autoptr(GPtrArray) problems = NULL;
	g_autoptr(lk_conf) conf = NULL;
	int fd = memfd_create("luukku.conf", MFD_CLOEXEC);

	if (!is_started)
		lk_sodium_init();
	is_started = true;
	g_assert_cmpint(fd, >=, 0);
	if (write(fd, bytes, n) != (ssize_t)n)
		abort();
	path = g_strdup_printf("/proc/self/fd/%d", fd);
	if (lk_conf_load(path, &conf, &problems))
		print_all(conf);
	for (unsigned i = 0; i < problems->len; i++) {
		g_autofree char *line = lk_conf_problem_format(g_ptr_array_index(problems, i));

		g_assert_true(g_utf8_validate(line, -1, NULL));
	}
	close(fd);
	return 0;
}
