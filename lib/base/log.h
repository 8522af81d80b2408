/* One line per fact: event name first, then key=value. Only daemon/ logs above debug. */
#ifndef LK_BASE_LOG_H
#define LK_BASE_LOG_H

#include <glib.h>
#include <stdbool.h>

typedef enum { LK_LOG_ERROR, LK_LOG_WARNING, LK_LOG_INFO, LK_LOG_DEBUG } lk_log_level;

/*
 * Starts logging for a program. Lines go to the journal with native fields (LUUKKU_EVENT,
 * LUUKKU_MAILBOX, ...) when standard error is the journal, else to standard error: with a <prio>
 * prefix when it is no terminal, as plain text when it is. The program's name leads each line.
 */
void lk_log_init(const char *program, lk_log_level most);

/* A key=value that every later line of this process carries; NULL value removes it. */
void lk_log_context(const char *key, const char *value);

/* Event names are API (luukkud.8 lists them): lower case words joined by dots. */
void lk_log(lk_log_level level, const char *event, const char *format, ...) G_GNUC_PRINTF(3, 4);
#define lk_error(event, ...) lk_log(LK_LOG_ERROR, event, __VA_ARGS__)
#define lk_warning(event, ...) lk_log(LK_LOG_WARNING, event, __VA_ARGS__)
#define lk_info(event, ...) lk_log(LK_LOG_INFO, event, __VA_ARGS__)
#define lk_debug(event, ...) lk_log(LK_LOG_DEBUG, event, __VA_ARGS__)

/* A value from outside, quoted, control characters escaped, cut at 200 bytes. Caller frees. */
char *lk_log_quote(const char *value);

/*
 * For unit tests: the next lines logged must match these events in order; lk_log_expect_end fails
 * (returns false) when one is missing or an unexpected warning or error was logged.
 */
void lk_log_expect(lk_log_level level, const char *event);
bool lk_log_expect_end(void);

#endif
