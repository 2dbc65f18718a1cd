/* SPDX-License-Identifier: MIT */
/* The histogram of plastiq bench against the same values, sorted. */
#include "histogram.h"

#include "unit.h"

enum { VALUES = 5000 };
static const double parts[] = {0, 0.001, 0.5, 0.9, 0.99, 0.999, 1};

static int compare(const void *a, const void *b) {
  int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
  return (left > right) - (left < right);
}

/* Over all powers of two that a call can take, from some ns to a day. */
static int64_t value_at(uint64_t *seed) {
  *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (int64_t)((*seed >> 16) & ((UINT64_C(1) << (1 + (*seed >> 58) % 47)) - 1));
}

static void quantiles_are_near(void **state) {
  (void)state;
  static int64_t values[VALUES];
  static struct histogram one, halves[2];
  uint64_t seed = 1;
  memset(&one, 0, sizeof one);
  for (size_t i = 0; i < VALUES; i++) {
    values[i] = value_at(&seed);
    histogram_add(&one, values[i]);
    histogram_add(&halves[i % 2], values[i]);
  }
  qsort(values, VALUES, sizeof *values, compare);
  histogram_merge(&halves[0], &halves[1]);
  assert_memory_equal(&halves[0], &one, sizeof one);
  assert_true(one.count == VALUES && one.min_ns == values[0] && one.max_ns == values[VALUES - 1]);
  for (size_t i = 0; i < COUNT(parts); i++) {
    double exact = parts[i] * VALUES;
    size_t rank = (size_t)exact + ((double)(size_t)exact < exact);
    double wanted = (double)values[rank > 0 ? rank - 1 : 0], got = (double)histogram_quantile(&one, parts[i]);
    assert_true(got >= wanted * 0.995 - 1 && got <= wanted * 1.005 + 1);
  }
}

static void few_values(void **state) {
  (void)state;
  static struct histogram none, single;
  memset(&none, 0, sizeof none);
  assert_int_equal(histogram_quantile(&none, 0.5), 0);
  histogram_add(&single, 1000003);
  histogram_merge(&single, &none);
  for (size_t i = 0; i < COUNT(parts); i++) assert_int_equal(histogram_quantile(&single, parts[i]), 1000003);
  histogram_merge(&none, &single);
  assert_memory_equal(&none, &single, sizeof none);
}

static void values_out_of_range(void **state) {
  (void)state;
  static struct histogram all;
  histogram_add(&all, -5);
  histogram_add(&all, INT64_MAX);
  assert_int_equal(histogram_quantile(&all, 0.5), 0);
  assert_true(histogram_quantile(&all, 1) >= INT64_C(1) << 47);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(quantiles_are_near),
      cmocka_unit_test(few_values),
      cmocka_unit_test(values_out_of_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
