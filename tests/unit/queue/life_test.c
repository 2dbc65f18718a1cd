/* SPDX-License-Identifier: MIT */
/* Handles, freeing with calls pending, fork, memory, and who may be inside. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "queue.h"

static void no_such_queue(void **state) {
  (void)state;
  queue_open("loop", NULL);
  plq_queue_id freed = 0;
  assert_int_equal(plq_queue_new(client, &freed, NULL), PLQ_OK);
  plq_queue_free(freed);
  plq_queue_free(freed);
  plq_queue_free(0);
  const plq_queue_id wrong[] = {0, freed, client, UINT64_MAX};
  for (size_t i = 0; i < COUNT(wrong); i++) {
    plq_completion *completion = NULL;
    plq_error *error = NULL;
    int64_t values[1];
    uint64_t id = 1, tag = 1;
    size_t len = 1;
    int fd = 1;
    assert_int_equal(plq_queue_submit(wrong[i], request, 1, -1, &id, &error), PLQ_E_HANDLE);
    assert_int_equal(plq_error_status(error), PLQ_E_HANDLE);
    plq_error_free(error);
    assert_int_equal(plq_queue_submit_message(wrong[i], (const uint8_t *)"\x80", 1, 1, 0, &id, NULL), PLQ_E_HANDLE);
    assert_int_equal(plq_queue_next(wrong[i], -1, &completion), PLQ_E_HANDLE);
    assert_int_equal(plq_queue_next_message(wrong[i], -1, NULL, 0, &len, &tag, &id), PLQ_E_HANDLE);
    assert_int_equal(len + tag + id, 0);
    assert_int_equal(plq_queue_fd(wrong[i], &fd), PLQ_E_HANDLE);
    assert_int_equal(plq_queue_cancel(wrong[i], 1), PLQ_E_HANDLE);
    assert_int_equal(plq_queue_wake(wrong[i]), PLQ_E_HANDLE);
    assert_int_equal(plq_queue_close(wrong[i], 1), PLQ_E_HANDLE);
    assert_int_equal(plq_queue_warm(wrong[i], 1, 0, NULL, NULL), PLQ_E_HANDLE);
    assert_int_equal(plq_queue_stats(wrong[i], values, 1), PLQ_E_HANDLE);
  }
  plq_error *error = NULL;
  plq_queue_id made = 1;
  assert_int_equal(plq_queue_new(queue, &made, &error), PLQ_E_HANDLE);
  assert_int_equal(made, 0);
  plq_error_free(error);
  assert_int_equal(plq_queue_new(client, NULL, &error), PLQ_E_ARGUMENT);
  plq_error_free(error);
}

/* ---- free ---- */

static _Atomic int ends, starts;
static void on_start(void *context) {
  (void)context;
  starts++;
}
static void on_end(void *context, int32_t status) {
  (void)context;
  if (status == PLQ_E_CANCELLED) ends++;
}

static void observe(void) {
  starts = ends = 0;
  assert_int_equal(plq_client_observe(client, "call_start", PLQ_NUL, "", 0, (plq_observer_fn)on_start, NULL, NULL, NULL), PLQ_OK);
  assert_int_equal(plq_client_observe(client, "call_end", PLQ_NUL, "status", PLQ_NUL, (plq_observer_fn)on_end, NULL, NULL, NULL), PLQ_OK);
}

/* In every state that there is; those who observe hear the end of each. */
static void free_with_calls_pending(void **state) {
  (void)state;
  int fd = -1;
  queue_open("loop", "timeout_ms", "60000", NULL);
  observe();
  assert_int_equal(plq_queue_fd(queue, &fd), PLQ_OK);
  loop_answers[0] = (struct loop_answer){.http_status = 503, .fields = "Retry-After: 20\r\n"};
  queue_put(1);
  queue_put(2);
  queue_put(3);
  queue_put(4);
  loop_let(0);
  loop_let(1);
  loop_let(3);
  assert_int_equal(queue_get(2), PLQ_OK); /* 1 waits for its repeat, 3 is carried, 4 is ready */
  queue_put(5);                           /* nobody has seen it */
  int instances = loop_instances;
  plq_queue_free(queue);
  assert_int_equal(loop_instances, instances - 1);
  assert_int_equal(starts, 5);
  assert_int_equal(ends, 3);
  assert_int_equal(queue_none(0), PLQ_E_HANDLE);
}

