/* SPDX-License-Identifier: MIT */
/* Row 21, what takes more than one call or the time of day: the token bucket, the jitter, and Retry-After as a date. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fixture.h"

#define GOOD "{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-0021\\\"}\"}"
#define BUSY "{\"status\":503,\"body\":\"{}\"}"

static void check(fixture *self, const char *status, int attempts) {
  json_object *outcome = fixture_call(self);
  assert_string_equal(fixture_text(outcome, "status"), status);
  assert_int_equal(fixture_number(outcome, "attempts"), attempts);
}

/* A repeat costs one, five successes give one back; what is full stays full. */
static void test_bucket_is_emptied_and_refilled(void **state) {
  fixture *self = *state;
  const char *script =
      "[" GOOD "," GOOD "," BUSY "," GOOD "," BUSY "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," BUSY "," GOOD "," BUSY "]";
  fixture_connect(self, "stub", (fixture_options){{"repeat_budget", "1"}, {"stub.script", script}, FIXTURE_END});
  check(self, "PLQ_OK", 1);
  check(self, "PLQ_OK", 1);
  check(self, "PLQ_OK", 2);            /* 503, then good: the bucket is empty, but for the fifth that this success gave back */
  check(self, "PLQ_E_HTTP_SERVER", 1); /* no repeat left */
  for (int i = 0; i < 5; i++) check(self, "PLQ_OK", 1);
  check(self, "PLQ_OK", 2);
  check(self, "PLQ_E_HTTP_SERVER", 1);
}

static void test_bucket_belongs_to_one_client(void **state) {
  fixture *self = *state;
  for (int i = 0; i < 2; i++) {
    fixture_connect(self, "stub", (fixture_options){{"repeat_budget", "1"}, {"stub.script", "[" BUSY "," GOOD "]"}, FIXTURE_END});
    check(self, "PLQ_OK", 2);
  }
}

/* An outage is not multiplied: 20 calls with 5 repeats each may send 20 + 10, not 120. */
static void test_bucket_bounds_an_outage(void **state) {
  fixture *self = *state;
  int64_t attempts = 0;
  fixture_serve(self, "[{\"copies\":200,\"of\":" BUSY "}]");
  fixture_connect(self, fixture_tls(),
                  (fixture_options){{"repeat_budget", "10"}, {"max_repeats", "5"}, {"backoff_base_ms", "0"}, FIXTURE_END});
  for (int i = 0; i < 20; i++) attempts += fixture_number(fixture_call(self), "attempts");
  fixture_stop(self);
  assert_int_equal(attempts, 30);
  assert_int_equal(fixture_requests(self), 30);
}

/* Full jitter on the stub transport's clock: each wait is below its bound, which doubles up to the cap, and waits differ. */
static void test_jitter(void **state) {
  static const int64_t bounds_us[] = {100000, 200000, 400000, 800000, 1600000, 2000000, 2000000};
  fixture *self = *state;
  int64_t low = INT64_MAX, high = 0;
  for (int round = 0; round < 30; round++) {
    fixture_connect(
        self, "stub",
        (fixture_options){{"backoff_base_ms", "100"},
                          {"backoff_cap_ms", "2000"},
                          {"max_repeats", "7"},
                          {"timeout_ms", "60000"},
                          {"stub.script", "[" BUSY "," BUSY "," BUSY "," BUSY "," BUSY "," BUSY "," BUSY "," BUSY "]"},
                          FIXTURE_END});
    check(self, "PLQ_E_HTTP_SERVER", 8);
    for (size_t i = 0; i < 7; i++) {
      int64_t wait_us = fixture_number(fixture_attempt(self->outcome.json, i + 1), "wait_us");
      assert_in_range(wait_us, 0, bounds_us[i] + 1000);
      int64_t permille = wait_us * 1000 / bounds_us[i];
      if (permille < low) low = permille;
      if (permille > high) high = permille;
    }
  }
  /* Of 210 waits spread evenly from 0 to the bound, one in each outer quarter is missing once in 10^26 runs. */
  assert_true(low < 250);
  assert_true(high > 750);
}

static void test_retry_after_is_a_date(void **state) {
  static const char *const formats[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"};
  fixture *self = *state;
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    char date[64], script[256];
    struct tm parts;
    time_t then = time(NULL) + 100;
    strftime(date, sizeof date, formats[i], gmtime_r(&then, &parts));
    snprintf(script, sizeof script, "[{\"status\":503,\"headers\":[[\"Retry-After\",\"%s\"]]}," GOOD "]", date);
    fixture_connect(self, "stub", (fixture_options){{"timeout_ms", "300000"}, {"stub.script", script}, FIXTURE_END});
    check(self, "PLQ_OK", 2);
    assert_in_range(fixture_number(fixture_attempt(self->outcome.json, 1), "wait_us"), 60000000, 100000000);
    fixture_connect(self, "stub", (fixture_options){{"timeout_ms", "20000"}, {"stub.script", script}, FIXTURE_END});
    check(self, "PLQ_E_HTTP_THROTTLED", 1);
    assert_in_range(fixture_number(self->outcome.json, "retry_after_ms"), 60000, 100000);
  }
}

/* What was cancelled is neither repeated nor called repeatable. */
static void test_cancel_is_not_repeated(void **state) {
  fixture *self = *state;
  fixture_serve(self, "[{\"hang\":true}," GOOD "]");
  fixture_connect(self, fixture_tls(), (fixture_options){FIXTURE_END});
  assert_string_equal(fixture_text(fixture_call_cancelled(self), "status"), "PLQ_E_CANCELLED");
  assert_int_equal(fixture_number(self->outcome.json, "repeatable"), 0);
  assert_int_equal(fixture_number(self->outcome.json, "attempts"), 1);
  assert_string_not_equal(fixture_text(self->outcome.json, "phase"), "backoff");
  fixture_stop(self);
  assert_in_range(fixture_requests(self), 0, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_bucket_is_emptied_and_refilled, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_bucket_belongs_to_one_client, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_bucket_bounds_an_outage, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_jitter, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_retry_after_is_a_date, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_cancel_is_not_repeated, fixture_setup, fixture_teardown),
  };
  return cmocka_run_group_tests_name("row 21: repeats", tests, NULL, NULL);
}
