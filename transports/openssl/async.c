/* SPDX-License-Identifier: MIT */
/* The half without blocking: the same operations, many on one engine, behind the inbox's epoll descriptor. */
#include <string.h>
#include <sys/epoll.h>

#include "plqo.h"

#define EVENTS_MAX 64
#define SPARE_MAX 64
#define ROUNDS_MAX 8

static int32_t open_engine(plqo_instance *instance, int *out_errno) {
  int32_t status = plqt_inbox_open(&instance->inbox, out_errno);
  if (status || instance->async_ready) return status;
  plqo_engine_init(&instance->async, instance, instance->inbox.epoll_fd, (uint32_t)instance->config.max_connections);
  instance->async_ready = true;
  return PLQ_OK;
}

int32_t plqo_event_fd(plq_transport_instance *handle) {
  plqo_instance *instance = (plqo_instance *)handle;
  int os_errno;
  return plqt_inbox_open(&instance->inbox, &os_errno) ? -1 : instance->inbox.epoll_fd;
}

void plqo_wake(plq_transport_instance *handle) {
  plqt_inbox_wake(&((plqo_instance *)handle)->inbox);
}

static plqo_operation *get_operation(plqo_instance *instance) {
  plqo_operation *op = instance->spare;
  if (op) {
    plqo_list_remove(&instance->spare, op);
    instance->spare_count--;
    return op;
  }
  op = plqo_alloc(instance, sizeof *op);
  if (op) plqo_operation_init(op, instance, &op->entry.cancelled);
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
  op->request = request;
  op->sink = sink;
  op->submitted_ns = plqo_now(instance);
  plqt_inbox_submit(&instance->inbox, &op->entry, request->op);
  return PLQ_OK;
}

static bool finish_over(plqo_instance *instance) {
  plqo_engine *engine = &instance->async;
  bool any = engine->over != NULL;
  while (engine->over) {
    plqo_operation *op = engine->over;
    plqt_inbox_leave(&instance->inbox, &op->entry);
    plqo_operation_report(op, plqo_now(instance));
    put_operation(instance, op);
  }
  return any;
}

static bool begin_submitted(plqo_instance *instance) {
  plqt_entry *entry;
  bool any = false;
  while ((entry = plqt_inbox_take(&instance->inbox))) {
    plqo_operation *op = (plqo_operation *)(void *)entry;
    plqo_operation_begin(op, &instance->async, op->request, op->sink, false, op->submitted_ns, plqo_now(instance));
    plqo_operation_step(op, plqo_now(instance));
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
    plqo_operation_step(op, now);
  }
}

static void take_conn_event(plqo_engine *engine, plqo_conn *conn, uint32_t events, int64_t now) {
  for (const plqo_conn *closed = engine->closed; closed; closed = closed->next)
    if (closed == conn) return; /* by an event before this one */
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) conn->ending = true;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) conn->may_read = true;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) conn->may_write = true;
  if (conn->op) {
    plqo_operation_step(conn->op, now);
  } else if (conn->ending) {
    plqo_engine_drop_idle(engine, conn); /* an idle connection that the server has closed */
  }
}

static void take_event(plqo_instance *instance, const struct epoll_event *event, int64_t now) {
  plqt_inbox *inbox = &instance->inbox;
  if (event->data.u64 == UINT64_MAX) {
    instance->async.limit_at = 0; /* a look-up is over: whose, the steps tell */
  } else if (event->data.u64 == (uint64_t)inbox->wake_fd || event->data.u64 == (uint64_t)inbox->timer_fd) {
    plqt_inbox_drain(inbox, (int)event->data.u64);
  } else {
    take_conn_event(&instance->async, event->data.ptr, event->events, now);
  }
}

/* One round; true: something was done. */
static bool round_once(plqo_instance *instance, int64_t until) {
  plqo_engine *engine = &instance->async;
  struct epoll_event events[EVENTS_MAX];
  bool any = begin_submitted(instance);
  if (atomic_exchange(&instance->inbox.cancel_pending, false)) engine->limit_at = 0;
  int64_t now = plqo_now(instance);
  if (any || engine->over || engine->limit_at <= now) until = 0;
  int count = plqt_inbox_wait(&instance->inbox, events, EVENTS_MAX, now, engine->limit_at < until ? engine->limit_at : until);
  now = plqo_now(instance);
  for (int i = 0; i < count; i++) take_event(instance, &events[i], now);
  if (atomic_exchange(&instance->inbox.cancel_pending, false)) engine->limit_at = 0;
  if (engine->limit_at <= now) any = true;
  plqo_engine_turn(engine, now);
  begin_waiting(engine);
  plqo_engine_bury(engine);
  return finish_over(instance) || any || count > 0;
}

/*
 * Goes on until a round finds nothing, but not for ever: an edge-triggered host sees no new edge for what was there before, so
 * what is left after that announces itself by the wake-up descriptor.
 */
int32_t plqo_drive(plq_transport_instance *handle, int64_t until_ns) {
  plqo_instance *instance = (plqo_instance *)handle;
  int os_errno, rounds = 0;
  int32_t status = open_engine(instance, &os_errno);
  if (status) return status;
  if (atomic_exchange(&instance->inbox.wake_pending, false)) until_ns = 0;
  while (rounds < ROUNDS_MAX && round_once(instance, until_ns)) {
    until_ns = 0;
    rounds++;
  }
  atomic_store(&instance->inbox.wake_pending, false);
  if (rounds == ROUNDS_MAX) plqt_wake_fd_set(instance->inbox.wake_fd);
  plqt_inbox_arm(&instance->inbox, instance->async.limit_at);
  return PLQ_OK;
}

void plqo_async_clear(plqo_instance *instance) {
  plqo_engine *engine = &instance->async;
  plqt_entry *entry;
  if (instance->async_ready) {
    while ((entry = plqt_inbox_take(&instance->inbox))) {
      plqo_operation *op = (plqo_operation *)(void *)entry;
      atomic_store(&entry->cancelled, true);
      plqo_operation_begin(op, engine, op->request, op->sink, false, op->submitted_ns, plqo_now(instance));
    }
    while (engine->active) plqo_operation_end(engine->active, PLQ_E_CANCELLED, plqo_operation_phase(engine->active), NULL);
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
