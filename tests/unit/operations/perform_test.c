/* SPDX-License-Identifier: MIT */
/* What is sent for a request: the body member by member, and every header. */
#include "probe.h"

static plq_client_id client;
static plq_request *request;

static int setup(void **state) {
  if (probe_reset(state) != 0) return 1;
  client = probe_client("probe", NULL);
  return plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL);
}

static int teardown(void **state) {
  (void)state;
  plq_request_free(request);
  plq_client_free(client);
  return probe_instances;
}

static void set(const char *field, const char *value) {
  assert_int_equal(plq_request_set(request, field, PLQ_NUL, value, PLQ_NUL, NULL), PLQ_OK);
}

static int32_t call(plq_error **out_error) {
  plq_response *response = NULL;
  int32_t status = plq_call(client, request, &response, out_error);
  plq_response_free(response);
  return status;
}

#define PAYER "0a1b2c3d-4e5f-1789-8bcd-ef0123456789"

struct body_case {
  const char *payer, *type, *extra, *want; /* NULL: PLQ_E_EXTRA_CONFLICT */
};

static const struct body_case bodies[] = {
    {NULL, NULL, NULL, "{}"},
    {PAYER, NULL, NULL, "{\"payer\":{\"id\":\"" PAYER "\"}}"},
    {NULL, "CARD", NULL, "{\"type\":\"CARD\"}"},
    {PAYER, "CARD", NULL, "{\"payer\":{\"id\":\"" PAYER "\"},\"type\":\"CARD\"}"},
    {NULL, NULL, "{}", "{}"},
    {NULL, NULL, "{ \"payerId\" : \"x/y\" }", "{\"payerId\":\"x/y\"}"},
    {NULL, NULL, "{\"type\":\"BANK\"}", "{\"type\":\"BANK\"}"},
    {PAYER, NULL, "{\"payer\":{\"name\":\"n\"}}", "{\"payer\":{\"name\":\"n\",\"id\":\"" PAYER "\"}}"},
    {NULL, "CARD", "{\"a\":1,\"b\":null}", "{\"a\":1,\"b\":null,\"type\":\"CARD\"}"},
    {NULL, "CARD", "{\"type\":\"CARD\"}", NULL},
    {PAYER, NULL, "{\"payer\":{\"id\":\"" PAYER "\"}}", NULL},
    {PAYER, NULL, "{\"payer\":7}", NULL},
    {PAYER, NULL, "{\"payer\":null}", NULL},
    {PAYER, NULL, "{\"payer\":[]}", NULL},
};

static void what_the_body_is(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(bodies); i++) {
    const char *name = bodies[i].want != NULL ? bodies[i].want : bodies[i].extra;
    plq_error *error = NULL;
    probe_seen_count = 0;
    set("payer.id", bodies[i].payer);
    set("type", bodies[i].type);
    assert_int_equal(plq_request_set_extra(request, bodies[i].extra, PLQ_NUL, NULL), PLQ_OK);
    int32_t status = call(&error);
    EXPECT_ROW(status == (bodies[i].want != NULL ? PLQ_OK : PLQ_E_EXTRA_CONFLICT), name);
    EXPECT_ROW(probe_seen_count == (status == PLQ_OK), name); /* nothing leaves on a local error */
    EXPECT_ROW(status != PLQ_OK || strcmp(probe_seen[0].body, bodies[i].want) == 0, name);
    EXPECT_ROW(status == PLQ_OK || strlen(plq_error_field(error, NULL)) > 0, name);
    plq_error_free(error);
  }
  expect_rows_end();
}

/* The value of a header, or NULL; fails if it stands there twice. */
static const char *header(const char *name, char *room, size_t size) {
  char key[100];
  snprintf(key, sizeof key, "\n%s: ", name);
  char all[sizeof probe_seen[0].headers + 1];
  snprintf(all, sizeof all, "\n%s", probe_seen[0].headers);
  char *at = strstr(all, key);
  if (at == NULL) return NULL;
  assert_null(strstr(at + 1, key));
  snprintf(room, size, "%.*s", (int)strcspn(at + strlen(key), "\n"), at + strlen(key));
  return room;
}

static void expect_header(const char *name, const char *want) {
  char room[400];
  const char *value = header(name, room, sizeof room);
  if (value == NULL) fail_msg("%s was not sent", name);
  assert_string_equal(value, want);
}

