/* SPDX-License-Identifier: MIT */
/* From what libcurl, OpenSSL and the system say to the vocabulary of the core. */
#include "plqc.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What an operation failed of. */
typedef struct finding {
  int32_t status, phase;
  int64_t plugin_code;
} finding;

static bool says(const plqc_operation *op, const char *text) {
  return strstr(op->text, text) != NULL;
}

/* The reason in "error:0A000410:SSL routines::..", or -1. */
static int tls_reason(const plqc_operation *op) {
  const char *at = strstr(op->text, "error:");
  if (!at) return -1;
  unsigned long code = strtoul(at + 6, NULL, 16);
  return ERR_GET_LIB(code) == ERR_LIB_SSL ? (int)ERR_GET_REASON(code) : -1;
}

static int32_t status_of_handshake(const plqc_operation *op) {
  int reason = tls_reason(op);
  if (reason >= 0) return plqt_status_of_tls(reason, op->certificate_seen);
  if (says(op, "SSL_ERROR_SYSCALL") || says(op, "reset by peer") || says(op, "Broken pipe")) return PLQ_E_TLS_HANDSHAKE_EOF;
  return PLQ_E_TLS_HANDSHAKE;
}

static finding verify_finding(const plqc_operation *op) {
  /* The verify callback sees every fault of the chain. What is left is libcurl's own comparison of names. */
  int code = op->verify_error ? op->verify_error : X509_V_ERR_HOSTNAME_MISMATCH;
  return (finding){plqt_status_of_verify(code), PLQ_PHASE_TLS, code};
}

static finding proxy_finding(const plqc_operation *op, long connect_code) {
  int32_t status = PLQ_E_PROXY_STATUS;
  if (connect_code == 407) {
    status = PLQ_E_PROXY_AUTHENTICATION;
  } else if (connect_code / 100 == 5) {
    status = PLQ_E_PROXY_UNAVAILABLE;
  } else if (connect_code / 100 == 2) {
    status = PLQ_E_PROXY_PROTOCOL; /* yes, but in a head without end */
  } else if (connect_code == 0) {
    status = says(op, "aborted") || op->code == CURLE_GOT_NOTHING || op->code == CURLE_SEND_ERROR ? PLQ_E_PROXY_CLOSED
                                                                                                  : PLQ_E_PROXY_PROTOCOL;
  }
  return (finding){status, PLQ_PHASE_PROXY, connect_code ? connect_code : (int64_t)op->code};
}

static finding connect_finding(const plqc_operation *op, int os_errno) {
  return (finding){plqt_status_of_connect(os_errno), PLQ_PHASE_CONNECT, op->code};
}

/* The response ended, or the connection did, after the request was on its way. */
static int32_t status_of_end(const plqc_operation *op, int os_errno) {
  const plqc_response *response = &op->response;
  int reason = tls_reason(op);
  if (os_errno == ECONNRESET || says(op, "Connection reset")) return PLQ_E_IO_RESET;
  if (reason >= SSL_AD_REASON_OFFSET) return PLQ_E_TLS_ALERT;
  if (reason >= 0 && reason != SSL_R_UNEXPECTED_EOF_WHILE_READING) return PLQ_E_TLS_RECORD;
  if (!response->head_begun) return PLQ_E_TRUNCATED_NO_RESPONSE;
  if (!response->head_done) return PLQ_E_TRUNCATED_HEAD;
  return response->framing == PLQC_FRAMING_CHUNKED ? PLQ_E_TRUNCATED_CHUNK : PLQ_E_TRUNCATED_BODY;
}

static int32_t status_of_receive(const plqc_operation *op, int os_errno) {
  if (says(op, "in chunked-encoding") || says(op, "chunk hex-length") || says(op, "Illegal or missing hexadecimal")) {
    return PLQ_E_PROTOCOL_CHUNK;
  }
  if (says(op, "Too large response headers")) return PLQ_E_LIMIT_HEAD;
  if (says(op, "HTTP/2") && !op->response.bytes && os_errno == 0 && tls_reason(op) < 0) return PLQ_E_IO_RESET;
  if (os_errno == 0 && tls_reason(op) < 0 && !says(op, "SSL_read") && op->text[0]) return PLQ_E_IO_FAILED;
  return status_of_end(op, os_errno);
}

