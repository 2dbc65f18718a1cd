/* SPDX-License-Identifier: MIT */
#include "outcome.h"

#include <stdlib.h>
#include <string.h>

static void add_text(test_outcome *outcome, const char *key, const char *text, size_t len) {
  if (text == NULL || strlen(text) != len) test_die("%s: the text and its length differ", key);
  json_object_object_add(outcome->json, key, json_object_new_string_len(text, (int)len));
  test_bytes_format(&outcome->texts, "%s: %s\n", key, text);
}

static void add_number(json_object *object, const char *key, int64_t number) {
  json_object_object_add(object, key, json_object_new_int64(number));
}

static void add_name(json_object *object, const char *key, const char *name) {
  json_object_object_add(object, key, json_object_new_string(name));
}

static int64_t attempt_number(const plq_attempts *attempts, uint32_t index, int32_t which) {
  int64_t number = 0;
  if (plq_attempts_number(attempts, index, which, &number) != PLQ_OK) test_die("attempt %u has no number %d", index, which);
  return number;
}

static void add_attempts(test_outcome *outcome, const plq_attempts *attempts) {
  static const int32_t texts[] = {PLQ_ATTEMPT_PEER, PLQ_ATTEMPT_TRACE_ID, PLQ_ATTEMPT_MESSAGE};
  json_object *list = json_object_new_array();
  uint32_t count = plq_attempts_count(attempts);
  for (uint32_t i = 0; i < count; i++) {
    json_object *attempt = json_object_new_object();
    add_name(attempt, "status", plq_status_name((int32_t)attempt_number(attempts, i, PLQ_ATTEMPT_STATUS)));
    add_name(attempt, "phase", plq_phase_name((int32_t)attempt_number(attempts, i, PLQ_ATTEMPT_PHASE)));
    add_name(attempt, "delivery", plq_delivery_name((int32_t)attempt_number(attempts, i, PLQ_ATTEMPT_DELIVERY)));
    add_number(attempt, "http_status", attempt_number(attempts, i, PLQ_ATTEMPT_HTTP_STATUS));
    add_number(attempt, "token", attempt_number(attempts, i, PLQ_ATTEMPT_TOKEN));
    add_number(attempt, "reused", attempt_number(attempts, i, PLQ_ATTEMPT_REUSED));
    add_number(attempt, "wait_us", attempt_number(attempts, i, PLQ_ATTEMPT_WAIT_US));
    add_number(attempt, "total_us", attempt_number(attempts, i, PLQ_ATTEMPT_TOTAL_US));
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
      test_bytes_format(&outcome->texts, "attempt: %s\n", plq_attempts_text(attempts, i, texts[t], NULL));
    json_object_array_add(list, attempt);
  }
  add_number(outcome->json, "attempts", count);
  json_object_object_add(outcome->json, "attempt_list", list);
}

static void add_load_log(test_outcome *outcome, const plq_error *error) {
  for (uint32_t i = 0; i < plq_error_load_count(error); i++)
    for (int32_t which = PLQ_LOAD_PATH; which <= PLQ_LOAD_REASON; which++)
      test_bytes_format(&outcome->texts, "load: %s\n", plq_error_load_text(error, i, which, NULL));
}

static void add_error_texts(test_outcome *outcome, plq_error *error) {
  size_t len = 0;
  const char *text = plq_error_message(error, &len);
  add_text(outcome, "message", text, len);
  text = plq_error_field(error, &len);
  add_text(outcome, "field", text, len);
  text = plq_error_service_code(error, &len);
  add_text(outcome, "service_code", text, len);
  text = plq_error_service_message(error, &len);
  add_text(outcome, "service_message", text, len);
  text = plq_error_trace_id(error, &len);
  add_text(outcome, "trace_id", text, len);
  text = plq_error_json(error, &len);
  json_object *parsed = json_tokener_parse(text);
  if (parsed == NULL) test_die("the error's JSON is none: %s", text);
  json_object_put(parsed);
  test_bytes_format(&outcome->texts, "json: %s\n", text);
}

void test_outcome_error(test_outcome *outcome, int32_t status, plq_error *error) {
  json_object *details = json_object_new_array();
  outcome->json = json_object_new_object();
  if (error == NULL) test_die("%s without an error", plq_status_name(status));
  if (plq_error_status(error) != status) test_die("the error has another status than %s", plq_status_name(status));
  if (plq_error_kind(error) != plq_status_kind(status)) test_die("the error has another kind than its status");
  add_name(outcome->json, "status", plq_status_name(status));
  add_name(outcome->json, "kind", plq_kind_name(plq_error_kind(error)));
  add_name(outcome->json, "phase", plq_phase_name(plq_error_phase(error)));
  add_name(outcome->json, "delivery", plq_delivery_name(plq_error_delivery(error)));
  add_number(outcome->json, "http_status", plq_error_http_status(error));
  add_number(outcome->json, "repeatable", plq_error_repeatable(error));
  add_number(outcome->json, "retry_after_ms", plq_error_retry_after_ms(error));
  add_error_texts(outcome, error);
  for (uint32_t i = 0; i < plq_error_detail_count(error); i++) {
    size_t len = 0;
    const char *text = plq_error_detail(error, i, &len);
    json_object_array_add(details, json_object_new_string_len(text, (int)len));
    test_bytes_format(&outcome->texts, "detail: %s\n", text);
  }
  json_object_object_add(outcome->json, "details", details);
  add_attempts(outcome, plq_error_attempts(error));
  add_load_log(outcome, error);
  plq_error_free(error);
}

static void add_secret(test_outcome *outcome, plq_response *response) {
  plq_secret *secret = NULL;
  char *buffer = test_alloc(1 << 20);
  size_t len = 0;
  if (plq_response_take_secret(response, "client_secret", PLQ_NUL, &secret) != PLQ_OK) test_die("a success without a secret");
  add_number(outcome->json, "life_ms", plq_secret_life_ms(secret));
  if (plq_secret_take(secret, buffer, 1 << 20, &len) != PLQ_OK) test_die("the secret cannot be taken");
  json_object_object_add(outcome->json, "secret", json_object_new_string_len(buffer, (int)len));
  plq_secret_free(secret);
  free(buffer);
}

void test_outcome_response(test_outcome *outcome, plq_response *response) {
  size_t len = 0;
  outcome->json = json_object_new_object();
  if (response == NULL) test_die("a success without a response");
  add_name(outcome->json, "status", "PLQ_OK");
  add_number(outcome->json, "http_status", plq_response_http_status(response));
  const char *trace_id = plq_response_trace_id(response, &len);
  add_text(outcome, "trace_id", trace_id, len);
  add_attempts(outcome, plq_response_attempts(response));
  add_secret(outcome, response);
  plq_response_free(response);
}

void test_outcome_clear(test_outcome *outcome) {
  json_object_put(outcome->json);
  test_bytes_clear(&outcome->texts);
  *outcome = (test_outcome){0};
}
