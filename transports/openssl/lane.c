/* SPDX-License-Identifier: MIT */
/* The blocking half: a thread takes a lane, steps its operation, and waits with ppoll for what the operation waits for. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "plqo.h"

#define POLLS_MAX (PLQO_RACERS + 2)

static plqo_lane *lane_of(plqt_slot *slot) {
  return (plqo_lane *)(void *)slot;
}

/* ---- waiting ---- */

static short events_of(const plqo_conn *conn) {
  return (short)((conn->may_read ? 0 : POLLIN) | (conn->may_write ? 0 : POLLOUT));
}

static void take_events(plqo_conn *conn, short events) {
  if (events & (POLLIN | POLLHUP | POLLERR)) conn->may_read = true;
  if (events & (POLLOUT | POLLHUP | POLLERR)) conn->may_write = true;
}

/* The sockets that an operation waits for. */
static size_t list_conns(const plqo_operation *op, plqo_conn **out) {
  size_t count = op->dial.racer_count;
  memcpy(out, op->dial.racers, count * sizeof *out);
  if (op->conn) out[count++] = op->conn;
  return count;
}

static size_t fill(const plqo_lane *lane, struct pollfd *polls) {
  const plqo_operation *op = &lane->operation;
  plqo_conn *conns[PLQO_RACERS + 1];
  size_t conn_count = list_conns(op, conns), count = 0;
  polls[count++] = (struct pollfd){.fd = lane->wake_fd, .events = POLLIN};
  for (size_t i = 0; i < conn_count; i++) polls[count++] = (struct pollfd){.fd = conns[i]->fd, .events = events_of(conns[i])};
  if (op->dial.lookup) polls[count++] = (struct pollfd){.fd = plqt_lookup_fd(op->dial.lookup), .events = POLLIN};
  return count;
}

