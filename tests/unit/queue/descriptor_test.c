/* SPDX-License-Identifier: MIT */
/* The descriptor: readable while next(0) has work or a completion to give, for loops of both kinds. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "queue.h"

static int get_fd(void) {
  int fd = -1;
  assert_int_equal(plq_queue_fd(queue, &fd), PLQ_OK);
  assert_true(fd >= 0);
  return fd;
}

/* Nothing is left to do, and the descriptor says so. */
static void expect_quiet(int fd) {
  for (int i = 0; i < 10 && queue_readable(fd, 0); i++) assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  assert_false(queue_readable(fd, 0));
}

static void what_it_is(void **state) {
  (void)state;
  queue_open("loop", NULL);
  int fd = get_fd();
  assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK); /* Go's poller asks for it */
  expect_quiet(fd);
  loop_at_once = true;
  for (uint64_t i = 0; i < 20; i++) {
    queue_put(i);
    assert_int_equal(queue_get(i), PLQ_OK);
    assert_int_equal(get_fd(), fd);
  }
  assert_int_equal(plq_queue_fd(queue, NULL), PLQ_E_ARGUMENT);
  fd = 7;
  assert_int_equal(plq_queue_fd(client, &fd), PLQ_E_HANDLE);
  assert_int_equal(fd, -1);
}

static void level_triggered(void **state) {
  (void)state;
  queue_open("loop", NULL);
  int fd = get_fd();
  expect_quiet(fd);
  queue_put(0);
  queue_put(0);
  assert_true(queue_readable(fd, 0)); /* submitting is work */
  expect_quiet(fd);
  for (int i = 0; i < 2; i++) {
    loop_let(i);
    assert_true(queue_readable(fd, 5000));
    assert_int_equal(queue_get(0), PLQ_OK);
    expect_quiet(fd);
  }
  /* Many at once: taken one for each time that it is readable, none is left. */
  loop_at_once = true;
  for (uint64_t i = 1; i <= 50; i++) queue_put(i);
  for (uint64_t i = 1; i <= 50; i++) {
    assert_true(queue_readable(fd, 5000));
    assert_int_equal(queue_get(i), PLQ_OK);
  }
  expect_quiet(fd);
}

/* Where somebody waits for the descriptor, the first call is with the transport when submit returns, and nobody is woken for it. */
static void begun_by_submit(void **state) {
  (void)state;
  queue_open("loop", "max_repeats", "0", NULL);
  queue_put(0);
  assert_int_equal(loop_submits, 0); /* nobody asked for the descriptor: next does all */
  int fd = get_fd();
  expect_quiet(fd);
  assert_int_equal(loop_submits, 1);
  queue_put(1);
  assert_int_equal(loop_submits, 1); /* something is in flight: they go together */
  assert_true(queue_readable(fd, 0));
  expect_quiet(fd);
  loop_let(0), loop_let(1);
  assert_int_equal(queue_get(0), PLQ_OK);
  assert_int_equal(queue_get(1), PLQ_OK);
  expect_quiet(fd);
  queue_put(2);
  assert_int_equal(loop_submits, 3);
  assert_false(queue_readable(fd, 0));
  loop_let(2);
  assert_true(queue_readable(fd, 5000));
  assert_int_equal(queue_get(2), PLQ_OK);
  expect_quiet(fd);
  /* What is over at once is told. */
  loop_answers[3] = (struct loop_answer){.failure = PLQ_E_CONNECT_REFUSED};
  loop_at_once = true;
  queue_put(3);
  assert_int_equal(loop_submits, 4);
  assert_true(queue_readable(fd, 0));
  assert_int_equal(queue_get(3), PLQ_E_CONNECT_REFUSED);
  expect_quiet(fd);
}

/* The transport lacks something just then: next is woken, meets the same and tells, and goes on when it is there. */
static void begun_by_submit_in_need(void **state) {
  (void)state;
  queue_open("loop", NULL);
  int fd = get_fd();
  expect_quiet(fd);
  loop_at_once = true;
  loop_drive_fails = PLQ_E_RESOURCE_DESCRIPTORS;
  queue_put(1);
  assert_true(queue_readable(fd, 0));
  assert_int_equal(queue_none(0), PLQ_E_RESOURCE_DESCRIPTORS);
  loop_drive_fails = PLQ_OK;
  assert_true(queue_readable(fd, 5000));
  assert_int_equal(queue_get(1), PLQ_OK);
  expect_quiet(fd);
}

