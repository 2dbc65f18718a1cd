/* SPDX-License-Identifier: MIT */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match.h"
#include "outcome.h"
#include "requests.h"
#include "server.h"

const test_door test_plain_door = {"", test_call_plain};
const test_door test_message_door = {"/message", test_call_message};
const test_door test_queue_door = {"/queue", test_call_queue};
const test_door test_queue_message_door = {"/queue-message", test_call_queue_message};

/* One playing. */
typedef struct play {
  const test_case *self;
  const char *transport;
  const test_door *door;
  const test_ca *ca;
  test_bytes *problems;
  test_script *script; /* NULL: the stub transport plays */
  test_server *server;
  test_outcome outcome;
} play;

static const char *get_text(json_object *object, const char *key, const char *otherwise) {
  json_object *value = NULL;
  return json_object_object_get_ex(object, key, &value) && value != NULL ? json_object_get_string(value) : otherwise;
}

static json_object *server_settings(const play *self) {
  return json_object_object_get(self->self->json, "server");
}

static bool is_proxy(const play *self) {
  return json_object_get_boolean(json_object_object_get(server_settings(self), "proxy"));
}

static void start_server(play *self) {
  json_object *responses = NULL, *frames = NULL, *settings = server_settings(self);
  const char *reason = NULL;
  if (strcmp(self->transport, "stub") == 0) return;
  if (!json_object_object_get_ex(self->self->json, "wire_responses", &responses))
    responses = json_object_object_get(self->self->json, "responses");
  self->script = test_script_new(responses, &reason);
  if (self->script == NULL) test_die("%s: %s", self->self->name, reason);
  self->script->certificate = get_text(settings, "certificate", self->script->certificate);
  self->script->host = get_text(settings, "host", self->script->host);
  if (json_object_object_get_ex(settings, "http2", &frames)) {
    self->script->http2 = true;
    test_raw(&self->script->settings, frames);
  }
  if (json_object_get_boolean(json_object_object_get(settings, "plain")) || is_proxy(self)) self->script->certificate = NULL;
  self->server = test_server_new(self->ca, self->script);
}

/* Writes out what {port}, {folder} and {transport} stand for. */
static void add_written_out(const play *self, test_bytes *out, const char *text, size_t len) {
  static const char *const names[] = {"{port}", "{folder}", "{transport}"};
  const char *end = text + len;
  while (text < end) {
    size_t which = 0;
    while (which < 3 && strncmp(text, names[which], strlen(names[which])) != 0) which++;
    if (which == 0) test_bytes_format(out, "%d", self->server == NULL ? 443 : test_server_port(self->server));
    if (which == 1) test_bytes_text(out, test_ca_folder(self->ca));
    if (which == 2) test_bytes_text(out, self->transport);
    if (which == 3) test_bytes_add(out, text, 1);
    text += which == 3 ? 1 : strlen(names[which]);
  }
}

/* Sets an option; NULL takes it back. {port} stands for the server's, {folder} for the CA's, {transport} for the name. */
static int32_t set_option(const play *self, plq_options *options, const char *key, const char *value, size_t len,
                          plq_error **error) {
  test_bytes name = {0}, text = {0};
  add_written_out(self, &name, key, strlen(key));
  if (value != NULL) add_written_out(self, &text, value, len == PLQ_NUL ? strlen(value) : len);
  const char *written = value == NULL ? NULL : text.data == NULL ? "" : text.data;
  int32_t status = plq_options_set(options, name.data, name.len, written, value == NULL ? 0 : text.len, error);
  test_bytes_clear(&name);
  test_bytes_clear(&text);
  return status;
}

static int32_t set_address(const play *self, plq_options *options, plq_error **error) {
  test_bytes url = {0};
  bool direct = self->server != NULL && !is_proxy(self);
  const char *host = direct ? get_text(server_settings(self), "name", "127.0.0.1") : "plastiq.test";
  test_bytes_format(&url, "%s://%s", direct && self->script->certificate == NULL ? "http" : "https", host);
  if (direct) test_bytes_format(&url, ":%d", test_server_port(self->server));
  test_bytes_text(&url, "/api");
  int32_t status = set_option(self, options, "base_url", url.data, url.len, error);
  if (status == PLQ_OK && self->server != NULL && is_proxy(self))
    status = set_option(self, options, "proxy", "http://127.0.0.1:{port}", PLQ_NUL, error);
  test_bytes_clear(&url);
  return status;
}

