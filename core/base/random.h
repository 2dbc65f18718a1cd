/* SPDX-License-Identifier: MIT */
/* Random bytes for trace ids and jitter, drawn from the system in batches so that a call costs no system call of its own. */
#ifndef PLQ_BASE_RANDOM_H
#define PLQ_BASE_RANDOM_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct plq__random {
  pthread_mutex_t lock;
  size_t left;
  uint8_t pool[512];
};

/* Straight from the system. Never fails: without getrandom the process has no usable kernel for this library. */
void plq__random_system(void *buffer, size_t len);

void plq__random_init(struct plq__random *random);
void plq__random_clear(struct plq__random *random);
void plq__random_fill(struct plq__random *random, void *buffer, size_t len);
/* 0 to bound, both included. */
int64_t plq__random_up_to(struct plq__random *random, int64_t bound);
/* A UUID version 4 (RFC 9562 section 5.4) as 36 characters and a NUL. */
void plq__random_uuid(struct plq__random *random, char uuid[37]);

#endif
