/* SPDX-License-Identifier: MIT */
/* The blocking half: a lane is a multi handle, one easy handle and at most one connection, and a loop around them. */
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
      plqt_wake_fd_clear(engine->wake_fd);
      engine->look = true;
    } else if (op && op->lookup && plqt_lookup_fd(op->lookup) == ready[i].fd) {
      engine->look = true;
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
  if (ppoll(polls, count, until == PLQT_NEVER ? NULL : &left, NULL) >= 0) return;
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

static void step(plqc_lane *const *lanes, size_t count) {
  int64_t until = PLQT_NEVER;
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

/* ---- lanes in the pool ---- */

static plqc_lane *lane_of(plqt_slot *slot) {
  return (plqc_lane *)(void *)slot;
}

static void drop_lane(plqt_slot *slot) {
  plqc_lane *lane = lane_of(slot);
  plqc_instance *instance = lane->engine.instance;
  plqc_engine_clear(&lane->engine); /* closes the connection */
  plqc_operation_clear(&lane->operation);
  plqc_free(instance, lane);
}

static plqt_slot *make_lane(void *owner, int32_t *out_status, int *out_errno) {
  plqc_instance *instance = owner;
  plqc_lane *lane = plqc_alloc(instance, sizeof *lane);
  *out_status = PLQ_E_MEMORY;
  if (!lane) return NULL;
  memset(lane, 0, sizeof *lane);
  atomic_init(&lane->slot.cancelled, false);
  *out_status = plqc_engine_init(&lane->engine, instance, false, out_errno);
  if (*out_status) {
    plqc_free(instance, lane);
    return NULL;
  }
  if (plqc_operation_init(&lane->operation, instance, &lane->slot.cancelled)) return &lane->slot;
  *out_status = PLQ_E_MEMORY;
  drop_lane(&lane->slot);
  return NULL;
}

static void wake_lane(plqt_slot *slot) {
  plqt_wake_fd_set(lane_of(slot)->engine.wake_fd);
}

/* Idle for so long that its connection is not to be used again. */
static bool is_old(const plqc_lane *lane, int64_t now) {
  return lane->slot.used_ns < now - lane->engine.instance->config.connection_idle_ms * PLQT_MS;
}

static bool lane_is_open(const plqt_slot *slot, const plq_transport_target *target, bool busy) {
  const plqc_lane *lane = (const plqc_lane *)(const void *)slot;
  const plqc_operation *op = &lane->operation;
  int fd = atomic_load(&lane->engine.connection_fd);
  if (busy || fd < 0) return fd >= 0;
  bool there =
      !target || (op->url && op->origin_len == target->origin_len && memcmp(op->url, target->origin, target->origin_len) == 0);
  if (!there) return false;
  if (is_old(lane, plqc_now(op->instance))) return false;
  return plqt_socket_is_open(fd);
}

void plqc_lanes_setup(plqc_instance *instance) {
  plqt_pool *pool = &instance->pool;
  pool->owner = instance;
  pool->make = make_lane;
  pool->drop = drop_lane;
  pool->wake = wake_lane;
  pool->is_open = lane_is_open;
  pool->max = (uint32_t)instance->config.max_connections;
  pool->idle_ns = instance->config.connection_idle_ms * PLQT_MS;
  plqt_pool_init(pool);
}

/* ---- perform ---- */

int32_t plqc_perform(plq_transport_instance *handle, const plq_transport_request *request, const plq_transport_sink *sink,
                     plq_transport_error *error) {
  plqc_instance *instance = (plqc_instance *)handle;
  int32_t status;
  int os_errno;
  if (!plqc_request_valid(request, sink, error)) return error->status;
  int64_t began = plqc_now(instance);
  plqt_slot *slot = plqt_pool_take(&instance->pool, request->op, sink, request->deadline_ns, began, &status, &os_errno);
  if (!slot) {
    plqt_report_no_slot(instance->host, sink, began, status, os_errno);
    return PLQ_OK;
  }
  plqc_lane *lane = lane_of(slot);
  plqc_operation *op = &lane->operation;
  plqc_operation_reset(op, request, sink, began);
  op->want_fresh = is_old(lane, began);
  plqc_operation_begin(op, &lane->engine, began);
  while (op->state != PLQC_OVER) step(&lane, 1);
  slot->used_ns = plqc_now(instance);
  plqc_operation_report(op, slot->used_ns);
  plqt_pool_give_back(&instance->pool, slot);
  return PLQ_OK;
}

/* ---- prewarm ---- */

/*
 * libcurl never uses a CURLOPT_CONNECT_ONLY connection for a transfer, and closes one whose request was aborted. What it keeps is
 * the connection of a request that fails by itself before its first byte: an upload to be resumed where it ends
 * (CURLE_PARTIAL_FILE). Nothing is sent but the handshake; the kit checks that by counting bytes at the server.
 */
static void begin_warming(plqt_slot *slot, const plq_transport_request *request, const plq_transport_sink *sink, int64_t now) {
  plqc_lane *lane = lane_of(slot);
  plqc_operation *op = &lane->operation;
  plqc_operation_reset(op, request, sink, now);
  op->prewarm = true;
  op->want_fresh = is_old(lane, now);
  plqc_operation_begin(op, &lane->engine, now);
}

static void step_warming(plqt_slot *const *slots, size_t count) {
  step((plqc_lane *const *)(const void *)slots, count);
}

static bool finish_warming(plqt_slot *slot, int64_t now) {
  plqc_operation *op = &lane_of(slot)->operation;
  if (op->state != PLQC_OVER) return false;
  plqc_operation_report(op, now);
  return true;
}

int32_t plqc_prewarm(plq_transport_instance *handle, const plq_transport_target *target, uint32_t count, int64_t deadline_ns,
                     uint64_t op, const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open) {
  plqc_instance *instance = (plqc_instance *)handle;
  if (plqc_async_is_used(instance)) return plqc_async_prewarm(instance, target, count, deadline_ns, op, sink, error, out_open);
  const plqt_warming warming = {&instance->pool, instance->host, begin_warming, step_warming, finish_warming};
  return plqt_prewarm(&warming, target, count, deadline_ns, op, sink, error, out_open);
}
