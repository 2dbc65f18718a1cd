/* SPDX-License-Identifier: MIT */
/* Handles: stale, foreign, of another kind, reused, and from many threads at once. */
#include "base/handle.h"

#include <pthread.h>
#include <stdatomic.h>

#include "unit.h"

static _Atomic int destroyed;

static void count_destroyed(void *object) {
  (void)object;
  destroyed++;
}

static int thing;

static int reset(void **state) {
  (void)state;
  destroyed = 0;
  return 0;
}

static void life(void **state) {
  (void)state;
  uint64_t handle = plq__handle_new(PLQ__HANDLE_CLIENT, &thing, count_destroyed);
  assert_true(handle != 0 && handle < UINT64_C(1) << 53);
  assert_ptr_equal(plq__handle_acquire(handle, PLQ__HANDLE_CLIENT), &thing);
  assert_true(plq__handle_close(handle, PLQ__HANDLE_CLIENT));
  assert_false(plq__handle_close(handle, PLQ__HANDLE_CLIENT));
  assert_null(plq__handle_acquire(handle, PLQ__HANDLE_CLIENT));
  plq__handle_release(handle); /* of acquire */
  assert_int_equal(destroyed, 0);
  plq__handle_release(handle); /* of new */
  assert_int_equal(destroyed, 1);
  assert_null(plq__handle_acquire(handle, PLQ__HANDLE_CLIENT));
  assert_false(plq__handle_close(handle, PLQ__HANDLE_CLIENT));
}

static void of_another_kind(void **state) {
  (void)state;
  uint64_t handle = plq__handle_new(PLQ__HANDLE_CALL, &thing, count_destroyed);
  static const enum plq__handle_kind others[] = {PLQ__HANDLE_CLIENT, PLQ__HANDLE_SECRET, PLQ__HANDLE_QUEUE};
  for (size_t i = 0; i < COUNT(others); i++) {
    assert_null(plq__handle_acquire(handle, others[i]));
    assert_false(plq__handle_close(handle, others[i]));
    /* Forged: the same slot and generation under another kind. */
    uint64_t forged = (handle & ((UINT64_C(1) << 48) - 1)) | (uint64_t)others[i] << 48;
    assert_null(plq__handle_acquire(forged, others[i]));
    assert_false(plq__handle_close(forged, others[i]));
  }
  assert_true(plq__handle_close(handle, PLQ__HANDLE_CALL));
  plq__handle_release(handle);
  assert_int_equal(destroyed, 1);
}

static void foreign_numbers(void **state) {
  (void)state;
  static const uint64_t numbers[] = {0, 1, 42, 0xffffffff, UINT64_C(1) << 48, (UINT64_C(1) << 48) + 1, (UINT64_C(1) << 51) - 1,
                                     (UINT64_C(1) << 53) - 1, UINT64_C(1) << 53, UINT64_C(1) << 63, UINT64_MAX,
                                     UINT64_C(0x7fffdeadbeef), /* a pointer by mistake */};
  for (size_t i = 0; i < COUNT(numbers); i++)
    for (int kind = PLQ__HANDLE_CLIENT; kind <= PLQ__HANDLE_QUEUE; kind++) {
      assert_null(plq__handle_acquire(numbers[i], (enum plq__handle_kind)kind));
      assert_false(plq__handle_close(numbers[i], (enum plq__handle_kind)kind));
    }
  /* Every single wrong bit of a good one. */
  uint64_t handle = plq__handle_new(PLQ__HANDLE_CLIENT, &thing, count_destroyed);
  for (int bit = 0; bit < 64; bit++) assert_null(plq__handle_acquire(handle ^ UINT64_C(1) << bit, PLQ__HANDLE_CLIENT));
  plq__handle_close(handle, PLQ__HANDLE_CLIENT);
  plq__handle_release(handle);
}

/* A slot that is used again gives another number, and the old numbers stay stale. */
static void reuse(void **state) {
  (void)state;
  enum { ROUNDS = 3000 };
  static uint64_t seen[ROUNDS];
  for (int i = 0; i < ROUNDS; i++) {
    seen[i] = plq__handle_new(i % 2 ? PLQ__HANDLE_CALL : PLQ__HANDLE_CLIENT, &thing, count_destroyed);
    assert_true(plq__handle_close(seen[i], i % 2 ? PLQ__HANDLE_CALL : PLQ__HANDLE_CLIENT));
    plq__handle_release(seen[i]);
  }
  assert_int_equal(destroyed, ROUNDS);
  uint64_t last = plq__handle_new(PLQ__HANDLE_CLIENT, &thing, count_destroyed);
  for (int i = 0; i < ROUNDS; i++) {
    assert_true(seen[i] != last);
    assert_null(plq__handle_acquire(seen[i], PLQ__HANDLE_CLIENT));
    assert_null(plq__handle_acquire(seen[i], PLQ__HANDLE_CALL));
  }
  plq__handle_close(last, PLQ__HANDLE_CLIENT);
  plq__handle_release(last);
}

