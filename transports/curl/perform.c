/* SPDX-License-Identifier: MIT */
/* The blocking half: a loop around one lane. */
#include "plqc.h"

#include <string.h>
#include <time.h>

#define READY_MAX 16

static void dispatch(plqc_engine *engine, const struct pollfd *polls, size_t count) {
  struct pollfd ready[READY_MAX];
  size_t ready_count = 0;
  /* What libcurl does on one descriptor may change the list. */
  for (size_t i = 0; i < count && ready_count < READY_MAX; i++) {
    if (polls[i].revents) ready[ready_count++] = polls[i];
  }
  for (size_t i = 0; i < ready_count; i++) {
    const plqc_operation *op = engine->active;
    if (ready[i].fd == engine->wake_fd) {
      plqc_engine_drain(engine->wake_fd);
      engine->limit_at = 0;
    } else if (op && op->lookup && plqc_lookup_fd(op->lookup) == ready[i].fd) {
      engine->limit_at = 0;
    } else {
      plqc_engine_socket(engine, ready[i].fd, plqc_poll_mask(ready[i].revents));
    }
  }
}

static void wait_on(struct pollfd *polls, size_t count, int64_t now, int64_t until) {
  struct timespec left = {0, 0};
  if (until > now) {
    left.tv_sec = (until - now) / 1000000000;
    left.tv_nsec = (until - now) % 1000000000;
  }
  if (ppoll(polls, count, until == PLQC_NEVER ? NULL : &left, NULL) >= 0) return;
  for (size_t i = 0; i < count; i++) polls[i].revents = 0;
}

static void step_several(plqc_lane *const *lanes, size_t count, int64_t now, int64_t until) {
  plqc_instance *instance = lanes[0]->engine.instance;
  size_t total = 0, at = 0;
  for (size_t i = 0; i < count; i++) total += lanes[i]->engine.poll_count;
  struct pollfd *polls = plqc_alloc(instance, total * sizeof *polls);
  if (!polls) return;
  for (size_t i = 0; i < count; i++) {
    memcpy(polls + at, lanes[i]->engine.polls, lanes[i]->engine.poll_count * sizeof *polls);
    at += lanes[i]->engine.poll_count;
  }
  wait_on(polls, total, now, until);
  at = 0;
  for (size_t i = 0; i < count; i++) {
    size_t own = lanes[i]->engine.poll_count;
    dispatch(&lanes[i]->engine, polls + at, own);
    at += own;
  }
  plqc_free(instance, polls);
}

void plqc_lanes_step(plqc_lane *const *lanes, size_t count, int64_t until) {
  bool waiting = true;
  int64_t now = plqc_now(lanes[0]->engine.instance);
  for (size_t i = 0; i < count; i++) {
    plqc_engine *engine = &lanes[i]->engine;
    plqc_engine_turn(engine, now);
    if (engine->over) waiting = false;
    if (plqc_engine_next(engine) < until) until = plqc_engine_next(engine);
  }
  if (!waiting) return;
  if (count == 1) {
    plqc_engine *engine = &lanes[0]->engine;
    wait_on(engine->polls, engine->poll_count, now, until);
    dispatch(engine, engine->polls, engine->poll_count);
  } else {
    step_several(lanes, count, now, until);
  }
}

static void report_early(plqc_instance *instance, const plq_transport_sink *sink, int64_t began, int32_t status, int os_errno) {
  plq_transport_error error = {.struct_size = sizeof error};
  plq_transport_transfer transfer = {
      .struct_size = sizeof transfer, .resolve_ns = -1, .connect_ns = -1, .tls_ns = -1, .send_ns = -1, .first_byte_ns = -1};
  transfer.total_ns = transfer.queue_ns = plqc_now(instance) - began;
  plqc_error_set(&error, status, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT, os_errno, 0, "%s",
                 status == PLQ_E_TIMEOUT_POOL ? "all connections are busy"
                 : status == PLQ_E_CANCELLED  ? "cancelled"
                                              : "no connection can be had");
  sink->on_done(sink->context, &error, &transfer);
}

int32_t plqc_perform(plq_transport_instance *handle, const plq_transport_request *request, const plq_transport_sink *sink,
                     plq_transport_error *error) {
  plqc_instance *instance = (plqc_instance *)handle;
  int32_t status;
  int os_errno;
  if (!plqc_request_valid(request, sink, error)) return error->status;
  int64_t began = plqc_now(instance);
  plqc_lane *lane = plqc_lane_take(instance, request->op, sink, request->deadline_ns, began, &status, &os_errno);
  if (!lane) {
    report_early(instance, sink, began, status, os_errno);
    return PLQ_OK;
  }
  plqc_operation *op = &lane->operation;
  plqc_operation_reset(op, request, sink, began);
  op->want_fresh = plqc_lane_is_old(lane, began);
  plqc_operation_begin(op, &lane->engine, began);
  while (op->state != PLQC_OVER) plqc_lanes_step(&lane, 1, PLQC_NEVER);
  lane->used_ns = plqc_now(instance);
  plqc_operation_report(op, lane->used_ns);
  plqc_lane_give_back(instance, lane);
  return PLQ_OK;
}
