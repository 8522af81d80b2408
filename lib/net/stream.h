/*
 * A connection to a mail server: TCP or a unix socket, plain or TLS, with a deadline and a byte
 * budget for every command, so that no server can hold us or fill our memory. Used by lib/net only.
 *
 * A stream that has failed once stays failed: every later call fails with the first reason.
 * Errors: LK_ERR_RETRY (network, time-out, budget), LK_ERR_MAILBOX (certificate, TLS, settings).
 */
#ifndef LK_NET_STREAM_H
#define LK_NET_STREAM_H

#include "lib/net/server.h"

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct lk_stream lk_stream;

/*
 * Connects to the first address that answers; with LK_TLS_IMPLICIT the handshake is done and the
 * certificate verified when it returns. LK_TLS_NONE and LK_TLS_STARTTLS give a plain stream, the
 * former only to a loopback address or a unix socket. Resolving the name cannot be interrupted.
 * The server's strings are copied, but not its secret.
 */
bool lk_stream_open(const lk_server *server, lk_stream **ret_stream, GError **error);

/* A stream over a connected socket, which it owns; makes it non-blocking. name: for messages. */
lk_stream *lk_stream_from_fd(int fd, const char *name, int io_timeout_ms, int wake_fd);

void lk_stream_free(lk_stream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_stream, lk_stream_free)

/*
 * Upgrades a plain stream: TLS 1.2 or newer; chain and host name, or the pin, are verified before
 * it returns. Bytes that arrived in the clear after the STARTTLS answer are refused (they could
 * have been put there by anybody). The trust store is loaded for the handshake only.
 */
bool lk_stream_start_tls(lk_stream *stream, GError **error);

/*
 * Starts a command: it may take timeout_ms in all (0: the server's command_timeout_ms), however the
 * bytes drip, and what a link of 16 KiB/s needs for the bytes that did move; its answer may have
 * most_bytes.
 */
void lk_stream_begin(lk_stream *stream, int timeout_ms, uint64_t most_bytes);

/* At least one byte, or -1 (never 0) at the end, on errors and time-outs: see lk_stream_fail. */
ssize_t lk_stream_read(lk_stream *stream, void *buffer, size_t n);

/* All of it, or false: see lk_stream_fail. */
bool lk_stream_write(lk_stream *stream, const void *bytes, size_t n);

/* The bytes that are there, at least one; borrowed until the next read. False: lk_stream_fail. */
bool lk_stream_peek(lk_stream *stream, const char **ret_bytes, size_t *ret_n);
void lk_stream_consume(lk_stream *stream, size_t n);

/* One line without its CRLF or LF; longer than most_bytes fails the stream. */
bool lk_stream_read_line(lk_stream *stream, size_t most_bytes, GString *line);

/* Did the line that was read last end in a bare LF? */
bool lk_stream_ended_in_lf(const lk_stream *stream);

/* Bytes that were received and not yet read. */
size_t lk_stream_pending(const lk_stream *stream);

typedef enum { LK_WAIT_READABLE, LK_WAIT_TIMEOUT, LK_WAIT_WOKEN, LK_WAIT_FAILED } lk_wait;

/* Waits until something can be read (TLS records without content do not count), however long. */
lk_wait lk_stream_wait(lk_stream *stream, int timeout_ms);

/* From now on another wake_fd; -1: none. Returns the one before. */
int lk_stream_set_wake(lk_stream *stream, int wake_fd);

/* Declares the stream dead, with a reason of the protocol above. Always false. */
bool lk_stream_kill(lk_stream *stream, const char *reason);
bool lk_stream_is_dead(const lk_stream *stream);

/* "host:port" or the path, for messages. */
const char *lk_stream_name(const lk_stream *stream);

/* Sets LK_ERR_RETRY "name: what: why the stream failed". what may be NULL. Always false. */
bool lk_stream_fail(const lk_stream *stream, const char *what, GError **error);

/*
 * A server's words for an error message: one line of clean UTF-8, at most 300 bytes, without the
 * secret should the server have echoed it (secret may be NULL). Caller frees.
 */
char *lk_net_quote(const char *words, const lk_secret *secret);

/* Can this go into a command line of a text protocol? Refuses controls (< 0x20, 0x7f). */
bool lk_net_check_argument(const char *what, const char *value, GError **error);

#endif
