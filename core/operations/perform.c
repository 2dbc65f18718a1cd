/* SPDX-License-Identifier: MIT */
#include "perform.h"

#include <json-c/json.h>
#include <plastiq/version.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../pipeline/call.h"

/* ---- the body ---- */

static int32_t conflict(const struct plq__field *field, plq_error **out_error) {
  return plq__fail(out_error, PLQ_E_EXTRA_CONFLICT, field->name, "%s is set as a field and is also an extra member; set it once", field->name);
}

/* Puts a field into the body, inside another object if its path says so. */
static int32_t add_field(json_object *body, const struct plq__field *field, const char *value, plq_error **out_error) {
  json_object *parent = body, *found = NULL;
  const char *leaf = field->json[0];
  if (field->json[1] != NULL) {
    leaf = field->json[1];
    if (!json_object_object_get_ex(body, field->json[0], &parent)) {
      parent = json_object_new_object();
      if (parent == NULL || json_object_object_add(body, field->json[0], parent) != 0) return plq__fail_plain(out_error, PLQ_E_MEMORY);
    }
    if (!json_object_is_type(parent, json_type_object)) return conflict(field, out_error);
  }
  if (json_object_object_get_ex(parent, leaf, &found)) return conflict(field, out_error);
  json_object *text = json_object_new_string(value);
  if (text == NULL || json_object_object_add(parent, leaf, text) != 0) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  return PLQ_OK;
}

static int32_t make_body(const plq_request *request, json_object **out_body, plq_error **out_error) {
  json_object *body = NULL;
  if (request->extra == NULL)
    body = json_object_new_object();
  else if (json_object_deep_copy(request->extra, &body, NULL) != 0)
    body = NULL;
  int32_t status = body != NULL ? PLQ_OK : plq__fail_plain(out_error, PLQ_E_MEMORY);
  for (size_t i = 0; i < request->operation->field_count && status == PLQ_OK; i++) {
    const struct plq__field *field = &request->operation->fields[i];
    if (field->json[0] != NULL && request->values[i] != NULL) status = add_field(body, field, request->values[i], out_error);
  }
  *out_body = body;
  return status;
}

/* ---- the headers ---- */

struct headers {
  plq_transport_header *rows;
  size_t count;
  struct plq__text *secrets; /* the values that are sensitive */
  size_t secret_count;
};

static void add(struct headers *headers, const char *name, const char *value, bool sensitive) {
  headers->rows[headers->count++] = (plq_transport_header){.name = name,
                                                           .name_len = strlen(name),
                                                           .value = value,
                                                           .value_len = strlen(value),
                                                           .flags = sensitive ? PLQ_TRANSPORT_HEADER_SENSITIVE : 0};
  if (sensitive) headers->secrets[headers->secret_count++] = plq__text_in(value, PLQ_NUL);
}

static const char *value_of(const plq_request *request, const char *header) {
  for (size_t i = 0; i < request->operation->field_count; i++) {
    const char *name = request->operation->fields[i].header;
    if (name != NULL && strcmp(name, header) == 0) return request->values[i];
  }
  return NULL;
}

static bool make_headers(const plq_request *request, const char *trace_id, struct headers *out) {
  enum { ALWAYS = 5 };
  size_t most = ALWAYS + request->operation->field_count;
  for (const struct plq__header *header = request->headers; header != NULL; header = header->next) most++;
  memset(out, 0, sizeof *out);
  out->rows = plq__alloc(most * sizeof *out->rows);
  out->secrets = plq__alloc(most * sizeof *out->secrets);
  if (out->rows == NULL || out->secrets == NULL) return false;
  add(out, "Accept", "application/json", false);
  add(out, "Accept-Encoding", "identity", false);
  add(out, "Content-Type", "application/json", false);
  add(out, "Trace-Id", trace_id, false);
  if (value_of(request, "User-Agent") == NULL) add(out, "User-Agent", "libplastiq/" PLQ_VERSION_TEXT, false);
  for (size_t i = 0; i < request->operation->field_count; i++) {
    const struct plq__field *field = &request->operation->fields[i];
    if (field->header != NULL && request->values[i] != NULL && strcmp(field->header, "Trace-Id") != 0)
      add(out, field->header, request->values[i], false);
  }
  for (const struct plq__header *header = request->headers; header != NULL; header = header->next)
    add(out, header->name, header->value, header->sensitive);
  return true;
}