static _Atomic int taken_of;

static void *submit_singly(void *argument) {
  (void)argument;
  for (int i = 0; i < 400; i++) {
    int before = taken_of;
    plq_queue_submit(queue, request, 0, 0, NULL, NULL);
    for (int spins = 0; taken_of == before && spins < 2000; spins++) usleep(10);
  }
  return NULL;
}

/* Submits that begin calls, and next beside them: it waits for them to leave and never says that somebody is inside. */
static void begun_beside_next(void **state) {
  (void)state;
  pthread_t threads[2];
  queue_open("loop", NULL);
  int fd = get_fd();
  loop_at_once = true;
  taken_of = 0;
  for (size_t i = 0; i < COUNT(threads); i++) assert_int_equal(pthread_create(&threads[i], NULL, submit_singly, NULL), 0);
  while (taken_of < 800) {
    plq_completion *completion = NULL;
    int32_t status = plq_queue_next(queue, 0, &completion);
    if (status == PLQ_OK) {
      taken_of++;
      plq_completion_free(completion);
    } else {
      assert_int_equal(status, PLQ_E_QUEUE_EMPTY);
      if (taken_of % 3 == 0) continue; /* at times without a pause, to meet them inside */
      assert_true(queue_readable(fd, 10000));
    }
  }
  for (size_t i = 0; i < COUNT(threads); i++) pthread_join(threads[i], NULL);
  expect_quiet(fd);
}

/* One wake-up, and everything is taken until there is nothing: what comes later is a new edge. */
static void edge_triggered(void **state) {
  (void)state;
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};
  queue_open("loop", NULL);
  int outer = epoll_create1(EPOLL_CLOEXEC);
  assert_int_equal(epoll_ctl(outer, EPOLL_CTL_ADD, get_fd(), &event), 0);
  loop_at_once = true;
  int taken = 0;
  for (int round = 0; round < 20; round++) {
    for (uint64_t i = 0; i < 5; i++) queue_put(i);
    while (taken < 5 * (round + 1)) {
      plq_completion *completion;
      assert_int_equal(epoll_wait(outer, &event, 1, 5000), 1);
      while (plq_queue_next(queue, 0, &completion) == PLQ_OK) {
        taken++;
        plq_completion_free(completion);
      }
    }
  }
  while (epoll_wait(outer, &event, 1, 20) == 1) assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  close(outer);
}

static void *submit_many(void *argument) {
  (void)argument;
  for (uint64_t i = 0; i < 500; i++) plq_queue_submit(queue, request, i, 0, NULL, NULL);
  return NULL;
}

/* The same while other threads submit. */
static void edge_triggered_from_threads(void **state) {
  (void)state;
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};
  pthread_t threads[3];
  queue_open("loop", NULL);
  int outer = epoll_create1(EPOLL_CLOEXEC);
  assert_int_equal(epoll_ctl(outer, EPOLL_CTL_ADD, get_fd(), &event), 0);
  loop_at_once = true;
  for (size_t i = 0; i < COUNT(threads); i++) assert_int_equal(pthread_create(&threads[i], NULL, submit_many, NULL), 0);
  for (int taken = 0; taken < 1500;) {
    plq_completion *completion;
    if (epoll_wait(outer, &event, 1, 10000) != 1) fail_msg("an edge is missing after %d of 1500", taken);
    while (plq_queue_next(queue, 0, &completion) == PLQ_OK) {
      taken++;
      plq_completion_free(completion);
    }
  }
  for (size_t i = 0; i < COUNT(threads); i++) pthread_join(threads[i], NULL);
  close(outer);
}

/* The wait before a repeat: nobody else watches a clock for the queue. */
static void timers(void **state) {
  (void)state;
  queue_open("loop", "backoff_base_ms", "80", "backoff_cap_ms", "80", "max_repeats", "5", NULL);
  for (int i = 0; i < 5; i++) loop_answers[i] = (struct loop_answer){.failure = PLQ_E_CONNECT_REFUSED};
  loop_at_once = true;
  int fd = get_fd(), wakes = 0;
  queue_put(1);
  plq_completion *completion = NULL;
  while (plq_queue_next(queue, 0, &completion) != PLQ_OK) {
    assert_true(queue_readable(fd, 5000));
    assert_true(++wakes < 100); /* it does not stay readable while there is nothing to do but wait */
  }
  assert_int_equal(plq_completion_status(completion), PLQ_OK);
  plq_completion_free(completion);
  assert_int_equal(loop_submits, 6);
  expect_quiet(fd);
}

