#include "lib/conf/form.h"

#include "lib/base/text.h"
#include "lib/base/units.h"

#include <arpa/inet.h>
#include <string.h>

typedef char *(*form_reader)(const lk_setting *setting, const char *text, const char *dir,
			     char **ret_why);

char *lk_did_you_mean(const char *word, const char *const *candidates, unsigned n)
{
	const char *near = lk_nearest_word(word, candidates, n);

	return near ? g_strdup_printf("; did you mean \"%s\"?", near) : g_strdup("");
}

int lk_choice_read(const char *const *choices, const char *text, char **ret_why)
{
	g_autofree char *all = NULL;
	g_autofree char *near = NULL;
	int n = 0;

	for (; choices[n]; n++)
		if (strcmp(choices[n], text) == 0)
			return n;
	all = g_strjoinv("\", \"", (char **)choices);
	near = lk_did_you_mean(text, choices, (unsigned)n);
	*ret_why = g_strdup_printf("\"%s\" is not one of \"%s\"%s", text, all, near);
	return -1;
}

/* Control characters reach servers' command lines, or are a forgotten second backslash. */
static bool has_control(const char *text, bool lines, char **ret_why)
{
	for (const char *p = text; *p; p++) {
		unsigned byte = (unsigned char)*p;

		if (byte >= 0x20 && byte != 0x7f)
			continue;
		if (lines && (byte == '\n' || byte == '\t'))
			continue;
		*ret_why = g_strdup_printf("there is a control character (byte 0x%02x) in this "
					   "string; a backslash that should stay one is written "
					   "twice, as in \"\\\\n\"",
					   byte);
		return true;
	}
	return false;
}

static char *because(char **ret_why, const char *format, ...) G_GNUC_PRINTF(2, 3);
static char *because(char **ret_why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	*ret_why = g_strdup_vprintf(format, args);
	va_end(args);
	return NULL;
}

static char *read_name(const lk_setting *setting, const char *text, const char *dir, char **ret_why)
{
	if (*text == '\0' || g_utf8_strlen(text, -1) > 100)
		return because(ret_why, "a name has 1 to 100 characters");
	if (g_ascii_isspace(*text) || g_ascii_isspace(text[strlen(text) - 1]))
		return because(ret_why, "\"%s\" begins or ends with a blank", text);
	return g_strdup(text);
}

/* Such names stand in paths, headers and commands. */
static char *read_word(const lk_setting *setting, const char *text, const char *dir, char **ret_why)
{
	size_t n = 0;

	for (const char *p = text; *p; p = g_utf8_next_char(p), n++)
		if (!g_unichar_isalnum(g_utf8_get_char(p)) && !strchr("-_.", *p))
			return because(ret_why,
				       "\"%s\" may hold only letters, digits and - _ . here", text);
	if (n == 0 || n > 64 || *text == '.' || *text == '-')
		return because(ret_why,
			       "\"%s\" should be 1 to 64 letters, digits and - _ . and not begin "
			       "with . or -",
			       text);
	return g_strdup(text);
}

static char *read_domain(const lk_setting *setting, const char *text, const char *dir,
			 char **ret_why)
{
	size_t n = strlen(text);
	bool bad = n == 0 || n > 253 || strstr(text, "..") || strchr(".-", text[0]) ||
		   strchr(".-", text[n - 1]);

	for (const char *p = text; *p && !bad; p++)
		bad = !g_ascii_isalnum(*p) && !strchr("-._", *p);
	if (bad)
		return because(ret_why,
			       "\"%s\" is no domain name such as \"example.fi\" (letters beyond "
			       "a-z are written in their xn-- form)",
			       text);
	return g_ascii_strdown(text, -1);
}

static char *read_address(const lk_setting *setting, const char *text, const char *dir,
			  char **ret_why)
{
	g_autofree char *folded = lk_address_fold(text);

	if (!lk_address_is_sane(folded))
		return because(ret_why, "\"%s\" is no mail address such as \"ict@example.fi\"",
			       text);
	return g_steal_pointer(&folded);
}

static char *read_host(const lk_setting *setting, const char *text, const char *dir, char **ret_why)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	if (*text == '/' || inet_pton(AF_INET6, text, bytes) == 1)
		return g_strdup(text);
	if (strchr(text, ':'))
		return because(ret_why,
			       "\"%s\" is no host name; a port is given by the setting port", text);
	return read_domain(setting, text, dir, ret_why);
}

bool lk_host_is_local(const char *host)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	if (*host == '/' || g_ascii_strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, bytes) == 1)
		return bytes[0] == 127;
	if (inet_pton(AF_INET6, host, bytes) == 1)
		return memcmp(bytes, &in6addr_loopback, sizeof(in6addr_loopback)) == 0;
	return false;
}

