/* SPDX-License-Identifier: MIT */
/* Durations, counted in buckets: a run of any length takes the same memory, and a value is told to half a percent. */
#ifndef PLASTIQ_CLI_HISTOGRAM_H
#define PLASTIQ_CLI_HISTOGRAM_H

#include <stdint.h>

/* 128 buckets for each power of two, up to 2^48 ns, which is three days: no call lasts longer. */
enum {
  HISTOGRAM_BITS = 7,
  HISTOGRAM_STEPS = 1 << HISTOGRAM_BITS,
  HISTOGRAM_BUCKETS = (48 - HISTOGRAM_BITS + 1) * HISTOGRAM_STEPS
};

/* All zero: empty. */
struct histogram {
  uint64_t count;
  int64_t min_ns, max_ns;
  uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *self, int64_t value_ns);
/* Adds all of another one. */
void histogram_merge(struct histogram *self, const struct histogram *other);
/* The value that `part` of all, 0 to 1, do not exceed; 0 if there are none. */
int64_t histogram_quantile(const struct histogram *self, double part);

#endif
