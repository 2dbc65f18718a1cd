/* SPDX-License-Identifier: MIT */
/*
 * Where in a call an operation is, and when it has taken too long. libcurl's own limits are not used: it knows one for everything
 * up to the end of the TLS handshake and one for the whole, and reports both alike.
 */
#include "plqc.h"

#define UNSENT_MAX 8 /* to be looked at in one round */

static curl_off_t number(const plqc_operation *op, CURLINFO info) {
  curl_off_t value = 0;
  curl_easy_getinfo(op->easy, info, &value);
  return value;
}

static bool in_proxy(const plqc_operation *op) {
  long code = 0;
  if (!op->proxy_ns) return false;
  curl_easy_getinfo(op->easy, CURLINFO_HTTP_CONNECTCODE, &code);
  return code / 100 != 2;
}

int32_t plqc_phase(const plqc_operation *op) {
  if (op->response.bytes) return PLQ_PHASE_RECEIVE;
  if (op->accepted) return op->sent ? PLQ_PHASE_WAIT : PLQ_PHASE_SEND;
  if (op->connected_ns) return op->tls ? PLQ_PHASE_TLS : PLQ_PHASE_CONNECT;
  if (op->state == PLQC_RESOLVING || op->want_lookup) return PLQ_PHASE_RESOLVE;
  if (in_proxy(op)) return PLQ_PHASE_PROXY;
  return op->tls && op->tls_ns ? PLQ_PHASE_TLS : PLQ_PHASE_CONNECT;
}

/* Notes that the request is written, or at least that more of it is. */
static void look_at_upload(plqc_operation *op, int64_t now) {
  curl_off_t uploaded = number(op, CURLINFO_SIZE_UPLOAD_T);
  if (uploaded > op->uploaded) {
    op->uploaded = uploaded;
    op->active_ns = now;
  }
  if (uploaded >= (curl_off_t)op->request->body_len) {
    long request_size = 0;
    curl_easy_getinfo(op->easy, CURLINFO_REQUEST_SIZE, &request_size);
    if (request_size > 0) {
      op->sent = true;
      op->sent_ns = now;
    }
  }
}

void plqc_note_unsent(plqc_operation *op) {
  op->unsent = true;
  op->unsent_previous = NULL;
  op->unsent_next = op->engine->unsent;
  if (op->unsent_next) op->unsent_next->unsent_previous = op;
  op->engine->unsent = op;
}

void plqc_forget_unsent(plqc_operation *op) {
  if (!op->unsent) return;
  op->unsent = false;
  if (op->unsent_next) op->unsent_next->unsent_previous = op->unsent_previous;
  *(op->unsent_previous ? &op->unsent_previous->unsent_next : &op->engine->unsent) = op->unsent_next;
}

/* Those that were accepted last: they are the ones that libcurl has just written. Others have peers that do not read, and are
 * looked at when that matters. */
void plqc_look_at_unsent(plqc_engine *engine) {
  int64_t now = plqc_now(engine->instance);
  plqc_operation *op = engine->unsent;
  for (int i = 0; op && i < UNSENT_MAX; i++) {
    plqc_operation *next = op->unsent_next;
    if (!op->sent) look_at_upload(op, now);
    if (op->sent) plqc_forget_unsent(op);
    op = next;
  }
}

static int64_t limit_of_phase(const plqc_operation *op, int32_t phase, int32_t *out_status) {
  const plqc_config *config = &op->instance->config;
  switch (phase) {
    case PLQ_PHASE_RESOLVE:
      *out_status = PLQ_E_TIMEOUT_RESOLVE;
      return op->lookup_ns + config->resolve_ns;
    case PLQ_PHASE_CONNECT:
      *out_status = PLQ_E_TIMEOUT_CONNECT;
      return op->connect_ns ? op->connect_ns + config->connect_ns : PLQT_NEVER;
    case PLQ_PHASE_PROXY:
      *out_status = PLQ_E_TIMEOUT_PROXY;
      return op->proxy_ns + config->connect_ns;
    case PLQ_PHASE_TLS:
      *out_status = PLQ_E_TIMEOUT_TLS;
      return op->tls_ns + config->tls_ns;
    case PLQ_PHASE_SEND:
      *out_status = PLQ_E_TIMEOUT_SEND;
      return op->active_ns + config->idle_ns;
    case PLQ_PHASE_WAIT:
      *out_status = PLQ_E_TIMEOUT_FIRST_BYTE;
      return op->active_ns + config->idle_ns;
    default:
      *out_status = PLQ_E_TIMEOUT_IDLE;
      return op->active_ns + config->idle_ns;
  }
}

int64_t plqc_limit(plqc_operation *op, int64_t now, int32_t *out_status) {
  if (op->accepted && !op->sent) look_at_upload(op, now);
  int32_t phase = plqc_phase(op);
  int64_t at = limit_of_phase(op, phase, out_status);
  if (op->request->deadline_ns <= at) {
    /* Still waiting for a connection of the asynchronous half to become free? */
    bool queued = phase == PLQ_PHASE_CONNECT && !op->connect_ns && !op->connected_ns;
    *out_status = queued ? PLQ_E_TIMEOUT_POOL : PLQ_E_TIMEOUT_TOTAL;
    at = op->request->deadline_ns;
  }
  return at;
}

static int64_t span(int64_t from, int64_t to) {
  return from && to && to >= from ? to - from : -1;
}

void plqc_transfer_fill(const plqc_operation *op, int64_t now, plq_transport_transfer *out) {
  long request_size = 0;
  int64_t queued_until = op->lookup_ns ? op->lookup_ns : op->connect_ns ? op->connect_ns : op->connected_ns;
  *out = (plq_transport_transfer){.struct_size = sizeof *out};
  out->queue_ns = span(op->submitted_ns, queued_until);
  out->resolve_ns = op->lookup_ns ? op->resolve_took_ns : -1;
  out->connect_ns = out->tls_ns = -1;
  if (op->connect_ns) {
    /* All on one clock: libcurl's own times count from a start that is a little later than ours. */
    out->connect_ns = span(op->connect_ns, op->tls ? op->tls_ns : op->connected_ns);
    out->tls_ns = op->tls ? span(op->tls_ns, op->connected_ns) : -1;
  }
  out->send_ns = span(op->connected_ns, op->sent_ns);
  out->first_byte_ns = span(op->sent_ns, op->first_ns);
  out->total_ns = now - op->submitted_ns;
  curl_easy_getinfo(op->easy, CURLINFO_REQUEST_SIZE, &request_size);
  /* Of a body that did not fit beside the head libcurl counts the rest apart. */
  out->bytes_sent = request_size > 0 ? (uint64_t)request_size : 0;
  if (op->uploaded && op->uploaded > request_size) out->bytes_sent += (uint64_t)op->uploaded;
  out->bytes_received = op->response.bytes;
}
