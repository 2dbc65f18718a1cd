/* SPDX-License-Identifier: MIT */
/* The request: made in one buffer, head and body together, so that it leaves in one TLS record; wiped as soon as it is written.
 */
#include <string.h>

#include "plqo.h"

#define KEEP_CAPACITY 16384 /* a larger buffer is not kept for the next request */

static char *put(char *at, const char *text, size_t len) {
  if (len) memcpy(at, text, len);
  return at + len;
}

#define PUT(at, literal) put((at), (literal), sizeof(literal) - 1)

/* In decimal. snprintf() would cost more than the rest of the head. */
static char *put_number(char *at, size_t number) {
  char digits[20];
  size_t first = sizeof digits;
  do digits[--first] = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  return put(at, digits + first, sizeof digits - first);
}

static const plq_transport_header *header_at(const plq_transport_request *request, size_t index) {
  return (const plq_transport_header *)(const void *)((const char *)request->headers + index * request->header_stride);
}

/* What follows scheme:// in the origin. */
static const char *authority(const plq_transport_target *target, size_t *out_len) {
  size_t skip = target->flags & PLQ_TARGET_TLS ? 8 : 7;
  *out_len = target->origin_len - skip;
  return target->origin + skip;
}

static size_t size_of(const plq_transport_request *request) {
  size_t size = request->method_len + request->path_len + request->target->origin_len + request->body_len + 80;
  for (size_t i = 0; i < request->header_count; i++) {
    const plq_transport_header *header = header_at(request, i);
    size += header->name_len + header->value_len + 4;
  }
  return size;
}

static bool reserve(plqo_operation *op, size_t size) {
  if (size <= op->out_capacity) return true;
  char *out = plqo_alloc(op->instance, size);
  if (!out) return false;
  plqo_free(op->instance, op->out);
  op->out = out;
  op->out_capacity = size;
  return true;
}

bool plqo_request_write(plqo_operation *op) {
  const plq_transport_request *request = op->request;
  size_t host_len;
  const char *host = authority(request->target, &host_len);
  if (!reserve(op, size_of(request))) return false;
  char *at = put(op->out, request->method, request->method_len);
  at = PUT(at, " ");
  at = put(at, request->path, request->path_len);
  at = PUT(at, " HTTP/1.1\r\nHost: ");
  at = put(at, host, host_len);
  at = PUT(at, "\r\n");
  for (size_t i = 0; i < request->header_count; i++) {
    const plq_transport_header *header = header_at(request, i);
    at = put(at, header->name, header->name_len);
    at = PUT(at, ": ");
    at = put(at, header->value, header->value_len);
    at = PUT(at, "\r\n");
  }
  if (request->body) {
    at = PUT(at, "Content-Length: ");
    at = put_number(at, request->body_len);
    at = PUT(at, "\r\n");
  }
  at = PUT(at, "\r\n");
  at = put(at, (const char *)request->body, request->body ? request->body_len : 0);
  op->out_len = (size_t)(at - op->out);
  op->out_at = 0;
  return true;
}

void plqo_request_forget(plqo_operation *op) {
  if (op->out_len) op->instance->host->wipe(op->out, op->out_len);
  op->out_len = 0;
  if (op->out_capacity <= KEEP_CAPACITY) return;
  plqo_free(op->instance, op->out);
  op->out = NULL;
  op->out_capacity = 0;
}

static void finish(plqo_operation *op) {
  int64_t now = plqo_now(op->instance);
  op->sent = true;
  op->sent_at = op->active_at = now;
  op->state = PLQO_RECEIVING;
  plqo_request_forget(op);
}

/*
 * A server may answer, and close, before it has read all: while the request does not go out, what comes in is read. If writing
 * fails, what came before that decides (RFC 9112 section 9.5).
 */
bool plqo_send_step(plqo_operation *op, int64_t now) {
  size_t written = 0;
  if (op->write_failed) return plqo_receive_step(op, now);
  op->handed = true;
  plqo_result result = plqo_conn_write(op->conn, op->out + op->out_at, op->out_len - op->out_at, &written);
  if (result == PLQO_DONE) {
    op->out_at += written;
    op->active_at = now;
    if (op->out_at == op->out_len) finish(op);
    return true;
  }
  if (result != PLQO_WAIT) {
    op->write_failed = true;
    op->conn->may_read = true;
  }
  return plqo_receive_step(op, now);
}
