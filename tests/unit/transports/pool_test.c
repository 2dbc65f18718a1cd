/* SPDX-License-Identifier: MIT */
/* Slots: taken, waited for, given back, cancelled, grown old, and from many threads at once. */
#include <errno.h>

#include "support.h"

typedef struct test_slot {
  plqt_slot slot; /* first */
  bool open;
  _Atomic int users;
} test_slot;

static plqt_pool pool;
static struct {
  _Atomic int made, dropped, woken;
  int32_t status;    /* of the next make, if it is to fail */
  _Atomic bool hold; /* make does not return */
  _Atomic int inside;
  const plqt_slot *last_dropped;
} seen;

static test_slot *of(plqt_slot *slot) {
  return (test_slot *)(void *)slot;
}

static plqt_slot *make(void *owner, int32_t *out_status, int *out_errno) {
  assert_ptr_equal(owner, &seen);
  seen.inside++;
  WAIT_UNTIL(!seen.hold);
  seen.inside--;
  *out_status = seen.status;
  *out_errno = seen.status != PLQ_OK ? EMFILE : 0;
  if (seen.status != PLQ_OK) return NULL;
  test_slot *slot = host_alloc(NULL, sizeof *slot);
  *slot = (test_slot){.open = true};
  seen.made++;
  return &slot->slot;
}

static void drop(plqt_slot *slot) {
  seen.dropped++;
  seen.last_dropped = slot;
  host_free(NULL, slot);
}

static void wake(plqt_slot *slot) {
  (void)slot;
  seen.woken++;
}

static bool slot_is_open(const plqt_slot *slot, const plq_transport_target *target, bool busy) {
  (void)target, (void)busy;
  return ((const test_slot *)(const void *)slot)->open;
}

static int set_up(void **state) {
  memset(&seen, 0, sizeof seen);
  pool =
      (plqt_pool){.owner = &seen, .make = make, .drop = drop, .wake = wake, .is_open = slot_is_open, .max = 3, .idle_ns = 1000};
  plqt_pool_init(&pool);
  return host_reset(state);
}

static int tear_down(void **state) {
  plqt_pool_clear(&pool);
  plqt_pool_free(&pool);
  return host_leftover(state) + (seen.made != seen.dropped);
}

/* ---- sinks ---- */

static int32_t says_cancelled(void *context) {
  return context != NULL;
}
static const plq_transport_sink calm = {.struct_size = sizeof calm, .is_cancelled = says_cancelled};
static const plq_transport_sink stopped = {.struct_size = sizeof stopped, .context = &seen, .is_cancelled = says_cancelled};
/* Of a core that cannot be asked. */
static const plq_transport_sink old = {
    .struct_size = offsetof(plq_transport_sink, is_cancelled), .context = &seen, .is_cancelled = says_cancelled};

static plqt_slot *take_at(uint64_t id, int64_t now) {
  int32_t status;
  int os_errno;
  plqt_slot *slot = plqt_pool_take(&pool, id, &calm, PLQT_NEVER, now, &status, &os_errno);
  assert_non_null(slot);
  assert_int_equal(status, PLQ_OK);
  assert_int_equal(slot->id, id);
  assert_false(slot->cancelled);
  return slot;
}

static plqt_slot *take(uint64_t id) {
  return take_at(id, 0);
}

static void give(plqt_slot *slot, int64_t used_ns) {
  slot->used_ns = used_ns;
  plqt_pool_give_back(&pool, slot);
  assert_int_equal(slot->id, 0);
}

/* ---- one thread ---- */

static void the_last_one_used_comes_first(void **state) {
  (void)state;
  plqt_slot *a = take(1), *b = take(2), *c = take(3);
  give(a, 0);
  give(c, 0);
  give(b, 0);
  assert_ptr_equal(take(4), b);
  assert_ptr_equal(take(5), c);
  give(c, 0);
  assert_ptr_equal(take(6), c);
  assert_ptr_equal(take(7), a);
  assert_int_equal(seen.made, 3);
  assert_int_equal(pool.count, 3);
}

