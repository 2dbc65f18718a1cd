/* SPDX-License-Identifier: MIT */
/*
 * Cassettes, from a client's side: what a client saw over a TLS transport it sees again when the server is gone, the file holds
 * no secret, and what stands behind the stub is held to the rules of any transport.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define TOKEN "test-token-5b1f0c77d2"
#define SECOND "test-token-second-9a8"
#define SECRET "cs_live_7d5e3b1a9c8f"
#define PIN "pin-of-the-user-4711"
#define CARD "5500005555555559"
#define TRACE "7c0f7c5e-9f5b-4a47-9d2a-0d5c2a2f3b11"

#define GOOD                                                                            \
  "{\"status\":200,\"headers\":[[\"Trace-Id\",\"" TRACE "\"],[\"Set-Cookie\",\"" SECRET \
  "\"]],"                                                                               \
  "\"body\":\"{\\\"clientSecret\\\":\\\"" SECRET "\\\"}\"}"
#define DENIED                                                                                                       \
  "{\"status\":401,\"body\":\"{\\\"code\\\":\\\"AUTHORIZATION_ERROR\\\",\\\"message\\\":\\\"not " TOKEN ", nor " PIN \
  "\\\",\\\"traceId\\\":\\\"" TRACE "\\\",\\\"errors\\\":[{\\\"details\\\":\\\"no\\\"}]}\"}"
#define BUSY "{\"status\":503,\"headers\":[[\"Retry-After\",\"0\"]],\"body\":\"<html>busy</html>\"}"
#define RESET                                                    \
  "{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"" SECRET \
  "\\\"}\",\"fault\":{\"status\":\"PLQ_E_IO_RESET\",\"after\":\"head\"}}"
#define SILENT "{\"hang\":true}"

static char folder[400];
static char path[460];

static int setup(void **state) {
  const char *base = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/plastiq-cassette-XXXXXX", base != NULL ? base : "/tmp");
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/c", folder);
  return fixture_setup(state);
}

static int teardown(void **state) {
  unlink(path);
  rmdir(folder);
  return fixture_teardown(state);
}

#define TAPE_OF(mode)          \
  {"stub.cassette", path}, {   \
    "stub.cassette_mode", mode \
  }
#define TAPE(mode)                                                                                                       \
  {"stub.cassette", path}, {"stub.cassette_mode", mode}, {"stub.record_over", fixture_tls()}, {"access_token", TOKEN}, { \
    "second_access_token", SECOND                                                                                        \
  }

static const char requests[] = "{\"headers\":[{\"name\":\"X-Pin\",\"value\":\"" PIN
                               "\",\"sensitive\":true}],\"extra\":{\"card\":\"" CARD "\",\"again\":\"" TOKEN "\"}}";

/* What has to be the same. Times of waiting are random, and a secret is replaced. */
static json_object *facts_of(json_object *outcome) {
  json_object *facts = NULL;
  assert_int_equal(json_object_deep_copy(outcome, &facts, NULL), 0);
  json_object_object_del(facts, "secret");
  json_object_object_del(facts, "life_ms");
  json_object *list = json_object_object_get(facts, "attempt_list");
  for (size_t i = 0; i < json_object_array_length(list); i++)
    json_object_object_del(json_object_array_get_idx(list, i), "wait_us");
  if (strcmp(fixture_text(facts, "trace_id"), TRACE) != 0) json_object_object_del(facts, "trace_id"); /* one of our own, random */
  return facts;
}

static void assert_same(json_object *first, json_object *second) {
  if (!json_object_equal(first, second))
    print_error("%s\n%s\n", json_object_to_json_string(first), json_object_to_json_string(second));
  assert_true(json_object_equal(first, second));
}

/* Calls until the status is one that ends the list; keeps the facts of each. */
static size_t call_all(fixture *self, json_object **facts, size_t count) {
  for (size_t i = 0; i < count; i++) {
    json_object *outcome = fixture_call_case(self, requests);
    facts[i] = facts_of(outcome);
  }
  return count;
}

static char *file_bytes(size_t *out_len) {
  struct stat info;
  FILE *file = fopen(path, "rbe");
  assert_non_null(file);
  assert_int_equal(fstat(fileno(file), &info), 0);
  assert_int_equal(info.st_mode & 07777, 0600);
  char *bytes = test_alloc((size_t)info.st_size);
  assert_int_equal(fread(bytes, 1, (size_t)info.st_size, file), info.st_size);
  fclose(file);
  *out_len = (size_t)info.st_size;
  return bytes;
}

