/*
 * Fault points for the crash tests. Each call of lk_fault is one numbered moment in the life of
 * the whole desk. Without LUUKKU_FAULT_DIR in the environment a call costs one comparison.
 *
 *   LUUKKU_FAULT_DIR   a directory; each passed point appends "<program> <name>\n" to DIR/passed
 *   LUUKKU_FAULT       name:N: die by SIGKILL at the N-th passing of that point, counted
 *                      over all processes
 *
 * A point kills once: the killer creates DIR/killed first and no process dies while it exists.
 */
#ifndef LK_BASE_FAULT_H
#define LK_BASE_FAULT_H

#include <stdbool.h>

void lk_fault(const char *name);

/* Is a behaviour asked for by LUUKKU_FAULT_MODE (comma-separated names; tests only)? */
bool lk_fault_mode(const char *name);

#endif
