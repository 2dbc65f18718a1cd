/* SPDX-License-Identifier: MIT */
#include "perform.h"

#include <json-c/json.h>
#include <plastiq/version.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"

/* ---- the body ---- */

static int32_t conflict(const struct plq__field *field, plq_error **out_error) {
  return plq__fail(out_error, PLQ_E_EXTRA_CONFLICT, field->name, "%s is set as a field and is also an extra member; set it once", field->name);
}

/* The key is a constant of the table, and was looked for: json-c need neither copy it nor look again. */
static bool add_member(json_object *object, const char *key, json_object *value) {
  if (value == NULL) return false;
  if (json_object_object_add_ex(object, key, value, JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY) == 0) return true;
  json_object_put(value);
  return false;
}

/* Puts a field into the body, inside another object if its path says so. */
static int32_t add_field(json_object *body, const struct plq__field *field, const char *value, bool has_extra, plq_error **out_error) {
  json_object *parent = body, *found = NULL;
  const char *leaf = field->json[0];
  if (field->json[1] != NULL) {
    leaf = field->json[1];
    if (!json_object_object_get_ex(body, field->json[0], &parent)) {
      parent = json_object_new_object();
      if (!add_member(body, field->json[0], parent)) return plq__fail_plain(out_error, PLQ_E_MEMORY);
    }
    if (!json_object_is_type(parent, json_type_object)) return conflict(field, out_error);
  }
  /* only an extra member can be in the way: fields have different names */
  if (has_extra && json_object_object_get_ex(parent, leaf, &found)) return conflict(field, out_error);
  return add_member(parent, leaf, json_object_new_string(value)) ? PLQ_OK : plq__fail_plain(out_error, PLQ_E_MEMORY);
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
    if (field->json[0] != NULL && request->values[i] != NULL) status = add_field(body, field, request->values[i], request->extra != NULL, out_error);
  }
  *out_body = body;
  return status;
}

/* ---- what is sent ---- */

enum { ALWAYS = 5 }; /* Accept, Accept-Encoding, Content-Type, Trace-Id, User-Agent */

/* The block: header rows, secrets, body, and the texts that belong to the request. */
struct building {
  struct plq__performing *performing;
  plq_transport_header *rows;
  struct plq__text *secrets;
  char *text; /* where the next one goes */
};

/* Texts of the request are copied; constants are not. */
static const char *keep(struct building *building, const char *text, size_t len) {
  char *at = building->text;
  memcpy(at, text, len);
  at[len] = '\0';
  building->text += len + 1;
  return at;
}

static void add(struct building *building, const char *name, const char *value, size_t value_len, bool sensitive) {
  struct plq__exchange *exchange = &building->performing->exchange;
  building->rows[exchange->header_count++] = (plq_transport_header){.name = name,
                                                                    .name_len = strlen(name),
                                                                    .value = value,
                                                                    .value_len = value_len,
                                                                    .flags = sensitive ? PLQ_TRANSPORT_HEADER_SENSITIVE : 0};
  if (sensitive) building->secrets[exchange->secret_count++] = (struct plq__text){value, value_len};
}

/* Of a field by its index; NULL if it is not set, or there is none. */
static const char *value_at(const plq_request *request, int32_t field) { return field >= 0 ? request->values[field] : NULL; }

#define ADD_CONSTANT(building, name, value) add(building, name, value, sizeof(value) - 1, false)

static void add_headers(struct building *building, const plq_request *request) {
  struct plq__performing *performing = building->performing;
  ADD_CONSTANT(building, "Accept", "application/json");
  ADD_CONSTANT(building, "Accept-Encoding", "identity");
  ADD_CONSTANT(building, "Content-Type", "application/json");
  add(building, "Trace-Id", performing->trace_id, strlen(performing->trace_id), false);
  if (value_at(request, request->operation->user_agent) == NULL) ADD_CONSTANT(building, "User-Agent", "libplastiq/" PLQ_VERSION_TEXT);
  for (size_t i = 0; i < request->operation->field_count; i++) {
    const struct plq__field *field = &request->operation->fields[i];
    if (field->header == NULL || request->values[i] == NULL || (int32_t)i == request->operation->trace_id) continue;
    size_t len = strlen(request->values[i]);
    add(building, field->header, keep(building, request->values[i], len), len, false);
  }
  for (const struct plq__header *header = request->headers; header != NULL; header = header->next) {
    const char *name = keep(building, header->name, strlen(header->name));
    add(building, name, keep(building, header->value, header->value_len), header->value_len, header->sensitive);
  }
}

