/* SPDX-License-Identifier: MIT */
/*
 * One request from begin to report. A step does what the sockets and the clock allow and returns; whoever steps waits for the
 * sockets that the state is about, and for plqo_operation_next().
 */
#include <stdio.h>
#include <string.h>

#include "plqo.h"

void plqo_operation_init(plqo_operation *op, plqo_instance *instance, const atomic_bool *cancelled) {
  memset(op, 0, sizeof *op);
  op->instance = instance;
  op->cancelled = cancelled;
  plqt_timer_init(&op->timer);
}

void plqo_operation_clear(plqo_operation *op) {
  plqo_request_forget(op);
  plqo_free(op->instance, op->out);
}

/* ---- where it is ---- */

int32_t plqo_operation_phase(const plqo_operation *op) {
  switch (op->state) {
    case PLQO_RESOLVING:
      return PLQ_PHASE_RESOLVE;
    case PLQO_SECURING:
      return PLQ_PHASE_TLS;
    case PLQO_SENDING:
      return op->progress.bytes ? PLQ_PHASE_RECEIVE : PLQ_PHASE_SEND;
    case PLQO_RECEIVING:
      return op->progress.bytes ? PLQ_PHASE_RECEIVE : PLQ_PHASE_WAIT;
    default:
      return PLQ_PHASE_CONNECT;
  }
}

static int64_t phase_limit(const plqo_operation *op, int32_t *out_status) {
  const plqo_config *config = &op->instance->config;
  switch (op->state) {
    case PLQO_RESOLVING:
      *out_status = PLQ_E_TIMEOUT_RESOLVE;
      return op->resolve_at + config->resolve_ns;
    case PLQO_CONNECTING:
      *out_status = PLQ_E_TIMEOUT_CONNECT;
      return op->connect_at + config->connect_ns;
    case PLQO_SECURING:
      *out_status = PLQ_E_TIMEOUT_TLS;
      return op->tls_at + config->tls_ns;
    case PLQO_SENDING:
      *out_status = PLQ_E_TIMEOUT_SEND;
      return op->active_at + config->idle_ns;
    case PLQO_RECEIVING:
      *out_status = op->progress.bytes ? PLQ_E_TIMEOUT_IDLE : PLQ_E_TIMEOUT_FIRST_BYTE;
      return op->active_at + config->idle_ns;
    default:
      *out_status = PLQ_E_TIMEOUT_POOL;
      return PLQT_NEVER;
  }
}

int64_t plqo_operation_next(const plqo_operation *op, int32_t *out_status) {
  int64_t at = phase_limit(op, out_status);
  if (op->request->deadline_ns <= at) {
    at = op->request->deadline_ns;
    if (op->state != PLQO_QUEUED) *out_status = PLQ_E_TIMEOUT_TOTAL;
  }
  if (op->state != PLQO_CONNECTING || op->dial.next_ns >= at) return at;
  *out_status = PLQ_OK; /* the next address joins the race */
  return op->dial.next_ns;
}

/* ---- the end ---- */

static void leave_queue(plqo_operation *op) {
  plqo_engine *engine = op->engine;
  plqo_operation *before = op->waiting_previous, *after = op->waiting_next;
  *(before ? &before->waiting_next : &engine->waiting_first) = after;
  *(after ? &after->waiting_previous : &engine->waiting_last) = before;
}

void plqo_operation_end(plqo_operation *op, int32_t status, int32_t phase, const char *why) {
  plqo_engine *engine = op->engine;
  plqo_conn *conn = op->conn;
  if (op->state == PLQO_OVER) return;
  op->status = status;
  op->phase = phase;
  if (why) snprintf(op->detail, sizeof op->detail, "%s", why);
  if (op->state == PLQO_QUEUED) leave_queue(op);
  plqt_timer_stop(&engine->timers, &op->timer);
  plqo_dial_stop(op, op->active_at);
  plqo_request_forget(op);
  op->state = PLQO_OVER;
  op->conn = NULL;
  if (conn && status == PLQ_OK && (op->prewarm || (op->sent && op->progress.flags & PLQ_HTTP1_REUSABLE))) {
    plqo_engine_keep(engine, conn, op->active_at);
  } else if (conn) {
    if (op->handed && !op->sent) conn->fatal = true; /* half a request was written: no goodbye inside of it */
    plqo_conn_close(conn);
  }
  plqo_list_remove(&engine->active, op);
  plqo_list_add(&engine->over, op);
}

static bool is_limit(plqo_operation *op, int64_t now) {
  int32_t status;
  if (atomic_load_explicit(op->cancelled, memory_order_acquire)) {
    plqo_operation_end(op, PLQ_E_CANCELLED, plqo_operation_phase(op), NULL);
    return true;
  }
  if (plqo_operation_next(op, &status) > now || status == PLQ_OK) return false;
  plqo_operation_end(op, status, plqo_operation_phase(op), NULL);
  return true;
}

/* ---- the way through ---- */

static void queue(plqo_operation *op) {
  plqo_engine *engine = op->engine;
  op->state = PLQO_QUEUED;
  op->waiting_next = NULL;
  op->waiting_previous = engine->waiting_last;
  *(engine->waiting_last ? &engine->waiting_last->waiting_next : &engine->waiting_first) = op;
  engine->waiting_last = op;
}

/* A connection that is idle but goes elsewhere gives way. */
static bool may_open(plqo_engine *engine) {
  if (atomic_load(&engine->conn_count) < engine->conn_max) return true;
  if (!engine->idle) return false;
  plqo_conn *last = engine->idle;
  while (last->next) last = last->next;
  plqo_engine_drop_idle(engine, last);
  return true;
}

