/* SPDX-License-Identifier: MIT */
/* Random bytes: well formed, never twice, safe from many threads, and a failure where the system gives none. */
#include "base/random.h"

#include <errno.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unit.h"

/* Stands in for the C library's: a sandbox that refuses. */
static _Atomic bool refused;

ssize_t getrandom(void *buffer, size_t len, unsigned flags) {
  if (!refused) return syscall(SYS_getrandom, buffer, len, flags);
  errno = EPERM;
  return -1;
}

static void uuids(void **state) {
  (void)state;
  enum { MANY = 2000 };
  static char seen[MANY][37];
  struct plq__random random;
  plq__random_init(&random);
  for (int i = 0; i < MANY; i++) {
    assert_true(plq__random_uuid(&random, seen[i]));
    assert_int_equal(strlen(seen[i]), 36);
    assert_true(plq__is_uuid4(plq__text_in(seen[i], SIZE_MAX)));
    assert_null(strpbrk(seen[i], "ABCDEF"));
  }
  qsort(seen, MANY, sizeof seen[0], (int (*)(const void *, const void *))strcmp);
  for (int i = 1; i < MANY; i++) assert_string_not_equal(seen[i - 1], seen[i]);
  plq__random_clear(&random);
}

static void bounds(void **state) {
  (void)state;
  struct plq__random random;
  plq__random_init(&random);
  bool low = false, high = false;
  for (int i = 0; i < 1000; i++) {
    int64_t draw = plq__random_up_to(&random, 3);
    assert_in_range(draw, 0, 3);
    low = low || draw == 0;
    high = high || draw == 3;
  }
  assert_true(low && high);
  assert_int_equal(plq__random_up_to(&random, 0), 0);
  assert_int_equal(plq__random_up_to(&random, -5), 0);
  assert_true(plq__random_up_to(&random, INT64_MAX) >= 0);
  plq__random_clear(&random);
}

/* What was given out is no longer in the pool; and more than a pool at once works. */
static void pool(void **state) {
  (void)state;
  struct plq__random random;
  uint8_t first[512], big[1000];
  plq__random_init(&random);
  assert_true(plq__random_fill(&random, first, sizeof first));
  for (size_t i = 0; i < sizeof random.pool; i++) assert_int_equal(random.pool[i], 0);
  assert_true(plq__random_fill(&random, big, sizeof big));
  size_t zeros = 0;
  for (size_t i = 0; i < sizeof big; i++) zeros += big[i] == 0;
  assert_true(zeros < 100);
  uint8_t none = 7;
  plq__random_fill(&random, &none, 0);
  assert_int_equal(none, 7);
  plq__random_clear(&random);
}

enum { THREADS = 4, EACH = 500 };

struct drawer {
  struct plq__random *random;
  uint64_t draws[EACH];
};

static void *draw(void *argument) {
  struct drawer *drawer = argument;
  for (int i = 0; i < EACH; i++)
    if (!plq__random_fill(drawer->random, &drawer->draws[i], sizeof drawer->draws[i])) return drawer;
  return NULL;
}

static int compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static void threads_never_draw_the_same(void **state) {
  (void)state;
  static struct drawer drawers[THREADS];
  static uint64_t all[THREADS * EACH];
  struct plq__random random;
  pthread_t threads[THREADS];
  plq__random_init(&random);
  for (int i = 0; i < THREADS; i++) {
    drawers[i].random = &random;
    assert_int_equal(pthread_create(&threads[i], NULL, draw, &drawers[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    void *failed = NULL;
    pthread_join(threads[i], &failed);
    assert_null(failed);
    memcpy(all + i * EACH, drawers[i].draws, sizeof drawers[i].draws);
  }
  qsort(all, COUNT(all), sizeof *all, compare);
  for (size_t i = 1; i < COUNT(all); i++) assert_true(all[i - 1] != all[i]);
  plq__random_clear(&random);
}

/* What the pool still has is given out; after that it is a failure, never bytes that were given out before, and it passes. */
static void the_system_gives_none(void **state) {
  (void)state;
  struct plq__random random;
  char uuid[37], before[37];
  uint8_t big[600], none = 0;
  plq__random_init(&random);
  refused = true;
  assert_false(plq__random_system(big, sizeof big));
  assert_false(plq__random_fill(&random, big, sizeof big));
  assert_false(plq__random_uuid(&random, uuid));
  assert_true(plq__random_fill(&random, &none, 0));
  assert_int_equal(plq__random_up_to(&random, 1000), 1000); /* the careful side */
  assert_int_equal(plq__random_up_to(&random, -5), 0);
  refused = false;
  assert_true(plq__random_uuid(&random, before));
  refused = true;
  for (size_t left = sizeof random.pool / 16 - 1; left > 0; left--) assert_true(plq__random_uuid(&random, uuid));
  assert_false(plq__random_uuid(&random, uuid));
  refused = false;
  assert_true(plq__random_uuid(&random, uuid));
  assert_string_not_equal(uuid, before);
  plq__random_clear(&random);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(uuids), cmocka_unit_test(bounds), cmocka_unit_test(pool),
                                     cmocka_unit_test(threads_never_draw_the_same), cmocka_unit_test(the_system_gives_none)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
