/* SPDX-License-Identifier: MIT */
#include "http2.h"

#include <string.h>

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum { PREFACE_LEN = sizeof preface - 1, FRAME_HEAD = 9, DATA = 0, HEADERS = 1, END_STREAM = 1 };

static test_http2_event take_preface(test_http2 *state, test_bytes *received) {
  if (received->len < PREFACE_LEN) return TEST_HTTP2_INCOMPLETE;
  if (memcmp(received->data, preface, PREFACE_LEN) != 0) test_die("the client does not speak HTTP/2");
  test_bytes_drop(received, PREFACE_LEN);
  state->greeted = true;
  return TEST_HTTP2_OTHER;
}

test_http2_event test_http2_next(test_http2 *state, test_bytes *received) {
  state->begun = false;
  if (!state->greeted) return take_preface(state, received);
  if (received->len < FRAME_HEAD) return TEST_HTTP2_INCOMPLETE;
  const unsigned char *head = (const unsigned char *)received->data;
  size_t len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
  unsigned type = head[3], flags = head[4];
  state->stream = ((uint32_t)head[5] << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 | head[8]) & 0x7fffffff;
  if (received->len < FRAME_HEAD + len) return TEST_HTTP2_INCOMPLETE;
  test_bytes_drop(received, FRAME_HEAD + len);
  state->begun = type == HEADERS;
  return (type == HEADERS || type == DATA) && (flags & END_STREAM) != 0 ? TEST_HTTP2_WHOLE : TEST_HTTP2_OTHER;
}

json_object *test_http2_record(test_http2 *state, int connection) {
  json_object *request = json_object_new_object();
  json_object_object_add(request, "version", json_object_new_string("HTTP/2"));
  json_object_object_add(request, "stream", json_object_new_int64(state->stream));
  json_object_object_add(request, "connection", json_object_new_int(connection));
  json_object_object_add(request, "position", json_object_new_int(state->position++));
  return request;
}
