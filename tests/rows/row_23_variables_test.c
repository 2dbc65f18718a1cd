/* SPDX-License-Identifier: MIT */
/*
 * Row 23, the other side: what the environment may say, through PLASTIQ_ variables. A name of a production transport swaps it; no
 * path, no test transport and nothing that weakens; and a token from code never goes where a variable points.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

#define SECRET "\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-0023\\\"}\""
#define GOOD "[{\"status\":200," SECRET "},{\"status\":200," SECRET "}]"

/* Code leaves this one to the environment. */
#define LEFT(key) \
  { key, NULL }

static const char *const variables[] = {
    "PLASTIQ_TRANSPORT",       "PLASTIQ_TRANSPORT_DIR", "PLASTIQ_TRANSPORT_ALLOW", "PLASTIQ_ALLOW_TEST_TRANSPORTS",
    "PLASTIQ_ACCESS_TOKEN",    "PLASTIQ_BASE_URL",      "PLASTIQ_CA_FILE",         "PLASTIQ_TRANSPORT_PATH_CHECK",
    "PLASTIQ_CA_DIR",          "PLASTIQ_PINS",          "PLASTIQ_PROXY",           "PLASTIQ_ALLOW_AMBIENT_ADDRESS",
    "PLASTIQ_ALLOW_PLAIN_HTTP"};

static int setup(void **state) {
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) unsetenv(variables[i]);
  int failed = fixture_setup(state);
  if (failed == 0) ((fixture *)*state)->flags = 0;
  return failed;
}

static int teardown(void **state) {
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) unsetenv(variables[i]);
  return fixture_teardown(state);
}

static void check_refused(json_object *outcome, const char *status, const char *variable) {
  if (outcome == NULL) fail_msg("%s was not refused", variable);
  assert_string_equal(fixture_text(outcome, "status"), status);
  if (strstr(fixture_text(outcome, "message"), variable) == NULL)
    fail_msg("no %s in: %s", variable, fixture_text(outcome, "message"));
}

static void check_transport(const fixture *self, const char *name) {
  plq_transports *transports = NULL;
  assert_int_equal(plq_client_transport(self->client, &transports, NULL), PLQ_OK);
  assert_string_equal(plq_transports_text(transports, 0, PLQ_TRANSPORT_NAME, NULL), name);
  plq_transports_free(transports);
}

static void check_good(fixture *self, void (*call)(test_outcome *, const test_case *, plq_client_id)) {
  test_case made = {.name = "call", .json = json_object_new_object()};
  test_outcome_clear(&self->outcome);
  call(&self->outcome, &made, self->client);
  json_object_put(made.json);
  if (strcmp(fixture_text(self->outcome.json, "status"), "PLQ_OK") != 0)
    fail_msg("%s", json_object_to_json_string(self->outcome.json));
}

/* ---- the transport ---- */

/* Every production transport there is, by the variable alone, through both doors. */
static void test_variable_swaps_the_transport(void **state) {
  fixture *self = *state;
  plq_options *options = NULL;
  plq_transports *all = NULL;
  size_t swapped = 0;
  assert_int_equal(plq_options_new(PLQ_NO_AMBIENT, &options, NULL), PLQ_OK);
  plq_options_set(options, "transport_dir", PLQ_NUL, TEST_TRANSPORT_DIR, PLQ_NUL, NULL);
  plq_options_set(options, "transport_path_check", PLQ_NUL, "false", PLQ_NUL, NULL);
  plq_options_set(options, "allow_test_transports", PLQ_NUL, "true", PLQ_NUL, NULL);
  assert_int_equal(plq_transports_new(options, &all, NULL), PLQ_OK);
  for (uint32_t i = 0; i < plq_transports_count(all); i++) {
    const char *name = plq_transports_text(all, i, PLQ_TRANSPORT_NAME, NULL);
    if (strcmp(plq_transports_text(all, i, PLQ_TRANSPORT_CLASS, NULL), "production") != 0) continue;
    fixture_serve(self, GOOD);
    setenv("PLASTIQ_TRANSPORT", name, 1);
    fixture_connect(self, NULL, (fixture_options){{"allow_test_transports", "false"}, FIXTURE_END});
    check_transport(self, name);
    check_good(self, test_call_plain);
    check_good(self, test_call_message);
    fixture_stop(self);
    assert_int_equal(fixture_requests(self), 2);
    assert_string_equal(fixture_header(self, 0, "Authorization"), "Bearer test-key-0001");
    swapped++;
  }
  assert_true(swapped >= 1);
  plq_transports_free(all);
  plq_options_free(options);
}

