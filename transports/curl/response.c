/* SPDX-License-Identifier: MIT */
/*
 * Passes the response on as it comes. The core reads and checks it; here only as much is understood as tells how the body ends,
 * because libcurl 7.88 takes a connection that just closes for the end of a body without length (it cannot tell FIN from
 * close_notify).
 */
#include "plqc.h"

#include <string.h>
#include <strings.h>

static void begin_head(plqc_response *response, const char *line, size_t len) {
  const char *space = memchr(line, ' ', len);
  uint64_t bytes = response->bytes;
  *response = (plqc_response){.head_begun = true, .bytes = bytes};
  response->version = line[5] == '2' ? 20 : len > 7 && line[7] == '0' ? 10 : 11;
  if (space && (size_t)(space - line) + 3 < len) {
    response->status = (space[1] - '0') * 100 + (space[2] - '0') * 10 + (space[3] - '0');
  }
}

/* The value of a field if the line is of that name. */
static const char *value_of(const char *line, size_t len, const char *name, size_t *out_len) {
  size_t name_len = strlen(name);
  if (len <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len) != 0) return NULL;
  const char *value = line + name_len + 1, *end = line + len;
  while (value < end && (*value == ' ' || *value == '\t')) value++;
  while (end > value && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ' || end[-1] == '\t')) end--;
  *out_len = (size_t)(end - value);
  return value;
}

static void look_at_field(plqc_response *response, const char *line, size_t len) {
  size_t value_len;
  const char *value;
  if ((line[0] | 0x20) == 'c' && (value = value_of(line, len, "content-length", &value_len))) {
    response->has_length = true;
    response->length = 0;
    for (size_t i = 0; i < value_len && value[i] >= '0' && value[i] <= '9'; i++) {
      response->length = response->length * 10 + (uint64_t)(value[i] - '0');
    }
  } else if ((line[0] | 0x20) == 't' && (value = value_of(line, len, "transfer-encoding", &value_len))) {
    response->chunked = value_len >= 7 && strncasecmp(value + value_len - 7, "chunked", 7) == 0;
  }
}

/* The head is complete. False: how the body ends cannot be known. */
static bool end_head(plqc_operation *op) {
  plqc_response *response = &op->response;
  int status = response->status;
  if (status / 100 == 1 && status != 101) {
    response->head_begun = false;
    return true;
  }
  response->head_done = true;
  if (status == 204 || status == 304 || (op->request->method_len == 4 && memcmp(op->request->method, "HEAD", 4) == 0)) {
    response->framing = PLQC_FRAMING_NONE;
  } else if (response->version == 20) {
    response->framing = PLQC_FRAMING_STREAM;
  } else if (response->chunked) {
    response->framing = PLQC_FRAMING_CHUNKED;
  } else if (response->has_length) {
    response->framing = PLQC_FRAMING_LENGTH;
  } else {
    op->verdict = PLQ_E_TRUNCATED_NO_CLOSE_NOTIFY;
    op->verdict_phase = PLQ_PHASE_RECEIVE;
    return false;
  }
  return true;
}

static void note_bytes(plqc_operation *op, size_t len) {
  op->active_ns = plqc_now(op->instance);
  if (!op->response.bytes) {
    op->first_ns = op->active_ns;
    if (!op->sent) op->sent_ns = op->active_ns;
    op->sent = true;
  }
  op->response.bytes += len;
}

size_t plqc_on_header(char *data, size_t size, size_t count, void *context) {
  plqc_operation *op = context;
  size_t len = size * count;
  plqc_response *response = &op->response;
  note_bytes(op, len);
  if (op->sink->on_line(op->sink->context, data, len)) {
    op->refused = true;
    return 0;
  }
  if (response->head_done) return len; /* a trailer */
  bool empty = data[0] == '\n' || (len > 1 && data[0] == '\r' && data[1] == '\n');
  if (!response->head_begun) {
    if (len > 5) begin_head(response, data, len);
  } else if (empty) {
    if (!end_head(op)) return 0;
  } else {
    look_at_field(response, data, len);
  }
  return len;
}

size_t plqc_on_body(char *data, size_t size, size_t count, void *context) {
  plqc_operation *op = context;
  size_t len = size * count;
  note_bytes(op, len);
  op->response.body += len;
  if (op->sink->on_body(op->sink->context, (const uint8_t *)data, len)) {
    op->refused = true;
    return 0;
  }
  return len;
}
