/* SPDX-License-Identifier: MIT */
/* One attempt, from its connection to on_done. No lock is held while a sink is called. */
#include "stub.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int32_t error_set(plq_transport_error *error, int32_t status, int32_t phase, int32_t delivery, const char *format, ...) {
  plq_transport_error e = {.struct_size = sizeof e, .status = status, .phase = phase, .delivery = delivery};
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(e.message, sizeof e.message, format, arguments);
  va_end(arguments);
  if (error != NULL && error->struct_size >= sizeof e) *error = e;
  return status;
}

static void unlink_locked(operation *op) {
  operation **place = &op->instance->operations;
  while (*place != NULL && *place != op) place = &(*place)->next;
  if (*place != NULL) *place = op->next;
}

void operation_begin(operation *op, plq_transport_instance *self, const plq_transport_request *request,
                     const plq_transport_sink *sink) {
  *op = (operation){.instance = self, .request = request, .sink = sink, .state = OP_RUNNING, .phase = PLQ_PHASE_CONNECT};
  op->delivery = PLQ_DELIVERY_NOT_SENT;
  op->response.own_head.host = self->host;
  pthread_mutex_lock(&self->lock);
  op->started_ns = self->now_ns;
  op->number = ++self->submitted;
  operation **end = &self->operations;
  while (*end != NULL) end = &(*end)->next;
  *end = op;
  pthread_mutex_unlock(&self->lock);
}

bool sink_is_cancelled(const plq_transport_sink *sink) {
  bool there = sink->struct_size >= offsetof(plq_transport_sink, is_cancelled) + sizeof sink->is_cancelled;
  return there && sink->is_cancelled != NULL && sink->is_cancelled(sink->context) != 0;
}

int64_t operation_due_ns(const operation *op) {
  if (op->cancelled) return op->instance->now_ns;
  return op->wake_ns < op->request->deadline_ns ? op->wake_ns : op->request->deadline_ns;
}

/* ---- how it ends ---- */

void operation_finish(operation *op, const plq_transport_error *error, const plq_transport_transfer *recorded) {
  plq_transport_instance *self = op->instance;
  plq_transport_transfer t = {.struct_size = sizeof t,
                              .queue_ns = -1,
                              .resolve_ns = -1,
                              .connect_ns = -1,
                              .tls_ns = -1,
                              .send_ns = -1,
                              .first_byte_ns = -1};
  pthread_mutex_lock(&self->lock);
  unlink_locked(op);
  t.total_ns = self->now_ns - op->started_ns;
  connection_end(op, error == NULL && !(op->entry != NULL && op->entry->close));
  pthread_mutex_unlock(&self->lock);
  if (op->sent) {
    t.bytes_sent = request_bytes(op->request);
    t.queue_ns = t.send_ns = 0;
    if (!op->reused) t.resolve_ns = t.connect_ns = t.tls_ns = 0;
    if (op->received > 0) t.first_byte_ns = t.total_ns;
  }
  t.bytes_received = op->received;
  buffer_clear(&op->response.own_head);
  engine_answer_clear(&op->response.answer);
  op->ended = true;
  op->sink->on_done(op->sink->context, error, recorded != NULL ? recorded : &t);
}

static void finish(operation *op, const plq_transport_error *error) {
  operation_finish(op, error, NULL);
}

void operation_fail(operation *op, int32_t status, const char *message) {
  plq_transport_error error = {.struct_size = sizeof error};
  error_set(&error, status, op->phase, op->delivery, "%s", message);
  finish(op, &error);
}

static void fail_as_scripted(operation *op) {
  const script_fault *f = &op->entry->fault;
  plq_transport_error error = {.struct_size = sizeof error};
  error_set(&error, f->status, f->phase, f->delivery, "%s", f->message);
  error.os_errno = f->os_errno;
  finish(op, &error);
}

void operation_drop(operation *op) {
  operation_fail(op, PLQ_E_CANCELLED, "the operation was cancelled");
}

