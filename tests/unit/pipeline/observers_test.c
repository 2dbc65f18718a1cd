/* SPDX-License-Identifier: MIT */
/* Observers: what may be asked for, what is told and in which order, what is legal inside one, and how one ends. */
#include <plastiq/observer.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/events.h"
#include "pipeline/client.h"
#include "probe.h"

static char told[8192];

static int setup(void **state) {
  told[0] = '\0';
  return probe_reset(state);
}

static int leftover(void **state) {
  (void)state;
  return probe_instances;
}

static uint64_t observe(plq_client_id client, const char *event, const char *fields, plq_observer_fn function, void *context) {
  uint64_t id = 0;
  plq_error *error = NULL;
  if (plq_client_observe(client, event, PLQ_NUL, fields, PLQ_NUL, function, context, &id, &error) != PLQ_OK)
    fail_msg("%s", plq_error_message(error, NULL));
  assert_true(id > 0);
  return id;
}

static int32_t call(plq_client_id client) {
  plq_response *response = NULL;
  int32_t status = plq_client_secrets_create(client, NULL, &response, NULL);
  plq_response_free(response);
  return status;
}

/* ---- what may be asked for ---- */

static void nothing(void *context) {
  (void)context;
}

static const struct {
  const char *event, *fields;
  int32_t want;
  const char *says;
} asked[] = {
    {"call_end", "", PLQ_OK, NULL},
    {"call_end", "   ", PLQ_OK, NULL},
    {"call_end", "status", PLQ_OK, NULL},
    {"call_end", "status:i32  trace_id:str elapsed_us:u64 retry_after_ms:i64", PLQ_OK, NULL},
    {"call_end", "status:i64 status:f64 elapsed_us:f64 retry_after_ms:f64 client:u64", PLQ_OK, NULL},
    {"call_end", "status:i16", PLQ_E_ARGUMENT, "status of call_end is i32, or as i64 or f64"},
    {"call_end", "status:", PLQ_E_ARGUMENT, "is i32"},
    {"call_end", "status:str", PLQ_E_ARGUMENT, "is i32"},
    {"call_end", "status:u64", PLQ_E_ARGUMENT, "is i32"},
    {"call_end", "elapsed_us:i64", PLQ_E_ARGUMENT, "is u64, or as f64"},
    {"call_end", "elapsed_us:i32", PLQ_E_ARGUMENT, "is u64"},
    {"call_end", "retry_after_ms:i32", PLQ_E_ARGUMENT, "is i64"},
    {"call_end", "trace_id:i64", PLQ_E_ARGUMENT, "trace_id of call_end is str"},
    {"call_end", "trace_id:f64", PLQ_E_ARGUMENT, "is str"},
    {"call_end", "trace_id:str:str", PLQ_E_ARGUMENT, "is str"},
    {"call_end", "staus", PLQ_E_NOT_FOUND, "nearest is \"status\""},
    {"call_end", ":i32", PLQ_E_NOT_FOUND, "has no field"},
    {"call_end", "status,trace_id", PLQ_E_ARGUMENT, "another character is at byte 6"},
    {"call_end", "status:i32\n", PLQ_E_ARGUMENT, "at byte 10"},
    {"call_end", "status%n%s", PLQ_E_ARGUMENT, "at byte 6"},
    {"call_end", "status\xff", PLQ_E_ARGUMENT, "at byte 6"},
    {"call_end", "access_token", PLQ_E_NOT_FOUND, "has no field"},
    {"call_ended", "status", PLQ_E_NOT_FOUND, "nearest is \"call_end\""},
    {"", "status", PLQ_E_NOT_FOUND, "no event"},
    {"call_end%s", "status", PLQ_E_NOT_FOUND, "no event"},
};