/* Returns how many of the polls are the lane's. */
static size_t dispatch(plqo_lane *lane, const struct pollfd *polls) {
  plqo_operation *op = &lane->operation;
  plqo_conn *conns[PLQO_RACERS + 1];
  size_t conn_count = list_conns(op, conns);
  size_t count = 1 + conn_count + (op->dial.lookup != NULL);
  if (polls[0].revents) plqt_wake_fd_clear(lane->wake_fd);
  for (size_t i = 0; i < conn_count; i++) take_events(conns[i], polls[1 + i].revents);
  return count;
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

static void step(plqo_lane *const *lanes, size_t count, struct pollfd *polls) {
  plqo_instance *instance = lanes[0]->engine.instance;
  int64_t now = plqo_now(instance), until = PLQT_NEVER;
  size_t total = 0, at = 0;
  bool over = false;
  for (size_t i = 0; i < count; i++) {
    int32_t status;
    plqo_operation *op = &lanes[i]->operation;
    plqo_operation_step(op, now);
    if (op->state == PLQO_OVER)
      over = true;
    else if (plqo_operation_next(op, &status) < until)
      until = plqo_operation_next(op, &status);
  }
  if (over) return;
  for (size_t i = 0; i < count; i++) total += fill(lanes[i], polls + total);
  wait_on(polls, total, now, until);
  for (size_t i = 0; i < count; i++) at += dispatch(lanes[i], polls + at);
}

/* ---- lanes in the pool ---- */

static plqt_slot *make_lane(void *owner, int32_t *out_status, int *out_errno) {
  plqo_instance *instance = owner;
  plqo_lane *lane = plqo_alloc(instance, sizeof *lane);
  *out_status = PLQ_E_MEMORY;
  *out_errno = 0;
  if (!lane) return NULL;
  memset(lane, 0, sizeof *lane);
  lane->wake_fd = plqt_wake_fd_new(&instance->fds);
  if (lane->wake_fd < 0) {
    *out_errno = errno;
    *out_status = plqt_status_of_lack(errno);
    plqo_free(instance, lane);
    return NULL;
  }
  atomic_init(&lane->slot.cancelled, false);
  plqo_engine_init(&lane->engine, instance, -1, 1);
  plqo_operation_init(&lane->operation, instance, &lane->slot.cancelled);
  *out_status = PLQ_OK;
  return &lane->slot;
}

static void drop_lane(plqt_slot *slot) {
  plqo_lane *lane = lane_of(slot);
  plqo_instance *instance = lane->engine.instance;
  plqo_engine_clear(&lane->engine);
  plqo_operation_clear(&lane->operation);
  plqt_fds_close(&instance->fds, lane->wake_fd);
  plqo_free(instance, lane);
}

static void wake_lane(plqt_slot *slot) {
  plqt_wake_fd_set(lane_of(slot)->wake_fd);
}

static bool lane_is_open(const plqt_slot *slot, const plq_transport_target *target, bool busy) {
  const plqo_lane *lane = (const plqo_lane *)(const void *)slot;
  if (busy) return atomic_load(&lane->engine.conn_count) > 0;
  const plqo_conn *conn = lane->engine.idle;
  return conn && (!target || plqo_target_is(conn->target, target)) && plqo_now(conn->instance) < conn->idle_until_ns &&
         plqt_socket_is_open(conn->fd);
}

void plqo_lanes_setup(plqo_instance *instance) {
  plqt_pool *pool = &instance->pool;
  pool->owner = instance;
  pool->make = make_lane;
  pool->drop = drop_lane;
  pool->wake = wake_lane;
  pool->is_open = lane_is_open;
  pool->max = (uint32_t)instance->config.max_connections;
  pool->idle_ns = instance->config.connection_idle_ns;
  plqt_pool_init(pool);
}

/* ---- perform ---- */

int32_t plqo_perform(plq_transport_instance *handle, const plq_transport_request *request, const plq_transport_sink *sink,
                     plq_transport_error *error) {
  plqo_instance *instance = (plqo_instance *)handle;
  struct pollfd polls[POLLS_MAX];
  int32_t status;
  int os_errno;
  if (!plqt_request_valid(request, sink, error)) return error->status;
  int64_t began = plqo_now(instance);
  plqt_slot *slot = plqt_pool_take(&instance->pool, request->op, sink, request->deadline_ns, began, &status, &os_errno);
  if (!slot) {
    plqt_report_no_slot(instance->host, sink, began, status, os_errno);
    return PLQ_OK;
  }
  plqo_lane *lane = lane_of(slot);
  plqo_operation_begin(&lane->operation, &lane->engine, request, sink, false, began, plqo_now(instance));
  while (lane->operation.state != PLQO_OVER) step(&lane, 1, polls);
  slot->used_ns = plqo_now(instance);
  plqo_engine_bury(&lane->engine);
  plqo_operation_report(&lane->operation, slot->used_ns);
  plqt_pool_give_back(&instance->pool, slot);
  return PLQ_OK;
}

/* ---- prewarm ---- */

static void begin_warming(plqt_slot *slot, const plq_transport_request *request, const plq_transport_sink *sink, int64_t now) {
  plqo_lane *lane = lane_of(slot);
  plqo_operation_begin(&lane->operation, &lane->engine, request, sink, true, now, now);
}

static void step_warming(plqt_slot *const *slots, size_t count) {
  plqo_instance *instance = lane_of(slots[0])->engine.instance;
  struct pollfd *polls = plqo_alloc(instance, count * POLLS_MAX * sizeof *polls);
  if (polls) {
    step((plqo_lane *const *)(void *)slots, count, polls);
    plqo_free(instance, polls);
  } else {
    struct pollfd few[POLLS_MAX];
    plqo_lane *lane = lane_of(slots[0]);
    step(&lane, 1, few); /* one after the other, then */
  }
}

static bool finish_warming(plqt_slot *slot, int64_t now) {
  plqo_lane *lane = lane_of(slot);
  if (lane->operation.state != PLQO_OVER) return false;
  plqo_engine_bury(&lane->engine);
  plqo_operation_report(&lane->operation, now);
  return true;
}

int32_t plqo_prewarm(plq_transport_instance *handle, const plq_transport_target *target, uint32_t count, int64_t deadline_ns,
                     uint64_t op, const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open) {
  plqo_instance *instance = (plqo_instance *)handle;
  if (plqo_async_is_used(instance)) return plqo_async_prewarm(instance, target, count, deadline_ns, op, sink, error, out_open);
  const plqt_warming warming = {&instance->pool, instance->host, begin_warming, step_warming, finish_warming};
  return plqt_prewarm(&warming, target, count, deadline_ns, op, sink, error, out_open);
}
