/* sd_notify(3) over $NOTIFY_SOCKET. luukkud speaks it to systemd, its children to luukkud. */
#ifndef LK_BASE_SD_H
#define LK_BASE_SD_H

#include <stdbool.h>

/* Sends "KEY=value\n..." lines; false when there is no socket or it is gone (never an error). */
bool lk_sd_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Milliseconds between watchdog pings ($WATCHDOG_USEC / 2), 0 when none are wanted. */
int lk_sd_watchdog_ms(void);

#endif