static void what_may_be_asked_for(void **state) {
  (void)state;
  plq_client_id client = probe_client("probe", NULL);
  char many[1000] = "";
  for (size_t i = 0; i < COUNT(asked); i++) {
    uint64_t id = 77;
    plq_error *error = NULL;
    int32_t status = plq_client_observe(client, asked[i].event, PLQ_NUL, asked[i].fields, PLQ_NUL, (plq_observer_fn)nothing, NULL,
                                        &id, &error);
    const char *message = plq_error_message(error, NULL);
    char row[1200];
    snprintf(row, sizeof row, "%s(%s): %s", asked[i].event, asked[i].fields, message);
    EXPECT_ROW(status == asked[i].want && (status == PLQ_OK) == (id != 0), row);
    EXPECT_ROW(asked[i].says == NULL || strstr(message, asked[i].says) != NULL, row);
    if (id != 0) EXPECT_ROW(plq_client_unobserve(client, id) == PLQ_OK, row);
    plq_error_free(error);
  }
  expect_rows_end();
  for (int i = 0; i < 32; i++) strcat(many, "status ");
  plq_client_unobserve(client, observe(client, "call_end", many, (plq_observer_fn)nothing, NULL));
  strcat(many, "status");
  assert_int_equal(plq_client_observe(client, "call_end", PLQ_NUL, many, PLQ_NUL, (plq_observer_fn)nothing, NULL, NULL, NULL),
                   PLQ_E_ARGUMENT);
  /* the lengths count, and what lies behind them does not */
  assert_int_equal(
      plq_client_observe(client, "call_endless", 8, "status:i32 nonsense", 10, (plq_observer_fn)nothing, NULL, NULL, NULL),
      PLQ_OK);
  assert_int_equal(
      plq_client_observe(client, "call_end", PLQ_NUL, S("status\0status"), (plq_observer_fn)nothing, NULL, NULL, NULL),
      PLQ_E_ARGUMENT);
  assert_int_equal(plq_client_observe(client, "call_end", PLQ_NUL, NULL, 0, (plq_observer_fn)nothing, NULL, NULL, NULL), PLQ_OK);
  assert_int_equal(plq_client_observe(client, NULL, 0, NULL, 0, (plq_observer_fn)nothing, NULL, NULL, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_client_observe(client, "call_end", PLQ_NUL, NULL, 0, NULL, NULL, NULL, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_client_observe(client + 1, "call_end", PLQ_NUL, NULL, 0, (plq_observer_fn)nothing, NULL, NULL, NULL),
                   PLQ_E_HANDLE);
  plq_client_free(client);
}

/* ---- what is told ---- */

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(told + strlen(told), sizeof told - strlen(told), format, args);
  va_end(args);
}

static void on_call_start(void *context, uint64_t call_number, const char *operation, int64_t timeout_ms, int32_t max_repeats) {
  note("%s start %llu %s %lld %d\n", (const char *)context, (unsigned long long)call_number, operation, (long long)timeout_ms,
       max_repeats);
}
static void on_attempt_start(void *context, int32_t attempt, int32_t token) {
  (void)context;
  note("attempt %d token %d\n", attempt, token);
}
static void on_opened(void *context, int32_t attempt, int32_t tls_version) {
  (void)context;
  note("opened %d %x\n", attempt, (unsigned)tls_version);
}
static void on_pin(void *context, const char *pin, int32_t verified, const char *tls_cipher) {
  (void)context;
  note("%s %d %s\n", pin, verified, tls_cipher);
}
static void on_reused(void *context, int32_t attempt) {
  (void)context;
  note("reused %d\n", attempt);
}
static void on_attempt_end(void *context, int32_t attempt, const char *status_name, const char *phase, const char *delivery,
                           int32_t http_status, double status) {
  (void)context;
  note("end %d %s %s %s %d %.1f\n", attempt, status_name, phase, delivery, http_status, status);
}
static void on_repeat(void *context, int32_t attempt, const char *reason, int64_t wait_us) {
  (void)context;
  note("repeat %d %s %s\n", attempt, reason, wait_us >= 0 ? "waits" : "?");
}
static void on_call_end(void *context, uint64_t elapsed_us, int32_t attempts, const char *status_name, const char *kind,
                        const char *service_code, int64_t retry_after_ms, int64_t time_us) {
  (void)context;
  note("over %d %s %s %s %lld%s%s\n", attempts, status_name, kind, service_code, (long long)retry_after_ms,
       elapsed_us < 3600000000u ? "" : " late", time_us > INT64_C(1700000000000000) ? "" : " long ago");
}

static void observe_all(plq_client_id client) {
  static char context[] = "my";
  observe(client, "call_start", "call operation timeout_ms max_repeats", (plq_observer_fn)on_call_start, context);
  observe(client, "attempt_start", "attempt token", (plq_observer_fn)on_attempt_start, NULL);
  observe(client, "connection_opened", "attempt tls_version", (plq_observer_fn)on_opened, NULL);
  observe(client, "connection_reused", "attempt", (plq_observer_fn)on_reused, NULL);
  observe(client, "attempt_end", "attempt status_name phase delivery http_status status:f64", (plq_observer_fn)on_attempt_end,
          NULL);
  observe(client, "repeat", "attempt reason wait_us", (plq_observer_fn)on_repeat, NULL);
  observe(client, "call_end", "elapsed_us attempts status_name kind service_code retry_after_ms time_us",
          (plq_observer_fn)on_call_end, NULL);
}

static void what_is_told(void **state) {
  (void)state;
  plq_client_id client = probe_client("probe", "second_access_token", "probe-token-2", NULL);
  observe_all(client);
  PROBE_PLAY(
      {.status = PLQ_E_CONNECT_REFUSED, .phase = PLQ_PHASE_CONNECT, .refused = 0},
      {.head = "HTTP/1.1 401 Unauthorized\r\n\r\n",
       .body = "",
       .known = PROBE_VERIFIED | PLQ_FACT_REUSED,
       .flags = PROBE_VERIFIED | PLQ_FACT_REUSED},
      {.head = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\r\n", .body = "{\"errors\":[{\"code\":\"BUSY\"}]}"});
  assert_int_equal(call(client), PLQ_OK);
  assert_string_equal(told,
                      "my start 1 client_secrets.create 15000 2\n"
                      "attempt 1 token 1\n"
                      "end 1 PLQ_E_CONNECT_REFUSED connect not_sent 0 6001.0\n"
                      "repeat 1 backoff waits\n"
                      "attempt 2 token 1\n"
                      "reused 2\n"
                      "end 2 PLQ_E_HTTP_UNAUTHORIZED decode answered 401 15004.0\n"
                      "repeat 2 second_token waits\n"
                      "attempt 3 token 2\n"
                      "opened 3 304\n"
                      "end 3 PLQ_E_HTTP_THROTTLED decode answered 503 15008.0\n"
                      "repeat 3 retry_after waits\n"
                      "attempt 4 token 2\n"
                      "opened 4 304\n"
                      "end 4 PLQ_OK none answered 200 0.0\n"
                      "over 4 PLQ_OK ok  -1\n");
  told[0] = '\0';
  static const struct probe_attempt slow = {.head = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 100\r\n\r\n",
                                            .body = "{\"code\":\"SLOW\"}"};
  probe_play(&slow, 1);
  assert_int_equal(call(client), PLQ_E_HTTP_THROTTLED);
  assert_non_null(strstr(told, "my start 2 "));
  assert_non_null(strstr(told, "over 1 PLQ_E_HTTP_THROTTLED http SLOW 100000\n"));
  told[0] = '\0';
  /* a request that breaks a rule never begins */
  plq_client_secrets_create_params params = {.end_user_ip = "nonsense"};
  plq_response *response = NULL;
  assert_int_equal(plq_client_secrets_create(client, &params, &response, NULL), PLQ_E_FIELD_VALUE);
  assert_string_equal(told, "");
  plq_client_free(client);
}

static void on_warm(void *context, int32_t wanted, int32_t open, const char *status_name) {
  (void)context;
  note("warm %d %d %s\n", wanted, open, status_name);
}

static void warming_is_told(void **state) {
  (void)state;
  plq_client_id client = probe_client("probe", "max_connections", "8", NULL);
  observe(client, "warm", "count open status_name", (plq_observer_fn)on_warm, NULL);
  assert_int_equal(plq_client_warm(client, 3, 100, NULL, NULL), PLQ_OK);
  assert_string_equal(told, "warm 3 3 PLQ_OK\n");
  plq_client_free(client);
}

static void on_log(void *context, uint64_t number, int32_t level, const char *level_name, const char *source, const char *text) {
  (void)context;
  note("%llu %d %s %s: %s\n", (unsigned long long)number, level, level_name, source, text);
}

/* What a transport logs inside of a call is cleaned and told with the call; with nobody to tell, it is told that nobody listens.
 */
static void a_transports_lines_are_told(void **state) {
  (void)state;
  static const struct probe_attempt line = {.head = PROBE_OK_HEAD, .body = PROBE_OK_BODY, .logs = "two\nlines \x1b[31m"};
  static const char *const transports[] = {"probe", "probe-async"};
  for (size_t i = 0; i < COUNT(transports); i++) {
    plq_client_id client = probe_client(transports[i], NULL);
    probe_play(&line, 1);
    assert_int_equal(call(client), PLQ_OK);
    assert_int_equal(probe_log_level, INT32_MAX);
    uint64_t id = observe(client, "log", "call level level_name source text", (plq_observer_fn)on_log, NULL);
    probe_play(&line, 1);
    assert_int_equal(call(client), PLQ_OK);
    assert_int_equal(probe_log_level, 1);
    char want[120];
    snprintf(want, sizeof want, "2 3 warning %s: two lines  [31m\n", transports[i]);
    assert_string_equal(told, want);
    assert_int_equal(plq_client_unobserve(client, id), PLQ_OK);
    told[0] = '\0';
    plq_client_free(client);
  }
}

/* A server's key is told as the option pins takes it. */
static void keys_as_pins(void **state) {
  (void)state;
  static const struct probe_attempt rows[] = {{.head = PROBE_OK_HEAD,
                                               .body = PROBE_OK_BODY,
                                               .known = PROBE_VERIFIED | PLQ_FACT_SPKI,
                                               .flags = PROBE_VERIFIED,
                                               .spki = 0xff},
                                              {.head = PROBE_OK_HEAD,
                                               .body = PROBE_OK_BODY,
                                               .known = PROBE_VERIFIED | PLQ_FACT_SPKI,
                                               .flags = PROBE_VERIFIED,
                                               .spki = 0}};
  plq_client_id client = probe_client("probe", NULL);
  observe(client, "connection_opened", "pin verified tls_cipher", (plq_observer_fn)on_pin, NULL);
  probe_play(rows, 2);
  assert_int_equal(call(client), PLQ_OK);
  assert_int_equal(call(client), PLQ_OK);
  assert_string_equal(told,
                      "sha256//"
                      "//////////////////////////////////////////8= 1 \n"
                      "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= 1 \n");
  plq_client_free(client);
}

/* Texts of all kinds of events never hold a token or a secret: all fields are asked for. */
static char everything[65536];

static void on_text(void *context, const char *text) {
  (void)context;
  assert_non_null(text);
  strncat(everything, text, sizeof everything - strlen(everything) - 2);
  strcat(everything, "\n");
}

static void no_secret_is_told(void **state) {
  (void)state;
  everything[0] = '\0';
  plq_client_id client = probe_client("probe", NULL);
  for (int i = 0; i < PLQ__EVENT_COUNT; i++) {
    const struct plq__event_row row = plq__event_row((enum plq__event)i);
    for (size_t j = 0; j < row.field_count; j++) {
      const struct plq__event_field field = plq__event_field((enum plq__event)i, j);
      if (field.type == PLQ__TYPE_STR) observe(client, row.name, field.name, (plq_observer_fn)on_text, NULL);
    }
  }
  PROBE_PLAY({.head = "HTTP/1.1 400 Bad Request\r\n\r\n",
              .body = "{\"errors\":[{\"code\":\"" PROBE_TOKEN "\",\"message\":\"no " PROBE_TOKEN "\"}]}"},
             {.status = PLQ_E_IO_RESET, .message = "said " PROBE_TOKEN});
  assert_int_equal(call(client), PLQ_E_HTTP_CLIENT);
  assert_int_equal(call(client), PLQ_OK);
  assert_true(strlen(everything) > 500);
  assert_null(strstr(everything, PROBE_TOKEN));
  assert_null(strstr(everything, "cs_probe_secret"));
  plq_client_free(client);
}

/* ---- inside an observer ---- */

static plq_client_id inner;
static plq_call_id inner_call;
static int32_t answers[16];

static void meddle(void *context) {
  (void)context;
  plq_options *options = NULL;
  plq_response *response = NULL;
  plq_request *request = NULL;
  plq_client_id made = 0;
  plq_call_id new_call = 0;
  int64_t stats[PLQ_STATS];
  uint8_t *reply = NULL;
  size_t reply_len = 0;
  int i = 0;
  plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL);
  answers[i++] = plq_call(inner, request, &response, NULL);
  answers[i++] = plq_call_run(inner_call, request, &response, NULL);
  answers[i++] = plq_call_new(inner, &new_call, NULL);
  answers[i++] = plq_client_new(NULL, &made, NULL);
  answers[i++] = plq_client_set_tokens(inner, "a", PLQ_NUL, NULL, 0, NULL);
  answers[i++] = plq_client_warm(inner, 1, 0, NULL, NULL);
  answers[i++] = plq_client_observe(inner, "log", PLQ_NUL, NULL, 0, (plq_observer_fn)nothing, NULL, NULL, NULL);
  answers[i++] = plq_client_unobserve(inner, 1);
  answers[i++] = plq_call_message(inner, (const uint8_t *)"\x82\xa1v\x01\xa2op\xb5" "client_secrets.create", 29, &reply, &reply_len);
  answers[i++] = plq_client_close(inner, -1); /* would wait for this very call */
  plq_client_free(inner);
  plq_request_free(request);
  assert_int_equal(i, 10);
  answers[i++] = plq_client_options(inner, &options, NULL);
  answers[i++] = plq_client_stats(inner, stats, PLQ_STATS);
  assert_int_equal(stats[PLQ_STAT_CALLS_IN_FLIGHT], 1);
  plq_options_free(options);
}

static void what_is_legal_inside(void **state) {
  (void)state;
  inner = probe_client("probe", NULL);
  assert_int_equal(plq_call_new(inner, &inner_call, NULL), PLQ_OK);
  observe(inner, "attempt_start", "", (plq_observer_fn)meddle, NULL);
  assert_int_equal(call(inner), PLQ_OK);
  for (int i = 0; i < 10; i++)
    if (answers[i] != PLQ_E_REENTRANT) fail_msg("%d answers %s", i, plq_status_name(answers[i]));
  assert_int_equal(answers[10], PLQ_OK);
  assert_int_equal(answers[11], PLQ_OK);
  assert_int_equal(call(inner), PLQ_OK); /* it was not closed */
  plq_call_free(inner_call);
  plq_client_free(inner);
}

static void cancel_it(void *context) {
  (void)context;
  assert_int_equal(plq_call_cancel(inner_call), PLQ_OK);
}

/* Each event that comes before the request leaves is a place to stop it. */
static void a_cancel_inside(void **state) {
  static const char *const events[] = {"call_start", "attempt_start", "connection_opened"};
  (void)state;
  for (size_t i = 0; i < COUNT(events); i++) {
    plq_request *request = NULL;
    plq_response *response = NULL;
    plq_error *error = NULL;
    inner = probe_client("probe", NULL);
    assert_int_equal(plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL), PLQ_OK);
    assert_int_equal(plq_call_new(inner, &inner_call, NULL), PLQ_OK);
    observe(inner, events[i], "", (plq_observer_fn)cancel_it, NULL);
    assert_int_equal(plq_call_run(inner_call, request, &response, &error), PLQ_E_CANCELLED);
    assert_int_equal(plq_error_delivery(error), PLQ_DELIVERY_NOT_SENT);
    plq_error_free(error);
    plq_request_free(request);
    plq_call_free(inner_call);
    plq_client_free(inner);
  }
}

