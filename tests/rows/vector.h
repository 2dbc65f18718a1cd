/* SPDX-License-Identifier: MIT */
/* Vectors: cases as data, read from tests/vectors. The format is described in tests/vectors/README.md. */
#ifndef TEST_VECTOR_H
#define TEST_VECTOR_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct test_case {
  int row;
  const char *name;
  json_object *json; /* the whole case, macros written out */
  const char *why;   /* why it does not run on every transport; NULL: it does */
} test_case;

typedef struct test_cases {
  test_case *cases;
  size_t count;
} test_cases;

/* Reads every file of a folder, in the order of their names; only cases of a row, unless that is 0. Ends the program on nonsense.
 */
test_cases test_cases_load(const char *folder, int row);
void test_cases_free(test_cases *cases);

/* What is expected on a transport. */
json_object *test_case_outcome(const test_case *self, const char *transport);
bool test_case_runs_on(const test_case *self, const char *transport);

#endif
