/* SPDX-License-Identifier: MIT */
/*
 * Row 25, beside its vectors: no token, secret or sensitive header in whatever text the library gives away, and nothing on stdout
 * and stderr. Every call of the vectors is searched too (play.c); here is what has no outcome: options, loading, cancelling,
 * printing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"

#define SECRET "{\\\"clientSecret\\\":\\\"test-secret-0025\\\"}"
#define PRIVATE "{\"headers\":[{\"name\":\"End-User-Model\",\"value\":\"test-private-0025\",\"sensitive\":true}]"

static const char *const canaries[] = {"test-key", "test-secret", "test-private"};

static void check_text(const char *what, const char *text) {
  for (size_t i = 0; text != NULL && i < sizeof canaries / sizeof *canaries; i++)
    if (strstr(text, canaries[i]) != NULL) fail_msg("%s: %s... in: %s", what, canaries[i], text);
}

static void check_outcome(const fixture *self, const char *status) {
  assert_string_equal(fixture_text(self->outcome.json, "status"), status);
  assert_non_null(self->outcome.texts.data);
  check_text(status, self->outcome.texts.data);
}

static void test_options_read_as_set(void **state) {
  static const char *const secrets[] = {"access_token", "second_access_token", "client_key_password", "proxy_password"};
  plq_options *options = NULL, *copy = NULL;
  fixture *self = *state;
  assert_int_equal(plq_options_new(PLQ_NO_AMBIENT, &options, NULL), PLQ_OK);
  for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
    const char *value = NULL;
    assert_int_equal(plq_options_get(options, secrets[i], PLQ_NUL, &value, NULL, NULL), PLQ_OK);
    assert_null(value);
    assert_int_equal(plq_options_set(options, secrets[i], PLQ_NUL, "test-key-0025", PLQ_NUL, NULL), PLQ_OK);
    assert_int_equal(plq_options_get(options, secrets[i], PLQ_NUL, &value, NULL, NULL), PLQ_OK);
    assert_string_equal(value, "[set]");
  }
  plq_options_free(options);
  fixture_connect(self, "stub", (fixture_options){{"second_access_token", "test-key-0002"}, FIXTURE_END});
  assert_int_equal(plq_client_options(self->client, &copy, NULL), PLQ_OK);
  for (size_t i = 0; i < 2; i++) {
    const char *value = NULL;
    assert_int_equal(plq_options_get(copy, secrets[i], PLQ_NUL, &value, NULL, NULL), PLQ_OK);
    check_text(secrets[i], value);
  }
  plq_options_free(copy);
}

static void test_refused_values_are_not_quoted(void **state) {
  static const char *const pairs[][2] = {{"access_token", "test-key 0025"},
                                         {"second_access_token", "test-key\r\n"},
                                         {"base_url", "https://user:test-private-0025@127.0.0.1/"},
                                         {"proxy", "http://user:test-private-0025@127.0.0.1:1"},
                                         {"timeout_ms", "test-key-0025"},
                                         {"environment", "test-key-0025"},
                                         {"transport", "test-key-0025/../x"},
                                         {"pins", "test-private-0025"},
                                         {"retry_statuses", "test-key-0025"}};
  plq_options *options = NULL;
  (void)state;
  assert_int_equal(plq_options_new(PLQ_NO_AMBIENT, &options, NULL), PLQ_OK);
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    plq_error *error = NULL;
    assert_int_not_equal(plq_options_set(options, pairs[i][0], PLQ_NUL, pairs[i][1], PLQ_NUL, &error), PLQ_OK);
    check_text(pairs[i][0], plq_error_message(error, NULL));
    check_text(pairs[i][0], plq_error_json(error, NULL));
    plq_error_free(error);
  }
  plq_options_free(options);
}

static void test_load_log(void **state) {
  fixture *self = *state;
  assert_non_null(fixture_try_connect(self, "not-there", (fixture_options){FIXTURE_END}));
  check_outcome(self, "PLQ_E_TRANSPORT_NOT_FOUND");
  assert_non_null(strstr(self->outcome.texts.data, "load: ")); /* the search had something to search */
  assert_non_null(fixture_try_connect(self, "stub", (fixture_options){{"allow_test_transports", "false"}, FIXTURE_END}));
  check_outcome(self, "PLQ_E_TRANSPORT_TEST_CLASS");
}

