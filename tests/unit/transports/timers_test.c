/* SPDX-License-Identifier: MIT */
/* Timers ring in their order, whatever was put in, put forward or taken out. */
#include "support.h"

enum { MANY = 500 };

static plqt_timers timers;
static plqt_timer all[MANY];

static int set_up(void **state) {
  (void)state;
  timers = (plqt_timers){0};
  for (int i = 0; i < MANY; i++) plqt_timer_init(&all[i]);
  return 0;
}

static void rings_in_order(void **state) {
  (void)state;
  assert_true(plqt_timers_next(&timers) == PLQT_NEVER);
  assert_null(plqt_timers_take(&timers, PLQT_NEVER));
  plqt_timer_limit(&timers, &all[0], 30);
  plqt_timer_limit(&timers, &all[1], 10);
  plqt_timer_limit(&timers, &all[2], 20);
  assert_int_equal(plqt_timers_next(&timers), 10);
  assert_null(plqt_timers_take(&timers, 9));
  assert_ptr_equal(plqt_timers_take(&timers, 10), &all[1]);
  assert_ptr_equal(plqt_timers_take(&timers, 100), &all[2]);
  assert_ptr_equal(plqt_timers_take(&timers, 100), &all[0]);
  assert_null(plqt_timers_take(&timers, 100));
}

/* An earlier time counts, a later one does not; and never is none. */
static void is_put_forward(void **state) {
  (void)state;
  plqt_timer_limit(&timers, &all[0], PLQT_NEVER);
  assert_true(plqt_timers_next(&timers) == PLQT_NEVER);
  plqt_timer_limit(&timers, &all[0], 50);
  plqt_timer_limit(&timers, &all[1], 40);
  plqt_timer_limit(&timers, &all[0], 60);
  plqt_timer_limit(&timers, &all[0], 30);
  assert_int_equal(plqt_timers_next(&timers), 30);
  plqt_timer_stop(&timers, &all[0]);
  plqt_timer_stop(&timers, &all[0]);
  assert_int_equal(plqt_timers_next(&timers), 40);
  plqt_timer_limit(&timers, &all[0], 70); /* a new one: it may be later than before */
  assert_ptr_equal(plqt_timers_take(&timers, 70), &all[1]);
  assert_ptr_equal(plqt_timers_take(&timers, 70), &all[0]);
}

static uint32_t next_random(void) {
  static uint32_t state = 1;
  state = state * 1664525 + 1013904223;
  return state >> 8;
}

/* Against a table that is searched from end to end. */
static void keeps_order_among_many(void **state) {
  int64_t at[MANY];
  (void)state;
  for (int i = 0; i < MANY; i++) at[i] = PLQT_NEVER;
  for (int step = 0; step < 40000; step++) {
    uint32_t i = next_random() % MANY;
    int64_t want = next_random() % 1000;
    int64_t first = PLQT_NEVER;
    switch (next_random() % 4) {
      case 0:
      case 1:
        plqt_timer_limit(&timers, &all[i], want);
        if (want < at[i]) at[i] = want;
        break;
      case 2:
        plqt_timer_stop(&timers, &all[i]);
        at[i] = PLQT_NEVER;
        break;
      default: {
        const plqt_timer *rang = plqt_timers_take(&timers, want);
        for (int j = 0; j < MANY; j++)
          if (at[j] < first) first = at[j];
        if (first > want) {
          assert_null(rang);
        } else {
          assert_non_null(rang);
          assert_int_equal(at[rang - all], first);
          at[rang - all] = PLQT_NEVER;
        }
      }
    }
    first = PLQT_NEVER;
    for (int j = 0; j < MANY; j++)
      if (at[j] < first) first = at[j];
    assert_true(plqt_timers_next(&timers) == first);
  }
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(rings_in_order), CASE(is_put_forward), CASE(keeps_order_among_many)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
