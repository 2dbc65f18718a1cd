/* SPDX-License-Identifier: MIT */
/* Writes response heads as the lines that a sink is given. */
#include "stub.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buffer_add(buffer *self, const char *data, size_t len) {
  if (self->failed || len == 0) return;
  if (self->len + len > self->capacity) {
    size_t capacity = (self->len + len) * 2;
    char *grown = self->host->realloc(self->host->context, self->data, capacity);
    if (grown == NULL) {
      self->failed = true;
      return;
    }
    self->data = grown;
    self->capacity = capacity;
  }
  memcpy(self->data + self->len, data, len);
  self->len += len;
}

void buffer_print(buffer *self, const char *format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  int len = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (len > 0) buffer_add(self, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

void buffer_clear(buffer *self) {
  if (self->data != NULL) self->host->free(self->host->context, self->data);
  *self = (buffer){.host = self->host};
}

void render_status(buffer *out, uint32_t http_version, int status, engine_text reason) {
  if (http_version == 20) {
    buffer_print(out, "HTTP/2 %03d\r\n", status);
    return;
  }
  buffer_print(out, "HTTP/%u.%u %03d ", http_version / 10, http_version % 10, status);
  buffer_add(out, reason.data, reason.len);
  buffer_add(out, "\r\n", 2);
}

void render_field(buffer *out, engine_text name, engine_text value) {
  buffer_add(out, name.data, name.len);
  buffer_add(out, ": ", 2);
  buffer_add(out, value.data, value.len);
  buffer_add(out, "\r\n", 2);
}

static engine_text text_of(const char *text) {
  return (engine_text){text, strlen(text)};
}

void render_answer(buffer *out, const engine_answer *answer) {
  render_status(out, 11, answer->status, text_of(engine_reason(answer->status)));
  for (size_t i = 0; i < answer->header_count; i++) {
    render_field(out, text_of(answer->headers[i].name), text_of(answer->headers[i].value));
  }
  buffer_print(out, "Content-Length: %zu\r\n\r\n", answer->body_len);
}

static size_t decimal_len(size_t number) {
  size_t len = 1;
  while (number >= 10) number /= 10, len++;
  return len;
}

uint64_t request_bytes(const plq_transport_request *request) {
  const char *authority = memchr(request->target->origin, '/', request->target->origin_len);
  size_t authority_at = authority == NULL ? 0 : (size_t)(authority - request->target->origin) + 2;
  uint64_t total = request->method_len + 1 + request->path_len + strlen(" HTTP/1.1\r\n");
  total += strlen("Host: \r\n") + request->target->origin_len - authority_at;
  if (request->body != NULL) total += strlen("Content-Length: \r\n") + decimal_len(request->body_len);
  for (size_t i = 0; i < request->header_count; i++) {
    const plq_transport_header *h = (const plq_transport_header *)((const char *)request->headers + i * request->header_stride);
    total += h->name_len + h->value_len + strlen(": \r\n");
  }
  return total + strlen("\r\n") + request->body_len;
}