static void test_code_is_stronger(void **state) {
  fixture *self = *state;
  setenv("PLASTIQ_TRANSPORT", "not-there", 1);
  setenv("PLASTIQ_ACCESS_TOKEN", "test-key-other", 1);
  fixture_serve(self, GOOD);
  fixture_connect(self, "curl", (fixture_options){FIXTURE_END});
  check_good(self, test_call_plain);
  fixture_stop(self);
  assert_string_equal(fixture_header(self, 0, "Authorization"), "Bearer test-key-0001");
}

static void test_no_ambient(void **state) {
  fixture *self = *state;
  setenv("PLASTIQ_TRANSPORT", "not-there", 1);
  setenv("PLASTIQ_BASE_URL", "nonsense", 1);
  self->flags = PLQ_NO_AMBIENT;
  fixture_connect(self, NULL, (fixture_options){FIXTURE_END});
  check_transport(self, "curl");
}

static void test_no_path(void **state) {
  static const char *const values[] = {TEST_TRANSPORT_DIR "/libplastiq-transport-curl.so", "./curl",
                                       "file://" TEST_TRANSPORT_DIR "/libplastiq-transport-curl.so"};
  fixture *self = *state;
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    setenv("PLASTIQ_TRANSPORT", values[i], 1);
    check_refused(fixture_try_connect(self, NULL, (fixture_options){FIXTURE_END}), "PLQ_E_TRANSPORT_NAME", "PLASTIQ_TRANSPORT");
  }
}

static void test_only_production(void **state) {
  fixture *self = *state;
  setenv("PLASTIQ_TRANSPORT", "stub", 1);
  setenv("PLASTIQ_ALLOW_TEST_TRANSPORTS", "true", 1); /* says nothing: only code can */
  check_refused(fixture_try_connect(self, NULL, (fixture_options){LEFT("allow_test_transports"), FIXTURE_END}),
                "PLQ_E_TRANSPORT_TEST_CLASS", "PLASTIQ_TRANSPORT");
  fixture_connect(self, NULL, (fixture_options){{"allow_test_transports", "true"}, FIXTURE_END});
  check_transport(self, "stub");
}

/* What code allows, no variable widens; a variable may narrow. */
static void test_narrowed(void **state) {
  fixture *self = *state;
  setenv("PLASTIQ_TRANSPORT", "curl", 1);
  setenv("PLASTIQ_TRANSPORT_ALLOW", "curl", 1);
  check_refused(fixture_try_connect(self, NULL, (fixture_options){{"transport_allow", "openssl"}, FIXTURE_END}),
                "PLQ_E_TRANSPORT_NOT_ALLOWED", "PLASTIQ_TRANSPORT");
  fixture_connect(self, NULL, (fixture_options){FIXTURE_END});
  setenv("PLASTIQ_TRANSPORT_ALLOW", "openssl", 1);
  check_refused(fixture_try_connect(self, NULL, (fixture_options){FIXTURE_END}), "PLQ_E_TRANSPORT_NOT_ALLOWED",
                "PLASTIQ_TRANSPORT_ALLOW");
}

