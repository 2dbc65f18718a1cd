/* SPDX-License-Identifier: MIT */
/* Cancel, wake and close: from wherever a call is, and from other threads. */
#include <pthread.h>
#include <unistd.h>

#include "queue.h"

/* The one failed completion, which must tell this. */
static void expect_cancelled(uint64_t tag, int32_t phase, int32_t delivery) {
  plq_completion *completion = NULL;
  assert_int_equal(plq_queue_next(queue, 10000, &completion), PLQ_OK);
  assert_int_equal(plq_completion_tag(completion), tag);
  assert_int_equal(plq_completion_status(completion), PLQ_E_CANCELLED);
  plq_error *error = plq_completion_take_error(completion);
  assert_int_equal(plq_error_phase(error), phase);
  assert_int_equal(plq_error_delivery(error), delivery);
  plq_error_free(error);
  plq_completion_free(completion);
}

static void before_it_began(void **state) {
  (void)state;
  queue_open("loop", NULL);
  uint64_t id = queue_put(1);
  assert_int_equal(plq_queue_cancel(queue, id), PLQ_OK);
  assert_int_equal(plq_queue_cancel(queue, id), PLQ_OK); /* twice is once */
  expect_cancelled(1, PLQ_PHASE_NONE, PLQ_DELIVERY_NOT_SENT);
  assert_int_equal(loop_submits, 0);
  assert_int_equal(plq_queue_cancel(queue, id), PLQ_E_NOT_FOUND);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
}

static void while_it_is_carried(void **state) {
  (void)state;
  queue_open("loop", NULL);
  uint64_t id = queue_put(1);
  queue_put(2);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  assert_int_equal(plq_queue_cancel(queue, id), PLQ_OK);
  expect_cancelled(1, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT);
  assert_int_equal(loop_cancels, 1);
  loop_let(1);
  assert_int_equal(queue_get(2), PLQ_OK);
}

static void while_it_waits_for_a_repeat(void **state) {
  (void)state;
  queue_open("loop", "timeout_ms", "60000", NULL);
  loop_answers[0] = (struct loop_answer){.http_status = 503, .fields = "Retry-After: 20\r\n"};
  loop_at_once = true;
  uint64_t id = queue_put(1);
  queue_put(2);
  assert_int_equal(queue_get(2), PLQ_OK);
  assert_int_equal(queue_none(20), PLQ_E_QUEUE_EMPTY);
  assert_int_equal(plq_queue_cancel(queue, id), PLQ_OK);
  expect_cancelled(1, PLQ_PHASE_BACKOFF, PLQ_DELIVERY_ANSWERED);
  assert_int_equal(loop_cancels, 0);
}

/* The outcome was there first. */
static void after_its_end(void **state) {
  (void)state;
  queue_open("loop", NULL);
  loop_at_once = true;
  queue_put(1);
  uint64_t id = queue_put(2);
  assert_int_equal(queue_get(1), PLQ_OK); /* both are over now */
  assert_int_equal(plq_queue_cancel(queue, id), PLQ_OK);
  assert_int_equal(queue_get(2), PLQ_OK);
  assert_int_equal(plq_queue_cancel(queue, id), PLQ_E_NOT_FOUND);
}

static void what_is_not_there(void **state) {
  (void)state;
  queue_open("loop", NULL);
  assert_int_equal(plq_queue_cancel(queue, 0), PLQ_E_NOT_FOUND);
  uint64_t id = queue_put(1);
  assert_int_equal(plq_queue_cancel(queue, id + 1), PLQ_E_NOT_FOUND);
  assert_int_equal(plq_queue_cancel(queue, UINT64_MAX), PLQ_E_NOT_FOUND);
  assert_int_equal(plq_queue_cancel(client, id), PLQ_E_HANDLE);
  loop_at_once = true;
  assert_int_equal(queue_get(1), PLQ_OK);
}

/* ---- from other threads, while next() waits ---- */

struct soon {
  pthread_t thread;
  uint64_t id;
  int32_t (*act)(uint64_t id);
};

static void *act_soon(void *argument) {
  const struct soon *soon = argument;
  usleep(50000);
  soon->act(soon->id);
  return NULL;
}

static void begin_soon(struct soon *soon, int32_t (*act)(uint64_t id), uint64_t id) {
  *soon = (struct soon){.id = id, .act = act};
  assert_int_equal(pthread_create(&soon->thread, NULL, act_soon, soon), 0);
}

static int32_t cancel_it(uint64_t id) { return plq_queue_cancel(queue, id); }
static int32_t wake_it(uint64_t id) { return id == 0 ? plq_queue_wake(queue) : PLQ_OK; }
static int32_t submit_it(uint64_t tag) { return plq_queue_submit(queue, request, tag, 0, NULL, NULL); }
static int32_t close_it(uint64_t cancel) { return plq_queue_close(queue, (int32_t)cancel); }

static void cancel_from_another_thread(void **state) {
  (void)state;
  struct soon soon;
  queue_open("loop", NULL);
  uint64_t id = queue_put(1);
  begin_soon(&soon, cancel_it, id);
  int64_t began = queue_now_ms();
  expect_cancelled(1, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT);
  assert_true(queue_now_ms() - began < 5000);
  pthread_join(soon.thread, NULL);
}

static void submit_from_another_thread(void **state) {
  (void)state;
  struct soon soon;
  queue_open("loop", NULL);
  loop_at_once = true;
  begin_soon(&soon, submit_it, 9);
  assert_int_equal(queue_get(9), PLQ_OK);
  pthread_join(soon.thread, NULL);
}

