/* SPDX-License-Identifier: MIT */
#include <plastiq/error.h>
#include <stddef.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"

static const char *show(const char *text, size_t *out_len) {
  if (text == NULL) text = "";
  if (out_len != NULL) *out_len = strlen(text);
  return text;
}

static const char *show_text(const plq_error *error, enum plq__error_text which, size_t *out_len) {
  return show(error != NULL ? error->texts[which] : NULL, out_len);
}

int32_t plq_error_status(const plq_error *error) { return error != NULL ? error->status : PLQ_OK; }
int32_t plq_error_kind(const plq_error *error) { return error != NULL ? plq_status_kind(error->status) : PLQ_KIND_OK; }
int32_t plq_error_phase(const plq_error *error) { return error != NULL ? error->phase : PLQ_PHASE_NONE; }
int32_t plq_error_delivery(const plq_error *error) { return error != NULL ? error->delivery : PLQ_DELIVERY_NOT_SENT; }
int32_t plq_error_repeatable(const plq_error *error) { return error != NULL && error->repeatable; }
int32_t plq_error_http_status(const plq_error *error) { return error != NULL ? error->http_status : 0; }
int64_t plq_error_retry_after_ms(const plq_error *error) { return error != NULL ? error->retry_after_ms : -1; }

const char *plq_error_message(const plq_error *error, size_t *out_len) { return show_text(error, PLQ__ERROR_MESSAGE, out_len); }
const char *plq_error_field(const plq_error *error, size_t *out_len) { return show_text(error, PLQ__ERROR_FIELD, out_len); }
const char *plq_error_service_code(const plq_error *error, size_t *out_len) { return show_text(error, PLQ__ERROR_SERVICE_CODE, out_len); }
const char *plq_error_service_message(const plq_error *error, size_t *out_len) {
  return show_text(error, PLQ__ERROR_SERVICE_MESSAGE, out_len);
}
const char *plq_error_trace_id(const plq_error *error, size_t *out_len) { return show_text(error, PLQ__ERROR_TRACE_ID, out_len); }

uint32_t plq_error_detail_count(const plq_error *error) { return error != NULL ? error->detail_count : 0; }

const char *plq_error_detail(const plq_error *error, uint32_t index, size_t *out_len) {
  return show(index < plq_error_detail_count(error) ? error->details[index] : NULL, out_len);
}

const plq_attempts *plq_error_attempts(const plq_error *error) { return error != NULL ? &error->attempts : NULL; }

uint32_t plq_error_load_count(const plq_error *error) { return error != NULL ? error->load.count : 0; }

const char *plq_error_load_text(const plq_error *error, uint32_t index, int32_t which, size_t *out_len) {
  bool known = index < plq_error_load_count(error) && which >= PLQ_LOAD_PATH && which <= PLQ_LOAD_REASON;
  return show(known ? error->load.rows[index].texts[which - PLQ_LOAD_PATH] : NULL, out_len);
}

void plq_error_free(plq_error *error) {
  if (error == NULL) return;
  for (int i = 0; i < PLQ__ERROR_TEXTS; i++) plq__free(error->texts[i]);
  for (uint32_t i = 0; i < error->detail_count; i++) plq__free(error->details[i]);
  plq__free(error->details);
  plq__attempts_clear(&error->attempts);
  plq__load_log_clear(&error->load);
  plq__free(error);
}

/* ---- attempts ---- */

uint32_t plq_attempts_count(const plq_attempts *attempts) { return attempts != NULL ? attempts->count : 0; }

static bool attempt_number(const struct plq__attempt *row, int32_t which, int64_t *out) {
  switch (which) {
    case PLQ_ATTEMPT_STATUS: *out = row->status; return true;
    case PLQ_ATTEMPT_PHASE: *out = row->phase; return true;
    case PLQ_ATTEMPT_DELIVERY: *out = row->delivery; return true;
    case PLQ_ATTEMPT_HTTP_STATUS: *out = row->http_status; return true;
    case PLQ_ATTEMPT_HTTP_VERSION: *out = row->http_version; return true;
    case PLQ_ATTEMPT_TLS_VERSION: *out = row->tls_version; return true;
    case PLQ_ATTEMPT_REUSED: *out = row->reused; return true;
    case PLQ_ATTEMPT_RESUMED: *out = row->resumed; return true;
    case PLQ_ATTEMPT_START_US: *out = row->start_us; return true;
    case PLQ_ATTEMPT_RESOLVE_US: *out = row->resolve_us; return true;
    case PLQ_ATTEMPT_CONNECT_US: *out = row->connect_us; return true;
    case PLQ_ATTEMPT_TLS_US: *out = row->tls_us; return true;
    case PLQ_ATTEMPT_SEND_US: *out = row->send_us; return true;
    case PLQ_ATTEMPT_FIRST_BYTE_US: *out = row->first_byte_us; return true;
    case PLQ_ATTEMPT_TOTAL_US: *out = row->total_us; return true;
    case PLQ_ATTEMPT_BYTES_SENT: *out = row->bytes_sent; return true;
    case PLQ_ATTEMPT_BYTES_RECEIVED: *out = row->bytes_received; return true;
    case PLQ_ATTEMPT_TOKEN: *out = row->token; return true;
    case PLQ_ATTEMPT_WAIT_US: *out = row->wait_us; return true;
    case PLQ_ATTEMPT_QUEUE_US: *out = row->queue_us; return true;
    default: return false;
  }
}

int32_t plq_attempts_number(const plq_attempts *attempts, uint32_t index, int32_t which, int64_t *out_number) {
  if (out_number == NULL) return PLQ_E_ARGUMENT;
  *out_number = 0;
  if (index >= plq_attempts_count(attempts)) return PLQ_E_NOT_FOUND;
  return attempt_number(&attempts->rows[index], which, out_number) ? PLQ_OK : PLQ_E_NOT_FOUND;
}

const char *plq_attempts_text(const plq_attempts *attempts, uint32_t index, int32_t which, size_t *out_len) {
  if (index >= plq_attempts_count(attempts)) return show(NULL, out_len);
  const struct plq__attempt *row = &attempts->rows[index];
  switch (which) {
    case PLQ_ATTEMPT_PEER: return show(row->peer, out_len);
    case PLQ_ATTEMPT_TRACE_ID: return show(row->trace_id, out_len);
    case PLQ_ATTEMPT_MESSAGE: return show(row->message, out_len);
    default: return show(NULL, out_len);
  }
}
