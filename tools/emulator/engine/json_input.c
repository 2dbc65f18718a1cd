/* SPDX-License-Identifier: MIT */
#include "json_input.h"

#include "internal.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

bool json_input_fail(engine_problem *out_problem, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(out_problem->text, sizeof out_problem->text, format, arguments);
  va_end(arguments);
  return false;
}

struct json_object *json_input_parse(engine_text text, const char *where, engine_problem *out_problem) {
  struct json_tokener *tokener = json_tokener_new_ex(64);
  if (tokener == NULL || text.len >= INT_MAX) {
    json_input_fail(out_problem, "%s: %s", where, tokener == NULL ? "out of memory" : "too long");
    if (tokener != NULL) json_tokener_free(tokener);
    return NULL;
  }
  json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
  struct json_object *value = json_tokener_parse_ex(tokener, text.data, (int)text.len);
  enum json_tokener_error error = json_tokener_get_error(tokener);
  size_t end = json_tokener_get_parse_end(tokener);
  json_tokener_free(tokener);
  if (error == json_tokener_success && value != NULL) return value;
  const char *reason = error == json_tokener_continue ? "it ends too early" : json_tokener_error_desc(error);
  json_input_fail(out_problem, "%s: not a JSON object or list: %s, at byte %zu", where, reason, end);
  json_object_put(value);
  return NULL;
}

/* Writes a list of names for a message. */
static void join(const char *const *names, char *out, size_t size) {
  size_t used = 0;
  out[0] = '\0';
  for (size_t i = 0; names[i] != NULL && used < size; i++) {
    int wrote = snprintf(out + used, size - used, "%s%s", i == 0 ? "" : ", ", names[i]);
    used += wrote > 0 ? (size_t)wrote : 0;
  }
}

static bool contains(const char *const *names, const char *name) {
  for (size_t i = 0; names[i] != NULL; i++) {
    if (strcmp(names[i], name) == 0) return true;
  }
  return false;
}

bool json_input_object(struct json_object *value, const char *const *names, const char *where, engine_problem *out_problem) {
  char known[180];
  join(names, known, sizeof known);
  if (!json_object_is_type(value, json_type_object))
    return json_input_fail(out_problem, "%s: must be an object with: %s", where, known);
  json_object_object_foreach(value, name, unused) {
    (void)unused;
    if (!contains(names, name)) {
      return json_input_fail(out_problem, "%s: unknown member '%.24s'; there are: %s", where, name, known);
    }
  }
  return true;
}

bool json_input_number(struct json_object *object, const char *name, int64_t min, int64_t max, const char *where, int64_t *out,
                       engine_problem *out_problem) {
  struct json_object *value = NULL;
  if (!json_object_object_get_ex(object, name, &value)) return true;
  int64_t number = json_object_get_int64(value);
  if (!json_object_is_type(value, json_type_int) || number < min || number > max) {
    return json_input_fail(out_problem, "%s.%s: must be a whole number from %lld to %lld", where, name, (long long)min,
                           (long long)max);
  }
  *out = number;
  return true;
}

bool json_input_bool(struct json_object *object, const char *name, const char *where, bool *out, engine_problem *out_problem) {
  struct json_object *value = NULL;
  if (!json_object_object_get_ex(object, name, &value)) return true;
  if (!json_object_is_type(value, json_type_boolean))
    return json_input_fail(out_problem, "%s.%s: must be true or false", where, name);
  *out = json_object_get_boolean(value);
  return true;
}

static engine_text text_of(struct json_object *value) {
  return (engine_text){json_object_get_string(value), (size_t)json_object_get_string_len(value)};
}

bool json_input_text(struct json_object *object, const char *name, const char *where, engine_text *out,
                     engine_problem *out_problem) {
  struct json_object *value = NULL;
  if (!json_object_object_get_ex(object, name, &value)) return true;
  if (!json_object_is_type(value, json_type_string)) return json_input_fail(out_problem, "%s.%s: must be a text", where, name);
  *out = text_of(value);
  return true;
}

bool json_input_choice(struct json_object *object, const char *name, const char *const *choices, const char *where, int *out,
                       engine_problem *out_problem) {
  engine_text text = {NULL, 0};
  char known[180];
  if (!json_object_object_get_ex(object, name, NULL)) return true;
  if (!json_input_text(object, name, where, &text, out_problem)) return false;
  for (int i = 0; choices[i] != NULL; i++) {
    if (!text_is(text, choices[i])) continue;
    *out = i;
    return true;
  }
  join(choices, known, sizeof known);
  return json_input_fail(out_problem, "%s.%s: must be one of: %s", where, name, known);
}

static bool is_pair(struct json_object *pair) {
  if (!json_object_is_type(pair, json_type_array) || json_object_array_length(pair) != 2) return false;
  struct json_object *name = json_object_array_get_idx(pair, 0);
  struct json_object *value = json_object_array_get_idx(pair, 1);
  if (!json_object_is_type(name, json_type_string) || !json_object_is_type(value, json_type_string)) return false;
  return engine_is_token(text_of(name)) && engine_is_field_value(text_of(value));
}

bool json_input_headers(struct json_object *object, const char *name, size_t max, const char *where, struct json_object **out,
                        engine_problem *out_problem) {
  struct json_object *list = NULL;
  *out = NULL;
  if (!json_object_object_get_ex(object, name, &list)) return true;
  bool good = json_object_is_type(list, json_type_array) && json_object_array_length(list) <= max;
  for (size_t i = 0; good && i < json_object_array_length(list); i++) good = is_pair(json_object_array_get_idx(list, i));
  if (!good) {
    return json_input_fail(out_problem, "%s.%s: must be a list of at most %zu pairs [name, value], such as [[\"X-Test\",\"1\"]]",
                           where, name, max);
  }
  *out = list;
  return true;
}

engine_header json_input_header(struct json_object *list, size_t index) {
  struct json_object *pair = json_object_array_get_idx(list, index);
  return (engine_header){text_of(json_object_array_get_idx(pair, 0)), text_of(json_object_array_get_idx(pair, 1))};
}
