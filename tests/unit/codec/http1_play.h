/* SPDX-License-Identifier: MIT */
/* Feeds bytes to the HTTP/1 parser in pieces, and writes down all that comes out of it. */
#ifndef TEST_HTTP1_PLAY_H
#define TEST_HTTP1_PLAY_H

#include <plastiq/http1.h>
#include <plastiq/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What comes, and from where. */
struct play_input {
  const char *data;
  size_t len;
  const char *method;          /* NULL: POST */
  uint64_t max_head, max_body; /* 0: as the library's defaults are */
  bool lax;                    /* the sink accepts everything; otherwise it is the core's validator */
  unsigned refuse;             /* the number of the sink's call that is refused, from 1; 0: none */
};

/* How it is cut: `first` bytes, then `rest` at a time; rest 0: at random from a seed. */
struct play_split {
  size_t first, rest;
  uint32_t seed;
};

#define PLAY_WHOLE ((struct play_split){SIZE_MAX, SIZE_MAX, 0})
#define PLAY_BYTES ((struct play_split){1, 1, 0})
#define PLAY_TWO(at) ((struct play_split){(at), SIZE_MAX, 0})
#define PLAY_RANDOM(seed) ((struct play_split){1, 0, (seed)})

struct play_bytes {
  char *at;
  size_t len, room;
};

struct play_result {
  int32_t status;               /* of push or end; if the sink refused, what the validator said */
  bool refused;                 /* the sink did */
  uint32_t flags, flags_at_end; /* after the last push, and after the end */
  int32_t http_status, http_version;
  int64_t keep_alive_ms;
  uint64_t bytes;
  size_t taken;            /* the sum of what each push used */
  unsigned calls;          /* of the sink */
  struct play_bytes lines; /* all lines one after the other; a NUL where body bytes came between two */
  struct play_bytes body;
};

/* Pushes all of it, whatever push answers, then ends the connection unless `how` is 0. What is always so is asserted here. */
struct play_result play(const struct play_input *input, struct play_split split, uint32_t how);
void play_result_clear(struct play_result *result);
/* What two results differ in, or NULL. */
const char *play_difference(const struct play_result *a, const struct play_result *b);

/* valgrind slows everything down some 40 times: it sees a part of what is random. */
bool play_is_slow(void);

#endif