static void timers_on_a_virtual_clock(void **state) {
  (void)state;
  queue_open("loop-virtual", "timeout_ms", "60000", NULL);
  loop_answers[0] = (struct loop_answer){.http_status = 503, .fields = "Retry-After: 20\r\n"};
  loop_at_once = true;
  int fd = get_fd();
  queue_put(1);
  plq_completion *completion = NULL;
  while (plq_queue_next(queue, 0, &completion) != PLQ_OK) assert_true(queue_readable(fd, 0));
  plq_completion_free(completion);
  expect_quiet(fd);
}

/* What was there before anybody asked for the descriptor. */
static void asked_for_late(void **state) {
  (void)state;
  queue_open("loop", "backoff_base_ms", "50", "backoff_cap_ms", "50", NULL);
  loop_at_once = true;
  for (uint64_t i = 0; i < 3; i++) queue_put(i);
  assert_int_equal(queue_get(0), PLQ_OK);
  int fd = get_fd(); /* two are ready */
  assert_true(queue_readable(fd, 0));
  assert_int_equal(queue_get(1), PLQ_OK);
  assert_int_equal(queue_get(2), PLQ_OK);
  expect_quiet(fd);

  plq_queue_free(queue);
  queue_make();
  loop_answers[3] = loop_answers[4] = (struct loop_answer){.failure = PLQ_E_CONNECT_REFUSED};
  queue_put(1);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  fd = get_fd(); /* one waits for its repeat */
  assert_true(queue_readable(fd, 5000));
  plq_completion *completion = NULL;
  while (plq_queue_next(queue, 0, &completion) != PLQ_OK) assert_true(queue_readable(fd, 5000));
  plq_completion_free(completion);
  assert_int_equal(loop_submits, 6);
}

static void what_others_do(void **state) {
  (void)state;
  queue_open("loop", NULL);
  int fd = get_fd();
  expect_quiet(fd);
  assert_int_equal(plq_queue_wake(queue), PLQ_OK);
  assert_true(queue_readable(fd, 0));
  expect_quiet(fd);
  uint64_t id = queue_put(1);
  expect_quiet(fd);
  assert_int_equal(plq_queue_cancel(queue, id), PLQ_OK);
  assert_true(queue_readable(fd, 0));
  assert_int_equal(queue_get(1), PLQ_E_CANCELLED);
  expect_quiet(fd);
  assert_int_equal(plq_queue_close(queue, 0), PLQ_OK);
  assert_true(queue_readable(fd, 0));
  assert_int_equal(queue_none(0), PLQ_E_CLOSED);
  assert_true(queue_readable(fd, 0)); /* that answer is not used up */
}

/* A wake-up and an answer in one edge: whoever takes until there is nothing must not miss the answer. */
static void wake_and_answer_in_one_edge(void **state) {
  (void)state;
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};
  plq_completion *completion = NULL;
  queue_open("loop", NULL);
  int outer = epoll_create1(EPOLL_CLOEXEC);
  assert_int_equal(epoll_ctl(outer, EPOLL_CTL_ADD, get_fd(), &event), 0);
  queue_put(1);
  while (epoll_wait(outer, &event, 1, 20) == 1) assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  assert_int_equal(plq_queue_wake(queue), PLQ_OK);
  loop_let(0);
  assert_int_equal(epoll_wait(outer, &event, 1, 5000), 1);
  assert_int_equal(plq_queue_next(queue, 0, &completion), PLQ_OK);
  plq_completion_free(completion);
  close(outer);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, queue_setup, queue_teardown)
  const struct CMUnitTest tests[] = {
      TEST(what_it_is), TEST(level_triggered), TEST(begun_by_submit), TEST(begun_by_submit_in_need), TEST(begun_beside_next), TEST(edge_triggered), TEST(edge_triggered_from_threads), TEST(timers),
      TEST(timers_on_a_virtual_clock), TEST(asked_for_late), TEST(wake_and_answer_in_one_edge), TEST(what_others_do),
  };
  return cmocka_run_group_tests_name("queue: descriptor", tests, NULL, NULL);
}