bool operation_go_on(operation *op) {
  plq_transport_instance *self = op->instance;
  int64_t deadline = op->request->deadline_ns;
  pthread_mutex_lock(&self->lock);
  bool stop = op->cancelled;
  bool late = self->now_ns > deadline || (op->state == OP_WAITING && self->now_ns == deadline && op->wake_ns > deadline);
  op->state = OP_RUNNING;
  pthread_mutex_unlock(&self->lock);
  if (stop)
    operation_drop(op);
  else if (late)
    operation_fail(op, PLQ_E_TIMEOUT_TOTAL, "the deadline passed");
  return !stop && !late;
}

bool operation_wait(operation *op, int64_t delay_ns) {
  pthread_mutex_lock(&op->instance->lock);
  op->state = OP_WAITING;
  op->wake_ns = delay_ns > FOREVER - op->started_ns ? FOREVER : op->started_ns + delay_ns;
  pthread_mutex_unlock(&op->instance->lock);
  return false;
}

bool operation_stopped(operation *op, const char *what) {
  if (!op->ended) operation_fail(op, PLQ_E_CANCELLED, what);
  return true;
}

/* ---- what it delivers ---- */

static bool deliver_lines(operation *op, engine_text lines) {
  while (lines.len > 0) {
    const char *newline = memchr(lines.data, '\n', lines.len);
    size_t len = newline == NULL ? lines.len : (size_t)(newline - lines.data) + 1;
    op->received += len;
    if (op->sink->on_line(op->sink->context, lines.data, len) != 0) return false;
    lines.data += len;
    lines.len -= len;
  }
  return true;
}

bool operation_pause(operation *op, int64_t delay_ns) {
  plq_transport_instance *self = op->instance;
  if (delay_ns == 0) return true;
  int64_t until = stub_now_ns(self) + delay_ns;
  bool late = until > op->request->deadline_ns;
  stub_sleep_until_ns(self, late ? op->request->deadline_ns : until);
  if (late) operation_fail(op, PLQ_E_TIMEOUT_TOTAL, "the deadline passed");
  return !late;
}

static bool deliver_body(operation *op, engine_text body) {
  uint64_t piece = op->entry == NULL || op->entry->pieces == 0 ? UINT64_MAX : op->entry->pieces;
  while (body.len > 0) {
    size_t len = piece < body.len ? (size_t)piece : body.len;
    op->received += len;
    if (op->sink->on_body(op->sink->context, (const uint8_t *)body.data, len) != 0) return false;
    if (!operation_go_on(op)) return false;
    body.data += len;
    body.len -= len;
    if (body.len > 0 && op->entry != NULL && !operation_pause(op, op->entry->piece_delay_ns)) return false;
  }
  return true;
}

static bool deliver(operation *op) {
  const response *r = &op->response;
  const script_fault *f = op->entry == NULL || op->entry->fault.after == FAULT_NONE ? NULL : &op->entry->fault;
  engine_text body = r->body;
  op->phase = PLQ_PHASE_RECEIVE;
  if (!deliver_lines(op, r->head)) return operation_stopped(op, "the host stopped at the response's head");
  if (!operation_go_on(op)) return true;
  if (f != NULL && f->after == FAULT_AFTER_HEAD) {
    fail_as_scripted(op);
    return true;
  }
  if (f != NULL && f->body_bytes < body.len) body.len = (size_t)f->body_bytes;
  if (!deliver_body(op, body)) return operation_stopped(op, "the host stopped at the response's body");
  if (f != NULL)
    fail_as_scripted(op);
  else if (op->entry != NULL && op->entry->truncated)
    operation_fail(op, PLQ_E_TRUNCATED_BODY, "the script's body is shorter than its Content-Length");
  else if (!deliver_lines(op, r->trailers))
    operation_stopped(op, "the host stopped at the response's trailers");
  else
    finish(op, NULL);
  return true;
}

/* ---- who answers ---- */

