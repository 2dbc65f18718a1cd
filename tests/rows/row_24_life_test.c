/* SPDX-License-Identifier: MIT */
/*
 * Row 24: the life of a secret runs from the moment that its request was sent, on a clock that runs through suspend. A suspend is
 * CLOCK_BOOTTIME going ahead of the other clocks, so this program makes it do so.
 */
#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "fixture.h"
#include "standin.h"

#define BODY "\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-0024\\\"}\""

static _Atomic int64_t suspended_s, wall_clock_step_s;

TEST_STANDIN int clock_gettime(clockid_t id, struct timespec *out) {
  int (*real)(clockid_t, struct timespec *);
  TEST_REAL(real, "clock_gettime");
  int result = real(id, out);
  if (result == 0 && id == CLOCK_BOOTTIME) out->tv_sec += suspended_s;
  if (result == 0 && id == CLOCK_REALTIME) out->tv_sec += suspended_s + wall_clock_step_s;
  return result;
}

static plq_secret *make_secret(fixture *self, const char *transport, const char *operation) {
  plq_request *request = NULL;
  plq_response *response = NULL;
  plq_secret *secret = NULL;
  if (strcmp(transport, "stub") != 0) fixture_serve(self, "[{\"status\":200,\"delay_ms\":400," BODY "}]");
  fixture_connect(self, transport,
                  (fixture_options){{strcmp(transport, "stub") == 0 ? "stub.script" : "max_repeats",
                                     strcmp(transport, "stub") == 0 ? "[{\"status\":200," BODY "}]" : "0"},
                                    FIXTURE_END});
  assert_int_equal(plq_request_new(operation, PLQ_NUL, &request, NULL), PLQ_OK);
  assert_int_equal(plq_call(self->client, request, &response, NULL), PLQ_OK);
  assert_int_equal(plq_response_take_secret(response, "client_secret", PLQ_NUL, &secret), PLQ_OK);
  plq_request_free(request);
  plq_response_free(response);
  return secret;
}

static void check_life(fixture *self, const char *operation, int64_t whole_ms) {
  int64_t before_ms = plq_life_now_ms();
  plq_secret *secret = make_secret(self, fixture_tls(), operation);
  int64_t end_ms = plq_secret_expires_at_ms(secret);
  int64_t left_ms = plq_secret_life_ms(secret);
  int64_t after_ms = plq_life_now_ms();
  /* The answer took 400 ms, which are part of the life. */
  assert_true(left_ms <= whole_ms - 395);
  assert_in_range(end_ms, before_ms + whole_ms, after_ms + whole_ms - 395);
  assert_in_range(left_ms, end_ms - after_ms, end_ms - before_ms);
  plq_secret_free(secret);
}

static void test_life_begins_when_the_request_is_sent(void **state) {
  check_life(*state, "client_secrets.create", 60000);
}

static void test_life_of_the_later_variant(void **state) {
  check_life(*state, "client_secrets.create_v2", 1800000);
}

static void check_expiry(fixture *self, const char *operation, int64_t life_s) {
  const char *bytes = NULL;
  char buffer[64];
  size_t len = 0;
  plq_secret *secret = make_secret(self, "stub", operation);
  assert_int_equal(plq_secret_read(secret, &bytes, &len), PLQ_OK);
  assert_string_equal(bytes, "test-secret-0024");
  suspended_s = life_s - 20;
  assert_int_equal(plq_secret_read(secret, &bytes, &len), PLQ_OK);
  assert_in_range(plq_secret_life_ms(secret), 1, 20000);
  suspended_s = life_s;
  bytes = "";
  assert_int_equal(plq_secret_read(secret, &bytes, &len), PLQ_E_SECRET_EXPIRED);
  assert_null(bytes);
  assert_int_equal(plq_secret_take(secret, buffer, sizeof buffer, &len), PLQ_E_SECRET_EXPIRED);
  assert_int_equal(plq_secret_life_ms(secret), 0);
  plq_secret_free(secret);
}

static void test_expired_secrets_say_so(void **state) {
  check_expiry(*state, "client_secrets.create", 60);
}

static void test_expired_secrets_of_the_later_variant(void **state) {
  check_expiry(*state, "client_secrets.create_v2", 1800);
}

/* The time of day has no say in it. */
static void test_wall_clock_steps(void **state) {
  const char *bytes = NULL;
  size_t len = 0;
  plq_secret *secret = make_secret(*state, "stub", "client_secrets.create");
  static const int64_t steps_s[] = {86400, -86400};
  for (size_t i = 0; i < 2; i++) {
    wall_clock_step_s = steps_s[i];
    assert_int_equal(plq_secret_read(secret, &bytes, &len), PLQ_OK);
    assert_in_range(plq_secret_life_ms(secret), 30000, 60000);
  }
  plq_secret_free(secret);
}

static int reset(void **state) {
  suspended_s = 0;
  wall_clock_step_s = 0;
  return fixture_teardown(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_life_begins_when_the_request_is_sent, fixture_setup, reset),
      cmocka_unit_test_setup_teardown(test_life_of_the_later_variant, fixture_setup, reset),
      cmocka_unit_test_setup_teardown(test_expired_secrets_say_so, fixture_setup, reset),
      cmocka_unit_test_setup_teardown(test_expired_secrets_of_the_later_variant, fixture_setup, reset),
      cmocka_unit_test_setup_teardown(test_wall_clock_steps, fixture_setup, reset),
  };
  return cmocka_run_group_tests_name("row 24: life", tests, NULL, NULL);
}
