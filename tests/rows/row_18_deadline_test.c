/* SPDX-License-Identifier: MIT */
/*
 * Row 18: one deadline for the whole call, repeats and waits included, on the monotonic clock. How long a call takes is bounded
 * from below exactly and from above only so far that a second deadline would be noticed.
 */
#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "fixture.h"
#include "standin.h"

#define SECRET "{\\\"clientSecret\\\":\\\"test-secret-0018\\\"}"

/* The wall clock of this process, libraries included, jumps an hour to and fro with every look at it. */
static atomic_bool wall_clock_jumps;
static atomic_uint looks;

static int64_t jump_s(void) {
  if (!wall_clock_jumps) return 0;
  return atomic_fetch_add(&looks, 1) % 2 == 0 ? 3600 : -3600;
}

TEST_STANDIN int clock_gettime(clockid_t id, struct timespec *out) {
  int (*real)(clockid_t, struct timespec *);
  TEST_REAL(real, "clock_gettime");
  int result = real(id, out);
  if (result == 0 && id == CLOCK_REALTIME) out->tv_sec += jump_s();
  return result;
}

TEST_STANDIN time_t time(time_t *out) {
  time_t (*real)(time_t *);
  TEST_REAL(real, "time");
  time_t now = real(NULL) + jump_s();
  if (out != NULL) *out = now;
  return now;
}

static int64_t timed_call(fixture *self) {
  int64_t start = fixture_now_ms();
  fixture_call(self);
  return fixture_now_ms() - start;
}

static void check_timeout(fixture *self, int64_t took_ms, int64_t deadline_ms) {
  if (took_ms < deadline_ms - 5) print_error("%lld ms: %s\n", (long long)took_ms, json_object_to_json_string(self->outcome.json));
  assert_string_equal(fixture_text(self->outcome.json, "kind"), "timeout");
  assert_true(took_ms >= deadline_ms - 5);
  assert_true(took_ms < 20 * deadline_ms);
}

static void test_drip(void **state) {
  fixture *self = *state;
  fixture_serve(self, "[{\"status\":200,\"body\":{\"join\":[\"" SECRET
                      "\",{\"repeat\":\" \",\"times\":2000}]},\"pieces\":1,"
                      "\"piece_delay_ms\":20}]");
  /* Long enough for a TLS handshake under memcheck, and far shorter than the drip. */
  fixture_connect(self, fixture_tls(), (fixture_options){{"timeout_ms", "4000"}, FIXTURE_END});
  int64_t took_ms = timed_call(self);
  check_timeout(self, took_ms, 4000);
  assert_string_equal(fixture_text(self->outcome.json, "status"), "PLQ_E_TIMEOUT_TOTAL");
  assert_string_equal(fixture_text(self->outcome.json, "delivery"), "maybe_sent");
  assert_int_equal(fixture_number(self->outcome.json, "attempts"), 1);
  fixture_stop(self);
  assert_int_equal(fixture_requests(self), 1);
}

/* Each answer takes 150 ms by itself: so however slow this machine is, no more than 5 attempts begin before the deadline. */
static void test_repeats_share_the_deadline(void **state) {
  fixture *self = *state;
  fixture_serve(self, "[{\"copies\":40,\"of\":{\"status\":503,\"body\":\"{}\",\"delay_ms\":150}}]");
  fixture_connect(self, fixture_tls(), (fixture_options){{"timeout_ms", "600"}, {"max_repeats", "100"}, FIXTURE_END});
  int64_t took_ms = timed_call(self);
  assert_true(took_ms < 20 * 600);
  assert_in_range(fixture_number(self->outcome.json, "attempts"), 1, 5);
  fixture_stop(self);
  assert_in_range(fixture_requests(self), 1, 5);
}

/* Waits count too: at a minute each, not one of them may be waited out. */
static void test_waits_share_the_deadline(void **state) {
  fixture *self = *state;
  fixture_serve(self, "[{\"copies\":200,\"of\":{\"status\":503,\"body\":\"{}\"}}]");
  fixture_connect(
      self, fixture_tls(),
      (fixture_options){
          {"timeout_ms", "600"}, {"max_repeats", "100"}, {"backoff_base_ms", "60000"}, {"backoff_cap_ms", "60000"}, FIXTURE_END});
  assert_true(timed_call(self) < 20 * 600);
  assert_int_equal(fixture_number(self->outcome.json, "http_status"), 503);
}

/* A Retry-After that does not fit is not waited for at all. */
static void test_retry_after_beyond_the_deadline(void **state) {
  fixture *self = *state;
  fixture_serve(self, "[{\"status\":503,\"headers\":[[\"Retry-After\",\"30\"]],\"body\":\"{}\"}]");
  fixture_connect(self, fixture_tls(), (fixture_options){{"timeout_ms", "25000"}, FIXTURE_END});
  assert_true(timed_call(self) < 20000);
  assert_int_equal(fixture_number(self->outcome.json, "attempts"), 1);
  assert_int_equal(fixture_number(self->outcome.json, "retry_after_ms"), 30000);
}

static void test_wall_clock_jumps(void **state) {
  fixture *self = *state;
  fixture_serve(self, "[{\"status\":200,\"body\":\"" SECRET "\",\"delay_ms\":300},{\"status\":200,\"body\":\"" SECRET
                      "\",\"delay_ms\":30000}]");
  fixture_connect(self, fixture_tls(), (fixture_options){{"timeout_ms", "20000"}, FIXTURE_END});
  wall_clock_jumps = true;
  int64_t first_ms = timed_call(self);
  const char *first = fixture_text(self->outcome.json, "status");
  bool good = strcmp(first, "PLQ_OK") == 0;
  if (!good) print_error("%s\n", json_object_to_json_string(self->outcome.json));
  int64_t start = fixture_now_ms();
  fixture_call_case(self, "{\"timeout_ms\": 600}");
  int64_t second_ms = fixture_now_ms() - start;
  wall_clock_jumps = false;
  assert_true(good);
  assert_true(looks > 0); /* or nobody was shown the jumps */
  assert_true(first_ms >= 295);
  check_timeout(self, second_ms, 600);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_drip, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_repeats_share_the_deadline, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_waits_share_the_deadline, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_retry_after_beyond_the_deadline, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_wall_clock_jumps, fixture_setup, fixture_teardown),
  };
  return cmocka_run_group_tests_name("row 18: deadline", tests, NULL, NULL);
}
