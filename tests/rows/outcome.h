/* SPDX-License-Identifier: MIT */
/*
 * The outcome of a call as JSON in the words of the vectors, from whichever door the call went through:
 * {"status", "phase", "delivery", "http_status", "service_code", "service_message", "details", "trace_id", "retry_after_ms",
 *  "repeatable", "field", "message", "attempts": how many, "attempt_list": [{..}, ..], "secret", "life_ms"}
 */
#ifndef TEST_OUTCOME_H
#define TEST_OUTCOME_H

#include <json-c/json.h>
#include <plastiq/plastiq.h>

#include "bytes.h"
#include "vector.h"

/* Every text that the library let out on the way, for the search for what it must not let out. */
typedef struct test_outcome {
  json_object *json;
  test_bytes texts;
} test_outcome;

/* What a failed function left. Frees the error. */
void test_outcome_error(test_outcome *outcome, int32_t status, plq_error *error);
/* What a call brought. Frees the response. */
void test_outcome_response(test_outcome *outcome, plq_response *response);
void test_outcome_clear(test_outcome *outcome);

/* Makes a request from a case and calls. */
void test_call_plain(test_outcome *outcome, const test_case *from, plq_client_id client);
/* The same through a completion queue. */
void test_call_queue(test_outcome *outcome, const test_case *from, plq_client_id client);
/* The same by message, through a queue. */
void test_call_queue_message(test_outcome *outcome, const test_case *from, plq_client_id client);
/* The same through plq_call_message(). */
void test_call_message(test_outcome *outcome, const test_case *from, plq_client_id client);
/* Why a case cannot go through the message door, or NULL. */
const char *test_call_message_unable(const test_case *from);

#endif
