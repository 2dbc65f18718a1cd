/* SPDX-License-Identifier: MIT */
#include "vector.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

static const char *const known_keys[] = {
    "row",        "name",        "why",    "options",    "operation", "params",         "headers",         "extra",
    "timeout_ms", "max_repeats", "server", "transports", "responses", "wire_responses", "expect_requests", "outcome",
    "outcome_on",
};

static const char *const all_transports[] = {"stub", "curl", "openssl"};

bool test_case_runs_on(const test_case *self, const char *transport) {
  json_object *list = json_object_object_get(self->json, "transports");
  if (list == NULL) return true;
  for (size_t i = 0; i < json_object_array_length(list); i++)
    if (strcmp(json_object_get_string(json_object_array_get_idx(list, i)), transport) == 0) return true;
  return false;
}

json_object *test_case_outcome(const test_case *self, const char *transport) {
  json_object *own = json_object_object_get(json_object_object_get(self->json, "outcome_on"), transport);
  return own != NULL ? own : json_object_object_get(self->json, "outcome");
}

static bool is_known(const char *key) {
  for (size_t i = 0; i < sizeof known_keys / sizeof *known_keys; i++)
    if (strcmp(key, known_keys[i]) == 0) return true;
  return false;
}

static void check_case(const char *file, const test_case *made) {
  if (made->row < 1 || made->row > 26 || made->name == NULL) test_die("%s: a case needs a row and a name", file);
  json_object_object_foreach(made->json, key, value) {
    (void)value;
    if (!is_known(key)) test_die("%s: %s: no such key: %s", file, made->name, key);
  }
  if (json_object_object_get(made->json, "outcome_on") != NULL && made->why == NULL)
    test_die("%s: %s: it has another outcome on one transport and does not say why", file, made->name);
  for (size_t i = 0; i < sizeof all_transports / sizeof *all_transports; i++)
    if (!test_case_runs_on(made, all_transports[i]) && made->why == NULL)
      test_die("%s: %s: it does not run on %s and does not say why", file, made->name, all_transports[i]);
}

static const char *get_text(json_object *object, const char *key) {
  json_object *value = NULL;
  return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : NULL;
}

static void add_case(test_cases *cases, const char *file, json_object *json, int row) {
  test_case made = {.row = json_object_get_int(json_object_object_get(json, "row"))};
  if (row != 0 && made.row != row) return;
  made.json = test_expand(json);
  made.name = get_text(made.json, "name");
  made.why = get_text(made.json, "why");
  check_case(file, &made);
  cases->cases = realloc(cases->cases, (cases->count + 1) * sizeof made);
  if (cases->cases == NULL) test_die("no memory");
  cases->cases[cases->count++] = made;
}

static void load_file(test_cases *cases, const char *folder, const char *file, int row) {
  test_bytes path = {0};
  test_bytes_format(&path, "%s/%s", folder, file);
  json_object *json = json_object_from_file(path.data);
  if (json == NULL) test_die("%s", json_util_get_last_err());
  if (!json_object_is_type(json, json_type_array)) {
    add_case(cases, file, json, row);
  } else {
    for (size_t i = 0; i < json_object_array_length(json); i++) add_case(cases, file, json_object_array_get_idx(json, i), row);
  }
  json_object_put(json);
  test_bytes_clear(&path);
}

static int is_vector(const struct dirent *entry) {
  const char *end = strrchr(entry->d_name, '.');
  return strncmp(entry->d_name, "row-", 4) == 0 && end != NULL && strcmp(end, ".json") == 0;
}

test_cases test_cases_load(const char *folder, int row) {
  test_cases cases = {0};
  struct dirent **entries = NULL;
  int count = scandir(folder, &entries, is_vector, alphasort);
  if (count < 0) test_die("cannot read %s", folder);
  for (int i = 0; i < count; i++) {
    load_file(&cases, folder, entries[i]->d_name, row);
    free(entries[i]);
  }
  free(entries);
  return cases;
}

void test_cases_free(test_cases *cases) {
  for (size_t i = 0; i < cases->count; i++) json_object_put(cases->cases[i].json);
  free(cases->cases);
  *cases = (test_cases){0};
}
