/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <plastiq/plastiq.h>

#include "base/ambient.h"
#include "base/options.h"

static int clear(void **state) {
  (void)state;
  for (int i = 0; i < PLQ__OPT_COUNT; i++) {
    char name[64] = "PLASTIQ_";
    const char *key = plq__option_row((enum plq__option_index)i)->name;
    for (size_t at = 0; key[at] != '\0'; at++) name[8 + at] = (char)(key[at] >= 'a' && key[at] <= 'z' ? key[at] - 32 : key[at]);
    unsetenv(name);
  }
  return 0;
}

static plq_options *options_of(uint32_t flags) {
  plq_options *options = NULL;
  assert_int_equal(plq_options_new(flags, &options, NULL), PLQ_OK);
  return options;
}

static void check(const plq_options *options, const char *key, const char *expected, int32_t expected_source) {
  const char *value = NULL;
  int32_t source = -1;
  assert_int_equal(plq_options_get(options, key, PLQ_NUL, &value, NULL, &source), PLQ_OK);
  assert_string_equal(value, expected);
  assert_int_equal(source, expected_source);
}

static void test_variable_is_read(void **state) {
  (void)state;
  setenv("PLASTIQ_TIMEOUT_MS", "1234", 1);
  setenv("PLASTIQ_ACCESS_TOKEN", "test-key-environment", 1);
  setenv("PLASTIQ_MAX_REPEATS", "", 1);
  plq_options *options = options_of(0);
  check(options, "timeout_ms", "1234", PLQ_SOURCE_ENVIRONMENT);
  check(options, "access_token", "[set]", PLQ_SOURCE_ENVIRONMENT);
  check(options, "max_repeats", "2", PLQ_SOURCE_DEFAULT);
  plq_options_free(options);
}

static void test_code_is_stronger(void **state) {
  (void)state;
  setenv("PLASTIQ_TIMEOUT_MS", "1234", 1);
  plq_options *options = options_of(0);
  assert_int_equal(plq_options_set(options, "timeout_ms", PLQ_NUL, "99", PLQ_NUL, NULL), PLQ_OK);
  check(options, "timeout_ms", "99", PLQ_SOURCE_CODE);
  plq_options_free(options);
}

static void test_no_ambient(void **state) {
  (void)state;
  setenv("PLASTIQ_TIMEOUT_MS", "none", 1);
  plq_options *options = options_of(PLQ_NO_AMBIENT);
  check(options, "timeout_ms", "15000", PLQ_SOURCE_DEFAULT);
  plq_options_free(options);
}

/* What weakens something is not for the environment to say. */
static void test_code_only_is_not_read(void **state) {
  static const char *const names[] = {"PLASTIQ_ALLOW_TEST_TRANSPORTS", "PLASTIQ_ALLOW_PLAIN_HTTP", "PLASTIQ_ALLOW_AMBIENT_ADDRESS"};
  static const char *const keys[] = {"allow_test_transports", "allow_plain_http", "allow_ambient_address"};
  (void)state;
  for (size_t i = 0; i < 3; i++) setenv(names[i], "true", 1);
  setenv("PLASTIQ_TRANSPORT_PATH_CHECK", "false", 1);
  plq_options *options = options_of(0);
  for (size_t i = 0; i < 3; i++) check(options, keys[i], "false", PLQ_SOURCE_DEFAULT);
  check(options, "transport_path_check", "true", PLQ_SOURCE_DEFAULT);
  plq_options_free(options);
}

