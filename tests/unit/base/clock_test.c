/* SPDX-License-Identifier: MIT */
/* The two clocks, and deadlines that saturate. */
#include "base/clock.h"

#include <time.h>

#include "unit.h"

static void deadlines(void **state) {
  (void)state;
  static const struct {
    int64_t now_ns, timeout_ms, want_ns;
    const char *name;
  } rows[] = {
      {1000, 0, 1000, "no time at all"},
      {1000, 1, 1001000, "one ms"},
      {1000, -1, PLQ__NEVER, "for ever"},
      {1000, INT64_MIN, PLQ__NEVER, "for ever, however it is said"},
      {0, INT64_MAX, PLQ__NEVER, "too long to count"},
      {1, INT64_MAX / PLQ__NS_PER_MS, PLQ__NEVER - 775806, "the longest that fits"},
      {1000000, INT64_MAX / PLQ__NS_PER_MS, PLQ__NEVER, "the shortest that does not"},
      {0, 86400000, INT64_C(86400000000000), "a day"},
  };
  for (size_t i = 0; i < COUNT(rows); i++)
    EXPECT_ROW(plq__deadline_ns(rows[i].now_ns, rows[i].timeout_ms) == rows[i].want_ns, rows[i].name);
  expect_rows_end();
}

static void now_is_monotonic(void **state) {
  (void)state;
  struct timespec clock;
  int64_t before = plq__now_ns();
  clock_gettime(CLOCK_MONOTONIC, &clock);
  int64_t middle = (int64_t)clock.tv_sec * 1000000000 + clock.tv_nsec, after = plq__now_ns();
  assert_true(before <= middle && middle <= after);
}

static void life_runs_through_suspend(void **state) {
  (void)state;
  struct timespec clock;
  int64_t before = plq__life_now_ms();
  clock_gettime(CLOCK_BOOTTIME, &clock);
  int64_t middle = (int64_t)clock.tv_sec * 1000 + clock.tv_nsec / 1000000, after = plq__life_now_ms();
  assert_true(before <= middle && middle <= after);
}

static void life_can_be_moved_by_tests(void **state) {
  (void)state;
  int64_t before = plq__life_now_ms();
  plq__life_offset_ms = 60000;
  int64_t later = plq__life_now_ms();
  plq__life_offset_ms = 0;
  assert_true(later >= before + 60000 && later < before + 70000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(deadlines), cmocka_unit_test(now_is_monotonic),
                                     cmocka_unit_test(life_runs_through_suspend), cmocka_unit_test(life_can_be_moved_by_tests)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
