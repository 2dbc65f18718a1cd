/* SPDX-License-Identifier: MIT */
/* From what the system and OpenSSL say to the vocabulary of the core. */
#include <errno.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>
#include <stdarg.h>
#include <stdio.h>

#include "plqt.h"

void plqt_error_set(plq_transport_error *error, int32_t status, int32_t phase, int32_t delivery, int os_errno,
                    int64_t plugin_code, const char *format, ...) {
  if (!error || error->struct_size < sizeof *error) return;
  va_list arguments;
  error->status = status;
  error->phase = phase;
  error->delivery = delivery;
  error->os_errno = os_errno;
  error->reserved = 0;
  error->plugin_code = plugin_code;
  va_start(arguments, format);
  vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
}

bool plqt_request_valid(const plq_transport_request *request, const plq_transport_sink *sink, plq_transport_error *error) {
  const char *why = NULL;
  int32_t status = PLQ_E_ARGUMENT;
  if (!PLQT_HAS(request, body_len) || !PLQT_HAS(sink, on_done) || !PLQT_HAS(request->target, host_len)) {
    why = "a struct is too small";
  } else if (request->flags) {
    status = PLQ_E_UNSUPPORTED;
    why = "the request has a flag that this transport does not know";
  } else if (request->method_len == 0 || request->path_len == 0) {
    why = "the method or the path is empty";
  }
  if (why) plqt_error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, 0, 0, "%s", why);
  return !why;
}

int32_t plqt_status_of_lack(int os_errno) {
  return os_errno == EMFILE || os_errno == ENFILE ? PLQ_E_RESOURCE_DESCRIPTORS : PLQ_E_RESOURCE_SYSTEM;
}

int32_t plqt_status_of_connect(int os_errno) {
  switch (os_errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
      return plqt_status_of_lack(os_errno);
    case ECONNREFUSED:
      return PLQ_E_CONNECT_REFUSED;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
      return PLQ_E_CONNECT_UNREACHABLE;
    default:
      return PLQ_E_CONNECT_FAILED;
  }
}

int32_t plqt_status_of_verify(int code) {
  switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return PLQ_E_VERIFY_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return PLQ_E_VERIFY_NOT_YET_VALID;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
      return PLQ_E_VERIFY_UNTRUSTED;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return PLQ_E_VERIFY_HOST;
    case X509_V_ERR_CERT_REVOKED:
      return PLQ_E_VERIFY_REVOKED;
    case X509_V_ERR_INVALID_PURPOSE:
      return PLQ_E_VERIFY_PURPOSE;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return PLQ_E_VERIFY_WEAK;
    case X509_V_ERR_PERMITTED_VIOLATION:
    case X509_V_ERR_EXCLUDED_VIOLATION:
    case X509_V_ERR_SUBTREE_MINMAX:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
    case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
      return PLQ_E_VERIFY_NAME_CONSTRAINT;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
      return PLQ_E_VERIFY_REVOCATION_UNKNOWN;
    default:
      return PLQ_E_VERIFY_CHAIN;
  }
}

static int32_t status_of_alert(int alert, bool certificate_seen) {
  switch (alert) {
    case 40: /* handshake_failure: how servers say that no cipher is shared, as long as they have not chosen one */
      return certificate_seen ? PLQ_E_TLS_ALERT : PLQ_E_TLS_CIPHER;
    case 71: /* insufficient_security */
      return PLQ_E_TLS_CIPHER;
    case 70: /* protocol_version */
      return PLQ_E_TLS_VERSION;
    default:
      return PLQ_E_TLS_ALERT;
  }
}

int32_t plqt_status_of_tls(int reason, bool certificate_seen) {
  switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_VERSION_TOO_HIGH:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_UNKNOWN_PROTOCOL:
      return PLQ_E_TLS_VERSION;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_NOT_SERVER:
      return PLQ_E_TLS_NOT_TLS;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_CIPHERS_AVAILABLE:
    case SSL_R_WRONG_CIPHER_RETURNED:
    case SSL_R_UNKNOWN_CIPHER_RETURNED:
      return PLQ_E_TLS_CIPHER;
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_ENCRYPTED_LENGTH_TOO_LONG:
    case SSL_R_DATA_LENGTH_TOO_LONG:
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
    case SSL_R_RECORD_LENGTH_MISMATCH:
    case SSL_R_BAD_RECORD_TYPE:
      return PLQ_E_TLS_RECORD;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return PLQ_E_TLS_HANDSHAKE_EOF;
    default:
      return reason >= SSL_AD_REASON_OFFSET ? status_of_alert(reason - SSL_AD_REASON_OFFSET, certificate_seen)
                                            : PLQ_E_TLS_HANDSHAKE;
  }
}

/* What libraries have no words for. */
static const struct explanation {
  int32_t status;
  const char *text;
} explanations[] = {
    {PLQ_E_CANCELLED, "cancelled"},
    {PLQ_E_IO_STALE_REUSE, "the kept-alive connection died after the request was written; it was not sent again"},
    {PLQ_E_IO_REFUSED_STREAM, "the server refused the stream"},
    {PLQ_E_TRUNCATED_NO_CLOSE_NOTIFY, "the response has neither Content-Length nor chunks, and its end was no close_notify"},
    {PLQ_E_RESOURCE_DESCRIPTORS, "no file descriptor is left"},
    {PLQ_E_RESOLVE_NOT_FOUND, "the host name does not exist or has no address"},
    {PLQ_E_RESOLVE_TEMPORARY, "the name service did not answer for now"},
    {PLQ_E_TIMEOUT_TOTAL, "the deadline passed"},
    {PLQ_E_TIMEOUT_RESOLVE, "resolve_timeout_ms passed"},
    {PLQ_E_TIMEOUT_CONNECT, "connect_timeout_ms passed"},
    {PLQ_E_TIMEOUT_PROXY, "connect_timeout_ms passed while the proxy was asked"},
    {PLQ_E_TIMEOUT_TLS, "tls_timeout_ms passed"},
    {PLQ_E_TIMEOUT_SEND, "the server took no byte of the request for idle_timeout_ms"},
    {PLQ_E_TIMEOUT_FIRST_BYTE, "no response came for idle_timeout_ms"},
    {PLQ_E_TIMEOUT_IDLE, "no byte of the response came for idle_timeout_ms"},
    {PLQ_E_TIMEOUT_POOL, "no connection became free"},
};

const char *plqt_explain(int32_t status) {
  for (size_t i = 0; i < sizeof explanations / sizeof *explanations; i++) {
    if (explanations[i].status == status) return explanations[i].text;
  }
  return NULL;
}