/* ---- the end of one ---- */

static _Atomic int count, blocked;
static _Atomic bool go;

static void count_it(void *context) {
  (void)context;
  count++;
}

static void hold(void *context) {
  (void)context;
  blocked = 1;
  while (!go) usleep(100);
  count++;
}

static void *run_call(void *client) {
  (void)call(*(plq_client_id *)client);
  return NULL;
}

static void *let_go(void *unused) {
  usleep(20000);
  go = true;
  return unused;
}

static void ends(void **state) {
  (void)state;
  plq_client_id client = probe_client("probe", NULL);
  count = 0;
  uint64_t first = observe(client, "call_end", "", (plq_observer_fn)count_it, NULL);
  uint64_t second = observe(client, "call_end", "", (plq_observer_fn)count_it, NULL);
  assert_true(first != second);
  call(client);
  assert_int_equal(count, 2);
  assert_int_equal(plq_client_unobserve(client, first), PLQ_OK);
  assert_int_equal(plq_client_unobserve(client, first), PLQ_E_NOT_FOUND);
  call(client);
  assert_int_equal(count, 3);
  assert_int_equal(plq_client_unobserve(client, second), PLQ_OK);
  call(client);
  assert_int_equal(count, 3);
  /* one that runs is waited for, and in the call that runs it is told nothing more */
  uint64_t third = observe(client, "attempt_start", "", (plq_observer_fn)hold, NULL);
  pthread_t caller, other;
  static const struct probe_attempt first_of_two = {.status = PLQ_E_CONNECT_REFUSED, .phase = PLQ_PHASE_CONNECT};
  probe_play(&first_of_two, 1);
  go = false;
  assert_int_equal(pthread_create(&caller, NULL, run_call, &client), 0);
  while (!blocked) usleep(100);
  assert_int_equal(pthread_create(&other, NULL, let_go, NULL), 0);
  assert_int_equal(plq_client_unobserve(client, third), PLQ_OK);
  assert_int_equal(count, 4);
  pthread_join(caller, NULL);
  pthread_join(other, NULL);
  assert_int_equal(count, 4);
  plq_client_free(client);
}

