/* SPDX-License-Identifier: MIT */
/* The queue of faults that a test asked for. */
#include "internal.h"
#include "json_input.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_FAULTS 1000
#define MAX_DELAY_MS INT64_C(3600000)

static const char *const members[] = {"count",   "path",        "status",   "code", "message",       "body",
                                      "headers", "retry_after", "delay_ms", "drop", "truncate_body", NULL};
static const char *const drops[] = {"none", "before_handling", "after_handling", "after_response", NULL};

void fault_free(fault *self) {
  if (self == NULL) return;
  for (size_t i = 0; i < self->header_count; i++) {
    free(self->headers[i].name);
    free(self->headers[i].value);
  }
  free(self->path);
  free(self->code);
  free(self->message);
  free(self->body);
  free(self->retry_after);
  free(self);
}

/* Copies an optional text; false: it is wrong, or there is no memory. */
static bool read_text(struct json_object *object, const char *name, const char *where, char **out, size_t *out_len,
                      engine_problem *problem) {
  engine_text text = {NULL, 0};
  if (!json_input_text(object, name, where, &text, problem)) return false;
  if (text.data == NULL) return true;
  *out = text_copy(text);
  if (out_len != NULL) *out_len = text.len;
  return *out != NULL || json_input_fail(problem, "%s: out of memory", where);
}

static bool read_retry_after(struct json_object *object, const char *where, fault *f, engine_problem *problem) {
  struct json_object *value = NULL;
  int64_t seconds = 0;
  char number[24];
  if (!json_object_object_get_ex(object, "retry_after", &value)) return true;
  if (json_object_is_type(value, json_type_string)) {
    if (!read_text(object, "retry_after", where, &f->retry_after, NULL, problem)) return false;
    engine_text text = {f->retry_after, (size_t)json_object_get_string_len(value)};
    return engine_is_field_value(text) || json_input_fail(problem, "%s.retry_after: has a control character", where);
  }
  if (!json_input_number(object, "retry_after", 0, INT32_MAX, where, &seconds, problem)) return false;
  int len = snprintf(number, sizeof number, "%lld", (long long)seconds);
  f->retry_after = text_copy((engine_text){number, (size_t)len});
  return f->retry_after != NULL || json_input_fail(problem, "%s: out of memory", where);
}

static bool read_headers(struct json_object *object, const char *where, fault *f, engine_problem *problem) {
  struct json_object *list = NULL;
  size_t max = sizeof f->headers / sizeof f->headers[0];
  if (!json_input_headers(object, "headers", max, where, &list, problem)) return false;
  for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
    engine_header pair = json_input_header(list, i);
    if (text_is_nocase(pair.name, "Content-Length") || text_is_nocase(pair.name, "Transfer-Encoding")) {
      return json_input_fail(problem, "%s.headers: the length is the server's business; to cut a body, use truncate_body", where);
    }
    engine_answer_header *copy = &f->headers[f->header_count++];
    copy->name = text_copy(pair.name);
    copy->value = text_copy(pair.value);
    if (copy->name == NULL || copy->value == NULL) return json_input_fail(problem, "%s: out of memory", where);
  }
  return true;
}

/* What contradicts itself is refused: it would test something else than its author thinks. */
static bool check_sense(const fault *f, const char *where, engine_problem *problem) {
  bool silent = f->drop == ENGINE_DROP_BEFORE_HANDLING || f->drop == ENGINE_DROP_AFTER_HANDLING;
  bool answers = f->status != 0 || f->body != NULL || f->retry_after != NULL || f->header_count > 0 || f->truncate_body >= 0;
  if (silent && answers) {
    return json_input_fail(problem,
                           "%s.drop: with before_handling and after_handling no answer is sent; leave out the rest of it", where);
  }
  if ((f->code != NULL || f->message != NULL) && (f->status < 400 || f->body != NULL)) {
    return json_input_fail(problem, "%s: code and message belong to a status from 400 on, without body", where);
  }
  bool any = silent || answers || f->delay_ms > 0 || f->drop != ENGINE_DROP_NONE;
  return any || json_input_fail(
                    problem, "%s: does nothing; give status, body, headers, retry_after, delay_ms, drop or truncate_body", where);
}

