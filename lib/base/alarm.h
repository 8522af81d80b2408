/* Tells people when the usual way of telling them is broken. */
#ifndef LK_BASE_ALARM_H
#define LK_BASE_ALARM_H

#include <glib.h>
#include <stdbool.h>

/*
 * Runs the command without a shell, words split as a shell would, with the text on standard input
 * and its output thrown away; killed after the time. LK_ERR_CONFIG: it cannot be run or failed.
 */
bool lk_alarm_run(const char *command, const char *text, int timeout_ms, GError **error);

#endif