static void old_ones_go(void **state) {
  (void)state;
  plqt_slot *a = take(1), *b = take(2), *c = take(3);
  give(a, 5000);
  give(b, 6000);
  give(c, 7000);
  /* To the nanosecond: a is as old as it may be. */
  assert_ptr_equal(take_at(4, 6000), c);
  assert_int_equal(seen.dropped, 0);
  give(c, 7000);
  assert_ptr_equal(take_at(5, 6001), c);
  assert_int_equal(seen.dropped, 1);
  assert_ptr_equal(seen.last_dropped, a);
  give(c, 7000);
  /* The one used last stays, however old it is. */
  assert_ptr_equal(take_at(6, 100000), c);
  assert_int_equal(seen.dropped, 2);
  assert_int_equal(pool.count, 1);
  take(7);
  take(8); /* there is room for new ones */
  assert_int_equal(seen.made, 5);
}

static void busy_ones_do_not_grow_old(void **state) {
  (void)state;
  plqt_slot *a = take(1), *b = take(2);
  give(b, 0);
  take_at(3, 100000);
  take_at(4, 200000);
  assert_int_equal(seen.dropped, 0);
  give(a, 200000);
}

static void one_that_cannot_be_made(void **state) {
  int32_t status;
  int os_errno;
  (void)state;
  seen.status = PLQ_E_RESOURCE_DESCRIPTORS;
  assert_null(plqt_pool_take(&pool, 1, &calm, PLQT_NEVER, 0, &status, &os_errno));
  assert_int_equal(status, PLQ_E_RESOURCE_DESCRIPTORS);
  assert_int_equal(os_errno, EMFILE);
  assert_int_equal(pool.count, 0);
  seen.status = PLQ_OK;
  for (uint64_t id = 2; id < 5; id++) take(id);
}

static void time_is_over(void **state) {
  int32_t status;
  int os_errno;
  (void)state;
  for (uint64_t id = 1; id <= 3; id++) take(id);
  int64_t now = host_now(NULL);
  const int64_t deadlines[] = {0, now - 1000 * PLQT_MS, now + 5 * PLQT_MS};
  for (size_t i = 0; i < COUNT(deadlines); i++) {
    assert_null(plqt_pool_take(&pool, 4, &calm, deadlines[i], now, &status, &os_errno));
    assert_int_equal(status, PLQ_E_TIMEOUT_POOL);
    assert_true(host_now(NULL) >= deadlines[i]);
  }
  assert_null(pool.waiting);
}

static void cancelled_before(void **state) {
  int32_t status;
  int os_errno;
  (void)state;
  /* A slot is free: it is taken, and its user finds out. */
  plqt_slot *slot = plqt_pool_take(&pool, 1, &stopped, PLQT_NEVER, 0, &status, &os_errno);
  assert_non_null(slot);
  assert_true(slot->cancelled);
  give(slot, 0);
  slot = plqt_pool_take(&pool, 2, &old, PLQT_NEVER, 0, &status, &os_errno);
  assert_false(slot->cancelled);
  take(3);
  take(4);
  /* None is: there is no waiting. */
  assert_null(plqt_pool_take(&pool, 5, &stopped, PLQT_NEVER, 0, &status, &os_errno));
  assert_int_equal(status, PLQ_E_CANCELLED);
  assert_null(pool.waiting);
}

static void cancels_a_busy_one(void **state) {
  (void)state;
  plqt_slot *a = take(1), *b = take(2);
  plqt_pool_cancel(&pool, 7);
  assert_int_equal(seen.woken, 0);
  plqt_pool_cancel(&pool, 2);
  assert_int_equal(seen.woken, 1);
  assert_false(a->cancelled);
  assert_true(b->cancelled);
  give(b, 0);
  plqt_pool_cancel(&pool, 2); /* too late */
  assert_int_equal(seen.woken, 1);
  assert_ptr_equal(take(3), b); /* looks that it is not cancelled any more */
}