static char *read_path(const lk_setting *setting, const char *text, const char *dir, char **ret_why)
{
	if (g_path_is_absolute(text) || g_str_has_prefix(text, "credential:"))
		return g_strdup(text);
	return g_canonicalize_filename(text, dir);
}

static char *read_command(const lk_setting *setting, const char *text, const char *dir,
			  char **ret_why)
{
	g_autoptr(GError) error = NULL;

	if (!g_shell_parse_argv(text, NULL, NULL, &error))
		return because(ret_why, "this command cannot be split into words: %s",
			       error->message);
	return g_strdup(text);
}

static char *read_prefix(const lk_setting *setting, const char *text, const char *dir,
			 char **ret_why)
{
	size_t n = strlen(text);
	bool bad = n == 0 || n > 16 || !g_ascii_isupper(*text);

	for (const char *p = text; *p && !bad; p++)
		bad = !g_ascii_isupper(*p) && !g_ascii_isdigit(*p);
	if (bad)
		return because(ret_why,
			       "\"%s\" is no prefix: 1 to 16 capital letters A-Z and digits, a "
			       "letter first",
			       text);
	return g_strdup(text);
}

static char *read_template_language(const lk_setting *setting, const char *text, const char *dir,
				    char **ret_why)
{
	static const char *const languages[] = {"fi", "sv", "en", NULL};

	return lk_choice_read(languages, text, ret_why) < 0 ? NULL : g_strdup(text);
}

static char *read_language(const lk_setting *setting, const char *text, const char *dir,
			   char **ret_why)
{
	if (strlen(text) != 2 || !g_ascii_islower(text[0]) || !g_ascii_islower(text[1]))
		return because(ret_why, "\"%s\" is no language code of two letters such as \"fi\"",
			       text);
	return g_strdup(text);
}

static char *read_timezone(const lk_setting *setting, const char *text, const char *dir,
			   char **ret_why)
{
	g_autoptr(GTimeZone) zone = NULL;

	if (strstr(text, "..") || *text == '/' || *text == ':')
		return because(ret_why, "\"%s\" is no time zone such as \"Europe/Helsinki\"", text);
	zone = g_time_zone_new_identifier(text);
	/* Without tzdata nothing can be said; check-files.c does. */
	if (!zone && g_file_test("/usr/share/zoneinfo/Europe", G_FILE_TEST_IS_DIR))
		return because(ret_why,
			       "this machine knows no time zone \"%s\"; write one such as "
			       "\"Europe/Helsinki\" (ls /usr/share/zoneinfo)",
			       text);
	return g_strdup(text);
}

static char *read_subaddress(const lk_setting *setting, const char *text, const char *dir,
			     char **ret_why)
{
	if (strlen(text) > 1 || (*text && !strchr("+-=_", *text)))
		return because(ret_why,
			       "\"%s\" cannot stand between an address and a token; write \"+\" as "
			       "your mail server does, or \"\"",
			       text);
	return g_strdup(text);
}

static char *read_pin(const lk_setting *setting, const char *text, const char *dir, char **ret_why)
{
	size_t n = strlen("sha256:");

	if (g_ascii_strncasecmp(text, "sha256:", n) != 0 || strlen(text + n) != 64 ||
	    strspn(text + n, "0123456789abcdefABCDEF") != 64)
		return because(ret_why, "a pin is \"sha256:\" and 64 hex digits of the server's "
					"public key");
	return g_ascii_strdown(text, -1);
}

static char *read_listen(const lk_setting *setting, const char *text, const char *dir,
			 char **ret_why)
{
	const char *colon = strrchr(text, ':');
	g_autofree char *host = NULL;
	unsigned char bytes[sizeof(struct in6_addr)];
	int64_t port = 0;
	size_t n = 0;

	if (!colon || !lk_parse_int(colon + 1, 1, 65535, &port, NULL))
		return because(ret_why, "\"%s\" is no ADDRESS:PORT such as \"127.0.0.1:8025\"",
			       text);
	host = g_strndup(text, (size_t)(colon - text));
	n = strlen(host);
	if (*host == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		if (inet_pton(AF_INET6, host + 1, bytes) == 1)
			return g_strdup(text);
	} else if (inet_pton(AF_INET, host, bytes) == 1) {
		return g_strdup(text);
	}
	return because(ret_why,
		       "\"%s\" is no ADDRESS:PORT; the address is one such as 127.0.0.1 or [::1]",
		       text);
}