static void test_bad_value_names_the_variable(void **state) {
  static const struct {
    const char *variable, *value, *says;
    int32_t status;
  } rows[] = {
      {"PLASTIQ_TIMEOUT_MS", "soon", "whole number", PLQ_E_OPTION_VALUE},
      {"PLASTIQ_ENVIRONMENT", "staging", "sandbox or production", PLQ_E_ENVIRONMENT_UNKNOWN},
      {"PLASTIQ_ACCESS_TOKEN", "test-key with space", "RFC 6750", PLQ_E_TOKEN_INVALID},
      {"PLASTIQ_BASE_URL", "ftp://example.test", "https://host", PLQ_E_BASE_URL},
      {"PLASTIQ_TRANSPORT", "/tmp/evil.so", "only come from code", PLQ_E_TRANSPORT_NAME},
      {"PLASTIQ_TRANSPORT", "file:///tmp/evil.so", "only come from code", PLQ_E_TRANSPORT_NAME},
      {"PLASTIQ_TRANSPORT", "../evil", "only come from code", PLQ_E_TRANSPORT_NAME},
      {"PLASTIQ_TRANSPORT_DIR", "plugins", "absolute path", PLQ_E_OPTION_VALUE},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    plq_options *options = (plq_options *)1;
    plq_error *error = NULL;
    clear(state);
    setenv(rows[i].variable, rows[i].value, 1);
    assert_int_equal(plq_options_new(0, &options, &error), rows[i].status);
    assert_null(options);
    assert_non_null(strstr(plq_error_message(error, NULL), rows[i].variable));
    assert_non_null(strstr(plq_error_message(error, NULL), rows[i].says));
    assert_null(strstr(plq_error_message(error, NULL), "test-key"));
    plq_error_free(error);
  }
}

/* The rule is about where the token goes: whoever says that must be who gave it. */
static void test_ambient_address(void **state) {
  static const char *const variables[] = {"PLASTIQ_BASE_URL", "PLASTIQ_CA_FILE", "PLASTIQ_CA_DIR", "PLASTIQ_PINS", "PLASTIQ_PROXY"};
  static const char *const values[] = {"https://example.test", "/ca.pem", "/ca",
                                       "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "http://proxy.test:1"};
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
    plq_error *error = NULL;
    clear(state);
    setenv(variables[i], values[i], 1);
    plq_options *options = options_of(0);
    assert_int_equal(plq__ambient_check(options, PLQ_SOURCE_DEFAULT, NULL), PLQ_OK);
    assert_int_equal(plq__ambient_check(options, PLQ_SOURCE_ENVIRONMENT, NULL), PLQ_OK);
    assert_int_equal(plq__ambient_check(options, PLQ_SOURCE_CODE, &error), PLQ_E_AMBIENT_ADDRESS);
    assert_non_null(strstr(plq_error_message(error, NULL), variables[i]));
    plq_error_free(error);
    assert_int_equal(plq_options_set(options, "allow_ambient_address", PLQ_NUL, "true", PLQ_NUL, NULL), PLQ_OK);
    assert_int_equal(plq__ambient_check(options, PLQ_SOURCE_CODE, NULL), PLQ_OK);
    plq_options_free(options);
  }
}

static void test_client_from_an_ambient_address(void **state) {
  plq_options *options;
  plq_client_id client = 0;
  clear(state);
  setenv("PLASTIQ_BASE_URL", "https://example.test", 1);
  options = options_of(0);
  assert_int_equal(plq_options_set(options, "access_token", PLQ_NUL, "test-key-0001", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_client_new(options, &client, NULL), PLQ_E_AMBIENT_ADDRESS);
  plq_options_free(options);
  setenv("PLASTIQ_TIMEOUT_MS", "soon", 1); /* NULL options read the environment too */
  assert_int_equal(plq_client_new(NULL, &client, NULL), PLQ_E_OPTION_VALUE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_variable_is_read, clear, clear),
      cmocka_unit_test_setup_teardown(test_code_is_stronger, clear, clear),
      cmocka_unit_test_setup_teardown(test_no_ambient, clear, clear),
      cmocka_unit_test_setup_teardown(test_code_only_is_not_read, clear, clear),
      cmocka_unit_test_setup_teardown(test_bad_value_names_the_variable, clear, clear),
      cmocka_unit_test_setup_teardown(test_ambient_address, clear, clear),
      cmocka_unit_test_setup_teardown(test_client_from_an_ambient_address, clear, clear),
  };
  return cmocka_run_group_tests_name("base/ambient", tests, NULL, NULL);
}
