/* SPDX-License-Identifier: MIT */
/* Row 11: a redirect leads nowhere. Another server waits where Location points: it hears of nobody, and so of no token. */
#include <string.h>

#include "fixture.h"

#define GOOD "[{\"copies\":9,\"of\":{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-0011\\\"}\"}}]"

static void check(fixture *self, const test_server *other, int status, const char *scheme) {
  test_bytes script = {0};
  test_bytes_format(&script,
                    "[{\"status\":%d,\"headers\":[[\"Location\",\"%s://127.0.0.1:%d/api/client-secrets\"]],\"body\":\"{}\"}]",
                    status, scheme, test_server_port(other));
  fixture_serve(self, script.data);
  fixture_connect(self, fixture_tls(), (fixture_options){FIXTURE_END});
  json_object *outcome = fixture_call(self);
  assert_string_equal(fixture_text(outcome, "status"), "PLQ_E_HTTP_REDIRECT");
  assert_string_equal(fixture_text(outcome, "delivery"), "answered");
  assert_int_equal(fixture_number(outcome, "http_status"), status);
  fixture_stop(self);
  assert_int_equal(fixture_requests(self), 1);
  test_bytes_clear(&script);
}

static void test_nothing_arrives_elsewhere(void **state) {
  static const int statuses[] = {301, 302, 303, 307, 308};
  static const char *const schemes[] = {"https", "http"};
  fixture *self = *state;
  for (size_t s = 0; s < sizeof schemes / sizeof *schemes; s++) {
    const char *reason = NULL;
    json_object *parsed = json_tokener_parse(GOOD), *responses = test_expand(parsed);
    test_script *script = test_script_new(responses, &reason);
    assert_non_null(script);
    if (strcmp(schemes[s], "http") == 0) script->certificate = NULL;
    test_server *other = test_server_new(self->ca, script);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) check(self, other, statuses[i], schemes[s]);
    test_server_stop(other);
    assert_int_equal(test_server_connections(other), 0);
    test_server_free(other);
    test_script_free(script);
    json_object_put(responses);
    json_object_put(parsed);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_nothing_arrives_elsewhere, fixture_setup, fixture_teardown),
  };
  return cmocka_run_group_tests_name("row 11: redirects", tests, NULL, NULL);
}