void plqo_operation_find_conn(plqo_operation *op, int64_t now) {
  if (op->state == PLQO_QUEUED) leave_queue(op);
  op->conn = op->prewarm ? NULL : plqo_engine_take(op->engine, op->target, now);
  if (op->conn) {
    op->conn->op = op;
    op->reused = op->conn->used;
    plqo_operation_ready(op, now);
  } else if (may_open(op->engine)) {
    plqo_dial_begin(op, now);
  } else {
    queue(op);
  }
}

void plqo_operation_begin(plqo_operation *op, plqo_engine *engine, const plq_transport_request *request,
                          const plq_transport_sink *sink, bool prewarm, int64_t submitted_ns, int64_t now) {
  op->engine = engine;
  op->request = request;
  op->sink = sink;
  op->prewarm = prewarm;
  op->submitted_ns = submitted_ns;
  op->active_at = now;
  op->conn = NULL;
  op->reused = op->handed = op->sent = op->write_failed = false;
  op->resolve_at = op->connect_at = op->tls_at = op->ready_at = op->sent_at = op->first_at = 0;
  op->resolve_took_ns = -1;
  op->out_len = op->out_at = 0;
  op->os_errno = 0;
  op->plugin_code = 0;
  op->detail[0] = '\0';
  op->progress = (plq_http1_progress){.struct_size = sizeof op->progress, .keep_alive_ms = -1};
  op->state = PLQO_CONNECTING;
  op->dial.next_ns = PLQT_NEVER;
  op->dial.racer_count = 0;
  plqo_list_add(&engine->active, op);
  if (!plqo_target_is(op->target, request->target)) op->target = plqo_target_get(op->instance, request->target);
  if (!op->target) {
    plqo_operation_end(op, PLQ_E_MEMORY, PLQ_PHASE_CONFIG, NULL);
  } else if (atomic_load(op->cancelled)) {
    plqo_operation_end(op, PLQ_E_CANCELLED, PLQ_PHASE_CONNECT, NULL);
  } else if (request->deadline_ns <= now) {
    plqo_operation_end(op, PLQ_E_TIMEOUT_TOTAL, PLQ_PHASE_CONNECT, NULL);
  } else {
    plqo_operation_find_conn(op, now);
  }
}

/* The connection is there: the core has its say, and the request may leave. */
void plqo_operation_ready(plqo_operation *op, int64_t now) {
  plqo_conn *conn = op->conn;
  op->ready_at = op->active_at = op->reused ? now : plqo_now(op->instance); /* a handshake takes time since it was woken */
  if (op->prewarm) {
    plqo_operation_end(op, PLQ_OK, PLQ_PHASE_NONE, NULL);
    return;
  }
  conn->facts.flags = (conn->facts.flags & ~PLQ_FACT_REUSED) | (op->reused ? PLQ_FACT_REUSED : 0);
  conn->idle_until_ns = 0;
  if (op->sink->on_connected(op->sink->context, &conn->facts)) {
    plqo_operation_end(op, PLQ_E_CANCELLED, conn->ssl ? PLQ_PHASE_TLS : PLQ_PHASE_CONNECT, NULL);
  } else if (!plqo_request_write(op)) {
    plqo_operation_end(op, PLQ_E_MEMORY, PLQ_PHASE_SEND, NULL);
  } else {
    op->instance->http1->begin(conn->parser, op->request, op->sink);
    op->state = PLQO_SENDING;
  }
}

static bool secure_step(plqo_operation *op, int64_t now) {
  plqo_result result = op->target->tls ? plqo_conn_handshake(op->conn) : PLQO_DONE;
  if (result == PLQO_WAIT) return false;
  int32_t status = result == PLQO_DONE ? plqo_facts_gather(op->conn) : PLQ_OK;
  if (result != PLQO_DONE) {
    plqo_fail_handshake(op, result);
  } else if (status) {
    plqo_operation_end(op, status, PLQ_PHASE_TLS, NULL);
  } else {
    plqo_operation_ready(op, now);
  }
  return true;
}

void plqo_operation_step(plqo_operation *op, int64_t now) {
  bool more = op->state != PLQO_OVER && !is_limit(op, now);
  while (more) {
    switch (op->state) {
      case PLQO_RESOLVING:
      case PLQO_CONNECTING: {
        plqo_state before = op->state;
        plqo_dial_step(op, now);
        more = op->state != before;
        break;
      }
      case PLQO_SECURING:
        more = secure_step(op, now);
        break;
      case PLQO_SENDING:
        more = plqo_send_step(op, now);
        break;
      case PLQO_RECEIVING:
        more = plqo_receive_step(op, now);
        break;
      default:
        more = false;
    }
  }
}

void plqo_operation_report(plqo_operation *op, int64_t now) {
  plq_transport_transfer transfer;
  plq_transport_error error = {.struct_size = sizeof error};
  const plq_transport_sink *sink = op->sink;
  int32_t status = op->status;
  plqo_list_remove(&op->engine->over, op);
  plqo_transfer_fill(op, now, &transfer);
  if (status) {
    const char *text = op->detail[0] ? op->detail : plqt_explain(status);
    plqt_error_set(&error, status, op->phase, op->handed ? PLQ_DELIVERY_MAYBE_SENT : PLQ_DELIVERY_NOT_SENT, op->os_errno,
                   op->plugin_code, "%s", text ? text : "");
  }
  op->state = PLQO_IDLE;
  op->request = NULL;
  op->sink = NULL;
  sink->on_done(sink->context, status ? &error : NULL, &transfer);
}
