/* SPDX-License-Identifier: MIT */
#include "outcome.h"

static const char *text_of(json_object *value, size_t *out_len) {
  *out_len = value == NULL ? 0 : (size_t)json_object_get_string_len(value);
  return value == NULL ? NULL : json_object_get_string(value);
}

static int32_t set_params(plq_request *request, json_object *params, plq_error **error) {
  if (params == NULL) return PLQ_OK;
  json_object_object_foreach(params, key, member) {
    size_t len = 0;
    const char *value = text_of(member, &len);
    int32_t status = plq_request_set(request, key, PLQ_NUL, value, len, error);
    if (status != PLQ_OK) return status;
  }
  return PLQ_OK;
}

static int32_t add_headers(plq_request *request, json_object *headers, plq_error **error) {
  for (size_t i = 0; headers != NULL && i < json_object_array_length(headers); i++) {
    json_object *header = json_object_array_get_idx(headers, i);
    size_t name_len = 0, value_len = 0;
    const char *name = text_of(json_object_object_get(header, "name"), &name_len);
    const char *value = text_of(json_object_object_get(header, "value"), &value_len);
    uint32_t flags = json_object_get_boolean(json_object_object_get(header, "sensitive")) ? PLQ_HEADER_SENSITIVE : 0;
    int32_t status = plq_request_add_header(request, name, name_len, value, value_len, flags, error);
    if (status != PLQ_OK) return status;
  }
  return PLQ_OK;
}

static int32_t set_rest(plq_request *request, json_object *json, plq_error **error) {
  json_object *value = NULL;
  int32_t status = PLQ_OK;
  if (json_object_object_get_ex(json, "extra", &value))
    status = plq_request_set_extra(request, json_object_get_string(value), PLQ_NUL, error);
  if (status == PLQ_OK && json_object_object_get_ex(json, "timeout_ms", &value))
    status = plq_request_set_timeout_ms(request, json_object_get_int64(value), error);
  if (status == PLQ_OK && json_object_object_get_ex(json, "max_repeats", &value))
    status = plq_request_set_max_repeats(request, (uint32_t)json_object_get_int64(value), error);
  return status;
}

static int32_t make_request(const test_case *from, plq_request **out_request, plq_error **error) {
  json_object *operation = NULL;
  const char *name = "client_secrets.create";
  if (json_object_object_get_ex(from->json, "operation", &operation)) name = json_object_get_string(operation);
  int32_t status = plq_request_new(name, PLQ_NUL, out_request, error);
  if (status == PLQ_OK) status = set_params(*out_request, json_object_object_get(from->json, "params"), error);
  if (status == PLQ_OK) status = add_headers(*out_request, json_object_object_get(from->json, "headers"), error);
  return status == PLQ_OK ? set_rest(*out_request, from->json, error) : status;
}

static void call(test_outcome *outcome, const test_case *from, plq_client_id client,
                 int32_t (*send)(plq_client_id, const plq_request *, plq_response **, plq_error **)) {
  plq_request *request = NULL;
  plq_response *response = NULL;
  plq_error *error = NULL;
  int32_t status = make_request(from, &request, &error);
  if (status == PLQ_OK) status = send(client, request, &response, &error);
  if (status == PLQ_OK)
    test_outcome_response(outcome, response);
  else
    test_outcome_error(outcome, status, error);
  plq_request_free(request);
}

void test_call_plain(test_outcome *outcome, const test_case *from, plq_client_id client) {
  call(outcome, from, client, plq_call);
}

enum { TAG = 4711 };

static int32_t call_through_queue(plq_client_id client, const plq_request *request, plq_response **out_response,
                                  plq_error **out_error) {
  plq_queue_id queue = 0;
  plq_completion *completion = NULL;
  int32_t status = plq_queue_new(client, &queue, out_error);
  if (status == PLQ_OK) status = plq_queue_submit(queue, request, TAG, 0, NULL, out_error);
  if (status == PLQ_OK) {
    status = plq_queue_next(queue, -1, &completion);
    if (status != PLQ_OK || plq_completion_tag(completion) != TAG) test_die("next: %s", plq_status_name(status));
    status = plq_completion_status(completion);
    *out_response = plq_completion_take_response(completion);
    *out_error = plq_completion_take_error(completion);
    plq_completion_free(completion);
    if (plq_queue_next(queue, 0, &completion) != PLQ_E_QUEUE_EMPTY) test_die("a second completion came");
  }
  plq_queue_free(queue);
  return status;
}

void test_call_queue(test_outcome *outcome, const test_case *from, plq_client_id client) {
  call(outcome, from, client, call_through_queue);
}
