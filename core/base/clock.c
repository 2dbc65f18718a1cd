/* SPDX-License-Identifier: MIT */
#include "clock.h"

#include <stdatomic.h>
#include <time.h>

_Atomic int64_t plq__life_offset_ms;

static int64_t read_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t plq__now_ns(void) { return read_ns(CLOCK_MONOTONIC); }

int64_t plq__wall_now_us(void) { return read_ns(CLOCK_REALTIME) / 1000; }

int64_t plq__life_now_ms(void) {
  return read_ns(CLOCK_BOOTTIME) / PLQ__NS_PER_MS + atomic_load_explicit(&plq__life_offset_ms, memory_order_relaxed);
}

int64_t plq__deadline_ns(int64_t now_ns, int64_t timeout_ms) {
  if (timeout_ms < 0 || timeout_ms > (INT64_MAX - now_ns) / PLQ__NS_PER_MS) return PLQ__NEVER;
  return now_ns + timeout_ms * PLQ__NS_PER_MS;
}