static void *next_for_ever(void *argument) {
  plq_completion *completion;
  *(int32_t *)argument = plq_queue_next(queue, -1, &completion);
  return NULL;
}

static void free_while_another_thread_is_inside(void **state) {
  (void)state;
  pthread_t thread;
  int32_t answer = 0;
  queue_open("loop", NULL);
  observe();
  queue_put(1);
  assert_int_equal(pthread_create(&thread, NULL, next_for_ever, &answer), 0);
  while (loop_drives == 0) usleep(1000);
  plq_queue_free(queue);
  pthread_join(thread, NULL);
  assert_int_equal(answer, PLQ_E_HANDLE);
  assert_int_equal(ends, 1);
  assert_int_equal(loop_instances, 1);
}

static void *free_soon(void *argument) {
  (void)argument;
  usleep(50000);
  plq_queue_free(queue);
  return NULL;
}

static void free_while_room_is_waited_for(void **state) {
  (void)state;
  pthread_t thread;
  queue_open("loop", "queue_max_calls", "1", NULL);
  queue_put(1);
  assert_int_equal(pthread_create(&thread, NULL, free_soon, NULL), 0);
  assert_int_equal(plq_queue_submit(queue, request, 2, -1, NULL, NULL), PLQ_E_HANDLE);
  pthread_join(thread, NULL);
}

/* The client goes first: its queues keep what they need. */
static void client_freed_first(void **state) {
  (void)state;
  queue_open("loop", NULL);
  queue_put(1);
  plq_client_free(client);
  assert_int_equal(queue_get(1), PLQ_E_CANCELLED);
  assert_int_equal(queue_none(0), PLQ_E_CLOSED);
  plq_queue_free(queue);
  assert_int_equal(loop_instances, 0);
}

/* ---- one inside ---- */

static void one_thread_inside(void **state) {
  (void)state;
  pthread_t thread;
  int32_t answer = 0;
  uint64_t tag;
  size_t len;
  plq_error *error = NULL;
  queue_open("loop", NULL);
  assert_int_equal(pthread_create(&thread, NULL, next_for_ever, &answer), 0);
  while (loop_drives == 0) usleep(1000);
  assert_int_equal(queue_none(-1), PLQ_E_BUSY);
  assert_int_equal(plq_queue_next_message(queue, -1, NULL, 0, &len, &tag, NULL), PLQ_E_BUSY);
  assert_int_equal(plq_queue_warm(queue, 1, 0, NULL, &error), PLQ_E_BUSY);
  plq_error_free(error);
  assert_int_equal(plq_queue_wake(queue), PLQ_OK);
  pthread_join(thread, NULL);
  assert_int_equal(answer, PLQ_E_QUEUE_EMPTY);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
}

static void warm(void **state) {
  (void)state;
  uint32_t open = 0;
  plq_error *error = NULL;
  queue_open("loop", "max_connections", "4", NULL);
  assert_int_equal(plq_queue_warm(queue, 3, 1000, &open, NULL), PLQ_OK);
  assert_int_equal(open, 3);
  assert_int_equal(loop_prewarms, 1);
  assert_int_equal(plq_queue_warm(queue, 5, 1000, &open, &error), PLQ_E_ARGUMENT);
  assert_string_equal(plq_error_field(error, NULL), "count");
  plq_error_free(error);
  plq_queue_free(queue);
  plq_client_free(client);
  queue_open("block", NULL);
  assert_int_equal(plq_queue_warm(queue, 1, 1000, &open, NULL), PLQ_E_UNSUPPORTED);
}

/* ---- fork ---- */

