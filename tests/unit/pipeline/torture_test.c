/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of the library fails once, in turn, from making options to freeing the client: nothing crashes, nothing leaks (a
 * sanitizer or memcheck looks on), and every status is out of memory or success.
 */
#include "base/alloc.h"
#include "probe.h"

static long granted, asked;
static bool once; /* only that one fails, or all from it on */

static int gate(size_t size) {
  (void)size;
  long now = asked++;
  return now < granted || (once && now > granted);
}

/* A story: the first status that is not PLQ_OK, or what must never be, as an internal error. */
typedef int32_t story(void);

static int32_t configure(const char *const pairs[], plq_client_id *out_client) {
  plq_options *options = NULL;
  plq_error *error = NULL;
  int32_t status = plq_options_new(PLQ_NO_AMBIENT, &options, &error);
  for (int i = 0; pairs[i] != NULL && status == PLQ_OK; i += 2)
    status = plq_options_set(options, pairs[i], PLQ_NUL, pairs[i + 1], PLQ_NUL, &error);
  if (status == PLQ_OK) status = plq_client_new(options, out_client, &error);
  if (status == PLQ_OK && error != NULL) status = PLQ_E_INTERNAL;
  plq_error_json(error, NULL);
  plq_error_free(error);
  plq_options_free(options);
  return status;
}

static int32_t build(plq_request **out_request) {
  plq_error *error = NULL;
  int32_t status = plq_request_new("client_secrets.create", PLQ_NUL, out_request, &error);
  if (status == PLQ_OK)
    status = plq_request_set(*out_request, "payer.id", PLQ_NUL, "0a1b2c3d-4e5f-1789-8bcd-ef0123456789", PLQ_NUL, &error);
  if (status == PLQ_OK) status = plq_request_set(*out_request, "end_user_ip", PLQ_NUL, "192.0.2.1", PLQ_NUL, &error);
  if (status == PLQ_OK)
    status = plq_request_add_header(*out_request, "X-Further", PLQ_NUL, "hush", PLQ_NUL, PLQ_HEADER_SENSITIVE, &error);
  if (status == PLQ_OK) status = plq_request_set_extra(*out_request, "{\"payerId\":\"x\"}", PLQ_NUL, &error);
  plq_error_free(error);
  return status;
}

/* Calls, and looks at all that came. */
static int32_t call(plq_client_id client, const plq_request *request, int32_t expected) {
  plq_response *response = NULL;
  plq_secret *secret = NULL;
  plq_error *error = NULL;
  const char *bytes = NULL;
  int32_t status = plq_call(client, request, &response, &error);
  if ((response != NULL) != (status == PLQ_OK) || (status == PLQ_OK && error != NULL)) return PLQ_E_INTERNAL;
  if (error != NULL && plq_error_status(error) != status) return PLQ_E_INTERNAL;
  if (status == PLQ_OK) {
    if (plq_response_take_secret(response, "client_secret", PLQ_NUL, &secret) != PLQ_OK) return PLQ_E_INTERNAL;
    if (plq_secret_read(secret, &bytes, NULL) != PLQ_OK || strlen(bytes) < 2) return PLQ_E_INTERNAL;
    if (strlen(plq_response_trace_id(response, NULL)) != 36) return PLQ_E_INTERNAL;
  }
  plq_error_json(error, NULL);
  plq_secret_free(secret);
  plq_response_free(response);
  plq_error_free(error);
  return status == expected ? PLQ_OK : status;
}

static int32_t call_with(const char *const pairs[], int32_t expected, bool by_handle) {
  plq_client_id client = 0;
  plq_request *request = NULL;
  plq_call_id handle = 0;
  int32_t status = configure(pairs, &client);
  if (status == PLQ_OK) status = build(&request);
  if (status == PLQ_OK && by_handle) {
    plq_options *options = NULL;
    plq_transports *transports = NULL;
    status = plq_call_new(client, &handle, NULL);
    if (status == PLQ_OK) status = plq_client_options(client, &options, NULL);
    if (status == PLQ_OK) status = plq_client_transport(client, &transports, NULL);
    if (status == PLQ_OK) status = plq_client_set_tokens(client, "a", PLQ_NUL, "b", PLQ_NUL, NULL);
    plq_options_free(options);
    plq_transports_free(transports);
  } else if (status == PLQ_OK) {
    status = call(client, request, expected);
  }
  plq_call_free(handle);
  plq_request_free(request);
  plq_client_free(client);
  return status;
}

#define TEST_TRANSPORT "transport", "stub", "transport_dir", TEST_TRANSPORT_DIR, "allow_test_transports", "true", "transport_path_check", "false"
#define TOKEN "access_token", "test-key-0000000000000000"

static int32_t success(void) {
  static const char *const pairs[] = {TEST_TRANSPORT, TOKEN, "second_access_token", "b", NULL};
  return call_with(pairs, PLQ_OK, false);
}

static int32_t handles(void) {
  static const char *const pairs[] = {TEST_TRANSPORT, TOKEN, NULL};
  return call_with(pairs, PLQ_OK, true);
}

