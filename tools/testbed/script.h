/* SPDX-License-Identifier: MIT */
/*
 * Scripts: what a server answers, one entry a request. The format is that of the stub transport's option `script`, and some keys
 * that only a real socket can play; tests/vectors/README.md has all of it. Here an entry becomes bytes and a way to end.
 */
#ifndef TEST_SCRIPT_H
#define TEST_SCRIPT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "test_link.h"

/* What happens to a connection before a request can come. */
typedef enum test_before {
  TEST_BEFORE_NOTHING,
  TEST_BEFORE_DROP,      /* accepted and closed */
  TEST_BEFORE_RESET,     /* accepted and reset */
  TEST_BEFORE_HELLO_FIN, /* closed after the first bytes of the client */
  TEST_BEFORE_HELLO_RST,
  TEST_BEFORE_REPLY,  /* answers the first bytes of the client with the entry's, without TLS */
  TEST_BEFORE_SILENT, /* accepted and never answered */
  TEST_BEFORE_STALL,  /* after the handshake nothing is read, and the window is small */
  TEST_BEFORE_STALL_RST,
} test_before;

typedef struct test_step {
  test_before before;
  const char *certificate; /* of a connection that begins with this entry; NULL: as the others */
  bool early;              /* answers when the head has come, and reads no further */
  test_midway midway;
  int64_t delay_ms; /* between the request and the answer */
  test_bytes answer;
  size_t piece; /* bytes at a time; 0: all at once */
  int64_t piece_delay_ms;
  int64_t end_delay_ms; /* between the answer and the end */
  test_end end;
} test_step;

/* What the whole server is like. */
typedef struct test_script {
  const char *certificate; /* for test_ca_server(); NULL: plain TCP */
  const char *host;        /* to listen on: 127.0.0.1 or ::1 */
  bool dead;               /* nobody listens */
  bool stalls;             /* the window is small */
  bool deaf;               /* somebody listens and never accepts, and the queue is full */
  bool http2;              /* speaks HTTP/2: entries are raw frames, and answer a stream each */
  test_bytes settings;     /* its first frames; none: an empty SETTINGS */
  size_t whole;            /* entries whose fault is the server's, not one connection's */
  size_t count;
  test_step *steps;
} test_script;

/* Turns each character of a text up to U+00FF into the byte of that number. */
void test_raw(test_bytes *out, json_object *text);

/* Compiles entries; NULL and a reason if they cannot be played over a socket. The reason is static. */
test_script *test_script_new(json_object *responses, const char **out_reason);
void test_script_free(test_script *script);

/*
 * Writes out what a value abbreviates, everywhere in it: {"repeat": text, "times": n} and {"join": [text, ..]} stand for a text,
 * {"copies": n, "of": value} for that many elements of a list. Returns a new value [owned].
 */
json_object *test_expand(json_object *value);

#endif