static void wake_up(void **state) {
  (void)state;
  struct soon soon;
  queue_open("loop", NULL);
  assert_int_equal(plq_queue_wake(queue), PLQ_OK);
  assert_int_equal(plq_queue_wake(queue), PLQ_OK);
  int64_t began = queue_now_ms();
  assert_int_equal(queue_none(-1), PLQ_E_QUEUE_EMPTY); /* it came before */
  assert_int_equal(queue_none(40), PLQ_E_QUEUE_EMPTY); /* and two are one */
  assert_true(queue_now_ms() - began >= 40);
  begin_soon(&soon, wake_it, 0);
  assert_int_equal(queue_none(-1), PLQ_E_QUEUE_EMPTY);
  pthread_join(soon.thread, NULL);
  /* A completion goes first, and the wake-up is for the next that finds none. */
  loop_at_once = true;
  queue_put(1);
  assert_int_equal(plq_queue_wake(queue), PLQ_OK);
  assert_int_equal(queue_get(1), PLQ_OK);
  assert_int_equal(queue_none(-1), PLQ_E_QUEUE_EMPTY);
}

static void submit_then(void) { queue_put(1); }

/* What comes from outside in the moment in which next begins to wait. */
static void on_the_brink_of_waiting(const char *transport) {
  queue_open(transport, NULL);
  loop_at_once = true;
  int64_t began_ms = queue_now_ms();
  loop_before_drive = submit_then;
  plq_completion *completion = NULL;
  assert_int_equal(plq_queue_next(queue, 20000, &completion), PLQ_OK);
  assert_int_equal(plq_completion_tag(completion), 1);
  plq_completion_free(completion);
  assert_true(queue_now_ms() - began_ms < 10000);
}

static void on_the_brink(void **state) {
  (void)state;
  on_the_brink_of_waiting("loop");
}

static void on_the_brink_on_a_virtual_clock(void **state) {
  (void)state;
  on_the_brink_of_waiting("loop-virtual");
}

static void close_in_order(void **state) {
  (void)state;
  plq_error *error = NULL;
  queue_open("loop", NULL);
  queue_put(1);
  queue_put(2);
  assert_int_equal(plq_queue_close(queue, 0), PLQ_OK);
  assert_int_equal(plq_queue_close(queue, 0), PLQ_OK);
  assert_int_equal(plq_queue_submit(queue, request, 3, -1, NULL, &error), PLQ_E_CLOSED);
  plq_error_free(error);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY); /* two are in flight */
  loop_let(0);
  loop_let(1);
  assert_int_equal(queue_get(1), PLQ_OK);
  assert_int_equal(queue_get(2), PLQ_OK);
  assert_int_equal(queue_none(-1), PLQ_E_CLOSED);
  assert_int_equal(queue_none(0), PLQ_E_CLOSED);
  assert_int_equal(plq_queue_warm(queue, 1, 0, NULL, NULL), PLQ_E_CLOSED);
}

static void close_from_another_thread(void **state) {
  (void)state;
  struct soon soon;
  queue_open("loop", NULL);
  begin_soon(&soon, close_it, 0);
  assert_int_equal(queue_none(-1), PLQ_E_CLOSED);
  pthread_join(soon.thread, NULL);
}

static void close_and_cancel(void **state) {
  (void)state;
  struct soon soon;
  queue_open("loop", NULL);
  for (uint64_t i = 0; i < 3; i++) queue_put(i);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  queue_put(3); /* which nobody has seen yet */
  begin_soon(&soon, close_it, 1);
  bool seen[4] = {false};
  for (int i = 0; i < 4; i++) {
    plq_completion *completion = NULL;
    assert_int_equal(plq_queue_next(queue, -1, &completion), PLQ_OK);
    assert_int_equal(plq_completion_status(completion), PLQ_E_CANCELLED);
    seen[plq_completion_tag(completion)] = true;
    plq_completion_free(completion);
  }
  assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
  assert_int_equal(queue_none(-1), PLQ_E_CLOSED);
  pthread_join(soon.thread, NULL);
}

/* A client that is closed cancels what its queues do; the completions still come. */
static void client_closed(void **state) {
  (void)state;
  plq_queue_id other = 1;
  queue_open("loop", NULL);
  queue_put(1);
  queue_put(2);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  assert_int_equal(plq_client_close(client, 0), PLQ_OK);
  assert_int_equal(queue_get(1), PLQ_E_CANCELLED);
  assert_int_equal(plq_queue_submit(queue, request, 3, 0, NULL, NULL), PLQ_E_CLOSED);
  assert_int_equal(queue_get(2), PLQ_E_CANCELLED);
  assert_int_equal(queue_none(-1), PLQ_E_CLOSED);
  assert_int_equal(plq_queue_new(client, &other, NULL), PLQ_E_HANDLE);
  assert_int_equal(other, 0);
}

/* Whoever waits for room is told. */
static void close_while_room_is_waited_for(void **state) {
  (void)state;
  struct soon soon;
  queue_open("loop", "queue_max_calls", "1", NULL);
  queue_put(1);
  begin_soon(&soon, close_it, 0);
  assert_int_equal(plq_queue_submit(queue, request, 2, -1, NULL, NULL), PLQ_E_CLOSED);
  pthread_join(soon.thread, NULL);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, queue_setup, queue_teardown)
  const struct CMUnitTest tests[] = {
      TEST(before_it_began), TEST(while_it_is_carried), TEST(while_it_waits_for_a_repeat), TEST(after_its_end), TEST(what_is_not_there),
      TEST(cancel_from_another_thread), TEST(submit_from_another_thread), TEST(wake_up), TEST(on_the_brink),
      TEST(on_the_brink_on_a_virtual_clock), TEST(close_in_order),
      TEST(close_from_another_thread), TEST(close_and_cancel), TEST(client_closed), TEST(close_while_room_is_waited_for),
  };
  return cmocka_run_group_tests_name("queue: cancel", tests, NULL, NULL);
}