static void a_child_is_told_too(void **state) {
  (void)state;
  plq_client_id client = probe_client("probe", NULL);
  count = 0;
  uint64_t id = observe(client, "call_end", "status:i32", (plq_observer_fn)count_it, NULL);
  call(client);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    call(client);
    bool good = count == 2 && plq_client_unobserve(client, id) == PLQ_OK;
    call(client);
    uint64_t next = 0;
    good = good && count == 2 &&
           plq_client_observe(client, "log", PLQ_NUL, NULL, 0, (plq_observer_fn)nothing, NULL, &next, NULL) == PLQ_OK;
    _exit(good && next > id ? 0 : 1);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  plq_client_free(client);
}

static void *add_and_remove(void *client) {
  for (int i = 0; i < 200; i++) {
    uint64_t id = 0;
    assert_int_equal(plq_client_observe(*(plq_client_id *)client, "attempt_end", PLQ_NUL, "status", PLQ_NUL,
                                        (plq_observer_fn)count_it, NULL, &id, NULL),
                     PLQ_OK);
    assert_int_equal(plq_client_unobserve(*(plq_client_id *)client, id), PLQ_OK);
  }
  return NULL;
}

static void *make_calls(void *client) {
  for (int i = 0; i < 30; i++) (void)call(*(plq_client_id *)client);
  return NULL;
}

