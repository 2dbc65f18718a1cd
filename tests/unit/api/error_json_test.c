/* SPDX-License-Identifier: MIT */
/* plq_error_json(): what is known is there, what is not is left out, and it is JSON whatever the texts are. */
#include <json-c/json.h>
#include <plastiq/error.h>

#include "base/alloc.h"
#include "base/error.h"
#include "unit.h"

static plq_error *new_error(int32_t status) {
  plq_error *error = plq__error_new(status);
  assert_non_null(error);
  return error;
}

static void set(plq_error *error, enum plq__error_text which, const char *text) { plq__error_set(error, which, text, strlen(text)); }

static void test_nothing_known(void **state) {
  (void)state;
  size_t len = 0;
  plq_error *error = new_error(PLQ_E_MEMORY);
  const char *json = plq_error_json(error, &len);
  assert_string_equal(json, "{\"status\":18001,\"name\":\"PLQ_E_MEMORY\",\"kind\":\"memory\",\"delivery\":\"not_sent\",\"repeatable\":false}");
  assert_int_equal(len, strlen(json));
  assert_ptr_equal(plq_error_json(error, NULL), json); /* made once */
  plq_error_free(error);
}

static void fill_attempts(plq_error *error) {
  struct plq__attempt *first = plq__attempts_add(&error->attempts);
  assert_non_null(first);
  *first = (struct plq__attempt){.status = PLQ_E_IO_RESET, .phase = PLQ_PHASE_RECEIVE, .delivery = PLQ_DELIVERY_MAYBE_SENT, .http_version = 11,
                                 .tls_version = 0x0304, .reused = 1, .token = 1, .queue_us = 5, .resolve_us = -1, .connect_us = -1, .tls_us = -1,
                                 .send_us = 20, .first_byte_us = 300, .total_us = 400, .bytes_sent = 356, .bytes_received = 55,
                                 .peer = "192.0.2.1:443", .message = "the connection was reset"};
  struct plq__attempt *second = plq__attempts_add(&error->attempts);
  assert_non_null(second);
  *second = (struct plq__attempt){.status = PLQ_E_HTTP_SERVER, .phase = PLQ_PHASE_DECODE, .delivery = PLQ_DELIVERY_ANSWERED, .http_status = 503,
                                  .token = 1, .start_us = 500, .wait_us = 100, .queue_us = -1, .resolve_us = -1, .connect_us = -1, .tls_us = -1,
                                  .send_us = -1, .first_byte_us = -1, .total_us = -1, .trace_id = "t"};
}

static void test_everything_known(void **state) {
  (void)state;
  plq_error *error = new_error(PLQ_E_HTTP_SERVER);
  error->delivery = PLQ_DELIVERY_ANSWERED;
  error->http_status = 503;
  error->repeatable = true;
  error->retry_after_ms = 0;
  set(error, PLQ__ERROR_MESSAGE, "m");
  set(error, PLQ__ERROR_FIELD, "f");
  set(error, PLQ__ERROR_SERVICE_CODE, "c");
  set(error, PLQ__ERROR_SERVICE_MESSAGE, "s");
  set(error, PLQ__ERROR_TRACE_ID, "t");
  error->details = plq__alloc(2 * sizeof *error->details);
  error->details[error->detail_count++] = plq__copy("one", 3);
  error->details[error->detail_count++] = plq__copy("two", 3);
  fill_attempts(error);
  plq__load_log_add(&error->load, "/x.so", "dlopen", "no such file");
  plq__load_log_add(&error->load, "y", "name", "");
  assert_string_equal(
      plq_error_json(error, NULL),
      "{\"status\":15009,\"name\":\"PLQ_E_HTTP_SERVER\",\"kind\":\"http\",\"phase\":\"decode\",\"delivery\":\"answered\",\"repeatable\":true,"
      "\"message\":\"m\",\"field\":\"f\",\"http_status\":503,\"service_code\":\"c\",\"service_message\":\"s\",\"trace_id\":\"t\","
      "\"retry_after_ms\":0,\"details\":[\"one\",\"two\"],\"attempts\":["
      "{\"status\":10001,\"name\":\"PLQ_E_IO_RESET\",\"phase\":\"receive\",\"delivery\":\"maybe_sent\",\"http_version\":11,\"tls_version\":772,"
      "\"reused\":true,\"resumed\":false,\"token\":1,\"start_us\":0,\"wait_us\":0,\"queue_us\":5,\"send_us\":20,\"first_byte_us\":300,"
      "\"total_us\":400,\"bytes_sent\":356,\"bytes_received\":55,\"peer\":\"192.0.2.1:443\",\"message\":\"the connection was reset\"},"
      "{\"status\":15009,\"name\":\"PLQ_E_HTTP_SERVER\",\"phase\":\"decode\",\"delivery\":\"answered\",\"http_status\":503,\"reused\":false,"
      "\"resumed\":false,\"token\":1,\"start_us\":500,\"wait_us\":100,\"trace_id\":\"t\"}],"
      "\"load\":[{\"path\":\"/x.so\",\"stage\":\"dlopen\",\"reason\":\"no such file\"},{\"path\":\"y\",\"stage\":\"name\"}]}");
  plq_error_free(error);
}

static void test_any_text_is_json(void **state) {
  (void)state;
  plq_error *error = new_error(PLQ_E_HTTP_CLIENT);
  set(error, PLQ__ERROR_MESSAGE, "\"\\/\b\f\n\r\t\x01\x1f\x7f \xc3\xa9 \xf0\x9f\x98\x80");
  set(error, PLQ__ERROR_SERVICE_MESSAGE, "\xff cut \xe2\x82");
  json_object *json = json_tokener_parse(plq_error_json(error, NULL));
  json_object *value = NULL;
  assert_true(json_object_object_get_ex(json, "message", &value));
  assert_string_equal(json_object_get_string(value), plq_error_message(error, NULL));
  assert_true(json_object_object_get_ex(json, "service_message", &value));
  assert_string_equal(json_object_get_string(value), "\xef\xbf\xbd cut \xef\xbf\xbd\xef\xbf\xbd");
  json_object_put(json);
  plq_error_free(error);
}

static void test_null(void **state) {
  (void)state;
  size_t len = 7;
  assert_string_equal(plq_error_json(NULL, &len), "");
  assert_int_equal(len, 0);
  assert_string_equal(plq_error_json(NULL, NULL), "");
}

static int allocations_left;
static int refuse_one(size_t size) {
  (void)size;
  return allocations_left-- != 0;
}

/* Without memory there is no JSON; with memory again there is. */
static void test_without_memory(void **state) {
  (void)state;
  bool failed = true;
  for (int i = 0; failed; i++) {
    plq_error *error = new_error(PLQ_E_IO_RESET);
    fill_attempts(error);
    allocations_left = i;
    plq__alloc_gate = refuse_one;
    const char *json = plq_error_json(error, NULL);
    plq__alloc_gate = NULL;
    failed = allocations_left < 0;
    if (failed) assert_string_equal(json, "");
    assert_true(plq_error_json(error, NULL)[0] == '{');
    plq_error_free(error);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_known), cmocka_unit_test(test_everything_known), cmocka_unit_test(test_any_text_is_json),
                                     cmocka_unit_test(test_null), cmocka_unit_test(test_without_memory)};
  return cmocka_run_group_tests_name("api/error_json", tests, NULL, NULL);
}