static void assert_no_secret(void) {
  static const char *const secrets[] = {TOKEN, SECOND, SECRET, PIN, CARD};
  size_t len = 0;
  char *bytes = file_bytes(&len);
  for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
    if (memmem(bytes, len, secrets[i] + 4, strlen(secrets[i]) - 8) != NULL) fail_msg("%s is in the file", secrets[i]);
  }
  free(bytes);
}

static void test_the_same_again(void **state) {
  fixture *self = *state;
  enum { CALLS = 5 };
  json_object *first[CALLS], *second[CALLS];
  static const char *const expected[CALLS] = {"PLQ_OK", "PLQ_OK", "PLQ_E_HTTP_UNAUTHORIZED", "PLQ_OK", "PLQ_E_TIMEOUT_TOTAL"};
  fixture_serve(self, "[" GOOD "," BUSY "," GOOD "," DENIED "," DENIED "," RESET "," GOOD "," SILENT "]");
  fixture_connect(self, "stub", (fixture_options){TAPE("record"), {"timeout_ms", "1500"}, FIXTURE_END});
  assert_int_equal(access(path, F_OK), 0);
  int64_t began_ms = fixture_now_ms();
  call_all(self, first, CALLS);
  assert_true(fixture_now_ms() - began_ms >= 1500); /* real time */
  fixture_stop(self);
  assert_int_equal(fixture_requests(self), 8);
  /* The service was sent all of it. */
  assert_string_equal(fixture_header(self, 0, "X-Pin"), PIN);
  assert_string_equal(fixture_header(self, 0, "Authorization"), "Bearer " TOKEN);
  assert_string_equal(fixture_header(self, 4, "Authorization"), "Bearer " SECOND);
  assert_no_secret();
  for (size_t i = 0; i < CALLS; i++) assert_string_equal(fixture_text(first[i], "status"), expected[i]);

  began_ms = fixture_now_ms();
  fixture_connect(self, "stub", (fixture_options){TAPE("replay"), {"timeout_ms", "1500"}, FIXTURE_END});
  call_all(self, second, CALLS);
  assert_true(fixture_now_ms() - began_ms < 1000); /* virtual time */
  for (size_t i = 0; i < CALLS; i++) {
    /* The text of the service lost what was secret in it, and lost it in the client too. */
    if (i != 2) assert_same(first[i], second[i]);
    if (i == 2)
      assert_string_equal(fixture_text(second[i], "service_message"), "not xxxxxxxxxxxxxxxxxxxxx, nor xxxxxxxxxxxxxxxxxxxx");
    json_object_put(first[i]);
    json_object_put(second[i]);
  }
  assert_string_equal(fixture_text(fixture_call_case(self, requests), "status"), "PLQ_E_CASSETTE_MISMATCH");
  assert_non_null(
      strstr(fixture_text(self->outcome.json, "message"), "the cassette is over: it has 8 entries, and this is attempt 9"));
  assert_string_equal(fixture_text(self->outcome.json, "delivery"), "not_sent");
  assert_int_equal(fixture_number(self->outcome.json, "attempts"), 1); /* that is never repeated */
}

/* Another token, another trace id: neither is in the file, so neither counts. */
static void test_what_may_differ(void **state) {
  fixture *self = *state;
  fixture_serve(self, "[" GOOD "]");
  fixture_connect(self, "stub", (fixture_options){TAPE("record"), FIXTURE_END});
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
  assert_string_equal(fixture_text(self->outcome.json, "secret"), SECRET);
  fixture_stop(self);
  fixture_connect(self, "stub", (fixture_options){{"stub.cassette", path}, {"access_token", "test-key-another"}, FIXTURE_END});
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
  assert_string_equal(fixture_text(self->outcome.json, "secret"), "test-secret-00000001");
  assert_string_equal(fixture_text(self->outcome.json, "trace_id"), TRACE);
}

static const char *extra_of(const char *secret) {
  static char call[128];
  snprintf(call, sizeof call, "{\"extra\":{\"given\":\"%s\"}}", secret);
  return call;
}

