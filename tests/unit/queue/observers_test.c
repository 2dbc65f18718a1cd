/* SPDX-License-Identifier: MIT */
/* What observers hear of calls in a queue, on which thread, and what they may do. */
#include <pthread.h>

#include "queue.h"

static char story[2048];
static pthread_t told_on;

static void tell(const char *what, uint64_t call, int64_t number) {
  size_t at = strlen(story);
  snprintf(story + at, sizeof story - at, "%s(%llu,%lld) ", what, (unsigned long long)(call & 0xff), (long long)number);
  assert_true(pthread_equal(pthread_self(), told_on));
}

static void on_call_start(void *context, uint64_t call, int64_t timeout_ms) { (void)context, tell("start", call, timeout_ms); }
static void on_attempt_start(void *context, uint64_t call, int32_t attempt) { (void)context, tell("attempt", call, attempt); }
static void on_attempt_end(void *context, uint64_t call, int32_t status) { (void)context, tell("over", call, status); }
static void on_repeat(void *context, uint64_t call, int32_t attempt) { (void)context, tell("repeat", call, attempt); }
static void on_call_end(void *context, uint64_t call, int32_t status) { (void)context, tell("end", call, status); }

static void observe(const char *event, const char *fields, plq_observer_fn function) {
  plq_error *error = NULL;
  if (plq_client_observe(client, event, PLQ_NUL, fields, PLQ_NUL, function, NULL, NULL, &error) != PLQ_OK)
    fail_msg("%s", plq_error_message(error, NULL));
}

static void the_whole_story(void **state) {
  (void)state;
  story[0] = '\0';
  told_on = pthread_self();
  queue_open("loop", "timeout_ms", "9000", NULL);
  observe("call_start", "call timeout_ms", (plq_observer_fn)on_call_start);
  observe("attempt_start", "call attempt", (plq_observer_fn)on_attempt_start);
  observe("attempt_end", "call status", (plq_observer_fn)on_attempt_end);
  observe("repeat", "call attempt", (plq_observer_fn)on_repeat);
  observe("call_end", "call status", (plq_observer_fn)on_call_end);
  loop_answers[0] = (struct loop_answer){.failure = PLQ_E_CONNECT_REFUSED};
  loop_at_once = true;
  uint64_t id = queue_put(1);
  assert_string_equal(story, ""); /* nothing happens inside of submit */
  assert_int_equal(queue_get(1), PLQ_OK);
  char expected[256];
  snprintf(expected, sizeof expected, "start(%d,9000) attempt(%d,1) over(%d,%d) repeat(%d,1) attempt(%d,2) over(%d,0) end(%d,0) ",
           (int)(id & 0xff), (int)(id & 0xff), (int)(id & 0xff), PLQ_E_CONNECT_REFUSED, (int)(id & 0xff), (int)(id & 0xff),
           (int)(id & 0xff), (int)(id & 0xff));
  assert_string_equal(story, expected);
}

static uint64_t told_call;
static void on_call(void *context, uint64_t call) { (void)context, told_call = call; }

/* The call's number is its id, so that events are found again; blocking calls have other numbers. */
static void the_number_is_the_id(void **state) {
  (void)state;
  plq_response *response = NULL;
  queue_open("loop", NULL);
  loop_at_once = true;
  observe("call_end", "call", (plq_observer_fn)on_call);
  uint64_t id = queue_put(1);
  assert_int_equal(queue_get(1), PLQ_OK);
  assert_true(told_call == id);
  assert_int_equal(plq_call(client, request, &response, NULL), PLQ_OK);
  plq_response_free(response);
  assert_int_equal(told_call, 1);
}

/* One who comes or goes is heard of by a queue that has run already. */
static void observers_change(void **state) {
  (void)state;
  uint64_t observer = 0;
  queue_open("loop", NULL);
  loop_at_once = true;
  told_call = 0;
  queue_put(1);
  assert_int_equal(queue_get(1), PLQ_OK);
  assert_int_equal(plq_client_observe(client, "call_end", PLQ_NUL, "call", PLQ_NUL, (plq_observer_fn)on_call, NULL, &observer, NULL), PLQ_OK);
  uint64_t id = queue_put(2);
  assert_int_equal(queue_get(2), PLQ_OK);
  assert_true(told_call == id);
  assert_int_equal(plq_client_unobserve(client, observer), PLQ_OK);
  queue_put(3);
  assert_int_equal(queue_get(3), PLQ_OK);
  assert_true(told_call == id);
}

