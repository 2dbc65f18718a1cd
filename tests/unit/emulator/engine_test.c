/* SPDX-License-Identifier: MIT */
/* The emulator's engine: what it answers to what. Tables of cases; time and randomness are the test's. */
#include "engine.h"
#include "internal.h"
#include "json_input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TRACE "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
#define PAYER "{\"payer\":{\"id\":\"11111111-2222-3333-4444-555555555555\"}}"

/* ---- an engine, and requests to it ---- */

typedef struct world {
  engine *engine;
  int64_t now_ms;
  uint8_t next;
  bool no_random;
  engine_answer answer;
} world;

static int64_t world_now(void *context) {
  return ((world *)context)->now_ms;
}

/* Not random: each byte differs from the one before, so that each secret differs from all before. */
static bool world_random(void *context, void *out, size_t len) {
  world *w = context;
  for (size_t i = 0; i < len; i++) ((uint8_t *)out)[i] = w->next++;
  return !w->no_random;
}

static engine_text text(const char *s) {
  return (engine_text){s, strlen(s)};
}

static void set_key(world *w, const char *key) {
  engine_text good = text(key);
  engine_text forbidden = text("test-key-forbidden");
  assert_true(engine_set_keys(w->engine, &good, 1, &forbidden, 1));
}

static void begin(world *w, engine_settings settings) {
  *w = (world){.now_ms = 1000};
  settings.now_ms = world_now;
  settings.random = world_random;
  settings.context = w;
  settings.log_capacity = 4;
  w->engine = engine_new(&settings);
  assert_non_null(w->engine);
  set_key(w, ENGINE_DEFAULT_KEY);
}

static void end(world *w) {
  engine_answer_clear(&w->answer);
  engine_free(w->engine);
}

static const char *const good_headers[] = {"Accept: application/json", "Content-Type: application/json", "User-Agent: test",
                                           "Trace-Id: " TRACE, NULL};

/* Sends a request with headers written as "Name: value" and a token; NULL: no Authorization. */
static void send_with(world *w, const char *method, const char *path, const char *token, const char *body,
                      const char *const *lines) {
  engine_header headers[16];
  size_t count = 0;
  char authorization[128];
  for (; *lines != NULL; lines++) {
    const char *colon = strchr(*lines, ':');
    headers[count++] = (engine_header){{*lines, (size_t)(colon - *lines)}, text(colon + 1)};
  }
  if (token != NULL) {
    snprintf(authorization, sizeof authorization, "Bearer %s", token);
    headers[count++] = (engine_header){text("authorization"), text(authorization)};
  }
  engine_request request = {text(method), text(path), headers, count, text(body)};
  engine_answer_clear(&w->answer);
  assert_true(engine_handle(w->engine, &request, &w->answer));
}

static void send(world *w, const char *path, const char *token, const char *body) {
  send_with(w, "POST", path, token, body, good_headers);
}

static const char *header(const world *w, const char *name) {
  for (size_t i = 0; i < w->answer.header_count; i++) {
    if (strcmp(w->answer.headers[i].name, name) == 0) return w->answer.headers[i].value;
  }
  return NULL;
}

static void make_secret(world *w, const char *path, char out[64]) {
  send(w, path, ENGINE_DEFAULT_KEY, "{}");
  assert_int_equal(w->answer.status, 200);
  assert_int_equal(sscanf(w->answer.body, "{\"clientSecret\":\"%63[A-Za-z0-9_-]\"}", out), 1);
}

static void has(const world *w, const char *part) {
  if (strstr(w->answer.body, part) == NULL) fail_msg("'%s' is not in: %s", part, w->answer.body);
}

/* ---- requests ---- */