static bool ask_engine(operation *op) {
  response *r = &op->response;
  const plq_transport_request *request = op->request;
  const plq_transport_host *host = op->instance->host;
  size_t count = request->header_count;
  engine_header *headers = host->alloc(host->context, (count > 0 ? count : 1) * sizeof *headers);
  if (headers == NULL) return false;
  for (size_t i = 0; i < count; i++) {
    const plq_transport_header *h = (const plq_transport_header *)((const char *)request->headers + i * request->header_stride);
    headers[i] = (engine_header){{h->name, h->name_len}, {h->value, h->value_len}};
  }
  engine_request question = {{request->method, request->method_len},
                             {request->path, request->path_len},
                             headers,
                             count,
                             {(const char *)request->body, request->body_len}};
  pthread_mutex_lock(&op->instance->lock);
  bool good = engine_handle(op->instance->engine, &question, &r->answer);
  pthread_mutex_unlock(&op->instance->lock);
  host->free(host->context, headers);
  if (!good) return false;
  render_answer(&r->own_head, &r->answer);
  r->head = (engine_text){r->own_head.data, r->own_head.len};
  r->body = (engine_text){r->answer.body, r->answer.body_len};
  return !r->own_head.failed;
}

/* Finds what the response is. A request whose fault says that it was not sent does not reach the engine. */
static bool find_response(operation *op) {
  const script_entry *e = op->entry;
  response *r = &op->response;
  if (e == NULL) return ask_engine(op);
  if (e->engine) {
    bool lost = e->fault.after == FAULT_AFTER_CONNECTED && e->fault.delivery == PLQ_DELIVERY_NOT_SENT;
    return lost || ask_engine(op);
  }
  r->head = (engine_text){e->head.data, e->head.len};
  r->body = (engine_text){e->body.data, e->body.len};
  r->trailers = (engine_text){e->trailers.data, e->trailers.len};
  return true;
}

static const script_entry *take_entry(plq_transport_instance *self) {
  pthread_mutex_lock(&self->lock);
  const script_entry *entry = self->script.next < self->script.count ? &self->script.entries[self->script.next++] : NULL;
  pthread_mutex_unlock(&self->lock);
  return entry;
}

static bool connect_and_send(operation *op) {
  plq_transport_connection connection;
  connection_take(op);
  connection_describe(op, &connection);
  if (op->sink->on_connected(op->sink->context, &connection) != 0)
    return operation_stopped(op, "the host refused the connection");
  if (!operation_go_on(op)) return true;
  op->sent = true;
  op->phase = PLQ_PHASE_WAIT;
  op->delivery = PLQ_DELIVERY_MAYBE_SENT;
  if (op->entry != NULL && op->entry->hang) return operation_wait(op, FOREVER);
  if (!find_response(op)) {
    operation_fail(op, PLQ_E_MEMORY, "out of memory");
    return true;
  }
  if (op->entry != NULL && op->entry->delay_ns > 0) return operation_wait(op, op->entry->delay_ns);
  return operation_resume(op);
}

bool operation_start(operation *op) {
  if (sink_is_cancelled(op->sink)) {
    operation_drop(op);
    return true;
  }
  if (!operation_go_on(op)) return true;
  if (op->instance->replaying) return replay_start(op);
  op->entry = take_entry(op->instance);
  const script_fault *f = op->entry == NULL ? NULL : &op->entry->fault;
  if (f == NULL || f->after != FAULT_AT_START) return connect_and_send(op);
  op->phase = f->phase;
  op->delivery = f->delivery;
  if (op->entry->delay_ns > 0) return operation_wait(op, op->entry->delay_ns);
  fail_as_scripted(op);
  return true;
}

bool operation_resume(operation *op) {
  if (!operation_go_on(op)) return true;
  if (op->recorded != NULL) return replay_resume(op);
  fault_point after = op->entry == NULL ? FAULT_NONE : op->entry->fault.after;
  if (after != FAULT_AT_START && after != FAULT_AFTER_CONNECTED) return deliver(op);
  fail_as_scripted(op);
  return true;
}