static bool read_fault(struct json_object *object, const char *where, fault *f, engine_problem *problem) {
  int64_t status = 0;
  int drop = ENGINE_DROP_NONE;
  f->count = 1;
  f->truncate_body = -1;
  if (!json_input_object(object, members, where, problem)) return false;
  if (!json_input_number(object, "count", 1, 1000000, where, &f->count, problem)) return false;
  if (!json_input_number(object, "status", 200, 599, where, &status, problem)) return false;
  if (!json_input_number(object, "delay_ms", 0, MAX_DELAY_MS, where, &f->delay_ms, problem)) return false;
  if (!json_input_number(object, "truncate_body", 0, INT32_MAX, where, &f->truncate_body, problem)) return false;
  if (!json_input_choice(object, "drop", drops, where, &drop, problem)) return false;
  if (!read_text(object, "path", where, &f->path, NULL, problem)) return false;
  if (!read_text(object, "code", where, &f->code, NULL, problem)) return false;
  if (!read_text(object, "message", where, &f->message, NULL, problem)) return false;
  if (!read_text(object, "body", where, &f->body, &f->body_len, problem)) return false;
  if (!read_retry_after(object, where, f, problem) || !read_headers(object, where, f, problem)) return false;
  f->status = (int)status;
  f->drop = (engine_drop)drop;
  return check_sense(f, where, problem);
}

static void free_list(fault *list) {
  while (list != NULL) {
    fault *next = list->next;
    fault_free(list);
    list = next;
  }
}

/* Reads faults into a list of their own, so that a mistake in the last one leaves the queue as it was. */
static bool read_list(struct json_object *json, fault **out_list, size_t *out_count, engine_problem *problem) {
  fault **end = out_list;
  bool many = json_object_is_type(json, json_type_array);
  *out_count = many ? json_object_array_length(json) : 1;
  if (*out_count > MAX_FAULTS) return json_input_fail(problem, "faults: at most %d at once", MAX_FAULTS);
  for (size_t i = 0; i < *out_count; i++) {
    char where[32];
    snprintf(where, sizeof where, "faults[%zu]", i);
    *end = calloc(1, sizeof **end);
    if (*end == NULL) return json_input_fail(problem, "%s: out of memory", where);
    if (!read_fault(many ? json_object_array_get_idx(json, i) : json, where, *end, problem)) return false;
    end = &(*end)->next;
  }
  return true;
}

bool engine_add_faults(engine *self, engine_text json, engine_problem *out_problem) {
  fault *list = NULL;
  size_t count = 0;
  bool good = false;
  struct json_object *parsed = json_input_parse(json, "faults", out_problem);
  if (parsed == NULL || !read_list(parsed, &list, &count, out_problem)) goto cleanup;
  if (self->fault_count + count > MAX_FAULTS) {
    json_input_fail(out_problem, "faults: at most %d can wait; DELETE removes them", MAX_FAULTS);
    goto cleanup;
  }
  fault **end = &self->faults;
  while (*end != NULL) end = &(*end)->next;
  *end = list;
  list = NULL;
  self->fault_count += count;
  good = true;
cleanup:
  free_list(list);
  json_object_put(parsed);
  return good;
}

void engine_clear_faults(engine *self) {
  free_list(self->faults);
  self->faults = NULL;
  self->fault_count = 0;
}

/* A fault's path is written with or without the base path. */
static bool path_matches(const engine *self, const fault *f, engine_text path) {
  if (f->path == NULL || text_is(path, f->path)) return true;
  size_t base_len = strlen(self->base_path);
  if (path.len < base_len || memcmp(path.data, self->base_path, base_len) != 0) return false;
  return text_is((engine_text){path.data + base_len, path.len - base_len}, f->path);
}

fault *faults_take(engine *self, engine_text path, bool *out_last) {
  fault **place = &self->faults;
  while (*place != NULL && !path_matches(self, *place, path)) place = &(*place)->next;
  fault *found = *place;
  *out_last = false;
  if (found == NULL) return NULL;
  self->journal.faults_applied++;
  *out_last = --found->count == 0;
  if (*out_last) {
    *place = found->next;
    self->fault_count--;
  }
  return found;
}
