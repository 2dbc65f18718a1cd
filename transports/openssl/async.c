/* SPDX-License-Identifier: MIT */
/* The half without blocking: the same operations, many on one engine, behind the inbox's epoll descriptor. */
#include <string.h>
#include <sys/epoll.h>

#include "plqo.h"

#define EVENTS_MAX 64
#define SPARE_MAX 64

static int32_t open_engine(plqo_instance *instance, int *out_errno) {
  int32_t status = plqt_inbox_open(&instance->inbox, out_errno);
  if (!status) instance->async.epoll_fd = instance->inbox.epoll_fd;
  return status;
}

int32_t plqo_event_fd(plq_transport_instance *handle) {
  plqo_instance *instance = (plqo_instance *)handle;
  int os_errno;
  return plqt_inbox_open(&instance->inbox, &os_errno) ? -1 : instance->inbox.epoll_fd;
}

void plqo_wake(plq_transport_instance *handle) {
  plqt_inbox_wake(&((plqo_instance *)handle)->inbox);
}

bool plqo_async_is_used(const plqo_instance *instance) {
  return atomic_load(&instance->inbox.open);
}

static plqo_operation *get_operation(plqo_instance *instance) {
  plqo_operation *op = instance->spare;
  if (op) {
    plqo_list_remove(&instance->spare, op);
    instance->spare_count--;
    return op;
  }
  op = plqo_alloc(instance, sizeof *op);
  if (op) plqo_operation_init(op, instance, NULL);
  return op;
}

static void put_operation(plqo_instance *instance, plqo_operation *op) {
  if (instance->spare_count < SPARE_MAX) {
    plqo_list_add(&instance->spare, op);
    instance->spare_count++;
    return;
  }
  plqo_operation_clear(op);
  plqo_free(instance, op);
}

int32_t plqo_submit(plq_transport_instance *handle, const plq_transport_request *request, const plq_transport_sink *sink,
                    plq_transport_error *error) {
  plqo_instance *instance = (plqo_instance *)handle;
  int os_errno = 0;
  if (!plqt_request_valid(request, sink, error)) return error->status;
  int32_t status = open_engine(instance, &os_errno);
  plqo_operation *op = status ? NULL : get_operation(instance);
  if (!op) {
    if (!status) status = PLQ_E_MEMORY;
    plqt_error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, os_errno, 0, "the operation cannot be set up");
    return status;
  }
  op->cancelled = &op->entry.cancelled;
  op->request = request;
  op->sink = sink;
  op->submitted_ns = plqo_now(instance);
  plqt_inbox_submit(&instance->inbox, &op->entry, request->op);
  return PLQ_OK;
}

/* ---- driving ---- */

static bool finish_over(plqo_instance *instance) {
  plqo_engine *engine = &instance->async;
  if (!engine->over) return false;
  int64_t now = plqo_now(instance);
  while (engine->over) {
    plqo_operation *op = engine->over;
    if (!op->prewarm) plqt_inbox_leave(&instance->inbox, &op->entry);
    plqo_operation_report(op, now);
    put_operation(instance, op);
  }
  return true;
}

static void step(plqo_operation *op, int64_t now) {
  int32_t status;
  plqo_operation_step(op, now);
  if (op->state != PLQO_OVER) plqt_timer_limit(&op->engine->timers, &op->timer, plqo_operation_next(op, &status));
}

static bool begin_submitted(plqo_instance *instance) {
  plqt_entry *entry;
  bool any = false;
  while ((entry = plqt_inbox_take(&instance->inbox))) {
    plqo_operation *op = (plqo_operation *)(void *)entry;
    int64_t now = plqo_now(instance);
    plqo_operation_begin(op, &instance->async, op->request, op->sink, false, op->submitted_ns, now);
    step(op, now);
    any = true;
  }
  return any;
}

/* Those that wait for a connection to become free, first come, first served. */
static void begin_waiting(plqo_engine *engine) {
  while (engine->waiting_first && (engine->idle || atomic_load(&engine->conn_count) < engine->conn_max)) {
    plqo_operation *op = engine->waiting_first;
    int64_t now = plqo_now(engine->instance);
    plqo_operation_find_conn(op, now);
    step(op, now);
  }
}

static void cancel(plqo_operation *op) {
  plqo_operation_end(op, PLQ_E_CANCELLED, plqo_operation_phase(op), NULL);
}

static void end_cancelled(plqo_instance *instance) {
  plqt_entry *entry;
  while ((entry = plqt_inbox_take_cancelled(&instance->inbox))) {
    if (entry != instance->warming) {
      cancel((plqo_operation *)(void *)entry);
      continue;
    }
    for (plqo_operation *op = instance->async.active, *next; op; op = next) {
      next = op->next;
      if (op->prewarm) cancel(op);
    }
  }
}

/* Whose limit has come, or may have: a timer is not put off when its operation makes progress. */
static void turn(plqo_engine *engine, int64_t now) {
  plqt_timer *timer;
  while ((timer = plqt_timers_take(&engine->timers, now)))
    step((plqo_operation *)(void *)((char *)timer - offsetof(plqo_operation, timer)), now);
}

static void end_lookups(plqo_engine *engine, int64_t now) {
  for (plqo_operation *op = engine->active, *next; op; op = next) {
    next = op->next;
    if (op->state == PLQO_RESOLVING) step(op, now);
  }
}

static void take_conn_event(plqo_engine *engine, plqo_conn *conn, uint32_t events, int64_t now) {
  if (conn->fd < 0) return; /* closed by an event before this one */
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) conn->ending = true;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) conn->may_read = true;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) conn->may_write = true;
  if (conn->op) {
    step(conn->op, now);
  } else if (conn->ending) {
    plqo_engine_drop_idle(engine, conn); /* an idle connection that the server has closed */
  }
}

