/* SPDX-License-Identifier: MIT */
/* A host for the stub and for what it is made of: it counts blocks, can run out of them, and its clock moves only where a test
 * says so. */
#ifndef TEST_STUB_HOST_H
#define TEST_STUB_HOST_H

#include <plastiq/transport.h>

#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)
#define START INT64_C(5000000000)

static int64_t blocks; /* alive */
static int64_t allocations_left = -1;
static _Thread_local int64_t host_time_ns = START;

static void *host_realloc(void *context, void *block, size_t size) {
  (void)context;
  if (allocations_left == 0) return NULL;
  if (allocations_left > 0) allocations_left--;
  void *made = realloc(block, size);
  if (block == NULL && made != NULL) __atomic_add_fetch(&blocks, 1, __ATOMIC_SEQ_CST);
  return made;
}

static void *host_alloc(void *context, size_t size) {
  return host_realloc(context, NULL, size);
}

static void host_free(void *context, void *block) {
  (void)context;
  if (block != NULL) __atomic_sub_fetch(&blocks, 1, __ATOMIC_SEQ_CST);
  free(block);
}

static void host_wipe(void *data, size_t len) {
  memset(data, 0, len);
}

static void host_log(void *context, int32_t level, const char *text, size_t len) {
  (void)context;
  (void)level;
  (void)text;
  (void)len;
}

static int32_t host_log_level(void *context) {
  (void)context;
  return INT32_MAX;
}

static int64_t host_now(void *context) {
  (void)context;
  return host_time_ns;
}

static int32_t host_random(void *context, void *out, size_t len) {
  static uint8_t next;
  (void)context;
  for (size_t i = 0; i < len; i++) ((uint8_t *)out)[i] = next++;
  return PLQ_OK;
}

static const void *(*host_offers)(const char *id); /* its extensions */

static const void *host_extension(void *context, const char *id) {
  (void)context;
  return host_offers != NULL ? host_offers(id) : NULL;
}

static const plq_transport_host host = {.struct_size = sizeof host,
                                        .version = "0.0.0",
                                        .alloc = host_alloc,
                                        .realloc = host_realloc,
                                        .free = host_free,
                                        .wipe = host_wipe,
                                        .log = host_log,
                                        .log_level = host_log_level,
                                        .now_ns = host_now,
                                        .random = host_random,
                                        .get_extension = host_extension};

#endif
