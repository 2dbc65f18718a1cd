/* SPDX-License-Identifier: MIT */
#include "requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "match.h"

/* What every request carries, whatever the case says; a case may expect more of the same header. */
static const char standing[] =
    "{\"accept\": \"application/json\", \"content-type\": \"application/json\", \"host\": {\"match\": \"^[^ ]+$\"},"
    " \"content-length\": {\"match\": \"^[0-9]+$\"}, \"authorization\": {\"match\": \"^Bearer [^ ]+$\"},"
    " \"user-agent\": {\"match\": \".\"}, \"trace-id\": {\"match\": \"^[0-9a-fA-F-]{36}$\"}}";

static void lower(char *text) {
  for (; *text != '\0'; text++)
    if (*text >= 'A' && *text <= 'Z') *text = (char)(*text - 'A' + 'a');
}

/* Turns the list of headers into an object with lower-case names; a header that comes twice is a problem. */
static json_object *index_headers(test_bytes *problems, const char *what, json_object *request) {
  json_object *headers = json_object_object_get(request, "headers");
  json_object *index = json_object_new_object();
  for (size_t i = 0; i < json_object_array_length(headers); i++) {
    json_object *pair = json_object_array_get_idx(headers, i);
    char name[128];
    snprintf(name, sizeof name, "%s", json_object_get_string(json_object_array_get_idx(pair, 0)));
    lower(name);
    if (json_object_object_get_ex(index, name, NULL)) test_problem(problems, "%s: the header %s comes twice", what, name);
    json_object_object_add(index, name, json_object_get(json_object_array_get_idx(pair, 1)));
  }
  return index;
}

static void check_expected_headers(test_bytes *problems, const char *what, json_object *expected, json_object *index) {
  if (expected == NULL) return;
  json_object_object_foreach(expected, key, value) {
    char name[128];
    test_bytes path = {0};
    snprintf(name, sizeof name, "%s", key);
    lower(name);
    test_bytes_format(&path, "%s: %s", what, key);
    if (value == NULL && json_object_object_get_ex(index, name, NULL)) test_problem(problems, "%s is there", path.data);
    if (value != NULL) test_match(problems, path.data, value, json_object_object_get(index, name));
    test_bytes_clear(&path);
  }
}

static bool is_named(json_object *headers, const char *name) {
  if (headers == NULL) return false;
  json_object_object_foreach(headers, key, value) {
    (void)value;
    if (strcasecmp(key, name) == 0) return true;
  }
  return false;
}

/* Nothing is sent that neither the case nor every request has. Accept-Encoding may only ask for nothing. */
static void check_no_other_headers(test_bytes *problems, const char *what, json_object *expected, json_object *base,
                                   json_object *index) {
  json_object_object_foreach(index, key, value) {
    if (strcmp(key, "accept-encoding") == 0 && strcmp(json_object_get_string(value), "identity") == 0) continue;
    if (is_named(expected, key) || is_named(base, key)) continue;
    test_problem(problems, "%s: nobody asked for the header %s: %s", what, key, json_object_get_string(value));
  }
}

static void check_standing(test_bytes *problems, const char *what, json_object *request, json_object *expected) {
  json_object *base = json_tokener_parse(standing);
  json_object *index = index_headers(problems, what, request);
  json_object *wanted = json_object_object_get(expected, "headers");
  json_object *broken = json_object_object_get(request, "broken");
  json_object *body = json_object_object_get(request, "body");
  const char *length = json_object_get_string(json_object_object_get(index, "content-length"));
  if (broken != NULL) test_problem(problems, "%s: broken: %s", what, json_object_get_string(broken));
  check_expected_headers(problems, what, base, index);
  check_expected_headers(problems, what, wanted, index);
  check_no_other_headers(problems, what, wanted, base, index);
  bool early = json_object_object_get(request, "early") != NULL; /* it was answered before it was whole */
  if (!early && length != NULL && atoi(length) != json_object_get_string_len(body))
    test_problem(problems, "%s: a wrong Content-Length", what);
  if (strcmp(json_object_get_string(json_object_object_get(request, "version")), "HTTP/1.1") != 0)
    test_problem(problems, "%s: not HTTP/1.1", what);
  json_object_put(base);
  json_object_put(index);
}

/* The body as JSON, however it is laid out. */
static void check_json(test_bytes *problems, const char *what, json_object *request, json_object *expected) {
  json_object *got = json_tokener_parse(json_object_get_string(json_object_object_get(request, "body")));
  if (!json_object_equal(expected, got))
    test_problem(problems, "%s: body: expected %s", what, json_object_to_json_string(expected));
  json_object_put(got);
}

static void check_one(test_bytes *problems, const char *what, json_object *request, json_object *expected) {
  static const char *const keys[][2] = {
      {"method", "method"}, {"path", "target"}, {"body", "body"}, {"position", "position"}, {"resumed", "resumed"}};
  json_object *value = NULL;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    test_bytes path = {0};
    test_bytes_format(&path, "%s: %s", what, keys[i][0]);
    if (json_object_object_get_ex(expected, keys[i][0], &value))
      test_match(problems, path.data, value, json_object_object_get(request, keys[i][1]));
    test_bytes_clear(&path);
  }
  if (json_object_object_get_ex(expected, "body_json", &value)) check_json(problems, what, request, value);
}

void test_check_requests(test_bytes *problems, const test_case *self, const char *transport, const test_server *server, size_t sent,
                         bool proxy) {
  json_object *list = test_server_requests(server);
  json_object *expected = json_object_object_get(self->json, "expect_requests");
  json_object *count = json_object_object_get(test_case_outcome(self, transport), "requests");
  json_object *connections = json_object_object_get(test_case_outcome(self, transport), "connections");
  size_t seen = json_object_array_length(list);
  if (expected != NULL && json_object_array_length(expected) != seen)
    test_problem(problems, "the server saw %zu requests, the case expects %zu", seen, json_object_array_length(expected));
  if (count != NULL && (size_t)json_object_get_int64(count) != seen)
    test_problem(problems, "the server saw %zu requests, the case expects %d", seen, json_object_get_int(count));
  if (connections != NULL && (size_t)json_object_get_int64(connections) != test_server_connections(server))
    test_problem(problems, "the server saw %zu connections, the case expects %d", test_server_connections(server),
                 json_object_get_int(connections));
  /* HTTP/2 servers tell which streams they never looked at. */
  bool raw = seen > 0 && json_object_object_get(json_object_array_get_idx(list, 0), "stream") != NULL;
  if (!proxy && !raw && sent != seen) test_problem(problems, "the server saw %zu requests, the client tells of %zu", seen, sent);
  if (!proxy && test_server_stray_bytes(server) != 0) /* a tunnel's bytes are no requests */
    test_problem(problems, "%zu bytes came that belong to no whole request", test_server_stray_bytes(server));
  for (size_t i = 0; i < seen; i++) {
    char what[32];
    json_object *wanted = expected == NULL ? NULL : json_object_array_get_idx(expected, i);
    snprintf(what, sizeof what, "request %zu", i);
    check_one(problems, what, json_object_array_get_idx(list, i), wanted);
    if (!proxy && !raw) check_standing(problems, what, json_object_array_get_idx(list, i), wanted);
  }
  if (problems->len > 0) test_problem(problems, "received: %.4000s", json_object_to_json_string(list));
}
