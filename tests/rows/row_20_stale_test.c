/* SPDX-License-Identifier: MIT */
/*
 * Row 20: a kept connection that the server closed is noticed before writing and replaced. One that dies after writing is an
 * ambiguous failure that only the core may repeat: the server never sees a request that the core does not count
 * (curl/curl#18417).
 */
#include <stdio.h>
#include <string.h>

#include "fixture.h"

#define ANSWER(secret) "{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"" secret "\\\"}\""
#define GOOD ANSWER("test-secret-0020") "}"

static const char *const ends[] = {"close", "fin", "rst"};

static void check_good(json_object *outcome) {
  if (strcmp(fixture_text(outcome, "status"), "PLQ_OK") != 0) print_error("%s\n", json_object_to_json_string(outcome));
  assert_string_equal(fixture_text(outcome, "status"), "PLQ_OK");
  assert_string_equal(fixture_text(outcome, "secret"), "test-secret-0020");
  assert_int_equal(fixture_number(outcome, "attempts"), 1);
}

static void check_place(const fixture *self, size_t index, int connection, int position) {
  assert_int_equal(fixture_number(fixture_request(self, index), "connection"), connection);
  assert_int_equal(fixture_number(fixture_request(self, index), "position"), position);
}

static void serve_format(fixture *self, const char *format, const char *text) __attribute__((format(printf, 2, 0)));
static void serve_format(fixture *self, const char *format, const char *text) {
  char script[1024];
  snprintf(script, sizeof script, format, text);
  fixture_serve(self, script);
}

static void test_kept_connection_is_used(void **state) {
  fixture *self = *state;
  fixture_serve(self, "[" GOOD "," GOOD "," GOOD "]");
  fixture_connect(self, fixture_tls(), (fixture_options){FIXTURE_END});
  for (int i = 0; i < 3; i++) {
    check_good(fixture_call(self));
    assert_int_equal(fixture_number(fixture_attempt(self->outcome.json, 0), "reused"), i > 0);
  }
  fixture_stop(self);
  assert_int_equal(test_server_connections(self->server), 1);
  check_place(self, 2, 0, 2);
}

/* The server closes after its answer, without saying so in it. */
static void test_stale_connection_is_replaced(void **state) {
  fixture *self = *state;
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    serve_format(self, "[" ANSWER("test-secret-0020") ",\"end\":\"%s\",\"end_delay_ms\":20}," GOOD "]", ends[i]);
    fixture_connect(self, fixture_tls(), (fixture_options){{"max_repeats", "0"}, FIXTURE_END});
    check_good(fixture_call(self));
    assert_true(test_server_wait(self->server, 1));
    check_good(fixture_call(self));
    assert_int_equal(fixture_number(fixture_attempt(self->outcome.json, 0), "reused"), 0);
    fixture_stop(self);
    assert_int_equal(fixture_requests(self), 2);
    assert_int_equal(test_server_connections(self->server), 2);
    assert_int_equal(test_server_stray_bytes(self->server), 0);
    check_place(self, 1, 1, 0);
  }
}

/* The server reads the second request on the kept connection, acts on it, and drops the connection. */
static void test_executed_then_dropped_is_not_sent_again(void **state) {
  fixture *self = *state;
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    serve_format(self, "[" GOOD ",{\"end\":\"%s\"}," GOOD "]", ends[i]);
    fixture_connect(self, fixture_tls(), (fixture_options){{"max_repeats", "0"}, FIXTURE_END});
    check_good(fixture_call(self));
    json_object *outcome = fixture_call(self);
    assert_string_equal(fixture_text(outcome, "status"), "PLQ_E_IO_STALE_REUSE");
    assert_string_equal(fixture_text(outcome, "delivery"), "maybe_sent");
    assert_int_equal(fixture_number(outcome, "attempts"), 1);
    assert_int_equal(fixture_number(outcome, "repeatable"), 1);
    assert_int_equal(fixture_number(fixture_attempt(outcome, 0), "reused"), 1);
    fixture_stop(self);
    assert_int_equal(fixture_requests(self), 2); /* one for each attempt that the core counts, and not one more */
    assert_int_equal(test_server_connections(self->server), 1);
    check_place(self, 1, 0, 1);
  }
}

