/* SPDX-License-Identifier: MIT */
/* A call: attempts until there is an outcome, within one deadline; tokens; cancelling. */
#include <pthread.h>

#include "probe.h"

static plq_client_id client;
static plq_request *request;
static plq_response *response;
static plq_error *error;

static int setup(void **state) {
  if (probe_reset(state) != 0) return 1;
  client = 0;
  response = NULL;
  error = NULL;
  return plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL);
}

static int teardown(void **state) {
  (void)state;
  plq_request_free(request);
  plq_response_free(response);
  plq_error_free(error);
  plq_client_free(client);
  return probe_instances;
}

static int32_t call(void) { return plq_call(client, request, &response, &error); }

static int64_t number(uint32_t index, int32_t which) {
  const plq_attempts *attempts = response != NULL ? plq_response_attempts(response) : plq_error_attempts(error);
  int64_t value = -99;
  assert_int_equal(plq_attempts_number(attempts, index, which, &value), PLQ_OK);
  return value;
}

#define BUSY {.head = "HTTP/1.1 503 Busy\r\n\r\n", .body = "{\"code\":\"SERVICE_UNAVAILABLE\",\"message\":\"later\"}"}
#define REFUSED {.status = PLQ_E_CONNECT_REFUSED, .phase = PLQ_PHASE_CONNECT, .message = "nobody there"}
#define RESET {.status = PLQ_E_IO_RESET, .phase = PLQ_PHASE_RECEIVE, .delivery = PLQ_DELIVERY_MAYBE_SENT}
#define DENIED {.head = "HTTP/1.1 401 Unauthorized\r\n\r\n", .body = "{\"code\":\"AUTHORIZATION_ERROR\"}"}

/* ---- repeats ---- */

static void repeats_until_it_works(void **state) {
  (void)state;
  PROBE_PLAY(REFUSED, BUSY);
  client = probe_client("probe", NULL);
  assert_int_equal(call(), PLQ_OK);
  assert_int_equal(plq_attempts_count(plq_response_attempts(response)), 3);
  assert_int_equal(number(0, PLQ_ATTEMPT_STATUS), PLQ_E_CONNECT_REFUSED);
  assert_int_equal(number(1, PLQ_ATTEMPT_HTTP_STATUS), 503);
  assert_int_equal(number(2, PLQ_ATTEMPT_STATUS), PLQ_OK);
  assert_true(probe_seen[0].op != probe_seen[1].op && probe_seen[1].op != probe_seen[2].op);
  assert_int_equal(probe_seen[0].deadline_ns, probe_seen[2].deadline_ns); /* one deadline for all */
}

static void gives_up(void **state) {
  (void)state;
  PROBE_PLAY(REFUSED, REFUSED, REFUSED, REFUSED);
  client = probe_client("probe", NULL);
  assert_int_equal(call(), PLQ_E_CONNECT_REFUSED);
  assert_int_equal(probe_seen_count, 3);
  assert_int_equal(plq_attempts_count(plq_error_attempts(error)), 3);
  assert_non_null(strstr(plq_error_message(error, NULL), "nobody there"));
  assert_non_null(strstr(plq_error_message(error, NULL), "(after 3 attempts)"));
  assert_int_equal(plq_error_repeatable(error), 1);
  assert_int_equal(plq_error_delivery(error), PLQ_DELIVERY_NOT_SENT);
}

static void as_often_as_asked(void **state) {
  (void)state;
  static const struct probe_attempt refused[] = {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED};
  static const struct {
    const char *option;
    int of_request, want;
  } rows[] = {{"0", -1, 1}, {"1", -1, 2}, {"5", -1, 6}, {"5", 0, 1}, {"0", 3, 4}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    plq_client_id one = probe_client("probe", "max_repeats", rows[i].option, NULL);
    plq_request *of = NULL;
    plq_response *none = NULL;
    plq_request_new("client_secrets.create", PLQ_NUL, &of, NULL);
    if (rows[i].of_request >= 0) plq_request_set_max_repeats(of, (uint32_t)rows[i].of_request, NULL);
    probe_seen_count = 0;
    probe_play(refused, COUNT(refused));
    assert_int_equal(plq_call(one, of, &none, NULL), PLQ_E_CONNECT_REFUSED);
    assert_int_equal(probe_seen_count, rows[i].want);
    plq_request_free(of);
    plq_client_free(one);
  }
}