static void test_failures_on_the_way(void **state) {
  static const struct {
    const char *script, *status;
  } rows[] = {
      {"[{\"hang\":true}]", "PLQ_E_TIMEOUT_TOTAL"},
      {"[{\"end\":\"rst\"}]", "PLQ_E_IO_RESET"},
      {"[{\"status\":200,\"body\":\"" SECRET
       "\",\"fault\":{\"status\":\"PLQ_E_TRUNCATED_BODY\",\"after\":\"body\",\"body_bytes\":30}}]",
       "PLQ_E_TRUNCATED_BODY"},
      {"[{\"raw\":\"HTTP/1.1 200 OK\\r\\nX-Key: test-key-0001\\r\\nX-Key : test-private-0025\\r\\n\\r\\n\"}]",
       "PLQ_E_PROTOCOL_FIELD"},
      {"[{\"fault\":{\"status\":\"PLQ_E_VERIFY_HOST\"}}]", "PLQ_E_VERIFY_HOST"},
      {"[{\"fault\":{\"status\":\"PLQ_E_CONNECT_REFUSED\"}}]", "PLQ_E_CONNECT_REFUSED"},
      {"[{\"status\":307,\"headers\":[[\"Location\",\"https://127.0.0.1/?key=test-key-0001\"]]}]", "PLQ_E_HTTP_REDIRECT"},
      {"[{\"status\":400,\"body\":\"{\\\"message\\\":\\\"\\\\u0074est-key-0001 test-private-0025\\\"}\"}]", "PLQ_E_HTTP_CLIENT"},
  };
  fixture *self = *state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fixture_serve(self, rows[i].script);
    fixture_connect(self, fixture_tls(), (fixture_options){{"max_repeats", "0"}, {"timeout_ms", "1000"}, FIXTURE_END});
    fixture_call_case(self, PRIVATE "}");
    check_outcome(self, rows[i].status);
  }
}

static void test_cancelled(void **state) {
  fixture *self = *state;
  fixture_serve(self, "[{\"hang\":true}]");
  fixture_connect(self, fixture_tls(), (fixture_options){FIXTURE_END});
  assert_string_equal(fixture_text(fixture_call_cancelled(self), "status"), "PLQ_E_CANCELLED");
  check_outcome(self, "PLQ_E_CANCELLED");
}

/* A copy is redacted: what is sent keeps what was given. */
static void test_redaction_works_on_a_copy(void **state) {
  fixture *self = *state;
  fixture_serve(self,
                "[{\"copies\":2,\"of\":{\"status\":503,\"body\":\"{\\\"message\\\":\\\"test-key-0001 test-private-0025\\\"}\"}},"
                "{\"status\":200,\"body\":\"" SECRET "\"}]");
  fixture_connect(self, fixture_tls(), (fixture_options){FIXTURE_END});
  fixture_call_case(self, PRIVATE "}");
  assert_string_equal(fixture_text(self->outcome.json, "status"), "PLQ_OK");
  assert_string_equal(fixture_text(self->outcome.json, "secret"), "test-secret-0025");
  fixture_stop(self);
  for (size_t i = 0; i < 3; i++) {
    assert_string_equal(fixture_header(self, i, "Authorization"), "Bearer test-key-0001");
    assert_string_equal(fixture_header(self, i, "End-User-Model"), "test-private-0025");
  }
}

/* The library never prints. */
static void test_nothing_is_printed(void **state) {
  fixture *self = *state;
  int catcher = memfd_create("output", MFD_CLOEXEC), out = dup(1), err = dup(2);
  (void)fflush(NULL);
  (void)dup2(catcher, 1);
  (void)dup2(catcher, 2);
  fixture_serve(self, "[{\"status\":200,\"body\":\"" SECRET "\"},{\"status\":400,\"body\":\"x\"},{\"end\":\"rst\"}]");
  fixture_connect(self, fixture_tls(), (fixture_options){{"max_repeats", "0"}, FIXTURE_END});
  for (int i = 0; i < 3; i++) fixture_call_case(self, PRIVATE "}");
  fixture_try_connect(self, "not-there", (fixture_options){FIXTURE_END});
  (void)fflush(NULL);
  (void)dup2(out, 1);
  (void)dup2(err, 2);
  (void)close(out);
  (void)close(err);
  off_t printed = lseek(catcher, 0, SEEK_END);
  (void)close(catcher);
  assert_int_equal(printed, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_options_read_as_set, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_refused_values_are_not_quoted, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_load_log, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_failures_on_the_way, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_cancelled, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_redaction_works_on_a_copy, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_nothing_is_printed, fixture_setup, fixture_teardown),
  };
  return cmocka_run_group_tests_name("row 25: redaction", tests, NULL, NULL);
}