static void test_executed_then_dropped_is_repeated_by_the_core(void **state) {
  fixture *self = *state;
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    serve_format(self, "[" GOOD ",{\"end\":\"%s\"}," GOOD "," GOOD "]", ends[i]);
    fixture_connect(self, fixture_tls(), (fixture_options){{"max_repeats", "2"}, FIXTURE_END});
    check_good(fixture_call(self));
    json_object *outcome = fixture_call(self);
    assert_string_equal(fixture_text(outcome, "status"), "PLQ_OK");
    assert_int_equal(fixture_number(outcome, "attempts"), 2);
    assert_string_equal(fixture_text(fixture_attempt(outcome, 0), "status"), "PLQ_E_IO_STALE_REUSE");
    fixture_stop(self);
    assert_int_equal(fixture_requests(self), 3);
    check_place(self, 1, 0, 1);
    check_place(self, 2, 1, 0);
  }
}

static void test_option_forbids_the_repeat(void **state) {
  fixture *self = *state;
  fixture_serve(self, "[" GOOD ",{\"end\":\"fin\"}," GOOD "]");
  fixture_connect(self, fixture_tls(), (fixture_options){{"repeat_only_safe", "true"}, FIXTURE_END});
  check_good(fixture_call(self));
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_E_IO_STALE_REUSE");
  fixture_stop(self);
  assert_int_equal(fixture_requests(self), 2);
}

/* What says that a connection is not to be used again. */
static void test_connection_that_must_not_be_kept(void **state) {
  static const char *const first[] = {
      "{\"status\":200,\"headers\":[[\"Connection\",\"close\"]],\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-0020\\\"}\"}",
      "{\"status\":200,\"http\":\"1.0\",\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-0020\\\"}\"}",
      /* a second response that nobody asked for: it must never be the answer to the next request */
      "{\"raw\":\"HTTP/1.1 200 OK\\r\\nContent-Length: 35\\r\\n\\r\\n{\\\"clientSecret\\\":\\\"test-secret-0020\\\"}"
      "HTTP/1.1 200 OK\\r\\nContent-Length: 34\\r\\n\\r\\n{\\\"clientSecret\\\":\\\"test-secret-bad\\\"}\"}",
  };
  fixture *self = *state;
  for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
    serve_format(self, "[%s," GOOD "]", first[i]);
    fixture_connect(self, fixture_tls(), (fixture_options){{"max_repeats", "0"}, FIXTURE_END});
    check_good(fixture_call(self));
    check_good(fixture_call(self));
    fixture_stop(self);
    assert_int_equal(test_server_connections(self->server), 2);
    check_place(self, 1, 1, 0);
  }
}

/* The late answer to a call that was given up must not be taken for the answer to the next. */
static void test_late_answer_is_nobodys(void **state) {
  fixture *self = *state;
  fixture_serve(self, "[" ANSWER("test-secret-late") ",\"delay_ms\":500}," GOOD "]");
  fixture_connect(self, fixture_tls(), (fixture_options){FIXTURE_END});
  assert_string_equal(fixture_text(fixture_call_case(self, "{\"timeout_ms\":250}"), "status"), "PLQ_E_TIMEOUT_TOTAL");
  check_good(fixture_call(self));
  fixture_stop(self);
  check_place(self, 1, 1, 0);
}

static void test_idle_and_old_connections_are_not_used(void **state) {
  static const char *const options[] = {"connection_idle_ms", "connection_lifetime_ms"};
  fixture *self = *state;
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    fixture_serve(self, "[" GOOD "," GOOD "]");
    fixture_connect(self, fixture_tls(), (fixture_options){{options[i], "0"}, FIXTURE_END});
    check_good(fixture_call(self));
    check_good(fixture_call(self));
    fixture_stop(self);
    assert_int_equal(test_server_connections(self->server), 2);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_kept_connection_is_used, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_stale_connection_is_replaced, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_executed_then_dropped_is_not_sent_again, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_executed_then_dropped_is_repeated_by_the_core, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_option_forbids_the_repeat, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_connection_that_must_not_be_kept, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_late_answer_is_nobodys, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_idle_and_old_connections_are_not_used, fixture_setup, fixture_teardown),
  };
  return cmocka_run_group_tests_name("row 20: kept connections", tests, NULL, NULL);
}
