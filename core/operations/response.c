/* SPDX-License-Identifier: MIT */
#include "response.h"

#include <string.h>

#include "../base/alloc.h"
#include "../codec/scan.h"
#include "secret.h"

static const char *kind_text(enum plq__scan_kind kind, size_t len) {
  switch (kind) {
    case PLQ__SCAN_ABSENT: return "is missing";
    case PLQ__SCAN_NULL: return "is null";
    case PLQ__SCAN_STRING: return len == 0 ? "is empty" : "is not usable";
    default: return "is not a string";
  }
}

static int32_t read_secret(plq_response *response, size_t index, const struct plq__scan_member *member, int64_t sent_life_ms) {
  const struct plq__result *result = &response->operation->results[index];
  plq_secret *secret = plq__secret_new(member->raw_len, sent_life_ms + result->life_ms);
  if (secret == NULL) return PLQ_E_MEMORY;
  secret->len = plq__scan_unescape(member->raw, member->raw_len, secret->bytes);
  response->secrets[index] = secret;
  return PLQ_OK;
}

static int32_t read_text(plq_response *response, size_t index, const struct plq__scan_member *member) {
  char *text = plq__alloc(member->raw_len + 1);
  if (text == NULL) return PLQ_E_MEMORY;
  size_t len = plq__scan_unescape(member->raw, member->raw_len, text);
  text[len] = '\0';
  response->texts[index] = text;
  return plq__has_nul((struct plq__text){text, len}) ? PLQ_E_PROTOCOL_MEMBER : PLQ_OK; /* it would read as a shorter one */
}

int32_t plq__response_decode(const struct plq__operation *operation, const char *body, size_t len, int64_t sent_life_ms,
                             plq_response **out_response, plq_error **out_error) {
  struct plq__scan_member members[PLQ__RESULTS_MOST] = {{0}};
  for (size_t i = 0; i < operation->result_count; i++) members[i].name = operation->results[i].json;
  if (!plq__scan_object(body != NULL ? body : "", len, members, operation->result_count))
    return plq__fail(out_error, PLQ_E_PROTOCOL_JSON, NULL,
                     "the service answered with success, but its body of %zu bytes is not one JSON object (RFC 8259)", len);
  plq_response *response = plq__alloc(sizeof *response);
  if (response == NULL) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  response->operation = operation;
  int32_t status = PLQ_OK;
  for (size_t i = 0; i < operation->result_count && status == PLQ_OK; i++) {
    bool usable = members[i].kind == PLQ__SCAN_STRING && members[i].raw_len > 0;
    if (!usable && operation->results[i].secret)
      status = plq__fail(out_error, PLQ_E_PROTOCOL_MEMBER, members[i].name, "the service answered with success, but the member %s %s",
                         members[i].name, kind_text(members[i].kind, members[i].raw_len));
    else if (usable) {
      status = operation->results[i].secret ? read_secret(response, i, &members[i], sent_life_ms) : read_text(response, i, &members[i]);
      if (status != PLQ_OK) plq__fail_plain(out_error, status);
    }
  }
  if (status == PLQ_OK)
    *out_response = response;
  else
    plq_response_free(response);
  return status;
}

int32_t plq_response_http_status(const plq_response *response) { return response != NULL ? response->http_status : 0; }

const char *plq_response_trace_id(const plq_response *response, size_t *out_len) {
  const char *text = response != NULL ? response->trace_id : "";
  if (out_len != NULL) *out_len = strlen(text);
  return text;
}

const plq_attempts *plq_response_attempts(const plq_response *response) { return response != NULL ? &response->attempts : NULL; }

int32_t plq_response_text(const plq_response *response, const char *name, size_t name_len, const char **out_value, size_t *out_len) {
  if (out_value != NULL) *out_value = NULL;
  if (out_len != NULL) *out_len = 0;
  if (response == NULL || name == NULL || out_value == NULL) return PLQ_E_ARGUMENT;
  int index = plq__result_find(response->operation, plq__text_in(name, name_len));
  if (index < 0 || response->texts[index] == NULL) return PLQ_E_NOT_FOUND;
  *out_value = response->texts[index];
  if (out_len != NULL) *out_len = strlen(*out_value);
  return PLQ_OK;
}

int32_t plq_response_take_secret(plq_response *response, const char *name, size_t name_len, plq_secret **out_secret) {
  if (out_secret != NULL) *out_secret = NULL;
  if (response == NULL || name == NULL || out_secret == NULL) return PLQ_E_ARGUMENT;
  int index = plq__result_find(response->operation, plq__text_in(name, name_len));
  if (index < 0 || !response->operation->results[index].secret) return PLQ_E_NOT_FOUND;
  if (response->secrets[index] == NULL) return PLQ_E_SECRET_TAKEN;
  *out_secret = response->secrets[index];
  response->secrets[index] = NULL;
  return PLQ_OK;
}

void plq_response_free(plq_response *response) {
  if (response == NULL) return;
  for (size_t i = 0; i < PLQ__RESULTS_MOST; i++) {
    plq_secret_free(response->secrets[i]);
    plq__free(response->texts[i]);
  }
  plq__attempts_clear(&response->attempts);
  plq__free(response);
}