static void counts_connections(void **state) {
  uint32_t open = 77, busy = 77;
  (void)state;
  plqt_pool_count(&pool, &open, &busy);
  assert_true(open == 0 && busy == 0);
  plqt_slot *a = take(1), *b = take(2);
  take(3);
  of(b)->open = false;
  plqt_pool_count(&pool, &open, &busy);
  assert_true(open == 2 && busy == 2);
  give(a, 0);
  plqt_pool_count(&pool, &open, &busy);
  assert_true(open == 2 && busy == 1);
}

static void tries_without_a_connection(void **state) {
  const plq_transport_target target = {.struct_size = sizeof target};
  int32_t status;
  int os_errno;
  (void)state;
  plqt_slot *a = take(1), *b = take(2);
  assert_int_equal(plqt_pool_count_open(&pool, &target), 2);
  of(a)->open = false;
  assert_int_equal(plqt_pool_count_open(&pool, &target), 1);
  give(a, 0);
  give(b, 0);
  assert_int_equal(plqt_pool_count_open(&pool, &target), 1);
  assert_ptr_equal(plqt_pool_try(&pool, 3, &target, &status, &os_errno), a); /* b comes first, but is connected */
  assert_int_equal(a->id, 3);
  plqt_slot *c = plqt_pool_try(&pool, 4, &target, &status, &os_errno);
  assert_non_null(c);
  assert_int_equal(seen.made, 3);
  assert_null(plqt_pool_try(&pool, 5, &target, &status, &os_errno));
  assert_int_equal(status, PLQ_E_TIMEOUT_POOL);
  plqt_pool_cancel(&pool, 4);
  assert_true(c->cancelled);
  assert_int_equal(pool.count, 3);
}

/* ---- several threads ---- */

typedef struct waiter {
  pthread_t thread;
  uint64_t id;
  int64_t deadline_ns;
  plqt_slot *slot;
  int32_t status;
  _Atomic bool over;
} waiter;

static void *wait_for_slot(void *argument) {
  waiter *self = argument;
  int os_errno;
  self->slot = plqt_pool_take(&pool, self->id, &calm, self->deadline_ns, 0, &self->status, &os_errno);
  self->over = true;
  return NULL;
}

static int count_waiting(void) {
  /* The list is made of what lies on the waiters' stacks, with its next first. */
  int count = 0;
  pthread_mutex_lock(&pool.lock);
  for (const void *at = pool.waiting; at != NULL; memcpy(&at, at, sizeof at)) count++;
  pthread_mutex_unlock(&pool.lock);
  return count;
}

static void begin_waiting(waiter *self, uint64_t id) {
  int before = count_waiting();
  *self = (waiter){.id = id, .deadline_ns = PLQT_NEVER};
  assert_int_equal(pthread_create(&self->thread, NULL, wait_for_slot, self), 0);
  WAIT_UNTIL(count_waiting() == before + 1);
}

static void waits_for_one(void **state) {
  waiter first, second;
  (void)state;
  plqt_slot *a = take(1);
  take(2);
  plqt_slot *c = take(3);
  begin_waiting(&first, 4);
  begin_waiting(&second, 5);
  assert_false(first.over || second.over);
  plqt_pool_give_back(&pool, a);
  plqt_pool_give_back(&pool, c);
  pthread_join(first.thread, NULL);
  pthread_join(second.thread, NULL);
  assert_true(first.slot != second.slot);
  assert_true((first.slot == a && second.slot == c) || (first.slot == c && second.slot == a));
  assert_int_equal(first.slot->id, 4);
  assert_int_equal(second.slot->id, 5);
  assert_int_equal(seen.made, 3);
}

/* Neither the first nor the last that came: a single signal would wake another one. */
static void cancels_one_that_waits(void **state) {
  waiter waiters[3];
  (void)state;
  plqt_slot *a = take(1), *b = take(2);
  take(3);
  for (size_t i = 0; i < COUNT(waiters); i++) begin_waiting(&waiters[i], 4 + i);
  plqt_pool_cancel(&pool, 5);
  pthread_join(waiters[1].thread, NULL);
  assert_null(waiters[1].slot);
  assert_int_equal(waiters[1].status, PLQ_E_CANCELLED);
  assert_false(waiters[0].over || waiters[2].over);
  assert_int_equal(seen.woken, 0);
  plqt_pool_give_back(&pool, a);
  plqt_pool_give_back(&pool, b);
  pthread_join(waiters[0].thread, NULL);
  pthread_join(waiters[2].thread, NULL);
  assert_true(waiters[0].slot != NULL && waiters[2].slot != NULL && waiters[0].slot != waiters[2].slot);
}