static void from_many_threads(void **state) {
  (void)state;
  enum { THREADS = 4 };
  plq_client_id client = probe_client("probe", NULL);
  pthread_t threads[2 * THREADS];
  for (int i = 0; i < 2 * THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, i % 2 ? add_and_remove : make_calls, &client), 0);
  for (int i = 0; i < 2 * THREADS; i++) pthread_join(threads[i], NULL);
  int64_t stats[PLQ_STATS + 2];
  assert_int_equal(plq_client_stats(client, stats, PLQ_STATS + 2), PLQ_OK);
  assert_int_equal(stats[PLQ_STAT_CALLS], 30 * THREADS);
  assert_int_equal(stats[PLQ_STAT_CALLS_SUCCEEDED], 30 * THREADS);
  assert_int_equal(stats[PLQ_STATS], -1);
  plq_client_free(client);
}

/* ---- statistics ---- */

static void statistics(void **state) {
  (void)state;
  plq_client_id client = probe_client("probe", "repeat_budget", "1", NULL);
  int64_t stats[PLQ_STATS];
  PROBE_PLAY({.status = PLQ_E_CONNECT_REFUSED}, {.head = PROBE_OK_HEAD, .body = PROBE_OK_BODY},
             {.status = PLQ_E_CONNECT_REFUSED});
  assert_int_equal(call(client), PLQ_OK);
  assert_int_equal(call(client), PLQ_E_CONNECT_REFUSED);
  assert_int_equal(plq_client_stats(client, stats, PLQ_STATS), PLQ_OK);
  assert_int_equal(stats[PLQ_STAT_CALLS], 2);
  assert_int_equal(stats[PLQ_STAT_CALLS_SUCCEEDED], 1);
  assert_int_equal(stats[PLQ_STAT_CALLS_FAILED], 1);
  assert_int_equal(stats[PLQ_STAT_CALLS_IN_FLIGHT], 0);
  assert_int_equal(stats[PLQ_STAT_ATTEMPTS], 3);
  assert_int_equal(stats[PLQ_STAT_REPEATS], 1);
  assert_int_equal(stats[PLQ_STAT_REPEATS_DENIED], 1);
  assert_int_equal(stats[PLQ_STAT_REPEATS_LEFT], 0);
  assert_int_equal(stats[PLQ_STAT_CONNECTIONS_OPENED], 3);
  assert_int_equal(stats[PLQ_STAT_CONNECTIONS_OPEN], -1); /* the probe does not tell */
  assert_int_equal(plq_client_stats(client, stats, 1), PLQ_OK);
  assert_int_equal(plq_client_stats(client, NULL, 1), PLQ_E_ARGUMENT);
  assert_int_equal(plq_client_stats(client + 1, stats, 1), PLQ_E_HANDLE);
  plq_client_free(client);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, leftover)
  const struct CMUnitTest tests[] = {
      CASE(what_may_be_asked_for),       CASE(what_is_told),      CASE(warming_is_told),
      CASE(a_transports_lines_are_told), CASE(keys_as_pins),      CASE(no_secret_is_told),
      CASE(what_is_legal_inside),        CASE(a_cancel_inside),   CASE(ends),
      CASE(a_child_is_told_too),         CASE(from_many_threads), CASE(statistics),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