/* The folder from a variable is the one that is looked in, and is held to the same rules. */
static void test_folder(void **state) {
  fixture *self = *state;
  char folder[512];
  plq_transports *list = NULL;
  plq_error *error = NULL;
  test_folder_new(folder, sizeof folder);
  setenv("PLASTIQ_TRANSPORT_DIR", TEST_TRANSPORT_DIR, 1);
  fixture_connect(self, NULL, (fixture_options){LEFT("transport_dir"), FIXTURE_END});
  check_transport(self, "curl");
  setenv("PLASTIQ_TRANSPORT_DIR", folder, 1);
  check_refused(fixture_try_connect(self, NULL, (fixture_options){LEFT("transport_dir"), FIXTURE_END}),
                "PLQ_E_TRANSPORT_NOT_FOUND", "PLASTIQ_TRANSPORT_DIR");
  fixture_connect(self, NULL, (fixture_options){FIXTURE_END}); /* code names another */
  (void)chmod(folder, 0777);
  setenv("PLASTIQ_TRANSPORT_PATH_CHECK", "false", 1); /* says nothing: only code can */
  assert_int_equal(plq_transports_new(NULL, &list, &error), PLQ_E_TRANSPORT_PATH_UNSAFE);
  assert_non_null(strstr(plq_error_message(error, NULL), "PLASTIQ_TRANSPORT_DIR"));
  plq_error_free(error);
  (void)rmdir(folder);
  setenv("PLASTIQ_TRANSPORT_DIR", "relative", 1);
  check_refused(fixture_try_connect(self, NULL, (fixture_options){FIXTURE_END}), "PLQ_E_OPTION_VALUE", "PLASTIQ_TRANSPORT_DIR");
}

/* ---- addresses and secrets ---- */

static void set_address(const fixture *self, const char *variable) {
  char url[64];
  snprintf(url, sizeof url, "https://127.0.0.1:%d/api", test_server_port(self->server));
  setenv(variable, strcmp(variable, "PLASTIQ_CA_FILE") == 0 ? test_ca_file(self->ca) : url, 1);
}

/* A token from code reaches no server of whoever set the variable, now or later. */
static void test_no_token_to_an_ambient_address(void **state) {
  static const char *const addresses[] = {"PLASTIQ_BASE_URL", "PLASTIQ_CA_FILE"};
  static const char *const options[] = {"base_url", "ca_file"};
  fixture *self = *state;
  for (size_t i = 0; i < 2; i++) {
    fixture_serve(self, GOOD);
    set_address(self, addresses[i]);
    json_object *outcome = fixture_try_connect(self, "curl", (fixture_options){LEFT(options[i]), FIXTURE_END});
    check_refused(outcome, "PLQ_E_AMBIENT_ADDRESS", addresses[i]);
    assert_string_equal(fixture_text(outcome, "field"), options[i]);
    assert_non_null(strstr(fixture_text(outcome, "message"), "access_token"));
    fixture_connect(self, "curl", (fixture_options){LEFT(options[i]), LEFT("access_token"), FIXTURE_END});
    assert_int_equal(plq_client_set_tokens(self->client, "test-key-0002", PLQ_NUL, NULL, 0, NULL), PLQ_E_AMBIENT_ADDRESS);
    assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_E_TOKEN_MISSING");
    fixture_stop(self);
    assert_int_equal(fixture_requests(self), 0);
    unsetenv(addresses[i]);
  }
}

static void test_no_proxy_password_to_an_ambient_proxy(void **state) {
  fixture *self = *state;
  setenv("PLASTIQ_ACCESS_TOKEN", "test-key-0006", 1);
  setenv("PLASTIQ_PROXY", "http://127.0.0.1:1", 1);
  json_object *outcome =
      fixture_try_connect(self, "curl", (fixture_options){LEFT("access_token"), {"proxy_password", "test-secret"}, FIXTURE_END});
  check_refused(outcome, "PLQ_E_AMBIENT_ADDRESS", "PLASTIQ_PROXY");
  assert_non_null(strstr(fixture_text(outcome, "message"), "proxy_password"));
}

static int32_t source_of(const fixture *self, const char *key, const char *expected) {
  plq_options *options = NULL;
  const char *value = NULL;
  int32_t source = -1;
  assert_int_equal(plq_client_options(self->client, &options, NULL), PLQ_OK);
  assert_int_equal(plq_options_get(options, key, PLQ_NUL, &value, NULL, &source), PLQ_OK);
  assert_string_equal(value, expected);
  plq_options_free(options);
  return source;
}