/* ---- inside ---- */

static int32_t answers[16];
static int answer_count;
static uint64_t to_cancel;

static void meddle(void *context) {
  (void)context;
  plq_completion *completion;
  plq_queue_id made = 0;
  uint64_t tag;
  size_t len;
  int fd;
  int64_t values[PLQ_QUEUE_STATS];
  if (answer_count > 0) return;
  answers[answer_count++] = plq_queue_submit(queue, request, 1, 0, NULL, NULL);
  answers[answer_count++] = plq_queue_submit_message(queue, (const uint8_t *)"\x80", 1, 1, 0, NULL, NULL);
  answers[answer_count++] = plq_queue_next(queue, -1, &completion);
  answers[answer_count++] = plq_queue_next_message(queue, -1, NULL, 0, &len, &tag, NULL);
  answers[answer_count++] = plq_queue_new(client, &made, NULL);
  answers[answer_count++] = plq_queue_fd(queue, &fd);
  answers[answer_count++] = plq_queue_close(queue, 1);
  answers[answer_count++] = plq_queue_warm(queue, 1, 0, NULL, NULL);
  plq_queue_free(queue);
  answers[answer_count++] = plq_queue_stats(queue, values, PLQ_QUEUE_STATS);
  answers[answer_count++] = plq_queue_wake(queue);
  answers[answer_count++] = plq_queue_cancel(queue, to_cancel);
}

static void what_is_legal_inside(void **state) {
  (void)state;
  queue_open("loop", NULL);
  answer_count = 0;
  observe("attempt_start", "", (plq_observer_fn)meddle);
  queue_put(1);
  to_cancel = queue_put(2);
  assert_int_equal(queue_get(2), PLQ_E_CANCELLED);
  assert_int_equal(answer_count, 11);
  for (int i = 0; i < 8; i++) assert_int_equal(answers[i], PLQ_E_REENTRANT);
  for (int i = 8; i < 11; i++) assert_int_equal(answers[i], PLQ_OK);
  assert_int_equal(queue_none(-1), PLQ_E_QUEUE_EMPTY); /* the wake-up */
  loop_let(0);
  loop_let(1);
  assert_int_equal(queue_get(1), PLQ_OK);
}

static uint64_t own_id;
static void cancel_own(void *context) {
  (void)context;
  assert_int_equal(plq_queue_cancel(queue, own_id), PLQ_OK);
}

/* From the event that a connection was chosen: nothing has left yet. */
static void cancel_before_it_leaves(void **state) {
  (void)state;
  plq_completion *completion = NULL;
  queue_open("loop", NULL);
  loop_at_once = true;
  observe("connection_reused", "", (plq_observer_fn)cancel_own);
  own_id = queue_put(1);
  assert_int_equal(plq_queue_next(queue, 5000, &completion), PLQ_OK);
  assert_int_equal(plq_completion_status(completion), PLQ_E_CANCELLED);
  plq_error *error = plq_completion_take_error(completion);
  assert_int_equal(plq_error_delivery(error), PLQ_DELIVERY_NOT_SENT);
  plq_error_free(error);
  plq_completion_free(completion);
}

static char logged[64];
static void on_log(void *context, const char *text) {
  (void)context;
  snprintf(logged, sizeof logged, "%s", text);
}

static void what_the_transport_logs(void **state) {
  (void)state;
  queue_open("loop", NULL);
  logged[0] = '\0';
  loop_answers[0] = (struct loop_answer){.logs = "a line"};
  loop_at_once = true;
  observe("log", "text", (plq_observer_fn)on_log);
  queue_put(1);
  assert_int_equal(queue_get(1), PLQ_OK);
  assert_string_equal(logged, "a line");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, queue_setup, queue_teardown)
  const struct CMUnitTest tests[] = {
      TEST(the_whole_story), TEST(the_number_is_the_id), TEST(observers_change), TEST(what_is_legal_inside),
      TEST(cancel_before_it_leaves), TEST(what_the_transport_logs),
  };
  return cmocka_run_group_tests_name("queue: observers", tests, NULL, NULL);
}
