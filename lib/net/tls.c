/*
 * The handshake. libetpan verifies nothing, so all of TLS is ours: chain, host name and protocol
 * version are checked before the first byte of any login.
 */
#include "lib/net/stream-private.h"

#include "lib/base/err.h"
#include "lib/base/hash.h"

#include <arpa/inet.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <malloc.h>
#include <poll.h>
#include <string.h>

#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define PIN_PREFIX "sha256:"
enum { SHA256_BYTES = 32, MOST_NAMES = 5, MOST_NAME_BYTES = 100 };

static bool refuse(const lk_stream *stream, GError **error, const char *format, ...)
	G_GNUC_PRINTF(3, 4);
static bool refuse(const lk_stream *stream, GError **error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, LK_ERROR, LK_ERR_MAILBOX, "%s: %s", stream->name, text);
	return false;
}

/* The certificate the server itself presented, to be freed by the caller; NULL when there is none.
 */
static gnutls_x509_crt_t leaf_certificate(gnutls_session_t tls)
{
	unsigned n = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(tls, &n);
	gnutls_x509_crt_t leaf = NULL;
	if (!chain || n == 0 || gnutls_x509_crt_init(&leaf) < 0)
		return NULL;
	if (gnutls_x509_crt_import(leaf, &chain[0], GNUTLS_X509_FMT_DER) < 0) {
		gnutls_x509_crt_deinit(leaf);
		return NULL;
	}
	return leaf;
}

/* "sha256:HEX" of the SubjectPublicKeyInfo; NULL when there is no readable key. Caller frees. */
static char *key_pin(gnutls_session_t tls)
{
	gnutls_x509_crt_t leaf = leaf_certificate(tls);
	gnutls_pubkey_t key = NULL;
	gnutls_datum_t der = {0};
	uint8_t digest[SHA256_BYTES];
	char *pin = NULL;
	if (leaf && gnutls_pubkey_init(&key) == 0 && gnutls_pubkey_import_x509(key, leaf, 0) == 0 &&
	    gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &der) == 0 &&
	    gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, digest) == 0) {
		g_autofree char *hex = lk_hex(digest, sizeof digest);
		pin = g_strconcat(PIN_PREFIX, hex, NULL);
	}
	gnutls_free(der.data);
	if (key)
		gnutls_pubkey_deinit(key);
	if (leaf)
		gnutls_x509_crt_deinit(leaf);
	return pin;
}

/* GnuTLS calls this inside the handshake when a key is pinned. */
static int verify_pin(gnutls_session_t tls)
{
	lk_stream *stream = gnutls_session_get_ptr(tls);
	g_autofree char *pin = key_pin(tls);
	stream->pin_refused = !pin || g_ascii_strcasecmp(pin, stream->pin) != 0;
	return stream->pin_refused ? GNUTLS_E_CERTIFICATE_ERROR : 0;
}

/* The names a certificate is for, as words for a person. */
static char *certificate_names(gnutls_session_t tls)
{
	gnutls_x509_crt_t leaf = leaf_certificate(tls);
	g_autoptr(GString) names = g_string_new(NULL);
	for (unsigned i = 0; leaf && i < MOST_NAMES; i++) {
		g_autofree char *name = g_malloc0(MOST_NAME_BYTES + 1);
		size_t n = MOST_NAME_BYTES;
		int type = gnutls_x509_crt_get_subject_alt_name(leaf, i, name, &n, NULL);
		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (type != GNUTLS_SAN_DNSNAME)
			continue;
		g_autofree char *clean = lk_net_quote(name, NULL);
		g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", clean);
	}
	if (leaf)
		gnutls_x509_crt_deinit(leaf);
	if (names->len == 0)
		g_string_append(names, "no host name");
	return g_string_free(g_steal_pointer(&names), FALSE);
}

/* Why the certificate was refused, and what to do about it. */
static bool refuse_certificate(const lk_stream *stream, gnutls_session_t tls, GError **error)
{
	unsigned status = gnutls_session_get_verify_cert_status(tls);
	g_autofree char *pin = key_pin(tls);
	if (stream->pin_refused)
		return refuse(
			stream, error,
			"the server's key is %s, not the pinned one: if its administrator "
			"confirms the new key, set pin to it; otherwise somebody is in between",
			pin ? pin : "unreadable");
	if (status & GNUTLS_CERT_UNEXPECTED_OWNER) {
		g_autofree char *names = certificate_names(tls);
		return refuse(stream, error,
			      "the certificate is for %s, not for %s: set host to a name that the "
			      "certificate is for",
			      names, stream->host);
	}
	if (status & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA))
		return refuse(stream, error,
			      "the certificate is not trusted (its signer is not known): set "
			      "ca_file to the PEM file of its CA, or pin = \"%s\" once the "
			      "server's administrator has confirmed that key",
			      pin ? pin : "sha256:HEX");
	if (status & GNUTLS_CERT_EXPIRED)
		return refuse(stream, error,
			      "the certificate has expired: ask the server's administrator to "
			      "renew it, and check this machine's clock");
	if (status & GNUTLS_CERT_NOT_ACTIVATED)
		return refuse(stream, error,
			      "the certificate is not valid yet: check this machine's clock");
	gnutls_datum_t words = {0};
	gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &words, 0);
	g_autofree char *text = lk_net_quote((const char *)words.data, NULL);
	gnutls_free(words.data);
	return refuse(stream, error,
		      "the certificate is refused: %s: ask the server's administrator", text);
}

