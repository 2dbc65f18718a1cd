/* SPDX-License-Identifier: MIT */
/*
 * The half without blocking: the same operations, many on one engine, behind one epoll descriptor that also holds a timer and a
 * wake-up. libcurl is never called from submit, so submit may come from inside a callback.
 */
#include "plqc.h"

#include <sys/epoll.h>

#define EVENTS_MAX 64
#define SPARE_MAX 64

static int32_t open_engine(plqc_instance *instance, int *out_errno) {
  int32_t status = plqt_inbox_open(&instance->inbox, out_errno);
  if (status || instance->async_ready) return status;
  status = plqc_engine_init(&instance->async, instance, true, out_errno);
  instance->async_ready = status == PLQ_OK;
  return status;
}

int32_t plqc_event_fd(plq_transport_instance *handle) {
  plqc_instance *instance = (plqc_instance *)handle;
  int os_errno;
  return plqt_inbox_open(&instance->inbox, &os_errno) ? -1 : instance->inbox.epoll_fd;
}

void plqc_wake(plq_transport_instance *handle) {
  plqt_inbox_wake(&((plqc_instance *)handle)->inbox);
}

static plqc_operation *get_operation(plqc_instance *instance) {
  plqc_operation *op = instance->spare;
  if (op) {
    plqc_list_remove(&instance->spare, op);
    instance->spare_count--;
    return op;
  }
  op = plqc_alloc(instance, sizeof *op);
  if (!op) return NULL;
  if (plqc_operation_init(op, instance, &op->entry.cancelled)) return op;
  plqc_operation_clear(op);
  plqc_free(instance, op);
  return NULL;
}

static void put_operation(plqc_instance *instance, plqc_operation *op) {
  if (instance->spare_count < SPARE_MAX) {
    plqc_list_add(&instance->spare, op);
    instance->spare_count++;
    return;
  }
  plqc_operation_clear(op);
  plqc_free(instance, op);
}

int32_t plqc_submit(plq_transport_instance *handle, const plq_transport_request *request, const plq_transport_sink *sink,
                    plq_transport_error *error) {
  plqc_instance *instance = (plqc_instance *)handle;
  int os_errno;
  if (!plqc_request_valid(request, sink, error)) return error->status;
  int32_t status = open_engine(instance, &os_errno);
  plqc_operation *op = status ? NULL : get_operation(instance);
  if (!op) {
    if (!status) status = PLQ_E_MEMORY;
    plqt_error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, os_errno, 0, "the operation cannot be set up");
    return status;
  }
  plqc_operation_reset(op, request, sink, plqc_now(instance));
  plqt_inbox_submit(&instance->inbox, &op->entry, request->op);
  return PLQ_OK;
}

static void finish(plqc_instance *instance, plqc_operation *op, int64_t now) {
  plqt_inbox_leave(&instance->inbox, &op->entry);
  plqc_operation_report(op, now);
  put_operation(instance, op);
}

static bool finish_over(plqc_instance *instance) {
  bool any = instance->async.over != NULL;
  while (instance->async.over) finish(instance, instance->async.over, plqc_now(instance));
  return any;
}

static plqc_operation *take_submitted(plqc_instance *instance) {
  return (plqc_operation *)(void *)plqt_inbox_take(&instance->inbox);
}

static bool begin_submitted(plqc_instance *instance) {
  plqc_operation *op;
  bool any = false;
  while ((op = take_submitted(instance))) {
    plqc_operation_begin(op, &instance->async, plqc_now(instance));
    any = true;
  }
  return any;
}

static void take_event(plqc_instance *instance, const struct epoll_event *event) {
  plqt_inbox *inbox = &instance->inbox;
  plqc_engine *engine = &instance->async;
  if (event->data.u64 == PLQC_LOOKUP_EVENT) {
    engine->limit_at = 0;
  } else if (event->data.u64 == (uint64_t)inbox->wake_fd || event->data.u64 == (uint64_t)inbox->timer_fd) {
    plqt_inbox_drain(inbox, (int)event->data.u64);
  } else {
    int poll_events = (event->events & EPOLLIN ? POLLIN : 0) | (event->events & EPOLLOUT ? POLLOUT : 0) |
                      (event->events & (EPOLLERR | EPOLLHUP) ? POLLERR : 0);
    plqc_engine_socket(engine, (curl_socket_t)event->data.u64, plqc_poll_mask(poll_events));
  }
}

/* One round; true: something was done. */
static bool round_once(plqc_instance *instance, int64_t until) {
  plqc_engine *engine = &instance->async;
  struct epoll_event events[EVENTS_MAX];
  bool any = begin_submitted(instance);
  if (atomic_exchange(&instance->inbox.cancel_pending, false)) engine->limit_at = 0;
  int64_t now = plqc_now(instance);
  int64_t next = plqc_engine_next(engine);
  if (any || engine->over || next <= now) until = 0;
  int count = plqt_inbox_wait(&instance->inbox, events, EVENTS_MAX, now, next < until ? next : until);
  for (int i = 0; i < count; i++) take_event(instance, &events[i]);
  if (atomic_exchange(&instance->inbox.cancel_pending, false)) engine->limit_at = 0;
  now = plqc_now(instance);
  if (plqc_engine_next(engine) <= now) any = true;
  plqc_engine_turn(engine, now);
  return finish_over(instance) || any || count > 0;
}

/*
 * Goes on until a round finds nothing, but not for ever: an edge-triggered host sees no new edge for what was there before, so
 * what is left after that announces itself by the wake-up descriptor.
 */
int32_t plqc_drive(plq_transport_instance *handle, int64_t until_ns) {
  plqc_instance *instance = (plqc_instance *)handle;
  int os_errno, rounds = 0;
  int32_t status = open_engine(instance, &os_errno);
  if (status) return status;
  if (atomic_exchange(&instance->inbox.wake_pending, false)) until_ns = 0;
  while (rounds < 8 && round_once(instance, until_ns)) {
    until_ns = 0;
    rounds++;
  }
  atomic_store(&instance->inbox.wake_pending, false);
  if (rounds == 8) plqt_wake_fd_set(instance->inbox.wake_fd);
  plqt_inbox_arm(&instance->inbox, plqc_engine_next(&instance->async));
  return PLQ_OK;
}

void plqc_async_clear(plqc_instance *instance) {
  plqc_operation *op;
  if (instance->async_ready) {
    while ((op = take_submitted(instance))) {
      op->verdict = PLQ_E_CANCELLED;
      op->verdict_phase = PLQ_PHASE_CONNECT;
      finish(instance, op, plqc_now(instance));
    }
    while (instance->async.active)
      plqc_operation_stop(instance->async.active, PLQ_E_CANCELLED, plqc_phase(instance->async.active));
    finish_over(instance);
    plqc_engine_clear(&instance->async);
  }
  while ((op = instance->spare)) {
    plqc_list_remove(&instance->spare, op);
    plqc_operation_clear(op);
    plqc_free(instance, op);
  }
}