static void not_what_is_not_repeatable(void **state) {
  (void)state;
  static const struct probe_attempt rows[] = {
      {.head = "HTTP/1.1 400 Bad\r\n\r\n"},
      {.head = "HTTP/1.1 404 No\r\n\r\n"},
      {.head = "HTTP/1.1 302 Elsewhere\r\nLocation: https://evil.example/\r\n\r\n"},
      {.head = PROBE_OK_HEAD, .body = "{}"},
      {.head = "nonsense\r\n"},
      {.known = PLQ_FACT_PEER},
      DENIED,
  };
  client = probe_client("probe", NULL);
  for (size_t i = 0; i < COUNT(rows); i++) {
    plq_response *none = NULL;
    plq_error *why = NULL;
    probe_seen_count = 0;
    probe_play(&rows[i], 1);
    assert_true(plq_call(client, request, &none, &why) != PLQ_OK);
    EXPECT_ROW(probe_seen_count == 1, plq_error_message(why, NULL));
    EXPECT_ROW(plq_error_repeatable(why) == 0, plq_error_message(why, NULL));
    plq_error_free(why);
  }
  expect_rows_end();
}

static void ambiguous_only_where_allowed(void **state) {
  (void)state;
  static const struct probe_attempt reset[] = {RESET};
  static const struct {
    const char *key, *value;
    int32_t want;
  } rows[] = {{"repeat_only_safe", "false", PLQ_OK},
              {"repeat_only_safe", "true", PLQ_E_IO_RESET},
              {"retry_operations", "client_secrets.create_v2", PLQ_E_IO_RESET},
              {"retry_operations", "", PLQ_E_IO_RESET},
              {"retry_operations", "client_secrets.create_v2, client_secrets.create", PLQ_OK}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    plq_client_id one = probe_client("probe", rows[i].key, rows[i].value, NULL);
    plq_response *got = NULL;
    probe_play(reset, 1);
    EXPECT_ROW(plq_call(one, request, &got, NULL) == rows[i].want, rows[i].value);
    plq_response_free(got);
    plq_client_free(one);
  }
  expect_rows_end();
}

/* The last HTTP error is kept when a later attempt fails otherwise. */
static void http_facts_outlive_later_failures(void **state) {
  (void)state;
  PROBE_PLAY({.head = "HTTP/1.1 500 Oops\r\nTrace-Id: " PROBE_TRACE_ID "\r\n\r\n",
              .body = "{\"code\":\"INTERNAL_SERVER_ERROR\",\"message\":\"boom\",\"errors\":[{\"details\":\"one\"},{\"details\":\"two\"}]}"},
             REFUSED, REFUSED);
  client = probe_client("probe", NULL);
  assert_int_equal(call(), PLQ_E_CONNECT_REFUSED);
  assert_int_equal(plq_error_kind(error), PLQ_KIND_CONNECT);
  assert_int_equal(plq_error_http_status(error), 500);
  assert_string_equal(plq_error_service_code(error, NULL), "INTERNAL_SERVER_ERROR");
  assert_string_equal(plq_error_service_message(error, NULL), "boom");
  assert_int_equal(plq_error_detail_count(error), 2);
  assert_string_equal(plq_error_detail(error, 1, NULL), "two");
  assert_int_equal(plq_error_delivery(error), PLQ_DELIVERY_ANSWERED); /* the strongest of all attempts */
}

