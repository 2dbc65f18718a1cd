/* SPDX-License-Identifier: MIT */
#include "admin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_input.h"

#define MAX_KEYS 100
#define MAX_ADVANCE_MS INT64_C(31536000000)

typedef struct admin_call {
  engine *engine;
  const admin_counters *counters;
  engine_text body;
  admin_answer *answer;
  engine_problem problem;
} admin_call;

static void answer_format(admin_answer *answer, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void answer_format(admin_answer *answer, int status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  answer->status = status;
  if (vasprintf(&answer->body, format, arguments) < 0) answer->body = NULL;
  va_end(arguments);
}

/* Says what is wrong. The text may quote the caller, so json-c writes it. */
static void refuse(admin_answer *answer, int status, const char *message) {
  struct json_object *text = json_object_new_string(message);
  const char *json = text == NULL ? "\"out of memory\"" : json_object_to_json_string_ext(text, JSON_C_TO_STRING_NOSLASHESCAPE);
  answer_format(answer, status, "{\"error\":%s}", json);
  json_object_put(text);
}

static void get_state(admin_call *call) {
  char *counters = engine_state_json(call->engine);
  const admin_counters *c = call->counters;
  if (counters == NULL) {
    refuse(call->answer, 500, "out of memory");
    return;
  }
  answer_format(call->answer, 200, "%s,\"connections\":{\"tcp\":%llu,\"open\":%llu,\"tls_handshakes\":%llu}}", counters,
                (unsigned long long)c->tcp_connections, (unsigned long long)c->open_connections,
                (unsigned long long)c->tls_handshakes);
  free(counters);
}

static void get_requests(admin_call *call) {
  call->answer->status = 200;
  call->answer->body = engine_log_json(call->engine);
}

static void delete_requests(admin_call *call) {
  engine_clear_log(call->engine);
  answer_format(call->answer, 200, "{}");
}

static void post_faults(admin_call *call) {
  if (engine_add_faults(call->engine, call->body, &call->problem))
    get_state(call);
  else
    refuse(call->answer, 400, call->problem.text);
}

static void delete_faults(admin_call *call) {
  engine_clear_faults(call->engine);
  get_state(call);
}

static void post_clock(admin_call *call) {
  static const char *const members[] = {"advance_ms", NULL};
  int64_t ms = -1;
  struct json_object *json = json_input_parse(call->body, "clock", &call->problem);
  bool good = json != NULL && json_input_object(json, members, "clock", &call->problem) &&
              json_input_number(json, "advance_ms", 0, MAX_ADVANCE_MS, "clock", &ms, &call->problem);
  if (good && ms < 0) good = json_input_fail(&call->problem, "clock.advance_ms: is missing");
  json_object_put(json);
  if (!good) {
    refuse(call->answer, 400, call->problem.text);
    return;
  }
  engine_advance(call->engine, ms);
  answer_format(call->answer, 200, "{\"clock_ms\":%lld}", (long long)engine_now_ms(call->engine));
}

/* Reads a list of keys. The texts are borrowed from the object. */
static bool read_keys(struct json_object *json, const char *name, engine_text *out, size_t *out_count, engine_problem *problem) {
  struct json_object *list = NULL;
  *out_count = 0;
  if (!json_object_object_get_ex(json, name, &list)) return true;
  bool good = json_object_is_type(list, json_type_array) && json_object_array_length(list) <= MAX_KEYS;
  for (size_t i = 0; good && i < json_object_array_length(list); i++) {
    struct json_object *item = json_object_array_get_idx(list, i);
    good = json_object_is_type(item, json_type_string);
    if (good) out[i] = (engine_text){json_object_get_string(item), (size_t)json_object_get_string_len(item)};
    good = good && engine_key_valid(out[i]);
    if (good) *out_count = i + 1;
  }
  return good ||
         json_input_fail(problem, "keys.%s: must be a list of at most %d keys of letters, digits and -._~+/", name, MAX_KEYS);
}

static void put_keys(admin_call *call) {
  static const char *const members[] = {"keys", "forbidden", NULL};
  engine_text keys[MAX_KEYS];
  engine_text forbidden[MAX_KEYS];
  size_t count = 0;
  size_t forbidden_count = 0;
  struct json_object *json = json_input_parse(call->body, "keys", &call->problem);
  bool good = json != NULL && json_input_object(json, members, "keys", &call->problem) &&
              read_keys(json, "keys", keys, &count, &call->problem) &&
              read_keys(json, "forbidden", forbidden, &forbidden_count, &call->problem);
  if (!good)
    refuse(call->answer, 400, call->problem.text);
  else if (!engine_set_keys(call->engine, keys, count, forbidden, forbidden_count))
    refuse(call->answer, 500, "out of memory");
  else
    answer_format(call->answer, 200, "{\"keys\":%zu,\"forbidden\":%zu}", count, forbidden_count);
  json_object_put(json);
}

static const struct {
  const char *path;
  const char *method;
  void (*handle)(admin_call *call);
  const char *allow; /* all methods of the path */
} calls[] = {
    {"/state", "GET", get_state, "GET"},
    {"/requests", "GET", get_requests, "GET, DELETE"},
    {"/requests", "DELETE", delete_requests, "GET, DELETE"},
    {"/faults", "POST", post_faults, "POST, DELETE"},
    {"/faults", "DELETE", delete_faults, "POST, DELETE"},
    {"/clock", "POST", post_clock, "POST"},
    {"/keys", "PUT", put_keys, "PUT"},
};

bool admin_owns(const char *path) {
  size_t len = strlen(ADMIN_PREFIX);
  return strncmp(path, ADMIN_PREFIX, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

void admin_handle(engine *service, const admin_counters *counters, const char *method, const char *path, engine_text body,
                  admin_answer *out_answer) {
  admin_call call = {service, counters, body, out_answer, {""}};
  char message[80];
  *out_answer = (admin_answer){0};
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    if (strcmp(path + strlen(ADMIN_PREFIX), calls[i].path) != 0) continue;
    if (strcmp(method, calls[i].method) == 0) {
      out_answer->allow = NULL;
      calls[i].handle(&call);
      return;
    }
    out_answer->allow = calls[i].allow;
  }
  if (out_answer->allow == NULL) {
    refuse(out_answer, 404, "there are: " ADMIN_PREFIX "/state, /requests, /faults, /clock, /keys");
  } else {
    snprintf(message, sizeof message, "the methods here are: %s", out_answer->allow);
    refuse(out_answer, 405, message);
  }
}
