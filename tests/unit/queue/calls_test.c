/* SPDX-License-Identifier: MIT */
/* What goes in comes out, once, in order of arrival; how many may be inside; how next() ends without a completion. */
#include <pthread.h>
#include <unistd.h>

#include "queue.h"

static void in_order_of_arrival(void **state) {
  (void)state;
  queue_open("loop", NULL);
  uint64_t ids[4];
  for (uint64_t i = 0; i < 4; i++) ids[i] = queue_put(100 + i);
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < i; j++) assert_true(ids[i] != ids[j]);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  static const int order[] = {2, 0, 3, 1};
  for (size_t i = 0; i < COUNT(order); i++) {
    loop_let(order[i]);
    assert_int_equal(queue_get(100 + (uint64_t)order[i]), PLQ_OK);
    assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  }
}

/* Several that came before anybody asked are given one by one, without another look at the transport. */
static void one_at_a_time(void **state) {
  (void)state;
  queue_open("loop", NULL);
  loop_at_once = true;
  for (uint64_t i = 0; i < 50; i++) queue_put(i);
  assert_int_equal(queue_get(0), PLQ_OK);
  int drives = loop_drives;
  for (uint64_t i = 1; i < 50; i++) assert_int_equal(queue_get(i), PLQ_OK);
  assert_int_equal(loop_drives, drives);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
}

static void what_a_completion_has(void **state) {
  (void)state;
  queue_open("loop", "max_repeats", "0", NULL);
  loop_answers[1] = (struct loop_answer){.http_status = 400, .body = "{\"code\":\"X1\",\"message\":\"no\"}"};
  loop_at_once = true;
  uint64_t first = queue_put(UINT64_MAX), second = queue_put(0);
  plq_completion *completion = NULL;
  assert_int_equal(plq_queue_next(queue, -1, &completion), PLQ_OK);
  assert_true(plq_completion_tag(completion) == UINT64_MAX);
  assert_true(plq_completion_id(completion) == first);
  assert_int_equal(plq_completion_status(completion), PLQ_OK);
  assert_null(plq_completion_take_error(completion));
  plq_response *response = plq_completion_take_response(completion);
  plq_secret *secret = NULL;
  const char *bytes = NULL;
  assert_null(plq_completion_take_response(completion)); /* once */
  plq_completion_free(completion);
  plq_queue_free(queue); /* the response outlives all of it */
  plq_client_free(client);
  assert_int_equal(plq_response_take_secret(response, "client_secret", PLQ_NUL, &secret), PLQ_OK);
  assert_int_equal(plq_secret_read(secret, &bytes, NULL), PLQ_OK);
  assert_int_equal(strncmp(bytes, "test-secret-", 12), 0);
  plq_secret_free(secret);
  plq_response_free(response);

  queue_open("loop", "max_repeats", "0", NULL);
  loop_answers[2] = loop_answers[1]; /* the first one went with the other queue */
  queue_put(0);
  assert_int_equal(plq_queue_next(queue, -1, &completion), PLQ_OK);
  assert_int_equal(plq_completion_status(completion), PLQ_E_HTTP_CLIENT);
  assert_null(plq_completion_take_response(completion));
  plq_error *error = plq_completion_take_error(completion);
  assert_string_equal(plq_error_service_code(error, NULL), "X1");
  assert_int_equal(plq_attempts_count(plq_error_attempts(error)), 1);
  assert_null(plq_completion_take_error(completion));
  plq_error_free(error);
  plq_completion_free(completion);
  plq_completion_free(NULL);
  assert_true(second != first);
  assert_int_equal(plq_completion_tag(NULL), 0);
  assert_int_equal(plq_completion_id(NULL), 0);
  assert_int_equal(plq_completion_status(NULL), PLQ_E_ARGUMENT);
  assert_null(plq_completion_take_response(NULL));
  assert_null(plq_completion_take_error(NULL));
}

