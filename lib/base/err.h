/* Errors whose code says what to do next and whose message says what happened. */
#ifndef LK_BASE_ERR_H
#define LK_BASE_ERR_H

#include <glib.h>
#include <stdbool.h>

#define LK_ERROR (lk_error_quark())
GQuark lk_error_quark(void);

/*
 * The next step for whoever receives the error. Every fallible function of luukku returns false
 * exactly when it set a GError of this domain.
 */
typedef enum {
	/* The world outside is down (network, database, 4xx): back off, try again. */
	LK_ERR_RETRY,
	/* This message or recipient only: store it raw, mark it, go on. */
	LK_ERR_MESSAGE,
	/* This mailbox only (login, certificate, folder): long back-off, tell people. */
	LK_ERR_MAILBOX,
	/* A person must edit the configuration: no restart until a reload. */
	LK_ERR_CONFIG,
	/* COMMIT or end of DATA was sent and the answer lost: read the truth first. */
	LK_ERR_UNCERTAIN,
	/* The command line is wrong. */
	LK_ERR_USAGE,
	/* The named file, ticket or mail does not exist. */
	LK_ERR_NOINPUT,
	/* The input given to a command is malformed. */
	LK_ERR_DATA,
	/* The caller may not do this. */
	LK_ERR_PERMISSION
} lk_err;

/* The sysexits.h status of an error that reaches main; 0 for NULL, 70 for a foreign domain. */
int lk_exit_status(const GError *error);

/* Does the error carry this next step? False for NULL. */
bool lk_err_is(const GError *error, lk_err code);

#endif