static char *read_socket(const lk_setting *setting, const char *text, const char *dir,
			 char **ret_why)
{
	g_autofree char *path = NULL;

	if (strchr(text, ':') && *text != '/')
		return read_listen(setting, text, dir, ret_why);
	path = read_path(setting, text, dir, ret_why);
	/* sun_path has 108 bytes with the NUL; the socket is made under a name of one more. */
	if (strlen(path) > 106)
		return because(ret_why, "the path of a socket has at most 106 bytes");
	return g_steal_pointer(&path);
}

static char *read_url(const lk_setting *setting, const char *text, const char *dir, char **ret_why)
{
	const char *rest = NULL;

	if (g_str_has_prefix(text, "https://"))
		rest = text + strlen("https://");
	else if (g_str_has_prefix(text, "http://"))
		rest = text + strlen("http://");
	if (!rest || *rest == '\0' || *rest == '/' || strpbrk(text, " \"<>\\"))
		return because(ret_why, "\"%s\" is no address such as \"https://tuki.example.fi\"",
			       text);
	if (rest == text + strlen("http://") && g_str_has_suffix(setting->path, ".token_url")) {
		g_autofree char *host = g_strndup(rest, strcspn(rest, "/:?"));

		if (!lk_host_is_local(host))
			return because(ret_why, "a token is asked for over https:// only");
	}
	return g_strdup(text);
}

static char *read_pattern(const lk_setting *setting, const char *text, const char *dir,
			  char **ret_why)
{
	*ret_why = lk_pattern_check(text, 0);
	return *ret_why ? NULL : g_strdup(text);
}

static char *read_slashed(const lk_setting *setting, const char *text, const char *dir,
			  char **ret_why)
{
	if (*text != '/')
		return because(ret_why, "write a pattern between slashes: \"/pattern/\"");
	return lk_slashed_check(text, ret_why) ? g_strdup(text) : NULL;
}

static char *read_matcher(const lk_setting *setting, const char *text, const char *dir,
			  char **ret_why)
{
	if (*text == '\0')
		return because(ret_why, "an empty value; \"*\" holds for any, \"/^$/\" for none");
	return lk_slashed_check(text, ret_why) ? g_strdup(text) : NULL;
}

static char *read_hours(const lk_setting *setting, const char *text, const char *dir,
			char **ret_why)
{
	switch (setting->form) {
	case LK_FORM_HOURS:
		*ret_why = lk_hours_check(text);
		break;
	case LK_FORM_HOLIDAY:
		*ret_why = lk_holiday_check(text);
		break;
	case LK_FORM_SHORT:
		*ret_why = lk_short_day_check(text);
		break;
	default:
		*ret_why = lk_digest_check(text);
		break;
	}
	return *ret_why ? NULL : g_strdup(text);
}

static char *read_when(const lk_setting *setting, const char *text, const char *dir, char **ret_why)
{
	g_autofree char *word = NULL;

	if (!g_str_has_prefix(text, "type:"))
		return because(ret_why, "\"%s\" is no condition; write \"type:NAME\"", text);
	word = read_word(setting, text + strlen("type:"), dir, ret_why);
	return word ? g_strdup(text) : NULL;
}

/* ">10M", "<=5", and what is behind the sign. */
static const char *behind_sign(const char *text)
{
	if (*text != '<' && *text != '>')
		return NULL;
	return text + (text[1] == '=' ? 2 : 1);
}

static char *read_size_test(const lk_setting *setting, const char *text, const char *dir,
			    char **ret_why)
{
	const char *rest = behind_sign(text);
	int64_t size = 0;

	if (!rest || !lk_parse_size(rest, &size, NULL))
		return because(ret_why, "\"%s\" is no test of a size; write \">10M\" or \"<5K\"",
			       text);
	return g_strdup(text);
}

static char *read_score_test(const lk_setting *setting, const char *text, const char *dir,
			     char **ret_why)
{
	const char *rest = behind_sign(text);
	size_t whole = 0;
	size_t part = 0;

	if (rest) {
		rest += *rest == '-';
		whole = strspn(rest, "0123456789");
		part = rest[whole] == '.' ? strspn(rest + whole + 1, "0123456789") + 1 : 0;
	}
	if (!rest || whole == 0 || whole > 6 || part == 1 || part > 6 || rest[whole + part] != '\0')
		return because(ret_why, "\"%s\" is no test of a score; write \">5\" or \"<=2.5\"",
			       text);
	return g_strdup(text);
}

static char *read_choice(const lk_setting *setting, const char *text, const char *dir,
			 char **ret_why)
{
	return lk_choice_read(setting->choices, text, ret_why) < 0 ? NULL : g_strdup(text);
}

