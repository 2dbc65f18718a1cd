/* SPDX-License-Identifier: MIT */
/* Timers: whatever was set and cleared in whatever order, the first one is the one that is due first. */
#include "base/timers.h"

#include "base/clock.h"
#include "unit.h"

enum { MANY = 200 };

static void nothing(void **state) {
  (void)state;
  struct plq__timers timers = {NULL};
  assert_int_equal(plq__timers_next_ns(&timers), PLQ__NEVER);
}

static void one(void **state) {
  (void)state;
  struct plq__timers timers = {NULL};
  struct plq__timer timer;
  plq__timer_set(&timers, &timer, 7);
  assert_int_equal(plq__timers_next_ns(&timers), 7);
  assert_ptr_equal(timers.first, &timer);
  plq__timer_clear(&timers, &timer);
  assert_null(timers.first);
}

static void same_time(void **state) {
  (void)state;
  struct plq__timers timers = {NULL};
  struct plq__timer rows[3];
  for (int i = 0; i < 3; i++) plq__timer_set(&timers, &rows[i], 5);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(plq__timers_next_ns(&timers), 5);
    plq__timer_clear(&timers, timers.first);
  }
  assert_null(timers.first);
}

/* Against a plain search: sets and clears by a fixed pseudo-random order. */
static void many(void **state) {
  (void)state;
  static struct plq__timer rows[MANY];
  static bool set[MANY];
  struct plq__timers timers = {NULL};
  uint32_t random = 12345;
  for (int step = 0; step < 20000; step++) {
    random = random * 1664525 + 1013904223;
    int i = (int)(random >> 8) % MANY;
    if (set[i] && random >> 30 == 0 && timers.first != NULL) i = (int)(timers.first - rows); /* the first one now and then */
    if (set[i])
      plq__timer_clear(&timers, &rows[i]);
    else
      plq__timer_set(&timers, &rows[i], random % 1000);
    set[i] = !set[i];
    int64_t least = PLQ__NEVER;
    for (int j = 0; j < MANY; j++)
      if (set[j] && rows[j].at_ns < least) least = rows[j].at_ns;
    assert_int_equal(plq__timers_next_ns(&timers), least);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(nothing), cmocka_unit_test(one), cmocka_unit_test(same_time), cmocka_unit_test(many)};
  return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}
