/* SPDX-License-Identifier: MIT */
/* One attempt: what the core makes of what a transport reports, also of one that breaks its contract. */
#include "probe.h"

static plq_client_id client;
static plq_request *request;

static int setup(void **state) {
  if (probe_reset(state) != 0) return 1;
  client = 0;
  return plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL);
}

static int teardown(void **state) {
  (void)state;
  plq_request_free(request);
  plq_client_free(client);
  return probe_instances;
}

struct attempt_case {
  const char *name;
  struct probe_attempt attempt;
  int32_t status, phase, delivery;
};

#define GOOD .head = PROBE_OK_HEAD, .body = PROBE_OK_BODY

static const struct attempt_case cases[] = {
    {"all is well", {GOOD}, PLQ_OK, 0, 0},
    /* connections that are not vouched for: the token does not leave */
    {"nothing known", {.known = PLQ_FACT_PEER, GOOD}, PLQ_E_VERIFY_FACTS, PLQ_PHASE_TLS, PLQ_DELIVERY_NOT_SENT},
    {"known, and not verified", {.known = PROBE_VERIFIED, GOOD}, PLQ_E_VERIFY_FACTS, PLQ_PHASE_TLS, PLQ_DELIVERY_NOT_SENT},
    {"chain only", {.known = PROBE_VERIFIED, .flags = PLQ_FACT_CHAIN_VERIFIED, GOOD}, PLQ_E_VERIFY_FACTS, PLQ_PHASE_TLS, PLQ_DELIVERY_NOT_SENT},
    {"host only", {.known = PROBE_VERIFIED, .flags = PLQ_FACT_HOST_VERIFIED, GOOD}, PLQ_E_VERIFY_FACTS, PLQ_PHASE_TLS, PLQ_DELIVERY_NOT_SENT},
    {"claimed, but not known", {.flags = PROBE_VERIFIED, GOOD}, PLQ_E_VERIFY_FACTS, PLQ_PHASE_TLS, PLQ_DELIVERY_NOT_SENT},
    {"TLS 1.1", {.known = PROBE_VERIFIED | PLQ_FACT_TLS_VERSION, .flags = PROBE_VERIFIED, .tls_version = 0x0302, GOOD}, PLQ_E_TLS_VERSION, PLQ_PHASE_TLS, PLQ_DELIVERY_NOT_SENT},
    {"TLS 1.2", {.known = PROBE_VERIFIED | PLQ_FACT_TLS_VERSION, .flags = PROBE_VERIFIED, .tls_version = 0x0303, GOOD}, PLQ_OK, 0, 0},
    {"TLS version not known", {.known = PROBE_VERIFIED, .flags = PROBE_VERIFIED, .tls_version = 0x0300, GOOD}, PLQ_OK, 0, 0},
    /* failures that are reported */
    {"refused", {.status = PLQ_E_CONNECT_REFUSED, .phase = PLQ_PHASE_CONNECT}, PLQ_E_CONNECT_REFUSED, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT},
    {"lost while sending", {.status = PLQ_E_IO_SEND, .phase = PLQ_PHASE_SEND, .delivery = PLQ_DELIVERY_MAYBE_SENT}, PLQ_E_IO_SEND, PLQ_PHASE_SEND, PLQ_DELIVERY_MAYBE_SENT},
    {"lost, and exactly not sent", {.status = PLQ_E_IO_REFUSED_STREAM, .phase = PLQ_PHASE_SEND, .delivery = PLQ_DELIVERY_NOT_SENT}, PLQ_E_IO_REFUSED_STREAM, PLQ_PHASE_SEND, PLQ_DELIVERY_NOT_SENT},
    {"not sent, although a head came", {.head = "HTTP/1.1 200 OK\r\n", .status = PLQ_E_IO_RESET, .phase = PLQ_PHASE_RECEIVE, .delivery = PLQ_DELIVERY_NOT_SENT}, PLQ_E_IO_RESET, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT},
    {"answered, although it failed", {.head = PROBE_OK_HEAD, .status = PLQ_E_IO_RESET, .phase = PLQ_PHASE_RECEIVE, .delivery = PLQ_DELIVERY_ANSWERED}, PLQ_E_IO_RESET, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT},
    {"a phase that there is not", {.status = PLQ_E_IO_RESET, .phase = 99, .delivery = PLQ_DELIVERY_MAYBE_SENT}, PLQ_E_IO_RESET, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT},
    {"a phase of the core's own", {.status = PLQ_E_IO_RESET, .phase = PLQ_PHASE_BACKOFF, .delivery = PLQ_DELIVERY_MAYBE_SENT}, PLQ_E_IO_RESET, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT},
    {"a status of the core's own", {.status = PLQ_E_HTTP_SERVER, .phase = PLQ_PHASE_RECEIVE, .delivery = PLQ_DELIVERY_MAYBE_SENT}, PLQ_E_TRANSPORT_MISBEHAVED, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT},
    {"a status that is none", {.status = -7, .phase = PLQ_PHASE_RECEIVE, .delivery = PLQ_DELIVERY_MAYBE_SENT}, PLQ_E_TRANSPORT_MISBEHAVED, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT},
    {"out of memory", {.status = PLQ_E_MEMORY, .phase = PLQ_PHASE_CONNECT}, PLQ_E_MEMORY, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT},
    {"not accepted", {.refused = PLQ_E_UNSUPPORTED}, PLQ_E_UNSUPPORTED, PLQ_PHASE_NONE, PLQ_DELIVERY_NOT_SENT},
    /* responses that end early, whatever the transport says */
    {"no head at all", {.misdeed = PROBE_NO_HEAD}, PLQ_E_TRUNCATED_HEAD, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT},
    {"half a head", {.head = "HTTP/1.1 200 OK\r\nA: b\r\n"}, PLQ_E_TRUNCATED_HEAD, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT},
    {"only 100", {.head = "HTTP/1.1 100 Continue\r\n\r\n"}, PLQ_E_TRUNCATED_HEAD, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT},
    {"body shorter than said", {.head = "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n", .body = PROBE_OK_BODY}, PLQ_E_TRUNCATED_BODY, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT},
    {"body longer than said", {.head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", .body = "{}x"}, PLQ_E_TRUNCATED_BODY, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT},
    /* heads that are no heads */
    {"not HTTP", {.head = "SSH-2.0-x\r\n"}, PLQ_E_PROTOCOL_STATUS_LINE, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT},
    {"bare LF", {.head = "HTTP/1.1 200 OK\n\n"}, PLQ_E_PROTOCOL_STATUS_LINE, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT},
    {"two lengths", {.head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n", .body = "{}"}, PLQ_E_PROTOCOL_CONTENT_LENGTH, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT},
    {"announced too large", {.head = "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"}, PLQ_E_LIMIT_BODY, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT},
    /* contract broken */
    {"lines without a connection", {.misdeed = PROBE_NOT_CONNECTED, GOOD}, PLQ_E_TRANSPORT_MISBEHAVED, PLQ_PHASE_NONE, PLQ_DELIVERY_NOT_SENT},
    {"body before the head", {.misdeed = PROBE_BODY_FIRST, GOOD}, PLQ_E_TRANSPORT_MISBEHAVED, PLQ_PHASE_NONE, PLQ_DELIVERY_MAYBE_SENT},
    {"no end", {.misdeed = PROBE_NO_DONE, GOOD}, PLQ_E_TRANSPORT_MISBEHAVED, PLQ_PHASE_NONE, PLQ_DELIVERY_MAYBE_SENT},
};

static void verdicts(void **state) {
  (void)state;
  static const char *const transports[] = {"probe", "probe-async"};
  for (size_t t = 0; t < COUNT(transports); t++) {
    client = probe_client(transports[t], "max_repeats", "0", "max_body_bytes", "4096", NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
      const struct attempt_case *one = &cases[i];
      char row[120];
      plq_response *response = NULL;
      plq_error *error = NULL;
      if (one->attempt.refused != PLQ_OK && t == 1) continue; /* submit of the probe accepts all */
      if (one->attempt.misdeed == PROBE_NO_DONE && t == 1) continue; /* a drive that never ends its operation is waited for */
      probe_play(&one->attempt, 1);
      int32_t status = plq_call(client, request, &response, &error);
      snprintf(row, sizeof row, "%s over %s: %s in %s, %s", one->name, transports[t], plq_status_name(status),
               plq_phase_name(plq_error_phase(error)), plq_delivery_name(plq_error_delivery(error)));
      EXPECT_ROW(status == one->status, row);
      EXPECT_ROW(plq_error_phase(error) == one->phase, row);
      EXPECT_ROW(plq_error_delivery(error) == one->delivery, row);
      EXPECT_ROW((response != NULL) == (status == PLQ_OK), row);
      plq_response_free(response);
      plq_error_free(error);
    }
    plq_client_free(client);
  }
  client = 0;
  expect_rows_end();
}

/* Without PLQ_CAP_SEND_STATE, NOT_SENT after on_connected is not believed. */
static void delivery_that_is_not_exact(void **state) {
  (void)state;
  static const struct probe_attempt attempts[] = {
      {.status = PLQ_E_IO_SEND, .phase = PLQ_PHASE_SEND, .delivery = PLQ_DELIVERY_NOT_SENT},
      {.status = PLQ_E_CONNECT_REFUSED, .phase = PLQ_PHASE_CONNECT, .delivery = PLQ_DELIVERY_NOT_SENT},
  };
  static const int32_t want[] = {PLQ_DELIVERY_MAYBE_SENT, PLQ_DELIVERY_NOT_SENT};
  client = probe_client("probe-plain", "max_repeats", "0", NULL);
  for (size_t i = 0; i < COUNT(attempts); i++) {
    plq_response *response = NULL;
    plq_error *error = NULL;
    probe_play(&attempts[i], 1);
    assert_int_equal(plq_call(client, request, &response, &error), attempts[i].status);
    assert_int_equal(plq_error_delivery(error), want[i]);
    plq_error_free(error);
  }
}

/* Pins are checked by the core where the transport tells the key, and otherwise only believed to one that takes pins itself. */
static void pins(void **state) {
  (void)state;
  static const struct {
    struct probe_attempt attempt;
    int32_t want;
    const char *name;
  } rows[] = {
      {{.known = PROBE_VERIFIED | PLQ_FACT_SPKI, .flags = PROBE_VERIFIED, .spki = 0, GOOD}, PLQ_OK, "the pinned key"},
      {{.known = PROBE_VERIFIED | PLQ_FACT_SPKI, .flags = PROBE_VERIFIED, .spki = 1, GOOD}, PLQ_E_VERIFY_PIN, "another key"},
      {{.known = PROBE_VERIFIED, .flags = PROBE_VERIFIED, GOOD}, PLQ_E_VERIFY_FACTS, "a key that is not told"},
  };
  client = probe_client("probe", "max_repeats", "0", "pins", "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", NULL);
  for (size_t i = 0; i < COUNT(rows); i++) {
    plq_response *response = NULL;
    plq_error *error = NULL;
    probe_play(&rows[i].attempt, 1);
    EXPECT_ROW(plq_call(client, request, &response, &error) == rows[i].want, rows[i].name);
    EXPECT_ROW(plq_error_delivery(error) == PLQ_DELIVERY_NOT_SENT, rows[i].name);
    plq_error_free(error);
    plq_response_free(response);
  }
  expect_rows_end();
}

/* Plain http to loopback needs no facts. */
static void plain_http(void **state) {
  (void)state;
  PROBE_PLAY({.known = PLQ_FACT_PEER, GOOD});
  client = probe_client("probe", "base_url", "http://127.0.0.1:8080/api", "allow_plain_http", "true", NULL);
  plq_response *response = NULL;
  assert_int_equal(plq_call(client, request, &response, NULL), PLQ_OK);
  assert_int_equal(probe_seen[0].target_flags, PLQ_TARGET_ADDRESS);
  assert_string_equal(probe_seen[0].host, "127.0.0.1");
  plq_response_free(response);
}

static int64_t number(const plq_attempts *attempts, int32_t which) {
  int64_t value = -99;
  assert_int_equal(plq_attempts_number(attempts, 0, which, &value), PLQ_OK);
  return value;
}

static void facts_are_recorded(void **state) {
  (void)state;
  PROBE_PLAY({.known = PROBE_VERIFIED | PLQ_FACT_TLS_VERSION | PLQ_FACT_PEER | PLQ_FACT_REUSED,
              .flags = PROBE_VERIFIED | PLQ_FACT_REUSED | PLQ_FACT_RESUMED, /* resumed is not known */
              GOOD});
  client = probe_client("probe", NULL);
  plq_response *response = NULL;
  assert_int_equal(plq_call(client, request, &response, NULL), PLQ_OK);
  const plq_attempts *attempts = plq_response_attempts(response);
  assert_int_equal(plq_attempts_count(attempts), 1);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_STATUS), PLQ_OK);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_PHASE), PLQ_PHASE_NONE);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_DELIVERY), PLQ_DELIVERY_ANSWERED);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_HTTP_STATUS), 200);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_HTTP_VERSION), 11);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_TLS_VERSION), 0x0304);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_REUSED), 1);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_RESUMED), 0);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_RESOLVE_US), 1);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_CONNECT_US), 2);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_TLS_US), 3);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_SEND_US), 4);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_FIRST_BYTE_US), 5);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_TOTAL_US), 15);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_BYTES_SENT), 100);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_BYTES_RECEIVED), 200);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_TOKEN), 1);
  assert_int_equal(number(attempts, PLQ_ATTEMPT_WAIT_US), 0);
  assert_string_equal(plq_attempts_text(attempts, 0, PLQ_ATTEMPT_PEER, NULL), "192.0.2.7:443");
  assert_string_equal(plq_attempts_text(attempts, 0, PLQ_ATTEMPT_TRACE_ID, NULL), PROBE_TRACE_ID);
  assert_string_equal(plq_attempts_text(attempts, 0, PLQ_ATTEMPT_MESSAGE, NULL), "");
  plq_response_free(response);
}

