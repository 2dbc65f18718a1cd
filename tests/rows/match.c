/* SPDX-License-Identifier: MIT */
#include "match.h"

#include <regex.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void test_problem(test_bytes *problems, const char *format, ...) {
  char *text = NULL;
  va_list args;
  va_start(args, format);
  if (vasprintf(&text, format, args) < 0) test_die("no memory");
  va_end(args);
  test_bytes_format(problems, "  %s\n", text);
  free(text);
}

static const char *show(json_object *value) {
  return value == NULL ? "nothing"
                       : json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

/* Long values are cut: nobody reads a MiB of padding. */
static void mismatch(test_bytes *problems, const char *what, json_object *expected, json_object *got) {
  char *wanted = strdup(show(expected));
  test_problem(problems, "%s: expected %.400s, got %.400s", what, wanted, show(got));
  free(wanted);
}

static bool matches_regex(json_object *pattern, json_object *got) {
  regex_t regex;
  if (!json_object_is_type(got, json_type_string)) return false;
  if (regcomp(&regex, json_object_get_string(pattern), REG_EXTENDED | REG_NOSUB) != 0)
    test_die("no regular expression: %s", show(pattern));
  bool matched = regexec(&regex, json_object_get_string(got), 0, NULL, 0) == 0;
  regfree(&regex);
  return matched;
}

static bool contains_all(json_object *parts, json_object *got) {
  for (size_t i = 0; i < json_object_array_length(parts); i++)
    if (got == NULL || strstr(json_object_get_string(got), json_object_get_string(json_object_array_get_idx(parts, i))) == NULL)
      return false;
  return true;
}

static bool is_within(json_object *expected, json_object *got) {
  json_object *min = NULL, *max = NULL;
  int64_t number = json_object_get_int64(got);
  if (!json_object_is_type(got, json_type_int)) return false;
  if (json_object_object_get_ex(expected, "min", &min) && number < json_object_get_int64(min)) return false;
  return !json_object_object_get_ex(expected, "max", &max) || number <= json_object_get_int64(max);
}

static bool is_nothing(json_object *got) {
  if (got == NULL) return true;
  if (json_object_is_type(got, json_type_string)) return json_object_get_string_len(got) == 0;
  if (json_object_is_type(got, json_type_array)) return json_object_array_length(got) == 0;
  return json_object_is_type(got, json_type_int) && json_object_get_int64(got) <= 0;
}

static void match_members(test_bytes *problems, const char *what, json_object *expected, json_object *got) {
  json_object_object_foreach(expected, key, value) {
    test_bytes path = {0};
    test_bytes_format(&path, "%s.%s", what, key);
    test_match(problems, path.data, value, json_object_object_get(got, key));
    test_bytes_clear(&path);
  }
}

static void match_list(test_bytes *problems, const char *what, json_object *expected, json_object *got) {
  size_t count = json_object_array_length(expected);
  if (!json_object_is_type(got, json_type_array) || json_object_array_length(got) != count) {
    mismatch(problems, what, expected, got);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    test_bytes path = {0};
    test_bytes_format(&path, "%s[%zu]", what, i);
    test_match(problems, path.data, json_object_array_get_idx(expected, i), json_object_array_get_idx(got, i));
    test_bytes_clear(&path);
  }
}

void test_match(test_bytes *problems, const char *what, json_object *expected, json_object *got) {
  json_object *rule = NULL;
  bool fits = true;
  if (expected == NULL) {
    fits = is_nothing(got);
  } else if (json_object_is_type(expected, json_type_array)) {
    match_list(problems, what, expected, got);
  } else if (!json_object_is_type(expected, json_type_object)) {
    fits = got != NULL && json_object_equal(expected, got);
  } else if (json_object_object_get_ex(expected, "match", &rule)) {
    fits = matches_regex(rule, got);
  } else if (json_object_object_get_ex(expected, "contains", &rule)) {
    fits = contains_all(rule, got);
  } else if (json_object_object_get_ex(expected, "min", NULL) || json_object_object_get_ex(expected, "max", NULL)) {
    fits = is_within(expected, got);
  } else if (json_object_is_type(got, json_type_object)) {
    match_members(problems, what, expected, got);
  } else {
    fits = false;
  }
  if (!fits) mismatch(problems, what, expected, got);
}