/* The request may be changed and freed as soon as it was submitted. */
static void the_request_is_copied(void **state) {
  (void)state;
  queue_open("loop", NULL);
  plq_request *own = NULL;
  assert_int_equal(plq_request_new("client_secrets.create", PLQ_NUL, &own, NULL), PLQ_OK);
  assert_int_equal(plq_request_set(own, "user_agent", PLQ_NUL, "shop/1", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_request_add_header(own, "X-Own", PLQ_NUL, "hush", PLQ_NUL, PLQ_HEADER_SENSITIVE, NULL), PLQ_OK);
  assert_int_equal(plq_request_set_extra(own, "{\"a\":[1,2,3]}", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_queue_submit(queue, own, 1, 0, NULL, NULL), PLQ_OK);
  plq_request_free(own);
  loop_at_once = true;
  assert_int_equal(queue_get(1), PLQ_OK);
}

static void typed(void **state) {
  (void)state;
  queue_open("loop", NULL);
  loop_at_once = true;
  const plq_client_secrets_create_params params = {.payer_id = "7a6b5c4d-3e2f-41a0-8b9c-0d1e2f3a4b5c", .extra = "{\"b\":1}"};
  const plq_client_secrets_create_params wrong = {.payer_id = "no-uuid"};
  uint64_t id = 0;
  plq_error *error = NULL;
  assert_int_equal(plq_client_secrets_create_submit(queue, &params, 5, 0, &id, NULL), PLQ_OK);
  assert_int_equal(plq_client_secrets_create_v2_submit(queue, NULL, 6, 0, NULL, NULL), PLQ_OK);
  assert_true(id != 0);
  assert_int_equal(plq_client_secrets_create_submit(queue, &wrong, 7, 0, &id, &error), PLQ_E_FIELD_VALUE);
  assert_int_equal(id, 0);
  assert_string_equal(plq_error_field(error, NULL), "payer.id");
  plq_error_free(error);
  assert_int_equal(queue_get(5), PLQ_OK);
  assert_int_equal(queue_get(6), PLQ_OK);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
}

/* What keeps a request from being built is told at once. */
static void not_accepted(void **state) {
  (void)state;
  queue_open("loop", NULL);
  plq_error *error = NULL;
  uint64_t id = 1;
  assert_int_equal(plq_request_set(request, "type", PLQ_NUL, "CARD", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_request_set_extra(request, "{\"type\":\"CARD\"}", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_queue_submit(queue, request, 1, 0, &id, &error), PLQ_E_EXTRA_CONFLICT);
  assert_int_equal(id, 0);
  assert_string_equal(plq_error_field(error, NULL), "type");
  plq_error_free(error);
  assert_int_equal(plq_queue_submit(queue, request, 1, 0, NULL, NULL), PLQ_E_EXTRA_CONFLICT);
  assert_int_equal(plq_queue_submit(queue, NULL, 1, 0, &id, &error), PLQ_E_ARGUMENT);
  plq_error_free(error);
  assert_int_equal(plq_queue_submit(queue, request, 1, -2, &id, &error), PLQ_E_ARGUMENT);
  assert_string_equal(plq_error_field(error, NULL), "room_timeout_ms");
  plq_error_free(error);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  assert_int_equal(loop_submits, 0);
}

static void empty_in_time(void **state) {
  (void)state;
  queue_open("loop", NULL);
  plq_completion *completion;
  int64_t began = queue_now_ms();
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  assert_true(queue_now_ms() - began < 5000);
  began = queue_now_ms();
  assert_int_equal(queue_none(60), PLQ_E_QUEUE_EMPTY);
  assert_true(queue_now_ms() - began >= 60);
  queue_put(1);
  began = queue_now_ms();
  assert_int_equal(queue_none(60), PLQ_E_QUEUE_EMPTY); /* with one in flight too */
  assert_true(queue_now_ms() - began >= 60);
  assert_int_equal(plq_queue_next(queue, -2, &completion), PLQ_E_ARGUMENT);
  assert_int_equal(plq_queue_next(queue, 0, NULL), PLQ_E_ARGUMENT);
}

/* ---- how many ---- */

static void full(void **state) {
  (void)state;
  queue_open("loop", "queue_max_calls", "2", NULL);
  plq_error *error = NULL;
  uint64_t id = 1;
  queue_put(1);
  queue_put(2);
  assert_int_equal(plq_queue_submit(queue, request, 3, 0, &id, &error), PLQ_E_QUEUE_FULL);
  assert_int_equal(id, 0);
  assert_int_equal(plq_error_kind(error), PLQ_KIND_STATE);
  assert_string_equal(plq_error_field(error, NULL), "queue_max_calls");
  assert_non_null(strstr(plq_error_message(error, NULL), "holds 2 calls"));
  plq_error_free(error);
  loop_let(0);
  loop_let(1);
  int64_t began = queue_now_ms();
  assert_int_equal(plq_queue_submit(queue, request, 3, 50, NULL, NULL), PLQ_E_QUEUE_FULL); /* nobody takes */
  assert_true(queue_now_ms() - began >= 50);
  assert_int_equal(queue_get(1), PLQ_OK);
  queue_put(3); /* the other one is ready, and not taken: it counts */
  assert_int_equal(plq_queue_submit(queue, request, 4, 0, NULL, NULL), PLQ_E_QUEUE_FULL);
  assert_int_equal(queue_get(2), PLQ_OK);
  loop_let(2);
  assert_int_equal(queue_get(3), PLQ_OK);
  assert_int_equal(loop_submits, 3);
}

static void *take_soon(void *tag) {
  usleep(50000);
  plq_completion *completion = NULL;
  if (plq_queue_next(queue, 10000, &completion) == PLQ_OK) *(uint64_t *)tag = plq_completion_tag(completion);
  plq_completion_free(completion);
  return NULL;
}

static void room_is_waited_for(void **state) {
  (void)state;
  pthread_t thread;
  uint64_t tag = 0;
  queue_open("loop", "queue_max_calls", "1", NULL);
  loop_at_once = true;
  queue_put(1);
  assert_int_equal(pthread_create(&thread, NULL, take_soon, &tag), 0);
  assert_int_equal(plq_queue_submit(queue, request, 2, -1, NULL, NULL), PLQ_OK);
  pthread_join(thread, NULL);
  assert_int_equal(tag, 1);
  assert_int_equal(queue_get(2), PLQ_OK);
}

static void stats(void **state) {
  (void)state;
  int64_t values[PLQ_QUEUE_STATS + 1], of_client[PLQ_STATS];
  queue_open("loop", "queue_max_calls", "7", NULL);
  for (uint64_t i = 0; i < 4; i++) queue_put(i);
  loop_let(0);
  loop_let(1);
  assert_int_equal(queue_get(0), PLQ_OK);
  assert_int_equal(plq_queue_stats(queue, values, PLQ_QUEUE_STATS + 1), PLQ_OK);
  assert_int_equal(values[PLQ_QUEUE_STAT_CALLS], 4);
  assert_int_equal(values[PLQ_QUEUE_STAT_IN_FLIGHT], 2);
  assert_int_equal(values[PLQ_QUEUE_STAT_READY], 1);
  assert_int_equal(values[PLQ_QUEUE_STAT_MAX_CALLS], 7);
  assert_int_equal(values[PLQ_QUEUE_STAT_CONNECTIONS_OPEN], -1);
  assert_int_equal(values[PLQ_QUEUE_STAT_CONNECTIONS_BUSY], -1);
  assert_int_equal(values[PLQ_QUEUE_STATS], -1);
  assert_int_equal(plq_client_stats(client, of_client, PLQ_STATS), PLQ_OK);
  assert_int_equal(of_client[PLQ_STAT_CALLS], 4);
  assert_int_equal(of_client[PLQ_STAT_CALLS_SUCCEEDED], 2);
  assert_int_equal(of_client[PLQ_STAT_CALLS_IN_FLIGHT], 2);
  assert_int_equal(of_client[PLQ_STAT_ATTEMPTS], 2);
  assert_int_equal(of_client[PLQ_STAT_BYTES_RECEIVED], 40);
  plq_queue_free(queue); /* what it counted stays */
  assert_int_equal(plq_client_stats(client, of_client, PLQ_STATS), PLQ_OK);
  assert_int_equal(of_client[PLQ_STAT_CALLS], 4);
  assert_int_equal(of_client[PLQ_STAT_CALLS_FAILED], 2);
  assert_int_equal(of_client[PLQ_STAT_CALLS_IN_FLIGHT], 0);
  assert_int_equal(plq_queue_stats(queue, values, 1), PLQ_E_HANDLE);
  assert_int_equal(plq_queue_stats(queue, NULL, 1), PLQ_E_ARGUMENT);
}

/* ---- repeats and deadlines ---- */

static void repeats(void **state) {
  (void)state;
  queue_open("loop", "backoff_base_ms", "30", "backoff_cap_ms", "60", NULL);
  loop_answers[0] = (struct loop_answer){.failure = PLQ_E_CONNECT_REFUSED};
  loop_answers[1] = (struct loop_answer){.http_status = 503};
  loop_at_once = true;
  queue_put(1);
  plq_completion *completion = NULL;
  assert_int_equal(plq_queue_next(queue, 10000, &completion), PLQ_OK);
  plq_response *response = plq_completion_take_response(completion);
  assert_non_null(response);
  assert_int_equal(plq_attempts_count(plq_response_attempts(response)), 3);
  plq_response_free(response);
  plq_completion_free(completion);
  assert_int_equal(loop_submits, 3);
}

static void retry_after_on_a_virtual_clock(void **state) {
  (void)state;
  queue_open("loop-virtual", "timeout_ms", "60000", NULL);
  loop_answers[0] = (struct loop_answer){.http_status = 503, .fields = "Retry-After: 20\r\n"};
  loop_at_once = true;
  queue_put(1);
  int64_t began = queue_now_ms();
  assert_int_equal(queue_get(1), PLQ_OK);
  assert_true(queue_now_ms() - began < 5000);
  assert_true(loop_clock_ns >= INT64_C(21000000000)); /* it passed on the other clock */
}

static void second_token(void **state) {
  (void)state;
  queue_open("loop", "second_access_token", "loop-token-2", NULL);
  loop_answers[0] = (struct loop_answer){.http_status = 401};
  loop_at_once = true;
  queue_put(1);
  assert_int_equal(queue_get(1), PLQ_OK);
  assert_string_equal(loop_authorization, "Bearer loop-token-2");
}

/* A new token is for the next attempt, in a queue that has run already too. */
static void tokens_change(void **state) {
  (void)state;
  queue_open("loop", NULL);
  loop_at_once = true;
  queue_put(1);
  assert_int_equal(queue_get(1), PLQ_OK);
  assert_string_equal(loop_authorization, "Bearer " LOOP_TOKEN);
  assert_int_equal(plq_client_set_tokens(client, "loop-token-3", PLQ_NUL, NULL, 0, NULL), PLQ_OK);
  queue_put(2);
  assert_int_equal(queue_get(2), PLQ_OK);
  assert_string_equal(loop_authorization, "Bearer loop-token-3");
  assert_int_equal(plq_client_set_tokens(client, NULL, 0, NULL, 0, NULL), PLQ_OK);
  queue_put(3);
  assert_int_equal(queue_get(3), PLQ_E_TOKEN_MISSING);
}

static void deadline_runs_from_submit(void **state) {
  (void)state;
  queue_open("loop", NULL);
  assert_int_equal(plq_request_set_timeout_ms(request, 500, NULL), PLQ_OK);
  int64_t before_ms = queue_now_ms();
  queue_put(1);
  int64_t after_ms = queue_now_ms();
  usleep(100000);
  loop_at_once = true;
  assert_int_equal(queue_get(1), PLQ_OK);
  assert_in_range(loop_deadline_ns / 1000000, before_ms + 499, after_ms + 501);
}

/* No wait is begun that would end after the deadline. */
static void no_repeat_after_the_deadline(void **state) {
  (void)state;
  queue_open("loop", NULL);
  loop_answers[0] = (struct loop_answer){.http_status = 503, .fields = "Retry-After: 20\r\n"};
  loop_at_once = true;
  queue_put(1);
  int64_t began = queue_now_ms();
  assert_int_equal(queue_get(1), PLQ_E_HTTP_THROTTLED);
  assert_true(queue_now_ms() - began < 5000);
}

/* ---- several queues ---- */

static void each_its_own(void **state) {
  (void)state;
  plq_queue_id other = 0;
  plq_response *response = NULL;
  plq_completion *completion = NULL;
  queue_open("loop", NULL);
  assert_int_equal(plq_queue_new(client, &other, NULL), PLQ_OK);
  assert_int_equal(loop_instances, 3); /* one for blocking calls */
  loop_at_once = true;
  uint64_t id = queue_put(1), other_id = 0;
  assert_int_equal(plq_queue_submit(other, request, 2, 0, &other_id, NULL), PLQ_OK);
  assert_true(id != other_id);
  assert_int_equal(plq_queue_cancel(other, id), PLQ_E_NOT_FOUND);
  assert_int_equal(plq_call(client, request, &response, NULL), PLQ_OK); /* beside them */
  plq_response_free(response);
  assert_int_equal(plq_queue_next(other, 0, &completion), PLQ_OK);
  assert_int_equal(plq_completion_tag(completion), 2);
  plq_completion_free(completion);
  assert_int_equal(queue_get(1), PLQ_OK);
  plq_queue_free(other);
  assert_int_equal(loop_instances, 2);
}

/* Enough to make the table of ids grow, and taken out in another order. */
static void many(void **state) {
  (void)state;
  enum { MANY = 1000 };
  static uint64_t ids[MANY];
  queue_open("loop", NULL);
  for (uint64_t i = 0; i < MANY; i++) ids[i] = queue_put(i);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
  for (int i = 0; i < MANY; i += 3) assert_int_equal(plq_queue_cancel(queue, ids[i]), PLQ_OK);
  for (int i = 0; i < MANY; i += 3) assert_int_equal(queue_get((uint64_t)i), PLQ_E_CANCELLED);
  loop_at_once = true;
  loop_let(0);
  for (int i = 0; i < MANY; i++)
    if (i % 3 != 0) assert_int_equal(queue_get((uint64_t)i), PLQ_OK);
  for (int i = 0; i < MANY; i++) assert_int_equal(plq_queue_cancel(queue, ids[i]), PLQ_E_NOT_FOUND);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, queue_setup, queue_teardown)
  const struct CMUnitTest tests[] = {
      TEST(in_order_of_arrival), TEST(one_at_a_time), TEST(what_a_completion_has), TEST(the_request_is_copied), TEST(typed),
      TEST(not_accepted), TEST(empty_in_time), TEST(full), TEST(room_is_waited_for), TEST(stats), TEST(repeats),
      TEST(retry_after_on_a_virtual_clock), TEST(second_token), TEST(tokens_change), TEST(deadline_runs_from_submit),
      TEST(no_repeat_after_the_deadline), TEST(each_its_own), TEST(many),
  };
  return cmocka_run_group_tests_name("queue: calls", tests, NULL, NULL);
}