static int in_child(void) {
  plq_completion *completion;
  plq_response *response = NULL;
  plq_error *error = NULL;
  int64_t values[1];
  uint64_t id, tag;
  size_t len;
  int fd;
  plq_queue_id fresh = 0;
  if (plq_queue_submit(queue, request, 1, -1, &id, &error) != PLQ_E_FORKED) return 1;
  if (plq_error_status(error) != PLQ_E_FORKED) return 2;
  plq_error_free(error);
  if (plq_queue_next(queue, -1, &completion) != PLQ_E_FORKED) return 3;
  if (plq_queue_next_message(queue, -1, NULL, 0, &len, &tag, NULL) != PLQ_E_FORKED) return 4;
  if (plq_queue_fd(queue, &fd) != PLQ_E_FORKED) return 5;
  if (plq_queue_cancel(queue, 1) != PLQ_E_FORKED) return 6;
  if (plq_queue_wake(queue) != PLQ_E_FORKED || plq_queue_close(queue, 1) != PLQ_E_FORKED) return 7;
  if (plq_queue_warm(queue, 1, 0, NULL, NULL) != PLQ_E_FORKED || plq_queue_stats(queue, values, 1) != PLQ_E_FORKED) return 8;
  plq_queue_free(queue);
  if (plq_queue_wake(queue) != PLQ_E_HANDLE) return 9;
  /* The client works on, with new queues. */
  loop_at_once = true;
  if (plq_call(client, request, &response, NULL) != PLQ_OK) return 10;
  plq_response_free(response);
  if (plq_queue_new(client, &fresh, NULL) != PLQ_OK) return 11;
  if (plq_queue_submit(fresh, request, 5, 0, NULL, NULL) != PLQ_OK) return 12;
  if (plq_queue_next(fresh, 5000, &completion) != PLQ_OK || plq_completion_tag(completion) != 5) return 13;
  plq_completion_free(completion);
  plq_queue_free(fresh);
  plq_client_free(client);
  return 0;
}

static void forked(void **state) {
  (void)state;
  int fd = -1, status = 0;
  queue_open("loop", NULL);
  assert_int_equal(plq_queue_fd(queue, &fd), PLQ_OK);
  queue_put(1);
  queue_put(2);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  pid_t child = fork();
  if (child == 0) {
    int answer = in_child();
    plq_request_free(request);
    _exit(answer);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  loop_let(0);
  loop_let(1);
  assert_true(queue_readable(fd, 5000)); /* the parent notices nothing */
  assert_int_equal(queue_get(1), PLQ_OK);
  assert_int_equal(queue_get(2), PLQ_OK);
}

/* ---- memory ---- */

static int allowed;

static int gate(size_t size) {
  (void)size;
  return allowed-- > 0;
}

/* A call's whole life with the n-th allocation failing, and all after it; what was accepted comes out once memory is back. */
static bool live_with(int n) {
  plq_queue_id made = 0;
  plq_error *error = NULL;
  plq_completion *completion = NULL;
  int fd;
  allowed = n;
  plq__alloc_gate = gate;
  int32_t status = plq_queue_new(client, &made, &error);
  if (status == PLQ_OK) status = plq_queue_submit(made, request, 1, 0, NULL, &error);
  bool accepted = status == PLQ_OK;
  if (accepted) status = plq_queue_next(made, 5000, &completion);
  plq__alloc_gate = NULL;
  bool short_of_memory = allowed < 0;
  plq_error_free(error);
  if (status != PLQ_OK) assert_int_equal(status, PLQ_E_MEMORY);
  if (accepted && completion == NULL) assert_int_equal(plq_queue_next(made, 5000, &completion), PLQ_OK);
  if (accepted) {
    int32_t end = plq_completion_status(completion);
    if (end != PLQ_OK) assert_int_equal(end, PLQ_E_MEMORY);
    assert_int_equal(plq_queue_fd(made, &fd), PLQ_OK);
  }
  plq_completion_free(completion);
  plq_queue_free(made);
  return short_of_memory;
}

static void without_memory(void **state) {
  (void)state;
  int n = 0;
  client = loop_client("loop", "max_repeats", "0", NULL);
  loop_at_once = true;
  while (live_with(n)) n++;
  assert_true(n > 10);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, queue_setup, queue_teardown)
  const struct CMUnitTest tests[] = {
      TEST(no_such_queue), TEST(free_with_calls_pending), TEST(free_while_another_thread_is_inside), TEST(free_while_room_is_waited_for),
      TEST(client_freed_first), TEST(one_thread_inside), TEST(warm), TEST(forked), TEST(without_memory),
  };
  return cmocka_run_group_tests_name("queue: life", tests, NULL, NULL);
}