static void many_at_once(void **state) {
  (void)state;
  enum { MANY = 5000 };
  static uint64_t handles[MANY];
  static int things[MANY];
  for (int i = 0; i < MANY; i++) {
    handles[i] = plq__handle_new(PLQ__HANDLE_CLIENT, &things[i], count_destroyed);
    assert_true(handles[i] != 0);
  }
  for (int i = MANY - 1; i >= 0; i--) {
    assert_ptr_equal(plq__handle_acquire(handles[i], PLQ__HANDLE_CLIENT), &things[i]);
    plq__handle_release(handles[i]);
  }
  for (int i = 0; i < MANY; i++) {
    assert_true(plq__handle_close(handles[i], PLQ__HANDLE_CLIENT));
    plq__handle_release(handles[i]);
  }
  assert_int_equal(destroyed, MANY);
}

/* ---- threads ---- */

enum { THREADS = 4, ROUNDS = 4000 };

struct guarded {
  _Atomic int alive;
};

static void guarded_destroy(void *object) {
  struct guarded *guarded = object;
  if (guarded->alive != 1) abort();
  guarded->alive = 0;
  destroyed++;
}

struct contest {
  _Atomic uint64_t handle;
  _Atomic int closed;
  _Atomic int wrong;
  pthread_barrier_t gate;
};

/* All threads use one handle while all try to close it: one wins, and nobody sees the object after its end. */
static void *contend(void *argument) {
  struct contest *contest = argument;
  for (int i = 0; i < ROUNDS / 10; i++) {
    pthread_barrier_wait(&contest->gate);
    uint64_t handle = contest->handle;
    for (int j = 0; j < 10; j++) {
      struct guarded *guarded = plq__handle_acquire(handle, PLQ__HANDLE_CLIENT);
      if (guarded == NULL) break;
      if (guarded->alive != 1) contest->wrong++;
      plq__handle_release(handle);
    }
    if (plq__handle_close(handle, PLQ__HANDLE_CLIENT)) {
      contest->closed++;
      plq__handle_release(handle);
    }
    pthread_barrier_wait(&contest->gate);
  }
  return NULL;
}

static void closing_races_with_use(void **state) {
  (void)state;
  struct contest contest = {0};
  struct guarded guarded;
  pthread_t threads[THREADS];
  pthread_barrier_init(&contest.gate, NULL, THREADS + 1);
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, contend, &contest), 0);
  for (int i = 0; i < ROUNDS / 10; i++) {
    guarded.alive = 1;
    contest.handle = plq__handle_new(PLQ__HANDLE_CLIENT, &guarded, guarded_destroy);
    pthread_barrier_wait(&contest.gate);
    pthread_barrier_wait(&contest.gate);
    if (guarded.alive != 0) contest.wrong++;
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&contest.gate);
  assert_int_equal(contest.wrong, 0);
  assert_int_equal(contest.closed, ROUNDS / 10);
  assert_int_equal(destroyed, ROUNDS / 10);
}

/* Each thread makes and ends handles of its own: slots go round between threads and are never given twice. */
static void *churn(void *argument) {
  _Atomic int *wrong = argument;
  for (int i = 0; i < ROUNDS; i++) {
    struct guarded guarded = {1};
    uint64_t handle = plq__handle_new(PLQ__HANDLE_CALL, &guarded, guarded_destroy);
    if (plq__handle_acquire(handle, PLQ__HANDLE_CALL) != &guarded) (*wrong)++;
    if (!plq__handle_close(handle, PLQ__HANDLE_CALL)) (*wrong)++;
    plq__handle_release(handle);
    plq__handle_release(handle);
    if (guarded.alive != 0) (*wrong)++;
  }
  return NULL;
}

static void slots_go_round(void **state) {
  (void)state;
  static _Atomic int wrong;
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, churn, &wrong), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(wrong, 0);
  assert_int_equal(destroyed, THREADS * ROUNDS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(life, reset),
      cmocka_unit_test_setup(of_another_kind, reset),
      cmocka_unit_test_setup(foreign_numbers, reset),
      cmocka_unit_test_setup(reuse, reset),
      cmocka_unit_test_setup(many_at_once, reset),
      cmocka_unit_test_setup(closing_races_with_use, reset),
      cmocka_unit_test_setup(slots_go_round, reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