/* ---- the call ---- */

struct decoding {
  const struct plq__operation *operation;
  plq_response *response;
};

static int32_t decode(void *context, const char *body, size_t len, int64_t sent_life_ms, plq_error **out_error) {
  struct decoding *decoding = context;
  return plq__response_decode(decoding->operation, body, len, sent_life_ms, &decoding->response, out_error);
}

static bool may_repeat(const struct plq__client *client, const struct plq__operation *operation) {
  const char *list = client->settings.retry_operations;
  return list != NULL ? plq__list_has(list, plq__text_in(operation->name, PLQ_NUL)) : operation->repeatable;
}

static int32_t run_exchange(struct plq__client *client, struct plq__live *live, struct plq__run *run, const plq_request *request,
                            const struct headers *headers, const char *trace_id, json_object *body, plq_response **out_response,
                            plq_error **out_error) {
  const struct plq__operation *operation = request->operation;
  struct decoding decoding = {.operation = operation};
  struct plq__outcome outcome = {0};
  size_t body_len = 0;
  const char *text = json_object_to_json_string_length(body, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &body_len);
  if (text == NULL) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  const struct plq__exchange exchange = {
      .operation = operation->name,
      .method = operation->method,
      .path = operation->path,
      .headers = headers->rows,
      .header_count = headers->count,
      .body = (const uint8_t *)text,
      .body_len = body_len,
      .trace_id = trace_id,
      .may_repeat = may_repeat(client, operation),
      .timeout_ms = request->timeout_ms != 0 ? request->timeout_ms : client->settings.timeout_ms,
      .max_repeats = request->max_repeats >= 0 ? (uint32_t)request->max_repeats : client->settings.max_repeats,
      .success = operation->success,
      .success_count = operation->success_count,
      .secrets = headers->secrets,
      .secret_count = headers->secret_count,
      .decode = decode,
      .context = &decoding,
  };
  int32_t status = plq__call(client, live, run, &exchange, &outcome, out_error);
  if (status != PLQ_OK) return status;
  decoding.response->http_status = outcome.http_status;
  decoding.response->attempts = outcome.attempts;
  memcpy(decoding.response->trace_id, outcome.trace_id, sizeof outcome.trace_id);
  *out_response = decoding.response;
  return PLQ_OK;
}

static int32_t make_trace_id(struct plq__live *live, char made[37], plq_error **out_error) {
  if (plq__random_uuid(&live->random, made)) return PLQ_OK;
  plq__fail(out_error, PLQ_E_RESOURCE_SYSTEM, "trace_id",
            "the system gives no random bytes (is getrandom refused by a sandbox?), and the request's trace id is made of some; allow "
            "that system call, or set the field trace_id");
  if (out_error != NULL && *out_error != NULL) (*out_error)->phase = PLQ_PHASE_CONFIG;
  return PLQ_E_RESOURCE_SYSTEM;
}

int32_t plq__perform(struct plq__client *client, struct plq__live *live, struct plq__run *run, const plq_request *request,
                     plq_response **out_response, plq_error **out_error) {
  char made[37];
  struct headers headers = {0};
  json_object *body = NULL;
  const char *trace_id = value_of(request, "Trace-Id");
  int32_t status = trace_id == NULL ? make_trace_id(live, made, out_error) : PLQ_OK;
  if (trace_id == NULL) trace_id = made;
  if (status == PLQ_OK) status = make_body(request, &body, out_error);
  if (status == PLQ_OK && !make_headers(request, trace_id, &headers)) status = plq__fail_plain(out_error, PLQ_E_MEMORY);
  if (status == PLQ_OK)
    status = run_exchange(client, live, run, request, &headers, trace_id, body, out_response, out_error);
  plq__free(headers.secrets);
  plq__free(headers.rows);
  json_object_put(body);
  return status;
}