static void budget_of_the_client(void **state) {
  (void)state;
  static const struct probe_attempt refused[] = {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED};
  client = probe_client("probe", "repeat_budget", "3", "max_repeats", "2", NULL);
  plq_response *none = NULL;
  static const int want[] = {3, 2, 1}; /* two repeats, one, none */
  for (size_t i = 0; i < COUNT(want); i++) {
    probe_seen_count = 0;
    probe_play(refused, COUNT(refused));
    assert_int_equal(plq_call(client, request, &none, NULL), PLQ_E_CONNECT_REFUSED);
    assert_int_equal(probe_seen_count, want[i]);
  }
}

/* ---- waits and the deadline ---- */

static void backs_off(void **state) {
  (void)state;
  static const struct probe_attempt refused[] = {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED};
  client = probe_client("probe", "max_repeats", "5", "backoff_base_ms", "100", "backoff_cap_ms", "400", "timeout_ms", "-1", NULL);
  for (int round = 0; round < 20; round++) {
    static const int64_t bounds[] = {100, 200, 400, 400, 400};
    plq_response *none = NULL;
    plq_error *why = NULL;
    probe_waits = 0;
    probe_play(refused, COUNT(refused));
    int32_t status = plq_call(client, request, &none, &why);
    if (status != PLQ_E_CONNECT_REFUSED) fail_msg("%s", plq_status_name(status));
    for (int i = 0; i < probe_waits; i++) assert_in_range(probe_waits_ms[i], 0, bounds[i]);
    plq_error_free(why);
  }
}

static void waits_are_recorded(void **state) {
  (void)state;
  PROBE_PLAY({.head = "HTTP/1.1 429 Slow\r\nRetry-After: 2\r\n\r\n", .takes_ms = 30});
  client = probe_client("probe", NULL);
  assert_int_equal(call(), PLQ_OK);
  assert_int_equal(probe_waits, 1);
  assert_int_equal(probe_waits_ms[0], 2000);
  assert_int_equal(number(0, PLQ_ATTEMPT_WAIT_US), 0);
  assert_int_equal(number(0, PLQ_ATTEMPT_START_US), 0);
  assert_int_equal(number(1, PLQ_ATTEMPT_WAIT_US), 2000000);
  assert_int_equal(number(1, PLQ_ATTEMPT_START_US), 2030000);
}

static void a_wait_that_does_not_fit(void **state) {
  (void)state;
  PROBE_PLAY({.head = "HTTP/1.1 429 Slow\r\nRetry-After: 15\r\n\r\n"});
  client = probe_client("probe", NULL);
  assert_int_equal(call(), PLQ_E_HTTP_THROTTLED);
  assert_int_equal(probe_waits, 0); /* at once */
  assert_int_equal(probe_seen_count, 1);
  assert_int_equal(plq_error_retry_after_ms(error), 15000);
  assert_int_equal(plq_error_repeatable(error), 1);
}

static void endless_retry_after_without_a_deadline(void **state) {
  (void)state;
  PROBE_PLAY({.head = "HTTP/1.1 429 Slow\r\nRetry-After: 99999999999999999999\r\n\r\n"});
  client = probe_client("probe", "timeout_ms", "-1", NULL);
  assert_int_equal(call(), PLQ_E_HTTP_THROTTLED);
  assert_int_equal(probe_waits, 0);
}

static void garbage_in_retry_after(void **state) {
  (void)state;
  PROBE_PLAY({.head = "HTTP/1.1 429 Slow\r\nRetry-After: soon\r\n\r\n"}, {.head = "HTTP/1.1 503 Busy\r\nRetry-After: -1\r\n\r\n"});
  client = probe_client("probe", NULL);
  assert_int_equal(call(), PLQ_OK);
  assert_int_equal(probe_seen_count, 3);
  for (int i = 0; i < probe_waits; i++) assert_in_range(probe_waits_ms[i], 0, 200);
}

