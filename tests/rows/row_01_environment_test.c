/* SPDX-License-Identifier: MIT */
/* Row 1: sandbox and production mean what they say, and the effective host can be read back. */
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

static void check_host(void **state, const char *environment, const char *base_url, const char *expected) {
  plq_options *options = NULL;
  const char *value = NULL;
  fixture_connect(*state, "stub", (fixture_options){{"base_url", base_url}, {"environment", environment}, FIXTURE_END});
  assert_int_equal(plq_client_options(((fixture *)*state)->client, &options, NULL), PLQ_OK);
  assert_int_equal(plq_options_get(options, "base_url", PLQ_NUL, &value, NULL, NULL), PLQ_OK);
  assert_string_equal(value, expected);
  plq_options_free(options);
}

static void test_sandbox(void **state) {
  check_host(state, "sandbox", NULL, "https://connect.sandbox.plastiq.com/api");
}

static void test_production(void **state) {
  check_host(state, "production", NULL, "https://connect.plastiq.com/api");
}

static void test_default_is_sandbox(void **state) {
  check_host(state, NULL, NULL, "https://connect.sandbox.plastiq.com/api");
}

static void test_base_url_replaces(void **state) {
  check_host(state, "production", "https://localhost:8443/api", "https://localhost:8443/api");
}

/* A variable may choose between the two, and the client tells that one did; code is stronger. */
static void test_variable(void **state) {
  fixture *self = *state;
  self->flags = 0;
  setenv("PLASTIQ_ENVIRONMENT", "production", 1);
  check_host(state, NULL, NULL, "https://connect.plastiq.com/api");
  check_host(state, "sandbox", NULL, "https://connect.sandbox.plastiq.com/api");
  setenv("PLASTIQ_ENVIRONMENT", "Production", 1);
  json_object *outcome = fixture_try_connect(self, "stub", (fixture_options){FIXTURE_END});
  assert_string_equal(fixture_text(outcome, "status"), "PLQ_E_ENVIRONMENT_UNKNOWN");
  assert_non_null(strstr(fixture_text(outcome, "message"), "PLASTIQ_ENVIRONMENT"));
  unsetenv("PLASTIQ_ENVIRONMENT");
}

static void test_readable_before_a_client(void **state) {
  plq_options *options = NULL;
  const char *value = NULL;
  int32_t source = -1;
  (void)state;
  assert_int_equal(plq_options_new(PLQ_NO_AMBIENT, &options, NULL), PLQ_OK);
  assert_int_equal(plq_options_get(options, "environment", PLQ_NUL, &value, NULL, &source), PLQ_OK);
  assert_string_equal(value, "sandbox");
  assert_int_equal(source, PLQ_SOURCE_DEFAULT);
  assert_int_equal(plq_options_set(options, "environment", PLQ_NUL, "production", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_options_set(options, "environment", PLQ_NUL, "Production", PLQ_NUL, NULL), PLQ_E_ENVIRONMENT_UNKNOWN);
  assert_int_equal(plq_options_get(options, "environment", PLQ_NUL, &value, NULL, &source), PLQ_OK);
  assert_string_equal(value, "production");
  assert_int_equal(source, PLQ_SOURCE_CODE);
  plq_options_free(options);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_sandbox, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_production, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_default_is_sandbox, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_base_url_replaces, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_variable, fixture_setup, fixture_teardown),
      cmocka_unit_test(test_readable_before_a_client),
  };
  return cmocka_run_group_tests_name("row 1: environment", tests, NULL, NULL);
}
