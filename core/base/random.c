/* SPDX-License-Identifier: MIT */
#include "random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "alloc.h"

bool plq__random_system(void *buffer, size_t len) {
  uint8_t *at = buffer;
  while (len > 0) {
    ssize_t got = getrandom(at, len, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false; /* a sandbox refuses the system call, or does not know it */
    at += got;
    len -= (size_t)got;
  }
  return true;
}

void plq__random_init(struct plq__random *random) {
  memset(random, 0, sizeof *random);
  pthread_mutex_init(&random->lock, NULL);
}

void plq__random_clear(struct plq__random *random) {
  plq__wipe(random->pool, sizeof random->pool);
  pthread_mutex_destroy(&random->lock);
}

bool plq__random_fill(struct plq__random *random, void *buffer, size_t len) {
  if (len > sizeof random->pool) return plq__random_system(buffer, len);
  pthread_mutex_lock(&random->lock);
  if (random->left < len) random->left = plq__random_system(random->pool, sizeof random->pool) ? sizeof random->pool : 0;
  bool enough = random->left >= len;
  if (enough) {
    random->left -= len;
    memcpy(buffer, random->pool + random->left, len);
    memset(random->pool + random->left, 0, len); /* what was given out is not kept */
  }
  pthread_mutex_unlock(&random->lock);
  return enough;
}

int64_t plq__random_up_to(struct plq__random *random, int64_t bound) {
  uint64_t draw;
  if (!plq__random_fill(random, &draw, sizeof draw)) return bound > 0 ? bound : 0;
  /* The bias of the remainder is below 2^-20 for the bounds of a back-off (under 2^40 ns). */
  return bound <= 0 ? 0 : (int64_t)(draw % ((uint64_t)bound + 1));
}

bool plq__random_uuid(struct plq__random *random, char uuid[37]) {
  static const char hex[] = "0123456789abcdef";
  uint8_t bytes[16];
  if (!plq__random_fill(random, bytes, sizeof bytes)) return false;
  bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
  bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
  char *out = uuid;
  for (size_t i = 0; i < sizeof bytes; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
    *out++ = hex[bytes[i] >> 4];
    *out++ = hex[bytes[i] & 15];
  }
  *out = '\0';
  return true;
}
