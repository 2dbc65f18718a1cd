/* SPDX-License-Identifier: MIT */
/* Random bytes for trace ids and jitter, drawn from the system in batches so that a call costs no system call of its own. */
#ifndef PLQ_BASE_RANDOM_H
#define PLQ_BASE_RANDOM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plq__random {
  pthread_mutex_t lock;
  size_t left;
  uint8_t pool[512];
};

/* Straight from the system. False: it gives none, as in a sandbox that does not allow getrandom. */
bool plq__random_system(void *buffer, size_t len);

void plq__random_init(struct plq__random *random);
void plq__random_clear(struct plq__random *random);
bool plq__random_fill(struct plq__random *random, void *buffer, size_t len);
/* 0 to bound, both included. Where the system gives no random bytes, bound: jitter is a courtesy, and the careful side is to wait. */
int64_t plq__random_up_to(struct plq__random *random, int64_t bound);
/* A UUID version 4 (RFC 9562 section 5.4) as 36 characters and a NUL. */
bool plq__random_uuid(struct plq__random *random, char uuid[37]);

#endif