static void take_event(plqo_instance *instance, const struct epoll_event *event, int64_t now) {
  if (event->data.u64 == UINT64_MAX) {
    end_lookups(&instance->async, now);
  } else if (!plqt_inbox_saw(&instance->inbox, event->data.u64)) {
    take_conn_event(&instance->async, event->data.ptr, event->events, now);
  }
}

/* What the inbox holds is looked at after the wait, which tells of it. */
static int wait_for_events(plqo_instance *instance, struct epoll_event *events, int64_t until) {
  plqt_inbox *inbox = &instance->inbox;
  int64_t now = plqo_now(instance), next = plqt_timers_next(&instance->async.timers);
  if (atomic_load(&inbox->submitted_count) || atomic_load(&inbox->cancelled_count)) until = 0;
  return plqt_inbox_wait(inbox, events, EVENTS_MAX, now, next < until ? next : until);
}

/* True: something was done. */
static bool round_once(plqo_instance *instance, int64_t until) {
  plqo_engine *engine = &instance->async;
  struct epoll_event events[EVENTS_MAX];
  int count = wait_for_events(instance, events, until);
  int64_t now = plqo_now(instance);
  /* An edge-triggered host sees no new edge for what was there before and did not fit. */
  if (count == EVENTS_MAX) plqt_inbox_signal(&instance->inbox);
  engine->looked_ns = count < EVENTS_MAX ? now : 0;
  for (int i = 0; i < count; i++) take_event(instance, &events[i], now);
  bool any = begin_submitted(instance);
  end_cancelled(instance);
  turn(engine, now);
  begin_waiting(engine);
  plqo_engine_bury(engine);
  return finish_over(instance) || any || count != 0;
}

int32_t plqo_drive(plq_transport_instance *handle, int64_t until_ns) {
  plqo_instance *instance = (plqo_instance *)handle;
  int os_errno;
  int32_t status = open_engine(instance, &os_errno);
  if (status) return status;
  while (!round_once(instance, until_ns) && plqo_now(instance) < until_ns) continue;
  plqt_inbox_arm(&instance->inbox, plqt_timers_next(&instance->async.timers));
  return PLQ_OK;
}

/* ---- prewarm ---- */

static bool is_warm(const plqo_conn *conn, const plq_transport_target *target, int64_t now) {
  return plqo_target_is(conn->target, target) && now < conn->idle_until_ns && plqt_socket_is_open(conn->fd);
}

static uint32_t count_open(void *owner, const plq_transport_target *target) {
  plqo_instance *instance = owner;
  const plqo_engine *engine = &instance->async;
  int64_t now = plqo_now(instance);
  uint32_t count = 0;
  for (const plqo_conn *conn = engine->idle; conn; conn = conn->next) count += is_warm(conn, target, now);
  for (const plqo_operation *op = engine->active; op; op = op->next)
    count += op->state >= PLQO_SENDING && plqo_target_is(op->target, target);
  return count;
}

/* An idle connection that was not counted gives way. */
static bool make_room(plqo_engine *engine, const plq_transport_target *target, int64_t now) {
  plqo_conn *conn = engine->idle;
  if (atomic_load(&engine->conn_count) < engine->conn_max) return true;
  while (conn && is_warm(conn, target, now)) conn = conn->next;
  if (conn) plqo_engine_drop_idle(engine, conn);
  return conn != NULL;
}

static int32_t begin_warming(void *owner, const plq_transport_request *request, const plq_transport_sink *sink,
                             const atomic_bool *cancelled) {
  plqo_instance *instance = owner;
  plqo_engine *engine = &instance->async;
  int64_t now = plqo_now(instance);
  if (!make_room(engine, request->target, now)) return PLQ_E_TIMEOUT_POOL;
  plqo_operation *op = get_operation(instance);
  if (!op) return PLQ_E_MEMORY;
  op->cancelled = cancelled;
  plqo_operation_begin(op, engine, request, sink, true, now, now);
  step(op, now);
  return PLQ_OK;
}

static void drive_warming(void *owner, int64_t until_ns) {
  plqo_drive(owner, until_ns);
}

int32_t plqo_async_prewarm(plqo_instance *instance, const plq_transport_target *target, uint32_t count, int64_t deadline_ns,
                           uint64_t op, const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open) {
  const plqt_async_warming warming = {.host = instance->host,
                                      .inbox = &instance->inbox,
                                      .owner = instance,
                                      .max = instance->async.conn_max,
                                      .warming = &instance->warming,
                                      .count_open = count_open,
                                      .begin = begin_warming,
                                      .drive = drive_warming};
  int os_errno;
  int32_t status = open_engine(instance, &os_errno);
  return status ? status : plqt_async_prewarm(&warming, target, count, deadline_ns, op, sink, error, out_open);
}

/* ---- the end ---- */

void plqo_async_clear(plqo_instance *instance) {
  plqo_engine *engine = &instance->async;
  plqt_entry *entry;
  if (engine->epoll_fd >= 0) {
    while ((entry = plqt_inbox_take(&instance->inbox))) {
      plqo_operation *op = (plqo_operation *)(void *)entry;
      atomic_store(&entry->cancelled, true);
      plqo_operation_begin(op, engine, op->request, op->sink, false, op->submitted_ns, plqo_now(instance));
    }
    while (engine->active) cancel(engine->active);
    finish_over(instance);
    plqo_engine_clear(engine);
  }
  while (instance->spare) {
    plqo_operation *op = instance->spare;
    plqo_list_remove(&instance->spare, op);
    plqo_operation_clear(op);
    plqo_free(instance, op);
  }
}