/* A client tells where each value came from. */
static void test_sources(void **state) {
  fixture *self = *state;
  setenv("PLASTIQ_ACCESS_TOKEN", "test-key-0007", 1);
  setenv("PLASTIQ_TRANSPORT", "curl", 1);
  fixture_connect(self, NULL, (fixture_options){LEFT("access_token"), FIXTURE_END});
  assert_int_equal(source_of(self, "transport", "curl"), PLQ_SOURCE_ENVIRONMENT);
  assert_int_equal(source_of(self, "access_token", "[set]"), PLQ_SOURCE_ENVIRONMENT);
  assert_int_equal(source_of(self, "backoff_cap_ms", "2"), PLQ_SOURCE_CODE);
  assert_int_equal(source_of(self, "timeout_ms", "15000"), PLQ_SOURCE_DEFAULT);
  assert_int_equal(plq_client_set_tokens(self->client, "test-key-0008", PLQ_NUL, NULL, 0, NULL), PLQ_OK);
  assert_int_equal(source_of(self, "access_token", "[set]"), PLQ_SOURCE_CODE);
}

static void test_variable_does_not_allow_it(void **state) {
  fixture *self = *state;
  fixture_serve(self, GOOD);
  set_address(self, "PLASTIQ_BASE_URL");
  setenv("PLASTIQ_ALLOW_AMBIENT_ADDRESS", "true", 1);
  check_refused(fixture_try_connect(self, "curl", (fixture_options){LEFT("base_url"), FIXTURE_END}), "PLQ_E_AMBIENT_ADDRESS",
                "PLASTIQ_BASE_URL");
}

/* All from the environment, all from code, or allowed by code. */
static void test_what_combines(void **state) {
  fixture *self = *state;
  setenv("PLASTIQ_ACCESS_TOKEN", "test-key-0003", 1);
  for (int from_code = 0; from_code < 2; from_code++) {
    fixture_serve(self, GOOD);
    set_address(self, "PLASTIQ_BASE_URL");
    set_address(self, "PLASTIQ_CA_FILE");
    fixture_connect(self, "curl",
                    (fixture_options){LEFT("base_url"),
                                      LEFT("ca_file"),
                                      {"access_token", from_code ? "test-key-0004" : NULL},
                                      {"allow_ambient_address", from_code ? "true" : "false"},
                                      FIXTURE_END});
    check_good(self, test_call_plain);
    check_good(self, test_call_message);
    fixture_stop(self);
    assert_string_equal(fixture_header(self, 0, "Authorization"), from_code ? "Bearer test-key-0004" : "Bearer test-key-0003");
  }
}

/* What is wrong with a secret is told, and the secret is not. */
static void test_bad_secret_is_not_shown(void **state) {
  fixture *self = *state;
  setenv("PLASTIQ_ACCESS_TOKEN", "Bearer test-key-0005", 1);
  json_object *outcome = fixture_try_connect(self, "curl", (fixture_options){FIXTURE_END});
  check_refused(outcome, "PLQ_E_TOKEN_INVALID", "PLASTIQ_ACCESS_TOKEN");
  assert_null(strstr(fixture_text(outcome, "message"), "test-key-0005"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_variable_swaps_the_transport, setup, teardown),
      cmocka_unit_test_setup_teardown(test_code_is_stronger, setup, teardown),
      cmocka_unit_test_setup_teardown(test_no_ambient, setup, teardown),
      cmocka_unit_test_setup_teardown(test_no_path, setup, teardown),
      cmocka_unit_test_setup_teardown(test_only_production, setup, teardown),
      cmocka_unit_test_setup_teardown(test_narrowed, setup, teardown),
      cmocka_unit_test_setup_teardown(test_folder, setup, teardown),
      cmocka_unit_test_setup_teardown(test_no_token_to_an_ambient_address, setup, teardown),
      cmocka_unit_test_setup_teardown(test_no_proxy_password_to_an_ambient_proxy, setup, teardown),
      cmocka_unit_test_setup_teardown(test_sources, setup, teardown),
      cmocka_unit_test_setup_teardown(test_variable_does_not_allow_it, setup, teardown),
      cmocka_unit_test_setup_teardown(test_what_combines, setup, teardown),
      cmocka_unit_test_setup_teardown(test_bad_secret_is_not_shown, setup, teardown),
  };
  return cmocka_run_group_tests_name("row 23: variables", tests, NULL, NULL);
}
