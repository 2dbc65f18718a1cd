/* SPDX-License-Identifier: MIT */
/* From what the system and OpenSSL say to the vocabulary of the core. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

#include "plqo.h"

static const char *errno_text(int number, char *buffer, size_t size) {
  /* glibc's strerror_r answers the text, musl's a number. */
  return _Generic(strerror_r(number, buffer, size), char * : strerror_r(number, buffer, size), default : buffer);
}

static const char *tls_text(unsigned long error) {
  const char *text = error ? ERR_reason_error_string(error) : NULL;
  return text ? text : "the TLS library gives no reason";
}

static void say(plqo_operation *op, const char *what, const char *why) {
  snprintf(op->detail, sizeof op->detail, "%s: %s", what, why);
}

void plqo_fail_connect(plqo_operation *op, int os_errno) {
  char buffer[96] = "unknown error";
  op->os_errno = os_errno;
  say(op, "connect", errno_text(os_errno, buffer, sizeof buffer));
  plqo_operation_end(op, plqt_status_of_connect(os_errno), PLQ_PHASE_CONNECT, NULL);
}

static int32_t verify_failed(plqo_operation *op) {
  const plqo_conn *conn = op->conn;
  op->plugin_code = conn->verify_error;
  say(op, X509_verify_cert_error_string(conn->verify_error), conn->detail[0] ? conn->detail : op->target->host);
  return plqt_status_of_verify(conn->verify_error);
}

static int reason_of(const plqo_conn *conn) {
  return ERR_GET_LIB(conn->tls_error) == ERR_LIB_SSL ? ERR_GET_REASON(conn->tls_error) : 0;
}

void plqo_fail_handshake(plqo_operation *op, plqo_result result) {
  const plqo_conn *conn = op->conn;
  int32_t status = PLQ_E_TLS_HANDSHAKE_EOF;
  char buffer[96] = "unknown error";
  op->os_errno = conn->io_errno;
  if (conn->verify_error) {
    status = verify_failed(op);
  } else if (result == PLQO_BROKEN) {
    status = plqt_status_of_tls(reason_of(conn), conn->certificate_seen);
    op->plugin_code = (int64_t)conn->tls_error;
    say(op, "TLS handshake", tls_text(conn->tls_error));
  } else {
    say(op, "TLS handshake",
        conn->io_errno ? errno_text(conn->io_errno, buffer, sizeof buffer) : "the server ended the connection");
  }
  plqo_operation_end(op, status, PLQ_PHASE_TLS, NULL);
}

/* What a TLS error means once the handshake is over: an alert of the server, or a record that is none. */
static int32_t broken_status(const plqo_conn *conn) {
  return reason_of(conn) >= SSL_AD_REASON_OFFSET ? PLQ_E_TLS_ALERT : PLQ_E_TLS_RECORD;
}

void plqo_fail_io(plqo_operation *op, plqo_result result, int32_t truncated) {
  const plqo_conn *conn = op->conn;
  int32_t phase = op->write_failed && !op->progress.bytes ? PLQ_PHASE_SEND : plqo_operation_phase(op);
  int32_t status = truncated;
  char buffer[96] = "unknown error";
  op->os_errno = conn->io_errno;
  if (result == PLQO_BROKEN) {
    status = broken_status(conn);
    op->plugin_code = (int64_t)conn->tls_error;
    say(op, "TLS", tls_text(conn->tls_error));
  } else if (phase == PLQ_PHASE_SEND) {
    status = PLQ_E_IO_SEND;
    say(op, "send", conn->io_errno ? errno_text(conn->io_errno, buffer, sizeof buffer) : "the server ended the connection");
  } else if (result == PLQO_RESET) {
    status = conn->io_errno == ECONNRESET || conn->io_errno == EPIPE ? PLQ_E_IO_RESET : PLQ_E_IO_FAILED;
    say(op, "receive", errno_text(conn->io_errno, buffer, sizeof buffer));
  }
  if (op->reused && !op->progress.bytes && op->sent && result != PLQO_BROKEN) {
    status = PLQ_E_IO_STALE_REUSE;
    op->detail[0] = '\0';
  }
  plqo_operation_end(op, status, phase, NULL);
}

/* ---- times ---- */

static int64_t span(int64_t from, int64_t to) {
  return from && to && to >= from ? to - from : -1;
}

void plqo_transfer_fill(const plqo_operation *op, int64_t now, plq_transport_transfer *out) {
  int64_t began = op->resolve_at ? op->resolve_at : op->connect_at ? op->connect_at : op->ready_at;
  *out = (plq_transport_transfer){.struct_size = sizeof *out};
  out->queue_ns = span(op->submitted_ns, began);
  out->resolve_ns = op->resolve_took_ns;
  out->connect_ns = span(op->connect_at, op->tls_at);
  out->tls_ns = op->target && op->target->tls ? span(op->tls_at, op->ready_at) : -1;
  out->send_ns = span(op->ready_at, op->sent_at);
  out->first_byte_ns = span(op->sent_at, op->first_at);
  out->total_ns = now - op->submitted_ns;
  out->bytes_sent = op->out_at;
  out->bytes_received = op->progress.bytes;
}
