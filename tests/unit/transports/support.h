/* SPDX-License-Identifier: MIT */
/* A host that counts what it gives out, and time. */
#ifndef TEST_TRANSPORTS_SUPPORT_H
#define TEST_TRANSPORTS_SUPPORT_H

#include <time.h>

#include "plqt.h"
#include "unit.h"

static _Atomic int host_blocks;           /* given out and not come back */
static _Atomic int host_blocks_left = -1; /* how many more there are; -1: no end */
static _Atomic size_t host_wiped;         /* bytes */

static inline void *host_alloc(void *context, size_t size) {
  (void)context;
  if (host_blocks_left == 0) return NULL;
  if (host_blocks_left > 0) host_blocks_left--;
  host_blocks++;
  return malloc(size > 0 ? size : 1);
}

static inline void host_free(void *context, void *block) {
  (void)context;
  if (block != NULL) host_blocks--;
  free(block);
}

static inline void host_wipe(void *data, size_t len) {
  memset(data, 0, len);
  host_wiped += len;
}

static inline int64_t host_now(void *context) {
  struct timespec now;
  (void)context;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static const plq_transport_host host = {
    .struct_size = sizeof host, .alloc = host_alloc, .free = host_free, .wipe = host_wipe, .now_ns = host_now};

/* For cmocka. */
static inline int host_reset(void **state) {
  (void)state;
  host_blocks = 0;
  host_blocks_left = -1;
  host_wiped = 0;
  return 0;
}

static inline int host_leftover(void **state) {
  (void)state;
  return host_blocks;
}

/* Waits for what another thread does; the test's own time limit ends a wait for ever. */
#define WAIT_UNTIL(condition) \
  while (!(condition)) nanosleep(&(const struct timespec){0, 200000}, NULL)

#endif
