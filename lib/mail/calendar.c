#include "lib/mail/calendar.h"

#include <stdbool.h>
#include <string.h>

enum { VALUE_BYTES_MOST = 4000, LINES_MOST = 20000 };

/* TEXT values: "\n" "\," "\;" "\\" (RFC 5545 3.3.11). */
static char *unescape(const char *value)
{
	GString *text = g_string_new(NULL);

	for (const char *p = value; *p && text->len < VALUE_BYTES_MOST; p++) {
		if (*p == '\\' && p[1]) {
			p++;
			g_string_append_c(text, *p == 'n' || *p == 'N' ? '\n' : *p);
		} else {
			g_string_append_c(text, *p);
		}
	}
	return g_strstrip(g_string_free(text, FALSE));
}

/* "20260601T090000Z" as "2026-06-01 09:00 UTC"; what is no such thing stays as written. */
static char *readable_time(const char *value, const char *zone)
{
	size_t digits = strspn(value, "0123456789");
	bool has_time = digits == 8 && value[8] == 'T' && strspn(value + 9, "0123456789") >= 4;

	if (digits != 8)
		return g_strdup(value);
	if (!has_time)
		return g_strdup_printf("%.4s-%.2s-%.2s", value, value + 4, value + 6);
	bool is_utc = strchr(value + 9, 'Z');
	return g_strdup_printf("%.4s-%.2s-%.2s %.2s:%.2s%s%s", value, value + 4, value + 6,
			       value + 9, value + 11, is_utc || *zone ? " " : "",
			       is_utc ? "UTC" : zone);
}

/* Lines joined where they are folded: a line break before a blank. */
static char *unfolded(const char *text)
{
	GString *out = g_string_sized_new(strlen(text));

	for (const char *p = text; *p; p++) {
		if (*p == '\n' && (p[1] == ' ' || p[1] == '\t'))
			p++;
		else
			g_string_append_c(out, *p);
	}
	return g_string_free(out, FALSE);
}

static char *time_of(const char *parameters, const char *value)
{
	const char *zone = strstr(parameters, "TZID=");
	g_autofree char *name = zone ? g_strndup(zone + 5, strcspn(zone + 5, ";:")) : g_strdup("");
	char *quote;

	while ((quote = strchr(name, '"')))
		memmove(quote, quote + 1, strlen(quote));
	return readable_time(value, name);
}

static void add_line(GString *summary, const char *label, const char *value)
{
	if (value && *value)
		g_string_append_printf(summary, "%s: %s\n", label, value);
}

lk_meeting *lk_meeting_read(const char *text)
{
	lk_meeting *calendar = g_new0(lk_meeting, 1);
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *lines = unfolded(text);
	g_autofree char *title = NULL, *place = NULL, *start = NULL, *end = NULL, *about = NULL;
	g_autofree char *organizer = NULL;
	bool in_event = false, done = false;
	unsigned seen = 0;

	for (char *line = lines; *line && !done && seen < LINES_MOST; seen++) {
		size_t n = strcspn(line, "\n");
		char *next = line + n + (line[n] == '\n');
		line[n] = 0;
		size_t name_n = strcspn(line, ";:");
		g_autofree char *name = g_ascii_strup(line, (gssize)name_n);
		size_t value_at = name_n;
		bool is_quoted = false;
		while (line[value_at] && (is_quoted || line[value_at] != ':')) {
			is_quoted ^= line[value_at] == '"';
			value_at++;
		}
		g_autofree char *parameters = g_strndup(line + name_n, value_at - name_n);
		const char *value = line[value_at] ? line + value_at + 1 : "";
		if (strcmp(name, "METHOD") == 0 && !calendar->method)
			calendar->method = g_strstrip(g_ascii_strup(value, -1));
		else if (strcmp(name, "BEGIN") == 0)
			in_event |= g_ascii_strncasecmp(value, "VEVENT", 6) == 0 ||
				    g_ascii_strncasecmp(value, "VTODO", 5) == 0;
		else if (strcmp(name, "END") == 0)
			done = in_event && (g_ascii_strncasecmp(value, "VEVENT", 6) == 0 ||
					    g_ascii_strncasecmp(value, "VTODO", 5) == 0);
		else if (!in_event)
			;
		else if (strcmp(name, "SUMMARY") == 0 && !title)
			title = unescape(value);
		else if (strcmp(name, "LOCATION") == 0 && !place)
			place = unescape(value);
		else if (strcmp(name, "DESCRIPTION") == 0 && !about)
			about = unescape(value);
		else if (strcmp(name, "DTSTART") == 0 && !start)
			start = time_of(parameters, value);
		else if ((strcmp(name, "DTEND") == 0 || strcmp(name, "DUE") == 0) && !end)
			end = time_of(parameters, value);
		else if (strcmp(name, "ORGANIZER") == 0 && !organizer)
			organizer = unescape(
				g_ascii_strncasecmp(value, "mailto:", 7) == 0 ? value + 7 : value);
		line = next;
	}
	if (in_event) {
		add_line(out, "METHOD", calendar->method);
		add_line(out, "SUMMARY", title);
		add_line(out, "DTSTART", start);
		add_line(out, "DTEND", end);
		add_line(out, "LOCATION", place);
		add_line(out, "ORGANIZER", organizer);
		if (about && *about)
			g_string_append_printf(out, "\n%s\n", about);
	}
	calendar->summary = g_strdup(out->str);
	return calendar;
}

void lk_meeting_free(lk_meeting *calendar)
{
	if (!calendar)
		return;
	g_free(calendar->method);
	g_free(calendar->summary);
	g_free(calendar);
}