/* What the README says a case gets that does not say otherwise. */
static int32_t set_defaults(const play *self, plq_options *options, plq_error **error) {
  json_object *responses = json_object_object_get(self->self->json, "responses");
  const char *const pairs[][2] = {
      {"access_token", "test-key-0001"},
      {"backoff_base_ms", "1"},
      {"backoff_cap_ms", "2"},
      {"transport", self->transport},
      {"transport_dir", TEST_TRANSPORT_DIR},
      {"transport_path_check", "false"},
      {"allow_test_transports", "true"},
      {"allow_plain_http", "true"},
      {self->server == NULL ? "stub.script" : "ca_file", self->server != NULL ? test_ca_file(self->ca)
                                                         : responses == NULL  ? "[]"
                                                                              : json_object_to_json_string(responses)},
  };
  int32_t status = PLQ_OK;
  for (size_t i = 0; status == PLQ_OK && i < sizeof pairs / sizeof *pairs; i++)
    status = plq_options_set(options, pairs[i][0], PLQ_NUL, pairs[i][1], PLQ_NUL, error);
  return status == PLQ_OK ? set_address(self, options, error) : status;
}

static int32_t set_own(const play *self, plq_options *options, plq_error **error) {
  json_object *own = json_object_object_get(self->self->json, "options");
  if (own == NULL) return PLQ_OK;
  json_object_object_foreach(own, key, value) {
    const char *text = value == NULL ? NULL : json_object_get_string(value);
    int32_t status = set_option(self, options, key, text, text == NULL ? 0 : (size_t)json_object_get_string_len(value), error);
    if (status != PLQ_OK) return status;
  }
  return PLQ_OK;
}

static void call(play *self) {
  plq_options *options = NULL;
  plq_client_id client = 0;
  plq_error *error = NULL;
  int32_t status = plq_options_new(PLQ_NO_AMBIENT, &options, &error);
  if (status == PLQ_OK) status = set_defaults(self, options, &error);
  if (status == PLQ_OK) status = set_own(self, options, &error);
  if (status == PLQ_OK) status = plq_client_new(options, &client, &error);
  if (status == PLQ_OK)
    self->door->call(&self->outcome, self->self, client);
  else
    test_outcome_error(&self->outcome, status, error);
  plq_options_free(options);
  plq_client_free(client);
}

/* By convention of the vectors, every token begins with test-key, every secret with test-secret, every private value with
 * test-private: none of that may be in what the library says. */
static void check_leaks(play *self) {
  static const char *const canaries[] = {"test-key", "test-secret", "test-private"};
  for (size_t i = 0; i < sizeof canaries / sizeof *canaries; i++)
    if (self->outcome.texts.data != NULL && strstr(self->outcome.texts.data, canaries[i]) != NULL)
      test_problem(self->problems, "%s... leaked into:\n%s", canaries[i], self->outcome.texts.data);
}

static void check_life(play *self) {
  json_object *life = NULL;
  bool second = strcmp(get_text(self->self->json, "operation", ""), "client_secrets.create_v2") == 0;
  if (!json_object_object_get_ex(self->outcome.json, "life_ms", &life)) return;
  int64_t left = json_object_get_int64(life), most = second ? 1800000 : 60000;
  if (left <= 0 || left > most) test_problem(self->problems, "life_ms: %lld is not in 1..%lld", (long long)left, (long long)most);
}

/* Requests that left, as the client saw it: what the server must have seen. */
static size_t count_sent(const play *self) {
  json_object *attempts = json_object_object_get(self->outcome.json, "attempt_list");
  size_t count = 0;
  for (size_t i = 0; i < json_object_array_length(attempts); i++)
    count += strcmp(get_text(json_object_array_get_idx(attempts, i), "delivery", ""), "not_sent") != 0;
  return count;
}

static void check(play *self) {
  json_object *expected = test_case_outcome(self->self, self->transport);
  if (expected == NULL) test_die("%s: no outcome", self->self->name);
  json_object_object_foreach(expected, key, value) {
    if (strcmp(key, "requests") == 0 || strcmp(key, "connections") == 0) continue; /* these are the server's to say */
    test_match(self->problems, key, value, json_object_object_get(self->outcome.json, key));
  }
  if (self->problems->len > 0) test_problem(self->problems, "all of it: %.4000s", json_object_to_json_string(self->outcome.json));
  check_leaks(self);
  check_life(self);
  if (self->server != NULL) test_check_requests(self->problems, self->self, self->transport, self->server, count_sent(self), is_proxy(self));
}

void test_play(test_bytes *problems, const test_case *self, const char *transport, const test_door *door, const test_ca *ca) {
  play made = {.self = self, .transport = transport, .door = door, .ca = ca, .problems = problems};
  start_server(&made);
  call(&made);
  if (made.server != NULL) test_server_stop(made.server);
  check(&made);
  test_server_free(made.server);
  test_script_free(made.script);
  test_outcome_clear(&made.outcome);
}