static void limits_are_passed_on(void **state) {
  (void)state;
  client = probe_client("probe", "max_head_bytes", "2000", "max_body_bytes", "3000", "timeout_ms", "500", NULL);
  plq_response *response = NULL;
  assert_int_equal(plq_call(client, request, &response, NULL), PLQ_OK);
  assert_int_equal(probe_seen[0].max_head_bytes, 2000);
  assert_int_equal(probe_seen[0].max_body_bytes, 3000);
  assert_int_equal(probe_seen[0].deadline_ns, INT64_C(1000000000) + 500 * 1000000);
  assert_true(probe_seen[0].op != 0);
  plq_response_free(response);
}

/* A body of exactly the cap passes, one byte more does not, without a length too. */
static void body_cap(void **state) {
  (void)state;
  static char body[1026];
  static struct probe_attempt attempt = {.head = PROBE_OK_HEAD, .body = body};
  client = probe_client("probe", "max_body_bytes", "1024", "max_repeats", "0", NULL);
  for (int extra = 0; extra < 2; extra++) {
    plq_response *response = NULL;
    memset(body, ' ', 1024 + (size_t)extra);
    memcpy(body, PROBE_OK_BODY, strlen(PROBE_OK_BODY));
    probe_play(&attempt, 1);
    assert_int_equal(plq_call(client, request, &response, NULL), extra == 0 ? PLQ_OK : PLQ_E_LIMIT_BODY);
    plq_response_free(response);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(verdicts, setup, teardown),
      cmocka_unit_test_setup_teardown(delivery_that_is_not_exact, setup, teardown),
      cmocka_unit_test_setup_teardown(pins, setup, teardown),
      cmocka_unit_test_setup_teardown(plain_http, setup, teardown),
      cmocka_unit_test_setup_teardown(facts_are_recorded, setup, teardown),
      cmocka_unit_test_setup_teardown(limits_are_passed_on, setup, teardown),
      cmocka_unit_test_setup_teardown(body_cap, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
