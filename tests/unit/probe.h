/* SPDX-License-Identifier: MIT */
/*
 * Transports that are linked into the test and do what it says: an entry for each attempt. What the core sent is kept.
 *
 *   probe        blocking, any number of threads, exact about delivery, on a virtual clock
 *   probe-async  the same with the non-blocking half only
 *   probe-plain  production class, one thread at a time, not exact about delivery, on the real clock, knows no options
 */
#ifndef TEST_UNIT_PROBE_H
#define TEST_UNIT_PROBE_H

#include <plastiq/plastiq.h>
#include <plastiq/transport.h>

#include "unit.h"

#define PROBE_VERIFIED (PLQ_FACT_CHAIN_VERIFIED | PLQ_FACT_HOST_VERIFIED)

/* How an attempt breaks the contract. */
enum probe_misdeed {
  PROBE_GOOD,
  PROBE_NOT_CONNECTED, /* lines without on_connected */
  PROBE_BODY_FIRST,    /* body before the head */
  PROBE_NO_DONE,       /* perform returns without on_done */
  PROBE_NO_HEAD,       /* on_done says complete, and there was no head */
};

struct probe_attempt {
  int32_t refused; /* perform answers so and calls nothing */
  /* Connection. All 0: known and verified, TLS 1.3. */
  uint32_t known, flags, tls_version;
  uint8_t spki;     /* each byte of the key's hash, with PLQ_FACT_SPKI */
  /* Response: lines, each with its CRLF, and the body. NULL: none. */
  const char *head, *body;
  /* How it ends; all 0: as a complete response. */
  int32_t status, phase, delivery;
  const char *message;
  enum probe_misdeed misdeed;
  int64_t takes_ms;      /* of the virtual clock, between request and response */
  void (*inside)(void);  /* called between request and response */
  const char *logs;      /* a line of level warning, if the host wants one */
};

struct probe_seen {
  char method[16], path[256], origin[256], host[256];
  char headers[4096]; /* "Name: value\n", sensitive ones "Name!: value\n" */
  char body[4096];
  int64_t deadline_ns;
  uint64_t op, max_head_bytes, max_body_bytes;
  uint32_t target_flags, port;
};

enum { PROBE_SEEN_MOST = 128 };
extern struct probe_seen probe_seen[PROBE_SEEN_MOST];
extern _Atomic int probe_seen_count;
extern _Atomic int probe_instances; /* that live */
extern _Atomic int probe_cancels, probe_abandoned, probe_prewarmed;
extern _Atomic int64_t probe_now_ns;
/* What the core waited for between attempts, in ms of the virtual clock. */
extern int64_t probe_waits_ms[PROBE_SEEN_MOST];
extern int probe_waits;
/* What the host last said of the levels that it wants, asked for by an attempt that logs. */
extern _Atomic int32_t probe_log_level;

/* Registers the transports, once, and forgets what was seen. For use as setup. */
int probe_reset(void **state);
/* What the next attempts do; after the last one a success follows. Borrowed. */
void probe_play(const struct probe_attempt *attempts, size_t count);
#define PROBE_PLAY(...)                                              \
  static const struct probe_attempt probe_rows_[] = {__VA_ARGS__};   \
  probe_play(probe_rows_, sizeof probe_rows_ / sizeof *probe_rows_)

#define PROBE_OK_HEAD "HTTP/1.1 200 OK\r\nTrace-Id: 6f1c1d6e-0b0a-4c39-9d3e-5a2f5b1f7a10\r\n\r\n"
#define PROBE_OK_BODY "{\"clientSecret\":\"cs_probe_secret\"}"
#define PROBE_TRACE_ID "6f1c1d6e-0b0a-4c39-9d3e-5a2f5b1f7a10"
#define PROBE_TOKEN "probe-token-1"

/* A client of one of the transports, with a token unless told otherwise; further options as pairs that end with NULL. */
plq_client_id probe_client(const char *transport, ...);

#endif
