/* SPDX-License-Identifier: MIT */
/* Made by tools/generate from core/tables/operations.toml: change that. */
/**
 * @file
 * Typed calls, one for each operation: inline wrappers over request.h, call.h and queue.h, so that a new operation adds no symbol.
 */
#ifndef PLASTIQ_OPERATIONS_H
#define PLASTIQ_OPERATIONS_H

#include <plastiq/base.h>
#include <plastiq/call.h>
#include <plastiq/error.h>
#include <plastiq/queue.h>
#include <plastiq/request.h>
#include <plastiq/response.h>

PLQ_BEGIN_DECLS

/**
 * Fields of client_secrets.create. All are optional: leave a member 0. Texts are NUL-terminated and borrowed for the call.
 * This struct is compiled into the caller and never crosses the library's boundary.
 */
typedef struct plq_client_secrets_create_params {
  const char *payer_id; /**< Id of the payer that the secret is for. A UUID. */
  const char *type; /**< What the secret tokenizes. The service's default is CARD. One of: CARD. */
  const char *trace_id; /**< Id that follows the call through the service's logs. Without one the library makes one. A UUID of version 4. */
  const char *user_agent; /**< The end user's User-Agent. Without one the library sends its own. 1 to 8192 bytes of visible characters, spaces and tabs. */
  const char *end_user_device_id; /**< Unique id of the end user's browser or device; recommended for compliance. 1 to 8192 bytes of visible characters, spaces and tabs. */
  const char *end_user_ip; /**< The end user's IPv4 or IPv6 address; recommended for compliance. An IPv4 or IPv6 address. */
  const char *extra; /**< A JSON object of further members; see plq_request_set_extra(). */
  int64_t timeout_ms; /**< Deadline of this call; 0: the client's; -1: none. */
} plq_client_secrets_create_params;

/**
 * Makes a request of client_secrets.create from its fields.
 * @param params       [borrowed] fields; NULL: none
 * @param out_request  receives the request [owned]: free it by plq_request_free()
 * @return #PLQ_OK, or what plq_request_set() and its like answer. Any thread; does not block. Since 1.0.
 */
static inline int32_t plq_client_secrets_create_request(const plq_client_secrets_create_params *params, plq_request **out_request, plq_error **out_error) {
  plq_request *request = NULL;
  int32_t status = plq_request_new("client_secrets.create", PLQ_NUL, &request, out_error);
  if (status == PLQ_OK && params != NULL && params->payer_id != NULL)
    status = plq_request_set(request, "payer.id", PLQ_NUL, params->payer_id, PLQ_NUL, out_error);
  if (status == PLQ_OK && params != NULL && params->type != NULL)
    status = plq_request_set(request, "type", PLQ_NUL, params->type, PLQ_NUL, out_error);
  if (status == PLQ_OK && params != NULL && params->trace_id != NULL)
    status = plq_request_set(request, "trace_id", PLQ_NUL, params->trace_id, PLQ_NUL, out_error);
  if (status == PLQ_OK && params != NULL && params->user_agent != NULL)
    status = plq_request_set(request, "user_agent", PLQ_NUL, params->user_agent, PLQ_NUL, out_error);
  if (status == PLQ_OK && params != NULL && params->end_user_device_id != NULL)
    status = plq_request_set(request, "end_user_device_id", PLQ_NUL, params->end_user_device_id, PLQ_NUL, out_error);
  if (status == PLQ_OK && params != NULL && params->end_user_ip != NULL)
    status = plq_request_set(request, "end_user_ip", PLQ_NUL, params->end_user_ip, PLQ_NUL, out_error);
  if (status == PLQ_OK && params != NULL && params->extra != NULL)
    status = plq_request_set_extra(request, params->extra, PLQ_NUL, out_error);
  if (status == PLQ_OK && params != NULL && params->timeout_ms != 0)
    status = plq_request_set_timeout_ms(request, params->timeout_ms, out_error);
  if (status != PLQ_OK) {
    plq_request_free(request);
    request = NULL;
  }
  *out_request = request;
  return status;
}

/**
 * Creates a single-use client secret that lives 60 seconds. It is handed to the buyer's browser, which tokenizes a card with it.
 * POST /client-secrets (Plastiq Public API, Create Client Secret).
 * @param client        the client
 * @param params        [borrowed] fields; NULL: none
 * @param out_response  receives the response [owned]
 * @param out_error     receives the details of a failure [owned], may be NULL
 * @return as plq_call(). Any thread, any number at once. Blocks until the outcome or the deadline. Since 1.0.
 */
static inline int32_t plq_client_secrets_create(plq_client_id client, const plq_client_secrets_create_params *params, plq_response **out_response,
                             plq_error **out_error) {
  plq_request *request;
  if (out_response != NULL) *out_response = NULL;
  int32_t status = plq_client_secrets_create_request(params, &request, out_error);
  if (status == PLQ_OK) status = plq_call(client, request, out_response, out_error);
  plq_request_free(request);
  return status;
}

/**
 * The same through a queue: as plq_queue_submit(). Any thread; blocks only for room. Since 1.0.
 */
static inline int32_t plq_client_secrets_create_submit(plq_queue_id queue, const plq_client_secrets_create_params *params, uint64_t tag, int64_t room_timeout_ms,
                                    uint64_t *out_id, plq_error **out_error) {
  plq_request *request;
  if (out_id != NULL) *out_id = 0;
  int32_t status = plq_client_secrets_create_request(params, &request, out_error);
  if (status == PLQ_OK) status = plq_queue_submit(queue, request, tag, room_timeout_ms, out_id, out_error);
  plq_request_free(request);
  return status;
}