static void headers_of_an_empty_request(void **state) {
  (void)state;
  char trace[64];
  assert_int_equal(call(NULL), PLQ_OK);
  assert_string_equal(probe_seen[0].method, "POST");
  assert_string_equal(probe_seen[0].path, "/api/client-secrets");
  assert_string_equal(probe_seen[0].origin, "https://connect.sandbox.plastiq.com");
  assert_int_equal(probe_seen[0].target_flags, PLQ_TARGET_TLS);
  assert_int_equal(probe_seen[0].port, 443);
  expect_header("Accept", "application/json");
  expect_header("Accept-Encoding", "identity");
  expect_header("Content-Type", "application/json");
  expect_header("User-Agent", "libplastiq/" PLQ_VERSION_TEXT);
  expect_header("Authorization!", "Bearer " PROBE_TOKEN); /* ! is the probe's mark of a sensitive one */
  assert_true(plq__is_uuid4(plq__text_in(header("Trace-Id", trace, sizeof trace), SIZE_MAX)));
  assert_null(header("Host", trace, sizeof trace));
  assert_null(header("Content-Length", trace, sizeof trace));
  assert_null(header("Expect", trace, sizeof trace));
}

static void headers_from_fields(void **state) {
  (void)state;
  set("trace_id", "0a1b2c3d-4e5f-4789-8bcd-ef0123456789");
  set("user_agent", "Mozilla/5.0");
  set("end_user_device_id", "device-1");
  set("end_user_ip", "2001:db8::1");
  assert_int_equal(plq_request_add_header(request, "End-User-Os", PLQ_NUL, "Linux", PLQ_NUL, 0, NULL), PLQ_OK);
  assert_int_equal(plq_request_add_header(request, "X-Secret", PLQ_NUL, "hush", PLQ_NUL, PLQ_HEADER_SENSITIVE, NULL), PLQ_OK);
  assert_int_equal(call(NULL), PLQ_OK);
  expect_header("Trace-Id", "0a1b2c3d-4e5f-4789-8bcd-ef0123456789");
  expect_header("User-Agent", "Mozilla/5.0");
  expect_header("End-User-Device-Id", "device-1");
  expect_header("End-User-Ip", "2001:db8::1");
  expect_header("End-User-Os", "Linux");
  expect_header("X-Secret!", "hush");
}

static void every_call_has_a_trace_id_of_its_own(void **state) {
  (void)state;
  char first[64], second[64];
  assert_int_equal(call(NULL), PLQ_OK);
  header("Trace-Id", first, sizeof first);
  probe_seen_count = 0;
  assert_int_equal(call(NULL), PLQ_OK);
  header("Trace-Id", second, sizeof second);
  assert_string_not_equal(first, second);
}

static void the_later_variant(void **state) {
  (void)state;
  plq_response *response = NULL;
  plq_secret *secret = NULL;
  plq_client_secrets_create_v2_params params = {.payer_id = PAYER, .timeout_ms = 700};
  assert_int_equal(plq_client_secrets_create_v2(client, &params, &response, NULL), PLQ_OK);
  assert_string_equal(probe_seen[0].path, "/api/v2/client-secrets");
  assert_string_equal(probe_seen[0].body, "{\"payer\":{\"id\":\"" PAYER "\"}}");
  assert_int_equal(probe_seen[0].deadline_ns, 1000000000 + 700 * 1000000);
  assert_int_equal(plq_client_secrets_create_v2_take_client_secret(response, &secret), PLQ_OK);
  assert_true(plq_secret_life_ms(secret) > 1700000);
  plq_secret_free(secret);
  plq_response_free(response);
}

static void typed_call_with_a_wrong_field(void **state) {
  (void)state;
  plq_response *response = (plq_response *)(void *)1;
  plq_error *error = NULL;
  plq_client_secrets_create_params params = {.payer_id = "42"};
  assert_int_equal(plq_client_secrets_create(client, &params, &response, &error), PLQ_E_FIELD_VALUE);
  assert_null(response);
  assert_string_equal(plq_error_field(error, NULL), "payer.id");
  assert_int_equal(probe_seen_count, 0);
  plq_error_free(error);
  assert_int_equal(plq_client_secrets_create(client, NULL, &response, NULL), PLQ_OK);
  plq_response_free(response);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_the_body_is, setup, teardown),
      cmocka_unit_test_setup_teardown(headers_of_an_empty_request, setup, teardown),
      cmocka_unit_test_setup_teardown(headers_from_fields, setup, teardown),
      cmocka_unit_test_setup_teardown(every_call_has_a_trace_id_of_its_own, setup, teardown),
      cmocka_unit_test_setup_teardown(the_later_variant, setup, teardown),
      cmocka_unit_test_setup_teardown(typed_call_with_a_wrong_field, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
