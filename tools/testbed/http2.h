/* SPDX-License-Identifier: MIT */
/* As much of HTTP/2 (RFC 9113) as tells when a stream begins and when its request is whole. Nothing is decoded. */
#ifndef TEST_HTTP2_H
#define TEST_HTTP2_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

typedef enum test_http2_event { TEST_HTTP2_INCOMPLETE, TEST_HTTP2_OTHER, TEST_HTTP2_WHOLE } test_http2_event;

typedef struct test_http2 {
  bool greeted;    /* the client's preface came */
  bool begun;      /* the frame that was taken last began a stream */
  uint32_t stream; /* of that frame */
  int position;    /* streams before it */
} test_http2;

/* Takes one frame off the front of what was received. */
test_http2_event test_http2_next(test_http2 *state, test_bytes *received);
/* What is told of a request: {"version": "HTTP/2", "stream", "connection", "position"}. */
json_object *test_http2_record(test_http2 *state, int connection);

#endif
