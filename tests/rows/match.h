/* SPDX-License-Identifier: MIT */
/* Comparing what came with what a vector expects. Problems are gathered as lines of text, so that one run shows all of them. */
#ifndef TEST_MATCH_H
#define TEST_MATCH_H

#include <json-c/json.h>

#include "bytes.h"

/*
 * Compares a value with an expectation: a text or number as it is; {"match": regex}; {"contains": [text, ..]};
 * {"min": n, "max": n}; a list member by member; an object by the keys that it expects; null for absent, "", [], 0 or -1.
 */
void test_match(test_bytes *problems, const char *what, json_object *expected, json_object *got);

void test_problem(test_bytes *problems, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
