/* SPDX-License-Identifier: MIT */
/*
 * The response head, line by line: one strict validator for every transport (RFC 9112 sections 2.2, 4, 5 and 6, RFC 9110 section 5).
 * No allocation. Lines come as they were on the wire, line end included; HTTP/2 heads come as lines too.
 */
#ifndef PLQ_CODEC_HEAD_H
#define PLQ_CODEC_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plq__head {
  size_t max_bytes; /* 1xx heads, the final head and trailers together */
  size_t bytes;
  uint32_t fields;
  uint32_t interim;
  int state;            /* private */
  int32_t http_status;  /* of the final head; 0 until its status line came */
  int32_t http_version; /* 10, 11, 20 */
  bool complete;        /* the final head's empty line came: body and trailers follow */
  bool has_length, chunked, no_body;
  uint64_t content_length;
  char trace_id[37];    /* the first valid Trace-Id, or "" */
  char retry_after[64]; /* the value as it came, cut, or "" */
};

void plq__head_init(struct plq__head *head, size_t max_bytes);
/* PLQ_OK, or the PLQ_E_PROTOCOL_* or PLQ_E_LIMIT_* that ends the call. */
int32_t plq__head_line(struct plq__head *head, const char *line, size_t len);

#endif
