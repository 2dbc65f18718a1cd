/* SPDX-License-Identifier: MIT */
#include "histogram.h"

static unsigned bucket_of(int64_t value_ns) {
  uint64_t value = value_ns > 0 ? (uint64_t)value_ns : 0;
  if (value < HISTOGRAM_STEPS) return (unsigned)value;
  unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_BITS;
  unsigned bucket = shift * HISTOGRAM_STEPS + (unsigned)(value >> shift);
  return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The middle of a bucket. */
static int64_t value_of(unsigned bucket) {
  if (bucket < 2 * HISTOGRAM_STEPS) return bucket;
  unsigned shift = bucket / HISTOGRAM_STEPS - 1;
  uint64_t low = (uint64_t)(bucket % HISTOGRAM_STEPS + HISTOGRAM_STEPS) << shift;
  return (int64_t)(low + (UINT64_C(1) << shift) / 2);
}

void histogram_add(struct histogram *self, int64_t value_ns) {
  if (self->count == 0 || value_ns < self->min_ns) self->min_ns = value_ns;
  if (self->count == 0 || value_ns > self->max_ns) self->max_ns = value_ns;
  self->count++;
  self->buckets[bucket_of(value_ns)]++;
}

void histogram_merge(struct histogram *self, const struct histogram *other) {
  if (other->count == 0) return;
  if (self->count == 0 || other->min_ns < self->min_ns) self->min_ns = other->min_ns;
  if (self->count == 0 || other->max_ns > self->max_ns) self->max_ns = other->max_ns;
  self->count += other->count;
  for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) self->buckets[i] += other->buckets[i];
}

int64_t histogram_quantile(const struct histogram *self, double part) {
  double exact = part * (double)self->count;
  uint64_t rank = (uint64_t)exact, seen = 0;
  if ((double)rank < exact || rank == 0) rank++;
  for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
    seen += self->buckets[i];
    if (self->count == 0 || seen < rank) continue;
    int64_t value = value_of(i);
    return value < self->min_ns ? self->min_ns : value > self->max_ns ? self->max_ns : value;
  }
  return self->max_ns;
}