static void deadline_of_the_request(void **state) {
  (void)state;
  client = probe_client("probe", "timeout_ms", "500", NULL);
  plq_request_set_timeout_ms(request, -1, NULL);
  assert_int_equal(call(), PLQ_OK);
  assert_int_equal(probe_seen[0].deadline_ns, INT64_MAX);
}

/* ---- tokens ---- */

static void no_token(void **state) {
  (void)state;
  client = probe_client("probe", "access_token", NULL, NULL);
  assert_int_equal(call(), PLQ_E_TOKEN_MISSING);
  assert_int_equal(probe_seen_count, 0);
  assert_int_equal(plq_error_delivery(error), PLQ_DELIVERY_NOT_SENT);
  plq_error_free(error);
  assert_int_equal(plq_client_set_tokens(client, "late-token", PLQ_NUL, NULL, 0, NULL), PLQ_OK);
  assert_int_equal(call(), PLQ_OK);
  assert_non_null(strstr(probe_seen[0].headers, "Authorization!: Bearer late-token\n"));
}

static void second_token(void **state) {
  (void)state;
  PROBE_PLAY(DENIED);
  client = probe_client("probe", "second_access_token", "token-2", "max_repeats", "0", NULL);
  assert_int_equal(call(), PLQ_OK); /* not against the limit */
  assert_int_equal(probe_seen_count, 2);
  assert_non_null(strstr(probe_seen[0].headers, "Bearer " PROBE_TOKEN "\n"));
  assert_non_null(strstr(probe_seen[1].headers, "Bearer token-2\n"));
  assert_int_equal(number(0, PLQ_ATTEMPT_TOKEN), 1);
  assert_int_equal(number(1, PLQ_ATTEMPT_TOKEN), 2);
  assert_int_equal(probe_waits, 0);
}

static void second_token_is_denied_too(void **state) {
  (void)state;
  PROBE_PLAY(DENIED, DENIED, DENIED);
  client = probe_client("probe", "second_access_token", "token-2", NULL);
  assert_int_equal(call(), PLQ_E_HTTP_UNAUTHORIZED);
  assert_int_equal(probe_seen_count, 2);
  assert_int_equal(plq_error_http_status(error), 401);
}

static void second_token_stays_for_repeats(void **state) {
  (void)state;
  PROBE_PLAY(DENIED, BUSY, DENIED);
  client = probe_client("probe", "second_access_token", "token-2", NULL);
  assert_int_equal(call(), PLQ_E_HTTP_UNAUTHORIZED);
  assert_int_equal(probe_seen_count, 3);
  assert_non_null(strstr(probe_seen[2].headers, "Bearer token-2\n"));
}

static void rotate(void) { plq_client_set_tokens(client, "fresh", PLQ_NUL, NULL, 0, NULL); }

static void tokens_of_the_moment(void **state) {
  (void)state;
  PROBE_PLAY({.head = "HTTP/1.1 503 Busy\r\n\r\n", .inside = rotate});
  client = probe_client("probe", NULL);
  assert_int_equal(call(), PLQ_OK);
  assert_non_null(strstr(probe_seen[0].headers, "Bearer " PROBE_TOKEN "\n"));
  assert_non_null(strstr(probe_seen[1].headers, "Bearer fresh\n"));
}

