/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

const char *fixture_tls(void) {
  const char *name = getenv("TEST_TRANSPORT");
  if (name == NULL) test_die("TEST_TRANSPORT names no transport; ctest sets it");
  return name;
}

int fixture_setup(void **state) {
  fixture *self = test_alloc(sizeof *self);
  (void)alarm(240);
  self->ca = test_ca_new();
  self->flags = PLQ_NO_AMBIENT;
  *state = self;
  return 0;
}

static void drop_server(fixture *self) {
  test_server_free(self->server);
  test_script_free(self->script);
  json_object_put(self->responses);
  self->server = NULL;
  self->script = NULL;
  self->responses = NULL;
}

int fixture_teardown(void **state) {
  fixture *self = *state;
  plq_client_free(self->client);
  drop_server(self);
  test_outcome_clear(&self->outcome);
  test_ca_free(self->ca);
  free(self);
  return 0;
}

void fixture_serve(fixture *self, const char *responses) {
  const char *reason = NULL;
  json_object *parsed = json_tokener_parse(responses);
  if (parsed == NULL) test_die("no JSON: %s", responses);
  plq_client_free(self->client);
  self->client = 0;
  drop_server(self);
  self->responses = test_expand(parsed);
  json_object_put(parsed);
  self->script = test_script_new(self->responses, &reason);
  if (self->script == NULL) test_die("%s", reason);
  self->server = test_server_new(self->ca, self->script);
}

static int32_t set(const fixture *self, plq_options *options, const char *key, const char *value, plq_error **error) {
  test_bytes text = {0};
  const char *port = value == NULL ? NULL : strstr(value, "{port}");
  if (port == NULL) return plq_options_set(options, key, PLQ_NUL, value, PLQ_NUL, error);
  test_bytes_add(&text, value, (size_t)(port - value));
  test_bytes_format(&text, "%d%s", self->server == NULL ? 443 : test_server_port(self->server), port + 6);
  int32_t status = plq_options_set(options, key, PLQ_NUL, text.data, text.len, error);
  test_bytes_clear(&text);
  return status;
}

static int32_t set_all(const fixture *self, plq_options *options, fixture_options list, plq_error **error) {
  int32_t status = PLQ_OK;
  for (size_t i = 0; status == PLQ_OK && list[i][0] != NULL; i++) status = set(self, options, list[i][0], list[i][1], error);
  return status;
}

json_object *fixture_try_connect(fixture *self, const char *transport, fixture_options list) {
  plq_options *options = NULL;
  plq_error *error = NULL;
  const char *const defaults[][2] = {
      {"access_token", "test-key-0001"},
      {"backoff_base_ms", "1"},
      {"backoff_cap_ms", "2"},
      {"transport", transport},
      {"transport_dir", TEST_TRANSPORT_DIR},
      {"transport_path_check", "false"},
      {"allow_test_transports", "true"},
      {"base_url", self->server == NULL ? "https://plastiq.test/api" : "https://127.0.0.1:{port}/api"},
      {"ca_file", test_ca_file(self->ca)},
      FIXTURE_END,
  };
  plq_client_free(self->client);
  self->client = 0;
  test_outcome_clear(&self->outcome);
  int32_t status = plq_options_new(self->flags, &options, &error);
  if (status == PLQ_OK) status = set_all(self, options, defaults, &error);
  if (status == PLQ_OK) status = set_all(self, options, list, &error);
  if (status == PLQ_OK) status = plq_client_new(options, &self->client, &error);
  plq_options_free(options);
  if (status == PLQ_OK) return NULL;
  test_outcome_error(&self->outcome, status, error);
  return self->outcome.json;
}

void fixture_connect(fixture *self, const char *transport, fixture_options options) {
  json_object *outcome = fixture_try_connect(self, transport, options);
  if (outcome != NULL) fail_msg("no client: %s", json_object_to_json_string(outcome));
}

json_object *fixture_call_case(fixture *self, const char *json) {
  test_case made = {.name = "call", .json = json_tokener_parse(json)};
  if (made.json == NULL) test_die("no JSON: %s", json);
  test_outcome_clear(&self->outcome);
  test_call_plain(&self->outcome, &made, self->client);
  json_object_put(made.json);
  return self->outcome.json;
}

json_object *fixture_call(fixture *self) {
  return fixture_call_case(self, "{}");
}

static void *cancel_soon(void *call) {
  usleep(100 * 1000);
  (void)plq_call_cancel(*(plq_call_id *)call);
  return NULL;
}

json_object *fixture_call_cancelled(fixture *self) {
  plq_call_id call = 0;
  plq_request *request = NULL;
  plq_response *response = NULL;
  plq_error *error = NULL;
  pthread_t thread;
  assert_int_equal(plq_call_new(self->client, &call, NULL), PLQ_OK);
  assert_int_equal(plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL), PLQ_OK);
  assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &call), 0);
  int32_t status = plq_call_run(call, request, &response, &error);
  pthread_join(thread, NULL);
  plq_call_free(call);
  plq_request_free(request);
  plq_response_free(response);
  test_outcome_clear(&self->outcome);
  test_outcome_error(&self->outcome, status, error);
  return self->outcome.json;
}

void fixture_stop(fixture *self) {
  plq_client_free(self->client);
  self->client = 0;
  if (self->server != NULL) test_server_stop(self->server);
}

size_t fixture_requests(const fixture *self) {
  return json_object_array_length(test_server_requests(self->server));
}

json_object *fixture_request(const fixture *self, size_t index) {
  json_object *request = json_object_array_get_idx(test_server_requests(self->server), index);
  if (request == NULL) fail_msg("the server saw no request %zu", index);
  return request;
}

const char *fixture_header(const fixture *self, size_t index, const char *name) {
  json_object *headers = json_object_object_get(fixture_request(self, index), "headers");
  for (size_t i = 0; i < json_object_array_length(headers); i++) {
    json_object *pair = json_object_array_get_idx(headers, i);
    if (strcasecmp(json_object_get_string(json_object_array_get_idx(pair, 0)), name) == 0)
      return json_object_get_string(json_object_array_get_idx(pair, 1));
  }
  return NULL;
}

const char *fixture_text(json_object *object, const char *key) {
  json_object *value = json_object_object_get(object, key);
  return value == NULL ? "" : json_object_get_string(value);
}

int64_t fixture_number(json_object *object, const char *key) {
  return json_object_get_int64(json_object_object_get(object, key));
}

json_object *fixture_attempt(json_object *outcome, size_t index) {
  json_object *attempt = json_object_array_get_idx(json_object_object_get(outcome, "attempt_list"), index);
  if (attempt == NULL) fail_msg("no attempt %zu in %s", index, json_object_to_json_string(outcome));
  return attempt;
}

int64_t fixture_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