static int32_t status_of_strange(const plqc_operation *op) {
  if (says(op, "Content-Length")) return PLQ_E_PROTOCOL_CONTENT_LENGTH;
  if (says(op, "Header without colon") || says(op, "Nul byte")) return PLQ_E_PROTOCOL_FIELD;
  if (says(op, "Transfer-Encoding") || says(op, "transfer-encoding")) return PLQ_E_PROTOCOL_TRANSFER_ENCODING;
  return op->response.head_begun || op->response.head_done ? PLQ_E_PROTOCOL_VIOLATION : PLQ_E_PROTOCOL_STATUS_LINE;
}

static int32_t status_after_send(const plqc_operation *op, int os_errno) {
  switch (op->code) {
    case CURLE_GOT_NOTHING:
      return op->response.head_begun ? PLQ_E_TRUNCATED_HEAD : PLQ_E_TRUNCATED_NO_RESPONSE;
    case CURLE_PARTIAL_FILE:
      return status_of_end(op, os_errno);
    case CURLE_SEND_ERROR:
      /* Also what libcurl says when its poll sees the reset after all was written. */
      return os_errno == ECONNRESET || plqc_phase(op) > PLQ_PHASE_SEND ? PLQ_E_IO_RESET : PLQ_E_IO_SEND;
    case CURLE_SEND_FAIL_REWIND:
      return PLQ_E_IO_STALE_REUSE;
    case CURLE_RECV_ERROR:
      return status_of_receive(op, os_errno);
    case CURLE_UNSUPPORTED_PROTOCOL: /* a status line that is not HTTP, or HTTP/0.9 */
      return PLQ_E_PROTOCOL_STATUS_LINE;
    case CURLE_WEIRD_SERVER_REPLY:
      return status_of_strange(op);
    case CURLE_BAD_CONTENT_ENCODING:
      return PLQ_E_PROTOCOL_TRANSFER_ENCODING;
    case CURLE_FILESIZE_EXCEEDED:
      return PLQ_E_PROTOCOL_CONTENT_LENGTH;
    case CURLE_HTTP2_STREAM:
      return says(op, "REFUSED_STREAM") ? PLQ_E_IO_REFUSED_STREAM
             : op->response.head_done   ? PLQ_E_TRUNCATED_BODY
                                        : PLQ_E_IO_RESET;
    case CURLE_HTTP2:
      /* Without a word: the server ended the session. That may have been a GOAWAY below our stream, but libcurl does not tell. */
      return op->text[0] || op->response.bytes ? PLQ_E_PROTOCOL_HTTP2 : PLQ_E_IO_RESET;
    case CURLE_OUT_OF_MEMORY:
      /* Also what libcurl 7.88 says to a header line of 100 KB. */
      return op->sent && !op->response.head_done ? PLQ_E_LIMIT_LINE : PLQ_E_MEMORY;
    default:
      /* A trailer that libcurl cannot read comes with whatever code it had at hand. */
      return says(op, "chunked-encoded stream") ? PLQ_E_PROTOCOL_CHUNK : PLQ_E_IO_FAILED;
  }
}

static finding before_send(const plqc_operation *op, int os_errno) {
  long connect_code = 0;
  int32_t phase = plqc_phase(op);
  curl_easy_getinfo(op->easy, CURLINFO_HTTP_CONNECTCODE, &connect_code);
  switch (op->code) {
    case CURLE_OUT_OF_MEMORY:
      return (finding){PLQ_E_MEMORY, phase, op->code};
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return (finding){PLQ_E_RESOLVE_FAILED, PLQ_PHASE_RESOLVE, op->code};
    case CURLE_COULDNT_CONNECT:
      return connect_finding(op, os_errno);
    case CURLE_PEER_FAILED_VERIFICATION:
      return verify_finding(op);
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
      return (finding){PLQ_E_VERIFY_PIN, PLQ_PHASE_TLS, op->code};
    case CURLE_SSL_CERTPROBLEM:
      return (finding){PLQ_E_CLIENT_CERTIFICATE, PLQ_PHASE_TLS, op->code};
    case CURLE_OPERATION_TIMEDOUT:
      return (finding){PLQ_E_TIMEOUT_CONNECT, phase, op->code};
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return (finding){PLQ_E_UNSUPPORTED, PLQ_PHASE_CONFIG, op->code};
    default:
      break;
  }
  /* No tunnel, or a yes whose head was not read to its end. */
  bool no_tunnel = connect_code / 100 != 2 || says(op, "CONNECT") || says(op, "Too large response headers");
  if (op->instance->config.proxy && op->connect_ns && no_tunnel && op->code != CURLE_SSL_CONNECT_ERROR) {
    return proxy_finding(op, connect_code);
  }
  if (op->code == CURLE_SSL_CONNECT_ERROR) return (finding){status_of_handshake(op), PLQ_PHASE_TLS, op->code};
  return (finding){op->tls_ns ? PLQ_E_TLS_HANDSHAKE : PLQ_E_CONNECT_FAILED, phase, op->code};
}

