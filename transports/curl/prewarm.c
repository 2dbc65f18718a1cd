/* SPDX-License-Identifier: MIT */
/*
 * Opening connections ahead of time. libcurl never uses a CURLOPT_CONNECT_ONLY connection for a transfer, and closes one whose
 * request was aborted. What it keeps is the connection of a request that fails by itself before its first byte: an upload to be
 * resumed where it ends (CURLE_PARTIAL_FILE). Nothing is sent but the handshake; the kit checks that by counting bytes at the
 * server.
 */
#include "plqc.h"

#include <string.h>

/* Shared by the connections of one call. */
typedef struct warming {
  plq_transport_error *error; /* of the last one that failed */
} warming;

static int32_t ignore_connection(void *context, const plq_transport_connection *connection) {
  (void)context, (void)connection;
  return 0;
}

static int32_t ignore_line(void *context, const char *line, size_t len) {
  (void)context, (void)line, (void)len;
  return 0;
}

static int32_t ignore_body(void *context, const uint8_t *data, size_t len) {
  (void)context, (void)data, (void)len;
  return 0;
}

static void on_done(void *context, const plq_transport_error *error, const plq_transport_transfer *transfer) {
  warming *all = context;
  (void)transfer;
  if (!error) return;
  plqc_error_set(all->error, error->status, error->phase, PLQ_DELIVERY_NOT_SENT, error->os_errno, error->plugin_code, "%s",
                 error->message);
}

static size_t finish(plqc_instance *instance, plqc_lane **lanes, size_t count) {
  size_t left = 0;
  for (size_t i = 0; i < count; i++) {
    plqc_lane *lane = lanes[i];
    if (lane->operation.state != PLQC_OVER) {
      lanes[left++] = lane;
      continue;
    }
    lane->used_ns = plqc_now(instance);
    plqc_operation_report(&lane->operation, lane->used_ns);
    plqc_lane_give_back(instance, lane);
  }
  return left;
}

/* As many as can be had; *all says why not more. */
static size_t take_lanes(plqc_instance *instance, const plq_transport_request *request, uint32_t count, plqc_lane **lanes,
                         warming *all) {
  size_t taken = 0;
  int32_t status = PLQ_OK;
  int os_errno;
  while (taken < count && !status) {
    plqc_lane *lane = plqc_lane_try(instance, request->op, request->target, &status, &os_errno);
    if (lane) lanes[taken++] = lane;
  }
  if (status) {
    plqc_error_set(all->error, status, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT, os_errno, 0, "%s",
                   status == PLQ_E_TIMEOUT_POOL ? "the other connections are busy elsewhere" : "no connection can be had");
  }
  return taken;
}

static void warm(plqc_instance *instance, plqc_lane **lanes, size_t count, const plq_transport_request *request,
                 const plq_transport_sink *inner, const plq_transport_sink *sink) {
  int64_t now = plqc_now(instance);
  bool cancelled = PLQC_HAS(sink, is_cancelled) && sink->is_cancelled && sink->is_cancelled(sink->context);
  for (size_t i = 0; i < count; i++) {
    plqc_operation *op = &lanes[i]->operation;
    plqc_operation_reset(op, request, inner, now);
    op->prewarm = true;
    op->want_fresh = plqc_lane_is_old(lanes[i], now);
    if (cancelled) atomic_store(&op->cancelled, true);
    plqc_operation_begin(op, &lanes[i]->engine, now);
  }
  while ((count = finish(instance, lanes, count))) plqc_lanes_step(lanes, count, PLQC_NEVER);
}

int32_t plqc_prewarm(plq_transport_instance *handle, const plq_transport_target *target, uint32_t count, int64_t deadline_ns,
                     uint64_t op, const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open) {
  static const uint8_t byte = 0;
  plqc_instance *instance = (plqc_instance *)handle;
  warming all = {.error = error};
  const plq_transport_sink inner = {sizeof inner, 0, &all, ignore_connection, ignore_line, ignore_body, on_done, NULL};
  plq_transport_request request = {.struct_size = sizeof request,
                                   .op = op,
                                   .deadline_ns = deadline_ns,
                                   .target = target,
                                   .method = "POST",
                                   .method_len = 4,
                                   .path = "/",
                                   .path_len = 1,
                                   .body = &byte,
                                   .body_len = 1,
                                   .header_stride = sizeof(plq_transport_header)};
  if (count > instance->config.max_connections) count = instance->config.max_connections;
  *out_open = plqc_lanes_open_to(instance, target);
  if (*out_open >= count) return PLQ_OK;
  uint32_t missing = count - *out_open;
  error->status = PLQ_OK;
  plqc_lane **lanes = plqc_alloc(instance, missing * sizeof(plqc_lane *));
  if (!lanes) {
    plqc_error_set(error, PLQ_E_MEMORY, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT, 0, 0, "out of memory");
    return PLQ_E_MEMORY;
  }
  size_t taken = take_lanes(instance, &request, missing, lanes, &all);
  if (taken) warm(instance, lanes, taken, &request, &inner, sink);
  plqc_free(instance, lanes);
  *out_open = plqc_lanes_open_to(instance, target);
  if (*out_open >= count) return PLQ_OK;
  if (error->status == PLQ_OK) {
    plqc_error_set(error, PLQ_E_CONNECT_FAILED, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT, 0, 0,
                   "the server closed a connection at once");
  }
  return error->status;
}
