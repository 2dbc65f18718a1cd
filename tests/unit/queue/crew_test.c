/* SPDX-License-Identifier: MIT */
/* A transport that can only block, in a queue: a few threads, as many as allowed and no more, which no observer ever runs on. */
#include <pthread.h>
#include <unistd.h>

#include "queue.h"

static void *nothing(void *argument) { return argument; }

/* Of this process. A sanitizer may start one of its own beside the first. */
static int count_now(void) {
  int count = -1;
  char line[128];
  FILE *file = fopen("/proc/self/status", "r");
  assert_non_null(file);
  while (fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "Threads: %d", &count) == 1) break;
  fclose(file);
  return count;
}

/* A thread that was joined may be counted for a moment more, so it is the least of some looks. */
static int count_threads(void) {
  pthread_t first;
  assert_int_equal(pthread_create(&first, NULL, nothing, NULL), 0);
  pthread_join(first, NULL);
  int least = count_now();
  for (int i = 0; i < 20; i++) {
    usleep(1000);
    int count = count_now();
    if (count < least) least = count;
  }
  return least;
}

static void wait_for(const _Atomic int *number, int value) {
  for (int i = 0; i < 5000 && *number < value; i++) usleep(1000);
  assert_int_equal(*number, value);
}

/* None before there is work, no more than allowed, and none afterwards. */
static void as_many_as_allowed(void **state) {
  (void)state;
  int before = count_threads();
  queue_open("block", "queue_threads", "3", NULL);
  assert_int_equal(count_threads(), before);
  for (uint64_t i = 0; i < 10; i++) queue_put(i);
  assert_int_equal(count_threads(), before); /* they start inside of next */
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  wait_for(&loop_running, 3);
  assert_int_equal(count_threads(), before + 3);
  assert_true(loop_signals_blocked);
  assert_true(loop_elsewhere);
  loop_at_once = true;
  loop_let(0);
  bool seen[10] = {false};
  for (int i = 0; i < 10; i++) {
    plq_completion *completion = NULL;
    assert_int_equal(plq_queue_next(queue, 10000, &completion), PLQ_OK);
    assert_int_equal(plq_completion_status(completion), PLQ_OK);
    seen[plq_completion_tag(completion)] = true;
    plq_completion_free(completion);
  }
  for (int i = 0; i < 10; i++) assert_true(seen[i]);
  assert_int_equal(loop_most_running, 3);
  plq_queue_free(queue);
  assert_int_equal(count_threads(), before);
}

/* An idle thread is used again before another one starts. */
static void no_more_than_needed(void **state) {
  (void)state;
  int before = count_threads();
  queue_open("block", "queue_threads", "8", NULL);
  loop_at_once = true;
  for (uint64_t i = 0; i < 20; i++) {
    queue_put(i);
    assert_int_equal(queue_get(i), PLQ_OK);
    usleep(2000); /* until it is idle */
  }
  assert_true(count_threads() <= before + 2);
}

/* A thread that is idle stands for one request, not for all that come before it wakes. */
static void all_that_are_needed(void **state) {
  (void)state;
  queue_open("block", "queue_threads", "4", NULL);
  queue_put(0);
  loop_let(0);
  assert_int_equal(queue_get(0), PLQ_OK);
  usleep(20000); /* until its thread is idle */
  for (uint64_t i = 1; i <= 4; i++) queue_put(i);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  wait_for(&loop_running, 4);
  loop_at_once = true;
  loop_let(1);
  for (int i = 0; i < 4; i++) {
    plq_completion *completion = NULL;
    assert_int_equal(plq_queue_next(queue, 10000, &completion), PLQ_OK);
    plq_completion_free(completion);
  }
}

/* While a request is inside of a transport for one thread, nothing else is. */
static void no_warming_beside_a_request(void **state) {
  (void)state;
  plq_error *error = NULL;
  uint32_t open = 0;
  queue_open("block-one", NULL);
  assert_int_equal(plq_queue_warm(queue, 2, 1000, &open, NULL), PLQ_OK);
  assert_int_equal(open, 2);
  queue_put(1);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  wait_for(&loop_running, 1);
  assert_int_equal(plq_queue_warm(queue, 2, 1000, &open, &error), PLQ_E_BUSY);
  assert_non_null(strstr(plq_error_message(error, NULL), "carries a request"));
  plq_error_free(error);
  assert_int_equal(loop_prewarms, 1);
  loop_let(0);
  assert_int_equal(queue_get(1), PLQ_OK);
  assert_int_equal(plq_queue_warm(queue, 2, 1000, &open, NULL), PLQ_OK);
}

static void one_at_a_time(void **state) {
  (void)state;
  queue_open("block-one", "queue_threads", "8", NULL);
  for (uint64_t i = 0; i < 5; i++) queue_put(i);
  assert_int_equal(queue_none(20), PLQ_E_QUEUE_EMPTY);
  loop_at_once = true;
  loop_let(0);
  for (uint64_t i = 0; i < 5; i++) assert_int_equal(queue_get(i), PLQ_OK);
  assert_int_equal(loop_most_running, 1);
}