/* What the service echoes must not carry the token, the other one, or a sensitive header into the error. */
static void errors_keep_secrets(void **state) {
  (void)state;
  PROBE_PLAY({.head = "HTTP/1.1 400 Bad\r\n\r\n",
              .body = "{\"code\":\"X-" PROBE_TOKEN "\",\"message\":\"you sent Bearer " PROBE_TOKEN " or token-number-2 and hush-hush-hush\","
                      "\"errors\":[{\"details\":\"" PROBE_TOKEN "\"}]}"});
  client = probe_client("probe", "second_access_token", "token-number-2", NULL);
  plq_request_add_header(request, "X-Secret", PLQ_NUL, "hush-hush-hush", PLQ_NUL, PLQ_HEADER_SENSITIVE, NULL);
  assert_int_equal(call(), PLQ_E_HTTP_CLIENT);
  static const char *const secrets[] = {PROBE_TOKEN, "token-number-2", "hush-hush-hush"};
  for (size_t i = 0; i < COUNT(secrets); i++) {
    EXPECT_ROW(strstr(plq_error_message(error, NULL), secrets[i]) == NULL, secrets[i]);
    EXPECT_ROW(strstr(plq_error_service_code(error, NULL), secrets[i]) == NULL, secrets[i]);
    EXPECT_ROW(strstr(plq_error_service_message(error, NULL), secrets[i]) == NULL, secrets[i]);
    EXPECT_ROW(strstr(plq_error_detail(error, 0, NULL), secrets[i]) == NULL, secrets[i]);
    EXPECT_ROW(strstr(plq_error_json(error, NULL), secrets[i]) == NULL, secrets[i]);
    EXPECT_ROW(strstr(plq_attempts_text(plq_error_attempts(error), 0, PLQ_ATTEMPT_MESSAGE, NULL), secrets[i]) == NULL, secrets[i]);
  }
  expect_rows_end();
}

static void transports_keep_secrets(void **state) {
  (void)state;
  PROBE_PLAY({.status = PLQ_E_CONNECT_FAILED, .phase = PLQ_PHASE_CONNECT, .message = "could not send Bearer " PROBE_TOKEN "!"});
  client = probe_client("probe", "max_repeats", "0", NULL);
  assert_int_equal(call(), PLQ_E_CONNECT_FAILED);
  assert_non_null(strstr(plq_error_message(error, NULL), "could not send"));
  assert_null(strstr(plq_error_message(error, NULL), PROBE_TOKEN));
}

/* ---- trace ids ---- */

static void trace_ids(void **state) {
  (void)state;
  static const struct {
    struct probe_attempt attempt;
    const char *want;
  } rows[] = {
      {{.head = PROBE_OK_HEAD, .body = PROBE_OK_BODY}, PROBE_TRACE_ID},
      {{.head = "HTTP/1.1 200 OK\r\n\r\n", .body = PROBE_OK_BODY}, "0a1b2c3d-4e5f-4789-8bcd-ef0123456789"},
      {{.head = "HTTP/1.1 200 OK\r\nTrace-Id: nonsense\r\n\r\n", .body = PROBE_OK_BODY}, "0a1b2c3d-4e5f-4789-8bcd-ef0123456789"},
      {{.head = "HTTP/1.1 404 No\r\nTrace-Id: " PROBE_TRACE_ID "\r\n\r\n"}, PROBE_TRACE_ID},
      {{.head = "HTTP/1.1 404 No\r\n\r\n"}, "0a1b2c3d-4e5f-4789-8bcd-ef0123456789"},
      {{.status = PLQ_E_VERIFY_HOST, .phase = PLQ_PHASE_TLS}, "0a1b2c3d-4e5f-4789-8bcd-ef0123456789"},
  };
  client = probe_client("probe", NULL);
  plq_request_set(request, "trace_id", PLQ_NUL, "0a1b2c3d-4e5f-4789-8bcd-ef0123456789", PLQ_NUL, NULL);
  for (size_t i = 0; i < COUNT(rows); i++) {
    plq_response *got = NULL;
    plq_error *why = NULL;
    probe_play(&rows[i].attempt, 1);
    const char *trace = plq_call(client, request, &got, &why) == PLQ_OK ? plq_response_trace_id(got, NULL) : plq_error_trace_id(why, NULL);
    EXPECT_ROW(strcmp(trace, rows[i].want) == 0, trace);
    plq_response_free(got);
    plq_error_free(why);
  }
  expect_rows_end();
}

/* ---- cancelling ---- */

static plq_call_id handle;
static void cancel_it(void) { plq_call_cancel(handle); }