static bool handshake_failed(lk_stream *stream, gnutls_session_t tls, int result, GError **error)
{
	switch (result) {
	case GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR:
	case GNUTLS_E_CERTIFICATE_ERROR:
		return refuse_certificate(stream, tls, error);
	case GNUTLS_E_PREMATURE_TERMINATION:
	case GNUTLS_E_PULL_ERROR:
	case GNUTLS_E_PUSH_ERROR:
		lk_stream_kill(stream, "the server closed the connection; does this port speak TLS "
				       "from the start (tls = \"implicit\")?");
		return lk_stream_fail(stream, "TLS handshake", error);
	case GNUTLS_E_UNEXPECTED_PACKET:
	case GNUTLS_E_UNEXPECTED_PACKET_LENGTH:
		return refuse(stream, error,
			      "the server does not speak TLS here: check port and tls "
			      "(\"starttls\" or \"implicit\")");
	case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
		return refuse(stream, error,
			      "the server offers nothing newer than TLS 1.1: it must speak TLS 1.2 "
			      "or 1.3");
	case GNUTLS_E_FATAL_ALERT_RECEIVED: {
		const char *alert = gnutls_alert_get_name(gnutls_alert_get(tls));
		return refuse(stream, error,
			      "the server refused the TLS handshake (%s): it must speak TLS 1.2 or "
			      "1.3",
			      alert ? alert : "unknown alert");
	}
	default:
		return refuse(stream, error, "TLS handshake: %s", gnutls_strerror(result));
	}
}

static bool load_trust(const lk_stream *stream, gnutls_certificate_credentials_t credentials,
		       GError **error)
{
	if (stream->pin[0])
		return true;
	if (!stream->ca_file[0]) {
		int n = gnutls_certificate_set_x509_system_trust(credentials);
		if (n > 0)
			return true;
		return refuse(stream, error,
			      "this system has no CA certificates: install ca-certificates or set "
			      "ca_file");
	}
	int n = gnutls_certificate_set_x509_trust_file(credentials, stream->ca_file,
						       GNUTLS_X509_FMT_PEM);
	if (n > 0)
		return true;
	return refuse(stream, error, "ca_file %s: %s", stream->ca_file,
		      n < 0 ? gnutls_strerror(n) : "holds no certificate");
}

static bool is_address(const char *host)
{
	struct in6_addr address;
	return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/* GnuTLS keeps the host name by pointer: the stream owns both. */
static bool set_up(lk_stream *stream, gnutls_session_t tls,
		   gnutls_certificate_credentials_t credentials, GError **error)
{
	int result = gnutls_priority_set_direct(tls, PRIORITY, NULL);
	if (result == 0)
		result = gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, credentials);
	if (result == 0 && !is_address(stream->host))
		result = gnutls_server_name_set(tls, GNUTLS_NAME_DNS, stream->host,
						strlen(stream->host));
	if (result != 0)
		return refuse(stream, error, "TLS cannot be set up: %s", gnutls_strerror(result));
	gnutls_session_set_ptr(tls, stream);
	if (stream->pin[0])
		gnutls_session_set_verify_function(tls, verify_pin);
	else
		gnutls_session_set_verify_cert(tls, stream->host, 0);
	gnutls_transport_set_int(tls, stream->fd);
	return true;
}

static bool shake_hands(lk_stream *stream, gnutls_session_t tls, GError **error)
{
	for (;;) {
		int result = gnutls_handshake(tls);
		if (result == GNUTLS_E_SUCCESS)
			return true;
		if (result == GNUTLS_E_AGAIN) {
			short events = gnutls_record_get_direction(tls) ? POLLOUT : POLLIN;
			if (!lk_stream_poll(stream, events))
				return lk_stream_fail(stream, "TLS handshake", error);
		} else if (gnutls_error_is_fatal(result)) {
			return handshake_failed(stream, tls, result, error);
		}
	}
}

bool lk_stream_start_tls(lk_stream *stream, GError **error)
{
	g_assert(!stream->tls);
	if (lk_stream_pending(stream) > 0) {
		lk_stream_kill(stream, "plain text behind the STARTTLS answer");
		return refuse(stream, error,
			      "the server, or somebody in between, sent plain text behind its "
			      "STARTTLS answer: the connection cannot be trusted");
	}
	lk_stream_begin(stream, stream->connect_ms, stream->budget);
	gnutls_certificate_credentials_t credentials = NULL;
	gnutls_session_t tls = NULL;
	if (gnutls_certificate_allocate_credentials(&credentials) < 0 ||
	    gnutls_init(&tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0)
		g_error("out of memory");
	bool is_good = load_trust(stream, credentials, error) &&
		       set_up(stream, tls, credentials, error) && shake_hands(stream, tls, error);
	/*
	 * The system's trust store takes megabytes; an idle fetcher holds a session and nothing
	 * else. No later handshake on this session can need it: renegotiation is never answered.
	 */
	gnutls_credentials_clear(tls);
	gnutls_certificate_free_credentials(credentials);
	malloc_trim(0);
	if (!is_good) {
		gnutls_deinit(tls);
		lk_stream_kill(stream, "TLS handshake failed");
		return false;
	}
	stream->tls = tls;
	return true;
}
