/* SPDX-License-Identifier: MIT */
/* Makes answers. */
#include "internal.h"

#include <json-c/json.h>
#include <stdlib.h>

static const struct {
  int status;
  const char *code; /* NULL: GENERIC_ERROR */
  const char *reason;
} statuses[] = {
    {100, NULL, "Continue"},
    {101, NULL, "Switching Protocols"},
    {102, NULL, "Processing"},
    {103, NULL, "Early Hints"},
    {200, NULL, "OK"},
    {201, NULL, "Created"},
    {202, NULL, "Accepted"},
    {204, NULL, "No Content"},
    {301, NULL, "Moved Permanently"},
    {302, NULL, "Found"},
    {303, NULL, "See Other"},
    {304, NULL, "Not Modified"},
    {307, NULL, "Temporary Redirect"},
    {308, NULL, "Permanent Redirect"},
    {400, "VALIDATION_ERROR", "Bad Request"},
    {401, "AUTHORIZATION_ERROR", "Unauthorized"},
    {403, "FORBIDDEN_ERROR", "Forbidden"},
    {404, "NOT_FOUND_ERROR", "Not Found"},
    {405, NULL, "Method Not Allowed"},
    {408, NULL, "Request Timeout"},
    {409, NULL, "Conflict"},
    {413, NULL, "Content Too Large"},
    {415, NULL, "Unsupported Media Type"},
    {422, NULL, "Unprocessable Content"},
    {429, NULL, "Too Many Requests"},
    {500, "INTERNAL_SERVER_ERROR", "Internal Server Error"},
    {501, NULL, "Not Implemented"},
    {502, NULL, "Bad Gateway"},
    {503, "SERVICE_UNAVAILABLE", "Service Unavailable"},
    {504, NULL, "Gateway Timeout"},
};

const char *engine_reason(int status) {
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    if (statuses[i].status == status) return statuses[i].reason;
  }
  return "Unknown";
}

const char *code_for_status(int status) {
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    if (statuses[i].status == status && statuses[i].code != NULL) return statuses[i].code;
  }
  return "GENERIC_ERROR";
}

void answer_header(exchange *x, const char *name, const char *value) {
  engine_answer *a = x->answer;
  if (a->header_count == ENGINE_MAX_ANSWER_HEADERS) return;
  engine_answer_header *place = &a->headers[a->header_count++];
  place->name = text_copy((engine_text){name, strlen(name)});
  place->value = text_copy((engine_text){value, strlen(value)});
  if (place->name == NULL || place->value == NULL) x->out_of_memory = true;
}

static void wipe_body(engine_answer *a) {
  if (a->body != NULL) explicit_bzero(a->body, a->body_len);
  free(a->body);
  a->body = NULL;
  a->body_len = a->body_sent = 0;
}

void answer_body(exchange *x, const char *body, size_t len) {
  engine_answer *a = x->answer;
  wipe_body(a);
  a->body = text_copy((engine_text){body, len});
  if (a->body == NULL)
    x->out_of_memory = true;
  else
    a->body_len = a->body_sent = len;
}

void engine_answer_clear(engine_answer *answer) {
  wipe_body(answer);
  for (size_t i = 0; i < answer->header_count; i++) {
    free(answer->headers[i].name);
    free(answer->headers[i].value);
  }
  *answer = (engine_answer){0};
}

static bool add(struct json_object *object, const char *name, struct json_object *value) {
  if (value != NULL && json_object_object_add(object, name, value) == 0) return true;
  json_object_put(value);
  return false;
}

static bool add_details(const exchange *x, struct json_object *object, const char *name) {
  struct json_object *list = json_object_new_array();
  if (!add(object, name, list)) return false;
  for (size_t i = 0; i < x->detail_count; i++) {
    struct json_object *item = json_object_new_object();
    if (item == NULL || !add(item, "details", json_object_new_string(x->details[i])) || json_object_array_add(list, item) != 0) {
      json_object_put(item);
      return false;
    }
  }
  return true;
}

/* The error object in the shape that was chosen. */
static bool fill_error(const exchange *x, struct json_object *object, int status, const char *code, const char *message) {
  bool newer = x->engine->settings.error_shape == ENGINE_ERRORS_NEW;
  if (!add(object, "code", json_object_new_string(code)) || !add(object, "message", json_object_new_string(message)))
    return false;
  if (!add(object, "traceId", json_object_new_string(x->answer->trace_id))) return false;
  if (newer && !add(object, "statusCode", json_object_new_int(status))) return false;
  return add_details(x, object, newer ? "details" : "errors");
}

void answer_error(exchange *x, int status, const char *code, const char *message) {
  struct json_object *object = json_object_new_object();
  size_t len = 0;
  const char *text = NULL;
  x->answer->status = status;
  x->code = code;
  if (object != NULL && fill_error(x, object, status, code, message)) {
    text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
  }
  if (text != NULL)
    answer_body(x, text, len);
  else
    x->out_of_memory = true;
  json_object_put(object);
}

void answer_apply_fault(exchange *x, const fault *f) {
  engine_answer *a = x->answer;
  a->delay_ms = f->delay_ms;
  a->drop = f->drop;
  if (f->body != NULL) answer_body(x, f->body, f->body_len);
  if (f->retry_after != NULL) answer_header(x, "Retry-After", f->retry_after);
  for (size_t i = 0; i < f->header_count; i++) answer_header(x, f->headers[i].name, f->headers[i].value);
  if (f->truncate_body >= 0 && a->body_len > 0) {
    /* Always less than was announced: otherwise it would be no truncation. */
    a->body_sent = (uint64_t)f->truncate_body < a->body_len ? (size_t)f->truncate_body : a->body_len - 1;
    a->drop = ENGINE_DROP_AFTER_RESPONSE;
  }
}