static char *read_any(const lk_setting *setting, const char *text, const char *dir, char **ret_why)
{
	return g_strdup(text);
}

static const form_reader readers[] = {
	[LK_FORM_ANY] = read_any,
	[LK_FORM_LINES] = read_any,
	[LK_FORM_NAME] = read_name,
	[LK_FORM_WORD] = read_word,
	[LK_FORM_ADDRESS] = read_address,
	[LK_FORM_DOMAIN] = read_domain,
	[LK_FORM_HOST] = read_host,
	[LK_FORM_PATH] = read_path,
	[LK_FORM_COMMAND] = read_command,
	[LK_FORM_CONNINFO] = read_any,
	[LK_FORM_PREFIX] = read_prefix,
	[LK_FORM_TEMPLATES] = read_template_language,
	[LK_FORM_LANGUAGE] = read_language,
	[LK_FORM_TIMEZONE] = read_timezone,
	[LK_FORM_SUBADDRESS] = read_subaddress,
	[LK_FORM_PIN] = read_pin,
	[LK_FORM_LISTEN] = read_listen,
	[LK_FORM_SOCKET] = read_socket,
	[LK_FORM_URL] = read_url,
	[LK_FORM_PATTERN] = read_pattern,
	[LK_FORM_SLASHED] = read_slashed,
	[LK_FORM_MATCHER] = read_matcher,
	[LK_FORM_STRIP] = read_matcher,
	[LK_FORM_HOURS] = read_hours,
	[LK_FORM_HOLIDAY] = read_hours,
	[LK_FORM_SHORT] = read_hours,
	[LK_FORM_DIGEST] = read_hours,
	[LK_FORM_WHEN] = read_when,
	[LK_FORM_SIZE_TEST] = read_size_test,
	[LK_FORM_SCORE_TEST] = read_score_test,
	[LK_FORM_OFFICE] = read_name,
	[LK_FORM_BOOL] = read_any,
	[LK_FORM_BOOL_OR_MATCHER] = read_matcher,
	[LK_FORM_CHOICE] = read_choice,
	[LK_FORM_NAMED] = read_any,
};

char *lk_form_read(const lk_setting *setting, const char *text, const char *dir, char **ret_why)
{
	if (has_control(text, setting->form == LK_FORM_LINES, ret_why))
		return NULL;
	return readers[setting->form](setting, text, dir, ret_why);
}

bool lk_duration_read(const char *text, int64_t *ret_seconds, char **ret_why)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *number = g_str_has_suffix(text, "y") ? g_strdup(text) : NULL;
	int64_t years = 0;

	if (number)
		number[strlen(number) - 1] = '\0';
	if (number && lk_parse_int(number, 0, 200, &years, NULL)) {
		*ret_seconds = years * 365 * 86400;
		return true;
	}
	if (lk_parse_duration(text, ret_seconds, &error))
		return true;
	*ret_why = g_strdup(error->message);
	return false;
}

bool lk_span_read(const char *text, lk_conf_span *ret_span, char **ret_why)
{
	g_autoptr(GError) error = NULL;
	int64_t seconds = 0;
	lk_conf_span span = {0, 0};

	if (!lk_parse_duration(text, &seconds, &error)) {
		*ret_why = g_strdup(error->message);
		return false;
	}
	if (g_str_has_suffix(text, "d"))
		span.open_days = seconds / 86400;
	else if (g_str_has_suffix(text, "w"))
		span.open_days = seconds / 604800 * 5;
	else
		span.seconds = seconds;
	if (span.open_days > 1000 || span.seconds > INT64_C(10000) * 3600) {
		*ret_why = g_strdup_printf("\"%s\" is more than 1000 open days", text);
		return false;
	}
	*ret_span = span;
	return true;
}

bool lk_after_read(const char *text, lk_conf_after *ret_after, char **ret_why)
{
	static const char *const choices[] = {"keep", "seen", "delete", "move:FOLDER", NULL};
	lk_conf_after after = {LK_CONF_AFTER_MOVE, NULL};
	int choice = 0;

	if (has_control(text, false, ret_why))
		return false;
	if (g_str_has_prefix(text, "move:") && text[5] != '\0') {
		after.folder = g_strdup(text + 5);
		*ret_after = after;
		return true;
	}
	if (g_str_has_prefix(text, "move")) {
		*ret_why = g_strdup("name the folder: \"move:Luukku/Done\"");
		return false;
	}
	choice = lk_choice_read(choices, text, ret_why);
	if (choice < 0)
		return false;
	after.kind = (lk_conf_after_kind)choice;
	*ret_after = after;
	return true;
}