static void cancelled_inside(void **state) {
  (void)state;
  PROBE_PLAY({.head = PROBE_OK_HEAD, .body = PROBE_OK_BODY, .inside = cancel_it});
  client = probe_client("probe", NULL);
  assert_int_equal(plq_call_new(client, &handle, NULL), PLQ_OK);
  assert_int_equal(plq_call_run(handle, request, &response, &error), PLQ_E_CANCELLED);
  assert_int_equal(plq_error_delivery(error), PLQ_DELIVERY_MAYBE_SENT);
  assert_int_equal(probe_cancels, 1);
  assert_int_equal(probe_seen_count, 1);
  plq_error_free(error);
  assert_int_equal(plq_call_run(handle, request, &response, &error), PLQ_OK); /* the handle goes on */
  plq_call_free(handle);
}

static void cancelled_before_it_ran(void **state) {
  (void)state;
  client = probe_client("probe", NULL);
  assert_int_equal(plq_call_new(client, &handle, NULL), PLQ_OK);
  assert_int_equal(plq_call_cancel(handle), PLQ_OK);
  assert_int_equal(plq_call_cancel(handle), PLQ_OK);
  assert_int_equal(plq_call_run(handle, request, &response, &error), PLQ_E_CANCELLED);
  assert_int_equal(probe_seen_count, 0);
  assert_int_equal(plq_error_delivery(error), PLQ_DELIVERY_NOT_SENT);
  plq_error_free(error);
  assert_int_equal(plq_call_run(handle, request, &response, &error), PLQ_OK); /* a cancel counts once */
  plq_call_free(handle);
}