/* A program that sends on what it was given sends something else when it is given something else. */
static void test_a_secret_that_is_sent_on(void **state) {
  fixture *self = *state;
  fixture_serve(self, "[" GOOD "," GOOD "]");
  for (int i = 0; i < 2; i++) {
    fixture_connect(self, "stub",
                    (fixture_options){TAPE_OF(i == 0 ? "record" : "replay"), {"stub.record_over", fixture_tls()}, FIXTURE_END});
    const char *call = extra_of(fixture_text(fixture_call(self), "secret"));
    assert_string_equal(fixture_text(fixture_call_case(self, call), "status"), "PLQ_OK");
  }
  fixture_stop(self);
  assert_no_secret();
}

static void test_what_may_not(void **state) {
  static const struct {
    const char *call, *says;
  } rows[] = {
      {"{\"params\":{\"end_user_ip\":\"192.0.2.7\"}}", "entry 1 of 1: the header End-User-Ip was not there and is"},
      {"{\"params\":{\"type\":\"CARD\"}}", "entry 1 of 1: the body was \"{}\" and is \"{\"type\":\"CARD\"}\""},
      {"{\"operation\":\"client_secrets.create_v2\"}",
       "entry 1 of 1: the path was \"/api/client-secrets\" and is \"/api/v2/client-secrets\""},
      {"{\"extra\":{\"a\":\"" TOKEN "\"}}", "entry 1 of 1: the body was \"{}\" and is \"{\"a\":\"xxxxxxxxxxxxxxxxxxxxx\"}\""},
  };
  fixture *self = *state;
  fixture_serve(self, "[" GOOD "]");
  fixture_connect(self, "stub", (fixture_options){TAPE("record"), FIXTURE_END});
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
  fixture_stop(self);
  fixture_connect(self, "stub", (fixture_options){TAPE("replay"), FIXTURE_END});
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    json_object *outcome = fixture_call_case(self, rows[i].call);
    assert_string_equal(fixture_text(outcome, "status"), "PLQ_E_CASSETTE_MISMATCH");
    assert_string_equal(fixture_text(outcome, "kind"), "config");
    if (strstr(fixture_text(outcome, "message"), rows[i].says) == NULL) fail_msg("%s", fixture_text(outcome, "message"));
    assert_null(strstr(self->outcome.texts.data, TOKEN));
  }
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK"); /* the entry is still there */
}

/* ---- what stands behind ---- */

static void refused(fixture *self, fixture_options options, const char *status, const char *says) {
  json_object *outcome = fixture_try_connect(self, "stub", options);
  if (outcome == NULL) fail_msg("a client was made, where there should be: %s", says);
  if (strcmp(fixture_text(outcome, "status"), status) != 0 || strstr(fixture_text(outcome, "message"), says) == NULL)
    fail_msg("%s: %s", fixture_text(outcome, "status"), fixture_text(outcome, "message"));
  assert_null(strstr(self->outcome.texts.data, TOKEN));
}

#define RECORD                                                 \
  {"stub.cassette", path}, {"stub.cassette_mode", "record"}, { \
    "access_token", TOKEN                                      \
  }

static void test_rules_hold_behind(void **state) {
  fixture *self = *state;
  char own[64];
  snprintf(own, sizeof own, "%s.nonsense", fixture_tls());
  refused(self, (fixture_options){RECORD, {"stub.record_over", "nowhere"}, FIXTURE_END}, "PLQ_E_TRANSPORT_NOT_FOUND",
          "stub: there is no transport \"nowhere\"");
  assert_non_null(strstr(self->outcome.texts.data, "libplastiq-transport-nowhere.so")); /* the load log */
  refused(self, (fixture_options){RECORD, {"stub.record_over", "stub"}, FIXTURE_END}, "PLQ_E_UNSUPPORTED",
          "stub: a transport cannot stand in front of itself");
  refused(self, (fixture_options){RECORD, {"stub.record_over", fixture_tls()}, {"transport_allow", "stub"}, FIXTURE_END},
          "PLQ_E_TRANSPORT_NOT_ALLOWED", "is not allowed: the option transport_allow names \"stub\"");
  refused(self, (fixture_options){RECORD, {"stub.record_over", fixture_tls()}, {own, "1"}, FIXTURE_END}, "PLQ_E_OPTION_UNKNOWN",
          "stub: there is no option");
  refused(self,
          (fixture_options){RECORD, {"stub.record_over", fixture_tls()}, {"client_certificate_file", "/no/file"}, FIXTURE_END},
          "PLQ_E_CLIENT_CERTIFICATE", "stub: ");
  assert_int_equal(access(path, F_OK), -1); /* no failure leaves a file */
  refused(self, (fixture_options){{"stub.cassette", path}, FIXTURE_END}, "PLQ_E_OPTION_VALUE",
          "stub: cassette: the file cannot be read: there is no such file or folder");
  refused(self, (fixture_options){{"stub.cassette_mode", "rewind"}, FIXTURE_END}, "PLQ_E_OPTION_VALUE",
          "right is one of replay,record");
  fixture_connect(self, "stub", (fixture_options){RECORD, {"stub.record_over", fixture_tls()}, FIXTURE_END});
  plq_client_free(self->client);
  self->client = 0;
  refused(self, (fixture_options){RECORD, {"stub.record_over", fixture_tls()}, FIXTURE_END}, "PLQ_E_OPTION_VALUE",
          "stub: cassette: the file is there already, and a recording overwrites none; remove it, or choose another name");
}