static void request_cases(void **state) {
  static const struct {
    const char *name, *method, *path, *token, *body;
    int status;
    const char *part; /* of the body */
  } cases[] = {
      {"empty request", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{}", 200, ENGINE_SECRET_PREFIX},
      {"query", "POST", "/api/client-secrets?a=b", ENGINE_DEFAULT_KEY, "{}", 200, ENGINE_SECRET_PREFIX},
      {"v2", "POST", "/api/v2/client-secrets", ENGINE_DEFAULT_KEY, PAYER, 200, ENGINE_SECRET_PREFIX},
      {"type", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{\"type\":\"CARD\"}", 200, ENGINE_SECRET_PREFIX},
      {"escapes", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{\"ty\\u0070e\":\"\\u0043ARD\"}", 200,
       ENGINE_SECRET_PREFIX},
      {"unknown members", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{\"a\":[1,{\"b\":null}],\"payerId\":\"x\"}", 200,
       "cs_"},
      {"last of two keys", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{\"type\":1,\"type\":\"CARD\"}", 200, "cs_"},
      {"no such path", "POST", "/api/secrets", ENGINE_DEFAULT_KEY, "{}", 404, "NOT_FOUND_ERROR"},
      {"outside the base path", "POST", "/client-secrets", ENGINE_DEFAULT_KEY, "{}", 404, "NOT_FOUND_ERROR"},
      {"slash at the end", "POST", "/api/client-secrets/", ENGINE_DEFAULT_KEY, "{}", 404, "NOT_FOUND_ERROR"},
      {"other method", "GET", "/api/client-secrets", ENGINE_DEFAULT_KEY, "", 404, "method: must be POST"},
      {"no key", "POST", "/api/client-secrets", NULL, "{}", 401, "AUTHORIZATION_ERROR"},
      {"unknown key", "POST", "/api/client-secrets", "test-key-unknown", "{}", 401, "not known"},
      {"malformed key", "POST", "/api/client-secrets", "test key", "{}", 401, "Bearer <API key>"},
      {"forbidden key", "POST", "/api/client-secrets", "test-key-forbidden", "{}", 403, "FORBIDDEN_ERROR"},
      {"no body", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "", 400, "body: must be a JSON object"},
      {"list", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "[]", 400, "body: must be a JSON object"},
      {"cut off", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{\"a\":1", 400, "body: must be a JSON object"},
      {"two values", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{}{}", 400, "body: must be a JSON object"},
      {"payer null", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{\"payer\":null}", 400, "payer: must not be null"},
      {"payer text", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{\"payer\":\"x\"}", 400, "payer: must be an object"},
      {"payer empty", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{\"payer\":{}}", 400, "payer.id: is required"},
      {"id null", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{\"payer\":{\"id\":null}}", 400,
       "payer.id: must not be null"},
      {"id no UUID", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{\"payer\":{\"id\":\"1\"}}", 400,
       "payer.id: must be a UUID"},
      {"id number", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{\"payer\":{\"id\":1}}", 400, "payer.id: must be a UUID"},
      {"type unknown", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{\"type\":\"BANK\"}", 400, "type: must be CARD"},
      {"type null", "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{\"type\":null}", 400, "type: must not be null"},
      {"card without secret", "POST", "/api/payment-methods", NULL, "{}", 401, "Bearer <client secret>"},
      {"card with a key", "POST", "/api/payment-methods", ENGINE_DEFAULT_KEY, "{}", 401, "not known"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    world w;
    begin(&w, (engine_settings){0});
    send_with(&w, cases[i].method, cases[i].path, cases[i].token, cases[i].body, good_headers);
    if (w.answer.status != cases[i].status) fail_msg("%s: %d, %s", cases[i].name, w.answer.status, w.answer.body);
    has(&w, cases[i].part);
    assert_string_equal(header(&w, "Trace-Id"), TRACE);
    assert_string_equal(header(&w, "Content-Type"), "application/json");
    assert_int_equal(w.answer.body_len, strlen(w.answer.body));
    assert_int_equal(w.answer.body_sent, w.answer.body_len);
    end(&w);
  }
}

static void header_cases(void **state) {
  static const struct {
    const char *lines[6];
    const char *part; /* of the details; NULL: all is well */
  } cases[] = {
      {{"accept: application/json", "CONTENT-TYPE: application/json; charset=utf-8", "User-Agent: x"}, NULL},
      {{"Accept: text/html, application/*;q=0.5", "Content-Type: Application/JSON", "User-Agent: x"}, NULL},
      {{"Accept: */*", "Content-Type: application/json", "User-Agent: x", "End-User-Ip: 192.0.2.1"}, NULL},
      {{"Accept: */*", "Content-Type: application/json", "User-Agent: x", "End-User-Ip: 2001:db8::1"}, NULL},
      {{"Content-Type: application/json", "User-Agent: x"}, "header Accept"},
      {{"Accept: text/html", "Content-Type: application/json", "User-Agent: x"}, "header Accept"},
      {{"Accept: */*", "User-Agent: x"}, "header Content-Type"},
      {{"Accept: */*", "Content-Type: text/json", "User-Agent: x"}, "header Content-Type"},
      {{"Accept: */*", "Content-Type: application/json"}, "header User-Agent"},
      {{"Accept: */*", "Content-Type: application/json", "User-Agent: "}, "header User-Agent"},
      {{"Accept: */*", "Content-Type: application/json", "User-Agent: x", "End-User-Ip: 192.0.2.256"}, "header End-User-Ip"},
      {{"Accept: */*", "Content-Type: application/json", "User-Agent: x", "End-User-Ip: localhost"}, "header End-User-Ip"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    world w;
    begin(&w, (engine_settings){0});
    send_with(&w, "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{}", cases[i].lines);
    assert_int_equal(w.answer.status, cases[i].part == NULL ? 200 : 400);
    if (cases[i].part != NULL) has(&w, cases[i].part);
    end(&w);
  }
}

static void every_mistake_is_listed(void **state) {
  static const char *const none[] = {NULL};
  world w;
  (void)state;
  begin(&w, (engine_settings){0});
  send_with(&w, "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{\"payer\":{\"id\":3},\"type\":null}", none);
  assert_int_equal(w.answer.status, 400);
  has(&w, "Accept");
  has(&w, "Content-Type");
  has(&w, "User-Agent");
  has(&w, "payer.id");
  has(&w, "type: must not");
  end(&w);
}

static void trace_ids(void **state) {
  static const struct {
    const char *line;
    bool kept;
  } cases[] = {{"Trace-Id: " TRACE, true},
               {"trace-id: 6F9619FF-8B86-4D01-B42D-00CF4FC964FF", true},
               {"Trace-Id: 6f9619ff-8b86-1d01-b42d-00cf4fc964ff", false}, /* version 1 */
               {"Trace-Id: 6f9619ff-8b86-4d01-c42d-00cf4fc964ff", false}, /* another variant */
               {"Trace-Id: 6f9619ff8b864d01b42d00cf4fc964ff", false},
               {"X-Test: 1", false}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *const lines[] = {"Accept: */*", cases[i].line, NULL};
    world w;
    begin(&w, (engine_settings){0});
    send_with(&w, "POST", "/api/client-secrets", ENGINE_DEFAULT_KEY, "{}", lines);
    assert_true(engine_is_uuid(text(header(&w, "Trace-Id")), 4));
    assert_int_equal(strcmp(header(&w, "Trace-Id"), strchr(cases[i].line, ' ') + 1) == 0, cases[i].kept);
    has(&w, header(&w, "Trace-Id"));
    end(&w);
  }
}

/* ---- settings ---- */

static void settings_show(void **state) {
  world w;
  (void)state;
  begin(&w, (engine_settings){.base_path = "/", .success_status = 201, .error_shape = ENGINE_ERRORS_NEW});
  send(&w, "/client-secrets", ENGINE_DEFAULT_KEY, "{}");
  assert_int_equal(w.answer.status, 201);
  send(&w, "/client-secrets", ENGINE_DEFAULT_KEY, "[]");
  has(&w, "\"statusCode\":400,\"details\":[{\"details\":\"body: must be a JSON object\"}]}");
  end(&w);
  begin(&w, (engine_settings){.base_path = "/a/b/"});
  send(&w, "/a/b/client-secrets", ENGINE_DEFAULT_KEY, "[]");
  has(&w, "{\"code\":\"VALIDATION_ERROR\",\"message\":\"The request is not valid.\",\"traceId\":\"" TRACE
          "\",\"errors\":[{\"details\":");
  end(&w);
}

static void senseless_settings(void **state) {
  static const engine_settings cases[] = {
      {.now_ms = NULL, .random = world_random},
      {.now_ms = world_now, .random = NULL},
      {.now_ms = world_now, .random = world_random, .success_status = 204},
      {.now_ms = world_now, .random = world_random, .base_path = "api"},
      {.now_ms = world_now, .random = world_random, .base_path = "/api?x"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) assert_null(engine_new(&cases[i]));
}

static void keys_are_replaced(void **state) {
  world w;
  (void)state;
  begin(&w, (engine_settings){0});
  set_key(&w, "test-key-rotated");
  send(&w, "/api/client-secrets", ENGINE_DEFAULT_KEY, "{}");
  assert_int_equal(w.answer.status, 401);
  send(&w, "/api/client-secrets", "test-key-rotated", "{}");
  assert_int_equal(w.answer.status, 200);
  end(&w);
}

static void without_randomness_there_is_no_secret(void **state) {
  world w;
  (void)state;
  begin(&w, (engine_settings){0});
  w.no_random = true;
  send(&w, "/api/client-secrets", ENGINE_DEFAULT_KEY, "{}");
  assert_int_equal(w.answer.status, 500);
  end(&w);
}

/* ---- secrets ---- */

static void secrets_work_once(void **state) {
  char secret[64];
  char other[64];
  world w;
  (void)state;
  begin(&w, (engine_settings){0});
  make_secret(&w, "/api/client-secrets", secret);
  make_secret(&w, "/api/client-secrets", other);
  assert_string_not_equal(secret, other);
  assert_int_equal(strlen(secret), strlen(ENGINE_SECRET_PREFIX) + 32); /* 192 bits */
  send(&w, "/api/payment-methods", secret, "no JSON");
  assert_int_equal(w.answer.status, 400); /* not used up by that */
  send(&w, "/api/payment-methods", secret, "{\"card\":{\"number\":\"4111111111111111\"}}");
  assert_int_equal(w.answer.status, 201);
  has(&w, "\"id\":\"pm_test_");
  send(&w, "/api/payment-methods", secret, "{}");
  assert_int_equal(w.answer.status, 401);
  has(&w, "used already");
  send(&w, "/api/payment-methods", other, "{}");
  assert_int_equal(w.answer.status, 201);
  end(&w);
}

static void secrets_expire(void **state) {
  static const struct {
    const char *path;
    int64_t life_ms;
  } cases[] = {{"/api/client-secrets", 60000}, {"/api/v2/client-secrets", 1800000}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char young[64];
    char old[64];
    world w;
    begin(&w, (engine_settings){0});
    make_secret(&w, cases[i].path, old);
    w.now_ms += 1;
    make_secret(&w, cases[i].path, young);
    engine_advance(w.engine, cases[i].life_ms - 1);
    send(&w, "/api/payment-methods", old, "{}");
    assert_int_equal(w.answer.status, 401);
    has(&w, "has expired");
    send(&w, "/api/payment-methods", young, "{}");
    assert_int_equal(w.answer.status, 201);
    end(&w);
  }
}

static void old_secrets_are_forgotten(void **state) {
  secret_table table = {0};
  size_t index = 0;
  char secret[32];
  (void)state;
  for (unsigned i = 0; i <= SECRET_TABLE_MAX; i++) {
    snprintf(secret, sizeof secret, "%u", i);
    assert_true(secrets_add(&table, secret, 10));
  }
  assert_int_equal(table.count, SECRET_TABLE_MAX);
  assert_int_equal(secrets_look_up(&table, text("0"), 0, &index), SECRET_UNKNOWN);
  assert_int_equal(secrets_look_up(&table, text("1"), 0, &index), SECRET_GOOD);
  assert_int_equal(secrets_look_up(&table, text(secret), 0, &index), SECRET_GOOD);
  secrets_clear(&table);
}

/* ---- faults ---- */

static void add_faults(world *w, const char *json) {
  engine_problem problem = {""};
  if (!engine_add_faults(w->engine, text(json), &problem)) fail_msg("%s: %s", json, problem.text);
}

static void fault_answers(void **state) {
  static const struct {
    const char *fault;
    int status;
    const char *part;
    uint64_t issued;
  } cases[] = {
      {"[{\"status\":503}]", 503, "\"code\":\"SERVICE_UNAVAILABLE\"", 0},
      {"{\"status\":503}", 503, "SERVICE_UNAVAILABLE", 0},
      {"[{\"status\":409,\"code\":\"TEST_CODE\",\"message\":\"Hm.\"}]", 409, "\"code\":\"TEST_CODE\",\"message\":\"Hm.\"", 0},
      {"[{\"status\":418}]", 418, "GENERIC_ERROR", 0},
      {"[{\"status\":302}]", 302, "", 0},
      {"[{\"status\":200,\"body\":\"<html>\"}]", 200, "<html>", 0},
      {"[{\"body\":\"\"}]", 200, "", 1},
      {"[{\"delay_ms\":5}]", 200, "cs_test_", 1},
      {"[{\"path\":\"/client-secrets\",\"status\":500}]", 500, "", 0},
      {"[{\"path\":\"/api/client-secrets\",\"status\":500}]", 500, "", 0},
      {"[{\"path\":\"/v2/client-secrets\",\"status\":500}]", 200, "", 1},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    world w;
    begin(&w, (engine_settings){0});
    add_faults(&w, cases[i].fault);
    send(&w, "/api/client-secrets", ENGINE_DEFAULT_KEY, "{}");
    if (w.answer.status != cases[i].status) fail_msg("%s: %d", cases[i].fault, w.answer.status);
    has(&w, cases[i].part);
    assert_int_equal(w.engine->journal.secrets_issued, cases[i].issued);
    end(&w);
  }
}

static void faults_wait_their_turn(void **state) {
  static const int expected[] = {500, 500, 429, 200};
  world w;
  (void)state;
  begin(&w, (engine_settings){0});
  add_faults(&w, "[{\"count\":2,\"status\":500},{\"status\":429,\"retry_after\":7,\"headers\":[[\"X-Test\",\"a b\"]]}]");
  for (size_t i = 0; i < 4; i++) {
    send(&w, "/api/client-secrets", ENGINE_DEFAULT_KEY, "{}");
    assert_int_equal(w.answer.status, expected[i]);
    if (i != 2) continue;
    assert_string_equal(header(&w, "Retry-After"), "7");
    assert_string_equal(header(&w, "X-Test"), "a b");
  }
  add_faults(&w, "[{\"count\":1000000,\"status\":500,\"retry_after\":\"garbage\"}]");
  send(&w, "/api/client-secrets", ENGINE_DEFAULT_KEY, "{}");
  assert_string_equal(header(&w, "Retry-After"), "garbage");
  engine_clear_faults(w.engine);
  send(&w, "/api/client-secrets", ENGINE_DEFAULT_KEY, "{}");
  assert_int_equal(w.answer.status, 200);
  end(&w);
}

static void connections_are_dropped(void **state) {
  static const struct {
    const char *fault;
    engine_drop drop;
    uint64_t issued;
    bool cut;
  } cases[] = {
      {"[{\"drop\":\"before_handling\",\"delay_ms\":3}]", ENGINE_DROP_BEFORE_HANDLING, 0, false},
      {"[{\"drop\":\"after_handling\"}]", ENGINE_DROP_AFTER_HANDLING, 1, false},
      {"[{\"drop\":\"after_response\"}]", ENGINE_DROP_AFTER_RESPONSE, 1, false},
      {"[{\"truncate_body\":5}]", ENGINE_DROP_AFTER_RESPONSE, 1, true},
      {"[{\"truncate_body\":5000}]", ENGINE_DROP_AFTER_RESPONSE, 1, true},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    world w;
    begin(&w, (engine_settings){0});
    add_faults(&w, cases[i].fault);
    send(&w, "/api/client-secrets", ENGINE_DEFAULT_KEY, "{}");
    assert_int_equal(w.answer.drop, cases[i].drop);
    assert_int_equal(w.engine->journal.secrets_issued, cases[i].issued);
    assert_int_equal(w.answer.body_sent < w.answer.body_len, cases[i].cut);
    end(&w);
  }
}

static void wrong_faults(void **state) {
  static const char *const cases[][2] = {
      {"", "not a JSON object or list"},
      {"[{\"status\":500}", "too early"},
      {"7", "not a JSON object or list"},
      {"[7]", "faults[0]: must be an object with: count, path"},
      {"[{}]", "faults[0]: does nothing"},
      {"[{\"status\":500},{\"stat\":1}]", "faults[1]: unknown member 'stat'; there are: count, path"},
      {"[{\"status\":\"500\"}]", "faults[0].status: must be a whole number from 200 to 599"},
      {"[{\"status\":199}]", "faults[0].status"},
      {"[{\"status\":500,\"count\":0}]", "faults[0].count: must be a whole number from 1 to 1000000"},
      {"[{\"delay_ms\":-1}]", "faults[0].delay_ms"},
      {"[{\"drop\":\"now\"}]", "faults[0].drop: must be one of: none, before_handling"},
      {"[{\"drop\":\"after_handling\",\"status\":500}]", "no answer is sent"},
      {"[{\"status\":200,\"code\":\"X\"}]", "from 400 on"},
      {"[{\"headers\":[[\"a b\",\"c\"]]}]", "faults[0].headers: must be a list"},
      {"[{\"headers\":[[\"a\",\"c\\r\\nd: e\"]]}]", "faults[0].headers"},
      {"[{\"headers\":{\"a\":\"b\"}}]", "faults[0].headers"},
      {"[{\"headers\":[[\"content-length\",\"9\"]]}]", "truncate_body"},
      {"[{\"retry_after\":-1}]", "faults[0].retry_after"},
      {"[{\"retry_after\":\"1\\n\"}]", "control character"},
      {"[{\"body\":7}]", "faults[0].body: must be a text"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    engine_problem problem = {""};
    world w;
    begin(&w, (engine_settings){0});
    assert_false(engine_add_faults(w.engine, text(cases[i][0]), &problem));
    if (strstr(problem.text, cases[i][1]) == NULL) fail_msg("%s: %s", cases[i][0], problem.text);
    assert_int_equal(w.engine->fault_count, 0);
    end(&w);
  }
}

/* ---- the log ---- */

static void the_log_keeps_no_secret(void **state) {
  char secret[64];
  world w;
  (void)state;
  begin(&w, (engine_settings){0});
  make_secret(&w, "/api/client-secrets", secret);
  send(&w, "/api/payment-methods?card=4111111111111111", secret, "{\"number\":\"4111111111111111\"}");
  send(&w, "/api/cs_test_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/4111111111111111", "test-key-unknown", "{}");
  char *log = engine_log_json(w.engine);
  assert_non_null(log);
  assert_null(strstr(log, "cs_test_"));
  assert_null(strstr(log, "4111"));
  assert_null(strstr(log, "test-key"));
  assert_non_null(strstr(log, "\"path\":\"/api/payment-methods\",\"trace_id\":\"" TRACE "\",\"status\":201"));
  assert_non_null(strstr(log, "\"path\":\"/api/***/***\""));
  free(log);
  end(&w);
}

static void the_log_is_a_ring(void **state) {
  world w;
  (void)state;
  begin(&w, (engine_settings){0});
  for (size_t i = 0; i < 6; i++) send(&w, "/api/client-secrets", ENGINE_DEFAULT_KEY, "{}");
  char *log = engine_log_json(w.engine);
  assert_null(strstr(log, "\"number\":2,"));
  assert_non_null(strstr(log, "[{\"number\":3,"));
  assert_non_null(strstr(log, "\"number\":6,"));
  free(log);
  engine_clear_log(w.engine);
  log = engine_log_json(w.engine);
  assert_string_equal(log, "[]");
  free(log);
  char *counters = engine_state_json(w.engine);
  assert_non_null(strstr(counters, "{\"requests\":6,\"answers\":{\"200\":6},\"dropped\":0,\"secrets_issued\":6,"));
  assert_int_not_equal(counters[strlen(counters) - 1], '}');
  free(counters);
  end(&w);
}

/* ---- forms ---- */

static void json_cases(void **state) {
  static const struct {
    const char *json;
    bool good;
  } cases[] = {{"{}", true},
               {" \t\r\n[1 , -0.5e+3, true,false,null] ", true},
               {"\"\\u00e9\\ud83d\\ude00\\n\"", true},
               {"\"\xc3\xa9\xf0\x9f\x98\x80\"", true},
               {"0", true},
               {"", false},
               {"01", false},
               {"1.", false},
               {".5", false},
               {"+1", false},
               {"tru", false},
               {"[1,]", false},
               {"[,1]", false},
               {"{\"a\"}", false},
               {"{a:1}", false},
               {"{\"a\":1,}", false},
               {"\"\x01\"", false},
               {"\"\\x\"", false},
               {"\"\\ud800\"", false},
               {"\"\\udc00\"", false},
               {"\"\xc0\x80\"", false},
               {"\"\xed\xa0\x80\"", false},
               {"\"\xf4\x90\x80\x80\"", false},
               {"\"\xc3", false},
               {"\"", false},
               {"\xef\xbb\xbf{}", false},
               {"{} x", false}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    scan_value value;
    /* A copy without a NUL, so that a checker sees each byte read too many. */
    size_t len = strlen(cases[i].json);
    char *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, cases[i].json, len);
    if (scan_document((engine_text){copy, len}, &value) != cases[i].good) fail_msg("%s", cases[i].json);
    free(copy);
  }
}

static void deep_json_is_refused(void **state) {
  char deep[10000];
  scan_value value;
  (void)state;
  memset(deep, '[', sizeof deep);
  assert_false(scan_document((engine_text){deep, sizeof deep}, &value));
  memset(deep + 64, ']', 64);
  assert_true(scan_document((engine_text){deep, 128}, &value));
}

static void strings_are_decoded(void **state) {
  scan_value value;
  char out[16];
  size_t len = 0;
  (void)state;
  assert_true(scan_document(text("\"a\\u00e9\\ud83d\\ude00\\/\""), &value));
  assert_true(scan_string(&value, out, sizeof out, &len));
  assert_string_equal(out, "a\xc3\xa9\xf0\x9f\x98\x80/");
  assert_false(scan_string(&value, out, 8, &len));
}

static void hashes(void **state) {
  static const struct {
    const char *text;
    size_t repeat;
    const char *hash; /* begins with */
  } cases[] = {{"", 1, "e3b0c44298fc1c14"},
               {"abc", 1, "ba7816bf8f01cfea"},
               {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "248d6a61d20638b8"},
               {"a", 64, "ffe054fe7ae0cb6d"},
               {"a", 1000, "41edece42d63e8d9"}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char input[1024] = "";
    char hex[17];
    uint8_t hash[HASH_SIZE];
    size_t len = strlen(cases[i].text);
    for (size_t n = 0; n < cases[i].repeat; n++) memcpy(input + n * len, cases[i].text, len);
    sha256(input, len * cases[i].repeat, hash);
    for (size_t n = 0; n < 8; n++) snprintf(hex + 2 * n, 3, "%02x", hash[n]);
    assert_string_equal(hex, cases[i].hash);
  }
}

static void tokens(void **state) {
  static const struct {
    const char *text;
    bool good;
  } cases[] = {{"abc-._~+/123==", true}, {"", false},    {"=", false},       {"a=b", false},
               {"a b", false},           {"a,b", false}, {"\xc3\xa9", false}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    assert_int_equal(engine_key_valid(text(cases[i].text)), cases[i].good);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(request_cases),
      cmocka_unit_test(header_cases),
      cmocka_unit_test(every_mistake_is_listed),
      cmocka_unit_test(trace_ids),
      cmocka_unit_test(settings_show),
      cmocka_unit_test(senseless_settings),
      cmocka_unit_test(keys_are_replaced),
      cmocka_unit_test(without_randomness_there_is_no_secret),
      cmocka_unit_test(secrets_work_once),
      cmocka_unit_test(secrets_expire),
      cmocka_unit_test(old_secrets_are_forgotten),
      cmocka_unit_test(fault_answers),
      cmocka_unit_test(faults_wait_their_turn),
      cmocka_unit_test(connections_are_dropped),
      cmocka_unit_test(wrong_faults),
      cmocka_unit_test(the_log_keeps_no_secret),
      cmocka_unit_test(the_log_is_a_ring),
      cmocka_unit_test(json_cases),
      cmocka_unit_test(deep_json_is_refused),
      cmocka_unit_test(strings_are_decoded),
      cmocka_unit_test(hashes),
      cmocka_unit_test(tokens),
  };
  return cmocka_run_group_tests_name("emulator engine", tests, NULL, NULL);
}
