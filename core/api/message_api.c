/* SPDX-License-Identifier: MIT */
#include <plastiq/call.h>
#include <plastiq/client.h>
#include <plastiq/message.h>

#include "../base/secure.h"
#include "call.h"
#include "message.h"

/* The failure of what had succeeded already: the answer came, but cannot be handed over. */
static void lose(plq_error *error, const plq_response *response) {
  if (error == NULL) return;
  error->delivery = PLQ_DELIVERY_ANSWERED;
  error->phase = PLQ_PHASE_DECODE;
  error->http_status = plq_response_http_status(response);
  size_t len = 0;
  const char *trace_id = plq_response_trace_id(response, &len);
  plq__error_set(error, PLQ__ERROR_TRACE_ID, trace_id, len);
  const struct plq_attempts *attempts = plq_response_attempts(response);
  for (uint32_t i = 0; i < attempts->count; i++) {
    struct plq__attempt *row = plq__attempts_add(&error->attempts);
    if (row != NULL) *row = attempts->rows[i];
  }
}

/* Runs on the call handle, or where it is 0 on the client. */
static int32_t run(plq_client_id client, plq_call_id call, const plq_request *request, plq_response **out_response,
                   plq_error **out_error) {
  return call != 0 ? plq_call_run(call, request, out_response, out_error) : plq_call(client, request, out_response, out_error);
}

/* Whether this is about the handle that was passed, and so not about the call. */
static bool is_callers(int32_t status) { return status == PLQ_E_HANDLE || status == PLQ_E_BUSY || status == PLQ_E_REENTRANT; }

/* What the library says of itself; of its options those of the client, if there is one. */
static int32_t describe(plq_client_id client, const struct plq__message *message, plq_table **out_table, plq_error **out_error) {
  plq_options *options = NULL;
  int32_t status = client != 0 ? plq_client_options(client, &options, out_error) : PLQ_OK;
  if (status == PLQ_OK) status = plq_table_new(message->table.at, message->table.len, options, out_table, out_error);
  plq_options_free(options);
  return status;
}

int32_t plq__message_write(struct plq__buffer *reply, struct plq__message *message, plq_client_id client, int32_t status,
                           plq_response *response, const plq_table *table, const plq_error *error) {
  if (status == PLQ_OK && table != NULL) return plq__message_write_table(reply, table);
  if (status != PLQ_OK) return plq__message_write_failure(reply, message, status, error);
  plq_error *lost = NULL;
  status = plq__message_write_success(reply, message, client, response, &lost);
  if (status != PLQ_OK && status != PLQ_E_MEMORY) {
    lose(lost, response);
    status = plq__message_write_failure(reply, message, status, lost);
  }
  plq_error_free(lost);
  return status;
}

static int32_t serve(plq_client_id client, plq_call_id call, struct plq__text bytes, uint8_t **out_reply, size_t *out_reply_len) {
  struct plq__message message;
  plq_response *response = NULL;
  plq_error *error = NULL;
  struct plq__buffer reply;
  plq__buffer_init(&reply, SIZE_MAX / 4, true);
  plq_table *table = NULL;
  int32_t status = plq__message_read(bytes, &message, &error);
  if (status == PLQ_OK)
    status = message.describe ? describe(client, &message, &table, &error) : run(client, call, message.request, &response, &error);
  if (is_callers(status) || (message.describe && status == PLQ_E_MEMORY)) goto cleanup;
  status = plq__message_write(&reply, &message, client, status, response, table, error);
  if (status != PLQ_OK) goto cleanup;
  *out_reply = (uint8_t *)reply.at;
  *out_reply_len = reply.len;
  reply.at = NULL;
cleanup:
  plq__buffer_clear(&reply);
  plq__message_clear(&message);
  plq_table_free(table);
  plq_response_free(response);
  plq_error_free(error);
  return status;
}

static int32_t check_arguments(const uint8_t *message, uint8_t **out_reply, size_t *out_reply_len) {
  if (out_reply != NULL) *out_reply = NULL;
  if (out_reply_len != NULL) *out_reply_len = 0;
  return message != NULL && out_reply != NULL && out_reply_len != NULL ? PLQ_OK : PLQ_E_ARGUMENT;
}

int32_t plq_call_message(plq_client_id client, const uint8_t *message, size_t message_len, uint8_t **out_reply,
                         size_t *out_reply_len) {
  struct plq__text bytes = {(const char *)message, message_len};
  int32_t status = check_arguments(message, out_reply, out_reply_len);
  return status == PLQ_OK ? serve(client, 0, bytes, out_reply, out_reply_len) : status;
}

int32_t plq_call_run_message(plq_call_id call, const uint8_t *message, size_t message_len, uint8_t **out_reply,
                             size_t *out_reply_len) {
  struct plq__text bytes = {(const char *)message, message_len};
  plq_client_id client = 0;
  int32_t status = check_arguments(message, out_reply, out_reply_len);
  if (status == PLQ_OK) status = plq__call_client(call, &client);
  return status == PLQ_OK ? serve(client, call, bytes, out_reply, out_reply_len) : status;
}

/* The reply lies in the secure pages, which know its size and wipe all of it. */
void plq_message_free(uint8_t *reply, size_t reply_len) {
  (void)reply_len;
  plq__secure_free(reply);
}