/* libcurl says that all went well. Did it? */
static int32_t incomplete(const plqc_operation *op) {
  const plqc_response *response = &op->response;
  if (!response->head_begun) return PLQ_E_TRUNCATED_NO_RESPONSE;
  if (!response->head_done) return PLQ_E_TRUNCATED_HEAD;
  if (response->framing == PLQC_FRAMING_LENGTH && response->body < response->length) return PLQ_E_TRUNCATED_BODY;
  return PLQ_OK;
}

static finding find(const plqc_operation *op, int os_errno) {
  int32_t phase = plqc_phase(op);
  if (op->refused) return (finding){PLQ_E_CANCELLED, phase, 0};
  if (op->verdict) return (finding){op->verdict, op->verdict_phase, op->plugin_code};
  if (atomic_load(op->cancelled) && op->code == CURLE_ABORTED_BY_CALLBACK) return (finding){PLQ_E_CANCELLED, phase, 0};
  if (op->resent) {
    /* On a connection that nobody else has used libcurl sends again only what the server refused unseen (HTTP/2 REFUSED_STREAM).
     */
    bool unseen = op->connected_version == 20 && !op->first_reused && op->alone;
    return (finding){unseen ? PLQ_E_IO_REFUSED_STREAM : PLQ_E_IO_STALE_REUSE, PLQ_PHASE_WAIT, op->code};
  }
  if (op->prewarm && op->connected_ns && op->code == CURLE_PARTIAL_FILE) return (finding){PLQ_OK, phase, 0};
  if (op->code == CURLE_OK) return (finding){incomplete(op), phase, 0};
  if (!op->accepted) return before_send(op, os_errno);
  int32_t status = status_after_send(op, os_errno);
  bool died = status == PLQ_E_IO_RESET || status == PLQ_E_TRUNCATED_NO_RESPONSE;
  if (died && op->first_reused && !op->response.bytes && op->code != CURLE_HTTP2_STREAM) status = PLQ_E_IO_STALE_REUSE;
  /* Something came if it was wrong, also where libcurl passed nothing of it on. */
  if (status / 1000 == PLQ_KIND_PROTOCOL || status / 1000 == PLQ_KIND_LIMIT) phase = PLQ_PHASE_RECEIVE;
  return (finding){status, phase, op->code};
}

static const char *explain(const plqc_operation *op, int32_t status) {
  if (op->detail[0]) return op->detail;
  if (status == PLQ_E_TRUNCATED_NO_CLOSE_NOTIFY) {
    return "the response has neither Content-Length nor chunks: libcurl cannot tell its end from a cut";
  }
  const char *text = plqt_explain(status);
  if (text) return text;
  if (op->text[0]) return op->text;
  return op->code ? curl_easy_strerror(op->code) : "";
}

/* CURLINFO_OS_ERRNO may be that of closing the connection. */
static int errno_of(const plqc_operation *op) {
  long os_errno = op->open_errno;
  if (says(op, "Connection reset by peer")) return ECONNRESET;
  if (!os_errno && op->code) curl_easy_getinfo(op->easy, CURLINFO_OS_ERRNO, &os_errno);
  return (int)os_errno;
}

bool plqc_error_of(plqc_operation *op, plq_transport_error *error) {
  int os_errno = errno_of(op);
  finding found = find(op, os_errno);
  if (found.status == PLQ_OK) return false;
  bool unsent = !op->accepted || found.status == PLQ_E_IO_REFUSED_STREAM;
  int32_t delivery = unsent ? PLQ_DELIVERY_NOT_SENT : PLQ_DELIVERY_MAYBE_SENT;
  plqt_error_set(error, found.status, found.phase, delivery, os_errno, found.plugin_code, "%.255s", explain(op, found.status));
  return true;
}