/* Verification, pins and the client's limits are what they are without a cassette, when it is recorded and when it is replayed.
 */
static void test_verification_holds(void **state) {
  fixture *self = *state;
  static const char pin[] = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  fixture_serve(self, "[{\"fault\":{\"status\":\"PLQ_E_VERIFY_UNTRUSTED\"}}]");
  fixture_connect(self, "stub", (fixture_options){TAPE("record"), {"max_repeats", "0"}, FIXTURE_END});
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_E_VERIFY_UNTRUSTED");
  fixture_connect(self, "stub", (fixture_options){TAPE("replay"), {"max_repeats", "0"}, FIXTURE_END});
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_E_VERIFY_UNTRUSTED");
  assert_string_equal(fixture_text(self->outcome.json, "delivery"), "not_sent");
  fixture_serve(self, "[" GOOD "]");
  unlink(path);
  fixture_connect(self, "stub", (fixture_options){TAPE("record"), FIXTURE_END});
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
  fixture_connect(self, "stub", (fixture_options){TAPE("replay"), {"pins", pin}, {"max_repeats", "0"}, FIXTURE_END});
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_E_VERIFY_PIN");
}

static void test_warm_and_cancel(void **state) {
  fixture *self = *state;
  uint32_t open = 0;
  fixture_serve(self, "[" GOOD "," SILENT "]");
  fixture_connect(self, "stub", (fixture_options){TAPE("record"), {"max_repeats", "0"}, FIXTURE_END});
  assert_int_equal(plq_client_warm(self->client, 1, 5000, &open, NULL), PLQ_OK);
  assert_int_equal(open, 1);
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
  assert_int_equal(fixture_number(fixture_attempt(self->outcome.json, 0), "reused"), 1);
  assert_string_equal(fixture_text(fixture_call_cancelled(self), "status"), "PLQ_E_CANCELLED");
  fixture_stop(self);
  fixture_connect(self, "stub", (fixture_options){TAPE("replay"), {"max_repeats", "0"}, FIXTURE_END});
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_E_CANCELLED");
  assert_string_equal(fixture_text(self->outcome.json, "delivery"), "maybe_sent");
}

/* A recording belongs to the process that began it; a child replays from the start. */
static void test_fork(void **state) {
  fixture *self = *state;
  fixture_serve(self, "[" GOOD "," GOOD "]");
  fixture_connect(self, "stub", (fixture_options){TAPE("record"), FIXTURE_END});
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
  usleep(50000); /* the server is in this process: it comes to rest */
  for (int replay = 0; replay < 2; replay++) {
    pid_t child = fork();
    if (child == 0) {
      plq_response *response = NULL;
      int32_t status = plq_client_secrets_create(self->client, NULL, &response, NULL);
      plq_response_free(response);
      quick_exit(status == (replay ? PLQ_OK : PLQ_E_OPTION_VALUE) ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    if (!replay) {
      assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK"); /* the parent goes on */
      fixture_stop(self);
      fixture_connect(self, "stub", (fixture_options){TAPE("replay"), FIXTURE_END});
      assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
    }
  }
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_the_same_again),    TEST(test_what_may_differ),
      TEST(test_what_may_not),      TEST(test_a_secret_that_is_sent_on),
      TEST(test_rules_hold_behind), TEST(test_verification_holds),
      TEST(test_warm_and_cancel),   TEST(test_fork),
  };
  return cmocka_run_group_tests_name("cassettes", tests, NULL, NULL);
}