/* Everything of a call in one block, so that a call that waits in a queue is small and asks for little memory. */
static bool build(struct plq__performing *performing, const plq_request *request, const char *body, size_t body_len) {
  size_t most = ALWAYS, secrets = 0, texts = body_len + 1;
  for (size_t i = 0; i < request->operation->field_count; i++) {
    if (request->operation->fields[i].header == NULL || request->values[i] == NULL) continue;
    most++;
    texts += strlen(request->values[i]) + 1;
  }
  for (const struct plq__header *header = request->headers; header != NULL; header = header->next) {
    most++;
    secrets += header->sensitive;
    texts += strlen(header->name) + header->value_len + 2;
  }
  size_t rows_size = most * sizeof(plq_transport_header), secrets_size = secrets * sizeof(struct plq__text);
  performing->block_size = rows_size + secrets_size + texts;
  performing->block = plq__alloc(performing->block_size);
  if (performing->block == NULL) return false;
  struct building building = {.performing = performing,
                              .rows = (plq_transport_header *)(void *)performing->block,
                              .secrets = (struct plq__text *)(void *)(performing->block + rows_size),
                              .text = performing->block + rows_size + secrets_size};
  performing->exchange.headers = building.rows;
  performing->exchange.secrets = building.secrets;
  performing->exchange.body = (const uint8_t *)keep(&building, body, body_len);
  performing->exchange.body_len = body_len;
  add_headers(&building, request);
  return true;
}

/* ---- the call ---- */

static int32_t decode(void *context, const char *body, size_t len, int64_t sent_life_ms, plq_error **out_error) {
  struct plq__performing *performing = context;
  return plq__response_decode(performing->operation, body, len, sent_life_ms, &performing->response, out_error);
}

static bool may_repeat(const struct plq__client *client, const struct plq__operation *operation) {
  const char *list = client->settings.retry_operations;
  return list != NULL ? plq__list_has(list, plq__text_in(operation->name, PLQ_NUL)) : operation->repeatable;
}

static int32_t make_trace_id(struct plq__lane *lane, char made[37], plq_error **out_error) {
  if (plq__random_uuid(&lane->random, made)) return PLQ_OK;
  plq__fail(out_error, PLQ_E_RESOURCE_SYSTEM, "trace_id",
            "the system gives no random bytes (is getrandom refused by a sandbox?), and the request's trace id is made of some; allow "
            "that system call, or set the field trace_id");
  if (out_error != NULL && *out_error != NULL) (*out_error)->phase = PLQ_PHASE_CONFIG;
  return PLQ_E_RESOURCE_SYSTEM;
}

static int32_t build_all(struct plq__performing *performing, const plq_request *request, plq_error **out_error) {
  json_object *body = NULL;
  size_t body_len = 0;
  int32_t status = make_body(request, &body, out_error);
  if (status == PLQ_OK) {
    const char *text = json_object_to_json_string_length(body, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &body_len);
    if (text == NULL || !build(performing, request, text, body_len)) status = plq__fail_plain(out_error, PLQ_E_MEMORY);
  }
  json_object_put(body);
  return status;
}

int32_t plq__performing_init(struct plq__performing *performing, struct plq__lane *lane, struct plq__run *run, const plq_request *request,
                             int64_t start_ns, plq_error **out_error) {
  const struct plq__client *client = lane->live->client;
  const struct plq__operation *operation = request->operation;
  const char *trace_id = value_at(request, operation->trace_id);
  performing->operation = operation;
  performing->response = NULL;
  performing->exchange = (struct plq__exchange){
      .operation = operation->name,
      .method = operation->method,
      .path = operation->path,
      .trace_id = performing->trace_id,
      .may_repeat = may_repeat(client, operation),
      .timeout_ms = request->timeout_ms != 0 ? request->timeout_ms : client->settings.timeout_ms,
      .max_repeats = request->max_repeats >= 0 ? (uint32_t)request->max_repeats : client->settings.max_repeats,
      .success = operation->success,
      .success_count = operation->success_count,
      .decode = decode,
      .context = performing,
  };
  int32_t status = PLQ_OK;
  if (trace_id != NULL)
    memcpy(performing->trace_id, trace_id, sizeof performing->trace_id); /* checked to be a UUID */
  else
    status = make_trace_id(lane, performing->trace_id, out_error);
  if (status == PLQ_OK) status = build_all(performing, request, out_error);
  if (status == PLQ_OK) plq__call_init(&performing->call, lane, run, &performing->exchange, start_ns);
  return status;
}

int32_t plq__performing_finish(struct plq__performing *performing, plq_response **out_response, plq_error **out_error) {
  struct plq__outcome outcome;
  int32_t status = plq__call_finish(&performing->call, &outcome, out_error);
  if (status == PLQ_OK) {
    plq_response *response = performing->response;
    response->http_status = outcome.http_status;
    response->attempts = outcome.attempts;
    memcpy(response->trace_id, outcome.trace_id, sizeof outcome.trace_id);
    *out_response = response;
  }
  plq__wipe_free(performing->block, performing->block_size);
  return status;
}

void plq__performing_drop(struct plq__performing *performing) { plq__wipe_free(performing->block, performing->block_size); }

int32_t plq__perform(struct plq__lane *lane, struct plq__run *run, const plq_request *request, plq_response **out_response,
                     plq_error **out_error) {
  struct plq__performing performing;
  int32_t status = plq__performing_init(&performing, lane, run, request, plq__lane_now_ns(lane), out_error);
  if (status != PLQ_OK) return status;
  plq__call_run(&performing.call);
  return plq__performing_finish(&performing, out_response, out_error);
}