/* The one that runs, and one that waits for a thread. */
static void cancelled(void **state) {
  (void)state;
  queue_open("block", "queue_threads", "1", NULL);
  uint64_t first = queue_put(1), second = queue_put(2);
  queue_put(3);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  wait_for(&loop_running, 1);
  assert_int_equal(plq_queue_cancel(queue, second), PLQ_OK);
  assert_int_equal(queue_get(2), PLQ_E_CANCELLED);
  assert_int_equal(loop_submits, 1);
  assert_int_equal(plq_queue_cancel(queue, first), PLQ_OK);
  assert_int_equal(queue_get(1), PLQ_E_CANCELLED);
  loop_at_once = true;
  loop_let(2);
  assert_int_equal(queue_get(3), PLQ_OK);
}

/* The deadline passes before a thread is free; the descriptor tells. */
static void no_thread_in_time(void **state) {
  (void)state;
  int fd = -1;
  queue_open("block", "queue_threads", "1", "max_repeats", "0", NULL);
  assert_int_equal(plq_queue_fd(queue, &fd), PLQ_OK);
  queue_put(1);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  assert_int_equal(plq_request_set_timeout_ms(request, 60, NULL), PLQ_OK);
  queue_put(2);
  plq_completion *completion = NULL;
  while (plq_queue_next(queue, 0, &completion) != PLQ_OK) assert_true(queue_readable(fd, 5000));
  assert_int_equal(plq_completion_tag(completion), 2);
  assert_int_equal(plq_completion_status(completion), PLQ_E_TIMEOUT_POOL);
  plq_error *error = plq_completion_take_error(completion);
  assert_int_equal(plq_error_delivery(error), PLQ_DELIVERY_NOT_SENT);
  plq_error_free(error);
  plq_completion_free(completion);
  loop_let(0);
  assert_int_equal(queue_get(1), PLQ_OK);
}

static pthread_t told_on;
static _Atomic int told, told_elsewhere;
static char line[64];

static void on_event(void *context) {
  (void)context;
  told++;
  if (!pthread_equal(pthread_self(), told_on)) told_elsewhere++;
}
static void on_log(void *context, uint64_t call, const char *text) {
  (void)context, (void)call;
  on_event(NULL);
  snprintf(line, sizeof line, "%s", text);
}

static void observers_on_the_callers_thread(void **state) {
  (void)state;
  static const char *const events[] = {"call_start", "attempt_start", "connection_reused", "attempt_end", "repeat", "call_end"};
  queue_open("block", NULL);
  told = told_elsewhere = 0;
  told_on = pthread_self();
  for (size_t i = 0; i < COUNT(events); i++)
    assert_int_equal(plq_client_observe(client, events[i], PLQ_NUL, "", 0, (plq_observer_fn)on_event, NULL, NULL, NULL), PLQ_OK);
  assert_int_equal(plq_client_observe(client, "log", PLQ_NUL, "call text", PLQ_NUL, (plq_observer_fn)on_log, NULL, NULL, NULL), PLQ_OK);
  loop_answers[0] = (struct loop_answer){.failure = PLQ_E_CONNECT_REFUSED, .logs = "said by the transport"};
  loop_at_once = true;
  queue_put(1);
  assert_int_equal(queue_get(1), PLQ_OK);
  assert_int_equal(told, 9); /* two attempts, one repeat, one connection, one line */
  assert_int_equal(told_elsewhere, 0);
  assert_string_equal(line, "said by the transport");
}

/* Free waits until the transport has noticed: what its thread writes to would be gone. */
static void free_while_they_work(void **state) {
  (void)state;
  queue_open("block", "queue_threads", "2", NULL);
  for (uint64_t i = 0; i < 5; i++) queue_put(i);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  wait_for(&loop_running, 2);
  plq_queue_free(queue);
  assert_int_equal(loop_running, 0);
  assert_int_equal(loop_instances, 1);
}

static void repeats(void **state) {
  (void)state;
  queue_open("block", NULL);
  loop_answers[0] = (struct loop_answer){.http_status = 503};
  loop_answers[1] = (struct loop_answer){.failure = PLQ_E_CONNECT_REFUSED};
  loop_at_once = true;
  queue_put(1);
  assert_int_equal(queue_get(1), PLQ_OK);
  assert_int_equal(loop_submits, 3);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, queue_setup, queue_teardown)
  const struct CMUnitTest tests[] = {
      TEST(as_many_as_allowed), TEST(no_more_than_needed), TEST(all_that_are_needed), TEST(no_warming_beside_a_request), TEST(one_at_a_time), TEST(cancelled), TEST(no_thread_in_time),
      TEST(observers_on_the_callers_thread), TEST(free_while_they_work), TEST(repeats),
  };
  return cmocka_run_group_tests_name("queue: crew", tests, NULL, NULL);
}
