/* SPDX-License-Identifier: MIT */
/*
 * Tables of responses for the HTTP/1 parser. Each is fed whole, byte by byte, in pieces, cut in two at each place and ended at
 * each place in both ways, with the core's validator as the sink and with one that accepts everything.
 */
#ifndef TEST_HTTP1_ROWS_H
#define TEST_HTTP1_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http1_play.h"

struct row {
  const char *text;
  size_t len;
  int32_t status; /* when the connection is closed properly after it */
  int32_t lax;    /* the same if the sink accepts everything, where that differs; -1: PLQ_OK */
  const char *body;
  bool reuse;     /* after it, the connection may be used again */
  size_t surplus; /* bytes that are not its */
  const char *method;
  uint64_t max_head, max_body;
};

#define ROW(text_, ...) \
  { .text = (text_), .len = sizeof(text_) - 1, __VA_ARGS__ }

void expect_rows(const struct row *rows, size_t count);

/* Expects the same outcome of a response however it is cut into pieces, and of each beginning of it that it is not complete. */
void expect_any_way(const char *name, const struct play_input *input);

#endif