/* A slot comes back and its waiter is cancelled at once, in any order: whoever else waits gets it. */
static void no_slot_is_lost_to_a_cancelled_one(void **state) {
  (void)state;
  pool.max = 1;
  for (int i = 0; i < 200; i++) {
    waiter first, second;
    plqt_slot *only = take(1);
    begin_waiting(&first, 2);
    begin_waiting(&second, 3);
    if (i % 2) plqt_pool_cancel(&pool, 3);
    plqt_pool_give_back(&pool, only);
    if (i % 2 == 0) plqt_pool_cancel(&pool, 3);
    /* If it was too late to cancel, then that one has the slot, and ours comes next. */
    pthread_join(second.thread, NULL);
    if (second.slot != NULL) plqt_pool_give_back(&pool, second.slot);
    pthread_join(first.thread, NULL);
    assert_ptr_equal(first.slot, only);
    plqt_pool_give_back(&pool, only);
  }
  assert_int_equal(seen.made, 1);
}

/* One that could not be made leaves its room to the next. */
static void room_is_not_lost_with_one_that_cannot_be_made(void **state) {
  waiter first, second;
  (void)state;
  pool.max = 1;
  seen.hold = true;
  seen.status = PLQ_E_MEMORY;
  first = (waiter){.id = 1, .deadline_ns = PLQT_NEVER};
  assert_int_equal(pthread_create(&first.thread, NULL, wait_for_slot, &first), 0);
  WAIT_UNTIL(seen.inside == 1);
  begin_waiting(&second, 2);
  seen.hold = false;
  pthread_join(first.thread, NULL);
  pthread_join(second.thread, NULL);
  assert_int_equal(first.status, PLQ_E_MEMORY);
  assert_int_equal(second.status, PLQ_E_MEMORY);
  assert_int_equal(pool.count, 0);
}

enum { THREADS = 8, ROUNDS = 400 };
static _Atomic uint64_t next_id;
static _Atomic int wrong, busy;

static void *use_often(void *argument) {
  (void)argument;
  for (int i = 0; i < ROUNDS; i++) {
    int32_t status;
    int os_errno;
    uint64_t id = ++next_id;
    plqt_slot *slot = plqt_pool_take(&pool, id, &calm, PLQT_NEVER, host_now(NULL), &status, &os_errno);
    if (slot == NULL) {
      wrong += status != PLQ_E_CANCELLED;
      continue;
    }
    if (of(slot)->users++ != 0 || slot->id != id || ++busy > 3) wrong++;
    if (i % 5 == 0) plqt_pool_cancel(&pool, next_id); /* whoever came last */
    busy--;
    of(slot)->users--;
    slot->used_ns = host_now(NULL);
    plqt_pool_give_back(&pool, slot);
  }
  return NULL;
}

static void many_at_once(void **state) {
  pthread_t threads[THREADS];
  (void)state;
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, use_often, NULL), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(wrong, 0);
  assert_null(pool.waiting);
  assert_null(pool.busy);
  assert_true(pool.count <= 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(the_last_one_used_comes_first),
      CASE(old_ones_go),
      CASE(busy_ones_do_not_grow_old),
      CASE(one_that_cannot_be_made),
      CASE(time_is_over),
      CASE(cancelled_before),
      CASE(cancels_a_busy_one),
      CASE(counts_connections),
      CASE(tries_without_a_connection),
      CASE(waits_for_one),
      CASE(cancels_one_that_waits),
      CASE(no_slot_is_lost_to_a_cancelled_one),
      CASE(room_is_not_lost_with_one_that_cannot_be_made),
      CASE(many_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