static int32_t repeats(void) {
  static const char *const pairs[] = {
      TEST_TRANSPORT, TOKEN, "stub.script",
      "[{\"status\":503,\"body\":\"{\\\"code\\\":\\\"SERVICE_UNAVAILABLE\\\",\\\"errors\\\":[{\\\"details\\\":\\\"a\\\"}]}\"},"
      "{\"fault\":{\"status\":\"PLQ_E_CONNECT_REFUSED\"}}]",
      NULL};
  return call_with(pairs, PLQ_OK, false);
}

static int32_t failure(void) {
  static const char *const pairs[] = {
      TEST_TRANSPORT, TOKEN, "stub.script",
      "[{\"status\":400,\"headers\":[[\"Trace-Id\",\"6f1c1d6e-0b0a-4c39-9d3e-5a2f5b1f7a10\"]],"
      "\"body\":\"{\\\"code\\\":\\\"VALIDATION_ERROR\\\",\\\"message\\\":\\\"m\\\",\\\"errors\\\":[{\\\"details\\\":\\\"a\\\"},{\\\"details\\\":\\\"b\\\"}]}\"}]",
      NULL};
  return call_with(pairs, PLQ_E_HTTP_CLIENT, false);
}

static int32_t no_such_transport(void) {
  static const char *const pairs[] = {"transport", "nowhere", "transport_dir", TEST_TRANSPORT_DIR, TOKEN, NULL};
  int32_t status = call_with(pairs, PLQ_OK, false);
  return status == PLQ_E_TRANSPORT_NOT_FOUND || status == PLQ_E_TRANSPORT_PATH_UNSAFE ? PLQ_OK : status;
}

static int32_t over_the_probe(void) {
  static const char *const pairs[] = {"transport", "probe", "allow_test_transports", "true", TOKEN, "pins",
                                      "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", NULL};
  return call_with(pairs, PLQ_E_VERIFY_FACTS, false);
}

static int32_t listing(void) {
  static const char *const pairs[] = {TEST_TRANSPORT, NULL};
  plq_options *options = NULL;
  plq_transports *transports = NULL;
  plq_error *error = NULL;
  int32_t status = plq_options_new(PLQ_NO_AMBIENT, &options, &error);
  for (int i = 0; pairs[i] != NULL && status == PLQ_OK; i += 2)
    status = plq_options_set(options, pairs[i], PLQ_NUL, pairs[i + 1], PLQ_NUL, &error);
  if (status == PLQ_OK) status = plq_transports_new(options, &transports, &error);
  plq_transports_free(transports);
  plq_error_free(error);
  plq_options_free(options);
  return status;
}

/* By the messages' door: msgpack's own allocations do not pass the gate, the library's do. */
static int32_t message(void) {
  static const char *const pairs[] = {TEST_TRANSPORT, TOKEN, NULL};
  static const uint8_t text[] = "\x83\xa1v\x01\xa2op\xb5" "client_secrets.create\xa4want\x92\xa8" "attempts\xad" "secret_handle";
  plq_client_id client = 0;
  uint8_t *reply = NULL;
  size_t reply_len = 0;
  int32_t status = configure(pairs, &client);
  if (status == PLQ_OK) status = plq_call_message(client, text, sizeof text - 1, &reply, &reply_len);
  if ((reply != NULL) != (status == PLQ_OK && client != 0)) status = PLQ_E_INTERNAL;
  plq_message_free(reply, reply_len);
  plq_client_free(client);
  return status;
}

static void torture(story *tell, const char *name) {
  enum { MOST = 3000 };
  for (int mode = 0; mode < 2; mode++) {
    once = mode == 0;
    long total = 0;
    for (granted = 0; granted < MOST; granted++) {
      probe_reset(NULL);
      asked = 0;
      plq__alloc_gate = gate;
      int32_t status = tell();
      plq__alloc_gate = NULL;
      char row[120];
      snprintf(row, sizeof row, "%s: allocation %ld%s: %s", name, granted, once ? "" : " and all after it", plq_status_name(status));
      EXPECT_ROW(status == PLQ_OK || status == PLQ_E_MEMORY, row);
      EXPECT_ROW(probe_instances == 0, row);
      if (rows_failed > 5) break;
      total = asked;
      if (asked <= granted) break; /* none was refused */
    }
    expect_rows_end();
    assert_true(granted > 3 && granted < MOST);
    print_message("%s: %ld allocations\n", name, total);
  }
  probe_reset(NULL);
  assert_int_equal(tell(), PLQ_OK); /* and it still works */
}

#define STORY(name) \
  static void test_##name(void **state) { (void)state; torture(name, #name); }
STORY(success)
STORY(handles)
STORY(repeats)
STORY(failure)
STORY(no_such_transport)
STORY(over_the_probe)
STORY(listing)
STORY(message)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_success),           cmocka_unit_test(test_handles), cmocka_unit_test(test_repeats),
      cmocka_unit_test(test_failure),           cmocka_unit_test(test_no_such_transport),
      cmocka_unit_test(test_over_the_probe),    cmocka_unit_test(test_listing), cmocka_unit_test(test_message),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