/** The client secret. Lives 60 seconds. As plq_response_take_secret(). */
static inline int32_t plq_client_secrets_create_take_client_secret(plq_response *response, plq_secret **out_secret) {
  return plq_response_take_secret(response, "client_secret", PLQ_NUL, out_secret);
}

/**
 * Fields of client_secrets.create_v2. All are optional: leave a member 0. Texts are NUL-terminated and borrowed for the call.
 * This struct is compiled into the caller and never crosses the library's boundary.
 */
typedef struct plq_client_secrets_create_v2_params {
  const char *payer_id; /**< Id of the payer that the secret is for. A UUID. */
  const char *type; /**< What the secret tokenizes. The service's default is CARD. One of: CARD. */
  const char *trace_id; /**< Id that follows the call through the service's logs. Without one the library makes one. A UUID of version 4. */
  const char *user_agent; /**< The end user's User-Agent. Without one the library sends its own. 1 to 8192 bytes of visible characters, spaces and tabs. */
  const char *end_user_device_id; /**< Unique id of the end user's browser or device; recommended for compliance. 1 to 8192 bytes of visible characters, spaces and tabs. */
  const char *end_user_ip; /**< The end user's IPv4 or IPv6 address; recommended for compliance. An IPv4 or IPv6 address. */
  const char *extra; /**< A JSON object of further members; see plq_request_set_extra(). */
  int64_t timeout_ms; /**< Deadline of this call; 0: the client's; -1: none. */
} plq_client_secrets_create_v2_params;

/**
 * Makes a request of client_secrets.create_v2 from its fields.
 * @param params       [borrowed] fields; NULL: none
 * @param out_request  receives the request [owned]: free it by plq_request_free()
 * @return #PLQ_OK, or what plq_request_set() and its like answer. Any thread; does not block. Since 1.0.
 */
static inline int32_t plq_client_secrets_create_v2_request(const plq_client_secrets_create_v2_params *params, plq_request **out_request, plq_error **out_error) {
  plq_request *request = NULL;
  int32_t status = plq_request_new("client_secrets.create_v2", PLQ_NUL, &request, out_error);
  if (status == PLQ_OK && params != NULL && params->payer_id != NULL)
    status = plq_request_set(request, "payer.id", PLQ_NUL, params->payer_id, PLQ_NUL, out_error);
  if (status == PLQ_OK && params != NULL && params->type != NULL)
    status = plq_request_set(request, "type", PLQ_NUL, params->type, PLQ_NUL, out_error);
  if (status == PLQ_OK && params != NULL && params->trace_id != NULL)
    status = plq_request_set(request, "trace_id", PLQ_NUL, params->trace_id, PLQ_NUL, out_error);
  if (status == PLQ_OK && params != NULL && params->user_agent != NULL)
    status = plq_request_set(request, "user_agent", PLQ_NUL, params->user_agent, PLQ_NUL, out_error);
  if (status == PLQ_OK && params != NULL && params->end_user_device_id != NULL)
    status = plq_request_set(request, "end_user_device_id", PLQ_NUL, params->end_user_device_id, PLQ_NUL, out_error);
  if (status == PLQ_OK && params != NULL && params->end_user_ip != NULL)
    status = plq_request_set(request, "end_user_ip", PLQ_NUL, params->end_user_ip, PLQ_NUL, out_error);
  if (status == PLQ_OK && params != NULL && params->extra != NULL)
    status = plq_request_set_extra(request, params->extra, PLQ_NUL, out_error);
  if (status == PLQ_OK && params != NULL && params->timeout_ms != 0)
    status = plq_request_set_timeout_ms(request, params->timeout_ms, out_error);
  if (status != PLQ_OK) {
    plq_request_free(request);
    request = NULL;
  }
  *out_request = request;
  return status;
}

/**
 * The later variant: the same request, but the secret lives 30 minutes.
 * POST /v2/client-secrets (Plastiq Public API, Create Client Secret (v2)).
 * @param client        the client
 * @param params        [borrowed] fields; NULL: none
 * @param out_response  receives the response [owned]
 * @param out_error     receives the details of a failure [owned], may be NULL
 * @return as plq_call(). Any thread, any number at once. Blocks until the outcome or the deadline. Since 1.0.
 */
static inline int32_t plq_client_secrets_create_v2(plq_client_id client, const plq_client_secrets_create_v2_params *params, plq_response **out_response,
                             plq_error **out_error) {
  plq_request *request;
  if (out_response != NULL) *out_response = NULL;
  int32_t status = plq_client_secrets_create_v2_request(params, &request, out_error);
  if (status == PLQ_OK) status = plq_call(client, request, out_response, out_error);
  plq_request_free(request);
  return status;
}

/**
 * The same through a queue: as plq_queue_submit(). Any thread; blocks only for room. Since 1.0.
 */
static inline int32_t plq_client_secrets_create_v2_submit(plq_queue_id queue, const plq_client_secrets_create_v2_params *params, uint64_t tag, int64_t room_timeout_ms,
                                    uint64_t *out_id, plq_error **out_error) {
  plq_request *request;
  if (out_id != NULL) *out_id = 0;
  int32_t status = plq_client_secrets_create_v2_request(params, &request, out_error);
  if (status == PLQ_OK) status = plq_queue_submit(queue, request, tag, room_timeout_ms, out_id, out_error);
  plq_request_free(request);
  return status;
}

/** The client secret. Lives 1800 seconds. As plq_response_take_secret(). */
static inline int32_t plq_client_secrets_create_v2_take_client_secret(plq_response *response, plq_secret **out_secret) {
  return plq_response_take_secret(response, "client_secret", PLQ_NUL, out_secret);
}

PLQ_END_DECLS

#endif
