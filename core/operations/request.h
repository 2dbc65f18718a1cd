/* SPDX-License-Identifier: MIT */
#ifndef PLQ_OPERATIONS_REQUEST_H
#define PLQ_OPERATIONS_REQUEST_H

#include <plastiq/request.h>

#include "operation.h"

struct json_object;

struct plq__header {
  char *name, *value;
  size_t value_len;
  bool sensitive;
  struct plq__header *next;
};

struct plq_request {
  const struct plq__operation *operation;
  struct plq__header *headers, **headers_end;
  size_t header_bytes; /* of names and values in headers */
  struct json_object *extra; /* NULL: none */
  int64_t timeout_ms;        /* 0: the client's */
  int32_t max_repeats;       /* -1: the client's */
  struct plq__event_log *events; /* borrowed: where what happens is written down, or NULL */
  char *values[];                /* one for each field, NULL: not set */
};

#endif
