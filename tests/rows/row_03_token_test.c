/* SPDX-License-Identifier: MIT */
/* Row 3: without a token nothing leaves, whenever the token went away. */
#include "fixture.h"

#define ONE_ANSWER "[{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-0003\\\"}\"}]"

static void check_refused(fixture *self) {
  json_object *outcome = fixture_call(self);
  assert_string_equal(fixture_text(outcome, "status"), "PLQ_E_TOKEN_MISSING");
  assert_string_equal(fixture_text(outcome, "delivery"), "not_sent");
  assert_int_equal(fixture_number(outcome, "attempts"), 0);
}

static void test_no_byte_leaves(void **state) {
  fixture *self = *state;
  fixture_serve(self, ONE_ANSWER);
  fixture_connect(self, fixture_tls(), (fixture_options){{"access_token", NULL}, FIXTURE_END});
  check_refused(self);
  fixture_stop(self);
  assert_int_equal(test_server_connections(self->server), 0);
}

static void test_taken_back_and_given_again(void **state) {
  fixture *self = *state;
  fixture_serve(self, ONE_ANSWER);
  fixture_connect(self, fixture_tls(), (fixture_options){FIXTURE_END});
  assert_int_equal(plq_client_set_tokens(self->client, NULL, 0, NULL, 0, NULL), PLQ_OK);
  check_refused(self);
  assert_int_equal(plq_client_set_tokens(self->client, "test-key-0002", PLQ_NUL, NULL, 0, NULL), PLQ_OK);
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
  fixture_stop(self);
  assert_int_equal(fixture_requests(self), 1);
  assert_string_equal(fixture_header(self, 0, "Authorization"), "Bearer test-key-0002");
}

/* A token that no header may carry replaces nothing. */
static void test_bad_token_changes_nothing(void **state) {
  fixture *self = *state;
  fixture_serve(self, ONE_ANSWER);
  fixture_connect(self, fixture_tls(), (fixture_options){FIXTURE_END});
  assert_int_equal(plq_client_set_tokens(self->client, "test-key\r\nX: y", PLQ_NUL, NULL, 0, NULL), PLQ_E_TOKEN_INVALID);
  assert_int_equal(plq_client_set_tokens(self->client, "test-key-0003", PLQ_NUL, "test key", PLQ_NUL, NULL), PLQ_E_TOKEN_INVALID);
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
  fixture_stop(self);
  assert_string_equal(fixture_header(self, 0, "Authorization"), "Bearer test-key-0001");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_no_byte_leaves, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_taken_back_and_given_again, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_bad_token_changes_nothing, fixture_setup, fixture_teardown),
  };
  return cmocka_run_group_tests_name("row 3: token", tests, NULL, NULL);
}