static void call_handles(void **state) {
  (void)state;
  plq_call_id made = 77;
  client = probe_client("probe", NULL);
  assert_int_equal(plq_call_new(42, &made, &error), PLQ_E_HANDLE);
  assert_int_equal(made, 0);
  plq_error_free(error);
  assert_int_equal(plq_call_new(client, NULL, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_call_new(client, &made, &error), PLQ_OK);
  assert_int_equal(plq_call_run(made, NULL, &response, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_call_run(made, request, NULL, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_call(made, request, &response, NULL), PLQ_E_HANDLE); /* a call is no client */
  plq_call_free(made);
  plq_call_free(made);
  plq_call_free(0);
  assert_int_equal(plq_call_cancel(made), PLQ_E_HANDLE);
  assert_int_equal(plq_call_run(made, request, &response, &error), PLQ_E_HANDLE);
}

/* The client is closed from inside a call: the call ends as cancelled, and nothing is left. */
static void close_it(void) { plq_client_close(client, 0); }

static void closed_inside(void **state) {
  (void)state;
  PROBE_PLAY({.head = PROBE_OK_HEAD, .body = PROBE_OK_BODY, .inside = close_it});
  client = probe_client("probe", NULL);
  assert_int_equal(call(), PLQ_E_CANCELLED);
  assert_int_equal(probe_instances, 0);
  plq_error_free(error);
  assert_int_equal(call(), PLQ_E_HANDLE);
}

/* ---- threads ---- */

enum { THREADS = 4, EACH = 60 };
static _Atomic int outcomes[2]; /* ok, and cancelled or closed */
static _Atomic int32_t odd;     /* any other status that came */

static void *call_often(void *argument) {
  (void)argument;
  plq_request *own = NULL;
  if (plq_request_new("client_secrets.create", PLQ_NUL, &own, NULL) != PLQ_OK) abort();
  for (int i = 0; i < EACH; i++) {
    plq_response *got = NULL;
    int32_t status = plq_call(client, own, &got, NULL);
    if (status == PLQ_OK)
      outcomes[0]++;
    else if (status == PLQ_E_CANCELLED || status == PLQ_E_HANDLE || status == PLQ_E_CLOSED)
      outcomes[1]++;
    else
      odd = status;
    plq_response_free(got);
  }
  plq_request_free(own);
  return NULL;
}

static void run_threads(const char *transport, void (*meanwhile)(void)) {
  pthread_t threads[THREADS];
  outcomes[0] = outcomes[1] = 0;
  odd = PLQ_OK;
  client = probe_client(transport, "timeout_ms", "-1", NULL); /* who waits for a transport waits on the real clock */
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, call_often, NULL), 0);
  meanwhile();
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  if (odd != PLQ_OK) fail_msg("%s over %s", plq_status_name(odd), transport);
  assert_int_equal(outcomes[0] + outcomes[1], THREADS * EACH);
  plq_client_free(client);
  assert_int_equal(probe_instances, 0);
}

static void rotate_often(void) {
  for (int i = 0; i < 50; i++) plq_client_set_tokens(client, "token-a", PLQ_NUL, "token-b", PLQ_NUL, NULL);
}

static void let_it_run(void) { plq_client_close(client, 1); }

static void threads_share_a_client(void **state) {
  (void)state;
  static const char *const transports[] = {"probe", "probe-async", "probe-plain"};
  for (size_t i = 0; i < COUNT(transports); i++) {
    run_threads(transports[i], rotate_often);
    assert_int_equal(outcomes[0], THREADS * EACH);
    run_threads(transports[i], let_it_run);
  }
  client = 0;
}

/* A transport that serves one thread at a time: who waits for it waits until the deadline, and nothing was sent. */
static pthread_barrier_t occupied;

static void occupy(void) {
  pthread_barrier_wait(&occupied); /* the transport is in use */
  pthread_barrier_wait(&occupied); /* and is left */
}

static void *call_once(void *argument) {
  plq_response *got = NULL;
  int32_t *status = argument;
  *status = plq_call(client, request, &got, NULL);
  plq_response_free(got);
  return NULL;
}

static void waiting_for_a_transport(void **state) {
  (void)state;
  PROBE_PLAY({.head = PROBE_OK_HEAD, .body = PROBE_OK_BODY, .inside = occupy});
  plq_request *own = NULL;
  pthread_t thread;
  int32_t status = -1;
  client = probe_client("probe-plain", "timeout_ms", "-1", NULL);
  plq_request_new("client_secrets.create", PLQ_NUL, &own, NULL);
  plq_request_set_timeout_ms(own, 30, NULL);
  pthread_barrier_init(&occupied, NULL, 2);
  assert_int_equal(pthread_create(&thread, NULL, call_once, &status), 0);
  pthread_barrier_wait(&occupied);
  assert_int_equal(plq_call(client, own, &response, &error), PLQ_E_TIMEOUT_POOL);
  assert_int_equal(plq_error_delivery(error), PLQ_DELIVERY_NOT_SENT);
  pthread_barrier_wait(&occupied);
  pthread_join(thread, NULL);
  pthread_barrier_destroy(&occupied);
  assert_int_equal(status, PLQ_OK);
  assert_int_equal(probe_seen_count, 1);
  plq_request_free(own);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      TEST(repeats_until_it_works), TEST(gives_up), TEST(as_often_as_asked), TEST(not_what_is_not_repeatable),
      TEST(ambiguous_only_where_allowed), TEST(http_facts_outlive_later_failures), TEST(budget_of_the_client), TEST(backs_off),
      TEST(waits_are_recorded), TEST(a_wait_that_does_not_fit), TEST(endless_retry_after_without_a_deadline), TEST(garbage_in_retry_after),
      TEST(deadline_of_the_request), TEST(no_token), TEST(second_token), TEST(second_token_is_denied_too),
      TEST(second_token_stays_for_repeats), TEST(tokens_of_the_moment), TEST(errors_keep_secrets), TEST(transports_keep_secrets),
      TEST(trace_ids), TEST(cancelled_inside), TEST(cancelled_before_it_ran), TEST(call_handles), TEST(closed_inside),
      TEST(threads_share_a_client), TEST(waiting_for_a_transport),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
